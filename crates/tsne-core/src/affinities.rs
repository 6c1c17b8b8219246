//! Affinities: the matrix the optimizer attracts along, and the seam that extends it to new points.

use std::sync::Arc;

use crate::{BackendError, Control, Csr, KnnGraph, NeighborQuery, Points, Scalar};

/// Stored entries of one row of an affinity matrix; `columns` and `values` have equal length.
#[derive(Clone, Copy, Debug, PartialEq)]
#[allow(clippy::exhaustive_structs, reason = "implementors of Affinities build it")]
pub struct AffinityRow<'a, T> {
    /// Columns of the entries, strictly increasing.
    pub columns: &'a [u32],
    /// Their values, finite and not negative.
    pub values: &'a [T],
}

/// A sparse matrix of attraction weights, read one row at a time.
///
/// For a fit it is the joint distribution P: square, symmetric, zero on the diagonal, summing to 1 (\[M4\] of
/// `docs/math.md`). For new points it has one row each over the reference points, every row summing to 1.
///
/// This is data, not behavior: the optimizer owns the attraction for every P, and reads the rows once into a layout of
/// its own. Exaggeration is a number given to the optimizer; nothing writes to P.
pub trait Affinities<T: Scalar>: Send + Sync {
    /// Number of rows: the points being placed.
    fn n_points(&self) -> usize;

    /// Number of columns: the points that attract, the same points unless stated otherwise.
    fn n_references(&self) -> usize {
        self.n_points()
    }

    /// Row `i`.
    ///
    /// # Panics
    /// If `i` is not below [`n_points`](Self::n_points).
    fn row(&self, i: usize) -> AffinityRow<'_, T>;

    /// The matrix the rows are stored in, where nobody else can see it: the optimizer takes it out and renumbers it for
    /// the time of a run, and puts it back as it was. Without it, it makes a copy.
    fn storage(&mut self) -> Option<&mut Csr<T>> {
        None
    }

    /// The whole matrix by value: copied row by row, unless the implementation can give its storage away.
    fn into_csr(self: Box<Self>) -> Csr<T> {
        let n = self.n_points();
        let entries = (0..n).map(|i| self.row(i).columns.len()).sum();
        let (mut columns, mut values) = (Vec::with_capacity(entries), Vec::with_capacity(entries));
        let mut offsets = Vec::with_capacity(n + 1);
        offsets.push(0);
        for i in 0..n {
            let row = self.row(i);
            columns.extend_from_slice(row.columns);
            values.extend_from_slice(row.values);
            offsets.push(columns.len());
        }
        Csr::from_parts(self.n_references(), offsets, columns, values).expect(
            "an implementation of Affinities keeps columns increasing, in range and as many as values",
        )
    }
}

/// What a caller may ask of rows for new points; a family uses the fields that have a meaning for it and refuses the
/// others when they are set.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct NewRows {
    /// Perplexities of the new rows; none means those of the reference.
    pub perplexities: Option<Vec<f64>>,
    /// Neighbors each new row is spread over; none means the family's own rule.
    pub n_neighbors: Option<usize>,
    /// Bandwidth of the new rows, for a family with a fixed one; none means that of the reference.
    pub sigma: Option<f64>,
    /// Neighbors the caller wants back in [`NewAffinities::neighbors`] at least, to start new points from. Does not
    /// change the rows.
    pub min_neighbors: usize,
}

/// Affinities of new points and the neighbors they came from.
#[derive(Clone, Debug, PartialEq)]
#[allow(clippy::exhaustive_structs, reason = "implementors of ToNew build it")]
pub struct NewAffinities<T> {
    /// One row a new point over the reference points; each sums to 1.
    pub rows: Csr<T>,
    /// The reference neighbors found, at least [`NewRows::min_neighbors`] of them where so many points exist.
    pub neighbors: KnnGraph<T>,
}

/// Affinities that extend to points they were not built on: the API's `to_new`.
pub trait ToNew<T: Scalar>: Affinities<T> {
    /// Rows for `points` against the points of `index`, which are the points these affinities were built on.
    ///
    /// Each row depends on its point alone: one by one equals all at once, bit for bit.
    ///
    /// # Errors
    /// When the request is not legal for this family, the index fails, or `control` interrupts.
    fn to_new(
        &self,
        index: &dyn NeighborQuery<T>,
        points: Points<'_, T>,
        request: &NewRows,
        control: &Control<'_>,
    ) -> Result<NewAffinities<T>, BackendError>;
}

macro_rules! forward {
    ($pointer:ty, |$this:pat_param| $storage:expr) => {
        impl<T: Scalar, A: Affinities<T> + ?Sized> Affinities<T> for $pointer {
            fn n_points(&self) -> usize {
                (**self).n_points()
            }
            fn n_references(&self) -> usize {
                (**self).n_references()
            }
            fn row(&self, i: usize) -> AffinityRow<'_, T> {
                (**self).row(i)
            }
            fn storage(&mut self) -> Option<&mut Csr<T>> {
                let $this = self;
                $storage
            }
        }

        impl<T: Scalar, A: ToNew<T> + ?Sized> ToNew<T> for $pointer {
            fn to_new(
                &self,
                index: &dyn NeighborQuery<T>,
                points: Points<'_, T>,
                request: &NewRows,
                control: &Control<'_>,
            ) -> Result<NewAffinities<T>, BackendError> {
                (**self).to_new(index, points, request, control)
            }
        }
    };
}
forward!(&A, |_| None);
forward!(&mut A, |this| (**this).storage());
forward!(Arc<A>, |this| Arc::get_mut(this)?.storage());

impl<T: Scalar, A: Affinities<T> + ?Sized> Affinities<T> for Box<A> {
    fn n_points(&self) -> usize {
        (**self).n_points()
    }
    fn n_references(&self) -> usize {
        (**self).n_references()
    }
    fn row(&self, i: usize) -> AffinityRow<'_, T> {
        (**self).row(i)
    }
    fn storage(&mut self) -> Option<&mut Csr<T>> {
        (**self).storage()
    }
    fn into_csr(self: Box<Self>) -> Csr<T> {
        (*self).into_csr()
    }
}

impl<T: Scalar, A: ToNew<T> + ?Sized> ToNew<T> for Box<A> {
    fn to_new(
        &self,
        index: &dyn NeighborQuery<T>,
        points: Points<'_, T>,
        request: &NewRows,
        control: &Control<'_>,
    ) -> Result<NewAffinities<T>, BackendError> {
        (**self).to_new(index, points, request, control)
    }
}
