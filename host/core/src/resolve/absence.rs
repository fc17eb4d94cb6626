//! Linked devices that a complete sweep did not contain, and what may be concluded from it: nothing yet, or that
//! a direct read should be made.
//!
//! Called only after a complete sweep. A conclusion needs the runs and the hours that the settings ask for, no
//! live device under the same serial number, and a direct read that answers "not found".

use crate::model::{LinkState, LinkSummary};
use chrono::{DateTime, TimeDelta, Utc};

/// How an absent link stands before any direct read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Absence {
    /// Concluded in an earlier run; nothing to do.
    Known,
    /// Its machine is enrolled again under another id; concludes nothing.
    Reenrolled,
    /// Not absent often enough yet.
    TooSoon,
    /// Absent often enough: a direct read decides.
    ToBeProven,
}

/// The links that are in none of the rows, by index. Both sides are sorted by key.
pub fn absent_links<'a>(
    links: &'a [LinkSummary],
    row_keys: impl Iterator<Item = crate::model::DeviceKey> + 'a,
) -> impl Iterator<Item = usize> + 'a {
    let mut rows = row_keys.peekable();
    links.iter().enumerate().filter_map(move |(index, link)| {
        while rows.next_if(|key| *key < link.key).is_some() {}
        (rows.peek() != Some(&link.key)).then_some(index)
    })
}

/// What a deletion takes: so many complete runs in a row, and so many hours since the first of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    /// Complete runs in a row.
    pub runs: u32,
    /// Hours.
    pub hours: u32,
}

/// How long a device has been absent, this run included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// Complete runs in a row without it.
    pub misses: u32,
    /// The first of them.
    pub since: DateTime<Utc>,
}

/// Judges one absent link at this moment of the run's clock.
pub fn judge(
    state: LinkState,
    absent: Span,
    patience: Patience,
    now: DateTime<Utc>,
    reenrolled: Reenrolled,
) -> Absence {
    let long_enough = absent.misses >= patience.runs
        && now.signed_duration_since(absent.since) >= TimeDelta::hours(i64::from(patience.hours));
    match (state, reenrolled) {
        (LinkState::Deleted, _) => Absence::Known,
        (_, Reenrolled::Yes) => Absence::Reenrolled,
        (_, Reenrolled::No) if !long_enough => Absence::TooSoon,
        (_, Reenrolled::No) => Absence::ToBeProven,
    }
}

/// Whether a live device has the serial number of an absent one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reenrolled {
    /// One has.
    Yes,
    /// None has, or the serial number is not known.
    No,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{AssetId, DeviceKey};

    fn link(key: u128) -> LinkSummary {
        LinkSummary {
            key: DeviceKey::new(key),
            asset: AssetId(1),
            agreed: 0,
            state: LinkState::Present,
            serial: 0,
        }
    }

    #[test]
    fn absent_is_what_no_row_has() {
        let links = [link(1), link(3), link(5), link(9)];
        let rows = [2, 3, 4, 9, 10].map(DeviceKey::new);
        let absent: Vec<_> = absent_links(&links, rows.into_iter()).collect();
        assert_eq!(absent, [0, 2]);
        assert_eq!(absent_links(&links, std::iter::empty()).count(), 4);
    }

    #[test]
    fn a_conclusion_takes_enough_runs_and_no_reenrolment() {
        use LinkState::{Deleted, Missing, Present};
        let now: DateTime<Utc> = "2026-06-30T12:00:00Z".parse().expect("a time");
        let check = |state, misses, hours, patience: (u32, u32), reenrolled, expected| {
            let absent = Span { misses, since: now - TimeDelta::hours(hours) };
            let patience = Patience { runs: patience.0, hours: patience.1 };
            assert_eq!(
                judge(state, absent, patience, now, reenrolled),
                expected,
                "{misses} {hours} {patience:?}"
            );
        };
        check(Present, 1, 0, (2, 0), Reenrolled::No, Absence::TooSoon);
        check(Missing, 2, 0, (2, 0), Reenrolled::No, Absence::ToBeProven);
        check(Missing, 5, 90, (2, 0), Reenrolled::Yes, Absence::Reenrolled);
        check(Deleted, 9, 90, (2, 0), Reenrolled::No, Absence::Known);
        check(Present, 1, 0, (1, 0), Reenrolled::No, Absence::ToBeProven);
        check(Missing, 9, 23, (2, 24), Reenrolled::No, Absence::TooSoon);
        check(Missing, 9, 24, (2, 24), Reenrolled::No, Absence::ToBeProven);
        check(Missing, 1, 90, (2, 24), Reenrolled::No, Absence::TooSoon);
    }
}
