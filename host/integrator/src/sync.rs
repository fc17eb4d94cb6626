//! One run, on one screen: sweep, resolve, decide, plan, guard, apply, report. Always in that order, always
//! recorded.
//!
//! The commands (and later the schedule and the console) call the functions here and show what they return;
//! they decide nothing themselves. This module knows no terminal and no settings file.

pub mod outcome;
pub mod progress;
pub mod world;

pub use outcome::{ExitClass, PlanOutcome, RunOutcome};
pub use progress::{Progress, ProgressEvent, Silent};
pub use world::World;
