//! The queue of matching: each device that waits for a person, with its evidence side by side, as the last complete
//! sweep found it. Cases that are settled go by themselves.
//!
//! Also keeps what the devices of a tenant were matched by, so that duplicates can be looked for without asking anybody.

use super::error::SyncError;
use super::planner::Planner;
use super::resolve::{Resolved, spool_error};
use super::spool::{Spool, SpoolRow};
use crate::store::{CaseKey, ChangeSet, Store};
use futures_util::StreamExt;
use integrator_core::decide::mapped::match_values;
use integrator_core::decide::rulebook::BoundSource;
use integrator_core::decide::{Calls, Counting, Rulebook};
use integrator_core::model::device::Slot;
use integrator_core::model::{
    Asset, AssetId, CaseAsset, CaseDevice, CaseKind, Catalogue, Device, DeviceId, DeviceKey, Link, LinkState,
    MatchCase, Member, Presence, TenantId,
};
use integrator_core::resolve::Pair;
use integrator_core::settings::MatchReach;
use rustc_hash::{FxHashMap, FxHashSet};
use serde::{Deserialize, Serialize};

/// Cases put together at once.
const CHUNK: usize = 256;

/// Whether every device of a tenant was seen, so that a case that was not is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sight {
    /// All were.
    Whole,
    /// Some rows could not be read.
    Partial,
}

/// One device that waits.
struct Waiting {
    row: u32,
    kind: CaseKind,
    reason: String,
    assets: Vec<AssetId>,
    others: Vec<u32>,
}

/// A device that its plan holds because of the asset that it matched.
#[derive(Clone, Debug)]
pub(super) struct OtherKind {
    /// Its row.
    pub(super) row: u32,
    /// The asset.
    pub(super) asset: AssetId,
    /// Why.
    pub(super) reason: String,
}

/// Sets the queue of the planner's tenant anew.
pub(super) async fn keep(planner: &Planner<'_>, spool: &Spool, sight: Sight) -> Result<(), SyncError> {
    let shared = &planner.shared;
    let (resolved, rulebook) = (&shared.resolved, &*shared.rulebook);
    keep_basis(planner).await?;
    let waiting = waiting(resolved, &planner.other_kinds);
    let connection = &rulebook.connection.id;
    let mut before: FxHashMap<DeviceKey, MatchCase> = FxHashMap::default();
    let mut cases = planner.store.match_cases(Some(connection));
    while let Some(chunk) = cases.next().await {
        let own = chunk?.into_iter().filter(|case| case.tenant.key() == planner.tenant.key());
        before.extend(own.map(|case| (DeviceKey::of(&case.device.id), case)));
    }
    if waiting.is_empty() && before.is_empty() {
        return Ok(());
    }
    let owners = owners(resolved, &waiting);
    for chunk in waiting.chunks(CHUNK) {
        let evidence = Evidence::load(planner, spool, &owners, chunk).await?;
        let mut put_cases = Vec::new();
        for one in chunk {
            let Some(mut case) = evidence.case(planner, one) else { continue };
            let known = before.remove(&DeviceKey::of(&case.device.id));
            if let Some(known) = known.as_ref().filter(|known| known.kind == case.kind) {
                case.since = known.since;
            }
            if known.as_ref() != Some(&case) {
                put_cases.push(case);
            }
        }
        if !put_cases.is_empty() {
            planner.store.commit(None, ChangeSet { put_cases, ..ChangeSet::default() }).await?;
        }
    }
    if sight == Sight::Whole && !before.is_empty() {
        let remove_cases = before.values().map(CaseKey::from).collect();
        planner.store.commit(None, ChangeSet { remove_cases, ..ChangeSet::default() }).await?;
    }
    Ok(())
}

fn waiting(resolved: &Resolved, other_kinds: &[OtherKind]) -> Vec<Waiting> {
    let disputed = resolved.pairs.iter().enumerate().filter_map(|(row, pair)| {
        let Pair::Held(held) = pair else { return None };
        let dispute = held.dispute.as_ref()?;
        Some(Waiting {
            row: u32::try_from(row).ok()?,
            kind: dispute.kind,
            reason: held.reason.clone(),
            assets: dispute.assets.clone(),
            others: held.others.clone(),
        })
    });
    let kinds = other_kinds.iter().map(|one| Waiting {
        row: one.row,
        kind: CaseKind::OtherType,
        reason: one.reason.clone(),
        assets: vec![one.asset],
        others: Vec::new(),
    });
    disputed.chain(kinds).collect()
}

