//! The inner loop: many sources on some targets, with the sources in the lanes of SIMD vectors (\[M7\], \[M8\], \[M9\]).

use fearless_simd::prelude::*;
use fearless_simd::{Level, Simd, dispatch};
use tsne_core::{Scalar, StudentT, Typed};

use crate::law::{Cauchy, Law, Power, Real, Spread};

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
    /// Half the variance of these points along an axis. Empty if every source is a point or several at one place.
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
    let spread = Spread::new(kernel, D);
    match (kernel.is_cauchy(), sources.spread.is_empty()) {
        (true, true) => add_by_law::<_, _, _, D, false>(simd, Cauchy, spread, sources, targets, fields),
        (true, false) => add_by_law::<_, _, _, D, true>(simd, Cauchy, spread, sources, targets, fields),
        (false, true) => {
            add_by_law::<_, _, _, D, false>(simd, Power::new(kernel), spread, sources, targets, fields);
        }
        (false, false) => {
            add_by_law::<_, _, _, D, true>(simd, Power::new(kernel), spread, sources, targets, fields);
        }
    }
}

#[inline(always)]
fn add_by_law<S: Simd, R: Real, L: Law<R>, const D: usize, const SPREAD: bool>(
    simd: S,
    law: L,
    spread: Spread<R>,
    sources: Sources<'_, R>,
    targets: &[[R; D]],
    fields: &mut [Field<D>],
) {
    let lanes = R::Native::<S>::LEN;
    let zero = R::Native::<S>::splat(simd, R::lit(0.0));
    let Sources { rows, stride, mass, spread: half_variance, own } = sources;
    let mut axes = [&rows[..0]; D];
    for c in 0..D {
        axes[c] = &rows[c * stride..][..mass.len()];
    }
    for (i, (target, field)) in targets.iter().zip(fields).enumerate() {
        let itself = own.map(|first| (first + i, std::mem::replace(&mut mass[first + i], R::lit(0.0))));
        let mut at = [zero; D];
        for c in 0..D {
            at[c] = R::Native::<S>::splat(simd, target[c]);
        }
        let mut force = [zero; D];
        let mut z = zero;
        for k in (0..mass.len()).step_by(lanes) {
            let mut difference = [zero; D];
            let mut d2 = zero;
            for c in 0..D {
                let d = at[c] - R::Native::<S>::from_slice(simd, &axes[c][k..k + lanes]);
                d2 = d.mul_add(d, d2);
                difference[c] = d;
            }
            let [s, mut w, mut r] = law.weigh(simd, d2);
            if SPREAD {
                let half = R::Native::<S>::from_slice(simd, &half_variance[k..k + lanes]);
                [w, r] = spread.average(simd, half, [s, w, r]);
            }
            let m = R::Native::<S>::from_slice(simd, &mass[k..k + lanes]);
            z = m.mul_add(w, z);
            let mr = m * r;
            for c in 0..D {
                force[c] = mr.mul_add(difference[c], force[c]);
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
