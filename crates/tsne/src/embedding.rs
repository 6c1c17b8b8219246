//! A map: positions with all that is needed to go on with them.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use tsne_core::{Csr, NegativeGradient, NeighborQuery, NonFinite, Scalar};
use tsne_neighbors::Metric;
use tsne_optim::{Descent, State, StopReason};

use crate::hints::hint;
use crate::last_map::LastMap;
use crate::pca::Principal;
use crate::reference::Reference;
use crate::repulsion::{KeptRepulsion, repulsion};
use crate::run::{Observer, descend};
use crate::{Data, Error, JointAffinities, Optimization, Plan, Report, Stage, threads};

/// A map: positions, the affinities it is fitted to, the state of its optimizer, and the account of how it was made.
///
/// Cloning copies the positions and the state and shares the rest. After a run of its own a map keeps the mesh or the tree
/// of that run for the next, which a fit does not.
///
/// ```
/// use tsne::{Points, Tsne};
///
/// let x: Vec<f32> = (0..300).map(|i| ((i * 37) % 101) as f32).collect();
/// let mut map = Tsne::new().perplexity(10.0).prepare_initial(Points::from_row_major(&x, 3)?)?;
/// map.optimize(&map.optimization().n_iter(250).exaggeration(12.0).momentum(0.5))?;
/// map.optimize(&map.optimization().n_iter(500))?;
/// let tighter = map.optimized(&map.optimization().n_iter(100).exaggeration(4.0))?;
/// assert_ne!(tighter.positions(), map.positions());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct TsneEmbedding<T: Scalar, const D: usize> {
    pub(crate) state: State<T, D>,
    pub(crate) affinities: JointAffinities<T>,
    pub(crate) run: Optimization<D>,
    pub(crate) report: Report,
    pub(crate) seed: u64,
    pub(crate) metric: Metric,
    /// The components the points were reduced to, and the points in their terms.
    pub(crate) principal: Option<Arc<Principal<T>>>,
    pub(crate) data: Option<Arc<Data<T>>>,
    pub(crate) index: Option<Arc<dyn NeighborQuery<T>>>,
    /// The frozen map for new points, as long as it is that of these positions.
    pub(crate) reference: Option<Arc<Reference<T, D>>>,
    /// That of the last run, for the next.
    pub(crate) repulsion: KeptRepulsion<T, D>,
    /// What its user keeps with it.
    pub(crate) notes: BTreeMap<String, String>,
}

impl<T: Scalar, const D: usize> std::fmt::Debug for TsneEmbedding<T, D> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TsneEmbedding")
            .field("n_points", &self.state.n_points())
            .field("n_components", &D)
            .field("affinities", &self.affinities)
            .field("run", &self.run)
            .field("report", &self.report)
            .finish_non_exhaustive()
    }
}

impl<T: Scalar, const D: usize> TsneEmbedding<T, D> {
    /// A map at given positions, at rest, with affinities from elsewhere, to be run as `run` says.
    ///
    /// # Errors
    /// When there are fewer than two points, positions and affinities differ in number, a position is not finite, an
    /// entry of the affinities is not a weight, or a parameter is out of range.
    pub fn new(
        positions: Vec<[T; D]>,
        affinities: impl Into<JointAffinities<T>>,
        run: Optimization<D>,
    ) -> Result<Self, Error> {
        const { assert!(1 <= D && D <= 3, "a map has 1, 2 or 3 components") };
        let affinities = affinities.into();
        let expected = affinities.matrix.n_rows();
        if positions.len() != expected {
            return Err(Error::InitialPositions { expected, got: positions.len() });
        }
        check_positions(&positions)?;
        let plan = Plan::of_run(&run, expected)?;
        Self::assemble(State::at_rest(positions), affinities, run, plan)
    }

    /// From its parts, with the divergence computed.
    pub(crate) fn assemble(
        state: State<T, D>,
        affinities: JointAffinities<T>,
        run: Optimization<D>,
        plan: Plan,
    ) -> Result<Self, Error> {
        run.check()?;
        let kl_divergence = threads::within(run.n_jobs, || {
            let repulsion = repulsion(&run, state.n_points())?;
            Ok::<_, Error>(Descent::along(affinities.checked()?, repulsion, state.clone())?.kl_divergence()?)
        })?;
        Ok(Self {
            state,
            affinities,
            run,
            report: Report::new(plan, kl_divergence),
            seed: 42,
            metric: Metric::Euclidean,
            principal: None,
            data: None,
            index: None,
            reference: None,
            repulsion: KeptRepulsion::default(),
            notes: BTreeMap::new(),
        })
    }

