//! One row: the Gaussian at which its neighbors have a given perplexity. Implements \[M1\]–\[M3\], \[M21\].

use fearless_simd::prelude::*;
use fearless_simd::{Simd, f64x8};

use crate::calibration::Reason;
use crate::expo::{CUTOFF, LANES, exp_neg};

/// The iteration ends with a step in ln β below this. Its error is of the order of the cube, 1e-14.
const LAST_STEP: f64 = 2e-5;
/// It also ends when the entropy is this close to its target, relative to 1 + target: a few units in the last place.
const ENTROPY_TOLERANCE: f64 = 4e-15;
/// Longest step in ln β.
const LONGEST_STEP: f64 = 3.0;
/// Evaluations of a row at most: more than bisection alone would need.
const MOST_EVALUATIONS: usize = 120;
/// A row counts as calibrated when its perplexity is within this of the one asked for, relatively.
const PERPLEXITY_TOLERANCE: f64 = 1e-6;

/// One un-normalized Gaussian of the distance to a neighbor, relative to its value at the nearest one (\[M21\]):
/// `weight · exp(−(rate · (d − nearest)) · (rate · (d + nearest)))`.
///
/// The rate √β is applied to both factors of d² − nearest² before they are multiplied, so no square of a distance is
/// ever formed: magnitudes of 1e±150 neither overflow nor vanish, and nearly equal distances do not cancel.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Gaussian {
    pub(crate) nearest: f64,
    pub(crate) rate: f64,
    pub(crate) weight: f64,
}

impl Gaussian {
    /// The values at `distances`.
    #[inline(always)]
    pub(crate) fn at<S: Simd>(&self, simd: S, distances: f64x8<S>) -> f64x8<S> {
        let splat = |value| f64x8::splat(simd, value);
        gaussian_at(simd, splat(self.nearest), splat(self.rate), splat(self.weight), distances)
    }
}

/// The values of several Gaussians, each at a distance of its own that is not below its nearest.
#[inline(always)]
pub(crate) fn gaussian_at<S: Simd>(
    simd: S,
    nearest: f64x8<S>,
    rates: f64x8<S>,
    weights: f64x8<S>,
    distances: f64x8<S>,
) -> f64x8<S> {
    // The largest finite rate stands for a Gaussian without width; the bound keeps 0 · ∞ out.
    let bound = f64x8::splat(simd, 1e150);
    let (low, high) = ((distances - nearest) * rates, (distances + nearest) * rates);
    exp_neg(simd, low.min(bound) * high.min(bound)) * weights
}

/// What the calibration of one row found.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Calibrated {
    /// The Gaussian, its weight set so that the row sums to 1.
    pub(crate) gaussian: Gaussian,
    /// The perplexity it has.
    pub(crate) perplexity: f64,
    /// Why that is not the one asked for, if it is not.
    pub(crate) unreached: Option<Reason>,
}

/// Differences d² − nearest² of one row in units of a power of two, padded with infinities to whole lanes.
#[derive(Debug, Default)]
pub(crate) struct Differences {
    lanes: Vec<[f64; LANES]>,
}

impl Differences {
    #[inline(always)]
    fn fill(&mut self, distances: &[f64], nearest: f64, scale: f64) {
        self.lanes.clear();
        self.lanes.resize(distances.len().div_ceil(LANES), [f64::INFINITY; LANES]);
        for (u, &d) in self.lanes.as_flattened_mut().iter_mut().zip(distances) {
            *u = ((d - nearest) * scale) * ((d + nearest) * scale);
        }
    }

    /// The sum of the weights e^(−x), and the moments of x = βu under them.
    #[inline(always)]
    fn moments<S: Simd>(&self, simd: S, beta: f64) -> Moments {
        let mut sums = [f64x8::splat(simd, 0.0); 4];
        for &u in &self.lanes {
            let x = (f64x8::load_array(simd, u) * beta).min(f64x8::splat(simd, CUTOFF));
            // From the cutoff on the weight is 0, and so is its product with the cutoff.
            let mut power = exp_neg(simd, x);
            for sum in &mut sums {
                *sum += power;
                power *= x;
            }
        }
        let sum = sums[0].reduce_sum();
        let (mean, second, third) =
            (sums[1].reduce_sum() / sum, sums[2].reduce_sum() / sum, sums[3].reduce_sum() / sum);
        let variance = (second - mean * mean).max(0.0);
        let skew = third - mean * (3.0 * second - 2.0 * mean * mean);
        Moments { sum, mean, variance, skew }
    }
}

/// Of x = βu under the weights e^(−x): their sum, and mean, variance and third central moment of x.
#[derive(Clone, Copy, Debug)]
struct Moments {
    sum: f64,
    mean: f64,
    variance: f64,
    skew: f64,
}

impl Moments {
    /// \[M2\].
    #[inline(always)]
    fn entropy(&self) -> f64 {
        self.sum.ln() + self.mean
    }

    /// First and second derivative of the entropy by ln β.
    #[inline(always)]
    fn entropy_derivatives(&self) -> (f64, f64) {
        (-self.variance, self.skew - 2.0 * self.variance)
    }
}

