//! Steps that create: an asset for a device without one, and the asset type it may need.

use super::step::{Change, Effect, Facts, Part, Step, StepId, StepKind};

use super::update::StatusLeftOut;
use crate::decide::rulebook::BoundMapping;
use crate::decide::{Decision, TypeRef, UserDecision};
use crate::model::catalogue::Named;
use crate::model::device::Slot;
use crate::model::link::Shown;
use crate::model::{
    AssetId, AssetWrite, Device, FieldMemory, GroupId, Link, LinkOrigin, LinkState, Member, TypeId, TypeWrite,
};

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
            Member::System(_) => None,
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
/// `user_name` is the matched user's. Gives the status that the type does not allow and that was therefore left
/// out, if there is one.
pub fn plan_create(
    facts: Facts<'_>,
    device: &Device,
    decision: &Decision,
    type_step: Option<&StepId>,
    user_name: Option<&str>,
) -> (Step, StatusLeftOut) {
    let rulebook = facts.rulebook;
    let type_id = match &decision.asset_type.asset_type {
        TypeRef::Existing(id) => Some(*id),
        TypeRef::New(_) => None,
    };
    let site = decision.site.on_create.or(rulebook.client.main_site);
    // A type that a step creates allows what the type it is copied from allows.
    let judged_type = type_id.or(rulebook.types.default);
    let status = rulebook.status_new.filter(|status| facts.allows(judged_type, *status));
    let left_out = rulebook.status_new.filter(|_| status.is_none()).map(|status| (judged_type, status));
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
        intune_id: Some(device.id.0.clone()),
        tenant: Some(facts.tenant.clone()),
        users: user.map(|user| vec![user]),
        members: members(facts, decision, type_id),
        software: None,
    };
    let step = Step {
        step: StepId(String::new()),
        kind: StepKind::CreateAsset,
        effect: Effect::Create,
        device: Some(device.id.clone()),
        name: device.name().to_owned(),
        needs: type_step.into_iter().chain(&rulebook.client_step).cloned().collect(),
        changes: changes(facts, decision, &write, user_name),
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
fn members(facts: Facts<'_>, decision: &Decision, type_id: Option<TypeId>) -> Vec<(Member, Option<String>)> {
    let mut members: Vec<(Member, Option<String>)> = Vec::new();
    for field in &decision.fields {
        let Some(mapping) = facts.rulebook.mappings.get(field.mapping) else { continue };
        let applies = mapping.types.is_empty() || type_id.is_some_and(|id| mapping.types.contains(&id));
        let (true, Some(value)) = (applies, &field.value) else { continue };
        members.retain(|(member, _)| *member != mapping.member);
        members.push((mapping.member.clone(), Some(value.clone())));
    }
    members
}

fn changes(
    facts: Facts<'_>,
    decision: &Decision,
    write: &AssetWrite,
    user_name: Option<&str>,
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
    change(Part::Type, "type", type_number, Some(type_name), decision.asset_type.reason.text());
    if let Some(step) = facts.rulebook.client_step.as_ref().filter(|_| write.site.is_none()) {
        let reason = "the main site of the client that is created for the tenant".to_owned();
        change(Part::Client, "client", step.0.clone(), Some(facts.rulebook.client.name.clone()), reason);
    }
    if let Some(site) = write.site {
        let name =
            facts.catalogue.sites.iter().find(|known| known.id == site).map(|known| known.name.clone());
        let reason = match decision.site.on_create {
            Some(_) => decision.site.reason.text().to_owned(),
            None => format!("main site of client \"{}\"", facts.rulebook.client.name),
        };
        change(Part::Site, "site", site.to_string(), name, reason);
    }
    if let Some(status) = write.status {
        let name = facts.catalogue.status_name(status);
        change(Part::Status, "status", status.to_string(), Some(name), "statuses.new".to_owned());
    }
    for user in write.users.iter().flatten() {
        let name = user_name.map(str::to_owned);
        let noun = facts.rulebook.connection.users.source.noun();
        change(Part::User, "user", user.to_string(), name, format!("the device's {noun}"));
    }
    if let Some(id) = &write.intune_id {
        change(Part::IntuneId, INTUNE_ID, id.clone(), None, "tells which device the asset is".to_owned());
    }
    for (member, value) in &write.members {
        let name = facts.member_name(member);
        let mapping = facts.rulebook.mappings.iter().rev().find(|mapping| {
            mapping.member == *member
                && (mapping.types.is_empty() || write.type_id.is_some_and(|id| mapping.types.contains(&id)))
        });
        let reason = mapping.map_or_else(|| "mapped".to_owned(), BoundMapping::origin);
        change(Part::Member(member.clone()), &name, value.clone().unwrap_or_default(), None, reason);
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
        status_before: None,
        state: LinkState::Present,
        since: facts.now,
        misses: 0,
        last_complete_run: String::new(),
        decision: decision.digest,
        shown: 0,
    }
}
