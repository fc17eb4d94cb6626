//! What went out to each host and how it was answered, and what is left of each budget: for whoever watches.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// Counts answers. One for all clients of a maker.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    counts: Mutex<BTreeMap<(String, Option<u16>), u64>>,
}

impl Ledger {
    /// Counts a request to this host; `status` is `None` where no answer came.
    pub(crate) fn count(&self, host: &str, status: Option<u16>) {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        // Few hosts and few statuses: a name is copied for the first of each only.
        if let Some(count) = counts.get_mut(&(host.to_owned(), status)) {
            *count += 1;
        } else {
            counts.insert((host.to_owned(), status), 1);
        }
    }

    /// All counts.
    pub(crate) fn answers(&self) -> Vec<Answers> {
        let counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let all = counts.iter();
        all.map(|((host, status), count)| Answers { host: host.clone(), status: *status, count: *count })
            .collect()
    }
}

/// How often a host gave an answer, sign-ins left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answers {
    /// The host.
    pub host: String,
    /// The HTTP status; `None` where no answer came.
    pub status: Option<u16>,
    /// How often.
    pub count: u64,
}

/// A budget as it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BudgetLeft {
    /// The host.
    pub host: String,
    /// How many requests its window holds.
    pub limit: u32,
    /// How many may go out now.
    pub left: usize,
}

/// What whoever watches wants to know.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    /// By host and status.
    pub answers: Vec<Answers>,
    /// Of each host.
    pub budgets: Vec<BudgetLeft>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_counted_by_host_and_status() {
        let ledger = Ledger::default();
        for status in [Some(200), Some(429), Some(200), None] {
            ledger.count("halo.example.com", status);
        }
        let counted: Vec<_> = ledger.answers().into_iter().map(|one| (one.status, one.count)).collect();
        assert_eq!(counted, [(None, 1), (Some(200), 2), (Some(429), 1)]);
    }
}
