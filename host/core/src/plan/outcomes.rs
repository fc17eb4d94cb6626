//! What became of every mapping of a device: written, or left as it is and why. For people who ask.
//!
//! Decides nothing: what is written is told by the plan that was made, and why something is left by the policies that
//! the plan followed.

use super::edits::{Author, author_of_member};
use super::step::{Change, Facts, Part};
use crate::decide::form::{name_of, shows};
use crate::decide::rulebook::BoundMapping;
use crate::decide::{Decision, FieldDecision};
use crate::model::{Asset, Link, Member, TypeId};
use crate::settings::{EmptyPolicy, WritePolicy};

/// What became of one mapping.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FieldOutcome {
    /// It is written.
    Written,
    /// Halo shows what it should.
    Agrees,
    /// It is left as it is; why.
    Left(String),
}

/// What a device's mappings are judged by.
#[derive(Clone, Copy, Debug)]
pub struct Judged<'a> {
    /// What the device should become.
    pub decision: &'a Decision,
    /// What Halo shows; none for a device without an asset.
    pub asset: Option<&'a Asset>,
    /// What is remembered of the pair.
    pub link: Option<&'a Link>,
    /// The values that the plan writes.
    pub changes: &'a [Change],
    /// The type that the asset has or will have, as far as it has a number.
    pub type_id: Option<TypeId>,
}

/// What becomes of each mapping, in their order.
pub fn field_outcomes(facts: Facts<'_>, judged: Judged<'_>) -> Vec<FieldOutcome> {
    let mappings = facts.rulebook.mappings.iter().enumerate();
    mappings.map(|(index, mapping)| outcome(facts, judged, index, mapping)).collect()
}

fn outcome(facts: Facts<'_>, judged: Judged<'_>, index: usize, mapping: &BoundMapping) -> FieldOutcome {
    let left = |why: &str| FieldOutcome::Left(why.to_owned());
    if let Some((_, value)) = judged.decision.misfits.iter().find(|(misfit, _)| *misfit == index) {
        let value = super::text::shortened(value);
        return left(&format!("\"{value}\" is nothing that the field can hold"));
    }
    let applies = |mapping: &BoundMapping| {
        mapping.types.is_empty() || judged.type_id.is_some_and(|id| mapping.types.contains(&id))
    };
    if !applies(mapping) {
        let types: Vec<String> = mapping.types.iter().map(|id| facts.catalogue.type_name(*id)).collect();
        return left(&format!("only for {} (types)", types.join(", ")));
    }
    let Some(field) = judged.decision.fields.iter().find(|field| field.mapping == index) else {
        return left("a plugin leaves it, or what it reads is not known yet");
    };
    let overruled =
        judged.decision.fields.iter().filter(|later| later.mapping > index).find(|later| {
            facts.rulebook.mappings.get(later.mapping).is_some_and(|other| {
                other.member == mapping.member && applies(other) && later.value.is_some()
            })
        });
    if let Some(later) = overruled {
        return left(&format!("fields {} fills it", later.mapping + 1));
    }
    let is_it = |change: &&Change| matches!(&change.part, Part::Member(member) if *member == mapping.member);
    if judged.changes.iter().any(|change| is_it(&change)) {
        return FieldOutcome::Written;
    }
    if field.value.is_none() && (mapping.empty == EmptyPolicy::Keep || judged.asset.is_none()) {
        return left("empty, and `empty = \"keep\"` leaves what Halo has");
    }
    if let Member::Field(id) = mapping.member
        && !facts.has_field(judged.type_id, id)
    {
        let name = judged.type_id.map_or_else(String::new, |id| facts.catalogue.type_name(id));
        return left(&format!("the asset type \"{name}\" lacks the field"));
    }
    by_policy(judged, mapping, field)
}

/// Why a value that could be written is not.
fn by_policy(judged: Judged<'_>, mapping: &BoundMapping, field: &FieldDecision) -> FieldOutcome {
    let Some(asset) = judged.asset else { return FieldOutcome::Agrees };
    let shown = asset.shown(&mapping.member);
    let wanted = field.value.as_deref();
    let same = match (wanted, shown.flatten().filter(|text| !text.is_empty())) {
        (Some(wanted), Some(shown)) => shows(&mapping.form, wanted, shown),
        (None, None) => true,
        _ => false,
    };
    if same {
        return FieldOutcome::Agrees;
    }
    let left = |why: &str| FieldOutcome::Left(why.to_owned());
    let memory = judged.link.and_then(|link| link.memory(&mapping.member));
    let author = author_of_member(&mapping.form, shown, memory);
    match mapping.write {
        WritePolicy::CreateOnly => left("`write = \"create-only\"`: only while the asset is created"),
        WritePolicy::IfEmpty if shown.flatten().is_some() => left("`write = \"if-empty\"`: Halo has a value"),
        WritePolicy::UnlessEdited if author.is_a_person() => {
            left(&format!("`write = \"unless-edited\"`: it {}", author.words()))
        }
        WritePolicy::UnlessEdited if author == Author::Untold => {
            left("`write = \"unless-edited\"`: Halo's lists do not show it; it is read singly first")
        }
        WritePolicy::Always | WritePolicy::IfEmpty | WritePolicy::UnlessEdited => {
            match (memory.is_some_and(|memory| memory.written.as_deref() == wanted), shown) {
                (true, None) => left("written before; Halo's lists do not show this member"),
                (true, Some(_)) => left("written before, and this is what Halo made of it"),
                (false, _) => FieldOutcome::Agrees,
            }
        }
    }
}

/// What Halo shows of a mapping's member, as people read it; none where it is empty or never shown.
pub fn shown_value(mapping: &BoundMapping, asset: &Asset) -> Option<String> {
    let shown = asset.shown(&mapping.member).flatten().filter(|text| !text.is_empty())?;
    Some(name_of(&mapping.form, shown).unwrap_or(shown).to_owned())
}
