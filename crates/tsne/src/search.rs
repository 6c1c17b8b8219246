//! The search for neighbors by name.

use tsne_core::{BackendError, Control, KnnGraph, NeighborIndex, Points, Scalar, Seed};
use tsne_neighbors::quality::{self, Rows};
use tsne_neighbors::{Exact, ForestParams, Metric, NnDescent, RandomProjectionForest};

use crate::Neighbors;

/// Label of the random stream of searches.
const STREAM: u64 = 0x1417_0006;

/// Points on which recall is estimated: of the 90 neighbors of each, 1 % more or less found is seen, and the search made
/// some twenty times as many comparisons.
const RECALL_SAMPLE: usize = 100;

/// The `k` nearest neighbors of every point, by the index that is `chosen`.
pub(crate) fn graph<T: Scalar>(
    chosen: Neighbors,
    points: Points<'_, T>,
    metric: &Metric,
    seed: Seed,
    k: usize,
    control: &Control<'_>,
) -> Result<KnnGraph<T>, BackendError> {
    let seed = seed.derive(STREAM);
    match chosen {
        Neighbors::Auto | Neighbors::Exact => {
            Exact::with_metric(points, metric).map_err(BackendError::new)?.knn_graph(k, control)
        }
        Neighbors::Approx | Neighbors::Annoy => {
            let params = ForestParams::default().with_seed(seed);
            let forest = RandomProjectionForest::build(points, metric, params, control);
            forest.map_err(BackendError::new)?.knn_graph(k, control)
        }
        Neighbors::NnDescent => {
            NnDescent::with_metric(points, metric, seed).map_err(BackendError::new)?.knn_graph(k, control)
        }
        #[cfg(feature = "hnsw")]
        Neighbors::Hnsw => {
            let params = tsne_neighbors::HnswParams::default();
            let index = tsne_neighbors::Hnsw::build(points, metric, params, control);
            index.map_err(BackendError::new)?.knn_graph(k, control)
        }
        #[cfg(feature = "instant-distance")]
        Neighbors::InstantDistance => {
            let params = tsne_neighbors::InstantDistanceParams::default().with_seed(seed);
            let index = tsne_neighbors::InstantDistance::build(points, metric, params, control);
            index.map_err(BackendError::new)?.knn_graph(k, control)
        }
        #[cfg(not(all(feature = "hnsw", feature = "instant-distance")))]
        left_out => Err(BackendError::new(format!(
            "{left_out} is left out of this build; turn on the feature of its name"
        ))),
    }
}

/// Share of the true neighbors in what an approximate search has found, on a sample; none where that is exact, or the
/// points are sparse.
pub(crate) fn recall<T: Scalar>(
    chosen: Neighbors,
    graph: &KnnGraph<T>,
    points: Points<'_, T>,
    metric: &Metric,
    seed: Seed,
) -> Option<f64> {
    if matches!(chosen, Neighbors::Auto | Neighbors::Exact) {
        return None;
    }
    let rows = Rows::Sample(RECALL_SAMPLE, seed.derive(STREAM));
    quality::recall(graph, points, metric, rows, &Control::NONE).ok()
}
