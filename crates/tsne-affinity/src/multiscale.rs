//! Several perplexities at once: near neighbors and the wider surroundings in one P. Implements \[M22\], \[M23\].

use std::sync::Arc;

use tsne_core::{
    Affinities, AffinityRow, BackendError, Control, Csr, KnnGraph, NeighborIndex, NeighborQuery,
    NewAffinities, NewRows, Points, Scalar, ToNew,
};

use crate::calibrated::Request;
use crate::family::{Built, family};
use crate::rule::Combine;
use crate::{Calibration, Connectivity, Error, Options, Placement};

/// Defines a family with several perplexities.
macro_rules! several_perplexities {
    ($(#[$documentation:meta])* $family:ident, $combine:expr) => {
        $(#[$documentation])*
        #[derive(Clone, Debug)]
        pub struct $family<T> {
            request: Request,
            built: Built<T>,
        }

        impl<T: Scalar> $family<T> {
            /// Calibrates every row of `graph` to each of `perplexities`, puts the Gaussians of a row together,
            /// averages both directions and normalizes (\[M4\]).
            ///
            /// Uses [`neighbors_for`](crate::neighbors_for) the largest perplexity of the stored neighbors, or all if
            /// fewer are stored (which [`calibration`](Self::calibration) reports, as it does that a perplexity above
            /// [`perplexity_limit`](crate::perplexity_limit) was lowered to it, or left out if another has been), or
            /// the number that `options` names. Accuracy, cost and determinism are as for
            /// [`PerplexityBased`](crate::PerplexityBased::from_graph), calibration once for every perplexity.
            ///
            /// # Errors
            /// No perplexity, one that is not a finite number of at least 1, or one above the neighbors stored; in
            /// strict mode also what would be reported; a graph that breaks the promises of [`KnnGraph`], by row;
            /// [`Error::Interrupted`].
            pub fn from_graph(
                graph: impl Into<Arc<KnnGraph<T>>>,
                perplexities: &[f64],
                options: &Options,
                control: &Control<'_>,
            ) -> Result<Self, Error> {
                let request = Request::new(perplexities, options, $combine);
                let built = request.on_graph(graph.into(), control)?;
                Ok(Self { request, built })
            }

            /// As [`from_graph`](Self::from_graph), with as many neighbors from `index` as it needs.
            ///
            /// # Errors
            /// Also when the index fails.
            pub fn from_index(
                index: &dyn NeighborIndex<T>,
                perplexities: &[f64],
                options: &Options,
                control: &Control<'_>,
            ) -> Result<Self, Error> {
                let request = Request::new(perplexities, options, $combine);
                let built = request.on_index(index, control)?;
                Ok(Self { request, built })
            }

            /// Rebuilds the matrix for other perplexities from the stored neighbors; does nothing if they are the same.
            ///
            /// # Errors
            /// As [`from_graph`](Self::from_graph), and when fewer neighbors are stored than the perplexities are
            /// spread over; nothing changes then.
            pub fn set_perplexities(&mut self, perplexities: &[f64], control: &Control<'_>) -> Result<(), Error> {
                if perplexities == self.perplexities() {
                    return Ok(());
                }
                let request = Request::new(perplexities, &self.request.options, $combine);
                request.check_stored(&self.built.graph)?;
                self.built = request.on_graph(Arc::clone(&self.built.graph), control)?;
                self.request = request;
                Ok(())
            }

            /// The perplexities asked for.
            #[must_use]
            pub fn perplexities(&self) -> &[f64] {
                &self.request.perplexities
            }

            /// The perplexities used, ascending: without those that are too high for the number of points.
            #[must_use]
            pub fn effective_perplexities(&self) -> Vec<f64> {
                self.built.calibration.scales.iter().map(|scale| scale.perplexity).collect()
            }

            /// How new points are weighed.
            #[must_use]
            pub fn placement(&self) -> Placement {
                Placement::$family { perplexities: self.effective_perplexities() }
            }
        }

        family!($family);
    };
}

several_perplexities! {
    /// A mixture of Gaussians in every row, one for each perplexity; openTSNE's `MultiscaleMixture`.
    ///
    /// Each Gaussian is as wide as its own perplexity wants it, and has unit mass: a row is the sum of
    /// √β exp(−β d²), normalized. So the narrow ones count where neighbors are near, and the wide ones elsewhere.
    ///
    /// ```
    /// use tsne_affinity::{MultiscaleMixture, Options};
    /// use tsne_core::{Control, KnnGraph};
    ///
    /// // Eight points on a line, each with all others as neighbors.
    /// let (mut neighbors, mut distances) = (Vec::new(), Vec::new());
    /// for i in 0..8_u32 {
    ///     let mut row: Vec<u32> = (0..8).filter(|&j| j != i).collect();
    ///     row.sort_by_key(|&j| (i.abs_diff(j), j));
    ///     distances.extend(row.iter().map(|&j| f64::from(i.abs_diff(j))));
    ///     neighbors.extend(row);
    /// }
    /// let graph = KnnGraph::from_parts(7, neighbors, distances)?;
    /// let p = MultiscaleMixture::from_graph(graph, &[1.5, 2.0, 50.0], &Options::default(), &Control::NONE)?;
    /// // 50 is too much for eight points. It became a third of the other seven, and the report says so.
    /// assert_eq!(p.effective_perplexities(), [1.5, 2.0, 7.0 / 3.0]);
    /// assert_eq!(p.calibration().adjustments[0].to_string(), "perplexity 50 is too high for 8 points, used 2.3333");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    MultiscaleMixture, Combine::Mixture
}

several_perplexities! {
    /// The average of the matrices of several perplexities; openTSNE's `Multiscale`.
    ///
    /// Each row is normalized for each perplexity first, so all of them count alike in every row.
    Multiscale, Combine::Average
}
