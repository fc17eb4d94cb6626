//! What asking a plugin costs: a component that reads eight properties beside the same rule compiled in, a fresh
//! instance, a trap, and loading with and without the cache.
//!
//! `cargo run --release -p integrator-engines --example costs`, on a machine that has nothing else to do, with the
//! target `wasm32-unknown-unknown`. Prints the median of several rounds, and the least. A part of a line's name, given
//! behind `--`, measures those lines alone.

#![allow(unreachable_pub, missing_docs)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

#[path = "../tests/support/build.rs"]
mod build;
#[path = "../../../tests/peers/eight/src/rule.rs"]
mod rule;

use integrator_core::model::{Device, DeviceId, Projection, Slot, Value};
use integrator_core::plugin::{PluginSettings, Question, View};
use integrator_engines::componentize::componentize;
use integrator_engines::limits::Limits;
use integrator_engines::wasm::WasmEngine;
use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

const DEVICES: usize = 2_000;
const ROUNDS: usize = 100;

fn main() {
    if !build::has_target("every measurement") {
        return;
    }
    let component = componentize(&build::core_module("tests/peers/eight", "eight")).unwrap();
    println!("component of {} bytes, {DEVICES} devices a round, {ROUNDS} rounds", component.len());
    let folder = tempfile::tempdir().unwrap();
    let engine = || WasmEngine::new(&folder.path().join("cache")).unwrap();
    let load = |engine: &WasmEngine| {
        engine.load("eight", &component, PluginSettings::new(), &Limits::default()).unwrap()
    };

    let first = engine();
    let started = Instant::now();
    let plugin = load(&first);
    println!("{:<44} {:>12?}", "load, compiled", started.elapsed());
    measure("load, same engine", 1, || drop(black_box(load(&first))));
    measure("new engine, and load from the cache", 1, || drop(black_box(load(&engine()))));

    let projection = Projection::new(rule::PROPERTIES);
    let slots: Vec<Slot> = rule::PROPERTIES.iter().map(|name| projection.slot(name).unwrap()).collect();
    let devices: Vec<Device> = (0..DEVICES).map(|index| device(&projection, index, "5CG1234567")).collect();

    measure("the rule, compiled in", DEVICES, || {
        for device in &devices {
            black_box(native(View::new(device, &slots)));
        }
    });
    let mut instance = Arc::clone(&plugin).instance();
    measure("the rule, as a component", DEVICES, || {
        for device in &devices {
            black_box(instance.ask(View::new(device, &slots), Question::AssetType).unwrap());
        }
    });
    measure("the rule, in a fresh instance each page of 1000", DEVICES, || {
        for page in devices.chunks(1000) {
            let mut instance = Arc::clone(&plugin).instance();
            for device in page {
                black_box(instance.ask(View::new(device, &slots), Question::AssetType).unwrap());
            }
        }
    });
    measure("the rule, in a fresh instance each device", DEVICES, || {
        for device in &devices {
            let mut instance = Arc::clone(&plugin).instance();
            black_box(instance.ask(View::new(device, &slots), Question::AssetType).unwrap());
        }
    });
    let trapping = device(&projection, 0, "trap");
    measure("a trap, and the fresh instance after it", DEVICES, || {
        for _ in &devices {
            black_box(instance.ask(View::new(&trapping, &slots), Question::AssetType).unwrap_err());
        }
    });
}

/// The rule that is compiled in, over the same view.
fn native(view: View<'_>) -> Option<String> {
    let mut texts = [""; 7];
    for (index, text) in texts.iter_mut().enumerate() {
        if let Some(Value::Text(found)) = view.value(index) {
            *text = found;
        }
    }
    let storage = if let Some(Value::Whole(bytes)) = view.value(7) { *bytes } else { 0 };
    rule::decide(&texts, storage).map(str::to_owned)
}

fn device(projection: &Projection, index: usize, serial: &str) -> Device {
    let values = [
        Value::Text(["Latitude 5440", "OptiPlex 7010", "HP EliteBook 840 G9"][index % 3].into()),
        Value::Text("Dell Inc.".into()),
        Value::Text("Windows".into()),
        Value::Text("10.0.22631.4169".into()),
        Value::Text(serial.into()),
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

/// Prints how long one of `count` took.
fn measure(what: &str, count: usize, mut work: impl FnMut()) {
    if std::env::args().nth(1).is_some_and(|wanted| !what.contains(&wanted)) {
        return;
    }
    let mut rounds: Vec<Duration> = (0..ROUNDS)
        .map(|_| {
            let started = Instant::now();
            work();
            started.elapsed() / u32::try_from(count).unwrap()
        })
        .collect();
    rounds.sort();
    println!("{what:<50} {:>10?} (least {:?})", rounds[ROUNDS / 2], rounds[0]);
}
