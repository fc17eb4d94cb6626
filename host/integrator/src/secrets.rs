//! Secrets: from the environment, from files, and from the encrypted file of the data folder.
//!
//! The encrypted file stands beside the store and not in it: secrets are needed before the store opens, and can be
//! set while a service holds it. Nothing here is ever logged; what is secret has no `Display` and no `Debug`.

mod files;
mod key;
mod sealed;
mod sign_ins;

pub use key::KEY_VARIABLE;
pub use sealed::StoredSecret;

use chrono::{DateTime, Utc};
use integrator_core::ports::{SecretError, Secrets};
use integrator_core::settings::SecretSource;
use secrecy::{ExposeSecret, SecretSlice, SecretString};
use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};

/// Looks up a variable of the environment.
pub type Lookup = Box<dyn Fn(&str) -> Option<OsString> + Send + Sync>;

/// Finds secrets wherever the settings say they are, and keeps those that are stored.
pub struct SecretKeeper {
    folder: PathBuf,
    environment: Lookup,
}

impl fmt::Debug for SecretKeeper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SecretKeeper").field("folder", &self.folder).finish_non_exhaustive()
    }
}

impl SecretKeeper {
    /// With the data folder and the process's environment. Reads nothing yet.
    pub fn new(folder: &Path) -> Self {
        Self::with_environment(folder, Box::new(|name| std::env::var_os(name)))
    }

    /// With the data folder and a given environment.
    pub fn with_environment(folder: &Path, environment: Lookup) -> Self {
        Self { folder: folder.to_owned(), environment }
    }

    /// Stores a secret under a name (letters, digits, `-`, `_`, `.`), in place of an earlier one. The first makes the
    /// key file, unless the environment gives the key.
    pub fn set(&self, name: &str, secret: &SecretString, now: DateTime<Utc>) -> Result<(), SecretError> {
        sealed::set(&self.folder, &self.environment, name, secret, now)
    }

    /// The names of the stored secrets, in order. Needs no key.
    pub fn list(&self) -> Result<Vec<StoredSecret>, SecretError> {
        sealed::list(&self.folder)
    }

    /// Forgets a stored secret. Needs no key.
    pub fn remove(&self, name: &str) -> Result<(), SecretError> {
        sealed::remove(&self.folder, name)
    }

    /// The whole value of a variable.
    fn variable(&self, name: &str) -> Result<SecretString, SecretError> {
        let place = format!("environment variable {name}");
        let error = |problem: &str, hint: String| SecretError {
            place: place.clone(),
            problem: problem.to_owned(),
            hint,
        };
        let hint = || format!("set {name} for the process, a service's own environment included");
        let Some(value) = (self.environment)(name) else { return Err(error("is not set", hint())) };
        let Ok(value) = value.into_string() else {
            return Err(error("is not UTF-8 text", "secrets are text".to_owned()));
        };
        let value = SecretString::from(value);
        if first_line(&value).is_none() {
            return Err(error("is empty", hint()));
        }
        Ok(value)
    }
}

impl Secrets for SecretKeeper {
    fn secret(&self, source: &SecretSource) -> Result<SecretString, SecretError> {
        match source {
            SecretSource::Environment(name) => {
                self.variable(name).map(|text| first_line(&text).unwrap_or(text))
            }
            SecretSource::File(path) => files::secret(path),
            SecretSource::Stored(name) => sealed::get(&self.folder, &self.environment, name),
        }
    }

    fn whole(&self, source: &SecretSource) -> Result<SecretString, SecretError> {
        match source {
            SecretSource::Environment(name) => self.variable(name),
            SecretSource::File(path) => files::text(path),
            SecretSource::Stored(name) => sealed::get(&self.folder, &self.environment, name),
        }
    }

    fn file(&self, path: &Path) -> Result<SecretSlice<u8>, SecretError> {
        files::certificate(path)
    }
}

/// The first line without its end and without a byte order mark; `None` when nothing is left.
fn first_line(text: &SecretString) -> Option<SecretString> {
    let text = text.expose_secret();
    let line = text.trim_start_matches('\u{feff}').lines().next().unwrap_or_default();
    (!line.trim().is_empty()).then(|| SecretString::from(line))
}
