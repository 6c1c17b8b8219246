//! From calibrated rows to a matrix: what every family over a neighbor graph shares.

use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};

use fearless_simd::{Level, Simd, dispatch};
use rayon::prelude::*;
use tsne_core::{Control, Csr, GraphError, Interrupted, KnnGraph, Scalar};

use crate::Error;
use crate::calibration::{Scale, UnreachedRow};
use crate::expo::LANES;
use crate::row::{Differences, Gaussian, calibrate};

/// Rows a task handles at once: large enough to make its overhead vanish, small enough to report progress often.
pub(crate) const ROWS_PER_TASK: usize = 512;

/// Counts rows over all passes and reports them.
pub(crate) struct Progress<'a> {
    control: &'a Control<'a>,
    done: AtomicUsize,
    total: usize,
}

impl<'a> Progress<'a> {
    pub(crate) fn new(control: &'a Control<'a>, total: usize) -> Self {
        Self { control, done: AtomicUsize::new(0), total }
    }

    /// Reports `rows` more.
    pub(crate) fn advance(&self, rows: usize) -> Result<(), Interrupted> {
        let done = self.done.fetch_add(rows, Ordering::Relaxed) + rows;
        self.control.tick(done, self.total)
    }
}

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
    /// `k` must be in `1..=graph.k()`.
    pub(crate) fn new(graph: &'a KnnGraph<T>, k: usize) -> Self {
        assert!((1..=graph.k()).contains(&k), "a view of {k} of {} neighbors", graph.k());
        Self { graph, k }
    }

    pub(crate) fn n_rows(&self) -> usize {
        self.graph.n_points()
    }

    /// Distance in memory between the starts of two rows.
    pub(crate) fn stride(&self) -> usize {
        self.graph.k()
    }

    #[inline(always)]
    pub(crate) fn neighbors(&self, i: usize) -> &'a [u32] {
        let start = i * self.stride();
        &self.graph.neighbors()[start..start + self.k]
    }

    #[inline(always)]
    pub(crate) fn distances(&self, i: usize) -> &'a [T] {
        let start = i * self.stride();
        &self.graph.distances()[start..start + self.k]
    }

    /// All distances of the graph; row `i` starts at `i · stride`.
    pub(crate) fn all_distances(&self) -> &'a [T] {
        self.graph.distances()
    }
}

/// For every row, `n_scales` Gaussians whose sum gives the conditional affinities p_{j|i} of its neighbors.
#[derive(Debug)]
pub(crate) struct Conditional {
    pub(crate) n_scales: usize,
    pub(crate) gaussians: Vec<Gaussian>,
}

impl Conditional {
    #[inline(always)]
    pub(crate) fn of_row(&self, i: usize) -> &[Gaussian] {
        &self.gaussians[i * self.n_scales..(i + 1) * self.n_scales]
    }
}

/// How the Gaussians of one row, each calibrated to sum to 1, are put together.
pub(crate) type Combine = fn(&mut [Gaussian]);

/// Calibrates every row of `view` to each of `perplexities`, and has `combine` set the weights of their sum.
///
/// Checks the distances on the way. Parallel over rows, each independent of the others.
pub(crate) fn calibrate_rows<T: Scalar>(
    view: View<'_, T>,
    perplexities: &[f64],
    combine: Combine,
    progress: &Progress<'_>,
) -> Result<(Conditional, Vec<Scale>), Error> {
    let n_scales = perplexities.len();
    let mut gaussians = vec![Gaussian::default(); view.n_rows() * n_scales];
    let level = Level::new();
    let parts: Vec<Result<Vec<Scale>, Error>> = gaussians
        .par_chunks_mut(ROWS_PER_TASK * n_scales)
        .enumerate()
        .map_init(RowScratch::default, |scratch, (task, out)| {
            let first = task * ROWS_PER_TASK;
            let scales =
                dispatch!(level, simd => calibrate_task(simd, view, perplexities, combine, first, out, scratch))?;
            progress.advance(out.len() / n_scales)?;
            Ok(scales)
        })
        .collect();

    let mut scales = empty_scales(perplexities);
    for part in parts {
        for (scale, part) in scales.iter_mut().zip(part?) {
            scale.attained_min = scale.attained_min.min(part.attained_min);
            scale.attained_max = scale.attained_max.max(part.attained_max);
            scale.unreached.extend(part.unreached);
        }
    }
    Ok((Conditional { n_scales, gaussians }, scales))
}

