//! Rows of comma-separated values as Intune writes them: quotes may stand bare in the middle of a value, rows may be
//! too short, and a quote that is never closed must not swallow the rows behind it.

use std::borrow::Cow;
use std::io::{self, BufRead};

/// The longest row: a file without line ends is none.
const LONGEST_ROW: usize = 1 << 20;
/// A quoted value may go on over so many lines.
const MOST_LINES: usize = 20;

/// Reads a table line by line.
#[derive(Debug)]
pub(super) struct Table<R> {
    reader: R,
    line: Vec<u8>,
    /// Lines that a value with an open quote was looked for in, and that are rows of their own after all.
    kept: std::collections::VecDeque<Vec<u8>>,
    first: bool,
}

impl<R: BufRead> Table<R> {
    /// A table; a byte-order mark at its beginning is no part of it.
    pub(super) fn new(reader: R) -> Self {
        Self { reader, line: Vec::new(), kept: std::collections::VecDeque::new(), first: true }
    }

    /// Reads the next row into `cells`, as ranges of [`Table::cell`]; false at the end.
    pub(super) fn next(&mut self, cells: &mut Vec<Cell>) -> io::Result<bool> {
        loop {
            if !self.next_line()? {
                return Ok(false);
            }
            if !self.line.is_empty() {
                break;
            }
        }
        if split(&self.line, cells) == End::Complete {
            return Ok(true);
        }
        // An open quote: the value goes on in the next lines, or the quote is part of it.
        let alone = self.line.clone();
        let mut taken: Vec<Vec<u8>> = Vec::new();
        while taken.len() < MOST_LINES {
            if !self.next_line()? {
                break;
            }
            let more = std::mem::take(&mut self.line);
            let mut whole = alone.clone();
            for line in taken.iter().chain(std::iter::once(&more)) {
                whole.push(b'\n');
                whole.extend_from_slice(line);
            }
            taken.push(more);
            if whole.len() > LONGEST_ROW {
                break;
            }
            if split(&whole, cells) == End::Complete {
                self.line = whole;
                return Ok(true);
            }
        }
        for line in taken.into_iter().rev() {
            self.kept.push_front(line);
        }
        self.line = alone;
        split_bare(&self.line, cells);
        Ok(true)
    }

    /// The text of a cell of the row that was read last.
    pub(super) fn cell(&self, cell: Cell) -> Cow<'_, str> {
        let bytes = self.line.get(cell.start..cell.end).unwrap_or_default();
        // Nearly every value is short and right: this is the shortest way for those.
        let text = match std::str::from_utf8(bytes) {
            Ok(text) => Cow::Borrowed(text),
            Err(_) => String::from_utf8_lossy(bytes),
        };
        if cell.doubled { Cow::Owned(text.replace("\"\"", "\"")) } else { text }
    }

    fn next_line(&mut self) -> io::Result<bool> {
        if let Some(line) = self.kept.pop_front() {
            self.line = line;
            return Ok(true);
        }
        self.line.clear();
        let mut limited = io::Read::take(&mut self.reader, LONGEST_ROW as u64 + 1);
        let read = limited.read_until(b'\n', &mut self.line)?;
        if read > LONGEST_ROW {
            return Err(io::Error::other("a row of more than 1 MiB"));
        }
        if std::mem::take(&mut self.first) && self.line.starts_with("\u{feff}".as_bytes()) {
            self.line.drain(..3);
        }
        while self.line.last().is_some_and(|byte| matches!(byte, b'\n' | b'\r')) {
            self.line.pop();
        }
        Ok(read > 0)
    }
}

/// A value of a row: where it stands, without its quotes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Cell {
    start: usize,
    end: usize,
    /// Quotes inside it are doubled.
    doubled: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Complete,
    OpenQuote,
}

