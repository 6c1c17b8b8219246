//! The configuration: every parameter, its default, and its check.

use tsne_affinity::{neighbors_for, perplexity_limit};
use tsne_core::{Seed, StudentT};
use tsne_optim::Phase;

use crate::plan::Plan;
use crate::{Error, Initialization, LearningRate, NegativeGradientMethod, Neighbors, auto, threads};

/// Configuration of t-SNE with `D` components, 2 unless [`n_components`](Self::n_components) says otherwise.
///
/// Setters take and return the configuration and never fail; everything is checked at once by [`plan`](Self::plan),
/// with which every fit begins. Parameters carry the names of openTSNE.
#[derive(Clone, Debug, PartialEq)]
#[must_use]
pub struct Tsne<const D: usize = 2> {
    pub(crate) perplexity: f64,
    pub(crate) neighbors: Neighbors,
    pub(crate) initialization: Initialization<D>,
    pub(crate) negative_gradient_method: NegativeGradientMethod,
    pub(crate) theta: f64,
    pub(crate) mesh: tsne_fft::Params,
    pub(crate) dof: f64,
    pub(crate) early_exaggeration: Phase,
    pub(crate) main: Phase,
    pub(crate) callbacks_every_iters: usize,
    pub(crate) seed: Seed,
    pub(crate) n_jobs: i64,
    pub(crate) strict: bool,
}

impl Tsne<2> {
    /// The defaults, for a map in two dimensions.
    pub fn new() -> Self {
        Self {
            perplexity: 30.0,
            neighbors: Neighbors::Auto,
            initialization: Initialization::Pca,
            negative_gradient_method: NegativeGradientMethod::Auto,
            theta: 0.5,
            mesh: tsne_fft::Params::default(),
            dof: 1.0,
            early_exaggeration: Phase::early_exaggeration(),
            main: Phase::standard(),
            callbacks_every_iters: 50,
            seed: Seed(42),
            n_jobs: -1,
            strict: false,
        }
    }
}

impl Default for Tsne<2> {
    fn default() -> Self {
        Self::new()
    }
}

impl<const D: usize> Tsne<D> {
    /// Number of dimensions of the map, as a type: `Tsne::new().n_components::<3>()`. Given initial positions of
    /// another dimension are dropped for the default.
    pub fn n_components<const E: usize>(self) -> Tsne<E> {
        Tsne {
            initialization: match self.initialization {
                Initialization::Random => Initialization::Random,
                Initialization::Pca | Initialization::Positions(_) => Initialization::Pca,
            },
            perplexity: self.perplexity,
            neighbors: self.neighbors,
            negative_gradient_method: self.negative_gradient_method,
            theta: self.theta,
            mesh: self.mesh,
            dof: self.dof,
            early_exaggeration: self.early_exaggeration,
            main: self.main,
            callbacks_every_iters: self.callbacks_every_iters,
            seed: self.seed,
            n_jobs: self.n_jobs,
            strict: self.strict,
        }
    }

    /// Number of neighbors, smoothly counted, that a point attends to (\[M2\]). Default 30.
    ///
    /// Above (n − 1) / 3 it is reduced to that, or 1, with a warning in the report.
    pub fn perplexity(mut self, perplexity: f64) -> Self {
        self.perplexity = perplexity;
        self
    }

    /// How nearest neighbors are found. Default `Auto`.
    pub fn neighbors(mut self, neighbors: Neighbors) -> Self {
        self.neighbors = neighbors;
        self
    }

    /// Where the points start. Default `Pca`.
    pub fn initialization(mut self, initialization: Initialization<D>) -> Self {
        self.initialization = initialization;
        self
    }

    /// How the repulsion is computed. Default `Auto`.
    pub fn negative_gradient_method(mut self, method: NegativeGradientMethod) -> Self {
        self.negative_gradient_method = method;
        self
    }

    /// Trade-off of the tree: larger is faster and less accurate, 0 is exact. Default 0.5.
    pub fn theta(mut self, theta: f64) -> Self {
        self.theta = theta;
        self
    }

    /// Nodes of the mesh per cell and axis. Default 3; 6 brings its error below 0.1 %.
    pub fn n_interpolation_points(mut self, n_interpolation_points: usize) -> Self {
        self.mesh = self.mesh.with_n_interpolation_points(n_interpolation_points);
        self
    }

