//! A forest of random-projection trees, searched best first: most of the neighbors for a few percent of the distances.

mod rank;
mod search;
mod tree;

use std::sync::atomic::{AtomicU64, Ordering};

use rayon::prelude::*;
use tsne_core::{BackendError, Control, KnnGraph, NeighborIndex, NeighborQuery, Points, Scalar, Seed};

use crate::compiled::compiled_here;
use crate::coordinates::Coordinates;
use crate::direct::{Direct, Distances, Scratch};
use crate::error::{Error, check_features, check_k};
use crate::geometry::{Base, Geometry};
use crate::metric::Metric;
use crate::output::{Output, row_range, write_nearest};
use crate::pair::Pair;
use crate::progress::Progress;
use crate::rp_tree::Places as _;
use crate::store::Store;
use rank::Quantity;
use search::Search;
use tree::Tree;

/// What errors call it.
const INDEX: &str = "the forest";

/// Most points to a leaf.
///
/// 70 000 digits x 50 components, k = 90, 24 trees cut at medians, two threads of a Zen 5: 64 takes 2.6 s for a recall of
/// 0.950, 128 takes 2.1 s for 0.955. Small leaves need fewer distances, large ones fewer products with normals.
const LEAF_SIZE: usize = 128;

/// Number of neighbors that the default budget is for, where fewer are asked for.
const MIN_K: usize = 20;

/// Rows searched by one task.
const CHUNK: usize = 128;

/// Rows searched before they are put where they belong.
const BATCH: usize = 16 * 1024;

/// Candidates judged by their distances as defined, beyond k: those that rounding may have ranked too far.
const SPARE: usize = 8;

/// Magnitude that the numbers of a query far beyond the points are cut to, so that its quantities are finite.
const FARTHEST: f64 = 1e15;

/// What a [`RandomProjectionForest`] spends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ForestParams {
    /// Number of trees, 50 by default.
    pub n_trees: usize,
    /// Points looked at for each row, counting each as often as a tree shows it; `n_trees` · max(k, 20) if unset.
    pub search_k: Option<usize>,
    /// Of the points that trees are made by.
    pub seed: Seed,
}

impl Default for ForestParams {
    fn default() -> Self {
        Self { n_trees: 50, search_k: None, seed: Seed(0) }
    }
}

impl ForestParams {
    /// Sets [`n_trees`](Self::n_trees).
    #[must_use]
    pub fn with_n_trees(self, n_trees: usize) -> Self {
        Self { n_trees, ..self }
    }

    /// Sets [`search_k`](Self::search_k).
    #[must_use]
    pub fn with_search_k(self, search_k: usize) -> Self {
        Self { search_k: Some(search_k), ..self }
    }

    /// Sets [`seed`](Self::seed).
    #[must_use]
    pub fn with_seed(self, seed: Seed) -> Self {
        Self { seed, ..self }
    }
}

/// Most of the nearest neighbors, by trees of random projections: the method that openTSNE calls `annoy`.
///
/// Every tree parts the points again and again, half way between two means of a few of them (\[M61\]). A row
/// looks first where it belongs in each tree, then across the nearest borders of all trees together (\[M62\]), until
/// it has seen [`search_k`](ForestParams::search_k) points and at least k different ones: rows are never short. Points
/// seen are ranked by their distances in the type of the data; those reported, with ties and order, are distances as
/// [`Exact`](crate::Exact) reports them. With `search_k` of `n_trees` times the number of points it finds them all.
///
/// Takes dense points and bytes, under the metrics that sum over features (the Euclidean ones, cosine, dot, the
/// correlations, hellinger, manhattan, wasserstein, chebyshev) and hamming, which are those of openTSNE's `annoy` and more. `cosine`
/// is 1 − cos, `hamming` the share of features that differ, `dot` 1 − a·b on rows of length 1, as everywhere here.
///
/// ```
/// use tsne_neighbors::{Control, ForestParams, Metric, NeighborIndex, Points, RandomProjectionForest, Seed};
///
/// let x: Vec<f32> = (0..4000).map(|i| (i * i % 1009) as f32).collect();
/// let points = Points::from_row_major(&x, 4)?;
/// let params = ForestParams::default().with_seed(Seed(7));
/// let forest = RandomProjectionForest::build(points, &Metric::Euclidean, params, &Control::NONE)?;
/// assert_eq!(forest.knn_graph(30, &Control::NONE)?.n_points(), 1000);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// Time O(t n D log n) to build t trees and O(s D + t D log n) for a row that looks at s points. Memory: a copy of the
/// points in their type (rows filled up to 16 features), and for each tree 4 bytes a point and a row of features for
/// every 64 to 128 points. Equal seeds give equal bits, whatever the number of threads.
#[derive(Debug)]
pub struct RandomProjectionForest<'a, T: Scalar> {
    geometry: Geometry,
    store: Store<'a, T>,
    params: ForestParams,
    quantity: Quantity,
    trees: Vec<Tree<T>>,
    /// The points in the order of the first tree, which the trees number them in.
    coordinates: Coordinates<T>,
    /// What they are numbered otherwise.
    order: Vec<u32>,
    distances_computed: AtomicU64,
}

