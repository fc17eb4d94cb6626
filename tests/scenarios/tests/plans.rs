//! Plans as documents: compared, and as their schema says.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use std::fs;
use std::path::Path;

use integrator_scenarios::case::{device, device_id};
use integrator_scenarios::{World, WorldOptions};
use integrator_simulators::fleet::Fleet;
use serde_json::{Value, json};

fn world() -> World {
    let rows = [
        json!({ "id": 1, "deviceName": "LAPTOP-1", "serialNumber": "S-0001", "model": "Surface Book 3" }),
        json!({ "id": 2, "deviceName": "PC-2", "serialNumber": "S-0002", "model": "OptiPlex 7090" }),
        json!({ "id": 3, "deviceName": "PC-3", "serialNumber": "S-0003", "model": "OptiPlex 7090" }),
    ];
    let devices = rows.iter().map(|row| device(row.as_object().unwrap().clone())).collect();
    World::start(WorldOptions { fleet: Some(Fleet::of(devices)), ..WorldOptions::default() })
}

fn set(world: &World, number: u64, name: &str, value: Value) {
    assert!(world.microsoft.fleet().set_property(&device_id(number), name, value));
}

#[test]
fn two_plans_are_compared_row_by_row() {
    let world = world();
    world.import().must_exit(0);
    set(&world, 1, "model", json!("Surface Laptop 5"));
    set(&world, 2, "osVersion", json!("10.0.26100.1"));
    world.run(&["plan", "contoso", "--out", "a.jsonl"]).must_exit(0);
    let stored =
        world.run(&["plan", "contoso"]).must_exit(0).document["plan"]["id"].as_str().unwrap().to_owned();
    let same = world.run(&["plan", "--diff", "a.jsonl", &stored]).must_exit(0).document;
    assert_eq!((&same["rows"]["same"], &same["rows"]["changed"]["count"]), (&json!(2), &json!(0)));
    set(&world, 2, "osVersion", json!("10.0.26100.2"));
    set(&world, 3, "osVersion", json!("10.0.26100.1"));
    set(&world, 1, "model", json!("Surface Book 3"));
    world.run(&["plan", "contoso", "--out", "b.jsonl"]).must_exit(0);
    let told = world.say("plan --diff a.jsonl b.jsonl");
    assert_eq!(told.code, Some(1), "{}", told.stderr);
    for line in [
        "0 rows are alike",
        "1 say something else in B",
        "  update asset  PC-2\n    A  OS Version: \"10.0.26100.4946\" -> \"10.0.26100.1\"\n    B  OS Version: \"10.0.26100.4946\" -> \"10.0.26100.2\"",
        "1 are in A only\n  update asset  LAPTOP-1",
        "1 are in B only\n  update asset  PC-3",
    ] {
        assert!(told.stdout.contains(line), "{line} is missing in\n{}", told.stdout);
    }
    assert_eq!(world.halo.log().total() + world.microsoft.log().total(), 0, "somebody was asked");
    let text = fs::read_to_string(world.folder().join("b.jsonl")).unwrap();
    fs::write(world.folder().join("cut.jsonl"), &text[..text.len() / 2]).unwrap();
    world.run(&["plan", "--diff", "a.jsonl", "cut.jsonl"]).must_exit(2);
    world.run(&["plan", "--diff", "a.jsonl", "missing.jsonl"]).must_exit(2);
}

#[test]
fn an_import_that_waits_names_the_command_that_goes_on() {
    let mut world = world();
    world.change_settings("", "approve = \"always\"\n");
    let waits = world.import().must_exit(3).document;
    let plan = waits["runs"][0]["summary"]["plan"].as_str().unwrap().to_owned();
    let next = waits["runs"][0]["next"].as_str().unwrap().to_owned();
    assert!(next.contains(&format!("apply {plan} --approve")), "{next}");
    world.run(&["apply", &plan, "--approve"]).must_exit(0);
}

#[test]
fn plans_are_as_the_published_schema_says() {
    let world = world();
    let schema = world.run(&["plan", "--schema"]).must_exit(0).document;
    let place = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/plan.schema.json");
    let text = format!("{schema:#}\n");
    if std::env::var_os("UPDATE").is_some() {
        fs::write(&place, &text).unwrap();
    }
    assert_eq!(fs::read_to_string(&place).unwrap(), text, "UPDATE=1 writes docs/plan.schema.json");
    let validator = jsonschema::validator_for(&schema).unwrap();
    let check = |id: &str| {
        let lines = world.plan(id);
        for line in &lines {
            let problems: Vec<String> = validator.iter_errors(line).map(|error| error.to_string()).collect();
            assert!(problems.is_empty(), "{problems:?} in {line:#}");
        }
        lines.len()
    };
    let plan =
        |world: &World| world.import().document["runs"][0]["summary"]["plan"].as_str().unwrap().to_owned();
    assert_eq!(check(&plan(&world)), 5);
    set(&world, 1, "model", json!("OptiPlex 7090"));
    set(&world, 2, "serialNumber", json!("S-0003"));
    assert!(check(&plan(&world)) >= 3);
    assert!(!validator.is_valid(&json!({ "line": "step", "kind": "delete-asset" })));
    assert!(!validator.is_valid(&json!({ "line": "nonsense" })));
}
