//! `runs`: what earlier runs did.

use super::context::{Context, connection};
use super::failure::Failure;
use super::output::{Form, aside};
use super::summary;
use crate::sync::authorize::{SignInState, sign_in_state};
use crate::sync::{ExitClass, World};
use clap::{Args, Subcommand};
use integrator_core::model::{RunId, RunRecord};
use serde::Serialize;
use std::fmt::Write;

/// The arguments of `runs`.
#[derive(Debug, Args)]
pub(super) struct Asked {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// List the newest runs
    List {
        /// Only of this connection
        #[arg(value_name = "CONNECTION")]
        connection: Option<String>,
        /// How many
        #[arg(long, value_name = "N", default_value_t = 20)]
        limit: usize,
    },
    /// Show one run with its notices
    Show {
        /// The run's id as `runs list` prints it, or `last`
        #[arg(value_name = "RUN")]
        run: String,
    },
}

/// Ids of runs order them by whole seconds: so many may share the newest.
const WITHIN_A_SECOND: usize = 32;

/// In the order in which they began, the last one first.
fn newest_first(mut runs: Vec<RunRecord>) -> Vec<RunRecord> {
    runs.sort_by_key(|run| std::cmp::Reverse(run.started));
    runs
}

#[derive(Serialize)]
struct Document<'a> {
    runs: &'a [RunRecord],
    /// Connections that cannot run until a person signs in.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    sign_in_required: Vec<Required>,
}

#[derive(Serialize)]
struct Required {
    connection: String,
    reason: String,
    hint: String,
}

pub(super) async fn run(context: &Context, asked: Asked) -> Result<ExitClass, Failure> {
    let settings = context.settings()?;
    let only = match &asked.what {
        What::List { connection: Some(name), .. } => Some(connection(&settings, name)?.id.clone()),
        _ => None,
    };
    let world = context.world(settings);
    let store = world.store().await?;
    match asked.what {
        What::List { limit, .. } => {
            let runs = newest_first(store.runs(only.as_deref(), limit).await?);
            let sign_in_required = required(&world, only.as_deref());
            if context.output().form == Form::Text {
                for Required { connection, reason, hint } in &sign_in_required {
                    aside(&format!("{connection}: a person has to sign in: {reason}\nhint: {hint}"));
                }
            }
            context.output().data(|| list(&runs), &Document { runs: &runs, sign_in_required })?;
        }
        What::Show { run } => {
            let found = match run.as_str() {
                "last" => newest_first(store.runs(None, WITHIN_A_SECOND).await?).into_iter().next(),
                id => store.run(&RunId(id.to_owned())).await?,
            };
            let record = found.ok_or_else(|| {
                Failure::usage(format!("there is no run `{run}`")).hint("`runs list` shows the newest")
            })?;
            context.output().data(|| show(&record), &record)?;
        }
    }
    Ok(ExitClass::Done)
}

/// The connections that wait for a person, of those that are listed.
fn required(world: &World, only: Option<&str>) -> Vec<Required> {
    let listed = world.settings.connections.iter().filter(|one| only.is_none_or(|id| id == one.id));
    listed
        .filter_map(|one| match sign_in_state(&*world.tokens, one) {
            Ok(SignInState::Required { reason, hint }) => {
                Some(Required { connection: one.id.clone(), reason, hint })
            }
            _ => None,
        })
        .collect()
}

fn list(runs: &[RunRecord]) -> String {
    if runs.is_empty() {
        return "There was no run yet.".to_owned();
    }
    let id = runs.iter().map(|run| run.run.0.len()).max().unwrap_or(0);
    let connection = runs.iter().map(|run| run.connection.len()).max().unwrap_or(0).max("CONNECTION".len());
    let mut text = format!(
        "{:id$}  {:connection$}  {:6}  {:19}  {:11}  {:>8}  {:>7}  {:>7}  {:>7}  {:>6}\n",
        "RUN",
        "CONNECTION",
        "ACTION",
        "STARTED (UTC)",
        "STATUS",
        "SECONDS",
        "DEVICES",
        "CREATED",
        "UPDATED",
        "FAILED"
    );
    for run in runs {
        let _ = writeln!(
            text,
            "{:id$}  {:connection$}  {:6}  {:19}  {:11}  {:>8.1}  {:>7}  {:>7}  {:>7}  {:>6}",
            run.run.0,
            run.connection,
            run.action.to_string(),
            run.started.format("%Y-%m-%d %H:%M:%S").to_string(),
            run.status.to_string(),
            run.seconds,
            run.counts.devices_read,
            run.counts.assets_created,
            run.counts.assets_updated,
            run.counts.assets_failed,
        );
    }
    text
}

fn show(record: &RunRecord) -> String {
    let mut text = summary::table(record);
    for notice in &record.notices {
        let _ = write!(text, "\n  - {notice}");
    }
    text.push_str(&summary::guards(&record.guards));
    if let Some(error) = &record.error {
        let _ = write!(text, "\n  error: {error}");
    }
    text
}
