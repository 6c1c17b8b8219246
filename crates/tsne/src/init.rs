//! Initial positions: random, by principal components or by the spectrum of P for a whole map; random, or by their
//! neighbors for new points. Small on purpose for a whole map: a wide start ends in a poor one.

mod layout;
mod new_points;
mod spectral;

use rand_distr::{Distribution, Normal};
use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::SeedableRng;
use tsne_core::{Control, Interrupted, Points, Scalar, Seed};

pub use self::new_points::{median, random_by_content, weighted};
pub use self::spectral::{Spectral, SpectralFallback, spectral};

/// Standard deviation of the first column of initial positions.
const STD: f64 = 1e-4;
/// Largest standard deviation of given positions that passes without a warning.
pub(crate) const WIDEST_STD: f64 = 1e-2;
/// Standard deviation of the jitter, relative to [`STD`].
const JITTER: f64 = 0.01;
/// Residual of an axis relative to the largest variance; the error of the axis is of its order over the gap to the
/// next. Initial positions need no more.
const PCA_TOLERANCE: f64 = 1e-6;

/// Labels of the random streams of this crate; a new use takes a new one.
mod stream {
    pub(super) const RANDOM: u64 = 0x1417_0001;
    pub(super) const JITTER: u64 = 0x1417_0002;
    pub(super) const PCA: u64 = 0x1417_0003;
    pub(super) const SPECTRAL: u64 = 0x1417_0004;
    pub(super) const CONTENT: u64 = 0x1417_0005;
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
/// Values must be finite. Time O(n p²) for dense points of p ≤ 512 features, else some ten passes over the data;
/// memory O(p²) or O(p), and the scores. Equal inputs give equal bits at any number of threads.
///
/// # Errors
/// [`Interrupted`] when `control` says so.
pub fn pca<T: Scalar, const D: usize>(
    points: Points<'_, T>,
    seed: Seed,
    control: &Control<'_>,
) -> Result<Vec<[T; D]>, Interrupted> {
    let scores: Vec<[f64; D]> =
        crate::pca::leading_scores(points, PCA_TOLERANCE, seed.derive(stream::PCA), control)?;
    Ok(small(&scores, seed).unwrap_or_else(|| random(points.n_points(), seed)))
}

/// Scales positions so that the population standard deviation of their first column becomes `target_std` (1e-4 is
/// usual) and returns what it was. At 0, where the first column is constant, positions stay as they are.
///
/// ```
/// use tsne::init;
///
/// let mut y = [[2.0_f64, 1.0], [-2.0, 5.0]];
/// assert_eq!(init::rescale(&mut y, 1e-4), 2.0);
/// assert!((y[0][0] - 1e-4).abs() < 1e-18 && (y[1][1] - 2.5e-4).abs() < 1e-18);
/// ```
pub fn rescale<T: Scalar, const D: usize>(positions: &mut [[T; D]], target_std: f64) -> f64 {
    let std = column_std(positions, 0);
    if std > 0.0 {
        for value in positions.as_flattened_mut() {
            *value = T::lit(value.to_f64() * (target_std / std));
        }
    }
    std
}

/// Adds to every coordinate a normal number of standard deviation `scale` (0.01 is usual) times that of the first
/// column, so that equal positions come apart. A constant first column gets none.
pub fn jitter<T: Scalar, const D: usize>(positions: &mut [[T; D]], scale: f64, seed: Seed) {
    let std = column_std(positions, 0) * scale;
    let mut normal = normals(seed.derive(stream::JITTER), 1.0);
    for value in positions.as_flattened_mut() {
        *value = T::lit(value.to_f64() + std * normal());
    }
}

/// Coordinates scaled to a standard deviation of [`STD`] and jittered by [`JITTER`] of that; none where the first column
/// is constant.
fn small<T: Scalar, const D: usize>(coordinates: &[[f64; D]], seed: Seed) -> Option<Vec<[T; D]>> {
    let std = column_std(coordinates, 0);
    if std <= 0.0 {
        return None;
    }
    let mut jitter = normals(seed.derive(stream::JITTER), STD * JITTER);
    Some(coordinates.iter().map(|row| row.map(|x| T::lit(x * (STD / std) + jitter()))).collect())
}

/// Population standard deviation of one column; 0 for no rows.
#[allow(clippy::cast_precision_loss, reason = "point counts are below 2^53")]
pub(crate) fn column_std<T: Scalar, const D: usize>(rows: &[[T; D]], column: usize) -> f64 {
    let n = rows.len().max(1) as f64;
    let mean = rows.iter().map(|row| row[column].to_f64()).sum::<f64>() / n;
    (rows.iter().map(|row| (row[column].to_f64() - mean).powi(2)).sum::<f64>() / n).sqrt()
}

/// An endless source of normal variates of mean 0.
fn normals(seed: Seed, std: f64) -> impl FnMut() -> f64 {
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed.0);
    let normal = Normal::new(0.0, std).expect("the standard deviation is a positive constant");
    move || normal.sample(&mut rng)
}
