//! `plugin inspect`: what a plugin is, as far as it says itself, and why it would be refused.

use super::program::{Files, cache_folder};
use crate::command::context::Context;
use crate::command::failure::Failure;
use crate::sync::ExitClass;
use clap::Args;
use integrator_core::plugin::{About, PluginError};
use integrator_engines::identity::{digest, hexadecimal};
use integrator_engines::limits::Limits;
use integrator_engines::rhai as scripts;
use integrator_engines::wasm::{WasmEngine, inspect};
use serde::Serialize;
use std::fmt::Write;
use std::path::PathBuf;

/// The arguments of `plugin inspect`.
#[derive(Debug, Args)]
pub(super) struct Asked {
    /// Its file, the folder with its source, or its name in the settings folder
    #[arg(value_name = "FILE|DIR|NAME")]
    plugin: PathBuf,
}

/// What is known of a plugin.
#[derive(Debug, Serialize)]
pub(super) struct Document {
    name: String,
    file: PathBuf,
    engine: &'static str,
    /// Bytes.
    size: usize,
    sha256: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    kind: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    contract: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    imports: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    exports: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    summary: Option<String>,
    properties: Vec<&'static str>,
    settings: Vec<Setting>,
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<Problem>,
}

impl Document {
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn sha256(&self) -> &str {
        &self.sha256
    }

    pub(super) fn is_refused(&self) -> bool {
        self.problem.is_some()
    }
}

#[derive(Debug, Serialize)]
struct Setting {
    name: String,
    summary: String,
    required: bool,
}

#[derive(Debug, Serialize)]
struct Problem {
    message: String,
    hint: String,
}

pub(super) fn run(context: &Context, asked: &Asked) -> Result<ExitClass, Failure> {
    let document = document(&Files::find(context, &asked.plugin)?)?;
    let class = if document.problem.is_some() { ExitClass::Settings } else { ExitClass::Done };
    context.output().data(|| told(&document), &document)?;
    Ok(class)
}

/// The same of a file that was just built: a problem is the end.
pub(super) fn look(files: &Files) -> Result<Document, Failure> {
    let document = document(files)?;
    match document.problem {
        Some(problem) => Err(Failure::usage(problem.message).hint(problem.hint)),
        None => Ok(document),
    }
}

/// What is known of a plugin; a problem is part of it.
pub(super) fn document(files: &Files) -> Result<Document, Failure> {
    let bytes = files.read()?;
    Ok(if files.is_script() { script(files, &bytes) } else { component(files, &bytes) })
}

fn component(files: &Files, bytes: &[u8]) -> Document {
    let found = inspect(bytes);
    let about = match found.problem {
        Some(problem) => Err(problem),
        // What it says of itself comes from running it, under the limits of every plugin.
        None => WasmEngine::new(&cache_folder())
            .and_then(|engine| engine.about(&files.name, bytes, &Limits::default())),
    };
    let kind = found.kind.map(integrator_core::plugin::PluginKind::name);
    let document = Document {
        contract: found.contract,
        imports: found.imports,
        exports: found.exports,
        kind,
        ..empty(files, "wasm", found.size, found.digest)
    };
    with(document, about)
}

fn script(files: &Files, bytes: &[u8]) -> Document {
    let digest = hexadecimal(&digest(bytes));
    let about = scripts::about(&files.name, bytes, &Limits::default());
    with(empty(files, "rhai", bytes.len(), digest), about)
}

fn empty(files: &Files, engine: &'static str, size: usize, sha256: String) -> Document {
    Document {
        name: files.name.clone(),
        file: files.program.clone(),
        engine,
        size,
        sha256,
        kind: None,
        contract: None,
        imports: Vec::new(),
        exports: Vec::new(),
        summary: None,
        properties: Vec::new(),
        settings: Vec::new(),
        problem: None,
    }
}

fn with(document: Document, about: Result<About, PluginError>) -> Document {
    match about {
        Ok(about) => Document {
            kind: Some(about.kind.name()),
            summary: about.summary,
            properties: about.properties.iter().map(|property| property.name).collect(),
            settings: about
                .settings
                .into_iter()
                .map(|one| Setting { name: one.name, summary: one.summary, required: one.required })
                .collect(),
            ..document
        },
        Err(PluginError { message, hint }) => {
            Document { problem: Some(Problem { message, hint }), ..document }
        }
    }
}

/// For people: one fact a line.
pub(super) fn told(document: &Document) -> String {
    let mut text = String::new();
    let mut line = |name: &str, value: &str| {
        let _ = writeln!(text, "    {name:<12}{value}");
    };
    line("kind", document.kind.unwrap_or("none"));
    if let Some(summary) = &document.summary {
        line("summary", summary);
    }
    line("engine", document.engine);
    if let Some(contract) = &document.contract {
        line("contract", contract);
    }
    line("size", &format!("{} bytes", document.size));
    line("sha256", &document.sha256);
    list(&mut line, "imports", document.imports.iter().map(String::as_str));
    list(&mut line, "reads", document.properties.iter().copied());
    let settings: Vec<String> = document.settings.iter().map(Setting::told).collect();
    list(&mut line, "settings", settings.iter().map(String::as_str));
    if let Some(problem) = &document.problem {
        let _ = writeln!(text, "It would be refused: {}\nhint: {}", problem.message, problem.hint);
    }
    text
}

fn list<'a>(line: &mut impl FnMut(&str, &str), name: &str, values: impl Iterator<Item = &'a str>) {
    let mut name = name;
    for value in values {
        line(name, value);
        name = "";
    }
}

impl Setting {
    fn told(&self) -> String {
        let needed = if self.required { "" } else { " (optional)" };
        match self.summary.as_str() {
            "" => format!("{}{needed}", self.name),
            summary => format!("{}: {summary}{needed}", self.name),
        }
    }
}
