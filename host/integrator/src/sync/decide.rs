//! The second pass: the devices that the first could not settle, in the order of the spool, into the stored plan.
//!
//! Deciding is pure and runs on worker threads, stretch by stretch. A device whose decision and asset are as they
//! were costs nothing more; only the others are compared with Halo's values, by `planner`.

use super::details::DetailReader;
use super::error::SyncError;
use super::planner::Planner;
use super::plugins;
use super::progress::{Progress, ProgressEvent};
use super::resolve::{Resolved, spool_error};
use super::software::SoftwareSide;
use super::spool::{Spool, SpoolRow};
use chrono::{DateTime, Utc};
use futures_util::{StreamExt, stream};
use integrator_core::decide::decision::SiteReason;
use integrator_core::decide::rulebook::proposal::{Foretold, Subject};
use integrator_core::decide::{
    Calls, Counting, Decision, Knowledge, Rulebook, TypeRef, UserDecision, UserIndex, decide_asking,
};
use integrator_core::model::link::agreement;
use integrator_core::model::{Counts, Device, IdentityRow, LinkState, TypeId};
use integrator_core::plan::HeldDevice;
use integrator_core::resolve::Pair;
use integrator_core::settings::GuardKind;
use rustc_hash::FxHashMap;
use std::collections::BTreeMap;
use std::sync::Arc;
use tokio::sync::watch;

/// Rows decided at once on one thread.
const STRETCH: usize = 1024;
/// Stretches under way at once.
const AT_ONCE: usize = 3;

/// A device that has to be compared with Halo.
#[derive(Debug)]
pub(crate) struct Work {
    /// Its row, by index.
    pub(crate) row: u32,
    /// The device.
    pub(crate) device: Device,
    /// What it should become.
    pub(crate) decision: Decision,
}

/// What one stretch came to.
#[derive(Debug, Default)]
struct Decided {
    rows: u64,
    counts: Counts,
    work: Vec<Work>,
    held: Vec<HeldDevice>,
    ambiguous_users: Vec<String>,
    sites_elsewhere: u64,
    /// Devices by the type that each should have, without those that the sweep has decided.
    types: FxHashMap<TypeId, u64>,
    /// What proposals would change.
    foretold: Vec<Foretold>,
    /// Devices by the rule that decided on them and is about to go.
    going: BTreeMap<usize, u64>,
}

/// What every worker reads.
#[derive(Debug)]
pub(crate) struct Shared {
    /// The settings, bound.
    pub(crate) rulebook: Arc<Rulebook>,
    /// Halo's users by identifier.
    pub(crate) users: Arc<UserIndex>,
    /// Rows, pairs, links.
    pub(crate) resolved: Resolved,
    /// The run's clock.
    pub(crate) now: DateTime<Utc>,
    /// Only this device, by id, name or serial number, folded.
    pub(crate) only: Option<String>,
    /// Installed software, where it is imported and could be read.
    pub(crate) software: Option<SoftwareSide>,
}

impl Shared {
    /// Whether the run is about this device.
    pub(crate) fn names(&self, device: &Device) -> bool {
        if self.only.is_none() {
            return true;
        }
        let serial = device.text(integrator_core::model::Slot::SERIAL_NUMBER).unwrap_or_default();
        is_named(self, &[device.id.as_str(), device.name(), serial])
    }
}

