//! One export job, from its making to the file it leaves: made, polled, and replaced once when it fails or strands.
//!
//! A job that was made and not read stays known in a note of its own: when the process ends before the job does, the
//! next one goes on with it.

use super::ExportError;
use crate::http::{Endpoint, HttpError, Reading, Repeat, Request, one_line, percent_encoded};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::path::{Path, PathBuf};
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
/// A job of an earlier process is gone on with up to this age: what it says must still be true.
const OLDEST_ADOPTED: Duration = Duration::from_mins(30);

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

/// What is to be exported, and where to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Asked<'a> {
    pub(super) report: &'a str,
    pub(super) columns: &'a [&'a str],
    /// Takes the file.
    pub(super) file: &'a Path,
    /// The largest file that is fetched, in bytes.
    pub(super) limit: u64,
    /// How long one job may take.
    pub(super) wait: Duration,
    /// Where a job is noted until it was read.
    pub(super) note: &'a Path,
}

impl Asked<'_> {
    fn body(&self) -> String {
        let body = json!({
            "reportName": self.report, "select": self.columns, "format": "csv",
            "localizationType": "LocalizedValuesAsAdditionalColumn",
        });
        body.to_string()
    }
}

/// A job that was made and not read yet. The age of its file is the age of the job.
#[derive(Debug, Deserialize, Serialize)]
struct Noted {
    job: String,
    /// Digest of what was asked for.
    request: String,
}

impl Noted {
    fn new(job: &str, asked: &Asked<'_>) -> Self {
        let request = blake3::hash(asked.body().as_bytes()).to_hex().to_string();
        Self { job: job.to_owned(), request }
    }

    /// The job of an earlier process that would bring what is asked for now.
    fn find(asked: &Asked<'_>) -> Option<String> {
        let age = std::fs::metadata(asked.note).and_then(|data| data.modified()).ok()?.elapsed().ok()?;
        let noted: Self = serde_json::from_slice(&std::fs::read(asked.note).ok()?).ok()?;
        let same = noted.request == Self::new(&noted.job, asked).request;
        (same && age < OLDEST_ADOPTED).then_some(noted.job)
    }

    /// Without the note, a process that follows makes a job of its own, and nothing else.
    fn keep(&self, place: &Path) {
        let kept = serde_json::to_vec(self)
            .map_err(std::io::Error::other)
            .and_then(|bytes| std::fs::write(place, bytes));
        if let Err(error) = kept {
            tracing::debug!(%error, note = %place.display(), "the export job is not noted");
        }
    }
}

/// Forgets a job that was read, or that will never be.
fn forget(note: &Path) {
    let _ = std::fs::remove_file(note);
}

/// Where the job of a tenant is noted.
pub(super) fn note_of(folder: &Path, report: &str, tenant: &str) -> PathBuf {
    let digest = blake3::hash(format!("{report} {tenant}").as_bytes()).to_hex();
    folder.join(format!("{}.job", digest.chars().take(12).collect::<String>()))
}

/// Has a report exported into a file.
pub(super) async fn fetch(endpoint: &Endpoint, asked: Asked<'_>) -> Result<(), ExportError> {
    let mut last = ExportError::Unended(asked.wait);
    let mut noted = Noted::find(&asked);
    for number in 1..=JOBS_IN_ALL {
        last = match one_job(endpoint, &asked, noted.take()).await {
            Ok(()) => {
                forget(asked.note);
                return Ok(());
            }
            // Another job meets the same refusal, and leaves a file of the same size.
            Err(error @ ExportError::Http(_)) => return Err(error),
            Err(error) => error,
        };
        if matches!(last, ExportError::Failed(_)) {
            forget(asked.note);
        }
        tracing::warn!(report = asked.report, number, error = %last, "an export job brought nothing");
    }
    Err(last)
}

/// The job to wait for: the noted one, as long as the service knows it and it has not failed, else a new one.
async fn begin(endpoint: &Endpoint, asked: &Asked<'_>, noted: Option<String>) -> Result<Job, ExportError> {
    if let Some(id) = noted {
        let look = Request::get(format!("{JOBS}/{}", percent_encoded(&id)));
        match endpoint.send(&look, |answer| read_job(&answer.body)).await {
            Ok(job) if !job.is("failed") => {
                tracing::info!(job = one_line(&job.id), "going on with the export job of an earlier run");
                return Ok(job);
            }
            Ok(_) => {}
            Err(error) => tracing::info!(%error, "the export job of an earlier run is not to be had"),
        }
    }
    // A job that is made twice is only read once.
    let request = Request::post(JOBS, asked.body(), Repeat::Safe);
    let job = endpoint.send(&request, |answer| read_job(&answer.body)).await?;
    Noted::new(&job.id, asked).keep(asked.note);
    Ok(job)
}

async fn one_job(endpoint: &Endpoint, asked: &Asked<'_>, noted: Option<String>) -> Result<(), ExportError> {
    let Asked { file, limit, wait, .. } = *asked;
    let end = Instant::now() + wait;
    let mut job = begin(endpoint, asked, noted).await?;
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::File;
    use std::time::SystemTime;

    #[test]
    fn a_noted_job_is_gone_on_with_while_it_is_young_and_of_the_same_request() {
        let folder = tempfile::tempdir().unwrap();
        let note = note_of(folder.path(), "Report", "tenant");
        assert_ne!(note, note_of(folder.path(), "Report", "other"));
        let asked = |columns| Asked {
            report: "Report",
            columns,
            file: folder.path(),
            limit: 1,
            wait: Duration::ZERO,
            note: &note,
        };
        assert_eq!(Noted::find(&asked(&["A"])), None);
        Noted::new("job-1", &asked(&["A"])).keep(&note);
        assert_eq!(Noted::find(&asked(&["A"])).as_deref(), Some("job-1"));
        assert_eq!(Noted::find(&asked(&["A", "B"])), None, "other columns");
        let old = SystemTime::now() - OLDEST_ADOPTED;
        File::options().append(true).open(&note).unwrap().set_modified(old).unwrap();
        assert_eq!(Noted::find(&asked(&["A"])), None, "too old");
        std::fs::write(&note, "{").unwrap();
        assert_eq!(Noted::find(&asked(&["A"])), None, "cut short");
        forget(&note);
        assert!(!note.exists());
    }
}
