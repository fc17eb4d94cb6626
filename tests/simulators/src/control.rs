//! Control routes that every simulator offers under `/control`: the request log and the fault script.
//!
//! They are for the tests of another process. They ask for no authorization, are not counted and never disturbed.
//! What only one service can do (edit a fleet, change a secret) is added by that service.

use std::collections::BTreeMap;

use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::Serialize;
use serde_json::{Value, json};

use crate::faults::{Fault, Faults};
use crate::server::{LoggedRequest, RequestLog};

#[derive(Clone, Debug)]
struct Shared {
    faults: Faults,
    log: RequestLog,
}

#[derive(Debug, Serialize)]
struct Requests {
    total: u64,
    most_at_once: usize,
    /// Keys are "METHOD /path" with `{id}` for identifiers.
    routes: BTreeMap<String, u64>,
}

/// The routes that know no service.
pub(crate) fn router(faults: Faults, log: RequestLog) -> Router {
    Router::new()
        .route("/requests", get(requests))
        .route("/requests/entries", get(entries))
        .route("/requests/reset", post(reset_requests))
        .route("/faults", get(list_faults).post(add_faults).delete(clear_faults))
        .with_state(Shared { faults, log })
}

async fn requests(State(shared): State<Shared>) -> Json<Requests> {
    let routes =
        shared.log.counts().into_iter().map(|((method, path), count)| (format!("{method} {path}"), count));
    Json(Requests {
        total: shared.log.total(),
        most_at_once: shared.log.most_at_once(),
        routes: routes.collect(),
    })
}

async fn entries(State(shared): State<Shared>) -> Json<Vec<LoggedRequest>> {
    Json(shared.log.entries())
}

async fn reset_requests(State(shared): State<Shared>) -> StatusCode {
    shared.log.reset();
    StatusCode::NO_CONTENT
}

async fn list_faults(State(shared): State<Shared>) -> Json<Value> {
    let script: Vec<Value> = shared
        .faults
        .list()
        .into_iter()
        .map(|(fault, struck)| json!({ "fault": fault, "struck": struck }))
        .collect();
    Json(json!({ "struck": shared.faults.struck(), "script": script }))
}

async fn add_faults(State(shared): State<Shared>, Json(script): Json<Vec<Fault>>) -> StatusCode {
    script.into_iter().for_each(|fault| shared.faults.add(fault));
    StatusCode::NO_CONTENT
}

async fn clear_faults(State(shared): State<Shared>) -> StatusCode {
    shared.faults.clear();
    StatusCode::NO_CONTENT
}
