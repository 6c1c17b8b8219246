//! Principal components of points of any kind and shape, without a second copy of them. \[M65\]
//!
//! Dense points of few features have their covariance formed, of which the leading eigenvectors are taken. All others,
//! and sparse ones, are passed over some ten times instead, each time applying the covariance to sixteen vectors.
//!
//! ```
//! use tsne::{Points, Seed, core::Control, pca};
//!
//! // Four points near a line through (1, 1).
//! let x = [0.0_f64, 0.1, 1.0, 0.9, 2.0, 2.1, 3.0, 2.9];
//! let points = Points::from_row_major(&x, 2)?;
//! let line = pca::components(points, 1, Seed(1), &Control::NONE)?;
//! assert!((line.explained_variance_ratio()[0] - 1.0).abs() < 0.01);
//! assert!((line.axes()[0] - line.axes()[1]).abs() < 0.1);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod centered;
mod covariance;

use std::borrow::Cow;

use nalgebra::DMatrix;
use tsne_core::{Control, Interrupted, NonFinite, Points, Scalar, Seed};

use crate::eigen::panel::{Tile, WIDTH, ZEROS};
use crate::eigen::{self, Request};
use crate::{Error, Stage};
use centered::{Centered, Passes};
use covariance::Covariance;

/// Most features for which a covariance matrix is worth its n p² / 2 products, and its place in memory.
const MAX_COVARIANCE: usize = 1536;
/// Features for which it is when only a few components are wanted, which take few passes.
const MAX_COVARIANCE_OF_FEW: usize = 512;
/// Components that count as few.
const FEW: usize = 8;
/// Features up to which a covariance matrix is decomposed whole: 0.05 s.
const MAX_WHOLE: usize = 400;
/// Products with sixteen vectors before the best approximation so far is taken.
const MAX_PRODUCTS: usize = 400;
/// Residual of an axis ‖Cv − λv‖ over the largest λ. The error of a variance is its square over the gap to the next.
const TOLERANCE: f64 = 1e-8;

/// Principal components of a set of points, and the points in their terms.
#[derive(Clone, Debug, PartialEq)]
pub struct Principal<T> {
    basis: Basis,
    scores: Vec<T>,
}

/// The map from points to scores.
#[derive(Clone, Debug, PartialEq)]
struct Basis {
    n_components: usize,
    n_features: usize,
    /// Row after row.
    axes: Vec<f64>,
    /// Scaled mean.
    mean: Vec<f64>,
    /// The power of two that points are multiplied by before anything else.
    scale: f64,
    /// Variances of the scaled points.
    variances: Vec<f64>,
    total: f64,
}

/// Principal components of `points`: the directions of largest variance, and the scores of the points on them.
///
/// Scores are `n_points` rows of `n_components` numbers in the type and units of the points, uncorrelated, of mean 0,
/// the largest variance first. Each axis is signed so that its entry of largest magnitude is positive. On axes beyond
/// the rank of the data, axis and scores are 0.
///
/// Accurate to 1e-6 of the largest variance and better; axes whose variances agree to 1e-8 of the largest may come
/// turned into each other. Time O(n p²) for dense points of p ≤ 1536 features, else some twenty passes over the stored
/// values for 50 components; memory O(p²) or O(p) times the components, and the scores. Equal inputs give equal bits
/// at any number of threads.
///
/// # Errors
/// When `n_components` is 0 or above the number of points or features, a value is NaN or infinite, a score is beyond
/// the largest `T`, or `control` interrupts.
pub fn components<T: Scalar>(
    points: Points<'_, T>,
    n_components: usize,
    seed: Seed,
    control: &Control<'_>,
) -> Result<Principal<T>, Error> {
    let most = points.n_points().min(points.n_features());
    if !(1..=most).contains(&n_components) {
        #[allow(clippy::cast_precision_loss, reason = "shown in a message")]
        let value = n_components as f64;
        let requirement = "at least 1 and at most the number of points and that of features";
        return Err(Error::Parameter { name: "n_components", requirement, value });
    }
    points.check_finite().map_err(|at| Error::NonFinite { count: 1, first: vec![at] })?;
    let centered = Centered::new(points);
    let basis = basis(&centered, n_components, TOLERANCE, seed, control)
        .map_err(|Interrupted| Error::Interrupted { stage: Stage::Initialization })?;
    let scores = basis.project(&centered)?;
    Ok(Principal { basis, scores })
}

