//! What can go wrong when neighbors are searched.

use tsne_core::{BackendError, GraphError, Interrupted, NonFinite, ShapeError};

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
    /// A graph or a map that has other rows than the points it belongs to.
    #[error("there are {expected} points but {got} rows; pass what belongs together")]
    RowMismatch {
        /// Number of points.
        expected: usize,
        /// Rows of the graph or map.
        got: usize,
    },
    /// A matrix of distances that is not square.
    #[error("a matrix of distances is square, got {rows} rows and {columns} columns")]
    NotSquare {
        /// Its rows.
        rows: usize,
        /// Its columns.
        columns: usize,
    },
    /// A distance that differs from its reverse.
    #[error(
        "distance ({row}, {column}) is {distance}, but ({column}, {row}) is {reverse}; make the matrix symmetric"
    )]
    Asymmetric {
        /// Row of the distance.
        row: usize,
        /// Its column.
        column: usize,
        /// Its value.
        distance: f64,
        /// Value with row and column exchanged.
        reverse: f64,
    },
    /// A neighbor graph that breaks its promises.
    #[error(transparent)]
    Graph(#[from] GraphError),
    /// Points of a kind that the index does not take.
    #[error("{index} does not take {kind} points; convert them first")]
    UnsupportedPoints {
        /// The index.
        index: &'static str,
        /// Kind of the points: dense, bytes or sparse.
        kind: &'static str,
    },
    /// A parameter of an index that is out of its range.
    #[error("{index}: {parameter} is {value}, must be {bound}")]
    BadIndexParameter {
        /// The index.
        index: &'static str,
        /// The parameter.
        parameter: &'static str,
        /// Its value.
        value: usize,
        /// What it must be.
        bound: &'static str,
    },
    /// A metric that an index does not search under.
    #[error(
        "{index} does not support {metric}; use a metric that sums over features, such as euclidean, or another index"
    )]
    UnsupportedMetric {
        /// The index.
        index: &'static str,
        /// The metric.
        metric: &'static str,
    },
    /// A metric that sparse points are not searched under.
    #[error(
        "{metric} is not available for sparse points; pass them dense, or use euclidean, sqeuclidean, cosine, dot, \
         manhattan, hamming, jaccard or another metric of presence"
    )]
    DenseMetric {
        /// The metric.
        metric: &'static str,
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
    /// A metric nobody knows.
    #[error("no metric is called {name:?}; known are {}", known.join(", "))]
    UnknownMetric {
        /// Name asked for.
        name: String,
        /// The names there are.
        known: Vec<&'static str>,
    },
    /// A metric without a parameter it cannot do without.
    #[error("{metric} needs {parameter}; pass it among the metric's parameters")]
    MissingParameter {
        /// The metric.
        metric: &'static str,
        /// What is missing.
        parameter: &'static str,
    },
    /// A parameter given to a metric that has none of this name.
    #[error("{metric} takes no parameter {parameter}; leave it out")]
    SuperfluousParameter {
        /// The metric.
        metric: &'static str,
        /// What it does not take.
        parameter: &'static str,
    },
    /// A parameter of a metric that is out of its range.
    #[error("{metric}: {parameter} is {value}, must be {bound}")]
    BadParameter {
        /// The metric.
        metric: &'static str,
        /// The parameter; one entry of it, where there are many.
        parameter: &'static str,
        /// Its value.
        value: f64,
        /// What it must be.
        bound: &'static str,
    },
    /// A parameter of a metric that has the wrong number of entries.
    #[error("{metric}: {parameter} has {got} entries, must have {expected}")]
    ParameterLength {
        /// The metric.
        metric: &'static str,
        /// The parameter.
        parameter: &'static str,
        /// Entries it must have.
        expected: usize,
        /// Entries it has.
        got: usize,
    },
    /// A row for which the metric is not defined.
    #[error("row {row}: {metric} needs {need}")]
    BadRow {
        /// Row concerned.
        row: usize,
        /// The metric.
        metric: &'static str,
        /// What the row must be.
        need: &'static str,
    },
    /// A distance that is not a finite number of at least 0, from a metric of the caller's own.
    #[error("the distance of row {row} to point {point} is {distance}, must be finite and not negative")]
    BadDistance {
        /// Row concerned.
        row: usize,
        /// The other point.
        point: usize,
        /// The distance.
        distance: f64,
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

/// Checks a number of neighbors against the most there can be.
pub(crate) fn check_k(k: usize, max: usize) -> Result<(), Error> {
    if k == 0 || k > max { Err(Error::NeighborCount { k, max }) } else { Ok(()) }
}

/// Checks the features of queries against those of the index.
pub(crate) fn check_features(expected: usize, got: usize) -> Result<(), Error> {
    if expected == got { Ok(()) } else { Err(Error::FeatureMismatch { expected, got }) }
}
