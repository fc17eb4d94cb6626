//! What the guards count, while a plan's lines go by: numbers by guard and asset type, and the first rows of each.
//!
//! A row counts for one guard of those that would tell the same: a status that is set because a device is concluded
//! deleted or inactive is a deactivation, and a device that a plugin's failing holds is quarantined.

use super::{GuardKind, GuardRow};
use crate::model::{AssetId, Device, Link, LinkState, Member, TypeId};
use crate::plan::line::{HeldDevice, Remember};
use crate::plan::step::{Change, Effect, Part, Step, StepKind};
use crate::plan::text;
use chrono::{DateTime, Utc};
use std::collections::BTreeMap;

/// Rows of each guard that a refusal names.
pub const ROWS: usize = 20;

/// How the asset at hand came to be looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AtHand {
    /// Its device is linked with it, or took over the link.
    Linked,
    /// It had no device, and matches one.
    Matched,
    /// Its device is absent from the sweep.
    Absent,
}

/// Whether it is known how many devices each type has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Types {
    Known,
    Lost,
}

/// The asset whose lines go by.
#[derive(Clone, Copy, Debug)]
struct Looked {
    asset: AssetId,
    asset_type: Option<TypeId>,
    how: AtHand,
}

/// One guard's numbers.
#[derive(Clone, Debug, Default)]
pub(super) struct Counted {
    pub(super) count: u64,
    pub(super) rows: Vec<GuardRow>,
    pub(super) types: BTreeMap<TypeId, (u64, Vec<GuardRow>)>,
}

/// The numbers of a plan that is being made.
#[derive(Clone, Debug)]
pub struct Tally {
    /// When the plan was made: what is concluded in it bears that time.
    made: DateTime<Utc>,
    /// Members that hold nothing but moments of Intune's.
    timestamps: Vec<Member>,
    looked: Option<Looked>,
    counted: BTreeMap<GuardKind, Counted>,
    /// Devices decided, by the type that each should have.
    decided: BTreeMap<TypeId, u64>,
    /// Whether that is known of all.
    types: Types,
    /// Assets that leave a type, and that come to it.
    moved: BTreeMap<TypeId, (u64, u64)>,
    created: BTreeMap<TypeId, u64>,
    absent: BTreeMap<TypeId, u64>,
    matched: u64,
}

impl Tally {
    /// Begins with the plan.
    pub fn new(made: DateTime<Utc>) -> Self {
        Self {
            made,
            timestamps: Vec::new(),
            looked: None,
            counted: BTreeMap::new(),
            decided: BTreeMap::new(),
            types: Types::Known,
            moved: BTreeMap::new(),
            created: BTreeMap::new(),
            absent: BTreeMap::new(),
            matched: 0,
        }
    }

    /// Which members hold nothing but moments: a change of these alone is no update.
    pub fn take_timestamps(&mut self, members: impl IntoIterator<Item = Member>) {
        for member in members {
            if !self.timestamps.contains(&member) {
                self.timestamps.push(member);
            }
        }
    }

    /// Adds devices that were decided, by their type.
    pub fn add_decided(&mut self, types: impl IntoIterator<Item = (TypeId, u64)>) {
        for (asset_type, count) in types {
            *self.decided.entry(asset_type).or_default() += count;
        }
    }

    /// Gives up the numbers of types: some devices were counted twice. All types together are judged all the same.
    pub fn lose_types(&mut self) {
        self.types = Types::Lost;
    }

    /// Whether types can be judged alone.
    pub(super) fn knows_types(&self) -> bool {
        self.types == Types::Known
    }

    /// Turns to an existing asset, with the type that its device counts for before the plan is applied.
    pub fn look_at(&mut self, asset: AssetId, asset_type: Option<TypeId>, how: AtHand) {
        self.looked = Some(Looked { asset, asset_type, how });
    }

