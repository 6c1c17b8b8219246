//! The exponential of a negative number, written so that a loop over an array of them becomes vector code. [M20]

/// Numbers handled side by side: two AVX-512 registers, or four of AVX2.
///
/// A row is padded to a multiple of this, so it should divide the usual 3 · 30 neighbors with little waste.
pub(crate) const LANES: usize = 16;

/// Exponents from here on give 0: exp(−708) is the last power that is a normal number.
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

/// e^(−x) for x ≥ 0, with 0 for every x from [`CUTOFF`] on and for NaN. Implements [M20].
///
/// Exactly 1 at 0; relative error at most 4e-16 (measured 2.6e-16), whatever the instruction set. Always inlined: what
/// makes it fast is the loop and the instructions of its caller.
#[inline(always)]
pub(crate) fn exp_neg(x: f64) -> f64 {
    let inside = x < CUTOFF;
    let y = if inside { -x } else { -CUTOFF };
    // e^y = 2^n · e^r with n the integer nearest to y / ln 2.
    let shifted = y * std::f64::consts::LOG2_E + TO_INTEGER;
    let n = shifted - TO_INTEGER;
    let r = (y - n * LN_2_HIGH) - n * LN_2_LOW;
    let mut sum = INVERSE_FACTORIALS[0];
    for &coefficient in &INVERSE_FACTORIALS[1..] {
        sum = sum * r + coefficient;
    }
    // The two largest terms last and apart keep the rounding error near half a unit.
    let exp_r = 1.0 + (r + r * r * sum);
    // n is in −1021..=0, so the exponent field stays within the normal numbers.
    let power = f64::from_bits((shifted.to_bits() << 52).wrapping_add(1023 << 52));
    if inside { exp_r * power } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::{CUTOFF, exp_neg};

    #[test]
    fn agrees_with_the_standard_library() {
        // The library's own exp is within one unit in the last place, 2.2e-16.
        let mut worst = 0.0_f64;
        for i in 0..2_000_000_u32 {
            let x = CUTOFF * (f64::from(i) / 2_000_000.0).powi(3);
            let expected = (-x).exp();
            worst = worst.max(((exp_neg(x) - expected) / expected).abs());
        }
        assert!(worst <= 4.5e-16, "relative error {worst:e}");
    }

    #[test]
    fn ends_are_exact() {
        assert_eq!(exp_neg(0.0), 1.0, "e^0");
        assert_eq!(exp_neg(-0.0), 1.0, "e^-0");
        for x in [CUTOFF, 1e6, f64::MAX, f64::INFINITY, f64::NAN] {
            assert_eq!(exp_neg(x), 0.0, "e^-{x}");
        }
        assert!(exp_neg(707.999) > f64::MIN_POSITIVE, "normal just below the cutoff");
    }
}
