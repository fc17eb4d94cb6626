//! What people decided about the devices of a sweep: read from the store, laid over duplicates, links and pins.
//!
//! Decisions are few, so that they are read whole. Which asset a device gets by them is judged in `core::resolve`.

use super::error::SyncError;
use crate::store::Store;
use futures_util::StreamExt;
use integrator_core::model::{
    AssetId, DeviceKey, IdentityRow, LinkOrigin, LinkSummary, MatchChoice, MatchDecision,
};
use integrator_core::resolve::{Pair, Pairing, Pin, PinReach, Pinned, Ruling, Rulings, rule_pins};
use integrator_core::settings::Connection;
use rustc_hash::{FxHashMap, FxHashSet};

/// The decisions about the rows of one sweep.
#[derive(Debug, Default)]
pub(super) struct Spoken {
    /// By row.
    pub(super) rulings: Rulings,
    /// The names of the devices, by row.
    names: FxHashMap<u32, String>,
}

impl Spoken {
    /// Reads what was decided about these rows, which are sorted by key.
    pub(super) async fn load(
        store: &dyn Store,
        connection: &Connection,
        rows: &[IdentityRow],
    ) -> Result<Self, SyncError> {
        let tenant = connection.microsoft.tenant.key();
        let mut found: Vec<(u32, MatchDecision)> = Vec::new();
        let mut decisions = store.match_decisions(Some(&connection.id));
        while let Some(chunk) = decisions.next().await {
            for decision in chunk?.into_iter().filter(|one| one.tenant.key() == tenant) {
                let key = decision.device.key();
                if let Ok(row) = rows.binary_search_by_key(&key, |row| row.key)
                    && let Ok(row) = u32::try_from(row)
                {
                    found.push((row, decision));
                }
            }
        }
        let keys: Vec<DeviceKey> = found.iter().map(|(_, one)| one.device.key()).collect();
        let links = store.links(tenant, &keys).await?;
        let mut spoken = Self::default();
        let mut rulings = FxHashMap::default();
        for ((row, decision), link) in found.into_iter().zip(links) {
            let ruling = match decision.choice {
                MatchChoice::Pin { asset } => {
                    let already =
                        link.is_some_and(|link| link.asset == asset && link.origin == LinkOrigin::Pinned);
                    Ruling::Pin(Pin { asset, pinned: if already { Pinned::Already } else { Pinned::NotYet } })
                }
                MatchChoice::Split { not } => Ruling::Split(not),
                MatchChoice::Ignore => Ruling::Ignore,
            };
            rulings.insert(row, ruling);
            spoken.names.insert(row, decision.device_name);
        }
        spoken.rulings = Rulings::new(rulings);
        Ok(spoken)
    }

    /// Gives pinned rows their assets. Returns what people should know.
    pub(super) fn pin(
        &self,
        rows: &[IdentityRow],
        links: &[LinkSummary],
        foreign: &FxHashSet<AssetId>,
        known: impl Fn(AssetId) -> bool,
        pairing: &mut Pairing,
    ) -> Vec<String> {
        rule_pins(&self.rulings, &PinReach { rows, links, foreign }, known, pairing);
        let mut notices = Vec::new();
        for (row, pin) in self.rulings.pins() {
            let pinned = match pairing.pairs.get(row as usize) {
                Some(Pair::Matched(..)) => true,
                Some(Pair::Inherits(link, _)) => {
                    links.get(*link as usize).map(|link| link.key)
                        != rows.get(row as usize).map(|row| row.key)
                }
                _ => false,
            };
            let own = rows.get(row as usize).and_then(|row| {
                let index = links.binary_search_by_key(&row.key, |link| link.key).ok()?;
                links.get(index)
            });
            if let Some(before) = own.filter(|before| pinned && before.asset != pin.asset) {
                notices.push(format!(
                    "{} is asset {} now, as a person said; asset {}, which it was before, is left as it is",
                    self.names.get(&row).map_or("a device", String::as_str),
                    pin.asset,
                    before.asset
                ));
            }
        }
        notices
    }
}

/// What people should know of the rows that were left alone.
pub(super) fn ignored(count: u64) -> Option<String> {
    match count {
        0 => None,
        1 => Some("1 device is left alone, as a person decided: `match decisions` names it".to_owned()),
        count => {
            Some(format!("{count} devices are left alone, as people decided: `match decisions` names them"))
        }
    }
}
