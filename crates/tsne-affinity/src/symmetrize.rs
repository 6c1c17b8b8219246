//! From directed rows to the symmetric matrix: C + Cᵀ in compressed rows. Implements [M4].
//!
//! No hash map and no global sort. The edges are listed by target with a counting pass ([`Incoming`]), which leaves the
//! sources of every target in ascending order and tells which edges go both ways. What remains of a row is its
//! neighbors that do not list it in return; only those are sorted, and merged with the list.

use fearless_simd::{Level, dispatch};
use rayon::prelude::*;
use tsne_core::{Csr, Scalar};

use crate::Error;
use crate::cells::Cells;
use crate::incoming::{Incoming, narrow, next_slot};
use crate::joint::{Conditional, Progress, View, pack, rows_of_task, split_by_task, split_rows, unpack};

/// How p_{j|i} and p_{i|j} become one number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Merge {
    /// Their sum.
    Sum,
    /// The larger.
    Max,
}

/// What every value is divided by.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Divisor {
    /// One number for all.
    Total(f64),
    /// The number of entries.
    Entries,
    /// The sum of the row.
    Row,
}

/// C + Cᵀ, or the maximum of the two, of the conditional affinities of `view`, divided by `divisor`.
///
/// Checks the neighbors on the way. The bits do not depend on the number of threads, and p_ij and p_ji have the same:
/// both are computed from the same two numbers.
pub(crate) fn symmetrize<T: Scalar>(
    view: View<'_, T>,
    conditional: &Conditional,
    merge: Merge,
    divisor: Divisor,
    progress: &Progress<'_>,
) -> Result<Csr<T>, Error> {
    let n = view.n_rows();
    let level = Level::new();
    let mut incoming = Incoming::list(view, progress)?;
    let offsets = incoming.pair(view, progress)?;
    let factor = match divisor {
        Divisor::Total(total) => 1.0 / total,
        Divisor::Entries => 1.0 / offsets[n] as f64,
        Divisor::Row => 1.0,
    };

    // A row of the result is at least as long as its list, so the lists move in there, and the value of every incoming
    // edge is put in the place next to its entry. Nothing the size of the graph lives beside the result.
    let (mut columns, mut slots) = incoming.into_rows(&offsets);
    let cells = Cells::zeros::<T>(offsets[n]);
    slots.walk(
        n,
        progress,
        || vec![T::default(); view.k],
        |values, i, cursors| {
            dispatch!(level, simd => conditional.values_of_row(simd, i, view.distances(i), values));
            for (&j, &value) in view.neighbors(i).iter().zip(&*values) {
                cells.store(offsets[j as usize] + next_slot(cursors, j), value);
            }
            Ok::<(), Error>(())
        },
    )?;

    let mut values = cells.into_values::<T>();
    split_by_task(&mut columns, &offsets)
        .into_par_iter()
        .zip(split_by_task(&mut values, &offsets))
        .enumerate()
        .map_init(
            || MergeScratch::new(view.k),
            |scratch, (task, (columns, values))| {
                let rows = rows_of_task(task, n);
                let n_rows = rows.len();
                let parts = split_rows(columns, &offsets, task).zip(split_rows(values, &offsets, task));
                for (i, (columns, values)) in rows.zip(parts) {
                    let own = &mut scratch.own_values[..view.k];
                    dispatch!(level, simd => conditional.values_of_row(simd, i, view.distances(i), own));
                    let length = slots.list_length(i, n);
                    scratch.load(narrow(n), view.neighbors(i), &columns[..length], &values[..length], merge);
                    scratch.merge_into(columns, values, factor);
                    if divisor == Divisor::Row {
                        let sum: f64 = values.iter().map(|value| value.to_f64()).sum();
                        values.iter_mut().for_each(|value| *value = T::lit(value.to_f64() / sum));
                    }
                }
                Ok(progress.advance(n_rows)?)
            },
        )
        .collect::<Vec<Result<(), Error>>>()
        .into_iter()
        .collect::<Result<(), Error>>()?;
    Ok(Csr::from_parts(n, offsets, columns, values)?)
}

/// One row while it is merged from two lists in ascending order: its sources, and those of its own neighbors that are
/// not among them.
///
/// Which list a column comes from, and whether an edge goes both ways, is as good as random: the loops choose by
/// arithmetic and not by branches.
struct MergeScratch<T> {
    /// Values of the row's neighbors, in its order; then a 0 that stands for no neighbor.
    own_values: Vec<T>,
    /// The neighbors; then anything.
    neighbors: Vec<u32>,
    /// Whether a neighbor is a source as well; then anything.
    paired: Vec<bool>,
    /// Neighbors that are not, ascending, each packed with its place in the row; then a sentinel.
    own: Vec<u64>,
    /// Columns of the sources, ascending; then a sentinel.
    source_columns: Vec<u32>,
    /// Their values, with the own value where the edge goes both ways; then anything.
    source_values: Vec<f64>,
}

impl<T: Scalar> MergeScratch<T> {
    fn new(k: usize) -> Self {
        Self {
            own_values: vec![T::default(); k + 1],
            neighbors: vec![0; k + 1],
            paired: vec![false; k + 1],
            own: vec![0; k + 1],
            source_columns: Vec::new(),
            source_values: Vec::new(),
        }
    }

    /// Makes both lists from the entries and values of the incoming edges.
    fn load(&mut self, n: u32, neighbors: &[u32], entries: &[u32], values: &[T], merge: Merge) {
        let k = neighbors.len();
        self.neighbors[..k].copy_from_slice(neighbors);
        self.paired.fill(false);
        self.source_columns.resize(entries.len() + 1, 0);
        self.source_values.resize(entries.len() + 1, 0.0);
        let sources = self.source_columns.iter_mut().zip(&mut self.source_values);
        for ((column, source_value), (&entry, value)) in sources.zip(entries.iter().zip(values)) {
            let position = if entry < n { k } else { (entry - n) as usize };
            self.paired[position] = true;
            let (own, value) = (self.own_values[position].to_f64(), value.to_f64());
            *column = if entry < n { entry } else { self.neighbors[position] };
            *source_value = if merge == Merge::Sum { own + value } else { own.max(value) };
        }
        self.source_columns[entries.len()] = u32::MAX;

        let mut n_own = 0;
        for (position, &neighbor) in neighbors.iter().enumerate() {
            self.own[n_own] = pack(neighbor, position);
            n_own += usize::from(!self.paired[position]);
        }
        self.own[..n_own].sort_unstable();
        self.own[n_own] = u64::MAX;
    }

    /// Merges the lists, which together fill the row, and multiplies the values by `factor`.
    fn merge_into(&self, columns: &mut [u32], values: &mut [T], factor: f64) {
        let (mut own, mut source) = (0, 0);
        for (to_column, to_value) in columns.iter_mut().zip(values) {
            let (own_column, position) = unpack(self.own[own]);
            let source_column = self.source_columns[source];
            let from_own = own_column < source_column;
            let position = if from_own { position } else { self.own_values.len() - 1 };
            let own_value = self.own_values[position].to_f64();
            let value = [self.source_values[source], own_value][usize::from(from_own)];
            own += usize::from(from_own);
            source += usize::from(!from_own);
            *to_column = own_column.min(source_column);
            *to_value = T::lit(value * factor);
        }
    }
}
