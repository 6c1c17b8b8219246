//! The bulk of a table: blocks of the file, cut where records end, and parsed part by part on all threads.
//!
//! What a part yields does not depend on who parses it, and the parts are joined in order, so neither the data nor
//! the first fault depend on the number of threads.

use std::io::{Cursor, ErrorKind, Read};

use rayon::prelude::*;

use crate::Error;
use crate::records::{Records, Window, count_line_feeds};
use crate::rows::{Layout, RowAt, Rows};

/// Bytes parsed by one thread at a time. Tables of 784 columns are read equally fast with a half and with twice as
/// many.
const PART: usize = 1 << 18;
/// Bytes read before all threads parse them. More cost memory, fewer leave threads idle.
const BLOCK: usize = 16 * PART;

/// Reads all records that are left into `rows`.
pub(crate) fn read_rows<R: Read>(
    records: Records<R>,
    layout: &Layout<'_>,
    rows: &mut Rows,
) -> Result<(), Error> {
    read_blocks(records, layout, rows, BLOCK, PART)
}

fn read_blocks<R: Read>(
    records: Records<R>,
    layout: &Layout<'_>,
    rows: &mut Rows,
    block_bytes: usize,
    part_bytes: usize,
) -> Result<(), Error> {
    let (mut block, mut source, mut line) = records.into_rest();
    loop {
        let is_last = fill(&mut block, &mut source, block_bytes)?;
        let mut ends = record_ends(&block, layout.delimiter, part_bytes);
        if is_last && ends.last() != Some(&block.len()) {
            ends.push(block.len());
        }
        let Some(&end) = ends.last() else {
            // A record longer than a block: one by one, however long they are.
            let window = Window::new(Cursor::new(block).chain(source));
            return read_one_by_one(Records::from_line(window, layout.delimiter, line), layout, rows);
        };
        let mut parts = Vec::with_capacity(ends.len());
        let mut start = 0;
        for &end in &ends {
            parts.push((&block[start..end], line));
            line += count_line_feeds(&block[start..end]);
            start = end;
        }
        let parsed: Vec<Result<Rows, Error>> =
            parts.into_par_iter().map(|(part, line)| parse(part, line, layout)).collect();
        for part in parsed {
            rows.append(part?)?;
        }
        if is_last {
            return Ok(());
        }
        block.copy_within(end.., 0);
        block.truncate(block.len() - end);
    }
}

/// Reads until `block` has its full length, or to the end of the file, of which it tells.
fn fill(block: &mut Vec<u8>, source: &mut impl Read, block_bytes: usize) -> Result<bool, Error> {
    let mut n = block.len();
    block.resize(block_bytes.max(n), 0);
    while n < block.len() {
        match source.read(&mut block[n..]) {
            Ok(0) => {
                block.truncate(n);
                return Ok(true);
            }
            Ok(read) => n += read,
            Err(e) if e.kind() == ErrorKind::Interrupted => {}
            Err(e) => return Err(Error::of_reading(e)),
        }
    }
    Ok(false)
}

/// Ends of records, about `part_bytes` from one to the next, and the last one in the block.
///
/// Only line feeds outside of quotation marks end records here; a file without any is one long record.
fn record_ends(block: &[u8], delimiter: u8, part_bytes: usize) -> Vec<usize> {
    let mut ends = Vec::new();
    let mut last = None;
    let mut wanted = part_bytes;
    let mut from = 0; // Everything before this is known, and it is outside of quotation marks.
    while from < block.len() {
        let quote = memchr::memchr(b'"', &block[from..]).map_or(block.len(), |i| from + i);
        while wanted < quote
            && let Some(i) = memchr::memchr(b'\n', &block[wanted.max(from)..quote])
        {
            let end = wanted.max(from) + i + 1;
            ends.push(end);
            wanted = end + part_bytes;
        }
        if let Some(i) = memchr::memrchr(b'\n', &block[from..quote]) {
            last = Some(from + i + 1);
        }
        if quote == block.len() {
            break;
        }
        // A quotation mark quotes at the beginning of a field only.
        let opens = quote == 0 || matches!(block[quote - 1], b'\n' | b'\r') || block[quote - 1] == delimiter;
        from = if opens { end_of_quoted(block, quote + 1) } else { quote + 1 };
    }
    if let Some(last) = last
        && ends.last() != Some(&last)
    {
        ends.push(last);
    }
    ends
}

