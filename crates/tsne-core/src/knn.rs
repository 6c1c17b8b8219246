//! Nearest neighbors: the graph, and the two traits of whatever finds them.

use std::sync::Arc;

use crate::{BackendError, Control, GraphError, Points, Scalar, ShapeError};

/// The `k` nearest neighbors of each of n rows, as two flat arrays of `n * k`.
///
/// Row `i` ascends by distance, ties by index, and leaves out the point itself (by index: a duplicate at distance 0
/// is a neighbor like any other). Distances are in the metric's own units, never squared unless the metric is.
#[derive(Clone, Debug, PartialEq)]
pub struct KnnGraph<T> {
    k: usize,
    neighbors: Vec<u32>,
    distances: Vec<T>,
}

impl<T: Scalar> KnnGraph<T> {
    /// Assembles a graph from `n * k` indices and distances, row after row.
    ///
    /// Checks lengths only; [`check_rows`](Self::check_rows) checks the contents.
    ///
    /// # Errors
    /// When `k` is 0, a length is not a multiple of `k`, or the two differ.
    pub fn from_parts(k: usize, neighbors: Vec<u32>, distances: Vec<T>) -> Result<Self, ShapeError> {
        if k == 0 {
            return Err(ShapeError::NoNeighbors);
        }
        if neighbors.len() != distances.len() {
            return Err(ShapeError::LengthMismatch {
                what: "distances",
                expected: neighbors.len(),
                got: distances.len(),
            });
        }
        if !neighbors.len().is_multiple_of(k) {
            return Err(ShapeError::NotRectangular { len: neighbors.len(), n_features: k });
        }
        Ok(Self { k, neighbors, distances })
    }

    /// Number of rows.
    #[must_use]
    pub fn n_points(&self) -> usize {
        self.neighbors.len() / self.k
    }

    /// Neighbors per row.
    #[must_use]
    pub fn k(&self) -> usize {
        self.k
    }

    /// Neighbors and distances of row `i`.
    ///
    /// # Panics
    /// If `i` is not below [`n_points`](Self::n_points).
    #[must_use]
    #[inline]
    pub fn row(&self, i: usize) -> (&[u32], &[T]) {
        let range = i * self.k..(i + 1) * self.k;
        (&self.neighbors[range.clone()], &self.distances[range])
    }

    /// All neighbors, row after row.
    #[must_use]
    pub fn neighbors(&self) -> &[u32] {
        &self.neighbors
    }

    /// All distances, row after row.
    #[must_use]
    pub fn distances(&self) -> &[T] {
        &self.distances
    }

    /// The first `k` neighbors of every row; all of them when `k` is not below [`k`](Self::k).
    ///
    /// # Panics
    /// If `k` is 0.
    #[must_use]
    pub fn truncated(&self, k: usize) -> Self {
        assert!(k > 0, "a neighbor graph needs k of at least 1");
        if k >= self.k {
            return self.clone();
        }
        Self {
            k,
            neighbors: first_of_each(&self.neighbors, self.k, k),
            distances: first_of_each(&self.distances, self.k, k),
        }
    }

    /// `k`, neighbors and distances.
    #[must_use]
    pub fn into_parts(self) -> (usize, Vec<u32>, Vec<T>) {
        (self.k, self.neighbors, self.distances)
    }

    /// Checks every row against the promises of this type: indices below `n_references`, distinct, distances finite,
    /// not negative and ascending; and, when `exclude_self`, that row `i` does not list `i`.
    ///
    /// # Errors
    /// The first broken promise, naming the row. Time O(n k log k).
    pub fn check_rows(&self, n_references: usize, exclude_self: bool) -> Result<(), GraphError> {
        let mut sorted = Vec::with_capacity(self.k);
        for row in 0..self.n_points() {
            let (neighbors, distances) = self.row(row);
            if let Some(&neighbor) = neighbors.iter().find(|&&j| j as usize >= n_references) {
                return Err(GraphError::OutOfRange { row, neighbor, n_references });
            }
            if exclude_self && neighbors.iter().any(|&j| j as usize == row) {
                return Err(GraphError::SelfNeighbor { row });
            }
            sorted.clear();
            sorted.extend_from_slice(neighbors);
            sorted.sort_unstable();
            if let Some(pair) = sorted.windows(2).find(|pair| pair[0] == pair[1]) {
                return Err(GraphError::Repeated { row, neighbor: pair[0] });
            }
            for (position, &d) in distances.iter().enumerate() {
                let distance = d.to_f64();
                if !(d.is_finite() && distance >= 0.0) {
                    return Err(GraphError::BadDistance { row, position, distance });
                }
                if position > 0 && d < distances[position - 1] {
                    return Err(GraphError::Unsorted { row, position, distance });
                }
            }
        }
        Ok(())
    }
}

