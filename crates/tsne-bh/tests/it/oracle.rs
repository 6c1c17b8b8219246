//! The definitions [M7], [M8], [M9] in f64, one pair after the other, and maps to try them on.

use tsne_bh::{Scalar, StudentT};

/// Forces and normalizer of `targets` against `sources`; with `own` the sources are the targets themselves.
pub(crate) fn fields<T: Scalar, const D: usize>(
    kernel: StudentT,
    sources: &[[T; D]],
    targets: &[[T; D]],
    own: bool,
) -> Vec<([f64; D], f64)> {
    let field = |i: usize| {
        let (mut force, mut z) = ([0.0; D], 0.0);
        for (j, source) in sources.iter().enumerate() {
            if own && i == j {
                continue;
            }
            let mut difference = [0.0; D];
            for c in 0..D {
                difference[c] = targets[i][c].to_f64() - source[c].to_f64();
            }
            let d2 = difference.iter().map(|d| d * d).sum();
            z += kernel.similarity(d2);
            for c in 0..D {
                force[c] += kernel.repulsion(d2) * difference[c];
            }
        }
        (force, z)
    };
    (0..targets.len()).map(field).collect()
}

/// n points in `n_clumps` round clumps over a square of the given side.
pub(crate) fn clumps<T: Scalar, const D: usize>(n: usize, n_clumps: usize, side: f64) -> Vec<[T; D]> {
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    let mut uniform = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 11) as f64 / (1_u64 << 53) as f64 - 0.5
    };
    let centers: Vec<[f64; D]> = (0..n_clumps).map(|_| std::array::from_fn(|_| side * uniform())).collect();
    let point = |i: usize| {
        let center = &centers[i % n_clumps];
        std::array::from_fn(|c| T::lit(center[c] + (0..4).map(|_| uniform()).sum::<f64>() * side / 20.0))
    };
    (0..n).map(point).collect()
}

/// ‖a − b‖ / ‖b‖ over all coordinates.
pub(crate) fn relative_error<T: Scalar, const D: usize>(got: &[[T; D]], expected: &[([f64; D], f64)]) -> f64 {
    let (mut difference, mut norm) = (0.0, 0.0);
    for (got, (expected, _)) in got.iter().zip(expected) {
        for c in 0..D {
            difference += (got[c].to_f64() - expected[c]).powi(2);
            norm += expected[c].powi(2);
        }
    }
    (difference / norm).sqrt()
}
