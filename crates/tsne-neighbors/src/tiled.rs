//! Exact graphs and answers: tiles choose the candidates, direct distances decide (\[M52\]).

use std::ops::Range;

use rayon::prelude::*;
use tsne_core::{Control, KnnGraph, Scalar};

use crate::direct::{Direct, Scratch};
use crate::error::Error;
use crate::join::{against, among, block_len, steps_among};
use crate::progress::Progress;
use crate::selection::{Selection, capacity, index_of, outcome_of, zeros};
use crate::tile::{Kernel, Packed};
use crate::top_k::by_distance;

/// Blocks of rows whose candidates are turned into rows of the graph together.
const BLOCKS_AT_ONCE: usize = 8;

/// The graph of the indexed points, which `pack` packs into `steps` cells each.
pub(crate) fn graph<T: Scalar, K: Kernel>(
    direct: &Direct<'_, '_, T>,
    kernel: &K,
    pack: &(impl Fn(Range<usize>, &mut Packed<K>) + Sync),
    steps: usize,
    k: usize,
    control: &Control<'_>,
) -> Result<KnnGraph<T>, Error> {
    let n = direct.indexed.n_points();
    let block_len = block_len(n, steps);
    let progress = Progress::new(control, steps_among(n, block_len));
    // A packed copy of all points is worth its memory where that is small beside the graph's.
    let keep_packed = steps <= k;
    let row_entries = capacity(k);
    let mut entries = zeros(n.saturating_mul(row_entries))?;
    let mut blocks = among(kernel, pack, n, block_len, k, &mut entries, keep_packed, &progress)?;
    let mut output = Output::new(n, k)?;
    // From the end on, so that candidates can be given back while rows of the graph take their place.
    while !blocks.is_empty() {
        let first_block = blocks.len().saturating_sub(BLOCKS_AT_ONCE);
        let first = first_block * block_len;
        let len = block_len * k;
        let unknown = blocks
            .par_drain(first_block..)
            .zip(entries[first * row_entries..].par_chunks_mut(block_len * row_entries))
            .zip(output.neighbors[first * k..].par_chunks_mut(len))
            .zip(output.distances[first * k..].par_chunks_mut(len))
            .enumerate()
            .map(|(at, (((rows, entries), neighbors), distances))| {
                let selection = Selection::new(rows, entries);
                finish(
                    direct,
                    kernel,
                    selection,
                    first + at * block_len,
                    true,
                    neighbors,
                    distances,
                    &progress,
                )
            });
        output.unknown.extend(unknown.collect::<Result<Vec<_>, Error>>()?.concat());
        entries.truncate(first * row_entries);
        entries.shrink_to_fit();
    }
    output.complete(direct, true, k, &progress)
}

/// The nearest indexed points of every row, packed by `pack_rows` and `pack_indexed` into `steps` cells each.
pub(crate) fn answers<T: Scalar, K: Kernel>(
    direct: &Direct<'_, '_, T>,
    kernel: &K,
    pack_rows: &(impl Fn(Range<usize>, &mut Packed<K>) + Sync),
    pack_indexed: &(impl Fn(Range<usize>, &mut Packed<K>) + Sync),
    steps: usize,
    k: usize,
    control: &Control<'_>,
) -> Result<KnnGraph<T>, Error> {
    let (n, n_rows) = (direct.indexed.n_points(), direct.rows.n_points());
    let (len, rows_len) = (block_len(n, steps), block_len(n_rows, steps));
    let progress = Progress::new(control, n_rows.div_ceil(rows_len) * n.div_ceil(len));
    let mut output = Output::new(n_rows, k)?;
    let outputs = output.neighbors.par_chunks_mut(rows_len * k);
    let unknown = outputs.zip(output.distances.par_chunks_mut(rows_len * k)).enumerate().map(
        |(block, (neighbors, distances))| {
            let first = block * rows_len;
            let mut packed = Packed::default();
            pack_rows(first..(first + rows_len).min(n_rows), &mut packed);
            let mut entries = zeros(packed.len.saturating_mul(capacity(k)))?;
            let rows = against(kernel, &packed, pack_indexed, n, len, k, &mut entries, &progress)?;
            let selection = Selection::new(rows, &mut entries);
            finish(direct, kernel, selection, first, false, neighbors, distances, &progress)
        },
    );
    output.unknown = unknown.collect::<Result<Vec<_>, Error>>()?.concat();
    output.complete(direct, false, k, &progress)
}

