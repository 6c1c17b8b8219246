//! Nearest-neighbor descent: an approximate graph of many points, and graph search for new ones.

use std::sync::{Arc, Mutex, PoisonError};

use tsne_core::{BackendError, Control, KnnGraph, NeighborIndex, NeighborQuery, Points, Scalar, Seed};

use crate::compiled::compiled_here;
use crate::coordinates::Coordinates;
use crate::dense::DensePoints;
use crate::descent::build::{Effort, Layout, Leaves, graph_lists};
use crate::descent::compare::{ByFeatures, ByPairs, Compare};
use crate::descent::edges::Edges;
use crate::descent::lists::Lists;
use crate::descent::search::{SearchGraph, answer_all};
use crate::descent::sparse::BySparse;
use crate::descent::write::write_graph;
use crate::direct::{Direct, Distances};
use crate::error::{Error, check_features, check_k};
use crate::exact::{Exact, Indexed};
use crate::geometry::Base;
use crate::kernels::{AbsoluteSum, Floats, Fold, LargestDifference, Product};
use crate::metric::Metric;
use crate::progress::Progress;
use crate::rp_tree::Places;
use crate::sparse::SparseRows;
use crate::store::Store;

/// Neighbors of each point that queries are led along.
///
/// 10 000 queries against 600 000 distorted digits, k = 90, two threads, 180 points in view: 30 find 0.986 in 0.64 s,
/// 60 find 0.991 in 0.60 s and take 20 s to prepare instead of 17.
const EDGES: usize = 60;

/// Approximate nearest neighbors of many points: random-projection trees, then neighbors of neighbors.
///
/// The points of each leaf of a few trees are compared with each other by the tiles of [`Exact`]; two rounds in which
/// every point is compared with the neighbors of its neighbors (three among sparse ones) find what the trees have cut apart (\[M57\] and \[M58\]
/// of `docs/math.md`). Distances are then computed as [`Exact`] does, so that what is approximate is only which points
/// are found: about 95 of 100 true neighbors, more among the nearest; `docs/accuracy.md` has figures. Every row has k
/// neighbors. Queries descend the trees and follow the edges of a graph (\[M59\]).
///
/// Any metric, dense points of any kind, and sparse ones under the metrics that [`Exact`] has for them. Where looking at
/// everything costs less, it is done, and the result is exact: for fewer points than some two thousand (four
/// thousand sparse ones, a thousand under metrics computed pair by pair) or twenty times k.
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
    prepared: Mutex<Option<Prepared<T>>>,
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

    /// How much is done for `k` neighbors, where approximation pays.
    fn effort(&self, k: usize) -> Option<Effort> {
        let leaves = match self.points.indexed() {
            Indexed::Dense(points) if matches!(points.geometry.base, Base::Pair(_)) => Leaves::Pairs,
            Indexed::Dense(_) => Leaves::Tiles,
            Indexed::Sparse(_) => Leaves::Lists,
        };
        Effort::new(self.n_points(), k, leaves)
    }

    fn is_prepared(&self) -> bool {
        self.prepared.lock().unwrap_or_else(PoisonError::into_inner).is_some()
    }

    /// What queries are led by, built by the first of them. Two that come at the same time build the same.
    fn prepared(&self, build: impl FnOnce() -> Result<Prepared<T>, Error>) -> Result<Prepared<T>, Error> {
        let lock = || self.prepared.lock().unwrap_or_else(PoisonError::into_inner);
        let prepared = lock().clone();
        prepared.map_or_else(
            || {
                let built = build()?;
                *lock() = Some(built.clone());
                Ok(built)
            },
            Ok,
        )
    }
}

/// What queries are led by.
#[derive(Clone, Debug)]
enum Prepared<T: Scalar> {
    Dense(Arc<SearchGraph<T, Coordinates<T>>>),
    Sparse(Arc<SearchGraph<T, SparseRows<T>>>),
}

/// A copy of the points, in the order of the data.
fn coordinates_of<T: Scalar>(points: &DensePoints<'_, T>) -> Coordinates<T> {
    let store = &points.store;
    Coordinates::of(store, store.common_scale(), !store.zero_rows().is_empty())
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

/// Builds lists of the `k` nearest of each point of a layout, and counts the pairs compared.
struct Build<'b, T, P> {
    layout: &'b Layout<T, P>,
    k: usize,
    effort: &'b Effort,
    seed: Seed,
    progress: &'b Progress<'b>,
}

impl<T: Scalar, P: Places<T>> Task<T> for Build<'_, T, P> {
    type Output = (Lists, u64);
    fn run(self, compare: &impl Compare) -> Result<Self::Output, Error> {
        graph_lists(compare, self.layout, self.k, self.effort, self.seed, self.progress)
    }
}

/// Finds the edges that queries are led along, from lists that it builds first.
struct Connect<'b, T, P>(Build<'b, T, P>);

