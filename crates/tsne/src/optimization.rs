//! Parameters of one run of the optimizer: what a map is made with and `optimize` can be told.

use std::sync::Arc;

use tsne_core::StudentT;
use tsne_optim::{LearningRate, Phase};

use crate::callbacks::{Callback, Callbacks};
use crate::{Error, NegativeGradientMethod};

/// Parameters of one run of the optimizer, by the names of openTSNE's `optimize`.
///
/// A map keeps those it was made with, [`TsneEmbedding::optimization`](crate::TsneEmbedding::optimization); change what
/// should differ and hand the result to [`optimize`](crate::TsneEmbedding::optimize). Setters never fail; everything is
/// checked when the run begins.
///
/// ```
/// use tsne::{NegativeGradientMethod, Optimization};
///
/// let run: Optimization<2> =
///     Optimization::new().n_iter(100).exaggeration(4.0).negative_gradient_method(NegativeGradientMethod::BarnesHut);
/// ```
#[derive(Clone, Debug, PartialEq)]
#[must_use]
pub struct Optimization<const D: usize = 2> {
    pub(crate) phase: Phase,
    pub(crate) method: NegativeGradientMethod,
    pub(crate) theta: f64,
    pub(crate) mesh: tsne_fft::Params,
    pub(crate) dof: f64,
    pub(crate) callbacks: Callbacks<D>,
    pub(crate) callbacks_every_iters: usize,
    pub(crate) propagate: bool,
    pub(crate) n_jobs: i64,
    pub(crate) strict: bool,
}

impl<const D: usize> Default for Optimization<D> {
    fn default() -> Self {
        Self {
            phase: Phase::standard(),
            method: NegativeGradientMethod::Auto,
            theta: 0.5,
            mesh: tsne_fft::Params::default(),
            dof: 1.0,
            callbacks: Callbacks::default(),
            callbacks_every_iters: 50,
            propagate: false,
            n_jobs: -1,
            strict: false,
        }
    }
}

impl<const D: usize> Optimization<D> {
    /// The defaults of the main phase of a fit.
    pub fn new() -> Self {
        Self::default()
    }

    /// All that concerns the steps at once.
    pub fn phase(mut self, phase: Phase) -> Self {
        self.phase = phase;
        self
    }

    /// Number of iterations. Default 500.
    pub fn n_iter(mut self, n_iter: usize) -> Self {
        self.phase.n_iter = n_iter;
        self
    }

    /// Factor on the attraction. Default 1, none.
    pub fn exaggeration(mut self, exaggeration: f64) -> Self {
        self.phase.exaggeration = exaggeration;
        self
    }

    /// Share of the last step that is kept. Default 0.8.
    pub fn momentum(mut self, momentum: f64) -> Self {
        self.phase.momentum = momentum;
        self
    }

    /// Step size. Default `Auto`, max(200, n / 12); new points need a number.
    pub fn learning_rate(mut self, learning_rate: LearningRate) -> Self {
        self.phase.learning_rate = learning_rate;
        self
    }

    /// Bound on the norm of each point's gradient. Default none.
    pub fn max_grad_norm(mut self, bound: Option<f64>) -> Self {
        self.phase.max_grad_norm = bound;
        self
    }

    /// Bound on the norm of each point's step. Default 5.
    pub fn max_step_norm(mut self, bound: Option<f64>) -> Self {
        self.phase.max_step_norm = bound;
        self
    }

    /// Added to a gain after its decay. Default 0.01.
    pub fn min_gain(mut self, min_gain: f64) -> Self {
        self.phase.min_gain = min_gain;
        self
    }

    pub(crate) fn kernel(&self) -> Result<StudentT, Error> {
        StudentT::with_dof(self.dof).map_err(|e| Error::Parameter {
            name: "dof",
            requirement: "a finite number above 0",
            value: e.dof,
        })
    }

