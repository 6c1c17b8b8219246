//! The graph of navigable layers of the crate `hnsw_rs`, under the metrics of this one.

use std::fmt;

use hnsw_rs::anndists::dist::Distance;
use hnsw_rs::hnsw::Hnsw as Layers;
use tsne_core::{BackendError, Control, KnnGraph, NeighborIndex, NeighborQuery, Points, Scalar};

use crate::compiled::compiled_here;
use crate::error::Error;
use crate::metric::Metric;
use crate::progress::Progress;
use crate::row::{Row, RowPoints};

/// Most layers there can be; that many are never reached.
const MAX_LAYERS: usize = 16;

/// Points inserted between two looks at the caller's hook: some ten milliseconds of work.
const CHUNK: usize = 256;

/// Candidates looked through for a row where few neighbors are asked for.
const MIN_EF_SEARCH: usize = 100;

/// What an [`Hnsw`] spends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct HnswParams {
    /// M: links of a point in each layer, twice as many in the lowest; 16 by default, 1 to 256.
    pub max_connections: usize,
    /// Candidates looked through for each point inserted, 200 by default.
    pub ef_construction: usize,
    /// Candidates looked through for each row of the graph and each query; 2 k if unset, 100 at least; never fewer than k + 1.
    pub ef_search: Option<usize>,
}

impl Default for HnswParams {
    fn default() -> Self {
        Self { max_connections: 16, ef_construction: 200, ef_search: None }
    }
}

impl HnswParams {
    /// Sets [`max_connections`](Self::max_connections).
    #[must_use]
    pub fn with_max_connections(self, max_connections: usize) -> Self {
        Self { max_connections, ..self }
    }

    /// Sets [`ef_construction`](Self::ef_construction).
    #[must_use]
    pub fn with_ef_construction(self, ef_construction: usize) -> Self {
        Self { ef_construction, ..self }
    }

    /// Sets [`ef_search`](Self::ef_search).
    #[must_use]
    pub fn with_ef_search(self, ef_search: usize) -> Self {
        Self { ef_search: Some(ef_search), ..self }
    }
}

/// Hierarchical navigable small worlds (Malkov and Yashunin 2018), by the crate `hnsw_rs`.
///
/// It finds candidates; what is reported are their distances as the metric defines them, in order, and a row left
/// with fewer than k neighbors is searched for among all points. Dense points and bytes, any metric.
///
/// **Not deterministic**: threads insert points in the order in which they happen to run, so that graphs differ from
/// one build to the next. An index once built gives the same bits whenever it is asked.
///
/// Takes some 2 kB a point besides the points (its links are on the heap one by one). [`Exact`](crate::Exact) is
/// faster for some tens of thousands of points.
///
/// ```
/// use tsne_neighbors::{Control, Hnsw, HnswParams, Metric, NeighborIndex, Points};
///
/// let x: Vec<f32> = (0..400).map(|i| (i * i % 1000) as f32).collect();
/// let points = Points::from_row_major(&x, 2)?;
/// let index = Hnsw::build(points, &Metric::Manhattan, HnswParams::default(), &Control::NONE)?;
/// assert_eq!(index.knn_graph(15, &Control::NONE)?.n_points(), 200);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Hnsw<'a, T: Scalar> {
    points: RowPoints<'a, T>,
    params: HnswParams,
    layers: Layers<'static, Row, Compare>,
}

/// The distance that the layers are built by.
struct Compare;

impl Distance<Row> for Compare {
    fn eval(&self, a: &[Row], b: &[Row]) -> f32 {
        a[0].compare(&b[0])
    }
}

impl<'a, T: Scalar> Hnsw<'a, T> {
    /// Inserts `points` one after the other, many at a time.
    ///
    /// # Errors
    /// When a value is not finite, the points are sparse or do not suit the metric, the metric returns what is no
    /// distance, a parameter is out of its range, or `control` interrupts.
    pub fn build(
        points: Points<'a, T>,
        metric: &Metric,
        params: HnswParams,
        control: &Control<'_>,
    ) -> Result<Self, Error> {
        build(points, metric, params, control)
    }

    /// The same index with a copy of its points.
    #[must_use]
    pub fn into_owned(self) -> Hnsw<'static, T> {
        Hnsw { points: self.points.into_owned(), params: self.params, layers: self.layers }
    }

    fn find(&self, row: &Row, k: usize, candidates: &mut Vec<u32>) {
        // One more than k for the point itself.
        let ef = self.params.ef_search.unwrap_or_else(|| (2 * k).max(MIN_EF_SEARCH)).max(k + 1);
        let ef = ef.min(self.points.n_points());
        let found = self.layers.search(std::slice::from_ref(row), ef, ef);
        candidates
            .extend(found.iter().map(|near| u32::try_from(near.d_id).expect("points are numbered by u32")));
    }
}

fn check_parameter(
    parameter: &'static str,
    value: usize,
    max: usize,
    bound: &'static str,
) -> Result<(), Error> {
    if value == 0 || value > max {
        return Err(Error::BadIndexParameter { index: "hnsw", parameter, value, bound });
    }
    Ok(())
}

impl<T: Scalar> NeighborIndex<T> for Hnsw<'_, T> {
    fn n_points(&self) -> usize {
        self.points.n_points()
    }

    fn knn_graph(&self, k: usize, control: &Control<'_>) -> Result<KnnGraph<T>, BackendError> {
        graph(self, k, control)
    }
}

impl<T: Scalar> NeighborQuery<T> for Hnsw<'_, T> {
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
        params: HnswParams,
        control: &'s Control<'s>,
    ) -> Result<Hnsw<'a, T>, Error> {
        check_parameter("max_connections", params.max_connections, 256, "from 1 to 256")?;
        check_parameter("ef_construction", params.ef_construction, usize::MAX, "at least 1")?;
        let points = RowPoints::new(points, metric)?;
        let rows: Vec<(Row, usize)> = points.rows().into_iter().zip(0..).collect();
        let layers =
            Layers::new(params.max_connections, rows.len(), MAX_LAYERS, params.ef_construction, Compare);
        let progress = Progress::new(control, rows.len());
        for rows in rows.chunks(CHUNK) {
            progress.advance(rows.len())?;
            let rows: Vec<(&[Row], usize)> =
                rows.iter().map(|(row, i)| (std::slice::from_ref(row), *i)).collect();
            layers.parallel_insert_slice(&rows);
            points.check()?;
        }
        let mut layers = layers;
        layers.set_searching_mode(true);
        Ok(Hnsw { points, params, layers })
    }

    fn graph<'s; T>(index: &'s Hnsw<'s, T>, k: usize, control: &'s Control<'s>) -> Result<KnnGraph<T>, BackendError> {
        let find = |(): &mut (), row: &Row, candidates: &mut Vec<u32>| index.find(row, k, candidates);
        Ok(index.points.graph(k, control, || (), find)?)
    }

    fn answers<'s; T>(
        index: &'s Hnsw<'s, T>,
        queries: Points<'s, T>,
        k: usize,
        control: &'s Control<'s>,
    ) -> Result<KnnGraph<T>, BackendError> {
        let find = |(): &mut (), row: &Row, candidates: &mut Vec<u32>| index.find(row, k, candidates);
        Ok(index.points.answers(queries, k, control, || (), find)?)
    }
}

impl<T: Scalar> fmt::Debug for Hnsw<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hnsw")
            .field("points", &self.points)
            .field("params", &self.params)
            .finish_non_exhaustive()
    }
}
