//! Ordered reading, chunk by chunk, and the reading of everything for a check.

use super::codec::{Reader, decode, decode_journal, decode_json, decode_link};
use super::commit::{Counts, MadeRecord};
use super::keys::Kind;
use super::leases::LeaseRecord;
use super::outcomes::{StoredHeld, StoredTally, decode_outcome};
use super::stored::StoredSoftware;
use super::summaries::{AssetBlock, LinkBlock, StoredLinkSummary};
use super::{Inner, SledStore};
use crate::store::{Chunks, StoreError};
use futures_util::{StreamExt, stream};
use integrator_core::model::{
    Asset, Details, DeviceKey, EntraUser, HaloUser, MatchCase, MatchDecision, RunRecord,
};
use std::ops::Bound;
use std::sync::Arc;

/// Rows of a chunk of small records.
pub(super) const SMALL: usize = 4096;
/// So many keys are worth a scan over their range.
const WORTH_A_SCAN: usize = 64;
/// Rows of a chunk of whole records.
pub(super) const LARGE: usize = 1024;

/// Where a scan stands.
enum Place {
    /// What is read next begins here.
    From(Bound<Vec<u8>>),
    /// Nothing is left.
    End,
}

impl SledStore {
    /// Records whose keys begin with `prefix`, in order, as `read` adds them to a chunk.
    pub(super) fn scan<T: Send + 'static>(
        &self,
        kind: Kind,
        prefix: Vec<u8>,
        rows: usize,
        read: impl Fn(&[u8], &[u8], &mut Vec<T>) -> Result<(), StoreError> + Send + Sync + 'static,
    ) -> Chunks<T> {
        debug_assert_eq!(prefix.first(), Some(&(kind as u8)), "a prefix of its own kind");
        let store = self.clone();
        let read = Arc::new(read);
        let end = Arc::new(end_of(&prefix));
        stream::try_unfold(Place::From(Bound::Included(prefix)), move |place| {
            let (store, read, end) = (store.clone(), Arc::clone(&read), Arc::clone(&end));
            async move {
                let Place::From(from) = place else { return Ok(None) };
                store
                    .blocking(move |inner| {
                        let (chunk, place) = inner.chunk(from, &end, rows, &*read)?;
                        Ok((!chunk.is_empty()).then_some((chunk, place)))
                    })
                    .await
            }
        })
        .boxed()
    }
}

impl Inner {
    /// About `rows` records from a place on. Empty only at the end.
    fn chunk<T>(
        &self,
        from: Bound<Vec<u8>>,
        end: &Bound<Vec<u8>>,
        rows: usize,
        read: impl Fn(&[u8], &[u8], &mut Vec<T>) -> Result<(), StoreError>,
    ) -> Result<(Vec<T>, Place), StoreError> {
        let mut chunk = Vec::with_capacity(rows);
        for row in self.db.range((from, end.clone())) {
            let (key, value) = row.map_err(|error| self.error("read", error))?;
            read(&key, &value, &mut chunk)?;
            if chunk.len() >= rows {
                return Ok((chunk, Place::From(Bound::Excluded(key.to_vec()))));
            }
        }
        Ok((chunk, Place::End))
    }

    /// Records of a tenant's devices, in the order asked. Many keys that rise are read by one scan over their range, which
    /// costs less than so many searches.
    pub(super) fn of_devices<T>(
        &self,
        kind: Kind,
        tenant: DeviceKey,
        devices: &[DeviceKey],
        read: Reader<T>,
    ) -> Result<Vec<Option<T>>, StoreError> {
        let keys: Vec<Vec<u8>> = devices.iter().map(|device| kind.device(tenant, *device)).collect();
        let (Some(first), Some(last), true) = (keys.first(), keys.last(), keys.len() >= WORTH_A_SCAN) else {
            return keys.iter().map(|key| self.read_one(kind, key, read)).collect();
        };
        if !keys.is_sorted() {
            return keys.iter().map(|key| self.read_one(kind, key, read)).collect();
        }
        let mut found = Vec::with_capacity(keys.len());
        let mut wanted = keys.iter().peekable();
        for row in self.db.range(first.clone()..=last.clone()) {
            let (key, value) = row.map_err(|error| self.error("read", error))?;
            while wanted.next_if(|wanted| wanted.as_slice() < &*key).is_some() {
                found.push(None);
            }
            while wanted.next_if(|wanted| wanted.as_slice() == &*key).is_some() {
                found.push(Some(read(kind, &key, &value)?));
            }
        }
        found.resize_with(keys.len(), || None);
        Ok(found)
    }