impl<T: Scalar> Principal<T> {
    /// Number of components.
    #[must_use]
    pub fn n_components(&self) -> usize {
        self.basis.n_components
    }

    /// Number of features of the points.
    #[must_use]
    pub fn n_features(&self) -> usize {
        self.basis.n_features
    }

    /// Axes, scaled mean, variances of the scaled points, scale, and total variance.
    pub(crate) fn parts(&self) -> (&[f64], &[f64], &[f64], f64, f64) {
        let Basis { axes, mean, variances, scale, total, .. } = &self.basis;
        (axes, mean, variances, *scale, *total)
    }

    /// From [`parts`](Self::parts) and the scores.
    pub(crate) fn from_parts(
        axes: Vec<f64>,
        mean: Vec<f64>,
        variances: Vec<f64>,
        scale: f64,
        total: f64,
        scores: Vec<T>,
    ) -> Self {
        let (n_components, n_features) = (variances.len(), mean.len());
        let basis = Basis { n_components, n_features, axes, mean, scale, variances, total };
        Self { basis, scores }
    }

    /// Scores of the points, row after row.
    #[must_use]
    pub fn scores(&self) -> &[T] {
        &self.scores
    }

    /// Scores of the points, by value.
    #[must_use]
    pub fn into_scores(self) -> Vec<T> {
        self.scores
    }

    /// The axes, unit vectors of as many numbers as there are features, one after another.
    #[must_use]
    pub fn axes(&self) -> &[f64] {
        &self.basis.axes
    }

    /// Mean of the points.
    #[must_use]
    pub fn mean(&self) -> Vec<f64> {
        self.basis.mean.iter().map(|m| m / self.basis.scale).collect()
    }

    /// Variance of the scores on each axis, with n − 1 in the denominator; the largest finite number where it is
    /// larger.
    #[must_use]
    pub fn explained_variance(&self) -> Vec<f64> {
        let unscale = |v: &f64| (v / self.basis.scale / self.basis.scale).min(f64::MAX);
        self.basis.variances.iter().map(unscale).collect()
    }

    /// Share of the variance of the points that each axis explains; 0 for constant points.
    #[must_use]
    pub fn explained_variance_ratio(&self) -> Vec<f64> {
        let share = |v: &f64| if self.basis.total > 0.0 { v / self.basis.total } else { 0.0 };
        self.basis.variances.iter().map(share).collect()
    }

    /// Scores of other points on these axes.
    ///
    /// Those of a point depend on it alone: the points the axes were computed from get [`scores`](Self::scores) again,
    /// bit for bit, one by one or all at once.
    ///
    /// # Errors
    /// When the points have another number of features, a value is NaN or infinite, or a score is beyond the largest
    /// `T`.
    pub fn project(&self, points: Points<'_, T>) -> Result<Vec<T>, Error> {
        if points.n_features() != self.basis.n_features {
            let (what, expected, got) = ("features", self.basis.n_features, points.n_features());
            return Err(Error::Shape(tsne_core::ShapeError::LengthMismatch { what, expected, got }));
        }
        points.check_finite().map_err(|at| Error::NonFinite { count: 1, first: vec![at] })?;
        let centered = Centered::with_mean(points, self.basis.scale, Cow::Borrowed(&self.basis.mean));
        self.basis.project(&centered)
    }
}

/// Scores on the first `D` axes, in the units of the points times a power of two; zeros on axes beyond the rank.
pub(crate) fn leading_scores<T: Scalar, const D: usize>(
    points: Points<'_, T>,
    tolerance: f64,
    seed: Seed,
    control: &Control<'_>,
) -> Result<Vec<[f64; D]>, Interrupted> {
    let centered = Centered::new(points);
    let basis = basis(&centered, D, tolerance, seed, control)?;
    let scores = centered.scores(&basis.panels(), D, |score| score);
    Ok(scores.as_chunks::<D>().0.to_vec())
}

