//! What the last applied run of a connection saw, and which plan was applied last. Both are marks in the store.
//!
//! A plan never becomes the baseline; one that was applied to its end does. An older plan never takes a later one's
//! place.

use super::error::SyncError;
use crate::store::{ChangeSet, Store};
use chrono::{DateTime, Utc};
use integrator_core::plan::{Baseline, Footer};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

/// The plan whose lines were carried out last, or begun to be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct LastApplied {
    /// The plan.
    pub(crate) plan: String,
    /// When its first line was carried out, in milliseconds since 1970.
    pub(crate) at: i64,
}

/// A baseline, and the plan that it is from.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Kept {
    plan: String,
    /// When the plan was made, in milliseconds since 1970.
    made: i64,
    baseline: Baseline,
}

fn baseline_mark(connection: &str) -> String {
    format!("baseline {connection}")
}

fn applied_mark(connection: &str) -> String {
    format!("last-applied {connection}")
}

async fn read<T: DeserializeOwned>(store: &dyn Store, mark: &str) -> Result<Option<T>, SyncError> {
    let value = store.mark(mark).await?;
    Ok(value.and_then(|value| serde_json::from_value(value).ok()))
}

async fn write(store: &dyn Store, mark: String, value: &impl Serialize) -> Result<(), SyncError> {
    let value = serde_json::to_value(value).map_err(|error| SyncError::bug(error.to_string()))?;
    store.commit(None, ChangeSet { put_marks: vec![(mark, value)], ..ChangeSet::default() }).await?;
    Ok(())
}

/// What the last applied run of a connection saw.
pub(crate) async fn last(store: &dyn Store, connection: &str) -> Result<Option<Baseline>, SyncError> {
    Ok(kept(store, connection).await?.map(|kept| kept.baseline))
}

async fn kept(store: &dyn Store, connection: &str) -> Result<Option<Kept>, SyncError> {
    read(store, &baseline_mark(connection)).await
}

/// Keeps what an applied plan was made from, unless a later one was applied already.
pub(crate) async fn keep(
    store: &dyn Store,
    connection: &str,
    plan: &str,
    made: DateTime<Utc>,
    footer: &Footer,
) -> Result<(), SyncError> {
    let Some(baseline) = footer.baseline.clone() else { return Ok(()) };
    let made = made.timestamp_millis();
    if kept(store, connection).await?.is_some_and(|kept| kept.made >= made) {
        return Ok(());
    }
    write(store, baseline_mark(connection), &Kept { plan: plan.to_owned(), made, baseline }).await
}

/// The plan that was applied last.
pub(crate) async fn last_applied(
    store: &dyn Store,
    connection: &str,
) -> Result<Option<LastApplied>, SyncError> {
    read(store, &applied_mark(connection)).await
}

/// Notes that the lines of a plan are carried out from now on.
pub(crate) async fn note_applied(
    store: &dyn Store,
    connection: &str,
    applied: &LastApplied,
) -> Result<(), SyncError> {
    write(store, applied_mark(connection), applied).await
}
