//! Each effect of the transport as a client sees it.

use std::time::{Duration, Instant};

use axum::Json;
use axum::extract::State;
use axum::routing::{get, post};
use rstest::rstest;
use serde_json::{Value, json};

use super::*;
use crate::faults::{Effect, Fault};
use crate::testing;

/// A service that counts how often it was asked.
async fn counting_server(
    options: ServeOptions,
) -> (RunningServer, Faults, RequestLog, Arc<std::sync::atomic::AtomicU64>) {
    let handled = Arc::new(std::sync::atomic::AtomicU64::new(0));
    let router = Router::new()
        .route("/things", get(answer).post(answer))
        .route("/things/{id}", post(answer))
        .with_state(Arc::clone(&handled));
    let (faults, log) = (Faults::new(), RequestLog::new());
    let server = serve(router, faults.clone(), log.clone(), options).await.unwrap();
    (server, faults, log, handled)
}

async fn answer(State(handled): State<Arc<std::sync::atomic::AtomicU64>>) -> Json<Value> {
    handled.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
    Json(json!({ "name": "a thing with a name that is long enough to be cut" }))
}

/// What a client made of an answer: its status and body, or which part failed.
async fn outcome(url: &str) -> Result<(u16, String), &'static str> {
    let response = testing::client().get(url).send().await.map_err(|_| "no answer")?;
    let status = response.status().as_u16();
    let body = response.text().await.map_err(|_| "broken body")?;
    Ok((status, body))
}

const WHOLE: &str = r#"{"name":"a thing with a name that is long enough to be cut"}"#;

#[rstest]
#[case(Effect::status(503), Ok((503, r#"{"error":"Service Unavailable"}"#)), 0, 503)]
#[case(Effect::Status { status: 502, body: "gone".into(), content_type: None, retry_after: None }, Ok((502, "gone")), 0, 502)]
#[case(Effect::Reset, Err("no answer"), 0, 0)]
#[case(Effect::Slow { milliseconds: 20 }, Ok((200, WHOLE)), 1, 200)]
#[case(Effect::Truncate { keep: 7 }, Err("broken body"), 1, 200)]
#[case(Effect::CutJson { keep: 7 }, Ok((200, "{\"name\"")), 1, 200)]
#[case(Effect::AnswerLost, Err("no answer"), 1, 0)]
#[case(Effect::RepeatNextLink, Ok((200, WHOLE)), 1, 200)]
#[case(Effect::Twice, Ok((200, WHOLE)), 2, 200)]
#[case(Effect::Answer { status: 201, body: "other".into(), content_type: None }, Ok((201, "other")), 1, 201)]
#[case(Effect::lie(crate::faults::Lie::Without("name".into())), Ok((200, "{}")), 1, 200)]
#[tokio::test]
async fn an_effect_disturbs_one_request_and_the_next_one_passes(
    #[case] effect: Effect,
    #[case] expected: Result<(u16, &str), &'static str>,
    #[case] expected_handled: u64,
    #[case] expected_status: u16,
) {
    let (server, faults, log, handled) = counting_server(ServeOptions::default()).await;
    faults.add(Fault::new("/things", effect));
    let url = format!("{}/things", server.address());
    let disturbed = outcome(&url).await;
    assert_eq!(disturbed, expected.map(|(status, body)| (status, body.to_owned())));
    assert_eq!(handled.load(std::sync::atomic::Ordering::SeqCst), expected_handled);
    assert_eq!(outcome(&url).await, Ok((200, WHOLE.to_owned())));
    let statuses: Vec<u16> = log.entries().iter().map(|entry| entry.status).collect();
    assert_eq!(statuses, [expected_status, 200]);
}

#[tokio::test]
async fn a_page_of_html_is_answered_with_status_200() {
    let (server, faults, _, handled) = counting_server(ServeOptions::default()).await;
    faults.add(Fault::new("", Effect::Html));
    let response = testing::client().get(format!("{}/things", server.address())).send().await.unwrap();
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["content-type"], "text/html; charset=utf-8");
    assert_eq!(handled.load(std::sync::atomic::Ordering::SeqCst), 0);
}

#[tokio::test]
async fn retry_after_is_sent_word_for_word() {
    let (server, faults, _, _) = counting_server(ServeOptions::default()).await;
    faults.add(Fault::new("", Effect::throttled("2.128")));
    let response = testing::client().get(format!("{}/things", server.address())).send().await.unwrap();
    assert_eq!(response.status(), 429);
    assert_eq!(response.headers()["retry-after"], "2.128");
}

