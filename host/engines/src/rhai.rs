//! Rhai scripts and expressions as plugins. The only place that names rhai.
//!
//! A script is compiled once and shared; each call gets its own scope and its own count of operations. What a script
//! can reach is what is registered here: pure functions, the device, its settings and a log. Knows no folder and no
//! run.

mod answer;
mod call;
mod describe;
mod device;
mod engine;
mod fault;
mod functions;
mod moment;
mod plugin;
mod scan;
mod values;

use crate::limits::Limits;
use integrator_core::plugin::{About, Plugin, PluginError, PluginKind, PluginSettings};
use std::sync::Arc;

/// The longest script that is read, in bytes.
const LONGEST_SCRIPT: usize = 1024 * 1024;

/// Compiles a script and judges it: its kind by the function that it defines, its properties by `describe` or by what
/// its text names.
pub fn load(
    name: &str,
    bytes: &[u8],
    settings: &PluginSettings,
    limits: &Limits,
) -> Result<Arc<dyn Plugin>, PluginError> {
    Ok(Arc::new(plugin::Script::of_file(name, text(name, bytes)?, settings, limits)?))
}

/// What a script says of itself, whether it could be asked with the settings at hand or not.
pub fn about(name: &str, bytes: &[u8], limits: &Limits) -> Result<About, PluginError> {
    let script = plugin::Script::ungiven(name, text(name, bytes)?, &PluginSettings::default(), limits)?;
    Ok(script.about().clone())
}

fn text<'a>(name: &str, bytes: &'a [u8]) -> Result<&'a str, PluginError> {
    let refuse = |what: String, hint: &str| PluginError {
        message: format!("the plugin `{name}` cannot be used: {what}"),
        hint: hint.to_owned(),
    };
    if bytes.len() > LONGEST_SCRIPT {
        let what = format!("`{name}.rhai` has {} bytes; a script may have {LONGEST_SCRIPT}", bytes.len());
        return Err(refuse(what, "make it shorter; tables belong into the settings of the plugin"));
    }
    std::str::from_utf8(bytes)
        .map_err(|error| refuse(format!("`{name}.rhai` is no text: {error}"), "save it as UTF-8"))
}

/// Compiles an expression of the settings. `place` names it in messages.
pub fn expression(
    kind: PluginKind,
    text: &str,
    place: &str,
    limits: &Limits,
) -> Result<Arc<dyn Plugin>, PluginError> {
    Ok(Arc::new(plugin::Script::of_expression(kind, text, place, limits)?))
}
