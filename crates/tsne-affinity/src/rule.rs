//! How a family weighs the neighbors of a row: as a sum of Gaussians. Implements \[M22\]–\[M25\].

use fearless_simd::prelude::*;
use fearless_simd::{Simd, f64x8};
use tsne_core::{GraphError, Scalar};

use crate::calibration::Scale;
use crate::expo::LANES;
use crate::row::{Differences, Gaussian, calibrate};
use crate::view::check_distances;

/// What the Gaussians of a row are made of.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Rule {
    /// One for each perplexity, put together in one of two ways.
    Perplexities(Vec<f64>, Combine),
    /// One with this standard deviation. \[M24\]
    Sigma(f64),
    /// One without end: all neighbors alike. \[M25\]
    Uniform,
}

/// How the Gaussians of several perplexities become one row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Combine {
    /// The sum of Gaussians of unit mass, then normalized: the narrow ones count where there are near neighbors. \[M22\]
    Mixture,
    /// The average of rows that are normalized each. \[M23\]
    Average,
}

/// Buffers of whoever fits rows.
#[derive(Debug, Default)]
pub(crate) struct RowScratch {
    distances: Vec<f64>,
    differences: Differences,
}

impl Rule {
    /// Gaussians in a row.
    pub(crate) fn n_gaussians(&self) -> usize {
        match self {
            Self::Perplexities(perplexities, _) => perplexities.len(),
            Self::Sigma(_) | Self::Uniform => 1,
        }
    }

    /// A report of no rows.
    pub(crate) fn no_scales(&self) -> Vec<Scale> {
        match self {
            Self::Perplexities(perplexities, _) => perplexities.iter().map(|&p| Scale::new(p)).collect(),
            Self::Sigma(_) | Self::Uniform => Vec::new(),
        }
    }

    /// Checks the distances of a row and finds its Gaussians, whose values at them sum to 1.
    #[inline(always)]
    pub(crate) fn fit_row<S: Simd, T: Scalar>(
        &self,
        simd: S,
        row: usize,
        distances: &[T],
        scratch: &mut RowScratch,
        gaussians: &mut [Gaussian],
        scales: &mut [Scale],
    ) -> Result<(), GraphError> {
        scratch.distances.clear();
        scratch.distances.extend(distances.iter().map(|d| d.to_f64()));
        let distances = &scratch.distances;
        check_distances(row, distances)?;
        match self {
            Self::Perplexities(_, combine) => {
                for (gaussian, scale) in gaussians.iter_mut().zip(scales) {
                    let found = calibrate(simd, distances, scale.perplexity, &mut scratch.differences);
                    *gaussian = found.gaussian;
                    scale.see(row, &found);
                }
                if gaussians.len() > 1 {
                    combine.set_weights(gaussians);
                }
            }
            Self::Sigma(sigma) => {
                let rate = std::f64::consts::FRAC_1_SQRT_2 / sigma;
                let gaussian = Gaussian { nearest: distances[0], rate, weight: 1.0 };
                let weight = 1.0 / sum_at(simd, gaussian, distances);
                gaussians[0] = Gaussian { weight, ..gaussian };
            }
            Self::Uniform => {
                let weight = 1.0 / distances.len() as f64;
                gaussians[0] = Gaussian { nearest: distances[0], rate: 0.0, weight };
            }
        }
        Ok(())
    }
}

impl Combine {
    /// Sets the weights of Gaussians that sum to 1 each so that all of them together do.
    fn set_weights(self, gaussians: &mut [Gaussian]) {
        let mixture = (self == Self::Mixture).then(|| MixtureShares::of(gaussians)).flatten();
        let share = |g: &Gaussian| mixture.map_or(1.0, |mixture| mixture.of_gaussian(g));
        let total: f64 = gaussians.iter().map(share).sum();
        for gaussian in gaussians {
            gaussian.weight *= share(gaussian) / total;
        }
    }
}

/// Shares of Gaussians that sum to 1 each in a mixture of Gaussians of unit mass: the sums over the row of
/// √β exp(−β d²), relative to the largest.
#[derive(Clone, Copy)]
struct MixtureShares {
    largest: Gaussian,
}

