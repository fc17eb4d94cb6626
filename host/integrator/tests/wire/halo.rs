//! Halo: discovery, walks, writes.

use super::server::{Reply, Seen, Server, maker, token};
use halo_integrator::halo::{
    AnswerShape, AssetOrder, AssetQuery, DiscoveredAddress, HaloClient, HaloError, UserQuery, WriteProblem,
};
use halo_integrator::http::{FailureClass, HttpErrorKind};
use integrator_core::model::{AssetId, AssetWrite, GroupId, TypeId, TypeWrite, UserId};
use integrator_core::settings::{HaloSettings, SecretSource};
use secrecy::SecretString;
use serde_json::{Value, json};

fn settings(url: &str) -> HaloSettings {
    HaloSettings {
        url: url.to_owned(),
        client_id: "app".into(),
        secret: SecretSource::Environment("X".into()),
        tenant: None,
        version: None,
        requests_per_5_minutes: 10_000,
        assets_per_request: 50,
    }
}

async fn connect(url: &str, known: Option<DiscoveredAddress>) -> Result<HaloClient, HaloError> {
    HaloClient::connect(&maker(), &settings(url), SecretString::from("s"), known).await
}

async fn halo(answer: impl Fn(&Seen) -> Reply + Send + Sync + 'static) -> (Server, HaloClient) {
    let server = Server::start(move |seen| match seen.path.as_str() {
        "/api/authinfo" => Reply::json(
            200,
            &json!({"auth_url": format!("http://{}/sign-in", seen.header("host")), "tenant_id": "acme"}),
        ),
        "/sign-in/token" => token("t", 3600),
        _ => answer(seen),
    })
    .await;
    let client = connect(&server.url, None).await.unwrap();
    (server, client)
}

#[tokio::test]
async fn halo_says_where_to_sign_in_and_is_asked_once() {
    let (server, client) = halo(|_| Reply::json(200, &json!({"id": 3, "name": "Importer"}))).await;
    assert!(server.log()[1].asks("tenant=acme"));
    assert!(server.log()[1].body.contains("scope=all"));
    assert_eq!(client.requests(), 2);
    let again = connect(&server.url, Some(client.address().clone())).await.unwrap();
    assert_eq!(server.count("/api/authinfo"), 1);
    assert_eq!(again.agent_me().await.unwrap().name, "Importer");
}

#[tokio::test]
async fn a_halo_that_says_nothing_signs_in_at_auth() {
    for answer in [
        Reply::text(404, "text/html", "<html>"),
        Reply::text(200, "text/html", "<html>"),
        Reply::json(200, &json!({})),
    ] {
        let answer = std::sync::Mutex::new(Some(answer));
        let server = Server::start(move |seen| match seen.path.as_str() {
            "/auth/token" => token("t", 3600),
            "/api/authinfo" => {
                answer.lock().unwrap().take().unwrap_or_else(|| Reply::text(200, "text/html", "<html>"))
            }
            _ => Reply::text(500, "text/plain", ""),
        })
        .await;
        let client = connect(&server.url, None).await.unwrap();
        assert_eq!(client.address().auth, format!("{}/auth", server.url));
    }
}

#[tokio::test]
async fn a_remembered_address_that_is_right_no_more_is_discovered_anew() {
    let (server, client) = halo(|seen| match seen.path.as_str() {
        "/refusing/token" => Reply::json(400, &json!({"error": "invalid_client"})),
        _ => Reply::text(404, "text/plain", ""),
    })
    .await;
    for auth in
        [format!("{}/moved", server.url), format!("{}/refusing", server.url), "http://127.0.0.1:1".to_owned()]
    {
        let known = DiscoveredAddress { auth, ..client.address().clone() };
        let found = connect(&server.url, Some(known)).await.unwrap();
        assert_eq!(found.address(), client.address());
        assert!(found.requests() >= 3);
    }
    assert_eq!(server.count("/api/authinfo"), 4);
    let other = DiscoveredAddress { url: "http://other".into(), ..client.address().clone() };
    connect(&server.url, Some(other)).await.unwrap();
    assert_eq!(server.count("/api/authinfo"), 5, "what was found for another address counts for nothing");
}

