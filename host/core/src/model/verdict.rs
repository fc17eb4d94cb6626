//! What guards say of a plan, as its footer, the run's record and `--json` tell it.

use super::ids::{DeviceId, TypeId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What a guard says of a plan.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GuardVerdict {
    /// The guard's name, as `--allow` takes it.
    pub guard: String,
    /// The asset type that it is about; absent: all of them together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asset_type: Option<String>,
    /// What it counted.
    pub count: u64,
    /// Of how many.
    pub of: u64,
    /// Its floor.
    pub at_least: u64,
    /// Its share, in percent.
    pub percent: f64,
    /// Whether the plan is refused.
    pub refused: bool,
    /// The number that a person repeats to let the guard pass; absent where nothing is to be let pass.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allow: Option<u64>,
    /// In words, with the way out.
    pub text: String,
    /// The first rows that were counted, where the guard is over its limits.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rows: Vec<GuardRow>,
}

impl GuardVerdict {
    /// Whether the guard is over its limits, be it that it refuses the plan or that a person lets it pass.
    pub fn is_over(&self) -> bool {
        self.refused || self.allow.is_some()
    }
}

/// One row that a guard counted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GuardRow {
    /// The device's name, or the asset's.
    pub name: String,
    /// The device.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device: Option<DeviceId>,
    /// What would happen.
    pub what: String,
}

/// What a plan was made from, by which later plans are judged once it was applied. A plan alone never is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Baseline {
    /// Devices that Intune showed.
    pub devices: u64,
    /// Devices that could have an asset.
    pub live: u64,
    /// Those of them that have one, or got one.
    pub with_asset: u64,
    /// Devices of each asset type; none where they could not be told apart.
    #[serde(default)]
    pub types: Vec<(TypeId, u64)>,
}
