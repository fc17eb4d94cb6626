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
use integrator_core::plugin::{Plugin, PluginError, PluginKind, PluginSettings};
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
    let refuse = |what: String, hint: &str| PluginError {
        message: format!("the plugin `{name}` cannot be used: {what}"),
        hint: hint.to_owned(),
    };
    if bytes.len() > LONGEST_SCRIPT {
        let what = format!("`{name}.rhai` has {} bytes; a script may have {LONGEST_SCRIPT}", bytes.len());
        return Err(refuse(what, "make it shorter; tables belong into the settings of the plugin"));
    }
    let text = std::str::from_utf8(bytes)
        .map_err(|error| refuse(format!("`{name}.rhai` is no text: {error}"), "save it as UTF-8"))?;
    Ok(Arc::new(plugin::Script::of_file(name, text, settings, limits)?))
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
