//! Which rows of a sweep are one device, and which asset belongs to each.
//!
//! Works on the few bytes that a run keeps of every device, link and asset, because duplicates, pairs and
//! absences can only be judged over the whole fleet. It knows no values of fields, and writes nothing.

pub mod absence;
pub mod duplicates;
pub mod organisations;
pub mod pairing;
pub mod placeholder;
pub mod rulings;

pub use absence::{Absence, absent_links};
pub use duplicates::{Standings, judge_duplicates};
pub use organisations::{ClientMatch, MatchedBy, TenantFacts, match_client};
pub use pairing::{
    Candidates, Dispute, LinkedAssets, Pair, Pairing, Tier, Unlinked, pair_linked, pair_unlinked, tier_name,
};
pub use rulings::{Pin, PinReach, Pinned, Ruling, Rulings, rule_pins, rule_splits};
