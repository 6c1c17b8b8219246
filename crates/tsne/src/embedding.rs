//! The finished map.

use tsne_core::Csr;
use tsne_optim::State;

use crate::Report;

/// A map: positions, the affinities it was fitted to, and the account of the fit.
#[derive(Clone, Debug)]
pub struct TsneEmbedding<T, const D: usize> {
    pub(crate) state: State<T, D>,
    pub(crate) affinities: Csr<T>,
    pub(crate) report: Report,
}

impl<T, const D: usize> TsneEmbedding<T, D> {
    /// Position of every point, in the order of the data.
    #[must_use]
    pub fn positions(&self) -> &[[T; D]] {
        &self.state.positions
    }

    /// The positions by value.
    #[must_use]
    pub fn into_positions(self) -> Vec<[T; D]> {
        self.state.positions
    }

    /// The joint probabilities P (\[M4\]).
    #[must_use]
    pub fn affinities(&self) -> &Csr<T> {
        &self.affinities
    }

    /// Positions, velocity and gains of the optimizer.
    #[must_use]
    pub fn state(&self) -> &State<T, D> {
        &self.state
    }

    /// Divergence of P at the positions (\[M6\]).
    #[must_use]
    pub fn kl_divergence(&self) -> f64 {
        self.report.kl_divergence
    }

    /// Plan, warnings, timings and outcome.
    #[must_use]
    pub fn report(&self) -> &Report {
        &self.report
    }
}
