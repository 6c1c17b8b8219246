//! What tiles compute: quantities in f32 with a bound on their error (\[M51\], \[M53\]), and of bytes in integers.

use std::marker::PhantomData;

use fearless_simd::{Simd, SimdFloat, f32x16, i16x32, i32x16, prelude::*};

use crate::bound::ErrorBound;
use crate::tile::{Kernel, LANES};

/// How a quantity in f32 builds up feature by feature.
pub(crate) trait Fold: Send + Sync + 'static {
    /// Roundings that the error bound allows for, with `n_features` features.
    fn roundings(n_features: usize) -> usize;
    /// Adds a coordinate to the norm of a point.
    fn add_to_norm(norm: f64, x: f64) -> f64;
    /// Adds a feature of two points to their partial results.
    fn accumulate<S: Simd>(sums: f32x16<S>, a: f32x16<S>, b: f32x16<S>) -> f32x16<S>;
    /// Quantities from partial results and the sums of the norms.
    fn finish<S: Simd>(simd: S, sums: f32x16<S>, norms: f32x16<S>) -> f32x16<S>;

    /// Adds a feature, given by the difference of two points, to their partial results.
    fn add_difference<S: Simd, V: SimdFloat<S>>(results: V, difference: V) -> V;
    /// All partial results as one.
    fn join<S: Simd, V: SimdFloat<S>>(results: V) -> V::Element;
}

/// ‖a‖² + ‖b‖² − 2 a·b.
#[derive(Debug)]
pub(crate) enum Product {}

impl Fold for Product {
    fn roundings(n_features: usize) -> usize {
        n_features + 16
    }
    #[inline(always)]
    fn add_to_norm(norm: f64, x: f64) -> f64 {
        norm + x * x
    }
    #[inline(always)]
    fn accumulate<S: Simd>(sums: f32x16<S>, a: f32x16<S>, b: f32x16<S>) -> f32x16<S> {
        a.mul_add(b, sums)
    }
    #[inline(always)]
    fn finish<S: Simd>(simd: S, sums: f32x16<S>, norms: f32x16<S>) -> f32x16<S> {
        sums.mul_add(f32x16::splat(simd, -2.0), norms)
    }
    #[inline(always)]
    fn add_difference<S: Simd, V: SimdFloat<S>>(results: V, difference: V) -> V {
        difference.mul_add(difference, results)
    }
    #[inline(always)]
    fn join<S: Simd, V: SimdFloat<S>>(results: V) -> V::Element {
        results.reduce_sum()
    }
}

/// Σ |a − b|.
#[derive(Debug)]
pub(crate) enum AbsoluteSum {}

impl Fold for AbsoluteSum {
    fn roundings(n_features: usize) -> usize {
        n_features + 16
    }
    #[inline(always)]
    fn add_to_norm(norm: f64, x: f64) -> f64 {
        norm + x.abs()
    }
    #[inline(always)]
    fn accumulate<S: Simd>(sums: f32x16<S>, a: f32x16<S>, b: f32x16<S>) -> f32x16<S> {
        sums + (a - b).abs()
    }
    #[inline(always)]
    fn finish<S: Simd>(_simd: S, sums: f32x16<S>, norms: f32x16<S>) -> f32x16<S> {
        infinite_where_padded(sums, norms)
    }
    #[inline(always)]
    fn add_difference<S: Simd, V: SimdFloat<S>>(results: V, difference: V) -> V {
        results + difference.abs()
    }
    #[inline(always)]
    fn join<S: Simd, V: SimdFloat<S>>(results: V) -> V::Element {
        results.reduce_sum()
    }
}

/// max |a − b|.
#[derive(Debug)]
pub(crate) enum LargestDifference {}

impl Fold for LargestDifference {
    fn roundings(_n_features: usize) -> usize {
        16
    }
    #[inline(always)]
    fn add_to_norm(norm: f64, x: f64) -> f64 {
        norm.max(x.abs())
    }
    #[inline(always)]
    fn accumulate<S: Simd>(sums: f32x16<S>, a: f32x16<S>, b: f32x16<S>) -> f32x16<S> {
        sums.max((a - b).abs())
    }
    #[inline(always)]
    fn finish<S: Simd>(_simd: S, sums: f32x16<S>, norms: f32x16<S>) -> f32x16<S> {
        infinite_where_padded(sums, norms)
    }
    #[inline(always)]
    fn add_difference<S: Simd, V: SimdFloat<S>>(results: V, difference: V) -> V {
        results.max(difference.abs())
    }
    #[inline(always)]
    fn join<S: Simd, V: SimdFloat<S>>(results: V) -> V::Element {
        results.reduce_max()
    }
}

