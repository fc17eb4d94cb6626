//! The files of the `plugins` folder: names, endings, and what is missing. Knows no contents.

use crate::names::did_you_mean;
use integrator_core::plugin::{Engine, PluginError};
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// The biggest file that is read, in bytes.
const BIGGEST: u64 = 64 * 1024 * 1024;

/// A plugin's file.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) name: String,
    pub(super) engine: Engine,
    pub(super) path: PathBuf,
    /// `NAME.toml`, where there is one.
    pub(super) beside: Option<PathBuf>,
}

impl Found {
    pub(super) fn file_name(&self) -> String {
        format!("{}.{}", self.name, self.engine.name())
    }
}

/// Refuses what cannot be a plugin's name; with that, no name leads out of the folder.
pub(super) fn refuse_name(name: &str) -> Result<(), PluginError> {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    if !name.is_empty() && name.len() <= 100 && name.chars().all(fits) {
        return Ok(());
    }
    let shown: String = name.chars().take(60).map(|c| if c.is_control() { ' ' } else { c }).collect();
    Err(PluginError {
        message: format!("`{shown}` cannot be the name of a plugin"),
        hint: "a name has letters, digits, `-` and `_`, and no ending: `chassis-type` for `plugins/chassis-type.wasm`"
            .to_owned(),
    })
}

/// The file of a plugin.
pub(super) fn find(folder: &Path, name: &str) -> Result<Found, PluginError> {
    refuse_name(name)?;
    let path = |ending: &str| folder.join(format!("{name}.{ending}"));
    let (wasm, script) = (path("wasm"), path("rhai"));
    let (engine, path_found) = match (wasm.is_file(), script.is_file()) {
        (true, false) => (Engine::Wasm, wasm),
        (false, true) => (Engine::Rhai, script),
        (true, true) => {
            return Err(PluginError {
                message: format!(
                    "the plugin `{name}` is there twice, as `plugins/{name}.wasm` and as `plugins/{name}.rhai`"
                ),
                hint: "take one of them away".to_owned(),
            });
        }
        (false, false) => return Err(missing(folder, name)),
    };
    let beside = Some(path("toml")).filter(|path| path.is_file());
    Ok(Found { name: name.to_owned(), engine, path: path_found, beside })
}

fn missing(folder: &Path, name: &str) -> PluginError {
    let names = names(folder);
    let hint = match did_you_mean(name, names.iter().map(String::as_str)) {
        Some(hint) => hint,
        None if names.is_empty() => format!("put `{name}.wasm` or `{name}.rhai` into {}", folder.display()),
        None => format!("put `{name}.wasm` or `{name}.rhai` there, or name one that is"),
    };
    let there = if names.is_empty() {
        "there are none".to_owned()
    } else {
        let all: Vec<_> = names.iter().take(20).map(|name| format!("`{name}`")).collect();
        format!("there {} {}", if all.len() == 1 { "is" } else { "are" }, all.join(", "))
    };
    PluginError { message: format!("there is no plugin `{name}` in the folder `plugins`; {there}"), hint }
}

/// The names of all plugins of a folder, in their order.
pub(super) fn names(folder: &Path) -> BTreeSet<String> {
    let Ok(entries) = fs::read_dir(folder) else { return BTreeSet::new() };
    let name = |path: PathBuf| {
        let ending = path.extension()?.to_str()?;
        let name = path.file_stem()?.to_str()?;
        (matches!(ending, "wasm" | "rhai") && refuse_name(name).is_ok() && path.is_file())
            .then(|| name.to_owned())
    };
    entries.flatten().filter_map(|entry| name(entry.path())).collect()
}

pub(super) fn read(path: &Path) -> Result<Vec<u8>, PluginError> {
    let failed = |what: String| PluginError {
        message: format!("{} cannot be read: {what}", path.display()),
        hint: "give the integrator's user the right to read it".to_owned(),
    };
    let size = fs::metadata(path).map_err(|error| failed(error.to_string()))?.len();
    if size > BIGGEST {
        return Err(PluginError {
            message: format!("{} has {size} bytes; a plugin may have {BIGGEST}", path.display()),
            hint: "build it without debugging information".to_owned(),
        });
    }
    fs::read(path).map_err(|error| failed(error.to_string()))
}

pub(super) fn read_text(path: &Path) -> Result<String, PluginError> {
    String::from_utf8(read(path)?).map_err(|error| PluginError {
        message: format!("{} is no text: {error}", path.display()),
        hint: "save it as UTF-8".to_owned(),
    })
}
