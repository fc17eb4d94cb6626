//! `POST /Asset`.

use axum::body::Body;
use http::Request;
use rstest::rstest;
use serde_json::{Value, json};

use super::Desk;
use crate::faults::Effect;
use crate::halo::{
    AllowedStatuses, BatchFailure, ErrorShape, FieldStorage, HaloOptions, InventoryNumbers, ReplyForm,
    ReplyMembers, UNKNOWN, UserLinks,
};

#[rstest]
#[case::bare_object(json!({ "assettype_id": 121, "client_id": 12 }), "")]
#[case::number_as_row(json!([7]), "[0]")]
#[case::text_for_a_number(json!([{ "assettype_id": 121, "site_id": 18 }, { "site_id": "eighteen" }]), "[1].site_id")]
#[case::decimal_for_a_number(json!([{ "site_id": 12.0 }]), "[0].site_id")]
#[case::too_large(json!([{ "site_id": 9_999_999_999_u64 }]), "[0].site_id")]
#[case::object_for_a_text(json!([{ "inventory_number": {} }]), "[0].inventory_number")]
#[case::text_for_a_flag(json!([{ "inactive": "perhaps" }]), "[0].inactive")]
#[case::fields_no_array(json!([{ "fields": { "id": 51 } }]), "[0].fields")]
#[case::field_id(json!([{ "fields": [{ "id": "Model", "value": "x" }] }]), "[0].fields[0].id")]
#[case::field_value(json!([{ "fields": [{ "id": 51, "value": ["x"] }] }]), "[0].fields[0].value")]
#[case::users_numbers(json!([{ "users": [31] }]), "[0].users[0]")]
#[case::other_member(json!([{ "criticality": "high" }]), "[0].criticality")]
#[tokio::test]
async fn what_cannot_be_read_refuses_the_whole_request_and_names_the_row(
    #[case] body: Value,
    #[case] path: &str,
) {
    let desk = Desk::new(HaloOptions::default()).await;
    let (status, answer) = desk.post("/Asset", body).await;
    assert_eq!(status, 400);
    assert!(answer.get(path).is_some_and(|messages| messages[0].is_string()), "{answer}");
    assert_eq!(desk.shared.state().asset_count(), 0);
}

#[tokio::test]
async fn only_json_is_taken() {
    let desk = Desk::new(HaloOptions::default()).await;
    for (content_type, status) in
        [("text/plain", 415), ("application/x-www-form-urlencoded", 415), ("application/json", 400)]
    {
        let request = Request::post("/api/Asset")
            .header("authorization", format!("Bearer {}", desk.token))
            .header("content-type", content_type)
            .body(Body::from("not json"))
            .unwrap();
        assert_eq!(desk.send(request).await.0, status, "{content_type}");
    }
    let request = Request::put("/api/Asset").header("authorization", format!("Bearer {}", desk.token));
    assert_eq!(desk.send(request.body(Body::from("[]")).unwrap()).await.0, 405);
}

#[tokio::test]
async fn a_create_takes_names_texts_for_numbers_and_unknown_members() {
    let desk = Desk::new(HaloOptions::default()).await;
    let kind = desk.shared.state().asset_type("Laptop").unwrap().id;
    let (status, answer) = desk
        .post(
            "/asset",
            json!([{ "id": 0, "assettype_id": kind.to_string(), "Client_Name": "contoso ltd", "site_name": "warehouse",
                     "infofield_51": null, "made_up": {}, "_isimport": true, "_dontaddnewfields": "true",
                     "criticality": "2", "notes": null,
                     "fields": [{ "id": "51", "value": "X1" }, { "name": "serial number", "value": 42 },
                                { "name": "No Such Field", "value": "x" }, { "id": 9999, "value": "x" }] }]),
        )
        .await;
    assert_eq!(status, 201, "{answer}");
    let state = desk.shared.state();
    let asset = state.asset(1001).unwrap();
    assert_eq!(asset.site_id, state.site("Contoso Ltd", "Warehouse").unwrap().id);
    assert_eq!(state.field_value(asset, "Model"), Some("X1"));
    assert_eq!(state.field_value(asset, "Serial Number"), Some("42"));
    assert_eq!((asset.fields().count(), asset.status_id), (2, 1));
    assert_eq!(asset.extra("criticality"), Some(&json!(2)));
    assert_eq!(asset.extra("_isimport"), None);
    assert_eq!((&answer[0]["key_field3"], &answer[0]["criticality"]), (&json!("X1"), &json!(2)));
}

