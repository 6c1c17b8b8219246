//! Attraction along the entries of P, and the share of the divergence that belongs to it: [M6], [M10].

use rayon::prelude::*;
use tsne_core::{Affinities, AffinityRow, Scalar, StudentT};

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

/// The sums of [M6] that run over the entries of P.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct DivergenceSums {
    /// Σ p.
    pub(crate) total: f64,
    /// Σ p ln p.
    pub(crate) p_ln_p: f64,
    /// Σ p ln w.
    pub(crate) p_ln_w: f64,
}

impl DivergenceSums {
    /// KL of [M6], given Z.
    pub(crate) fn kl_divergence(self, z: f64) -> f64 {
        // A map so wide that every w underflows has Z = 0; its divergence is large, not infinite.
        self.p_ln_p - self.p_ln_w + self.total * z.max(f64::MIN_POSITIVE).ln()
    }
}

/// Sums of [M6] over all rows, in f64, rows in chunks of `chunk` added in order.
pub(crate) fn divergence_sums<T: Scalar, const D: usize>(
    kernel: StudentT,
    p: &dyn Affinities<T>,
    y: &[[T; D]],
    chunk: usize,
) -> DivergenceSums {
    let dof = kernel.dof();
    let of_chunk = |start: usize| {
        let mut sums = DivergenceSums::default();
        for i in start..(start + chunk).min(y.len()) {
            let row = p.row(i);
            for (&j, &p) in row.columns.iter().zip(row.values) {
                let p = p.to_f64();
                if p > 0.0 {
                    let yj = y[j as usize];
                    let d2: f64 = (0..D).map(|d| (y[i][d].to_f64() - yj[d].to_f64()).powi(2)).sum();
                    sums.total += p;
                    sums.p_ln_p += p * p.ln();
                    sums.p_ln_w -= p * dof * (d2 / dof).ln_1p();
                }
            }
        }
        sums
    };
    let starts: Vec<usize> = (0..y.len()).step_by(chunk).collect();
    let parts: Vec<DivergenceSums> = starts.into_par_iter().map(of_chunk).collect();
    parts.into_iter().fold(DivergenceSums::default(), |a, b| DivergenceSums {
        total: a.total + b.total,
        p_ln_p: a.p_ln_p + b.p_ln_p,
        p_ln_w: a.p_ln_w + b.p_ln_w,
    })
}
