//! Between points and the nodes around them: charges out to the mesh, fields back in (\[M41\], \[M46\]).

use fearless_simd::Simd;

use crate::bins::meet;
use crate::grid::place;
use crate::lanes::{LANES, Lanes, Real, Row, Wide};
use crate::spline::{REACH, weights};

/// The nodes around one point: rows of a block with their weights, and columns.
struct Stencil<S: Simd, T: Real> {
    /// First node and weights along the first and the middle axis, where there is one.
    outer: [(usize, [T; REACH]); 2],
    /// First column and weights.
    column: usize,
    weights: T::Quad<S>,
}

impl<S: Simd, T: Real> Stencil<S, T> {
    /// `used` as in [`Shape`](crate::grid::Shape). `block_column` is the first column of the block.
    #[inline(always)]
    fn new<const D: usize>(simd: S, used: [usize; 3], block_column: usize, point: [T; D]) -> Self {
        let mut outer = [(0, [T::one(); REACH]); 2];
        for axis in 0..D - 1 {
            let (first, offset) = meet(point[axis], used[place::<D>(axis)]);
            outer[axis].0 = first;
            weights::<S, T>(simd, offset).store(&mut outer[axis].1);
        }
        let (column, offset) = meet(point[D - 1], used[2]);
        Self { outer, column: column - block_column, weights: weights::<S, T>(simd, offset) }
    }

    /// Calls `visit` with each row of the block and the weight of the row.
    #[inline(always)]
    fn rows<const D: usize>(&self, n_middle: usize, mut visit: impl FnMut(usize, T)) {
        let [(first, first_weights), (middle, middle_weights)] = self.outer;
        for i in 0..if D > 1 { REACH } else { 1 } {
            for j in 0..if D > 2 { REACH } else { 1 } {
                let weight = if D > 2 { first_weights[i] * middle_weights[j] } else { first_weights[i] };
                visit(if D > 2 { (first + i) * n_middle + middle + j } else { first + i }, weight);
            }
        }
    }
}

#[inline(always)]
fn quad<T>(row: &Row<T>, column: usize) -> &[T; REACH] {
    row.0[column..column + REACH].try_into().expect("a stencil starts where it fits into the lanes")
}

/// Adds the unit charges at `points`, all of one block, to `rows`: the nodes of the block, one row of columns each.
#[inline(always)]
pub(crate) fn spread<S: Simd, T: Real, const D: usize>(
    simd: S,
    used: [usize; 3],
    block_column: usize,
    points: &[[T; D]],
    rows: &mut [Row<T>],
) {
    for &point in points {
        let stencil = Stencil::<S, T>::new(simd, used, block_column, point);
        stencil.rows::<D>(
            used[1],
            #[inline(always)]
            |row, weight| {
                let nodes: &mut [T; REACH] = (&mut rows[row].0[stencil.column..stencil.column + REACH])
                    .try_into()
                    .expect("a stencil starts where it fits into the lanes");
                let sum = stencil.weights.mul_add(T::Quad::splat(simd, weight), T::Quad::load(simd, nodes));
                sum.store(nodes);
            },
        );
    }
}

/// Reads `N` fields at `point`. `rows` holds the fields of a block: for each row of nodes, one row of columns per field.
#[inline(always)]
pub(crate) fn gather<S: Simd, T: Real, const D: usize, const N: usize>(
    simd: S,
    used: [usize; 3],
    block_column: usize,
    point: [T; D],
    rows: &[[Row<T>; N]],
) -> [T; N] {
    let stencil = Stencil::<S, T>::new(simd, used, block_column, point);
    let mut sums = [T::Quad::<S>::splat(simd, T::default()); N];
    stencil.rows::<D>(
        used[1],
        #[inline(always)]
        |row, weight| {
            let weight = T::Quad::<S>::splat(simd, weight);
            for (sum, field) in sums.iter_mut().zip(&rows[row]) {
                *sum = T::Quad::<S>::load(simd, quad(field, stencil.column)).mul_add(weight, *sum);
            }
        },
    );
    let mut fields = [T::default(); N];
    for (field, sum) in fields.iter_mut().zip(sums) {
        *field = total::<S, T>(sum * stencil.weights);
    }
    fields
}

