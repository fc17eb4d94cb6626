//! The kept sweep of a tenant: its rows as the run spooled them, and an index beside them in which a device is found by
//! its id, name, serial number or user without reading what is there of others.
//!
//! The index is: [`MAGIC`], the length and the checksum of the header, the header as JSON, an entry for each device
//! in the order of their keys, three tables of hashes with the numbers of entries, registered owners, and a checksum
//! of all that stands behind the header. Integers are little-endian, keys big-endian.

use super::ring;
use crate::sync::spool::{HEAD, RowHead, SpoolRow, name_hash};
use chrono::{DateTime, Utc};
use integrator_core::model::value::fold;
use integrator_core::model::{AssetId, Client, DeviceKey, Slot, TenantId};
use integrator_core::resolve::{Pair, Tier};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

pub(super) const MAGIC: &[u8; 8] = b"sweep\0\0\x01";
/// Bytes of an entry.
pub(super) const ENTRY: usize = 42;
/// Bytes of a row of a table of hashes.
pub(super) const HASHED: usize = 8;
/// Bytes of a registered owner.
pub(super) const OWNER: usize = 32;
/// A header is a few kilobytes.
const LONGEST_HEADER: u32 = 1 << 20;
/// A row is a few hundred bytes; Graph's longest texts are far below this.
const LONGEST_ROW: u32 = 1 << 26;
/// Devices of one name that are looked at.
const ALIKE: usize = 50;

/// What a sweep is, and what its devices were decided by.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct SweepHeader {
    /// The run.
    pub(crate) run: String,
    /// When it began.
    pub(crate) made: DateTime<Utc>,
    /// The connection, by file name.
    pub(crate) connection: String,
    /// The tenant.
    pub(crate) tenant: TenantId,
    /// Digest of the settings.
    pub(crate) settings: String,
    /// Digest of each plugin, by name.
    pub(crate) plugins: BTreeMap<String, String>,
    /// The properties that were read, in the order of the rows' values.
    pub(crate) properties: Vec<String>,
    /// The client that the tenant is.
    pub(crate) client: Client,
    /// Devices.
    pub(crate) devices: u64,
    /// Rows of the tables by name, by serial number and by user.
    pub(crate) tables: [u64; 3],
    /// Registered owners.
    pub(crate) owners: u64,
    /// The file of the rows, beside this one.
    pub(crate) rows: String,
    /// The file of what was held, beside this one; none where nothing was.
    pub(crate) held: Option<String>,
}

/// What a row was paired with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum KeptPair {
    /// Nothing yet.
    New,
    /// Its own link.
    Linked,
    /// The link of this other device.
    Inherits(DeviceKey, Tier),
    /// An asset without a link.
    Matched(AssetId, Tier),
    /// It was held.
    Held,
    /// This other row stands for the machine.
    Superseded(DeviceKey),
    /// A setting leaves it out.
    Excluded,
}

impl KeptPair {
    /// A pair as the run knows it. The two closures give the keys of a row and of a link.
    pub(super) fn of(
        pair: &Pair,
        row: impl Fn(u32) -> Option<DeviceKey>,
        link: impl Fn(u32) -> Option<DeviceKey>,
    ) -> Self {
        match pair {
            Pair::New => Self::New,
            Pair::Linked(_) => Self::Linked,
            Pair::Inherits(number, tier) => link(*number).map_or(Self::New, |key| Self::Inherits(key, *tier)),
            Pair::Matched(asset, tier) => Self::Matched(*asset, *tier),
            Pair::Held(_) => Self::Held,
            Pair::Superseded(number) => row(*number).map_or(Self::Held, Self::Superseded),
            Pair::Excluded => Self::Excluded,
        }
    }

