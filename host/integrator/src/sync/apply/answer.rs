//! What an answer to a write tells of the asset, laid over what was known and what was sent.

use integrator_core::model::link::Shown;
use integrator_core::model::{Asset, AssetId, AssetWrite, Link, Member};
use integrator_core::plan::create::INTUNE_ID;

/// How much an answer told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Told {
    /// What Halo now shows.
    Values,
    /// Nothing of the values: what was sent is taken for what is shown, until a row tells.
    Nothing,
}

/// The asset as it must be now: as it was, with what was sent, and with what the answer's row shows.
pub(crate) fn merge(
    before: Option<&Asset>,
    id: AssetId,
    write: &AssetWrite,
    row: Option<&Asset>,
) -> (Asset, Told) {
    let mut asset = before.cloned().unwrap_or(Asset {
        id,
        type_id: None,
        client: None,
        site: None,
        status: None,
        inactive: false,
        intune_id: None,
        username: None,
        users: None,
        system: Vec::new(),
        fields: Vec::new(),
        modified: None,
    });
    asset.type_id = write.type_id.or(asset.type_id);
    asset.client = write.client.or(asset.client);
    asset.site = write.site.or(asset.site);
    asset.status = write.status.or(asset.status);
    asset.inactive = write.inactive.unwrap_or(asset.inactive);
    if write.intune_id.is_some() {
        asset.intune_id.clone_from(&write.intune_id);
    }
    if let Some(users) = &write.users {
        // The row's one name is out of date now; the list itself is known.
        asset.users = Some(users.clone());
        asset.username = None;
    }
    for (member, value) in &write.members {
        asset.set(member, value.as_deref());
    }
    let Some(row) = row else { return (asset, Told::Nothing) };
    let wrote_fields = write.members.iter().any(|(member, _)| matches!(member, Member::Field(_)));
    let told = if wrote_fields && row.fields.is_empty() { Told::Nothing } else { Told::Values };
    asset.type_id = row.type_id.or(asset.type_id);
    asset.client = row.client.or(asset.client);
    asset.site = row.site.or(asset.site);
    asset.status = row.status.or(asset.status);
    asset.inactive = write.inactive.unwrap_or(row.inactive);
    asset.modified = row.modified.or(asset.modified);
    if row.intune_id.is_some() || write.intune_id.is_some() {
        // What was written and is not shown was perhaps not kept.
        asset.intune_id.clone_from(&row.intune_id);
    }
    if row.username.is_some() {
        asset.username.clone_from(&row.username);
    }
    if row.users.is_some() {
        asset.users.clone_from(&row.users);
    }
    for (name, value) in &row.system {
        asset.set(&Member::System(name.clone()), value.as_deref());
    }
    if !row.fields.is_empty() {
        asset.fields.clone_from(&row.fields);
    }
    (asset, told)
}

/// Completes a link with the asset it got and with what Halo shows for each value written.
pub(crate) fn settle_link(link: &mut Link, write: &AssetWrite, asset: &Asset, told: Told) {
    link.asset = asset.id;
    link.shown = asset.digest();
    // A type that a step before it created has its number only now.
    link.type_id = write.type_id.or(link.type_id);
    if write.id.is_none() {
        // What Halo itself chose for a new asset is no person's choice.
        link.site = link.site.or(asset.site);
        link.status = link.status.or(asset.status);
    }
    if told == Told::Nothing {
        return;
    }
    for memory in &mut link.fields {
        let written = match &memory.member {
            Member::System(name) if name == INTUNE_ID => {
                write.intune_id.is_some() && write.intune_id == memory.written
            }
            // What is remembered of an earlier write, and put back beside another value, stays as it is.
            member => {
                write.members.iter().any(|(written, value)| written == member && *value == memory.written)
            }
        };
        if !written {
            continue;
        }
        let shown = match &memory.member {
            Member::System(name) if name == INTUNE_ID => {
                asset.intune_id.as_deref().map(|id| Some(id.to_owned()))
            }
            member => asset.shown(member).map(|shown| shown.map(str::to_owned)),
        };
        if let Some(shown) = shown {
            memory.shown = Shown::Seen(shown);
        }
    }
}

/// Whether an asset shows everything that a write sent: it was carried out, then or since.
pub(crate) fn carried_out(write: &AssetWrite, asset: &Asset) -> bool {
    let same = |sent: Option<i64>, shown: Option<i64>| sent.is_none() || sent == shown;
    same(write.type_id.map(|id| id.0), asset.type_id.map(|id| id.0))
        && same(write.site.map(|id| id.0), asset.site.map(|id| id.0))
        && same(write.status.map(|id| id.0), asset.status.map(|id| id.0))
        && write.inactive.is_none_or(|inactive| inactive == asset.inactive)
        && write.members.iter().all(|(member, value)| {
            asset.shown(member).is_some_and(|shown| {
                let sent = value.as_deref().unwrap_or_default();
                integrator_core::decide::compare::same_text(sent, shown.unwrap_or_default())
            })
        })
}
