//! How a metric computes: what becomes of a row first, what is summed over features, what is reported (\[M53\]).

use std::sync::Arc;

use fearless_simd::{Level, dispatch};
use tsne_core::{Points, Scalar};

use crate::error::Error;
use crate::lanes::{absolutes, largest, squares};
use crate::metric::Metric;
use crate::pair::{Pair, Presence};

/// Largest difference of a row's length from 1 that rounding in f32 explains.
const UNIT_TOLERANCE: f64 = 1e-4;

/// Weight of the uniform shares mixed into those that a logarithm is taken of.
const SMOOTHING: f64 = 1.0 / 8_388_608.0;

/// A metric taken apart.
#[derive(Clone, Debug)]
pub(crate) struct Geometry {
    /// Name of the metric.
    pub(crate) name: &'static str,
    /// What rows become, if anything else.
    pub(crate) map: Option<RowMap>,
    /// Whether rows are then divided by their lengths.
    pub(crate) unit: bool,
    /// What is computed of two rows.
    pub(crate) base: Base,
    /// What is reported.
    pub(crate) output: Output,
}

/// Quantities of two rows.
#[derive(Clone, Debug)]
pub(crate) enum Base {
    /// Σ (a − b)².
    Squares,
    /// Σ |a − b|.
    Absolutes,
    /// max |a − b|.
    Largest,
    /// Anything else.
    Pair(Pair),
}

