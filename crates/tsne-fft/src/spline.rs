//! Cubic B-splines: how a point meets the mesh, and what that does to a spectrum (\[M41\], \[M42\], \[M45\]).

use fearless_simd::Simd;

use crate::lanes::{Lanes, Real};

/// Nodes that one point reaches along an axis: the order of the spline.
pub(crate) const REACH: usize = 4;

/// Powers of t from the third down to 0 (rows) in the weight of each of the four nodes (columns), times 6.
const WEIGHTS: [[f64; REACH]; 4] =
    [[-1.0, 3.0, -3.0, 1.0], [3.0, -6.0, 3.0, 0.0], [-3.0, 0.0, 3.0, 0.0], [1.0, 4.0, 1.0, 0.0]];

/// The weights of a point that lies `t` of a spacing behind the second of its four nodes, 0 ≤ t ≤ 1.
#[inline(always)]
pub(crate) fn weights<S: Simd, T: Real>(simd: S, t: T) -> T::Quad<S> {
    let row = |power: usize| T::Quad::<S>::load(simd, &WEIGHTS[power].map(|w| T::lit(w / 6.0)));
    let t = T::Quad::<S>::splat(simd, t);
    row(0).mul_add(t, row(1)).mul_add(t, row(2)).mul_add(t, row(3))
}

/// Σ_k w_k(t) w_{k+d}(t), how strongly a point meets itself d nodes away: rows d = 0 … 3, columns the powers of t(1 − t)
/// from 0 up.
pub(crate) const OVERLAPS: [[f64; 4]; REACH] = [
    [1.0 / 2.0, 0.0, -1.0 / 2.0, -5.0 / 9.0],
    [2.0 / 9.0, 0.0, 1.0 / 3.0, 5.0 / 12.0],
    [1.0 / 36.0, 0.0, -1.0 / 12.0, -1.0 / 6.0],
    [0.0, 0.0, 0.0, 1.0 / 36.0],
];

/// Factor along one axis of the Hockney–Eastwood correction, Ŵ² / (Σ_m Ŵ²)² at `angle` per spacing, where Ŵ = sinc⁴ is
/// the spline's own spectrum and the sum runs over its aliases.
pub(crate) fn correction(angle: f64) -> f64 {
    // The angle itself may be an alias: only the nearest to 0 counts as the spline's own.
    let half = (angle - std::f64::consts::TAU * (angle / std::f64::consts::TAU).round()) / 2.0;
    let sinc = if half == 0.0 { 1.0 } else { half.sin() / half };
    // The sum over aliases of sinc⁸ is the spline of twice the order, sampled at the nodes.
    let cosine = |k: f64| (k * angle).cos();
    let sum = (2416.0 + 2382.0 * cosine(1.0) + 240.0 * cosine(2.0) + 2.0 * cosine(3.0)) / 5040.0;
    sinc.powi(8) / (sum * sum)
}
