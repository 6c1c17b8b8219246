//! Candidates for the nearest neighbors of a block of rows, kept while tiles are computed (\[M52\]).

use crate::error::Error;
use crate::tile::{Kernel, LANES, Packed};

/// What is known of the rows of a block, their candidates left out.
pub(crate) struct Rows<K: Kernel> {
    k: usize,
    /// One a row, padding included.
    thresholds: Vec<K::Value>,
    /// One a row, padding included.
    norms: Vec<K::Value>,
    /// Candidates held, one number a row.
    lens: Vec<u32>,
    /// Whether room is left for the error of the kernel.
    guarded: bool,
}

impl<K: Kernel> Rows<K> {
    /// The points of `packed` in search of their `k` nearest.
    pub(crate) fn new(packed: &Packed<K>, k: usize) -> Self {
        let mut thresholds = vec![K::ALWAYS; packed.len];
        thresholds.resize(packed.norms.len(), K::NEVER);
        Self { k, thresholds, norms: packed.norms.clone(), lens: vec![0; packed.len], guarded: true }
    }

    /// Rows of these norms in search of their `k` nearest; padding among them is in search of nothing.
    pub(crate) fn of_norms(norms: Vec<K::Value>, k: usize) -> Self {
        let thresholds = norms.iter().map(|&norm| if norm == K::PADDING { K::NEVER } else { K::ALWAYS });
        Self { k, thresholds: thresholds.collect(), lens: vec![0; norms.len()], norms, guarded: true }
    }

    /// The points of `packed` in search of at most `k` others each, nearer than a threshold of its own, by the
    /// kernel's outcomes as they are.
    pub(crate) fn below(packed: &Packed<K>, k: usize, thresholds: &[K::Value]) -> Self {
        let mut thresholds = thresholds.to_vec();
        thresholds.resize(packed.norms.len(), K::NEVER);
        Self { k, thresholds, norms: Vec::new(), lens: vec![0; packed.len], guarded: false }
    }
}

/// Candidates of each row of a block.
///
/// A row takes candidates until its buffer is full, then keeps those that can still be among the k nearest and lowers
/// its threshold. The threshold allows for the error of the kernel, so that no true neighbor is lost. A row with more
/// such candidates than room is given up, to be searched without error afterwards.
pub(crate) struct Selection<'e, K: Kernel> {
    rows: Rows<K>,
    capacity: usize,
    /// `capacity` a row; the key of the outcome in the high half, the index in the low one.
    entries: &'e mut [u64],
}

/// Entries held for one row in search of its `k` nearest: the more, the fewer cuts; `k` and some at least.
pub(crate) fn capacity(k: usize) -> usize {
    k.saturating_add(k / 2).saturating_add(LANES)
}

impl<'e, K: Kernel> Selection<'e, K> {
    /// Candidates of `rows` in `entries`, [`capacity`] of them a row.
    pub(crate) fn new(rows: Rows<K>, entries: &'e mut [u64]) -> Self {
        Self { capacity: capacity(rows.k), rows, entries }
    }

    /// Number of rows.
    pub(crate) fn n_rows(&self) -> usize {
        self.rows.lens.len()
    }

    /// Neighbors that each row is in search of.
    pub(crate) fn k(&self) -> usize {
        self.rows.k
    }

    /// The rows without their entries, which stay where they are.
    pub(crate) fn into_rows(self) -> Rows<K> {
        self.rows
    }

    /// What an outcome of `row` must be below to be pushed.
    #[inline(always)]
    pub(crate) fn threshold(&self, row: usize) -> K::Value {
        self.rows.thresholds[row]
    }

    /// The thresholds of sixteen rows.
    #[inline(always)]
    pub(crate) fn panel_thresholds(&self, panel: usize) -> &[K::Value; LANES] {
        &self.rows.thresholds.as_chunks().0[panel]
    }

