//! Inactive, deactivated, gone, and the way back: what is planned for an asset as its device falls silent and returns.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod common;

use common::{World, asset, now};
use integrator_core::model::{Asset, AssetId, Deactivated, Device, Link, LinkState, StatusId};
use integrator_core::plan::{
    Basis, Change, Effect, Miss, Planned, Remember, Sight, Step, Subject, plan_absent, plan_create,
    plan_unseen, plan_update,
};
use integrator_core::resolve::Tier;

const SETTINGS: &str = r#"
    [asset_types]
    determine = "rules"
    default = "Workstation"
    [[asset_types.rules]]
    type = "Phone"
    when = [{ intune = "operatingSystem", is = "equals", value = "iOS" }]
    [statuses]
    new = "Active"
    deleted = { status = "Retired", deactivate = true }
    recovered = "Active"
    inactive = { after_days = 30, status = "Inactive", deactivate = true }
"#;

const FRESH: &str = "2026-06-29T12:00:00Z";
const STALE: &str = "2026-05-31T12:00:00Z";

fn device(world: &World, synced: &str) -> Device {
    world.device("d1", &[("lastSyncDateTime", synced)])
}

fn summary(changes: &[Change]) -> Vec<String> {
    let text = |value: &Option<String>| value.clone().unwrap_or_else(|| "-".to_owned());
    changes
        .iter()
        .map(|change| format!("{}: {} -> {}", change.name, text(&change.from), text(&change.to)))
        .collect()
}

fn update(world: &World, device: &Device, asset: &Asset, basis: Basis<'_>) -> Planned {
    let decision = world.decide(device);
    plan_update(
        world.facts(),
        Subject {
            device,
            decision: &decision,
            asset,
            basis,
            users: &[],
            type_step: None,
            sight: Sight::Kept,
        },
    )
    .0
}

fn step(planned: Planned) -> Step {
    match planned {
        Planned::Step(step) => *step,
        other => panic!("no step but {other:?}"),
    }
}

fn remember(planned: Planned) -> Remember {
    match planned {
        Planned::Remember(remember) => *remember,
        other => panic!("nothing to remember but {other:?}"),
    }
}

/// The link and the asset once a step was carried out.
fn carried_out(step: &Step, before: Option<&Asset>) -> (Link, Asset) {
    let write = step.asset.clone().unwrap();
    let mut shown = before.cloned().unwrap_or_else(|| Asset { status: None, ..asset(1001) });
    shown.type_id = write.type_id.or(shown.type_id);
    shown.status = write.status.or(shown.status);
    shown.inactive = write.inactive.unwrap_or(shown.inactive);
    shown.intune_id = write.intune_id.clone().or(shown.intune_id);
    let link = Link { asset: AssetId(1001), shown: shown.digest(), ..step.link.clone().unwrap() };
    (link, shown)
}

fn created(world: &World, device: &Device) -> (Link, Asset) {
    let (step, _) = plan_create(world.facts(), device, &world.decide(device), None, None);
    carried_out(&step, None)
}

#[test]
fn a_device_that_falls_silent_becomes_inactive_once_and_comes_back() {
    let world = World::new(SETTINGS);
    let (link, asset) = created(&world, &device(&world, FRESH));
    let gone = step(update(&world, &device(&world, STALE), &asset, Basis::Linked(&link)));
    assert_eq!(gone.effect, Effect::Deactivate);
    assert_eq!(summary(&gone.changes), ["status: 1 -> 3", "inactive: false -> true"]);
    assert_eq!(
        gone.changes[0].reason,
        "no synchronisation since 2026-05-31 (statuses.inactive after 30 days)"
    );
    let (link, asset) = carried_out(&gone, Some(&asset));
    assert_eq!((link.state, link.life.deactivated), (LinkState::Inactive, Deactivated::ByUs));
    let again = update(&world, &device(&world, STALE), &asset, Basis::Linked(&link));
    assert_eq!(again, Planned::Unchanged);
    let back = step(update(&world, &device(&world, FRESH), &asset, Basis::Linked(&link)));
    assert_eq!(back.effect, Effect::Recover);
    assert_eq!(summary(&back.changes), ["status: 3 -> 1", "inactive: true -> false"]);
    let (link, asset) = carried_out(&back, Some(&asset));
    assert_eq!((link.state, link.life.deactivated), (LinkState::Present, Deactivated::NotByUs));
    assert_eq!(update(&world, &device(&world, FRESH), &asset, Basis::Linked(&link)), Planned::Unchanged);
}

