//! Attraction along the entries of P: \[M10\].

use tsne_core::{AffinityRow, Scalar};

/// Entries of a row taken at a time, as wide as the widest vectors in use.
const LANES: usize = 16;

/// Σ_j p_ij s_ij (y_i − y_j) over one row.
///
/// Called from inside a dispatched region, so that the lane loops become vectors of whatever the CPU has. The order of
/// the sums is fixed by `LANES`.
#[inline(always)]
pub(crate) fn attract<T: Scalar, const D: usize>(
    inv_dof: T,
    y: &[[T; D]],
    i: usize,
    row: AffinityRow<'_, T>,
) -> [T; D] {
    let one = T::lit(1.0);
    let yi = y[i];
    let mut lanes = [[T::default(); LANES]; D];
    let (columns, columns_rest) = row.columns.as_chunks::<LANES>();
    let (values, values_rest) = row.values.as_chunks::<LANES>();
    for (columns, values) in columns.iter().zip(values) {
        let mut diff = [[T::default(); LANES]; D];
        for l in 0..LANES {
            let yj = y[columns[l] as usize];
            for d in 0..D {
                diff[d][l] = yj[d];
            }
        }
        let mut d2 = [T::default(); LANES];
        for d in 0..D {
            for l in 0..LANES {
                diff[d][l] = yi[d] - diff[d][l];
                d2[l] += diff[d][l] * diff[d][l];
            }
        }
        for l in 0..LANES {
            d2[l] = values[l] / (one + d2[l] * inv_dof);
        }
        for d in 0..D {
            for l in 0..LANES {
                lanes[d][l] += d2[l] * diff[d][l];
            }
        }
    }
    let mut force = [T::default(); D];
    for d in 0..D {
        for l in 0..LANES {
            force[d] += lanes[d][l];
        }
    }
    for (&column, &p) in columns_rest.iter().zip(values_rest) {
        let yj = y[column as usize];
        let mut diff = [T::default(); D];
        let mut d2 = T::default();
        for d in 0..D {
            diff[d] = yi[d] - yj[d];
            d2 += diff[d] * diff[d];
        }
        let weight = p / (one + d2 * inv_dof);
        for d in 0..D {
            force[d] += weight * diff[d];
        }
    }
    force
}
