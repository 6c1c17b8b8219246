//! What a fit will do, decided before anything is computed, with a reason for every choice.

use std::fmt;

use tsne_affinity::{neighbors_for, perplexity_limit};
use tsne_optim::Phase;

use crate::config::Weights;
use crate::{Error, NegativeGradientMethod, Neighbors, Optimization, Tsne, auto, threads};

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
/// assert_eq!((&plan.perplexities[..], plan.n_neighbors), (&[30.0][..], Some(90)));
/// println!("{plan}");
/// # Ok::<(), tsne::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Plan {
    /// Number of points.
    pub n_points: usize,
    /// Number of features; none where no points are given.
    pub n_features: Option<usize>,
    /// Number of components of the map.
    pub n_components: usize,
    /// Principal components the points are reduced to first.
    pub pca: Option<usize>,
    /// Perplexities used, ascending, reduced where there are too few points; none where neighbors are weighed alike or
    /// affinities are given.
    pub perplexities: Vec<f64>,
    /// Neighbors per point; none where affinities are given.
    pub n_neighbors: Option<usize>,
    /// How they are found; none where an index or affinities are given.
    pub neighbors: Option<Chosen<Neighbors>>,
    /// How the repulsion is computed.
    pub negative_gradient_method: Chosen<NegativeGradientMethod>,
    /// Learning rate of each phase.
    pub learning_rates: Vec<f64>,
    /// Number of threads.
    pub n_threads: usize,
}

/// The shape of what a fit is given: an [`Input`](crate::Input) without its numbers, for [`Tsne::plan_for`].
///
/// ```
/// use tsne::{InputShape, Tsne};
///
/// let plan = Tsne::new().plan_for(InputShape::index(1797))?;
/// assert!(plan.neighbors.is_none() && plan.n_features.is_none());
/// assert_eq!(Tsne::new().plan_for(InputShape::points(1797, 64))?, Tsne::new().plan(1797, 64)?);
/// # Ok::<(), tsne::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub struct InputShape {
    pub(crate) n_points: usize,
    pub(crate) n_features: Option<usize>,
    pub(crate) is_sparse: bool,
    /// Whether neighbors come from an index.
    pub(crate) has_index: bool,
    /// Whether affinities are given.
    pub(crate) has_affinities: bool,
}

impl InputShape {
    /// Dense points, whose neighbors are searched for.
    pub fn points(n_points: usize, n_features: usize) -> Self {
        let n_features = Some(n_features);
        Self { n_points, n_features, is_sparse: false, has_index: false, has_affinities: false }
    }

    /// An index of so many points, or distances between them, without the points.
    pub fn index(n_points: usize) -> Self {
        Self { n_points, n_features: None, is_sparse: false, has_index: true, has_affinities: false }
    }

    /// Affinities of so many points, without the points.
    pub fn affinities(n_points: usize) -> Self {
        Self { n_points, n_features: None, is_sparse: false, has_index: false, has_affinities: true }
    }

    /// Adds the points, of so many features, to an index or to affinities.
    pub fn with_points(mut self, n_features: usize) -> Self {
        self.n_features = Some(n_features);
        self
    }

    /// Whether the points are sparse.
    pub fn sparse(mut self, is_sparse: bool) -> Self {
        self.is_sparse = is_sparse;
        self
    }
}

impl<const D: usize> Tsne<D> {
    /// Checks every parameter and resolves every `Auto` for dense points of this shape, computing nothing.
    ///
    /// # Errors
    /// The first parameter or dimension out of its range.
    pub fn plan(&self, n_points: usize, n_features: usize) -> Result<Plan, Error> {
        self.plan_for(InputShape::points(n_points, n_features))
    }

