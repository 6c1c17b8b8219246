//! Standardization: columns of mean 0 and standard deviation 1, computed in `f64` whatever their offset and magnitude.

use rayon::prelude::*;

use crate::narrow::{exponent_of, times_power_of_two};

/// Exponent of the smallest number there is.
const MIN_EXPONENT: i32 = -1074;
/// Numbers standardized by one task.
const CHUNK: usize = 1 << 16;

/// The mean and the standard deviation of each column, by which columns of different units become comparable.
///
/// A value x becomes (x − mean) / deviation. The deviation is that of all rows (divided by their number, not by one
/// less). A column whose values are all equal says nothing about rows: its deviation is 0, and it becomes zeros, in new
/// rows too.
#[derive(Clone, Debug, PartialEq)]
pub struct Standardization {
    means: Vec<f64>,
    deviations: Vec<f64>,
}

impl Standardization {
    /// Finds means and deviations of row-major `values` (finite) with rows of `n_features`.
    ///
    /// Deviations are taken from the first row before they are summed, then from the mean, so that offsets lose
    /// nothing; each column is scaled by a power of two, so that squares do not overflow. Time O(n D), one thread.
    ///
    /// # Panics
    /// If `n_features` is 0 or `values` is not a whole number of rows.
    #[must_use]
    #[allow(clippy::cast_precision_loss, reason = "rows are fewer than 2^53")]
    pub fn of<E: Copy + Into<f64>>(values: &[E], n_features: usize) -> Self {
        assert!(n_features > 0, "a row needs at least one feature");
        assert_eq!(values.len() % n_features, 0, "values must be a whole number of rows");
        let n_rows = (values.len() / n_features).max(1) as f64;
        let rows = || values.chunks_exact(n_features);
        let mut columns: Vec<Column> =
            rows().next().unwrap_or_default().iter().map(|&x| Column::new(x.into())).collect();
        columns.resize(n_features, Column::new(0.0));
        for row in rows() {
            columns.iter_mut().zip(row).for_each(|(column, &x)| column.widen(x.into()));
        }
        columns.iter_mut().for_each(Column::settle);
        for row in rows() {
            columns.iter_mut().zip(row).for_each(|(column, &x)| column.sum += column.scaled(x.into()));
        }
        columns.iter_mut().for_each(|column| column.mean = column.sum / n_rows);
        for row in rows() {
            for (column, &x) in columns.iter_mut().zip(row) {
                let d = column.scaled(x.into()) - column.mean;
                column.rest += d;
                column.squares += d * d;
            }
        }
        let means =
            columns.iter().map(|column| column.unscaled(column.mean + column.rest / n_rows)).collect();
        let deviations = columns
            .iter()
            .map(|column| {
                // What rounding has left of the sum of deviations, taken out of the squares.
                let variance = (column.squares - column.rest * column.rest / n_rows) / n_rows;
                times_power_of_two(variance.max(0.0).sqrt(), column.exponent)
            })
            .collect();
        Self { means, deviations }
    }

    /// From its parts, for instance read back from a file; none where these do not fit together or are not finite.
    #[must_use]
    pub fn from_parts(means: Vec<f64>, deviations: Vec<f64>) -> Option<Self> {
        let is_valid = !means.is_empty()
            && means.len() == deviations.len()
            && means.iter().all(|x| x.is_finite())
            && deviations.iter().all(|x| x.is_finite() && *x >= 0.0);
        is_valid.then_some(Self { means, deviations })
    }

    /// Mean of each column.
    #[must_use]
    pub fn means(&self) -> &[f64] {
        &self.means
    }

    /// Standard deviation of each column, 0 where all values are equal.
    #[must_use]
    pub fn deviations(&self) -> &[f64] {
        &self.deviations
    }

    /// Standardizes row-major `values`.
    ///
    /// # Panics
    /// If `values` is not a whole number of rows.
    pub fn apply(&self, values: &mut [f64]) {
        let n_features = self.means.len();
        assert_eq!(values.len() % n_features, 0, "values must be a whole number of rows");
        values.par_chunks_mut(n_features * CHUNK.div_ceil(n_features)).for_each(|rows| {
            for row in rows.chunks_exact_mut(n_features) {
                for ((x, &mean), &deviation) in row.iter_mut().zip(&self.means).zip(&self.deviations) {
                    *x = standardized(*x, mean, deviation);
                }
            }
        });
    }
}

fn standardized(x: f64, mean: f64, deviation: f64) -> f64 {
    let difference = x - mean;
    if deviation == 0.0 {
        0.0
    } else if difference.is_finite() {
        difference / deviation
    } else {
        (x / 2.0 - mean / 2.0) / (deviation / 2.0)
    }
}

/// A column while it is summed: differences from its first value, in units of a power of two about its width.
#[derive(Clone)]
struct Column {
    first: f64,
    exponent: i32,
    /// Two powers of two whose product is 2^-exponent, which alone may have no `f64`.
    factors: [f64; 2],
    sum: f64,
    /// In these units, as are `rest` and the squares.
    mean: f64,
    rest: f64,
    squares: f64,
}

impl Column {
    fn new(first: f64) -> Self {
        Self {
            first,
            exponent: MIN_EXPONENT,
            factors: [1.0; 2],
            sum: 0.0,
            mean: 0.0,
            rest: 0.0,
            squares: 0.0,
        }
    }

    fn widen(&mut self, x: f64) {
        let difference = x - self.first;
        if difference != 0.0 {
            let exponent = if difference.is_finite() { exponent_of(difference) } else { 1024 };
            self.exponent = self.exponent.max(exponent);
        }
    }

    fn settle(&mut self) {
        let half = self.exponent / 2;
        self.factors = [half, self.exponent - half].map(|exponent| times_power_of_two(1.0, -exponent));
    }

    /// The difference from the first value, of size at most 2.
    #[inline]
    fn scaled(&self, x: f64) -> f64 {
        let difference = x - self.first;
        if difference.is_finite() {
            difference * self.factors[0] * self.factors[1]
        } else {
            (x / 2.0 - self.first / 2.0) * self.factors[0] * self.factors[1] * 2.0
        }
    }

    fn unscaled(&self, mean: f64) -> f64 {
        let difference = times_power_of_two(mean, self.exponent);
        if difference.is_finite() {
            return self.first + difference;
        }
        let half = times_power_of_two(mean, self.exponent - 1);
        2.0 * (self.first / 2.0 + half)
    }
}
