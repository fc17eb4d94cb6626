//! What became of each step of a plan: the history that people look up, and that a run is reverted by.
//!
//! An outcome holds what a step wrote over what, with the reasons, and of the link before it what is needed to put
//! it back. It knows no store; how long it is kept is decided there.

use super::step::{Change, Effect, Part, Step, StepKind};
use super::text;
use crate::model::{Asset, AssetId, DeviceId, DeviceKey, FieldMemory, Link, Member, RunId, TenantId};
use chrono::{DateTime, Utc};
use serde::Serialize;
use std::fmt::{self, Write as _};

/// A value is kept up to so many bytes. A longer one is cut, and cannot be restored.
pub const LONGEST_VALUE: usize = 8192;
/// A reason is kept up to so many bytes.
pub const LONGEST_REASON: usize = 1024;

/// How a step, or a device without one, ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ending {
    /// Halo took it.
    Written,
    /// Its answer was lost; the run after it found that Halo has it.
    Recovered,
    /// Halo refused it, or did not answer clearly, or something that it needs failed.
    Failed,
    /// It was not sent: the record changed after the plan was made.
    Refused,
    /// Nothing was written, but what is known of the device changed.
    Remembered,
    /// The device was left alone because it could not be decided.
    Held,
}

impl Ending {
    /// All of them, in the order in which people are shown their counts.
    pub const ALL: [Self; 6] =
        [Self::Written, Self::Recovered, Self::Failed, Self::Refused, Self::Remembered, Self::Held];

    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Written => "written",
            Self::Recovered => "recovered",
            Self::Failed => "failed",
            Self::Refused => "refused",
            Self::Remembered => "remembered",
            Self::Held => "held",
        }
    }
}

impl fmt::Display for Ending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// What one step came to, or one device without a step.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Outcome {
    /// The run.
    pub run: RunId,
    /// Its place among the run's outcomes; the store gives it.
    pub sequence: u32,
    /// When.
    pub at: DateTime<Utc>,
    /// The connection, by file name.
    pub connection: String,
    /// The tenant of the device.
    pub tenant: TenantId,
    /// The device; types, clients and licences have none.
    pub device: Option<DeviceId>,
    /// The device's name, or the type's, client's, licence's.
    pub name: String,
    /// The asset, where one is known.
    pub asset: Option<AssetId>,
    /// What the step does; absent where there was none.
    pub step: Option<StepKind>,
    /// What it means.
    pub effect: Effect,
    /// How it ended.
    pub outcome: Ending,
    /// Why it ended so, where the changes do not say it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Each value, old and new, with its reason.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub changes: Vec<Replaced>,
    /// How many titles of software were written, where they were.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub software: Option<u32>,
    /// Of the link before it, what its changes touch; for putting it back.
    #[serde(skip)]
    pub before: Option<Box<Link>>,
}

/// One value that a step changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Replaced {
    /// Which part of the record.
    pub part: Part,
    /// Its name as people know it.
    pub name: String,
    /// What Halo showed. Absent: empty, or not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// What was written. Absent: emptied.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    /// The same two as people read them, where numbers stand for names.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shown: Option<(String, String)>,
    /// Why.
    pub reason: String,
    /// What is known of the old value.
    #[serde(skip_serializing_if = "Old::is_known")]
    pub old: Old,
}

/// What is known of a value that was written over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Old {
    /// The value itself.
    #[default]
    Known,
    /// Nothing: Halo's lists do not show it.
    Unknown,
    /// Its beginning: it was too long to be kept whole.
    Cut,
}

impl Old {
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's `skip_serializing_if` hands a reference")]
    fn is_known(&self) -> bool {
        *self == Self::Known
    }
}

/// A device that one run after the other held for the same reason: one record for all of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct HeldSpell {
    /// The connection, by file name.
    pub connection: String,
    /// The device, where it could be read.
    pub device: Option<DeviceId>,
    /// Its name.
    pub name: String,
    /// Why, with the way out.
    pub reason: String,
    /// The first run that held it for this reason.
    pub first_run: RunId,
    /// When that was.
    pub since: DateTime<Utc>,
    /// The last of the runs in a row.
    pub last_run: RunId,
    /// When that was.
    pub last: DateTime<Utc>,
    /// How many runs there were.
    pub runs: u32,
}

impl HeldSpell {
    /// What the device is found by: its id, else its name.
    pub fn key(&self) -> DeviceKey {
        self.device.as_ref().map_or_else(|| DeviceKey::of(&self.name), DeviceId::key)
    }

    /// Whether a run that began at this moment is among those that held it: the runs of a spell are in a row.
    pub fn covers(&self, started: DateTime<Utc>) -> bool {
        let started = started.timestamp_millis();
        self.since.timestamp_millis() <= started && started <= self.last.timestamp_millis()
    }

    /// In one line.
    pub fn text(&self) -> String {
        let since = self.since.format("%Y-%m-%d %H:%M");
        let times = match self.runs {
            0 | 1 => String::new(),
            runs => format!(" in {runs} runs since {since}"),
        };
        format!("held{times}  {}: {}", self.name, self.reason)
    }
}