impl<T: Scalar, P: Places<T>> Task<T> for Connect<'_, T, P> {
    type Output = Edges;
    fn run(self, compare: &impl Compare) -> Result<Edges, Error> {
        let progress = self.0.progress;
        let (lists, _) = self.0.run(compare)?;
        Edges::new(compare, &lists, progress)
    }
}

/// Answers queries.
struct Answer<'b, T, P, D> {
    graph: &'b SearchGraph<T, P>,
    queries: &'b P,
    direct: &'b D,
    k: usize,
    progress: &'b Progress<'b>,
}

impl<T: Scalar, P: Places<T>, D: Distances<T>> Task<T> for Answer<'_, T, P, D> {
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
        let (n, seed) = (index.n_points(), index.seed);
        check_k(k, n.saturating_sub(1))?;
        let Some(effort) = &index.effort(k) else {
            let n = n as u64;
            return Ok((index.points.knn_graph(k, control)?, n * (n - 1) / 2));
        };
        let progress = &Progress::new(control, effort.steps(n) + n);
        match index.points.indexed() {
            Indexed::Dense(points) => {
                let layout = Layout::new(coordinates_of(points), seed, effort, progress)?;
                let (rows, order) = (&layout.points, &layout.order);
                let build = Build { layout: &layout, k, effort, seed, progress };
                let (lists, pairs) = with_compare(points, &points.store, order, rows, rows, build)?;
                let order = layout.order;
                drop(layout.points);
                Ok((write_graph(&points.direct(&points.store), lists, &order, progress)?, pairs))
            }
            Indexed::Sparse(points) => {
                let layout = Layout::new(SparseRows::indexed(points, progress)?, seed, effort, progress)?;
                let build = Build { layout: &layout, k, effort, seed, progress };
                let (lists, pairs) = build.run(&BySparse { points, rows: &layout.points, indexed: &layout.points })?;
                let order = layout.order;
                drop(layout.points);
                Ok((write_graph(&points.direct(points.own()?), lists, &order, progress)?, pairs))
            }
        }
    }

    fn answers<'s; T>(
        index: &'s NnDescent<'s, T>,
        queries: Points<'s, T>,
        k: usize,
        control: &'s Control<'s>,
    ) -> Result<KnnGraph<T>, BackendError> {
        let (n, seed) = (index.n_points(), index.seed);
        check_k(k, n)?;
        check_features(index.n_features(), queries.n_features())?;
        let is_foreign = matches!((index.points.indexed(), queries), (Indexed::Dense(_), Points::Sparse(_)));
        let effort = index.effort(EDGES).filter(|_| index.effort(k).is_some() && !is_foreign);
        let Some(effort) = &effort else { return index.points.query(queries, k, control) };
        queries.check_finite().map_err(Error::from)?;
        let to_prepare = if index.is_prepared() { 0 } else { effort.steps(n) };
        let progress = &Progress::new(control, to_prepare + queries.n_points());
        match index.points.indexed() {
            Indexed::Dense(points) => {
                let prepared = index.prepared(|| {
                    let layout = Layout::new(coordinates_of(points), seed, effort, progress)?;
                    let (rows, order) = (&layout.points, &layout.order);
                    let connect = Connect(Build { layout: &layout, k: EDGES, effort, seed, progress });
                    let edges = with_compare(points, &points.store, order, rows, rows, connect)?;
                    Ok(Prepared::Dense(Arc::new(SearchGraph::new(layout, edges, seed, progress)?)))
                })?;
                let Prepared::Dense(graph) = &prepared else { unreachable!("the points are dense") };
                let store = &Store::new(queries, &points.geometry)?;
                let has_zeros = !points.store.zero_rows().is_empty();
                let queries = &Coordinates::of(store, points.store.common_scale(), has_zeros);
                let answer = Answer { graph, queries, direct: &points.direct(store), k, progress };
                Ok(with_compare(points, store, &graph.order, queries, &graph.points, answer)?)
            }
            Indexed::Sparse(points) => {
                let prepared = index.prepared(|| {
                    let layout = Layout::new(SparseRows::indexed(points, progress)?, seed, effort, progress)?;
                    let compare = BySparse { points, rows: &layout.points, indexed: &layout.points };
                    let edges = Connect(Build { layout: &layout, k: EDGES, effort, seed, progress }).run(&compare)?;
                    Ok(Prepared::Sparse(Arc::new(SearchGraph::new(layout, edges, seed, progress)?)))
                })?;
                let Prepared::Sparse(graph) = &prepared else { unreachable!("the points are sparse") };
                let rows = &SparseRows::of(points, queries, progress)?;
                let answer = Answer { graph, queries: rows, direct: &points.direct(queries), k, progress };
                Ok(answer.run(&BySparse { points, rows, indexed: &graph.points })?)
            }
        }
    }
}