fn first_of_each<E: Copy>(rows: &[E], width: usize, k: usize) -> Vec<E> {
    rows.chunks_exact(width).flat_map(|row| &row[..k]).copied().collect()
}

/// A search structure over a fixed set of points: hands out the whole graph at once.
///
/// Built by its own constructor, which is where metric, seed and budgets go.
pub trait NeighborIndex<T: Scalar>: Send + Sync {
    /// Number of indexed points.
    fn n_points(&self) -> usize;

    /// The `k` nearest other points of every indexed point, as [`KnnGraph`] describes them.
    ///
    /// # Errors
    /// When `k` is 0 or not below [`n_points`](Self::n_points), when `control` interrupts, or for reasons of the
    /// implementation.
    /// # Determinism
    /// Equal indexes and `k` give equal bits, whatever the number of threads, unless the implementation says otherwise.
    fn knn_graph(&self, k: usize, control: &Control<'_>) -> Result<KnnGraph<T>, BackendError>;
}

/// An index that also answers for points it has not seen, as placing new points in a map needs.
pub trait NeighborQuery<T: Scalar>: NeighborIndex<T> {
    /// Number of features a query must have. For a precomputed distance matrix, one per indexed point.
    fn n_features(&self) -> usize;

    /// The `k` nearest indexed points of every query, one row a query.
    ///
    /// A query equal to an indexed point finds that point, at distance 0. Each row depends on its query alone: one by
    /// one equals all at once, bit for bit.
    ///
    /// # Errors
    /// When `k` is 0 or above [`n_points`](NeighborIndex::n_points), the features do not match, a value is not finite,
    /// the kind of points is not supported, when `control` interrupts, or for reasons of the implementation.
    fn query(
        &self,
        queries: Points<'_, T>,
        k: usize,
        control: &Control<'_>,
    ) -> Result<KnnGraph<T>, BackendError>;
}

/// A precomputed graph is an index: it truncates. It cannot answer queries, and the types say so.
impl<T: Scalar> NeighborIndex<T> for KnnGraph<T> {
    fn n_points(&self) -> usize {
        KnnGraph::n_points(self)
    }

    fn knn_graph(&self, k: usize, _control: &Control<'_>) -> Result<KnnGraph<T>, BackendError> {
        if k == 0 || k > self.k {
            return Err(BackendError::new(format!(
                "k = {k} is outside 1..={}, the neighbors stored; compute a larger graph or lower the perplexity",
                self.k
            )));
        }
        Ok(self.truncated(k))
    }
}

macro_rules! forward {
    ($($pointer:ty),*) => {$(
        impl<T: Scalar, I: NeighborIndex<T> + ?Sized> NeighborIndex<T> for $pointer {
            fn n_points(&self) -> usize {
                (**self).n_points()
            }
            fn knn_graph(&self, k: usize, control: &Control<'_>) -> Result<KnnGraph<T>, BackendError> {
                (**self).knn_graph(k, control)
            }
        }

        impl<T: Scalar, I: NeighborQuery<T> + ?Sized> NeighborQuery<T> for $pointer {
            fn n_features(&self) -> usize {
                (**self).n_features()
            }
            fn query(
                &self,
                queries: Points<'_, T>,
                k: usize,
                control: &Control<'_>,
            ) -> Result<KnnGraph<T>, BackendError> {
                (**self).query(queries, k, control)
            }
        }
    )*};
}
forward!(&I, Box<I>, Arc<I>);