#[tokio::test]
async fn a_refused_sign_in_is_one_clear_message() {
    let server = Server::start(|seen| match seen.path.as_str() {
        "/auth/token" => Reply::json(
            401,
            &json!({"error": "invalid_client", "error_description": "The specified client credentials are invalid."}),
        ),
        _ => Reply::text(404, "text/plain", ""),
    })
    .await;
    let error = connect(&server.url, None).await.unwrap_err();
    assert_eq!(error.class(), FailureClass::Access);
    assert!(error.to_string().contains("The specified client credentials are invalid."), "{error}");
    assert!(error.hint().unwrap().contains("halo.client_id"));
}

fn assets(ids: std::ops::Range<i64>, count: i64) -> Reply {
    let rows: Vec<_> = ids.map(|id| json!({"id": id, "assettype_id": 5})).collect();
    Reply::json(200, &json!({"record_count": count, "assets": rows}))
}

#[tokio::test]
async fn a_walk_ends_by_rows_received_whatever_the_page_size() {
    let (server, client) = halo(|seen| match seen.earlier {
        0 => assets(1..51, 120),
        1 => assets(51..101, 120),
        _ => assets(101..121, 120),
    })
    .await;
    let mut walk = client.assets(AssetQuery::of_type(TypeId(5)));
    let mut rows = 0;
    while let Some(page) = walk.next_page().await.unwrap() {
        rows += page.rows.len();
    }
    assert_eq!((rows, walk.received(), walk.record_count()), (120, 120, Some(120)));
    assert_eq!(server.count("/api/Asset"), 3);
    for (page, seen) in server.log().iter().filter(|seen| seen.path == "/api/Asset").enumerate() {
        for parameter in [
            "pageinate=true",
            "page_size=100",
            "includeinactive=true",
            "includeactive=true",
            "assettype_id=5",
            "includeassetfields=true",
            "order=id",
            "orderdesc=false",
        ] {
            assert!(seen.asks(parameter), "{parameter}: {}", seen.query);
        }
        assert!(seen.asks(&format!("page_no={}", page + 1)));
    }
}

#[tokio::test]
async fn a_page_that_repeats_itself_fails_the_walk() {
    let (_server, client) = halo(|_| assets(1..51, 120)).await;
    let mut walk = client.assets(AssetQuery::all());
    walk.next_page().await.unwrap();
    let error = walk.next_page().await.unwrap_err();
    assert!(matches!(error.kind(), HttpErrorKind::Unreadable { .. }), "{error}");
    assert!(walk.next_page().await.is_err(), "a failed walk stays failed");
}

#[tokio::test]
async fn changes_are_asked_for_newest_first() {
    let (server, client) = halo(|_| assets(0..0, 0)).await;
    let since = integrator_core::model::value::parse_time("2026-01-29T20:00:00.5Z");
    let query =
        AssetQuery { modified_since: since, order: AssetOrder::ModifiedDescending, ..AssetQuery::all() };
    assert!(client.assets(query).next_page().await.unwrap().is_none());
    let seen = server.log().pop().unwrap();
    assert!(seen.asks("lastupdatefromdate=2026-01-29T20%3A00%3A00.500Z"), "{}", seen.query);
    assert!(
        seen.asks("order=last_modified")
            && seen.asks("orderdesc=true")
            && !seen.query.contains("includeassetfields")
    );
}

#[tokio::test]
async fn a_single_asset_tells_its_users_and_a_404_is_none() {
    let (_server, client) = halo(|seen| match seen.path.as_str() {
        "/api/Asset/7" => Reply::json(200, &json!({"id": 7, "users": [{"id": 5}]})),
        "/api/Asset/8" => Reply::json(200, &json!({"id": 8})),
        _ => Reply::json(404, &json!({"Message": "no"})),
    })
    .await;
    assert_eq!(client.asset(AssetId(7)).await.unwrap().unwrap().users, Some(vec![UserId(5)]));
    assert_eq!(client.asset(AssetId(8)).await.unwrap().unwrap().users, Some(vec![]));
    assert!(client.asset(AssetId(9)).await.unwrap().is_none());
}

#[tokio::test]
async fn counts_and_users_are_read() {
    let (_server, client) = halo(|seen| match (seen.path.as_str(), seen.asks("page_size=1")) {
        ("/api/Asset", _) => Reply::json(200, &json!({"record_count": 717, "assets": []})),
        ("/api/Users", true) => Reply::json(200, &json!({"record_count": 2, "users": []})),
        _ => Reply::json(200, &json!({"record_count": 2, "users": [{"id": 1, "name": "A", "azure_id": "x"}, {"id": 2, "name": "B"}]})),
    })
    .await;
    assert_eq!((client.asset_count().await.unwrap(), client.user_count().await.unwrap()), (717, 2));
    let mut walk = client.users(UserQuery::default());
    assert_eq!(walk.next_page().await.unwrap().unwrap().users.len(), 2);
    assert!(walk.next_page().await.unwrap().is_none());
}

