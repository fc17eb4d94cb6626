//! What earlier runs did, looked up by run, device or asset; and how long it is kept.
//!
//! Reads the store alone. It knows nothing of how outcomes come about.

use super::error::SyncError;
use super::world::World;
use crate::store::{HistoryLimits, Store};
use chrono::{DateTime, TimeDelta, Utc};
use futures_util::StreamExt;
use integrator_core::model::value::fold;
use integrator_core::model::{AssetId, DeviceId, RunId, RunRecord};
use integrator_core::plan::{Ending, HeldSpell, Outcome, OutcomeTally};
use serde::Serialize;

/// One thing that happened to a device.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum HistoryEntry {
    /// A run did something, or tried to.
    Outcome(Box<Outcome>),
    /// Runs left it alone.
    Held(HeldSpell),
}

impl HistoryEntry {
    /// When it was; of runs in a row, the last.
    pub fn at(&self) -> DateTime<Utc> {
        match self {
            Self::Outcome(outcome) => outcome.at,
            Self::Held(spell) => spell.last,
        }
    }

    /// The run; of runs in a row, the last.
    pub fn run(&self) -> &RunId {
        match self {
            Self::Outcome(outcome) => &outcome.run,
            Self::Held(spell) => &spell.last_run,
        }
    }

    /// As people read it, over several lines.
    pub fn text(&self) -> String {
        match self {
            Self::Outcome(outcome) => outcome.text(),
            Self::Held(spell) => spell.text(),
        }
    }

    fn connection(&self) -> &str {
        match self {
            Self::Outcome(outcome) => &outcome.connection,
            Self::Held(spell) => &spell.connection,
        }
    }
}

/// What happened to a device of a connection, newest first.
pub async fn of_device(
    store: &dyn Store,
    connection: &str,
    device: &DeviceId,
    limit: usize,
) -> Result<Vec<HistoryEntry>, SyncError> {
    let outcomes = store.outcomes_of_device(device.key(), limit).await?;
    let held = store.held_of_device(device.key()).await?;
    Ok(newest(outcomes, held, connection, limit))
}

/// What happened to an asset through a connection, newest first.
pub async fn of_asset(
    store: &dyn Store,
    connection: &str,
    asset: AssetId,
    limit: usize,
) -> Result<Vec<HistoryEntry>, SyncError> {
    Ok(newest(store.outcomes_of_asset(asset, limit).await?, Vec::new(), connection, limit))
}

fn newest(outcomes: Vec<Outcome>, held: Vec<HeldSpell>, connection: &str, limit: usize) -> Vec<HistoryEntry> {
    let outcomes = outcomes.into_iter().map(|outcome| HistoryEntry::Outcome(Box::new(outcome)));
    let mut entries: Vec<HistoryEntry> = outcomes
        .chain(held.into_iter().map(HistoryEntry::Held))
        .filter(|entry| entry.connection() == connection)
        .collect();
    // Stable: what one run did stays in its order.
    entries.sort_by_key(|entry| std::cmp::Reverse(entry.at()));
    entries.truncate(limit);
    entries
}

/// The devices of a connection that a person means by an id, a name or a serial number: an id that something is
/// known of, else every linked device of that name or serial number.
pub async fn devices_named(
    store: &dyn Store,
    connection: &str,
    text: &str,
) -> Result<Vec<DeviceId>, SyncError> {
    let id = DeviceId::from(text.trim());
    if !of_device(store, connection, &id, 1).await?.is_empty() {
        return Ok(vec![id]);
    }
    let wanted = fold(text);
    let mut found = Vec::new();
    let mut links = store.all_links(Some(connection));
    while let Some(chunk) = links.next().await {
        for link in chunk? {
            let named = fold(link.device.as_str()) == wanted || fold(&link.device_name) == wanted;
            if named || link.serial.as_deref() == Some(wanted.as_str()) {
                found.push(link.device);
            }
        }
    }
    Ok(found)
}

/// Which outcomes of a run are asked for.
#[derive(Clone, Debug, Default)]
pub struct OutcomeFilter {
    /// Only of this device: its id or name.
    pub device: Option<String>,
    /// Only of this asset.
    pub asset: Option<AssetId>,
    /// Only those that ended so.
    pub ending: Option<Ending>,
}

impl OutcomeFilter {
    fn takes(&self, entry: &HistoryEntry) -> bool {
        let (device, name, asset, ending) = match entry {
            HistoryEntry::Outcome(one) => (&one.device, &one.name, one.asset, one.outcome),
            HistoryEntry::Held(one) => (&one.device, &one.name, None, Ending::Held),
        };
        let is_device = |wanted: &String| {
            let wanted = fold(wanted);
            device.as_ref().is_some_and(|device| fold(device.as_str()) == wanted) || fold(name) == wanted
        };
        self.device.as_ref().is_none_or(is_device)
            && self.asset.is_none_or(|wanted| asset == Some(wanted))
            && self.ending.is_none_or(|wanted| ending == wanted)
    }

    /// Whether everything is asked for.
    pub fn is_all(&self) -> bool {
        self.device.is_none() && self.asset.is_none() && self.ending.is_none()
    }
}

/// Reads what became of a run's steps and devices, in order, and hands over what the filter takes. `None`: nothing
/// was ever kept of it.
pub async fn of_run(
    store: &dyn Store,
    run: &RunRecord,
    filter: &OutcomeFilter,
    mut with: impl FnMut(HistoryEntry),
) -> Result<OutcomeTally, SyncError> {
    let mut tally = store.outcome_tally(&run.run).await?.unwrap_or_default();
    if !tally.removed {
        let mut outcomes = store.outcomes_of_run(&run.run);
        while let Some(chunk) = outcomes.next().await {
            let entries = chunk?.into_iter().map(|outcome| HistoryEntry::Outcome(Box::new(outcome)));
            entries.filter(|entry| filter.takes(entry)).for_each(&mut with);
        }
    }
    let mut held = store.all_held();
    while let Some(chunk) = held.next().await {
        let its = |spell: &HeldSpell| spell.connection == run.connection && spell.covers(run.started);
        for spell in chunk?.into_iter().filter(its) {
            tally.add(Ending::Held);
            let entry = HistoryEntry::Held(spell);
            if filter.takes(&entry) {
                with(entry);
            }
        }
    }
    Ok(tally)
}

/// Removes what is older or more than the settings keep. It never fails a run: what is left goes with the next.
pub(crate) async fn prune(world: &World, store: &dyn Store) {
    let kept = world.settings.integrator.history;
    let before = world
        .clock
        .now()
        .checked_sub_signed(TimeDelta::days(i64::from(kept.keep_runs_days)))
        .unwrap_or(DateTime::<Utc>::MIN_UTC);
    let limits = HistoryLimits { before, outcomes: u64::from(kept.keep_outcomes) };
    match store.prune_history(limits).await {
        Ok(pruned) if pruned.runs + pruned.outcomes > 0 => {
            tracing::info!(runs = pruned.runs, outcomes = pruned.outcomes, "old history is removed");
        }
        Ok(_) => {}
        Err(error) => tracing::warn!(%error, "old history could not be removed"),
    }
}
