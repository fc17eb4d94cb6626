//! The tenants of one connection, one after the other: each swept, resolved and decided by itself, into one plan.
//!
//! A run holds the rows of one tenant at a time. What the first tenants have paired is out of reach for later ones;
//! what one tenant's failure ends is the whole run, because a plan of half a connection would conclude wrongly.

use super::baseline;
use super::decide::{Shared, decide_all};
use super::details::DetailReader;
use super::error::SyncError;
use super::index::{lists_intune_ids, user_index};
use super::options::IndexReading;
use super::organisations::Surveyed;
use super::people::{add_entra_users, add_owners};
use super::permissions;
use super::planner::Planner;
use super::plugins;
use super::queue::{self, Sight};
use super::resolve::{Known, Others, resolve};
use super::session::{HaloSide, Session, Wanted};
use super::sink::PlanSink;
use super::software::{Place, SoftwareFound, SoftwareNeeds, SoftwareReading, combine};
use super::sweep::{Basis, Reading, Swept, sweep};
use super::world::World;
use crate::graph::GraphClient;
use crate::halo::HaloClient;
use crate::store::Store;
use integrator_core::decide::{PluginSet, Rulebook, UserIndex, projection_with};
use integrator_core::model::{AssetId, Catalogue, TenantId};
use integrator_core::plan::{
    Baseline, Fleet, Footer, GuardVerdict, HeldDevice, IntuneIds, Judging, guard, judge, judge_empty_source,
};
use integrator_core::resolve::Pair;
use integrator_core::resolve::placeholder::Placeholders;
use integrator_core::settings::{Connection, SoftwareMatch, TenantPlace, UserSource, Users};
use rustc_hash::FxHashSet;
use std::sync::Arc;
use tokio::sync::SetOnce;

/// One tenant of a connection.
#[derive(Clone, Debug)]
pub(super) struct View {
    /// The connection with this tenant, its client and its default site alone.
    pub(super) connection: Arc<Connection>,
    /// Reads the tenant.
    pub(super) graph: GraphClient,
    /// The plugins that its devices are decided with.
    pub(super) plugins: Arc<PluginSet>,
}

/// The tenants that are imported, in the order of the settings. Sends nothing yet.
pub(super) async fn views(world: &World, connection: &Connection) -> Result<Vec<View>, SyncError> {
    let mut views = Vec::new();
    for view in connection.views() {
        let graph = world.graph(&view).await?;
        let plugins = plugins::load(world, &view).await?;
        views.push(View { connection: Arc::new(view), graph, plugins });
    }
    Ok(views)
}

/// The index of Halo's users, and of the tenant's where they are linked by what only Entra knows.
pub(super) async fn tenant_users(
    world: &World,
    store: &dyn Store,
    graph: &GraphClient,
    rulebook: &Rulebook,
) -> Result<UserIndex, SyncError> {
    let connection = &rulebook.connection;
    let mut users = user_index(store, &connection.users, &world.cache()).await?;
    add_entra_users(&mut users, &connection.users, graph, store, &connection.microsoft.tenant).await?;
    Ok(users)
}

/// Whether an index of users holds nothing of the tenant that it was made for.
fn serves_all(users: &Users) -> bool {
    users.source == UserSource::Intune && users.identifier.is_on_the_device()
}

/// Reads all devices of a tenant. Without a basis they are only counted, and named on request.
pub(super) async fn sweep_view(
    world: &World,
    view: &View,
    run: &str,
    basis: Option<Arc<SetOnce<Basis>>>,
) -> Result<Swept, SyncError> {
    let connection = &*view.connection;
    view.graph.sign_in().await?;
    check_permissions(connection, &view.graph).await?;
    let reading = Reading {
        projection: projection_with(connection, &view.plugins),
        placeholders: Placeholders::new(connection.imports.ignore_values.iter().map(String::as_str)),
        sense_managed: connection.imports.sense_managed,
        basis,
    };
    let folder = world.settings.integrator.data.join("spool");
    sweep(&view.graph, reading, &folder, run, &*world.progress, &world.stop).await
}

