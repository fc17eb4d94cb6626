//! Creating software licences, several in one request, and never twice.
//!
//! What is sent is noted before: whatever becomes of an answer or of the process, the licences are looked up by
//! their names before they are sent again. A title that Halo refuses is remembered, so that an unchanged import does
//! not try it anew.

use super::Applier;
use super::Preconditions;
use super::creates::UNCLEAR_TRIES;
use crate::halo::{AnswerShape, LicenceAnswer, LicenceOrder, WriteProblem};
use crate::sync::error::SyncError;
use crate::sync::options::IndexReading;
use crate::sync::sink::count;
use crate::sync::software::{LicenceBook, Pending, RefusedTitle};
use integrator_core::decide::LicenceIndex;
use integrator_core::decide::software::title_key;
use integrator_core::model::value::fold;
use integrator_core::model::{Licence, LicenceId, LicenceWrite};
use integrator_core::plan::{Ending, Step, StepId};
use rustc_hash::FxHashMap;
use std::time::Duration;

/// Halo may still be working on a request whose connection broke.
const SETTLE: Duration = Duration::from_millis(300);

/// The fewest that show how an answer tells of several.
const FIRST_BATCH: usize = 2;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Understood {
    #[default]
    NotYet,
    Yes,
}

/// The licences of an apply.
#[derive(Debug, Default)]
pub(super) struct Licences {
    /// Steps that wait for their batch.
    waiting: Vec<Step>,
    /// What came of those that were sent.
    created: FxHashMap<StepId, LicenceId>,
    /// What is kept of Halo's licences; loaded with the first batch.
    book: Option<LicenceBook>,
    /// Whether an answer was understood: from then on a batch may hold all, before that [`FIRST_BATCH`].
    understood: Understood,
}

impl Licences {
    /// The licence that a step created.
    pub(super) fn of(&self, step: &StepId) -> Option<LicenceId> {
        self.created.get(step).copied()
    }
}

