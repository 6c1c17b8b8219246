//! Sixteen transforms at a time: vectors of lanes, complex numbers made of them, and the types they exist for.

use std::ops::{Add, Mul, Sub};

use fearless_simd::{ExtractToken, Simd, SimdBase, SimdFloat, f32x4, f32x16, f64x4, f64x8};
use tsne_core::{Scalar, Typed};

/// Lines that are transformed together, one in each lane.
pub(crate) const LANES: usize = 16;

/// One real number for each of the lanes.
#[derive(Clone, Copy, Debug)]
#[repr(C, align(64))]
pub(crate) struct Row<T>(pub(crate) [T; LANES]);

/// One complex number for each of the lanes.
#[derive(Clone, Copy, Debug)]
#[repr(C, align(64))]
pub(crate) struct Complexes<T> {
    pub(crate) re: [T; LANES],
    pub(crate) im: [T; LANES],
}

impl<T: Scalar> Row<T> {
    pub(crate) fn zero() -> Self {
        Self([T::default(); LANES])
    }
}

impl<T: Scalar> Complexes<T> {
    pub(crate) fn zero() -> Self {
        Self { re: [T::default(); LANES], im: [T::default(); LANES] }
    }
}

/// A scalar that comes in vectors: the one place where `f32` and `f64` differ.
pub(crate) trait Real: Scalar {
    /// Shortest spacing of a mesh: its square and its inverse stay normal numbers in `f64` and in this type.
    const MIN_SPACING: f64;
    /// The largest integer from 0 to `most` that is not above `self`, and what is left of `self`.
    fn split(self, most: usize) -> (usize, Self);
    /// As many lanes as [`LANES`].
    type Wide<S: Simd>: Wide<S, Self>;
    /// Four lanes, the reach of a spline.
    type Quad<S: Simd>: Lanes<S, Self, 4>;
}

/// Arithmetic on `N` lanes.
pub(crate) trait Lanes<S: Simd, T, const N: usize>:
    Copy + Add<Output = Self> + Sub<Output = Self> + Mul<Output = Self>
{
    fn load(simd: S, values: &[T; N]) -> Self;
    fn store(self, values: &mut [T; N]);
    fn splat(simd: S, value: T) -> Self;
    /// `self * factor + term`, rounded once where the processor can.
    fn mul_add(self, factor: Self, term: Self) -> Self;
}

/// What transforms need beyond [`Lanes`].
pub(crate) trait Wide<S: Simd, T>: Lanes<S, T, LANES> {
    /// `self * factor - term`, rounded once where the processor can.
    fn mul_sub(self, factor: Self, term: Self) -> Self;
    /// The largest integers not above the lanes.
    fn floor(self) -> Self;
    /// `self * factor`, every lane by the same.
    fn scale(self, factor: T) -> Self;
    /// The lanes of both in turn: the first of `self`, the first of `other`, the second of `self`, and so on.
    fn interleave(self, other: Self) -> (Self, Self);
}

macro_rules! impl_lanes {
    ($vector:ident, $t:ty, $n:literal) => {
        impl<S: Simd> Lanes<S, $t, $n> for $vector<S> {
            #[inline(always)]
            fn load(simd: S, values: &[$t; $n]) -> Self {
                Self::load_array_ref(simd, values)
            }
            #[inline(always)]
            fn store(self, values: &mut [$t; $n]) {
                self.store_array(values);
            }
            #[inline(always)]
            fn splat(simd: S, value: $t) -> Self {
                SimdBase::splat(simd, value)
            }
            #[inline(always)]
            fn mul_add(self, factor: Self, term: Self) -> Self {
                SimdFloat::mul_add(self, factor, term)
            }
        }
    };
}
impl_lanes!(f32x4, f32, 4);
impl_lanes!(f64x4, f64, 4);
impl_lanes!(f32x16, f32, 16);

impl<S: Simd> Wide<S, f32> for f32x16<S> {
    #[inline(always)]
    fn mul_sub(self, factor: Self, term: Self) -> Self {
        SimdFloat::mul_sub(self, factor, term)
    }
    #[inline(always)]
    fn floor(self) -> Self {
        SimdFloat::floor(self)
    }
    #[inline(always)]
    fn scale(self, factor: f32) -> Self {
        self * factor
    }
    #[inline(always)]
    fn interleave(self, other: Self) -> (Self, Self) {
        self.token().interleave_f32x16(self, other)
    }
}

