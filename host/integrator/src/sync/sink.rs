//! Where a plan's lines go while it is made: into the store, counted and digested.

use super::error::SyncError;
use super::kept::HeldLines;
use crate::store::PlanWriter;
use chrono::{DateTime, Utc};
use integrator_core::decide::rulebook::proposal::Foretold;
use integrator_core::decide::{Decision, Rulebook, TypeRef};
use integrator_core::model::{Asset, AssetId, Counts, Link, LinkState};
use integrator_core::plan::text;
use integrator_core::plan::{
    AtHand, Baseline, Effect, Footer, GuardVerdict, Header, HeldDevice, Line, Part, Remember, Step, StepKind,
    Tally, Theirs, Titles,
};
use integrator_core::resolve::Pair;
use integrator_core::settings::{GuardKind, TypeUpdates};

/// Lines kept back before they are handed to the store.
const BUFFERED: usize = 512;
/// Held devices that the run's record names; the plan names all.
const HELD_TOLD: u64 = 20;

/// A plan being made.
pub(crate) struct PlanSink {
    writer: Box<dyn PlanWriter>,
    hasher: blake3::Hasher,
    buffer: Vec<String>,
    steps: u64,
    /// The figures that the plan foretells.
    pub(crate) counts: Counts,
    /// What people should know.
    pub(crate) notices: Vec<String>,
    /// Whether something was left out that the run's ending must tell.
    pub(crate) left_out: bool,
    /// Store changes without a write.
    pub(crate) remembered: u64,
    told_held: Vec<String>,
    /// When the plan was made: what is concluded in it bears that time.
    made: DateTime<Utc>,
    /// Held devices that no line of their own names.
    held_with_others: u64,
    /// Where held devices are noted besides, to be found singly.
    held_lines: Option<HeldLines>,
    /// What the guards count.
    pub(crate) tally: Tally,
    /// What later plans are judged by, once this one is applied.
    pub(crate) baseline: Option<Baseline>,
    /// The greatest number of an asset in the index.
    pub(crate) newest_asset: Option<AssetId>,
    /// What proposals would change.
    foretold: Vec<Foretold>,
}

impl std::fmt::Debug for PlanSink {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PlanSink").field("steps", &self.steps).finish_non_exhaustive()
    }
}

impl PlanSink {
    /// Begins with the header.
    pub(crate) async fn begin(writer: Box<dyn PlanWriter>, header: Header) -> Result<Self, SyncError> {
        let mut sink = Self {
            writer,
            hasher: blake3::Hasher::new(),
            buffer: Vec::with_capacity(BUFFERED),
            steps: 0,
            counts: Counts::default(),
            notices: Vec::new(),
            left_out: false,
            remembered: 0,
            told_held: Vec::new(),
            made: header.made,
            held_with_others: 0,
            held_lines: None,
            tally: Tally::new(header.made),
            baseline: None,
            newest_asset: None,
            foretold: Vec::new(),
        };
        sink.line(&Line::Header(header)).await?;
        Ok(sink)
    }

    /// Adds rows to the table of titles.
    pub(crate) async fn titles(&mut self, titles: Titles) -> Result<(), SyncError> {
        self.line(&Line::Titles(titles)).await
    }

    /// Adds a write.
    pub(crate) async fn step(&mut self, step: Step) -> Result<(), SyncError> {
        self.steps += 1;
        count(&mut self.counts, &step);
        self.tally.step(&step);
        self.line(&Line::Step(Box::new(step))).await
    }

    /// Adds a change of the store alone.
    pub(crate) async fn remember(&mut self, remember: Remember) -> Result<(), SyncError> {
        self.remembered += 1;
        self.tally.remember(&remember);
        if remember.link.as_ref().is_some_and(|link| concluded(link, self.made)) {
            self.counts.assets_deactivated += 1;
        }
        self.line(&Line::Remember(Box::new(remember))).await
    }

    /// Adds a device that is left alone.
    pub(crate) async fn held(&mut self, held: HeldDevice) -> Result<(), SyncError> {
        self.held_as(held, GuardKind::Held).await
    }

    /// The same, counted for the guard that watches the reason.
    pub(crate) async fn held_as(&mut self, held: HeldDevice, kind: GuardKind) -> Result<(), SyncError> {
        self.tally.held(&held, kind);
        self.counts.devices_held += 1;
        if self.counts.devices_held - self.held_with_others <= HELD_TOLD {
            self.told_held.push(text::held(&held));
        }
        if let Some(lines) = &mut self.held_lines {
            lines.add(&held);
        }
        self.line(&Line::Held(held)).await
    }

    /// Notes held devices there too, from now on.
    pub(crate) fn note_held(&mut self, lines: HeldLines) {
        self.held_lines = Some(lines);
    }

    /// What was noted since; no more is.
    pub(crate) fn take_held_lines(&mut self) -> Option<HeldLines> {
        self.held_lines.take()
    }

