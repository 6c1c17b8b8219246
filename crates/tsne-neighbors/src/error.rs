//! What can go wrong when neighbors are searched.

use tsne_core::{BackendError, Interrupted, NonFinite, ShapeError};

/// Error of every index of this crate.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A number of neighbors that the indexed points cannot give.
    #[error("k = {k} is outside 1..={max}, the neighbors a row can have; lower k or add points")]
    NeighborCount {
        /// Number asked for.
        k: usize,
        /// Largest number possible.
        max: usize,
    },
    /// A value that is NaN or infinite.
    #[error(transparent)]
    NonFinite(#[from] NonFinite),
    /// Queries that have other features than the indexed points.
    #[error("queries have {got} features, the index has {expected}; bring them to the same columns")]
    FeatureMismatch {
        /// Features of the indexed points.
        expected: usize,
        /// Features of the queries.
        got: usize,
    },
    /// Points of a kind that the index does not take.
    #[error("{index} does not take {kind} points; convert them first")]
    UnsupportedPoints {
        /// The index.
        index: &'static str,
        /// Kind of the points: dense, bytes or sparse.
        kind: &'static str,
    },
    /// Two points so far apart that their distance is not a finite number of the computing type.
    #[error("row {row}: a distance exceeds the largest finite value; scale the data down")]
    DistanceOverflow {
        /// Row concerned.
        row: usize,
    },
    /// The graph does not fit into memory.
    #[error("no memory for {bytes} bytes of neighbors; lower k or use fewer points")]
    OutOfMemory {
        /// Bytes asked for.
        bytes: usize,
    },
    /// Parts that do not fit together.
    #[error(transparent)]
    Shape(#[from] ShapeError),
    /// The caller's hook said to stop.
    #[error("the search for neighbors was stopped")]
    Interrupted(#[from] Interrupted),
}

impl From<Error> for BackendError {
    fn from(error: Error) -> Self {
        Self::new(error)
    }
}
