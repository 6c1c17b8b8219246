//! Small data sets and their exact neighbors.

use tsne_core::{KnnGraph, Scalar, Seed};

/// Numbers in 0..1 from a counter.
pub(crate) fn uniform(seed: Seed, n: usize) -> Vec<f64> {
    (0..n as u64).map(|i| (seed.derive(i).0 >> 11) as f64 / (1_u64 << 53) as f64).collect()
}

/// Points in `n_features` dimensions: three blobs of unequal width.
pub(crate) fn blobs(n: usize, n_features: usize) -> Vec<f64> {
    let mut x = uniform(Seed(7), n * n_features);
    for (i, row) in x.chunks_exact_mut(n_features).enumerate() {
        let blob = i % 3;
        for value in row {
            *value = (*value - 0.5) * [0.5, 1.0, 3.0][blob] + 2.0 * blob as f64;
        }
    }
    x
}

/// The `k` nearest other points of every point, by brute force; distances times `scale`, rounded to `T`.
pub(crate) fn knn<T: Scalar>(x: &[f64], n_features: usize, k: usize, scale: f64) -> KnnGraph<T> {
    let rows: Vec<&[f64]> = x.chunks_exact(n_features).collect();
    let (mut neighbors, mut distances) = (Vec::new(), Vec::new());
    for (i, a) in rows.iter().enumerate() {
        let mut row: Vec<(f64, u32)> = (0_u32..)
            .zip(&rows)
            .filter(|&(j, _)| j as usize != i)
            .map(|(j, b)| (a.iter().zip(*b).map(|(x, y)| (x - y) * (x - y)).sum::<f64>().sqrt(), j))
            .collect();
        row.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        neighbors.extend(row[..k].iter().map(|&(_, j)| j));
        distances.extend(row[..k].iter().map(|&(d, _)| T::lit(d * scale)));
    }
    KnnGraph::from_parts(k, neighbors, distances).expect("n rows of k")
}
