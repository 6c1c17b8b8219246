//! The matrix of the rows as they are, each over its own neighbors: for new points, and for those who want P as it is
//! before it is made symmetric.

use fearless_simd::{Level, dispatch};
use rayon::prelude::*;
use tsne_core::{Csr, Scalar};

use crate::Error;
use crate::calibration::Scale;
use crate::row::Gaussian;
use crate::rule::{RowScratch, Rule, values_at};
use crate::tasks::{Progress, ROWS_PER_TASK, first_error, rows_of_task};
use crate::view::{View, unpack};

/// Passes over all rows that [`directed`] reports.
pub(crate) const PASSES: usize = 1;

/// The rows of `view` weighed by `rule`, every one summing to `factor`, over `n_columns` points.
///
/// Each row depends on itself alone. Checks what a graph promises, by row.
pub(crate) fn directed<T: Scalar>(
    view: View<'_, T>,
    rule: &Rule,
    n_columns: usize,
    exclude_self: bool,
    factor: f64,
    progress: &Progress<'_>,
) -> Result<(Csr<T>, Vec<Scale>), Error> {
    let (n, k) = (view.n_rows(), view.k);
    let mut columns = vec![0_u32; n * k];
    let mut values = vec![T::default(); n * k];
    let level = Level::new();
    let parts = columns
        .par_chunks_mut(ROWS_PER_TASK * k)
        .zip(values.par_chunks_mut(ROWS_PER_TASK * k))
        .enumerate()
        .map_init(
            || Scratch::<T>::new(k, rule),
            |scratch, (task, (columns, values))| {
                let mut scales = rule.no_scales();
                let rows = columns.chunks_exact_mut(k).zip(values.chunks_exact_mut(k));
                for (i, (columns, values)) in rows_of_task(task, n).zip(rows) {
                    let Scratch { row, gaussians, values: unsorted, order } = &mut *scratch;
                    let distances = view.distances(i);
                    dispatch!(level, simd => {
                        rule.fit_row(simd, i, distances, row, gaussians, &mut scales).map(|()| {
                            values_at(simd, gaussians, factor, distances, unsorted);
                        })
                    })?;
                    view.sort_row(i, n_columns, exclude_self, order)?;
                    for ((column, value), &key) in columns.iter_mut().zip(values).zip(&*order) {
                        let (neighbor, position) = unpack(key);
                        *column = neighbor;
                        *value = unsorted[position];
                    }
                }
                progress.advance(columns.len() / k)?;
                Ok(scales)
            },
        )
        .collect();
    let scales = Scale::merge(rule.no_scales(), first_error::<_, Error>(parts)?);
    let offsets = (0..=n).map(|i| i * k).collect();
    Ok((Csr::from_trusted_parts(n_columns, offsets, columns, values), scales))
}

struct Scratch<T> {
    row: RowScratch,
    gaussians: Vec<Gaussian>,
    /// In the order of the graph.
    values: Vec<T>,
    order: Vec<u64>,
}

impl<T: Scalar> Scratch<T> {
    fn new(k: usize, rule: &Rule) -> Self {
        Self {
            row: RowScratch::default(),
            gaussians: vec![Gaussian::default(); rule.n_gaussians()],
            values: vec![T::default(); k],
            order: Vec::with_capacity(k),
        }
    }
}
