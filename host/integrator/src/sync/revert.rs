//! The way back from a run, as a plan like any other: made from what the run left in the history and from what Halo
//! shows now, judged by the guards, stored, and applied by `apply`.
//!
//! What is put back and what is left alone decides the core, one outcome after the other.

use super::approval::Passing;
use super::error::SyncError;
use super::options::Allowances;
use super::outcome::{ExitClass, PlanOutcome, RunOutcome};
use super::plan_file;
use super::session::Session;
use super::sink::PlanSink;
use super::unstarted;
use super::world::World;
use crate::store::{ChangeSet, Store};
use futures_util::StreamExt;
use integrator_core::model::{
    Action, Asset, AssetId, DeviceKey, Entity, Link, LinkState, RunId, RunRecord, RunStatus, TenantId,
};
use integrator_core::plan::revert::{Present, is_done};
use integrator_core::plan::{
    Ending, Fleet, Footer, HeldDevice, Judging, Outcome, Part, Reverted, StepKind, judge, plan_revert,
};
use integrator_core::settings::GuardKind;
use rustc_hash::{FxHashMap, FxHashSet};
use std::path::PathBuf;

/// Assets whose users are read singly for one plan, because lists do not tell them.
const USER_READS: usize = 500;
/// Records that stay in Halo and are named in a notice.
const NAMED: usize = 10;

/// How a run is taken back.
#[derive(Clone, Debug, Default)]
pub struct RevertOptions {
    /// Numbers that a person repeated to let a guard pass once.
    pub allow: Allowances,
    /// Where the plan is also written, besides the store.
    pub out: Option<PathBuf>,
}

/// Makes a plan that takes a run back, and stores it; writes nothing to Halo.
pub async fn revert(world: &World, run: &RunId, options: &RevertOptions) -> PlanOutcome {
    let found = match find(world, run).await {
        Ok(record) => world.connection(&record.connection).map(|connection| (record, connection)),
        Err(error) => Err(error),
    };
    let (record, connection) = match found {
        Ok(found) => found,
        Err(error) => {
            let RunOutcome { record, class, hint } = unstarted(world, "", Action::Plan, error);
            return PlanOutcome { record, class, hint, plan: None, footer: None };
        }
    };
    let mut session = Session::begin(world, connection, Action::Plan);
    session.reverts = Some(record.run.clone());
    let result = revert_in(&mut session, &record, options).await;
    let (class, hint) = session.finish(result).await;
    let plan = session.plan.as_ref().map(|plan| {
        let kept = world.settings.integrator.data.join("plans").join(format!("{plan}.jsonl"));
        (plan.clone(), options.out.clone().unwrap_or(kept))
    });
    PlanOutcome { record: session.record, class, hint, plan, footer: session.footer }
}

/// The run, if it can be taken back.
async fn find(world: &World, run: &RunId) -> Result<RunRecord, SyncError> {
    let store = world.store().await?;
    let Some(record) = store.run(run).await? else {
        return Err(SyncError::settings(format!("there is no run {run}"), "`runs list` shows the newest"));
    };
    if record.action == Action::Plan {
        return Err(SyncError::settings(
            format!("run {run} only made a plan: it wrote nothing that could be taken back"),
            "name the run that applied it; `runs list` shows the newest",
        ));
    }
    let kept = world.settings.integrator.history;
    match store.outcome_tally(run).await? {
        Some(tally) if tally.removed => Err(SyncError::settings(
            format!(
                "what run {run} wrote over is no longer kept: its outcomes were removed to make room (data.keep_outcomes = {})",
                kept.keep_outcomes
            ),
            "take back newer runs, or correct the values in Halo; raise data.keep_outcomes to keep more",
        )),
        Some(_) => Ok(record),
        None => {
            let counts = &record.counts;
            // The figures of a run that a guard refused only foretell.
            let wrote =
                record.status != RunStatus::Refused && counts.assets_created + counts.assets_updated > 0;
            let (message, hint) = if wrote {
                let message = format!("what run {run} wrote over was not kept");
                (message, "runs of versions that kept no outcomes cannot be taken back")
            } else {
                (format!("run {run} wrote nothing to Halo"), "`runs list` shows which runs did")
            };
            Err(SyncError::settings(message, hint))
        }
    }
}

