//! Graph's error bodies as one readable line, Intune's wrapping unpacked.

use crate::http::{Explained, html_summary, one_line};
use serde_json::Value;

/// The way out when Graph refuses access.
pub(super) const PERMISSION_HINT: &str = "in the app registration, add Microsoft Graph's application permission \
    DeviceManagementManagedDevices.Read.All (and User.Read.All where user details are read), let an administrator \
    consent, and check that the tenant has an Intune licence";

/// What an answer that says no means.
pub(super) fn explain(status: u16, text: &str) -> Explained {
    Explained { message: message(status, text), row: None, hint: Some(PERMISSION_HINT) }
}

/// The same for a body that is parsed already: a part of a batch.
pub(super) fn explain_value(status: u16, body: &Value) -> String {
    let Some(error) = body.get("error").filter(|error| error.is_object()) else {
        return plain(status, &body.to_string());
    };
    let code = error.get("code").and_then(Value::as_str).unwrap_or_default();
    let own = error.get("message").and_then(Value::as_str).unwrap_or_default();
    let words = unwrapped(own, 2);
    match (code.is_empty() || words.starts_with(code), words.is_empty()) {
        (true, true) => format!("status {status}, and nothing else"),
        (true, false) => words,
        (false, true) => code.to_owned(),
        (false, false) => format!("{code}: {words}"),
    }
}

fn message(status: u16, text: &str) -> String {
    match serde_json::from_str::<Value>(text) {
        Ok(body) => explain_value(status, &body),
        Err(_) => plain(status, text),
    }
}

fn plain(status: u16, text: &str) -> String {
    let words = html_summary(text).unwrap_or_else(|| one_line(text));
    if words.is_empty() || words == "null" { format!("status {status}, and nothing else") } else { words }
}

/// Intune puts a JSON document into the message, sometimes one more into that; the words stand at the bottom, with
/// ids behind them.
fn unwrapped(message: &str, depth: u8) -> String {
    if depth > 0
        && let Ok(Value::Object(inner)) = serde_json::from_str::<Value>(message)
        && let Some(Value::String(words)) = inner.get("Message").or_else(|| inner.get("message"))
    {
        return unwrapped(words, depth - 1);
    }
    let words = match message.find(" - Operation ID") {
        Some(end) => message.get(..end).unwrap_or(message),
        None => message,
    };
    let activity = message.find("Activity ID: ").and_then(|start| {
        let rest = message.get(start + "Activity ID: ".len()..)?;
        let end =
            rest.find(|letter: char| !letter.is_ascii_hexdigit() && letter != '-').unwrap_or(rest.len());
        rest.get(..end).map(|id| id.trim_end_matches('-')).filter(|id| !id.is_empty())
    });
    let words = one_line(words.trim_end_matches(". "));
    match activity {
        Some(id) => format!("{words} (activity {id})"),
        None => words,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn check(body: &str, expected: &str) {
        assert_eq!(message(400, body), expected, "{body}");
    }

    #[test]
    fn intunes_wrapping_is_unpacked() {
        let words = "No OData route exists. - Operation ID (for customer support): 0000 - Activity ID: 94fb3b52-0000-4535-a601-69e0a90e3aa2 - Url: https://x";
        let once = json!({"_version": 3, "Message": words, "CustomApiErrorPhrase": ""}).to_string();
        let twice = json!({"ErrorCode": "Forbidden", "Message": once, "Target": null}).to_string();
        let expected = "No OData route exists. (activity 94fb3b52-0000-4535-a601-69e0a90e3aa2)";
        check(
            &json!({"error": {"code": "BadRequest", "message": once}}).to_string(),
            &format!("BadRequest: {expected}"),
        );
        check(
            &json!({"error": {"code": "Forbidden", "message": twice}}).to_string(),
            &format!("Forbidden: {expected}"),
        );
    }

    #[test]
    fn every_other_form_gives_one_line_too() {
        check(
            r#"{"error":{"code":"Request_ResourceNotFound","message":"not\r\nhere"}}"#,
            "Request_ResourceNotFound: not here",
        );
        check(r#"{"error":{"code":"UnknownError","message":""}}"#, "UnknownError");
        check(r#"{"error":{"code":"","message":""}}"#, "status 400, and nothing else");
        check(r#"{"Message":"x"}"#, r#"{"Message":"x"}"#);
        check("", "status 400, and nothing else");
        check("<html><head><title>403 Forbidden</title></head></html>", "an HTML page, \"403 Forbidden\"");
        check("upstream gone", "upstream gone");
    }
}
