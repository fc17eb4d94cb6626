//! Access tokens: issued by Entra, accepted by Graph until they expire.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::Utc;
use serde_json::{Value, json};

use super::{MicrosoftOptions, TokenForm};

/// What an issued token allows.
#[derive(Clone, Debug)]
struct Issued {
    expires: Instant,
    roles: Vec<String>,
}

/// All tokens that were issued.
#[derive(Debug, Default)]
pub(super) struct Tokens {
    issued: Mutex<HashMap<String, Issued>>,
}

/// Why a token is not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    Missing,
    Unknown,
    Expired,
}

impl Tokens {
    /// A new token with the roles of this moment.
    pub(super) fn issue(&self, options: &MicrosoftOptions, audience: &str) -> String {
        self.issue_with(options, options.roles.clone(), || jwt(options, audience, application(options)))
    }

    /// A new token in the person's name, with these delegated permissions.
    pub(super) fn issue_for_person(
        &self,
        options: &MicrosoftOptions,
        audience: &str,
        permissions: &[String],
    ) -> String {
        self.issue_with(options, permissions.to_vec(), || {
            jwt(options, audience, person(options, permissions))
        })
    }

    fn issue_with(
        &self,
        options: &MicrosoftOptions,
        roles: Vec<String>,
        jwt: impl FnOnce() -> String,
    ) -> String {
        let token = match options.token_form {
            TokenForm::Opaque => format!("EwBw{}", URL_SAFE_NO_PAD.encode(uuid::Uuid::new_v4().as_bytes())),
            TokenForm::Jwt => jwt(),
        };
        let expires = Instant::now() + Duration::from_secs(options.token_seconds);
        let issued = Issued { expires, roles };
        self.issued().insert(token.clone(), issued);
        token
    }

    /// The roles of the token in an `Authorization` header.
    pub(super) fn roles(&self, authorization: Option<&str>) -> Result<Vec<String>, Refusal> {
        let token =
            authorization.and_then(|value| value.strip_prefix("Bearer ")).map(str::trim).unwrap_or_default();
        if token.is_empty() {
            return Err(Refusal::Missing);
        }
        match self.issued().get(token) {
            None => Err(Refusal::Unknown),
            Some(issued) if issued.expires <= Instant::now() => Err(Refusal::Expired),
            Some(issued) => Ok(issued.roles.clone()),
        }
    }

    /// Lets every token that was issued so far expire.
    pub(super) fn expire_all(&self) {
        let now = Instant::now();
        self.issued().values_mut().for_each(|issued| issued.expires = now);
    }

    fn issued(&self) -> std::sync::MutexGuard<'_, HashMap<String, Issued>> {
        self.issued.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A token in the shape of Graph's: claims of version 1, and a signature that nobody but Graph can check.
fn jwt(options: &MicrosoftOptions, audience: &str, of_subject: Value) -> String {
    let now = Utc::now().timestamp();
    let lifetime = i64::try_from(options.token_seconds).unwrap_or(i64::MAX);
    let issuer = format!("https://sts.windows.net/{}/", options.tenant);
    let mut claims = json!({
        "aud": audience, "iss": issuer, "iat": now, "nbf": now, "exp": now.saturating_add(lifetime),
        "app_displayname": "Device importer", "appid": options.client_id, "appidacr": "1", "idp": issuer,
        "tenant_region_scope": "EU", "tid": options.tenant,
        "uti": uuid::Uuid::new_v4().simple().to_string(), "ver": "1.0",
    });
    if let (Value::Object(claims), Value::Object(more)) = (&mut claims, of_subject) {
        claims.extend(more);
    }
    let header = json!({ "typ": "JWT", "nonce": uuid::Uuid::new_v4().simple().to_string(), "alg": "RS256", "kid": "simulated" });
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    format!("{}.{}.{}", part(&header), part(&claims), URL_SAFE_NO_PAD.encode([0x5A; 256]))
}

/// What a token says of the application.
fn application(options: &MicrosoftOptions) -> Value {
    let mut claims = json!({
        "idtyp": "app", "oid": "aaaaaaaa-0000-4000-8000-000000000001", "roles": options.roles,
        "sub": "aaaaaaaa-0000-4000-8000-000000000001",
    });
    // An application without a granted permission gets a token without the claim, not with an empty one.
    if options.roles.is_empty()
        && let Value::Object(claims) = &mut claims
    {
        claims.remove("roles");
    }
    claims
}

/// What a token says of a person.
fn person(options: &MicrosoftOptions, permissions: &[String]) -> Value {
    json!({
        "idtyp": "user", "oid": "87d349ed-44d7-43e1-9a83-5f2406dee5bd", "sub": "pairwise-sub",
        "name": "Adele Vance", "upn": options.person, "unique_name": options.person,
        "amr": ["pwd", "mfa"], "scp": permissions.join(" "), "wids": ["0997a1d0-0d1d-4acb-b408-d5ca73121e90"],
    })
}
