//! Rows of a table as they are read: numbers, labels, ids, and what is wrong with them.

use crate::columns::Roles;
use crate::error::{BadCell, Column, RowPlace};
use crate::labels::LabelsBuilder;
use crate::matrix::reserve;
use crate::missing::BadCells;
use crate::number::{Cell, parse_cell, parse_short};
use crate::records::{MAX_FIELD_BYTES, Record, too_long_field};
use crate::{Cells, Dataset, Error, Format, Matrix, Missing};

/// Bytes of a bad cell that are kept for the message.
const MAX_TEXT: usize = 240;

/// What is known of a table before its rows are read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Layout<'a> {
    pub(crate) roles: &'a Roles,
    pub(crate) names: Option<&'a [String]>,
    pub(crate) n_columns: usize,
    pub(crate) delimiter: u8,
}

impl Layout<'_> {
    fn cell(&self, line: u64, column: usize, field: &[u8]) -> BadCell {
        BadCell {
            row: RowPlace::Line(line),
            column: Column { number: column + 1, name: self.names.map(|names| names[column].clone()) },
            text: String::from_utf8_lossy(&field[..field.len().min(MAX_TEXT)]).into_owned(),
        }
    }
}

/// Where a record stands.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RowAt {
    pub(crate) line: u64,
    n_lines: u64,
    n_fields: usize,
}

impl RowAt {
    pub(crate) fn of(record: &Record<'_>) -> Self {
        Self { line: record.line, n_lines: record.n_lines, n_fields: record.len() }
    }
}

/// The rows read so far.
#[derive(Debug)]
pub(crate) struct Rows {
    /// Features row after row, NaN where there is no finite number.
    values: Vec<f64>,
    labels: Option<LabelsBuilder>,
    ids: Option<Vec<String>>,
    bad: BadCells,
    n_rounded_integers: usize,
}

impl Rows {
    pub(crate) fn new(layout: &Layout<'_>) -> Self {
        let name_of =
            |column: usize| layout.names.map_or_else(|| "label".to_owned(), |names| names[column].clone());
        Self {
            values: Vec::new(),
            labels: layout.roles.label.map(|column| LabelsBuilder::new(name_of(column))),
            ids: layout.roles.id.map(|_| Vec::new()),
            bad: BadCells::default(),
            n_rounded_integers: 0,
        }
    }

