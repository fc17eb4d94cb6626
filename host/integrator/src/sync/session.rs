//! One run of one connection, from its first request to its record.

use super::apply::{self, Applied, ApplyContext, Preconditions};
use super::error::SyncError;
use super::index::{advance_mark, keep_summaries, refresh_assets, refresh_users};
use super::options::{Allowances, IndexReading};
use super::organisations::{Survey, Surveyed, Upkeep, survey};
use super::outcome::{ExitClass, RunOutcome};
use super::resolve::Known;
use super::sink::PlanSink;
use super::software::SoftwareReading;
use super::sweep::{Basis, Swept};
use super::tenants::{View, sweep_view, tenant_users, views};
use super::world::World;
use super::{catalogue, complete, history, people};
use crate::halo::{DiscoveredAddress, HaloClient};
use crate::store::{ChangeSet, Chunks, Lease, Store};
use chrono::{DateTime, Utc};
use integrator_core::decide::rulebook::client_named;
use integrator_core::decide::{ClientSource, NameProblem, Rulebook, UserIndex};
use integrator_core::model::{
    Action, AssetId, Catalogue, Counts, DeviceKey, Entity, RunId, RunRecord, RunStatus, TenantId,
};
use integrator_core::plan::{Footer, Header, HeldDevice, PLAN_FORMAT, Step};
use integrator_core::settings::{Connection, UserSource};
use rustc_hash::FxHashMap;
use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use tokio::sync::SetOnce;
use tokio::task::JoinSet;

/// A lease outlives any pause of a run that is still alive.
const LEASE: Duration = Duration::from_hours(6);
/// Name of the mark that remembers where Halo signs in.
const ADDRESS_MARK: &str = "halo-address";

/// A run under way.
pub(super) struct Session {
    pub(super) world: World,
    pub(super) connection: Arc<Connection>,
    pub(super) run: RunId,
    pub(super) now: DateTime<Utc>,
    pub(super) record: RunRecord,
    pub(super) plan: Option<String>,
    pub(super) footer: Option<Footer>,
    /// The run that the plan takes back.
    pub(super) reverts: Option<RunId>,
    /// The tenants whose complete sweep the plan rests on.
    pub(super) complete: Vec<TenantId>,
    /// The tenants that are imported.
    pub(super) views: Vec<View>,
    /// Set as soon as Halo has answered, so that a run that fails still tells what it asked.
    halo: OnceLock<HaloClient>,
    /// The sweep, under way since the run began; dropped with the run.
    sweeping: JoinSet<Result<Swept, SyncError>>,
    /// The reading of the first tenant's installed software, under way as long.
    pub(super) software: SoftwareReading,
    /// What devices are decided by, as soon as it is known.
    basis: Arc<SetOnce<Basis>>,
}

/// What is known of Halo's side once it has been read. Of each tenant one, in their order.
pub(super) struct HaloSide {
    pub(super) catalogue: Catalogue,
    pub(super) notices: Vec<String>,
    /// What the store knows of the first tenant.
    pub(super) known: Known,
    /// Devices whose asset may exist already.
    pub(super) undecided: FxHashMap<DeviceKey, String>,
    /// The settings, bound; `None` for a tenant without a client.
    pub(super) rulebooks: Vec<Option<Arc<Rulebook>>>,
    pub(super) surveyed: Vec<Surveyed>,
    /// Steps for clients.
    pub(super) steps: Vec<Step>,
    /// Halo's users by identifier, with what is known of those of the first tenant.
    pub(super) users: Option<Arc<UserIndex>>,
}

/// What is asked of one plan.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wanted<'a> {
    /// Only this entity.
    pub(super) only: Option<Entity>,
    /// Only this device.
    pub(super) device: Option<&'a str>,
    /// How the index is brought up to date.
    pub(super) index: IndexReading,
    /// Guards that are let pass.
    pub(super) allow: &'a Allowances,
}

