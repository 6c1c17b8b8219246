//! Neighbors of points that are not in the graph (\[M59\]): from leaves of trees along edges, always from the nearest
//! point that has not been left yet.

use rayon::prelude::*;
use tsne_core::{KnnGraph, Scalar, Seed};

use super::build::{Layout, Pool, Seen};
use super::compare::{Compare, entry};
use super::edges::Edges;
use super::lists::NONE;
use crate::direct::Distances;
use crate::error::Error;
use crate::output::Output;
use crate::progress::Progress;
use crate::rp_tree::{Places, RpTree};
use crate::selection::{index_of, zeros};
use crate::top_k::by_distance;

/// Trees that are descended.
const TREES: u64 = 4;

/// Points to a leaf of theirs.
const LEAF: usize = 32;

/// Points held in view, for each neighbor asked for, and fewest of them.
///
/// 10 000 queries against 600 000 distorted digits, k = 90, two threads: 2 find 0.9911 in 0.51 s, 3 find 0.9962 in 0.63 s,
/// 4 find 0.9978 in 0.76 s, 5 find 0.9987 in 0.86 s; pynndescent 0.7 finds 0.9979 in 2.15 s.
const VIEW: usize = 5;
const MIN_VIEW: usize = 48;

/// Points left at a time, so that the waits for what they lead to overlap.
///
/// The same queries with a view of twice their k: 1 at a time takes 0.75 s, 4 take 0.65 s, 8 take 0.60 s, for 1 210 to 1 216
/// distances a query and the same recall.
const LEFT_AT_ONCE: usize = 8;

/// Queries to a task.
const ROWS: usize = 16;

/// Queries answered before their rows are put where they belong.
const BATCH: usize = 16 * 1024;

/// Stream of the trees.
const STREAM: u64 = 0x73_65_61_72;

/// A graph to be searched, and trees to begin with.
#[derive(Debug)]
pub(crate) struct SearchGraph<T, P> {
    /// Numbers of the points in the data.
    pub(crate) order: Vec<u32>,
    pub(crate) points: P,
    trees: Vec<RpTree<T>>,
    edges: Edges,
}

impl<T: Scalar, P: Places<T>> SearchGraph<T, P> {
    /// A graph of `edges` between the points of `layout`.
    pub(crate) fn new(
        layout: Layout<T, P>,
        edges: Edges,
        seed: Seed,
        progress: &Progress<'_>,
    ) -> Result<Self, Error> {
        let Layout { order, points, .. } = layout;
        let tree = |t| RpTree::new(&points, LEAF, seed.derive(STREAM).derive(t), progress);
        let trees = (0..TREES).map(tree).collect::<Result<_, Error>>()?;
        Ok(Self { order, points, trees, edges })
    }
}

/// Buffers of one thread.
struct Buffers<C: Compare, D: Distances<T>, T: Scalar> {
    whole: Vec<T>,
    seen: Seen,
    view: View,
    keys: Vec<u32>,
    compared: C::Buffers,
    scratch: D::Scratch,
    found: Vec<(T, u32)>,
}

impl<C: Compare, D: Distances<T>, T: Scalar> Default for Buffers<C, D, T> {
    fn default() -> Self {
        Self {
            whole: Vec::new(),
            seen: Seen::default(),
            view: View::default(),
            keys: Vec::new(),
            compared: C::Buffers::default(),
            scratch: D::Scratch::default(),
            found: Vec::new(),
        }
    }
}

