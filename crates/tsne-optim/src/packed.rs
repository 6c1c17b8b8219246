//! A copy of P in the order of a curve through the map, for attraction at the speed of the nearest caches.

use fearless_simd::{Level, Simd, dispatch};
use rayon::prelude::*;
use tsne_core::{Affinities, AffinityRow, Scalar};

use crate::attraction::attract;
use crate::descent::CHUNK;

/// P with rows and columns renumbered in the order of the points along a Morton curve.
///
/// Points that attract each other lie close together in a map, so they do along the curve, and what a row reads is still
/// in the cache from the rows before. The entries of a row stay in their order: attraction along them gives the same bits
/// as along P itself, whatever the numbering, and when a map is packed is a matter of time alone.
///
/// Memory: as much as P, and 2 `D` numbers and 3 indices a point.
#[derive(Debug, Default)]
pub(crate) struct Packed<T, const D: usize> {
    /// The point of each row.
    order: Vec<u32>,
    /// The row of each point.
    rank: Vec<u32>,
    offsets: Vec<usize>,
    columns: Vec<u32>,
    values: Vec<T>,
    /// By row.
    positions: Vec<[T; D]>,
    /// By row.
    attraction: Vec<[T; D]>,
}

impl<T: Scalar, const D: usize> Packed<T, D> {
    /// Packs `affinities` for a map at `y`, on the memory of what was packed before. Time O(n log n + entries).
    #[allow(clippy::cast_possible_truncation, reason = "a row is a point, and points are counted in u32")]
    pub(crate) fn pack(&mut self, affinities: &impl Affinities<T>, y: &[[T; D]]) {
        let n = y.len();
        self.order = along_the_curve(y);
        self.rank.resize(n, 0);
        for (row, &point) in self.order.iter().enumerate() {
            self.rank[point as usize] = row as u32;
        }
        self.offsets.clear();
        self.offsets.push(0);
        let mut end = 0;
        for &point in &self.order {
            end += affinities.row(point as usize).columns.len();
            self.offsets.push(end);
        }
        self.columns.resize(end, 0);
        self.values.resize(end, T::default());
        self.positions.resize(n, [T::default(); D]);
        self.attraction.resize(n, [T::default(); D]);

        let (mut columns, mut values) = (&mut self.columns[..], &mut self.values[..]);
        let mut chunks = Vec::with_capacity(n.div_ceil(CHUNK));
        for points in self.order.chunks(CHUNK) {
            let start = chunks.len() * CHUNK;
            let entries = self.offsets[start + points.len()] - self.offsets[start];
            let (chunk_columns, rest_columns) = columns.split_at_mut(entries);
            let (chunk_values, rest_values) = values.split_at_mut(entries);
            chunks.push((points, chunk_columns, chunk_values));
            (columns, values) = (rest_columns, rest_values);
        }
        let rank = &self.rank;
        chunks.into_par_iter().for_each(|(points, mut columns, mut values)| {
            for &point in points {
                let row = affinities.row(point as usize);
                let (row_columns, rest_columns) = columns.split_at_mut(row.columns.len());
                let (row_values, rest_values) = values.split_at_mut(row.values.len());
                for (to, &column) in row_columns.iter_mut().zip(row.columns) {
                    *to = rank[column as usize];
                }
                row_values.copy_from_slice(row.values);
                (columns, values) = (rest_columns, rest_values);
            }
        });
    }

    /// Computes the attraction of every point of the map at `y`.
    pub(crate) fn attract(&mut self, inv_dof: T, y: &[[T; D]]) {
        let Self { order, offsets, columns, values, positions, attraction, .. } = self;
        positions.par_chunks_mut(CHUNK).zip(order.par_chunks(CHUNK)).for_each(|(positions, points)| {
            for (position, &point) in positions.iter_mut().zip(points) {
                *position = y[point as usize];
            }
        });
        let rows = Rows { inv_dof, offsets, columns, values, positions };
        let level = Level::new();
        attraction.par_chunks_mut(CHUNK).enumerate().for_each(|(chunk, attraction)| {
            dispatch!(level, simd => rows.attract(simd, chunk * CHUNK, attraction));
        });
    }

    /// What [`attract`](Self::attract) found for point `i`.
    #[inline(always)]
    pub(crate) fn attraction(&self, i: usize) -> [T; D] {
        self.attraction[self.rank[i] as usize]
    }
}

