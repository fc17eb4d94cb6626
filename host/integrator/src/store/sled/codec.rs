//! Records as bytes: a version, then the content of that version.
//!
//! Version 1 is postcard for what only this program reads, and JSON for marks and runs, whose content must explain
//! itself. A change of a stored type is a new version beside the old one, never a change of the old.

use super::keys::Kind;
use super::stored::StoredLink;
use crate::store::StoreError;
use integrator_core::model::Link;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// The version that is written, and the newest that is read.
const VERSION: u8 = 1;

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

/// Reads a link.
pub(super) fn decode_link(kind: Kind, key: &[u8], bytes: &[u8]) -> Result<Link, StoreError> {
    decode::<StoredLink>(kind, key, bytes).map(Link::from)
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
    match bytes.split_first() {
        Some((&VERSION, content)) => Ok(content),
        Some((&found, _)) if found > VERSION => {
            Err(StoreError::NewerRecord { record: kind.describe(key), found, known: VERSION })
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
