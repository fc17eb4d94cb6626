//! Between the two passes: which rows are one device, which asset belongs to each, and which links have no row.
//!
//! Loads what the pure functions of `core::resolve` need, and asks Halo or Graph only where a conclusion rests on
//! it: an asset that the index has lost is read directly before its link is given up.

use super::error::SyncError;
use super::index::{Summaries, summaries};
use super::rulings::{self, Spoken};
use super::spool::SpoolRow;
use super::sweep::Swept;
use crate::halo::HaloClient;
use crate::store::{ChangeSet, Store};
use futures_util::StreamExt;
use integrator_core::decide::mapped::match_values;
use integrator_core::decide::{Calls, Counting, Rulebook};
use integrator_core::model::link::serial_hash;
use integrator_core::model::{AssetId, CaseKind, DeviceKey, IdentityRow, LinkState, LinkSummary};
use integrator_core::resolve::{
    Candidates, LinkedAssets, Pair, Pairing, Unlinked, absent_links, judge_duplicates, pair_linked,
    pair_unlinked, rule_splits, tier_name,
};
use integrator_core::settings::{Connection, MatchReach};
use rustc_hash::{FxHashMap, FxHashSet};
use std::path::Path;

/// Assets that the index lacks are read singly, at most this many a run; the devices of the others are held.
const LOST_ASSET_READS: usize = 100;
/// Devices with another serial number than before which one run tells of.
const RENUMBERED_TOLD: usize = 20;
/// Rows read from the spool at once while matching.
const MATCH_CHUNK: usize = 4096;

/// What the decide pass works from. Rows, pairs and links by index.
#[derive(Debug, Default)]
pub(crate) struct Resolved {
    /// The rows of the sweep, by key.
    pub(crate) rows: Vec<IdentityRow>,
    /// What each is paired with.
    pub(crate) pairs: Vec<Pair>,
    /// The connection's links, by key.
    pub(crate) links: Vec<LinkSummary>,
    /// Row indices in the order of the spool.
    pub(crate) order: Vec<u32>,
    /// Digest of each asset of the index, by number.
    pub(crate) digests: Vec<(AssetId, u64)>,
    /// Links without a row that have not passed to another device, by index.
    pub(crate) absent: Vec<usize>,
    /// Serial numbers of the rows that live.
    pub(crate) live_serials: FxHashSet<u64>,
    /// Assets whose device is gone from another tenant of the connection.
    pub(crate) elsewhere: Elsewhere,
    /// Rows that are left alone because a person said so.
    pub(crate) ignored: u64,
    /// What people should know.
    pub(crate) notices: Vec<String>,
    /// How many links were there before the run, but those of devices concluded deleted.
    pub(crate) linked_before: u64,
}

impl Resolved {
    /// The digest of an asset, if the index has it.
    pub(crate) fn digest(&self, asset: AssetId) -> Option<u64> {
        let index = self.digests.binary_search_by_key(&asset, |(id, _)| *id).ok()?;
        self.digests.get(index).map(|(_, digest)| *digest)
    }
}

/// What the store and Halo know before anything is paired; loaded while the sweep goes on.
#[derive(Debug, Default)]
pub(crate) struct Known {
    /// The connection's links, by key.
    pub(crate) links: Vec<LinkSummary>,
    /// Digest of each asset of the index, by number.
    pub(crate) digests: Vec<(AssetId, u64)>,
    /// Devices whose asset may exist already, from writes without a clear answer.
    pub(crate) undecided: FxHashMap<DeviceKey, String>,
}

impl Known {
    /// Loads links and digests, from the files in `cache` or from the store.
    pub(crate) async fn load(
        store: &dyn Store,
        connection: &Connection,
        undecided: FxHashMap<DeviceKey, String>,
        cache: &Path,
    ) -> Result<Self, SyncError> {
        let Summaries { links, digests } = summaries(store, connection, cache).await?;
        Ok(Self { links, digests, undecided })
    }
}

/// Assets of devices that are gone from another tenant of the connection: tenant and device of the link.
pub(crate) type Elsewhere = FxHashMap<AssetId, (DeviceKey, DeviceKey)>;