impl Applier<'_> {
    /// Takes a step; it is sent with others.
    pub(super) async fn create_licence(&mut self, step: Step) -> Result<(), SyncError> {
        self.licences.waiting.push(step);
        while self.licences.waiting.len() >= self.context.batch.max(1) {
            self.flush_licences().await?;
        }
        Ok(())
    }

    /// Sends everything that waits.
    pub(super) async fn all_licences(&mut self) -> Result<(), SyncError> {
        while !self.licences.waiting.is_empty() {
            self.flush_licences().await?;
        }
        Ok(())
    }

    async fn flush_licences(&mut self) -> Result<(), SyncError> {
        self.stop_asked()?;
        let most = match self.licences.understood {
            Understood::NotYet => self.context.batch.min(FIRST_BATCH),
            Understood::Yes => self.context.batch,
        };
        let size = most.clamp(1, self.licences.waiting.len().max(1));
        let rest = self.licences.waiting.split_off(size);
        let batch = std::mem::replace(&mut self.licences.waiting, rest);
        let mut book = match self.licences.book.take() {
            Some(book) => book,
            None => self.first_book().await?,
        };
        let batch = self.without_known(&book, batch);
        let result = Box::pin(self.send_licences(&mut book, batch)).await;
        self.licences.book = Some(book);
        result
    }

    /// What is kept of licences. For a plan that was made a while ago it is read anew.
    async fn first_book(&mut self) -> Result<LicenceBook, SyncError> {
        let store = self.context.store;
        if self.context.preconditions == Preconditions::Fresh {
            return Ok(LicenceBook::load(store).await?.just_read(self.context.now));
        }
        let (halo, now) = (self.context.halo, self.context.now);
        match LicenceBook::refreshed(halo, store, IndexReading::Changes, now).await? {
            Ok(book) => Ok(book),
            Err(problem) => {
                self.software.off = Some(problem);
                LicenceBook::load(store).await
            }
        }
    }

    /// Takes out what somebody has created since a stored plan was made.
    fn without_known(&mut self, book: &LicenceBook, batch: Vec<Step>) -> Vec<Step> {
        let client = batch.first().and_then(|step| step.new_licence.as_ref()?.client);
        let (Preconditions::Verify(_), Some(client)) = (self.context.preconditions, client) else {
            return batch;
        };
        let index = LicenceIndex::new(&book.licences, client);
        let mut left = Vec::with_capacity(batch.len());
        for step in batch {
            match step.new_licence.as_ref().and_then(|write| LicenceBook::find_existing(&index, write)) {
                Some(id) => {
                    self.licences.created.insert(step.step, id);
                    self.steps_done += 1;
                }
                None => left.push(step),
            }
        }
        left
    }

    async fn send_licences(&mut self, book: &mut LicenceBook, batch: Vec<Step>) -> Result<(), SyncError> {
        let mut open = vec![(batch, 0)];
        while let Some((batch, tries)) = open.pop() {
            if batch.is_empty() {
                continue;
            }
            if let Some(reason) = self.software.off.clone() {
                for step in &batch {
                    self.no_licence(step, &reason);
                }
                continue;
            }
            let writes: Vec<LicenceWrite> =
                batch.iter().filter_map(|step| step.new_licence.clone()).collect();
            if writes.len() != batch.len() {
                return Err(SyncError::bug("a step without a licence to create"));
            }
            let highest = book.highest();
            book.pending = Some(Pending { highest, writes: writes.clone() });
            book.save(self.context.store).await?;
            let answer = match self.context.halo.create_licences(&writes).await {
                Ok(answer) => {
                    if answer.shape != AnswerShape::Unreadable {
                        self.licences.understood = Understood::Yes;
                    }
                    self.warn(answer.warnings.clone());
                    told(&writes, &answer, highest)
                }
                Err(error) => match &error.problem {
                    WriteProblem::Refused { row, message, .. } => {
                        book.pending = None;
                        match batch.as_slice() {
                            [one] => {
                                let reason = format!("Halo refuses a licence for it: {message}");
                                self.refuse_title(book, one, &reason);
                            }
                            _ => open.extend(parts(batch, *row).into_iter().map(|part| (part, 0))),
                        }
                        book.save(self.context.store).await?;
                        continue;
                    }
                    WriteProblem::Forbidden { message } => {
                        book.pending = None;
                        book.save(self.context.store).await?;
                        let reason = format!("Halo lets nobody create software licences here: {message}");
                        self.software.off = Some(reason.clone());
                        for step in &batch {
                            self.no_licence(step, &reason);
                        }
                        continue;
                    }
                    WriteProblem::Unsent { .. } => {
                        book.pending = None;
                        book.save(self.context.store).await?;
                        return Err(error.into());
                    }
                    WriteProblem::Failed { .. } | WriteProblem::Unclear { .. } => {
                        tracing::warn!(%error, "the answer to new licences is unclear; looking them up");
                        tokio::time::sleep(SETTLE).await;
                        None
                    }
                },
            };
            let again = match answer {
                Some(rows) => {
                    for ((step, write), row) in batch.iter().zip(&writes).zip(rows) {
                        let id = book.add_created(row, write);
                        self.created_licence(step, id);
                    }
                    Vec::new()
                }
                None => self.look_up_licences(book, batch, highest).await?,
            };
            book.pending = None;
            book.save(self.context.store).await?;
            if tries + 1 < UNCLEAR_TRIES {
                open.push((again, tries + 1));
            } else if again.len() > 1 {
                open.extend(parts(again, None).into_iter().map(|part| (part, tries)));
            } else if let [one] = again.as_slice() {
                self.no_licence(one, "Halo's answers to its licence are unclear, and it is not there");
            }
        }
        Ok(())
    }

    /// Reads the licences above `highest`, newest first, and finds those of a batch. Gives what is not there.
    async fn look_up_licences(
        &mut self,
        book: &mut LicenceBook,
        batch: Vec<Step>,
        highest: i64,
    ) -> Result<Vec<Step>, SyncError> {
        let mut walk = self.context.halo.licences(LicenceOrder::IdDescending);
        let mut ended = false;
        while let Some(page) = walk.next_page().await? {
            for licence in page.licences {
                if licence.id <= highest {
                    // Where the order asked for is not kept, older ones may stand before newer ones.
                    ended = true;
                } else if book.licences.binary_search_by_key(&licence.id, |kept| kept.id).is_err() {
                    book.licences.push(licence);
                    book.licences.sort_by_key(|licence| licence.id);
                }
            }
            if ended {
                break;
            }
        }
        let mut again = Vec::new();
        for step in batch {
            let found = step.new_licence.as_ref().and_then(|write| book.find_created(write, highest));
            match found {
                Some(id) => self.created_licence(&step, id),
                None => again.push(step),
            }
        }
        Ok(again)
    }

    fn created_licence(&mut self, step: &Step, id: LicenceId) {
        self.licences.created.insert(step.step.clone(), id);
        count(&mut self.applied.counts, step);
        self.note(step, Ending::Written, None);
        self.steps_done += 1;
        self.told_progress();
    }

    fn refuse_title(&mut self, book: &mut LicenceBook, step: &Step, reason: &str) {
        if let Some(write) = &step.new_licence {
            let title = title_key(&write.name, write.key.as_deref());
            let refused = RefusedTitle { reason: reason.to_owned(), at: self.context.now };
            book.refused.insert(title, refused);
        }
        self.no_licence(step, reason);
    }

    fn no_licence(&mut self, step: &Step, reason: &str) {
        self.steps_done += 1;
        self.software.failed += 1;
        let name: String = step.name.chars().take(80).collect();
        self.failed_steps.insert(step.step.clone(), reason.to_owned());
        self.note(step, Ending::Failed, Some(reason));
        self.failures.push(format!("licence \"{name}\": {reason}; devices go without this title"));
        self.told_progress();
    }
}

