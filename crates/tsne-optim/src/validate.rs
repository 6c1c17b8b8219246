//! Checks of the affinities that a descent is given.

use tsne_core::{Affinities, Scalar};

use crate::Error;

/// Checks that `affinities` has `n_points` rows over `n_references` columns, and every entry of them.
pub(crate) fn validate_affinities<T: Scalar>(
    affinities: &dyn Affinities<T>,
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
    for i in 0..n_points {
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
    }
    Ok(())
}
