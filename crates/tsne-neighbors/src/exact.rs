//! Exact search: every pair is looked at.

use std::ops::Range;

use tsne_core::{BackendError, Control, KnnGraph, NeighborIndex, NeighborQuery, Points, Scalar};

use crate::direct::Direct;
use crate::error::{Error, check_k};
use crate::geometry::{Base, Geometry};
use crate::kernels::{AbsoluteSum, ByteProduct, Floats, Fold, LargestDifference, Product};
use crate::metric::Metric;
use crate::store::Store;
use crate::tile::{LANES, Packed};
use crate::tiled;

/// Fewest queries for which tiles pay; fewer are compared one by one.
const MIN_QUERIES: usize = 2 * LANES;

/// The true nearest neighbors, by comparing every point with every other.
///
/// Distances are in the metric's own units, computed in f64 from the values as given (\[M50\], \[M53\] and \[M54\] of
/// `docs/math.md`); ties go to the smaller index. Under the Euclidean metric and those that reduce to it, and under
/// Manhattan and Chebyshev, the data may be of any finite magnitude and offset: tiles of products and sums in f32, or
/// in integers for bytes, with a bound on their error (\[M51\], \[M52\]), choose the candidates, and the result is
/// that of f64 arithmetic alone. Other metrics are computed pair by pair.
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
/// Time O(n² D / 2) for the graph, O(n D) a query. Memory: about twice the graph, and some megabytes a thread; a copy
/// of the points in f64 for metrics that transform their rows (all but those named above, cosine and dot). Equal bits
/// whatever the number of threads, and on every CPU.
#[derive(Clone, Debug)]
pub struct Exact<'a, T: Scalar> {
    geometry: Geometry,
    store: Store<'a, T>,
    /// Mean of the scaled points.
    center: Vec<f64>,
}

impl<'a, T: Scalar> Exact<'a, T> {
    /// Indexes `points`, dense or bytes, under the Euclidean metric.
    ///
    /// # Errors
    /// When a value is NaN or infinite (naming its row and column), or the points are sparse.
    pub fn new(points: Points<'a, T>) -> Result<Self, Error> {
        Self::with_metric(points, &Metric::Euclidean)
    }

    /// Indexes `points`, dense or bytes, under `metric`.
    ///
    /// # Errors
    /// As [`new`](Self::new); when a parameter of the metric is out of range; and when the metric is not defined for a
    /// row, such as a negative one under [`Metric::Hellinger`].
    pub fn with_metric(points: Points<'a, T>, metric: &Metric) -> Result<Self, Error> {
        let geometry = match metric {
            Metric::StandardizedEuclidean { variances: None } => {
                points.check_finite()?;
                let variances = Some(variances(points));
                Geometry::new(&Metric::StandardizedEuclidean { variances }, points.n_features())?
            }
            metric => Geometry::new(metric, points.n_features())?,
        };
        let store = Store::new(points, &geometry)?;
        let center = match geometry.base {
            Base::Pair(_) => Vec::new(),
            _ => store.center(),
        };
        Ok(Self { geometry, store, center })
    }