/// How many outcomes a run has, by their endings.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct OutcomeTally {
    /// [`Ending::Written`]
    pub written: u32,
    /// [`Ending::Recovered`]
    pub recovered: u32,
    /// [`Ending::Failed`]
    pub failed: u32,
    /// [`Ending::Refused`]
    pub refused: u32,
    /// [`Ending::Remembered`]
    pub remembered: u32,
    /// [`Ending::Held`]
    pub held: u32,
    /// Whether they were removed to make room: the counts are those of what was there.
    pub removed: bool,
}

impl OutcomeTally {
    /// The count of an ending.
    pub fn of(&self, ending: Ending) -> u32 {
        match ending {
            Ending::Written => self.written,
            Ending::Recovered => self.recovered,
            Ending::Failed => self.failed,
            Ending::Refused => self.refused,
            Ending::Remembered => self.remembered,
            Ending::Held => self.held,
        }
    }

    /// Counts one more.
    pub fn add(&mut self, ending: Ending) {
        let place = match ending {
            Ending::Written => &mut self.written,
            Ending::Recovered => &mut self.recovered,
            Ending::Failed => &mut self.failed,
            Ending::Refused => &mut self.refused,
            Ending::Remembered => &mut self.remembered,
            Ending::Held => &mut self.held,
        };
        *place = place.saturating_add(1);
    }

    /// All of them.
    pub fn total(&self) -> u64 {
        Ending::ALL.iter().map(|ending| u64::from(self.of(*ending))).sum()
    }
}

impl Replaced {
    /// What a step's change replaced. `before` is the asset as it was known, for telling an empty value from one
    /// that no list shows.
    pub fn of(change: &Change, before: Option<&Asset>) -> Self {
        let unseen = match (&change.part, before) {
            (Part::Member(member), Some(asset)) => change.from.is_none() && asset.shown(member).is_none(),
            (Part::User, Some(asset)) => asset.users.is_none() && change.from.is_some(),
            _ => false,
        };
        let (from, from_whole) = cut(change.from.clone(), LONGEST_VALUE);
        let (to, _) = cut(change.to.clone(), LONGEST_VALUE);
        let old = match (unseen, from_whole) {
            (true, _) => Old::Unknown,
            (false, Whole::No) => Old::Cut,
            (false, Whole::Yes) => Old::Known,
        };
        let (reason, _) = cut(Some(change.reason.clone()), LONGEST_REASON);
        let shorten = |text: &String| cut(Some(text.clone()), LONGEST_REASON).0.unwrap_or_default();
        Self {
            part: change.part.clone(),
            name: change.name.clone(),
            from,
            to,
            shown: change.shown.as_ref().map(|(old, new)| (shorten(old), shorten(new))),
            reason: reason.unwrap_or_default(),
            old,
        }
    }

