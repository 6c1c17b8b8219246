//! Cells without a finite number, and what is done about them.

use crate::error::{BadCell, Column, RowPlace};
use crate::matrix::Sparse;
use crate::{Cells, Dataset, Error};

/// Bad cells that are listed; the rest are counted.
pub(crate) const MAX_LISTED: usize = 5;

/// What is done about features that are missing, NaN or infinite.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Missing {
    /// The file is refused.
    #[default]
    Error,
    /// Their rows are left out; [`Dataset::kept_rows`] tells which are left.
    Drop,
    /// Each becomes the mean of the finite values of its column.
    Mean,
}

/// The cells without a finite number: how many, and the first few of them.
#[derive(Debug, Default)]
pub(crate) struct BadCells {
    pub(crate) count: usize,
    pub(crate) first: Vec<BadCell>,
}

impl BadCells {
    /// Counts a cell, and lists it if it is among the first.
    pub(crate) fn push(&mut self, cell: impl FnOnce() -> BadCell) {
        self.count += 1;
        if self.first.len() < MAX_LISTED {
            self.first.push(cell());
        }
    }

    /// Adds those of the rows that follow.
    pub(crate) fn append(&mut self, mut other: Self) {
        self.count += other.count;
        other.first.truncate(MAX_LISTED - self.first.len());
        self.first.append(&mut other.first);
    }

    /// Those of an array, whose columns have the numbers `columns` (counted from 0) in the file.
    pub(crate) fn of(cells: &Cells, columns: &[usize]) -> Self {
        match cells {
            Cells::U8(_) => Self::default(),
            Cells::F32(values) => Self::of_dense(values, columns),
            Cells::F64(values) => Self::of_dense(values, columns),
            Cells::Sparse(matrix) => {
                let mut bad = Self::default();
                for row in 0..matrix.offsets.len() - 1 {
                    for at in matrix.offsets[row]..matrix.offsets[row + 1] {
                        let x = matrix.values[at];
                        if !x.is_finite() {
                            bad.push(|| cell(row, columns[matrix.columns[at] as usize], x));
                        }
                    }
                }
                bad
            }
        }
    }

    fn of_dense<T: Copy + Into<f64>>(values: &[T], columns: &[usize]) -> Self {
        let mut bad = Self::default();
        for (at, &x) in values.iter().enumerate() {
            let x: f64 = x.into();
            if !x.is_finite() {
                bad.push(|| cell(at / columns.len(), columns[at % columns.len()], x));
            }
        }
        bad
    }

    /// Refuses, drops or fills the rows concerned.
    pub(crate) fn settle(self, data: &mut Dataset, missing: Missing) -> Result<(), Error> {
        if self.count == 0 {
            return Ok(());
        }
        data.n_missing = self.count;
        let refused = Error::NonFinite { count: self.count, first: self.first };
        let is_settled = match missing {
            Missing::Error => false,
            Missing::Drop => {
                let rows = finite_rows(&data.features.cells, data.features.n_features);
                data.keep_rows(&rows);
                !rows.is_empty()
            }
            Missing::Mean => {
                let n_features = data.features.n_features;
                match &mut data.features.cells {
                    Cells::U8(_) => true,
                    Cells::F32(values) => fill(values, n_features, narrowed),
                    Cells::F64(values) => fill(values, n_features, |mean| mean),
                    Cells::Sparse(matrix) => fill_sparse(matrix, n_features),
                }
            }
        };
        if is_settled { Ok(()) } else { Err(refused) }
    }
}

fn cell(row: usize, column: usize, x: f64) -> BadCell {
    let column = Column { number: column + 1, name: None };
    BadCell { row: RowPlace::Row(row), column, text: x.to_string() }
}

#[allow(clippy::cast_possible_truncation, reason = "a mean of f32 values is rounded to f32")]
fn narrowed(mean: f64) -> f32 {
    mean as f32
}

/// Rows that hold finite numbers only.
fn finite_rows(cells: &Cells, n_features: usize) -> Vec<usize> {
    fn of<T: Copy + Into<f64>>(values: &[T], n_features: usize) -> Vec<usize> {
        let is_finite = |row: &[T]| row.iter().all(|&x| x.into().is_finite());
        let rows = values.chunks_exact(n_features).enumerate();
        rows.filter(|(_, row)| is_finite(row)).map(|(i, _)| i).collect()
    }
    match cells {
        Cells::U8(values) => (0..values.len() / n_features).collect(),
        Cells::F32(values) => of(values, n_features),
        Cells::F64(values) => of(values, n_features),
        Cells::Sparse(matrix) => {
            let rows = matrix.offsets.windows(2).enumerate();
            let is_finite = |row: &[usize]| matrix.values[row[0]..row[1]].iter().all(|x| x.is_finite());
            rows.filter(|(_, row)| is_finite(row)).map(|(i, _)| i).collect()
        }
    }
}

/// A mean that is updated value by value, and so never overflows.
#[derive(Clone, Copy, Default)]
struct Mean {
    mean: f64,
    n: f64,
}

impl Mean {
    fn add(&mut self, x: f64) {
        self.n += 1.0;
        self.mean += x / self.n - self.mean / self.n;
    }
}

/// Fills the gaps of each column with its mean; false if a column has nothing but gaps.
fn fill<T: Copy + Into<f64>>(values: &mut [T], n_features: usize, narrowed: impl Fn(f64) -> T) -> bool {
    let mut means = vec![Mean::default(); n_features];
    for row in values.chunks_exact(n_features) {
        for (mean, &x) in means.iter_mut().zip(row) {
            let x: f64 = x.into();
            if x.is_finite() {
                mean.add(x);
            }
        }
    }
    for row in values.chunks_exact_mut(n_features) {
        for (mean, x) in means.iter().zip(row) {
            let wide: f64 = (*x).into();
            if !wide.is_finite() {
                *x = narrowed(mean.mean);
            }
        }
    }
    means.iter().all(|mean| mean.n > 0.0)
}

/// As [`fill`], where the entries that are not stored are zeros that count.
fn fill_sparse(matrix: &mut Sparse, n_features: usize) -> bool {
    #[allow(clippy::cast_precision_loss, reason = "rows are fewer than 2^53")]
    let n_rows = (matrix.offsets.len() - 1) as f64;
    let mut means = vec![Mean { mean: 0.0, n: n_rows }; n_features];
    for (&column, x) in matrix.columns.iter().zip(&matrix.values) {
        if !x.is_finite() {
            means[column as usize].n -= 1.0;
        }
    }
    for (&column, &x) in matrix.columns.iter().zip(&matrix.values) {
        if x.is_finite() {
            let mean = &mut means[column as usize];
            mean.mean += x / mean.n;
        }
    }
    for (&column, x) in matrix.columns.iter().zip(&mut matrix.values) {
        if !x.is_finite() {
            *x = means[column as usize].mean;
        }
    }
    means.iter().all(|mean| mean.n > 0.0)
}
