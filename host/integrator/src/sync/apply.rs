//! Carries out a plan, exactly: its steps in order, in batches, each journalled before it is sent and committed
//! when its answer is clear. Nothing is decided here but what an answer means.

mod answer;
mod clients;
mod creates;
mod history;
mod licences;
mod pairing;
mod preconditions;
mod read_back;
mod recover;
mod software;
mod types;
mod updates;

pub(crate) use preconditions::{Expected, Memories};
pub(crate) use recover::recover;

use super::error::SyncError;
use super::progress::{Progress, ProgressEvent};
use super::sink::{concluded, count};
use crate::halo::HaloClient;
use crate::store::{ChangeSet, Chunks, Durability, JournalEntry, JournaledStep, Lease, Store};
use answer::Told;
use chrono::{DateTime, Utc};
use futures_util::StreamExt;
use history::HeldBefore;
use integrator_core::model::{
    Asset, AssetId, AssetWrite, ClientId, Counts, DeviceKey, Link, RunId, SoftwareMemory, TenantId, TypeId,
};
use integrator_core::plan::{Ending, Line, Remember, Step, StepId, StepKind};
use licences::Licences;
use preconditions::{Standing, Verifier};
use rustc_hash::FxHashMap;
use software::SoftwareState;
use std::collections::BTreeMap;
use std::sync::Arc;
use tokio::sync::watch;

/// Store changes without a write that are committed together.
const REMEMBERED_AT_ONCE: usize = 1000;

/// Whether a step's expectations are checked once more before it is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Preconditions {
    /// The plan was made a moment ago by the same run.
    Fresh,
    /// The plan comes from the store or a file: each record must still look as the plan expects.
    Verify(Expected),
}

/// What an apply works with.
#[derive(Clone)]
pub(crate) struct ApplyContext<'a> {
    /// Writes.
    pub(crate) halo: &'a HaloClient,
    /// Remembers.
    pub(crate) store: &'a dyn Store,
    /// The right to write.
    pub(crate) lease: &'a Lease,
    /// The connection, by file name.
    pub(crate) connection: String,
    /// The connection's own tenant: that of lines which name none.
    pub(crate) tenant: TenantId,
    /// The run.
    pub(crate) run: RunId,
    /// Assets in one write at most.
    pub(crate) batch: usize,
    /// The run's clock.
    pub(crate) now: DateTime<Utc>,
    /// Whether to check expectations.
    pub(crate) preconditions: Preconditions,
    /// Listens.
    pub(crate) progress: Arc<dyn Progress>,
    /// Turns true when the run is to stop.
    pub(crate) stop: watch::Receiver<bool>,
    /// Steps of the plan, for progress.
    pub(crate) steps: u64,
}

/// What an apply came to.
#[derive(Clone, Debug, Default)]
pub(crate) struct Applied {
    /// What was really written.
    pub(crate) counts: Counts,
    /// Refusals and warnings.
    pub(crate) notices: Vec<String>,
    /// Distinct assets written.
    pub(crate) written: u64,
    /// The newest modification that answers showed.
    pub(crate) newest: Option<DateTime<Utc>>,
    /// Assets whose software, and titles whose licence, could not be written.
    pub(crate) software_failed: u64,
}

impl Applied {
    /// Whether something of the plan was not carried out.
    pub(crate) fn is_partial(&self) -> bool {
        self.counts.assets_failed > 0 || self.software_failed > 0
    }
}

/// A step whose write is complete.
#[derive(Clone, Debug)]
struct Ready {
    step: Step,
    write: AssetWrite,
    link: Link,
    /// What is remembered of its software once it is written.
    software: Option<SoftwareMemory>,
    /// Why it is sent without its software.
    refused_software: Option<String>,
}

/// A written asset whose answer told nothing of its values.
#[derive(Clone, Copy, Debug)]
struct Unseen {
    tenant: DeviceKey,
    device: DeviceKey,
    asset_type: Option<TypeId>,
}

