//! Distances as they are defined, in f64, from the values as they were given: [M50].

use tsne_core::Element;

const LANES: usize = 8;

/// Squared Euclidean distance of `scale * a` and `scale * b`, in f64.
///
/// `scale` is a power of two, so that it changes no digit; it keeps squares from overflowing. The order of additions
/// is fixed: eight partial sums over features that are 8 apart. The same bits on every CPU.
#[inline(always)]
pub(crate) fn squared_euclidean<A: Element, B: Element>(a: &[A], b: &[B], scale: f64) -> f64 {
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
