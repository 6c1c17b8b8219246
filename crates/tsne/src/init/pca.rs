//! Principal components by a block Krylov method: passes over the data, no second copy, any shape.
//!
//! The covariance C = Xcᵀ Xc is applied to a block of vectors at a time, row by row. The blocks V, CV, C²V, … are
//! orthonormalized into a basis as they come; the components are the Ritz vectors of C on their span (Musco and Musco
//! 2015), and the passes end when the residuals of those asked for are small, or the span is everything.

use nalgebra::{DMatrix, SymmetricEigen};
use rand_distr::{Distribution, StandardNormal};
use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::SeedableRng;
use rayon::prelude::*;
use tsne_core::{Control, Interrupted, Points, Scalar, Seed};

/// Vectors per block. Wider than the components asked for, so that close eigenvalues do not slow the method down.
const BLOCK: usize = 16;
/// Most blocks before the best approximation so far is taken.
const MAX_BLOCKS: usize = 12;
/// Residual ‖Cv − λv‖ relative to the largest λ at which a component is taken as found. The error of the component is
/// its square over the gap; initial positions need no more.
const TOLERANCE: f64 = 1e-6;
/// Independent partial sums: the most threads a pass can use, and the copies of the result it holds.
const PARTS: usize = 16;
/// A vector of a block that shrinks to this share of its length when the basis is taken out of it was dependent.
const DEPENDENT: f64 = 1e-10;

type Rows = Vec<[f64; BLOCK]>;

/// Scores of the centered points on their first `D` principal axes, in the units of the points times a power of two;
/// zeros on axes beyond the rank.
pub(crate) fn scores<T: Scalar, const D: usize>(
    points: Points<'_, T>,
    seed: Seed,
    control: &Control<'_>,
) -> Result<Vec<[f64; D]>, Interrupted> {
    let centered = Centered::new(points);
    let axes: Vec<[f64; D]> = axes(&centered, seed, control)?;
    let mut scores = vec![[0.0; D]; points.n_points()];
    let chunk = points.n_points().div_ceil(PARTS).max(1);
    scores.par_chunks_mut(chunk).enumerate().for_each(|(part, scores)| {
        let mut row = centered.buffer();
        for (offset, score) in scores.iter_mut().enumerate() {
            let x = centered.row(part * chunk + offset, &mut row);
            for (x, axis) in x.iter().zip(&axes) {
                for d in 0..D {
                    score[d] += x * axis[d];
                }
            }
        }
    });
    Ok(scores)
}

/// First `D` principal axes, one a column; columns beyond the rank are zero.
fn axes<T: Scalar, const D: usize>(
    centered: &Centered<'_, T>,
    seed: Seed,
    control: &Control<'_>,
) -> Result<Vec<[f64; D]>, Interrupted> {
    const { assert!(D <= BLOCK, "a block must be wider than the components asked for") };
    let p = centered.mean.len();
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed.0);
    let block: Rows = (0..p).map(|_| std::array::from_fn(|_| StandardNormal.sample(&mut rng))).collect();

    // Columns of the basis and their images under C, both of length p.
    let mut basis: Vec<Vec<f64>> = Vec::new();
    let mut images: Vec<Vec<f64>> = Vec::new();
    let mut fresh = columns(&block);
    let mut axes = vec![[0.0; D]; p];
    for pass in 0..MAX_BLOCKS {
        control.tick(pass, MAX_BLOCKS)?;
        let start = basis.len();
        for column in fresh {
            if let Some(unit) = orthonormalized(column, &basis) {
                basis.push(unit);
            }
        }
        if basis.len() == start {
            break;
        }
        fresh = centered.apply(&basis[start..]);
        images.extend(fresh.iter().cloned());

        let (values, coordinates) = ritz(&basis, &images);
        let mut settled = true;
        for d in 0..D.min(basis.len()) {
            let axis = combination(&basis, &coordinates[d]);
            let image = combination(&images, &coordinates[d]);
            let residual =
                axis.iter().zip(&image).map(|(v, cv)| (cv - values[d] * v).powi(2)).sum::<f64>().sqrt();
            settled &= residual <= TOLERANCE * values[0];
            let sign = sign_of_largest(&axis);
            // What is left of a vanished eigenvalue is rounding, not an axis.
            let keep = if values[d] > values[0] * f64::EPSILON * 16.0 { sign } else { 0.0 };
            for (row, v) in axes.iter_mut().zip(axis) {
                row[d] = keep * v;
            }
        }
        if settled || basis.len() == p {
            break;
        }
    }
    Ok(axes)
}

