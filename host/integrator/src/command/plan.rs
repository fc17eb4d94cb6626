//! `plan`: works out what an import would write, shows it with reasons, and writes nothing.

mod diff;

use super::context::{Context, connection};
use super::failure::Failure;
use super::folder::quoted;
use super::import::Only;
use super::output::{Form, Output};
use super::summary;
use crate::sync::{self, ExitClass, IndexReading, PlanOptions, PlanOutcome, World};
use clap::Args;
use futures_util::StreamExt;
use integrator_core::model::{GuardVerdict, RunRecord, TenantId};
use integrator_core::plan::{Footer, Line, line_schema, text};
use serde::Serialize;
use serde_json::value::RawValue;
use std::fmt::Write;
use std::path::{Path, PathBuf};

/// Lines that are shown without `--all`.
pub(super) const SHOWN: usize = 50;

/// The arguments of `plan`.
#[derive(Debug, Args)]
pub(super) struct Asked {
    /// The connection, by the name of its file
    #[arg(value_name = "CONNECTION", required_unless_present_any = ["diff", "schema"])]
    connection: Option<String>,
    /// Only this kind of record
    #[arg(long, value_enum)]
    only: Option<Only>,
    /// Only this device: its Intune id, name or serial number
    #[arg(long, value_name = "ID")]
    device: Option<String>,
    /// Write the plan to this file as well
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Read all of Halo's assets and users anew, not only what changed
    #[arg(long)]
    full: bool,
    /// Show every step, not only the first 50
    #[arg(long)]
    all: bool,
    /// Compare two plans, each a file or the id of one that is kept: 0 where they do the same, 1 where they differ
    #[arg(long, num_args = 2, value_names = ["A", "B"], exclusive = true)]
    diff: Option<Vec<String>>,
    /// Print the JSON Schema of a plan's lines
    #[arg(long, exclusive = true)]
    schema: bool,
}

#[derive(Serialize)]
struct Document<'a> {
    summary: &'a RunRecord,
    #[serde(skip_serializing_if = "Option::is_none")]
    plan: Option<PlanView<'a>>,
    exit: u8,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<&'a str>,
}

#[derive(Serialize)]
struct PlanView<'a> {
    id: &'a str,
    file: &'a Path,
    /// Counts, guards, notices.
    footer: Option<&'a Footer>,
    /// The first lines, or all: steps, held devices, what is only remembered.
    lines: Vec<Box<RawValue>>,
    /// Lines that are not shown here.
    left_out: usize,
}

pub(super) async fn run(context: &Context, asked: Asked) -> Result<ExitClass, Failure> {
    if asked.schema {
        let schema = line_schema();
        context.output().data(|| format!("{schema:#}"), &schema)?;
        return Ok(ExitClass::Done);
    }
    if let Some([first, second]) = asked.diff.as_deref() {
        return diff::run(context, first, second).await;
    }
    Only::check(asked.only, asked.device.as_deref())?;
    let settings = context.settings()?;
    let name = connection(&settings, asked.connection.as_deref().unwrap_or_default())?.id.clone();
    let options = PlanOptions {
        only: asked.only.map(Only::entity),
        device: asked.device,
        out: asked.out.as_deref().map(|out| context.path(out)),
        index: if asked.full { IndexReading::Full } else { IndexReading::Changes },
    };
    let most = if asked.all { usize::MAX } else { SHOWN };
    let world = context.world(settings);
    let mut outcome = sync::plan(&world, &name, &options).await;
    if let (Some((_, file)), Some(out)) = (&mut outcome.plan, asked.out.as_ref()) {
        // As it was typed.
        file.clone_from(out);
    }
    context.progress().clear();
    match context.output().form {
        Form::Json => print_document(context.output(), &world, &outcome, most).await?,
        Form::Text => show(context, &world, &outcome, most, asked.out.as_deref()).await?,
    }
    Ok(outcome.class)
}

pub(super) async fn print_document(
    output: Output,
    world: &World,
    outcome: &PlanOutcome,
    most: usize,
) -> Result<(), Failure> {
    let mut lines = Vec::new();
    let mut left_out = 0;
    if let Some((id, _)) = &outcome.plan {
        each_line(world, id, |raw, line| {
            if !matches!(line, Line::Header(_) | Line::Footer(_)) {
                if lines.len() < most {
                    lines.extend(RawValue::from_string(raw.to_owned()));
                } else {
                    left_out += 1;
                }
            }
            Ok(())
        })
        .await?;
    }
    let failed = outcome.class != ExitClass::Done;
    let document = Document {
        summary: &outcome.record,
        plan: outcome.plan.as_ref().map(|(id, file)| PlanView {
            id,
            file,
            footer: outcome.footer.as_ref(),
            lines,
            left_out,
        }),
        exit: outcome.class.code(),
        error: outcome.record.error.as_deref().filter(|_| failed),
        hint: outcome.hint.as_deref(),
    };
    output.data(String::new, &document)
}

