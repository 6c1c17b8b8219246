//! How well a map shows its affinities: the divergence of \[M6\] at any positions, and a score to choose a perplexity by.
//!
//! A [`TsneEmbedding`](crate::TsneEmbedding) knows its own divergence; these functions are for positions and a P of
//! any origin. They differ in how the normalizer Z over all pairs is found, and agree within what each says.

use tsne_bh::BarnesHut;
use tsne_core::{Affinities, BackendError, NegativeGradient, Scalar, StudentT};
use tsne_fft::ParticleMesh;
use tsne_optim::{Descent, State};

use crate::Error;

/// Divergence with Z summed over all pairs: time O(n²), error some 1e-15 times ln n in f64 and 1e-6 in f32.
///
/// ```
/// use tsne::{Csr, StudentT, kl};
///
/// // Two points at any distance show a P of one pair perfectly.
/// let p = Csr::from_parts(2, vec![0, 1, 2], vec![1, 0], vec![0.5, 0.5])?;
/// assert!(kl::exact(&p, &[[0.0], [3.0]], StudentT::CAUCHY)?.abs() < 1e-12);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// When there are fewer than two points, their number is not that of the rows and columns of `affinities`, a position
/// is not finite, or an affinity is not a finite number of at least 0.
pub fn exact<T: Scalar, const D: usize>(
    affinities: &dyn Affinities<T>,
    positions: &[[T; D]],
    kernel: StudentT,
) -> Result<f64, Error> {
    with_repulsion(affinities, positions, tsne_bh::Exact::new(kernel))
}

/// Divergence with Z by the tree of Barnes and Hut: time O(n log n); at a `theta` of 0.5 the error of ln Z is some 1e-4.
///
/// # Errors
/// As [`exact`], or when `theta` is not from 0 to 1.
pub fn barnes_hut<T: Scalar, const D: usize>(
    affinities: &dyn Affinities<T>,
    positions: &[[T; D]],
    kernel: StudentT,
    theta: f64,
) -> Result<f64, Error> {
    let params = tsne_bh::Params::default().with_theta(theta);
    let tree = BarnesHut::new(kernel, params).map_err(|e| Error::Repulsion(BackendError::new(e)))?;
    with_repulsion(affinities, positions, tree)
}

/// Divergence with Z on a particle mesh: time O(n) and the transforms of the mesh; at the default `params` the error of
/// ln Z is some 1e-5.
///
/// # Errors
/// As [`exact`], or when the mesh cannot be: a parameter is out of range, or the map too wide for its memory.
pub fn fft<T: Scalar, const D: usize>(
    affinities: &dyn Affinities<T>,
    positions: &[[T; D]],
    kernel: StudentT,
    params: tsne_fft::Params,
) -> Result<f64, Error> {
    let mesh = ParticleMesh::new(kernel, params).map_err(|e| Error::Repulsion(BackendError::new(e)))?;
    with_repulsion(affinities, positions, mesh)
}

/// Divergence with Z, and the kernel, of any repulsion.
///
/// # Errors
/// As [`exact`], or when the repulsion fails.
pub fn with_repulsion<T: Scalar, const D: usize>(
    affinities: &dyn Affinities<T>,
    positions: &[[T; D]],
    repulsion: impl NegativeGradient<T, D>,
) -> Result<f64, Error> {
    Ok(Descent::new(affinities, repulsion, State::at_rest(positions.to_vec()))?.kl_divergence()?)
}

/// Score pBIC = 2 KL + ln(n) perplexity / n of a map of `n_points` made with `perplexity` (\[M69\]).
///
/// The lowest among maps of the same points made with different perplexities is the one to take: a larger perplexity
/// always lowers the divergence, and the second term says whether by enough.
///
/// ```
/// let (few, many) = (tsne::kl::p_bic(1.2, 30.0, 1000), tsne::kl::p_bic(1.15, 100.0, 1000));
/// assert!(few < many, "100 lowers the divergence by too little");
/// ```
#[must_use]
#[allow(clippy::cast_precision_loss, reason = "point counts are below 2^53")]
pub fn p_bic(kl_divergence: f64, perplexity: f64, n_points: usize) -> f64 {
    let n = n_points.max(1) as f64;
    2.0 * kl_divergence + n.ln() * perplexity / n
}