/// Points minus their mean, times a power of two that brings the largest entry near 1.
struct Centered<'a, T> {
    points: Points<'a, T>,
    mean: Vec<f64>,
    scale: f64,
}

impl<'a, T: Scalar> Centered<'a, T> {
    #[allow(clippy::cast_precision_loss, reason = "point counts are below 2^53")]
    fn new(points: Points<'a, T>) -> Self {
        let (n, p) = (points.n_points(), points.n_features());
        let mut centered = Self { points, mean: vec![0.0; p], scale: 1.0 };
        // Halved first, so that a sum of two of the largest numbers does not overflow.
        let largest = centered.max_abs();
        if largest == 0.0 {
            return centered;
        }
        centered.scale = power_of_two_below(1.0 / largest);
        let parts = centered.over_parts(|rows| {
            let mut sum = vec![0.0; p];
            rows(&mut |x| {
                for (sum, x) in sum.iter_mut().zip(x) {
                    *sum += x;
                }
            });
            sum
        });
        let mean = ordered_sum(parts).into_iter().map(|sum| sum / n as f64).collect();
        centered.mean = mean;
        let spread = centered.max_abs();
        if spread > 0.0 {
            let factor = power_of_two_below(1.0 / spread);
            centered.scale *= factor;
            centered.mean.iter_mut().for_each(|m| *m *= factor);
        }
        centered
    }

    /// Largest |entry| as `row` gives them.
    fn max_abs(&self) -> f64 {
        let parts = self.over_parts(|rows| {
            let mut largest = 0.0_f64;
            rows(&mut |x| largest = x.iter().fold(largest, |m, x| m.max(x.abs())));
            largest
        });
        parts.into_iter().fold(0.0, f64::max)
    }

    fn buffer(&self) -> (Vec<T>, Vec<f64>) {
        (vec![T::default(); self.mean.len()], vec![0.0; self.mean.len()])
    }

    /// Row `i`, scaled and centered.
    fn row<'b>(&self, i: usize, buffer: &'b mut (Vec<T>, Vec<f64>)) -> &'b [f64] {
        let (raw, row) = buffer;
        self.points.copy_row(i, raw);
        for ((x, raw), mean) in row.iter_mut().zip(&*raw).zip(&self.mean) {
            *x = raw.to_f64() * self.scale - mean;
        }
        row
    }

    /// Runs `work` on every part of the rows, in parallel; results in order of the parts.
    fn over_parts<R: Send>(&self, work: impl Fn(&dyn Fn(&mut dyn FnMut(&[f64]))) -> R + Sync) -> Vec<R> {
        let n = self.points.n_points();
        let chunk = n.div_ceil(PARTS).max(1);
        (0..n.div_ceil(chunk))
            .into_par_iter()
            .map(|part| {
                work(&|visit| {
                    let mut buffer = self.buffer();
                    for i in part * chunk..((part + 1) * chunk).min(n) {
                        visit(self.row(i, &mut buffer));
                    }
                })
            })
            .collect()
    }

    /// C times each of at most [`BLOCK`] vectors.
    fn apply(&self, vectors: &[Vec<f64>]) -> Vec<Vec<f64>> {
        let p = self.mean.len();
        let block: Rows =
            (0..p).map(|f| std::array::from_fn(|b| vectors.get(b).map_or(0.0, |v| v[f]))).collect();
        let parts = self.over_parts(|rows| {
            let mut sum = vec![0.0; p * BLOCK];
            rows(&mut |x| {
                let mut y = [0.0; BLOCK];
                for (x, v) in x.iter().zip(&block) {
                    for b in 0..BLOCK {
                        y[b] += x * v[b];
                    }
                }
                for (x, sum) in x.iter().zip(sum.as_chunks_mut::<BLOCK>().0) {
                    for b in 0..BLOCK {
                        sum[b] += x * y[b];
                    }
                }
            });
            sum
        });
        let mut images = columns(ordered_sum(parts).as_chunks::<BLOCK>().0);
        images.truncate(vectors.len());
        images
    }
}

