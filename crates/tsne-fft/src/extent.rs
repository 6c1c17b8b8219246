//! The box around points, and whether they are places at all.

use rayon::prelude::*;
use tsne_core::{NonFinite, Scalar};

use crate::bins::CHUNK;

/// Coordinates compared together: a multiple of every number of dimensions.
const WIDTH: usize = 48;

/// Lower and upper corner of the box around `y`, which holds at least one point.
///
/// # Errors
/// When a coordinate is NaN or infinite.
pub(crate) fn extent<T: Scalar, const D: usize>(y: &[[T; D]]) -> Result<[[T; D]; 2], NonFinite> {
    let empty = ([T::INFINITY; D], [-T::INFINITY; D], true);
    // Minima and maxima do not depend on the order in which they are taken.
    let (lower, upper, finite) = y.par_chunks(CHUNK).map(chunk_extent).reduce(
        || empty,
        |(lower, upper, finite), (lower2, upper2, finite2)| {
            let lower = std::array::from_fn(|axis| smaller(lower[axis], lower2[axis]));
            let upper = std::array::from_fn(|axis| larger(upper[axis], upper2[axis]));
            (lower, upper, finite && finite2)
        },
    );
    if finite { Ok([lower, upper]) } else { Err(first_non_finite(y)) }
}

fn chunk_extent<T: Scalar, const D: usize>(y: &[[T; D]]) -> ([T; D], [T; D], bool) {
    let mut lower = [T::INFINITY; WIDTH];
    let mut upper = [-T::INFINITY; WIDTH];
    let mut finite = [true; WIDTH];
    for values in y.as_flattened().chunks(WIDTH) {
        for (i, &value) in values.iter().enumerate() {
            lower[i] = smaller(lower[i], value);
            upper[i] = larger(upper[i], value);
            finite[i] &= value.is_finite();
        }
    }
    let along = |values: &[T; WIDTH], pick: fn(T, T) -> T| -> [T; D] {
        std::array::from_fn(|axis| values[axis..].iter().step_by(D).copied().fold(values[axis], pick))
    };
    (along(&lower, smaller), along(&upper, larger), finite.iter().all(|&x| x))
}

fn smaller<T: Scalar>(a: T, b: T) -> T {
    if b < a { b } else { a }
}

fn larger<T: Scalar>(a: T, b: T) -> T {
    if b > a { b } else { a }
}

/// Refuses coordinates that are NaN or infinite.
pub(crate) fn check_finite<T: Scalar, const D: usize>(y: &[[T; D]]) -> Result<(), NonFinite> {
    if y.as_flattened().iter().all(|x| x.is_finite()) { Ok(()) } else { Err(first_non_finite(y)) }
}

#[cold]
fn first_non_finite<T: Scalar, const D: usize>(y: &[[T; D]]) -> NonFinite {
    let values = y.as_flattened();
    let at = values.iter().position(|x| !x.is_finite()).expect("a chunk held a value that is not finite");
    NonFinite { row: at / D, column: at % D, value: values[at].to_f64() }
}