/// Assets that devices of other tenants and connections have: no candidates, whichever client they belong to.
#[derive(Debug, Default)]
pub(crate) struct Others {
    /// The links to look through, by connection and tenant.
    pub(crate) rings: Vec<(String, DeviceKey)>,
    /// Assets that this plan pairs with devices of tenants that came before.
    pub(crate) paired: FxHashSet<AssetId>,
}

impl Others {
    /// The assets that are taken, and those whose device is gone, each with its link, within `own` connection.
    async fn read(&self, store: &dyn Store, own: &str) -> Result<(FxHashSet<AssetId>, Elsewhere), SyncError> {
        let mut taken = self.paired.clone();
        let mut gone = Elsewhere::default();
        for (connection, tenant) in &self.rings {
            let mut links = store.link_summaries(connection, *tenant);
            while let Some(chunk) = links.next().await {
                for link in chunk? {
                    if link.state != LinkState::Deleted {
                        taken.insert(link.asset);
                    } else if connection == own {
                        gone.insert(link.asset, (*tenant, link.key));
                    }
                }
            }
        }
        Ok((taken, gone))
    }
}

/// Resolves a sweep.
pub(crate) async fn resolve(
    swept: &mut Swept,
    rulebook: &Rulebook,
    store: &dyn Store,
    halo: &HaloClient,
    known: Known,
    others: &Others,
) -> Result<Resolved, SyncError> {
    let Known { links, digests, undecided } = known;
    let connection = &rulebook.connection;
    let mut rows = std::mem::take(&mut swept.rows);
    let spoken = Spoken::load(store, connection, &rows).await?;
    let ignored = spoken.rulings.leave_out(&mut rows);
    let mut standings = judge_duplicates(&rows, connection.imports.shared_serial);
    spoken.rulings.release(&mut standings);
    let mut pairing = pair_linked(&rows, &links, &standings);
    rule_splits(&spoken.rulings, &links, &mut pairing);
    let mut resolved = Resolved {
        order: Vec::new(),
        absent: Vec::new(),
        elsewhere: Elsewhere::default(),
        live_serials: FxHashSet::default(),
        ignored,
        notices: rulings::ignored(ignored).into_iter().collect(),
        linked_before: links.iter().filter(|link| link.state != LinkState::Deleted).count() as u64,
        rows,
        pairs: Vec::new(),
        links,
        digests,
    };
    let pairing = give_up_lost_assets(&mut resolved, pairing, store, halo).await?;
    let mut pairing = hold(&resolved, pairing, swept, &standings.held, &undecided)?;
    let (elsewhere, told) =
        match_unlinked(&resolved, &mut pairing, &spoken, swept, rulebook, store, others).await?;
    resolved.elsewhere = elsewhere;
    resolved.notices.extend(told);
    name_others(&resolved, &mut pairing, swept)?;
    let passed_on = &pairing.passed_on;
    resolved.absent = absent_links(&resolved.links, resolved.rows.iter().map(|row| row.key))
        .filter(|index| u32::try_from(*index).is_ok_and(|index| !passed_on.contains_key(&index)))
        .collect();
    resolved.pairs = pairing.pairs;
    if !resolved.absent.is_empty() {
        resolved.live_serials =
            resolved.rows.iter().map(|row| row.serial).filter(|serial| *serial != 0).collect();
    }
    let mut order: Vec<u32> = (0..u32::try_from(resolved.rows.len()).unwrap_or(u32::MAX)).collect();
    order.sort_unstable_by_key(|index| resolved.rows.get(*index as usize).map(|row| row.spool));
    resolved.order = order;
    Ok(resolved)
}

