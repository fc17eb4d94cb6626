//! Which members hold nothing but moments that Intune tells, such as the last synchronisation: they change every day,
//! and are no change that a guard watches.

use crate::decide::Rulebook;
use crate::decide::rulebook::BoundSource;
use crate::model::{Kind, Member, property};

/// Members whose every mapping comes from a property that holds a time.
pub fn timestamps(rulebook: &Rulebook) -> Vec<Member> {
    let is_moment = |source: &BoundSource| match source {
        BoundSource::Slot(_, name) => property::find(name).is_some_and(|found| found.kind == Kind::Time),
        BoundSource::Text(_) | BoundSource::Template(_) => false,
    };
    let mappings = &rulebook.mappings;
    let moments = mappings.iter().filter(|mapping| is_moment(&mapping.source));
    moments
        .map(|mapping| mapping.member.clone())
        .filter(|member| {
            mappings.iter().filter(|other| other.member == *member).all(|other| is_moment(&other.source))
        })
        .collect()
}
