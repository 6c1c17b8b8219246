//! Neighbors by brute force, as a graph and as an index.

use tsne_core::{BackendError, Control, KnnGraph, NeighborIndex, NeighborQuery, Points, Scalar, ShapeError};
use tsne_testkit::data::DataSet;
use tsne_testkit::oracle;

/// The `k` nearest other points of every point, at `scale` times their distances, in `T`.
pub(crate) fn graph<T: Scalar>(set: &DataSet, k: usize, scale: f64) -> KnnGraph<T> {
    scaled(oracle::knn(set.points(), k), scale)
}

/// The same graph with `scale` times the distances, in `T`.
pub(crate) fn scaled<T: Scalar>(graph: KnnGraph<f64>, scale: f64) -> KnnGraph<T> {
    let (k, neighbors, distances) = graph.into_parts();
    let distances = distances.into_iter().map(|d| T::lit(d * scale)).collect();
    KnnGraph::from_parts(k, neighbors, distances).expect("as many distances as neighbors")
}

/// An index that looks at all points.
pub(crate) struct Brute(pub(crate) DataSet);

impl<T: Scalar> NeighborIndex<T> for Brute {
    fn n_points(&self) -> usize {
        self.0.n_points()
    }

    fn knn_graph(&self, k: usize, control: &Control<'_>) -> Result<KnnGraph<T>, BackendError> {
        control.tick(0, 1)?;
        if k == 0 || k >= self.0.n_points() {
            return Err(BackendError::new(format!("{k} neighbors of {} points", self.0.n_points())));
        }
        Ok(graph(&self.0, k, 1.0))
    }
}

impl<T: Scalar> NeighborQuery<T> for Brute {
    fn n_features(&self) -> usize {
        self.0.points().n_features()
    }

    fn query(
        &self,
        queries: Points<'_, T>,
        k: usize,
        control: &Control<'_>,
    ) -> Result<KnnGraph<T>, BackendError> {
        control.tick(0, 1)?;
        queries.check_finite().map_err(BackendError::new)?;
        let (got, expected) = (queries.n_features(), self.0.points().n_features());
        if got != expected {
            let what = "features";
            return Err(BackendError::new(ShapeError::LengthMismatch { what, expected, got }));
        }
        let mut values = vec![T::default(); queries.n_points() * got];
        for (i, row) in values.chunks_exact_mut(got).enumerate() {
            queries.copy_row(i, row);
        }
        let values: Vec<f64> = values.iter().map(|x| x.to_f64()).collect();
        let queries = Points::from_row_major(&values, got).map_err(BackendError::new)?;
        Ok(scaled(oracle::query(self.0.points(), queries, k), 1.0))
    }
}
