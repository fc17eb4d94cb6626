//! Reads a settings folder, or texts that stand for one, into checked settings.

use super::connection::Connection;
use super::diagnostic::{Diagnostic, SettingsError};
use super::integrator::IntegratorSettings;
use super::schema::{SchemaOf, schema};
use super::source::Report;
use super::{Settings, check, shape, wire};
use crate::model::value::fold;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use toml::de::{DeTable, DeValue, ValueDeserializer};

/// The file of what all connections share.
const INTEGRATOR: &str = "integrator.toml";
/// The folder of the connections' files.
const CONNECTIONS: &str = "connections";
/// Said where a check forgot to say what is wrong.
const UNREADABLE: &str = "this cannot be read as settings";
/// How many keys that stand twice are shown of one file.
const REPEATED_KEYS: usize = 3;

/// One settings file as text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceFile {
    /// Relative to the settings folder: `integrator.toml` or `connections/NAME.toml`.
    pub path: PathBuf,
    /// Its content.
    pub text: String,
}

/// Reads and checks a settings folder. Errors hold every problem of every file.
pub fn load(folder: &Path) -> Result<Settings, SettingsError> {
    let folder = std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned());
    let (files, mut diagnostics) = gather(&folder);
    let result = read(&files, &folder);
    if diagnostics.is_empty() {
        return result;
    }
    if let Err(error) = result {
        // A file that could not be read is not missing as well.
        let unread = |of: &Diagnostic| {
            diagnostics
                .iter()
                .any(|known| known.file == of.file || Path::new(&known.file).starts_with(&of.file))
        };
        let more: Vec<Diagnostic> =
            error.diagnostics.into_iter().filter(|problem| !unread(problem)).collect();
        diagnostics.extend(more);
    }
    Err(SettingsError { diagnostics })
}

/// Reads and checks `integrator.toml` alone: for what is done before there is a connection.
pub fn load_integrator(folder: &Path) -> Result<IntegratorSettings, SettingsError> {
    let folder = std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned());
    let written = integrator_text(&folder)?;
    let mut report = Report::new(INTEGRATOR, &written);
    let checked = parse::<wire::integrator::Integrator>(&written, SchemaOf::Integrator, &mut report)
        .and_then(|file| check::integrator::integrator(&file, &folder, &mut report));
    let diagnostics = report.finish();
    match checked {
        Some(checked) if diagnostics.is_empty() => Ok(checked),
        _ => Err(SettingsError { diagnostics }),
    }
}

/// The data folder that `integrator.toml` names, whatever else of the settings is still missing or wrong. Errors
/// where it cannot be known.
pub fn data_folder(folder: &Path) -> Result<PathBuf, SettingsError> {
    let folder = std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned());
    let text = integrator_text(&folder)?;
    let mut report = Report::new(INTEGRATOR, &text);
    let parsed = parse::<wire::integrator::Integrator>(&text, SchemaOf::Integrator, &mut report);
    if let Some(file) = parsed
        && !report.is_damaged("data")
        && let Some(data) = check::integrator::data(&file, &folder, &mut report)
    {
        return Ok(data);
    }
    Err(SettingsError { diagnostics: report.finish() })
}

/// What is wrong with the file of one connection, whether it is written already or not, beside the other files of the
/// folder as they are.
pub fn judge_connection(file: &SourceFile, folder: &Path) -> Vec<Diagnostic> {
    let folder = std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned());
    let (mut files, _) = gather(&folder);
    files.retain(|other| other.path != file.path);
    files.push(file.clone());
    let name = shown(&file.path);
    match read(&files, &folder) {
        Ok(_) => Vec::new(),
        Err(error) => error.diagnostics.into_iter().filter(|problem| problem.file == name).collect(),
    }
}

fn integrator_text(folder: &Path) -> Result<String, SettingsError> {
    let unreadable = |error: &dyn std::fmt::Display| SettingsError {
        diagnostics: vec![unreadable(Path::new(INTEGRATOR), &error.to_string())],
    };
    let bytes = std::fs::read(folder.join(INTEGRATOR)).map_err(|error| unreadable(&error))?;
    String::from_utf8(bytes).map_err(|_| unreadable(&"it is not UTF-8 text"))
}

