//! What only single reads tell of devices, laid over a stretch of list rows: kept from an earlier run, or read now.
//!
//! Goes through the rows in the order of their keys, so that the kept details are read by scans and never held all at
//! once. A read that fails keeps what was there; it is told at the end, and the next run tries again.

use super::decide::Shared;
use super::error::SyncError;
use super::spool::SpoolRow;
use crate::graph::{DetailValues, GraphClient, GraphError};
use crate::store::{ChangeSet, Durability, Store};
use futures_util::{StreamExt, stream};
use integrator_core::decide::Knowledge;
use integrator_core::model::details::listed;
use integrator_core::model::{Details, Device, DeviceId, DeviceKey, Property};
use integrator_core::resolve::Pair;
use integrator_core::settings::Creation;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

/// Batches of one stretch under way at once.
const AT_ONCE: usize = 2;
/// After so many batches in a row that brought nothing at all, no more are sent in this run.
const GIVE_UP_AFTER: u32 = 3;

/// Lays details over devices.
pub(crate) struct DetailReader<'a> {
    graph: &'a GraphClient,
    store: &'a dyn Store,
    shared: Arc<Shared>,
    properties: Vec<&'static Property>,
    failed: AtomicU64,
    first_failure: Mutex<Option<String>>,
    failed_batches: AtomicU32,
}

/// A device that has to be read.
struct Due {
    /// Its place in the stretch.
    place: usize,
    id: DeviceId,
    listed: u64,
}

impl<'a> DetailReader<'a> {
    /// A reader, where the settings read what only single reads tell.
    pub(crate) fn new(graph: &'a GraphClient, store: &'a dyn Store, shared: Arc<Shared>) -> Option<Self> {
        let properties: Vec<&'static Property> =
            shared.rulebook.projection.details().map(|(_, property)| property).collect();
        (!properties.is_empty()).then(|| Self {
            graph,
            store,
            shared,
            properties,
            failed: AtomicU64::new(0),
            first_failure: Mutex::new(None),
            failed_batches: AtomicU32::new(0),
        })
    }

    /// Lays details over the devices of a stretch of rows, and says how much is known of each. Devices that nothing
    /// is decided of are not read.
    pub(crate) async fn complete(
        &self,
        indices: &[u32],
        rows: &mut [SpoolRow],
    ) -> Result<Vec<Knowledge>, SyncError> {
        let shared = &self.shared;
        let mut knowledge = vec![Knowledge::All; rows.len()];
        let mut wanted = Vec::new();
        for (place, (index, row)) in indices.iter().zip(rows.iter()).enumerate() {
            let SpoolRow::Device(device) = row else { continue };
            let decided = match shared.resolved.pairs.get(*index as usize) {
                Some(Pair::Linked(_) | Pair::Inherits(..) | Pair::Matched(..)) => true,
                Some(Pair::New) => shared.rulebook.connection.imports.create == Creation::Create,
                _ => false,
            };
            if decided && shared.names(device) {
                wanted.push((place, device.id.key()));
            }
        }
        let tenant = shared.rulebook.connection.microsoft.tenant.key();
        let keys: Vec<DeviceKey> = wanted.iter().map(|(_, key)| *key).collect();
        let kept = self.store.details(tenant, &keys).await?;
        let projection = &shared.rulebook.projection;
        let days = shared.rulebook.connection.imports.details_refresh_days;
        let mut due = Vec::new();
        for ((place, key), kept) in wanted.into_iter().zip(kept) {
            let Some(SpoolRow::Device(device)) = rows.get_mut(place) else { continue };
            let listed = listed(projection, device);
            if kept.as_ref().is_none_or(|kept| kept.is_due(listed, &self.properties, days, shared.now, key)) {
                due.push(Due { place, id: device.id.clone(), listed });
            }
            match &kept {
                Some(kept) => kept.lay_over(projection, device),
                None => set(&mut knowledge, place, Knowledge::WithoutDetails),
            }
        }
        let mut put_details = Vec::new();
        for (due, read) in self.read(due).await {
            let Some(SpoolRow::Device(device)) = rows.get_mut(due.place) else { continue };
            let values = match read {
                Ok(values) => values,
                Err(problem) => {
                    self.note_failure(device, &problem);
                    continue;
                }
            };
            let names = self.properties.iter().map(|property| property.name.to_owned());
            let details =
                Details { read: shared.now, listed: due.listed, values: names.zip(values).collect() };
            details.lay_over(projection, device);
            set(&mut knowledge, due.place, Knowledge::All);
            put_details.push((tenant, device.id.key(), details));
        }
        if !put_details.is_empty() {
            // They can be read again: no need to wait for the disk.
            let durability = Durability::WithNext;
            self.store.commit(None, ChangeSet { put_details, durability, ..ChangeSet::default() }).await?;
        }
        Ok(knowledge)
    }

    async fn read(&self, due: Vec<Due>) -> Vec<(Due, Result<DetailValues, String>)> {
        let mut batches = Vec::new();
        let mut due = due.into_iter().peekable();
        while due.peek().is_some() {
            batches.push(due.by_ref().take(GraphClient::DETAILS_AT_ONCE).collect::<Vec<Due>>());
        }
        let read = stream::iter(batches).map(|batch| self.read_batch(batch)).buffered(AT_ONCE);
        read.collect::<Vec<_>>().await.into_iter().flatten().collect()
    }

    async fn read_batch(&self, batch: Vec<Due>) -> Vec<(Due, Result<DetailValues, String>)> {
        if self.failed_batches.load(Ordering::Relaxed) >= GIVE_UP_AFTER {
            let gave_up = || Err("not tried any more, after several batches that all failed".to_owned());
            return batch.into_iter().map(|due| (due, gave_up())).collect();
        }
        let ids: Vec<DeviceId> = batch.iter().map(|due| due.id.clone()).collect();
        let results = self.graph.details(&ids, &self.properties).await;
        if results.iter().any(Result::is_ok) {
            self.failed_batches.store(0, Ordering::Relaxed);
        } else {
            self.failed_batches.fetch_add(1, Ordering::Relaxed);
        }
        let told = |result: Result<DetailValues, GraphError>| result.map_err(|error| error.to_string());
        batch.into_iter().zip(results.into_iter().map(told)).collect()
    }

    fn note_failure(&self, device: &Device, problem: &str) {
        self.failed.fetch_add(1, Ordering::Relaxed);
        self.first_failure
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get_or_insert_with(|| format!("{}: {problem}", device.name()));
    }

    /// What people should know of the reads that failed.
    pub(crate) fn failures(&self) -> Option<String> {
        let failed = self.failed.load(Ordering::Relaxed);
        let first = self.first_failure.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let names: Vec<&str> = self.properties.iter().map(|property| property.name).collect();
        (failed > 0).then(|| {
            format!(
                "{failed} single {} of {} failed ({}): what was there stays, and the next run tries again",
                if failed == 1 { "read" } else { "reads" },
                names.join(", "),
                first.unwrap_or_default()
            )
        })
    }
}

fn set(knowledge: &mut [Knowledge], place: usize, known: Knowledge) {
    if let Some(held) = knowledge.get_mut(place) {
        *held = known;
    }
}
