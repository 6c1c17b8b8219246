//! New points in a map that does not move.

use std::sync::Arc;

use tsne_core::{Control, Csr, ReferenceField, Scalar};
use tsne_optim::{PartialDescent, State, StopReason};

use crate::embedding::check_positions;
use crate::last_map::LastMap;
use crate::reference::Reference;
use crate::run::{Observer, Watch, iterations_made, tell};
use crate::{Error, Optimization, Stage, TsneEmbedding, Warning, threads};

/// New points placed in a map, each by itself: what [`transform`](TsneEmbedding::transform) and
/// [`prepare_partial`](TsneEmbedding::prepare_partial) return.
///
/// New points are attracted by their neighbors in the map and repelled by all of it; they neither see each other nor move
/// the map, so that one by one equals all at once, bit for bit. Cloning shares the map.
#[derive(Clone)]
pub struct PartialTsneEmbedding<T: Scalar, const D: usize> {
    state: State<T, D>,
    affinities: Arc<Csr<T>>,
    reference: Arc<Reference<T, D>>,
    run: Optimization<D>,
    kl_divergence: f64,
    n_iter: usize,
    stop: StopReason,
    warnings: Vec<Warning>,
}

impl<T: Scalar, const D: usize> std::fmt::Debug for PartialTsneEmbedding<T, D> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PartialTsneEmbedding")
            .field("n_points", &self.state.n_points())
            .field("n_references", &self.reference.positions.len())
            .field("n_components", &D)
            .field("kl_divergence", &self.kl_divergence)
            .field("n_iter", &self.n_iter)
            .field("stop", &self.stop)
            .field("warnings", &self.warnings)
            .finish_non_exhaustive()
    }
}

impl<T: Scalar, const D: usize> PartialTsneEmbedding<T, D> {
    /// New points at given positions, at rest, attracted by the points of `map` as `affinities` says: a row for each new
    /// point over those of the map, summing to 1 for a [divergence](Self::kl_divergence) that means something.
    ///
    /// # Errors
    /// When rows and positions differ in number, the columns are not the points of the map, an entry is not a weight, or a
    /// position is not finite.
    pub fn from_rows(
        map: &TsneEmbedding<T, D>,
        affinities: impl Into<Arc<Csr<T>>>,
        positions: Vec<[T; D]>,
    ) -> Result<Self, Error> {
        let run = map.optimization().phase(tsne_optim::Phase::transform());
        let affinities = affinities.into();
        threads::within(run.n_jobs, || {
            let reference = map.reference(&run)?;
            Self::assemble(reference, affinities, positions, run.clone(), Vec::new())
        })
    }

    pub(crate) fn assemble(
        reference: Arc<Reference<T, D>>,
        affinities: Arc<Csr<T>>,
        positions: Vec<[T; D]>,
        run: Optimization<D>,
        mut warnings: Vec<Warning>,
    ) -> Result<Self, Error> {
        let expected = affinities.n_rows();
        if positions.len() != expected {
            return Err(Error::InitialPositions { expected, got: positions.len() });
        }
        check_positions(&positions)?;
        warnings.extend(reference.warning());
        let state = State::at_rest(positions);
        let field = &*reference.field;
        let mut descent = PartialDescent::new(&*affinities, field, &reference.positions, state)?;
        let kl_divergence = descent.kl_divergence()?;
        let (_, _, state) = descent.into_parts();
        let stop = StopReason::Completed;
        Ok(Self { state, affinities, reference, run, kl_divergence, n_iter: 0, stop, warnings })
    }

    /// Position of every new point, in their order.
    #[must_use]
    pub fn positions(&self) -> &[[T; D]] {
        &self.state.positions
    }

    /// The positions by value.
    #[must_use]
    pub fn into_positions(self) -> Vec<[T; D]> {
        self.state.positions
    }