    /// Counts the asset at hand as newly matched with a device.
    pub fn newly_matched(&mut self, device: &Device) {
        self.matched += 1;
        let asset = self.looked.map(|looked| looked.asset);
        let asset_type = self.looked.and_then(|looked| looked.asset_type);
        self.count(GuardKind::NewlyMatched, asset_type, || GuardRow {
            name: device.name().to_owned(),
            device: Some(device.id.clone()),
            what: format!("takes asset {}", asset.map(|id| id.to_string()).unwrap_or_default()),
        });
    }

    /// Newly matched assets.
    pub fn matched(&self) -> u64 {
        self.matched
    }

    /// Counts a step.
    pub fn step(&mut self, step: &Step) {
        match step.kind {
            StepKind::CreateAsset => self.create(step),
            StepKind::UpdateAsset => self.update(step),
            StepKind::CreateClient
            | StepKind::UpdateClient
            | StepKind::CreateType
            | StepKind::CreateLicence => {}
        }
    }

    fn create(&mut self, step: &Step) {
        let asset_type = step.asset.as_ref().and_then(|write| write.type_id);
        if let Some(asset_type) = asset_type {
            *self.created.entry(asset_type).or_default() += 1;
        }
        self.count(GuardKind::Create, asset_type, || row_of(step, "is created".to_owned()));
    }

    fn update(&mut self, step: &Step) {
        let looked = self.looked.filter(|looked| Some(looked.asset) == step.target());
        let asset_type = looked.and_then(|looked| looked.asset_type);
        let matched = looked.is_some_and(|looked| looked.how == AtHand::Matched);
        // An import deactivates only what it concludes; the way back from a run also what is present.
        let taken_back = step.effect == Effect::Deactivate
            && step.link.as_ref().is_some_and(|link| link.state == LinkState::Present);
        let concluded = taken_back || step.link.as_ref().is_some_and(|link| self.concluded(link));
        if concluded {
            self.deactivate(asset_type, looked, || row_of(step, all(step)));
        }
        if step.replaces.is_some() {
            let what = || row_of(step, replaced(step));
            self.count(GuardKind::DeleteLinks, asset_type, what);
        }
        let mut updates = false;
        for change in &step.changes {
            let row = || row_of(step, text::values(change));
            match &change.part {
                Part::Type => {
                    self.moves(change);
                    self.count(GuardKind::Type, asset_type, row);
                    updates = true;
                }
                Part::Status | Part::Inactive if concluded => {}
                Part::Status => {
                    self.count(GuardKind::Status, asset_type, row);
                    updates = true;
                }
                Part::Site => {
                    self.count(GuardKind::Site, asset_type, row);
                    updates = true;
                }
                Part::User => {
                    if change.to.is_none() {
                        self.count(GuardKind::Unlink, asset_type, row);
                    }
                    updates = true;
                }
                // Titles and versions change every day, as moments do.
                Part::Software => {}
                Part::Member(member) => updates |= !self.timestamps.contains(member),
                Part::Client | Part::Tenant | Part::Inactive | Part::IntuneId => updates = true,
            }
        }
        if updates && !matched && !concluded {
            self.count(GuardKind::Update, asset_type, || row_of(step, all(step)));
        }
    }

    /// Counts a change of the store alone.
    pub fn remember(&mut self, remember: &Remember) {
        let looked = remember.link.as_ref().and_then(|link| {
            let looked = self.looked?;
            (looked.asset == link.asset).then_some(looked)
        });
        let asset_type = looked.and_then(|looked| looked.asset_type);
        if let Some(link) = remember.link.as_ref().filter(|link| self.concluded(link)) {
            let row = || GuardRow {
                name: link.device_name.clone(),
                device: Some(link.device.clone()),
                what: remember.reason.clone(),
            };
            self.deactivate(asset_type, looked, row);
        }
        if let Some(device) = &remember.forget {
            let name =
                remember.link.as_ref().map_or_else(|| device.to_string(), |link| link.device_name.clone());
            let row = || GuardRow { name, device: Some(device.clone()), what: remember.reason.clone() };
            self.count(GuardKind::DeleteLinks, asset_type, row);
        }
    }