async fn revert_in(
    session: &mut Session,
    record: &RunRecord,
    options: &RevertOptions,
) -> Result<ExitClass, SyncError> {
    let (store, lease) = session.lease().await?;
    let result = async {
        session.prepare_apply(&lease).await?;
        let footer = plan(session, &*store, record, &options.allow).await?;
        if let Some(out) = &options.out {
            plan_file::write(store.plan_reader(&session.run.0), out).await?;
        }
        Ok(session.judge(&footer, Passing::default()))
    }
    .await;
    store.release(lease).await?;
    result
}

async fn plan(
    session: &mut Session,
    store: &dyn Store,
    record: &RunRecord,
    allow: &Allowances,
) -> Result<Footer, SyncError> {
    let sink = session.begin_plan(store, Entity::Assets).await?;
    let mut way = WayBack {
        session,
        store,
        sink,
        seen: FxHashSet::default(),
        user_reads: 0,
        software: 0,
        stays: Vec::new(),
    };
    let mut outcomes = store.outcomes_of_run(&record.run);
    while let Some(chunk) = outcomes.next().await {
        way.chunk(chunk?).await?;
    }
    let notices = way.notices(record);
    let WayBack { mut sink, .. } = way;
    sink.notices.splice(0..0, notices);
    let linked = linked(session, store).await?;
    let fleet = Fleet { linked, devices: linked, live: linked, with_asset: linked };
    // What is left alone is told row by row and is no sign of trouble; types were not looked at one by one.
    sink.tally.lose_types();
    let judging = Judging { guards: &session.connection.guards, allow, baseline: None };
    let mut verdicts = judge(&sink.tally, fleet, judging, |id| id.to_string());
    verdicts.retain(|verdict| verdict.guard != GuardKind::Held.name());
    let footer = sink.finish(verdicts).await?;
    session.plan = Some(session.run.0.clone());
    session.footer = Some(footer.clone());
    Ok(footer)
}

/// Linked devices of the connection that are not concluded deleted.
async fn linked(session: &Session, store: &dyn Store) -> Result<u64, SyncError> {
    let mut count = 0;
    for tenant in session.connection.tenants() {
        let mut links = store.link_summaries(&session.connection.id, tenant.key());
        while let Some(chunk) = links.next().await {
            count += chunk?.iter().filter(|link| link.state != LinkState::Deleted).count() as u64;
        }
    }
    Ok(count)
}

/// A plan of the way back while it is made.
struct WayBack<'a> {
    session: &'a Session,
    store: &'a dyn Store,
    sink: PlanSink,
    /// Assets that the plan has dealt with.
    seen: FxHashSet<AssetId>,
    user_reads: usize,
    /// Assets whose software the run wrote.
    software: u64,
    /// Types, clients and licences that the run created.
    stays: Vec<String>,
}

