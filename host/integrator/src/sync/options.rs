//! What a person may ask of one run.

use integrator_core::model::Entity;
pub use integrator_core::plan::guard::Allowances;
use std::path::PathBuf;

/// How an import is run.
#[derive(Clone, Debug, Default)]
pub struct ImportOptions {
    /// Only this entity; without it organisations, then assets.
    pub only: Option<Entity>,
    /// Only this device (Intune id, name or serial number): nothing is concluded about any other.
    pub device: Option<String>,
    /// Whether the kept index of Halo is read anew from the ground.
    pub index: IndexReading,
    /// Numbers that a person repeated to let a guard pass once.
    pub allow: Allowances,
}

/// How the kept index of Halo is brought up to date.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum IndexReading {
    /// By what changed since, checked by the record count.
    #[default]
    Changes,
    /// By a full walk (`--full`).
    Full,
}

/// How a plan is made.
#[derive(Clone, Debug, Default)]
pub struct PlanOptions {
    /// Only this entity; without it organisations, then assets.
    pub only: Option<Entity>,
    /// Only this device.
    pub device: Option<String>,
    /// Also written here, besides the store.
    pub out: Option<PathBuf>,
    /// Whether the kept index of Halo is read anew from the ground.
    pub index: IndexReading,
}

/// How a plan is applied.
#[derive(Clone, Debug, Default)]
pub struct ApplyOptions {
    /// Whether a person has approved it.
    pub approval: Approval,
    /// Numbers that a person repeated to let a guard pass once.
    pub allow: Allowances,
}

/// Whether a person has approved a plan.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Approval {
    /// Nobody has.
    #[default]
    None,
    /// By `--approve`.
    Given,
}

/// Which plan is applied.
#[derive(Clone, Debug)]
pub enum PlanSource {
    /// A file that `plan --out` wrote.
    File(PathBuf),
    /// A plan in the store.
    Stored(String),
}
