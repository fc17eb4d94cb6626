//! Records as bytes: a version, then the content of that version.
//!
//! Version 1 is postcard for what only this program reads, and JSON for marks and runs, whose content must explain
//! itself. A change of a stored type is a new version beside the old one, never a change of the old. Version 2 of a
//! link has its later members behind it; version 2 of a journal entry is JSON, which lets plans' writes grow.

use super::first::JournalEntry1;
use super::keys::Kind;
use super::stored::{StoredLink, StoredLink2};
use crate::store::{JournalEntry, StoreError};
use integrator_core::model::Link;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// The version of most records.
const VERSION: u8 = 1;
/// The second version of the kinds that have one.
const SECOND: u8 = 2;

/// Reads a record: [`decode`] or [`decode_json`].
pub(super) type Reader<T> = fn(Kind, &[u8], &[u8]) -> Result<T, StoreError>;

/// What tells one connection's links from another's in their summaries.
pub(super) fn connection_hash(connection: &str) -> u64 {
    let mut head = [0; 8];
    blake3::Hasher::new().update(connection.as_bytes()).finalize_xof().fill(&mut head);
    u64::from_le_bytes(head)
}

/// A compact record.
pub(super) fn encode<T: Serialize>(kind: Kind, key: &[u8], value: &T) -> Result<Vec<u8>, StoreError> {
    let mut bytes = Vec::with_capacity(256);
    bytes.push(VERSION);
    postcard::to_extend(value, bytes).map_err(|error| bad(kind, key, &error))
}

/// A record that explains itself.
pub(super) fn encode_json<T: Serialize>(kind: Kind, key: &[u8], value: &T) -> Result<Vec<u8>, StoreError> {
    let mut bytes = vec![VERSION];
    serde_json::to_writer(&mut bytes, value).map_err(|error| bad(kind, key, &error))?;
    Ok(bytes)
}

/// Reads what [`encode`] wrote.
pub(super) fn decode<T: DeserializeOwned>(kind: Kind, key: &[u8], bytes: &[u8]) -> Result<T, StoreError> {
    postcard::from_bytes(content(kind, key, bytes)?).map_err(|error| bad(kind, key, &error))
}

/// A link, in the first version that can hold it.
pub(super) fn encode_link(key: &[u8], link: Link) -> Result<Vec<u8>, StoreError> {
    let stored = StoredLink2::from(link);
    let mut bytes = if stored.later.is_empty() {
        return encode(Kind::Link, key, &stored.first);
    } else {
        encode(Kind::Link, key, &stored)?
    };
    if let Some(version) = bytes.first_mut() {
        *version = SECOND;
    }
    Ok(bytes)
}

/// Reads a link.
pub(super) fn decode_link(kind: Kind, key: &[u8], bytes: &[u8]) -> Result<Link, StoreError> {
    let found = content_of(kind, key, bytes, SECOND)?;
    match found {
        (SECOND, content) => postcard::from_bytes::<StoredLink2>(content).map(Link::from),
        (_, content) => postcard::from_bytes::<StoredLink>(content).map(Link::from),
    }
    .map_err(|error| bad(kind, key, &error))
}

/// A journal entry.
pub(super) fn encode_journal(key: &[u8], entry: &JournalEntry) -> Result<Vec<u8>, StoreError> {
    let mut bytes = encode_json(Kind::Journal, key, entry)?;
    if let Some(version) = bytes.first_mut() {
        *version = SECOND;
    }
    Ok(bytes)
}

/// Reads a journal entry.
pub(super) fn decode_journal(kind: Kind, key: &[u8], bytes: &[u8]) -> Result<JournalEntry, StoreError> {
    match content_of(kind, key, bytes, SECOND)? {
        (SECOND, content) => serde_json::from_slice(content).map_err(|error| bad(kind, key, &error)),
        (_, content) => postcard::from_bytes::<JournalEntry1>(content)
            .map(JournalEntry::from)
            .map_err(|error| bad(kind, key, &error)),
    }
}

/// Reads what [`encode_json`] wrote.
pub(super) fn decode_json<T: DeserializeOwned>(
    kind: Kind,
    key: &[u8],
    bytes: &[u8],
) -> Result<T, StoreError> {
    serde_json::from_slice(content(kind, key, bytes)?).map_err(|error| bad(kind, key, &error))
}

fn content<'a>(kind: Kind, key: &[u8], bytes: &'a [u8]) -> Result<&'a [u8], StoreError> {
    content_of(kind, key, bytes, VERSION).map(|(_, content)| content)
}

/// The version and what follows it, of a kind that is known up to the version `newest`.
fn content_of<'a>(kind: Kind, key: &[u8], bytes: &'a [u8], newest: u8) -> Result<(u8, &'a [u8]), StoreError> {
    match bytes.split_first() {
        Some((&version, content)) if (VERSION..=newest).contains(&version) => Ok((version, content)),
        Some((&found, _)) if found > newest => {
            Err(StoreError::NewerRecord { record: kind.describe(key), found, known: newest })
        }
        Some((found, _)) => Err(bad(kind, key, &format!("there is no version {found}"))),
        None => Err(bad(kind, key, &"it is empty")),
    }
}

pub(super) fn bad(kind: Kind, key: &[u8], problem: &impl ToString) -> StoreError {
    StoreError::BadRecord { record: kind.describe(key), problem: problem.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(bytes: &[u8], expected: &str) {
        let key = Kind::Asset.number(5);
        let read = decode::<[u8; 8]>(Kind::Asset, &key, bytes).map_err(|error| error.to_string());
        assert_eq!(read, Err(expected.to_owned()));
    }

    #[test]
    fn a_record_that_makes_no_sense_is_named() {
        check(&[], "asset 5 cannot be read: it is empty");
        check(&[0, 1], "asset 5 cannot be read: there is no version 0");
        check(&[2, 1], "asset 5 has version 2, and this program knows versions up to 1");
        check(&[1, 1], "asset 5 cannot be read: Hit the end of buffer, expected more data");
    }

    #[test]
    fn both_encodings_begin_with_the_version() {
        let key = Kind::Mark.text(b"name");
        assert_eq!(encode(Kind::Mark, &key, &7_u8).ok(), Some(vec![1, 7]));
        assert_eq!(encode_json(Kind::Mark, &key, &7_u8).ok(), Some(vec![1, b'7']));
    }
}
