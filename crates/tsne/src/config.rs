//! The configuration: every parameter, its default, and its check.

#[cfg(feature = "serde")]
mod plain;

use std::sync::Arc;

use tsne_core::Seed;
use tsne_neighbors::Metric;
use tsne_optim::Phase;

use crate::callbacks::{Callback, Callbacks};
use crate::optimization::shared_setters;
use crate::{Error, Initialization, LearningRate, NegativeGradientMethod, Neighbors, Optimization, Stage};

/// Configuration of t-SNE with `D` components, 2 unless [`n_components`](Self::n_components) says otherwise.
///
/// Setters take and return the configuration and never fail; everything is checked at once by [`plan`](Self::plan),
/// with which every fit begins. Parameters carry the names of openTSNE; `docs/parameters.md` is the guide to them.
///
/// With the feature `serde` a configuration can be written and read: a table of the setters' names, in which
/// `early_exaggeration` and `main` are phases. What is left out has its default, a name that is not known is an error, and
/// so is a value out of range.
#[derive(Clone, Debug, PartialEq)]
#[must_use]
pub struct Tsne<const D: usize = 2> {
    pub(crate) weights: Weights,
    pub(crate) pca: Option<usize>,
    pub(crate) neighbors: Neighbors,
    pub(crate) metric: Metric,
    pub(crate) initialization: Initialization<D>,
    pub(crate) early_exaggeration: Phase,
    pub(crate) main: Phase,
    pub(crate) schedule: Option<Vec<Phase>>,
    pub(crate) run: Optimization<D>,
    pub(crate) seed: Seed,
}

/// How neighbors are weighed.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Weights {
    /// By Gaussians of these perplexities.
    Perplexities(Vec<f64>),
    /// All of this many alike.
    Uniform(usize),
}

impl Tsne<2> {
    /// The defaults, for a map in two dimensions.
    pub fn new() -> Self {
        Self {
            weights: Weights::Perplexities(vec![30.0]),
            pca: None,
            neighbors: Neighbors::Auto,
            metric: Metric::Euclidean,
            initialization: Initialization::Pca,
            early_exaggeration: Phase::early_exaggeration(),
            main: Phase::standard(),
            schedule: None,
            run: Optimization::new(),
            seed: Seed(42),
        }
    }

    /// What openTSNE 1.x defaults to: learning rate n / exaggeration in each phase, momentum 0.8 in both.
    ///
    /// Maps end at a lower divergence than by [`new`](Self::new), for the higher learning rate of the main phase.
    pub fn opentsne_v1() -> Self {
        Self::new().learning_rate(LearningRate::PerExaggeration).initial_momentum(0.8)
    }
}

impl Default for Tsne<2> {
    fn default() -> Self {
        Self::new()
    }
}

impl<const D: usize> Tsne<D> {
    /// Number of dimensions of the map, as a type: `Tsne::new().n_components::<3>()`. What belongs to maps of another
    /// dimension is dropped: given initial positions, and callbacks.
    pub fn n_components<const E: usize>(self) -> Tsne<E> {
        let Optimization {
            phase,
            method,
            theta,
            mesh,
            dof,
            callbacks_every_iters,
            propagate,
            n_jobs,
            strict,
            ..
        } = self.run;
        Tsne {
            weights: self.weights,
            pca: self.pca,
            neighbors: self.neighbors,
            metric: self.metric,
            initialization: match self.initialization {
                Initialization::Random => Initialization::Random,
                Initialization::Spectral => Initialization::Spectral,
                Initialization::Pca | Initialization::Positions(_) => Initialization::Pca,
            },
            early_exaggeration: self.early_exaggeration,
            main: self.main,
            schedule: self.schedule,
            run: Optimization {
                phase,
                method,
                theta,
                mesh,
                dof,
                callbacks: Callbacks::default(),
                callbacks_every_iters,
                propagate,
                n_jobs,
                strict,
            },
            seed: self.seed,
        }
    }

    /// Number of neighbors, smoothly counted, that a point attends to (\[M2\]). Default 30.
    ///
    /// Above (n − 1) / 3 it is reduced to that, or 1, with a warning in the report.
    pub fn perplexity(self, perplexity: f64) -> Self {
        self.perplexities(&[perplexity])
    }

    /// Several perplexities, whose Gaussians are mixed in every row: openTSNE's `perplexity` as a list (\[M22\]).
    pub fn perplexities(mut self, perplexities: &[f64]) -> Self {
        self.weights = Weights::Perplexities(perplexities.to_vec());
        self
    }

    /// Weighs this many nearest neighbors alike, in the place of a perplexity: openTSNE's `Uniform` (\[M25\]). Half the
    /// perplexity gives much the same map for a sixth of the entries.
    pub fn n_neighbors(mut self, n_neighbors: usize) -> Self {
        self.weights = Weights::Uniform(n_neighbors);
        self
    }

    /// Reduces the points to this many principal components before anything else ([`pca`](crate::pca)); 50 is usual for
    /// thousands of features. Default none.
    ///
    /// No more than there are points or features. The map keeps the components, and places new points by them. Not used
    /// where neighbors or affinities are given.
    pub fn pca(mut self, n_components: impl Into<Option<usize>>) -> Self {
        self.pca = n_components.into();
        self
    }

