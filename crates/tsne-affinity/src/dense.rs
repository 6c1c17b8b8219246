//! All pairs of a small set of points, no neighbor left out. Implements \[M1\]–\[M4\].

use fearless_simd::prelude::*;
use fearless_simd::{Level, Simd, dispatch, f64x8};
use rayon::prelude::*;
use tsne_core::{
    Affinities, AffinityRow, BackendError, Control, GraphError, NeighborQuery, NewAffinities, NewRows,
    Points, Scalar, ShapeError, ToNew,
};

use crate::calibration::Scale;
use crate::expo::LANES;
use crate::family::{check_count, check_same_points, new_rows};
use crate::options::{check_perplexities, resolve_neighbors, resolve_perplexities};
use crate::row::{Gaussian, Search, calibrate, gaussian_at, inverse_power_of_two, put_in_place};
use crate::rule::{Combine, Rule, accuracy};
use crate::tasks::{Progress, first_error};
use crate::{Calibration, Error, Normalization, Options};

/// Difference of a distance from its transpose, relative to the larger, that counts as rounding.
const ROUNDING: f64 = 1e-6;

/// Gaussian affinities with the same perplexity in every row, over all other points: the P of the original t-SNE.
///
/// For up to some thousand points; memory is n². openTSNE has no such class (scikit-learn's `method="exact"` has). With
/// a graph of all n − 1 neighbors, [`PerplexityBased`](crate::PerplexityBased) gives the same values.
///
/// ```
/// use tsne_affinity::{AllPairs, Options};
/// use tsne_core::{Affinities, Control, Points};
///
/// let line = Points::from_row_major(&[0.0, 1.0, 3.0, 6.0, 10.0, 15.0, 21.0], 1)?;
/// let p = AllPairs::from_points(line, 2.0, &Options::default(), &Control::NONE)?;
/// assert_eq!(p.row(0).values.len(), 7);
/// assert_eq!(p.row(0).values[0], 0.0, "zero diagonal");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct AllPairs<T> {
    /// Row after row.
    values: Vec<T>,
    /// 0 to n − 1: the columns of every row.
    columns: Vec<u32>,
    perplexity: f64,
    calibration: Calibration,
}

impl<T: Scalar> AllPairs<T> {
    /// From the Euclidean distances of `points`, computed from differences of coordinates in f64.
    ///
    /// `n_neighbors` of `options` must not be set. Time O(n² D), with some seven exponentials a pair; memory n² values
    /// and the points in f64. Accuracy and determinism are as for
    /// [`PerplexityBased`](crate::PerplexityBased::from_graph).
    ///
    /// # Errors
    /// A perplexity that is not a finite number of at least 1, or too high in strict mode; a value that is not finite;
    /// fewer than two points, or so many that the matrix does not fit in memory; [`Error::Interrupted`].
    pub fn from_points(
        points: Points<'_, T>,
        perplexity: f64,
        options: &Options,
        control: &Control<'_>,
    ) -> Result<Self, Error> {
        points.check_finite()?;
        let n = points.n_points();
        let width = points.n_features().next_multiple_of(LANES);
        let mut coordinates = zeros(n, width)?;
        let mut buffer = vec![T::default(); points.n_features()];
        for (i, row) in coordinates.chunks_exact_mut(width).enumerate() {
            points.copy_row(i, &mut buffer);
            for (to, from) in row.iter_mut().zip(&buffer) {
                *to = from.to_f64();
            }
        }
        // P does not know units: a power of two brings every coordinate to 1 or below, so that no square overflows.
        let largest = coordinates.iter().fold(0.0_f64, |largest, x| largest.max(x.abs()));
        let scale = inverse_power_of_two(largest);
        coordinates.iter_mut().for_each(|x| *x *= scale);
        let fill_row = |i: usize, row: &mut [T]| {
            dispatch!(Level::new(), simd => euclidean_row(simd, &coordinates, width, i, row));
            Ok(())
        };
        Self::build(n, fill_row, perplexity, options, control)
    }

