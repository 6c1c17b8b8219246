//! All-pairs sums in f64, by the definitions of `docs/math.md` and nothing else: what the lab judges every result by.

use rayon::prelude::*;
use tsne_core::{Affinities, Scalar, StudentT};

/// Rows per unit of parallel work and of ordered sums.
const CHUNK: usize = 64;

/// Divergence of `p` at the positions `y` by \[M6\], with Z over all pairs. Time O(n²).
///
/// # Panics
/// If `p` and `y` differ in their number of points.
#[must_use]
pub fn kl_divergence<T: Scalar, const D: usize>(
    kernel: StudentT,
    p: &dyn Affinities<T>,
    y: &[[f64; D]],
) -> f64 {
    assert_eq!(p.n_points(), y.len(), "one position for every row of P");
    let (mut p_ln_p, mut p_ln_w, mut sum_p) = (0.0, 0.0, 0.0);
    for i in 0..y.len() {
        let row = p.row(i);
        for (&j, &value) in row.columns.iter().zip(row.values) {
            let value = value.to_f64();
            if value > 0.0 {
                p_ln_p += value * value.ln();
                p_ln_w -=
                    value * kernel.dof() * (squared_distance(&y[i], &y[j as usize]) / kernel.dof()).ln_1p();
                sum_p += value;
            }
        }
    }
    p_ln_p - p_ln_w + sum_p * normalizer(kernel, y).ln()
}

/// Z of \[M8\].
#[must_use]
pub fn normalizer<const D: usize>(kernel: StudentT, y: &[[f64; D]]) -> f64 {
    let sums: Vec<f64> = (0..y.len().div_ceil(CHUNK))
        .into_par_iter()
        .map(|chunk| {
            let rows = chunk * CHUNK..((chunk + 1) * CHUNK).min(y.len());
            rows.map(|i| sum_of_kernel(kernel, &y[i], &y[i + 1..])).sum()
        })
        .collect();
    2.0 * sums.iter().sum::<f64>()
}

/// Σ w between `a` and every point of `others`.
fn sum_of_kernel<const D: usize>(kernel: StudentT, a: &[f64; D], others: &[[f64; D]]) -> f64 {
    // Independent partial sums, so that additions need not wait for each other.
    let mut sums = [0.0; 8];
    let (blocks, rest) = others.as_chunks::<8>();
    for block in blocks {
        for (sum, b) in sums.iter_mut().zip(block) {
            *sum += kernel.similarity(squared_distance(a, b));
        }
    }
    sums.iter().sum::<f64>() + rest.iter().map(|b| kernel.similarity(squared_distance(a, b))).sum::<f64>()
}

/// Forces of \[M9\] on a target, and its normalizer: over all `references` but the one at `skip`.
#[must_use]
pub fn force_on<const D: usize>(
    kernel: StudentT,
    references: &[[f64; D]],
    target: &[f64; D],
    skip: Option<usize>,
) -> ([f64; D], f64) {
    let (mut force, mut z) = ([0.0; D], 0.0);
    for (j, reference) in references.iter().enumerate() {
        if Some(j) == skip {
            continue;
        }
        let d2 = squared_distance(target, reference);
        let weight = kernel.repulsion(d2);
        for d in 0..D {
            force[d] += weight * (target[d] - reference[d]);
        }
        z += kernel.similarity(d2);
    }
    (force, z)
}

/// Relative L2 error of `forces` and of what [`force_on`] gives, over `sample` targets spread evenly; with `own`, target
/// i is reference i and does not act on itself. Time O(sample · references).
#[must_use]
pub fn sampled_force_error<const D: usize>(
    kernel: StudentT,
    references: &[[f64; D]],
    targets: &[[f64; D]],
    forces: &[[f64; D]],
    own: bool,
    sample: usize,
) -> f64 {
    let sample = sample.clamp(1, targets.len().max(1));
    let errors: Vec<(f64, f64)> = (0..sample)
        .into_par_iter()
        .map(|s| {
            let i = s * targets.len() / sample;
            let (exact, _) = force_on(kernel, references, &targets[i], own.then_some(i));
            (squared_distance(&forces[i], &exact), exact.iter().map(|f| f * f).sum())
        })
        .collect();
    let (error, size) = errors.iter().fold((0.0, 0.0), |(a, b), (error, size)| (a + error, b + size));
    if error == 0.0 { 0.0 } else { (error / size).sqrt() }
}

fn squared_distance<const D: usize>(a: &[f64; D], b: &[f64; D]) -> f64 {
    let mut d2 = 0.0;
    for d in 0..D {
        d2 += (a[d] - b[d]) * (a[d] - b[d]);
    }
    d2
}

#[cfg(test)]
mod tests {
    use super::*;
    use tsne_core::Csr;

    #[test]
    fn two_points_by_hand() {
        let y = [[0.0], [2.0]];
        // d² = 4, w = 1/5, Z = 2/5, q = 1/2 each way: a P of halves has no divergence.
        assert!((normalizer(StudentT::CAUCHY, &y) - 0.4).abs() < 1e-15, "Z of two points");
        let p = Csr::from_parts(2, vec![0, 1, 2], vec![1, 0], vec![0.5, 0.5]).expect("two entries");
        assert!(kl_divergence::<f64, 1>(StudentT::CAUCHY, &p, &y).abs() < 1e-15, "a perfect map");
        let (force, z) = force_on(StudentT::CAUCHY, &y, &y[1], Some(1));
        assert!((force[0] - 2.0 / 25.0).abs() < 1e-16 && (z - 0.2).abs() < 1e-16, "w²·d and w");
    }

    #[test]
    fn three_points_on_a_line_with_heavy_tails() {
        let kernel = StudentT::with_dof(0.5).expect("0.5 is legal");
        let y = [[0.0, 0.0], [3.0, 0.0], [0.0, 4.0]];
        // w = (1 + 2 d²)^(-1/2) at d² = 9, 16 and 25.
        let expected = 2.0 * (19.0_f64.powf(-0.5) + 33.0_f64.powf(-0.5) + 51.0_f64.powf(-0.5));
        assert!((normalizer(kernel, &y) - expected).abs() < 1e-14, "Z of three points");
        let forces: Vec<[f64; 2]> = (0..3).map(|i| force_on(kernel, &y, &y[i], Some(i)).0).collect();
        assert_eq!(sampled_force_error(kernel, &y, &y, &forces, true, 3), 0.0, "its own forces");
        let doubled: Vec<[f64; 2]> = forces.iter().map(|f| f.map(|x| 2.0 * x)).collect();
        let error = sampled_force_error(kernel, &y, &y, &doubled, true, 3);
        assert!((error - 1.0).abs() < 1e-14, "twice the force is wrong by the force: {error}");
    }
}
