//! Points for the tests, and distances to judge by.

use tsne_core::{Scalar, Seed};
use tsne_testkit::data;

/// `n` points in `d` dimensions, uniform in the unit cube.
pub(crate) fn cube(n: usize, d: usize, seed: u64) -> Vec<f64> {
    data::uniform(Seed(seed), n, d).values
}

/// The same values in another type.
pub(crate) fn cast<T: Scalar>(values: &[f64]) -> Vec<T> {
    values.iter().map(|&x| T::lit(x)).collect()
}

/// Euclidean distance whose squares do not overflow.
pub(crate) fn euclidean(a: &[f64], b: &[f64]) -> f64 {
    let largest = a.iter().zip(b).fold(0.0_f64, |m, (a, b)| m.max((a - b).abs()));
    if largest == 0.0 {
        return 0.0;
    }
    let sum: f64 = a.iter().zip(b).map(|(a, b)| ((a - b) / largest).powi(2)).sum();
    largest * sum.sqrt()
}
