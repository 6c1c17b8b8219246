//! The linear tree: points in Morton order, nodes in breadth-first order, both in flat arrays (\[M32\]).

use std::ops::Range;

use rayon::prelude::*;
use tsne_core::Scalar;

use crate::bounds::Bounds;
use crate::error::Error;
use crate::law::max_spread;
use crate::morton::{Grid, Key, branching_shift, code, fill_keys, index, sort};

/// Largest number of points of a leaf, unless they are at one place.
///
/// Shortest of many calls, 70 000 digits, theta 0.5, 2-D, f32, one core (Zen 5), in ms; for the finished map and for that
/// of iteration 50, patches of 256:
///
/// | 16 | 24 | 32 | 48 |
/// | --- | --- | --- | --- |
/// | 12.1, 13.7 | 12.1, 12.3 | 11.6, 12.0 | 12.1, 12.9 |
pub(crate) const LEAF: usize = 32;
/// Largest number of points of a patch, unless they are at one place.
///
/// Same maps, with leaves of 32:
///
/// | 128 | 192 | 256 | 512 |
/// | --- | --- | --- | --- |
/// | 12.7, 12.8 | 11.5, 12.2 | 11.6, 12.0 | 11.8, 12.2 |
pub(crate) const PATCH: usize = 256;
/// Largest number of points: nodes, fewer than twice as many, are numbered by `u32` too.
const MAX_TREE_POINTS: usize = 1 << 31;
/// Points of one parallel task.
const CHUNK: usize = 4096;

/// Points that are close together, seen from afar as one source.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Node<T, const D: usize> {
    /// Center of mass.
    pub(crate) center: [T; D],
    /// Number of points.
    pub(crate) mass: T,
    /// Half the covariance of the points, of axes a ≤ b in `[a][b]`; the rest is 0.
    pub(crate) spread: [[T; D]; D],
    /// Square of the distance beyond which the node may stand for its points: (side / theta)². Below 0 when they are
    /// all at one place.
    pub(crate) reach2: T,
    /// Its points: these of the sorted ones.
    pub(crate) start: u32,
    pub(crate) end: u32,
    /// Its children: these nodes, none for a leaf.
    pub(crate) first_child: u32,
    pub(crate) n_children: u32,
}

impl<T: Scalar, const D: usize> Node<T, D> {
    pub(crate) fn points(&self) -> Range<usize> {
        self.start as usize..self.end as usize
    }

    pub(crate) fn children(&self) -> Range<usize> {
        self.first_child as usize..(self.first_child + self.n_children) as usize
    }

    /// Whether all its points are at one place.
    pub(crate) fn is_place(&self) -> bool {
        self.reach2 < T::lit(0.0)
    }
}

/// A tree over points; rebuilt without allocation once it has seen as many.
#[derive(Clone, Debug)]
pub(crate) struct Tree<T, const D: usize> {
    /// Code and index of every point, in Morton order.
    pub(crate) keys: Vec<Key>,
    /// Position of every point, in the same order.
    pub(crate) points: Vec<[T; D]>,
    /// The positions again, those on axis c from `c * stride`, with room for [`LEAF`] points from any one on.
    pub(crate) rows: Vec<T>,
    pub(crate) stride: usize,
    /// The root first; children are neighbors and follow their parents.
    pub(crate) nodes: Vec<Node<T, D>>,
    /// The largest nodes of up to [`PATCH`] points, or at one place, by their first point. Every point is in one.
    pub(crate) patches: Vec<u32>,
    /// Levels below the root.
    depth: usize,
    bounds: Vec<Bounds<T, D>>,
    spare_keys: Vec<Key>,
    stack: Vec<u32>,
}

impl<T: Scalar, const D: usize> Tree<T, D> {
    pub(crate) fn new() -> Self {
        Self {
            keys: Vec::new(),
            points: Vec::new(),
            rows: Vec::new(),
            stride: 0,
            nodes: Vec::new(),
            patches: Vec::new(),
            depth: 0,
            bounds: Vec::new(),
            spare_keys: Vec::new(),
            stack: Vec::new(),
        }
    }