/// The first axes of points; those beyond the rank are zero.
#[allow(clippy::cast_precision_loss, reason = "point counts are below 2^53")]
fn basis<T: Scalar>(
    centered: &Centered<'_, T>,
    n_components: usize,
    tolerance: f64,
    seed: Seed,
    control: &Control<'_>,
) -> Result<Basis, Interrupted> {
    let (n, p) = (centered.n_points(), centered.n_features());
    let request = Request { count: n_components, tolerance, max_products: MAX_PRODUCTS };
    let most = if n_components <= FEW { MAX_COVARIANCE_OF_FEW } else { MAX_COVARIANCE };
    let (values, vectors, total) = if centered.is_dense() && p <= most && p <= n {
        let covariance = Covariance::new(centered, control)?;
        let total = covariance.trace();
        if p <= MAX_WHOLE || n_components * 4 > p {
            let (values, vectors) = eigen::dense(covariance.to_matrix());
            (values, Vectors::Whole(vectors), total)
        } else {
            let leading = eigen::leading(&covariance, request, seed, &Control::NONE)?;
            (leading.values.clone(), Vectors::Leading(leading), total)
        }
    } else {
        let passes = Passes::new(centered);
        let leading = eigen::leading(&passes, request, seed, control)?;
        (leading.values.clone(), Vectors::Leading(leading), passes.total())
    };

    let mut axes = vec![0.0; n_components * p];
    let mut variances = vec![0.0; n_components];
    // What is left of a vanished eigenvalue is rounding, not an axis.
    let least = values[0].max(0.0) * f64::EPSILON * p.max(64) as f64;
    for (k, axis) in axes.chunks_exact_mut(p).enumerate().take(values.len()) {
        if values[k] > least {
            vectors.copy(k, axis);
            let sign = eigen::sign_of_largest(axis);
            axis.iter_mut().for_each(|v| *v *= sign);
            variances[k] = values[k] / (n - 1).max(1) as f64;
        }
    }
    Ok(Basis {
        n_components,
        n_features: p,
        axes,
        mean: centered.mean().to_vec(),
        scale: centered.scale(),
        variances,
        total: total / (n - 1).max(1) as f64,
    })
}

/// Eigenvectors of either solver.
enum Vectors {
    Whole(DMatrix<f64>),
    Leading(eigen::Leading),
}

impl Vectors {
    fn copy(&self, k: usize, axis: &mut [f64]) {
        match self {
            Self::Whole(vectors) => axis.copy_from_slice(vectors.column(k).as_slice()),
            Self::Leading(leading) => axis.iter_mut().zip(leading.vector(k)).for_each(|(a, v)| *a = v),
        }
    }
}

impl Basis {
    /// The axes as the columns of panels, each a tile for every sixteen features.
    fn panels(&self) -> Vec<Vec<Tile>> {
        let tiles = self.n_features.div_ceil(WIDTH);
        let mut panels = vec![vec![[ZEROS; WIDTH]; tiles]; self.n_components.div_ceil(WIDTH)];
        for (k, axis) in self.axes.chunks_exact(self.n_features).enumerate() {
            for (f, &v) in axis.iter().enumerate() {
                panels[k / WIDTH][f / WIDTH][f % WIDTH][k % WIDTH] = v;
            }
        }
        panels
    }

    fn project<T: Scalar>(&self, centered: &Centered<'_, T>) -> Result<Vec<T>, Error> {
        let k = self.n_components;
        let scores = centered.scores(&self.panels(), k, |score| T::lit(score / self.scale));
        match scores.iter().position(|score| !score.is_finite()) {
            None => Ok(scores),
            Some(at) => {
                let first = NonFinite { row: at / k, column: at % k, value: scores[at].to_f64() };
                Err(Error::NonFinite { count: 1, first: vec![first] })
            }
        }
    }
}
