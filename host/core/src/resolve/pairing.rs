//! Which asset belongs to each device: the remembered link, a link that passes on, a match, or none yet.
//!
//! Matching goes tier by tier over all devices that need it, so that a strong match (Halo's own `intune_id`) is
//! never lost to another device's weak one. What is ambiguous is held, with both sides named.

use super::duplicates::Standings;
use super::placeholder::Placeholders;
use crate::model::device::Standing;
use crate::model::link::serial_hash;
use crate::model::{Asset, AssetId, CaseKind, ClientId, DeviceKey, IdentityRow, LinkSummary, Member};
use rustc_hash::{FxHashMap, FxHashSet};

/// What a row of the sweep is paired with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pair {
    /// Its own link, by index.
    Linked(u32),
    /// The link of a row it superseded, or of a device that is gone, by index; how it came about.
    Inherits(u32, Tier),
    /// An asset without a link.
    Matched(AssetId, Tier),
    /// Nothing: an asset is to be created.
    New,
    /// Undecidable; the text says why and names both sides.
    Held(Box<Held>),
    /// Another row stands for this machine, by index.
    Superseded(u32),
    /// Left out by a setting.
    Excluded,
}

impl Pair {
    /// Held for this reason.
    pub fn held(reason: impl Into<String>) -> Self {
        Self::Held(Box::new(Held { reason: reason.into(), others: Vec::new(), dispute: None }))
    }

    /// Held for this reason, for a person to decide between these assets and these other rows, by index.
    pub fn disputed(
        kind: CaseKind,
        reason: impl Into<String>,
        assets: Vec<AssetId>,
        others: Vec<u32>,
    ) -> Self {
        let dispute = Some(Dispute { kind, assets });
        Self::Held(Box::new(Held { reason: reason.into(), others, dispute }))
    }
}

/// Why a row is held. Apart from the pair, because a million pairs stand in memory and few are held.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    /// The reason, naming both sides.
    pub reason: String,
    /// The first of the rows that are held for the same reason, by index: their names are not known here.
    pub others: Vec<u32>,
    /// What a person can decide; `None` where there is nothing to decide.
    pub dispute: Option<Dispute>,
}

/// What is unclear about a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dispute {
    /// What kind of doubt it is.
    pub kind: CaseKind,
    /// The assets that it could be.
    pub assets: Vec<AssetId>,
}

/// So many of the devices that want one asset are named.
const NAMED: usize = 3;
/// So many of the assets that a device could be are shown.
const SHOWN: usize = 10;

/// What a match rests on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tier {
    /// A person said so.
    Pinned,
    /// Enrolled again under the same serial number.
    Reenrolment,
    /// Halo's `intune_id` holds the device's id.
    IntuneId,
    /// The tier of `match_by` with this index.
    MatchBy(u8),
}

/// The pairs of all rows, in the rows' order.
#[derive(Debug, Default)]
pub struct Pairing {
    /// One a row.
    pub pairs: Vec<Pair>,
    /// Links (by index) that passed to another device in this run.
    pub passed_on: FxHashMap<u32, u32>,
}

/// A row without a link, with what it can be matched on.
#[derive(Clone, Debug)]
pub struct Unlinked {
    /// The row's index.
    pub row: u32,
    /// Hash of the usable value of each tier; 0 for none.
    pub values: Vec<u64>,
    /// Assets that it is not, as a person said.
    pub except: Vec<AssetId>,
}

/// Assets that devices can be matched with, by what they are matched on.
#[derive(Debug, Default)]
pub struct Candidates {
    by_intune_id: FxHashMap<DeviceKey, Vec<AssetId>>,
    tiers: Vec<FxHashMap<u64, Vec<AssetId>>>,
    elsewhere: FxHashMap<DeviceKey, AssetId>,
}

impl Candidates {
    /// None yet, for this many tiers.
    pub fn new(tiers: usize) -> Self {
        Self { tiers: vec![FxHashMap::default(); tiers], ..Self::default() }
    }

