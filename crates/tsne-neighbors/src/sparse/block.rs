//! A block of sparse points turned around, and what rows share with all of its points at once.

use std::ops::Range;

use fearless_simd::{Level, dispatch};
use tsne_core::Scalar;

use super::{Shared, SparsePoints, Term as _, with_term};
use crate::error::Error;
use crate::progress::Progress;
use crate::selection::zeros;

/// A feature is frequent when more than one in so many points has it: adding it up for all points costs no more then
/// than for those that have it one by one.
const FREQUENT: usize = 8;

/// Most bytes of the frequent features of a block, half of a small second-level cache.
const FREQUENT_BYTES: usize = 1 << 20;

/// Most points to a block, whose sums stay in the nearest cache; their number fits a `u16`.
const MAX_BLOCK: usize = 4096;

/// Fewest points to a block, where many features are frequent.
const MIN_BLOCK: usize = 512;

/// Features of a row between two looks at the caller's hook: each may be met in every point of a block.
const FEATURES_A_TICK: usize = 4096;

/// Stands for no place among the frequent features.
const RARE: u32 = u32::MAX;

/// Which features are frequent among all points, and how many points make a block.
#[derive(Debug)]
pub(super) struct Plan {
    /// The place of each feature among the frequent ones.
    places: Vec<u32>,
    n_frequent: usize,
    pub(super) block_len: usize,
}

impl Plan {
    pub(super) fn new<T: Scalar>(points: &SparsePoints<'_, T>) -> Result<Self, Error> {
        let mut counts: Vec<u32> = zeros(points.n_features())?;
        for &f in points.matrix.columns() {
            counts[f as usize] += 1;
        }
        let mut n_frequent = 0;
        for count in &mut counts {
            let is_frequent = *count as usize * FREQUENT > points.n_points();
            *count = if is_frequent { n_frequent } else { RARE };
            n_frequent += u32::from(is_frequent);
        }
        let n_frequent = n_frequent as usize;
        let block_len = (FREQUENT_BYTES / (4 * n_frequent.max(1))).clamp(MIN_BLOCK, MAX_BLOCK);
        // The entries of a block are counted in u32.
        let block_len = block_len.min(u32::MAX as usize / points.longest.max(1)).max(1);
        Ok(Self { places: counts, n_frequent, block_len })
    }
}

/// Some points, feature by feature, their values as `V`: f32 for sums that only choose candidates, the type of the data for
/// counts, which see whether values are equal.
#[derive(Debug)]
pub(super) struct Block<V> {
    pub(super) first: usize,
    pub(super) len: usize,
    /// What their own features sum up to.
    pub(super) totals: Vec<V>,
    /// Where the list of each rare feature starts, and where the last one ends.
    starts: Vec<u32>,
    /// Points that have the feature, counted from the first of the block, and their values.
    places: Vec<u16>,
    values: Vec<V>,
    /// Values of all points of the block, frequent feature after frequent feature.
    frequent: Vec<V>,
}

impl<V: Scalar> Block<V> {
    #[allow(clippy::cast_possible_truncation, reason = "a block has fewer points than 2¹⁶")]
    pub(super) fn new<T: Scalar>(
        points: &SparsePoints<'_, T>,
        plan: &Plan,
        range: Range<usize>,
    ) -> Result<Self, Error> {
        let len = range.len();
        let mut starts: Vec<u32> = zeros(points.n_features() + 1)?;
        let rows = || range.clone().map(|i| (points.matrix.row(i), points.summaries[i]));
        let rare = |f: u32| plan.places[f as usize] == RARE;
        for ((columns, _), _) in rows() {
            columns.iter().filter(|&&f| rare(f)).for_each(|&f| starts[f as usize + 1] += 1);
        }
        for f in 0..points.n_features() {
            starts[f + 1] += starts[f];
        }
        let n_entries = starts[points.n_features()] as usize;
        let (mut places, mut values) = (vec![0; n_entries], vec![V::default(); n_entries]);
        let mut frequent = vec![V::default(); plan.n_frequent * len];
        // Every start runs to the end of its list, which is where the next one starts.
        for (place, ((columns, row), summary)) in rows().enumerate() {
            for (&f, x) in columns.iter().zip(row) {
                let x = V::lit(x.to_f64() * summary.scale);
                if rare(f) {
                    let at = &mut starts[f as usize];
                    (places[*at as usize], values[*at as usize]) = (place as u16, x);
                    *at += 1;
                } else {
                    frequent[plan.places[f as usize] as usize * len + place] = x;
                }
            }
        }
        starts.rotate_right(1);
        starts[0] = 0;
        let totals = rows().map(|(_, summary)| V::lit(summary.total)).collect();
        Ok(Self { first: range.start, len, totals, starts, places, values, frequent })
    }

    /// Puts what the row of the features `columns`, with `row` as their values, shares with every point of the block
    /// into `sums`.
    pub(super) fn share(
        &self,
        plan: &Plan,
        shared: Shared,
        columns: &[u32],
        row: &[V],
        sums: &mut Vec<V>,
        progress: &Progress<'_>,
    ) -> Result<(), Error> {
        sums.clear();
        sums.resize(self.len, V::default());
        with_term!(shared, Kind => {
            for (at, (&f, &a)) in columns.iter().zip(row).enumerate() {
                if at % FEATURES_A_TICK == FEATURES_A_TICK - 1 {
                    progress.advance(0)?;
                }
                let place = plan.places[f as usize];
                if place == RARE {
                    let list = self.starts[f as usize] as usize..self.starts[f as usize + 1] as usize;
                    for (&place, &b) in self.places[list.clone()].iter().zip(&self.values[list]) {
                        sums[place as usize] += Kind::of(a, b);
                    }
                } else {
                    let values = &self.frequent[place as usize * self.len..][..self.len];
                    dispatch!(Level::new(), _simd => for (sum, &b) in sums.iter_mut().zip(values) {
                        *sum += Kind::of(a, b);
                    });
                }
            }
        });
        Ok(())
    }
}
