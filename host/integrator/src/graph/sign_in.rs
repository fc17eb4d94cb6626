//! What Entra's refusals mean, by their AADSTS numbers: texts change, numbers do not.

mod known;

use crate::http::{Refusal, RefusalOf, html_summary, one_line};
use known::{KNOWN, Known};
use serde::Deserialize;

#[derive(Deserialize)]
struct Body {
    error: Option<String>,
    error_description: Option<String>,
    error_codes: Option<Vec<u64>>,
    suberror: Option<String>,
}

/// What a refused token request means.
pub(super) fn explain_refusal(status: u16, text: &str) -> Refusal {
    let Ok(body) = serde_json::from_str::<Body>(text) else {
        let message = html_summary(text).unwrap_or_else(|| one_line(text));
        let message = if message.is_empty() { format!("status {status}, and nothing else") } else { message };
        let of = RefusalOf::Application;
        return Refusal { code: None, message, hint: Some(address_hint()), of };
    };
    let error = body.error.unwrap_or_default();
    let description = body.error_description.unwrap_or_default();
    let codes = body.error_codes.unwrap_or_default();
    // Several numbers may stand beside each other; one that is known says most.
    let number = codes
        .iter()
        .find(|number| known(**number).is_some())
        .or(codes.first())
        .copied()
        .or_else(|| number_in(&description));
    let Some(number) = number else {
        let message = match (description.is_empty(), error.is_empty()) {
            (false, _) => one_line(&without_trace(&description)),
            (true, false) => one_line(&error),
            (true, true) => format!("status {status}, and nothing else"),
        };
        let of = of_error(&error, body.suberror.as_deref());
        let hint = (of == RefusalOf::Application).then(address_hint);
        return Refusal { code: Some(error).filter(|error| !error.is_empty()), message, hint, of };
    };
    let code = Some(format!("AADSTS{number}"));
    if let Some(known) = known(number) {
        let message = format!("{} (AADSTS{number})", known.meaning);
        let hint = Some(known.hint.to_owned()).filter(|hint| !hint.is_empty());
        return Refusal { code, message, hint, of: known.of };
    }
    let own = one_line(&without_trace(&description));
    let message = if own.is_empty() { format!("AADSTS{number}") } else { own };
    let hint = match body.suberror.as_deref() {
        Some("consent_required") => "let an administrator grant consent in the app registration".to_owned(),
        _ => format!("https://login.microsoftonline.com/error?code={number} says more"),
    };
    Refusal { code, message, hint: Some(hint), of: of_error(&error, body.suberror.as_deref()) }
}

/// What an answer of the sign-in page means, and the way out.
pub(super) fn explain_authorization(error: &str, description: &str) -> (String, String) {
    let again = "sign in once more with `halo-integrator authorize`";
    if let Some((number, known)) = number_in(description).and_then(|number| Some((number, known(number)?))) {
        let hint = if known.hint.is_empty() { again } else { known.hint };
        return (format!("the sign-in was refused: {} (AADSTS{number})", known.meaning), hint.to_owned());
    }
    let words = one_line(&without_trace(description));
    let message = match (error, words.is_empty()) {
        ("access_denied", true) => "the person declined, or may not consent (access_denied)".to_owned(),
        (_, true) => format!("the sign-in was refused: {}", one_line(error)),
        (_, false) => format!("the sign-in was refused: {words} ({})", one_line(error)),
    };
    (message, again.to_owned())
}

fn known(number: u64) -> Option<&'static Known> {
    KNOWN.iter().find(|known| known.number == number)
}

/// What a refusal is about whose number is not known, by the protocol's own words.
fn of_error(error: &str, suberror: Option<&str>) -> RefusalOf {
    match (error, suberror) {
        (_, Some("consent_required" | "basic_action" | "bad_token" | "token_expired")) => RefusalOf::Person,
        ("invalid_grant" | "interaction_required" | "login_required" | "consent_required", _) => {
            RefusalOf::Person
        }
        ("temporarily_unavailable" | "server_error", _) => RefusalOf::Moment,
        _ => RefusalOf::Application,
    }
}

fn address_hint() -> String {
    "check microsoft.cloud and microsoft.tenant".to_owned()
}

fn number_in(description: &str) -> Option<u64> {
    let digits = description.trim_start().strip_prefix("AADSTS")?;
    let end = digits.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(digits.len());
    digits.get(..end)?.parse().ok()
}

