//! The walk through the tree: for a patch of close points, which groups of others are far and which leaves near (\[M33\]).

use fearless_simd::{Level, dispatch};
use tsne_core::{Scalar, StudentT};

use crate::bounds::Bounds;
use crate::kernel::{Fields, LANES, Sources, add_fields};
use crate::tree::{LEAF, Node, PATCH, Tree, number};

/// Sources listed before they are evaluated. Bounds the memory of a task and keeps its lists in the first cache.
const LIST: usize = 512;

/// Buffers of a walk that are kept between calls.
#[derive(Clone, Debug, Default)]
pub(crate) struct Scratch<T> {
    /// Nodes to be opened.
    stack: Vec<u32>,
    /// Nodes that are far from all targets.
    far: Vec<u32>,
    clouds: Clouds<T>,
    near: Near<T>,
}

/// Nodes as sources.
#[derive(Clone, Debug, Default)]
struct Clouds<T> {
    /// Coordinates, spreads and masses in the layout of [`Sources`].
    rows: Vec<T>,
    spread: Vec<T>,
    mass: Vec<T>,
}

/// Leaves that are not far from all points of a patch.
#[derive(Clone, Debug, Default)]
struct Near<T> {
    leaves: Vec<u32>,
    clouds: Clouds<T>,
    reach2: Vec<T>,
    /// The masses of those that are far from the leaf at hand, 0 for the others.
    far_mass: Vec<T>,
}

/// Points as sources.
struct Points<T, const D: usize> {
    rows: [[T; LIST]; D],
    mass: [T; LIST],
    len: usize,
    /// Where in the list the targets are.
    own: Option<usize>,
}

/// Evaluates fields, one patch or target after the other.
pub(crate) struct Walker<'a, T, const D: usize> {
    tree: &'a Tree<T, D>,
    level: Level,
    kernel: StudentT,
    scratch: &'a mut Scratch<T>,
    n_far: usize,
    points: Points<T, D>,
    /// Pairs of a target and a source evaluated so far.
    pub(crate) n_interactions: u64,
}

/// The targets of a walk and their fields.
struct Targets<'a, T, const D: usize> {
    positions: &'a [[T; D]],
    bounds: Bounds<T, D>,
    /// The points that they are among the sorted ones, or none of them.
    start: u32,
    end: u32,
    fields: Fields<'a, D>,
}

impl<'a, T: Scalar, const D: usize> Walker<'a, T, D> {
    pub(crate) fn new(
        tree: &'a Tree<T, D>,
        level: Level,
        kernel: StudentT,
        scratch: &'a mut Scratch<T>,
    ) -> Self {
        scratch.stack.resize(tree.stack_len(), 0);
        scratch.far.resize(LIST, 0);
        Self { tree, level, kernel, scratch, n_far: 0, points: Points::new(), n_interactions: 0 }
    }

    /// Overwrites the first of `fields` with what all points but itself do to each point of a patch, in sorted order; for
    /// points at one place, only the first.
    pub(crate) fn patch_fields(&mut self, patch: &Node<T, D>, mut fields: Fields<'_, D>) {
        let tree = self.tree;
        let n_targets = if patch.is_place() { 1 } else { patch.points().len() };
        let fields = fields.of(0..n_targets);
        fields.forces.fill([0.0; D]);
        fields.z.fill(0.0);
        let positions = &tree.points[patch.points()][..n_targets];
        let bounds = Bounds::of(positions);
        self.scratch.near.leaves.clear();
        let mut targets = Targets { positions, bounds, start: patch.start, end: patch.end, fields };
        self.walk(&mut targets, Self::note_near);
        self.scratch.near.fill(tree);
        for i in 0..self.scratch.near.leaves.len() {
            let leaf = &tree.nodes[self.scratch.near.leaves[i] as usize];
            if patch.start <= leaf.start && leaf.end <= patch.end {
                let start = (leaf.start - patch.start) as usize;
                let n_targets = leaf.points().len().min(n_targets);
                self.add_near(i, leaf, targets.fields.of(start..start + n_targets));
            }
        }
    }

    /// What all points of the tree do to a target that is none of them.
    pub(crate) fn target_field(&mut self, target: &[T; D]) -> ([f64; D], f64) {
        let (mut force, mut z) = ([0.0; D], 0.0);
        let positions = std::slice::from_ref(target);
        let bounds = Bounds::of(positions);
        let fields = Fields { forces: std::slice::from_mut(&mut force), z: std::slice::from_mut(&mut z) };
        let mut targets = Targets { positions, bounds, start: 0, end: 0, fields };
        self.walk(&mut targets, Self::list_points);
        self.evaluate_points(positions, &mut targets.fields);
        (force, z)
    }

