//! Error bodies of Graph in their two shapes: the directory's plain one, and Intune's, which wraps JSON in a text.

use chrono::Utc;
use http::StatusCode;
use serde_json::{Value, json};

/// The content type of everything that Graph's services answer.
pub(super) const JSON: &str =
    "application/json;odata.metadata=minimal;odata.streaming=true;IEEE754Compatible=false;charset=utf-8";

/// Which service stands behind a path. They answer errors differently.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Service {
    Intune,
    Directory,
}

/// The identifiers that every answer repeats.
#[derive(Clone, Debug)]
pub(super) struct RequestIds {
    pub(super) request: String,
    pub(super) client: String,
}

impl RequestIds {
    pub(super) fn new(client: Option<&str>) -> Self {
        let request = uuid::Uuid::new_v4().to_string();
        Self { client: client.unwrap_or(&request).to_owned(), request }
    }
}

/// The body that all of Graph shares.
pub(super) fn body(code: &str, message: &str, ids: &RequestIds) -> Value {
    json!({ "error": { "code": code, "message": message, "innerError": {
        "date": Utc::now().format("%Y-%m-%dT%H:%M:%S").to_string(),
        "request-id": ids.request,
        "client-request-id": ids.client,
    } } })
}

/// Intune's message: JSON inside the text, with identifiers and an inner address behind what it says.
pub(super) fn intune_message(says: &str, path: &str, ids: &RequestIds) -> String {
    let says = format!(
        "{says} - Operation ID (for customer support): 00000000-0000-0000-0000-000000000000 - Activity ID: {} - Url: \
         https://fef.example.manage.microsoft.com/DeviceFE/StatelessDeviceFEService{path}?api-version=2025-01-01",
        ids.request
    );
    let text = serde_json::to_string(&says).expect("a text is JSON");
    format!(
        "{{\r\n  \"_version\": 3,\r\n  \"Message\": {text},\r\n  \"CustomApiErrorPhrase\": \"\",\r\n  \"RetryAfter\": \
         null,\r\n  \"ErrorSourceService\": \"\",\r\n  \"HttpHeaders\": \"{{}}\"\r\n}}"
    )
}

/// The body of a service that answers this status without a particular reason.
pub(super) fn usual(service: Service, status: StatusCode, path: &str, ids: &RequestIds) -> Value {
    let wrapped = || intune_message("An error has occurred", path, ids);
    match (service, status.as_u16()) {
        (_, 401) => {
            body("InvalidAuthenticationToken", "Lifetime validation failed, the token is expired.", ids)
        }
        (Service::Intune, 403) => body("Forbidden", &wrapped(), ids),
        (Service::Directory, 403) => {
            body("Authorization_RequestDenied", "Insufficient privileges to complete the operation.", ids)
        }
        (Service::Intune, 404) => body("ResourceNotFound", &wrapped(), ids),
        (Service::Directory, 404) => body("Request_ResourceNotFound", "Resource does not exist.", ids),
        (Service::Intune, 429) => {
            let mut answer = body("TooManyRequests", "An error has occurred.", ids);
            answer["error"]["details"] = json!([]);
            answer
        }
        (Service::Directory, 429) => body("TooManyRequests", "Please retry again later.", ids),
        (Service::Intune, 503) => {
            let message = "{\"ErrorCode\": \"CancelledOnServiceTimeout\", \"Message\": \"The operation was cancelled \
                           on service timeout.\", \"Target\": null, \"Details\": null}";
            body("ServiceUnavailable", message, ids)
        }
        (Service::Directory, 503) => body("serviceNotAvailable", "The service is unavailable.", ids),
        (_, 504) => body("UnknownError", &wrapped(), ids),
        (Service::Intune, 400) => body("BadRequest", &wrapped(), ids),
        (Service::Directory, 400) => body("Request_BadRequest", "The request is not valid.", ids),
        (Service::Intune, _) => body("InternalServerError", &wrapped(), ids),
        (Service::Directory, _) => body("UnknownError", "", ids),
    }
}