#[rstest]
#[case::no_type(json!({ "site_id": 18 }), "assettype_id")]
#[case::unknown_type(json!({ "site_id": 18, "assettype_id": 5 }), "assettype_id")]
#[case::unknown_type_name(json!({ "site_id": 18, "assettype_name": "Spaceship" }), "assettype_id")]
#[case::no_site(json!({ "assettype_name": "laptop" }), "site_id")]
#[case::unknown_status(json!({ "site_id": 18, "assettype_name": "laptop", "status_id": 77 }), "status_id")]
#[case::unknown_user(json!({ "site_id": 18, "assettype_name": "laptop", "users": [{ "id": 7 }] }), "users")]
#[case::user_without_id(json!({ "site_id": 18, "assettype_name": "laptop", "users": [{}] }), "users")]
#[case::unknown_asset(json!({ "id": 5 }), "id")]
#[tokio::test]
async fn a_rule_that_is_broken_refuses_the_row(#[case] row: Value, #[case] member: &str) {
    let options = HaloOptions {
        error_shape: ErrorShape::ModelBinding,
        unknown_id_status: 400,
        ..HaloOptions::default()
    };
    let desk = Desk::new(options).await;
    let (status, answer) = desk.post("/Asset", json!([row])).await;
    assert_eq!(status, 400);
    assert!(answer.get(format!("[0].{member}")).is_some(), "{answer}");
    assert_eq!(desk.shared.state().asset_count(), 0);
}

#[tokio::test]
async fn a_site_that_is_not_there_becomes_unknown() {
    let desk = Desk::new(HaloOptions::default()).await;
    let main = desk.shared.state().client("Fabrikam").unwrap().main_site_id;
    for (place, site) in [
        (json!({ "site_id": 4711 }), UNKNOWN),
        (json!({ "client_id": 4711 }), UNKNOWN),
        (json!({ "client_name": "Nobody", "site_name": "Head Office" }), UNKNOWN),
        (json!({ "client_name": "Fabrikam" }), main),
        (json!({ "client_id": 13 }), main),
    ] {
        let mut row = place.clone();
        row["assettype_name"] = json!("LAPTOP");
        let (status, answer) = desk.post("/Asset", json!([row])).await;
        assert_eq!((status, answer[0]["site_id"].as_u64()), (201, Some(site)), "{place}");
    }
}

#[tokio::test]
async fn an_update_changes_what_is_sent_and_moves_last_modified() {
    let desk = Desk::new(HaloOptions::default()).await;
    let id = desk.laptops(&["A"]).await[0];
    desk.shared.state().edit_field(id, "Model", "X1");
    desk.clock.advance(1000);
    let (status, _) = desk
        .post(
            "/Asset",
            json!([{ "id": id.to_string(), "inactive": true, "fields": [{ "id": 117, "value": "S" }] }]),
        )
        .await;
    assert_eq!(status, 201);
    let state = desk.shared.state();
    let asset = state.asset(id).unwrap();
    assert_eq!((&*asset.inventory_number, asset.inactive), ("A", true));
    assert_eq!(
        (state.field_value(asset, "Model"), state.field_value(asset, "Serial Number")),
        (Some("X1"), Some("S"))
    );
    assert_eq!(asset.last_modified, super::START + 1000);
}

#[tokio::test]
async fn an_empty_or_null_value_clears_a_field() {
    let desk = Desk::new(HaloOptions::default()).await;
    let id = desk.laptops(&["A"]).await[0];
    for value in [json!(""), Value::Null] {
        desk.shared.state().edit_field(id, "Model", "X1");
        desk.post("/Asset", json!([{ "id": id, "fields": [{ "id": 51, "value": value }] }])).await;
        assert_eq!(desk.shared.state().asset(id).unwrap().field(51), None);
    }
}

#[tokio::test]
async fn a_field_value_is_kept_trimmed_or_cut() {
    for (option, kept) in
        [(FieldStorage::AsSent, " äbc "), (FieldStorage::Trimmed, "äbc"), (FieldStorage::CutAfter(2), " ä")]
    {
        let desk = Desk::new(HaloOptions { field_values: option, ..HaloOptions::default() }).await;
        let id = desk.laptops(&["A"]).await[0];
        desk.post("/Asset", json!([{ "id": id, "fields": [{ "id": 51, "value": " äbc " }] }])).await;
        assert_eq!(desk.shared.state().asset(id).unwrap().field(51), Some(kept));
    }
}

#[tokio::test]
async fn naming_its_own_client_does_not_move_an_asset() {
    let desk = Desk::new(HaloOptions::default()).await;
    let id = desk.laptops(&["A"]).await[0];
    let warehouse = desk.shared.state().site("Contoso Ltd", "Warehouse").unwrap().id;
    desk.post("/Asset", json!([{ "id": id, "site_id": warehouse }])).await;
    desk.post("/Asset", json!([{ "id": id, "client_id": 12 }])).await;
    assert_eq!(desk.shared.state().asset(id).unwrap().site_id, warehouse);
    desk.post("/Asset", json!([{ "id": id, "client_id": 13 }])).await;
    let fabrikam = desk.shared.state().client("Fabrikam").unwrap().main_site_id;
    assert_eq!(desk.shared.state().asset(id).unwrap().site_id, fabrikam);
}

