//! Graph: sign-in, the sweep and its proof, direct reads, users.

use super::server::{Reply, Seen, Server, maker, token};
use base64::Engine as _;
use halo_integrator::graph::{
    AppCredential, Existence, GraphClient, ReadAs, SweepProblem, UserChange, UserRoundError,
};
use halo_integrator::http::{FailureClass, HttpErrorKind};
use integrator_core::model::{DeviceId, EntraUser, TenantId};
use integrator_core::settings::{Authentication, Cloud, Credential, Microsoft, SecretSource};
use secrecy::SecretString;
use serde_json::{Value, json};

const DEVICES: &str = "/v1.0/deviceManagement/managedDevices";

fn client(url: &str) -> GraphClient {
    let microsoft = Microsoft {
        cloud: Cloud { authority: format!("{url}/login"), graph: url.to_owned() },
        tenant: TenantId::from("contoso"),
        client_id: "app".into(),
        authentication: Authentication::ClientCredentials,
        credential: Credential::Secret { secret: SecretSource::Environment("X".into()), expires: None },
        requests_per_20_seconds: 1000,
    };
    GraphClient::new(
        &maker(),
        &microsoft,
        &AppCredential::Secret { secret: SecretString::from("s"), expires: None },
        ReadAs::Application,
    )
    .unwrap()
}

fn jwt(claims: &Value) -> String {
    format!("e30.{}.x", base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(claims.to_string()))
}

async fn graph(answer: impl Fn(&Seen) -> Reply + Send + Sync + 'static) -> (Server, GraphClient) {
    let server = Server::start(move |seen| match seen.path.as_str() {
        "/login/contoso/oauth2/v2.0/token" => {
            token(&jwt(&json!({"roles": ["DeviceManagementManagedDevices.Read.All"]})), 3600)
        }
        _ => answer(seen),
    })
    .await;
    let client = client(&server.url);
    (server, client)
}

/// A page with the given ids; `next` is a query for the next one.
fn page(seen: &Seen, ids: &[&str], next: Option<&str>) -> Reply {
    let rows: Vec<_> = ids.iter().map(|id| json!({"id": id, "deviceName": "PC"})).collect();
    let mut body = json!({"value": rows});
    if let Some(next) = next {
        body["@odata.nextLink"] = json!(format!("http://{}{DEVICES}?{next}", seen.header("host")));
    }
    Reply::json(200, &body)
}

fn three_pages(seen: &Seen) -> Reply {
    match seen.query.as_str() {
        "" => page(seen, &["a", "b"], Some("$skiptoken=Last%3d%27b%27")),
        "$skiptoken=Last%3d%27b%27" => page(seen, &[], Some("$skiptoken=2")),
        _ => page(seen, &["c"], None),
    }
}

#[tokio::test]
async fn a_sweep_follows_links_as_given_to_the_end() {
    let (_server, client) = graph(three_pages).await;
    let mut sweep = client.sweep();
    let mut rows = Vec::new();
    while let Some(page) = sweep.next_page().await.unwrap() {
        rows.push(page.len());
    }
    assert_eq!(rows, [2, 0, 1]);
    assert!(sweep.next_page().await.unwrap().is_none());
    let mut ahead = client.sweep().ahead();
    let mut count = 0;
    while let Some(page) = ahead.next_page().await.unwrap() {
        count += page.len();
    }
    assert_eq!(count, 3);
    assert!(ahead.next_page().await.unwrap().is_none());
    assert_eq!(client.requests(), 7);
}

#[tokio::test]
async fn a_repeated_next_link_ends_the_walk() {
    let loops = |seen: &Seen| match seen.query.as_str() {
        "" => page(seen, &["a"], Some("x=1")),
        "x=1" => page(seen, &["b"], Some("x=2")),
        _ => page(seen, &["c"], Some("x=1")),
    };
    let (server, client) = graph(loops).await;
    let mut sweep = client.sweep();
    sweep.next_page().await.unwrap();
    sweep.next_page().await.unwrap();
    let error = sweep.next_page().await.unwrap_err();
    assert!(matches!(error.problem, SweepProblem::RepeatedLink), "{error:?}");
    assert_eq!((error.page, error.class()), (3, FailureClass::Side));
    assert!(sweep.next_page().await.is_err(), "a failed walk stays failed");
    assert_eq!(server.count(DEVICES), 3);
}

