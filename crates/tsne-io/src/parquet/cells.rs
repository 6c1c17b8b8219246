//! The values of a Parquet file, out of pages and row after row.

use std::io::{Read, Seek};

use parquet::column::reader::ColumnReaderImpl;
use parquet::data_type::{
    BoolType, ByteArrayType, DataType, DoubleType, FixedLenByteArrayType, FloatType, Int32Type, Int64Type,
};
use parquet::file::metadata::ParquetMetaData;

use super::damaged;
use super::pages::Pages;
use super::schema::{Field, Kind, Number};
use crate::error::RowPlace;
use crate::npy::half_to_f32;
use crate::records::MAX_FIELD_BYTES;
use crate::{Error, shown};

/// Values read at a time.
const BATCH: usize = 1 << 14;

/// A file of row groups.
pub(super) struct Table<R> {
    pub(super) source: R,
    pub(super) file_bytes: u64,
    pub(super) metadata: ParquetMetaData,
    /// Values that a column may hold.
    pub(super) max_values: u64,
}

/// The rows of one column in one row group.
#[derive(Clone, Copy)]
pub(super) struct Part<'a> {
    pub(super) field: &'a Field,
    pub(super) group: usize,
    /// Number of the group's first row in the table.
    pub(super) first_row: usize,
    /// Rows of the group.
    pub(super) n_rows: usize,
    /// Length of its lists; where that is to be found out, reading ends with the first list that is not null.
    pub(super) width: Option<usize>,
}

impl<R: Read + Seek> Table<R> {
    /// Rows that a row group says it has.
    pub(super) fn n_rows(&self, group: usize) -> usize {
        usize::try_from(self.metadata.row_group(group).num_rows()).unwrap_or(0)
    }

    /// How many values the lists of a column have: as many as the first that is not null.
    pub(super) fn width(&mut self, field: &Field) -> Result<usize, Error> {
        let mut first_row = 0;
        for group in 0..self.metadata.num_row_groups() {
            let n_rows = self.n_rows(group);
            let part = Part { field, group, first_row, n_rows, width: None };
            let mut n_values = 0;
            let is_found = self.numbers(part, &mut |_, _| {
                n_values += 1;
                Ok(())
            })?;
            if is_found {
                return Ok(n_values);
            }
            first_row += n_rows;
        }
        Ok(0)
    }

    /// Gives the numbers of a column row after row, none for a null, and whether a number was rounded to be given.
    ///
    /// True if a list was found that is not null.
    pub(super) fn numbers(
        &mut self,
        part: Part<'_>,
        give: &mut dyn FnMut(Option<f64>, bool) -> Result<(), Error>,
    ) -> Result<bool, Error> {
        let Kind::Number(number) = part.field.kind else { unreachable!("the column holds numbers") };
        let mut exact = |x: Option<f64>| give(x, false);
        match number {
            Number::Bool => self.read::<BoolType>(part, |x| exact(x.map(|&x| f64::from(u8::from(x))))),
            Number::Signed32 => self.read::<Int32Type>(part, |x| exact(x.map(|&x| f64::from(x)))),
            Number::Byte | Number::Unsigned32 => {
                self.read::<Int32Type>(part, |x| exact(x.map(|x| f64::from(x.cast_unsigned()))))
            }
            Number::Signed64 => self.read::<Int64Type>(part, |x| {
                let wide = x.map(|&x| rounded(x.into()));
                give(wide.map(|(x, _)| x), wide.is_some_and(|(_, is_rounded)| is_rounded))
            }),
            Number::Unsigned64 => self.read::<Int64Type>(part, |x| {
                let wide = x.map(|x| rounded(x.cast_unsigned().into()));
                give(wide.map(|(x, _)| x), wide.is_some_and(|(_, is_rounded)| is_rounded))
            }),
            Number::Half => self.read::<FixedLenByteArrayType>(part, |x| {
                exact(x.map(|x| match *x.data() {
                    [low, high] => half_to_f32(u16::from_le_bytes([low, high])).into(),
                    _ => f64::NAN,
                }))
            }),
            Number::Single => self.read::<FloatType>(part, |x| exact(x.map(|&x| x.into()))),
            Number::Double => self.read::<DoubleType>(part, |x| exact(x.copied())),
        }
    }

