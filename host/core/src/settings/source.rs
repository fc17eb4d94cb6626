//! One settings file's text, and the problems found in it.
//!
//! Knows lines and columns, and what of a line must not be shown: the value of a key that names a secret, even
//! where the file cannot be parsed. Knows nothing of what the settings mean.

use super::diagnostic::{Diagnostic, Severity};
use std::collections::BTreeSet;
use std::ops::Range;

/// How many characters of a long line are shown.
const WINDOW: usize = 160;
/// How many characters of a value a message repeats.
const QUOTED: usize = 60;

/// A settings file while it is read: its text and what was found wrong.
#[derive(Debug)]
pub(super) struct Report<'t> {
    file: &'t str,
    text: &'t str,
    found: Vec<(usize, Diagnostic)>,
    /// What does not keep the settings from being used.
    warnings: Vec<(usize, Diagnostic)>,
    /// Top-level tables of which a part was struck out: what is missing there may only be unreadable.
    damaged: BTreeSet<String>,
}

/// Whether the diagnostic shows what follows its place on the line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Show {
    Line,
    /// Nothing after the place: an unknown key may be a misspelt secret.
    UpToHere,
}

impl<'t> Report<'t> {
    pub(super) fn new(file: &'t str, text: &'t str) -> Self {
        Self { file, text, found: Vec::new(), warnings: Vec::new(), damaged: BTreeSet::new() }
    }

    /// The diagnostics in the order of the file.
    pub(super) fn finish(mut self) -> Vec<Diagnostic> {
        self.found.sort_by_key(|(offset, _)| *offset);
        self.found.into_iter().map(|(_, diagnostic)| diagnostic).collect()
    }

    /// The warnings in the order of the file, taken out.
    pub(super) fn take_warnings(&mut self) -> Vec<Diagnostic> {
        let mut warnings = std::mem::take(&mut self.warnings);
        warnings.sort_by_key(|(offset, _)| *offset);
        warnings.into_iter().map(|(_, diagnostic)| diagnostic).collect()
    }

    pub(super) fn is_clean(&self) -> bool {
        self.found.is_empty()
    }

    pub(super) fn count(&self) -> usize {
        self.found.len()
    }

    /// Notes that a part of this table was struck out.
    pub(super) fn damage(&mut self, path: &str) {
        let table = path.split(['.', '[']).next().unwrap_or_default();
        self.damaged.insert(table.to_owned());
    }

    /// Whether something of this top-level table could not be read.
    pub(super) fn is_damaged(&self, table: &str) -> bool {
        self.damaged.contains(table)
    }

    /// A problem at a place.
    pub(super) fn error(&mut self, span: &Range<usize>, message: impl Into<String>) -> &mut Diagnostic {
        self.add(span, message.into(), Show::Line)
    }

    /// Something at a place that a person should know, though the settings can be used.
    pub(super) fn warn(&mut self, span: &Range<usize>, message: impl Into<String>) -> &mut Diagnostic {
        let (offset, mut diagnostic) = self.marked(span, message.into(), Show::Line);
        diagnostic.severity = Severity::Warning;
        let (_, added) = self.warnings.push_mut((offset, diagnostic));
        added
    }

    /// A problem with a key, whose value is not shown.
    pub(super) fn unknown_key(&mut self, span: &Range<usize>, message: impl Into<String>) -> &mut Diagnostic {
        self.add(span, message.into(), Show::UpToHere)
    }

    /// A problem of the whole file.
    pub(super) fn error_of_file(&mut self, message: impl Into<String>) -> &mut Diagnostic {
        self.push(0, Diagnostic::of_file(self.file, message))
    }

    /// A value as messages repeat it; not at all where it may be a secret.
    pub(super) fn quote(&self, span: &Range<usize>, value: &str) -> String {
        if self.secret_from(self.line_start(span.start)).is_some() {
            return "this value".to_owned();
        }
        quoted(value)
    }

    fn add(&mut self, span: &Range<usize>, message: String, show: Show) -> &mut Diagnostic {
        let (offset, diagnostic) = self.marked(span, message, show);
        self.push(offset, diagnostic)
    }

    fn marked(&self, span: &Range<usize>, message: String, show: Show) -> (usize, Diagnostic) {
        let start = self.boundary(span.start);
        let line_start = self.line_start(start);
        let line = self.line_at(line_start);
        let mut until = self.secret_from(line_start).unwrap_or(line.len());
        let end_in_line = self.boundary(span.end).saturating_sub(line_start).min(line.len());
        if show == Show::UpToHere {
            until = until.min(end_in_line);
        }
        let shown = line.get(..until).unwrap_or_default();
        let column = self.text.get(line_start..start).map_or(0, |before| before.chars().count());
        let end = line.get(..end_in_line).map_or(column, |text| text.chars().count());
        let number = self.text.get(..line_start).map_or(1, |before| before.matches('\n').count() + 1);
        let (text, mark) = window(shown, until < line.len(), column, end);
        let diagnostic = Diagnostic {
            file: self.file.to_owned(),
            line: Some(number),
            column: Some(column + 1),
            text: Some(text),
            message,
            hint: None,
            severity: Severity::Error,
            mark,
        };
        (start, diagnostic)
    }

