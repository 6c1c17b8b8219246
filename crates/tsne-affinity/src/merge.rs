//! A row of the symmetric matrix, from the edges that go out of a point and those that come in.

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
    /// Columns of the sources and of the unpaired neighbors, with sentinels before, between and after.
    columns: Vec<u32>,
    /// Their values, those of edges in both directions together.
    values: Vec<T>,
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
            columns: Vec::new(),
            values: Vec::new(),
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
        if self.columns.len() < n_sources + k + 3 {
            self.columns.resize(n_sources + k + 3, SENTINEL);
            self.values.resize(n_sources + k + 3, T::default());
        }
        self.n_sources = n_sources;

        paired.fill(false);
        let to = self.columns[1..].iter_mut().zip(&mut self.values[1..]);
        for ((column, to_value), (&entry, &value)) in to.zip(entries.iter().zip(values)) {
            // An entry that is no position wraps around to a large number.
            let position = (entry.wrapping_sub(n) as usize).min(k);
            let (own, neighbor) = (own_values[position], neighbors[position]);
            paired[position] = true;
            *column = if entry < n { entry } else { neighbor };
            *to_value = own + value;
        }
        self.columns[n_sources + 1] = SENTINEL;

        let unpaired = &mut self.unpaired[..=k];
        let mut n_unpaired = 0;
        for (position, &neighbor) in neighbors[..k].iter().enumerate() {
            unpaired[n_unpaired] = pack(neighbor, position);
            n_unpaired += usize::from(!paired[position]);
        }
        let unpaired = &mut unpaired[..n_unpaired];
        unpaired.sort_unstable();
        let to = self.columns[n_sources + 2..].iter_mut().zip(&mut self.values[n_sources + 2..]);
        for ((column, value), &key) in to.zip(&*unpaired) {
            let (neighbor, position) = unpack(key);
            *column = neighbor;
            *value = own_values[position];
        }
        self.columns[n_sources + 2 + n_unpaired] = SENTINEL;
    }

    /// Merges the lists, which together fill the row.
    ///
    /// Every step waits for the one before, so it is done from both ends at once.
    pub(crate) fn write(&self, columns: &mut [u32], values: &mut [T]) {
        let length = columns.len();
        let (from_columns, from_values) = (&self.columns[..length + 3], &self.values[..length + 3]);
        let (mut low_source, mut low_own) = (1, self.n_sources + 2);
        let (mut high_source, mut high_own) = (self.n_sources, length + 1);
        let (low_columns, high_columns) = columns.split_at_mut(length.div_ceil(2));
        let (low_values, high_values) = values.split_at_mut(length.div_ceil(2));
        let mut high = high_columns.iter_mut().rev().zip(high_values.iter_mut().rev());
        for (to_column, to_value) in low_columns.iter_mut().zip(low_values) {
            let (source_column, own_column) = (from_columns[low_source], from_columns[low_own]);
            let is_own = own_column < source_column;
            *to_column = own_column.min(source_column);
            *to_value = from_values[if is_own { low_own } else { low_source }];
            low_own += usize::from(is_own);
            low_source += usize::from(!is_own);
            if let Some((to_column, to_value)) = high.next() {
                let (source_column, own_column) = (from_columns[high_source], from_columns[high_own]);
                let is_own = own_column.wrapping_add(1) > source_column.wrapping_add(1);
                *to_column = if is_own { own_column } else { source_column };
                *to_value = from_values[if is_own { high_own } else { high_source }];
                high_own -= usize::from(is_own);
                high_source -= usize::from(!is_own);
            }
        }
    }
}