    /// Counts a device that could not be decided; `kind` says whether a plugin's being taken out is why.
    pub fn held(&mut self, held: &HeldDevice, kind: GuardKind) {
        self.count(kind, None, || GuardRow {
            name: held.name.clone(),
            device: held.device.clone(),
            what: held.reason.clone(),
        });
    }

    fn deactivate(
        &mut self,
        asset_type: Option<TypeId>,
        looked: Option<Looked>,
        row: impl FnOnce() -> GuardRow,
    ) {
        if let (Some(asset_type), Some(AtHand::Absent)) = (asset_type, looked.map(|looked| looked.how)) {
            *self.absent.entry(asset_type).or_default() += 1;
        }
        self.count(GuardKind::Deactivate, asset_type, row);
    }

    fn concluded(&self, link: &Link) -> bool {
        matches!(link.state, LinkState::Deleted | LinkState::Inactive)
            && link.since.timestamp_millis() == self.made.timestamp_millis()
    }

    fn moves(&mut self, change: &Change) {
        let number = |text: &Option<String>| text.as_deref().and_then(|text| text.parse().ok()).map(TypeId);
        if let Some(from) = number(&change.from) {
            self.moved.entry(from).or_default().0 += 1;
        }
        if let Some(to) = number(&change.to) {
            self.moved.entry(to).or_default().1 += 1;
        }
    }

    fn count(&mut self, kind: GuardKind, asset_type: Option<TypeId>, row: impl FnOnce() -> GuardRow) {
        let counted = self.counted.entry(kind).or_default();
        counted.count += 1;
        let of_type = asset_type.map(|asset_type| counted.types.entry(asset_type).or_default());
        let wanted = counted.rows.len() < ROWS;
        let Some((count, rows)) = of_type else {
            if wanted {
                counted.rows.push(row());
            }
            return;
        };
        *count += 1;
        if rows.len() < ROWS {
            let row = row();
            if wanted {
                counted.rows.push(row.clone());
            }
            rows.push(row);
        } else if wanted {
            counted.rows.push(row());
        }
    }

    /// One guard's numbers.
    pub(super) fn counted(&self, kind: GuardKind) -> Option<&Counted> {
        self.counted.get(&kind)
    }

    /// Devices that had this type before the plan: those that the sweep decided for it, without what the plan brings
    /// to it, and with what leaves it or is absent.
    pub(super) fn population(&self, asset_type: TypeId) -> u64 {
        let of = |table: &BTreeMap<TypeId, u64>| table.get(&asset_type).copied().unwrap_or(0);
        let created = of(&self.created);
        (self.present(asset_type) + of(&self.absent)).saturating_sub(created)
    }

    /// Devices that Intune shows of this type, by the type that each had before the plan.
    pub(super) fn present(&self, asset_type: TypeId) -> u64 {
        let (from, to) = self.moved.get(&asset_type).copied().unwrap_or_default();
        let decided = self.decided.get(&asset_type).copied().unwrap_or(0);
        (decided + from).saturating_sub(to)
    }

    /// Devices decided, by the type that each should have; nothing where that is not known of all.
    pub fn decided(&self) -> Vec<(TypeId, u64)> {
        if !self.knows_types() {
            return Vec::new();
        }
        self.decided.iter().map(|(asset_type, devices)| (*asset_type, *devices)).collect()
    }
}

fn row_of(step: &Step, what: String) -> GuardRow {
    GuardRow { name: step.name.clone(), device: step.device.clone(), what }
}

/// All that a step changes, on one line.
fn all(step: &Step) -> String {
    step.changes.iter().map(text::values).collect::<Vec<_>>().join("; ")
}

fn replaced(step: &Step) -> String {
    let device = step.replaces.as_ref().map(ToString::to_string).unwrap_or_default();
    format!("takes the asset of device {device}, whose link is forgotten")
}
