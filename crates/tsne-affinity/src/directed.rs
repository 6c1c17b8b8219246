//! The matrix of the rows as they are, each over its own neighbors: for new points, and for those who want P as it is
//! before it is made symmetric.

use fearless_simd::{Level, dispatch};
use rayon::prelude::*;
use tsne_core::{Csr, Scalar};

use crate::Error;
use crate::calibration::Scale;
use crate::row::{Gaussian, Search};
use crate::rule::{ROWS_AT_ONCE, Rule, values_at};
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
            |Scratch { searches, gaussians, values: unsorted, order }, (task, (columns, values))| {
                let mut scales = rule.no_scales();
                let mut to = columns.chunks_exact_mut(k).zip(values.chunks_exact_mut(k));
                for rows in rows_of_task(task, n).step_by(ROWS_AT_ONCE) {
                    let rows = rows..(rows + ROWS_AT_ONCE).min(n);
                    let gaussians = &mut gaussians[..rows.len() * rule.n_gaussians()];
                    dispatch!(level, simd => {
                        rule.fit_rows(simd, view, rows.clone(), searches, gaussians, &mut scales)
                    })?;
                    let gaussians = gaussians.chunks_exact(rule.n_gaussians());
                    for ((i, gaussians), (columns, values)) in rows.zip(gaussians).zip(to.by_ref()) {
                        dispatch!(level, simd => {
                            values_at(simd, gaussians, factor, view.distances(i), unsorted);
                        });
                        view.sort_row(i, n_columns, exclude_self, order)?;
                        for ((column, value), &key) in columns.iter_mut().zip(values).zip(&*order) {
                            let (neighbor, position) = unpack(key);
                            *column = neighbor;
                            *value = unsorted[position];
                        }
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
    searches: Vec<Search>,
    gaussians: Vec<Gaussian>,
    /// In the order of the graph.
    values: Vec<T>,
    order: Vec<u64>,
}

impl<T: Scalar> Scratch<T> {
    fn new(k: usize, rule: &Rule) -> Self {
        Self {
            searches: Vec::new(),
            gaussians: vec![Gaussian::default(); ROWS_AT_ONCE * rule.n_gaussians()],
            values: vec![T::default(); k],
            order: Vec::with_capacity(k),
        }
    }
}
