//! The rows of one run's sweep, in a file: what is read of every device, in a few hundred bytes each.
//!
//! Written once while the sweep goes on, and read at the places of those devices that need a second look. The file is the run's own and goes with it.

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
        // A file that stays behind is removed by the next run.
        let _ = std::fs::remove_file(&self.0);
    }
}

impl SpoolWriter {
    /// Begins a spool in the folder, and removes what a run that died has left there.
    pub(crate) fn create(folder: &Path, run: &str) -> io::Result<Self> {
        std::fs::create_dir_all(folder)?;
        for entry in std::fs::read_dir(folder)?.flatten() {
            if entry.path().extension().is_some_and(|ending| ending == "spool") {
                let _ = std::fs::remove_file(entry.path());
            }
        }
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

/// Adds a row in the spool's form: its length, then its bytes.
pub(crate) fn encode(row: &SpoolRow, bytes: &mut Vec<u8>) -> Result<(), postcard::Error> {
    let start = bytes.len();
    bytes.extend_from_slice(&[0; 4]);
    *bytes = postcard::to_extend(row, std::mem::take(bytes))?;
    let length = u32::try_from(bytes.len() - start - 4).unwrap_or(u32::MAX).to_le_bytes();
    if let Some(place) = bytes.get_mut(start..start + 4) {
        place.copy_from_slice(&length);
    }
    Ok(())
}

impl Spool {
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
                let range = read_row(&mut file, &mut bytes)?
                    .ok_or_else(|| io::Error::new(io::ErrorKind::UnexpectedEof, "the spool is cut short"))?;
                position =
                    i64::try_from(*start).unwrap_or(i64::MAX) + 4 + i64::try_from(range.len()).unwrap_or(0);
                postcard::from_bytes(&bytes).map_err(io::Error::other)
            })
            .collect()
    }
}

fn read_row(file: &mut BufReader<File>, bytes: &mut Vec<u8>) -> io::Result<Option<std::ops::Range<usize>>> {
    let mut length = [0; 4];
    match file.read_exact(&mut length) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        Err(error) => return Err(error),
    }
    let start = bytes.len();
    let length = u32::from_le_bytes(length) as usize;
    bytes.resize(start + length, 0);
    if let Some(room) = bytes.get_mut(start..) {
        file.read_exact(room)?;
    }
    Ok(Some(start..start + length))
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
        let path = spool.path.0.clone();
        drop(spool);
        assert!(!path.exists());
    }
}