fn empty_scales(perplexities: &[f64]) -> Vec<Scale> {
    let empty = |&perplexity| Scale {
        perplexity,
        attained_min: f64::INFINITY,
        attained_max: 0.0,
        unreached: Vec::new(),
    };
    perplexities.iter().map(empty).collect()
}

#[derive(Default)]
struct RowScratch {
    distances: Vec<f64>,
    differences: Differences,
}

#[inline(always)]
fn calibrate_task<S: Simd, T: Scalar>(
    _simd: S,
    view: View<'_, T>,
    perplexities: &[f64],
    combine: Combine,
    first: usize,
    out: &mut [Gaussian],
    scratch: &mut RowScratch,
) -> Result<Vec<Scale>, Error> {
    let mut scales = empty_scales(perplexities);
    for (at, gaussians) in out.chunks_exact_mut(perplexities.len()).enumerate() {
        let row = first + at;
        scratch.distances.clear();
        scratch.distances.extend(view.distances(row).iter().map(|d| d.to_f64()));
        check_distances(row, &scratch.distances)?;
        for (gaussian, scale) in gaussians.iter_mut().zip(&mut scales) {
            let found = calibrate(&scratch.distances, scale.perplexity, &mut scratch.differences);
            *gaussian = found.gaussian;
            scale.attained_min = scale.attained_min.min(found.perplexity);
            scale.attained_max = scale.attained_max.max(found.perplexity);
            if let Some(reason) = found.unreached {
                scale.unreached.push(UnreachedRow { row, perplexity: found.perplexity, reason });
            }
        }
        combine(gaussians);
    }
    Ok(scales)
}

/// Finite, not negative, ascending.
#[inline(always)]
fn check_distances(row: usize, distances: &[f64]) -> Result<(), GraphError> {
    // One comparison of neighbors in the row does for all: NaN fails any, and the last bounds the others.
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

/// Values of many edges at once, each under the Gaussians of the row that owns it.
///
/// The same edge gives the same bits wherever it stands: the arithmetic is that of one lane.
#[derive(Debug, Default)]
pub(crate) struct Edges {
    n_edges: usize,
    /// For every [`LANES`] edges one block per scale.
    blocks: Vec<Block>,
    values: Vec<[f64; LANES]>,
}

#[derive(Clone, Copy, Debug)]
struct Block {
    distance: [f64; LANES],
    nearest: [f64; LANES],
    rate: [f64; LANES],
    weight: [f64; LANES],
}

impl Block {
    const EMPTY: Self =
        Self { distance: [0.0; LANES], nearest: [0.0; LANES], rate: [0.0; LANES], weight: [0.0; LANES] };
}

impl Edges {
    pub(crate) fn clear(&mut self) {
        self.n_edges = 0;
        self.blocks.clear();
    }

    #[inline(always)]
    pub(crate) fn push(&mut self, distance: f64, gaussians: &[Gaussian]) {
        let lane = self.n_edges % LANES;
        if lane == 0 {
            self.blocks.resize(self.blocks.len() + gaussians.len(), Block::EMPTY);
        }
        let last = self.blocks.len() - gaussians.len();
        for (block, gaussian) in self.blocks[last..].iter_mut().zip(gaussians) {
            block.distance[lane] = distance;
            block.nearest[lane] = gaussian.nearest;
            block.rate[lane] = gaussian.rate;
            block.weight[lane] = gaussian.weight;
        }
        self.n_edges += 1;
    }

    /// The value of every edge pushed, in that order.
    #[inline(always)]
    pub(crate) fn evaluate(&mut self, n_scales: usize) -> &[f64] {
        self.values.clear();
        for blocks in self.blocks.chunks_exact(n_scales) {
            let mut values = [0.0; LANES];
            for block in blocks {
                for lane in 0..LANES {
                    let (nearest, rate, weight) = (block.nearest[lane], block.rate[lane], block.weight[lane]);
                    values[lane] += Gaussian::at(nearest, rate, weight, block.distance[lane]);
                }
            }
            self.values.push(values);
        }
        &self.values.as_flattened()[..self.n_edges]
    }
}

/// The rows of one task.
pub(crate) fn rows_of_task(task: usize, n: usize) -> Range<usize> {
    task * ROWS_PER_TASK..((task + 1) * ROWS_PER_TASK).min(n)
}

/// Splits the entries of a matrix into the rows of each task.
pub(crate) fn split_by_task<'a, E>(mut entries: &'a mut [E], offsets: &[usize]) -> Vec<&'a mut [E]> {
    let n = offsets.len() - 1;
    let mut parts = Vec::with_capacity(n.div_ceil(ROWS_PER_TASK));
    for first in (0..n).step_by(ROWS_PER_TASK) {
        let end = (first + ROWS_PER_TASK).min(n);
        let (part, rest) = entries.split_at_mut(offsets[end] - offsets[first]);
        parts.push(part);
        entries = rest;
    }
    parts
}

