//! One run of one connection, from its first request to its record.

use super::apply::{self, Applied, ApplyContext, Preconditions};
use super::decide::{Shared, decide_all};
use super::details::DetailReader;
use super::error::SyncError;
use super::index::{advance_mark, lists_intune_ids, refresh_assets, refresh_users, user_index};
use super::options::{Allowances, IndexReading};
use super::outcome::ExitClass;
use super::people::{add_entra_users, add_owners};
use super::planner::Planner;
use super::resolve::{Known, resolve};
use super::sink::PlanSink;
use super::software::{SoftwareFound, SoftwareNeeds, SoftwareReading, combine};
use super::sweep::{Basis, Reading, Swept, sweep};
use super::world::World;
use super::{catalogue, complete, permissions};
use crate::graph::GraphClient;
use crate::halo::{DiscoveredAddress, HaloClient};
use crate::store::{ChangeSet, Chunks, Lease, Store};
use chrono::{DateTime, Utc};
use integrator_core::decide::{Rulebook, UserIndex, projection};
use integrator_core::model::{Action, Catalogue, Counts, Entity, RunId, RunRecord, RunStatus};
use integrator_core::plan::{
    Footer, Header, IntuneIds, PLAN_FORMAT, judge_deactivations, judge_empty_source,
};
use integrator_core::resolve::placeholder::Placeholders;
use integrator_core::settings::{Connection, SoftwareMatch, UserSource};
use std::collections::BTreeMap;
use std::sync::Arc;
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
    /// Whether the plan rests on a complete sweep of all devices.
    complete: bool,
    graph: Option<GraphClient>,
    halo: Option<HaloClient>,
    /// The sweep, under way since the run began; dropped with the run.
    sweeping: JoinSet<Result<Swept, SyncError>>,
    /// The reading of installed software, under way as long.
    software: SoftwareReading,
    /// What devices are decided by, as soon as it is known.
    basis: Arc<SetOnce<Basis>>,
}

