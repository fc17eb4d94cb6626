//! What the integrator remembers between runs, behind one trait of domain operations: links, the index of Halo's
//! assets and users, marks, the journal of writes in progress, runs, plans and leases.
//!
//! The trait is set-based: reads are streams of chunks in a stated order, writes are one [`ChangeSet`] that takes
//! effect whole or not at all. It knows nothing of Graph, of Halo's wire, or of how a run decides. The engine behind
//! it is named in `store/sled` only, so that another can take its place.

mod error;
mod folder;
mod plans;
mod records;
mod sled;

pub use self::sled::{SledOptions, SledStore};
pub use error::StoreError;
pub use folder::{Holder, StoreFolder};
pub use records::{
    AssetSummary, CaseKey, ChangeSet, Durability, HistoryLimits, JournalEntry, JournaledStep, JournaledTold,
    Lease, PlanInfo, Pruned, StoreInfo,
};

use async_trait::async_trait;
use futures_util::stream::BoxStream;
use integrator_core::model::{
    Asset, AssetId, Details, DeviceKey, EntraUser, HaloUser, Link, LinkSummary, MatchCase, MatchDecision,
    RunId, RunRecord, SoftwareMemory, UserId,
};
use integrator_core::plan::{HeldSpell, Outcome, OutcomeTally};
use std::time::Duration;

/// Name of the mark that every change of a user changes: equal marks, equal users.
pub const USERS_GENERATION: &str = "halo-users-generation";

/// Name of the mark that every change of a summary changes, of a link's or of an asset's: equal marks, equal
/// summaries.
pub const SUMMARIES_GENERATION: &str = "summaries-generation";

/// A stream of chunks, each a few thousand rows at most. It ends after its first error.
pub type Chunks<T> = BoxStream<'static, Result<Vec<T>, StoreError>>;

/// The memory of the integrator. One process holds it at a time; inside it, clones of an `Arc` share it.
///
/// Streams read while others commit: each row is whole, and a row that a commit changes while the stream runs is
/// seen before or after the change.
#[async_trait]
pub trait Store: Send + Sync {
    /// Summaries of the connection's links to devices of a tenant, in ascending order of the device keys.
    fn link_summaries(&self, connection: &str, tenant: DeviceKey) -> Chunks<LinkSummary>;

    /// All links, of one connection or of all, ordered by tenant and device.
    fn all_links(&self, connection: Option<&str>) -> Chunks<Link>;

    /// The links of these devices of a tenant, in the order asked; `None` where there is none.
    async fn links(&self, tenant: DeviceKey, devices: &[DeviceKey]) -> Result<Vec<Option<Link>>, StoreError>;

    /// What single reads told of these devices of a tenant, in the order asked; `None` where nothing was kept. Many
    /// devices in ascending order are read by one scan.
    async fn details(
        &self,
        tenant: DeviceKey,
        devices: &[DeviceKey],
    ) -> Result<Vec<Option<Details>>, StoreError>;

    /// Number and digest of every asset of the index, ascending by number.
    fn asset_summaries(&self) -> Chunks<AssetSummary>;

    /// Every asset of the index, ascending by number.
    fn all_assets(&self) -> Chunks<Asset>;

    /// These assets, in the order asked; `None` where the index has none.
    async fn assets(&self, ids: &[AssetId]) -> Result<Vec<Option<Asset>>, StoreError>;

    /// The greatest number in the index of assets.
    async fn highest_asset(&self) -> Result<Option<AssetId>, StoreError>;

    /// How many assets the index holds. Kept, not counted: cheap.
    async fn asset_count(&self) -> Result<u64, StoreError>;

    /// Every Halo user of the index, ascending by number.
    fn users(&self) -> Chunks<HaloUser>;

    /// These users, in the order asked; `None` where the index has none.
    async fn users_by_id(&self, ids: &[UserId]) -> Result<Vec<Option<HaloUser>>, StoreError>;

    /// How many users the index holds. Kept, not counted: cheap.
    async fn user_count(&self) -> Result<u64, StoreError>;

    /// The digest of what was last written of each device's software, in ascending order of the device keys.
    fn software_digests(&self, tenant: DeviceKey) -> Chunks<(DeviceKey, u64)>;

    /// What was last written of these devices' software, in the order asked; `None` where nothing was.
    async fn software(
        &self,
        tenant: DeviceKey,
        devices: &[DeviceKey],
    ) -> Result<Vec<Option<SoftwareMemory>>, StoreError>;
    /// Every user of an Entra tenant that is kept.
    fn entra_users(&self, tenant: DeviceKey) -> Chunks<EntraUser>;

