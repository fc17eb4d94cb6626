//! The local API. Everything but the health of the service needs the token that only the data folder's owner can read.

#![expect(
    clippy::result_large_err,
    reason = "a refusal is an answer like any other, and is made once a request"
)]

use super::jobs::{Job, Origin};
use super::state::{Service, on_thread};
use super::{Asked, Frame};
use crate::sync::{ExitClass, ImportOptions, IndexReading, ProgressEvent};
use axum::body::{Body, Bytes};
use axum::extract::{Path, Query, Request, State};
use axum::http::{StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use chrono::{DateTime, Utc};
use futures_util::stream;
use integrator_core::model::{Entity, RunId, RunRecord};
use integrator_core::settings::connection::Enabled;
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use tokio::sync::mpsc;

/// Frames on their way to a command; whoever prints waits while so many are under way.
const UNDER_WAY: usize = 256;
/// The most that a request may hold.
const LARGEST: usize = 1 << 20;
/// Runs that one answer holds at most.
const RUNS: usize = 1000;

/// Why a request was refused, in the words of the commands.
#[derive(Serialize)]
struct Refusal {
    error: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<String>,
}

type Answered = Result<Response, Response>;

fn refused(status: StatusCode, error: impl Into<String>, hint: Option<&str>) -> Response {
    (status, Json(Refusal { error: error.into(), hint: hint.map(str::to_owned) })).into_response()
}

pub(super) fn router(service: Arc<Service>) -> Router {
    let guarded = Router::new()
        .route("/commands", post(command))
        .route("/jobs", get(jobs))
        .route("/jobs/{id}", get(job))
        .route("/jobs/{id}/cancel", post(cancel))
        .route("/jobs/{id}/events", get(events))
        .route("/connections", get(connections))
        .route("/connections/{id}/import", post(import))
        .route("/runs", get(runs))
        .route("/runs/{id}", get(run))
        .layer(axum::extract::DefaultBodyLimit::max(LARGEST))
        .layer(from_fn_with_state(Arc::clone(&service), authorized));
    Router::new()
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(ready))
        .route("/metrics", get(metrics))
        .nest("/api/v1", guarded)
        .fallback(|| async { refused(StatusCode::NOT_FOUND, "there is nothing at this address", None) })
        .with_state(service)
}

/// Lets pass who knows the token. Compared by digests, whose differences tell nothing.
async fn authorized(State(service): State<Arc<Service>>, request: Request, next: Next) -> Response {
    let given = request.headers().get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let given = given.and_then(|value| value.strip_prefix("Bearer ")).unwrap_or_default();
    if blake3::hash(given.as_bytes()) != blake3::hash(service.token.expose_secret().as_bytes()) {
        let hint = "send `Authorization: Bearer TOKEN`; `service.json` of the data folder holds it";
        return refused(StatusCode::UNAUTHORIZED, "the token is missing or not this service's", Some(hint));
    }
    next.run(request).await
}

async fn metrics(State(service): State<Arc<Service>>) -> Answered {
    match super::metrics::text(&service) {
        Ok(text) => Ok(([(header::CONTENT_TYPE, super::metrics::TYPE)], text).into_response()),
        Err(_) => Err(refused(StatusCode::INTERNAL_SERVER_ERROR, "the figures could not be written", None)),
    }
}

#[derive(Serialize)]
struct Ready {
    ready: bool,
    /// Settings files that cannot be used, with what is wrong.
    problems: Vec<String>,
}

/// Ready with some connections broken: the others are served.
async fn ready(State(service): State<Arc<Service>>) -> Json<Ready> {
    let problems = service
        .live
        .problems()
        .iter()
        .map(|problem| problem.file.clone())
        .collect::<std::collections::BTreeSet<_>>();
    Json(Ready { ready: true, problems: problems.into_iter().collect() })
}

/// Carries out a command; the answer is a line of JSON for each frame.
async fn command(State(service): State<Arc<Service>>, Json(asked): Json<Asked>) -> Response {
    let now = service.live.world().clock.now();
    let what = asked.args.first().cloned().unwrap_or_default();
    let Some(running) = service.jobs.begin(&what, None, Origin::Command, now) else {
        return refused(StatusCode::SERVICE_UNAVAILABLE, "the service stops", Some("try again when it runs"));
    };
    let (sender, receiver) = mpsc::channel(UNDER_WAY);
    tokio::spawn(async move {
        let world = service.world_of(&running);
        let _ = sender.send(Frame::Job(running.job.id.clone())).await;
        let (carrier, frames) = (Arc::clone(&service.carrier), sender.clone());
        let carried = on_thread(move |runtime| carrier.carry_out(runtime, asked, world, frames)).await;
        let code = carried.unwrap_or(ExitClass::Bug.code());
        drop(running);
        let _ = sender.send(Frame::Exit(code)).await;
    });
    let lines = stream::unfold(receiver, |mut receiver| async move {
        let frame = receiver.recv().await?;
        let mut line = serde_json::to_vec(&frame).unwrap_or_default();
        line.push(b'\n');
        Some((Ok::<_, std::io::Error>(Bytes::from(line)), receiver))
    });
    ([(header::CONTENT_TYPE, "application/x-ndjson")], Body::from_stream(lines)).into_response()
}

#[derive(Serialize)]
struct JobView {
    id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    connection: Option<String>,
    what: String,
    origin: Origin,
    started: DateTime<Utc>,
    #[serde(skip_serializing_if = "Option::is_none")]
    progress: Option<ProgressEvent>,
}

