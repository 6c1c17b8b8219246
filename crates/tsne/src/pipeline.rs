//! A fit, stage after stage: points → neighbors → affinities → descent → embedding.

use std::ops::ControlFlow;
use std::time::Instant;

use tsne_affinity::{Options, PerplexityBased};
use tsne_bh::BarnesHut;
use tsne_core::{
    Affinities, BackendError, Control, Csr, Interrupted, KnnGraph, NegativeGradient, NeighborIndex,
    NonFinite, Points, Scalar, Tick,
};
use tsne_fft::ParticleMesh;
use tsne_neighbors::Exact;
use tsne_optim::{Descent, Progress, State, StopReason};

use crate::{
    Error, Initialization, NegativeGradientMethod, Neighbors, Plan, Report, Stage, Tsne, TsneEmbedding,
    Warning, init, threads,
};

/// What an observer of a fit is told.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Event<'a, T, const D: usize> {
    /// How far a stage has come. During the descent, before every iteration.
    Tick {
        /// The stage.
        stage: Stage,
        /// Units of it that are done.
        tick: Tick,
    },
    /// The map now and then, every [`callbacks_every_iters`](Tsne::callbacks_every_iters) iterations.
    Iteration {
        /// The phase of the descent.
        stage: Stage,
        /// Iteration of this phase, and the divergence at exactly these positions.
        progress: Progress,
        /// The positions.
        positions: &'a [[T; D]],
    },
}

type Observer<'a, T, const D: usize> = dyn Fn(Event<'_, T, D>) -> ControlFlow<()> + Sync + 'a;

impl<const D: usize> Tsne<D> {
    /// Makes a map of `points`.
    ///
    /// Neighbors, perplexity-calibrated joint probabilities (\[M4\]), initial positions, early exaggeration, main phase.
    /// Computes in the scalar of the points. Memory beyond the points: the neighbor graph, then P, and some 6 n `D`
    /// numbers.
    ///
    /// # Errors
    /// When a value is NaN or infinite, a parameter is out of range for these points, or the map diverges.
    pub fn fit<T: Scalar>(&self, points: Points<'_, T>) -> Result<TsneEmbedding<T, D>, Error> {
        self.fit_observed(points, &|_| ControlFlow::Continue(()))
    }

    /// [`fit`](Self::fit), with someone to watch and stop it.
    ///
    /// `observe` is called often and from any thread. Breaking during the descent ends it with a valid map, whose
    /// report says so; breaking earlier is [`Error::Interrupted`].
    ///
    /// # Errors
    /// As [`fit`](Self::fit).
    pub fn fit_observed<T: Scalar>(
        &self,
        points: Points<'_, T>,
        observe: &Observer<'_, T, D>,
    ) -> Result<TsneEmbedding<T, D>, Error> {
        let plan = self.plan(points.n_points(), points.n_features())?;
        check_finite(points)?;
        let run = || {
            Fit { config: self, plan: &plan, observe, warnings: Vec::new(), timings: Vec::new() }.run(points)
        };
        if self.n_jobs == -1 { run() } else { threads::pool(plan.n_threads)?.install(run) }
    }
}

/// One fit under way.
struct Fit<'a, T, const D: usize> {
    config: &'a Tsne<D>,
    plan: &'a Plan,
    observe: &'a Observer<'a, T, D>,
    warnings: Vec<Warning>,
    timings: Vec<(Stage, std::time::Duration)>,
}