impl Session {
    pub(super) fn begin(world: &World, connection: Arc<Connection>, action: Action) -> Self {
        let now = world.clock.now();
        let tail = uuid::Uuid::new_v4().simple().to_string();
        let run = RunId(format!("{}-{}", now.format("%Y%m%dT%H%M%S"), tail.get(..6).unwrap_or_default()));
        let record = RunRecord {
            run: run.clone(),
            connection: connection.id.clone(),
            action,
            entity: Entity::Assets,
            status: RunStatus::Running,
            started: now,
            seconds: 0.0,
            plan: None,
            counts: Counts::default(),
            requests_to_graph: 0,
            requests_to_halo: 0,
            plugins: BTreeMap::new(),
            guards: Vec::new(),
            approved: None,
            notices: Vec::new(),
            error: None,
        };
        Self {
            world: world.clone(),
            connection,
            run,
            now,
            record,
            plan: None,
            footer: None,
            reverts: None,
            complete: Vec::new(),
            views: Vec::new(),
            halo: OnceLock::new(),
            sweeping: JoinSet::new(),
            software: SoftwareReading::default(),
            basis: Arc::new(SetOnce::new()),
        }
    }

    /// Sweeps, resolves, decides, plans and judges. The plan is in the store afterwards.
    pub(super) async fn make_plan(&mut self, lease: &Lease, wanted: Wanted<'_>) -> Result<Footer, SyncError> {
        let world = self.world.clone();
        let store = world.store().await?;
        if wanted.only == Some(Entity::Organisations) {
            return Box::pin(self.plan_organisations(&*store)).await;
        }
        let mut sweeping = std::mem::take(&mut self.sweeping);
        let sweeping = async {
            let swept = sweeping.join_next().await.ok_or_else(|| SyncError::bug("a plan without a sweep"))?;
            swept.map_err(|error| SyncError::bug(format!("the sweep: {error}")))?
        };
        let reading_halo = Box::pin(self.read_halo(&*store, lease, wanted));
        // Whichever side fails first ends the run; the other is dropped.
        let (swept, (halo, mut side)) = tokio::try_join!(sweeping, reading_halo)?;
        let mut sink = self.begin_plan(&*store, Entity::Assets).await?;
        sink.notices.append(&mut side.notices);
        // An empty register has a newest asset, too: everything in it later is new.
        sink.newest_asset = Some(store.highest_asset().await?.unwrap_or(AssetId(0)));
        for step in std::mem::take(&mut side.steps) {
            sink.step(step).await?;
        }
        let footer = Box::pin(self.plan_tenants(swept, side, sink, &halo, &*store, wanted)).await?;
        self.plan = Some(self.run.0.clone());
        self.footer = Some(footer.clone());
        Ok(footer)
    }

    /// Plans clients alone.
    async fn plan_organisations(&mut self, store: &dyn Store) -> Result<Footer, SyncError> {
        let halo = connect(&self.world, store).await?;
        self.remember_halo(&halo);
        let survey = survey(&halo, store, &self.connection, &self.views, Upkeep::Planned).await?;
        let mut sink = self.begin_plan(store, Entity::Organisations).await?;
        sink.notices.extend(survey.notices.iter().cloned());
        let catalogue = Catalogue { clients: survey.clients().unwrap_or_default(), ..Catalogue::default() };
        for (view, surveyed) in self.views.iter().zip(&survey.tenants) {
            match surveyed {
                Surveyed::Held(reason) => {
                    let name = format!("tenant {}", view.connection.tenant_name());
                    sink.held_tenant(HeldDevice { device: None, name, reason: reason.clone() }, 0).await?;
                }
                Surveyed::Client(ClientSource::Named) => find_client(&view.connection, &catalogue)?,
                Surveyed::Client(_) => {}
            }
        }
        for step in survey.steps {
            sink.step(step).await?;
        }
        let footer = sink.finish(Vec::new()).await?;
        self.plan = Some(self.run.0.clone());
        self.footer = Some(footer.clone());
        Ok(footer)
    }

    pub(super) async fn begin_plan(
        &mut self,
        store: &dyn Store,
        entity: Entity,
    ) -> Result<PlanSink, SyncError> {
        let header = Header {
            format: PLAN_FORMAT,
            plan: self.run.0.clone(),
            connection: self.connection.id.clone(),
            tenant: self.connection.microsoft.tenant.clone(),
            entity,
            made: self.now,
            settings: self.connection.digest.clone(),
            halo: self.world.settings.integrator.halo.url.clone(),
            plugins: self.record.plugins.clone(),
            reverts: self.reverts.clone(),
        };
        PlanSink::begin(store.plan_writer(&self.run.0).await?, header).await
    }