/// Sixteen `f64`: two vectors of the longest kind.
#[derive(Clone, Copy)]
pub(crate) struct F64x16<S: Simd>(f64x8<S>, f64x8<S>);

impl<S: Simd> Add for F64x16<S> {
    type Output = Self;
    #[inline(always)]
    fn add(self, other: Self) -> Self {
        Self(self.0 + other.0, self.1 + other.1)
    }
}
impl<S: Simd> Sub for F64x16<S> {
    type Output = Self;
    #[inline(always)]
    fn sub(self, other: Self) -> Self {
        Self(self.0 - other.0, self.1 - other.1)
    }
}
impl<S: Simd> Mul for F64x16<S> {
    type Output = Self;
    #[inline(always)]
    fn mul(self, other: Self) -> Self {
        Self(self.0 * other.0, self.1 * other.1)
    }
}

impl<S: Simd> Lanes<S, f64, 16> for F64x16<S> {
    #[inline(always)]
    fn load(simd: S, values: &[f64; 16]) -> Self {
        Self(f64x8::from_slice(simd, &values[..8]), f64x8::from_slice(simd, &values[8..]))
    }
    #[inline(always)]
    fn store(self, values: &mut [f64; 16]) {
        let (low, high) = values.split_at_mut(8);
        self.0.store_slice(low);
        self.1.store_slice(high);
    }
    #[inline(always)]
    fn splat(simd: S, value: f64) -> Self {
        Self(f64x8::splat(simd, value), f64x8::splat(simd, value))
    }
    #[inline(always)]
    fn mul_add(self, factor: Self, term: Self) -> Self {
        Self(self.0.mul_add(factor.0, term.0), self.1.mul_add(factor.1, term.1))
    }
}

impl<S: Simd> Wide<S, f64> for F64x16<S> {
    #[inline(always)]
    fn mul_sub(self, factor: Self, term: Self) -> Self {
        Self(self.0.mul_sub(factor.0, term.0), self.1.mul_sub(factor.1, term.1))
    }
    #[inline(always)]
    fn floor(self) -> Self {
        Self(self.0.floor(), self.1.floor())
    }
    #[inline(always)]
    fn scale(self, factor: f64) -> Self {
        Self(self.0 * factor, self.1 * factor)
    }
    #[inline(always)]
    fn interleave(self, other: Self) -> (Self, Self) {
        let simd = self.0.token();
        let (a, b) = simd.interleave_f64x8(self.0, other.0);
        let (c, d) = simd.interleave_f64x8(self.1, other.1);
        (Self(a, b), Self(c, d))
    }
}

impl Real for f32 {
    const MIN_SPACING: f64 = 1e-30;
    #[inline(always)]
    #[allow(clippy::cast_possible_truncation, reason = "no mesh has more nodes in a row, see Grid")]
    fn split(self, most: usize) -> (usize, Self) {
        let whole = (self as i32).min(most as i32).max(0);
        (whole as usize, self - whole as f32)
    }
    type Wide<S: Simd> = f32x16<S>;
    type Quad<S: Simd> = f32x4<S>;
}

impl Real for f64 {
    const MIN_SPACING: f64 = 1e-150;
    #[inline(always)]
    #[allow(clippy::cast_possible_truncation, reason = "no mesh has more nodes in a row, see Grid")]
    fn split(self, most: usize) -> (usize, Self) {
        let whole = (self as i32).min(most as i32).max(0);
        (whole as usize, self - f64::from(whole))
    }
    type Wide<S: Simd> = F64x16<S>;
    type Quad<S: Simd> = f64x4<S>;
}

/// Which scalar `T` is.
pub(crate) fn scalar<T: Scalar>() -> Typed<(), ()> {
    match T::typed(&[]) {
        Typed::F32(_) => Typed::F32(()),
        Typed::F64(_) => Typed::F64(()),
    }
}