/// The answer's rows in the order of the writes, where it tells them surely: by their names, or as many new licences
/// as were sent, in the order of the request. Halo may show other names than it was given.
fn told(writes: &[LicenceWrite], answer: &LicenceAnswer, highest: i64) -> Option<Vec<Licence>> {
    let rows = &answer.licences;
    if rows.len() != writes.len() || answer.shape == AnswerShape::Unreadable {
        return None;
    }
    let fits = |write: &LicenceWrite, row: &Licence| fold(&write.name).starts_with(&fold(&row.name));
    if writes.iter().zip(rows).all(|(write, row)| fits(write, row)) {
        return Some(rows.clone());
    }
    let by_name = |write: &LicenceWrite| {
        let mut named = rows.iter().filter(|row| fold(&row.name) == fold(&write.name));
        match (named.next(), named.next()) {
            (Some(row), None) => Some(row.clone()),
            _ => None,
        }
    };
    if let Some(named) = writes.iter().map(by_name).collect() {
        return Some(named);
    }
    let mut ids: Vec<i64> = rows.iter().map(|row| row.id).collect();
    ids.sort_unstable();
    ids.dedup();
    let all_new = ids.len() == rows.len() && ids.first().is_some_and(|lowest| *lowest > highest);
    all_new.then(|| rows.clone())
}

/// A refused batch in parts: the named row alone, else two halves.
fn parts(mut batch: Vec<Step>, row: Option<usize>) -> Vec<Vec<Step>> {
    match row.filter(|row| *row < batch.len()) {
        Some(row) => {
            let bad = batch.remove(row);
            vec![vec![bad], batch]
        }
        None => {
            let second = batch.split_off(batch.len().div_ceil(2));
            vec![second, batch]
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_told_apart_by_name_and_then_by_order() {
        let write =
            |name: &str| LicenceWrite { name: name.into(), manufacturer: None, client: None, key: None };
        let row = |id: i64, name: &str| Licence { id, name: name.into(), ..Licence::default() };
        let check = |rows: Vec<Licence>, expected: Option<&[i64]>| {
            let writes = [write("Chrome"), write("Zoom")];
            let answer =
                LicenceAnswer { shape: AnswerShape::List, licences: rows.clone(), warnings: Vec::new() };
            let ids =
                told(&writes, &answer, 10).map(|rows| rows.iter().map(|row| row.id).collect::<Vec<_>>());
            assert_eq!(ids.as_deref(), expected, "{rows:?}");
        };
        check(vec![row(11, "Chrome"), row(12, "Zoom")], Some(&[11, 12]));
        check(vec![row(11, ""), row(12, "")], Some(&[11, 12]));
        check(vec![row(11, "Zoom"), row(12, "Chrome")], Some(&[12, 11]));
        check(vec![row(11, "CHR."), row(12, "Z.")], Some(&[11, 12]));
        check(vec![row(9, "CHR."), row(12, "Z.")], None);
        check(vec![row(11, "Chrome")], None);
    }
}
