//! Which permissions a token carries, read from it without checking its signature: for messages, never for trust.

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
}

/// The needed permissions that the token lacks; none when the token cannot be read.
pub(super) fn missing(token: &str, needed: &[&str]) -> Vec<String> {
    let Some(claims) = claims(token) else {
        tracing::debug!("the token cannot be read; its permissions are left to the service");
        return Vec::new();
    };
    let mut held = claims.roles.unwrap_or_default();
    held.extend(claims.scp.unwrap_or_default().split_whitespace().map(str::to_owned));
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
            assert_eq!(missing(&token(claims), &needed), expected, "{claims}");
        };
        check(r#"{"roles":["DeviceManagementManagedDevices.Read.All","User.Read.All"]}"#, &[]);
        check(r#"{"roles":["DeviceManagementManagedDevices.ReadWrite.All","Directory.Read.All"]}"#, &[]);
        check(r#"{"roles":["User.Read.All"]}"#, &[devices]);
        check(r#"{"aud":"x"}"#, &needed);
        check(r#"{"scp":"User.Read.All DeviceManagementManagedDevices.Read.All"}"#, &[]);
    }

    #[test]
    fn an_unreadable_token_blocks_nothing() {
        for text in ["", "opaque", "a.b.c", "a.!!.c"] {
            assert_eq!(missing(text, &["User.Read.All"]), Vec::<String>::new(), "{text}");
        }
    }
}