async fn check_permissions(connection: &Connection, graph: &GraphClient) -> Result<(), SyncError> {
    let missing = graph.missing_permissions(&permissions::needed(connection)).await?;
    permissions::check_missing(connection, &missing).map_err(|error| match &connection.organisations.place {
        TenantPlace::Connection => error,
        TenantPlace::Row(_) => {
            let message = format!("{} (tenant {})", error.message, connection.tenant_name());
            SyncError { message, ..error }
        }
    })
}

/// Where a plan's lines go: through the planner once there is a tenant to plan.
enum Lines<'a> {
    Sink(Box<(PlanSink, Catalogue)>),
    Planner(Box<Planner<'a>>),
}

impl Lines<'_> {
    fn sink(&mut self) -> &mut PlanSink {
        match self {
            Self::Sink(parts) => &mut parts.0,
            Self::Planner(planner) => &mut planner.sink,
        }
    }
}

/// What the tenants of a run came to so far.
#[derive(Debug, Default)]
struct Total {
    /// Devices that Intune returned.
    read: u64,
    /// Devices linked before the run.
    linked: u64,
    /// Devices that could have an asset, and those that have one.
    live: u64,
    with_asset: u64,
    /// The tenant whose list was empty though devices of it are linked, and how many.
    emptied: Option<(TenantId, u64)>,
}

impl Total {
    fn take(&mut self, tenant: &TenantId, read: u64, linked: u64) -> GuardVerdict {
        self.read += read;
        self.linked += linked;
        let verdict = judge_empty_source(read, linked);
        if verdict.refused {
            self.emptied.get_or_insert((tenant.clone(), linked));
        }
        verdict
    }

    fn fleet(&self) -> Fleet {
        let Self { read, linked, live, with_asset, .. } = *self;
        Fleet { linked, devices: read, live, with_asset }
    }

    /// What later plans are judged by, once this one is applied.
    fn baseline(&self, sink: &PlanSink) -> Baseline {
        Baseline {
            devices: self.read,
            live: self.live,
            with_asset: (self.with_asset + sink.counts.assets_created).min(self.live),
            types: sink.tally.decided(),
        }
    }

    fn pair(&mut self, pairs: &[Pair]) {
        for pair in pairs {
            match pair {
                Pair::Linked(_) | Pair::Inherits(..) | Pair::Matched(..) => {
                    self.live += 1;
                    self.with_asset += 1;
                }
                Pair::New => self.live += 1,
                Pair::Held(_) | Pair::Excluded | Pair::Superseded(_) => {}
            }
        }
    }

    /// One tenant without a single device where there were some refuses the whole plan.
    fn verdict(&self, tenants: usize) -> GuardVerdict {
        let whole = judge_empty_source(self.read, self.linked);
        match &self.emptied {
            Some((tenant, linked)) if tenants > 1 => {
                let verdict = judge_empty_source(0, *linked);
                GuardVerdict { text: format!("tenant {tenant}: {}", verdict.text), ..verdict }
            }
            _ => whole,
        }
    }
}

