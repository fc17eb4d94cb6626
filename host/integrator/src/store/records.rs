//! What goes into the store and comes out of it, besides the model's own types.

use chrono::{DateTime, Utc};
use integrator_core::model::{
    Asset, AssetId, AssetWrite, Details, DeviceId, DeviceKey, EntraUser, HaloUser, Link, MatchCase,
    MatchDecision, RunId, RunRecord, SoftwareMemory, TenantId, UserId,
};
use integrator_core::plan::{Change, Effect, HeldSpell, Outcome};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// Changes that take effect together. Where one set both puts and removes a record, the put wins.
#[derive(Clone, Debug, Default)]
pub struct ChangeSet {
    /// Links, each by its tenant and device.
    pub put_links: Vec<Link>,
    /// Links to forget, by the keys of tenant and device.
    pub remove_links: Vec<(DeviceKey, DeviceKey)>,
    /// What single reads told of devices, each by the keys of tenant and device.
    pub put_details: Vec<(DeviceKey, DeviceKey, Details)>,
    /// Details to forget, by the keys of tenant and device.
    pub remove_details: Vec<(DeviceKey, DeviceKey)>,
    /// Assets of the index.
    pub put_assets: Vec<Asset>,
    /// Assets that Halo no longer has.
    pub remove_assets: Vec<AssetId>,
    /// Halo users of the index.
    pub put_users: Vec<HaloUser>,
    /// Users that Halo no longer has.
    pub remove_users: Vec<UserId>,
    /// What was written of devices' software. A device's goes with its link.
    pub put_software: Vec<SoftwareMemory>,
    /// Users of a tenant, by the tenant's key.
    pub put_entra_users: Vec<(DeviceKey, EntraUser)>,
    /// Users that the tenant no longer has, by the keys of tenant and object id.
    pub remove_entra_users: Vec<(DeviceKey, DeviceKey)>,
    /// Cases of the queue of matching, each by its tenant, device and connection.
    pub put_cases: Vec<MatchCase>,
    /// Cases that are settled.
    pub remove_cases: Vec<CaseKey>,
    /// What people decided about devices, each by its tenant, device and connection.
    pub put_decisions: Vec<MatchDecision>,
    /// Decisions that are taken back.
    pub remove_decisions: Vec<CaseKey>,
    /// Small documents by name.
    pub put_marks: Vec<(String, serde_json::Value)>,
    /// Marks to forget.
    pub remove_marks: Vec<String>,
    /// Writes that are about to be sent.
    pub put_journal: Vec<JournalEntry>,
    /// Journal entries whose writes are known to be done or not done, by id.
    pub remove_journal: Vec<String>,
    /// What became of steps. Each gets its place in its run here.
    pub put_outcomes: Vec<Outcome>,
    /// Devices that were left alone, each by its key, connection and first run.
    pub put_held: Vec<HeldSpell>,
    /// A run's record, whole.
    pub put_run: Option<RunRecord>,
    /// When the changes must have reached the disk.
    pub durability: Durability,
}

impl ChangeSet {
    /// Whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.put_links.is_empty()
            && self.remove_links.is_empty()
            && self.put_details.is_empty()
            && self.remove_details.is_empty()
            && self.put_assets.is_empty()
            && self.remove_assets.is_empty()
            && self.put_users.is_empty()
            && self.remove_users.is_empty()
            && self.put_software.is_empty()
            && self.put_entra_users.is_empty()
            && self.remove_entra_users.is_empty()
            && self.put_cases.is_empty()
            && self.remove_cases.is_empty()
            && self.put_decisions.is_empty()
            && self.remove_decisions.is_empty()
            && self.put_marks.is_empty()
            && self.remove_marks.is_empty()
            && self.put_journal.is_empty()
            && self.remove_journal.is_empty()
            && self.put_outcomes.is_empty()
            && self.put_held.is_empty()
            && self.put_run.is_none()
    }
}

