//! What a plugin answered, remembered by what it was asked with.
//!
//! A key is a digest of everything that a plugin sees in one call; the program and its settings are those of the
//! whole table. An answer stays as written until it is asked for: loading a hundred thousand costs one pass.

use crate::model::Value;
use crate::plugin::{Outcome, PolicySite, Question, Reply, View};
use chrono::DateTime;
use rustc_hash::FxHashMap;

/// Begins a file of answers.
const MAGIC: &[u8; 8] = b"answers1";
/// Bytes of a file's key and place.
const ENTRY: usize = 12;

/// Answers of one plugin with one set of settings.
#[derive(Debug, Default)]
pub struct Answers {
    index: FxHashMap<u64, u32>,
    blob: Vec<u8>,
    /// Places of answers by their digest, so that equal ones are kept once.
    same: FxHashMap<u64, u32>,
    added: usize,
}

impl Answers {
    /// How many calls are remembered.
    pub fn len(&self) -> usize {
        self.index.len()
    }

    /// Whether nothing is remembered.
    pub fn is_empty(&self) -> bool {
        self.index.is_empty()
    }

    /// How many were added since they were loaded.
    pub fn added(&self) -> usize {
        self.added
    }

    /// What was answered to this call.
    pub(super) fn get(&self, key: u64) -> Option<Reply> {
        let place = *self.index.get(&key)?;
        Reader(self.blob.get(usize::try_from(place).ok()?..)?).reply()
    }

    /// Remembers an answer. One too many to be addressed is forgotten.
    pub(super) fn put(&mut self, key: u64, reply: &Reply) {
        let mut bytes = Vec::with_capacity(48);
        write_reply(reply, &mut bytes);
        let digest = digest(&bytes);
        let place = match self.same.get(&digest) {
            Some(place) => *place,
            None => {
                let Ok(place) = u32::try_from(self.blob.len()) else { return };
                self.blob.extend_from_slice(&bytes);
                self.same.insert(digest, place);
                place
            }
        };
        if self.index.insert(key, place).is_none() {
            self.added += 1;
        }
    }

    /// As a file. The plugin's identity goes before the answers.
    pub fn to_bytes(&self, identity: &[u8; 32]) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(64 + self.index.len() * ENTRY + self.blob.len());
        bytes.extend_from_slice(MAGIC);
        bytes.extend_from_slice(identity);
        bytes.extend_from_slice(&(self.index.len() as u64).to_le_bytes());
        for (key, place) in &self.index {
            bytes.extend_from_slice(&key.to_le_bytes());
            bytes.extend_from_slice(&place.to_le_bytes());
        }
        bytes.extend_from_slice(&self.blob);
        let sum = blake3::hash(&bytes);
        bytes.extend_from_slice(sum.as_bytes());
        bytes
    }

    /// From a file; nothing when it is damaged, or another plugin's.
    pub fn from_bytes(bytes: &[u8], identity: &[u8; 32]) -> Option<Self> {
        let (content, sum) = bytes.split_at_checked(bytes.len().checked_sub(32)?)?;
        if blake3::hash(content).as_bytes().as_slice() != sum {
            return None;
        }
        let rest = content.strip_prefix(MAGIC)?.strip_prefix(identity.as_slice())?;
        let (count, rest) = rest.split_first_chunk::<8>()?;
        let count = usize::try_from(u64::from_le_bytes(*count)).ok()?;
        let (entries, blob) = rest.split_at_checked(count.checked_mul(ENTRY)?)?;
        let mut index = FxHashMap::with_capacity_and_hasher(count, rustc_hash::FxBuildHasher);
        for entry in entries.chunks_exact(ENTRY) {
            let (key, place) = entry.split_first_chunk::<8>()?;
            let (place, _) = place.split_first_chunk::<4>()?;
            index.insert(u64::from_le_bytes(*key), u32::from_le_bytes(*place));
        }
        Some(Self { index, blob: blob.to_vec(), same: FxHashMap::default(), added: 0 })
    }
}

