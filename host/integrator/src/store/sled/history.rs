//! The history of outcomes: written with the batch they belong to, found by run, device and asset, and removed when
//! they are old or too many.
//!
//! An outcome is stored once, by its run; two indexes, whose records hold nothing, lead to it. A run's tally is
//! written with its outcomes, so that counting reads one record a run.

use super::Inner;
use super::codec::{decode, decode_json, encode};
use super::commit::put;
use super::keys::Kind;
use super::outcomes::{
    StoredHeld, StoredTally, decode_outcome, encode_outcome, held_key, of_device, of_run, place,
};
use crate::store::{HistoryLimits, Pruned, StoreError};
use ::sled::Batch;
use integrator_core::model::{AssetId, DeviceKey, RunId, RunRecord};
use integrator_core::plan::{HeldSpell, Outcome, OutcomeTally};
use std::collections::BTreeMap;

/// Outcomes that are removed together.
const REMOVED_AT_ONCE: usize = 1000;

impl Inner {
    /// Adds outcomes and held devices to a batch, each outcome with its place in its run. The caller holds the
    /// writer.
    pub(super) fn add_history(
        &self,
        batch: &mut Batch,
        outcomes: Vec<Outcome>,
        held: Vec<HeldSpell>,
    ) -> Result<(), StoreError> {
        let mut tallies: BTreeMap<String, StoredTally> = BTreeMap::new();
        for outcome in outcomes {
            let run = outcome.run.0.clone();
            if !tallies.contains_key(&run) {
                tallies.insert(run.clone(), self.stored_tally(&run)?.unwrap_or_default());
            }
            let Some(tally) = tallies.get_mut(&run) else { continue };
            let place = place(&run, tally.next);
            tally.next = tally.next.saturating_add(1);
            tally.add(outcome.outcome);
            for key in index_keys(&outcome, &place) {
                batch.insert(key, EMPTY);
            }
            let key = Kind::Outcome.text(&place);
            let bytes = encode_outcome(&key, outcome)?;
            batch.insert(key, bytes);
        }
        for (run, tally) in tallies {
            put(batch, Kind::OutcomeTally, Kind::OutcomeTally.text(run.as_bytes()), &tally)?;
        }
        for spell in held {
            let key = held_key(&spell);
            let bytes = encode(Kind::Held, &key, &StoredHeld::from(spell))?;
            batch.insert(key, bytes);
        }
        Ok(())
    }

    fn stored_tally(&self, run: &str) -> Result<Option<StoredTally>, StoreError> {
        let key = Kind::OutcomeTally.text(run.as_bytes());
        self.get(&key)?.map(|value| decode(Kind::OutcomeTally, &key, &value)).transpose()
    }

    pub(super) fn tally(&self, run: &RunId) -> Result<Option<OutcomeTally>, StoreError> {
        Ok(self.stored_tally(&run.0)?.map(OutcomeTally::from))
    }

    /// The newest outcomes of a device, newest first.
    pub(super) fn of_device(&self, device: DeviceKey, limit: usize) -> Result<Vec<Outcome>, StoreError> {
        self.indexed(&of_device(Kind::OutcomeByDevice, device), limit)
    }

    /// The newest outcomes of an asset, newest first.
    pub(super) fn of_asset(&self, asset: AssetId, limit: usize) -> Result<Vec<Outcome>, StoreError> {
        self.indexed(&Kind::OutcomeByAsset.number(asset.0), limit)
    }

    fn indexed(&self, prefix: &[u8], limit: usize) -> Result<Vec<Outcome>, StoreError> {
        let mut found = Vec::new();
        for key in self.db.scan_prefix(prefix).keys().rev().take(limit) {
            let key = key.map_err(|error| self.error("read", error))?;
            let key = Kind::Outcome.text(key.get(prefix.len()..).unwrap_or_default());
            // One that is being removed meanwhile is not missed.
            if let Some(value) = self.get(&key)? {
                found.push(decode_outcome(&key, &value)?);
            }
        }
        Ok(found)
    }

    /// The spells in which a device was held, newest first.
    pub(super) fn held_spells(&self, device: DeviceKey) -> Result<Vec<HeldSpell>, StoreError> {
        let mut found = Vec::new();
        for row in self.db.scan_prefix(of_device(Kind::Held, device)) {
            let (key, value) = row.map_err(|error| self.error("read", error))?;
            found.push(HeldSpell::from(decode::<StoredHeld>(Kind::Held, &key, &value)?));
        }
        found.sort_by_key(|spell: &HeldSpell| std::cmp::Reverse(spell.last));
        Ok(found)
    }

    /// How many outcomes are kept.
    pub(super) fn count_outcomes(&self) -> Result<u64, StoreError> {
        let tallies = self.tallies()?;
        Ok(tallies.iter().filter(|(_, tally)| !tally.removed).map(|(_, tally)| total(*tally)).sum())
    }

    fn tallies(&self) -> Result<Vec<(String, StoredTally)>, StoreError> {
        let mut found = Vec::new();
        for row in self.db.scan_prefix(Kind::OutcomeTally.text(b"")) {
            let (key, value) = row.map_err(|error| self.error("read", error))?;
            let run = String::from_utf8_lossy(key.get(1..).unwrap_or_default()).into_owned();
            found.push((run, decode(Kind::OutcomeTally, &key, &value)?));
        }
        Ok(found)
    }

