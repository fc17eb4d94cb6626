//! Tells people when they are needed, and when they are no longer: one notice for each cause of a connection, closed by
//! its next good run. What is open is kept in the store, so that a restart tells nothing twice.

use super::state::Service;
use crate::store::ChangeSet;
use crate::sync::{ExitClass, RunOutcome};
use chrono::{DateTime, Utc};
use integrator_core::model::{Action, RunStatus};
use integrator_core::settings::Webhook;
use ring::hmac;
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;

/// Name of the mark that holds what is open.
const MARK: &str = "notices";
/// Before each try but the first.
const WAITS: [Duration; 2] = [Duration::from_secs(2), Duration::from_secs(10)];

/// Why a person is needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Cause {
    /// Several imports in a row failed.
    Failed,
    /// A guard refused a plan.
    Refused,
    /// A plan waits for approval.
    Waiting,
    /// Nothing can be read or written before somebody signs in or grants a permission.
    SignIn,
}

/// What is known of a connection between its runs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
struct Standing {
    /// Imports that failed since the last that did not.
    failures: u32,
    /// Since when each cause is open.
    open: BTreeMap<Cause, DateTime<Utc>>,
}

/// What is sent.
#[derive(Debug, PartialEq, Serialize)]
struct Notice {
    /// `opened` or `closed`.
    event: Event,
    cause: Cause,
    connection: String,
    run: String,
    at: DateTime<Utc>,
    /// Since when a cause that is closed was open.
    #[serde(skip_serializing_if = "Option::is_none")]
    since: Option<DateTime<Utc>>,
    message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<String>,
    /// The plan that was refused or waits.
    #[serde(skip_serializing_if = "Option::is_none")]
    plan: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
enum Event {
    Opened,
    Closed,
}

/// What a run changes, and what is to be told.
fn judge(standing: &mut Standing, outcome: &RunOutcome, failures: u32) -> Vec<Notice> {
    let record = &outcome.record;
    // What a person only looked at says nothing of how the connection fares.
    if record.action == Action::Plan {
        return Vec::new();
    }
    let notice = |event, cause, since, message: String| Notice {
        event,
        cause,
        connection: record.connection.clone(),
        run: record.run.0.clone(),
        at: record.started,
        since,
        message,
        hint: outcome.hint.clone(),
        plan: record.plan.clone(),
    };
    let mut told = Vec::new();
    let cause = match (record.status, outcome.class) {
        (RunStatus::Done | RunStatus::Partial, _) => {
            standing.failures = 0;
            for (cause, since) in std::mem::take(&mut standing.open) {
                let message = format!("{} was imported again", record.connection);
                told.push(notice(Event::Closed, cause, Some(since), message));
            }
            return told;
        }
        (RunStatus::Refused, _) => Cause::Refused,
        (RunStatus::Waiting, _) => Cause::Waiting,
        (RunStatus::Failed, ExitClass::SignIn) => Cause::SignIn,
        (RunStatus::Failed, _) => {
            standing.failures += 1;
            if standing.failures < failures {
                return told;
            }
            Cause::Failed
        }
        (RunStatus::Running | RunStatus::Interrupted | RunStatus::Skipped, _) => return told,
    };
    if standing.open.contains_key(&cause) {
        return told;
    }
    standing.open.insert(cause, record.started);
    let guards = record.guards.iter().map(|guard| guard.text.as_str());
    let why = record.error.as_deref().into_iter().chain(guards).collect::<Vec<_>>().join("; ");
    let message = match cause {
        Cause::Failed => format!("{} imports of {} failed: {why}", standing.failures, record.connection),
        Cause::Refused => format!("a guard refused the plan of {}: {why}", record.connection),
        Cause::Waiting => format!("a plan of {} waits for approval", record.connection),
        Cause::SignIn => format!("{} cannot be imported: {why}", record.connection),
    };
    told.push(notice(Event::Opened, cause, None, message));
    told
}

/// Tells what runs give reason to, until the service ends.
pub(super) async fn run(service: Arc<Service>, mut ended: mpsc::UnboundedReceiver<RunOutcome>) {
    let mut standings: BTreeMap<String, Standing> = match service.store.mark(MARK).await {
        Ok(mark) => mark.and_then(|mark| serde_json::from_value(mark).ok()).unwrap_or_default(),
        Err(error) => {
            tracing::error!(%error, "what was told before cannot be read");
            BTreeMap::new()
        }
    };
    while let Some(outcome) = ended.recv().await {
        let settings = service.live.world().settings.integrator.notify.clone();
        let standing = standings.entry(outcome.record.connection.clone()).or_default();
        let before = standing.clone();
        let notices = judge(standing, &outcome, settings.failures);
        if *standing != before {
            keep(&service, &standings).await;
        }
        for notice in &notices {
            if notice.event == Event::Opened {
                tracing::error!(connection = %notice.connection, run = %notice.run, "{}", notice.message);
            }
            let Ok(body) = serde_json::to_vec(notice) else { continue };
            for hook in &settings.webhooks {
                // One that hangs keeps nobody waiting.
                tokio::spawn(send(Arc::clone(&service), hook.clone(), body.clone()));
            }
        }
    }
}

async fn keep(service: &Service, standings: &BTreeMap<String, Standing>) {
    let Ok(value) = serde_json::to_value(standings) else { return };
    let changes = ChangeSet { put_marks: vec![(MARK.to_owned(), value)], ..ChangeSet::default() };
    if let Err(error) = service.store.commit(None, changes).await {
        tracing::error!(%error, "what was told cannot be kept");
    }
}

async fn send(service: Arc<Service>, hook: Webhook, body: Vec<u8>) {
    let world = service.live.world();
    let headers = match world.secrets.secret(&hook.secret) {
        Ok(secret) => signature(secret.expose_secret().as_bytes(), world.clock.now(), &body),
        Err(error) => {
            tracing::error!(%error, "a notice cannot be signed");
            return;
        }
    };
    let maker = match world.maker().await {
        Ok(maker) => maker,
        Err(error) => {
            tracing::error!(%error, "a notice cannot be sent");
            return;
        }
    };
    let mut waits = WAITS.into_iter();
    loop {
        match (maker.tell(&hook.url, &headers, body.clone()).await, waits.next()) {
            (Ok(()), _) => return,
            (Err(problem), Some(wait)) => {
                tracing::warn!(problem, "a notice could not be sent; it is tried again");
                tokio::time::sleep(wait).await;
            }
            (Err(problem), None) => {
                tracing::error!(problem, "a notice could not be sent");
                return;
            }
        }
    }
}

/// Signs a document together with the time, so that an old one cannot be sent again unnoticed.
fn signature(secret: &[u8], now: DateTime<Utc>, body: &[u8]) -> [(&'static str, String); 2] {
    let time = now.timestamp().to_string();
    let mut signing = hmac::Context::with_key(&hmac::Key::new(hmac::HMAC_SHA256, secret));
    signing.update(time.as_bytes());
    signing.update(b".");
    signing.update(body);
    let mut hex = String::from("sha256=");
    for byte in signing.sign().as_ref() {
        let _ = write!(hex, "{byte:02x}");
    }
    [("x-halo-integrator-time", time), ("x-halo-integrator-signature", hex)]
}

#[cfg(test)]
mod tests {
    use super::*;
    use integrator_core::model::{Counts, Entity, RunId, RunRecord};

    fn outcome(action: Action, status: RunStatus, class: ExitClass) -> RunOutcome {
        let record = RunRecord {
            run: RunId("r-1".to_owned()),
            connection: "contoso".to_owned(),
            entity: Entity::Assets,
            action,
            status,
            started: DateTime::UNIX_EPOCH,
            seconds: 1.0,
            plan: None,
            counts: Counts::default(),
            requests_to_graph: 0,
            requests_to_halo: 0,
            plugins: BTreeMap::new(),
            guards: Vec::new(),
            approved: None,
            notices: Vec::new(),
            error: None,
        };
        RunOutcome { record, class, hint: None }
    }

    #[test]
    fn each_cause_is_told_once_and_closed_by_a_good_run() {
        let mut standing = Standing::default();
        let mut check = |action, status, class, expected: &[(Event, Cause)]| {
            let told = judge(&mut standing, &outcome(action, status, class), 3);
            let told: Vec<_> = told.into_iter().map(|notice| (notice.event, notice.cause)).collect();
            assert_eq!(told, expected, "{action} {status}");
        };
        let import = Action::Import;
        check(import, RunStatus::Failed, ExitClass::Unreadable, &[]);
        check(import, RunStatus::Failed, ExitClass::Unreadable, &[]);
        check(import, RunStatus::Skipped, ExitClass::Busy, &[]);
        check(Action::Plan, RunStatus::Refused, ExitClass::Refused, &[]);
        check(import, RunStatus::Failed, ExitClass::Unreadable, &[(Event::Opened, Cause::Failed)]);
        check(import, RunStatus::Failed, ExitClass::Unreadable, &[]);
        check(import, RunStatus::Failed, ExitClass::SignIn, &[(Event::Opened, Cause::SignIn)]);
        check(import, RunStatus::Refused, ExitClass::Refused, &[(Event::Opened, Cause::Refused)]);
        check(import, RunStatus::Refused, ExitClass::Refused, &[]);
        let closed =
            [(Event::Closed, Cause::Failed), (Event::Closed, Cause::Refused), (Event::Closed, Cause::SignIn)];
        check(Action::Apply, RunStatus::Done, ExitClass::Done, &closed);
        check(import, RunStatus::Done, ExitClass::Done, &[]);
        check(import, RunStatus::Failed, ExitClass::Unreadable, &[]);
        check(import, RunStatus::Waiting, ExitClass::Waiting, &[(Event::Opened, Cause::Waiting)]);
    }

    #[test]
    fn a_signature_covers_time_and_body() {
        let sign = |secret: &[u8], seconds, body: &[u8]| {
            signature(secret, DateTime::from_timestamp(seconds, 0).unwrap(), body)
        };
        // As `printf '1700000000.{}' | openssl dgst -sha256 -hmac key` says.
        let [(_, time), (_, signed)] = sign(b"key", 1_700_000_000, b"{}");
        assert_eq!(time, "1700000000");
        assert_eq!(signed, "sha256=9d713ed406bb7076d4123f0dc2c39d2df5c654ed4b0cd56b52c8b4c940bd63ae");
        assert_ne!(sign(b"key", 1_700_000_001, b"{}")[1].1, signed);
        assert_ne!(sign(b"kez", 1_700_000_000, b"{}")[1].1, signed);
        assert_ne!(sign(b"key", 1_700_000_000, b"{ }")[1].1, signed);
    }
}
