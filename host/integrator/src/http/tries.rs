//! When a failed request is tried again: the rules, without a wire.

use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};
use std::time::Duration;
use tokio::time::Instant;

/// How long a server that throttles is waited for in all.
const PATIENCE: Duration = Duration::from_mins(6);

/// The wait before the second try; it doubles from there.
const FIRST_WAIT: Duration = Duration::from_secs(2);

/// Tries for failures that pass: timeouts, 408, 5xx, broken connections.
const TRIES: u32 = 5;

/// Tries of a throttled request, whatever the waits: where waits are set to nothing, six minutes would be endless.
const THROTTLED_TRIES: u32 = 200;

/// Why a try failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// Too many requests, with the wait the server asked for.
    Throttled(Option<Duration>),
    /// Something that passes, with the wait the server asked for.
    Passing(Option<Duration>),
    /// Nothing that another try would change.
    Final,
}

impl Failure {
    /// What a status means for another try. `throttling` tells whether the answer's text speaks of throttling,
    /// as Intune's broker does with status 500.
    pub fn of_status(status: u16, throttling: Throttling, told: Option<Duration>) -> Self {
        match (status, throttling) {
            (429, _) | (500, Throttling::Named) => Self::Throttled(told),
            (501, _) => Self::Final,
            (408 | 500..=599, _) => Self::Passing(told),
            _ => Self::Final,
        }
    }
}

/// Whether an answer's text speaks of throttling.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Throttling {
    /// It does.
    Named,
    /// It does not.
    Unnamed,
}

impl Throttling {
    /// Reads it from the text.
    pub fn in_text(text: &str) -> Self {
        let lower = text.to_ascii_lowercase();
        if lower.contains("rate limit") || lower.contains("too many requests") {
            Self::Named
        } else {
            Self::Unnamed
        }
    }
}

/// The tries of one request.
#[derive(Debug)]
pub struct Tries {
    waits: ExponentialBackoff,
    longest: Duration,
    passing: u32,
    most_passing: u32,
    throttled: u32,
    most_throttled: u32,
    /// When the first try failed.
    since: Option<Instant>,
}

impl Tries {
    /// Tries of an ordinary request; no wait that the server did not ask for is over `longest`.
    pub fn new(longest: Duration) -> Self {
        Self::with(longest, TRIES, THROTTLED_TRIES)
    }

    /// Tries of a sign-in: three in all.
    pub fn of_sign_in(longest: Duration) -> Self {
        Self::with(longest, 3, 3)
    }

    fn with(longest: Duration, most_passing: u32, most_throttled: u32) -> Self {
        let waits = ExponentialBuilder::default()
            .with_min_delay(FIRST_WAIT)
            .with_factor(2.0)
            .with_max_delay(longest.max(FIRST_WAIT))
            .without_max_times()
            .with_jitter()
            .build();
        Self { waits, longest, passing: 0, most_passing, throttled: 0, most_throttled, since: None }
    }

    /// How long to wait before the next try; `None` when there is none.
    pub fn next(&mut self, failure: Failure) -> Option<Duration> {
        self.next_at(failure, Instant::now())
    }

    fn next_at(&mut self, failure: Failure, now: Instant) -> Option<Duration> {
        let told = match failure {
            Failure::Final => return None,
            Failure::Throttled(told) => {
                self.throttled += 1;
                if self.throttled >= self.most_throttled {
                    return None;
                }
                told
            }
            Failure::Passing(told) => {
                self.passing += 1;
                if self.passing >= self.most_passing {
                    return None;
                }
                told
            }
        };
        let wait = match told {
            Some(told) => told,
            None => self.waits.next().unwrap_or(self.longest).min(self.longest),
        };
        let since = *self.since.get_or_insert(now);
        if now.saturating_duration_since(since) + wait > PATIENCE { None } else { Some(wait) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_status_has_its_rule() {
        let told = Some(Duration::from_secs(7));
        let check = |status, text, expected| {
            assert_eq!(
                Failure::of_status(status, Throttling::in_text(text), told),
                expected,
                "{status} {text}"
            );
        };
        check(429, "", Failure::Throttled(told));
        check(
            500,
            "Rate limit reached because of too many requests to query broker",
            Failure::Throttled(told),
        );
        check(500, "boom", Failure::Passing(told));
        check(408, "", Failure::Passing(told));
        check(502, "", Failure::Passing(told));
        check(503, "", Failure::Passing(told));
        check(504, "", Failure::Passing(told));
        for status in [400, 401, 403, 404, 409, 422, 501, 302] {
            check(status, "", Failure::Final);
        }
    }

    /// How often and for how long something is tried that fails again and again.
    fn waited(mut tries: Tries, failure: Failure) -> (u32, Duration) {
        let start = Instant::now();
        let mut now = start;
        let mut count = 1;
        while let Some(wait) = tries.next_at(failure, now) {
            now += wait;
            count += 1;
        }
        (count, now - start)
    }

    #[test]
    fn what_passes_is_tried_five_times() {
        let (count, time) = waited(Tries::new(Duration::from_mins(2)), Failure::Passing(None));
        assert_eq!(count, 5);
        assert!(time >= Duration::from_secs(2 + 4 + 8 + 16), "{time:?}");
    }

    #[test]
    fn throttling_is_waited_out_for_six_minutes() {
        let (count, time) = waited(Tries::new(Duration::from_secs(30)), Failure::Throttled(None));
        assert!(count > 10, "{count}");
        assert!(time <= PATIENCE && time > Duration::from_mins(5), "{time:?}");
    }

    #[test]
    fn a_told_wait_is_kept_to_the_fraction() {
        let told = Duration::from_millis(2128);
        let mut tries = Tries::new(Duration::ZERO);
        assert_eq!(tries.next(Failure::Throttled(Some(told))), Some(told));
        assert_eq!(tries.next(Failure::Throttled(Some(Duration::from_mins(7)))), None);
    }

    #[test]
    fn no_wait_of_our_own_is_over_the_longest() {
        let mut tries = Tries::new(Duration::from_secs(3));
        for _ in 0..50 {
            assert!(tries.next(Failure::Throttled(None)).is_some_and(|wait| wait <= Duration::from_secs(3)));
        }
        let mut none = Tries::new(Duration::ZERO);
        assert_eq!(none.next(Failure::Passing(None)), Some(Duration::ZERO));
    }

    #[test]
    fn a_sign_in_is_tried_three_times() {
        for failure in [Failure::Passing(None), Failure::Throttled(None)] {
            assert_eq!(waited(Tries::of_sign_in(Duration::from_mins(2)), failure).0, 3);
        }
        assert_eq!(waited(Tries::of_sign_in(Duration::from_mins(2)), Failure::Final).0, 1);
    }
}
