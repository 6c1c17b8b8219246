//! Points minus their mean, read in blocks of rows; and their covariance, applied to vectors by passes over them.

use std::borrow::Cow;

use fearless_simd::{Level, Simd, dispatch};
use rayon::prelude::*;
use tsne_core::{Dense, Element, Points, Scalar, Sparse};

use crate::eigen::Operator;
use crate::eigen::panel::{Row, Tile, WIDTH, ZEROS, add_gram, add_product};

/// Most independent partial sums of a pass, and so the most threads it can use.
const MAX_PARTS: usize = 64;
/// Rows of all partial sums together: 64 MiB.
const PART_ROWS: usize = 1 << 19;
/// Numbers of a block of rows, 2 MiB, and its most rows.
const BLOCK_NUMBERS: usize = 1 << 18;
const BLOCK_ROWS: usize = 256;

/// Points times a power of two that brings the largest entry near 1, minus their mean.
#[derive(Debug)]
pub(super) struct Centered<'a, T: Clone> {
    points: Points<'a, T>,
    mean: Cow<'a, [f64]>,
    scale: f64,
}

/// Rows of dense points, scaled and centered, as panels of sixteen features.
#[derive(Debug)]
pub(super) struct Block {
    capacity: usize,
    n_rows: usize,
    rows: Vec<Row>,
}

impl Block {
    pub(super) fn new(n_features: usize, capacity: usize) -> Self {
        Self { capacity, n_rows: 0, rows: vec![ZEROS; n_features.div_ceil(WIDTH) * capacity] }
    }

    /// Panel `j`: features from `16 j` on.
    pub(super) fn panel(&self, j: usize) -> &[Row] {
        &self.rows[j * self.capacity..][..self.n_rows]
    }

    fn panels(&self) -> Vec<&[Row]> {
        self.rows.chunks_exact(self.capacity).map(|panel| &panel[..self.n_rows]).collect()
    }
}

impl<'a, T: Scalar> Centered<'a, T> {
    /// Points, which must be finite, and their own mean.
    #[allow(clippy::cast_precision_loss, reason = "point counts are below 2^53")]
    pub(super) fn new(points: Points<'a, T>) -> Self {
        let largest = match points {
            Points::Dense(points) => max_abs(points.as_slice()),
            Points::Bytes(points) => max_abs(points.as_slice()),
            Points::Sparse(points) => max_abs(points.matrix().values()),
        };
        let scale = if largest > 0.0 { power_of_two_below(1.0 / largest) } else { 1.0 };
        let p = points.n_features();
        let mut centered = Self::with_mean(points, scale, Cow::Owned(Vec::new()));
        let level = Level::new();
        let parts: Vec<Vec<f64>> = centered.over_parts(|rows| {
            let mut sums = vec![0.0; p];
            match points {
                Points::Dense(points) => {
                    dispatch!(level, simd => add_rows(simd, points, rows, scale, &mut sums))
                }
                Points::Bytes(points) => {
                    dispatch!(level, simd => add_rows(simd, points, rows, scale, &mut sums))
                }
                Points::Sparse(points) => {
                    for i in rows {
                        let (columns, values) = points.row(i);
                        for (&column, value) in columns.iter().zip(values) {
                            sums[column as usize] += value.to_f64() * scale;
                        }
                    }
                }
            }
            sums
        });
        let mut mean = ordered_sum(parts).unwrap_or_else(|| vec![0.0; p]);
        mean.iter_mut().for_each(|m| *m /= points.n_points() as f64);
        centered.mean = Cow::Owned(mean);
        centered
    }

    /// Points times `scale` minus `mean`, one of points that may be others.
    pub(super) fn with_mean(points: Points<'a, T>, scale: f64, mean: Cow<'a, [f64]>) -> Self {
        Self { points, mean, scale }
    }

    pub(super) fn n_points(&self) -> usize {
        self.points.n_points()
    }

