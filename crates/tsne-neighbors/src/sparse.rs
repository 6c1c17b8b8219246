//! Sparse points under a metric (\[M55\]): what a row sums up to by itself, and what two rows share.

mod block;
mod direct;
mod rows;
mod search;

use std::borrow::Cow;

use tsne_core::{Control, Csr, KnnGraph, Points, Scalar};

use crate::error::Error;
use crate::geometry::{Base, Geometry, RowMap};
use crate::output;
use crate::pair::{Pair, Presence};
use crate::store::{INVERTIBLE, inverse_length, largest_magnitude, power_of_two_scale, scale_for};
pub(crate) use direct::SparseDirect;
pub(crate) use rows::SparseRows;

/// Fewest queries for which lists of the points are made; fewer are compared with every point.
const MIN_QUERIES: usize = 32;

/// Sparse points under a metric.
#[derive(Clone, Debug)]
pub(crate) struct SparsePoints<'a, T: Scalar> {
    geometry: Geometry,
    shared: Shared,
    matrix: Cow<'a, Csr<T>>,
    /// Power of two that the values are multiplied by, where it matters.
    scale: f64,
    summaries: Vec<RowSummary>,
    /// Most features that a row has.
    longest: usize,
}

/// What distances need to know of a row besides what it shares with another.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct RowSummary {
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

/// What two rows share, feature by feature. A feature that either row lacks adds nothing.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Shared {
    /// 2 a b: what Σ (a − b)² lacks of Σ a² + Σ b².
    Products,
    /// |a| + |b| − |a − b|.
    Absolutes,
    /// 1, and 1 more where the values are equal.
    Equal,
    /// 1.
    Presence(fn(Presence) -> f64),
}

/// What two values share.
pub(crate) trait Term {
    fn of<X: Scalar>(a: X, b: X) -> X;
}

pub(crate) enum ProductTerm {}
impl Term for ProductTerm {
    #[inline(always)]
    fn of<X: Scalar>(a: X, b: X) -> X {
        (a + a) * b
    }
}

pub(crate) enum AbsoluteTerm {}
impl Term for AbsoluteTerm {
    #[inline(always)]
    fn of<X: Scalar>(a: X, b: X) -> X {
        a.abs() + b.abs() - (a - b).abs()
    }
}

pub(crate) enum EqualTerm {}
impl Term for EqualTerm {
    #[inline(always)]
    fn of<X: Scalar>(a: X, b: X) -> X {
        let both = PresenceTerm::of(a, b);
        if a == b { both + both } else { both }
    }
}

pub(crate) enum PresenceTerm {}
impl Term for PresenceTerm {
    #[inline(always)]
    fn of<X: Scalar>(a: X, b: X) -> X {
        let zero = X::default();
        if (a != zero) & (b != zero) { X::lit(1.0) } else { zero }
    }
}

