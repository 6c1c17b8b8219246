//! Descent of new points in a frozen map: each by itself, among points that do not move. \[M9\], \[M10\], \[M11\].

use std::ops::ControlFlow;

use fearless_simd::{Level, Simd, dispatch};
use rayon::prelude::*;
use tsne_core::{Affinities, Ball, Control, ReferenceField, Scalar};

use crate::attraction::attract;
use crate::descent::{CHUNK, ChunkOfPoints, Progress, StopReason};
use crate::divergence::{Entropy, ln_normalizer};
use crate::update::StepRule;
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
    next: Vec<[T; D]>,
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
        state.validate()?;
        validate_affinities(&affinities, n, n_references)?;
        Ok(Self {
            entropy: Entropy::of(&affinities, CHUNK),
            affinities,
            field,
            references,
            forces: vec![[T::default(); D]; n],
            normalizers: vec![0.0; n],
            next: vec![[T::default(); D]; n],
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
    /// diverges.
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
        for iteration in 1..=phase.n_iter {
            if control.tick(iteration - 1, phase.n_iter).is_err() {
                return Ok(StopReason::Interrupted { iteration });
            }
            self.repel()?;
            if every > 0 && iteration.is_multiple_of(every) {
                let progress = Progress { iteration, kl_divergence: self.divergence() };
                if observe(&progress, &self.state.positions).is_break() {
                    return Ok(StopReason::Interrupted { iteration });
                }
            }
            self.advance(phase, learning_rate, iteration)?;
        }
        Ok(StopReason::Completed)
    }

    /// Mean over the new points of their divergence Σ_j p_ij ln(p_ij Z_i / w_ij) from the references; 0 for no points.
    ///
    /// # Errors
    /// When the field fails.
    pub fn kl_divergence(&mut self) -> Result<f64, Error> {
        self.repel()?;
        Ok(self.divergence())
    }

    fn repel(&mut self) -> Result<(), Error> {
        let Self { field, state, forces, normalizers, .. } = self;
        field.repel_targets(&state.positions, forces, normalizers).map_err(Error::Repulsion)
    }

    #[allow(clippy::cast_precision_loss, reason = "point counts are below 2^53")]
    fn divergence(&self) -> f64 {
        let y = &self.state.positions;
        let row_total = |i: usize| self.affinities.row(i).values.iter().map(|p| p.to_f64()).sum::<f64>();
        let p_ln_z = (0..y.len()).map(|i| row_total(i) * ln_normalizer(self.normalizers[i])).sum();
        let kernel = self.field.kernel();
        let sum = self.entropy.divergence(kernel, &self.affinities, y, self.references, p_ln_z, CHUNK);
        sum / y.len().max(1) as f64
    }

    fn advance(&mut self, phase: &Phase, learning_rate: f64, iteration: usize) -> Result<(), Error> {
        let step = StepRule::new(phase, learning_rate);
        let inv_dof = T::lit(1.0 / self.field.kernel().dof());
        let exaggeration = T::lit(phase.exaggeration);
        let bounds = self.field.bounds();
        let Self { affinities, references, forces, normalizers, next, state, .. } = self;
        let State { positions, velocity, gains, .. } = state;
        let (y, forces, normalizers, affinities) = (&*positions, &*forces, &*normalizers, &*affinities);
        let level = Level::new();
        let finite = next
            .par_chunks_mut(CHUNK)
            .zip(velocity.par_chunks_mut(CHUNK))
            .zip(gains.par_chunks_mut(CHUNK))
            .enumerate()
            .map(|(chunk, ((next, velocity), gains))| {
                let at = ChunkOfPoints { start: chunk * CHUNK, next, velocity, gains };
                let rule = GradientRule { inv_dof, exaggeration, y, references, forces, normalizers };
                dispatch!(level, simd => move_chunk(simd, &rule, affinities, &step, bounds.as_ref(), at))
            })
            .reduce(|| true, |a, b| a & b);
        if !finite {
            self.state.come_to_rest();
            return Err(Error::Diverged { iteration, learning_rate });
        }
        std::mem::swap(&mut self.next, &mut self.state.positions);
        Ok(())
    }
}

/// What the gradient of every new point has in common.
struct GradientRule<'a, T, const D: usize> {
    inv_dof: T,
    exaggeration: T,
    y: &'a [[T; D]],
    references: &'a [[T; D]],
    forces: &'a [[T; D]],
    normalizers: &'a [f64],
}

impl<T: Scalar, const D: usize> GradientRule<'_, T, D> {
    /// Half the derivative of the divergence of point `i`, exaggerated.
    #[inline(always)]
    fn of_point<S: Simd, A: Affinities<T>>(&self, simd: S, affinities: &A, i: usize) -> [T; D] {
        let mut gradient = attract(simd, self.inv_dof, &self.y[i], self.references, affinities.row(i));
        let z = self.normalizers[i];
        let inv_z = if z > 0.0 { T::lit(1.0 / z) } else { T::default() };
        for d in 0..D {
            gradient[d] = self.exaggeration * gradient[d] - self.forces[i][d] * inv_z;
        }
        gradient
    }
}

/// Moves a chunk of points, and says whether all are where numbers reach.
#[inline(always)]
fn move_chunk<S: Simd, T: Scalar, const D: usize, A: Affinities<T>>(
    simd: S,
    gradient: &GradientRule<'_, T, D>,
    affinities: &A,
    step: &StepRule<T>,
    bounds: Option<&Ball<D>>,
    points: ChunkOfPoints<'_, T, D>,
) -> bool {
    let mut finite = true;
    for (offset, next) in points.next.iter_mut().enumerate() {
        let i = points.start + offset;
        let velocity = &mut points.velocity[offset];
        step.apply(gradient.of_point(simd, affinities, i), velocity, &mut points.gains[offset]);
        for d in 0..D {
            next[d] = gradient.y[i][d] + velocity[d];
            finite &= next[d].is_finite();
        }
        if bounds.is_some_and(|ball| confine(ball, next)) {
            points.gains[offset] = [T::default(); D];
        }
    }
    finite
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
