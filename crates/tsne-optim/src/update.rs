//! The step of some points: gradient, its clipping, gains, momentum, step clipping, new positions. \[M10\], \[M11\].

use fearless_simd::{Level, Simd, dispatch};
use tsne_core::{Scalar, Typed};

use crate::Phase;

/// Added to a gain whose gradient agrees in direction with the velocity.
const GAIN_STEP: f64 = 0.2;
/// Factor on a gain whose gradient does not, before the minimum gain is added.
const GAIN_DECAY: f64 = 0.8;
/// Keeps the clipping factor of the gradient finite.
const GRADIENT_SLACK: f64 = 1e-6;
/// Coordinates summed side by side: a multiple of every number of dimensions, and of the lanes of a vector.
const WIDTH: usize = 24;

/// Parameters of a step.
#[derive(Clone, Copy, Debug)]
pub(crate) struct StepRule {
    pub(crate) exaggeration: f64,
    pub(crate) momentum: f64,
    pub(crate) learning_rate: f64,
    pub(crate) max_grad_norm: Option<f64>,
    pub(crate) max_step_norm: Option<f64>,
    pub(crate) min_gain: f64,
}

/// What forces are divided by.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Normalizer<'a> {
    /// The same for all points.
    One(f64),
    /// One for each point.
    Each(&'a [f64]),
}

/// Some points, one after the other in every slice.
#[derive(Debug)]
pub(crate) struct Points<'a, T, const D: usize> {
    pub(crate) positions: &'a [[T; D]],
    /// Repulsive forces, not normalized.
    pub(crate) forces: &'a [[T; D]],
    /// What attracts them; afterwards anything.
    pub(crate) attraction: &'a mut [[T; D]],
    pub(crate) velocity: &'a mut [[T; D]],
    pub(crate) gains: &'a mut [[T; D]],
    /// Where the new positions go.
    pub(crate) next: &'a mut [[T; D]],
}

/// What new positions add up to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sums {
    /// Along each axis there is. NaN or infinite where a position is no longer a place.
    pub(crate) positions: [f64; 3],
    /// Largest |coordinate|.
    pub(crate) furthest: f64,
}

impl Sums {
    pub(crate) const ZERO: Self = Self { positions: [0.0; 3], furthest: 0.0 };
}

impl StepRule {
    pub(crate) fn new(phase: &Phase, learning_rate: f64) -> Self {
        Self {
            exaggeration: phase.exaggeration,
            momentum: phase.momentum,
            learning_rate,
            max_grad_norm: phase.max_grad_norm,
            max_step_norm: phase.max_step_norm,
            min_gain: phase.min_gain,
        }
    }

    /// Updates gains and velocity, which is the step, and writes the new positions. D is 1, 2 or 3.
    pub(crate) fn step<T: Scalar, const D: usize>(
        &self,
        level: Level,
        z: Normalizer<'_>,
        points: Points<'_, T, D>,
    ) -> Sums {
        let Points { positions, forces, attraction, velocity, gains, next } = points;
        match (
            T::typed(positions.as_flattened()),
            T::typed(forces.as_flattened()),
            T::typed_mut(attraction.as_flattened_mut()),
            T::typed_mut(velocity.as_flattened_mut()),
            T::typed_mut(gains.as_flattened_mut()),
            T::typed_mut(next.as_flattened_mut()),
        ) {
            (
                Typed::F32(positions),
                Typed::F32(forces),
                Typed::F32(attraction),
                Typed::F32(velocity),
                Typed::F32(gains),
                Typed::F32(next),
            ) => {
                let flat = Flat { positions, forces, attraction, velocity, gains, next };
                step_f32(level, D, self, z, flat)
            }
            (
                Typed::F64(positions),
                Typed::F64(forces),
                Typed::F64(attraction),
                Typed::F64(velocity),
                Typed::F64(gains),
                Typed::F64(next),
            ) => {
                let flat = Flat { positions, forces, attraction, velocity, gains, next };
                step_f64(level, D, self, z, flat)
            }
            _ => unreachable!("all of them are of one type"),
        }
    }
}

/// [`Points`] with their coordinates one after the other.
struct Flat<'a, T> {
    positions: &'a [T],
    forces: &'a [T],
    attraction: &'a mut [T],
    velocity: &'a mut [T],
    gains: &'a mut [T],
    next: &'a mut [T],
}