    /// Adds the fields of all nodes that are far from the targets; hands the leaves that are not to `at_leaf`.
    #[inline(always)]
    fn walk(
        &mut self,
        targets: &mut Targets<'_, T, D>,
        at_leaf: impl Fn(&mut Self, &mut Targets<'_, T, D>, u32),
    ) {
        let tree = self.tree;
        let mut top = self.sift(targets, 0..tree.nodes.len().min(1), 0);
        while top > 0 {
            top -= 1;
            let at = self.scratch.stack[top];
            let node = &tree.nodes[at as usize];
            if node.n_children == 0 {
                at_leaf(self, targets, at);
                continue;
            }
            if self.n_far + node.n_children as usize > LIST {
                self.evaluate_far(targets);
            }
            top = self.sift(targets, node.children(), top);
        }
        self.evaluate_far(targets);
    }

    /// Divides nodes into those that are farther from the targets than their reach and those to be opened, put on the
    /// stack. A node that holds some of the targets is never far: a point does not act on itself, however large theta is.
    #[inline(always)]
    fn sift(&mut self, targets: &Targets<'_, T, D>, nodes: std::ops::Range<usize>, top: usize) -> usize {
        let (mut n_far, mut top) = (self.n_far, top);
        let (far, stack) = (&mut self.scratch.far[..], &mut self.scratch.stack[..]);
        for (node, at) in self.tree.nodes[nodes.clone()].iter().zip(number(nodes.start)..) {
            let apart = node.end <= targets.start || targets.end <= node.start;
            let is_far = apart & (node.reach2 < targets.bounds.distance2(&node.center));
            // Each node is written to both places, and the one that is right is kept: no branch to be mispredicted.
            far[n_far] = at;
            stack[top] = at;
            n_far += usize::from(is_far);
            top += usize::from(!is_far);
        }
        self.n_far = n_far;
        top
    }

    fn note_near(&mut self, _: &mut Targets<'_, T, D>, leaf: u32) {
        self.scratch.near.leaves.push(leaf);
    }

    fn list_points(&mut self, targets: &mut Targets<'_, T, D>, leaf: u32) {
        self.make_room(targets.positions, &mut targets.fields);
        self.points.push_leaf(self.tree, &self.tree.nodes[leaf as usize]);
    }

    /// Adds to `fields` what the leaves near the patch do to the points of one of them, the `i`th.
    fn add_near(&mut self, i: usize, leaf: &Node<T, D>, mut fields: Fields<'_, D>) {
        let tree = self.tree;
        let positions = &tree.points[leaf.points()][..fields.z.len()];
        let near = &mut self.scratch.near;
        near.split(self.level, &Bounds::of(positions), i);
        let sources = near.clouds.sources(&mut near.far_mass);
        add_fields(self.level, self.kernel, sources, positions, fields.of(0..positions.len()));
        self.n_interactions += (near.leaves.len() * positions.len()) as u64;

        if leaf.is_place() {
            self.points.push(&leaf.center, leaf.mass - T::lit(1.0));
        } else {
            self.points.own = Some(0);
            self.points.push_leaf(tree, leaf);
        }
        for k in 0..self.scratch.near.leaves.len() {
            if self.scratch.near.far_mass[k] == T::lit(0.0) && k != i {
                self.make_room(positions, &mut fields);
                self.points.push_leaf(tree, &tree.nodes[self.scratch.near.leaves[k] as usize]);
            }
        }
        self.evaluate_points(positions, &mut fields);
    }

    fn evaluate_far(&mut self, targets: &mut Targets<'_, T, D>) {
        let clouds = &mut self.scratch.clouds;
        clouds.fill(self.tree, &self.scratch.far[..self.n_far]);
        let mut mass = std::mem::take(&mut clouds.mass);
        let sources = clouds.sources(&mut mass);
        let n_targets = targets.positions.len();
        add_fields(self.level, self.kernel, sources, targets.positions, targets.fields.of(0..n_targets));
        clouds.mass = mass;
        self.n_interactions += (self.n_far * targets.positions.len()) as u64;
        self.n_far = 0;
    }

    fn evaluate_points(&mut self, positions: &[[T; D]], fields: &mut Fields<'_, D>) {
        let points = &mut self.points;
        let padded = points.len.next_multiple_of(LANES);
        points.mass[points.len..padded].fill(T::lit(0.0));
        let (rows, mass) = (points.rows.as_flattened(), &mut points.mass[..padded]);
        let sources = Sources { rows, stride: LIST, mass, spread: &[], own: points.own };
        add_fields(self.level, self.kernel, sources, positions, fields.of(0..positions.len()));
        self.n_interactions += (points.len * positions.len()) as u64;
        (points.len, points.own) = (0, None);
    }

    /// Makes room among the points for a leaf.
    #[inline(always)]
    fn make_room(&mut self, positions: &[[T; D]], fields: &mut Fields<'_, D>) {
        if self.points.len + LEAF > LIST {
            self.evaluate_points(positions, fields);
        }
    }
}

impl<T: Scalar, const D: usize> Points<T, D> {
    fn new() -> Self {
        let zero = T::lit(0.0);
        Self { rows: [[zero; LIST]; D], mass: [zero; LIST], len: 0, own: None }
    }

