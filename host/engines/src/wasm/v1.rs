//! Version 1 of the contract, `wit/v1`: what it exports and how a component that was made for it is asked. Nothing
//! here changes any more but what is added in a minor version; a second version gets a module of its own.

mod host;
mod settings;
mod wire;

pub(super) use settings::Settings;
pub(super) use wire::{Description, Unfit};

use super::engine::TICK_MILLISECONDS;
use super::state::{Shared, State};
use integrator_core::plugin::{LogLine, PluginKind, Question, Reply, View};
use std::sync::Arc;
use wasmtime::component::{Component, ComponentExportIndex, InstancePre, Resource, TypedFunc};
use wasmtime::{Engine, Store, Trap, UpdateDeadline};
use wire::{DeviceHandle, FieldAnswer, Site, SiteAnswer, TypeAnswer, UserHandle, Wire};

/// The version of the files in `wit/v1`.
pub(super) const VERSION: &str = "1.0.0";

/// The interfaces that components may import.
pub(super) const INTERFACES: [&str; 3] = ["types", "settings", "log"];

/// How many bytes a component may hand over in one call, so that a giant answer costs the host nothing.
pub(super) const HANDED_BYTES: usize = 1 << 20;

/// How many bytes each text of an answer may have.
pub(super) const TEXT_BYTES: usize = 64 * 1024;

type Guest = State<Settings>;
type Answer<T> = (Result<T, String>,);

/// The function that makes a component a plugin of this kind.
pub(super) fn function(kind: PluginKind) -> Option<&'static str> {
    match kind {
        PluginKind::AssetTypeRule => Some("asset-type"),
        PluginKind::FieldTransform => Some("transform"),
        PluginKind::SitePolicy => Some("site"),
        PluginKind::Criterion => None,
    }
}

/// The types of the exported functions, as [`super::signature`] writes them.
pub(super) fn signature(function: &str) -> Option<&'static str> {
    match function {
        "describe" => Some(
            "func() -> record{summary: string, properties: list<string>, settings: list<record{name: string, \
             summary: string, required: bool}>}",
        ),
        "asset-type" => Some(
            "func(device: borrow<device>) -> result<record{asset-type: option<string>, reason: option<string>}, \
             string>",
        ),
        "transform" => Some(
            "func(device: borrow<device>, field: string, value: option<variant{text(string), whole(s64), \
             decimal(f64), flag(bool), time(s64), texts(list<string>)}>) -> result<record{change: \
             variant{set(variant{text(string), whole(s64), decimal(f64), flag(bool), time(s64), \
             texts(list<string>)}), clear, leave}, reason: option<string>}, string>",
        ),
        "site" => Some(
            "func(device: borrow<device>, user: option<borrow<user>>, default: option<record{id: s64, name: \
             string}>) -> result<record{site: variant{named(string), numbered(s64), default, leave}, reason: \
             option<string>}, string>",
        ),
        _ => None,
    }
}

/// A component that is compiled and linked: instances are made of it.
pub(super) struct Linked {
    kind: PluginKind,
    instance: InstancePre<Guest>,
    describe: ComponentExportIndex,
    function: ComponentExportIndex,
}

impl Linked {
    pub(super) fn new(engine: &Engine, component: &Component, kind: PluginKind) -> wasmtime::Result<Self> {
        let instance = host::linker(engine)?.instantiate_pre(component)?;
        let export = |name: &str| {
            let index = component.get_export_index(None, name);
            index.ok_or_else(|| wasmtime::Error::msg(format!("there is no `{name}`")))
        };
        let function = export(function(kind).unwrap_or_default())?;
        Ok(Self { kind, instance, describe: export("describe")?, function })
    }

    /// Asks what the plugin is, in an instance of its own.
    pub(super) fn describe(&self, shared: &Arc<Shared<Settings>>) -> wasmtime::Result<Description> {
        let mut store = store(self.instance.engine(), shared);
        let instance = self.instance.instantiate(&mut store)?;
        let describe = instance.get_typed_func::<(), (Description,)>(&mut store, self.describe)?;
        Ok(describe.call(&mut store, ())?.0)
    }

