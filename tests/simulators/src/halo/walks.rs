//! Remembered results of list queries, so that each page of a walk costs its own rows only.
//!
//! A result is the ids in order. It is thrown away when anything was written since it was made.

use std::collections::VecDeque;
use std::sync::Arc;

/// More walks than clients follow at one time.
const KEPT: usize = 16;

#[derive(Debug)]
struct Walk {
    key: String,
    version: u64,
    ids: Arc<[u64]>,
}

/// The remembered results, the newest first.
#[derive(Debug, Default)]
pub(super) struct Walks {
    kept: VecDeque<Walk>,
}

impl Walks {
    pub(super) fn get(&self, key: &str, version: u64) -> Option<Arc<[u64]>> {
        self.kept
            .iter()
            .find(|walk| walk.version == version && walk.key == key)
            .map(|walk| Arc::clone(&walk.ids))
    }

    pub(super) fn put(&mut self, key: String, version: u64, ids: Vec<u64>) -> Arc<[u64]> {
        let ids: Arc<[u64]> = ids.into();
        self.kept.retain(|walk| walk.version == version);
        self.kept.push_front(Walk { key, version, ids: Arc::clone(&ids) });
        self.kept.truncate(KEPT);
        ids
    }
}
