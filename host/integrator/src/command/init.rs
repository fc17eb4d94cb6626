//! `init`: writes a commented settings folder from flags or questions, and says what is to be done at Microsoft and
//! in Halo. Overwrites nothing unless it is told to.
//!
//! On a terminal it asks for what no flag gives, tries each answer at once on its side, and stores the secrets that
//! were typed. Elsewhere the flags are all there is, and nothing is tried.

mod answers;
mod interview;
mod prompter;
#[cfg(test)]
mod tests;

pub(super) use answers::Asked;

use super::context::Context;
use super::failure::Failure;
use super::files;
use super::folder::INTEGRATOR;
use super::is_terminal;
use crate::secrets::SecretKeeper;
use crate::sync::ExitClass;
use answers::{Answers, Given};
use integrator_core::ports::{Clock, SystemClock};
use prompter::{Prompter, Terminal};
use serde::Serialize;
use std::io;
use std::path::{Path, PathBuf};

#[derive(Serialize)]
struct Document {
    folder: PathBuf,
    files: Vec<PathBuf>,
    connection: String,
    /// Secrets that were stored.
    secrets: Vec<String>,
    next: Vec<String>,
}

pub(super) async fn run(context: &Context, asked: Asked) -> Result<ExitClass, Failure> {
    let can_ask = !asked.no_input && is_terminal(&io::stdin()) && is_terminal(&io::stderr());
    let mut terminal = Terminal::default();
    let person: Option<&mut dyn Prompter> = if can_ask { Some(&mut terminal) } else { None };
    carry_out(context, asked, person).await
}

/// The same with whoever answers; without anybody the flags are all there is.
async fn carry_out(
    context: &Context,
    mut asked: Asked,
    mut person: Option<&mut dyn Prompter>,
) -> Result<ExitClass, Failure> {
    let folder = context.folder();
    replaceable(&folder.join(INTEGRATOR), &mut asked, &mut person)?;
    let force = asked.force;
    let flags = asked.clone();
    let (answers, given) = match &mut person {
        Some(person) => interview::hold(context, asked, *person).await?,
        None => (Answers::complete(&asked)?, Given::default()),
    };
    let mut agreed = answers::Asked { force, ..flags };
    replaceable(&folder.join(answers.path()), &mut agreed, &mut person)?;
    // What was answered is judged before anything is written.
    let settings = answers.settings(&folder)?;
    agreed.name = Some(answers.name.clone());
    let keeper = SecretKeeper::new(&settings.integrator.data);
    let mut secrets = Vec::new();
    for (name, secret) in given.keeper(&settings.integrator.data, &agreed).into_typed() {
        keeper.set(&name, &secret, SystemClock.now())?;
        secrets.push(name);
    }
    let written = answers.files();
    for file in &written {
        files::replace(&folder.join(&file.path), &file.text)?;
    }
    let document = Document {
        folder: folder.clone(),
        files: written.iter().map(|file| folder.join(&file.path)).collect(),
        connection: answers.name.clone(),
        next: next(&context.program(), &answers, &secrets),
        secrets,
    };
    context.output().data(|| told(&document, &settings.integrator.halo.url, person.is_some()), &document)?;
    Ok(ExitClass::Done)
}

/// Whether a file may be written: it is not there, or a flag or a person says so.
fn replaceable(
    path: &Path,
    asked: &mut Asked,
    person: &mut Option<&mut dyn Prompter>,
) -> Result<(), Failure> {
    if asked.force || !files::exists(path) {
        return Ok(());
    }
    if let Some(person) = person
        && person.agree(&format!("{} exists already. Replace it?", path.display()), false)?
    {
        return Ok(());
    }
    Err(Failure::usage(format!("{} exists already, and nothing is overwritten", path.display())).hint(
        "name another folder with --config; for one more connection copy a file in `connections` and change it",
    ))
}

fn next(program: &str, answers: &Answers, stored: &[String]) -> Vec<String> {
    let missing = answers.stored().into_iter().filter(|name| !stored.iter().any(|known| known == name));
    let mut commands: Vec<String> = missing.map(|name| format!("secret set {name}")).collect();
    commands.extend([
        "check --online".to_owned(),
        format!("plan {}", answers.name),
        format!("import {}", answers.name),
    ]);
    commands.iter().map(|command| format!("{program} {command}")).collect()
}

fn told(document: &Document, halo: &str, was_asked: bool) -> String {
    let files: Vec<String> = document.files.iter().map(|file| format!("    {}", file.display())).collect();
    let next: Vec<String> = document.next.iter().map(|command| format!("    {command}")).collect();
    let (files, next) = (files.join("\n"), next.join("\n"));
    if was_asked {
        return format!("Written:\n{files}\n\nLook through the files. Then:\n{next}");
    }
    format!(
        "Written:
{files}

At Microsoft (Entra admin center > App registrations):
    1. Register an application for accounts in this directory only (single tenant). It needs no redirect address.
    2. API permissions > Microsoft Graph > Application permissions:
       DeviceManagementManagedDevices.Read.All; and User.Read.All only when details of users are read
       (`identifier` is sam-account-name or employee-id). Then grant admin consent.
    3. Certificates & secrets > New client secret. Its value is shown once.

In Halo ({halo}):
    Configuration > Integrations > Halo API > an application with the method
    \"Client ID and Secret (Services)\", whose agent may edit assets and read clients, sites and users.

Look through the files: types, fields, client and site must be named as Halo names them. Then:
{next}"
    )
}
