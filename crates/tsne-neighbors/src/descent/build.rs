//! A graph from trees and rounds (\[M58\]): leaves are solved completely, then neighbors of neighbors are looked at.

use std::sync::{Mutex, PoisonError};

use rayon::prelude::*;
use tsne_core::{Scalar, Seed};

use super::compare::{Compare, entry};
use super::lists::{Lists, known, limit, merge};
use crate::error::Error;
use crate::progress::Progress;
use crate::rp_tree::{Places, RpTree};
use crate::selection::index_of;

/// How much is done for a graph.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Effort {
    n_trees: usize,
    leaf_size: usize,
    rounds: usize,
    reach: usize,
}

/// What the points of a leaf are compared by.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Leaves {
    Tiles,
    Pairs,
    /// Lists of the features of sparse points, which are cheap for what they find; so many features have less order.
    ///
    /// 20 000 texts of 50 000 words (`lab points --kind text`), k = 15, cosine, two threads: leaves of 256 points, two
    /// rounds and a reach of 10 find 0.960 in 2.1 s; these find 0.986 in 2.9 s, where exact search takes 3.5 s.
    Lists,
}

impl Effort {
    /// What finds 95 of 100 neighbors of real points and more of clustered ones; nothing where all pairs cost as much.
    pub(crate) fn new(n: usize, k: usize, leaves: Leaves) -> Option<Self> {
        // The smallest leaf, a fifth below half of this, still has k others for every point, and no list stays short.
        let least = k.checked_mul(5)?.checked_add(9)?.div_ceil(2);
        let (leaf_size, rounds, reach) = match leaves {
            Leaves::Tiles => (256, 2, 10),
            Leaves::Pairs => (128, 2, 10),
            Leaves::Lists => (512, 3, 15),
        };
        let leaf_size = least.max(leaf_size);
        let doublings = n.checked_ilog2()? as usize;
        let n_trees = (2 * doublings).saturating_sub(24).max(8);
        (n > leaf_size.checked_mul(8)?).then_some(Self { n_trees, leaf_size, rounds, reach })
    }

    /// Steps of [`Progress`] that lists of `n` points take.
    pub(crate) fn steps(&self, n: usize) -> usize {
        n * (self.n_trees + self.rounds)
    }
}

/// A copy of points in the order of the leaves of a tree, so that what is near is near in memory too.
#[derive(Debug)]
pub(crate) struct Layout<T, P> {
    /// Numbers of the points in the data.
    pub(crate) order: Vec<u32>,
    pub(crate) points: P,
    tree: RpTree<T>,
}

impl<T: Scalar, P: Places<T>> Layout<T, P> {
    /// Of `points` in the order of the data.
    pub(crate) fn new(
        points: P,
        seed: Seed,
        effort: &Effort,
        progress: &Progress<'_>,
    ) -> Result<Self, Error> {
        let mut tree = RpTree::new(&points, effort.leaf_size, seed.derive(0), progress)?;
        let order = tree.renumber();
        let points = points.reordered(&order);
        Ok(Self { order, points, tree })
    }
}

/// Lists of the `k` nearest points of each, in the numbers of the layout, and the number of pairs compared.
pub(crate) fn graph_lists<T: Scalar, P: Places<T>, C: Compare>(
    compare: &C,
    layout: &Layout<T, P>,
    k: usize,
    effort: &Effort,
    seed: Seed,
    progress: &Progress<'_>,
) -> Result<(Lists, u64), Error> {
    let mut lists = Lists::new(layout.order.len(), k)?;
    let mut pairs = solve_leaves(compare, &layout.tree, &mut lists, progress)?;
    for t in 1..effort.n_trees {
        let tree = RpTree::new(&layout.points, effort.leaf_size, seed.derive(t as u64), progress)?;
        pairs += solve_leaves(compare, &tree, &mut lists, progress)?;
    }
    for _ in 0..effort.rounds {
        pairs += round(compare, &mut lists, effort.reach, progress)?;
    }
    Ok((lists, pairs))
}

/// Rows of a round to a task.
const ROWS: usize = 256;

/// Rows of a round between two looks at the caller's hook.
const ROWS_A_TICK: usize = 4;

/// Compares the points of every leaf of `tree` with each other. Returns the number of pairs compared.
fn solve_leaves<C: Compare, T: Scalar>(
    compare: &C,
    tree: &RpTree<T>,
    lists: &mut Lists,
    progress: &Progress<'_>,
) -> Result<u64, Error> {
    let k = lists.k();
    let lists = lists.shared();
    let pool = Pool::default();
    (0..tree.n_leaves()).into_par_iter().try_for_each(|leaf| {
        let leaf = tree.leaf(leaf);
        let mut buffers: LeafBuffers<C> = pool.take();
        let LeafBuffers { limits, merged, compared } = &mut buffers;
        limits.clear();
        limits.extend(leaf.iter().map(|&i| lists.limit(i)));
        compare.among(leaf, limits, k, compared, progress, |place, found| {
            // A point is in one leaf of a tree, so that no list is changed by two.
            lists.merge(leaf[place], found, merged);
        })?;
        pool.give_back(buffers);
        progress.advance(leaf.len())
    })?;
    let pairs = |leaf| (tree.leaf(leaf).len() as u64) * (tree.leaf(leaf).len() as u64 - 1) / 2;
    Ok((0..tree.n_leaves()).map(pairs).sum())
}

