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
use crate::output::{Output, one_by_one, write_nearest};
use crate::progress::Progress;
use crate::selection::{Rows, Selection, capacity, index_of, zeros};
use crate::tile::{Kernel, LANES};
use crate::top_k::TopK;

/// Rows to a task.
const ROWS: usize = 64;

/// Tasks whose candidates are turned into rows of the graph together.
const TASKS_AT_ONCE: usize = 64;

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
        // Whole numbers are without error in f32 up to 2²⁴, and a feature adds 1 or 2.
        _ if points.shared.is_count() && points.longest < 1 << 23 => {
            by_counts(direct, exclude_self, k, control)
        }
        _ => one_by_one(direct, exclude_self, k, control),
    }
}

/// Buffers of one task.
#[derive(Default)]
struct Buffers<V> {
    entries: Entries,
    row: Vec<V>,
    sums: Vec<V>,
}

impl<T: Scalar> SparseDirect<'_, '_, T> {
    /// Leaves in the buffers what row `i` shares with the points of `block`.
    fn share<V: Scalar>(
        &self,
        i: usize,
        plan: &Plan,
        block: &Block<V>,
        buffers: &mut Buffers<V>,
        progress: &Progress<'_>,
    ) -> Result<RowSummary, Error> {
        let Buffers { entries, row, sums } = buffers;
        let summary = self.points.read(self.rows, i, self.points.scale, entries)?;
        row.clear();
        row.extend(entries.values.iter().map(|&x| V::lit(x)));
        block.share(plan, self.points.shared, &entries.columns, row, sums, progress)?;
        progress.advance(1)?;
        Ok(summary)
    }

    /// Calls `compare` for every block of points.
    fn for_each_block<V: Scalar>(
        &self,
        plan: &Plan,
        mut compare: impl FnMut(&Block<V>) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let n = self.points.n_points();
        for first in (0..n).step_by(plan.block_len) {
            compare(&Block::new(self.points, plan, first..(first + plan.block_len).min(n))?)?;
        }
        Ok(())
    }

    /// Steps of a search: every row with every block, and every row once more.
    fn steps(&self, plan: &Plan) -> usize {
        self.rows.n_points().saturating_mul(self.points.n_points().div_ceil(plan.block_len) + 1)
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
    let plan = &Plan::new(points)?;
    let progress = &Progress::new(control, direct.steps(plan));
    let task_entries = ROWS * capacity(k);
    let mut entries: Vec<u64> = zeros(n_rows.saturating_mul(capacity(k)))?;
    let norms = |first: usize| {
        progress.advance(0)?;
        let mut buffer = Entries::default();
        let norm = |i| {
            // A row of zeros that should have length 1 is at no distance from others of its kind, which no sum tells.
            let summary = points.read(direct.rows, i, points.scale, &mut buffer)?;
            #[allow(clippy::cast_possible_truncation, reason = "the error bound allows for it")]
            Ok(if summary.is_zero { Sums::PADDING } else { summary.total as f32 })
        };
        (first..n_rows.min(first + ROWS)).map(norm).collect::<Result<Vec<f32>, Error>>()
    };
    let selections = entries
        .par_chunks_mut(task_entries)
        .enumerate()
        .map(|(task, entries)| Ok(Selection::new(Rows::of_norms(norms(task * ROWS)?, k), entries)));
    let mut selections = selections.collect::<Result<Vec<_>, Error>>()?;
    direct.for_each_block(plan, |block: &Block<f32>| {
        let tasks = selections.par_iter_mut().enumerate();
        tasks.try_for_each_init(Buffers::default, |buffers, (task, selection)| {
            for row in 0..selection.n_rows() {
                let i = task * ROWS + row;
                let total = direct.share(i, plan, block, buffers, progress)?.total;
                let itself = if exclude_self { i } else { usize::MAX };
                dispatch!(Level::new(), simd => pick(simd, kernel, block, &buffers.sums, total, row, itself, selection));
            }
            Ok(())
        })
    })?;
    let mut tasks: Vec<Rows<Sums>> = selections.into_iter().map(Selection::into_rows).collect();
    let mut output = Output::new(n_rows, k)?;
    // From the end on, so that candidates can be given back while rows of the graph take their place.
    while !tasks.is_empty() {
        let first_task = tasks.len().saturating_sub(TASKS_AT_ONCE);
        let first = first_task * ROWS;
        let outputs = output.neighbors[first * k..]
            .par_chunks_mut(ROWS * k)
            .zip(output.distances[first * k..].par_chunks_mut(ROWS * k));
        let found = tasks
            .par_drain(first_task..)
            .zip(entries[first_task * task_entries..].par_chunks_mut(task_entries))
            .zip(outputs)
            .enumerate()
            .map_init(
                || (SparseScratch::default(), Vec::new()),
                |(scratch, found), (at, ((rows, entries), (neighbors, distances)))| {
                    let mut selection = Selection::new(rows, entries);
                    let mut unknown = Vec::new();
                    let rows = neighbors.chunks_exact_mut(k).zip(distances.chunks_exact_mut(k));
                    for (row, (neighbors, distances)) in rows.enumerate() {
                        let i = first + at * ROWS + row;
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
        output.unknown.extend(found.collect::<Result<Vec<_>, Error>>()?.concat());
        entries.truncate(first_task * task_entries);
        entries.shrink_to_fit();
    }
    output.complete(direct, exclude_self, k, progress)
}

/// Offers the points of `block`, with which row `row` shares `sums`, to its selection.
#[inline(always)]
fn pick<S: Simd>(
    simd: S,
    kernel: &Sums,
    block: &Block<f32>,
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
    let plan = &Plan::new(points)?;
    let progress = &Progress::new(control, direct.steps(plan));
    let mut nearest: Vec<TopK<T>> = (0..n_rows).map(|_| TopK::new(k)).collect();
    direct.for_each_block(plan, |block: &Block<T>| {
        let tasks = nearest.par_chunks_mut(ROWS).enumerate();
        tasks.try_for_each_init(Buffers::default, |buffers, (task, nearest)| {
            for (i, nearest) in (task * ROWS..).zip(nearest) {
                let summary = direct.share(i, plan, block, buffers, progress)?;
                for (j, sum) in (block.first..).zip(&buffers.sums) {
                    let quantity = points.quantity(summary, points.summaries[j], sum.to_f64());
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
    // From the end on, so that what was kept can be given back while rows of the graph take its place.
    for (neighbors, distances) in rows.rev() {
        progress.advance(1)?;
        nearest.pop().expect("one for each row").drain_into(neighbors, distances);
    }
    output.into_graph(k)
}
