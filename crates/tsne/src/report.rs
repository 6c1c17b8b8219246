//! What a fit says about itself: the plan it followed, what it had to change, how long each stage took.

use std::fmt;
use std::time::Duration;

use tsne_optim::{Recovery, StopReason};

use crate::Plan;
use crate::init::SpectralFallback;

/// Stages of a fit, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Stage {
    /// Reducing the points to principal components.
    Pca,
    /// Finding nearest neighbors.
    Neighbors,
    /// Calibrating and symmetrizing the affinities.
    Affinities,
    /// Computing the initial positions.
    Initialization,
    /// The phase of early exaggeration.
    EarlyExaggeration,
    /// The main phase.
    Optimization,
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Pca => "principal components",
            Self::Neighbors => "neighbors",
            Self::Affinities => "affinities",
            Self::Initialization => "initialization",
            Self::EarlyExaggeration => "early exaggeration",
            Self::Optimization => "optimization",
        })
    }
}

/// Something a user should know about a map that was made all the same.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Warning {
    /// The perplexity was above (n − 1) / 3 and was reduced.
    PerplexityReduced {
        /// The value asked for.
        requested: f64,
        /// The value used.
        used: f64,
    },
    /// Rows equal to an earlier row.
    DuplicateRows {
        /// How many there are.
        count: usize,
    },
    /// Affinities do not connect all points: where the parts come to lie, relative to each other, is up to the initial
    /// positions.
    Disconnected {
        /// Number of connected components, isolated points included.
        n_components: usize,
        /// Points without any affinity.
        n_isolated: usize,
    },
    /// The initialization asked for could not be had.
    InitializationReplaced {
        /// The one asked for.
        requested: &'static str,
        /// The one used.
        used: &'static str,
        /// Why.
        reason: String,
    },
    /// Spectral initial positions are not those of the exact eigenvectors.
    SpectralFallback(SpectralFallback),
    /// The map diverged, went back, and went on with half the learning rate.
    Recovered(Recovery),
    /// The map became too wide for the memory a mesh may take; the tree was used in its place.
    MeshTooLarge {
        /// Bytes the mesh would have taken when this first happened.
        bytes: f64,
        /// The bound.
        max_bytes: usize,
    },
    /// All rows are equal: the map shows the starting noise, spread out.
    ConstantData,
    /// Given initial positions are wider than is good for a map.
    WideInitialPositions {
        /// Largest standard deviation of a column.
        std: f64,
    },
    /// The points of the finished map still move: it has not come to rest.
    StillMoving {
        /// Median length of the last step, in units of the map's longest side.
        share: f64,
    },
    /// The points of the finished map have not come apart.
    Collapsed {
        /// The map's longest side.
        span: f64,
        /// Iterations made.
        n_iter: usize,
    },
}