pub(super) async fn show(
    context: &Context,
    world: &World,
    outcome: &PlanOutcome,
    most: usize,
    out: Option<&Path>,
) -> Result<(), Failure> {
    let output = context.output();
    if outcome.record.run.0.is_empty() {
        summary::error(&outcome.record, outcome.hint.as_deref());
        return Ok(());
    }
    output.text(&summary::table(&outcome.record))?;
    let Some((id, file)) = &outcome.plan else {
        output.text(&summary::notices(&outcome.record.notices))?;
        summary::error(&outcome.record, outcome.hint.as_deref());
        return Ok(());
    };
    let (mut shown, mut left_out) = (0, 0);
    let (mut home, mut way_back) = (None, false);
    each_line(world, id, |_, line| {
        if let Line::Header(header) = &line {
            home = Some(header.tenant.clone());
            way_back = header.reverts.is_some();
        }
        let Some(words) = words(&line, home.as_ref()) else { return Ok(()) };
        if shown < most {
            if shown == 0 {
                output.text("")?;
            }
            shown += 1;
            output.text(&words)
        } else {
            left_out += 1;
            Ok(())
        }
    })
    .await?;
    if left_out > 0 {
        output.text(&format!("… and {left_out} more: --all shows them"))?;
    }
    if let Some(footer) = &outcome.footer {
        output.text(&footing(footer))?;
    }
    output.text(&format!("plan {id}: {}", file.display()))?;
    summary::error(&outcome.record, outcome.hint.as_deref());
    let steps = outcome.footer.as_ref().map_or(0, |footer| footer.steps);
    if steps == 0 && way_back {
        output.advice("Nothing to write.");
    } else if steps == 0 {
        output.advice("Nothing to write: Halo is as Intune says.");
    } else if matches!(outcome.class, ExitClass::Refused | ExitClass::Waiting) {
        if let Some(next) = summary::next(&outcome.record, &context.program()) {
            output.advice(&next);
        }
    } else {
        let plan = out.map_or_else(|| id.clone(), |path| quoted(&path.display().to_string()));
        output.advice(&format!("next: {} apply {plan}", context.program()));
    }
    Ok(())
}

/// Reads a stored plan line by line.
pub(super) async fn each_line(
    world: &World,
    id: &str,
    mut with: impl FnMut(&str, Line) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let store = world.store().await?;
    let mut chunks = store.plan_reader(id);
    while let Some(chunk) = chunks.next().await {
        for raw in chunk? {
            let line = serde_json::from_str(&raw).map_err(|error| {
                Failure::usage(format!("plan {id} has a line that cannot be read: {error}"))
                    .hint("make the plan anew")
            })?;
            with(&raw, line)?;
        }
    }
    Ok(())
}

fn words(line: &Line, home: Option<&TenantId>) -> Option<String> {
    match line {
        Line::Header(_) | Line::Titles(_) | Line::Footer(_) => None,
        Line::Step(step) => Some(text::step_of(step, home)),
        Line::Remember(remember) => Some(text::remember(remember)),
        Line::Held(held) => Some(text::held(held)),
        Line::Theirs(theirs) => Some(text::theirs(theirs)),
    }
}

fn footing(footer: &Footer) -> String {
    let mut text = format!("\n{} steps", footer.steps);
    let (over, others): (Vec<GuardVerdict>, Vec<GuardVerdict>) =
        footer.guards.iter().cloned().partition(GuardVerdict::is_over);
    if !others.is_empty() {
        let _ = write!(text, ", {} guards pass", others.len());
    }
    text.push_str(&summary::guards(&over));
    text.push_str(&summary::notices(&footer.notices));
    for foretold in footer.proposals.iter().filter(|foretold| !foretold.rows.is_empty()) {
        let _ = write!(text, "\n{} would be:", foretold.proposal);
        for row in &foretold.rows {
            let _ = write!(text, "\n  {}  {}: {:?} -> {:?}", row.name, row.what, row.now, row.then);
        }
        let more = (foretold.would_change + foretold.failed).saturating_sub(foretold.rows.len() as u64);
        if more > 0 {
            let _ = write!(text, "\n  … and {more} more");
        }
        text.push('\n');
    }
    text
}
