//! Graph's rules that do not belong to one resource, and the directory.

use rstest::rstest;

use super::*;
use crate::faults::{Effect, Fault};

#[tokio::test]
async fn a_token_is_needed_known_and_fresh() {
    let tenant = Tenant::of(1).await;
    let token = tenant.token().await;
    let message = async |token: &str| {
        let response = tenant.get_with(token, DEVICES).await;
        assert_eq!(response.status(), 401);
        assert!(response.headers().contains_key("www-authenticate"));
        let body: Value = response.json().await.unwrap();
        assert_eq!(body["error"]["code"], "InvalidAuthenticationToken");
        body["error"]["message"].as_str().unwrap().to_owned()
    };
    assert!(message("made up").await.contains("validation failure"));
    assert_eq!(tenant.get_with(&token, DEVICES).await.status(), 200);
    tenant.microsoft.expire_tokens();
    assert!(message(&token).await.contains("expired"));
    let without = tenant.client.get(format!("{}{DEVICES}", tenant.microsoft.address())).send().await.unwrap();
    assert_eq!(without.status(), 401);
    assert_eq!(without.json::<Value>().await.unwrap()["error"]["message"], "Access token is empty.");
}

#[tokio::test]
async fn a_lifetime_of_no_seconds_gives_tokens_that_are_expired() {
    let options = MicrosoftOptions { token_seconds: 0, ..MicrosoftOptions::default() };
    let tenant = Tenant::with(Fleet::generate(1, 1), options).await;
    assert_eq!(tenant.get(DEVICES).await.status(), 401);
}

#[rstest]
#[case(
    DEVICES,
    "DeviceManagementManagedDevices.Read.All",
    "Forbidden",
    "one of the following scopes: DeviceManagementManagedDevices.Read.All, DeviceManagementManagedDevices.ReadWrite.All - Operation ID"
)]
#[case("/v1.0/users", "User.Read.All", "Authorization_RequestDenied", "Insufficient privileges")]
#[case(
    "/v1.0/organization",
    "Organization.Read.All",
    "Authorization_RequestDenied",
    "Insufficient privileges"
)]
#[tokio::test]
async fn a_missing_permission_is_refused_in_the_services_own_shape(
    #[case] path: &str,
    #[case] role: &str,
    #[case] code: &str,
    #[case] says: &str,
) {
    let tenant = Tenant::of(1).await;
    let old = tenant.token().await;
    tenant.microsoft.options().roles.retain(|granted| granted != role);
    let (status, error) = tenant.refusal(path).await;
    assert_eq!((status, error["code"].as_str()), (403, Some(code)));
    assert!(error["message"].as_str().unwrap().contains(says), "{error}");
    // Roles are part of the token: one that was issued before still has them.
    assert_eq!(tenant.get_with(&old, path).await.status(), 200);
    tenant.microsoft.options().roles.push(role.to_owned());
    assert_eq!(tenant.get(path).await.status(), 200);
}

#[tokio::test]
async fn intunes_refusals_wrap_json_in_a_text() {
    let tenant = Tenant::of(1).await;
    let (_, error) = tenant.refusal(&format!("{DEVICES}/$count")).await;
    let inner: Value = serde_json::from_str(error["message"].as_str().unwrap()).unwrap();
    assert_eq!(inner["_version"], 3);
    assert!(inner["Message"].as_str().unwrap().contains(" - Activity ID: "), "{inner}");
}

#[rstest]
#[case("/v1.0/deviceManagement/managedDevices/$count", 400, "No OData route exists")]
#[case("/v1.0/deviceManagement/nothing", 400, "No OData route exists")]
#[case("/v1.0/nothing", 400, "Resource not found for the segment 'nothing'")]
#[case("/beta/deviceManagement/managedDevices", 400, "Invalid version: beta")]
#[case("/v1.0/users?$skip=1", 400, "not supported")]
#[case("/v1.0/users?$top=1000", 400, "between 1 and 999")]
#[case("/v1.0/users?$select=id,chassis", 400, "named 'chassis'")]
#[case("/v1.0/users?$select=aboutMe", 501, "not yet supported")]
#[case("/v1.0/users?$skiptoken=old", 400, "expired")]
#[case("/v1.0/users?$filter=department%20eq%20'x'", 400, "filter clause")]
#[case("/v1.0/users/00000000-0000-0000-0000-000000000001", 404, "does not exist")]
#[tokio::test]
async fn a_wrong_address_is_refused(#[case] path: &str, #[case] status: u16, #[case] says: &str) {
    let (actual, error) = Tenant::of(1).await.refusal(path).await;
    assert_eq!(actual, status);
    assert!(error["message"].as_str().unwrap().contains(says), "{error}");
}

#[tokio::test]
async fn every_answer_names_its_request() {
    let tenant = Tenant::of(1).await;
    let token = tenant.token().await;
    for path in [DEVICES, "/v1.0/nothing", "/v1.0/organization"] {
        let url = format!("{}{path}", tenant.microsoft.address());
        let request = tenant.client.get(url).bearer_auth(&token).header("client-request-id", "my-own-id");
        let response = request.send().await.unwrap();
        assert_eq!(response.headers()["client-request-id"], "my-own-id");
        assert!(response.headers().contains_key("request-id"));
        let content_type = response.headers()["content-type"].to_str().unwrap();
        assert_eq!(content_type.contains("odata.metadata=minimal"), response.status().is_success(), "{path}");
    }
}

