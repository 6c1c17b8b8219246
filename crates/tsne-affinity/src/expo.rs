//! The exponential of a negative number, eight at a time. Implements \[M20\].

use fearless_simd::prelude::*;
use fearless_simd::{Simd, f64x8, u64x8};

/// Numbers handled side by side: one register of AVX-512, two of AVX2, four of SSE2.
pub(crate) const LANES: usize = 8;

/// Exponents from here on give 0: e^−708 is the last power that is a normal number.
pub(crate) const CUTOFF: f64 = 708.0;

/// 1.5 · 2^52. A number of moderate size added to it is rounded to an integer, found in its low bits.
const TO_INTEGER: f64 = 6_755_399_441_055_744.0;
/// ln 2 in two parts, the first with its last 21 bits zero: times an integer below 2^11 it is exact.
const LN_2_HIGH: f64 = f64::from_bits(0x3fe6_2e42_fee0_0000);
const LN_2_LOW: f64 = f64::from_bits(0x3dea_39ef_3579_3c76);

/// 1/k! for k = 13 down to 2: the Taylor polynomial of e^r, whose relative error for |r| ≤ ln 2 / 2 is below 5e-18.
const INVERSE_FACTORIALS: [f64; 12] = [
    1.0 / 6_227_020_800.0,
    1.0 / 479_001_600.0,
    1.0 / 39_916_800.0,
    1.0 / 3_628_800.0,
    1.0 / 362_880.0,
    1.0 / 40_320.0,
    1.0 / 5_040.0,
    1.0 / 720.0,
    1.0 / 120.0,
    1.0 / 24.0,
    1.0 / 6.0,
    1.0 / 2.0,
];

/// e^(−x) for x ≥ 0, with 0 for every x from [`CUTOFF`] on.
///
/// Exactly 1 at 0; relative error at most 4.5e-16 on any instruction set. Each lane is computed alike.
#[inline(always)]
pub(crate) fn exp_neg<S: Simd>(simd: S, x: f64x8<S>) -> f64x8<S> {
    let splat = |value| f64x8::splat(simd, value);
    let cutoff = splat(CUTOFF);
    let inside = x.simd_lt(cutoff);
    let y = -x.min(cutoff);
    // e^y = 2^n · e^r with n the integer nearest to y / ln 2.
    let shifted = y.mul_add(splat(std::f64::consts::LOG2_E), splat(TO_INTEGER));
    let n = shifted - splat(TO_INTEGER);
    let r = n.mul_add(splat(-LN_2_LOW), n.mul_add(splat(-LN_2_HIGH), y));
    let mut sum = splat(INVERSE_FACTORIALS[0]);
    for &coefficient in &INVERSE_FACTORIALS[1..] {
        sum = sum.mul_add(r, splat(coefficient));
    }
    // The two largest terms last and apart keep the rounding error near half a unit.
    let exp_r = splat(1.0) + (r * r).mul_add(sum, r);
    // n is in −1021..=0, so the exponent field stays within the normal numbers.
    let bias: u64x8<S> = u64x8::splat(simd, 1023 << 52);
    let power = f64x8::from_bits((shifted.to_bits() << 52) + bias);
    inside.select(exp_r * power, splat(0.0))
}

#[cfg(test)]
mod tests {
    use fearless_simd::prelude::*;
    use fearless_simd::{Level, dispatch, f64x8};

    use super::{CUTOFF, LANES, exp_neg};

    fn exp_neg_all(level: Level, x: [f64; LANES]) -> [f64; LANES] {
        dispatch!(level, simd => exp_neg(simd, f64x8::load_array(simd, x)).to_array())
    }

    /// The best instructions of this machine and those that every machine of its kind has: with fused operations and
    /// without.
    fn levels() -> [Level; 2] {
        [Level::new(), Level::baseline()]
    }

    #[test]
    fn agrees_with_the_standard_library() {
        // The library's own exp is within one unit in the last place, 2.2e-16.
        for level in levels() {
            let mut worst = 0.0_f64;
            for i in 0..250_000_u32 {
                let x = std::array::from_fn(|lane| {
                    CUTOFF * (f64::from(i) + lane as f64 / 8.0).powi(3) / 250_000.0_f64.powi(3)
                });
                for (x, got) in x.into_iter().zip(exp_neg_all(level, x)).filter(|&(x, _)| x < CUTOFF) {
                    let expected = (-x).exp();
                    worst = worst.max(((got - expected) / expected).abs());
                }
            }
            assert!(worst <= 4.5e-16, "relative error {worst:e} at {level:?}");
        }
    }

    #[test]
    fn ends_are_exact() {
        let x = [0.0, -0.0, CUTOFF, 1e6, f64::MAX, f64::INFINITY, 707.999, 1e-320];
        for level in levels() {
            let got = exp_neg_all(level, x);
            assert_eq!(got[..6], [1.0, 1.0, 0.0, 0.0, 0.0, 0.0], "of {x:?} at {level:?}");
            assert!(got[6] > f64::MIN_POSITIVE, "normal just below the cutoff at {level:?}");
            assert_eq!(got[7], 1.0, "next to 0 at {level:?}");
        }
    }
}
