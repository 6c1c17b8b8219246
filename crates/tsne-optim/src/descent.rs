//! The descent: iterations over any affinities and repulsion, in single steps and in runs. \[M6\], \[M10\], \[M11\].

use std::ops::ControlFlow;

use fearless_simd::Level;
use rayon::prelude::*;
use tsne_core::{Affinities, Control, NegativeGradient, Scalar};

use crate::attraction::attract;
use crate::divergence::ln_normalizer;
use crate::packed::Packed;
use crate::update::{Normalizer, Points, StepRule, Sums, add_repulsion};
use crate::validate::check_shape;
use crate::{CheckedAffinities, Error, Phase, State};

/// Points handled at a time: the unit of parallel work and of ordered sums. At 120 entries a row a chunk is some
/// 40 µs of work, enough to hide a task switch and small enough to keep two cores busy at 1 000 points.
pub(crate) const CHUNK: usize = 256;

/// Chunks of a task that does next to nothing to a point.
pub(crate) const FAR_CHUNKS: usize = 32;

/// A coordinate this many times as far out as any was at the start of a run, or at 1, means that the map diverged. Finished
/// maps of a million points are some hundreds wide.
const FURTHEST: f64 = 1e6;
/// Points from which on a run packs P: below, the whole map is in the nearest caches.
const PACKED_FROM: usize = 4096;
/// Iterations of a run, counted from 0, before which P is packed: the map has taken on another shape since the last time.
const PACKED_AT: [usize; 4] = [0, 32, 128, 512];
/// Fewest iterations that make up for the time of packing.
const PACKED_FOR: usize = 16;
/// Iterations between two copies of the positions that [`Descent::run_recovering`] may go back to.
const KEEP_EVERY: usize = 50;

/// What an observer is told.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Progress {
    /// Iteration of the current call, from 1.
    pub iteration: usize,
    /// Divergence of the true P at the positions shown, \[M6\]; exaggeration does not enter.
    pub kl_divergence: f64,
}

/// A divergence that a run got over by going back.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Recovery {
    /// Iteration of the current call that diverged, from 1.
    pub iteration: usize,
    /// Iteration after which the run went on again, 0 for its start.
    pub back_to: usize,
    /// Learning rate until then.
    pub learning_rate: f64,
    /// Learning rate from then on, half of it.
    pub reduced_to: f64,
}

impl Recovery {
    /// From its parts, for instance read back from a file.
    #[must_use]
    pub const fn new(iteration: usize, back_to: usize, learning_rate: f64, reduced_to: f64) -> Self {
        Self { iteration, back_to, learning_rate, reduced_to }
    }
}

/// Why a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum StopReason {
    /// All iterations were made.
    Completed,
    /// The observer or the control asked to stop; the positions are those it saw.
    Interrupted {
        /// Iteration of the current call at which it did, from 1. That step was not made.
        iteration: usize,
    },
}

/// Gradient descent on the divergence of a map (\[M6\]) along \[M10\], by the rules of \[M11\].
///
/// Owns affinities, repulsion and state; each may be a value, a borrow or a box, as the traits are forwarded. Memory
/// beyond them: two buffers of n positions, and, during a run of 16 iterations or more with 4096 points or more, a copy of
/// P in an order that suits the caches. Cost of an iteration: one repulsion, and O(entries of P + n).
///
/// Equal inputs give equal bits, whatever the number of threads, provided the repulsion does; and fifty steps equal
/// one run of fifty.
///
/// ```
/// use tsne_core::{BackendError, Control, Csr, NegativeGradient};
/// use tsne_optim::{Descent, Phase, State};
///
/// /// Repulsion of two points in one dimension.
/// struct Pair;
/// impl NegativeGradient<f64, 1> for Pair {
///     fn repel(&mut self, y: &[[f64; 1]], forces: &mut [[f64; 1]]) -> Result<f64, BackendError> {
///         let d = y[0][0] - y[1][0];
///         let w = 1.0 / (1.0 + d * d);
///         forces.copy_from_slice(&[[w * w * d], [-w * w * d]]);
///         Ok(2.0 * w)
///     }
/// }
///
/// let p = Csr::from_parts(2, vec![0, 1, 2], vec![1, 0], vec![0.5, 0.5])?;
/// let mut descent = Descent::new(p, Pair, State::at_rest(vec![[0.1], [-0.1]]))?;
/// let phase = Phase { n_iter: 20, ..Phase::standard() };
/// descent.run(&phase, &Control::NONE, 0, |_, _| std::ops::ControlFlow::Continue(()))?;
/// assert!(descent.kl_divergence()?.abs() < 1e-12, "two points always match a P of one pair");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Descent<T, const D: usize, A, G> {
    affinities: CheckedAffinities<A>,
    repulsion: G,
    state: State<T, D>,
    forces: Vec<[T; D]>,
    next: Vec<[T; D]>,
    sums: Vec<Sums>,
    /// During a run that is worth it.
    packed: Option<Packed<T, D>>,
}