fn create() -> AssetWrite {
    AssetWrite { type_id: Some(TypeId(5)), intune_id: Some("dev".into()), ..AssetWrite::default() }
}

fn update() -> AssetWrite {
    AssetWrite { id: Some(AssetId(7)), ..AssetWrite::default() }
}

#[tokio::test]
async fn an_answer_to_a_write_is_read_in_each_of_its_forms() {
    let (server, client) = halo(|seen| match seen.earlier {
        0 => Reply::json(201, &json!([{"id": 7, "intune_id": "dev", "_warning": "careful"}])),
        1 => Reply::json(201, &json!({"id": 7})),
        _ => Reply::text(201, "application/json", ""),
    })
    .await;
    let answer = client.write_assets(&[create()]).await.unwrap();
    assert_eq!((answer.shape, answer.rows.len(), answer.warnings.len()), (AnswerShape::List, 1, 1));
    assert_eq!(client.write_assets(&[create()]).await.unwrap().shape, AnswerShape::One);
    assert_eq!(client.write_assets(&[create()]).await.unwrap().shape, AnswerShape::Unreadable);
    let seen = server.log().pop().unwrap();
    assert_eq!(seen.header("content-type"), "application/json");
    let body: Value = serde_json::from_str(&seen.body).unwrap();
    assert_eq!(body, json!([{"_dontaddnewfields": true, "assettype_id": 5, "intune_id": "dev"}]));
}

#[tokio::test]
async fn a_failed_write_is_told_by_what_is_known_of_it() {
    let check = async |reply: fn() -> Reply,
                       writes: &[AssetWrite],
                       tries: usize,
                       expected: fn(&WriteProblem) -> bool| {
        let (server, client) = halo(move |_| reply()).await;
        let error = client.write_assets(writes).await.unwrap_err();
        assert!(expected(&error.problem), "{error:?}");
        assert_eq!(server.count("/api/Asset"), tries, "{error}");
    };
    let unclear = |problem: &WriteProblem| matches!(problem, WriteProblem::Unclear { .. });
    let forbidden = |problem: &WriteProblem| matches!(problem, WriteProblem::Forbidden { .. });
    let failed = |problem: &WriteProblem| matches!(problem, WriteProblem::Failed { status: 503, .. });
    let refused = |problem: &WriteProblem| matches!(problem, WriteProblem::Refused { status: 400, row: Some(1), message } if message.contains("site_id"));
    let bad = || Reply::json(400, &json!({"[1].site_id": ["Could not convert string to integer: x."]}));
    check(bad, &[create(), create()], 1, refused).await;
    check(bad, &[update(), update()], 1, refused).await;
    let busy = || Reply::text(503, "text/plain", "busy");
    check(busy, &[update()], 5, failed).await;
    check(busy, &[update(), create()], 1, unclear).await;
    check(Reply::cut, &[create()], 1, unclear).await;
    check(Reply::cut, &[update()], 5, unclear).await;
    check(|| Reply::text(200, "text/html", "<html>"), &[create()], 1, unclear).await;
    check(|| Reply::text(403, "text/plain", "no"), &[create()], 1, forbidden).await;
    check(|| Reply::text(401, "text/plain", "no"), &[create()], 2, forbidden).await;
}

#[tokio::test]
async fn a_type_is_made_like_another() {
    let (server, client) = halo(|seen| match seen.method.as_str() {
        "GET" => Reply::json(200, &json!({
            "id": 5, "guid": "g", "name": "Laptop", "assetgroup_id": 1, "fields": [{"id": 90, "field_id": 117}],
        })),
        _ => Reply::json(201, &json!({"id": 6, "name": "Tablet", "assetgroup_id": 2})),
    })
    .await;
    let write =
        TypeWrite { name: "Tablet".into(), group: Some(GroupId(2)), like: Some(TypeId(5)), fields: vec![] };
    let made = client.create_asset_type(&write).await.unwrap();
    assert_eq!((made.id, made.name.as_str(), made.group), (TypeId(6), "Tablet", Some(GroupId(2))));
    let body: Value = serde_json::from_str(&server.log().pop().unwrap().body).unwrap();
    assert_eq!(body, json!([{"name": "Tablet", "assetgroup_id": 2, "fields": [{"field_id": 117}]}]));
}
