//! The fleet as a server sees it: order, pages, edits.

use std::collections::{BTreeMap, HashSet};

use rstest::rstest;
use serde_json::json;

use super::*;

fn rows(fleet: &Fleet, after: Option<&PageKey>, limit: usize) -> (Vec<Value>, Option<PageKey>) {
    let page = fleet.page(after, limit, None);
    let text = format!("[{}]", String::from_utf8(page.rows).unwrap());
    let rows: Vec<Value> = serde_json::from_str(&text).unwrap();
    assert_eq!(rows.len(), page.count);
    (rows, page.more_after)
}

fn sweep(fleet: &Fleet, limit: usize) -> Vec<Value> {
    let mut all = Vec::new();
    let mut key = None;
    loop {
        let (mut page, next) = rows(fleet, key.as_ref(), limit);
        all.append(&mut page);
        if next.is_none() {
            return all;
        }
        key = next;
    }
}

fn text<'a>(row: &'a Value, name: &str) -> &'a str {
    row[name].as_str().unwrap_or_default()
}

#[rstest]
#[case(1)]
#[case(7)]
#[case(500)]
#[case(1000)]
fn a_sweep_returns_every_device_once_in_order(#[case] limit: usize) {
    let fleet = Fleet::generate(500, 3);
    let all = sweep(&fleet, limit);
    let keys: Vec<(String, &str)> =
        all.iter().map(|row| (text(row, "deviceName").to_lowercase(), text(row, "id"))).collect();
    assert!(keys.is_sorted());
    assert_eq!(keys.iter().map(|(_, id)| id).collect::<HashSet<_>>().len(), 500);
}

#[test]
fn the_same_seed_gives_the_same_fleet_and_another_seed_another_one() {
    assert_eq!(sweep(&Fleet::generate(50, 3), 10), sweep(&Fleet::generate(50, 3), 50));
    assert_ne!(sweep(&Fleet::generate(50, 3), 50), sweep(&Fleet::generate(50, 4), 50));
}

#[test]
fn a_generated_list_row_is_the_masked_stored_row() {
    let fleet = Fleet::generate(300, 9);
    for row in sweep(&fleet, 100) {
        let stored = fleet.device(text(&row, "id")).unwrap();
        assert_eq!(stored.as_object().unwrap().len(), PROPERTIES.len());
        assert_eq!(row, row::in_list(stored));
    }
}

#[test]
fn a_generated_fleet_has_every_kind_of_device() {
    let fleet = Fleet::generate(4000, 1);
    let all = sweep(&fleet, 1000);
    let mut systems: BTreeMap<&str, usize> = BTreeMap::new();
    for row in &all {
        *systems.entry(text(row, "operatingSystem")).or_default() += 1;
    }
    assert_eq!(systems.keys().copied().collect::<Vec<_>>(), ["Android", "Linux", "Windows", "iOS", "macOS"]);
    let any = |test: &dyn Fn(&Value) -> bool| all.iter().any(test);
    assert!(any(&|row| text(row, "managementAgent") == "msSense"));
    assert!(any(&|row| text(row, "serialNumber") == "To be filled by O.E.M."));
    assert!(any(&|row| text(row, "userId").is_empty() && text(row, "managementAgent") == "mdm"));
    assert!(any(&|row| text(row, "deviceName").contains('\'')));
    assert!(any(&|row| !text(row, "deviceName").is_ascii()));
}

#[test]
fn a_device_that_was_enrolled_again_last_synced_before_that() {
    let fleet = Fleet::generate(1000, 1);
    let (older, newer) =
        (fleet.device(&fleet.device_id(95)).unwrap(), fleet.device(&fleet.device_id(96)).unwrap());
    assert_eq!(older["serialNumber"], newer["serialNumber"]);
    assert_ne!(older["id"], newer["id"]);
    assert!(text(&older, "lastSyncDateTime") < text(&newer, "enrolledDateTime"));
}

#[test]
fn serial_numbers_repeat_only_for_placeholders_and_enrolments() {
    let fleet = Fleet::generate(5000, 1);
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    for row in sweep(&fleet, 1000) {
        *seen.entry(text(&row, "serialNumber").to_owned()).or_default() += 1;
    }
    let repeated: Vec<_> = seen
        .iter()
        .filter(|(serial, count)| **count > 1 && !catalogue::PLACEHOLDERS.contains(&serial.as_str()))
        .collect();
    assert!(repeated.iter().all(|(_, count)| **count == 2), "{repeated:?}");
    assert!(!repeated.is_empty() && repeated.len() <= 5000 / 97, "{repeated:?}");
}

#[test]
fn users_are_unique_and_every_primary_user_is_one_of_them() {
    let fleet = Fleet::generate(600, 5);
    let users: Vec<FleetUser> = fleet.users().collect();
    assert_eq!(users.len(), 500);
    let ids: HashSet<String> = users.iter().map(|user| user.id.clone()).collect();
    let names: HashSet<&str> = users.iter().map(|user| user.user_principal_name.as_str()).collect();
    assert_eq!((ids.len(), names.len()), (500, 500));
    for row in sweep(&fleet, 1000) {
        assert!(row["userId"] == "" || ids.contains(text(&row, "userId")), "{}", row["userId"]);
    }
}

