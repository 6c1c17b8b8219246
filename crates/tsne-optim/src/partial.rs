//! Descent of new points in a frozen map: each by itself, among points that do not move. \[M9\], \[M10\], \[M11\].

use std::ops::ControlFlow;

use fearless_simd::Level;
use rayon::prelude::*;
use tsne_core::{Affinities, BackendError, Ball, Control, ReferenceField, Scalar};

use crate::attraction::Placed;
use crate::descent::{CHUNK, Progress, StopReason};
use crate::divergence::{Entropy, ln_normalizer};
use crate::packed::along_the_curve;
use crate::update::{Normalizer, Points, StepRule};
use crate::validate::validate_affinities;
use crate::{Error, LearningRate, Phase, State};

/// Gradient descent of new points on their divergence from a frozen map `references`.
///
/// Point i is attracted along row i of the affinities, which runs over the references and sums to 1, and repelled by
/// all references alike: G_i = e Σ_j p_ij s_ij (y_i − r_j) − F_i / Z_i with \[M9\], half the derivative of its own
/// divergence. New points do not see each other, so that one by one equals all at once, bit for bit, provided the field
/// keeps its promise; for the same reason nothing is re-centered, and the learning rate must be a number. The references
/// are never changed.
///
/// Memory beyond the parts: during a run the affinities once more, with a position beside each entry, and some
/// 7 n `D` numbers.
///
/// Where the field has [bounds](ReferenceField::bounds), a point that steps out of the ball is put back on its surface
/// and its gains become 0.
///
/// ```
/// use std::ops::ControlFlow;
/// use tsne_core::{BackendError, Control, Csr, ReferenceField};
/// use tsne_optim::{PartialDescent, Phase, State};
///
/// /// The field of points on a line.
/// struct Line(Vec<f64>);
/// impl ReferenceField<f64, 1> for Line {
///     fn n_references(&self) -> usize {
///         self.0.len()
///     }
///     fn repel_targets(
///         &self,
///         targets: &[[f64; 1]],
///         forces: &mut [[f64; 1]],
///         normalizers: &mut [f64],
///     ) -> Result<(), BackendError> {
///         for (i, [t]) in targets.iter().enumerate() {
///             let pairs = self.0.iter().map(|r| (1.0 / (1.0 + (t - r) * (t - r)), t - r));
///             (forces[i], normalizers[i]) =
///                 pairs.fold(([0.0], 0.0), |([f], z), (w, d)| ([f + w * w * d], z + w));
///         }
///         Ok(())
///     }
/// }
///
/// // A new point between the first two of three references, at 0, 1 and 20.
/// let references = [[0.0], [1.0], [20.0]];
/// let rows = Csr::from_parts(3, vec![0, 2], vec![0, 1], vec![0.5, 0.5])?;
/// let field = Line(vec![0.0, 1.0, 20.0]);
/// let mut descent = PartialDescent::new(rows, field, &references, State::at_rest(vec![[3.0]]))?;
/// let before = descent.kl_divergence()?;
/// descent.run(&Phase::transform(), &Control::NONE, 0, |_, _| ControlFlow::Continue(()))?;
/// assert!(descent.kl_divergence()? < before);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct PartialDescent<'r, T, const D: usize, A, F> {
    affinities: A,
    entropy: Entropy,
    field: F,
    references: &'r [[T; D]],
    state: State<T, D>,
    forces: Vec<[T; D]>,
    normalizers: Vec<f64>,
}

