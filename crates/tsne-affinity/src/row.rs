//! One row: the Gaussian at which its neighbors have a given perplexity. Implements \[M1\]–\[M3\], \[M21\].

use fearless_simd::prelude::*;
use fearless_simd::{Simd, f64x8};

use crate::calibration::Reason;
use crate::expo::{ExpLanes, LANES, exp_neg};

/// The search starts at the ln β of this over the geometric mean of two differences, at the perplexity and three times it.
const GUESS: f64 = 4.2;
/// The second is taken to be this many times the first at most.
const LONGEST_REACH: f64 = 16.0;
/// It ends when the entropy is this close to its target, relative to 1 + target: a few units in the last place.
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
    pub(crate) fn at<S: Simd, V: ExpLanes<S>>(&self, simd: S, distances: V) -> V {
        let lanes = |value| V::constant(simd, value);
        gaussian_at(simd, lanes(self.nearest), lanes(self.rate), lanes(self.weight), distances)
    }

    /// The same Gaussian of distances that are multiplied by `unit`, a power of two.
    #[inline(always)]
    pub(crate) fn in_units(&self, unit: f64) -> Self {
        Self { nearest: self.nearest * unit, rate: self.rate / unit, weight: self.weight }
    }

    /// Whether f32 can compute it to its own precision, wherever it is not negligible, at distances of moderate size.
    #[inline(always)]
    pub(crate) fn fits_f32(&self) -> bool {
        (1e-17..1e17).contains(&self.rate) && (1e-17..1e17).contains(&self.weight)
    }
}

