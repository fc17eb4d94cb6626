//! What people decided about single devices, laid over what duplicates and links say.
//!
//! A decision speaks of one enrolment of a device and of nothing else: it never moves another device, but for the
//! asset that a person gives away. Who decided and when is not known here.

use super::duplicates::Standings;
use super::pairing::{Pair, Pairing, Tier};
use crate::model::device::Standing;
use crate::model::{AssetId, CaseKind, IdentityRow, LinkSummary};
use rustc_hash::{FxHashMap, FxHashSet};

/// What a person said of one row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ruling {
    /// It is this asset.
    Pin(Pin),
    /// It is none of these.
    Split(Vec<AssetId>),
    /// It is left alone.
    Ignore,
}

/// A row that is pinned to an asset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pin {
    /// The asset.
    pub asset: AssetId,
    /// Whether its link says so already.
    pub pinned: Pinned,
}

/// Whether a link is remembered as pinned to the asset of the decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pinned {
    /// It is.
    Already,
    /// There is none, or it came about otherwise.
    NotYet,
}

/// The decisions about the rows of one sweep, by the rows' index.
#[derive(Debug, Default)]
pub struct Rulings {
    rows: FxHashMap<u32, Ruling>,
}

impl Rulings {
    /// Those of these rows.
    pub fn new(rows: FxHashMap<u32, Ruling>) -> Self {
        Self { rows }
    }

    /// What was said of a row.
    pub fn of(&self, row: u32) -> Option<&Ruling> {
        self.rows.get(&row)
    }

    /// The assets that a row is not, where a person said that it has one of its own.
    pub fn split(&self, row: u32) -> Option<&[AssetId]> {
        match self.rows.get(&row) {
            Some(Ruling::Split(not)) => Some(not),
            _ => None,
        }
    }

    /// The pinned rows, in their order.
    pub fn pins(&self) -> Vec<(u32, Pin)> {
        let mut pins: Vec<(u32, Pin)> = self
            .rows
            .iter()
            .filter_map(|(row, ruling)| match ruling {
                Ruling::Pin(pin) => Some((*row, *pin)),
                _ => None,
            })
            .collect();
        pins.sort_unstable_by_key(|(row, _)| *row);
        pins
    }

    /// Takes the ignored rows out of everything that follows; how many they are.
    pub fn leave_out(&self, rows: &mut [IdentityRow]) -> u64 {
        let mut left_out = 0;
        for (row, ruling) in &self.rows {
            if *ruling == Ruling::Ignore
                && let Some(row) = rows.get_mut(*row as usize)
                && row.standing != Standing::Excluded
            {
                row.standing = Standing::Excluded;
                left_out += 1;
            }
        }
        left_out
    }

    /// A row that a person knows which machine it is stands for itself, whoever shares its serial number. The others of
    /// its group stay as they were judged: nobody said anything of them.
    pub fn release(&self, standings: &mut Standings) {
        for row in self.rows.keys() {
            standings.superseded.remove(row);
            standings.held.remove(row);
        }
    }
}

/// Takes from split rows the links with assets that they are not: they are without a pair afterwards.
pub fn rule_splits(rulings: &Rulings, links: &[LinkSummary], pairing: &mut Pairing) {
    for (row, ruling) in &rulings.rows {
        let Ruling::Split(not) = ruling else { continue };
        let Some(pair) = pairing.pairs.get_mut(*row as usize) else { continue };
        let (Pair::Linked(link) | Pair::Inherits(link, _)) = *pair else { continue };
        let inherited = matches!(pair, Pair::Inherits(..));
        if links.get(link as usize).is_some_and(|link| not.contains(&link.asset)) {
            *pair = Pair::New;
            if inherited {
                pairing.passed_on.remove(&link);
            }
        }
    }
}

/// What a pinned asset may run into.
#[derive(Debug)]
pub struct PinReach<'a> {
    /// The rows, by key.
    pub rows: &'a [IdentityRow],
    /// The links, by key.
    pub links: &'a [LinkSummary],
    /// The assets that devices of other tenants and connections have.
    pub foreign: &'a FxHashSet<AssetId>,
}

