//! Parquet files, read through the crate of that name, which is given nothing that was not bounded before.
//!
//! Format: <https://parquet.apache.org/docs/file-format/>. What the file says of its sizes is compared with its length,
//! pages are decompressed here, and a panic of the crate on a file that no writer writes is an error like any other.

mod cells;
mod footer;
mod pages;
mod schema;
mod write;

use std::io::{Read, Seek, SeekFrom};
use std::panic::{self, AssertUnwindSafe};

use parquet::errors::ParquetError;
use parquet::file::metadata::ParquetMetaDataReader;

pub use self::write::write_parquet;
pub(crate) use self::write::{Values, write_columns};

use self::cells::{Part, Table};
use self::schema::{Field, Kind, Number};
use crate::columns::Roles;
use crate::error::{Column, RowPlace};
use crate::labels::LabelsBuilder;
use crate::matrix::reserve;
use crate::missing::{BadCells, MAX_LISTED};
use crate::{Cells, Dataset, Error, Format, Matrix, ReadOptions, shown};

/// The first and the last four bytes of a file.
const MAGIC: &[u8; 4] = b"PAR1";
/// The same of a file whose footer is encrypted.
const MAGIC_ENCRYPTED: &[u8; 4] = b"PARE";
/// Longest footer that is read: some kilobytes are usual, hundreds for thousands of columns.
const MAX_FOOTER_BYTES: u64 = 1 << 26;
/// Values that may come of any file, and of each byte of it: equal ones take next to no room.
const MIN_VALUES: u64 = 1 << 20;
const MAX_VALUES_PER_BYTE: u64 = 1 << 11;

/// Reads a table from a Parquet file, a feature from each numeric column, and several from one of lists of one length.
///
/// Booleans and integers of 8 bits without a sign stay bytes if there is nothing else, single and half precision stay
/// single; all other features are `f64`. A null is a missing value. Labels and ids are columns of text or numbers.
/// Pages may be compressed by snappy, gzip or zstd.
///
/// Memory is that of the numbers, one column of one row group as it is in the file, and a page.
///
/// # Errors
/// When a feature is no number ([`Error::NotNumericColumn`], which names its type), when columns differ in their rows or
/// lists in their length, and when sizes are impossible or contradict the file ([`Error::Malformed`]).
pub fn read_parquet(source: impl Read + Seek, options: &ReadOptions) -> Result<Dataset, Error> {
    let read = AssertUnwindSafe(|| read(source, options));
    panic::catch_unwind(read).unwrap_or_else(|_| Err(Error::malformed("the Parquet data are damaged")))
}

fn read<R: Read + Seek>(mut source: R, options: &ReadOptions) -> Result<Dataset, Error> {
    let file_bytes = source.seek(SeekFrom::End(0)).map_err(Error::NotReadable)?;
    let footer = footer(&mut source, file_bytes)?;
    footer::check(&footer)?;
    let metadata = ParquetMetaDataReader::decode_metadata(&footer).map_err(damaged)?;
    let max_values = file_bytes.saturating_mul(MAX_VALUES_PER_BYTE).max(MIN_VALUES);
    let fields = Field::all(metadata.file_metadata().schema_descr());
    let mut table = Table { source, file_bytes, metadata, max_values };

    let names: Vec<String> = fields.iter().map(|field| field.name.clone()).collect();
    let roles = Roles::new(options, Some(&names), fields.len())?;
    let refused = |number: usize, kind: &str| {
        let column = Column { number: number + 1, name: Some(names[number].clone()) };
        Error::NotNumericColumn { column, kind: kind.to_owned() }
    };
    let mut columns = Vec::new();
    for (number, field) in fields.iter().enumerate().filter(|(number, _)| roles.is_feature[*number]) {
        match &field.kind {
            Kind::Number(_) => {
                let width = if field.is_list { table.width(field)? } else { 1 };
                columns.push(FeatureColumn { number, field, width });
            }
            Kind::Text => return Err(refused(number, "text")),
            Kind::Other(kind) => return Err(refused(number, kind)),
        }
    }
    for number in [roles.label, roles.id].into_iter().flatten() {
        match &fields[number].kind {
            Kind::Other(kind) => return Err(refused(number, kind)),
            _ if fields[number].is_list => return Err(refused(number, "lists")),
            _ => {}
        }
    }
    let mut features = Features::new(columns)?;
    let mut labels = roles.label.map(|number| LabelsBuilder::new(names[number].clone()));
    let mut ids = roles.id.map(|_| Vec::new());
    let mut id_bytes = 0;
    for group in 0..table.metadata.num_row_groups() {
        let (first_row, n_rows) = (features.n_rows, table.n_rows(group));
        features.read(&mut table, group)?;
        let part = |number: usize| Part { field: &fields[number], group, first_row, n_rows, width: None };
        if let (Some(number), Some(labels)) = (roles.label, &mut labels) {
            table.texts(part(number), &mut |text| {
                labels.push(text);
                Ok(())
            })?;
        }
        if let (Some(number), Some(ids)) = (roles.id, &mut ids) {
            table.texts(part(number), &mut |text| {
                id_bytes += text.len() as u64;
                if id_bytes > max_values {
                    return Err(Error::malformed("the ids take more room than the file can hold"));
                }
                ids.push(text.to_owned());
                Ok(())
            })?;
        }
    }
    if features.n_rows == 0 {
        return Err(Error::NoRows { shape: vec![0, features.n_features] });
    }
    let bad = features.bad_cells();
    let mut data = Dataset {
        feature_names: Some(features.names()),
        labels: labels.map(LabelsBuilder::finish),
        ids,
        format: Format::Parquet { n_row_groups: table.metadata.num_row_groups() },
        n_rounded_integers: features.n_rounded_integers,
        n_missing: 0,
        n_rows_in_file: features.n_rows,
        kept_rows: None,
        features: Matrix { cells: features.cells, n_features: features.n_features },
    };
    bad.settle(&mut data, options.missing)?;
    Ok(data)
}