/// The same without tiles: every distance is computed directly.
pub(crate) fn without_tiles<T: Scalar>(
    direct: &Direct<'_, '_, T>,
    exclude_self: bool,
    k: usize,
    control: &Control<'_>,
) -> Result<KnnGraph<T>, Error> {
    let n_rows = u32::try_from(direct.rows.n_points()).expect("points are numbered by u32");
    let rows: Vec<u32> = (0..n_rows).collect();
    let progress = Progress::new(control, rows.len());
    let (neighbors, distances) = direct.search(&rows, exclude_self, k, &progress)?;
    Output { neighbors, distances, unknown: Vec::new() }.into_graph(k)
}

/// Writes the k nearest of every row of `selection`, the first of which is row number `first`, and returns the rows
/// that remain unknown.
fn finish<T: Scalar, K: Kernel>(
    direct: &Direct<'_, '_, T>,
    kernel: &K,
    mut selection: Selection<'_, K>,
    first: usize,
    exclude_self: bool,
    neighbors: &mut [u32],
    distances: &mut [T],
    progress: &Progress<'_>,
) -> Result<Vec<u32>, Error> {
    let k = selection.k();
    let mut unknown = Vec::new();
    let mut found = Vec::new();
    let mut scratch = Scratch::default();
    // Rows of zeros that should have length 1 take no part in tiles; the first of them may be among the nearest.
    let zero_rows = direct.indexed.zero_rows();
    let zero_rows = &zero_rows[..zero_rows.len().min(k + 1)];
    let outputs = neighbors.chunks_exact_mut(k).zip(distances.chunks_exact_mut(k));
    for (at, (neighbors, distances)) in outputs.enumerate() {
        let row = first + at;
        if at.is_multiple_of(64) {
            progress.advance(0)?;
        }
        let Some(candidates) = selection.candidates(kernel, at) else {
            unknown.push(u32::try_from(row).expect("points are numbered by u32"));
            continue;
        };
        if K::EXACT {
            let output = direct.geometry.output;
            found.clear();
            found.extend(candidates.iter().map(|&entry| {
                (T::lit(output.distance(K::to_f64(outcome_of::<K>(entry)), 1.0)), index_of(entry))
            }));
        } else {
            let zero_rows = zero_rows.iter().copied().filter(|&j| !(exclude_self && j as usize == row));
            let others = candidates.iter().map(|&entry| index_of(entry)).chain(zero_rows);
            direct.distances_to(row, others, &mut scratch, &mut found)?;
        }
        found.select_nth_unstable_by(k - 1, by_distance);
        found.truncate(k);
        found.sort_unstable_by(by_distance);
        for ((to_neighbor, to_distance), &(distance, j)) in neighbors.iter_mut().zip(distances).zip(&found) {
            (*to_neighbor, *to_distance) = (j, distance);
        }
    }
    Ok(unknown)
}

/// The flat arrays of a graph being written.
pub(crate) struct Output<T> {
    pub(crate) neighbors: Vec<u32>,
    pub(crate) distances: Vec<T>,
    /// Rows still to be searched for.
    pub(crate) unknown: Vec<u32>,
}

impl<T: Scalar> Output<T> {
    /// Room for `n` rows.
    pub(crate) fn new(n: usize, k: usize) -> Result<Self, Error> {
        let len = n.saturating_mul(k);
        Ok(Self { neighbors: zeros(len)?, distances: zeros(len)?, unknown: Vec::new() })
    }

    /// Writes row `i`.
    pub(crate) fn set_row(&mut self, i: u32, row: &[(T, u32)]) {
        let to = i as usize * row.len()..(i as usize + 1) * row.len();
        let output = self.neighbors[to.clone()].iter_mut().zip(&mut self.distances[to]);
        for ((neighbor, distance), &(d, j)) in output.zip(row) {
            (*neighbor, *distance) = (j, d);
        }
    }

    /// Searches directly for the rows that are still unknown, and assembles the graph.
    pub(crate) fn complete(
        mut self,
        direct: &Direct<'_, '_, T>,
        exclude_self: bool,
        k: usize,
        progress: &Progress<'_>,
    ) -> Result<KnnGraph<T>, Error> {
        let (neighbors, distances) = direct.search(&self.unknown, exclude_self, k, progress)?;
        for (at, &row) in self.unknown.iter().enumerate() {
            let (from, to) = (at * k..(at + 1) * k, row as usize * k..(row as usize + 1) * k);
            self.neighbors[to.clone()].copy_from_slice(&neighbors[from.clone()]);
            self.distances[to].copy_from_slice(&distances[from]);
        }
        self.into_graph(k)
    }

    fn into_graph(self, k: usize) -> Result<KnnGraph<T>, Error> {
        // Rows ascend, so the last distance of a row is its largest.
        if let Some(row) = self.distances.chunks_exact(k).position(|row| !row[k - 1].is_finite()) {
            return Err(Error::DistanceOverflow { row });
        }
        Ok(KnnGraph::from_parts(k, self.neighbors, self.distances)?)
    }
}
