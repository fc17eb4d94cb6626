//! Clients as tenants, and stock.

use rstest::rstest;

use super::*;
use crate::halo::{ClientSeed, TenantLinks};

#[rstest]
#[case(TenantLinks::Replace, &["b"])]
#[case(TenantLinks::Merge, &["a", "b"])]
#[case(TenantLinks::Ignored, &["a"])]
#[tokio::test]
async fn tenants_of_a_client_are_written_as_the_options_say(
    #[case] links: TenantLinks,
    #[case] expected: &[&str],
) {
    let seed = ClientSeed {
        name: "Contoso Ltd".to_owned(),
        azure_tenants: vec!["a".to_owned()],
        ..ClientSeed::default()
    };
    let options = HaloOptions { tenant_links: links, clients: vec![seed], ..HaloOptions::default() };
    let halo = Desk::new(options).await;
    let id = halo.shared.state().client("Contoso Ltd").unwrap().id;
    let row = json!([{ "id": id, "azure_tenants": [{ "azure_tenant_id": "b", "azure_tenant_name": "B" }] }]);
    assert_eq!(halo.post("/Client", row).await.0, 201);
    let (_, shown) = halo.get(&format!("/Client/{id}")).await;
    let ids: Vec<&str> = shown["azure_tenants"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["azure_tenant_id"].as_str().unwrap())
        .collect();
    assert_eq!(ids, expected);
}

#[tokio::test]
async fn a_tenant_without_an_id_and_a_second_client_of_a_name_are_refused() {
    let halo = Desk::new(HaloOptions::default()).await;
    let refused = json!([{ "name": "New", "azure_tenants": [{ "azure_tenant_name": "B" }] }]);
    assert_eq!(halo.post("/Client", refused).await.0, 400);
    assert_eq!(halo.post("/Client", json!([{ "name": "contoso LTD" }])).await.0, 400);
    let (status, made) =
        halo.post("/Client", json!([{ "name": "New", "newclient_sitename": "Campus" }])).await;
    assert_eq!((status, &made[0]["main_site_name"]), (201, &json!("Campus")));
}

#[tokio::test]
async fn stock_sites_and_the_global_setting_are_shown() {
    let seed = ClientSeed {
        name: "Contoso Ltd".to_owned(),
        sites: vec!["Head Office".to_owned(), "Store".to_owned()],
        stock: vec!["Store".to_owned()],
        ..ClientSeed::default()
    };
    let options =
        HaloOptions { stop_movements_in_stock: true, clients: vec![seed], ..HaloOptions::default() };
    let halo = Desk::new(options).await;
    let store = halo.shared.state().site("Contoso Ltd", "Store").unwrap().id;
    assert_eq!(halo.get(&format!("/Site/{store}")).await.1["isstocklocation"], true);
    assert_eq!(halo.get("/Control").await.1["stop_automatic_device_movements_in_stock"], true);
}
