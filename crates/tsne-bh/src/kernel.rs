//! The inner loop: many sources on one target, with the sources in the lanes of SIMD vectors ([M7], [M8], [M9]).

use fearless_simd::prelude::*;
use fearless_simd::{Level, Simd, dispatch};
use tsne_core::{Element, Scalar, StudentT, Typed};

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
            dispatch!(level, simd => add_field_f32(simd, kernel, sources, targets.as_chunks().0, fields));
        }
        (Typed::F64(rows), Typed::F64(mass), Typed::F64(targets)) => {
            let sources = Sources { rows, stride, start, mass };
            dispatch!(level, simd => add_field_f64(simd, kernel, sources, targets.as_chunks().0, fields));
        }
        _ => unreachable!("all three slices have the type T"),
    }
}

#[inline(always)]
fn add_field_f32<S: Simd, const D: usize>(
    simd: S,
    kernel: StudentT,
    sources: Sources<'_, f32>,
    targets: &[[f32; D]],
    fields: &mut [Field<D>],
) {
    add_field_lanes::<S, S::f32s, f32, D>(simd, kernel, sources, targets, fields);
}

#[inline(always)]
fn add_field_f64<S: Simd, const D: usize>(
    simd: S,
    kernel: StudentT,
    sources: Sources<'_, f64>,
    targets: &[[f64; D]],
    fields: &mut [Field<D>],
) {
    add_field_lanes::<S, S::f64s, f64, D>(simd, kernel, sources, targets, fields);
}

#[inline(always)]
fn add_field_lanes<S: Simd, V, T, const D: usize>(
    simd: S,
    kernel: StudentT,
    sources: Sources<'_, T>,
    targets: &[[T; D]],
    fields: &mut [Field<D>],
) where
    T: Scalar + SimdElement,
    V: SimdFloat<S, Element = T>,
{
    if kernel.is_cauchy() {
        for (target, field) in targets.iter().zip(fields) {
            add_one(
                simd,
                sources,
                target,
                field,
                #[inline(always)]
                |d2: V| {
                    let s = V::simd_from(simd, T::lit(1.0)) / (d2 + T::lit(1.0));
                    (s, s * s)
                },
            );
        }
    } else {
        for (target, field) in targets.iter().zip(fields) {
            add_one(
                simd,
                sources,
                target,
                field,
                #[inline(always)]
                |d2: V| {
                    let w = V::from_fn(simd, |l| T::lit(kernel.similarity(d2[l].to_f64())));
                    let r = V::from_fn(simd, |l| T::lit(kernel.repulsion(d2[l].to_f64())));
                    (w, r)
                },
            );
        }
    }
}

/// Adds the field of all sources on one target; `law` maps d² to (w, s^(ν+1)).
#[inline(always)]
fn add_one<S: Simd, V, T, const D: usize>(
    simd: S,
    sources: Sources<'_, T>,
    target: &[T; D],
    field: &mut Field<D>,
    law: impl Fn(V) -> (V, V),
) where
    T: Scalar + SimdElement,
    V: SimdFloat<S, Element = T>,
{
    let Sources { rows, stride, start, mass } = sources;
    let n_sources = mass.len();
    let zero = V::simd_from(simd, T::lit(0.0));
    let mut axes = [&rows[..0]; D];
    let mut at = [zero; D];
    for c in 0..D {
        axes[c] = &rows[c * stride + start..][..n_sources];
        at[c] = V::simd_from(simd, target[c]);
    }
    let mut force = [zero; D];
    let mut z = zero;
    for k in (0..n_sources).step_by(V::LEN) {
        let mut difference = [zero; D];
        let mut d2 = zero;
        for c in 0..D {
            let d = at[c] - V::from_slice(simd, &axes[c][k..k + V::LEN]);
            d2 = d.mul_add(d, d2);
            difference[c] = d;
        }
        let (w, r) = law(d2);
        let m = V::from_slice(simd, &mass[k..k + V::LEN]);
        z = m.mul_add(w, z);
        let mr = m * r;
        for c in 0..D {
            force[c] = mr.mul_add(difference[c], force[c]);
        }
    }
    field.z += sum(z);
    for c in 0..D {
        field.force[c] += sum(force[c]);
    }
}

/// Sum of all lanes, in f64.
#[inline(always)]
fn sum<S: Simd, V: SimdFloat<S>>(v: V) -> f64
where
    V::Element: Scalar,
{
    v.as_slice()
        .iter()
        .map(
            #[inline(always)]
            |x| x.to_f64(),
        )
        .sum()
}