    /// Notes the tenants of which this import saw all devices.
    pub(super) async fn note_complete(&self, store: &dyn Store) -> Result<(), SyncError> {
        for tenant in &self.complete {
            complete::note(store, &self.connection, tenant, self.now).await?;
        }
        Ok(())
    }

    /// Connects to Halo, settles what an earlier run left open, and brings catalogue and index up to date.
    async fn read_halo(
        &self,
        store: &dyn Store,
        lease: &Lease,
        wanted: Wanted<'_>,
    ) -> Result<(HaloClient, HaloSide), SyncError> {
        let world = &self.world;
        let index = wanted.index;
        let halo = connect(world, store).await?;
        self.remember_halo(&halo);
        let mut survey = self.survey(&halo, store, wanted).await?;
        let mut catalogue = catalogue::read(&halo, &self.connection, &self.views, survey.clients()).await?;
        for (view, surveyed) in self.views.iter().zip(&survey.tenants) {
            catalogue::read_sites(&halo, &view.connection, surveyed, &mut catalogue).await?;
        }
        let mut rulebooks = self.bind(&catalogue, &survey.tenants)?;
        let progress = &*world.progress;
        {
            let _alone = world.alone_with_the_index().await;
            refresh_users(&halo, store, &world.user_members(), index, self.now, progress).await?;
        }
        let silence = people::keep_users(store, &mut rulebooks).await?;
        let mut users = None;
        if let (Some(view), Some(Some(rulebook))) = (self.views.first(), rulebooks.first()) {
            let found = Arc::new(tenant_users(world, store, &view.graph, rulebook).await?);
            if self.connection.users.source == UserSource::Intune {
                let basis =
                    Basis { rulebook: Arc::clone(rulebook), users: Arc::clone(&found), now: self.now };
                // From here on the sweep decides devices while it reads them; it is set once a run. Registered
                // owners are known only once the sweep has shown whose devices they are.
                let _ = self.basis.set(basis);
            }
            users = Some(found);
        }
        let mut notices = std::mem::take(&mut survey.notices);
        notices.extend(silence);
        {
            let _alone = world.alone_with_the_index().await;
            notices.extend(refresh_assets(&halo, store, &catalogue, index, self.now, progress).await?);
        }
        let undecided = apply::recover(&halo, store, lease, &self.connection.id).await?;
        let known = match self.views.first() {
            Some(view) => Known::load(store, &view.connection, undecided.clone(), &world.cache()).await?,
            None => Known::default(),
        };
        let (surveyed, steps) = (survey.tenants, survey.steps);
        Ok((halo, HaloSide { catalogue, notices, known, undecided, rulebooks, surveyed, steps, users }))
    }

    /// Keeps the connection to Halo for the rest of the run. It is made once.
    fn remember_halo(&self, halo: &HaloClient) {
        let _ = self.halo.set(halo.clone());
    }

    /// Halo, once it has been connected to.
    pub(super) fn halo(&self) -> Result<&HaloClient, SyncError> {
        self.halo.get().ok_or_else(|| SyncError::bug("Halo is asked before it is connected to"))
    }

    /// Which client each tenant is. Where the settings name all of them and ask for nothing else, nobody is asked.
    async fn survey(
        &self,
        halo: &HaloClient,
        store: &dyn Store,
        wanted: Wanted<'_>,
    ) -> Result<Survey, SyncError> {
        let unnamed = self.views.iter().any(|view| view.connection.organisations.client.is_none());
        let upkeep =
            if wanted.only.is_none() && wanted.device.is_none() && self.connection.has_organisations() {
                Upkeep::Planned
            } else {
                Upkeep::None
            };
        if upkeep == Upkeep::None && !unnamed {
            return Ok(Survey::named(&self.views));
        }
        survey(halo, store, &self.connection, &self.views, upkeep).await
    }