/// The key of a call: a digest of all that the plugin can see in it. `buffer` is only there to be used again.
pub(super) fn key(device: View<'_>, question: Question<'_>, buffer: &mut Vec<u8>) -> u64 {
    buffer.clear();
    for value in device.values() {
        write_optional(value, buffer);
    }
    match question {
        Question::AssetType => buffer.push(1),
        Question::Holds => buffer.push(2),
        Question::Transform { field, value } => {
            buffer.push(3);
            write_text(field, buffer);
            write_optional(value, buffer);
        }
        Question::Site { user, default } => {
            buffer.push(4);
            match user {
                None => buffer.push(0),
                Some(user) => {
                    buffer.push(1);
                    buffer.extend_from_slice(&user.id.to_le_bytes());
                    write_site(user.site.as_ref(), buffer);
                    buffer.extend_from_slice(&user.client.unwrap_or(i64::MIN).to_le_bytes());
                    write_text(user.client_name.as_deref().unwrap_or_default(), buffer);
                }
            }
            write_site(default, buffer);
        }
    }
    digest(buffer)
}

fn digest(bytes: &[u8]) -> u64 {
    let mut head = [0; 8];
    blake3::Hasher::new().update(bytes).finalize_xof().fill(&mut head);
    u64::from_le_bytes(head)
}

fn write_site(site: Option<&PolicySite>, bytes: &mut Vec<u8>) {
    match site {
        None => bytes.push(0),
        Some(site) => {
            bytes.push(1);
            bytes.extend_from_slice(&site.id.to_le_bytes());
            write_text(&site.name, bytes);
        }
    }
}

fn write_optional(value: Option<&Value>, bytes: &mut Vec<u8>) {
    match value {
        None => bytes.push(0),
        Some(value) => {
            bytes.push(1);
            write_value(value, bytes);
        }
    }
}

fn write_text(text: &str, bytes: &mut Vec<u8>) {
    bytes.extend_from_slice(&u32::try_from(text.len()).unwrap_or(u32::MAX).to_le_bytes());
    bytes.extend_from_slice(text.as_bytes());
}

fn write_value(value: &Value, bytes: &mut Vec<u8>) {
    match value {
        Value::Text(text) => {
            bytes.push(0);
            write_text(text, bytes);
        }
        Value::Whole(number) => {
            bytes.push(1);
            bytes.extend_from_slice(&number.to_le_bytes());
        }
        Value::Decimal(number) => {
            bytes.push(2);
            bytes.extend_from_slice(&number.to_bits().to_le_bytes());
        }
        Value::Flag(flag) => bytes.extend_from_slice(&[3, u8::from(*flag)]),
        Value::Time(time) => {
            bytes.push(4);
            bytes.extend_from_slice(&time.timestamp_millis().to_le_bytes());
        }
        Value::List(texts) => {
            bytes.push(5);
            bytes.extend_from_slice(&u32::try_from(texts.len()).unwrap_or(u32::MAX).to_le_bytes());
            for text in texts {
                write_text(text, bytes);
            }
        }
    }
}

fn write_reply(reply: &Reply, bytes: &mut Vec<u8>) {
    match &reply.outcome {
        Outcome::AssetType(None) => bytes.push(0),
        Outcome::AssetType(Some(name)) => {
            bytes.push(1);
            write_text(name, bytes);
        }
        Outcome::Set(value) => {
            bytes.push(2);
            write_value(value, bytes);
        }
        Outcome::Clear => bytes.push(3),
        Outcome::LeaveField => bytes.push(4),
        Outcome::SiteNamed(name) => {
            bytes.push(5);
            write_text(name, bytes);
        }
        Outcome::SiteNumbered(number) => {
            bytes.push(6);
            bytes.extend_from_slice(&number.to_le_bytes());
        }
        Outcome::SiteDefault => bytes.push(7),
        Outcome::SiteLeave => bytes.push(8),
        Outcome::Holds(holds) => bytes.extend_from_slice(&[9, u8::from(*holds)]),
    }
    match &reply.reason {
        None => bytes.push(0),
        Some(reason) => {
            bytes.push(1);
            write_text(reason, bytes);
        }
    }
}

