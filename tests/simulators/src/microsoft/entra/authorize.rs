//! The page where a person signs in and consents. The person answers at once, as the options say.

use axum::extract::{Path, RawQuery, State};
use axum::response::Response;
use chrono::Utc;
use http::header::LOCATION;
use http::{HeaderMap, HeaderValue, StatusCode};

use super::super::{PersonAnswer, Shared, SharedState, bytes_response};
use super::grants::{Code, permissions, scopes};
use super::refusal::{Refused, of_person, refused};
use super::{Form, check_client, check_tenant, host};

/// `GET /{tenant}/oauth2/v2.0/authorize`.
pub(in crate::microsoft) async fn authorize(
    State(shared): State<SharedState>,
    Path(tenant): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let form = Form::parse(query.unwrap_or_default().as_bytes());
    match page(&shared, &tenant, &headers, &form) {
        Ok(response) => response,
        // What is wrong with the application or the redirect address is shown to the person, not sent back.
        Err(refusal) => {
            let text = refusal.description("-", "-", "-");
            bytes_response(StatusCode::BAD_REQUEST, "text/html; charset=utf-8", text.into())
        }
    }
}

fn page(shared: &Shared, tenant: &str, headers: &HeaderMap, form: &Form) -> Result<Response, Refused> {
    let options = shared.options().clone();
    check_tenant(&options, tenant)?;
    check_client(&options, form.required("client_id")?)?;
    let redirect = form.required("redirect_uri")?;
    if !options.redirect_addresses.iter().any(|known| known == redirect) {
        let says = format!(
            "The redirect URI '{redirect}' specified in the request does not match the redirect URIs configured for \
             the application '{}'. Make sure the redirect URI sent in the request matches one added to your \
             application in the Azure portal.",
            options.client_id
        );
        return Err(refused(50_011, 400, "invalid_request", says));
    }
    if form.field("response_mode").is_some_and(|mode| mode != "query") {
        return Err(refused(90_013, 400, "invalid_request", "This page only answers in a query."));
    }
    let state = form.field("state");
    let answered = code(shared, headers, form, redirect, &options.person_answer);
    let answer: Vec<(&str, String)> = match answered {
        Ok(code) => vec![("code", code), ("session_state", uuid::Uuid::new_v4().to_string())],
        Err((error, refusal)) => {
            let timestamp = Utc::now().format("%Y-%m-%d %H:%M:%SZ").to_string();
            let id = uuid::Uuid::new_v4().to_string();
            let description = refusal.description(&id, &id, &timestamp);
            vec![("error", error.to_owned()), ("error_description", description)]
        }
    };
    let state = match &options.person_answer {
        PersonAnswer::AnotherState => Some("another"),
        _ => state,
    };
    let mut address = url::Url::parse(redirect)
        .map_err(|_| refused(50_011, 400, "invalid_request", "The redirect URI is no address."))?;
    address
        .query_pairs_mut()
        .extend_pairs(answer.iter().map(|(name, value)| (*name, value.as_str())))
        .extend_pairs(state.map(|state| ("state", state)));
    let mut response = bytes_response(StatusCode::FOUND, "text/html; charset=utf-8", bytes::Bytes::new());
    let location = HeaderValue::from_str(address.as_str()).expect("an address is a valid header");
    response.headers_mut().insert(LOCATION, location);
    Ok(response)
}

/// The code, or the word and the words of the error that is sent back.
fn code(
    shared: &Shared,
    headers: &HeaderMap,
    form: &Form,
    redirect: &str,
    person: &PersonAnswer,
) -> Result<String, (&'static str, Refused)> {
    let bad = |refusal: Refused| (refusal.error, refusal);
    if form.required("response_type").map_err(bad)? != "code" {
        let says = "The response_type is not supported for this application.";
        return Err(bad(refused(700_051, 400, "unsupported_response_type", says)));
    }
    let challenge = form.field("code_challenge");
    let well_formed = challenge.is_none_or(|text| {
        text.len() == 43 && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
    });
    if !well_formed || challenge.is_some() != (form.field("code_challenge_method") == Some("S256")) {
        return Err(bad(refused(90_013, 400, "invalid_request", "The code_challenge is malformed.")));
    }
    let root = shared.root(host(headers));
    let asked = scopes(shared, &root, form.required("scope").map_err(bad)?).map_err(bad)?;
    match person {
        PersonAnswer::Declines => {
            let says = "User declined to consent to access the app.";
            return Err(("access_denied", refused(65_004, 400, "access_denied", says)));
        }
        PersonAnswer::Refused(code) => return Err(("access_denied", of_person(*code))),
        PersonAnswer::Consents | PersonAnswer::AnotherState => {}
    }
    let granted = shared.options().delegated.clone();
    let (wanted, _) = permissions(&asked);
    if wanted.iter().any(|name| *name != ".default" && !granted.iter().any(|known| known == name)) {
        return Err(("access_denied", of_person(90_094)));
    }
    Ok(shared.grants.give(Code::new(redirect, challenge, asked)))
}
