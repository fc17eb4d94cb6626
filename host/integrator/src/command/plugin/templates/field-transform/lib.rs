//! Writes texts in upper case and without blanks around them, and takes placeholders for no value.

wit_bindgen::generate!({ path: "wit", world: "field-transform" });

use halo::integrator::log::{Level, write};
use halo::integrator::settings;
use halo::integrator::types::{Change, Setting};

struct Plugin;

impl Guest for Plugin {
    fn describe() -> Description {
        Description {
            summary: "Upper case without blanks around it; placeholders are no value".to_owned(),
            properties: vec!["manufacturer".to_owned()],
            settings: vec![Setting {
                name: "placeholders".to_owned(),
                summary: "texts that stand for no value, in upper case".to_owned(),
                required: true,
            }],
        }
    }

    fn transform(device: &Device, field: String, value: Option<Value>) -> Result<FieldAnswer, String> {
        let Some(Value::Text(text)) = value else {
            return Ok(FieldAnswer { change: Change::Leave, reason: None });
        };
        let Some(Value::Texts(placeholders)) = settings::get("placeholders") else {
            return Err("the setting `placeholders` must be a list of texts".to_owned());
        };
        let text = text.trim().to_uppercase();
        if placeholders.contains(&text) {
            let maker = match device.get("manufacturer") {
                Some(Value::Text(maker)) => maker,
                _ => "an unknown manufacturer".to_owned(),
            };
            write(Level::Debug, &format!("{field} holds a placeholder"));
            let reason = Some(format!("{text} is a placeholder of {maker}"));
            return Ok(FieldAnswer { change: Change::Clear, reason });
        }
        Ok(FieldAnswer { change: Change::Set(Value::Text(text)), reason: None })
    }
}

export!(Plugin);
