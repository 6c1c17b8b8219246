//! The tile kernel: many dot products at once, with the pairs near enough for either point picked out on the spot
//! ([M51], [M52]).
//!
//! Points are packed sixteen to a panel, feature by feature, so that one vector holds one feature of sixteen points.
//! A micro tile of a few rows by one or two panels lives in registers until it is finished; a pair leaves them only
//! when it passes the threshold of its row or of its column.

use fearless_simd::{Simd, f32x16, i16x32, i32x16, prelude::*};

use crate::selection::Selection;

/// Points to a panel.
pub(crate) const LANES: usize = 16;

/// Bytes of packed columns that are used again for every row, a quarter of a small second-level cache.
const COLUMN_BYTES: usize = 256 * 1024;

/// What a tile computes of each pair of points.
pub(crate) trait Kernel: Send + Sync {
    /// One packed element: four bytes, one feature or several.
    type Cell: Copy + Default + Send + Sync;
    /// Outcome for a pair, and what thresholds are made of.
    type Value: Copy + PartialOrd + Send + Sync;
    /// The same cell of sixteen points.
    type Cells<S: Simd>: Copy;
    /// Partial sums, then outcomes, for sixteen pairs.
    type Sums<S: Simd>: Copy;

    /// Threshold that no pair passes.
    const NEVER: Self::Value;
    /// Threshold that every pair of points passes, and no pair with padding.
    const ALWAYS: Self::Value;
    /// Norm of the points that fill up the last panel.
    const PADDING: Self::Value;
    /// Whether the outcome is the squared distance without any error.
    const EXACT: bool;

    fn zero<S: Simd>(simd: S) -> Self::Sums<S>;
    fn load<S: Simd>(simd: S, cells: &[Self::Cell; LANES]) -> Self::Cells<S>;
    fn splat<S: Simd>(simd: S, cell: Self::Cell) -> Self::Cells<S>;
    /// Adds the products of `a` and `b` to `sums`.
    fn accumulate<S: Simd>(sums: Self::Sums<S>, a: Self::Cells<S>, b: Self::Cells<S>) -> Self::Sums<S>;
    /// Outcomes from products and norms.
    fn finish<S: Simd>(
        simd: S,
        sums: Self::Sums<S>,
        row_norm: Self::Value,
        column_norms: &[Self::Value; LANES],
    ) -> Self::Sums<S>;
    /// One bit for each outcome below `threshold`.
    fn below<S: Simd>(simd: S, outcomes: Self::Sums<S>, threshold: Self::Value) -> u64;
    /// One bit for each outcome below its own threshold.
    fn below_each<S: Simd>(simd: S, outcomes: Self::Sums<S>, thresholds: &[Self::Value; LANES]) -> u64;
    fn store<S: Simd>(outcomes: Self::Sums<S>, to: &mut [Self::Value; LANES]);

    /// A number that orders outcomes as they are ordered.
    fn to_key(value: Self::Value) -> u32;
    /// The outcome that `key` was made from.
    fn from_key(key: u32) -> Self::Value;
    /// The outcome as a number.
    fn to_f64(value: Self::Value) -> f64;
    /// Threshold for a row of norm `norm` of which the k-th smallest outcome seen is `kth`: every pair whose true
    /// distance is among the k smallest has an outcome below it.
    fn threshold(&self, kth: Self::Value, norm: Self::Value) -> Self::Value;
}

/// A block of points ready for the kernel.
#[derive(Debug)]
pub(crate) struct Packed<K: Kernel> {
    /// Index of the first point.
    pub(crate) first: usize,
    /// Number of points, padding left out.
    pub(crate) len: usize,
    /// Cells of a point.
    pub(crate) steps: usize,
    /// Panel by panel, step by step, sixteen points.
    pub(crate) cells: Vec<K::Cell>,
    /// One a point, padding included.
    pub(crate) norms: Vec<K::Value>,
}

impl<K: Kernel> Default for Packed<K> {
    fn default() -> Self {
        Self { first: 0, len: 0, steps: 1, cells: Vec::new(), norms: Vec::new() }
    }
}

/// Compares every point of `rows` with every point of `columns` and offers each pair to both selections.
///
/// Without a selection for the columns, pairs are offered to the rows alone; that is also how a block meets itself,
/// and then no point is offered to itself.
#[inline(always)]
pub(crate) fn compare<S: Simd, K: Kernel>(
    simd: S,
    kernel: &K,
    rows: &Packed<K>,
    columns: &Packed<K>,
    row_best: &mut Selection<'_, K>,
    column_best: Option<&mut Selection<'_, K>>,
    skip_itself: bool,
) {
    // As many sums as hide the latency of a product on two units, and fit the registers.
    if S::f32s::LEN == LANES {
        compare_in_tiles::<S, K, 8, 2>(simd, kernel, rows, columns, row_best, column_best, skip_itself);
    } else {
        compare_in_tiles::<S, K, 4, 1>(simd, kernel, rows, columns, row_best, column_best, skip_itself);
    }
}

