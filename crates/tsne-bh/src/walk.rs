//! The walk through the tree: for a patch of close points, which sources act on it and which of them alone (\[M33\]).

use fearless_simd::{Level, dispatch};
use tsne_core::{Scalar, StudentT};

use crate::bounds::Bounds;
use crate::kernel::{Field, LANES, Sources, add_fields};
use crate::tree::{LEAF, Node, PATCH, Tree};

/// Sources listed before they are evaluated. Bounds the memory of a task and keeps its list in the first cache.
const LIST: usize = 1024;

/// Buffers of a walk that are kept between calls.
#[derive(Clone, Debug, Default)]
pub(crate) struct Scratch<T> {
    /// Nodes to be opened.
    stack: Vec<u32>,
    near: Near<T>,
}

/// Leaves that are near a patch.
#[derive(Clone, Debug, Default)]
struct Near<T> {
    leaves: Vec<u32>,
    /// Centers of mass: those on axis c from `c * stride`.
    centers: Vec<T>,
    stride: usize,
    reach2: Vec<T>,
    spread: Vec<T>,
    mass: Vec<T>,
    /// The mass where the leaf is far from the group at hand, 0 where it is near.
    far_mass: Vec<T>,
}

/// Evaluates fields, one patch or target after the other.
pub(crate) struct Walker<'a, T, const D: usize> {
    tree: &'a Tree<T, D>,
    level: Level,
    kernel: StudentT,
    scratch: &'a mut Scratch<T>,
    list: List<T, D>,
    /// Pairs of a target and a source evaluated so far.
    pub(crate) n_interactions: u64,
}

/// Sources to be evaluated.
struct List<T, const D: usize> {
    rows: [[T; LIST]; D],
    mass: [T; LIST],
    spread: [T; LIST],
    len: usize,
    /// Whether some sources may have a spread.
    has_nodes: bool,
    /// Where in the list the targets are.
    own: Option<usize>,
}

impl<T: Scalar, const D: usize> List<T, D> {
    fn new() -> Self {
        let zero = T::lit(0.0);
        Self {
            rows: [[zero; LIST]; D],
            mass: [zero; LIST],
            spread: [zero; LIST],
            len: 0,
            has_nodes: false,
            own: None,
        }
    }

    #[inline(always)]
    fn push(&mut self, position: &[T; D], mass: T) {
        for c in 0..D {
            self.rows[c][self.len] = position[c];
        }
        self.mass[self.len] = mass;
        self.spread[self.len] = T::lit(0.0);
        self.len += 1;
    }

    /// Lists the points of a leaf.
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
        self.spread[self.len..][..LEAF].fill(T::lit(0.0));
        self.len += leaf.points().len();
    }

    /// Lists the nodes that are farther from the box than their reach, and puts the others on the stack. A node that
    /// holds one of the points `own` is never far: a point does not act on itself, however large theta is.
    #[inline(always)]
    fn sift(
        &mut self,
        bounds: &Bounds<T, D>,
        own: (u32, u32),
        nodes: &[Node<T, D>],
        first: u32,
        stack: &mut [u32],
        mut top: usize,
    ) -> usize {
        // Each node is written to both places, and the one that is right is kept: no branch to be mispredicted.
        let mut len = self.len;
        for (node, at) in nodes.iter().zip(first..) {
            let apart = node.end <= own.0 || own.1 <= node.start;
            let far = apart & (node.reach2 < bounds.distance2(&node.center));
            for c in 0..D {
                self.rows[c][len] = node.center[c];
            }
            self.mass[len] = node.mass;
            self.spread[len] = node.spread;
            stack[top] = at;
            len += usize::from(far);
            top += usize::from(!far);
        }
        self.len = len;
        self.has_nodes = true;
        top
    }
}

impl<'a, T: Scalar, const D: usize> Walker<'a, T, D> {
    pub(crate) fn new(
        tree: &'a Tree<T, D>,
        level: Level,
        kernel: StudentT,
        scratch: &'a mut Scratch<T>,
    ) -> Self {
        scratch.stack.resize(tree.stack_len(), 0);
        Self { tree, level, kernel, scratch, list: List::new(), n_interactions: 0 }
    }

    /// Overwrites the first of `fields` with what all points but itself do to each point of a patch, in sorted order; for
    /// points at one place, only the first.
    pub(crate) fn patch_fields(&mut self, patch: &Node<T, D>, fields: &mut [Field<D>]) {
        let tree = self.tree;
        let n_targets = if patch.is_place() { 1 } else { patch.points().len() };
        let targets = &tree.points[patch.points()][..n_targets];
        let fields = &mut fields[..n_targets];
        fields.fill(Field::ZERO);
        self.scratch.near.leaves.clear();
        self.walk(&Bounds::of(targets), (patch.start, patch.end), targets, fields, true);
        self.scratch.near.fill(tree);
        for i in 0..self.scratch.near.leaves.len() {
            let leaf = &tree.nodes[self.scratch.near.leaves[i] as usize];
            if patch.start <= leaf.start && leaf.end <= patch.end {
                let start = (leaf.start - patch.start) as usize;
                let n_targets = leaf.points().len().min(n_targets);
                self.leaf_fields(i, leaf, &mut fields[start..][..n_targets]);
            }
        }
    }