#[tokio::test]
async fn users_replace_the_linked_ones_or_join_them() {
    for (option, after_second, after_empty) in [(UserLinks::Replace, 1, 0), (UserLinks::Merge, 2, 2)] {
        let desk = Desk::new(HaloOptions { user_links: option, ..HaloOptions::default() }).await;
        let id = desk.laptops(&["A"]).await[0];
        let (ada, grace) = (desk.user("Ada Lovelace"), desk.user("Grace Hopper"));
        let count = || desk.shared.state().asset(id).unwrap().users.len();
        desk.post("/Asset", json!([{ "id": id, "users": [{ "id": ada }] }])).await;
        desk.post("/Asset", json!([{ "id": id, "users": [{ "id": grace }] }])).await;
        assert_eq!(count(), after_second);
        desk.post("/Asset", json!([{ "id": id, "notes": "no users sent" }])).await;
        assert_eq!(count(), after_second);
        desk.post("/Asset", json!([{ "id": id, "users": [] }])).await;
        assert_eq!(count(), after_empty);
    }
}

#[tokio::test]
async fn a_status_must_be_allowed_by_the_type() {
    let desk = Desk::new(HaloOptions::default()).await;
    desk.shared.state().edit_asset_type("Laptop", |kind| kind.statuses = AllowedStatuses::Only(vec![4, 2]));
    let id = desk.laptops(&["A"]).await[0];
    assert_eq!(desk.shared.state().asset(id).unwrap().status_id, 4);
    for (status_id, status) in [(1, 400), (2, 201), (77, 400)] {
        assert_eq!(
            desk.post("/Asset", json!([{ "id": id, "status_id": status_id }])).await.0,
            status,
            "{status_id}"
        );
    }
    assert!(desk.shared.state().remove_status("Stock"));
    assert_eq!(desk.post("/Asset", json!([{ "id": id, "status_id": 4 }])).await.0, 400);
}

#[tokio::test]
async fn the_type_changes_unless_told_not_to() {
    let desk = Desk::new(HaloOptions::default()).await;
    let id = desk.laptops(&["A"]).await[0];
    desk.post("/Asset", json!([{ "id": id, "assettype_name": "Server", "_dontupdatetype": true }])).await;
    assert_eq!(desk.get(&format!("/Asset/{id}")).await.1["assettype_name"], "Laptop");
    desk.post("/Asset", json!([{ "id": id, "assettype_name": "Server" }])).await;
    assert_eq!(desk.get(&format!("/Asset/{id}")).await.1["assettype_name"], "Server");
}

#[tokio::test]
async fn inventory_numbers_may_have_to_be_unique() {
    let options = HaloOptions { inventory_numbers: InventoryNumbers::Unique, ..HaloOptions::default() };
    let desk = Desk::new(options).await;
    let ids = desk.laptops(&["A", "B", "", ""]).await;
    assert_eq!(desk.post("/Asset", json!([desk.laptop("a")])).await.0, 400);
    assert_eq!(desk.post("/Asset", json!([{ "id": ids[1], "inventory_number": "A" }])).await.0, 400);
    assert_eq!(desk.post("/Asset", json!([{ "id": ids[0], "inventory_number": "A" }])).await.0, 201);
    assert_eq!(desk.post("/Asset", json!([{ "id": ids[0], "inventory_number": "C" }])).await.0, 201);
    assert_eq!(desk.post("/Asset", json!([desk.laptop("A")])).await.0, 201);
}

#[tokio::test]
async fn a_reply_is_a_list_or_one_object() {
    for (form, pointer) in
        [(ReplyForm::List, "/2/id"), (ReplyForm::FirstObject, "/id"), (ReplyForm::LastObject, "/id")]
    {
        let desk = Desk::new(HaloOptions { reply: form, ..HaloOptions::default() }).await;
        let rows: Vec<Value> = ["A", "B", "C"].map(|number| desk.laptop(number)).to_vec();
        let (status, answer) = desk.post("/Asset", Value::Array(rows)).await;
        let id = if form == ReplyForm::FirstObject { 1001 } else { 1003 };
        assert_eq!((status, answer.pointer(pointer)), (201, Some(&json!(id))), "{answer}");
    }
}

#[tokio::test]
async fn a_reply_may_carry_only_the_id_and_a_warning() {
    let desk = Desk::new(HaloOptions {
        reply_members: ReplyMembers::OnlyId,
        warning: Some("Site changed".to_owned()),
        ..HaloOptions::default()
    })
    .await;
    let (_, answer) = desk.post("/Asset", json!([desk.laptop("A")])).await;
    assert_eq!(answer, json!([{ "id": 1001, "_warning": "Site changed" }]));
}

