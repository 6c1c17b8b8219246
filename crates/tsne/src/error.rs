//! Errors of the facade, each with a stable code and a remedy.

use tsne_core::{BackendError, NonFinite, ShapeError};

use crate::{LastMap, Stage};

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
    /// An empty list of perplexities.
    #[error("no perplexity is given")]
    NoPerplexity,
    /// A fit of nothing.
    #[error("neither points, nor an index, nor affinities are given")]
    NoInput,
    /// Inputs of different numbers of points.
    #[error("{what} is of {got} points, but {first} of {n_points}")]
    Contradiction {
        /// One input.
        first: &'static str,
        /// Its number of points.
        n_points: usize,
        /// The other.
        what: &'static str,
        /// Its number of points.
        got: usize,
    },
    /// New points for a map that keeps neither data nor an index.
    #[error(
        "this map keeps neither its data nor an index of them, and cannot find the neighbors of new points"
    )]
    NoReferenceData,
    /// New points for affinities without a rule for them.
    #[error("these affinities have no rule for new points")]
    NoNewRows,
    /// New points of another number of features.
    #[error("new points have {got} features, those of the map {expected}")]
    OtherFeatures {
        /// Features of the map's own points.
        expected: usize,
        /// Features of the new points.
        got: usize,
    },
    /// The affinities of new points failed.
    #[error("affinities of new points: {0}")]
    NewAffinities(#[source] BackendError),
    /// A callback stopped a run that propagates.
    #[error("a callback stopped the run at iteration {iteration}, KL divergence {error:.4}")]
    OptimizationInterrupted {
        /// Iteration of the run, from 1; its step was not made.
        iteration: usize,
        /// Divergence there.
        error: f64,
        /// The map there, unless the caller has it in hand.
        final_embedding: Option<LastMap>,
    },
    /// A callback failed.
    #[error("a callback failed at iteration {iteration}: {source}")]
    Callback {
        /// Iteration of the run, from 1; its step was not made.
        iteration: usize,
        /// Divergence there.
        error: f64,
        /// What the callback says.
        source: BackendError,
        /// The map there, unless the caller has it in hand.
        final_embedding: Option<LastMap>,
    },
    /// The map diverged more often than a run goes back.
    #[error("{source}")]
    Diverged {
        /// The last divergence.
        source: tsne_optim::Error,
        /// The positions last kept, unless the caller has them in hand.
        final_embedding: Option<LastMap>,
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
    /// A model that cannot be written or read.
    #[error(transparent)]
    Model(#[from] crate::ModelError),
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
            Self::Perplexity { .. } | Self::NoPerplexity => "E202",
            Self::NoInput => "E101",
            Self::Contradiction { .. } => "E106",
            Self::OtherFeatures { .. } => "E116",
            Self::NoReferenceData | Self::NoNewRows => "E207",
            Self::NewAffinities(_) => "E205",
            Self::Diverged { .. } => "E401",
            Self::OptimizationInterrupted { .. } | Self::Callback { .. } => return None,
            Self::Parameter { .. } => "E205",
            Self::ZeroJobs => "E206",
            Self::Strict(warning) => warning.strict_code(),
            Self::InitialPositions { .. } => "E208",
            Self::InitialNonFinite(_) => "E209",
            Self::Threads { .. } => "E302",
            Self::Neighbors(_) | Self::Affinities(_) | Self::Repulsion(_) | Self::Descent(_) => "E205",
            Self::Model(error) => error.code(),
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
            Self::NoInput => "pass points, an index, or affinities".into(),
            Self::Contradiction { .. } => "pass inputs of the same points, in the same order".into(),
            Self::OtherFeatures { expected, .. } => {
                format!("pass the same {expected} features, in the order of the map's own points")
            }
            Self::NoReferenceData => "fit an Arc<Data>, or call keep_data or keep_index".into(),
            Self::NoNewRows => {
                "fit by perplexity, or give the rows to PartialTsneEmbedding::from_rows".into()
            }
            Self::NewAffinities(_) => "see the message for the value and its bound".into(),
            Self::OptimizationInterrupted { .. } | Self::Callback { .. } => {
                "the error carries the map as it was".into()
            }
            Self::Diverged { .. } => "lower the learning rate, or set max_step_norm to 5".into(),
            Self::Perplexity { .. } | Self::NoPerplexity => {
                "perplexity is the number of neighbors a point attends to; 30 is usual".into()
            }
            Self::Parameter { requirement, .. } => format!("choose {requirement}"),
            Self::ZeroJobs => "leave n_jobs out to use all cores".into(),
            Self::Threads { .. } => "ask for fewer threads".into(),
            Self::InitialPositions { expected, .. } => format!("pass {expected} positions"),
            Self::InitialNonFinite(_) => "replace it by a finite position".into(),
            Self::Strict(_) => "change the parameter, or leave strict mode".into(),
            Self::Neighbors(_) | Self::Affinities(_) | Self::Repulsion(_) | Self::Descent(_) => {
                "see the message for the value and its bound".into()
            }
            Self::Model(error) => error.help().into(),
            Self::Interrupted { .. } => "run again to go on".into(),
        }
    }

    /// The map the error carries, if it does.
    #[must_use]
    pub fn into_last_map(self) -> Option<LastMap> {
        match self {
            Self::OptimizationInterrupted { final_embedding, .. }
            | Self::Callback { final_embedding, .. }
            | Self::Diverged { final_embedding, .. } => final_embedding,
            _ => None,
        }
    }

    /// Makes the error carry `map`, if it is one that does.
    pub(crate) fn with_map(mut self, map: impl FnOnce() -> LastMap) -> Self {
        if let Self::OptimizationInterrupted { final_embedding, .. }
        | Self::Callback { final_embedding, .. }
        | Self::Diverged { final_embedding, .. } = &mut self
        {
            *final_embedding = Some(map());
        }
        self
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
            Some(tsne_neighbors::Error::UnsupportedMetric { .. }) => {
                return Some(("E204", "choose another index, exact or nndescent, or another metric"));
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

impl From<tsne_affinity::Error> for Error {
    fn from(error: tsne_affinity::Error) -> Self {
        match error {
            tsne_affinity::Error::Interrupted(_) => Self::Interrupted { stage: Stage::Affinities },
            other => Self::Affinities(other),
        }
    }
}

impl From<tsne_optim::Error> for Error {
    fn from(error: tsne_optim::Error) -> Self {
        match error {
            tsne_optim::Error::BadParameter { name, requirement, value } => {
                Self::Parameter { name, requirement, value }
            }
            source @ tsne_optim::Error::Diverged { .. } => Self::Diverged { source, final_embedding: None },
            other => Self::Descent(other),
        }
    }
}

/// The expected word that shares the most with `value`, if any comes close.
fn nearest(value: &str, expected: &[&'static str]) -> Option<&'static str> {
    let score = |name: &str| strsim::jaro_winkler(&value.to_lowercase(), name);
    expected.iter().copied().filter(|name| score(name) > 0.75).max_by(|a, b| score(a).total_cmp(&score(b)))
}
