//! What the service is doing: each run or command with its progress, and the way to stop it.

use super::observed::Observed;
use crate::sync::{Progress, ProgressEvent, RunOutcome};
use chrono::{DateTime, Utc};
use serde::Serialize;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::watch;

/// Who asked for a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Origin {
    /// The connection's schedule.
    Schedule,
    /// A command of another process.
    Command,
    /// A request to the local API.
    Request,
}

/// Something under way.
#[derive(Debug)]
pub struct Job {
    /// Its name, unique in this service.
    pub id: String,
    /// The connection, where there is one.
    pub connection: Option<String>,
    /// What it does: `import`, `plan` and so on.
    pub what: String,
    /// Who asked.
    pub origin: Origin,
    /// When it was begun.
    pub started: DateTime<Utc>,
    stop: watch::Sender<bool>,
    progress: watch::Sender<Option<ProgressEvent>>,
    observed: Arc<Observed>,
}

impl Job {
    /// Asks it to stop at the next step's end.
    pub fn stop(&self) {
        self.stop.send_replace(true);
    }

    /// Turns true when it is to stop.
    pub fn stopped(&self) -> watch::Receiver<bool> {
        self.stop.subscribe()
    }

    /// How far it is.
    pub fn progress(&self) -> watch::Receiver<Option<ProgressEvent>> {
        self.progress.subscribe()
    }
}

impl Progress for Job {
    fn event(&self, event: ProgressEvent) {
        self.progress.send_replace(Some(event));
    }

    fn ended(&self, outcome: &RunOutcome) {
        self.observed.ended(outcome);
    }
}

/// Everything under way.
#[derive(Debug, Default)]
pub(super) struct Jobs {
    inner: Mutex<Inner>,
    /// Turns with every change.
    changed: watch::Sender<u64>,
    /// Hears of every run that ended.
    pub(super) observed: Arc<Observed>,
}

#[derive(Debug, Default)]
struct Inner {
    jobs: BTreeMap<String, Arc<Job>>,
    closed: bool,
}

/// A job that ends when this is dropped, however that comes.
#[derive(Debug)]
pub(super) struct Running {
    jobs: Arc<Jobs>,
    pub(super) job: Arc<Job>,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.jobs.inner().jobs.remove(&self.job.id);
        self.jobs.changed.send_modify(|changes| *changes += 1);
    }
}

impl Jobs {
    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins a job; `None` once the service is stopping.
    pub(super) fn begin(
        self: &Arc<Self>,
        what: &str,
        connection: Option<String>,
        origin: Origin,
        now: DateTime<Utc>,
    ) -> Option<Running> {
        let job = Arc::new(Job {
            id: uuid::Uuid::now_v7().simple().to_string(),
            connection,
            what: what.to_owned(),
            origin,
            started: now,
            stop: watch::Sender::new(false),
            progress: watch::Sender::new(None),
            observed: Arc::clone(&self.observed),
        });
        let mut inner = self.inner();
        if inner.closed {
            return None;
        }
        inner.jobs.insert(job.id.clone(), Arc::clone(&job));
        drop(inner);
        self.changed.send_modify(|changes| *changes += 1);
        Some(Running { jobs: Arc::clone(self), job })
    }

    pub(super) fn get(&self, id: &str) -> Option<Arc<Job>> {
        self.inner().jobs.get(id).cloned()
    }

    /// All of them, the oldest first.
    pub(super) fn all(&self) -> Vec<Arc<Job>> {
        self.inner().jobs.values().cloned().collect()
    }

    /// Asks all to stop, and lets none begin from now on.
    pub(super) fn stop_all(&self) {
        let mut inner = self.inner();
        inner.closed = true;
        for job in inner.jobs.values() {
            job.stop();
        }
    }

    /// Waits until nothing is under way, or until so much time has passed.
    pub(super) async fn ended(&self, wait: Duration) {
        let mut changed = self.changed.subscribe();
        let ended = async {
            while !self.inner().jobs.is_empty() {
                if changed.changed().await.is_err() {
                    return;
                }
            }
        };
        if tokio::time::timeout(wait, ended).await.is_err() {
            tracing::warn!("runs that are still under way are left: the next start looks up what they wrote");
        }
    }
}
