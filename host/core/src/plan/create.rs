//! Steps that create: an asset for a device without one, and the asset type it may need.

use super::step::{Change, Effect, Facts, LeftOut, Part, Step, StepId, StepKind};
use crate::decide::form::name_of;
use crate::decide::reason::{mapping_reason, site_reason, type_reason, user_reason};
use crate::decide::{Decision, Standing, TypeRef, UserDecision};
use crate::model::catalogue::Named;
use crate::model::device::Slot;
use crate::model::link::Shown;
use crate::model::{
    AssetId, AssetWrite, Deactivated, Device, FieldMemory, GroupId, Life, Link, LinkOrigin, LinkState,
    Member, StatusId, TypeId, TypeWrite,
};
use crate::settings::Deactivation;

/// The member by which Halo remembers the managed device.
pub const INTUNE_ID: &str = "intune_id";

/// Plans the creation of a type that only a device's field names so far.
pub fn plan_type(facts: Facts<'_>, name: &str, group: Option<&Named<GroupId>>) -> Step {
    let types = &facts.rulebook.types;
    let like = types.default.or_else(|| facts.catalogue.types.first().map(|known| known.id));
    let fields = facts
        .rulebook
        .mappings
        .iter()
        .filter_map(|mapping| match mapping.member {
            Member::Field(id) => Some(id),
            Member::System(_) | Member::Custom { .. } => None,
        })
        .collect();
    let reason = match like {
        Some(like) => format!(
            "a device names it and Halo lacks it; made like \"{}\"{}",
            facts.catalogue.type_name(like),
            group.map(|group| format!(" in group \"{}\"", group.name)).unwrap_or_default()
        ),
        None => "a device names it and Halo lacks it".to_owned(),
    };
    Step {
        step: StepId(String::new()),
        kind: StepKind::CreateType,
        effect: Effect::Create,
        device: None,
        name: name.to_owned(),
        needs: Vec::new(),
        changes: vec![Change {
            part: Part::Type,
            name: "asset type".to_owned(),
            from: None,
            to: Some(name.to_owned()),
            shown: None,
            reason,
        }],
        asset: None,
        new_type: Some(TypeWrite { name: name.to_owned(), group: group.map(|group| group.id), like, fields }),
        client: None,
        new_licence: None,
        software: None,
        link: None,
        replaces: None,
    }
    .sealed()
}

/// Plans the creation of a device's asset. `type_step` is the step that creates its type, when one does;
/// `user_name` is the matched user's. Gives what the type does not take and what was therefore left out.
///
/// A device that shows no sign of life is created as what it is: inactive, with the status for that; once it is back,
/// it gets the status of new assets.
pub fn plan_create(
    facts: Facts<'_>,
    device: &Device,
    decision: &Decision,
    type_step: Option<&StepId>,
    user_name: Option<&str>,
) -> (Step, LeftOut) {
    let rulebook = facts.rulebook;
    let type_id = match &decision.asset_type.asset_type {
        TypeRef::Existing(id) => Some(*id),
        TypeRef::New(_) => None,
    };
    let site = decision.site.on_create.or(rulebook.client.main_site);
    // A type that a step creates allows what the type it is copied from allows.
    let judged_type = type_id.or(rulebook.types.default);
    let inactive = rulebook.connection.statuses.inactive.as_ref();
    let stale = inactive.and_then(|inactive| decision.life.reason(inactive.after_days));
    let mut left_out = LeftOut::default();
    let mut allowed = |status: Option<StatusId>| {
        let allowed = status.filter(|status| facts.allows(judged_type, *status));
        left_out.statuses.extend(status.filter(|_| allowed.is_none()).map(|status| (judged_type, status)));
        allowed
    };
    let status = stale
        .as_ref()
        .and_then(|_| allowed(rulebook.status_inactive))
        .or_else(|| allowed(rulebook.status_new));
    let deactivate =
        stale.is_some() && inactive.is_some_and(|inactive| inactive.deactivate == Deactivation::Deactivate);
    let user = match decision.user {
        UserDecision::Matched(user) => Some(user.id),
        _ => None,
    };
    let write = AssetWrite {
        id: None,
        type_id,
        client: (site.is_none() && rulebook.client_step.is_none()).then_some(rulebook.client.id),
        site,
        status,
        inactive: deactivate.then_some(true),
        intune_id: Some(device.id.0.clone()),
        tenant: Some(facts.tenant.clone()),
        users: user.map(|user| vec![user]),
        members: members(facts, decision, type_id, judged_type, &mut left_out),
        software: None,
    };
    let step = Step {
        step: StepId(String::new()),
        kind: StepKind::CreateAsset,
        effect: Effect::Create,
        device: Some(device.id.clone()),
        name: device.name().to_owned(),
        needs: type_step.into_iter().chain(&rulebook.client_step).cloned().collect(),
        changes: changes(facts, device, decision, &write, user_name, stale.as_deref()),
        link: Some(link(facts, device, decision, &write)),
        asset: Some(write),
        new_type: None,
        client: None,
        new_licence: None,
        software: None,
        replaces: None,
    };
    (step.sealed(), left_out)
}

