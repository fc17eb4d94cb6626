//! `import`: plans, guards, applies and reports, for one connection or all that are enabled.

use super::allow::allowance;
use super::context::{Context, connection};
use super::failure::Failure;
use super::output::Form;
use super::summary;
use crate::sync::{self, ExitClass, ImportOptions, IndexReading, RunOutcome};
use clap::{Args, ValueEnum};
use integrator_core::model::{Entity, RunRecord, RunStatus};
use integrator_core::settings::connection::Enabled;
use integrator_core::settings::{GuardKind, Settings};
use serde::Serialize;

/// The arguments of `import`.
#[derive(Debug, Args)]
pub(super) struct Asked {
    /// Connections, by the names of their files; without names every enabled one
    #[arg(value_name = "CONNECTION")]
    connections: Vec<String>,
    /// Only this kind of record
    #[arg(long, value_enum)]
    only: Option<Only>,
    /// Only this device: its Intune id, name or serial number. Nothing is concluded about any other
    #[arg(long, value_name = "ID")]
    device: Option<String>,
    /// Read all of Halo's assets and users anew, not only what changed
    #[arg(long)]
    full: bool,
    /// Let a guard pass this once, by repeating the number it refused
    #[arg(long, value_name = "GUARD=N", value_parser = allowance)]
    allow: Vec<(GuardKind, u64)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Only {
    /// Devices as assets
    Assets,
    /// Tenants as clients
    Organisations,
}

impl Only {
    /// A device belongs to an import of assets.
    pub(super) fn check(only: Option<Self>, device: Option<&str>) -> Result<(), Failure> {
        if only == Some(Self::Organisations) && device.is_some() {
            return Err(Failure::usage("organisations have no devices")
                .hint("leave `--device` or `--only organisations` out"));
        }
        Ok(())
    }

    pub(super) fn entity(self) -> Entity {
        match self {
            Self::Assets => Entity::Assets,
            Self::Organisations => Entity::Organisations,
        }
    }
}

/// All runs of one command.
#[derive(Serialize)]
struct Document<'a> {
    runs: Vec<RunView<'a>>,
    exit: u8,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<&'a str>,
}

/// One run, as `--json` shows it.
#[derive(Serialize)]
struct RunView<'a> {
    summary: &'a RunRecord,
    exit: u8,
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<&'a str>,
    /// The command that goes on where a plan was refused or waits.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

pub(super) async fn run(context: &Context, asked: Asked) -> Result<ExitClass, Failure> {
    Only::check(asked.only, asked.device.as_deref())?;
    let settings = context.settings()?;
    let names = chosen(&settings, &asked.connections)?;
    let options = ImportOptions {
        only: asked.only.map(Only::entity),
        device: asked.device,
        index: if asked.full { IndexReading::Full } else { IndexReading::Changes },
        allow: asked.allow.into_iter().collect(),
    };
    let world = context.world(settings);
    let mut outcomes = Vec::new();
    for name in &names {
        let outcome = sync::import(&world, name, &options).await;
        context.progress().clear();
        if context.output().form == Form::Text {
            show(context, &outcome)?;
        }
        let interrupted = outcome.class == ExitClass::Interrupted || *world.stop.borrow();
        outcomes.push(outcome);
        if interrupted {
            break;
        }
    }
    let mut class = ExitClass::worst(outcomes.iter().map(|outcome| outcome.class));
    if outcomes.len() < names.len() {
        class = ExitClass::worst([class, ExitClass::Interrupted]);
    }
    if context.output().form == Form::Json {
        context.output().data(String::new, &document(&outcomes, class, &context.program()))?;
    }
    Ok(class)
}

/// The connections that were named, each once, or all that are enabled.
fn chosen(settings: &Settings, asked: &[String]) -> Result<Vec<String>, Failure> {
    let mut names: Vec<String> = Vec::new();
    for name in asked {
        let id = &connection(settings, name)?.id;
        if !names.contains(id) {
            names.push(id.clone());
        }
    }
    if asked.is_empty() {
        let enabled = settings.connections.iter().filter(|one| one.enabled == Enabled::Yes);
        names.extend(enabled.map(|one| one.id.clone()));
    }
    if names.is_empty() {
        return Err(Failure::usage("no connection is enabled")
            .hint("name the connections to import, or set `schedule.enabled = true` in one"));
    }
    Ok(names)
}

/// One run for people: the summary, what to know, what ended it, what to run next.
pub(super) fn show(context: &Context, outcome: &RunOutcome) -> Result<(), Failure> {
    let output = context.output();
    let record = &outcome.record;
    if record.run.0.is_empty() {
        // It could not even begin.
        summary::error(record, outcome.hint.as_deref());
        return Ok(());
    }
    let guards = summary::guards(&record.guards);
    output.text(&format!("{}\n{}{guards}", summary::table(record), summary::notices(&record.notices)))?;
    if record.status == RunStatus::Done && summary::wrote_nothing(&record.counts) {
        output.text("  Nothing to write: Halo is as Intune says.")?;
    }
    output.text("")?;
    summary::error(record, outcome.hint.as_deref());
    // Where the settings are wrong, the hint is what comes next.
    let next = summary::next(record, &context.program()).filter(|_| outcome.class != ExitClass::Settings);
    if let Some(next) = next {
        output.advice(&next);
    }
    Ok(())
}

/// One outcome as a document, for `apply`.
pub(super) fn print_document(context: &Context, outcome: &RunOutcome) -> Result<(), Failure> {
    context
        .output()
        .data(String::new, &document(std::slice::from_ref(outcome), outcome.class, &context.program()))
}

/// Whether nothing was written because a person has to decide.
fn stopped(outcome: &RunOutcome) -> bool {
    matches!(outcome.class, ExitClass::Refused | ExitClass::Waiting)
}

fn document<'a>(outcomes: &'a [RunOutcome], class: ExitClass, program: &str) -> Document<'a> {
    let decisive = outcomes.iter().find(|outcome| outcome.class == class && class != ExitClass::Done);
    Document {
        runs: outcomes
            .iter()
            .map(|outcome| RunView {
                summary: &outcome.record,
                exit: outcome.class.code(),
                hint: outcome.hint.as_deref(),
                next: stopped(outcome).then(|| summary::next(&outcome.record, program)).flatten(),
            })
            .collect(),
        exit: class.code(),
        error: decisive.and_then(|outcome| outcome.record.error.as_deref()),
        hint: decisive.and_then(|outcome| outcome.hint.as_deref()),
    }
}
