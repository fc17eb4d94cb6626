//! Installed software in a run: read beside the sweep, matched with Halo's licences, combined with what was decided.
//!
//! The export takes minutes, so it is asked for first and waited for last. Nothing here fails a run: software that
//! could not be read is left out, and the run says so.

mod licences;
mod planning;

pub(crate) use licences::{LicenceBook, Pending, RefusedTitle};
pub(crate) use planning::{PlannedTitles, Written};

use super::error::SyncError;
use super::options::IndexReading;
use super::progress::{Progress, ProgressEvent};
use crate::graph::{ExportError, GraphClient};
use crate::halo::HaloClient;
use crate::http::FailureClass;
use crate::store::Store;
use chrono::{DateTime, Utc};
use futures_util::StreamExt;
use integrator_core::decide::software::title_of;
use integrator_core::decide::{LicenceIndex, Matching, Rulebook, SoftwareDecision};
use integrator_core::model::{Inventory, TenantId};
use integrator_core::settings::{MatchTexts, Software, SoftwareMatch};
use rustc_hash::FxHashSet;
use std::path::PathBuf;
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::Instant;

/// What the reading of a tenant's software brings: the inventory, or why there is none.
type Read = Result<Inventory, String>;

/// Where an export is kept while it is read.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    /// The folder.
    pub(crate) folder: PathBuf,
    /// The run.
    pub(crate) run: String,
    /// Connection and tenant: whose job it is that an earlier run left behind.
    pub(crate) tenant: String,
}

/// Between two words to whoever waits for an export.
const TOLD_EVERY: Duration = Duration::from_secs(1);

/// The reading of one tenant's software, under way; dropped with the run.
#[derive(Debug, Default)]
pub(crate) struct SoftwareReading {
    task: JoinSet<Read>,
}

impl SoftwareReading {
    /// Begins to read; nothing at all while software is off.
    pub(crate) fn begin(
        graph: &GraphClient,
        software: Option<Software>,
        by: SoftwareMatch,
        place: Place,
    ) -> Self {
        let mut reading = Self::default();
        if let Some(software) = software {
            let graph = graph.clone();
            reading.task.spawn(async move { read(&graph, software, by, &place).await });
        }
        reading
    }

    /// Waits for the reading; `None` while software is off.
    pub(crate) async fn end(
        &mut self,
        stop: &watch::Receiver<bool>,
        progress: &dyn Progress,
    ) -> Result<Option<Read>, SyncError> {
        let mut stop = stop.clone();
        let begun = Instant::now();
        let mut told = tokio::time::interval_at(begun + TOLD_EVERY, TOLD_EVERY);
        loop {
            tokio::select! {
                read = self.task.join_next() => return match read {
                    None => Ok(None),
                    Some(Ok(read)) => Ok(Some(read)),
                    Some(Err(error)) => Err(SyncError::bug(format!("reading software: {error}"))),
                },
                Ok(_) = stop.wait_for(|stop| *stop) => return Err(SyncError::interrupted()),
                now = told.tick() => {
                    let seconds = now.duration_since(begun).as_secs();
                    progress.event(ProgressEvent::SoftwareAwaited { seconds });
                }
            }
        }
    }
}

/// By the export; by name, the list of detected applications may stand in for it.
async fn read(graph: &GraphClient, software: Software, by: SoftwareMatch, place: &Place) -> Read {
    let Place { folder, run, tenant } = place;
    let error = match graph.exported_software(by, folder, run, tenant, software.wait).await {
        Ok(inventory) => return Ok(inventory),
        Err(error) => error,
    };
    if by == SoftwareMatch::Id {
        return Err(format!("{}; by id, nothing can stand in for the export", told(&error)));
    }
    tracing::warn!(%error, "the software export brought nothing; reading detected applications instead");
    graph.detected_software().await.map_err(|other| {
        format!("{}; and the detected applications could not be read either: {other}", told(&error))
    })
}

/// The error with its way out.
fn told(error: &ExportError) -> String {
    let hint = match error {
        // Which permissions would do is in the service's own words.
        ExportError::Http(error) if error.class() == FailureClass::Access => Some(
            "add one of these permissions to the app registration, and let an administrator consent"
                .to_owned(),
        ),
        ExportError::Http(error) => error.hint(),
        ExportError::Unended(_) => Some("raise imports.software_wait_seconds".to_owned()),
        ExportError::Failed(_) | ExportError::Unreadable(_) => None,
    };
    match hint {
        Some(hint) => format!("{error} ({hint})"),
        None => error.to_string(),
    }
}

