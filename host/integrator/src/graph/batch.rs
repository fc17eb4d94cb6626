//! Single reads of many records, twenty in one request; parts that fail are tried again alone.

use super::client::GraphClient;
use super::error_body::{PERMISSION_HINT, explain_value};
use crate::http::{
    Answer, Endpoint, Failure, HttpError, HttpErrorKind, Reading, Repeat, Request, Throttling,
};
use crate::http::{one_line, percent_encoded};
use integrator_core::model::DeviceId;
use serde::Deserialize;
use serde_json::{Value, json};
use std::time::Duration;

/// Graph's limit on the parts of a batch.
pub(super) const PARTS: usize = 20;

/// What a direct read says about a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Existence {
    /// It is there.
    Present,
    /// Graph answered 404 for exactly this device.
    Gone,
}

#[derive(Deserialize)]
struct BatchAnswer {
    responses: Vec<PartAnswer>,
}

#[derive(Deserialize)]
struct PartAnswer {
    id: String,
    status: u16,
    #[serde(default)]
    headers: Value,
    #[serde(default)]
    body: Value,
}

impl GraphClient {
    /// Asks for each device singly whether it is still there, in the order given.
    pub async fn existence(&self, devices: &[DeviceId]) -> Vec<(DeviceId, Result<Existence, HttpError>)> {
        let urls: Vec<String> = devices
            .iter()
            .map(|id| format!("/deviceManagement/managedDevices/{}?$select=id", percent_encoded(id.as_str())))
            .collect();
        let found = read_each(&self.endpoint, &urls)
            .await
            .into_iter()
            .map(|read| read.map(|body| if body.is_some() { Existence::Present } else { Existence::Gone }));
        devices.iter().cloned().zip(found).collect()
    }
}

/// Reads each address (without version) singly, twenty in one request, and gives a result for each, in order:
/// its body, or `None` where Graph answers 404 for exactly this one. What fails in passing is tried again alone.
pub(super) async fn read_each(endpoint: &Endpoint, urls: &[String]) -> Vec<Result<Option<Value>, HttpError>> {
    let mut results = Vec::with_capacity(urls.len());
    for chunk in urls.chunks(PARTS) {
        results.extend(read_parts(endpoint, chunk).await);
    }
    results
}

/// One batch and its repetitions.
async fn read_parts(endpoint: &Endpoint, urls: &[String]) -> Vec<Result<Option<Value>, HttpError>> {
    let path = |url: &str| url.split('?').next().unwrap_or(url).to_owned();
    let missing = |url: &String| {
        let problem = "the batch's answer lacks this part".to_owned();
        Err(endpoint.error(&path(url), HttpErrorKind::Unreadable { problem }))
    };
    let mut results: Vec<Result<Option<Value>, HttpError>> = urls.iter().map(missing).collect();
    let mut open: Vec<usize> = (0..urls.len()).collect();
    let mut tries = endpoint.tries();
    while !open.is_empty() {
        let parts: Vec<Value> = open
            .iter()
            .filter_map(|index| Some((index, urls.get(*index)?)))
            .map(|(index, url)| json!({"id": index.to_string(), "method": "GET", "url": url}))
            .collect();
        let body = json!({"requests": parts}).to_string();
        let request = Request::post("/v1.0/$batch", body, Repeat::Safe);
        let mut parts = match endpoint.send(&request, |answer| read_batch(&answer)).await {
            Ok(answer) => answer.responses,
            Err(error) => {
                for index in open {
                    if let Some(result) = results.get_mut(index) {
                        *result = Err(error.clone());
                    }
                }
                return results;
            }
        };
        let mut again = Failure::Final;
        let mut still_open = Vec::new();
        for index in open {
            let (Some(url), Some(result)) = (urls.get(index), results.get_mut(index)) else { continue };
            let failure = match parts.iter_mut().find(|part| part.id == index.to_string()) {
                Some(part) => {
                    let (verdict, failure) = judge(endpoint, &path(url), part);
                    *result = verdict;
                    failure
                }
                None => Failure::Passing(None),
            };
            if failure != Failure::Final {
                still_open.push(index);
                again = worse(again, failure);
            }
        }
        open = still_open;
        match tries.next(again) {
            Some(wait) => {
                if matches!(again, Failure::Throttled(_)) {
                    endpoint.pause(wait);
                }
                tokio::time::sleep(wait).await;
            }
            None => break,
        }
    }
    results
}

fn judge(
    endpoint: &Endpoint,
    path: &str,
    part: &mut PartAnswer,
) -> (Result<Option<Value>, HttpError>, Failure) {
    let status = part.status;
    match status {
        200..=299 => return (Ok(Some(part.body.take())), Failure::Final),
        404 => return (Ok(None), Failure::Final),
        _ => {}
    }
    let message = explain_value(status, &part.body);
    let failure = Failure::of_status(status, Throttling::in_text(&message), told_wait(&part.headers));
    let kind = match (failure, status) {
        (Failure::Throttled(told), _) => HttpErrorKind::Throttled { message, told },
        (_, 401 | 403) => HttpErrorKind::Permission { status, message, hint: Some(PERMISSION_HINT) },
        _ => HttpErrorKind::Status { status, message, row: None },
    };
    (Err(endpoint.error(path, kind)), failure)
}

/// The failure that asks for more patience: throttling before what merely passes, the longer wait before the
/// shorter.
fn worse(first: Failure, second: Failure) -> Failure {
    match (first, second) {
        (Failure::Final, other) | (other, Failure::Final) => other,
        (Failure::Throttled(one), Failure::Throttled(other) | Failure::Passing(other))
        | (Failure::Passing(one), Failure::Throttled(other)) => Failure::Throttled(one.max(other)),
        (Failure::Passing(one), Failure::Passing(other)) => Failure::Passing(one.max(other)),
    }
}

fn told_wait(headers: &Value) -> Option<Duration> {
    let (_, value) =
        headers.as_object()?.iter().find(|(name, _)| name.eq_ignore_ascii_case("retry-after"))?;
    let seconds = value.as_f64().or_else(|| value.as_str()?.trim().parse().ok())?;
    Duration::try_from_secs_f64(seconds.max(0.0)).ok()
}

fn read_batch(answer: &Answer) -> Reading<BatchAnswer> {
    match serde_json::from_slice(&answer.body) {
        Ok(batch) => Reading::Done(batch),
        Err(error) if error.is_data() => Reading::Wrong(one_line(&error.to_string())),
        Err(error) => Reading::Broken(one_line(&error.to_string())),
    }
}
