//! The two streams: data on standard output, as text or as one JSON document; everything else on standard error.

use super::failure::Failure;
use crate::serve::Frame;
use crate::sync::ExitClass;
use integrator_core::settings::Diagnostic;
use serde::Serialize;
use std::io::{self, Write};
use tokio::sync::mpsc;

/// How data is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// For people.
    Text,
    /// One document.
    Json,
}

/// Whether advice and progress are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Chatter {
    /// They are.
    Normal,
    /// They are not.
    Quiet,
}

/// Where a command's words go.
#[derive(Clone, Copy, Debug)]
pub(super) struct Output {
    pub(super) form: Form,
    pub(super) chatter: Chatter,
}

#[derive(Serialize)]
struct FailureDocument<'a> {
    error: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<&'a str>,
    exit: u8,
    #[serde(skip_serializing_if = "<[Diagnostic]>::is_empty")]
    diagnostics: &'a [Diagnostic],
}

impl Output {
    pub(super) fn new(form: Form, chatter: Chatter) -> Self {
        Self { form, chatter }
    }

    /// Prints the command's data, in the form that was asked for.
    pub(super) fn data(
        self,
        text: impl FnOnce() -> String,
        document: &impl Serialize,
    ) -> Result<(), Failure> {
        match self.form {
            Form::Text => self.text(&text()),
            Form::Json => write_document(document),
        }
    }

    /// Prints a part of the data as text; nothing where a document was asked for.
    pub(super) fn text(self, text: &str) -> Result<(), Failure> {
        match self.form {
            Form::Text => write_out(|out| writeln!(out, "{}", text.trim_end_matches('\n'))),
            Form::Json => Ok(()),
        }
    }

    /// Advice: on standard error, and only where people are to be talked to.
    pub(super) fn advice(self, text: &str) {
        if self.form == Form::Text && self.chatter == Chatter::Normal {
            aside(text);
        }
    }

    /// The end of a command that failed.
    pub(super) fn failure(self, failure: &Failure) {
        match self.form {
            Form::Json => {
                let document = FailureDocument {
                    error: &failure.message,
                    hint: failure.hint.as_deref(),
                    exit: failure.class.code(),
                    diagnostics: &failure.diagnostics,
                };
                if write_document(&document).is_err() {
                    aside(&failure.message);
                }
            }
            Form::Text => {
                for diagnostic in &failure.diagnostics {
                    aside(&format!("{diagnostic}\n"));
                }
                problem(&failure.message, failure.hint.as_deref());
            }
        }
    }
}

/// A problem and the way out, on standard error.
pub(super) fn problem(message: &str, hint: Option<&str>) {
    aside(&format!("error: {message}"));
    if let Some(hint) = hint {
        aside(&format!("hint: {hint}"));
    }
}

tokio::task_local! {
    /// Where a command that a service carries out for another process prints. Not set: this process's streams.
    pub(super) static ELSEWHERE: mpsc::Sender<Frame>;
}

/// Sends what is printed to where the command was typed; false where that is here. A reader that is gone has seen
/// enough, and one that is slow is waited for.
fn elsewhere(frame: impl FnOnce() -> Frame) -> bool {
    ELSEWHERE
        .try_with(|sender| {
            if let Err(mpsc::error::TrySendError::Full(frame)) = sender.try_send(frame()) {
                let _ = tokio::task::block_in_place(|| sender.blocking_send(frame));
            }
        })
        .is_ok()
}

/// Standard output for what comes in many parts.
pub(super) fn stream() -> Box<dyn Write> {
    if ELSEWHERE.try_with(|_| ()).is_ok() { Box::new(Elsewhere) } else { Box::new(io::stdout()) }
}

struct Elsewhere;

impl Write for Elsewhere {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        elsewhere(|| Frame::Data(String::from_utf8_lossy(bytes).into_owned()));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Something that is to be known in every form: on standard error.
pub(super) fn aside(text: &str) {
    if elsewhere(|| Frame::Aside(text.to_owned())) {
        return;
    }
    let _ = writeln!(io::stderr().lock(), "{text}");
}

/// Prints a part of the data as it is, in either form.
pub(super) fn raw(bytes: &[u8]) -> Result<(), Failure> {
    write_out(|out| out.write_all(bytes))
}

fn write_document(document: &impl Serialize) -> Result<(), Failure> {
    let text = serde_json::to_string_pretty(document)
        .map_err(|error| Failure::new(ExitClass::Bug, format!("the document could not be made: {error}")))?;
    write_out(|out| writeln!(out, "{text}"))
}

/// A reader that has closed its end has seen enough; anything else that goes wrong is told.
fn write_out(write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<(), Failure> {
    let mut out = stream();
    match write(&mut out).and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Failure::usage(format!("standard output could not be written: {error}")))
        }
        _ => Ok(()),
    }
}
