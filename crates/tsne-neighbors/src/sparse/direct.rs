//! Distances of sparse rows as they are defined: one row spread out, the features of the others looked up in it.

use tsne_core::{Points, Scalar};

use super::{Entries, RowSummary, Shared, SparsePoints, Term as _, with_term};
use crate::bound::ErrorBound;
use crate::direct::Distances;
use crate::error::Error;
use crate::progress::Progress;
use crate::selection::zeros;
use crate::top_k::TopK;

/// Points between two looks at the caller's hook.
const POINTS_A_TICK: usize = 64;

/// What sparse rows are compared with the indexed points by.
pub(crate) struct SparseDirect<'s, 'a, T: Scalar> {
    pub(super) points: &'s SparsePoints<'a, T>,
    pub(super) rows: Points<'s, T>,
}

/// Buffers of one thread.
#[derive(Debug, Default)]
pub(crate) struct SparseScratch {
    row: Entries,
    other: Entries,
    /// The row, all features of it.
    whole: Vec<f64>,
}

/// A row in the buffers.
#[derive(Clone, Copy)]
struct Loaded {
    summary: RowSummary,
    bound: ErrorBound,
    /// What it was multiplied by, and the points are with it; not used where rows are divided by their lengths.
    scale: f64,
}

impl<T: Scalar> SparseDirect<'_, '_, T> {
    fn load(&self, i: usize, scratch: &mut SparseScratch) -> Result<Loaded, Error> {
        let points = self.points;
        let SparseScratch { row, whole, .. } = scratch;
        let scale = points.scale_against(self.rows, i);
        let summary = points.read(self.rows, i, scale, row)?;
        if whole.is_empty() {
            *whole = zeros(points.n_features())?;
        }
        for (&f, &x) in row.columns.iter().zip(&row.values) {
            whole[f as usize] = x;
        }
        let n_features = row.columns.len();
        // Counts are without error; sums are not.
        let roundings = if points.shared.is_count() { 0 } else { n_features + points.longest + 16 };
        let bound = ErrorBound::new(n_features, roundings, f64::EPSILON, f64::MIN_POSITIVE)
            .expect("a row has fewer features than would make its sums useless");
        Ok(Loaded { summary, bound, scale })
    }

    /// Takes the row out of the buffers.
    fn unload(scratch: &mut SparseScratch) {
        for &f in &scratch.row.columns {
            scratch.whole[f as usize] = 0.0;
        }
    }

    /// The distance of the row in the buffers to point `j`.
    fn distance(&self, loaded: &Loaded, j: usize, scratch: &mut SparseScratch) -> T {
        let points = self.points;
        let (columns, values) = points.matrix.row(j);
        let (a, b) = (loaded.summary, points.summaries[j]);
        let distance = |quantity: f64| T::lit(points.geometry.output.distance(quantity, loaded.scale));
        if loaded.scale != points.scale {
            // Larger than all points: what these sum up to is at another scale.
            return distance(self.merged(columns, values, loaded.scale, scratch));
        }
        let whole = &scratch.whole;
        let sum: f64 = with_term!(points.shared, Kind => {
            let terms = columns.iter().zip(values);
            terms.map(|(&f, x)| Kind::of(whole[f as usize], x.to_f64() * b.scale)).sum()
        });
        let mut quantity = points.quantity(a, b, sum);
        // What cancellation has left too little of is summed again without it.
        let error = loaded.bound.relative * (a.total + b.total);
        if error > T::EPSILON.to_f64() / 16.0 * quantity && !a.is_zero && !b.is_zero {
            quantity = self.merged(columns, values, b.scale, scratch);
        }
        distance(quantity)
    }

    /// The quantity of the row in the buffers and one of these features, feature by feature: of sums alone.
    fn merged(&self, columns: &[u32], values: &[T], scale: f64, scratch: &mut SparseScratch) -> f64 {
        let SparseScratch { row, other, .. } = scratch;
        other.columns.clear();
        other.values.clear();
        other.columns.extend_from_slice(columns);
        other.values.extend(values.iter().map(|x| x.to_f64() * scale));
        let squares = matches!(self.points.shared, Shared::Products);
        row.merge(other, |a, b| if squares { (a - b) * (a - b) } else { (a - b).abs() })
    }
}

impl<T: Scalar> Distances<T> for SparseDirect<'_, '_, T> {
    type Scratch = SparseScratch;

    const ROWS: usize = 1;

    fn n_rows(&self) -> usize {
        self.rows.n_points()
    }

    fn is_in_scale(&self, i: usize) -> bool {
        self.points.scale_against(self.rows, i) == self.points.scale
    }

    fn distances_to(
        &self,
        i: usize,
        others: impl Iterator<Item = u32>,
        scratch: &mut SparseScratch,
        found: &mut Vec<(T, u32)>,
    ) -> Result<(), Error> {
        let loaded = self.load(i, scratch)?;
        found.clear();
        for j in others {
            found.push((self.distance(&loaded, j as usize, scratch), j));
        }
        Self::unload(scratch);
        Ok(())
    }

    fn offer_all(
        &self,
        which: &[u32],
        exclude_self: bool,
        best: &mut [TopK<T>],
        scratch: &mut SparseScratch,
        progress: &Progress<'_>,
    ) -> Result<(), Error> {
        for (&i, best) in which.iter().zip(best) {
            let loaded = self.load(i as usize, scratch)?;
            for j in (0_u32..).take(self.points.n_points()) {
                if (j as usize).is_multiple_of(POINTS_A_TICK) {
                    progress.advance(0)?;
                }
                if !(exclude_self && i == j) {
                    best.offer(self.distance(&loaded, j as usize, scratch), j);
                }
            }
            Self::unload(scratch);
        }
        Ok(())
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
