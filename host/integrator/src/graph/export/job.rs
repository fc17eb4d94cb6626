//! One export job, from its making to the file it leaves: made, polled, and replaced once when it fails or strands.

use super::ExportError;
use crate::http::{Endpoint, HttpError, Reading, Repeat, Request, one_line, percent_encoded};
use serde::Deserialize;
use serde_json::json;
use std::path::Path;
use std::time::Duration;
use tokio::time::Instant;

/// Where jobs are made.
const JOBS: &str = "/v1.0/deviceManagement/reports/exportJobs";
/// The wait before the first look at a job; it doubles from there…
const FIRST_WAIT: Duration = Duration::from_secs(1);
/// …to this: the service counts looks as requests, and allows 48 in a minute.
const LONGEST_WAIT: Duration = Duration::from_secs(15);
/// Jobs in all.
const JOBS_IN_ALL: usize = 2;
/// The least time that a download is given.
const LEAST_DOWNLOAD: Duration = Duration::from_mins(10);

#[derive(Debug, Deserialize)]
struct Job {
    id: String,
    #[serde(default)]
    status: String,
    #[serde(default)]
    url: Option<String>,
}

impl Job {
    fn is(&self, status: &str) -> bool {
        self.status.eq_ignore_ascii_case(status)
    }

    /// Where its file lies. A job can be completed before that is known.
    fn address(&self) -> Option<&str> {
        self.url.as_deref().map(str::trim).filter(|url| !url.is_empty() && self.is("completed"))
    }
}

/// Has a report exported into `file`.
pub(super) async fn fetch(
    endpoint: &Endpoint,
    report: &str,
    columns: &[&str],
    file: &Path,
    limit: u64,
    wait: Duration,
) -> Result<(), ExportError> {
    let mut last = ExportError::Unended(wait);
    for number in 1..=JOBS_IN_ALL {
        last = match one_job(endpoint, report, columns, file, limit, wait).await {
            Ok(()) => return Ok(()),
            // Another job meets the same refusal, and leaves a file of the same size.
            Err(error @ ExportError::Http(_)) => return Err(error),
            Err(error) => error,
        };
        tracing::warn!(report, number, error = %last, "an export job brought nothing");
    }
    Err(last)
}

async fn one_job(
    endpoint: &Endpoint,
    report: &str,
    columns: &[&str],
    file: &Path,
    limit: u64,
    wait: Duration,
) -> Result<(), ExportError> {
    let end = Instant::now() + wait;
    let body = json!({
        "reportName": report, "select": columns, "format": "csv",
        "localizationType": "LocalizedValuesAsAdditionalColumn",
    });
    // A job that is made twice is only read once.
    let request = Request::post(JOBS, body.to_string(), Repeat::Safe);
    let mut job = endpoint.send(&request, |answer| read_job(&answer.body)).await?;
    let path = format!("{JOBS}/{}", percent_encoded(&job.id));
    let mut pause = FIRST_WAIT;
    let mut refused: Option<(String, HttpError)> = None;
    loop {
        if job.is("failed") {
            return Err(ExportError::Failed(format!("job {}", one_line(&job.id))));
        }
        if let Some(address) = job.address() {
            match &refused {
                // The same address again will not serve what it has just refused.
                Some((before, error)) if before == address => {
                    return Err(ExportError::Failed(format!("its file cannot be fetched: {error}")));
                }
                _ => {}
            }
            match endpoint.download(address, file, limit, wait.max(LEAST_DOWNLOAD)).await {
                Ok(_) => return Ok(()),
                // Addresses have an end; a look at the job may bring a new one.
                Err(error) if matches!(error.status(), Some(403 | 404 | 410)) && refused.is_none() => {
                    refused = Some((address.to_owned(), error));
                }
                Err(error) => {
                    return Err(ExportError::Failed(format!("its file cannot be fetched: {error}")));
                }
            }
        }
        let now = Instant::now();
        if now >= end {
            return Err(ExportError::Unended(wait));
        }
        tokio::time::sleep(pause.min(end - now)).await;
        pause = (pause * 2).min(LONGEST_WAIT);
        let look = Request::get(path.clone());
        job = endpoint.send(&look, |answer| read_job(&answer.body)).await?;
    }
}

fn read_job(body: &[u8]) -> Reading<Job> {
    match serde_json::from_slice(body) {
        Ok(job) => Reading::Done(job),
        Err(error) if error.is_data() => Reading::Wrong(one_line(&error.to_string())),
        Err(error) => Reading::Broken(one_line(&error.to_string())),
    }
}