    /// How nearest neighbors are found. Default `Auto`.
    pub fn neighbors(mut self, neighbors: Neighbors) -> Self {
        self.neighbors = neighbors;
        self
    }

    /// Distance between points, with its parameters. Default Euclidean.
    pub fn metric(mut self, metric: Metric) -> Self {
        self.metric = metric;
        self
    }

    /// Where the points start. Default `Pca`.
    pub fn initialization(mut self, initialization: Initialization<D>) -> Self {
        self.initialization = initialization;
        self
    }

    /// Step size of both phases. Default `Auto`, max(200, n / 12).
    pub fn learning_rate(mut self, learning_rate: LearningRate) -> Self {
        self.early_exaggeration.learning_rate = learning_rate;
        self.main.learning_rate = learning_rate;
        self
    }

    /// Factor on the attraction in the first phase. Default 12.
    pub fn early_exaggeration(mut self, exaggeration: f64) -> Self {
        self.early_exaggeration.exaggeration = exaggeration;
        self
    }

    /// Iterations of the first phase. Default 250.
    pub fn early_exaggeration_iter(mut self, n_iter: usize) -> Self {
        self.early_exaggeration.n_iter = n_iter;
        self
    }

    /// Factor on the attraction in the main phase. Default 1.
    pub fn exaggeration(mut self, exaggeration: f64) -> Self {
        self.main.exaggeration = exaggeration;
        self
    }

    /// Iterations of the main phase. Default 500.
    pub fn n_iter(mut self, n_iter: usize) -> Self {
        self.main.n_iter = n_iter;
        self
    }

    /// Momentum of the first phase. Default 0.5.
    pub fn initial_momentum(mut self, momentum: f64) -> Self {
        self.early_exaggeration.momentum = momentum;
        self
    }

    /// Momentum of the main phase. Default 0.8.
    pub fn final_momentum(mut self, momentum: f64) -> Self {
        self.main.momentum = momentum;
        self
    }

    /// Bound on the norm of each point's gradient. Default none.
    pub fn max_grad_norm(mut self, bound: Option<f64>) -> Self {
        self.early_exaggeration.max_grad_norm = bound;
        self.main.max_grad_norm = bound;
        self
    }

    /// Bound on the norm of each point's step. Default 5.
    pub fn max_step_norm(mut self, bound: Option<f64>) -> Self {
        self.early_exaggeration.max_step_norm = bound;
        self.main.max_step_norm = bound;
        self
    }

    /// Added to a gain after its decay. Default 0.01.
    pub fn min_gain(mut self, min_gain: f64) -> Self {
        self.early_exaggeration.min_gain = min_gain;
        self.main.min_gain = min_gain;
        self
    }

    /// Phases of any number and length in the place of the two, for instance an exaggeration that falls in steps. What
    /// the setters above say of the two phases is not used then.
    pub fn schedule(mut self, phases: impl IntoIterator<Item = Phase>) -> Self {
        self.schedule = Some(phases.into_iter().collect());
        self
    }

    /// Seed of all randomness. Default 42; equal seeds give equal bits.
    pub fn random_state(mut self, seed: u64) -> Self {
        self.seed = Seed(seed);
        self
    }

    shared_setters!(run);

    /// The phases of a fit in order, as they are reported.
    pub(crate) fn phases(&self) -> Vec<(Stage, Phase)> {
        match &self.schedule {
            Some(phases) => phases.iter().map(|&phase| (Stage::Optimization, phase)).collect(),
            None => {
                vec![(Stage::EarlyExaggeration, self.early_exaggeration), (Stage::Optimization, self.main)]
            }
        }
    }

    /// What a map keeps for further runs: the parameters of the main phase, without exaggeration.
    pub(crate) fn further_runs(&self) -> Optimization<D> {
        let phase = Phase { n_iter: 500, exaggeration: 1.0, ..self.main };
        Optimization { phase, ..self.run.clone() }
    }

    /// Checks all that does not depend on the data.
    pub(crate) fn check(&self) -> Result<(), Error> {
        const { assert!(1 <= D && D <= 3, "a map has 1, 2 or 3 components") };
        self.run.check()?;
        for (_, phase) in self.phases() {
            phase.validate()?;
        }
        if self.pca == Some(0) {
            let (name, requirement) = ("pca", "at least 1 component");
            return Err(Error::Parameter { name, requirement, value: 0.0 });
        }
        match &self.weights {
            Weights::Perplexities(perplexities) => {
                let legal = |p: &f64| p.is_finite() && *p >= 1.0;
                let Some(&perplexity) = perplexities.iter().find(|p| !legal(p)) else {
                    if perplexities.is_empty() {
                        return Err(Error::NoPerplexity);
                    }
                    return Ok(());
                };
                let requirement = "a finite number of at least 1".to_owned();
                Err(Error::Perplexity { perplexity, requirement })
            }
            Weights::Uniform(0) => {
                let (name, requirement) = ("n_neighbors", "at least 1");
                Err(Error::Parameter { name, requirement, value: 0.0 })
            }
            Weights::Uniform(_) => Ok(()),
        }
    }
}