/// Splits a row. A value is quoted when it begins with a quote and its next single quote ends it; one that only begins
/// with a word in quotes is not.
fn split(line: &[u8], cells: &mut Vec<Cell>) -> End {
    if !line.contains(&b'"') {
        split_bare(line, cells);
        return End::Complete;
    }
    cells.clear();
    let mut at = 0;
    loop {
        let cell = match quoted(line, at) {
            Quoted::Cell(cell) => cell,
            Quoted::Open => return End::OpenQuote,
            Quoted::No => Cell { start: at, end: comma(line, at), doubled: false },
        };
        cells.push(cell);
        // Behind the closing quote, if there is one, stands a comma or the end.
        at = comma(line, cell.end);
        if at >= line.len() {
            return End::Complete;
        }
        at += 1;
    }
}

enum Quoted {
    Cell(Cell),
    Open,
    No,
}

/// The quoted value that begins here, if one does.
fn quoted(line: &[u8], at: usize) -> Quoted {
    if line.get(at) != Some(&b'"') {
        return Quoted::No;
    }
    let (mut place, mut doubled) = (at + 1, false);
    loop {
        match (line.get(place), line.get(place + 1)) {
            (None, _) => return Quoted::Open,
            (Some(b'"'), Some(b'"')) => {
                doubled = true;
                place += 2;
            }
            (Some(b'"'), None | Some(b',')) => {
                return Quoted::Cell(Cell { start: at + 1, end: place, doubled });
            }
            (Some(b'"'), Some(_)) => return Quoted::No,
            (Some(_), _) => place += 1,
        }
    }
}

/// Splits a row at its commas, whatever its quotes say.
fn split_bare(line: &[u8], cells: &mut Vec<Cell>) {
    cells.clear();
    let mut at = 0;
    for (end, _) in line.iter().enumerate().filter(|(_, byte)| **byte == b',') {
        cells.push(Cell { start: at, end, doubled: false });
        at = end + 1;
    }
    cells.push(Cell { start: at, end: line.len(), doubled: false });
}

fn comma(line: &[u8], from: usize) -> usize {
    let rest = line.get(from..).unwrap_or_default();
    rest.iter().position(|byte| *byte == b',').map_or(line.len(), |at| from + at)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(text: &str) -> Vec<Vec<String>> {
        let mut table = Table::new(text.as_bytes());
        let mut cells = Vec::new();
        let mut rows = Vec::new();
        while table.next(&mut cells).unwrap() {
            rows.push(cells.iter().map(|cell| table.cell(*cell).into_owned()).collect());
        }
        rows
    }

    fn check(text: &str, expected: &[&[&str]]) {
        assert_eq!(rows(text), expected, "{text:?}");
    }

    #[test]
    fn rows_are_read_as_they_are_meant() {
        check("\u{feff}a,b\r\n1,2\r\n", &[&["a", "b"], &["1", "2"]]);
        check("a,,b,\n", &[&["a", "", "b", ""]]);
        check("\"Contoso, Ltd.\",x\n", &[&["Contoso, Ltd.", "x"]]);
        check("\"say \"\"hi\"\"\",\"\"\n", &[&["say \"hi\"", ""]]);
        check("Monitor 27\" Tool,1\nShort\n", &[&["Monitor 27\" Tool", "1"], &["Short"]]);
        check("\"two\nlines\",x\ny\n", &[&["two\nlines", "x"], &["y"]]);
        check("\"never closed,1\nb,2\nc,3\n", &[&["\"never closed", "1"], &["b", "2"], &["c", "3"]]);
        check("\"Tool\" for x,1\n\"b\",2\n", &[&["\"Tool\" for x", "1"], &["b", "2"]]);
        check("\n\na\n", &[&["a"]]);
        check("", &[]);
    }

    #[test]
    fn a_file_without_line_ends_is_refused() {
        let endless = io::BufReader::new(io::Read::take(io::repeat(b'x'), 5 << 20));
        assert!(Table::new(endless).next(&mut Vec::new()).is_err());
    }
}