/// What the attraction of all rows is made of.
struct Rows<'a, T, const D: usize> {
    inv_dof: T,
    offsets: &'a [usize],
    columns: &'a [u32],
    values: &'a [T],
    positions: &'a [[T; D]],
}

impl<T: Scalar, const D: usize> Rows<'_, T, D> {
    /// Attraction of the rows from `start` on.
    #[inline(always)]
    fn attract<S: Simd>(&self, simd: S, start: usize, attraction: &mut [[T; D]]) {
        for (offset, force) in attraction.iter_mut().enumerate() {
            let i = start + offset;
            let entries = self.offsets[i]..self.offsets[i + 1];
            let row = AffinityRow { columns: &self.columns[entries.clone()], values: &self.values[entries] };
            *force = attract(simd, self.inv_dof, &self.positions[i], self.positions, row);
        }
    }
}

/// Bits of a code along all axes.
const CODE: usize = 32;

/// The points in the order of a Morton curve through their bounding cube, those in one cell in the order of their index.
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a cell is below 2^32, and the lower half of a key is an index"
)]
fn along_the_curve<T: Scalar, const D: usize>(y: &[[T; D]]) -> Vec<u32> {
    let mut low = [f64::INFINITY; D];
    let mut high = [f64::NEG_INFINITY; D];
    for point in y {
        for d in 0..D {
            low[d] = low[d].min(point[d].to_f64());
            high[d] = high[d].max(point[d].to_f64());
        }
    }
    let side = (0..D).map(|d| high[d] - low[d]).fold(f64::MIN_POSITIVE, f64::max);
    let bits = CODE / D.max(1);
    let last = (1_u64 << bits) as f64 - 1.0;
    let mut keys: Vec<u64> = y
        .par_iter()
        .enumerate()
        .map(|(i, point)| {
            let mut code = 0;
            for d in 0..D {
                let cell = ((point[d].to_f64() - low[d]) / side * last) as u64;
                for bit in 0..bits {
                    code |= (cell >> bit & 1) << (bit * D + d);
                }
            }
            code << CODE | i as u64
        })
        .collect();
    keys.par_sort_unstable();
    keys.into_iter().map(|key| key as u32).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use tsne_core::Csr;

    #[test]
    fn the_curve_visits_quarter_after_quarter() {
        let y = [[1.0, 1.0], [0.0, 0.1], [0.9, 0.0], [0.1, 0.0], [0.0, 0.9], [0.0, 0.0]];
        assert_eq!(along_the_curve(&y), [5, 3, 1, 2, 4, 0], "x first, then y, then both");
        assert_eq!(along_the_curve(&[[3.0_f32]; 4]), [0, 1, 2, 3], "points in one place keep their order");
    }

    #[test]
    #[allow(clippy::cast_possible_truncation, reason = "a thousand points")]
    fn packing_changes_no_bit_of_the_attraction() {
        let n = 1000;
        // Rows of 0 to 40 entries, among points that are nowhere near each other by number.
        let (mut offsets, mut columns, mut values) = (vec![0], Vec::new(), Vec::new());
        for i in 0..n {
            let length = i * 7 % 41;
            let mut row: Vec<u32> = (0..length).map(|k| ((i * 31 + k * 97) % n) as u32).collect();
            row.sort_unstable();
            row.dedup();
            values.extend(row.iter().map(|&j| 1.0 / (1.0 + f64::from(j)) as f32));
            columns.extend(row);
            offsets.push(columns.len());
        }
        let p = Csr::from_parts(n, offsets, columns, values).expect("rows are sorted");
        let y: Vec<[f32; 2]> =
            (0..n).map(|i| [(i as f32 * 0.37).sin() * 9.0, (i as f32 * 1.7).cos() * 7.0]).collect();
        let mut packed = Packed::default();
        // The second time on the memory of the first, in another order.
        for y in [y.iter().map(|y| [y[1], -y[0]]).collect(), y] {
            packed.pack(&p, &y);
            packed.attract(0.5, &y);
            for i in 0..n {
                let row = Affinities::row(&p, i);
                let want = dispatch!(Level::new(), simd => attract(simd, 0.5, &y[i], &y, row));
                assert_eq!(packed.attraction(i), want, "point {i}");
            }
        }
    }
}
