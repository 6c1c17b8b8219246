//! Exact search: every pair is looked at.

use std::ops::Range;

use rayon::prelude::*;
use tsne_core::{BackendError, Control, KnnGraph, NeighborIndex, NeighborQuery, Points, Scalar};

use crate::direct;
use crate::error::Error;
use crate::join::{against, among, block_len, steps_among};
use crate::progress::Progress;
use crate::selection::{Selection, capacity, index_of, outcome_of, zeros};
use crate::store::Store;
use crate::tile::{ByteProduct, FloatProduct, Kernel, LANES, Packed};
use crate::top_k::by_distance;

/// Fewest queries for which tiles pay; fewer are compared one by one.
const MIN_QUERIES: usize = 2 * LANES;

/// Blocks of rows whose candidates are turned into rows of the graph together.
const BLOCKS_AT_ONCE: usize = 8;

/// The true nearest neighbors, by comparing every point with every other.
///
/// Distances are Euclidean, in the data's own units, computed in f64 from the values as given (\[M50\] of
/// `docs/math.md`); ties go to the smaller index. The data may be of any finite magnitude and offset. Products of
/// blocks of points in f32, or in integers for bytes, with a bound on their error (\[M51\], \[M52\]), only choose the
/// candidates: the result is that of f64 arithmetic alone.
///
/// The index borrows its points; [`into_owned`](Self::into_owned) copies them.
///
/// ```
/// use tsne_neighbors::{Control, Exact, NeighborIndex, Points};
///
/// let x = [0.0_f32, 0.0, 3.0, 4.0, 0.0, 1.0];
/// let index = Exact::new(Points::from_row_major(&x, 2)?)?;
/// let graph = index.knn_graph(2, &Control::NONE)?;
/// assert_eq!(graph.row(0), (&[2, 1][..], &[1.0, 5.0][..]));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// Time O(n² D / 2) for the graph, O(n D) a query. Memory: twice the graph, and some megabytes a thread. Equal bits
/// whatever the number of threads, and on every CPU.
#[derive(Clone, Debug)]
pub struct Exact<'a, T: Scalar> {
    store: Store<'a, T>,
    /// Mean of the scaled points.
    center: Vec<f64>,
}

impl<'a, T: Scalar> Exact<'a, T> {
    /// Indexes `points`, dense or bytes.
    ///
    /// # Errors
    /// When a value is NaN or infinite (naming its row and column), or the points are sparse.
    pub fn new(points: Points<'a, T>) -> Result<Self, Error> {
        let store = Store::new(points)?;
        let center = store.center();
        Ok(Self { store, center })
    }

