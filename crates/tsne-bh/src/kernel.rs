//! The inner loop: many sources on some targets, with the sources in the lanes of SIMD vectors (\[M7\], \[M8\], \[M9\]).

use fearless_simd::prelude::*;
use fearless_simd::{Level, Simd, dispatch};
use tsne_core::{Scalar, StudentT, Typed};

use crate::law::{Cauchy, Cloud, Law, Place, Power, Real, Shape};

/// Lanes of the widest vector: lists of sources are padded to a multiple of it.
pub(crate) const LANES: usize = 16;

/// A list of sources. Its length is that of `mass`, a multiple of [`LANES`].
#[derive(Debug)]
pub(crate) struct Sources<'a, T> {
    /// Coordinates: those on axis c begin at `c * stride`.
    pub(crate) rows: &'a [T],
    pub(crate) stride: usize,
    /// Number of points each source stands for; 0 for padding.
    pub(crate) mass: &'a mut [T],
    /// Half the covariance of these points: that of axes a ≤ b from `(a * D + b) * stride` on. Empty if every source is
    /// a point, or several at one place.
    pub(crate) spread: &'a [T],
    /// Where in the list the targets are, in their order and without gaps, if they are sources themselves: none acts on
    /// itself.
    pub(crate) own: Option<usize>,
}

/// What sources do to one target.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Field<const D: usize> {
    /// Σ m s^(ν+1) (t − r).
    pub(crate) force: [f64; D],
    /// Σ m s^ν.
    pub(crate) z: f64,
}

impl<const D: usize> Field<D> {
    pub(crate) const ZERO: Self = Self { force: [0.0; D], z: 0.0 };
}

/// Adds to each of `fields` what the sources do to the target of the same index.
///
/// Sums are taken in `T` within this call and in f64 between calls: pass at most some thousand sources at a time.
pub(crate) fn add_fields<T: Scalar, const D: usize>(
    level: Level,
    kernel: StudentT,
    sources: Sources<'_, T>,
    targets: &[[T; D]],
    fields: &mut [Field<D>],
) {
    let Sources { rows, stride, mass, spread, own } = sources;
    match (T::typed(rows), T::typed_mut(mass), T::typed(spread), T::typed(targets.as_flattened())) {
        (Typed::F32(rows), Typed::F32(mass), Typed::F32(spread), Typed::F32(targets)) => {
            let sources = Sources { rows, stride, mass, spread, own };
            dispatch!(level, simd => add_fields_in_lanes(simd, kernel, sources, targets.as_chunks().0, fields));
        }
        (Typed::F64(rows), Typed::F64(mass), Typed::F64(spread), Typed::F64(targets)) => {
            let sources = Sources { rows, stride, mass, spread, own };
            dispatch!(level, simd => add_fields_in_lanes(simd, kernel, sources, targets.as_chunks().0, fields));
        }
        _ => unreachable!("all slices have the type T"),
    }
}

#[inline(always)]
fn add_fields_in_lanes<S: Simd, R: Real, const D: usize>(
    simd: S,
    kernel: StudentT,
    sources: Sources<'_, R>,
    targets: &[[R; D]],
    fields: &mut [Field<D>],
) {
    // The branches are taken here and not in the loop over the sources, which is compiled for each.
    let cloud = Cloud::new(kernel).filter(|_| !sources.spread.is_empty());
    match (kernel.is_cauchy(), cloud) {
        (true, None) => add_by_law(simd, Cauchy, Place, sources, targets, fields),
        (true, Some(cloud)) => add_by_law(simd, Cauchy, cloud, sources, targets, fields),
        (false, None) => add_by_law(simd, Power::new(kernel), Place, sources, targets, fields),
        (false, Some(cloud)) => add_by_law(simd, Power::new(kernel), cloud, sources, targets, fields),
    }
}

#[inline(always)]
fn add_by_law<S: Simd, R: Real, C: Shape<R>, const D: usize>(
    simd: S,
    law: impl Law<R>,
    shape: C,
    sources: Sources<'_, R>,
    targets: &[[R; D]],
    fields: &mut [Field<D>],
) {
    let lanes = R::Native::<S>::LEN;
    let zero = R::Native::<S>::splat(simd, R::lit(0.0));
    let Sources { rows, stride, mass, spread, own } = sources;
    let n_sources = mass.len();
    let mut axes = [&rows[..0]; D];
    let mut covariances = [[&spread[..0]; D]; D];
    for a in 0..D {
        axes[a] = &rows[a * stride..][..n_sources];
        for b in a..D {
            if C::SPREAD {
                covariances[a][b] = &spread[(a * D + b) * stride..][..n_sources];
            }
        }
    }
    for (i, (target, field)) in targets.iter().zip(fields).enumerate() {
        let itself = own.map(|first| (first + i, std::mem::replace(&mut mass[first + i], R::lit(0.0))));
        let mut at = [zero; D];
        for c in 0..D {
            at[c] = R::Native::<S>::splat(simd, target[c]);
        }
        let mut force = [zero; D];
        let mut z = zero;
        for k in (0..n_sources).step_by(lanes) {
            let mut d = [zero; D];
            let mut d2 = zero;
            let mut half = [[zero; D]; D];
            for a in 0..D {
                d[a] = at[a] - R::Native::<S>::from_slice(simd, &axes[a][k..k + lanes]);
                d2 = d[a].mul_add(d[a], d2);
                for b in a..D {
                    if C::SPREAD {
                        half[a][b] = R::Native::<S>::from_slice(simd, &covariances[a][b][k..k + lanes]);
                    }
                }
            }
            let (w, f) = shape.act::<S, D>(law.weigh(simd, d2), &d, &half);
            let m = R::Native::<S>::from_slice(simd, &mass[k..k + lanes]);
            z = m.mul_add(w, z);
            for c in 0..D {
                force[c] = m.mul_add(f[c], force[c]);
            }
        }
        field.z += z.reduce_sum().to_f64();
        for c in 0..D {
            field.force[c] += force[c].reduce_sum().to_f64();
        }
        if let Some((at, mass_before)) = itself {
            mass[at] = mass_before;
        }
    }
}