    /// Adds a tenant without a client, whose devices, so many, are left alone: one line for all of them.
    pub(crate) async fn held_tenant(&mut self, held: HeldDevice, devices: u64) -> Result<(), SyncError> {
        self.counts.tenants_held += 1;
        self.counts.devices_read += devices;
        self.counts.devices_held += devices;
        self.held_with_others += devices;
        self.left_out = true;
        self.told_held.push(text::held(&held));
        self.line(&Line::Held(held)).await
    }

    /// Adds what people changed on an asset, and the plan leaves to them.
    pub(crate) async fn theirs(&mut self, theirs: Theirs) -> Result<(), SyncError> {
        self.counts.edits_kept += theirs.left.len() as u64;
        self.line(&Line::Theirs(theirs)).await
    }

    /// Turns to the asset of a device that Intune shows. Where types are set once and never changed, a device counts
    /// for the type that it should have: that of its asset is a person's affair.
    pub(crate) fn look_at(&mut self, asset: &Asset, decision: &Decision, pair: &Pair, rulebook: &Rulebook) {
        let asset_type = match (&decision.asset_type.asset_type, rulebook.types.update) {
            (TypeRef::Existing(decided), TypeUpdates::Keep) => Some(*decided),
            _ => asset.type_id,
        };
        let how = if matches!(pair, Pair::Matched(..)) { AtHand::Matched } else { AtHand::Linked };
        self.tally.look_at(asset.id, asset_type, how);
    }

    /// Turns to the asset of a device that is absent.
    pub(crate) fn look_at_absent(&mut self, id: AssetId, asset: Option<&Asset>) {
        self.tally.look_at(id, asset.and_then(|asset| asset.type_id), AtHand::Absent);
    }

    /// Adds what proposals would change of some devices.
    pub(crate) fn foretell(&mut self, foretold: Vec<Foretold>) {
        for one in foretold {
            match self.foretold.iter_mut().find(|known| known.proposal == one.proposal) {
                Some(known) => known.add(one),
                None => self.foretold.push(one),
            }
        }
    }

    /// Ends with the footer, and makes the plan durable.
    pub(crate) async fn finish(mut self, guards: Vec<GuardVerdict>) -> Result<Footer, SyncError> {
        self.notices.extend(self.foretold.iter().map(Foretold::text));
        self.notices.append(&mut self.told_held);
        let alone = self.counts.devices_held - self.held_with_others;
        let more = alone.saturating_sub(HELD_TOLD);
        if more > 0 {
            self.notices.push(format!("held  {more} more: the plan names them all"));
        }
        let footer = Footer {
            steps: self.steps,
            counts: self.counts.clone(),
            notices: std::mem::take(&mut self.notices),
            guards,
            left_out: self.left_out,
            baseline: self.baseline.take(),
            newest_asset: self.newest_asset,
            proposals: std::mem::take(&mut self.foretold),
            digest: self.hasher.finalize().to_hex().to_string(),
        };
        self.line(&Line::Footer(Box::new(footer.clone()))).await?;
        self.writer.append(std::mem::take(&mut self.buffer)).await?;
        self.writer.finish().await?;
        Ok(footer)
    }

    async fn line(&mut self, line: &Line) -> Result<(), SyncError> {
        let text = serde_json::to_string(line)
            .map_err(|error| SyncError::bug(format!("writing a plan: {error}")))?;
        self.hasher.update(text.as_bytes());
        self.hasher.update(b"\n");
        self.buffer.push(text);
        if self.buffer.len() >= BUFFERED {
            self.writer.append(std::mem::take(&mut self.buffer)).await?;
        }
        Ok(())
    }
}

/// Whether a link is remembered because its device was concluded deleted or inactive by the plan of that time.
pub(crate) fn concluded(link: &Link, made: DateTime<Utc>) -> bool {
    matches!(link.state, LinkState::Deleted | LinkState::Inactive)
        && link.since.timestamp_millis() == made.timestamp_millis()
}

/// Adds what a step does to the figures.
pub(crate) fn count(counts: &mut Counts, step: &Step) {
    match (step.kind, step.effect) {
        (StepKind::CreateClient, _) => counts.clients_created += 1,
        (StepKind::UpdateClient, _) => counts.clients_updated += 1,
        (StepKind::CreateType, _) => counts.types_created += 1,
        (StepKind::CreateLicence, _) => counts.licences_created += 1,
        (StepKind::CreateAsset, _) => counts.assets_created += 1,
        (StepKind::UpdateAsset, effect) => {
            counts.assets_updated += 1;
            match effect {
                Effect::Deactivate => counts.assets_deactivated += 1,
                Effect::Recover => counts.assets_recovered += 1,
                Effect::Create | Effect::Update => {}
            }
        }
    }
    if step.software.is_some() {
        counts.software_written += 1;
    }
    for change in step.changes.iter().filter(|change| change.part == Part::User) {
        if change.to.is_some() {
            counts.users_linked += 1;
        } else {
            counts.users_unlinked += 1;
        }
    }
}
