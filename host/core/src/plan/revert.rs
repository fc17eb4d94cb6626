//! The way back: what one outcome of a run replaced is put back, as far as nobody has changed it since.
//!
//! Each value is judged by itself: it is restored where Halo still shows what the run wrote. What the run created is
//! deactivated and keeps its link, so that the next import neither makes it a second time nor activates it. Software,
//! types, clients and licences stay.

mod link;

use super::create::INTUNE_ID;
use super::line::Remember;
use super::outcome::{Ending, Old, Outcome, Replaced, kept};
use super::step::{Change, Effect, Part, Step, StepId, StepKind};
use super::text::shortened;
use crate::decide::compare::same_text;
use crate::model::link::Shown;
use crate::model::{
    Asset, AssetWrite, FieldMemory, Link, LinkState, Member, SiteId, StatusId, TypeId, UserId,
};
use chrono::{DateTime, Utc};

/// What an outcome's device and asset look like now.
#[derive(Clone, Copy, Debug)]
pub struct Present<'a> {
    /// The asset; absent where Halo has it no more.
    pub asset: Option<&'a Asset>,
    /// The link of the outcome's device.
    pub link: Option<&'a Link>,
    /// The run's clock.
    pub now: DateTime<Utc>,
}

/// How one outcome is taken back.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Reverted {
    /// The write that puts values back.
    pub step: Option<Box<Step>>,
    /// What is remembered where nothing is to be written.
    pub remember: Option<Box<Remember>>,
    /// What is left alone, each with the reason.
    pub left: Vec<String>,
}

impl Reverted {
    fn left(reason: impl Into<String>) -> Self {
        Self { left: vec![reason.into()], ..Self::default() }
    }
}

/// Whether an outcome stands for something that was done and can be taken back.
pub fn is_done(outcome: &Outcome) -> bool {
    match outcome.outcome {
        Ending::Written | Ending::Recovered => {
            matches!(outcome.step, Some(StepKind::CreateAsset | StepKind::UpdateAsset))
        }
        Ending::Remembered => outcome.effect == Effect::Deactivate,
        Ending::Failed | Ending::Refused | Ending::Held => false,
    }
}

/// Plans the way back from one outcome.
pub fn plan_revert(outcome: &Outcome, present: Present<'_>) -> Reverted {
    if !is_done(outcome) {
        return Reverted::default();
    }
    let Some(id) = outcome.asset else { return Reverted::default() };
    let Some(link) = present.link.filter(|link| link.asset == id) else {
        return Reverted::left(format!("asset {id} is no longer the device's: its link has changed since"));
    };
    if outcome.step.is_none() {
        return link::forget_conclusion(outcome, link, present.now);
    }
    let Some(asset) = present.asset else {
        return Reverted::left(format!("asset {id} is gone from Halo"));
    };
    match outcome.step {
        Some(StepKind::CreateAsset) => created(outcome, asset, link),
        _ => updated(outcome, asset, link, present.now),
    }
}

/// An asset that the run created is deactivated, unless it is in somebody's hands already.
fn created(outcome: &Outcome, asset: &Asset, link: &Link) -> Reverted {
    if asset.inactive {
        return Reverted::default();
    }
    let edited: Vec<String> = outcome
        .changes
        .iter()
        .filter(|change| matches!(standing(change, asset, link), Standing::Changed(Whose::Somebody, _)))
        .map(|change| change.name.clone())
        .collect();
    if !edited.is_empty() {
        return Reverted::left(format!(
            "asset {} was created by the run, and somebody has changed it since ({}); deactivate it in Halo if it is not wanted",
            asset.id,
            edited.join(", ")
        ));
    }
    let change = Change {
        part: Part::Inactive,
        name: "inactive".to_owned(),
        from: Some("false".to_owned()),
        to: Some("true".to_owned()),
        shown: None,
        reason: format!("run {} created the asset", outcome.run),
    };
    let write = AssetWrite { id: Some(asset.id), inactive: Some(true), ..AssetWrite::default() };
    let step = step(outcome, Effect::Deactivate, vec![change], write, link::after_creation(link));
    Reverted { step: Some(Box::new(step)), ..Reverted::default() }
}

