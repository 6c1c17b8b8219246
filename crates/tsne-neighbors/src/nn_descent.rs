//! Nearest-neighbor descent: an approximate graph of many points, and graph search for new ones.

use std::sync::{Arc, Mutex, PoisonError};

use tsne_core::{BackendError, Control, KnnGraph, NeighborIndex, NeighborQuery, Points, Scalar, Seed};

use crate::compiled::compiled_here;
use crate::coordinates::Coordinates;
use crate::dense::DensePoints;
use crate::descent::build::{Effort, Layout, graph_lists};
use crate::descent::compare::{ByFeatures, ByPairs, Compare};
use crate::descent::edges::Edges;
use crate::descent::lists::Lists;
use crate::descent::search::{SearchGraph, answer_all};
use crate::descent::write::write_graph;
use crate::direct::Direct;
use crate::error::{Error, check_features, check_k};
use crate::exact::Exact;
use crate::geometry::Base;
use crate::kernels::{AbsoluteSum, Floats, Fold, LargestDifference, Product};
use crate::metric::Metric;
use crate::progress::Progress;
use crate::store::Store;

/// Neighbors of each point that queries are led along.
const EDGES: usize = 30;

/// Approximate nearest neighbors of many points: random-projection trees, then neighbors of neighbors.
///
/// The points of each leaf of a few trees are compared with each other by the tiles of [`Exact`]; two rounds in which
/// every point is compared with the neighbors of its neighbors find what the trees have cut apart (\[M57\] and \[M58\]
/// of `docs/math.md`). Distances are then computed as [`Exact`] does, so that what is approximate is only which points
/// are found: about 95 of 100 true neighbors, more among the nearest; `docs/accuracy.md` has figures. Every row has k
/// neighbors. Queries descend the trees and follow the edges of a graph (\[M59\]).
///
/// Any metric, dense points of any kind. Where looking at everything costs less, it is done, and the result is exact:
/// for fewer points than eight times k or some two thousand, and for sparse points, whose inverted lists are faster
/// than trees.
///
/// ```
/// use tsne_neighbors::{Control, NeighborIndex, NnDescent, Points, Seed};
///
/// let x: Vec<f32> = (0..20_000_u16).map(f32::from).collect();
/// let index = NnDescent::new(Points::from_row_major(&x, 2)?, Seed(1))?;
/// let graph = index.knn_graph(4, &Control::NONE)?;
/// assert_eq!(graph.row(5000).0, [4999, 5001, 4998, 5002]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// Time O(n log n) for the graph with a large factor: slower than [`Exact`] up to some ten thousands of points.
/// Memory: a copy of the points and twice the graph. The first query builds a graph of its own, which is kept. Equal
/// seeds give equal bits on one machine, whatever the number of threads.
#[derive(Debug)]
pub struct NnDescent<'a, T: Scalar> {
    points: Exact<'a, T>,
    seed: Seed,
    /// What queries are led by, once there has been one.
    prepared: Mutex<Option<Arc<SearchGraph<T>>>>,
}

impl<'a, T: Scalar> NnDescent<'a, T> {
    /// Indexes `points` under the Euclidean metric.
    ///
    /// # Errors
    /// As [`Exact::new`].
    pub fn new(points: Points<'a, T>, seed: Seed) -> Result<Self, Error> {
        Self::with_metric(points, &Metric::Euclidean, seed)
    }

    /// Indexes `points` under `metric`.
    ///
    /// # Errors
    /// As [`Exact::with_metric`].
    pub fn with_metric(points: Points<'a, T>, metric: &Metric, seed: Seed) -> Result<Self, Error> {
        Ok(Self { points: Exact::with_metric(points, metric)?, seed, prepared: Mutex::default() })
    }