/// Decides every device and hands what is not settled to the planner.
pub(crate) async fn decide_all(
    spool: &Arc<Spool>,
    shared: &Arc<Shared>,
    planner: &mut Planner<'_>,
    details: Option<&DetailReader<'_>>,
    progress: &dyn Progress,
    stop: &watch::Receiver<bool>,
) -> Result<(), SyncError> {
    let of = shared.resolved.rows.len() as u64;
    let mut open = settle(shared, &mut planner.sink.counts);
    if details.is_some() {
        // Rows are in the order of keys, and so are the details that are kept.
        open.sort_unstable();
    }
    let mut done = of - open.len() as u64;
    progress.event(ProgressEvent::Decided { done, of });
    let mut decided = stream::iter(open.chunks(STRETCH).map(<[u32]>::to_vec))
        .map(|rows| {
            let (shared, spool) = (Arc::clone(shared), Arc::clone(spool));
            async move {
                let Some(details) = details else {
                    return beside(move || {
                        let spooled = read_rows(&rows, &spool, &shared)?;
                        Ok(decide_stretch(&rows, spooled, &[], &shared))
                    })
                    .await;
                };
                let reading = (rows.clone(), Arc::clone(&shared));
                let mut spooled = beside(move || read_rows(&reading.0, &spool, &reading.1)).await?;
                let knowledge = details.complete(&rows, &mut spooled).await?;
                beside(move || Ok(decide_stretch(&rows, spooled, &knowledge, &shared))).await
            }
        })
        .buffered(AT_ONCE);
    let mut sites_elsewhere = 0;
    let mut ambiguous = Vec::new();
    let mut going: BTreeMap<usize, u64> = BTreeMap::new();
    while let Some(stretch) = decided.next().await {
        let stretch = stretch?;
        if *stop.borrow() {
            return Err(SyncError::interrupted());
        }
        done += stretch.rows;
        let counts = &mut planner.sink.counts;
        counts.devices_read += stretch.counts.devices_read;
        counts.devices_excluded += stretch.counts.devices_excluded;
        counts.devices_superseded += stretch.counts.devices_superseded;
        counts.assets_unchanged += stretch.counts.assets_unchanged;
        sites_elsewhere += stretch.sites_elsewhere;
        ambiguous.extend(stretch.ambiguous_users);
        planner.sink.tally.add_decided(stretch.types);
        planner.sink.foretell(stretch.foretold);
        for (rule, devices) in stretch.going {
            *going.entry(rule).or_default() += devices;
        }
        for held in stretch.held {
            let quarantined = shared.rulebook.plugins.set.has_taken_out(&held.reason);
            let kind = if quarantined { GuardKind::Quarantined } else { GuardKind::Held };
            planner.sink.held_as(held, kind).await?;
        }
        planner.plan(stretch.work).await?;
        progress.event(ProgressEvent::Decided { done, of });
    }
    planner.sink.notices.extend(going.into_iter().map(|(rule, devices)| {
        let noun = if devices == 1 { "device" } else { "devices" };
        format!("rule {rule} is deprecated, and decides on {devices} {noun}")
    }));
    if let Some(failures) = details.and_then(DetailReader::failures) {
        planner.sink.left_out = true;
        planner.sink.notices.push(failures);
    }
    if sites_elsewhere > 0 {
        planner.sink.notices.push(format!(
            "{sites_elsewhere} {} a user whose site belongs to another client: the asset starts at the default site, and is not moved",
            if sites_elsewhere == 1 { "device has" } else { "devices have" }
        ));
    }
    if !ambiguous.is_empty() {
        let more = ambiguous.len().saturating_sub(5);
        ambiguous.truncate(5);
        let more = if more > 0 { format!("; and {more} more") } else { String::new() };
        planner.sink.notices.push(format!(
            "Halo users share an identifier, so that nobody is linked: {}{more}",
            ambiguous.join("; ")
        ));
    }
    Ok(())
}

/// Counts the rows that need no second look, and gives the others in the order of the spool.
fn settle(shared: &Shared, counts: &mut Counts) -> Vec<u32> {
    let resolved = &shared.resolved;
    if shared.only.is_some() {
        return resolved.order.clone();
    }
    let mut open = Vec::new();
    for index in &resolved.order {
        let (Some(row), Some(pair)) =
            (resolved.rows.get(*index as usize), resolved.pairs.get(*index as usize))
        else {
            continue;
        };
        match pair {
            Pair::Excluded => counts.devices_excluded += 1,
            Pair::Superseded(_) => counts.devices_superseded += 1,
            Pair::Linked(link)
                if row.decision != 0
                    && holds(resolved, row, *link, row.decision)
                    && shared.software_holds(row.key) =>
            {
                counts.assets_unchanged += 1;
            }
            _ => {
                open.push(*index);
                continue;
            }
        }
        counts.devices_read += 1;
    }
    open
}

/// Whether a device's decision and its asset are as they were when they last agreed.
fn holds(resolved: &Resolved, row: &IdentityRow, link: u32, decision: u64) -> bool {
    resolved.links.get(link as usize).is_some_and(|link| {
        matches!(link.state, LinkState::Present | LinkState::Inactive)
            && link.serial == row.serial
            && resolved.digest(link.asset).is_some_and(|shown| link.agreed == agreement(decision, shown))
    })
}

async fn beside<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, SyncError> + Send + 'static,
) -> Result<T, SyncError> {
    tokio::task::spawn_blocking(work).await.map_err(|error| SyncError::bug(format!("deciding: {error}")))?
}

pub(super) fn read_rows(indices: &[u32], spool: &Spool, shared: &Shared) -> Result<Vec<SpoolRow>, SyncError> {
    let starts: Vec<u64> = indices
        .iter()
        .filter_map(|index| shared.resolved.rows.get(*index as usize).map(|row| row.spool.bytes()))
        .collect();
    spool.rows_at(&starts).map_err(spool_error)
}

