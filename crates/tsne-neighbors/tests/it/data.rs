//! Points for the tests, and distances to judge by.

use tsne_core::{Csr, KnnGraph, Scalar, Seed};
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

/// The values that are not zero.
pub(crate) fn to_csr<T: Scalar>(values: &[T], n_features: usize) -> Csr<T> {
    let (mut offsets, mut columns, mut kept) = (vec![0], Vec::new(), Vec::new());
    for row in values.chunks_exact(n_features) {
        for (f, &x) in (0_u32..).zip(row).filter(|(_, x)| x.to_f64() != 0.0) {
            columns.push(f);
            kept.push(x);
        }
        offsets.push(kept.len());
    }
    Csr::from_parts(n_features, offsets, columns, kept).expect("made to fit")
}

/// Share of neighbors no farther than the true k-th, where `truth` has one row for each of `graph`.
pub(crate) fn recall<T: Scalar>(graph: &KnnGraph<T>, truth: &KnnGraph<T>) -> f64 {
    let near = |i: usize| {
        let kth = truth.row(i).1[truth.k() - 1].to_f64() * (1.0 + 1e-6);
        graph.row(i).1.iter().filter(|d| d.to_f64() <= kth).count()
    };
    (0..graph.n_points()).map(near).sum::<usize>() as f64 / graph.neighbors().len() as f64
}
