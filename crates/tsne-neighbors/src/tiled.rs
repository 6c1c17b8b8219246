//! Exact graphs and answers: tiles choose the candidates, direct distances decide (\[M52\]).

use std::ops::Range;

use rayon::prelude::*;
use tsne_core::{Control, KnnGraph, Scalar};

use crate::direct::{Direct, Distances, Scratch};
use crate::error::Error;
use crate::join::{against, among, block_len, steps_among};
use crate::output::{Output, write_nearest};
use crate::progress::Progress;
use crate::selection::{Selection, capacity, index_of, outcome_of, zeros};
use crate::tile::{Kernel, Packed};

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
        write_nearest(&mut found, neighbors, distances);
    }
    Ok(unknown)
}
