//! One bandwidth for every row. Implements \[M24\].

use std::sync::Arc;

use tsne_core::{
    Affinities, AffinityRow, BackendError, Control, Csr, KnnGraph, NeighborIndex, NeighborQuery,
    NewAffinities, NewRows, Points, Scalar, ToNew,
};

use crate::family::{Built, check_count, check_graph, family, graph_of, joint};
use crate::options::{DEFAULT_NEIGHBORS, check_neighbors};
use crate::rule::Rule;
use crate::view::View;
use crate::{Calibration, Connectivity, Error, Options, Placement};

/// Gaussian affinities with the same standard deviation in every row; openTSNE's `FixedSigmaNN`.
///
/// Where distances mean the same everywhere, points in dense regions keep more neighbors than those in sparse ones.
///
/// ```
/// use tsne_affinity::{FixedSigma, Options};
/// use tsne_core::{Control, KnnGraph};
///
/// // A far outlier, 1000 standard deviations away: its row is normalized all the same.
/// let graph = KnnGraph::from_parts(1, vec![1, 0, 1], vec![1.0, 1.0, 1000.0])?;
/// let p = FixedSigma::from_graph(graph, 1.0, &Options::default(), &Control::NONE)?;
/// assert_eq!(p.matrix().row(2).1, [1.0 / 6.0]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct FixedSigma<T> {
    sigma: f64,
    built: Built<T>,
}

impl<T: Scalar> FixedSigma<T> {
    /// Weighs the neighbors of every row by exp(−d² / (2 `sigma`²)), normalizes the row, averages both directions and
    /// normalizes (\[M4\]).
    ///
    /// Uses all stored neighbors, unless `options` names a number; `strict` has no meaning here.
    /// Accuracy, cost and determinism are as for [`PerplexityBased`](crate::PerplexityBased::from_graph).
    ///
    /// # Errors
    /// A sigma that is not a finite number above 0; more neighbors than stored; a graph that breaks the promises of
    /// [`KnnGraph`], by row; [`Error::Interrupted`].
    pub fn from_graph(
        graph: impl Into<Arc<KnnGraph<T>>>,
        sigma: f64,
        options: &Options,
        control: &Control<'_>,
    ) -> Result<Self, Error> {
        let graph = graph.into();
        check_sigma(sigma)?;
        check_graph(&graph)?;
        let k = options.n_neighbors.unwrap_or(graph.k());
        check_neighbors(k, graph.k())?;
        let (view, rule) = (View::new(&graph, k), Rule::Sigma(sigma));
        let (matrix, _) = joint(view, &rule, options.symmetrize, options.normalization, control)?;
        let calibration = Calibration::without_scales(k);
        Ok(Self { sigma, built: Built { graph, matrix, calibration, symmetric: options.symmetrize } })
    }

    /// As [`from_graph`](Self::from_graph), with 30 neighbors from `index`, or the number that `options` names.
    ///
    /// # Errors
    /// Also when there are not so many other points, or the index fails.
    pub fn from_index(
        index: &dyn NeighborIndex<T>,
        sigma: f64,
        options: &Options,
        control: &Control<'_>,
    ) -> Result<Self, Error> {
        check_sigma(sigma)?;
        check_count(index.n_points())?;
        let k = options.n_neighbors.unwrap_or(DEFAULT_NEIGHBORS);
        check_neighbors(k, index.n_points() - 1)?;
        Self::from_graph(graph_of(index, k, control)?, sigma, options, control)
    }

    /// The standard deviation.
    #[must_use]
    pub fn sigma(&self) -> f64 {
        self.sigma
    }

    /// How new points are weighed.
    #[must_use]
    pub fn placement(&self) -> Placement {
        Placement::FixedSigma { sigma: self.sigma, n_neighbors: self.built.calibration.n_neighbors }
    }
}

pub(crate) fn check_sigma(sigma: f64) -> Result<(), Error> {
    if sigma.is_finite() && sigma > 0.0 { Ok(()) } else { Err(Error::BadSigma { sigma }) }
}

family!(FixedSigma);
