//! Checks of the affinities that a descent is given.

use rayon::prelude::*;
use tsne_core::{Affinities, Scalar};

use crate::Error;

/// Rows looked through by one task.
const CHUNK: usize = 1024;

/// Checks that `affinities` has `n_points` rows over `n_references` columns, and every entry of them.
pub(crate) fn validate_affinities<T: Scalar>(
    affinities: &impl Affinities<T>,
    n_points: usize,
    n_references: usize,
) -> Result<(), Error> {
    check_shape(affinities, n_points, n_references)?;
    let check_chunk = |chunk: usize| {
        let rows = chunk * CHUNK..n_points.min((chunk + 1) * CHUNK);
        rows.into_iter().try_for_each(|i| check_row(affinities, i, n_references))
    };
    // The first of the errors, wherever another was met before.
    (0..n_points.div_ceil(CHUNK))
        .into_par_iter()
        .map(check_chunk)
        .find_first(Result::is_err)
        .unwrap_or(Ok(()))
}

/// Checks that `affinities` has `n_points` rows over `n_references` columns.
pub(crate) fn check_shape<T: Scalar>(
    affinities: &impl Affinities<T>,
    n_points: usize,
    n_references: usize,
) -> Result<(), Error> {
    for (what, got, expected) in [
        ("affinities", affinities.n_points(), n_points),
        ("affinities, transposed,", affinities.n_references(), n_references),
    ] {
        if got != expected {
            return Err(Error::LengthMismatch { what, expected, got });
        }
    }
    Ok(())
}

fn check_row<T: Scalar>(affinities: &impl Affinities<T>, i: usize, n_references: usize) -> Result<(), Error> {
    let row = affinities.row(i);
    if row.columns.len() != row.values.len() {
        let (columns, values) = (row.columns.len(), row.values.len());
        return Err(Error::RaggedAffinity { row: i, columns, values });
    }
    for (position, (&column, &value)) in row.columns.iter().zip(row.values).enumerate() {
        let bad = |requirement| {
            Err(Error::BadAffinity { row: i, position, column, value: value.to_f64(), requirement })
        };
        if column as usize >= n_references {
            return bad("columns must be below the number of points that attract");
        }
        if !value.is_finite() || value < T::default() {
            return bad("values must be finite and at least 0");
        }
    }
    Ok(())
}