    #[inline(always)]
    fn push(&mut self, position: &[T; D], mass: T) {
        for c in 0..D {
            self.rows[c][self.len] = position[c];
        }
        self.mass[self.len] = mass;
        self.len += 1;
    }

    #[inline(always)]
    fn push_leaf(&mut self, tree: &Tree<T, D>, leaf: &Node<T, D>) {
        if leaf.is_place() {
            return self.push(&leaf.center, leaf.mass);
        }
        // As many as any leaf has, which copies faster than a number to be found out; the next source overwrites those
        // that belong to no leaf.
        for c in 0..D {
            let row = &tree.rows[c * tree.stride + leaf.start as usize..][..LEAF];
            self.rows[c][self.len..][..LEAF].copy_from_slice(row);
        }
        self.mass[self.len..][..LEAF].fill(T::lit(1.0));
        self.len += leaf.points().len();
    }
}

impl<T: Scalar> Clouds<T> {
    /// Copies the nodes, padded to whole vectors with sources of no mass.
    fn fill<const D: usize>(&mut self, tree: &Tree<T, D>, nodes: &[u32]) {
        let zero = T::lit(0.0);
        let stride = nodes.len().next_multiple_of(LANES);
        self.rows.resize(D * stride, zero);
        self.spread.resize(D * D * stride, zero);
        self.mass.resize(stride, zero);
        self.mass[nodes.len()..].fill(zero);
        for (k, &node) in nodes.iter().enumerate() {
            let node = &tree.nodes[node as usize];
            for a in 0..D {
                self.rows[a * stride + k] = node.center[a];
                for b in a..D {
                    self.spread[(a * D + b) * stride + k] = node.spread[a][b];
                }
            }
            self.mass[k] = node.mass;
        }
    }

    fn sources<'a>(&'a self, mass: &'a mut [T]) -> Sources<'a, T> {
        Sources { rows: &self.rows, stride: mass.len(), mass, spread: &self.spread, own: None }
    }
}

impl<T: Scalar> Near<T> {
    fn fill<const D: usize>(&mut self, tree: &Tree<T, D>) {
        self.clouds.fill(tree, &self.leaves);
        let stride = self.clouds.mass.len();
        self.reach2.resize(stride, T::lit(0.0));
        self.far_mass.resize(stride, T::lit(0.0));
        for (reach2, &leaf) in self.reach2.iter_mut().zip(&self.leaves) {
            *reach2 = tree.nodes[leaf as usize].reach2;
        }
    }

    /// Finds which leaves are far from a box; leaf `own` is not.
    fn split<const D: usize>(&mut self, level: Level, bounds: &Bounds<T, D>, own: usize) {
        dispatch!(level, _simd => self.split_in_lanes(bounds));
        self.far_mass[own] = T::lit(0.0);
    }

    #[inline(always)]
    fn split_in_lanes<const D: usize>(&mut self, bounds: &Bounds<T, D>) {
        let n = self.far_mass.len();
        let (reach2, mass, far_mass) = (&self.reach2[..n], &self.clouds.mass[..n], &mut self.far_mass[..n]);
        let mut rows = [&self.clouds.rows[..0]; D];
        for c in 0..D {
            rows[c] = &self.clouds.rows[c * n..][..n];
        }
        for k in 0..n {
            let mut center = bounds.low;
            for c in 0..D {
                center[c] = rows[c][k];
            }
            let is_far = reach2[k] < bounds.distance2(&center);
            far_mass[k] = if is_far { mass[k] } else { T::lit(0.0) };
        }
    }
}

const _: () = assert!(LEAF <= PATCH, "a leaf is part of one patch");
