//! What people are shown of earlier runs, and what a lost answer leaves in the history.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use integrator_scenarios::case::{device, device_id};
use integrator_scenarios::{World, WorldOptions};
use integrator_simulators::faults::{Effect, Fault};
use integrator_simulators::fleet::Fleet;
use integrator_simulators::halo::HaloOptions;
use serde_json::{Value, json};

/// A world whose second import changed both devices.
fn changed() -> (World, String) {
    let rows = [
        json!({ "id": 1, "deviceName": "LAPTOP-1", "serialNumber": "S-0001", "model": "Surface Book 3" }),
        json!({ "id": 2, "deviceName": "PC-2", "serialNumber": "S-0002", "model": "OptiPlex 7090" }),
    ];
    let devices = rows.iter().map(|row| device(row.as_object().unwrap().clone())).collect();
    let options = WorldOptions {
        fleet: Some(Fleet::of(devices)),
        halo: HaloOptions::default(),
        ..WorldOptions::default()
    };
    let world = World::start(options);
    world.import().must_exit(0);
    for (number, model) in [(1, "Book 4"), (2, "=1+1")] {
        set_model(&world, number, model);
    }
    let run = world.import().must_exit(0);
    let id = run.summary()["run"].as_str().unwrap().to_owned();
    (world, id)
}

fn set_model(world: &World, number: u64, model: &str) {
    world.microsoft.fleet().set_property(&device_id(number), "model", model.into());
}

#[test]
fn a_run_is_shown_with_what_became_of_each_device() {
    let (world, run) = changed();
    let shown = world.say(&format!("runs show {run}")).must_exit(0).stdout;
    assert!(shown.contains("outcomes: 2 written"), "{shown}");
    assert!(shown.contains("written  update asset 1001  LAPTOP-1"), "{shown}");
    assert!(shown.contains("Model: Surface Book 3 -> Book 4  [mapped from model]"), "{shown}");

    let one = world.words(&format!("runs show {run} --device pc-2")).must_exit(0).document;
    assert_eq!(one["run"]["run"].as_str(), Some(run.as_str()));
    assert_eq!(one["outcomes"]["counts"]["written"], 2);
    assert_eq!(one["outcomes"]["matching"], 1);
    assert_eq!(one["outcomes"]["rows"][0]["outcome"]["name"], "PC-2");
    let failed = world.say(&format!("runs show {run} --outcome failed")).must_exit(0).stdout;
    assert!(failed.contains("None of them is what was asked for"), "{failed}");
    let second = world.words(&format!("runs show {run} --limit 1 --skip 1")).must_exit(0).document;
    assert_eq!(second["outcomes"]["rows"].as_array().map(Vec::len), Some(1));
    assert_eq!(second["outcomes"]["rows"][0]["outcome"]["sequence"], 1);
}

#[test]
fn a_device_has_its_history_over_all_runs_newest_first() {
    let (world, run) = changed();
    for words in
        ["runs history contoso LAPTOP-1", "runs history contoso s-0001", "runs history contoso --asset 1001"]
    {
        let history = world.words(words).must_exit(0).document["history"].clone();
        let steps: Vec<&Value> =
            history.as_array().unwrap().iter().map(|one| &one["outcome"]["step"]).collect();
        assert_eq!(steps, ["update-asset", "create-asset"], "{words}");
        assert_eq!(history[0]["outcome"]["run"].as_str(), Some(run.as_str()));
    }
    let unknown = world.words("runs history contoso NOBODY").must_exit(2);
    assert!(unknown.document["error"].as_str().unwrap().contains("NOBODY"));
}

#[test]
fn an_unchanged_import_leaves_no_outcome() {
    let (world, _) = changed();
    let run = world.import().must_exit(0);
    let run = run.summary()["run"].as_str().unwrap();
    let shown = world.say(&format!("runs show {run}")).must_exit(0).stdout;
    assert!(shown.contains("outcomes: none"), "{shown}");
}

#[test]
fn exported_rows_hold_no_formula() {
    let (world, run) = changed();
    let csv = world.say(&format!("runs export {run}")).must_exit(0).stdout;
    let mut lines = csv.lines();
    assert!(lines.next().unwrap().starts_with("run,time,connection"), "{csv}");
    assert!(csv.contains(",'=1+1,"), "{csv}");
    assert_eq!(lines.count(), 2, "{csv}");
    let lines = world.say(&format!("runs export {run} --format jsonl")).must_exit(0).stdout;
    let rows: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(rows.len(), 2);
    assert_eq!(rows[1]["outcome"]["changes"][0]["to"], "=1+1");
}