impl<'r, T, const D: usize, A, F> PartialDescent<'r, T, D, A, F>
where
    T: Scalar,
    A: Affinities<T>,
    F: ReferenceField<T, D>,
{
    /// Takes over `affinities` (a row for each new point over the references), the `field` of the references and the
    /// `state` of the new points.
    ///
    /// # Errors
    /// When the parts differ in length, a position, velocity or gain is not finite, or a row of the affinities has a
    /// column out of range or a value that is not a finite number of at least 0.
    pub fn new(affinities: A, field: F, references: &'r [[T; D]], state: State<T, D>) -> Result<Self, Error> {
        let (n, n_references) = (state.n_points(), references.len());
        if field.n_references() != n_references {
            let (what, got) = ("the field", field.n_references());
            return Err(Error::LengthMismatch { what, expected: n_references, got });
        }
        const { assert!(1 <= D && D <= 3, "maps have one, two or three dimensions") };
        state.validate()?;
        validate_affinities(&affinities, n, n_references)?;
        Ok(Self {
            entropy: Entropy::of(n, &|i| affinities.row(i), CHUNK),
            affinities,
            field,
            references,
            forces: vec![[T::default(); D]; n],
            normalizers: vec![0.0; n],
            state,
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
    pub fn into_parts(self) -> (A, F, State<T, D>) {
        (self.affinities, self.field, self.state)
    }

    /// Makes `phase.n_iter` iterations, observed and stopped as [`Descent::run`](crate::Descent::run) is; the
    /// divergence shown is [`kl_divergence`](Self::kl_divergence).
    ///
    /// # Errors
    /// When a parameter is out of range, the learning rate is a rule and not a number, the field fails, or a point
    /// diverges. The last two leave the points at rest where the last iteration made has put them.
    pub fn run<O>(
        &mut self,
        phase: &Phase,
        control: &Control<'_>,
        every: usize,
        mut observe: O,
    ) -> Result<StopReason, Error>
    where
        O: FnMut(&Progress, &[[T; D]]) -> ControlFlow<()>,
    {
        phase.validate()?;
        let LearningRate::Fixed(learning_rate) = phase.learning_rate else {
            return Err(Error::RateOfManyPoints);
        };
        let step = StepRule::new(phase, learning_rate);
        let mut moving = Moving::new(self);
        for iteration in 1..=phase.n_iter {
            if control.tick(iteration - 1, phase.n_iter).is_err() {
                moving.write_back(&mut self.state);
                return Ok(StopReason::Interrupted { iteration });
            }
            if every > 0 && iteration.is_multiple_of(every) {
                moving.write_back(&mut self.state);
                let progress = Progress { iteration, kl_divergence: self.kl_divergence()? };
                if observe(&progress, &self.state.positions).is_break() {
                    return Ok(StopReason::Interrupted { iteration });
                }
            }
            let moved = moving.step(&step, &self.field).map_err(Error::Repulsion);
            if !matches!(moved, Ok(true)) {
                moving.write_back(&mut self.state);
                self.state.come_to_rest();
            }
            if !moved? {
                return Err(Error::Diverged { iteration, learning_rate });
            }
        }
        moving.write_back(&mut self.state);
        Ok(StopReason::Completed)
    }

    /// Mean over the new points of their divergence Σ_j p_ij ln(p_ij Z_i / w_ij) from the references; 0 for no points.
    ///
    /// # Errors
    /// When the field fails.
    #[allow(clippy::cast_precision_loss, reason = "point counts are below 2^53")]
    pub fn kl_divergence(&mut self) -> Result<f64, Error> {
        let Self { field, state, forces, normalizers, affinities, .. } = self;
        let y = &state.positions;
        field.repel_targets(y, forces, normalizers).map_err(Error::Repulsion)?;
        let row_total = |i: usize| affinities.row(i).values.iter().map(|p| p.to_f64()).sum::<f64>();
        let p_ln_z = (0..y.len()).map(|i| row_total(i) * ln_normalizer(normalizers[i])).sum();
        let row = |i| affinities.row(i);
        let sum = self.entropy.divergence(field.kernel(), &row, y, self.references, p_ln_z, CHUNK);
        Ok(sum / y.len().max(1) as f64)
    }
}

/// The new points during a run, in the order of a curve through the map, so that following points read the same part of
/// the field. As none sees another, their order changes no bit.
struct Moving<T, const D: usize> {
    level: Level,
    inv_dof: T,
    bounds: Option<Ball<D>>,
    order: Vec<u32>,
    rows: Placed<T, D>,
    positions: Vec<[T; D]>,
    velocity: Vec<[T; D]>,
    gains: Vec<[T; D]>,
    forces: Vec<[T; D]>,
    normalizers: Vec<f64>,
    next: Vec<[T; D]>,
    /// Of each chunk: whether all its points are where numbers reach.
    outcomes: Vec<Result<bool, BackendError>>,
}

impl<T: Scalar, const D: usize> Moving<T, D> {
    fn new<A: Affinities<T>, F: ReferenceField<T, D>>(descent: &PartialDescent<'_, T, D, A, F>) -> Self {
        let PartialDescent { affinities, field, references, state, .. } = descent;
        let n = state.n_points();
        let order = along_the_curve(&state.positions);
        let sorted = |values: &[[T; D]]| order.iter().map(|&i| values[i as usize]).collect::<Vec<_>>();
        let (positions, velocity) = (sorted(&state.positions), sorted(&state.velocity));
        Self {
            level: Level::new(),
            inv_dof: T::lit(1.0 / field.kernel().dof()),
            bounds: field.bounds(),
            rows: Placed::new(references, n, &|i| affinities.row(order[i] as usize)),
            next: positions.clone(),
            positions,
            velocity,
            gains: sorted(&state.gains),
            forces: vec![[T::default(); D]; n],
            normalizers: vec![0.0; n],
            outcomes: (0..n.div_ceil(CHUNK)).map(|_| Ok(true)).collect(),
            order,
        }
    }

    fn write_back(&self, state: &mut State<T, D>) {
        for (at, &i) in self.order.iter().enumerate() {
            state.positions[i as usize] = self.positions[at];
            state.velocity[i as usize] = self.velocity[at];
            state.gains[i as usize] = self.gains[at];
        }
    }

    /// Makes one step, unless a point would go beyond all numbers or the field fails.
    fn step(&mut self, rule: &StepRule, field: &impl ReferenceField<T, D>) -> Result<bool, BackendError> {
        let Self { level, inv_dof, bounds, rows, positions, forces, .. } = self;
        let (level, inv_dof, bounds) = (*level, *inv_dof, bounds.as_ref());
        (
            positions.par_chunks(CHUNK),
            forces.par_chunks_mut(CHUNK),
            self.normalizers.par_chunks_mut(CHUNK),
            self.velocity.par_chunks_mut(CHUNK),
            self.gains.par_chunks_mut(CHUNK),
            self.next.par_chunks_mut(CHUNK),
            &mut self.outcomes,
        )
            .into_par_iter()
            .enumerate()
            .for_each(|(chunk, (positions, forces, normalizers, velocity, gains, next, outcome))| {
                *outcome = field.repel_targets(positions, forces, normalizers).map(|()| {
                    let mut attraction = [[T::default(); D]; CHUNK];
                    let attraction = &mut attraction[..next.len()];
                    rows.attract(level, inv_dof, chunk * CHUNK, positions, attraction);
                    let points = Points { positions, forces, attraction, velocity, gains, next };
                    let sums = rule.step(level, Normalizer::Each(normalizers), points);
                    if let Some(ball) = bounds {
                        for (y, gains) in next.iter_mut().zip(gains) {
                            if confine(ball, y) {
                                *gains = [T::default(); D];
                            }
                        }
                    }
                    sums.furthest.is_finite() && !sums.positions.iter().any(|sum| sum.is_nan())
                });
            });
        let mut finite = true;
        for outcome in &mut self.outcomes {
            finite &= std::mem::replace(outcome, Ok(true))?;
        }
        if finite {
            std::mem::swap(&mut self.next, &mut self.positions);
        }
        Ok(finite)
    }
}

/// Puts a point outside the ball back on its surface, along the ray from the center; whether it was outside.
#[inline(always)]
fn confine<T: Scalar, const D: usize>(ball: &Ball<D>, y: &mut [T; D]) -> bool {
    let offset: [f64; D] = std::array::from_fn(|d| y[d].to_f64() - ball.center[d]);
    let squares: f64 = offset.iter().map(|x| x * x).sum();
    // A square beyond all numbers is outside too.
    if squares <= ball.radius * ball.radius {
        return false;
    }
    let distance = offset.iter().fold(0.0_f64, |norm, x| norm.hypot(*x));
    for d in 0..D {
        y[d] = T::lit(ball.center[d] + offset[d] * (ball.radius / distance));
    }
    true
}

#[cfg(test)]
mod tests {
    use tsne_core::Ball;

    use super::confine;

    #[test]
    fn points_outside_the_ball_are_put_on_its_surface() {
        let unit = Ball { center: [0.0; 2], radius: 1.0 };
        for (point, expected, outside) in [
            ([0.3, -0.4], [0.3, -0.4], false),
            ([1.0, 0.0], [1.0, 0.0], false),
            ([5.0, 0.0], [1.0, 0.0], true),
            ([1.0, 1.0], [0.5_f64.sqrt(); 2], true),
        ] {
            let mut y = point;
            assert_eq!(confine(&unit, &mut y), outside, "{point:?}");
            assert!(
                (y[0] - expected[0]).abs() + (y[1] - expected[1]).abs() < 1e-15,
                "{point:?} became {y:?}"
            );
        }
        let moved = Ball { center: [10.0], radius: 2.0 };
        let mut y = [7.0];
        assert!(confine(&moved, &mut y) && y == [8.0], "a ball elsewhere: {y:?}");
    }
}
