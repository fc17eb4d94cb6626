//! Lists and single reads of assets.

use rstest::rstest;
use serde_json::{Value, json};

use super::Desk;
use crate::halo::{
    BrokenRow, Columns, DateForm, EmptyFields, HaloOptions, IntuneIdStorage, RecordCountPastEnd,
};

async fn filled(options: HaloOptions, count: usize) -> Desk {
    let desk = Desk::new(options).await;
    for index in 0..count {
        desk.shared.state().add_asset(|asset| asset.inventory_number = format!("N{index:04}").into());
    }
    desk
}

#[rstest]
#[case::cap_100(100, "page_size=1000&page_no=2", 100, 1101)]
#[case::cap_50(50, "page_size=1000&page_no=2", 50, 1051)]
#[case::size_left_out(100, "page_no=2", 50, 1051)]
#[case::small(100, "page_size=10&page_no=3", 10, 1021)]
#[case::last(100, "page_size=100&page_no=3", 17, 1201)]
#[case::count_instead(100, "count=5000", 100, 1001)]
#[tokio::test]
async fn a_page_holds_the_cap_whatever_is_asked(
    #[case] cap: usize,
    #[case] query: &str,
    #[case] rows: usize,
    #[case] first: u64,
) {
    let desk = filled(HaloOptions { page_cap: cap, ..HaloOptions::default() }, 217).await;
    for pageinate in ["true", "false"] {
        let (_, page) = desk.get(&format!("/Asset?pageinate={pageinate}&order=id&{query}")).await;
        assert_eq!(page["assets"].as_array().unwrap().len(), rows);
        assert_eq!((&page["assets"][0]["id"], &page["record_count"]), (&json!(first), &json!(217)));
    }
}

#[tokio::test]
async fn a_page_after_the_last_is_empty_and_may_count_zero() {
    for (option, count) in [(RecordCountPastEnd::Total, 3), (RecordCountPastEnd::Zero, 0)] {
        let desk = filled(HaloOptions { record_count_past_end: option, ..HaloOptions::default() }, 3).await;
        let (_, page) = desk.get("/Asset?pageinate=true&page_size=100&page_no=2").await;
        assert_eq!((&page["assets"], &page["record_count"]), (&json!([]), &json!(count)));
    }
}

#[tokio::test]
async fn an_empty_columns_array_stands_before_or_after_the_rows() {
    for (option, present) in [(Columns::Absent, false), (Columns::Before, true), (Columns::After, true)] {
        let desk = filled(HaloOptions { columns: option, ..HaloOptions::default() }, 1).await;
        let (_, page) = desk.get("/Asset").await;
        assert_eq!(page.get("columns").is_some(), present);
    }
}

#[rstest]
#[case("page_no=0")]
#[case("page_size=many")]
#[case("includeinactive=perhaps")]
#[case("lastupdatefromdate=yesterday")]
#[case("order=colour_of_the_moon")]
#[case("idonly=true&pageinate=true")]
#[tokio::test]
async fn a_query_of_the_wrong_type_is_refused(#[case] query: &str) {
    let desk = filled(HaloOptions::default(), 1).await;
    assert_eq!(desk.get(&format!("/Asset?{query}")).await.0, 400);
}

#[tokio::test]
async fn ids_only_are_not_paged() {
    let desk = filled(HaloOptions::default(), 130).await;
    let (_, answer) = desk.get("/Asset?idonly=true").await;
    assert_eq!(answer["assets"].as_array().unwrap().len(), 130);
    assert_eq!(answer["assets"][0].as_object().unwrap().len(), 1);
}

#[tokio::test]
async fn inactive_assets_are_hidden_unless_asked_for() {
    let desk = filled(HaloOptions::default(), 2).await;
    desk.shared.state().edit_asset(1001, |asset| asset.inactive = true);
    for (query, ids) in [
        ("", vec![1002]),
        ("includeinactive=true", vec![1001, 1002]),
        ("includeinactive=true&includeactive=true", vec![1001, 1002]),
        ("includeinactive=true&includeactive=false", vec![1001]),
        ("activeinactive=true,false", vec![1002]),
        ("activeinactive=false,true", vec![1001]),
        ("activeinactive=true,true", vec![1001, 1002]),
    ] {
        assert_eq!(desk.ids(&format!("order=id&{query}")).await, ids, "{query}");
    }
}

