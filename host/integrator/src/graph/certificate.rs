//! A certificate that an application proves itself with, and the statements that it signs (RFC 7523).
//!
//! Entra takes RSA signatures in the form PS256, and finds the registered certificate by its SHA-256 thumbprint. Knows
//! PEM, DER and PKCS#12 (PFX) files; knows no wire and no settings.

use crate::http::{ClientAssertion, UnusableCredential};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use integrator_core::ports::SecretError;
use p12_keystore::Pkcs12Archive;
use p12_keystore::error::Error as PfxError;
use ring::digest::{SHA256, digest};
use ring::rand::SystemRandom;
use ring::rsa::KeyPair;
use ring::signature::{KeyPair as _, RSA_PSS_SHA256};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use secrecy::{ExposeSecret, SecretSlice, SecretString};
use serde_json::json;
use std::fmt;
use std::path::Path;
use x509_parser::prelude::{FromDer, X509Certificate};

/// How long a statement is good for: long enough for clocks that differ a little.
const LIFE: chrono::Duration = chrono::Duration::minutes(10);

/// A certificate with its private key.
pub struct Certificate {
    key: KeyPair,
    /// SHA-256 of the certificate in DER, in base64url.
    thumbprint: String,
    not_before: DateTime<Utc>,
    not_after: DateTime<Utc>,
    /// The file, for messages.
    file: String,
}

/// What a file holds, before key and certificate are paired.
#[derive(Default)]
struct Found {
    certificates: Vec<Vec<u8>>,
    keys: Vec<KeyPair>,
    /// Why a key that was there cannot be used.
    unusable: Option<&'static str>,
}

impl Certificate {
    /// Reads a file's content. `key` is the private key in PEM for a certificate without one, or the password of a
    /// PFX file.
    pub fn read(
        path: &Path,
        content: &SecretSlice<u8>,
        key: Option<&SecretString>,
    ) -> Result<Self, SecretError> {
        let error = |problem: &str, hint: &str| SecretError {
            place: format!("certificate file {}", path.display()),
            problem: problem.to_owned(),
            hint: hint.to_owned(),
        };
        let found = find(content.expose_secret(), key).map_err(|(problem, hint)| error(problem, hint))?;
        if found.certificates.is_empty() {
            let hint = "export the certificate with its private key, as PEM or PFX";
            return Err(error("holds no certificate", hint));
        }
        if found.keys.is_empty() {
            return Err(match found.unusable {
                Some(problem) => error(problem, "make a certificate with an RSA key of 2048 bits or more"),
                None => error(
                    "holds no private key",
                    "name the key's PEM in microsoft.credential.key, or use a PEM or PFX file that holds both",
                ),
            });
        }
        for key in found.keys {
            for der in &found.certificates {
                let Ok((_, parsed)) = X509Certificate::from_der(der) else { continue };
                if parsed.public_key().subject_public_key.data.as_ref() != key.public_key().as_ref() {
                    continue;
                }
                let moment = |seconds| DateTime::from_timestamp(seconds, 0);
                let validity = parsed.validity();
                let (Some(not_before), Some(not_after)) =
                    (moment(validity.not_before.timestamp()), moment(validity.not_after.timestamp()))
                else {
                    return Err(error("has no time until which it is valid", "make a new certificate"));
                };
                return Ok(Self {
                    key,
                    thumbprint: URL_SAFE_NO_PAD.encode(digest(&SHA256, der)),
                    not_before,
                    not_after,
                    file: path.display().to_string(),
                });
            }
        }
        Err(error("does not belong to the private key", "use the key that the certificate was made with"))
    }

    /// Whether it is valid at this time.
    pub fn usable(&self, now: DateTime<Utc>) -> Result<(), UnusableCredential> {
        let unusable = |problem: String, hint: &str| UnusableCredential { problem, hint: hint.to_owned() };
        let day = |moment: DateTime<Utc>| moment.format("%Y-%m-%d %H:%M UTC");
        if now > self.not_after {
            return Err(unusable(
                format!("the certificate {} expired on {}", self.file, day(self.not_after)),
                "make a new certificate, upload it to the app registration, and name it in microsoft.credential",
            ));
        }
        if now < self.not_before {
            return Err(unusable(
                format!("the certificate {} is valid only from {}", self.file, day(self.not_before)),
                "check this computer's clock, or wait until then",
            ));
        }
        Ok(())
    }

    /// When it expires.
    pub fn not_after(&self) -> DateTime<Utc> {
        self.not_after
    }

