//! When a connection's last complete import was: it saw every device that was not missing then, so that none of their
//! links has to be written in every run.
//!
//! Kept only for connections whose settings ask how long ago an import saw a device.

use super::error::SyncError;
use crate::store::{ChangeSet, Store};
use chrono::{DateTime, Utc};
use integrator_core::model::TenantId;
use integrator_core::settings::{Connection, LifeSign};

fn mark(connection: &str, tenant: &TenantId) -> String {
    format!("complete-import {connection} {tenant}")
}

/// The last complete import of a tenant by a connection, as far as it was noted.
pub(crate) async fn last(
    store: &dyn Store,
    connection: &str,
    tenant: &TenantId,
) -> Result<Option<DateTime<Utc>>, SyncError> {
    let mark = store.mark(&mark(connection, tenant)).await?;
    Ok(mark.and_then(|mark| serde_json::from_value(mark).ok()))
}

/// Notes a complete import at this moment, where the settings ask for it. An earlier one never takes a later one's
/// place.
pub(crate) async fn note(
    store: &dyn Store,
    connection: &Connection,
    tenant: &TenantId,
    at: DateTime<Utc>,
) -> Result<(), SyncError> {
    let asked = |inactive: &integrator_core::settings::Inactive| inactive.clock == LifeSign::LastImport;
    if !connection.statuses.inactive.as_ref().is_some_and(asked) {
        return Ok(());
    }
    if last(store, &connection.id, tenant).await?.is_some_and(|last| last >= at) {
        return Ok(());
    }
    let value = serde_json::to_value(at).map_err(|error| SyncError::bug(error.to_string()))?;
    let put_marks = vec![(mark(&connection.id, tenant), value)];
    store.commit(None, ChangeSet { put_marks, ..ChangeSet::default() }).await?;
    Ok(())
}
