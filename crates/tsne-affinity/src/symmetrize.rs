//! From directed rows to the symmetric matrix: C + Cᵀ in compressed rows. Implements [M4].
//!
//! No hash map and no global sort. The edges are listed by target with a counting pass ([`Incoming`]), which leaves the
//! sources of every target in ascending order; a row of the result is that list merged with the row itself, sorted.

use fearless_simd::{Level, dispatch};
use rayon::prelude::*;
use tsne_core::{Csr, GraphError, Scalar};

use crate::Error;
use crate::incoming::{Incoming, Sources};
use crate::joint::{
    Conditional, Edges, Progress, ROWS_PER_TASK, View, rows_of_task, sort_row, split_by_task, unpack,
};

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
    let incoming = Incoming::list(view)?;
    let offsets = merged_offsets(view, &incoming)?;
    let factor = match divisor {
        Divisor::Total(total) => 1.0 / total,
        Divisor::Entries => 1.0 / offsets[n] as f64,
        Divisor::Row => 1.0,
    };

    // Every row of the result is at least as long as its list of incoming edges. The lists move in there, which makes
    // room for the values: so nothing the size of the graph lives beside the result.
    let mut columns = vec![0_u32; offsets[n]];
    split_by_task(&mut columns, &offsets).into_par_iter().enumerate().for_each(|(task, part)| {
        for (i, row) in rows_of_task(task, n).zip(split_rows(part, &offsets, task)) {
            incoming.copy_list(i, row);
        }
    });
    let sources = incoming.into_sources();
    let mut values = vec![T::default(); offsets[n]];

    let level = Level::new();
    split_by_task(&mut columns, &offsets)
        .into_par_iter()
        .zip(split_by_task(&mut values, &offsets))
        .enumerate()
        .map_init(MergeScratch::default, |scratch, (task, (columns, values))| {
            let rows = rows_of_task(task, n);
            let n_rows = rows.len();
            let parts = split_rows(columns, &offsets, task).zip(split_rows(values, &offsets, task));
            for (i, (columns, values)) in rows.zip(parts) {
                scratch.load(view, conditional, &sources, i, columns)?;
                dispatch!(level, _simd => scratch.merge(conditional.n_scales, merge, columns));
                scratch.store(divisor, factor, values);
            }
            progress.advance(n_rows)?;
            Ok(())
        })
        .collect::<Vec<Result<(), Error>>>()
        .into_iter()
        .collect::<Result<(), Error>>()?;
    Ok(Csr::from_parts(n, offsets, columns, values)?)
}

/// The rows of one task, each as a slice of its own.
fn split_rows<'a, E>(
    mut part: &'a mut [E],
    offsets: &'a [usize],
    task: usize,
) -> impl Iterator<Item = &'a mut [E]> {
    rows_of_task(task, offsets.len() - 1).map(move |i| {
        let (row, rest) = std::mem::take(&mut part).split_at_mut(offsets[i + 1] - offsets[i]);
        part = rest;
        row
    })
}

/// Row offsets of the result: a row has its own neighbors and those of its sources that are not among them.
fn merged_offsets<T: Scalar>(view: View<'_, T>, incoming: &Incoming) -> Result<Vec<usize>, GraphError> {
    let n = view.n_rows();
    let mut offsets = vec![0_usize; n + 1];
    offsets[1..]
        .par_chunks_mut(ROWS_PER_TASK)
        .enumerate()
        .map_init(
            || vec![0_u64; n.div_ceil(64)],
            |marks, (task, lengths)| {
                for (i, length) in rows_of_task(task, n).zip(lengths) {
                    *length = merged_length(view, incoming, i, marks)?;
                }
                Ok(())
            },
        )
        .collect::<Vec<Result<(), GraphError>>>()
        .into_iter()
        .collect::<Result<(), GraphError>>()?;
    let mut end = 0;
    for offset in &mut offsets {
        end += *offset;
        *offset = end;
    }
    Ok(offsets)
}

/// `marks` has a bit per point, all clear before and after (except after an error, which ends everything).
fn merged_length<T: Scalar>(
    view: View<'_, T>,
    incoming: &Incoming,
    i: usize,
    marks: &mut [u64],
) -> Result<usize, GraphError> {
    let place = |j: u32| (j as usize / 64, 1_u64 << (j % 64));
    for &j in view.neighbors(i) {
        let (word, bit) = place(j);
        if marks[word] & bit != 0 {
            return Err(GraphError::Repeated { row: i, neighbor: j });
        }
        marks[word] |= bit;
    }
    let mut length = view.k;
    incoming.for_each_source(i, |source| {
        let (word, bit) = place(source);
        length += usize::from(marks[word] & bit == 0);
    });
    for &j in view.neighbors(i) {
        marks[place(j).0] = 0;
    }
    Ok(length)
}

/// One row while it is merged.
#[derive(Default)]
struct MergeScratch {
    /// Outgoing columns, ascending, each packed with its place in the row; then a sentinel.
    outgoing: Vec<u64>,
    /// Incoming sources, ascending; then a sentinel.
    incoming: Vec<u64>,
    /// Outgoing edges in the order of the row, then incoming ones.
    edges: Edges,
    /// The merged values.
    values: Vec<f64>,
}

impl MergeScratch {
    /// Gathers both lists of row `i`; `row` starts with its incoming edges.
    fn load<T: Scalar>(
        &mut self,
        view: View<'_, T>,
        conditional: &Conditional,
        sources: &Sources,
        i: usize,
        row: &[u32],
    ) -> Result<(), GraphError> {
        sort_row(view, i, view.n_rows(), true, &mut self.outgoing)?;
        self.outgoing.push(u64::MAX);
        self.edges.clear();
        for d in view.distances(i) {
            self.edges.push(d.to_f64(), conditional.of_row(i));
        }
        self.incoming.clear();
        let distances = view.all_distances();
        sources.for_each(
            i,
            |at| row[at],
            |source, edge| {
                self.incoming.push(u64::from(source));
                self.edges.push(distances[edge].to_f64(), conditional.of_row(source as usize));
            },
        );
        self.incoming.push(u64::MAX);
        Ok(())
    }

    /// Merges both lists into `columns`, and the values of their edges into `self.values`.
    #[inline(always)]
    fn merge(&mut self, n_scales: usize, merge: Merge, columns: &mut [u32]) {
        let edges = self.edges.evaluate(n_scales);
        let (outgoing_values, incoming_values) = edges.split_at(self.outgoing.len() - 1);
        self.values.clear();
        let (mut out, mut inc) = (0, 0);
        for column in columns {
            let (outgoing, place) = unpack(self.outgoing[out]);
            let incoming = self.incoming[inc];
            let (from_row, from_list) = (u64::from(outgoing) <= incoming, incoming <= u64::from(outgoing));
            let a = if from_row { outgoing_values[place] } else { 0.0 };
            let b = if from_list { incoming_values[inc] } else { 0.0 };
            *column = if from_row { outgoing } else { incoming as u32 };
            self.values.push(match merge {
                Merge::Sum => a + b,
                Merge::Max => a.max(b),
            });
            out += usize::from(from_row);
            inc += usize::from(from_list);
        }
    }

    fn store<T: Scalar>(&self, divisor: Divisor, factor: f64, values: &mut [T]) {
        let factor = if divisor == Divisor::Row { 1.0 / self.values.iter().sum::<f64>() } else { factor };
        for (to, &value) in values.iter_mut().zip(&self.values) {
            *to = T::lit(value * factor);
        }
    }
}