    /// Takes an asset in. `members` holds the Halo member of each tier; `client` limits candidates to one client.
    pub fn add(
        &mut self,
        asset: &Asset,
        members: &[Member],
        client: Option<ClientId>,
        placeholders: &Placeholders,
    ) {
        let inside = client.is_none() || asset.client == client || asset.client.is_none();
        if let Some(id) = asset.intune_id.as_deref().filter(|id| !id.trim().is_empty()) {
            let key = DeviceKey::of(id.trim());
            if inside {
                self.by_intune_id.entry(key).or_default().push(asset.id);
            } else {
                self.elsewhere.insert(key, asset.id);
            }
        }
        if !inside {
            return;
        }
        for (tier, member) in self.tiers.iter_mut().zip(members) {
            if let Some(Some(value)) = asset.shown(member)
                && let Some(usable) = placeholders.usable(value)
            {
                tier.entry(serial_hash(&usable)).or_default().push(asset.id);
            }
        }
    }

    fn of_tier(&self, tier: Tier, row: &IdentityRow, unlinked: &Unlinked) -> &[AssetId] {
        match tier {
            Tier::Pinned | Tier::Reenrolment => None,
            Tier::IntuneId => self.by_intune_id.get(&row.key),
            Tier::MatchBy(index) => unlinked
                .values
                .get(usize::from(index))
                .filter(|value| **value != 0)
                .and_then(|value| self.tiers.get(usize::from(index))?.get(value)),
        }
        .map_or(&[], Vec::as_slice)
    }

    /// The tiers of `match_by`, in order.
    fn match_by(&self) -> impl Iterator<Item = Tier> + use<> {
        (0..self.tiers.len()).filter_map(|index| u8::try_from(index).ok().map(Tier::MatchBy))
    }

    /// The assets of a tier that are free for a row.
    fn free(
        &self,
        tier: Tier,
        row: &IdentityRow,
        one: &Unlinked,
        taken: &FxHashSet<AssetId>,
    ) -> Vec<AssetId> {
        let all = self.of_tier(tier, row, one).iter().copied();
        all.filter(|asset| !taken.contains(asset) && !one.except.contains(asset)).collect()
    }

    /// Every asset that a row matches by any tier, free or not, each once: what a person may want to see.
    pub fn all_of(&self, row: &IdentityRow, one: &Unlinked) -> Vec<AssetId> {
        let mut all: Vec<AssetId> = std::iter::once(Tier::IntuneId)
            .chain(self.match_by())
            .flat_map(|tier| self.of_tier(tier, row, one).iter().copied())
            .collect();
        all.sort_unstable();
        all.dedup();
        all
    }

    /// The free assets of the first tier of `match_by` that has any, where this asset, which says in another way that it
    /// is the row's, is none of them: one of the two is wrong.
    pub fn against(
        &self,
        asset: AssetId,
        row: &IdentityRow,
        one: &Unlinked,
        taken: &FxHashSet<AssetId>,
    ) -> Option<(Tier, Vec<AssetId>)> {
        let found = self.match_by().map(|tier| (tier, self.free(tier, row, one, taken)));
        let (tier, assets) = found.into_iter().find(|(_, assets)| !assets.is_empty())?;
        (!assets.contains(&asset)).then_some((tier, assets))
    }
}

/// Pairs every row that needs no matching: excluded, superseded, held, linked, and those that inherit a link.
/// The rows left at [`Pair::New`] are to be matched by [`pair_unlinked`].
pub fn pair_linked(rows: &[IdentityRow], links: &[LinkSummary], standings: &Standings) -> Pairing {
    let mut pairing = Pairing { pairs: Vec::with_capacity(rows.len()), ..Pairing::default() };
    let mut next = 0;
    let mut own_link = Vec::with_capacity(rows.len());
    for row in rows {
        while links.get(next).is_some_and(|link| link.key < row.key) {
            next += 1;
        }
        own_link.push(links.get(next).filter(|link| link.key == row.key).and(u32::try_from(next).ok()));
    }
    for (index, (row, link)) in rows.iter().zip(&own_link).enumerate() {
        let index = u32::try_from(index).unwrap_or(u32::MAX);
        let pair = match (row.standing, link) {
            (Standing::Excluded, _) => Pair::Excluded,
            (Standing::Unreadable, _) => Pair::held("its row could not be read"),
            _ if standings.superseded.contains_key(&index) => {
                Pair::Superseded(standings.superseded.get(&index).copied().unwrap_or(index))
            }
            _ if standings.held.contains_key(&index) => Pair::held("shares its serial number"),
            (Standing::Live, Some(link)) => Pair::Linked(*link),
            (Standing::Live, None) => Pair::New,
        };
        pairing.pairs.push(pair);
    }
    pass_on(rows, links, &own_link, standings, &mut pairing);
    pairing
}