/// One device as one connection sees it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct CaseKey {
    /// The tenant.
    pub tenant: DeviceKey,
    /// The device.
    pub device: DeviceKey,
    /// The connection's file name without its ending.
    pub connection: String,
}

impl From<&MatchCase> for CaseKey {
    fn from(case: &MatchCase) -> Self {
        let device = DeviceKey::of(&case.device.id);
        Self { tenant: case.tenant.key(), device, connection: case.connection.clone() }
    }
}

impl From<&MatchDecision> for CaseKey {
    fn from(decision: &MatchDecision) -> Self {
        Self {
            tenant: decision.tenant.key(),
            device: decision.device.key(),
            connection: decision.connection.clone(),
        }
    }
}

/// When committed changes must have reached the disk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Durability {
    /// Before `commit` returns.
    #[default]
    Now,
    /// With the next commit that says `Now`, or the next flush. Until then a crash may lose them, whole and in
    /// order: for loads that can be repeated.
    WithNext,
}

/// Number and digest of an asset of the index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AssetSummary {
    /// Halo's number.
    pub id: AssetId,
    /// [`Asset::digest`].
    pub digest: u64,
}

/// Writes that are about to be sent and whose answer may be lost.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JournalEntry {
    /// Its id; the journal is read in the order of the ids.
    pub id: String,
    /// The run that writes.
    pub run: RunId,
    /// The connection's file name without its ending.
    pub connection: String,
    /// The tenant of the devices.
    pub tenant: TenantId,
    /// When it was written.
    #[serde(with = "chrono::serde::ts_milliseconds")]
    pub at: DateTime<Utc>,
    /// The greatest asset number seen before: what the writes create has a greater one.
    pub highest_asset: Option<AssetId>,
    /// The writes, in the order of the request.
    pub steps: Vec<JournaledStep>,
}

/// One write of a journal entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JournaledStep {
    /// The plan step's id.
    pub step: String,
    /// The device it is for.
    pub device: DeviceId,
    /// The link to commit once the write is known to be done. For a create its asset number is 0 until then.
    pub link: Link,
    /// What is sent.
    pub write: AssetWrite,
    /// What it changes, for the history of a write whose answer was lost; a create's write says it itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub told: Option<JournaledTold>,
}

/// What the plan says of a journalled write.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JournaledTold {
    /// What it means.
    pub effect: Effect,
    /// Each value, old and new, with its reason.
    pub changes: Vec<Change>,
}

/// How much history is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HistoryLimits {
    /// Runs that began before this are removed, with their outcomes.
    pub before: DateTime<Utc>,
    /// Outcomes of older runs are removed when there are more than these.
    pub outcomes: u64,
}

/// What was removed of the history.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pruned {
    /// Runs.
    pub runs: u64,
    /// Outcomes.
    pub outcomes: u64,
}

/// The right to import a connection, until it is released or its time is over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lease {
    /// The connection.
    pub connection: String,
    /// Who holds it.
    pub holder: String,
    /// Grows with every lease of the connection; commits with an older one are refused.
    pub fence: u64,
}

/// A plan that is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PlanInfo {
    /// Its id.
    pub id: String,
    /// Size in bytes.
    pub bytes: u64,
    /// When it was finished.
    pub modified: DateTime<Utc>,
}

/// What the store holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct StoreInfo {
    /// The data folder.
    pub folder: PathBuf,
    /// Number of the stored format.
    pub format: u32,
    /// Links.
    pub links: u64,
    /// Assets of the index.
    pub assets: u64,
    /// Halo users of the index.
    pub users: u64,
    /// Runs.
    pub runs: u64,
    /// Outcomes of runs.
    pub outcomes: u64,
    /// Entries of the journal.
    pub journal: u64,
    /// Plans.
    pub plans: u64,
    /// Bytes of the database on disk.
    pub database_bytes: u64,
    /// Bytes of the plans on disk.
    pub plan_bytes: u64,
}
