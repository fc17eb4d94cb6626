//! Which due times are settled, whatever the clock does: each comes once, none twice, and what passed unseen is one.

use super::{CatchUp, Timetable};
use crate::model::Entity;
use chrono::{DateTime, TimeDelta, Utc};

/// A settled moment that lies further ahead than this was noted by a clock that ran ahead: it is no measure.
const CLOCK_WAS_WRONG: TimeDelta = TimeDelta::hours(2);

/// How many due times that passed are counted, one by one.
const COUNTED: usize = 1000;

/// Tells what is due. It is told what time it is, and asked again no later than it says.
#[derive(Clone, Debug)]
pub struct Ticker {
    connection: String,
    timetable: Timetable,
    settled: DateTime<Utc>,
}

/// What there is to do now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Tick {
    /// An import.
    Due(Due),
    /// Nothing before this moment.
    Until(DateTime<Utc>),
    /// Nothing, ever.
    Never,
}

/// An import that is due.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Due {
    /// The due time: the last one, where several have passed.
    pub at: DateTime<Utc>,
    /// Only this; without it organisations, then assets.
    pub only: Option<Entity>,
    /// Due times before it that have passed without a run; this run makes up for them.
    pub passed: usize,
}

impl Ticker {
    /// Begins when a service starts. `settled` is what was kept by the last one, and the number returned is that of
    /// due times that passed since and are left out.
    pub fn begin(
        connection: &str,
        timetable: Timetable,
        settled: Option<DateTime<Utc>>,
        now: DateTime<Utc>,
    ) -> (Self, usize) {
        let settled = settled.filter(|settled| *settled <= now + CLOCK_WAS_WRONG).unwrap_or(now);
        let mut ticker = Self { connection: connection.to_owned(), timetable, settled };
        let mut left_out = 0;
        if ticker.timetable.catch_up == CatchUp::No && settled < now {
            left_out = ticker.passed(now).map_or(0, |due| due.passed + 1);
            ticker.settled = now;
        }
        (ticker, left_out)
    }

    /// The moment up to which everything is settled: to be kept.
    pub fn settled(&self) -> DateTime<Utc> {
        self.settled
    }

    /// What it goes by.
    pub fn timetable(&self) -> &Timetable {
        &self.timetable
    }

    /// The next moment at which a run begins.
    pub fn next(&self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let from = if self.settled > now + CLOCK_WAS_WRONG { now } else { self.settled };
        let (at, _) = self.timetable.next(from)?;
        Some(at + self.jitter(at))
    }

    /// What there is to do now. A due time that is returned is settled.
    pub fn tick(&mut self, now: DateTime<Utc>) -> Tick {
        if self.settled > now + CLOCK_WAS_WRONG {
            self.settled = now;
        }
        let Some((first, _)) = self.timetable.next(self.settled) else { return Tick::Never };
        let begins = first + self.jitter(first);
        if begins > now {
            return Tick::Until(begins);
        }
        match self.passed(now) {
            Some(due) => {
                self.settled = due.at;
                Tick::Due(due)
            }
            None => Tick::Until(begins),
        }
    }

    /// All due times from what is settled until now, as one.
    fn passed(&self, now: DateTime<Utc>) -> Option<Due> {
        let mut found: Option<Due> = None;
        let mut at = self.settled;
        for _ in 0..COUNTED {
            let Some((next, only)) = self.timetable.next(at) else { return found };
            if next > now {
                return found;
            }
            at = next;
            found = Some(match found {
                None => Due { at, only, passed: 0 },
                // What differs is both.
                Some(last) => {
                    Due { at, only: only.filter(|one| last.only == Some(*one)), passed: last.passed + 1 }
                }
            });
        }
        // Too many to count: the rest goes with them.
        found.map(|due| Due { at: now, ..due })
    }