    /// Builds the tree of finite positions. Time O(n log n).
    pub(crate) fn build(&mut self, y: &[[T; D]], theta: f64) -> Result<(), Error> {
        if y.len() > MAX_TREE_POINTS {
            return Err(Error::TooManyPoints { n_points: y.len(), max: MAX_TREE_POINTS });
        }
        if let Some(grid) = Grid::over(&Bounds::of_many(y)) {
            fill_keys(&grid, y, &mut self.keys);
            sort(&mut self.keys, &mut self.spare_keys);
        } else {
            self.keys.clear();
            self.keys.extend(0..y.len() as Key);
        }
        self.points.resize(y.len(), [T::lit(0.0); D]);
        self.points.par_chunks_mut(CHUNK).zip(self.keys.par_chunks(CHUNK)).for_each(|(points, keys)| {
            for (point, &key) in points.iter_mut().zip(keys) {
                *point = y[index(key) as usize];
            }
        });
        self.grow();
        self.choose_patches();
        self.summarize(theta);
        self.fill_rows();
        Ok(())
    }

    /// Length of a stack that no walk overflows: a node leaves at most its children there on every level.
    pub(crate) fn stack_len(&self) -> usize {
        (self.depth + 1) << D
    }

    /// Divides the points among nodes, level by level.
    fn grow(&mut self) {
        self.nodes.clear();
        self.depth = 0;
        if self.keys.is_empty() {
            return;
        }
        self.push_node(0, self.keys.len());
        let (mut at, mut level_end) = (0, 1);
        while at < self.nodes.len() {
            if at == level_end {
                self.depth += 1;
                level_end = self.nodes.len();
            }
            let points = self.nodes[at].points();
            let first_child = self.nodes.len();
            if points.len() > LEAF && self.divide(points) {
                self.nodes[at].first_child = number(first_child);
                self.nodes[at].n_children = number(self.nodes.len() - first_child);
            }
            at += 1;
        }
    }

    fn push_node(&mut self, start: usize, end: usize) {
        self.nodes.push(Node {
            center: [T::lit(0.0); D],
            mass: T::lit((end - start) as f64),
            spread: [[T::lit(0.0); D]; D],
            reach2: T::lit(0.0),
            start: number(start),
            end: number(end),
            first_child: 0,
            n_children: 0,
        });
    }

    /// Appends nodes that divide these points, at least two; none and false when they are all at one place.
    fn divide(&mut self, points: Range<usize>) -> bool {
        let Range { mut start, end } = points;
        let ends = |keys: &[Key]| (code(keys[start]), code(keys[end - 1]));
        let (mut first, mut last) = ends(&self.keys);
        if first == last {
            if !self.refine(points) {
                return false;
            }
            (first, last) = ends(&self.keys);
        }
        // Levels on which all are in one cell are passed over, so there are fewer nodes than twice the points.
        let shift = branching_shift::<D>(first, last);
        while start < end {
            let cell = code(self.keys[start]) >> shift;
            let n_points = self.keys[start..end].partition_point(|&key| code(key) >> shift == cell);
            self.push_node(start, start + n_points);
            start += n_points;
        }
        true
    }

    /// Sorts points that share a cell of the finest grid by a grid of their own; false when they are at one place.
    ///
    /// A grid tells apart what differs by its side / 2^(32/D), so even positions spread over the whole range of their
    /// type take a bounded number of them. It is seldom needed, and the one place that allocates.
    #[cold]
    fn refine(&mut self, range: Range<usize>) -> bool {
        let (points, keys) = (&mut self.points[range.clone()], &mut self.keys[range]);
        let Some(grid) = Grid::over(&Bounds::of(points)) else { return false };
        let key_of = |(point, &key): (&[T; D], &Key)| (grid.key(point, index(key)), *point);
        let mut pairs: Vec<(Key, [T; D])> = points.iter().zip(keys.iter()).map(key_of).collect();
        pairs.sort_unstable_by_key(|pair| pair.0);
        for ((key, point), pair) in keys.iter_mut().zip(points).zip(pairs) {
            (*key, *point) = pair;
        }
        true
    }