/// The bytes of the footer, which stand before its length and the last magic.
fn footer(source: &mut (impl Read + Seek), file_bytes: u64) -> Result<Vec<u8>, Error> {
    const TAIL: usize = 8;
    let not_whole = || Error::malformed("this is no whole Parquet file: it does not end with PAR1");
    let mut tail = [0; TAIL];
    let start = file_bytes.checked_sub(TAIL as u64).ok_or_else(not_whole)?;
    source.seek(SeekFrom::Start(start)).map_err(Error::NotReadable)?;
    source.read_exact(&mut tail).map_err(Error::NotReadable)?;
    let [l0, l1, l2, l3, magic @ ..] = tail;
    if &magic == MAGIC_ENCRYPTED {
        let what = "the Parquet file is encrypted, which is not read".to_owned();
        return Err(Error::LeftOut { what, help: "write it without encryption" });
    }
    if &magic != MAGIC {
        return Err(not_whole());
    }
    let len = u64::from(u32::from_le_bytes([l0, l1, l2, l3]));
    if len > start.min(MAX_FOOTER_BYTES) {
        return Err(Error::malformed(format!(
            "the Parquet footer claims {len} bytes, of at most {}",
            start.min(MAX_FOOTER_BYTES)
        )));
    }
    source.seek(SeekFrom::Start(start - len)).map_err(Error::NotReadable)?;
    let mut footer = Vec::new();
    source.take(len).read_to_end(&mut footer).map_err(Error::NotReadable)?;
    Ok(footer)
}

/// A column of features: its number in the file, and how many features each row has of it.
struct FeatureColumn<'a> {
    number: usize,
    field: &'a Field,
    width: usize,
}

/// The features of the rows read so far.
struct Features<'a> {
    columns: Vec<FeatureColumn<'a>>,
    n_features: usize,
    cells: Cells,
    n_rows: usize,
    n_rounded_integers: usize,
    /// For each feature the first rows that are null.
    nulls: Vec<Vec<usize>>,
}

impl<'a> Features<'a> {
    fn new(columns: Vec<FeatureColumn<'a>>) -> Result<Self, Error> {
        let n_features = columns.iter().fold(0_usize, |n, column| n.saturating_add(column.width));
        if let Some(empty) = columns.iter().find(|column| column.width == 0) {
            let name = shown(&empty.field.name);
            return Err(Error::malformed(format!("the lists of column {name} are empty")));
        }
        let all = |of: &[Number]| {
            columns
                .iter()
                .all(|column| matches!(&column.field.kind, Kind::Number(number) if of.contains(number)))
        };
        let cells = if all(&[Number::Bool, Number::Byte]) {
            Cells::U8(Vec::new())
        } else if all(&[Number::Single, Number::Half]) {
            Cells::F32(Vec::new())
        } else {
            Cells::F64(Vec::new())
        };
        let nulls = vec![Vec::new(); n_features];
        Ok(Self { columns, n_features, cells, n_rows: 0, n_rounded_integers: 0, nulls })
    }