#[rstest]
#[case(ErrorShape::ModelBinding, "/[0].assettype_id/0")]
#[case(ErrorShape::Exception, "/Message")]
#[case(ErrorShape::Message, "/Message")]
#[case(ErrorShape::Error, "/error")]
#[case(ErrorShape::ResultCode, "/errorMessage")]
#[case(ErrorShape::Text, "")]
#[tokio::test]
async fn a_refusal_is_written_in_the_chosen_shape(#[case] shape: ErrorShape, #[case] pointer: &str) {
    let desk = Desk::new(HaloOptions { error_shape: shape, ..HaloOptions::default() }).await;
    let (status, answer) = desk.post("/Asset", json!([{ "site_id": 18 }])).await;
    assert_eq!(status, 400);
    assert_eq!(answer.pointer(pointer), Some(&json!("An asset type must be specified.")), "{answer}");
}

#[tokio::test]
async fn a_refused_row_takes_the_earlier_ones_back_or_not() {
    for (option, count, notes) in
        [(BatchFailure::RollBack, 1, None), (BatchFailure::KeepEarlier, 2, Some("changed"))]
    {
        let desk = Desk::new(HaloOptions { batch_failure: option, ..HaloOptions::default() }).await;
        let id = desk.laptops(&["A"]).await[0];
        let rows = json!([desk.laptop("B"), { "id": id, "notes": "changed" }, { "id": 5 }, desk.laptop("C")]);
        assert_eq!(desk.post("/Asset", rows).await.0, 404);
        let state = desk.shared.state();
        assert_eq!((state.asset_count(), state.asset(id).unwrap().notes.as_deref()), (count, notes));
        assert_eq!(state.assets().count(), count);
    }
}

#[tokio::test]
async fn an_array_may_have_a_largest_size_and_never_be_empty() {
    let desk = Desk::new(HaloOptions { largest_array: Some(2), ..HaloOptions::default() }).await;
    let rows = |count: usize| Value::Array(vec![desk.laptop("A"); count]);
    for (count, status) in [(0, 400), (2, 201), (3, 400)] {
        assert_eq!(desk.post("/Asset", rows(count)).await.0, status);
    }
}

#[tokio::test]
async fn a_batch_done_in_part_leaves_its_first_rows() {
    let desk = Desk::new(HaloOptions::default()).await;
    for (done, count) in [(2, 2), (0, 2), (5, 5)] {
        let rows: Vec<Value> = ["A", "B", "C"].map(|number| desk.laptop(number)).to_vec();
        let effect = Effect::PartialBatch { done, status: 502 };
        assert_eq!(desk.post_with("/Asset", Value::Array(rows), Some(effect)).await.0, 502);
        assert_eq!(desk.shared.state().asset_count(), count);
    }
}

#[tokio::test]
async fn a_named_row_refuses_the_whole_request() {
    let desk = Desk::new(HaloOptions::default()).await;
    let rows = || json!([desk.laptop("A"), desk.laptop("B")]);
    let (status, answer) = desk.post_with("/Asset", rows(), Some(Effect::RefuseRow { index: 1 })).await;
    assert_eq!(status, 400);
    assert!(answer.get("[1].site_id").is_some(), "{answer}");
    assert_eq!(desk.shared.state().asset_count(), 0);
}

#[tokio::test]
async fn shared_ids_and_serial_numbers_are_reported() {
    let desk = Desk::new(HaloOptions::default()).await;
    desk.laptops(&["A", "B", "C"]).await;
    let mut state = desk.shared.state();
    state.edit_field(1001, "Serial Number", "abc ");
    state.edit_field(1003, "Serial Number", "ABC");
    state.edit_asset(1002, |asset| asset.intune_id = Some("d".into()));
    let found = state.check_duplicates();
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].member, &found[0].assets), ("Serial Number", &vec![1001, 1003]));
}

#[tokio::test]
async fn a_deleted_asset_is_gone_and_its_id_is_not_given_again() {
    let desk = Desk::new(HaloOptions::default()).await;
    let id = desk.laptops(&["A"]).await[0];
    let delete = || {
        let request = Request::delete(format!("/api/Asset/{id}"));
        request.header("authorization", format!("Bearer {}", desk.token)).body(Body::empty()).unwrap()
    };
    assert_eq!(desk.send(delete()).await.0, 200);
    assert_eq!(desk.send(delete()).await.0, 404);
    assert_eq!(desk.get(&format!("/Asset/{id}")).await.0, 404);
    assert_eq!(desk.post("/Asset", json!([{ "id": id, "notes": "x" }])).await.0, 404);
    assert_eq!(desk.laptops(&["B"]).await, [id + 1]);
}
