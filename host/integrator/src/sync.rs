//! One run, on one screen: sweep, resolve, decide, plan, guard, apply, report. Always in that order, always
//! recorded.
//!
//! The commands (and later the schedule and the console) call the functions here and show what they return;
//! they decide nothing themselves. This module knows no terminal and no settings file.

pub mod check;
pub mod options;
pub mod outcome;
pub mod progress;
pub mod world;

pub use check::{CheckItem, CheckReport};
pub use options::{Allowances, ImportOptions, IndexReading, PlanOptions, PlanSource};
pub use outcome::{ExitClass, PlanOutcome, RunOutcome};
pub use progress::{Progress, ProgressEvent, Silent};
pub use world::World;

/// Imports one connection: plans, guards, applies, reports.
pub async fn import(world: &World, connection: &str, options: &ImportOptions) -> RunOutcome {
    let _ = (world, connection, options);
    unimplemented!()
}

/// Makes a plan and stores it; writes nothing to Halo.
pub async fn plan(world: &World, connection: &str, options: &PlanOptions) -> PlanOutcome {
    let _ = (world, connection, options);
    unimplemented!()
}

/// Applies a plan, exactly.
pub async fn apply(world: &World, source: &PlanSource) -> RunOutcome {
    let _ = (world, source);
    unimplemented!()
}

/// Signs in on both sides and looks for every name that the connection's settings use.
pub async fn check(world: &World, connection: &str) -> CheckReport {
    let _ = (world, connection);
    unimplemented!()
}
