//! Managed devices: pages, links, queries and single reads.

use rstest::rstest;

use super::*;
use crate::faults::{Effect, Fault};

/// Follows links to the end. Answers the ids of each page.
async fn sweep(tenant: &Tenant, query: &str) -> Vec<Vec<String>> {
    let mut page = tenant.json(&format!("{DEVICES}{query}")).await;
    let mut pages = vec![ids(&page)];
    while let Some(next) = page["@odata.nextLink"].as_str() {
        page = tenant.json(next).await;
        pages.push(ids(&page));
        assert!(pages.len() < 50, "the walk does not end");
    }
    pages
}

#[rstest]
#[case("", &[1000, 200])]
#[case("?$top=500", &[500, 500, 200])]
#[case("?%24top=1000&%24select=id", &[1000, 200])]
#[tokio::test]
async fn a_sweep_ends_with_every_device(#[case] query: &str, #[case] expected: &[usize]) {
    let tenant = Tenant::of(1200).await;
    let pages = sweep(&tenant, query).await;
    assert_eq!(pages.iter().map(Vec::len).collect::<Vec<_>>(), expected);
    assert_eq!(pages.concat(), tenant.microsoft.fleet().device_ids());
}

#[tokio::test]
async fn a_page_counts_its_own_rows_and_links_to_the_host_that_was_asked() {
    let tenant = Tenant::of(30).await;
    let token = tenant.token().await;
    let port = tenant.microsoft.address().rsplit(':').next().unwrap().to_owned();
    let url = format!("http://localhost:{port}{DEVICES}?$top=10");
    let request = tenant.client.get(format!("{}{DEVICES}?$top=10", tenant.microsoft.address()));
    let request = request.bearer_auth(token).header("host", format!("localhost:{port}"));
    let page: Value = request.send().await.unwrap().json().await.unwrap();
    assert_eq!(page["@odata.count"], 10);
    let next = page["@odata.nextLink"].as_str().unwrap();
    assert!(next.starts_with(&format!("{url}&$skiptoken=LastDeviceName%3d%27")), "{next}");
}

#[tokio::test]
async fn names_with_apostrophes_and_other_scripts_do_not_break_links() {
    let names = ["O'Brien's PC", "'", "太郎’s MacBook Air", "100% & more?", "a+b"];
    let rows = names.iter().enumerate().map(|(index, name)| made(&format!("id-{index}"), name)).collect();
    let tenant = Tenant::with(Fleet::of(rows), MicrosoftOptions::default()).await;
    assert_eq!(sweep(&tenant, "?$top=1").await.concat(), tenant.microsoft.fleet().device_ids());
}

#[rstest]
#[case("?$top=0", "$top")]
#[case("?$top=1001", "$top")]
#[case("?$top=many", "$top")]
#[case("?$orderby=deviceName", "$orderby")]
#[case("?$expand=users", "$expand")]
#[case("?$search=x", "$search")]
#[case("?$skiptoken=nonsense", "$skiptoken")]
#[case("?$select=id,chassisType", "chassisType")]
#[tokio::test]
async fn a_query_that_intune_does_not_support_is_refused(#[case] query: &str, #[case] names: &str) {
    let (status, error) = Tenant::of(3).await.refusal(&format!("{DEVICES}{query}")).await;
    assert_eq!((status, error["code"].as_str()), (400, Some("BadRequest")));
    assert!(error["message"].as_str().unwrap().contains(names), "{error}");
}

#[tokio::test]
async fn a_filter_is_ignored_and_a_skip_empties_the_page() {
    let tenant = Tenant::of(7).await;
    let all = tenant.json(&format!("{DEVICES}?$filter=userId%20eq%20'nobody'")).await;
    assert_eq!(all["value"].as_array().unwrap().len(), 7);
    let none = tenant.json(&format!("{DEVICES}?$skip=2")).await;
    assert_eq!((none["@odata.count"].as_u64(), none["value"].as_array().unwrap().len()), (Some(0), 0));
    assert!(none.get("@odata.nextLink").is_none());
}

#[tokio::test]
async fn a_preferred_page_size_is_honoured() {
    let tenant = Tenant::of(30).await;
    let token = tenant.token().await;
    let request = tenant.client.get(format!("{}{DEVICES}", tenant.microsoft.address())).bearer_auth(token);
    let page: Value =
        request.header("Prefer", "odata.maxpagesize=4").send().await.unwrap().json().await.unwrap();
    assert_eq!(page["@odata.count"], 4);
}

#[tokio::test]
async fn a_selection_narrows_rows_but_does_not_reveal_details() {
    let tenant = Tenant::of(30).await;
    let page = tenant.json(&format!("{DEVICES}?$select=id,physicalMemoryInBytes,ethernetMacAddress")).await;
    for row in page["value"].as_array().unwrap() {
        assert_eq!(row.as_object().unwrap().len(), 3);
        assert_eq!((&row["physicalMemoryInBytes"], &row["ethernetMacAddress"]), (&json!(0), &json!(null)));
    }
}

