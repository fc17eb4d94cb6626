//! Retry, renewal and the bearer's bounds.

use super::server::{Reply, Seen, Server, maker, maker_with, token};
use halo_integrator::http::{
    ClientCredential, Endpoint, EndpointSettings, Explained, FailureClass, Grant, HttpError, HttpErrorKind,
    Reading, Refusal, RefusalOf, Repeat, Request, SignIn, SignInSettings,
};
use secrecy::SecretString;
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

const SECRET: &str = "very-secret-secret";

fn explain(status: u16, text: &str) -> Explained {
    Explained { message: format!("{status} {text}"), row: None, hint: None }
}

fn refusal(_: u16, text: &str) -> Refusal {
    Refusal {
        code: Some("code".into()),
        message: text.into(),
        hint: Some("hint".into()),
        of: RefusalOf::Application,
    }
}

fn endpoint_of(maker: &halo_integrator::http::ClientMaker, server: &str, sign_in: &str) -> Endpoint {
    let sign_in = SignIn::new(
        maker,
        SignInSettings {
            name: "Sign-in",
            token_url: format!("{sign_in}/token"),
            client_id: "app".into(),
            credential: ClientCredential::Secret(SecretString::from(SECRET)),
            grant: Grant::Application,
            scope: "all".into(),
            explain: refusal,
            budget: None,
        },
    )
    .unwrap();
    let settings = EndpointSettings {
        name: "Side",
        base: server,
        sign_in: Some(Arc::new(sign_in)),
        budget: maker.budget("side", 10_000, Duration::from_secs(1)),
        explain,
    };
    Endpoint::new(maker, settings).unwrap()
}

async fn ask(endpoint: &Endpoint, repeat: Repeat) -> Result<String, HttpError> {
    let request = match repeat {
        Repeat::Safe => Request::get("/rows"),
        Repeat::OnlyIfUnsent => Request::post("/rows", "[]", repeat),
    };
    endpoint
        .send(&request, |answer| match answer.text().into_owned() {
            text if text.starts_with('<') => Reading::Broken("html".into()),
            text => Reading::Done(text),
        })
        .await
}

/// A server whose `/rows` fails by `fail` until it was asked `times` times.
async fn failing(times: usize, fail: impl Fn(&Seen) -> Reply + Send + Sync + 'static) -> Server {
    Server::start(move |seen| match seen.path.as_str() {
        "/token" => token("t", 3600),
        _ if seen.earlier < times => fail(seen),
        _ => Reply::text(200, "text/plain", "done"),
    })
    .await
}

#[tokio::test]
async fn what_passes_is_tried_again_and_what_is_final_is_not() {
    let check = async |status: u16, body: &'static str, tries: usize| {
        let server = failing(usize::MAX, move |_| Reply::text(status, "text/plain", body)).await;
        let error = ask(&endpoint_of(&maker(), &server.url, &server.url), Repeat::Safe).await.unwrap_err();
        assert_eq!(error.status(), Some(status).filter(|_| status != 200), "{error}");
        assert_eq!(server.count("/rows"), tries, "{status} {body}");
        let ids: std::collections::HashSet<_> =
            server.log().iter().map(|seen| seen.header("client-request-id").to_owned()).collect();
        assert_eq!(ids.len(), server.log().len(), "each try has its own id");
    };
    for status in [400, 403, 404, 409, 422, 501, 302] {
        check(status, "no", 1).await;
    }
    for status in [408, 500, 502, 503, 504] {
        check(status, "no", 5).await;
    }
    check(200, "<html>", 5).await;
}

#[tokio::test]
async fn throttling_is_waited_out_also_for_creates() {
    for repeat in [Repeat::Safe, Repeat::OnlyIfUnsent] {
        let server = failing(20, |seen| match seen.earlier % 3 {
            0 => Reply::text(429, "text/plain", "").with("retry-after", "0.01"),
            1 => Reply::text(429, "text/plain", ""),
            _ => Reply::text(
                500,
                "text/plain",
                "Rate limit reached because of too many requests to query broker",
            ),
        })
        .await;
        let endpoint = endpoint_of(&maker(), &server.url, &server.url);
        assert_eq!(ask(&endpoint, repeat).await.unwrap(), "done");
        assert_eq!(server.count("/rows"), 21);
        assert_eq!(endpoint.requests(), 22);
    }
}

#[tokio::test]
async fn a_broken_connection_is_tried_again() {
    let server = failing(4, |_| Reply::cut()).await;
    assert_eq!(ask(&endpoint_of(&maker(), &server.url, &server.url), Repeat::Safe).await.unwrap(), "done");
}