    /// [`plan`](Self::plan) for whatever a fit can begin with: the plan in the report of that fit.
    ///
    /// # Errors
    /// As [`plan`](Self::plan).
    pub fn plan_for(&self, shape: InputShape) -> Result<Plan, Error> {
        let InputShape { n_points, n_features, is_sparse, has_index, has_affinities } = shape;
        if n_points == 0 || n_features == Some(0) {
            return Err(Error::NoData { n_points, n_features: n_features.unwrap_or(0) });
        }
        if n_points == 1 {
            return Err(Error::OnePoint);
        }
        self.check()?;
        let (mut perplexities, mut n_neighbors) = (Vec::new(), None);
        if !has_affinities {
            match &self.weights {
                Weights::Perplexities(requested) => {
                    let limit = perplexity_limit(n_points);
                    perplexities.extend(requested.iter().map(|p| p.min(limit)));
                    perplexities.sort_unstable_by(f64::total_cmp);
                    // Those above the limit become one.
                    while perplexities.len() > 1 && perplexities[perplexities.len() - 2] == limit {
                        perplexities.pop();
                    }
                    n_neighbors = perplexities.last().map(|&p| neighbors_for(p).min(n_points - 1));
                }
                Weights::Uniform(k) => n_neighbors = Some((*k).min(n_points - 1)),
            }
        }
        let rate = |phase: &Phase| phase.learning_rate.resolve(n_points, phase.exaggeration);
        let searches = !has_index && !has_affinities;
        let pca = self.pca.zip(n_features.filter(|_| searches)).map(|(k, p)| k.min(p).min(n_points));
        // Principal components are dense, whatever they are of.
        let is_sparse = is_sparse && pca.is_none();
        Ok(Plan {
            n_points,
            n_features,
            n_components: D,
            pca,
            perplexities,
            n_neighbors,
            neighbors: searches.then(|| auto::neighbors(self.neighbors, n_points, is_sparse, &self.metric)),
            negative_gradient_method: auto::negative_gradient_method(self.run.method, n_points, D),
            learning_rates: self.phases().iter().map(|(_, phase)| rate(phase)).collect(),
            n_threads: threads::resolve(self.run.n_jobs)?,
        })
    }
}

impl Plan {
    /// The plan of a map that is made of positions and affinities.
    pub(crate) fn of_run<const D: usize>(run: &Optimization<D>, n_points: usize) -> Result<Self, Error> {
        let phase = run.phase;
        Ok(Self {
            n_points,
            n_features: None,
            n_components: D,
            pca: None,
            perplexities: Vec::new(),
            n_neighbors: None,
            neighbors: None,
            negative_gradient_method: auto::negative_gradient_method(run.method, n_points, D),
            learning_rates: vec![phase.learning_rate.resolve(n_points, phase.exaggeration)],
            n_threads: threads::resolve(run.n_jobs)?,
        })
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { n_points, n_components, n_threads, .. } = self;
        let mut features = self.n_features.map(|p| format!(" of {p} features")).unwrap_or_default();
        if let Some(k) = self.pca {
            features += &format!(" (reduced to {k} principal components)");
        }
        writeln!(f, "{n_points} points{features} to {n_components} components, {n_threads} threads")?;
        let mut weights = match &self.perplexities[..] {
            [] => "uniform weights".to_owned(),
            perplexities => format!("perplexity {}", joined(perplexities)),
        };
        match self.n_neighbors {
            Some(k) => weights += &format!(", {k} neighbors"),
            None => "affinities as given".clone_into(&mut weights),
        }
        match (&self.neighbors, self.n_neighbors) {
            (Some(chosen), _) => writeln!(f, "{weights}: {} ({})", chosen.value, chosen.reason)?,
            (None, Some(_)) => writeln!(f, "{weights}: from the index given")?,
            (None, None) => writeln!(f, "{weights}")?,
        }
        let method = &self.negative_gradient_method;
        let rates = joined(&self.learning_rates);
        writeln!(f, "repulsion: {} ({}), learning rates {rates}", method.value, method.reason)
    }
}

fn joined(numbers: &[f64]) -> String {
    let numbers: Vec<String> = numbers.iter().map(f64::to_string).collect();
    numbers.join(", ")
}
