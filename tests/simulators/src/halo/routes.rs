//! From a request to the answer: routes, content types, permissions.
//!
//! Paths are matched without case, as the real server does. Knows no rules of entities.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use http::request::Parts;
use http::{Method, Response, StatusCode};
use serde_json::{Value, json};

use super::access::{Area, Gate, header};
use super::bind;
use super::customers::Customers;
use super::options::{Access, Discovery, ReplyForm, ReplyMembers};
use super::query::Query;
use super::refusal::{Refusal, bytes_answer, json_answer, typed};
use super::render::Detail;
use super::state::HaloState;
use super::write::Stop;
use crate::faults::Effect;

/// More than any request that is meant seriously.
const LARGEST_BODY: usize = 256 << 20;

/// One simulated Halo, shared by its connections.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) state: Mutex<HaloState>,
    pub(super) gate: Mutex<Gate>,
    pub(super) address: std::sync::OnceLock<String>,
}

impl Shared {
    pub(super) fn state(&self) -> MutexGuard<'_, HaloState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn gate(&self) -> MutexGuard<'_, Gate> {
        self.gate.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The body of an answer, ready to send.
enum Answer {
    Json(StatusCode, Value),
    Bytes(StatusCode, Vec<u8>),
}

pub(super) async fn handle(State(shared): State<Arc<Shared>>, request: Request) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let Ok(body) = to_bytes(body, LARGEST_BODY).await else {
        return typed(StatusCode::PAYLOAD_TOO_LARGE, "text/plain", Vec::new());
    };
    let path = parts.uri.path().trim_matches('/').to_ascii_lowercase();
    let segments: Vec<&str> = path.split('/').collect();
    let outcome = match segments[..] {
        ["auth", "token"] => shared.sign_in(&parts, &body),
        ["api", ref rest @ ..] => shared.api(&parts, rest, &body),
        _ => {
            let page = b"<!DOCTYPE html><html><head><title>Halo</title></head><body></body></html>".to_vec();
            return typed(StatusCode::NOT_FOUND, "text/html", page);
        }
    };
    match outcome {
        Ok(Answer::Json(status, value)) => json_answer(status, &value),
        Ok(Answer::Bytes(status, bytes)) => bytes_answer(status, bytes),
        Err(refusal) => {
            let shape = shared.state().options.error_shape;
            refusal.answer(shape)
        }
    }
}

impl Shared {
    fn sign_in(&self, parts: &Parts, body: &[u8]) -> Result<Answer, Refusal> {
        if parts.method != Method::POST {
            return Err(Refusal::MethodNotAllowed);
        }
        let query = Query::parse(parts.uri.query());
        let state = self.state();
        let token = self.gate().sign_in(&state.options, parts, query.text("tenant"), body)?;
        Ok(Answer::Json(StatusCode::OK, token))
    }

    fn api(&self, parts: &Parts, path: &[&str], body: &[u8]) -> Result<Answer, Refusal> {
        let mut state = self.state();
        if let Some(limit) = &state.options.rate_limit {
            self.gate().count(limit, state.options.clock.now())?;
        }
        if path == ["authinfo"] {
            return self.discovery(&state, parts);
        }
        let area = area(path).ok_or(Refusal::NotFound)?;
        let wanted = if parts.method == Method::GET { Access::Read } else { Access::Edit };
        self.gate().check(&state.options, parts, area, wanted)?;
        let query = Query::parse(parts.uri.query());
        match parts.method {
            Method::GET => get(&mut state, path, &query),
            Method::POST => post(&mut state, parts, path, body),
            Method::DELETE => delete(&mut state, path),
            _ => Err(Refusal::MethodNotAllowed),
        }
    }

