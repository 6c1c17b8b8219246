//! Exact search among sparse points by inverted lists: only features that both points have are looked at (\[M55\]).

use std::borrow::Cow;

use rayon::prelude::*;
use tsne_core::{Control, Csr, KnnGraph, Points, Scalar};

use crate::bound::ErrorBound;
use crate::error::Error;
use crate::geometry::{Base, Geometry, RowMap};
use crate::pair::{Pair, Presence};
use crate::progress::Progress;
use crate::selection::zeros;
use crate::store::{inverse_length, largest_magnitude, power_of_two_scale};
use crate::top_k::{TopK, by_distance};

/// Rows searched by one task.
const ROWS: usize = 16;

/// Sparse points under a metric, with an inverted list for every feature.
#[derive(Clone, Debug)]
pub(crate) struct SparsePoints<'a, T: Scalar> {
    geometry: Geometry,
    shared: Shared,
    matrix: Cow<'a, Csr<T>>,
    /// Power of two that the values are multiplied by, where it matters.
    scale: f64,
    /// Of every point: its scale and what its own features sum up to.
    rows: Vec<RowSummary>,
    /// Where the list of each feature starts, and where the last one ends.
    starts: Vec<usize>,
    /// Points that have the feature, with their scaled values.
    points: Vec<u32>,
    values: Vec<f64>,
    /// Roundings that a sum over the longest row can suffer.
    roundings: usize,
}

/// What distances need to know of a row besides what it shares with another.
#[derive(Clone, Copy, Debug, Default)]
struct RowSummary {
    scale: f64,
    /// Σ x² or Σ |x| of the scaled row, or the number of its features that are not zero.
    total: f64,
    is_zero: bool,
}

/// The features of a row that are not zero, scaled.
#[derive(Clone, Debug, Default)]
struct Entries {
    columns: Vec<u32>,
    values: Vec<f64>,
}

/// What two rows share, feature by feature.
#[derive(Clone, Copy, Debug)]
enum Shared {
    /// 2 a b: what Σ (a − b)² lacks of Σ a² + Σ b².
    Products,
    /// |a| + |b| − |a − b|.
    Absolutes,
    /// 1, and 1 more where the values are equal.
    Equal,
    /// 1.
    Presence(fn(Presence) -> f64),
}

impl Shared {
    fn of(geometry: &Geometry) -> Result<Self, Error> {
        let unsupported = Error::DenseMetric { metric: geometry.name };
        if geometry.map.as_ref().is_some_and(|map| !matches!(map, RowMap::CheckUnit)) {
            return Err(unsupported);
        }
        match geometry.base {
            Base::Squares => Ok(Self::Products),
            Base::Absolutes => Ok(Self::Absolutes),
            Base::Pair(Pair::Hamming) => Ok(Self::Equal),
            Base::Pair(Pair::Presence(combine)) => Ok(Self::Presence(combine)),
            _ => Err(unsupported),
        }
    }

    /// Whether sums of what is shared are whole numbers, without error.
    fn is_count(self) -> bool {
        matches!(self, Self::Equal | Self::Presence(_))
    }

    /// What one feature of value x contributes to the total of its row.
    fn total(self, x: f64) -> f64 {
        match self {
            Self::Products => x * x,
            Self::Absolutes => x.abs(),
            Self::Equal | Self::Presence(_) => 1.0,
        }
    }
}

impl<'a, T: Scalar> SparsePoints<'a, T> {
    /// Takes finite points.
    pub(crate) fn new(matrix: Cow<'a, Csr<T>>, geometry: Geometry) -> Result<Self, Error> {
        let shared = Shared::of(&geometry)?;
        let scale = if shared.is_count() || geometry.unit {
            1.0
        } else {
            power_of_two_scale(largest_magnitude(matrix.values()))
        };
        let mut rows = Vec::with_capacity(matrix.n_rows());
        let mut starts = vec![0_usize; matrix.n_columns() + 1];
        let mut entries = Entries::default();
        let mut longest = 0;
        for i in 0..matrix.n_rows() {
            let (columns, values) = matrix.row(i);
            rows.push(summarize(i, columns, values, scale, shared, &geometry, &mut entries)?);
            entries.columns.iter().for_each(|&f| starts[f as usize + 1] += 1);
            longest = longest.max(columns.len());
        }
        for f in 0..matrix.n_columns() {
            starts[f + 1] += starts[f];
        }
        let n_entries = starts[matrix.n_columns()];
        let (mut points, mut list_values) = (zeros(n_entries)?, zeros(n_entries)?);
        let mut ends = starts.clone();
        for (i, row) in (0_u32..).zip(&rows) {
            let (columns, values) = matrix.row(i as usize);
            for (&f, x) in columns.iter().zip(values).filter(|(_, x)| x.to_f64() != 0.0) {
                let at = &mut ends[f as usize];
                (points[*at], list_values[*at]) = (i, x.to_f64() * row.scale);
                *at += 1;
            }
        }
        Ok(Self {
            geometry,
            shared,
            matrix,
            scale,
            rows,
            starts,
            points,
            values: list_values,
            roundings: 2 * longest + 16,
        })
    }

