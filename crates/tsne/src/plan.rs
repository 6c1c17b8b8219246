//! What a fit will do, decided before anything is computed, with a reason for every choice.

use std::fmt;

use crate::{NegativeGradientMethod, Neighbors};

/// A choice and why it was made.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Chosen<X> {
    /// The choice; never `Auto`.
    pub value: X,
    /// Why.
    pub reason: Reason,
}

/// Why a choice was made.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Reason {
    /// The user said so.
    Requested,
    /// `auto` decided, for the reason given.
    Auto(String),
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Requested => f.write_str("requested"),
            Self::Auto(why) => write!(f, "auto: {why}"),
        }
    }
}

/// The resolved parameters of a fit: a pure function of the configuration and the shape of the data.
///
/// ```
/// let plan = tsne::Tsne::new().plan(1797, 64)?;
/// assert_eq!((plan.perplexity, plan.n_neighbors), (30.0, 90));
/// println!("{plan}");
/// # Ok::<(), tsne::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Plan {
    /// Number of points.
    pub n_points: usize,
    /// Number of features.
    pub n_features: usize,
    /// Number of components of the map.
    pub n_components: usize,
    /// Perplexity used, reduced where there are too few points.
    pub perplexity: f64,
    /// Neighbors per point.
    pub n_neighbors: usize,
    /// How they are found.
    pub neighbors: Chosen<Neighbors>,
    /// How the repulsion is computed.
    pub negative_gradient_method: Chosen<NegativeGradientMethod>,
    /// Learning rates of early exaggeration and main phase.
    pub learning_rates: [f64; 2],
    /// Number of threads.
    pub n_threads: usize,
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { n_points, n_features, n_components, perplexity, n_neighbors, n_threads, .. } = self;
        writeln!(
            f,
            "{n_points} points of {n_features} features to {n_components} components, {n_threads} threads"
        )?;
        writeln!(
            f,
            "perplexity {perplexity}, {n_neighbors} neighbors: {} ({})",
            self.neighbors.value, self.neighbors.reason
        )?;
        writeln!(
            f,
            "repulsion: {} ({}), learning rates {} and {}",
            self.negative_gradient_method.value,
            self.negative_gradient_method.reason,
            self.learning_rates[0],
            self.learning_rates[1],
        )
    }
}
