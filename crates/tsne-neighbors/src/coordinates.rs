//! Rows laid out for many comparisons in any order: whole vectors each, in the type of the data.
//!
//! Differences are taken before anything is squared, so that neither an offset nor clusters far apart cost digits.

use std::ops::Range;

use fearless_simd::{Level, Simd, SimdFloat, dispatch, f32x16, f64x8};
use rayon::prelude::*;
use tsne_core::{Element, Scalar, Typed};

use crate::kernels::{Fold, Product};
use crate::rp_tree::Places;
use crate::store::Store;

/// A row is filled up with zeros to a multiple of this.
const STEP: usize = 16;

/// Bytes to a cache line. The first row starts on one.
const LINE: usize = 64;

/// Rows read together.
const CHUNK: usize = 1024;

/// Rows compared at once, so that the waits for them overlap.
const AT_ONCE: usize = 4;

/// A copy of points, row after row, in an order of its own.
#[derive(Debug)]
pub(crate) struct Coordinates<T> {
    values: Vec<T>,
    /// Where the first row starts.
    start: usize,
    n_points: usize,
    n_features: usize,
    /// Numbers from one row to the next.
    width: usize,
}

impl<T: Scalar> Coordinates<T> {
    /// All zeros.
    fn zeros(n_points: usize, n_features: usize) -> Self {
        let width = n_features.next_multiple_of(STEP);
        let values = vec![T::default(); n_points * width + LINE / size_of::<T>()];
        let start = (LINE - values.as_ptr().addr() % LINE) % LINE / size_of::<T>();
        Self { values, start, n_points, n_features, width }
    }

    /// The points of `store` in its own order, multiplied by `scale` if they have no scales of their own.
    ///
    /// With `zero_feature`, rows of zeros that should have length 1 get it in a direction of their own, which makes them
    /// as far from the others as they ought to be.
    pub(crate) fn of(store: &Store<'_, T>, scale: f64, zero_feature: bool) -> Self {
        let n_features = store.n_features();
        Self::from_rows(store.n_points(), n_features + usize::from(zero_feature), |range, rows| {
            for i in range {
                store.read(i..i + 1, scale, rows);
                if zero_feature {
                    rows.push(if store.is_zero_row(i) { 1.0 } else { 0.0 });
                }
            }
        })
    }

    /// `n` rows of `n_features`, which `read` appends to its buffer for any range of rows.
    pub(crate) fn from_rows(
        n: usize,
        n_features: usize,
        read: impl Fn(Range<usize>, &mut Vec<f64>) + Sync,
    ) -> Self {
        let mut coordinates = Self::zeros(n, n_features);
        let width = coordinates.width;
        let chunks = coordinates.rows_mut().par_chunks_mut(CHUNK * width).enumerate();
        chunks.for_each_init(Vec::new, |rows, (chunk, to)| {
            let first = chunk * CHUNK;
            rows.clear();
            read(first..first + to.len() / width, rows);
            for (to, row) in to.chunks_exact_mut(width).zip(rows.chunks_exact(n_features)) {
                to.iter_mut().zip(row).for_each(|(to, &x)| *to = T::lit(x));
            }
        });
        coordinates
    }

    /// Number of features.
    pub(crate) fn n_features(&self) -> usize {
        self.n_features
    }

    /// Row `i`, filled up with zeros.
    #[inline(always)]
    pub(crate) fn row(&self, i: u32) -> &[T] {
        &self.values[self.start + i as usize * self.width..][..self.width]
    }

    fn rows_mut(&mut self) -> &mut [T] {
        &mut self.values[self.start..][..self.n_points * self.width]
    }
}

impl<T: Scalar> Places<T> for Coordinates<T> {
    fn n_points(&self) -> usize {
        self.n_points
    }

    fn reordered(&self, order: &[u32]) -> Self {
        let mut coordinates = Self::zeros(self.n_points, self.n_features);
        let rows = coordinates.rows_mut().par_chunks_exact_mut(self.width).with_min_len(CHUNK);
        rows.zip(order).for_each(|(to, &i)| to.copy_from_slice(self.row(i)));
        coordinates
    }

    fn whole<'b>(&'b self, i: u32, _buffer: &'b mut Vec<T>) -> &'b [T] {
        self.row(i)
    }

    fn along(&self, [origin, end]: [u32; 2], point: &[T]) -> Option<T> {
        Some(Direction::between(self.row(origin), self.row(end))?.of(point))
    }

    fn project(&self, [origin, end]: [u32; 2], points: &[u32], to: &mut [T]) -> bool {
        let direction = Direction::between(self.row(origin), self.row(end));
        direction.map(|direction| direction.project(self, points, to)).is_some()
    }
}

/// A direction through a point, along which others are told apart.
#[derive(Clone, Debug)]
struct Direction<'a, T> {
    origin: &'a [T],
    end: &'a [T],
    length: T,
}

