//! The same rule in the same process, asked through Extism and through the integrator's own engine in turns. Each is
//! asked as a host would ask it: Extism's plugin gets the eight properties as JSON and answers in JSON, with a limit of
//! time and of memory; the integrator's component reads them one by one through its contract.
//!
//! `cargo run --release` in this folder; needs the target `wasm32-unknown-unknown`. Ends with 1 where the integrator is
//! not at least three times as fast.

#[path = "../../../../host/engines/tests/support/build.rs"]
mod build;
#[path = "../../eight/src/rule.rs"]
mod rule;

use extism::{Manifest, Plugin, Wasm};
use integrator_core::model::{Device, DeviceId, Projection, Slot, Value};
use integrator_core::plugin::{Outcome, PluginSettings, Question, View};
use integrator_engines::componentize::componentize;
use integrator_engines::limits::Limits;
use integrator_engines::wasm::WasmEngine;
use serde::{Deserialize, Serialize};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

const DEVICES: usize = 2_000;
const ROUNDS: usize = 50;
/// How many times as fast the integrator has to be.
const TIMES: f64 = 3.0;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Properties<'a> {
    model: &'a str,
    manufacturer: &'a str,
    operating_system: &'a str,
    os_version: &'a str,
    serial_number: &'a str,
    device_name: &'a str,
    managed_device_owner_type: &'a str,
    total_storage_space_in_bytes: i64,
}

#[derive(Deserialize)]
struct Answer<'a> {
    asset_type: Option<&'a str>,
}

fn main() -> ExitCode {
    if !build::has_target("the comparison with Extism") {
        return ExitCode::from(2);
    }
    let component = componentize(&build::core_module("peers/eight", "eight")).unwrap();
    let module = build::core_module("peers/extism/guest", "eight-extism");
    let limits = Limits::default();

    let folder = tempfile::tempdir().unwrap();
    let engine = WasmEngine::new(&folder.path().join("cache")).unwrap();
    let ours = engine.load("eight", &component, PluginSettings::new(), &limits).unwrap();
    let mut ours = Arc::clone(&ours).instance();

    let pages = limits.memory_mebibytes * 16;
    let manifest = Manifest::new([Wasm::data(module)])
        .with_memory_max(pages)
        .with_timeout(Duration::from_millis(limits.time_milliseconds.into()));
    let mut theirs = Plugin::new(manifest, [], false).unwrap();

    let projection = Projection::new(rule::PROPERTIES);
    let slots: Vec<Slot> = rule::PROPERTIES.iter().map(|name| projection.slot(name).unwrap()).collect();
    let devices: Vec<Device> = (0..DEVICES).map(|index| device(&projection, index)).collect();

    let mut ask_ours = |device: &Device| -> Option<String> {
        let reply = ours.ask(View::new(device, &slots), Question::AssetType).unwrap();
        let Outcome::AssetType(named) = reply.outcome else { panic!("no answer of its kind") };
        named
    };
    let mut ask_theirs = |device: &Device| -> Option<String> {
        let input = serde_json::to_string(&properties(View::new(device, &slots))).unwrap();
        let output: &str = theirs.call("asset_type", input).unwrap();
        serde_json::from_str::<Answer<'_>>(output).unwrap().asset_type.map(str::to_owned)
    };
    for device in &devices {
        assert_eq!(ask_ours(device), ask_theirs(device), "the two answer the same");
    }
    let (mut our_rounds, mut their_rounds) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        our_rounds.push(round(&devices, &mut ask_ours));
        their_rounds.push(round(&devices, &mut ask_theirs));
    }
    let (our_median, our_least) = told("integrator, a component", our_rounds);
    let (their_median, their_least) = told("Extism 1.30, JSON", their_rounds);
    let (median, least) = (ratio(their_median, our_median), ratio(their_least, our_least));
    println!("Extism takes {median:.1} times as long by the medians, {least:.1} times by the least (limit {TIMES})");
    if median >= TIMES { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// How long one device took in a round of all.
fn round(devices: &[Device], ask: &mut impl FnMut(&Device) -> Option<String>) -> Duration {
    let started = Instant::now();
    for device in devices {
        std::hint::black_box(ask(device));
    }
    started.elapsed() / u32::try_from(devices.len()).unwrap()
}

fn told(what: &str, mut rounds: Vec<Duration>) -> (Duration, Duration) {
    rounds.sort();
    let (median, least) = (rounds[rounds.len() / 2], rounds[0]);
    println!("{what:<30} {median:>12?} a device (least {least:?})");
    (median, least)
}

fn ratio(one: Duration, other: Duration) -> f64 {
    one.as_secs_f64() / other.as_secs_f64()
}

fn properties(view: View<'_>) -> Properties<'_> {
    let text = |index: usize| match view.value(index) {
        Some(Value::Text(text)) => text.as_str(),
        _ => "",
    };
    Properties {
        model: text(0),
        manufacturer: text(1),
        operating_system: text(2),
        os_version: text(3),
        serial_number: text(4),
        device_name: text(5),
        managed_device_owner_type: text(6),
        total_storage_space_in_bytes: if let Some(Value::Whole(bytes)) = view.value(7) { *bytes } else { 0 },
    }
}

fn device(projection: &Projection, index: usize) -> Device {
    let values = [
        Value::Text(["Latitude 5440", "OptiPlex 7010", "HP EliteBook 840 G9"][index % 3].into()),
        Value::Text("Dell Inc.".into()),
        Value::Text("Windows".into()),
        Value::Text("10.0.22631.4169".into()),
        Value::Text("5CG1234567".into()),
        Value::Text(format!("PC-{index:05}")),
        Value::Text("company".into()),
        Value::Whole(512_000_000_000),
    ];
    let mut device = Device {
        id: DeviceId::from(format!("d{index}").as_str()),
        values: vec![None; projection.properties().len()],
    };
    for (name, value) in rule::PROPERTIES.into_iter().zip(values) {
        device.set(projection.slot(name).unwrap(), Some(value));
    }
    device
}
