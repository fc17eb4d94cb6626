//! `NAME.toml` beside a plugin: its settings, its limits and its pin; and settings as JSON, as cases have them.

use crate::limits::Limits;
use crate::names::did_you_mean;
use integrator_core::plugin::{PluginError, PluginSettings, SETTING_VALUES, settings_from_toml};
use serde::Deserialize;

/// What lies beside a plugin.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Beside {
    /// The text that it was read from; empty where there is no such file.
    pub text: String,
    /// The SHA-256 that the plugin's file must have, as 64 lower-case hexadecimal digits.
    pub sha256: Option<String>,
    /// `[settings]`
    pub settings: PluginSettings,
    /// `[limits]`
    pub limits: Limits,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wire {
    sha256: Option<String>,
    #[serde(default)]
    settings: toml::Table,
    #[serde(default)]
    limits: WireLimits,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct WireLimits {
    time_milliseconds: Option<u32>,
    memory_mebibytes: Option<u32>,
    log_lines: Option<u32>,
    host_calls: Option<u32>,
    operations: Option<u64>,
    failures_percent: Option<u8>,
}

const KEYS: [&str; 9] = [
    "sha256",
    "settings",
    "limits",
    "time_milliseconds",
    "memory_mebibytes",
    "log_lines",
    "host_calls",
    "operations",
    "failures_percent",
];

/// Reads the text of `plugins/NAME.toml`.
pub fn read_beside(name: &str, text: &str) -> Result<Beside, PluginError> {
    let refuse = |place: &str, what: &str, hint: &str| PluginError {
        message: format!("plugins/{name}.toml{place}: {what}"),
        hint: hint.to_owned(),
    };
    let wire: Wire = toml::from_str(text).map_err(|error| {
        let place = error.span().map_or_else(String::new, |span| place(text, span.start));
        let said = error.message().trim();
        let unknown = said.strip_prefix("unknown field `").and_then(|rest| rest.split('`').next());
        let hint = unknown.and_then(|key| did_you_mean(key, KEYS.into_iter())).unwrap_or_else(|| {
            "it may have `sha256`, `[settings]` and `[limits]`; a plugin's own settings stand in `[settings]`".to_owned()
        });
        refuse(&place, &said.replace('\n', " "), &hint)
    })?;
    let at_key = |key: &str| text.find(key).map_or_else(String::new, |offset| place(text, offset));
    let sha256 = wire.sha256.map(|pin| pin.trim().to_ascii_lowercase());
    if let Some(pin) = &sha256
        && (pin.len() != 64 || !pin.chars().all(|c| c.is_ascii_hexdigit()))
    {
        let hint = format!("write the file's SHA-256 as 64 hexadecimal digits; `plugin pin {name}` does it");
        return Err(refuse(&at_key("sha256"), "`sha256` is no SHA-256", &hint));
    }
    let usual = Limits::default();
    let given = wire.limits;
    let limits = Limits {
        time_milliseconds: given.time_milliseconds.unwrap_or(usual.time_milliseconds),
        memory_mebibytes: given.memory_mebibytes.unwrap_or(usual.memory_mebibytes),
        log_lines: given.log_lines.unwrap_or(usual.log_lines),
        host_calls: given.host_calls.unwrap_or(usual.host_calls),
        operations: given.operations.unwrap_or(usual.operations),
        failures_percent: given.failures_percent.unwrap_or(usual.failures_percent),
    };
    for (key, value, most) in [
        ("time_milliseconds", u64::from(limits.time_milliseconds), 60_000),
        ("memory_mebibytes", u64::from(limits.memory_mebibytes), 4_096),
        ("operations", limits.operations, 1_000_000_000_000),
    ] {
        if value == 0 || value > most {
            return Err(refuse(
                &at_key(key),
                &format!("`{key}` is {value}"),
                &format!("give a number from 1 to {most}"),
            ));
        }
    }
    if limits.failures_percent > 100 {
        let what = format!("`failures_percent` is {}", limits.failures_percent);
        return Err(refuse(&at_key("failures_percent"), &what, "give a share from 0 to 100"));
    }
    let settings = settings_from_toml(&wire.settings, "settings").map_err(|bad| {
        let key = bad.name.rsplit('.').next().unwrap_or_default();
        refuse(&at_key(key), &bad.to_string(), SETTING_VALUES)
    })?;
    Ok(Beside { text: text.to_owned(), sha256, settings, limits })
}

fn place(text: &str, offset: usize) -> String {
    let before = text.get(..offset).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().map_or(0, |line| line.chars().count()) + 1;
    format!(":{line}:{column}")
}

/// Settings as JSON has them, by the same rules; what is wrong with them otherwise.
pub(crate) fn from_json(
    object: &serde_json::Map<String, serde_json::Value>,
) -> Result<PluginSettings, String> {
    let mut plain = object.clone();
    plain.retain(|_, value| !value.is_null());
    let table = toml::Table::try_from(&plain).map_err(|error| error.to_string())?;
    settings_from_toml(&table, "settings").map_err(|bad| bad.to_string())
}