impl<T: Scalar, const D: usize> Fit<'_, T, D> {
    fn run(mut self, points: Points<'_, T>) -> Result<TsneEmbedding<T, D>, Error> {
        if self.plan.perplexity < self.config.perplexity {
            let (requested, used) = (self.config.perplexity, self.plan.perplexity);
            self.warn(Warning::PerplexityReduced { requested, used })?;
        }
        let graph = self.timed(Stage::Neighbors, |fit, control| fit.neighbors(points, control))?;
        match n_repeated_rows(&graph) {
            0 => {}
            count if count + 1 == points.n_points() => self.warnings.push(Warning::ConstantData),
            count => self.warnings.push(Warning::DuplicateRows { count }),
        }
        let affinities = self.timed(Stage::Affinities, |fit, control| fit.affinities(graph, control))?;
        let start =
            self.timed(Stage::Initialization, |fit, control| fit.initial_positions(points, control))?;
        self.descend(affinities, start)
    }

    /// A warning about a parameter: an error in strict mode.
    fn warn(&mut self, warning: Warning) -> Result<(), Error> {
        if self.config.strict {
            return Err(Error::Strict(warning));
        }
        self.warnings.push(warning);
        Ok(())
    }

    /// Runs a stage with its control and notes its time.
    fn timed<R>(
        &mut self,
        stage: Stage,
        work: impl FnOnce(&mut Self, &Control<'_>) -> Result<R, Error>,
    ) -> Result<R, Error> {
        let observe = self.observe;
        let hook = |tick| observe(Event::Tick { stage, tick });
        let start = Instant::now();
        let result = work(self, &Control::new(&hook));
        self.timings.push((stage, start.elapsed()));
        result
    }

    fn neighbors(&self, points: Points<'_, T>, control: &Control<'_>) -> Result<KnnGraph<T>, Error> {
        let stage = Stage::Neighbors;
        let failed = |e: BackendError| {
            if e.is_interrupted() { Error::Interrupted { stage } } else { Error::Neighbors(e) }
        };
        match self.plan.neighbors.value {
            Neighbors::Auto | Neighbors::Exact => {
                let index = Exact::new(points).map_err(|e| Error::Neighbors(BackendError::new(e)))?;
                index.knn_graph(self.plan.n_neighbors, control).map_err(failed)
            }
        }
    }

    fn affinities(&self, graph: KnnGraph<T>, control: &Control<'_>) -> Result<Csr<T>, Error> {
        let affinities =
            PerplexityBased::from_graph(graph, self.plan.perplexity, &Options::default(), control).map_err(
                |e| match e {
                    tsne_affinity::Error::Interrupted(_) => Error::Interrupted { stage: Stage::Affinities },
                    other => Error::Affinities(other),
                },
            )?;
        Ok(Box::new(affinities).into_csr())
    }

    fn initial_positions(
        &mut self,
        points: Points<'_, T>,
        control: &Control<'_>,
    ) -> Result<Vec<[T; D]>, Error> {
        let n = points.n_points();
        match &self.config.initialization {
            Initialization::Pca => init::pca(points, self.config.seed, control)
                .map_err(|Interrupted| Error::Interrupted { stage: Stage::Initialization }),
            Initialization::Random => Ok(init::random(n, self.config.seed)),
            Initialization::Positions(given) => {
                if given.len() != n {
                    return Err(Error::InitialPositions { expected: n, got: given.len() });
                }
                let positions: Vec<[T; D]> = given.iter().map(|y| y.map(T::lit)).collect();
                if let Some(at) = positions.as_flattened().iter().position(|v| !v.is_finite()) {
                    let (row, column, value) = (at / D, at % D, given[at / D][at % D]);
                    return Err(Error::InitialNonFinite(NonFinite { row, column, value }));
                }
                let std = (0..D).map(|d| init::column_std(given, d)).fold(0.0, f64::max);
                if std > init::WIDEST_STD {
                    self.warn(Warning::WideInitialPositions { std })?;
                }
                Ok(positions)
            }
        }
    }

    fn repulsion(&self) -> Result<Box<dyn NegativeGradient<T, D>>, Error> {
        let kernel = self.config.kernel()?;
        Ok(match self.plan.negative_gradient_method.value {
            NegativeGradientMethod::Auto | NegativeGradientMethod::Exact => {
                Box::new(tsne_bh::Exact::new(kernel))
            }
            NegativeGradientMethod::BarnesHut => {
                let params = tsne_bh::Params::default().with_theta(self.config.theta);
                Box::new(BarnesHut::new(kernel, params).map_err(|e| Error::Repulsion(BackendError::new(e)))?)
            }
            NegativeGradientMethod::Fft => {
                let mesh = ParticleMesh::new(kernel, self.config.mesh);
                Box::new(mesh.map_err(|e| Error::Repulsion(BackendError::new(e)))?)
            }
        })
    }

    fn descend(mut self, affinities: Csr<T>, start: Vec<[T; D]>) -> Result<TsneEmbedding<T, D>, Error> {
        let repulsion = self.repulsion()?;
        let mut descent = Descent::new(affinities, repulsion, State::at_rest(start))?;
        let (mut n_iter, mut stop) = (0, StopReason::Completed);
        let phases = [
            (Stage::EarlyExaggeration, self.config.early_exaggeration),
            (Stage::Optimization, self.config.main),
        ];
        for (stage, phase) in phases {
            stop = self.timed(stage, |fit, control| {
                let observe = |progress: &Progress, positions: &[[T; D]]| {
                    (fit.observe)(Event::Iteration { stage, progress: *progress, positions })
                };
                Ok(descent.run(&phase, control, fit.config.callbacks_every_iters, observe)?)
            })?;
            match stop {
                StopReason::Interrupted { iteration } => {
                    n_iter += iteration - 1;
                    break;
                }
                _ => n_iter += phase.n_iter,
            }
        }
        let kl_divergence = descent.kl_divergence()?;
        let (affinities, _, state) = descent.into_parts();
        let report = Report {
            plan: self.plan.clone(),
            warnings: self.warnings,
            timings: self.timings,
            n_iter,
            kl_divergence,
            stop,
        };
        Ok(TsneEmbedding { state, affinities, report })
    }
}

/// Rows at distance 0 from an earlier row. The graph breaks ties by index, so such a row has one among its neighbors.
fn n_repeated_rows<T: Scalar>(graph: &KnnGraph<T>) -> usize {
    let repeats = |&i: &usize| {
        let (neighbors, distances) = graph.row(i);
        neighbors.iter().zip(distances).any(|(&j, &d)| (j as usize) < i && d == T::default())
    };
    (0..graph.n_points()).filter(repeats).count()
}

/// Refuses values that are not finite, naming the first five.
fn check_finite<T: Scalar>(points: Points<'_, T>) -> Result<(), Error> {
    if points.check_finite().is_ok() {
        return Ok(());
    }
    let mut row_values = vec![T::default(); points.n_features()];
    let (mut count, mut first) = (0, Vec::new());
    for row in 0..points.n_points() {
        points.copy_row(row, &mut row_values);
        for (column, value) in row_values.iter().enumerate().filter(|(_, x)| !x.is_finite()) {
            count += 1;
            if first.len() < 5 {
                first.push(NonFinite { row, column, value: value.to_f64() });
            }
        }
    }
    Err(Error::NonFinite { count, first })
}
