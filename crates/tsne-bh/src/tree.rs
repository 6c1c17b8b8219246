//! The linear tree: points in Morton order and nodes in breadth-first order, in flat arrays ([M32]).

use rayon::prelude::*;
use tsne_core::Scalar;

use crate::morton::{Bounds, Grid, Key, code, fill_keys, index, sort};

/// Points of a leaf that are not all at one place.
pub(crate) const LEAF: usize = 32;
/// Points of a patch that are not all at one place.
pub(crate) const PATCH: usize = 256;
/// Points of one parallel task.
const CHUNK: usize = 4096;

/// Points that are close together, seen from afar as one of their mass.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Node<T, const D: usize> {
    /// Center of mass.
    pub(crate) center: [T; D],
    /// Number of points.
    pub(crate) mass: T,
    /// Squared distance beyond which the node may stand for its points: (side / theta)², below 0 when they are all at
    /// one place.
    pub(crate) reach2: T,
    /// Its points: these of the sorted ones.
    pub(crate) start: u32,
    pub(crate) end: u32,
    /// Its children: these nodes, none for a leaf.
    pub(crate) first_child: u32,
    pub(crate) n_children: u32,
}

impl<T: Scalar, const D: usize> Node<T, D> {
    pub(crate) fn points(&self) -> std::ops::Range<usize> {
        self.start as usize..self.end as usize
    }

    pub(crate) fn children(&self) -> std::ops::Range<usize> {
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
    /// Position of every point, in Morton order.
    pub(crate) points: Vec<[T; D]>,
    /// Code and index of every point, in the same order.
    pub(crate) keys: Vec<Key>,
    /// The root first; children are neighbors and follow their parents.
    pub(crate) nodes: Vec<Node<T, D>>,
    /// The largest nodes of up to [`PATCH`] points, or at one place, by their first point. Every point is in one.
    pub(crate) patches: Vec<u32>,
    /// The positions again, those on axis c from `c * stride`; every run of [`LEAF`] from a point on exists.
    pub(crate) rows: Vec<T>,
    pub(crate) stride: usize,
    depth: usize,
    bounds: Vec<Bounds<T, D>>,
    spare_keys: Vec<Key>,
    spare_nodes: Vec<u32>,
}

impl<T: Scalar, const D: usize> Tree<T, D> {
    pub(crate) fn new() -> Self {
        Self {
            points: Vec::new(),
            keys: Vec::new(),
            nodes: Vec::new(),
            patches: Vec::new(),
            rows: Vec::new(),
            stride: 0,
            depth: 0,
            bounds: Vec::new(),
            spare_keys: Vec::new(),
            spare_nodes: Vec::new(),
        }
    }

    /// Builds the tree of finite positions, at least one. Time O(n log n).
    pub(crate) fn build(&mut self, y: &[[T; D]], theta: f64) {
        match Grid::around(&Bounds::of_many(y)) {
            Some(grid) => fill_keys(&grid, y, &mut self.keys),
            None => {
                self.keys.clear();
                self.keys.extend(0..y.len() as Key);
            }
        }
        sort(&mut self.keys, &mut self.spare_keys);
        self.points.resize(y.len(), [T::lit(0.0); D]);
        self.points.par_chunks_mut(CHUNK).zip(self.keys.par_chunks(CHUNK)).for_each(|(points, keys)| {
            for (point, &key) in points.iter_mut().zip(keys) {
                *point = y[index(key) as usize];
            }
        });
        self.grow();
        self.summarize(theta);
        self.stride = y.len() + LEAF;
        self.rows.resize(D * self.stride, T::lit(0.0));
        for (c, row) in self.rows.chunks_exact_mut(self.stride).enumerate() {
            row.par_chunks_mut(CHUNK).zip(self.points.par_chunks(CHUNK)).for_each(|(row, points)| {
                for (to, point) in row.iter_mut().zip(points) {
                    *to = point[c];
                }
            });
        }
    }

    /// Length of a stack that no walk overflows: a node leaves at most its children there on every level.
    pub(crate) fn stack_len(&self) -> usize {
        (self.depth + 1) * (1 << D)
    }