    /// A fresh instance.
    pub(super) fn start(&self, shared: &Arc<Shared<Settings>>) -> wasmtime::Result<Live> {
        let mut store = store(self.instance.engine(), shared);
        let instance = self.instance.instantiate(&mut store)?;
        let function = match self.kind {
            PluginKind::FieldTransform => {
                Function::Transform(instance.get_typed_func(&mut store, self.function)?)
            }
            PluginKind::SitePolicy => Function::Site(instance.get_typed_func(&mut store, self.function)?),
            PluginKind::AssetTypeRule | PluginKind::Criterion => {
                Function::AssetType(instance.get_typed_func(&mut store, self.function)?)
            }
        };
        Ok(Live { store, function })
    }
}

/// A store with all its limits set: the only place that makes one.
fn store(engine: &Engine, shared: &Arc<Shared<Settings>>) -> Store<Guest> {
    let mut store = Store::new(engine, State::new(Arc::clone(shared)));
    store.limiter(|state| &mut state.budget);
    store.set_hostcall_fuel(HANDED_BYTES);
    let ticks = ticks(shared.limits.time_milliseconds);
    store.set_epoch_deadline(ticks);
    // Ticks are wall time. Where the machine was busy elsewhere, a component of microseconds seems to have taken its
    // whole time, and finishes at once when it is let go on: so the deadline is set again, once.
    store.epoch_deadline_callback(move |mut store| {
        if store.data_mut().take_grace() {
            Ok(UpdateDeadline::Continue(ticks))
        } else {
            Err(Trap::Interrupt.into())
        }
    });
    store
}

/// How many ticks a call may see. The first may come at once, so it does not count: nobody gets less than their time.
fn ticks(milliseconds: u32) -> u64 {
    u64::from(milliseconds.div_ceil(TICK_MILLISECONDS).max(1)) + 1
}

/// An instance at work.
pub(super) struct Live {
    store: Store<Guest>,
    function: Function,
}

type SiteQuestion = (Resource<DeviceHandle>, Option<Resource<UserHandle>>, Option<Site>);

enum Function {
    AssetType(TypedFunc<(Resource<DeviceHandle>,), Answer<TypeAnswer>>),
    Transform(TypedFunc<(Resource<DeviceHandle>, String, Option<Wire>), Answer<FieldAnswer>>),
    Site(TypedFunc<SiteQuestion, Answer<SiteAnswer>>),
}

impl Live {
    /// Asks about a device. The inner error is the plugin's own refusal.
    pub(super) fn ask(
        &mut self,
        device: View<'_>,
        question: Question<'_>,
    ) -> wasmtime::Result<Result<Reply, String>> {
        let store = &mut self.store;
        let user = if let Question::Site { user, .. } = question { user } else { None };
        let state = store.data_mut();
        state.begin(device, user);
        let ticks = ticks(state.shared.limits.time_milliseconds);
        store.set_epoch_deadline(ticks);
        // There is one device at a time, and no handle outlives its call: the number tells nothing.
        let handle = Resource::new_borrow(0);
        let answer = match (&self.function, question) {
            (Function::AssetType(function), Question::AssetType) => {
                function.call(store, (handle,))?.0.map(TypeAnswer::reply)
            }
            (Function::Transform(function), Question::Transform { field, value }) => function
                .call(store, (handle, field.to_owned(), value.map(Wire::from)))?
                .0
                .map(FieldAnswer::reply),
            (Function::Site(function), Question::Site { user, default }) => {
                let user = user.map(|_| Resource::new_borrow(0));
                function.call(store, (handle, user, default.map(Site::from)))?.0.map(SiteAnswer::reply)
            }
            _ => return Err(wasmtime::Error::msg("it was asked what its kind cannot answer")),
        };
        match answer {
            Ok(Ok(reply)) => Ok(Ok(reply)),
            Ok(Err(unfit)) => Err(wasmtime::Error::new(unfit)),
            Err(refusal) => Ok(Err(refusal)),
        }
    }

    pub(super) fn take_log(&mut self) -> Vec<LogLine> {
        self.store.data_mut().take_log()
    }
}