    fn push(&mut self, offset: usize, diagnostic: Diagnostic) -> &mut Diagnostic {
        let (_, added) = self.found.push_mut((offset, diagnostic));
        added
    }

    /// The line, counted from 1, of a byte.
    pub(super) fn line_number(&self, offset: usize) -> usize {
        let offset = self.boundary(offset);
        self.text.get(..offset).map_or(1, |before| before.matches('\n').count() + 1)
    }

    fn boundary(&self, offset: usize) -> usize {
        let mut offset = offset.min(self.text.len());
        while !self.text.is_char_boundary(offset) {
            offset -= 1;
        }
        offset
    }

    fn line_start(&self, offset: usize) -> usize {
        let offset = self.boundary(offset);
        self.text.get(..offset).and_then(|before| before.rfind('\n')).map_or(0, |newline| newline + 1)
    }

    fn line_at(&self, start: usize) -> &'t str {
        self.text.get(start..).and_then(|rest| rest.lines().next()).unwrap_or_default()
    }

    /// From where in the line that starts here nothing may be shown, if it belongs to a secret.
    fn secret_from(&self, line_start: usize) -> Option<usize> {
        let line = self.line_at(line_start);
        if let Some(offset) = secret_value(line) {
            return Some(offset);
        }
        // A line that starts no key continues the value of one before it.
        let mut start = line_start;
        while !starts_something(self.line_at(start)) && start > 0 {
            start = self.line_start(start - 1);
            if secret_value(self.line_at(start)).is_some() {
                return Some(0);
            }
        }
        None
    }
}

/// Whether a line starts with a key, a table's header or a comment.
fn starts_something(line: &str) -> bool {
    let line = line.trim_start();
    if line.starts_with(['[', '#']) {
        return true;
    }
    let rest = line.trim_start_matches(|c: char| c.is_alphanumeric() || "_-.\"'".contains(c));
    rest.len() < line.len() && rest.trim_start().starts_with('=')
}

/// Where in a line a secret may start: the value of a key that names one, or an address with a password.
fn secret_value(line: &str) -> Option<usize> {
    // What stands before the `@` of an address may be a password.
    let address = line.find("://").map(|at| at + 3).filter(|start| {
        let rest = line.get(*start..).unwrap_or_default();
        rest.split(['"', '\'']).next().unwrap_or_default().contains('@')
    });
    if address.is_some() {
        return address;
    }
    let mut found = None;
    let mut rest = 0;
    while let Some(equals) = line.get(rest..).and_then(|tail| tail.find('=')).map(|at| rest + at) {
        let before = line.get(rest..equals).unwrap_or_default().trim_end_matches([' ', '\t', '"', '\'']);
        let key =
            before.rsplit(|c: char| !(c.is_alphanumeric() || "_-.".contains(c))).next().unwrap_or_default();
        if names_a_secret(key) {
            found = Some(equals + 1);
        } else if found.is_some() {
            break;
        }
        rest = equals + 1;
    }
    found
}

/// Whether a key's name, or what it may have been meant to be, names a secret.
pub(super) fn names_a_secret(key: &str) -> bool {
    let key = key.to_lowercase();
    let words = ["secret", "password", "credential", "token"];
    key.split(['.', '_', '-']).any(|part| {
        matches!(part, "key" | "pwd" | "pass")
            || words.iter().any(|word| part.contains(word) || strsim::osa_distance(part, word) <= 2)
    })
}

/// A value in backticks, made short and printable.
pub(super) fn quoted(value: &str) -> String {
    let mut text: String = value.chars().take(QUOTED).map(printable).collect();
    if value.chars().nth(QUOTED).is_some() {
        text.push('…');
    }
    format!("`{text}`")
}

/// A terminal must not obey what a settings file holds, and a tab must not move the marks.
fn printable(c: char) -> char {
    if c == '\t' {
        ' '
    } else if c.is_control() {
        '\u{fffd}'
    } else {
        c
    }
}

/// The part of a line around the marked characters, and where the mark is in it.
fn window(line: &str, cut: bool, start: usize, end: usize) -> (String, (usize, usize)) {
    let length = line.chars().count();
    let (start, end) = (start.min(length), end.clamp(start.min(length), length));
    let from = if length <= WINDOW { 0 } else { start.saturating_sub(WINDOW / 3) };
    let mut text = String::new();
    if from > 0 {
        text.push('…');
    }
    text.extend(line.chars().skip(from).take(WINDOW).map(printable));
    if cut {
        text.push_str(" …");
    } else if from + WINDOW < length {
        text.push('…');
    }
    let column = start - from + usize::from(from > 0);
    let marked = (end - start).min(text.chars().count().saturating_sub(column)).max(1);
    (text, (column, marked))
}