    fn choose_patches(&mut self) {
        self.patches.clear();
        if !self.nodes.is_empty() {
            self.stack.push(0);
        }
        while let Some(at) = self.stack.pop() {
            let node = &self.nodes[at as usize];
            if node.n_children == 0 || node.points().len() <= PATCH {
                self.patches.push(at);
            } else {
                self.stack.extend((node.first_child..node.first_child + node.n_children).rev());
            }
        }
    }

    /// Centers, spreads and reaches, from the last node to the first: children before their parents.
    fn summarize(&mut self, theta: f64) {
        self.bounds.clear();
        self.bounds.resize(self.nodes.len(), Bounds::empty());
        for at in (0..self.nodes.len()).rev() {
            let node = self.nodes[at];
            let n_points = f64::from(node.end - node.start);
            if node.n_children == 0 {
                let points = &self.points[node.points()];
                self.bounds[at] = Bounds::of(points);
                let parts = points.iter().map(|&point| (1.0 / n_points, point, [[T::lit(0.0); D]; D]));
                self.nodes[at].summarize(&self.bounds[at], parts, theta);
            } else {
                let (parents, children) = self.nodes.split_at_mut(node.first_child as usize);
                let node = &mut parents[at];
                self.bounds[at] = self.bounds[node.children()].iter().fold(Bounds::empty(), Bounds::join);
                let parts = children[..node.n_children as usize].iter().map(|child| {
                    let weight = f64::from(child.end - child.start) / n_points;
                    (weight, child.center, child.spread)
                });
                node.summarize(&self.bounds[at], parts, theta);
            }
        }
    }

    fn fill_rows(&mut self) {
        self.stride = self.points.len() + LEAF;
        self.rows.resize(D * self.stride, T::lit(0.0));
        for (c, row) in self.rows.chunks_exact_mut(self.stride).enumerate() {
            row.par_chunks_mut(CHUNK).zip(self.points.par_chunks(CHUNK)).for_each(|(row, points)| {
                for (to, point) in row.iter_mut().zip(points) {
                    *to = point[c];
                }
            });
        }
    }
}

impl<T: Scalar, const D: usize> Node<T, D> {
    /// Sets center, spread and reach from parts given by their share of the points, their center and their spread.
    fn summarize(
        &mut self,
        bounds: &Bounds<T, D>,
        parts: impl Iterator<Item = (f64, [T; D], [[T; D]; D])> + Clone,
        theta: f64,
    ) {
        let side = bounds.side().to_f64();
        if side == 0.0 {
            self.center = bounds.low;
            self.reach2 = T::lit(-1.0);
            return;
        }
        let mut center = [0.0; D];
        for (share, part, _) in parts.clone() {
            for c in 0..D {
                center[c] += share * part[c].to_f64();
            }
        }
        let max = max_spread::<T>();
        let mut spread = [[0.0; D]; D];
        for (share, part, part_spread) in parts {
            for a in 0..D {
                for b in a..D {
                    let product = (part[a].to_f64() - center[a]) * (part[b].to_f64() - center[b]);
                    // Held in bounds one by one: products that overflow with both signs would add up to nothing.
                    spread[a][b] += share * (part_spread[a][b].to_f64() + (0.5 * product).clamp(-max, max));
                }
            }
        }
        self.center = center.map(T::lit);
        self.spread = spread.map(|row| row.map(|x| T::lit(x.clamp(-max, max))));
        self.reach2 = T::lit((side / theta) * (side / theta));
    }
}

/// The index of a point or node: their numbers are checked to fit.
#[allow(
    clippy::cast_possible_truncation,
    reason = "there are at most MAX_TREE_POINTS points, and fewer than twice as many nodes"
)]
pub(crate) fn number(at: usize) -> u32 {
    at as u32
}
