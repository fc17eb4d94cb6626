//! `check --online`: signs in on both sides and looks for every name that the settings use.

use super::error::SyncError;
use super::organisations::{Survey, Surveyed, survey_afresh};
use super::outcome::ExitClass;
use super::tenants::{View, views};
use super::world::World;
use super::{catalogue, permissions, plugins};
use integrator_core::decide::rulebook::new_type_group;
use integrator_core::decide::{ClientSource, Rulebook};
use integrator_core::settings::Connection;
use serde::Serialize;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Loads the plugins that the connection's settings name, for each tenant; an error says what is wrong with those that
/// cannot be used.
pub async fn check_plugins(world: &World, connection: &Connection) -> Result<(), SyncError> {
    for view in connection.views() {
        plugins::load(world, &view).await?;
    }
    Ok(())
}

/// What `check --online` found.
#[derive(Clone, Debug, Serialize)]
pub struct CheckReport {
    /// One a thing that was looked at, in order.
    pub items: Vec<CheckItem>,
    /// The ending.
    #[serde(skip)]
    pub class: ExitClass,
}

/// One thing that was looked at.
#[derive(Clone, Debug, Serialize)]
pub struct CheckItem {
    /// What, for example `Microsoft sign-in`.
    pub what: String,
    /// Whether it is well.
    pub ok: bool,
    /// What was found.
    pub text: String,
    /// The way out.
    pub hint: Option<String>,
}

/// Signs in on both sides and looks for every name that the connection's settings use. Writes nothing, and does
/// not need the store.
pub async fn check(world: &World, connection: &str) -> CheckReport {
    let mut report = CheckReport { items: Vec::new(), class: ExitClass::Done };
    match world.connection(connection) {
        Ok(connection) => match views(world, &connection).await {
            Ok(views) => {
                report.take_plugins(&views);
                for view in &views {
                    report.take("Microsoft sign-in", microsoft(view).await);
                }
                report.take("Halo sign-in and names", halo(world, &connection, &views).await);
            }
            Err(error) => report.take("connection", Err(error)),
        },
        Err(error) => report.take("connection", Err(error)),
    }
    report
}

impl CheckReport {
    /// The plugins that were loaded.
    fn take_plugins(&mut self, views: &[View]) {
        let loaded: BTreeMap<String, String> = views.iter().flat_map(|view| view.plugins.digests()).collect();
        self.take(
            "plugins",
            Ok(loaded.iter().map(|(name, digest)| format!("{name} is loaded, sha256 {digest}")).collect()),
        );
    }

    fn take(&mut self, what: &str, result: Result<Vec<String>, SyncError>) {
        match result {
            Ok(texts) => self.items.extend(texts.into_iter().map(|text| CheckItem {
                what: what.to_owned(),
                ok: true,
                text,
                hint: None,
            })),
            Err(error) => {
                self.class = ExitClass::worst([self.class, error.class]);
                self.items.push(CheckItem {
                    what: what.to_owned(),
                    ok: false,
                    text: error.message,
                    hint: error.hint,
                });
            }
        }
    }
}

async fn microsoft(view: &View) -> Result<Vec<String>, SyncError> {
    let (connection, graph) = (&*view.connection, &view.graph);
    graph.sign_in().await?;
    let needed = permissions::needed(connection);
    let missing = graph.missing_permissions(&needed).await?;
    permissions::check_missing(connection, &missing)?;
    // The first page proves the Intune licence and the right to read devices.
    let mut sweep = graph.sweep();
    let devices = sweep.next_page().await?.map_or(0, |page| page.len());
    let mut texts = vec![format!(
        "signed in to tenant {}; permissions: {}; the first page holds {devices} devices",
        connection.microsoft.tenant,
        needed.join(", ")
    )];
    texts.extend(graph.expiry_notice().map(str::to_owned));
    // Only nicer messages need the organisation, so that a refusal is none of ours.
    if let Ok(Some(organization)) = graph.organization().await {
        texts.push(format!("the tenant is {}", organization.name));
    }
    Ok(texts)
}

async fn halo(world: &World, connection: &Connection, views: &[View]) -> Result<Vec<String>, SyncError> {
    let halo = world.halo(None).await?;
    let agent = halo.agent_me().await?;
    let unnamed = views.iter().any(|view| view.connection.organisations.client.is_none());
    let survey = if unnamed { survey_afresh(&halo, views).await? } else { Survey::named(views) };
    let mut catalogue = catalogue::read(&halo, connection, views, survey.clients()).await?;
    let mut texts = vec![format!("signed in to Halo as \"{}\"", agent.name)];
    texts.extend(survey.notices);
    let mut problems = Vec::new();
    for (view, surveyed) in views.iter().zip(&survey.tenants) {
        let source = match surveyed {
            Surveyed::Held(reason) => {
                // What an earlier import remembers may still find it.
                texts.push(format!(
                    "no client of tenant {} is found: {reason}",
                    view.connection.tenant_name()
                ));
                continue;
            }
            Surveyed::Client(source) => source,
        };
        if let ClientSource::Found(client) = source {
            texts.push(format!("tenant {} is client \"{}\"", view.connection.tenant_name(), client.name));
        }
        catalogue::read_sites(&halo, &view.connection, surveyed, &mut catalogue).await?;
        match Rulebook::bind_for(&view.connection, &catalogue, source, Arc::clone(&view.plugins)) {
            Ok(rulebook) => texts.push(format!(
                "found every name: client \"{}\", {} mappings, {} asset types in Halo",
                rulebook.client.name,
                rulebook.mappings.len(),
                catalogue.types.len()
            )),
            Err(found) => problems.extend(found),
        }
    }
    if !problems.is_empty() {
        return Err(problems.into());
    }
    if connection.asset_types.group.is_some() {
        let groups = halo.asset_groups().await?;
        new_type_group(&connection.asset_types, &groups).map_err(|problem| vec![problem])?;
    }
    let assets = halo.asset_count().await?;
    let users = halo.user_count().await?;
    texts.push(format!("Halo holds {assets} assets and {users} users"));
    Ok(texts)
}