impl<T: Scalar, const D: usize, A: Affinities<T>, G: NegativeGradient<T, D>> Descent<T, D, A, G> {
    /// Takes over `affinities` (square, one row a point), `repulsion` and the `state` to go on from.
    ///
    /// # Errors
    /// When there are fewer than two points, the parts differ in length, a position, velocity or gain is not finite,
    /// or a row of the affinities has a column out of range or a value that is not a finite number of at least 0.
    pub fn new(affinities: A, repulsion: G, state: State<T, D>) -> Result<Self, Error> {
        check_lengths(&affinities, &state)?;
        Self::along(CheckedAffinities::new(affinities)?, repulsion, state)
    }

    /// [`new`](Self::new) along affinities that were checked before: in time O(n), whatever the number of their entries.
    ///
    /// # Errors
    /// As [`new`](Self::new), but for entries of the affinities.
    pub fn along(affinities: CheckedAffinities<A>, repulsion: G, state: State<T, D>) -> Result<Self, Error> {
        const { assert!(1 <= D && D <= 3, "maps have one, two or three dimensions") };
        check_lengths(affinities.get(), &state)?;
        state.validate()?;
        let n = state.n_points();
        Ok(Self {
            affinities,
            repulsion,
            forces: vec![[T::default(); D]; n],
            next: vec![[T::default(); D]; n],
            sums: vec![Sums::ZERO; n.div_ceil(CHUNK)],
            state,
            packed: None,
        })
    }

    /// The positions now.
    #[must_use]
    pub fn positions(&self) -> &[[T; D]] {
        &self.state.positions
    }

    /// Positions, velocity and gains now.
    #[must_use]
    pub fn state(&self) -> &State<T, D> {
        &self.state
    }

    /// The parts this was made of, the state as it is now.
    #[must_use]
    pub fn into_parts(self) -> (A, G, State<T, D>) {
        (self.affinities.into_inner(), self.repulsion, self.state)
    }

    /// Makes one iteration under `phase`, whose `n_iter` is not read.
    ///
    /// # Errors
    /// When a parameter is out of range, the repulsion fails, or the map diverges.
    pub fn step(&mut self, phase: &Phase) -> Result<(), Error> {
        phase.validate()?;
        let z = self.repel()?;
        self.advance(phase, self.learning_rate(phase), self.bound(), z, 1)
    }

    /// Makes `phase.n_iter` iterations. At every `every`-th (none when 0) `observe` sees the positions before that
    /// iteration's step, with the divergence at exactly these positions, and may stop the run there; so may `control`,
    /// which is told of each iteration.
    ///
    /// # Errors
    /// As [`step`](Self::step); the positions are then those of the last iteration made.
    pub fn run<F>(
        &mut self,
        phase: &Phase,
        control: &Control<'_>,
        every: usize,
        observe: F,
    ) -> Result<StopReason, Error>
    where
        F: FnMut(&Progress, &[[T; D]]) -> ControlFlow<()>,
    {
        self.run_recovering(phase, control, every, observe, 0, |_| {})
    }

    /// [`run`](Self::run), but where the map diverges it goes back to the last positions that were kept (those of the
    /// start and of every 50th iteration), at rest, and goes on with half the learning rate; `recovered` is told. Observers
    /// may see an iteration again. The [state](State::recoveries) counts the recoveries, so that later runs, of a copy
    /// read back from a file too, go on at the rate this one came to.
    ///
    /// # Errors
    /// As [`run`](Self::run). [`Error::Diverged`] once the state counts `limit` recoveries; the positions are then those
    /// last kept, and the count is 0 again.
    pub fn run_recovering<F>(
        &mut self,
        phase: &Phase,
        control: &Control<'_>,
        every: usize,
        observe: F,
        limit: u32,
        recovered: impl FnMut(Recovery),
    ) -> Result<StopReason, Error>
    where
        F: FnMut(&Progress, &[[T; D]]) -> ControlFlow<()>,
    {
        Running(self).0.iterate(phase, control, every, observe, limit, recovered)
    }

