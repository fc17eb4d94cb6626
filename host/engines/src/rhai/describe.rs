//! What a script says of itself: `describe()`.

use super::call::shown;
use super::scan::{exact, unknown};
use super::values::{named, text};
use integrator_core::model::property::{PROPERTIES, Property};
use integrator_core::plugin::SettingAbout;
use rhai::{Array, Dynamic, Map};

/// What `describe` returned.
#[derive(Debug, Default)]
pub(super) struct Description {
    pub(super) summary: Option<String>,
    /// None where it does not say: then the text tells.
    pub(super) properties: Option<Vec<&'static Property>>,
    pub(super) settings: Option<Vec<SettingAbout>>,
}

/// Reads what `describe` returned, or says what is wrong with it and the way out.
pub(super) fn read(returned: &Dynamic) -> Result<Description, (String, String)> {
    let hint = "return `#{ summary: \"…\", properties: [\"…\"], settings: [#{ name: \"…\", summary: \"…\", required: false }] }`";
    let wrong = |what: String| (format!("describe() {what}"), hint.to_owned());
    let Some(map) = returned.read_lock::<Map>() else {
        return Err(wrong(format!("returned {}, not a table", named(returned))));
    };
    let mut description = Description::default();
    for (key, value) in map.iter() {
        match key.as_str() {
            "summary" => {
                let summary =
                    text(value).ok_or_else(|| wrong(format!("has a summary that is {}", named(value))))?;
                description.summary = Some(shown(&summary)).filter(|summary| !summary.is_empty());
            }
            "properties" => {
                let names = list(value).ok_or_else(|| wrong("has properties that are no list".to_owned()))?;
                let mut found = Vec::new();
                for name in names {
                    let name =
                        text(&name).ok_or_else(|| wrong(format!("lists {} as a property", named(&name))))?;
                    let property = exact(&name).ok_or_else(|| {
                        let (message, hint) = unknown(&name);
                        (format!("describe() is wrong: {message}"), hint)
                    })?;
                    found.push(property.name);
                }
                description.properties =
                    Some(PROPERTIES.iter().filter(|property| found.contains(&property.name)).collect());
            }
            "settings" => {
                let settings =
                    list(value).ok_or_else(|| wrong("has settings that are no list".to_owned()))?;
                description.settings =
                    Some(settings.iter().map(setting).collect::<Result<_, _>>().map_err(wrong)?);
            }
            other => return Err(wrong(format!("returned a table with `{}`", shown(other)))),
        }
    }
    Ok(description)
}

fn list(value: &Dynamic) -> Option<Array> {
    value.read_lock::<Array>().map(|list| list.clone())
}

fn setting(value: &Dynamic) -> Result<SettingAbout, String> {
    if let Some(name) = text(value) {
        return Ok(SettingAbout { name, summary: String::new(), required: false });
    }
    let Some(map) = value.read_lock::<Map>() else {
        return Err(format!("lists {} as a setting", named(value)));
    };
    let mut about = SettingAbout { name: String::new(), summary: String::new(), required: false };
    for (key, value) in map.iter() {
        let odd = || format!("has a setting whose `{}` is {}", shown(key), named(value));
        match key.as_str() {
            "name" => about.name = text(value).ok_or_else(odd)?,
            "summary" => about.summary = shown(&text(value).ok_or_else(odd)?),
            "required" => about.required = value.as_bool().map_err(|_| odd())?,
            other => return Err(format!("has a setting with `{}`", shown(other))),
        }
    }
    if about.name.is_empty() { Err("has a setting without a name".to_owned()) } else { Ok(about) }
}