    fn parts(self) -> (u8, u8, u128) {
        let tier = |tier: Tier| match tier {
            Tier::Reenrolment => 0,
            Tier::IntuneId => 1,
            Tier::Pinned => 2,
            Tier::MatchBy(index) => index.saturating_add(3),
        };
        match self {
            Self::New => (0, 0, 0),
            Self::Linked => (1, 0, 0),
            Self::Inherits(key, by) => (2, tier(by), key.number()),
            Self::Matched(asset, by) => (3, tier(by), u128::from(asset.0.cast_unsigned())),
            Self::Held => (4, 0, 0),
            Self::Superseded(key) => (5, 0, key.number()),
            Self::Excluded => (6, 0, 0),
        }
    }

    fn from_parts(kind: u8, tier: u8, other: u128) -> Option<Self> {
        let by = match tier {
            0 => Tier::Reenrolment,
            1 => Tier::IntuneId,
            2 => Tier::Pinned,
            index => Tier::MatchBy(index - 3),
        };
        Some(match kind {
            0 => Self::New,
            1 => Self::Linked,
            2 => Self::Inherits(DeviceKey::new(other), by),
            3 => Self::Matched(AssetId(i64::try_from(other).ok()?), by),
            4 => Self::Held,
            5 => Self::Superseded(DeviceKey::new(other)),
            6 => Self::Excluded,
            _ => return None,
        })
    }
}

/// One device of the index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    /// Its key.
    pub(crate) key: DeviceKey,
    /// Where its row begins.
    pub(crate) place: u64,
    /// What it was paired with.
    pub(crate) pair: KeptPair,
}

impl Entry {
    pub(super) fn to_bytes(self) -> [u8; ENTRY] {
        let (kind, tier, other) = self.pair.parts();
        let mut bytes = [0; ENTRY];
        let parts =
            [&self.key.to_bytes()[..], &self.place.to_le_bytes(), &[kind, tier], &other.to_le_bytes()];
        for (place, byte) in bytes.iter_mut().zip(parts.into_iter().flatten()) {
            *place = *byte;
        }
        bytes
    }

    fn from_bytes(bytes: [u8; ENTRY]) -> Option<Self> {
        let mut rest = bytes.as_slice();
        let key = DeviceKey::new(u128::from_be_bytes(take(&mut rest)?));
        let place = u64::from_le_bytes(take(&mut rest)?);
        let [kind, tier] = take(&mut rest)?;
        let other = u128::from_le_bytes(take(&mut rest)?);
        Some(Self { key, place, pair: KeptPair::from_parts(kind, tier, other)? })
    }
}

fn take<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    let (head, tail) = rest.split_first_chunk()?;
    *rest = tail;
    Some(*head)
}

/// Where the index of a tenant's sweep is.
pub(super) fn index_place(folder: &Path, connection: &str, tenant: &TenantId) -> PathBuf {
    folder.join(format!("sweep-{}.index", ring(connection, Some(tenant))))
}

/// A kept sweep, opened.
#[derive(Debug)]
pub(crate) struct KeptSweep {
    /// What it is.
    pub(crate) header: SweepHeader,
    index: File,
    rows: File,
    folder: PathBuf,
    /// Where entries begin.
    entries: u64,
}