impl Session {
    /// Plans the devices of all tenants, and ends the plan. `first` is the sweep of the first tenant.
    pub(super) async fn plan_tenants(
        &mut self,
        first: Swept,
        side: HaloSide,
        sink: PlanSink,
        halo: &HaloClient,
        store: &dyn Store,
        wanted: Wanted<'_>,
    ) -> Result<Footer, SyncError> {
        let Wanted { device, allow, index, .. } = wanted;
        let HaloSide { catalogue, known, undecided, rulebooks, surveyed, users, .. } = side;
        let views = self.views.clone();
        let mut total = Total::default();
        let mut paired = FxHashSet::default();
        let mut lines = Lines::Sink(Box::new((sink, catalogue)));
        let mut first = Some((first, known));
        let (mut users, connection) = (users, Arc::clone(&self.connection));
        let settings = &connection.users;
        for ((view, rulebook), surveyed) in views.iter().zip(rulebooks).zip(surveyed) {
            let (swept, known) =
                first.take().map_or((None, None), |(swept, known)| (Some(swept), Some(known)));
            let Some(rulebook) = rulebook else {
                let Surveyed::Held(reason) = surveyed else { continue };
                let swept = match swept {
                    Some(swept) => swept,
                    None => sweep_view(&self.world, view, &self.run.0, None).await?,
                };
                self.hold_tenant(view, &swept, device, &reason, lines.sink()).await?;
                continue;
            };
            let mut its_users = self.users_of(view, &rulebook, store, &mut users).await?;
            let mut swept = match swept {
                Some(swept) => swept,
                None => {
                    let basis = (settings.source == UserSource::Intune).then(|| {
                        let (rulebook, users) = (Arc::clone(&rulebook), Arc::clone(&its_users));
                        Arc::new(SetOnce::new_with(Some(Basis { rulebook, users, now: self.now })))
                    });
                    self.software = self.begin_software(view);
                    sweep_view(&self.world, view, &self.run.0, basis).await?
                }
            };
            let software = self.software_found(view, &rulebook, halo, store, index).await?;
            if settings.source == UserSource::Entra {
                let index = Arc::get_mut(&mut its_users)
                    .ok_or_else(|| SyncError::bug("the users are in use already"))?;
                add_owners(index, settings, &view.graph, &swept.rows, &swept.spool).await?;
            }
            let known = match known {
                Some(known) => known,
                None => Known::load(store, &view.connection, undecided.clone(), &self.world.cache()).await?,
            };
            let read = swept.rows.len() as u64;
            let others = self.others(view, &paired);
            let resolved = resolve(&mut swept, &rulebook, store, halo, known, &others).await?;
            let empty = total.take(&view.connection.microsoft.tenant, read, resolved.linked_before);
            total.pair(&resolved.pairs);
            if views.len() > 1 {
                paired.extend(resolved.pairs.iter().filter_map(|pair| match pair {
                    Pair::Matched(asset, _) => Some(*asset),
                    _ => None,
                }));
            }
            let only = device.map(integrator_core::model::value::fold);
            let (users, software, told) = (its_users, software.side, (software.notices, software.left_out));
            let shared = Arc::new(Shared { rulebook, users, resolved, now: self.now, only, software });
            lines = match lines {
                Lines::Sink(parts) => {
                    let (sink, catalogue) = *parts;
                    let shared = Arc::clone(&shared);
                    let mut planner = Planner::new(sink, catalogue, halo, store, shared, &self.run.0);
                    if lists_intune_ids(store).await? {
                        planner.intune_ids = IntuneIds::Listed;
                    }
                    Lines::Planner(Box::new(planner))
                }
                Lines::Planner(mut planner) => {
                    planner.turn_to(Arc::clone(&shared));
                    Lines::Planner(planner)
                }
            };
            if let Lines::Planner(planner) = &mut lines {
                planner.sink.notices.extend(view.graph.expiry_notice().map(str::to_owned));
                planner.sink.notices.extend(told.0);
                planner.sink.left_out |= told.1;
                planner.sink.tally.take_timestamps(guard::timestamps(&shared.rulebook));
                match &swept.types {
                    Some(types) => {
                        planner.sink.tally.add_decided(types.iter().map(|(id, count)| (*id, *count)));
                    }
                    None => planner.sink.tally.lose_types(),
                }
                if self.plan_view(view, swept, &shared, planner, device, &empty).await? {
                    self.complete.push(view.connection.microsoft.tenant.clone());
                }
                planner.let_go();
            }
        }
        self.judge_all(lines, total, store, device, allow).await
    }

