//! One request and its answer, in words that name no HTTP library.

use super::transport::retry_after;
use bytes::Bytes;
use chrono::{DateTime, Utc};
use std::borrow::Cow;
use std::time::Duration;

/// A request to an endpoint.
#[derive(Clone, Debug)]
pub struct Request {
    pub(crate) method: ::http::Method,
    pub(crate) target: String,
    pub(crate) query: Vec<(&'static str, Cow<'static, str>)>,
    pub(crate) body: Option<Bytes>,
    pub(crate) repeat: Repeat,
    /// How many requests the server counts it as.
    pub(crate) cost: usize,
}

/// What may be repeated when it is not known whether the server got it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Repeat {
    /// Reads, and writes that have the same effect twice.
    Safe,
    /// Creates: repeated only when nothing can have been done (no connection, or refused as too many). Anything
    /// else that is not an answer becomes [`super::HttpErrorKind::Unclear`].
    OnlyIfUnsent,
}

impl Request {
    /// A GET of a path below the endpoint's address (with a leading slash), or of a full address below it. A query
    /// in it is kept as it is.
    pub fn get(target: impl Into<String>) -> Self {
        Self {
            method: ::http::Method::GET,
            target: target.into(),
            query: Vec::new(),
            body: None,
            repeat: Repeat::Safe,
            cost: 1,
        }
    }

    /// A POST of a JSON document.
    pub fn post(target: impl Into<String>, json: impl Into<Bytes>, repeat: Repeat) -> Self {
        Self {
            method: ::http::Method::POST,
            target: target.into(),
            query: Vec::new(),
            body: Some(json.into()),
            repeat,
            cost: 1,
        }
    }

    /// A request that the server counts as several.
    #[must_use]
    pub fn costing(mut self, requests: usize) -> Self {
        self.cost = requests.max(1);
        self
    }

    /// Adds a query parameter.
    #[must_use]
    pub fn query(mut self, name: &'static str, value: impl Into<Cow<'static, str>>) -> Self {
        self.query.push((name, value.into()));
        self
    }
}

/// A complete answer.
#[derive(Clone, Debug)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// The body, unpacked.
    pub body: Vec<u8>,
    /// Header fields.
    pub(crate) headers: ::http::HeaderMap,
}

impl Answer {
    /// The body as text; what is no UTF-8 is replaced.
    pub fn text(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.body)
    }

    /// How long the server asks us to wait.
    pub(crate) fn told_wait(&self, now: DateTime<Utc>) -> Option<Duration> {
        retry_after(self.headers.get(::http::header::RETRY_AFTER)?.to_str().ok()?, now)
    }
}

/// What the reader of a successful answer made of it.
#[derive(Debug)]
pub enum Reading<T> {
    /// What was wanted.
    Done(T),
    /// Not a whole document of the promised kind (truncated, or HTML): worth another try.
    Broken(String),
    /// A whole document, but not what the interface promises: no further try.
    Wrong(String),
}
