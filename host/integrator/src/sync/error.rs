//! Why a run could not be carried out: one line, its way out, and the class of its ending.

use super::outcome::ExitClass;
use crate::graph::SweepError;
use crate::halo::WriteError;
use crate::http::{FailureClass, HttpError};
use crate::store::StoreError;
use integrator_core::decide::NameProblem;
use integrator_core::ports::SecretError;

/// Ends a run.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct SyncError {
    /// One line, with its place.
    pub message: String,
    /// The way out.
    pub hint: Option<String>,
    /// The ending.
    pub class: ExitClass,
}

impl SyncError {
    /// An error of the settings or their names.
    pub(crate) fn settings(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { message: message.into(), hint: Some(hint.into()), class: ExitClass::Settings }
    }

    /// A side that could not be read completely.
    pub(crate) fn unreadable(message: impl Into<String>, hint: Option<String>) -> Self {
        Self { message: message.into(), hint, class: ExitClass::Unreadable }
    }

    /// A person or the system asked to stop.
    pub(crate) fn interrupted() -> Self {
        Self {
            message: "interrupted".to_owned(),
            hint: Some("what was written is recorded; run the import again to go on".to_owned()),
            class: ExitClass::Interrupted,
        }
    }

    /// Something that cannot be; a bug.
    pub(crate) fn bug(message: impl Into<String>) -> Self {
        Self { message: message.into(), hint: None, class: ExitClass::Bug }
    }
}

/// The error and its causes in one line.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text.push_str(": ");
            text.push_str(&cause_text);
        }
        source = cause.source();
    }
    text
}

impl From<HttpError> for SyncError {
    fn from(error: HttpError) -> Self {
        Self { message: chain(&error), hint: error.hint(), class: class_of(error.class()) }
    }
}

impl From<SweepError> for SyncError {
    fn from(error: SweepError) -> Self {
        Self { message: chain(&error), hint: error.hint(), class: class_of(error.class()) }
    }
}

impl From<WriteError> for SyncError {
    fn from(error: WriteError) -> Self {
        // The problem repeats what the failed request says, so of that one its place and its causes are told.
        let mut message = format!("{error} ({})", error.source.call());
        let mut cause = std::error::Error::source(&error.source);
        while let Some(one) = cause {
            let text = one.to_string();
            if !message.contains(&text) {
                message = format!("{message}: {text}");
            }
            cause = one.source();
        }
        Self { message, hint: error.hint(), class: class_of(error.class()) }
    }
}

impl From<StoreError> for SyncError {
    fn from(error: StoreError) -> Self {
        let class = match error {
            StoreError::Leased { .. } => ExitClass::Busy,
            _ => ExitClass::Settings,
        };
        Self { message: chain(&error), hint: Some(error.hint()), class }
    }
}

impl From<SecretError> for SyncError {
    fn from(error: SecretError) -> Self {
        Self { message: chain(&error), hint: Some(error.hint), class: ExitClass::Settings }
    }
}

impl From<Vec<NameProblem>> for SyncError {
    fn from(problems: Vec<NameProblem>) -> Self {
        let lines: Vec<String> =
            problems.iter().map(|problem| format!("{problem} ({})", problem.hint)).collect();
        Self {
            message: lines.join("\n"),
            hint: Some("correct the names in the connection's file, or create them in Halo".to_owned()),
            class: ExitClass::Settings,
        }
    }
}

fn class_of(class: FailureClass) -> ExitClass {
    match class {
        FailureClass::Access => ExitClass::SignIn,
        FailureClass::Settings => ExitClass::Settings,
        FailureClass::Side => ExitClass::Unreadable,
    }
}
