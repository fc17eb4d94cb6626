//! The plugins in a settings folder, as files. Whether they are sound is for the engines to say.

use crate::command::context::Context;
use crate::command::failure::Failure;
use std::fs;
use std::path::{Path, PathBuf};

/// The folder of plugins of the settings folder.
pub(super) fn folder(context: &Context) -> Result<PathBuf, Failure> {
    Ok(context.settings_folder()?.join("plugins"))
}

/// A plugin's files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Installed {
    /// Its name.
    pub(super) name: String,
    /// What is loaded: `NAME.wasm` or `NAME.rhai`.
    pub(super) program: PathBuf,
    /// `NAME.toml`, whether it is there or not.
    pub(super) settings: PathBuf,
    /// `NAME.cases.json`, whether it is there or not.
    pub(super) cases: PathBuf,
}

impl Installed {
    fn of(program: PathBuf, name: String) -> Self {
        Self {
            settings: program.with_file_name(format!("{name}.toml")),
            cases: program.with_file_name(format!("{name}.cases.json")),
            program,
            name,
        }
    }

    /// The plugin of that name.
    pub(super) fn find(plugins: &Path, name: &str) -> Result<Self, Failure> {
        let mut all = Self::all(plugins)?;
        let mut found: Vec<Self> = Vec::new();
        all.retain(|one| {
            if one.name == name {
                found.push(one.clone());
            }
            one.name != name
        });
        match found.as_slice() {
            [one] => Ok(one.clone()),
            [] => {
                let known: Vec<&str> = all.iter().map(|one| one.name.as_str()).collect();
                let hint = match known.as_slice() {
                    [] => {
                        "no plugin is there: `plugin new` makes one, `plugin build --install` puts it there"
                            .to_owned()
                    }
                    _ => format!("the folder holds: {}", known.join(", ")),
                };
                Err(Failure::usage(format!("there is no plugin `{name}` in {}", plugins.display()))
                    .hint(hint))
            }
            _ => Err(Failure::usage(format!(
                "{} holds `{name}` both as a script and as a component",
                plugins.display()
            ))
            .hint("keep one of the two files")),
        }
    }

    /// All, in the order of their names. A folder that is not there holds none.
    pub(super) fn all(plugins: &Path) -> Result<Vec<Self>, Failure> {
        let entries = match fs::read_dir(plugins) {
            Ok(entries) => entries,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(Failure::file("read", plugins, &error)),
        };
        let mut all = Vec::new();
        for entry in entries {
            let path = entry.map_err(|error| Failure::file("read", plugins, &error))?.path();
            let is_program = path.extension().is_some_and(|ending| ending == "wasm" || ending == "rhai");
            let name = path.file_stem().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            if is_program && path.is_file() && !name.starts_with('.') {
                all.push(Self::of(path, name));
            }
        }
        all.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(all)
    }
}