impl<'a, T: Scalar> Direction<'a, T> {
    /// From the row `origin` to the row `end`; nothing when they are at one place.
    fn between(origin: &'a [T], end: &'a [T]) -> Option<Self> {
        let length = dispatch!(Level::new(), simd => products(simd, origin, end, end)).sqrt();
        (length > T::default()).then_some(Self { origin, end, length })
    }

    /// How far along `row` lies, from the origin.
    fn of(&self, row: &[T]) -> T {
        dispatch!(Level::new(), simd => products(simd, self.origin, self.end, row)) / self.length
    }

    /// How far along each of `points` lies, whose rows are in `coordinates`.
    fn project(&self, coordinates: &Coordinates<T>, points: &[u32], to: &mut [T]) {
        dispatch!(Level::new(), simd => for (to, &i) in to.iter_mut().zip(points) {
            *to = products(simd, self.origin, self.end, coordinates.row(i)) / self.length;
        });
    }
}

/// (a − origin) · (b − origin).
#[inline(always)]
fn products<S: Simd, T: Scalar>(simd: S, origin: &[T], a: &[T], b: &[T]) -> T {
    match (T::typed(origin), T::typed(a), T::typed(b)) {
        (Typed::F32(origin), Typed::F32(a), Typed::F32(b)) => {
            T::lit(f64::from(products_of::<S, f32x16<S>>(simd, origin, a, b)))
        }
        (Typed::F64(origin), Typed::F64(a), Typed::F64(b)) => {
            T::lit(products_of::<S, f64x8<S>>(simd, origin, a, b))
        }
        _ => unreachable!("all are of type T"),
    }
}

#[inline(always)]
fn products_of<S: Simd, V: SimdFloat<S>>(
    simd: S,
    origin: &[V::Element],
    a: &[V::Element],
    b: &[V::Element],
) -> V::Element {
    let mut sums = V::splat(simd, V::Element::default());
    let rows = origin.chunks_exact(V::LEN).zip(a.chunks_exact(V::LEN)).zip(b.chunks_exact(V::LEN));
    for ((origin, a), b) in rows {
        let origin = V::from_slice(simd, origin);
        sums = (V::from_slice(simd, a) - origin).mul_add(V::from_slice(simd, b) - origin, sums);
    }
    Product::join(sums)
}

/// Calls `put` with the quantity of `row` and each of the points `others` of `coordinates`, in order, by differences.
pub(crate) fn differences<T: Scalar, F: Fold>(
    row: &[T],
    coordinates: &Coordinates<T>,
    others: &[u32],
    mut put: impl FnMut(f64),
) {
    let values = &coordinates.values[coordinates.start..];
    match (T::typed(row), T::typed(values)) {
        (Typed::F32(row), Typed::F32(values)) => dispatch!(Level::new(), simd => {
            differences_of::<_, f32x16<_>, F>(simd, row, values, others, &mut put);
        }),
        (Typed::F64(row), Typed::F64(values)) => dispatch!(Level::new(), simd => {
            differences_of::<_, f64x8<_>, F>(simd, row, values, others, &mut put);
        }),
        _ => unreachable!("all are of type T"),
    }
}

#[inline(always)]
fn differences_of<S: Simd, V: SimdFloat<S, Element: Element>, F: Fold>(
    simd: S,
    row: &[V::Element],
    values: &[V::Element],
    others: &[u32],
    put: &mut impl FnMut(f64),
) {
    let width = row.len();
    let (together, rest) = others.as_chunks::<AT_ONCE>();
    for &[a, b, c, d] in together {
        let mut results = [V::splat(simd, V::Element::default()); AT_ONCE];
        let (a, b) = (&values[a as usize * width..][..width], &values[b as usize * width..][..width]);
        let (c, d) = (&values[c as usize * width..][..width], &values[d as usize * width..][..width]);
        for at in (0..width).step_by(V::LEN) {
            let x = V::from_slice(simd, &row[at..at + V::LEN]);
            results[0] = F::add_difference(results[0], x - V::from_slice(simd, &a[at..at + V::LEN]));
            results[1] = F::add_difference(results[1], x - V::from_slice(simd, &b[at..at + V::LEN]));
            results[2] = F::add_difference(results[2], x - V::from_slice(simd, &c[at..at + V::LEN]));
            results[3] = F::add_difference(results[3], x - V::from_slice(simd, &d[at..at + V::LEN]));
        }
        for results in results {
            put(F::join(results).to_f64());
        }
    }
    for &j in rest {
        let mut results = V::splat(simd, V::Element::default());
        let other = &values[j as usize * width..][..width];
        for (x, y) in row.chunks_exact(V::LEN).zip(other.chunks_exact(V::LEN)) {
            results = F::add_difference(results, V::from_slice(simd, x) - V::from_slice(simd, y));
        }
        put(F::join(results).to_f64());
    }
}
