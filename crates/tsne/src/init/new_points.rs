//! Where new points start in a finished map: among their neighbors (\[M68\]), or at random by what they are.

use rayon::prelude::*;
use tsne_core::{KnnGraph, Points, Scalar, Seed};

use super::{STD, normals, stream};

/// The coordinate-wise median of the positions of each point's neighbors, the first `k` of them or all there are.
///
/// Of an even number it is the mean of the two in the middle. Each point is placed alone: one by one equals all at
/// once, bit for bit. Time O(n k), memory one row of neighbors.
///
/// ```
/// use tsne::{core::KnnGraph, init};
///
/// let reference = [[0.0_f32, 0.0], [1.0, 10.0], [5.0, 20.0]];
/// let neighbors = KnnGraph::from_parts(3, vec![2, 0, 1], vec![1.0_f32, 2.0, 3.0])?;
/// assert_eq!(init::median(&neighbors, 25, &reference), [[1.0, 10.0]]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Panics
/// If `k` is 0 or a neighbor is no index of `reference`.
#[must_use]
pub fn median<T: Scalar, const D: usize>(
    neighbors: &KnnGraph<T>,
    k: usize,
    reference: &[[T; D]],
) -> Vec<[T; D]> {
    place(neighbors, k, |neighbors, _| {
        std::array::from_fn(|d| {
            let mut column: Vec<T> = neighbors.iter().map(|&j| reference[j as usize][d]).collect();
            let middle = column.len() / 2;
            let is_odd = !column.len().is_multiple_of(2);
            let (below, &mut upper, _) = column.select_nth_unstable_by(middle, T::total_cmp);
            match below.iter().copied().max_by(T::total_cmp) {
                Some(lower) if !is_odd => T::lit(lower.to_f64() * 0.5 + upper.to_f64() * 0.5),
                _ => upper,
            }
        })
    })
}

/// The mean of the positions of each point's neighbors, the first `k` of them or all there are, weighted by the
/// inverse of their distances: near neighbors weigh more. Neighbors at distance 0 are all that count where there are
/// any.
///
/// Each point is placed alone, as by [`median`].
///
/// ```
/// use tsne::{core::KnnGraph, init};
///
/// let neighbors = KnnGraph::from_parts(2, vec![0, 1], vec![1.0_f64, 3.0])?;
/// assert_eq!(init::weighted(&neighbors, 25, &[[0.0], [8.0]]), [[2.0]]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Panics
/// If `k` is 0 or a neighbor is no index of `reference`.
#[must_use]
pub fn weighted<T: Scalar, const D: usize>(
    neighbors: &KnnGraph<T>,
    k: usize,
    reference: &[[T; D]],
) -> Vec<[T; D]> {
    place(neighbors, k, |neighbors, distances| {
        // Relative to the nearest, so that no distance is too large or too small for its inverse.
        let nearest = distances.iter().map(|d| d.to_f64()).fold(f64::INFINITY, f64::min);
        let (mut sum, mut total) = ([0.0; D], 0.0);
        for (&j, distance) in neighbors.iter().zip(distances) {
            let distance = distance.to_f64();
            let weight = if distance > nearest { nearest / distance } else { 1.0 };
            total += weight;
            for d in 0..D {
                sum[d] += weight * reference[j as usize][d].to_f64();
            }
        }
        sum.map(|sum| T::lit(sum / total))
    })
}

/// Independent normal positions of standard deviation 1e-4, seeded by the content of each point: equal points start at
/// the same place, and one by one equals all at once, bit for bit.
///
/// Content is the features that are not 0 and their values, so that a row starts at the same place whether it is dense
/// or sparse, of bytes or of numbers. Time O(stored values).
#[must_use]
pub fn random_by_content<T: Scalar, const D: usize>(points: Points<'_, T>, seed: Seed) -> Vec<[T; D]> {
    let seed = seed.derive(stream::CONTENT);
    (0..points.n_points())
        .into_par_iter()
        .map(|i| {
            let mut normal = normals(content(points, i, seed), STD);
            std::array::from_fn(|_| T::lit(normal()))
        })
        .collect()
}

/// A hash of row `i`: a step of the seed for every feature that is not 0 and one for its value.
fn content<T: Scalar>(points: Points<'_, T>, i: usize, seed: Seed) -> Seed {
    let step = |seed: Seed, (feature, value): (u64, f64)| {
        if value == 0.0 { seed } else { seed.derive(feature).derive(value.to_bits()) }
    };
    match points {
        Points::Dense(points) => (0..).zip(points.row(i).iter().map(|x| x.to_f64())).fold(seed, step),
        Points::Bytes(points) => (0..).zip(points.row(i).iter().map(|&x| f64::from(x))).fold(seed, step),
        Points::Sparse(points) => {
            let (columns, values) = points.row(i);
            columns.iter().zip(values).map(|(&column, x)| (u64::from(column), x.to_f64())).fold(seed, step)
        }
    }
}

/// Applies `rule` to the first `k` neighbors and distances of every row, in parallel.
fn place<T: Scalar, const D: usize>(
    neighbors: &KnnGraph<T>,
    k: usize,
    rule: impl Fn(&[u32], &[T]) -> [T; D] + Sync,
) -> Vec<[T; D]> {
    assert!(k > 0, "new points need at least 1 neighbor to start from, got k = {k}");
    let used = k.min(neighbors.k());
    let row = |i: usize| {
        let (neighbors, distances) = neighbors.row(i);
        rule(&neighbors[..used], &distances[..used])
    };
    (0..neighbors.n_points()).into_par_iter().map(row).collect()
}
