//! Software as part of an asset's write: its rows with the licences they got, and what becomes of a write that Halo
//! refuses because of it. Software never costs a device its other values.

use super::{Applier, Ready};
use crate::halo::WriteAnswer;
use crate::sync::error::SyncError;
use integrator_core::decide::software::digest;
use integrator_core::model::{AssetWrite, LicenceId, SoftwareMemory, SoftwareRow};
use integrator_core::plan::software::hashes;
use integrator_core::plan::{Remember, SoftwareWrite, Title, Titles};

/// After so many assets whose software was refused while the rest was taken, no more is sent.
const REFUSALS: u64 = 3;

/// The software of an apply.
#[derive(Debug, Default)]
pub(super) struct SoftwareState {
    /// The plan's table.
    titles: Vec<Title>,
    /// Why no more software is sent in this run.
    pub(super) off: Option<String>,
    /// What could not be written, licences included.
    pub(super) failed: u64,
    /// Assets that software was kept from after it was switched off.
    unsent: u64,
    refused: u64,
    /// Assets whose answers showed more software than was sent.
    kept: u64,
}

impl Applier<'_> {
    /// Takes a part of the plan's table.
    pub(super) fn add_titles(&mut self, titles: Titles) {
        if usize::try_from(titles.first).is_ok_and(|first| first == self.software.titles.len()) {
            self.software.titles.extend(titles.titles);
        }
    }

    /// Fills the rows of software into a write.
    pub(super) fn fill_software(&mut self, ready: &mut Ready) -> Result<(), SyncError> {
        let Some(software) = ready.step.software.clone() else { return Ok(()) };
        if self.software.off.is_some() {
            self.leave_software_out(ready);
            return Ok(());
        }
        let (rows, memory) = self.rows(ready, &software)?;
        ready.write.software = Some(rows);
        ready.software = Some(memory);
        Ok(())
    }

    fn rows(
        &self,
        ready: &Ready,
        software: &SoftwareWrite,
    ) -> Result<(Vec<SoftwareRow>, SoftwareMemory), SyncError> {
        let mut rows = Vec::with_capacity(software.titles.len());
        let mut shares = Vec::with_capacity(software.titles.len());
        let mut remembered = Vec::with_capacity(software.titles.len());
        for number in &software.titles {
            let Some(title) = self.software.titles.get(*number as usize) else {
                return Err(SyncError::bug(format!("the plan has no title {number}")));
            };
            let created = title.step.as_ref().and_then(|step| self.licences.of(step));
            let licence: Option<LicenceId> = title.licence.or(created);
            shares.push(title.share(licence));
            if let Some(licence) = licence {
                remembered.push(hashes(title));
                rows.push(SoftwareRow { name: title.name.clone(), version: title.version.clone(), licence });
            }
        }
        let digest = digest(shares.into_iter());
        let memory = SoftwareMemory::new(&ready.link.tenant, ready.link.device.key(), digest, remembered);
        Ok((rows, memory))
    }

    /// Takes software out of a write that has it only because it was planned.
    fn leave_software_out(&mut self, ready: &mut Ready) {
        if ready.step.software.take().is_some() {
            ready.write.software = None;
            ready.software = None;
            self.software.unsent += 1;
            self.software.failed += 1;
        }
    }

    /// Takes software out of a batch if none is sent any more. Writes of which nothing is left are done with.
    pub(super) async fn without_software(&mut self, batch: Vec<Ready>) -> Result<Vec<Ready>, SyncError> {
        if self.software.off.is_none() {
            return Ok(batch);
        }
        let mut left = Vec::with_capacity(batch.len());
        for mut ready in batch {
            self.leave_software_out(&mut ready);
            left.extend(self.or_done(ready).await?);
        }
        Ok(left)
    }

    /// A write that is left with nothing but its asset is not sent; what it was to remember is remembered.
    pub(super) async fn or_done(&mut self, ready: Ready) -> Result<Option<Ready>, SyncError> {
        let nothing = AssetWrite { id: ready.write.id, ..AssetWrite::default() };
        if ready.write.id.is_none() || ready.write != nothing {
            return Ok(Some(ready));
        }
        self.steps_done += 1;
        let reason = "its software could not be written".to_owned();
        let remember = Remember { link: Some(ready.link), forget: ready.step.replaces, tenant: None, reason };
        self.remember(remember).await?;
        Ok(None)
    }

    /// The same write without its software, after Halo would not have it with it; `None` when it has none, or when
    /// nothing is left of it.
    pub(super) async fn retry_without_software(
        &mut self,
        ready: &Ready,
        reason: &str,
    ) -> Result<Retry, SyncError> {
        if ready.write.software.is_none() {
            return Ok(Retry::Never);
        }
        let mut plain = ready.clone();
        plain.step.software = None;
        plain.write.software = None;
        plain.software = None;
        plain.refused_software = Some(reason.to_owned());
        match self.or_done(plain).await? {
            Some(plain) => Ok(Retry::Again(Box::new(plain))),
            None => {
                self.software_refused(&ready.step.name, reason);
                Ok(Retry::Done)
            }
        }
    }

    /// Halo took a write without its software that it had not taken with it.
    pub(super) fn software_refused(&mut self, name: &str, reason: &str) {
        self.software.failed += 1;
        self.software.refused += 1;
        self.failures.push(format!("software of {name}: {reason}"));
        if self.software.refused >= REFUSALS && self.software.off.is_none() {
            self.software.off = Some(format!("Halo refused it for {REFUSALS} assets: {reason}"));
        }
    }

    /// Looks at what Halo has of an asset's software after a write.
    pub(super) fn compare_software(&mut self, batch: &[Ready], answer: &WriteAnswer) {
        for ready in batch {
            let Some(sent) = &ready.write.software else { continue };
            let shown = answer.software.iter().find(|(id, _)| Some(*id) == ready.write.id);
            if shown.is_some_and(|(_, count)| *count > sent.len()) {
                self.software.kept += 1;
            }
        }
    }

    /// What people should know of software in the end.
    pub(super) fn report_software(&mut self) {
        self.applied.software_failed = self.software.failed;
        if let (Some(reason), 1..) = (&self.software.off, self.software.unsent) {
            let unsent = self.software.unsent;
            self.applied.notices.push(format!("software of {unsent} assets is left as it is: {reason}"));
        }
        if self.software.kept > 0 {
            self.applied.notices.push(format!(
                "Halo keeps titles on {} assets that are no longer installed: it adds what it is sent to what is there",
                self.software.kept
            ));
        }
    }
}

/// What to do with a write that Halo would not have with its software.
#[derive(Debug)]
pub(super) enum Retry {
    /// It had none: the refusal stands.
    Never,
    /// Nothing else is in it: it is done with.
    Done,
    /// Send this.
    Again(Box<Ready>),
}
