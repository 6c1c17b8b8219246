//! What the families over a neighbor graph have in common in what they ask for.

use crate::Error;
use crate::calibration::Adjustment;

/// Neighbors where there is no perplexity to tell, as in openTSNE.
pub(crate) const DEFAULT_NEIGHBORS: usize = 30;

/// What a symmetrized matrix is divided by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Normalization {
    /// By its sum: one distribution over all pairs, the P of t-SNE. openTSNE's `pair-wise`.
    #[default]
    PairWise,
    /// Each row by its own sum. openTSNE's `point-wise`; the result is not symmetric.
    PointWise,
}

/// Options of [`PerplexityBased`](crate::PerplexityBased) and the other families with perplexities.
///
/// ```
/// let options = tsne_affinity::Options::default().with_n_neighbors(60).with_strict(true);
/// assert!(options.symmetrize);
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Options {
    /// Neighbors each row is spread over; none, the default, means three times the perplexity, as far as they exist.
    pub n_neighbors: Option<usize>,
    /// Whether to average p_{j|i} and p_{i|j}. On by default; t-SNE's gradient assumes it.
    pub symmetrize: bool,
    /// What the matrix is divided by. Pair-wise by default.
    pub normalization: Normalization,
    /// Whether a perplexity that is too high for the number of points is an error, and not lowered and reported.
    pub strict: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self { n_neighbors: None, symmetrize: true, normalization: Normalization::PairWise, strict: false }
    }
}

impl Options {
    /// Sets [`n_neighbors`](Self::n_neighbors).
    #[must_use]
    pub fn with_n_neighbors(self, n_neighbors: impl Into<Option<usize>>) -> Self {
        Self { n_neighbors: n_neighbors.into(), ..self }
    }

    /// Sets [`symmetrize`](Self::symmetrize).
    #[must_use]
    pub fn with_symmetrize(self, symmetrize: bool) -> Self {
        Self { symmetrize, ..self }
    }

    /// Sets [`normalization`](Self::normalization).
    #[must_use]
    pub fn with_normalization(self, normalization: Normalization) -> Self {
        Self { normalization, ..self }
    }

    /// Sets [`strict`](Self::strict).
    #[must_use]
    pub fn with_strict(self, strict: bool) -> Self {
        Self { strict, ..self }
    }
}

/// The largest perplexity that `n_points` points support: a third of the other points, but at least 1. \[M27\]
///
/// ```
/// assert_eq!(tsne_affinity::perplexity_limit(91), 30.0);
/// assert_eq!(tsne_affinity::perplexity_limit(2), 1.0);
/// ```
#[must_use]
pub fn perplexity_limit(n_points: usize) -> f64 {
    (n_points.saturating_sub(1) as f64 / 3.0).max(1.0)
}

/// Neighbors a row of this perplexity is spread over where nothing else is asked for: three times as many. \[M27\]
///
/// ```
/// assert_eq!(tsne_affinity::neighbors_for(30.0), 90);
/// ```
#[must_use]
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "saturates, which is right")]
pub fn neighbors_for(perplexity: f64) -> usize {
    // A perplexity of n/3 means n, though n/3 · 3 may be a unit in the last place below.
    (3.0 * perplexity * (1.0 + 1e-12)).max(1.0) as usize
}

/// Checks that there are perplexities, and that each is a finite number of at least 1.
pub(crate) fn check_perplexities(perplexities: &[f64]) -> Result<(), Error> {
    if let Some(&perplexity) = perplexities.iter().find(|p| !(p.is_finite() && **p >= 1.0)) {
        return Err(Error::BadPerplexity { perplexity });
    }
    if perplexities.is_empty() { Err(Error::NoPerplexity) } else { Ok(()) }
}

/// Checks `perplexities`, sorts them, and lowers or drops those above the limit.
pub(crate) fn resolve_perplexities(
    perplexities: &[f64],
    n_points: usize,
    strict: bool,
) -> Result<(Vec<f64>, Vec<Adjustment>), Error> {
    check_perplexities(perplexities)?;
    let limit = perplexity_limit(n_points);
    let mut sorted = perplexities.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    let (mut used, mut adjustments) = (Vec::with_capacity(sorted.len()), Vec::new());
    for requested in sorted {
        if requested <= limit {
            used.push(requested);
        } else if strict {
            return Err(Error::PerplexityTooLarge { perplexity: requested, limit, n_points });
        } else if used.last() == Some(&limit) {
            adjustments.push(Adjustment::PerplexityDropped { requested, used: limit, n_points });
        } else {
            used.push(limit);
            adjustments.push(Adjustment::PerplexityReduced { requested, used: limit, n_points });
        }
    }
    Ok((used, adjustments))
}

/// Neighbors to use of `available` ones for `perplexities`, which ascend and are at least one.
pub(crate) fn resolve_neighbors(
    perplexities: &[f64],
    requested: Option<usize>,
    available: usize,
) -> Result<usize, Error> {
    let perplexity = perplexities.last().copied().ok_or(Error::NoPerplexity)?;
    let wanted = neighbors_for(perplexity);
    let k = requested.unwrap_or(wanted.min(available));
    check_neighbors(k, available)?;
    if perplexity > k as f64 {
        return Err(Error::PerplexityAboveNeighbors { perplexity, n_neighbors: k, wanted });
    }
    Ok(k)
}

/// Checks that a number of neighbors is one of those there are.
pub(crate) fn check_neighbors(n_neighbors: usize, available: usize) -> Result<(), Error> {
    if (1..=available).contains(&n_neighbors) {
        return Ok(());
    }
    Err(Error::BadNeighborCount { n_neighbors, available })
}
