//! Points sorted by the block of the mesh they meet, in parallel and always in the same order.

use rayon::prelude::*;

use crate::grid::{BLOCK, Grid};
use crate::lanes::Real;
use crate::spline::REACH;

/// Points of one task.
pub(crate) const CHUNK: usize = 4096;

/// Where a point meets the mesh along one axis: its first node, and how far past the second node it is.
#[inline(always)]
pub(crate) fn meet<T: Real>(scaled: T, used: usize) -> (usize, T) {
    scaled.split(used - REACH)
}

/// Points sorted by bin. The bins of a block follow each other, and so do blocks.
#[derive(Debug, Default)]
pub(crate) struct Bins<T, const D: usize> {
    n_bins: usize,
    bins_per_block: usize,
    /// The bin of each point.
    bin: Vec<u32>,
    /// For each chunk and bin, where its points end in the chunk.
    ends: Vec<u32>,
    /// For each chunk and bin, how much further its points are among all, modulo 2^32.
    shifts: Vec<u32>,
    /// Points in units of the spacing, sorted within each chunk.
    chunked: Vec<[T; D]>,
    /// Where each point goes among all.
    rank: Vec<u32>,
    /// Where the points of each block begin, and where the last ones end.
    starts: Vec<usize>,
}

impl<T: Real, const D: usize> Bins<T, D> {
    /// Sorts `y` into the blocks of `grid`.
    #[allow(clippy::cast_possible_truncation, reason = "a table of more bins than u32 counts fits no memory")]
    pub(crate) fn sort(&mut self, grid: &Grid<T, D>, y: &[[T; D]]) {
        let shape = &grid.shape;
        let log2_layers = shape.log2_bin_layers(D * size_of::<T>());
        let bins_per_block = shape.bins_per_block(D * size_of::<T>());
        let n_bins = bins_per_block * shape.blocks();
        let n_chunks = y.len().div_ceil(CHUNK);
        (self.n_bins, self.bins_per_block) = (n_bins, bins_per_block);
        self.bin.resize(y.len(), 0);
        self.rank.resize(y.len(), 0);
        self.chunked.resize(y.len(), [T::default(); D]);
        self.ends.resize(n_chunks * n_bins, 0);
        self.shifts.resize(n_chunks * n_bins, 0);

        let scale = Scale::new(grid);
        (y.par_chunks(CHUNK), self.bin.par_chunks_mut(CHUNK), self.ends.par_chunks_exact_mut(n_bins))
            .into_par_iter()
            .for_each(|(y, bin, counts)| {
                counts.fill(0);
                for (&y, bin) in y.iter().zip(bin) {
                    let scaled = scale.apply(y);
                    let (column, _) = meet(scaled[D - 1], shape.used[2]);
                    let layer = if D > 1 { meet(scaled[0], shape.used[0]).0 } else { 0 };
                    let at = column / BLOCK * bins_per_block + (layer >> log2_layers);
                    *bin = at as u32;
                    counts[at] += 1;
                }
            });

        // Points go by bin, within a bin by chunk, within a chunk as they came.
        let mut begin = 0;
        self.starts.clear();
        for bin in 0..n_bins {
            if bin % bins_per_block == 0 {
                self.starts.push(begin as usize);
            }
            for chunk in 0..n_chunks {
                let at = chunk * n_bins + bin;
                self.shifts[at] = begin;
                begin += self.ends[at];
            }
        }
        self.starts.push(begin as usize);

        (
            y.par_chunks(CHUNK),
            self.bin.par_chunks(CHUNK),
            self.ends.par_chunks_exact_mut(n_bins),
            self.shifts.par_chunks_exact_mut(n_bins),
            self.chunked.par_chunks_mut(CHUNK),
            self.rank.par_chunks_mut(CHUNK),
        )
            .into_par_iter()
            .for_each(|(y, bin, ends, shifts, chunked, rank)| {
                let mut begin = 0;
                for (end, shift) in ends.iter_mut().zip(shifts.iter_mut()) {
                    *shift = shift.wrapping_sub(begin);
                    begin += std::mem::replace(end, begin);
                }
                for ((&y, &bin), rank) in y.iter().zip(bin).zip(rank) {
                    let end = &mut ends[bin as usize];
                    chunked[*end as usize] = scale.apply(y);
                    *rank = end.wrapping_add(shifts[bin as usize]);
                    *end += 1;
                }
            });
    }

    /// Where the points of each block begin, and where the last ones end.
    pub(crate) fn starts(&self) -> &[usize] {
        &self.starts
    }

    /// Writes the points of a block one after the other, in units of the spacing.
    pub(crate) fn collect(&self, block: usize, to: &mut [[T; D]]) {
        let mut rest = to;
        for bin in block * self.bins_per_block..(block + 1) * self.bins_per_block {
            for (ends, chunked) in self.ends.chunks_exact(self.n_bins).zip(self.chunked.chunks(CHUNK)) {
                let begin = if bin == 0 { 0 } else { ends[bin - 1] };
                let run = &chunked[begin as usize..ends[bin] as usize];
                let (head, tail) = rest.split_at_mut(run.len());
                head.copy_from_slice(run);
                rest = tail;
            }
        }
    }

    /// `to[i]` becomes what `sorted` holds for point i.
    pub(crate) fn unsort(&self, sorted: &[[T; D]], to: &mut [[T; D]]) {
        to.par_chunks_mut(CHUNK).zip(self.rank.par_chunks(CHUNK)).for_each(|(to, rank)| {
            for (to, &rank) in to.iter_mut().zip(rank) {
                *to = sorted[rank as usize];
            }
        });
    }
}

/// From positions to units of the spacing past the second node.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scale<T, const D: usize> {
    lower: [T; D],
    per_unit: T,
}

impl<T: Real, const D: usize> Scale<T, D> {
    pub(crate) fn new(grid: &Grid<T, D>) -> Self {
        Self { lower: grid.lower, per_unit: T::lit(1.0 / grid.spacing) }
    }

    #[inline(always)]
    pub(crate) fn apply(&self, y: [T; D]) -> [T; D] {
        std::array::from_fn(
            #[inline(always)]
            |axis| (y[axis] - self.lower[axis]) * self.per_unit,
        )
    }
}