    /// Positions of the map, which do not move.
    #[must_use]
    pub fn reference_positions(&self) -> &[[T; D]] {
        &self.reference.positions
    }

    /// The affinities of the new points to those of the map, one row each.
    #[must_use]
    pub fn affinities(&self) -> &Csr<T> {
        &self.affinities
    }

    /// Positions, velocity and gains of the optimizer.
    #[must_use]
    pub fn state(&self) -> &State<T, D> {
        &self.state
    }

    /// Mean over the new points of the divergence of their affinities (\[M9\]): a true divergence, at least 0.
    #[must_use]
    pub fn kl_divergence(&self) -> f64 {
        self.kl_divergence
    }

    /// Iterations made in all runs.
    #[must_use]
    pub fn n_iter(&self) -> usize {
        self.n_iter
    }

    /// Why the last run ended.
    #[must_use]
    pub fn stop(&self) -> StopReason {
        self.stop
    }

    /// What had to be changed or deserves attention.
    #[must_use]
    pub fn warnings(&self) -> &[Warning] {
        &self.warnings
    }

    /// The parameters a run has unless it is told otherwise: those of the map, and of
    /// [`Phase::transform`](crate::Phase::transform).
    pub fn optimization(&self) -> Optimization<D> {
        self.run.clone()
    }

    /// Runs the optimizer on the new points in place, going on with their velocity and gains.
    ///
    /// # Errors
    /// As [`TsneEmbedding::optimize`]; also when the learning rate is a rule for whole maps, not a number.
    pub fn optimize(&mut self, run: &Optimization<D>) -> Result<StopReason, Error> {
        run.check()?;
        threads::within(run.n_jobs, || self.optimize_stage(run, Stage::Optimization, None))
    }

    /// A copy of the new points after a run; they themselves stay as they are.
    ///
    /// # Errors
    /// As [`optimize`](Self::optimize); the error carries the copy.
    pub fn optimized(&self, run: &Optimization<D>) -> Result<Self, Error> {
        let mut copy = self.clone();
        match copy.optimize(run) {
            Ok(_) => Ok(copy),
            Err(error) => Err(error.with_map(|| LastMap::new(copy))),
        }
    }

    /// A run on the current threads.
    pub(crate) fn optimize_stage(
        &mut self,
        run: &Optimization<D>,
        stage: Stage,
        observe: Option<&Observer<'_, T, D>>,
    ) -> Result<StopReason, Error> {
        if !self.reference.serves(run) {
            let padding = Reference::<T, D>::PADDING;
            self.reference = Arc::new(Reference::new(&self.reference.positions, run, padding)?);
            self.warnings.extend(self.reference.warning());
        }
        let reference = Arc::clone(&self.reference);
        let descent = PartialDescent::new(
            &*self.affinities,
            &*reference.field,
            &reference.positions,
            self.state.clone(),
        )?;
        let mut home = Home { state: &mut self.state, descent };
        let hook = |tick| tell(observe, stage, tick);
        let mut watch = Watch::new(run, stage, observe);
        let every = watch.every();
        let see = |progress: &_, positions: &_| watch.see(progress, positions);
        let stop = home.descent.run(&run.phase, &Control::new(&hook), every, see)?;
        self.kl_divergence = home.descent.kl_divergence()?;
        self.n_iter += iterations_made(stop, run.phase.n_iter);
        self.stop = stop;
        watch.judge(stop, self.kl_divergence)
    }
}

/// Brings the state of a descent home when it goes out of scope: whatever happens, an error or a panic of a callback, it
/// is what the run came to.
struct Home<'a, 'r, T: Scalar, const D: usize> {
    state: &'a mut State<T, D>,
    descent: PartialDescent<'r, T, D, &'r Csr<T>, &'r dyn ReferenceField<T, D>>,
}

impl<T: Scalar, const D: usize> Drop for Home<'_, '_, T, D> {
    fn drop(&mut self) {
        self.state.clone_from(self.descent.state());
    }
}
