//! What the parts of the service share.

use super::Carrier;
use super::jobs::{Job, Jobs, Running};
use super::live::Live;
use crate::store::Store;
use crate::sync::{self, ExitClass, ImportOptions, Progress, RunOutcome, World};
use chrono::{DateTime, Utc};
use integrator_core::model::RunStatus;
use secrecy::SecretString;
use std::collections::BTreeMap;
use std::panic::{self, AssertUnwindSafe};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::runtime::Handle;
use tokio::sync::{Semaphore, oneshot};

/// How many runs go on at once. Halo's budget is the measure of all of them together, and each takes memory.
const AT_ONCE: usize = 4;

/// The service.
pub(super) struct Service {
    pub(super) live: Live,
    pub(super) store: Arc<dyn Store>,
    pub(super) token: SecretString,
    pub(super) carrier: Arc<dyn Carrier>,
    pub(super) jobs: Arc<Jobs>,
    pub(super) places: Arc<Semaphore>,
    next: Mutex<BTreeMap<String, DateTime<Utc>>>,
}

impl Service {
    pub(super) fn new(live: Live, store: Arc<dyn Store>, token: String, carrier: Arc<dyn Carrier>) -> Self {
        Self {
            live,
            store,
            token: token.into(),
            carrier,
            jobs: Arc::default(),
            places: Arc::new(Semaphore::new(AT_ONCE)),
            next: Mutex::default(),
        }
    }

    /// The world of one job: its own stop and progress.
    pub(super) fn world_of(&self, running: &Running) -> World {
        let job: Arc<Job> = Arc::clone(&running.job);
        let stop = job.stopped();
        self.live.world().for_one(stop, job as Arc<dyn Progress>)
    }

    /// Imports a connection on a thread of its own, and tells in the log how it ended.
    pub(super) async fn import(&self, running: &Running, connection: &str, options: ImportOptions) {
        let (world, name) = (self.world_of(running), connection.to_owned());
        let ended = on_thread(move |runtime| runtime.block_on(sync::import(&world, &name, &options))).await;
        let Some(outcome) = ended else {
            tracing::error!(connection, "the run ended by a bug in the program");
            return;
        };
        tell(connection, &outcome);
    }

    /// Notes when each connection runs next.
    pub(super) fn note_next(&self, next: BTreeMap<String, DateTime<Utc>>) {
        *self.next.lock().unwrap_or_else(PoisonError::into_inner) = next;
    }

    /// When the connection runs next by itself.
    pub(super) fn next_of(&self, connection: &str) -> Option<DateTime<Utc>> {
        self.next.lock().unwrap_or_else(PoisonError::into_inner).get(connection).copied()
    }
}

fn tell(connection: &str, outcome: &RunOutcome) {
    let (run, status) = (&outcome.record.run, outcome.record.status);
    match (&outcome.record.error, outcome.class) {
        (Some(error), ExitClass::Busy) => tracing::warn!(connection, %run, %status, "{error}"),
        (Some(error), _) => tracing::error!(connection, %run, %status, "{error}"),
        (None, _) if status == RunStatus::Done => tracing::info!(connection, %run, %status, "imported"),
        (None, _) => tracing::warn!(connection, %run, %status, "imported, see `runs show {run}`"),
    }
}

/// Does something on a thread of its own: what a run holds need not move between threads, and a run that panics takes
/// nothing with it. `None` when it did.
pub(super) async fn on_thread<T: Send + 'static>(
    work: impl FnOnce(&Handle) -> T + Send + 'static,
) -> Option<T> {
    let (sender, receiver) = oneshot::channel();
    let runtime = Handle::current();
    let begun = std::thread::Builder::new().name("run".to_owned()).spawn(move || {
        let done = panic::catch_unwind(AssertUnwindSafe(|| work(&runtime)));
        let _ = sender.send(done.ok());
    });
    match begun {
        Ok(_) => receiver.await.ok().flatten(),
        Err(error) => {
            tracing::error!(%error, "no thread could be started");
            None
        }
    }
}
