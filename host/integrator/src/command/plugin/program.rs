//! A plugin's files, wherever they lie, and what the engines say of them.

use super::folders::{CASES, Folder};
use super::installed::{self, Installed};
use crate::command::context::Context;
use crate::command::failure::Failure;
use integrator_core::plugin::{Engine, Plugin, PluginError, PluginSettings, join};
use integrator_engines::cases::{self, CaseFile};
use integrator_engines::library::{Beside, Library, read_beside};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What a plugin's file, its settings and its cases are called, where they lie.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Files {
    /// Its name.
    pub(super) name: String,
    /// `NAME.wasm` or `NAME.rhai`.
    pub(super) program: PathBuf,
    /// `NAME.toml`, whether it is there or not.
    pub(super) settings: PathBuf,
    /// `cases.json` or `NAME.cases.json`, whether it is there or not.
    pub(super) cases: PathBuf,
}

impl Files {
    /// The plugin of an author's folder, the one in a file, or else the one of that name in the settings folder.
    pub(super) fn find(context: &Context, named: &Path) -> Result<Self, Failure> {
        if named.is_dir() {
            return Ok(Self::of_folder(&Folder::open(named)?));
        }
        if named.is_file() {
            return Self::of_file(named);
        }
        let text = named.to_string_lossy();
        if named.components().count() == 1 && named.extension().is_none() {
            return Installed::find(&installed::folder(context)?, &text).map(Self::of_installed);
        }
        Err(Failure::usage(format!("there is no {}", named.display()))
            .hint("name the folder with its source, its file, or a plugin of the settings folder"))
    }

    pub(super) fn of_folder(folder: &Folder) -> Self {
        let beside = |name: &str| folder.path.join(name);
        Self {
            name: folder.name.clone(),
            program: folder.program(),
            settings: beside(&format!("{}.toml", folder.name)),
            cases: beside(CASES),
        }
    }

    pub(super) fn of_installed(one: Installed) -> Self {
        Self { name: one.name, program: one.program, settings: one.settings, cases: one.cases }
    }

    fn of_file(path: &Path) -> Result<Self, Failure> {
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        if !path.extension().is_some_and(|ending| ending == "wasm" || ending == "rhai") {
            return Err(Failure::usage(format!("{} is no plugin's file", path.display()))
                .hint("plugins are components, `NAME.wasm`, and scripts, `NAME.rhai`"));
        }
        let beside = |name: &str| path.with_file_name(name);
        // In an author's folder the cases have no name of their own.
        let named = beside(&format!("{name}.cases.json"));
        let cases = if named.is_file() { named } else { beside(CASES) };
        Ok(Self { settings: beside(&format!("{name}.toml")), program: path.to_owned(), cases, name })
    }

    /// Whether it is a script.
    pub(super) fn is_script(&self) -> bool {
        self.program.extension().is_some_and(|ending| ending == "rhai")
    }

    /// The bytes of its file.
    pub(super) fn read(&self) -> Result<Vec<u8>, Failure> {
        fs::read(&self.program).map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => Failure::usage(format!("there is no {}", self.program.display()))
                .hint("`plugin build` makes it"),
            _ => Failure::file("read", &self.program, &error),
        })
    }
}

impl From<PluginError> for Failure {
    fn from(error: PluginError) -> Self {
        Self::usage(error.message).hint(error.hint)
    }
}

/// Where compiled code is kept between commands: a folder of this account, since no data folder is needed here.
pub(super) fn cache_folder() -> PathBuf {
    let variable = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let own = if cfg!(windows) {
        variable("LOCALAPPDATA")
    } else {
        variable("XDG_CACHE_HOME").or_else(|| variable("HOME").map(|home| home.join(".cache")))
    };
    own.unwrap_or_else(std::env::temp_dir).join("halo-integrator").join("plugins")
}

/// A plugin's files, read: ready to be loaded with any settings.
#[derive(Debug)]
pub(super) struct Program {
    pub(super) files: Files,
    bytes: Vec<u8>,
    beside: Beside,
    library: Library,
}

impl Program {
    pub(super) fn read(files: Files) -> Result<Self, Failure> {
        let bytes = files.read()?;
        let beside = match fs::read_to_string(&files.settings) {
            Ok(text) => read_beside(&files.name, &text)?,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Beside::default(),
            Err(error) => return Err(Failure::file("read", &files.settings, &error)),
        };
        // Only its engines are used: what is tried here need not lie in a settings folder.
        let library = Library::open(Path::new("."), &cache_folder());
        Ok(Self { files, bytes, beside, library })
    }

    /// The plugin with these settings over its own.
    pub(super) fn load(&self, over: &PluginSettings) -> Result<Arc<dyn Plugin>, PluginError> {
        let engine = if self.files.is_script() { Engine::Rhai } else { Engine::Wasm };
        let mut settings = self.beside.settings.clone();
        join(&mut settings, over);
        self.library.load_bytes(&self.files.name, engine, &self.bytes, settings, &self.beside.limits)
    }

    /// Its cases.
    pub(super) fn cases(&self) -> Result<CaseFile, Failure> {
        let path = &self.files.cases;
        let text = fs::read_to_string(path).map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => {
                Failure::usage(format!("there are no cases: {} is missing", path.display()))
                    .hint("write some: docs/plugins.md says how, and `plugin new` makes a file with some")
            }
            _ => Failure::file("read", path, &error),
        })?;
        Ok(cases::parse(&path.display().to_string(), &text)?)
    }
}