impl<'a, T: Scalar> RandomProjectionForest<'a, T> {
    /// Grows the trees over `points`.
    ///
    /// # Errors
    /// When a value is not finite, the points are sparse or do not suit the metric, the metric is not one of those
    /// above, there are to be no trees, or `control` interrupts.
    pub fn build(
        points: Points<'a, T>,
        metric: &Metric,
        params: ForestParams,
        control: &Control<'_>,
    ) -> Result<Self, Error> {
        build(points, metric, params, control)
    }

    /// The same index with a copy of its points.
    #[must_use]
    pub fn into_owned(self) -> RandomProjectionForest<'static, T> {
        RandomProjectionForest {
            geometry: self.geometry,
            store: self.store.into_owned(),
            params: self.params,
            quantity: self.quantity,
            trees: self.trees,
            coordinates: self.coordinates,
            order: self.order,
            distances_computed: self.distances_computed,
        }
    }

    /// Distances computed to rank points, by all searches of this index so far; n² would be all pairs both ways.
    /// Products with the normals of the trees are not among them.
    pub fn distances_computed(&self) -> u64 {
        self.distances_computed.load(Ordering::Relaxed)
    }

    /// Searches for the rows of `queries`, or of the indexed points themselves where there are none.
    fn search(
        &self,
        queries: Option<&Store<'_, T>>,
        k: usize,
        control: &Control<'_>,
    ) -> Result<KnnGraph<T>, Error> {
        let exclude_self = queries.is_none();
        let rows = queries.unwrap_or(&self.store);
        let direct = Direct { geometry: &self.geometry, rows, indexed: &self.store };
        let copied = queries.map(|queries| coordinates(queries, self.store.common_scale()));
        let coordinates = copied.as_ref().unwrap_or(&self.coordinates);
        // Points are searched for in the order of the first tree, so that what they look at is still at hand.
        let number = |at: usize| if exclude_self { self.order[at] as usize } else { at };
        let n_rows = rows.n_points();
        let progress = Progress::new(control, n_rows);
        let budget = self.params.search_k.unwrap_or_else(|| self.params.n_trees.saturating_mul(k.max(MIN_K)));
        let least = k + usize::from(exclude_self);
        let keep = least.saturating_add(SPARE).min(self.store.n_points());
        let mut output = Output::new(n_rows, k)?;
        let batch = BATCH.min(n_rows);
        let (mut neighbors, mut distances) = (vec![0; batch * k], vec![T::default(); batch * k]);
        for first in (0..n_rows).step_by(BATCH) {
            let len = BATCH.min(n_rows - first);
            neighbors[..len * k]
                .par_chunks_mut(CHUNK * k)
                .zip(distances[..len * k].par_chunks_mut(CHUNK * k))
                .enumerate()
                .try_for_each(|(chunk, (neighbors, distances))| {
                    let mut search = Search::new(self.store.n_points(), keep);
                    let (mut scratch, mut near, mut found) = (Scratch::default(), Vec::new(), Vec::new());
                    let mut computed = 0;
                    let rows = neighbors.chunks_exact_mut(k).zip(distances.chunks_exact_mut(k));
                    for (at, (neighbors, distances)) in (first + chunk * CHUNK..).zip(rows) {
                        progress.advance(1)?;
                        let row = coordinates.row(u32::try_from(at).expect("points are numbered by u32"));
                        computed += search.find(
                            &self.trees,
                            &self.coordinates,
                            self.quantity,
                            row,
                            budget,
                            least,
                            &mut near,
                        );
                        let i = number(at);
                        let near = near.iter().map(|&j| self.order[j as usize]);
                        let near = near.filter(|&j| !(exclude_self && j as usize == i));
                        direct.distances_to(i, near, &mut scratch, &mut found)?;
                        write_nearest(&mut found, neighbors, distances);
                    }
                    self.distances_computed.fetch_add(computed as u64, Ordering::Relaxed);
                    Ok::<(), Error>(())
                })?;
            let rows = neighbors.chunks_exact(k).zip(distances.chunks_exact(k)).take(len);
            for (at, (neighbors, distances)) in (first..).zip(rows) {
                let to = row_range(number(at), k);
                output.neighbors[to.clone()].copy_from_slice(neighbors);
                output.distances[to].copy_from_slice(distances);
            }
        }
        output.into_graph(k)
    }
}

