//! Creating assets: never twice, whatever becomes of an answer.
//!
//! A batch is journalled with the greatest asset number seen before it. When its answer does not tell which assets
//! came of it, Halo's newest assets are read down to that number and paired; only what is surely not there is sent
//! again.

use super::answer::{Told, merge};
use super::pairing::{Found, pair_created};
use super::software::Retry;
use super::{Applier, Ready};
use crate::halo::{AnswerShape, AssetOrder, AssetQuery, HaloClient, WriteAnswer, WriteError, WriteProblem};
use crate::store::JournalEntry;
use crate::sync::error::SyncError;
use integrator_core::model::value::fold;
use integrator_core::model::{Asset, AssetId, AssetWrite, Link, TypeId};
use std::time::Duration;

/// Sent again so often after unclear answers; then the batch is split, and a single asset is given up.
pub(super) const UNCLEAR_TRIES: u32 = 3;
/// Halo may still be working on a request whose connection broke.
const SETTLE: Duration = Duration::from_millis(300);

/// Halo numbers assets one after the other. A number so far above the greatest known one is looked up before it is
/// believed, because everything above it counts as new from then on.
const PLAUSIBLE_GAP: i64 = 1000;

/// How one sending of a batch ended.
enum Sent {
    /// Every asset is known.
    Done(Vec<(Ready, Asset, Told)>),
    /// Some are known, others were not carried out, others cannot be told apart.
    Partly { done: Vec<(Ready, Asset, Told)>, again: Vec<Ready>, unclear: Vec<Ready> },
    /// Halo refused the whole batch; the row it named, if it did.
    Refused { batch: Vec<Ready>, row: Option<usize>, reason: String },
    /// Halo allows nobody to write this.
    Forbidden { batch: Vec<Ready>, error: WriteError },
}

impl Applier<'_> {
    /// Sends one batch of one type's creates, and what follows from it, to its end.
    pub(super) async fn flush_creates(&mut self, asset_type: Option<TypeId>) -> Result<(), SyncError> {
        self.stop_asked()?;
        let size = self.batch_size();
        let Some(waiting) = self.creates.get_mut(&asset_type) else { return Ok(()) };
        let rest = waiting.split_off(size.min(waiting.len()));
        let batch = std::mem::replace(waiting, rest);
        let mut open = vec![(batch, 0)];
        while let Some((batch, tries)) = open.pop() {
            let batch = self.without_software(batch).await?;
            if batch.is_empty() {
                continue;
            }
            let entry = self.journal(&batch).await?;
            match self.send_creates(&entry, batch).await? {
                Sent::Done(done) => self.commit_done(&entry, done, None).await?,
                Sent::Partly { done, again, unclear } => {
                    self.hold_unclear(&entry, done, &unclear).await?;
                    if tries + 1 < UNCLEAR_TRIES {
                        open.push((again, tries + 1));
                    } else if again.len() > 1 {
                        open.extend(halves(again).map(|half| (half, tries)));
                    } else if let [one] = again.as_slice() {
                        // A title that is too long for Halo's database ends so, too.
                        let reason = "Halo's answers to it are unclear";
                        if let Retry::Again(plain) = self.retry_without_software(one, reason).await? {
                            open.push((vec![*plain], 0));
                            continue;
                        }
                        self.fail(&one.step, "Halo's answers to its creation are unclear, and it is not there; the next run tries again");
                    }
                }
                Sent::Refused { batch, row, reason } => {
                    self.forget_journal(&entry).await?;
                    match batch.as_slice() {
                        [one] => match self.retry_without_software(one, &reason).await? {
                            Retry::Again(plain) => open.push((vec![*plain], 0)),
                            Retry::Never | Retry::Done => self.fail(&one.step, &reason),
                        },
                        _ => open.extend(split(batch, row).into_iter().map(|part| (part, 0))),
                    }
                }
                Sent::Forbidden { batch, error } => {
                    // Nothing of it was carried out.
                    self.forget_journal(&entry).await?;
                    if self.software.off.is_some() || batch.iter().all(|ready| ready.write.software.is_none())
                    {
                        return Err(error.into());
                    }
                    self.software.off = Some(format!("Halo lets nobody write it here: {error}"));
                    open.push((batch, tries));
                }
            }
        }
        Ok(())
    }

    async fn send_creates(&mut self, entry: &JournalEntry, batch: Vec<Ready>) -> Result<Sent, SyncError> {
        let writes: Vec<AssetWrite> = batch.iter().map(|ready| ready.write.clone()).collect();
        match self.context.halo.write_assets(&writes).await {
            Ok(answer) => {
                if answer.shape != AnswerShape::Unreadable {
                    self.readable_answer();
                }
                self.warn(answer.warnings.clone());
                match told_rows(&writes, &answer, entry.highest_asset) {
                    Some(rows) => Ok(Sent::Done(
                        batch
                            .into_iter()
                            .zip(rows)
                            .map(|(ready, row)| {
                                let (asset, told) = merge(None, row.id, &ready.write, Some(&row));
                                (ready, asset, told)
                            })
                            .collect(),
                    )),
                    None => self.look_up(entry, batch).await,
                }
            }
            Err(error) => match &error.problem {
                WriteProblem::Refused { row, .. } => {
                    Ok(Sent::Refused { row: *row, reason: format!("Halo refuses it: {error}"), batch })
                }
                WriteProblem::Unclear { .. } | WriteProblem::Failed { .. } => {
                    tracing::warn!(%error, "a create's answer is unclear; looking it up");
                    tokio::time::sleep(SETTLE).await;
                    self.look_up(entry, batch).await
                }
                WriteProblem::Forbidden { .. } => Ok(Sent::Forbidden { batch, error }),
                WriteProblem::Unsent { .. } => {
                    // Nothing of it was carried out.
                    self.forget_journal(entry).await?;
                    Err(error.into())
                }
            },
        }
    }

    /// Reads what is new in Halo and pairs it with the batch.
    async fn look_up(&mut self, entry: &JournalEntry, batch: Vec<Ready>) -> Result<Sent, SyncError> {
        let sent: Vec<(&AssetWrite, &Link)> = batch.iter().map(|ready| (&ready.write, &ready.link)).collect();
        let (rows, found) = find_created(self.context.halo, &sent, entry.highest_asset).await?;
        let mut done = Vec::new();
        let mut again = Vec::new();
        let mut unclear = Vec::new();
        for (ready, found) in batch.into_iter().zip(found) {
            match found {
                Found::Row(index) => match rows.get(index) {
                    Some(row) => {
                        let (asset, told) = merge(None, row.id, &ready.write, Some(row));
                        done.push((ready, asset, told));
                    }
                    None => again.push(ready),
                },
                Found::Nothing => again.push(ready),
                Found::Unclear => unclear.push(ready),
            }
        }
        Ok(Sent::Partly { done, again, unclear })
    }

    /// What cannot be told apart stays in the journal, so that no later run creates it again unseen.
    async fn hold_unclear(
        &mut self,
        entry: &JournalEntry,
        done: Vec<(Ready, Asset, Told)>,
        unclear: &[Ready],
    ) -> Result<(), SyncError> {
        let left = (!unclear.is_empty()).then(|| JournalEntry {
            steps: entry
                .steps
                .iter()
                .filter(|step| unclear.iter().any(|ready| ready.link.device == step.device))
                .cloned()
                .collect(),
            ..entry.clone()
        });
        for ready in unclear {
            self.fail(&ready.step, UNCLEAR);
        }
        self.commit_done(entry, done, left).await
    }
}

