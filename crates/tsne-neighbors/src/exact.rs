//! Exact search: every pair is looked at.

use std::borrow::Cow;
use std::sync::atomic::{AtomicUsize, Ordering};

use fearless_simd::{Level, dispatch};
use rayon::prelude::*;
use tsne_core::{BackendError, Control, Element, KnnGraph, NeighborIndex, NeighborQuery, Points, Scalar};

use crate::direct::{largest_magnitude, power_of_two_scale, squared_euclidean};
use crate::error::Error;
use crate::top_k::TopK;

/// Rows searched together, so that each indexed point is read from memory once for all of them.
const ROWS: usize = 16;

/// Indexed points between two looks at the caller's hook.
const COLUMNS: usize = 1024;

/// The true nearest neighbors, by comparing every point with every other.
///
/// Distances are Euclidean, in the data's own units, computed in f64 from the values as given; ties go to the smaller
/// index. The data may be of any finite magnitude and offset.
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
/// Time O(n² D) for the graph, O(n D) a query. Memory: the graph and some kilobytes a thread. Equal bits whatever the
/// number of threads, and on every CPU.
#[derive(Clone, Debug)]
pub struct Exact<'a, T: Scalar> {
    values: Values<'a, T>,
    n_points: usize,
    n_features: usize,
    largest: f64,
}

#[derive(Clone, Debug)]
enum Values<'a, T: Scalar> {
    Dense(Cow<'a, [T]>),
    Bytes(Cow<'a, [u8]>),
}

impl<'a, T: Scalar> Exact<'a, T> {
    /// Indexes `points`, dense or bytes.
    ///
    /// # Errors
    /// When a value is NaN or infinite (naming its row and column), or the points are sparse.
    pub fn new(points: Points<'a, T>) -> Result<Self, Error> {
        points.check_finite()?;
        let (values, largest) = match points {
            Points::Dense(points) => {
                let values = points.as_slice();
                (Values::Dense(Cow::Borrowed(values)), largest_magnitude(values))
            }
            Points::Bytes(points) => (Values::Bytes(Cow::Borrowed(points.as_slice())), 255.0),
            Points::Sparse(_) => return Err(SPARSE),
        };
        Ok(Self { values, n_points: points.n_points(), n_features: points.n_features(), largest })
    }

    /// The same index with a copy of its points.
    #[must_use]
    pub fn into_owned(self) -> Exact<'static, T> {
        let values = match self.values {
            Values::Dense(values) => Values::Dense(Cow::Owned(values.into_owned())),
            Values::Bytes(values) => Values::Bytes(Cow::Owned(values.into_owned())),
        };
        Exact { values, n_points: self.n_points, n_features: self.n_features, largest: self.largest }
    }

    fn search<Q: Element>(
        &self,
        queries: &[Q],
        k: usize,
        exclude_self: bool,
        control: &Control<'_>,
    ) -> Result<KnnGraph<T>, Error> {
        match &self.values {
            Values::Dense(indexed) => self.search_among(queries, indexed, k, exclude_self, control),
            Values::Bytes(indexed) => self.search_among(queries, indexed, k, exclude_self, control),
        }
    }

    fn search_among<Q: Element, E: Element>(
        &self,
        queries: &[Q],
        indexed: &[E],
        k: usize,
        exclude_self: bool,
        control: &Control<'_>,
    ) -> Result<KnnGraph<T>, Error> {
        let width = self.n_features;
        let n_queries = queries.len() / width;
        let len = n_queries.saturating_mul(k);
        let (mut neighbors, mut distances) = (allocate(len, u32::MAX)?, allocate(len, T::INFINITY)?);
        let done = AtomicUsize::new(0);
        neighbors
            .par_chunks_mut(ROWS * k)
            .zip(distances.par_chunks_mut(ROWS * k))
            .zip(queries.par_chunks(ROWS * width))
            .enumerate()
            .try_for_each(|(chunk, ((neighbors, distances), rows))| {
                let mut best: Vec<Row<'_, Q, T>> = rows
                    .chunks_exact(width)
                    .enumerate()
                    .map(|(i, values)| Row {
                        values,
                        itself: exclude_self.then_some(chunk * ROWS + i),
                        scale: power_of_two_scale(self.largest.max(largest_magnitude(values))),
                        nearest: TopK::new(k),
                    })
                    .collect();
                let level = Level::new();
                for (block, columns) in indexed.chunks(COLUMNS * width).enumerate() {
                    control.tick(done.load(Ordering::Relaxed), n_queries)?;
                    dispatch!(level, _simd => offer_block(&mut best, columns, width, block * COLUMNS));
                }
                let outputs = neighbors.chunks_exact_mut(k).zip(distances.chunks_exact_mut(k));
                for (i, (row, (neighbors, distances))) in best.iter_mut().zip(outputs).enumerate() {
                    row.nearest.drain_into(neighbors, distances);
                    if distances.last().is_some_and(|d| !d.is_finite()) {
                        return Err(Error::DistanceOverflow { row: chunk * ROWS + i });
                    }
                }
                done.fetch_add(best.len(), Ordering::Relaxed);
                Ok(())
            })?;
        Ok(KnnGraph::from_parts(k, neighbors, distances)?)
    }
}