impl WayBack<'_> {
    async fn chunk(&mut self, outcomes: Vec<Outcome>) -> Result<(), SyncError> {
        for outcome in &outcomes {
            if matches!(outcome.outcome, Ending::Written | Ending::Recovered) {
                self.software += u64::from(outcome.software.is_some());
                let noun = match outcome.step {
                    Some(StepKind::CreateType) => "asset type",
                    Some(StepKind::CreateClient) => "client",
                    Some(StepKind::UpdateClient) => "tenant of client",
                    Some(StepKind::CreateLicence) => "licence",
                    _ => continue,
                };
                self.stays.push(format!("{noun} \"{}\"", outcome.name));
            }
        }
        let done: Vec<Outcome> = outcomes.into_iter().filter(is_done).collect();
        let assets = self.assets(&done).await?;
        let links = self.links(&done).await?;
        for outcome in &done {
            let Some(id) = outcome.asset else { continue };
            let known = assets.get(&id);
            let full = match known {
                Some(asset) => self.with_users(outcome, asset).await?,
                None => None,
            };
            let key =
                (outcome.tenant.key(), outcome.device.as_ref().map(integrator_core::model::DeviceId::key));
            let link = links.get(&key);
            let present = Present { asset: full.as_ref().or(known), link, now: self.session.now };
            if self.seen.insert(id) {
                self.settle(outcome, plan_revert(outcome, present)).await?;
            } else {
                let twice = "the run wrote to it more than once; take the rest back by hand";
                self.settle(outcome, Reverted { left: vec![twice.to_owned()], ..Reverted::default() })
                    .await?;
            }
        }
        Ok(())
    }

    async fn assets(&self, done: &[Outcome]) -> Result<FxHashMap<AssetId, Asset>, SyncError> {
        let ids: Vec<AssetId> = done.iter().filter_map(|outcome| outcome.asset).collect();
        let found = self.store.assets(&ids).await?;
        Ok(found.into_iter().flatten().map(|asset| (asset.id, asset)).collect())
    }

    async fn links(
        &self,
        done: &[Outcome],
    ) -> Result<FxHashMap<(DeviceKey, Option<DeviceKey>), Link>, SyncError> {
        let mut tenants: Vec<&TenantId> = done.iter().map(|outcome| &outcome.tenant).collect();
        tenants.sort_unstable();
        tenants.dedup();
        let mut found = FxHashMap::default();
        for tenant in tenants {
            let its = done.iter().filter(|outcome| outcome.tenant == *tenant);
            let keys: Vec<DeviceKey> = its
                .filter_map(|outcome| outcome.device.as_ref().map(integrator_core::model::DeviceId::key))
                .collect();
            for (key, link) in keys.iter().zip(self.store.links(tenant.key(), &keys).await?) {
                found.extend(link.map(|link| ((tenant.key(), Some(*key)), link)));
            }
        }
        Ok(found)
    }

    /// The asset with its users, where the run wrote those and no list tells them.
    async fn with_users(&mut self, outcome: &Outcome, asset: &Asset) -> Result<Option<Asset>, SyncError> {
        let wrote = outcome.step == Some(StepKind::UpdateAsset)
            && outcome.changes.iter().any(|change| change.part == Part::User);
        if !wrote || asset.users.is_some() || asset.username.is_none() || self.user_reads >= USER_READS {
            return Ok(None);
        }
        self.user_reads += 1;
        let Some(read) = self.session.halo()?.asset(asset.id).await? else { return Ok(None) };
        let full = Asset { users: Some(read.users.unwrap_or_default()), ..asset.clone() };
        let changes = ChangeSet { put_assets: vec![full.clone()], ..ChangeSet::default() };
        self.store.commit(None, changes).await?;
        Ok(Some(full))
    }

    async fn settle(&mut self, outcome: &Outcome, reverted: Reverted) -> Result<(), SyncError> {
        let Reverted { step, remember, left } = reverted;
        if let Some(step) = step {
            self.sink.step(*step).await?;
        }
        if let Some(remember) = remember {
            self.sink.remember(*remember).await?;
        }
        if !left.is_empty() {
            let held = HeldDevice {
                device: outcome.device.clone(),
                name: outcome.name.clone(),
                reason: format!("left as it is: {}", left.join("; ")),
            };
            self.sink.held(held).await?;
        }
        Ok(())
    }

    /// What people should know before they apply it.
    fn notices(&self, record: &RunRecord) -> Vec<String> {
        let mut notices = vec![format!(
            "takes back run {} ({} of {}): what it wrote is put back where Halo still shows it, and what it created is deactivated",
            record.run,
            record.action,
            record.started.format("%Y-%m-%d %H:%M UTC"),
        )];
        if self.sink.counts.assets_updated + self.sink.remembered == 0 {
            notices.push("nothing of the run is left to take back".to_owned());
            return notices;
        }
        notices.push(
            "the next import decides anew and writes the same again, unless its cause is mended first: correct the settings or Intune, or set `schedule.enabled = false` meanwhile; assets that are deactivated here stay so"
                .to_owned(),
        );
        if self.software > 0 {
            notices.push(format!("the software that the run wrote to {} assets stays", self.software));
        }
        if !self.stays.is_empty() {
            let more = self.stays.len().saturating_sub(NAMED);
            let mut names: Vec<String> = self.stays.iter().take(NAMED).cloned().collect();
            if more > 0 {
                names.push(format!("{more} more"));
            }
            notices.push(format!("stays in Halo: {}", names.join(", ")));
        }
        notices
    }
}
