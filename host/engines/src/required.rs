//! Whether a plugin was given the settings that it cannot work without.

use crate::names::did_you_mean;
use integrator_core::plugin::{About, PluginError, PluginSetting, PluginSettings};

/// Refuses a plugin, which messages call `subject`, without a setting that it needs.
pub(crate) fn check(subject: &str, about: &About, settings: &PluginSettings) -> Result<(), PluginError> {
    let missing = about.settings.iter().find(|setting| setting.required && !has(settings, &setting.name));
    let Some(missing) = missing else { return Ok(()) };
    // One that is set and not read may be this one, misspelt.
    let unread = settings.keys().filter(|key| !about.settings.iter().any(|read| read.name == **key));
    let near = unread.filter(|key| did_you_mean(&missing.name, std::iter::once(key.as_str())).is_some());
    let hint = match near.min() {
        Some(near) => {
            format!("`{near}` is set, which the plugin does not read: did you mean `{}`?", missing.name)
        }
        None => format!("set it in `[settings]` of `{}.toml`, beside the plugin", about.name),
    };
    Err(PluginError {
        message: format!(
            "{subject} needs the setting `{}`, which is not set: {}",
            missing.name, missing.summary
        ),
        hint,
    })
}

/// Whether a setting is there, by its dotted name.
fn has(settings: &PluginSettings, name: &str) -> bool {
    if settings.contains_key(name) {
        return true;
    }
    match name.split_once('.') {
        Some((table, rest)) => {
            matches!(settings.get(table), Some(PluginSetting::Table(inner)) if has(inner, rest))
        }
        None => false,
    }
}