    fn iterate<F>(
        &mut self,
        phase: &Phase,
        control: &Control<'_>,
        every: usize,
        mut observe: F,
        limit: u32,
        mut recovered: impl FnMut(Recovery),
    ) -> Result<StopReason, Error>
    where
        F: FnMut(&Progress, &[[T; D]]) -> ControlFlow<()>,
    {
        phase.validate()?;
        let bound = self.bound();
        let mut learning_rate = self.learning_rate(phase);
        let (mut kept, mut kept_at) = (Vec::new(), 0);
        if limit > 0 {
            kept.clone_from(&self.state.positions);
        }
        let mut iteration = 1;
        while iteration <= phase.n_iter {
            if control.tick(iteration - 1, phase.n_iter).is_err() {
                return Ok(StopReason::Interrupted { iteration });
            }
            self.pack(iteration - 1, phase.n_iter);
            let z = self.repel()?;
            if every > 0 && iteration.is_multiple_of(every) {
                let progress = Progress { iteration, kl_divergence: self.divergence(z) };
                if observe(&progress, &self.state.positions).is_break() {
                    return Ok(StopReason::Interrupted { iteration });
                }
            }
            match self.advance(phase, learning_rate, bound, z, iteration) {
                Err(Error::Diverged { .. }) if self.state.recoveries < limit => {
                    self.state.positions.clone_from(&kept);
                    if let Some(packed) = &mut self.packed {
                        packed.place(&self.state.positions);
                    }
                    self.state.recoveries += 1;
                    let reduced_to = self.learning_rate(phase);
                    recovered(Recovery { iteration, back_to: kept_at, learning_rate, reduced_to });
                    (learning_rate, iteration) = (reduced_to, kept_at);
                }
                Err(error) => {
                    if limit > 0 {
                        self.state.positions.clone_from(&kept);
                        self.state.recoveries = 0;
                    }
                    return Err(error);
                }
                Ok(()) if limit > 0 && iteration.is_multiple_of(KEEP_EVERY) => {
                    kept.clone_from(&self.state.positions);
                    kept_at = iteration;
                }
                Ok(()) => {}
            }
            iteration += 1;
        }
        Ok(StopReason::Completed)
    }

    /// Packs P where that is worth it, with `made` of `n_iter` iterations of a run behind.
    fn pack(&mut self, made: usize, n_iter: usize) {
        if self.state.n_points() >= PACKED_FROM && PACKED_AT.contains(&made) && n_iter - made >= PACKED_FOR {
            let packed = self.packed.take().unwrap_or_default();
            self.packed = Some(packed.pack(&mut self.affinities.affinities, &self.state.positions));
        }
    }

    /// Puts P back where it was before it was packed.
    fn unpack(&mut self) {
        if let Some(packed) = self.packed.take() {
            packed.unpack(&mut self.affinities.affinities);
        }
    }

    /// The step size under `phase`, as far as recoveries have left it.
    fn learning_rate(&self, phase: &Phase) -> f64 {
        self.state.slowed(phase.learning_rate.resolve(self.state.n_points(), phase.exaggeration))
    }

    /// How far out a point may be before the map counts as diverged.
    fn bound(&self) -> f64 {
        let furthest = |m: f64, y: &T| m.max(y.to_f64().abs());
        FURTHEST * self.state.positions.as_flattened().iter().fold(1.0, furthest)
    }

    /// Divergence of the true P at the positions now (\[M6\]), with Z as accurate as the repulsion gives it.
    ///
    /// # Errors
    /// When the repulsion fails.
    pub fn kl_divergence(&mut self) -> Result<f64, Error> {
        let z = self.repel()?;
        Ok(self.divergence(z))
    }

    /// The gradient G = ∇KL / 4 of \[M10\] at the positions now, with the attraction exaggerated.
    ///
    /// # Errors
    /// When the repulsion fails.
    pub fn gradient(&mut self, exaggeration: f64) -> Result<Vec<[T; D]>, Error> {
        let z = self.repel()?;
        let (y, forces, p) = (&self.state.positions, &self.forces, self.affinities.get());
        let inv_dof = T::lit(1.0 / self.repulsion.kernel().dof());
        let mut gradient = vec![[T::default(); D]; y.len()];
        attract(Level::new(), inv_dof, y, y, &|i| p.row(i), &mut gradient);
        let flat = gradient.as_flattened_mut();
        add_repulsion::<T, D>(exaggeration, Normalizer::One(z), forces.as_flattened(), flat);
        Ok(gradient)
    }

