//! Exact search among sparse points: every row with block after block of the points (\[M55\]).

use fearless_simd::{Level, Simd, dispatch, f32x16, prelude::*};
use rayon::prelude::*;
use tsne_core::{Control, KnnGraph, Scalar};

use super::block::{Block, Plan};
use super::direct::{SparseDirect, SparseScratch};
use super::{Entries, RowSummary};
use crate::direct::Distances as _;
use crate::error::Error;
use crate::kernels::{Floats, Product};
use crate::output::{Output, write_nearest};
use crate::progress::Progress;
use crate::selection::{Rows, Selection, capacity, index_of, zeros};
use crate::tile::{Kernel, LANES};
use crate::top_k::TopK;

/// Rows to a task.
const ROWS: usize = 64;

/// Rows between two looks at the caller's hook: a row may have every feature.
const ROWS_A_TICK: usize = 8;

/// What chooses candidates: sums in f32, with a bound on their error.
type Sums = Floats<Product>;

/// The `k` nearest points of every row of `direct`; with `exclude_self` the rows are the points, and none finds itself.
pub(super) fn all<T: Scalar>(
    direct: &SparseDirect<'_, '_, T>,
    exclude_self: bool,
    k: usize,
    control: &Control<'_>,
) -> Result<KnnGraph<T>, Error> {
    let points = direct.points;
    match Sums::new(points.longest) {
        Some(kernel) if !points.shared.is_count() => by_sums(direct, &kernel, exclude_self, k, control),
        // Whole numbers are without error in f32 below 2²⁴.
        _ if points.shared.is_count() && points.longest < 1 << 24 => {
            by_counts(direct, exclude_self, k, control)
        }
        _ => one_by_one(direct, exclude_self, k, control),
    }
}

/// The same, every distance computed as it is defined.
pub(super) fn one_by_one<T: Scalar>(
    direct: &SparseDirect<'_, '_, T>,
    exclude_self: bool,
    k: usize,
    control: &Control<'_>,
) -> Result<KnnGraph<T>, Error> {
    let n_rows = direct.rows.n_points();
    let rows: Vec<u32> = (0_u32..).take(n_rows).collect();
    let progress = Progress::new(control, n_rows);
    let (neighbors, distances) = direct.search(&rows, exclude_self, k, &progress)?;
    Output { neighbors, distances, unknown: Vec::new() }.into_graph(k)
}

/// Buffers of one task.
#[derive(Default)]
struct Buffers {
    entries: Entries,
    row: Vec<f32>,
    sums: Vec<f32>,
}

impl<T: Scalar> SparseDirect<'_, '_, T> {
    /// Leaves in the buffers what row `i` shares with the points of `block`.
    fn share(
        &self,
        i: usize,
        plan: &Plan,
        block: &Block,
        buffers: &mut Buffers,
    ) -> Result<RowSummary, Error> {
        let Buffers { entries, row, sums } = buffers;
        let summary = self.points.read(self.rows, i, entries)?;
        row.clear();
        #[allow(clippy::cast_possible_truncation, reason = "the error bound allows for it")]
        row.extend(entries.values.iter().map(|&x| x as f32));
        block.share(plan, self.points.shared, &entries.columns, row, sums);
        Ok(summary)
    }

    /// Calls `compare` for every block of points.
    fn for_each_block(
        &self,
        progress: &Progress<'_>,
        mut compare: impl FnMut(&Plan, &Block) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let (n, plan) = (self.points.n_points(), Plan::new(self.points));
        for first in (0..n).step_by(plan.block_len) {
            progress.advance(0)?;
            let block = Block::new(self.points, &plan, first..(first + plan.block_len).min(n));
            compare(&plan, &block)?;
        }
        Ok(())
    }
}

