//! The remembered pair of an Intune device and a Halo asset.
//!
//! A link is keyed by tenant and device. It exists in two sizes: the [`Link`] with all that was written, and the
//! [`LinkSummary`] that a run holds in memory for every device.

use super::asset::Member;
use super::ids::{AssetId, DeviceId, DeviceKey, SiteId, StatusId, TenantId, TypeId, UserId};
use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What is remembered of one device and its asset.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Link {
    /// The tenant that manages the device.
    pub tenant: TenantId,
    /// The device.
    pub device: DeviceId,
    /// The device's name when it was last written; for messages about a device that is gone.
    pub device_name: String,
    /// The device's usable serial number, folded; for finding a re-enrolment of a device that is gone.
    pub serial: Option<String>,
    /// The connection that made the link, by name.
    pub connection: String,
    /// The asset.
    pub asset: AssetId,
    /// How the pair came about.
    pub origin: LinkOrigin,
    /// Per filled member, what was written and what Halo then showed.
    pub fields: Vec<FieldMemory>,
    /// The Halo user that we linked.
    pub user: Option<UserId>,
    /// The site that we wrote.
    pub site: Option<SiteId>,
    /// The type that we wrote.
    pub type_id: Option<TypeId>,
    /// The status that we wrote last.
    pub status: Option<StatusId>,
    /// The asset's status before ours.
    pub status_before: Option<StatusId>,
    /// Where the device stands.
    pub state: LinkState,
    /// Since when it stands there.
    #[serde(with = "chrono::serde::ts_milliseconds")]
    #[schemars(with = "i64")]
    pub since: DateTime<Utc>,
    /// Complete runs in a row without the device.
    pub misses: u32,
    /// The last complete run that found the device absent or back; empty until then. A device that is simply
    /// present is not written anew by every run: the connection's own last complete run speaks for it.
    pub last_complete_run: String,
    /// Digest of the decision that was last carried out or found to hold.
    pub decision: u64,
    /// [`super::Asset::digest`] of the asset when that decision held.
    pub shown: u64,
    /// What only some links need: signs of life, and what was done about their absence.
    #[serde(default, skip_serializing_if = "Life::is_usual")]
    pub life: Life,
}

/// What is remembered of a device that is absent, leaving, or without a sign of life.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Life {
    /// The first complete run, of those in a row up to now, that missed the device.
    #[serde(with = "chrono::serde::ts_milliseconds_option")]
    #[schemars(with = "Option<i64>")]
    pub absent_since: Option<DateTime<Utc>>,
    /// The last complete run that saw the device, noted when one first missed it.
    #[serde(with = "chrono::serde::ts_milliseconds_option")]
    #[schemars(with = "Option<i64>")]
    pub last_seen: Option<DateTime<Utc>>,
    /// Intune's `managementState` when the device was last seen, where it tells of its leaving.
    pub leaving: Option<String>,
    /// Whether it was we who deactivated the asset.
    pub deactivated: Deactivated,
}

impl Life {
    /// Whether there is nothing to remember.
    pub fn is_usual(&self) -> bool {
        *self == Self::default()
    }
}

/// Who deactivated an asset.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Deactivated {
    /// Nobody, or a person: it is left as it is.
    #[default]
    NotByUs,
    /// We did: it is activated when its device comes back.
    ByUs,
}

impl Link {
    /// What was remembered of a member.
    pub fn memory(&self, member: &Member) -> Option<&FieldMemory> {
        self.fields.iter().find(|memory| memory.member == *member)
    }

    /// The part that a run keeps in memory.
    pub fn summary(&self) -> LinkSummary {
        LinkSummary {
            key: self.device.key(),
            asset: self.asset,
            agreed: agreement(self.decision, self.shown),
            state: self.state,
            serial: self.serial.as_deref().map_or(0, serial_hash),
        }
    }
}

/// One number for a decision and what Halo showed when it held: that both are as they were is all that a run asks
/// of most devices. Both are digests, so that two pairs agree by chance as rarely as two digests do.
pub fn agreement(decision: u64, shown: u64) -> u64 {
    decision.wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(32) ^ shown
}

/// Hash of a folded serial number, never 0.
pub fn serial_hash(folded: &str) -> u64 {
    let mut head = [0; 8];
    blake3::Hasher::new().update(folded.as_bytes()).finalize_xof().fill(&mut head);
    u64::from_le_bytes(head).max(1)
}

/// What one member was given, and what Halo made of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FieldMemory {
    /// The member.
    pub member: Member,
    /// What was sent; `None`: cleared.
    pub written: Option<String>,
    /// What Halo showed afterwards, which may be a normalised form. `Unseen` until an answer or a row told.
    pub shown: Shown,
}

/// What Halo showed after a write.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Shown {
    /// No answer or row has told yet.
    Unseen,
    /// This value, or empty.
    Seen(Option<String>),
}

/// How a pair came about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum LinkOrigin {
    /// We created the asset for the device.
    Created,
    /// The asset was there and matched.
    Matched,
    /// A person said so.
    Pinned,
}

/// Where a linked device stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum LinkState {
    /// In the last complete sweep.
    Present,
    /// Absent from a complete sweep, but not long or not surely enough.
    Missing,
    /// Proven to be gone from Intune.
    Deleted,
    /// Without a sign of life for as long as the settings allow; absent from sweeps or not.
    Inactive,
}

/// The few bytes of a link that a run holds for every device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LinkSummary {
    /// The device's key; summaries are loaded in its order.
    pub key: DeviceKey,
    /// The asset.
    pub asset: AssetId,
    /// [`agreement`] of [`Link::decision`] and [`Link::shown`].
    pub agreed: u64,
    /// Where the device stands.
    pub state: LinkState,
    /// Hash of the device's usable serial number, 0 for none.
    pub serial: u64,
}
