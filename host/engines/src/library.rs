//! The plugins of a settings folder: `plugins/NAME.wasm` or `plugins/NAME.rhai`, each with an optional `NAME.toml`.
//!
//! Which file of a plugin is used is settled once, when it is first asked for, and stays so for as long as the
//! library lives: a run keeps the set that it began with. Knows no run and no connection.

mod accepted;
mod file;
mod list;
mod settings;

pub use list::{Listed, Pin};
pub(crate) use settings::from_json;
pub use settings::{Beside, read_beside};

use crate::cases::{self, CaseFile};
use crate::identity::hexadecimal;
use crate::limits::Limits;
use crate::wasm::WasmEngine;
use crate::{identity, rhai as scripts};
use accepted::Accepted;
use file::Found;
use integrator_core::plugin::{Engine, Plugin, PluginError, PluginKind, PluginSettings, PluginSource, join};
use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

/// The plugins of a settings folder.
pub struct Library {
    folder: PathBuf,
    cache_folder: PathBuf,
    wasm: OnceLock<Result<WasmEngine, PluginError>>,
    /// What was settled for each name.
    settled: Mutex<BTreeMap<String, Result<Arc<Chosen>, PluginError>>>,
    /// What was loaded, by name and settings.
    loaded: Mutex<Vec<Loaded>>,
    /// What people should know, although the run goes on.
    notices: Mutex<Vec<String>>,
}

/// A plugin that was loaded, by its name and the settings over those of its file.
type Loaded = (String, PluginSettings, Arc<dyn Plugin>);

/// A file that was chosen, with what lies beside it.
#[derive(Debug)]
struct Chosen {
    name: String,
    engine: Engine,
    bytes: Vec<u8>,
    beside: Beside,
}

impl fmt::Debug for Library {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Library").field("folder", &self.folder).finish_non_exhaustive()
    }
}

impl Library {
    /// The library of the `plugins` folder in a settings folder. Nothing is read yet. `cache_folder` is its owner's
    /// alone; it is made when it is needed.
    pub fn open(settings_folder: &Path, cache_folder: &Path) -> Self {
        Self {
            folder: settings_folder.join("plugins"),
            cache_folder: cache_folder.to_owned(),
            wasm: OnceLock::new(),
            settled: Mutex::default(),
            loaded: Mutex::default(),
            notices: Mutex::default(),
        }
    }

    /// Every plugin of the folder in the order of names, whether it can be used or not.
    pub fn list(&self) -> Vec<Listed> {
        list::list(self)
    }

    /// Loads the bytes of a plugin that need not lie in the folder, as `plugin test` does with what was just built.
    pub fn load_bytes(
        &self,
        name: &str,
        engine: Engine,
        bytes: &[u8],
        settings: PluginSettings,
        limits: &Limits,
    ) -> Result<Arc<dyn Plugin>, PluginError> {
        match engine {
            Engine::Rhai => scripts::load(name, bytes, &settings, limits),
            Engine::Wasm => {
                let wasm = self.wasm.get_or_init(|| WasmEngine::new(&self.cache_folder)).as_ref();
                wasm.map_err(Clone::clone)?.load(name, bytes, settings, limits)
            }
        }
    }

    /// The cases of the plugin in the folder; none where there is no such file.
    pub fn cases(&self, name: &str) -> Result<Option<CaseFile>, PluginError> {
        file::refuse_name(name)?;
        cases::read_beside(&self.folder, name)
    }

    /// The plugin as it lies in the folder, with its limits and settings, whether it was accepted or not: to be
    /// tried, not to be used.
    pub fn as_it_lies(&self, name: &str, over: &PluginSettings) -> Result<Arc<dyn Plugin>, PluginError> {
        let chosen = Self::read(&file::find(&self.folder, name)?)?;
        self.load(&chosen, over)
    }

    fn load(&self, chosen: &Chosen, over: &PluginSettings) -> Result<Arc<dyn Plugin>, PluginError> {
        let mut settings = chosen.beside.settings.clone();
        join(&mut settings, over);
        self.load_bytes(&chosen.name, chosen.engine, &chosen.bytes, settings, &chosen.beside.limits)
    }

    /// What is used under a name, settled once.
    fn settle(&self, name: &str, over: &PluginSettings) -> Result<Arc<Chosen>, PluginError> {
        let known = |settled: &BTreeMap<_, Result<Arc<Chosen>, PluginError>>| settled.get(name).cloned();
        if let Some(settled) = known(&self.settled.lock().unwrap_or_else(PoisonError::into_inner)) {
            return settled;
        }
        let choice = self.choose(name, over).map(Arc::new);
        let mut settled = self.settled.lock().unwrap_or_else(PoisonError::into_inner);
        // Another thread may have been quicker; both use what it chose.
        settled.entry(name.to_owned()).or_insert(choice).clone()
    }

