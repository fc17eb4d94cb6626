//! `POST /$batch`: up to 20 questions in one request, answered in any order.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use http::{Method, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};

use super::Shared;
use super::errors::{self, RequestIds};
use super::graph::{self, Answer, Question};
use crate::faults::Effect;

/// The largest number of parts in a batch.
const LARGEST: usize = 20;

#[derive(Debug, Deserialize)]
struct Batch {
    requests: Vec<Part>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Part {
    id: String,
    method: String,
    url: String,
    #[serde(default)]
    headers: HashMap<String, String>,
    #[serde(default)]
    depends_on: Vec<String>,
}

/// The answer to a batch. Its parts are disturbed one by one: a fault whose path is in a part's address strikes that
/// part. Status and delay are that part's own; every other effect shows as a part that the gateway lost.
pub(super) async fn answer(shared: &Shared, question: &Question, body: &[u8]) -> Answer {
    let batch = match read(question, body) {
        Ok(batch) => batch,
        Err(refusal) => return *refusal,
    };
    let mut failed: HashSet<String> = HashSet::new();
    let mut answers = Vec::with_capacity(batch.requests.len());
    for part in &batch.requests {
        let answer = if part.depends_on.iter().any(|id| failed.contains(id)) {
            failed_dependency(part, question)
        } else {
            part_answer(shared, question, part).await
        };
        if answer["status"].as_u64().unwrap_or(0) >= 400 {
            failed.insert(part.id.clone());
        }
        answers.push(answer);
    }
    // The service promises no order; the reverse one makes sure that nobody relies on any.
    answers.reverse();
    Answer::ok(&json!({ "responses": answers }))
}

fn read(question: &Question, body: &[u8]) -> Result<Batch, Box<Answer>> {
    let refused = |says: &str| Box::new(question.refused(400, "BadRequest", says));
    let batch: Batch = serde_json::from_slice(body)
        .map_err(|error| refused(&format!("Invalid batch payload format: {error}.")))?;
    if batch.requests.is_empty() {
        return Err(refused("Invalid batch payload format: there are no requests."));
    }
    if batch.requests.len() > LARGEST {
        return Err(refused("Number of batch request steps exceeds the maximum value of 20."));
    }
    let mut ids = HashSet::new();
    for part in &batch.requests {
        if !ids.insert(part.id.to_lowercase()) {
            return Err(refused(&format!("Request id '{}' has to be unique in a batch.", part.id)));
        }
        if part.url.contains("://") {
            return Err(refused(&format!("The address of request '{}' must be relative.", part.id)));
        }
        if let Some(unknown) = part.depends_on.iter().find(|id| !ids.contains(&id.to_lowercase())) {
            return Err(refused(&format!(
                "Request '{}' depends on '{unknown}', which does not stand before it.",
                part.id
            )));
        }
    }
    Ok(batch)
}

async fn part_answer(shared: &Shared, question: &Question, part: &Part) -> Value {
    let url = format!("/{}", part.url.trim_start_matches('/'));
    let client_id = part.headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("client-request-id"));
    let ids = RequestIds::new(client_id.map(|(_, value)| value.as_str()));
    let (path, query) = url.split_once('?').unwrap_or((&url, ""));
    let disturbed = |status: StatusCode| {
        let body = errors::usual(graph::service_of(path), status, path, &ids);
        Answer { status, body: body.to_string().into() }
    };
    let effect = shared.faults.next(&part.method, &format!("{}/v1.0{url}", shared.prefix), b"");
    let mut retry = None;
    let answer = match effect {
        Some(Effect::Status { status, body, retry_after, .. }) => {
            let status = StatusCode::from_u16(status).expect("the script names a valid status");
            retry = retry_after;
            if body.is_empty() { disturbed(status) } else { Answer { status, body: body.into() } }
        }
        Some(
            Effect::Reset
            | Effect::Truncate { .. }
            | Effect::CutJson { .. }
            | Effect::Html
            | Effect::AnswerLost,
        ) => disturbed(StatusCode::GATEWAY_TIMEOUT),
        effect => {
            if let Some(Effect::Slow { milliseconds }) = effect {
                tokio::time::sleep(Duration::from_millis(milliseconds)).await;
            }
            let Ok(method) = Method::from_bytes(part.method.as_bytes()) else {
                return rendered(part, &disturbed(StatusCode::METHOD_NOT_ALLOWED), None);
            };
            let question = Question {
                method,
                path: path.to_owned(),
                query: query.to_owned(),
                ids: ids.clone(),
                effect,
                preferred_page_size: None,
                ..question.clone()
            };
            graph::answer(shared, &question)
        }
    };
    rendered(part, &answer, retry.as_deref())
}

fn rendered(part: &Part, answer: &Answer, retry_after: Option<&str>) -> Value {
    let content_type = if answer.status.is_success() { errors::JSON } else { "application/json" };
    let mut headers =
        json!({ "Cache-Control": "no-cache", "OData-Version": "4.0", "Content-Type": content_type });
    if let Some(seconds) = retry_after {
        headers["Retry-After"] = json!(seconds);
    }
    // A body that is no JSON travels as text.
    let body = serde_json::from_slice(&answer.body)
        .unwrap_or_else(|_| Value::from(String::from_utf8_lossy(&answer.body).into_owned()));
    json!({ "id": part.id, "status": answer.status.as_u16(), "headers": headers, "body": body })
}

fn failed_dependency(part: &Part, question: &Question) -> Value {
    let answer = question.refused(424, "FailedDependency", "A request that this one depends on has failed.");
    rendered(part, &answer, None)
}
