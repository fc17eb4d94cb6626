//! The rows of one run's sweep, in a file: what is read of every device, in a few hundred bytes each.
//!
//! Written once while the sweep goes on, and read at the places of those devices that need a second look. The file is
//! the run's own and goes with it, unless it is kept as the last sweep. Each row has a head of its own: its length, its
//! checksum, and the hashes of what people call the device by, so that a kept sweep is indexed without decoding it.

use integrator_core::model::device::Slot;
use integrator_core::model::value::fold;
use integrator_core::model::{Device, UnreadableRow};
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

/// One row of the spool.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum SpoolRow {
    /// A device, as far as the run reads it.
    Device(Device),
    /// A row that could not be read, though its id could.
    Unreadable(UnreadableRow),
}

/// A spool being written.
#[derive(Debug)]
pub(crate) struct SpoolWriter {
    file: BufWriter<File>,
    path: SpoolPath,
    offset: u64,
}

/// The file's path; removes the file when dropped.
#[derive(Debug)]
pub(crate) struct SpoolPath(PathBuf);

impl Drop for SpoolPath {
    fn drop(&mut self) {
        // A file that stays behind is removed by the next process.
        let _ = std::fs::remove_file(&self.0);
    }
}

/// Removes what runs that died have left in the folder. For a process that has just taken the data folder: nobody's
/// run is under way.
pub(crate) fn remove_left_behind(folder: &Path) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        if entry.path().extension().is_some_and(|ending| ending == "spool" || ending == "held") {
            let _ = std::fs::remove_file(entry.path());
        }
    }
}

impl SpoolWriter {
    /// Begins a spool in the folder.
    pub(crate) fn create(folder: &Path, run: &str) -> io::Result<Self> {
        std::fs::create_dir_all(folder)?;
        let path = folder.join(format!("{run}.spool"));
        let mut options = File::options();
        options.write(true).create(true).truncate(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = BufWriter::with_capacity(256 * 1024, options.open(&path)?);
        Ok(Self { file, path: SpoolPath(path), offset: 0 })
    }

    /// Adds encoded rows and tells where the first starts.
    pub(crate) fn append(&mut self, rows: &[u8]) -> io::Result<u64> {
        self.file.write_all(rows)?;
        let start = self.offset;
        self.offset += rows.len() as u64;
        Ok(start)
    }

    /// Ends writing.
    pub(crate) fn finish(mut self) -> io::Result<Spool> {
        self.file.flush()?;
        Ok(Spool { path: self.path })
    }
}

/// A finished spool.
#[derive(Debug)]
pub(crate) struct Spool {
    path: SpoolPath,
}

/// Bytes of a row's head.
pub(crate) const HEAD: usize = 20;

/// What stands before a row: integers in little-endian order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct RowHead {
    /// Bytes of the row.
    pub(crate) length: u32,
    /// CRC-32 of the row.
    pub(crate) sum: u32,
    /// Hash of the device's name, folded; 0 for none. So are the others.
    pub(crate) name: u32,
    /// Of its serial number.
    pub(crate) serial: u32,
    /// Of its primary user's principal name.
    pub(crate) user: u32,
}

impl RowHead {
    fn to_bytes(self) -> [u8; HEAD] {
        let mut bytes = [0; HEAD];
        let parts = [self.length, self.sum, self.name, self.serial, self.user];
        for (place, part) in bytes.chunks_exact_mut(4).zip(parts) {
            place.copy_from_slice(&part.to_le_bytes());
        }
        bytes
    }

    pub(crate) fn from_bytes(bytes: [u8; HEAD]) -> Self {
        let mut parts = [0; 5];
        for (part, place) in parts.iter_mut().zip(bytes.chunks_exact(4)) {
            *part = place.iter().rev().fold(0, |sum, byte| sum << 8 | u32::from(*byte));
        }
        let [length, sum, name, serial, user] = parts;
        Self { length, sum, name, serial, user }
    }
}

/// The hash that a name, serial number or user is looked up by: never 0.
pub(crate) fn name_hash(text: &str) -> u32 {
    crc32fast::hash(fold(text).as_bytes()).max(1)
}

