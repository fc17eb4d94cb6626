//! Graph's front door: the version, the token, the permission, and which service answers.

use axum::Extension;
use axum::extract::State;
use axum::response::Response;
use bytes::Bytes;
use http::header::{AUTHORIZATION, HOST, WWW_AUTHENTICATE};
use http::{HeaderMap, HeaderValue, Method, StatusCode, Uri};
use serde_json::Value;

use super::errors::{self, RequestIds, Service};
use super::query::{Query, decoded};
use super::tokens::Refusal;
use super::{
    Shared, SharedState, batch, bytes_response, changes, detected, devices, directory, entra, exports,
    json_response, records,
};
use crate::faults::Effect;

/// A question to Graph, by itself or as part of a batch.
#[derive(Clone, Debug)]
pub(super) struct Question {
    pub(super) method: Method,
    /// The path behind the version, such as `/users`.
    pub(super) path: String,
    pub(super) query: String,
    /// The address as the client wrote it, with prefix and without the version.
    pub(super) root: String,
    pub(super) ids: RequestIds,
    pub(super) roles: Vec<String>,
    /// `odata.maxpagesize` of the `Prefer` header.
    pub(super) preferred_page_size: Option<usize>,
    /// What a fault leaves to the service.
    pub(super) effect: Option<Effect>,
}

/// An answer of Graph before it is put into a response or into a batch.
#[derive(Clone, Debug)]
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) body: Bytes,
}

impl Answer {
    pub(super) fn ok(body: &Value) -> Self {
        Self { status: StatusCode::OK, body: Bytes::from(body.to_string()) }
    }

    pub(super) fn refused(status: u16, body: &Value) -> Self {
        let status = StatusCode::from_u16(status).expect("a valid status");
        Self { status, body: Bytes::from(body.to_string()) }
    }
}

impl Question {
    /// A refusal in Intune's shape.
    pub(super) fn refused_by_intune(&self, status: u16, code: &str, says: &str) -> Answer {
        let message = errors::intune_message(says, &self.path, &self.ids);
        Answer::refused(status, &errors::body(code, &message, &self.ids))
    }

    /// A refusal in the directory's shape.
    pub(super) fn refused(&self, status: u16, code: &str, says: &str) -> Answer {
        Answer::refused(status, &errors::body(code, says, &self.ids))
    }

    pub(super) fn query(&self) -> Query {
        Query::parse(&self.query)
    }

    /// An absolute address below this version.
    pub(super) fn link(&self, query: &str) -> String {
        format!("{}/v1.0{}?{query}", self.root, self.path)
    }

    /// The `@odata.context` of an answer about these properties of a set.
    pub(super) fn context(&self, set: &str, selected: Option<&[String]>, suffix: &str) -> String {
        let selected = selected.map(|names| format!("({})", names.join(","))).unwrap_or_default();
        format!("{}/v1.0/$metadata#{set}{selected}{suffix}", self.root)
    }
}

/// Everything under the address that is not Entra's.
pub(super) async fn handle(
    State(shared): State<SharedState>,
    effect: Option<Extension<Effect>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let header = |name: http::header::HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    let ids = RequestIds::new(headers.get("client-request-id").and_then(|value| value.to_str().ok()));
    let Some(path) = uri.path().strip_prefix("/v1.0") else {
        let version = uri.path().trim_start_matches('/').split('/').next().unwrap_or_default();
        let says = format!("Invalid version: {version}.");
        return response(Answer::refused(400, &errors::body("BadRequest", &says, &ids)), &ids);
    };
    let shared = shared.sibling_of_token(header(AUTHORIZATION)).unwrap_or(shared);
    let roles = match shared.tokens.roles(header(AUTHORIZATION)) {
        Ok(roles) => roles,
        Err(refusal) => return unauthorized(refusal, &ids),
    };
    let question = Question {
        method,
        path: path.to_owned(),
        query: uri.query().unwrap_or_default().to_owned(),
        root: shared.root(header(HOST)),
        roles,
        preferred_page_size: preferred_page_size(&headers),
        effect: effect.map(|Extension(effect)| effect),
        ids: ids.clone(),
    };
    if question.path == "/$batch" && question.method == Method::POST {
        return response(batch::answer(&shared, &question, &body).await, &ids);
    }
    if question.path == "/deviceManagement/reports/exportJobs" && question.method == Method::POST {
        return response(exports::create(&shared, &question, &body), &ids);
    }
    response(answer(&shared, &question), &ids)
}

