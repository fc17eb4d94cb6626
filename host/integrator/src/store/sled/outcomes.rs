//! Outcomes as they are stored: compact, in a layout of their own, so that what a plan may hold can grow without
//! touching what was written.
//!
//! The run and the place in it stand in the key. Of the link before a step, what the outcome says already is left out.

use super::codec::{bad, decode, encode};
use super::keys::Kind;
use super::stored::StoredLink2;
use crate::store::StoreError;
use chrono::DateTime;
use integrator_core::model::{AssetId, DeviceId, DeviceKey, Link, Member, RunId, TenantId};
use integrator_core::plan::{
    Effect, Ending, HeldSpell, Old, Outcome, OutcomeTally, Part, Replaced, StepKind,
};
use serde::{Deserialize, Serialize};

/// See [`Outcome`], whose members these are.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct StoredOutcome {
    at: i64,
    connection: String,
    tenant: String,
    device: Option<String>,
    name: String,
    asset: Option<i64>,
    step: Option<StoredStep>,
    effect: StoredEffect,
    ending: StoredEnding,
    reason: Option<String>,
    changes: Vec<StoredReplaced>,
    software: Option<u32>,
    before: Option<StoredLink2>,
}

#[derive(Debug, Serialize, Deserialize)]
struct StoredReplaced {
    part: StoredPart,
    name: String,
    from: Option<String>,
    to: Option<String>,
    shown: Option<(String, String)>,
    reason: String,
    old: StoredOld,
}

/// See [`OutcomeTally`]; `next` is the place of the run's next outcome.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub(super) struct StoredTally {
    pub(super) next: u32,
    pub(super) written: u32,
    pub(super) recovered: u32,
    pub(super) failed: u32,
    pub(super) refused: u32,
    pub(super) remembered: u32,
    pub(super) held: u32,
    pub(super) removed: bool,
}

/// See [`HeldSpell`]. The connection and the first run stand in the key, too; both are here for reading it alone.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct StoredHeld {
    connection: String,
    device: Option<String>,
    name: String,
    reason: String,
    first_run: String,
    since: i64,
    last_run: String,
    last: i64,
    runs: u32,
}

/// Two enums whose variants are the same, one of which is stored: new variants go to the end of the stored one.
macro_rules! mirrored {
    ($stored:ident, $own:ident: $($variant:ident),+ $(,)?) => {
        #[derive(Clone, Copy, Debug, Serialize, Deserialize)]
        enum $stored { $($variant),+ }

        impl From<$own> for $stored {
            fn from(own: $own) -> Self {
                match own { $($own::$variant => Self::$variant),+ }
            }
        }

        impl From<$stored> for $own {
            fn from(stored: $stored) -> Self {
                match stored { $($stored::$variant => Self::$variant),+ }
            }
        }
    };
}

mirrored!(StoredStep, StepKind: CreateClient, UpdateClient, CreateType, CreateLicence, CreateAsset, UpdateAsset);
mirrored!(StoredEffect, Effect: Create, Update, Deactivate, Recover);
mirrored!(StoredEnding, Ending: Written, Recovered, Failed, Refused, Remembered, Held);
mirrored!(StoredOld, Old: Known, Unknown, Cut);

#[derive(Debug, Serialize, Deserialize)]
enum StoredPart {
    Client,
    Tenant,
    Type,
    Site,
    Status,
    User,
    Inactive,
    IntuneId,
    Software,
    Member(Member),
}

impl From<Part> for StoredPart {
    fn from(part: Part) -> Self {
        match part {
            Part::Client => Self::Client,
            Part::Tenant => Self::Tenant,
            Part::Type => Self::Type,
            Part::Site => Self::Site,
            Part::Status => Self::Status,
            Part::User => Self::User,
            Part::Inactive => Self::Inactive,
            Part::IntuneId => Self::IntuneId,
            Part::Software => Self::Software,
            Part::Member(member) => Self::Member(member),
        }
    }
}

impl From<StoredPart> for Part {
    fn from(part: StoredPart) -> Self {
        match part {
            StoredPart::Client => Self::Client,
            StoredPart::Tenant => Self::Tenant,
            StoredPart::Type => Self::Type,
            StoredPart::Site => Self::Site,
            StoredPart::Status => Self::Status,
            StoredPart::User => Self::User,
            StoredPart::Inactive => Self::Inactive,
            StoredPart::IntuneId => Self::IntuneId,
            StoredPart::Software => Self::Software,
            StoredPart::Member(member) => Self::Member(member),
        }
    }
}

impl From<Replaced> for StoredReplaced {
    fn from(own: Replaced) -> Self {
        Self {
            part: own.part.into(),
            name: own.name,
            from: own.from,
            to: own.to,
            shown: own.shown,
            reason: own.reason,
            old: own.old.into(),
        }
    }
}

impl From<StoredReplaced> for Replaced {
    fn from(stored: StoredReplaced) -> Self {
        Self {
            part: stored.part.into(),
            name: stored.name,
            from: stored.from,
            to: stored.to,
            shown: stored.shown,
            reason: stored.reason,
            old: stored.old.into(),
        }
    }
}