const SPARSE: Error = Error::UnsupportedPoints { index: "exact search", kind: "sparse" };

/// A row being searched for.
struct Row<'a, Q, T> {
    values: &'a [Q],
    /// Its index among the indexed points, if it is one of them.
    itself: Option<usize>,
    scale: f64,
    nearest: TopK<T>,
}

/// Offers the points of `columns`, numbered from `first`, to every row.
#[inline(always)]
fn offer_block<Q: Element, E: Element, T: Scalar>(
    rows: &mut [Row<'_, Q, T>],
    columns: &[E],
    n_features: usize,
    first: usize,
) {
    // A row block of a few hundred kilobytes would fall out of the nearest cache before the next row reads it.
    const TILE: usize = 64;
    for (tile, points) in columns.chunks(TILE * n_features).enumerate() {
        for row in &mut *rows {
            for (i, point) in points.chunks_exact(n_features).enumerate() {
                let j = first + tile * TILE + i;
                let squared = squared_euclidean(row.values, point, row.scale);
                let distance = T::lit(squared.sqrt() / row.scale);
                if distance <= row.nearest.limit() && row.itself != Some(j) {
                    row.nearest.offer(distance, u32::try_from(j).expect("points are numbered by u32"));
                }
            }
        }
    }
}

/// `len` copies of `value`, or an error where the allocator would abort.
fn allocate<V: Clone>(len: usize, value: V) -> Result<Vec<V>, Error> {
    let mut values = Vec::new();
    values
        .try_reserve_exact(len)
        .map_err(|_| Error::OutOfMemory { bytes: len.saturating_mul(size_of::<V>()) })?;
    values.resize(len, value);
    Ok(values)
}

fn check_k(k: usize, max: usize) -> Result<(), Error> {
    if k == 0 || k > max { Err(Error::NeighborCount { k, max }) } else { Ok(()) }
}

impl<T: Scalar> NeighborIndex<T> for Exact<'_, T> {
    fn n_points(&self) -> usize {
        self.n_points
    }

    fn knn_graph(&self, k: usize, control: &Control<'_>) -> Result<KnnGraph<T>, BackendError> {
        check_k(k, self.n_points.saturating_sub(1))?;
        let graph = match &self.values {
            Values::Dense(values) => self.search(values, k, true, control),
            Values::Bytes(values) => self.search(values, k, true, control),
        };
        Ok(graph?)
    }
}

impl<T: Scalar> NeighborQuery<T> for Exact<'_, T> {
    fn n_features(&self) -> usize {
        self.n_features
    }

    fn query(
        &self,
        queries: Points<'_, T>,
        k: usize,
        control: &Control<'_>,
    ) -> Result<KnnGraph<T>, BackendError> {
        check_k(k, self.n_points)?;
        if queries.n_features() != self.n_features {
            let (expected, got) = (self.n_features, queries.n_features());
            return Err(Error::FeatureMismatch { expected, got }.into());
        }
        queries.check_finite().map_err(Error::from)?;
        let graph = match queries {
            Points::Dense(queries) => self.search(queries.as_slice(), k, false, control),
            Points::Bytes(queries) => self.search(queries.as_slice(), k, false, control),
            Points::Sparse(_) => Err(SPARSE),
        };
        Ok(graph?)
    }
}
