//! `plugin test`: runs the cases of a plugin, or takes what it answers as what it has to answer.

use super::program::{Files, Program};
use crate::command::context::Context;
use crate::command::failure::Failure;
use crate::command::files;
use crate::sync::ExitClass;
use clap::Args;
use integrator_engines::cases;
use serde::Serialize;
use std::fmt::Write;
use std::path::PathBuf;

/// The arguments of `plugin test`.
#[derive(Debug, Args)]
pub(super) struct Asked {
    /// The folder with its source, its file, or its name in the settings folder
    #[arg(value_name = "DIR|FILE|NAME", default_value = ".", hide_default_value = true)]
    plugin: PathBuf,
    /// Write what the plugin answers into the cases, as what it has to answer
    #[arg(long)]
    bless: bool,
}

#[derive(Serialize)]
struct Document {
    plugin: String,
    file: PathBuf,
    cases: Vec<Case>,
    failed: usize,
    /// Whether the answers were written into the cases.
    blessed: bool,
}

#[derive(Serialize)]
struct Case {
    name: String,
    passed: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    problems: Vec<String>,
}

pub(super) fn run(context: &Context, asked: &Asked) -> Result<ExitClass, Failure> {
    let program = Program::read(Files::find(context, &asked.plugin)?)?;
    let mut file = program.cases()?;
    let load = |over: &_| program.load(over);
    if asked.bless {
        let text = cases::bless(&file, &load)?;
        files::replace(&program.files.cases, &text)?;
        file = program.cases()?;
    }
    let report = cases::run(&file, &load)?;
    let failed = report.failed();
    let document = Document {
        plugin: program.files.name.clone(),
        file: program.files.cases.clone(),
        cases: report
            .cases
            .into_iter()
            .map(|case| Case { passed: case.problems.is_empty(), name: case.name, problems: case.problems })
            .collect(),
        failed,
        blessed: asked.bless,
    };
    context.output().data(|| told(&document), &document)?;
    Ok(if failed == 0 { ExitClass::Done } else { ExitClass::Settings })
}

fn told(document: &Document) -> String {
    let mut text = String::new();
    for case in &document.cases {
        let _ = writeln!(text, "{}  {}", if case.passed { "passed" } else { "FAILED" }, case.name);
        for problem in &case.problems {
            let _ = writeln!(text, "        {problem}");
        }
    }
    let count = document.cases.len();
    let cases = if count == 1 { "case" } else { "cases" };
    let _ = match document.failed {
        0 => write!(text, "\n{}: {count} {cases} passed.", document.plugin),
        failed => write!(text, "\n{}: {failed} of {count} {cases} failed.", document.plugin),
    };
    if document.blessed {
        let _ = write!(text, " {} holds these answers now: look through it.", document.file.display());
    }
    text
}
