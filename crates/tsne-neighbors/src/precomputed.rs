//! Distances and neighbors that somebody else has computed, checked before use.

use std::borrow::Cow;

use rayon::prelude::*;
use tsne_core::{BackendError, Control, KnnGraph, NeighborIndex, NeighborQuery, Points, Scalar};

use crate::compiled::compiled_here;
use crate::error::{Error, check_features, check_k};
use crate::progress::Progress;
use crate::selection::zeros;
use crate::top_k::TopK;

/// Largest difference of a distance from its reverse, as a part of the largest distance.
const ASYMMETRY: f64 = 1e-6;

/// A square matrix of distances as an index.
///
/// The graph takes the smallest entries of each row, the diagonal left out; ties go to the smaller index. A query is a
/// row of distances to all indexed points.
///
/// ```
/// use tsne_neighbors::{Control, NeighborIndex, Points, PrecomputedDistances};
///
/// let distances = [0.0_f32, 2.0, 1.0, 2.0, 0.0, 3.0, 1.0, 3.0, 0.0];
/// let index = PrecomputedDistances::new(Points::from_row_major(&distances, 3)?)?;
/// assert_eq!(index.knn_graph(2, &Control::NONE)?.row(0), (&[2, 1][..], &[1.0, 2.0][..]));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// Time O(n²), no memory beyond the graph.
#[derive(Clone, Debug)]
pub struct PrecomputedDistances<'a, T: Scalar> {
    matrix: Cow<'a, [T]>,
    n: usize,
}

impl<'a, T: Scalar> PrecomputedDistances<'a, T> {
    /// Takes a matrix with one row and one column a point. Its diagonal is not looked at.
    ///
    /// # Errors
    /// When the matrix is not square or not dense, an entry is NaN, infinite or negative, or an entry differs from its
    /// reverse by more than 1e-6 of the largest.
    pub fn new(matrix: Points<'a, T>) -> Result<Self, Error> {
        checked(matrix)
    }

    /// As [`new`](Self::new), but replaces every entry and its reverse by their mean, however far apart they are.
    ///
    /// # Errors
    /// As [`new`](Self::new), symmetry excepted.
    pub fn symmetrized(matrix: Points<'_, T>) -> Result<PrecomputedDistances<'static, T>, Error> {
        symmetrized(matrix)
    }

    /// The same index with a copy of its matrix.
    #[must_use]
    pub fn into_owned(self) -> PrecomputedDistances<'static, T> {
        PrecomputedDistances { matrix: Cow::Owned(self.matrix.into_owned()), n: self.n }
    }

    fn unchecked_symmetry(matrix: Points<'a, T>) -> Result<Self, Error> {
        let values = distances_of(matrix)?;
        let n = matrix.n_points();
        if n != matrix.n_features() {
            return Err(Error::NotSquare { rows: n, columns: matrix.n_features() });
        }
        check_distances(&values, n, true)?;
        Ok(Self { matrix: values, n })
    }
}

/// The entries of a dense matrix, in the computing type.
fn distances_of<T: Scalar>(matrix: Points<'_, T>) -> Result<Cow<'_, [T]>, Error> {
    matrix.check_finite()?;
    match matrix {
        Points::Dense(matrix) => Ok(Cow::Borrowed(matrix.as_slice())),
        Points::Bytes(matrix) => {
            Ok(Cow::Owned(matrix.as_slice().iter().map(|&d| T::lit(f64::from(d))).collect()))
        }
        Points::Sparse(_) => Err(Error::UnsupportedPoints { index: "a matrix of distances", kind: "sparse" }),
    }
}

fn check_distances<T: Scalar>(values: &[T], width: usize, skip_diagonal: bool) -> Result<(), Error> {
    let negative = |&(at, d): &(usize, &T)| {
        let (row, column) = (at / width, at % width);
        d.to_f64() < 0.0 && !(skip_diagonal && row == column)
    };
    match values.iter().enumerate().find(negative) {
        Some((at, d)) => Err(Error::BadDistance { row: at / width, point: at % width, distance: d.to_f64() }),
        None => Ok(()),
    }
}

/// The `k` smallest entries of every row of `values`.
fn smallest<T: Scalar>(
    values: &[T],
    width: usize,
    k: usize,
    skip_diagonal: bool,
    control: &Control<'_>,
) -> Result<KnnGraph<T>, Error> {
    let n = values.len() / width;
    let progress = Progress::new(control, n);
    let (mut neighbors, mut distances) = (zeros(n.saturating_mul(k))?, zeros(n.saturating_mul(k))?);
    let outputs = neighbors.par_chunks_mut(k).zip(distances.par_chunks_mut(k));
    outputs.zip(values.par_chunks(width)).enumerate().try_for_each(
        |(i, ((neighbors, distances), row))| {
            let mut nearest = TopK::new(k);
            for (j, &distance) in (0_u32..).zip(row) {
                if !(skip_diagonal && j as usize == i) {
                    nearest.offer(distance, j);
                }
            }
            nearest.drain_into(neighbors, distances);
            progress.advance(1)
        },
    )?;
    Ok(KnnGraph::from_parts(k, neighbors, distances)?)
}

impl<T: Scalar> NeighborIndex<T> for PrecomputedDistances<'_, T> {
    fn n_points(&self) -> usize {
        self.n
    }

    fn knn_graph(&self, k: usize, control: &Control<'_>) -> Result<KnnGraph<T>, BackendError> {
        graph(self, k, control)
    }
}

