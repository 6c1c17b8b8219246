//! What the public families are made of: a graph, its matrix and a report, and rows for new points.

use std::sync::Arc;

use tsne_core::{Control, Csr, KnnGraph, NeighborIndex, NeighborQuery, NewAffinities, Points, Scalar};

use crate::calibration::{Calibration, Scale};
use crate::directed::{self, directed};
use crate::options::check_neighbors;
use crate::rule::Rule;
use crate::symmetrize::{self, Norm, symmetrize};
use crate::tasks::Progress;
use crate::view::View;
use crate::{Connectivity, Error, Normalization};

/// A matrix, the graph it was made from, and the report about it.
#[derive(Clone, Debug)]
pub(crate) struct Built<T> {
    pub(crate) graph: Arc<KnnGraph<T>>,
    pub(crate) matrix: Csr<T>,
    pub(crate) calibration: Calibration,
    /// Whether the pattern is that of its transpose.
    pub(crate) symmetric: bool,
}

impl<T: Scalar> Built<T> {
    pub(crate) fn connectivity(&self) -> Connectivity {
        if self.symmetric { Connectivity::of_symmetric(&self.matrix) } else { Connectivity::of(&self.matrix) }
    }
}

/// Accessors and seams of a family with a field `built: Built<T>` and a method `placement`.
macro_rules! family {
    ($family:ident) => {
        impl<T: Scalar> $family<T> {
            /// The neighbor graph, as it was given; share it with another family to reuse it.
            #[must_use]
            pub fn graph(&self) -> &Arc<KnnGraph<T>> {
                &self.built.graph
            }

            /// The matrix.
            #[must_use]
            pub fn matrix(&self) -> &Csr<T> {
                &self.built.matrix
            }

            /// How the points hang together. Walks the matrix: O(points) where most are in one component and the matrix
            /// is symmetric, else O(entries).
            #[must_use]
            pub fn connectivity(&self) -> Connectivity {
                self.built.connectivity()
            }

            /// What was attained, and what could not be.
            #[must_use]
            pub fn calibration(&self) -> &Calibration {
                &self.built.calibration
            }

            /// The matrix, the report, and what it takes to weigh new points; the graph is let go.
            #[must_use]
            pub fn into_parts(self) -> (Csr<T>, Calibration, Placement) {
                let placement = self.placement();
                (self.built.matrix, self.built.calibration, placement)
            }
        }

        impl<T: Scalar> Affinities<T> for $family<T> {
            fn n_points(&self) -> usize {
                self.built.matrix.n_rows()
            }

            fn row(&self, i: usize) -> AffinityRow<'_, T> {
                Affinities::row(&self.built.matrix, i)
            }

            /// Moves the matrix out and drops the rest.
            fn into_csr(self: Box<Self>) -> Csr<T> {
                self.built.matrix
            }
        }

        impl<T: Scalar> ToNew<T> for $family<T> {
            fn to_new(
                &self,
                index: &dyn NeighborQuery<T>,
                points: Points<'_, T>,
                request: &NewRows,
                control: &Control<'_>,
            ) -> Result<NewAffinities<T>, BackendError> {
                crate::family::check_same_points(index, self.built.graph.n_points())?;
                Ok(self.placement().new_rows(index, points, request, control)?)
            }
        }
    };
}
pub(crate) use family;

/// Checks that a graph is one of other points among at least two, and returns how many.
pub(crate) fn check_graph<T: Scalar>(graph: &KnnGraph<T>) -> Result<usize, Error> {
    let n_points = graph.n_points();
    check_count(n_points)?;
    check_neighbors(graph.k(), n_points - 1)?;
    Ok(n_points)
}

/// Checks that there are points to be neighbors.
pub(crate) fn check_count(n_points: usize) -> Result<(), Error> {
    if n_points < 2 { Err(Error::TooFewPoints { n_points }) } else { Ok(()) }
}

/// The graph of an index, `k` neighbors each.
pub(crate) fn graph_of<T: Scalar>(
    index: &dyn NeighborIndex<T>,
    k: usize,
    control: &Control<'_>,
) -> Result<Arc<KnnGraph<T>>, Error> {
    Ok(Arc::new(index.knn_graph(k, control)?))
}

/// The matrix of rows weighed by a rule with a perplexity or bandwidth.
pub(crate) fn joint<T: Scalar>(
    view: View<'_, T>,
    rule: &Rule,
    symmetric: bool,
    normalization: Normalization,
    control: &Control<'_>,
) -> Result<(Csr<T>, Vec<Scale>), Error> {
    let n = view.n_rows();
    if symmetric {
        let norm = match normalization {
            Normalization::PairWise => Norm::Total,
            Normalization::PointWise => Norm::Rows,
        };
        let progress = Progress::new(control, symmetrize::PASSES * n);
        return symmetrize(view, rule, norm, &progress);
    }
    let factor = match normalization {
        Normalization::PairWise => 1.0 / n as f64,
        Normalization::PointWise => 1.0,
    };
    let progress = Progress::new(control, directed::PASSES * n);
    directed(view, rule, n, true, factor, &progress)
}

/// Refuses an index of other points than the `n_points` that affinities were built on.
pub(crate) fn check_same_points<T: Scalar>(
    index: &dyn NeighborQuery<T>,
    n_points: usize,
) -> Result<(), Error> {
    let n_indexed = index.n_points();
    if n_indexed == n_points { Ok(()) } else { Err(Error::OtherPoints { n_indexed, n_points }) }
}

/// Rows of new points over those of `index`: `k` neighbors each, weighed by `rule`.
pub(crate) fn new_rows<T: Scalar>(
    index: &dyn NeighborQuery<T>,
    points: Points<'_, T>,
    k: usize,
    min_neighbors: usize,
    rule: &Rule,
    control: &Control<'_>,
) -> Result<NewAffinities<T>, Error> {
    let n_points = index.n_points();
    check_neighbors(k, n_points)?;
    let neighbors = index.query(points, k.max(min_neighbors.min(n_points)), control)?;
    let progress = Progress::new(control, directed::PASSES * neighbors.n_points());
    let (rows, _) = directed(View::new(&neighbors, k), rule, n_points, false, 1.0, &progress)?;
    Ok(NewAffinities { rows, neighbors })
}
