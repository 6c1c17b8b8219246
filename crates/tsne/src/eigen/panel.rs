//! Panels: matrices of sixteen columns kept row by row, and the two products that dense algebra here is made of.

use fearless_simd::{Level, Simd, SimdBase, SimdFloat, dispatch, f64x8};
use rayon::prelude::*;

/// Columns of a panel: two of the longest vectors.
pub(crate) const WIDTH: usize = 16;
/// One row of a panel.
pub(crate) type Row = [f64; WIDTH];
/// A square block of a matrix.
pub(crate) type Tile = [Row; WIDTH];

/// A row of zeros.
pub(crate) const ZEROS: Row = [0.0; WIDTH];

/// Rows handled at a time: the unit of parallel work and of ordered sums.
const CHUNK: usize = 1024;

/// The products aᵀ b of each of the panels `a` with the panel `b`. Rows are summed chunk by chunk, in order.
pub(crate) fn gram(a: &[&[Row]], b: &[Row]) -> Vec<Tile> {
    let level = Level::new();
    let parts: Vec<Vec<Tile>> = (0..b.len().div_ceil(CHUNK))
        .into_par_iter()
        .map(|chunk| {
            let rows = chunk * CHUNK..((chunk + 1) * CHUNK).min(b.len());
            let mut tiles = vec![[ZEROS; WIDTH]; a.len()];
            for (a, tile) in a.iter().zip(&mut tiles) {
                dispatch!(level, simd => add_gram(simd, &a[rows.clone()], &b[rows.clone()], tile));
            }
            tiles
        })
        .collect();
    let mut total = vec![[ZEROS; WIDTH]; a.len()];
    for part in &parts {
        for (total, x) in
            total.as_flattened_mut().as_flattened_mut().iter_mut().zip(part.as_flattened().as_flattened())
        {
            *total += x;
        }
    }
    total
}

/// `out` += Σ aᵢ tᵢ over the panels `a` and the tiles `t`. A row of the result depends on that row of `a` alone.
pub(crate) fn multiply_add(a: &[&[Row]], t: &[Tile], out: &mut [Row]) {
    let level = Level::new();
    out.par_chunks_mut(CHUNK).enumerate().for_each(|(chunk, out)| {
        let start = chunk * CHUNK;
        let a: Vec<&[Row]> = a.iter().map(|panel| &panel[start..start + out.len()]).collect();
        dispatch!(level, simd => add_product(simd, &a, t, out));
    });
}

/// `tile[m][c]` += Σ_r `a[r][m] b[r][c]`.
#[inline(always)]
pub(crate) fn add_gram<S: Simd>(simd: S, a: &[Row], b: &[Row], tile: &mut Tile) {
    // Four rows of the tile at a time are what the registers of every machine hold.
    for (quarter, tile) in tile.as_chunks_mut::<4>().0.iter_mut().enumerate() {
        let mut sums = tile.map(|row| halves(simd, &row));
        for (a, b) in a.iter().zip(b) {
            let factors = a.as_chunks::<4>().0[quarter];
            add_outer(simd, &mut sums, factors, b);
        }
        for (row, sum) in tile.iter_mut().zip(sums) {
            store(sum, row);
        }
    }
}

/// `out[r]` += Σ_i Σ_m `a_i[r][m] t_i[m]`, in that order for every row.
#[inline(always)]
pub(crate) fn add_product<S: Simd>(simd: S, a: &[&[Row]], t: &[Tile], out: &mut [Row]) {
    let (fours, rest) = out.as_chunks_mut::<4>();
    for (i, four) in fours.iter_mut().enumerate() {
        add_rows(simd, a, t, 4 * i, four);
    }
    let done = 4 * fours.len();
    for (i, row) in rest.iter_mut().enumerate() {
        add_rows(simd, a, t, done + i, std::array::from_mut(row));
    }
}

#[inline(always)]
fn add_rows<S: Simd, const R: usize>(simd: S, a: &[&[Row]], t: &[Tile], start: usize, out: &mut [Row; R]) {
    let mut sums = [halves(simd, &ZEROS); R];
    for r in 0..R {
        sums[r] = halves(simd, &out[r]);
    }
    for (panel, tile) in a.iter().zip(t) {
        let rows: &[Row; R] = panel[start..].first_chunk().expect("panels are as long as the result");
        for m in 0..WIDTH {
            let mut factors = [0.0; R];
            for r in 0..R {
                factors[r] = rows[r][m];
            }
            add_outer(simd, &mut sums, factors, &tile[m]);
        }
    }
    for (row, sum) in out.iter_mut().zip(sums) {
        store(sum, row);
    }
}

/// `sums[r]` += `factors[r] row`.
#[inline(always)]
fn add_outer<S: Simd, const R: usize>(simd: S, sums: &mut [[f64x8<S>; 2]; R], factors: [f64; R], row: &Row) {
    let [low, high] = halves(simd, row);
    for r in 0..R {
        let factor = f64x8::splat(simd, factors[r]);
        sums[r] = [factor.mul_add(low, sums[r][0]), factor.mul_add(high, sums[r][1])];
    }
}

#[inline(always)]
fn halves<S: Simd>(simd: S, row: &Row) -> [f64x8<S>; 2] {
    [f64x8::from_slice(simd, &row[..8]), f64x8::from_slice(simd, &row[8..])]
}

#[inline(always)]
fn store<S: Simd>([low, high]: [f64x8<S>; 2], row: &mut Row) {
    let (first, second) = row.split_at_mut(8);
    low.store_slice(first);
    high.store_slice(second);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whole numbers, so that every order of summation gives the same.
    fn panel(rows: usize, step: u32) -> Vec<Row> {
        let entry = |i: u32| f64::from((i * step) % 17) - 8.0;
        (0..rows as u32).map(|r| std::array::from_fn(|c| entry(r * 16 + c as u32))).collect()
    }

    #[test]
    fn products_are_those_of_the_definition() {
        for rows in [1, 3, 4, 7, 2048, 5001] {
            let (a, b) = (panel(rows, 5), panel(rows, 11));
            let tiles = gram(&[&a, &b], &b);
            let mut out = b.clone();
            multiply_add(&[&a, &b], &tiles, &mut out);
            for (x, tile) in [&a, &b].into_iter().zip(&tiles) {
                for m in 0..WIDTH {
                    for c in 0..WIDTH {
                        let sum: f64 = (0..rows).map(|r| x[r][m] * b[r][c]).sum();
                        assert_eq!(tile[m][c], sum, "{rows} rows, entry {m} {c} of the product");
                    }
                }
            }
            for r in 0..rows {
                for c in 0..WIDTH {
                    let sum: f64 =
                        (0..WIDTH).map(|m| a[r][m] * tiles[0][m][c] + b[r][m] * tiles[1][m][c]).sum();
                    assert_eq!(out[r][c], b[r][c] + sum, "{rows} rows, entry {r} {c} of the sum");
                }
            }
        }
    }
}
