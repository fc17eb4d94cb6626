//! Begins what is due. What was settled is kept in the store before a run begins, so that none begins twice.

use super::jobs::Origin;
use super::state::Service;
use crate::store::{ChangeSet, Store};
use crate::sync::ImportOptions;
use chrono::{DateTime, Utc};
use integrator_core::schedule::{Due, Tick, Ticker};
use integrator_core::settings::connection::Enabled;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// The clock is looked at no later than this: it may have been set.
const LOOK: Duration = Duration::from_secs(15);

/// Begins what is due until the service stops.
pub(super) async fn run(service: Arc<Service>, mut closed: watch::Receiver<bool>) {
    let mut changes = service.live.changes();
    let mut tickers: BTreeMap<String, Ticker> = BTreeMap::new();
    loop {
        changes.borrow_and_update();
        follow(&service, &mut tickers).await;
        let mut next = BTreeMap::new();
        let now = service.live.world().clock.now();
        for (connection, ticker) in &mut tickers {
            match ticker.tick(now) {
                Tick::Due(due) => {
                    keep(&*service.store, connection, ticker.settled()).await;
                    begin(&service, connection, &due);
                }
                Tick::Until(_) | Tick::Never => {}
            }
            next.extend(ticker.next(now).map(|at| (connection.clone(), at)));
        }
        let wait = next.values().min().map_or(LOOK, |at| {
            (*at - service.live.world().clock.now()).to_std().unwrap_or(Duration::ZERO).min(LOOK)
        });
        service.note_next(next);
        tokio::select! {
            _ = closed.wait_for(|closed| *closed) => return,
            _ = changes.changed() => {}
            // A moment more, so that the time has come when it is looked at.
            () = tokio::time::sleep(wait + Duration::from_millis(1)) => {}
        }
    }
}

/// Brings the tickers in line with the settings.
async fn follow(service: &Arc<Service>, tickers: &mut BTreeMap<String, Ticker>) {
    let world = service.live.world();
    let wanted: BTreeMap<_, _> = world
        .settings
        .connections
        .iter()
        .filter(|one| one.enabled == Enabled::Yes)
        .filter_map(|one| Some((one.id.clone(), one.timetable.clone()?)))
        .collect();
    tickers.retain(|connection, ticker| wanted.get(connection) == Some(ticker.timetable()));
    for (connection, timetable) in wanted {
        if tickers.contains_key(&connection) {
            continue;
        }
        let now = world.clock.now();
        let settled = settled(&*service.store, &connection).await;
        let (ticker, left_out) = Ticker::begin(&connection, timetable, settled, now);
        if left_out > 0 {
            tracing::warn!(
                connection,
                left_out,
                "due times passed while no service ran, and are left out (schedule.catch_up)"
            );
        }
        keep(&*service.store, &connection, ticker.settled()).await;
        tickers.insert(connection, ticker);
    }
}

fn mark(connection: &str) -> String {
    format!("schedule-settled-{connection}")
}

async fn settled(store: &dyn Store, connection: &str) -> Option<DateTime<Utc>> {
    match store.mark(&mark(connection)).await {
        Ok(mark) => mark.and_then(|mark| serde_json::from_value(mark).ok()),
        Err(error) => {
            tracing::error!(connection, %error, "when it last ran by schedule cannot be read");
            None
        }
    }
}

async fn keep(store: &dyn Store, connection: &str, settled: DateTime<Utc>) {
    let Ok(value) = serde_json::to_value(settled) else { return };
    let changes = ChangeSet { put_marks: vec![(mark(connection), value)], ..ChangeSet::default() };
    if let Err(error) = store.commit(None, changes).await {
        tracing::error!(connection, %error, "when it last ran by schedule cannot be kept");
    }
}

fn begin(service: &Arc<Service>, connection: &str, due: &Due) {
    let now = service.live.world().clock.now();
    let Some(running) = service.jobs.begin("import", Some(connection.to_owned()), Origin::Schedule, now)
    else {
        return;
    };
    if due.passed > 0 {
        tracing::warn!(connection, passed = due.passed, "this run makes up for due times that have passed");
    }
    let options = ImportOptions { only: due.only, ..ImportOptions::default() };
    let (service, connection) = (Arc::clone(service), connection.to_owned());
    tokio::spawn(async move {
        let mut stopped = running.job.stopped();
        let _place = tokio::select! {
            place = service.places.acquire() => place,
            _ = stopped.wait_for(|stopped| *stopped) => return,
        };
        service.import(&running, &connection, options).await;
    });
}
