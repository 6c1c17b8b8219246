//! What a descent compares sparse points by: one row spread out and looked up, leaves by lists of their features.

use tsne_core::Scalar;

use super::compare::{Compare, NO_KEY, keep_nearest};
use crate::error::Error;
use crate::kernels::{Floats, Product};
use crate::progress::Progress;
use crate::sparse::{SparsePoints, SparseRows, Term as _, with_term};
use crate::tile::Kernel as _;

/// Compares sparse rows with the points of an index.
pub(crate) struct BySparse<'s, 'a, T: Scalar> {
    pub(crate) points: &'s SparsePoints<'a, T>,
    pub(crate) rows: &'s SparseRows<T>,
    pub(crate) indexed: &'s SparseRows<T>,
}

/// Buffers of [`BySparse`].
pub(crate) struct SparseBuffers<T> {
    /// One row, all features of it; zeros in between.
    whole: Vec<T>,
    /// Where the list of each feature starts and ends in a leaf; ends are 0 in between.
    starts: Vec<u32>,
    ends: Vec<u32>,
    /// Features of the leaf.
    met: Vec<u32>,
    places: Vec<u32>,
    values: Vec<T>,
    sums: Vec<f64>,
    /// Of each pair of the leaf.
    keys: Vec<u32>,
    found: Vec<u64>,
}

impl<T> Default for SparseBuffers<T> {
    fn default() -> Self {
        Self {
            whole: Vec::new(),
            starts: Vec::new(),
            ends: Vec::new(),
            met: Vec::new(),
            places: Vec::new(),
            values: Vec::new(),
            sums: Vec::new(),
            keys: Vec::new(),
            found: Vec::new(),
        }
    }
}

/// The key of a quantity.
#[allow(clippy::cast_possible_truncation, reason = "keys are of quantities in f32")]
fn key_of(quantity: f64) -> u32 {
    Floats::<Product>::to_key(quantity as f32)
}

impl<T: Scalar> Compare for BySparse<'_, '_, T> {
    type Buffers = SparseBuffers<T>;

    fn among(
        &self,
        leaf: &[u32],
        limits: &[u32],
        k: usize,
        buffers: &mut Self::Buffers,
        progress: &Progress<'_>,
        mut offer: impl FnMut(usize, &mut Vec<u64>),
    ) -> Result<(), Error> {
        let SparseBuffers { starts, ends, met, places, values, sums, keys, found, .. } = buffers;
        let (rows, len) = (self.indexed, leaf.len());
        let n_entries: usize = leaf.iter().map(|&i| rows.row(i).0.len()).sum();
        starts.resize(rows.n_features(), 0);
        ends.resize(rows.n_features(), 0);
        places.resize(n_entries, 0);
        values.resize(n_entries, T::default());
        keys.resize(len * len, NO_KEY);
        met.clear();
        for &f in leaf.iter().flat_map(|&i| rows.row(i).0) {
            let count = &mut ends[f as usize];
            if *count == 0 {
                met.push(f);
            }
            *count += 1;
        }
        // Room for the list of each feature, all of them empty.
        let mut next = 0;
        for &f in &*met {
            starts[f as usize] = next;
            next += ends[f as usize];
            ends[f as usize] = starts[f as usize];
        }
        for (place, &i) in leaf.iter().enumerate() {
            progress.advance(0)?;
            sums.clear();
            sums.resize(place, 0.0);
            let (columns, row) = rows.row(i);
            // Every list holds the points before this one.
            with_term!(self.points.shared(), Kind => for (&f, x) in columns.iter().zip(row) {
                let list = starts[f as usize] as usize..ends[f as usize] as usize;
                for (&other, y) in places[list.clone()].iter().zip(&values[list]) {
                    sums[other as usize] += Kind::of(x.to_f64(), y.to_f64());
                }
            });
            for (&f, &x) in columns.iter().zip(row) {
                let end = &mut ends[f as usize];
                (places[*end as usize], values[*end as usize]) =
                    (u32::try_from(place).expect("points are numbered by u32"), x);
                *end += 1;
            }
            for (other, (&j, &sum)) in leaf.iter().zip(&*sums).enumerate() {
                let key = key_of(self.points.quantity(rows.summary(i), rows.summary(j), sum));
                keys[place * len + other] = key;
                keys[other * len + place] = key;
            }
        }
        met.iter().for_each(|&f| ends[f as usize] = 0);
        for (place, ((&i, &limit), keys)) in leaf.iter().zip(limits).zip(keys.chunks_exact(len)).enumerate() {
            keep_nearest(i, leaf, keys, limit, k, found);
            offer(place, found);
        }
        Ok(())
    }

    fn each(
        &self,
        i: u32,
        others: &[u32],
        buffers: &mut Self::Buffers,
        keys: &mut Vec<u32>,
    ) -> Result<(), Error> {
        let whole = &mut buffers.whole;
        whole.resize(self.indexed.n_features(), T::default());
        let (columns, values) = self.rows.row(i);
        columns.iter().zip(values).for_each(|(&f, &x)| whole[f as usize] = x);
        let summary = self.rows.summary(i);
        keys.clear();
        with_term!(self.points.shared(), Kind => keys.extend(others.iter().map(|&j| {
            let (columns, values) = self.indexed.row(j);
            let terms = columns.iter().zip(values);
            let sum = terms.map(|(&f, x)| Kind::of(whole[f as usize].to_f64(), x.to_f64())).sum();
            key_of(self.points.quantity(summary, self.indexed.summary(j), sum))
        })));
        columns.iter().for_each(|&f| whole[f as usize] = T::default());
        Ok(())
    }
}
