//! Errors of the facade, each with a stable code and a remedy.

use tsne_core::{BackendError, NonFinite, ShapeError};

use crate::Stage;

/// Why there is no map.
///
/// [`code`](Self::code) is stable and shared with the command line; [`help`](Self::help) says what to change.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// No rows or no columns.
    #[error("the data have {n_points} rows and {n_features} columns")]
    NoData {
        /// Number of rows.
        n_points: usize,
        /// Number of columns.
        n_features: usize,
    },
    /// A single row.
    #[error("1 sample: a map needs at least 2 rows")]
    OnePoint,
    /// Missing or infinite values.
    #[error("{count} values are NaN or infinity, the first in row {}, column {}: {}", .first[0].row + 1, .first[0].column + 1, .first[0].value)]
    NonFinite {
        /// How many there are.
        count: usize,
        /// The first of them, five at most; rows and columns count from 0 here and from 1 in the message.
        first: Vec<NonFinite>,
    },
    /// Data of the wrong shape.
    #[error(transparent)]
    Shape(#[from] ShapeError),
    /// An option that does not know this value.
    #[error("unknown {option} {value:?}; known are {}", .expected.join(", "))]
    UnknownValue {
        /// Name of the option.
        option: &'static str,
        /// The value given.
        value: String,
        /// The values it knows.
        expected: Vec<&'static str>,
    },
    /// A perplexity that cannot be: not a number of at least 1, or, in strict mode, above the limit.
    #[error("perplexity must be {requirement}, got {perplexity}")]
    Perplexity {
        /// The value given.
        perplexity: f64,
        /// Its range.
        requirement: String,
    },
    /// A number outside its range.
    #[error("{name} must be {requirement}, got {value}")]
    Parameter {
        /// Name of the parameter.
        name: &'static str,
        /// Its range.
        requirement: &'static str,
        /// The value given.
        value: f64,
    },
    /// `n_jobs` of 0.
    #[error("n_jobs must not be 0; -1 means all cores")]
    ZeroJobs,
    /// The threads could not be started.
    #[error("starting {n_threads} threads failed: {message}")]
    Threads {
        /// Number of threads asked for.
        n_threads: usize,
        /// What the system said.
        message: String,
    },
    /// Initial positions for another number of points.
    #[error("{got} initial positions for {expected} points")]
    InitialPositions {
        /// Number of points.
        expected: usize,
        /// Number of positions given.
        got: usize,
    },
    /// An initial position that is NaN or infinite.
    #[error("initial position of point {}, axis {}: {}", .0.row, .0.column, .0.value)]
    InitialNonFinite(NonFinite),
    /// A warning in strict mode.
    #[error("{0}")]
    Strict(crate::Warning),
    /// The search for neighbors failed.
    #[error("neighbors: {0}")]
    Neighbors(#[source] BackendError),
    /// The affinities could not be computed.
    #[error("affinities: {0}")]
    Affinities(#[source] tsne_affinity::Error),
    /// The repulsion could not be set up.
    #[error("repulsion: {0}")]
    Repulsion(#[source] BackendError),
    /// The descent failed.
    #[error(transparent)]
    Descent(tsne_optim::Error),
    /// Stopped on request before there was a map.
    #[error("stopped on request during {stage}")]
    Interrupted {
        /// The stage that was running.
        stage: Stage,
    },
}

impl Error {
    /// Stable code of the error, `E101` and so on; none for an interruption, which is no fault.
    #[must_use]
    pub fn code(&self) -> Option<&'static str> {
        if let Some((code, _)) = self.fault_of_a_piece() {
            return Some(code);
        }
        Some(match self {
            Self::NoData { .. } => "E101",
            Self::OnePoint => "E102",
            Self::NonFinite { .. } => "E103",
            Self::Shape(ShapeError::TooManyPoints { .. }) => "E108",
            Self::Shape(_) => "E106",
            Self::UnknownValue { .. } => "E201",
            Self::Perplexity { .. } => "E202",
            Self::Parameter { .. } => "E205",
            Self::ZeroJobs => "E206",
            Self::Strict(warning) => warning.strict_code(),
            Self::InitialPositions { .. } => "E208",
            Self::InitialNonFinite(_) => "E209",
            Self::Threads { .. } => "E302",
            Self::Descent(tsne_optim::Error::Diverged { .. }) => "E401",
            Self::Neighbors(_) | Self::Affinities(_) | Self::Repulsion(_) | Self::Descent(_) => "E205",
            Self::Interrupted { .. } => return None,
        })
    }

    /// What to change.
    #[must_use]
    pub fn help(&self) -> String {
        if let Some((_, help)) = self.fault_of_a_piece() {
            return help.to_owned();
        }
        match self {
            Self::NoData { .. } | Self::OnePoint => {
                "pass one row a sample and one numeric column a feature".into()
            }
            Self::NonFinite { .. } => "drop these rows, fill the values in, or clean the data".into(),
            Self::Shape(_) => "pass a matrix with one row a sample".into(),
            Self::UnknownValue { value, expected, .. } => match nearest(value, expected) {
                Some(name) => format!("did you mean {name}?"),
                None => format!("use one of {}", expected.join(", ")),
            },
            Self::Perplexity { .. } => {
                "perplexity is the number of neighbors a point attends to; 30 is usual".into()
            }
            Self::Parameter { requirement, .. } => format!("choose {requirement}"),
            Self::ZeroJobs => "leave n_jobs out to use all cores".into(),
            Self::Threads { .. } => "ask for fewer threads".into(),
            Self::InitialPositions { expected, .. } => format!("pass {expected} positions"),
            Self::InitialNonFinite(_) => "replace it by a finite position".into(),
            Self::Strict(_) => "change the parameter, or leave strict mode".into(),
            Self::Descent(tsne_optim::Error::Diverged { .. }) => {
                "lower the learning rate, or set max_step_norm to 5".into()
            }
            Self::Neighbors(_) | Self::Affinities(_) | Self::Repulsion(_) | Self::Descent(_) => {
                "see the message for the value and its bound".into()
            }
            Self::Interrupted { .. } => "run again to go on".into(),
        }
    }

    /// Code and remedy of what a piece reports through the opaque error of its seam, where it is no matter of a
    /// parameter.
    fn fault_of_a_piece(&self) -> Option<(&'static str, &'static str)> {
        let (Self::Neighbors(error)
        | Self::Repulsion(error)
        | Self::Descent(tsne_optim::Error::Repulsion(error))) = self
        else {
            return None;
        };
        match error.get_ref().downcast_ref() {
            Some(tsne_neighbors::Error::DistanceOverflow { .. }) => {
                return Some(("E103", "scale the data down"));
            }
            Some(tsne_neighbors::Error::OutOfMemory { .. }) => {
                return Some(("E302", "use fewer points or a lower perplexity"));
            }
            _ => {}
        }
        match error.get_ref().downcast_ref() {
            Some(tsne_fft::Error::MeshTooLarge { .. }) => {
                Some(("E301", "choose the method bh, or wider cells by ints_in_interval"))
            }
            _ => None,
        }
    }
}

impl From<tsne_optim::Error> for Error {
    fn from(error: tsne_optim::Error) -> Self {
        match error {
            tsne_optim::Error::BadParameter { name, requirement, value } => {
                Self::Parameter { name, requirement, value }
            }
            other => Self::Descent(other),
        }
    }
}

/// The expected word that shares the most with `value`, if any comes close.
fn nearest(value: &str, expected: &[&'static str]) -> Option<&'static str> {
    let score = |name: &str| strsim::jaro_winkler(&value.to_lowercase(), name);
    expected.iter().copied().filter(|name| score(name) > 0.75).max_by(|a, b| score(a).total_cmp(&score(b)))
}
