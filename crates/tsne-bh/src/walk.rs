//! One walk through the tree for a group of close targets, and the list of sources it yields ([M32]).

use fearless_simd::Level;
use tsne_core::{Scalar, StudentT};

use crate::kernel::{Field, LANES, Sources, add_fields};
use crate::morton::Bounds;
use crate::tree::{LEAF, Tree};

/// Sources listed before they are evaluated. Bounds the memory of a task and keeps its list in the first cache.
const LIST: usize = 1024;
/// Sources that one step of a walk may add: a leaf, or the children of a node.
const STEP: usize = if LEAF > 8 { LEAF } else { 8 };

/// The list of sources and the stack of a walk.
#[derive(Debug)]
pub(crate) struct Walk<'a, T, const D: usize> {
    tree: &'a Tree<T, D>,
    level: Level,
    kernel: StudentT,
    stack: &'a mut Vec<u32>,
    rows: [[T; LIST]; D],
    mass: [T; LIST],
    len: usize,
    /// Where in the list the targets are.
    own: Option<usize>,
    /// Pairs of a target and a source evaluated so far.
    pub(crate) n_pairs: u64,
}

/// The box of a group of targets.
#[derive(Clone, Copy, Debug)]
struct Group<T, const D: usize> {
    center: [T; D],
    half: [T; D],
}

impl<T: Scalar, const D: usize> Group<T, D> {
    fn of(targets: &[[T; D]]) -> Self {
        let bounds = Bounds::of(targets);
        let half = T::lit(0.5);
        let mut group = Self { center: bounds.low, half: bounds.low };
        for c in 0..D {
            group.half[c] = (bounds.high[c] - bounds.low[c]) * half;
            group.center[c] = bounds.low[c] + group.half[c];
        }
        group
    }

    /// Squared distance from its nearest point to `to`.
    #[inline(always)]
    fn distance2(&self, to: &[T; D]) -> T {
        let zero = T::lit(0.0);
        let mut d2 = zero;
        for c in 0..D {
            let gap = (to[c] - self.center[c]).abs() - self.half[c];
            let gap = if gap > zero { gap } else { zero };
            d2 += gap * gap;
        }
        d2
    }
}

impl<'a, T: Scalar, const D: usize> Walk<'a, T, D> {
    pub(crate) fn new(tree: &'a Tree<T, D>, level: Level, kernel: StudentT, stack: &'a mut Vec<u32>) -> Self {
        let zero = T::lit(0.0);
        Self {
            tree,
            level,
            kernel,
            stack,
            rows: [[zero; LIST]; D],
            mass: [zero; LIST],
            len: 0,
            own: None,
            n_pairs: 0,
        }
    }

    /// Overwrites `fields` with what all points but itself do to each of the points `start..end` of the sorted ones, all
    /// of one leaf.
    pub(crate) fn leaf_fields(&mut self, leaf: u32, start: usize, end: usize, fields: &mut [Field<D>]) {
        let tree = self.tree;
        let node = &tree.nodes[leaf as usize];
        fields.fill(Field::ZERO);
        // Points at one place are one target, with the others as a source that exerts no force.
        let (targets, evaluated) = if node.is_place() {
            self.push(&node.center, node.mass - T::lit(1.0));
            (&tree.points[start..=start], 1)
        } else {
            self.own = Some(start - node.start as usize);
            self.push_points(node.points());
            (&tree.points[start..end], end - start)
        };
        let group = Group::of(targets);
        self.stack.clear();
        // The nodes that hold the leaf are divided, however large theta is: a point never acts on itself.
        let mut at = 0;
        while at != leaf as usize {
            let node = &tree.nodes[at];
            let children = node.children();
            let inside = children.clone().rev().find(|&child| tree.nodes[child].start as usize <= start);
            let inside = inside.expect("children hold the points of their parent");
            self.make_room(targets, &mut fields[..evaluated]);
            self.visit(&group, children.start..inside);
            self.visit(&group, inside + 1..children.end);
            at = inside;
        }
        self.descend(&group, targets, &mut fields[..evaluated]);
        let (first, rest) = fields.split_at_mut(evaluated);
        rest.fill(first[0]);
    }

    /// Overwrites `field` with what all points of the tree do to a target that is none of them.
    pub(crate) fn target_field(&mut self, target: &[T; D], field: &mut Field<D>) {
        *field = Field::ZERO;
        let targets = std::slice::from_ref(target);
        self.stack.clear();
        let group = Group::of(targets);
        self.visit(&group, 0..1);
        self.descend(&group, targets, std::slice::from_mut(field));
    }

    /// Takes up all that is on the stack, and evaluates the rest of the list.
    fn descend(&mut self, group: &Group<T, D>, targets: &[[T; D]], fields: &mut [Field<D>]) {
        while let Some(at) = self.stack.pop() {
            self.make_room(targets, fields);
            let node = &self.tree.nodes[at as usize];
            if node.n_children == 0 {
                self.push_points(node.points());
            } else {
                self.visit(group, node.children());
            }
        }
        self.evaluate(targets, fields);
    }

    /// Makes room in the list for one step.
    #[inline]
    fn make_room(&mut self, targets: &[[T; D]], fields: &mut [Field<D>]) {
        if self.len + STEP > LIST {
            self.evaluate(targets, fields);
        }
    }

    /// Lists the nodes that are far enough away and stacks the others.
    #[inline]
    fn visit(&mut self, group: &Group<T, D>, nodes: std::ops::Range<usize>) {
        for (node, at) in self.tree.nodes[nodes.clone()].iter().zip(nodes) {
            if node.reach2 < group.distance2(&node.center) {
                self.push(&node.center, node.mass);
            } else {
                self.stack.push(at as u32);
            }
        }
    }

    #[inline]
    fn push(&mut self, position: &[T; D], mass: T) {
        for c in 0..D {
            self.rows[c][self.len] = position[c];
        }
        self.mass[self.len] = mass;
        self.len += 1;
    }

    fn push_points(&mut self, points: std::ops::Range<usize>) {
        for point in &self.tree.points[points] {
            self.push(point, T::lit(1.0));
        }
    }

    /// Adds the field of the list to all targets and empties it.
    fn evaluate(&mut self, targets: &[[T; D]], fields: &mut [Field<D>]) {
        let padded = self.len.next_multiple_of(LANES);
        self.mass[self.len..padded].fill(T::lit(0.0));
        let mass = &mut self.mass[..padded];
        let sources = Sources { rows: self.rows.as_flattened(), stride: LIST, mass, own: self.own };
        add_fields(self.level, self.kernel, sources, targets, fields);
        self.n_pairs += (self.len * targets.len()) as u64;
        self.len = 0;
        self.own = None;
    }
}