    /// What was kept with the map under this name.
    #[must_use]
    pub fn note(&self, name: &str) -> Option<&str> {
        self.notes.get(name).map(String::as_str)
    }

    /// Keeps a text with the map under a name, in its model too: how its data were scaled, names of columns, labels. A
    /// model holds 32 MiB of such texts.
    pub fn set_note(&mut self, name: impl Into<String>, note: impl Into<String>) {
        self.notes.insert(name.into(), note.into());
    }

    /// Position of every point, in the order of the data.
    #[must_use]
    pub fn positions(&self) -> &[[T; D]] {
        &self.state.positions
    }

    /// The positions by value.
    #[must_use]
    pub fn into_positions(self) -> Vec<[T; D]> {
        self.state.positions
    }

    /// The joint probabilities P (\[M4\]).
    #[must_use]
    pub fn affinities(&self) -> &Csr<T> {
        &self.affinities.matrix
    }

    /// P with what is known of it: its calibration, and how new points are weighed.
    #[must_use]
    pub fn joint_affinities(&self) -> &JointAffinities<T> {
        &self.affinities
    }

    /// Positions, velocity and gains of the optimizer.
    #[must_use]
    pub fn state(&self) -> &State<T, D> {
        &self.state
    }

    /// Puts the optimizer into another state, for instance one copied from [`state`](Self::state) before.
    ///
    /// # Errors
    /// When it is of another number of points, or a value is not finite. The divergence is computed anew, which may fail
    /// as [`optimize`](Self::optimize) may.
    pub fn set_state(&mut self, state: State<T, D>) -> Result<(), Error> {
        let expected = self.state.n_points();
        if state.n_points() != expected {
            return Err(Error::InitialPositions { expected, got: state.n_points() });
        }
        let fresh =
            Self::assemble(state, self.affinities.clone(), self.run.clone(), self.report.plan.clone())?;
        (self.state, self.report.kl_divergence) = (fresh.state, fresh.report.kl_divergence);
        self.reference = None;
        Ok(())
    }

    /// Divergence of P at the positions (\[M6\]), without exaggeration, as accurate as the repulsion.
    #[must_use]
    pub fn kl_divergence(&self) -> f64 {
        self.report.kl_divergence
    }

    /// Plan, warnings, timings and outcome.
    #[must_use]
    pub fn report(&self) -> &Report {
        &self.report
    }

    /// The parameters a run has unless it is told otherwise: those the map was made with, without exaggeration and at the
    /// momentum of the main phase.
    pub fn optimization(&self) -> Optimization<D> {
        self.run.clone()
    }

    /// Makes these the parameters a run has unless it is told otherwise, callbacks included.
    pub fn set_optimization(&mut self, run: Optimization<D>) {
        self.run = run;
    }

    /// The principal components the points were reduced to, where the configuration asked for it.
    #[must_use]
    pub fn principal(&self) -> Option<&Principal<T>> {
        self.principal.as_deref()
    }

    /// Keeps the points the map was made of, so that it can place new ones. A map of principal components needs no data,
    /// and does not look at them.
    ///
    /// # Errors
    /// When they are of another number.
    pub fn keep_data(&mut self, data: Arc<Data<T>>) -> Result<(), Error> {
        self.check_count("data", data.points().n_points())?;
        self.data = Some(data);
        Ok(())
    }

    /// Keeps an index of the points the map was made of, so that it can place new ones.
    ///
    /// # Errors
    /// When it is of another number of points.
    pub fn keep_index(&mut self, index: Arc<dyn NeighborQuery<T>>) -> Result<(), Error> {
        self.check_count("index", index.n_points())?;
        self.index = Some(index);
        Ok(())
    }

    fn check_count(&self, what: &'static str, got: usize) -> Result<(), Error> {
        let n_points = self.state.n_points();
        if got == n_points {
            return Ok(());
        }
        Err(Error::Contradiction { first: "map", n_points, what, got })
    }

    /// Runs the optimizer on the map in place, going on with its velocity and gains; a fit is such runs and nothing else.
    ///
    /// Where the map diverges, the run goes back up to five times to positions it has kept, halves its learning rate, and
    /// the report says so.
    ///
    /// # Errors
    /// When a parameter is out of range, a callback fails, or stops a run that [propagates](Optimization::propagate_exception),
    /// the repulsion fails, or the map diverges a sixth time. The map then holds the positions the run came to, or, if
    /// it diverged, those it had kept.
    pub fn optimize(&mut self, run: &Optimization<D>) -> Result<StopReason, Error> {
        self.optimize_watched(run, None)
    }