/// Where quoted text that begins at `from` ends, its closing mark included.
fn end_of_quoted(block: &[u8], mut from: usize) -> usize {
    while let Some(i) = memchr::memchr(b'"', &block[from..]) {
        from += i + 1;
        if block.get(from) != Some(&b'"') {
            return from;
        }
        from += 1; // A doubled mark is part of the text.
    }
    block.len()
}

/// Parses whole records that begin on this line.
fn parse(part: &[u8], line: u64, layout: &Layout<'_>) -> Result<Rows, Error> {
    let mut rows = Rows::new(layout);
    if is_plain(part) {
        parse_plain(part, line, layout, &mut rows)?;
    } else {
        let window = Window::of(part.to_vec(), std::io::empty());
        read_one_by_one(Records::from_line(window, layout.delimiter, line), layout, &mut rows)?;
    }
    Ok(rows)
}

fn read_one_by_one<R: Read>(
    mut records: Records<R>,
    layout: &Layout<'_>,
    rows: &mut Rows,
) -> Result<(), Error> {
    while let Some(record) = records.next()? {
        rows.push(layout, RowAt::of(&record), record.fields())?;
    }
    Ok(())
}

/// Whether every record is a line and every field is what stands between two delimiters.
fn is_plain(part: &[u8]) -> bool {
    memchr::memchr(b'"', part).is_none()
        && memchr::memchr_iter(b'\r', part).all(|i| part.get(i + 1) == Some(&b'\n'))
}

fn parse_plain(part: &[u8], mut line: u64, layout: &Layout<'_>, rows: &mut Rows) -> Result<(), Error> {
    let mut at = 0;
    while at < part.len() {
        let text = &part[at..];
        let text = &text[..memchr::memchr(b'\n', text).unwrap_or(text.len())];
        at += text.len() + 1;
        let text = text.strip_suffix(b"\r").unwrap_or(text);
        if !text.is_empty() {
            rows.push_line(layout, line, text)?;
        }
        line += 1;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::columns::Roles;
    use crate::{Format, Missing, ReadOptions};

    /// Everything that reading gives, as text.
    fn outcome(bytes: &[u8], delimiter: u8, sizes: Option<(usize, usize)>) -> String {
        let options =
            ReadOptions { label: Some("1".to_owned()), id: Some("2".to_owned()), ..ReadOptions::default() };
        let roles = Roles::new(&options, None, 4).expect("four columns");
        let layout = Layout { roles: &roles, names: None, n_columns: 4, delimiter };
        let mut rows = Rows::new(&layout);
        let records = Records::new(Window::with_capacity(bytes, 9).expect("opens"), delimiter);
        let read = match sizes {
            None => read_one_by_one(records, &layout, &mut rows),
            Some((block, part)) => read_blocks(records, &layout, &mut rows, block, part),
        };
        let format = Format::Table { delimiter, has_header: false };
        format!("{:?}", read.and_then(|()| rows.finish(&layout, format, Missing::Error)))
    }

    proptest! {
        /// Tables with every oddity, and faults in any place, are read as if there were neither blocks nor parts.
        #[test]
        fn blocks_and_parts_do_not_show(
            rows in prop::collection::vec(
                ("[a-c]|\"a\"|\"x\"\"\"|\"a\n,b\"|u\"v| \"a", "[a-z]{0,3}|\"b\r\n\"", "-?[0-9]{1,18}|1e3|NA|\"7\"", "[0-9]\\.?[0-9]{0,3}( |)", "\n|\r\n|\n\n|\r|\n\r\n"),
                0..30,
            ),
            fault in prop::option::of((0..30_usize, "[a-z,\"\n]{1,4}")),
            block in 1..200_usize,
            part in 1..50_usize,
        ) {
            let mut text = String::new();
            for (i, (label, id, x, y, end)) in rows.iter().enumerate() {
                text += &format!("{label},{id},{x},{y}{end}");
                if let Some((at, fault)) = &fault && *at == i {
                    text += fault;
                }
            }
            let expected = outcome(text.as_bytes(), b',', None);
            prop_assert_eq!(outcome(text.as_bytes(), b',', Some((block, part))), expected, "{:?}", text);
        }
    }

    #[test]
    fn the_number_of_threads_does_not_show() {
        let line = |i: usize| format!("{},r{i},{},{}\n", i % 7, i * 31 % 1000, i * 17 % 100);
        let text: String = (0..2000).map(line).collect();
        let expected = outcome(text.as_bytes(), b',', None);
        for n_threads in [1, 2, 3, 8] {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(n_threads).build().expect("a pool");
            let found = pool.install(|| outcome(text.as_bytes(), b',', Some((4096, 256))));
            assert_eq!(found, expected, "{n_threads} threads");
        }
    }
}
