//! A trial: what a plugin would change, over the devices that Intune has now, beside what the settings say today.
//! Nothing is written anywhere, and nothing is concluded.
//!
//! Each device is decided twice, by the settings as they are and by the same settings with the plugin. What Halo holds
//! does not matter here, and is not read.

use super::catalogue;
use super::error::SyncError;
use super::index::refresh_users;
use super::options::IndexReading;
use super::organisations::Surveyed;
use super::plugins;
use super::progress::ProgressEvent;
use super::tenants::{View, tenant_users, views};
use super::world::World;
use crate::graph::Decoder;
use integrator_core::decide::{
    Calls, ClientSource, Counting, Decision, Knowledge, PluginSet, Rulebook, TypeRef, UserIndex,
    decide_asking,
};
use integrator_core::model::value::fold;
use integrator_core::model::{Catalogue, Client, ClientId, Device, SiteId, Slot};
use integrator_core::plugin::{PluginKind, PluginSettings};
use integrator_core::settings::{
    Connection, Determine, PluginUse, Program, SenseManaged, SiteMode, Transform,
};
use serde::Serialize;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Devices that a group names.
const NAMED: usize = 5;

/// What a plugin would change.
#[derive(Clone, Debug, Default, Serialize)]
pub struct TrialReport {
    /// The plugin's name.
    pub plugin: String,
    /// What it is.
    pub kind: String,
    /// SHA-256 of its file.
    pub digest: String,
    /// Devices that were tried.
    pub devices: u64,
    /// Devices that would be decided otherwise.
    pub differ: u64,
    /// Devices that would be held because the plugin fails on them.
    pub held: u64,
    /// The differences, the greatest group first.
    pub groups: Vec<TrialGroup>,
    /// What people should know.
    pub notices: Vec<String>,
}

/// Devices that differ in the same way.
#[derive(Clone, Debug, Serialize)]
pub struct TrialGroup {
    /// `type`, `site`, the field's name, or `held`.
    pub what: String,
    /// As the settings say today.
    pub today: Option<String>,
    /// With the plugin; for `held`, why.
    pub with_plugin: Option<String>,
    /// How many.
    pub devices: u64,
    /// The first of them, by name.
    pub examples: Vec<String>,
}

/// Tries a plugin on a connection's devices. A field transform is tried at the end of the mapping that fills `field`.
pub async fn try_plugin(
    world: &World,
    connection: &str,
    plugin: &str,
    field: Option<&str>,
) -> Result<TrialReport, SyncError> {
    let today = world.connection(connection)?;
    let settings = today.plugins.get(plugin).cloned().unwrap_or_default();
    let about = about(world, plugin, settings).await?;
    let with = with_plugin(&today, plugin, about.kind, field)?;
    let mut trial = Trial { groups: BTreeMap::new(), report: about.report };
    let (today, with) = (views(world, &today).await?, views(world, &with).await?);
    for (today, with) in today.iter().zip(&with) {
        trial.tenant(world, about.kind, today, with).await?;
    }
    Ok(trial.report())
}

struct About {
    kind: PluginKind,
    report: TrialReport,
}

async fn about(world: &World, plugin: &str, settings: PluginSettings) -> Result<About, SyncError> {
    let (source, name) = (Arc::clone(&world.plugins), plugin.to_owned());
    let loaded = tokio::task::spawn_blocking(move || source.plugin(&name, &settings))
        .await
        .map_err(|error| SyncError::bug(format!("loading a plugin: {error}")))?
        .map_err(|error| SyncError::settings(error.message, error.hint))?;
    let about = loaded.about();
    let report = TrialReport {
        plugin: about.name.clone(),
        kind: about.kind.name().to_owned(),
        digest: about.digest.clone(),
        ..TrialReport::default()
    };
    Ok(About { kind: about.kind, report })
}