    /// The same index with a copy of its points.
    #[must_use]
    pub fn into_owned(self) -> NnDescent<'static, T> {
        NnDescent { points: self.points.into_owned(), seed: self.seed, prepared: self.prepared }
    }

    /// The graph, as [`knn_graph`](NeighborIndex::knn_graph) gives it, with the number of pairs of points that were
    /// compared for it. Pairs met more than once count every time, those of one leaf once.
    ///
    /// # Errors
    /// As [`knn_graph`](NeighborIndex::knn_graph).
    pub fn counted_graph(&self, k: usize, control: &Control<'_>) -> Result<(KnnGraph<T>, u64), BackendError> {
        counted_graph(self, k, control)
    }

    /// The points, where approximation pays for `k` neighbors, and how much is done.
    fn approximate(&self, k: usize) -> Option<(&DensePoints<'a, T>, Effort)> {
        let points = self.points.dense()?;
        let by_pairs = matches!(points.geometry.base, Base::Pair(_));
        Some((points, Effort::new(self.n_points(), k, by_pairs)?))
    }

    /// Lists of the `k` nearest, in the numbers of `layout`, and the number of pairs compared.
    fn lists(
        &self,
        points: &DensePoints<'a, T>,
        layout: &Layout<T>,
        k: usize,
        effort: &Effort,
        progress: &Progress<'_>,
    ) -> Result<(Lists, u64), Error> {
        let build = Build { layout, k, effort, seed: self.seed, progress };
        with_compare(points, &points.store, &layout.order, &layout.coordinates, &layout.coordinates, build)
    }

    /// What queries are led by.
    fn prepare(
        &self,
        points: &DensePoints<'a, T>,
        effort: &Effort,
        progress: &Progress<'_>,
    ) -> Result<Arc<SearchGraph<T>>, Error> {
        let layout = Layout::new(&points.store, self.seed, effort, progress)?;
        let (lists, _) = self.lists(points, &layout, EDGES, effort, progress)?;
        let task = Connect { lists: &lists, progress };
        let (order, rows) = (&layout.order, &layout.coordinates);
        let edges = with_compare(points, &points.store, order, rows, rows, task)?;
        drop(lists);
        let built = Arc::new(SearchGraph::new(layout, edges, self.seed, progress)?);
        // Two that come at the same time build the same.
        *self.prepared.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&built));
        Ok(built)
    }
}

/// What to do with points once it is known how they are compared.
trait Task<T: Scalar> {
    type Output;
    fn run(self, compare: &impl Compare) -> Result<Self::Output, Error>;
}

/// Runs `task` with rows of `store`, whose copy is `rows` and which are numbered by themselves, or by `order` where they
/// are the indexed points.
fn with_compare<T: Scalar, K: Task<T>>(
    points: &DensePoints<'_, T>,
    store: &Store<'_, T>,
    order: &[u32],
    rows: &Coordinates<T>,
    indexed: &Coordinates<T>,
    task: K,
) -> Result<K::Output, Error> {
    match points.geometry.base {
        Base::Squares => by_features::<T, Product, K>(points, store, order, rows, indexed, task),
        Base::Absolutes => by_features::<T, AbsoluteSum, K>(points, store, order, rows, indexed, task),
        Base::Largest => by_features::<T, LargestDifference, K>(points, store, order, rows, indexed, task),
        Base::Pair(_) => by_pairs(points, store, order, task),
    }
}

fn by_features<T: Scalar, F: Fold, K: Task<T>>(
    points: &DensePoints<'_, T>,
    store: &Store<'_, T>,
    order: &[u32],
    rows: &Coordinates<T>,
    indexed: &Coordinates<T>,
    task: K,
) -> Result<K::Output, Error> {
    match Floats::<F>::new(indexed.n_features()) {
        Some(kernel) => task.run(&ByFeatures { kernel: &kernel, rows, indexed }),
        None => by_pairs(points, store, order, task),
    }
}

fn by_pairs<T: Scalar, K: Task<T>>(
    points: &DensePoints<'_, T>,
    store: &Store<'_, T>,
    order: &[u32],
    task: K,
) -> Result<K::Output, Error> {
    let direct = Direct { geometry: &points.geometry, rows: store, indexed: &points.store };
    let indexed = std::ptr::eq(store, &raw const points.store);
    task.run(&ByPairs { direct, rows: indexed.then_some(order), indexed: order })
}

