//! An array of scalars that several tasks fill at once, each place by one of them.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use rayon::prelude::*;
use tsne_core::{Scalar, Typed};

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
        match T::typed(&[]) {
            Typed::F32(_) => Self::F32((0..n).into_par_iter().map(|_| AtomicU32::new(0)).collect()),
            Typed::F64(_) => Self::F64((0..n).into_par_iter().map(|_| AtomicU64::new(0)).collect()),
        }
    }

    /// Writes each of `values` to one of `places`.
    #[inline(always)]
    pub(crate) fn store_all<T: Scalar>(&self, places: impl Iterator<Item = usize>, values: &[T]) {
        match (self, T::typed(values)) {
            (Self::F32(cells), Typed::F32(values)) => {
                for (at, value) in places.zip(values) {
                    cells[at].store(value.to_bits(), Ordering::Relaxed);
                }
            }
            (Self::F64(cells), Typed::F64(values)) => {
                for (at, value) in places.zip(values) {
                    cells[at].store(value.to_bits(), Ordering::Relaxed);
                }
            }
            _ => unreachable!("cells are made for one type"),
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
