//! Makes components for tests from core modules in WAT that follow the canonical ABI, with devices to ask them about.
//! Shared by several test files; each uses what it needs.

#![allow(
    dead_code,
    unreachable_pub,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use integrator_core::model::{Device, DeviceId, Projection, Slot, Value};
use integrator_core::plugin::{
    Fault, Instance, LogLine, Plugin, PluginError, PluginSettings, PolicySite, PolicyUser, Question, Reply,
    View,
};
use integrator_engines::componentize::componentize;
use integrator_engines::limits::Limits;
use integrator_engines::wasm::WasmEngine;
use std::path::PathBuf;
use std::sync::Arc;

/// The folder of the contract's files.
pub fn contract() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../wit/v1")
}

/// An engine with a cache folder that lives as long as it.
pub struct Bench {
    pub folder: tempfile::TempDir,
    pub engine: WasmEngine,
}

impl Bench {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let engine = WasmEngine::new(&folder.path().join("cache")).unwrap();
        Self { folder, engine }
    }

    pub fn load(&self, bytes: &[u8]) -> Result<Arc<dyn Plugin>, PluginError> {
        self.engine.load("guest", bytes, PluginSettings::new(), &Limits::default())
    }

    /// What a rule with this body answers about the usual device.
    pub fn ask(&self, wat: &str) -> (Result<Reply, Fault>, Vec<LogLine>) {
        let plugin = self.load(&rule(wat)).unwrap();
        let mut instance = plugin.clone().instance();
        let answer = ask(&*plugin, &mut *instance, &laptop());
        (answer, instance.take_log())
    }
}

/// A core module with the metadata of a world of the contract, made a component.
pub fn component(world: &str, wat: &str) -> Vec<u8> {
    componentize(&core(world, wat)).unwrap()
}

/// A core module with the metadata of a world of the contract.
pub fn core(world: &str, wat: &str) -> Vec<u8> {
    let mut module = wat::parse_str(wat).unwrap();
    let mut resolve = wit_parser::Resolve::default();
    let (package, _) = resolve.push_dir(contract()).unwrap();
    let world = resolve.select_world(&[package], Some(world)).unwrap();
    let encoding = wit_component::StringEncoding::UTF8;
    wit_component::embed_component_metadata(&mut module, &resolve, world, encoding).unwrap();
    module
}

/// Numbers as they lie in memory.
pub fn words(words: &[u32]) -> String {
    let bytes = words.iter().flat_map(|word| word.to_le_bytes());
    bytes.fold(String::new(), |text, byte| text + format!("\\{byte:02x}").as_str())
}

/// What every guest of these tests has: the imports, memory, an allocator that begins anew with each call, and a
/// description that names `serialNumber` and `model`.
///
/// In memory: 16 `serialNumber`, 32 `model`, 40 `Laptop`, 48 `why`, 512 the answer, 4096 what is handed in.
pub fn module(body: &str) -> String {
    format!(
        r#"(module
  (import "halo:integrator/types@1.0.0" "[method]device.get" (func $get (param i32 i32 i32 i32)))
  (import "halo:integrator/types@1.0.0" "[resource-drop]device" (func $drop (param i32)))
  (import "halo:integrator/log@1.0.0" "write" (func $log (param i32 i32 i32)))
  (import "halo:integrator/settings@1.0.0" "get" (func $setting (param i32 i32 i32)))
  (memory (export "memory") 2)
  (global $free (mut i32) (i32.const 4096))
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
    (local $at i32)
    (local.set $at (i32.and (i32.add (global.get $free) (i32.const 7)) (i32.const -8)))
    (global.set $free (i32.add (local.get $at) (local.get 3)))
    (local.get $at))
  (data (i32.const 16) "serialNumber")
  (data (i32.const 32) "model")
  (data (i32.const 40) "Laptop")
  (data (i32.const 48) "why")
  (data (i32.const 64) "{properties}")
  (data (i32.const 128) "{description}")
  (data (i32.const 256) "A guest of the tests")
  {body}
)"#,
        properties = words(&[16, 12, 32, 5]),
        description = words(&[256, 20, 64, 2, 64, 0]),
    )
}

/// `describe` that answers with the description in memory.
pub const DESCRIBE: &str = r#"(func (export "describe") (result i32) (i32.const 128))"#;

