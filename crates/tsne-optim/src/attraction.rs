//! Attraction along the entries of P: \[M10\].

use fearless_simd::{Simd, SimdBase, f32x16, f64x8};
use tsne_core::{AffinityRow, Scalar, Typed};

/// Σ_j p_ij s_ij (y_i − r_j) over one row of a point at `yi`; r is the map itself or a frozen one.
///
/// Entry e goes to lane e mod 16 (8 in `f64`) and the lanes are added in their order, so that the result depends on the
/// order of the entries in the row and on nothing else: neither on how the r_j are numbered nor on the processor.
///
/// Cost: 0.6 ns an entry on one core of a Zen 5 where the r_j of following rows lie close together, and 1.1 ns where they
/// are scattered over more memory than the nearest cache holds, which is what [`Packed`](crate::packed::Packed) is for.
#[inline(always)]
#[allow(clippy::cast_possible_truncation, reason = "a number that was f32 is one again")]
pub(crate) fn attract<S: Simd, T: Scalar, const D: usize>(
    simd: S,
    inv_dof: T,
    yi: &[T; D],
    references: &[[T; D]],
    row: AffinityRow<'_, T>,
) -> [T; D] {
    let mut force = [T::default(); D];
    let flat = references.as_flattened();
    match (T::typed(yi), T::typed(flat), T::typed(row.values), T::typed_mut(&mut force)) {
        (Typed::F32(yi), Typed::F32(references), Typed::F32(values), Typed::F32(force)) => {
            let row = AffinityRow { columns: row.columns, values };
            attract_f32::<S, D>(simd, inv_dof.to_f64() as f32, yi, references, row, force);
        }
        (Typed::F64(yi), Typed::F64(references), Typed::F64(values), Typed::F64(force)) => {
            let row = AffinityRow { columns: row.columns, values };
            attract_f64::<S, D>(simd, inv_dof.to_f64(), yi, references, row, force);
        }
        _ => unreachable!("all of them are of one type"),
    }
    force
}

macro_rules! attract_in {
    ($name:ident, $t:ty, $vector:ident, $lanes:literal) => {
        /// [`attract`] in one type, whose vectors are written out: left to itself, LLVM cuts them into pieces.
        #[inline(always)]
        fn $name<S: Simd, const D: usize>(
            simd: S,
            inv_dof: $t,
            yi: &[$t],
            references: &[$t],
            row: AffinityRow<'_, $t>,
            force: &mut [$t],
        ) {
            let references = references.as_chunks::<D>().0;
            let yi: [_; D] = std::array::from_fn(
                #[inline(always)]
                |d| $vector::splat(simd, yi[d]),
            );
            let mut sums = [$vector::splat(simd, 0.0); D];

            /// Adds what the entries of all lanes contribute.
            #[inline(always)]
            fn add<S: Simd, const D: usize>(
                simd: S,
                sums: &mut [$vector<S>; D],
                inv_dof: $t,
                yi: &[$vector<S>; D],
                r: &[[$t; $lanes]; D],
                p: &[$t; $lanes],
            ) {
                let mut difference = [$vector::splat(simd, 0.0); D];
                let mut d2 = $vector::splat(simd, 0.0);
                for d in 0..D {
                    difference[d] = yi[d] - $vector::load_array_ref(simd, &r[d]);
                    d2 += difference[d] * difference[d];
                }
                let weight = $vector::load_array_ref(simd, p) / (d2 * inv_dof + 1.0);
                for d in 0..D {
                    sums[d] += weight * difference[d];
                }
            }

            let (columns, last_columns) = row.columns.as_chunks::<$lanes>();
            let (values, last_values) = row.values.as_chunks::<$lanes>();
            for (columns, values) in columns.iter().zip(values) {
                let mut r = [[0.0; $lanes]; D];
                for l in 0..$lanes {
                    let rj = references[columns[l] as usize];
                    for d in 0..D {
                        r[d][l] = rj[d];
                    }
                }
                add(simd, &mut sums, inv_dof, &yi, &r, values);
            }
            if !last_columns.is_empty() {
                // Lanes without an entry have the weight 0, which attracts to nowhere.
                let (mut r, mut values) = ([[0.0; $lanes]; D], [0.0; $lanes]);
                for l in 0..last_columns.len() {
                    let rj = references[last_columns[l] as usize];
                    for d in 0..D {
                        r[d][l] = rj[d];
                    }
                    values[l] = last_values[l];
                }
                add(simd, &mut sums, inv_dof, &yi, &r, &values);
            }
            for d in 0..D {
                let mut lanes = [0.0; $lanes];
                sums[d].store_array(&mut lanes);
                force[d] = lanes.iter().sum();
            }
        }
    };
}
attract_in!(attract_f32, f32, f32x16, 16);
attract_in!(attract_f64, f64, f64x8, 8);