    pub(super) fn n_features(&self) -> usize {
        self.points.n_features()
    }

    pub(super) fn is_dense(&self) -> bool {
        !matches!(self.points, Points::Sparse(_))
    }

    pub(super) fn mean(&self) -> &[f64] {
        &self.mean
    }

    pub(super) fn scale(&self) -> f64 {
        self.scale
    }

    /// Overwrites `block` with as many rows from `start` on as it has room for. The points are dense.
    pub(super) fn read(&self, level: Level, start: usize, block: &mut Block) {
        block.n_rows = block.capacity.min(self.n_points() - start);
        match self.points {
            Points::Dense(points) => dispatch!(level, simd => self.pack(simd, points, start, block)),
            Points::Bytes(points) => dispatch!(level, simd => self.pack(simd, points, start, block)),
            Points::Sparse(_) => unreachable!("sparse points are read entry by entry"),
        }
    }

    #[inline(always)]
    fn pack<S: Simd, E: Element>(&self, _simd: S, points: Dense<'_, E>, start: usize, block: &mut Block) {
        let (mean, mean_rest) = self.mean.as_chunks::<WIDTH>();
        for r in 0..block.n_rows {
            let (row, rest) = points.row(start + r).as_chunks::<WIDTH>();
            for (j, (x, mean)) in row.iter().zip(mean).enumerate() {
                let to = &mut block.rows[j * block.capacity + r];
                for l in 0..WIDTH {
                    to[l] = x[l].to_f64() * self.scale - mean[l];
                }
            }
            if !rest.is_empty() {
                let to = &mut block.rows[row.len() * block.capacity + r];
                for (to, (x, mean)) in to.iter_mut().zip(rest.iter().zip(mean_rest)) {
                    *to = x.to_f64() * self.scale - mean;
                }
            }
        }
    }

    /// Rows of a block: a number that the features alone decide.
    pub(super) fn block_rows(&self) -> usize {
        (BLOCK_NUMBERS / self.n_features()).clamp(4, BLOCK_ROWS)
    }

    /// Runs `work` on ranges of rows, in parallel; results in order. The ranges depend on the shape alone.
    fn over_parts<R: Send>(&self, work: impl Fn(std::ops::Range<usize>) -> R + Sync) -> Vec<R> {
        let n = self.n_points();
        let parts = (PART_ROWS / self.n_features()).clamp(2, MAX_PARTS);
        // A whole number of blocks.
        let length = n.div_ceil(parts).next_multiple_of(self.block_rows());
        (0..n.div_ceil(length))
            .into_par_iter()
            .map(|part| work(part * length..((part + 1) * length).min(n)))
            .collect()
    }

    /// Scores of every row on the axes of `panels`, the first `n_components` of them, row after row.
    pub(super) fn scores<U: Clone + Default + Send>(
        &self,
        panels: &[Vec<Tile>],
        n_components: usize,
        convert: impl Fn(f64) -> U + Sync,
    ) -> Vec<U> {
        let level = Level::new();
        let capacity = self.block_rows();
        let origins: Vec<Row> = panels.iter().map(|axes| self.origin(axes.as_flattened())).collect();
        let mut scores = vec![U::default(); self.n_points() * n_components];
        scores.par_chunks_mut(capacity * n_components).enumerate().for_each(|(chunk, scores)| {
            let (start, n_rows) = (chunk * capacity, scores.len() / n_components);
            let mut block = Block::new(self.n_features(), if self.is_dense() { capacity } else { 0 });
            if self.is_dense() {
                self.read(level, start, &mut block);
            }
            for (k, axes) in panels.iter().enumerate() {
                let mut out = vec![ZEROS; n_rows];
                if let Points::Sparse(points) = self.points {
                    dispatch!(level, simd => {
                        for (r, out) in out.iter_mut().enumerate() {
                            *out = self.sparse_product(simd, points, start + r, axes.as_flattened(), &origins[k]);
                        }
                    });
                } else {
                    dispatch!(level, simd => add_product(simd, &block.panels(), axes, &mut out));
                }
                for (row, out) in scores.chunks_exact_mut(n_components).zip(&out) {
                    for (score, value) in row[k * WIDTH..].iter_mut().zip(out) {
                        *score = convert(*value);
                    }
                }
            }
        });
        scores
    }