    /// [`optimize`](Self::optimize), with someone to watch and stop it. Breaking ends the run without an error.
    ///
    /// # Errors
    /// As [`optimize`](Self::optimize).
    pub fn optimize_observed(
        &mut self,
        run: &Optimization<D>,
        observe: &Observer<'_, T, D>,
    ) -> Result<StopReason, Error> {
        self.optimize_watched(run, Some(observe))
    }

    fn optimize_watched(
        &mut self,
        run: &Optimization<D>,
        observe: Option<&Observer<'_, T, D>>,
    ) -> Result<StopReason, Error> {
        run.check()?;
        threads::within(run.n_jobs, || self.optimize_stage(run, Stage::Optimization, observe))
    }

    /// [`optimize`](Self::optimize) by a repulsion of one's own; method, theta, mesh and dof of `run` are not used.
    ///
    /// # Errors
    /// As [`optimize`](Self::optimize).
    pub fn optimize_with(
        &mut self,
        repulsion: &mut dyn NegativeGradient<T, D>,
        run: &Optimization<D>,
    ) -> Result<StopReason, Error> {
        run.check()?;
        threads::within(run.n_jobs, || self.optimize_by(repulsion, run, Stage::Optimization, None))
    }

    /// A copy of the map after a run; the map itself stays as it is.
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
        let (purpose, mut repulsion) = self.repulsion.take(run, self.state.n_points())?;
        let result = self.optimize_by(&mut repulsion, run, stage, observe);
        if let Some(warning) = repulsion.warning() {
            self.report.warn_once(warning);
        }
        self.repulsion.keep((purpose, repulsion));
        result
    }

    pub(crate) fn optimize_by(
        &mut self,
        repulsion: &mut dyn NegativeGradient<T, D>,
        run: &Optimization<D>,
        stage: Stage,
        observe: Option<&Observer<'_, T, D>>,
    ) -> Result<StopReason, Error> {
        let start = Instant::now();
        self.reference = None;
        let Self { affinities, state, report, .. } = self;
        let result = descend(affinities.checked_mut()?, state, report, repulsion, run, stage, observe);
        report.timings.push((stage, start.elapsed()));
        report.warnings.retain(|warning| !warning.is_of_last_run());
        if matches!(result, Ok(StopReason::Completed)) {
            report.warnings.extend(hint(state, report.n_iter));
        }
        result
    }

    /// Freezes the map on a mesh for new points, which [`transform`](Self::transform) otherwise does each time it is
    /// called: worth it before many calls. `padding` is how far the mesh reaches beyond the map, in shares of its half
    /// side; 0.25 is usual. A run drops it.
    ///
    /// Where `auto` or the parameters of the map choose another method than the mesh, that is prepared instead.
    ///
    /// # Errors
    /// When `padding` is not a number of at least 0, or the mesh needs more memory than allowed in strict mode.
    pub fn prepare_interpolation_grid(&mut self, padding: f64) -> Result<(), Error> {
        let reference =
            threads::within(self.run.n_jobs, || Reference::new(self.positions(), &self.run, padding))?;
        if let Some(warning) = reference.warning() {
            self.report.warn_once(warning);
        }
        self.reference = Some(Arc::new(reference));
        Ok(())
    }

    /// The frozen map: the one prepared, if it is that of `run`, or a new one.
    pub(crate) fn reference(&self, run: &Optimization<D>) -> Result<Arc<Reference<T, D>>, Error> {
        match &self.reference {
            Some(reference) if reference.serves(run) => Ok(Arc::clone(reference)),
            _ => Ok(Arc::new(Reference::new(self.positions(), run, Reference::<T, D>::PADDING)?)),
        }
    }
}

/// Refuses positions that are not finite.
pub(crate) fn check_positions<T: Scalar, const D: usize>(positions: &[[T; D]]) -> Result<(), Error> {
    match positions.as_flattened().iter().position(|v| !v.is_finite()) {
        None => Ok(()),
        Some(at) => {
            let (row, column) = (at / D, at % D);
            Err(Error::InitialNonFinite(NonFinite { row, column, value: positions[row][column].to_f64() }))
        }
    }
}