/// The connection as it would be with the plugin.
fn with_plugin(
    today: &Connection,
    plugin: &str,
    kind: PluginKind,
    field: Option<&str>,
) -> Result<Connection, SyncError> {
    let used = PluginUse {
        kind,
        program: Program::Named(plugin.to_owned()),
        place: "the plugin on trial".to_owned(),
    };
    let mut with = today.clone();
    if field.is_some() && kind != PluginKind::FieldTransform {
        return Err(SyncError::settings(
            format!("the plugin {plugin} is a {kind}, which has no field"),
            "leave `--field` out",
        ));
    }
    match kind {
        PluginKind::AssetTypeRule => with.asset_types.determine = Determine::Plugin(used),
        PluginKind::SitePolicy => {
            with.imports.site = SiteMode::Plugin;
            with.imports.site_plugin = Some(used);
        }
        PluginKind::FieldTransform => {
            let known: Vec<&str> = today.fields.iter().map(|mapping| mapping.to.as_str()).collect();
            let Some(field) = field else {
                return Err(SyncError::settings(
                    format!("the plugin {plugin} changes a field, and none is named"),
                    format!("add `--field`, one of: {}", known.join(", ")),
                ));
            };
            let mut mappings =
                with.fields.iter_mut().filter(|mapping| fold(&mapping.to) == fold(field)).peekable();
            if mappings.peek().is_none() {
                return Err(SyncError::settings(
                    format!("no mapping fills the field \"{field}\""),
                    format!("name one of: {}", known.join(", ")),
                ));
            }
            for mapping in mappings {
                mapping.transform.push(Transform::Plugin(used.clone()));
            }
        }
        PluginKind::Criterion => {}
    }
    Ok(with)
}

/// What differs: the part, as it is today, and with the plugin.
type Difference = (String, Option<String>, Option<String>);

/// A trial under way.
struct Trial {
    groups: BTreeMap<Difference, (u64, Vec<String>)>,
    report: TrialReport,
}

/// One way to decide.
struct Way {
    rulebook: Rulebook,
    decoder: Decoder,
}

impl Way {
    fn new(view: &View, catalogue: &Catalogue, source: &ClientSource) -> Result<Self, SyncError> {
        let plugins: Arc<PluginSet> = Arc::clone(&view.plugins);
        let rulebook = Rulebook::bind_for(&view.connection, catalogue, source, plugins)?;
        Ok(Self { decoder: Decoder::new(&rulebook.projection), rulebook })
    }
}

impl Trial {
    async fn tenant(
        &mut self,
        world: &World,
        kind: PluginKind,
        today: &View,
        with: &View,
    ) -> Result<(), SyncError> {
        let halo = world.halo(None).await?;
        let views = [with.clone()];
        let mut catalogue = catalogue::read(&halo, &with.connection, &views, None).await?;
        let tenant = with.connection.tenant_name().to_owned();
        let source = match (&with.connection.organisations.client, kind) {
            (Some(_), _) => ClientSource::Named,
            (None, PluginKind::SitePolicy) => {
                self.report.notices.push(format!(
                    "tenant {tenant} is left out: its client is found by an import, and without it its sites are not known"
                ));
                return Ok(());
            }
            // Types and fields do not depend on it.
            (None, _) => {
                ClientSource::Found(Client { id: ClientId(0), name: tenant.clone(), main_site: None })
            }
        };
        catalogue::read_sites(&halo, &with.connection, &Surveyed::Client(source.clone()), &mut catalogue)
            .await?;
        let ways = [Way::new(today, &catalogue, &source)?, Way::new(with, &catalogue, &source)?];
        let [before, after] = &ways;
        let users = if kind == PluginKind::SitePolicy {
            let store = world.store().await?;
            let (members, now) = (world.user_members(), world.clock.now());
            refresh_users(&halo, &*store, &members, IndexReading::Changes, now, &*world.progress).await?;
            tenant_users(world, &*store, &with.graph, &after.rulebook).await?
        } else {
            UserIndex::default()
        };
        let singly =
            after.rulebook.projection.details().map(|(_, property)| property.name).collect::<Vec<_>>();
        if !singly.is_empty() {
            self.report
                .notices
                .push(format!("tried without what Intune tells in single reads only: {}", singly.join(", ")));
        }
        with.graph.sign_in().await?;
        let mut walk = with.graph.sweep().ahead();
        let (mut pages, mut read) = (0, 0);
        while let Some(page) = walk.next_page().await? {
            let mut calls = [
                Calls::new(&before.rulebook.plugins, Counting::Uncounted),
                Calls::new(&after.rulebook.plugins, Counting::Uncounted),
            ];
            for text in page.rows() {
                let (Ok(one), Ok(other)) = (before.decoder.decode(text), after.decoder.decode(text)) else {
                    continue;
                };
                self.device(world, &ways, [&one, &other], &users, &mut calls, &catalogue);
            }
            for calls in &mut calls {
                plugins::tell(calls.take_log());
            }
            pages += 1;
            read += page.len() as u64;
            world.progress.event(ProgressEvent::PagesRead { pages, devices: read });
            if *world.stop.borrow() {
                return Err(SyncError::interrupted());
            }
        }
        Ok(())
    }

