//! Distances of sparse rows as they are defined: one row spread out, the features of the others looked up in it.

use rayon::prelude::*;
use tsne_core::{Points, Scalar};

use super::{Entries, RowSummary, Shared, SparsePoints, Term as _, with_term};
use crate::bound::ErrorBound;
use crate::direct::Distances;
use crate::error::Error;
use crate::progress::Progress;
use crate::selection::zeros;
use crate::top_k::TopK;

/// Points between two looks at the caller's hook.
const POINTS_A_TICK: usize = 1024;

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
}

impl<T: Scalar> SparseDirect<'_, '_, T> {
    fn load(&self, i: usize, scratch: &mut SparseScratch) -> Result<Loaded, Error> {
        let points = self.points;
        let SparseScratch { row, whole, .. } = scratch;
        let summary = points.read(self.rows, i, row)?;
        whole.resize(points.n_features(), 0.0);
        for (&f, &x) in row.columns.iter().zip(&row.values) {
            whole[f as usize] = x;
        }
        let n_features = row.columns.len();
        // Counts are without error; sums are not.
        let roundings = if points.shared.is_count() { 0 } else { n_features + points.longest + 16 };
        let bound = ErrorBound::new(n_features, roundings, f64::EPSILON, f64::MIN_POSITIVE)
            .expect("a row has fewer features than would make its sums useless");
        Ok(Loaded { summary, bound })
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
        let whole = &scratch.whole;
        let sum: f64 = with_term!(points.shared, Kind => {
            let terms = columns.iter().zip(values);
            terms.map(|(&f, x)| Kind::of(whole[f as usize], x.to_f64() * b.scale)).sum()
        });
        let mut quantity = points.quantity(a, b, sum);
        // What cancellation has left too little of is summed again without it.
        let error = loaded.bound.relative * (a.total + b.total);
        if error > T::EPSILON.to_f64() / 16.0 * quantity && !a.is_zero && !b.is_zero {
            let SparseScratch { row, other, .. } = scratch;
            other.columns.clear();
            other.values.clear();
            other.columns.extend_from_slice(columns);
            other.values.extend(values.iter().map(|x| x.to_f64() * b.scale));
            let squares = matches!(points.shared, Shared::Products);
            quantity = row.merge(other, |a, b| if squares { (a - b) * (a - b) } else { (a - b).abs() });
        }
        T::lit(points.geometry.output.distance(quantity, points.scale))
    }
}

impl<T: Scalar> Distances<T> for SparseDirect<'_, '_, T> {
    type Scratch = SparseScratch;

    fn is_in_scale(&self, _i: usize) -> bool {
        true
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

    fn search(
        &self,
        which: &[u32],
        exclude_self: bool,
        k: usize,
        progress: &Progress<'_>,
    ) -> Result<(Vec<u32>, Vec<T>), Error> {
        let len = which.len().saturating_mul(k);
        let (mut neighbors, mut distances) = (zeros(len)?, zeros(len)?);
        let outputs = neighbors.par_chunks_exact_mut(k).zip(distances.par_chunks_exact_mut(k));
        outputs.zip(which).try_for_each_init(
            || (SparseScratch::default(), TopK::new(k)),
            |(scratch, nearest), ((neighbors, distances), &i)| {
                let loaded = self.load(i as usize, scratch)?;
                for j in 0..self.points.n_points() {
                    if j.is_multiple_of(POINTS_A_TICK) {
                        progress.advance(0)?;
                    }
                    if !(exclude_self && j == i as usize) {
                        let distance = self.distance(&loaded, j, scratch);
                        nearest.offer(distance, u32::try_from(j).expect("points are numbered by u32"));
                    }
                }
                Self::unload(scratch);
                nearest.drain_into(neighbors, distances);
                Ok::<(), Error>(())
            },
        )?;
        Ok((neighbors, distances))
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
