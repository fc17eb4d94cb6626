//! A plan as JSON Lines: a header, one line a step, what is held or only remembered, and a footer with counts and
//! digest. The format is versioned; a released one never changes.

use super::edits::Theirs;
use super::guard::GuardVerdict;
use super::software::Titles;
use super::step::Step;
use crate::decide::rulebook::proposal::Foretold;
use crate::model::{AssetId, Baseline, Counts, DeviceId, Entity, Link, RunId, TenantId};
use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The version of the plan format that this program writes.
pub const PLAN_FORMAT: u32 = 1;

/// One line of a plan.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "line", rename_all = "kebab-case")]
pub enum Line {
    /// Always first.
    Header(Header),
    /// Titles that later steps name by number.
    Titles(Titles),
    /// A write.
    Step(Box<Step>),
    /// Nothing is written to Halo, but the store is changed.
    Remember(Box<Remember>),
    /// A device that is left alone because it could not be decided.
    Held(HeldDevice),
    /// What people changed on an asset, and the plan leaves as it is.
    Theirs(Theirs),
    /// Always last.
    Footer(Box<Footer>),
}

/// What the plan is and what it was made from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Header {
    /// [`PLAN_FORMAT`]
    pub format: u32,
    /// The plan's id.
    pub plan: String,
    /// The connection, by file name.
    pub connection: String,
    /// The connection's own tenant. A step of another tenant's device tells it by its link.
    pub tenant: TenantId,
    /// What is imported.
    pub entity: Entity,
    /// When it was made.
    pub made: DateTime<Utc>,
    /// Digest of the settings it was made with.
    pub settings: String,
    /// Halo's address, so that a plan is never applied to another Halo.
    pub halo: String,
    /// Digest of each plugin that took part.
    pub plugins: BTreeMap<String, String>,
    /// The run that it takes back, where it takes one back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reverts: Option<RunId>,
}

/// A change of the store alone.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Remember {
    /// The link as it shall be; nothing when one is only removed.
    pub link: Option<Link>,
    /// The device whose link goes.
    pub forget: Option<DeviceId>,
    /// The tenant of that device, where neither the link nor the header tells it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant: Option<TenantId>,
    /// Why.
    pub reason: String,
}

/// A device that is left alone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HeldDevice {
    /// Its id, if readable.
    pub device: Option<DeviceId>,
    /// Its name, if readable.
    pub name: String,
    /// Why, and the way out.
    pub reason: String,
}

/// What the plan comes to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Footer {
    /// Steps in the plan.
    pub steps: u64,
    /// The figures it foretells.
    pub counts: Counts,
    /// What people should know.
    pub notices: Vec<String>,
    /// The guards' verdicts.
    pub guards: Vec<GuardVerdict>,
    /// Whether the run that applies it is to end with a partial result, because something was left out.
    pub left_out: bool,
    /// What later plans are judged by once this one is applied; absent where it is about a part of the fleet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub baseline: Option<Baseline>,
    /// The greatest number of an asset when the plan was made: what is above it appeared since.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub newest_asset: Option<AssetId>,
    /// What proposals would change; nothing is written by them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub proposals: Vec<Foretold>,
    /// BLAKE3 of all lines before this one, each with its line end.
    pub digest: String,
}
