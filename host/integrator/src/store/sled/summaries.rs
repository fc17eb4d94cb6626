//! Summaries of links and assets, packed into blocks.
//!
//! Every run reads all summaries, and nearly always nothing else: packed, a hundred thousand of them are a few
//! thousand records that lie together. Blocks are read, changed and written while the writer is held.

use super::Inner;
use super::codec::{bad, connection_hash, decode, encode};
use super::keys::Kind;
use crate::store::{AssetSummary, StoreError};
use ::sled::Batch;
use integrator_core::model::link::agreement;
use integrator_core::model::{AssetId, DeviceKey, Link, LinkState, LinkSummary};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A block of links is split in two when it has more entries than this.
const LINKS_IN_BLOCK: usize = 24;
/// Asset numbers that share a block.
const ASSETS_IN_BLOCK: i64 = 64;

/// A link's summary as stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct StoredLinkSummary {
    /// Big-endian, as in keys.
    device: [u8; 16],
    /// [`connection_hash`] of the link's connection.
    #[serde(with = "postcard::fixint::le")]
    pub(super) connection: u64,
    asset: i64,
    #[serde(with = "postcard::fixint::le")]
    decision: u64,
    #[serde(with = "postcard::fixint::le")]
    shown: u64,
    #[serde(with = "postcard::fixint::le")]
    serial: u64,
    state: LinkState,
}

impl StoredLinkSummary {
    fn new(link: &Link) -> Self {
        let summary = link.summary();
        Self {
            device: summary.key.to_bytes(),
            connection: connection_hash(&link.connection),
            asset: summary.asset.0,
            decision: link.decision,
            shown: link.shown,
            serial: summary.serial,
            state: summary.state,
        }
    }

    pub(super) fn summary(self) -> LinkSummary {
        LinkSummary {
            key: DeviceKey::new(u128::from_be_bytes(self.device)),
            asset: AssetId(self.asset),
            agreed: agreement(self.decision, self.shown),
            state: self.state,
            serial: self.serial,
        }
    }
}

/// Entries of a block of links, ascending by device.
pub(super) type LinkBlock = Vec<StoredLinkSummary>;

/// Entries of a block of assets, ascending by number: the number, and the digest's bytes.
pub(super) type AssetBlock = Vec<(i64, [u8; 8])>;

/// The summaries in a block of assets.
pub(super) fn asset_summaries(block: AssetBlock) -> impl Iterator<Item = AssetSummary> {
    block.into_iter().map(|(id, digest)| AssetSummary { id: AssetId(id), digest: u64::from_le_bytes(digest) })
}

/// The blocks that one commit touches, as they will be.
pub(super) struct Blocks<'a> {
    inner: &'a Inner,
    links: BTreeMap<Vec<u8>, LinkBlock>,
    assets: BTreeMap<i64, AssetBlock>,
    /// What changes, digested; `None` as long as nothing does.
    changed: Option<blake3::Hasher>,
}

impl<'a> Blocks<'a> {
    pub(super) fn new(inner: &'a Inner) -> Self {
        Self { inner, links: BTreeMap::new(), assets: BTreeMap::new(), changed: None }
    }

    /// Takes note of a change: which record, and what it becomes.
    fn note(&mut self, parts: [&[u8]; 3]) {
        let hasher = self.changed.get_or_insert_with(blake3::Hasher::new);
        for part in parts {
            hasher.update(part);
        }
    }

    /// What the mark of the summaries' generation becomes by these changes, from what it was: no two histories of
    /// summaries share one. `None` where no summary changes.
    pub(super) fn generation(&self, before: &[u8]) -> Option<String> {
        let changes = self.changed.as_ref()?.finalize();
        let mut hasher = blake3::Hasher::new();
        hasher.update(before).update(changes.as_bytes());
        Some(hasher.finalize().to_hex().to_string())
    }

    /// The block in which the device belongs: the last that begins at or before it. A tenant's first block begins
    /// before all devices.
    fn link_block(&mut self, tenant: DeviceKey, device: DeviceKey) -> Result<Vec<u8>, StoreError> {
        let first = Kind::LinkSummaries.device(tenant, DeviceKey::new(0));
        let last = Kind::LinkSummaries.device(tenant, device);
        let touched = self.links.range(first.clone()..=last.clone()).next_back().map(|(key, _)| key);
        let stored = self
            .inner
            .db
            .range(first.clone()..=last)
            .next_back()
            .transpose()
            .map_err(|error| self.inner.error("read", error))?;
        match (touched, stored) {
            (Some(touched), Some((stored, _))) if touched.as_slice() >= &*stored => Ok(touched.clone()),
            (_, Some((key, value))) => {
                let block = decode(Kind::LinkSummaries, &key, &value)?;
                self.links.insert(key.to_vec(), block);
                Ok(key.to_vec())
            }
            (Some(touched), None) => Ok(touched.clone()),
            (None, None) => {
                self.links.insert(first.clone(), LinkBlock::new());
                Ok(first)
            }
        }
    }

