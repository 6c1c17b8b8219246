//! A fit, stage after stage: points → neighbors → affinities → descent → embedding.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tsne_affinity::{Connectivity, MultiscaleMixture, Options, PerplexityBased, Symmetrization, Uniform};
use tsne_core::{
    BackendError, Control, Interrupted, KnnGraph, NegativeGradient, NeighborIndex, NonFinite, Points, Scalar,
};
use tsne_optim::{State, StopReason};

use crate::config::Weights;
use crate::embedding::check_positions;
use crate::input::{Given, Index};
use crate::last_map::LastMap;
use crate::plan::InputShape;
use crate::repulsion::KeptRepulsion;
use crate::run::{Observer, tell};
use crate::{
    Error, Initialization, Input, JointAffinities, Neighbors, Plan, Stage, Tsne, TsneEmbedding, Warning,
    init, pca, search, threads,
};

impl<const D: usize> Tsne<D> {
    /// Makes a map of points, of an index, or of affinities: anything that becomes an [`Input`].
    ///
    /// Neighbors, perplexity-calibrated joint probabilities (\[M4\]), initial positions, early exaggeration, main phase.
    /// Computes in the scalar of the points. Memory beyond the points: the neighbor graph, then P (half
    /// of it twice while it is renumbered), and some 11 n `D` numbers.
    ///
    /// # Errors
    /// When a value is NaN or infinite, a parameter is out of range for these points, a callback fails or stops a run
    /// that propagates, or the map diverges; the last two kinds carry the map as it was.
    pub fn fit<'a, T: Scalar>(&self, input: impl Into<Input<'a, T>>) -> Result<TsneEmbedding<T, D>, Error> {
        self.fit_input(&input.into(), None, None)
    }

    /// [`fit`](Self::fit), with someone to watch and stop it.
    ///
    /// `observe` is called often and from any thread. Breaking during the descent ends it with a valid map, whose
    /// report says so; breaking earlier is [`Error::Interrupted`].
    ///
    /// # Errors
    /// As [`fit`](Self::fit).
    pub fn fit_observed<'a, T: Scalar>(
        &self,
        input: impl Into<Input<'a, T>>,
        observe: &Observer<'_, T, D>,
    ) -> Result<TsneEmbedding<T, D>, Error> {
        self.fit_input(&input.into(), None, Some(observe))
    }

    /// [`fit`](Self::fit) by a repulsion of one's own; method, theta, mesh and dof of the configuration are used for the
    /// reported divergence of a map that was not run, and by later runs, unless they are given it too.
    ///
    /// # Errors
    /// As [`fit`](Self::fit).
    pub fn fit_with<'a, T: Scalar>(
        &self,
        input: impl Into<Input<'a, T>>,
        repulsion: &mut dyn NegativeGradient<T, D>,
    ) -> Result<TsneEmbedding<T, D>, Error> {
        self.fit_input(&input.into(), Some(repulsion), None)
    }

    /// Everything up to the descent: a map at its initial positions, to be run as one likes.
    ///
    /// # Errors
    /// As [`fit`](Self::fit).
    pub fn prepare_initial<'a, T: Scalar>(
        &self,
        input: impl Into<Input<'a, T>>,
    ) -> Result<TsneEmbedding<T, D>, Error> {
        let input = input.into();
        threads::within(self.run.n_jobs, || Preparation::new(self, &input, None)?.run(&input))
    }

    fn fit_input<T: Scalar>(
        &self,
        input: &Input<'_, T>,
        mut repulsion: Option<&mut dyn NegativeGradient<T, D>>,
        observe: Option<&Observer<'_, T, D>>,
    ) -> Result<TsneEmbedding<T, D>, Error> {
        threads::within(self.run.n_jobs, || {
            let mut map = Preparation::new(self, input, observe)?.run(input)?;
            for (stage, phase) in self.phases() {
                let run = self.run.clone().phase(phase);
                let stop = match &mut repulsion {
                    Some(repulsion) => map.optimize_by(&mut **repulsion, &run, stage, observe),
                    None => map.optimize_stage(&run, stage, observe),
                };
                match stop {
                    Ok(StopReason::Interrupted { .. }) => break,
                    Ok(_) => {}
                    Err(error) => return Err(error.with_map(|| LastMap::new(map))),
                }
            }
            map.repulsion = KeptRepulsion::default();
            Ok(map)
        })
    }
}

