//! A server that writes down what it is asked and answers by a function.

use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use halo_integrator::http::ClientMaker;
use integrator_core::ports::SystemClock;
use integrator_core::settings::HttpSettings;
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// A request as it came.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) query: String,
    pub(crate) headers: axum::http::HeaderMap,
    pub(crate) body: String,
    /// How many requests to the same path came before.
    pub(crate) earlier: usize,
}

impl Seen {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    pub(crate) fn asks(&self, parameter: &str) -> bool {
        self.query.split('&').any(|part| part == parameter)
    }
}

/// An answer.
pub(crate) struct Reply {
    status: u16,
    headers: Vec<(&'static str, String)>,
    body: String,
    end: End,
}

#[derive(PartialEq)]
enum End {
    Whole,
    Cut,
}

impl Reply {
    pub(crate) fn json(status: u16, body: &Value) -> Self {
        Self::text(status, "application/json", &body.to_string())
    }

    pub(crate) fn text(status: u16, kind: &str, body: &str) -> Self {
        Self {
            status,
            headers: vec![("content-type", kind.to_owned())],
            body: body.to_owned(),
            end: End::Whole,
        }
    }

    /// A body that breaks off, and the connection with it.
    pub(crate) fn cut() -> Self {
        Self { end: End::Cut, ..Self::text(200, "application/json", "{\"va") }
    }

    pub(crate) fn with(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }
}

/// A token's answer.
pub(crate) fn token(text: &str, seconds: u64) -> Reply {
    Reply::json(200, &json!({"token_type": "Bearer", "expires_in": seconds, "access_token": text}))
}

pub(crate) struct Server {
    pub(crate) url: String,
    log: Arc<Mutex<Vec<Seen>>>,
}

impl Server {
    pub(crate) async fn start(answer: impl Fn(&Seen) -> Reply + Send + Sync + 'static) -> Self {
        let log: Arc<Mutex<Vec<Seen>>> = Arc::default();
        let answer = Arc::new(answer);
        let handler = {
            let log = Arc::clone(&log);
            move |request: Request| {
                let (log, answer) = (Arc::clone(&log), Arc::clone(&answer));
                async move {
                    let (parts, body) = request.into_parts();
                    let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
                    let path = parts.uri.path().to_owned();
                    let seen = {
                        let mut log = log.lock().unwrap();
                        let seen = Seen {
                            method: parts.method.to_string(),
                            query: parts.uri.query().unwrap_or_default().to_owned(),
                            headers: parts.headers,
                            body: String::from_utf8(body.to_vec()).unwrap(),
                            earlier: log.iter().filter(|seen| seen.path == path).count(),
                            path,
                        };
                        log.push(seen.clone());
                        seen
                    };
                    respond(answer(&seen))
                }
            }
        };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(
            async move { axum::serve(listener, axum::Router::new().fallback(handler)).await.unwrap() },
        );
        Self { url, log }
    }

    pub(crate) fn log(&self) -> Vec<Seen> {
        self.log.lock().unwrap().clone()
    }

    pub(crate) fn count(&self, path: &str) -> usize {
        self.log().iter().filter(|seen| seen.path == path).count()
    }
}

fn respond(reply: Reply) -> Response {
    let mut builder = Response::builder().status(reply.status);
    for (name, value) in reply.headers {
        builder = builder.header(name, value);
    }
    let body = if reply.end == End::Cut {
        let parts = [Ok(reply.body), Err(std::io::Error::other("cut"))];
        Body::from_stream(futures_util::stream::iter(parts))
    } else {
        Body::from(reply.body)
    };
    builder.body(body).unwrap()
}

/// A maker whose own waits are nothing.
pub(crate) fn maker() -> ClientMaker {
    maker_with(Duration::from_secs(5))
}

pub(crate) fn maker_with(timeout: Duration) -> ClientMaker {
    let settings = HttpSettings { timeout, longest_wait: Duration::ZERO, ca_file: None, proxy: None };
    ClientMaker::new(&settings, Arc::new(SystemClock)).unwrap()
}
