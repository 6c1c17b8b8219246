//! The sealed [`Scalar`]: `f32` or `f64`, the two types that data, affinities and positions come in.

use std::cmp::Ordering;
use std::fmt;
use std::iter::Sum;
use std::ops::{AddAssign, DivAssign, MulAssign, SubAssign};

mod sealed {
    #[allow(unnameable_types, reason = "a sealed trait is one that cannot be named")]
    pub trait Sealed {}
    impl Sealed for f32 {}
    impl Sealed for f64 {}
    impl Sealed for u8 {}
}

/// A value whose scalar type has been recovered from generic code, see [`Scalar::typed`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_enums, reason = "Scalar is sealed: there are these two types and no others")]
pub enum Typed<A, B> {
    /// The scalar is `f32`.
    F32(A),
    /// The scalar is `f64`.
    F64(B),
}

/// Floating-point type of data, affinities and positions: `f32` or `f64`. Sealed.
///
/// Every literal enters generic code through [`lit`](Self::lit), and every parameter of a public function is an
/// `f64`, so configuration types have no type parameter. There is no `mul_add`: without a fused instruction in
/// the target it is a library call. `abs` and `signum` come from [`num_traits::Signed`].
///
/// A kernel that wants one code path per type asks [`typed`](Self::typed) or [`typed_mut`](Self::typed_mut) for the
/// same slice under its own name, at no cost:
///
/// ```
/// use tsne_core::{Scalar, Typed};
///
/// fn sum<T: Scalar>(values: &[T]) -> f64 {
///     match T::typed(values) {
///         Typed::F32(values) => values.iter().map(|&x| f64::from(x)).sum(),
///         Typed::F64(values) => values.iter().sum(),
///     }
/// }
/// assert_eq!(sum(&[1.0_f32, 2.0]), 3.0);
/// ```
pub trait Scalar:
    Element
    + PartialOrd
    + num_traits::Signed
    + num_traits::FromPrimitive
    + AddAssign
    + SubAssign
    + MulAssign
    + DivAssign
    + Sum<Self>
{
    /// Distance from 1 to the next larger value.
    const EPSILON: Self;
    /// Largest finite value.
    const MAX: Self;
    /// Positive infinity.
    const INFINITY: Self;

    /// The value nearest to `x`.
    fn lit(x: f64) -> Self;
    /// Square root.
    fn sqrt(self) -> Self;
    /// e to the power of `self`.
    fn exp(self) -> Self;
    /// Natural logarithm.
    fn ln(self) -> Self;
    /// `self` to the power of `exponent`.
    fn powf(self, exponent: Self) -> Self;
    /// Neither NaN nor infinite.
    fn is_finite(self) -> bool;
    /// Total order of IEEE 754: −NaN < −∞ < … < −0 < +0 < … < +∞ < NaN.
    fn total_cmp(&self, other: &Self) -> Ordering;

    /// The same slice under its concrete type.
    fn typed(values: &[Self]) -> Typed<&[f32], &[f64]>;
    /// The same mutable slice under its concrete type.
    fn typed_mut(values: &mut [Self]) -> Typed<&mut [f32], &mut [f64]>;
    /// Calls the `f32` or the `f64` form of a function.
    fn call<F: ByScalar>(input: F::Input<Self>) -> F::Output<Self>;
}

/// A function in two forms, one for each [`Scalar`]; called by [`Scalar::call`].
///
/// Generic functions are compiled by every crate that calls them. The two forms are no generic functions, so that what
/// they call in turn is compiled once, in the crate that implements this:
///
/// ```
/// use tsne_core::{ByScalar, Scalar};
///
/// fn large_generic_function<T: Scalar>(values: &[T]) -> T {
///     values.iter().copied().sum()
/// }
///
/// struct Sum<'a>(&'a ());
/// impl<'a> ByScalar for Sum<'a> {
///     type Input<T: Scalar> = &'a [T];
///     type Output<T: Scalar> = T;
///     fn f32(input: &'a [f32]) -> f32 {
///         large_generic_function(input)
///     }
///     fn f64(input: &'a [f64]) -> f64 {
///         large_generic_function(input)
///     }
/// }
///
/// fn sum<T: Scalar>(values: &[T]) -> T {
///     T::call::<Sum<'_>>(values)
/// }
/// assert_eq!(sum(&[1.0_f32, 2.0]), 3.0);
/// ```
pub trait ByScalar {
    /// What the function is given.
    type Input<T: Scalar>;
    /// What it returns.
    type Output<T: Scalar>;
    /// Its form for `f32`.
    fn f32(input: Self::Input<f32>) -> Self::Output<f32>;
    /// Its form for `f64`.
    fn f64(input: Self::Input<f64>) -> Self::Output<f64>;
}

/// What a cell of a dense matrix may be: `f32`, `f64` or `u8`. Sealed.
pub trait Element:
    Copy + Default + PartialEq + fmt::Debug + fmt::Display + Send + Sync + 'static + sealed::Sealed
{
    /// The exact value as `f64`.
    fn to_f64(self) -> f64;
}

impl Element for u8 {
    fn to_f64(self) -> f64 {
        f64::from(self)
    }
}

macro_rules! impl_scalar {
    ($t:ident, $variant:ident) => {
        impl Element for $t {
            fn to_f64(self) -> f64 {
                f64::from(self)
            }
        }

        impl Scalar for $t {
            const EPSILON: Self = <$t>::EPSILON;
            const MAX: Self = <$t>::MAX;
            const INFINITY: Self = <$t>::INFINITY;

            #[inline]
            #[allow(clippy::cast_possible_truncation, reason = "rounding to the type is the purpose")]
            fn lit(x: f64) -> Self {
                x as $t
            }
            #[inline]
            fn sqrt(self) -> Self {
                <$t>::sqrt(self)
            }
            #[inline]
            fn exp(self) -> Self {
                <$t>::exp(self)
            }
            #[inline]
            fn ln(self) -> Self {
                <$t>::ln(self)
            }
            #[inline]
            fn powf(self, exponent: Self) -> Self {
                <$t>::powf(self, exponent)
            }
            #[inline]
            fn is_finite(self) -> bool {
                <$t>::is_finite(self)
            }
            #[inline]
            fn total_cmp(&self, other: &Self) -> Ordering {
                <$t>::total_cmp(self, other)
            }
            #[inline]
            fn typed(values: &[Self]) -> Typed<&[f32], &[f64]> {
                Typed::$variant(values)
            }
            #[inline]
            fn typed_mut(values: &mut [Self]) -> Typed<&mut [f32], &mut [f64]> {
                Typed::$variant(values)
            }
            #[inline]
            fn call<F: ByScalar>(input: F::Input<Self>) -> F::Output<Self> {
                F::$t(input)
            }
        }
    };
}

impl_scalar!(f32, F32);
impl_scalar!(f64, F64);
