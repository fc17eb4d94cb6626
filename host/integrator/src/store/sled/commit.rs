//! One change set as one batch, and what makes it durable.

use super::Inner;
use super::codec::{decode, encode, encode_journal, encode_json, encode_link};
use super::keys::Kind;
use super::stored::StoredSoftware;
use super::summaries::Blocks;
use crate::store::{
    CaseKey, ChangeSet, Durability, Lease, SUMMARIES_GENERATION, StoreError, USERS_GENERATION,
};
use ::sled::Batch;
use chrono::{DateTime, Utc};
use integrator_core::model::DeviceKey;
use rustc_hash::FxHashSet;
use serde::{Deserialize, Serialize};
use std::ffi::OsString;
use std::fs::{self, File};
use std::io;
use std::path::Path;
use std::sync::{MutexGuard, PoisonError};

/// What is counted as it changes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Counts {
    pub(super) assets: u64,
    pub(super) users: u64,
}

/// The first record of a database.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(super) struct MadeRecord {
    #[serde(with = "chrono::serde::ts_milliseconds")]
    at: DateTime<Utc>,
}

/// What was in the database's place before it was opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// Nothing: it is made now.
    Nothing,
    /// Files of one.
    Files,
}

impl Found {
    /// Looks into the database's folder.
    pub(super) fn look(path: &Path) -> Result<Self, StoreError> {
        match fs::read_dir(path).map(|mut entries| entries.next().is_some()) {
            Ok(true) => Ok(Self::Files),
            Ok(false) => Ok(Self::Nothing),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Self::Nothing),
            Err(error) => Err(StoreError::file("read", path, error)),
        }
    }
}

/// What belongs to the one that writes. Holding it makes check and change one step.
#[derive(Default)]
pub(super) struct Writer {
    counts: Counts,
    /// Files of large values that are known to be durable.
    large_values: FxHashSet<OsString>,
}

impl Inner {
    /// Checks that the database is the one that was made for the folder, reads what is kept in memory, and frees the leases of processes that are gone: this one holds the folder.
    pub(super) fn start(&self, found: Found) -> Result<(), StoreError> {
        self.made(found)?;
        let key = Kind::Counts.text(b"");
        if let Some(value) = self.get(&key)? {
            self.writer().counts = decode(Kind::Counts, &key, &value)?;
        }
        self.free_leases()
    }

    /// A log that was destroyed opens as an empty database. It is told from a new one by the record of its making:
    /// the folder remembers that there must be one.
    fn made(&self, found: Found) -> Result<(), StoreError> {
        let key = Kind::Made.text(b"");
        if self.get(&key)?.is_none() {
            if found == Found::Files && self.folder.has_been_used()? {
                let problem = "what it held is gone".to_owned();
                return Err(StoreError::Damaged { path: self.path.clone(), problem, copy: None });
            }
            let mut batch = Batch::default();
            put(&mut batch, Kind::Made, key, &MadeRecord { at: self.folder.clock().now() })?;
            let mut writer = self.writer();
            self.apply(batch)?;
            self.make_durable(&mut writer)?;
        }
        self.folder.remember_use()
    }

    pub(super) fn writer(&self) -> MutexGuard<'_, Writer> {
        // What it holds is changed after a batch has succeeded, so a panic leaves it right.
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn counts(&self) -> Counts {
        self.writer().counts
    }

