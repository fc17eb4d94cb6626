//! Sign-in, scopes, roles, limits.

use axum::body::Body;
use http::Request;
use rstest::rstest;
use serde_json::json;

use super::Desk;
use crate::halo::{Access, Agent, ConfigurationAccess, Discovery, HaloOptions, RateLimit, RetryAfter};

#[tokio::test]
async fn discovery_names_the_sign_in_address_and_the_tenant() {
    let options = HaloOptions {
        tenant: Some("contoso".to_owned()),
        discovery: Discovery::Missing,
        ..HaloOptions::default()
    };
    let desk = Desk { token: String::new(), ..unsigned(options) };
    assert_eq!(desk.get("/authinfo").await.0, 404);
    desk.shared.state().options_mut().discovery = Discovery::Full;
    let (status, info) = desk.get("/AuthInfo").await;
    assert_eq!(
        (status, &info["auth_url"], &info["tenant_id"]),
        (200, &json!("http://localhost/auth"), &json!("contoso"))
    );
    desk.shared.state().options_mut().discovery = Discovery::WithoutTenant;
    assert_eq!(desk.get("/authinfo").await.1.get("tenant_id"), None);
}

fn unsigned(options: HaloOptions) -> Desk {
    use std::sync::{Arc, Mutex, OnceLock};
    let shared = super::Shared {
        state: Mutex::new(super::HaloState::new(options)),
        gate: Mutex::new(super::Gate::default()),
        address: OnceLock::new(),
    };
    Desk { shared: Arc::new(shared), token: String::new(), clock: super::Clock::System }
}

#[rstest]
#[case::wrong_secret(
    "",
    "grant_type=client_credentials&client_id=halo-client&client_secret=x&scope=all",
    400,
    "invalid_client"
)]
#[case::wrong_client(
    "",
    "grant_type=client_credentials&client_id=x&client_secret=halo-secret&scope=all",
    400,
    "invalid_client"
)]
#[case::unknown_scope(
    "",
    "grant_type=client_credentials&client_id=halo-client&client_secret=halo-secret&scope=everything",
    400,
    "invalid_scope"
)]
#[case::scope_not_granted(
    "",
    "grant_type=client_credentials&client_id=halo-client&client_secret=halo-secret&scope=all",
    400,
    "invalid_request"
)]
#[case::other_grant("", "grant_type=password&client_id=halo-client", 400, "unsupported_grant_type")]
#[case::no_grant("", "client_id=halo-client", 400, "invalid_request")]
#[case::no_client("", "grant_type=client_credentials", 400, "invalid_request")]
#[tokio::test]
async fn a_bad_token_request_gets_an_oauth_error(
    #[case] query: &str,
    #[case] form: &str,
    #[case] status: u16,
    #[case] error: &str,
) {
    let desk =
        unsigned(HaloOptions { application_scopes: "edit:assets".to_owned(), ..HaloOptions::default() });
    let (got, answer) = desk.sign_in(query, form).await;
    assert_eq!((got, answer["error"].as_str()), (status, Some(error)), "{answer}");
}

#[tokio::test]
async fn a_required_tenant_that_is_missing_looks_like_a_wrong_secret() {
    let desk = unsigned(HaloOptions {
        tenant: Some("contoso".to_owned()),
        refused_sign_in_status: 401,
        ..HaloOptions::default()
    });
    let form = desk.form("all");
    for query in ["", "?tenant=fabrikam"] {
        let (status, answer) = desk.sign_in(query, &form).await;
        assert_eq!((status, answer["error"].as_str()), (401, Some("invalid_client")));
        assert_eq!(answer["error_description"], "The specified client credentials are invalid.");
    }
    assert_eq!(desk.sign_in("?tenant=contoso", &form).await.0, 200);
}

#[tokio::test]
async fn a_token_request_must_be_a_form() {
    let desk = unsigned(HaloOptions::default());
    let request = Request::post("/auth/token").header("content-type", "application/json");
    let (status, answer) = desk.send(request.body(Body::from("{}")).unwrap()).await;
    assert_eq!((status, answer["error"].as_str()), (400, Some("invalid_request")));
}