/// `sums`, or infinity where a norm is infinite. Zero times infinity is not a number, and no number is below it.
#[inline(always)]
fn infinite_where_padded<S: Simd>(sums: f32x16<S>, norms: f32x16<S>) -> f32x16<S> {
    norms.mul_add(f32x16::splat(norms.simd, 0.0), sums)
}

/// Quantities in f32 of narrowed points.
#[derive(Debug)]
pub(crate) struct Floats<F> {
    bound: ErrorBound,
    fold: PhantomData<F>,
}

impl<F: Fold> Floats<F> {
    /// For points of `n_features` features; nothing when there are too many for a useful bound.
    pub(crate) fn new(n_features: usize) -> Option<Self> {
        let (epsilon, smallest) = (f64::from(f32::EPSILON), f64::from(f32::MIN_POSITIVE));
        let bound = ErrorBound::new(n_features, F::roundings(n_features), epsilon, smallest)?;
        Some(Self { bound, fold: PhantomData })
    }

    /// The largest error of an outcome of two points with these norms.
    pub(crate) fn error(&self, a: f32, b: f32) -> f64 {
        self.bound.relative * (f64::from(a) + f64::from(b)) + self.bound.underflow
    }
}

impl<F: Fold> Kernel for Floats<F> {
    type Cell = f32;
    type Value = f32;
    type Cells<S: Simd> = f32x16<S>;
    type Sums<S: Simd> = f32x16<S>;

    const NEVER: f32 = f32::NEG_INFINITY;
    const ALWAYS: f32 = f32::INFINITY;
    const PADDING: f32 = f32::INFINITY;
    const EXACT: bool = false;

    #[inline(always)]
    fn zero<S: Simd>(simd: S) -> f32x16<S> {
        f32x16::splat(simd, 0.0)
    }
    #[inline(always)]
    fn load<S: Simd>(simd: S, cells: &[f32; LANES]) -> f32x16<S> {
        f32x16::from_slice(simd, cells)
    }
    #[inline(always)]
    fn splat<S: Simd>(simd: S, cell: f32) -> f32x16<S> {
        f32x16::splat(simd, cell)
    }
    #[inline(always)]
    fn accumulate<S: Simd>(sums: f32x16<S>, a: f32x16<S>, b: f32x16<S>) -> f32x16<S> {
        F::accumulate(sums, a, b)
    }
    #[inline(always)]
    fn finish<S: Simd>(simd: S, sums: f32x16<S>, row_norm: f32, column_norms: &[f32; LANES]) -> f32x16<S> {
        let norms = f32x16::from_slice(simd, column_norms) + f32x16::splat(simd, row_norm);
        F::finish(simd, sums, norms)
    }
    #[inline(always)]
    fn below<S: Simd>(simd: S, outcomes: f32x16<S>, threshold: f32) -> u64 {
        outcomes.simd_lt(f32x16::splat(simd, threshold)).to_bitmask()
    }
    #[inline(always)]
    fn below_each<S: Simd>(simd: S, outcomes: f32x16<S>, thresholds: &[f32; LANES]) -> u64 {
        outcomes.simd_lt(f32x16::from_slice(simd, thresholds)).to_bitmask()
    }
    #[inline(always)]
    fn store<S: Simd>(outcomes: f32x16<S>, to: &mut [f32; LANES]) {
        outcomes.store_slice(to);
    }

    #[inline(always)]
    fn to_key(value: f32) -> u32 {
        // Cancellation may leave a little less than nothing. Bits of numbers that are not negative sort as they do.
        value.max(0.0).to_bits()
    }
    #[inline(always)]
    fn from_key(key: u32) -> f32 {
        f32::from_bits(key)
    }
    #[inline(always)]
    fn to_f64(value: f32) -> f64 {
        f64::from(value)
    }
    #[allow(clippy::cast_possible_truncation, reason = "the threshold leaves room for it")]
    fn threshold(&self, kth: f32, norm: f32) -> f32 {
        self.bound.threshold(f64::from(kth), f64::from(norm)) as f32
    }
}

