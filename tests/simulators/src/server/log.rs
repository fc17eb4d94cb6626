//! What was asked of a server: every request with its answer's status, and counts by route.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use serde::Serialize;

/// Bodies are kept until they take this many bytes together; afterwards only their sizes are.
const KEPT_BODY_BYTES: usize = 64 << 20;

/// One request as the server saw it.
#[derive(Clone, Debug, Serialize)]
pub struct LoggedRequest {
    /// The method, in capitals.
    pub method: String,
    /// The path with its query, as sent.
    pub path_and_query: String,
    /// The status of the answer; 0 when the connection was dropped without one.
    pub status: u16,
    /// How many bytes the request's body had.
    pub body_bytes: usize,
    /// The request's body; empty once 64 MiB of bodies are kept.
    #[serde(skip)]
    pub body: Bytes,
    /// The scheme of the `Authorization` header, such as `Bearer`; never the credential.
    pub authorization: Option<String>,
    /// The `client-request-id` header.
    pub client_request_id: Option<String>,
}

/// Every request that a server answered or dropped. Clones share the same log.
#[derive(Clone, Debug, Default)]
pub struct RequestLog {
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    entries: Vec<LoggedRequest>,
    kept_bytes: usize,
    in_flight: usize,
    most_at_once: usize,
}

impl RequestLog {
    /// An empty log.
    pub fn new() -> Self {
        Self::default()
    }

    /// How many requests were answered or dropped.
    pub fn total(&self) -> u64 {
        self.state().entries.len() as u64
    }

    /// How many requests there were by method and path; identifiers in a path are written as `{id}`.
    pub fn counts(&self) -> BTreeMap<(String, String), u64> {
        let mut counts = BTreeMap::new();
        for entry in &self.state().entries {
            *counts.entry((entry.method.clone(), route(&entry.path_and_query))).or_default() += 1;
        }
        counts
    }

    /// All requests, in the order in which they ended.
    pub fn entries(&self) -> Vec<LoggedRequest> {
        self.state().entries.clone()
    }

    /// The largest number of requests that were under way at one time.
    pub fn most_at_once(&self) -> usize {
        self.state().most_at_once
    }

    /// How many requests are under way.
    pub fn in_flight(&self) -> usize {
        self.state().in_flight
    }

    /// Forgets everything counted so far.
    pub fn reset(&self) {
        let mut state = self.state();
        state.entries.clear();
        state.kept_bytes = 0;
        state.most_at_once = state.in_flight;
    }

    /// Notes that a request has begun. It is entered when the returned value is dropped.
    pub(super) fn begin(&self, parts: &http::request::Parts, body: &Bytes) -> Flight {
        let header = |name| parts.headers.get(name).and_then(|value: &http::HeaderValue| value.to_str().ok());
        let entry = LoggedRequest {
            method: parts.method.as_str().to_owned(),
            path_and_query: parts.uri.path_and_query().map_or("/", |path| path.as_str()).to_owned(),
            status: 0,
            body_bytes: body.len(),
            body: body.clone(),
            authorization: header("authorization")
                .map(|value| value.split(' ').next().unwrap_or("").to_owned()),
            client_request_id: header("client-request-id").map(str::to_owned),
        };
        let mut state = self.state();
        state.in_flight += 1;
        state.most_at_once = state.most_at_once.max(state.in_flight);
        Flight { log: self.clone(), entry: Some(entry) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A request under way.
#[derive(Debug)]
pub(super) struct Flight {
    log: RequestLog,
    entry: Option<LoggedRequest>,
}

impl Flight {
    /// The request was answered with this status.
    pub(super) fn answered(&mut self, status: u16) {
        if let Some(entry) = &mut self.entry {
            entry.status = status;
        }
    }
}

impl Drop for Flight {
    fn drop(&mut self) {
        let Some(mut entry) = self.entry.take() else { return };
        let mut state = self.log.state();
        state.in_flight -= 1;
        if state.kept_bytes + entry.body.len() > KEPT_BODY_BYTES {
            entry.body = Bytes::new();
        }
        state.kept_bytes += entry.body.len();
        state.entries.push(entry);
    }
}

/// The path without its query and with `{id}` for each identifier.
fn route(path_and_query: &str) -> String {
    let path = path_and_query.split('?').next().unwrap_or("");
    let segments: Vec<&str> =
        path.split('/').map(|part| if is_identifier(part) { "{id}" } else { part }).collect();
    segments.join("/")
}

fn is_identifier(segment: &str) -> bool {
    !segment.is_empty()
        && (segment.bytes().all(|byte| byte.is_ascii_digit())
            || uuid::Uuid::try_parse(segment).is_ok()
            || segment.contains('@')
            || segment.contains("%40"))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("/api/asset/17?includedetails=true", "/api/asset/{id}")]
    #[case("/v1.0/users/a%40b.example", "/v1.0/users/{id}")]
    #[case(
        "/v1.0/deviceManagement/managedDevices/a0000001-4dd3-496f-bacb-000000000001",
        "/v1.0/deviceManagement/managedDevices/{id}"
    )]
    #[case("/v1.0/$batch", "/v1.0/$batch")]
    fn identifiers_are_left_out_of_routes(#[case] path: &str, #[case] expected: &str) {
        assert_eq!(route(path), expected);
    }
}
