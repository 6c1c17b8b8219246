//! Distances as they are defined, in f64, from the values as they were given ([M50]), and the search by them.

use fearless_simd::{Level, dispatch};
use rayon::prelude::*;
use tsne_core::{Element, Scalar};

use crate::error::Error;
use crate::progress::Progress;
use crate::selection::zeros;
use crate::store::{Store, with_values};
use crate::top_k::TopK;

const LANES: usize = 8;

/// Rows searched together, so that each indexed point is read from memory once for all of them.
const ROWS: usize = 16;

/// Indexed points between two looks at the caller's hook.
const COLUMNS: usize = 1024;

/// Indexed points offered to one row before the next, few enough to stay in the nearest cache.
const TILE: usize = 64;

/// Squared Euclidean distance of `scale * a` and `scale * b`, in f64.
///
/// `scale` is a power of two, so that it changes no digit; it keeps squares from overflowing. The order of additions
/// is fixed: eight partial sums over features that are 8 apart. The same bits on every CPU.
#[inline(always)]
fn squared_euclidean<A: Element, B: Element>(a: &[A], b: &[B], scale: f64) -> f64 {
    let (a_lanes, a_rest) = a.as_chunks::<LANES>();
    let (b_lanes, b_rest) = b.as_chunks::<LANES>();
    let mut sums = [0.0; LANES];
    for (a, b) in a_lanes.iter().zip(b_lanes) {
        for l in 0..LANES {
            let difference = a[l].to_f64() * scale - b[l].to_f64() * scale;
            sums[l] += difference * difference;
        }
    }
    for (l, (a, b)) in a_rest.iter().zip(b_rest).enumerate() {
        let difference = a.to_f64() * scale - b.to_f64() * scale;
        sums[l] += difference * difference;
    }
    let [a, b, c, d, e, f, g, h] = sums;
    ((a + b) + (c + d)) + ((e + f) + (g + h))
}

/// Power of two that brings `largest`, the largest magnitude in the data, to between 1/2 and 1.
pub(crate) fn power_of_two_scale(largest: f64) -> f64 {
    if largest == 0.0 {
        return 1.0;
    }
    // At the ends of the range the factor would not be a normal number; nearly 1 is near enough there.
    2.0_f64.powi(-exponent(largest).clamp(-1000, 1000))
}

/// `e` with `2^(e−1) ≤ x < 2^e`, for a positive finite `x` that is not subnormal.
fn exponent(x: f64) -> i32 {
    let biased = (x.to_bits() >> 52) & 0x7ff;
    i32::try_from(biased).expect("eleven bits fit") - 1022
}

/// Largest magnitude in `values`.
pub(crate) fn largest_magnitude<E: Element>(values: &[E]) -> f64 {
    values.iter().fold(0.0, |largest, x| largest.max(x.to_f64().abs()))
}

/// The distance in the data's own units and type, from the square of the scaled one.
#[inline(always)]
pub(crate) fn reported<T: Scalar>(squared: f64, scale: f64) -> T {
    T::lit(squared.sqrt() / scale)
}

/// Scale at which row `i` of `rows` is compared with `indexed`: that of `indexed`, unless the row is larger.
fn row_scale<T: Scalar>(rows: &Store<'_, T>, i: usize, indexed: &Store<'_, T>) -> f64 {
    let width = rows.n_features();
    let largest = with_values!(rows.values(), values => largest_magnitude(&values[i * width..][..width]));
    indexed.scale().min(power_of_two_scale(largest))
}

/// Puts the distances of row `i` of `rows` to the points `others` of `indexed` into `found`, each with its index.
pub(crate) fn distances_to<T: Scalar>(
    rows: &Store<'_, T>,
    i: usize,
    indexed: &Store<'_, T>,
    others: impl Iterator<Item = u32>,
    found: &mut Vec<(T, u32)>,
) {
    found.clear();
    let (width, scale, level) = (indexed.n_features(), row_scale(rows, i, indexed), Level::new());
    with_values!(rows.values(), a => with_values!(indexed.values(), b => {
        let row = &a[i * width..][..width];
        dispatch!(level, _simd => for j in others {
            let squared = squared_euclidean(row, &b[j as usize * width..][..width], scale);
            found.push((reported(squared, scale), j));
        });
    }));
}

