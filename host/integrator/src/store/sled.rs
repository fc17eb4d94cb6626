//! The store on sled, an embedded tree of keys and values. The only place that names it.
//!
//! sled blocks, so every call runs beside the async threads. Its `flush` does not reach the disk's platter on Linux:
//! a durable commit synchronises the data file itself afterwards.

mod codec;
mod commit;
mod first;
mod history;
mod keys;
mod leases;
mod open;
mod outcomes;
mod scan;
mod stored;
mod summaries;

use super::folder::{FORMAT, StoreFolder};
use super::{
    AssetSummary, ChangeSet, Chunks, HistoryLimits, JournalEntry, Lease, PlanInfo, PlanWriter, Pruned, Store,
    StoreError, StoreInfo, plans,
};
use async_trait::async_trait;
use codec::{Reader, connection_hash, decode, decode_journal, decode_json, decode_link};
use commit::{Found, Writer};
use integrator_core::model::{
    Asset, AssetId, Details, DeviceKey, EntraUser, HaloUser, Link, LinkSummary, MatchCase, MatchDecision,
    RunId, RunRecord, SoftwareMemory, UserId,
};
use integrator_core::plan::{HeldSpell, Outcome, OutcomeTally};
use keys::Kind;
use outcomes::{StoredHeld, decode_outcome, of_run};
use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;
use stored::StoredSoftware;
use summaries::{LinkBlock, StoredLinkSummary, asset_summaries};

/// What the engine is allowed.
#[derive(Clone, Copy, Debug)]
pub struct SledOptions {
    /// Memory for pages, in bytes.
    pub cache_bytes: u64,
    /// Size of a segment of the log, in bytes; a power of two. Fixed when a database is made.
    pub segment_bytes: usize,
}

impl Default for SledOptions {
    fn default() -> Self {
        Self { cache_bytes: 8 << 20, segment_bytes: 512 << 10 }
    }
}

/// The store on sled. Clones share it.
#[derive(Clone)]
pub struct SledStore {
    inner: Arc<Inner>,
}

impl std::fmt::Debug for SledStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SledStore").field("folder", &self.inner.folder).finish_non_exhaustive()
    }
}

struct Inner {
    db: ::sled::Db,
    /// The data file, for the synchronisation that sled leaves out.
    data: File,
    writer: Mutex<Writer>,
    /// The first failure of a write. What the tree shows after one may be half of a batch: only opening anew helps.
    failed: OnceLock<String>,
    path: PathBuf,
    /// Last, so that the folder is let go after the database is closed.
    folder: StoreFolder,
}

impl StoreFolder {
    /// Opens the database of the folder. Slow for a large one; repairs what can be repaired.
    pub async fn open(self) -> Result<Arc<dyn Store>, StoreError> {
        Ok(Arc::new(SledStore::open(self, SledOptions::default()).await?))
    }
}

impl SledStore {
    /// Opens the database of a folder with these options.
    pub async fn open(folder: StoreFolder, options: SledOptions) -> Result<Self, StoreError> {
        let path = folder.database();
        let work = move || {
            let path = folder.database();
            let found = Found::look(&path)?;
            let db = open::open(&path, &options, folder.clock().now())?;
            let data_path = path.join("db");
            let data = OpenOptions::new()
                .read(true)
                .write(true)
                .open(&data_path)
                .map_err(|error| StoreError::file("open", &data_path, error))?;
            let plan_folder = folder.plans();
            plans::remove_leftovers(&plan_folder)
                .map_err(|error| StoreError::file("clean", &plan_folder, error))?;
            let inner = Inner { db, data, writer: Mutex::default(), failed: OnceLock::new(), path, folder };
            inner.start(found)?;
            Ok(Self { inner: Arc::new(inner) })
        };
        joined(&path, tokio::task::spawn_blocking(work).await)
    }

    /// Runs `work` beside the async threads.
    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Inner) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let inner = Arc::clone(&self.inner);
        let result = tokio::task::spawn_blocking(move || {
            inner.usable()?;
            work(&inner)
        });
        joined(&self.inner.path, result.await)
    }

    /// Records by key, in the order asked.
    async fn by_keys<T: Send + 'static>(
        &self,
        kind: Kind,
        keys: Vec<Vec<u8>>,
        read: Reader<T>,
    ) -> Result<Vec<Option<T>>, StoreError> {
        self.blocking(move |inner| {
            keys.iter().map(|key| inner.get(key)?.map(|value| read(kind, key, &value)).transpose()).collect()
        })
        .await
    }
}

