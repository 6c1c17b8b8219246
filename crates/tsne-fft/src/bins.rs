//! Points sorted by the block of the mesh they meet, in parallel and always in the same order.

use rayon::prelude::*;

use crate::grid::{BLOCK, Grid, place};
use crate::lanes::{LANES, Real};
use crate::spline::REACH;

/// Points of one task.
pub(crate) const CHUNK: usize = 4096;

/// Bytes of a field that the points of one bin meet: within the first-level cache.
const BIN_BYTES: usize = 16 << 10;

/// Where a point meets the mesh along one axis: its first node, and how far past the second node it is.
#[inline(always)]
pub(crate) fn meet<T: Real>(scaled: T, used: usize) -> (usize, T) {
    let first = scaled.floored().min(used - REACH);
    (first, scaled - T::lit(first as f64))
}

/// Points sorted by bin. The bins of a block follow each other, and so do blocks.
#[derive(Debug, Default)]
pub(crate) struct Bins<T, const D: usize> {
    n_bins: usize,
    bins_per_block: usize,
    rows_per_bin: usize,
    /// The bin of each point.
    bin: Vec<u32>,
    /// For each chunk and bin, where its points end in the chunk.
    ends: Vec<u32>,
    /// For each chunk and bin, where its points begin among all; one past their end after sorting.
    begins: Vec<u32>,
    /// Points in units of the spacing, sorted within each chunk.
    chunked: Vec<[T; D]>,
    /// Where each point goes among all.
    rank: Vec<u32>,
    /// Where the points of each block begin, and where the last ones end.
    starts: Vec<usize>,
    /// Self-potential of the points of each chunk.
    own: Vec<f64>,
}

impl<T: Real, const D: usize> Bins<T, D> {
    #[allow(clippy::cast_possible_truncation, reason = "a table of more bins than u32 counts fits no memory")]
    /// Sorts `y` into the blocks of `grid`. `own` gives the self-potential of a point from its offsets.
    pub(crate) fn sort(&mut self, grid: &Grid<T, D>, y: &[[T; D]], own: impl Fn([T; D]) -> T + Sync) {
        let shape = &grid.shape;
        let row_bytes = shape.used[1] * D * size_of::<[T; LANES]>();
        self.rows_per_bin = (BIN_BYTES / row_bytes).max(1);
        self.bins_per_block = shape.used[0].div_ceil(self.rows_per_bin);
        self.n_bins = self.bins_per_block * shape.blocks();
        let n_chunks = y.len().div_ceil(CHUNK);
        self.bin.resize(y.len(), 0);
        self.rank.resize(y.len(), 0);
        self.chunked.resize(y.len(), [T::default(); D]);
        self.own.resize(n_chunks, 0.0);
        for table in [&mut self.ends, &mut self.begins] {
            table.clear();
            table.resize(n_chunks * self.n_bins, 0);
        }

        let scale = Scale::new(grid);
        let (n_bins, bins_per_block, rows_per_bin) = (self.n_bins, self.bins_per_block, self.rows_per_bin);
        (
            y.par_chunks(CHUNK),
            self.bin.par_chunks_mut(CHUNK),
            self.ends.par_chunks_exact_mut(n_bins),
            &mut self.own,
        )
            .into_par_iter()
            .for_each(|(y, bin, counts, sum)| {
                *sum = 0.0;
                for (&y, bin) in y.iter().zip(bin) {
                    let met = scale.apply(y).map(|x| x);
                    let (mut row, mut column) = (0, 0);
                    let mut offsets = [T::default(); D];
                    for axis in 0..D {
                        let (first, offset) = meet(met[axis], shape.used[place::<D>(axis)]);
                        offsets[axis] = offset;
                        match place::<D>(axis) {
                            0 => row = first,
                            2 => column = first,
                            _ => {}
                        }
                    }
                    let at = column / BLOCK * bins_per_block + row / rows_per_bin;
                    *bin = at as u32;
                    counts[at] += 1;
                    *sum += own(offsets).to_f64();
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
                self.begins[chunk * n_bins + bin] = begin;
                begin += self.ends[chunk * n_bins + bin];
            }
        }
        self.starts.push(begin as usize);

        (
            y.par_chunks(CHUNK),
            self.bin.par_chunks(CHUNK),
            self.ends.par_chunks_exact_mut(n_bins),
            self.begins.par_chunks_exact_mut(n_bins),
            self.chunked.par_chunks_mut(CHUNK),
            self.rank.par_chunks_mut(CHUNK),
        )
            .into_par_iter()
            .for_each(|(y, bin, ends, begins, chunked, rank)| {
                let mut begin = 0;
                for end in ends.iter_mut() {
                    begin += std::mem::replace(end, begin);
                }
                for ((&y, &bin), rank) in y.iter().zip(bin).zip(rank) {
                    let bin = bin as usize;
                    chunked[ends[bin] as usize] = scale.apply(y);
                    ends[bin] += 1;
                    *rank = begins[bin];
                    begins[bin] += 1;
                }
            });
    }

    /// Where the points of each block begin, and where the last ones end.
    pub(crate) fn starts(&self) -> &[usize] {
        &self.starts
    }

    /// Σ of the self-potentials.
    pub(crate) fn own(&self) -> f64 {
        self.own.iter().sum()
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
#[derive(Clone, Copy)]
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
