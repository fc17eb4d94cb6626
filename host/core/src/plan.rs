//! The plan: an ordered list of steps, each a write to one Halo record with its reason and what it expects, and
//! what is to be remembered besides.
//!
//! A plan is made whole before anything is written, and leaves nothing to choose when it is applied. Making it
//! is pure: the same devices, Halo, links, settings and clock give the same plan.

pub mod absent;
pub mod client;
pub mod create;
pub mod diff;
pub mod edits;
pub mod guard;
pub mod line;
pub mod other_kind;
pub mod outcome;
pub mod outcomes;
mod rebase;
pub mod revert;
mod schema;
pub mod software;
pub mod step;
pub mod text;
pub mod update;

pub use absent::{Miss, absent, plan_absent, plan_unseen};
pub use client::{plan_client, plan_tenant_id};
pub use create::{plan_create, plan_type};
pub use diff::{Comparison, PlanDiff};
pub use edits::Theirs;
pub use guard::{AtHand, Baseline, Fleet, GuardRow, GuardVerdict, Judging, Tally, judge, judge_empty_source};
pub use line::{Footer, Header, HeldDevice, Line, PLAN_FORMAT, Remember};
pub use other_kind::other_kind;
pub use outcome::{Ending, HeldSpell, Old, Outcome, OutcomeTally, Replaced, link_before, outcome_of};
pub use outcomes::{FieldOutcome, field_outcomes};
pub use rebase::rebase;
pub use revert::{Reverted, plan_revert};
pub use schema::line_schema;
pub use software::{
    SoftwareWrite, Title, Titles, plan_licence, plan_software, software_alone, with_software,
};
pub use step::{Change, Effect, Facts, IntuneIds, LeftOut, Part, Planned, Step, StepId, StepKind};
pub use update::{Basis, Sight, Subject, keeps_type, plan_update};