    /// Binds the settings for each tenant that has a client; the names that are missing, of all tenants together.
    fn bind(
        &self,
        catalogue: &Catalogue,
        surveyed: &[Surveyed],
    ) -> Result<Vec<Option<Arc<Rulebook>>>, SyncError> {
        let mut problems: Vec<NameProblem> = Vec::new();
        let mut rulebooks = Vec::with_capacity(self.views.len());
        for (view, surveyed) in self.views.iter().zip(surveyed) {
            let Surveyed::Client(source) = surveyed else {
                rulebooks.push(None);
                continue;
            };
            match Rulebook::bind_for(&view.connection, catalogue, source, Arc::clone(&view.plugins)) {
                Ok(rulebook) => rulebooks.push(Some(Arc::new(rulebook))),
                Err(found) => {
                    problems
                        .extend(found.into_iter().filter(|one| !problems.contains(one)).collect::<Vec<_>>());
                }
            }
        }
        if problems.is_empty() { Ok(rulebooks) } else { Err(problems.into()) }
    }

    /// Applies the lines of a plan and finishes the index for the next run.
    pub(super) async fn apply(
        &mut self,
        lease: &Lease,
        lines: Chunks<String>,
        steps: u64,
        preconditions: Preconditions,
    ) -> Result<Applied, SyncError> {
        let store = self.world.store().await?;
        let Some(halo) = self.halo.get().cloned() else {
            return Err(SyncError::bug("an apply without Halo"));
        };
        let context = ApplyContext {
            halo: &halo,
            store: &*store,
            lease,
            connection: self.connection.id.clone(),
            tenant: self.connection.microsoft.tenant.clone(),
            run: self.run.clone(),
            batch: self.world.settings.integrator.halo.assets_per_request,
            now: self.now,
            preconditions,
            progress: Arc::clone(&self.world.progress),
            stop: self.world.stop.clone(),
            steps,
        };
        let (applied, result) = Box::pin(apply::apply(context, lines)).await;
        let written = &applied.counts;
        let counts = &mut self.record.counts;
        counts.assets_created = written.assets_created;
        counts.assets_updated = written.assets_updated;
        counts.assets_deactivated = written.assets_deactivated;
        counts.assets_recovered = written.assets_recovered;
        counts.assets_failed = written.assets_failed;
        counts.types_created = written.types_created;
        counts.licences_created = written.licences_created;
        counts.software_written = written.software_written;
        counts.clients_created = written.clients_created;
        counts.clients_updated = written.clients_updated;
        counts.users_linked = written.users_linked;
        counts.users_unlinked = written.users_unlinked;
        self.record.notices.extend(applied.notices.iter().cloned());
        result?;
        advance_mark(&halo, &*store, applied.written, applied.newest).await?;
        for view in self.connection.views() {
            keep_summaries(&*store, &view, &self.world.cache()).await?;
        }
        Ok(applied)
    }

    /// Connects to Halo for a stored plan: catalogue aside, the index must be fresh for its expectations.
    pub(super) async fn prepare_apply(&mut self, lease: &Lease) -> Result<(), SyncError> {
        let store = self.world.store().await?;
        let halo = connect(&self.world, &*store).await?;
        // The index is walked by types alone; clients and sites are the plan's.
        let catalogue = Catalogue { types: halo.asset_types().await?, ..Catalogue::default() };
        let progress = &*self.world.progress;
        {
            let _alone = self.world.alone_with_the_index().await;
            refresh_assets(&halo, &*store, &catalogue, IndexReading::Changes, self.now, progress).await?;
        }
        apply::recover(&halo, &*store, lease, &self.connection.id).await?;
        self.remember_halo(&halo);
        Ok(())
    }

    /// Begins to read devices while the store is opened, and takes the connection for this run.
    pub(super) async fn open(&mut self, only: Option<Entity>) -> Result<(Arc<dyn Store>, Lease), SyncError> {
        self.world.lock()?;
        // Where the store is open already, nothing is read for a run that may not begin.
        let lease = if self.world.is_open() { Some(self.lease().await?) } else { None };
        if let Err(error) = self.begin_reading(only).await {
            if let Some((store, lease)) = lease {
                store.release(lease).await?;
            }
            return Err(error);
        }
        match lease {
            Some(lease) => Ok(lease),
            None => self.lease().await,
        }
    }