/// The devices that the disputed assets are linked with.
fn owners(resolved: &Resolved, waiting: &[Waiting]) -> FxHashMap<AssetId, DeviceKey> {
    let wanted: FxHashSet<AssetId> = waiting.iter().flat_map(|one| one.assets.iter().copied()).collect();
    let links = resolved.links.iter().filter(|link| wanted.contains(&link.asset));
    links.map(|link| (link.asset, link.key)).collect()
}

/// What is read of both sides for some cases.
struct Evidence {
    rows: FxHashMap<u32, SpoolRow>,
    assets: FxHashMap<AssetId, Asset>,
    owners: FxHashMap<AssetId, Link>,
}

impl Evidence {
    async fn load(
        planner: &Planner<'_>,
        spool: &Spool,
        owners: &FxHashMap<AssetId, DeviceKey>,
        chunk: &[Waiting],
    ) -> Result<Self, SyncError> {
        let resolved = &planner.shared.resolved;
        let mut places: Vec<(u64, u32)> = chunk
            .iter()
            .flat_map(|one| std::iter::once(one.row).chain(one.others.iter().copied()))
            .filter_map(|row| Some((resolved.rows.get(row as usize)?.spool.bytes(), row)))
            .collect();
        places.sort_unstable();
        places.dedup();
        let starts: Vec<u64> = places.iter().map(|(start, _)| *start).collect();
        let spooled = spool.rows_at(&starts).map_err(spool_error)?;
        let mut numbers: Vec<AssetId> = chunk.iter().flat_map(|one| one.assets.iter().copied()).collect();
        numbers.sort_unstable();
        numbers.dedup();
        let assets = planner.store.assets(&numbers).await?;
        let owned: Vec<(AssetId, DeviceKey)> =
            numbers.iter().filter_map(|asset| Some((*asset, *owners.get(asset)?))).collect();
        let keys: Vec<DeviceKey> = owned.iter().map(|(_, key)| *key).collect();
        let links = planner.store.links(planner.tenant.key(), &keys).await?;
        Ok(Self {
            rows: places.into_iter().map(|(_, row)| row).zip(spooled).collect(),
            assets: assets.into_iter().flatten().map(|asset| (asset.id, asset)).collect(),
            owners: owned
                .into_iter()
                .zip(links)
                .filter_map(|((asset, _), link)| Some((asset, link?)))
                .collect(),
        })
    }

    fn case(&self, planner: &Planner<'_>, one: &Waiting) -> Option<MatchCase> {
        let rulebook = &*planner.shared.rulebook;
        let Some(SpoolRow::Device(device)) = self.rows.get(&one.row) else { return None };
        let mut calls = Calls::new(&rulebook.plugins, Counting::Uncounted);
        // Where a plugin cannot tell, the evidence lacks what it matched by.
        let values = match_values(rulebook, device, &mut calls).unwrap_or_default();
        let others = one.others.iter().filter_map(|other| match self.rows.get(other) {
            Some(SpoolRow::Device(device)) => Some(case_device(device, rulebook)),
            _ => None,
        });
        let assets = one.assets.iter().map(|asset| {
            let Some(found) = self.assets.get(asset) else {
                return CaseAsset { id: asset.0, presence: Presence::Gone, ..CaseAsset::default() };
            };
            let matches = matches(found, device, &values, rulebook);
            let linked = self.owners.get(asset).map(|link| owner(link, &device.id));
            CaseAsset { matches, linked, ..case_asset(found, &planner.catalogue) }
        });
        Some(MatchCase {
            connection: rulebook.connection.id.clone(),
            tenant: planner.tenant.clone(),
            device: case_device(device, rulebook),
            kind: one.kind,
            reason: one.reason.clone(),
            assets: assets.collect(),
            others: others.collect(),
            since: planner.shared.now,
        })
    }
}

/// The device that an asset is linked with, in words.
fn owner(link: &Link, device: &DeviceId) -> String {
    if link.device.key() == device.key() {
        return "this device".to_owned();
    }
    let gone = match link.state {
        LinkState::Deleted => ", which is gone from Intune",
        LinkState::Missing => ", which was absent last",
        LinkState::Present | LinkState::Inactive => "",
    };
    format!("{} (device {}){gone}", link.device_name, link.device)
}

/// What an asset and a device have in common.
fn matches(
    asset: &Asset,
    device: &Device,
    values: &[Option<String>],
    rulebook: &Rulebook,
) -> Vec<(String, String)> {
    let mut found = Vec::new();
    if let Some(id) = asset.intune_id.as_deref().filter(|id| DeviceKey::of(id.trim()) == device.id.key()) {
        found.push(("Intune id".to_owned(), id.to_owned()));
    }
    for ((value, member), name) in values.iter().zip(&rulebook.match_members).zip(&rulebook.tier_names) {
        let Some(shown) = asset.shown(member).flatten() else { continue };
        if value.is_some() && rulebook.placeholders.usable(shown) == *value {
            found.push((name.clone(), shown.to_owned()));
        }
    }
    found
}