    fn repel(&mut self) -> Result<f64, Error> {
        self.repulsion.repel(&self.state.positions, &mut self.forces).map_err(Error::Repulsion)
    }

    fn divergence(&self, z: f64) -> f64 {
        let (kernel, y, p) = (self.repulsion.kernel(), &self.state.positions, self.affinities.get());
        let CheckedAffinities { entropy, .. } = self.affinities;
        let p_ln_z = entropy.total * ln_normalizer(z);
        match &self.packed {
            Some(packed) => {
                entropy.divergence(kernel, &|i| packed.row_of(i), y, packed.positions(), p_ln_z, CHUNK)
            }
            None => entropy.divergence(kernel, &|i| p.row(i), y, y, p_ln_z, CHUNK),
        }
    }

    /// Turns the forces and `z` at the present positions into the next positions.
    #[allow(clippy::cast_precision_loss, reason = "point counts are below 2^53")]
    fn advance(
        &mut self,
        phase: &Phase,
        learning_rate: f64,
        bound: f64,
        z: f64,
        iteration: usize,
    ) -> Result<(), Error> {
        let rule = StepRule::new(phase, learning_rate);
        let inv_dof = T::lit(1.0 / self.repulsion.kernel().dof());
        let level = Level::new();
        let Self { affinities, state, forces, next, sums, packed, .. } = self;
        if let Some(packed) = packed {
            packed.attract(level, inv_dof);
        }
        let (p, y, attracted) = (affinities.get(), &state.positions, packed.as_ref());
        (
            y.par_chunks(CHUNK),
            forces.par_chunks(CHUNK),
            state.velocity.par_chunks_mut(CHUNK),
            state.gains.par_chunks_mut(CHUNK),
            next.par_chunks_mut(CHUNK),
            sums.par_iter_mut(),
        )
            .into_par_iter()
            .enumerate()
            .for_each(|(chunk, (positions, forces, velocity, gains, next, sum))| {
                let start = chunk * CHUNK;
                let mut attraction = [[T::default(); D]; CHUNK];
                let attraction = &mut attraction[..next.len()];
                match attracted {
                    Some(packed) => packed.attraction(start, attraction),
                    None => attract(level, inv_dof, positions, y, &|i| p.row(start + i), attraction),
                }
                let points = Points { positions, forces, attraction, velocity, gains, next };
                *sum = rule.step(level, Normalizer::One(z), points);
            });

        let (mut mean, mut furthest) = ([0.0; D], 0.0_f64);
        for sum in sums.iter() {
            furthest = furthest.max(sum.furthest);
            for d in 0..D {
                mean[d] += sum.positions[d];
            }
        }
        if furthest > bound || mean.iter().any(|sum| !sum.is_finite()) {
            state.come_to_rest();
            return Err(Error::Diverged { iteration, learning_rate });
        }
        let mean: [T; D] = std::array::from_fn(|d| T::lit(mean[d] / next.len() as f64));
        match packed {
            Some(packed) => packed.center(next, mean, &mut state.positions),
            None => center(next, mean, &mut state.positions),
        }
        Ok(())
    }
}

/// A run, after which P is where it was, whatever ends it.
struct Running<'a, T: Scalar, const D: usize, A: Affinities<T>, G: NegativeGradient<T, D>>(
    &'a mut Descent<T, D, A, G>,
);

impl<T: Scalar, const D: usize, A: Affinities<T>, G: NegativeGradient<T, D>> Drop
    for Running<'_, T, D, A, G>
{
    fn drop(&mut self) {
        self.0.unpack();
    }
}

/// `to` becomes `y` less `mean`.
fn center<T: Scalar, const D: usize>(y: &[[T; D]], mean: [T; D], to: &mut [[T; D]]) {
    to.par_chunks_mut(CHUNK).zip(y.par_chunks(CHUNK)).with_min_len(FAR_CHUNKS).for_each(|(to, y)| {
        for (to, y) in to.iter_mut().zip(y) {
            for d in 0..D {
                to[d] = y[d] - mean[d];
            }
        }
    });
}

/// Checks that there is a map, and a row of the affinities for each of its points.
fn check_lengths<T: Scalar, const D: usize>(
    affinities: &impl Affinities<T>,
    state: &State<T, D>,
) -> Result<(), Error> {
    let n = state.n_points();
    if n < 2 {
        return Err(Error::TooFewPoints { n_points: n });
    }
    check_shape(affinities, n, n)
}