    /// Ends the plan of all tenants with the guards' verdicts.
    async fn judge_all(
        &mut self,
        lines: Lines<'_>,
        total: Total,
        store: &dyn Store,
        device: Option<&str>,
        allow: &super::options::Allowances,
    ) -> Result<Footer, SyncError> {
        let connection = Arc::clone(&self.connection);
        let views = self.views.len();
        let (mut sink, catalogue) = match lines {
            Lines::Planner(planner) => {
                let mut planner = *planner;
                planner.tell_notices();
                if device.is_none() {
                    self.keep_catalogue(&planner.catalogue);
                }
                (planner.sink, planner.catalogue)
            }
            Lines::Sink(parts) => *parts,
        };
        if let Some(device) = device.filter(|_| sink.counts.devices_read == 0) {
            return Err(SyncError::settings(
                format!("Intune has no device \"{device}\""),
                "name it by its Intune id, its name or its serial number",
            ));
        }
        // One device says nothing of the fleet, and a plan of it is nothing that later plans are judged by.
        let last = if device.is_none() { baseline::last(store, &connection.id).await? } else { None };
        let mut verdicts = vec![total.verdict(views)];
        let judging = Judging { guards: &connection.guards, allow, baseline: last.as_ref() };
        verdicts.extend(judge(&sink.tally, total.fleet(), judging, |id| catalogue.type_name(id)));
        if device.is_none() {
            sink.baseline = Some(total.baseline(&sink));
        }
        sink.finish(verdicts).await
    }

    /// The users that a tenant's devices are linked with. `made` is the index that was made last, while it is of use.
    async fn users_of(
        &self,
        view: &View,
        rulebook: &Rulebook,
        store: &dyn Store,
        made: &mut Option<Arc<UserIndex>>,
    ) -> Result<Arc<UserIndex>, SyncError> {
        let users = match made.take() {
            Some(users) => users,
            None => Arc::new(tenant_users(&self.world, store, &view.graph, rulebook).await?),
        };
        if serves_all(&self.connection.users) {
            *made = Some(Arc::clone(&users));
        }
        Ok(users)
    }

    /// Begins to read a tenant's installed software.
    pub(super) fn begin_software(&self, view: &View) -> SoftwareReading {
        SoftwareReading::begin(
            &view.graph,
            self.connection.imports.software,
            self.software_match(),
            Place {
                folder: self.world.settings.integrator.data.join("spool"),
                run: self.run.0.clone(),
                tenant: format!("{} {}", view.connection.id, view.connection.microsoft.tenant),
            },
        )
    }

    /// By what software is recognised.
    fn software_match(&self) -> SoftwareMatch {
        let setting = self.connection.imports.software.and_then(|software| software.match_by);
        setting.unwrap_or_else(|| SoftwareMatch::of_version(self.world.settings.integrator.halo.version))
    }

    /// Waits for a tenant's software, and matches it with Halo's licences.
    async fn software_found(
        &mut self,
        view: &View,
        rulebook: &Rulebook,
        halo: &HaloClient,
        store: &dyn Store,
        index: IndexReading,
    ) -> Result<SoftwareFound, SyncError> {
        let read = self.software.end(&self.world.stop, &*self.world.progress).await?;
        if rulebook.client_step.is_some() {
            // A licence is a client's, and this one has no number yet.
            let notice = format!(
                "the software of tenant {} follows with the next import: this one creates its client",
                view.connection.tenant_name()
            );
            let notices = read.map(|_| notice).into_iter().collect();
            return Ok(SoftwareFound { notices, ..SoftwareFound::default() });
        }
        let needs = SoftwareNeeds {
            halo,
            store,
            rulebook,
            tenant: &view.connection.microsoft.tenant,
            by: self.software_match(),
            index,
            now: self.now,
        };
        Box::pin(combine(needs, read)).await
    }

