//! The nearest points found so far, a list for each row.

use std::sync::{Mutex, PoisonError};

use super::compare::{NO_KEY, key_of};
use crate::error::Error;
use crate::selection::{index_of, zeros};

/// Stands where no neighbor is known yet; sorts behind all.
pub(crate) const NONE: u64 = u64::MAX;

/// Lists of `k` entries, ascending, no point twice in one.
pub(crate) struct Lists {
    k: usize,
    entries: Vec<u64>,
}

impl Lists {
    /// Empty lists for `n` rows.
    pub(crate) fn new(n: usize, k: usize) -> Result<Self, Error> {
        let mut entries = zeros(n.saturating_mul(k))?;
        entries.fill(NONE);
        Ok(Self { k, entries })
    }

    pub(crate) fn k(&self) -> usize {
        self.k
    }

    pub(crate) fn n_rows(&self) -> usize {
        self.entries.len() / self.k
    }

    /// The list of row `i`.
    pub(crate) fn row(&self, i: usize) -> &[u64] {
        &self.entries[i * self.k..][..self.k]
    }

    /// All lists, row after row.
    pub(crate) fn entries_mut(&mut self) -> &mut [u64] {
        &mut self.entries
    }

    /// Gives back the lists from row `n` on.
    pub(crate) fn truncate(&mut self, n: usize) {
        self.entries.truncate(n * self.k);
        self.entries.shrink_to_fit();
    }

    /// The lists, for threads that take rows in any order.
    pub(crate) fn shared(&mut self) -> SharedLists<'_> {
        let k = self.k;
        SharedLists { k, stripes: self.entries.chunks_mut(STRIPE * k).map(Mutex::new).collect() }
    }

    /// Numbers of the `m` nearest of every row. Where fewer are known the row's own number stands.
    pub(crate) fn nearest(&self, m: usize) -> Vec<u32> {
        let mut nearest = Vec::with_capacity(self.n_rows() * m);
        for (i, list) in (0_u32..).zip(self.entries.chunks_exact(self.k)) {
            nearest.extend(list[..m].iter().map(|&entry| if entry == NONE { i } else { index_of(entry) }));
        }
        nearest
    }
}

/// Rows behind one lock.
const STRIPE: usize = 16;

/// Lists that several threads work on, each on other rows.
pub(crate) struct SharedLists<'l> {
    k: usize,
    stripes: Vec<Mutex<&'l mut [u64]>>,
}

impl SharedLists<'_> {
    /// What a key must be below to enter the list of row `i`.
    pub(crate) fn limit(&self, i: u32) -> u32 {
        self.with(i, |list| limit(list))
    }

    /// Merges entries into the list of row `i`; leaves `fresh` in an unknown state.
    pub(crate) fn merge(&self, i: u32, fresh: &mut Vec<u64>, buffer: &mut Vec<u64>) {
        self.with(i, |list| {
            let kth = list[list.len() - 1];
            fresh.retain(|&entry| entry < kth && !contains(list, index_of(entry)));
            merge(list, fresh, buffer);
        });
    }

    fn with<R>(&self, i: u32, act: impl FnOnce(&mut [u64]) -> R) -> R {
        let (stripe, at) = (i as usize / STRIPE, i as usize % STRIPE);
        let mut lists = self.stripes[stripe].lock().unwrap_or_else(PoisonError::into_inner);
        act(&mut lists[at * self.k..][..self.k])
    }
}

/// What a key must be below to enter `list`.
pub(crate) fn limit(list: &[u64]) -> u32 {
    match list[list.len() - 1] {
        NONE => NO_KEY,
        kth => key_of(kth),
    }
}

/// The entries of `list` that stand for a point.
pub(crate) fn known(list: &[u64]) -> &[u64] {
    &list[..list.partition_point(|&entry| entry != NONE)]
}

/// Whether point `i` is in `list`, looking at all of it: that is faster than stopping early.
#[inline(always)]
fn contains(list: &[u64], i: u32) -> bool {
    list.iter().fold(false, |found, &entry| found | (index_of(entry) == i))
}

/// Keeps the smallest of `list` and of `fresh`, which names no point of the list.
pub(crate) fn merge(list: &mut [u64], fresh: &mut [u64], buffer: &mut Vec<u64>) {
    if fresh.is_empty() {
        return;
    }
    fresh.sort_unstable();
    buffer.clear();
    let (mut a, mut b) = (0, 0);
    for _ in 0..list.len() {
        // The list is never used up before its end.
        if b < fresh.len() && fresh[b] < list[a] {
            buffer.push(fresh[b]);
            b += 1;
        } else {
            buffer.push(list[a]);
            a += 1;
        }
    }
    list.copy_from_slice(buffer);
}