#[tokio::test]
async fn a_create_that_may_have_been_done_is_not_repeated() {
    for fail in [
        || Reply::cut(),
        || Reply::text(503, "text/plain", "busy"),
        || Reply::text(408, "text/plain", "slow"),
        || Reply::text(200, "text/html", "<html>"),
    ] {
        let server = failing(usize::MAX, move |_| fail()).await;
        let error =
            ask(&endpoint_of(&maker(), &server.url, &server.url), Repeat::OnlyIfUnsent).await.unwrap_err();
        assert!(matches!(error.kind(), HttpErrorKind::Unclear { .. }), "{error}");
        assert_eq!(server.count("/rows"), 1);
    }
}

#[tokio::test]
async fn a_refused_create_is_refused_and_not_unclear() {
    let server = failing(usize::MAX, |_| Reply::text(400, "text/plain", "no")).await;
    let error =
        ask(&endpoint_of(&maker(), &server.url, &server.url), Repeat::OnlyIfUnsent).await.unwrap_err();
    assert_eq!(error.status(), Some(400));
}

#[tokio::test]
async fn nobody_there_is_unreachable_and_nothing_was_sent() {
    let server = failing(0, |_| Reply::cut()).await;
    // A port that was free a moment ago.
    let gone = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let endpoint = endpoint_of(&maker(), &format!("http://{gone}"), &server.url);
    for repeat in [Repeat::Safe, Repeat::OnlyIfUnsent] {
        let error = ask(&endpoint, repeat).await.unwrap_err();
        assert_eq!(*error.kind(), HttpErrorKind::Unreachable);
        assert_eq!(error.class(), FailureClass::Side);
        assert!(error.hint().is_some());
    }
    assert_eq!(endpoint.requests(), 11, "five tries each, and one sign-in");
}

#[tokio::test]
async fn a_slow_answer_is_a_timeout() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let silent = format!("http://{}", listener.local_addr().unwrap());
    let server = failing(0, |_| Reply::cut()).await;
    let maker = maker_with(Duration::from_millis(50));
    let error = ask(&endpoint_of(&maker, &silent, &server.url), Repeat::Safe).await.unwrap_err();
    assert_eq!(*error.kind(), HttpErrorKind::Timeout);
}

#[tokio::test]
async fn a_refused_token_is_renewed_once_for_many_waiters() {
    let server = Server::start(|seen| match seen.path.as_str() {
        "/token" => token(&format!("t{}", seen.earlier), 3600),
        _ if seen.header("authorization") == "Bearer t0" => Reply::text(401, "text/plain", "expired"),
        _ => Reply::text(200, "text/plain", "done"),
    })
    .await;
    let endpoint = endpoint_of(&maker(), &server.url, &server.url);
    let all = futures_util::future::join_all((0..20).map(|_| ask(&endpoint, Repeat::OnlyIfUnsent))).await;
    assert!(all.iter().all(Result::is_ok));
    assert_eq!(server.count("/token"), 2);
}

#[tokio::test]
async fn a_second_401_is_a_lack_of_permission() {
    let server = failing(usize::MAX, |_| Reply::text(401, "text/plain", "no")).await;
    let error = ask(&endpoint_of(&maker(), &server.url, &server.url), Repeat::Safe).await.unwrap_err();
    assert!(matches!(error.kind(), HttpErrorKind::Permission { status: 401, .. }));
    assert_eq!(error.class(), FailureClass::Access);
    assert_eq!((server.count("/rows"), server.count("/token")), (2, 2));
}

#[tokio::test]
async fn a_short_token_is_renewed_at_four_fifths_of_its_life() {
    let server = failing(0, |_| Reply::cut()).await;
    let endpoint = endpoint_of(&maker(), &server.url, &server.url);
    for _ in 0..3 {
        ask(&endpoint, Repeat::Safe).await.unwrap();
    }
    assert_eq!(server.count("/token"), 1);
    let server = Server::start(|seen| match seen.path.as_str() {
        "/token" => token("t", 0),
        _ => Reply::text(200, "text/plain", "done"),
    })
    .await;
    let endpoint = endpoint_of(&maker(), &server.url, &server.url);
    for _ in 0..3 {
        ask(&endpoint, Repeat::Safe).await.unwrap();
    }
    assert_eq!(server.count("/token"), 3, "a token that lives no time is had anew each time");
}

