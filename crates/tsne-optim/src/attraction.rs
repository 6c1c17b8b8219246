//! Attraction along the entries of P: \[M10\].

use fearless_simd::prelude::*;
use fearless_simd::{Level, Simd, dispatch, f32x16, f64x8, u64x8};
use tsne_core::{AffinityRow, Scalar, Typed};

use crate::rows::{RowOf, in_f32, in_f64};

/// Σ_j p_ij s_ij (y_i − r_j) over a row for each of the points at `y`; r is the map itself or a frozen one.
///
/// A row is cut into blocks of 16 entries (8 in `f64`), one in each lane. The last block ends with the row; what it
/// reaches back to weighs 0, so that a block is read as a whole and not entry by entry. Then lanes are added half to half.
/// So the result depends on the order of the entries in the row and on nothing else: neither on how the r_j are numbered
/// nor on the processor.
///
/// D is 1, 2 or 3. The loops are compiled here, and not again in every crate that uses them.
pub(crate) fn attract<T: Scalar, const D: usize>(
    level: Level,
    inv_dof: T,
    y: &[[T; D]],
    references: &[[T; D]],
    row: &RowOf<'_, T>,
    forces: &mut [[T; D]],
) {
    for (block, (y, forces)) in y.chunks(ROWS).zip(forces.chunks_mut(ROWS)).enumerate() {
        let n = y.len();
        let row =
            |i: usize| if i < n { row(block * ROWS + i) } else { AffinityRow { columns: &[], values: &[] } };
        let (y, references) = (T::typed(y.as_flattened()), T::typed(references.as_flattened()));
        match (y, references, T::typed_mut(forces.as_flattened_mut())) {
            (Typed::F32(y), Typed::F32(references), Typed::F32(forces)) => {
                let rows: [_; ROWS] = std::array::from_fn(|i| in_f32(row(i)));
                attract_f32(level, D, narrowed(inv_dof), y, references, &rows[..n], forces);
            }
            (Typed::F64(y), Typed::F64(references), Typed::F64(forces)) => {
                let rows: [_; ROWS] = std::array::from_fn(|i| in_f64(row(i)));
                attract_f64(level, D, inv_dof.to_f64(), y, references, &rows[..n], forces);
            }
            _ => unreachable!("all of them are of one type"),
        }
    }
}

/// Rows looked up before their loops: between two calls a compiler keeps nothing in vectors.
const ROWS: usize = 64;

#[allow(clippy::cast_possible_truncation, reason = "a number that was f32 is one again")]
fn narrowed<T: Scalar>(x: T) -> f32 {
    x.to_f64() as f32
}