    fn discovery(&self, state: &HaloState, parts: &Parts) -> Result<Answer, Refusal> {
        if parts.method != Method::GET {
            return Err(Refusal::MethodNotAllowed);
        }
        let auth_url = match &state.options.discovery {
            Discovery::Missing => return Err(Refusal::NotFound),
            Discovery::Elsewhere(address) => address.clone(),
            Discovery::Full | Discovery::WithoutTenant => {
                format!("{}/auth", self.address.get().map_or("http://localhost", String::as_str))
            }
        };
        let mut info = json!({ "auth_url": auth_url, "version": "2.214" });
        if let (Discovery::Full, Some(tenant), Value::Object(members)) =
            (&state.options.discovery, &state.options.tenant, &mut info)
        {
            members.insert("tenant_id".to_owned(), json!(tenant));
        }
        Ok(Answer::Json(StatusCode::OK, info))
    }
}

fn area(path: &[&str]) -> Option<Area> {
    Some(match path.first().copied()? {
        "asset" => Area::Assets,
        "client" | "site" | "users" => Area::Customers,
        "assettype" | "assetgroup" | "field" | "fieldinfo" | "lookup" | "control" => Area::Configuration,
        "azureadconnection" => Area::Integrations,
        "agent" => Area::Myself,
        "softwarelicence" => Area::Licences,
        _ => return None,
    })
}

fn get(state: &mut HaloState, path: &[&str], query: &Query) -> Result<Answer, Refusal> {
    let ok = |value| Ok(Answer::Json(StatusCode::OK, value));
    let bytes = |body| Ok(Answer::Bytes(StatusCode::OK, body));
    match *path {
        ["asset"] => bytes(state.list_assets(query)?),
        ["asset", id] => {
            let statuses = query.flag("includeallowedstatus")?.unwrap_or(false);
            let detail = match query.flag("includedetails")? {
                Some(true) if statuses => Detail::FullWithStatuses,
                Some(true) => Detail::Full,
                _ => Detail::Plain,
            };
            let asset = state.asset(number(id)?).ok_or(Refusal::NotFound)?;
            let mut body = Vec::new();
            state.render(asset, detail, None, &mut body);
            bytes(body)
        }
        ["assettype"] => ok(state.list_types(query)?),
        ["assettype", id] => ok(state.one_type(number(id)?)?),
        ["assetgroup"] => ok(state.list_groups()),
        ["assetgroup", id] => ok(state.one_group(number(id)?)?),
        ["field"] => ok(state.list_fields(query)?),
        ["fieldinfo"] => ok(state.list_custom_fields(query)?),
        ["lookup"] => ok(state.list_lookups(query)?),
        ["azureadconnection"] => ok(state.list_connections(query)?),
        ["azureadconnection", id] => ok(state.one_connection(number(id)?, query)?),
        ["agent", "me"] => ok(state.myself()),
        ["client"] => bytes(state.list_customers(Customers::Clients, query)?),
        ["client", id] => ok(state.one_client(number(id)?)?),
        ["control"] => ok(state.global_settings()),
        ["site"] => bytes(state.list_customers(Customers::Sites, query)?),
        ["site", id] => ok(state.one_site(number(id)?)?),
        ["softwarelicence"] => bytes(state.list_licences(query)?),
        ["softwarelicence", id] => ok(state.one_licence(number(id)?, query)?),
        ["users"] => bytes(state.list_customers(Customers::Users, query)?),
        ["users", id] => ok(state.one_user(number(id)?)?),
        _ => Err(Refusal::NotFound),
    }
}

fn number(segment: &str) -> Result<u64, Refusal> {
    segment.parse().map_err(|_| super::query::invalid("id", segment))
}

fn post(state: &mut HaloState, parts: &Parts, path: &[&str], body: &[u8]) -> Result<Answer, Refusal> {
    let content_type = header(parts, "content-type").unwrap_or_default().to_ascii_lowercase();
    let media_type = content_type.split(';').next().unwrap_or_default().trim();
    let is_known =
        matches!(path, ["asset" | "assettype" | "assetgroup" | "client" | "site" | "softwarelicence"]);
    if !is_known {
        return Err(Refusal::MethodNotAllowed);
    }
    if media_type != "application/json" {
        let reason = json!({ "type": "https://tools.ietf.org/html/rfc7231#section-6.5.13",
                             "title": "Unsupported Media Type", "status": 415 });
        return Err(Refusal::Status(415, reason.to_string()));
    }
    let rows = bind::rows(body)?;
    if *path == ["asset"] {
        return post_assets(state, parts.extensions.get::<Effect>(), rows);
    }
    if rows.is_empty() {
        return Err(Refusal::Rule(400, "[0]".to_owned(), "No data was posted.".to_owned()));
    }
    let written: Vec<Value> = match path {
        ["assettype"] => {
            let ids = state.write_types(rows)?;
            ids.into_iter().map(|id| state.one_type(id)).collect::<Result<_, _>>()?
        }
        ["assetgroup"] => {
            let ids = state.write_groups(&rows)?;
            ids.into_iter().map(|id| state.one_group(id)).collect::<Result<_, _>>()?
        }
        ["softwarelicence"] => {
            let rows = state.write_licences(&rows)?;
            match state.options.reply_members {
                ReplyMembers::Detailed => rows,
                ReplyMembers::OnlyId => rows.iter().map(|row| json!({ "id": row["id"] })).collect(),
            }
        }
        ["client"] => {
            let ids = state.write_clients(&rows)?;
            let only_id = state.options.reply_members == ReplyMembers::OnlyId;
            let row = |id| if only_id { Ok(json!({ "id": id })) } else { state.one_client(id) };
            ids.into_iter().map(row).collect::<Result<_, _>>()?
        }
        _ => {
            let ids = state.write_sites(&rows)?;
            ids.into_iter().map(|id| state.one_site(id)).collect::<Result<_, _>>()?
        }
    };
    let chosen = match state.options.reply {
        ReplyForm::List => Some(Value::Array(written)),
        ReplyForm::FirstObject => written.into_iter().next(),
        ReplyForm::LastObject => written.into_iter().next_back(),
    };
    Ok(Answer::Json(StatusCode::CREATED, chosen.unwrap_or_default()))
}

fn post_assets(
    state: &mut HaloState,
    effect: Option<&Effect>,
    rows: Vec<serde_json::Map<String, Value>>,
) -> Result<Answer, Refusal> {
    let inputs = bind::assets(rows)?;
    let mut stop = Stop::Never;
    match effect {
        Some(Effect::RefuseRow { index }) if *index < inputs.len() => {
            let path = format!("[{index}].site_id");
            let message =
                format!("Could not convert string to integer: refused. Path '{path}', line 1, position 139.");
            return Err(Refusal::binding(path, message));
        }
        Some(Effect::PartialBatch { done, status }) => stop = Stop::After(*done, *status),
        _ => {}
    }
    let ids = state.write_assets(&inputs, stop)?;
    let one = |id: u64, body: &mut Vec<u8>| {
        let warning = state.options.warning.as_deref();
        let detailed = state.asset(id).filter(|_| state.options.reply_members == ReplyMembers::Detailed);
        if let Some(asset) = detailed {
            return state.render(asset, Detail::Full, warning, body);
        }
        let mut row = json!({ "id": id });
        if let (Some(warning), Value::Object(members)) = (warning, &mut row) {
            members.insert("_warning".to_owned(), json!(warning));
        }
        body.extend_from_slice(row.to_string().as_bytes());
    };
    let mut body = Vec::new();
    match state.options.reply {
        ReplyForm::List => {
            body.push(b'[');
            for (index, id) in ids.iter().enumerate() {
                if index > 0 {
                    body.push(b',');
                }
                one(*id, &mut body);
            }
            body.push(b']');
        }
        ReplyForm::FirstObject => one(ids.first().copied().unwrap_or_default(), &mut body),
        ReplyForm::LastObject => one(ids.last().copied().unwrap_or_default(), &mut body),
    }
    Ok(Answer::Bytes(StatusCode::CREATED, body))
}

fn delete(state: &mut HaloState, path: &[&str]) -> Result<Answer, Refusal> {
    match *path {
        ["asset", id] => {
            let asset = state.delete_asset(number(id)?).ok_or(Refusal::NotFound)?;
            Ok(Answer::Json(StatusCode::OK, json!({ "id": asset.id })))
        }
        _ => Err(Refusal::MethodNotAllowed),
    }
}