macro_rules! step_in {
    ($name:ident, $t:ty) => {
        /// [`StepRule::step`] in one type: compiled here, and not again in every crate that uses it.
        #[inline(never)]
        fn $name(
            level: Level,
            dimension: usize,
            rule: &StepRule,
            z: Normalizer<'_>,
            points: Flat<'_, $t>,
        ) -> Sums {
            match dimension {
                1 => dispatch!(level, simd => step::<_, $t, 1>(simd, rule, z, points)),
                2 => dispatch!(level, simd => step::<_, $t, 2>(simd, rule, z, points)),
                3 => dispatch!(level, simd => step::<_, $t, 3>(simd, rule, z, points)),
                _ => unreachable!("maps of {dimension} dimensions are refused when a descent is made"),
            }
        }
    };
}
step_in!(step_f32, f32);
step_in!(step_f64, f64);

/// Every loop goes over all coordinates alike, as vectors do; only steps and gradients that may be too long are looked at
/// point by point.
#[inline(always)]
fn step<S: Simd, T: Scalar, const D: usize>(
    _simd: S,
    rule: &StepRule,
    z: Normalizer<'_>,
    points: Flat<'_, T>,
) -> Sums {
    let n = points.next.len();
    let (positions, forces) = (&points.positions[..n], &points.forces[..n]);
    let (gradient, velocity) = (&mut points.attraction[..n], &mut points.velocity[..n]);
    let (gains, next) = (&mut points.gains[..n], points.next);

    add_repulsion::<T, D>(rule.exaggeration, z, forces, gradient);
    if let Some(bound) = rule.max_grad_norm
        && !are_short(gradient, bound - 2.0 * GRADIENT_SLACK)
    {
        for gradient in gradient.as_chunks_mut::<D>().0 {
            let factor = T::lit(bound) / (norm(gradient) + T::lit(GRADIENT_SLACK));
            if factor < T::lit(1.0) {
                scale(gradient, factor);
            }
        }
    }

    // A rate beyond the type would be infinite, and infinity times a gradient of 0 is NaN.
    let learning_rate = T::lit(rule.learning_rate.min(T::MAX.to_f64()));
    let (momentum, min_gain) = (T::lit(rule.momentum), T::lit(rule.min_gain));
    for i in 0..n {
        let (v, g) = (velocity[i], gradient[i]);
        // Zeros have no sign, unlike those of `signum`.
        let zero = T::default();
        let agree = ((v > zero) == (g > zero)) & ((v < zero) == (g < zero));
        let (fallen, risen) = (T::lit(GAIN_DECAY) * gains[i] + min_gain, gains[i] + T::lit(GAIN_STEP));
        gains[i] = if agree { fallen } else { risen };
        velocity[i] = momentum * v - learning_rate * gains[i] * g;
    }
    if let Some(bound) = rule.max_step_norm
        && !are_short(velocity, bound)
    {
        for velocity in velocity.as_chunks_mut::<D>().0 {
            clip(velocity, T::lit(bound));
        }
    }
    for i in 0..n {
        next[i] = positions[i] + velocity[i];
    }
    sums::<T, D>(next)
}

/// Turns attraction into the gradient \[M10\].
#[inline(always)]
pub(crate) fn add_repulsion<T: Scalar, const D: usize>(
    exaggeration: f64,
    z: Normalizer<'_>,
    forces: &[T],
    gradient: &mut [T],
) {
    let exaggeration = T::lit(exaggeration);
    match z {
        Normalizer::One(z) => {
            let inv_z = inverse::<T>(z);
            for (gradient, &force) in gradient.iter_mut().zip(forces) {
                *gradient = exaggeration * *gradient - force * inv_z;
            }
        }
        Normalizer::Each(z) => {
            let of_points = gradient.as_chunks_mut::<D>().0.iter_mut().zip(forces.as_chunks::<D>().0);
            for ((gradient, force), &z) in of_points.zip(z) {
                let inv_z = inverse::<T>(z);
                for d in 0..D {
                    gradient[d] = exaggeration * gradient[d] - force[d] * inv_z;
                }
            }
        }
    }
}

/// The reciprocal of a normalizer; that of a Z that underflowed would turn forces of 0 into NaN.
#[inline(always)]
fn inverse<T: Scalar>(z: f64) -> T {
    if z > 0.0 { T::lit(1.0 / z) } else { T::default() }
}