#[tokio::test]
async fn filters_choose_by_site_type_number_key_fields_and_users() {
    let desk = filled(HaloOptions::default(), 3).await;
    let (warehouse, server, grace) = {
        let state = desk.shared.state();
        let server = state.asset_type("Server").unwrap().id;
        (state.site("Contoso Ltd", "Warehouse").unwrap().id, server, desk_user(&state, "Grace Hopper"))
    };
    desk.shared.state().edit_asset(1002, |asset| {
        asset.site_id = warehouse;
        asset.type_id = server;
        asset.users = vec![grace];
    });
    desk.shared.state().edit_field(1003, "Model", "ThinkPad X1");
    for (query, ids) in [
        (format!("site_id={warehouse}"), vec![1002]),
        (format!("assettype_id={server}"), vec![1002]),
        (format!("assettypes={server},1"), vec![1002]),
        ("client_id=12".to_owned(), vec![1001, 1002, 1003]),
        ("client_id=13".to_owned(), vec![]),
        ("search=n0002".to_owned(), vec![1003]),
        ("search=thinkpad".to_owned(), vec![1003]),
        ("search=thinkpad&search_inventory_number_only=true".to_owned(), vec![]),
        ("inventory_number=N0001".to_owned(), vec![1002]),
        ("username=hopper".to_owned(), vec![1002]),
        (format!("user_id={grace}"), vec![1002]),
        ("order=id&orderdesc=true".to_owned(), vec![1003, 1002, 1001]),
    ] {
        assert_eq!(desk.ids(&query).await, ids, "{query}");
    }
}

fn desk_user(state: &crate::halo::HaloState, name: &str) -> u64 {
    state.users().find(|user| &*user.name == name).unwrap().id
}

#[tokio::test]
async fn changes_since_are_found_by_last_modified() {
    let desk = filled(HaloOptions::default(), 3).await;
    desk.clock.advance(5000);
    desk.shared.state().edit_asset(1002, |asset| asset.notes = Some("a person wrote this".into()));
    desk.clock.advance(5000);
    desk.shared.state().edit_asset(1001, |asset| asset.inactive = true);
    for (query, ids) in [
        (
            "lastupdatefromdate=2026-01-29T20:00:05.123Z&includeinactive=true&order=last_modified",
            vec![1002, 1001],
        ),
        ("lastupdatefromdate=2026-01-29T20:00:05.124Z&includeinactive=true&order=id", vec![1001]),
        ("lastupdatefromdate=2026-01-29T20:00:05Z&order=id", vec![1002]),
        ("lastupdatefromdate=2026-01-29&lastupdatetodate=2026-01-29T20:00:01Z&order=id", vec![1003]),
        ("order=last_modified&orderdesc=true&includeinactive=true", vec![1001, 1002, 1003]),
    ] {
        assert_eq!(desk.ids(query).await, ids, "{query}");
    }
}

#[tokio::test]
async fn asset_fields_come_only_with_an_asset_type() {
    let desk = filled(HaloOptions::default(), 1).await;
    desk.shared.state().edit_field(1001, "Serial Number", "ABC");
    let kind = desk.shared.state().asset(1001).unwrap().type_id;
    assert_eq!(desk.rows("includeassetfields=true").await[0].get("fields"), None);
    assert_eq!(desk.rows(&format!("assettype_id={kind}")).await[0].get("fields"), None);
    let rows = desk.rows(&format!("includeassetfields=true&assettype_id={kind}")).await;
    let fields = rows[0]["fields"].as_array().unwrap();
    let serial = fields.iter().find(|field| field["id"] == 117).unwrap();
    assert_eq!((&serial["name"], &serial["value"]), (&json!("Serial Number"), &json!("ABC")));
}

#[tokio::test]
async fn empty_fields_are_blank_without_value_or_missing() {
    for (option, value) in [
        (EmptyFields::Blank, Some(Some(json!("")))),
        (EmptyFields::WithoutValue, Some(None)),
        (EmptyFields::Missing, None),
    ] {
        let desk = filled(HaloOptions { empty_fields: option, ..HaloOptions::default() }, 1).await;
        let (_, asset) = desk.get("/Asset/1001?includedetails=true").await;
        let found = asset["fields"].as_array().unwrap().iter().find(|field| field["id"] == 51);
        assert_eq!(found.map(|field| field.get("value").cloned()), value);
    }
}