/// A link whose asset is gone from Halo is given up, and its device matched afresh; but only once Halo itself has
/// answered that the asset is not there.
async fn give_up_lost_assets(
    resolved: &mut Resolved,
    mut pairing: Pairing,
    store: &dyn Store,
    halo: &HaloClient,
) -> Result<Pairing, SyncError> {
    let mut lost: Vec<(usize, u32)> = Vec::new();
    for (row, pair) in pairing.pairs.iter().enumerate() {
        if let Pair::Linked(link) | Pair::Inherits(link, _) = pair
            && let Some(summary) = resolved.links.get(*link as usize)
            && resolved.digest(summary.asset).is_none()
        {
            lost.push((row, *link));
        }
    }
    for (position, (row, link)) in lost.into_iter().enumerate() {
        let Some(asset) = resolved.links.get(link as usize).map(|link| link.asset) else { continue };
        let pair = if position >= LOST_ASSET_READS {
            Pair::held(format!(
                "its asset {asset} is no longer listed by Halo; only {LOST_ASSET_READS} such assets are looked up in one run"
            ))
        } else if let Some(found) = halo.asset(asset).await? {
            let place = resolved.digests.partition_point(|(id, _)| *id < asset);
            resolved.digests.insert(place, (asset, found.digest()));
            store.commit(None, ChangeSet { put_assets: vec![found], ..ChangeSet::default() }).await?;
            continue;
        } else {
            tracing::info!(%asset, "a linked asset is gone from Halo; its device is matched afresh");
            pairing.passed_on.insert(link, u32::try_from(row).unwrap_or(u32::MAX));
            Pair::New
        };
        if let Some(held) = pairing.pairs.get_mut(row) {
            *held = pair;
        }
    }
    Ok(pairing)
}

/// Puts words to what is held: devices that share a serial number, and devices of unclear writes.
fn hold(
    resolved: &Resolved,
    mut pairing: Pairing,
    swept: &Swept,
    shared: &FxHashMap<u32, u32>,
    undecided: &FxHashMap<DeviceKey, String>,
) -> Result<Pairing, SyncError> {
    for (row, row_of_other) in shared {
        let start =
            resolved.rows.get(*row_of_other as usize).map(|row| row.spool.bytes()).unwrap_or_default();
        let named = swept.spool.rows_at(&[start]).map_err(spool_error)?;
        let other = match named.first() {
            Some(SpoolRow::Device(device)) => format!("{} (device {})", device.name(), device.id),
            _ => "another device".to_owned(),
        };
        if let Some(pair) = pairing.pairs.get_mut(*row as usize) {
            let reason = format!(
                "it has the same serial number as {other}, and both are live; retire one in Intune, say which asset is whose (`match pin`, `match split`), or set `imports.shared_serial = \"newest\"`"
            );
            *pair = Pair::disputed(CaseKind::SharedSerial, reason, Vec::new(), vec![*row_of_other]);
        }
    }
    if !undecided.is_empty() {
        for (row, pair) in resolved.rows.iter().zip(&mut pairing.pairs) {
            if *pair == Pair::New
                && let Some(reason) = undecided.get(&row.key)
            {
                *pair = Pair::held(reason.clone());
            }
        }
    }
    Ok(pairing)
}

/// Names the devices that are held together, in the reasons of each.
fn name_others(resolved: &Resolved, pairing: &mut Pairing, swept: &Swept) -> Result<(), SyncError> {
    for pair in &mut pairing.pairs {
        let Pair::Held(held) = pair else { continue };
        let Some(kind) = held.dispute.as_ref().map(|dispute| dispute.kind) else { continue };
        if held.others.is_empty() || kind == CaseKind::SharedSerial {
            continue;
        }
        let rows = held.others.iter().filter_map(|other| resolved.rows.get(*other as usize));
        let starts: Vec<u64> = rows.map(|row| row.spool.bytes()).collect();
        let spooled = swept.spool.rows_at(&starts).map_err(spool_error)?;
        let names: Vec<String> = spooled
            .iter()
            .filter_map(|row| match row {
                SpoolRow::Device(device) => Some(format!("{} (device {})", device.name(), device.id)),
                SpoolRow::Unreadable(_) => None,
            })
            .collect();
        held.reason = if kind == CaseKind::Pinned {
            format!("{}: {}", held.reason, names.join(", "))
        } else {
            format!(
                "{}, this one and {}; say whose it is (`match pin`), clear the value on all but one, or retire the others in Intune",
                held.reason,
                names.join(", ")
            )
        };
    }
    Ok(())
}