/// Gives each pinned row its asset, before anything is matched. `known` tells whether Halo has an asset.
pub fn rule_pins(
    rulings: &Rulings,
    reach: &PinReach<'_>,
    known: impl Fn(AssetId) -> bool,
    pairing: &mut Pairing,
) {
    let pins = rulings.pins();
    let mut wanted: FxHashMap<AssetId, Vec<u32>> = FxHashMap::default();
    for (row, pin) in &pins {
        wanted.entry(pin.asset).or_default().push(*row);
    }
    if wanted.is_empty() {
        return;
    }
    let mut owners: FxHashMap<AssetId, Vec<u32>> = FxHashMap::default();
    for (index, link) in reach.links.iter().enumerate() {
        if wanted.contains_key(&link.asset)
            && let Ok(index) = u32::try_from(index)
        {
            owners.entry(link.asset).or_default().push(index);
        }
    }
    for (row, pin) in pins {
        let live = reach.rows.get(row as usize).is_some_and(|row| row.standing == Standing::Live);
        // One whose earlier write is unclear is settled first.
        if !live || matches!(pairing.pairs.get(row as usize), None | Some(Pair::Held(_))) {
            continue;
        }
        let asset = pin.asset;
        let refuse =
            |reason: String, others: Vec<u32>| Pair::disputed(CaseKind::Pinned, reason, vec![asset], others);
        let rivals: Vec<u32> =
            wanted.get(&asset).into_iter().flatten().copied().filter(|other| *other != row).collect();
        let pair = if !known(asset) {
            refuse(
                format!(
                    "a person pinned it to asset {asset}, which Halo no longer has; pin it to another asset, or take the decision back (`match undo`)"
                ),
                Vec::new(),
            )
        } else if !rivals.is_empty() {
            refuse(format!("{} devices are pinned to asset {asset}", rivals.len() + 1), rivals)
        } else if reach.foreign.contains(&asset) {
            refuse(
                format!(
                    "a person pinned it to asset {asset}, which belongs to a live device of another tenant or connection; remove that device from Intune, or take the decision back (`match undo`)"
                ),
                Vec::new(),
            )
        } else {
            let owners = owners.get(&asset).map(Vec::as_slice).unwrap_or_default();
            match take(row, pin, owners, rulings, reach, pairing) {
                Ok(pair) => pair,
                Err(owner) => refuse(
                    format!(
                        "a person pinned it to asset {asset}, which belongs to another live device; ignore, split or pin that one first"
                    ),
                    vec![owner],
                ),
            }
        };
        settle(row, pair, pairing);
    }
}

/// Takes an asset for a pinned row; an error is the row that has it.
fn take(
    row: u32,
    pin: Pin,
    owners: &[u32],
    rulings: &Rulings,
    reach: &PinReach<'_>,
    pairing: &mut Pairing,
) -> Result<Pair, u32> {
    let key = reach.rows.get(row as usize).map(|row| row.key);
    let mut pair = Pair::Matched(pin.asset, Tier::Pinned);
    for link in owners {
        let Some(owner) = reach.links.get(*link as usize) else { continue };
        if Some(owner.key) == key {
            return Ok(match pin.pinned {
                Pinned::Already => Pair::Linked(*link),
                Pinned::NotYet => Pair::Inherits(*link, Tier::Pinned),
            });
        }
        let other = reach.rows.binary_search_by_key(&owner.key, |row| row.key).ok();
        let other = other.and_then(|index| u32::try_from(index).ok());
        let freed = match other.map(|other| (other, rulings.of(other))) {
            // Its device is gone from Intune, or is left alone.
            None | Some((_, Some(Ruling::Ignore))) => Freed::WithLink,
            Some((_, Some(Ruling::Split(not)))) if not.contains(&pin.asset) => Freed::Asset,
            Some((_, Some(Ruling::Pin(other)))) if other.asset != pin.asset => Freed::Asset,
            Some((other, _)) => match pairing.pairs.get(other as usize) {
                Some(Pair::Superseded(_)) => Freed::WithLink,
                _ => return Err(other),
            },
        };
        if freed == Freed::WithLink {
            // Who was to inherit it is without a pair again.
            if let Some(heir) = pairing.passed_on.insert(*link, row).filter(|heir| *heir != row)
                && let Some(heir) = pairing.pairs.get_mut(heir as usize)
            {
                *heir = Pair::New;
            }
            pair = Pair::Inherits(*link, Tier::Pinned);
        }
    }
    Ok(pair)
}

/// How an asset comes free.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Freed {
    /// Its link passes on with it.
    WithLink,
    /// Its device gets another one, and its own link with that.
    Asset,
}

fn settle(row: u32, pair: Pair, pairing: &mut Pairing) {
    let Some(place) = pairing.pairs.get_mut(row as usize) else { return };
    // What it was to inherit stays with the device that is gone.
    if let Pair::Inherits(link, _) = *place
        && !matches!(pair, Pair::Inherits(new, _) if new == link)
        && pairing.passed_on.get(&link) == Some(&row)
    {
        pairing.passed_on.remove(&link);
    }
    *place = pair;
}