    /// From `n_points` × `n_points` distances, row after row. The diagonal is not looked at.
    ///
    /// # Errors
    /// As [`from_points`](Self::from_points); another number of values; a distance that is negative, NaN or infinite;
    /// distances that differ from their transpose by more than rounding, 1e-6.
    pub fn from_distances(
        n_points: usize,
        distances: &[T],
        perplexity: f64,
        options: &Options,
        control: &Control<'_>,
    ) -> Result<Self, Error> {
        let expected = n_points.saturating_mul(n_points);
        if distances.len() != expected {
            let what = "distances of the square matrix";
            return Err(ShapeError::LengthMismatch { what, expected, got: distances.len() }.into());
        }
        let at = |i: usize, j: usize| distances[i * n_points + j].to_f64();
        let fill_row = |row: usize, to: &mut [T]| {
            for (column, to) in to.iter_mut().enumerate().filter(|&(column, _)| column != row) {
                let (forward, backward) = (at(row, column), at(column, row));
                if !(forward.is_finite() && forward >= 0.0) {
                    return Err(GraphError::BadDistance { row, position: column, distance: forward }.into());
                }
                if (forward - backward).abs() > ROUNDING * forward.max(backward) {
                    return Err(Error::Asymmetric { row, column, forward, backward });
                }
                *to = T::lit(0.5 * forward + 0.5 * backward);
            }
            Ok(())
        };
        Self::build(n_points, fill_row, perplexity, options, control)
    }

    /// `fill_row` writes the distances of a row, to other points than itself.
    fn build(
        n: usize,
        fill_row: impl Fn(usize, &mut [T]) -> Result<(), Error> + Sync,
        perplexity: f64,
        options: &Options,
        control: &Control<'_>,
    ) -> Result<Self, Error> {
        check_count(n)?;
        if options.n_neighbors.is_some() {
            return Err(Error::NotApplicable { what: "a number of neighbors", family: "all-pairs" });
        }
        let (used, adjustments) = resolve_perplexities(&[perplexity], n, options.strict)?;
        let mut values = zeros::<T>(n, n)?;
        let progress = Progress::new(control, 2 * n);
        let (gaussians, scale) = calibrate_rows(&mut values, n, used[0], fill_row, &progress)?;
        distances_to_values(&mut values, &gaussians, options, &progress)?;
        let calibration = Calibration { adjustments, n_neighbors: n - 1, scales: vec![scale] };
        let columns = (0..=u32::MAX).take(n).collect();
        Ok(Self { values, columns, perplexity, calibration })
    }

    /// The perplexity asked for.
    #[must_use]
    pub fn perplexity(&self) -> f64 {
        self.perplexity
    }

    /// What was attained, and what could not be.
    #[must_use]
    pub fn calibration(&self) -> &Calibration {
        &self.calibration
    }

    fn new_rows(
        &self,
        index: &dyn NeighborQuery<T>,
        points: Points<'_, T>,
        request: &NewRows,
        control: &Control<'_>,
    ) -> Result<NewAffinities<T>, Error> {
        if request.sigma.is_some() {
            return Err(Error::NotApplicable { what: "sigma", family: "all-pairs" });
        }
        let own = [self.calibration.scales[0].perplexity];
        let perplexities = request.perplexities.as_deref().unwrap_or(&own);
        check_perplexities(perplexities)?;
        if perplexities.len() > 1 {
            return Err(Error::NotApplicable { what: "more than one perplexity", family: "all-pairs" });
        }
        let n = self.columns.len();
        check_same_points(index, n)?;
        let k = resolve_neighbors(perplexities, request.n_neighbors.or(Some(n)), n)?;
        let rule = Rule::Perplexities(perplexities.to_vec(), Combine::Average);
        new_rows(index, points, k, request.min_neighbors, &rule, control)
    }
}

impl<T: Scalar> Affinities<T> for AllPairs<T> {
    fn n_points(&self) -> usize {
        self.columns.len()
    }

    fn row(&self, i: usize) -> AffinityRow<'_, T> {
        let n = self.columns.len();
        AffinityRow { columns: &self.columns, values: &self.values[i * n..(i + 1) * n] }
    }
}

impl<T: Scalar> ToNew<T> for AllPairs<T> {
    /// Rows over all points, or over `n_neighbors` of them if the request names a number.
    fn to_new(
        &self,
        index: &dyn NeighborQuery<T>,
        points: Points<'_, T>,
        request: &NewRows,
        control: &Control<'_>,
    ) -> Result<NewAffinities<T>, BackendError> {
        Ok(self.new_rows(index, points, request, control)?)
    }
}

/// `n_rows` × `n_columns` zeros, or an error where memory does not suffice.
fn zeros<E: Copy + Default>(n_rows: usize, n_columns: usize) -> Result<Vec<E>, Error> {
    let too_large = Error::AllPairsTooLarge { n_points: n_rows };
    let Some(length) = n_rows.checked_mul(n_columns) else {
        return Err(too_large);
    };
    let mut values = Vec::new();
    if values.try_reserve_exact(length).is_err() {
        return Err(too_large);
    }
    values.resize(length, E::default());
    Ok(values)
}