/// An apply under way.
struct Applier<'a> {
    context: ApplyContext<'a>,
    applied: Applied,
    /// How many assets the next batch may hold: 1, then 2, then all, as answers prove readable.
    ramp: usize,
    creates: BTreeMap<Option<TypeId>, Vec<Ready>>,
    updates: Vec<Ready>,
    remembered: ChangeSet,
    /// The devices that the run before held, once one is held.
    held_before: Option<HeldBefore>,
    created_types: FxHashMap<StepId, TypeId>,
    created_clients: FxHashMap<StepId, ClientId>,
    /// The refusal of a write to a client: assets are written all the same, and the run ends with it.
    clients_refused: Option<SyncError>,
    failed_steps: FxHashMap<StepId, String>,
    highest: Option<AssetId>,
    journal_number: u64,
    steps_done: u64,
    /// Assets whose shown values no answer told yet.
    unseen: FxHashMap<AssetId, Unseen>,
    failures: Vec<String>,
    licences: Licences,
    software: SoftwareState,
    /// When the plan was made.
    made: Option<DateTime<Utc>>,
    /// Compares records with what the plan expects.
    verifier: Option<Verifier>,
    /// Steps that Halo already shows as done.
    done_before: u64,
}

/// Applies the steps of a plan. The result is given even when the apply ended early, together with the reason.
pub(crate) async fn apply(
    context: ApplyContext<'_>,
    mut lines: Chunks<String>,
) -> (Applied, Result<(), SyncError>) {
    let highest = match context.store.highest_asset().await {
        Ok(highest) => highest,
        Err(error) => return (Applied::default(), Err(error.into())),
    };
    let verifier = match context.preconditions {
        Preconditions::Fresh => None,
        Preconditions::Verify(expected) => {
            Some(Verifier::new(expected, &context.connection, &context.tenant))
        }
    };
    let mut applier = Applier {
        context,
        applied: Applied::default(),
        ramp: 1,
        creates: BTreeMap::new(),
        updates: Vec::new(),
        remembered: ChangeSet::default(),
        held_before: None,
        created_types: FxHashMap::default(),
        created_clients: FxHashMap::default(),
        clients_refused: None,
        failed_steps: FxHashMap::default(),
        highest,
        journal_number: 0,
        steps_done: 0,
        unseen: FxHashMap::default(),
        failures: Vec::new(),
        licences: Licences::default(),
        software: SoftwareState::default(),
        made: None,
        verifier,
        done_before: 0,
    };
    let result = applier.all(&mut lines).await;
    let remembered = applier.commit_remembered().await;
    applier.report();
    (applier.applied, result.and(remembered))
}

