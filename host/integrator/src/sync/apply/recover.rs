//! At a run's start: writes that an earlier run began, and did not live to see the answer of.
//!
//! Creates are looked up in Halo; what is found is linked, what is not there is free to be created again, and what
//! cannot be told apart stays held. Updates are safe to repeat: where Halo shows what was sent, the link is
//! completed, so that what is remembered of it is not lost; else the plan finds the difference itself.

use super::answer::{Told, carried_out, merge, settle_link};
use super::creates::{UNCLEAR, find_created};
use super::history::recovered;
use super::pairing::Found;
use crate::halo::HaloClient;
use crate::store::{ChangeSet, JournalEntry, JournaledStep, Lease, Store};
use crate::sync::error::SyncError;
use integrator_core::model::{AssetId, AssetWrite, DeviceKey, Link};
use rustc_hash::FxHashMap;

/// Settles the connection's open journal. Gives the devices that stay held, with the reason.
pub(crate) async fn recover(
    halo: &HaloClient,
    store: &dyn Store,
    lease: &Lease,
    connection: &str,
) -> Result<FxHashMap<DeviceKey, String>, SyncError> {
    let mut held = FxHashMap::default();
    for entry in store.journal().await? {
        if entry.connection != connection {
            continue;
        }
        let (creates, updates): (Vec<JournaledStep>, Vec<JournaledStep>) =
            entry.steps.iter().cloned().partition(|step| step.write.id.is_none());
        let mut changes = ChangeSet::default();
        let unclear = recover_creates(halo, store, &entry, creates, &mut changes).await?;
        recover_updates(store, &entry, updates, &mut changes).await?;
        if unclear.is_empty() {
            changes.remove_journal.push(entry.id.clone());
        } else {
            held.extend(unclear.iter().map(|step| (step.device.key(), UNCLEAR.to_owned())));
            changes.put_journal.push(JournalEntry { steps: unclear, ..entry });
        }
        store.commit(Some(lease), changes).await?;
    }
    Ok(held)
}

async fn recover_creates(
    halo: &HaloClient,
    store: &dyn Store,
    entry: &JournalEntry,
    creates: Vec<JournaledStep>,
    changes: &mut ChangeSet,
) -> Result<Vec<JournaledStep>, SyncError> {
    // One batch may hold devices of several tenants.
    let mut links = Vec::with_capacity(creates.len());
    for step in &creates {
        links.extend(store.links(step.link.tenant.key(), &[step.device.key()]).await?);
    }
    // A device that has its link already was settled by a match since.
    let creates: Vec<JournaledStep> =
        creates.into_iter().zip(links).filter(|(_, link)| link.is_none()).map(|(step, _)| step).collect();
    if creates.is_empty() {
        return Ok(creates);
    }
    let sent: Vec<(&AssetWrite, &Link)> = creates.iter().map(|step| (&step.write, &step.link)).collect();
    let (rows, found) = find_created(halo, &sent, entry.highest_asset).await?;
    let mut unclear = Vec::new();
    for (step, found) in creates.into_iter().zip(found) {
        match found {
            Found::Nothing => {}
            Found::Unclear => unclear.push(step),
            Found::Row(index) => {
                let Some(row) = rows.get(index) else { continue };
                let (asset, told) = merge(None, row.id, &step.write, Some(row));
                changes.put_outcomes.push(recovered(entry, &step, &asset, None));
                let mut link = step.link;
                settle_link(&mut link, &step.write, &asset, told);
                changes.put_links.push(link);
                changes.put_assets.push(asset);
            }
        }
    }
    Ok(unclear)
}

async fn recover_updates(
    store: &dyn Store,
    entry: &JournalEntry,
    updates: Vec<JournaledStep>,
    changes: &mut ChangeSet,
) -> Result<(), SyncError> {
    let ids: Vec<AssetId> = updates.iter().filter_map(|step| step.write.id).collect();
    let assets = store.assets(&ids).await?;
    for (step, asset) in updates.into_iter().zip(assets) {
        if let Some(asset) = asset.filter(|asset| carried_out(&step.write, asset)) {
            let known = store.links(step.link.tenant.key(), &[step.device.key()]).await?;
            let before = known.into_iter().next().flatten();
            changes.put_outcomes.push(recovered(entry, &step, &asset, before.as_ref()));
            let mut link = step.link;
            settle_link(&mut link, &step.write, &asset, Told::Values);
            changes.put_links.push(link);
        }
    }
    Ok(())
}
