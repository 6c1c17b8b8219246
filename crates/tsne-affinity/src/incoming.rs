//! The edges of a neighbor graph listed by target: who has me among their neighbors?

use std::ops::Range;
use std::sync::atomic::{AtomicU32, Ordering};

use rayon::prelude::*;
use tsne_core::{GraphError, MAX_POINTS, Scalar, ShapeError};

use crate::Error;
use crate::rule::ROWS_AT_ONCE;
use crate::tasks::{
    Progress, ROWS_PER_TASK, first_error, rows_of_task, running_sum, split_by_task, split_rows,
};
use crate::view::View;

/// Passes over all rows that listing and pairing report.
pub(crate) const PASSES: usize = 3;

/// Chunks of a walk, at most. Each has a cursor per point: eight are 6 % of P at perplexity 30 in f32.
const MOST_CHUNKS: usize = 8;
/// A row must have this many edges for every cursor of its point, which bounds the memory where rows are short.
const EDGES_PER_CURSOR: usize = 16;

/// For every point a list of the points that have it among their neighbors, ascending.
///
/// An entry below the number of points names such a source. [`pair`](Self::pair) replaces it by that number plus a
/// position where the source is itself the neighbor at that position of the point's own row.
#[derive(Debug)]
pub(crate) struct Incoming {
    /// Where the list of each point starts.
    offsets: Vec<usize>,
    entries: Vec<u32>,
    walk: Walk,
}

impl Incoming {
    /// Counts the edges, then lists them; checks that every neighbor exists and is not the point itself.
    ///
    /// On the way `visit` is called for every row, with the row's share of `output` and a context that the rows of a
    /// chunk have in common; the contexts are returned in the order of the chunks. Listing waits for memory: what is
    /// computed meanwhile costs little.
    pub(crate) fn list<T: Scalar, C: Send, O: Send>(
        view: View<'_, T>,
        output: &mut [O],
        context: impl Fn() -> C + Sync,
        visit: impl Fn(&mut C, Range<usize>, &mut [O]) -> Result<(), GraphError> + Sync,
        progress: &Progress<'_>,
    ) -> Result<(Self, Vec<C>), Error> {
        let (n, k) = (view.n_rows(), view.k);
        if n > MAX_POINTS - k {
            return Err(ShapeError::TooManyPoints { n_points: n, max: MAX_POINTS - k }.into());
        }
        let mut walk = Walk::new(n, k, rayon::current_num_threads());
        walk.count(view, progress)?;
        let offsets = walk.starts_from_counts();
        let entries: Vec<AtomicU32> = (0..n * k).into_par_iter().map(|_| AtomicU32::new(0)).collect();
        let contexts = walk.run(output, context, progress, |context, rows, cursors, output| {
            visit(context, rows.clone(), output)?;
            for i in rows {
                for &j in view.neighbors(i) {
                    entries[advance(cursors, j)].store(narrow(i), Ordering::Relaxed);
                }
            }
            Ok(())
        })?;
        let entries = entries.into_iter().map(AtomicU32::into_inner).collect();
        Ok((Self { offsets, entries, walk }, contexts))
    }

    /// Finds the edges that go both ways, and returns the offsets of the merged rows: a row has its own neighbors and
    /// those sources that are not among them. Checks that no neighbor is listed twice.
    pub(crate) fn pair<T: Scalar>(
        &mut self,
        view: View<'_, T>,
        progress: &Progress<'_>,
    ) -> Result<Vec<usize>, Error> {
        let n = view.n_rows();
        let mut merged = vec![0_usize; n + 1];
        let parts = split_by_task(&mut self.entries, &self.offsets)
            .into_par_iter()
            .zip(merged[1..].par_chunks_mut(ROWS_PER_TASK))
            .enumerate()
            .map_init(
                || vec![0_u32; n],
                |places, (task, (entries, lengths))| {
                    let rows = rows_of_task(task, n);
                    let n_rows = rows.len();
                    let lists = split_rows(entries, &self.offsets, task);
                    for ((i, list), length) in rows.zip(lists).zip(lengths) {
                        *length = view.k + pair_row(view.neighbors(i), i, list, places)?;
                    }
                    Ok(progress.advance(n_rows)?)
                },
            )
            .collect();
        first_error::<_, Error>(parts)?;
        Ok(running_sum(merged))
    }

    /// Moves every list to the start of its row in a matrix with the row offsets `offsets`, and the walk with them: it
    /// starts anew, and hands every edge the place its entry has there.
    pub(crate) fn into_rows(self, offsets: &[usize]) -> (Vec<u32>, Walk) {
        let Self { offsets: from, entries, mut walk } = self;
        let n = offsets.len() - 1;
        let mut columns = vec![0_u32; offsets[n]];
        split_by_task(&mut columns, offsets).into_par_iter().enumerate().for_each(|(task, part)| {
            for (i, row) in rows_of_task(task, n).zip(split_rows(part, offsets, task)) {
                let list = &entries[from[i]..from[i + 1]];
                row[..list.len()].copy_from_slice(list);
            }
        });
        walk.restart(&from, offsets);
        (columns, walk)
    }
}

