//! Keeping a sweep: its spool gets a lasting name, and an index is made beside it.

use super::create;
use super::held::{HeldLines, Kept};
use super::sweep::{Entry, HASHED, KeptPair, MAGIC, SweepHeader, index_place};
use crate::sync::beside::beside;
use crate::sync::resolve::Resolved;
use crate::sync::spool::{RowHead, Spool};
use integrator_core::model::DeviceKey;
use std::fs;
use std::io::{self, BufWriter, Write};
use std::path::Path;

/// What is kept of a tenant.
#[derive(Debug)]
pub(crate) struct Keeping<'a> {
    /// What it is. The figures and the names of files are filled in.
    pub(crate) header: SweepHeader,
    /// The rows.
    pub(crate) spool: &'a Spool,
    /// What each was paired with.
    pub(crate) resolved: &'a Resolved,
    /// What was held.
    pub(crate) held: Option<HeldLines>,
    /// Registered owners, where devices are linked by them.
    pub(crate) owners: Vec<(DeviceKey, DeviceKey)>,
}

/// Keeps a sweep in place of the one before. Nothing is read from its spool after that.
///
/// The rows lie under a name of their own and the index names them, so that whoever opens the index finds the rows
/// that belong to it, whatever the moment at which this stops.
pub(crate) fn keep_sweep(folder: &Path, keeping: Keeping<'_>) -> io::Result<()> {
    let Keeping { mut header, spool, resolved, held, mut owners } = keeping;
    fs::create_dir_all(folder)?;
    let place = index_place(folder, &header.connection, &header.tenant);
    let stem = place.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
    let tables = tables(spool, resolved)?;
    owners.sort_unstable();
    header.devices = resolved.rows.len() as u64;
    header.tables = tables.each_ref().map(|table| table.len() as u64);
    header.owners = owners.len() as u64;
    header.rows = format!("{stem}-{}.rows", header.run);
    let held_name = format!("{stem}-{}.held", header.run);
    header.held = match held.map(|held| held.keep(&folder.join(&held_name))).transpose()? {
        Some(Kept::Lines) => Some(held_name),
        Some(Kept::Nothing) | None => None,
    };
    let beside = beside(&place);
    write_index(&beside, &header, resolved, &tables, &owners)?;
    spool.keep(&folder.join(&header.rows))?;
    fs::rename(&beside, &place)?;
    // What was kept before, and what a run left that stopped on its way here.
    let ours = [Some(header.rows.as_str()), header.held.as_deref()];
    for entry in fs::read_dir(folder)?.flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let of_this = name.strip_prefix(&stem).is_some_and(|rest| rest.starts_with('-'));
        if of_this && !ours.contains(&Some(name.as_str())) {
            let _ = fs::remove_file(entry.path());
        }
    }
    Ok(())
}

/// The tables by name, by serial number and by user: hashes with the numbers of devices, sorted.
fn tables(spool: &Spool, resolved: &Resolved) -> io::Result<[Vec<(u32, u32)>; 3]> {
    let mut tables = [(); 3].map(|()| Vec::with_capacity(resolved.rows.len()));
    let mut heads = spool.heads()?;
    // Both go through the spool in its order; rows that a later page repeated have a head and no number.
    for number in &resolved.order {
        let Some(row) = resolved.rows.get(*number as usize) else { continue };
        let start = row.spool.bytes();
        let head = loop {
            let Some(head) = heads.next().transpose()? else {
                return Err(io::Error::other("the spool is cut short"));
            };
            if head.0 >= start {
                break head;
            }
        };
        if head.0 != start {
            return Err(io::Error::other("a row of the spool is not where it should be"));
        }
        let RowHead { name, serial, user, .. } = head.1;
        for (table, hash) in tables.iter_mut().zip([name, serial, user]) {
            if hash != 0 {
                table.push((hash, *number));
            }
        }
    }
    for table in &mut tables {
        table.sort_unstable();
    }
    Ok(tables)
}

fn write_index(
    place: &Path,
    header: &SweepHeader,
    resolved: &Resolved,
    tables: &[Vec<(u32, u32)>; 3],
    owners: &[(DeviceKey, DeviceKey)],
) -> io::Result<()> {
    let header = serde_json::to_vec(header)?;
    let mut file = BufWriter::with_capacity(256 * 1024, create(place)?);
    file.write_all(MAGIC)?;
    file.write_all(&u32::try_from(header.len()).unwrap_or(u32::MAX).to_le_bytes())?;
    file.write_all(&crc32fast::hash(&header).to_le_bytes())?;
    file.write_all(&header)?;
    let mut file = Summed { file, sum: crc32fast::Hasher::new() };
    let row = |number: u32| resolved.rows.get(number as usize).map(|row| row.key);
    let link = |number: u32| resolved.links.get(number as usize).map(|link| link.key);
    for (index, one) in resolved.rows.iter().enumerate() {
        let pair = resolved.pairs.get(index).map_or(KeptPair::New, |pair| KeptPair::of(pair, row, link));
        file.write(&Entry { key: one.key, place: one.spool.bytes(), pair }.to_bytes())?;
    }
    for (hash, number) in tables.iter().flatten() {
        let mut bytes = [0; HASHED];
        let parts = hash.to_le_bytes().into_iter().chain(number.to_le_bytes());
        for (place, byte) in bytes.iter_mut().zip(parts) {
            *place = byte;
        }
        file.write(&bytes)?;
    }
    for (device, owner) in owners {
        file.write(&device.to_bytes())?;
        file.write(&owner.to_bytes())?;
    }
    let Summed { mut file, sum } = file;
    file.write_all(&sum.finalize().to_le_bytes())?;
    file.flush()
}

/// A file whose content is summed up.
struct Summed<W> {
    file: W,
    sum: crc32fast::Hasher,
}

impl<W: Write> Summed<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.sum.update(bytes);
        self.file.write_all(bytes)
    }
}