    pub(super) fn commit(&self, lease: Option<&Lease>, mut changes: ChangeSet) -> Result<(), StoreError> {
        let mut writer = self.writer();
        if let Some(lease) = lease {
            self.check_fence(lease)?;
        }
        let durability = changes.durability;
        let users = self.growth(
            Kind::User,
            changes.put_users.iter().map(|user| user.id.0),
            changes.remove_users.iter().map(|id| id.0),
        )?;
        let generation = self.users_generation(&changes)?;
        let mut blocks = Blocks::new(self);
        let outcomes = std::mem::take(&mut changes.put_outcomes);
        let held = std::mem::take(&mut changes.put_held);
        let (mut batch, assets) = batch_of(changes, &mut blocks)?;
        self.add_history(&mut batch, outcomes, held)?;
        let before = self.get(&Kind::Mark.text(SUMMARIES_GENERATION.as_bytes()))?;
        let summaries = blocks.generation(before.as_deref().unwrap_or_default());
        blocks.write(&mut batch)?;
        for (name, generation) in [(USERS_GENERATION, generation), (SUMMARIES_GENERATION, summaries)] {
            let Some(generation) = generation else { continue };
            let key = Kind::Mark.text(name.as_bytes());
            let bytes = encode_json(Kind::Mark, &key, &generation)?;
            batch.insert(key, bytes);
        }
        let counts = Counts {
            assets: writer.counts.assets.saturating_add_signed(assets),
            users: writer.counts.users.saturating_add_signed(users),
        };
        if counts != writer.counts {
            put(&mut batch, Kind::Counts, Kind::Counts.text(b""), &counts)?;
        }
        self.apply(batch)?;
        writer.counts = counts;
        match durability {
            Durability::Now => self.make_durable(&mut writer),
            Durability::WithNext => Ok(()),
        }
    }

    /// What the mark of the users' generation becomes by these changes: a digest of what it was and of what changes,
    /// so that no two histories of users share one.
    fn users_generation(&self, changes: &ChangeSet) -> Result<Option<String>, StoreError> {
        if changes.put_users.is_empty() && changes.remove_users.is_empty() {
            return Ok(None);
        }
        let key = Kind::Mark.text(USERS_GENERATION.as_bytes());
        let mut hasher = blake3::Hasher::new();
        hasher.update(self.get(&key)?.as_deref().unwrap_or_default());
        for id in &changes.remove_users {
            hasher.update(&id.0.to_le_bytes());
        }
        for user in &changes.put_users {
            hasher.update(&encode(Kind::User, &key, user)?);
        }
        Ok(Some(hasher.finalize().to_hex().to_string()))
    }

    /// Applies a batch. The caller holds the writer.
    pub(super) fn apply(&self, batch: Batch) -> Result<(), StoreError> {
        self.db.apply_batch(batch).map_err(|error| self.failure(error))
    }

    /// Writes everything down to the disk itself.
    pub(super) fn make_durable(&self, writer: &mut Writer) -> Result<(), StoreError> {
        self.db.flush().map_err(|error| self.failure(error))?;
        let mut synchronise = || -> io::Result<()> {
            self.sync_large_values(writer)?;
            self.data.sync_data()
        };
        synchronise().map_err(|error| self.failure(::sled::Error::Io(error)))
    }

    /// Values too large for the log are files of their own, which sled does not synchronise either.
    fn sync_large_values(&self, writer: &mut Writer) -> io::Result<()> {
        let folder = self.path.join("blobs");
        let mut present = FxHashSet::default();
        for entry in fs::read_dir(&folder)? {
            let entry = entry?;
            let name = entry.file_name();
            if !writer.large_values.contains(&name) {
                match File::open(entry.path()) {
                    Ok(file) => file.sync_all()?,
                    // Replaced in the meantime.
                    Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                    Err(error) => return Err(error),
                }
            }
            present.insert(name);
        }
        if present != writer.large_values {
            crate::store::folder::sync_folder(&folder)?;
            writer.large_values = present;
        }
        Ok(())
    }

    /// A failed write: from here on nothing that the tree shows can be trusted.
    fn failure(&self, error: ::sled::Error) -> StoreError {
        let _ = self.failed.set(error.to_string());
        self.error("write", error)
    }

    /// By how many records of a kind a set of puts and removals grows the tree.
    fn growth(
        &self,
        kind: Kind,
        put: impl Iterator<Item = i64>,
        remove: impl Iterator<Item = i64>,
    ) -> Result<i64, StoreError> {
        let mut growth = 0;
        let mut seen = FxHashSet::default();
        for (number, after) in put.map(|number| (number, 1)).chain(remove.map(|number| (number, 0))) {
            if seen.insert(number) {
                let held =
                    self.db.contains_key(kind.number(number)).map_err(|error| self.error("read", error))?;
                growth += after - i64::from(held);
            }
        }
        Ok(growth)
    }
}