#[tokio::test]
async fn a_page_that_fails_leaves_the_list_incomplete() {
    let (server, client) = graph(|seen| match seen.query.as_str() {
        "" => page(seen, &["a"], Some("x=1")),
        _ => Reply::json(504, &json!({"error": {"code": "UnknownError", "message": ""}})),
    })
    .await;
    let mut ahead = client.sweep().ahead();
    assert_eq!(ahead.next_page().await.unwrap().unwrap().len(), 1);
    let error = ahead.next_page().await.unwrap_err();
    assert!(matches!(&error.problem, SweepProblem::Http(http) if http.status() == Some(504)));
    assert!(ahead.next_page().await.is_err());
    assert_eq!(server.count(DEVICES), 6);
}

#[tokio::test]
async fn a_body_that_is_no_page_is_asked_for_again() {
    let (server, client) = graph(|seen| match seen.earlier {
        0 => Reply::text(200, "text/html", "<html><title>wait</title></html>"),
        1 => Reply::text(200, "application/json", r#"{"value":[{"id":"a"},{"id"#),
        2 => Reply::cut(),
        _ => page(seen, &["a"], None),
    })
    .await;
    assert_eq!(client.sweep().next_page().await.unwrap().unwrap().len(), 1);
    assert_eq!(server.count(DEVICES), 4);
    let (server, client) =
        graph(|_| Reply::json(200, &json!({"error": {"code": "x", "message": "y"}}))).await;
    let error = client.sweep().next_page().await.unwrap_err();
    assert!(
        matches!(&error.problem, SweepProblem::Http(http) if matches!(http.kind(), HttpErrorKind::Unreadable { .. }))
    );
    assert_eq!(server.count(DEVICES), 1, "a page without rows is an answer, and a wrong one");
}

#[tokio::test]
async fn a_next_link_to_another_host_is_refused() {
    let (_server, client) =
        graph(|_| Reply::json(200, &json!({"value": [], "@odata.nextLink": "http://127.0.0.2:9/v1.0/x"})))
            .await;
    let mut sweep = client.sweep();
    sweep.next_page().await.unwrap();
    let error = sweep.next_page().await.unwrap_err();
    assert!(
        matches!(&error.problem, SweepProblem::Http(http) if matches!(http.kind(), HttpErrorKind::Foreign { .. }))
    );
}

#[tokio::test]
async fn only_a_404_of_its_own_part_makes_a_device_gone() {
    let (server, client) = graph(|seen| {
        let asked: Value = serde_json::from_str(&seen.body).unwrap();
        let again = seen.earlier > 0;
        let mut parts: Vec<Value> = asked["requests"]
            .as_array()
            .unwrap()
            .iter()
            .filter_map(|part| {
                let url = part["url"].as_str().unwrap();
                assert!(url.ends_with("?$select=id"), "{url}");
                let (status, body) = match url.split(['/', '?']).nth(3).unwrap() {
                    "here" => (200, json!({"id": "here"})),
                    "gone" => (404, json!({"error": {"code": "ResourceNotFound", "message": "no"}})),
                    "throttled" if !again => (429, json!({"error": {"code": "TooManyRequests", "message": ""}})),
                    "silent" if !again => return None,
                    "odd%20id%2F" | "throttled" | "silent" => (200, json!({})),
                    "forbidden" => (403, json!({"error": {"code": "Forbidden", "message": "no"}})),
                    _ => (503, json!({"error": {"code": "UnknownError", "message": ""}})),
                };
                Some(json!({"id": part["id"], "status": status, "headers": {"Retry-After": "0"}, "body": body}))
            })
            .collect();
        parts.reverse();
        Reply::json(200, &json!({"responses": parts}))
    })
    .await;
    let ids = ["here", "gone", "throttled", "silent", "odd id/", "forbidden", "down"].map(DeviceId::from);
    let found: Vec<_> = client.existence(&ids).await.into_iter().map(|(_, result)| result).collect();
    assert_eq!(found[0].as_ref().unwrap(), &Existence::Present);
    assert_eq!(found[1].as_ref().unwrap(), &Existence::Gone);
    for present in &found[2..5] {
        assert_eq!(present.as_ref().unwrap(), &Existence::Present);
    }
    assert_eq!(found[5].as_ref().unwrap_err().class(), FailureClass::Access);
    assert_eq!(found[6].as_ref().unwrap_err().status(), Some(503));
    // One round is throttled, which counts for no try, and five end with the part that stays down.
    assert_eq!(server.count("/v1.0/$batch"), 6);
    let second: Value = serde_json::from_str(&server.log().into_iter().nth(2).unwrap().body).unwrap();
    assert_eq!(second["requests"].as_array().unwrap().len(), 3, "only what failed is asked again");
}

#[tokio::test]
async fn a_404_of_the_whole_batch_says_nothing_of_devices() {
    let (_server, client) = graph(|_| Reply::json(404, &json!({}))).await;
    let found = client.existence(&[DeviceId::from("a")]).await;
    assert!(found[0].1.is_err());
}

#[tokio::test]
async fn batches_hold_twenty_parts() {
    let (server, client) = graph(|seen| {
        let asked: Value = serde_json::from_str(&seen.body).unwrap();
        let parts = asked["requests"].as_array().unwrap();
        assert!(parts.len() <= 20);
        let answers: Vec<_> = parts.iter().map(|part| json!({"id": part["id"], "status": 200})).collect();
        Reply::json(200, &json!({"responses": answers}))
    })
    .await;
    let ids: Vec<_> = (0..45).map(|number| DeviceId(format!("d{number}"))).collect();
    let found = client.existence(&ids).await;
    assert!(found.iter().zip(&ids).all(|((id, result), asked)| id == asked && result.is_ok()));
    assert_eq!(server.count("/v1.0/$batch"), 3);
}

#[tokio::test]
async fn a_round_of_users_ends_with_the_link_of_the_next() {
    let (server, client) = graph(|seen| match seen.earlier {
        0 => Reply::json(200, &json!({
            "value": [{"id": "AA", "userPrincipalName": "ann@x", "onPremisesSamAccountName": "ann", "employeeId": null}],
            "@odata.nextLink": format!("http://{}/v1.0/users/delta?$skiptoken=1", seen.header("host")),
        })),
        1 => Reply::json(200, &json!({
            "value": [], "@odata.nextLink": format!("http://{}/v1.0/users/delta?$skiptoken=2", seen.header("host")),
        })),
        _ => Reply::json(200, &json!({
            "value": [{"id": "bb", "@removed": {"reason": "changed"}}],
            "@odata.deltaLink": format!("http://{}/v1.0/users/delta?$deltatoken=3", seen.header("host")),
        })),
    })
    .await;
    let mut round = client.user_round(None);
    let mut changes = Vec::new();
    while let Some(page) = round.next_page().await.unwrap() {
        assert!(changes.len() == 2 || round.link().is_none() || !page.is_empty());
        changes.extend(page);
    }
    let Some(UserChange::Set(patch)) = changes.first() else { panic!("{changes:?}") };
    assert_eq!(patch.apply(EntraUser::default()).sam_account_name.as_deref(), Some("ann"));
    assert_eq!(changes[1..], [UserChange::Removed("bb".to_owned())]);
    assert!(round.link().unwrap().ends_with("$deltatoken=3"));
    assert!(server.log()[1].asks("$select=id,userPrincipalName"));
}

#[tokio::test]
async fn a_round_of_users_without_a_link_at_its_end_is_incomplete() {
    let (_server, client) = graph(|_| Reply::json(200, &json!({"value": [{"id": "aa"}]}))).await;
    let mut round = client.user_round(None);
    assert_eq!(round.next_page().await.unwrap().unwrap().len(), 1);
    let end = round.next_page().await;
    assert!(matches!(end, Err(UserRoundError::Failed(_))), "{end:?}");
}

#[tokio::test]
async fn missing_permissions_and_the_organisation_are_told() {
    let (server, client) =
        graph(|_| Reply::json(200, &json!({"value": [{"id": "tid", "displayName": "Contoso"}]}))).await;
    let missing = client
        .missing_permissions(&["DeviceManagementManagedDevices.Read.All", "User.Read.All"])
        .await
        .unwrap();
    assert_eq!(missing, ["User.Read.All"]);
    let organization = client.organization().await.unwrap().unwrap();
    assert_eq!((organization.tenant.as_str(), organization.name.as_str()), ("tid", "Contoso"));
    assert!(server.log()[0].body.contains("scope=http%3A%2F%2F"), "{}", server.log()[0].body);
    assert!(server.log()[0].body.contains("%2F.default"));
}

#[tokio::test]
async fn a_wrong_secret_is_told_with_the_way_out() {
    let server = Server::start(|_| {
        Reply::json(401, &json!({
            "error": "invalid_client", "error_description": "AADSTS7000215: Invalid client secret.", "error_codes": [7_000_215],
        }))
    })
    .await;
    let error = client(&server.url).sign_in().await.unwrap_err();
    assert_eq!(error.class(), FailureClass::Access);
    assert!(error.to_string().contains("the client secret is wrong (AADSTS7000215)"), "{error}");
    assert!(error.hint().unwrap().contains("value"));
}
