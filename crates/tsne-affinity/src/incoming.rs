//! The edges of a neighbor graph listed by target: who has me among their neighbors?

use std::sync::atomic::{AtomicU32, Ordering};

use rayon::prelude::*;
use tsne_core::{GraphError, Interrupted, MAX_POINTS, Scalar, ShapeError};

use crate::Error;
use crate::joint::{Progress, ROWS_PER_TASK, View, rows_of_task, split_by_task, split_rows};

/// Tasks that walk the edges in step, at most. Each has a counter per point: eight are 3 % of P at perplexity 30.
const MOST_CHUNKS: usize = 8;
/// A row must have this many edges for every counter of its point, which bounds the memory where rows are short.
const EDGES_PER_COUNTER: usize = 8;

/// For every point a list of the points that have it among their neighbors, ascending.
///
/// An entry below the number of points names such a source. [`pair`](Self::pair) replaces it by that number plus a
/// position where the source is itself the neighbor at that position of the point's own row.
#[derive(Debug)]
pub(crate) struct Incoming {
    /// Where the list of each point starts.
    offsets: Vec<usize>,
    entries: Vec<u32>,
    slots: Slots,
}

/// Where each edge has its entry: handed out again, in the same order, to whoever walks the edges.
#[derive(Debug)]
pub(crate) struct Slots {
    rows_per_chunk: usize,
    /// For every chunk of rows and every target, the place in the target's list of the chunk's next edge.
    cursors: Vec<u32>,
}

impl Incoming {
    /// Counts, then writes; checks that every neighbor exists and is not the point itself.
    pub(crate) fn list<T: Scalar>(view: View<'_, T>, progress: &Progress<'_>) -> Result<Self, Error> {
        let (n, k) = (view.n_rows(), view.k);
        if n > MAX_POINTS - k {
            return Err(ShapeError::TooManyPoints { n_points: n, max: MAX_POINTS - k }.into());
        }
        let mut slots = Slots::new(n, k, rayon::current_num_threads());
        slots.count(view, progress)?;
        let offsets = slots.starts_from_counts(n);
        let entries: Vec<AtomicU32> = (0..n * k).into_par_iter().map(|_| AtomicU32::new(0)).collect();
        slots.walk(
            n,
            progress,
            || (),
            |(), i, cursors| {
                for &j in view.neighbors(i) {
                    let slot = offsets[j as usize] + next_slot(cursors, j);
                    entries[slot].store(narrow(i), Ordering::Relaxed);
                }
                Ok::<(), Error>(())
            },
        )?;
        slots.rewind(n);
        let entries = entries.into_iter().map(AtomicU32::into_inner).collect();
        Ok(Self { offsets, entries, slots })
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
        split_by_task(&mut self.entries, &self.offsets)
            .into_par_iter()
            .zip(merged[1..].par_chunks_mut(ROWS_PER_TASK))
            .enumerate()
            .map_init(
                || vec![0_u32; n],
                |places, (task, (entries, lengths))| {
                    let lists = split_rows(entries, &self.offsets, task);
                    for ((i, list), length) in rows_of_task(task, n).zip(lists).zip(lengths) {
                        *length = view.k + pair_row(view.neighbors(i), i, list, places)?;
                    }
                    Ok(progress.advance(rows_of_task(task, n).len())?)
                },
            )
            .collect::<Vec<Result<(), Error>>>()
            .into_iter()
            .collect::<Result<(), Error>>()?;
        let mut end = 0;
        for offset in &mut merged {
            end += *offset;
            *offset = end;
        }
        Ok(merged)
    }

    /// Moves every list to the start of its row in a matrix with these row offsets.
    pub(crate) fn into_rows(self, offsets: &[usize]) -> (Vec<u32>, Slots) {
        let n = offsets.len() - 1;
        let mut columns = vec![0_u32; offsets[n]];
        split_by_task(&mut columns, offsets).into_par_iter().enumerate().for_each(|(task, part)| {
            for (i, row) in rows_of_task(task, n).zip(split_rows(part, offsets, task)) {
                let list = &self.entries[self.offsets[i]..self.offsets[i + 1]];
                row[..list.len()].copy_from_slice(list);
            }
        });
        (columns, self.slots)
    }
}

