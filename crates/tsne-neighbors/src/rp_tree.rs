//! Random-projection trees (\[M57\]): points split along a random direction, again and again.
//!
//! The root is split at a random place near the middle, every other node in the middle, so that a tree is a perfect binary
//! tree: which points belong to a node follows from its number, and only directions are stored, as two points each. The
//! place of the first cut moves all others: trees of points along a line, which every direction puts in the same order,
//! do not cut between the same points.

use std::ops::Range;

use rand::RngExt as _;
use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::SeedableRng as _;
use rayon::prelude::*;
use tsne_core::{Scalar, Seed};

use crate::error::Error;
use crate::progress::Progress;

/// Points projected by one task, and between two looks at the caller's hook.
const CHUNK: usize = 4096;

/// Pairs of points tried for a direction before points are taken to be all at one place.
const TRIES: usize = 8;

/// Points that trees tell apart, numbered from 0.
pub(crate) trait Places<T>: Sized + Sync {
    /// Number of points.
    fn n_points(&self) -> usize;

    /// The same points, number `order[i]` becoming number i.
    fn reordered(&self, order: &[u32]) -> Self;

    /// Point `i` with all its features, as [`along`](Self::along) takes it; in `buffer`, if it is not there already.
    fn whole<'b>(&'b self, i: u32, buffer: &'b mut Vec<T>) -> &'b [T];

    /// How far along the direction that leads from one of these points to another a point lies, in units of its own
    /// for each direction; none where the two are at one place.
    fn along(&self, ends: [u32; 2], point: &[T]) -> Option<T>;

    /// The same of each of `points`, which go into `to`; false where there is no direction.
    fn project(&self, ends: [u32; 2], points: &[u32], to: &mut [T]) -> bool;
}

/// A tree over points that are numbered from 0.
///
/// Nodes are numbered from the root, 0, on: those below node i are 2i + 1 and 2i + 2.
#[derive(Clone, Debug)]
pub(crate) struct RpTree<T> {
    /// All points, leaf after leaf; ascending within a leaf.
    order: Vec<u32>,
    /// One for each node that is not a leaf.
    splits: Vec<Split<T>>,
    parts: Parts,
}

/// What tells the points of a node apart.
#[derive(Clone, Copy, Debug, Default)]
struct Split<T> {
    /// The direction leads from the first to the second. The same point twice: there is none, and points are split by
    /// their numbers.
    ends: [u32; 2],
    /// Points up to here are on the left.
    threshold: T,
}

impl<T: Scalar> RpTree<T> {
    /// A tree with at most `leaf_size` points to a leaf on average, four at least; none has a fifth more or less than
    /// the average.
    ///
    /// Equal bits whatever the number of threads. Time O(n D log n), memory 8 bytes a point and as much again for a
    /// moment.
    pub(crate) fn new(
        points: &impl Places<T>,
        leaf_size: usize,
        seed: Seed,
        progress: &Progress<'_>,
    ) -> Result<Self, Error> {
        let n = points.n_points();
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed.derive(u64::MAX).0);
        let parts = Parts { n, cut: 2 * n / 5 + rng.random_range(0..=n / 5) };
        let mut order: Vec<u32> = (0_u32..).take(n).collect();
        let mut projections = vec![T::default(); n];
        let mut n_nodes = 1;
        let mut splits = Vec::new();
        while n.div_ceil(n_nodes) > leaf_size.max(4) {
            let nodes =
                parts.all(&mut order, n_nodes).into_par_iter().zip(parts.all(&mut projections, n_nodes));
            let level =
                nodes.enumerate().map_init(Buffer::default, |buffer, (node, (order, projections))| {
                    let stream = seed.derive((splits.len() + node) as u64);
                    let mut rng = Xoshiro256PlusPlus::seed_from_u64(stream.0);
                    let middle = parts.range(2 * n_nodes, 2 * node).len();
                    split(points, order, projections, middle, &mut rng, buffer, progress)
                });
            let level = level.collect::<Result<Vec<_>, Error>>()?;
            splits.extend(level);
            n_nodes *= 2;
        }
        Ok(Self { order, splits, parts })
    }

    /// Renumbers the points in the order of the leaves. Returns the numbers they had.
    pub(crate) fn renumber(&mut self) -> Vec<u32> {
        let mut numbers = vec![0; self.order.len()];
        for (new, &old) in (0_u32..).zip(&self.order) {
            numbers[old as usize] = new;
        }
        for end in self.splits.iter_mut().flat_map(|split| &mut split.ends) {
            *end = numbers[*end as usize];
        }
        let len = self.order.len();
        std::mem::replace(&mut self.order, (0_u32..).take(len).collect())
    }

    /// Number of leaves.
    pub(crate) fn n_leaves(&self) -> usize {
        self.splits.len() + 1
    }

    /// The points of a leaf, ascending.
    pub(crate) fn leaf(&self, leaf: usize) -> &[u32] {
        &self.order[self.parts.range(self.n_leaves(), leaf)]
    }

    /// The number of the leaf that a node is, if it is one.
    pub(crate) fn as_leaf(&self, node: usize) -> Option<usize> {
        node.checked_sub(self.splits.len())
    }

    /// The leaf in which `point` would be. `points` are those the tree was made of.
    pub(crate) fn descend(&self, points: &impl Places<T>, point: &[T]) -> usize {
        let mut node = 0;
        loop {
            if let Some(leaf) = self.as_leaf(node) {
                return leaf;
            }
            let Split { ends, threshold } = self.splits[node];
            let right = points.along(ends, point).is_some_and(|along| along > threshold);
            node = 2 * node + 1 + usize::from(right);
        }
    }
}

