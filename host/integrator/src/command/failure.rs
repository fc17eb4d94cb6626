//! Why a command could not do what it was asked, with its place, the way out and the exit code.

use crate::store::StoreError;
use crate::sync::{ExitClass, SyncError};
use integrator_core::ports::SecretError;
use integrator_core::settings::{Diagnostic, SettingsError};
use std::error::Error;
use std::io;
use std::path::Path;

/// The end of a command that failed.
#[derive(Clone, Debug)]
pub(crate) struct Failure {
    pub(crate) class: ExitClass,
    pub(crate) message: String,
    pub(crate) hint: Option<String>,
    /// What is wrong with the settings, each problem with its place.
    pub(crate) diagnostics: Vec<Diagnostic>,
}

impl Failure {
    pub(crate) fn new(class: ExitClass, message: impl Into<String>) -> Self {
        Self { class, message: message.into(), hint: None, diagnostics: Vec::new() }
    }

    /// Settings, usage, files: what the person who typed the command can put right.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::new(ExitClass::Settings, message)
    }

    #[must_use]
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// A file or folder that could not be read or written.
    pub(crate) fn file(action: &str, path: &Path, error: &io::Error) -> Self {
        let hint = match error.kind() {
            io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
                "let this account write there, or name another place"
            }
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => "free some space and try again",
            _ => "look at the path and try again",
        };
        Self::usage(format!("could not {action} {}: {error}", path.display())).hint(hint)
    }
}

impl From<SettingsError> for Failure {
    fn from(error: SettingsError) -> Self {
        let count = error.diagnostics.len();
        let message = match count {
            1 => "the settings have a problem".to_owned(),
            _ => format!("the settings have {count} problems"),
        };
        let hint = "put right what is listed, then `halo-integrator check` looks again";
        Self { diagnostics: error.diagnostics, ..Self::usage(message).hint(hint) }
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::usage(with_causes(&error)).hint(error.hint())
    }
}

impl From<SyncError> for Failure {
    fn from(error: SyncError) -> Self {
        Self { hint: error.hint, ..Self::new(error.class, error.message) }
    }
}

impl From<SecretError> for Failure {
    fn from(error: SecretError) -> Self {
        Self::usage(error.to_string()).hint(error.hint)
    }
}

/// An error and what caused it, on one line.
fn with_causes(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(one) = cause {
        text.push_str(": ");
        text.push_str(&one.to_string());
        cause = one.source();
    }
    text
}