    pub(crate) fn into_owned(self) -> SparsePoints<'static, T> {
        SparsePoints {
            geometry: self.geometry,
            shared: self.shared,
            matrix: Cow::Owned(self.matrix.into_owned()),
            scale: self.scale,
            rows: self.rows,
            starts: self.starts,
            points: self.points,
            values: self.values,
            roundings: self.roundings,
        }
    }

    pub(crate) fn n_points(&self) -> usize {
        self.rows.len()
    }

    pub(crate) fn n_features(&self) -> usize {
        self.matrix.n_columns()
    }

    /// The `k` nearest other points of every point.
    pub(crate) fn graph(&self, k: usize, control: &Control<'_>) -> Result<KnnGraph<T>, Error> {
        self.search(Points::from_csr(&self.matrix)?, true, k, control)
    }

    /// The `k` nearest points of every query.
    pub(crate) fn answers(
        &self,
        queries: Points<'_, T>,
        k: usize,
        control: &Control<'_>,
    ) -> Result<KnnGraph<T>, Error> {
        self.search(queries, false, k, control)
    }

    fn search(
        &self,
        rows: Points<'_, T>,
        exclude_self: bool,
        k: usize,
        control: &Control<'_>,
    ) -> Result<KnnGraph<T>, Error> {
        let n_rows = rows.n_points();
        let progress = Progress::new(control, n_rows);
        let len = n_rows.saturating_mul(k);
        let (mut neighbors, mut distances) = (zeros(len)?, zeros(len)?);
        neighbors.par_chunks_mut(ROWS * k).zip(distances.par_chunks_mut(ROWS * k)).enumerate().try_for_each(
            |(chunk, (neighbors, distances))| {
                let mut search = Search {
                    store: self,
                    sums: vec![0.0; self.n_points()],
                    nearest: TopK::new(k),
                    found: Vec::new(),
                    entries: Entries::default(),
                    other: Entries::default(),
                };
                let outputs = neighbors.chunks_exact_mut(k).zip(distances.chunks_exact_mut(k));
                for (row, (neighbors, distances)) in (chunk * ROWS..).zip(outputs) {
                    search.find(rows, row, exclude_self, k, neighbors, distances)?;
                    progress.advance(1)?;
                }
                Ok::<(), Error>(())
            },
        )?;
        if let Some(row) = distances.chunks_exact(k).position(|row| !row[k - 1].is_finite()) {
            return Err(Error::DistanceOverflow { row });
        }
        Ok(KnnGraph::from_parts(k, neighbors, distances)?)
    }

    /// The quantity of two rows from their summaries and what they share.
    #[inline(always)]
    fn quantity(&self, a: RowSummary, b: RowSummary, sum: f64) -> f64 {
        match self.shared {
            Shared::Products if a.is_zero && b.is_zero => 0.0,
            // Cancellation may leave a little less than nothing.
            Shared::Products | Shared::Absolutes => (a.total + b.total - sum).max(0.0),
            Shared::Equal => (a.total + b.total - sum) / self.n_features() as f64,
            Shared::Presence(combine) => {
                combine(Presence::from_counts(sum, a.total, b.total, self.n_features()))
            }
        }
    }
}

/// Puts the features of a row that are not zero into `entries`, scaled, and sums them up.
fn summarize<T: Scalar>(
    row: usize,
    columns: &[u32],
    values: &[T],
    scale: f64,
    shared: Shared,
    geometry: &Geometry,
    entries: &mut Entries,
) -> Result<RowSummary, Error> {
    if let Some(map) = &geometry.map {
        let mut values: Vec<f64> = values.iter().map(|x| x.to_f64()).collect();
        map.apply(&mut values).map_err(|need| Error::BadRow { row, metric: geometry.name, need })?;
    }
    let (scale, is_zero) = if geometry.unit {
        let scale = inverse_length(values);
        (scale, scale == 0.0)
    } else {
        (scale, false)
    };
    entries.columns.clear();
    entries.values.clear();
    for (&column, x) in columns.iter().zip(values).filter(|(_, x)| x.to_f64() != 0.0) {
        entries.columns.push(column);
        entries.values.push(x.to_f64() * scale);
    }
    // A row of zeros is as far from all others as rows of length 1 that share nothing.
    let total = if is_zero { 1.0 } else { entries.values.iter().map(|&x| shared.total(x)).sum() };
    Ok(RowSummary { scale, total, is_zero })
}

/// Buffers of one task.
struct Search<'s, 'a, T: Scalar> {
    store: &'s SparsePoints<'a, T>,
    /// One a point: first what it shares with the row, then its quantity.
    sums: Vec<f64>,
    nearest: TopK<f64>,
    found: Vec<(T, u32)>,
    entries: Entries,
    other: Entries,
}

