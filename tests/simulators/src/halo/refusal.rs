//! Why a request was refused, and the answers that say so in the shapes that Halo has been seen to use.
//!
//! Knows no rules: those are where the refusals are made.

use axum::body::Body;
use http::header::{CONTENT_TYPE, HeaderName, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{Response, StatusCode};
use serde_json::{Map, Value, json};

use super::options::ErrorShape;

/// A refused request.
#[derive(Debug)]
pub(super) enum Refusal {
    /// 401 of the API: no token, or not a living one.
    Unauthorized,
    /// 403: the scopes or the agent's role do not reach so far.
    Forbidden(&'static str),
    /// 404: no such route, or no such entity.
    NotFound,
    /// 405.
    MethodNotAllowed,
    /// 413, 415 or whatever status a fault asked for, with a body of its own.
    Status(u16, String),
    /// 400 by the framework: the members could not be read as their types.
    Binding(Vec<(String, String)>),
    /// A refusal by Halo's rules: status, path of the member, message.
    Rule(u16, String, String),
    /// 400 or 401 of the sign-in server.
    SignIn(u16, &'static str, String),
    /// 429, with `Retry-After` if any.
    RateLimited(String, Option<String>),
}

impl Refusal {
    /// A 400 by Halo's rules about row `row`'s `member`.
    pub(super) fn rule(row: usize, member: &str, message: impl Into<String>) -> Self {
        Self::Rule(400, format!("[{row}].{member}"), message.into())
    }

    /// A 400 by the framework about one value.
    pub(super) fn binding(path: impl Into<String>, message: impl Into<String>) -> Self {
        Self::Binding(vec![(path.into(), message.into())])
    }

    pub(super) fn answer(self, shape: ErrorShape) -> Response<Body> {
        match self {
            Self::Unauthorized => {
                let mut answer = text(StatusCode::UNAUTHORIZED, String::new());
                answer
                    .headers_mut()
                    .insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer error=\"invalid_token\""));
                answer
            }
            Self::Forbidden(reason) => json_answer(
                StatusCode::FORBIDDEN,
                &json!({ "ClassName": "NHD_Exception", "Message": reason }),
            ),
            Self::NotFound => json_answer(
                StatusCode::NOT_FOUND,
                &json!({ "Message": "The requested resource could not be found." }),
            ),
            Self::MethodNotAllowed => text(StatusCode::METHOD_NOT_ALLOWED, String::new()),
            Self::Status(status, body) => {
                let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
                text(status, body)
            }
            Self::Binding(errors) => json_answer(StatusCode::BAD_REQUEST, &by_path(errors)),
            Self::Rule(status, path, message) => rule_answer(status, path, message, shape),
            Self::SignIn(status, error, description) => json_answer(
                StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_REQUEST),
                &json!({ "error": error, "error_description": description,
                         "error_uri": "https://documentation.openiddict.com/errors/ID2055" }),
            ),
            Self::RateLimited(message, retry_after) => {
                let mut answer = text(StatusCode::TOO_MANY_REQUESTS, message);
                if let Some(value) = retry_after.and_then(|value| HeaderValue::from_str(&value).ok()) {
                    answer.headers_mut().insert(RETRY_AFTER, value);
                }
                answer
            }
        }
    }
}

fn by_path(errors: Vec<(String, String)>) -> Value {
    let mut members = Map::new();
    for (path, message) in errors {
        let entry = members.entry(path).or_insert_with(|| json!([]));
        if let Value::Array(messages) = entry {
            messages.push(message.into());
        }
    }
    Value::Object(members)
}

fn rule_answer(status: u16, path: String, message: String, shape: ErrorShape) -> Response<Body> {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_REQUEST);
    match shape {
        ErrorShape::ModelBinding => json_answer(status, &by_path(vec![(path, message)])),
        ErrorShape::Exception => json_answer(
            status,
            &json!({ "ClassName": "System.Exception", "Message": message, "Data": null, "InnerException": null,
                     "HResult": -2_146_233_088_i64, "Source": "NetHelpDesk" }),
        ),
        ErrorShape::Message => json_answer(status, &json!({ "Message": message })),
        ErrorShape::Error => json_answer(status, &json!({ "error": message })),
        ErrorShape::ResultCode => {
            json_answer(status, &json!({ "resultCode": status.as_u16(), "errorMessage": message }))
        }
        ErrorShape::Text => text(status, message),
    }
}

/// A JSON answer.
pub(super) fn json_answer(status: StatusCode, body: &Value) -> Response<Body> {
    bytes_answer(status, body.to_string().into_bytes())
}

/// A JSON answer that is already written.
pub(super) fn bytes_answer(status: StatusCode, body: Vec<u8>) -> Response<Body> {
    typed(status, "application/json; charset=utf-8", body)
}

/// A text answer.
pub(super) fn text(status: StatusCode, body: String) -> Response<Body> {
    typed(status, "text/plain; charset=utf-8", body.into_bytes())
}

/// An answer with a content type.
pub(super) fn typed(status: StatusCode, content_type: &'static str, body: Vec<u8>) -> Response<Body> {
    const API_VERSION: HeaderName = HeaderName::from_static("api-supported-versions");
    let mut answer = Response::new(Body::from(body));
    *answer.status_mut() = status;
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    answer.headers_mut().insert(API_VERSION, HeaderValue::from_static("2.0"));
    answer
}
