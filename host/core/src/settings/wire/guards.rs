//! `[guards]` and `approve` as they are written.

use super::At;
use schemars::JsonSchema;
use serde::Deserialize;

/// `[guards]`
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::settings) struct Guards {
    /// Devices newly concluded deleted or inactive, of those linked. Default `{ percent = 10, at_least = 20 }`.
    pub(in crate::settings) deactivate: Option<At<Guard>>,
    /// Links that are forgotten, of all. Default `{ percent = 10, at_least = 20 }`.
    pub(in crate::settings) delete_links: Option<At<Guard>>,
    /// Assets that get another status while their device is there, of those linked. Default `{ percent = 20, at_least = 20 }`.
    pub(in crate::settings) status: Option<At<Guard>>,
    /// Assets that get another type, of those linked. Default `{ percent = 10, at_least = 20 }`.
    #[serde(rename = "type")]
    pub(in crate::settings) asset_type: Option<At<Guard>>,
    /// Assets that move to another site, of those linked. Default `{ percent = 20, at_least = 20 }`.
    pub(in crate::settings) site: Option<At<Guard>>,
    /// Assets that end without a user, of those linked. Default `{ percent = 10, at_least = 20 }`.
    pub(in crate::settings) unlink: Option<At<Guard>>,
    /// Assets that are created, by the number of those linked. Rests until a plan of the connection was applied. Default `{ percent = 50, at_least = 100 }`.
    pub(in crate::settings) create: Option<At<Guard>>,
    /// Linked assets that change in more than timestamps and software, of those linked. Default `{ percent = 30, at_least = 100 }`.
    pub(in crate::settings) update: Option<At<Guard>>,
    /// Assets without a device that are taken for one, by the number of those linked. Rests until a plan of the connection was applied. Default `{ percent = 20, at_least = 20 }`.
    pub(in crate::settings) newly_matched: Option<At<Guard>>,
    /// Devices that lack an asset, where the last applied run had more with one. Rests until a plan of the connection was applied. Default `{ percent = 20, at_least = 20 }`.
    pub(in crate::settings) matched: Option<At<Guard>>,
    /// Devices that Intune shows no more, of those that the last applied run saw. Default `{ percent = 20, at_least = 20 }`.
    pub(in crate::settings) source: Option<At<Guard>>,
    /// Devices that could not be decided, of those that Intune shows. Default `{ percent = 20, at_least = 20 }`.
    pub(in crate::settings) held: Option<At<Guard>>,
    /// Devices that are left alone because a plugin was taken out of the run, of those that Intune shows. Default `{ percent = 10, at_least = 20 }`.
    pub(in crate::settings) quarantined: Option<At<Guard>>,
}

/// A guard: refuses when the count is at least `at_least` and its share is over `percent`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::settings) struct Guard {
    /// The share, 0 to 100; with 100 the guard is off. Default: see the guard.
    #[schemars(range(min = 0, max = 100))]
    pub(in crate::settings) percent: Option<At<f64>>,
    /// The count below which the guard rests. Default: see the guard.
    #[schemars(range(min = 1, max = 1_000_000_000))]
    pub(in crate::settings) at_least: Option<At<u64>>,
}

/// When a plan waits for a person.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(in crate::settings) enum Approve {
    /// Never: an import applies its plan, unless a guard refuses it.
    Never,
    /// Always: every plan that writes something waits for `apply PLAN --approve`.
    Always,
    /// A plan that a guard refuses waits for `apply PLAN --approve`.
    WhenGuarded,
}
