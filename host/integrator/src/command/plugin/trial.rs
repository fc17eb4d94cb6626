//! `plugin try`: what a plugin would change on a connection's devices, beside what the settings say today. Writes
//! nothing.

use crate::command::context::Context;
use crate::command::failure::Failure;
use crate::sync::{self, ExitClass, TrialGroup, TrialReport};
use clap::Args;
use std::fmt::Write;

/// Groups that are shown where not all are asked for.
const SHOWN: usize = 20;

/// The arguments of `plugin try`.
#[derive(Debug, Args)]
pub(super) struct Asked {
    /// The plugin, by the name of its file in the folder `plugins`
    name: String,
    /// The connection whose devices it is tried on
    #[arg(long, value_name = "CONNECTION")]
    connection: String,
    /// For a field transform: the field whose mapping it is tried in, after the transforms that are there
    #[arg(long, value_name = "FIELD")]
    field: Option<String>,
    /// Show every group of differences
    #[arg(long)]
    all: bool,
}

pub(super) async fn run(context: &Context, asked: &Asked) -> Result<ExitClass, Failure> {
    let world = context.world(context.settings()?);
    let tried = sync::try_plugin(&world, &asked.connection, &asked.name, asked.field.as_deref()).await;
    context.progress().clear();
    let report = tried
        .map_err(|error| Failure { hint: error.hint.clone(), ..Failure::new(error.class, error.message) })?;
    let shown = if asked.all { usize::MAX } else { SHOWN };
    context.output().data(|| told(&report, shown), &report)?;
    Ok(if report.held > 0 { ExitClass::Partial } else { ExitClass::Done })
}

fn told(report: &TrialReport, shown: usize) -> String {
    let mut text = format!(
        "{} ({}), tried on {} devices: {} would differ, {} would be held. Nothing was written.\n",
        report.plugin, report.kind, report.devices, report.differ, report.held
    );
    for group in report.groups.iter().take(shown) {
        let _ = write!(text, "\n  {:>7}  {}", group.devices, change(group));
        let more = group.devices.saturating_sub(group.examples.len() as u64);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        let _ = write!(text, "\n           {}{more}", group.examples.join(", "));
    }
    if report.groups.len() > shown {
        let _ = write!(text, "\n\n  {} more groups: `--all` shows them", report.groups.len() - shown);
    }
    for notice in &report.notices {
        let _ = write!(text, "\n\n{notice}");
    }
    text
}

fn change(group: &TrialGroup) -> String {
    let value = |value: &Option<String>| value.clone().unwrap_or_else(|| "(empty)".to_owned());
    match (group.what.as_str(), &group.today, &group.with_plugin) {
        ("held", None, Some(why)) => format!("held: {why}"),
        ("held", Some(why), None) => format!("no longer held: {why}"),
        (what, today, with) => format!("{what}: {} -> {}", value(today), value(with)),
    }
}
