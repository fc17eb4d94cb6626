//! Entra's refusals: their numbers, words and form.

use axum::response::Response;
use chrono::Utc;
use http::{HeaderValue, StatusCode};
use serde_json::json;

use super::super::json_response;

/// A refusal: the number after AADSTS, the status, the word in `error`, and what it says.
#[derive(Debug)]
pub(super) struct Refused {
    pub(super) code: u32,
    pub(super) status: u16,
    pub(super) error: &'static str,
    pub(super) says: String,
    pub(super) suberror: Option<&'static str>,
}

pub(super) fn refused(code: u32, status: u16, error: &'static str, says: impl Into<String>) -> Refused {
    Refused { code, status, error, says: says.into(), suberror: None }
}

impl Refused {
    /// The description, with ids of its own.
    pub(super) fn description(&self, trace: &str, correlation: &str, timestamp: &str) -> String {
        format!(
            "AADSTS{}: {} Trace ID: {trace} Correlation ID: {correlation} Timestamp: {timestamp}",
            self.code, self.says
        )
    }
}

/// What the service refuses a person's sign-in with, by its number.
pub(super) fn of_person(code: u32) -> Refused {
    let (error, suberror, says) = match code {
        65_001 => (
            "invalid_grant",
            Some("consent_required"),
            "The user or administrator has not consented to use the application. Send an interactive authorization \
             request for this user and resource.",
        ),
        90_094 => ("invalid_grant", None, "Admin consent is required for the permissions requested."),
        50_076 | 50_079 => (
            "interaction_required",
            Some("basic_action"),
            "Due to a configuration change made by your administrator, or because you moved to a new location, you \
             must use multi-factor authentication.",
        ),
        50_074 => ("interaction_required", None, "Strong Authentication is required."),
        53_003 => (
            "invalid_grant",
            Some("message_only"),
            "Access has been blocked by Conditional Access policies. The access policy does not allow token issuance.",
        ),
        70_008 => (
            "invalid_grant",
            None,
            "The provided authorization code or refresh token has expired due to inactivity. Send a new interactive \
             authorization request for this user and resource.",
        ),
        700_082 => (
            "invalid_grant",
            None,
            "The refresh token has expired due to inactivity. The token was issued on 2026-05-01T00:00:00.0000000Z and \
             was inactive for 90.00:00:00.",
        ),
        70_043 => (
            "invalid_grant",
            Some("token_expired"),
            "The refresh token has expired or is invalid due to sign-in frequency checks by conditional access.",
        ),
        50_173 => (
            "invalid_grant",
            Some("bad_token"),
            "The provided grant has expired due to it being revoked, a fresh auth token is needed. The user might \
             have changed or reset their password.",
        ),
        50_057 => ("invalid_grant", None, "The user account is disabled."),
        _ => ("invalid_grant", None, "The sign-in is refused."),
    };
    Refused { suberror, ..refused(code, 400, error, says) }
}

pub(super) fn refusal_response(refusal: &Refused) -> Response {
    let (trace, correlation) = (uuid::Uuid::new_v4().to_string(), uuid::Uuid::new_v4().to_string());
    let timestamp = Utc::now().format("%Y-%m-%d %H:%M:%SZ").to_string();
    let description = refusal.description(&trace, &correlation, &timestamp);
    let mut body = json!({
        "error": refusal.error,
        "error_description": description,
        "error_codes": [refusal.code],
        "timestamp": timestamp,
        "trace_id": trace,
        "correlation_id": correlation,
        "error_uri": format!("https://login.microsoftonline.com/error?code={}", refusal.code),
    });
    if let Some(suberror) = refusal.suberror {
        body["suberror"] = suberror.into();
    }
    let status = StatusCode::from_u16(refusal.status).expect("a valid status");
    let mut response = json_response(status, "application/json; charset=utf-8", &body);
    let headers = response.headers_mut();
    headers.insert("x-ms-request-id", HeaderValue::from_str(&trace).expect("a GUID is a valid header"));
    headers.insert("x-ms-ests-server", HeaderValue::from_static("2.1.21200.8 - WEULR1 ProdSlices"));
    response
}

/// What Entra itself answers with a status that a fault asks for.
pub(in crate::microsoft) fn usual(status: StatusCode) -> Response {
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