    /// The same for the same connection and moment, and spread evenly between connections.
    fn jitter(&self, at: DateTime<Utc>) -> TimeDelta {
        let most = u64::try_from(self.timetable.jitter.as_millis()).unwrap_or(u64::MAX);
        if most == 0 {
            return TimeDelta::zero();
        }
        let mut hash = blake3::Hasher::new();
        hash.update(self.connection.as_bytes()).update(&at.timestamp().to_le_bytes());
        let bytes = hash.finalize();
        let number =
            bytes.as_bytes().iter().take(8).fold(0_u64, |number, byte| (number << 8) | u64::from(*byte));
        TimeDelta::milliseconds(i64::try_from(number % (most + 1)).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schedule::Tz;
    use std::time::Duration;

    fn utc(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    fn daily(catch_up: CatchUp) -> Timetable {
        Timetable {
            organisations: None,
            assets: Some("0 2 * * *".parse().unwrap()),
            timezone: Tz::Europe__London,
            jitter: Duration::ZERO,
            catch_up,
        }
    }

    fn due(at: &str, passed: usize) -> Tick {
        Tick::Due(Due { at: utc(at), only: Some(Entity::Assets), passed })
    }

    #[test]
    fn what_passed_while_no_service_ran_is_left_out_or_caught_up_once() {
        let now = utc("2026-01-05T12:00:00Z");
        let begin =
            |catch_up, settled: &str| Ticker::begin("contoso", daily(catch_up), Some(utc(settled)), now);
        let (mut ticker, left_out) = begin(CatchUp::No, "2026-01-02T02:00:00Z");
        assert_eq!(left_out, 3);
        assert_eq!(ticker.tick(now), Tick::Until(utc("2026-01-06T02:00:00Z")));
        let (mut ticker, left_out) = begin(CatchUp::Once, "2026-01-02T02:00:00Z");
        assert_eq!(left_out, 0);
        assert_eq!(ticker.tick(now), due("2026-01-05T02:00:00Z", 2));
        assert_eq!(ticker.tick(now), Tick::Until(utc("2026-01-06T02:00:00Z")));
        let (mut ticker, left_out) = Ticker::begin("contoso", daily(CatchUp::Once), None, now);
        assert_eq!(left_out, 0);
        assert_eq!(ticker.tick(now), Tick::Until(utc("2026-01-06T02:00:00Z")));
    }

    #[test]
    fn a_clock_that_jumps_neither_repeats_nor_stops() {
        let start = utc("2026-01-05T01:59:00Z");
        let (mut ticker, _) = Ticker::begin("contoso", daily(CatchUp::No), None, start);
        assert_eq!(ticker.tick(utc("2026-01-05T02:00:01Z")), due("2026-01-05T02:00:00Z", 0));
        // An hour back: the same due time comes again, and is settled.
        assert_eq!(ticker.tick(utc("2026-01-05T01:00:00Z")), Tick::Until(utc("2026-01-06T02:00:00Z")));
        assert_eq!(ticker.tick(utc("2026-01-05T02:00:00Z")), Tick::Until(utc("2026-01-06T02:00:00Z")));
        // Two days ahead: one run makes up for both.
        assert_eq!(ticker.tick(utc("2026-01-07T03:00:00Z")), due("2026-01-07T02:00:00Z", 1));
        // And back again: what comes is due.
        assert_eq!(ticker.tick(utc("2026-01-05T03:00:00Z")), Tick::Until(utc("2026-01-06T02:00:00Z")));
        assert_eq!(ticker.tick(utc("2026-01-06T02:00:00Z")), due("2026-01-06T02:00:00Z", 0));
    }

    #[test]
    fn a_year_under_a_clock_that_is_read_now_and_then_has_each_due_time_once() {
        let (mut now, end) = (utc("2026-01-01T00:00:00Z"), utc("2027-01-01T00:00:00Z"));
        let (mut ticker, _) = Ticker::begin("contoso", daily(CatchUp::No), None, now);
        let mut days = Vec::new();
        while now < end {
            if let Tick::Due(due) = ticker.tick(now) {
                assert_eq!(due.passed, 0);
                days.push(due.at.with_timezone(&Tz::Europe__London).date_naive());
            }
            now += TimeDelta::minutes(37);
        }
        let expected: Vec<_> = days[0].iter_days().take(365).collect();
        assert_eq!(days, expected);
    }

    #[test]
    fn jitter_is_its_connections_own_and_stays_within_its_bounds() {
        let now = utc("2026-01-05T00:00:00Z");
        let begins: Vec<_> = (0..200)
            .map(|number| {
                let jitter = Duration::from_mins(10);
                let timetable = Timetable { jitter, ..daily(CatchUp::No) };
                let (mut ticker, _) = Ticker::begin(&format!("c{number}"), timetable, None, now);
                let Tick::Until(at) = ticker.tick(now) else { panic!("due at once") };
                assert_eq!(ticker.tick(at - TimeDelta::milliseconds(1)), Tick::Until(at));
                assert_eq!(ticker.tick(at), due("2026-01-05T02:00:00Z", 0));
                at - utc("2026-01-05T02:00:00Z")
            })
            .collect();
        assert!(begins.iter().all(|late| *late >= TimeDelta::zero() && *late <= TimeDelta::minutes(10)));
        let early = begins.iter().filter(|late| **late < TimeDelta::minutes(5)).count();
        assert!((60..140).contains(&early), "{early} of 200 in the first half");
    }
}