/// What the metric makes of the rows of `store`, multiplied by `scale` if they have no scales of their own.
fn coordinates<T: Scalar>(store: &Store<'_, T>, scale: f64) -> Coordinates<T> {
    // A feature of its own for rows of zeros: 1 away from rows of length 1, whose squares are then 2 away.
    let extra = usize::from(store.is_unit());
    Coordinates::from_rows(store.n_points(), store.n_features() + extra, |range, rows| {
        for i in range {
            let start = rows.len();
            store.read(i..i + 1, scale, rows);
            rows[start..].iter_mut().for_each(|x| *x = x.clamp(-FARTHEST, FARTHEST));
            rows.extend((0..extra).map(|_| if store.is_zero_row(i) { 1.0 } else { 0.0 }));
        }
    })
}

impl<T: Scalar> NeighborIndex<T> for RandomProjectionForest<'_, T> {
    fn n_points(&self) -> usize {
        self.store.n_points()
    }

    fn knn_graph(&self, k: usize, control: &Control<'_>) -> Result<KnnGraph<T>, BackendError> {
        graph(self, k, control)
    }
}

impl<T: Scalar> NeighborQuery<T> for RandomProjectionForest<'_, T> {
    fn n_features(&self) -> usize {
        self.store.n_features()
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
        params: ForestParams,
        control: &'s Control<'s>,
    ) -> Result<RandomProjectionForest<'a, T>, Error> {
        for (parameter, value) in [("n_trees", params.n_trees), ("search_k", params.search_k.unwrap_or(1))] {
            if value == 0 {
                return Err(Error::BadIndexParameter { index: INDEX, parameter, value, bound: "at least 1" });
            }
        }
        points.check_finite()?;
        let geometry = Geometry::of_points(metric, points)?;
        let quantity = match geometry.base {
            Base::Squares => Quantity::Squares,
            Base::Absolutes => Quantity::Absolutes,
            Base::Largest => Quantity::Largest,
            Base::Pair(Pair::Hamming) => Quantity::Different,
            Base::Pair(_) => return Err(Error::UnsupportedMetric { index: INDEX, metric: geometry.name }),
        };
        let store = Store::new(points, &geometry)?;
        let coordinates = coordinates(&store, store.common_scale());
        let progress = Progress::new(control, params.n_trees);
        let grow = |number: usize, coordinates: &Coordinates<T>| {
            let tree = Tree::new(coordinates, LEAF_SIZE, params.seed.derive(number as u64), &progress)?;
            progress.advance(1)?;
            Ok(tree)
        };
        let mut first = grow(0, &coordinates)?;
        let order = first.renumber();
        let coordinates = coordinates.reordered(&order);
        let others = (1..params.n_trees).into_par_iter().map(|number| grow(number, &coordinates));
        let mut trees = vec![first];
        trees.extend(others.collect::<Result<Vec<_>, Error>>()?);
        let distances_computed = AtomicU64::new(0);
        Ok(RandomProjectionForest { geometry, store, params, quantity, trees, coordinates, order, distances_computed })
    }

    fn graph<'s; T>(
        forest: &'s RandomProjectionForest<'s, T>,
        k: usize,
        control: &'s Control<'s>,
    ) -> Result<KnnGraph<T>, BackendError> {
        check_k(k, forest.n_points().saturating_sub(1))?;
        Ok(forest.search(None, k, control)?)
    }

    fn answers<'s; T>(
        forest: &'s RandomProjectionForest<'s, T>,
        queries: Points<'s, T>,
        k: usize,
        control: &'s Control<'s>,
    ) -> Result<KnnGraph<T>, BackendError> {
        check_k(k, forest.n_points())?;
        check_features(NeighborQuery::n_features(forest), queries.n_features())?;
        queries.check_finite().map_err(Error::from)?;
        let queries = Store::new(queries, &forest.geometry)?;
        Ok(forest.search(Some(&queries), k, control)?)
    }
}
