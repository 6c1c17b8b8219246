//! From directed rows to the symmetric matrix: C + Cᵀ in compressed rows. Implements \[M4\].
//!
//! No hash map and no global sort. The edges are listed by target with a counting pass ([`Incoming`]), which leaves the
//! sources of every target in ascending order and tells which edges go both ways. What remains of a row is its
//! neighbors that do not list it in return; only those are sorted, and merged with the list.

use fearless_simd::{Level, dispatch};
use rayon::prelude::*;
use tsne_core::{Csr, Scalar};

use crate::Error;
use crate::calibration::Scale;
use crate::cells::Cells;
use crate::incoming::{self, Incoming, advance, narrow};
use crate::row::{Gaussian, Search};
use crate::rule::{Rule, values_at};
use crate::tasks::{Progress, first_error, rows_of_task, split_by_task, split_rows};
use crate::view::{View, pack, unpack};

/// Passes over all rows that [`symmetrize`] reports.
pub(crate) const PASSES: usize = incoming::PASSES + 2;

/// How p_{j|i} and p_{i|j} become one number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Merge {
    /// Their sum.
    Sum,
    /// The larger.
    Max,
}

/// What the symmetric matrix is normalized to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Norm {
    /// A sum of 1.
    Total,
    /// Equal entries that sum to 1: for rows that are uniform, merged by maximum.
    Equal,
    /// A sum of 1 in every row.
    Rows,
}

/// C + Cᵀ, or the maximum of the two, normalized, for the matrix C of the rows of `view` weighed by `rule`.
///
/// Checks what a graph promises, by row. The bits do not depend on the number of threads, and p_ij and p_ji have the
/// same: both are computed from the same two numbers.
///
/// Beside the result there are 24 bytes a point and Gaussian, and 8 a point and chunk. What else is needed on the way
/// lies in the places of the result.
pub(crate) fn symmetrize<T: Scalar>(
    view: View<'_, T>,
    rule: &Rule,
    merge: Merge,
    norm: Norm,
    progress: &Progress<'_>,
) -> Result<(Csr<T>, Vec<Scale>), Error> {
    let (n, k, n_gaussians) = (view.n_rows(), view.k, rule.n_gaussians());
    let level = Level::new();
    let mut gaussians = vec![Gaussian::default(); n * n_gaussians];
    let context = || (Vec::new(), rule.no_scales());
    let fit_rows = |(searches, scales): &mut (Vec<Search>, Vec<Scale>), rows, gaussians: &mut [Gaussian]| dispatch!(level, simd => rule.fit_rows(simd, view, rows, searches, gaussians, scales));
    let (mut incoming, contexts) = Incoming::list(view, &mut gaussians, context, fit_rows, progress)?;
    let scales = Scale::merge(rule.no_scales(), contexts.into_iter().map(|(_, scales)| scales));
    let offsets = incoming.pair(view, progress)?;

    // Rows of C sum to 1, C + Cᵀ to twice their number.
    let factor = match norm {
        Norm::Total => 0.5 / n as f64,
        Norm::Equal => k as f64 / offsets[n] as f64,
        Norm::Rows => 1.0,
    };
    let values_of_row = |i: usize, values: &mut [T]| {
        let gaussians = &gaussians[i * n_gaussians..(i + 1) * n_gaussians];
        dispatch!(level, simd => values_at(simd, gaussians, factor, view.distances(i), values));
    };

    // A row of the result is at least as long as its list of incoming edges: the list moves in there, and the value of
    // every edge is put beside its entry.
    let (mut columns, mut walk) = incoming.into_rows(&offsets);
    let cells = Cells::zeros::<T>(offsets[n]);
    let context = || vec![T::default(); k];
    walk.run(&mut vec![(); n], context, progress, |values, rows, cursors, _| {
        for i in rows {
            values_of_row(i, values);
            cells.store_all(view.neighbors(i).iter().map(|&j| advance(cursors, j)), values);
        }
        Ok(())
    })?;

    let mut values = cells.into_values::<T>();
    let parts = split_by_task(&mut columns, &offsets)
        .into_par_iter()
        .zip(split_by_task(&mut values, &offsets))
        .enumerate()
        .map_init(
            || Merging::new(n, k),
            |merging, (task, (columns, values))| {
                let rows = rows_of_task(task, n);
                let n_rows = rows.len();
                let parts = split_rows(columns, &offsets, task).zip(split_rows(values, &offsets, task));
                for (i, (columns, values)) in rows.zip(parts) {
                    let list_length = walk.end_of_list(i) - offsets[i];
                    values_of_row(i, merging.own_values());
                    merging.load(view.neighbors(i), &columns[..list_length], &values[..list_length], merge);
                    merging.write(columns, values);
                    if norm == Norm::Rows {
                        normalize(values);
                    }
                }
                Ok(progress.advance(n_rows)?)
            },
        )
        .collect();
    first_error::<_, Error>(parts)?;
    Ok((Csr::from_trusted_parts(n, offsets, columns, values), scales))
}

