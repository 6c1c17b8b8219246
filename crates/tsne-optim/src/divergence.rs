//! The divergence of a map, \[M6\]: sums over the entries of P, in f64 and in a fixed order.

use std::ops::Range;

use fearless_simd::{Level, Simd, dispatch};
use rayon::prelude::*;
use tsne_core::{AffinityRow, Scalar, StudentT, Typed};

use crate::rows::{RowOf, in_f32, in_f64};

/// Entries taken side by side, as many as fill the widest vectors.
const LANES: usize = 8;

/// The part of \[M6\] that P alone decides.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Entropy {
    /// Σ p.
    pub(crate) total: f64,
    /// Σ p ln p.
    p_ln_p: f64,
}

impl Entropy {
    /// Sums over all rows, `chunk` at a time.
    pub(crate) fn of<T: Scalar>(n_rows: usize, row: &RowOf<'_, T>, chunk: usize) -> Self {
        let level = Level::new();
        let parts = over_chunks(n_rows, chunk, |rows| match T::typed(&[]) {
            Typed::F32(_) => entropy_f32(level, &|i| in_f32(row(i)), rows),
            Typed::F64(_) => entropy_f64(level, &|i| in_f64(row(i)), rows),
        });
        parts
            .into_iter()
            .fold(Self::default(), |a, b| Self { total: a.total + b.total, p_ln_p: a.p_ln_p + b.p_ln_p })
    }

    /// Σ p ln p − Σ p ln w + `p_ln_z`, \[M6\], for points at `y` attracted by `references`. Time O(entries of P), absolute
    /// error some 1e-15.
    pub(crate) fn divergence<T: Scalar, const D: usize>(
        self,
        kernel: StudentT,
        row: &RowOf<'_, T>,
        y: &[[T; D]],
        references: &[[T; D]],
        p_ln_z: f64,
        chunk: usize,
    ) -> f64 {
        let (level, dof) = (Level::new(), kernel.dof());
        let (y, references) = (y.as_flattened(), references.as_flattened());
        let parts = over_chunks(y.len() / D, chunk, |rows| match (T::typed(y), T::typed(references)) {
            (Typed::F32(y), Typed::F32(references)) => {
                p_ln_w_f32(level, D, 1.0 / dof, &|i| in_f32(row(i)), y, references, rows)
            }
            (Typed::F64(y), Typed::F64(references)) => {
                p_ln_w_f64(level, D, 1.0 / dof, &|i| in_f64(row(i)), y, references, rows)
            }
            _ => unreachable!("both are of one type"),
        });
        let p_ln_w = -dof * parts.into_iter().sum::<f64>();
        self.p_ln_p - p_ln_w + p_ln_z
    }
}

/// ln Z, finite even for a map so wide that every w underflows: its divergence is large, not infinite.
pub(crate) fn ln_normalizer(z: f64) -> f64 {
    z.max(f64::MIN_POSITIVE).ln()
}

fn over_chunks<R: Send>(n: usize, chunk: usize, work: impl Fn(Range<usize>) -> R + Sync) -> Vec<R> {
    (0..n.div_ceil(chunk)).into_par_iter().map(|i| work(i * chunk..((i + 1) * chunk).min(n))).collect()
}

macro_rules! sums_in {
    ($t:ty, $entropy:ident, $p_ln_w:ident) => {
        /// The sums over some rows: compiled here, and not again in every crate that uses them.
        #[inline(never)]
        fn $entropy(level: Level, row: &RowOf<'_, $t>, rows: Range<usize>) -> Entropy {
            dispatch!(level, simd => entropy(simd, row, rows))
        }

        /// Σ p ln(1 + d²/ν) over some rows.
        #[inline(never)]
        fn $p_ln_w(
            level: Level,
            dimension: usize,
            inv_dof: f64,
            row: &RowOf<'_, $t>,
            y: &[$t],
            references: &[$t],
            rows: Range<usize>,
        ) -> f64 {
            match dimension {
                1 => dispatch!(level, simd => p_ln_w::<_, $t, 1>(simd, inv_dof, row, y, references, rows)),
                2 => dispatch!(level, simd => p_ln_w::<_, $t, 2>(simd, inv_dof, row, y, references, rows)),
                3 => dispatch!(level, simd => p_ln_w::<_, $t, 3>(simd, inv_dof, row, y, references, rows)),
                _ => unreachable!("maps of {dimension} dimensions are refused when a descent is made"),
            }
        }
    };
}
sums_in!(f32, entropy_f32, p_ln_w_f32);
sums_in!(f64, entropy_f64, p_ln_w_f64);