    /// Removes what is old, then the oldest of what is too much. The newest run that has outcomes keeps them all.
    pub(super) fn prune(&self, limits: HistoryLimits) -> Result<Pruned, StoreError> {
        let mut pruned = Pruned::default();
        for run in self.old_runs(limits)? {
            pruned.outcomes += self.remove_outcomes(&run)?;
            let mut batch = Batch::default();
            batch.remove(Kind::OutcomeTally.text(run.as_bytes()));
            batch.remove(Kind::Run.text(run.as_bytes()));
            self.apply_alone(batch)?;
            pruned.runs += 1;
        }
        let mut tallies = self.tallies()?;
        // Ids of runs of one second sort by chance: the record tells which was first.
        tallies.sort_by_cached_key(|(run, _)| self.started(run));
        let mut kept: u64 =
            tallies.iter().filter(|(_, tally)| !tally.removed).map(|(_, tally)| total(*tally)).sum();
        let newest = tallies.len().saturating_sub(1);
        for (index, (run, tally)) in tallies.into_iter().enumerate() {
            if tally.removed {
                // A removal that was cut short goes on.
                pruned.outcomes += self.remove_outcomes(&run)?;
            } else if kept > limits.outcomes && index != newest {
                let mut batch = Batch::default();
                let gone = StoredTally { removed: true, ..tally };
                put(&mut batch, Kind::OutcomeTally, Kind::OutcomeTally.text(run.as_bytes()), &gone)?;
                // Said first: a run of which a part is gone must not be taken for a whole one.
                self.apply_alone(batch)?;
                pruned.outcomes += self.remove_outcomes(&run)?;
                kept = kept.saturating_sub(total(tally));
            }
        }
        self.remove_old_spells(limits)?;
        if pruned != Pruned::default() {
            let mut writer = self.writer();
            self.make_durable(&mut writer)?;
        }
        Ok(pruned)
    }

    fn started(&self, run: &str) -> Option<chrono::DateTime<chrono::Utc>> {
        let key = Kind::Run.text(run.as_bytes());
        let value = self.db.get(&key).ok().flatten()?;
        let record: RunRecord = decode_json(Kind::Run, &key, &value).ok()?;
        Some(record.started)
    }

    fn apply_alone(&self, batch: Batch) -> Result<(), StoreError> {
        let _writer = self.writer();
        self.apply(batch)
    }

    /// Runs sort by time: the first that is young ends the search.
    fn old_runs(&self, limits: HistoryLimits) -> Result<Vec<String>, StoreError> {
        let mut old = Vec::new();
        for row in self.db.scan_prefix(Kind::Run.text(b"")) {
            let (key, value) = row.map_err(|error| self.error("read", error))?;
            let run: RunRecord = decode_json(Kind::Run, &key, &value)?;
            if run.started >= limits.before {
                break;
            }
            old.push(run.run.0);
        }
        Ok(old)
    }

    fn remove_outcomes(&self, run: &str) -> Result<u64, StoreError> {
        let prefix = of_run(run);
        let mut removed = 0;
        loop {
            let mut batch = Batch::default();
            let mut rows = 0;
            for row in self.db.scan_prefix(&prefix).take(REMOVED_AT_ONCE) {
                let (key, value) = row.map_err(|error| self.error("read", error))?;
                let outcome = decode_outcome(&key, &value)?;
                for index in index_keys(&outcome, key.get(1..).unwrap_or_default()) {
                    batch.remove(index);
                }
                batch.remove(key);
                rows += 1;
            }
            if rows == 0 {
                return Ok(removed);
            }
            self.apply_alone(batch)?;
            removed += rows;
        }
    }

    fn remove_old_spells(&self, limits: HistoryLimits) -> Result<(), StoreError> {
        let mut old = Vec::new();
        for row in self.db.scan_prefix(Kind::Held.text(b"")) {
            let (key, value) = row.map_err(|error| self.error("read", error))?;
            let spell = HeldSpell::from(decode::<StoredHeld>(Kind::Held, &key, &value)?);
            if spell.last < limits.before {
                old.push(key);
            }
        }
        for keys in old.chunks(REMOVED_AT_ONCE) {
            let mut batch = Batch::default();
            for key in keys {
                batch.remove(key);
            }
            self.apply_alone(batch)?;
        }
        Ok(())
    }
}

/// What a record of an index holds: its version, and nothing.
const EMPTY: &[u8] = &[1];

/// The keys that lead to an outcome.
fn index_keys(outcome: &Outcome, place: &[u8]) -> Vec<Vec<u8>> {
    let with_place = |mut key: Vec<u8>| {
        key.extend_from_slice(place);
        key
    };
    let device = outcome.device.as_ref().map(|device| of_device(Kind::OutcomeByDevice, device.key()));
    let asset = outcome.asset.map(|asset| Kind::OutcomeByAsset.number(asset.0));
    device.into_iter().chain(asset).map(with_place).collect()
}

fn total(tally: StoredTally) -> u64 {
    OutcomeTally::from(tally).total()
}
