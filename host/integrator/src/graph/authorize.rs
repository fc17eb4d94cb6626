//! A person's sign-in for a connection: where the browser goes, and what its answer becomes.
//!
//! Knows no browser and no listener; who calls brings the answer.

use super::client::{person_scope, sign_in_address, sign_in_settings};
use super::credential::AppCredential;
use super::permission::PermissionKind;
use super::roles;
use super::sign_in::explain_authorization;
use crate::http::{Authorization, ClientMaker, CodeAnswer, Grant, HttpError};
use chrono::{DateTime, Utc};
use integrator_core::ports::PersonSignIn;
use integrator_core::settings::Microsoft;
use secrecy::ExposeSecret;
use std::collections::BTreeMap;

/// Whether the person is asked to consent even where they, or an administrator, have consented before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Consent {
    /// Only where it is missing; a sign-in that is not Microsoft's asks in any case.
    WhereMissing,
    /// In any case.
    Anew,
}

/// A person's sign-in under way.
#[derive(Debug)]
pub struct PersonAuthorization {
    authorization: Authorization,
    client_id: String,
    authority: String,
}

/// An answer that signs nobody in.
#[derive(Debug, thiserror::Error)]
pub enum AuthorizationError {
    /// It does not belong to this sign-in. Nothing was redeemed.
    #[error("the answer does not belong to this sign-in: its state is another")]
    Foreign,
    /// Microsoft, or the person, said no. Nothing was redeemed.
    #[error("{message}")]
    Refused {
        /// What it means, on one line.
        message: String,
        /// The way out.
        hint: String,
    },
    /// The code could not be redeemed.
    #[error(transparent)]
    Http(#[from] HttpError),
}

impl PersonAuthorization {
    /// Prepares the sign-in; nothing is sent. `redirect` is the address registered for the answer.
    pub fn new(
        maker: &ClientMaker,
        microsoft: &Microsoft,
        credential: &AppCredential,
        permissions: &[&str],
        redirect: &str,
        consent: Consent,
    ) -> Result<Self, HttpError> {
        let graph = microsoft.cloud.graph.trim_end_matches('/');
        let settings =
            sign_in_settings(microsoft, credential, Grant::Application, person_scope(graph, permissions));
        let mut extra = vec![("response_mode", "query")];
        // Microsoft gives refresh tokens without asking anew, and must not be told to: it would then ask people who
        // may not consent themselves, though an administrator has. OpenID Connect wants it to be told.
        if consent == Consent::Anew || !microsoft.cloud.is_microsofts() {
            extra.push(("prompt", "consent"));
        }
        let page = sign_in_address(microsoft, "authorize");
        Ok(Self {
            authorization: Authorization::new(maker, settings, &page, redirect, &extra)?,
            client_id: microsoft.client_id.clone(),
            authority: microsoft.cloud.authority.clone(),
        })
    }

    /// The address that the person opens.
    pub fn address(&self) -> &str {
        self.authorization.address()
    }

    /// Redeems an answer, if it is one to this sign-in and says yes. Also tells which of the needed permissions the
    /// person's token lacks.
    pub async fn redeem(
        &self,
        answer: &CodeAnswer,
        needed: &[&str],
        now: DateTime<Utc>,
    ) -> Result<(PersonSignIn, Vec<String>), AuthorizationError> {
        if !self.authorization.is_ours(answer) {
            return Err(AuthorizationError::Foreign);
        }
        let code = match (&answer.error, &answer.code) {
            (Some(error), _) => {
                let description = answer.description.as_deref().unwrap_or_default();
                let (message, hint) = explain_authorization(error, description);
                return Err(AuthorizationError::Refused { message, hint });
            }
            (None, Some(code)) => code,
            (None, None) => {
                return Err(AuthorizationError::Refused {
                    message: "the answer holds neither a code nor an error".to_owned(),
                    hint: "check that microsoft.cloud leads to Microsoft's sign-in, and try again".to_owned(),
                });
            }
        };
        let redeemed = self.authorization.redeem(code).await?;
        let Some(refresh_token) = redeemed.refresh_token else {
            return Err(AuthorizationError::Refused {
                message: "the sign-in gave no refresh token, so that it would end within the hour".to_owned(),
                hint: "let the app registration have the delegated permission offline_access, and try again with --consent"
                    .to_owned(),
            });
        };
        let token = redeemed.access_token.expose_secret();
        let sign_in = PersonSignIn {
            client_id: self.client_id.clone(),
            authority: self.authority.clone(),
            account: roles::account(token),
            signed_in: now,
            refresh_token,
            refused: BTreeMap::new(),
        };
        Ok((sign_in, roles::missing(token, needed, PermissionKind::Delegated)))
    }
}
