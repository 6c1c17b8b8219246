//! Rows laid out for many comparisons in any order: whole vectors each, in the type of the data.
//!
//! Differences are taken before anything is squared, so that neither an offset nor clusters far apart cost digits.

use std::ops::Range;

use fearless_simd::{Level, dispatch};
use rayon::prelude::*;
use tsne_core::Scalar;

use crate::store::Store;

/// Numbers to a cell. A row is a whole number of cells, filled up with zeros.
pub(crate) const CELL: usize = 16;

/// Rows read together.
const CHUNK: usize = 1024;

/// Sixteen features of a point, in as few cache lines as they can be.
#[derive(Clone, Copy, Debug, Default)]
#[repr(align(64))]
pub(crate) struct Cell<T>(pub(crate) [T; CELL]);

/// A copy of points, row after row, in an order of its own.
#[derive(Clone, Debug)]
pub(crate) struct Coordinates<T> {
    cells: Vec<Cell<T>>,
    /// Cells of a row.
    width: usize,
}

impl<T: Scalar> Coordinates<T> {
    /// The points of `store` in its own order, scaled.
    pub(crate) fn of(store: &Store<'_, T>) -> Self {
        Self::from_rows(store.n_points(), store.n_features(), |range, rows| {
            store.read(range, store.common_scale(), rows);
        })
    }

    /// `n` rows of `n_features`, which `read` appends to its buffer for any range of rows.
    pub(crate) fn from_rows(
        n: usize,
        n_features: usize,
        read: impl Fn(Range<usize>, &mut Vec<f64>) + Sync,
    ) -> Self {
        let width = n_features.div_ceil(CELL);
        let mut cells = vec![Cell::default(); n * width];
        cells.par_chunks_mut(CHUNK * width).enumerate().for_each_init(Vec::new, |rows, (chunk, cells)| {
            let first = chunk * CHUNK;
            rows.clear();
            read(first..first + cells.len() / width, rows);
            for (cells, row) in cells.chunks_exact_mut(width).zip(rows.chunks_exact(n_features)) {
                for (Cell(cell), features) in cells.iter_mut().zip(row.chunks(CELL)) {
                    cell.iter_mut().zip(features).for_each(|(to, &x)| *to = T::lit(x));
                }
            }
        });
        Self { cells, width }
    }

    /// The same points, number `order[i]` becoming number i.
    pub(crate) fn reordered(&self, order: &[u32]) -> Self {
        let mut cells = vec![Cell::default(); self.cells.len()];
        cells.par_chunks_mut(self.width).with_min_len(CHUNK).zip(order).for_each(|(to, &i)| {
            to.copy_from_slice(self.row(i));
        });
        Self { cells, width: self.width }
    }

    /// Number of points.
    pub(crate) fn n_points(&self) -> usize {
        self.cells.len() / self.width
    }

    /// Row `i`.
    #[inline(always)]
    pub(crate) fn row(&self, i: u32) -> &[Cell<T>] {
        &self.cells[i as usize * self.width..][..self.width]
    }
}

/// A direction through a point, along which others are told apart.
#[derive(Clone, Debug)]
pub(crate) struct Direction<'a, T> {
    origin: &'a [Cell<T>],
    end: &'a [Cell<T>],
    length: T,
}

impl<'a, T: Scalar> Direction<'a, T> {
    /// From the row `origin` to the row `end`; nothing when they are at one place.
    pub(crate) fn between(origin: &'a [Cell<T>], end: &'a [Cell<T>]) -> Option<Self> {
        let length = dispatch!(Level::new(), _simd => products(origin, end, end)).sqrt();
        (length > T::default()).then_some(Self { origin, end, length })
    }

    /// How far along `row` lies, from the origin.
    pub(crate) fn of(&self, row: &[Cell<T>]) -> T {
        dispatch!(Level::new(), _simd => products(self.origin, self.end, row)) / self.length
    }

    /// How far along each of `points` lies, whose rows are in `coordinates`.
    pub(crate) fn project(&self, coordinates: &Coordinates<T>, points: &[u32], to: &mut [T]) {
        dispatch!(Level::new(), _simd => for (to, &i) in to.iter_mut().zip(points) {
            *to = products(self.origin, self.end, coordinates.row(i)) / self.length;
        });
    }
}

/// (a − origin) · (b − origin).
#[inline(always)]
fn products<T: Scalar>(origin: &[Cell<T>], a: &[Cell<T>], b: &[Cell<T>]) -> T {
    let mut sums = [T::default(); CELL];
    for ((Cell(origin), Cell(a)), Cell(b)) in origin.iter().zip(a).zip(b) {
        for l in 0..CELL {
            sums[l] += (a[l] - origin[l]) * (b[l] - origin[l]);
        }
    }
    sum(sums)
}

/// Sum of the lanes, by halves.
#[inline(always)]
fn sum<T: Scalar>(mut lanes: [T; CELL]) -> T {
    for half in [8, 4, 2, 1] {
        for l in 0..half {
            lanes[l] += lanes[l + half];
        }
    }
    lanes[0]
}