struct LeafBuffers<C: Compare> {
    limits: Vec<u32>,
    merged: Vec<u64>,
    compared: C::Buffers,
}

impl<C: Compare> Default for LeafBuffers<C> {
    fn default() -> Self {
        Self { limits: Vec::new(), merged: Vec::new(), compared: C::Buffers::default() }
    }
}

/// Compares every point with the `reach` nearest of each of its neighbors, all as they were before the round. Returns
/// the number of pairs compared.
fn round<C: Compare>(
    compare: &C,
    lists: &mut Lists,
    reach: usize,
    progress: &Progress<'_>,
) -> Result<u64, Error> {
    let (n, k) = (lists.n_rows(), lists.k());
    let reach = reach.min(k);
    let nearest = lists.nearest(reach);
    let pool = Pool::default();
    let compared = lists.entries_mut().par_chunks_mut(ROWS * k).enumerate().map(|(task, lists)| {
        let mut buffers: RoundBuffers<C> = pool.take();
        let RoundBuffers { seen, keys, fresh, merged, compared } = &mut buffers;
        let mut count = 0;
        for (at, list) in lists.chunks_exact_mut(k).enumerate() {
            if at.is_multiple_of(ROWS_A_TICK) {
                progress.advance(0)?;
            }
            let i = u32::try_from(task * ROWS + at).expect("points are numbered by u32");
            seen.clear(n);
            seen.insert(i);
            seen.insert_all(known(list).iter().map(|&entry| index_of(entry)));
            let n_known = seen.members().len();
            for &entry in known(list) {
                let reached = &nearest[index_of(entry) as usize * reach..][..reach];
                seen.insert_all(reached.iter().copied());
            }
            let others = &seen.members()[n_known..];
            compare.each(i, others, compared, keys)?;
            count += others.len() as u64;
            let limit = limit(list);
            fresh.clear();
            let nearer = others.iter().zip(&*keys).filter(|&(_, &key)| key < limit);
            fresh.extend(nearer.map(|(&j, &key)| entry(key, j)));
            merge(list, fresh, merged);
        }
        pool.give_back(buffers);
        progress.advance(lists.len() / k)?;
        Ok(count)
    });
    Ok(compared.collect::<Result<Vec<u64>, Error>>()?.into_iter().sum())
}

struct RoundBuffers<C: Compare> {
    seen: Seen,
    keys: Vec<u32>,
    fresh: Vec<u64>,
    merged: Vec<u64>,
    compared: C::Buffers,
}

impl<C: Compare> Default for RoundBuffers<C> {
    fn default() -> Self {
        Self {
            seen: Seen::default(),
            keys: Vec::new(),
            fresh: Vec::new(),
            merged: Vec::new(),
            compared: C::Buffers::default(),
        }
    }
}

/// A set of points in the order in which they came, with a bit for each point there is: few enough to stay in a near
/// cache.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    members: Vec<u32>,
    words: Vec<u64>,
}

impl Seen {
    /// Empties the set, of points below `n`.
    pub(crate) fn clear(&mut self, n: usize) {
        self.members.iter().for_each(|&i| self.words[i as usize / 64] = 0);
        self.members.clear();
        self.words.resize(n.div_ceil(64), 0);
    }

    /// Adds those of `points` that are not there.
    #[inline(always)]
    pub(crate) fn insert_all(&mut self, points: impl ExactSizeIterator<Item = u32>) {
        let mut end = self.members.len();
        self.members.resize(end + points.len(), 0);
        // Whether a point is new cannot be guessed, so there is no branch on it.
        for i in points {
            let (word, bit) = (&mut self.words[i as usize / 64], 1 << (i % 64));
            self.members[end] = i;
            end += usize::from(*word & bit == 0);
            *word |= bit;
        }
        self.members.truncate(end);
    }

    /// Adds a point; says whether it was not there.
    pub(crate) fn insert(&mut self, i: u32) -> bool {
        let before = self.members.len();
        self.insert_all(std::iter::once(i));
        self.members.len() > before
    }

    /// All points, in the order in which they came.
    pub(crate) fn members(&self) -> &[u32] {
        &self.members
    }
}

/// Buffers that tasks hand on to each other.
#[derive(Debug)]
pub(crate) struct Pool<B>(Mutex<Vec<B>>);

impl<B> Default for Pool<B> {
    fn default() -> Self {
        Self(Mutex::new(Vec::new()))
    }
}

impl<B: Default> Pool<B> {
    pub(crate) fn take(&self) -> B {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).pop().unwrap_or_default()
    }

    pub(crate) fn give_back(&self, buffers: B) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(buffers);
    }
}