/// The mapped members with their values. Where two mappings fill one, the later counts, as in the settings file.
/// `like` is the type, or the one that a new type is copied from.
fn members(
    facts: Facts<'_>,
    decision: &Decision,
    type_id: Option<TypeId>,
    like: Option<TypeId>,
    left_out: &mut LeftOut,
) -> Vec<(Member, Option<String>)> {
    let mut members: Vec<(Member, Option<String>)> = Vec::new();
    for field in &decision.fields {
        let Some(mapping) = facts.rulebook.mappings.get(field.mapping) else { continue };
        let applies = mapping.types.is_empty() || type_id.is_some_and(|id| mapping.types.contains(&id));
        let (true, Some(value)) = (applies, &field.value) else { continue };
        if let Member::Field(field) = mapping.member
            && !facts.has_field(like, field)
        {
            left_out.fields.push((like, field));
            continue;
        }
        members.retain(|(member, _)| *member != mapping.member);
        members.push((mapping.member.clone(), Some(value.clone())));
    }
    members
}

fn changes(
    facts: Facts<'_>,
    device: &Device,
    decision: &Decision,
    write: &AssetWrite,
    user_name: Option<&str>,
    stale: Option<&str>,
) -> Vec<Change> {
    let mut changes = Vec::new();
    let mut change = |part: Part, name: &str, to: String, text: Option<String>, reason: String| {
        let shown = text.map(|text| (String::new(), text));
        changes.push(Change { part, name: name.to_owned(), from: None, to: Some(to), shown, reason });
    };
    let type_name = match &decision.asset_type.asset_type {
        TypeRef::Existing(id) => facts.catalogue.type_name(*id),
        TypeRef::New(name) => name.clone(),
    };
    let type_number = write.type_id.map_or_else(|| type_name.clone(), |id| id.to_string());
    change(Part::Type, "type", type_number, Some(type_name), type_reason(facts.rulebook, device, decision));
    if let Some(step) = facts.rulebook.client_step.as_ref().filter(|_| write.site.is_none()) {
        let reason = "the main site of the client that is created for the tenant".to_owned();
        change(Part::Client, "client", step.0.clone(), Some(facts.rulebook.client.name.clone()), reason);
    }
    if let Some(site) = write.site {
        let name =
            facts.catalogue.sites.iter().find(|known| known.id == site).map(|known| known.name.clone());
        let reason = match decision.site.on_create {
            Some(_) => site_reason(facts.rulebook, decision),
            None => format!("main site of client \"{}\"", facts.rulebook.client.name),
        };
        change(Part::Site, "site", site.to_string(), name, reason);
    }
    if let Some(status) = write.status {
        let name = facts.catalogue.status_name(status);
        let reason = match stale {
            Some(stale) if facts.rulebook.status_inactive == Some(status) => stale,
            _ => "statuses.new",
        };
        change(Part::Status, "status", status.to_string(), Some(name), reason.to_owned());
    }
    if let Some(inactive) = write.inactive {
        let reason = stale.unwrap_or_default().to_owned();
        change(Part::Inactive, "inactive", inactive.to_string(), None, reason);
    }
    for user in write.users.iter().flatten() {
        let name = user_name.map(str::to_owned);
        change(Part::User, "user", user.to_string(), name, user_reason(facts.rulebook));
    }
    if let Some(id) = &write.intune_id {
        change(Part::IntuneId, INTUNE_ID, id.clone(), None, "tells which device the asset is".to_owned());
    }
    for (member, value) in &write.members {
        let name = facts.member_name(member);
        let found = facts.rulebook.mappings.iter().enumerate().rev().find(|(_, mapping)| {
            mapping.member == *member
                && (mapping.types.is_empty() || write.type_id.is_some_and(|id| mapping.types.contains(&id)))
        });
        let decided =
            found.and_then(|(index, _)| decision.fields.iter().find(|field| field.mapping == index));
        let why = decided.and_then(|field| field.why.as_deref());
        let reason = found
            .map_or_else(|| "mapped".to_owned(), |(index, _)| mapping_reason(facts.rulebook, index, why));
        let mapping = found.map(|(_, mapping)| mapping);
        let value = value.clone().unwrap_or_default();
        let people_say = mapping.and_then(|mapping| name_of(&mapping.form, &value)).map(str::to_owned);
        change(Part::Member(member.clone()), &name, value, people_say, reason);
    }
    changes
}

/// What is remembered once the asset is there; its number is filled in then.
fn link(facts: Facts<'_>, device: &Device, decision: &Decision, write: &AssetWrite) -> Link {
    let rulebook = facts.rulebook;
    let mut fields: Vec<FieldMemory> = write
        .members
        .iter()
        .map(|(member, value)| FieldMemory {
            member: member.clone(),
            written: value.clone(),
            shown: Shown::Unseen,
        })
        .collect();
    fields.push(FieldMemory {
        member: Member::System(INTUNE_ID.to_owned()),
        written: write.intune_id.clone(),
        shown: Shown::Unseen,
    });
    let state = match decision.life.standing {
        Standing::Alive => LinkState::Present,
        Standing::Stale(_) => LinkState::Inactive,
    };
    let deactivated = if write.inactive == Some(true) { Deactivated::ByUs } else { Deactivated::NotByUs };
    Link {
        tenant: facts.tenant.clone(),
        device: device.id.clone(),
        device_name: device.name().to_owned(),
        serial: device.text(Slot::SERIAL_NUMBER).and_then(|serial| rulebook.placeholders.usable(serial)),
        connection: rulebook.connection.id.clone(),
        asset: AssetId(0),
        origin: LinkOrigin::Created,
        fields,
        user: write.users.iter().flatten().next().copied(),
        site: write.site,
        type_id: write.type_id,
        status: write.status,
        status_before: rulebook.status_new.filter(|_| write.status == rulebook.status_inactive),
        state,
        since: facts.now,
        misses: 0,
        last_complete_run: String::new(),
        decision: decision.digest,
        shown: 0,
        life: Life { leaving: decision.life.leaving.clone(), deactivated, ..Life::default() },
    }
}
