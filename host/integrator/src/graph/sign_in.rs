//! What Entra's refusals mean, by their AADSTS numbers: texts change, numbers do not.

use crate::http::{Refusal, html_summary, one_line};
use serde::Deserialize;

#[derive(Deserialize)]
struct Body {
    error: Option<String>,
    error_description: Option<String>,
    error_codes: Option<Vec<u64>>,
    suberror: Option<String>,
}

/// Meaning and way out of the numbers that a sign-in with a client secret can meet.
const KNOWN: &[(u64, &str, &str)] = &[
    (
        7_000_215,
        "the client secret is wrong",
        "store the secret's value, not its id; it is shown once, when it is made in the app registration",
    ),
    (
        7_000_222,
        "the client secret has expired",
        "make a new client secret in the app registration and store its value",
    ),
    (7_000_218, "Entra got no client secret", "check where microsoft.credential takes the secret from"),
    (
        700_025,
        "the application is a public client and must not send a secret",
        "use a confidential (web) app registration",
    ),
    (70_002, "the client id and secret do not fit together", "check microsoft.client_id and its secret"),
    (
        700_016,
        "the application is not known in this tenant",
        "check microsoft.client_id and microsoft.tenant, and that an administrator has consented there",
    ),
    (
        90_002,
        "the tenant is not known",
        "check microsoft.tenant, and that microsoft.cloud is the tenant's cloud",
    ),
    (900_023, "the tenant is neither a directory id nor a domain", "check microsoft.tenant"),
    (90_013, "Entra cannot read a part of the request", "check microsoft.tenant and microsoft.client_id"),
    (90_038, "the tenant belongs to another cloud", "set microsoft.cloud to the tenant's cloud"),
    (
        50_194,
        "the application belongs to one tenant, but no tenant was named",
        "set microsoft.tenant to the directory id",
    ),
    (
        7_000_112,
        "the application is disabled in this tenant",
        "enable it in Entra under Enterprise applications, Properties",
    ),
    (
        70_001,
        "the application is disabled or unknown",
        "check microsoft.client_id, and that the application is enabled in Entra",
    ),
    (
        500_011,
        "the tenant does not know the Graph address",
        "check that microsoft.cloud is the tenant's cloud",
    ),
    (70_011, "the scope is not accepted", "check that microsoft.cloud is the tenant's cloud"),
    (1_002_012, "the scope is not accepted", "check that microsoft.cloud is the tenant's cloud"),
    (
        65_001,
        "nobody has consented to the application's permissions",
        "let an administrator grant consent in the app registration under API permissions",
    ),
    (
        90_094,
        "an administrator has to consent",
        "let an administrator grant consent in the app registration under API permissions",
    ),
    (
        650_056,
        "the application has no permissions",
        "add the application permissions of Microsoft Graph, and grant consent",
    ),
    (650_052, "the tenant has no subscription for the service", "check the tenant's Intune licences"),
    (53_003, "Conditional Access blocks the application", "let an administrator except it from the policy"),
    (530_032, "a security policy of the tenant blocks it", "let an administrator except it from the policy"),
    (50_196, "Entra sees too many equal requests in a loop", "wait an hour before the next try"),
    (90_055, "Entra is overloaded by requests of this tenant", "try again later"),
];

/// What a refused token request means.
pub(super) fn explain_refusal(status: u16, text: &str) -> Refusal {
    let Ok(body) = serde_json::from_str::<Body>(text) else {
        let message = html_summary(text).unwrap_or_else(|| one_line(text));
        let message = if message.is_empty() { format!("status {status}, and nothing else") } else { message };
        return Refusal { code: None, message, hint: Some(address_hint()) };
    };
    let description = body.error_description.unwrap_or_default();
    let number =
        body.error_codes.and_then(|codes| codes.first().copied()).or_else(|| number_in(&description));
    let Some(number) = number else {
        let code = body.error.clone();
        let message = match (description.is_empty(), body.error) {
            (false, _) => one_line(&without_trace(&description)),
            (true, Some(error)) => error,
            (true, None) => format!("status {status}, and nothing else"),
        };
        return Refusal { code, message, hint: Some(address_hint()) };
    };
    let code = Some(format!("AADSTS{number}"));
    if let Some((_, meaning, hint)) = KNOWN.iter().find(|(known, _, _)| *known == number) {
        let message = format!("{meaning} (AADSTS{number})");
        return Refusal { code, message, hint: Some((*hint).to_owned()) };
    }
    let own = one_line(&without_trace(&description));
    let message = if own.is_empty() { format!("AADSTS{number}") } else { own };
    let hint = match body.suberror.as_deref() {
        Some("consent_required") => "let an administrator grant consent in the app registration".to_owned(),
        _ => format!("https://login.microsoftonline.com/error?code={number} says more"),
    };
    Refusal { code, message, hint: Some(hint) }
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
