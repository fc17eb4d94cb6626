//! What an app registration proves itself with: a client secret or a certificate. Kept apart from the tenant, because
//! one registration serves many.

use super::certificate::Certificate;
use crate::http::ClientCredential;
use chrono::{DateTime, NaiveDate, Utc};
use integrator_core::ports::{SecretError, Secrets};
use integrator_core::settings::Credential;
use secrecy::SecretString;
use std::sync::Arc;

/// From how long before its end a credential is announced to expire.
const ANNOUNCED: chrono::Duration = chrono::Duration::days(30);

/// A credential that was found and can be read. Cheap to clone.
#[derive(Clone, Debug)]
pub enum AppCredential {
    /// A client secret.
    Secret {
        /// The secret.
        secret: SecretString,
        /// The day it expires, as far as the settings say.
        expires: Option<NaiveDate>,
    },
    /// A certificate with its key.
    Certificate(Arc<Certificate>),
}

impl AppCredential {
    /// Finds what the settings name. A certificate that expired is found too.
    pub fn load(secrets: &dyn Secrets, settings: &Credential) -> Result<Self, SecretError> {
        match settings {
            Credential::Secret { secret, expires } => {
                Ok(Self::Secret { secret: secrets.secret(secret)?, expires: *expires })
            }
            Credential::Certificate { certificate, key } => {
                let content = secrets.file(certificate)?;
                // A PEM key has many lines; a password is the first one.
                let key = match key {
                    None => None,
                    Some(source) => {
                        let whole = secrets.whole(source)?;
                        Some(if is_pem(&whole) { whole } else { secrets.secret(source)? })
                    }
                };
                Ok(Self::Certificate(Arc::new(Certificate::read(certificate, &content, key.as_ref())?)))
            }
        }
    }

    /// What people are to be told of its end: from 30 days before, and after it.
    pub fn expiry_notice(&self, now: DateTime<Utc>) -> Option<String> {
        let (what, day, expired) = match self {
            Self::Secret { expires, .. } => {
                let day = (*expires)?;
                ("the client secret".to_owned(), day, now.date_naive() > day)
            }
            Self::Certificate(certificate) => {
                let end = certificate.not_after();
                (format!("the certificate {}", certificate.file()), end.date_naive(), now > end)
            }
        };
        if expired {
            Some(format!("{what} expired on {day}: make a new one in the app registration"))
        } else if day - now.date_naive() <= ANNOUNCED {
            Some(format!("{what} expires on {day}: make a new one in the app registration before then"))
        } else {
            None
        }
    }

    pub(super) fn for_requests(&self) -> ClientCredential {
        match self {
            Self::Secret { secret, .. } => ClientCredential::Secret(secret.clone()),
            Self::Certificate(certificate) => {
                ClientCredential::Assertion(Arc::clone(certificate) as Arc<dyn crate::http::ClientAssertion>)
            }
        }
    }
}

fn is_pem(text: &SecretString) -> bool {
    secrecy::ExposeSecret::expose_secret(text).contains("-----BEGIN ")
}
