//! Entra's token endpoint: client credentials with a secret, and nothing else.

use axum::extract::{Path, State};
use axum::response::Response;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use chrono::Utc;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HOST};
use http::{HeaderMap, HeaderValue, StatusCode};
use serde_json::json;

use super::{SecretState, Shared, SharedState, json_response};

/// A refusal: the number after AADSTS, the status, the word in `error`, and what it says.
struct Refused {
    code: u32,
    status: u16,
    error: &'static str,
    says: String,
}

fn refused(code: u32, status: u16, error: &'static str, says: impl Into<String>) -> Refused {
    Refused { code, status, error, says: says.into() }
}

/// `POST /{tenant}/oauth2/v2.0/token`.
pub(super) async fn token(
    State(shared): State<SharedState>,
    Path(tenant): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let shared = shared.sibling(&tenant).unwrap_or(shared);
    match issue(&shared, &tenant, &headers, &body) {
        Ok(response) => response,
        Err(refusal) => refusal_response(&refusal),
    }
}

fn issue(shared: &Shared, tenant: &str, headers: &HeaderMap, body: &[u8]) -> Result<Response, Refused> {
    let options = shared.options();
    if !tenant.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_')) {
        let says = format!(
            "Specified tenant identifier '{tenant}' is neither a valid DNS name, nor a valid external domain."
        );
        return Err(refused(900_023, 400, "invalid_request", says));
    }
    if !tenant.eq_ignore_ascii_case(&options.tenant) && !tenant.eq_ignore_ascii_case(&options.tenant_domain) {
        let says = format!(
            "Tenant '{tenant}' not found. Check to make sure you have the correct tenant ID and are signing into the \
             correct cloud. Check with your subscription administrator, this may happen if there are no active \
             subscriptions for the tenant."
        );
        return Err(refused(90_002, 400, "invalid_request", says));
    }
    let form = form_of(headers, body);
    let field = |name: &str| form.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
    let required = |name: &str| {
        let says = format!("The request body must contain the following parameter: '{name}'.");
        field(name)
            .filter(|value| !value.is_empty())
            .ok_or_else(|| refused(900_144, 400, "invalid_request", says))
    };
    let basic = basic_credentials(headers);
    if required("grant_type")? != "client_credentials" {
        let says = "The app requested an unsupported grant type.";
        return Err(refused(70_003, 400, "unsupported_grant_type", says));
    }
    let client = match &basic {
        Some((client, _)) => client.as_str(),
        None => required("client_id")?,
    };
    if !client.eq_ignore_ascii_case(&options.client_id) {
        let says = format!(
            "Application with identifier '{client}' was not found in the directory 'Contoso'. This can happen if the \
             application has not been installed by the administrator of the tenant or consented to by any user in \
             the tenant. You may have sent your authentication request to the wrong tenant."
        );
        return Err(refused(700_016, 400, "unauthorized_client", says));
    }
    check_scope(shared, headers, required("scope")?)?;
    let secret = basic.as_ref().map(|(_, secret)| secret.as_str()).or_else(|| field("client_secret"));
    let Some(secret) = secret.filter(|secret| !secret.is_empty()) else {
        let says =
            "The request body must contain the following parameter: 'client_assertion' or 'client_secret'.";
        return Err(refused(7_000_218, 401, "invalid_client", says));
    };
    if secret != options.secret {
        let says = format!(
            "Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, \
             not the client secret ID, for a secret added to app '{client}'."
        );
        return Err(refused(7_000_215, 401, "invalid_client", says));
    }
    if options.secret_state == SecretState::Expired {
        let says = format!(
            "The provided client secret keys for app '{client}' are expired. Visit the Azure portal to create new \
             keys for your app: https://aka.ms/NewClientSecret, or consider using certificate credentials for added \
             security: https://aka.ms/certCreds."
        );
        return Err(refused(7_000_222, 401, "invalid_client", says));
    }
    let audience = shared.root(host(headers));
    let answer = json!({
        "token_type": "Bearer",
        "expires_in": options.token_seconds,
        "ext_expires_in": options.token_seconds,
        "access_token": shared.tokens.issue(&options, &audience),
    });
    Ok(json_response(StatusCode::OK, "application/json; charset=utf-8", &answer))
}

