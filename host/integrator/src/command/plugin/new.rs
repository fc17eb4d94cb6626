//! `plugin new`: writes the folder of a new plugin. Overwrites nothing.

use super::kinds::{Kind, Language};
use super::{folders, templates};
use crate::command::context::Context;
use crate::command::failure::Failure;
use crate::command::{files, folder};
use crate::sync::ExitClass;
use clap::Args;
use serde::Serialize;
use std::path::{Path, PathBuf};

/// The arguments of `plugin new`.
#[derive(Debug, Args)]
pub(super) struct Asked {
    /// Its name: that of its folder, of its file, and in settings
    #[arg(value_name = "NAME")]
    name: String,
    /// What it is for
    #[arg(long, value_enum)]
    kind: Kind,
    /// What it is written in
    #[arg(long = "lang", value_enum, value_name = "LANGUAGE")]
    language: Language,
    /// Make its folder in this one, instead of the current one
    #[arg(long, value_name = "DIR", default_value = ".", hide_default_value = true)]
    into: PathBuf,
}

#[derive(Serialize)]
struct Document<'a> {
    name: &'a str,
    kind: &'a str,
    folder: &'a Path,
    files: Vec<PathBuf>,
    next: Vec<String>,
}

pub(super) fn run(context: &Context, asked: &Asked) -> Result<ExitClass, Failure> {
    let name = asked.name.as_str();
    folders::check_name(name)?;
    let place = asked.into.join(name);
    if files::exists(&place) {
        return Err(Failure::usage(format!(
            "{} exists already, and nothing is overwritten",
            place.display()
        ))
        .hint("choose another name, or another folder with --into DIR"));
    }
    let (source, written) = templates::files(name, asked.kind, asked.language);
    for file in &written {
        files::replace(&place.join(&file.path), &file.text)?;
    }
    let mut paths: Vec<PathBuf> = written.iter().map(|file| place.join(&file.path)).collect();
    paths.sort();
    let document = Document {
        name,
        kind: asked.kind.world(),
        folder: &place,
        files: paths,
        next: next(&context.program(), asked.language, &place),
    };
    context.output().data(|| told(&document, &place.join(&source)), &document)?;
    Ok(ExitClass::Done)
}

/// The commands that lead from here to a plugin that works.
fn next(program: &str, language: Language, place: &Path) -> Vec<String> {
    let shown = folder::quoted(&place.display().to_string());
    let mut commands: Vec<String> = match language {
        Language::Rust => vec!["rustup target add wasm32-unknown-unknown".to_owned()],
        Language::JavaScript => vec![format!("npm install --prefix {shown}")],
        Language::Python => {
            let at = |below: &str| folder::quoted(&place.join(below).display().to_string());
            let pip = if cfg!(windows) { at(".venv/Scripts/pip") } else { at(".venv/bin/pip") };
            let python = if cfg!(windows) { "py" } else { "python3" };
            vec![
                format!("{python} -m venv {}", at(".venv")),
                format!("{pip} install -r {}", at("requirements.txt")),
            ]
        }
        Language::Rhai => Vec::new(),
    };
    if language != Language::Rhai {
        commands.push(format!("{program} plugin build {shown}"));
    }
    commands.push(format!("{program} plugin test {shown}"));
    commands
}

fn told(document: &Document<'_>, source: &Path) -> String {
    let list = |lines: Vec<String>| lines.iter().map(|line| format!("    {line}\n")).collect::<String>();
    format!(
        "Written:\n{}\nThe code is in {}, what it has to answer in {}. Next:\n{}",
        list(document.files.iter().map(|path| path.display().to_string()).collect()),
        source.display(),
        document.folder.join("cases.json").display(),
        list(document.next.clone()),
    )
}
