//! Sums over features in a fixed order that vectorizes: partial sums over features that are so many lanes apart.

use std::ops::Add;

/// Folds every pair of features into the partial sum of its lane.
#[inline(always)]
pub(crate) fn by_lanes<X: Copy + Default, const LANES: usize>(
    a: &[X],
    b: &[X],
    fold: impl Fn(X, X, X) -> X,
) -> [X; LANES] {
    let (a_lanes, a_rest) = a.as_chunks::<LANES>();
    let (b_lanes, b_rest) = b.as_chunks::<LANES>();
    let mut sums = [X::default(); LANES];
    for (a, b) in a_lanes.iter().zip(b_lanes) {
        for l in 0..LANES {
            sums[l] = fold(sums[l], a[l], b[l]);
        }
    }
    for (l, (&a, &b)) in a_rest.iter().zip(b_rest).enumerate() {
        sums[l] = fold(sums[l], a, b);
    }
    sums
}

/// Sum of the lanes, in a fixed order.
#[inline(always)]
pub(crate) fn sum_lanes<X: Add<Output = X>>([a, b, c, d, e, f, g, h]: [X; 8]) -> X {
    ((a + b) + (c + d)) + ((e + f) + (g + h))
}

/// Squared Euclidean distance.
#[inline(always)]
pub(crate) fn squares(a: &[f64], b: &[f64]) -> f64 {
    sum_lanes(by_lanes(
        a,
        b,
        #[inline(always)]
        |sum, a, b| sum + (a - b) * (a - b),
    ))
}

/// Sum of absolute differences.
#[inline(always)]
pub(crate) fn absolutes(a: &[f64], b: &[f64]) -> f64 {
    sum_lanes(by_lanes(
        a,
        b,
        #[inline(always)]
        |sum, a, b| sum + (a - b).abs(),
    ))
}

/// Largest absolute difference.
#[inline(always)]
pub(crate) fn largest(a: &[f64], b: &[f64]) -> f64 {
    let most: [f64; 8] = by_lanes(
        a,
        b,
        #[inline(always)]
        |most: f64, a: f64, b: f64| {
            let apart = (a - b).abs();
            if apart > most { apart } else { most }
        },
    );
    most.into_iter().fold(0.0, f64::max)
}

#[cfg(test)]
mod tests {
    use super::{absolutes, largest, squares};

    #[test]
    fn every_feature_counts_once() {
        for n in 0..40_u8 {
            let a: Vec<f64> = (0..n).map(f64::from).collect();
            let b: Vec<f64> = (0..n).map(|i| f64::from(i) - f64::from(i % 3)).collect();
            let apart = || (0..n).map(|i| f64::from(i % 3));
            assert_eq!(squares(&a, &b), apart().map(|x| x * x).sum(), "squares of {n} features");
            assert_eq!(absolutes(&a, &b), apart().sum(), "absolute differences of {n} features");
            assert_eq!(largest(&a, &b), apart().fold(0.0, f64::max), "largest of {n} features");
        }
    }
}