impl KeptSweep {
    /// Opens the last sweep of a tenant; none where there is none. An error says why the one that is there is of no use.
    pub(crate) fn open(folder: &Path, connection: &str, tenant: &TenantId) -> Result<Option<Self>, String> {
        let place = index_place(folder, connection, tenant);
        let index = match File::open(&place) {
            Ok(index) => index,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error.to_string()),
        };
        let (header, entries) = read_header(&index)?;
        if header.connection != connection || header.tenant.key() != tenant.key() {
            return Err("it is another connection's".to_owned());
        }
        let rows = File::open(folder.join(&header.rows))
            .map_err(|error| format!("its rows cannot be read: {error}"))?;
        Ok(Some(Self { header, index, rows, folder: folder.to_owned(), entries }))
    }

    /// The file of what was held.
    pub(crate) fn held_place(&self) -> Option<PathBuf> {
        self.header.held.as_ref().map(|name| self.folder.join(name))
    }

    fn read<const N: usize>(&self, place: u64) -> io::Result<[u8; N]> {
        let mut bytes = [0; N];
        let mut index = &self.index;
        index.seek(SeekFrom::Start(place))?;
        index.read_exact(&mut bytes)?;
        Ok(bytes)
    }

    fn entry(&self, number: u64) -> io::Result<Option<Entry>> {
        if number >= self.header.devices {
            return Ok(None);
        }
        let bytes = self.read(self.entries + number * ENTRY as u64)?;
        Entry::from_bytes(bytes).map(Some).ok_or_else(|| io::Error::other("an entry of the index is damaged"))
    }

    /// The device of this key.
    pub(crate) fn by_key(&self, key: DeviceKey) -> io::Result<Option<Entry>> {
        let number = lower_bound(self.header.devices, |number| {
            Ok(self.entry(number)?.is_some_and(|entry| entry.key < key))
        })?;
        Ok(self.entry(number)?.filter(|entry| entry.key == key))
    }

    /// The keys of all devices, in their order.
    pub(crate) fn keys(&self) -> io::Result<impl Iterator<Item = io::Result<DeviceKey>> + '_> {
        let mut index = io::BufReader::with_capacity(256 * 1024, &self.index);
        index.seek(SeekFrom::Start(self.entries))?;
        Ok((0..self.header.devices).map(move |_| {
            let mut bytes = [0; ENTRY];
            index.read_exact(&mut bytes)?;
            let entry = Entry::from_bytes(bytes);
            entry.map(|entry| entry.key).ok_or_else(|| io::Error::other("an entry of the index is damaged"))
        }))
    }

    /// The devices of this name, serial number or user, in whatever case.
    pub(crate) fn named(&self, text: &str) -> io::Result<Vec<(Entry, SpoolRow)>> {
        let (hash, folded) = (name_hash(text), fold(text));
        let mut found: Vec<(Entry, SpoolRow)> = Vec::new();
        let mut start = self.entries + self.header.devices * ENTRY as u64;
        for count in self.header.tables {
            let row = |number: u64| -> io::Result<(u32, u32)> {
                let both = u64::from_le_bytes(self.read::<HASHED>(start + number * HASHED as u64)?);
                Ok((low_half(both), low_half(both >> 32)))
            };
            let mut number = lower_bound(count, |number| Ok(row(number)?.0 < hash))?;
            while number < count && found.len() < ALIKE {
                let (held, device) = row(number)?;
                if held != hash {
                    break;
                }
                number += 1;
                let Some(entry) = self.entry(u64::from(device))? else { continue };
                if found.iter().any(|(known, _)| known.key == entry.key) {
                    continue;
                }
                let row = self.row(entry)?;
                if names(&row).into_iter().flatten().any(|name| fold(name) == folded) {
                    found.push((entry, row));
                }
            }
            start += count * HASHED as u64;
        }
        Ok(found)
    }

    /// A device's row, checked.
    pub(crate) fn row(&self, entry: Entry) -> io::Result<SpoolRow> {
        let damaged = || io::Error::other("a row is damaged");
        let mut rows = &self.rows;
        rows.seek(SeekFrom::Start(entry.place))?;
        let mut head = [0; HEAD];
        rows.read_exact(&mut head)?;
        let head = RowHead::from_bytes(head);
        if head.length > LONGEST_ROW {
            return Err(damaged());
        }
        let mut bytes = vec![0; head.length as usize];
        rows.read_exact(&mut bytes)?;
        if crc32fast::hash(&bytes) != head.sum {
            return Err(damaged());
        }
        let row: SpoolRow = postcard::from_bytes(&bytes).map_err(io::Error::other)?;
        let key = match &row {
            SpoolRow::Device(device) => Some(device.id.key()),
            SpoolRow::Unreadable(row) => row.id.as_ref().map(integrator_core::model::DeviceId::key),
        };
        if key == Some(entry.key) { Ok(row) } else { Err(damaged()) }
    }

    /// The registered owner of an Entra device, as the key of the identifier.
    pub(crate) fn owner(&self, device: DeviceKey) -> io::Result<Option<DeviceKey>> {
        let tables: u64 = self.header.tables.iter().sum();
        let start = self.entries + self.header.devices * ENTRY as u64 + tables * HASHED as u64;
        let row = |number: u64| -> io::Result<(DeviceKey, DeviceKey)> {
            let bytes = self.read::<OWNER>(start + number * OWNER as u64)?;
            let mut rest = bytes.as_slice();
            let mut key = || take(&mut rest).map(|bytes| DeviceKey::new(u128::from_be_bytes(bytes)));
            Ok((key().unwrap_or(device), key().unwrap_or(device)))
        };
        let number = lower_bound(self.header.owners, |number| Ok(row(number)?.0 < device))?;
        if number >= self.header.owners {
            return Ok(None);
        }
        let (held, owner) = row(number)?;
        Ok((held == device).then_some(owner))
    }

    /// Whether the index is as it was written: what it does not have is then not there.
    pub(crate) fn is_intact(&self) -> io::Result<bool> {
        let mut index = &self.index;
        index.seek(SeekFrom::Start(self.entries))?;
        let tables: u64 = self.header.tables.iter().sum();
        let length =
            self.header.devices * ENTRY as u64 + tables * HASHED as u64 + self.header.owners * OWNER as u64;
        let mut rest = io::BufReader::with_capacity(256 * 1024, index).take(length + 4);
        let mut hasher = crc32fast::Hasher::new();
        let mut left = length;
        let mut buffer = vec![0; 64 * 1024];
        while left > 0 {
            let wanted = usize::try_from(left).unwrap_or(usize::MAX).min(buffer.len());
            let Some(part) = buffer.get_mut(..wanted) else { break };
            if rest.read_exact(part).is_err() {
                return Ok(false);
            }
            hasher.update(part);
            left -= wanted as u64;
        }
        let mut sum = [0; 4];
        Ok(rest.read_exact(&mut sum).is_ok() && u32::from_le_bytes(sum) == hasher.finalize())
    }
}

