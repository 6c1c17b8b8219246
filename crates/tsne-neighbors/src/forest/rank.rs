//! How near candidates are to a row, in the type of the data: enough to rank them.

use fearless_simd::{Level, Simd, dispatch, f32x16, f64x8, prelude::*};
use tsne_core::{Scalar, Typed};

use crate::coordinates::Coordinates;

/// What is computed of two rows; it grows with their distance.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Quantity {
    /// Σ (a − b)².
    Squares,
    /// Σ |a − b|.
    Absolutes,
    /// max |a − b|.
    Largest,
    /// #(a ≠ b).
    Different,
}

impl Quantity {
    /// Puts the quantities of `row` and each of the points `others` into `to`.
    pub(crate) fn fill<T: Scalar>(self, row: &[T], points: &Coordinates<T>, others: &[u32], to: &mut Vec<T>) {
        to.resize(others.len(), T::default());
        macro_rules! each {
            ($quantity:ident) => {
                dispatch!(Level::new(), simd => for (to, &j) in to.iter_mut().zip(others) {
                    *to = $quantity(simd, row, points.row(j));
                })
            };
        }
        match self {
            Self::Squares => each!(squares),
            Self::Absolutes => each!(absolutes),
            Self::Largest => each!(largest),
            Self::Different => each!(different),
        }
    }
}

/// Defines a function of two rows that goes through their features vector by vector: `$step` makes of the lanes so far
/// and a vector of either row the lanes to go on with, and `$reduce` a number of the last ones. Rows are filled up to
/// whole vectors.
macro_rules! by_vectors {
    ($(#[$doc:meta])* $name:ident, |$lanes:ident, $a:ident, $b:ident| $step:expr, $reduce:ident) => {
        $(#[$doc])*
        #[inline(always)]
        pub(crate) fn $name<S: Simd, T: Scalar>(simd: S, a: &[T], b: &[T]) -> T {
            match (T::typed(a), T::typed(b)) {
                (Typed::F32(a), Typed::F32(b)) => {
                    let mut lanes = f32x16::splat(simd, 0.0);
                    for (a, b) in a.as_chunks::<16>().0.iter().zip(b.as_chunks::<16>().0) {
                        let ($lanes, $a, $b) =
                            (lanes, f32x16::from_slice(simd, a), f32x16::from_slice(simd, b));
                        lanes = $step;
                    }
                    T::lit(f64::from(lanes.$reduce()))
                }
                (Typed::F64(a), Typed::F64(b)) => {
                    let mut lanes = f64x8::splat(simd, 0.0);
                    for (a, b) in a.as_chunks::<8>().0.iter().zip(b.as_chunks::<8>().0) {
                        let ($lanes, $a, $b) =
                            (lanes, f64x8::from_slice(simd, a), f64x8::from_slice(simd, b));
                        lanes = $step;
                    }
                    T::lit(lanes.$reduce())
                }
                _ => unreachable!("both rows are of one type"),
            }
        }
    };
}

by_vectors!(
    /// Σ (a − b)².
    squares,
    |lanes, a, b| (a - b).mul_add(a - b, lanes),
    reduce_sum
);
by_vectors!(absolutes, |lanes, a, b| lanes + (a - b).abs(), reduce_sum);
by_vectors!(largest, |lanes, a, b| lanes.max((a - b).abs()), reduce_max);
by_vectors!(different, |lanes, a, b| a.simd_eq(b).select(lanes, lanes + 1.0), reduce_sum);
by_vectors!(
    /// Σ a b.
    product,
    |lanes, a, b| a.mul_add(b, lanes),
    reduce_sum
);

#[cfg(test)]
mod tests {
    use tsne_core::Scalar;

    use super::Quantity;
    use crate::coordinates::Coordinates;

    fn check<T: Scalar>(quantity: Quantity, of: fn(&[f64], &[f64]) -> f64) {
        for d in [1, 7, 16, 17, 50] {
            let value = |i: usize, f: usize| ((i * 7 + f * 5) % 11) as f64;
            let row = |i: usize| -> Vec<f64> { (0..d).map(|f| value(i, f)).collect() };
            let points: Coordinates<T> =
                Coordinates::from_rows(9, d, |range, rows| rows.extend(range.flat_map(row)));
            let (others, mut found) = ([3, 0, 8, 2], Vec::new());
            quantity.fill(points.row(2), &points, &others, &mut found);
            // Small integers are without error.
            let expected = others.map(|j| of(&row(2), &row(j as usize)));
            let found: Vec<f64> = found.iter().map(|x| x.to_f64()).collect();
            assert_eq!(found, expected, "{quantity:?} of {d} features");
        }
    }

    #[test]
    fn quantities_are_what_they_are_called() {
        fn terms(a: &[f64], b: &[f64], of: impl Fn(f64, f64) -> f64) -> Vec<f64> {
            a.iter().zip(b).map(|(&a, &b)| of(a, b)).collect()
        }
        for (quantity, of) in [
            (
                Quantity::Squares,
                (|a, b| terms(a, b, |a, b| (a - b).powi(2)).iter().sum()) as fn(&[f64], &[f64]) -> f64,
            ),
            (Quantity::Absolutes, |a, b| terms(a, b, |a, b| (a - b).abs()).iter().sum()),
            (Quantity::Largest, |a, b| terms(a, b, |a, b| (a - b).abs()).into_iter().fold(0.0, f64::max)),
            (Quantity::Different, |a, b| terms(a, b, |a, b| f64::from(u8::from(a != b))).iter().sum()),
        ] {
            check::<f32>(quantity, of);
            check::<f64>(quantity, of);
        }
    }
}
