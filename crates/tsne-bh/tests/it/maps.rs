//! Maps that are hard on trees, shared by the tests and the accuracy tables.

use tsne_core::{Scalar, Seed};
use tsne_testkit::data;

/// Hard maps of about `n` points by name. All fit `f32`.
pub(crate) fn adversarial<T: Scalar, const D: usize>(n: usize) -> Vec<(&'static str, Vec<[T; D]>)> {
    let clusters = data::far_clusters(Seed(1), n, D);
    let line = data::map::<T, 1>(Seed(2), n, 100.0);
    let duplicates = data::clustered_map::<T, D>(Seed(3), n / 20, 50.0);
    vec![
        ("clusters 1e6 apart", rows(&clusters.values_as::<T>())),
        ("a line", line.iter().map(|&[x]| [x; D]).collect()),
        ("exponentially spaced", exponential(n)),
        ("every point 20 times", (0..n).map(|i| duplicates[i % duplicates.len()]).collect()),
    ]
}

/// Points at ±2^k along the axes, k from -20 to 20 in equal steps.
pub(crate) fn exponential<T: Scalar, const D: usize>(n: usize) -> Vec<[T; D]> {
    let at = |i: usize| {
        let mut point = [T::lit(0.0); D];
        let sign = if i.is_multiple_of(2) { 1.0 } else { -1.0 };
        point[i / 2 % D] = T::lit(sign * (40.0 * i as f64 / n as f64 - 20.0).exp2());
        point
    };
    (0..n).map(at).collect()
}

fn rows<T: Scalar, const D: usize>(values: &[T]) -> Vec<[T; D]> {
    values.as_chunks().0.to_vec()
}