    /// Plans one tenant's devices, and sets its queue of matching anew. Whether all devices were seen.
    async fn plan_view(
        &self,
        view: &View,
        swept: Swept,
        shared: &Arc<Shared>,
        planner: &mut Planner<'_>,
        device: Option<&str>,
        empty: &GuardVerdict,
    ) -> Result<bool, SyncError> {
        let spool = Arc::clone(&swept.spool);
        let whole = self.plan_devices(view, swept, shared, planner, device, empty).await?;
        if device.is_none() {
            planner.sink.notices.extend(shared.resolved.notices.iter().cloned());
            planner.sink.counts.devices_ignored += shared.resolved.ignored;
            queue::keep(planner, &spool, if whole { Sight::Whole } else { Sight::Partial }).await?;
        }
        if whole {
            // Last: the rows move away.
            self.keep_sweep(view, &spool, shared, planner).await;
        }
        Ok(whole)
    }

    /// Decides and plans one tenant's devices, and what became of those that are gone. Whether all devices were seen.
    async fn plan_devices(
        &self,
        view: &View,
        swept: Swept,
        shared: &Arc<Shared>,
        planner: &mut Planner<'_>,
        device: Option<&str>,
        empty: &GuardVerdict,
    ) -> Result<bool, SyncError> {
        if swept.repeated > 0 {
            tracing::info!(rows = swept.repeated, "Graph sent devices on more than one page");
        }
        let world = &self.world;
        planner.plan_licences().await?;
        let details = DetailReader::new(&view.graph, planner.store, Arc::clone(shared));
        let (progress, stop) = (&*world.progress, &world.stop);
        if device.is_none() {
            planner.sink.note_held(self.held_lines());
            plugins::survey(&swept.spool, shared).await?;
        }
        decide_all(&swept.spool, shared, planner, details.as_ref(), progress, stop).await?;
        let told = view.plugins.notices();
        planner.sink.left_out |= !told.is_empty();
        planner.sink.notices.extend(told);
        plugins::keep(world, &view.connection, &view.plugins).await;
        if device.is_some() {
            return Ok(false);
        }
        if !swept.nameless.is_empty() {
            planner.sink.left_out = true;
            let first = swept.nameless.first().cloned().unwrap_or_default();
            planner.sink.notices.push(format!(
                "{} rows of Intune's list could not be read ({first}): nothing is concluded from absence in this run",
                swept.nameless.len()
            ));
            return Ok(false);
        }
        if !empty.refused {
            planner.plan_absences(&view.graph).await?;
        }
        Ok(!empty.refused)
    }

    /// Leaves all devices of a tenant without a client alone.
    async fn hold_tenant(
        &self,
        view: &View,
        swept: &Swept,
        device: Option<&str>,
        reason: &str,
        sink: &mut PlanSink,
    ) -> Result<(), SyncError> {
        let devices = swept.rows.len() as u64;
        let name = view.connection.tenant_name();
        if let Some(device) = device {
            if !swept.has(device)? {
                return Ok(());
            }
            let reason = format!("its tenant {name} has no Halo client: {reason}");
            sink.counts.devices_read += 1;
            return sink.held(HeldDevice { device: None, name: device.to_owned(), reason }).await;
        }
        let are = if devices == 1 { "device is" } else { "devices are" };
        let reason = format!("{devices} {are} held: {reason}");
        sink.held_tenant(HeldDevice { device: None, name: format!("tenant {name}"), reason }, devices).await
    }

    /// Assets that devices of other tenants, of this connection and of others, have or get.
    fn others(&self, view: &View, paired: &FxHashSet<AssetId>) -> Others {
        let own = view.connection.microsoft.tenant.key();
        let of = |connection: &Connection| {
            let tenants = connection.tenants().map(|tenant| (connection.id.clone(), tenant.key()));
            tenants.filter(|(_, tenant)| *tenant != own).collect::<Vec<_>>()
        };
        let rings = self.world.settings.connections.iter().flat_map(of).collect();
        Others { rings, paired: paired.clone() }
    }
}
