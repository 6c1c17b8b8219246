//! New points in a finished map: their affinities, where they start, and the runs that place them.

use std::sync::Arc;

use tsne_affinity::perplexity_limit;
use tsne_core::{BackendError, Control, KnnGraph, NeighborQuery, NewRows, Points, Scalar, Seed};
use tsne_neighbors::Exact;
use tsne_optim::{LearningRate, Phase, StopReason};

use crate::last_map::LastMap;
use crate::pipeline::check_finite;
use crate::run::{Observer, tell};
use crate::{Error, NewPositions, PartialTsneEmbedding, Stage, TsneEmbedding, Warning, init, threads};

/// Perplexity of new points in [`TsneEmbedding::transform`]: they lie where their few nearest neighbors are.
const PERPLEXITY: f64 = 5.0;

/// How new points are placed, by the names of openTSNE's `transform`. What is not here (theta, dof, the method and so on)
/// is as in the runs of the map.
///
/// ```
/// use tsne::{NewPositions, Transform};
///
/// let how: Transform<2> = Transform::new().perplexity(10.0).initialization(NewPositions::Weighted).n_iter(100);
/// ```
#[derive(Clone, Debug, PartialEq)]
#[must_use]
pub struct Transform<const D: usize = 2> {
    perplexities: Option<Vec<f64>>,
    n_neighbors: Option<usize>,
    sigma: Option<f64>,
    initialization: NewPositions<D>,
    k: usize,
    early_exaggeration: Phase,
    main: Phase,
}

impl<const D: usize> Default for Transform<D> {
    fn default() -> Self {
        Self::new()
    }
}

impl<const D: usize> Transform<D> {
    /// The defaults.
    pub fn new() -> Self {
        let main = Phase::transform();
        Self {
            perplexities: None,
            n_neighbors: None,
            sigma: None,
            initialization: NewPositions::Median,
            k: 25,
            early_exaggeration: Phase { n_iter: 0, exaggeration: 4.0, momentum: 0.5, ..main },
            main,
        }
    }

    /// Perplexity of the new points. Default 5 in [`transform`](TsneEmbedding::transform), that of the map in
    /// [`prepare_partial`](TsneEmbedding::prepare_partial), and none where the affinities know none.
    pub fn perplexity(self, perplexity: f64) -> Self {
        self.perplexities(&[perplexity])
    }

    /// Several perplexities, for maps made with several.
    pub fn perplexities(mut self, perplexities: &[f64]) -> Self {
        self.perplexities = Some(perplexities.to_vec());
        self
    }

    /// Neighbors each new point is attracted by. Default three times the perplexity, or those of the family.
    pub fn n_neighbors(mut self, n_neighbors: usize) -> Self {
        self.n_neighbors = Some(n_neighbors);
        self
    }

    /// Standard deviation, for affinities of a fixed one.
    pub fn sigma(mut self, sigma: f64) -> Self {
        self.sigma = Some(sigma);
        self
    }

    /// Where new points start. Default `Median`.
    pub fn initialization(mut self, initialization: NewPositions<D>) -> Self {
        self.initialization = initialization;
        self
    }

    /// Nearest neighbors that decide where a point starts, whatever the perplexity. Default 25.
    pub fn k(mut self, k: usize) -> Self {
        self.k = k;
        self
    }

    /// Step size of both phases. Default 0.1; the rules for whole maps are refused.
    pub fn learning_rate(mut self, learning_rate: LearningRate) -> Self {
        self.early_exaggeration.learning_rate = learning_rate;
        self.main.learning_rate = learning_rate;
        self
    }

    /// Factor on the attraction in the first phase. Default 4.
    pub fn early_exaggeration(mut self, exaggeration: f64) -> Self {
        self.early_exaggeration.exaggeration = exaggeration;
        self
    }

    /// Iterations of the first phase. Default 0.
    pub fn early_exaggeration_iter(mut self, n_iter: usize) -> Self {
        self.early_exaggeration.n_iter = n_iter;
        self
    }