/// Whether no vector of up to three of these coordinates can be longer than `bound`, whatever rounding does.
#[inline(always)]
fn are_short<T: Scalar>(coordinates: &[T], bound: f64) -> bool {
    let bound = T::lit(0.5 * bound);
    coordinates.iter().fold(true, |short, x| short & (x.abs() <= bound))
}

/// Shortens a step to `bound`, if it is longer.
#[inline(always)]
fn clip<T: Scalar, const D: usize>(velocity: &mut [T; D], bound: T) {
    let length = norm(velocity);
    if !length.is_finite() {
        to_unit_scale(velocity);
        scale(velocity, bound / norm(velocity));
    } else if length > bound {
        scale(velocity, bound / length);
    }
}

#[inline(always)]
fn sums<T: Scalar, const D: usize>(coordinates: &[T]) -> Sums {
    let (mut totals, mut furthest) = ([0.0; WIDTH], [0.0; WIDTH]);
    let mut add = |l: usize, x: f64| {
        totals[l] += x;
        furthest[l] = if x.abs() > furthest[l] { x.abs() } else { furthest[l] };
    };
    let (whole, rest) = coordinates.as_chunks::<WIDTH>();
    for coordinates in whole {
        for l in 0..WIDTH {
            add(l, coordinates[l].to_f64());
        }
    }
    for (l, x) in rest.iter().enumerate() {
        add(l, x.to_f64());
    }
    let mut sums = Sums { positions: [0.0; 3], furthest: furthest.iter().fold(0.0, |m: f64, &x| m.max(x)) };
    for d in 0..D {
        sums.positions[d] = totals[d..].iter().step_by(D).sum();
    }
    sums
}

/// Euclidean norm; infinite where the squares overflow.
#[inline(always)]
fn norm<T: Scalar, const D: usize>(x: &[T; D]) -> T {
    let mut sum = T::default();
    for d in 0..D {
        sum += x[d] * x[d];
    }
    sum.sqrt()
}

/// Divides by the largest magnitude; infinite entries count as the largest finite number.
#[cold]
fn to_unit_scale<T: Scalar, const D: usize>(x: &mut [T; D]) {
    let finite = |v: T| {
        if v > T::MAX {
            T::MAX
        } else if v < -T::MAX {
            -T::MAX
        } else {
            v
        }
    };
    let largest = x.iter().map(|&v| finite(v).abs()).fold(T::default(), |m, v| if v > m { v } else { m });
    for v in x {
        *v = finite(*v) / largest;
    }
}

#[inline(always)]
fn scale<T: Scalar, const D: usize>(x: &mut [T; D], factor: T) {
    for d in 0..D {
        x[d] *= factor;
    }
}

#[cfg(test)]
mod tests {
    use fearless_simd::Level;
    use tsne_core::Scalar;

    use super::{Normalizer, Points, StepRule, norm};

    const RULE: StepRule = StepRule {
        exaggeration: 1.0,
        momentum: 0.5,
        learning_rate: 10.0,
        max_grad_norm: None,
        max_step_norm: None,
        min_gain: 0.01,
    };

    /// Updates gains and velocity of one point for `gradient`.
    fn apply<T: Scalar, const D: usize>(rule: &StepRule, gradient: [T; D], v: &mut [T; D], g: &mut [T; D]) {
        let (zeros, mut attraction, mut next) = ([[T::default(); D]], [gradient], [[T::default(); D]]);
        let points = Points {
            positions: &zeros,
            forces: &zeros,
            attraction: &mut attraction,
            velocity: std::slice::from_mut(v),
            gains: std::slice::from_mut(g),
            next: &mut next,
        };
        let sums = rule.step(Level::new(), Normalizer::One(1.0), points);
        assert_eq!(next[0], *v, "a step from the origin");
        assert_eq!(sums.positions[..D], v.map(T::to_f64)[..], "the sums of one point");
    }

