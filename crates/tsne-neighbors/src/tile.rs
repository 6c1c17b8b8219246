//! The tile kernel: many dot products at once, with the pairs near enough for either point picked out on the spot
//! (\[M51\], \[M52\]).
//!
//! Points are packed sixteen to a panel, feature by feature, so that one vector holds one feature of sixteen points.
//! A micro tile of a few rows by one or two panels lives in registers until it is finished; a pair leaves them only
//! when it passes the threshold of its row or of its column.

use fearless_simd::{Simd, prelude::*};

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
