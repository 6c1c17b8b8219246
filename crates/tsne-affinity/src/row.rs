//! One row: the Gaussian at which its neighbors have a given perplexity. Implements [M1]–[M3] and [M20], [M21].

use crate::calibration::Reason;
use crate::expo::{CUTOFF, LANES, exp_neg};

/// Newton's iteration stops when a step in ln β is below this. The error left is of the order of its square.
const STEP_TOLERANCE: f64 = 1e-7;
/// ... or when the entropy is this close to its target, relative to 1 + target: a few units in the last place.
const ENTROPY_TOLERANCE: f64 = 4e-15;
/// Longest step in ln β while the root is not bracketed on both sides.
const LONGEST_STEP: f64 = 3.0;
/// Four to five evaluations are the rule; the most seen is 40, for perplexities within 1e-15 of what ties allow.
const MOST_EVALUATIONS: usize = 120;
/// A row counts as calibrated when its perplexity is within this of the one asked for, relatively.
const PERPLEXITY_TOLERANCE: f64 = 1e-6;

/// One un-normalized Gaussian of the distance to a neighbor, relative to its value at the nearest one:
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
    /// The exponent at distance `d`: never negative for d ≥ nearest, and never NaN where it matters.
    #[inline(always)]
    fn exponent(nearest: f64, rate: f64, d: f64) -> f64 {
        // The largest finite rate stands for a Gaussian without width; the bounds keep 0 · ∞ out.
        let bounded = |x: f64| if x < 1e150 { x } else { 1e150 };
        bounded(rate * (d - nearest)) * bounded(rate * (d + nearest))
    }

    /// The value at distance `d`.
    #[inline(always)]
    pub(crate) fn at(nearest: f64, rate: f64, weight: f64, d: f64) -> f64 {
        weight * exp_neg(Self::exponent(nearest, rate, d))
    }
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
        let lanes = self.lanes.as_flattened_mut();
        for (u, &d) in lanes.iter_mut().zip(distances) {
            *u = ((d - nearest) * scale) * ((d + nearest) * scale);
        }
    }

    /// Sum of the weights e^(−βu), and mean and variance of βu under them.
    #[inline(always)]
    fn moments(&self, beta: f64) -> Moments {
        let (mut sums, mut firsts, mut seconds) = ([0.0; LANES], [0.0; LANES], [0.0; LANES]);
        for u in &self.lanes {
            for lane in 0..LANES {
                let x = beta * u[lane];
                // Infinity, and infinity times 0, count as the cutoff, where the weight is 0.
                let x = if x < CUTOFF { x } else { CUTOFF };
                let w = exp_neg(x);
                let wx = w * x;
                sums[lane] += w;
                firsts[lane] += wx;
                seconds[lane] += wx * x;
            }
        }
        let (sum, first, second) = (total(&sums), total(&firsts), total(&seconds));
        let mean = first / sum;
        Moments { sum, mean, variance: second / sum - mean * mean }
    }
}

/// Sum in a fixed order.
#[inline(always)]
fn total(lanes: &[f64; LANES]) -> f64 {
    let mut halves = *lanes;
    let mut width = LANES / 2;
    while width > 0 {
        for lane in 0..width {
            halves[lane] += halves[lane + width];
        }
        width /= 2;
    }
    halves[0]
}

#[derive(Clone, Copy, Debug)]
struct Moments {
    sum: f64,
    mean: f64,
    variance: f64,
}

impl Moments {
    /// [M2].
    #[inline(always)]
    fn entropy(&self) -> f64 {
        self.sum.ln() + self.mean
    }
}

/// Finds the Gaussian at which `distances` have the perplexity `target` ([M3]).
///
/// `distances` ascend, are finite, not negative, and at least one; `target` is at least 1. A target that the row cannot
/// have is met as nearly as it can be: by the nearest ones alike where too many tie, by all alike where there are too
/// few. Always inlined into the loop over rows, see [`exp_neg`].
#[inline(always)]
pub(crate) fn calibrate(distances: &[f64], target: f64, differences: &mut Differences) -> Calibrated {
    let nearest = distances[0];
    let k = distances.len() as f64;
    if target >= k {
        let unreached = (target > k).then_some(Reason::TooFewNeighbors);
        let gaussian = Gaussian { nearest, rate: 0.0, weight: 1.0 / k };
        return Calibrated { gaussian, perplexity: k, unreached };
    }
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "1 ≤ target < k")]
    let rank = target.ceil() as usize - 1;
    let reference = distances[rank];
    if reference <= nearest {
        return tied(distances, target);
    }

    let scale = inverse_power_of_two(reference);
    differences.fill(distances, nearest, scale);
    let at_rank = differences.lanes[rank / LANES][rank % LANES];
    let target_entropy = target.ln();
    // In two to ten dimensions the root lies between 1.5 and 4 in these units.
    let mut t = (3.0 / at_rank).ln();
    let (mut low, mut high) = (f64::NEG_INFINITY, f64::INFINITY);
    for _ in 0..MOST_EVALUATIONS {
        let moments = differences.moments(t.exp());
        let excess = moments.entropy() - target_entropy;
        if excess.abs() <= ENTROPY_TOLERANCE * (1.0 + target_entropy) {
            break;
        }
        if excess > 0.0 {
            low = t;
        } else {
            high = t;
        }
        // Where all weights but one have vanished the variance is 0 and the step infinite, in the right direction.
        let step = (excess / moments.variance.max(0.0)).clamp(-LONGEST_STEP, LONGEST_STEP);
        if step.abs() <= STEP_TOLERANCE {
            t += step;
            break;
        }
        let newton = t + step;
        t = if low < newton && newton < high { newton } else { 0.5 * (low + high) };
    }
    let beta = t.exp();
    let moments = differences.moments(beta);
    let perplexity = moments.entropy().exp();
    let gaussian = Gaussian { nearest, rate: beta.sqrt() * scale, weight: 1.0 / moments.sum };
    let missed = (perplexity - target).abs() > PERPLEXITY_TOLERANCE * target;
    Calibrated { gaussian, perplexity, unreached: missed.then_some(Reason::NotConverged) }
}

/// As many neighbors as `target`, or more, are nearest: they share the row, the limit of β → ∞.
#[inline(never)]
fn tied(distances: &[f64], target: f64) -> Calibrated {
    let nearest = distances[0];
    let n_nearest = distances.iter().take_while(|&&d| d <= nearest).count() as f64;
    let unreached = (n_nearest > target * (1.0 + PERPLEXITY_TOLERANCE)).then_some(Reason::Ties);
    let gaussian = Gaussian { nearest, rate: f64::MAX, weight: 1.0 / n_nearest };
    Calibrated { gaussian, perplexity: n_nearest, unreached }
}

/// A power of two that brings `x` > 0 into 1..2, or as near to it as a finite factor can.
#[inline(always)]
fn inverse_power_of_two(x: f64) -> f64 {
    let exponent = (x.to_bits() >> 52).clamp(1, 2045);
    f64::from_bits((2046 - exponent) << 52)
}
