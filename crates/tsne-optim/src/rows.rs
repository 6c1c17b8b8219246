//! Rows of affinities of any kind, for loops that are compiled once.

use tsne_core::{AffinityRow, Scalar, Typed};

/// Rows by number.
pub(crate) type RowOf<'a, T> = dyn Fn(usize) -> AffinityRow<'a, T> + Sync + 'a;

/// A row whose values are known to be `f32`.
#[inline(always)]
pub(crate) fn in_f32<T: Scalar>(row: AffinityRow<'_, T>) -> AffinityRow<'_, f32> {
    match T::typed(row.values) {
        Typed::F32(values) => AffinityRow { columns: row.columns, values },
        Typed::F64(_) => unreachable!("the values are f32"),
    }
}

/// A row whose values are known to be `f64`.
#[inline(always)]
pub(crate) fn in_f64<T: Scalar>(row: AffinityRow<'_, T>) -> AffinityRow<'_, f64> {
    match T::typed(row.values) {
        Typed::F64(values) => AffinityRow { columns: row.columns, values },
        Typed::F32(_) => unreachable!("the values are f64"),
    }
}
