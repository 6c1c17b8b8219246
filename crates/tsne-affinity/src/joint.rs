//! From calibrated rows to a matrix: what every family over a neighbor graph shares.

use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};

use fearless_simd::prelude::*;
use fearless_simd::{Level, Simd, dispatch, f64x8};
use rayon::prelude::*;
use tsne_core::{Control, Csr, GraphError, Interrupted, KnnGraph, Scalar};

use crate::Error;
use crate::calibration::{Scale, UnreachedRow};
use crate::expo::LANES;
use crate::row::{Differences, Gaussian, calibrate};

/// Rows a task handles at once: large enough to make its overhead vanish, small enough to report progress often.
pub(crate) const ROWS_PER_TASK: usize = 512;

/// Passes over all rows that calibration and symmetrization make.
pub(crate) const PASSES: usize = 6;

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
}

/// For every row, `n_scales` Gaussians whose sum gives the conditional affinities p_{j|i} of its neighbors.
#[derive(Debug)]
pub(crate) struct Conditional {
    pub(crate) n_scales: usize,
    pub(crate) gaussians: Vec<Gaussian>,
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
    simd: S,
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
            let found = calibrate(simd, &scratch.distances, scale.perplexity, &mut scratch.differences);
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

impl Conditional {
    /// Writes the affinities p_{j|i} of the neighbors of row `i`, at `distances`, to `values`.
    ///
    /// A value depends on its distance and its row alone: the same edge gives the same bits whoever asks.
    #[inline(always)]
    pub(crate) fn values_of_row<S: Simd, T: Scalar>(
        &self,
        simd: S,
        i: usize,
        distances: &[T],
        values: &mut [T],
    ) {
        let gaussians = &self.gaussians[i * self.n_scales..(i + 1) * self.n_scales];
        let (whole, rest) = distances.as_chunks::<LANES>();
        let (whole_values, rest_values) = values.as_chunks_mut::<LANES>();
        for (distances, values) in whole.iter().zip(whole_values) {
            values_of_lanes(simd, gaussians, distances, values);
        }
        if !rest.is_empty() {
            // The lanes beyond the end repeat the last distance and are not stored.
            let (mut lanes, mut lane_values) = ([rest[rest.len() - 1]; LANES], [T::default(); LANES]);
            lanes[..rest.len()].copy_from_slice(rest);
            values_of_lanes(simd, gaussians, &lanes, &mut lane_values);
            rest_values.copy_from_slice(&lane_values[..rest.len()]);
        }
    }
}

#[inline(always)]
fn values_of_lanes<S: Simd, T: Scalar>(
    simd: S,
    gaussians: &[Gaussian],
    distances: &[T; LANES],
    values: &mut [T; LANES],
) {
    let mut lanes = [0.0; LANES];
    for lane in 0..LANES {
        lanes[lane] = distances[lane].to_f64();
    }
    let lanes = f64x8::load_array(simd, lanes);
    let mut sum = gaussians[0].at(simd, lanes);
    for gaussian in &gaussians[1..] {
        sum += gaussian.at(simd, lanes);
    }
    let sum = sum.to_array();
    for lane in 0..LANES {
        values[lane] = T::lit(sum[lane]);
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

/// The rows of one task of such a split, each as a slice of its own.
pub(crate) fn split_rows<'a, E>(
    mut part: &'a mut [E],
    offsets: &'a [usize],
    task: usize,
) -> impl Iterator<Item = &'a mut [E]> {
    rows_of_task(task, offsets.len() - 1).map(move |i| {
        let (row, rest) = std::mem::take(&mut part).split_at_mut(offsets[i + 1] - offsets[i]);
        part = rest;
        row
    })
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
            || (vec![T::default(); k], Vec::new()),
            |(conditional_row, order), (task, (columns, values))| {
                let rows = columns.chunks_exact_mut(k).zip(values.chunks_exact_mut(k));
                for (i, (columns, values)) in rows_of_task(task, n).zip(rows) {
                    sort_row(view, i, n_columns, exclude_self, order)?;
                    let distances = view.distances(i);
                    dispatch!(level, simd => conditional.values_of_row(simd, i, distances, conditional_row));
                    for ((column, value), &key) in columns.iter_mut().zip(values).zip(&*order) {
                        let (neighbor, position) = unpack(key);
                        *column = neighbor;
                        *value = T::lit(conditional_row[position].to_f64() * factor);
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
    order.extend(view.neighbors(i).iter().enumerate().map(|(position, &j)| pack(j, position)));
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
