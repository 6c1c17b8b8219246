//! Initial positions: random, or by principal components. Small on purpose: a wide start ends in a poor map.

pub(crate) mod pca;

use rand_distr::{Distribution, Normal};
use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::SeedableRng;
use tsne_core::{Control, Interrupted, Points, Scalar, Seed};

/// Standard deviation of the first column of initial positions.
const STD: f64 = 1e-4;
/// Largest standard deviation of given positions that passes without a warning.
pub(crate) const WIDEST_STD: f64 = 1e-2;
/// Standard deviation of the jitter, relative to [`STD`].
const JITTER: f64 = 0.01;

/// Labels of the random streams of this crate; a new use takes a new one.
mod stream {
    pub(super) const RANDOM: u64 = 0x1417_0001;
    pub(super) const JITTER: u64 = 0x1417_0002;
    pub(super) const PCA: u64 = 0x1417_0003;
}

/// Independent normal positions of standard deviation 1e-4.
///
/// ```
/// use tsne::{Seed, init};
///
/// let y: Vec<[f32; 2]> = init::random(100, Seed(42));
/// assert!(y.iter().flatten().all(|v| v.abs() < 1e-3));
/// ```
#[must_use]
pub fn random<T: Scalar, const D: usize>(n_points: usize, seed: Seed) -> Vec<[T; D]> {
    let mut normal = normals(seed.derive(stream::RANDOM), STD);
    (0..n_points).map(|_| std::array::from_fn(|_| T::lit(normal()))).collect()
}

/// Positions on the first `D` principal axes, scaled and jittered as \[M12\] says.
///
/// Axes beyond the rank of the data get the jitter alone. Constant data have no first axis; their positions are those
/// of [`random`].
///
/// Values must be finite. Time O(n p) for p features and some ten passes over the data; memory O(p) and the scores.
/// Deterministic for a given seed at any number of threads.
///
/// # Errors
/// [`Interrupted`] when `control` says so.
pub fn pca<T: Scalar, const D: usize>(
    points: Points<'_, T>,
    seed: Seed,
    control: &Control<'_>,
) -> Result<Vec<[T; D]>, Interrupted> {
    let scores: Vec<[f64; D]> = pca::scores(points, seed.derive(stream::PCA), control)?;
    let std = column_std(&scores, 0);
    if std <= 0.0 {
        return Ok(random(points.n_points(), seed));
    }
    let mut jitter = normals(seed.derive(stream::JITTER), STD * JITTER);
    Ok(scores.iter().map(|row| row.map(|x| T::lit(x * (STD / std) + jitter()))).collect())
}

/// Population standard deviation of one column.
#[allow(clippy::cast_precision_loss, reason = "point counts are below 2^53")]
pub(crate) fn column_std<const D: usize>(rows: &[[f64; D]], column: usize) -> f64 {
    let n = rows.len() as f64;
    let mean = rows.iter().map(|row| row[column]).sum::<f64>() / n;
    (rows.iter().map(|row| (row[column] - mean).powi(2)).sum::<f64>() / n).sqrt()
}

/// An endless source of normal variates of mean 0.
fn normals(seed: Seed, std: f64) -> impl FnMut() -> f64 {
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed.0);
    let normal = Normal::new(0.0, std).expect("the standard deviation is a positive constant");
    move || normal.sample(&mut rng)
}
