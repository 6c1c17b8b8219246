//! Records of a delimited text file, read through a fixed window, with caps on field, record and column count.
//!
//! `csv-core` splits; this file owns the buffers, because a reader that owns them itself grows without bound on a
//! file that opens a quotation mark and never closes it.

use std::io::{ErrorKind, Read};

use csv_core::{ReadRecordResult, ReaderBuilder};

use crate::Error;
use crate::error::RowPlace;

/// Longest field.
pub(crate) const MAX_FIELD_BYTES: usize = 1 << 20;
/// Longest record: a line, or several where a quoted field holds line breaks.
pub(crate) const MAX_RECORD_BYTES: usize = 64 << 20;
/// Most fields of a record.
pub(crate) const MAX_COLUMNS: usize = 1_000_000;

/// Bytes read from the source at a time, and looked at to guess the dialect.
const WINDOW: usize = 1 << 18;

/// One record: its fields and where it stands.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Record<'a> {
    /// Line the record starts on, counted from 1.
    pub(crate) line: u64,
    /// Lines it covers.
    pub(crate) n_lines: u64,
    bytes: &'a [u8],
    ends: &'a [usize],
}

impl<'a> Record<'a> {
    pub(crate) fn len(&self) -> usize {
        self.ends.len()
    }

    pub(crate) fn fields(&self) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        let bytes = self.bytes;
        let mut start = 0;
        self.ends.iter().map(move |&end| &bytes[std::mem::replace(&mut start, end)..end])
    }
}

/// A source of bytes with a look at its beginning.
pub(crate) struct Window<R> {
    source: R,
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    at_eof: bool,
}

impl<R: Read> Window<R> {
    /// Fills the window from the start of `source` and strips a UTF-8 byte-order mark.
    pub(crate) fn open(source: R) -> Result<Self, Error> {
        Self::with_capacity(source, WINDOW)
    }

    /// The window of a source that is not at its beginning.
    pub(crate) fn new(source: R) -> Self {
        Self { source, buffer: vec![0; WINDOW], start: 0, end: 0, at_eof: false }
    }

    /// All of `bytes`, which are the whole source.
    pub(crate) fn of(bytes: Vec<u8>, source: R) -> Self {
        let end = bytes.len();
        Self { source, buffer: bytes, start: 0, end, at_eof: false }
    }

    pub(crate) fn with_capacity(source: R, capacity: usize) -> Result<Self, Error> {
        let mut window = Self { source, buffer: vec![0; capacity], start: 0, end: 0, at_eof: false };
        while !window.at_eof && window.end < window.buffer.len() {
            window.fill()?;
        }
        if window.peek().starts_with(b"\xef\xbb\xbf") {
            window.start = 3;
        }
        Ok(window)
    }

    /// The bytes at hand: at first the beginning of the file.
    pub(crate) fn peek(&self) -> &[u8] {
        &self.buffer[self.start..self.end]
    }

    /// Whether [`peek`](Self::peek) shows all that is left of the file.
    pub(crate) fn is_whole(&self) -> bool {
        self.at_eof
    }

    fn fill(&mut self) -> Result<(), Error> {
        if self.start == self.end {
            (self.start, self.end) = (0, 0);
        }
        loop {
            match self.source.read(&mut self.buffer[self.end..]) {
                Ok(0) => {
                    self.at_eof = true;
                    return Ok(());
                }
                Ok(n) => {
                    self.end += n;
                    return Ok(());
                }
                Err(e) if e.kind() == ErrorKind::Interrupted => {}
                Err(e) => return Err(Error::of_reading(e)),
            }
        }
    }
}

/// Iterates over the records of a [`Window`]; blank lines are skipped.
pub(crate) struct Records<R> {
    window: Window<R>,
    core: csv_core::Reader,
    fields: Vec<u8>,
    ends: Vec<usize>,
    line: u64,
}

impl<R: Read> Records<R> {
    /// Records of a file from its beginning.
    pub(crate) fn new(window: Window<R>, delimiter: u8) -> Self {
        Self::from_line(window, delimiter, 1)
    }

    /// Records of a file from the beginning of this line.
    pub(crate) fn from_line(window: Window<R>, delimiter: u8, line: u64) -> Self {
        let core = ReaderBuilder::new().delimiter(delimiter).build();
        Self { window, core, fields: vec![0; 1 << 12], ends: vec![0; 1 << 6], line }
    }

    /// What has not been read as records: bytes at hand, the source of those that follow, and the line they begin on.
    pub(crate) fn into_rest(self) -> (Vec<u8>, R, u64) {
        (self.window.peek().to_vec(), self.window.source, self.line)
    }

