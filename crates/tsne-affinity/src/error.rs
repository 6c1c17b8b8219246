//! The error type of this crate.

use tsne_core::{BackendError, GraphError, Interrupted, NonFinite, ShapeError};

/// What can be wrong with a graph, a matrix or a parameter.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A perplexity below 1, NaN or infinite.
    #[error("perplexity {perplexity} is not a finite number of at least 1; typical values are 5 to 100")]
    #[non_exhaustive]
    BadPerplexity {
        /// The perplexity.
        perplexity: f64,
    },
    /// An empty list of perplexities.
    #[error("a mixture needs at least one perplexity, got none")]
    #[non_exhaustive]
    NoPerplexity,
    /// Strict mode: a perplexity above what the number of points supports.
    #[error(
        "perplexity {perplexity} is above {limit}, a third of the other points ({n_points} points); lower it to that \
         or leave strict mode"
    )]
    #[non_exhaustive]
    PerplexityTooLarge {
        /// The perplexity.
        perplexity: f64,
        /// The largest allowed.
        limit: f64,
        /// Number of points.
        n_points: usize,
    },
    /// A perplexity above the number of neighbors it would be spread over.
    #[error(
        "perplexity {perplexity} needs at least that many neighbors, got {n_neighbors}; lower the perplexity or give \
         more neighbors, best {wanted}"
    )]
    #[non_exhaustive]
    PerplexityAboveNeighbors {
        /// The perplexity.
        perplexity: f64,
        /// Neighbors there are.
        n_neighbors: usize,
        /// Neighbors it is usually given.
        wanted: usize,
    },
    /// Fewer stored neighbors than a perplexity is spread over, where that is not to be passed over.
    #[error(
        "perplexity {perplexity} spreads over {wanted} neighbors, only {stored} are stored; store more neighbors"
    )]
    #[non_exhaustive]
    TooFewStored {
        /// The perplexity.
        perplexity: f64,
        /// Neighbors it is spread over.
        wanted: usize,
        /// Neighbors stored.
        stored: usize,
    },
    /// A bandwidth that is not a positive finite number.
    #[error("sigma {sigma} is not a finite number above 0")]
    #[non_exhaustive]
    BadSigma {
        /// The bandwidth.
        sigma: f64,
    },
    /// A number of neighbors outside what is stored or possible.
    #[error("{n_neighbors} neighbors are outside 1..={available}, the neighbors there are")]
    #[non_exhaustive]
    BadNeighborCount {
        /// Neighbors asked for.
        n_neighbors: usize,
        /// Neighbors there are.
        available: usize,
    },
    /// No points, or a single one.
    #[error("affinities need at least 2 points, got {n_points}")]
    #[non_exhaustive]
    TooFewPoints {
        /// Number of points.
        n_points: usize,
    },
    /// A matrix that is not square.
    #[error("a matrix of affinities must be square, got {n_rows} x {n_columns}")]
    #[non_exhaustive]
    NotSquare {
        /// Number of rows.
        n_rows: usize,
        /// Number of columns.
        n_columns: usize,
    },
    /// A weight that is NaN, infinite or negative.
    #[error("row {row}, column {column}: weight {weight} is not a finite number of at least 0")]
    #[non_exhaustive]
    BadWeight {
        /// Row of the weight.
        row: usize,
        /// Its column.
        column: usize,
        /// The weight.
        weight: f64,
    },
    /// A point that is joined to itself.
    #[error("row {row} has a weight on the diagonal; points have no affinity to themselves, leave it out")]
    #[non_exhaustive]
    Diagonal {
        /// Row concerned.
        row: usize,
    },
    /// Values that differ from those of the transpose.
    #[error(
        "entry ({row}, {column}) is {forward} and ({column}, {row}) is {backward}; make the matrix symmetric"
    )]
    #[non_exhaustive]
    Asymmetric {
        /// Row of the entry.
        row: usize,
        /// Its column.
        column: usize,
        /// Its value.
        forward: f64,
        /// Value of the transposed entry.
        backward: f64,
    },
    /// A matrix of all pairs that does not fit in memory.
    #[error("all pairs of {n_points} points do not fit in memory; use a graph of nearest neighbors")]
    #[non_exhaustive]
    AllPairsTooLarge {
        /// Number of points.
        n_points: usize,
    },
    /// A value of a point that is NaN or infinite.
    #[error(transparent)]
    NonFinite(#[from] NonFinite),
    /// A graph or matrix without any weight.
    #[error("all weights are 0; at least one pair of points must be joined")]
    NoWeight,
    /// A neighbor row that breaks the promises of a graph.
    #[error(transparent)]
    Graph(#[from] GraphError),
    /// Lengths or offsets that do not fit together.
    #[error(transparent)]
    Shape(#[from] ShapeError),
    /// An index over other points than those the affinities were built on.
    #[error(
        "the index holds {n_indexed} points, the affinities were built on {n_points}; give the same points"
    )]
    #[non_exhaustive]
    OtherPoints {
        /// Points of the index.
        n_indexed: usize,
        /// Points of the affinities.
        n_points: usize,
    },
    /// Something asked of new rows that has no meaning for the family.
    #[error("{what} means nothing to {family} affinities; leave it unset")]
    #[non_exhaustive]
    NotApplicable {
        /// What was asked for.
        what: &'static str,
        /// The family.
        family: &'static str,
    },
    /// The neighbor index failed.
    #[error(transparent)]
    Neighbors(BackendError),
    /// Stopped by the caller.
    #[error(transparent)]
    Interrupted(#[from] Interrupted),
}

impl From<BackendError> for Error {
    fn from(error: BackendError) -> Self {
        if error.is_interrupted() { Self::Interrupted(Interrupted) } else { Self::Neighbors(error) }
    }
}

impl From<Error> for BackendError {
    fn from(error: Error) -> Self {
        match error {
            Error::Interrupted(interrupted) => interrupted.into(),
            Error::Neighbors(error) => error,
            error => Self::new(error),
        }
    }
}
