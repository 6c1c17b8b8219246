//! Borrowed views of the points to embed: dense (`f32`, `f64`, `u8`) or sparse, one sample per row.

use crate::{Csr, Element, NonFinite, Scalar, ShapeError};

/// Largest number of points: every index, and one past the last, fits a `u32`.
pub const MAX_POINTS: usize = u32::MAX as usize - 1;

/// Borrowed row-major matrix: `n_points` rows of `n_features` values.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Dense<'a, E> {
    values: &'a [E],
    n_features: usize,
}

impl<'a, E: Element> Dense<'a, E> {
    /// Views `values` as rows of `n_features`.
    ///
    /// # Errors
    /// When there are no features, the length is not a multiple of `n_features`, or the rows outnumber
    /// [`MAX_POINTS`].
    pub fn from_row_major(values: &'a [E], n_features: usize) -> Result<Self, ShapeError> {
        if n_features == 0 {
            return Err(ShapeError::NoFeatures);
        }
        if !values.len().is_multiple_of(n_features) {
            return Err(ShapeError::NotRectangular { len: values.len(), n_features });
        }
        check_count(values.len() / n_features)?;
        Ok(Self { values, n_features })
    }

    /// Number of rows.
    #[must_use]
    pub fn n_points(&self) -> usize {
        self.values.len() / self.n_features
    }

    /// Number of columns.
    #[must_use]
    pub fn n_features(&self) -> usize {
        self.n_features
    }

    /// Row `i`.
    ///
    /// # Panics
    /// If `i` is not below [`n_points`](Self::n_points).
    #[must_use]
    pub fn row(&self, i: usize) -> &'a [E] {
        &self.values[i * self.n_features..(i + 1) * self.n_features]
    }

    /// All rows in order.
    pub fn rows(&self) -> impl ExactSizeIterator<Item = &'a [E]> + use<'a, E> {
        self.values.chunks_exact(self.n_features)
    }

    /// All values, row after row.
    #[must_use]
    pub fn as_slice(&self) -> &'a [E] {
        self.values
    }
}

/// Borrowed sparse matrix of samples; absent entries are zero.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sparse<'a, T> {
    matrix: &'a Csr<T>,
}

impl<'a, T: Scalar> Sparse<'a, T> {
    /// Number of rows.
    #[must_use]
    pub fn n_points(&self) -> usize {
        self.matrix.n_rows()
    }

    /// Number of columns.
    #[must_use]
    pub fn n_features(&self) -> usize {
        self.matrix.n_columns()
    }

    /// Columns (strictly increasing) and values stored in row `i`.
    ///
    /// # Panics
    /// If `i` is not below [`n_points`](Self::n_points).
    #[must_use]
    pub fn row(&self, i: usize) -> (&'a [u32], &'a [T]) {
        self.matrix.row(i)
    }

    /// The matrix viewed.
    #[must_use]
    pub fn matrix(&self) -> &'a Csr<T> {
        self.matrix
    }
}

