//! Halo's error bodies as one line, with the row of a sent array that they blame.

use crate::http::{Explained, Refusal, RefusalOf, html_summary, one_line};
use serde_json::{Map, Value};

/// The way out when Halo refuses access.
const PERMISSION_HINT: &str = "let both the API application in Halo (scope all) and the agent it signs in as read \
    and edit assets, and read customers, users and asset types";

/// What an answer that says no means. Halo has five forms of JSON for it, and plain text and HTML beside.
pub(super) fn explain(status: u16, text: &str) -> Explained {
    Explained { hint: Some(PERMISSION_HINT), ..words_and_row(status, text) }
}

fn words_and_row(status: u16, text: &str) -> Explained {
    let text = text.trim_start_matches('\u{feff}');
    let explained = match serde_json::from_str::<Value>(text) {
        Ok(Value::Object(object)) => of_object(&object),
        Ok(Value::String(words)) => Explained { message: one_line(&words), row: None, hint: None },
        Ok(_) => Explained { message: one_line(text), row: None, hint: None },
        Err(_) => {
            let message = html_summary(text).unwrap_or_else(|| one_line(text));
            Explained { message, row: None, hint: None }
        }
    };
    if explained.message.is_empty() {
        return Explained { message: format!("status {status}, and nothing else"), row: None, hint: None };
    }
    explained
}

fn of_object(object: &Map<String, Value>) -> Explained {
    if let Some(errors) = object.get("errors").and_then(Value::as_object).filter(|errors| !errors.is_empty())
    {
        return of_members(errors);
    }
    if object.keys().any(|key| row_of(key).is_some()) || object.values().all(is_list_of_text) {
        return of_members(object);
    }
    let named = [
        "Message",
        "message",
        "error_description",
        "error",
        "errorMessage",
        "ErrorMessage",
        "detail",
        "title",
    ];
    let words = named.into_iter().find_map(|name| words(object.get(name)?));
    let message = match words {
        Some(words) => words,
        None => Value::Object(object.clone()).to_string(),
    };
    Explained { message: one_line(&message), row: row_in(&message), hint: None }
}

/// Model binding: paths into what was sent, each with its complaints.
fn of_members(members: &Map<String, Value>) -> Explained {
    let mut parts = Vec::new();
    let mut row = None;
    for (path, complaints) in members {
        row = row.or_else(|| row_of(path));
        let words = words(complaints).unwrap_or_default();
        // The place in the text of the request says nothing to people.
        let words = words.split(" Path '").next().unwrap_or_default().trim().to_owned();
        parts.push(if path.is_empty() { words } else { format!("{path}: {words}") });
    }
    Explained { message: one_line(&parts.join("; ")), row, hint: None }
}

fn is_list_of_text(value: &Value) -> bool {
    value.as_array().is_some_and(|list| !list.is_empty() && list.iter().all(Value::is_string))
}

fn words(value: &Value) -> Option<String> {
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Array(list) => list.iter().filter_map(words).collect::<Vec<_>>().join(", "),
        Value::Object(object) => {
            ["Message", "message", "code"].into_iter().find_map(|name| words(object.get(name)?))?
        }
        _ => return None,
    };
    if text.trim().is_empty() { None } else { Some(text) }
}

/// `[3].site_id` → 3, also behind `$` or a parameter's name.
fn row_of(path: &str) -> Option<usize> {
    let start = path.find('[')?;
    if path
        .get(..start)?
        .chars()
        .any(|letter| !letter.is_ascii_alphanumeric() && letter != '$' && letter != '_')
    {
        return None;
    }
    let rest = path.get(start + 1..)?;
    rest.get(..rest.find(']')?)?.parse().ok()
}

/// The same from the middle of a sentence: `… Path '[3].site_id', line 1 …`.
fn row_in(message: &str) -> Option<usize> {
    row_of(message.split("Path '").nth(1)?)
}

/// What a refused sign-in means.
pub(super) fn explain_refusal(status: u16, text: &str) -> Refusal {
    let body: Option<Value> = serde_json::from_str(text).ok();
    let member = |name: &str| Some(body.as_ref()?.get(name)?.as_str()?.to_owned());
    let code = member("error");
    let message = match member("error_description") {
        Some(words) => one_line(&words),
        None => explain(status, text).message,
    };
    let hint = match code.as_deref() {
        Some("invalid_scope") => "let the API application in Halo have the permission \"all\"",
        _ => "check halo.client_id and its secret; hosted Halo may want halo.tenant too",
    };
    Refusal { code, message, hint: Some(hint.to_owned()), of: RefusalOf::Application }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_known_body_becomes_one_line() {
        let check = |body: &str, message: &str, row: Option<usize>| {
            let expected = Explained { message: message.to_owned(), row, hint: None };
            assert_eq!(words_and_row(400, body), expected, "{body}");
        };
        check(
            r#"{"[2].site_id":["Could not convert string to integer: x. Path '[2].site_id', line 1, position 139."]}"#,
            "[2].site_id: Could not convert string to integer: x.",
            Some(2),
        );
        check(
            r#"{"type":"t","title":"One or more validation errors occurred.","errors":{"$[1].fields":["bad"]}}"#,
            "$[1].fields: bad",
            Some(1),
        );
        check(
            r#"{"":["A non-empty request body is required."]}"#,
            "A non-empty request body is required.",
            None,
        );
        check(
            r#"{"ClassName":"System.Exception","Message":"No such site.\r\nStop"}"#,
            "No such site. Stop",
            None,
        );
        check(r#"{"Message":"no"}"#, "no", None);
        check(r#"{"error":"not allowed"}"#, "not allowed", None);
        check(r#"{"error":{"code":"x","message":"deep"}}"#, "deep", None);
        check(r#"{"resultCode":5,"errorMessage":"five"}"#, "five", None);
        check(
            r#"{"Message":"Error converting value. Path '[4].id', line 1."}"#,
            "Error converting value. Path '[4].id', line 1.",
            Some(4),
        );
        check(r#""just text""#, "just text", None);
        check("Rate Limit Reached", "Rate Limit Reached", None);
        check("<html><title>502 Bad Gateway</title></html>", "an HTML page, \"502 Bad Gateway\"", None);
        check("", "status 400, and nothing else", None);
        check(r#"{"odd":1}"#, r#"{"odd":1}"#, None);
    }

    #[test]
    fn a_refused_sign_in_tells_the_way_out() {
        let refusal = explain_refusal(
            401,
            r#"{"error":"invalid_client","error_description":"The specified client credentials are invalid."}"#,
        );
        assert_eq!(refusal.code.as_deref(), Some("invalid_client"));
        assert_eq!(refusal.message, "The specified client credentials are invalid.");
        assert!(refusal.hint.is_some_and(|hint| hint.contains("halo.client_id")));
    }
}
