//! What both sides agree on: devices as Intune knows them, assets as Halo keeps them, and what links the two.
//!
//! Plain data, decoded at the edges by `graph` and `halo` and trusted inside. Nothing here knows how it is
//! fetched, stored or shown.

pub mod asset;
pub mod catalogue;
pub mod customer;
pub mod details;
pub mod device;
pub mod entra;
pub mod ids;
pub mod link;
pub mod matching;
pub mod property;
pub mod run;
pub mod software;
pub mod value;
pub mod verdict;
pub mod write;

pub use asset::{Asset, HaloUser, Member};
pub use catalogue::{AssetType, Catalogue, Client, FieldForm, FieldInfo, Named, Site};
pub use customer::{Activity, ClientWrite, Customer, CustomerTenant};
pub use details::Details;
pub use device::{Device, IdentityRow, Projection, Slot, UnreadableRow};
pub use entra::EntraUser;
pub use ids::{
    AssetId, ClientId, DeviceId, DeviceKey, FieldId, GroupId, LicenceId, SiteId, StatusId, TenantId, TypeId,
    UserId,
};
pub use link::{Deactivated, FieldMemory, Life, Link, LinkOrigin, LinkState, LinkSummary};
pub use matching::{CaseAsset, CaseDevice, CaseKind, MatchCase, MatchChoice, MatchDecision, Presence};
pub use property::{Availability, Kind, Property};
pub use run::{Action, Approved, Counts, Entity, RunId, RunRecord, RunStatus};
pub use software::{Inventory, InventoryBuilder, Licence, LicenceWrite, SoftwareMemory, SoftwareRow};
pub use value::Value;
pub use verdict::{Baseline, GuardRow, GuardVerdict};
pub use write::{AssetWrite, TypeWrite};
