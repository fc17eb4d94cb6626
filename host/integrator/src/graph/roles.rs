//! Which permissions a token carries, read from it without checking its signature: for messages, never for trust.

use super::permission::PermissionKind;
use crate::http::one_line;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;

#[derive(Deserialize)]
struct Claims {
    /// Application permissions.
    roles: Option<Vec<String>>,
    /// Delegated permissions, separated by spaces.
    scp: Option<String>,
    /// The directory that issued it.
    tid: Option<String>,
    /// The same in the words of RFC 9068, which other services use.
    scope: Option<String>,
    /// The person, in the forms that tokens of either version have.
    upn: Option<String>,
    preferred_username: Option<String>,
    unique_name: Option<String>,
    name: Option<String>,
}

/// The person that a token speaks for, as it names them; `None` when it does not, or cannot be read.
pub(super) fn account(token: &str) -> Option<String> {
    let claims = claims(token)?;
    let names = [claims.upn, claims.preferred_username, claims.unique_name, claims.name];
    names.into_iter().flatten().map(|name| one_line(&name)).find(|name| !name.is_empty())
}

/// The needed permissions that the token lacks; none when the token cannot be read, or is a person's and does not say
/// what it allows.
pub(super) fn missing(token: &str, needed: &[&str], kind: PermissionKind) -> Vec<String> {
    let Some(claims) = claims(token) else {
        tracing::debug!("the token cannot be read; its permissions are left to the service");
        return Vec::new();
    };
    let says_nothing = claims.roles.is_none() && claims.scp.is_none() && claims.scope.is_none();
    if says_nothing && kind == PermissionKind::Delegated {
        tracing::debug!("the person's token names no permissions; they are left to the service");
        return Vec::new();
    }
    let mut held = claims.roles.unwrap_or_default();
    for list in [claims.scp, claims.scope].into_iter().flatten() {
        // Other services name them with the address of what they are for.
        held.extend(list.split_whitespace().map(|name| name.rsplit('/').next().unwrap_or(name).to_owned()));
    }
    let has = |name: &str| held.iter().any(|role| role.eq_ignore_ascii_case(name));
    needed
        .iter()
        .filter(|name| !has(name) && !stronger(name).iter().any(|other| has(other)))
        .map(|name| (*name).to_owned())
        .collect()
}

/// The directory id that a token names; `None` when it cannot be read.
pub(super) fn directory(token: &str) -> Option<String> {
    claims(token)?.tid.filter(|id| uuid::Uuid::try_parse(id).is_ok())
}

fn claims(token: &str) -> Option<Claims> {
    let payload = token.split('.').nth(1)?;
    let bytes = URL_SAFE_NO_PAD.decode(payload.trim_end_matches('=')).ok()?;
    serde_json::from_slice(&bytes).ok()
}

/// Permissions that include the named one.
fn stronger(name: &str) -> Vec<String> {
    let mut others = Vec::new();
    if let Some(stem) = name.strip_suffix(".Read.All") {
        others.push(format!("{stem}.ReadWrite.All"));
        if matches!(stem, "User" | "Organization" | "Device") {
            others.push("Directory.Read.All".to_owned());
            others.push("Directory.ReadWrite.All".to_owned());
        }
    }
    others
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(claims: &str) -> String {
        format!("e30.{}.signature", URL_SAFE_NO_PAD.encode(claims))
    }

    #[test]
    fn missing_permissions_are_named() {
        let devices = "DeviceManagementManagedDevices.Read.All";
        let needed = [devices, "User.Read.All"];
        let check = |claims: &str, expected: &[&str]| {
            let found = missing(&token(claims), &needed, PermissionKind::Application);
            assert_eq!(found, expected, "{claims}");
        };
        check(r#"{"roles":["DeviceManagementManagedDevices.Read.All","User.Read.All"]}"#, &[]);
        check(r#"{"roles":["DeviceManagementManagedDevices.ReadWrite.All","Directory.Read.All"]}"#, &[]);
        check(r#"{"roles":["User.Read.All"]}"#, &[devices]);
        check(r#"{"aud":"x"}"#, &needed);
        check(r#"{"scp":"User.Read.All DeviceManagementManagedDevices.Read.All"}"#, &[]);
    }

    #[test]
    fn a_persons_token_tells_by_its_scopes_or_not_at_all() {
        let check = |claims: &str, expected: &[&str]| {
            let found = missing(&token(claims), &["User.Read.All"], PermissionKind::Delegated);
            assert_eq!(found, expected, "{claims}");
        };
        check(r#"{"scp":"openid User.Read.All"}"#, &[]);
        check(r#"{"scp":"openid"}"#, &["User.Read.All"]);
        check(r#"{"scope":"https://graph.example.com/User.Read.All"}"#, &[]);
        check(r#"{"aud":"x"}"#, &[]);
    }

    #[test]
    fn a_person_is_named_as_the_token_names_them() {
        let check = |claims: &str, expected: Option<&str>| {
            assert_eq!(account(&token(claims)).as_deref(), expected, "{claims}");
        };
        check(r#"{"upn":"a@example.com","name":"Adele"}"#, Some("a@example.com"));
        check(r#"{"upn":" ","unique_name":"b@example.com"}"#, Some("b@example.com"));
        check(r#"{"sub":"x"}"#, None);
    }

    #[test]
    fn an_unreadable_token_blocks_nothing() {
        for text in ["", "opaque", "a.b.c", "a.!!.c"] {
            let found = missing(text, &["User.Read.All"], PermissionKind::Application);
            assert_eq!(found, Vec::<String>::new(), "{text}");
        }
    }
}