#[tokio::test]
async fn a_refused_sign_in_is_final_and_shows_no_secret() {
    let server = Server::start(|seen| {
        // A server that echoes what it was sent.
        Reply::text(401, "text/plain", &format!("wrong {}", seen.body))
    })
    .await;
    let endpoint = endpoint_of(&maker(), &server.url, &server.url);
    for _ in 0..3 {
        let error = ask(&endpoint, Repeat::Safe).await.unwrap_err();
        assert!(matches!(error.kind(), HttpErrorKind::SignIn { status: 401, .. }), "{error}");
        assert_eq!(error.class(), FailureClass::Access);
        assert_eq!(error.hint().as_deref(), Some("hint"));
        for text in [error.to_string(), format!("{error:?}"), format!("{endpoint:?}")] {
            assert!(!text.contains(SECRET), "{text}");
        }
    }
    assert_eq!(server.count("/token"), 1);
    let seen = &server.log()[0];
    assert!(seen.body.contains("grant_type=client_credentials") && seen.body.contains(SECRET));
    assert!(seen.header("user-agent").starts_with("halo-integrator/"));
}

#[tokio::test]
async fn a_sign_in_that_fails_in_passing_is_tried_three_times() {
    let server = Server::start(|_| Reply::text(503, "text/plain", "busy")).await;
    let error = ask(&endpoint_of(&maker(), &server.url, &server.url), Repeat::Safe).await.unwrap_err();
    assert_eq!((error.status(), error.class()), (Some(503), FailureClass::Side));
    assert_eq!(server.count("/token"), 3);
    let fails = Arc::new(AtomicUsize::new(0));
    let server =
        Server::start(move |seen| match (seen.path.as_str(), fails.fetch_add(1, Ordering::SeqCst)) {
            ("/token", 0) => Reply::cut(),
            ("/token", 1) => Reply::text(429, "text/plain", "").with("retry-after", "0"),
            ("/token", _) => token("t", 3600),
            _ => Reply::text(200, "text/plain", "done"),
        })
        .await;
    assert!(ask(&endpoint_of(&maker(), &server.url, &server.url), Repeat::Safe).await.is_ok());
}

#[tokio::test]
async fn the_bearer_goes_to_its_own_address_only() {
    let other = Server::start(|_| Reply::json(200, &json!({}))).await;
    let server = failing(0, |_| Reply::cut()).await;
    let endpoint = endpoint_of(&maker(), &format!("{}/prefix", server.url), &server.url);
    let own = server.url.clone();
    for target in [
        format!("{}/rows", other.url),
        format!("{own}/elsewhere"),
        format!("{own}/prefixed"),
        format!("{own}/prefix/../rows"),
        own.replace("http://", "https://") + "/prefix/rows",
        own.replace("http://", "http://user@") + "/prefix/rows",
        "//example.com/rows".to_owned(),
        "rows".to_owned(),
        String::new(),
    ] {
        let sent = endpoint.send(&Request::get(target.clone()), |_| Reading::Done(())).await;
        match sent {
            Err(error) => assert!(matches!(error.kind(), HttpErrorKind::Foreign { .. }), "{target}: {error}"),
            // A path with two slashes stays a path of our own server.
            Ok(()) => assert!(target.starts_with("//"), "{target}"),
        }
    }
    assert!(other.log().is_empty());
    let full = format!("{own}/prefix/rows?$skiptoken=LastDeviceName%3d%27a%27");
    endpoint.send(&Request::get(full), |_| Reading::Done(())).await.unwrap();
    let last = server.log().pop().unwrap();
    assert_eq!(
        (last.path.as_str(), last.query.as_str()),
        ("/prefix/rows", "$skiptoken=LastDeviceName%3d%27a%27")
    );
    assert_eq!(last.header("authorization"), "Bearer t");
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let other = Server::start(|_| Reply::json(200, &json!({}))).await;
    let address = other.url.clone();
    let server =
        failing(usize::MAX, move |_| Reply::text(302, "text/plain", "").with("location", &address)).await;
    let error = ask(&endpoint_of(&maker(), &server.url, &server.url), Repeat::Safe).await.unwrap_err();
    assert_eq!(error.status(), Some(302));
    assert!(error.hint().is_some_and(|hint| hint.contains("redirect")));
    assert!(other.log().is_empty());
}

#[tokio::test]
async fn a_body_without_end_is_cut_off() {
    let server = failing(usize::MAX, |_| Reply::text(200, "text/plain", &"x".repeat(65 * 1_048_576))).await;
    let error = ask(&endpoint_of(&maker(), &server.url, &server.url), Repeat::Safe).await.unwrap_err();
    assert!(matches!(error.kind(), HttpErrorKind::TooLarge { .. }), "{error}");
    assert_eq!(server.count("/rows"), 1);
}
