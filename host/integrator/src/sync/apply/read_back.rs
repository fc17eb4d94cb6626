//! After an apply: what Halo shows for writes whose answers told nothing of it, read by what changed since.

use super::answer::{Told, settle_link};
use super::{Applier, Unseen};
use crate::halo::AssetQuery;
use crate::store::ChangeSet;
use crate::sync::error::SyncError;
use integrator_core::model::link::Shown;
use integrator_core::model::{Asset, AssetWrite, DeviceKey, LinkOrigin, TypeId};

impl Applier<'_> {
    /// One request for each page of what was written, and only where answers held no values.
    pub(super) async fn read_back(&mut self) -> Result<(), SyncError> {
        if self.unseen.is_empty() {
            return Ok(());
        }
        let mark = crate::sync::index::asset_mark(self.context.store).await?;
        let Some(since) = mark else { return Ok(()) };
        let mut types: Vec<TypeId> = self.unseen.values().filter_map(|unseen| unseen.asset_type).collect();
        types.sort_unstable();
        types.dedup();
        for type_id in types {
            let query = AssetQuery { modified_since: Some(since), ..AssetQuery::of_type(type_id) };
            let mut walk = self.context.halo.assets(query);
            while let Some(page) = walk.next_page().await? {
                self.learn(page.rows.into_iter().flatten().collect()).await?;
            }
        }
        Ok(())
    }

    async fn learn(&mut self, rows: Vec<Asset>) -> Result<(), SyncError> {
        let known: Vec<(Unseen, Asset)> = rows
            .into_iter()
            .filter_map(|row| self.unseen.remove(&row.id).map(|unseen| (unseen, row)))
            .collect();
        let mut tenants: Vec<DeviceKey> = known.iter().map(|(unseen, _)| unseen.tenant).collect();
        tenants.sort_unstable();
        tenants.dedup();
        for tenant in tenants {
            let its = known.iter().filter(|(unseen, _)| unseen.tenant == tenant);
            self.learn_of(tenant, its.map(|(unseen, row)| (unseen.device, row.clone())).collect()).await?;
        }
        Ok(())
    }

    async fn learn_of(&mut self, tenant: DeviceKey, known: Vec<(DeviceKey, Asset)>) -> Result<(), SyncError> {
        let keys: Vec<DeviceKey> = known.iter().map(|(key, _)| *key).collect();
        let ids: Vec<_> = known.iter().map(|(_, row)| row.id).collect();
        let links = self.context.store.links(tenant, &keys).await?;
        let held = self.context.store.assets(&ids).await?;
        let mut changes = ChangeSet::default();
        for (((_, mut row), link), held) in known.into_iter().zip(links).zip(held) {
            let Some(mut link) = link else { continue };
            self.applied.newest = self.applied.newest.max(row.modified);
            // Rows do not tell the users; what was sent is still known.
            row.users = held.and_then(|held| held.users);
            let members = link
                .fields
                .iter()
                .filter(|memory| memory.shown == Shown::Unseen)
                .map(|memory| (memory.member.clone(), memory.written.clone()))
                .collect();
            // Site and status of an asset that was there before are a person's, and are not taken over as ours.
            let id = (link.origin != LinkOrigin::Created).then_some(row.id);
            let write =
                AssetWrite { id, intune_id: Some(link.device.0.clone()), members, ..AssetWrite::default() };
            settle_link(&mut link, &write, &row, Told::Values);
            changes.put_links.push(link);
            changes.put_assets.push(row);
        }
        self.context.store.commit(Some(self.context.lease), changes).await?;
        Ok(())
    }
}
