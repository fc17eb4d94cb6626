//! Assets of Halo's kept index that are one machine by what devices are matched by. They are listed, and nothing else:
//! which of them goes is for people to say, in Halo.
//!
//! The index is read twice: once to count what values there are more than once, once to take down who has them.

use super::super::error::SyncError;
use super::super::queue::{MatchBasis, basis, inventory_number};
use super::super::world::World;
use crate::store::Store;
use futures_util::StreamExt;
use integrator_core::model::link::serial_hash;
use integrator_core::model::value::fold;
use integrator_core::model::{Asset, AssetId, CaseAsset, DeviceKey, LinkState};
use integrator_core::resolve::placeholder::Placeholders;
use integrator_core::settings::Connection;
use rustc_hash::{FxHashMap, FxHashSet};
use serde::Serialize;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Assets that look like one machine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DuplicateGroup {
    /// The connection whose devices they could be.
    pub connection: String,
    /// What they have in common: the field, and the value.
    pub by: Vec<(String, String)>,
    /// The assets, by number.
    pub assets: Vec<CaseAsset>,
}

/// What is compared first of all.
const INTUNE_ID: &str = "Intune id";

/// Finds the duplicates of these connections.
pub async fn duplicates(
    world: &World,
    connections: &[Arc<Connection>],
) -> Result<Vec<DuplicateGroup>, SyncError> {
    let store = world.store().await?;
    let mut groups: Vec<DuplicateGroup> = Vec::new();
    for connection in connections {
        let mut looked: Vec<MatchBasis> = Vec::new();
        for tenant in connection.tenants() {
            let Some(basis) = basis(&*store, &connection.id, tenant).await? else { continue };
            if looked.iter().any(|one| one.client == basis.client) {
                continue;
            }
            groups.extend(of_basis(world, &*store, connection, &basis).await?);
            looked.push(basis);
        }
        if looked.is_empty() {
            return Err(SyncError::settings(
                format!(
                    "no run of {} has read Halo yet, so that there is nothing to look through",
                    connection.id
                ),
                format!("`plan {}` reads it, and writes nothing", connection.id),
            ));
        }
    }
    Ok(groups)
}

async fn of_basis(
    world: &World,
    store: &dyn Store,
    connection: &Connection,
    basis: &MatchBasis,
) -> Result<Vec<DuplicateGroup>, SyncError> {
    let placeholders = Placeholders::new(connection.imports.ignore_values.iter().map(String::as_str));
    let inside =
        |asset: &Asset| basis.client.is_none_or(|client| asset.client.is_none_or(|own| own.0 == client));
    let mut counts: FxHashMap<(usize, u64), u32> = FxHashMap::default();
    let mut assets = store.all_assets();
    while let Some(chunk) = assets.next().await {
        for asset in chunk?.iter().filter(|asset| inside(asset)) {
            for (field, usable, _) in values(asset, basis, &placeholders) {
                *counts.entry((field, serial_hash(&usable))).or_default() += 1;
            }
        }
    }
    counts.retain(|_, count| *count > 1);
    if counts.is_empty() {
        return Ok(Vec::new());
    }
    let mut groups: BTreeMap<(usize, String), Group> = BTreeMap::new();
    let mut assets = store.all_assets();
    while let Some(chunk) = assets.next().await {
        for asset in chunk?.iter().filter(|asset| inside(asset)) {
            for (field, usable, shown) in values(asset, basis, &placeholders) {
                if counts.contains_key(&(field, serial_hash(&usable))) {
                    let group = groups.entry((field, usable)).or_default();
                    group.shown.get_or_insert(shown);
                    group.assets.push(shown_asset(asset, basis));
                }
            }
        }
    }
    let wanted: FxHashSet<AssetId> =
        groups.values().flat_map(|group| group.assets.iter().map(CaseAsset::asset)).collect();
    let owners = owners(world, store, &wanted).await?;
    let mut found: Vec<DuplicateGroup> = Vec::new();
    for ((field, _), group) in groups.into_iter().filter(|(_, group)| group.assets.len() > 1) {
        let name = match field.checked_sub(1) {
            None => INTUNE_ID.to_owned(),
            Some(index) => basis.fields.get(index).map(|(name, _)| name.clone()).unwrap_or_default(),
        };
        let by = (name, group.shown.unwrap_or_default());
        let numbers = |assets: &[CaseAsset]| assets.iter().map(|asset| asset.id).collect::<Vec<_>>();
        if let Some(same) = found.iter_mut().find(|one| numbers(&one.assets) == numbers(&group.assets)) {
            same.by.push(by);
            continue;
        }
        let linked = |asset: CaseAsset| CaseAsset { linked: owners.get(&asset.asset()).cloned(), ..asset };
        let assets = group.assets.into_iter().map(linked).collect();
        found.push(DuplicateGroup { connection: connection.id.clone(), by: vec![by], assets });
    }
    found.sort_by_key(|group| group.assets.first().map(|asset| asset.id));
    Ok(found)
}

#[derive(Default)]
struct Group {
    shown: Option<String>,
    assets: Vec<CaseAsset>,
}

/// What an asset is recognised by: the number of the field (0: the Intune id), the value as it is compared, and as it
/// stands there.
fn values(asset: &Asset, basis: &MatchBasis, placeholders: &Placeholders) -> Vec<(usize, String, String)> {
    let mut found = Vec::new();
    if let Some(id) = asset.intune_id.as_deref().map(str::trim).filter(|id| !id.is_empty()) {
        found.push((0, fold(id), id.to_owned()));
    }
    for (index, (_, member)) in basis.fields.iter().enumerate() {
        if let Some(Some(shown)) = asset.shown(member)
            && let Some(usable) = placeholders.usable(shown)
        {
            found.push((index + 1, usable, shown.to_owned()));
        }
    }
    found
}

fn shown_asset(asset: &Asset, basis: &MatchBasis) -> CaseAsset {
    let name = |names: &[(i64, String)], id: i64, noun: &str| {
        let known = names.iter().find(|(known, _)| *known == id);
        known.map_or_else(|| format!("{noun} {id}"), |(_, name)| name.clone())
    };
    CaseAsset {
        id: asset.id.0,
        name: inventory_number(asset),
        type_name: asset.type_id.map(|id| name(&basis.types, id.0, "type")),
        site: asset.site.map(|id| name(&basis.sites, id.0, "site")),
        inactive: asset.inactive,
        ..CaseAsset::default()
    }
}

/// The devices that these assets are linked with, in words, whichever connection made the link.
async fn owners(
    world: &World,
    store: &dyn Store,
    wanted: &FxHashSet<AssetId>,
) -> Result<FxHashMap<AssetId, String>, SyncError> {
    let mut owners = FxHashMap::default();
    for connection in &world.settings.connections {
        for tenant in connection.tenants() {
            let mut keys: Vec<DeviceKey> = Vec::new();
            let mut links = store.link_summaries(&connection.id, tenant.key());
            while let Some(chunk) = links.next().await {
                keys.extend(
                    chunk?.into_iter().filter(|link| wanted.contains(&link.asset)).map(|link| link.key),
                );
            }
            for link in store.links(tenant.key(), &keys).await?.into_iter().flatten() {
                let gone = if link.state == LinkState::Deleted { ", which is gone from Intune" } else { "" };
                let text = format!("{} (device {}){gone}", link.device_name, link.device);
                owners.insert(link.asset, text);
            }
        }
    }
    Ok(owners)
}