#[inline(always)]
fn total<S: Simd, T: Real>(lanes: T::Quad<S>) -> T {
    let mut values = [T::default(); REACH];
    lanes.store(&mut values);
    (values[0] + values[1]) + (values[2] + values[3])
}

/// Reads a potential and `D` fields at `point`. `rows` holds them for a block: for each row of nodes the potential, then
/// the fields.
#[inline(always)]
pub(crate) fn gather_all<S: Simd, T: Real, const D: usize>(
    simd: S,
    used: [usize; 3],
    block_column: usize,
    point: [T; D],
    rows: &[Row<T>],
) -> (T, [T; D]) {
    let stencil = Stencil::<S, T>::new(simd, used, block_column, point);
    let mut potential = T::Quad::<S>::splat(simd, T::default());
    let mut sums = [potential; D];
    stencil.rows::<D>(
        used[1],
        #[inline(always)]
        |row, weight| {
            let weight = T::Quad::<S>::splat(simd, weight);
            let fields = &rows[row * (D + 1)..][..D + 1];
            potential = T::Quad::<S>::load(simd, quad(&fields[0], stencil.column)).mul_add(weight, potential);
            for d in 0..D {
                let field = T::Quad::<S>::load(simd, quad(&fields[1 + d], stencil.column));
                sums[d] = field.mul_add(weight, sums[d]);
            }
        },
    );
    let mut fields = [T::default(); D];
    for d in 0..D {
        fields[d] = total::<S, T>(sums[d] * stencil.weights);
    }
    (total::<S, T>(potential * stencil.weights), fields)
}

/// Σ over `points` of the potential that each gives itself, from its coefficients for the powers of t(1 − t) along the
/// first, the middle and the last axis (\[M45\]).
#[inline(always)]
pub(crate) fn own_potentials<S: Simd, T: Real, const D: usize>(
    simd: S,
    coefficients: &[[[T; 4]; 4]; 4],
    points: &[[T; D]],
) -> f64 {
    let mut total = [0.0; LANES];
    for points in points.chunks(LANES) {
        // Points beyond the last are on a node, and their potential is left out below.
        let mut scaled = [[T::default(); LANES]; D];
        scaled.as_flattened_mut()[..points.len() * D].copy_from_slice(points.as_flattened());
        for values in &mut scaled {
            let x = T::Wide::<S>::load(simd, values);
            let t = x - x.floor();
            (t - t * t).store(values);
        }
        let mut products = [[T::default(); LANES]; 3];
        for lane in 0..LANES {
            for axis in 0..D {
                products[place::<D>(axis)][lane] = scaled.as_flattened()[lane * D + axis];
            }
        }
        let [first, middle, last] = &products;
        let (first, middle, last) = (
            T::Wide::<S>::load(simd, first),
            T::Wide::<S>::load(simd, middle),
            T::Wide::<S>::load(simd, last),
        );
        // Horner's rule along every axis there is, the last one innermost.
        let zero = T::Wide::<S>::splat(simd, T::default());
        let mut potentials = zero;
        for i in (0..if D > 1 { 4 } else { 1 }).rev() {
            let mut plane = zero;
            for j in (0..if D > 2 { 4 } else { 1 }).rev() {
                let [c0, c1, c2, c3] = coefficients[i][j];
                let line = T::Wide::<S>::splat(simd, c3).mul_add(last, T::Wide::<S>::splat(simd, c2));
                let line = line.mul_add(last, T::Wide::<S>::splat(simd, c1));
                let line = line.mul_add(last, T::Wide::<S>::splat(simd, c0));
                plane = plane.mul_add(middle, line);
            }
            potentials = potentials.mul_add(first, plane);
        }
        let mut values = [T::default(); LANES];
        potentials.store(&mut values);
        values[points.len()..].fill(T::default());
        for (total, value) in total.iter_mut().zip(values) {
            *total += value.to_f64();
        }
    }
    total.iter().sum()
}
