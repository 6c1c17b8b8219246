//! From directed rows to the symmetric matrix: C + Cᵀ in compressed rows. Implements \[M4\].
//!
//! No hash map and no global sort. The edges and their values are brought together by blocks of targets, then every
//! block is sorted by target with a counting pass ([`Incoming`]), which leaves the sources of every target in ascending
//! order and tells which edges go both ways. What remains of a row is its neighbors that do not list it in return; only
//! those are sorted, and merged with the list ([`Merging`]).
//!
//! All of this happens in the memory of the result. Fresh memory is the dearest part, so none is touched that is not
//! kept: the lists lie where the result grows over them, and the rows are merged from the last to the first.

use std::ops::Range;

use fearless_simd::{Level, dispatch};
use rayon::prelude::*;
use tsne_core::{Csr, Scalar};

use crate::Error;
use crate::blocks::{self, Blocks, narrow};
use crate::calibration::Scale;
use crate::incoming::{self, Incoming};
use crate::merge::Merging;
use crate::row::{Gaussian, Search};
use crate::rule::{Rule, values_at};
use crate::tasks::{Progress, cut, first_error};
use crate::view::View;

/// Passes over all rows that [`symmetrize`] reports.
pub(crate) const PASSES: usize = blocks::PASSES + incoming::PASSES + 1;

/// Rows that are merged at a time by one thread.
const ROWS_PER_MERGE: usize = 128;
/// Rows of a round, at least.
const ROWS_PER_ROUND: usize = 2048;
/// Edges that are looked at to tell the size of the result.
const SAMPLED_EDGES: usize = 8192;

/// What the symmetric matrix is normalized to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Norm {
    /// A sum of 1.
    Total,
    /// Equal entries that sum to 1: the maximum of C and Cᵀ, for rows that are uniform.
    Equal,
    /// A sum of 1 in every row.
    Rows,
}

/// C + Cᵀ, normalized, for the matrix C of the rows of `view` weighed by `rule`.
///
/// Checks what a graph promises, by row. The bits do not depend on the number of threads, and p_ij and p_ji have the
/// same: both are computed from the same two numbers.
///
/// Beside the result there are 24 bytes a point and Gaussian, 16 a point, and for every thread that lists a block of edges and 4
/// bytes a point. What else is needed on the way lies in the places of the result.
pub(crate) fn symmetrize<T: Scalar>(
    view: View<'_, T>,
    rule: &Rule,
    norm: Norm,
    progress: &Progress<'_>,
) -> Result<(Csr<T>, Vec<Scale>), Error> {
    let (n, k, n_gaussians) = (view.n_rows(), view.k, rule.n_gaussians());
    let level = Level::new();
    // Rows of C sum to 1, C + Cᵀ to twice their number.
    let factor = if norm == Norm::Total { 0.5 / n as f64 } else { 1.0 };

    let blocks = Blocks::count(view, progress)?;
    let room = expected_entries(view);
    let (mut columns, mut values) = (vec![0_u32; room], vec![T::default(); room]);
    let mut gaussians = vec![Gaussian::default(); n * n_gaussians];
    let context = || (Vec::<Search>::new(), rule.no_scales());
    let contexts = blocks.fill(
        view,
        &mut columns,
        &mut values,
        &mut gaussians,
        context,
        |(searches, scales), rows, gaussians, values| {
            dispatch!(level, simd => {
                rule.fit_rows(simd, view, rows.clone(), searches, gaussians, scales)?;
                let to = gaussians.chunks_exact(n_gaussians).zip(values.chunks_exact_mut(k));
                for (i, (gaussians, values)) in rows.zip(to) {
                    values_at(simd, gaussians, factor, view.distances(i), values);
                }
                Ok(())
            })
        },
        progress,
    )?;
    let scales = Scale::merge(rule.no_scales(), contexts.into_iter().map(|(_, scales)| scales));
    let incoming = Incoming::list(view, &blocks, &mut columns, &mut values, progress)?;

    columns.resize(incoming.rows[n], 0);
    values.resize(incoming.rows[n], T::default());
    let merge_row =
        |merging: &mut Merging<T>, i: usize, list: (&[u32], &[T]), row: (&mut [u32], &mut [T])| {
            let gaussians = &gaussians[i * n_gaussians..(i + 1) * n_gaussians];
            let own_values = merging.own_values();
            dispatch!(level, simd => values_at(simd, gaussians, factor, view.distances(i), own_values));
            merging.load(view.neighbors(i), list.0, list.1);
            merging.write(row.0, row.1);
            match norm {
                Norm::Total => {}
                Norm::Equal => row.1.fill(T::lit(1.0 / incoming.rows[n] as f64)),
                Norm::Rows => normalize(row.1),
            }
        };
    let mut end = n;
    while end > 0 {
        end = merge_round(&incoming, end, k, &mut columns, &mut values, merge_row, progress)?;
    }
    Ok((Csr::from_trusted_parts(n, incoming.rows, columns, values), scales))
}