    /// Factor on the attraction in the main phase. Default 1.5.
    pub fn exaggeration(mut self, exaggeration: f64) -> Self {
        self.main.exaggeration = exaggeration;
        self
    }

    /// Iterations of the main phase. Default 250.
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

    /// Bound on the norm of each point's gradient. Default 0.25.
    pub fn max_grad_norm(mut self, bound: Option<f64>) -> Self {
        self.early_exaggeration.max_grad_norm = bound;
        self.main.max_grad_norm = bound;
        self
    }

    /// Bound on the norm of each point's step. Default none.
    pub fn max_step_norm(mut self, bound: Option<f64>) -> Self {
        self.early_exaggeration.max_step_norm = bound;
        self.main.max_step_norm = bound;
        self
    }
}

impl<T: Scalar, const D: usize> TsneEmbedding<T, D> {
    /// Places new points in the map, which stays as it is.
    ///
    /// As many neighbors of each among the points of the map as three times the perplexity of 5, a start at the median of
    /// the nearest 25, 250 iterations. Each point is placed by itself. The callbacks of the map are told.
    ///
    /// # Errors
    /// When the map keeps neither data nor index, the points have another number of features or values that are not
    /// finite, a parameter is out of range, or a callback fails or stops a run that propagates.
    /// # Cost
    /// The search of the neighbors, O(m n p) for m new points and n points of p features, then O(m) an iteration.
    pub fn transform(&self, points: Points<'_, T>) -> Result<PartialTsneEmbedding<T, D>, Error> {
        self.transform_with(points, &Transform::new())
    }

    /// [`transform`](Self::transform) with parameters.
    ///
    /// # Errors
    /// As [`transform`](Self::transform).
    pub fn transform_with(
        &self,
        points: Points<'_, T>,
        how: &Transform<D>,
    ) -> Result<PartialTsneEmbedding<T, D>, Error> {
        self.transform_by(points, how, None)
    }

    /// [`transform_with`](Self::transform_with), with someone to watch and stop it, as
    /// [`fit_observed`](crate::Tsne::fit_observed).
    ///
    /// # Errors
    /// As [`transform`](Self::transform).
    pub fn transform_observed(
        &self,
        points: Points<'_, T>,
        how: &Transform<D>,
        observe: &Observer<'_, T, D>,
    ) -> Result<PartialTsneEmbedding<T, D>, Error> {
        self.transform_by(points, how, Some(observe))
    }

    fn transform_by(
        &self,
        points: Points<'_, T>,
        how: &Transform<D>,
        observe: Option<&Observer<'_, T, D>>,
    ) -> Result<PartialTsneEmbedding<T, D>, Error> {
        let phases = [(Stage::EarlyExaggeration, how.early_exaggeration), (Stage::Optimization, how.main)];
        for (_, phase) in &phases {
            phase.validate()?;
        }
        let default = self.affinities.placement().is_some_and(|rule| rule.has_perplexity());
        threads::within(self.run.n_jobs, || {
            let mut new = self.place(points, how, default.then_some(PERPLEXITY), observe)?;
            for (stage, phase) in phases {
                let run = self.run.clone().phase(phase);
                match new.optimize_stage(&run, stage, observe) {
                    Ok(StopReason::Interrupted { .. }) => break,
                    Ok(_) => {}
                    Err(error) => return Err(error.with_map(|| LastMap::new(new))),
                }
            }
            Ok(new)
        })
    }

    /// New points at their starting positions, to be run as one likes.
    ///
    /// # Errors
    /// As [`transform`](Self::transform).
    pub fn prepare_partial(
        &self,
        points: Points<'_, T>,
        how: &Transform<D>,
    ) -> Result<PartialTsneEmbedding<T, D>, Error> {
        threads::within(self.run.n_jobs, || self.place(points, how, None, None))
    }

