//! What became of each step, for the history: noted beside what it changes, and committed with it.

use super::{Applier, Ready};
use crate::store::{JournalEntry, JournaledStep, JournaledTold};
use crate::sync::error::SyncError;
use crate::sync::sink::concluded;
use futures_util::StreamExt;
use integrator_core::model::{
    Action, Asset, AssetId, DeviceKey, Link, LinkState, Member, RunId, RunStatus, TenantId,
};
use integrator_core::plan::{
    Change, Effect, Ending, HeldDevice, HeldSpell, Outcome, Part, Remember, Replaced, Step, StepKind,
    link_before, outcome_of,
};
use rustc_hash::FxHashMap;

/// Held devices of one run that are kept one by one. More than these have one cause, which the run's notices tell.
const HELD_KEPT: usize = 10_000;
/// Runs that are looked through for the one before this.
const RUNS_BACK: usize = 20;

/// The devices that earlier runs held.
#[derive(Debug)]
pub(super) struct HeldBefore {
    /// The spells that the connection's last run was part of, by device and reason.
    spells: FxHashMap<(DeviceKey, String), HeldSpell>,
    noted: usize,
}

/// What was known of an asset and of its device's link before a write.
pub(super) type Before = (Option<Asset>, Option<Link>);

impl Applier<'_> {
    /// What was known before a batch was written; creates have nothing before them.
    pub(super) async fn before<T, U>(&self, batch: &[(Ready, T, U)]) -> Result<Vec<Before>, SyncError> {
        let updates: Vec<&Ready> =
            batch.iter().map(|(ready, ..)| ready).filter(|ready| ready.write.id.is_some()).collect();
        let mut found: FxHashMap<AssetId, Before> = FxHashMap::default();
        let ids: Vec<AssetId> = updates.iter().filter_map(|ready| ready.write.id).collect();
        for (id, asset) in ids.iter().zip(self.context.store.assets(&ids).await?) {
            found.insert(*id, (asset, None));
        }
        let mut tenants: Vec<&TenantId> = updates.iter().map(|ready| &ready.link.tenant).collect();
        tenants.sort_unstable();
        tenants.dedup();
        for tenant in tenants {
            let of_tenant = updates.iter().filter(|ready| ready.link.tenant == *tenant);
            let asked: Vec<(AssetId, DeviceKey)> = of_tenant
                .filter_map(|ready| {
                    let device = ready.step.replaces.as_ref().unwrap_or(&ready.link.device);
                    Some((ready.write.id?, device.key()))
                })
                .collect();
            let keys: Vec<DeviceKey> = asked.iter().map(|(_, key)| *key).collect();
            for ((id, _), link) in asked.iter().zip(self.context.store.links(tenant.key(), &keys).await?) {
                if let Some(before) = found.get_mut(id) {
                    before.1 = link;
                }
            }
        }
        let of = |ready: &Ready| ready.write.id.and_then(|id| found.remove(&id)).unwrap_or_default();
        Ok(batch.iter().map(|(ready, ..)| ready).map(of).collect())
    }

    /// The outcome of a step that Halo took.
    pub(super) fn written(&self, ready: &Ready, link: &Link, before: Before) -> Outcome {
        let (asset, before) = before;
        let mut outcome = self.placed(outcome_of(&ready.step, Ending::Written, asset.as_ref()));
        outcome.asset = Some(link.asset);
        outcome.before = before.map(|link| Box::new(link_before(&link, &outcome.changes)));
        outcome.reason = ready.refused_software.as_ref().map(|why| format!("without its software: {why}"));
        if ready.software.is_none() {
            outcome.software = None;
        }
        outcome
    }

    /// Notes the end of a step without a batch of its own; it is committed with the next.
    pub(super) fn note(&mut self, step: &Step, ending: Ending, reason: Option<&str>) {
        let outcome = outcome_of(step, ending, None);
        let outcome = Outcome { reason: reason.map(str::to_owned), ..self.placed(outcome) };
        self.remembered.put_outcomes.push(outcome);
    }

    /// Notes what changes of a device without a write. Most of what is remembered changes nothing that people would
    /// look for, and leaves no outcome.
    pub(super) async fn note_remembered(&mut self, remember: &Remember) -> Result<(), SyncError> {
        let made = self.made.unwrap_or(self.context.now);
        let Some(link) = &remember.link else {
            let Some(device) = &remember.forget else { return Ok(()) };
            let tenant = remember.tenant.as_ref().unwrap_or(&self.context.tenant);
            let known = self.context.store.links(tenant.key(), &[device.key()]).await?;
            let Some(link) = known.into_iter().next().flatten() else { return Ok(()) };
            let outcome = self.remembered_outcome(&link, Effect::Update, &remember.reason);
            self.remembered.put_outcomes.push(outcome);
            return Ok(());
        };
        if link.since.timestamp_millis() != made.timestamp_millis() {
            return Ok(());
        }
        let known = self.context.store.links(link.tenant.key(), &[link.device.key()]).await?;
        let before = known.into_iter().next().flatten();
        let was_away = before
            .as_ref()
            .is_some_and(|link| matches!(link.state, LinkState::Deleted | LinkState::Inactive));
        let effect = match link.state {
            _ if concluded(link, made) => Effect::Deactivate,
            LinkState::Present if was_away => Effect::Recover,
            _ => Effect::Update,
        };
        let mut outcome = self.remembered_outcome(link, effect, &remember.reason);
        outcome.at = link.since;
        outcome.before = before.map(|link| Box::new(link_before(&link, &[])));
        self.remembered.put_outcomes.push(outcome);
        Ok(())
    }

    fn remembered_outcome(&self, link: &Link, effect: Effect, reason: &str) -> Outcome {
        self.placed(Outcome {
            device: Some(link.device.clone()),
            asset: Some(link.asset),
            reason: Some(reason.to_owned()),
            ..bare(&link.tenant, &link.device_name, effect, Ending::Remembered)
        })
    }

    fn placed(&self, outcome: Outcome) -> Outcome {
        let tenant = if outcome.tenant.0.is_empty() { self.context.tenant.clone() } else { outcome.tenant };
        Outcome {
            run: self.context.run.clone(),
            at: self.context.now,
            connection: self.context.connection.clone(),
            tenant,
            ..outcome
        }
    }

    /// Notes a device that is left alone: one that the run before left alone for the same reason only gets a new
    /// end.
    pub(super) async fn note_held(&mut self, held: HeldDevice) -> Result<(), SyncError> {
        let mut before = match self.held_before.take() {
            Some(before) => before,
            None => self.held_before().await?,
        };
        before.noted += 1;
        if before.noted <= HELD_KEPT {
            let (run, now) = (self.context.run.clone(), self.context.now);
            let fresh = HeldSpell {
                connection: self.context.connection.clone(),
                device: held.device,
                name: held.name,
                reason: held.reason,
                first_run: run.clone(),
                since: now,
                last_run: run,
                last: now,
                runs: 1,
            };
            let spell = match before.spells.remove(&(fresh.key(), fresh.reason.clone())) {
                Some(known) => HeldSpell {
                    first_run: known.first_run,
                    since: known.since,
                    runs: known.runs.saturating_add(1),
                    ..fresh
                },
                None => fresh,
            };
            self.remembered.put_held.push(spell);
        }
        self.held_before = Some(before);
        if self.remembered.put_held.len() >= super::REMEMBERED_AT_ONCE {
            self.commit_remembered().await?;
        }
        Ok(())
    }

    async fn held_before(&self) -> Result<HeldBefore, SyncError> {
        let connection = &self.context.connection;
        let runs = self.context.store.runs(Some(connection), RUNS_BACK).await?;
        let applied = runs.into_iter().filter(|run| {
            run.run != self.context.run
                && run.action != Action::Plan
                && matches!(run.status, RunStatus::Done | RunStatus::Partial)
        });
        // Ids order runs by whole seconds only.
        let last_run = applied.max_by_key(|run| run.started);
        let last_run = last_run.map(|run| run.run);
        let mut spells = FxHashMap::default();
        if last_run.is_some() {
            let mut all = self.context.store.all_held();
            while let Some(chunk) = all.next().await {
                let of_last = chunk?.into_iter().filter(|spell| {
                    spell.connection == *connection && last_run.as_ref() == Some(&spell.last_run)
                });
                spells.extend(of_last.map(|spell| ((spell.key(), spell.reason.clone()), spell)));
            }
        }
        Ok(HeldBefore { spells, noted: 0 })
    }
}