/// A vector of complex numbers, in registers.
pub(crate) struct Complex<S: Simd, T: Real> {
    pub(crate) re: T::Wide<S>,
    pub(crate) im: T::Wide<S>,
}

impl<S: Simd, T: Real> Clone for Complex<S, T> {
    #[inline(always)]
    fn clone(&self) -> Self {
        *self
    }
}
impl<S: Simd, T: Real> Copy for Complex<S, T> {}

impl<S: Simd, T: Real> Add for Complex<S, T> {
    type Output = Self;
    #[inline(always)]
    fn add(self, other: Self) -> Self {
        Self { re: self.re + other.re, im: self.im + other.im }
    }
}
impl<S: Simd, T: Real> Sub for Complex<S, T> {
    type Output = Self;
    #[inline(always)]
    fn sub(self, other: Self) -> Self {
        Self { re: self.re - other.re, im: self.im - other.im }
    }
}

impl<S: Simd, T: Real> Complex<S, T> {
    #[inline(always)]
    pub(crate) fn load(simd: S, from: &Complexes<T>) -> Self {
        Self { re: T::Wide::<S>::load(simd, &from.re), im: T::Wide::<S>::load(simd, &from.im) }
    }

    #[inline(always)]
    pub(crate) fn store(self, to: &mut Complexes<T>) {
        self.re.store(&mut to.re);
        self.im.store(&mut to.im);
    }

    /// Times the complex number `w`, real part first.
    #[inline(always)]
    pub(crate) fn times(self, simd: S, w: [T; 2]) -> Self {
        let (c, s) = (T::Wide::<S>::splat(simd, w[0]), T::Wide::<S>::splat(simd, w[1]));
        Self { re: self.re.mul_sub(c, self.im * s), im: self.re.mul_add(s, self.im * c) }
    }

    /// Times the conjugate of `w`.
    #[inline(always)]
    pub(crate) fn times_conj(self, simd: S, w: [T; 2]) -> Self {
        let (c, s) = (T::Wide::<S>::splat(simd, w[0]), T::Wide::<S>::splat(simd, w[1]));
        Self { re: self.re.mul_add(c, self.im * s), im: self.im.mul_sub(c, self.re * s) }
    }

    /// Plus −i times `other`.
    #[inline(always)]
    pub(crate) fn add_minus_i(self, other: Self) -> Self {
        Self { re: self.re + other.im, im: self.im - other.re }
    }

    /// Minus −i times `other`.
    #[inline(always)]
    pub(crate) fn sub_minus_i(self, other: Self) -> Self {
        Self { re: self.re - other.im, im: self.im + other.re }
    }

    /// Times −i.
    #[inline(always)]
    pub(crate) fn minus_i(self) -> Self {
        Self { re: self.im, im: self.re.scale(-T::one()) }
    }

    #[inline(always)]
    pub(crate) fn scale(self, factor: T) -> Self {
        Self { re: self.re.scale(factor), im: self.im.scale(factor) }
    }

    /// `self * factor + term` for a real factor.
    #[inline(always)]
    pub(crate) fn mul_add(self, simd: S, factor: T, term: Self) -> Self {
        let factor = T::Wide::<S>::splat(simd, factor);
        Self { re: self.re.mul_add(factor, term.re), im: self.im.mul_add(factor, term.im) }
    }

    /// Real and imaginary parts exchanged, i times the conjugate. A transform with the other sign in its exponent is
    /// the transform of the exchanged numbers, exchanged.
    #[inline(always)]
    pub(crate) fn exchanged(self) -> Self {
        Self { re: self.im, im: self.re }
    }
}

/// Lane j of vector i becomes lane i of vector j.
#[inline(always)]
pub(crate) fn transpose<S: Simd, T: Real>(mut rows: [T::Wide<S>; LANES]) -> [T::Wide<S>; LANES] {
    // A perfect shuffle of all numbers moves one bit of the lane's index to the row's; there are four bits.
    for _ in 0..LANES.ilog2() {
        let from = rows;
        for i in 0..LANES / 2 {
            (rows[2 * i], rows[2 * i + 1]) = from[i].interleave(from[i + LANES / 2]);
        }
    }
    rows
}