fn normalize<T: Scalar>(row: &mut [T]) {
    let sum: f64 = row.iter().map(|value| value.to_f64()).sum();
    for value in row {
        *value = T::lit(value.to_f64() / sum);
    }
}

/// One row while it is merged from two lists in ascending order: its sources, and those of its own neighbors that are
/// not among them.
///
/// Which list a column comes from, and whether an edge goes both ways, is as good as random: the loops choose by
/// arithmetic and not by branches.
struct Merging<T> {
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
    /// Columns of the sources; a sentinel; columns of the unpaired neighbors; a sentinel.
    columns: Vec<u32>,
    /// Their values, those of edges in both directions together.
    values: Vec<T>,
    /// Where the unpaired neighbors start.
    n_sources: usize,
}

impl<T: Scalar> Merging<T> {
    fn new(n: usize, k: usize) -> Self {
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
    fn own_values(&mut self) -> &mut [T] {
        &mut self.own_values[..self.k]
    }

    /// Makes both lists from the row's neighbors and from the entries and values of its incoming edges.
    fn load(&mut self, neighbors: &[u32], entries: &[u32], values: &[T], merge: Merge) {
        let (n, k, n_sources) = (self.n, self.k, entries.len());
        let (own_values, paired) = (&self.own_values[..=k], &mut self.paired[..=k]);
        self.neighbors[..k].copy_from_slice(neighbors);
        let neighbors = &self.neighbors[..=k];
        self.columns.resize(n_sources + k + 2, 0);
        self.values.resize(n_sources + k + 2, T::default());
        self.n_sources = n_sources;

        paired.fill(false);
        let to = self.columns.iter_mut().zip(&mut self.values);
        for ((column, to_value), (&entry, &value)) in to.zip(entries.iter().zip(values)) {
            // An entry that is no position wraps around to a large number.
            let position = (entry.wrapping_sub(n) as usize).min(k);
            let (own, neighbor) = (own_values[position], neighbors[position]);
            paired[position] = true;
            *column = if entry < n { entry } else { neighbor };
            *to_value = match merge {
                Merge::Sum => own + value,
                Merge::Max if own > value => own,
                Merge::Max => value,
            };
        }
        self.columns[n_sources] = u32::MAX;

        let unpaired = &mut self.unpaired[..=k];
        let mut n_unpaired = 0;
        for (position, &neighbor) in neighbors[..k].iter().enumerate() {
            unpaired[n_unpaired] = pack(neighbor, position);
            n_unpaired += usize::from(!paired[position]);
        }
        let unpaired = &mut unpaired[..n_unpaired];
        unpaired.sort_unstable();
        let to = self.columns[n_sources + 1..].iter_mut().zip(&mut self.values[n_sources + 1..]);
        for ((column, value), &key) in to.zip(&*unpaired) {
            let (neighbor, position) = unpack(key);
            *column = neighbor;
            *value = own_values[position];
        }
        self.columns[n_sources + 1 + n_unpaired] = u32::MAX;
    }

    /// Merges the lists, which together fill the row.
    fn write(&self, columns: &mut [u32], values: &mut [T]) {
        let (mut source, mut own) = (0, self.n_sources + 1);
        for (to_column, to_value) in columns.iter_mut().zip(values) {
            let (source_column, own_column) = (self.columns[source], self.columns[own]);
            let from_own = own_column < source_column;
            let at = if from_own { own } else { source };
            *to_column = if from_own { own_column } else { source_column };
            *to_value = self.values[at];
            own += usize::from(from_own);
            source += usize::from(!from_own);
        }
    }
}