fn joined<T>(
    path: &Path,
    result: Result<Result<T, StoreError>, tokio::task::JoinError>,
) -> Result<T, StoreError> {
    result
        .unwrap_or_else(|error| Err(StoreError::Failed { path: path.to_owned(), problem: error.to_string() }))
}

impl Inner {
    fn usable(&self) -> Result<(), StoreError> {
        match self.failed.get() {
            None => Ok(()),
            Some(problem) => Err(StoreError::Failed { path: self.path.clone(), problem: problem.clone() }),
        }
    }

    /// The engine's error in the store's words.
    fn error(&self, action: &'static str, error: ::sled::Error) -> StoreError {
        match error {
            ::sled::Error::Io(error) => StoreError::file(action, &self.path, error),
            other => StoreError::Failed { path: self.path.clone(), problem: open::words(&other) },
        }
    }

    fn get(&self, key: &[u8]) -> Result<Option<::sled::IVec>, StoreError> {
        self.db.get(key).map_err(|error| self.error("read", error))
    }

    fn info(&self) -> Result<StoreInfo, StoreError> {
        let counts = self.counts();
        let plans = plans::list(&self.folder.plans())?;
        Ok(StoreInfo {
            folder: self.folder.path().to_owned(),
            format: FORMAT,
            links: self.count_entries::<StoredLinkSummary>(Kind::LinkSummaries)?,
            assets: counts.assets,
            users: counts.users,
            runs: self.count(Kind::Run)?,
            outcomes: self.count_outcomes()?,
            journal: self.count(Kind::Journal)?,
            plans: plans.len() as u64,
            database_bytes: folder_bytes(&self.path)
                .map_err(|error| StoreError::file("read", &self.path, error))?,
            plan_bytes: plans.iter().map(|plan| plan.bytes).sum(),
        })
    }
}

/// Bytes of the files in a folder and its folders.
fn folder_bytes(path: &Path) -> io::Result<u64> {
    let mut sum = 0;
    for entry in fs::read_dir(path)? {
        let entry = entry?;
        let data = entry.metadata()?;
        sum += if data.is_dir() { folder_bytes(&entry.path())? } else { data.len() };
    }
    Ok(sum)
}

#[async_trait]
impl Store for SledStore {
    fn link_summaries(&self, connection: &str, tenant: DeviceKey) -> Chunks<LinkSummary> {
        let wanted = connection_hash(connection);
        let prefix = Kind::LinkSummaries.tenant(tenant);
        self.scan(Kind::LinkSummaries, prefix, scan::SMALL, move |key, value, chunk| {
            let block: LinkBlock = decode(Kind::LinkSummaries, key, value)?;
            let wanted = block.into_iter().filter(|entry| entry.connection == wanted);
            chunk.extend(wanted.map(StoredLinkSummary::summary));
            Ok(())
        })
    }

    fn all_links(&self, connection: Option<&str>) -> Chunks<Link> {
        let connection = connection.map(str::to_owned);
        self.scan(Kind::Link, Kind::Link.text(b""), scan::LARGE, move |key, value, chunk| {
            let link = decode_link(Kind::Link, key, value)?;
            if connection.as_ref().is_none_or(|wanted| link.connection == *wanted) {
                chunk.push(link);
            }
            Ok(())
        })
    }

    async fn links(&self, tenant: DeviceKey, devices: &[DeviceKey]) -> Result<Vec<Option<Link>>, StoreError> {
        let keys = devices.iter().map(|device| Kind::Link.device(tenant, *device)).collect();
        self.by_keys(Kind::Link, keys, decode_link).await
    }

    async fn details(
        &self,
        tenant: DeviceKey,
        devices: &[DeviceKey],
    ) -> Result<Vec<Option<Details>>, StoreError> {
        let devices = devices.to_vec();
        self.blocking(move |inner| inner.of_devices(Kind::Details, tenant, &devices, decode)).await
    }

    fn asset_summaries(&self) -> Chunks<AssetSummary> {
        let prefix = Kind::AssetSummaries.text(b"");
        self.scan(Kind::AssetSummaries, prefix, scan::SMALL, |key, value, chunk| {
            chunk.extend(asset_summaries(decode(Kind::AssetSummaries, key, value)?));
            Ok(())
        })
    }

    fn all_assets(&self) -> Chunks<Asset> {
        self.scan(Kind::Asset, Kind::Asset.text(b""), scan::LARGE, |key, value, chunk| {
            chunk.push(decode(Kind::Asset, key, value)?);
            Ok(())
        })
    }

    async fn assets(&self, ids: &[AssetId]) -> Result<Vec<Option<Asset>>, StoreError> {
        let keys = ids.iter().map(|id| Kind::Asset.number(id.0)).collect();
        self.by_keys(Kind::Asset, keys, decode).await
    }

