//! Runs plugins that are WebAssembly components. The only place that names wasmtime.
//!
//! A component sees its settings, a log and the device that it is asked about, and nothing else: no other import is
//! linked. This module knows how components are judged, compiled, cached, limited and asked; not where their files
//! are, nor what becomes of their answers.

mod budget;
mod cache;
mod contract;
mod engine;
mod fault;
mod inspect;
mod instance;
mod plugin;
mod signature;
mod state;
mod v1;

pub use inspect::{Inspection, inspect};

use crate::limits::Limits;
use integrator_core::plugin::{About, Plugin, PluginError, PluginSettings};
use std::path::Path;
use std::sync::Arc;

/// Compiles and runs components. One for the process: it holds the compiled code, the pool of instances and the
/// thread that ends calls which take too long.
#[derive(Debug)]
pub struct WasmEngine {
    engine: engine::Running,
}

impl WasmEngine {
    /// An engine that keeps compiled code in `cache_folder`, which is made when it is missing, for its owner alone.
    /// A folder in which others can write is refused: its code would run unchecked.
    pub fn new(cache_folder: &Path) -> Result<Self, PluginError> {
        Ok(Self { engine: engine::Running::start(cache_folder)? })
    }

    /// Loads a plugin from the bytes of its file: judges what it imports and exports, compiles it or takes it from
    /// the cache, and asks it to describe itself, under the same limits as when it is asked about a device.
    ///
    /// Takes as long as compiling takes: not for a thread that must answer others.
    #[expect(clippy::needless_pass_by_value, reason = "the settings are the plugin's from now on")]
    pub fn load(
        &self,
        name: &str,
        bytes: &[u8],
        settings: PluginSettings,
        limits: &Limits,
    ) -> Result<Arc<dyn Plugin>, PluginError> {
        Ok(Arc::new(plugin::WasmPlugin::load(&self.engine, name, bytes, &settings, limits)?))
    }

    /// What a plugin says of itself, whether it could be asked with the settings at hand or not.
    pub fn about(&self, name: &str, bytes: &[u8], limits: &Limits) -> Result<About, PluginError> {
        let loaded =
            plugin::WasmPlugin::ungiven(&self.engine, name, bytes, &PluginSettings::default(), limits)?;
        Ok(loaded.about().clone())
    }
}
