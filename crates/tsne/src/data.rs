//! Points that a map may keep: owned, and shared by reference counting.

use tsne_core::{Csr, Points, Scalar, ShapeError};

/// Points that are owned, so that a map can keep them for placing others later.
///
/// Wrap it in an [`Arc`](std::sync::Arc) and hand that to [`fit`](crate::Tsne::fit); a clone of the `Arc` shares it.
///
/// ```
/// use std::sync::Arc;
/// use tsne::{Data, Points, Tsne};
///
/// let x: Vec<f32> = (0..300).map(|i| ((i * 37) % 101) as f32).collect();
/// let data = Arc::new(Data::from_row_major(x, 3)?);
/// let map = Tsne::new().perplexity(10.0).fit(&data)?;
/// let new = map.transform(Points::from_row_major(&[50.0, 20.0, 70.0], 3)?)?;
/// assert_eq!(new.positions().len(), 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Data<T>(Values<T>);

#[derive(Clone, Debug, PartialEq)]
enum Values<T> {
    Dense { values: Vec<T>, n_features: usize },
    Bytes { values: Vec<u8>, n_features: usize },
    Sparse(Csr<T>),
}

impl<T: Scalar> Data<T> {
    /// Dense points from rows of `n_features` values.
    ///
    /// # Errors
    /// As [`Points::from_row_major`].
    pub fn from_row_major(values: Vec<T>, n_features: usize) -> Result<Self, ShapeError> {
        Points::from_row_major(&values, n_features)?;
        Ok(Self(Values::Dense { values, n_features }))
    }

    /// Dense points from rows of `n_features` bytes.
    ///
    /// # Errors
    /// As [`Points::from_bytes`].
    pub fn from_bytes(values: Vec<u8>, n_features: usize) -> Result<Self, ShapeError> {
        Points::<T>::from_bytes(&values, n_features)?;
        Ok(Self(Values::Bytes { values, n_features }))
    }

    /// Sparse points: the rows of `matrix`.
    ///
    /// # Errors
    /// As [`Points::from_csr`].
    pub fn from_csr(matrix: Csr<T>) -> Result<Self, ShapeError> {
        Points::from_csr(&matrix)?;
        Ok(Self(Values::Sparse(matrix)))
    }

    /// A copy of borrowed points.
    #[must_use]
    pub fn copy_of(points: Points<'_, T>) -> Self {
        Self(match points {
            Points::Dense(x) => Values::Dense { values: x.as_slice().to_vec(), n_features: x.n_features() },
            Points::Bytes(x) => Values::Bytes { values: x.as_slice().to_vec(), n_features: x.n_features() },
            Points::Sparse(x) => Values::Sparse(x.matrix().clone()),
        })
    }

    /// A view of the points.
    #[must_use]
    pub fn points(&self) -> Points<'_, T> {
        let points = match &self.0 {
            Values::Dense { values, n_features } => Points::from_row_major(values, *n_features),
            Values::Bytes { values, n_features } => Points::from_bytes(values, *n_features),
            Values::Sparse(matrix) => Points::from_csr(matrix),
        };
        points.expect("the shape was checked when the data were made")
    }
}
