//! An owned sparse matrix in compressed rows with `u32` columns.

use crate::{Affinities, AffinityRow, MAX_POINTS, Scalar, ShapeError};

/// Sparse matrix in compressed rows: `u32` columns, strictly increasing within a row, and `usize` offsets.
///
/// Twelve bytes an entry become eight in `f32`. Serves as sparse input ([`Points::from_csr`](crate::Points::from_csr))
/// and as the plainest [`Affinities`].
#[derive(Clone, Debug, PartialEq)]
pub struct Csr<T> {
    n_columns: usize,
    offsets: Vec<usize>,
    columns: Vec<u32>,
    values: Vec<T>,
}

impl<T: Scalar> Csr<T> {
    /// Assembles a matrix of `offsets.len() − 1` rows; row `i` is `offsets[i]..offsets[i + 1]` of `columns` and
    /// `values`.
    ///
    /// # Errors
    /// When lengths disagree, offsets do not rise from 0 to the number of entries, a column is out of range, or the
    /// columns of a row do not increase strictly. Time O(entries).
    pub fn from_parts(
        n_columns: usize,
        offsets: Vec<usize>,
        columns: Vec<u32>,
        values: Vec<T>,
    ) -> Result<Self, ShapeError> {
        if columns.len() != values.len() {
            return Err(ShapeError::LengthMismatch {
                what: "columns",
                expected: values.len(),
                got: columns.len(),
            });
        }
        if n_columns > MAX_POINTS {
            return Err(ShapeError::TooManyPoints { n_points: n_columns, max: MAX_POINTS });
        }
        let (Some(&first), Some(&last)) = (offsets.first(), offsets.last()) else {
            return Err(ShapeError::LengthMismatch { what: "row offsets", expected: 1, got: 0 });
        };
        if first != 0 {
            return Err(ShapeError::BadOffset { row: 0, offset: first, min: 0, max: 0 });
        }
        if last != values.len() {
            let (row, n) = (offsets.len() - 1, values.len());
            return Err(ShapeError::BadOffset { row, offset: last, min: n, max: n });
        }
        for (row, pair) in offsets.windows(2).enumerate() {
            let (start, end) = (pair[0], pair[1]);
            if end < start || end > values.len() {
                return Err(ShapeError::BadOffset {
                    row: row + 1,
                    offset: end,
                    min: start,
                    max: values.len(),
                });
            }
            let columns = &columns[start..end];
            if let Some(pair) = columns.windows(2).find(|pair| pair[1] <= pair[0]) {
                let (previous, column) = (pair[0] as usize, pair[1] as usize);
                return Err(ShapeError::UnsortedColumns { row, previous, column });
            }
            if let Some(&column) = columns.last()
                && column as usize >= n_columns
            {
                return Err(ShapeError::ColumnOutOfRange { row, column: column as usize, n_columns });
            }
        }
        Ok(Self { n_columns, offsets, columns, values })
    }

    /// As [`from_parts`](Self::from_parts) for parts that are known to fit together, which only debug builds check.
    ///
    /// Parts that do not fit give wrong rows or a panic later on. Saves a pass over the entries.
    ///
    /// # Panics
    /// In debug builds, if the parts do not fit together.
    #[must_use]
    pub fn from_trusted_parts(
        n_columns: usize,
        offsets: Vec<usize>,
        columns: Vec<u32>,
        values: Vec<T>,
    ) -> Self {
        if cfg!(debug_assertions) {
            return Self::from_parts(n_columns, offsets, columns, values)
                .expect("the caller's parts fit together");
        }
        Self { n_columns, offsets, columns, values }
    }

    /// Number of rows.
    #[must_use]
    pub fn n_rows(&self) -> usize {
        self.offsets.len() - 1
    }

    /// Number of columns.
    #[must_use]
    pub fn n_columns(&self) -> usize {
        self.n_columns
    }

    /// Number of stored entries.
    #[must_use]
    pub fn n_entries(&self) -> usize {
        self.values.len()
    }

    /// Columns and values of row `i`.
    ///
    /// # Panics
    /// If `i` is not below [`n_rows`](Self::n_rows).
    #[must_use]
    #[inline]
    pub fn row(&self, i: usize) -> (&[u32], &[T]) {
        let range = self.offsets[i]..self.offsets[i + 1];
        (&self.columns[range.clone()], &self.values[range])
    }

    /// Row offsets, `n_rows + 1` of them.
    #[must_use]
    pub fn offsets(&self) -> &[usize] {
        &self.offsets
    }

    /// Column of every entry.
    #[must_use]
    pub fn columns(&self) -> &[u32] {
        &self.columns
    }

    /// Value of every entry.
    #[must_use]
    pub fn values(&self) -> &[T] {
        &self.values
    }

    /// The parts, in the order of [`from_parts`](Self::from_parts).
    #[must_use]
    pub fn into_parts(self) -> (usize, Vec<usize>, Vec<u32>, Vec<T>) {
        (self.n_columns, self.offsets, self.columns, self.values)
    }
}

impl<T: Scalar> Affinities<T> for Csr<T> {
    fn n_points(&self) -> usize {
        self.n_rows()
    }

    fn n_references(&self) -> usize {
        self.n_columns
    }

    fn row(&self, i: usize) -> AffinityRow<'_, T> {
        let (columns, values) = Csr::row(self, i);
        AffinityRow { columns, values }
    }

    fn storage(&mut self) -> Option<&mut Csr<T>> {
        Some(self)
    }

    fn into_csr(self: Box<Self>) -> Csr<T> {
        *self
    }
}
