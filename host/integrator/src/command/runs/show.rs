//! `runs show`: one run with its notices, and what became of its devices.

use super::super::context::Context;
use super::super::failure::Failure;
use super::super::summary;
use super::find;
use crate::sync::ExitClass;
use crate::sync::history::{self, HistoryEntry, OutcomeFilter};
use clap::{Args, ValueEnum};
use integrator_core::model::{AssetId, RunRecord};
use integrator_core::plan::{Ending, OutcomeTally};
use serde::Serialize;
use std::fmt::Write;

/// The arguments of `runs show`.
#[derive(Debug, Args)]
pub(super) struct Asked {
    /// The run's id as `runs list` prints it, or `last`
    #[arg(value_name = "RUN")]
    run: String,
    #[command(flatten)]
    which: Which,
    /// Show so many devices
    #[arg(long, value_name = "N", default_value_t = 20)]
    limit: usize,
    /// Leave out so many first
    #[arg(long, value_name = "N", default_value_t = 0)]
    skip: usize,
}

/// Which devices of a run.
#[derive(Debug, Args)]
pub(super) struct Which {
    /// Only this device: its Intune id or name
    #[arg(long, value_name = "DEVICE")]
    device: Option<String>,
    /// Only this asset, by Halo's number
    #[arg(long, value_name = "N")]
    asset: Option<i64>,
    /// Only those that ended so
    #[arg(long, value_enum)]
    outcome: Option<Ended>,
}

/// How a device ended in a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Ended {
    /// Halo took it
    Written,
    /// Its answer was lost; the next run found that Halo has it
    Recovered,
    /// Halo refused it or did not answer clearly
    Failed,
    /// Not sent: the record changed after the plan was made
    Refused,
    /// Nothing was written, but what is known of it changed
    Remembered,
    /// Left alone because it could not be decided
    Held,
}

impl Which {
    pub(super) fn filter(self) -> OutcomeFilter {
        let ending = self.outcome.map(|ended| match ended {
            Ended::Written => Ending::Written,
            Ended::Recovered => Ending::Recovered,
            Ended::Failed => Ending::Failed,
            Ended::Refused => Ending::Refused,
            Ended::Remembered => Ending::Remembered,
            Ended::Held => Ending::Held,
        });
        OutcomeFilter { device: self.device, asset: self.asset.map(AssetId), ending }
    }
}

#[derive(Serialize)]
struct Document<'a> {
    run: &'a RunRecord,
    outcomes: Outcomes<'a>,
}

/// What became of a run's devices, as far as they are asked for.
#[derive(Serialize)]
struct Outcomes<'a> {
    /// Of all.
    counts: OutcomeTally,
    /// How many are asked for.
    matching: usize,
    /// How many of those stand before the first shown.
    skipped: usize,
    rows: &'a [HistoryEntry],
}

pub(super) async fn run(context: &Context, asked: Asked) -> Result<ExitClass, Failure> {
    let settings = context.settings()?;
    let world = context.world(settings);
    let store = world.store().await?;
    let record = find(&*store, &asked.run).await?;
    let filter = asked.which.filter();
    let mut rows = Vec::new();
    let mut matching = 0;
    let counts = history::of_run(&*store, &record, &filter, |entry| {
        if matching >= asked.skip && rows.len() < asked.limit {
            rows.push(entry);
        }
        matching += 1;
    })
    .await?;
    let shown = Outcomes { counts, matching, skipped: asked.skip.min(matching), rows: &rows };
    let text = || text(&record, &shown, &filter);
    context.output().data(text, &Document { run: &record, outcomes: Outcomes { rows: &rows, ..shown } })?;
    Ok(ExitClass::Done)
}

fn text(record: &RunRecord, shown: &Outcomes<'_>, filter: &OutcomeFilter) -> String {
    let mut text = summary::table(record);
    if filter.is_all() {
        for notice in &record.notices {
            let _ = write!(text, "\n  - {notice}");
        }
        if let Some(error) = &record.error {
            let _ = write!(text, "\n  error: {error}");
        }
    }
    let _ = write!(text, "\n\n{}", counts(&shown.counts));
    for row in shown.rows {
        let _ = write!(text, "\n{}", row.text());
    }
    let (count, first) = (shown.rows.len(), shown.skipped + 1);
    if !filter.is_all() && shown.matching == 0 {
        text.push_str("\nNone of them is what was asked for.");
    } else if count < shown.matching {
        let last = shown.skipped + count;
        let _ = write!(text, "\n{first} to {last} of {}: --limit and --skip show others", shown.matching);
    }
    text
}

fn counts(tally: &OutcomeTally) -> String {
    if tally.total() == 0 {
        return "outcomes: none".to_owned();
    }
    let parts: Vec<String> = Ending::ALL
        .iter()
        .filter(|ending| tally.of(**ending) > 0)
        .map(|ending| format!("{} {ending}", tally.of(*ending)))
        .collect();
    let gone = if tally.removed { "; removed to make room (data.keep_outcomes)" } else { "" };
    format!("outcomes: {}{gone}", parts.join(", "))
}