impl<T: Scalar> NeighborQuery<T> for PrecomputedDistances<'_, T> {
    fn n_features(&self) -> usize {
        self.n
    }

    fn query(
        &self,
        queries: Points<'_, T>,
        k: usize,
        control: &Control<'_>,
    ) -> Result<KnnGraph<T>, BackendError> {
        answers(self, queries, k, control)
    }
}

/// Checks a graph computed elsewhere, which is then an index as it is: [`NeighborIndex`] is implemented for
/// [`KnnGraph`], and truncates.
///
/// Rows in any order are sorted by (distance, index).
///
/// # Errors
/// When a row lists itself, a point that does not exist, or a point twice, or a distance is NaN, infinite or negative.
pub fn precomputed_neighbors<T: Scalar>(graph: KnnGraph<T>) -> Result<KnnGraph<T>, Error> {
    sorted(graph)
}

compiled_here! {
    fn checked<'a; T>(matrix: Points<'a, T>) -> Result<PrecomputedDistances<'a, T>, Error> {
        let index = PrecomputedDistances::unchecked_symmetry(matrix)?;
        let n = index.n;
        let largest = index.matrix.iter().fold(0.0, |m: f64, d| m.max(d.to_f64()));
        let bad = (0..n).into_par_iter().find_map_first(|i| {
            let at = |i: usize, j: usize| index.matrix[i * n + j].to_f64();
            (0..i)
                .find(|&j| (at(i, j) - at(j, i)).abs() > ASYMMETRY * largest)
                .map(|j| (i, j, at(i, j), at(j, i)))
        });
        match bad {
            Some((row, column, distance, reverse)) => {
                Err(Error::Asymmetric { row, column, distance, reverse })
            }
            None => Ok(index),
        }
    }

    fn symmetrized<'s; T>(matrix: Points<'s, T>) -> Result<PrecomputedDistances<'static, T>, Error> {
        let given = PrecomputedDistances::unchecked_symmetry(matrix)?;
        let n = given.n;
        let mut means = zeros(n * n)?;
        means.par_chunks_mut(n.max(1)).enumerate().for_each(|(i, row)| {
            for (j, mean) in row.iter_mut().enumerate() {
                let (there, back) = (given.matrix[i * n + j].to_f64(), given.matrix[j * n + i].to_f64());
                *mean = T::lit(0.5 * there + 0.5 * back);
            }
        });
        Ok(PrecomputedDistances { matrix: Cow::Owned(means), n })
    }

    fn graph<'s; T>(
        index: &'s PrecomputedDistances<'s, T>,
        k: usize,
        control: &'s Control<'s>,
    ) -> Result<KnnGraph<T>, BackendError> {
        check_k(k, index.n.saturating_sub(1))?;
        Ok(smallest(&index.matrix, index.n, k, true, control)?)
    }

    fn answers<'s; T>(
        index: &'s PrecomputedDistances<'s, T>,
        queries: Points<'s, T>,
        k: usize,
        control: &'s Control<'s>,
    ) -> Result<KnnGraph<T>, BackendError> {
        check_k(k, index.n)?;
        check_features(index.n, queries.n_features())?;
        let values = distances_of(queries)?;
        check_distances(&values, index.n, false)?;
        Ok(smallest(&values, index.n, k, false, control)?)
    }

    fn sorted<; T>(graph: KnnGraph<T>) -> Result<KnnGraph<T>, Error> {
        let n = graph.n_points();
        let (k, mut neighbors, mut distances) = graph.into_parts();
        neighbors.par_chunks_mut(k).zip(distances.par_chunks_mut(k)).for_each(|(neighbors, distances)| {
            let mut row: Vec<(T, u32)> = distances.iter().copied().zip(neighbors.iter().copied()).collect();
            row.sort_unstable_by(crate::top_k::by_distance);
            for ((neighbor, distance), (d, j)) in neighbors.iter_mut().zip(distances).zip(row) {
                (*neighbor, *distance) = (j, d);
            }
        });
        let graph = KnnGraph::from_parts(k, neighbors, distances)?;
        graph.check_rows(n, true)?;
        Ok(graph)
    }
}