/// Replaces the sources in `list` that are neighbors of `row` by n + their position, and returns how many are not.
/// `places` has a number per point, all 0 before and after (except after an error, which ends everything).
fn pair_row(
    neighbors: &[u32],
    row: usize,
    list: &mut [u32],
    places: &mut [u32],
) -> Result<usize, GraphError> {
    let n = narrow(places.len());
    for (place, &j) in (1_u32..).zip(neighbors) {
        if std::mem::replace(&mut places[j as usize], place) != 0 {
            return Err(GraphError::Repeated { row, neighbor: j });
        }
    }
    let mut unpaired = 0;
    for entry in list {
        let place = places[*entry as usize];
        unpaired += usize::from(place == 0);
        *entry = if place == 0 { *entry } else { n + (place - 1) };
    }
    for &j in neighbors {
        places[j as usize] = 0;
    }
    Ok(unpaired)
}

/// A walk over all edges in chunks of rows, which hands every edge its place in the list of its target.
///
/// The lists are in the order of the chunks, and rows are in order within a chunk: so sources ascend, however many
/// chunks there are.
#[derive(Debug)]
pub(crate) struct Walk {
    n: usize,
    rows_per_chunk: usize,
    /// For every chunk and target, the place of the chunk's next edge to the target.
    cursors: Vec<usize>,
}

impl Walk {
    /// Two chunks a thread, which evens out their speeds, but as few as the memory of their cursors asks for.
    fn new(n: usize, k: usize, n_threads: usize) -> Self {
        let n_chunks = (2 * n_threads).min(MOST_CHUNKS).min(k / EDGES_PER_CURSOR).max(1);
        let rows_per_chunk = n.div_ceil(n_chunks);
        Self { n, rows_per_chunk, cursors: vec![0; n.div_ceil(rows_per_chunk) * n] }
    }

    /// Calls `visit` for every row with its chunk's context and cursors and the row's share of `output`; returns the
    /// contexts in the order of the chunks.
    pub(crate) fn run<C: Send, O: Send>(
        &mut self,
        output: &mut [O],
        context: impl Fn() -> C + Sync,
        progress: &Progress<'_>,
        visit: impl Fn(&mut C, Range<usize>, &mut [usize], &mut [O]) -> Result<(), GraphError> + Sync,
    ) -> Result<Vec<C>, Error> {
        let (n, rows_per_chunk) = (self.n, self.rows_per_chunk);
        let per_row = output.len() / n;
        let parts = self
            .cursors
            .par_chunks_mut(n)
            .zip(output.par_chunks_mut(rows_per_chunk * per_row))
            .enumerate()
            .map(|(chunk, (cursors, output))| {
                let mut context = context();
                let mut i = chunk * rows_per_chunk;
                for rows in output.chunks_mut(ROWS_PER_TASK * per_row) {
                    for output in rows.chunks_mut(ROWS_AT_ONCE * per_row) {
                        let n_rows = output.len() / per_row;
                        visit(&mut context, i..i + n_rows, cursors, output)?;
                        i += n_rows;
                    }
                    progress.advance(rows.len() / per_row)?;
                }
                Ok(context)
            })
            .collect();
        first_error::<_, Error>(parts)
    }

    /// Counts the edges of every chunk by target.
    fn count<T: Scalar>(&mut self, view: View<'_, T>, progress: &Progress<'_>) -> Result<(), Error> {
        let n = self.n;
        self.run(
            &mut vec![(); n],
            || (),
            progress,
            |(), rows, counts, _| {
                for row in rows {
                    for &neighbor in view.neighbors(row) {
                        let Some(count) = counts.get_mut(neighbor as usize) else {
                            return Err(GraphError::OutOfRange { row, neighbor, n_references: n });
                        };
                        *count += 1;
                        if neighbor as usize == row {
                            return Err(GraphError::SelfNeighbor { row });
                        }
                    }
                }
                Ok(())
            },
        )?;
        Ok(())
    }

    /// Turns the counts of every chunk into places, and returns where the list of each target starts.
    fn starts_from_counts(&mut self) -> Vec<usize> {
        let mut offsets = Vec::with_capacity(self.n + 1);
        offsets.push(0);
        let mut end = 0;
        for target in 0..self.n {
            for cursor in self.cursors[target..].iter_mut().step_by(self.n) {
                end += std::mem::replace(cursor, end);
            }
            offsets.push(end);
        }
        offsets
    }

    /// Makes the walk ready to be run again, for lists that have moved. A chunk starts where the one before has ended.
    fn restart(&mut self, from: &[usize], to: &[usize]) {
        let all_but_last = self.cursors.len() - self.n;
        self.cursors.copy_within(..all_but_last, self.n);
        self.cursors[..self.n].copy_from_slice(&from[..self.n]);
        for cursors in self.cursors.chunks_exact_mut(self.n) {
            for ((cursor, from), to) in cursors.iter_mut().zip(from).zip(to) {
                *cursor = *cursor - from + to;
            }
        }
    }

    /// Where the list of `target` ends, once the walk has been run.
    pub(crate) fn end_of_list(&self, target: usize) -> usize {
        self.cursors[self.cursors.len() - self.n + target]
    }
}

/// The place of the next edge to `target`.
#[inline(always)]
pub(crate) fn advance(cursors: &mut [usize], target: u32) -> usize {
    let cursor = &mut cursors[target as usize];
    *cursor += 1;
    *cursor - 1
}

/// Points are numbered in 32 bits; the constructor of the lists sees to it.
#[allow(clippy::cast_possible_truncation, reason = "there are at most MAX_POINTS points")]
pub(crate) fn narrow(x: usize) -> u32 {
    x as u32
}