    /// Divides the points among nodes, level by level.
    fn grow(&mut self) {
        self.nodes.clear();
        self.patches.clear();
        self.push_node(0, self.keys.len());
        self.depth = 0;
        let (mut at, mut level_end) = (0, 1);
        while at < self.nodes.len() {
            if at == level_end {
                self.depth += 1;
                level_end = self.nodes.len();
            }
            let range = self.nodes[at].points();
            if range.len() > LEAF && self.divide(at, range.start, range.end) {
                self.nodes[at].n_children = self.nodes.len() as u32 - self.nodes[at].first_child;
            }
            at += 1;
        }
        self.spare_nodes.push(0);
        while let Some(at) = self.spare_nodes.pop() {
            let node = &self.nodes[at as usize];
            if node.n_children == 0 || node.points().len() <= PATCH {
                self.patches.push(at);
            } else {
                self.spare_nodes.extend((node.first_child..node.first_child + node.n_children).rev());
            }
        }
    }

    fn push_node(&mut self, start: usize, end: usize) {
        self.nodes.push(Node {
            center: [T::lit(0.0); D],
            mass: T::lit((end - start) as f64),
            reach2: T::lit(0.0),
            start: start as u32,
            end: end as u32,
            first_child: 0,
            n_children: 0,
        });
    }

    /// Appends the children of a node, at least two; none when its points are all at one place.
    fn divide(&mut self, at: usize, start: usize, end: usize) -> bool {
        if code(self.keys[start]) == code(self.keys[end - 1]) && !self.refine(start, end) {
            return false;
        }
        // The first digit in which the codes differ. Nodes that would have one child only are passed over.
        let differing = code(self.keys[start]) ^ code(self.keys[end - 1]);
        let shift = (31 - differing.leading_zeros()) / D as u32 * D as u32;
        self.nodes[at].first_child = self.nodes.len() as u32;
        let mut start = start;
        while start < end {
            let digits = code(self.keys[start]) >> shift;
            let rest = &self.keys[start..end];
            let child_end = start + rest.partition_point(|&key| code(key) >> shift == digits);
            self.push_node(start, child_end);
            start = child_end;
        }
        true
    }

    /// Sorts points that share a cell of the finest grid by a grid of their own; false when they are at one place.
    ///
    /// However the positions are spread over the range of their type, a bounded number of grids tells them apart.
    fn refine(&mut self, start: usize, end: usize) -> bool {
        let points = &mut self.points[start..end];
        let Some(grid) = Grid::around(&Bounds::of(points)) else { return false };
        let keys = &mut self.keys[start..end];
        let mut pairs: Vec<(Key, [T; D])> =
            points.iter().zip(keys.iter()).map(|(p, &key)| (grid.key(p, index(key)), *p)).collect();
        pairs.sort_unstable_by_key(|pair| pair.0);
        for ((key, point), (new_key, new_point)) in keys.iter_mut().zip(points).zip(pairs) {
            (*key, *point) = (new_key, new_point);
        }
        true
    }

    /// Centers and reaches, from the last node to the first: children before their parents.
    fn summarize(&mut self, theta: f64) {
        self.bounds.clear();
        self.bounds.resize(self.nodes.len(), Bounds::empty());
        for at in (0..self.nodes.len()).rev() {
            let node = self.nodes[at];
            let mut sum = [0.0; D];
            let bounds = if node.n_children == 0 {
                for point in &self.points[node.points()] {
                    for c in 0..D {
                        sum[c] += point[c].to_f64();
                    }
                }
                Bounds::of(&self.points[node.points()])
            } else {
                for child in &self.nodes[node.children()] {
                    for c in 0..D {
                        sum[c] += child.center[c].to_f64() * child.mass.to_f64();
                    }
                }
                self.bounds[node.children()].iter().fold(Bounds::empty(), Bounds::join)
            };
            let mass = node.mass.to_f64();
            let side = bounds.side().to_f64();
            let reach = side / theta;
            let node = &mut self.nodes[at];
            node.center = sum.map(|x| T::lit(x / mass));
            node.reach2 = if side > 0.0 { T::lit(reach * reach) } else { T::lit(-1.0) };
            self.bounds[at] = bounds;
        }
    }
}