/// Merges rows that end with row `end`, and returns the first of them.
fn merge_round<T: Scalar>(
    Incoming { lists, rows }: &Incoming,
    end: usize,
    k: usize,
    columns: &mut [u32],
    values: &mut [T],
    merge_row: impl Fn(&mut Merging<T>, usize, (&[u32], &[T]), (&mut [u32], &mut [T])) + Sync,
    progress: &Progress<'_>,
) -> Result<usize, Error> {
    // The rows of a round lie behind their lists, or the lists are copied.
    let behind = rows[..end].partition_point(|&row| row < lists[end]);
    let start = behind.min(end.saturating_sub(ROWS_PER_ROUND));
    let in_round = lists[start]..lists[end];
    let copies = (rows[start] < in_round.end)
        .then(|| (columns[in_round.clone()].to_vec(), values[in_round.clone()].to_vec()));
    let (list_columns, columns) = columns.split_at_mut(rows[start]);
    let (list_values, values) = values.split_at_mut(rows[start]);
    let (list_columns, list_values) = match &copies {
        Some((columns, values)) => (&columns[..], &values[..]),
        None => (&list_columns[in_round.clone()], &list_values[in_round.clone()]),
    };

    let parts: Vec<Range<usize>> =
        (start..end).step_by(ROWS_PER_MERGE).map(|i| i..(i + ROWS_PER_MERGE).min(end)).collect();
    let lengths = || parts.iter().map(|part| rows[part.end] - rows[part.start]);
    let to: Vec<_> = cut(columns, lengths()).zip(cut(values, lengths())).collect();
    let results = parts
        .par_iter()
        .zip(to)
        .map_init(
            || Merging::new(rows.len() - 1, k),
            |merging, (part, (columns, values))| {
                let lengths = || part.clone().map(|i| rows[i + 1] - rows[i]);
                let to = cut(columns, lengths()).zip(cut(values, lengths()));
                for (i, row) in part.clone().zip(to) {
                    let list = lists[i] - in_round.start..lists[i + 1] - in_round.start;
                    merge_row(merging, i, (&list_columns[list.clone()], &list_values[list]), row);
                }
                Ok(progress.advance(part.len())?)
            },
        )
        .collect();
    first_error::<(), Error>(results)?;
    Ok(start)
}

/// About as many entries as the result will have, rather more than less: memory that is not touched costs nothing, but
/// to move the arrays once they are full does. From some edges, whose neighbors must exist.
fn expected_entries<T: Scalar>(view: View<'_, T>) -> usize {
    let (k, n_edges) = (view.k, view.n_rows() * view.k);
    let step = n_edges.div_ceil(SAMPLED_EDGES) | 1;
    let is_unpaired = |edge: &usize| {
        let (source, target) = (edge / k, view.neighbors(edge / k)[edge % k]);
        !view.neighbors(target as usize).contains(&narrow(source))
    };
    let n_unpaired = (0..n_edges).into_par_iter().step_by(step).filter(is_unpaired).count();
    let margin = SAMPLED_EDGES / 50;
    n_edges + ((n_unpaired + margin) * step).min(n_edges)
}

fn normalize<T: Scalar>(row: &mut [T]) {
    let sum: f64 = row.iter().map(|value| value.to_f64()).sum();
    for value in row {
        *value = T::lit(value.to_f64() / sum);
    }
}
