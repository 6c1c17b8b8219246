//! The inner loop: many sources on some targets, with the sources in the lanes of SIMD vectors (\[M7\], \[M8\], \[M9\]).

use std::ops::Range;

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

/// What sources do to some targets.
#[derive(Debug)]
pub(crate) struct Fields<'a, const D: usize> {
    /// Σ m s^(ν+1) (t − r) for each.
    pub(crate) forces: &'a mut [[f64; D]],
    /// Σ m s^ν for each.
    pub(crate) z: &'a mut [f64],
}

impl<const D: usize> Fields<'_, D> {
    /// The fields of some of the targets.
    pub(crate) fn of(&mut self, targets: Range<usize>) -> Fields<'_, D> {
        Fields { forces: &mut self.forces[targets.clone()], z: &mut self.z[targets] }
    }
}

/// Adds to `fields` what the sources do to the target of the same index.
///
/// Sums are taken in `T` within this call and in f64 between calls: pass at most some thousand sources at a time.
pub(crate) fn add_fields<T: Scalar, const D: usize>(
    level: Level,
    kernel: StudentT,
    sources: Sources<'_, T>,
    targets: &[[T; D]],
    fields: Fields<'_, D>,
) {
    let Sources { rows, stride, mass, spread, own } = sources;
    let fields = FlatFields { forces: fields.forces.as_flattened_mut(), z: fields.z };
    match (T::typed(rows), T::typed_mut(mass), T::typed(spread), T::typed(targets.as_flattened())) {
        (Typed::F32(rows), Typed::F32(mass), Typed::F32(spread), Typed::F32(targets)) => {
            let sources = Sources { rows, stride, mass, spread, own };
            match D {
                1..=3 => add_f32(D, level, kernel, sources, targets, fields),
                _ => {
                    dispatch!(level, simd => add_fields_in_lanes::<_, f32, D>(simd, kernel, sources, targets, fields))
                }
            }
        }
        (Typed::F64(rows), Typed::F64(mass), Typed::F64(spread), Typed::F64(targets)) => {
            let sources = Sources { rows, stride, mass, spread, own };
            match D {
                1..=3 => add_f64(D, level, kernel, sources, targets, fields),
                _ => {
                    dispatch!(level, simd => add_fields_in_lanes::<_, f64, D>(simd, kernel, sources, targets, fields))
                }
            }
        }
        _ => unreachable!("all slices have the type T"),
    }
}

/// [`Fields`] with their coordinates one after the other.
struct FlatFields<'a> {
    forces: &'a mut [f64],
    z: &'a mut [f64],
}

macro_rules! add_in {
    ($name:ident, $t:ty) => {
        /// [`add_fields`] in one type and up to three dimensions: compiled here, and not again in every crate that uses
        /// it.
        #[inline(never)]
        fn $name(
            dimension: usize,
            level: Level,
            kernel: StudentT,
            sources: Sources<'_, $t>,
            targets: &[$t],
            fields: FlatFields<'_>,
        ) {
            match dimension {
                1 => {
                    dispatch!(level, simd => add_fields_in_lanes::<_, $t, 1>(simd, kernel, sources, targets, fields))
                }
                2 => {
                    dispatch!(level, simd => add_fields_in_lanes::<_, $t, 2>(simd, kernel, sources, targets, fields))
                }
                _ => {
                    dispatch!(level, simd => add_fields_in_lanes::<_, $t, 3>(simd, kernel, sources, targets, fields))
                }
            }
        }
    };
}
add_in!(add_f32, f32);
add_in!(add_f64, f64);

#[inline(always)]
fn add_fields_in_lanes<S: Simd, R: Real, const D: usize>(
    simd: S,
    kernel: StudentT,
    sources: Sources<'_, R>,
    targets: &[R],
    fields: FlatFields<'_>,
) {
    let targets = targets.as_chunks::<D>().0;
    let fields = Fields { forces: fields.forces.as_chunks_mut().0, z: fields.z };
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
    fields: Fields<'_, D>,
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
    let fields = fields.forces.iter_mut().zip(fields.z);
    for (i, (target, (force_sum, z_sum))) in targets.iter().zip(fields).enumerate() {
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
        *z_sum += z.reduce_sum().to_f64();
        for c in 0..D {
            force_sum[c] += force[c].reduce_sum().to_f64();
        }
        if let Some((at, mass_before)) = itself {
            mass[at] = mass_before;
        }
    }
}
