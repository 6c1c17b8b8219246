//! What a fit says about itself: the plan it followed, what it had to change, how long each stage took.

use std::fmt;
use std::time::Duration;

use tsne_optim::StopReason;

use crate::Plan;

/// Stages of a fit, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Stage {
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
    /// All rows are equal: the map shows the starting noise, spread out.
    ConstantData,
    /// Given initial positions are wider than is good for a map.
    WideInitialPositions {
        /// Largest standard deviation of a column.
        std: f64,
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
            Self::WideInitialPositions { .. } => "W06",
        }
    }

    /// Code of the error this becomes in strict mode.
    pub(crate) fn strict_code(&self) -> &'static str {
        match self {
            Self::PerplexityReduced { .. } => "E202",
            Self::WideInitialPositions { .. } => "E208",
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
            Self::WideInitialPositions { std } => write!(
                f,
                "the initial positions have a standard deviation of {std}; above 0.01 a map often ends poorly"
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
    /// What had to be changed or deserves attention.
    pub warnings: Vec<Warning>,
    /// Wall time of each stage, in order.
    pub timings: Vec<(Stage, Duration)>,
    /// Iterations made over both phases.
    pub n_iter: usize,
    /// Divergence of the true P at the final positions.
    pub kl_divergence: f64,
    /// Why the descent ended.
    pub stop: StopReason,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.plan)?;
        for (stage, time) in &self.timings {
            writeln!(f, "{stage:<20}{:>9.3} s", time.as_secs_f64())?;
        }
        writeln!(f, "KL divergence {:.4} after {} iterations", self.kl_divergence, self.n_iter)?;
        for warning in &self.warnings {
            writeln!(f, "warning {}: {warning}", warning.code())?;
        }
        Ok(())
    }
}