/// Evaluates `$body` with the [`Term`] of what rows share under the name `$term`.
macro_rules! with_term {
    ($shared:expr, $term:ident => $body:expr) => {
        match $shared {
            $crate::sparse::Shared::Products => {
                type $term = $crate::sparse::ProductTerm;
                $body
            }
            $crate::sparse::Shared::Absolutes => {
                type $term = $crate::sparse::AbsoluteTerm;
                $body
            }
            $crate::sparse::Shared::Equal => {
                type $term = $crate::sparse::EqualTerm;
                $body
            }
            $crate::sparse::Shared::Presence(_) => {
                type $term = $crate::sparse::PresenceTerm;
                $body
            }
        }
    };
}
pub(crate) use with_term;

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
        let n = matrix.n_rows();
        let longest = (0..n).map(|i| matrix.row(i).0.len()).max().unwrap_or(0);
        let mut points = Self { geometry, shared, matrix, scale, summaries: Vec::new(), longest };
        let (mut entries, mut summaries) = (Entries::default(), Vec::with_capacity(n));
        for i in 0..n {
            summaries.push(points.read(points.own()?, i, scale, &mut entries)?);
        }
        points.summaries = summaries;
        Ok(points)
    }

    pub(crate) fn into_owned(self) -> SparsePoints<'static, T> {
        SparsePoints {
            geometry: self.geometry,
            shared: self.shared,
            matrix: Cow::Owned(self.matrix.into_owned()),
            scale: self.scale,
            summaries: self.summaries,
            longest: self.longest,
        }
    }

    pub(crate) fn n_points(&self) -> usize {
        self.matrix.n_rows()
    }

    pub(crate) fn n_features(&self) -> usize {
        self.matrix.n_columns()
    }

    pub(crate) fn shared(&self) -> Shared {
        self.shared
    }

    /// The points as rows.
    pub(crate) fn own(&self) -> Result<Points<'_, T>, Error> {
        Ok(Points::from_csr(&self.matrix)?)
    }

    /// Compares `rows` with the points.
    pub(crate) fn direct<'s>(&'s self, rows: Points<'s, T>) -> SparseDirect<'s, 'a, T> {
        SparseDirect { points: self, rows }
    }

    /// The `k` nearest other points of every point.
    pub(crate) fn graph(&self, k: usize, control: &Control<'_>) -> Result<KnnGraph<T>, Error> {
        search::all(&self.direct(self.own()?), true, k, control)
    }

    /// The `k` nearest points of every query.
    pub(crate) fn answers(
        &self,
        queries: Points<'_, T>,
        k: usize,
        control: &Control<'_>,
    ) -> Result<KnnGraph<T>, Error> {
        let direct = self.direct(queries);
        if queries.n_points() < MIN_QUERIES {
            output::one_by_one(&direct, false, k, control)
        } else {
            search::all(&direct, false, k, control)
        }
    }

    /// The quantity of two rows from their summaries and what they share.
    #[inline(always)]
    pub(crate) fn quantity(&self, a: RowSummary, b: RowSummary, sum: f64) -> f64 {
        match self.shared {
            // Two of them are in one place, and one is as far from others as orthogonal rows, whatever rounding does.
            Shared::Products if a.is_zero || b.is_zero => {
                if a.is_zero == b.is_zero {
                    0.0
                } else {
                    2.0
                }
            }
            // Cancellation may leave a little less than nothing.
            Shared::Products | Shared::Absolutes => (a.total + b.total - sum).max(0.0),
            Shared::Equal => (a.total + b.total - sum) / self.n_features() as f64,
            Shared::Presence(combine) => {
                combine(Presence::from_counts(sum, a.total, b.total, self.n_features()))
            }
        }
    }

    /// Reads row `row` of `rows` into the buffer, multiplied by `scale` or divided by its length, and sums it up.
    fn read(
        &self,
        rows: Points<'_, T>,
        row: usize,
        scale: f64,
        entries: &mut Entries,
    ) -> Result<RowSummary, Error> {
        if let Points::Sparse(points) = rows {
            let (columns, values) = points.row(row);
            return self.summarize(row, columns.iter().copied(), values, scale, entries);
        }
        let mut values = vec![T::default(); rows.n_features()];
        rows.copy_row(row, &mut values);
        self.summarize(row, 0.., &values, scale, entries)
    }

    /// What row `row` of `rows` is multiplied by when it is compared with the points, and they with it: their scale, unless
    /// the row is larger than all of them.
    fn scale_against(&self, rows: Points<'_, T>, row: usize) -> f64 {
        if self.geometry.unit || self.shared.is_count() {
            return self.scale;
        }
        let largest = match rows {
            Points::Sparse(points) => largest_magnitude(points.row(row).1),
            rows => {
                let mut values = vec![T::default(); rows.n_features()];
                rows.copy_row(row, &mut values);
                largest_magnitude(&values)
            }
        };
        scale_for(largest, self.scale)
    }

    /// Puts the features of a row that are not zero into `entries`, scaled, and sums them up.
    fn summarize(
        &self,
        row: usize,
        columns: impl Iterator<Item = u32>,
        values: &[T],
        scale: f64,
        entries: &mut Entries,
    ) -> Result<RowSummary, Error> {
        let Self { geometry, shared, .. } = self;
        if let Some(map) = &geometry.map {
            let mut values: Vec<f64> = values.iter().map(|x| x.to_f64()).collect();
            map.apply(&mut values).map_err(|need| Error::BadRow { row, metric: geometry.name, need })?;
        }
        let scale = if geometry.unit { inverse_length(values) } else { scale };
        if !scale.is_finite() {
            return Err(Error::BadRow { row, metric: geometry.name, need: INVERTIBLE });
        }
        let is_zero = geometry.unit && scale == 0.0;
        entries.columns.clear();
        entries.values.clear();
        for (column, x) in columns.zip(values).filter(|(_, x)| x.to_f64() != 0.0) {
            entries.columns.push(column);
            entries.values.push(x.to_f64() * scale);
        }
        // A row of zeros is as far from all others as rows of length 1 that share nothing.
        let own = || entries.values.iter().fold(0.0, |sum, &x| sum + shared.total(x));
        let total = if is_zero { 1.0 } else { own() };
        Ok(RowSummary { scale, total, is_zero })
    }
}
