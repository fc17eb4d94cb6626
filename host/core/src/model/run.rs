//! What a run was and did: the record that the store keeps, the console shows and `--json` prints.

use super::verdict::GuardVerdict;
use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;

/// A run's id: sorts by the time of its start.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct RunId(pub String);

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What a run imports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Entity {
    /// Tenants as clients.
    Organisations,
    /// Devices as assets.
    Assets,
}

/// What a run was asked to do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    /// Plan, guard and apply.
    #[default]
    Import,
    /// Only plan: its figures foretell, nothing was written.
    Plan,
    /// Apply a plan that was made before.
    Apply,
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Import => "import",
            Self::Plan => "plan",
            Self::Apply => "apply",
        })
    }
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum RunStatus {
    /// Still going, or its process died.
    Running,
    /// Everything was carried out.
    Done,
    /// Carried out, but rows failed, were held or refused.
    Partial,
    /// A guard refused; nothing was written.
    Refused,
    /// Its plan waits for a person's approval; nothing was written.
    Waiting,
    /// It could not be carried out.
    Failed,
    /// A person or the system stopped it.
    Interrupted,
    /// It did not begin: another run of the connection was under way.
    Skipped,
}

impl fmt::Display for RunStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Running => "running",
            Self::Done => "done",
            Self::Partial => "partial",
            Self::Refused => "refused",
            Self::Waiting => "waiting",
            Self::Failed => "failed",
            Self::Interrupted => "interrupted",
            Self::Skipped => "skipped",
        })
    }
}

/// How a plan was approved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Approved {
    /// By `apply --approve`; who typed it is not known here.
    CommandLine,
}

/// The summary of one run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RunRecord {
    /// Its id.
    pub run: RunId,
    /// The connection's file name without its ending.
    pub connection: String,
    /// What was asked for.
    #[serde(default)]
    pub action: Action,
    /// What was imported.
    pub entity: Entity,
    /// How it ended.
    pub status: RunStatus,
    /// When it began.
    pub started: DateTime<Utc>,
    /// How long it took.
    pub seconds: f64,
    /// The plan it made or applied.
    pub plan: Option<String>,
    /// The figures.
    #[serde(default)]
    pub counts: Counts,
    /// Requests to Microsoft Graph (sign-in included).
    pub requests_to_graph: u64,
    /// Requests to Halo (sign-in included).
    pub requests_to_halo: u64,
    /// Digest of each plugin that took part, by name.
    pub plugins: BTreeMap<String, String>,
    /// The guards that were over their limits: refused, or let pass by a person.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub guards: Vec<GuardVerdict>,
    /// How its plan was approved, where a person did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approved: Option<Approved>,
    /// What a person should know: held devices, refusals, warnings, each one line with its way out.
    pub notices: Vec<String>,
    /// The error that ended it.
    pub error: Option<String>,
}

/// What a run read and wrote.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Counts {
    /// Devices that Graph returned, each id once.
    pub devices_read: u64,
    /// Left out by a setting.
    pub devices_excluded: u64,
    /// Of those, left alone because a person said so.
    #[serde(skip_serializing_if = "is_none")]
    pub devices_ignored: u64,
    /// Left undecided, nothing written.
    pub devices_held: u64,
    /// Older rows of a device that was enrolled again.
    pub devices_superseded: u64,
    /// Linked devices absent from this sweep, not yet concluded deleted.
    pub devices_missing: u64,
    /// Assets created.
    pub assets_created: u64,
    /// Assets updated (those deactivated or recovered count there).
    pub assets_updated: u64,
    /// Assets that needed nothing.
    pub assets_unchanged: u64,
    /// Assets set to deleted or inactive.
    pub assets_deactivated: u64,
    /// Assets brought back.
    pub assets_recovered: u64,
    /// Writes that Halo refused or that depended on one.
    pub assets_failed: u64,
    /// Asset types created.
    pub types_created: u64,
    /// Clients created for tenants.
    pub clients_created: u64,
    /// Clients that Halo was told the tenant of.
    pub clients_updated: u64,
    /// Tenants without a client: their devices are held.
    pub tenants_held: u64,
    /// Users linked to assets.
    pub users_linked: u64,
    /// Users taken off assets.
    pub users_unlinked: u64,
    /// Links of users that wait for a reading in a later run.
    pub users_pending: u64,
    /// Values that people changed in Halo, and that were left to them.
    pub edits_kept: u64,
    /// Assets of which a later run tells whether people changed them: until then those fields are not written.
    pub edits_pending: u64,
    /// Assets whose software was written.
    pub software_written: u64,
    /// Software licences created.
    pub licences_created: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "called by serde")]
fn is_none(count: &u64) -> bool {
    *count == 0
}
