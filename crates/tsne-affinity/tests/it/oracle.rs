//! What the families are by definition, dense and in f64, from the distances of a graph.

use tsne_core::{KnnGraph, Scalar};
use tsne_testkit::oracle::{self, Matrix};

/// Distances of row `i` to its first `k` neighbors.
pub(crate) fn distances<T: Scalar>(graph: &KnnGraph<T>, i: usize, k: usize) -> Vec<f64> {
    graph.row(i).1[..k].iter().map(|d| d.to_f64()).collect()
}

/// Squares of `distances` in a unit of which none overflows, and the unit: where the perplexity is decided.
pub(crate) fn squares(distances: &[f64], perplexity: f64) -> (Vec<f64>, f64) {
    let reference = distances[rank(perplexity).min(distances.len() - 1)];
    let unit = if reference > 0.0 { reference } else { 1.0 };
    (distances.iter().map(|d| (d / unit) * (d / unit)).collect(), unit)
}

/// Place of the neighbor that a row with this perplexity must reach.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "perplexities of tests are small")]
fn rank(perplexity: f64) -> usize {
    perplexity.ceil() as usize - 1
}

/// [M1] to [M3]: the row with this perplexity.
pub(crate) fn row(distances: &[f64], perplexity: f64) -> Vec<f64> {
    let (d2, _) = squares(distances, perplexity);
    let beta = oracle::calibrate(&d2, perplexity).expect("a row that can have the perplexity");
    oracle::conditional_row(&d2, beta)
}

/// [M2] of a row of values.
pub(crate) fn perplexity_of(values: &[f64]) -> f64 {
    let total = oracle::sum(values.iter().copied());
    let p = values.iter().map(|p| p / total).filter(|&p| p > 0.0);
    oracle::sum(p.map(|p| -p * p.ln())).exp()
}

/// [M22]: the sum of √τ exp(−τ d²/2) with τ = 2β, normalized.
pub(crate) fn mixture_row(distances: &[f64], perplexities: &[f64]) -> Vec<f64> {
    let mut terms: Vec<Vec<f64>> = Vec::new();
    for &perplexity in perplexities {
        let (d2, unit) = squares(distances, perplexity);
        let beta = oracle::calibrate(&d2, perplexity).expect("a row that can have the perplexity");
        // In logarithms, for the far neighbors of high-dimensional data.
        let log_height = 0.5 * (2.0 * beta).ln() - unit.ln();
        terms.push(d2.iter().map(|d2| log_height - beta * d2).collect());
    }
    let largest = terms.iter().flatten().copied().fold(f64::NEG_INFINITY, f64::max);
    let sums: Vec<f64> = (0..distances.len())
        .map(|at| oracle::sum(terms.iter().map(|term| (term[at] - largest).exp())))
        .collect();
    let total = oracle::sum(sums.iter().copied());
    sums.iter().map(|value| value / total).collect()
}

/// [M23]: the average of rows that are normalized each.
pub(crate) fn average_row(distances: &[f64], perplexities: &[f64]) -> Vec<f64> {
    let rows: Vec<Vec<f64>> = perplexities.iter().map(|&perplexity| row(distances, perplexity)).collect();
    (0..distances.len()).map(|at| rows.iter().map(|row| row[at]).sum::<f64>() / rows.len() as f64).collect()
}

/// [M24], in logarithms.
pub(crate) fn sigma_row(distances: &[f64], sigma: f64) -> Vec<f64> {
    let (d2, _) = (distances.iter().map(|d| d * d).collect::<Vec<f64>>(), ());
    oracle::conditional_row(&d2, 0.5 / (sigma * sigma))
}

/// The matrix C with `row(distances)` in every row of the first `k` neighbors of `graph`.
pub(crate) fn directed<T: Scalar>(graph: &KnnGraph<T>, k: usize, row: impl Fn(&[f64]) -> Vec<f64>) -> Matrix {
    let n = graph.n_points();
    let mut rows = vec![vec![0.0; n]; n];
    for (i, dense) in rows.iter_mut().enumerate() {
        for (&j, p) in graph.row(i).0[..k].iter().zip(row(&distances(graph, i, k))) {
            dense[j as usize] = p;
        }
    }
    Matrix::from_fn(n, n, |i, j| rows[i][j])
}

/// Every entry of `c` merged with its transpose, all divided by their sum: [M4] for a sum.
pub(crate) fn joint(c: &Matrix, merge: impl Fn(f64, f64) -> f64) -> Matrix {
    let n = c.n_rows();
    let merged = Matrix::from_fn(n, n, |i, j| merge(c.at(i, j), c.at(j, i)));
    let total = oracle::sum(merged.as_slice().iter().copied());
    Matrix::from_fn(n, n, |i, j| merged.at(i, j) / total)
}

/// [M4].
pub(crate) fn symmetric(c: &Matrix) -> Matrix {
    joint(c, |a, b| a + b)
}
