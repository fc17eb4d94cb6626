//! Whether a device still shows signs of life, and whether Intune says that it is about to leave.
//!
//! A device in the sweep was seen by this import, so with the clock "last-import" none of them is without a sign of
//! life: that clock runs for absent devices only. A device without any time of a synchronisation is never taken
//! for inactive: nothing is known of it.

use super::rulebook::Rulebook;
use crate::model::Device;
use crate::model::device::Slot;
use crate::settings::LifeSign;
use chrono::{DateTime, TimeDelta, Utc};

/// What is to be thought of a device that is in the sweep.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LifeDecision {
    /// Whether it shows signs of life.
    pub standing: Standing,
    /// Its `managementState`, where that tells of its leaving.
    pub leaving: Option<String>,
}

/// Whether a device shows signs of life.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Standing {
    /// It does, or nobody asks.
    #[default]
    Alive,
    /// It has not synchronised since.
    Stale(DateTime<Utc>),
}

impl LifeDecision {
    /// Why the device counts as inactive; nothing for one that does not.
    pub fn reason(&self, after_days: u32) -> Option<String> {
        let Standing::Stale(since) = self.standing else { return None };
        let mut reason = format!(
            "no synchronisation since {} (statuses.inactive after {after_days} {})",
            since.format("%Y-%m-%d"),
            if after_days == 1 { "day" } else { "days" }
        );
        if let Some(leaving) = &self.leaving {
            reason = format!("{reason}; {}", leaving_words(leaving));
        }
        Some(reason)
    }
}

/// Judges a device of the sweep.
pub fn decide_life(rulebook: &Rulebook, device: &Device, now: DateTime<Utc>) -> LifeDecision {
    let stale = rulebook
        .connection
        .statuses
        .inactive
        .as_ref()
        .filter(|inactive| inactive.clock == LifeSign::IntuneSync)
        .and_then(|inactive| {
            let synced = device.time(Slot::LAST_SYNC)?;
            is_over(synced, inactive.after_days, now).then_some(synced)
        });
    LifeDecision {
        standing: stale.map_or(Standing::Alive, Standing::Stale),
        leaving: device.text(Slot::MANAGEMENT_STATE).filter(|state| is_leaving(state)).map(str::to_owned),
    }
}

/// Whether so many days have passed since a moment.
pub fn is_over(since: DateTime<Utc>, days: u32, now: DateTime<Utc>) -> bool {
    now.signed_duration_since(since) >= TimeDelta::days(i64::from(days))
}

/// Whether a `managementState` tells that Intune retires, wipes or deletes the device. Open: Graph may add states.
fn is_leaving(state: &str) -> bool {
    let state = state.to_ascii_lowercase();
    let kind = ["retire", "wipe", "delete"].iter().any(|kind| state.starts_with(kind));
    kind && !state.ends_with("canceled")
}

/// A `managementState` of a leaving device in words, with Intune's own name for it.
pub fn leaving_words(state: &str) -> String {
    let folded = state.to_ascii_lowercase();
    let verb = if folded.starts_with("retire") {
        "retire"
    } else if folded.starts_with("wipe") {
        "wipe"
    } else {
        "delete"
    };
    let how = if folded.ends_with("failed") {
        "failed"
    } else if folded.ends_with("issued") {
        "began"
    } else {
        "was asked"
    };
    format!("Intune {how} to {verb} it ({state})")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leaving_is_told_apart_by_what_intune_does() {
        for (state, words) in [
            ("retirePending", Some("Intune was asked to retire it (retirePending)")),
            ("retireIssued", Some("Intune began to retire it (retireIssued)")),
            ("wipeIssued", Some("Intune began to wipe it (wipeIssued)")),
            ("wipeFailed", Some("Intune failed to wipe it (wipeFailed)")),
            ("deletePending", Some("Intune was asked to delete it (deletePending)")),
            ("wipeCanceled", None),
            ("managed", None),
            ("unhealthy", None),
        ] {
            assert_eq!(is_leaving(state).then(|| leaving_words(state)).as_deref(), words, "{state}");
        }
    }

    #[test]
    fn days_are_over_on_the_dot() {
        let at = |text: &str| text.parse::<DateTime<Utc>>().expect("a time");
        let now = at("2026-06-30T12:00:00Z");
        assert!(is_over(at("2026-06-28T12:00:00Z"), 2, now));
        assert!(!is_over(at("2026-06-28T12:00:01Z"), 2, now));
        assert!(!is_over(at("2027-01-01T00:00:00Z"), 1, now));
    }
}
