//! Writes tables as Parquet files: a column for each feature, uncompressed, as floats hardly shrink.

use std::io::{self, Write};
use std::sync::Arc;

use parquet::basic::{Compression, LogicalType, Repetition, Type as Physical};
use parquet::data_type::{ByteArrayType, DataType, DoubleType, FloatType, Int32Type};
use parquet::errors::{ParquetError, Result};
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::file::writer::{SerializedColumnWriter, SerializedFileWriter};
use parquet::schema::types::Type;

use crate::{Cells, Dataset};

/// Rows of a row group.
const GROUP: usize = 1 << 17;

/// The values of a column, by their row.
pub(crate) enum Values<'a> {
    Byte(Box<dyn Fn(usize) -> u8 + 'a>),
    Single(Box<dyn Fn(usize) -> f32 + 'a>),
    Double(Box<dyn Fn(usize) -> f64 + 'a>),
    Text(Box<dyn Fn(usize) -> &'a str + 'a>),
}

/// Writes dense data as a Parquet file: features of the type they were read as, then label and id where there are any.
///
/// Features without a name are called `f1`, `f2` and so on. Reading the file gives back every bit.
///
/// # Errors
/// Those of `sink`.
///
/// # Panics
/// If the data are sparse.
pub fn write_parquet(sink: impl Write + Send, data: &Dataset) -> io::Result<()> {
    let n_features = data.features.n_features();
    let values = |feature: usize| match data.features.cells() {
        Cells::U8(cells) => Values::Byte(Box::new(move |row| cells[row * n_features + feature])),
        Cells::F32(cells) => Values::Single(Box::new(move |row| cells[row * n_features + feature])),
        Cells::F64(cells) => Values::Double(Box::new(move |row| cells[row * n_features + feature])),
        Cells::Sparse(_) => panic!("sparse data have no table of rows and columns"),
    };
    let name = |feature: usize| match &data.feature_names {
        Some(names) => names[feature].clone(),
        None => format!("f{}", feature + 1),
    };
    let mut columns: Vec<(String, Values<'_>)> =
        (0..n_features).map(|feature| (name(feature), values(feature))).collect();
    if let Some(labels) = &data.labels {
        columns.push((labels.name().to_owned(), Values::Text(Box::new(|row| labels.text(row)))));
    }
    if let Some(ids) = &data.ids {
        columns.push(("id".to_owned(), Values::Text(Box::new(|row| &ids[row]))));
    }
    write_columns(sink, data.features.n_rows(), &columns)
}

/// Writes columns of `n_rows` values each.
pub(crate) fn write_columns(
    sink: impl Write + Send,
    n_rows: usize,
    columns: &[(String, Values<'_>)],
) -> io::Result<()> {
    write(sink, n_rows, columns).map_err(|e| match e {
        ParquetError::External(e) => match e.downcast::<io::Error>() {
            Ok(e) => *e,
            Err(other) => io::Error::other(other),
        },
        other => io::Error::other(other),
    })
}

fn write(sink: impl Write + Send, n_rows: usize, columns: &[(String, Values<'_>)]) -> Result<()> {
    let fields = columns.iter().map(|(name, values)| field(name, values).map(Arc::new));
    let schema = Type::group_type_builder("schema").with_fields(fields.collect::<Result<_>>()?).build()?;
    let properties = WriterProperties::builder()
        .set_created_by(concat!("tsne-io ", env!("CARGO_PKG_VERSION")).to_owned())
        .set_compression(Compression::UNCOMPRESSED)
        .set_statistics_enabled(EnabledStatistics::Chunk)
        .build();
    let mut file = SerializedFileWriter::new(sink, Arc::new(schema), Arc::new(properties))?;
    for start in (0..n_rows).step_by(GROUP) {
        let rows = start..(start + GROUP).min(n_rows);
        let mut group = file.next_row_group()?;
        for (_, values) in columns {
            let column = group.next_column()?.expect("the schema has a column for each of these");
            match values {
                Values::Byte(at) => put::<Int32Type>(column, rows.clone().map(|row| at(row).into()))?,
                Values::Single(at) => put::<FloatType>(column, rows.clone().map(at))?,
                Values::Double(at) => put::<DoubleType>(column, rows.clone().map(at))?,
                Values::Text(at) => put::<ByteArrayType>(column, rows.clone().map(|row| at(row).into()))?,
            }
        }
        group.close()?;
    }
    file.close().map(drop)
}

/// Writes the values of one column in one row group.
fn put<T: DataType>(
    mut column: SerializedColumnWriter<'_>,
    values: impl Iterator<Item = T::T>,
) -> Result<()> {
    let values: Vec<T::T> = values.collect();
    column.typed::<T>().write_batch(&values, None, None)?;
    column.close()
}

fn field(name: &str, values: &Values<'_>) -> Result<Type> {
    let (physical, logical) = match values {
        Values::Byte(_) => (Physical::INT32, Some(LogicalType::integer(8, false))),
        Values::Single(_) => (Physical::FLOAT, None),
        Values::Double(_) => (Physical::DOUBLE, None),
        Values::Text(_) => (Physical::BYTE_ARRAY, Some(LogicalType::String)),
    };
    Type::primitive_type_builder(name, physical)
        .with_repetition(Repetition::REQUIRED)
        .with_logical_type(logical)
        .build()
}
