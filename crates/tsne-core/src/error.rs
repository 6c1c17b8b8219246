//! Errors of the vocabulary types, and the opaque error that plug-ins return.

use std::error::Error as StdError;
use std::fmt;

/// A matrix, graph or sparse matrix whose parts do not fit together.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ShapeError {
    /// A flat buffer is not a whole number of rows.
    #[error("{len} values are not a whole number of rows of {n_features}; pass n_points * n_features values")]
    NotRectangular {
        /// Number of values given.
        len: usize,
        /// Values per row asked for.
        n_features: usize,
    },
    /// A matrix without columns.
    #[error("a row needs at least one feature, got 0")]
    NoFeatures,
    /// Two buffers that must have the same length do not.
    #[error("{what}: expected {expected} values, got {got}")]
    LengthMismatch {
        /// The buffer concerned.
        what: &'static str,
        /// Length it must have.
        expected: usize,
        /// Length it has.
        got: usize,
    },
    /// A neighbor graph with `k = 0`.
    #[error("a neighbor graph needs k of at least 1, got 0")]
    NoNeighbors,
    /// More points than `u32` can number.
    #[error("{n_points} points are more than the {max} that 32-bit indices can number; split the data")]
    TooManyPoints {
        /// Number of points given.
        n_points: usize,
        /// Largest number allowed.
        max: usize,
    },
    /// Row offsets of a sparse matrix that decrease or do not cover the entries.
    #[error(
        "row offset {row} is {offset}, outside {min}..={max}; offsets must rise from 0 to the number of entries"
    )]
    BadOffset {
        /// Position in the array of offsets.
        row: usize,
        /// Offset found there.
        offset: usize,
        /// Smallest legal value.
        min: usize,
        /// Largest legal value.
        max: usize,
    },
    /// A column index outside the matrix.
    #[error("row {row} has column {column}, but there are only {n_columns} columns")]
    ColumnOutOfRange {
        /// Row of the entry.
        row: usize,
        /// Its column.
        column: usize,
        /// Number of columns of the matrix.
        n_columns: usize,
    },
    /// Columns of a sparse row that are not strictly increasing.
    #[error("row {row}: column {column} follows {previous}; columns must increase strictly within a row")]
    UnsortedColumns {
        /// Row concerned.
        row: usize,
        /// Column before.
        previous: usize,
        /// Column that does not exceed it.
        column: usize,
    },
}

/// A value that is NaN or infinite where a finite one is needed.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
#[error("row {row}, column {column} is {value}; remove or replace missing and infinite values")]
pub struct NonFinite {
    /// Row of the first such value, counted from 0.
    pub row: usize,
    /// Its column, counted from 0.
    pub column: usize,
    /// The value.
    pub value: f64,
}

/// A neighbor row that breaks the promises of [`KnnGraph`](crate::KnnGraph).
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum GraphError {
    /// An index that names no point.
    #[error("row {row}: neighbor {neighbor} does not exist, there are {n_references} points")]
    OutOfRange {
        /// Row concerned.
        row: usize,
        /// Index found.
        neighbor: u32,
        /// Number of points.
        n_references: usize,
    },
    /// A point listed among its own neighbors.
    #[error("row {row} lists the point itself as its neighbor; leave it out")]
    SelfNeighbor {
        /// Row concerned.
        row: usize,
    },
    /// The same neighbor twice in a row.
    #[error("row {row} lists neighbor {neighbor} twice")]
    Repeated {
        /// Row concerned.
        row: usize,
        /// The neighbor.
        neighbor: u32,
    },
    /// A distance that is NaN, infinite or negative.
    #[error("row {row}, neighbor {position}: distance {distance} is not a finite number of at least 0")]
    BadDistance {
        /// Row concerned.
        row: usize,
        /// Position within the row.
        position: usize,
        /// The distance.
        distance: f64,
    },
    /// Distances that decrease along a row.
    #[error("row {row}: distance {distance} at position {position} is smaller than the one before it")]
    Unsorted {
        /// Row concerned.
        row: usize,
        /// Position within the row.
        position: usize,
        /// The distance.
        distance: f64,
    },
}

/// Error of a plug-in: any error behind one type, so that the traits stay object-safe.
///
/// ```
/// use tsne_core::BackendError;
///
/// let e = BackendError::new(std::io::Error::other("index file is stale"));
/// assert_eq!(e.to_string(), "index file is stale");
/// ```
pub struct BackendError(Box<dyn StdError + Send + Sync>);

impl BackendError {
    /// Wraps any error; a `&str` or `String` becomes a message.
    pub fn new(error: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self(error.into())
    }

    /// The error inside.
    #[must_use]
    pub fn get_ref(&self) -> &(dyn StdError + Send + Sync + 'static) {
        &*self.0
    }

    /// The error inside, by value.
    #[must_use]
    pub fn into_inner(self) -> Box<dyn StdError + Send + Sync> {
        self.0
    }

    /// Whether this is, or was caused by, [`Interrupted`](crate::Interrupted).
    #[must_use]
    pub fn is_interrupted(&self) -> bool {
        let mut error: Option<&(dyn StdError + 'static)> = Some(&*self.0);
        while let Some(e) = error {
            if e.is::<crate::Interrupted>() {
                return true;
            }
            // A BackendError passes over the error inside when asked for its source.
            error = match e.downcast_ref::<Self>() {
                Some(backend) => Some(&*backend.0),
                None => e.source(),
            };
        }
        false
    }
}

impl fmt::Debug for BackendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl fmt::Display for BackendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl StdError for BackendError {
    // Transparent: this type adds nothing of its own, so the chain continues with the inner error's source.
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source()
    }
}

impl From<crate::Interrupted> for BackendError {
    fn from(interrupted: crate::Interrupted) -> Self {
        Self::new(interrupted)
    }
}
