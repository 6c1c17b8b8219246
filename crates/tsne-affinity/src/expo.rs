//! The exponential of a negative number, in vectors of f64 and of f32. Implements \[M20\].

use fearless_simd::prelude::*;
use fearless_simd::{Simd, f32x16, f64x8};

/// Numbers of f64 handled side by side: one register of AVX-512, two of AVX2, four of SSE2.
pub(crate) const LANES: usize = 8;

/// 1/k! for k = 13 down to 2: the Taylor polynomial of e^r.
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

/// Vectors that [`exp_neg`] takes.
pub(crate) trait ExpLanes<S: Simd>: SimdFloat<S> {
    /// Exponents from here on give 0: one more halving of the last power would not be a normal number.
    const CUTOFF: f64;
    /// A power of ten whose square is finite.
    const SQUARE_IS_FINITE: f64;
    /// 1.5 · 2^(bits of the fraction). A number of moderate size added to it is rounded to an integer, found in its low
    /// bits.
    const TO_INTEGER: f64;
    /// ln 2 in two parts, the first with so many bits zero that it is exact times an integer of the exponent's size.
    const LN_2: [f64; 2];
    /// The Taylor polynomial without the two largest terms, largest power first. Its relative error for |r| ≤ ln 2 / 2
    /// is far below a unit in the last place.
    const POLYNOMIAL: &[f64];

    /// The number nearest to a constant in every lane.
    fn constant(simd: S, value: f64) -> Self;
    /// 2^n of the integers in the low bits. 2^n is a normal number, so that n can be written into the exponent.
    fn power_of_two(simd: S, integers: Self) -> Self;
}

impl<S: Simd> ExpLanes<S> for f64x8<S> {
    const CUTOFF: f64 = 708.0;
    const SQUARE_IS_FINITE: f64 = 1e150;
    const TO_INTEGER: f64 = 6_755_399_441_055_744.0;
    const LN_2: [f64; 2] = [f64::from_bits(0x3fe6_2e42_fee0_0000), f64::from_bits(0x3dea_39ef_3579_3c76)];
    const POLYNOMIAL: &[f64] = &INVERSE_FACTORIALS;

    #[inline(always)]
    fn constant(simd: S, value: f64) -> Self {
        Self::splat(simd, value)
    }

    #[inline(always)]
    fn power_of_two(simd: S, integers: Self) -> Self {
        let bias = Self::Bits::splat(simd, 1023 << 52);
        Self::from_bits((integers.to_bits() << 52) + bias)
    }
}

impl<S: Simd> ExpLanes<S> for f32x16<S> {
    const CUTOFF: f64 = 87.0;
    const SQUARE_IS_FINITE: f64 = 1e18;
    const TO_INTEGER: f64 = 12_582_912.0;
    const LN_2: [f64; 2] = [0.693_359_375, std::f64::consts::LN_2 - 0.693_359_375];
    const POLYNOMIAL: &[f64] = INVERSE_FACTORIALS.split_at(6).1;

    #[inline(always)]
    #[allow(clippy::cast_possible_truncation, reason = "rounded to the nearest")]
    fn constant(simd: S, value: f64) -> Self {
        Self::splat(simd, value as f32)
    }

    #[inline(always)]
    fn power_of_two(simd: S, integers: Self) -> Self {
        let bias = Self::Bits::splat(simd, 127 << 23);
        Self::from_bits((integers.to_bits() << 23) + bias)
    }
}

/// e^(−x) for x ≥ 0, with 0 for every x from the cutoff on.
///
/// Exactly 1 at 0; relative error at most 4.5e-16 in f64 and 1.2e-7 in f32, on any instruction set. Each lane is
/// computed alike.
#[inline(always)]
pub(crate) fn exp_neg<S: Simd, V: ExpLanes<S>>(simd: S, x: V) -> V {
    let constant = |value| V::constant(simd, value);
    let cutoff = constant(V::CUTOFF);
    let inside = x.simd_lt(cutoff);
    let y = -x.min(cutoff);
    // e^y = 2^n · e^r with n the integer nearest to y / ln 2.
    let shifted = y.mul_add(constant(std::f64::consts::LOG2_E), constant(V::TO_INTEGER));
    let n = shifted - constant(V::TO_INTEGER);
    let [high, low] = V::LN_2;
    let r = n.mul_add(constant(-low), n.mul_add(constant(-high), y));
    let mut sum = constant(V::POLYNOMIAL[0]);
    for &coefficient in &V::POLYNOMIAL[1..] {
        sum = sum.mul_add(r, constant(coefficient));
    }
    // The two largest terms last and apart keep the rounding error near half a unit.
    let exp_r = constant(1.0) + (r * r).mul_add(sum, r);
    inside.select(exp_r * V::power_of_two(simd, shifted), constant(0.0))
}

#[cfg(test)]
mod tests {
    use fearless_simd::prelude::*;
    use fearless_simd::{Level, dispatch, f32x16, f64x8};

    use super::{LANES, exp_neg};

    const CUTOFF: f64 = 708.0;
    const CUTOFF_F32: f32 = 87.0;

    fn exp_neg_all(level: Level, x: [f64; LANES]) -> [f64; LANES] {
        dispatch!(level, simd => exp_neg(simd, f64x8::load_array(simd, x)).to_array())
    }

    fn exp_neg_all_f32(level: Level, x: [f32; 16]) -> [f32; 16] {
        dispatch!(level, simd => exp_neg(simd, f32x16::load_array(simd, x)).to_array())
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
    fn agrees_with_the_standard_library_in_f32() {
        for level in levels() {
            let mut worst = 0.0_f64;
            for i in 0..125_000_u32 {
                let x = std::array::from_fn(|lane| {
                    CUTOFF_F32 * (i as f32 + lane as f32 / 16.0).powi(3) / 125_000.0_f32.powi(3)
                });
                for (x, got) in x.into_iter().zip(exp_neg_all_f32(level, x)).filter(|&(x, _)| x < CUTOFF_F32)
                {
                    let expected = (-f64::from(x)).exp();
                    worst = worst.max(((f64::from(got) - expected) / expected).abs());
                }
            }
            assert!(worst <= 1.2e-7, "relative error {worst:e} at {level:?}");
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
            let mut x = [0.0; 16];
            x[..8].copy_from_slice(&[0.0, -0.0, CUTOFF_F32, 1e6, f32::MAX, f32::INFINITY, 86.99, 1e-44]);
            let got = exp_neg_all_f32(level, x);
            assert_eq!(got[..6], [1.0, 1.0, 0.0, 0.0, 0.0, 0.0], "of {x:?} at {level:?}");
            assert!(got[6] > f32::MIN_POSITIVE, "normal just below the cutoff at {level:?}");
            assert_eq!(got[7], 1.0, "next to 0 at {level:?}");
        }
    }
}