/// Adds a row in the spool's form: its head, then its bytes.
pub(crate) fn encode(row: &SpoolRow, bytes: &mut Vec<u8>) -> Result<(), postcard::Error> {
    let start = bytes.len();
    bytes.extend_from_slice(&[0; HEAD]);
    *bytes = postcard::to_extend(row, std::mem::take(bytes))?;
    let written = bytes.get(start + HEAD..).unwrap_or_default();
    let hash = |text: Option<&str>| text.map_or(0, name_hash);
    let (name, serial, user) = match row {
        SpoolRow::Device(device) => (
            device.text(Slot::DEVICE_NAME),
            device.text(Slot::SERIAL_NUMBER),
            device.text(Slot::USER_PRINCIPAL_NAME),
        ),
        SpoolRow::Unreadable(row) => (row.name.as_deref(), None, None),
    };
    let head = RowHead {
        length: u32::try_from(written.len()).unwrap_or(u32::MAX),
        sum: crc32fast::hash(written),
        name: hash(name),
        serial: hash(serial),
        user: hash(user),
    };
    if let Some(place) = bytes.get_mut(start..start + HEAD) {
        place.copy_from_slice(&head.to_bytes());
    }
    Ok(())
}

impl Spool {
    /// Gives the file another name, under which it stays. Nothing is read from the spool after that.
    pub(crate) fn keep(&self, place: &Path) -> io::Result<()> {
        std::fs::rename(&self.path.0, place)
    }

    /// The heads of all rows, each with its place, in the order of the file.
    pub(crate) fn heads(&self) -> io::Result<impl Iterator<Item = io::Result<(u64, RowHead)>> + use<>> {
        let mut file = BufReader::with_capacity(256 * 1024, File::open(&self.path.0)?);
        let mut place = 0;
        Ok(std::iter::from_fn(move || {
            let head = match read_head(&mut file) {
                Ok(head) => head?,
                Err(error) => return Some(Err(error)),
            };
            let start = place;
            place += HEAD as u64 + u64::from(head.length);
            Some(file.seek_relative(i64::from(head.length)).map(|()| (start, head)))
        }))
    }

    /// Reads the rows that start at these places.
    pub(crate) fn rows_at(&self, starts: &[u64]) -> io::Result<Vec<SpoolRow>> {
        let mut file = BufReader::with_capacity(16 * 1024, File::open(&self.path.0)?);
        let mut position = 0;
        let mut bytes = Vec::new();
        starts
            .iter()
            .map(|start| {
                // Seeking relatively keeps the buffer where rows lie close together.
                let distance = i64::try_from(*start).unwrap_or(i64::MAX) - position;
                file.seek_relative(distance)?;
                bytes.clear();
                let head = read_head(&mut file)?
                    .ok_or_else(|| io::Error::new(io::ErrorKind::UnexpectedEof, "the spool is cut short"))?;
                bytes.resize(head.length as usize, 0);
                file.read_exact(&mut bytes)?;
                let read = HEAD as u64 + u64::from(head.length);
                position = i64::try_from(*start + read).unwrap_or(i64::MAX);
                postcard::from_bytes(&bytes).map_err(io::Error::other)
            })
            .collect()
    }
}

fn read_head(file: &mut impl Read) -> io::Result<Option<RowHead>> {
    let mut bytes = [0; HEAD];
    match file.read_exact(&mut bytes) {
        Ok(()) => Ok(Some(RowHead::from_bytes(bytes))),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(None),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use integrator_core::model::{DeviceId, Value};

    #[test]
    fn rows_come_back_by_their_places() {
        let folder = tempfile::tempdir().unwrap();
        let mut writer = SpoolWriter::create(folder.path(), "run").unwrap();
        let rows: Vec<SpoolRow> = (0..5000_u32)
            .map(|number| {
                SpoolRow::Device(Device {
                    id: DeviceId(format!("device-{number}")),
                    values: vec![
                        None,
                        Some(Value::Text("x".repeat(number as usize % 300))),
                        Some(Value::Whole(i64::from(number))),
                    ],
                })
            })
            .collect();
        let mut starts = Vec::new();
        for row in &rows {
            let mut bytes = Vec::new();
            encode(row, &mut bytes).unwrap();
            starts.push(writer.append(&bytes).unwrap());
        }
        let spool = writer.finish().unwrap();
        assert_eq!(spool.rows_at(&starts).unwrap(), rows);
        let some = [starts[4000], starts[3], starts[4999], starts[4]];
        let at = spool.rows_at(&some).unwrap();
        assert_eq!(at, [&rows[4000], &rows[3], &rows[4999], &rows[4]].map(Clone::clone));
        let heads: Vec<(u64, RowHead)> = spool.heads().unwrap().map(Result::unwrap).collect();
        assert_eq!(heads.iter().map(|(place, _)| *place).collect::<Vec<_>>(), starts);
        let path = spool.path.0.clone();
        drop(spool);
        assert!(!path.exists());
    }

    #[test]
    fn a_kept_spool_outlives_its_run() {
        let folder = tempfile::tempdir().unwrap();
        let spool = SpoolWriter::create(folder.path(), "run").unwrap().finish().unwrap();
        let kept = folder.path().join("kept");
        spool.keep(&kept).unwrap();
        drop(spool);
        assert!(kept.exists());
    }
}
