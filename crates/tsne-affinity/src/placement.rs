//! How a family weighs new points, kept when its graph and matrix are gone.

use tsne_core::{Control, NeighborQuery, NewAffinities, NewRows, Points, Scalar};

use crate::Error;
use crate::family::new_rows;
use crate::options::{check_perplexities, resolve_neighbors};
use crate::rule::{Combine, Rule};
use crate::sigma::check_sigma;

/// Rows for new points as a family makes them, as plain data: all that a finished map must keep of its affinities, beside
/// P, to place points later.
///
/// Every family over a graph has one ([`PerplexityBased::placement`](crate::PerplexityBased::placement) and so on), and
/// gives it away with its matrix by `into_parts`.
///
/// ```
/// use tsne_affinity::Placement;
///
/// let rule = Placement::PerplexityBased { perplexity: 30.0 };
/// assert_eq!(rule.family(), "perplexity-based");
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Placement {
    /// As [`PerplexityBased`](crate::PerplexityBased).
    PerplexityBased {
        /// The perplexity where none is asked for.
        perplexity: f64,
    },
    /// As [`MultiscaleMixture`](crate::MultiscaleMixture).
    MultiscaleMixture {
        /// The perplexities where none are asked for.
        perplexities: Vec<f64>,
    },
    /// As [`Multiscale`](crate::Multiscale).
    Multiscale {
        /// The perplexities where none are asked for.
        perplexities: Vec<f64>,
    },
    /// As [`FixedSigma`](crate::FixedSigma).
    FixedSigma {
        /// Standard deviation where none is asked for.
        sigma: f64,
        /// Neighbors where no number is asked for.
        n_neighbors: usize,
    },
    /// As [`Uniform`](crate::Uniform).
    Uniform {
        /// Neighbors where no number is asked for.
        n_neighbors: usize,
    },
}

impl Placement {
    /// Name of the family.
    #[must_use]
    pub fn family(&self) -> &'static str {
        match self {
            Self::PerplexityBased { .. } => "perplexity-based",
            Self::MultiscaleMixture { .. } => "mixture",
            Self::Multiscale { .. } => "multiscale",
            Self::FixedSigma { .. } => "fixed-sigma",
            Self::Uniform { .. } => "uniform",
        }
    }

    /// Whether rows are calibrated to a perplexity.
    #[must_use]
    pub fn has_perplexity(&self) -> bool {
        !matches!(self, Self::FixedSigma { .. } | Self::Uniform { .. })
    }

    /// Rows of `points` over those of `index`, each summing to 1 and depending on itself alone.
    ///
    /// # Errors
    /// When the request names something that has no meaning for the family, a number is out of its range, the index
    /// fails, or [`Error::Interrupted`].
    pub fn new_rows<T: Scalar>(
        &self,
        index: &dyn NeighborQuery<T>,
        points: Points<'_, T>,
        request: &NewRows,
        control: &Control<'_>,
    ) -> Result<NewAffinities<T>, Error> {
        let (k, rule) = self.rule(index.n_points(), request)?;
        new_rows(index, points, k, request.min_neighbors, &rule, control)
    }

    /// Number of neighbors and weights of a request, among `n` points.
    fn rule(&self, n: usize, request: &NewRows) -> Result<(usize, Rule), Error> {
        let family = self.family();
        let refuse = |refused: bool, what: &'static str| {
            if refused { Err(Error::NotApplicable { what, family }) } else { Ok(()) }
        };
        let gaussians = |own: &[f64], combine| {
            refuse(request.sigma.is_some(), "sigma")?;
            let mut perplexities = request.perplexities.clone().unwrap_or_else(|| own.to_vec());
            check_perplexities(&perplexities)?;
            perplexities.sort_unstable_by(f64::total_cmp);
            let k = resolve_neighbors(&perplexities, request.n_neighbors, n)?;
            Ok((k, Rule::Perplexities(perplexities, combine)))
        };
        match self {
            Self::PerplexityBased { perplexity } => {
                let several =
                    request.perplexities.as_ref().is_some_and(|perplexities| perplexities.len() > 1);
                refuse(several, "more than one perplexity")?;
                gaussians(&[*perplexity], Combine::Average)
            }
            Self::MultiscaleMixture { perplexities } => gaussians(perplexities, Combine::Mixture),
            Self::Multiscale { perplexities } => gaussians(perplexities, Combine::Average),
            Self::FixedSigma { sigma, n_neighbors } => {
                refuse(request.perplexities.is_some(), "a perplexity")?;
                let sigma = request.sigma.unwrap_or(*sigma);
                check_sigma(sigma)?;
                Ok((request.n_neighbors.unwrap_or(*n_neighbors), Rule::Sigma(sigma)))
            }
            Self::Uniform { n_neighbors } => {
                refuse(request.perplexities.is_some(), "a perplexity")?;
                refuse(request.sigma.is_some(), "sigma")?;
                Ok((request.n_neighbors.unwrap_or(*n_neighbors), Rule::Uniform))
            }
        }
    }
}