    fn read_one<T>(&self, kind: Kind, key: &[u8], read: Reader<T>) -> Result<Option<T>, StoreError> {
        self.get(key)?.map(|value| read(kind, key, &value)).transpose()
    }

    /// How many records of a kind there are.
    pub(super) fn count(&self, kind: Kind) -> Result<u64, StoreError> {
        let mut count = 0;
        for row in self.db.scan_prefix(kind.text(b"")).keys() {
            row.map_err(|error| self.error("read", error))?;
            count += 1;
        }
        Ok(count)
    }

    /// Reads every record once. The first that makes no sense is the error.
    pub(super) fn read_everything(&self) -> Result<(), StoreError> {
        self.check_kind(Kind::Asset, decode::<Asset>)?;
        self.check_kind(Kind::AssetSummaries, decode::<AssetBlock>)?;
        self.check_kind(Kind::Counts, decode::<Counts>)?;
        self.check_kind(Kind::Details, decode::<Details>)?;
        self.check_kind(Kind::EntraUser, decode::<EntraUser>)?;
        self.check_kind(Kind::Journal, decode_journal)?;
        self.check_kind(Kind::Lease, decode::<LeaseRecord>)?;
        self.check_kind(Kind::Link, decode_link)?;
        self.check_kind(Kind::LinkSummaries, decode::<LinkBlock>)?;
        self.check_kind(Kind::Made, decode::<MadeRecord>)?;
        self.check_kind(Kind::Mark, decode_json::<serde_json::Value>)?;
        self.check_kind(Kind::MatchCase, decode_json::<MatchCase>)?;
        self.check_kind(Kind::MatchDecision, decode_json::<MatchDecision>)?;
        self.check_kind(Kind::Outcome, |_, key, value| decode_outcome(key, value))?;
        self.check_kind(Kind::OutcomeByDevice, decode::<()>)?;
        self.check_kind(Kind::OutcomeByAsset, decode::<()>)?;
        self.check_kind(Kind::OutcomeTally, decode::<StoredTally>)?;
        self.check_kind(Kind::Held, decode::<StoredHeld>)?;
        self.check_kind(Kind::Run, decode_json::<RunRecord>)?;
        self.check_kind(Kind::Software, decode::<StoredSoftware>)?;
        self.check_kind(Kind::User, decode::<HaloUser>)?;
        let summaries = self.count_entries::<StoredLinkSummary>(Kind::LinkSummaries)?;
        self.compare(Kind::LinkSummaries, summaries, self.count(Kind::Link)?)?;
        let summaries = self.count_entries::<(i64, [u8; 8])>(Kind::AssetSummaries)?;
        self.compare(Kind::AssetSummaries, summaries, self.count(Kind::Asset)?)?;
        self.compare(Kind::Counts, self.counts().assets, summaries)?;
        self.compare(Kind::Counts, self.counts().users, self.count(Kind::User)?)
    }

    fn compare(&self, kind: Kind, found: u64, expected: u64) -> Result<(), StoreError> {
        if found == expected {
            return Ok(());
        }
        Err(StoreError::Failed {
            path: self.path.clone(),
            problem: format!("{} tell of {found} records, and there are {expected}", kind.name()),
        })
    }

    fn check_kind<T>(&self, kind: Kind, read: Reader<T>) -> Result<(), StoreError> {
        for row in self.db.scan_prefix(kind.text(b"")) {
            let (key, value) = row.map_err(|error| self.error("read", error))?;
            read(kind, &key, &value)?;
        }
        Ok(())
    }
}

/// The first key behind all that begin with `prefix`.
fn end_of(prefix: &[u8]) -> Bound<Vec<u8>> {
    let mut end = prefix.to_vec();
    while let Some(last) = end.pop() {
        if last < u8::MAX {
            end.push(last + 1);
            return Bound::Excluded(end);
        }
    }
    Bound::Unbounded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_prefix_is_the_next_one() {
        let check = |prefix: &[u8], expected: Bound<Vec<u8>>| assert_eq!(end_of(prefix), expected);
        check(b"a", Bound::Excluded(b"b".to_vec()));
        check(b"la\xff\xff", Bound::Excluded(b"lb".to_vec()));
        check(b"\xff", Bound::Unbounded);
    }
}
