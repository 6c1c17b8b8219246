//! An array of scalars that several tasks fill at once, each place by one of them.

use std::mem::size_of;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use rayon::prelude::*;
use tsne_core::Scalar;

/// Scalars as the bits of atomics: in safe code the way to let tasks write in between each other, at the cost of a
/// plain store.
#[derive(Debug)]
pub(crate) enum Cells {
    F32(Vec<AtomicU32>),
    F64(Vec<AtomicU64>),
}

impl Cells {
    /// `n` zeros of type `T`.
    pub(crate) fn zeros<T: Scalar>(n: usize) -> Self {
        if size_of::<T>() == size_of::<f32>() {
            Self::F32((0..n).into_par_iter().map(|_| AtomicU32::new(0)).collect())
        } else {
            Self::F64((0..n).into_par_iter().map(|_| AtomicU64::new(0)).collect())
        }
    }

    /// Writes one value.
    #[inline(always)]
    #[allow(clippy::cast_possible_truncation, reason = "values of an f32 array are f32")]
    pub(crate) fn store<T: Scalar>(&self, at: usize, value: T) {
        match self {
            Self::F32(cells) => cells[at].store((value.to_f64() as f32).to_bits(), Ordering::Relaxed),
            Self::F64(cells) => cells[at].store(value.to_f64().to_bits(), Ordering::Relaxed),
        }
    }

    /// The values, in the same memory.
    pub(crate) fn into_values<T: Scalar>(self) -> Vec<T> {
        // Both conversions are the identity on the bits, and collecting reuses the allocation.
        match self {
            Self::F32(cells) => {
                cells.into_iter().map(|cell| T::lit(f64::from(f32::from_bits(cell.into_inner())))).collect()
            }
            Self::F64(cells) => {
                cells.into_iter().map(|cell| T::lit(f64::from_bits(cell.into_inner()))).collect()
            }
        }
    }
}