    fn read(found: &Found) -> Result<Chosen, PluginError> {
        let bytes = file::read(&found.path)?;
        let beside = match &found.beside {
            Some(path) => read_beside(&found.name, &file::read_text(path)?)?,
            None => Beside::default(),
        };
        let digest = hexadecimal(&identity::digest(&bytes));
        if let Some(pin) = &beside.sha256
            && *pin != digest
        {
            return Err(PluginError {
                message: format!(
                    "the plugin `{name}` is pinned to another file: `sha256` of `plugins/{name}.toml` is {pin}, and the \
                     SHA-256 of `plugins/{}` is {digest}",
                    found.file_name(),
                    name = found.name,
                ),
                hint: format!(
                    "put the pinned file back, or, when the change is wanted, pin it with `plugin pin {}`",
                    found.name
                ),
            });
        }
        Ok(Chosen { name: found.name.clone(), engine: found.engine, bytes, beside })
    }

    fn choose(&self, name: &str, over: &PluginSettings) -> Result<Chosen, PluginError> {
        let lying = Self::read(&file::find(&self.folder, name)?)?;
        let accepted = Accepted::open(&self.cache_folder)?;
        if accepted.is(&lying) {
            return Ok(lying);
        }
        let Err(reason) = self.try_out(&lying, over) else {
            accepted.keep(&lying)?;
            return Ok(lying);
        };
        // A pin names one file: an older one is not put in its place.
        let old = if lying.beside.sha256.is_some() { None } else { accepted.last(name) };
        let Some(old) = old else { return Err(reason) };
        let message = format!(
            "the changed file of the plugin `{name}` is not used, the one that worked before is: {} ({})",
            reason.message, reason.hint
        );
        self.notices.lock().unwrap_or_else(PoisonError::into_inner).push(message);
        Ok(old)
    }

    /// Loads a file that was not used before with the settings of who asks first, or runs its cases where it has some:
    /// these name the settings that they need.
    fn try_out(&self, lying: &Chosen, over: &PluginSettings) -> Result<(), PluginError> {
        let cases = cases::read_beside(&self.folder, &lying.name)?;
        let Some(cases) = cases else {
            return self.load(lying, over).map(|_| ());
        };
        let report = cases::run(&cases, &|over| self.load(lying, over))?;
        match report.first_failure() {
            None => Ok(()),
            Some(failure) => Err(PluginError {
                message: format!(
                    "the plugin `{}` fails {} of the {} cases of `plugins/{}`: {failure}",
                    lying.name,
                    report.failed(),
                    report.cases.len(),
                    cases.file,
                ),
                hint: format!("see `plugin test {}`; mend the plugin, or its cases", lying.name),
            }),
        }
    }
}

impl PluginSource for Library {
    fn plugin(&self, name: &str, over: &PluginSettings) -> Result<Arc<dyn Plugin>, PluginError> {
        let chosen = self.settle(name, over)?;
        let known = |loaded: &[Loaded]| {
            loaded
                .iter()
                .find(|(of, with, _)| of == name && with == over)
                .map(|(_, _, plugin)| Arc::clone(plugin))
        };
        if let Some(plugin) = known(&self.loaded.lock().unwrap_or_else(PoisonError::into_inner)) {
            return Ok(plugin);
        }
        let plugin = self.load(&chosen, over)?;
        let mut loaded = self.loaded.lock().unwrap_or_else(PoisonError::into_inner);
        loaded.push((name.to_owned(), over.clone(), Arc::clone(&plugin)));
        Ok(plugin)
    }

    fn expression(&self, kind: PluginKind, text: &str, place: &str) -> Result<Arc<dyn Plugin>, PluginError> {
        scripts::expression(kind, text, place, &Limits::default())
    }

    /// Nothing is settled here, only compiled into the cache: what settles a plugin knows who asks, and their settings.
    fn preload(&self, names: &[&str]) {
        let most = std::thread::available_parallelism().map_or(1, usize::from);
        for some in names.chunks(most) {
            std::thread::scope(|scope| {
                for name in some {
                    scope.spawn(move || self.as_it_lies(name, &PluginSettings::new()).is_ok());
                }
            });
        }
    }

    fn notices(&self) -> Vec<String> {
        self.notices.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
