//! The edges of a neighbor graph, each with the value of its row, brought together by blocks of targets.

use std::ops::Range;

use rayon::prelude::*;
use tsne_core::{GraphError, MAX_POINTS, Scalar, ShapeError};

use crate::Error;
use crate::rule::ROWS_AT_ONCE;
use crate::tasks::{Progress, ROWS_PER_TASK, cut, first_error};
use crate::view::View;

/// Passes over all rows that [`Blocks::count`] and [`Blocks::fill`] report.
pub(crate) const PASSES: usize = 2;

/// Edges of a block, about: with their values they stay in the cache while they are sorted.
const EDGES_PER_BLOCK: usize = 200_000;
/// Targets of a block: at most so many bits of an edge are its target.
const TARGETS_PER_BLOCK: std::ops::RangeInclusive<usize> = 64..=4096;
/// Blocks a thread, at least, which bounds the memory of those in work.
const BLOCKS_PER_THREAD: usize = 8;
/// Chunks of rows a thread, which evens out their speeds.
const CHUNKS_PER_THREAD: usize = 4;

/// Where the edges of every chunk of rows are put: block after block, and within a block chunk after chunk.
#[derive(Debug)]
pub(crate) struct Blocks {
    n: usize,
    /// A block has 2 to this many targets.
    target_bits: u32,
    rows_per_chunk: usize,
    n_chunks: usize,
    /// Edges of every block and chunk.
    lengths: Vec<usize>,
}

impl Blocks {
    /// Counts the edges; checks that every neighbor exists and is not the point itself.
    pub(crate) fn count<T: Scalar>(view: View<'_, T>, progress: &Progress<'_>) -> Result<Self, Error> {
        let (n, k) = (view.n_rows(), view.k);
        if n > MAX_POINTS - k {
            return Err(ShapeError::TooManyPoints { n_points: n, max: MAX_POINTS - k }.into());
        }
        let n_threads = rayon::current_num_threads();
        let targets = (EDGES_PER_BLOCK / k).min(n / (BLOCKS_PER_THREAD * n_threads));
        let target_bits = targets.clamp(*TARGETS_PER_BLOCK.start(), *TARGETS_PER_BLOCK.end()).ilog2();
        // A source within its chunk and a target within its block share the 32 bits of an edge.
        let rows_per_chunk = n.div_ceil(CHUNKS_PER_THREAD * n_threads).min(1 << (32 - target_bits));
        let n_blocks = n.div_ceil(1 << target_bits);
        let n_chunks = n.div_ceil(rows_per_chunk);
        let mut blocks = Self { n, target_bits, rows_per_chunk, n_chunks, lengths: Vec::new() };
        let counts = (0..n_chunks)
            .into_par_iter()
            .with_max_len(1)
            .map(|chunk| {
                let mut counts = vec![0; n_blocks];
                let rows = blocks.rows_of_chunk(chunk);
                let n_rows = rows.len();
                for row in rows {
                    for &neighbor in view.neighbors(row) {
                        if neighbor as usize >= n {
                            return Err(GraphError::OutOfRange { row, neighbor, n_references: n }.into());
                        }
                        if neighbor as usize == row {
                            return Err(GraphError::SelfNeighbor { row }.into());
                        }
                        counts[(neighbor >> target_bits) as usize] += 1;
                    }
                }
                progress.advance(n_rows)?;
                Ok(counts)
            })
            .collect();
        let counts = first_error::<Vec<usize>, Error>(counts)?;
        blocks.lengths = (0..n_blocks).flat_map(|block| counts.iter().map(move |of| of[block])).collect();
        Ok(blocks)
    }

