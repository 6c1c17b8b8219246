//! The definitions of `docs/math.md`, written down plainly in f64: bisection, dense matrices, no shift but the minimum.

use tsne_core::{Csr, KnnGraph, Scalar};

/// Distances of row `i` as f64, the first `k`.
pub(crate) fn distances<T: Scalar>(graph: &KnnGraph<T>, i: usize, k: usize) -> Vec<f64> {
    graph.row(i).1[..k].iter().map(|d| d.to_f64()).collect()
}

/// [M1] at precision `beta`, for distances in units of `unit` (which keeps squares finite).
pub(crate) fn row_at(distances: &[f64], beta: f64, unit: f64) -> Vec<f64> {
    let squares: Vec<f64> = distances.iter().map(|d| (d / unit) * (d / unit)).collect();
    let least = squares.iter().copied().fold(f64::INFINITY, f64::min);
    let weights: Vec<f64> = squares.iter().map(|u| (-beta * (u - least)).exp()).collect();
    let sum: f64 = weights.iter().sum();
    weights.iter().map(|w| w / sum).collect()
}

/// [M2]: exp of the entropy of a row.
pub(crate) fn perplexity(row: &[f64]) -> f64 {
    let sum: f64 = row.iter().sum();
    (-row.iter().filter(|p| **p > 0.0).map(|p| p / sum * (p / sum).ln()).sum::<f64>()).exp()
}

/// A unit for the distances of a row: the one at the rank of the perplexity.
pub(crate) fn unit(distances: &[f64], perplexity: f64) -> f64 {
    let mut sorted = distances.to_vec();
    sorted.sort_by(f64::total_cmp);
    let unit = sorted[(perplexity.ceil() as usize).clamp(1, sorted.len()) - 1];
    if unit > 0.0 { unit } else { 1.0 }
}

/// The precision with `target` perplexity in units of `unit`, by bisection of ln β to the last bit.
pub(crate) fn beta(distances: &[f64], target: f64, unit: f64) -> f64 {
    let (mut low, mut high) = (-700.0_f64, 700.0_f64);
    for _ in 0..200 {
        let t = 0.5 * (low + high);
        if perplexity(&row_at(distances, t.exp(), unit)) > target {
            low = t;
        } else {
            high = t;
        }
    }
    (0.5 * (low + high)).exp()
}

/// [M1] to [M3]: the conditional row with `target` perplexity.
pub(crate) fn conditional(distances: &[f64], target: f64) -> Vec<f64> {
    let unit = unit(distances, target);
    row_at(distances, beta(distances, target, unit), unit)
}

/// A dense matrix of n × n.
pub(crate) struct Dense {
    pub(crate) n: usize,
    pub(crate) values: Vec<f64>,
}

impl Dense {
    pub(crate) fn at(&self, i: usize, j: usize) -> f64 {
        self.values[i * self.n + j]
    }

    /// C, from a row of values over the first neighbors of every point.
    pub(crate) fn directed<T: Scalar>(graph: &KnnGraph<T>, mut row: impl FnMut(usize) -> Vec<f64>) -> Self {
        let n = graph.n_points();
        let mut values = vec![0.0; n * n];
        for i in 0..n {
            for (&j, p) in graph.row(i).0.iter().zip(row(i)) {
                values[i * n + j as usize] = p;
            }
        }
        Self { n, values }
    }

    /// Every entry from its own value and that of its transpose, all divided by the sum.
    pub(crate) fn merged(&self, merge: impl Fn(f64, f64) -> f64) -> Self {
        let n = self.n;
        let mut values = vec![0.0; n * n];
        for i in 0..n {
            for j in 0..n {
                values[i * n + j] = merge(self.at(i, j), self.at(j, i));
            }
        }
        let sum: f64 = values.iter().sum();
        values.iter_mut().for_each(|p| *p /= sum);
        Self { n, values }
    }
}

/// Largest difference of a sparse matrix from a dense one, relative to the largest value of its row.
pub(crate) fn error<T: Scalar>(sparse: &Csr<T>, dense: &Dense) -> f64 {
    let mut worst = 0.0_f64;
    for i in 0..dense.n {
        let mut row = vec![0.0; dense.n];
        let (columns, values) = sparse.row(i);
        for (&j, p) in columns.iter().zip(values) {
            row[j as usize] = p.to_f64();
        }
        let largest = (0..dense.n).map(|j| dense.at(i, j)).fold(0.0, f64::max);
        for j in 0..dense.n {
            worst = worst.max((row[j] - dense.at(i, j)).abs() / largest);
        }
    }
    worst
}
