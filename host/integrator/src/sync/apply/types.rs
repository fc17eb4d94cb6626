//! Creating an asset type. Its name is its identity: a type whose creation's answer was lost is found by it.

use super::Applier;
use crate::halo::WriteProblem;
use crate::sync::error::SyncError;
use crate::sync::sink::count;
use integrator_core::plan::{Ending, Step};
use std::time::Duration;

impl Applier<'_> {
    pub(super) async fn create_type(&mut self, step: Step) -> Result<(), SyncError> {
        self.stop_asked()?;
        let Some(write) = step.new_type.clone() else {
            return Err(SyncError::bug(format!("step {} has no type to create", step.step)));
        };
        // Somebody may have created it since the plan was made.
        if let Some(known) =
            self.context.halo.asset_types().await?.into_iter().find(|known| known.name == write.name)
        {
            self.created_types.insert(step.step.clone(), known.id);
            self.steps_done += 1;
            return Ok(());
        }
        for attempt in 0..3 {
            let error = match self.context.halo.create_asset_type(&write).await {
                Ok(created) => {
                    self.created_types.insert(step.step.clone(), created.id);
                    count(&mut self.applied.counts, &step);
                    self.note(&step, Ending::Written, None);
                    self.steps_done += 1;
                    self.told_progress();
                    return Ok(());
                }
                Err(error) => error,
            };
            match &error.problem {
                WriteProblem::Refused { .. } => {
                    self.fail(&step, &format!("Halo refuses the asset type: {error}"));
                    return Ok(());
                }
                WriteProblem::Forbidden { .. } | WriteProblem::Unsent { .. } => return Err(error.into()),
                WriteProblem::Failed { .. } | WriteProblem::Unclear { .. } => {
                    tokio::time::sleep(Duration::from_millis(300)).await;
                    let types = self.context.halo.asset_types().await?;
                    if let Some(known) = types.into_iter().find(|known| known.name == write.name) {
                        self.created_types.insert(step.step.clone(), known.id);
                        count(&mut self.applied.counts, &step);
                        self.note(&step, Ending::Written, None);
                        self.steps_done += 1;
                        return Ok(());
                    }
                    if attempt == 2 {
                        self.fail(&step, &format!("Halo does not create the asset type: {error}"));
                    }
                }
            }
        }
        Ok(())
    }
}