/// The values of several Gaussians, each at a distance of its own that is not below its nearest.
#[inline(always)]
pub(crate) fn gaussian_at<S: Simd, V: ExpLanes<S>>(
    simd: S,
    nearest: V,
    rates: V,
    weights: V,
    distances: V,
) -> V {
    // The largest finite rate stands for a Gaussian without width; the bound keeps 0 · ∞ out.
    let bound = V::constant(simd, V::SQUARE_IS_FINITE);
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

/// A row whose Gaussian is searched, and the buffers for it.
#[derive(Debug, Default)]
pub(crate) struct Search {
    /// Finite, not negative, at least one, and ordered as [`put_in_place`] leaves them.
    pub(crate) distances: Vec<f64>,
    /// Differences d² − nearest² in units of a power of two, padded with infinities to whole lanes.
    differences: Vec<[f64; LANES]>,
    /// The power of two.
    scale: f64,
    /// ln β, where `moments` were taken, and what is known to be below and above the root.
    t: f64,
    low: f64,
    high: f64,
    moments: Moments,
    /// From `t` to the root: short enough to be taken without another look.
    last_step: f64,
    /// Nothing while the search goes on.
    found: Option<Calibrated>,
}

/// Finds the Gaussians at which the distances of `rows` have the perplexity `target` (\[M3\]), and hands them to
/// `found`, row after row.
///
/// `target` is at least 1. One that a row cannot have is met as nearly as it can be: by the nearest ones alike where too
/// many tie, by all alike where there are too few. The perplexities of the others are within `accuracy` of it,
/// relatively, but for rounding.
///
/// A row spends most of its time waiting for the logarithm of one look before the next, so several are searched in step.
#[inline(always)]
pub(crate) fn calibrate<S: Simd>(
    simd: S,
    rows: &mut [Search],
    target: f64,
    accuracy: f64,
    mut found: impl FnMut(usize, Calibrated),
) {
    let longest_last_step = accuracy.cbrt();
    for row in &mut *rows {
        row.start(target);
    }
    for _ in 0..MOST_EVALUATIONS {
        for row in rows.iter_mut().filter(|row| row.found.is_none()) {
            row.moments = moments(simd, &row.differences, row.t.exp());
        }
        let mut searching = false;
        for row in rows.iter_mut().filter(|row| row.found.is_none()) {
            row.advance(target, longest_last_step);
            searching |= row.found.is_none();
        }
        if !searching {
            break;
        }
    }
    for (at, row) in rows.iter_mut().enumerate() {
        let not_converged = || row.result(target);
        found(at, row.found.unwrap_or_else(not_converged));
    }
}

impl Search {
    /// Ends the search at once where there is none, or prepares it.
    #[inline(always)]
    fn start(&mut self, target: f64) {
        let distances = &self.distances;
        let (nearest, k) = (distances[0], distances.len() as f64);
        if target >= k {
            let unreached = (target > k).then_some(Reason::TooFewNeighbors);
            let gaussian = Gaussian { nearest, rate: 0.0, weight: 1.0 / k };
            self.found = Some(Calibrated { gaussian, perplexity: k, unreached });
            return;
        }
        let [rank, reach] = ranks_of(target, distances.len());
        if distances[rank] <= nearest {
            self.found = Some(tied(distances, target));
            return;
        }

        let scale = inverse_power_of_two(distances[rank]);
        self.differences.clear();
        self.differences.resize(distances.len().div_ceil(LANES), [f64::INFINITY; LANES]);
        let differences = self.differences.as_flattened_mut();
        for (u, &d) in differences.iter_mut().zip(distances) {
            *u = ((d - nearest) * scale) * ((d + nearest) * scale);
        }
        // From two dimensions to many the root lies within a third of this; far outliers are cut off.
        let reach = differences[reach].min(LONGEST_REACH * differences[rank]);
        self.t = (GUESS / (differences[rank] * reach).sqrt()).ln();
        (self.scale, self.low, self.high) = (scale, f64::NEG_INFINITY, f64::INFINITY);
        self.found = None;
    }

    /// Goes from the moments at `t` to the next `t`, or ends the search.
    #[inline(always)]
    fn advance(&mut self, target: f64, longest_last_step: f64) {
        let target_entropy = target.ln();
        let excess = self.moments.entropy() - target_entropy;
        self.last_step = 0.0;
        if excess.abs() <= ENTROPY_TOLERANCE * (1.0 + target_entropy) {
            self.found = Some(self.result(target));
            return;
        }
        let step = halley_step(excess, self.moments.entropy_derivatives());
        if step.abs() <= longest_last_step {
            self.last_step = step;
            self.found = Some(self.result(target));
            return;
        }
        if excess > 0.0 {
            self.low = self.t;
        } else {
            self.high = self.t;
        }
        let next = self.t + step.clamp(-LONGEST_STEP, LONGEST_STEP);
        self.t = if self.low < next && next < self.high { next } else { 0.5 * (self.low + self.high) };
    }

    /// What there is one last step from `t`. How it changes sum and entropy follows from their derivatives, as exactly
    /// as the step itself.
    #[inline(always)]
    fn result(&self, target: f64) -> Calibrated {
        let (moments, step) = (&self.moments, self.last_step);
        let (first, second) = moments.entropy_derivatives();
        let entropy_change = step * (first + 0.5 * step * second);
        let log_sum_change = -step * (moments.mean + 0.5 * step * (moments.mean - moments.variance));
        let perplexity = (moments.entropy() + entropy_change).exp();
        let missed = (perplexity - target).abs() > PERPLEXITY_TOLERANCE * target;
        let gaussian = Gaussian {
            nearest: self.distances[0],
            rate: (0.5 * (self.t + step)).exp() * self.scale,
            weight: (-log_sum_change).exp() / moments.sum,
        };
        Calibrated { gaussian, perplexity, unreached: missed.then_some(Reason::NotConverged) }
    }
}

/// Of x = βu under the weights e^(−x): their sum, and mean, variance and third central moment of x.
#[derive(Clone, Copy, Debug, Default)]
struct Moments {
    sum: f64,
    mean: f64,
    variance: f64,
    skew: f64,
}

/// The moments at β for differences u.
#[inline(always)]
fn moments<S: Simd>(simd: S, differences: &[[f64; LANES]], beta: f64) -> Moments {
    let mut sums = [f64x8::splat(simd, 0.0); 4];
    for &u in differences {
        let x =
            (f64x8::load_array(simd, u) * beta).min(f64x8::splat(simd, <f64x8<S> as ExpLanes<S>>::CUTOFF));
        // From the cutoff on the weight is 0, and so is its product with the cutoff.
        let mut power = exp_neg(simd, x);
        for sum in &mut sums {
            *sum += power;
            power *= x;
        }
    }
    let sum = sums[0].reduce_sum();
    let [mean, second, third] = [1, 2, 3].map(|power| sums[power].reduce_sum() / sum);
    let variance = (second - mean * mean).max(0.0);
    let skew = third - mean * (3.0 * second - 2.0 * mean * mean);
    Moments { sum, mean, variance, skew }
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

/// Puts those distances in place whose rank counts in a search for the perplexity `target`: all the order that
/// [`calibrate`] relies on. Time O(n).
pub(crate) fn put_in_place(distances: &mut [f64], target: f64) {
    let [rank, reach] = ranks_of(target, distances.len());
    distances.select_nth_unstable_by(reach, f64::total_cmp);
    distances[..=reach].select_nth_unstable_by(rank, f64::total_cmp);
    distances[..=rank].select_nth_unstable_by(0, f64::total_cmp);
}

/// Ranks, from 0, of two among `n` distances. Up to the first not all can be nearest if the row can have the perplexity
/// `target`; up to the second a row usually reaches.
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "target is at least 1; large ones saturate"
)]
fn ranks_of(target: f64, n: usize) -> [usize; 2] {
    [target, 3.0 * target].map(|rank| (rank.ceil() as usize).min(n) - 1)
}

/// A power of two that brings `x` > 0 into 1..2, or as near to it as a finite factor can.
#[inline(always)]
pub(crate) fn inverse_power_of_two(x: f64) -> f64 {
    let exponent = (x.to_bits() >> 52).clamp(1, 2045);
    f64::from_bits((2046 - exponent) << 52)
}