impl Applier<'_> {
    async fn all(&mut self, lines: &mut Chunks<String>) -> Result<(), SyncError> {
        while let Some(chunk) = lines.next().await {
            for line in chunk? {
                let line: Line = serde_json::from_str(&line)
                    .map_err(|error| SyncError::bug(format!("reading a plan's line: {error}")))?;
                match line {
                    Line::Titles(titles) => self.add_titles(titles),
                    Line::Step(step) => self.step(*step).await?,
                    // Where another plan was applied since, what is only remembered has gone on.
                    Line::Remember(_) if self.is_late() => {}
                    Line::Remember(remember) => self.remember(*remember).await?,
                    Line::Header(header) => self.made = Some(header.made),
                    Line::Held(held) => self.note_held(held).await?,
                    Line::Theirs(_) | Line::Footer(_) => {}
                }
            }
        }
        self.all_licences().await?;
        let types: Vec<Option<TypeId>> = self.creates.keys().copied().collect();
        for asset_type in types {
            while self.creates.get(&asset_type).is_some_and(|waiting| !waiting.is_empty()) {
                self.flush_creates(asset_type).await?;
            }
        }
        while !self.updates.is_empty() {
            self.flush_updates().await?;
        }
        self.read_back().await?;
        self.clients_refused.take().map_or(Ok(()), Err)
    }

    async fn step(&mut self, step: Step) -> Result<(), SyncError> {
        match step.kind {
            StepKind::CreateType => return self.create_type(step).await,
            StepKind::CreateClient => return self.create_client(step).await,
            StepKind::UpdateClient => return self.update_client(step).await,
            StepKind::CreateLicence => return self.create_licence(step).await,
            StepKind::CreateAsset | StepKind::UpdateAsset => {}
        }
        if step.software.is_some() {
            self.all_licences().await?;
        }
        let (Some(mut write), Some(link)) = (step.asset.clone(), step.link.clone()) else {
            return Err(SyncError::bug(format!("step {} has no write or no link", step.step)));
        };
        let mut link = link;
        for needed in &step.needs {
            if let Some(id) = self.created_types.get(needed) {
                write.type_id = Some(*id);
                link.type_id = Some(*id);
            } else if let Some(client) = self.created_clients.get(needed) {
                write.client = Some(*client);
            } else {
                let cause = self.failed_steps.get(needed).cloned();
                let cause = cause.unwrap_or_else(|| format!("step {needed} was not carried out"));
                self.fail(&step, &format!("it needs what failed: {cause}"));
                return Ok(());
            }
        }
        if let Some(verifier) = &mut self.verifier {
            match verifier.look(self.context.store, &step).await? {
                Standing::AsPlanned(later) => link = later.map_or(link, |later| *later),
                Standing::Done => {
                    self.done_before += 1;
                    self.steps_done += 1;
                    return Ok(());
                }
                Standing::Changed(difference) => {
                    self.not_done(&step, Ending::Refused, &difference);
                    return Ok(());
                }
            }
        }
        let mut ready = Ready { step, write, link, software: None, refused_software: None };
        self.fill_software(&mut ready)?;
        let Some(ready) = self.or_done(ready).await? else { return Ok(()) };
        if ready.write.id.is_some() {
            self.updates.push(ready);
            while self.updates.len() >= self.batch_size() {
                self.flush_updates().await?;
            }
        } else {
            let asset_type = ready.write.type_id;
            self.creates.entry(asset_type).or_default().push(ready);
            while self.creates.get(&asset_type).is_some_and(|waiting| waiting.len() >= self.batch_size()) {
                self.flush_creates(asset_type).await?;
            }
        }
        Ok(())
    }

    fn is_late(&self) -> bool {
        self.verifier.as_ref().is_some_and(|verifier| verifier.memories() == Memories::Later)
    }

    async fn remember(&mut self, remember: Remember) -> Result<(), SyncError> {
        self.note_remembered(&remember).await?;
        let own = remember.link.as_ref().map(|link| &link.tenant).or(remember.tenant.as_ref());
        let tenant = own.unwrap_or(&self.context.tenant).key();
        if let Some(link) = remember.link {
            if self.made.is_some_and(|made| concluded(&link, made)) {
                self.applied.counts.assets_deactivated += 1;
            }
            self.remembered.put_links.push(link);
        }
        self.remembered.remove_links.extend(remember.forget.map(|device| (tenant, device.key())));
        if self.remembered.put_links.len() >= REMEMBERED_AT_ONCE {
            self.commit_remembered().await?;
        }
        Ok(())
    }

    async fn commit_remembered(&mut self) -> Result<(), SyncError> {
        let mut changes = std::mem::take(&mut self.remembered);
        if changes.is_empty() {
            return Ok(());
        }
        changes.durability = Durability::Now;
        self.context.store.commit(Some(self.context.lease), changes).await?;
        Ok(())
    }

    fn batch_size(&self) -> usize {
        self.ramp.clamp(1, self.context.batch.max(1))
    }

    fn readable_answer(&mut self) {
        self.ramp = if self.ramp >= 2 { self.context.batch.max(1) } else { 2 };
    }

    fn stop_asked(&self) -> Result<(), SyncError> {
        if *self.context.stop.borrow() { Err(SyncError::interrupted()) } else { Ok(()) }
    }

    async fn journal(&mut self, batch: &[Ready]) -> Result<JournalEntry, SyncError> {
        self.journal_number += 1;
        let entry = JournalEntry {
            id: format!("{}-{:08}", self.context.run, self.journal_number),
            run: self.context.run.clone(),
            connection: self.context.connection.clone(),
            tenant: self.context.tenant.clone(),
            at: self.context.now,
            highest_asset: self.highest,
            steps: batch
                .iter()
                .map(|ready| JournaledStep {
                    step: ready.step.step.0.clone(),
                    device: ready.link.device.clone(),
                    link: ready.link.clone(),
                    write: ready.write.clone(),
                    told: history::told(&ready.step),
                })
                .collect(),
        };
        let changes = ChangeSet { put_journal: vec![entry.clone()], ..ChangeSet::default() };
        self.context.store.commit(Some(self.context.lease), changes).await?;
        Ok(entry)
    }

    async fn forget_journal(&mut self, entry: &JournalEntry) -> Result<(), SyncError> {
        let put_outcomes = std::mem::take(&mut self.remembered.put_outcomes);
        let remove_journal = vec![entry.id.clone()];
        let changes = ChangeSet { remove_journal, put_outcomes, ..ChangeSet::default() };
        self.context.store.commit(Some(self.context.lease), changes).await?;
        Ok(())
    }

    /// Commits what a batch came to: links, the index, the history, and the journal entry's end, at once.
    async fn commit_done(
        &mut self,
        entry: &JournalEntry,
        done: Vec<(Ready, Asset, Told)>,
        journal: Option<JournalEntry>,
    ) -> Result<(), SyncError> {
        let mut changes = ChangeSet::default();
        match journal {
            Some(left) => changes.put_journal.push(left),
            None => changes.remove_journal.push(entry.id.clone()),
        }
        changes.put_outcomes = std::mem::take(&mut self.remembered.put_outcomes);
        let before = self.before(&done).await?;
        for ((ready, asset, told), before) in done.into_iter().zip(before) {
            let mut link = ready.link.clone();
            answer::settle_link(&mut link, &ready.write, &asset, told);
            changes.put_outcomes.push(self.written(&ready, &link, before));
            if told == Told::Nothing {
                let (tenant, device) = (link.tenant.key(), link.device.key());
                self.unseen.insert(asset.id, Unseen { tenant, device, asset_type: asset.type_id });
            }
            if let Some(replaced) = &ready.step.replaces {
                changes.remove_links.push((link.tenant.key(), replaced.key()));
            }
            self.highest = self.highest.max(Some(asset.id));
            self.applied.newest = self.applied.newest.max(asset.modified);
            self.applied.written += 1;
            self.steps_done += 1;
            count(&mut self.applied.counts, &ready.step);
            changes.put_software.extend(ready.software);
            if let Some(reason) = &ready.refused_software {
                self.software_refused(&ready.step.name, reason);
            }
            changes.put_links.push(link);
            changes.put_assets.push(asset);
        }
        self.context.store.commit(Some(self.context.lease), changes).await?;
        self.told_progress();
        Ok(())
    }

    fn told_progress(&self) {
        self.context.progress.event(ProgressEvent::Written { done: self.steps_done, of: self.context.steps });
    }

    fn fail(&mut self, step: &Step, reason: &str) {
        self.not_done(step, Ending::Failed, reason);
    }

    fn not_done(&mut self, step: &Step, ending: Ending, reason: &str) {
        self.note(step, ending, Some(reason));
        self.steps_done += 1;
        self.applied.counts.assets_failed += 1;
        self.failed_steps.insert(step.step.clone(), reason.to_owned());
        self.failures.push(format!("{}: {reason}", step.name));
        self.told_progress();
    }

    fn warn(&mut self, warnings: Vec<String>) {
        for warning in warnings {
            let notice = format!("Halo warns: {warning}");
            if self.applied.notices.len() < 100 && !self.applied.notices.contains(&notice) {
                self.applied.notices.push(notice);
            }
        }
    }

    /// Failures as notices: the first twenty, and how many more.
    fn report(&mut self) {
        const SHOWN: usize = 20;
        self.report_software();
        if self.done_before > 0 {
            let steps = if self.done_before == 1 { "step was" } else { "steps were" };
            let notice = format!("{} {steps} done already: Halo shows what is planned", self.done_before);
            self.applied.notices.push(notice);
        }
        let more = self.failures.len().saturating_sub(SHOWN);
        self.failures.truncate(SHOWN);
        self.applied.notices.extend(self.failures.drain(..).map(|failure| format!("not written: {failure}")));
        if more > 0 {
            self.applied.notices.push(format!("not written: {more} more"));
        }
    }
}