    /// Puts every edge and its value in its place.
    ///
    /// `values_of` is called for some consecutive rows at a time, with a context that the rows of a chunk have in common
    /// and the rows' shares of `output` and of the values; the contexts are returned in the order of the chunks.
    pub(crate) fn fill<T: Scalar, C: Send, O: Send>(
        &self,
        view: View<'_, T>,
        edges: &mut [u32],
        values: &mut [T],
        output: &mut [O],
        context: impl Fn() -> C + Sync,
        values_of: impl Fn(&mut C, Range<usize>, &mut [O], &mut [T]) -> Result<(), GraphError> + Sync,
        progress: &Progress<'_>,
    ) -> Result<Vec<C>, Error> {
        let (n, k) = (self.n, view.k);
        let per_row = output.len() / n;
        let mut buckets: Vec<Vec<Bucket<'_, T>>> = Vec::new();
        buckets.resize_with(self.n_chunks, Vec::new);
        let parts = cut(edges, self.lengths.iter().copied()).zip(cut(values, self.lengths.iter().copied()));
        for (at, (edges, values)) in parts.enumerate() {
            buckets[at % self.n_chunks].push(Bucket { edges, values, len: 0 });
        }
        let mask = (1 << self.target_bits) - 1;
        let parts = buckets
            .into_par_iter()
            .zip(output.par_chunks_mut(self.rows_per_chunk * per_row))
            .enumerate()
            .with_max_len(1)
            .map(|(chunk, (mut buckets, output))| {
                let mut context = context();
                let mut values = vec![T::default(); ROWS_AT_ONCE * k];
                let mut rows = self.rows_of_chunk(chunk);
                let mut source = 0;
                for task in output.chunks_mut(ROWS_PER_TASK * per_row) {
                    for output in task.chunks_mut(ROWS_AT_ONCE * per_row) {
                        let some = rows.start..rows.start + output.len() / per_row;
                        rows.start = some.end;
                        values_of(&mut context, some.clone(), output, &mut values[..some.len() * k])?;
                        for (i, values) in some.zip(values.chunks_exact(k)) {
                            for (&j, &value) in view.neighbors(i).iter().zip(values) {
                                buckets[(j >> self.target_bits) as usize]
                                    .push((source << self.target_bits) | (j & mask), value);
                            }
                            source += 1;
                        }
                    }
                    progress.advance(task.len() / per_row)?;
                }
                Ok(context)
            })
            .collect();
        first_error::<_, Error>(parts)
    }

    pub(crate) fn targets_per_block(&self) -> usize {
        1 << self.target_bits
    }

    /// Edges of every block.
    pub(crate) fn lengths(&self) -> impl Iterator<Item = usize> {
        self.lengths.chunks_exact(self.n_chunks).map(|chunks| chunks.iter().sum())
    }

    /// Splits an edge of the first chunk into its source and the place of its target in the block.
    #[inline(always)]
    pub(crate) fn split(&self, edge: u32) -> (u32, usize) {
        (edge >> self.target_bits, (edge & ((1 << self.target_bits) - 1)) as usize)
    }

    /// For every chunk the number of its first row, and how many of its edges are in a block.
    pub(crate) fn chunks(&self, block: usize) -> impl Iterator<Item = (u32, usize)> {
        let lengths = &self.lengths[block * self.n_chunks..(block + 1) * self.n_chunks];
        lengths.iter().enumerate().map(|(chunk, &length)| (narrow(chunk * self.rows_per_chunk), length))
    }

    fn rows_of_chunk(&self, chunk: usize) -> Range<usize> {
        chunk * self.rows_per_chunk..((chunk + 1) * self.rows_per_chunk).min(self.n)
    }
}

/// The edges of one chunk and block while they come in.
struct Bucket<'a, T> {
    edges: &'a mut [u32],
    values: &'a mut [T],
    len: usize,
}

impl<T> Bucket<'_, T> {
    #[inline(always)]
    fn push(&mut self, edge: u32, value: T) {
        self.edges[self.len] = edge;
        self.values[self.len] = value;
        self.len += 1;
    }
}

/// Points are numbered in 32 bits; the constructor of the blocks sees to it.
#[allow(clippy::cast_possible_truncation, reason = "there are at most MAX_POINTS points")]
pub(crate) fn narrow(x: usize) -> u32 {
    x as u32
}
