//! The kernel of the map in SIMD lanes: w = s^ν and s^(ν+1) of a squared distance, for any ν (\[M5\], \[M30\], \[M31\]).

use fearless_simd::prelude::*;
use fearless_simd::{Simd, SimdFloatElement};
use tsne_core::{Scalar, StudentT};

/// `f32` or `f64` with what powers need to know about it.
pub(crate) trait Real: Scalar + SimdFloatElement {
    /// Bits of the fraction.
    const FRACTION: u32;
    /// Mask of the fraction.
    const FRACTION_MASK: Self::Bits;
    /// Bits of √½.
    const SQRT_HALF: Self::Bits;
    /// Bits of 1 less those of √½.
    const ONE_OVER_SQRT_HALF: Self::Bits;
    /// Bits of 2 to the power [`FRACTION`](Self::FRACTION).
    const MAGIC: Self::Bits;
    /// Offset of the exponent in the bits.
    const BIAS: Self;
    /// Significant bits of a number whose product with any exponent is exact.
    const POWER_BITS: f64;
    /// log₂((1 + u)/(1 − u)) = u Σ c_k u^2k for |u| ≤ 3 − √8, best in relative error.
    const LOG: &[[Self; 2]];
    /// 2^g = Σ c_k g^k for |g| ≤ ½, best in relative error.
    const EXP: &[[Self; 2]];
}

impl Real for f32 {
    const FRACTION: u32 = 23;
    const FRACTION_MASK: u32 = (1 << 23) - 1;
    const SQRT_HALF: u32 = std::f32::consts::FRAC_1_SQRT_2.to_bits();
    const ONE_OVER_SQRT_HALF: u32 = 1_f32.to_bits() - Self::SQRT_HALF;
    const MAGIC: u32 = 8_388_608_f32.to_bits();
    const BIAS: f32 = 127.0;
    const POWER_BITS: f64 = 15.0;
    // Relative error 7e-10.
    #[allow(clippy::excessive_precision, reason = "the digits say which number is nearest")]
    const LOG: &[[f32; 2]] = &[[2.885_390_1, 0.961_798_85], [0.576_714_4, 0.431_735_88]];
    // Relative error 2e-9.
    const EXP: &[[f32; 2]] = &[
        [1.0, std::f32::consts::LN_2],
        [0.240_226_47, 0.055_503_286],
        [0.009_618_489, 0.001_339_993_1],
        [0.000_153_458_12, 0.0],
    ];
}

impl Real for f64 {
    const FRACTION: u32 = 52;
    const FRACTION_MASK: u64 = (1 << 52) - 1;
    const SQRT_HALF: u64 = std::f64::consts::FRAC_1_SQRT_2.to_bits();
    const ONE_OVER_SQRT_HALF: u64 = 1_f64.to_bits() - Self::SQRT_HALF;
    const MAGIC: u64 = 4_503_599_627_370_496_f64.to_bits();
    const BIAS: f64 = 1023.0;
    const POWER_BITS: f64 = 41.0;
    // Relative error 1.2e-18.
    const LOG: &[[f64; 2]] = &[
        [2.885_390_081_777_926_8, 0.961_796_693_925_989_8],
        [0.577_078_016_345_470_4, 0.412_198_585_851_073_16],
        [0.320_598_533_925_895_7, 0.262_334_401_762_482_46],
        [0.220_911_866_654_041_97, 0.213_670_779_595_841_16],
    ];
    // Relative error 3e-18.
    const EXP: &[[f64; 2]] = &[
        [1.0, std::f64::consts::LN_2],
        [0.240_226_506_959_101_55, 0.055_504_108_664_819_925],
        [0.009_618_129_107_588_335, 0.001_333_355_814_678_995_3],
        [0.000_154_035_304_625_146_6, 1.525_273_348_995_840_6e-5],
        [1.321_543_308_956_854_3e-6, 1.017_819_803_437_931_9e-7],
        [7.074_105_630_966_674e-9, 4.435_280_780_308_031e-10],
    ];
}