/// The batch of a change set, and by how many assets it grows the index. Removals come first: of two changes of one
/// key the later wins.
fn batch_of(changes: ChangeSet, blocks: &mut Blocks<'_>) -> Result<(Batch, i64), StoreError> {
    let mut batch = Batch::default();
    let mut growth = 0;
    for (tenant, device) in changes.remove_links {
        batch.remove(Kind::Link.device(tenant, device));
        batch.remove(Kind::Software.device(tenant, device));
        blocks.remove_link(tenant, device)?;
    }
    for id in changes.remove_assets {
        batch.remove(Kind::Asset.number(id.0));
        growth += blocks.remove_asset(id)?;
    }
    for id in changes.remove_users {
        batch.remove(Kind::User.number(id.0));
    }
    for (tenant, user) in changes.remove_entra_users {
        batch.remove(Kind::EntraUser.device(tenant, user));
    }
    for name in changes.remove_marks {
        batch.remove(Kind::Mark.text(name.as_bytes()));
    }
    for id in changes.remove_journal {
        batch.remove(Kind::Journal.text(id.as_bytes()));
    }
    for link in changes.put_links {
        blocks.put_link(&link)?;
        let key = Kind::Link.device(link.tenant.key(), link.device.key());
        let bytes = encode_link(&key, link)?;
        batch.insert(key, bytes);
    }
    for (tenant, device) in changes.remove_details {
        batch.remove(Kind::Details.device(tenant, device));
    }
    for (tenant, device, details) in changes.put_details {
        put(&mut batch, Kind::Details, Kind::Details.device(tenant, device), &details)?;
    }
    for asset in changes.put_assets {
        growth += blocks.put_asset(asset.id, asset.digest())?;
        put(&mut batch, Kind::Asset, Kind::Asset.number(asset.id.0), &asset)?;
    }
    for user in changes.put_users {
        put(&mut batch, Kind::User, Kind::User.number(user.id.0), &user)?;
    }
    for memory in changes.put_software {
        let key = Kind::Software.device(memory.tenant, memory.device);
        let stored = StoredSoftware { digest: memory.digest, titles: memory.titles };
        put(&mut batch, Kind::Software, key, &stored)?;
    }
    for (tenant, user) in changes.put_entra_users {
        let key = Kind::EntraUser.device(tenant, DeviceKey::of(&user.id));
        put(&mut batch, Kind::EntraUser, key, &user)?;
    }
    for entry in changes.put_journal {
        let key = Kind::Journal.text(entry.id.as_bytes());
        let bytes = encode_journal(&key, &entry)?;
        batch.insert(key, bytes);
    }
    for key in &changes.remove_cases {
        batch.remove(Kind::MatchCase.case(key));
    }
    for case in changes.put_cases {
        let key = Kind::MatchCase.case(&CaseKey::from(&case));
        let bytes = encode_json(Kind::MatchCase, &key, &case)?;
        batch.insert(key, bytes);
    }
    for key in &changes.remove_decisions {
        batch.remove(Kind::MatchDecision.case(key));
    }
    for decision in changes.put_decisions {
        let key = Kind::MatchDecision.case(&CaseKey::from(&decision));
        let bytes = encode_json(Kind::MatchDecision, &key, &decision)?;
        batch.insert(key, bytes);
    }
    for (name, value) in changes.put_marks {
        let key = Kind::Mark.text(name.as_bytes());
        let bytes = encode_json(Kind::Mark, &key, &value)?;
        batch.insert(key, bytes);
    }
    if let Some(run) = changes.put_run {
        let key = Kind::Run.text(run.run.0.as_bytes());
        let bytes = encode_json(Kind::Run, &key, &run)?;
        batch.insert(key, bytes);
    }
    Ok((batch, growth))
}

pub(super) fn put<T: Serialize>(
    batch: &mut Batch,
    kind: Kind,
    key: Vec<u8>,
    value: &T,
) -> Result<(), StoreError> {
    let bytes = encode(kind, &key, value)?;
    batch.insert(key, bytes);
    Ok(())
}