/// The matrix of the rows themselves, columns sorted, every value multiplied by `factor`; `n_columns` points.
pub(crate) fn rows<T: Scalar>(
    view: View<'_, T>,
    conditional: &Conditional,
    n_columns: usize,
    exclude_self: bool,
    factor: f64,
    progress: &Progress<'_>,
) -> Result<Csr<T>, Error> {
    let (n, k) = (view.n_rows(), view.k);
    let mut columns = vec![0_u32; n * k];
    let mut values = vec![T::default(); n * k];
    let level = Level::new();
    columns
        .par_chunks_mut(ROWS_PER_TASK * k)
        .zip(values.par_chunks_mut(ROWS_PER_TASK * k))
        .enumerate()
        .map_init(
            || (Edges::default(), Vec::new()),
            |(edges, order), (task, (columns, values))| {
                let rows = columns.chunks_exact_mut(k).zip(values.chunks_exact_mut(k));
                for (at, (columns, values)) in rows.enumerate() {
                    let i = task * ROWS_PER_TASK + at;
                    sort_row(view, i, n_columns, exclude_self, order)?;
                    edges.clear();
                    for d in view.distances(i) {
                        edges.push(d.to_f64(), conditional.of_row(i));
                    }
                    let conditional = dispatch!(level, _simd => edges.evaluate(conditional.n_scales));
                    for (slot, &key) in order.iter().enumerate() {
                        let (column, position) = unpack(key);
                        columns[slot] = column;
                        values[slot] = T::lit(conditional[position] * factor);
                    }
                }
                progress.advance(columns.len() / k)?;
                Ok(())
            },
        )
        .collect::<Vec<Result<(), Error>>>()
        .into_iter()
        .collect::<Result<(), Error>>()?;
    let offsets = (0..=n).map(|i| i * k).collect();
    Ok(Csr::from_parts(n_columns, offsets, columns, values)?)
}

/// Fills `order` with the columns of row `i` in ascending order, each packed with its position in the row.
pub(crate) fn sort_row<T: Scalar>(
    view: View<'_, T>,
    i: usize,
    n_columns: usize,
    exclude_self: bool,
    order: &mut Vec<u64>,
) -> Result<(), GraphError> {
    order.clear();
    order.extend((0_u64..).zip(view.neighbors(i)).map(|(position, &j)| (u64::from(j) << 32) | position));
    order.sort_unstable();
    let column = |key: u64| unpack(key).0;
    if let Some(pair) = order.windows(2).find(|pair| column(pair[0]) == column(pair[1])) {
        return Err(GraphError::Repeated { row: i, neighbor: column(pair[0]) });
    }
    if let Some(&last) = order.last()
        && column(last) as usize >= n_columns
    {
        return Err(GraphError::OutOfRange { row: i, neighbor: column(last), n_references: n_columns });
    }
    if exclude_self && view.neighbors(i).iter().any(|&j| j as usize == i) {
        return Err(GraphError::SelfNeighbor { row: i });
    }
    Ok(())
}

/// Column and position of a packed key.
#[inline(always)]
#[allow(clippy::cast_possible_truncation, reason = "the halves of a packed key")]
pub(crate) fn unpack(key: u64) -> (u32, usize) {
    ((key >> 32) as u32, (key & 0xffff_ffff) as usize)
}
