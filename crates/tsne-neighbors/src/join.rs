//! All pairs of points, tile by tile: the search behind the exact index (\[M52\]).

use std::ops::Range;
use std::sync::{Mutex, PoisonError};

use fearless_simd::{Level, dispatch};
use rayon::prelude::*;

use crate::error::Error;
use crate::progress::Progress;
use crate::selection::{Rows, Selection, capacity};
use crate::tile::{Kernel, LANES, Packed, compare};

/// Most rows to a block. Larger blocks are packed less often, smaller ones share the work more evenly.
const BLOCK: usize = 1024;

/// Blocks there should be at least, so that many threads find work.
const MIN_BLOCKS: usize = 32;

/// Most bytes of packed points to a block.
const BLOCK_BYTES: usize = 4 << 20;

/// Rows to a block, for `n` points of `steps` cells of four bytes each.
pub(crate) fn block_len(n: usize, steps: usize) -> usize {
    let enough = n.div_ceil(MIN_BLOCKS).min(BLOCK_BYTES / (4 * steps));
    enough.clamp(2 * LANES, BLOCK).next_multiple_of(2 * LANES)
}

/// The range of block number `block`.
fn block_range(block: usize, block_len: usize, n: usize) -> Range<usize> {
    block * block_len..((block + 1) * block_len).min(n)
}

/// Compares `n` points with each other, every pair once. The candidates of every row are left in `entries`,
/// [`capacity`] of them a row, and what is known of them is returned block by block.
///
/// `pack` packs a range of points. With `keep_packed` all points stay packed meanwhile, which takes the memory of
/// another copy; otherwise blocks are packed again for each pair of blocks.
pub(crate) fn among<K: Kernel>(
    kernel: &K,
    pack: &(impl Fn(Range<usize>, &mut Packed<K>) + Sync),
    n: usize,
    block_len: usize,
    k: usize,
    entries: &mut [u64],
    keep_packed: bool,
    progress: &Progress<'_>,
) -> Result<Vec<Rows<K>>, Error> {
    let n_blocks = n.div_ceil(block_len);
    let level = Level::new();
    let met_itself = entries.par_chunks_mut(block_len * capacity(k)).enumerate().map(|(block, entries)| {
        let mut packed = Packed::default();
        pack(block_range(block, block_len, n), &mut packed);
        let mut best = Selection::new(Rows::new(&packed, k), entries);
        dispatch!(level, simd => compare(simd, kernel, &packed, &packed, &mut best, None, true));
        progress.advance(1)?;
        Ok((keep_packed.then_some(packed), Mutex::new(best)))
    });
    let (kept, selections): (Vec<_>, Vec<_>) =
        met_itself.collect::<Result<Vec<_>, Error>>()?.into_iter().unzip();

    let scratch = Mutex::new(Vec::new());
    for round in 0..rounds(n_blocks) {
        pairs_of_round(n_blocks, round).into_par_iter().try_for_each(|(i, j)| {
            // No block occurs twice in a round, so neither lock is ever waited for.
            let mut rows = selections[i].lock().unwrap_or_else(PoisonError::into_inner);
            let mut columns = selections[j].lock().unwrap_or_else(PoisonError::into_inner);
            let mut compare_packed = |a: &Packed<K>, b: &Packed<K>| {
                dispatch!(level, simd => compare(simd, kernel, a, b, &mut rows, Some(&mut columns), false));
            };
            if let (Some(a), Some(b)) = (&kept[i], &kept[j]) {
                compare_packed(a, b);
            } else {
                let (mut a, mut b): (Packed<K>, Packed<K>) =
                    scratch.lock().unwrap_or_else(PoisonError::into_inner).pop().unwrap_or_default();
                pack(block_range(i, block_len, n), &mut a);
                pack(block_range(j, block_len, n), &mut b);
                compare_packed(&a, &b);
                scratch.lock().unwrap_or_else(PoisonError::into_inner).push((a, b));
            }
            progress.advance(1)
        })?;
    }
    let best = selections.into_iter().map(|best| best.into_inner().unwrap_or_else(PoisonError::into_inner));
    Ok(best.map(Selection::into_rows).collect())
}

/// Steps of [`Progress`] that [`among`] takes.
pub(crate) fn steps_among(n: usize, block_len: usize) -> usize {
    let n_blocks = n.div_ceil(block_len);
    n_blocks + n_blocks * n_blocks.saturating_sub(1) / 2
}

/// Compares one block of packed queries with `n` points. The candidates are left in `entries`, as by [`among`].
pub(crate) fn against<K: Kernel>(
    kernel: &K,
    queries: &Packed<K>,
    pack: &(impl Fn(Range<usize>, &mut Packed<K>) + Sync),
    n: usize,
    block_len: usize,
    k: usize,
    entries: &mut [u64],
    progress: &Progress<'_>,
) -> Result<Rows<K>, Error> {
    let level = Level::new();
    let mut best = Selection::new(Rows::new(queries, k), entries);
    let mut packed = Packed::default();
    for block in 0..n.div_ceil(block_len) {
        pack(block_range(block, block_len, n), &mut packed);
        dispatch!(level, simd => compare(simd, kernel, queries, &packed, &mut best, None, false));
        progress.advance(1)?;
    }
    Ok(best.into_rows())
}

/// Rounds of a tournament of `n` players.
fn rounds(n: usize) -> usize {
    n.next_multiple_of(2).saturating_sub(1)
}

/// The pairs that meet in `round`: nobody twice, and over all rounds everybody once (the circle method).
fn pairs_of_round(n: usize, round: usize) -> Vec<(usize, usize)> {
    let circle = rounds(n);
    // The last player stays put; with an odd number he does not exist, and his opponent rests.
    let fixed = (circle < n).then_some((round, circle));
    let others = (1..=circle / 2).map(|s| {
        let (a, b) = ((round + s) % circle, (round + circle - s) % circle);
        (a.min(b), a.max(b))
    });
    fixed.into_iter().chain(others).collect()
}

#[cfg(test)]
mod tests {
    use super::{block_len, pairs_of_round, rounds};
    use crate::tile::LANES;

    #[test]
    fn everybody_meets_everybody_once_and_nobody_twice_a_round() {
        for n in 0..20 {
            let mut met = vec![0; n * n];
            for round in 0..rounds(n) {
                let mut busy = vec![false; n];
                for (i, j) in pairs_of_round(n, round) {
                    assert!(i < j && !busy[i] && !busy[j], "n = {n}, round {round}: {i} and {j}");
                    (busy[i], busy[j]) = (true, true);
                    met[i * n + j] += 1;
                }
            }
            for (at, &times) in met.iter().enumerate() {
                assert_eq!(times, usize::from(at / n < at % n), "n = {n}, pair {at}");
            }
        }
    }

    #[test]
    fn blocks_are_whole_panels_and_bounded() {
        for (n, steps) in [(0, 1), (1, 1), (1000, 50), (70_000, 50), (70_000, 784), (5000, 1_000_000)] {
            let len = block_len(n, steps);
            assert!(len.is_multiple_of(LANES) && (32..=1024).contains(&len), "n = {n}, {steps} steps: {len}");
        }
    }
}