    /// Adds a candidate to `row`.
    #[inline(always)]
    pub(crate) fn push(&mut self, kernel: &K, row: usize, value: K::Value, index: usize) {
        let len = self.rows.lens[row] as usize;
        self.entries[row * self.capacity + len] = u64::from(K::to_key(value)) << 32 | index as u64;
        self.rows.lens[row] += 1;
        if len + 1 == self.capacity {
            self.cut(kernel, row);
        }
    }

    #[cold]
    #[inline(never)]
    fn cut(&mut self, kernel: &K, row: usize) {
        if self.rows.thresholds[row] == K::NEVER {
            // Pairs of a tile that was computed before it was.
            self.rows.lens[row] = 0;
            return;
        }
        let entries = &mut self.entries[row * self.capacity..][..self.rows.lens[row] as usize];
        if !self.rows.guarded {
            let (_, &mut kth, _) = entries.select_nth_unstable(self.rows.k - 1);
            self.rows.thresholds[row] = outcome_of::<K>(kth);
            self.rows.lens[row] = u32::try_from(self.rows.k).expect("a buffer is shorter than the graph");
            return;
        }
        let (kept, threshold) = keep_candidates(kernel, entries, self.rows.k, self.rows.norms[row]);
        if kept > self.capacity - LANES / 2 {
            // Too many to tell apart: this row is given up.
            self.rows.thresholds[row] = K::NEVER;
            self.rows.lens[row] = 0;
        } else {
            self.rows.thresholds[row] = threshold;
            self.rows.lens[row] = u32::try_from(kept).expect("a buffer is shorter than the graph");
        }
    }

    /// What `row` holds, in no order.
    pub(crate) fn entries(&self, row: usize) -> &[u64] {
        &self.entries[row * self.capacity..][..self.rows.lens[row] as usize]
    }

    /// Every candidate of `row` that may be among its k nearest; none if they cannot be told, because too many are at
    /// nearly the same distance or some outcome was not a number.
    pub(crate) fn candidates(&mut self, kernel: &K, row: usize) -> Option<&[u64]> {
        let entries = &mut self.entries[row * self.capacity..][..self.rows.lens[row] as usize];
        if entries.len() < self.rows.k || self.rows.thresholds[row] == K::NEVER {
            return None;
        }
        let (kept, _) = keep_candidates(kernel, entries, self.rows.k, self.rows.norms[row]);
        Some(&entries[..kept])
    }
}

/// Moves the entries that can be among the `k` nearest to the front; returns their number and the threshold.
fn keep_candidates<K: Kernel>(
    kernel: &K,
    entries: &mut [u64],
    k: usize,
    norm: K::Value,
) -> (usize, K::Value) {
    let (_, &mut kth, rest) = entries.select_nth_unstable(k - 1);
    let threshold = kernel.threshold(outcome_of::<K>(kth), norm);
    let mut near = 0;
    for at in 0..rest.len() {
        if outcome_of::<K>(rest[at]) < threshold {
            rest.swap(near, at);
            near += 1;
        }
    }
    (k + near, threshold)
}

/// The outcome stored in an entry.
#[inline(always)]
pub(crate) fn outcome_of<K: Kernel>(entry: u64) -> K::Value {
    K::from_key(u32::try_from(entry >> 32).expect("the high half of an entry"))
}

/// The index stored in an entry.
#[inline(always)]
pub(crate) fn index_of(entry: u64) -> u32 {
    u32::try_from(entry & u64::from(u32::MAX)).expect("the low half of an entry")
}

/// `len` zeros, or an error where the allocator would abort. Pages are not touched before they are written.
pub(crate) fn zeros<V: Clone + Default>(len: usize) -> Result<Vec<V>, Error> {
    let mut asked: Vec<V> = Vec::new();
    let bytes = len.saturating_mul(size_of::<V>());
    asked.try_reserve_exact(len).map_err(|_| Error::OutOfMemory { bytes })?;
    drop(asked);
    Ok(vec![V::default(); len])
}