/// Builds lists.
struct Build<'b, T> {
    layout: &'b Layout<T>,
    k: usize,
    effort: &'b Effort,
    seed: Seed,
    progress: &'b Progress<'b>,
}

impl<T: Scalar> Task<T> for Build<'_, T> {
    type Output = (Lists, u64);
    fn run(self, compare: &impl Compare) -> Result<Self::Output, Error> {
        graph_lists(compare, self.layout, self.k, self.effort, self.seed, self.progress)
    }
}

/// Finds the edges that queries are led along.
struct Connect<'b> {
    lists: &'b Lists,
    progress: &'b Progress<'b>,
}

impl<T: Scalar> Task<T> for Connect<'_> {
    type Output = Edges;
    fn run(self, compare: &impl Compare) -> Result<Edges, Error> {
        Edges::new(compare, self.lists, self.progress)
    }
}

/// Answers queries.
struct Answer<'b, 'p, T: Scalar> {
    graph: &'b SearchGraph<T>,
    queries: &'b Coordinates<T>,
    direct: &'b Direct<'b, 'p, T>,
    k: usize,
    progress: &'b Progress<'b>,
}

impl<T: Scalar> Task<T> for Answer<'_, '_, T> {
    type Output = KnnGraph<T>;
    fn run(self, compare: &impl Compare) -> Result<KnnGraph<T>, Error> {
        answer_all(compare, self.graph, self.queries, self.direct, self.k, self.progress)
    }
}

impl<T: Scalar> NeighborIndex<T> for NnDescent<'_, T> {
    fn n_points(&self) -> usize {
        self.points.n_points()
    }

    fn knn_graph(&self, k: usize, control: &Control<'_>) -> Result<KnnGraph<T>, BackendError> {
        Ok(self.counted_graph(k, control)?.0)
    }
}

impl<T: Scalar> NeighborQuery<T> for NnDescent<'_, T> {
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
    fn counted_graph<'s; T>(
        index: &'s NnDescent<'s, T>,
        k: usize,
        control: &'s Control<'s>,
    ) -> Result<(KnnGraph<T>, u64), BackendError> {
        let n = index.n_points();
        check_k(k, n.saturating_sub(1))?;
        let Some((points, effort)) = index.approximate(k) else {
            let n = n as u64;
            return Ok((index.points.knn_graph(k, control)?, n * (n - 1) / 2));
        };
        let progress = Progress::new(control, effort.steps(n) + n);
        let layout = Layout::new(&points.store, index.seed, &effort, &progress)?;
        let (lists, pairs) = index.lists(points, &layout, k, &effort, &progress)?;
        let order = layout.order;
        drop(layout.coordinates);
        Ok((write_graph(&points.direct(&points.store), lists, &order, &progress)?, pairs))
    }

    fn answers<'s; T>(
        index: &'s NnDescent<'s, T>,
        queries: Points<'s, T>,
        k: usize,
        control: &'s Control<'s>,
    ) -> Result<KnnGraph<T>, BackendError> {
        let n = index.n_points();
        check_k(k, n)?;
        check_features(index.n_features(), queries.n_features())?;
        let approximate = index.approximate(EDGES).filter(|_| index.approximate(k).is_some());
        let Some((points, effort)) = approximate.filter(|_| !matches!(queries, Points::Sparse(_))) else {
            return index.points.query(queries, k, control);
        };
        queries.check_finite().map_err(Error::from)?;
        let store = Store::new(queries, &points.geometry)?;
        let prepared = index.prepared.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let steps = if prepared.is_some() { 0 } else { effort.steps(n) };
        let progress = Progress::new(control, steps + queries.n_points());
        let graph = match prepared {
            Some(graph) => graph,
            None => index.prepare(points, &effort, &progress)?,
        };
        let rows = Coordinates::of(&store, points.store.common_scale(), !points.store.zero_rows().is_empty());
        let direct = points.direct(&store);
        let task = Answer { graph: &graph, queries: &rows, direct: &direct, k, progress: &progress };
        Ok(with_compare(points, &store, &graph.order, &rows, &graph.coordinates, task)?)
    }
}