impl<T: Scalar> Search<'_, '_, T> {
    fn find(
        &mut self,
        rows: Points<'_, T>,
        row: usize,
        exclude_self: bool,
        k: usize,
        neighbors: &mut [u32],
        distances: &mut [T],
    ) -> Result<(), Error> {
        let (summary, scale) = self.read(rows, row)?;
        self.add_shared();
        for (j, (sum, other)) in self.sums.iter_mut().zip(&self.store.rows).enumerate() {
            *sum = self.store.quantity(summary, *other, *sum);
            if !(exclude_self && j == row) {
                self.nearest.offer(*sum, u32::try_from(j).expect("points are numbered by u32"));
            }
        }
        let kth = self.nearest.take_kth();
        // Counts are without error; sums are not.
        let roundings =
            if self.store.shared.is_count() { 0 } else { self.store.roundings + self.entries.columns.len() };
        let bound = ErrorBound::new(roundings, roundings, f64::EPSILON, f64::MIN_POSITIVE)
            .expect("a row has fewer features than would make its sums useless");
        let limit = bound.threshold(kth, summary.total);
        let mut found = std::mem::take(&mut self.found);
        found.clear();
        for j in 0..self.sums.len() {
            let (sum, other) = (self.sums[j], self.store.rows[j]);
            if sum <= limit && !(exclude_self && j == row) {
                // What cancellation has left too little of is summed again without it.
                let error = bound.relative * (summary.total + other.total);
                let quantity =
                    if error > T::EPSILON.to_f64() / 16.0 * sum { self.direct(summary, j) } else { sum };
                let distance = self.store.geometry.output.distance(quantity, scale);
                found.push((T::lit(distance), u32::try_from(j).expect("points are numbered by u32")));
            }
        }
        found.select_nth_unstable_by(k - 1, by_distance);
        found.truncate(k);
        found.sort_unstable_by(by_distance);
        for ((to_neighbor, to_distance), &(distance, j)) in neighbors.iter_mut().zip(distances).zip(&found) {
            (*to_neighbor, *to_distance) = (j, distance);
        }
        self.found = found;
        self.sums.fill(0.0);
        Ok(())
    }

    /// Reads row `row` into the buffer; returns its summary and the scale of the comparison.
    fn read(&mut self, rows: Points<'_, T>, row: usize) -> Result<(RowSummary, f64), Error> {
        let summarize = |columns: &[u32], values: &[T], entries: &mut Entries| {
            let scale =
                if self.store.geometry.unit || self.store.shared.is_count() { 1.0 } else { self.store.scale };
            let summary =
                summarize(row, columns, values, scale, self.store.shared, &self.store.geometry, entries)?;
            Ok((summary, scale))
        };
        if let Points::Sparse(points) = rows {
            let (columns, values) = points.row(row);
            return summarize(columns, values, &mut self.entries);
        }
        let mut values = vec![T::default(); rows.n_features()];
        rows.copy_row(row, &mut values);
        let columns: Vec<u32> = (0_u32..).take(values.len()).collect();
        summarize(&columns, &values, &mut self.entries)
    }

    /// Adds up, for every point, what it shares with the row in the buffer.
    fn add_shared(&mut self) {
        let store = self.store;
        for (&f, &a) in self.entries.columns.iter().zip(&self.entries.values) {
            let list = store.starts[f as usize]..store.starts[f as usize + 1];
            let list = store.points[list.clone()].iter().zip(&store.values[list]);
            match self.store.shared {
                Shared::Products => list.for_each(|(&j, &b)| self.sums[j as usize] += 2.0 * a * b),
                Shared::Absolutes => {
                    list.for_each(|(&j, &b)| self.sums[j as usize] += a.abs() + b.abs() - (a - b).abs());
                }
                Shared::Equal => {
                    list.for_each(|(&j, &b)| self.sums[j as usize] += if a == b { 2.0 } else { 1.0 });
                }
                Shared::Presence(_) => list.for_each(|(&j, _)| self.sums[j as usize] += 1.0),
            }
        }
    }

    /// The quantity of the row in the buffer and point `j`, feature by feature.
    fn direct(&mut self, summary: RowSummary, j: usize) -> f64 {
        let other = self.store.rows[j];
        if summary.is_zero || other.is_zero {
            self.store.quantity(summary, other, 0.0)
        } else {
            let (columns, values) = self.store.matrix.row(j);
            self.other.columns.clear();
            self.other.values.clear();
            self.other.columns.extend_from_slice(columns);
            self.other.values.extend(values.iter().map(|x| x.to_f64() * other.scale));
            let squares = matches!(self.store.shared, Shared::Products);
            self.entries.merge(&self.other, |a, b| if squares { (a - b) * (a - b) } else { (a - b).abs() })
        }
    }
}

impl Entries {
    /// Σ of `term` over the features that either row has.
    fn merge(&self, other: &Self, term: impl Fn(f64, f64) -> f64) -> f64 {
        let (mut i, mut j, mut sum) = (0, 0, 0.0);
        while i < self.columns.len() || j < other.columns.len() {
            let a = self.columns.get(i).copied().unwrap_or(u32::MAX);
            let b = other.columns.get(j).copied().unwrap_or(u32::MAX);
            sum +=
                term(if a <= b { self.values[i] } else { 0.0 }, if b <= a { other.values[j] } else { 0.0 });
            i += usize::from(a <= b);
            j += usize::from(b <= a);
        }
        sum
    }
}