/// The kernel as a function of d², in lanes.
pub(crate) trait Law<R: Real>: Copy {
    /// s, w and s^(ν+1).
    fn weigh<S: Simd>(self, simd: S, d2: R::Native<S>) -> [R::Native<S>; 3];
}

/// ν = 1.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cauchy;

impl<R: Real> Law<R> for Cauchy {
    #[inline(always)]
    fn weigh<S: Simd>(self, simd: S, d2: R::Native<S>) -> [R::Native<S>; 3] {
        let one = R::Native::<S>::splat(simd, R::lit(1.0));
        let s = one / (d2 + one);
        [s, s, s * s]
    }
}

/// Any ν, split so that its high part times any exponent of two is exact.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Power<R> {
    inverse: R,
    nu: R,
    high: R,
    low: R,
}

impl<R: Real> Power<R> {
    /// ν beyond 1e±30 is taken as that: the kernel is a constant, or a Gaussian, in either case.
    pub(crate) fn new(kernel: StudentT) -> Self {
        let nu = kernel.dof().clamp(1e-30, 1e30);
        let unit = (nu.log2().floor() + 1.0 - R::POWER_BITS).exp2();
        let high = (nu / unit).floor() * unit;
        Self { inverse: R::lit(1.0 / nu), nu: R::lit(nu), high: R::lit(high), low: R::lit(nu - high) }
    }
}

impl<R: Real> Law<R> for Power<R> {
    #[inline(always)]
    fn weigh<S: Simd>(self, simd: S, d2: R::Native<S>) -> [R::Native<S>; 3] {
        // t = 1 + x, held below infinity, which has no logarithm.
        let x = (d2 * self.inverse).min(R::MAX);
        let t = x + R::lit(1.0);
        let s = R::Native::<S>::splat(simd, R::lit(1.0)) / t;
        let w = inverse_power::<S, R>(simd, self, x, t);
        [s, w, w * s]
    }
}

/// t^−ν for t = 1 + x, x ≥ 0, by \[M30\].
#[inline(always)]
fn inverse_power<S: Simd, R: Real>(
    simd: S,
    power: Power<R>,
    x: R::Native<S>,
    t: R::Native<S>,
) -> R::Native<S> {
    let magic = R::Native::<S>::from_bits(<R::Native<S> as SimdFloat<S>>::Bits::splat(simd, R::MAGIC));
    // t = 2^k m with √½ ≤ m < √2, and k as a float: an integer below 2^FRACTION, put into the fraction of that power.
    let shifted = t.to_bits() + R::ONE_OVER_SQRT_HALF;
    let k = R::Native::<S>::from_bits((shifted >> R::FRACTION) | R::MAGIC) - (magic + R::BIAS);
    let m = R::Native::<S>::from_bits((shifted & R::FRACTION_MASK) + R::SQRT_HALF);
    // Next to t = 1, x has what t has lost to rounding: with it, large ν does no harm.
    let f = k.simd_eq(R::lit(0.0)).select(x, m - R::lit(1.0));
    let u = f / (f + R::lit(2.0));
    let log = polynomial::<S, R>(simd, R::LOG, u * u) * (u * power.nu);

    // ν log₂ t = n − g with n an integer and |g| ≤ ½. The product with k is exact and loses its integer part before
    // anything is added, so that the error of g does not grow with the size of t.
    let exact = k * power.high;
    let integer = exact.round_ties_even();
    let fraction = (exact - integer) + k.mul_add(power.low, log);
    let carry = fraction.round_ties_even();
    let g = carry - fraction;
    // At the smallest normal number the power stops falling.
    let n = (integer + carry).min(R::BIAS - R::lit(1.0));

    // The exponent, as an integer in the lowest bits of a float, is shifted to where exponents are.
    let scale = R::Native::<S>::from_bits(((magic + R::BIAS) - n).to_bits() << R::FRACTION);
    polynomial::<S, R>(simd, R::EXP, g) * scale
}

