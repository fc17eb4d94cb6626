//! How many requests a host gets in a rolling window of time.
//!
//! Hosted Halo counts over a rolling window. A token bucket of the same rate either overruns such a window (after
//! a rest it grants its burst and then refills) or forgoes half of it; remembering the times of the last requests
//! does neither.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// A budget of requests, shared by all who send to one host.
#[derive(Debug)]
pub struct Budget {
    requests: usize,
    window: Duration,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// When each of the last requests went out, oldest first.
    sent: VecDeque<Instant>,
    /// The server asked everybody to wait until then.
    paused: Option<Instant>,
}

impl Budget {
    /// At most `requests` in any `window`. A hundredth is added to the window, because requests do not all take
    /// equally long to arrive where they are counted.
    pub fn new(requests: u32, window: Duration) -> Self {
        let requests = usize::try_from(requests.max(1)).unwrap_or(usize::MAX);
        Self { requests, window: window + window / 100, state: Mutex::default() }
    }

    /// Waits until a request may go out that the server counts as so many, and counts it. One that counts as more than
    /// the whole budget takes all of it.
    pub async fn take(&self, cost: usize) {
        while let Some(until) = self.try_take(Instant::now(), cost) {
            tokio::time::sleep_until(until).await;
        }
    }

    /// Lets nobody send before `wait` has passed: asking a server that throttles prolongs the throttling.
    pub fn pause(&self, wait: Duration) {
        let until = Instant::now() + wait;
        let mut state = self.state();
        state.paused = Some(state.paused.map_or(until, |paused| paused.max(until)));
    }

    /// How many requests may go out now.
    pub fn left(&self) -> usize {
        let (now, state) = (Instant::now(), self.state());
        if state.paused.is_some_and(|until| until > now) {
            return 0;
        }
        let counted = state.sent.iter().filter(|sent| **sent + self.window > now).count();
        self.requests.saturating_sub(counted)
    }

    /// Counts a request now, or says when to ask again.
    fn try_take(&self, now: Instant, cost: usize) -> Option<Instant> {
        let cost = cost.clamp(1, self.requests);
        let mut state = self.state();
        if let Some(until) = state.paused {
            if until > now {
                return Some(until);
            }
            state.paused = None;
        }
        while let Some(first) = state.sent.front()
            && *first + self.window <= now
        {
            state.sent.pop_front();
        }
        let over = (state.sent.len() + cost).saturating_sub(self.requests);
        if let Some(last_over) = over.checked_sub(1).and_then(|index| state.sent.get(index)) {
            return Some(*last_over + self.window);
        }
        state.sent.extend(std::iter::repeat_n(now, cost));
        None
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Takes one request as soon as the budget grants it, by a clock of the test's own.
    fn take(budget: &Budget, now: &mut Instant) {
        take_many(budget, now, 1);
    }

    fn take_many(budget: &Budget, now: &mut Instant, cost: usize) {
        while let Some(until) = budget.try_take(*now, cost) {
            assert!(until > *now, "a wait that does not end");
            *now = until;
        }
    }

    #[test]
    fn no_window_ever_holds_more_than_the_budget() {
        let window = Duration::from_mins(5);
        let budget = Budget::new(30, window);
        let mut now = Instant::now();
        let mut sent = Vec::new();
        for number in 0..200_u64 {
            // Uneven rests: a burst after each, which a token bucket would let overrun the window.
            now += Duration::from_secs(number * 37 % 23);
            take(&budget, &mut now);
            sent.push(now);
        }
        for (index, start) in sent.iter().enumerate() {
            let within = sent.iter().skip(index).take_while(|time| **time < *start + window).count();
            assert!(within <= 30, "{within} requests in one window");
        }
    }

    #[test]
    fn the_whole_budget_may_be_spent_at_once() {
        let budget = Budget::new(300, Duration::from_mins(5));
        let start = Instant::now();
        let mut now = start;
        for _ in 0..300 {
            take(&budget, &mut now);
        }
        assert_eq!(now, start);
        take(&budget, &mut now);
        assert_eq!(now - start, Duration::from_secs(303));
    }

    #[test]
    fn a_batch_counts_as_its_parts() {
        let budget = Budget::new(50, Duration::from_secs(20));
        let start = Instant::now();
        let mut now = start;
        take_many(&budget, &mut now, 20);
        take_many(&budget, &mut now, 20);
        assert_eq!(now, start);
        take_many(&budget, &mut now, 20);
        assert_eq!(now - start, Duration::from_millis(20_200));
        take_many(&budget, &mut now, 10);
        assert_eq!(now - start, Duration::from_millis(20_200));
        // More than there is at all: it waits for all of it.
        take_many(&budget, &mut now, 80);
        assert_eq!(now - start, Duration::from_millis(40_400));
    }

    #[test]
    fn a_pause_holds_everybody_until_its_latest_end() {
        let budget = Budget::new(10, Duration::from_secs(1));
        let start = Instant::now();
        let mut now = start;
        budget.pause(Duration::from_secs(30));
        budget.pause(Duration::from_secs(5));
        take(&budget, &mut now);
        assert!(now - start >= Duration::from_secs(30));
    }
}