/// An asset-type rule: `body` runs with the device's handle in `$device`, and leaves nothing. The answer lies at 512;
/// without more it is none. Definitions that stand before the function go into the second part.
pub fn rule_with(body: &str, more: &str) -> Vec<u8> {
    let text = format!(
        r#"{DESCRIBE} {more}
  (func (export "asset-type") (param $device i32) (result i32)
    (local $count i32)
    (global.set $free (i32.const 4096))
    {body}
    (call $drop (local.get $device))
    (i32.const 512))"#
    );
    component("asset-type-rule", &module(&text))
}

/// [`rule_with`] nothing more.
pub fn rule(body: &str) -> Vec<u8> {
    rule_with(body, "")
}

/// Answers `Laptop`, because of `why`.
pub const LAPTOP: &str = r"
    (i32.store (i32.const 516) (i32.const 1)) (i32.store (i32.const 520) (i32.const 40))
    (i32.store (i32.const 524) (i32.const 6)) (i32.store (i32.const 528) (i32.const 1))
    (i32.store (i32.const 532) (i32.const 48)) (i32.store (i32.const 536) (i32.const 3))";

/// A device with the properties that the guests read.
pub struct Known {
    pub device: Device,
    pub projection: Projection,
}

/// A device with these values.
pub fn device(values: &[(&str, Value)]) -> Known {
    let projection = Projection::new(values.iter().map(|(name, _)| *name).chain(["serialNumber", "model"]));
    let mut device = Device { id: DeviceId::from("d1"), values: vec![None; projection.properties().len()] };
    for (name, value) in values {
        device.set(projection.slot(name).unwrap(), Some(value.clone()));
    }
    Known { device, projection }
}

/// The usual device.
pub fn laptop() -> Known {
    device(&[("serialNumber", Value::Text("S-1".into())), ("model", Value::Text("Latitude 5440".into()))])
}

/// Asks with the slots of the plugin's properties.
pub fn ask_with(
    plugin: &dyn Plugin,
    instance: &mut dyn Instance,
    known: &Known,
    question: Question<'_>,
) -> Result<Reply, Fault> {
    let slots: Vec<Slot> = plugin
        .about()
        .properties
        .iter()
        .map(|property| known.projection.slot(property.name).unwrap())
        .collect();
    instance.ask(View::new(&known.device, &slots), question)
}

/// Asks for the type.
pub fn ask(plugin: &dyn Plugin, instance: &mut dyn Instance, known: &Known) -> Result<Reply, Fault> {
    ask_with(plugin, instance, known, Question::AssetType)
}

/// A user with a site.
pub fn user() -> PolicyUser {
    PolicyUser {
        id: 7,
        site: Some(PolicySite { id: 21, name: "North".into() }),
        client: Some(3),
        client_name: Some("Acme".into()),
    }
}

/// Resident memory of this process in MiB; nothing where the system does not tell.
pub fn resident_mebibytes() -> Option<u64> {
    let pages: u64 = std::fs::read_to_string("/proc/self/statm").ok()?.split(' ').nth(1)?.parse().ok()?;
    Some(pages * 4096 / 1024 / 1024)
}

/// [`rule`], built from the contract as if it had another version.
pub fn rule_of_version(version: &str, body: &str) -> Vec<u8> {
    let text = format!(
        r#"{DESCRIBE}
  (func (export "asset-type") (param $device i32) (result i32)
    (local $count i32)
    {body}
    (call $drop (local.get $device))
    (i32.const 512))"#
    );
    let renamed = |text: &str| text.replace("@1.0.0", &format!("@{version}"));
    let mut module = wat::parse_str(renamed(&module(&text))).unwrap();
    let read = |name: &str| std::fs::read_to_string(contract().join(name)).unwrap();
    let worlds = read("worlds.wit");
    let worlds = worlds.split_once('\n').unwrap().1;
    let mut resolve = wit_parser::Resolve::default();
    let package = resolve.push_str("contract.wit", &renamed(&(read("types.wit") + worlds))).unwrap();
    let world = resolve.select_world(&[package], Some("asset-type-rule")).unwrap();
    let encoding = wit_component::StringEncoding::UTF8;
    wit_component::embed_component_metadata(&mut module, &resolve, world, encoding).unwrap();
    componentize(&module).unwrap()
}
