//! What one device should become: its type, fields, user and site, each with its reason.
//!
//! Pure: a device, the rulebook and the index of users in, a decision out. It never looks at what Halo holds;
//! comparing is the planner's part.

pub mod asset_type;
pub mod compare;
pub mod decision;
pub mod form;
pub mod life;
pub mod mapped;
pub mod plugins;
pub mod reason;
pub mod rulebook;
mod site;
pub mod software;
pub mod trace;
pub mod transform;
pub mod user;

pub use decision::{
    Decision, FieldDecision, Knowledge, SiteDecision, TypeDecision, TypeReason, decide, decide_asking,
};
pub use life::{LifeDecision, Standing};
pub use plugins::{Answers, Calls, Counting, PluginProblem, PluginSet};
pub use rulebook::{ClientSource, NameProblem, Needs, Rulebook, TypeRef, needs, projection, projection_with};
pub use software::{LicenceIndex, LicenceTarget, Matching, SoftwareDecision};
pub use user::{UserDecision, UserIndex, UserRef};
