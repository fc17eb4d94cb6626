//! What the runs of this service came to, whoever asked for them.

use crate::sync::RunOutcome;
use integrator_core::model::{Counts, RunRecord, RunStatus};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};
use std::sync::{Mutex, PoisonError};
use tokio::sync::mpsc;

/// Seconds of runs, from one without a change to a first import.
const SECONDS: [f64; 10] = [1.0, 3.0, 10.0, 30.0, 100.0, 300.0, 1000.0, 3000.0, 10_000.0, 30_000.0];

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct OfRun {
    connection: String,
    action: String,
    status: String,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct OfConnection {
    connection: String,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct OfWhat {
    connection: String,
    what: String,
}

/// Counters of runs. They begin with the service.
#[derive(Debug)]
pub(super) struct Observed {
    runs: Family<OfRun, Counter>,
    seconds: Family<OfConnection, Histogram>,
    devices: Family<OfConnection, Gauge>,
    held: Family<OfConnection, Gauge>,
    writes: Family<OfWhat, Counter>,
    requests: Family<OfWhat, Counter>,
    success: Family<OfConnection, Gauge>,
    failures: Family<OfConnection, Gauge>,
    listener: Mutex<Option<mpsc::UnboundedSender<RunOutcome>>>,
}

impl Default for Observed {
    fn default() -> Self {
        Self {
            runs: Family::default(),
            seconds: Family::new_with_constructor(|| Histogram::new(SECONDS)),
            devices: Family::default(),
            held: Family::default(),
            writes: Family::default(),
            requests: Family::default(),
            success: Family::default(),
            failures: Family::default(),
            listener: Mutex::default(),
        }
    }
}

impl Observed {
    /// Names the counters.
    pub(super) fn register(&self, registry: &mut Registry) {
        registry.register("runs", "Runs that ended", self.runs.clone());
        registry.register_with_unit("run", "How long imports took", Unit::Seconds, self.seconds.clone());
        registry.register("devices", "Devices that Intune showed in the last run", self.devices.clone());
        registry.register("devices_held", "Devices that the last run held", self.held.clone());
        registry.register("writes", "What was written to Halo", self.writes.clone());
        registry.register("requests", "Requests by side, sign-in included", self.requests.clone());
        registry.register(
            "last_success_timestamp_seconds",
            "When the last import ended that was done, whole or in part",
            self.success.clone(),
        );
        registry.register(
            "failures_in_a_row",
            "Imports that failed since the last that did not",
            self.failures.clone(),
        );
    }

    /// From now on these hear of every run.
    pub(super) fn listen(&self) -> mpsc::UnboundedReceiver<RunOutcome> {
        let (sender, receiver) = mpsc::unbounded_channel();
        *self.listener.lock().unwrap_or_else(PoisonError::into_inner) = Some(sender);
        receiver
    }

    /// A run ended.
    pub(super) fn ended(&self, outcome: &RunOutcome) {
        self.count(&outcome.record);
        if let Some(listener) = &*self.listener.lock().unwrap_or_else(PoisonError::into_inner) {
            let _ = listener.send(outcome.clone());
        }
    }

    fn count(&self, record: &RunRecord) {
        let connection = || record.connection.clone();
        let of_run = OfRun {
            connection: connection(),
            action: record.action.to_string(),
            status: record.status.to_string(),
        };
        self.runs.get_or_create(&of_run).inc();
        let of = OfConnection { connection: connection() };
        if record.status == RunStatus::Skipped {
            return;
        }
        self.seconds.get_or_create(&of).observe(record.seconds);
        for (what, count) in [("graph", record.requests_to_graph), ("halo", record.requests_to_halo)] {
            let what = OfWhat { connection: connection(), what: what.to_owned() };
            self.requests.get_or_create(&what).inc_by(count);
        }
        if record.action == integrator_core::model::Action::Plan {
            return;
        }
        for (what, count) in written(&record.counts) {
            let what = OfWhat { connection: connection(), what: what.to_owned() };
            self.writes.get_or_create(&what).inc_by(count);
        }
        match record.status {
            RunStatus::Done | RunStatus::Partial => {
                #[expect(clippy::cast_possible_truncation, reason = "no run takes so long")]
                let seconds = record.seconds as i64;
                self.success.get_or_create(&of).set(record.started.timestamp() + seconds);
                self.failures.get_or_create(&of).set(0);
                let whole = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
                self.devices.get_or_create(&of).set(whole(record.counts.devices_read));
                self.held.get_or_create(&of).set(whole(record.counts.devices_held));
            }
            RunStatus::Failed => {
                self.failures.get_or_create(&of).inc();
            }
            RunStatus::Running
            | RunStatus::Refused
            | RunStatus::Waiting
            | RunStatus::Interrupted
            | RunStatus::Skipped => {}
        }
    }
}

fn written(counts: &Counts) -> [(&'static str, u64); 6] {
    [
        ("created", counts.assets_created),
        ("updated", counts.assets_updated),
        ("deactivated", counts.assets_deactivated),
        ("recovered", counts.assets_recovered),
        ("failed", counts.assets_failed),
        ("software", counts.software_written),
    ]
}