/// Squared distances between points of bytes, in integers, without error.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ByteProduct;

impl ByteProduct {
    /// Largest number of features whose norms stay below [`ByteProduct::PADDING`].
    pub(crate) const MAX_FEATURES: usize = (1 << 30) / (255 * 255);
}

impl Kernel for ByteProduct {
    /// Two features, in the low and the high half.
    type Cell = i32;
    type Value = i32;
    type Cells<S: Simd> = i16x32<S>;
    type Sums<S: Simd> = i32x16<S>;

    const NEVER: i32 = i32::MIN;
    const ALWAYS: i32 = 1 << 30;
    const PADDING: i32 = 1 << 30;
    const EXACT: bool = true;

    #[inline(always)]
    fn zero<S: Simd>(simd: S) -> i32x16<S> {
        i32x16::splat(simd, 0)
    }
    #[inline(always)]
    fn load<S: Simd>(simd: S, cells: &[i32; LANES]) -> i16x32<S> {
        i32x16::from_slice(simd, cells).bitcast()
    }
    #[inline(always)]
    fn splat<S: Simd>(simd: S, cell: i32) -> i16x32<S> {
        i32x16::splat(simd, cell).bitcast()
    }
    #[inline(always)]
    fn accumulate<S: Simd>(sums: i32x16<S>, a: i16x32<S>, b: i16x32<S>) -> i32x16<S> {
        sums + a.pairwise_dot_product(b)
    }
    #[inline(always)]
    fn finish<S: Simd>(simd: S, sums: i32x16<S>, row_norm: i32, column_norms: &[i32; LANES]) -> i32x16<S> {
        let norms = i32x16::from_slice(simd, column_norms) + i32x16::splat(simd, row_norm);
        norms - (sums + sums)
    }
    #[inline(always)]
    fn below<S: Simd>(simd: S, outcomes: i32x16<S>, threshold: i32) -> u64 {
        outcomes.simd_lt(i32x16::splat(simd, threshold)).to_bitmask()
    }
    #[inline(always)]
    fn below_each<S: Simd>(simd: S, outcomes: i32x16<S>, thresholds: &[i32; LANES]) -> u64 {
        outcomes.simd_lt(i32x16::from_slice(simd, thresholds)).to_bitmask()
    }
    #[inline(always)]
    fn store<S: Simd>(outcomes: i32x16<S>, to: &mut [i32; LANES]) {
        outcomes.store_slice(to);
    }

    #[inline(always)]
    fn to_key(value: i32) -> u32 {
        value.unsigned_abs()
    }
    #[inline(always)]
    fn from_key(key: u32) -> i32 {
        key.cast_signed()
    }
    #[inline(always)]
    fn to_f64(value: i32) -> f64 {
        f64::from(value)
    }
    fn threshold(&self, kth: i32, _norm: i32) -> i32 {
        // Squares that differ by less than this may be equal distances once rounded to f32.
        (kth + kth / (1 << 20) + 2).min(Self::ALWAYS)
    }
}

#[cfg(test)]
mod tests {
    use fearless_simd::{Level, dispatch};
    use tsne_core::Points;

    use super::{AbsoluteSum, ByteProduct, Floats, Fold, LargestDifference, Product};
    use crate::geometry::Geometry;
    use crate::metric::Metric;
    use crate::selection::{Rows, Selection, capacity, index_of, outcome_of};
    use crate::store::Store;
    use crate::tile::{Kernel, Packed, compare};

    /// Numbers in [0, 1), all different.
    fn numbers(n: usize) -> Vec<f64> {
        (0..n).map(|i| (i as f64 * 0.754_877_666_246_692_7).fract()).collect()
    }