/// Replaces the sources in `list` that are neighbors of `row` by their position, as n + position, and returns how many
/// are not. `places` has a number per point, all 0 before and after (an error ends everything).
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

impl Slots {
    /// Chunks for all threads, but as few as the memory of their counters asks for.
    fn new(n: usize, k: usize, n_threads: usize) -> Self {
        let n_chunks = n_threads.min(MOST_CHUNKS).min(k / EDGES_PER_COUNTER).max(1);
        let rows_per_chunk = n.div_ceil(n_chunks);
        Self { rows_per_chunk, cursors: vec![0; n.div_ceil(rows_per_chunk) * n] }
    }

    /// Walks all rows, in order within a chunk, with the cursors of the chunk.
    pub(crate) fn walk<E: From<Interrupted> + Send, C>(
        &mut self,
        n: usize,
        progress: &Progress<'_>,
        context: impl Fn() -> C + Sync,
        visit: impl Fn(&mut C, usize, &mut [u32]) -> Result<(), E> + Sync,
    ) -> Result<(), E> {
        let rows_per_chunk = self.rows_per_chunk;
        self.cursors
            .par_chunks_mut(n)
            .enumerate()
            .map(|(chunk, cursors)| {
                let mut context = context();
                let first = chunk * rows_per_chunk;
                let end = (first + rows_per_chunk).min(n);
                for start in (first..end).step_by(ROWS_PER_TASK) {
                    let rows = start..(start + ROWS_PER_TASK).min(end);
                    let n_rows = rows.len();
                    for i in rows {
                        visit(&mut context, i, cursors)?;
                    }
                    progress.advance(n_rows)?;
                }
                Ok(())
            })
            .collect::<Vec<Result<(), E>>>()
            .into_iter()
            .collect()
    }

    /// Counts the edges of every chunk by target.
    fn count<T: Scalar>(&mut self, view: View<'_, T>, progress: &Progress<'_>) -> Result<(), Error> {
        let n = view.n_rows();
        self.walk(
            n,
            progress,
            || (),
            |(), row, counts| {
                for &neighbor in view.neighbors(row) {
                    let Some(count) = counts.get_mut(neighbor as usize) else {
                        return Err(GraphError::OutOfRange { row, neighbor, n_references: n }.into());
                    };
                    *count += 1;
                    if neighbor as usize == row {
                        return Err(GraphError::SelfNeighbor { row }.into());
                    }
                }
                Ok(())
            },
        )
    }

    /// Turns the counts of every chunk into places within the lists, and returns where the lists start.
    fn starts_from_counts(&mut self, n: usize) -> Vec<usize> {
        let mut offsets = Vec::with_capacity(n + 1);
        offsets.push(0);
        let mut end = 0;
        for target in 0..n {
            let mut start = 0;
            for cursor in self.cursors[target..].iter_mut().step_by(n) {
                start += std::mem::replace(cursor, start);
            }
            end += start as usize;
            offsets.push(end);
        }
        offsets
    }

    /// Entries in the list of `target`, once all edges have been walked.
    pub(crate) fn list_length(&self, target: usize, n: usize) -> usize {
        self.cursors[self.cursors.len() - n + target] as usize
    }

    /// Makes the edges ready to be walked again: a chunk starts in a list where the chunk before it has ended.
    fn rewind(&mut self, n: usize) {
        let all_but_last = self.cursors.len() - n;
        self.cursors.copy_within(..all_but_last, n);
        self.cursors[..n].fill(0);
    }
}

/// The place of the next edge to `target` in the target's list.
#[inline(always)]
pub(crate) fn next_slot(cursors: &mut [u32], target: u32) -> usize {
    let cursor = &mut cursors[target as usize];
    *cursor += 1;
    *cursor as usize - 1
}

/// Points are numbered in 32 bits; the constructor of the lists sees to it.
#[allow(clippy::cast_possible_truncation, reason = "there are at most MAX_POINTS points")]
pub(crate) fn narrow(x: usize) -> u32 {
    x as u32
}