#[test]
fn a_removed_device_is_gone_until_it_is_restored() {
    let mut fleet = Fleet::generate(20, 1);
    let id = fleet.device_id(7);
    assert!(fleet.remove(&id));
    assert!(!fleet.remove(&id));
    assert_eq!((fleet.len(), sweep(&fleet, 5).len(), fleet.device(&id)), (19, 19, None));
    assert!(fleet.restore(&id));
    assert!(!fleet.restore(&id));
    assert_eq!(sweep(&fleet, 5).len(), 20);
}

#[test]
fn a_renamed_device_moves_in_the_order() {
    let mut fleet = Fleet::generate(20, 1);
    let id = fleet.device_id(7);
    assert!(fleet.set_property(&id, "deviceName", json!("龜 last")));
    let all = sweep(&fleet, 3);
    assert_eq!((all.len(), text(&all[19], "id"), text(&all[19], "deviceName")), (20, id.as_str(), "龜 last"));
    assert!(fleet.set_property(&id, "deviceName", json!("!first")));
    assert_eq!(text(&sweep(&fleet, 3)[0], "id"), id);
    assert!(!fleet.set_property("nobody", "notes", json!(1)));
}

#[test]
fn an_edited_device_can_be_removed_and_restored() {
    let mut fleet = Fleet::generate(20, 1);
    let id = fleet.device_id(7);
    fleet.set_property(&id, "model", json!("Changed"));
    fleet.remove(&id);
    assert_eq!(fleet.device(&id), None);
    fleet.restore(&id);
    assert_eq!(fleet.device(&id).unwrap()["model"], "Changed");
}

#[rstest]
#[case(0.0, 0, 0)]
#[case(10.0, 60, 140)]
#[case(100.0, 1000, 1000)]
fn a_touch_changes_the_share_it_names(#[case] percent: f64, #[case] least: usize, #[case] most: usize) {
    let mut fleet = Fleet::generate(1000, 1);
    let before = sweep(&fleet, 1000);
    fleet.touch_percent(percent, 1);
    let after = sweep(&fleet, 1000);
    let changed =
        before.iter().zip(&after).filter(|(before, after)| before["osVersion"] != after["osVersion"]).count();
    assert!((least..=most).contains(&changed), "{changed}");
}

#[test]
fn a_touch_of_all_syncs_changes_nothing_else() {
    let mut fleet = Fleet::generate(10, 1);
    fleet.add(complete(json!({ "id": "made", "deviceName": "made" })));
    let before = sweep(&fleet, 1000);
    fleet.touch_all_syncs();
    for (before, mut after) in before.into_iter().zip(sweep(&fleet, 1000)) {
        assert!(text(&before, "lastSyncDateTime") < text(&after, "lastSyncDateTime"));
        after["lastSyncDateTime"] = before["lastSyncDateTime"].clone();
        assert_eq!(before, after);
    }
}

#[test]
fn an_edit_after_a_touch_keeps_its_value() {
    let mut fleet = Fleet::generate(10, 1);
    let id = fleet.device_id(3);
    fleet.touch_percent(100.0, 1);
    fleet.set_property(&id, "osVersion", json!("1.2.3"));
    assert_eq!(fleet.device(&id).unwrap()["osVersion"], "1.2.3");
    fleet.touch_percent(100.0, 2);
    assert_eq!(fleet.device(&id).unwrap()["osVersion"], "1.2.4");
}

#[test]
fn a_fleet_made_by_hand_serves_odd_rows_too() {
    let long = "x".repeat(100_000);
    let fleet = Fleet::of(vec![
        complete(json!({ "id": "b", "deviceName": "B" })),
        json!({ "id": "a", "deviceName": "a", "serialNumber": 7, "model": null }),
        json!("no object"),
        json!({ "id": "c", "deviceName": long }),
    ]);
    let all = sweep(&fleet, 1);
    assert_eq!(all.len(), 4);
    assert_eq!(all[0], json!("no object"));
    assert_eq!(all[1], json!({ "id": "a", "deviceName": "a", "serialNumber": 7, "model": null }));
    assert_eq!(fleet.users().count(), 0);
}

#[test]
fn rows_up_to_a_position_are_the_last_of_the_page_before() {
    let mut fleet = Fleet::generate(30, 1);
    fleet.add(complete(json!({ "id": "made", "deviceName": "M" })));
    let (first, next) = rows(&fleet, None, 20);
    let (repeated, count) = fleet.rows_up_to(&next.unwrap(), 4, None);
    let repeated: Vec<Value> =
        serde_json::from_str(&format!("[{}]", String::from_utf8(repeated).unwrap())).unwrap();
    assert_eq!((count, repeated.as_slice()), (4, &first[16..]));
}

#[test]
fn a_list_row_has_about_the_size_of_a_real_one() {
    let fleet = Fleet::generate(1000, 1);
    let size = fleet.page(None, 1000, None).rows.len() / 1000;
    assert!((1800..2600).contains(&size), "{size}");
}

#[test]
fn a_deleted_user_is_no_longer_listed() {
    let mut fleet = Fleet::generate(12, 1);
    let user = fleet.users().nth(3).unwrap();
    assert!(fleet.remove_user(&user.user_principal_name));
    assert_eq!((fleet.users().count(), fleet.user(&user.id)), (9, None));
}
