//! What people's sign-ins left for connections: sealed like stored secrets, each under a name that no person can
//! give, so that they are listed and removed as those are.
//!
//! Knows no OAuth; a token is a text.

use super::{SecretKeeper, sealed};
use chrono::{DateTime, Utc};
use integrator_core::ports::{PersonSignIn, RefusedSignIn, SecretError, TokenKeeper};
use secrecy::zeroize::Zeroizing;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use std::any::Any;
use std::collections::BTreeMap;

/// The format that is written, and the newest that is read.
const FORMAT: u32 = 1;

/// What is sealed.
#[derive(Serialize, Deserialize)]
struct Content<'a> {
    format: u32,
    client_id: String,
    authority: String,
    account: Option<String>,
    signed_in: DateTime<Utc>,
    refresh_token: std::borrow::Cow<'a, str>,
    #[serde(default)]
    refused: BTreeMap<String, RefusedSignIn>,
}

/// Only the number, to tell a newer format from damage.
#[derive(Deserialize)]
struct Format {
    format: u32,
}

/// The name that the sign-in of a connection is sealed under.
fn name(connection: &str) -> String {
    format!("sign-in:{connection}")
}

impl TokenKeeper for SecretKeeper {
    fn lock(&self, connection: &str) -> Result<Box<dyn Any + Send>, SecretError> {
        Ok(Box::new(sealed::lock_file(&self.folder, &format!("sign-in-{connection}.lock"))?))
    }

    fn load(&self, connection: &str) -> Result<Option<PersonSignIn>, SecretError> {
        let name = name(connection);
        if !sealed::holds(&self.folder, &name)? {
            return Ok(None);
        }
        let error = |problem: String, hint: String| SecretError {
            place: format!("the sign-in of connection {connection}"),
            problem,
            hint,
        };
        let again = || format!("sign in again: `halo-integrator authorize {connection}`");
        let text = sealed::get(&self.folder, &self.environment, &name).map_err(|found| {
            error(found.problem, format!("{}; or bring back the key of the stored secrets", again()))
        })?;
        let text = text.expose_secret();
        if let Ok(Format { format }) = serde_json::from_str(text)
            && format > FORMAT
        {
            return Err(error(
                format!("has format {format}, and this program knows {FORMAT}"),
                "use the version of the program that wrote it, or a newer one".to_owned(),
            ));
        }
        let content: Content<'_> =
            serde_json::from_str(text).map_err(|_| error("is damaged".to_owned(), again()))?;
        Ok(Some(PersonSignIn {
            client_id: content.client_id,
            authority: content.authority,
            account: content.account,
            signed_in: content.signed_in,
            refresh_token: SecretString::from(content.refresh_token.into_owned()),
            refused: content.refused,
        }))
    }

    fn save(&self, connection: &str, sign_in: &PersonSignIn, now: DateTime<Utc>) -> Result<(), SecretError> {
        let content = Content {
            format: FORMAT,
            client_id: sign_in.client_id.clone(),
            authority: sign_in.authority.clone(),
            account: sign_in.account.clone(),
            signed_in: sign_in.signed_in,
            refresh_token: sign_in.refresh_token.expose_secret().into(),
            refused: sign_in.refused.clone(),
        };
        let text = serde_json::to_string(&content).map(Zeroizing::new).map_err(|problem| SecretError {
            place: format!("the sign-in of connection {connection}"),
            problem: format!("could not be written: {problem}"),
            hint: "report this".to_owned(),
        })?;
        let secret = SecretString::from(text.as_str());
        sealed::put(&self.folder, &self.environment, &name(connection), &secret, now)
    }
}