    /// Adds to `fields` what the leaves near the patch do to one of them.
    fn leaf_fields(&mut self, i: usize, leaf: &Node<T, D>, fields: &mut [Field<D>]) {
        let tree = self.tree;
        let targets = &tree.points[leaf.points()][..fields.len()];
        let near = &mut self.scratch.near;
        near.split(self.level, &Bounds::of(targets), i);
        let sources = Sources {
            rows: &near.centers,
            stride: near.stride,
            mass: &mut near.far_mass,
            spread: &near.spread,
            own: None,
        };
        add_fields(self.level, self.kernel, sources, targets, fields);
        self.n_interactions += (near.leaves.len() * targets.len()) as u64;

        if leaf.is_place() {
            self.list.push(&leaf.center, leaf.mass - T::lit(1.0));
        } else {
            self.list.own = Some(0);
            self.list.push_leaf(tree, leaf);
        }
        for k in 0..self.scratch.near.leaves.len() {
            if self.scratch.near.far_mass[k] == T::lit(0.0) && k != i {
                self.make_room(targets, fields);
                self.list.push_leaf(tree, &tree.nodes[self.scratch.near.leaves[k] as usize]);
            }
        }
        self.evaluate(targets, fields);
    }

    /// What all points of the tree do to a target that is none of them.
    pub(crate) fn target_field(&mut self, target: &[T; D]) -> Field<D> {
        let mut field = Field::ZERO;
        let targets = std::slice::from_ref(target);
        self.walk(&Bounds::of(targets), (0, 0), targets, std::slice::from_mut(&mut field), false);
        field
    }

    /// Adds to `fields` what is far from the box of the targets. Leaves that are not are noted as near, or else evaluated
    /// point by point.
    #[inline(always)]
    fn walk(
        &mut self,
        bounds: &Bounds<T, D>,
        own: (u32, u32),
        targets: &[[T; D]],
        fields: &mut [Field<D>],
        note_near: bool,
    ) {
        let tree = self.tree;
        let n_roots = tree.nodes.len().min(1);
        let mut top = self.list.sift(bounds, own, &tree.nodes[..n_roots], 0, &mut self.scratch.stack, 0);
        while top > 0 {
            top -= 1;
            let at = self.scratch.stack[top];
            let node = &tree.nodes[at as usize];
            self.make_room(targets, fields);
            if node.n_children > 0 {
                let children = &tree.nodes[node.children()];
                top = self.list.sift(bounds, own, children, node.first_child, &mut self.scratch.stack, top);
            } else if note_near {
                self.scratch.near.leaves.push(at);
            } else {
                self.list.push_leaf(tree, node);
            }
        }
        self.evaluate(targets, fields);
    }

    /// Makes room in the list for a leaf, or for the children of a node and one more.
    #[inline(always)]
    fn make_room(&mut self, targets: &[[T; D]], fields: &mut [Field<D>]) {
        if self.list.len + LEAF > LIST {
            self.evaluate(targets, fields);
        }
    }

    /// Adds the field of the list to all targets and empties it.
    fn evaluate(&mut self, targets: &[[T; D]], fields: &mut [Field<D>]) {
        let list = &mut self.list;
        let padded = list.len.next_multiple_of(LANES);
        list.mass[list.len..padded].fill(T::lit(0.0));
        let (rows, mass) = (list.rows.as_flattened(), &mut list.mass[..padded]);
        let spread = if list.has_nodes { &list.spread[..padded] } else { &[] };
        let sources = Sources { rows, stride: LIST, mass, spread, own: list.own };
        add_fields(self.level, self.kernel, sources, targets, fields);
        self.n_interactions += (list.len * targets.len()) as u64;
        (list.len, list.has_nodes, list.own) = (0, false, None);
    }
}

impl<T: Scalar> Near<T> {
    /// Copies what is needed of the leaves, padded to whole vectors with leaves of no mass.
    fn fill<const D: usize>(&mut self, tree: &Tree<T, D>) {
        let zero = T::lit(0.0);
        self.stride = self.leaves.len().next_multiple_of(LANES);
        self.centers.resize(D * self.stride, zero);
        for values in [&mut self.reach2, &mut self.spread, &mut self.mass, &mut self.far_mass] {
            values.resize(self.stride, zero);
        }
        for (k, &leaf) in self.leaves.iter().enumerate() {
            let node = &tree.nodes[leaf as usize];
            for c in 0..D {
                self.centers[c * self.stride + k] = node.center[c];
            }
            self.reach2[k] = node.reach2;
            self.spread[k] = node.spread;
            self.mass[k] = node.mass;
        }
        self.mass[self.leaves.len()..].fill(zero);
    }

    /// Finds which leaves are far from a box; leaf `own` is not.
    fn split<const D: usize>(&mut self, level: Level, bounds: &Bounds<T, D>, own: usize) {
        dispatch!(level, _simd => self.split_in_lanes(bounds));
        self.far_mass[own] = T::lit(0.0);
    }

    #[inline(always)]
    fn split_in_lanes<const D: usize>(&mut self, bounds: &Bounds<T, D>) {
        let n = self.stride;
        let (reach2, mass, far_mass) = (&self.reach2[..n], &self.mass[..n], &mut self.far_mass[..n]);
        let mut centers = [&self.centers[..0]; D];
        for c in 0..D {
            centers[c] = &self.centers[c * n..][..n];
        }
        for k in 0..n {
            let mut center = bounds.low;
            for c in 0..D {
                center[c] = centers[c][k];
            }
            let far = reach2[k] < bounds.distance2(&center);
            far_mass[k] = if far { mass[k] } else { T::lit(0.0) };
        }
    }
}

const _: () = assert!(LEAF > 8, "a leaf has more points than a node has children");
const _: () = assert!(LEAF <= PATCH, "a leaf is part of one patch");
