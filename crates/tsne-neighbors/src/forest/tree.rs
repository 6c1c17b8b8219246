//! Trees that part points where they part by themselves: across the line between two means (\[M61\]).

use std::ops::Range;

use fearless_simd::{Level, Simd, dispatch};
use rand::RngExt as _;
use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::SeedableRng as _;
use rayon::prelude::*;
use tsne_core::{Scalar, Seed};

use crate::coordinates::Coordinates;
use crate::error::Error;
use crate::forest::rank::{product, squares};
use crate::progress::Progress;
use crate::rp_tree::{Buffer, Places as _, halve};

/// Points projected by one task, and between two looks at the caller's hook.
const CHUNK: usize = 4096;

/// Points that the two means of a node are taken of.
const SAMPLE: usize = 64;

/// Rounds of moving the means.
const ROUNDS: usize = 4;

/// A binary tree over points that are numbered from 0.
#[derive(Clone, Debug)]
pub(crate) struct Tree<T> {
    /// All points, leaf after leaf; ascending within a leaf, until they are numbered anew.
    order: Vec<u32>,
    /// The root, then pairs of nodes below another.
    nodes: Vec<Node<T>>,
    /// Unit normals, one row for each node that is split.
    normals: Vec<T>,
}

#[derive(Clone, Copy, Debug)]
enum Node<T> {
    /// Where its points are in the order.
    Leaf { start: u32, end: u32 },
    /// Points with projections up to the threshold are below the node `left`, the others below the next one.
    Split { normal: u32, threshold: T, left: u32 },
}

impl<T: Scalar> Tree<T> {
    /// A tree with at most `leaf_size` points to a leaf.
    ///
    /// Equal bits whatever the number of threads. Time O(n D log n).
    pub(crate) fn new(
        points: &Coordinates<T>,
        leaf_size: usize,
        seed: Seed,
        progress: &Progress<'_>,
    ) -> Result<Self, Error> {
        let n = points.n_points();
        let width = if n == 0 { 1 } else { points.row(0).len() };
        let mut order: Vec<u32> = (0_u32..).take(n).collect();
        let mut projections = vec![T::default(); n];
        let mut nodes = vec![Node::Leaf { start: 0, end: to_u32(n) }];
        let mut normals = Vec::new();
        // Nodes to be split, in the order of their points.
        let mut large = if n > leaf_size { vec![(0, 0..n)] } else { Vec::new() };
        // Beyond this depth groups are cut in the middle, wherever they part.
        let mut depth_left = 8 + 2 * n.div_ceil(leaf_size).max(1).ilog2();
        while !large.is_empty() {
            let first_normal = normals.len() / width;
            normals.resize((first_normal + large.len()) * width, T::default());
            let ranges = || large.iter().map(|(_, range)| range.clone());
            let pieces = pieces(&mut order, ranges()).into_par_iter().zip(pieces(&mut projections, ranges()));
            let splits = pieces.zip(&large).zip(normals[first_normal * width..].par_chunks_exact_mut(width));
            let splits =
                splits.map_init(Buffer::default, |buffer, (((order, projections), (node, _)), normal)| {
                    let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed.derive(*node as u64).0);
                    split(points, order, projections, normal, depth_left > 0, &mut rng, buffer, progress)
                });
            let splits = splits.collect::<Result<Vec<_>, Error>>()?;
            let mut next = Vec::with_capacity(2 * large.len());
            for (at, ((node, range), (n_left, threshold))) in large.into_iter().zip(splits).enumerate() {
                let left = nodes.len();
                nodes[node] =
                    Node::Split { normal: to_u32(first_normal + at), threshold, left: to_u32(left) };
                let middle = range.start + n_left;
                for (node, range) in [(left, range.start..middle), (left + 1, middle..range.end)] {
                    nodes.push(Node::Leaf { start: to_u32(range.start), end: to_u32(range.end) });
                    if range.len() > leaf_size {
                        next.push((node, range));
                    }
                }
            }
            large = next;
            depth_left = depth_left.saturating_sub(1);
        }
        Ok(Self { order, nodes, normals })
    }

    /// Numbers the points anew, leaf after leaf. Returns the numbers they had.
    pub(crate) fn renumber(&mut self) -> Vec<u32> {
        let len = self.order.len();
        std::mem::replace(&mut self.order, (0_u32..).take(len).collect())
    }

    /// Goes down from `node` to the leaf where `row` belongs, and returns its points. `pass` is told each node on the
    /// other side, and how far off it begins.
    #[inline(always)]
    pub(crate) fn descend<S: Simd>(
        &self,
        simd: S,
        node: u32,
        row: &[T],
        mut pass: impl FnMut(u32, T),
    ) -> &[u32] {
        let width = row.len();
        let mut node = node;
        loop {
            match self.nodes[node as usize] {
                Node::Leaf { start, end } => return &self.order[start as usize..end as usize],
                Node::Split { normal, threshold, left } => {
                    let normal = &self.normals[normal as usize * width..][..width];
                    let margin = product(simd, normal, row) - threshold;
                    let on_the_right = margin > T::default();
                    let (near, far) = if on_the_right { (left + 1, left) } else { (left, left + 1) };
                    pass(far, margin.abs());
                    node = near;
                }
            }
        }
    }
}

