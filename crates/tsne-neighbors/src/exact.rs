//! Exact search: every pair is looked at.

use std::borrow::Cow;

use tsne_core::{BackendError, Control, KnnGraph, NeighborIndex, NeighborQuery, Points, Scalar};

use crate::compiled::compiled_here;
use crate::dense::DensePoints;
use crate::error::{Error, check_features, check_k};
use crate::geometry::Geometry;
use crate::metric::Metric;
use crate::sparse::SparsePoints;

/// The true nearest neighbors, by comparing every point with every other.
///
/// Distances are in the metric's own units, computed in f64 from the values as given (\[M50\], \[M53\] and \[M54\] of
/// `docs/math.md`); ties go to the smaller index. Under the Euclidean metric and those that reduce to it, and under
/// Manhattan and Chebyshev, the data may be of any finite magnitude and offset: tiles of products and sums in f32, or
/// in integers for bytes, with a bound on their error (\[M51\], \[M52\]), choose the candidates, and the result is
/// that of f64 arithmetic alone. Other metrics are computed pair by pair. Sparse points are searched by inverted lists
/// (\[M55\]) under euclidean, sqeuclidean, cosine, true_angular, dot, manhattan, hamming and the metrics of presence, such as jaccard.
///
/// The index borrows its points; [`into_owned`](Self::into_owned) copies them.
///
/// ```
/// use tsne_neighbors::{Control, Exact, Metric, NeighborIndex, Points};
///
/// let x = [0.0_f32, 0.0, 3.0, 4.0, 0.0, 1.0];
/// let points = Points::from_row_major(&x, 2)?;
/// let graph = Exact::new(points)?.knn_graph(2, &Control::NONE)?;
/// assert_eq!(graph.row(0), (&[2, 1][..], &[1.0, 5.0][..]));
/// let graph = Exact::with_metric(points, &Metric::Manhattan)?.knn_graph(2, &Control::NONE)?;
/// assert_eq!(graph.row(0), (&[2, 1][..], &[1.0, 7.0][..]));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// Time O(n² D / 2) for the graph, O(n D) a query; for sparse points, with m of them having a feature on average and z
/// features a point, O(n m z) and O(m z). Memory: about twice the graph, two and a half times for sparse points under metrics
/// of presence, and some megabytes a thread; a copy of the
/// points in f64 for metrics that transform their rows (all but those named above, cosine and dot).
/// Equal bits whatever the number of threads, and on every CPU.
#[derive(Clone, Debug)]
pub struct Exact<'a, T: Scalar> {
    points: Indexed<'a, T>,
}

#[derive(Clone, Debug)]
pub(crate) enum Indexed<'a, T: Scalar> {
    Dense(DensePoints<'a, T>),
    Sparse(SparsePoints<'a, T>),
}

impl<'a, T: Scalar> Exact<'a, T> {
    /// Indexes `points` under the Euclidean metric.
    ///
    /// # Errors
    /// When a value is NaN or infinite, naming its row and column.
    pub fn new(points: Points<'a, T>) -> Result<Self, Error> {
        Self::with_metric(points, &Metric::Euclidean)
    }

    /// Indexes `points` under `metric`.
    ///
    /// # Errors
    /// As [`new`](Self::new); when a parameter of the metric is out of range; when the metric is not defined for a
    /// row, such as a negative one under [`Metric::Hellinger`], or not available for sparse points.
    pub fn with_metric(points: Points<'a, T>, metric: &Metric) -> Result<Self, Error> {
        index_points(points, metric)
    }

    /// The same index with a copy of its points.
    #[must_use]
    pub fn into_owned(self) -> Exact<'static, T> {
        let points = match self.points {
            Indexed::Dense(points) => Indexed::Dense(points.into_owned()),
            Indexed::Sparse(points) => Indexed::Sparse(points.into_owned()),
        };
        Exact { points }
    }
}

impl<'a, T: Scalar> Exact<'a, T> {
    /// The points, in the form in which they are searched.
    pub(crate) fn indexed(&self) -> &Indexed<'a, T> {
        &self.points
    }
}

impl<T: Scalar> NeighborIndex<T> for Exact<'_, T> {
    fn n_points(&self) -> usize {
        match &self.points {
            Indexed::Dense(points) => points.n_points(),
            Indexed::Sparse(points) => points.n_points(),
        }
    }

    fn knn_graph(&self, k: usize, control: &Control<'_>) -> Result<KnnGraph<T>, BackendError> {
        graph(self, k, control)
    }
}

impl<T: Scalar> NeighborQuery<T> for Exact<'_, T> {
    fn n_features(&self) -> usize {
        match &self.points {
            Indexed::Dense(points) => points.n_features(),
            Indexed::Sparse(points) => points.n_features(),
        }
    }

    fn query(
        &self,
        queries: Points<'_, T>,
        k: usize,
        control: &Control<'_>,
    ) -> Result<KnnGraph<T>, BackendError> {
        answers(self, queries, k, control)
    }
}

compiled_here! {
    fn index_points<'a, 's; T>(points: Points<'a, T>, metric: &'s Metric) -> Result<Exact<'a, T>, Error> {
        points.check_finite()?;
        if let (Points::Sparse(_), Metric::StandardizedEuclidean { .. }) = (points, metric) {
            return Err(Error::DenseMetric { metric: metric.name() });
        }
        let geometry = Geometry::of_points(metric, points)?;
        let points = match points {
            Points::Sparse(points) => {
                Indexed::Sparse(SparsePoints::new(Cow::Borrowed(points.matrix()), geometry)?)
            }
            points => Indexed::Dense(DensePoints::new(points, geometry)?),
        };
        Ok(Exact { points })
    }

    fn graph<'s; T>(index: &'s Exact<'s, T>, k: usize, control: &'s Control<'s>) -> Result<KnnGraph<T>, BackendError> {
        check_k(k, index.n_points().saturating_sub(1))?;
        let graph = match &index.points {
            Indexed::Dense(points) => points.graph(k, control),
            Indexed::Sparse(points) => points.graph(k, control),
        };
        Ok(graph?)
    }

    fn answers<'s; T>(
        index: &'s Exact<'s, T>,
        queries: Points<'s, T>,
        k: usize,
        control: &'s Control<'s>,
    ) -> Result<KnnGraph<T>, BackendError> {
        check_k(k, index.n_points())?;
        check_features(index.n_features(), queries.n_features())?;
        queries.check_finite().map_err(Error::from)?;
        let graph = match &index.points {
            Indexed::Dense(points) => points.answers(queries, k, control),
            Indexed::Sparse(points) => points.answers(queries, k, control),
        };
        Ok(graph?)
    }
}
