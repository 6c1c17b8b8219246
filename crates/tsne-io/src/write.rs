//! Writes data as they were read: features, labels and ids, as text or as an archive.

use std::fmt;
use std::io::{self, Seek, Write};

use crate::fields::{end_line, push_number, push_text};
use crate::{Cells, Dataset, NpzWriter, write_npy};

/// Writes dense data as delimited text: features, then label and id where there are any.
///
/// There is a header if the features have names or if there are labels or ids. Numbers are the shortest that read
/// back as the same `f64`. With `is_spreadsheet_safe`, text that a spreadsheet would take for a formula gets an
/// apostrophe before it.
///
/// # Errors
/// Those of `sink`.
///
/// # Panics
/// If the data are sparse.
pub fn write_table(
    sink: &mut (impl Write + ?Sized),
    data: &Dataset,
    delimiter: u8,
    is_spreadsheet_safe: bool,
) -> io::Result<()> {
    let separator = char::from(delimiter);
    let n_features = data.features.n_features();
    let mut line = String::new();
    if data.feature_names.is_some() || data.labels.is_some() || data.ids.is_some() {
        for feature in 0..n_features {
            match &data.feature_names {
                Some(names) => push_text(&mut line, &names[feature], separator, false),
                None => push_text(&mut line, &format!("f{}", feature + 1), separator, false),
            }
        }
        if let Some(labels) = &data.labels {
            push_text(&mut line, labels.name(), separator, false);
        }
        if data.ids.is_some() {
            push_text(&mut line, "id", separator, false);
        }
        end_line(&mut line, sink)?;
    }
    for row in 0..data.features.n_rows() {
        for at in row * n_features..(row + 1) * n_features {
            push_number(&mut line, Shortest(data.features.dense(at)), separator);
        }
        if let Some(labels) = &data.labels {
            push_text(&mut line, labels.text(row), separator, is_spreadsheet_safe);
        }
        if let Some(ids) = &data.ids {
            push_text(&mut line, &ids[row], separator, is_spreadsheet_safe);
        }
        end_line(&mut line, sink)?;
    }
    Ok(())
}

/// Writes dense features as a numpy array of the type they were read as.
///
/// # Errors
/// Those of `sink`.
///
/// # Panics
/// If the data are sparse.
pub fn write_features(sink: impl Write, data: &Dataset) -> io::Result<()> {
    let shape = [data.features.n_rows(), data.features.n_features()];
    match data.features.cells() {
        Cells::U8(values) => write_npy(sink, &shape, values),
        Cells::F32(values) => write_npy(sink, &shape, values),
        Cells::F64(values) => write_npy(sink, &shape, values),
        Cells::Sparse(_) => panic!("sparse data have no array of rows and columns"),
    }
}

/// Writes data as a numpy archive: the features as `x`, or as scipy writes a sparse matrix, labels as `label` and ids
/// as `id`.
///
/// # Errors
/// Those of `sink`.
pub fn write_npz(sink: impl Write + Seek, data: &Dataset) -> io::Result<()> {
    let mut archive = NpzWriter::new(sink);
    let shape = [data.features.n_rows(), data.features.n_features()];
    match data.features.cells() {
        Cells::U8(values) => archive.array("x", &shape, values)?,
        Cells::F32(values) => archive.array("x", &shape, values)?,
        Cells::F64(values) => archive.array("x", &shape, values)?,
        Cells::Sparse(matrix) => archive.sparse(matrix, shape[1])?,
    }
    if let Some(labels) = &data.labels {
        let texts: Vec<String> = (0..labels.len()).map(|i| labels.text(i).to_owned()).collect();
        archive.texts("label", &texts)?;
    }
    if let Some(ids) = &data.ids {
        archive.texts("id", ids)?;
    }
    archive.finish().map(drop)
}

/// A number in the fewest digits that read back as the same, with an exponent where it is long.
struct Shortest(f64);

impl fmt::Display for Shortest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let is_short = self.0 == 0.0 || (1e-5..1e16).contains(&self.0.abs());
        if is_short { write!(f, "{}", self.0) } else { write!(f, "{:e}", self.0) }
    }
}
