//! The index of users as bytes, so that a run over unchanged users need not read every one of them again.
//!
//! Every integer is little-endian. Bytes that are not exactly what was packed are refused, never guessed at. Entra's
//! part is not packed: it is read anew in every run.

use super::{Entry, Shared, UserIndex};
use crate::model::{ClientId, DeviceKey, SiteId, UserId};
use rustc_hash::FxHashMap;

const MAGIC: &[u8; 8] = b"users\x00\x00\x01";
const DIGEST: usize = 16;

impl UserIndex {
    /// Halo's users of the index as bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(64 + self.by_identifier.len() * 29 + self.places.len() * 18);
        bytes.extend_from_slice(MAGIC);
        for count in [self.places.len(), self.by_identifier.len(), self.several.len()] {
            bytes.extend_from_slice(&(count as u64).to_le_bytes());
        }
        for (site, client) in &self.places {
            for id in [site.map(|site| site.0), client.map(|client| client.0)] {
                bytes.push(u8::from(id.is_some()));
                bytes.extend_from_slice(&id.unwrap_or_default().to_le_bytes());
            }
        }
        for (key, entry) in &self.by_identifier {
            bytes.extend_from_slice(&key.to_bytes());
            bytes.extend_from_slice(&entry.id.0.to_le_bytes());
            bytes.extend_from_slice(&entry.place.to_le_bytes());
            bytes.push(u8::from(entry.shared == Shared::Yes));
        }
        for (key, other) in &self.several {
            bytes.extend_from_slice(&key.to_bytes());
            bytes.extend_from_slice(&other.0.to_le_bytes());
        }
        let digest = digest(&bytes);
        bytes.extend_from_slice(&digest);
        bytes
    }

    /// The index that [`UserIndex::to_bytes`] packed; `None` when the bytes are anything else.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        Self::unpacked(bytes, |entries| entries, |_| true)
    }

    /// The same with the users of these identifiers alone, for a look at one device.
    pub fn from_bytes_of(bytes: &[u8], wanted: &[DeviceKey]) -> Option<Self> {
        Self::unpacked(bytes, |_| wanted.len(), |key| wanted.contains(key))
    }

    fn unpacked(
        bytes: &[u8],
        room: impl FnOnce(usize) -> usize,
        wanted: impl Fn(&DeviceKey) -> bool,
    ) -> Option<Self> {
        let (content, told) = bytes.split_at_checked(bytes.len().checked_sub(DIGEST)?)?;
        if digest(content) != *told {
            return None;
        }
        let mut rest = content.strip_prefix(MAGIC.as_slice())?;
        let mut counts = [0; 3];
        for count in &mut counts {
            *count = usize::try_from(u64::from_le_bytes(take(&mut rest)?)).ok()?;
        }
        let [places, entries, several] = counts;
        let mut index = Self::default();
        for _ in 0..places {
            let mut ids = [None, None];
            for id in &mut ids {
                let [there] = take(&mut rest)?;
                let number = i64::from_le_bytes(take(&mut rest)?);
                *id = (there == 1).then_some(number);
            }
            let [site, client] = ids;
            index.place_number((site.map(SiteId), client.map(ClientId)));
        }
        // The digest has vouched for the count.
        index.by_identifier = FxHashMap::with_capacity_and_hasher(room(entries), rustc_hash::FxBuildHasher);
        for _ in 0..entries {
            let key = DeviceKey::new(u128::from_be_bytes(take(&mut rest)?));
            let id = UserId(i64::from_le_bytes(take(&mut rest)?));
            let place = u32::from_le_bytes(take(&mut rest)?);
            let [shared] = take(&mut rest)?;
            let shared = if shared == 1 { Shared::Yes } else { Shared::No };
            if wanted(&key) {
                index.by_identifier.insert(key, Entry { id, place, shared });
            }
        }
        for _ in 0..several {
            let key = DeviceKey::new(u128::from_be_bytes(take(&mut rest)?));
            index.several.insert(key, UserId(i64::from_le_bytes(take(&mut rest)?)));
        }
        rest.is_empty().then_some(index)
    }
}

fn digest(bytes: &[u8]) -> [u8; DIGEST] {
    let mut head = [0; DIGEST];
    blake3::Hasher::new().update(bytes).finalize_xof().fill(&mut head);
    head
}

fn take<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    let (head, tail) = rest.split_first_chunk()?;
    *rest = tail;
    Some(*head)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::HaloUser;
    use crate::settings::{Overwrite, UnlinkUnmatched, UserIdentifier, UserSource, Users};

    fn index() -> UserIndex {
        let settings = Users {
            source: UserSource::Intune,
            identifier: UserIdentifier::Email,
            halo_field: None,
            unlink_unmatched: UnlinkUnmatched::Keep,
            write: Overwrite::Always,
        };
        let mut index = UserIndex::default();
        for (id, email, site) in
            [(1, "a@x", Some(7)), (2, "b@x", None), (3, "B@x", Some(7)), (4, "c@x", Some(8))]
        {
            index.add(
                &HaloUser {
                    id: UserId(id),
                    name: "A".into(),
                    site: site.map(SiteId),
                    client: site.map(|_| ClientId(12)),
                    inactive: false,
                    azure_id: None,
                    email: Some(email.into()),
                    login: None,
                    other: Vec::new(),
                    modified: None,
                },
                &settings,
            );
        }
        index
    }

    #[test]
    fn what_was_packed_is_what_comes_back() {
        let before = index();
        let after = UserIndex::from_bytes(&before.to_bytes()).unwrap();
        assert_eq!(after.places, before.places);
        assert_eq!(after.several, before.several);
        assert_eq!(format!("{:?}", sorted(&after)), format!("{:?}", sorted(&before)));
    }

    #[test]
    fn one_user_alone_is_found_as_among_all() {
        let all = index();
        let key = DeviceKey::of("c@x");
        let one = UserIndex::from_bytes_of(&all.to_bytes(), &[key]).unwrap();
        assert_eq!(sorted(&one).len(), 1);
        let place = |index: &UserIndex| index.places[index.by_identifier[&key].place as usize];
        assert_eq!(place(&one), place(&all));
    }

    fn sorted(index: &UserIndex) -> Vec<(DeviceKey, Entry)> {
        let mut entries: Vec<_> = index.by_identifier.iter().map(|(key, entry)| (*key, *entry)).collect();
        entries.sort_by_key(|(key, _)| *key);
        entries
    }

    #[test]
    fn a_changed_byte_or_length_is_refused() {
        let bytes = index().to_bytes();
        for place in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[place] ^= 1;
            assert!(UserIndex::from_bytes(&changed).is_none(), "byte {place}");
            assert!(UserIndex::from_bytes(&bytes[..place]).is_none(), "cut at {place}");
        }
    }
}