    /// Reads the rows of a group, column by column.
    fn read(&mut self, table: &mut Table<impl Read + Seek>, group: usize) -> Result<(), Error> {
        let (first_row, n_rows) = (self.n_rows, table.n_rows(group));
        let n_values =
            (first_row as u64).saturating_add(n_rows as u64).saturating_mul(self.n_features as u64);
        if n_values > table.max_values {
            return Err(Error::malformed(format!(
                "the Parquet file claims {n_values} numbers, more than its {} bytes can hold",
                table.file_bytes
            )));
        }
        let mut first_feature = 0;
        for at in 0..self.columns.len() {
            let FeatureColumn { field, width, .. } = self.columns[at];
            let part = Part { field, group, first_row, n_rows, width: Some(width) };
            let (mut row, mut within) = (first_row, 0);
            table.numbers(part, &mut |x, is_rounded| {
                self.n_rounded_integers += usize::from(is_rounded);
                self.put(row, first_feature + within, x)?;
                within += 1;
                if within == width {
                    (row, within) = (row + 1, 0);
                }
                Ok(())
            })?;
            first_feature += width;
        }
        self.n_rows += n_rows;
        Ok(())
    }

    /// Takes a value, and memory for its row when it is the first of it: a row that is claimed and has none takes none.
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "exact, as the type of the column says"
    )]
    fn put(&mut self, row: usize, feature: usize, x: Option<f64>) -> Result<(), Error> {
        fn set<T: Copy + Default>(
            cells: &mut Vec<T>,
            at: usize,
            n_features: usize,
            x: T,
        ) -> Result<(), Error> {
            if at >= cells.len() {
                reserve(cells, n_features)?;
                cells.resize(cells.len() + n_features, T::default());
            }
            cells[at] = x;
            Ok(())
        }
        if x.is_none() && self.nulls[feature].len() < MAX_LISTED {
            self.nulls[feature].push(row);
        }
        let x = x.unwrap_or(f64::NAN);
        // What is said to be a byte and is none, or is missing, needs more room.
        if let Cells::U8(bytes) = &mut self.cells
            && f64::from(x as u8) != x
        {
            let mut wide = Vec::new();
            reserve(&mut wide, bytes.len())?;
            wide.extend(bytes.iter().map(|&byte| f64::from(byte)));
            self.cells = Cells::F64(wide);
        }
        let at = row * self.n_features + feature;
        match &mut self.cells {
            Cells::U8(cells) => set(cells, at, self.n_features, x as u8),
            Cells::F32(cells) => set(cells, at, self.n_features, x as f32),
            Cells::F64(cells) => set(cells, at, self.n_features, x),
            Cells::Sparse(_) => unreachable!("the table is dense"),
        }
    }

    /// Names of the features; those of a list are numbered from 1.
    fn names(&self) -> Vec<String> {
        let of = |column: &FeatureColumn<'_>| -> Vec<String> {
            let name = &column.field.name;
            match column.field.is_list {
                true => (1..=column.width).map(|number| format!("{name}_{number}")).collect(),
                false => vec![name.clone()],
            }
        };
        self.columns.iter().flat_map(of).collect()
    }

    fn bad_cells(&self) -> BadCells {
        let features: Vec<usize> = (0..self.n_features).collect();
        let numbers: Vec<usize> =
            self.columns.iter().flat_map(|column| std::iter::repeat_n(column.number, column.width)).collect();
        let mut bad = BadCells::of(&self.cells, &features);
        if bad.count > 0 {
            let names = self.names();
            for cell in &mut bad.first {
                let feature = cell.column.number - 1;
                if matches!(cell.row, RowPlace::Row(row) if self.nulls[feature].contains(&row)) {
                    cell.text = "null".to_owned();
                }
                cell.column = Column { number: numbers[feature] + 1, name: Some(names[feature].clone()) };
            }
        }
        bad
    }
}

/// What the crate found wrong, or what was found wrong here while it read.
fn damaged(e: ParquetError) -> Error {
    match e {
        ParquetError::External(e) => match e.downcast::<Error>() {
            Ok(own) => *own,
            Err(other) => {
                Error::malformed(format!("the Parquet data are damaged: {}", shown(&other.to_string())))
            }
        },
        other => Error::malformed(format!("the Parquet data are damaged: {}", shown(&other.to_string()))),
    }
}