    /// These users of a tenant, by the keys of their object ids, in the order asked; `None` where none is kept.
    async fn entra_users_by_id(
        &self,
        tenant: DeviceKey,
        ids: &[DeviceKey],
    ) -> Result<Vec<Option<EntraUser>>, StoreError>;

    /// The queue of devices that matching could not decide, of one connection or of all, ordered by tenant and device.
    fn match_cases(&self, connection: Option<&str>) -> Chunks<MatchCase>;

    /// What people decided about devices, of one connection or of all, ordered by tenant and device. Nothing else can
    /// tell it again: it belongs into every backup.
    fn match_decisions(&self, connection: Option<&str>) -> Chunks<MatchDecision>;

    /// A small document that a run left for the next one.
    async fn mark(&self, name: &str) -> Result<Option<serde_json::Value>, StoreError>;

    /// Writes that were begun and not yet known to be done, in the order of their ids.
    async fn journal(&self) -> Result<Vec<JournalEntry>, StoreError>;

    /// One run.
    async fn run(&self, id: &RunId) -> Result<Option<RunRecord>, StoreError>;

    /// The newest runs, of one connection or of all, newest first.
    async fn runs(&self, connection: Option<&str>, limit: usize) -> Result<Vec<RunRecord>, StoreError>;

    /// What became of a run's steps, in the order in which they ended.
    fn outcomes_of_run(&self, run: &RunId) -> Chunks<Outcome>;

    /// How many outcomes a run has, by their endings; `None` where none were ever kept.
    async fn outcome_tally(&self, run: &RunId) -> Result<Option<OutcomeTally>, StoreError>;

    /// The newest outcomes of a device, of whichever connection and tenant, newest first.
    async fn outcomes_of_device(&self, device: DeviceKey, limit: usize) -> Result<Vec<Outcome>, StoreError>;

    /// The newest outcomes of an asset, newest first.
    async fn outcomes_of_asset(&self, asset: AssetId, limit: usize) -> Result<Vec<Outcome>, StoreError>;

    /// Every spell in which a device was held, of whichever connection, by the keys of the devices.
    fn all_held(&self) -> Chunks<HeldSpell>;

    /// The spells in which a device was held, newest first.
    async fn held_of_device(&self, device: DeviceKey) -> Result<Vec<HeldSpell>, StoreError>;

    /// Removes history that is old or too much, in small batches. A run of which outcomes were removed to make room
    /// says so in its tally.
    async fn prune_history(&self, limits: HistoryLimits) -> Result<Pruned, StoreError>;

    /// Carries out all changes or none. With a lease, only while its fence is the newest of its connection; the
    /// check and the changes are one step.
    async fn commit(&self, lease: Option<&Lease>, changes: ChangeSet) -> Result<(), StoreError>;

    /// Makes everything durable that was committed [`Durability::WithNext`].
    async fn flush(&self) -> Result<(), StoreError>;

    /// Takes the connection for one holder, whose name is unique (a run id). Refused while another's lease is
    /// neither released nor past its time.
    async fn acquire(&self, connection: &str, holder: &str, ttl: Duration) -> Result<Lease, StoreError>;

    /// Gives the lease `ttl` from now. Refused when another holder has taken the connection since.
    async fn renew(&self, lease: &Lease, ttl: Duration) -> Result<(), StoreError>;

    /// Gives the connection back. A lease that is no longer the newest is let go without a word.
    async fn release(&self, lease: Lease) -> Result<(), StoreError>;

    /// Begins a plan of this id (letters, digits, `-`, `_`). It exists once [`PlanWriter::finish`] has returned.
    async fn plan_writer(&self, id: &str) -> Result<Box<dyn PlanWriter>, StoreError>;

    /// The lines of a plan, in order, without their ends.
    fn plan_reader(&self, id: &str) -> Chunks<String>;

    /// The plans that are kept, newest first.
    async fn plans(&self) -> Result<Vec<PlanInfo>, StoreError>;

    /// Removes a plan; one that is not there is no error.
    async fn remove_plan(&self, id: &str) -> Result<(), StoreError>;

    /// Counts and size. Reads keys of all links: seconds for millions.
    async fn info(&self) -> Result<StoreInfo, StoreError>;

    /// Reads every record. The first that cannot be read is the error.
    async fn check(&self) -> Result<StoreInfo, StoreError>;
}

/// A plan being written. Dropped before it is finished, it leaves nothing.
#[async_trait]
pub trait PlanWriter: Send {
    /// Adds lines; none may hold a line end.
    async fn append(&mut self, lines: Vec<String>) -> Result<(), StoreError>;

    /// Makes the plan durable and visible at once, and removes the oldest of more than twenty plans.
    async fn finish(self: Box<Self>) -> Result<PlanInfo, StoreError>;
}