    /// The file that it was read from, for messages.
    pub fn file(&self) -> &str {
        &self.file
    }
}

impl ClientAssertion for Certificate {
    fn assertion(
        &self,
        client_id: &str,
        audience: &str,
        now: DateTime<Utc>,
    ) -> Result<SecretString, UnusableCredential> {
        self.usable(now)?;
        let header = json!({ "alg": "PS256", "typ": "JWT", "x5t#S256": self.thumbprint });
        let claims = json!({
            "aud": audience,
            "iss": client_id,
            "sub": client_id,
            "jti": uuid::Uuid::new_v4().to_string(),
            "nbf": now.timestamp(),
            "iat": now.timestamp(),
            "exp": (now + LIFE).timestamp(),
        });
        let part = |value: &serde_json::Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let text = format!("{}.{}", part(&header), part(&claims));
        let mut signature = vec![0; self.key.public().modulus_len()];
        self.key.sign(&RSA_PSS_SHA256, &SystemRandom::new(), text.as_bytes(), &mut signature).map_err(
            |_| {
                let problem = format!("the key of certificate {} could not sign", self.file);
                UnusableCredential { problem, hint: "make a new certificate".to_owned() }
            },
        )?;
        Ok(SecretString::from(format!("{text}.{}", URL_SAFE_NO_PAD.encode(signature))))
    }
}

impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Certificate").field("file", &self.file).finish_non_exhaustive()
    }
}

/// What is wrong, and the way out.
type Problem = (&'static str, &'static str);

fn find(content: &[u8], key: Option<&SecretString>) -> Result<Found, Problem> {
    let mut found = Found::default();
    let is_pem = content.windows(11).any(|window| window == b"-----BEGIN ");
    if is_pem {
        let certificates = CertificateDer::pem_slice_iter(content).flatten();
        found.certificates.extend(certificates.map(|certificate| certificate.to_vec()));
        let text = key.map_or(content, |key| key.expose_secret().as_bytes());
        keys_in_pem(text, &mut found)?;
    } else if X509Certificate::from_der(content).is_ok() {
        found.certificates.push(content.to_vec());
        if let Some(key) = key {
            keys_in_pem(key.expose_secret().as_bytes(), &mut found)?;
        }
    } else {
        let password = key.map_or("", |key| key.expose_secret());
        let archive =
            Pkcs12Archive::from_pkcs12(content, password).map_err(|error| pfx_problem(&error, key))?;
        found.certificates.extend(archive.certs.iter().map(|bag| bag.cert.as_der().to_vec()));
        for bag in &archive.keys {
            found.take(KeyPair::from_pkcs8(bag.key.as_der()).ok());
        }
    }
    Ok(found)
}

fn keys_in_pem(text: &[u8], found: &mut Found) -> Result<(), Problem> {
    if text.windows(10).any(|window| window == b"ENCRYPTED ") || text.windows(10).any(|w| w == b",ENCRYPTED")
    {
        return Err((
            "belongs to a private key in PEM that is encrypted itself",
            "make a PFX file of both, whose password microsoft.credential.key names: `openssl pkcs12 -export`",
        ));
    }
    for key in PrivateKeyDer::pem_slice_iter(text).flatten() {
        found.take(match &key {
            PrivateKeyDer::Pkcs8(der) => KeyPair::from_pkcs8(der.secret_pkcs8_der()).ok(),
            PrivateKeyDer::Pkcs1(der) => KeyPair::from_der(der.secret_pkcs1_der()).ok(),
            _ => None,
        });
    }
    Ok(())
}

impl Found {
    fn take(&mut self, key: Option<KeyPair>) {
        match key {
            Some(key) => self.keys.push(key),
            None => self.unusable = Some("has a private key that is no RSA key of 2048 bits or more"),
        }
    }
}

fn pfx_problem(error: &PfxError, key: Option<&SecretString>) -> Problem {
    match (error, key) {
        (PfxError::MacError(_), None) => {
            ("is protected by a password", "name where the password is kept in microsoft.credential.key")
        }
        (PfxError::MacError(_), Some(_)) => {
            ("is not opened by its password", "check where microsoft.credential.key takes the password from")
        }
        (PfxError::DerError(_) | PfxError::InvalidVersion, _) => {
            ("is neither PEM nor PFX", "export the certificate with its private key, as PEM or PFX")
        }
        _ => (
            "is a PFX file of a form that cannot be read",
            "export it anew, with AES-256 and SHA-256: `openssl pkcs12 -export`",
        ),
    }
}
