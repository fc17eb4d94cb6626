//! The tenants of one connection, one after the other: each swept, resolved and decided by itself, into one plan.
//!
//! A run holds the rows of one tenant at a time. What the first tenants have paired is out of reach for later ones;
//! what one tenant's failure ends is the whole run, because a plan of half a connection would conclude wrongly.

use super::decide::{Shared, decide_all};
use super::error::SyncError;
use super::index::user_index;
use super::options::Allowances;
use super::organisations::Surveyed;
use super::outcome::ExitClass;
use super::people::{add_entra_users, add_owners};
use super::permissions;
use super::planner::Planner;
use super::resolve::{Known, Others, resolve};
use super::session::{HaloSide, Session};
use super::sink::PlanSink;
use super::sweep::{Basis, Reading, Swept, sweep};
use super::world::World;
use crate::graph::GraphClient;
use crate::halo::HaloClient;
use crate::store::Store;
use integrator_core::decide::{Rulebook, UserIndex, projection};
use integrator_core::model::{AssetId, Catalogue, TenantId};
use integrator_core::plan::{Footer, GuardVerdict, HeldDevice, judge_deactivations, judge_empty_source};
use integrator_core::resolve::Pair;
use integrator_core::resolve::placeholder::Placeholders;
use integrator_core::settings::{Connection, TenantPlace, UserSource, Users};
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
}

/// The tenants that are imported, in the order of the settings. Sends nothing yet.
pub(super) async fn views(world: &World, connection: &Connection) -> Result<Vec<View>, SyncError> {
    let mut views = Vec::new();
    for view in connection.views() {
        let graph = world.graph(&view).await?;
        views.push(View { connection: Arc::new(view), graph });
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
    let folder = world.settings.integrator.data.join("cache");
    let mut users = user_index(store, &connection.users, &folder).await?;
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
        projection: projection(connection),
        placeholders: Placeholders::new(connection.imports.ignore_values.iter().map(String::as_str)),
        sense_managed: connection.imports.sense_managed,
        basis,
    };
    let folder = world.settings.integrator.data.join("spool");
    sweep(&view.graph, reading, &folder, run, &*world.progress, &world.stop).await
}