/// What a run knows of software when it plans.
#[derive(Debug)]
pub(crate) struct SoftwareSide {
    /// Each device's list with the licences, and what was written before.
    pub(crate) decision: SoftwareDecision,
}

/// Software for planning, and what to tell people.
#[derive(Debug, Default)]
pub(crate) struct SoftwareFound {
    /// Absent: software is off, or it could not be read.
    pub(crate) side: Option<SoftwareSide>,
    /// What people should know.
    pub(crate) notices: Vec<String>,
    /// Whether the run ends with a partial result.
    pub(crate) left_out: bool,
}

impl SoftwareFound {
    fn failed(problem: &str) -> Self {
        Self { side: None, notices: vec![format!("software is left as it is: {problem}")], left_out: true }
    }
}

/// Everything that a combination of inventory and licences needs.
pub(crate) struct SoftwareNeeds<'a> {
    /// Reads licences.
    pub(crate) halo: &'a HaloClient,
    /// What was written before, and the kept licences.
    pub(crate) store: &'a dyn Store,
    /// The settings, bound.
    pub(crate) rulebook: &'a Rulebook,
    /// The tenant whose inventory it is.
    pub(crate) tenant: &'a TenantId,
    /// By name or by id.
    pub(crate) by: SoftwareMatch,
    /// Whether everything is read anew.
    pub(crate) index: IndexReading,
    /// The run's clock.
    pub(crate) now: DateTime<Utc>,
}

/// Matches an inventory with Halo's licences.
pub(crate) async fn combine(
    needs: SoftwareNeeds<'_>,
    read: Option<Read>,
) -> Result<SoftwareFound, SyncError> {
    let inventory = match read {
        None => return Ok(SoftwareFound::default()),
        Some(Err(problem)) => return Ok(SoftwareFound::failed(&problem)),
        Some(Ok(inventory)) => inventory,
    };
    let Some(settings) = needs.rulebook.connection.imports.software else {
        return Ok(SoftwareFound::default());
    };
    let texts = settings.match_texts;
    let mut book = match LicenceBook::refreshed(needs.halo, needs.store, needs.index, needs.now).await? {
        Ok(book) => book,
        Err(problem) => return Ok(SoftwareFound::failed(&problem)),
    };
    let client = needs.rulebook.client.id;
    let mut licences = LicenceIndex::new(&book.licences, client);
    let mut found = SoftwareFound::default();
    let mut held: FxHashSet<String> = book.refused.keys().cloned().collect();
    let missing = |licences: &LicenceIndex, held: &FxHashSet<String>| -> FxHashSet<String> {
        let applications = inventory.applications().iter();
        applications
            .filter(|application| licences.find(application, needs.by, texts).is_none())
            .map(|application| title_of(application, needs.by))
            .filter(|title| !title.is_empty() && !held.contains(title))
            .collect()
    };
    if texts == MatchTexts::Used && !missing(&licences, &held).is_empty() {
        match book.read_texts(needs.halo, needs.store).await? {
            Ok(unread) => {
                licences = LicenceIndex::new(&book.licences, client);
                if unread > 0 {
                    let waiting = missing(&licences, &held);
                    if !waiting.is_empty() {
                        found.notices.push(format!(
                            "{} titles without a licence wait: the match texts of {unread} more licences are read by later runs",
                            waiting.len()
                        ));
                        held.extend(waiting);
                    }
                }
            }
            Err(problem) => return Ok(SoftwareFound::failed(&problem)),
        }
    }
    let names: FxHashSet<String> =
        inventory.applications().iter().map(|application| title_of(application, needs.by)).collect();
    for (title, refusal) in book.refused.iter().filter(|(title, _)| names.contains(*title)) {
        found.left_out = true;
        let name: String = title.chars().take(80).collect();
        found.notices.push(format!(
            "\"{name}\" stays without a licence: {} (import with --full to try again)",
            refusal.reason
        ));
    }
    let mut remembered = Vec::new();
    let mut chunks = needs.store.software_digests(needs.tenant.key());
    while let Some(chunk) = chunks.next().await {
        remembered.extend(chunk?);
    }
    let matching = Matching { licences: &licences, by: needs.by, texts, held: &held };
    found.side = Some(SoftwareSide { decision: SoftwareDecision::new(inventory, &matching, remembered) });
    Ok(found)
}
