//! How a family weighs the neighbors of a row: as a sum of Gaussians. Implements \[M22\]–\[M25\].

use std::ops::Range;

use fearless_simd::prelude::*;
use fearless_simd::{Simd, f32x16, f64x8};
use tsne_core::{GraphError, Scalar, Typed};

use crate::calibration::Scale;
use crate::expo::{ExpLanes, LANES};
use crate::row::{Gaussian, Search, calibrate, inverse_power_of_two};
use crate::view::{View, check_distances};

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

/// Rows that are fitted at a time.
pub(crate) const ROWS_AT_ONCE: usize = 8;

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

    /// Checks the distances of some rows of `view` and finds their Gaussians, whose values at them sum to 1.
    ///
    /// What is found in a row does not depend on the rows it is found with.
    #[inline(always)]
    pub(crate) fn fit_rows<S: Simd, T: Scalar>(
        &self,
        simd: S,
        view: View<'_, T>,
        rows: Range<usize>,
        searches: &mut Vec<Search>,
        gaussians: &mut [Gaussian],
        scales: &mut [Scale],
    ) -> Result<(), GraphError> {
        let n_gaussians = self.n_gaussians();
        searches.resize_with(rows.len(), Search::default);
        for (i, search) in rows.clone().zip(&mut *searches) {
            search.distances.clear();
            search.distances.extend(view.distances(i).iter().map(|d| d.to_f64()));
            check_distances(i, &search.distances)?;
        }
        match self {
            Self::Perplexities(_, combine) => {
                for (which, scale) in scales.iter_mut().enumerate() {
                    calibrate(simd, searches, scale.perplexity, accuracy::<T>(), |at, found| {
                        gaussians[at * n_gaussians + which] = found.gaussian;
                        scale.see(rows.start + at, &found);
                    });
                }
                if n_gaussians > 1 {
                    gaussians.chunks_exact_mut(n_gaussians).for_each(|row| combine.set_weights(row));
                }
            }
            Self::Sigma(sigma) => {
                let rate = std::f64::consts::FRAC_1_SQRT_2 / sigma;
                for (to, Search { distances, .. }) in gaussians.iter_mut().zip(searches) {
                    let gaussian = Gaussian { nearest: distances[0], rate, weight: 1.0 };
                    *to = Gaussian { weight: 1.0 / sum_at(simd, gaussian, distances), ..gaussian };
                }
            }
            Self::Uniform => {
                for (to, Search { distances, .. }) in gaussians.iter_mut().zip(searches) {
                    *to = Gaussian { nearest: distances[0], rate: 0.0, weight: 1.0 / distances.len() as f64 };
                }
            }
        }
        Ok(())
    }
}

/// How near the perplexity of a row is to come to the one asked for, relatively.
pub(crate) fn accuracy<T: Scalar>() -> f64 {
    (1e-3 * T::EPSILON.to_f64()).max(1e-14)
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

/// The power of two in which f32 is still normal, and so is its inverse.
const SMALLEST_UNIT_F32: f64 = f32::MIN_POSITIVE as f64;

/// Writes the sum of `gaussians` at `distances`, which ascend, times `factor`, to `values`.
///
/// A value depends on the row alone: the same edge gives the same bits whoever asks.
#[inline(always)]
pub(crate) fn values_at<S: Simd, T: Scalar>(
    simd: S,
    gaussians: &[Gaussian],
    factor: f64,
    distances: &[T],
    values: &mut [T],
) {
    // In units near the largest, so that no power of two decides whether f32 is enough.
    let largest = distances[distances.len() - 1].to_f64();
    let unit = inverse_power_of_two(largest).clamp(SMALLEST_UNIT_F32, 1.0 / SMALLEST_UNIT_F32);
    let fit_f32 = gaussians.iter().all(|gaussian| gaussian.in_units(unit).fits_f32());
    if let (true, Typed::F32(distances), Typed::F32(values)) =
        (fit_f32, T::typed(distances), T::typed_mut(values))
    {
        let load = |distances: &[f32; 2 * LANES]| f32x16::load_array(simd, *distances);
        let store = |values: &mut [f32; 2 * LANES], lanes: f32x16<S>| *values = lanes.to_array();
        return values_in_lanes(simd, gaussians, factor, unit, distances, values, load, store);
    }
    let load = |distances: &[T; LANES]| f64x8::load_array(simd, distances.map(T::to_f64));
    let store = |values: &mut [T; LANES], lanes: f64x8<S>| *values = lanes.to_array().map(T::lit);
    values_in_lanes(simd, gaussians, factor, 1.0, distances, values, load, store);
}

#[inline(always)]
fn values_in_lanes<S: Simd, V: ExpLanes<S>, T: Scalar, const N: usize>(
    simd: S,
    gaussians: &[Gaussian],
    factor: f64,
    unit: f64,
    distances: &[T],
    values: &mut [T],
    load: impl Fn(&[T; N]) -> V,
    store: impl Fn(&mut [T; N], V),
) {
    let (whole, rest) = distances.as_chunks::<N>();
    let (whole_values, rest_values) = values.as_chunks_mut::<N>();
    for (distances, values) in whole.iter().zip(whole_values) {
        store(values, sum_of(simd, gaussians, factor, unit, load(distances)));
    }
    if !rest.is_empty() {
        // The lanes beyond the end repeat the last distance and are not stored.
        let (mut lanes, mut lane_values) = ([rest[rest.len() - 1]; N], [T::default(); N]);
        lanes[..rest.len()].copy_from_slice(rest);
        store(&mut lane_values, sum_of(simd, gaussians, factor, unit, load(&lanes)));
        rest_values.copy_from_slice(&lane_values[..rest.len()]);
    }
}

/// The sum of Gaussians, times `factor`, computed in units of distance.
#[inline(always)]
fn sum_of<S: Simd, V: ExpLanes<S>>(
    simd: S,
    gaussians: &[Gaussian],
    factor: f64,
    unit: f64,
    distances: V,
) -> V {
    let distances = distances * V::constant(simd, unit);
    let mut sum = gaussians[0].in_units(unit).at(simd, distances);
    for gaussian in &gaussians[1..] {
        sum += gaussian.in_units(unit).at(simd, distances);
    }
    sum * V::constant(simd, factor)
}