fn ordered_sum(parts: Vec<Vec<f64>>) -> Vec<f64> {
    let mut parts = parts.into_iter();
    let mut total = parts.next().unwrap_or_default();
    for part in parts {
        for (total, part) in total.iter_mut().zip(part) {
            *total += part;
        }
    }
    total
}

fn power_of_two_below(x: f64) -> f64 {
    x.min(f64::MAX).log2().floor().clamp(-1000.0, 1000.0).exp2()
}

fn columns(block: &[[f64; BLOCK]]) -> Vec<Vec<f64>> {
    (0..BLOCK).map(|b| block.iter().map(|row| row[b]).collect()).collect()
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// `column` orthogonal to `basis` and of length 1, by Gram-Schmidt done twice; none when it depends on the basis.
fn orthonormalized(mut column: Vec<f64>, basis: &[Vec<f64>]) -> Option<Vec<f64>> {
    let before = dot(&column, &column).sqrt();
    for _ in 0..2 {
        for unit in basis {
            let along = dot(&column, unit);
            column.iter_mut().zip(unit).for_each(|(c, u)| *c -= along * u);
        }
    }
    let after = dot(&column, &column).sqrt();
    if after <= before * DEPENDENT || after == 0.0 {
        return None;
    }
    column.iter_mut().for_each(|c| *c /= after);
    Some(column)
}

/// Eigenvalues of C on the span of `basis`, largest first, and the coordinates of their vectors.
fn ritz(basis: &[Vec<f64>], images: &[Vec<f64>]) -> (Vec<f64>, Vec<Vec<f64>>) {
    let m = basis.len();
    let projected =
        DMatrix::from_fn(m, m, |i, j| 0.5 * (dot(&basis[i], &images[j]) + dot(&basis[j], &images[i])));
    // The iteration is bounded; a symmetric finite matrix of this size converges well within it.
    let eigen = SymmetricEigen::try_new(projected.clone(), f64::EPSILON, 10_000);
    let (values, vectors) = match eigen {
        Some(eigen) => (eigen.eigenvalues, eigen.eigenvectors),
        None => (projected.diagonal(), DMatrix::identity(m, m)),
    };
    let mut order: Vec<usize> = (0..m).collect();
    order.sort_by(|&a, &b| values[b].total_cmp(&values[a]).then(a.cmp(&b)));
    let coordinates = order.iter().map(|&k| vectors.column(k).iter().copied().collect()).collect();
    (order.iter().map(|&k| values[k]).collect(), coordinates)
}

fn combination(vectors: &[Vec<f64>], coordinates: &[f64]) -> Vec<f64> {
    let mut sum = vec![0.0; vectors[0].len()];
    for (vector, &c) in vectors.iter().zip(coordinates) {
        sum.iter_mut().zip(vector).for_each(|(s, v)| *s += c * v);
    }
    sum
}

/// Sign of the entry of largest magnitude, the first of equals.
fn sign_of_largest(axis: &[f64]) -> f64 {
    let largest = axis.iter().fold(0.0_f64, |m, &x| if x.abs() > m.abs() { x } else { m });
    if largest < 0.0 { -1.0 } else { 1.0 }
}