    /// The product of the mean with the columns of `x`.
    fn origin(&self, x: &[Row]) -> Row {
        let mut sum = ZEROS;
        for (mean, x) in self.mean.iter().zip(x) {
            for c in 0..WIDTH {
                sum[c] += mean * x[c];
            }
        }
        sum
    }

    /// The product of centered sparse row `i` with the columns of `x`.
    #[inline(always)]
    fn sparse_product<S: Simd>(
        &self,
        _simd: S,
        points: Sparse<'_, T>,
        i: usize,
        x: &[Row],
        origin: &Row,
    ) -> Row {
        let (columns, values) = points.row(i);
        let mut sum = ZEROS;
        for (&column, value) in columns.iter().zip(values) {
            let (value, x) = (value.to_f64() * self.scale, &x[column as usize]);
            for c in 0..WIDTH {
                sum[c] += value * x[c];
            }
        }
        for c in 0..WIDTH {
            sum[c] -= origin[c];
        }
        sum
    }
}

/// The scatter matrix Σ (x − μ)(x − μ)ᵀ of points, applied by passes over them.
#[derive(Debug)]
pub(super) struct Passes<'a, 'p, T: Clone>(&'a Centered<'p, T>);

impl<'a, 'p, T: Scalar> Passes<'a, 'p, T> {
    pub(super) fn new(centered: &'a Centered<'p, T>) -> Self {
        Self(centered)
    }

    /// Trace of the matrix.
    #[allow(clippy::cast_precision_loss, reason = "point counts are below 2^53")]
    pub(super) fn total(&self) -> f64 {
        let Self(centered) = self;
        let level = Level::new();
        let parts = centered.over_parts(|rows| match centered.points {
            Points::Dense(points) => dispatch!(level, simd => squares(simd, points, rows, centered)),
            Points::Bytes(points) => dispatch!(level, simd => squares(simd, points, rows, centered)),
            Points::Sparse(points) => {
                // Σ (x − μ)² over the entries, less the μ² of their columns, which all rows count below.
                let square = |(&column, value): (&u32, &T)| {
                    let mean = centered.mean[column as usize];
                    (value.to_f64() * centered.scale - mean).powi(2) - mean * mean
                };
                rows.map(|i| points.row(i))
                    .map(|(columns, values)| columns.iter().zip(values).map(square).sum::<f64>())
                    .sum()
            }
        });
        let origin = if centered.is_dense() { 0.0 } else { centered.mean.iter().map(|m| m * m).sum() };
        parts.into_iter().sum::<f64>() + origin * centered.n_points() as f64
    }

    /// Adds the products of some rows with their own products with the panel `tiles` to `sums`.
    fn add_part(
        &self,
        rows: std::ops::Range<usize>,
        tiles: &[Tile],
        origin: &Row,
        sums: &mut [Tile],
        total: &mut Row,
    ) {
        let Self(centered) = self;
        let level = Level::new();
        if let Points::Sparse(points) = centered.points {
            let x = tiles.as_flattened();
            dispatch!(level, simd => {
                for i in rows {
                    let y = centered.sparse_product(simd, points, i, x, origin);
                    add_sparse(simd, points.row(i), centered.scale, &y, sums.as_flattened_mut());
                    for c in 0..WIDTH {
                        total[c] += y[c];
                    }
                }
            });
            return;
        }
        let mut block = Block::new(centered.n_features(), centered.block_rows());
        let mut y = Vec::new();
        for start in rows.step_by(centered.block_rows()) {
            centered.read(level, start, &mut block);
            y.clear();
            y.resize(block.n_rows, ZEROS);
            dispatch!(level, simd => {
                add_product(simd, &block.panels(), tiles, &mut y);
                for (j, sum) in sums.iter_mut().enumerate() {
                    add_gram(simd, block.panel(j), &y, sum);
                }
            });
        }
    }
}

