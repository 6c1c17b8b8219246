//! The graph of navigable layers of the crate `instant-distance`, under the metrics of this one.

use std::fmt;

use instant_distance::{Builder, Hnsw, Point, Search};
use tsne_core::{BackendError, Control, KnnGraph, NeighborIndex, NeighborQuery, Points, Scalar, Seed};

use crate::compiled::compiled_here;
use crate::error::Error;
use crate::metric::Metric;
use crate::row::{Row, RowPoints};

/// What an [`InstantDistance`] spends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct InstantDistanceParams {
    /// Candidates looked through for each point inserted, 100 by default.
    pub ef_construction: usize,
    /// Candidates looked through for each row of the graph and each query, 200 by default. That many are found at
    /// most: with k at or above it, rows are searched for among all points.
    pub ef_search: usize,
    /// Of the layer each point reaches.
    pub seed: Seed,
}

impl Default for InstantDistanceParams {
    fn default() -> Self {
        Self { ef_construction: 100, ef_search: 200, seed: Seed(0) }
    }
}

impl InstantDistanceParams {
    /// Sets [`ef_construction`](Self::ef_construction).
    #[must_use]
    pub fn with_ef_construction(self, ef_construction: usize) -> Self {
        Self { ef_construction, ..self }
    }

    /// Sets [`ef_search`](Self::ef_search).
    #[must_use]
    pub fn with_ef_search(self, ef_search: usize) -> Self {
        Self { ef_search, ..self }
    }

    /// Sets [`seed`](Self::seed).
    #[must_use]
    pub fn with_seed(self, seed: Seed) -> Self {
        Self { seed, ..self }
    }
}

/// Hierarchical navigable small worlds (Malkov and Yashunin 2018), by the crate `instant-distance`.
///
/// It finds candidates; what is reported are their distances as the metric defines them, in order, and a row left
/// with fewer than k neighbors is searched for among all points. Dense points and bytes, any metric.
///
/// **Not deterministic**: the seed decides the layers alone, threads insert points in the order in which they happen
/// to run, and graphs differ from one build to the next. An index once built gives the same bits whenever it is asked.
/// Building it cannot be interrupted: the crate has no hook.
///
/// Takes some 400 bytes a point besides the points; every point has 32 links, 64 in the lowest layer.
///
/// ```
/// use tsne_neighbors::{Control, InstantDistance, InstantDistanceParams, Metric, NeighborIndex, Points};
///
/// let x: Vec<f32> = (0..400).map(|i| (i * i % 1000) as f32).collect();
/// let points = Points::from_row_major(&x, 2)?;
/// let params = InstantDistanceParams::default();
/// let index = InstantDistance::build(points, &Metric::Euclidean, params, &Control::NONE)?;
/// assert_eq!(index.knn_graph(15, &Control::NONE)?.n_points(), 200);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct InstantDistance<'a, T: Scalar> {
    points: RowPoints<'a, T>,
    params: InstantDistanceParams,
    layers: Hnsw<Row>,
}

impl Point for Row {
    fn distance(&self, other: &Self) -> f32 {
        self.compare(other)
    }
}

impl<'a, T: Scalar> InstantDistance<'a, T> {
    /// Inserts `points`, many at a time.
    ///
    /// # Errors
    /// When a value is not finite, the points are sparse or do not suit the metric, the metric returns what is no
    /// distance, a parameter is 0, or `control` interrupts before the first point or after the last.
    pub fn build(
        points: Points<'a, T>,
        metric: &Metric,
        params: InstantDistanceParams,
        control: &Control<'_>,
    ) -> Result<Self, Error> {
        build(points, metric, params, control)
    }

    /// The same index with a copy of its points.
    #[must_use]
    pub fn into_owned(self) -> InstantDistance<'static, T> {
        InstantDistance { points: self.points.into_owned(), params: self.params, layers: self.layers }
    }

    fn find(&self, search: &mut Search, row: &Row, k: usize, candidates: &mut Vec<u32>) {
        // Nothing is gained from a search that cannot find enough.
        if k < self.params.ef_search {
            candidates.extend(self.layers.search(row, search).map(|found| found.point.index()));
        }
    }
}

impl<T: Scalar> NeighborIndex<T> for InstantDistance<'_, T> {
    fn n_points(&self) -> usize {
        self.points.n_points()
    }

    fn knn_graph(&self, k: usize, control: &Control<'_>) -> Result<KnnGraph<T>, BackendError> {
        graph(self, k, control)
    }
}

impl<T: Scalar> NeighborQuery<T> for InstantDistance<'_, T> {
    fn n_features(&self) -> usize {
        self.points.n_features()
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
    fn build<'a, 's; T>(
        points: Points<'a, T>,
        metric: &'s Metric,
        params: InstantDistanceParams,
        control: &'s Control<'s>,
    ) -> Result<InstantDistance<'a, T>, Error> {
        for (parameter, value) in
            [("ef_construction", params.ef_construction), ("ef_search", params.ef_search)]
        {
            if value == 0 {
                let index = "instant-distance";
                return Err(Error::BadIndexParameter { index, parameter, value, bound: "at least 1" });
            }
        }
        let points = RowPoints::new(points, metric)?;
        control.tick(0, points.n_points())?;
        let builder = Builder::default()
            .seed(params.seed.0)
            .ef_construction(params.ef_construction)
            .ef_search(params.ef_search);
        let (layers, _) = builder.build_hnsw(points.rows());
        points.check()?;
        control.tick(points.n_points(), points.n_points())?;
        Ok(InstantDistance { points, params, layers })
    }

    fn graph<'s; T>(
        index: &'s InstantDistance<'s, T>,
        k: usize,
        control: &'s Control<'s>,
    ) -> Result<KnnGraph<T>, BackendError> {
        let find = |search: &mut Search, row: &Row, candidates: &mut Vec<u32>| {
            index.find(search, row, k, candidates);
        };
        Ok(index.points.graph(k, control, Search::default, find)?)
    }

    fn answers<'s; T>(
        index: &'s InstantDistance<'s, T>,
        queries: Points<'s, T>,
        k: usize,
        control: &'s Control<'s>,
    ) -> Result<KnnGraph<T>, BackendError> {
        let find = |search: &mut Search, row: &Row, candidates: &mut Vec<u32>| {
            index.find(search, row, k, candidates);
        };
        Ok(index.points.answers(queries, k, control, Search::default, find)?)
    }
}

impl<T: Scalar> fmt::Debug for InstantDistance<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("InstantDistance");
        debug.field("points", &self.points).field("params", &self.params).finish_non_exhaustive()
    }
}
