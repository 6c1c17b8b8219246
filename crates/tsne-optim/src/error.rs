//! What can go wrong in a descent.

use tsne_core::BackendError;

/// Error of this crate.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Fewer than two points.
    #[error("a map needs at least 2 points, got {n_points}")]
    TooFewPoints {
        /// Number of points given.
        n_points: usize,
    },
    /// Two inputs that must have one row a point do not.
    #[error("{what} has {got} rows, but there are {expected} points; pass one row a point")]
    LengthMismatch {
        /// The input concerned.
        what: &'static str,
        /// Rows it must have.
        expected: usize,
        /// Rows it has.
        got: usize,
    },
    /// A row of the affinities that is not a row of weights.
    #[error("affinities, row {row}: entry {position} (column {column}) is {value}; {requirement}")]
    BadAffinity {
        /// Row concerned.
        row: usize,
        /// Position within the row.
        position: usize,
        /// Column of the entry.
        column: u32,
        /// Value of the entry.
        value: f64,
        /// What was expected instead.
        requirement: &'static str,
    },
    /// A row of the affinities whose columns and values differ in number.
    #[error("affinities, row {row}: {columns} columns but {values} values; give one value a column")]
    RaggedAffinity {
        /// Row concerned.
        row: usize,
        /// Number of columns.
        columns: usize,
        /// Number of values.
        values: usize,
    },
    /// A position, velocity or gain that is NaN or infinite.
    #[error("{what} of point {point} is {value} on axis {axis}; all must be finite")]
    NonFinite {
        /// What is not finite: "position", "velocity" or "gain".
        what: &'static str,
        /// The point.
        point: usize,
        /// The axis.
        axis: usize,
        /// The value.
        value: f64,
    },
    /// A parameter outside its range.
    #[error("{name} must be {requirement}, got {value}")]
    BadParameter {
        /// Name of the parameter.
        name: &'static str,
        /// Its range.
        requirement: &'static str,
        /// The value given.
        value: f64,
    },
    /// A learning rate that depends on how many new points there are.
    #[error(
        "new points need a fixed learning rate, as each is placed alone; the rules for whole maps depend on their \
         number; use LearningRate::Fixed, 0.1 is usual"
    )]
    RateOfManyPoints,
    /// Positions were no longer finite, or a million times as far out as at the start of the run (or as 1). They are those
    /// before the step; velocity and gains start anew.
    #[error(
        "the map diverged at iteration {iteration} with learning rate {learning_rate}; \
         lower the learning rate or set max_step_norm"
    )]
    Diverged {
        /// Iteration of the current call at which it happened, from 1.
        iteration: usize,
        /// The learning rate in use.
        learning_rate: f64,
    },
    /// The repulsion failed.
    #[error("repulsion: {0}")]
    Repulsion(#[source] BackendError),
}
