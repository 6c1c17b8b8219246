//! The engine of the families with perplexities, which differ in how they put the Gaussians of a row together.

use std::sync::Arc;

use tsne_core::{Control, KnnGraph, NeighborIndex, Scalar};

use crate::calibration::{Adjustment, Calibration};
use crate::family::{Built, check_count, check_graph, graph_of, joint};
use crate::options::{neighbors_for, resolve_neighbors, resolve_perplexities};
use crate::rule::{Combine, Rule};
use crate::view::View;
use crate::{Error, Options};

/// What a family with perplexities asks for.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) perplexities: Vec<f64>,
    pub(crate) options: Options,
    pub(crate) combine: Combine,
}

impl Request {
    pub(crate) fn new(perplexities: &[f64], options: &Options, combine: Combine) -> Self {
        Self { perplexities: perplexities.to_vec(), options: options.clone(), combine }
    }

    /// Checks that a graph stores all the neighbors this would be spread over, and not only as many as there must be.
    pub(crate) fn check_stored<T: Scalar>(&self, graph: &KnnGraph<T>) -> Result<(), Error> {
        let n = graph.n_points();
        let (used, _) = resolve_perplexities(&self.perplexities, n, self.options.strict)?;
        let perplexity = used[used.len() - 1];
        let (wanted, stored) = (neighbors_for(perplexity).min(n - 1), graph.k());
        if self.options.n_neighbors.is_none() && stored < wanted {
            return Err(Error::TooFewStored { perplexity, wanted, stored });
        }
        Ok(())
    }

    pub(crate) fn on_graph<T: Scalar>(
        &self,
        graph: Arc<KnnGraph<T>>,
        control: &Control<'_>,
    ) -> Result<Built<T>, Error> {
        let n = check_graph(&graph)?;
        let options = &self.options;
        let (used, mut adjustments) = resolve_perplexities(&self.perplexities, n, options.strict)?;
        let k = resolve_neighbors(&used, options.n_neighbors, graph.k())?;
        match self.check_stored(&graph) {
            Err(Error::TooFewStored { perplexity, wanted, stored }) if !options.strict => {
                adjustments.push(Adjustment::FewNeighbors { perplexity, wanted, used: stored });
            }
            stored => stored?,
        }
        let rule = Rule::Perplexities(used, self.combine);
        let view = View::new(&graph, k);
        let (matrix, scales) = joint(view, &rule, options.symmetrize, options.normalization, control)?;
        let calibration = Calibration { adjustments, n_neighbors: k, scales };
        Ok(Built { graph, matrix, calibration, symmetric: options.symmetrize })
    }

    pub(crate) fn on_index<T: Scalar>(
        &self,
        index: &dyn NeighborIndex<T>,
        control: &Control<'_>,
    ) -> Result<Built<T>, Error> {
        let n_points = index.n_points();
        check_count(n_points)?;
        let (used, _) = resolve_perplexities(&self.perplexities, n_points, self.options.strict)?;
        let k = resolve_neighbors(&used, self.options.n_neighbors, n_points - 1)?;
        self.on_graph(graph_of(index, k, control)?, control)
    }
}