#[inline(always)]
fn entropy<S: Simd, T: Scalar>(_simd: S, row: &RowOf<'_, T>, rows: Range<usize>) -> Entropy {
    let (mut totals, mut p_ln_p) = ([0.0; LANES], [0.0; LANES]);
    for i in rows {
        for values in row(i).values.chunks(LANES) {
            let values = padded(values);
            for l in 0..LANES {
                // Entries of 0 contribute 0, the limit of p ln p.
                totals[l] += values[l];
                p_ln_p[l] += values[l] * ln(values[l].max(f64::MIN_POSITIVE));
            }
        }
    }
    Entropy { total: totals.iter().sum(), p_ln_p: p_ln_p.iter().sum() }
}

#[inline(always)]
fn p_ln_w<S: Simd, T: Scalar, const D: usize>(
    _simd: S,
    inv_dof: f64,
    row: &RowOf<'_, T>,
    y: &[T],
    references: &[T],
    rows: Range<usize>,
) -> f64 {
    let (y, references) = (y.as_chunks::<D>().0, references.as_chunks::<D>().0);
    let mut sums = [0.0; LANES];
    for i in rows {
        let (AffinityRow { columns, values }, yi) = (row(i), y[i]);
        for (columns, values) in columns.chunks(LANES).zip(values.chunks(LANES)) {
            let values = padded(values);
            let mut d2 = [0.0; LANES];
            for (d2, &j) in d2.iter_mut().zip(columns) {
                let rj = references[j as usize];
                for d in 0..D {
                    let difference = yi[d].to_f64() - rj[d].to_f64();
                    *d2 += difference * difference;
                }
            }
            for l in 0..LANES {
                sums[l] += values[l] * ln(1.0 + d2[l] * inv_dof);
            }
        }
    }
    sums.iter().sum()
}

/// Up to [`LANES`] values in f64, then zeros.
#[inline(always)]
fn padded<T: Scalar>(values: &[T]) -> [f64; LANES] {
    let mut lanes = [0.0; LANES];
    for (lane, value) in lanes.iter_mut().zip(values) {
        *lane = value.to_f64();
    }
    lanes
}

/// ln x for a positive normal x, written so that a loop over it becomes vector code. Absolute error at most 1e-15 plus
/// a unit in the last place; infinity gives some 710.
#[inline(always)]
fn ln(x: f64) -> f64 {
    const SQRT_HALF: u64 = 0x3fe6_a09e_667f_3bcd;
    const MANTISSA: u64 = (1 << 52) - 1;
    /// 2^52 + 1023: an exponent field placed in the low bits of 2^52, less the bias.
    const EXPONENT_ZERO: f64 = 4_503_599_627_371_519.0;
    // x = 2^e m with m from √½ to √2: the bits of √½ are where the mantissa wraps around.
    let shifted = x.to_bits() + (0x3ff0_0000_0000_0000 - SQRT_HALF);
    let e = f64::from_bits((shifted >> 52) | 0x4330_0000_0000_0000) - EXPONENT_ZERO;
    let m = f64::from_bits((shifted & MANTISSA) + SQRT_HALF);
    // ln m = 2 artanh t, whose series is cut where t^19 / 19 is below 3e-16: |t| is at most 0.1716.
    let t = (m - 1.0) / (m + 1.0);
    let t2 = t * t;
    let mut series = 1.0 / 17.0;
    for odd in [15.0, 13.0, 11.0, 9.0, 7.0, 5.0, 3.0, 1.0] {
        series = series * t2 + 1.0 / odd;
    }
    e * std::f64::consts::LN_2 + 2.0 * t * series
}

#[cfg(test)]
mod tests {
    use super::ln;

    #[test]
    fn ln_agrees_with_the_standard_library() {
        let mut worst = 0.0_f64;
        for i in 0..400_000 {
            let x = 10.0_f64.powf(f64::from(i) * 1.5e-3 - 300.0);
            worst = worst.max((ln(x) - x.ln()).abs() / x.ln().abs().max(1.0));
        }
        for i in 0..100_000 {
            let x = 1.0 + f64::from(i) * 3e-5;
            worst = worst.max((ln(x) - x.ln()).abs());
        }
        assert!(worst < 1e-15, "error {worst:e}");
        assert_eq!(ln(1.0), 0.0, "ln 1 is exact");
        assert!(ln(f64::INFINITY).is_finite(), "an overflowed distance keeps the divergence finite");
    }
}