#[test]
fn a_device_comes_back_to_the_status_that_a_person_had_chosen() {
    let world = World::new(SETTINGS);
    let (link, active) = created(&world, &device(&world, FRESH));
    for (chosen, expected) in [(Some(StatusId(4)), "status: 3 -> 4"), (None, "status: 3 -> 1")] {
        let asset = Asset { status: chosen, ..active.clone() };
        let gone = step(update(&world, &device(&world, STALE), &asset, Basis::Linked(&link)));
        let (link, asset) = carried_out(&gone, Some(&asset));
        let back = step(update(&world, &device(&world, FRESH), &asset, Basis::Linked(&link)));
        assert_eq!(summary(&back.changes)[0], expected);
    }
}

#[test]
fn what_a_person_did_to_an_inactive_asset_stands() {
    let world = World::new(SETTINGS);
    let (link, asset) = created(&world, &device(&world, FRESH));
    let gone = step(update(&world, &device(&world, STALE), &asset, Basis::Linked(&link)));
    let (link, inactive) = carried_out(&gone, Some(&asset));
    // Another status: only the activity is undone.
    let lent = Asset { status: Some(StatusId(4)), ..inactive.clone() };
    let back = step(update(&world, &device(&world, FRESH), &lent, Basis::Linked(&link)));
    assert_eq!(summary(&back.changes), ["inactive: true -> false"]);
    // Activated while the device is still silent: remembered, and left so; deactivated later by a person: stays so.
    let revived = Asset { inactive: false, ..inactive.clone() };
    let noticed = remember(update(&world, &device(&world, STALE), &revived, Basis::Linked(&link)));
    let link = noticed.link.unwrap();
    assert_eq!(link.life.deactivated, Deactivated::NotByUs);
    let back = step(update(&world, &device(&world, FRESH), &inactive, Basis::Linked(&link)));
    assert_eq!(summary(&back.changes), ["status: 3 -> 1"]);
}

#[test]
fn an_asset_that_a_person_deactivated_is_not_activated() {
    let world = World::new(SETTINGS);
    let (link, asset) = created(&world, &device(&world, FRESH));
    let asset = Asset { inactive: true, ..asset };
    let gone = step(update(&world, &device(&world, STALE), &asset, Basis::Linked(&link)));
    assert_eq!(summary(&gone.changes), ["status: 1 -> 3"]);
    let (link, asset) = carried_out(&gone, Some(&asset));
    let back = step(update(&world, &device(&world, FRESH), &asset, Basis::Linked(&link)));
    assert_eq!(summary(&back.changes), ["status: 3 -> 1"]);
}

#[test]
fn an_asset_that_was_inactive_before_is_not_brought_back() {
    let world = World::new(SETTINGS);
    let shown = Asset { status: Some(StatusId(3)), inactive: true, intune_id: Some("d1".into()), ..asset(7) };
    let matched = update(&world, &device(&world, STALE), &shown, Basis::Matched(Tier::IntuneId));
    let link = remember(matched).link.unwrap();
    assert_eq!((link.state, link.status), (LinkState::Inactive, None));
    let back = remember(update(&world, &device(&world, FRESH), &shown, Basis::Linked(&link)));
    assert_eq!(back.link.unwrap().state, LinkState::Present);
}

#[test]
fn a_silent_device_is_created_inactive_and_comes_back_as_new() {
    let world = World::new(SETTINGS);
    let silent = device(&world, STALE);
    let (create, left_out) = plan_create(world.facts(), &silent, &world.decide(&silent), None, None);
    assert_eq!(left_out, integrator_core::plan::LeftOut::default());
    let write = create.asset.clone().unwrap();
    assert_eq!((write.status, write.inactive), (Some(StatusId(3)), Some(true)));
    let (link, asset) = carried_out(&create, None);
    let back = step(update(&world, &device(&world, FRESH), &asset, Basis::Linked(&link)));
    assert_eq!(summary(&back.changes), ["status: 3 -> 1", "inactive: true -> false"]);
}

#[test]
fn a_silent_device_whose_type_allows_no_such_status_is_created_as_new() {
    let world = World::new(SETTINGS);
    let silent = world.device("d1", &[("lastSyncDateTime", STALE), ("operatingSystem", "iOS")]);
    let (create, left_out) = plan_create(world.facts(), &silent, &world.decide(&silent), None, None);
    assert_eq!(create.asset.unwrap().status, Some(StatusId(1)));
    assert_eq!(left_out.statuses.len(), 1);
}

#[test]
fn a_device_without_a_time_of_a_synchronisation_is_never_inactive() {
    let world = World::new(SETTINGS);
    let (link, asset) = created(&world, &device(&world, FRESH));
    let silent = world.device("d1", &[]);
    let after = remember(update(&world, &silent, &asset, Basis::Linked(&link))).link.unwrap();
    assert_eq!((after.state, after.decision), (LinkState::Present, link.decision));
}