/// Finds the `k` nearest points of `indexed` for each of the rows `which` of `rows`, by looking at all of them.
///
/// With `exclude_self` the rows are the indexed points, and none finds itself.
pub(crate) fn search<T: Scalar>(
    rows: &Store<'_, T>,
    which: &[u32],
    indexed: &Store<'_, T>,
    exclude_self: bool,
    k: usize,
    progress: &Progress<'_>,
) -> Result<(Vec<u32>, Vec<T>), Error> {
    let len = which.len().saturating_mul(k);
    let (mut neighbors, mut distances) = (zeros(len)?, zeros(len)?);
    let outputs = neighbors.par_chunks_mut(ROWS * k).zip(distances.par_chunks_mut(ROWS * k));
    with_values!(rows.values(), a => with_values!(indexed.values(), b => {
        outputs.zip(which.par_chunks(ROWS)).try_for_each(|((neighbors, distances), which)| {
            let width = indexed.n_features();
            let mut searches: Vec<_> = which
                .iter()
                .map(|&i| Search {
                    row: &a[i as usize * width..][..width],
                    itself: exclude_self.then_some(i),
                    scale: row_scale(rows, i as usize, indexed),
                    nearest: TopK::new(k),
                })
                .collect();
            let level = Level::new();
            for (block, columns) in b.chunks(COLUMNS * width).enumerate() {
                progress.advance(0)?;
                dispatch!(level, _simd => offer_block(&mut searches, columns, width, block * COLUMNS));
            }
            let outputs = neighbors.chunks_exact_mut(k).zip(distances.chunks_exact_mut(k));
            for (search, (neighbors, distances)) in searches.iter_mut().zip(outputs) {
                search.nearest.drain_into(neighbors, distances);
            }
            Ok::<(), Error>(())
        })
    }))?;
    Ok((neighbors, distances))
}

/// A row in search of its neighbors.
struct Search<'a, E, T> {
    row: &'a [E],
    /// Its index among the indexed points, if it is one of them.
    itself: Option<u32>,
    scale: f64,
    nearest: TopK<T>,
}

/// Offers the points of `columns`, numbered from `first`, to every search.
#[inline(always)]
fn offer_block<A: Element, B: Element, T: Scalar>(
    searches: &mut [Search<'_, A, T>],
    columns: &[B],
    n_features: usize,
    first: usize,
) {
    for (tile, points) in columns.chunks(TILE * n_features).enumerate() {
        for search in &mut *searches {
            for (i, point) in points.chunks_exact(n_features).enumerate() {
                let squared = squared_euclidean(search.row, point, search.scale);
                let distance: T = reported(squared, search.scale);
                if distance <= search.nearest.limit() {
                    let j = u32::try_from(first + tile * TILE + i).expect("points are numbered by u32");
                    if search.itself != Some(j) {
                        search.nearest.offer(distance, j);
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{power_of_two_scale, squared_euclidean};

    #[test]
    fn scale_brings_magnitudes_to_one() {
        for x in [1e-150, 1e-15, 0.3, 0.5, 1.0, 255.0, 1e9, 1e150] {
            let scaled = x * power_of_two_scale(x);
            assert!((0.5..1.0).contains(&scaled), "{x} became {scaled}");
        }
        assert_eq!(power_of_two_scale(0.0), 1.0, "nothing to scale");
        for x in [5e-324, f64::MAX] {
            let scale = power_of_two_scale(x);
            assert!(scale.is_normal() && (x * scale).is_finite(), "{x} is scaled by {scale}");
        }
    }

    #[test]
    fn every_feature_counts_once() {
        for n in 0..40_u8 {
            let a: Vec<f32> = (0..n).map(f32::from).collect();
            let b: Vec<f32> = (0..n).map(|i| f32::from(i) + f32::from(i % 3)).collect();
            let expected: f64 = (0..n).map(|i| f64::from(i % 3).powi(2)).sum();
            assert_eq!(squared_euclidean(&a, &b, 1.0), expected, "{n} features");
        }
    }
}