/// What the journal keeps of a step beside its write: only what the write itself does not say.
pub(super) fn told(step: &Step) -> Option<JournaledTold> {
    (step.kind == StepKind::UpdateAsset)
        .then(|| JournaledTold { effect: step.effect, changes: step.changes.clone() })
}

/// The outcome of a journalled write that turned out to be done. `asset` is what Halo shows, `before` the link that
/// the write had not replaced yet.
pub(super) fn recovered(
    entry: &JournalEntry,
    step: &JournaledStep,
    asset: &Asset,
    before: Option<&Link>,
) -> Outcome {
    let created = step.write.id.is_none();
    let changes: Vec<Replaced> = match &step.told {
        Some(told) => told.changes.iter().map(|change| Replaced::of(change, Some(asset))).collect(),
        None if created => sent(step).iter().map(|change| Replaced::of(change, None)).collect(),
        None => Vec::new(),
    };
    let effect = match &step.told {
        Some(told) => told.effect,
        None if created => Effect::Create,
        None => Effect::Update,
    };
    Outcome {
        run: entry.run.clone(),
        at: entry.at,
        connection: entry.connection.clone(),
        device: Some(step.device.clone()),
        asset: Some(asset.id),
        step: Some(if created { StepKind::CreateAsset } else { StepKind::UpdateAsset }),
        reason: Some("its answer was lost; the next run found that Halo has it".to_owned()),
        before: before.map(|link| Box::new(link_before(link, &changes))),
        changes,
        ..bare(&step.link.tenant, &step.link.device_name, effect, Ending::Recovered)
    }
}

