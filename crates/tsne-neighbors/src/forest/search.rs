//! Best-first search of all trees at once (\[M62\]).

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use fearless_simd::{Level, Simd, dispatch};
use tsne_core::Scalar;

use crate::coordinates::Coordinates;
use crate::forest::rank::Quantity;
use crate::forest::tree::Tree;
use crate::top_k::TopK;

/// Room of one task.
#[derive(Debug)]
pub(crate) struct Search<T> {
    /// Nodes left aside: how far off they begin, as ordered bits, then tree and node.
    aside: BinaryHeap<Reverse<(u64, u32, u32)>>,
    /// One bit a point: whether it is a candidate.
    is_candidate: Vec<u64>,
    candidates: Vec<u32>,
    quantities: Vec<T>,
    nearest: TopK<T>,
}

impl<T: Scalar> Search<T> {
    /// For `n` points, of which the `keep` nearest candidates of a row are wanted.
    pub(crate) fn new(n: usize, keep: usize) -> Self {
        Self {
            aside: BinaryHeap::new(),
            is_candidate: vec![0; n.div_ceil(64)],
            candidates: Vec::new(),
            quantities: Vec::new(),
            nearest: TopK::new(keep),
        }
    }

    /// Looks through the leaves nearest to `row`, those of all trees together, until they have held `budget` points,
    /// counting repetitions, and `least` different ones. Puts the nearest of them into `found`, as many as there is
    /// room for, and returns how many distances that took.
    pub(crate) fn find(
        &mut self,
        trees: &[Tree<T>],
        points: &Coordinates<T>,
        quantity: Quantity,
        row: &[T],
        budget: usize,
        least: usize,
        found: &mut Vec<u32>,
    ) -> usize {
        dispatch!(Level::new(), simd => self.collect(simd, trees, row, budget, least));
        quantity.fill(row, points, &self.candidates, &mut self.quantities);
        for (&j, &quantity) in self.candidates.iter().zip(&self.quantities) {
            self.nearest.offer(quantity, j);
            self.is_candidate[j as usize / 64] = 0;
        }
        found.clear();
        self.nearest.drain_indices(found);
        self.candidates.len()
    }

    #[inline(always)]
    fn collect<S: Simd>(&mut self, simd: S, trees: &[Tree<T>], row: &[T], budget: usize, least: usize) {
        self.candidates.clear();
        self.aside.clear();
        let mut held = 0;
        let mut roots = trees.iter().zip(0_u32..).map(|(tree, number)| (tree, number, 0, 0));
        // Where the row belongs in each tree comes before anything that is aside.
        while held < budget || self.candidates.len() < least {
            let next = roots.next().or_else(|| {
                let Reverse((off, number, node)) = self.aside.pop()?;
                Some((&trees[number as usize], number, off, node))
            });
            let Some((tree, number, off, node)) = next else { return };
            let leaf = tree.descend(
                simd,
                node,
                row,
                #[inline(always)]
                |node, margin| {
                    // Bits of numbers that are not negative sort as they do. A node is no nearer than what holds it.
                    self.aside.push(Reverse((margin.to_f64().to_bits().max(off), number, node)));
                },
            );
            held += leaf.len();
            for &j in leaf {
                let (word, bit) = (j as usize / 64, 1 << (j % 64));
                if self.is_candidate[word] & bit == 0 {
                    self.is_candidate[word] |= bit;
                    self.candidates.push(j);
                }
            }
        }
    }
}