#[inline(always)]
fn compare_in_tiles<S: Simd, K: Kernel, const ROWS: usize, const PANELS: usize>(
    simd: S,
    kernel: &K,
    rows: &Packed<K>,
    columns: &Packed<K>,
    row_best: &mut Selection<'_, K>,
    mut column_best: Option<&mut Selection<'_, K>>,
    skip_itself: bool,
) {
    const { assert!(LANES.is_multiple_of(ROWS), "a panel is a whole number of tiles") };
    let panel_len = rows.steps * LANES;
    let panels_at_once = (COLUMN_BYTES / (panel_len * size_of::<K::Cell>())).max(1).next_multiple_of(PANELS);
    let nowhere = [K::NEVER; LANES];
    let mut tile = [[[K::NEVER; LANES]; PANELS]; ROWS];
    let (column_norms, _) = columns.norms.as_chunks::<LANES>();
    for (group, group_cells) in columns.cells.chunks(panels_at_once * panel_len).enumerate() {
        for (row_panel, row_cells) in rows.cells.chunks_exact(panel_len).enumerate() {
            let (row_cells, _) = row_cells.as_chunks::<LANES>();
            for part in 0..LANES / ROWS {
                let first_row = row_panel * LANES + part * ROWS;
                if first_row >= rows.len {
                    break;
                }
                for (at, tile_cells) in group_cells.chunks(PANELS * panel_len).enumerate() {
                    let first_panel = group * panels_at_once + at * PANELS;
                    let n_panels = tile_cells.len() / panel_len;
                    let sums = products::<S, K, ROWS, PANELS>(simd, row_cells, part * ROWS, tile_cells);
                    let mut row_hits = [0_u64; ROWS];
                    let mut column_hits = [0_u64; ROWS];
                    let mut any = 0;
                    let mut outcomes = sums;
                    for p in 0..PANELS {
                        // The last tile of a row may lack a panel; its sums then repeat the first.
                        let panel = first_panel + p.min(n_panels - 1);
                        let thresholds = match &column_best {
                            Some(best) => best.panel_thresholds(panel),
                            None => &nowhere,
                        };
                        for r in 0..ROWS {
                            outcomes[r][p] =
                                K::finish(simd, sums[r][p], rows.norms[first_row + r], &column_norms[panel]);
                            if p < n_panels {
                                let row_threshold = row_best.threshold(first_row + r);
                                row_hits[r] |= K::below(simd, outcomes[r][p], row_threshold) << (p * LANES);
                                column_hits[r] |=
                                    K::below_each(simd, outcomes[r][p], thresholds) << (p * LANES);
                                any |= row_hits[r] | column_hits[r];
                            }
                        }
                    }
                    if any == 0 {
                        continue;
                    }
                    for r in 0..ROWS {
                        for p in 0..PANELS {
                            K::store(outcomes[r][p], &mut tile[r][p]);
                        }
                    }
                    let first_column = first_panel * LANES;
                    for r in 0..ROWS {
                        let row = first_row + r;
                        let values = tile[r].as_flattened();
                        let mut hits = row_hits[r];
                        while hits != 0 {
                            let c = hits.trailing_zeros() as usize;
                            hits &= hits - 1;
                            let column = columns.first + first_column + c;
                            if !(skip_itself && column == rows.first + row) {
                                row_best.push(kernel, row, values[c], column);
                            }
                        }
                        let Some(best) = column_best.as_deref_mut() else { continue };
                        let mut hits = column_hits[r];
                        while hits != 0 {
                            let c = hits.trailing_zeros() as usize;
                            hits &= hits - 1;
                            let column = first_column + c;
                            best.push(kernel, column, values[c], rows.first + row);
                        }
                    }
                }
            }
        }
    }
}

