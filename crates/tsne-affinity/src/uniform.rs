//! All neighbors alike. Implements \[M25\].

use std::sync::Arc;

use tsne_core::{
    Affinities, AffinityRow, BackendError, Control, Csr, KnnGraph, NeighborIndex, NeighborQuery,
    NewAffinities, NewRows, Points, Scalar, ToNew,
};

use crate::directed::{self, directed};
use crate::family::{Built, check_count, check_graph, family, graph_of};
use crate::options::{DEFAULT_NEIGHBORS, check_neighbors};
use crate::rule::Rule;
use crate::symmetrize::{self, Norm, symmetrize};
use crate::tasks::Progress;
use crate::view::View;
use crate::{Calibration, Connectivity, Error, Placement};

/// How a uniform graph is made symmetric.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Symmetrization {
    /// A pair is joined if either lists the other, and all pairs count alike. openTSNE's `max`.
    #[default]
    Max,
    /// A pair that lists each other counts twice as much as one of which only one does. openTSNE's `mean`.
    Mean,
    /// Not at all: every row over its own neighbors. openTSNE's `none`.
    None,
}

/// Affinities that treat all neighbors alike; openTSNE's `Uniform`.
///
/// The distances decide who is a neighbor and nothing else, so nothing is calibrated. With 15 neighbors the maps look
/// much as with perplexity 30, for a sixth of the entries.
///
/// ```
/// use tsne_affinity::{Symmetrization, Uniform};
/// use tsne_core::{Control, KnnGraph};
///
/// // 0 and 1 list each other, 2 lists 1.
/// let graph = KnnGraph::from_parts(1, vec![1, 0, 1], vec![1.0, 1.0, 2.0])?;
/// let p = Uniform::from_graph(graph.clone(), None, Symmetrization::Max, &Control::NONE)?;
/// assert_eq!(p.matrix().row(1), (&[0, 2][..], &[0.25, 0.25][..]));
/// let p = Uniform::from_graph(graph, None, Symmetrization::Mean, &Control::NONE)?;
/// assert_eq!(p.matrix().row(1), (&[0, 2][..], &[1.0 / 3.0, 1.0 / 6.0][..]));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Uniform<T> {
    symmetrization: Symmetrization,
    built: Built<T>,
}

impl<T: Scalar> Uniform<T> {
    /// Joins every point to its first `n_neighbors` (all stored ones, if none is given), makes the graph symmetric and
    /// divides by the total.
    ///
    /// Cost and determinism are as for [`PerplexityBased`](crate::PerplexityBased::from_graph), without calibration.
    ///
    /// # Errors
    /// More neighbors than stored; a graph that breaks the promises of [`KnnGraph`], by row; [`Error::Interrupted`].
    pub fn from_graph(
        graph: impl Into<Arc<KnnGraph<T>>>,
        n_neighbors: Option<usize>,
        symmetrization: Symmetrization,
        control: &Control<'_>,
    ) -> Result<Self, Error> {
        let graph = graph.into();
        let n = check_graph(&graph)?;
        let k = n_neighbors.unwrap_or(graph.k());
        check_neighbors(k, graph.k())?;
        let view = View::new(&graph, k);
        let progress = |passes| Progress::new(control, passes * n);
        let (matrix, _) = match symmetrization {
            Symmetrization::Max => {
                symmetrize(view, &Rule::Uniform, Norm::Equal, &progress(symmetrize::PASSES))?
            }
            Symmetrization::Mean => {
                symmetrize(view, &Rule::Uniform, Norm::Total, &progress(symmetrize::PASSES))?
            }
            Symmetrization::None => {
                let factor = 1.0 / n as f64;
                directed(view, &Rule::Uniform, n, true, factor, &progress(directed::PASSES))?
            }
        };
        let calibration = Calibration::without_scales(k);
        let symmetric = symmetrization != Symmetrization::None;
        Ok(Self { symmetrization, built: Built { graph, matrix, calibration, symmetric } })
    }

    /// As [`from_graph`](Self::from_graph), with `n_neighbors` neighbors from `index`: 30, if none is given.
    ///
    /// # Errors
    /// Also when there are not so many other points, or the index fails.
    pub fn from_index(
        index: &dyn NeighborIndex<T>,
        n_neighbors: Option<usize>,
        symmetrization: Symmetrization,
        control: &Control<'_>,
    ) -> Result<Self, Error> {
        check_count(index.n_points())?;
        let k = n_neighbors.unwrap_or(DEFAULT_NEIGHBORS);
        check_neighbors(k, index.n_points() - 1)?;
        Self::from_graph(graph_of(index, k, control)?, None, symmetrization, control)
    }

    /// How the graph was made symmetric.
    #[must_use]
    pub fn symmetrization(&self) -> Symmetrization {
        self.symmetrization
    }

    /// How new points are weighed.
    #[must_use]
    pub fn placement(&self) -> Placement {
        Placement::Uniform { n_neighbors: self.built.calibration.n_neighbors }
    }
}

family!(Uniform);