    /// Adds a record.
    pub(crate) fn push<'f>(
        &mut self,
        layout: &Layout<'_>,
        at: RowAt,
        fields: impl Iterator<Item = &'f [u8]>,
    ) -> Result<(), Error> {
        if at.n_fields != layout.n_columns {
            let (found, expected) = (at.n_fields, layout.n_columns);
            return Err(Error::Ragged { line: at.line, n_lines: at.n_lines, found, expected });
        }
        reserve(&mut self.values, layout.roles.n_features)?;
        for (column, field) in fields.enumerate() {
            self.push_field(layout, at.line, column, field)?;
        }
        Ok(())
    }

    /// Adds a record that is a line without quotation marks: most numbers are understood while they are looked for.
    pub(crate) fn push_line(&mut self, layout: &Layout<'_>, line: u64, text: &[u8]) -> Result<(), Error> {
        reserve(&mut self.values, layout.roles.n_features)?;
        let n_values = self.values.len();
        let mut rest = Some(text);
        for column in 0..layout.n_columns {
            let Some(field) = rest else { return Err(ragged(layout, line, text)) };
            if layout.roles.is_feature[column]
                && let Some((x, len)) = parse_short(field, layout.delimiter)
            {
                self.values.push(x);
                rest = field.get(len + 1..);
                continue;
            }
            let len = memchr::memchr(layout.delimiter, field).unwrap_or(field.len());
            if len > MAX_FIELD_BYTES {
                return Err(too_long_field(line));
            }
            rest = field.get(len + 1..);
            if let Err(e) = self.push_field(layout, line, column, &field[..len]) {
                // A line that is not of this table at all is told before what is wrong with its fields.
                let is_whole = memchr::memchr_iter(layout.delimiter, text).count() + 1 == layout.n_columns;
                return Err(if is_whole { e } else { ragged(layout, line, text) });
            }
        }
        debug_assert_eq!(self.values.len(), n_values + layout.roles.n_features, "a value for each feature");
        match rest {
            None => Ok(()),
            Some(_) => Err(ragged(layout, line, text)),
        }
    }

    fn push_field(
        &mut self,
        layout: &Layout<'_>,
        line: u64,
        column: usize,
        field: &[u8],
    ) -> Result<(), Error> {
        if layout.roles.is_feature[column] {
            let value = self.number(layout, line, column, field)?;
            self.values.push(value);
            return Ok(());
        }
        if layout.roles.label == Some(column)
            && let Some(labels) = &mut self.labels
        {
            labels.push(text(line, column, field.trim_ascii())?);
        }
        if layout.roles.id == Some(column)
            && let Some(ids) = &mut self.ids
        {
            ids.push(text(line, column, field)?.to_owned());
        }
        Ok(())
    }

    fn number(&mut self, layout: &Layout<'_>, line: u64, column: usize, field: &[u8]) -> Result<f64, Error> {
        match parse_cell(field) {
            Cell::Number(x) if x.is_finite() => Ok(x),
            Cell::RoundedInteger(x) => {
                self.n_rounded_integers += 1;
                Ok(x)
            }
            Cell::Number(_) | Cell::Missing => {
                self.bad.push(|| layout.cell(line, column, field));
                Ok(f64::NAN)
            }
            Cell::Text => Err(Error::NotNumeric(layout.cell(line, column, field))),
        }
    }

    /// Adds the rows that follow.
    pub(crate) fn append(&mut self, mut next: Self) -> Result<(), Error> {
        reserve(&mut self.values, next.values.len())?;
        self.values.append(&mut next.values);
        if let (Some(labels), Some(next)) = (&mut self.labels, next.labels) {
            labels.append(&next.finish());
        }
        if let (Some(ids), Some(next)) = (&mut self.ids, &mut next.ids) {
            ids.append(next);
        }
        self.bad.append(next.bad);
        self.n_rounded_integers += next.n_rounded_integers;
        Ok(())
    }

    pub(crate) fn finish(
        self,
        layout: &Layout<'_>,
        format: Format,
        missing: Missing,
    ) -> Result<Dataset, Error> {
        let is_feature = |(column, _): &(usize, &String)| layout.roles.is_feature[*column];
        let feature_names = layout
            .names
            .map(|names| names.iter().enumerate().filter(is_feature).map(|(_, name)| name.clone()).collect());
        let n_rows_in_file = self.values.len() / layout.roles.n_features;
        let mut data = Dataset {
            features: Matrix { cells: Cells::F64(self.values), n_features: layout.roles.n_features },
            feature_names,
            labels: self.labels.map(LabelsBuilder::finish),
            ids: self.ids,
            format,
            n_rounded_integers: self.n_rounded_integers,
            n_missing: 0,
            n_rows_in_file,
            kept_rows: None,
        };
        self.bad.settle(&mut data, missing)?;
        Ok(data)
    }
}

fn ragged(layout: &Layout<'_>, line: u64, text: &[u8]) -> Error {
    let found = memchr::memchr_iter(layout.delimiter, text).count() + 1;
    Error::Ragged { line, n_lines: 1, found, expected: layout.n_columns }
}

/// A name, label or id: text has to be UTF-8, because it is copied to the output.
pub(crate) fn text(line: u64, column: usize, field: &[u8]) -> Result<&str, Error> {
    std::str::from_utf8(field).map_err(|_| {
        let what = format!("column {} holds text that is not UTF-8; save the file as UTF-8", column + 1);
        Error::malformed_at(RowPlace::Line(line), what)
    })
}