impl JobView {
    fn new(job: &Job) -> Self {
        Self {
            id: job.id.clone(),
            connection: job.connection.clone(),
            what: job.what.clone(),
            origin: job.origin,
            started: job.started,
            progress: *job.progress().borrow(),
        }
    }
}

async fn jobs(State(service): State<Arc<Service>>) -> Json<Vec<JobView>> {
    Json(service.jobs.all().iter().map(|job| JobView::new(job)).collect())
}

fn known_job(service: &Service, id: &str) -> Result<Arc<Job>, Response> {
    service.jobs.get(id).ok_or_else(|| {
        refused(
            StatusCode::NOT_FOUND,
            "nothing of this name is under way",
            Some("`runs list` shows what ended"),
        )
    })
}

async fn job(State(service): State<Arc<Service>>, Path(id): Path<String>) -> Answered {
    Ok(Json(JobView::new(&*known_job(&service, &id)?)).into_response())
}

async fn cancel(State(service): State<Arc<Service>>, Path(id): Path<String>) -> Answered {
    known_job(&service, &id)?.stop();
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// Progress as server-sent events, at most one a second; the stream ends with the job.
async fn events(State(service): State<Arc<Service>>, Path(id): Path<String>) -> Answered {
    use axum::response::sse::{Event, KeepAlive, Sse};
    let job = known_job(&service, &id)?;
    let progress = job.progress();
    // What is under way holds the sender; this stream must not keep it.
    drop(job);
    let events = stream::unfold((progress, true), |(mut progress, first)| async move {
        if !first {
            tokio::time::sleep(std::time::Duration::from_secs(1)).await;
            progress.changed().await.ok()?;
        }
        let now = *progress.borrow_and_update();
        let event = match now {
            Some(now) => Event::default().event("progress").json_data(now).unwrap_or_default(),
            None => Event::default().comment("begun"),
        };
        Some((Ok::<_, std::convert::Infallible>(event), (progress, false)))
    });
    Ok(Sse::new(events).keep_alive(KeepAlive::default()).into_response())
}

#[derive(Serialize)]
struct ConnectionView {
    id: String,
    name: String,
    enabled: bool,
    /// When it runs next by itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<DateTime<Utc>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last: Option<RunRecord>,
    /// What is wrong with its file; the settings before are in force.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    problems: Vec<String>,
}

async fn connections(State(service): State<Arc<Service>>) -> Answered {
    let world = service.live.world();
    let problems = service.live.problems();
    let mut views = Vec::new();
    for connection in &world.settings.connections {
        let file = format!("connections/{}.toml", connection.id);
        views.push(ConnectionView {
            id: connection.id.clone(),
            name: connection.name.clone(),
            enabled: connection.enabled == Enabled::Yes,
            next: service.next_of(&connection.id),
            last: service.store.runs(Some(&connection.id), 1).await.map_err(|error| failed(&error))?.pop(),
            problems: problems
                .iter()
                .filter(|problem| problem.file == file)
                .map(ToString::to_string)
                .collect(),
        });
    }
    Ok(Json(views).into_response())
}

fn failed(error: &crate::store::StoreError) -> Response {
    refused(StatusCode::INTERNAL_SERVER_ERROR, error.to_string(), Some(&error.hint()))
}

/// What an import is asked.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ImportAsked {
    /// Only this kind of record.
    #[serde(default)]
    only: Option<Entity>,
    /// Only this device: its Intune id, name or serial number.
    #[serde(default)]
    device: Option<String>,
    /// Read all of Halo's assets and users anew.
    #[serde(default)]
    full: bool,
}

/// Begins an import; the answer names the job.
async fn import(
    State(service): State<Arc<Service>>,
    Path(id): Path<String>,
    Json(asked): Json<ImportAsked>,
) -> Answered {
    let world = service.live.world();
    let connection = world
        .connection(&id)
        .map_err(|error| refused(StatusCode::NOT_FOUND, error.message, error.hint.as_deref()))?;
    let begun = service.jobs.begin("import", Some(connection.id.clone()), Origin::Request, world.clock.now());
    let Some(running) = begun else {
        return Err(refused(StatusCode::SERVICE_UNAVAILABLE, "the service stops", None));
    };
    let view = JobView::new(&running.job);
    let options = ImportOptions {
        only: asked.only,
        device: asked.device,
        index: if asked.full { IndexReading::Full } else { IndexReading::Changes },
        ..ImportOptions::default()
    };
    tokio::spawn(async move { service.import(&running, &connection.id, options).await });
    Ok((StatusCode::ACCEPTED, Json(view)).into_response())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RunsAsked {
    connection: Option<String>,
    limit: Option<usize>,
}

async fn runs(State(service): State<Arc<Service>>, Query(asked): Query<RunsAsked>) -> Answered {
    let limit = asked.limit.unwrap_or(20).min(RUNS);
    let found = service.store.runs(asked.connection.as_deref(), limit).await;
    Ok(Json(found.map_err(|error| failed(&error))?).into_response())
}

async fn run(State(service): State<Arc<Service>>, Path(id): Path<String>) -> Answered {
    match service.store.run(&RunId(id)).await.map_err(|error| failed(&error))? {
        Some(record) => Ok(Json(record).into_response()),
        None => {
            Err(refused(StatusCode::NOT_FOUND, "there is no such run", Some("`runs list` shows those kept")))
        }
    }
}
