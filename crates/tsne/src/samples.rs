//! The containers that points may come in: rows of arrays, vectors, views, sparse matrices, and those of other crates.

use tsne_core::{Csr, Points, Scalar, ShapeError};

/// A container of samples, one a row, that computations in `T` can read.
///
/// | container | memory |
/// | --- | --- |
/// | [`Points`], [`Csr`] | borrowed |
/// | `[[T; N]]`, `Vec<[T; N]>` | borrowed |
/// | `[Vec<T>]`, `Vec<Vec<T>>` | copied, as rows of their own are not beside each other |
/// | nalgebra matrices and views, feature `nalgebra` (on by default) | copied and transposed: they keep columns together |
/// | nalgebra-sparse `CsrMatrix`, feature `nalgebra` | copied with columns of 32 bits |
/// | ndarray arrays and views of two dimensions, feature `ndarray` | borrowed in standard layout, else copied |
/// | faer matrices and views, feature `faer` | copied and transposed: they keep columns together |
///
/// Whatever the container, equal values give equal maps, bit for bit. A sample is a row in all of them; a matrix of
/// nalgebra whose *columns* are the samples is a row-major buffer as it stands, `Points::from_row_major(m.as_slice(),
/// m.nrows())`, and costs no copy.
///
/// ```
/// use tsne::{Csr, Samples};
///
/// fn shape(samples: &impl Samples<f32>) -> Result<(usize, usize), tsne::core::ShapeError> {
///     let rows = samples.as_rows()?;
///     Ok((rows.points().n_points(), rows.points().n_features()))
/// }
/// assert_eq!(shape(&vec![[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])?, (2, 3));
/// assert_eq!(shape(&vec![vec![1.0, 2.0], vec![3.0, 4.0], vec![5.0, 6.0]])?, (3, 2));
/// assert!(shape(&vec![vec![1.0, 2.0], vec![3.0]]).is_err(), "rows of different lengths");
/// assert_eq!(shape(&Csr::from_parts(9, vec![0, 1, 1], vec![4], vec![1.0])?)?, (2, 9));
/// # Ok::<(), tsne::core::ShapeError>(())
/// ```
pub trait Samples<T: Scalar> {
    /// The samples as rows that [`Points`] can view.
    ///
    /// # Errors
    /// When rows differ in length, there are no features, or more points or features than 32-bit indices can number.
    fn as_rows(&self) -> Result<Rows<'_, T>, ShapeError>;
}

/// Samples row after row, borrowed from their container or copied out of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Rows<'a, T>(Kind<'a, T>);

#[derive(Clone, Debug, PartialEq)]
enum Kind<'a, T> {
    Borrowed(Points<'a, T>),
    Dense { values: Vec<T>, n_features: usize },
    Sparse(Csr<T>),
}

impl<T: Scalar> Rows<'_, T> {
    /// Rows of `n_features` values, one after another.
    ///
    /// # Errors
    /// As [`Points::from_row_major`].
    pub fn from_row_major(values: Vec<T>, n_features: usize) -> Result<Self, ShapeError> {
        Points::from_row_major(&values, n_features)?;
        Ok(Self(Kind::Dense { values, n_features }))
    }

    /// The rows of a sparse matrix.
    ///
    /// # Errors
    /// As [`Points::from_csr`].
    pub fn from_csr(matrix: Csr<T>) -> Result<Self, ShapeError> {
        Points::from_csr(&matrix)?;
        Ok(Self(Kind::Sparse(matrix)))
    }

    /// Rows of which entry (i, j) is `entry(i, j)`: what containers that keep columns together need. Columns are read
    /// in blocks of rows, so that both sides stay in the cache.
    #[cfg(any(feature = "nalgebra", feature = "ndarray", feature = "faer"))]
    fn from_entries(
        n_points: usize,
        n_features: usize,
        entry: impl Fn(usize, usize) -> T,
    ) -> Result<Self, ShapeError> {
        const BLOCK: usize = 16;
        let mut values = vec![T::default(); n_points * n_features];
        for (block, rows) in values.chunks_mut(BLOCK * n_features.max(1)).enumerate() {
            for j in 0..n_features {
                for (i, row) in rows.chunks_exact_mut(n_features).enumerate() {
                    row[j] = entry(block * BLOCK + i, j);
                }
            }
        }
        Self::from_row_major(values, n_features)
    }

    /// The view of the rows that computations take.
    #[must_use]
    pub fn points(&self) -> Points<'_, T> {
        match &self.0 {
            Kind::Borrowed(points) => *points,
            Kind::Dense { values, n_features } => {
                Points::from_row_major(values, *n_features).expect("checked when the rows were made")
            }
            Kind::Sparse(matrix) => Points::from_csr(matrix).expect("checked when the rows were made"),
        }
    }
}

