//! One perplexity for every row: the affinities of the t-SNE papers. Implements \[M1\]–\[M4\].

use std::sync::Arc;

use tsne_core::{
    Affinities, AffinityRow, BackendError, Control, Csr, KnnGraph, NeighborIndex, NeighborQuery,
    NewAffinities, NewRows, Points, Scalar, ToNew,
};

use crate::calibrated::Request;
use crate::family::{Built, family};
use crate::rule::Combine;
use crate::{Calibration, Connectivity, Error, Options, Placement};

/// Gaussian affinities with the same perplexity in every row; openTSNE's `PerplexityBasedNN`.
///
/// ```
/// use tsne_affinity::{Options, PerplexityBased};
/// use tsne_core::{Affinities, Control, KnnGraph};
///
/// // Four points on a line at 0, 1, 2 and 4, with the two nearest neighbors of each.
/// let graph = KnnGraph::from_parts(
///     2,
///     vec![1, 2, 0, 2, 1, 0, 2, 1],
///     vec![1.0_f32, 2.0, 1.0, 1.0, 1.0, 2.0, 2.0, 3.0],
/// )?;
/// let p = PerplexityBased::from_graph(graph, 1.0, &Options::default(), &Control::NONE)?;
/// let total: f64 = (0..4).flat_map(|i| p.row(i).values.to_vec()).map(f64::from).sum();
/// assert!((total - 1.0).abs() < 1e-6);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct PerplexityBased<T> {
    request: Request,
    built: Built<T>,
}

impl<T: Scalar> PerplexityBased<T> {
    /// Calibrates every row of `graph` to `perplexity`, averages both directions and normalizes (\[M4\]).
    ///
    /// Uses the first [`neighbors_for`](crate::neighbors_for) of the stored neighbors, unless `options` names a number.
    /// A perplexity above [`perplexity_limit`](crate::perplexity_limit) is lowered to it, which
    /// [`calibration`](Self::calibration) reports, or refused in strict mode.
    ///
    /// # Errors
    /// A perplexity that is not a finite number of at least 1, or above the neighbors stored; a graph that breaks the
    /// promises of [`KnnGraph`], by row; [`Error::Interrupted`].
    /// # Accuracy
    /// The perplexity of a row is met to about 1e-13, the values to a few units in the last place of `T` relative to
    /// the largest of their row, at any magnitude of the distances whose ratios `T` can hold.
    /// # Cost
    /// O(n k) time, a handful of exponentials an edge. While the result is built at most 1.4 times its size is allocated
    /// at perplexity 30: 24 bytes a point, 8 a point for each of up to eight chunks of rows, and row offsets.
    /// # Determinism
    /// Equal bits for any number of threads. Multiplying all distances by a power of two changes no bit.
    pub fn from_graph(
        graph: impl Into<Arc<KnnGraph<T>>>,
        perplexity: f64,
        options: &Options,
        control: &Control<'_>,
    ) -> Result<Self, Error> {
        let request = Request::new(&[perplexity], options, Combine::Average);
        let built = request.on_graph(graph.into(), control)?;
        Ok(Self { request, built })
    }

    /// As [`from_graph`](Self::from_graph), with as many neighbors from `index` as it needs.
    ///
    /// # Errors
    /// Also when the index fails.
    pub fn from_index(
        index: &dyn NeighborIndex<T>,
        perplexity: f64,
        options: &Options,
        control: &Control<'_>,
    ) -> Result<Self, Error> {
        let request = Request::new(&[perplexity], options, Combine::Average);
        let built = request.on_index(index, control)?;
        Ok(Self { request, built })
    }

    /// Rebuilds the matrix for another perplexity from the stored neighbors; does nothing if it is the same.
    ///
    /// # Errors
    /// As [`from_graph`](Self::from_graph); nothing changes then.
    pub fn set_perplexity(&mut self, perplexity: f64, control: &Control<'_>) -> Result<(), Error> {
        if perplexity == self.perplexity() {
            return Ok(());
        }
        let request = Request::new(&[perplexity], &self.request.options, Combine::Average);
        self.built = request.on_graph(Arc::clone(&self.built.graph), control)?;
        self.request = request;
        Ok(())
    }

    /// The perplexity asked for.
    #[must_use]
    pub fn perplexity(&self) -> f64 {
        self.request.perplexities[0]
    }

    /// The perplexity used, lower than the one asked for where there are too few points.
    #[must_use]
    pub fn effective_perplexity(&self) -> f64 {
        self.built.calibration.scales[0].perplexity
    }

    /// How new points are weighed.
    #[must_use]
    pub fn placement(&self) -> Placement {
        Placement::PerplexityBased { perplexity: self.effective_perplexity() }
    }
}

family!(PerplexityBased);
