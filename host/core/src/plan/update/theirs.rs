//! What an update leaves because a person changed it: recognised here, and noted for the plan.

use super::super::edits::{Author, Theirs, author_of};
use super::super::step::{Change, Facts, Part};
use super::{Basis, Draft, Subject};
use crate::decide::reason::mapping_reason;
use crate::decide::rulebook::BoundMapping;
use crate::decide::{FieldDecision, TypeRef};
use crate::model::{Asset, Link, LinkOrigin, UserId};
use crate::settings::{Overwrite, TypeUpdates};

/// Where what is known of an asset comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sight {
    /// From rows of lists and answers to writes, which leave things out.
    Kept,
    /// From a single read just now: what it does not show is empty.
    Single,
}

/// Whether the asset keeps its type whatever was decided, so that no type needs to be created for it.
pub fn keeps_type(facts: Facts<'_>, asset: &Asset, basis: Basis<'_>, decided: &TypeRef) -> bool {
    match facts.rulebook.types.update {
        TypeUpdates::Follow => false,
        TypeUpdates::Keep => true,
        TypeUpdates::UnlessEdited => {
            let same = matches!(decided, TypeRef::Existing(id) if asset.type_id == Some(*id));
            !same && type_author(asset, basis.link()).is_a_person()
        }
    }
}

fn type_author(asset: &Asset, link: Option<&Link>) -> Author {
    author_of(asset.type_id, link.and_then(|link| link.type_id), origin(link))
}

fn origin(link: Option<&Link>) -> LinkOrigin {
    link.map_or(LinkOrigin::Matched, |link| link.origin)
}

impl Draft<'_> {
    pub(super) fn type_author(&self) -> Author {
        match self.facts.rulebook.types.update {
            TypeUpdates::UnlessEdited => type_author(self.asset, self.before),
            TypeUpdates::Follow | TypeUpdates::Keep => Author::Us,
        }
    }

    pub(super) fn site_author(&self) -> Author {
        if self.facts.rulebook.connection.imports.site_write == Overwrite::Always {
            return Author::Us;
        }
        author_of(self.asset.site, self.before.and_then(|link| link.site), origin(self.before))
    }

    pub(super) fn status_author(&self) -> Author {
        if self.facts.rulebook.connection.statuses.write == Overwrite::Always {
            return Author::Us;
        }
        author_of(self.asset.status, self.before.and_then(|link| link.status), origin(self.before))
    }

    /// Whether the users that an asset has are a person's choice: ours was taken off, or others were there before.
    pub(super) fn user_author(&self, held: &[UserId], wanted: UserId) -> Author {
        if self.facts.rulebook.connection.users.write == Overwrite::Always || held.contains(&wanted) {
            return Author::Us;
        }
        match self.before.and_then(|link| link.user) {
            Some(ours) if held.contains(&ours) => Author::Us,
            Some(_) => Author::Since,
            None if held.is_empty() => Author::Us,
            None => Author::Before,
        }
    }

    /// Notes a value that is left because it is a person's.
    pub(super) fn leave(
        &mut self,
        author: Author,
        part: Part,
        name: &str,
        values: (Option<String>, Option<String>),
        reason: &str,
    ) {
        let shown = self.readable(&part, &values);
        let (from, to) = values;
        let reason = format!("{}; {reason}", author.words());
        self.theirs.push(Change { part, name: name.to_owned(), from, to, shown, reason });
    }

    /// Notes users that are left: those that the asset has, and whom the import would link.
    pub(super) fn leave_users(
        &mut self,
        author: Author,
        subject: &Subject<'_>,
        (held, wanted): (&[UserId], Option<UserId>),
        reason: &str,
    ) {
        let name = |id: &UserId| {
            let known = subject.users.iter().find(|user| user.id == *id);
            known.map_or_else(|| id.to_string(), |user| user.name.clone())
        };
        let joined = |users: &[UserId], of: &dyn Fn(&UserId) -> String| {
            users.iter().map(of).collect::<Vec<_>>().join(", ")
        };
        let from = (!held.is_empty()).then(|| joined(held, &ToString::to_string));
        let values = (from, wanted.map(|wanted| wanted.to_string()));
        self.leave(author, Part::User, "user", values, reason);
        if let Some(change) = self.theirs.last_mut() {
            change.shown = Some((joined(held, &name), joined(wanted.as_slice(), &name)));
            if wanted.is_none() {
                change.reason = format!("linked by a person; {reason}");
            }
        }
    }

    /// The users of an asset without the one that we linked, who are left; nothing where ours is not among them.
    pub(super) fn without_ours(
        &mut self,
        subject: &Subject<'_>,
        held: &[UserId],
        reason: &str,
    ) -> Option<Vec<UserId>> {
        let ours = self.before.and_then(|link| link.user);
        let kept: Vec<UserId> = held.iter().copied().filter(|user| Some(*user) != ours).collect();
        if !kept.is_empty() {
            self.leave_users(Author::Since, subject, (&kept, None), reason);
        }
        (kept.len() < held.len()).then_some(kept)
    }

    /// Notes a member's value that is left.
    pub(super) fn leave_member(
        &mut self,
        author: Author,
        mapping: &BoundMapping,
        decided: &FieldDecision,
        shown: Option<&str>,
    ) {
        let name = self.facts.member_name(&mapping.member);
        let values = (shown.map(str::to_owned), decided.value.clone());
        let origin = mapping_reason(self.facts.rulebook, decided.mapping, decided.why.as_deref());
        self.leave(author, Part::Member(mapping.member.clone()), &name, values, &origin);
        if let Some(change) = self.theirs.last_mut() {
            change.shown = super::list_names(mapping, change);
        }
    }

    /// All that was left on the asset.
    pub(super) fn all_theirs(&mut self, subject: &Subject<'_>) -> Option<Theirs> {
        let left = std::mem::take(&mut self.theirs);
        if left.is_empty() {
            return None;
        }
        Some(Theirs {
            device: subject.device.id.clone(),
            tenant: self.facts.tenant.clone(),
            name: subject.device.name().to_owned(),
            asset: self.asset.id,
            left,
        })
    }
}