    async fn highest_asset(&self) -> Result<Option<AssetId>, StoreError> {
        self.blocking(Inner::highest_asset).await
    }

    async fn asset_count(&self) -> Result<u64, StoreError> {
        self.blocking(|inner| Ok(inner.counts().assets)).await
    }

    fn users(&self) -> Chunks<HaloUser> {
        self.scan(Kind::User, Kind::User.text(b""), scan::LARGE, |key, value, chunk| {
            chunk.push(decode(Kind::User, key, value)?);
            Ok(())
        })
    }

    async fn users_by_id(&self, ids: &[UserId]) -> Result<Vec<Option<HaloUser>>, StoreError> {
        let keys = ids.iter().map(|id| Kind::User.number(id.0)).collect();
        self.by_keys(Kind::User, keys, decode).await
    }

    async fn user_count(&self) -> Result<u64, StoreError> {
        self.blocking(|inner| Ok(inner.counts().users)).await
    }

    fn software_digests(&self, tenant: DeviceKey) -> Chunks<(DeviceKey, u64)> {
        let prefix = Kind::Software.tenant(tenant);
        self.scan(Kind::Software, prefix, scan::SMALL, |key, value, chunk| {
            let stored: StoredSoftware = decode(Kind::Software, key, value)?;
            chunk.extend(Kind::device_of(key).map(|device| (device, stored.digest)));
            Ok(())
        })
    }

    fn entra_users(&self, tenant: DeviceKey) -> Chunks<EntraUser> {
        self.scan(Kind::EntraUser, Kind::EntraUser.tenant(tenant), scan::LARGE, |key, value, chunk| {
            chunk.push(decode(Kind::EntraUser, key, value)?);
            Ok(())
        })
    }

    async fn software(
        &self,
        tenant: DeviceKey,
        devices: &[DeviceKey],
    ) -> Result<Vec<Option<SoftwareMemory>>, StoreError> {
        let keys = devices.iter().map(|device| Kind::Software.device(tenant, *device)).collect();
        let found: Vec<Option<StoredSoftware>> = self.by_keys(Kind::Software, keys, decode).await?;
        let whole = |(device, stored): (&DeviceKey, Option<StoredSoftware>)| {
            let StoredSoftware { digest, titles } = stored?;
            Some(SoftwareMemory { tenant, device: *device, digest, titles })
        };
        Ok(devices.iter().zip(found).map(whole).collect())
    }

    async fn entra_users_by_id(
        &self,
        tenant: DeviceKey,
        ids: &[DeviceKey],
    ) -> Result<Vec<Option<EntraUser>>, StoreError> {
        let keys = ids.iter().map(|id| Kind::EntraUser.device(tenant, *id)).collect();
        self.by_keys(Kind::EntraUser, keys, decode).await
    }

    fn match_cases(&self, connection: Option<&str>) -> Chunks<MatchCase> {
        let connection = connection.map(str::to_owned);
        self.scan(Kind::MatchCase, Kind::MatchCase.text(b""), scan::LARGE, move |key, value, chunk| {
            let case: MatchCase = decode_json(Kind::MatchCase, key, value)?;
            if connection.as_ref().is_none_or(|wanted| case.connection == *wanted) {
                chunk.push(case);
            }
            Ok(())
        })
    }

    fn match_decisions(&self, connection: Option<&str>) -> Chunks<MatchDecision> {
        let connection = connection.map(str::to_owned);
        let prefix = Kind::MatchDecision.text(b"");
        self.scan(Kind::MatchDecision, prefix, scan::LARGE, move |key, value, chunk| {
            let decision: MatchDecision = decode_json(Kind::MatchDecision, key, value)?;
            if connection.as_ref().is_none_or(|wanted| decision.connection == *wanted) {
                chunk.push(decision);
            }
            Ok(())
        })
    }

    async fn mark(&self, name: &str) -> Result<Option<serde_json::Value>, StoreError> {
        let keys = vec![Kind::Mark.text(name.as_bytes())];
        Ok(self.by_keys(Kind::Mark, keys, decode_json).await?.pop().flatten())
    }

    async fn journal(&self) -> Result<Vec<JournalEntry>, StoreError> {
        self.blocking(|inner| {
            inner
                .db
                .scan_prefix(Kind::Journal.text(b""))
                .map(|row| {
                    let (key, value) = row.map_err(|error| inner.error("read", error))?;
                    decode_journal(Kind::Journal, &key, &value)
                })
                .collect()
        })
        .await
    }

