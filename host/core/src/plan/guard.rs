//! Guards: checks of a finished plan that can refuse it before the first write.

use crate::settings::Guard;
use serde::{Deserialize, Serialize};

/// What a guard says of a plan.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GuardVerdict {
    /// The guard's name, as `--allow` takes it.
    pub guard: String,
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
    /// In words, with the way out.
    pub text: String,
}

/// Judges devices newly concluded deleted (or inactive) against the devices linked.
///
/// Refuses when the count is at least the floor **and** its share is over the percentage. `allowed` is the number
/// that a person repeated for this one run.
pub fn judge_deactivations(guard: Guard, count: u64, linked: u64, allowed: Option<u64>) -> GuardVerdict {
    #[expect(clippy::cast_precision_loss, reason = "a share in percent needs no more")]
    let share = if linked == 0 { 100.0 } else { count as f64 * 100.0 / linked as f64 };
    let over = count > 0 && count >= guard.at_least && share > guard.percent;
    let refused = over && allowed != Some(count);
    let text = if refused {
        format!(
            "{count} of {linked} linked devices would be set to deleted or inactive ({share:.1} %; the guard allows {} %, or fewer than {}); look at them, then repeat the number: --allow deactivate={count}",
            guard.percent, guard.at_least
        )
    } else if over {
        format!(
            "{count} of {linked} linked devices are set to deleted or inactive: allowed for this run by --allow deactivate={count}"
        )
    } else {
        format!("{count} of {linked} linked devices are set to deleted or inactive")
    };
    GuardVerdict {
        guard: "deactivate".to_owned(),
        count,
        of: linked,
        at_least: guard.at_least,
        percent: guard.percent,
        refused,
        text,
    }
}

/// Judges a sweep without a single device where devices were linked before: refused at any size.
pub fn judge_empty_source(devices: u64, linked: u64) -> GuardVerdict {
    let refused = devices == 0 && linked > 0;
    GuardVerdict {
        guard: "empty-source".to_owned(),
        count: devices,
        of: linked,
        at_least: 1,
        percent: 0.0,
        refused,
        text: if refused {
            format!(
                "Intune returned no device at all, but {linked} are linked; check the tenant, the licence and the permissions of the app registration before importing again"
            )
        } else {
            format!("Intune returned {devices} devices; {linked} were linked before")
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_is_refused_over_floor_and_share_together() {
        let guard = Guard { percent: 10.0, at_least: 20 };
        for (count, linked, allowed, refused) in [
            (0, 0, None, false),
            (19, 20, None, false),
            (20, 200, None, false),
            (21, 200, None, true),
            (1950, 2000, None, true),
            (1950, 2000, Some(1950), false),
            (1950, 2000, Some(1949), true),
        ] {
            assert_eq!(
                judge_deactivations(guard, count, linked, allowed).refused,
                refused,
                "{count} of {linked}"
            );
        }
    }

    #[test]
    fn an_empty_source_refuses_at_any_size() {
        assert!(judge_empty_source(0, 1).refused);
        assert!(!judge_empty_source(0, 0).refused && !judge_empty_source(1, 500).refused);
    }
}
