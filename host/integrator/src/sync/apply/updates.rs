//! Changing assets: safe to repeat, split until a row that Halo refuses is alone.

use super::answer::{Told, merge};
use super::creates::{halves, split};
use super::software::Retry;
use super::{Applier, Ready};
use crate::halo::{AnswerShape, WriteProblem};
use crate::sync::error::SyncError;
use integrator_core::model::{Asset, AssetId, AssetWrite};

impl Applier<'_> {
    /// Sends one batch of updates, and what follows from it, to its end.
    pub(super) async fn flush_updates(&mut self) -> Result<(), SyncError> {
        self.stop_asked()?;
        let size = self.batch_size();
        let rest = self.updates.split_off(size.min(self.updates.len()));
        let batch = std::mem::replace(&mut self.updates, rest);
        let mut open = vec![batch];
        while let Some(batch) = open.pop() {
            let batch = self.without_software(batch).await?;
            if batch.is_empty() {
                continue;
            }
            let writes: Vec<AssetWrite> = batch.iter().map(|ready| ready.write.clone()).collect();
            let entry = self.journal(&batch).await?;
            let error = match self.context.halo.write_assets(&writes).await {
                Ok(answer) => {
                    if answer.shape != AnswerShape::Unreadable {
                        self.readable_answer();
                    }
                    self.compare_software(&batch, &answer);
                    self.warn(answer.warnings);
                    let done = self.updated(batch, &answer.rows).await?;
                    self.commit_done(&entry, done, None).await?;
                    continue;
                }
                Err(error) => error,
            };
            match &error.problem {
                WriteProblem::Refused { row, .. } => {
                    self.forget_journal(&entry).await?;
                    match batch.as_slice() {
                        [one] => {
                            let reason = format!("Halo refuses it: {error}");
                            match self.retry_without_software(one, &reason).await? {
                                Retry::Again(plain) => open.push(vec![*plain]),
                                Retry::Done => {}
                                Retry::Never => self.fail(&one.step, &reason),
                            }
                        }
                        _ => open.extend(split(batch, *row)),
                    }
                }
                WriteProblem::Failed { .. } | WriteProblem::Unclear { .. } => {
                    // It may have been carried out; the journal lets the next run find out.
                    match batch.as_slice() {
                        [one] => {
                            let reason = format!("Halo's answer to it is unclear: {error}");
                            match self.retry_without_software(one, &reason).await? {
                                Retry::Again(plain) => {
                                    self.forget_journal(&entry).await?;
                                    open.push(vec![*plain]);
                                }
                                Retry::Done => self.forget_journal(&entry).await?,
                                Retry::Never => self.fail(&one.step, &reason),
                            }
                        }
                        _ => {
                            self.forget_journal(&entry).await?;
                            open.extend(halves(batch));
                        }
                    }
                }
                WriteProblem::Forbidden { .. }
                    if self.software.off.is_none()
                        && batch.iter().any(|ready| ready.write.software.is_some()) =>
                {
                    self.forget_journal(&entry).await?;
                    self.software.off = Some(format!("Halo lets nobody write it here: {error}"));
                    open.push(batch);
                }
                WriteProblem::Forbidden { .. } | WriteProblem::Unsent { .. } => {
                    self.forget_journal(&entry).await?;
                    return Err(error.into());
                }
            }
        }
        Ok(())
    }

    async fn updated(
        &self,
        batch: Vec<Ready>,
        rows: &[Asset],
    ) -> Result<Vec<(Ready, Asset, Told)>, SyncError> {
        let ids: Vec<AssetId> = batch.iter().filter_map(|ready| ready.write.id).collect();
        let before = self.context.store.assets(&ids).await?;
        Ok(batch
            .into_iter()
            .zip(ids)
            .zip(before)
            .map(|((ready, id), before)| {
                let row = rows.iter().find(|row| row.id == id);
                let (asset, told) = merge(before.as_ref(), id, &ready.write, row);
                (ready, asset, told)
            })
            .collect())
    }
}
