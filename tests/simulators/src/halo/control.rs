//! Control routes of a simulated Halo: looking at its assets and editing them as a person, from another process.
//!
//! These are no part of Halo's API: no token, no faults, no log.

use std::sync::Arc;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Path, State};
use axum::routing::{get, post};
use futures_util::stream;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Response, StatusCode};
use serde_json::{Map, Value};

use super::bind;
use super::refusal::{Refusal, json_answer};
use super::routes::Shared;
use super::write::Stop;

/// So many assets are described under one lock.
const CHUNK: usize = 1000;

pub(super) fn router(shared: Arc<Shared>) -> Router {
    Router::new()
        .route("/assets", get(assets))
        .route("/assets/{id}", post(edit).delete(remove))
        .route("/duplicates", get(duplicates))
        .route("/tokens/revoke", post(revoke))
        .with_state(shared)
}

/// All assets as JSON lines, by ascending id.
async fn assets(State(shared): State<Arc<Shared>>) -> Response<Body> {
    let next = shared.state().options.first_asset_id;
    let lines = stream::unfold(next, move |next| {
        let shared = Arc::clone(&shared);
        async move {
            let state = shared.state();
            if next >= state.next_asset_id() {
                return None;
            }
            let end = next + CHUNK as u64;
            let mut text = String::new();
            for asset in (next..end).filter_map(|id| state.asset(id)) {
                text.push_str(&state.describe(asset).to_string());
                text.push('\n');
            }
            Some((Ok::<_, std::convert::Infallible>(Bytes::from(text)), end))
        }
    });
    let mut answer = Response::new(Body::from_stream(lines));
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/x-ndjson"));
    answer
}

/// Edits an asset with the members that a POST of it would have.
async fn edit(State(shared): State<Arc<Shared>>, Path(id): Path<u64>, body: Bytes) -> Response<Body> {
    let mut state = shared.state();
    let outcome = read_edit(id, &body).and_then(|input| state.write_assets(&[input], Stop::Never));
    match outcome {
        Ok(_) => {
            let described = state.asset(id).map(|asset| state.describe(asset)).unwrap_or_default();
            json_answer(StatusCode::OK, &described)
        }
        Err(refusal) => refusal.answer(state.options.error_shape),
    }
}

fn read_edit(id: u64, body: &[u8]) -> Result<bind::AssetInput, Refusal> {
    let mut row: Map<String, Value> =
        serde_json::from_slice(body).map_err(|error| Refusal::binding("", error.to_string()))?;
    row.insert("id".to_owned(), id.into());
    bind::asset("[0]", row).map_err(|error| Refusal::Binding(vec![error]))
}

async fn remove(State(shared): State<Arc<Shared>>, Path(id): Path<u64>) -> StatusCode {
    if shared.state().delete_asset(id).is_some() { StatusCode::OK } else { StatusCode::NOT_FOUND }
}

async fn duplicates(State(shared): State<Arc<Shared>>) -> Response<Body> {
    let rows: Vec<Value> = shared
        .state()
        .check_duplicates()
        .into_iter()
        .map(|found| serde_json::json!({ "member": found.member, "value": found.value, "assets": found.assets }))
        .collect();
    json_answer(StatusCode::OK, &Value::Array(rows))
}

async fn revoke(State(shared): State<Arc<Shared>>) -> StatusCode {
    shared.gate().revoke();
    StatusCode::OK
}
