//! A component that was loaded: what it said of itself, held against what there is, and what its instances share.

use super::contract::Contract;
use super::engine::Running;
use super::fault::{fault, way_out};
use super::inspect::judge;
use super::instance::WasmInstance;
use super::state::{LINE_CHARACTERS, Names, Shared, shown};
use super::v1::{Description, Linked, Settings};
use crate::identity::{digest, hexadecimal, identity};
use crate::limits::Limits;
use crate::names::did_you_mean;
use crate::required;
use integrator_core::model::property::{self, PROPERTIES, Property};
use integrator_core::plugin::{About, Engine, Instance, Plugin, PluginError, PluginSettings, SettingAbout};
use std::fmt;
use std::sync::Arc;

/// A loaded component with its settings.
pub(super) struct WasmPlugin {
    about: About,
    identity: [u8; 32],
    linked: Linked,
    shared: Arc<Shared<Settings>>,
}

impl WasmPlugin {
    pub(super) fn load(
        running: &Running,
        name: &str,
        bytes: &[u8],
        settings: &PluginSettings,
        limits: &Limits,
    ) -> Result<Self, PluginError> {
        let loaded = Self::ungiven(running, name, bytes, settings, limits)?;
        required::check(&format!("the plugin `{name}`"), &loaded.about, settings)?;
        Ok(loaded)
    }

    /// The same, whether the settings that it needs are there or not: to say what it is, not to ask it.
    pub(super) fn ungiven(
        running: &Running,
        name: &str,
        bytes: &[u8],
        settings: &PluginSettings,
        limits: &Limits,
    ) -> Result<Self, PluginError> {
        let judged = judge(name, bytes)?;
        let refuse = |what: &str, error: &wasmtime::Error, hint: &str| PluginError {
            message: format!("the plugin `{name}` {what}: {error:#}"),
            hint: hint.to_owned(),
        };
        let component = running.compile(bytes).map_err(|error| {
            let hint = "build it again; if it uses new features of WebAssembly, leave those out";
            refuse("cannot be compiled", &error, hint)
        })?;
        let linked = match judged.contract {
            Contract::V1 => Linked::new(running.engine(), &component, judged.kind),
        };
        let linked = linked.map_err(|error| {
            let what = format!(
                "asks for what version {} of the contract does not have (it was made for {})",
                judged.contract.version(),
                judged.version
            );
            refuse(
                &what,
                &error,
                "update the integrator, or build the plugin with this integrator's `wit` files",
            )
        })?;

        let described = describe(&linked, name, limits)?;
        let properties = properties(name, &described.properties)?;
        let reads = described.settings.into_iter().map(|setting| SettingAbout {
            name: shown(&setting.name, 100),
            summary: shown(&setting.summary, LINE_CHARACTERS),
            required: setting.required,
        });
        let reads: Vec<_> = reads.collect();
        let program = digest(bytes);
        let shared = Shared {
            name: name.to_owned(),
            limits: limits.clone(),
            properties: Names::new(&properties),
            settings: Settings::new(settings),
        };
        let summary = shown(&described.summary, LINE_CHARACTERS);
        let about = About {
            name: name.to_owned(),
            kind: judged.kind,
            engine: Engine::Wasm,
            digest: hexadecimal(&program),
            summary: if summary.is_empty() { None } else { Some(summary) },
            properties,
            settings: reads,
            failures_percent: limits.failures_percent,
        };
        let identity = identity(&program, judged.contract.major(), settings);
        Ok(Self { about, identity, linked, shared: Arc::new(shared) })
    }

    pub(super) fn linked(&self) -> &Linked {
        &self.linked
    }

    pub(super) fn shared(&self) -> &Arc<Shared<Settings>> {
        &self.shared
    }
}

impl Plugin for WasmPlugin {
    fn about(&self) -> &About {
        &self.about
    }

    fn identity(&self) -> &[u8; 32] {
        &self.identity
    }

    fn instance(self: Arc<Self>) -> Box<dyn Instance> {
        Box::new(WasmInstance::new(self))
    }
}

impl fmt::Debug for WasmPlugin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WasmPlugin").field("about", &self.about).finish_non_exhaustive()
    }
}

/// Asks the plugin what it is: without settings, since its answer must not depend on them.
fn describe(linked: &Linked, name: &str, limits: &Limits) -> Result<Description, PluginError> {
    let shared = Shared {
        name: name.to_owned(),
        limits: limits.clone(),
        properties: Names::default(),
        settings: Settings::default(),
    };
    linked.describe(&Arc::new(shared)).map_err(|error| {
        let fault = fault(name, limits, &error);
        PluginError {
            message: format!("{}; this was when it was loaded and asked to describe itself", fault.message),
            hint: way_out(name, fault.kind),
        }
    })
}

/// The properties that were named, each once.
fn properties(name: &str, described: &[String]) -> Result<Vec<&'static Property>, PluginError> {
    let mut found: Vec<&'static Property> = Vec::with_capacity(described.len());
    for wanted in described {
        let Some(property) = property::find(wanted) else {
            let wanted = shown(wanted, 100);
            let names = PROPERTIES.iter().map(|property| property.name);
            let hint = did_you_mean(&wanted, names).unwrap_or_else(|| {
                "name properties as Microsoft Graph's `managedDevice` (v1.0) does".to_owned()
            });
            return Err(PluginError {
                message: format!(
                    "the plugin `{name}` reads the property `{wanted}`, which devices do not have"
                ),
                hint,
            });
        };
        if !found.iter().any(|known| known.name == property.name) {
            found.push(property);
        }
    }
    Ok(found)
}
