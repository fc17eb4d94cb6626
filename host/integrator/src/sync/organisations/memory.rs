//! Which client each tenant of a connection is, as earlier runs wrote it: a Halo that does not show what it was told
//! is not told again and again, and a client that was renamed since is found again.
//!
//! It is also the journal of clients: the name of one that is about to be created is kept until its answer is
//! clear, so that the next run looks for it whatever the tenant is called by then.

use crate::store::{ChangeSet, Lease, Store};
use crate::sync::error::SyncError;
use integrator_core::model::{ClientId, TenantId};
use serde::{Deserialize, Serialize};

/// What is remembered of a connection's tenants.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Memory {
    tenants: Vec<Remembered>,
}

/// One tenant.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Remembered {
    /// The tenant, as the settings name it.
    tenant: TenantId,
    /// Its client.
    #[serde(default)]
    pub(crate) client: Option<ClientId>,
    /// The directory id that Halo was told.
    #[serde(default)]
    pub(crate) told: Option<String>,
    /// The name under which a client is being created.
    #[serde(default)]
    pub(crate) creating: Option<String>,
}

impl Memory {
    /// What earlier runs of the connection left.
    pub(crate) async fn load(store: &dyn Store, connection: &str) -> Result<Self, SyncError> {
        let mark = store.mark(&mark_name(connection)).await?;
        Ok(mark.and_then(|mark| serde_json::from_value(mark).ok()).unwrap_or_default())
    }

    /// What is remembered of a tenant.
    pub(crate) fn of(&self, tenant: &TenantId) -> Option<&Remembered> {
        self.tenants.iter().find(|known| known.tenant.key() == tenant.key())
    }
}

/// What is to be remembered of a tenant from now on.
pub(crate) enum News {
    /// Its client is about to be created under this name.
    Creating(String),
    /// Nothing is being created, and nothing was.
    NotCreated,
    /// It is this client, and Halo was told this directory id.
    Is(ClientId, Option<String>),
}

/// Remembers it, durably.
pub(crate) async fn remember(
    store: &dyn Store,
    lease: &Lease,
    tenant: &TenantId,
    news: News,
) -> Result<(), SyncError> {
    let mut memory = Memory::load(store, &lease.connection).await?;
    let position = memory.tenants.iter().position(|known| known.tenant.key() == tenant.key());
    let mut entry = match position {
        Some(position) => memory.tenants.swap_remove(position),
        None => Remembered { tenant: tenant.clone(), client: None, told: None, creating: None },
    };
    match news {
        News::Creating(name) => entry.creating = Some(name),
        News::NotCreated => entry.creating = None,
        News::Is(client, told) => {
            entry.client = Some(client);
            entry.told = told;
            entry.creating = None;
        }
    }
    memory.tenants.push(entry);
    memory.tenants.sort_by(|one, other| one.tenant.cmp(&other.tenant));
    let value = serde_json::to_value(&memory).map_err(|error| SyncError::bug(error.to_string()))?;
    let changes =
        ChangeSet { put_marks: vec![(mark_name(&lease.connection), value)], ..ChangeSet::default() };
    store.commit(Some(lease), changes).await?;
    Ok(())
}

fn mark_name(connection: &str) -> String {
    format!("organisations {connection}")
}
