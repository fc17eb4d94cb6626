//! Guards: checks of a finished plan that can refuse it before the first write.
//!
//! [`Tally`] counts while the plan is made, with nothing kept of a device but the first rows of each guard;
//! [`judge`] holds the counts against the settings' limits. Where the numbers of earlier runs come from is not known
//! here.

mod judge;
mod tally;
mod timestamps;
mod words;

pub use crate::model::verdict::{Baseline, GuardRow, GuardVerdict};
pub use crate::settings::GuardKind;
pub use judge::{Fleet, Judging, judge};
pub use tally::{AtHand, ROWS, Tally};
pub use timestamps::timestamps;

use std::collections::BTreeMap;

/// Guards that a person lets pass for one run, each by the number that it counted.
pub type Allowances = BTreeMap<GuardKind, u64>;

/// The name of the guard that no number lets pass.
pub const EMPTY_SOURCE: &str = "empty-source";

/// Judges a sweep without a single device where devices were linked before: refused at any size.
pub fn judge_empty_source(devices: u64, linked: u64) -> GuardVerdict {
    let refused = devices == 0 && linked > 0;
    GuardVerdict {
        guard: EMPTY_SOURCE.to_owned(),
        asset_type: None,
        count: devices,
        of: linked,
        at_least: 1,
        percent: 0.0,
        refused,
        allow: None,
        text: if refused {
            format!(
                "Intune returned no device at all, but {linked} are linked; check the tenant, the licence and the permissions of the app registration before importing again"
            )
        } else {
            format!("Intune returned {devices} devices; {linked} were linked before")
        },
        rows: Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_source_refuses_at_any_size() {
        assert!(judge_empty_source(0, 1).refused);
        assert!(!judge_empty_source(0, 0).refused && !judge_empty_source(1, 500).refused);
    }
}
