//! What is kept of Halo's software licences between runs, and how it is brought up to date.
//!
//! Few licences are simply read. Of many, the newest and their number tell whether any came or went; names are read
//! anew once a day, or on request.

use crate::halo::{HaloClient, HaloError, LicenceOrder};
use crate::http::FailureClass;
use crate::store::{ChangeSet, Store};
use crate::sync::error::SyncError;
use crate::sync::options::IndexReading;
use chrono::{DateTime, TimeDelta, Utc};
use integrator_core::decide::LicenceIndex;
use integrator_core::model::software::Application;
use integrator_core::model::value::fold;
use integrator_core::model::{Licence, LicenceId, LicenceWrite};
use integrator_core::settings::{MatchTexts, SoftwareMatch};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Name of the mark.
const MARK: &str = "software-licences";
/// As many licences are read by every run: six pages of the shorter kind.
const FEW: usize = 300;
/// Names of licences are at most this old.
const WALK_HOURS: i64 = 24;
/// Licences whose match texts are read singly in one run.
const TEXT_READS: usize = 500;
/// After this a refused title is tried again.
const REFUSAL_DAYS: i64 = 7;
/// The way out where Halo lets nobody at its licences.
const HINT: &str = "give the API application in Halo the scope edit:softwarelicensing, or all, and the agent it signs in as the permission for software licensing";

/// A title that Halo would not take.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct RefusedTitle {
    /// Halo's words.
    pub(crate) reason: String,
    /// When it was tried.
    pub(crate) at: DateTime<Utc>,
}

/// Licences that are being created, and whose answer may be lost.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Pending {
    /// The greatest number before.
    pub(crate) highest: i64,
    /// What is sent.
    pub(crate) writes: Vec<LicenceWrite>,
}

/// Halo's licences as the store keeps them.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct LicenceBook {
    /// Every licence, by number.
    pub(crate) licences: Vec<Licence>,
    /// When all were read.
    pub(crate) walked: Option<DateTime<Utc>>,
    /// Titles that Halo refused, folded.
    pub(crate) refused: BTreeMap<String, RefusedTitle>,
    /// What an earlier run may have created without learning of it.
    pub(crate) pending: Option<Pending>,
}

impl LicenceBook {
    /// What is kept.
    pub(crate) async fn load(store: &dyn Store) -> Result<Self, SyncError> {
        let mark = store.mark(MARK).await?;
        Ok(mark.and_then(|mark| serde_json::from_value(mark).ok()).unwrap_or_default())
    }

    /// Keeps it.
    pub(crate) async fn save(&self, store: &dyn Store) -> Result<(), SyncError> {
        let value = serde_json::to_value(self).map_err(|error| SyncError::bug(error.to_string()))?;
        let changes = ChangeSet { put_marks: vec![(MARK.to_owned(), value)], ..ChangeSet::default() };
        Ok(store.commit(None, changes).await?)
    }

    /// The greatest number.
    pub(crate) fn highest(&self) -> i64 {
        self.licences.iter().map(|licence| licence.id).max().unwrap_or(0)
    }

    /// As it is within the run that brought it up to date: of few licences all were read, though the time of it was
    /// not worth a write.
    pub(crate) fn just_read(mut self, now: DateTime<Utc>) -> Self {
        if self.licences.len() <= FEW {
            self.walked = Some(now);
        }
        self
    }

    /// Brings it up to date. The inner error says in words why Halo's licences could not be read.
    pub(crate) async fn refreshed(
        halo: &HaloClient,
        store: &dyn Store,
        index: IndexReading,
        now: DateTime<Utc>,
    ) -> Result<Result<Self, String>, SyncError> {
        let kept = Self::load(store).await?;
        let mut book = kept.clone();
        match index {
            IndexReading::Full => book.refused.clear(),
            IndexReading::Changes => {
                book.refused.retain(|_, refusal| now - refusal.at < TimeDelta::days(REFUSAL_DAYS));
            }
        }
        let read = if book.is_fresh(index, now) { book.is_as_halo_shows(halo).await } else { Ok(false) };
        let read = match read {
            Ok(true) => Ok(()),
            Ok(false) => book.walk(halo, now).await,
            Err(error) => Err(error),
        };
        if let Err(error) = read {
            return Ok(Err(problem(&error)));
        }
        // Where every run reads anew, the time of it is not worth a write.
        let same = Self { walked: kept.walked, ..book.clone() } == kept;
        if !same || (book.licences.len() > FEW && book.walked != kept.walked) {
            book.save(store).await?;
        }
        Ok(Ok(book))
    }

    fn is_fresh(&self, index: IndexReading, now: DateTime<Utc>) -> bool {
        index == IndexReading::Changes
            && self.pending.is_none()
            && self.licences.len() > FEW
            && self.walked.is_some_and(|walked| now - walked < TimeDelta::hours(WALK_HOURS) && walked <= now)
    }