    /// The same as a change of a plan, for showing it.
    pub fn as_change(&self) -> Change {
        Change {
            part: self.part.clone(),
            name: self.name.clone(),
            from: self.from.clone(),
            to: self.to.clone(),
            shown: self.shown.clone(),
            reason: self.reason.clone(),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Whole {
    Yes,
    No,
}

/// A text, cut at a character where it is too long.
fn cut(text: Option<String>, most: usize) -> (Option<String>, Whole) {
    match text {
        Some(mut text) if text.len() > most => {
            let end = (0..=most).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
            text.truncate(end);
            (Some(text), Whole::No)
        }
        text => (text, Whole::Yes),
    }
}

/// A value as it would be kept: for comparing what Halo shows with what was kept.
pub fn kept(value: Option<&str>) -> Option<String> {
    cut(value.map(str::to_owned), LONGEST_VALUE).0
}

/// What a step came to is known in full only where it is applied; this is what the step itself tells.
pub fn outcome_of(step: &Step, outcome: Ending, before: Option<&Asset>) -> Outcome {
    let link = step.link.as_ref();
    let mut changes: Vec<Replaced> = step.changes.iter().map(|change| Replaced::of(change, before)).collect();
    // A type that another step created has its number by now.
    let type_id = step.asset.as_ref().and_then(|write| write.type_id).or(link.and_then(|link| link.type_id));
    for change in changes.iter_mut().filter(|change| change.part == Part::Type && step.asset.is_some()) {
        if let (Some(id), Some(to)) = (type_id, change.to.clone())
            && to.parse::<i64>().is_err()
        {
            change.shown.get_or_insert_with(|| (change.from.clone().unwrap_or_default(), to));
            change.to = Some(id.to_string());
        }
    }
    Outcome {
        run: RunId(String::new()),
        sequence: 0,
        at: DateTime::<Utc>::UNIX_EPOCH,
        connection: link.map(|link| link.connection.clone()).unwrap_or_default(),
        tenant: link.map_or_else(|| TenantId(String::new()), |link| link.tenant.clone()),
        device: step.device.clone(),
        name: step.name.clone(),
        asset: step.target(),
        step: Some(step.kind),
        effect: step.effect,
        outcome,
        reason: None,
        changes,
        software: step
            .software
            .as_ref()
            .map(|software| u32::try_from(software.titles.len()).unwrap_or(u32::MAX)),
        before: None,
    }
}

/// Of the link before a step, what is needed to put it back: the memory of members that the step does not change is
/// left out.
pub fn link_before(link: &Link, changes: &[Replaced]) -> Link {
    let touched = |memory: &FieldMemory| {
        changes.iter().any(|change| match (&change.part, &memory.member) {
            (Part::Member(member), own) => member == own,
            (Part::IntuneId, Member::System(name)) => name == super::create::INTUNE_ID,
            _ => false,
        })
    };
    Link { fields: link.fields.iter().filter(|memory| touched(memory)).cloned().collect(), ..link.clone() }
}

impl Outcome {
    /// Over several lines: how it ended, what, for which device, and each value with its reason.
    pub fn text(&self) -> String {
        let what = match (self.step, self.asset) {
            (Some(StepKind::CreateClient), _) => "create client".to_owned(),
            (Some(StepKind::UpdateClient), _) => "update client".to_owned(),
            (Some(StepKind::CreateType), _) => "create asset type".to_owned(),
            (Some(StepKind::CreateLicence), _) => "create licence".to_owned(),
            (Some(StepKind::CreateAsset), Some(asset)) => format!("create asset {asset}"),
            (Some(StepKind::CreateAsset), None) => "create asset".to_owned(),
            (Some(StepKind::UpdateAsset), Some(asset)) => format!("update asset {asset}"),
            (Some(StepKind::UpdateAsset), None) => "update asset".to_owned(),
            (None, Some(asset)) => format!("asset {asset}"),
            (None, None) => "device".to_owned(),
        };
        let mut lines = format!("{}  {what}  {}", self.outcome, self.name);
        if let Some(device) = &self.device {
            let _ = write!(lines, "  (device {device})");
        }
        if let Some(reason) = &self.reason {
            let _ = write!(lines, "\n    {reason}");
        }
        for change in &self.changes {
            let _ = write!(lines, "\n    {}", text::change(&change.as_change()));
        }
        if let Some(software) = self.software {
            let _ = write!(lines, "\n    software: {software} titles");
        }
        lines
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::FieldId;

    fn change(part: Part, from: Option<&str>, to: Option<&str>) -> Change {
        Change {
            part,
            name: "Notes".to_owned(),
            from: from.map(str::to_owned),
            to: to.map(str::to_owned),
            shown: None,
            reason: "mapped from notes".to_owned(),
        }
    }

    fn asset(system: &[(&str, Option<&str>)]) -> Asset {
        Asset {
            id: AssetId(7),
            type_id: None,
            client: None,
            site: None,
            status: None,
            inactive: false,
            intune_id: None,
            username: Some("Ann".to_owned()),
            users: None,
            system: system
                .iter()
                .map(|(name, value)| ((*name).to_owned(), value.map(str::to_owned)))
                .collect(),
            fields: Vec::new(),
            modified: None,
        }
    }

    #[test]
    fn what_no_list_shows_is_not_taken_for_empty() {
        let notes = || Part::Member(Member::System("notes".to_owned()));
        let field = Part::Member(Member::Field(FieldId(1)));
        let check = |part: Part, from: Option<&str>, before: &Asset, expected: Old| {
            assert_eq!(Replaced::of(&change(part, from, Some("new")), Some(before)).old, expected);
        };
        check(notes(), None, &asset(&[]), Old::Unknown);
        check(notes(), None, &asset(&[("notes", None)]), Old::Known);
        check(notes(), Some("old"), &asset(&[("notes", Some("old"))]), Old::Known);
        check(field, None, &asset(&[]), Old::Known);
        check(Part::User, Some("Ann"), &asset(&[]), Old::Unknown);
        check(Part::User, None, &asset(&[]), Old::Known);
    }

    #[test]
    fn a_long_value_is_cut_at_a_character_and_known_to_be() {
        let long = "ä".repeat(LONGEST_VALUE);
        let kept_change =
            Replaced::of(&change(Part::Member(Member::Field(FieldId(1))), Some(&long), None), None);
        assert_eq!(kept_change.old, Old::Cut);
        assert_eq!(kept_change.from.map(|text| text.len()), Some(LONGEST_VALUE));
        assert_eq!(kept(Some(&long)).map(|text| text.len()), Some(LONGEST_VALUE));
        assert_eq!(kept(Some("short")).as_deref(), Some("short"));
    }

    #[test]
    fn a_tally_counts_each_ending() {
        let mut tally = OutcomeTally::default();
        for ending in Ending::ALL {
            tally.add(ending);
            tally.add(Ending::Written);
        }
        assert_eq!(tally.total(), 12);
        assert_eq!(Ending::ALL.map(|ending| tally.of(ending)), [7, 1, 1, 1, 1, 1]);
    }
}