#[test]
fn a_lost_answer_is_recovered_into_the_history_of_its_own_run_and_can_be_taken_back() {
    let (world, _) = changed();
    set_model(&world, 1, "Book 5");
    // The write is done, and nobody ever hears of it.
    world.halo.faults().add(Fault::new("/asset", Effect::AnswerLost).method("POST").forever());
    let lost = world.import();
    assert_ne!(lost.code, Some(0), "{}", lost.stdout);
    let run = lost.summary()["run"].as_str().unwrap().to_owned();
    world.halo.faults().clear();
    world.import().must_exit(0);
    let shown = world.words(&format!("runs show {run} --outcome recovered")).must_exit(0).document;
    assert_eq!(shown["outcomes"]["matching"], 1, "{shown}");
    let change = &shown["outcomes"]["rows"][0]["outcome"]["changes"][0];
    assert_eq!((change["from"].as_str(), change["to"].as_str()), (Some("Book 4"), Some("Book 5")));

    let plan = world.words(&format!("runs revert {run}")).must_exit(0);
    world.words(&format!("apply {}", plan.plan_id().unwrap())).must_exit(0);
    let history = world.words("runs history contoso LAPTOP-1 --limit 1").must_exit(0).document;
    let change = &history["history"][0]["outcome"]["changes"][0];
    assert_eq!((change["from"].as_str(), change["to"].as_str()), (Some("Book 5"), Some("Book 4")));
}

#[test]
fn a_device_that_is_held_again_and_again_is_one_entry() {
    let rows = [
        json!({ "id": 1, "deviceName": "ONE", "serialNumber": "S-0001" }),
        json!({ "id": 2, "deviceName": "TWO", "serialNumber": "S-0001" }),
    ];
    let devices = rows.iter().map(|row| device(row.as_object().unwrap().clone())).collect();
    let mut world = World::of(Fleet::of(devices));
    world.change_settings("", "[imports]\nshared_serial = \"hold\"\n");
    let first = world.import().must_exit(1);
    world.import().must_exit(1);
    world.import().must_exit(1);
    let spells = world.words(&format!("runs history contoso {}", device_id(1))).must_exit(0).document;
    let spells = spells["history"].as_array().unwrap().clone();
    assert_eq!(spells.len(), 1, "{spells:?}");
    assert_eq!(spells[0]["held"]["runs"], 3);
    assert_eq!(spells[0]["held"]["first_run"], first.summary()["run"]);
    let shown = world.words("runs show last --outcome held").must_exit(0).document;
    assert_eq!(shown["outcomes"]["matching"], 2, "{shown}");
}

#[test]
fn outcomes_that_were_removed_to_make_room_cannot_be_taken_back() {
    let (mut world, run) = changed();
    world.change_settings("[data]\nkeep_outcomes = 1\n", "");
    set_model(&world, 1, "Book 6");
    world.import().must_exit(0);
    let refused = world.words(&format!("runs revert {run}")).must_exit(2);
    let error = refused.document["error"].as_str().unwrap();
    assert!(error.contains("removed to make room (data.keep_outcomes = 1)"), "{error}");
    let shown = world.say(&format!("runs show {run}")).must_exit(0).stdout;
    assert!(shown.contains("outcomes: 2 written; removed to make room"), "{shown}");
}

#[test]
fn what_a_stale_plan_did_not_send_is_told_as_refused() {
    let (world, _) = changed();
    set_model(&world, 1, "Book 7");
    let plan = world.words("plan contoso").must_exit(0);
    set_model(&world, 1, "Book 8");
    world.import().must_exit(0);
    world.words(&format!("apply {}", plan.plan_id().unwrap())).must_exit(1);
    let shown = world.words("runs show last --outcome refused").must_exit(0).document;
    assert_eq!(shown["outcomes"]["matching"], 1, "{shown}");
    let reason = shown["outcomes"]["rows"][0]["outcome"]["reason"].as_str().unwrap();
    assert!(reason.contains("changed since the plan was made"), "{reason}");
}