/// Distances of point `i` to all others; `coordinates` has `width` numbers a point, whole lanes.
#[inline(always)]
fn euclidean_row<S: Simd, T: Scalar>(simd: S, coordinates: &[f64], width: usize, i: usize, row: &mut [T]) {
    let own = coordinates[i * width..(i + 1) * width].as_chunks::<LANES>().0;
    for (to, other) in row.iter_mut().zip(coordinates.chunks_exact(width)) {
        let mut sum = f64x8::splat(simd, 0.0);
        for (&a, &b) in own.iter().zip(other.as_chunks::<LANES>().0) {
            let difference = f64x8::load_array(simd, a) - f64x8::load_array(simd, b);
            sum = difference.mul_add(difference, sum);
        }
        *to = T::lit(sum.reduce_sum().sqrt());
    }
}

/// Writes the distances to `matrix` and finds the Gaussian of every row.
fn calibrate_rows<T: Scalar>(
    matrix: &mut [T],
    n: usize,
    perplexity: f64,
    fill_row: impl Fn(usize, &mut [T]) -> Result<(), Error> + Sync,
    progress: &Progress<'_>,
) -> Result<(Vec<Gaussian>, Scale), Error> {
    let level = Level::new();
    let parts = matrix
        .par_chunks_exact_mut(n)
        .enumerate()
        .map_init(Search::default, |search, (i, row)| {
            fill_row(i, row)?;
            let distances = &mut search.distances;
            distances.clear();
            distances.extend(row[..i].iter().chain(&row[i + 1..]).map(|d| d.to_f64()));
            put_in_place(distances, perplexity);
            let searches = std::slice::from_mut(search);
            let mut found = None;
            dispatch!(level, simd => {
                calibrate(simd, searches, perplexity, accuracy::<T>(), |_, row| found = Some(row));
            });
            progress.advance(1)?;
            Ok(found)
        })
        .collect();
    let mut scale = Scale::new(perplexity);
    let mut gaussians = Vec::with_capacity(n);
    for (row, found) in first_error::<_, Error>(parts)?.into_iter().flatten().enumerate() {
        scale.see(row, &found);
        gaussians.push(found.gaussian);
    }
    Ok((gaussians, scale))
}

/// Replaces the distances by the values, normalized.
fn distances_to_values<T: Scalar>(
    matrix: &mut [T],
    gaussians: &[Gaussian],
    options: &Options,
    progress: &Progress<'_>,
) -> Result<(), Error> {
    let (n, level) = (gaussians.len(), Level::new());
    let directions = if options.symmetrize { 2.0 } else { 1.0 };
    let parts = matrix
        .par_chunks_exact_mut(n)
        .enumerate()
        .map(|(i, row)| {
            dispatch!(level, simd => values_of_row(simd, i, gaussians, options.symmetrize, row));
            row[i] = T::default();
            let sum = match options.normalization {
                Normalization::PairWise => directions * n as f64,
                Normalization::PointWise => row.iter().map(|value| value.to_f64()).sum(),
            };
            row.iter_mut().for_each(|value| *value = T::lit(value.to_f64() / sum));
            Ok(progress.advance(1)?)
        })
        .collect();
    first_error::<_, Error>(parts)?;
    Ok(())
}

/// Replaces distance by value: p_{j|i}, plus p_{i|j} if `symmetrize`, which is the same sum in the row of j.
#[inline(always)]
fn values_of_row<S: Simd, T: Scalar>(
    simd: S,
    i: usize,
    gaussians: &[Gaussian],
    symmetrize: bool,
    row: &mut [T],
) {
    let own = &gaussians[i];
    for (row, others) in row.chunks_mut(LANES).zip(gaussians.chunks(LANES)) {
        let lanes = |of: &dyn Fn(usize) -> f64| {
            let mut lanes = [0.0; LANES];
            for (at, lane) in lanes[..others.len()].iter_mut().enumerate() {
                *lane = of(at);
            }
            f64x8::load_array(simd, lanes)
        };
        let distances = lanes(&|at| row[at].to_f64());
        let mut sum = own.at(simd, distances);
        if symmetrize {
            let nearest = lanes(&|at| others[at].nearest);
            let rates = lanes(&|at| others[at].rate);
            let weights = lanes(&|at| others[at].weight);
            sum += gaussian_at(simd, nearest, rates, weights, distances);
        }
        for (value, &sum) in row.iter_mut().zip(sum.as_array()) {
            *value = T::lit(sum);
        }
    }
}