impl<'a, T> From<Points<'a, T>> for Rows<'a, T> {
    fn from(points: Points<'a, T>) -> Self {
        Self(Kind::Borrowed(points))
    }
}

impl<T: Scalar, S: Samples<T> + ?Sized> Samples<T> for &S {
    fn as_rows(&self) -> Result<Rows<'_, T>, ShapeError> {
        (**self).as_rows()
    }
}

impl<T: Scalar> Samples<T> for Points<'_, T> {
    fn as_rows(&self) -> Result<Rows<'_, T>, ShapeError> {
        Ok((*self).into())
    }
}

impl<T: Scalar> Samples<T> for Rows<'_, T> {
    fn as_rows(&self) -> Result<Rows<'_, T>, ShapeError> {
        Ok(self.points().into())
    }
}

impl<T: Scalar> Samples<T> for Csr<T> {
    fn as_rows(&self) -> Result<Rows<'_, T>, ShapeError> {
        Points::from_csr(self).map(Rows::from)
    }
}

impl<T: Scalar, const N: usize> Samples<T> for [[T; N]] {
    fn as_rows(&self) -> Result<Rows<'_, T>, ShapeError> {
        Points::try_from(self).map(Rows::from)
    }
}

impl<T: Scalar, const N: usize> Samples<T> for Vec<[T; N]> {
    fn as_rows(&self) -> Result<Rows<'_, T>, ShapeError> {
        self.as_slice().as_rows()
    }
}

impl<T: Scalar> Samples<T> for [Vec<T>] {
    fn as_rows(&self) -> Result<Rows<'_, T>, ShapeError> {
        let n_features = self.first().map_or(0, Vec::len);
        if let Some(row) = self.iter().find(|row| row.len() != n_features) {
            let (what, expected, got) = ("a row, which must be as long as the first", n_features, row.len());
            return Err(ShapeError::LengthMismatch { what, expected, got });
        }
        Rows::from_row_major(self.concat(), n_features)
    }
}

impl<T: Scalar> Samples<T> for Vec<Vec<T>> {
    fn as_rows(&self) -> Result<Rows<'_, T>, ShapeError> {
        self.as_slice().as_rows()
    }
}

#[cfg(feature = "nalgebra")]
mod of_nalgebra {
    use nalgebra::{Dim, Matrix, RawStorage};
    use nalgebra_sparse::CsrMatrix;

    use super::{Csr, Rows, Samples, Scalar, ShapeError};

    impl<T: Scalar, R: Dim, C: Dim, S: RawStorage<T, R, C>> Samples<T> for Matrix<T, R, C, S> {
        fn as_rows(&self) -> Result<Rows<'_, T>, ShapeError> {
            let (n_points, n_features) = self.shape();
            Rows::from_entries(n_points, n_features, |i, j| self[(i, j)])
        }
    }

    impl<T: Scalar> Samples<T> for CsrMatrix<T> {
        fn as_rows(&self) -> Result<Rows<'_, T>, ShapeError> {
            let (offsets, columns, values) = self.csr_data();
            let narrow = |&column: &usize| {
                u32::try_from(column).map_err(|_| ShapeError::TooManyPoints {
                    n_points: self.ncols(),
                    max: tsne_core::MAX_POINTS,
                })
            };
            let columns = columns.iter().map(narrow).collect::<Result<_, _>>()?;
            Rows::from_csr(Csr::from_parts(self.ncols(), offsets.to_vec(), columns, values.to_vec())?)
        }
    }
}

#[cfg(feature = "ndarray")]
mod of_ndarray {
    use ndarray::{ArrayBase, Data, Ix2};

    use super::{Rows, Samples, Scalar, ShapeError};

    impl<T: Scalar, S: Data<Elem = T>> Samples<T> for ArrayBase<S, Ix2> {
        fn as_rows(&self) -> Result<Rows<'_, T>, ShapeError> {
            let (n_points, n_features) = self.dim();
            match self.as_slice() {
                Some(values) => tsne_core::Points::from_row_major(values, n_features).map(Rows::from),
                None => Rows::from_entries(n_points, n_features, |i, j| self[(i, j)]),
            }
        }
    }
}

#[cfg(feature = "faer")]
mod of_faer {
    use faer::{Mat, MatRef};

    use super::{Rows, Samples, Scalar, ShapeError};

    impl<T: Scalar> Samples<T> for MatRef<'_, T> {
        fn as_rows(&self) -> Result<Rows<'_, T>, ShapeError> {
            Rows::from_entries(self.nrows(), self.ncols(), |i, j| self[(i, j)])
        }
    }

    impl<T: Scalar> Samples<T> for Mat<T> {
        fn as_rows(&self) -> Result<Rows<'_, T>, ShapeError> {
            Rows::from_entries(self.nrows(), self.ncols(), |i, j| self[(i, j)])
        }
    }
}