/// What comes before the descent.
struct Preparation<'a, T, const D: usize> {
    config: &'a Tsne<D>,
    plan: Plan,
    observe: Option<&'a Observer<'a, T, D>>,
    warnings: Vec<Warning>,
    timings: Vec<(Stage, Duration)>,
    recall: Option<f64>,
}

impl<'a, T: Scalar, const D: usize> Preparation<'a, T, D> {
    fn new(
        config: &'a Tsne<D>,
        input: &Input<'_, T>,
        observe: Option<&'a Observer<'a, T, D>>,
    ) -> Result<Self, Error> {
        let plan = config.plan_for(InputShape {
            n_points: input.n_points()?,
            n_features: input.points()?.map(|points| points.n_features()),
            is_sparse: matches!(input.points()?, Some(Points::Sparse(_))),
            has_index: input.index.is_some(),
            has_affinities: input.affinities.is_some(),
        })?;
        input.points()?.map_or(Ok(()), check_finite)?;
        Ok(Self { config, plan, observe, warnings: Vec::new(), timings: Vec::new(), recall: None })
    }

    fn run(mut self, input: &Input<'_, T>) -> Result<TsneEmbedding<T, D>, Error> {
        let principal = match (self.plan.pca, input.points()?) {
            (Some(k), Some(points)) => Some(self.timed(Stage::Pca, |fit, control| {
                pca::components(points, k, fit.config.seed, control).map_err(|e| match e {
                    Error::Interrupted { .. } => Error::Interrupted { stage: Stage::Pca },
                    other => other,
                })
            })?),
            _ => None,
        };
        let points = match &principal {
            Some(principal) => Some(Points::from_row_major(principal.scores(), principal.n_components())?),
            None => input.points()?,
        };
        let affinities = match &input.affinities {
            Some(affinities) => {
                affinities.checked()?;
                // A matrix that is not square has columns too many, all of them empty, and is taken all the same.
                if affinities.matrix().n_rows() == affinities.matrix().n_columns() {
                    self.tell_parts(&Connectivity::of(affinities.matrix()));
                }
                affinities.clone()
            }
            None => self.weigh_neighbors(points, input.index())?,
        };
        let start = self.timed(Stage::Initialization, |fit, control| {
            fit.initial_positions(points, &affinities, control)
        })?;
        let run = self.config.further_runs();
        let map = TsneEmbedding::assemble(State::at_rest(start), affinities, run, self.plan)?;
        let mut report = map.report;
        (report.warnings, report.timings, report.recall) = (self.warnings, self.timings, self.recall);
        Ok(TsneEmbedding {
            report,
            seed: self.config.seed.0,
            metric: self.config.metric.clone(),
            principal: principal.map(Arc::new),
            data: match &input.points {
                Some(Given::Shared(data)) => Some(Arc::clone(data)),
                _ => None,
            },
            index: match &input.index {
                Some(Index::Shared(index)) => Some(Arc::clone(index)),
                _ => None,
            },
            ..map
        })
    }

    fn weigh_neighbors(
        &mut self,
        points: Option<Points<'_, T>>,
        index: Option<&dyn NeighborIndex<T>>,
    ) -> Result<JointAffinities<T>, Error> {
        if let Weights::Perplexities(requested) = &self.config.weights {
            let used = self.plan.perplexities.last().copied().unwrap_or(f64::INFINITY);
            for &requested in requested.iter().filter(|&&p| p > used) {
                self.warn(Warning::PerplexityReduced { requested, used })?;
            }
        }
        let graph = self.timed(Stage::Neighbors, |fit, control| {
            let graph = fit.neighbors(points, index, control)?;
            if let (Some(points), None) = (points, index) {
                let chosen = fit.plan.neighbors.as_ref().map_or(Neighbors::Exact, |chosen| chosen.value);
                fit.recall = search::recall(chosen, &graph, points, &fit.config.metric, fit.config.seed);
            }
            Ok(graph)
        })?;
        match n_repeated_rows(&graph) {
            0 => {}
            count if count + 1 == graph.n_points() => self.warnings.push(Warning::ConstantData),
            count => self.warnings.push(Warning::DuplicateRows { count }),
        }
        let (affinities, connectivity) =
            self.timed(Stage::Affinities, |fit, control| fit.affinities(graph, control))?;
        self.tell_parts(&connectivity);
        Ok(affinities)
    }