/// The answer to a question that is no batch.
pub(super) fn answer(shared: &Shared, question: &Question) -> Answer {
    let segments: Vec<String> = question.path.trim_start_matches('/').split('/').map(decoded).collect();
    let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
    match (question.method.as_str(), segments.as_slice()) {
        ("GET", ["deviceManagement", "managedDevices"]) => devices::list(shared, question),
        ("GET", ["deviceManagement", "managedDevices", id]) if !id.starts_with('$') => {
            devices::single(shared, question, id)
        }
        ("GET", ["deviceManagement", "detectedApps"]) => detected::list(shared, question),
        ("GET", ["deviceManagement", "detectedApps", id, "managedDevices"]) => {
            detected::devices(shared, question, id)
        }
        ("GET", ["deviceManagement", "reports", "exportJobs", id]) => exports::look(shared, question, id),
        ("GET", ["deviceManagement", "reports", job])
            if job.starts_with("exportJobs('") && job.ends_with("')") =>
        {
            exports::look(shared, question, &job["exportJobs('".len()..job.len() - 2])
        }
        (method, ["deviceManagement", ..]) => no_route(question, method),
        ("GET", ["devices"]) => records::list(shared, question),
        ("GET", ["devices", id, "registeredOwners"]) => records::owners(shared, question, id),
        ("GET", ["users"]) => directory::users(shared, question),
        ("GET", ["users", "delta"]) => changes::users(shared, question),
        ("GET", ["users", id]) => directory::user(shared, question, id),
        ("GET", ["organization"]) => directory::organization(shared, question),
        (method, ["users" | "organization" | "devices", ..]) => {
            let says = format!("The request is not supported: {method} {}.", question.path);
            question.refused(405, "Request_BadRequest", &says)
        }
        (_, segments) => {
            let segment = segments.first().copied().unwrap_or_default();
            question.refused(400, "BadRequest", &format!("Resource not found for the segment '{segment}'."))
        }
    }
}

fn no_route(question: &Question, method: &str) -> Answer {
    let says = format!(
        "No OData route exists that match template ~/singleton/navigation with http verb {method} for request \
         /DeviceFE/StatelessDeviceFEService{}.",
        question.path
    );
    question.refused_by_intune(400, "BadRequest", &says)
}

fn preferred_page_size(headers: &HeaderMap) -> Option<usize> {
    let values = headers.get_all("prefer").iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split([',', ';'])).find_map(|one| {
        one.trim()
            .strip_prefix("odata.maxpagesize=")
            .or_else(|| one.trim().strip_prefix("maxpagesize="))?
            .parse()
            .ok()
    })
}

fn unauthorized(refusal: Refusal, ids: &RequestIds) -> Response {
    let says = match refusal {
        Refusal::Missing => "Access token is empty.",
        Refusal::Unknown => "Access token validation failure. Invalid signature.",
        Refusal::Expired => "Lifetime validation failed, the token is expired.",
    };
    response(Answer::refused(401, &errors::body("InvalidAuthenticationToken", says, ids)), ids)
}

fn response(answer: Answer, ids: &RequestIds) -> Response {
    let content_type = if answer.status.is_success() { errors::JSON } else { "application/json" };
    let mut response = bytes_response(answer.status, content_type, answer.body);
    add_headers(&mut response, ids);
    response
}

fn add_headers(response: &mut Response, ids: &RequestIds) {
    let challenge = "Bearer realm=\"\", authorization_uri=\"https://login.microsoftonline.com/common/oauth2/authorize\", \
                     client_id=\"00000003-0000-0000-c000-000000000000\"";
    if response.status() == StatusCode::UNAUTHORIZED {
        response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
    }
    let headers = response.headers_mut();
    for (name, value) in [("request-id", &ids.request), ("client-request-id", &ids.client)] {
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.insert(name, value);
        }
    }
    headers.insert("odata-version", HeaderValue::from_static("4.0"));
    headers.insert("cache-control", HeaderValue::from_static("no-cache"));
    headers.insert(
        "x-ms-ags-diagnostic",
        HeaderValue::from_static(
            r#"{"ServerInfo":{"DataCenter":"West Europe","Slice":"E","Ring":"5","ScaleUnit":"000","RoleInstance":"AM0000"}}"#,
        ),
    );
}

/// What the service behind a path itself answers with a status that a fault asks for.
pub(super) fn usual_answer(status: StatusCode, request: &http::request::Parts) -> Response {
    let path = request.uri.path();
    if path.contains("/oauth2/") {
        return entra::usual(status);
    }
    let ids = RequestIds::new(request.headers.get("client-request-id").and_then(|value| value.to_str().ok()));
    let service = service_of(path);
    let mut response = json_response(status, "application/json", &errors::usual(service, status, path, &ids));
    add_headers(&mut response, &ids);
    response
}

/// Which service answers a path.
pub(super) fn service_of(path: &str) -> Service {
    if path.contains("/deviceManagement") { Service::Intune } else { Service::Directory }
}