fn check_scope(shared: &Shared, headers: &HeaderMap, scope: &str) -> Result<(), Refused> {
    let Some(resource) = scope.strip_suffix("/.default") else {
        let says = format!(
            "The provided value for scope {scope} is not valid. Client credential flows must have a scope value with \
             /.default suffixed to the resource identifier (application ID URI)."
        );
        return Err(refused(1_002_012, 400, "invalid_scope", says));
    };
    if resource != shared.root(host(headers)) && resource != shared.address {
        let says = format!(
            "The resource principal named {resource} was not found in the tenant named Contoso. This can happen if \
             the application has not been installed by the administrator of the tenant or consented to by any user \
             in the tenant. You might have sent your authentication request to the wrong tenant."
        );
        return Err(refused(500_011, 400, "invalid_resource", says));
    }
    Ok(())
}

/// The fields of the form; a body of another type counts as empty, as Entra does not read it.
fn form_of(headers: &HeaderMap, body: &[u8]) -> Vec<(String, String)> {
    let content_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if !content_type.starts_with("application/x-www-form-urlencoded") {
        return Vec::new();
    }
    url::form_urlencoded::parse(body).into_owned().collect()
}

/// Client id and secret from HTTP Basic, each percent-encoded inside.
fn basic_credentials(headers: &HeaderMap) -> Option<(String, String)> {
    let value = headers.get(AUTHORIZATION)?.to_str().ok()?.strip_prefix("Basic ")?;
    let text = String::from_utf8(STANDARD.decode(value).ok()?).ok()?;
    let (client, secret) = text.split_once(':')?;
    let decoded = |text: &str| {
        url::form_urlencoded::parse(format!("x={text}").as_bytes())
            .next()
            .map(|(_, value)| value.into_owned())
    };
    Some((decoded(client)?, decoded(secret)?))
}

fn host(headers: &HeaderMap) -> Option<&str> {
    headers.get(HOST).and_then(|value| value.to_str().ok())
}

fn refusal_response(refusal: &Refused) -> Response {
    let (trace, correlation) = (uuid::Uuid::new_v4().to_string(), uuid::Uuid::new_v4().to_string());
    let timestamp = Utc::now().format("%Y-%m-%d %H:%M:%SZ").to_string();
    let description = format!(
        "AADSTS{}: {} Trace ID: {trace} Correlation ID: {correlation} Timestamp: {timestamp}",
        refusal.code, refusal.says
    );
    let body = json!({
        "error": refusal.error,
        "error_description": description,
        "error_codes": [refusal.code],
        "timestamp": timestamp,
        "trace_id": trace,
        "correlation_id": correlation,
        "error_uri": format!("https://login.microsoftonline.com/error?code={}", refusal.code),
    });
    let status = StatusCode::from_u16(refusal.status).expect("a valid status");
    let mut response = json_response(status, "application/json; charset=utf-8", &body);
    let headers = response.headers_mut();
    headers.insert("x-ms-request-id", HeaderValue::from_str(&trace).expect("a GUID is a valid header"));
    headers.insert("x-ms-ests-server", HeaderValue::from_static("2.1.21200.8 - WEULR1 ProdSlices"));
    response
}

/// What Entra itself answers with a status that a fault asks for.
pub(super) fn usual(status: StatusCode) -> Response {
    let (code, error, says) = match status.as_u16() {
        429 => (
            90_055,
            "invalid_request",
            "The server has terminated the request because the tenant sent too many requests.",
        ),
        401 => (7_000_215, "invalid_client", "Invalid client secret provided."),
        400 => (
            900_144,
            "invalid_request",
            "The request body must contain the following parameter: 'grant_type'.",
        ),
        _ => (90_033, "temporarily_unavailable", "A transient error has occurred. Please try again."),
    };
    refusal_response(&refused(code, status.as_u16(), error, says))
}
