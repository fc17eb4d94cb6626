//! Names the asset type of devices whose model contains one of the words in the settings.

wit_bindgen::generate!({ path: "wit", world: "asset-type-rule" });

use halo::integrator::log::{Level, write};
use halo::integrator::settings;
use halo::integrator::types::{Setting, Value};

struct Plugin;

impl Guest for Plugin {
    fn describe() -> Description {
        let setting = |name: &str, summary: &str| Setting {
            name: name.to_owned(),
            summary: summary.to_owned(),
            required: true,
        };
        Description {
            summary: "The type of devices whose model contains a word".to_owned(),
            properties: vec!["model".to_owned()],
            settings: vec![setting("type", "the asset type"), setting("words", "words in the model")],
        }
    }

    fn asset_type(device: &Device) -> Result<TypeAnswer, String> {
        let none = TypeAnswer { asset_type: None, reason: None };
        let Some(Value::Text(model)) = device.get("model") else { return Ok(none) };
        let Some(Value::Text(asset_type)) = settings::get("type") else {
            return Err("the setting `type` must be a text".to_owned());
        };
        let Some(Value::Texts(words)) = settings::get("words") else {
            return Err("the setting `words` must be a list of texts".to_owned());
        };
        let lower = model.to_lowercase();
        let Some(word) = words.iter().find(|word| lower.contains(&word.to_lowercase())) else { return Ok(none) };
        write(Level::Debug, &format!("{model} is a {asset_type}"));
        Ok(TypeAnswer { asset_type: Some(asset_type), reason: Some(format!("the model names {word}")) })
    }
}

export!(Plugin);