/// By sums of products or of absolute values: candidates by f32, judged by distances as they are defined.
fn by_sums<T: Scalar>(
    direct: &SparseDirect<'_, '_, T>,
    kernel: &Sums,
    exclude_self: bool,
    k: usize,
    control: &Control<'_>,
) -> Result<KnnGraph<T>, Error> {
    let (points, n_rows) = (direct.points, direct.rows.n_points());
    let progress = &Progress::new(control, n_rows);
    let mut entries = zeros(n_rows.saturating_mul(capacity(k)))?;
    let norms = |first: usize| {
        progress.advance(0)?;
        let mut buffer = Entries::default();
        let norm = |i| {
            // A row of zeros that should have length 1 is at no distance from others of its kind, which no sum tells.
            let summary = points.read(direct.rows, i, &mut buffer)?;
            #[allow(clippy::cast_possible_truncation, reason = "the error bound allows for it")]
            Ok(if summary.is_zero { Sums::PADDING } else { summary.total as f32 })
        };
        (first..n_rows.min(first + ROWS)).map(norm).collect::<Result<Vec<f32>, Error>>()
    };
    let selections = entries
        .par_chunks_mut(ROWS * capacity(k))
        .enumerate()
        .map(|(task, entries)| Ok(Selection::new(Rows::of_norms(norms(task * ROWS)?, k), entries)));
    let mut selections = selections.collect::<Result<Vec<_>, Error>>()?;
    direct.for_each_block(progress, |plan, block| {
        let tasks = selections.par_iter_mut().enumerate();
        tasks.try_for_each_init(Buffers::default, |buffers, (task, selection)| {
            for row in 0..selection.n_rows() {
                if row.is_multiple_of(ROWS_A_TICK) {
                    progress.advance(0)?;
                }
                let i = task * ROWS + row;
                let total = direct.share(i, plan, block, buffers)?.total;
                let itself = if exclude_self { i } else { usize::MAX };
                dispatch!(Level::new(), simd => pick(simd, kernel, block, &buffers.sums, total, row, itself, selection));
            }
            Ok(())
        })
    })?;
    let mut output = Output::new(n_rows, k)?;
    let outputs = output.neighbors.par_chunks_mut(ROWS * k).zip(output.distances.par_chunks_mut(ROWS * k));
    let unknown = outputs.zip(selections).enumerate().map_init(
        || (SparseScratch::default(), Vec::new()),
        |(scratch, found), (task, ((neighbors, distances), mut selection))| {
            let mut unknown = Vec::new();
            let rows = neighbors.chunks_exact_mut(k).zip(distances.chunks_exact_mut(k));
            for (row, (neighbors, distances)) in rows.enumerate() {
                let i = task * ROWS + row;
                progress.advance(1)?;
                let Some(candidates) = selection.candidates(kernel, row) else {
                    unknown.push(u32::try_from(i).expect("points are numbered by u32"));
                    continue;
                };
                let others = candidates.iter().map(|&entry| index_of(entry));
                direct.distances_to(i, others, scratch, found)?;
                write_nearest(found, neighbors, distances);
            }
            Ok(unknown)
        },
    );
    output.unknown = unknown.collect::<Result<Vec<_>, Error>>()?.concat();
    drop(entries);
    output.complete(direct, exclude_self, k, progress)
}

/// Offers the points of `block`, with which row `row` shares `sums`, to its selection.
#[inline(always)]
fn pick<S: Simd>(
    simd: S,
    kernel: &Sums,
    block: &Block,
    sums: &[f32],
    total: f64,
    row: usize,
    itself: usize,
    selection: &mut Selection<'_, Sums>,
) {
    #[allow(clippy::cast_possible_truncation, reason = "the error bound allows for it")]
    let total = total as f32;
    let (shared, rest) = sums.as_chunks::<LANES>();
    let (totals, totals_of_rest) = block.totals.as_chunks::<LANES>();
    let all = f32x16::splat(simd, total);
    let mut outcomes = [0.0; LANES];
    for (at, (shared, totals)) in shared.iter().zip(totals).enumerate() {
        let quantities = all + f32x16::from_slice(simd, totals) - f32x16::from_slice(simd, shared);
        let mut hits = Sums::below(simd, quantities, selection.threshold(row));
        if hits == 0 {
            continue;
        }
        quantities.store_slice(&mut outcomes);
        while hits != 0 {
            let lane = hits.trailing_zeros() as usize;
            hits &= hits - 1;
            let j = block.first + at * LANES + lane;
            if j != itself {
                selection.push(kernel, row, outcomes[lane], j);
            }
        }
    }
    let first = block.first + shared.len() * LANES;
    for (j, (&shared, &other)) in (first..).zip(rest.iter().zip(totals_of_rest)) {
        let quantity = total + other - shared;
        if quantity < selection.threshold(row) && j != itself {
            selection.push(kernel, row, quantity, j);
        }
    }
}

/// By counts, which are without error: every distance is the one reported.
fn by_counts<T: Scalar>(
    direct: &SparseDirect<'_, '_, T>,
    exclude_self: bool,
    k: usize,
    control: &Control<'_>,
) -> Result<KnnGraph<T>, Error> {
    let (points, n_rows) = (direct.points, direct.rows.n_points());
    let progress = &Progress::new(control, n_rows);
    let mut nearest: Vec<TopK<T>> = (0..n_rows).map(|_| TopK::new(k)).collect();
    direct.for_each_block(progress, |plan, block| {
        let tasks = nearest.par_chunks_mut(ROWS).enumerate();
        tasks.try_for_each_init(Buffers::default, |buffers, (task, nearest)| {
            for (i, nearest) in (task * ROWS..).zip(nearest) {
                if i.is_multiple_of(ROWS_A_TICK) {
                    progress.advance(0)?;
                }
                let summary = direct.share(i, plan, block, buffers)?;
                for (j, &sum) in (block.first..).zip(&buffers.sums) {
                    let quantity = points.quantity(summary, points.summaries[j], f64::from(sum));
                    let distance = T::lit(points.geometry.output.distance(quantity, points.scale));
                    if !(exclude_self && j == i) {
                        nearest.offer(distance, u32::try_from(j).expect("points are numbered by u32"));
                    }
                }
            }
            Ok(())
        })
    })?;
    let mut output = Output::new(n_rows, k)?;
    let rows = output.neighbors.chunks_exact_mut(k).zip(output.distances.chunks_exact_mut(k));
    for (mut nearest, (neighbors, distances)) in nearest.into_iter().zip(rows) {
        nearest.drain_into(neighbors, distances);
    }
    progress.advance(n_rows)?;
    output.into_graph(k)
}
