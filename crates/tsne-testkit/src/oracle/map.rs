//! Kernel, repulsion, gradient and divergence of a map by definition: \[M5\] to \[M10\].

use rayon::prelude::*;
use tsne_core::{Affinities, Scalar, StudentT};

use super::{Sum, sum};

/// Un-normalized repulsion among the points of a map.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Repulsion<const D: usize> {
    /// F of \[M7\], one a point.
    pub forces: Vec<[f64; D]>,
    /// Z of \[M8\].
    pub normalizer: f64,
}

/// Repulsion of a frozen map on targets.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct TargetRepulsion<const D: usize> {
    /// F of \[M9\], one a target.
    pub forces: Vec<[f64; D]>,
    /// Z_t of \[M9\], one a target.
    pub normalizers: Vec<f64>,
}

/// Repulsive forces \[M7\] and normalizer \[M8\]. A point never acts on itself, by index; others at its place count 1.
#[must_use]
pub fn repulsion<T: Scalar, const D: usize>(kernel: StudentT, y: &[[T; D]]) -> Repulsion<D> {
    let y = widened(y);
    let (forces, rows) = field(kernel, &y, &y, true);
    Repulsion { forces, normalizer: sum(rows) }
}

/// What the frozen `sources` do to each of `targets` \[M9\]; a target is never a source.
#[must_use]
pub fn reference_field<T: Scalar, const D: usize>(
    kernel: StudentT,
    sources: &[[T; D]],
    targets: &[[T; D]],
) -> TargetRepulsion<D> {
    let (forces, normalizers) = field(kernel, &widened(sources), &widened(targets), false);
    TargetRepulsion { forces, normalizers }
}

/// The gradient G = ∇KL / 4 \[M10\] with the attraction multiplied by `exaggeration`.
#[must_use]
pub fn gradient<P: Scalar, T: Scalar, const D: usize>(
    kernel: StudentT,
    p: &(impl Affinities<P> + ?Sized),
    y: &[[T; D]],
    exaggeration: f64,
) -> Vec<[f64; D]> {
    let wide = widened(y);
    let Repulsion { forces, normalizer } = repulsion(kernel, y);
    let attraction = attraction(kernel, p, &wide, &wide);
    (0..y.len())
        .map(|i| std::array::from_fn(|a| exaggeration * attraction[i][a] - forces[i][a] / normalizer))
        .collect()
}

/// The gradient of new points y among frozen `sources`: G_i = e Σ_j p_ij s_ij (y_i − r_j) − F_i / Z_i with \[M9\], half
/// the derivative of row i of [`reference_kl_divergence`] at e = 1.
#[must_use]
pub fn reference_gradient<P: Scalar, T: Scalar, const D: usize>(
    kernel: StudentT,
    p: &(impl Affinities<P> + ?Sized),
    sources: &[[T; D]],
    y: &[[T; D]],
    exaggeration: f64,
) -> Vec<[f64; D]> {
    let TargetRepulsion { forces, normalizers } = reference_field(kernel, sources, y);
    let attraction = attraction(kernel, p, &widened(sources), &widened(y));
    (0..y.len())
        .map(|i| std::array::from_fn(|a| exaggeration * attraction[i][a] - forces[i][a] / normalizers[i]))
        .collect()
}

/// The divergence KL(P‖Q) \[M6\] of the map `y`.
#[must_use]
pub fn kl_divergence<P: Scalar, T: Scalar, const D: usize>(
    kernel: StudentT,
    p: &(impl Affinities<P> + ?Sized),
    y: &[[T; D]],
) -> f64 {
    let y = widened(y);
    let normalizer = sum(field(kernel, &y, &y, true).1);
    sum((0..y.len()).map(|i| row_divergence(kernel, p, i, &y, &y, normalizer)))
}

/// The divergence of every new point from frozen `sources`: Σ_j p_ij ln(p_ij Z_i / w_ij) with Z_i of \[M9\].
#[must_use]
pub fn reference_kl_divergence<P: Scalar, T: Scalar, const D: usize>(
    kernel: StudentT,
    p: &(impl Affinities<P> + ?Sized),
    sources: &[[T; D]],
    y: &[[T; D]],
) -> Vec<f64> {
    let (sources, y) = (widened(sources), widened(y));
    let normalizers = field(kernel, &sources, &y, false).1;
    (0..y.len()).map(|i| row_divergence(kernel, p, i, &sources, &y, normalizers[i])).collect()
}

/// Σ_j p_ij (ln p_ij − ln w_ij + ln Z) over row `i`; entries of 0 contribute 0.
fn row_divergence<P: Scalar, const D: usize>(
    kernel: StudentT,
    p: &(impl Affinities<P> + ?Sized),
    i: usize,
    sources: &[[f64; D]],
    targets: &[[f64; D]],
    normalizer: f64,
) -> f64 {
    let nu = kernel.dof();
    let row = p.row(i);
    sum(row.columns.iter().zip(row.values).filter(|&(_, p)| p.to_f64() > 0.0).map(|(&j, p)| {
        let (d2, _) = difference(&targets[i], &sources[j as usize]);
        let log_w = -nu * (d2 / nu).ln_1p();
        p.to_f64() * (p.to_f64().ln() - log_w + normalizer.ln())
    }))
}

/// Σ_j p_ij s_ij (y_i − r_j).
fn attraction<P: Scalar, const D: usize>(
    kernel: StudentT,
    p: &(impl Affinities<P> + ?Sized),
    sources: &[[f64; D]],
    targets: &[[f64; D]],
) -> Vec<[f64; D]> {
    let row_of = |i: usize| {
        let mut force = [Sum::default(); D];
        let row = p.row(i);
        for (&j, p) in row.columns.iter().zip(row.values) {
            let (d2, difference) = difference(&targets[i], &sources[j as usize]);
            let weight = p.to_f64() / (1.0 + d2 / kernel.dof());
            for a in 0..D {
                force[a].add(weight * difference[a]);
            }
        }
        force.map(Sum::value)
    };
    (0..targets.len()).map(row_of).collect()
}

/// Σ_j s^(ν+1) (t − r_j) and Σ_j w for every target t, the source of the same index left out where they are the same
/// points.
fn field<const D: usize>(
    kernel: StudentT,
    sources: &[[f64; D]],
    targets: &[[f64; D]],
    same: bool,
) -> (Vec<[f64; D]>, Vec<f64>) {
    let nu = kernel.dof();
    let row_of = |(i, target): (usize, &[f64; D])| {
        let (mut force, mut normalizer) = ([Sum::default(); D], Sum::default());
        for (j, source) in sources.iter().enumerate() {
            if same && i == j {
                continue;
            }
            let (d2, difference) = difference(target, source);
            let s = 1.0 / (1.0 + d2 / nu);
            let w = s.powf(nu);
            normalizer.add(w);
            for a in 0..D {
                force[a].add(s * w * difference[a]);
            }
        }
        (force.map(Sum::value), normalizer.value())
    };
    targets.par_iter().enumerate().map(row_of).unzip()
}

fn difference<const D: usize>(a: &[f64; D], b: &[f64; D]) -> (f64, [f64; D]) {
    let difference: [f64; D] = std::array::from_fn(|axis| a[axis] - b[axis]);
    (difference.iter().map(|x| x * x).sum(), difference)
}

/// The same positions in f64, exactly.
#[must_use]
pub fn widened<T: Scalar, const D: usize>(y: &[[T; D]]) -> Vec<[f64; D]> {
    y.iter().map(|y| y.map(|x| x.to_f64())).collect()
}
