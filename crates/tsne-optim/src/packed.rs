//! P in the order of a curve through the map, for attraction at the speed of the nearest caches.

use fearless_simd::Level;
use rayon::prelude::*;
use tsne_core::{Affinities, AffinityRow, Csr, Scalar};

use crate::attraction::attract;
use crate::descent::{CHUNK, FAR_CHUNKS};

/// P with rows and columns renumbered in the order of the points along a Morton curve.
///
/// Points that attract each other lie close together in a map, so they do along the curve, and what a row reads is still
/// in the cache from the rows before. The entries of a row stay in their order: attraction along them gives the same bits
/// as along P itself, whatever the numbering, and when P is packed is a matter of time alone.
///
/// Memory: P itself where its [storage](Affinities::storage) can be had for the time of a run, and while it is being
/// renumbered the larger of its two arrays once more; else a copy of P. And 2 `D` numbers and 3 indices a point.
#[derive(Debug, Default)]
pub(crate) struct Packed<T, const D: usize> {
    /// Whether P was taken out of its storage.
    is_taken: bool,
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
    /// Packs `affinities`, or what it has taken of them before, for a map at `y`. Time O(n log n + entries).
    pub(crate) fn pack(mut self, affinities: &mut impl Affinities<T>, y: &[[T; D]]) -> Self {
        let order = along_the_curve(y);
        if let Some(csr) = affinities.storage()
            && !self.is_taken
        {
            let (_, offsets, columns, values) = std::mem::replace(csr, nothing()).into_parts();
            let order = identity(y.len());
            self = Self { is_taken: true, rank: order.clone(), order, offsets, columns, values, ..self };
        }
        if self.is_taken {
            self = self.renumbered(order);
        } else {
            let point = |row: usize| order[row] as usize;
            let rank = inverse(&order);
            let offsets = offsets(y.len(), |row| affinities.row(point(row)).columns.len());
            let rename = |column| rank[column as usize];
            let columns = arrange(&offsets, self.columns, |row| affinities.row(point(row)).columns, rename);
            let values = arrange(&offsets, self.values, |row| affinities.row(point(row)).values, |p| p);
            self = Self { order, rank, offsets, columns, values, ..self };
        }
        self.positions.resize(y.len(), [T::default(); D]);
        self.attraction.resize(y.len(), [T::default(); D]);
        self.place(y);
        self
    }

    /// Puts P back into the storage it was taken from.
    pub(crate) fn unpack(self, affinities: &mut impl Affinities<T>) {
        if self.is_taken
            && let Some(csr) = affinities.storage()
        {
            let n = self.order.len();
            let Self { offsets, columns, values, .. } = self.renumbered(identity(n));
            *csr = Csr::from_trusted_parts(n, offsets, columns, values);
        }
    }

    /// In another order: one array after the other, so that there is never more than one of them twice.
    fn renumbered(self, order: Vec<u32>) -> Self {
        let n = order.len();
        let rank = inverse(&order);
        let old_row = |row: usize| self.rank[order[row] as usize] as usize;
        let entries = |row: usize| self.offsets[old_row(row)]..self.offsets[old_row(row) + 1];
        let offsets = offsets(n, |row| entries(row).len());
        let new_row: Vec<u32> = self.order.iter().map(|&point| rank[point as usize]).collect();
        let (old_columns, old_values) = (self.columns, self.values);
        let rename = |column| new_row[column as usize];
        let columns = arrange(&offsets, Vec::new(), |row| &old_columns[entries(row)], rename);
        drop(old_columns);
        let values = arrange(&offsets, Vec::new(), |row| &old_values[entries(row)], |p| p);
        Self {
            is_taken: true,
            order,
            rank,
            offsets,
            columns,
            values,
            positions: self.positions,
            attraction: self.attraction,
        }
    }

    /// Row of a point; its columns are rows, and stand for [`positions`](Self::positions).
    pub(crate) fn row_of(&self, point: usize) -> AffinityRow<'_, T> {
        self.row(self.rank[point] as usize)
    }

    /// Positions by row.
    pub(crate) fn positions(&self) -> &[[T; D]] {
        &self.positions
    }

    #[inline]
    fn row(&self, row: usize) -> AffinityRow<'_, T> {
        let entries = self.offsets[row]..self.offsets[row + 1];
        AffinityRow { columns: &self.columns[entries.clone()], values: &self.values[entries] }
    }

    /// Takes the map to be at `y`.
    pub(crate) fn place(&mut self, y: &[[T; D]]) {
        let chunks = self.positions.par_chunks_mut(CHUNK).zip(self.order.par_chunks(CHUNK));
        chunks.for_each(|(positions, points)| {
            for (position, &point) in positions.iter_mut().zip(points) {
                *position = y[point as usize];
            }
        });
    }

    /// Takes the map to be at `y` less `mean`, and writes that to `to` as well.
    pub(crate) fn center(&mut self, y: &[[T; D]], mean: [T; D], to: &mut [[T; D]]) {
        let less_mean = |y: [T; D]| -> [T; D] { std::array::from_fn(|d| y[d] - mean[d]) };
        (
            to.par_chunks_mut(CHUNK),
            y.par_chunks(CHUNK),
            self.positions.par_chunks_mut(CHUNK),
            self.order.par_chunks(CHUNK),
        )
            .into_par_iter()
            .with_min_len(FAR_CHUNKS)
            .for_each(|(to, here, positions, points)| {
                for (to, &y) in to.iter_mut().zip(here) {
                    *to = less_mean(y);
                }
                for (position, &point) in positions.iter_mut().zip(points) {
                    *position = less_mean(y[point as usize]);
                }
            });
    }

    /// Computes the attraction of every point where the map is.
    pub(crate) fn attract(&mut self, level: Level, inv_dof: T) {
        let mut attraction = std::mem::take(&mut self.attraction);
        let packed = &*self;
        let chunks = attraction.par_chunks_mut(CHUNK).zip(packed.positions.par_chunks(CHUNK)).enumerate();
        chunks.for_each(|(chunk, (attraction, y))| {
            let row = |i| packed.row(chunk * CHUNK + i);
            attract(level, inv_dof, y, &packed.positions, &row, attraction);
        });
        self.attraction = attraction;
    }

    /// What [`attract`](Self::attract) found for the points from `start` on.
    pub(crate) fn attraction(&self, start: usize, to: &mut [[T; D]]) {
        for (to, &row) in to.iter_mut().zip(&self.rank[start..]) {
            *to = self.attraction[row as usize];
        }
    }
}