#[tokio::test]
async fn a_missing_an_unknown_and_an_expired_token_are_refused_with_401() {
    let mut desk = Desk::new(HaloOptions { token_seconds: 60, ..HaloOptions::default() }).await;
    assert_eq!(desk.get("/Asset").await.0, 200);
    desk.clock.advance(60_000);
    assert_eq!(desk.get("/Asset").await.0, 401);
    desk.token = "guessed".to_owned();
    assert_eq!(desk.get("/Asset").await.0, 401);
    let (status, _) = desk.send(Request::get("/api/Asset").body(Body::empty()).unwrap()).await;
    assert_eq!(status, 401);
}

#[rstest]
#[case("read:assets", "/Asset", 200, 403)]
#[case("edit:assets", "/Asset", 200, 400)]
#[case("read:customers", "/Asset", 403, 403)]
#[case("all:standard", "/Asset", 200, 400)]
#[case("edit:assets", "/Client", 403, 403)]
#[case("read:customers", "/Users", 200, 403)]
#[case("edit:customers", "/Site", 200, 400)]
#[case("edit:assets", "/AssetType", 200, 403)]
#[case("admin", "/AssetType", 200, 400)]
#[case("all", "/AssetGroup", 200, 400)]
#[tokio::test]
async fn scopes_decide_what_may_be_read_and_written(
    #[case] scope: &str,
    #[case] path: &str,
    #[case] read: u16,
    #[case] written: u16,
) {
    let desk = Desk::with_scope(HaloOptions::default(), scope).await;
    assert_eq!(desk.get(path).await.0, read, "reading {path} with {scope}");
    // An empty array is refused only after the permission was found.
    if path != "/Users" {
        assert_eq!(desk.post(path, json!([])).await.0, written, "writing {path} with {scope}");
    }
}

#[tokio::test]
async fn reading_configuration_can_need_admin() {
    let options =
        HaloOptions { configuration_access: ConfigurationAccess::AdminOnly, ..HaloOptions::default() };
    for (scope, status) in [("edit:assets", 403), ("admin", 200), ("all", 200)] {
        let desk = Desk::with_scope(options.clone(), scope).await;
        for path in ["/AssetType", "/Field", "/Lookup?lookupid=61", "/AssetGroup"] {
            assert_eq!(desk.get(path).await.0, status, "{path} with {scope}");
        }
        assert_eq!(desk.get("/Agent/me").await.0, 200);
    }
}

#[tokio::test]
async fn the_agents_role_narrows_the_scopes() {
    let agent = Agent { assets: Access::Read, customers: Access::None, ..Agent::default() };
    let desk = Desk::new(HaloOptions { agent, ..HaloOptions::default() }).await;
    assert_eq!(desk.get("/Asset").await.0, 200);
    assert_eq!(desk.post("/Asset", json!([desk.laptop("A")])).await.0, 403);
    assert_eq!(desk.get("/Users").await.0, 403);
}

#[tokio::test]
async fn requests_beyond_the_limit_wait_for_the_window() {
    for (retry_after, header) in [
        (RetryAfter::Absent, None),
        (RetryAfter::Seconds, Some("301")),
        (RetryAfter::Date, Some("Thu, 29 Jan 2026 20:05:01 GMT")),
    ] {
        let limit = RateLimit { requests: 2, seconds: 300, retry_after };
        let desk = Desk::new(HaloOptions { rate_limit: Some(limit), ..HaloOptions::default() }).await;
        assert_eq!(desk.get("/Asset").await.0, 200);
        assert_eq!(desk.get("/authinfo").await.0, 200);
        let request = Request::get("/api/Asset").header("authorization", format!("Bearer {}", desk.token));
        let answer = tower::ServiceExt::oneshot(
            super::router(std::sync::Arc::clone(&desk.shared)),
            request.body(Body::empty()).unwrap(),
        )
        .await
        .unwrap();
        assert_eq!(answer.status(), 429);
        assert_eq!(answer.headers().get("retry-after").map(|value| value.to_str().unwrap()), header);
        assert_eq!(
            desk.get("/Asset").await.1,
            "Rate Limit Reached - 2 Requests per rolling 5 minute window."
        );
        desk.clock.advance(300_000);
        assert_eq!(desk.get("/Asset").await.0, 200);
    }
}
