//! Asset types, groups, fields, lookups, clients, sites and users.

use rstest::rstest;
use serde_json::{Value, json};

use super::Desk;
use crate::halo::{AzureConnectionSeed, GeneralUsers, HaloOptions, ReplyForm, TypeList};

#[tokio::test]
async fn lists_of_configuration_are_bare_arrays() {
    let desk = Desk::new(HaloOptions::default()).await;
    for path in ["/AssetType", "/AssetGroup", "/Field?kind=T", "/Lookup?lookupid=61"] {
        let (status, answer) = desk.get(path).await;
        assert!(status == 200 && answer.as_array().is_some_and(|rows| !rows.is_empty()), "{path}: {answer}");
    }
    let (_, statuses) = desk.get("/lookup?lookupid=61").await;
    assert_eq!(
        (&statuses[0]["lookupid"], &statuses[0]["id"], &statuses[0]["name"]),
        (&json!(61), &json!(1), &json!("Active"))
    );
    assert!(desk.get("/Lookup").await.1.as_array().unwrap().iter().any(|row| row["lookupid"] == 62));
}

#[tokio::test]
async fn the_list_of_types_may_lack_fields_and_statuses() {
    for (option, has_fields) in [(TypeList::Short, false), (TypeList::Full, true)] {
        let desk = Desk::new(HaloOptions { type_list: option, ..HaloOptions::default() }).await;
        let (_, types) = desk.get("/AssetType").await;
        assert_eq!(
            (types[0].get("fields").is_some(), types[0].get("allowed_status").is_some()),
            (has_fields, has_fields)
        );
        assert_eq!(types[0]["keyfield3_name"], "Model");
        let (_, one) = desk.get(&format!("/AssetType/{}?includedetails=true", types[0]["id"])).await;
        assert_eq!(one["fields"][3]["field_name"], "Serial Number");
        assert_ne!(one["fields"][3]["id"], one["fields"][3]["field_id"]);
    }
}

#[tokio::test]
async fn a_type_is_created_by_posting_a_copy_without_its_id() {
    for form in [ReplyForm::List, ReplyForm::FirstObject] {
        let desk = Desk::new(HaloOptions { reply: form, ..HaloOptions::default() }).await;
        let laptop = desk.shared.state().asset_type("Laptop").unwrap().id;
        let (_, mut copy) = desk.get(&format!("/AssetType/{laptop}?includedetails=true")).await;
        copy.as_object_mut().unwrap().remove("id");
        assert_eq!(desk.post("/AssetType", json!([copy])).await.0, 400, "the name is taken");
        copy["name"] = json!("Kiosk");
        let (status, _) = desk.post("/AssetType", json!([copy])).await;
        assert_eq!(status, 201);
        let state = desk.shared.state();
        let (old, new) = (state.asset_type("Laptop").unwrap(), state.asset_type("Kiosk").unwrap());
        assert_ne!(old.id, new.id);
        assert_eq!(
            (&old.fields, &old.key_fields, old.group_id, &old.statuses),
            (&new.fields, &new.key_fields, new.group_id, &new.statuses)
        );
    }
}

#[rstest]
#[case::no_name(json!({ "assetgroup_id": 101 }))]
#[case::long_name(json!({ "name": "x".repeat(101), "assetgroup_id": 101 }))]
#[case::no_group(json!({ "name": "Kiosk" }))]
#[case::unknown_group(json!({ "name": "Kiosk", "assetgroup_id": 5 }))]
#[case::unknown_field(json!({ "name": "Kiosk", "assetgroup_id": 101, "fields": [{ "field_id": 5 }] }))]
#[case::key_field_not_a_field(json!({ "name": "Kiosk", "assetgroup_id": 101, "fields": [{ "field_id": 51 }], "keyfield_id": 117 }))]
#[case::unknown_status(json!({ "name": "Kiosk", "assetgroup_id": 101, "allowed_status": [{ "status_id": 77 }] }))]
#[tokio::test]
async fn a_bad_type_is_refused(#[case] row: Value) {
    let desk = Desk::new(HaloOptions::default()).await;
    let (status, answer) = desk.post("/AssetType", json!([row])).await;
    assert_eq!(status, 400, "{answer}");
    assert!(desk.shared.state().asset_type("Kiosk").is_none());
}

#[tokio::test]
async fn groups_are_created_once() {
    let desk = Desk::new(HaloOptions::default()).await;
    assert_eq!(desk.post("/AssetGroup", json!([{ "name": "Rooms" }])).await.0, 201);
    assert_eq!(desk.post("/AssetGroup", json!([{ "name": "rooms" }])).await.0, 400);
    assert_eq!(desk.post("/AssetGroup", json!([{}])).await.0, 400);
}

#[tokio::test]
async fn clients_are_listed_and_show_tenants_in_detail() {
    let desk = Desk::new(HaloOptions::default()).await;
    desk.shared.state().link_tenant("Contoso Ltd", "8f1f");
    desk.shared.state().edit_client("Fabrikam", |client| client.inactive = true);
    let (_, page) = desk.get("/Client?pageinate=true&page_size=100&page_no=1").await;
    assert_eq!((&page["record_count"], &page["clients"][0]["name"]), (&json!(2), &json!("Contoso Ltd")));
    assert_eq!(page["clients"][0].get("azure_tenants"), None);
    let (_, page) = desk.get("/Client?includeinactive=true&search=fab").await;
    assert_eq!(page["clients"][0]["name"], "Fabrikam");
    let (_, one) = desk.get("/Client/12?includedetails=true").await;
    assert_eq!(one["azure_tenants"][0]["azure_tenant_id"], "8f1f");
    assert_eq!(desk.get("/Client/99").await.0, 404);
}