impl Base {
    /// The quantity for `a` with every row of `points`.
    #[allow(clippy::redundant_closure, reason = "a function passed by its name may be called, not inlined")]
    pub(crate) fn fill(&self, a: &[f64], points: &[f64], quantities: &mut [f64]) {
        let level = Level::new();
        match self {
            Self::Squares => {
                dispatch!(level, _simd => each(a, points, quantities, #[inline(always)] |a, b| squares(a, b)))
            }
            Self::Absolutes => {
                dispatch!(level, _simd => each(a, points, quantities, #[inline(always)] |a, b| absolutes(a, b)))
            }
            Self::Largest => {
                dispatch!(level, _simd => each(a, points, quantities, #[inline(always)] |a, b| largest(a, b)))
            }
            Self::Pair(pair) => pair.fill(a, points, quantities),
        }
    }
}

/// Calls `of` for `a` with every row of `points`.
#[inline(always)]
pub(crate) fn each(a: &[f64], points: &[f64], quantities: &mut [f64], of: impl Fn(&[f64], &[f64]) -> f64) {
    for (to, b) in quantities.iter_mut().zip(points.chunks_exact(a.len())) {
        *to = of(a, b);
    }
}

/// Distances from quantities `q` of rows multiplied by a scale s.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Output {
    /// q.
    Same,
    /// q / s.
    Linear,
    /// √q / s.
    Root,
    /// q / s².
    Square,
    /// q / 2, of rows of length 1.
    Half,
    /// √(q / 2) / s.
    RootOfHalf,
    /// The angle between rows of length 1, divided by π.
    Angle,
}

impl Output {
    #[inline(always)]
    pub(crate) fn distance(self, quantity: f64, scale: f64) -> f64 {
        match self {
            Self::Same => quantity,
            Self::Linear => quantity / scale,
            Self::Root => quantity.sqrt() / scale,
            Self::Square => quantity / scale / scale,
            Self::Half => 0.5 * quantity,
            Self::RootOfHalf => (0.5 * quantity).sqrt() / scale,
            Self::Angle => 2.0 * (0.5 * quantity.sqrt()).min(1.0).asin() / std::f64::consts::PI,
        }
    }
}

/// What a row becomes before anything is computed of it.
#[derive(Clone, Debug)]
pub(crate) enum RowMap {
    /// The same row, checked to have length 1.
    CheckUnit,
    /// The same row, checked to hold bytes.
    CheckBytes,
    /// Features multiplied by these.
    Weights(Arc<[f64]>),
    /// Lᵀ x, for a lower triangle L given in full, row by row.
    Triangle(Arc<[f64]>),
    /// Less the row's mean.
    Centered,
    /// Ranks, ties sharing their mean rank, less the mean rank.
    Ranks,
    /// Shares of the row's sum.
    Shares,
    /// Roots of the shares.
    RootShares,
    /// Shares up to each feature.
    CumulativeShares,
    /// Shares, a little evened out.
    SmoothShares,
}

impl RowMap {
    /// Whether rows come out as they go in.
    pub(crate) fn is_check(&self) -> bool {
        matches!(self, Self::CheckUnit | Self::CheckBytes)
    }

    /// Overwrites `row` with what becomes of it; an error says what it should have been.
    pub(crate) fn apply(&self, row: &mut [f64]) -> Result<(), &'static str> {
        match self {
            Self::CheckUnit => {
                let length = row.iter().map(|x| x * x).sum::<f64>().sqrt();
                if (length - 1.0).abs() > UNIT_TOLERANCE {
                    return Err("rows of length 1; divide each by its length or use cosine");
                }
            }
            Self::CheckBytes => {
                if row.iter().any(|&x| x.fract() != 0.0 || !(0.0..=255.0).contains(&x)) {
                    return Err("bytes, whole numbers from 0 to 255");
                }
            }
            Self::Weights(weights) => row.iter_mut().zip(weights.iter()).for_each(|(x, w)| *x *= w),
            Self::Triangle(triangle) => multiply_transposed(triangle, row),
            Self::Centered => center(row),
            Self::Ranks => {
                let ranks = ranks(row);
                row.copy_from_slice(&ranks);
                center(row);
            }
            Self::Shares => shares(row)?,
            Self::RootShares => {
                shares(row)?;
                row.iter_mut().for_each(|x| *x = x.sqrt());
            }
            Self::CumulativeShares => {
                shares(row)?;
                let mut total = 0.0;
                for x in row.iter_mut() {
                    total += *x;
                    *x = total;
                }
            }
            Self::SmoothShares => {
                shares(row)?;
                let even = SMOOTHING / row.len() as f64;
                row.iter_mut().for_each(|x| *x = (1.0 - SMOOTHING) * *x + even);
            }
        }
        Ok(())
    }
}

/// Lᵀ x in place: entry f needs the entries from f on alone.
fn multiply_transposed(triangle: &[f64], row: &mut [f64]) {
    let width = row.len();
    for f in 0..width {
        row[f] = (f..width).map(|g| triangle[g * width + f] * row[g]).sum();
    }
}

/// Takes the mean out. A constant row becomes zeros, not what rounding leaves of it.
fn center(row: &mut [f64]) {
    if row.iter().all(|&x| x == row[0]) {
        row.fill(0.0);
        return;
    }
    let n = row.len() as f64;
    let mean: f64 = row.iter().map(|x| x / n).sum();
    row.iter_mut().for_each(|x| *x -= mean);
}

fn ranks(row: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..row.len()).collect();
    order.sort_by(|&a, &b| row[a].total_cmp(&row[b]));
    let mut ranks = vec![0.0; row.len()];
    let mut first = 0;
    for ties in order.chunk_by(|&a, &b| row[a] == row[b]) {
        let shared = first as f64 + 0.5 * (ties.len() - 1) as f64;
        ties.iter().for_each(|&at| ranks[at] = shared);
        first += ties.len();
    }
    ranks
}

fn shares(row: &mut [f64]) -> Result<(), &'static str> {
    let largest = row.iter().fold(0.0_f64, |m, &x| m.max(x));
    if row.iter().any(|&x| x < 0.0) || largest == 0.0 {
        return Err("values of at least 0 that are not all 0, to take shares of");
    }
    // The largest is taken out first, so that the sum cannot overflow.
    row.iter_mut().for_each(|x| *x /= largest);
    let sum: f64 = row.iter().sum();
    row.iter_mut().for_each(|x| *x /= sum);
    Ok(())
}

impl Geometry {
    /// Whether quantities are squared Euclidean distances of the values as they were given.
    pub(crate) fn is_euclidean(&self) -> bool {
        matches!(self.base, Base::Squares) && !self.unit && self.map.is_none()
    }

    /// Takes `metric` apart for `points`, which are finite and which it is standardized by where it says so.
    pub(crate) fn of_points<T: Scalar>(metric: &Metric, points: Points<'_, T>) -> Result<Self, Error> {
        match metric {
            Metric::StandardizedEuclidean { variances: None } => {
                let variances = Some(variances(points));
                Self::new(&Metric::StandardizedEuclidean { variances }, points.n_features())
            }
            metric => Self::new(metric, points.n_features()),
        }
    }

    /// Takes `metric` apart for rows of `n_features`. Its parameters must be there.
    pub(crate) fn new(metric: &Metric, n_features: usize) -> Result<Self, Error> {
        let name = metric.name();
        let plain = |base, output| Self { name, map: None, unit: false, base, output };
        let unit = |map, output| Self { name, map, unit: true, base: Base::Squares, output };
        let mapped = |map, base, output| Self { name, map: Some(map), unit: false, base, output };
        let pair = |pair| plain(Base::Pair(pair), Output::Same);
        let presence = |combine: fn(Presence) -> f64| pair(Pair::Presence(combine));
        Ok(match metric {
            Metric::Euclidean => plain(Base::Squares, Output::Root),
            Metric::SquaredEuclidean => plain(Base::Squares, Output::Square),
            Metric::StandardizedEuclidean { variances } => {
                let variances = variances.as_deref().unwrap_or_default();
                check_entries(name, "V", variances, n_features, f64::MIN_POSITIVE, "finite and above 0")?;
                let weights = variances.iter().map(|v| v.sqrt().recip()).collect();
                mapped(RowMap::Weights(weights), Base::Squares, Output::Root)
            }
            Metric::Mahalanobis { inverse_covariance } => {
                let triangle = cholesky(name, inverse_covariance, n_features)?;
                mapped(RowMap::Triangle(triangle.into()), Base::Squares, Output::Root)
            }
            Metric::Manhattan => plain(Base::Absolutes, Output::Linear),
            Metric::Chebyshev => plain(Base::Largest, Output::Linear),
            Metric::Minkowski { p } => {
                check_power(name, *p)?;
                match *p {
                    1.0 => plain(Base::Absolutes, Output::Linear),
                    2.0 => plain(Base::Squares, Output::Root),
                    f64::INFINITY => plain(Base::Largest, Output::Linear),
                    p => pair(Pair::Minkowski { p }),
                }
            }
            Metric::WeightedMinkowski { p, weights } => {
                check_power(name, *p)?;
                check_entries(name, "w", weights, n_features, 0.0, "finite and not negative")?;
                match *p {
                    1.0 => {
                        mapped(RowMap::Weights(weights.as_slice().into()), Base::Absolutes, Output::Linear)
                    }
                    2.0 => {
                        let roots = weights.iter().map(|w| w.sqrt()).collect();
                        mapped(RowMap::Weights(roots), Base::Squares, Output::Root)
                    }
                    f64::INFINITY => {
                        // The limit: every feature of some weight counts fully.
                        let counts = weights.iter().map(|&w| if w > 0.0 { 1.0 } else { 0.0 }).collect();
                        mapped(RowMap::Weights(counts), Base::Largest, Output::Linear)
                    }
                    p => pair(Pair::WeightedMinkowski { p, weights: weights.as_slice().into() }),
                }
            }
            Metric::Cosine => unit(None, Output::Half),
            Metric::Dot => unit(Some(RowMap::CheckUnit), Output::Half),
            Metric::TrueAngular => unit(None, Output::Angle),
            Metric::Correlation => unit(Some(RowMap::Centered), Output::Half),
            Metric::Spearman => unit(Some(RowMap::Ranks), Output::Half),
            Metric::Canberra => pair(Pair::Canberra),
            Metric::BrayCurtis => pair(Pair::BrayCurtis),
            Metric::Hamming => pair(Pair::Hamming),
            Metric::Matching => presence(Presence::matching),
            Metric::Jaccard => presence(Presence::jaccard),
            Metric::Dice => presence(Presence::dice),
            Metric::Kulsinski => presence(Presence::kulsinski),
            Metric::RogersTanimoto | Metric::SokalMichener => presence(Presence::rogers_tanimoto),
            Metric::RussellRao => presence(Presence::russell_rao),
            Metric::SokalSneath => presence(Presence::sokal_sneath),
            Metric::Yule => presence(Presence::yule),
            Metric::Haversine => {
                if n_features != 2 {
                    let what = "rows (latitude and longitude)";
                    return Err(Error::ParameterLength {
                        metric: name,
                        parameter: what,
                        expected: 2,
                        got: n_features,
                    });
                }
                pair(Pair::Haversine)
            }
            Metric::Hellinger => mapped(RowMap::RootShares, Base::Squares, Output::RootOfHalf),
            Metric::JensenShannon => mapped(RowMap::Shares, Base::Pair(Pair::JensenShannon), Output::Same),
            Metric::SymmetricKl => mapped(RowMap::SmoothShares, Base::Pair(Pair::SymmetricKl), Output::Same),
            Metric::Wasserstein => mapped(RowMap::CumulativeShares, Base::Absolutes, Output::Linear),
            Metric::CircularWasserstein => {
                mapped(RowMap::CumulativeShares, Base::Pair(Pair::CircularWasserstein), Output::Same)
            }
            Metric::TriangleSector => pair(Pair::TriangleSector),
            Metric::BitHamming => mapped(RowMap::CheckBytes, Base::Pair(Pair::BitHamming), Output::Same),
            Metric::BitJaccard => mapped(RowMap::CheckBytes, Base::Pair(Pair::BitJaccard), Output::Same),
            Metric::Custom(custom) => pair(Pair::Custom(custom.clone())),
        })
    }
}

/// Variances of the features, divided by n − 1.
fn variances<T: Scalar>(points: Points<'_, T>) -> Vec<f64> {
    let (n, width) = (points.n_points(), points.n_features());
    let mut row = vec![T::default(); width];
    let mut mean = vec![0.0; width];
    let mut squares = vec![0.0; width];
    // Welford's recurrence: no cancellation of large sums.
    for i in 0..n {
        points.copy_row(i, &mut row);
        for f in 0..width {
            let x = row[f].to_f64();
            let before = x - mean[f];
            mean[f] += before / (i + 1) as f64;
            squares[f] += before * (x - mean[f]);
        }
    }
    squares.iter().map(|sum| sum / n.saturating_sub(1).max(1) as f64).collect()
}

fn check_power(metric: &'static str, p: f64) -> Result<(), Error> {
    if p > 0.0 {
        return Ok(());
    }
    Err(Error::BadParameter { metric, parameter: "p", value: p, bound: "above 0" })
}

fn check_entries(
    metric: &'static str,
    parameter: &'static str,
    entries: &[f64],
    expected: usize,
    min: f64,
    bound: &'static str,
) -> Result<(), Error> {
    if entries.len() != expected {
        return Err(Error::ParameterLength { metric, parameter, expected, got: entries.len() });
    }
    match entries.iter().find(|x| !(x.is_finite() && **x >= min)) {
        Some(&value) => Err(Error::BadParameter { metric, parameter, value, bound }),
        None => Ok(()),
    }
}

/// L with L Lᵀ = `matrix`, in full, row by row. Directions of no extent are allowed.
fn cholesky(metric: &'static str, matrix: &[f64], width: usize) -> Result<Vec<f64>, Error> {
    let parameter = "VI, the inverse covariance,";
    check_entries(metric, parameter, matrix, width * width, f64::MIN, "finite")?;
    let largest = (0..width).fold(0.0_f64, |m, f| m.max(matrix[f * width + f].abs()));
    // Rounding in a matrix that somebody inverted.
    let tolerance = 1e-8 * largest;
    let mut lower = vec![0.0; width * width];
    for f in 0..width {
        for g in 0..=f {
            let value = matrix[f * width + g];
            let asymmetry = (value - matrix[g * width + f]).abs();
            if asymmetry > tolerance {
                return Err(Error::BadParameter { metric, parameter, value: asymmetry, bound: "symmetric" });
            }
            let products: f64 = (0..g).map(|h| lower[f * width + h] * lower[g * width + h]).sum();
            let rest = value - products;
            lower[f * width + g] = if f == g {
                if rest < -tolerance {
                    return Err(Error::BadParameter {
                        metric,
                        parameter,
                        value: rest,
                        bound: "not negative",
                    });
                }
                rest.max(0.0).sqrt()
            } else {
                let pivot = lower[g * width + g];
                // A pivot of nothing but rounding stands for a direction of no extent.
                if pivot * pivot > tolerance * 1e-4 { rest / pivot } else { 0.0 }
            };
        }
    }
    Ok(lower)
}