/// What stands in a storage while its content is taken.
fn nothing<T: Scalar>() -> Csr<T> {
    Csr::from_trusted_parts(0, vec![0], Vec::new(), Vec::new())
}

#[allow(clippy::cast_possible_truncation, reason = "points are counted in u32")]
fn identity(n: usize) -> Vec<u32> {
    (0..n as u32).collect()
}

/// Where each point is in an order of points.
#[allow(clippy::cast_possible_truncation, reason = "points are counted in u32")]
fn inverse(order: &[u32]) -> Vec<u32> {
    let mut rank = vec![0; order.len()];
    for (row, &point) in order.iter().enumerate() {
        rank[point as usize] = row as u32;
    }
    rank
}

fn offsets(n_rows: usize, length: impl Fn(usize) -> usize) -> Vec<usize> {
    let mut end = 0;
    let ends = (0..n_rows).map(|row| {
        end += length(row);
        end
    });
    std::iter::once(0).chain(ends).collect()
}

/// Fills rows of these `offsets`, on the memory of `to`, with what `row` gives for each, every entry as `change` makes it.
fn arrange<'a, U: Copy + Default + Send + Sync + 'a>(
    offsets: &[usize],
    mut to: Vec<U>,
    row: impl Fn(usize) -> &'a [U] + Sync,
    change: impl Fn(U) -> U + Sync,
) -> Vec<U> {
    let n_rows = offsets.len() - 1;
    if to.is_empty() {
        // Zeros that nobody has touched cost nothing.
        to = vec![U::default(); offsets[n_rows]];
    }
    let mut rest = &mut to[..];
    let mut chunks = Vec::with_capacity(n_rows.div_ceil(CHUNK));
    for start in (0..n_rows).step_by(CHUNK) {
        let rows = start..n_rows.min(start + CHUNK);
        let (chunk, after) = rest.split_at_mut(offsets[rows.end] - offsets[start]);
        chunks.push((rows, chunk));
        rest = after;
    }
    chunks.into_par_iter().for_each(|(rows, mut to)| {
        for entries in rows.map(&row) {
            let (here, after) = to.split_at_mut(entries.len());
            for (to, &entry) in here.iter_mut().zip(entries) {
                *to = change(entry);
            }
            to = after;
        }
    });
    to
}

/// Bits of a code along all axes.
const CODE: usize = 32;

/// The points in the order of a Morton curve through their bounding cube, those in one cell in the order of their index.
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a cell is below 2^32, and the lower half of a key is an index"
)]
pub(crate) fn along_the_curve<T: Scalar, const D: usize>(y: &[[T; D]]) -> Vec<u32> {
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
        let level = Level::new();
        let want = |y: &[[f32; 2]]| {
            let mut want = vec![[0.0; 2]; n];
            attract(level, 0.5, y, y, &|i| Affinities::row(&p, i), &mut want);
            want
        };
        let turned: Vec<[f32; 2]> = y.iter().map(|y| [y[1], -y[0]]).collect();
        let check = |packed: &mut Packed<f32, 2>, y: &[[f32; 2]], what: &str| {
            packed.attract(level, 0.5);
            let mut got = vec![[0.0; 2]; n];
            packed.attraction(0, &mut got[..CHUNK]);
            packed.attraction(CHUNK, &mut got[CHUNK..]);
            assert_eq!(got, want(y), "{what}");
            for i in 0..n {
                let (row, packed_row) = (Affinities::row(&p, i), packed.row_of(i));
                assert_eq!(packed_row.values, row.values, "{what}: values of row {i}");
                let places = packed_row.columns.iter().map(|&j| packed.positions()[j as usize]);
                assert!(places.eq(row.columns.iter().map(|&j| y[j as usize])), "{what}: columns of row {i}");
            }
        };

        // A copy of what is only lent; the second time on the memory of the first, in another order.
        let mut lent = &p;
        let mut packed = Packed::default().pack(&mut lent, &turned);
        check(&mut packed, &turned, "lent");
        packed = packed.pack(&mut lent, &y);
        check(&mut packed, &y, "lent, again");
        packed.place(&turned);
        check(&mut packed, &turned, "lent, moved");
        packed.unpack(&mut lent);

        // What is owned is taken, and comes back as it was.
        let mut owned = p.clone();
        let mut packed = Packed::default().pack(&mut owned, &turned);
        assert_eq!(owned.n_entries(), 0, "P is there once");
        check(&mut packed, &turned, "owned");
        packed = packed.pack(&mut owned, &y);
        check(&mut packed, &y, "owned, again");
        let mut to = vec![[0.0; 2]; n];
        packed.center(&y, [1.0, -2.0], &mut to);
        let moved: Vec<[f32; 2]> = y.iter().map(|y| [y[0] - 1.0, y[1] + 2.0]).collect();
        assert_eq!(to, moved, "centered");
        check(&mut packed, &moved, "owned, moved");
        packed.unpack(&mut owned);
        assert_eq!(owned, p, "back in its storage");
    }
}
