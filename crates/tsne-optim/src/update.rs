//! The step of one point: gradient clipping, gains, momentum, step clipping. Points 1 to 4 of \[M11\].

use tsne_core::Scalar;

use crate::Phase;

/// Added to a gain whose gradient agrees in direction with the velocity.
const GAIN_STEP: f64 = 0.2;
/// Factor on a gain whose gradient does not, before the minimum gain is added.
const GAIN_DECAY: f64 = 0.8;
/// Keeps the clipping factor of the gradient finite.
const GRADIENT_SLACK: f64 = 1e-6;

/// Parameters of the step in the scalar of the run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct StepRule<T> {
    pub(crate) momentum: T,
    pub(crate) learning_rate: T,
    pub(crate) max_grad_norm: Option<T>,
    pub(crate) max_step_norm: Option<T>,
    pub(crate) min_gain: T,
}

impl<T: Scalar> StepRule<T> {
    pub(crate) fn new(phase: &Phase, learning_rate: f64) -> Self {
        Self {
            momentum: T::lit(phase.momentum),
            // A rate beyond the type would be infinite, and infinity times a gradient of 0 is NaN.
            learning_rate: T::lit(learning_rate.min(T::MAX.to_f64())),
            max_grad_norm: phase.max_grad_norm.map(T::lit),
            max_step_norm: phase.max_step_norm.map(T::lit),
            min_gain: T::lit(phase.min_gain),
        }
    }

    /// Updates gains and velocity of one point for `gradient`; the new velocity is the step.
    #[inline(always)]
    pub(crate) fn apply<const D: usize>(
        &self,
        mut gradient: [T; D],
        velocity: &mut [T; D],
        gains: &mut [T; D],
    ) {
        if let Some(bound) = self.max_grad_norm {
            let factor = bound / (norm(&gradient) + T::lit(GRADIENT_SLACK));
            if factor < T::lit(1.0) {
                scale(&mut gradient, factor);
            }
        }
        for d in 0..D {
            gains[d] = if sign(velocity[d]) == sign(gradient[d]) {
                T::lit(GAIN_DECAY) * gains[d] + self.min_gain
            } else {
                gains[d] + T::lit(GAIN_STEP)
            };
            velocity[d] = self.momentum * velocity[d] - self.learning_rate * gains[d] * gradient[d];
        }
        if let Some(bound) = self.max_step_norm {
            let length = norm(velocity);
            if !length.is_finite() {
                to_unit_scale(velocity);
                scale(velocity, bound / norm(velocity));
            } else if length > bound {
                scale(velocity, bound / length);
            }
        }
    }
}

/// Sign with sign(0) = 0, unlike `signum`, which gives the zeros of floating point a sign.
#[inline(always)]
fn sign<T: Scalar>(x: T) -> i8 {
    i8::from(x > T::default()) - i8::from(x < T::default())
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
    use super::{StepRule, norm, sign};

    const RULE: StepRule<f64> = StepRule {
        momentum: 0.5,
        learning_rate: 10.0,
        max_grad_norm: None,
        max_step_norm: None,
        min_gain: 0.01,
    };

    #[test]
    fn gains_grow_while_the_gradient_keeps_its_sign_and_shrink_when_it_turns() {
        let (mut v, mut g) = ([0.0, 0.0], [1.0, 1.0]);
        RULE.apply([0.125, 0.0], &mut v, &mut g);
        // A velocity of 0 counts as agreeing with a gradient that is not 0, and as equal to one that is.
        assert_eq!(g, [1.2, 0.8 + 0.01], "gains after the first step");
        assert_eq!(v, [-1.5, 0.0], "velocity after the first step");
        RULE.apply([0.125, 0.0], &mut v, &mut g);
        assert_eq!(g[0], 1.4, "v points down the gradient, so the gain grows");
        RULE.apply([-0.125, 0.0], &mut v, &mut g);
        assert_eq!(g[0], 0.8 * 1.4 + 0.01, "v now points up the gradient, so the gain shrinks");
    }

    #[test]
    fn gains_have_no_cap_and_settle_at_a_twentieth() {
        let (mut v, mut g) = ([0.0], [1.0]);
        for _ in 0..100 {
            RULE.apply([1.0], &mut v, &mut g);
        }
        assert!((g[0] - 21.0).abs() < 1e-9, "100 steps of 0.2, got {}", g[0]);
        for _ in 0..200 {
            let turned = [if v[0] > 0.0 { 1e-3 } else { -1e-3 }];
            RULE.apply(turned, &mut v, &mut g);
        }
        assert!(g[0] < 0.3, "the gain decays while the gradient keeps turning, got {}", g[0]);
    }

    #[test]
    fn bounds_scale_the_gradient_and_the_remembered_step() {
        let rule = StepRule { max_step_norm: Some(5.0), ..RULE };
        let (mut v, mut g) = ([0.0, 0.0], [1.0, 1.0]);
        rule.apply([30.0, 40.0], &mut v, &mut g);
        assert!((norm(&v) - 5.0).abs() < 1e-12 && (v[0] / v[1] - 0.75).abs() < 1e-12, "clipped to 5: {v:?}");

        let rule = StepRule { max_grad_norm: Some(0.5), ..RULE };
        let (mut v, mut g) = ([0.0, 0.0], [1.0, 1.0]);
        rule.apply([30.0, 40.0], &mut v, &mut g);
        let expected = 10.0 * 1.2 * 0.5 / (50.0 + 1e-6) * 50.0;
        assert!((norm(&v) - expected).abs() < 1e-9, "gradient clipped to 0.5: {v:?}");
    }

    #[test]
    fn steps_of_any_length_are_clipped_to_the_bound() {
        for step in [[3e30_f32, -4e30], [f32::INFINITY, 1.0], [f32::NEG_INFINITY, f32::INFINITY]] {
            let rule = StepRule {
                momentum: 1.0,
                learning_rate: 0.0,
                max_grad_norm: None,
                max_step_norm: Some(5.0),
                min_gain: 0.01,
            };
            let (mut v, mut g) = (step, [1.0, 1.0]);
            rule.apply([1.0, 1.0], &mut v, &mut g);
            assert!((norm(&v) - 5.0).abs() < 1e-5, "{step:?} became {v:?}");
            assert!(v[0] * step[0].signum() > 0.0, "{step:?} keeps its direction");
        }
    }

    #[test]
    fn zeros_have_no_sign() {
        assert_eq!((sign(-0.0_f64), sign(0.0_f64), sign(-1e-300)), (0, 0, -1), "signs of zeros");
    }
}