/// Splits the points of a node, ascending, into two that are ascending still. Returns the number of the first, and
/// the threshold between the two along `normal`.
fn split<T: Scalar>(
    points: &Coordinates<T>,
    order: &mut [u32],
    projections: &mut [T],
    normal: &mut [T],
    may_be_uneven: bool,
    rng: &mut Xoshiro256PlusPlus,
    buffer: &mut Buffer<T>,
    progress: &Progress<'_>,
) -> Result<(usize, T), Error> {
    progress.advance(0)?;
    let middle = order.len() / 2;
    let between = dispatch!(Level::new(), simd => between_means(simd, points, order, rng, normal));
    // All at one place: ascending order is split in the middle as it is.
    let Some(between) = between else { return Ok((middle, T::default())) };
    let chunks = order.par_chunks(CHUNK).zip(projections.par_chunks_mut(CHUNK));
    chunks.try_for_each(|(order, projections)| {
        dispatch!(Level::new(), simd => for (to, &i) in projections.iter_mut().zip(order) {
            *to = product(simd, normal, points.row(i));
        });
        progress.advance(0)
    })?;
    let n_left = projections.iter().filter(|&&x| x <= between).count();
    if !may_be_uneven || n_left == 0 || n_left == order.len() {
        return Ok((middle, halve(order, projections, middle, buffer)));
    }
    // Stable, so that both sides ascend.
    let sides: (Vec<u32>, Vec<u32>) = {
        let (left, right): (Vec<_>, Vec<_>) =
            order.iter().zip(&*projections).partition(|&(_, x)| *x <= between);
        (left.into_iter().map(|(&i, _)| i).collect(), right.into_iter().map(|(&i, _)| i).collect())
    };
    order[..n_left].copy_from_slice(&sides.0);
    order[n_left..].copy_from_slice(&sides.1);
    Ok((n_left, between))
}

/// The parts of `values` at `ranges`, which ascend and do not overlap.
fn pieces<V>(values: &mut [V], ranges: impl Iterator<Item = Range<usize>>) -> Vec<&mut [V]> {
    let (mut rest, mut at) = (values, 0);
    ranges
        .map(|range| {
            let (_, after) = std::mem::take(&mut rest).split_at_mut(range.start - at);
            let (piece, after) = after.split_at_mut(range.len());
            (rest, at) = (after, range.end);
            piece
        })
        .collect()
}

fn to_u32(number: usize) -> u32 {
    u32::try_from(number).expect("points are numbered by u32, and nodes are fewer")
}

/// Finds two means of some of the points `order`, puts the unit vector from one to the other into `normal`, and returns
/// where along it the middle between them lies; nothing if all points are at one place.
#[inline(always)]
fn between_means<S: Simd, T: Scalar>(
    simd: S,
    points: &Coordinates<T>,
    order: &[u32],
    rng: &mut Xoshiro256PlusPlus,
    normal: &mut [T],
) -> Option<T> {
    let sample: Vec<u32> = if order.len() <= SAMPLE {
        order.to_vec()
    } else {
        (0..SAMPLE).map(|_| order[rng.random_range(0..order.len())]).collect()
    };
    let first = points.row(sample[rng.random_range(0..sample.len())]);
    let others: Vec<u32> = sample.iter().copied().filter(|&i| differs(simd, points.row(i), first)).collect();
    if others.is_empty() {
        // A few that differ may be among many that are equal.
        let other = order.iter().find(|&&i| differs(simd, points.row(i), first))?;
        return middle_between(simd, first, points.row(*other), normal);
    }
    let mut means = [first.to_vec(), points.row(others[rng.random_range(0..others.len())]).to_vec()];
    move_means(simd, points, &sample, &mut means);
    let [a, b] = &means;
    middle_between(simd, a, b, normal).or_else(|| middle_between(simd, first, points.row(others[0]), normal))
}

/// Lloyd's algorithm for two means, a few rounds of it.
#[inline(always)]
fn move_means<S: Simd, T: Scalar>(simd: S, points: &Coordinates<T>, sample: &[u32], means: &mut [Vec<T>; 2]) {
    let mut sums = means.clone();
    for _ in 0..ROUNDS {
        let mut counts = [0_u32; 2];
        sums.iter_mut().for_each(|sum| sum.fill(T::default()));
        for &i in sample {
            let row = points.row(i);
            let nearer = usize::from(squares(simd, row, &means[1]) < squares(simd, row, &means[0]));
            counts[nearer] += 1;
            for (sum, x) in sums[nearer].iter_mut().zip(row) {
                *sum += *x;
            }
        }
        if counts.contains(&0) {
            return;
        }
        for ((mean, sum), count) in means.iter_mut().zip(&sums).zip(counts) {
            let share = T::lit(1.0 / f64::from(count));
            for (mean, sum) in mean.iter_mut().zip(sum) {
                *mean = *sum * share;
            }
        }
    }
}

/// Puts the direction from `a` to `b` into `normal`, if there is one, and returns the middle between them along it.
#[inline(always)]
fn middle_between<S: Simd, T: Scalar>(simd: S, a: &[T], b: &[T], normal: &mut [T]) -> Option<T> {
    let length = squares(simd, a, b).sqrt();
    if length == T::default() {
        return None;
    }
    for (normal, (a, b)) in normal.iter_mut().zip(a.iter().zip(b)) {
        *normal = (*b - *a) / length;
    }
    Some(T::lit(0.5) * (product(simd, normal, a) + product(simd, normal, b)))
}

/// Whether two rows are different places, so far as squares can tell.
#[inline(always)]
fn differs<S: Simd, T: Scalar>(simd: S, a: &[T], b: &[T]) -> bool {
    squares(simd, a, b) > T::default()
}