impl MixtureShares {
    /// None where no Gaussian has a finite width, and all are alike.
    fn of(gaussians: &[Gaussian]) -> Option<Self> {
        let largest = gaussians.iter().max_by(|a, b| Self::log_share(a).total_cmp(&Self::log_share(b)))?;
        (Self::log_share(largest) > f64::NEG_INFINITY).then_some(Self { largest: *largest })
    }

    fn exponent(g: &Gaussian) -> f64 {
        (g.rate * g.nearest) * (g.rate * g.nearest)
    }

    /// A Gaussian without width has no bound to its height: where more neighbors than the perplexity are in the place
    /// of the point it takes the row, and where they are elsewhere it is nothing. So is one without an end.
    fn log_share(g: &Gaussian) -> f64 {
        match (g.rate == f64::MAX, g.nearest == 0.0) {
            (true, true) => f64::INFINITY,
            (true, false) => f64::NEG_INFINITY,
            (false, _) => g.rate.ln() - Self::exponent(g) - g.weight.ln(),
        }
    }

    /// By ratios and differences, which a change of units by a power of two leaves as they are, to the bit.
    fn of_gaussian(self, g: &Gaussian) -> f64 {
        let log_share = Self::log_share(g);
        if log_share == f64::NEG_INFINITY || Self::log_share(&self.largest) == f64::INFINITY {
            return f64::from(u8::from(log_share == f64::INFINITY));
        }
        let height = g.rate / self.largest.rate * (Self::exponent(&self.largest) - Self::exponent(g)).exp();
        height * (self.largest.weight / g.weight)
    }
}

/// Sum of a Gaussian at some distances.
#[inline(always)]
fn sum_at<S: Simd>(simd: S, gaussian: Gaussian, distances: &[f64]) -> f64 {
    let (whole, rest) = distances.as_chunks::<LANES>();
    let mut sum = f64x8::splat(simd, 0.0);
    for &lanes in whole {
        sum += gaussian.at(simd, f64x8::load_array(simd, lanes));
    }
    let mut lanes = [f64::INFINITY; LANES];
    lanes[..rest.len()].copy_from_slice(rest);
    sum.reduce_sum() + gaussian.at(simd, f64x8::load_array(simd, lanes)).reduce_sum()
}

/// Writes the sum of `gaussians` at `distances`, times `factor`, to `values`.
///
/// A value depends on its distance alone: the same edge gives the same bits whoever asks.
#[inline(always)]
pub(crate) fn values_at<S: Simd, T: Scalar>(
    simd: S,
    gaussians: &[Gaussian],
    factor: f64,
    distances: &[T],
    values: &mut [T],
) {
    let (whole, rest) = distances.as_chunks::<LANES>();
    let (whole_values, rest_values) = values.as_chunks_mut::<LANES>();
    for (distances, values) in whole.iter().zip(whole_values) {
        values_of_lanes(simd, gaussians, factor, distances, values);
    }
    if !rest.is_empty() {
        // The lanes beyond the end repeat the last distance and are not stored.
        let (mut lanes, mut lane_values) = ([rest[rest.len() - 1]; LANES], [T::default(); LANES]);
        lanes[..rest.len()].copy_from_slice(rest);
        values_of_lanes(simd, gaussians, factor, &lanes, &mut lane_values);
        rest_values.copy_from_slice(&lane_values[..rest.len()]);
    }
}

#[inline(always)]
fn values_of_lanes<S: Simd, T: Scalar>(
    simd: S,
    gaussians: &[Gaussian],
    factor: f64,
    distances: &[T; LANES],
    values: &mut [T; LANES],
) {
    let mut lanes = [0.0; LANES];
    for lane in 0..LANES {
        lanes[lane] = distances[lane].to_f64();
    }
    let lanes = f64x8::load_array(simd, lanes);
    let mut sum = gaussians[0].at(simd, lanes);
    for gaussian in &gaussians[1..] {
        sum += gaussian.at(simd, lanes);
    }
    let sum = (sum * factor).to_array();
    for lane in 0..LANES {
        values[lane] = T::lit(sum[lane]);
    }
}