#[tokio::test]
async fn a_single_read_shows_details_and_memory_only_when_selected() {
    let row = complete(json!({
        "id": "a0000001-4dd3-496f-bacb-000000000001", "deviceName": "LT", "physicalMemoryInBytes": 17_179_869_184_i64,
        "ethernetMacAddress": "02005E100004", "notes": "Loaner",
    }));
    let tenant = Tenant::with(Fleet::of(vec![row]), MicrosoftOptions::default()).await;
    let path = format!("{DEVICES}/a0000001-4dd3-496f-bacb-000000000001");
    let plain = tenant.json(&path).await;
    assert_eq!((&plain["physicalMemoryInBytes"], &plain["notes"]), (&json!(0), &json!(null)));
    assert_eq!(plain["ethernetMacAddress"], "02005E100004");
    let selected = tenant.json(&format!("{path}?$select=physicalMemoryInBytes,notes")).await;
    assert_eq!(
        (&selected["physicalMemoryInBytes"], &selected["notes"]),
        (&json!(17_179_869_184_i64), &json!("Loaner"))
    );
    assert_eq!(selected.as_object().unwrap().len(), 3);
}

#[rstest]
#[case("/a0000001-4dd3-496f-bacb-00000000ffff", 404, "ResourceNotFound")]
#[case("/no-guid", 400, "BadRequest")]
#[case("/a0000001-4dd3-496f-bacb-00000000ffff?$expand=users", 400, "BadRequest")]
#[tokio::test]
async fn a_single_read_of_nothing_is_refused(#[case] path: &str, #[case] status: u16, #[case] code: &str) {
    let (actual, error) = Tenant::of(3).await.refusal(&format!("{DEVICES}{path}")).await;
    assert_eq!((actual, error["code"].as_str()), (status, Some(code)));
}

#[tokio::test]
async fn a_repeated_next_link_leads_to_the_same_page() {
    let tenant = Tenant::of(30).await;
    tenant.microsoft.faults().add(Fault::new("$skiptoken", Effect::RepeatNextLink));
    let first = tenant.json(&format!("{DEVICES}?$top=10")).await;
    let second_link = first["@odata.nextLink"].as_str().unwrap();
    let second = tenant.json(second_link).await;
    assert_eq!(second["@odata.nextLink"].as_str().unwrap(), second_link);
    let pages = sweep(&tenant, "?$top=10").await;
    assert_eq!(pages.len(), 3);
}

#[tokio::test]
async fn repeated_devices_stand_at_the_start_of_the_next_page() {
    let tenant = Tenant::of(30).await;
    tenant.microsoft.faults().add(Fault::new("$skiptoken", Effect::RepeatDevices { count: 3 }));
    let pages = sweep(&tenant, "?$top=10").await;
    assert_eq!(pages[1].len(), 13);
    assert_eq!(pages[1][..3], pages[0][7..]);
}

#[tokio::test]
async fn a_page_that_ends_early_has_no_link() {
    let tenant = Tenant::of(30).await;
    tenant.microsoft.faults().add(Fault::new("managedDevices", Effect::EndEarly).skip(1));
    assert_eq!(sweep(&tenant, "?$top=10").await.len(), 2);
}

#[tokio::test]
async fn a_device_that_was_renamed_during_a_sweep_appears_again() {
    let tenant = Tenant::of(30).await;
    let first = tenant.json(&format!("{DEVICES}?$top=10")).await;
    let renamed = ids(&first)[0].clone();
    tenant.microsoft.fleet().set_property(&renamed, "deviceName", json!("龜"));
    let rest = tenant.json(&first["@odata.nextLink"].as_str().unwrap().replace("$top=10", "$top=1000")).await;
    assert_eq!(ids(&rest).last(), Some(&renamed));
}

#[tokio::test]
async fn odd_rows_are_served_as_they_are() {
    let rows = vec![json!("no object"), json!({ "id": "a", "deviceName": null }), json!({ "deviceName": 7 })];
    let tenant = Tenant::with(Fleet::of(rows), MicrosoftOptions::default()).await;
    let page = tenant.json(DEVICES).await;
    assert!(page["value"].as_array().unwrap().contains(&json!("no object")));
    assert_eq!(page["@odata.count"], 3);
}

#[tokio::test]
async fn pages_that_were_rendered_beforehand_are_the_same_and_follow_edits() {
    let tenant = Tenant::of(2500).await;
    let fresh = sweep(&tenant, "?$top=1000").await;
    assert_eq!(tenant.microsoft.prerender("$top=1000"), 3);
    assert_eq!(tenant.microsoft.prerender("$top=1000"), 3);
    assert_eq!(sweep(&tenant, "?$top=1000").await, fresh);
    let id = tenant.microsoft.fleet().device_id(5);
    tenant.microsoft.fleet().remove(&id);
    assert_eq!(sweep(&tenant, "?$top=1000").await.concat().len(), 2499);
}
