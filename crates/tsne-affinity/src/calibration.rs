//! The report of a calibration: what was asked for, what was attained, and where it could not be.

use std::fmt;

use crate::row::Calibrated;

/// Why a row has another perplexity than the one asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Reason {
    /// More neighbors than the perplexity are at exactly the smallest distance; they share the row evenly.
    Ties,
    /// The row has fewer neighbors than the perplexity; they share it evenly.
    TooFewNeighbors,
    /// The search ended early. Not known to happen.
    NotConverged,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ties => "too many neighbors at the smallest distance",
            Self::TooFewNeighbors => "fewer neighbors than the perplexity",
            Self::NotConverged => "the search did not converge",
        })
    }
}

/// A row that has another perplexity than the one asked for.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct UnreachedRow {
    /// The row.
    pub row: usize,
    /// The perplexity it has.
    pub perplexity: f64,
    /// Why.
    pub reason: Reason,
}

/// Something asked for that was changed; made for a warning.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Adjustment {
    /// A perplexity above the limit was lowered to it.
    #[non_exhaustive]
    PerplexityReduced {
        /// The perplexity asked for.
        requested: f64,
        /// The one used.
        used: f64,
        /// Number of points, from which the limit follows.
        n_points: usize,
    },
    /// A perplexity above the limit would have been lowered to one that is there already, and was left out.
    #[non_exhaustive]
    PerplexityDropped {
        /// The perplexity asked for.
        requested: f64,
        /// The one that stands for it.
        used: f64,
        /// Number of points, from which the limit follows.
        n_points: usize,
    },
    /// The graph stores fewer neighbors than the perplexity is usually given; all stored ones were used.
    #[non_exhaustive]
    FewNeighbors {
        /// The perplexity.
        perplexity: f64,
        /// Neighbors it is usually given.
        wanted: usize,
        /// Neighbors stored, and used.
        used: usize,
    },
}

impl fmt::Display for Adjustment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::PerplexityReduced { requested, used, n_points } => {
                write!(f, "perplexity {requested} is too high for {n_points} points, used {}", Short(used))
            }
            Self::PerplexityDropped { requested, used, n_points } => write!(
                f,
                "perplexity {requested} is too high for {n_points} points, left out because {} is used already",
                Short(used)
            ),
            Self::FewNeighbors { perplexity, wanted, used } => write!(
                f,
                "perplexity {} spreads over {wanted} neighbors, only {used} are stored",
                Short(perplexity)
            ),
        }
    }
}

/// A number with four decimals at most, for messages: thirds are long.
struct Short(f64);

impl fmt::Display for Short {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", (self.0 * 1e4).round() / 1e4)
    }
}

/// How one perplexity was met.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Scale {
    /// The perplexity used.
    pub perplexity: f64,
    /// Smallest perplexity of a row.
    pub attained_min: f64,
    /// Largest perplexity of a row.
    pub attained_max: f64,
    /// Rows that are not within 1e-6 of the perplexity, relatively, in ascending order.
    pub unreached: Vec<UnreachedRow>,
}

impl Scale {
    /// Of no rows yet.
    pub(crate) fn new(perplexity: f64) -> Self {
        Self { perplexity, attained_min: f64::INFINITY, attained_max: 0.0, unreached: Vec::new() }
    }

    /// Adds what was found in a row.
    #[inline]
    pub(crate) fn see(&mut self, row: usize, found: &Calibrated) {
        self.attained_min = self.attained_min.min(found.perplexity);
        self.attained_max = self.attained_max.max(found.perplexity);
        if let Some(reason) = found.unreached {
            self.unreached.push(UnreachedRow { row, perplexity: found.perplexity, reason });
        }
    }

    /// Adds what was found in consecutive parts of the rows, in their order.
    pub(crate) fn merge(mut scales: Vec<Self>, parts: impl IntoIterator<Item = Vec<Self>>) -> Vec<Self> {
        for part in parts {
            for (scale, part) in scales.iter_mut().zip(part) {
                scale.attained_min = scale.attained_min.min(part.attained_min);
                scale.attained_max = scale.attained_max.max(part.attained_max);
                scale.unreached.extend(part.unreached);
            }
        }
        scales
    }
}

/// How a calibration went: the affinities are usable whatever it says, the caveats travel with them.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Calibration {
    /// What was changed in what was asked for.
    pub adjustments: Vec<Adjustment>,
    /// Neighbors each row is spread over.
    pub n_neighbors: usize,
    /// One entry per perplexity used, ascending. None for a family without a perplexity.
    pub scales: Vec<Scale>,
}

impl Calibration {
    /// Of a family without a perplexity.
    pub(crate) fn without_scales(n_neighbors: usize) -> Self {
        Self { n_neighbors, ..Self::default() }
    }
}