macro_rules! attract_in {
    ($t:ty, $attract:ident, $attract_placed:ident) => {
        /// [`attract`] in one type.
        #[inline(never)]
        fn $attract(
            level: Level,
            dimension: usize,
            inv_dof: $t,
            y: &[$t],
            references: &[$t],
            rows: &[AffinityRow<'_, $t>],
            forces: &mut [$t],
        ) {
            match dimension {
                1 => dispatch!(level, simd => attract_each::<_, $t, 1>(simd, inv_dof, y, references, rows, forces)),
                2 => dispatch!(level, simd => attract_each::<_, $t, 2>(simd, inv_dof, y, references, rows, forces)),
                3 => dispatch!(level, simd => attract_each::<_, $t, 3>(simd, inv_dof, y, references, rows, forces)),
                _ => unreachable!("maps of {dimension} dimensions are refused when a descent is made"),
            }
        }

        /// [`Placed::attract`] in one type.
        #[inline(never)]
        fn $attract_placed(
            level: Level,
            dimension: usize,
            inv_dof: $t,
            y: &[$t],
            ends: &[usize],
            blocks: &[$t],
            forces: &mut [$t],
        ) {
            match dimension {
                1 => dispatch!(level, simd => attract_placed::<_, $t, 1>(simd, inv_dof, y, ends, blocks, forces)),
                2 => dispatch!(level, simd => attract_placed::<_, $t, 2>(simd, inv_dof, y, ends, blocks, forces)),
                3 => dispatch!(level, simd => attract_placed::<_, $t, 3>(simd, inv_dof, y, ends, blocks, forces)),
                _ => unreachable!("maps of {dimension} dimensions are refused when a descent is made"),
            }
        }
    };
}
attract_in!(f32, attract_f32, attract_placed_f32);
attract_in!(f64, attract_f64, attract_placed_f64);

#[inline(always)]
fn attract_each<S: Simd, R: Real, const D: usize>(
    simd: S,
    inv_dof: R,
    y: &[R],
    references: &[R],
    rows: &[AffinityRow<'_, R>],
    forces: &mut [R],
) {
    let references = references.as_chunks::<D>().0;
    for ((yi, force), &row) in y.as_chunks::<D>().0.iter().zip(forces.as_chunks_mut::<D>().0).zip(rows) {
        *force = R::attract_row(simd, inv_dof, yi, references, row);
    }
}

#[inline(always)]
fn attract_placed<S: Simd, R: Real, const D: usize>(
    simd: S,
    inv_dof: R,
    y: &[R],
    ends: &[usize],
    blocks: &[R],
    forces: &mut [R],
) {
    let block = (D + 1) * R::LANES;
    let of_points = y.as_chunks::<D>().0.iter().zip(forces.as_chunks_mut::<D>().0).zip(ends.windows(2));
    for ((yi, force), ends) in of_points {
        *force = R::attract_blocks(simd, inv_dof, yi, &blocks[ends[0] * block..ends[1] * block]);
    }
}

/// Rows of affinities with the positions of their columns, which do not move: for attraction that reads one block of
/// lanes after the other.
#[derive(Debug, Default)]
pub(crate) struct Placed<T, const D: usize> {
    /// Where the blocks of each row end, after a 0.
    ends: Vec<usize>,
    /// For each block its positions axis by axis, then its values.
    blocks: Vec<T>,
}

impl<T: Scalar, const D: usize> Placed<T, D> {
    /// The rows of `n_rows` points, one after the other.
    pub(crate) fn new(references: &[[T; D]], n_rows: usize, row: &RowOf<'_, T>) -> Self {
        let lanes = match T::typed(&[]) {
            Typed::F32(_) => f32::LANES,
            Typed::F64(_) => f64::LANES,
        };
        let mut ends = Vec::with_capacity(n_rows + 1);
        ends.push(0);
        let mut end = 0;
        for i in 0..n_rows {
            end += row(i).values.len().div_ceil(lanes);
            ends.push(end);
        }
        let mut blocks = vec![T::default(); end * lanes * (D + 1)];
        let mut to = blocks.chunks_exact_mut(lanes * (D + 1));
        for i in 0..n_rows {
            let AffinityRow { columns, values } = row(i);
            let n = columns.len();
            for (new, block) in (0..n).step_by(lanes).zip(&mut to) {
                let end = n.min(new + lanes);
                for l in 0..lanes {
                    let entry = (end + l).saturating_sub(lanes);
                    let place = references[columns[entry] as usize];
                    for d in 0..D {
                        block[d * lanes + l] = place[d];
                    }
                    if end + l >= new + lanes {
                        block[D * lanes + l] = values[entry];
                    }
                }
            }
        }
        Self { ends, blocks }
    }

    /// [`attract`], to the same bits, for the points of the rows from `start` on.
    pub(crate) fn attract(
        &self,
        level: Level,
        inv_dof: T,
        start: usize,
        y: &[[T; D]],
        forces: &mut [[T; D]],
    ) {
        let ends = &self.ends[start..=start + y.len()];
        let (y, blocks) = (T::typed(y.as_flattened()), T::typed(&self.blocks));
        match (y, blocks, T::typed_mut(forces.as_flattened_mut())) {
            (Typed::F32(y), Typed::F32(blocks), Typed::F32(forces)) => {
                attract_placed_f32(level, D, narrowed(inv_dof), y, ends, blocks, forces);
            }
            (Typed::F64(y), Typed::F64(blocks), Typed::F64(forces)) => {
                attract_placed_f64(level, D, inv_dof.to_f64(), y, ends, blocks, forces);
            }
            _ => unreachable!("all of them are of one type"),
        }
    }
}

/// A scalar that comes in vectors, which are written out: left to itself, LLVM cuts them into pieces.
trait Real: Scalar {
    /// Entries taken side by side.
    const LANES: usize;

    /// [`attract`] for one point.
    fn attract_row<S: Simd, const D: usize>(
        simd: S,
        inv_dof: Self,
        yi: &[Self; D],
        references: &[[Self; D]],
        row: AffinityRow<'_, Self>,
    ) -> [Self; D];

    /// [`Placed::attract`] for one point.
    fn attract_blocks<S: Simd, const D: usize>(
        simd: S,
        inv_dof: Self,
        yi: &[Self; D],
        blocks: &[Self],
    ) -> [Self; D];
}

macro_rules! impl_real {
    ($t:ty, $vector:ident, $lanes:literal, $read:ident, $sums:ident) => {
        impl Real for $t {
            const LANES: usize = $lanes;

            #[inline(always)]
            fn attract_row<S: Simd, const D: usize>(
                simd: S,
                inv_dof: $t,
                yi: &[$t; D],
                references: &[[$t; D]],
                row: AffinityRow<'_, $t>,
            ) -> [$t; D] {
                /// For a block of which the first lanes do not count.
                static COUNTS: [$t; 2 * $lanes] = {
                    let mut counts = [0.0; 2 * $lanes];
                    let mut l = $lanes;
                    while l < counts.len() {
                        counts[l] = 1.0;
                        l += 1;
                    }
                    counts
                };
                let mut sums = $sums::new(simd, inv_dof, yi);
                let (columns, last_columns) = row.columns.as_chunks::<$lanes>();
                let (values, last_values) = row.values.as_chunks::<$lanes>();
                for (columns, values) in columns.iter().zip(values) {
                    sums.add($read(simd, references, columns), $vector::load_array_ref(simd, values));
                }
                if last_columns.is_empty() {
                    return sums.total();
                }
                let padded: ([u32; $lanes], [$t; $lanes]);
                let (columns, values) = match (row.columns.last_chunk(), row.values.last_chunk()) {
                    (Some(columns), Some(values)) => (columns, values),
                    _ => {
                        padded = (padded_to(last_columns), padded_to(last_values));
                        (&padded.0, &padded.1)
                    }
                };
                let counts = COUNTS[last_columns.len()..].first_chunk().expect("less than a block is left");
                let values = $vector::load_array_ref(simd, values) * $vector::load_array_ref(simd, counts);
                sums.add($read(simd, references, columns), values);
                sums.total()
            }

            #[inline(always)]
            fn attract_blocks<S: Simd, const D: usize>(
                simd: S,
                inv_dof: $t,
                yi: &[$t; D],
                blocks: &[$t],
            ) -> [$t; D] {
                let mut sums = $sums::new(simd, inv_dof, yi);
                for block in blocks.chunks_exact((D + 1) * $lanes) {
                    let block = block.as_chunks::<$lanes>().0;
                    let mut r = [$vector::splat(simd, 0.0); D];
                    for d in 0..D {
                        r[d] = $vector::load_array_ref(simd, &block[d]);
                    }
                    sums.add(r, $vector::load_array_ref(simd, &block[D]));
                }
                sums.total()
            }
        }

        /// What attracts one point, lane by lane.
        struct $sums<S: Simd, const D: usize> {
            simd: S,
            inv_dof: $t,
            at: [$vector<S>; D],
            sums: [$vector<S>; D],
        }

        impl<S: Simd, const D: usize> $sums<S, D> {
            #[inline(always)]
            fn new(simd: S, inv_dof: $t, yi: &[$t; D]) -> Self {
                let mut at = [$vector::splat(simd, 0.0); D];
                for d in 0..D {
                    at[d] = $vector::splat(simd, yi[d]);
                }
                Self { simd, inv_dof, at, sums: [$vector::splat(simd, 0.0); D] }
            }

            /// Adds what entries of values `p` at the positions `r` contribute.
            #[inline(always)]
            fn add(&mut self, r: [$vector<S>; D], p: $vector<S>) {
                let mut difference = r;
                let mut d2 = $vector::splat(self.simd, 0.0);
                for d in 0..D {
                    difference[d] = self.at[d] - r[d];
                    d2 += difference[d] * difference[d];
                }
                let weight = p / (d2 * self.inv_dof + 1.0);
                for d in 0..D {
                    self.sums[d] += weight * difference[d];
                }
            }

            /// The lanes added up, half to half.
            #[inline(always)]
            fn total(self) -> [$t; D] {
                let mut force = [0.0; D];
                for d in 0..D {
                    let mut lanes = [0.0; $lanes];
                    self.sums[d].store_array(&mut lanes);
                    let mut half = $lanes / 2;
                    while half > 0 {
                        for l in 0..half {
                            lanes[l] += lanes[l + half];
                        }
                        half /= 2;
                    }
                    force[d] = lanes[0];
                }
                force
            }
        }
    };
}
impl_real!(f32, f32x16, 16, read_f32, SumsF32);
impl_real!(f64, f64x8, 8, read_f64, SumsF64);

/// The entries of a row of fewer than there are lanes, at the end of a block; before them copies of the first.
#[cold]
#[inline(never)]
fn padded_to<T: Copy, const LANES: usize>(entries: &[T]) -> [T; LANES] {
    let mut block = [entries[0]; LANES];
    block[LANES - entries.len()..].copy_from_slice(entries);
    block
}

/// The positions of sixteen references, axis by axis.
#[inline(always)]
fn read_f32<S: Simd, const D: usize>(
    simd: S,
    references: &[[f32; D]],
    columns: &[u32; 16],
) -> [f32x16<S>; D] {
    let mut r = [f32x16::splat(simd, 0.0); D];
    if D == 2 {
        // Both coordinates of a point in one load.
        let pair = |l: usize| {
            let point = references[columns[l] as usize];
            u64::from(point[0].to_bits()) | u64::from(point[1].to_bits()) << 32
        };
        let low = [pair(0), pair(1), pair(2), pair(3), pair(4), pair(5), pair(6), pair(7)];
        let high = [pair(8), pair(9), pair(10), pair(11), pair(12), pair(13), pair(14), pair(15)];
        let low: f32x16<S> = u64x8::load_array(simd, low).bitcast();
        let high: f32x16<S> = u64x8::load_array(simd, high).bitcast();
        (r[0], r[1]) = low.deinterleave(high);
        return r;
    }
    let mut lanes = [[0.0; 16]; D];
    for l in 0..16 {
        let point = references[columns[l] as usize];
        for d in 0..D {
            lanes[d][l] = point[d];
        }
    }
    for d in 0..D {
        r[d] = f32x16::load_array(simd, lanes[d]);
    }
    r
}

/// The positions of eight references, axis by axis.
#[inline(always)]
fn read_f64<S: Simd, const D: usize>(simd: S, references: &[[f64; D]], columns: &[u32; 8]) -> [f64x8<S>; D] {
    let mut lanes = [[0.0; 8]; D];
    for l in 0..8 {
        let point = references[columns[l] as usize];
        for d in 0..D {
            lanes[d][l] = point[d];
        }
    }
    let mut r = [f64x8::splat(simd, 0.0); D];
    for d in 0..D {
        r[d] = f64x8::load_array(simd, lanes[d]);
    }
    r
}