#[tokio::test]
async fn a_single_read_has_fields_users_and_statuses_when_asked() {
    let desk = filled(HaloOptions::default(), 1).await;
    let (_, plain) = desk.get("/Asset/1001").await;
    let (_, full) = desk.get("/asset/1001?includedetails=true").await;
    assert_eq!((plain.get("fields"), plain.get("users"), full.get("users")), (None, None, None));
    assert!(full["fields"].is_array() && full.get("allowall_status").is_none());
    let ada = desk.user("Ada Lovelace");
    desk.shared.state().edit_asset(1001, |asset| asset.users = vec![ada]);
    let (_, full) = desk.get("/Asset/1001?includedetails=true&includeallowedstatus=true").await;
    assert_eq!((&full["users"][0]["id"], &full["username"]), (&json!(ada), &json!("Ada Lovelace")));
    assert_eq!(full["allowall_status"], true);
    assert_eq!(desk.get("/Asset/999").await.0, 404);
    assert_eq!(desk.get("/Asset/first").await.0, 400);
    assert_eq!(desk.get("/Gadget").await.0, 404);
}

#[tokio::test]
async fn moments_are_written_as_the_option_says() {
    for (option, text) in [
        (DateForm::Milliseconds, Some(json!("2026-01-29T20:00:00.123Z"))),
        (DateForm::WholeSeconds, Some(json!("2026-01-29T20:00:00Z"))),
        (DateForm::Absent, None),
    ] {
        let desk = filled(HaloOptions { dates: option, ..HaloOptions::default() }, 1).await;
        assert_eq!(desk.rows("").await[0].get("last_modified").cloned(), text);
    }
}

#[tokio::test]
async fn the_intune_id_is_kept_kept_off_lists_or_dropped() {
    for (option, listed, single) in [
        (IntuneIdStorage::Kept, true, true),
        (IntuneIdStorage::KeptOffLists, false, true),
        (IntuneIdStorage::Dropped, false, false),
    ] {
        let desk = Desk::new(HaloOptions { intune_id: option, ..HaloOptions::default() }).await;
        let mut row = desk.laptop("A");
        row["intune_id"] = json!("d-1");
        row["azureTenantId"] = json!("t-1");
        desk.post("/Asset", json!([row])).await;
        let (listed_row, single_row) = (desk.rows("").await[0].clone(), desk.get("/Asset/1001").await.1);
        for (row, shown) in [(listed_row, listed), (single_row, single)] {
            assert_eq!(row.get("intune_id"), shown.then_some(&json!("d-1")));
            assert_eq!(row.get("azureTenantId"), shown.then_some(&json!("t-1")));
        }
    }
}

#[tokio::test]
async fn damaged_rows_lack_what_they_should_have() {
    type Check = fn(&Value) -> bool;
    let checks: [(BrokenRow, Check); 5] = [
        (BrokenRow::WithoutFields, |row| row.get("key_field").is_none() && row.get("fields").is_none()),
        (BrokenRow::WithoutMembers, |row| row.get("inventory_number").is_none()),
        (BrokenRow::WithoutSite, |row| row["site_id"].is_null()),
        (BrokenRow::WrongTypes, |row| row["inventory_number"] == 7),
        (BrokenRow::WithoutId, |row| row.get("id").is_none()),
    ];
    for (how, check) in checks {
        let desk = filled(HaloOptions { broken_rows: vec![(1001, how)], ..HaloOptions::default() }, 2).await;
        let rows = desk.rows("order=id").await;
        assert!(check(&rows[0]), "{how:?}: {}", rows[0]);
        assert!(!check(&rows[1]) || how == BrokenRow::WithoutFields, "{how:?} must damage one row only");
    }
}

#[tokio::test]
async fn a_walk_sees_what_was_written_between_its_pages() {
    let desk = filled(HaloOptions::default(), 101).await;
    assert_eq!(desk.ids("order=id").await.len(), 100);
    desk.shared.state().delete_asset(1001);
    let (_, page) = desk.get("/Asset?pageinate=true&page_size=100&page_no=2&order=id").await;
    assert_eq!((&page["assets"], &page["record_count"]), (&json!([]), &json!(100)));
}
