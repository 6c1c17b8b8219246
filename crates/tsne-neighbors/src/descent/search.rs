//! Neighbors of points that are not in the graph (\[M59\]): from leaves of trees along edges, always from the nearest
//! point that has not been left yet.

use rayon::prelude::*;
use tsne_core::{KnnGraph, Scalar, Seed};

use super::build::{Layout, Pool, Seen};
use super::compare::{Compare, entry};
use super::edges::Edges;
use super::lists::{NONE, known, limit, merge};
use crate::coordinates::Coordinates;
use crate::direct::{Direct, Scratch};
use crate::error::Error;
use crate::output::Output;
use crate::progress::Progress;
use crate::rp_tree::RpTree;
use crate::selection::index_of;
use crate::top_k::by_distance;

/// Trees that are descended.
const TREES: u64 = 4;

/// Points to a leaf of theirs.
const LEAF: usize = 32;

/// Points held in view, for each neighbor asked for, and fewest of them.
const VIEW: usize = 2;
const MIN_VIEW: usize = 48;

/// Queries to a task.
const ROWS: usize = 16;

/// Stream of the trees.
const STREAM: u64 = 0x73_65_61_72;

/// A graph to be searched, and trees to begin with.
#[derive(Debug)]
pub(crate) struct SearchGraph<T> {
    /// Numbers of the points in the data.
    pub(crate) order: Vec<u32>,
    pub(crate) coordinates: Coordinates<T>,
    trees: Vec<RpTree<T>>,
    edges: Edges,
}

impl<T: Scalar> SearchGraph<T> {
    /// A graph of `edges` between the points of `layout`.
    pub(crate) fn new(
        layout: Layout<T>,
        edges: Edges,
        seed: Seed,
        progress: &Progress<'_>,
    ) -> Result<Self, Error> {
        let Layout { order, coordinates, .. } = layout;
        let tree = |t| RpTree::new(&coordinates, LEAF, seed.derive(STREAM).derive(t), progress);
        let trees = (0..TREES).map(tree).collect::<Result<_, Error>>()?;
        Ok(Self { order, coordinates, trees, edges })
    }
}

/// Buffers of one thread.
struct Buffers<C: Compare, T> {
    seen: Seen,
    left: Seen,
    /// The nearest points so far.
    view: Vec<u64>,
    keys: Vec<u32>,
    fresh: Vec<u64>,
    merged: Vec<u64>,
    compared: C::Buffers,
    scratch: Scratch,
    found: Vec<(T, u32)>,
}

impl<C: Compare, T> Default for Buffers<C, T> {
    fn default() -> Self {
        Self {
            seen: Seen::default(),
            left: Seen::default(),
            view: Vec::new(),
            keys: Vec::new(),
            fresh: Vec::new(),
            merged: Vec::new(),
            compared: C::Buffers::default(),
            scratch: Scratch::default(),
            found: Vec::new(),
        }
    }
}

/// The `k` nearest indexed points of every query.
pub(crate) fn answer_all<T: Scalar, C: Compare>(
    compare: &C,
    graph: &SearchGraph<T>,
    queries: &Coordinates<T>,
    direct: &Direct<'_, '_, T>,
    k: usize,
    progress: &Progress<'_>,
) -> Result<KnnGraph<T>, Error> {
    let mut output = Output::new(queries.n_points(), k)?;
    let pool = Pool::default();
    let chunks = output.neighbors.par_chunks_mut(ROWS * k).zip(output.distances.par_chunks_mut(ROWS * k));
    let short = chunks.enumerate().map(|(task, (neighbors, distances))| {
        let mut buffers: Buffers<C, T> = pool.take();
        let mut short = Vec::new();
        let rows = neighbors.chunks_exact_mut(k).zip(distances.chunks_exact_mut(k));
        for (at, (neighbors, distances)) in rows.enumerate() {
            let i = u32::try_from(task * ROWS + at).expect("points are numbered by u32");
            progress.advance(1)?;
            // A query larger than all points is compared at a scale that the copy of the points does not have.
            let is_larger = direct.rows.scale_against(i as usize, direct.indexed) != direct.indexed.scale();
            if is_larger {
                short.push(i);
                continue;
            }
            search(compare, graph, i, queries.row(i), k, &mut buffers)?;
            let Buffers { view, scratch, found, .. } = &mut buffers;
            let nearest = known(&view[..k]);
            let others = nearest.iter().map(|&entry| graph.order[index_of(entry) as usize]);
            direct.distances_to(i as usize, others, scratch, found)?;
            found.sort_unstable_by(by_distance);
            if found.len() < k {
                short.push(i);
            }
            for ((neighbor, distance), &(d, j)) in neighbors.iter_mut().zip(distances).zip(&*found) {
                (*neighbor, *distance) = (j, d);
            }
        }
        pool.give_back(buffers);
        Ok(short)
    });
    output.unknown = short.collect::<Result<Vec<_>, Error>>()?.concat();
    output.complete(direct, false, k, progress)
}

/// Leaves the nearest points found to query `i` in the view.
fn search<T: Scalar, C: Compare>(
    compare: &C,
    graph: &SearchGraph<T>,
    i: u32,
    row: &[T],
    k: usize,
    buffers: &mut Buffers<C, T>,
) -> Result<(), Error> {
    let Buffers { seen, left, view, keys, fresh, merged, compared, .. } = buffers;
    let n = graph.coordinates.n_points();
    seen.clear(n);
    left.clear(n);
    view.clear();
    view.resize(k.saturating_mul(VIEW).clamp(MIN_VIEW, n.max(MIN_VIEW)), NONE);
    for tree in &graph.trees {
        let leaf = tree.leaf(tree.descend(&graph.coordinates, row));
        seen.insert_all(leaf.iter().copied());
    }
    let (mut next, mut compared_before) = (0, 0);
    loop {
        let others = &seen.members()[compared_before..];
        compared_before = seen.members().len();
        compare.each(i, others, compared, keys)?;
        let limit = limit(view);
        fresh.clear();
        let nearer = others.iter().zip(&*keys).filter(|&(_, &key)| key < limit);
        fresh.extend(nearer.map(|(&j, &key)| entry(key, j)));
        if let Some(&nearest) = fresh.iter().min() {
            next = next.min(view.partition_point(|&entry| entry < nearest));
        }
        merge(view, fresh, merged);
        // Points already left behind the new ones are passed over.
        while next < view.len() && view[next] != NONE && !left.insert(index_of(view[next])) {
            next += 1;
        }
        if next == view.len() || view[next] == NONE {
            return Ok(());
        }
        seen.insert_all(graph.edges.of(index_of(view[next])).iter().copied());
    }
}