/// What a create sent, as changes.
fn sent(step: &JournaledStep) -> Vec<Change> {
    let write = &step.write;
    let mut changes = Vec::new();
    let mut add = |part: Part, name: &str, to: String| {
        let reason = "sent when the asset was created".to_owned();
        changes.push(Change { part, name: name.to_owned(), from: None, to: Some(to), shown: None, reason });
    };
    if let Some(id) = write.type_id {
        add(Part::Type, "type", id.to_string());
    }
    if let Some(id) = write.site {
        add(Part::Site, "site", id.to_string());
    }
    if let Some(id) = write.status {
        add(Part::Status, "status", id.to_string());
    }
    for user in write.users.iter().flatten() {
        add(Part::User, "user", user.to_string());
    }
    for (member, value) in &write.members {
        let name = match member {
            Member::Field(_) => member.to_string(),
            Member::System(name) | Member::Custom { name, .. } => name.clone(),
        };
        add(Part::Member(member.clone()), &name, value.clone().unwrap_or_default());
    }
    changes
}

fn bare(tenant: &TenantId, name: &str, effect: Effect, outcome: Ending) -> Outcome {
    Outcome {
        run: RunId(String::new()),
        sequence: 0,
        at: chrono::DateTime::UNIX_EPOCH,
        connection: String::new(),
        tenant: tenant.clone(),
        device: None,
        name: name.to_owned(),
        asset: None,
        step: None,
        effect,
        outcome,
        reason: None,
        changes: Vec::new(),
        software: None,
        before: None,
    }
}
