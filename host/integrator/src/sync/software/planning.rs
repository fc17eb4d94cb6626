//! Software in the plan: licences before all else, then each device's list as part of its asset's own write.

use crate::sync::decide::Shared;
use crate::sync::error::SyncError;
use crate::sync::planner::Planner;
use integrator_core::decide::LicenceTarget;
use integrator_core::model::{AssetId, DeviceKey, LicenceWrite, Link, LinkState, SoftwareMemory};
use integrator_core::plan::software::PlannedSoftware;
use integrator_core::plan::{
    Planned, StepId, Title, Titles, plan_licence, plan_software, software_alone, with_software,
};
use integrator_core::resolve::Pair;
use integrator_core::settings::Creation;
use rustc_hash::{FxHashMap, FxHashSet};
use std::sync::Arc;

/// The titles and licences that a plan has named so far.
#[derive(Debug, Default)]
pub(crate) struct PlannedTitles {
    /// The number of an application in the plan's table.
    numbers: FxHashMap<u32, u32>,
    /// The table.
    titles: Vec<Title>,
    /// The step that creates a missing licence, by its index.
    licences: FxHashMap<u32, StepId>,
    /// All steps that create a licence, of every tenant.
    steps: FxHashSet<StepId>,
}

impl PlannedTitles {
    /// Forgets what is of one tenant's inventory. The table stays: the plan's lines refer to it.
    pub(crate) fn turn(&mut self) {
        self.numbers.clear();
        self.licences.clear();
    }
}

/// Whether what is remembered of a device's software was written to the asset that it has now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Written {
    /// It was.
    Here,
    /// If at all, to another one.
    Elsewhere,
}

impl Shared {
    /// Whether a device's software needs no write.
    pub(crate) fn software_holds(&self, device: DeviceKey) -> bool {
        self.software.as_ref().is_none_or(|side| side.decision.changed(device).is_none())
    }
}

impl Planner<'_> {
    /// Plans the licences that the devices of this import need, before any device: they are created together then.
    pub(crate) async fn plan_licences(&mut self) -> Result<(), SyncError> {
        let shared = Arc::clone(&self.shared);
        let Some(side) = &shared.software else { return Ok(()) };
        if shared.only.is_some() || side.decision.new_licences.is_empty() {
            return Ok(());
        }
        let creates = shared.rulebook.connection.imports.create == Creation::Create;
        for (row, pair) in shared.resolved.rows.iter().zip(&shared.resolved.pairs) {
            let imported = match pair {
                Pair::Linked(_) | Pair::Inherits(..) | Pair::Matched(..) => true,
                Pair::New => creates,
                Pair::Held(_) | Pair::Superseded(_) | Pair::Excluded => false,
            };
            if !imported {
                continue;
            }
            for application in side.decision.changed(row.key).unwrap_or_default() {
                if let LicenceTarget::New(number) = side.decision.target(*application) {
                    self.licence_step(number).await?;
                }
            }
        }
        Ok(())
    }

    /// The step that creates a licence, planned once.
    async fn licence_step(&mut self, number: u32) -> Result<Option<StepId>, SyncError> {
        if let Some(step) = self.planned_titles.licences.get(&number) {
            return Ok(Some(step.clone()));
        }
        let shared = Arc::clone(&self.shared);
        let Some(side) = &shared.software else { return Ok(None) };
        let Some(missing) = side.decision.new_licences.get(number as usize) else { return Ok(None) };
        let step = plan_licence(LicenceWrite {
            name: missing.name.clone(),
            manufacturer: Some(missing.publisher.clone()).filter(|publisher| !publisher.is_empty()),
            client: Some(shared.rulebook.client.id),
            key: missing.key.clone(),
        });
        let id = step.step.clone();
        self.planned_titles.licences.insert(number, id.clone());
        // Two tenants of one client may lack the same licence.
        if self.planned_titles.steps.insert(id.clone()) {
            self.sink.step(step).await?;
        }
        Ok(Some(id))
    }

    /// What a device's software becomes; `None` where nothing of it is written.
    pub(crate) async fn software_of(
        &mut self,
        device: DeviceKey,
        written: Written,
    ) -> Result<Option<PlannedSoftware>, SyncError> {
        let shared = Arc::clone(&self.shared);
        let Some(side) = &shared.software else { return Ok(None) };
        let list = match written {
            Written::Here => side.decision.changed(device),
            Written::Elsewhere => side.decision.list(device),
        };
        let Some(list) = list else { return Ok(None) };
        let before: Option<SoftwareMemory> = match side.decision.remembered(device) {
            Some(_) => self.store.software(self.tenant.key(), &[device]).await?.pop().flatten(),
            None => None,
        };
        let first = self.planned_titles.titles.len();
        let mut numbers = Vec::with_capacity(list.len());
        for application in list {
            if let Some(number) = self.planned_titles.numbers.get(application) {
                numbers.push(*number);
                continue;
            }
            let Some(known) = side.decision.inventory().applications().get(*application as usize) else {
                continue;
            };
            let (licence, step) = match side.decision.target(*application) {
                LicenceTarget::Existing(id) => (Some(id), None),
                LicenceTarget::New(number) => (None, self.licence_step(number).await?),
                LicenceTarget::None => (None, None),
            };
            let number = u32::try_from(self.planned_titles.titles.len()).unwrap_or(u32::MAX);
            let title = Title { name: known.name.clone(), version: known.version.clone(), licence, step };
            self.planned_titles.titles.push(title);
            self.planned_titles.numbers.insert(*application, number);
            numbers.push(number);
        }
        if let Some(new) = self.planned_titles.titles.get(first..).filter(|new| !new.is_empty()) {
            let titles = Titles { first: u32::try_from(first).unwrap_or(u32::MAX), titles: new.to_vec() };
            self.sink.titles(titles).await?;
        }
        let rows: Vec<(u32, &Title)> = numbers
            .iter()
            .filter_map(|number| Some((*number, self.planned_titles.titles.get(*number as usize)?)))
            .collect();
        let before = before.as_ref().map(|memory| (memory.digest, memory.titles.as_slice()));
        let mut planned = plan_software(&rows, before.filter(|_| written == Written::Here));
        planned.write.before = before.map(|(digest, _)| digest);
        Ok(Some(planned))
    }

    /// Adds a device's software to what was planned for its asset.
    pub(crate) async fn and_software(
        &mut self,
        device: DeviceKey,
        asset: AssetId,
        link: Option<&Link>,
        planned: Planned,
    ) -> Result<Planned, SyncError> {
        if matches!(planned, Planned::NeedsUsers(_) | Planned::NeedsMembers(..)) {
            return Ok(planned);
        }
        let written = if link.is_some() { Written::Here } else { Written::Elsewhere };
        let Some(software) = self.software_of(device, written).await? else { return Ok(planned) };
        let before = link.map_or(LinkState::Present, |link| link.state);
        Ok(match planned {
            Planned::Step(step) => Planned::Step(Box::new(with_software(*step, software))),
            Planned::Remember(remember) => match remember.link {
                Some(after) => {
                    let step = software_alone(asset, after, remember.forget, before, software);
                    Planned::Step(Box::new(step))
                }
                None => Planned::Remember(remember),
            },
            Planned::Unchanged => match link {
                Some(link) => {
                    Planned::Step(Box::new(software_alone(asset, link.clone(), None, before, software)))
                }
                None => Planned::Unchanged,
            },
            Planned::NeedsUsers(_) | Planned::NeedsMembers(..) => planned,
        })
    }
}