    /// Gives the values of a column row after row as texts, an empty one for a null.
    pub(super) fn texts(
        &mut self,
        part: Part<'_>,
        give: &mut dyn FnMut(&str) -> Result<(), Error>,
    ) -> Result<(), Error> {
        fn written<X: ToString>(x: Option<X>) -> String {
            x.map(|x| x.to_string()).unwrap_or_default()
        }
        match &part.field.kind {
            Kind::Text => {
                let mut row = part.first_row;
                self.read::<ByteArrayType>(part, |x| {
                    let bytes = x.map_or(&[][..], |x| x.data());
                    let at = RowPlace::Row(row);
                    row += 1;
                    if bytes.len() > MAX_FIELD_BYTES {
                        return Err(Error::malformed_at(
                            at,
                            format!("a text is longer than {MAX_FIELD_BYTES} bytes"),
                        ));
                    }
                    give(std::str::from_utf8(bytes).map_err(|_| {
                        let what = format!("column {} holds text that is not UTF-8", shown(&part.field.name));
                        Error::malformed_at(at, what)
                    })?)
                })
            }
            Kind::Number(Number::Bool) => self.read::<BoolType>(part, |x| give(&written(x))),
            Kind::Number(Number::Signed32) => self.read::<Int32Type>(part, |x| give(&written(x))),
            Kind::Number(Number::Byte | Number::Unsigned32) => {
                self.read::<Int32Type>(part, |x| give(&written(x.map(|x| x.cast_unsigned()))))
            }
            Kind::Number(Number::Signed64) => self.read::<Int64Type>(part, |x| give(&written(x))),
            Kind::Number(Number::Unsigned64) => {
                self.read::<Int64Type>(part, |x| give(&written(x.map(|x| x.cast_unsigned()))))
            }
            Kind::Number(Number::Single) => self.read::<FloatType>(part, |x| give(&written(x))),
            Kind::Number(Number::Half | Number::Double) => self.numbers(part, &mut |x, _| give(&written(x))),
            Kind::Other(_) => unreachable!("the column is read"),
        }
        .map(drop)
    }

    /// Gives the values of a column row after row, none for a null.
    fn read<T: DataType>(
        &mut self,
        part: Part<'_>,
        mut give: impl FnMut(Option<&T::T>) -> Result<(), Error>,
    ) -> Result<bool, Error> {
        let Part { field, group, first_row, n_rows, width } = part;
        let group = self.metadata.row_group(group);
        if field.leaf >= group.num_columns() {
            return Err(Error::malformed("a Parquet row group lacks a column"));
        }
        let chunk = group.column(field.leaf);
        let leaf = chunk.column_descr_ptr();
        let (max_def, list_def) = (leaf.max_def_level(), leaf.repeated_ancestor_def_level());
        let pages = Pages::open(&mut self.source, self.file_bytes, chunk, self.max_values)?;
        let mut reader = ColumnReaderImpl::<T>::new(leaf, Box::new(pages));
        let batch = match width {
            _ if !field.is_list => BATCH,
            Some(width) => (BATCH / width.max(1)).max(1),
            None => 1,
        };
        let (mut values, mut defs, mut reps) = (Vec::new(), Vec::new(), Vec::new());
        let mut n_read = 0;
        while n_read < n_rows {
            values.clear();
            defs.clear();
            reps.clear();
            let (n_records, _, n_levels) = reader
                .read_records(batch.min(n_rows - n_read), Some(&mut defs), Some(&mut reps), &mut values)
                .map_err(damaged)?;
            if n_records == 0 {
                let name = shown(&field.name);
                return Err(Error::malformed(format!("column {name} ends after {n_read} of {n_rows} rows")));
            }
            let mut values = values.iter();
            let mut level = 0;
            for record in 0..n_records {
                if !field.is_list {
                    let is_null = max_def > 0 && defs.get(record).is_none_or(|&def| def < max_def);
                    give(if is_null { None } else { values.next() })?;
                    continue;
                }
                let start = level;
                let mut n_values = 0;
                while level < n_levels && (level == start || reps.get(level).is_some_and(|&rep| rep > 0)) {
                    let def = defs.get(level).copied().unwrap_or(0);
                    if def >= list_def {
                        n_values += 1;
                        if width.is_none_or(|width| n_values <= width) {
                            give(if def == max_def { values.next() } else { None })?;
                        }
                    }
                    level += 1;
                }
                // A list is null where not even its being empty is told.
                let is_null = n_values == 0 && defs.get(start).is_none_or(|&def| def + 1 < list_def);
                match width {
                    None if is_null => {}
                    None => return Ok(true),
                    Some(width) if is_null => (0..width).try_for_each(|_| give(None))?,
                    Some(width) if n_values == width => {}
                    Some(width) => {
                        let name = shown(&field.name);
                        let what = format!(
                            "a list of column {name} has {n_values} values where {width} are expected"
                        );
                        return Err(Error::malformed_at(RowPlace::Row(first_row + n_read + record), what));
                    }
                }
            }
            n_read += n_records;
        }
        Ok(false)
    }
}

/// An integer as `f64`, and whether it was rounded to be one.
#[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, reason = "the loss is what is told")]
fn rounded(x: i128) -> (f64, bool) {
    let wide = x as f64;
    (wide, wide as i128 != x)
}
