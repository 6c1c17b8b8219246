//! What can go wrong in a repulsion: positions that are no places.

use tsne_core::Scalar;

/// Errors of this crate. At the seams of `tsne-core` they travel inside a `BackendError`.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A position that is NaN or infinite.
    #[error("point {point} is at {value} on axis {axis}; positions must be finite, lower the learning rate")]
    #[non_exhaustive]
    NonFinite {
        /// Index of the first such point.
        point: usize,
        /// Its first such coordinate.
        axis: usize,
        /// The coordinate.
        value: f64,
    },
    /// A position so far out that differences of positions could overflow.
    #[error("point {point} is at {value} on axis {axis}, beyond {limit}; rescale the map")]
    #[non_exhaustive]
    TooFar {
        /// Index of the first such point.
        point: usize,
        /// Its first such coordinate.
        axis: usize,
        /// The coordinate.
        value: f64,
        /// Largest magnitude allowed.
        limit: f64,
    },
    /// A tree asked for in a dimension it does not serve.
    #[error("the tree serves maps of 1 to 3 dimensions, got {dimension}; use Exact, which serves any")]
    #[non_exhaustive]
    Dimension {
        /// Dimension of the map.
        dimension: usize,
    },
    /// More points than the tree can number.
    #[error("{n_points} points are more than the {max} of a tree; split the map")]
    #[non_exhaustive]
    TooManyPoints {
        /// Number of points given.
        n_points: usize,
        /// Largest number allowed.
        max: usize,
    },
    /// A theta that is negative, NaN or infinite.
    #[error("theta must be a finite number of at least 0, got {theta}; 0.5 is the usual choice")]
    #[non_exhaustive]
    Theta {
        /// The value given.
        theta: f64,
    },
}

/// Largest magnitude of a coordinate: a quarter of the largest finite value, so that no difference overflows.
fn limit<T: Scalar>() -> T {
    T::MAX * T::lit(0.25)
}

/// Whether every coordinate may be computed with.
pub(crate) fn check_positions<T: Scalar, const D: usize>(y: &[[T; D]]) -> Result<(), Error> {
    let limit = limit::<T>();
    // The range holds neither NaN nor infinities; which of the two it was matters only once it has happened.
    match y.as_flattened().iter().position(|x| !(-limit..=limit).contains(x)) {
        None => Ok(()),
        Some(at) => Err(describe(at / D, at % D, y[at / D][at % D].to_f64(), limit.to_f64())),
    }
}

#[cold]
fn describe(point: usize, axis: usize, value: f64, limit: f64) -> Error {
    if value.is_finite() {
        Error::TooFar { point, axis, value, limit }
    } else {
        Error::NonFinite { point, axis, value }
    }
}