    async fn run(&self, id: &RunId) -> Result<Option<RunRecord>, StoreError> {
        let keys = vec![Kind::Run.text(id.0.as_bytes())];
        Ok(self.by_keys(Kind::Run, keys, decode_json).await?.pop().flatten())
    }

    async fn runs(&self, connection: Option<&str>, limit: usize) -> Result<Vec<RunRecord>, StoreError> {
        let connection = connection.map(str::to_owned);
        self.blocking(move |inner| {
            let mut runs = Vec::new();
            for row in inner.db.scan_prefix(Kind::Run.text(b"")).rev() {
                if runs.len() >= limit {
                    break;
                }
                let (key, value) = row.map_err(|error| inner.error("read", error))?;
                let run: RunRecord = decode_json(Kind::Run, &key, &value)?;
                if connection.as_ref().is_none_or(|wanted| run.connection == *wanted) {
                    runs.push(run);
                }
            }
            Ok(runs)
        })
        .await
    }

    fn outcomes_of_run(&self, run: &RunId) -> Chunks<Outcome> {
        self.scan(Kind::Outcome, of_run(&run.0), scan::LARGE, |key, value, chunk| {
            chunk.push(decode_outcome(key, value)?);
            Ok(())
        })
    }

    async fn outcome_tally(&self, run: &RunId) -> Result<Option<OutcomeTally>, StoreError> {
        let run = run.clone();
        self.blocking(move |inner| inner.tally(&run)).await
    }

    async fn outcomes_of_device(&self, device: DeviceKey, limit: usize) -> Result<Vec<Outcome>, StoreError> {
        self.blocking(move |inner| inner.of_device(device, limit)).await
    }

    async fn outcomes_of_asset(&self, asset: AssetId, limit: usize) -> Result<Vec<Outcome>, StoreError> {
        self.blocking(move |inner| inner.of_asset(asset, limit)).await
    }

    fn all_held(&self) -> Chunks<HeldSpell> {
        self.scan(Kind::Held, Kind::Held.text(b""), scan::LARGE, |key, value, chunk| {
            chunk.push(decode::<StoredHeld>(Kind::Held, key, value)?.into());
            Ok(())
        })
    }

    async fn held_of_device(&self, device: DeviceKey) -> Result<Vec<HeldSpell>, StoreError> {
        self.blocking(move |inner| inner.held_spells(device)).await
    }

    async fn prune_history(&self, limits: HistoryLimits) -> Result<Pruned, StoreError> {
        self.blocking(move |inner| inner.prune(limits)).await
    }

    async fn commit(&self, lease: Option<&Lease>, changes: ChangeSet) -> Result<(), StoreError> {
        let lease = lease.cloned();
        self.blocking(move |inner| inner.commit(lease.as_ref(), changes)).await
    }

    async fn flush(&self) -> Result<(), StoreError> {
        self.blocking(|inner| {
            let mut writer = inner.writer();
            inner.make_durable(&mut writer)
        })
        .await
    }

    async fn acquire(&self, connection: &str, holder: &str, ttl: Duration) -> Result<Lease, StoreError> {
        let (connection, holder) = (connection.to_owned(), holder.to_owned());
        self.blocking(move |inner| inner.acquire(connection, holder, ttl)).await
    }

    async fn renew(&self, lease: &Lease, ttl: Duration) -> Result<(), StoreError> {
        let lease = lease.clone();
        self.blocking(move |inner| inner.renew(&lease, ttl)).await
    }

    async fn release(&self, lease: Lease) -> Result<(), StoreError> {
        self.blocking(move |inner| inner.release(&lease)).await
    }

    async fn plan_writer(&self, id: &str) -> Result<Box<dyn PlanWriter>, StoreError> {
        Ok(Box::new(plans::FileWriter::begin(self.inner.folder.plans(), id).await?))
    }

    fn plan_reader(&self, id: &str) -> Chunks<String> {
        plans::read(self.inner.folder.plans(), id)
    }

    async fn plans(&self) -> Result<Vec<PlanInfo>, StoreError> {
        self.blocking(|inner| plans::list(&inner.folder.plans())).await
    }

    async fn remove_plan(&self, id: &str) -> Result<(), StoreError> {
        let id = id.to_owned();
        self.blocking(move |inner| plans::remove(&inner.folder.plans(), &id)).await
    }

    async fn info(&self) -> Result<StoreInfo, StoreError> {
        self.blocking(Inner::info).await
    }

    async fn check(&self) -> Result<StoreInfo, StoreError> {
        self.blocking(|inner| {
            inner.read_everything()?;
            inner.info()
        })
        .await
    }
}