#[tokio::test]
async fn users_come_in_pages_with_the_default_properties() {
    let tenant = Tenant::of(300).await;
    let mut page = tenant.json("/v1.0/users").await;
    assert_eq!(page["value"].as_array().unwrap().len(), 100);
    assert!(page["value"][0].get("employeeId").is_none());
    let mut all = ids(&page);
    while let Some(next) = page["@odata.nextLink"].as_str() {
        page = tenant.json(next).await;
        all.extend(ids(&page));
    }
    let expected: Vec<String> = tenant.microsoft.fleet().users().map(|user| user.id).collect();
    assert_eq!(all, expected);
}

#[tokio::test]
async fn users_show_what_was_selected_on_every_page() {
    let tenant = Tenant::of(12).await;
    let page = tenant.json("/v1.0/users?$select=id,employeeId,onPremisesSamAccountName&$top=4").await;
    let page = tenant.json(page["@odata.nextLink"].as_str().unwrap()).await;
    let user = tenant.microsoft.fleet().users().nth(4).unwrap();
    let expected = json!({ "id": user.id, "employeeId": user.employee_id, "onPremisesSamAccountName": user.sam_account_name });
    assert_eq!(page["value"][0], expected);
}

#[tokio::test]
async fn a_user_is_read_by_id_and_by_sign_in_name() {
    let tenant = Tenant::of(12).await;
    let user = tenant.microsoft.fleet().users().nth(2).unwrap();
    for id in [&user.id, &user.user_principal_name] {
        assert_eq!(
            tenant.json(&format!("/v1.0/users/{id}")).await["displayName"],
            user.display_name.as_str()
        );
    }
}

#[tokio::test]
async fn the_organisation_is_the_tenant() {
    let tenant = Tenant::of(1).await;
    let answer = tenant.json("/v1.0/organization").await;
    assert_eq!(answer["value"].as_array().unwrap().len(), 1);
    assert_eq!(answer["value"][0]["id"], tenant.microsoft.options().tenant.as_str());
    let narrow = tenant.json("/v1.0/organization?$select=id,displayName").await;
    assert_eq!(narrow["value"][0].as_object().unwrap().len(), 2);
}

#[rstest]
#[case(DEVICES, 429, "TooManyRequests")]
#[case(DEVICES, 500, "InternalServerError")]
#[case(DEVICES, 503, "ServiceUnavailable")]
#[case(DEVICES, 504, "UnknownError")]
#[case("/v1.0/users", 404, "Request_ResourceNotFound")]
#[tokio::test]
async fn a_fault_without_a_body_gets_the_services_own(
    #[case] path: &str,
    #[case] status: u16,
    #[case] code: &str,
) {
    let tenant = Tenant::of(1).await;
    tenant.microsoft.faults().add(Fault::new(path, Effect::status(status)));
    let (actual, error) = tenant.refusal(path).await;
    assert_eq!((actual, error["code"].as_str()), (status, Some(code)));
}

#[tokio::test]
async fn a_prefix_stands_in_links_and_scopes() {
    let serve = ServeOptions { prefix: "/gateway".into(), ..ServeOptions::default() };
    let microsoft =
        Microsoft::start(Fleet::generate(5, 1), MicrosoftOptions::default(), serve).await.unwrap();
    let tenant = Tenant { microsoft, client: testing::client() };
    assert!(tenant.microsoft.address().ends_with("/gateway"));
    let page = tenant.json(&format!("{DEVICES}?$top=2")).await;
    let next = page["@odata.nextLink"].as_str().unwrap();
    assert!(next.starts_with(&format!("{}{DEVICES}?", tenant.microsoft.address())), "{next}");
    assert_eq!(tenant.json(next).await["value"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn the_fleet_and_the_sign_in_are_changed_through_the_control_routes() {
    let tenant = Tenant::of(5).await;
    let id = tenant.microsoft.fleet().device_id(2);
    let post = async |path: &str, body: Value| {
        let url = format!("{}{path}", tenant.microsoft.control_address());
        let response = tenant.client.post(url).json(&body).send().await.unwrap();
        assert!(response.status().is_success(), "{path}: {}", response.status());
    };
    post("/fleet/remove", json!({ "ids": [id] })).await;
    assert_eq!(tenant.microsoft.fleet().len(), 4);
    post("/fleet/restore", json!({ "ids": [id] })).await;
    post("/fleet/set", json!([{ "id": id, "name": "model", "value": "Changed" }])).await;
    assert_eq!(tenant.microsoft.fleet().device(&id).unwrap()["model"], "Changed");
    post("/fleet/touch", json!({ "percent": 100.0, "round": 1 })).await;
    post("/fleet", json!([made("new", "new")])).await;
    assert_eq!(tenant.microsoft.fleet().len(), 6);
    post("/sign-in", json!({ "roles": [], "secret": "other" })).await;
    assert_eq!(tenant.microsoft.options().secret, "other");
    assert_eq!(tenant.refusal(DEVICES).await.0, 403);
}
