//! `[organisations]`: the tenants of a connection, and the Halo client of each.
//!
//! A run looks at one tenant at a time, through a [view](Connection::views): the connection as if it had that
//! tenant alone. Which client Halo really has is not known here.

use super::connection::Connection;
use super::imports::DefaultSite;
use crate::model::TenantId;
use crate::plugin::{PluginSettings, join};
use std::collections::BTreeMap;

/// The tab "Organisations".
#[derive(Clone, Debug)]
pub struct Organisations {
    /// The client of the first tenant (of the view's tenant in a view), by name or number; `None`: it is found by
    /// tenant id, then domain, then name.
    pub client: Option<String>,
    /// `create`
    pub create: ClientCreation,
    /// What the first tenant (the view's tenant) is called by people, where the settings say.
    pub name: Option<String>,
    /// Whether the first tenant is left out.
    pub exclusion: Exclusion,
    /// Further tenants, in the order of the file; none in a view.
    pub tenants: Vec<Tenant>,
    /// Where the names of the first tenant (of the view's tenant) stand.
    pub place: TenantPlace,
}

/// `organisations.create`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientCreation {
    /// A tenant without a client gets one, with its main site.
    Create,
    /// Its devices are held.
    Never,
}

/// `exclude` of a tenant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exclusion {
    /// It is not read, and nothing is concluded of its devices.
    Excluded,
    /// It is imported.
    Imported,
}

/// `[[organisations.tenants]]`
#[derive(Clone, Debug, PartialEq)]
pub struct Tenant {
    /// Directory id or domain.
    pub tenant: TenantId,
    /// What people call it.
    pub name: Option<String>,
    /// Its client, by name or number.
    pub client: Option<String>,
    /// Where its assets start.
    pub default_site: Option<DefaultSite>,
    /// Whether it is left out.
    pub exclusion: Exclusion,
    /// Settings of plugins for its devices; they go over those of the connection.
    pub plugins: BTreeMap<String, PluginSettings>,
}

/// Where the names of a tenant stand in the settings, for messages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TenantPlace {
    /// In `[organisations]` and `[imports]`.
    Connection,
    /// In the row of `[[organisations.tenants]]` of this tenant.
    Row(TenantId),
}

impl TenantPlace {
    /// The setting that names the client.
    pub fn client(&self) -> String {
        match self {
            Self::Connection => "organisations.client".to_owned(),
            Self::Row(tenant) => format!("organisations.tenants, client (of {tenant})"),
        }
    }

    /// The setting that names a part (`client` or `site`) of the default site.
    pub fn default_site(&self, part: &str) -> String {
        match self {
            Self::Connection => format!("imports.default_site.{part}"),
            Self::Row(tenant) => format!("organisations.tenants, default_site.{part} (of {tenant})"),
        }
    }
}

impl Connection {
    /// The connection as each of its tenants sees it, in the order of the settings: with that tenant, its client
    /// and its default site alone. Excluded tenants have no view.
    pub fn views(&self) -> Vec<Self> {
        let own = &self.organisations;
        let first = (own.exclusion == Exclusion::Imported).then(|| Self {
            organisations: Organisations { tenants: Vec::new(), ..own.clone() },
            ..self.clone()
        });
        let others = own.tenants.iter().filter(|row| row.exclusion == Exclusion::Imported).map(|row| {
            let mut view = self.clone();
            view.microsoft.tenant = row.tenant.clone();
            view.organisations = Organisations {
                client: row.client.clone(),
                create: own.create,
                name: row.name.clone(),
                exclusion: row.exclusion,
                tenants: Vec::new(),
                place: TenantPlace::Row(row.tenant.clone()),
            };
            view.imports.default_site.clone_from(&row.default_site);
            for (name, settings) in &row.plugins {
                join(view.plugins.entry(name.clone()).or_default(), settings);
            }
            view
        });
        first.into_iter().chain(others).collect()
    }

    /// All tenants, excluded ones too.
    pub fn tenants(&self) -> impl Iterator<Item = &TenantId> {
        std::iter::once(&self.microsoft.tenant)
            .chain(self.organisations.tenants.iter().map(|row| &row.tenant))
    }

    /// The tenant as messages name it: by its name, where the settings give one.
    pub fn tenant_name(&self) -> &str {
        self.organisations.name.as_deref().unwrap_or_else(|| self.microsoft.tenant.as_str())
    }

    /// Whether the settings speak of organisations beyond one fixed client: then an import of assets looks after
    /// the clients first.
    pub fn has_organisations(&self) -> bool {
        let own = &self.organisations;
        own.create == ClientCreation::Create || !own.tenants.is_empty() || own.client.is_none()
    }
}
