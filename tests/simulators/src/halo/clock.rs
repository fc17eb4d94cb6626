//! The simulator's clock: the machine's, or one that a test moves by hand.
//!
//! Knows no time zones: everything is milliseconds since 1970 in UTC.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use chrono::{DateTime, NaiveDate, NaiveDateTime, SecondsFormat, Utc};

/// Where the simulator reads the time. Token lifetimes, the request limit and `last_modified` follow it.
#[derive(Clone, Debug, Default)]
pub enum Clock {
    /// The machine's clock.
    #[default]
    System,
    /// Milliseconds since 1970 that only [`Clock::advance`] moves; clones share them.
    Manual(Arc<AtomicI64>),
}

impl Clock {
    /// A clock that stands at `milliseconds` since 1970 until it is moved.
    pub fn manual(milliseconds: i64) -> Self {
        Self::Manual(Arc::new(AtomicI64::new(milliseconds)))
    }

    /// Moves a manual clock forward; the machine's clock is left alone.
    pub fn advance(&self, milliseconds: i64) {
        if let Self::Manual(now) = self {
            now.fetch_add(milliseconds, Ordering::SeqCst);
        }
    }

    /// Milliseconds since 1970.
    pub fn now(&self) -> i64 {
        match self {
            Self::System => Utc::now().timestamp_millis(),
            Self::Manual(now) => now.load(Ordering::SeqCst),
        }
    }
}

/// How an answer writes a moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DateForm {
    /// `2026-01-29T20:00:00.123Z`
    #[default]
    Milliseconds,
    /// `2026-01-29T20:00:00Z`, the part below a second cut off.
    WholeSeconds,
    /// The member is left out.
    Absent,
}

impl DateForm {
    pub(super) fn write(self, milliseconds: i64) -> Option<String> {
        let moment = DateTime::from_timestamp_millis(milliseconds)?;
        match self {
            Self::Milliseconds => Some(moment.to_rfc3339_opts(SecondsFormat::Millis, true)),
            Self::WholeSeconds => Some(moment.to_rfc3339_opts(SecondsFormat::Secs, true)),
            Self::Absent => None,
        }
    }
}

/// Reads a date as .NET would: with an offset, without one (then UTC), or a day alone.
pub(super) fn read_date(text: &str) -> Option<i64> {
    if let Ok(moment) = DateTime::parse_from_rfc3339(text) {
        return Some(moment.timestamp_millis());
    }
    for pattern in ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%dT%H:%M"] {
        if let Ok(moment) = NaiveDateTime::parse_from_str(text, pattern) {
            return Some(moment.and_utc().timestamp_millis());
        }
    }
    let day = NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()?;
    Some(day.and_hms_opt(0, 0, 0)?.and_utc().timestamp_millis())
}
