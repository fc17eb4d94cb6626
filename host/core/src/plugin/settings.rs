//! A plugin's settings, from the TOML in which people write them: beside the plugin, and in a connection.

use crate::model::Value;
use crate::model::value::parse_time;
use chrono::DateTime;
use std::collections::BTreeMap;

/// A plugin's settings, by name.
pub type PluginSettings = BTreeMap<String, PluginSetting>;

/// One setting of a plugin.
#[derive(Clone, Debug, PartialEq)]
pub enum PluginSetting {
    /// A value.
    Value(Value),
    /// More settings.
    Table(PluginSettings),
}

/// A setting that no plugin can be given.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{name}` {problem}")]
pub struct BadSetting {
    /// Its dotted name.
    pub name: String,
    /// What is wrong with it.
    pub problem: &'static str,
}

/// What a setting can be, for whoever wrote another thing.
pub const SETTING_VALUES: &str =
    "a setting is a text, a number, true or false, a date, a list of texts, a table, or a list of tables";

/// Puts settings over others, key by key; a table in both is joined in the same way.
pub fn join(settings: &mut PluginSettings, over: &PluginSettings) {
    for (name, setting) in over {
        match (settings.get_mut(name), setting) {
            (Some(PluginSetting::Table(table)), PluginSetting::Table(over)) => join(table, over),
            _ => {
                settings.insert(name.clone(), setting.clone());
            }
        }
    }
}

/// Settings as TOML has them. An empty text is no value; a list of tables becomes a table whose keys, `001` and so
/// on, keep its order. `path` begins the dotted names of what is wrong.
pub fn settings_from_toml(table: &toml::Table, path: &str) -> Result<PluginSettings, BadSetting> {
    let mut settings = PluginSettings::new();
    for (name, value) in table {
        let below = format!("{path}.{name}");
        if let Some(setting) = setting(value, &below)? {
            settings.insert(name.clone(), setting);
        }
    }
    Ok(settings)
}

fn setting(value: &toml::Value, path: &str) -> Result<Option<PluginSetting>, BadSetting> {
    let bad = |problem| BadSetting { name: path.to_owned(), problem };
    let value = match value {
        toml::Value::Table(table) => {
            return Ok(Some(PluginSetting::Table(settings_from_toml(table, path)?)));
        }
        toml::Value::Array(items) if items.iter().any(toml::Value::is_table) => {
            let mut tables = PluginSettings::new();
            for (number, item) in (1..).zip(items) {
                let toml::Value::Table(table) = item else {
                    return Err(bad("mixes tables and other things"));
                };
                let inner = settings_from_toml(table, path)?;
                tables.insert(format!("{number:03}"), PluginSetting::Table(inner));
            }
            return Ok(Some(PluginSetting::Table(tables)));
        }
        toml::Value::Array(items) => {
            let text = |item: &toml::Value| match item {
                toml::Value::String(text) => Ok(text.clone()),
                toml::Value::Array(_) => Err(bad("holds a list in a list")),
                other => Ok(other.to_string()),
            };
            Some(Value::List(items.iter().map(text).collect::<Result<_, _>>()?))
        }
        toml::Value::String(text) => Value::from_text(text.as_str()),
        toml::Value::Integer(number) => Some(Value::Whole(*number)),
        toml::Value::Float(number) if number.is_finite() => Some(Value::Decimal(*number)),
        toml::Value::Float(_) => return Err(bad("is no number")),
        toml::Value::Boolean(flag) => Some(Value::Flag(*flag)),
        toml::Value::Datetime(time) => {
            let time = parse_time(&time.to_string()).ok_or_else(|| bad("is a time without a date"))?;
            // What a plugin is shown counts milliseconds.
            Some(Value::Time(DateTime::from_timestamp_millis(time.timestamp_millis()).unwrap_or(time)))
        }
    };
    Ok(value.map(PluginSetting::Value))
}