/// Gives rows without a pair an asset: pinned ones theirs, the others what they match. Returns the assets of devices that
/// are gone from other tenants, and what people should know.
async fn match_unlinked(
    resolved: &Resolved,
    pairing: &mut Pairing,
    spoken: &Spoken,
    swept: &Swept,
    rulebook: &Rulebook,
    store: &dyn Store,
    others: &Others,
) -> Result<(Elsewhere, Vec<String>), SyncError> {
    let renumbered = renumbered(resolved, pairing);
    let is_open = |pair: &Pair| *pair == Pair::New || shares_serial(pair);
    if !pairing.pairs.iter().any(is_open) && spoken.rulings.pins().is_empty() && renumbered.is_empty() {
        return Ok(<(Elsewhere, Vec<String>)>::default());
    }
    let (foreign, gone) = others.read(store, &rulebook.connection.id).await?;
    let known = |asset| resolved.digest(asset).is_some();
    let mut told = spoken.pin(&resolved.rows, &resolved.links, &foreign, known, pairing);
    let open: Vec<(u32, u64)> = pairing
        .pairs
        .iter()
        .enumerate()
        .filter(|(row, pair)| {
            is_open(pair) || u32::try_from(*row).is_ok_and(|row| renumbered.contains_key(&row))
        })
        .filter_map(|(index, _)| Some((u32::try_from(index).ok()?, resolved.rows.get(index)?.spool.bytes())))
        .collect();
    if open.is_empty() || resolved.digests.is_empty() {
        return Ok((gone, told));
    }
    let candidates = candidates(rulebook, store).await?;
    let unlinked = unlinked(open, spoken, swept, rulebook, pairing)?;
    let absent: FxHashSet<usize> =
        absent_links(&resolved.links, resolved.rows.iter().map(|row| row.key)).collect();
    let mut linked = LinkedAssets::default();
    for (index, link) in resolved.links.iter().enumerate() {
        let number = u32::try_from(index).unwrap_or(u32::MAX);
        if absent.contains(&index) && !pairing.passed_on.contains_key(&number) {
            linked.gone.insert(link.asset, number);
        } else if resolved.digest(link.asset).is_some() {
            linked.taken.insert(link.asset);
        }
    }
    for (_, pin) in spoken.rulings.pins() {
        // Whether its device could take it or not: a person has given it away.
        linked.taken.insert(pin.asset);
        linked.gone.remove(&pin.asset);
    }
    linked.foreign = foreign;
    for one in &unlinked {
        let (Some(row), Some(Pair::Held(held))) =
            (resolved.rows.get(one.row as usize), pairing.pairs.get_mut(one.row as usize))
        else {
            continue;
        };
        if let Some(dispute) = &mut held.dispute {
            dispute.assets = candidates.all_of(row, one);
        }
    }
    told.extend(tell_renumbered(resolved, &renumbered, &unlinked, &candidates, &linked, rulebook, swept)?);
    pair_unlinked(&resolved.rows, &unlinked, &candidates, linked, &rulebook.tier_names, pairing);
    Ok((gone, told))
}

/// Linked rows whose serial number is another one than their link remembers, with their assets.
fn renumbered(resolved: &Resolved, pairing: &Pairing) -> FxHashMap<u32, AssetId> {
    let changed =
        resolved.rows.iter().zip(&pairing.pairs).enumerate().filter_map(|(row, (identity, pair))| {
            let Pair::Linked(link) = pair else { return None };
            let link = resolved.links.get(*link as usize)?;
            let changed = link.serial != 0 && identity.serial != 0 && link.serial != identity.serial;
            Some((u32::try_from(row).ok()?, link.asset)).filter(|_| changed)
        });
    changed.collect()
}