/// What people may call a row's device by.
fn names(row: &SpoolRow) -> [Option<&str>; 3] {
    match row {
        SpoolRow::Device(device) => [
            device.text(Slot::DEVICE_NAME),
            device.text(Slot::SERIAL_NUMBER),
            device.text(Slot::USER_PRINCIPAL_NAME),
        ],
        SpoolRow::Unreadable(row) => [row.name.as_deref(), None, None],
    }
}

/// The first number for which `below` is not true.
fn lower_bound(count: u64, below: impl Fn(u64) -> io::Result<bool>) -> io::Result<u64> {
    let (mut low, mut high) = (0, count);
    while low < high {
        let middle = low + (high - low) / 2;
        if below(middle)? {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    Ok(low)
}

fn read_header(mut index: &File) -> Result<(SweepHeader, u64), String> {
    let damaged = || "its index is damaged".to_owned();
    let mut start = [0; 16];
    index.read_exact(&mut start).map_err(|_| damaged())?;
    let rest = start.strip_prefix(MAGIC.as_slice()).ok_or("it is of another version of this program")?;
    let (mut rest, told) = (rest, |rest: &mut &[u8]| take(rest).map(u32::from_le_bytes));
    let (length, sum) = (told(&mut rest).ok_or_else(damaged)?, told(&mut rest).ok_or_else(damaged)?);
    if length > LONGEST_HEADER {
        return Err(damaged());
    }
    let mut bytes = vec![0; length as usize];
    index.read_exact(&mut bytes).map_err(|_| damaged())?;
    if crc32fast::hash(&bytes) != sum {
        return Err(damaged());
    }
    let header = serde_json::from_slice(&bytes).map_err(|_| damaged())?;
    Ok((header, 16 + u64::from(length)))
}

fn low_half(both: u64) -> u32 {
    u32::try_from(both & u64::from(u32::MAX)).unwrap_or_default()
}