#[tokio::test]
async fn a_new_client_gets_its_main_site() {
    let desk = Desk::new(HaloOptions::default()).await;
    let row = json!([{ "name": "Tailspin", "newclient_sitename": "Hangar",
                       "azure_tenants": [{ "azure_tenant_id": "t-9", "azure_tenant_name": "Tailspin Toys" }] }]);
    let (status, answer) = desk.post("/Client", row.clone()).await;
    assert_eq!((status, &answer[0]["main_site_name"]), (201, &json!("Hangar")));
    assert_eq!(desk.shared.state().client("Tailspin").unwrap().azure_tenants[0].id, "t-9");
    assert_eq!(desk.post("/Client", row).await.0, 400, "the name is taken");
    assert_eq!(desk.post("/Client", json!([{ "id": 99, "name": "x" }])).await.0, 404);
}

#[tokio::test]
async fn sites_have_a_client_and_a_decimal_client_id() {
    let desk = Desk::new(HaloOptions::default()).await;
    let (_, page) = desk.get("/Site?client_id=12").await;
    assert_eq!(page["record_count"], 2);
    assert_eq!(page["sites"][0]["client_id"].to_string(), "12.0");
    assert_eq!(desk.post("/Site", json!([{ "name": "Annex", "client_id": 12.0 }])).await.0, 201);
    assert_eq!(desk.post("/Site", json!([{ "name": "annex", "client_id": 12 }])).await.0, 400);
    assert_eq!(desk.post("/Site", json!([{ "name": "Annex", "client_id": 99 }])).await.0, 400);
    assert_eq!(desk.get("/Site?search=annex").await.1["record_count"], 1);
}

#[tokio::test]
async fn users_are_found_by_site_change_and_text() {
    let desk = Desk::new(HaloOptions::default()).await;
    let (ada, warehouse) =
        (desk.user("Ada Lovelace"), desk.shared.state().site("Contoso Ltd", "Warehouse").unwrap().id);
    let (_, page) = desk.get(&format!("/Users?site_id={warehouse}&exclude_generaluser=true")).await;
    let row = &page["users"][0];
    assert_eq!(
        (&row["id"], row["site_id"].to_string(), &row["site_id_int"]),
        (&json!(ada), format!("{warehouse}.0"), &json!(warehouse))
    );
    assert_eq!((&row["azure_id"], &row["login"]), (&json!("oid-12"), &json!("ada.lovelace@contoso.example")));
    desk.clock.advance(1000);
    desk.shared.state().edit_user(ada, |user| user.inactive = true);
    for (query, count) in [
        ("exclude_generaluser=true", 1),
        ("includeinactive=true&exclude_generaluser=true", 2),
        ("includeinactive=true&lastupdatefromdate=2026-01-29T20:00:01Z", 1),
        ("search=grace.hopper@", 1),
        ("client_id=13", 1),
    ] {
        assert_eq!(desk.get(&format!("/Users?{query}")).await.1["record_count"], count, "{query}");
    }
    assert_eq!(desk.get(&format!("/Users/{ada}")).await.1["azureoid"], "oid-12");
}

#[tokio::test]
async fn sites_have_a_general_user_unless_switched_off() {
    for (option, count) in [(GeneralUsers::EverySite, 6), (GeneralUsers::Absent, 2)] {
        let desk = Desk::new(HaloOptions { general_users: option, ..HaloOptions::default() }).await;
        assert_eq!(desk.get("/Users").await.1["record_count"], count);
    }
}

#[tokio::test]
async fn connections_show_details_on_request_and_secrets_never() {
    let seed = |intune, name: &str| AzureConnectionSeed {
        intune,
        members: json!({ "name": name, "new_client_secret": "hidden", "mappings_device": [{ "fiid": 51 }],
                         "mappings_client": [{ "azure_tenant_id": "t" }] })
        .as_object()
        .unwrap()
        .clone(),
    };
    let azure_connections = vec![seed(false, "Entra"), seed(true, "Intune")];
    let options = HaloOptions { azure_connections, ..HaloOptions::default() };
    let desk = Desk::new(options.clone()).await;
    let (status, list) = desk.get("/azureadconnection?isintune=true").await;
    assert_eq!((status, &list[0]["name"], list.as_array().map(Vec::len)), (200, &json!("Intune"), Some(1)));
    assert_eq!(list[0].get("mappings_device"), None);
    let (_, plain) = desk.get("/azureadconnection/2").await;
    assert_eq!((plain.get("mappings_device"), plain.get("mappings_client")), (None, None));
    let (_, full) = desk.get("/AzureADConnection/2?includedetails=true&includetenants=true").await;
    assert_eq!(
        (&full["mappings_device"][0]["fiid"], &full["device_site_allocation"]),
        (&json!(51), &json!(2))
    );
    assert_eq!(full["mappings_client"][0]["azure_tenant_id"], json!("t"));
    assert!(!full.to_string().contains("hidden"), "{full}");
    assert_eq!(desk.get("/azureadconnection/3").await.0, 404);
    let narrow = Desk::with_scope(options, "edit:assets read:customers").await;
    assert_eq!(narrow.get("/azureadconnection?isintune=true").await.0, 403);
}