/// Borrowed points of any kind an index may be given; computations on them yield `T`.
///
/// ```
/// use tsne_core::Points;
///
/// let x = [0.0_f32, 1.0, 2.0, 3.0, 4.0, 5.0];
/// let points = Points::from_row_major(&x, 3)?;
/// assert_eq!((points.n_points(), points.n_features()), (2, 3));
/// let pixels: Points<'_, f32> = Points::from_bytes(&[0, 128, 255, 7], 2)?;
/// assert_eq!(pixels.n_points(), 2);
/// # Ok::<(), tsne_core::ShapeError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[allow(clippy::exhaustive_enums, reason = "a consumer must handle every kind or refuse it by name")]
pub enum Points<'a, T> {
    /// Row-major values of the computing type.
    Dense(Dense<'a, T>),
    /// Row-major bytes, such as pixels.
    Bytes(Dense<'a, u8>),
    /// Compressed sparse rows.
    Sparse(Sparse<'a, T>),
}

impl<'a, T: Scalar> Points<'a, T> {
    /// Dense points from rows of `n_features` values.
    ///
    /// # Errors
    /// As [`Dense::from_row_major`].
    pub fn from_row_major(values: &'a [T], n_features: usize) -> Result<Self, ShapeError> {
        Dense::from_row_major(values, n_features).map(Self::Dense)
    }

    /// Dense points from rows of `n_features` bytes.
    ///
    /// # Errors
    /// As [`Dense::from_row_major`].
    pub fn from_bytes(values: &'a [u8], n_features: usize) -> Result<Self, ShapeError> {
        Dense::from_row_major(values, n_features).map(Self::Bytes)
    }

    /// Sparse points: the rows of `matrix`.
    ///
    /// # Errors
    /// When there are no columns or the rows outnumber [`MAX_POINTS`].
    pub fn from_csr(matrix: &'a Csr<T>) -> Result<Self, ShapeError> {
        if matrix.n_columns() == 0 {
            return Err(ShapeError::NoFeatures);
        }
        check_count(matrix.n_rows())?;
        Ok(Self::Sparse(Sparse { matrix }))
    }

    /// Number of points.
    #[must_use]
    pub fn n_points(&self) -> usize {
        match self {
            Self::Dense(points) => points.n_points(),
            Self::Bytes(points) => points.n_points(),
            Self::Sparse(points) => points.n_points(),
        }
    }

    /// Number of features of each point.
    #[must_use]
    pub fn n_features(&self) -> usize {
        match self {
            Self::Dense(points) => points.n_features(),
            Self::Bytes(points) => points.n_features(),
            Self::Sparse(points) => points.n_features(),
        }
    }

    /// Writes row `i` into `row`, zeros included.
    ///
    /// # Panics
    /// If `i` is not below [`n_points`](Self::n_points) or `row` is not [`n_features`](Self::n_features) long.
    pub fn copy_row(&self, i: usize, row: &mut [T]) {
        assert_eq!(row.len(), self.n_features(), "the buffer must hold one row");
        match self {
            Self::Dense(points) => row.copy_from_slice(points.row(i)),
            Self::Bytes(points) => {
                for (to, &from) in row.iter_mut().zip(points.row(i)) {
                    *to = T::lit(f64::from(from));
                }
            }
            Self::Sparse(points) => {
                row.fill(T::default());
                let (columns, values) = points.row(i);
                for (&column, &value) in columns.iter().zip(values) {
                    row[column as usize] = value;
                }
            }
        }
    }

    /// Checks that every value is finite.
    ///
    /// # Errors
    /// [`NonFinite`] names the first that is not, by row and column. Time O(n D), no memory.
    pub fn check_finite(&self) -> Result<(), NonFinite> {
        match self {
            Self::Bytes(_) => Ok(()),
            Self::Dense(points) => match points.as_slice().iter().position(|x| !x.is_finite()) {
                None => Ok(()),
                Some(at) => Err(NonFinite {
                    row: at / points.n_features(),
                    column: at % points.n_features(),
                    value: points.as_slice()[at].to_f64(),
                }),
            },
            Self::Sparse(points) => {
                for row in 0..points.n_points() {
                    let (columns, values) = points.row(row);
                    if let Some(at) = values.iter().position(|x| !x.is_finite()) {
                        return Err(NonFinite {
                            row,
                            column: columns[at] as usize,
                            value: values[at].to_f64(),
                        });
                    }
                }
                Ok(())
            }
        }
    }
}

impl<'a, T: Scalar, const F: usize> TryFrom<&'a [[T; F]]> for Points<'a, T> {
    type Error = ShapeError;

    fn try_from(rows: &'a [[T; F]]) -> Result<Self, ShapeError> {
        Self::from_row_major(rows.as_flattened(), F)
    }
}

fn check_count(n_points: usize) -> Result<(), ShapeError> {
    if n_points > MAX_POINTS {
        return Err(ShapeError::TooManyPoints { n_points, max: MAX_POINTS });
    }
    Ok(())
}
