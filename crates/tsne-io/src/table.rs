//! Reads delimited text (CSV, TSV and the like) into a [`Dataset`].

use std::io::Read;

use crate::columns::Roles;
use crate::compress::decompressed;
use crate::records::{Records, Window};
use crate::rows::{Layout, RowAt, Rows, text};
use crate::{Dataset, Error, Format, ReadOptions, blocks, sniff};

/// Reads a table of numbers with, perhaps, a header, a label column and an id column.
///
/// Delimiter (comma, tab, semicolon, bar or space) and header are guessed unless `options` says otherwise, and
/// [`Dataset::format`] tells what was taken. Quotation marks, line breaks within them, either line ending, a
/// byte-order mark, blank lines and a missing last line break are all understood, and so are gzip and zstd around the
/// file. All threads of the current pool parse; memory is that of the numbers read and some MiB. No field may exceed 1 MiB, no record 64 MiB, no row a million columns.
///
/// ```
/// use tsne_io::{Cells, ReadOptions, read_table};
///
/// let text = "length;width;kind\n1.5;2;a\n3;4;b\n";
/// let options = ReadOptions { label: Some("kind".into()), ..ReadOptions::default() };
/// let data = read_table(text.as_bytes(), &options)?;
/// assert_eq!(data.features.cells(), &Cells::F64(vec![1.5, 2.0, 3.0, 4.0]));
/// assert_eq!(data.labels.unwrap().text(1), "b");
/// assert_eq!(data.format.to_string(), "semicolon-separated text with a header");
/// # Ok::<(), tsne_io::Error>(())
/// ```
///
/// # Errors
/// Every fault of the file has a variant of [`Error`] that names line and column.
pub fn read_table(source: impl Read, options: &ReadOptions) -> Result<Dataset, Error> {
    let window = Window::open(decompressed(source)?)?;
    let sample = window.peek();
    sniff::check_is_text(sample)?;
    if window.is_whole() && sample.trim_ascii().is_empty() {
        return Err(Error::Empty);
    }
    let delimiter = match options.delimiter {
        Some(delimiter) => delimiter,
        None => sniff::guess_delimiter(sample, window.is_whole())?,
    };

    let mut records = Records::new(window, delimiter);
    let Some(first) = OwnedRecord::next(&mut records)? else { return Err(Error::Empty) };
    let second = OwnedRecord::next(&mut records)?;
    let has_header = options.has_header.unwrap_or_else(|| {
        let named = options.label.iter().chain(&options.id).chain(&options.drop).chain(&options.columns);
        let wanted: Vec<&str> = named.map(String::as_str).collect();
        sniff::is_header(&first.fields, second.as_ref().map(|r| &r.fields[..]), delimiter, &wanted)
    });
    let names = if has_header { Some(first.names()?) } else { None };
    let n_columns = first.fields.len();
    if has_header && second.is_none() {
        return Err(Error::HeaderOnly { n_columns });
    }

    let roles = Roles::new(options, names.as_deref(), n_columns)?;
    let layout = Layout { roles: &roles, names: names.as_deref(), n_columns, delimiter };
    let mut rows = Rows::new(&layout);
    if !has_header {
        first.push_to(&layout, &mut rows)?;
    }
    if let Some(second) = &second {
        second.push_to(&layout, &mut rows)?;
    }
    blocks::read_rows(records, &layout, &mut rows)?;
    rows.finish(&layout, Format::Table { delimiter, has_header }, options.missing)
}

/// One of the first two records, kept until it is known what they are.
struct OwnedRecord {
    at: RowAt,
    fields: Vec<Vec<u8>>,
}

impl OwnedRecord {
    fn next<R: Read>(records: &mut Records<R>) -> Result<Option<Self>, Error> {
        let record = records.next()?;
        Ok(record.map(|r| Self { at: RowAt::of(&r), fields: r.fields().map(<[u8]>::to_vec).collect() }))
    }

    fn names(&self) -> Result<Vec<String>, Error> {
        let name = |(column, field): (usize, &Vec<u8>)| {
            text(self.at.line, column, field.trim_ascii()).map(str::to_owned)
        };
        self.fields.iter().enumerate().map(name).collect()
    }

    fn push_to(&self, layout: &Layout<'_>, rows: &mut Rows) -> Result<(), Error> {
        rows.push(layout, self.at, self.fields.iter().map(|field| &field[..]))
    }
}