    /// The same index with a copy of its points.
    #[must_use]
    pub fn into_owned(self) -> Exact<'static, T> {
        Exact { geometry: self.geometry, store: self.store.into_owned(), center: self.center }
    }

    fn graph(&self, k: usize, control: &Control<'_>) -> Result<KnnGraph<T>, Error> {
        let width = self.store.n_features();
        if self.store.is_bytes() && width <= ByteProduct::MAX_FEATURES && self.geometry.is_euclidean() {
            let pack = |range: Range<usize>, packed: &mut Packed<ByteProduct>| {
                self.store.pack_bytes(range, packed);
            };
            return tiled::graph(
                &self.direct(&self.store),
                &ByteProduct,
                &pack,
                width.div_ceil(2),
                k,
                control,
            );
        }
        match self.geometry.base {
            Base::Squares => self.graph_by::<Product>(k, control),
            Base::Absolutes => self.graph_by::<AbsoluteSum>(k, control),
            Base::Largest => self.graph_by::<LargestDifference>(k, control),
            Base::Pair(_) => tiled::without_tiles(&self.direct(&self.store), true, k, control),
        }
    }

    fn graph_by<F: Fold>(&self, k: usize, control: &Control<'_>) -> Result<KnnGraph<T>, Error> {
        let (direct, width) = (self.direct(&self.store), self.store.n_features());
        let Some(kernel) = Floats::<F>::new(width) else {
            return tiled::without_tiles(&direct, true, k, control);
        };
        let pack = |range: Range<usize>, packed: &mut Packed<Floats<F>>| {
            self.store.pack_floats(range, self.store.scale(), &self.center, packed);
        };
        tiled::graph(&direct, &kernel, &pack, width, k, control)
    }

    fn answer(&self, queries: &Store<'_, T>, k: usize, control: &Control<'_>) -> Result<KnnGraph<T>, Error> {
        let width = self.store.n_features();
        let direct = self.direct(queries);
        if queries.n_points() < MIN_QUERIES {
            return tiled::without_tiles(&direct, false, k, control);
        }
        let bytes = self.store.is_bytes() && queries.is_bytes();
        if bytes && width <= ByteProduct::MAX_FEATURES && self.geometry.is_euclidean() {
            let pack = |range: Range<usize>, packed: &mut Packed<ByteProduct>| {
                self.store.pack_bytes(range, packed);
            };
            let pack_queries = |range: Range<usize>, packed: &mut Packed<ByteProduct>| {
                queries.pack_bytes(range, packed);
            };
            let steps = width.div_ceil(2);
            return tiled::answers(&direct, &ByteProduct, &pack_queries, &pack, steps, k, control);
        }
        match self.geometry.base {
            Base::Squares => self.answer_by::<Product>(&direct, k, control),
            Base::Absolutes => self.answer_by::<AbsoluteSum>(&direct, k, control),
            Base::Largest => self.answer_by::<LargestDifference>(&direct, k, control),
            Base::Pair(_) => tiled::without_tiles(&direct, false, k, control),
        }
    }

    fn answer_by<F: Fold>(
        &self,
        direct: &Direct<'_, '_, T>,
        k: usize,
        control: &Control<'_>,
    ) -> Result<KnnGraph<T>, Error> {
        let width = self.store.n_features();
        let Some(kernel) = Floats::<F>::new(width) else {
            return tiled::without_tiles(direct, false, k, control);
        };
        let pack = |range: Range<usize>, packed: &mut Packed<Floats<F>>| {
            self.store.pack_floats(range, self.store.scale(), &self.center, packed);
        };
        let pack_queries = |range: Range<usize>, packed: &mut Packed<Floats<F>>| {
            direct.rows.pack_floats(range, self.store.scale(), &self.center, packed);
        };
        tiled::answers(direct, &kernel, &pack_queries, &pack, width, k, control)
    }

    fn direct<'s>(&'s self, rows: &'s Store<'s, T>) -> Direct<'s, 's, T> {
        Direct { geometry: &self.geometry, rows, indexed: &self.store }
    }
}

/// Variances of the features, divided by n − 1.
fn variances<T: Scalar>(points: Points<'_, T>) -> Vec<f64> {
    let (n, width) = (points.n_points(), points.n_features());
    let mut row = vec![T::default(); width];
    let mut mean = vec![0.0; width];
    let mut squares = vec![0.0; width];
    // Welford's recurrence: no cancellation of large sums.
    for i in 0..n {
        points.copy_row(i, &mut row);
        for f in 0..width {
            let x = row[f].to_f64();
            let before = x - mean[f];
            mean[f] += before / (i + 1) as f64;
            squares[f] += before * (x - mean[f]);
        }
    }
    squares.iter().map(|sum| sum / n.saturating_sub(1).max(1) as f64).collect()
}

impl<T: Scalar> NeighborIndex<T> for Exact<'_, T> {
    fn n_points(&self) -> usize {
        self.store.n_points()
    }

    fn knn_graph(&self, k: usize, control: &Control<'_>) -> Result<KnnGraph<T>, BackendError> {
        check_k(k, self.store.n_points().saturating_sub(1))?;
        Ok(self.graph(k, control)?)
    }
}

impl<T: Scalar> NeighborQuery<T> for Exact<'_, T> {
    fn n_features(&self) -> usize {
        self.store.n_features()
    }

    fn query(
        &self,
        queries: Points<'_, T>,
        k: usize,
        control: &Control<'_>,
    ) -> Result<KnnGraph<T>, BackendError> {
        check_k(k, self.store.n_points())?;
        let (expected, got) = (self.store.n_features(), queries.n_features());
        if expected != got {
            return Err(Error::FeatureMismatch { expected, got }.into());
        }
        Ok(self.answer(&Store::new(queries, &self.geometry)?, k, control)?)
    }
}
