//! When a connection is imported by itself: a cron expression in a time zone, and which moments are due.
//!
//! Knows no clock, no store and no service: it is told what time it is, and what was settled before.

mod cron;
mod ticker;

pub use cron::{Cron, CronError};
pub use ticker::{Due, Tick, Ticker};

use crate::model::Entity;
use chrono::{DateTime, NaiveDateTime, Offset, TimeDelta, TimeZone, Utc};
pub use chrono_tz::Tz;
use std::time::Duration;

/// `[schedule]` of a connection that runs by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Timetable {
    /// When organisations are imported; `None`: never by schedule.
    pub organisations: Option<Cron>,
    /// When assets are imported; `None`: never by schedule.
    pub assets: Option<Cron>,
    /// Whose clock the expressions mean. Default UTC.
    pub timezone: Tz,
    /// A run begins up to so much later, by an amount of its own. Default none.
    pub jitter: Duration,
    /// Whether a run that was missed while no service ran is caught up once. Default no.
    pub catch_up: CatchUp,
}

impl Timetable {
    /// Every time zone, by its IANA name.
    pub fn zones() -> impl Iterator<Item = &'static str> {
        chrono_tz::TZ_VARIANTS.iter().map(|zone| zone.name())
    }
}

/// What becomes of a due time that passed while no service ran.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CatchUp {
    /// It is left out; the next one counts.
    #[default]
    No,
    /// One run makes up for all of them, as soon as a service runs.
    Once,
}

impl Timetable {
    /// The first moment after this one at which something is due, and what: nothing named means organisations and
    /// then assets, as an import does.
    pub fn next(&self, after: DateTime<Utc>) -> Option<(DateTime<Utc>, Option<Entity>)> {
        let of = |cron: &Option<Cron>| cron.as_ref().and_then(|cron| cron.next(self.timezone, after));
        match (of(&self.organisations), of(&self.assets)) {
            (Some(organisations), Some(assets)) if organisations == assets => Some((assets, None)),
            (Some(organisations), assets) if assets.is_none_or(|assets| organisations < assets) => {
                Some((organisations, Some(Entity::Organisations)))
            }
            (_, assets) => Some((assets?, Some(Entity::Assets))),
        }
    }

    /// The next moments, for people.
    pub fn upcoming(&self, after: DateTime<Utc>, count: usize) -> Vec<DateTime<Utc>> {
        std::iter::successors(self.next(after), |(last, _)| self.next(*last))
            .map(|(at, _)| at)
            .take(count)
            .collect()
    }
}

/// The moment at which a clock on the wall shows this time: of a time that it shows twice the first, of a time that
/// it skips the end of what it skips.
fn moment(local: NaiveDateTime, zone: Tz) -> DateTime<Utc> {
    if let Some(found) = zone.from_local_datetime(&local).earliest() {
        return found.to_utc();
    }
    // Somewhere here the clock jumps over it. No jump is longer than a day.
    let shows = |at: DateTime<Utc>| at.naive_utc() + zone.offset_from_utc_datetime(&at.naive_utc()).fix();
    let (mut before, mut after) =
        (local.and_utc() - TimeDelta::hours(50), local.and_utc() + TimeDelta::hours(50));
    while after - before > TimeDelta::seconds(1) {
        let middle = before + (after - before) / 2;
        let middle = middle - TimeDelta::nanoseconds(i64::from(middle.timestamp_subsec_nanos()));
        if shows(middle) < local {
            before = middle;
        } else {
            after = middle;
        }
    }
    after
}

#[cfg(test)]
mod tests {
    use super::*;

    fn utc(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    fn table(organisations: Option<&str>, assets: Option<&str>) -> Timetable {
        let cron = |text: &str| text.parse().unwrap();
        Timetable {
            organisations: organisations.map(cron),
            assets: assets.map(cron),
            timezone: Tz::Europe__London,
            jitter: Duration::ZERO,
            catch_up: CatchUp::No,
        }
    }

    #[test]
    fn what_is_due_together_is_one_import() {
        let check = |table: &Timetable, expected: &[(&str, Option<Entity>)]| {
            let found =
                std::iter::successors(table.next(utc("2026-01-05T00:00:00Z")), |(at, _)| table.next(*at));
            let found: Vec<_> = found.take(expected.len()).collect();
            let expected: Vec<_> = expected.iter().map(|(at, what)| (utc(at), *what)).collect();
            assert_eq!(found, expected);
        };
        check(
            &table(Some("0 2 * * *"), Some("0 2 * * *")),
            &[("2026-01-05T02:00:00Z", None), ("2026-01-06T02:00:00Z", None)],
        );
        check(
            &table(Some("0 2 * * Mon"), Some("0 2,14 * * *")),
            &[
                ("2026-01-05T02:00:00Z", None),
                ("2026-01-05T14:00:00Z", Some(Entity::Assets)),
                ("2026-01-06T02:00:00Z", Some(Entity::Assets)),
            ],
        );
        check(&table(Some("0 1 * * *"), None), &[("2026-01-05T01:00:00Z", Some(Entity::Organisations))]);
        assert_eq!(table(None, None).next(utc("2026-01-05T00:00:00Z")), None);
    }

    #[test]
    fn a_time_of_the_clock_is_one_moment() {
        let check = |local: &str, zone: Tz, expected: &str| {
            assert_eq!(moment(local.parse().unwrap(), zone), utc(expected), "{local} {zone}");
        };
        check("2026-07-01T02:00:00", Tz::Europe__London, "2026-07-01T01:00:00Z");
        // Skipped: 01:00 to 02:00.
        check("2026-03-29T01:30:00", Tz::Europe__London, "2026-03-29T01:00:00Z");
        check("2026-03-29T01:00:00", Tz::Europe__London, "2026-03-29T01:00:00Z");
        // Shown twice: the first.
        check("2026-10-25T01:30:00", Tz::Europe__London, "2026-10-25T00:30:00Z");
        // Half an hour, midnight, and a whole day.
        check("2026-10-04T02:15:00", Tz::Australia__Lord_Howe, "2026-10-03T15:30:00Z");
        check("2026-09-06T00:00:00", Tz::America__Santiago, "2026-09-06T04:00:00Z");
        check("2011-12-30T12:00:00", Tz::Pacific__Apia, "2011-12-30T10:00:00Z");
    }
}