/// Why a device stays held after a write that cannot be told apart.
pub(super) const UNCLEAR: &str = "its asset may have been created, but several new assets look like it; give each its Intune id in Halo, or delete the ones too many";

/// The answer's rows in the order of the writes, where the answer tells them surely. `mark` is the greatest number of
/// an asset before the writes: a row that is not above it is another asset, whatever else the row shows.
fn told_rows(writes: &[AssetWrite], answer: &WriteAnswer, mark: Option<AssetId>) -> Option<Vec<Asset>> {
    if answer.rows.len() != writes.len() || answer.shape == AnswerShape::Unreadable {
        return None;
    }
    let mut ids: Vec<AssetId> = answer.rows.iter().map(|row| row.id).collect();
    ids.sort_unstable();
    ids.dedup();
    let is_next = |id: &AssetId| mark.is_none_or(|mark| *id > mark && id.0 - mark.0 <= PLAUSIBLE_GAP);
    let are_new = ids.len() == writes.len() && ids.iter().all(|id| *id != AssetId(0) && is_next(id));
    if !are_new {
        return None;
    }
    let id = |text: &Option<String>| text.as_deref().map(fold);
    let in_order = writes
        .iter()
        .zip(&answer.rows)
        .all(|(write, row)| row.intune_id.is_none() || id(&row.intune_id) == id(&write.intune_id));
    if in_order {
        return Some(answer.rows.clone());
    }
    writes
        .iter()
        .map(|write| {
            let mut rows = answer.rows.iter().filter(|row| id(&row.intune_id) == id(&write.intune_id));
            match (rows.next(), rows.next()) {
                (Some(row), None) => Some(row.clone()),
                _ => None,
            }
        })
        .collect()
}

/// Reads the assets above `mark`, newest first, and pairs them with creates. Fields are read too, type by type.
pub(super) async fn find_created(
    halo: &HaloClient,
    creates: &[(&AssetWrite, &Link)],
    mark: Option<AssetId>,
) -> Result<(Vec<Asset>, Vec<Found>), SyncError> {
    let mut types: Vec<Option<TypeId>> = creates.iter().map(|(write, _)| write.type_id).collect();
    types.sort_unstable();
    types.dedup();
    let mut rows: Vec<Asset> = Vec::new();
    for type_id in types {
        let query = AssetQuery { type_id, order: AssetOrder::IdDescending, ..AssetQuery::all() };
        let mut walk = halo.assets(query);
        let mut last = None;
        while let Some(page) = walk.next_page().await? {
            // A Halo that does not know the order shows the newest assets anywhere: its list is read to the end.
            let mut falls = true;
            for row in page.rows.into_iter().flatten() {
                falls &= last.is_none_or(|last| row.id < last);
                last = Some(row.id);
                if mark.is_none_or(|mark| row.id > mark) && !rows.iter().any(|known| known.id == row.id) {
                    rows.push(row);
                }
            }
            if falls && last.is_some_and(|last| mark.is_some_and(|mark| last <= mark)) {
                break;
            }
        }
    }
    rows.sort_by_key(|row| row.id);
    let found = pair_created(creates, &rows);
    Ok((rows, found))
}

/// A refused batch in parts: the named row alone, else two halves.
pub(super) fn split(mut batch: Vec<Ready>, row: Option<usize>) -> Vec<Vec<Ready>> {
    match row.filter(|row| *row < batch.len()) {
        Some(row) => {
            let bad = batch.remove(row);
            vec![vec![bad], batch]
        }
        None => halves(batch).collect(),
    }
}

pub(super) fn halves(mut batch: Vec<Ready>) -> impl Iterator<Item = Vec<Ready>> {
    let second = batch.split_off(batch.len().div_ceil(2));
    [second, batch].into_iter()
}