/// The `k` nearest indexed points of every query.
///
/// Queries are answered in the order of the leaves they are in, so that what one looks at is still at hand for the next.
pub(crate) fn answer_all<T: Scalar, P: Places<T>, C: Compare, D: Distances<T>>(
    compare: &C,
    graph: &SearchGraph<T, P>,
    queries: &P,
    direct: &D,
    k: usize,
    progress: &Progress<'_>,
) -> Result<KnnGraph<T>, Error> {
    let in_leaf = |whole: &mut Vec<T>, i: usize| {
        progress.advance(0)?;
        let i = u32::try_from(i).expect("points are numbered by u32");
        Ok((graph.trees[0].descend(&graph.points, queries.whole(i, whole)), i))
    };
    let all = (0..queries.n_points()).into_par_iter();
    let mut order = all.map_init(Vec::new, in_leaf).collect::<Result<Vec<(usize, u32)>, Error>>()?;
    order.par_sort_unstable();
    let mut output = Output::new(queries.n_points(), k)?;
    let pool = Pool::default();
    let mut rows: Vec<(T, u32)> = zeros(BATCH.min(order.len()).saturating_mul(k))?;
    for order in order.chunks(BATCH) {
        let tasks = rows.par_chunks_mut(ROWS * k).zip(order.par_chunks(ROWS));
        let short = tasks.map(|(rows, order)| {
            let mut buffers: Buffers<C, D, T> = pool.take();
            let mut short = Vec::new();
            for (&(_, i), row) in order.iter().zip(rows.chunks_exact_mut(k)) {
                progress.advance(1)?;
                // A query larger than all points is compared at a scale that the copy of the points does not have.
                if !direct.is_in_scale(i as usize) {
                    short.push(i);
                    continue;
                }
                search(compare, graph, queries, i, k, &mut buffers)?;
                let Buffers { view, scratch, found, .. } = &mut buffers;
                let others = view.points().take(k).map(|j| graph.order[j as usize]);
                direct.distances_to(i as usize, others, scratch, found)?;
                found.sort_unstable_by(by_distance);
                if found.len() < k {
                    short.push(i);
                } else {
                    row.copy_from_slice(found);
                }
            }
            pool.give_back(buffers);
            Ok(short)
        });
        output.unknown.extend(short.collect::<Result<Vec<_>, Error>>()?.concat());
        for (&(_, i), row) in order.iter().zip(rows.chunks_exact(k)) {
            output.set_row(i, row);
        }
    }
    output.complete(direct, false, k, progress)
}

/// Leaves the nearest points found to query `i` in the view.
fn search<T: Scalar, P: Places<T>, C: Compare, D: Distances<T>>(
    compare: &C,
    graph: &SearchGraph<T, P>,
    queries: &P,
    i: u32,
    k: usize,
    buffers: &mut Buffers<C, D, T>,
) -> Result<(), Error> {
    let Buffers { whole, seen, view, keys, compared, .. } = buffers;
    let n = graph.points.n_points();
    seen.clear(n);
    view.clear(k.saturating_mul(VIEW).clamp(MIN_VIEW, n.max(MIN_VIEW)));
    let query = queries.whole(i, whole);
    for tree in &graph.trees {
        let leaf = tree.leaf(tree.descend(&graph.points, query));
        seen.insert_all(leaf.iter().copied());
    }
    let mut compared_before = 0;
    loop {
        let others = &seen.members()[compared_before..];
        compared_before = seen.members().len();
        compare.each(i, others, compared, keys)?;
        view.offer(others, keys);
        // One place after the other would be one wait after the other.
        let left: [Option<u32>; LEFT_AT_ONCE] = std::array::from_fn(|_| view.leave());
        let edges = left.map(|i| i.map_or(&[][..], |i| graph.edges.of(i)));
        std::hint::black_box(edges.map(|ends| (ends.first().copied(), ends.last().copied())));
        edges.iter().for_each(|ends| seen.insert_all(ends.iter().copied()));
        if left[0].is_none() {
            return Ok(());
        }
    }
}

/// The nearest points so far, and which of them have been left.
#[derive(Debug, Default)]
struct View {
    /// Twice an entry, and 1 more once its point is left. Ascending, [`NONE`] at the end.
    slots: Vec<u64>,
    /// All slots before this one are left.
    next: usize,
    fresh: Vec<u64>,
}

impl View {
    /// Empties the view, for `len` points.
    fn clear(&mut self, len: usize) {
        self.slots.clear();
        self.slots.resize(len, NONE);
        self.next = 0;
    }