/// The description without its trace ids and time, which are for logs.
fn without_trace(description: &str) -> String {
    let end = description.find("Trace ID:").unwrap_or(description.len());
    description.get(..end).unwrap_or(description).trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_known_number_gives_its_meaning_and_the_way_out() {
        let check = |text: &str, code: &str, message: &str| {
            let refusal = explain_refusal(401, text);
            assert_eq!(refusal.code.as_deref(), Some(code));
            assert_eq!(refusal.message, message);
            assert!(refusal.hint.is_some());
        };
        check(
            r#"{"error":"invalid_client","error_description":"AADSTS7000215: Invalid. Trace ID: 2c Timestamp: 2026","error_codes":[7000215]}"#,
            "AADSTS7000215",
            "the client secret is wrong (AADSTS7000215)",
        );
        check(
            r#"{"error":"invalid_client","error_description":"AADSTS7000222: expired"}"#,
            "AADSTS7000222",
            "the client secret has expired (AADSTS7000222)",
        );
        check(
            r#"{"error":"invalid_request","error_description":"AADSTS99: New words. Trace ID: 1","error_codes":[99]}"#,
            "AADSTS99",
            "AADSTS99: New words.",
        );
        check(r#"{"error":"invalid_request"}"#, "invalid_request", "invalid_request");
    }

    /// The numbers of Microsoft's reference that a sign-in of ours can meet, by what they ask for.
    #[test]
    fn every_number_of_the_reference_is_known_for_what_it_is_about() {
        let check = |of: RefusalOf, numbers: &[u64]| {
            for number in numbers {
                let known = known(*number).unwrap_or_else(|| panic!("{number} is not known"));
                assert_eq!(known.of, of, "{number}");
                assert!(!known.meaning.is_empty(), "{number}");
            }
        };
        check(
            RefusalOf::Application,
            &[
                7_000_215, 7_000_222, 7_000_218, 700_025, 700_027, 70_002, 50_012, 700_024, 700_021, 700_016,
                90_002, 900_023, 90_013, 90_014, 900_144, 9_002_313, 90_038, 50_194, 7_000_112, 70_001,
                500_011, 70_011, 1_002_012, 650_056, 650_052, 54_005, 700_005, 501_481, 50_011, 50_196,
            ],
        );
        check(
            RefusalOf::Person,
            &[
                65_001, 90_094, 90_093, 65_004, 50_105, 50_076, 50_079, 50_074, 50_078, 53_003, 53_000,
                530_032, 50_131, 50_158, 70_008, 700_082, 700_084, 70_043, 50_173, 50_089, 70_000, 50_013,
                50_020, 50_034, 50_053, 50_055, 50_057, 50_126, 90_072,
            ],
        );
        check(RefusalOf::Moment, &[90_033, 90_024, 90_006, 50_033, 50_087, 90_055]);
        let mut numbers: Vec<u64> = KNOWN.iter().map(|known| known.number).collect();
        numbers.sort_unstable();
        numbers.dedup();
        assert_eq!(numbers.len(), KNOWN.len(), "a number stands twice");
    }

    #[test]
    fn what_is_not_known_is_told_by_the_words_of_the_protocol() {
        let check = |text: &str, of: RefusalOf| assert_eq!(explain_refusal(400, text).of, of, "{text}");
        check(r#"{"error":"invalid_grant"}"#, RefusalOf::Person);
        check(r#"{"error":"invalid_grant","error_codes":[424242]}"#, RefusalOf::Person);
        check(r#"{"error":"interaction_required","error_codes":[1]}"#, RefusalOf::Person);
        check(r#"{"error":"invalid_request","suberror":"consent_required"}"#, RefusalOf::Person);
        check(r#"{"error":"temporarily_unavailable"}"#, RefusalOf::Moment);
        check(r#"{"error":"invalid_client"}"#, RefusalOf::Application);
        check(r#"{"error":"invalid_grant","error_codes":[1,50196]}"#, RefusalOf::Application);
        check("<html></html>", RefusalOf::Application);
    }

    #[test]
    fn an_answer_of_the_sign_in_page_is_explained() {
        let check = |error: &str, description: &str, expected: &str| {
            assert_eq!(explain_authorization(error, description).0, expected);
        };
        check(
            "access_denied",
            "AADSTS65004: User declined. Trace ID: 1",
            "the sign-in was refused: the person declined to consent (AADSTS65004)",
        );
        check("access_denied", "", "the person declined, or may not consent (access_denied)");
        check("server_error", "Boom. Trace ID: 1", "the sign-in was refused: Boom. (server_error)");
        check("server_error", "", "the sign-in was refused: server_error");
    }

    #[test]
    fn what_is_no_json_is_told_too() {
        let check = |text: &str, message: &str| {
            let refusal = explain_refusal(502, text);
            assert_eq!(refusal.message, message);
            assert_eq!(refusal.code, None);
        };
        check("<html><title>Bad Gateway</title></html>", "an HTML page, \"Bad Gateway\"");
        check("", "status 502, and nothing else");
    }
}
