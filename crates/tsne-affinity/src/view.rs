//! The part of a neighbor graph that affinities are made from, and what is checked about it.

use tsne_core::{GraphError, KnnGraph, Scalar};

/// The first `k` neighbors of every row of a graph.
#[derive(Debug)]
pub(crate) struct View<'a, T> {
    graph: &'a KnnGraph<T>,
    pub(crate) k: usize,
}

impl<T> Clone for View<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for View<'_, T> {}

impl<'a, T: Scalar> View<'a, T> {
    /// # Panics
    /// If `k` is not in `1..=graph.k()`.
    pub(crate) fn new(graph: &'a KnnGraph<T>, k: usize) -> Self {
        assert!((1..=graph.k()).contains(&k), "a view of {k} of {} neighbors", graph.k());
        Self { graph, k }
    }

    pub(crate) fn n_rows(&self) -> usize {
        self.graph.n_points()
    }

    #[inline(always)]
    pub(crate) fn neighbors(&self, i: usize) -> &'a [u32] {
        let start = i * self.graph.k();
        &self.graph.neighbors()[start..start + self.k]
    }

    #[inline(always)]
    pub(crate) fn distances(&self, i: usize) -> &'a [T] {
        let start = i * self.graph.k();
        &self.graph.distances()[start..start + self.k]
    }

    /// Fills `order` with the neighbors of row `i` in ascending order, each packed with its position in the row.
    /// Checks that they are distinct and below `n_columns`, and are not the row itself if `exclude_self`.
    pub(crate) fn sort_row(
        &self,
        i: usize,
        n_columns: usize,
        exclude_self: bool,
        order: &mut Vec<u64>,
    ) -> Result<(), GraphError> {
        order.clear();
        order.extend(self.neighbors(i).iter().enumerate().map(|(position, &j)| pack(j, position)));
        order.sort_unstable();
        let neighbor = |key: u64| unpack(key).0;
        if let Some(pair) = order.windows(2).find(|pair| neighbor(pair[0]) == neighbor(pair[1])) {
            return Err(GraphError::Repeated { row: i, neighbor: neighbor(pair[0]) });
        }
        let last = neighbor(order[self.k - 1]);
        if last as usize >= n_columns {
            return Err(GraphError::OutOfRange { row: i, neighbor: last, n_references: n_columns });
        }
        if exclude_self && self.neighbors(i).iter().any(|&j| j as usize == i) {
            return Err(GraphError::SelfNeighbor { row: i });
        }
        Ok(())
    }
}

/// Checks that distances are finite, not negative, and ascend.
#[inline(always)]
pub(crate) fn check_distances(row: usize, distances: &[f64]) -> Result<(), GraphError> {
    // NaN fails any comparison, and with the ends in order the rest is.
    let ascending = distances.windows(2).fold(true, |all, pair| all & (pair[0] <= pair[1]));
    if ascending && distances[0] >= 0.0 && distances[distances.len() - 1] < f64::INFINITY {
        return Ok(());
    }
    Err(broken_distance(row, distances))
}

#[cold]
fn broken_distance(row: usize, distances: &[f64]) -> GraphError {
    for (position, &distance) in distances.iter().enumerate() {
        if !(distance.is_finite() && distance >= 0.0) {
            return GraphError::BadDistance { row, position, distance };
        }
        if position > 0 && distance < distances[position - 1] {
            return GraphError::Unsorted { row, position, distance };
        }
    }
    unreachable!("called for a row with a broken distance")
}

/// A column and a position below 2^32 as one number, which sorts by column.
#[inline(always)]
pub(crate) fn pack(column: u32, position: usize) -> u64 {
    (u64::from(column) << 32) | position as u64
}

/// Column and position of a packed key.
#[inline(always)]
#[allow(clippy::cast_possible_truncation, reason = "the halves of a packed key")]
pub(crate) fn unpack(key: u64) -> (u32, usize) {
    ((key >> 32) as u32, (key & 0xffff_ffff) as usize)
}