/// Sums of products of `ROWS` points of one panel, from point `part` on, with the points of `PANELS` panels.
#[inline(always)]
fn products<S: Simd, K: Kernel, const ROWS: usize, const PANELS: usize>(
    simd: S,
    rows: &[[K::Cell; LANES]],
    part: usize,
    columns: &[K::Cell],
) -> [[K::Sums<S>; PANELS]; ROWS] {
    let (columns, _) = columns.as_chunks::<LANES>();
    let steps = rows.len();
    let n_panels = columns.len() / steps;
    let panels: [&[[K::Cell; LANES]]; PANELS] = core::array::from_fn(
        #[inline(always)]
        |p| &columns[p.min(n_panels - 1) * steps..][..steps],
    );
    let mut sums = [[K::zero(simd); PANELS]; ROWS];
    for step in 0..steps {
        let row: &[K::Cell; ROWS] =
            rows[step][part..part + ROWS].try_into().expect("a tile lies within its panel");
        let column: [K::Cells<S>; PANELS] = core::array::from_fn(
            #[inline(always)]
            |p| K::load(simd, &panels[p][step]),
        );
        for r in 0..ROWS {
            let cell = K::splat(simd, row[r]);
            for p in 0..PANELS {
                sums[r][p] = K::accumulate::<S>(sums[r][p], cell, column[p]);
            }
        }
    }
    sums
}

/// Squared distances in f32 from norms and products of narrowed points, with a bound on their error: [M51], [M52].
#[derive(Clone, Copy, Debug)]
pub(crate) struct FloatProduct {
    /// |outcome − d²| ≤ `error` · (sum of the two norms) + `underflow`.
    error: f64,
    underflow: f64,
}

impl FloatProduct {
    /// For points of `n_features` narrowed features; nothing when there are too many for a useful bound.
    pub(crate) fn new(n_features: usize) -> Option<Self> {
        let roundings = (n_features + 16) as f64 * f64::from(f32::EPSILON) / 2.0;
        (roundings < 0.1).then(|| Self {
            error: roundings / (1.0 - roundings),
            underflow: n_features as f64 * f64::from(f32::MIN_POSITIVE),
        })
    }
}

impl Kernel for FloatProduct {
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
        a.mul_add(b, sums)
    }
    #[inline(always)]
    fn finish<S: Simd>(simd: S, sums: f32x16<S>, row_norm: f32, column_norms: &[f32; LANES]) -> f32x16<S> {
        let norms = f32x16::from_slice(simd, column_norms) + f32x16::splat(simd, row_norm);
        sums.mul_add(f32x16::splat(simd, -2.0), norms)
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
    #[allow(clippy::cast_possible_truncation, reason = "the factor before it covers the rounding")]
    fn threshold(&self, kth: f32, norm: f32) -> f32 {
        let (kth, norm, e) = (f64::from(kth), f64::from(norm), self.error);
        let farthest = (kth + 3.0 * e * norm + self.underflow) / (1.0 - 2.0 * e);
        let outcome = farthest * (1.0 + 2.0 * e) + 3.0 * e * norm + self.underflow;
        // Four units in the last place for distances that are equal only when rounded to f32, and two to round up.
        (outcome * (1.0 + 8.0 * f64::from(f32::EPSILON))) as f32
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

    use super::{ByteProduct, FloatProduct, Kernel, Packed, compare};
    use crate::selection::{Rows, Selection, capacity, index_of, outcome_of};
    use crate::store::Store;

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

    #[test]
    fn outcomes_lie_within_the_bound() {
        for (d, offset) in [(1, 0.0), (3, 0.5), (50, 0.0), (50, 1e3), (777, 0.1)] {
            let values: Vec<f64> = numbers(100 * d).iter().map(|x| x + offset).collect();
            let store = Store::new(Points::from_row_major(&values, d).expect("shape")).expect("finite");
            let kernel = FloatProduct::new(d).expect("few features");
            let (mut rows, mut columns) = (Packed::default(), Packed::default());
            // The center is left out where it would hide an offset.
            let center = if offset > 1.0 { vec![0.0; d] } else { store.center() };
            store.pack_floats(0..37, store.scale(), &center, &mut rows);
            store.pack_floats(37..100, store.scale(), &center, &mut columns);
            check_outcomes(&kernel, &rows, &columns, |i, j, outcome| {
                let (a, b) = (&values[i * d..][..d], &values[j * d..][..d]);
                let square = |x: f64| x * x;
                let exact: f64 = a.iter().zip(b).map(|(a, b)| square((a - b) * store.scale())).sum();
                let norms = f64::from(rows.norms[i]) + f64::from(columns.norms[j - 37]);
                let error = (f64::from(outcome) - exact).abs();
                assert!(
                    error <= kernel.error * norms + kernel.underflow,
                    "{i}, {j} of {d} features: {error}"
                );
            });
        }
    }

    #[test]
    #[allow(clippy::cast_possible_truncation, reason = "the values are below 256")]
    fn bytes_are_exact() {
        for d in [1, 2, 31, 32, 785] {
            let values: Vec<u8> = numbers(90 * d).iter().map(|x| (x * 256.0) as u8).collect();
            let store = Store::<f32>::new(Points::from_bytes(&values, d).expect("shape")).expect("finite");
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