/// Reads what the functions above write.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (head, rest) = self.0.split_first_chunk::<N>()?;
        self.0 = rest;
        Some(*head)
    }

    fn tag(&mut self) -> Option<u8> {
        self.take::<1>().map(|[tag]| tag)
    }

    fn whole(&mut self) -> Option<i64> {
        self.take().map(i64::from_le_bytes)
    }

    fn text(&mut self) -> Option<&'a str> {
        let length = usize::try_from(u32::from_le_bytes(self.take()?)).ok()?;
        let (text, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        std::str::from_utf8(text).ok()
    }

    fn value(&mut self) -> Option<Value> {
        Some(match self.tag()? {
            0 => Value::Text(self.text()?.to_owned()),
            1 => Value::Whole(self.whole()?),
            2 => Value::Decimal(f64::from_bits(u64::from_le_bytes(self.take()?))),
            3 => Value::Flag(self.tag()? != 0),
            4 => Value::Time(DateTime::from_timestamp_millis(self.whole()?)?),
            5 => {
                let count = u32::from_le_bytes(self.take()?);
                let mut texts = Vec::new();
                for _ in 0..count {
                    texts.push(self.text()?.to_owned());
                }
                Value::List(texts)
            }
            _ => return None,
        })
    }

    fn reply(&mut self) -> Option<Reply> {
        let outcome = match self.tag()? {
            0 => Outcome::AssetType(None),
            1 => Outcome::AssetType(Some(self.text()?.to_owned())),
            2 => Outcome::Set(self.value()?),
            3 => Outcome::Clear,
            4 => Outcome::LeaveField,
            5 => Outcome::SiteNamed(self.text()?.to_owned()),
            6 => Outcome::SiteNumbered(self.whole()?),
            7 => Outcome::SiteDefault,
            8 => Outcome::SiteLeave,
            9 => Outcome::Holds(self.tag()? != 0),
            _ => return None,
        };
        let reason = match self.tag()? {
            0 => None,
            _ => Some(self.text()?.to_owned()),
        };
        Some(Reply { outcome, reason })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn replies() -> Vec<Reply> {
        let time = DateTime::from_timestamp_millis(1_769_716_800_123).unwrap();
        let values = [
            Value::Text("Läptop".into()),
            Value::Whole(-5),
            Value::Decimal(1.5),
            Value::Flag(true),
            Value::Time(time),
            Value::List(vec!["a".into(), String::new()]),
        ];
        let mut replies: Vec<Reply> = values
            .into_iter()
            .map(|value| Reply { outcome: Outcome::Set(value), reason: Some("why".into()) })
            .collect();
        let others = [
            Outcome::AssetType(None),
            Outcome::AssetType(Some("Laptop".into())),
            Outcome::Clear,
            Outcome::LeaveField,
            Outcome::SiteNamed("Depot".into()),
            Outcome::SiteNumbered(-1),
            Outcome::SiteDefault,
            Outcome::SiteLeave,
            Outcome::Holds(true),
            Outcome::Holds(false),
        ];
        replies.extend(others.into_iter().map(|outcome| Reply { outcome, reason: None }));
        replies
    }

    #[test]
    fn every_answer_is_remembered_as_it_was_and_survives_its_file() {
        let mut answers = Answers::default();
        for (key, reply) in (0..).zip(replies()) {
            answers.put(key, &reply);
        }
        let identity = [7; 32];
        let read = Answers::from_bytes(&answers.to_bytes(&identity), &identity).unwrap();
        for (key, reply) in (0..).zip(replies()) {
            assert_eq!(answers.get(key), Some(reply.clone()));
            assert_eq!(read.get(key), Some(reply));
        }
        assert_eq!(read.added(), 0);
        assert_eq!(read.get(999), None);
    }

    #[test]
    fn a_damaged_file_or_one_of_another_plugin_is_not_used() {
        let mut answers = Answers::default();
        answers.put(1, &Reply { outcome: Outcome::Clear, reason: None });
        let bytes = answers.to_bytes(&[7; 32]);
        assert!(Answers::from_bytes(&bytes, &[8; 32]).is_none());
        for place in 0..bytes.len() {
            let mut damaged = bytes.clone();
            damaged[place] ^= 1;
            assert!(Answers::from_bytes(&damaged, &[7; 32]).is_none(), "byte {place}");
        }
        assert!(Answers::from_bytes(&bytes[..20], &[7; 32]).is_none());
    }
}
