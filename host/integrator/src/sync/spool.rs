//! The rows of one run's sweep, in a file: what is read of every device, in a few hundred bytes each.
//!
//! Written once while the sweep goes on, read once from front to back by the decide pass, and at single places by
//! matching. The file is the run's own and goes with it.

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
    buffer: Vec<u8>,
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
        Ok(Self { file, path: SpoolPath(path), offset: 0, buffer: Vec::with_capacity(1024) })
    }

    /// Adds a row and tells where it starts.
    pub(crate) fn append(&mut self, row: &SpoolRow) -> io::Result<u64> {
        self.buffer.clear();
        self.buffer = postcard::to_extend(row, std::mem::take(&mut self.buffer)).map_err(io::Error::other)?;
        let length = u32::try_from(self.buffer.len()).map_err(io::Error::other)?;
        self.file.write_all(&length.to_le_bytes())?;
        self.file.write_all(&self.buffer)?;
        let start = self.offset;
        self.offset += 4 + u64::from(length);
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

/// A stretch of rows as they lie in the file, to be decoded elsewhere.
#[derive(Clone, Debug, Default)]
pub(crate) struct Stretch {
    /// Where each row starts in the file, and its bytes.
    rows: Vec<(u64, std::ops::Range<usize>)>,
    bytes: Vec<u8>,
}

impl Stretch {
    /// The rows, each with its place in the file.
    pub(crate) fn rows(&self) -> impl Iterator<Item = (u64, Result<SpoolRow, postcard::Error>)> + '_ {
        self.rows.iter().map(|(start, range)| {
            (*start, postcard::from_bytes(self.bytes.get(range.clone()).unwrap_or_default()))
        })
    }
}

impl Spool {
    /// Reads from front to back, in stretches of this many rows.
    pub(crate) fn stretches(
        &self,
        rows: usize,
    ) -> io::Result<impl Iterator<Item = io::Result<Stretch>> + use<>> {
        let mut file = BufReader::with_capacity(256 * 1024, File::open(&self.path.0)?);
        let mut offset = 0;
        Ok(std::iter::from_fn(move || {
            let mut stretch = Stretch::default();
            while stretch.rows.len() < rows {
                match read_row(&mut file, &mut stretch.bytes) {
                    Ok(None) => break,
                    Ok(Some(range)) => {
                        let length = range.len() as u64;
                        stretch.rows.push((offset, range));
                        offset += 4 + length;
                    }
                    Err(error) => return Some(Err(error)),
                }
            }
            if stretch.rows.is_empty() { None } else { Some(Ok(stretch)) }
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
    fn rows_come_back_in_order_and_by_place() {
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
        let starts: Vec<u64> = rows.iter().map(|row| writer.append(row).unwrap()).collect();
        let spool = writer.finish().unwrap();
        let mut read = Vec::new();
        for stretch in spool.stretches(700).unwrap() {
            for (start, row) in stretch.unwrap().rows() {
                assert_eq!(Some(&start), starts.get(read.len()));
                read.push(row.unwrap());
            }
        }
        assert_eq!(read, rows);
        let some = [starts[4000], starts[3], starts[4999], starts[4]];
        let at = spool.rows_at(&some).unwrap();
        assert_eq!(at, [&rows[4000], &rows[3], &rows[4999], &rows[4]].map(Clone::clone));
        let path = spool.path.0.clone();
        drop(spool);
        assert!(!path.exists());
    }
}
