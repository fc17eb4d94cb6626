//! A walk over the pages of a list, with proof that it went to its end.
//!
//! The list of devices is keyed by name and id and is no snapshot: a device may show up twice. Whoever reads the
//! rows tells them apart by id.

use super::page::RawPage;
use crate::http::{Endpoint, FailureClass, HttpError, HttpErrorKind, Request};
use rustc_hash::FxHashSet;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use tokio::sync::mpsc;

/// Pages that wait for whoever decodes them: enough to overlap, few enough to hold in memory.
const AHEAD: usize = 6;

/// A walk that did not come to its end: nothing may be concluded from what it did not show.
#[derive(Clone, Debug, thiserror::Error)]
#[error("page {page} could not be read, the list is incomplete")]
pub struct SweepError {
    /// The page that failed, from 1.
    pub page: usize,
    /// Why.
    #[source]
    pub problem: SweepProblem,
}

/// Why a walk did not come to its end.
#[derive(Clone, Debug, thiserror::Error)]
pub enum SweepProblem {
    /// The page could not be had.
    #[error(transparent)]
    Http(#[from] HttpError),
    /// The server sent us back to a page that we had.
    #[error("the link to the next page repeats an earlier one")]
    RepeatedLink,
    /// Asked again after a failure, or the reading task was ended.
    #[error("the walk was ended before")]
    Ended,
}

impl SweepError {
    /// The way out, where one can be named.
    pub fn hint(&self) -> Option<String> {
        match &self.problem {
            SweepProblem::Http(error) => error.hint(),
            SweepProblem::RepeatedLink | SweepProblem::Ended => {
                Some("this is a fault of the service; run the import again later".to_owned())
            }
        }
    }

    /// What the failure means for a command.
    pub fn class(&self) -> FailureClass {
        match &self.problem {
            SweepProblem::Http(error) => error.class(),
            SweepProblem::RepeatedLink | SweepProblem::Ended => FailureClass::Side,
        }
    }
}

/// A walk over all pages.
#[derive(Debug)]
pub struct Sweep {
    endpoint: Arc<Endpoint>,
    next: Next,
    page: usize,
    seen: FxHashSet<u64>,
}

#[derive(Debug)]
enum Next {
    Link(String),
    End,
    Failed,
}

impl Sweep {
    pub(super) fn new(endpoint: Arc<Endpoint>, start: &str) -> Self {
        let seen = FxHashSet::from_iter([digest(start)]);
        Self { endpoint, next: Next::Link(start.to_owned()), page: 0, seen }
    }

    /// The next page, or `None` once the walk is complete. After an error there is no more: it stays an error.
    pub async fn next_page(&mut self) -> Result<Option<RawPage>, SweepError> {
        let link = match std::mem::replace(&mut self.next, Next::Failed) {
            Next::Link(link) => link,
            Next::End => {
                self.next = Next::End;
                return Ok(None);
            }
            Next::Failed => return Err(self.failed(SweepProblem::Ended)),
        };
        self.page += 1;
        let request = Request::get(link);
        let page =
            self.endpoint.send(&request, RawPage::read).await.map_err(|error| self.failed(error.into()))?;
        self.next = match page.next_link() {
            None => Next::End,
            Some(link) if self.seen.insert(digest(link)) => Next::Link(link.to_owned()),
            // This page is good; what comes after it is not.
            Some(_) => return Err(self.failed(SweepProblem::RepeatedLink)),
        };
        Ok(Some(page))
    }

    /// Goes on reading in a task of its own, some pages ahead of whoever takes them.
    pub fn ahead(mut self) -> SweepAhead {
        let (sender, pages) = mpsc::channel(AHEAD);
        let task = tokio::spawn(async move {
            loop {
                let page = self.next_page().await;
                let more = matches!(page, Ok(Some(_)));
                if sender.send(page).await.is_err() || !more {
                    return;
                }
            }
        });
        SweepAhead { pages, task, page: 0, state: AheadState::Reading }
    }

    fn failed(&self, problem: SweepProblem) -> SweepError {
        SweepError { page: self.page.max(1), problem }
    }
}

/// A walk whose next pages are fetched while the last are decoded.
#[derive(Debug)]
pub struct SweepAhead {
    pages: mpsc::Receiver<Result<Option<RawPage>, SweepError>>,
    task: tokio::task::JoinHandle<()>,
    page: usize,
    state: AheadState,
}

#[derive(Clone, Copy, Debug)]
enum AheadState {
    Reading,
    Complete,
    Failed,
}

impl SweepAhead {
    /// The next page, or `None` once the walk is complete.
    pub async fn next_page(&mut self) -> Result<Option<RawPage>, SweepError> {
        let ended = SweepError { page: self.page + 1, problem: SweepProblem::Ended };
        match self.state {
            AheadState::Complete => return Ok(None),
            AheadState::Failed => return Err(ended),
            AheadState::Reading => {}
        }
        // A task that went away without saying "complete" has not completed the walk.
        let page = self.pages.recv().await.unwrap_or(Err(ended));
        match &page {
            Ok(Some(_)) => self.page += 1,
            Ok(None) => self.state = AheadState::Complete,
            Err(_) => self.state = AheadState::Failed,
        }
        page
    }
}

impl Drop for SweepAhead {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// All rows of a list, each read by `read`; a row that it cannot read is an error of the whole list.
pub(super) async fn all_rows<T>(
    endpoint: &Arc<Endpoint>,
    start: &str,
    mut read: impl FnMut(&str) -> Result<T, String>,
) -> Result<Vec<T>, HttpError> {
    let path = start.split('?').next().unwrap_or(start);
    let wrong = |problem| endpoint.error(path, HttpErrorKind::Unreadable { problem });
    let mut walk = Sweep::new(Arc::clone(endpoint), start);
    let mut rows = Vec::new();
    loop {
        match walk.next_page().await {
            Ok(Some(page)) => {
                for row in page.rows() {
                    rows.push(read(row).map_err(wrong)?);
                }
            }
            Ok(None) => return Ok(rows),
            Err(SweepError { problem: SweepProblem::Http(error), .. }) => return Err(error),
            Err(error) => return Err(wrong(error.problem.to_string())),
        }
    }
}

fn digest(link: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    link.hash(&mut hasher);
    hasher.finish()
}
