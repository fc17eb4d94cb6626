//! Control routes of the Microsoft simulator: edits of the fleet, the sign-in and the permissions.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Json, Router};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{PersonAnswer, SecretState, SharedState};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Touch {
    /// Share of the devices whose version and last synchronisation change.
    percent: Option<f64>,
    #[serde(default)]
    round: u64,
    /// Which devices only synchronise: "all" or none.
    sync: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Ids {
    ids: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Property {
    id: String,
    name: String,
    value: Value,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct SignIn {
    roles: Option<Vec<String>>,
    secret: Option<String>,
    secret_expired: Option<bool>,
    token_seconds: Option<u64>,
    /// The delegated permissions that are consented to.
    delegated: Option<Vec<String>>,
    /// The registered redirect addresses.
    redirect_addresses: Option<Vec<String>>,
    /// The registered certificates, in base64 of DER.
    certificates: Option<Vec<String>>,
    /// Refresh tokens are refused with this number; 0: accepted again.
    refuse_refresh: Option<u32>,
    /// How the person answers: "consents", "declines" or "another-state".
    person: Option<String>,
    #[serde(default)]
    expire_tokens: bool,
}

pub(super) fn router(shared: SharedState) -> Router {
    Router::new()
        .route("/fleet", get(fleet).post(add))
        .route("/fleet/{id}", get(device))
        .route("/fleet/touch", post(touch))
        .route("/fleet/remove", post(remove))
        .route("/fleet/restore", post(restore))
        .route("/fleet/set", post(set))
        .route("/sign-in", post(sign_in))
        .with_state(shared)
}

async fn fleet(State(shared): State<SharedState>) -> Json<Value> {
    let fleet = shared.fleet();
    Json(json!({ "devices": fleet.len(), "users": fleet.user_count(), "revision": fleet.revision() }))
}

async fn device(
    State(shared): State<SharedState>,
    Path(id): Path<String>,
) -> Result<Json<Value>, StatusCode> {
    shared.fleet().device(&id).map(Json).ok_or(StatusCode::NOT_FOUND)
}

async fn add(State(shared): State<SharedState>, Json(rows): Json<Vec<Value>>) -> StatusCode {
    let mut fleet = shared.edit_fleet();
    for row in rows {
        fleet.add(row);
    }
    StatusCode::NO_CONTENT
}

async fn touch(State(shared): State<SharedState>, Json(touch): Json<Touch>) -> StatusCode {
    let mut fleet = shared.edit_fleet();
    if let Some(percent) = touch.percent {
        fleet.touch_percent(percent, touch.round);
    }
    match touch.sync.as_deref() {
        None => StatusCode::NO_CONTENT,
        Some("all") => {
            fleet.touch_all_syncs();
            StatusCode::NO_CONTENT
        }
        Some(_) => StatusCode::UNPROCESSABLE_ENTITY,
    }
}

async fn remove(State(shared): State<SharedState>, Json(Ids { ids }): Json<Ids>) -> Json<Value> {
    let mut fleet = shared.edit_fleet();
    Json(json!({ "changed": ids.iter().filter(|id| fleet.remove(id)).count() }))
}

async fn restore(State(shared): State<SharedState>, Json(Ids { ids }): Json<Ids>) -> Json<Value> {
    let mut fleet = shared.edit_fleet();
    Json(json!({ "changed": ids.iter().filter(|id| fleet.restore(id)).count() }))
}

async fn set(State(shared): State<SharedState>, Json(edits): Json<Vec<Property>>) -> Json<Value> {
    let mut fleet = shared.edit_fleet();
    let changed =
        edits.into_iter().filter(|edit| fleet.set_property(&edit.id, &edit.name, edit.value.clone()));
    Json(json!({ "changed": changed.count() }))
}

async fn sign_in(State(shared): State<SharedState>, Json(change): Json<SignIn>) -> StatusCode {
    let mut options = shared.options();
    if let Some(roles) = change.roles {
        options.roles = roles;
    }
    if let Some(secret) = change.secret {
        options.secret = secret;
    }
    if let Some(expired) = change.secret_expired {
        options.secret_state = if expired { SecretState::Expired } else { SecretState::Valid };
    }
    if let Some(seconds) = change.token_seconds {
        options.token_seconds = seconds;
    }
    if let Some(delegated) = change.delegated {
        options.delegated = delegated;
    }
    if let Some(addresses) = change.redirect_addresses {
        options.redirect_addresses = addresses;
    }
    if let Some(certificates) = change.certificates {
        let decoded: Option<Vec<_>> = certificates.iter().map(|text| STANDARD.decode(text).ok()).collect();
        let Some(decoded) = decoded else { return StatusCode::UNPROCESSABLE_ENTITY };
        options.certificates = decoded;
    }
    if let Some(code) = change.refuse_refresh {
        options.refuse_refresh = (code != 0).then_some(code);
    }
    match change.person.as_deref() {
        None => {}
        Some("consents") => options.person_answer = PersonAnswer::Consents,
        Some("declines") => options.person_answer = PersonAnswer::Declines,
        Some("another-state") => options.person_answer = PersonAnswer::AnotherState,
        Some(_) => return StatusCode::UNPROCESSABLE_ENTITY,
    }
    drop(options);
    if change.expire_tokens {
        shared.tokens.expire_all();
    }
    StatusCode::NO_CONTENT
}