fn updated(outcome: &Outcome, asset: &Asset, link: &Link, now: DateTime<Utc>) -> Reverted {
    let mut write = AssetWrite { id: Some(asset.id), ..AssetWrite::default() };
    let mut changes = Vec::new();
    let mut restored = Vec::new();
    let mut left = Vec::new();
    for replaced in &outcome.changes {
        if matches!(replaced.part, Part::Software | Part::Client | Part::Tenant) {
            continue;
        }
        let shown = match standing(replaced, asset, link) {
            Standing::AsWritten(shown) => shown,
            Standing::Back => continue,
            Standing::Changed(whose, value) => {
                let who = match whose {
                    Whose::Somebody => "somebody changed it",
                    Whose::Ours => "a later run wrote it",
                };
                left.push(format!("{}: {who} since, to {}", replaced.name, quoted(value.as_deref())));
                continue;
            }
            Standing::Unreadable => {
                left.push(format!("{}: what Halo shows for it could not be read", replaced.name));
                continue;
            }
        };
        match put_back(replaced, outcome.before.as_deref(), &mut write) {
            Ok(to) => {
                let wrote = people(replaced, Side::New);
                let over = people(replaced, Side::Old);
                let reason = format!("run {} wrote {wrote} over {over}", outcome.run);
                let shown_to = replaced.shown.as_ref().map(|(old, new)| (new.clone(), old.clone()));
                changes.push(Change {
                    part: replaced.part.clone(),
                    name: replaced.name.clone(),
                    from: shown,
                    to,
                    shown: shown_to,
                    reason,
                });
                restored.push(replaced);
            }
            Err(reason) => left.push(format!("{}: {reason}", replaced.name)),
        }
    }
    if changes.is_empty() {
        return Reverted { left, ..Reverted::default() };
    }
    let effect = match outcome.effect {
        Effect::Deactivate => Effect::Recover,
        Effect::Recover => Effect::Deactivate,
        Effect::Create | Effect::Update => Effect::Update,
    };
    let (after, replaces) = link::put_back(outcome, link, &restored, now);
    let mut step = step(outcome, effect, changes, write, after);
    step.replaces = replaces;
    Reverted { step: Some(Box::new(step.sealed())), remember: None, left }
}

fn step(outcome: &Outcome, effect: Effect, changes: Vec<Change>, write: AssetWrite, link: Link) -> Step {
    Step {
        step: StepId(String::new()),
        kind: StepKind::UpdateAsset,
        effect,
        device: outcome.device.clone(),
        name: outcome.name.clone(),
        needs: Vec::new(),
        changes,
        asset: Some(write),
        new_type: None,
        client: None,
        new_licence: None,
        software: None,
        link: Some(link),
        replaces: None,
    }
    .sealed()
}

/// Whose change a value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Whose {
    /// A person's, or another program's.
    Somebody,
    /// A later run's.
    Ours,
}

/// Where a value stands that a run wrote.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Standing {
    /// Halo shows what was written, in this form.
    AsWritten(Option<String>),
    /// It is what it was before.
    Back,
    /// It was changed since, to this.
    Changed(Whose, Option<String>),
    /// Halo does not tell.
    Unreadable,
}

fn standing(replaced: &Replaced, asset: &Asset, link: &Link) -> Standing {
    let memory = memory_of(&replaced.part, link);
    let Some(shown) = shown_now(&replaced.part, asset) else {
        // No list shows it: what was written last is all there is to compare with.
        return match (&replaced.part, memory) {
            (Part::Member(_), Some(memory)) if same(memory.written.as_deref(), replaced.to.as_deref()) => {
                Standing::AsWritten(None)
            }
            (Part::Member(_), Some(memory)) => Standing::Changed(Whose::Ours, memory.written.clone()),
            _ => Standing::Unreadable,
        };
    };
    let now = kept(shown.as_deref());
    let remembered =
        memory.filter(|memory| matches!(&memory.shown, Shown::Seen(seen) if seen.as_deref().unwrap_or_default() == shown.as_deref().unwrap_or_default()));
    let normalised = remembered.is_some_and(|memory| same(memory.written.as_deref(), replaced.to.as_deref()));
    if same(replaced.to.as_deref(), now.as_deref()) || normalised {
        return Standing::AsWritten(shown);
    }
    if replaced.old == Old::Known && same(replaced.from.as_deref(), now.as_deref()) {
        return Standing::Back;
    }
    let ours = match &replaced.part {
        Part::Type => asset.type_id.is_some() && asset.type_id == link.type_id,
        Part::Site => asset.site.is_some() && asset.site == link.site,
        Part::Status => asset.status.is_some() && asset.status == link.status,
        Part::User => link.user.is_some_and(|user| asset.users.iter().flatten().any(|one| *one == user)),
        _ => remembered.is_some(),
    };
    Standing::Changed(if ours { Whose::Ours } else { Whose::Somebody }, shown)
}