#[test]
fn without_the_rule_inactive_assets_come_back() {
    let world = World::new(SETTINGS);
    let (link, asset) = created(&world, &device(&world, FRESH));
    let gone = step(update(&world, &device(&world, STALE), &asset, Basis::Linked(&link)));
    let (link, asset) = carried_out(&gone, Some(&asset));
    let line = SETTINGS.lines().find(|line| line.contains("inactive =")).unwrap();
    let world = World::new(&SETTINGS.replace(line, ""));
    let back = step(update(&world, &device(&world, STALE), &asset, Basis::Linked(&link)));
    assert_eq!(summary(&back.changes), ["status: 3 -> 1", "inactive: true -> false"]);
}

#[test]
fn an_inactive_device_that_goes_and_returns_ends_where_it_began() {
    let world = World::new(SETTINGS);
    let (link, asset) = created(&world, &device(&world, FRESH));
    let asset = Asset { status: Some(StatusId(4)), ..asset };
    let silent = step(update(&world, &device(&world, STALE), &asset, Basis::Linked(&link)));
    let (link, asset) = carried_out(&silent, Some(&asset));
    let miss = Miss { misses: 2, run: "run-2" };
    let gone = step(plan_absent(world.facts(), &link, Some(&asset), miss).0);
    assert_eq!(summary(&gone.changes), ["status: 3 -> 2"]);
    let (link, asset) = carried_out(&gone, Some(&asset));
    assert_eq!(link.status_before, Some(StatusId(4)));
    assert_eq!(link.life.deactivated, Deactivated::ByUs);
    // Back, but still silent: inactive, not recovered.
    let back = step(update(&world, &device(&world, STALE), &asset, Basis::Linked(&link)));
    assert_eq!(summary(&back.changes), ["status: 2 -> 3"]);
    let (silent, shown) = carried_out(&back, Some(&asset));
    let alive = step(update(&world, &device(&world, FRESH), &shown, Basis::Linked(&silent)));
    assert_eq!(summary(&alive.changes), ["status: 3 -> 4", "inactive: true -> false"]);
    // Back and alive.
    let back = step(update(&world, &device(&world, FRESH), &asset, Basis::Linked(&link)));
    assert_eq!(summary(&back.changes), ["status: 2 -> 1", "inactive: true -> false"]);
}

#[test]
fn an_absent_device_is_inactive_once_no_import_has_seen_it_for_long() {
    let settings = SETTINGS.replace("after_days = 30,", "after_days = 30, clock = \"last-import\",");
    let world = World::new(&settings);
    // In the sweep it was seen, whenever it synchronised.
    let (mut link, asset) = created(&world, &device(&world, STALE));
    assert_eq!(link.state, LinkState::Present);
    link.life.last_seen = Some(STALE.parse().unwrap());
    link.life.leaving = Some("wipeIssued".into());
    let miss = Miss { misses: 1, run: "run-2" };
    let gone = step(plan_unseen(world.facts(), &link, Some(&asset), miss).0);
    assert_eq!(summary(&gone.changes), ["status: 1 -> 3", "inactive: false -> true"]);
    assert_eq!(
        gone.changes[0].reason,
        "no complete import has seen the device since 2026-05-31 (statuses.inactive after 30 days), and Intune answers 404 to a direct read; before that, Intune began to wipe it (wipeIssued)"
    );
    let (link, asset) = carried_out(&gone, Some(&asset));
    assert_eq!((link.state, link.life.absent_since), (LinkState::Inactive, Some(now())));
    let back = step(update(&world, &device(&world, STALE), &asset, Basis::Linked(&link)));
    assert_eq!(summary(&back.changes), ["status: 3 -> 1", "inactive: true -> false"]);
    assert_eq!(back.link.unwrap().life.absent_since, None);
}

#[test]
fn a_leaving_device_is_remembered_without_a_write() {
    let world = World::new(SETTINGS);
    let (link, asset) = created(&world, &device(&world, FRESH));
    let leaving = world.device("d1", &[("lastSyncDateTime", FRESH), ("managementState", "retirePending")]);
    let noted = remember(update(&world, &leaving, &asset, Basis::Linked(&link))).link.unwrap();
    assert_ne!(noted.decision, link.decision);
    let miss = Miss { misses: 2, run: "run-2" };
    let gone = step(plan_absent(world.facts(), &noted, Some(&asset), miss).0);
    assert!(
        gone.changes[0].reason.ends_with("; before that, Intune was asked to retire it (retirePending)"),
        "{}",
        gone.changes[0].reason
    );
}
