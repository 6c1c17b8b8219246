//! Reads delimited text (CSV, TSV and the like) into a [`Dataset`].

use std::io::Read;

use crate::error::{BadCell, Column, RowPlace};
use crate::matrix::{Cells, LabelsBuilder, Matrix, Roles, reserve};
use crate::number::{Cell, parse_cell};
use crate::records::{Record, Records, Window};
use crate::{Dataset, Error, Format, ReadOptions, sniff};

/// Bad cells that are listed; the rest are counted.
const MAX_LISTED: usize = 5;
/// Bytes of a bad cell that are kept for the message.
const MAX_TEXT: usize = 240;

/// Reads a table of numbers with, perhaps, a header, a label column and an id column.
///
/// Delimiter (comma, tab, semicolon, bar or space) and header are guessed unless `options` says otherwise, and
/// [`Dataset::format`] tells what was taken. Quotation marks, line breaks within them, either line ending, a
/// byte-order mark, blank lines and a missing last line break are all understood. Memory is proportional to the
/// numbers read; no field may exceed 1 MiB, no record 64 MiB, no row a million columns.
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
    let window = Window::open(source)?;
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
        let wanted: Vec<&str> =
            options.label.iter().chain(&options.id).chain(&options.drop).map(String::as_str).collect();
        sniff::is_header(&first.fields, second.as_ref().map(|r| &r.fields[..]), delimiter, &wanted)
    });
    let names = if has_header { Some(first.names()?) } else { None };
    let n_columns = first.fields.len();
    if has_header && second.is_none() {
        return Err(Error::HeaderOnly { n_columns });
    }

    let roles = Roles::new(options, names.as_deref(), n_columns)?;
    let mut rows = Rows::new(&roles, names.as_deref(), n_columns);
    if !has_header {
        first.push_to(&mut rows)?;
    }
    if let Some(second) = &second {
        second.push_to(&mut rows)?;
    }
    while let Some(record) = records.next()? {
        rows.push(RowAt::of(&record), record.fields())?;
    }
    rows.finish(Format::Table { delimiter, has_header })
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
        let name =
            |(column, field): (usize, &Vec<u8>)| text(self.at, column, field.trim_ascii()).map(str::to_owned);
        self.fields.iter().enumerate().map(name).collect()
    }

    fn push_to(&self, rows: &mut Rows<'_>) -> Result<(), Error> {
        rows.push(self.at, self.fields.iter().map(|field| &field[..]))
    }
}

/// Where a record stands.
#[derive(Clone, Copy)]
struct RowAt {
    line: u64,
    n_lines: u64,
    n_fields: usize,
}

impl RowAt {
    fn of(record: &Record<'_>) -> Self {
        Self { line: record.line, n_lines: record.n_lines, n_fields: record.len() }
    }
}

/// The rows read so far.
struct Rows<'a> {
    roles: &'a Roles,
    names: Option<&'a [String]>,
    n_columns: usize,
    values: Vec<f64>,
    labels: Option<LabelsBuilder>,
    ids: Option<Vec<String>>,
    n_bad: usize,
    first_bad: Vec<BadCell>,
    n_rounded_integers: usize,
}

impl<'a> Rows<'a> {
    fn new(roles: &'a Roles, names: Option<&'a [String]>, n_columns: usize) -> Self {
        let name_of = |column: usize| names.map_or_else(|| "label".to_owned(), |names| names[column].clone());
        Self {
            roles,
            names,
            n_columns,
            values: Vec::new(),
            labels: roles.label.map(|column| LabelsBuilder::new(name_of(column))),
            ids: roles.id.map(|_| Vec::new()),
            n_bad: 0,
            first_bad: Vec::new(),
            n_rounded_integers: 0,
        }
    }

    fn push<'f>(&mut self, at: RowAt, fields: impl Iterator<Item = &'f [u8]>) -> Result<(), Error> {
        if at.n_fields != self.n_columns {
            let (found, expected) = (at.n_fields, self.n_columns);
            return Err(Error::Ragged { line: at.line, n_lines: at.n_lines, found, expected });
        }
        reserve(&mut self.values, self.roles.n_features)?;
        for (column, field) in fields.enumerate() {
            if self.roles.is_feature[column] {
                let value = self.number(at, column, field)?;
                self.values.push(value);
                continue;
            }
            if self.roles.label == Some(column)
                && let Some(labels) = &mut self.labels
            {
                labels.push(text(at, column, field.trim_ascii())?);
            }
            if self.roles.id == Some(column)
                && let Some(ids) = &mut self.ids
            {
                ids.push(text(at, column, field)?.to_owned());
            }
        }
        Ok(())
    }

    fn number(&mut self, at: RowAt, column: usize, field: &[u8]) -> Result<f64, Error> {
        match parse_cell(field) {
            Cell::Number(x) if x.is_finite() => Ok(x),
            Cell::RoundedInteger(x) => {
                self.n_rounded_integers += 1;
                Ok(x)
            }
            Cell::Number(_) | Cell::Missing => {
                self.n_bad += 1;
                if self.first_bad.len() < MAX_LISTED {
                    let cell = self.cell(at, column, field);
                    self.first_bad.push(cell);
                }
                Ok(f64::NAN)
            }
            Cell::Text => Err(Error::NotNumeric(self.cell(at, column, field))),
        }
    }

    fn cell(&self, at: RowAt, column: usize, field: &[u8]) -> BadCell {
        BadCell {
            row: RowPlace::Line(at.line),
            column: Column { number: column + 1, name: self.names.map(|names| names[column].clone()) },
            text: String::from_utf8_lossy(&field[..field.len().min(MAX_TEXT)]).into_owned(),
        }
    }

    fn finish(self, format: Format) -> Result<Dataset, Error> {
        if self.n_bad > 0 {
            return Err(Error::NonFinite { count: self.n_bad, first: self.first_bad });
        }
        let is_feature = |(column, _): &(usize, &String)| self.roles.is_feature[*column];
        let feature_names = self
            .names
            .map(|names| names.iter().enumerate().filter(is_feature).map(|(_, name)| name.clone()).collect());
        Ok(Dataset {
            features: Matrix { cells: Cells::F64(self.values), n_features: self.roles.n_features },
            feature_names,
            labels: self.labels.map(LabelsBuilder::finish),
            ids: self.ids,
            format,
            n_rounded_integers: self.n_rounded_integers,
        })
    }
}

/// A name, label or id: text has to be UTF-8, because it is copied to the output.
fn text(at: RowAt, column: usize, field: &[u8]) -> Result<&str, Error> {
    std::str::from_utf8(field).map_err(|_| {
        let what = format!("column {} holds text that is not UTF-8; save the file as UTF-8", column + 1);
        Error::malformed_at(RowPlace::Line(at.line), what)
    })
}