fn same(one: Option<&str>, other: Option<&str>) -> bool {
    same_text(one.unwrap_or_default(), other.unwrap_or_default())
}

/// What Halo shows for a part: `None` where it does not tell, `Some(None)` where it is empty.
#[expect(clippy::option_option, reason = "untold and empty are two things")]
fn shown_now(part: &Part, asset: &Asset) -> Option<Option<String>> {
    match part {
        Part::Type => Some(asset.type_id.map(|id| id.to_string())),
        Part::Site => Some(asset.site.map(|id| id.to_string())),
        Part::Status => Some(asset.status.map(|id| id.to_string())),
        Part::Inactive => Some(Some(asset.inactive.to_string())),
        Part::IntuneId => Some(asset.intune_id.clone()),
        Part::User => match &asset.users {
            Some(users) => {
                let list = users.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
                Some((!list.is_empty()).then_some(list))
            }
            None if asset.username.as_deref().is_none_or(|name| name.trim().is_empty()) => Some(None),
            None => None,
        },
        Part::Member(member) => asset.shown(member).map(|shown| shown.map(str::to_owned)),
        Part::Software | Part::Client | Part::Tenant => None,
    }
}

fn memory_of<'a>(part: &Part, link: &'a Link) -> Option<&'a FieldMemory> {
    match part {
        Part::Member(member) => link.memory(member),
        Part::IntuneId => link.memory(&Member::System(INTUNE_ID.to_owned())),
        _ => None,
    }
}

/// Adds the old value to a write, and gives it as the change shows it; or says why it cannot be restored.
fn put_back(
    replaced: &Replaced,
    before: Option<&Link>,
    write: &mut AssetWrite,
) -> Result<Option<String>, String> {
    let from = match replaced.old {
        Old::Known => replaced.from.clone(),
        Old::Cut => return Err("what it was before is too long to be kept whole".to_owned()),
        Old::Unknown => match before.and_then(|link| memory_of(&replaced.part, link)) {
            Some(memory) => memory.written.clone(),
            None => return Err("what it was before is not known: Halo's lists do not show it".to_owned()),
        },
    };
    let number = || -> Result<i64, String> {
        let text = from.as_deref().ok_or("there was none before, and Halo needs one")?;
        text.parse().map_err(|_| format!("\"{text}\" is no number of Halo's"))
    };
    match &replaced.part {
        Part::Type => write.type_id = Some(TypeId(number()?)),
        Part::Site => write.site = Some(SiteId(number()?)),
        Part::Status => write.status = Some(StatusId(number()?)),
        Part::Inactive => write.inactive = Some(from.as_deref() == Some("true")),
        Part::IntuneId => write.intune_id = Some(from.clone().unwrap_or_default()),
        Part::User => {
            let texts = from.as_deref().unwrap_or_default().split(',').map(str::trim);
            let users: Result<Vec<UserId>, _> =
                texts.filter(|text| !text.is_empty()).map(|text| text.parse().map(UserId)).collect();
            write.users = Some(users.map_err(|_| "who its users were is known by name only".to_owned())?);
        }
        Part::Member(member) => write.members.push((member.clone(), from.clone())),
        Part::Software | Part::Client | Part::Tenant => return Err("it is not restored".to_owned()),
    }
    Ok(from)
}

enum Side {
    Old,
    New,
}

/// A value as people read it.
fn people(replaced: &Replaced, side: Side) -> String {
    let text = match (side, &replaced.shown) {
        (Side::Old, Some((old, _))) => Some(old.as_str()),
        (Side::New, Some((_, new))) => Some(new.as_str()),
        (Side::Old, None) if replaced.old == Old::Unknown => return "what no list shows".to_owned(),
        (Side::Old, None) => replaced.from.as_deref(),
        (Side::New, None) => replaced.to.as_deref(),
    };
    quoted(text)
}

fn quoted(text: Option<&str>) -> String {
    match text {
        None | Some("") => "nothing".to_owned(),
        Some(text) => format!("\"{}\"", shortened(text)),
    }
}

/// Whether a state is one that an asset was deactivated for.
fn is_concluded(state: LinkState) -> bool {
    matches!(state, LinkState::Deleted | LinkState::Inactive)
}

#[cfg(test)]
mod tests;
