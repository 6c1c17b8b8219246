//! Numbers of a file, one sample per row, dense or sparse.

use crate::Error;

/// Numbers of a matrix.
#[derive(Clone, Debug, PartialEq)]
#[allow(clippy::exhaustive_enums, reason = "a consumer must handle every kind")]
pub enum Cells {
    /// Bytes row after row, where the file says they are bytes.
    U8(Vec<u8>),
    /// Numbers row after row that are of single precision in the file.
    F32(Vec<f32>),
    /// Everything else that is dense, row after row.
    F64(Vec<f64>),
    /// The entries of a sparse matrix that are stored.
    Sparse(Sparse),
}

impl Cells {
    /// What the numbers are stored as: `u8`, `f32`, `f64` or `sparse`.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::U8(_) => "u8",
            Self::F32(_) => "f32",
            Self::F64(_) => "f64",
            Self::Sparse(_) => "sparse",
        }
    }

    /// The numbers as `f64` row after row, if they are dense.
    #[must_use]
    pub fn into_f64(self) -> Option<Vec<f64>> {
        match self {
            Self::U8(values) => Some(values.into_iter().map(f64::from).collect()),
            Self::F32(values) => Some(values.into_iter().map(f64::from).collect()),
            Self::F64(values) => Some(values),
            Self::Sparse(_) => None,
        }
    }
}

/// Entries of a sparse matrix in compressed rows; all others are zero.
///
/// Offsets rise from 0 to the number of entries, and columns increase strictly within a row.
#[derive(Clone, Debug, PartialEq)]
pub struct Sparse {
    pub(crate) offsets: Vec<usize>,
    pub(crate) columns: Vec<u32>,
    pub(crate) values: Vec<f64>,
}

impl Sparse {
    /// For each row where its entries begin, and at last their number.
    #[must_use]
    pub fn offsets(&self) -> &[usize] {
        &self.offsets
    }

    /// For each entry its column.
    #[must_use]
    pub fn columns(&self) -> &[u32] {
        &self.columns
    }

    /// For each entry its value.
    #[must_use]
    pub fn values(&self) -> &[f64] {
        &self.values
    }

    /// Number of entries stored.
    #[must_use]
    pub fn n_entries(&self) -> usize {
        self.values.len()
    }

    /// Offsets, columns and values.
    #[must_use]
    pub fn into_parts(self) -> (Vec<usize>, Vec<u32>, Vec<f64>) {
        (self.offsets, self.columns, self.values)
    }

    /// The rows of these numbers, which increase.
    fn keep_rows(&mut self, rows: &[usize]) {
        let mut end = 0;
        for (to, &from) in rows.iter().enumerate() {
            let (first, last) = (self.offsets[from], self.offsets[from + 1]);
            self.columns.copy_within(first..last, end);
            self.values.copy_within(first..last, end);
            // Row `to` is not behind row `from`, whose offsets have been read.
            self.offsets[to] = end;
            end += last - first;
        }
        self.offsets[rows.len()] = end;
        self.offsets.truncate(rows.len() + 1);
        self.columns.truncate(end);
        self.values.truncate(end);
    }
}

/// A matrix with one sample per row.
#[derive(Clone, Debug, PartialEq)]
pub struct Matrix {
    pub(crate) cells: Cells,
    pub(crate) n_features: usize,
}

impl Matrix {
    /// The numbers.
    #[must_use]
    pub fn cells(&self) -> &Cells {
        &self.cells
    }

    /// The numbers, by value.
    #[must_use]
    pub fn into_cells(self) -> Cells {
        self.cells
    }

    /// Number of rows.
    #[must_use]
    pub fn n_rows(&self) -> usize {
        match &self.cells {
            Cells::U8(values) => values.len() / self.n_features,
            Cells::F32(values) => values.len() / self.n_features,
            Cells::F64(values) => values.len() / self.n_features,
            Cells::Sparse(matrix) => matrix.offsets.len() - 1,
        }
    }

    /// Number of columns, at least 1.
    #[must_use]
    pub fn n_features(&self) -> usize {
        self.n_features
    }

    /// The number at this place of a dense matrix, row after row.
    pub(crate) fn dense(&self, at: usize) -> f64 {
        match &self.cells {
            Cells::U8(values) => f64::from(values[at]),
            Cells::F32(values) => f64::from(values[at]),
            Cells::F64(values) => values[at],
            Cells::Sparse(_) => unreachable!("the matrix is dense"),
        }
    }

    /// Only the rows of these numbers, which increase.
    pub(crate) fn keep_rows(&mut self, rows: &[usize]) {
        match &mut self.cells {
            Cells::U8(values) => keep_rows(values, self.n_features, rows),
            Cells::F32(values) => keep_rows(values, self.n_features, rows),
            Cells::F64(values) => keep_rows(values, self.n_features, rows),
            Cells::Sparse(matrix) => matrix.keep_rows(rows),
        }
    }
}

fn keep_rows<T: Copy>(values: &mut Vec<T>, n_features: usize, rows: &[usize]) {
    for (to, &from) in rows.iter().enumerate() {
        values.copy_within(from * n_features..(from + 1) * n_features, to * n_features);
    }
    values.truncate(rows.len() * n_features);
}

/// Makes room for `additional` more values, or says that it cannot.
pub(crate) fn reserve<T>(values: &mut Vec<T>, additional: usize) -> Result<(), Error> {
    values
        .try_reserve(additional)
        .map_err(|_| Error::OutOfMemory { bytes: additional.saturating_mul(size_of::<T>()) })
}