    #[test]
    fn gains_grow_while_the_gradient_keeps_its_sign_and_shrink_when_it_turns() {
        let (mut v, mut g) = ([0.0_f64, 0.0], [1.0, 1.0]);
        apply(&RULE, [0.125, 0.0], &mut v, &mut g);
        // A velocity of 0 counts as agreeing with a gradient that is not 0, and as equal to one that is.
        assert_eq!(g, [1.2, 0.8 + 0.01], "gains after the first step");
        assert_eq!(v, [-1.5, 0.0], "velocity after the first step");
        apply(&RULE, [0.125, 0.0], &mut v, &mut g);
        assert_eq!(g[0], 1.4, "v points down the gradient, so the gain grows");
        apply(&RULE, [-0.125, 0.0], &mut v, &mut g);
        assert_eq!(g[0], 0.8 * 1.4 + 0.01, "v now points up the gradient, so the gain shrinks");
    }

    #[test]
    fn gains_have_no_cap_and_settle_at_a_twentieth() {
        let (mut v, mut g) = ([0.0_f64], [1.0]);
        for _ in 0..100 {
            apply(&RULE, [1.0], &mut v, &mut g);
        }
        assert!((g[0] - 21.0).abs() < 1e-9, "100 steps of 0.2, got {}", g[0]);
        for _ in 0..200 {
            let turned = [if v[0] > 0.0 { 1e-3 } else { -1e-3 }];
            apply(&RULE, turned, &mut v, &mut g);
        }
        assert!(g[0] < 0.3, "the gain decays while the gradient keeps turning, got {}", g[0]);
    }

    #[test]
    fn bounds_scale_the_gradient_and_the_remembered_step() {
        let rule = StepRule { max_step_norm: Some(5.0), ..RULE };
        let (mut v, mut g) = ([0.0_f64, 0.0], [1.0, 1.0]);
        apply(&rule, [30.0, 40.0], &mut v, &mut g);
        assert!((norm(&v) - 5.0).abs() < 1e-12 && (v[0] / v[1] - 0.75).abs() < 1e-12, "clipped to 5: {v:?}");

        let rule = StepRule { max_grad_norm: Some(0.5), ..RULE };
        let (mut v, mut g) = ([0.0_f64, 0.0], [1.0, 1.0]);
        apply(&rule, [30.0, 40.0], &mut v, &mut g);
        let expected = 10.0 * 1.2 * 0.5 / (50.0 + 1e-6) * 50.0;
        assert!((norm(&v) - expected).abs() < 1e-9, "gradient clipped to 0.5: {v:?}");
    }

    #[test]
    fn steps_of_any_length_are_clipped_to_the_bound() {
        for step in [[3e30_f32, -4e30], [f32::INFINITY, 1.0], [f32::NEG_INFINITY, f32::INFINITY]] {
            let rule = StepRule { momentum: 1.0, learning_rate: 0.0, max_step_norm: Some(5.0), ..RULE };
            let (mut v, mut g) = (step, [1.0, 1.0]);
            apply(&rule, [1.0, 1.0], &mut v, &mut g);
            assert!((norm(&v) - 5.0).abs() < 1e-5, "{step:?} became {v:?}");
            assert!(v[0] * step[0].signum() > 0.0, "{step:?} keeps its direction");
        }
    }

    #[test]
    fn zeros_have_no_sign() {
        for (velocity, gradient, agree) in
            [(-0.0, 0.0, true), (0.0, -1e-300, false), (-0.0, 1.0, false), (-1.0, -1e-300, true)]
        {
            let (mut v, mut g) = ([velocity], [1.0_f64]);
            apply(&RULE, [gradient], &mut v, &mut g);
            assert_eq!(g[0] < 1.0, agree, "velocity {velocity}, gradient {gradient:e}");
        }
    }

    #[test]
    fn sums_are_those_of_the_positions() {
        // More points than fit side by side, and one too many.
        let positions: Vec<[f32; 3]> = (0..25).map(|i| [i as f32, -(i as f32) * 0.5, 100.0]).collect();
        let zeros = vec![[0.0; 3]; 25];
        let (mut attraction, mut velocity, mut gains) = (zeros.clone(), zeros.clone(), zeros.clone());
        let mut next = zeros.clone();
        let points = Points {
            positions: &positions,
            forces: &zeros,
            attraction: &mut attraction,
            velocity: &mut velocity,
            gains: &mut gains,
            next: &mut next,
        };
        let sums = RULE.step(Level::new(), Normalizer::Each(&[1.0; 25]), points);
        assert_eq!(next, positions, "no force, no step");
        assert_eq!((sums.positions, sums.furthest), ([300.0, -150.0, 2500.0], 100.0), "of 25 points");
    }
}