    /// All outcomes of `rows` with `columns`, both ways, checked by `check(row, column, outcome)`.
    fn check_outcomes<K: Kernel>(
        kernel: &K,
        rows: &Packed<K>,
        columns: &Packed<K>,
        check: impl Fn(usize, usize, K::Value),
    ) {
        // With k as large as the other side nothing is cut.
        let k = columns.len.max(rows.len);
        let mut row_entries = vec![0; rows.len * capacity(k)];
        let mut column_entries = vec![0; columns.len * capacity(k)];
        let mut by_row = Selection::new(Rows::new(rows, columns.len), &mut row_entries);
        let mut by_column = Selection::new(Rows::new(columns, rows.len), &mut column_entries);
        dispatch!(Level::new(), simd => compare(
            simd, kernel, rows, columns, &mut by_row, Some(&mut by_column), false,
        ));
        for (this, other, selection, flipped) in
            [(rows, columns, &mut by_row, false), (columns, rows, &mut by_column, true)]
        {
            for row in 0..this.len {
                let entries = selection.candidates(kernel, row).expect("nothing is given up");
                let mut met: Vec<usize> = entries.iter().map(|&entry| index_of(entry) as usize).collect();
                met.sort_unstable();
                let all: Vec<usize> = (other.first..other.first + other.len).collect();
                assert_eq!(met, all, "row {row} meets every other point once");
                for &entry in entries {
                    let (i, j) = (this.first + row, index_of(entry) as usize);
                    let (i, j) = if flipped { (j, i) } else { (i, j) };
                    check(i, j, outcome_of::<K>(entry));
                }
            }
        }
    }

    fn check_bound<F: Fold>(metric: &Metric, quantity: fn(&[f64], &[f64]) -> f64) {
        for (d, offset) in [(1, 0.0), (3, 0.5), (50, 0.0), (50, 1e3), (777, 0.1)] {
            let values: Vec<f64> = numbers(100 * d).iter().map(|x| x + offset).collect();
            let geometry = Geometry::new(metric, d).expect("no parameters");
            let points = Points::from_row_major(&values, d).expect("shape");
            let store = Store::new(points, &geometry).expect("finite");
            let kernel = Floats::<F>::new(d).expect("few features");
            let (mut rows, mut columns) = (Packed::default(), Packed::default());
            // The center is left out where it would hide an offset.
            let center = if offset > 1.0 { vec![0.0; d] } else { store.center() };
            store.pack_floats(0..37, store.scale(), &center, &mut rows);
            store.pack_floats(37..100, store.scale(), &center, &mut columns);
            check_outcomes(&kernel, &rows, &columns, |i, j, outcome| {
                let scaled = |i: usize| -> Vec<f64> {
                    values[i * d..][..d].iter().map(|x| x * store.scale()).collect()
                };
                let exact = quantity(&scaled(i), &scaled(j));
                let norms = f64::from(rows.norms[i]) + f64::from(columns.norms[j - 37]);
                let error = (f64::from(outcome) - exact).abs();
                assert!(
                    error <= kernel.bound.relative * norms + kernel.bound.underflow,
                    "{i}, {j} of {d} features: {error}"
                );
            });
        }
    }

    #[test]
    fn outcomes_lie_within_the_bound() {
        check_bound::<Product>(&Metric::Euclidean, |a, b| {
            a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum()
        });
        check_bound::<AbsoluteSum>(&Metric::Manhattan, |a, b| {
            a.iter().zip(b).map(|(a, b)| (a - b).abs()).sum()
        });
        check_bound::<LargestDifference>(&Metric::Chebyshev, |a, b| {
            a.iter().zip(b).fold(0.0, |most, (a, b)| most.max((a - b).abs()))
        });
    }

    #[test]
    #[allow(clippy::cast_possible_truncation, reason = "the values are below 256")]
    fn bytes_are_exact() {
        for d in [1, 2, 31, 32, 785] {
            let values: Vec<u8> = numbers(90 * d).iter().map(|x| (x * 256.0) as u8).collect();
            let geometry = Geometry::new(&Metric::Euclidean, d).expect("no parameters");
            let points = Points::from_bytes(&values, d).expect("shape");
            let store = Store::<f32>::new(points, &geometry).expect("finite");
            let (mut rows, mut columns) = (Packed::default(), Packed::default());
            store.pack_bytes(0..50, &mut rows);
            store.pack_bytes(50..90, &mut columns);
            check_outcomes(&ByteProduct, &rows, &columns, |i, j, outcome| {
                let (a, b) = (&values[i * d..][..d], &values[j * d..][..d]);
                let exact: i32 = a.iter().zip(b).map(|(&a, &b)| (i32::from(a) - i32::from(b)).pow(2)).sum();
                assert_eq!(outcome, exact, "{i}, {j} of {d} features");
            });
        }
    }
}