/// Decides rows. `knowledge` says how much is known of each; where it is shorter, everything.
fn decide_stretch(indices: &[u32], rows: Vec<SpoolRow>, knowledge: &[Knowledge], shared: &Shared) -> Decided {
    let mut decided = Decided { rows: indices.len() as u64, ..Decided::default() };
    // A plugin that reads what only single reads tell was not asked about everybody before.
    let details = shared.rulebook.projection.details().next().is_some() || shared.rulebook.looks_closer();
    let counting = if details { Counting::Counted } else { Counting::Uncounted };
    let mut calls = Calls::new(&shared.rulebook.plugins, counting);
    let mut trying = Calls::new(&shared.rulebook.plugins, Counting::Uncounted);
    let all = knowledge.iter().copied().chain(std::iter::repeat(Knowledge::All));
    for ((index, row), knowledge) in indices.iter().zip(rows).zip(all) {
        decide_row(row, *index, knowledge, shared, (&mut calls, &mut trying), &mut decided);
        calls.end_device();
        trying.end_device();
    }
    plugins::tell(calls.take_log());
    plugins::tell(trying.take_log());
    if details {
        shared.rulebook.plugins.set.judge();
    }
    decided
}

fn decide_row(
    row: SpoolRow,
    index: u32,
    knowledge: Knowledge,
    shared: &Shared,
    (calls, trying): (&mut Calls<'_>, &mut Calls<'_>),
    decided: &mut Decided,
) {
    let resolved = &shared.resolved;
    let device = match row {
        SpoolRow::Device(device) => device,
        SpoolRow::Unreadable(unreadable) => {
            let id = unreadable.id.as_ref().map_or("", |id| id.as_str());
            let name = unreadable.name.clone().unwrap_or_else(|| id.to_owned());
            if shared.only.is_some() && !is_named(shared, &[id, &name]) {
                return;
            }
            decided.counts.devices_read += 1;
            decided.held.push(HeldDevice { device: unreadable.id, name, reason: unreadable.problem });
            return;
        }
    };
    if !shared.names(&device) {
        return;
    }
    decided.counts.devices_read += 1;
    let Some(pair) = resolved.pairs.get(index as usize) else { return };
    match pair {
        Pair::Excluded => {
            decided.counts.devices_excluded += 1;
            return;
        }
        Pair::Superseded(_) => {
            decided.counts.devices_superseded += 1;
            return;
        }
        Pair::Held(because) => {
            decided.held.push(held(&device, because.reason.clone()));
            return;
        }
        Pair::Linked(_) | Pair::Inherits(..) | Pair::Matched(..) | Pair::New => {}
    }
    let decision = match decide_asking(&shared.rulebook, &shared.users, &device, shared.now, knowledge, calls)
    {
        Ok(decision) => decision,
        Err(reason) => {
            decided.held.push(held(&device, reason));
            return;
        }
    };
    if shared.rulebook.looks_closer() {
        let (users, now) = (&*shared.users, shared.now);
        let subject = Subject { device: &device, knowledge, decision: &decision, users, now };
        shared.rulebook.foretell(subject, trying, &mut decided.foretold);
        if let Some(rule) = shared.rulebook.going(&decision) {
            *decided.going.entry(rule).or_default() += 1;
        }
    }
    if let TypeRef::Existing(asset_type) = decision.asset_type.asset_type
        && resolved.rows.get(index as usize).is_some_and(|row| row.decision == 0)
    {
        *decided.types.entry(asset_type).or_default() += 1;
    }
    if let UserDecision::Ambiguous(one, other) = decision.user {
        decided.ambiguous_users.push(format!("users {one} and {other} ({})", device.name()));
    }
    if decision.site.reason == SiteReason::OtherClient {
        decided.sites_elsewhere += 1;
    }
    if let Pair::Linked(link) = pair
        && let Some(row) = resolved.rows.get(index as usize)
        && holds(resolved, row, *link, decision.digest)
        && shared.software_holds(row.key)
    {
        decided.counts.assets_unchanged += 1;
        return;
    }
    decided.work.push(Work { row: index, device, decision });
}

fn is_named(shared: &Shared, names: &[&str]) -> bool {
    let fold = integrator_core::model::value::fold;
    shared.only.as_deref().is_none_or(|only| names.iter().any(|name| fold(name) == only))
}

fn held(device: &Device, reason: String) -> HeldDevice {
    HeldDevice { device: Some(device.id.clone()), name: device.name().to_owned(), reason }
}