    fn device(
        &mut self,
        world: &World,
        [before, after]: &[Way; 2],
        [one, other]: [&Device; 2],
        users: &UserIndex,
        [first, second]: &mut [Calls<'_>; 2],
        catalogue: &Catalogue,
    ) {
        let is_sense =
            other.text(Slot::MANAGEMENT_AGENT).is_some_and(|agent| agent.eq_ignore_ascii_case("msSense"));
        if is_sense && after.rulebook.connection.imports.sense_managed == SenseManaged::Exclude {
            return;
        }
        self.report.devices += 1;
        let now = world.clock.now();
        let known = Knowledge::WithoutDetails;
        let today = decide_asking(&before.rulebook, users, one, now, known, first);
        let with = decide_asking(&after.rulebook, users, other, now, known, second);
        let name = other.name();
        match (today, with) {
            (Ok(today), Ok(with)) => {
                let was = shown(&before.rulebook, catalogue, &today);
                let will = shown(&after.rulebook, catalogue, &with);
                let mut differs = 0;
                for (what, value) in &will {
                    let old = was.get(what).cloned().flatten();
                    if old != *value {
                        differs = 1;
                        self.group(what, old, value.clone(), name);
                    }
                }
                for (what, old) in was.iter().filter(|(what, _)| !will.contains_key(*what)) {
                    differs = 1;
                    self.group(what, old.clone(), Some("(left as it is)".to_owned()), name);
                }
                self.report.differ += differs;
            }
            (Ok(_), Err(why)) => {
                self.report.held += 1;
                self.group("held", None, Some(why), name);
            }
            (Err(why), Ok(_)) => {
                self.report.differ += 1;
                self.group("held", Some(why), None, name);
            }
            (Err(_), Err(_)) => {}
        }
    }

    fn group(&mut self, what: &str, today: Option<String>, with: Option<String>, device: &str) {
        let (count, examples) = self.groups.entry((what.to_owned(), today, with)).or_default();
        *count += 1;
        if examples.len() < NAMED {
            examples.push(device.to_owned());
        }
    }

    fn report(mut self) -> TrialReport {
        self.report.groups = self
            .groups
            .into_iter()
            .map(|((what, today, with_plugin), (devices, examples))| TrialGroup {
                what,
                today,
                with_plugin,
                devices,
                examples,
            })
            .collect();
        self.report.groups.sort_by_key(|group| std::cmp::Reverse(group.devices));
        self.report
    }
}

/// What a decision says, as people read it.
fn shown(
    rulebook: &Rulebook,
    catalogue: &Catalogue,
    decision: &Decision,
) -> BTreeMap<String, Option<String>> {
    let mut shown = BTreeMap::new();
    let type_name = match &decision.asset_type.asset_type {
        TypeRef::New(name) => format!("{name} (new)"),
        TypeRef::Existing(id) => {
            catalogue.type_of(*id).map_or_else(|| id.to_string(), |known| known.name.clone())
        }
    };
    shown.insert("type".to_owned(), Some(type_name));
    for field in &decision.fields {
        if let Some(mapping) = rulebook.mappings.get(field.mapping) {
            shown.insert(mapping.name.clone(), field.value.clone());
        }
    }
    let site = |id: SiteId| {
        let known = catalogue.sites.iter().find(|site| site.id == id);
        known.map_or_else(|| id.to_string(), |site| site.name.clone())
    };
    let place = match (decision.site.move_to, decision.site.on_create) {
        (Some(to), _) => site(to),
        (None, Some(start)) => format!("{}, where new", site(start)),
        (None, None) => "the client's main site, where new".to_owned(),
    };
    shown.insert("site".to_owned(), Some(place));
    shown
}