    async fn begin_reading(&mut self, only: Option<Entity>) -> Result<(), SyncError> {
        self.views = views(&self.world, &self.connection).await?;
        self.record.plugins = self.views.iter().flat_map(|view| view.plugins.digests()).collect();
        self.record.notices.extend(self.world.plugins.notices());
        if only == Some(Entity::Organisations) {
            self.record.entity = Entity::Organisations;
        } else if let Some(view) = self.views.first().cloned() {
            // First of all, because it takes longest.
            self.software = self.begin_software(&view);
            let (world, run) = (self.world.clone(), self.run.0.clone());
            let early = self.connection.users.source == UserSource::Intune;
            let basis = early.then(|| Arc::clone(&self.basis));
            self.sweeping.spawn(async move { sweep_view(&world, &view, &run, basis).await });
        }
        Ok(())
    }

    /// Takes the connection for this run.
    pub(super) async fn lease(&self) -> Result<(Arc<dyn Store>, Lease), SyncError> {
        let store = self.world.store().await?;
        let lease = store.acquire(&self.connection.id, &self.run.0, LEASE).await?;
        // A run that dies leaves this behind: it was begun, and never told its end.
        let begun = ChangeSet { put_run: Some(self.record.clone()), ..ChangeSet::default() };
        store.commit(Some(&lease), begun).await?;
        Ok((store, lease))
    }

    /// Completes the record and stores it.
    pub(super) async fn finish(
        &mut self,
        result: Result<ExitClass, SyncError>,
    ) -> (ExitClass, Option<String>) {
        let (class, hint) = match result {
            Ok(class) => (class, None),
            Err(error) => {
                self.record.error = Some(error.message.clone());
                (error.class, error.hint)
            }
        };
        self.record.status = match class {
            ExitClass::Done => RunStatus::Done,
            ExitClass::Partial => RunStatus::Partial,
            ExitClass::Refused => RunStatus::Refused,
            ExitClass::Waiting => RunStatus::Waiting,
            ExitClass::Interrupted => RunStatus::Interrupted,
            ExitClass::Busy => RunStatus::Skipped,
            ExitClass::Settings | ExitClass::SignIn | ExitClass::Unreadable | ExitClass::Bug => {
                RunStatus::Failed
            }
        };
        self.record.plan.clone_from(&self.plan);
        self.record.requests_to_graph = self.views.iter().map(|view| view.graph.requests()).sum();
        self.record.requests_to_halo = self.halo.get().map_or(0, HaloClient::requests);
        let elapsed = self.world.clock.now().signed_duration_since(self.record.started);
        self.record.seconds = elapsed.to_std().map_or(0.0, |elapsed| elapsed.as_secs_f64());
        if let Ok(store) = self.world.store().await {
            let changes = ChangeSet { put_run: Some(self.record.clone()), ..ChangeSet::default() };
            if let Err(error) = store.commit(None, changes).await {
                tracing::error!(%error, "the run's record could not be stored");
            }
            if self.record.action != Action::Plan {
                history::prune(&self.world, &*store).await;
            }
        }
        let outcome = RunOutcome { record: self.record.clone(), class, hint };
        self.world.progress.ended(&outcome);
        (class, outcome.hint)
    }
}

/// Connects to Halo at the remembered address, and remembers a new one.
pub(super) async fn connect(world: &World, store: &dyn Store) -> Result<HaloClient, SyncError> {
    let known: Option<DiscoveredAddress> =
        store.mark(ADDRESS_MARK).await?.and_then(|mark| serde_json::from_value(mark).ok());
    let halo = world.halo(known.clone()).await?;
    if known.as_ref() != Some(halo.address()) {
        let value =
            serde_json::to_value(halo.address()).map_err(|error| SyncError::bug(error.to_string()))?;
        let changes = ChangeSet { put_marks: vec![(ADDRESS_MARK.to_owned(), value)], ..ChangeSet::default() };
        store.commit(None, changes).await?;
    }
    Ok(halo)
}

/// A name of a client that Halo lacks, before anything else is bound.
fn find_client(connection: &Connection, catalogue: &Catalogue) -> Result<(), SyncError> {
    let name = connection.organisations.client.as_deref().unwrap_or_default();
    if client_named(catalogue, name).is_some() {
        return Ok(());
    }
    let known: Vec<&str> = catalogue.clients.iter().map(|client| client.name.as_str()).collect();
    Err(vec![NameProblem::new(&connection.organisations.place.client(), "client", name, &known)].into())
}