    pub(super) fn put_link(&mut self, link: &Link) -> Result<(), StoreError> {
        let (tenant, entry) = (link.tenant.key(), StoredLinkSummary::new(link));
        let key = self.link_block(tenant, link.device.key())?;
        let written = encode(Kind::LinkSummaries, &key, &entry)?;
        let block = self.links.entry(key).or_default();
        let changes = match block.binary_search_by_key(&entry.device, |held| held.device) {
            Ok(index) => block.get_mut(index).is_some_and(|held| std::mem::replace(held, entry) != entry),
            Err(index) => {
                block.insert(index, entry);
                true
            }
        };
        if block.len() > LINKS_IN_BLOCK {
            let upper = block.split_off(block.len() / 2);
            if let Some(first) = upper.first() {
                let device = DeviceKey::new(u128::from_be_bytes(first.device));
                self.links.insert(Kind::LinkSummaries.device(tenant, device), upper);
            }
        }
        if changes {
            self.note([b"l", &tenant.to_bytes(), &written]);
        }
        Ok(())
    }

    pub(super) fn remove_link(&mut self, tenant: DeviceKey, device: DeviceKey) -> Result<(), StoreError> {
        let key = self.link_block(tenant, device)?;
        if let Some(block) = self.links.get_mut(&key) {
            let before = block.len();
            block.retain(|held| held.device != device.to_bytes());
            if block.len() < before {
                self.note([b"-l", &tenant.to_bytes(), &device.to_bytes()]);
            }
        }
        Ok(())
    }

    fn asset_block(&mut self, id: AssetId) -> Result<&mut AssetBlock, StoreError> {
        let number = id.0.div_euclid(ASSETS_IN_BLOCK);
        match self.assets.entry(number) {
            std::collections::btree_map::Entry::Occupied(held) => Ok(held.into_mut()),
            std::collections::btree_map::Entry::Vacant(place) => {
                let key = Kind::AssetSummaries.number(number);
                let block = match self.inner.get(&key)? {
                    Some(value) => decode(Kind::AssetSummaries, &key, &value)?,
                    None => AssetBlock::new(),
                };
                Ok(place.insert(block))
            }
        }
    }

    /// Puts an asset and tells by how many assets the index has grown.
    pub(super) fn put_asset(&mut self, id: AssetId, digest: u64) -> Result<i64, StoreError> {
        let block = self.asset_block(id)?;
        let entry = (id.0, digest.to_le_bytes());
        let (growth, changes) = match block.binary_search_by_key(&id.0, |(held, _)| *held) {
            Ok(index) => {
                let held = block.get_mut(index);
                (0, held.is_some_and(|held| std::mem::replace(held, entry) != entry))
            }
            Err(index) => {
                block.insert(index, entry);
                (1, true)
            }
        };
        if changes {
            self.note([b"a", &entry.0.to_le_bytes(), &entry.1]);
        }
        Ok(growth)
    }

    /// Removes an asset and tells by how many assets the index has grown.
    pub(super) fn remove_asset(&mut self, id: AssetId) -> Result<i64, StoreError> {
        let block = self.asset_block(id)?;
        match block.binary_search_by_key(&id.0, |(held, _)| *held) {
            Ok(index) => {
                block.remove(index);
                self.note([b"-a", &id.0.to_le_bytes(), &[]]);
                Ok(-1)
            }
            Err(_) => Ok(0),
        }
    }

    /// Adds the blocks to a batch; what has become empty goes.
    pub(super) fn write(self, batch: &mut Batch) -> Result<(), StoreError> {
        for (key, block) in self.links {
            write(batch, Kind::LinkSummaries, key, &block)?;
        }
        for (number, block) in self.assets {
            write(batch, Kind::AssetSummaries, Kind::AssetSummaries.number(number), &block)?;
        }
        Ok(())
    }
}

fn write<T: Serialize>(
    batch: &mut Batch,
    kind: Kind,
    key: Vec<u8>,
    block: &Vec<T>,
) -> Result<(), StoreError> {
    if block.is_empty() {
        batch.remove(key);
    } else {
        let bytes = encode(kind, &key, block)?;
        batch.insert(key, bytes);
    }
    Ok(())
}

impl Inner {
    /// The greatest asset number.
    pub(super) fn highest_asset(&self) -> Result<Option<AssetId>, StoreError> {
        let last = self.db.scan_prefix(Kind::AssetSummaries.text(b"")).next_back();
        let Some((key, value)) = last.transpose().map_err(|error| self.error("read", error))? else {
            return Ok(None);
        };
        let block: AssetBlock = decode(Kind::AssetSummaries, &key, &value)?;
        match block.last() {
            Some((id, _)) => Ok(Some(AssetId(*id))),
            None => Err(bad(Kind::AssetSummaries, &key, &"it is empty")),
        }
    }

    /// Entries in all blocks of a kind.
    pub(super) fn count_entries<T: for<'de> Deserialize<'de>>(&self, kind: Kind) -> Result<u64, StoreError> {
        let mut count = 0;
        for row in self.db.scan_prefix(kind.text(b"")) {
            let (key, value) = row.map_err(|error| self.error("read", error))?;
            count += decode::<Vec<T>>(kind, &key, &value)?.len() as u64;
        }
        Ok(count)
    }
}