    /// One request: whether number and newest licences are those that are kept.
    async fn is_as_halo_shows(&self, halo: &HaloClient) -> Result<bool, HaloError> {
        let page = halo.licences_page(LicenceOrder::IdDescending, 1).await?;
        let same = |licence: &Licence| {
            let kept = self.licences.binary_search_by_key(&licence.id, |kept| kept.id).ok();
            kept.and_then(|place| self.licences.get(place)).is_some_and(|kept| kept.name == licence.name)
        };
        Ok(page.record_count == Some(self.licences.len() as u64)
            && page.licences.first().is_some_and(|newest| newest.id == self.highest())
            && page.licences.iter().all(same))
    }

    /// Reads all of them. What we know of our own stays known.
    async fn walk(&mut self, halo: &HaloClient, now: DateTime<Utc>) -> Result<(), HaloError> {
        let mut found: BTreeMap<i64, Licence> = BTreeMap::new();
        let mut walk = halo.licences(LicenceOrder::IdAscending);
        while let Some(page) = walk.next_page().await? {
            found.extend(page.licences.into_iter().map(|licence| (licence.id, licence)));
        }
        for old in std::mem::take(&mut self.licences) {
            if let Some(licence) = found.get_mut(&old.id) {
                licence.texts = licence.texts.take().or(old.texts);
                licence.given_name = old.given_name;
                licence.given_key = old.given_key;
                licence.given_client = old.given_client;
            }
        }
        self.licences = found.into_values().collect();
        self.walked = Some(now);
        if let Some(pending) = self.pending.take() {
            for write in &pending.writes {
                self.find_created(write, pending.highest);
            }
        }
        Ok(())
    }

    /// Finds the licence that came of a write among those newer than `highest`, and notes that it is ours.
    pub(crate) fn find_created(&mut self, write: &LicenceWrite, highest: i64) -> Option<LicenceId> {
        let name = fold(&write.name);
        let key = write.key.as_deref().map(fold);
        let ours = |licence: &&mut Licence| {
            licence.id > highest && licence.given_client.is_none() && {
                let shown = fold(&licence.name);
                // Two keys may share a name; then the key tells, where Halo keeps it.
                let by_key = match (&key, &licence.key) {
                    (Some(key), Some(shown)) => *key == fold(shown),
                    _ => true,
                };
                by_key && (shown == name || (shown.len() >= 20 && name.starts_with(shown.as_str())))
            }
        };
        let licence = self.licences.iter_mut().find(ours)?;
        note_given(licence, write);
        Some(LicenceId(licence.id))
    }

    /// The licence that makes a write needless, as somebody may have created it since the write was planned.
    pub(crate) fn find_existing(index: &LicenceIndex, write: &LicenceWrite) -> Option<LicenceId> {
        let (key, by) = match &write.key {
            Some(key) => (key.clone(), SoftwareMatch::Id),
            None => (String::new(), SoftwareMatch::Name),
        };
        let title =
            Application { name: write.name.clone(), version: String::new(), publisher: String::new(), key };
        index.find(&title, by, MatchTexts::Ignored)
    }

    /// Adds what an answer showed of a licence that was just created.
    pub(crate) fn add_created(&mut self, mut licence: Licence, write: &LicenceWrite) -> LicenceId {
        let id = licence.id;
        if licence.name.is_empty() {
            licence.name.clone_from(&write.name);
        }
        note_given(&mut licence, write);
        match self.licences.binary_search_by_key(&id, |kept| kept.id) {
            Ok(place) => {
                if let Some(kept) = self.licences.get_mut(place) {
                    *kept = licence;
                }
            }
            Err(place) => self.licences.insert(place, licence),
        }
        LicenceId(id)
    }

    /// Reads the match texts of licences whose list rows do not show them. Gives how many are still unread.
    pub(crate) async fn read_texts(
        &mut self,
        halo: &HaloClient,
        store: &dyn Store,
    ) -> Result<Result<usize, String>, SyncError> {
        let mut reads = 0;
        let mut unread = 0;
        for licence in self.licences.iter_mut().filter(|licence| licence.texts.is_none()) {
            if reads >= TEXT_READS {
                unread += 1;
                continue;
            }
            reads += 1;
            match halo.licence_texts(LicenceId(licence.id)).await {
                Ok(texts) => licence.texts = Some(texts.unwrap_or_default()),
                Err(error) => return Ok(Err(problem(&error))),
            }
        }
        if reads > 0 {
            self.save(store).await?;
        }
        Ok(Ok(unread))
    }
}

/// Notes what a licence was given, and by that, that it is ours: Halo may show a name that it cut, and no key.
fn note_given(licence: &mut Licence, write: &LicenceWrite) {
    licence.given_name = Some(fold(&write.name));
    licence.given_key.clone_from(&write.key);
    licence.given_client = write.client;
    // Nobody has given it any yet.
    licence.texts.get_or_insert_default();
}

/// Why licences could not be read, with the way out.
fn problem(error: &HaloError) -> String {
    let access = error.class() == FailureClass::Access;
    let hint = if access { Some(HINT.to_owned()) } else { error.hint() };
    match hint {
        Some(hint) => format!("Halo's software licences could not be read: {error} ({hint})"),
        None => format!("Halo's software licences could not be read: {error}"),
    }
}