/// Gives the link of a superseded row, or of a device that is gone, to the live row with the same serial number.
fn pass_on(
    rows: &[IdentityRow],
    links: &[LinkSummary],
    own_link: &[Option<u32>],
    standings: &Standings,
    pairing: &mut Pairing,
) {
    // The superseded row that synchronised last hands over first.
    let mut handing: Vec<(u32, u32, u32)> = standings
        .superseded
        .iter()
        .filter_map(|(old, winner)| {
            let link = own_link.get(*old as usize).copied().flatten()?;
            Some((rows.get(*old as usize)?.synced, link, *winner))
        })
        .collect();
    handing.sort_unstable_by(|one, other| other.cmp(one));
    let mut give = |link: u32, winner: u32| {
        if let Some(pair) = pairing.pairs.get_mut(winner as usize)
            && *pair == Pair::New
        {
            *pair = Pair::Inherits(link, Tier::Reenrolment);
            pairing.passed_on.insert(link, winner);
        }
    };
    for (_, link, winner) in handing {
        give(link, winner);
    }
    let by_serial: FxHashMap<u64, u32> = rows
        .iter()
        .enumerate()
        .filter(|(index, row)| {
            row.serial != 0 && row.standing == Standing::Live && {
                let index = u32::try_from(*index).unwrap_or(u32::MAX);
                !standings.superseded.contains_key(&index) && own_link.get(index as usize) == Some(&None)
            }
        })
        .filter_map(|(index, row)| Some((row.serial, u32::try_from(index).ok()?)))
        .collect();
    if by_serial.is_empty() {
        return;
    }
    for absent in super::absence::absent_links(links, rows.iter().map(|row| row.key)) {
        let Some(link) = links.get(absent) else { continue };
        if let (Some(winner), Ok(index)) = (by_serial.get(&link.serial), u32::try_from(absent))
            && link.serial != 0
        {
            give(index, *winner);
        }
    }
}

/// Assets that have a link.
#[derive(Debug, Default)]
pub struct LinkedAssets {
    /// Linked to devices that live: no candidates.
    pub taken: FxHashSet<AssetId>,
    /// Linked to devices of other tenants or connections: no candidates, and no second asset beside them either.
    pub foreign: FxHashSet<AssetId>,
    /// Linked to devices that are gone, each with its link, which a match takes over.
    pub gone: FxHashMap<AssetId, u32>,
}

