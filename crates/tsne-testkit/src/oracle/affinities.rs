//! Distances, neighbors and affinities by definition: \[M1\], \[M2\], \[M4\].

use tsne_core::{KnnGraph, Points, Scalar};

use super::{Matrix, Sum, sum};

/// Squared Euclidean distances between all points; differences are taken in f64.
#[must_use]
pub fn squared_distances<T: Scalar>(points: Points<'_, T>) -> Matrix {
    let rows = rows(points);
    Matrix::from_fn(rows.len(), rows.len(), |i, j| squared(&rows[i], &rows[j]))
}

/// Euclidean distance of two rows.
#[must_use]
pub fn euclidean(a: &[f64], b: &[f64]) -> f64 {
    squared(a, b).sqrt()
}

/// The `k` nearest other points of every point by Euclidean distance: ascending, ties by index, a point left out of
/// its own row by index.
///
/// # Panics
/// If `k` is 0 or not below the number of points.
#[must_use]
pub fn knn<T: Scalar>(points: Points<'_, T>, k: usize) -> KnnGraph<f64> {
    knn_by(points, k, euclidean)
}

/// As [`knn`], by any distance.
///
/// # Panics
/// If `k` is 0 or not below the number of points.
#[must_use]
pub fn knn_by<T: Scalar>(
    points: Points<'_, T>,
    k: usize,
    distance: impl Fn(&[f64], &[f64]) -> f64,
) -> KnnGraph<f64> {
    let rows = rows(points);
    assert!(0 < k && k < rows.len(), "k = {k} of {} points", rows.len());
    nearest(&rows, &rows, k, true, distance)
}

/// The `k` nearest of `points` for every query by Euclidean distance: ascending, ties by index.
///
/// # Panics
/// If `k` is 0 or above the number of points.
#[must_use]
pub fn query<T: Scalar>(points: Points<'_, T>, queries: Points<'_, T>, k: usize) -> KnnGraph<f64> {
    query_by(points, queries, k, euclidean)
}

/// As [`query`], by any distance.
///
/// # Panics
/// If `k` is 0 or above the number of points.
#[must_use]
pub fn query_by<T: Scalar>(
    points: Points<'_, T>,
    queries: Points<'_, T>,
    k: usize,
    distance: impl Fn(&[f64], &[f64]) -> f64,
) -> KnnGraph<f64> {
    let rows_of_points = rows(points);
    assert!(0 < k && k <= rows_of_points.len(), "k = {k} of {} points", rows_of_points.len());
    nearest(&rows_of_points, &rows(queries), k, false, distance)
}

/// Conditional affinities of one row \[M1\] at precision `beta`, for squared distances `d2` to its neighbors.
///
/// A `beta` of infinity spreads the row over the nearest alone.
#[must_use]
pub fn conditional_row(d2: &[f64], beta: f64) -> Vec<f64> {
    let nearest = d2.iter().copied().fold(f64::INFINITY, f64::min);
    let weight = |&d2: &f64| if d2 == nearest { 1.0 } else { (-beta * (d2 - nearest)).exp() };
    let total = sum(d2.iter().map(weight));
    d2.iter().map(|d2| weight(d2) / total).collect()
}

/// Perplexity exp(H) of the row \[M2\] at precision `beta`.
#[must_use]
pub fn perplexity_at(d2: &[f64], beta: f64) -> f64 {
    entropy(d2, beta).exp()
}

/// The precision β at which the row has `perplexity` \[M2\], by bisection in ln β; `None` where no finite β above 0
/// has it, that is outside the open interval from the number of nearest neighbors to the number of all of them.
#[must_use]
pub fn calibrate(d2: &[f64], perplexity: f64) -> Option<f64> {
    let nearest = d2.iter().copied().fold(f64::INFINITY, f64::min);
    let widest = d2.iter().map(|d2| d2 - nearest).fold(0.0, f64::max);
    // In units of the widest difference all β of interest lie between e^-50 and e^700, whatever the data's scale.
    let scaled: Vec<f64> = d2.iter().map(|d2| (d2 - nearest) / widest).collect();
    let above = |log_beta: f64| entropy(&scaled, log_beta.exp()) > perplexity.ln();
    let (mut low, mut high) = (-50.0, 700.0);
    if widest == 0.0 || !above(low) || above(high) {
        return None;
    }
    loop {
        let middle = 0.5 * (low + high);
        if middle <= low || middle >= high {
            return Some(middle.exp() / widest);
        }
        if above(middle) { low = middle } else { high = middle }
    }
}

/// The joint probabilities \[M4\] of the rows of `graph`, each calibrated to `perplexity`.
///
/// Over all other points with [`knn`] at k = n − 1.
///
/// # Panics
/// If a row has no precision with that perplexity, see [`calibrate`].
#[must_use]
pub fn joint_probabilities(graph: &KnnGraph<f64>, perplexity: f64) -> Matrix {
    let n = graph.n_points();
    let mut conditional = vec![0.0; n * n];
    for i in 0..n {
        let (neighbors, distances) = graph.row(i);
        let d2: Vec<f64> = distances.iter().map(|d| d * d).collect();
        let beta = calibrate(&d2, perplexity)
            .unwrap_or_else(|| panic!("row {i} of {} neighbors has no perplexity {perplexity}", graph.k()));
        for (&j, p) in neighbors.iter().zip(conditional_row(&d2, beta)) {
            conditional[i * n + j as usize] = p;
        }
    }
    let total = 2.0 * sum(conditional.iter().copied());
    Matrix::from_fn(n, n, |i, j| (conditional[i * n + j] + conditional[j * n + i]) / total)
}

/// H of \[M2\]: ln S + β Σ p (d² − m).
fn entropy(d2: &[f64], beta: f64) -> f64 {
    let nearest = d2.iter().copied().fold(f64::INFINITY, f64::min);
    let (mut total, mut moment) = (Sum::default(), Sum::default());
    for d2 in d2 {
        let exponent = if *d2 == nearest { 0.0 } else { beta * (d2 - nearest) };
        let weight = (-exponent).exp();
        total.add(weight);
        if weight > 0.0 {
            moment.add(weight * exponent);
        }
    }
    total.value().ln() + moment.value() / total.value()
}

fn squared(a: &[f64], b: &[f64]) -> f64 {
    assert_eq!(a.len(), b.len(), "rows of different length");
    sum(a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)))
}

fn rows<T: Scalar>(points: Points<'_, T>) -> Vec<Vec<f64>> {
    let mut row = vec![T::default(); points.n_features()];
    (0..points.n_points())
        .map(|i| {
            points.copy_row(i, &mut row);
            row.iter().map(|x| x.to_f64()).collect()
        })
        .collect()
}

fn nearest(
    points: &[Vec<f64>],
    queries: &[Vec<f64>],
    k: usize,
    exclude_self: bool,
    distance: impl Fn(&[f64], &[f64]) -> f64,
) -> KnnGraph<f64> {
    let (mut neighbors, mut distances) = (Vec::new(), Vec::new());
    for (i, query) in queries.iter().enumerate() {
        let mut candidates: Vec<(f64, u32)> = (0_u32..)
            .zip(points)
            .filter(|&(j, _)| !(exclude_self && j as usize == i))
            .map(|(j, point)| (distance(query, point), j))
            .collect();
        candidates.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        neighbors.extend(candidates[..k].iter().map(|c| c.1));
        distances.extend(candidates[..k].iter().map(|c| c.0));
    }
    KnnGraph::from_parts(k, neighbors, distances).expect("k entries a row")
}