/// Σ c_k x^k for coefficients in pairs: even and odd powers apart, which halves the chain of dependent steps.
#[inline(always)]
fn polynomial<S: Simd, R: Real>(simd: S, coefficients: &[[R; 2]], x: R::Native<S>) -> R::Native<S> {
    let x2 = x * x;
    let (&[even, odd], rest) = coefficients.split_last().expect("polynomials have coefficients");
    let (mut even, mut odd) = (R::Native::<S>::splat(simd, even), R::Native::<S>::splat(simd, odd));
    for &[c, d] in rest.iter().rev() {
        even = even.mul_add(x2, R::Native::<S>::splat(simd, c));
        odd = odd.mul_add(x2, R::Native::<S>::splat(simd, d));
    }
    odd.mul_add(x, even)
}

/// Largest half variance of a source: with it, no step of [`Cloud::act`] overflows. Sources so large act on nothing, or
/// are not taken for one.
pub(crate) fn max_spread<T: Scalar>() -> f64 {
    T::MAX.to_f64() * 1e-12
}

/// What a source looks like to a target.
pub(crate) trait Shape<R: Real>: Copy {
    /// Whether the covariance is looked at.
    const SPREAD: bool;

    /// Similarity and force of a source of mass 1 at the difference `d`, where its center has [s, w, s^(ν+1)] and half
    /// the covariance of its points is `half`, of which only the upper triangle is there.
    fn act<S: Simd, const D: usize>(
        self,
        weights: [R::Native<S>; 3],
        d: &[R::Native<S>; D],
        half: &[[R::Native<S>; D]; D],
    ) -> (R::Native<S>, [R::Native<S>; D]);
}

/// A source all of whose points are at one place.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place;

impl<R: Real> Shape<R> for Place {
    const SPREAD: bool = false;

    #[inline(always)]
    fn act<S: Simd, const D: usize>(
        self,
        [_, w, r]: [R::Native<S>; 3],
        d: &[R::Native<S>; D],
        _: &[[R::Native<S>; D]; D],
    ) -> (R::Native<S>, [R::Native<S>; D]) {
        let mut force = *d;
        for c in 0..D {
            force[c] *= r;
        }
        (w, force)
    }
}

/// A source of many points: its field to the second order in their distances from the center (\[M31\]).
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cloud<R> {
    /// 4 (ν + 1) / ν.
    c: R,
    /// (ν + 2) / ν.
    k: R,
}

impl<R: Real> Cloud<R> {
    /// None beyond ν = 1e±4: for smaller ones the coefficients overflow, for larger ones s no longer bounds s d.
    pub(crate) fn new(kernel: StudentT) -> Option<Self> {
        let nu = kernel.dof();
        (1e-4..=1e4)
            .contains(&nu)
            .then(|| Self { c: R::lit(4.0 * (nu + 1.0) / nu), k: R::lit((nu + 2.0) / nu) })
    }
}

impl<R: Real> Shape<R> for Cloud<R> {
    const SPREAD: bool = true;

    #[inline(always)]
    fn act<S: Simd, const D: usize>(
        self,
        [s, w, r]: [R::Native<S>; 3],
        d: &[R::Native<S>; D],
        half: &[[R::Native<S>; D]; D],
    ) -> (R::Native<S>, [R::Native<S>; D]) {
        // e = s d, v = H e, q = e v. The factors s come first: neither d nor H need have a square.
        let (mut e, mut v) = (*d, *d);
        for a in 0..D {
            e[a] = s * d[a];
        }
        for a in 0..D {
            v[a] = half[a][a] * e[a];
            for b in 0..D {
                if a != b {
                    v[a] = half[a.min(b)][a.max(b)].mul_add(e[b], v[a]);
                }
            }
        }
        let (mut q, mut trace) = (v[0] * e[0], half[0][0]);
        for a in 1..D {
            q = v[a].mul_add(e[a], q);
            trace += half[a][a];
        }
        // w (1 + c q) − 2 r tr H, and (r + c r (k q − s tr H / 2)) d − c r v.
        let cr = r * self.c;
        let more_w = (w * self.c).mul_add(q, (trace * R::lit(-2.0)) * r);
        let more_r = q.mul_add(self.k, (trace * R::lit(-0.5)) * s);
        let along = cr.mul_add(more_r, r);
        let mut force = *d;
        for a in 0..D {
            force[a] = along * d[a] - cr * v[a];
        }
        (w + more_w, force)
    }
}
