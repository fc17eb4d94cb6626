//! The asset type of a device by its chassis: what the integrator asks and shows. The rules are in [`chassis`].

mod chassis;

use chassis::{Because, Seen};

wit_bindgen::generate!({ path: "../../wit/v1", world: "asset-type-rule" });

use halo::integrator::settings;
use halo::integrator::types::{Setting, Value};

struct Rule;

export!(Rule);

impl Guest for Rule {
    fn describe() -> Description {
        Description {
            summary: "The chassis by model, manufacturer and operating system: Laptop, Desktop, Tablet, Phone, \
                      Server or Virtual Machine"
                .into(),
            properties: vec!["model".into(), "manufacturer".into(), "operatingSystem".into()],
            settings: vec![Setting {
                name: "models".into(),
                summary: "a table from the beginning of a model's name to a type; it goes first, the longest \
                          beginning before shorter ones"
                    .into(),
                required: false,
            }],
        }
    }

    fn asset_type(device: &Device) -> Result<TypeAnswer, String> {
        let [model, manufacturer, system] =
            ["model", "manufacturer", "operatingSystem"].map(|property| text(device, property));
        if let Some((beginning, named)) = by_settings(&model)? {
            return Ok(TypeAnswer { asset_type: Some(named), reason: Some(format!("models.\"{beginning}\"")) });
        }
        let seen = Seen { model: &model, manufacturer: &manufacturer, system: &system };
        Ok(match chassis::of(&seen) {
            Some((chassis, because)) => {
                let reason = match because {
                    Because::Model => format!("model {model}"),
                    Because::Manufacturer => format!("manufacturer {manufacturer}"),
                    Because::System => format!("operating system {system}"),
                };
                TypeAnswer { asset_type: Some(chassis.name().into()), reason: Some(reason) }
            }
            None => TypeAnswer { asset_type: None, reason: None },
        })
    }
}

/// A property as a text; empty where there is none.
fn text(device: &Device, property: &str) -> String {
    match device.get(property) {
        Some(Value::Text(text)) => text,
        _ => String::new(),
    }
}

/// The entry of `models` with the longest beginning that fits.
fn by_settings(model: &str) -> Result<Option<(String, String)>, String> {
    let mut longest: Option<(String, String)> = None;
    for (beginning, value) in settings::table("models") {
        let Value::Text(named) = value else {
            return Err(format!("the setting models.\"{beginning}\" is not the name of a type"));
        };
        let longer = longest.as_ref().is_none_or(|(known, _)| beginning.len() > known.len());
        if longer && chassis::begins(model, &beginning) {
            longest = Some((beginning, named));
        }
    }
    Ok(longest)
}