/// What is known of Halo's side once it has been read.
struct HaloSide {
    catalogue: Catalogue,
    notices: Vec<String>,
    known: Known,
    basis: Basis,
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
            complete: false,
            graph: None,
            halo: None,
            sweeping: JoinSet::new(),
            software: SoftwareReading::default(),
            basis: Arc::new(SetOnce::new()),
        }
    }

    /// Sweeps, resolves, decides, plans and judges. The plan is in the store afterwards.
    pub(super) async fn make_plan(
        &mut self,
        lease: &Lease,
        device: Option<&str>,
        index: IndexReading,
        allow: Allowances,
    ) -> Result<Footer, SyncError> {
        let world = self.world.clone();
        let store = world.store().await?;
        let Some(graph) = self.graph.clone() else { return Err(SyncError::bug("a plan without Graph")) };
        let mut sweeping = std::mem::take(&mut self.sweeping);
        let sweeping = async {
            let swept = sweeping.join_next().await.ok_or_else(|| SyncError::bug("a plan without a sweep"))?;
            swept.map_err(|error| SyncError::bug(format!("the sweep: {error}")))?
        };
        let reading_halo = self.read_halo(&*store, lease, index, &graph);
        // Whichever side fails first ends the run; the other is dropped.
        let (swept, (halo, side)) = tokio::try_join!(sweeping, reading_halo)?;
        self.halo = Some(halo.clone());
        let read = self.software.end(&world.stop).await?;
        let needs = SoftwareNeeds {
            halo: &halo,
            store: &*store,
            rulebook: &side.basis.rulebook,
            tenant: &self.connection.microsoft.tenant,
            by: self.software_match(),
            index,
            now: self.now,
        };
        let software = Box::pin(combine(needs, read)).await?;
        self.plan_swept(swept, side, software, &graph, &halo, &*store, device, allow).await
    }

    #[expect(clippy::too_many_arguments, reason = "the parts of one run, each used once, in one place")]
    async fn plan_swept(
        &mut self,
        mut swept: Swept,
        side: HaloSide,
        software: SoftwareFound,
        graph: &GraphClient,
        halo: &HaloClient,
        store: &dyn Store,
        device: Option<&str>,
        allow: Allowances,
    ) -> Result<Footer, SyncError> {
        let world = self.world.clone();
        let Basis { rulebook, mut users, now } = side.basis;
        let read = swept.rows.len() as u64;
        if self.connection.users.source == UserSource::Entra {
            let index =
                Arc::get_mut(&mut users).ok_or_else(|| SyncError::bug("the users are in use already"))?;
            add_owners(index, &self.connection.users, graph, &swept.rows, &swept.spool).await?;
        }
        let resolved = resolve(&mut swept, &rulebook, store, halo, side.known).await?;
        let linked = resolved.linked_before;
        let shared = Arc::new(Shared {
            rulebook: Arc::clone(&rulebook),
            users,
            resolved,
            now,
            only: device.map(integrator_core::model::value::fold),
            software: software.side,
        });
        let header = Header {
            format: PLAN_FORMAT,
            plan: self.run.0.clone(),
            connection: self.connection.id.clone(),
            tenant: self.connection.microsoft.tenant.clone(),
            entity: Entity::Assets,
            made: self.now,
            settings: self.connection.digest.clone(),
            halo: world.settings.integrator.halo.url.clone(),
            plugins: BTreeMap::new(),
        };
        let sink = PlanSink::begin(store.plan_writer(&self.run.0).await?, header).await?;
        let mut planner = Planner::new(sink, side.catalogue, halo, store, Arc::clone(&shared), &self.run.0);
        planner.sink.notices.extend(graph.expiry_notice().map(str::to_owned));
        planner.sink.notices.extend(side.notices);
        planner.sink.notices.extend(software.notices);
        planner.sink.left_out |= software.left_out;
        if lists_intune_ids(store).await? {
            planner.intune_ids = IntuneIds::Listed;
        }
        if swept.repeated > 0 {
            tracing::info!(rows = swept.repeated, "Graph sent devices on more than one page");
        }
        let empty = judge_empty_source(read, linked);
        planner.plan_licences().await?;
        let details = DetailReader::new(graph, store, Arc::clone(&shared));
        let (progress, stop) = (&*world.progress, &world.stop);
        decide_all(&swept.spool, &shared, &mut planner, details.as_ref(), progress, stop).await?;
        if let Some(device) = device {
            if planner.sink.counts.devices_read == 0 {
                return Err(SyncError::settings(
                    format!("Intune has no device \"{device}\""),
                    "name it by its Intune id, its name or its serial number",
                ));
            }
        } else if !swept.nameless.is_empty() {
            planner.sink.left_out = true;
            let first = swept.nameless.first().cloned().unwrap_or_default();
            planner.sink.notices.push(format!(
                "{} rows of Intune's list could not be read ({first}): nothing is concluded from absence in this run",
                swept.nameless.len()
            ));
        } else if !empty.refused {
            self.complete = true;
            planner.plan_absences(graph).await?;
        }
        let guard = self.connection.guards.deactivate;
        let deactivations =
            judge_deactivations(guard, planner.concluded, linked + planner.matched, allow.deactivate);
        let footer = planner.sink.finish(vec![empty, deactivations]).await?;
        self.plan = Some(self.run.0.clone());
        self.footer = Some(footer.clone());
        Ok(footer)
    }

    /// Notes that this import saw all devices, if it did.
    pub(super) async fn note_complete(&self, store: &dyn Store) -> Result<(), SyncError> {
        if !self.complete {
            return Ok(());
        }
        complete::note(store, &self.connection, &self.connection.microsoft.tenant, self.now).await
    }

    /// Connects to Halo, settles what an earlier run left open, and brings catalogue and index up to date.
    async fn read_halo(
        &self,
        store: &dyn Store,
        lease: &Lease,
        index: IndexReading,
        graph: &GraphClient,
    ) -> Result<(HaloClient, HaloSide), SyncError> {
        let world = &self.world;
        let halo = connect(world, store).await?;
        let catalogue = catalogue::read(&halo, &self.connection).await?;
        let rulebook = Arc::new(Rulebook::bind(&self.connection, &catalogue)?);
        let progress = &*world.progress;
        refresh_users(&halo, store, &world.user_members(), index, self.now, progress).await?;
        let users = Arc::new(self.user_index(store, graph, &rulebook).await?);
        let basis = Basis { rulebook, users, now: self.now };
        if self.connection.users.source == UserSource::Intune {
            // From here on the sweep decides devices while it reads them; it is set once a run. Registered owners
            // are known only once the sweep has shown whose devices they are.
            let _ = self.basis.set(basis.clone());
        }
        let notices = refresh_assets(&halo, store, &catalogue, index, self.now, progress).await?;
        let undecided = apply::recover(&halo, store, lease, &self.connection.id).await?;
        let known = Known::load(store, &self.connection, undecided).await?;
        Ok((halo, HaloSide { catalogue, notices, known, basis }))
    }

    async fn user_index(
        &self,
        store: &dyn Store,
        graph: &GraphClient,
        rulebook: &Rulebook,
    ) -> Result<UserIndex, SyncError> {
        let settings = &rulebook.connection.users;
        let folder = self.world.settings.integrator.data.join("cache");
        let mut users = user_index(store, settings, &folder).await?;
        add_entra_users(&mut users, settings, graph, store, &rulebook.connection.microsoft.tenant).await?;
        Ok(users)
    }

    /// By what software is recognised.
    fn software_match(&self) -> SoftwareMatch {
        let setting = self.connection.imports.software.and_then(|software| software.match_by);
        setting.unwrap_or_else(|| SoftwareMatch::of_version(self.world.settings.integrator.halo.version))
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
        let Some(halo) = self.halo.clone() else { return Err(SyncError::bug("an apply without Halo")) };
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
        counts.users_linked = written.users_linked;
        counts.users_unlinked = written.users_unlinked;
        self.record.notices.extend(applied.notices.iter().cloned());
        result?;
        advance_mark(&halo, &*store, applied.written, applied.newest).await?;
        Ok(applied)
    }

    /// Connects to Halo for a stored plan: catalogue aside, the index must be fresh for its expectations.
    pub(super) async fn prepare_apply(&mut self, lease: &Lease) -> Result<(), SyncError> {
        let store = self.world.store().await?;
        let halo = connect(&self.world, &*store).await?;
        let catalogue = catalogue::read(&halo, &self.connection).await?;
        let progress = &*self.world.progress;
        refresh_assets(&halo, &*store, &catalogue, IndexReading::Changes, self.now, progress).await?;
        apply::recover(&halo, &*store, lease, &self.connection.id).await?;
        self.halo = Some(halo);
        Ok(())
    }

    /// Begins to read devices while the store is opened, and takes the connection for this run.
    pub(super) async fn open(&mut self) -> Result<(Arc<dyn Store>, Lease), SyncError> {
        self.world.lock()?;
        let graph = self.world.graph(&self.connection).await?;
        self.graph = Some(graph.clone());
        // First of all, because it takes longest.
        self.software = SoftwareReading::begin(
            &graph,
            self.connection.imports.software,
            self.software_match(),
            self.world.settings.integrator.data.join("spool"),
            self.run.0.clone(),
        );
        let connection = Arc::clone(&self.connection);
        let world = self.world.clone();
        let run = self.run.0.clone();
        let basis = Arc::clone(&self.basis);
        self.sweeping.spawn(async move {
            graph.sign_in().await?;
            check_permissions(&connection, &graph).await?;
            let reading = Reading {
                projection: projection(&connection),
                placeholders: Placeholders::new(connection.imports.ignore_values.iter().map(String::as_str)),
                sense_managed: connection.imports.sense_managed,
                basis,
            };
            let folder = world.settings.integrator.data.join("spool");
            sweep(&graph, reading, &folder, &run, &*world.progress, &world.stop).await
        });
        self.lease().await
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
            ExitClass::Interrupted => RunStatus::Interrupted,
            ExitClass::Settings | ExitClass::SignIn | ExitClass::Unreadable | ExitClass::Bug => {
                RunStatus::Failed
            }
        };
        self.record.plan.clone_from(&self.plan);
        self.record.requests_to_graph = self.graph.as_ref().map_or(0, GraphClient::requests);
        self.record.requests_to_halo = self.halo.as_ref().map_or(0, HaloClient::requests);
        let elapsed = self.world.clock.now().signed_duration_since(self.record.started);
        self.record.seconds = elapsed.to_std().map_or(0.0, |elapsed| elapsed.as_secs_f64());
        if let Ok(store) = self.world.store().await {
            let changes = ChangeSet { put_run: Some(self.record.clone()), ..ChangeSet::default() };
            if let Err(error) = store.commit(None, changes).await {
                tracing::error!(%error, "the run's record could not be stored");
            }
        }
        (class, hint)
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

async fn check_permissions(connection: &Connection, graph: &GraphClient) -> Result<(), SyncError> {
    let missing = graph.missing_permissions(&permissions::needed(connection)).await?;
    permissions::check_missing(connection, &missing)
}