impl From<Outcome> for StoredOutcome {
    fn from(own: Outcome) -> Self {
        let before = own.before.map(|link| {
            let mut link = *link;
            if own.device.as_ref() == Some(&link.device) {
                link.device.0.clear();
            }
            if link.tenant == own.tenant {
                link.tenant.0.clear();
            }
            if link.device_name == own.name {
                link.device_name.clear();
            }
            if link.connection == own.connection {
                link.connection.clear();
            }
            StoredLink2::from(link)
        });
        Self {
            at: own.at.timestamp_millis(),
            connection: own.connection,
            tenant: own.tenant.0,
            device: own.device.map(|device| device.0),
            name: own.name,
            asset: own.asset.map(|asset| asset.0),
            step: own.step.map(StoredStep::from),
            effect: own.effect.into(),
            ending: own.outcome.into(),
            reason: own.reason,
            changes: own.changes.into_iter().map(StoredReplaced::from).collect(),
            software: own.software,
            before,
        }
    }
}

impl StoredOutcome {
    fn whole(self, run: RunId, sequence: u32) -> Outcome {
        let before = self.before.map(|stored| {
            let mut link = Link::from(stored);
            let fill = |own: &mut String, from: &str| {
                if own.is_empty() {
                    from.clone_into(own);
                }
            };
            fill(&mut link.device.0, self.device.as_deref().unwrap_or_default());
            fill(&mut link.tenant.0, &self.tenant);
            fill(&mut link.device_name, &self.name);
            fill(&mut link.connection, &self.connection);
            Box::new(link)
        });
        Outcome {
            run,
            sequence,
            at: DateTime::from_timestamp_millis(self.at).unwrap_or_default(),
            connection: self.connection,
            tenant: TenantId(self.tenant),
            device: self.device.map(DeviceId),
            name: self.name,
            asset: self.asset.map(AssetId),
            step: self.step.map(StepKind::from),
            effect: self.effect.into(),
            outcome: self.ending.into(),
            reason: self.reason,
            changes: self.changes.into_iter().map(Replaced::from).collect(),
            software: self.software,
            before,
        }
    }
}

impl StoredTally {
    pub(super) fn add(&mut self, ending: Ending) {
        let mut tally = OutcomeTally::from(*self);
        tally.add(ending);
        let OutcomeTally { written, recovered, failed, refused, remembered, held, removed } = tally;
        *self = Self { next: self.next, written, recovered, failed, refused, remembered, held, removed };
    }
}

impl From<StoredTally> for OutcomeTally {
    fn from(stored: StoredTally) -> Self {
        let StoredTally { next: _, written, recovered, failed, refused, remembered, held, removed } = stored;
        Self { written, recovered, failed, refused, remembered, held, removed }
    }
}

impl From<HeldSpell> for StoredHeld {
    fn from(own: HeldSpell) -> Self {
        Self {
            connection: own.connection,
            device: own.device.map(|device| device.0),
            name: own.name,
            reason: own.reason,
            first_run: own.first_run.0,
            since: own.since.timestamp_millis(),
            last_run: own.last_run.0,
            last: own.last.timestamp_millis(),
            runs: own.runs,
        }
    }
}

impl From<StoredHeld> for HeldSpell {
    fn from(stored: StoredHeld) -> Self {
        Self {
            connection: stored.connection,
            device: stored.device.map(DeviceId),
            name: stored.name,
            reason: stored.reason,
            first_run: RunId(stored.first_run),
            since: DateTime::from_timestamp_millis(stored.since).unwrap_or_default(),
            last_run: RunId(stored.last_run),
            last: DateTime::from_timestamp_millis(stored.last).unwrap_or_default(),
            runs: stored.runs,
        }
    }
}

/// The place of an outcome as keys end with it: its run, and its place in the run.
pub(super) fn place(run: &str, sequence: u32) -> Vec<u8> {
    let mut place = Vec::with_capacity(run.len() + 5);
    place.extend_from_slice(run.as_bytes());
    place.push(0);
    place.extend_from_slice(&sequence.to_be_bytes());
    place
}

/// What the keys of a run's outcomes begin with.
pub(super) fn of_run(run: &str) -> Vec<u8> {
    let mut key = Kind::Outcome.text(run.as_bytes());
    key.push(0);
    key
}

/// What the keys of a device's outcomes begin with, in the index by device.
pub(super) fn of_device(kind: Kind, device: DeviceKey) -> Vec<u8> {
    kind.text(&device.to_bytes())
}

/// The key of a held device.
pub(super) fn held_key(held: &HeldSpell) -> Vec<u8> {
    let mut key = of_device(Kind::Held, held.key());
    key.extend_from_slice(held.connection.as_bytes());
    key.push(0);
    key.extend_from_slice(held.first_run.0.as_bytes());
    key
}

pub(super) fn encode_outcome(key: &[u8], outcome: Outcome) -> Result<Vec<u8>, StoreError> {
    encode(Kind::Outcome, key, &StoredOutcome::from(outcome))
}

pub(super) fn decode_outcome(key: &[u8], value: &[u8]) -> Result<Outcome, StoreError> {
    let stored: StoredOutcome = decode(Kind::Outcome, key, value)?;
    let place = key.get(1..).unwrap_or_default();
    let (run, sequence) = read_place(place)
        .ok_or_else(|| bad(Kind::Outcome, key, &"its key names no run and no place".to_owned()))?;
    Ok(stored.whole(RunId(run), sequence))
}

fn read_place(place: &[u8]) -> Option<(String, u32)> {
    let (run, sequence) = place.split_last_chunk::<4>()?;
    let run = run.strip_suffix(&[0])?;
    Some((String::from_utf8(run.to_vec()).ok()?, u32::from_be_bytes(*sequence)))
}
