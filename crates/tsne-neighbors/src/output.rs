//! The flat arrays of a graph while rows are found, and what completes it.

use std::ops::Range;

use tsne_core::{Control, KnnGraph, Scalar};

use crate::direct::Distances;
use crate::error::Error;
use crate::progress::Progress;
use crate::selection::zeros;
use crate::top_k::by_distance;

/// Where row number `row` of `k` entries lies in a flat array.
pub(crate) fn row_range(row: usize, k: usize) -> Range<usize> {
    row * k..(row + 1) * k
}

/// The flat arrays of a graph being written.
pub(crate) struct Output<T> {
    pub(crate) neighbors: Vec<u32>,
    pub(crate) distances: Vec<T>,
    /// Rows still to be searched for.
    pub(crate) unknown: Vec<u32>,
}

impl<T: Scalar> Output<T> {
    /// Room for `n` rows.
    pub(crate) fn new(n: usize, k: usize) -> Result<Self, Error> {
        let len = n.saturating_mul(k);
        Ok(Self { neighbors: zeros(len)?, distances: zeros(len)?, unknown: Vec::new() })
    }

    /// Writes row `i`.
    pub(crate) fn set_row(&mut self, i: u32, row: &[(T, u32)]) {
        let to = row_range(i as usize, row.len());
        let output = self.neighbors[to.clone()].iter_mut().zip(&mut self.distances[to]);
        for ((neighbor, distance), &(d, j)) in output.zip(row) {
            (*neighbor, *distance) = (j, d);
        }
    }

    /// Searches directly for the rows that are still unknown, and assembles the graph.
    pub(crate) fn complete(
        mut self,
        direct: &impl Distances<T>,
        exclude_self: bool,
        k: usize,
        progress: &Progress<'_>,
    ) -> Result<KnnGraph<T>, Error> {
        let (neighbors, distances) = direct.search(&self.unknown, exclude_self, k, progress)?;
        for (at, &row) in self.unknown.iter().enumerate() {
            let (from, to) = (row_range(at, k), row_range(row as usize, k));
            self.neighbors[to.clone()].copy_from_slice(&neighbors[from.clone()]);
            self.distances[to].copy_from_slice(&distances[from]);
        }
        self.into_graph(k)
    }

    pub(crate) fn into_graph(self, k: usize) -> Result<KnnGraph<T>, Error> {
        // Rows ascend, so the last distance of a row is its largest.
        if let Some(row) = self.distances.chunks_exact(k).position(|row| !row[k - 1].is_finite()) {
            return Err(Error::DistanceOverflow { row });
        }
        Ok(KnnGraph::from_parts(k, self.neighbors, self.distances)?)
    }
}

/// The graph of all rows, every distance computed as it is defined.
pub(crate) fn one_by_one<T: Scalar>(
    direct: &impl Distances<T>,
    exclude_self: bool,
    k: usize,
    control: &Control<'_>,
) -> Result<KnnGraph<T>, Error> {
    let n_rows = direct.n_rows();
    let rows: Vec<u32> = (0_u32..).take(n_rows).collect();
    let progress = Progress::new(control, n_rows);
    let (neighbors, distances) = direct.search(&rows, exclude_self, k, &progress)?;
    Output { neighbors, distances, unknown: Vec::new() }.into_graph(k)
}

/// Writes the nearest of `found` in ascending order, as many as there is room for.
pub(crate) fn write_nearest<T: Scalar>(
    found: &mut Vec<(T, u32)>,
    neighbors: &mut [u32],
    distances: &mut [T],
) {
    let k = neighbors.len();
    found.select_nth_unstable_by(k - 1, by_distance);
    found.truncate(k);
    found.sort_unstable_by(by_distance);
    for ((to_neighbor, to_distance), &(distance, j)) in neighbors.iter_mut().zip(distances).zip(&*found) {
        (*to_neighbor, *to_distance) = (j, distance);
    }
}

#[cfg(test)]
mod tests {
    use super::{Output, row_range};
    use crate::error::Error;

    #[test]
    fn rows_lie_beyond_what_thirty_two_bits_number() {
        // The last of 4 billion rows of 90, and the row that begins just beyond 2³¹ and 2³².
        assert_eq!(row_range(3_999_999_999, 90), 359_999_999_910..360_000_000_000);
        for first in [1_usize << 31, 1 << 32] {
            let row = first / 90 + 1;
            let range = row_range(row, 90);
            assert!(range.start > first && range.len() == 90, "{range:?}");
            assert_eq!(row_range(row - 1, 90).end, range.start, "rows touch");
        }
    }

    #[test]
    fn a_graph_that_no_memory_holds_is_refused() {
        for (n, k) in [(usize::MAX / 8, 7), (1 << 50, 90)] {
            let refused = Output::<f32>::new(n, k).err();
            assert!(matches!(refused, Some(Error::OutOfMemory { .. })), "{n} rows of {k}: {refused:?}");
        }
    }
}