#[tokio::test]
async fn a_slow_answer_takes_its_time() {
    let (server, faults, _, _) = counting_server(ServeOptions::default()).await;
    faults.add(Fault::new("", Effect::Slow { milliseconds: 60 }));
    let begun = Instant::now();
    outcome(&format!("{}/things", server.address())).await.unwrap();
    assert!(begun.elapsed() >= Duration::from_millis(60));
}

#[tokio::test]
async fn a_prefix_stands_before_every_path() {
    let options = ServeOptions { prefix: "/gateway".into(), ..ServeOptions::default() };
    let (server, _, _, _) = counting_server(options).await;
    assert!(server.address().ends_with("/gateway"), "{}", server.address());
    assert_eq!(outcome(&format!("{}/things", server.address())).await, Ok((200, WHOLE.to_owned())));
    let without = server.address().replace("/gateway", "");
    assert_eq!(outcome(&format!("{without}/things")).await.map(|(status, _)| status), Ok(404));
}

#[tokio::test]
async fn requests_are_counted_by_route_and_the_control_routes_are_not() {
    let (server, _, log, _) = counting_server(ServeOptions::default()).await;
    let client = testing::client();
    for id in 1..=3 {
        client.post(format!("{}/things/{id}", server.address())).body("[1]").send().await.unwrap();
    }
    let counts: Value = client
        .get(format!("{}/requests", server.control_address()))
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    assert_eq!(counts["total"], 3);
    assert_eq!(counts["routes"], json!({ "POST /things/{id}": 3 }));
    let entries = log.entries();
    assert_eq!((entries[0].body_bytes, &entries[0].body[..]), (3, b"[1]".as_slice()));
    client.post(format!("{}/requests/reset", server.control_address())).send().await.unwrap();
    assert_eq!(log.total(), 0);
}

#[tokio::test]
async fn a_body_of_many_megabytes_reaches_the_service() {
    let router =
        Router::new().route("/", post(|body: axum::body::Bytes| async move { body.len().to_string() }));
    let server = serve(router, Faults::new(), RequestLog::new(), ServeOptions::default()).await.unwrap();
    let request = testing::client().post(format!("{}/", server.address())).body(vec![b'x'; 5 << 20]);
    assert_eq!(request.send().await.unwrap().text().await.unwrap(), (5 << 20).to_string());
}

#[tokio::test]
async fn faults_are_scripted_through_the_control_routes() {
    let (server, faults, _, _) = counting_server(ServeOptions::default()).await;
    let client = testing::client();
    let control = format!("{}/faults", server.control_address());
    let script = json!([{ "method": "GET", "path": "things", "times": 0, "effect": { "kind": "status", "status": 500 } }]);
    assert_eq!(client.post(&control).json(&script).send().await.unwrap().status(), 204);
    assert_eq!(outcome(&format!("{}/things", server.address())).await.map(|(status, _)| status), Ok(500));
    assert_eq!(faults.struck(), 1);
    client.delete(&control).send().await.unwrap();
    assert_eq!(outcome(&format!("{}/things", server.address())).await.map(|(status, _)| status), Ok(200));
}

#[tokio::test]
async fn a_dropped_server_accepts_no_more_connections() {
    let (server, _, _, _) = counting_server(ServeOptions::default()).await;
    let url = format!("{}/things", server.address());
    drop(server);
    // The accepting task ends at its next turn; every connection before that is closed with it.
    tokio::task::yield_now().await;
    assert_eq!(outcome(&url).await, Err("no answer"));
}

#[tokio::test]
async fn https_is_trusted_only_with_the_written_authority() {
    let folder = tempfile::tempdir().unwrap();
    let ca_certificate = folder.path().join("ca.pem");
    let tls = Some(TlsFiles { ca_certificate: ca_certificate.clone() });
    let (server, _, _, _) = counting_server(ServeOptions { tls, ..ServeOptions::default() }).await;
    let url = format!("{}/things", server.address());
    assert!(url.starts_with("https://"), "{url}");

    let mut roots = tokio_rustls::rustls::RootCertStore::empty();
    let trusting = |roots: tokio_rustls::rustls::RootCertStore| {
        let provider = Arc::new(tokio_rustls::rustls::crypto::ring::default_provider());
        let configuration = tokio_rustls::rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        reqwest::Client::builder().tls_backend_preconfigured(configuration).build().unwrap()
    };
    assert!(trusting(roots.clone()).get(&url).send().await.is_err());

    let pem = std::fs::read(&ca_certificate).unwrap();
    let certificate = tokio_rustls::rustls::pki_types::pem::PemObject::from_pem_slice(&pem).unwrap();
    roots.add(certificate).unwrap();
    assert_eq!(trusting(roots).get(&url).send().await.unwrap().status(), 200);
}