/// Finds the Gaussian at which `distances` have the perplexity `target` (\[M3\]).
///
/// `distances` are finite, not negative, and at least one, and as [`put_nearest_first`] leaves them; `target` is at
/// least 1. A target that the row cannot have is met as nearly as it can be: by the nearest ones alike where too many
/// tie, by all alike where there are too few.
#[inline(always)]
pub(crate) fn calibrate<S: Simd>(
    simd: S,
    distances: &[f64],
    target: f64,
    differences: &mut Differences,
) -> Calibrated {
    let nearest = distances[0];
    let k = distances.len() as f64;
    if target >= k {
        let unreached = (target > k).then_some(Reason::TooFewNeighbors);
        let gaussian = Gaussian { nearest, rate: 0.0, weight: 1.0 / k };
        return Calibrated { gaussian, perplexity: k, unreached };
    }
    let rank = rank_of(target);
    let reference = distances[rank];
    if reference <= nearest {
        return tied(distances, target);
    }

    let scale = inverse_power_of_two(reference);
    differences.fill(distances, nearest, scale);
    let target_entropy = target.ln();
    // In two to ten dimensions the root lies between 1.5 and 4 in these units.
    let mut t = (3.0 / differences.lanes[rank / LANES][rank % LANES]).ln();
    let (mut low, mut high) = (f64::NEG_INFINITY, f64::INFINITY);
    let mut last = (differences.moments(simd, t.exp()), 0.0);
    for _ in 0..MOST_EVALUATIONS {
        let moments = last.0;
        let excess = moments.entropy() - target_entropy;
        if excess.abs() <= ENTROPY_TOLERANCE * (1.0 + target_entropy) {
            break;
        }
        if excess > 0.0 {
            low = t;
        } else {
            high = t;
        }
        let step = halley_step(excess, moments.entropy_derivatives());
        if step.abs() <= LAST_STEP {
            last.1 = step;
            break;
        }
        let next = t + step.clamp(-LONGEST_STEP, LONGEST_STEP);
        t = if low < next && next < high { next } else { 0.5 * (low + high) };
        last = (differences.moments(simd, t.exp()), 0.0);
    }

    // What the last step changes in sum and entropy follows from their derivatives, as exactly as the step itself.
    let (moments, step) = last;
    let (first, second) = moments.entropy_derivatives();
    let perplexity = (moments.entropy() + step * (first + 0.5 * step * second)).exp();
    let log_sum_change = -step * (moments.mean + 0.5 * step * (moments.mean - moments.variance));
    let weight = (-log_sum_change).exp() / moments.sum;
    let gaussian = Gaussian { nearest, rate: (0.5 * (t + step)).exp() * scale, weight };
    let missed = (perplexity - target).abs() > PERPLEXITY_TOLERANCE * target;
    Calibrated { gaussian, perplexity, unreached: missed.then_some(Reason::NotConverged) }
}

/// Halley's step to the root of a decreasing function from its value and first two derivatives; Newton's where the
/// curvature would turn it around. Infinite, in the right direction, where the first derivative has vanished.
#[inline(always)]
fn halley_step(value: f64, (first, second): (f64, f64)) -> f64 {
    let newton = -value / first;
    let correction = 1.0 + 0.5 * newton * (second / first);
    if correction > 0.5 { newton / correction } else { newton }
}

/// As many neighbors as `target`, or more, are nearest: they share the row, the limit of β → ∞.
#[inline(never)]
fn tied(distances: &[f64], target: f64) -> Calibrated {
    let nearest = distances[0];
    let n_nearest = distances.iter().filter(|&&d| d <= nearest).count() as f64;
    let unreached = (n_nearest > target * (1.0 + PERPLEXITY_TOLERANCE)).then_some(Reason::Ties);
    let gaussian = Gaussian { nearest, rate: f64::MAX, weight: 1.0 / n_nearest };
    Calibrated { gaussian, perplexity: n_nearest, unreached }
}

/// Puts the least distance first, and at the rank of `target` what stands there in ascending order: all the order that
/// [`calibrate`] relies on. Time O(n).
pub(crate) fn put_nearest_first(distances: &mut [f64], target: f64) {
    let last = distances.len() - 1;
    distances.select_nth_unstable_by(rank_of(target).min(last), f64::total_cmp);
    distances[..rank_of(target).min(last) + 1].select_nth_unstable_by(0, f64::total_cmp);
}

/// Among the distances up to this one, from 0, not all can be nearest if the row can have the perplexity `target`.
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "target is at least 1; large ones saturate"
)]
fn rank_of(target: f64) -> usize {
    target.ceil() as usize - 1
}

/// A power of two that brings `x` > 0 into 1..2, or as near to it as a finite factor can.
#[inline(always)]
pub(crate) fn inverse_power_of_two(x: f64) -> f64 {
    let exponent = (x.to_bits() >> 52).clamp(1, 2045);
    f64::from_bits((2046 - exponent) << 52)
}