    fn tell_parts(&mut self, connectivity: &Connectivity) {
        if connectivity.n_components > 1 {
            let (n_components, n_isolated) = (connectivity.n_components, connectivity.isolated.len());
            self.warnings.push(Warning::Disconnected { n_components, n_isolated });
        }
    }

    /// A warning about a parameter: an error in strict mode.
    fn warn(&mut self, warning: Warning) -> Result<(), Error> {
        if self.config.run.strict {
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
        let hook = |tick| tell(observe, stage, tick);
        let start = Instant::now();
        let result = work(self, &Control::new(&hook));
        self.timings.push((stage, start.elapsed()));
        result
    }

    fn neighbors(
        &self,
        points: Option<Points<'_, T>>,
        index: Option<&dyn NeighborIndex<T>>,
        control: &Control<'_>,
    ) -> Result<KnnGraph<T>, Error> {
        let stage = Stage::Neighbors;
        let failed = |e: BackendError| {
            if e.is_interrupted() { Error::Interrupted { stage } } else { Error::Neighbors(e) }
        };
        let k = self.plan.n_neighbors.unwrap_or(1);
        if let Some(index) = index {
            return index.knn_graph(k, control).map_err(failed);
        }
        let points = points.ok_or(Error::NoInput)?;
        let chosen = self.plan.neighbors.as_ref().map_or(Neighbors::Exact, |chosen| chosen.value);
        search::graph(chosen, points, &self.config.metric, self.config.seed, k, control).map_err(failed)
    }

    fn affinities(
        &self,
        graph: KnnGraph<T>,
        control: &Control<'_>,
    ) -> Result<(JointAffinities<T>, Connectivity), Error> {
        Ok(match (&self.config.weights, &self.plan.perplexities[..]) {
            (Weights::Uniform(_), _) => {
                let family = Uniform::from_graph(graph, None, Symmetrization::default(), control)?;
                let connectivity = family.connectivity();
                (family.into(), connectivity)
            }
            (_, [perplexity]) => {
                let family = PerplexityBased::from_graph(graph, *perplexity, &Options::default(), control)?;
                let connectivity = family.connectivity();
                (family.into(), connectivity)
            }
            (_, perplexities) => {
                let family =
                    MultiscaleMixture::from_graph(graph, perplexities, &Options::default(), control)?;
                let connectivity = family.connectivity();
                (family.into(), connectivity)
            }
        })
    }

    fn initial_positions(
        &mut self,
        points: Option<Points<'_, T>>,
        affinities: &JointAffinities<T>,
        control: &Control<'_>,
    ) -> Result<Vec<[T; D]>, Error> {
        let (n, seed) = (self.plan.n_points, self.config.seed);
        let stopped = |Interrupted| Error::Interrupted { stage: Stage::Initialization };
        match (&self.config.initialization, points) {
            (Initialization::Pca, Some(points)) => init::pca(points, seed, control).map_err(stopped),
            (Initialization::Pca, None) => {
                let (requested, used) = ("pca", "spectral");
                let reason = "there are no points, only affinities".to_owned();
                self.warn(Warning::InitializationReplaced { requested, used, reason })?;
                self.spectral(affinities, control)
            }
            (Initialization::Spectral, _) => self.spectral(affinities, control),
            (Initialization::Random, _) => Ok(init::random(n, seed)),
            (Initialization::Positions(given), _) => {
                if given.len() != n {
                    return Err(Error::InitialPositions { expected: n, got: given.len() });
                }
                let positions: Vec<[T; D]> = given.iter().map(|y| y.map(T::lit)).collect();
                check_positions(&positions)?;
                let std = (0..D).map(|d| init::column_std(given, d)).fold(0.0, f64::max);
                if std > init::WIDEST_STD {
                    self.warn(Warning::WideInitialPositions { std })?;
                }
                Ok(positions)
            }
        }
    }
}

impl<T: Scalar, const D: usize> Preparation<'_, T, D> {
    fn spectral(
        &mut self,
        affinities: &JointAffinities<T>,
        control: &Control<'_>,
    ) -> Result<Vec<[T; D]>, Error> {
        let found = init::spectral(affinities.matrix(), self.config.seed, control)?;
        if let Some(fallback) = found.fallback {
            self.warn(Warning::SpectralFallback(fallback))?;
        }
        Ok(found.positions)
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
pub(crate) fn check_finite<T: Scalar>(points: Points<'_, T>) -> Result<(), Error> {
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