async fn check_permissions(connection: &Connection, graph: &GraphClient) -> Result<(), SyncError> {
    let missing = graph.missing_permissions(&permissions::needed(connection)).await?;
    if missing.is_empty() {
        return Ok(());
    }
    let tenant = match &connection.organisations.place {
        TenantPlace::Connection => String::new(),
        TenantPlace::Row(_) => format!(" in tenant {}", connection.tenant_name()),
    };
    Err(SyncError {
        message: format!(
            "the app registration of connection \"{}\" lacks the application permission {}{tenant}",
            connection.id,
            missing.join(", ")
        ),
        hint: Some(permissions::HINT.to_owned()),
        class: ExitClass::SignIn,
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
    #[expect(clippy::too_many_arguments, reason = "the parts of one run, each used once, in one place")]
    pub(super) async fn plan_tenants(
        &mut self,
        first: Swept,
        side: HaloSide,
        sink: PlanSink,
        halo: &HaloClient,
        store: &dyn Store,
        device: Option<&str>,
        allow: Allowances,
    ) -> Result<Footer, SyncError> {
        let HaloSide { catalogue, known, undecided, rulebooks, surveyed, users, .. } = side;
        let views = self.views.clone();
        let mut total = Total::default();
        let mut paired = FxHashSet::default();
        let mut lines = Lines::Sink(Box::new((sink, catalogue)));
        let mut first = Some((first, known));
        let (mut users, settings) = (users, &self.connection.users);
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
            let known_users = if serves_all(settings) { users.clone() } else { users.take() };
            let mut its_users = match known_users {
                Some(users) => users,
                None => Arc::new(tenant_users(&self.world, store, &view.graph, &rulebook).await?),
            };
            if serves_all(settings) {
                users = Some(Arc::clone(&its_users));
            }
            let mut swept = match swept {
                Some(swept) => swept,
                None => {
                    let basis = (settings.source == UserSource::Intune).then(|| {
                        let (rulebook, users) = (Arc::clone(&rulebook), Arc::clone(&its_users));
                        Arc::new(SetOnce::new_with(Some(Basis { rulebook, users, now: self.now })))
                    });
                    sweep_view(&self.world, view, &self.run.0, basis).await?
                }
            };
            if settings.source == UserSource::Entra {
                let index = Arc::get_mut(&mut its_users)
                    .ok_or_else(|| SyncError::bug("the users are in use already"))?;
                add_owners(index, settings, &view.graph, &swept.rows, &swept.spool).await?;
            }
            let known = match known {
                Some(known) => known,
                None => Known::load(store, &view.connection, undecided.clone()).await?,
            };
            let read = swept.rows.len() as u64;
            let others = self.others(view, &paired);
            let resolved = resolve(&mut swept, &rulebook, store, halo, known, &others).await?;
            let empty = total.take(&view.connection.microsoft.tenant, read, resolved.linked_before);
            if views.len() > 1 {
                paired.extend(resolved.pairs.iter().filter_map(|pair| match pair {
                    Pair::Matched(asset, _) => Some(*asset),
                    _ => None,
                }));
            }
            let only = device.map(integrator_core::model::value::fold);
            let shared = Arc::new(Shared { rulebook, users: its_users, resolved, now: self.now, only });
            lines = match lines {
                Lines::Sink(parts) => {
                    let (sink, catalogue) = *parts;
                    let shared = Arc::clone(&shared);
                    Lines::Planner(Box::new(Planner::new(sink, catalogue, halo, store, shared, &self.run.0)))
                }
                Lines::Planner(mut planner) => {
                    planner.turn_to(Arc::clone(&shared));
                    Lines::Planner(planner)
                }
            };
            if let Lines::Planner(planner) = &mut lines {
                self.plan_view(view, swept, &shared, planner, device, &empty).await?;
                planner.let_go();
            }
        }
        let (sink, concluded, matched) = match lines {
            Lines::Planner(planner) => {
                let mut planner = *planner;
                planner.sink.notices.extend(planner.stock.notices());
                (planner.sink, planner.concluded, planner.matched)
            }
            Lines::Sink(parts) => (parts.0, 0, 0),
        };
        if let Some(device) = device.filter(|_| sink.counts.devices_read == 0) {
            return Err(SyncError::settings(
                format!("Intune has no device \"{device}\""),
                "name it by its Intune id, its name or its serial number",
            ));
        }
        let guard = self.connection.guards.deactivate;
        let deactivations = judge_deactivations(guard, concluded, total.linked + matched, allow.deactivate);
        sink.finish(vec![total.verdict(views.len()), deactivations]).await
    }

    /// Decides and plans one tenant's devices, and what became of those that are gone.
    async fn plan_view(
        &self,
        view: &View,
        swept: Swept,
        shared: &Arc<Shared>,
        planner: &mut Planner<'_>,
        device: Option<&str>,
        empty: &GuardVerdict,
    ) -> Result<(), SyncError> {
        if swept.repeated > 0 {
            tracing::info!(rows = swept.repeated, "Graph sent devices on more than one page");
        }
        let world = &self.world;
        decide_all(&swept.spool, shared, planner, &*world.progress, &world.stop).await?;
        if device.is_some() {
            return Ok(());
        }
        if !swept.nameless.is_empty() {
            planner.sink.left_out = true;
            let first = swept.nameless.first().cloned().unwrap_or_default();
            planner.sink.notices.push(format!(
                "{} rows of Intune's list could not be read ({first}): nothing is concluded from absence in this run",
                swept.nameless.len()
            ));
            return Ok(());
        }
        if empty.refused { Ok(()) } else { planner.plan_absences(&view.graph).await }
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