/// Matches the rows that are still without a pair, tier by tier.
///
/// `linked` says which assets are out of reach, or to be taken over. `tier_names` are for the texts of what is held.
pub fn pair_unlinked(
    rows: &[IdentityRow],
    unlinked: &[Unlinked],
    candidates: &Candidates,
    linked: LinkedAssets,
    tier_names: &[String],
    pairing: &mut Pairing,
) {
    let LinkedAssets { mut taken, foreign, gone } = linked;
    taken.extend(&foreign);
    for tier in std::iter::once(Tier::IntuneId).chain(candidates.match_by()) {
        let mut claims: Vec<(AssetId, u32)> = Vec::new();
        for one in unlinked {
            let Some(row) = rows.get(one.row as usize) else { continue };
            if pairing.pairs.get(one.row as usize) != Some(&Pair::New) {
                continue;
            }
            let free = candidates.free(tier, row, one, &taken);
            match free.as_slice() {
                [] => {
                    if tier == Tier::IntuneId
                        && let Some(asset) = candidates.elsewhere.get(&row.key)
                        && !one.except.contains(asset)
                        && let Some(pair) = pairing.pairs.get_mut(one.row as usize)
                    {
                        let reason = format!(
                            "asset {asset} of another client carries its Intune id; move that asset, clear its Intune id, or set `imports.match_across_clients = true`"
                        );
                        *pair = Pair::disputed(CaseKind::OtherClient, reason, vec![*asset], Vec::new());
                    }
                }
                [asset] => {
                    let against = (tier == Tier::IntuneId)
                        .then(|| candidates.against(*asset, row, one, &taken))
                        .flatten();
                    let Some((other, others)) = against else {
                        claims.push((*asset, one.row));
                        continue;
                    };
                    let reason = format!(
                        "asset {asset} carries its Intune id, but by {} it matches {}; say which it is (`match pin`), or clear the wrong value in Halo",
                        tier_name(other, tier_names),
                        assets_in_words(&others)
                    );
                    let assets = std::iter::once(*asset).chain(others).take(SHOWN).collect();
                    if let Some(pair) = pairing.pairs.get_mut(one.row as usize) {
                        *pair = Pair::disputed(CaseKind::IdAgainstMatch, reason, assets, Vec::new());
                    }
                }
                several => {
                    if let Some(pair) = pairing.pairs.get_mut(one.row as usize) {
                        let reason = format!(
                            "{} assets match it by {}: {}; say which it is (`match pin`), or that it is none (`match split`)",
                            several.len(),
                            tier_name(tier, tier_names),
                            several.iter().take(5).map(ToString::to_string).collect::<Vec<_>>().join(", ")
                        );
                        let assets = several.iter().copied().take(SHOWN).collect();
                        *pair = Pair::disputed(CaseKind::SeveralAssets, reason, assets, Vec::new());
                    }
                }
            }
        }
        claims.sort_unstable();
        for group in claims.chunk_by(|one, other| one.0 == other.0) {
            for (asset, row) in group {
                taken.insert(*asset);
                let Some(pair) = pairing.pairs.get_mut(*row as usize) else { continue };
                *pair = if group.len() > 1 {
                    let others = group.iter().map(|(_, other)| *other).filter(|other| other != row);
                    let reason = format!(
                        "{} devices match asset {asset} by {}",
                        group.len(),
                        tier_name(tier, tier_names)
                    );
                    let others = others.take(NAMED).collect();
                    Pair::disputed(CaseKind::SeveralDevices, reason, vec![*asset], others)
                } else if let Some(link) = gone.get(asset) {
                    pairing.passed_on.insert(*link, *row);
                    Pair::Inherits(*link, tier)
                } else {
                    Pair::Matched(*asset, tier)
                };
            }
        }
    }
    hold_foreign(rows, unlinked, candidates, &foreign, tier_names, pairing);
}

/// Holds the rows that nothing but assets of other tenants' devices fits: a second asset beside such a one would be
/// one machine twice. Once the other device is gone, its asset is free.
fn hold_foreign(
    rows: &[IdentityRow],
    unlinked: &[Unlinked],
    candidates: &Candidates,
    foreign: &FxHashSet<AssetId>,
    tier_names: &[String],
    pairing: &mut Pairing,
) {
    if foreign.is_empty() {
        return;
    }
    for one in unlinked {
        let (Some(row), Some(pair)) = (rows.get(one.row as usize), pairing.pairs.get_mut(one.row as usize))
        else {
            continue;
        };
        if *pair != Pair::New {
            continue;
        }
        let found = std::iter::once(Tier::IntuneId).chain(candidates.match_by()).find_map(|tier| {
            let mut assets = candidates.of_tier(tier, row, one).iter();
            let asset = assets.find(|asset| foreign.contains(asset) && !one.except.contains(asset))?;
            Some((tier, *asset))
        });
        if let Some((tier, asset)) = found {
            let reason = format!(
                "asset {asset} matches it by {}, but belongs to a live device of another tenant or connection; remove that device from Intune, or say that this one is another machine (`match split`)",
                tier_name(tier, tier_names)
            );
            *pair = Pair::disputed(CaseKind::OtherTenant, reason, vec![asset], Vec::new());
        }
    }
}

/// One asset, or the first of several, in words.
fn assets_in_words(assets: &[AssetId]) -> String {
    match assets {
        [one] => format!("asset {one}"),
        several => {
            let named: Vec<String> = several.iter().take(5).map(ToString::to_string).collect();
            format!("{} assets ({})", several.len(), named.join(", "))
        }
    }
}

/// A tier in words.
pub fn tier_name(tier: Tier, names: &[String]) -> String {
    match tier {
        Tier::Pinned => "a person's decision (`match pin`)".to_owned(),
        Tier::Reenrolment => "re-enrolment under the same serial number".to_owned(),
        Tier::IntuneId => "Halo's Intune id".to_owned(),
        Tier::MatchBy(index) => {
            names.get(usize::from(index)).cloned().unwrap_or_else(|| format!("match_by tier {}", index + 1))
        }
    }
}