/// Splits the points of a node, ascending, into those up to the threshold and the others, both still ascending. The
/// first half ends before `middle`; points on the threshold go to either by their numbers.
fn split<T: Scalar>(
    points: &impl Places<T>,
    order: &mut [u32],
    projections: &mut [T],
    middle: usize,
    rng: &mut Xoshiro256PlusPlus,
    buffer: &mut Buffer<T>,
    progress: &Progress<'_>,
) -> Result<Split<T>, Error> {
    let mut tries = (0..TRIES)
        .map(|_| [order[rng.random_range(0..order.len())], order[rng.random_range(0..order.len())]]);
    let Some(ends) = tries.find(|&ends| points.project(ends, &[], &mut [])) else {
        // Ascending order is split in the middle as it is.
        return Ok(Split { ends: [order[0]; 2], threshold: T::default() });
    };
    let chunks = order.par_chunks(CHUNK).zip(projections.par_chunks_mut(CHUNK));
    chunks.try_for_each(|(order, projections)| {
        points.project(ends, order, projections);
        progress.advance(0)
    })?;
    Ok(Split { ends, threshold: halve(order, projections, middle, buffer) })
}

/// Moves the points with the smallest projections before `middle`, ascending on both sides, and returns the threshold
/// between the two. Points on the threshold go to either side by their numbers.
pub(crate) fn halve<T: Scalar>(
    order: &mut [u32],
    projections: &[T],
    middle: usize,
    buffer: &mut Buffer<T>,
) -> T {
    buffer.sorted.clear();
    buffer.sorted.extend_from_slice(projections);
    let (left, &mut above, _) = buffer.sorted.select_nth_unstable_by(middle, T::total_cmp);
    let (mut below, mut n_below) = (left[0], 0);
    for &x in left.iter() {
        n_below += usize::from(x.total_cmp(&above).is_lt());
        below = if x > below { x } else { below };
    }
    // Points at `above` that are still on the left, because so many are there.
    let mut ties = middle - n_below;
    buffer.right.clear();
    let mut at = 0;
    for (read, &x) in projections.iter().enumerate() {
        let i = order[read];
        // The order of the selection, as differences of large values may be no numbers.
        let place = x.total_cmp(&above);
        let tied = place.is_eq() && ties > 0;
        ties -= usize::from(tied);
        if place.is_lt() || tied {
            order[at] = i;
            at += 1;
        } else {
            buffer.right.push(i);
        }
    }
    order[middle..].copy_from_slice(&buffer.right);
    T::lit(0.5) * (below + above)
}

/// Room for splitting one node.
#[derive(Default)]
pub(crate) struct Buffer<T> {
    sorted: Vec<T>,
    right: Vec<u32>,
}

/// How the nodes of a level share `n` points: those below the left half of the tree the first `cut` of them equally, the
/// others the rest.
#[derive(Clone, Copy, Debug)]
struct Parts {
    n: usize,
    cut: usize,
}

