//! Halo's own Intune connection and the names that it refers to, read for `settings pull`. Translates nothing.

use super::error::SyncError;
use super::world::World;
use crate::halo::{HaloClient, HaloError, HaloRecord};
use crate::http::FailureClass;
use integrator_core::model::value::fold;
use integrator_core::model::{Catalogue, Client, ClientId, Site, SiteId};

/// An Intune connection of Halo's with what is needed to name what it refers to.
#[derive(Clone, Debug, Default)]
pub struct HaloIntuneSettings {
    /// The connection as Halo shows it, details included.
    pub record: HaloRecord,
    /// Halo's choices: all types, groups, statuses and fields; of clients and sites those that it refers to.
    pub catalogue: Catalogue,
    /// The lists that Halo would not show, as people call them: what stands in them is not known to be missing.
    pub unread: Vec<&'static str>,
}

/// Reads the only Intune connection, or the one of that name or number.
pub async fn halo_settings(world: &World, from: Option<&str>) -> Result<HaloIntuneSettings, SyncError> {
    let halo = world.halo(None).await?;
    let listed = halo.intune_connections().await?;
    let id = choose(&listed, from)?;
    let Some(record) = halo.intune_connection(id).await? else {
        return Err(SyncError::unreadable(
            format!("Halo lists the Intune connection {id}, but does not show it"),
            Some("look at it in Halo, under Configuration > Integrations > Intune".to_owned()),
        ));
    };
    let mut read = HaloIntuneSettings { record, ..HaloIntuneSettings::default() };
    read.name_everything(&halo).await?;
    Ok(read)
}

/// The number of the connection that is meant.
fn choose(listed: &[HaloRecord], from: Option<&str>) -> Result<i64, SyncError> {
    let known = || {
        let shown = |row: &HaloRecord| {
            let name = row.text("name").unwrap_or_default();
            format!("{} \"{name}\"", row.number("id").unwrap_or_default())
        };
        listed.iter().map(shown).collect::<Vec<_>>().join(", ")
    };
    if listed.is_empty() {
        return Err(SyncError::settings(
            "Halo has no Intune connection",
            "`halo-integrator init` asks its way to a new one",
        ));
    }
    let matching: Vec<&HaloRecord> = match from.map(str::trim) {
        None => listed.iter().collect(),
        Some(wanted) => {
            let by_number: Vec<&HaloRecord> =
                listed.iter().filter(|row| row.text("id").as_deref() == Some(wanted)).collect();
            let named = |row: &&HaloRecord| row.text("name").is_some_and(|name| fold(&name) == fold(wanted));
            if by_number.is_empty() { listed.iter().filter(named).collect() } else { by_number }
        }
    };
    match (matching.as_slice(), from) {
        ([one], _) => one
            .number("id")
            .ok_or_else(|| SyncError::unreadable("Halo shows an Intune connection without its number", None)),
        ([], wanted) => Err(SyncError::settings(
            format!("Halo has no Intune connection `{}`", wanted.unwrap_or_default()),
            format!("it has: {}", known()),
        )),
        (_, None) => Err(SyncError::settings(
            format!("Halo has {} Intune connections: {}", listed.len(), known()),
            "name one with `--from`, by its name or number",
        )),
        (_, Some(wanted)) => Err(SyncError::settings(
            format!("Halo has several Intune connections `{wanted}`: {}", known()),
            "name one with `--from` and its number",
        )),
    }
}

impl HaloIntuneSettings {
    async fn name_everything(&mut self, halo: &HaloClient) -> Result<(), SyncError> {
        self.catalogue.types = self.list("asset types", halo.asset_types().await)?;
        self.catalogue.groups = self.list("asset groups", halo.asset_groups().await)?;
        self.catalogue.statuses = self.list("asset statuses", halo.asset_statuses().await)?;
        self.catalogue.fields = self.list("asset fields", halo.asset_fields().await)?;
        let mut clients = self.tenant_clients();
        if let Some(id) = self.record.number("defaultsite").filter(|id| *id > 0) {
            let site: Vec<Site> =
                self.list("sites", halo.site(SiteId(id)).await.map(|site| site.into_iter().collect()))?;
            clients.extend(site.iter().filter_map(|site| site.client));
            self.catalogue.sites = site;
        }
        clients.sort_unstable_by_key(|id| id.0);
        clients.dedup();
        // A few are cheaper by number, many by the list.
        if clients.len() > 10 {
            self.catalogue.clients = self.list("clients", halo.clients("").await)?;
            return Ok(());
        }
        for id in clients {
            let found: Vec<Client> =
                self.list("clients", halo.client(id).await.map(|client| client.into_iter().collect()))?;
            self.catalogue.clients.extend(found);
        }
        Ok(())
    }

    fn tenant_clients(&self) -> Vec<ClientId> {
        let tenants = self.record.list("mappings_client").unwrap_or_default();
        tenants.iter().filter_map(|row| row.number("client_id")).filter(|id| *id > 0).map(ClientId).collect()
    }

    /// A list that Halo may keep to itself: then its numbers stay numbers.
    fn list<T>(&mut self, what: &'static str, read: Result<Vec<T>, HaloError>) -> Result<Vec<T>, SyncError> {
        match read {
            Err(error) if error.class() == FailureClass::Access && error.status() == Some(403) => {
                if !self.unread.contains(&what) {
                    self.unread.push(what);
                }
                Ok(Vec::new())
            }
            read => Ok(read?),
        }
    }
}
