//! `runs`: what earlier runs did, to which device, and the way back from one.

mod export;
mod history;
mod revert;
mod show;

use super::context::{Context, connection};
use super::failure::Failure;
use super::output::{Form, aside};
use crate::store::Store;
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
    /// Show one run with its notices, and what became of its devices
    Show(show::Asked),
    /// Show what happened to a device, or to an asset, in all runs
    History(history::Asked),
    /// Write what became of a run's devices as CSV or JSON Lines
    Export(export::Asked),
    /// Make a plan that takes a run back
    Revert(revert::Asked),
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
    match asked.what {
        What::List { connection, limit } => list_runs(context, connection.as_deref(), limit).await,
        What::Show(asked) => show::run(context, asked).await,
        What::History(asked) => history::run(context, asked).await,
        What::Export(asked) => export::run(context, asked).await,
        What::Revert(asked) => revert::run(context, asked).await,
    }
}

async fn list_runs(context: &Context, only: Option<&str>, limit: usize) -> Result<ExitClass, Failure> {
    let settings = context.settings()?;
    let only = match only {
        Some(name) => Some(connection(&settings, name)?.id.clone()),
        None => None,
    };
    let world = context.world(settings);
    let store = world.store().await?;
    let runs = newest_first(store.runs(only.as_deref(), limit).await?);
    let sign_in_required = required(&world, only.as_deref());
    if context.output().form == Form::Text {
        for Required { connection, reason, hint } in &sign_in_required {
            aside(&format!("{connection}: a person has to sign in: {reason}\nhint: {hint}"));
        }
    }
    context.output().data(|| list(&runs), &Document { runs: &runs, sign_in_required })?;
    Ok(ExitClass::Done)
}

/// The run of that id, or the last one.
async fn find(store: &dyn Store, run: &str) -> Result<RunRecord, Failure> {
    let found = match run {
        "last" => newest_first(store.runs(None, WITHIN_A_SECOND).await?).into_iter().next(),
        id => store.run(&RunId(id.to_owned())).await?,
    };
    found.ok_or_else(|| {
        Failure::usage(format!("there is no run `{run}`")).hint("`runs list` shows the newest")
    })
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
