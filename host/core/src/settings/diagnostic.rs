//! What is wrong with the settings, said so that a person can put it right: the place, the text that stands
//! there, the problem and a hint.
//!
//! A diagnostic holds one line of a file at most, and never the value of a secret: [`super::source`] cuts it out
//! before the diagnostic is made.

use miette::{MietteError, MietteSpanContents, SourceCode, SourceSpan, SpanContents};
use serde::Serialize;
use std::fmt;

/// How much a diagnostic weighs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// The settings cannot be used.
    #[default]
    Error,
    /// They can, but something in them does nothing, or is about to go.
    Warning,
}

impl Severity {
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks with a reference")]
    fn is_error(&self) -> bool {
        *self == Self::Error
    }

    fn word(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
        }
    }
}

/// One problem of one settings file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Diagnostic {
    /// The file as messages name it: relative to the settings folder, with forward slashes.
    pub file: String,
    /// The line, counted from 1; absent when the problem is not at one place (a missing file).
    pub line: Option<usize>,
    /// The column of the offending text, in characters, counted from 1.
    pub column: Option<usize>,
    /// The line as it stands there, shortened where it is long, without the value of a secret.
    pub text: Option<String>,
    /// What is wrong.
    pub message: String,
    /// The way out.
    pub hint: Option<String>,
    /// How much it weighs.
    #[serde(skip_serializing_if = "Severity::is_error")]
    pub severity: Severity,
    /// Where the offending text starts in `text` and how long it is, in characters.
    #[serde(skip)]
    pub(super) mark: (usize, usize),
}

impl Diagnostic {
    /// A problem of a whole file or folder.
    pub(super) fn of_file(file: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            file: file.into(),
            line: None,
            column: None,
            text: None,
            message: message.into(),
            hint: None,
            severity: Severity::Error,
            mark: (0, 0),
        }
    }

    /// Adds the way out.
    pub(super) fn hint(&mut self, hint: impl Into<String>) -> &mut Self {
        self.hint = Some(hint.into());
        self
    }

    /// The place: `connections/contoso.toml:12:3`.
    pub fn place(&self) -> String {
        match (self.line, self.column) {
            (Some(line), Some(column)) => format!("{}:{line}:{column}", self.file),
            _ => self.file.clone(),
        }
    }

    /// Everything on one line: `connections/contoso.toml:12:3: … (hint: …)`.
    pub fn one_line(&self) -> String {
        let hint = self.hint.as_ref().map(|hint| format!(" ({hint})")).unwrap_or_default();
        format!("{}: {}{hint}", self.place(), self.message)
    }
}

/// Several lines without colours: the message, the place, the marked text, the hint.
impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.severity.word(), self.message)?;
        let number = self.line.map(|line| line.to_string()).unwrap_or_default();
        let gutter = " ".repeat(number.len());
        write!(f, "\n {gutter}--> {}", self.place())?;
        if let Some(text) = &self.text {
            let (start, length) = self.mark;
            let (indent, marks) = (" ".repeat(start), "^".repeat(length.max(1)));
            write!(f, "\n {gutter} |\n {number} | {text}\n {gutter} | {indent}{marks}")?;
        }
        if let Some(hint) = &self.hint {
            write!(f, "\n {gutter} = hint: {hint}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Diagnostic {}

impl miette::Diagnostic for Diagnostic {
    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.hint.as_ref().map(|hint| Box::new(hint) as Box<dyn fmt::Display>)
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        self.text.as_ref().map(|_| self as &dyn SourceCode)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = miette::LabeledSpan> + '_>> {
        let text = self.text.as_ref()?;
        let (start, length) = self.mark;
        let bytes = |count: usize| text.chars().take(count).map(char::len_utf8).sum::<usize>();
        let span = bytes(start)..bytes(start + length.max(1));
        Some(Box::new(std::iter::once(miette::LabeledSpan::new_with_span(None, span))))
    }
}

/// The one line that a diagnostic holds, under its own number.
impl SourceCode for Diagnostic {
    fn read_span<'a>(
        &'a self,
        _: &SourceSpan,
        _: usize,
        _: usize,
    ) -> Result<Box<dyn SpanContents<'a> + 'a>, MietteError> {
        let text = self.text.as_deref().unwrap_or_default();
        Ok(Box::new(MietteSpanContents::new_named(
            self.file.clone(),
            text.as_bytes(),
            (0, text.len()).into(),
            self.line.unwrap_or(1).saturating_sub(1),
            0,
            1,
        )))
    }
}

/// The settings cannot be used: everything that is wrong with them, in the order of files and lines.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, miette::Diagnostic)]
pub struct SettingsError {
    /// At least one.
    #[related]
    pub diagnostics: Vec<Diagnostic>,
}

/// All diagnostics, with an empty line between two.
impl fmt::Display for SettingsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, diagnostic) in self.diagnostics.iter().enumerate() {
            if index > 0 {
                f.write_str("\n\n")?;
            }
            diagnostic.fmt(f)?;
        }
        Ok(())
    }
}
