//! Statements that an application signs with its certificate: checked as Entra checks them.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::Utc;
use ring::digest::{SHA256, digest};
use ring::signature::{RSA_PSS_2048_8192_SHA256, UnparsedPublicKey};
use serde_json::Value;
use x509_parser::prelude::{FromDer, X509Certificate};

use super::super::{MicrosoftOptions, Shared};
use super::refusal::{Refused, refused};

/// The only form of statement.
const KIND: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
/// How much clocks may differ, in seconds.
const SKEW: i64 = 300;

pub(super) fn check(
    shared: &Shared,
    options: &MicrosoftOptions,
    kind: &str,
    assertion: &str,
    audience: &str,
) -> Result<(), Refused> {
    let wrong =
        |says: &str| refused(50_012, 401, "invalid_client", format!("Client assertion failed. {says}"));
    if kind != KIND {
        return Err(wrong("The type of the assertion is unknown."));
    }
    let parts: Vec<&str> = assertion.split('.').collect();
    let [header, claims, signature] = parts.as_slice() else { return Err(wrong("It is no JWT.")) };
    let read =
        |part: &str| -> Option<Value> { serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).ok()?).ok() };
    let (Some(head), Some(body)) = (read(header), read(claims)) else { return Err(wrong("It is no JWT.")) };
    if head["alg"] != "PS256" || head["typ"] != "JWT" {
        return Err(wrong("The algorithm must be PS256."));
    }
    let thumbprint = head["x5t#S256"].as_str().unwrap_or_default();
    let found = options
        .certificates
        .iter()
        .find(|der| URL_SAFE_NO_PAD.encode(digest(&SHA256, der)) == thumbprint)
        .and_then(|der| X509Certificate::from_der(der).ok())
        .map(|(_, certificate)| certificate);
    let now = Utc::now().timestamp();
    let Some(certificate) = found.filter(|found| found.validity().not_after.timestamp() >= now) else {
        let says = format!(
            "The certificate with identifier used to sign the client assertion is not registered on application. \
             [Reason - The key was not found., Thumbprint of key used by client: '{thumbprint}']"
        );
        return Err(refused(700_027, 401, "invalid_client", says));
    };
    let signature = URL_SAFE_NO_PAD.decode(signature).map_err(|_| wrong("Its signature is unreadable."))?;
    let key = UnparsedPublicKey::new(
        &RSA_PSS_2048_8192_SHA256,
        certificate.public_key().subject_public_key.data.as_ref(),
    );
    key.verify(format!("{header}.{claims}").as_bytes(), &signature)
        .map_err(|_| wrong("Its signature does not hold."))?;
    if body["iss"] != options.client_id.as_str() || body["sub"] != options.client_id.as_str() {
        let says = "Client assertion application identifier doesn't match 'client_id' parameter.";
        return Err(refused(700_021, 401, "invalid_client", says));
    }
    let time = |name: &str| body[name].as_i64();
    let (Some(from), Some(until)) = (time("nbf"), time("exp")) else {
        return Err(wrong("A time is missing."));
    };
    if now + SKEW < from || now - SKEW > until {
        let says = format!(
            "Client assertion is not within its valid time range. Current time: {now}, assertion valid from {from}, \
             expiry time of assertion {until}."
        );
        return Err(refused(700_024, 401, "invalid_client", says));
    }
    if body["aud"] != audience && body["aud"] != audience.trim_end_matches("/v2.0/token") {
        return Err(wrong("Its audience is another."));
    }
    match body["jti"].as_str() {
        Some(id) if !id.is_empty() && shared.grants.is_new_statement(id) => Ok(()),
        _ => Err(wrong("Its id is missing, or was used before.")),
    }
}
