//! A plugin that is written in Rust, from its source to its answers: built with cargo, made a component in process,
//! and held against its own cases.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

#[path = "support/build.rs"]
mod build;
#[path = "support/guests.rs"]
mod guests;

use guests::{Bench, ask};
use integrator_core::model::Value;
use integrator_core::plugin::{Outcome, PluginSetting, PluginSettings};
use integrator_engines::componentize::componentize;
use integrator_engines::limits::Limits;
use integrator_engines::wasm::inspect;
use serde_json::Value as Json;

/// A setting or property from JSON, as far as the cases use it.
fn value(json: &Json) -> Value {
    match json {
        Json::String(text) => Value::Text(text.clone()),
        Json::Number(number) => Value::Whole(number.as_i64().unwrap()),
        other => panic!("{other}"),
    }
}

fn settings(json: &Json) -> PluginSettings {
    let entries = json.as_object().into_iter().flatten();
    let setting = |json: &Json| match json {
        Json::Object(_) => PluginSetting::Table(settings(json)),
        other => PluginSetting::Value(value(other)),
    };
    entries.map(|(name, json)| (name.clone(), setting(json))).collect()
}

#[test]
fn the_chassis_rule_answers_as_its_cases_say() {
    if !build::has_target("the test of the plugin `chassis-type`") {
        return;
    }
    let component = componentize(&build::core_module("plugins/chassis-type", "chassis-type")).unwrap();
    let found = inspect(&component);
    assert!(found.problem.is_none(), "{:?}", found.problem);
    assert!(found.imports.iter().all(|import| import.starts_with("halo:integrator/")), "{:?}", found.imports);
    assert!(found.size < 100_000, "{} bytes", found.size);

    let bench = Bench::new();
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../plugins/chassis-type/cases.json");
    let cases: Json = serde_json::from_str(&std::fs::read_to_string(folder).unwrap()).unwrap();
    for case in cases["cases"].as_array().unwrap() {
        let name = case["name"].as_str().unwrap();
        let plugin = bench
            .engine
            .load("chassis-type", &component, settings(&case["settings"]), &Limits::default())
            .unwrap();
        let properties = case["device"].as_object().unwrap().iter().filter(|(name, _)| *name != "id");
        let properties: Vec<_> = properties.map(|(name, json)| (name.as_str(), value(json))).collect();
        let mut known = guests::device(&properties);
        known.projection =
            integrator_core::model::Projection::new(["model", "manufacturer", "operatingSystem"]);
        known.device.values = vec![None; known.projection.properties().len()];
        for (name, value) in &properties {
            known.device.set(known.projection.slot(name).unwrap(), Some(value.clone()));
        }
        let answer = ask(&*plugin, &mut *plugin.clone().instance(), &known);
        let expected = &case["expect"];
        match answer {
            Ok(reply) => {
                let named = expected["type"].as_str().map(str::to_owned);
                assert!(expected.get("type").is_some(), "{name}: {reply:?}");
                assert_eq!(reply.outcome, Outcome::AssetType(named), "{name}");
                if let Some(reason) = case["reason"].as_str() {
                    assert_eq!(reply.reason.as_deref(), Some(reason), "{name}");
                }
            }
            Err(fault) => {
                let part = expected["error"].as_str().unwrap_or_else(|| panic!("{name}: {fault}"));
                assert!(fault.message.contains(part), "{name}: {fault}");
            }
        }
    }
}