/// What people should know of linked devices that now match another asset by their new serial number. A link is not
/// given up for a match: only a person moves it.
fn tell_renumbered(
    resolved: &Resolved,
    renumbered: &FxHashMap<u32, AssetId>,
    unlinked: &[Unlinked],
    candidates: &Candidates,
    linked: &LinkedAssets,
    rulebook: &Rulebook,
    swept: &Swept,
) -> Result<Vec<String>, SyncError> {
    let mut told = Vec::new();
    for one in unlinked {
        let (Some(asset), Some(row)) = (renumbered.get(&one.row), resolved.rows.get(one.row as usize)) else {
            continue;
        };
        let Some((tier, others)) = candidates.against(*asset, row, one, &linked.taken) else { continue };
        let spooled = swept.spool.rows_at(&[row.spool.bytes()]).map_err(spool_error)?;
        let (Some(SpoolRow::Device(device)), Some(other)) = (spooled.first(), others.first()) else {
            continue;
        };
        told.push(format!(
            "{} (device {}) is asset {asset}, but has another serial number than before, and by {} it matches asset {other}: it stays with {asset}; `match pin {} {} {other}` would move it",
            device.name(),
            device.id,
            tier_name(tier, &rulebook.tier_names),
            rulebook.connection.id,
            device.id
        ));
        if told.len() >= RENUMBERED_TOLD {
            break;
        }
    }
    Ok(told)
}

/// Whether a row is held because another live one has its serial number: a person wants to see what it matches.
fn shares_serial(pair: &Pair) -> bool {
    matches!(pair, Pair::Held(held)
        if held.dispute.as_ref().is_some_and(|dispute| dispute.kind == CaseKind::SharedSerial))
}

/// All assets that the tenant's devices can be matched with.
async fn candidates(rulebook: &Rulebook, store: &dyn Store) -> Result<Candidates, SyncError> {
    let mut candidates = Candidates::new(rulebook.match_members.len());
    let client = match rulebook.connection.imports.match_reach {
        MatchReach::ConnectionClients => Some(rulebook.client.id),
        MatchReach::AllClients => None,
    };
    let mut assets = store.all_assets();
    while let Some(chunk) = assets.next().await {
        for asset in chunk? {
            candidates.add(&asset, &rulebook.match_members, client, &rulebook.placeholders);
        }
    }
    Ok(candidates)
}

/// What each of these rows can be matched on, read from the spool in its order.
fn unlinked(
    mut open: Vec<(u32, u64)>,
    spoken: &Spoken,
    swept: &Swept,
    rulebook: &Rulebook,
    pairing: &mut Pairing,
) -> Result<Vec<Unlinked>, SyncError> {
    let mut unlinked = Vec::with_capacity(open.len());
    open.sort_unstable_by_key(|(_, start)| *start);
    for chunk in open.chunks(MATCH_CHUNK) {
        let starts: Vec<u64> = chunk.iter().map(|(_, start)| *start).collect();
        let rows = swept.spool.rows_at(&starts).map_err(spool_error)?;
        let mut calls = Calls::new(&rulebook.plugins, Counting::Uncounted);
        for ((row, _), spooled) in chunk.iter().zip(rows) {
            let SpoolRow::Device(device) = spooled else { continue };
            if let Some(not) = spoken.rulings.split(*row) {
                // One of its own: nothing but its own id on an asset speaks against that.
                unlinked.push(Unlinked { row: *row, values: Vec::new(), except: not.to_vec() });
                continue;
            }
            let values = match match_values(rulebook, &device, &mut calls) {
                Ok(values) => values,
                Err(reason) => {
                    // What it is matched by is not known, so that nothing can be concluded of it.
                    if let Some(pair) = pairing.pairs.get_mut(*row as usize) {
                        *pair = Pair::held(reason);
                    }
                    continue;
                }
            };
            let values = values.into_iter().map(|value| value.as_deref().map_or(0, serial_hash)).collect();
            unlinked.push(Unlinked { row: *row, values, except: Vec::new() });
        }
    }
    unlinked.sort_unstable_by_key(|one| one.row);
    Ok(unlinked)
}

/// The spool is the run's own file; it cannot be read when its disk or folder is gone.
#[expect(clippy::needless_pass_by_value, reason = "made for `map_err`")]
pub(crate) fn spool_error(error: std::io::Error) -> SyncError {
    SyncError::settings(
        format!("reading the run's spool: {error}"),
        "check the disk of the data folder, and run again",
    )
}