    /// Fewest cells of the mesh along the longest side of the map. Default 50.
    pub fn min_num_intervals(mut self, min_num_intervals: usize) -> Self {
        self.mesh = self.mesh.with_min_num_intervals(min_num_intervals);
        self
    }

    /// Side of a cell of the mesh in units of the map. Default 1.
    pub fn ints_in_interval(mut self, ints_in_interval: f64) -> Self {
        self.mesh = self.mesh.with_ints_in_interval(ints_in_interval);
        self
    }

    /// Degrees of freedom of the kernel (\[M5\]). Default 1.
    pub fn dof(mut self, dof: f64) -> Self {
        self.dof = dof;
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

    /// Iterations between two looks of an observer. Default 50.
    pub fn callbacks_every_iters(mut self, every: usize) -> Self {
        self.callbacks_every_iters = every;
        self
    }

    /// Seed of all randomness. Default 42; equal seeds give equal bits.
    pub fn random_state(mut self, seed: u64) -> Self {
        self.seed = Seed(seed);
        self
    }

    /// Number of threads: −1 all cores (the default), −2 all but one, and so on. Results do not depend on it.
    pub fn n_jobs(mut self, n_jobs: i64) -> Self {
        self.n_jobs = n_jobs;
        self
    }

    /// Makes what would be a warning about a parameter an error. Default off.
    pub fn strict(mut self, strict: bool) -> Self {
        self.strict = strict;
        self
    }

    /// Checks every parameter and resolves every `Auto` for data of this shape, computing nothing.
    ///
    /// # Errors
    /// The first parameter or dimension out of its range.
    pub fn plan(&self, n_points: usize, n_features: usize) -> Result<Plan, Error> {
        const { assert!(1 <= D && D <= 3, "a map has 1, 2 or 3 components") };
        if n_points == 0 || n_features == 0 {
            return Err(Error::NoData { n_points, n_features });
        }
        if n_points == 1 {
            return Err(Error::OnePoint);
        }
        if !(self.perplexity.is_finite() && self.perplexity >= 1.0) {
            let requirement = "a finite number of at least 1".to_owned();
            return Err(Error::Perplexity { perplexity: self.perplexity, requirement });
        }
        self.kernel()?;
        self.check_methods()?;
        for phase in [&self.early_exaggeration, &self.main] {
            phase.validate()?;
        }
        if self.callbacks_every_iters == 0 {
            let (name, requirement) = ("callbacks_every_iters", "at least 1");
            return Err(Error::Parameter { name, requirement, value: 0.0 });
        }
        let perplexity = self.perplexity.min(perplexity_limit(n_points));
        let rate = |phase: &Phase| phase.learning_rate.resolve(n_points, phase.exaggeration);
        Ok(Plan {
            n_points,
            n_features,
            n_components: D,
            perplexity,
            n_neighbors: neighbors_for(perplexity).min(n_points - 1),
            neighbors: auto::neighbors(self.neighbors, n_points),
            negative_gradient_method: auto::negative_gradient_method(
                self.negative_gradient_method,
                n_points,
                D,
            ),
            learning_rates: [rate(&self.early_exaggeration), rate(&self.main)],
            n_threads: threads::resolve(self.n_jobs)?,
        })
    }

    /// Refuses parameters of the tree and the mesh, whether or not they are going to be used.
    fn check_methods(&self) -> Result<(), Error> {
        let check = |ok: bool, name, requirement, value| {
            if ok { Ok(()) } else { Err(Error::Parameter { name, requirement, value }) }
        };
        let mesh = &self.mesh;
        let (theta, side) = (self.theta, mesh.ints_in_interval);
        check((0.0..=1.0).contains(&theta), "theta", "a number from 0 to 1", theta)?;
        check(mesh.n_interpolation_points > 0, "n_interpolation_points", "at least 1", 0.0)?;
        check(mesh.min_num_intervals > 0, "min_num_intervals", "at least 1", 0.0)?;
        check(side.is_finite() && side > 0.0, "ints_in_interval", "a finite number above 0", side)
    }

    pub(crate) fn kernel(&self) -> Result<StudentT, Error> {
        StudentT::with_dof(self.dof).map_err(|e| Error::Parameter {
            name: "dof",
            requirement: "a finite number above 0",
            value: e.dof,
        })
    }
}
