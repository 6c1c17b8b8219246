//! The edges of a neighbor graph listed by target: its transpose, as places and not as values.

use std::ops::Range;
use std::sync::atomic::{AtomicU32, Ordering};

use rayon::prelude::*;
use tsne_core::{GraphError, Scalar};

use crate::joint::View;

/// Tasks the lists are made by, at most. Each has a counter per point: eight of them are 3 % of P at perplexity 30.
const MOST_CHUNKS: usize = 8;
/// A row must have this many edges for every counter of its point, which bounds the memory where rows are short.
const EDGES_PER_COUNTER: usize = 8;

/// How to read a list of incoming edges.
///
/// Rows are cut into chunks; an edge is the place of its distance in the graph, counted from the first row of its
/// chunk, so that 32 bits suffice for a graph of any size. A list holds the edges of the first chunk, then those of the
/// second, and so on.
#[derive(Debug)]
pub(crate) struct Sources {
    n: usize,
    stride: u32,
    rows_per_chunk: usize,
    /// For every chunk and target, where the chunk's edges end within the target's list.
    ends: Vec<u32>,
}

/// The edges of a graph, listed by target: sources ascend within a list.
#[derive(Debug)]
pub(crate) struct Incoming {
    sources: Sources,
    /// Where the list of each target starts.
    offsets: Vec<usize>,
    edges: Vec<AtomicU32>,
}

impl Incoming {
    /// Counts, then writes. Checks that every neighbor exists and is not the point itself.
    pub(crate) fn list<T: Scalar>(view: View<'_, T>) -> Result<Self, GraphError> {
        let (n, k, stride) = (view.n_rows(), view.k, view.stride());
        let rows_per_chunk = rows_per_chunk(n, k, stride, rayon::current_num_threads());
        let mut counters = vec![0_u32; n.div_ceil(rows_per_chunk) * n];
        counters
            .par_chunks_mut(n)
            .enumerate()
            .map(|(chunk, counts)| {
                rows_of_chunk(chunk, rows_per_chunk, n).try_for_each(|i| count(view.neighbors(i), i, counts))
            })
            .collect::<Vec<Result<(), GraphError>>>()
            .into_iter()
            .collect::<Result<(), GraphError>>()?;
        let offsets = starts_from_counts(&mut counters, n);

        // Chunks write in between each other's entries; atomics say so in safe code, and cost nothing here.
        let edges: Vec<AtomicU32> = (0..n * k).into_par_iter().map(|_| AtomicU32::new(0)).collect();
        counters.par_chunks_mut(n).enumerate().for_each(|(chunk, cursors)| {
            for (at, i) in rows_of_chunk(chunk, rows_per_chunk, n).enumerate() {
                for (position, &j) in view.neighbors(i).iter().enumerate() {
                    let cursor = &mut cursors[j as usize];
                    let edge = narrow(at * stride + position);
                    edges[offsets[j as usize] + *cursor as usize].store(edge, Ordering::Relaxed);
                    *cursor += 1;
                }
            }
        });
        // A cursor that has passed all edges of its chunk stands at their end.
        let sources = Sources { n, stride: narrow(stride), rows_per_chunk, ends: counters };
        Ok(Self { sources, offsets, edges })
    }

    fn list_of(&self, target: usize) -> &[AtomicU32] {
        &self.edges[self.offsets[target]..self.offsets[target + 1]]
    }

    /// Copies the list of `target` to the start of `row`.
    pub(crate) fn copy_list(&self, target: usize, row: &mut [u32]) {
        for (to, edge) in row.iter_mut().zip(self.list_of(target)) {
            *to = edge.load(Ordering::Relaxed);
        }
    }

    /// Calls `see` with every point that lists `target`, ascending.
    #[inline]
    pub(crate) fn for_each_source(&self, target: usize, mut see: impl FnMut(u32)) {
        let list = self.list_of(target);
        self.sources.for_each(target, |at| list[at].load(Ordering::Relaxed), |source, _| see(source));
    }

    /// Drops the lists and keeps what is needed to read copies of them.
    pub(crate) fn into_sources(self) -> Sources {
        self.sources
    }
}

impl Sources {
    /// Calls `see` with the source of every edge in the list of `target`, ascending, and with the place of its distance
    /// in the graph. `edge` gives the entries of the list.
    #[inline(always)]
    pub(crate) fn for_each(
        &self,
        target: usize,
        edge: impl Fn(usize) -> u32,
        mut see: impl FnMut(u32, usize),
    ) {
        let mut start = 0;
        for (chunk, ends) in self.ends.chunks_exact(self.n).enumerate() {
            let first_row = chunk * self.rows_per_chunk;
            let end = ends[target] as usize;
            for at in start..end {
                let edge = edge(at);
                let row = edge / self.stride;
                see(narrow(first_row) + row, first_row * self.stride as usize + edge as usize);
            }
            start = end;
        }
    }
}

/// Points and edges within a chunk are numbered in 32 bits; the constructor sees to it.
#[inline(always)]
#[allow(clippy::cast_possible_truncation, reason = "chunks and graphs are limited to what 32 bits count")]
fn narrow(x: usize) -> u32 {
    x as u32
}

/// Rows in each chunk: chunks for all threads, as few as the memory of their counters asks for, none with more edges
/// than 32 bits count.
fn rows_per_chunk(n: usize, k: usize, stride: usize, n_threads: usize) -> usize {
    let wanted = n_threads.min(MOST_CHUNKS).min(k / EDGES_PER_COUNTER).max(1);
    n.div_ceil(wanted).min(u32::MAX as usize / stride).max(1)
}

fn rows_of_chunk(chunk: usize, rows_per_chunk: usize, n: usize) -> Range<usize> {
    chunk * rows_per_chunk..((chunk + 1) * rows_per_chunk).min(n)
}

fn count(neighbors: &[u32], row: usize, counts: &mut [u32]) -> Result<(), GraphError> {
    for &neighbor in neighbors {
        if neighbor as usize == row {
            return Err(GraphError::SelfNeighbor { row });
        }
        match counts.get_mut(neighbor as usize) {
            Some(count) => *count += 1,
            None => return Err(GraphError::OutOfRange { row, neighbor, n_references: counts.len() }),
        }
    }
    Ok(())
}

/// Turns the counts of every chunk into starts within the lists, and returns where the lists start.
fn starts_from_counts(counters: &mut [u32], n: usize) -> Vec<usize> {
    let mut offsets = Vec::with_capacity(n + 1);
    offsets.push(0);
    let mut end = 0;
    for target in 0..n {
        let mut start = 0;
        for counter in counters[target..].iter_mut().step_by(n) {
            start += std::mem::replace(counter, start);
        }
        end += start as usize;
        offsets.push(end);
    }
    offsets
}