/// What can be served of a settings folder: the connections whose files are in order, and what is wrong with the
/// others. An error where `integrator.toml` itself cannot be used.
pub fn load_usable(folder: &Path) -> Result<(Settings, Vec<Diagnostic>), SettingsError> {
    let folder = std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned());
    let (files, mut problems) = gather(&folder);
    let Parts { integrator, connections, warnings, diagnostics } = parts(&files, &folder);
    problems.extend(diagnostics);
    match integrator {
        Some(integrator) if !problems.iter().any(|problem| problem.file == INTEGRATOR) => {
            Ok((Settings { integrator, connections, warnings }, problems))
        }
        _ => Err(SettingsError { diagnostics: problems }),
    }
}

/// The name by which commands call the connection of a settings file; `None` for another file.
pub fn connection_of(file: &str) -> Option<&str> {
    file.strip_prefix("connections/")?.strip_suffix(".toml")
}

/// What could be read, and everything that is wrong.
struct Parts {
    integrator: Option<IntegratorSettings>,
    connections: Vec<Connection>,
    warnings: Vec<Diagnostic>,
    diagnostics: Vec<Diagnostic>,
}

/// Checks settings that were read already; `folder` is where relative paths start.
pub fn read(files: &[SourceFile], folder: &Path) -> Result<Settings, SettingsError> {
    let Parts { integrator, connections, warnings, diagnostics } = parts(files, folder);
    match integrator {
        Some(integrator) if diagnostics.is_empty() => Ok(Settings { integrator, connections, warnings }),
        _ => Err(SettingsError { diagnostics }),
    }
}

fn parts(files: &[SourceFile], folder: &Path) -> Parts {
    let mut files: Vec<(String, &SourceFile)> = files.iter().map(|file| (shown(&file.path), file)).collect();
    files.sort_by(|(left, _), (right, _)| left.cmp(right));
    let mut diagnostics = Vec::new();
    let integrator = if let Some((path, file)) = files.iter().find(|(path, _)| path == INTEGRATOR) {
        let mut report = Report::new(path, &file.text);
        let checked = parse::<wire::integrator::Integrator>(&file.text, SchemaOf::Integrator, &mut report)
            .and_then(|written| check::integrator::integrator(&written, folder, &mut report));
        diagnostics.extend(report.finish());
        checked
    } else {
        let mut missing =
            Diagnostic::of_file(INTEGRATOR, format!("{} is missing", folder.join(INTEGRATOR).display()));
        missing.hint("`halo-integrator init` writes one; or name the settings folder with `--config`");
        diagnostics.push(missing);
        None
    };
    let mut warnings = Vec::new();
    let mut connections: Vec<Connection> = Vec::new();
    let mut names: BTreeMap<String, String> = BTreeMap::new();
    let mut any = false;
    for (path, file) in files.iter().filter(|(path, _)| path != INTEGRATOR) {
        any = true;
        let mut report = Report::new(path, &file.text);
        match read_connection(file, folder, &mut names, &mut report) {
            Some(connection) => connections.push(connection),
            // A connection must never be missing without a word.
            None if report.is_clean() => {
                report.error_of_file(UNREADABLE);
            }
            None => {}
        }
        warnings.extend(report.take_warnings());
        diagnostics.extend(report.finish());
    }
    if !any {
        let mut missing = Diagnostic::of_file(CONNECTIONS, "there is no connection");
        missing.hint("`halo-integrator init` writes `connections/NAME.toml`");
        diagnostics.push(missing);
    }
    Parts { integrator, connections, warnings, diagnostics }
}

