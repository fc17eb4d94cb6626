//! The file that an export leaves: a zip with one table or one JSON document. It is read as a stream, and no further
//! than an honest export goes: a few kilobytes can unpack to anything.

use super::rows::{Add, of_json, of_table};
use crate::http::html_summary;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;
use zip::ZipArchive;

/// The most bytes that are unpacked: eight million rows take about two gigabytes.
const LARGEST: u64 = 8 << 30;
/// Beyond so many bytes, what is unpacked must be in proportion to the zip.
const SMALL: u64 = 64 << 20;
/// How many bytes one byte of the zip may stand for. Real tables reach thirty; deflate can reach a thousand.
const MOST_FOLD: u64 = 250;
/// The most files in a zip: an honest one has one.
const MOST_FILES: usize = 16;

/// Hands every row of an export to `add`, and tells how many were of no use.
pub(super) fn read(path: &Path, add: Add<'_>) -> Result<u64, String> {
    let file = File::open(path).map_err(|error| error.to_string())?;
    let size = file.metadata().map_err(|error| error.to_string())?.len();
    let mut archive = match ZipArchive::new(BufReader::new(file)) {
        Ok(archive) => archive,
        Err(error) => return Err(no_zip(path, &error.to_string())),
    };
    if archive.len() > MOST_FILES {
        return Err(format!("it is a zip of {} files", archive.len()));
    }
    let wanted = |name: &str| {
        let name = name.to_ascii_lowercase();
        [".csv", ".json"].iter().any(|ending| name.ends_with(ending))
    };
    let number = (0..archive.len())
        .find(|number| archive.name_for_index(*number).is_some_and(wanted))
        .ok_or_else(|| "the zip has neither a .csv nor a .json in it".to_owned())?;
    let entry = archive.by_index(number).map_err(|error| error.to_string())?;
    let limit = LARGEST.min(SMALL.max(size.saturating_mul(MOST_FOLD)));
    let mut reader = BufReader::with_capacity(256 * 1024, Limited { inner: entry, left: limit, limit });
    if is_json(&mut reader).map_err(|error| error.to_string())? {
        of_json(reader, add)
    } else {
        of_table(reader, add)
    }
}

/// What is there instead of a zip.
fn no_zip(path: &Path, problem: &str) -> String {
    let mut head = Vec::new();
    let read = File::open(path).and_then(|file| file.take(4096).read_to_end(&mut head));
    match (read, html_summary(&String::from_utf8_lossy(&head))) {
        (Ok(_), Some(page)) => format!("it is no zip, but {page}"),
        _ => format!("it is no whole zip ({problem})"),
    }
}

/// Tells by its first letter; takes a byte-order mark away from JSON, tables are read with it.
fn is_json(reader: &mut impl BufRead) -> io::Result<bool> {
    let head = reader.fill_buf()?;
    let text = head.strip_prefix("\u{feff}".as_bytes()).unwrap_or(head);
    let mark = head.len() - text.len();
    let json =
        text.iter().find(|byte| !byte.is_ascii_whitespace()).is_some_and(|byte| matches!(byte, b'{' | b'['));
    if json {
        reader.consume(mark);
    }
    Ok(json)
}

/// A reader that refuses to go on beyond its limit.
struct Limited<R> {
    inner: R,
    left: u64,
    limit: u64,
}

impl<R: Read> Read for Limited<R> {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(room)?;
        match self.left.checked_sub(read as u64) {
            Some(left) => {
                self.left = left;
                Ok(read)
            }
            None => Err(io::Error::other(format!(
                "it unpacks to more than {} MiB, which no export of its size does",
                self.limit >> 20
            ))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;
    use zip::write::SimpleFileOptions;

    fn zipped(name: &str, content: &[u8]) -> Vec<u8> {
        let mut writer = zip::ZipWriter::new(io::Cursor::new(Vec::new()));
        writer.start_file(name, SimpleFileOptions::default()).unwrap();
        writer.write_all(content).unwrap();
        writer.finish().unwrap().into_inner()
    }

    fn check(file: &[u8], expected: Result<usize, &str>) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("export.zip");
        std::fs::write(&path, file).unwrap();
        let mut rows = 0;
        let read = read(&path, &mut |_| rows += 1).map(|_| rows);
        match (read, expected) {
            (Ok(rows), Ok(expected)) => assert_eq!(rows, expected),
            (Err(problem), Err(expected)) => assert!(problem.contains(expected), "{problem}"),
            (read, expected) => panic!("{read:?}, expected {expected:?}"),
        }
    }

    #[test]
    fn a_zip_is_read_whatever_is_in_it() {
        let table = "\u{feff}ApplicationName,DeviceId\r\nA,d1\r\nB,d2\r\n".as_bytes();
        let json = "\u{feff}{\"values\":[{\"ApplicationName\":\"A\",\"DeviceId\":\"d\"}]}".as_bytes();
        check(&zipped("x.csv", table), Ok(2));
        check(&zipped("x.JSON", json), Ok(1));
        check(&zipped("x.txt", table), Err("neither"));
        check(b"<html><head><title>Gone</title></head></html>", Err("an HTML page"));
        let whole = zipped("x.csv", table);
        check(&whole[..whole.len() - 30], Err("no whole zip"));
        check(b"", Err("no whole zip"));
    }

    #[test]
    fn a_small_zip_that_unpacks_to_anything_is_cut_off() {
        let mut bomb = b"ApplicationName,DeviceId\n".to_vec();
        bomb.resize(80 << 20, b'\n');
        check(&zipped("x.csv", &bomb), Err("unpacks to more than 64 MiB"));
    }
}