    /// The points, the nearest first.
    fn points(&self) -> impl Iterator<Item = u32> {
        self.slots.iter().take_while(|&&slot| slot != NONE).map(|&slot| index_of(slot >> 1))
    }

    /// Takes in those of `points` that are near enough, none of which is here.
    fn offer(&mut self, points: &[u32], keys: &[u32]) {
        let last = self.slots.len() - 1;
        let farthest = self.slots[last];
        self.fresh.clear();
        // The highest bit of a key is 0.
        let slots = points.iter().zip(keys).map(|(&j, &key)| entry(key, j) << 1);
        self.fresh.extend(slots.filter(|&slot| slot < farthest));
        self.fresh.sort_unstable();
        let Some(&first) = self.fresh.first() else { return };
        // Each displaces one from the end, as long as it is smaller.
        let pairs = self.fresh.iter().zip(self.slots.iter().rev());
        let n_fresh = pairs.take_while(|(fresh, slot)| fresh < slot).count();
        let (mut read, mut write) = (self.slots.len() - n_fresh, self.slots.len());
        for &fresh in self.fresh[..n_fresh].iter().rev() {
            while read > 0 && self.slots[read - 1] > fresh {
                (read, write) = (read - 1, write - 1);
                self.slots[write] = self.slots[read];
            }
            write -= 1;
            self.slots[write] = fresh;
        }
        self.next = self.next.min(self.slots.partition_point(|&slot| slot < first));
    }

    /// Leaves the nearest point that has not been left, if there is one.
    fn leave(&mut self) -> Option<u32> {
        let ahead = &self.slots[self.next..];
        self.next += ahead.iter().position(|&slot| slot & 1 == 0 || slot == NONE).unwrap_or(ahead.len());
        let slot = self.slots.get_mut(self.next).filter(|slot| **slot != NONE)?;
        *slot |= 1;
        Some(index_of(*slot >> 1))
    }
}

#[cfg(test)]
mod tests {
    use super::View;

    #[test]
    fn a_view_keeps_the_nearest_and_leaves_each_once() {
        let mut view = View::default();
        view.clear(4);
        view.offer(&[7, 3, 9], &[50, 20, 20]);
        assert_eq!(view.points().collect::<Vec<_>>(), [3, 9, 7], "by key, then by number");
        assert_eq!([view.leave(), view.leave()], [Some(3), Some(9)]);
        // Two nearer ones, one farther one that has room, one that has none.
        view.offer(&[1, 2, 4, 5], &[10, 30, 60, 50]);
        assert_eq!(view.points().collect::<Vec<_>>(), [1, 3, 9, 2], "the nearest four");
        assert_eq!([view.leave(), view.leave(), view.leave()], [Some(1), Some(2), None]);
        view.offer(&[6], &[70]);
        assert_eq!(view.points().count(), 4, "too far");
        assert_eq!(view.leave(), None);
    }

    #[test]
    fn views_agree_with_sorting() {
        let mut view = View::default();
        let mut state = 1_u32;
        for len in [1, 2, 7, 48] {
            view.clear(len);
            let mut all = Vec::new();
            for batch in 0..30_u32 {
                let points: Vec<u32> = (0..batch % 6).map(|at| batch * 6 + at).collect();
                let mut key = || {
                    state = state.wrapping_mul(747_796_405).wrapping_add(2_891_336_453);
                    state >> 24
                };
                let keys: Vec<u32> = points.iter().map(|_| key()).collect();
                all.extend(keys.iter().copied().zip(points.iter().copied()));
                view.offer(&points, &keys);
                view.leave();
                let mut expected = all.clone();
                expected.sort_unstable();
                let expected: Vec<u32> = expected.iter().map(|&(_, point)| point).take(len).collect();
                assert_eq!(view.points().collect::<Vec<_>>(), expected, "{len} slots, batch {batch}");
            }
        }
    }
}
