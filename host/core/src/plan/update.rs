//! The difference between a decision and an existing asset: what is written, what is only remembered.

mod life;
mod theirs;

pub use theirs::{Sight, keeps_type};

use super::create::INTUNE_ID;
use super::edits::{Author, author_of_member};
use super::line::Remember;
use super::step::{Change, Effect, Facts, IntuneIds, LeftOut, Part, Planned, Step, StepId, StepKind};
use crate::decide::form::{name_of, shows};
use crate::decide::reason::{mapping_reason, site_reason, type_reason, user_reason};
use crate::decide::rulebook::BoundMapping;
use crate::decide::{Decision, FieldDecision, Standing, TypeRef, UserDecision};
use crate::model::device::Slot;
use crate::model::link::Shown;
use crate::model::value::fold;
use crate::model::{
    Asset, AssetWrite, Device, FieldMemory, HaloUser, Life, Link, LinkOrigin, LinkState, Member, StatusId,
    TypeId, UserId,
};
use crate::resolve::{Tier, tier_name};
use crate::settings::{EmptyPolicy, Overwrite, TypeUpdates, UnlinkUnmatched, WritePolicy};

/// How the device came to this asset.
#[derive(Clone, Copy, Debug)]
pub enum Basis<'a> {
    /// By its own link.
    Linked(&'a Link),
    /// By the link of another device that is superseded or gone.
    Inherited(&'a Link, Tier),
    /// By matching an asset without a link.
    Matched(Tier),
}

impl<'a> Basis<'a> {
    /// What is remembered of the asset, if anything.
    pub fn link(self) -> Option<&'a Link> {
        match self {
            Self::Linked(link) | Self::Inherited(link, _) => Some(link),
            Self::Matched(_) => None,
        }
    }
}

/// Everything that one update is planned from.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    /// The device.
    pub device: &'a Device,
    /// What it should become.
    pub decision: &'a Decision,
    /// What Halo shows.
    pub asset: &'a Asset,
    /// How they came together.
    pub basis: Basis<'a>,
    /// The Halo user that we linked before, and the matched one, as far as they are known: to tell by a list
    /// row's one name whose it is.
    pub users: &'a [HaloUser],
    /// The step that creates the type that the device names, if one does.
    pub type_step: Option<&'a StepId>,
    /// Where what Halo shows is known from.
    pub sight: Sight,
}

/// Plans what an existing asset needs.
pub fn plan_update(facts: Facts<'_>, subject: Subject<'_>) -> (Planned, LeftOut) {
    let asset = subject.asset;
    let before = subject.basis.link();
    let mut draft = Draft {
        facts,
        asset,
        before,
        changes: Vec::new(),
        write: AssetWrite { id: Some(asset.id), ..AssetWrite::default() },
        link: start_link(facts, &subject, before),
        needs: Vec::new(),
        effect: Effect::Update,
        remembered: None,
        left_out: LeftOut::default(),
        theirs: Vec::new(),
        untold: Vec::new(),
    };
    draft.asset_type(&subject);
    draft.site(&subject);
    draft.life(&subject);
    if !draft.user(&subject) {
        return (Planned::NeedsUsers(asset.id), LeftOut::default());
    }
    draft.intune_id(&subject);
    draft.members(&subject);
    if !draft.untold.is_empty() {
        return (Planned::NeedsMembers(asset.id, draft.untold), LeftOut::default());
    }
    draft.finish(&subject)
}

fn start_link(facts: Facts<'_>, subject: &Subject<'_>, before: Option<&Link>) -> Link {
    let device = subject.device;
    let mut link = before.cloned().unwrap_or_else(|| Link {
        tenant: facts.tenant.clone(),
        device: device.id.clone(),
        device_name: String::new(),
        serial: None,
        connection: String::new(),
        asset: subject.asset.id,
        origin: LinkOrigin::Matched,
        fields: Vec::new(),
        user: None,
        site: None,
        type_id: None,
        status: None,
        status_before: None,
        state: LinkState::Present,
        since: facts.now,
        misses: 0,
        last_complete_run: String::new(),
        decision: 0,
        shown: 0,
        life: Life::default(),
    });
    link.origin = match subject.basis {
        Basis::Inherited(_, Tier::Pinned) | Basis::Matched(Tier::Pinned) => LinkOrigin::Pinned,
        // What a person said of one enrolment is not said of the next.
        Basis::Inherited(link, _) if link.origin == LinkOrigin::Pinned => LinkOrigin::Matched,
        _ => link.origin,
    };
    link.tenant = facts.tenant.clone();
    link.device = device.id.clone();
    device.name().clone_into(&mut link.device_name);
    link.serial =
        device.text(Slot::SERIAL_NUMBER).and_then(|serial| facts.rulebook.placeholders.usable(serial));
    link.connection.clone_from(&facts.rulebook.connection.id);
    let life = &subject.decision.life;
    let state = if life.standing == Standing::Alive { LinkState::Present } else { LinkState::Inactive };
    if link.state != state {
        link.state = state;
        link.since = facts.now;
    }
    link.misses = 0;
    link.life = Life { leaving: life.leaving.clone(), deactivated: link.life.deactivated, ..Life::default() };
    link.decision = subject.decision.digest;
    link.shown = subject.asset.digest();
    link
}

