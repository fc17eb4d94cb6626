//! `plugin list`: the plugins of the settings folder, whether they are pinned, and which settings ask them.

use super::inspect;
use super::installed::{Installed, folder};
use super::program::Files;
use crate::command::context::Context;
use crate::command::failure::Failure;
use crate::sync::ExitClass;
use clap::Args;
use integrator_core::settings::{Connection, Program};
use serde::Serialize;
use std::fmt::Write;
use std::fs;
use std::path::Path;
use toml_edit::DocumentMut;

/// The arguments of `plugin list`.
#[derive(Debug, Args)]
pub(super) struct Asked {}

#[derive(Serialize)]
struct Document {
    plugins: Vec<Listed>,
}

#[derive(Serialize)]
struct Listed {
    plugin: inspect::Document,
    /// Whether `sha256` holds this file; nothing where no file is held.
    #[serde(skip_serializing_if = "Option::is_none")]
    pinned: Option<Pin>,
    cases: bool,
    used: Vec<Use>,
}

/// What a pin says of the file that is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
enum Pin {
    ThisFile,
    AnotherFile,
}

#[derive(Serialize)]
struct Use {
    connection: String,
    /// The setting.
    place: String,
}

pub(super) fn run(context: &Context, _: &Asked) -> Result<ExitClass, Failure> {
    let plugins = folder(context)?;
    let settings = context.settings()?;
    let mut all = Vec::new();
    for one in Installed::all(&plugins)? {
        let used = settings.connections.iter().flat_map(|connection| uses(connection, &one.name)).collect();
        let pin = pin(&one.settings)?;
        let cases = one.cases.is_file();
        let plugin = inspect::document(&Files::of_installed(one))?;
        let pinned = pin.map(|pin| if pin == plugin.sha256() { Pin::ThisFile } else { Pin::AnotherFile });
        all.push(Listed { plugin, pinned, cases, used });
    }
    let document = Document { plugins: all };
    let refused =
        document.plugins.iter().any(|one| one.pinned == Some(Pin::AnotherFile) || one.plugin.is_refused());
    context.output().data(|| told(&document, &plugins), &document)?;
    Ok(if refused { ExitClass::Settings } else { ExitClass::Done })
}

fn uses<'a>(connection: &'a Connection, name: &'a str) -> impl Iterator<Item = Use> + 'a {
    let named = move |program: &Program| matches!(program, Program::Named(used) if used == name);
    let uses = connection.plugin_uses().into_iter().filter(move |used| named(&used.program));
    uses.map(|used| Use { connection: connection.id.clone(), place: used.place.clone() })
}

/// The digest that a plugin's settings hold it to.
fn pin(settings: &Path) -> Result<Option<String>, Failure> {
    let text = match fs::read_to_string(settings) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(Failure::file("read", settings, &error)),
    };
    let document: DocumentMut = text.parse().map_err(|error| {
        Failure::usage(format!("{} is not TOML: {error}", settings.display())).hint("put right what is named")
    })?;
    Ok(document.get("sha256").and_then(|item| item.as_str()).map(str::to_owned))
}

fn told(document: &Document, plugins: &Path) -> String {
    if document.plugins.is_empty() {
        return format!("There is no plugin in {}.", plugins.display());
    }
    let mut text = String::new();
    for one in &document.plugins {
        let _ = write!(text, "{}\n{}", one.plugin.name(), inspect::told(&one.plugin));
        let pinned = match one.pinned {
            Some(Pin::ThisFile) => "yes",
            Some(Pin::AnotherFile) => "to another file: this one is refused until `plugin pin` names it",
            None => "no",
        };
        let _ = writeln!(text, "    {:<12}{pinned}", "pinned");
        let _ = writeln!(text, "    {:<12}{}", "cases", if one.cases { "yes" } else { "none" });
        if one.used.is_empty() {
            let _ = writeln!(text, "    {:<12}nowhere", "used");
        }
        for (index, used) in one.used.iter().enumerate() {
            let name = if index == 0 { "used" } else { "" };
            let _ = writeln!(text, "    {name:<12}{}: {}", used.connection, used.place);
        }
        text.push('\n');
    }
    text
}
