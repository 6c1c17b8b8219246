//! A row of the symmetric matrix, from the edges that go out of a point and those that come in.

use std::hint::select_unpredictable;

use tsne_core::Scalar;

use crate::blocks::narrow;
use crate::view::{pack, unpack};

/// Before, between and after the lists that are merged: larger than any column, and one less than any, counted modulo
/// 2^32.
const SENTINEL: u32 = u32::MAX;

/// One row while it is merged from two lists in ascending order: its sources, and those of its own neighbors that are
/// not among them.
///
/// Which list a column comes from, and whether an edge goes both ways, is as good as random: the loops choose by
/// arithmetic and not by branches.
pub(crate) struct Merging<T> {
    n: u32,
    k: usize,
    /// Values of the row's neighbors in the order of the graph; then a 0 that stands for no neighbor.
    own_values: Vec<T>,
    /// The neighbors; then anything.
    neighbors: Vec<u32>,
    /// Whether a neighbor is a source as well; then anything.
    paired: Vec<bool>,
    /// Neighbors that are not, each packed with its place in the row.
    unpaired: Vec<u64>,
    /// Column and value of the sources and of the unpaired neighbors, with sentinels before, between and after. The
    /// values of edges in both directions are together.
    from: Vec<(u32, T)>,
    n_sources: usize,
}

impl<T: Scalar> Merging<T> {
    pub(crate) fn new(n: usize, k: usize) -> Self {
        Self {
            n: narrow(n),
            k,
            own_values: vec![T::default(); k + 1],
            neighbors: vec![0; k + 1],
            paired: vec![false; k + 1],
            unpaired: vec![0; k + 1],
            from: Vec::new(),
            n_sources: 0,
        }
    }

    /// To be filled before [`load`](Self::load).
    pub(crate) fn own_values(&mut self) -> &mut [T] {
        &mut self.own_values[..self.k]
    }

    /// Makes both lists from the row's neighbors and from the entries and values of its incoming edges.
    pub(crate) fn load(&mut self, neighbors: &[u32], entries: &[u32], values: &[T]) {
        let (n, k, n_sources) = (self.n, self.k, entries.len());
        let (own_values, paired) = (&self.own_values[..=k], &mut self.paired[..=k]);
        self.neighbors[..k].copy_from_slice(neighbors);
        let neighbors = &self.neighbors[..=k];
        if self.from.len() < n_sources + k + 3 {
            self.from.resize(n_sources + k + 3, (SENTINEL, T::default()));
        }
        self.n_sources = n_sources;

        paired.fill(false);
        let (sources, own) = self.from[1..].split_at_mut(n_sources + 1);
        for (to, (&entry, &value)) in sources.iter_mut().zip(entries.iter().zip(values)) {
            // An entry that is no position wraps around to a large number.
            let position = (entry.wrapping_sub(n) as usize).min(k);
            paired[position] = true;
            let column = select_unpredictable(entry < n, entry, neighbors[position]);
            *to = (column, own_values[position] + value);
        }
        sources[n_sources].0 = SENTINEL;

        let unpaired = &mut self.unpaired[..=k];
        let mut n_unpaired = 0;
        for (position, &neighbor) in neighbors[..k].iter().enumerate() {
            unpaired[n_unpaired] = pack(neighbor, position);
            n_unpaired += usize::from(!paired[position]);
        }
        let unpaired = &mut unpaired[..n_unpaired];
        unpaired.sort_unstable();
        for (to, &key) in own.iter_mut().zip(&*unpaired) {
            let (neighbor, position) = unpack(key);
            *to = (neighbor, own_values[position]);
        }
        own[n_unpaired].0 = SENTINEL;
    }

    /// Merges the lists, which together fill the row.
    ///
    /// Every step waits for the one before, so it is done from both ends at once.
    pub(crate) fn write(&self, columns: &mut [u32], values: &mut [T]) {
        let length = columns.len();
        let from = &self.from[..length + 3];
        let (mut low_source, mut low_own) = (1, self.n_sources + 2);
        let (mut high_source, mut high_own) = (self.n_sources, length + 1);
        let (low_columns, high_columns) = columns.split_at_mut(length.div_ceil(2));
        let (low_values, high_values) = values.split_at_mut(length.div_ceil(2));
        let mut high = high_columns.iter_mut().rev().zip(high_values.iter_mut().rev());
        for low in low_columns.iter_mut().zip(low_values) {
            let is_own = from[low_own].0 < from[low_source].0;
            (*low.0, *low.1) = from[select_unpredictable(is_own, low_own, low_source)];
            low_own += usize::from(is_own);
            low_source += usize::from(!is_own);
            if let Some(high) = high.next() {
                let is_own = from[high_own].0.wrapping_add(1) > from[high_source].0.wrapping_add(1);
                (*high.0, *high.1) = from[select_unpredictable(is_own, high_own, high_source)];
                high_own -= usize::from(is_own);
                high_source -= usize::from(!is_own);
            }
        }
    }
}
