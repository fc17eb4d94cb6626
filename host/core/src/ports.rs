//! What the outside provides to pure code: the clock, the secrets, and the sign-ins of people.

use crate::settings::SecretSource;
use chrono::{DateTime, Utc};
use secrecy::{SecretSlice, SecretString};
use serde::{Deserialize, Serialize};
use std::any::Any;
use std::collections::BTreeMap;
use std::path::Path;

/// Tells the time. The only way to it, so that tests and plans can stand still.
pub trait Clock: Send + Sync {
    /// Now.
    fn now(&self) -> DateTime<Utc>;
}

/// The computer's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> DateTime<Utc> {
        Utc::now()
    }
}

/// Finds secrets by what the settings say of them.
pub trait Secrets: Send + Sync {
    /// The secret, without line ends.
    fn secret(&self, source: &SecretSource) -> Result<SecretString, SecretError>;

    /// The whole text, for what has many lines: a private key in PEM.
    fn whole(&self, source: &SecretSource) -> Result<SecretString, SecretError>;

    /// The content of a file that may hold a private key: a certificate's.
    fn file(&self, path: &Path) -> Result<SecretSlice<u8>, SecretError>;
}

/// Keeps what a person's sign-in left for a connection, encrypted and durable. Several processes may use one at once.
///
/// Calls may block: a lock is waited for as long as it is held.
pub trait TokenKeeper: Send + Sync {
    /// Keeps everybody else from redeeming and replacing the connection's refresh token until dropped.
    fn lock(&self, connection: &str) -> Result<Box<dyn Any + Send>, SecretError>;

    /// What is kept for the connection; `None` when nobody signed in.
    fn load(&self, connection: &str) -> Result<Option<PersonSignIn>, SecretError>;

    /// Replaces what is kept. Durable when it returns; whatever happens before, the earlier is still there.
    fn save(&self, connection: &str, sign_in: &PersonSignIn, now: DateTime<Utc>) -> Result<(), SecretError>;
}

/// What a person's sign-in left: a refresh token, and where it stopped working.
#[derive(Clone, Debug)]
pub struct PersonSignIn {
    /// The application that it was given to; it is of no use to another.
    pub client_id: String,
    /// The sign-in service that gave it, by its address.
    pub authority: String,
    /// The person, as the access token names them.
    pub account: Option<String>,
    /// When the person signed in.
    pub signed_in: DateTime<Utc>,
    /// The newest refresh token. It belongs to the person and the application, not to a tenant.
    pub refresh_token: SecretString,
    /// Tenants, as the settings name them, for which it was refused for good: a person has to sign in again.
    pub refused: BTreeMap<String, RefusedSignIn>,
}

/// Why a person has to sign in again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefusedSignIn {
    /// The sign-in service's own code, for example `AADSTS700082`.
    pub code: Option<String>,
    /// What it means, on one line.
    pub message: String,
    /// The way out, where it is more than signing in again.
    pub hint: Option<String>,
    /// When it was refused.
    pub since: DateTime<Utc>,
}

/// A secret could not be had.
#[derive(Debug, thiserror::Error)]
#[error("{place} {problem}")]
pub struct SecretError {
    /// Where the settings said it is, for example `environment variable HALO_SECRET`. Never the secret.
    pub place: String,
    /// What is wrong with it.
    pub problem: String,
    /// The way out.
    pub hint: String,
}
