//! The inner loop: many sources on one target, with the sources in the lanes of SIMD vectors ([M7], [M8], [M9]).

use fearless_simd::prelude::*;
use fearless_simd::{Level, Simd, dispatch};
use tsne_core::{Scalar, StudentT, Typed};

use crate::law::{Power, Real, cauchy, power};

/// Lanes of the widest vector: lists of sources are padded to a multiple of it.
pub(crate) const LANES: usize = 16;

/// Sources in the layout of the kernel: one row of `stride` values for each axis, of which `start..start + len` count.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sources<'a, T> {
    pub(crate) rows: &'a [T],
    pub(crate) stride: usize,
    pub(crate) start: usize,
    /// Number of points each source stands for: 0 for padding and for the target itself. Its length is the number of
    /// sources, a multiple of [`LANES`].
    pub(crate) mass: &'a [T],
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
pub(crate) fn add_field<T: Scalar, const D: usize>(
    level: Level,
    kernel: StudentT,
    sources: Sources<'_, T>,
    targets: &[[T; D]],
    fields: &mut [Field<D>],
) {
    let Sources { rows, stride, start, mass } = sources;
    match (T::typed(rows), T::typed(mass), T::typed(targets.as_flattened())) {
        (Typed::F32(rows), Typed::F32(mass), Typed::F32(targets)) => {
            let sources = Sources { rows, stride, start, mass };
            dispatch!(level, simd => add_field_lanes(simd, kernel, sources, targets.as_chunks().0, fields));
        }
        (Typed::F64(rows), Typed::F64(mass), Typed::F64(targets)) => {
            let sources = Sources { rows, stride, start, mass };
            dispatch!(level, simd => add_field_lanes(simd, kernel, sources, targets.as_chunks().0, fields));
        }
        _ => unreachable!("all three slices have the type T"),
    }
}

#[inline(always)]
fn add_field_lanes<S: Simd, R: Real, const D: usize>(
    simd: S,
    kernel: StudentT,
    sources: Sources<'_, R>,
    targets: &[[R; D]],
    fields: &mut [Field<D>],
) {
    let pairs = targets.iter().zip(fields);
    if kernel.is_cauchy() {
        for (target, field) in pairs {
            add_one(
                simd,
                sources,
                target,
                field,
                #[inline(always)]
                |d2| cauchy::<S, R>(simd, d2),
            );
        }
    } else {
        let nu = Power::new(kernel);
        for (target, field) in pairs {
            add_one(
                simd,
                sources,
                target,
                field,
                #[inline(always)]
                |d2| power::<S, R>(simd, nu, d2),
            );
        }
    }
}

/// Adds the field of all sources on one target; `law` maps d² to (w, s^(ν+1)).
#[inline(always)]
fn add_one<S: Simd, R: Real, const D: usize>(
    simd: S,
    sources: Sources<'_, R>,
    target: &[R; D],
    field: &mut Field<D>,
    law: impl Fn(R::Native<S>) -> (R::Native<S>, R::Native<S>),
) {
    let Sources { rows, stride, start, mass } = sources;
    let (n_sources, lanes) = (mass.len(), R::Native::<S>::LEN);
    let zero = R::Native::<S>::splat(simd, R::lit(0.0));
    let mut axes = [&rows[..0]; D];
    let mut at = [zero; D];
    for c in 0..D {
        axes[c] = &rows[c * stride + start..][..n_sources];
        at[c] = R::Native::<S>::splat(simd, target[c]);
    }
    let mut force = [zero; D];
    let mut z = zero;
    for k in (0..n_sources).step_by(lanes) {
        let mut difference = [zero; D];
        let mut d2 = zero;
        for c in 0..D {
            let d = at[c] - R::Native::<S>::from_slice(simd, &axes[c][k..k + lanes]);
            d2 = d.mul_add(d, d2);
            difference[c] = d;
        }
        let (w, r) = law(d2);
        let m = R::Native::<S>::from_slice(simd, &mass[k..k + lanes]);
        z = m.mul_add(w, z);
        let mr = m * r;
        for c in 0..D {
            force[c] = mr.mul_add(difference[c], force[c]);
        }
    }
    field.z += sum::<S, R>(z);
    for c in 0..D {
        field.force[c] += sum::<S, R>(force[c]);
    }
}

/// Sum of all lanes, in f64.
#[inline(always)]
fn sum<S: Simd, R: Real>(v: R::Native<S>) -> f64 {
    v.as_slice()
        .iter()
        .map(
            #[inline(always)]
            |x| x.to_f64(),
        )
        .sum()
}