    /// The same index with a copy of its points.
    #[must_use]
    pub fn into_owned(self) -> Exact<'static, T> {
        Exact { store: self.store.into_owned(), center: self.center }
    }

    fn graph(&self, k: usize, control: &Control<'_>) -> Result<KnnGraph<T>, Error> {
        let width = self.store.n_features();
        if self.store.is_bytes() && width <= ByteProduct::MAX_FEATURES {
            let pack = |range: Range<usize>, packed: &mut Packed<ByteProduct>| {
                self.store.pack_bytes(range, packed);
            };
            return self.graph_by(&ByteProduct, &pack, width.div_ceil(2), k, control);
        }
        let Some(kernel) = FloatProduct::new(width) else {
            let output = Output::unknown(self.store.n_points(), k)?;
            return self.complete(output, &self.store, true, k, &Progress::new(control, 1));
        };
        let pack = |range: Range<usize>, packed: &mut Packed<FloatProduct>| {
            self.store.pack_floats(range, self.store.scale(), &self.center, packed);
        };
        self.graph_by(&kernel, &pack, width, k, control)
    }

    fn graph_by<K: Kernel>(
        &self,
        kernel: &K,
        pack: &(impl Fn(Range<usize>, &mut Packed<K>) + Sync),
        steps: usize,
        k: usize,
        control: &Control<'_>,
    ) -> Result<KnnGraph<T>, Error> {
        let n = self.store.n_points();
        let block_len = block_len(n, steps);
        let progress = Progress::new(control, steps_among(n, block_len));
        // A packed copy of all points is worth its memory where that is small beside the graph's.
        let keep_packed = steps <= k;
        let row_entries = capacity(k);
        let mut entries = zeros(n.saturating_mul(row_entries))?;
        let mut blocks = among(kernel, pack, n, block_len, k, &mut entries, keep_packed, &progress)?;
        let mut output = Output::new(n, k)?;
        // From the end on, so that candidates can be given back while rows of the graph take their place.
        while !blocks.is_empty() {
            let first_block = blocks.len().saturating_sub(BLOCKS_AT_ONCE);
            let first = first_block * block_len;
            let len = block_len * k;
            let unknown = blocks
                .par_drain(first_block..)
                .zip(entries[first * row_entries..].par_chunks_mut(block_len * row_entries))
                .zip(output.neighbors[first * k..].par_chunks_mut(len))
                .zip(output.distances[first * k..].par_chunks_mut(len))
                .enumerate()
                .map(|(at, (((rows, entries), neighbors), distances))| {
                    let selection = Selection::new(rows, entries);
                    let first = first + at * block_len;
                    self.finish(kernel, selection, &self.store, first, neighbors, distances, &progress)
                });
            output.unknown.extend(unknown.collect::<Result<Vec<_>, Error>>()?.concat());
            entries.truncate(first * row_entries);
            entries.shrink_to_fit();
        }
        self.complete(output, &self.store, true, k, &progress)
    }

    /// Writes the k nearest of every row of `selection`, whose first row is number `first` of `rows`, and returns the
    /// rows that remain unknown.
    fn finish<K: Kernel>(
        &self,
        kernel: &K,
        mut selection: Selection<'_, K>,
        rows: &Store<'_, T>,
        first: usize,
        neighbors: &mut [u32],
        distances: &mut [T],
        progress: &Progress<'_>,
    ) -> Result<Vec<u32>, Error> {
        let k = selection.k();
        let mut unknown = Vec::new();
        let mut found = Vec::new();
        let outputs = neighbors.chunks_exact_mut(k).zip(distances.chunks_exact_mut(k));
        for (at, (neighbors, distances)) in outputs.enumerate() {
            let row = first + at;
            if at.is_multiple_of(64) {
                progress.advance(0)?;
            }
            let Some(candidates) = selection.candidates(kernel, at) else {
                unknown.push(u32::try_from(row).expect("points are numbered by u32"));
                continue;
            };
            if K::EXACT {
                let distance = |entry| direct::reported(K::to_f64(outcome_of::<K>(entry)), 1.0);
                found.clear();
                found.extend(candidates.iter().map(|&entry| (distance(entry), index_of(entry))));
            } else {
                let others = candidates.iter().map(|&entry| index_of(entry));
                direct::distances_to(rows, row, &self.store, others, &mut found);
            }
            found.select_nth_unstable_by(k - 1, by_distance);
            found.truncate(k);
            found.sort_unstable_by(by_distance);
            for ((to_neighbor, to_distance), &(distance, j)) in
                neighbors.iter_mut().zip(distances).zip(&found)
            {
                (*to_neighbor, *to_distance) = (j, distance);
            }
        }
        Ok(unknown)
    }

    /// Searches directly for the rows of `output` that are not known yet, and assembles the graph.
    fn complete(
        &self,
        mut output: Output<T>,
        rows: &Store<'_, T>,
        exclude_self: bool,
        k: usize,
        progress: &Progress<'_>,
    ) -> Result<KnnGraph<T>, Error> {
        let mut unknown = std::mem::take(&mut output.unknown);
        unknown.sort_unstable();
        let (neighbors, distances) = direct::search(rows, &unknown, &self.store, exclude_self, k, progress)?;
        for (at, &row) in unknown.iter().enumerate() {
            let (from, to) = (at * k..(at + 1) * k, row as usize * k..(row as usize + 1) * k);
            output.neighbors[to.clone()].copy_from_slice(&neighbors[from.clone()]);
            output.distances[to].copy_from_slice(&distances[from]);
        }
        output.into_graph(k)
    }

    fn answer(&self, queries: &Store<'_, T>, k: usize, control: &Control<'_>) -> Result<KnnGraph<T>, Error> {
        let width = self.store.n_features();
        if queries.n_points() >= MIN_QUERIES {
            if self.store.is_bytes() && queries.is_bytes() && width <= ByteProduct::MAX_FEATURES {
                let pack = |store: &Store<'_, T>, range: Range<usize>, packed: &mut Packed<ByteProduct>| {
                    store.pack_bytes(range, packed);
                };
                return self.answer_by(&ByteProduct, &pack, width.div_ceil(2), queries, k, control);
            }
            if let Some(kernel) = FloatProduct::new(width) {
                let pack = |store: &Store<'_, T>, range: Range<usize>, packed: &mut Packed<FloatProduct>| {
                    store.pack_floats(range, self.store.scale(), &self.center, packed);
                };
                return self.answer_by(&kernel, &pack, width, queries, k, control);
            }
        }
        let output = Output::unknown(queries.n_points(), k)?;
        self.complete(output, queries, false, k, &Progress::new(control, 1))
    }

    fn answer_by<K: Kernel>(
        &self,
        kernel: &K,
        pack: &(impl Fn(&Store<'_, T>, Range<usize>, &mut Packed<K>) + Sync),
        steps: usize,
        queries: &Store<'_, T>,
        k: usize,
        control: &Control<'_>,
    ) -> Result<KnnGraph<T>, Error> {
        let (n, n_queries) = (self.store.n_points(), queries.n_points());
        let (len, query_len) = (block_len(n, steps), block_len(n_queries, steps));
        let progress = Progress::new(control, n_queries.div_ceil(query_len) * n.div_ceil(len));
        let pack_indexed = |range: Range<usize>, packed: &mut Packed<K>| pack(&self.store, range, packed);
        let mut output = Output::new(n_queries, k)?;
        let outputs = output.neighbors.par_chunks_mut(query_len * k);
        let unknown = outputs.zip(output.distances.par_chunks_mut(query_len * k)).enumerate().map(
            |(block, (neighbors, distances))| {
                let first = block * query_len;
                let mut packed = Packed::default();
                pack(queries, first..(first + query_len).min(n_queries), &mut packed);
                let mut entries = zeros(packed.len.saturating_mul(capacity(k)))?;
                let rows = against(kernel, &packed, &pack_indexed, n, len, k, &mut entries, &progress)?;
                let selection = Selection::new(rows, &mut entries);
                self.finish(kernel, selection, queries, first, neighbors, distances, &progress)
            },
        );
        output.unknown = unknown.collect::<Result<Vec<_>, Error>>()?.concat();
        self.complete(output, queries, false, k, &progress)
    }
}

/// The flat arrays of a graph being written.
struct Output<T> {
    neighbors: Vec<u32>,
    distances: Vec<T>,
    /// Rows still to be searched for.
    unknown: Vec<u32>,
}

impl<T: Scalar> Output<T> {
    /// Room for `n` rows.
    fn new(n: usize, k: usize) -> Result<Self, Error> {
        let len = n.saturating_mul(k);
        Ok(Self { neighbors: zeros(len)?, distances: zeros(len)?, unknown: Vec::new() })
    }

    /// `n` rows of which nothing is known.
    fn unknown(n: usize, k: usize) -> Result<Self, Error> {
        let n_rows = u32::try_from(n).expect("points are numbered by u32");
        Ok(Self { unknown: (0..n_rows).collect(), ..Self::new(n, k)? })
    }

    fn into_graph(self, k: usize) -> Result<KnnGraph<T>, Error> {
        // Rows ascend, so the last distance of a row is its largest.
        if let Some(row) = self.distances.chunks_exact(k).position(|row| !row[k - 1].is_finite()) {
            return Err(Error::DistanceOverflow { row });
        }
        Ok(KnnGraph::from_parts(k, self.neighbors, self.distances)?)
    }
}

fn check_k(k: usize, max: usize) -> Result<(), Error> {
    if k == 0 || k > max { Err(Error::NeighborCount { k, max }) } else { Ok(()) }
}

impl<T: Scalar> NeighborIndex<T> for Exact<'_, T> {
    fn n_points(&self) -> usize {
        self.store.n_points()
    }

    fn knn_graph(&self, k: usize, control: &Control<'_>) -> Result<KnnGraph<T>, BackendError> {
        check_k(k, self.store.n_points().saturating_sub(1))?;
        Ok(self.graph(k, control)?)
    }
}

impl<T: Scalar> NeighborQuery<T> for Exact<'_, T> {
    fn n_features(&self) -> usize {
        self.store.n_features()
    }

    fn query(
        &self,
        queries: Points<'_, T>,
        k: usize,
        control: &Control<'_>,
    ) -> Result<KnnGraph<T>, BackendError> {
        check_k(k, self.store.n_points())?;
        let (expected, got) = (self.store.n_features(), queries.n_features());
        if expected != got {
            return Err(Error::FeatureMismatch { expected, got }.into());
        }
        Ok(self.answer(&Store::new(queries)?, k, control)?)
    }
}
