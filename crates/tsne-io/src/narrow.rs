//! Brings data of any offset and magnitude into the comfortable range of `f32`, without losing differences.
//!
//! t-SNE sees only differences between rows. A column of times around 1e9 that differ by seconds, or values of size
//! 1e150, would lose those differences (or overflow) if simply rounded to `f32`; so every column is first shifted to
//! a center of its own, then everything is scaled by one power of two.

/// Rows of a column looked at to find its center.
const SAMPLE: usize = 1001;

/// How data were shifted and scaled: `data = (result · 2^exponent) + center`, column by column.
///
/// Shifting keeps Euclidean and other translation-invariant distances, and no others; a power of two keeps their
/// ratios exactly.
#[derive(Clone, Debug, PartialEq)]
pub struct Narrowing {
    centers: Vec<f64>,
    exponent: i32,
}

impl Narrowing {
    /// Finds center and scale of row-major `values` (finite) with rows of `n_features`.
    ///
    /// The center of a column is near its median, rounded so that integers stay integers; hence data that `f32`
    /// holds exactly in the first place are usually not changed but for the power of two. Time O(n D).
    ///
    /// # Panics
    /// If `n_features` is 0 or `values` is not a whole number of rows.
    #[must_use]
    pub fn of<E: Copy + Into<f64>>(values: &[E], n_features: usize) -> Self {
        assert!(n_features > 0, "a row needs at least one feature");
        assert_eq!(values.len() % n_features, 0, "values must be a whole number of rows");
        let n_rows = values.len() / n_features;
        let stride = n_rows.div_ceil(SAMPLE).max(1);
        let mut sample = Vec::with_capacity(SAMPLE);
        let centers: Vec<f64> = (0..n_features)
            .map(|column| {
                sample.clear();
                sample
                    .extend((0..n_rows).step_by(stride).map(|row| values[row * n_features + column].into()));
                center(&mut sample)
            })
            .collect();
        let largest = values
            .chunks_exact(n_features)
            .flat_map(|row| row.iter().zip(&centers).map(|(&x, c)| (x.into() - c).abs()))
            .fold(0.0, f64::max);
        let exponent = match largest {
            0.0 => 0,
            f64::INFINITY => 1024,
            largest => exponent_of(largest),
        };
        Self { centers, exponent }
    }

    /// From its parts, for instance read back from a file; none when there is no center or one is not finite.
    #[must_use]
    pub fn from_parts(centers: Vec<f64>, exponent: i32) -> Option<Self> {
        let is_valid = !centers.is_empty() && centers.iter().all(|center| center.is_finite());
        is_valid.then_some(Self { centers, exponent })
    }

    /// What was subtracted from each column.
    #[must_use]
    pub fn centers(&self) -> &[f64] {
        &self.centers
    }

    /// The power of two that everything was divided by then.
    #[must_use]
    pub fn exponent(&self) -> i32 {
        self.exponent
    }

    /// Shifted and scaled values, of size at most 2, in `f64`.
    ///
    /// # Panics
    /// If `values` is not a whole number of rows.
    pub fn apply(&self, values: &mut [f64]) {
        assert_eq!(values.len() % self.centers.len(), 0, "values must be a whole number of rows");
        for row in values.chunks_exact_mut(self.centers.len()) {
            for (x, &c) in row.iter_mut().zip(&self.centers) {
                *x = self.narrowed(*x, c);
            }
        }
    }

    /// Shifted and scaled values, of size at most 2, rounded to `f32`.
    ///
    /// # Panics
    /// If `values` is not a whole number of rows.
    #[must_use]
    #[allow(clippy::cast_possible_truncation, reason = "rounding to the type is the purpose")]
    pub fn to_f32<E: Copy + Into<f64>>(&self, values: &[E]) -> Vec<f32> {
        assert_eq!(values.len() % self.centers.len(), 0, "values must be a whole number of rows");
        let rows = values.chunks_exact(self.centers.len());
        rows.flat_map(|row| row.iter().zip(&self.centers).map(|(&x, &c)| self.narrowed(x.into(), c) as f32))
            .collect()
    }

    /// A distance between shifted and scaled rows, in the units of the data.
    #[must_use]
    pub fn distance_in_data_units(&self, distance: f64) -> f64 {
        times_power_of_two(distance, self.exponent)
    }

    #[inline]
    fn narrowed(&self, x: f64, center: f64) -> f64 {
        let difference = x - center;
        if difference.is_finite() {
            times_power_of_two(difference, -self.exponent)
        } else {
            times_power_of_two(x / 2.0 - center / 2.0, 1 - self.exponent)
        }
    }
}

/// A number near the median of a column, a multiple of the largest power of two within its interquartile range.
///
/// The median, because one outlier moves a mean away from everything else; coarse, because subtracting a multiple of
/// such a power of two from integers gives integers.
fn center(sample: &mut [f64]) -> f64 {
    if sample.is_empty() {
        return 0.0;
    }
    sample.sort_unstable_by(f64::total_cmp);
    let median = sample[sample.len() / 2];
    let half_range = sample[sample.len() * 3 / 4] / 2.0 - sample[sample.len() / 4] / 2.0;
    if half_range == 0.0 {
        return median;
    }
    let grid = exponent_of(half_range) + 1;
    let rounded = times_power_of_two(times_power_of_two(median, -grid).round(), grid);
    // A median far beyond the grid overflows on the way there, one near the largest number on the way back.
    if rounded.is_finite() { rounded } else { median }
}

/// The e for which |x| is in [2^e, 2^(e+1)), for finite x other than 0.
#[allow(clippy::cast_possible_truncation, reason = "the masked exponent has 11 bits")]
pub(crate) fn exponent_of(x: f64) -> i32 {
    let biased = |x: f64| (x.to_bits() >> 52 & 0x7ff) as i32;
    match biased(x) {
        0 => biased(x * 2.0_f64.powi(64)) - 1023 - 64,
        exponent => exponent - 1023,
    }
}

/// `x · 2^exponent`, rounded once at most unless both are tiny.
pub(crate) fn times_power_of_two(mut x: f64, mut exponent: i32) -> f64 {
    // Powers of two are normal numbers between 2^-1022 and 2^1023; farther ones take several steps.
    while exponent > 1023 {
        x *= 2.0_f64.powi(1023);
        exponent -= 1023;
    }
    while exponent < -1022 {
        x *= 2.0_f64.powi(-1000);
        exponent += 1000;
    }
    x * 2.0_f64.powi(exponent)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn exponents() {
        for (x, e) in [
            (1.0, 0),
            (1.99, 0),
            (2.0, 1),
            (0.5, -1),
            (f64::MAX, 1023),
            (f64::MIN_POSITIVE, -1022),
            (5e-324, -1074),
        ] {
            assert_eq!(exponent_of(x), e, "exponent of {x:e}");
        }
    }

    proptest! {
        #[test]
        fn powers_of_two_go_there_and_back(x in 1.0..2.0_f64, e in -1022..1023_i32) {
            let there = times_power_of_two(x, e);
            prop_assert_eq!(exponent_of(there), e);
            prop_assert_eq!(times_power_of_two(there, -e), x);
        }
    }
}