    /// Refuses parameters out of their range, whether or not they are going to be used.
    pub(crate) fn check(&self) -> Result<(), Error> {
        let check = |ok: bool, name, requirement, value| {
            if ok { Ok(()) } else { Err(Error::Parameter { name, requirement, value }) }
        };
        self.kernel()?;
        let mesh = &self.mesh;
        let (theta, side) = (self.theta, mesh.ints_in_interval);
        check((0.0..=1.0).contains(&theta), "theta", "a number from 0 to 1", theta)?;
        check(mesh.n_interpolation_points > 0, "n_interpolation_points", "at least 1", 0.0)?;
        check(mesh.min_num_intervals > 0, "min_num_intervals", "at least 1", 0.0)?;
        check(side.is_finite() && side > 0.0, "ints_in_interval", "a finite number above 0", side)?;
        check(self.callbacks_every_iters > 0, "callbacks_every_iters", "at least 1", 0.0)?;
        self.phase.validate()?;
        Ok(())
    }
}

/// Setters of everything that a fit and a single run have in common.
macro_rules! shared_setters {
    ($($field:ident)?) => {
        /// How the repulsion is computed. Default `Auto`.
        pub fn negative_gradient_method(mut self, method: NegativeGradientMethod) -> Self {
            self.$($field.)?method = method;
            self
        }

        /// Trade-off of the tree: larger is faster and less accurate, 0 is exact. Default 0.5.
        pub fn theta(mut self, theta: f64) -> Self {
            self.$($field.)?theta = theta;
            self
        }

        /// Nodes of the mesh per cell and axis. Default 3; 6 brings its error below 0.1 %.
        pub fn n_interpolation_points(mut self, n_interpolation_points: usize) -> Self {
            self.$($field.)?mesh = self.$($field.)?mesh.with_n_interpolation_points(n_interpolation_points);
            self
        }

        /// Fewest cells of the mesh along the longest side of the map. Default 50.
        pub fn min_num_intervals(mut self, min_num_intervals: usize) -> Self {
            self.$($field.)?mesh = self.$($field.)?mesh.with_min_num_intervals(min_num_intervals);
            self
        }

        /// Side of a cell of the mesh in units of the map. Default 1.
        pub fn ints_in_interval(mut self, ints_in_interval: f64) -> Self {
            self.$($field.)?mesh = self.$($field.)?mesh.with_ints_in_interval(ints_in_interval);
            self
        }

        /// Bytes the mesh may take, 2 GiB by default. A map too wide for it is computed by the tree, with a warning.
        pub fn max_mesh_bytes(mut self, max_bytes: usize) -> Self {
            self.$($field.)?mesh = self.$($field.)?mesh.with_max_bytes(max_bytes);
            self
        }

        /// Degrees of freedom of the kernel (\[M5\]). Default 1.
        pub fn dof(mut self, dof: f64) -> Self {
            self.$($field.)?dof = dof;
            self
        }

        /// Adds a callback. Default none.
        pub fn callback(self, callback: impl Callback<D> + 'static) -> Self {
            self.shared_callback(Arc::new(callback))
        }

        /// Adds a callback that the caller keeps a hold of.
        pub fn shared_callback(mut self, callback: Arc<dyn Callback<D>>) -> Self {
            self.$($field.)?callbacks.push(callback);
            self
        }

        /// Drops all callbacks.
        pub fn no_callbacks(mut self) -> Self {
            self.$($field.)?callbacks.clear();
            self
        }

        /// Iterations between two looks of the callbacks. Default 50.
        pub fn callbacks_every_iters(mut self, every: usize) -> Self {
            self.$($field.)?callbacks_every_iters = every;
            self
        }

        /// Whether a run that a callback stops is an [`Error::OptimizationInterrupted`], which carries the map, and not
        /// simply a shorter run. Default off.
        pub fn propagate_exception(mut self, propagate: bool) -> Self {
            self.$($field.)?propagate = propagate;
            self
        }

        /// Number of threads: −1 all cores (the default), −2 all but one, and so on. Results do not depend on it.
        pub fn n_jobs(mut self, n_jobs: i64) -> Self {
            self.$($field.)?n_jobs = n_jobs;
            self
        }

        /// Makes what would be a warning about a parameter an error. Default off.
        pub fn strict(mut self, strict: bool) -> Self {
            self.$($field.)?strict = strict;
            self
        }
    };
}
pub(crate) use shared_setters;

impl<const D: usize> Optimization<D> {
    shared_setters!();
}