    /// The next record, or `None` at the end.
    pub(crate) fn next(&mut self) -> Result<Option<Record<'_>>, Error> {
        self.skip_blank_lines()?;
        let first_line = self.line;
        let (mut n_bytes, mut n_ends) = (0, 0);
        loop {
            if self.window.start == self.window.end && !self.window.at_eof {
                self.window.fill()?;
            }
            let input = &self.window.buffer[self.window.start..self.window.end];
            let (result, taken, written, ended) =
                self.core.read_record(input, &mut self.fields[n_bytes..], &mut self.ends[n_ends..]);
            self.line += count_line_feeds(&input[..taken]);
            self.window.start += taken;
            n_bytes += written;
            n_ends += ended;
            if n_bytes - self.ends[..n_ends].last().copied().unwrap_or(0) > MAX_FIELD_BYTES {
                return Err(limit(
                    first_line,
                    format_args!("a field is longer than {MAX_FIELD_BYTES} bytes"),
                ));
            }
            match result {
                ReadRecordResult::InputEmpty => {}
                ReadRecordResult::OutputFull => {
                    if n_bytes >= MAX_RECORD_BYTES {
                        let what = format_args!("a line is longer than {MAX_RECORD_BYTES} bytes");
                        return Err(limit(first_line, what));
                    }
                    self.fields.resize(2 * n_bytes, 0);
                }
                ReadRecordResult::OutputEndsFull => {
                    if n_ends >= MAX_COLUMNS {
                        return Err(limit(
                            first_line,
                            format_args!("there are more than {MAX_COLUMNS} columns"),
                        ));
                    }
                    self.ends.resize((2 * n_ends).min(MAX_COLUMNS), 0);
                }
                ReadRecordResult::Record => break,
                ReadRecordResult::End => return Ok(None),
            }
        }
        let ends = &self.ends[..n_ends];
        let bytes = &self.fields[..n_bytes];
        if n_bytes > MAX_FIELD_BYTES && longest_field(ends) > MAX_FIELD_BYTES {
            return Err(too_long_field(first_line));
        }
        // The line feed that ended the record belongs to it, those of blank lines were skipped before.
        let n_lines = 1 + count_line_feeds(bytes);
        Ok(Some(Record { line: first_line, n_lines, bytes, ends }))
    }

    /// Moves past empty lines, so that the next record's line number is its own.
    fn skip_blank_lines(&mut self) -> Result<(), Error> {
        loop {
            match self.window.peek().first() {
                Some(b'\n') => {
                    self.line += 1;
                    self.window.start += 1;
                }
                Some(b'\r') => self.window.start += 1,
                None if !self.window.at_eof => self.window.fill()?,
                _ => return Ok(()),
            }
        }
    }
}

pub(crate) fn count_line_feeds(bytes: &[u8]) -> u64 {
    memchr::memchr_iter(b'\n', bytes).count() as u64
}

fn longest_field(ends: &[usize]) -> usize {
    ends.windows(2).map(|pair| pair[1] - pair[0]).chain(ends.first().copied()).max().unwrap_or(0)
}

pub(crate) fn too_long_field(line: u64) -> Error {
    limit(line, format_args!("a field is longer than {MAX_FIELD_BYTES} bytes"))
}

fn limit(line: u64, what: std::fmt::Arguments<'_>) -> Error {
    Error::malformed_at(RowPlace::Line(line), what.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(text: &str, window: usize) -> Vec<(u64, u64, Vec<String>)> {
        let window = Window::with_capacity(text.as_bytes(), window).expect("opens");
        let mut records = Records::new(window, b',');
        let mut result = Vec::new();
        while let Some(record) = records.next().expect("reads") {
            let fields = record.fields().map(|f| String::from_utf8_lossy(f).into_owned()).collect();
            result.push((record.line, record.n_lines, fields));
        }
        result
    }

    #[test]
    fn line_numbers_survive_blank_lines_line_breaks_in_quotes_and_carriage_returns() {
        for (newline, window) in [("\n", 3), ("\r\n", 3), ("\r\n", 4), ("\r\n", 5), ("\n", 1000)] {
            let text = ["\u{feff}a,b", "", "1,\"x", "y\"", "", "2,\"z\"\"\"", ""].join(newline);
            let records = all(&text, window);
            let places: Vec<(u64, u64)> = records.iter().map(|r| (r.0, r.1)).collect();
            assert_eq!(places, [(1, 1), (3, 2), (6, 1)], "records start on lines 1, 3 and 6 ({newline:?})");
            assert_eq!(records[0].2, ["a", "b"], "the byte-order mark is no part of the first name");
            assert_eq!(records[2].2, ["2", "z\""], "a doubled quotation mark stands for one");
        }
    }

    #[test]
    fn a_quotation_mark_that_is_never_closed_ends_at_the_field_limit() {
        let mut text = b"a,b\n1,\"".to_vec();
        text.resize(text.len() + 2 * MAX_FIELD_BYTES, b'x');
        let mut records = Records::new(Window::open(&text[..]).expect("opens"), b',');
        assert_eq!(records.next().expect("header").expect("a record").len(), 2, "the header has two fields");
        let error = records.next().expect_err("the field is too long");
        assert_eq!((error.code(), error.place().as_deref()), ("E107", Some("line 2")), "the line is named");
    }

    #[test]
    fn a_field_of_a_mebibyte_is_the_limit() {
        for (length, is_read) in [(MAX_FIELD_BYTES, true), (MAX_FIELD_BYTES + 1, false)] {
            let text = format!("1,{},2\n", "x".repeat(length));
            let mut records = Records::new(Window::open(text.as_bytes()).expect("opens"), b',');
            assert_eq!(records.next().is_ok(), is_read, "a field of {length} bytes");
        }
    }

    #[test]
    fn a_million_columns_are_the_limit() {
        let commas = vec![b','; MAX_COLUMNS];
        let mut records = Records::new(Window::open(&commas[..]).expect("opens"), b',');
        let error = records.next().expect_err("one column too many");
        assert_eq!(error.code(), "E107", "a malformed table");
        let mut records = Records::new(Window::open(&commas[1..]).expect("opens"), b',');
        assert_eq!(
            records.next().expect("reads").expect("a record").len(),
            MAX_COLUMNS,
            "the limit itself passes"
        );
    }
}