impl Warning {
    /// Stable code of the warning, `W01` and so on.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::PerplexityReduced { .. } => "W01",
            Self::DuplicateRows { .. } => "W02",
            Self::ConstantData => "W03",
            Self::InitializationReplaced { .. } => "W13",
            Self::SpectralFallback(_) => "W14",
            Self::Disconnected { .. } => "W05",
            Self::WideInitialPositions { .. } => "W06",
            Self::Recovered(_) => "W07",
            Self::MeshTooLarge { .. } => "W08",
            Self::StillMoving { .. } => "W09",
            Self::Collapsed { .. } => "W12",
        }
    }

    /// Whether it speaks of the map as the last run left it, and is out of date after another.
    pub(crate) fn is_of_last_run(&self) -> bool {
        matches!(self, Self::StillMoving { .. } | Self::Collapsed { .. })
    }

    /// Code of the error this becomes in strict mode.
    pub(crate) fn strict_code(&self) -> &'static str {
        match self {
            Self::PerplexityReduced { .. } => "E202",
            Self::WideInitialPositions { .. } => "E208",
            Self::SpectralFallback(_) => "E402",
            _ => "E207",
        }
    }
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::PerplexityReduced { requested, used } => {
                write!(f, "perplexity {requested} is too large for so few points and was reduced to {used}")
            }
            Self::DuplicateRows { count: 1 } => {
                f.write_str("1 row repeats an earlier row; it is kept and lies close to it in the map")
            }
            Self::DuplicateRows { count } => {
                write!(
                    f,
                    "{count} rows repeat an earlier row; they are kept and lie close together in the map"
                )
            }
            Self::ConstantData => {
                f.write_str("all rows are equal; the map shows nothing but its random start")
            }
            Self::Disconnected { n_components, n_isolated } => write!(
                f,
                "the affinities have {n_components} components ({n_isolated} points without any); distances between \
                 them mean nothing in the map"
            ),
            Self::InitializationReplaced { requested, used, reason } => {
                write!(f, "initialization {used} in the place of {requested}: {reason}")
            }
            Self::SpectralFallback(SpectralFallback::NotConverged { residual }) => {
                write!(f, "the eigenvectors of the initialization have converged to {residual:.1e} only")
            }
            Self::SpectralFallback(_) => {
                f.write_str("the affinities have no eigenvectors to start from; the start is random")
            }
            Self::Recovered(Recovery { iteration, back_to, learning_rate, reduced_to, .. }) => write!(
                f,
                "the map diverged at iteration {iteration}; went back to iteration {back_to}, learning rate \
                 {learning_rate} -> {reduced_to}"
            ),
            Self::MeshTooLarge { bytes, max_bytes } => write!(
                f,
                "the map is too wide for a mesh ({bytes:.3e} bytes of {max_bytes} allowed); computed by the tree"
            ),
            Self::WideInitialPositions { std } => write!(
                f,
                "the initial positions have a standard deviation of {std}; above 0.01 a map often ends poorly"
            ),
            Self::StillMoving { share } => write!(
                f,
                "still moving: the median step is {:.1} % of the map's width; go on with 250 iterations more",
                100.0 * share
            ),
            Self::Collapsed { span, n_iter } => write!(
                f,
                "the map has collapsed: it is {span:.1e} wide after {n_iter} iterations; lower early_exaggeration or \
                 raise n_iter"
            ),
        }
    }
}

/// Account of a fit.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Report {
    /// What was chosen, and why.
    pub plan: Plan,
    /// What had to be changed or deserves attention; whether the map still moves or has collapsed, as its last run of at
    /// least 100 iterations in all left it.
    pub warnings: Vec<Warning>,
    /// Wall time of each stage, in order.
    pub timings: Vec<(Stage, Duration)>,
    /// Share of the true neighbors that an approximate search has found, estimated on a hundred points; none where the
    /// search was exact or not made here, or the points are sparse.
    pub recall: Option<f64>,
    /// Iterations made in all runs.
    pub n_iter: usize,
    /// Divergence of the true P at the final positions.
    pub kl_divergence: f64,
    /// Why the descent ended.
    pub stop: StopReason,
}

impl Report {
    /// Of a map that has not been run.
    pub(crate) fn new(plan: Plan, kl_divergence: f64) -> Self {
        let stop = StopReason::Completed;
        Self { plan, warnings: Vec::new(), timings: Vec::new(), recall: None, n_iter: 0, kl_divergence, stop }
    }

    /// Adds a warning, unless there is one of its kind.
    pub(crate) fn warn_once(&mut self, warning: Warning) {
        if self.warnings.iter().all(|earlier| earlier.code() != warning.code()) {
            self.warnings.push(warning);
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.plan)?;
        for (stage, time) in &self.timings {
            writeln!(f, "{stage:<20}{:>9.3} s", time.as_secs_f64())?;
        }
        if let Some(recall) = self.recall {
            writeln!(f, "neighbors found {:>13.1} %, estimated", 100.0 * recall)?;
        }
        writeln!(f, "KL divergence {:.4} after {} iterations", self.kl_divergence, self.n_iter)?;
        for warning in &self.warnings {
            writeln!(f, "warning {}: {warning}", warning.code())?;
        }
        Ok(())
    }
}
