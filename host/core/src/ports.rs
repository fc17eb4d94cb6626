//! What the outside provides to pure code: the clock and the secrets.

use crate::settings::SecretSource;
use chrono::{DateTime, Utc};
use secrecy::SecretString;

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