fn read_connection(
    file: &SourceFile,
    folder: &Path,
    names: &mut BTreeMap<String, String>,
    report: &mut Report<'_>,
) -> Option<Connection> {
    let id = file.path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
    if id.is_empty() || !id.chars().all(|c| c.is_alphanumeric() || matches!(c, '-' | '_' | '.')) {
        report
            .error_of_file("commands call a connection by its file's name, which this one does not allow")
            .hint("rename the file to letters, digits, `-`, `_` and `.`");
    }
    let written = parse::<wire::connection::Connection>(&file.text, SchemaOf::Connection, report)?;
    let path = folder.join(&file.path);
    let checked = check::connection::connection(&written, id, &path, folder, report);
    let name = written.name.as_ref().map_or(id, |name| name.value.as_str());
    if let Some(other) = names.insert(fold(name), shown(&file.path)) {
        let message = format!("`{other}` has the same name");
        match &written.name {
            Some(name) => report.error(&name.span, message),
            None => report.error_of_file(message),
        };
        return None;
    }
    checked
}

/// The parts of a file that fit its schema. Nothing when its syntax is wrong: what follows is then guesswork.
fn parse<T: for<'de> Deserialize<'de>>(text: &str, of: SchemaOf, report: &mut Report<'_>) -> Option<T> {
    let (table, errors) = DeTable::parse_recoverable(text);
    let mut places: Vec<_> = errors
        .iter()
        .map(|error| (error.span().unwrap_or(text.len()..text.len()), error.message()))
        .collect();
    places.sort_by_key(|(span, _)| span.start);
    // Keys that stand twice are errors of their own; what follows any other error mostly follows from it.
    let is_twice = |(_, message): &(_, &str)| *message == "duplicate key";
    let told = if places.iter().all(is_twice) { REPEATED_KEYS } else { 1 };
    for (span, message) in places.iter().take(told) {
        report.error(span, format!("this is no TOML: {message}"));
    }
    if !errors.is_empty() {
        return None;
    }
    let span = table.span();
    let root = toml::Spanned::new(span, DeValue::Table(table.into_inner()));
    let fitting = shape::fit(root, &schema(of), report)?;
    match T::deserialize(ValueDeserializer::from(fitting)) {
        Ok(written) => Some(written),
        Err(error) => {
            // The error's own words may repeat a value, so only its place is shown.
            let span = error.span().unwrap_or(0..0);
            report.error(&span, UNREADABLE);
            None
        }
    }
}

/// The files of a folder, and what could not be read.
fn gather(folder: &Path) -> (Vec<SourceFile>, Vec<Diagnostic>) {
    let (mut files, mut problems) = (Vec::new(), Vec::new());
    let mut add = |path: PathBuf| match std::fs::read(folder.join(&path)) {
        Ok(bytes) => match String::from_utf8(bytes) {
            Ok(text) => files.push(SourceFile { path, text }),
            Err(_) => problems.push(unreadable(&path, "it is not UTF-8 text")),
        },
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => problems.push(unreadable(&path, &error.to_string())),
    };
    add(PathBuf::from(INTEGRATOR));
    let entries = match std::fs::read_dir(folder.join(CONNECTIONS)) {
        Ok(entries) => entries.collect::<Result<Vec<_>, io::Error>>(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(error),
    };
    match entries {
        Ok(entries) => {
            let mut names: Vec<PathBuf> = entries.into_iter().map(|entry| entry.file_name().into()).collect();
            names.sort();
            // Editors keep hidden copies beside the file.
            let is_hidden = |name: &Path| name.to_string_lossy().starts_with('.');
            for name in names.into_iter().filter(|name| !is_hidden(name)) {
                if name.extension().is_some_and(|ending| ending == "toml") {
                    add(Path::new(CONNECTIONS).join(name));
                }
            }
        }
        Err(error) => problems.push(unreadable(Path::new(CONNECTIONS), &error.to_string())),
    }
    (files, problems)
}

fn unreadable(path: &Path, problem: &str) -> Diagnostic {
    let file = shown(path);
    let message = format!("{file} cannot be read: {problem}");
    Diagnostic::of_file(file, message)
}

/// A path as messages show it on every system.
fn shown(path: &Path) -> String {
    path.to_string_lossy().replace('\\', "/")
}