struct Draft<'a> {
    facts: Facts<'a>,
    asset: &'a Asset,
    before: Option<&'a Link>,
    changes: Vec<Change>,
    write: AssetWrite,
    link: Link,
    needs: Vec<StepId>,
    effect: Effect,
    /// Why the link is remembered, where nothing is written.
    remembered: Option<String>,
    left_out: LeftOut,
    /// What is left because it is a person's.
    theirs: Vec<Change>,
    /// Mappings of which nothing tells whether a person changed their fields.
    untold: Vec<usize>,
}

impl Draft<'_> {
    fn change(&mut self, part: Part, name: &str, values: (Option<String>, Option<String>), reason: String) {
        let shown = self.readable(&part, &values);
        let (from, to) = values;
        self.changes.push(Change { part, name: name.to_owned(), from, to, shown, reason });
    }

    fn readable(
        &self,
        part: &Part,
        (from, to): &(Option<String>, Option<String>),
    ) -> Option<(String, String)> {
        let name = |value: &Option<String>| -> Option<String> {
            let number = value.as_deref()?.parse().ok()?;
            match part {
                Part::Type => Some(self.facts.catalogue.type_name(TypeId(number))),
                Part::Status => Some(self.facts.catalogue.status_name(StatusId(number))),
                Part::Site => self
                    .facts
                    .catalogue
                    .sites
                    .iter()
                    .find(|site| site.id.0 == number)
                    .map(|site| site.name.clone()),
                _ => None,
            }
        };
        let (old, new) = (name(from), name(to));
        (old.is_some() || new.is_some()).then(|| {
            let text = |name: Option<String>, value: &Option<String>| {
                name.or_else(|| value.clone()).unwrap_or_default()
            };
            (text(old, from), text(new, to))
        })
    }

    fn asset_type(&mut self, subject: &Subject<'_>) {
        if self.facts.rulebook.types.update == TypeUpdates::Keep {
            return;
        }
        let decided = &subject.decision.asset_type;
        let reason = || type_reason(self.facts.rulebook, subject.device, subject.decision);
        let from = self.asset.type_id.map(|id| id.to_string());
        let author = self.type_author();
        let differs =
            !matches!(&decided.asset_type, TypeRef::Existing(id) if self.asset.type_id == Some(*id));
        if differs && author.is_a_person() {
            let to = match &decided.asset_type {
                TypeRef::Existing(id) => id.to_string(),
                TypeRef::New(name) => name.clone(),
            };
            self.leave(author, Part::Type, "type", (from, Some(to)), &decided.reason.text());
            return;
        }
        match &decided.asset_type {
            TypeRef::Existing(id) => {
                if self.asset.type_id != Some(*id) {
                    self.write.type_id = Some(*id);
                    let reason = reason();
                    self.change(Part::Type, "type", (from, Some(id.to_string())), reason);
                }
                self.link.type_id = Some(*id);
            }
            TypeRef::New(name) => {
                self.needs.extend(subject.type_step.cloned());
                let reason = reason();
                self.change(Part::Type, "type", (from, Some(name.clone())), reason);
            }
        }
    }

    /// The type that the asset will have, as far as it has a number yet.
    fn coming_type(&self) -> Option<TypeId> {
        if self.needs.is_empty() { self.write.type_id.or(self.asset.type_id) } else { None }
    }

    fn site(&mut self, subject: &Subject<'_>) {
        let Some(site) = subject.decision.site.move_to else { return };
        let author = self.site_author();
        if self.asset.site != Some(site) && author.is_a_person() {
            let values = (self.asset.site.map(|site| site.to_string()), Some(site.to_string()));
            self.leave(author, Part::Site, "site", values, &subject.decision.site.reason.text());
            return;
        }
        if self.asset.site != Some(site) {
            self.write.site = Some(site);
            let values = (self.asset.site.map(|site| site.to_string()), Some(site.to_string()));
            self.change(Part::Site, "site", values, site_reason(self.facts.rulebook, subject.decision));
        }
        self.link.site = Some(site);
    }

    /// Plans the users; false when the asset's users must be read first.
    fn user(&mut self, subject: &Subject<'_>) -> bool {
        let ours = self.before.and_then(|link| link.user);
        let row_name = self.asset.username.as_deref().map(str::trim).filter(|name| !name.is_empty());
        let names = |id: UserId| {
            row_name.is_some_and(|row| {
                subject.users.iter().filter(|user| user.id == id).any(|user| {
                    let texts = [Some(&user.name), user.login.as_ref(), user.email.as_ref()];
                    texts.into_iter().flatten().any(|text| fold(text) == fold(row))
                })
            })
        };
        let noun = self.facts.rulebook.connection.users.source.noun();
        let unless_edited = self.facts.rulebook.connection.users.write == Overwrite::UnlessEdited;
        let list = |users: &[UserId]| {
            (!users.is_empty()).then(|| users.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "))
        };
        let name = |id: &UserId| {
            let known = subject.users.iter().find(|user| user.id == *id);
            known.map_or_else(|| id.to_string(), |user| user.name.clone())
        };
        let named = |users: &[UserId]| users.iter().map(name).collect::<Vec<_>>().join(", ");
        let (after, reason): (Vec<UserId>, _) = match subject.decision.user {
            UserDecision::Matched(user) => {
                let replaced = ours.filter(|ours| *ours != user.id);
                let held = match (&self.asset.users, row_name) {
                    (Some(users), _) => users.clone(),
                    // A row that names nobody may mean that a person took our user off: only the asset itself tells.
                    (None, None) if unless_edited && ours.is_some() => return false,
                    (None, None) => Vec::new(),
                    (None, Some(_)) if names(user.id) && replaced.is_none() => {
                        self.link.user = Some(user.id);
                        return true;
                    }
                    (None, Some(_)) => return false,
                };
                self.link.user = Some(user.id);
                if held.contains(&user.id) && replaced.is_none_or(|old| !held.contains(&old)) {
                    return true;
                }
                let author = self.user_author(&held, user.id);
                if author.is_a_person() {
                    self.link.user = ours;
                    let why = format!("the device's {noun}");
                    self.leave_users(author, subject, (&held, Some(user.id)), &why);
                    return true;
                }
                let others = held.into_iter().filter(|one| Some(*one) != replaced && *one != user.id);
                let reason = match replaced {
                    Some(old) => {
                        format!("the device's {noun} changed; replaces user {old}, whom we linked")
                    }
                    None => user_reason(self.facts.rulebook),
                };
                (std::iter::once(user.id).chain(others).collect(), reason)
            }
            UserDecision::Ambiguous(..) => return true,
            UserDecision::Unmatched | UserDecision::NoUser => {
                let keep = self.facts.rulebook.connection.users.unlink_unmatched == UnlinkUnmatched::Keep;
                let none = match &self.asset.users {
                    Some(users) => users.is_empty(),
                    None => row_name.is_none(),
                };
                if keep {
                    return true;
                }
                let why = match subject.decision.user {
                    UserDecision::NoUser => format!("the device has no {noun}"),
                    _ => format!("no active Halo user is the device's {noun}, and all users were read"),
                };
                let reason = format!("{why} (users.unlink_unmatched)");
                if unless_edited && !none {
                    let Some(held) = self.asset.users.clone() else { return false };
                    self.link.user = None;
                    let Some(kept) = self.without_ours(subject, &held, &reason) else { return true };
                    (kept, reason)
                } else {
                    self.link.user = None;
                    if none {
                        return true;
                    }
                    (Vec::new(), reason)
                }
            }
        };
        let from = match &self.asset.users {
            Some(users) => list(users),
            None => row_name.map(str::to_owned),
        };
        let old = match &self.asset.users {
            Some(users) => named(users),
            None => from.clone().unwrap_or_default(),
        };
        let shown = Some((old, named(&after)));
        let to = list(&after);
        self.changes.push(Change { part: Part::User, name: "user".to_owned(), from, to, shown, reason });
        self.write.users = Some(after);
        true
    }

    /// Writes the device's id once; where Halo does not keep it, it is not written again.
    fn intune_id(&mut self, subject: &Subject<'_>) {
        let member = Member::System(INTUNE_ID.to_owned());
        let wanted = subject.device.id.as_str();
        let shown = self.asset.intune_id.as_deref();
        let same = shown.is_some_and(|shown| fold(shown) == fold(wanted));
        let remembered = self.link.memory(&member).is_some_and(|memory| {
            // A Halo may keep the id and leave it off its lists, while answers to writes and single reads show it:
            // an id that is not shown is then no difference, or every full reading would write it again. Where lists show
            // ids, one that was seen on this asset and is not there any more was taken away.
            let taken_away = self.facts.intune_ids == IntuneIds::Listed
                && matches!(&memory.shown, Shown::Seen(Some(seen)) if fold(seen) == fold(wanted));
            memory.written.as_deref() == Some(wanted)
                && ((shown.is_none() && !taken_away)
                    || memory.shown == Shown::Unseen
                    || (shown.is_some() && memory.shown == Shown::Seen(shown.map(str::to_owned))))
        });
        if !same && !remembered {
            self.write.intune_id = Some(wanted.to_owned());
            self.write.tenant = Some(self.facts.tenant.clone());
            let values = (shown.map(str::to_owned), Some(wanted.to_owned()));
            self.change(Part::IntuneId, INTUNE_ID, values, "tells which device the asset is".to_owned());
        }
        let seen = if same || remembered { Shown::Seen(shown.map(str::to_owned)) } else { Shown::Unseen };
        self.remember(FieldMemory { member, written: Some(wanted.to_owned()), shown: seen });
    }

    fn members(&mut self, subject: &Subject<'_>) {
        let coming = self.coming_type();
        let rulebook = self.facts.rulebook;
        for (index, field) in subject.decision.fields.iter().enumerate() {
            let Some(mapping) = rulebook.mappings.get(field.mapping) else { continue };
            let applies = |types: &[TypeId]| types.is_empty() || coming.is_some_and(|id| types.contains(&id));
            // Where two mappings fill one member, the later one that applies and has a value counts.
            let overruled = subject.decision.fields.iter().skip(index + 1).any(|later| {
                rulebook.mappings.get(later.mapping).is_some_and(|other| {
                    other.member == mapping.member && applies(&other.types) && later.value.is_some()
                })
            });
            if overruled || !applies(&mapping.types) || mapping.write == WritePolicy::CreateOnly {
                continue;
            }
            if field.value.is_none() && mapping.empty == EmptyPolicy::Keep {
                continue;
            }
            if let Member::Field(id) = mapping.member
                && !self.facts.has_field(coming, id)
            {
                self.left_out.fields.push((coming, id));
                continue;
            }
            self.member(mapping, field, subject.sight);
        }
    }

    fn member(&mut self, mapping: &BoundMapping, decided: &FieldDecision, sight: Sight) {
        let wanted = decided.value.as_deref();
        let (member, policy) = (&mapping.member, mapping.write);
        let shown = self.asset.shown(member);
        let memory = self.before.and_then(|link| link.memory(member));
        let written_before = memory.filter(|memory| memory.written.as_deref() == wanted);
        if policy == WritePolicy::IfEmpty && !matches!(shown, Some(None | Some(""))) {
            return;
        }
        let holds = match shown {
            // List rows never tell: what was written last is all there is to compare with.
            None => written_before.is_some(),
            Some(shown) => {
                let shown = shown.filter(|text| !text.is_empty());
                let same = match (wanted, shown) {
                    (Some(wanted), Some(shown)) => shows(&mapping.form, wanted, shown),
                    (None, None) => true,
                    _ => false,
                };
                same || written_before.is_some_and(|memory| match &memory.shown {
                    Shown::Unseen => true,
                    Shown::Seen(seen) => seen.as_deref().filter(|text| !text.is_empty()) == shown,
                })
            }
        };
        if !holds && policy == WritePolicy::UnlessEdited {
            let (told, emptied) = match shown {
                // What a single read leaves out is empty.
                None if sight == Sight::Single => (Some(None), None),
                // A row that shows no field at all may have left them out.
                Some(None) if sight == Sight::Kept && self.shows_no_field(member, memory) => (None, None),
                shown => (shown, shown.flatten()),
            };
            match author_of_member(&mapping.form, told, memory) {
                Author::Us => {}
                Author::Untold => return self.untold.push(decided.mapping),
                author => return self.leave_member(author, mapping, decided, emptied),
            }
        }
        let seen = match shown {
            Some(text) if holds => Shown::Seen(text.map(str::to_owned)),
            // What Halo showed once goes on telling our value from a person's while rows leave the member out.
            None if holds && policy == WritePolicy::UnlessEdited => {
                memory.map_or(Shown::Unseen, |memory| memory.shown.clone())
            }
            _ => Shown::Unseen,
        };
        if !holds {
            self.write.members.push((member.clone(), wanted.map(str::to_owned)));
            let from = shown.flatten().map(str::to_owned);
            let overwritten = memory.is_some_and(|memory| {
                memory.written.as_deref() == wanted
                    && matches!(&memory.shown, Shown::Seen(seen) if *seen != from)
            });
            let reason = match (overwritten, wanted) {
                (true, _) => "; Halo's value was changed since it was written",
                (false, None) => "; the source is empty and `empty = \"clear\"`",
                (false, Some(_)) => "",
            };
            let origin = mapping_reason(self.facts.rulebook, decided.mapping, decided.why.as_deref());
            let reason = format!("{origin}{reason}");
            let name = self.facts.member_name(member);
            self.change(Part::Member(member.clone()), &name, (from, wanted.map(str::to_owned)), reason);
            if let Some(change) = self.changes.last_mut() {
                change.shown = list_names(mapping, change);
            }
        }
        self.remember(FieldMemory {
            member: member.clone(),
            written: wanted.map(str::to_owned),
            shown: seen,
        });
    }

    /// Whether the asset is said to have no field at all, though this one was seen on it.
    fn shows_no_field(&self, member: &Member, memory: Option<&FieldMemory>) -> bool {
        matches!(member, Member::Field(_))
            && self.asset.fields.is_empty()
            && memory.is_some_and(|memory| matches!(&memory.shown, Shown::Seen(Some(_))))
    }

    fn remember(&mut self, memory: FieldMemory) {
        match self.link.fields.iter_mut().find(|held| held.member == memory.member) {
            Some(held) => *held = memory,
            None => self.link.fields.push(memory),
        }
    }

    fn finish(mut self, subject: &Subject<'_>) -> (Planned, LeftOut) {
        self.left_out.theirs = self.all_theirs(subject);
        if self.left_out.theirs.is_some() {
            // Looked at again by every run, so that every run can say what is left to people.
            self.link.decision = 0;
        }
        let (replaces, how) = match subject.basis {
            Basis::Linked(_) => (None, None),
            Basis::Inherited(link, Tier::Pinned) if link.device.key() == subject.device.id.key() => {
                (None, Some("a person pinned it to this asset".to_owned()))
            }
            Basis::Inherited(link, tier) => (
                Some(link.device.clone()),
                Some(format!(
                    "takes over the asset of device {} by {}{}",
                    link.device,
                    tier_name(tier, &self.facts.rulebook.tier_names),
                    if link.origin == LinkOrigin::Pinned && tier != Tier::Pinned {
                        "; a person had pinned it for that one, which says nothing of this one"
                    } else {
                        ""
                    }
                )),
            ),
            Basis::Matched(Tier::Pinned) => (None, Some("a person pinned it to this asset".to_owned())),
            Basis::Matched(tier) => {
                (None, Some(format!("matched by {}", tier_name(tier, &self.facts.rulebook.tier_names))))
            }
        };
        let left_out = self.left_out;
        if self.changes.is_empty() {
            if self.before == Some(&self.link) {
                return (Planned::Unchanged, left_out);
            }
            let reason =
                how.or(self.remembered).unwrap_or_else(|| "Halo already shows what was decided".to_owned());
            let remember = Remember { link: Some(self.link), forget: replaces, tenant: None, reason };
            return (Planned::Remember(Box::new(remember)), left_out);
        }
        let mut changes = self.changes;
        if let (Some(how), Some(first)) = (how, changes.first_mut()) {
            first.reason = format!("{} ({how})", first.reason);
        }
        let step = Step {
            step: StepId(String::new()),
            kind: StepKind::UpdateAsset,
            effect: self.effect,
            device: Some(subject.device.id.clone()),
            name: subject.device.name().to_owned(),
            needs: self.needs,
            changes,
            asset: Some(self.write),
            new_type: None,
            client: None,
            new_licence: None,
            software: None,
            link: Some(self.link),
            replaces,
        };
        (Planned::Step(Box::new(step.sealed())), left_out)
    }
}

/// A change of a member by the names that people know values of a list by, where it holds such.
fn list_names(mapping: &BoundMapping, change: &Change) -> Option<(String, String)> {
    let to = change.to.as_deref().and_then(|to| name_of(&mapping.form, to))?;
    let from = change.from.as_deref().unwrap_or_default();
    Some((name_of(&mapping.form, from).unwrap_or(from).to_owned(), to.to_owned()))
}