impl Parts {
    /// Where part number `i` of `n_parts`, a power of two, starts.
    fn start(self, n_parts: usize, i: usize) -> usize {
        // n is below 2³², and parts are fewer.
        let Self { n, cut } = self;
        let half = n_parts / 2;
        match i.checked_sub(half) {
            _ if half == 0 => n * i,
            Some(right) => cut + (n - cut) * right / half,
            None => cut * i / half,
        }
    }

    fn range(self, n_parts: usize, i: usize) -> Range<usize> {
        self.start(n_parts, i)..self.start(n_parts, i + 1)
    }

    /// All parts of `values`, of which there are `n`.
    fn all<V>(self, values: &mut [V], n_parts: usize) -> Vec<&mut [V]> {
        let mut rest = values;
        (0..n_parts)
            .map(|i| rest.split_off_mut(..self.range(n_parts, i).len()).expect("the parts make up the whole"))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use tsne_core::{Control, Seed};

    use super::RpTree;
    use crate::coordinates::Coordinates;
    use crate::progress::Progress;

    fn coordinates(n: usize, d: usize, value: impl Fn(usize, usize) -> f64 + Sync) -> Coordinates<f32> {
        Coordinates::from_rows(n, d, |range, rows| {
            rows.extend(range.flat_map(|i| (0..d).map(move |f| (i, f))).map(|(i, f)| value(i, f)));
        })
    }

    fn numbers(i: usize, f: usize) -> f64 {
        ((i * 31 + f * 17) as f64 * 0.754_877_666_246_692_7).fract()
    }

    fn tree(points: &Coordinates<f32>, leaf_size: usize, seed: u64) -> RpTree<f32> {
        let progress = Progress::new(&Control::NONE, 1);
        RpTree::new(points, leaf_size, Seed(seed), &progress).expect("nobody stops it")
    }

    /// Leaves are nearly even, small enough, ascending, and hold every point once.
    fn check_leaves(tree: &RpTree<f32>, n: usize, leaf_size: usize) {
        let sizes = (0..tree.n_leaves()).map(|leaf| tree.leaf(leaf).len());
        let (least, most) = sizes.fold((usize::MAX, 0), |(least, most), len| (least.min(len), most.max(len)));
        // Within a fifth of the average, and one point of rounding.
        let average = n as f64 / tree.n_leaves() as f64;
        assert!(average <= leaf_size as f64, "{} leaves of {n} points", tree.n_leaves());
        let (least, most) = (least as f64, most as f64);
        assert!(
            0.8 * average - 1.0 <= least && most <= 1.2 * average + 1.0,
            "leaves of {least} to {most} points, {average} on average"
        );
        assert!((0..tree.n_leaves()).all(|leaf| tree.leaf(leaf).is_sorted()), "leaves ascend");
        let mut met = tree.order.clone();
        met.sort_unstable();
        assert!(met.iter().copied().eq((0_u32..).take(n)), "every point is in one leaf");
    }

    #[test]
    fn leaves_are_nearly_even_whatever_the_points() {
        for n in [0, 1, 2, 5, 64, 1000, 10_001] {
            for leaf_size in [4, 10, 500] {
                check_leaves(&tree(&coordinates(n, 3, numbers), leaf_size, 1), n, leaf_size);
                check_leaves(&tree(&coordinates(n, 1, |_, _| 0.5), leaf_size, 1), n, leaf_size);
                let two_places = coordinates(n, 20, |i, _| if i % 3 == 0 { 1.0 } else { 0.0 });
                check_leaves(&tree(&two_places, leaf_size, 1), n, leaf_size);
            }
        }
    }

    #[test]
    fn points_find_their_own_leaves() {
        for d in [2, 16, 50] {
            let points = coordinates(3000, d, numbers);
            let tree = tree(&points, 100, 7);
            for leaf in 0..tree.n_leaves() {
                for &i in tree.leaf(leaf) {
                    assert_eq!(tree.descend(&points, points.row(i)), leaf, "point {i} of {d} features");
                }
            }
        }
    }

    #[test]
    fn seeds_make_other_trees_and_threads_do_not() {
        let points = coordinates(20_000, 6, numbers);
        let pool = |n| rayon::ThreadPoolBuilder::new().num_threads(n).build().expect("a pool");
        let first = pool(1).install(|| tree(&points, 60, 3));
        for n in [2, 3, 8] {
            let again = pool(n).install(|| tree(&points, 60, 3));
            assert_eq!(again.order, first.order, "{n} threads");
        }
        assert_ne!(tree(&points, 60, 4).order, first.order, "another seed");
    }
}
