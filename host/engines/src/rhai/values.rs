//! Values of the core as values of scripts, and back.

use super::moment::Moment;
use integrator_core::model::Value;
use integrator_core::plugin::{PluginSetting, PluginSettings};
use rhai::{Array, Dynamic, ImmutableString, Map};

/// A value as a script sees it; none is `()`.
pub(super) fn to_dynamic(value: Option<&Value>) -> Dynamic {
    match value {
        None => Dynamic::UNIT,
        Some(Value::Text(text)) => Dynamic::from(ImmutableString::from(text.as_str())),
        Some(Value::Whole(number)) => Dynamic::from_int(*number),
        Some(Value::Decimal(number)) => Dynamic::from_float(*number),
        Some(Value::Flag(flag)) => Dynamic::from_bool(*flag),
        Some(Value::Time(time)) => Dynamic::from(Moment(*time)),
        Some(Value::List(items)) => {
            let items: Array = items.iter().map(|item| Dynamic::from(item.clone())).collect();
            Dynamic::from_array(items)
        }
    }
}

/// What a script made, as a value: none for `()` and for a text without content; else what it is instead.
pub(super) fn from_dynamic(value: &Dynamic) -> Result<Option<Value>, String> {
    if value.is_unit() {
        return Ok(None);
    }
    if let Ok(number) = value.as_int() {
        return Ok(Some(Value::Whole(number)));
    }
    if let Ok(flag) = value.as_bool() {
        return Ok(Some(Value::Flag(flag)));
    }
    if let Ok(number) = value.as_float() {
        return if number.is_finite() {
            Ok(Some(Value::Decimal(number)))
        } else {
            Err("a number that is none (a division by zero?)".to_owned())
        };
    }
    if let Some(text) = text(value) {
        return Ok(Value::from_text(text));
    }
    if let Some(moment) = value.read_lock::<Moment>() {
        return Ok(Some(Value::Time(moment.0)));
    }
    if let Some(items) = value.read_lock::<Array>() {
        let texts: Option<Vec<String>> = items.iter().map(text).collect();
        return match texts {
            Some(texts) if texts.is_empty() => Ok(None),
            Some(texts) => Ok(Some(Value::List(texts))),
            None => Err("a list with something in it that is no text".to_owned()),
        };
    }
    Err(named(value))
}

/// A text, or a single character.
pub(super) fn text(value: &Dynamic) -> Option<String> {
    match value.as_immutable_string_ref() {
        Ok(text) => Some(text.to_string()),
        Err(_) => value.as_char().ok().map(String::from),
    }
}

/// What a value is, in words.
pub(super) fn named(value: &Dynamic) -> String {
    match value.type_name() {
        "()" => "nothing, `()`".to_owned(),
        "i64" => "a whole number".to_owned(),
        "f64" => "a number with a fraction".to_owned(),
        "bool" => "true or false".to_owned(),
        "string" | "char" => "a text".to_owned(),
        "array" => "a list".to_owned(),
        "map" => "a table".to_owned(),
        "Fn" => "a function".to_owned(),
        name => format!("a {}", name.rsplit("::").next().unwrap_or(name).to_lowercase()),
    }
}

/// The settings as a table.
pub(super) fn table(settings: &PluginSettings) -> Map {
    settings.iter().map(|(name, setting)| (name.as_str().into(), one(setting))).collect()
}

fn one(setting: &PluginSetting) -> Dynamic {
    match setting {
        PluginSetting::Value(value) => to_dynamic(Some(value)),
        PluginSetting::Table(settings) => Dynamic::from_map(table(settings)),
    }
}