/// A device as a case shows it.
fn case_device(device: &Device, rulebook: &Rulebook) -> CaseDevice {
    let text = |slot| device.text(slot).map(str::to_owned);
    let model = rulebook.projection.slot("model").and_then(text);
    CaseDevice {
        id: device.id.as_str().to_owned(),
        name: device.name().to_owned(),
        serial: text(Slot::SERIAL_NUMBER),
        user: text(Slot::USER_PRINCIPAL_NAME),
        model,
        enrolled: device.time(Slot::ENROLLED),
        synced: device.time(Slot::LAST_SYNC),
    }
}

/// An asset as a case shows it, with the names that are known.
fn case_asset(asset: &Asset, catalogue: &Catalogue) -> CaseAsset {
    let client = asset.client.map(|id| {
        let known = catalogue.clients.iter().find(|client| client.id == id);
        known.map_or_else(|| format!("client {id}"), |client| client.name.clone())
    });
    let site = asset.site.map(|id| {
        let known = catalogue.sites.iter().find(|site| site.id == id);
        known.map_or_else(|| format!("site {id}"), |site| site.name.clone())
    });
    CaseAsset {
        id: asset.id.0,
        name: inventory_number(asset),
        type_name: asset.type_id.map(|id| catalogue.type_name(id)),
        client,
        site,
        status: asset.status.map(|id| catalogue.status_name(id)),
        inactive: asset.inactive,
        ..CaseAsset::default()
    }
}

/// What people call an asset by.
pub(super) fn inventory_number(asset: &Asset) -> Option<String> {
    let member = Member::System("inventory_number".to_owned());
    asset.shown(&member).flatten().map(str::to_owned)
}

/// What the devices of a tenant are matched by, in Halo's numbers, as the last run bound it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct MatchBasis {
    /// The client that candidates belong to; none: any.
    pub(super) client: Option<i64>,
    /// Each field that is looked at: its name and its member.
    pub(super) fields: Vec<(String, Member)>,
    /// Names of asset types.
    pub(super) types: Vec<(i64, String)>,
    /// Names of sites.
    pub(super) sites: Vec<(i64, String)>,
}

/// Name of the mark that keeps the basis of a tenant.
pub(super) fn basis_mark(connection: &str, tenant: &TenantId) -> String {
    format!("match-basis {connection} {}", tenant.as_str().to_ascii_lowercase())
}

/// The kept basis of a tenant.
pub(super) async fn basis(
    store: &dyn Store,
    connection: &str,
    tenant: &TenantId,
) -> Result<Option<MatchBasis>, SyncError> {
    let mark = store.mark(&basis_mark(connection, tenant)).await?;
    Ok(mark.and_then(|mark| serde_json::from_value(mark).ok()))
}

async fn keep_basis(planner: &Planner<'_>) -> Result<(), SyncError> {
    let rulebook = &*planner.shared.rulebook;
    let connection = &rulebook.connection;
    let mut fields: Vec<(String, Member)> =
        rulebook.tier_names.iter().cloned().zip(rulebook.match_members.iter().cloned()).collect();
    for mapping in &rulebook.mappings {
        let is_serial = matches!(mapping.source, BoundSource::Slot(_, "serialNumber"));
        if is_serial && !fields.iter().any(|(_, member)| *member == mapping.member) {
            fields.push((mapping.name.clone(), mapping.member.clone()));
        }
    }
    let of_client = connection.imports.match_reach == MatchReach::ConnectionClients;
    let found = MatchBasis {
        client: of_client.then_some(rulebook.client.id.0),
        fields,
        types: planner.catalogue.types.iter().map(|one| (one.id.0, one.name.clone())).collect(),
        sites: planner.catalogue.sites.iter().map(|one| (one.id.0, one.name.clone())).collect(),
    };
    if basis(planner.store, &connection.id, &planner.tenant).await?.as_ref() == Some(&found) {
        return Ok(());
    }
    let value = serde_json::to_value(&found).map_err(|error| SyncError::bug(error.to_string()))?;
    let put_marks = vec![(basis_mark(&connection.id, &planner.tenant), value)];
    planner.store.commit(None, ChangeSet { put_marks, ..ChangeSet::default() }).await?;
    Ok(())
}
