//! Derivatives by central differences: the judge of analytic gradients.

use tsne_core::{Affinities, Scalar, StudentT};

use crate::oracle;

/// The gradient of `f` at `y` by central differences of fourth order with `step`, which is relative to each coordinate
/// where that exceeds 1.
///
/// The error is of order step⁴ times the fifth derivative, plus rounding of `f` divided by the step: 1e-3 is a good
/// step where `f` is accurate to 1e-15. Evaluates `f` four times a coordinate.
pub fn central_differences<const D: usize>(
    y: &[[f64; D]],
    step: f64,
    mut f: impl FnMut(&[[f64; D]]) -> f64,
) -> Vec<[f64; D]> {
    let mut moved = y.to_vec();
    let mut gradient = vec![[0.0; D]; y.len()];
    for i in 0..y.len() {
        for axis in 0..D {
            let h = step * y[i][axis].abs().max(1.0);
            let mut at = |offset: f64| {
                moved[i][axis] = y[i][axis] + offset;
                f(&moved)
            };
            gradient[i][axis] = (8.0 * (at(h) - at(-h)) - (at(2.0 * h) - at(-2.0 * h))) / (12.0 * h);
            moved[i][axis] = y[i][axis];
        }
    }
    gradient
}

/// ∇KL of the oracle's \[M6\] at `y` by [`central_differences`]: four times G of \[M10\] without exaggeration.
pub fn kl_gradient<P: Scalar, const D: usize>(
    kernel: StudentT,
    p: &(impl Affinities<P> + ?Sized),
    y: &[[f64; D]],
    step: f64,
) -> Vec<[f64; D]> {
    central_differences(y, step, |y| oracle::kl_divergence(kernel, p, y))
}