    fn place(
        &self,
        points: Points<'_, T>,
        how: &Transform<D>,
        perplexity: Option<f64>,
        observe: Option<&Observer<'_, T, D>>,
    ) -> Result<PartialTsneEmbedding<T, D>, Error> {
        let hook = |tick| tell(observe, Stage::Neighbors, tick);
        let control = Control::new(&hook);
        check_finite(points)?;
        if how.k == 0 {
            return Err(Error::Parameter { name: "k", requirement: "at least 1", value: 0.0 });
        }
        let mut warnings = Vec::new();
        let request = self.request(how, perplexity, &mut warnings)?;
        let exact = |data: Points<'_, T>, points: Points<'_, T>| {
            let index = Exact::with_metric(data, &self.metric);
            let index = index.map_err(|e| Error::Neighbors(BackendError::new(e)))?;
            self.new_rows(&index, points, &request, &control)
        };
        let new = match (&self.principal, &self.index, &self.data) {
            (Some(principal), ..) => {
                check_features(principal.n_features(), points)?;
                let (scores, k) = (principal.project(points)?, principal.n_components());
                exact(Points::from_row_major(principal.scores(), k)?, Points::from_row_major(&scores, k)?)?
            }
            (None, Some(index), _) => self.new_rows(&**index, points, &request, &control)?,
            (None, None, Some(data)) => exact(data.points(), points)?,
            (None, None, None) => return Err(Error::NoReferenceData),
        };
        let run = self.run.clone().phase(how.main);
        let reference = self.reference(&run)?;
        let start = self.starting_positions(points, &new.neighbors, how)?;
        PartialTsneEmbedding::assemble(reference, Arc::new(new.rows), start, run, warnings)
    }

    /// What is asked of the affinities; a perplexity too high for the map is lowered.
    fn request(
        &self,
        how: &Transform<D>,
        perplexity: Option<f64>,
        warnings: &mut Vec<Warning>,
    ) -> Result<NewRows, Error> {
        // A new point has all points of the map for neighbors.
        let limit = perplexity_limit(self.state.n_points() + 1);
        let mut perplexities = how.perplexities.clone().or_else(|| perplexity.map(|p| vec![p]));
        for p in perplexities.iter_mut().flatten().filter(|p| **p > limit) {
            let warning = Warning::PerplexityReduced { requested: *p, used: limit };
            if self.run.strict {
                return Err(Error::Strict(warning));
            }
            warnings.push(warning);
            *p = limit;
        }
        let mut request = NewRows::default();
        request.perplexities = perplexities;
        (request.n_neighbors, request.sigma) = (how.n_neighbors, how.sigma);
        request.min_neighbors = how.k;
        Ok(request)
    }

    fn new_rows(
        &self,
        index: &dyn NeighborQuery<T>,
        points: Points<'_, T>,
        request: &NewRows,
        control: &Control<'_>,
    ) -> Result<tsne_core::NewAffinities<T>, Error> {
        check_features(index.n_features(), points)?;
        self.affinities.new_rows(index, points, request, control)
    }

    fn starting_positions(
        &self,
        points: Points<'_, T>,
        neighbors: &KnnGraph<T>,
        how: &Transform<D>,
    ) -> Result<Vec<[T; D]>, Error> {
        let map = self.positions();
        Ok(match &how.initialization {
            NewPositions::Median => init::median(neighbors, how.k, map),
            NewPositions::Weighted => init::weighted(neighbors, how.k, map),
            NewPositions::Random => init::random_by_content(points, Seed(self.seed)),
            NewPositions::Positions(given) => {
                let expected = points.n_points();
                if given.len() != expected {
                    return Err(Error::InitialPositions { expected, got: given.len() });
                }
                given.iter().map(|y| y.map(T::lit)).collect()
            }
        })
    }
}

fn check_features<T: Scalar>(expected: usize, points: Points<'_, T>) -> Result<(), Error> {
    let got = points.n_features();
    if expected == got { Ok(()) } else { Err(Error::OtherFeatures { expected, got }) }
}