impl<T: Scalar> Operator for Passes<'_, '_, T> {
    fn n(&self) -> usize {
        self.0.n_features()
    }

    fn apply(&self, x: &[Row], out: &mut [Row]) {
        let Self(centered) = self;
        let n_tiles = x.len().div_ceil(WIDTH);
        let mut tiles = vec![[ZEROS; WIDTH]; n_tiles];
        tiles.as_flattened_mut()[..x.len()].copy_from_slice(x);
        let origin = centered.origin(x);
        let parts = centered.over_parts(|rows| {
            let mut sums = vec![[ZEROS; WIDTH]; n_tiles];
            let mut total = ZEROS;
            self.add_part(rows, &tiles, &origin, &mut sums, &mut total);
            let mut sums = sums.as_flattened().as_flattened().to_vec();
            sums.extend(total);
            sums
        });
        let sums = ordered_sum(parts).unwrap_or_else(|| vec![0.0; (n_tiles * WIDTH + 1) * WIDTH]);
        let (sums, _) = sums.as_chunks::<WIDTH>();
        // The mean's part of sparse rows, left out of their sums; dense rows are centered as they are read.
        let total = sums[n_tiles * WIDTH];
        for ((out, sum), mean) in out.iter_mut().zip(sums).zip(centered.mean.iter()) {
            *out = std::array::from_fn(|c| sum[c] - mean * total[c]);
        }
    }
}

#[inline(always)]
fn add_sparse<S: Simd, T: Scalar>(
    _simd: S,
    (columns, values): (&[u32], &[T]),
    scale: f64,
    y: &Row,
    sums: &mut [Row],
) {
    for (&column, value) in columns.iter().zip(values) {
        let (value, sum) = (value.to_f64() * scale, &mut sums[column as usize]);
        for c in 0..WIDTH {
            sum[c] += value * y[c];
        }
    }
}

#[inline(always)]
fn add_rows<S: Simd, E: Element>(
    _simd: S,
    points: Dense<'_, E>,
    rows: std::ops::Range<usize>,
    scale: f64,
    sums: &mut [f64],
) {
    for i in rows {
        for (sum, x) in sums.iter_mut().zip(points.row(i)) {
            *sum += x.to_f64() * scale;
        }
    }
}

/// Σ (x − μ)² over some rows.
#[inline(always)]
fn squares<S: Simd, T: Scalar, E: Element>(
    _simd: S,
    points: Dense<'_, E>,
    rows: std::ops::Range<usize>,
    centered: &Centered<'_, T>,
) -> f64 {
    let mut sums = vec![0.0; centered.mean.len()];
    for i in rows {
        for (sum, (x, mean)) in sums.iter_mut().zip(points.row(i).iter().zip(centered.mean.iter())) {
            let x = x.to_f64() * centered.scale - mean;
            *sum += x * x;
        }
    }
    sums.iter().sum()
}

/// Largest |entry|.
fn max_abs<E: Element>(values: &[E]) -> f64 {
    let of_part = |part: &[E]| part.iter().fold(0.0_f64, |m, x| m.max(x.to_f64().abs()));
    values.par_chunks(1 << 16).map(of_part).reduce(|| 0.0, f64::max)
}

fn ordered_sum(parts: Vec<Vec<f64>>) -> Option<Vec<f64>> {
    parts.into_iter().reduce(|mut total, part| {
        for (total, part) in total.iter_mut().zip(part) {
            *total += part;
        }
        total
    })
}

fn power_of_two_below(x: f64) -> f64 {
    x.min(f64::MAX).log2().floor().clamp(-1000.0, 1000.0).exp2()
}
