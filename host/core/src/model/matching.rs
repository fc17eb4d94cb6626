//! What matching could not decide, and what people decided about it.
//!
//! A [`MatchCase`] is one device of the queue with its evidence side by side; a [`MatchDecision`] is what a person said
//! of one device. Both are kept as they stand here, with the names that people read. Nothing here knows how a case
//! comes about.

use super::ids::{AssetId, DeviceId, TenantId};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use std::fmt;

/// One device that is held because it is not clear which asset is its.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MatchCase {
    /// The connection, by file name.
    pub connection: String,
    /// The tenant that manages the device.
    pub tenant: TenantId,
    /// The device.
    pub device: CaseDevice,
    /// What is unclear.
    pub kind: CaseKind,
    /// Why it is held, and the way out.
    pub reason: String,
    /// The assets that it could be.
    pub assets: Vec<CaseAsset>,
    /// The devices that it stands against; the first few where there are many.
    pub others: Vec<CaseDevice>,
    /// When a run first held it for this.
    pub since: DateTime<Utc>,
}

/// What is unclear about a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CaseKind {
    /// Several assets match it.
    SeveralAssets,
    /// Several devices match one asset.
    SeveralDevices,
    /// Another live device has the same serial number.
    SharedSerial,
    /// The asset with its Intune id is not the one that it matches.
    IdAgainstMatch,
    /// The asset that it matches is of another kind.
    OtherType,
    /// The asset that it matches belongs to a live device of another tenant or connection.
    OtherTenant,
    /// An asset of another client carries its Intune id.
    OtherClient,
    /// A person pinned it to an asset that it cannot have.
    Pinned,
}

impl fmt::Display for CaseKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::SeveralAssets => "several assets match",
            Self::SeveralDevices => "several devices match one asset",
            Self::SharedSerial => "two live devices share a serial number",
            Self::IdAgainstMatch => "Intune id and match point to different assets",
            Self::OtherType => "the matched asset is of another kind",
            Self::OtherTenant => "the matched asset belongs to another tenant or connection",
            Self::OtherClient => "its Intune id is on an asset of another client",
            Self::Pinned => "pinned to an asset that it cannot have",
        })
    }
}

/// A device as a case shows it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct CaseDevice {
    /// Intune's id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its serial number, as Intune has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub serial: Option<String>,
    /// The sign-in name of its primary user.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// Its model, where the settings read it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// When it was enrolled.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enrolled: Option<DateTime<Utc>>,
    /// When it last synchronised.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub synced: Option<DateTime<Utc>>,
}

/// An asset as a case shows it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct CaseAsset {
    /// Halo's number; 0 for one that is not known.
    pub id: i64,
    /// Its inventory number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Its type.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub type_name: Option<String>,
    /// Its client, else the client's number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client: Option<String>,
    /// Its site, else the site's number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub site: Option<String>,
    /// Its status, else the status's number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
    /// Whether it is deactivated.
    pub inactive: bool,
    /// What it has in common with the device: by what, and the value as Halo shows it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub matches: Vec<(String, String)>,
    /// The device that it is linked with, in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub linked: Option<String>,
    /// Whether the index no longer has it.
    #[serde(skip_serializing_if = "Presence::is_listed")]
    pub presence: Presence,
}

impl CaseAsset {
    /// Its number.
    pub fn asset(&self) -> AssetId {
        AssetId(self.id)
    }
}

/// Whether Halo still lists an asset.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Presence {
    /// It does.
    #[default]
    Listed,
    /// It does not.
    Gone,
}

impl Presence {
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "called by serde")]
    fn is_listed(&self) -> bool {
        *self == Self::Listed
    }
}

/// What a person said of one device. It belongs to that enrolment: the machine's next one has another id.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MatchDecision {
    /// The connection, by file name.
    pub connection: String,
    /// The tenant that manages the device.
    pub tenant: TenantId,
    /// The device.
    pub device: DeviceId,
    /// Its name when it was decided.
    pub device_name: String,
    /// What was said.
    pub choice: MatchChoice,
    /// When.
    pub at: DateTime<Utc>,
    /// Why, in the person's words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// What a person can say of a device.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "choice", rename_all = "kebab-case")]
pub enum MatchChoice {
    /// It is this asset.
    Pin {
        /// The asset.
        asset: AssetId,
    },
    /// It is none of these assets: it has one of its own.
    Split {
        /// What it is not.
        not: Vec<AssetId>,
    },
    /// It is left alone.
    Ignore,
}

impl fmt::Display for MatchChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pin { asset } => write!(f, "pinned to asset {asset}"),
            Self::Split { not } if not.is_empty() => f.write_str("split off, with an asset of its own"),
            Self::Split { not } => {
                let not: Vec<String> = not.iter().map(ToString::to_string).collect();
                write!(f, "split from {} {}", if not.len() == 1 { "asset" } else { "assets" }, not.join(", "))
            }
            Self::Ignore => f.write_str("ignored"),
        }
    }
}
