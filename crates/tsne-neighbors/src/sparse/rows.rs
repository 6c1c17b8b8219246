//! Sparse rows laid out for comparisons in any order: scaled, without zeros, in an order of their own.

use tsne_core::{Points, Scalar};

use super::{Entries, RowSummary, Shared, SparsePoints};
use crate::descent::build::Pool;
use crate::error::Error;
use crate::progress::Progress;
use crate::rp_tree::Places;

/// Rows copied between two looks at the caller's hook.
const ROWS_A_TICK: usize = 1024;

/// A copy of sparse points.
#[derive(Debug)]
pub(crate) struct SparseRows<T> {
    /// Where each row starts, and where the last one ends.
    starts: Vec<usize>,
    columns: Vec<u32>,
    values: Vec<T>,
    summaries: Vec<RowSummary>,
    n_features: usize,
    /// Rows of zeros.
    blank: Pool<Vec<T>>,
}

impl<T: Scalar> SparseRows<T> {
    /// The indexed points.
    pub(crate) fn indexed(points: &SparsePoints<'_, T>, progress: &Progress<'_>) -> Result<Self, Error> {
        Self::of(points, points.own()?, progress)
    }

    /// Rows that are to be compared with `points`.
    pub(crate) fn of(
        points: &SparsePoints<'_, T>,
        rows: Points<'_, T>,
        progress: &Progress<'_>,
    ) -> Result<Self, Error> {
        let mut copy = Self::empty(points.n_features());
        if let Points::Sparse(rows) = rows {
            copy.reserve(rows.n_points(), rows.matrix().n_entries());
        }
        let mut entries = Entries::default();
        let is_present = matches!(points.shared, Shared::Presence(_));
        for i in 0..rows.n_points() {
            if i.is_multiple_of(ROWS_A_TICK) {
                progress.advance(0)?;
            }
            let mut summary = points.read(rows, i, points.scale, &mut entries)?;
            // Where values do not count, trees are not to part points by them.
            let value = |&x: &f64| T::lit(if is_present { 1.0 } else { x });
            if !summary.is_zero {
                // Of the values as they are here, lest near-duplicates be told apart by what was rounded off.
                let own = |sum, x| sum + points.shared.total(value(x).to_f64());
                summary.total = entries.values.iter().fold(0.0, own);
            }
            copy.push(&entries.columns, entries.values.iter().map(value), summary);
        }
        Ok(copy)
    }

    fn empty(n_features: usize) -> Self {
        Self {
            starts: vec![0],
            columns: Vec::new(),
            values: Vec::new(),
            summaries: Vec::new(),
            n_features,
            blank: Pool::default(),
        }
    }

    fn reserve(&mut self, n_rows: usize, n_entries: usize) {
        self.starts.reserve_exact(n_rows);
        self.columns.reserve_exact(n_entries);
        self.values.reserve_exact(n_entries);
        self.summaries.reserve_exact(n_rows);
    }

    fn push(&mut self, columns: &[u32], values: impl Iterator<Item = T>, summary: RowSummary) {
        self.columns.extend_from_slice(columns);
        self.values.extend(values);
        self.starts.push(self.columns.len());
        self.summaries.push(summary);
    }

    /// Columns and values of row `i`.
    #[inline(always)]
    pub(crate) fn row(&self, i: u32) -> (&[u32], &[T]) {
        let range = self.starts[i as usize]..self.starts[i as usize + 1];
        (&self.columns[range.clone()], &self.values[range])
    }

    pub(crate) fn summary(&self, i: u32) -> RowSummary {
        self.summaries[i as usize]
    }

    pub(crate) fn n_features(&self) -> usize {
        self.n_features
    }

    /// Σ over the features of row `i` of its values times those of `whole`.
    #[inline(always)]
    fn product(&self, i: u32, whole: &[T]) -> f64 {
        let (columns, values) = self.row(i);
        columns.iter().zip(values).map(|(&f, x)| x.to_f64() * whole[f as usize].to_f64()).sum()
    }
}

impl<T: Scalar> Places<T> for SparseRows<T> {
    fn n_points(&self) -> usize {
        self.summaries.len()
    }

    fn reordered(&self, order: &[u32]) -> Self {
        let mut copy = Self::empty(self.n_features);
        copy.reserve(self.summaries.len(), self.columns.len());
        for &i in order {
            let (columns, values) = self.row(i);
            copy.push(columns, values.iter().copied(), self.summary(i));
        }
        copy
    }

    fn whole<'b>(&'b self, i: u32, buffer: &'b mut Vec<T>) -> &'b [T] {
        buffer.clear();
        buffer.resize(self.n_features, T::default());
        let (columns, values) = self.row(i);
        columns.iter().zip(values).for_each(|(&f, &x)| buffer[f as usize] = x);
        buffer
    }

    fn along(&self, [origin, end]: [u32; 2], point: &[T]) -> Option<T> {
        (self.row(origin) != self.row(end))
            .then(|| T::lit(self.product(end, point) - self.product(origin, point)))
    }

    fn project(&self, [origin, end]: [u32; 2], points: &[u32], to: &mut [T]) -> bool {
        if self.row(origin) == self.row(end) {
            return false;
        }
        let mut direction: Vec<T> = self.blank.take();
        direction.resize(self.n_features, T::default());
        for (i, sign) in [(origin, -T::lit(1.0)), (end, T::lit(1.0))] {
            let (columns, values) = self.row(i);
            columns.iter().zip(values).for_each(|(&f, &x)| direction[f as usize] += sign * x);
        }
        for (to, &i) in to.iter_mut().zip(points) {
            *to = T::lit(self.product(i, &direction));
        }
        for i in [origin, end] {
            self.row(i).0.iter().for_each(|&f| direction[f as usize] = T::default());
        }
        self.blank.give_back(direction);
        true
    }
}
