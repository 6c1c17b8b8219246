//! Points for the indexes of other crates: rows that know how far apart they are, under the metrics of this one.

use std::sync::{Arc, OnceLock};

use fearless_simd::{Level, dispatch};
use rayon::prelude::*;
use tsne_core::{Control, KnnGraph, Points, Scalar, Typed};

use crate::direct::{Direct, Distances, Scratch};
use crate::error::{Error, check_features, check_k};
use crate::geometry::{Base, Geometry};
use crate::lanes::{by_lanes, sum_lanes};
use crate::metric::Metric;
use crate::output::{Output, write_nearest};
use crate::progress::Progress;
use crate::store::Store;

/// Rows whose candidates are judged by one task.
const CHUNK: usize = 64;

/// Magnitude that the numbers of a query far beyond the points are cut to, so that its distances are finite.
const FARTHEST: f64 = 1e15;

/// Points under a metric, for an index of another crate.
#[derive(Debug)]
pub(crate) struct RowPoints<'a, T: Scalar> {
    geometry: Geometry,
    store: Store<'a, T>,
    rows: Arc<Rows>,
}

/// What the metric makes of the points, scaled.
#[derive(Debug)]
struct Rows {
    values: Values,
    width: usize,
    base: Base,
    /// The first distance seen that is none.
    fault: OnceLock<Error>,
}

#[derive(Debug)]
enum Values {
    Single(Vec<f32>),
    Double(Vec<f64>),
}

/// A point: one of the rows.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    rows: Arc<Rows>,
    at: u32,
}

impl Row {
    /// Index of the point.
    pub(crate) fn index(&self) -> u32 {
        self.at
    }

    /// A number that grows with the distance, never NaN.
    pub(crate) fn compare(&self, other: &Self) -> f32 {
        let width = self.rows.width;
        let range = |row: &Self| row.at as usize * width..(row.at as usize + 1) * width;
        match (&self.rows.values, &other.rows.values) {
            (Values::Single(a), Values::Single(b)) => {
                quantity(&self.rows.base, &a[range(self)], &b[range(other)])
            }
            (Values::Double(a), Values::Double(b)) => {
                let mut quantity = [0.0];
                self.rows.base.fill(&a[range(self)], &b[range(other)], &mut quantity);
                let [quantity] = quantity;
                if !(quantity.is_finite() && quantity >= 0.0) {
                    // Told when the search is over; the index of another crate has no way to fail.
                    let (row, point) = (self.at as usize, other.at as usize);
                    let _ = self.rows.fault.set(Error::BadDistance { row, point, distance: quantity });
                    return f32::MAX;
                }
                #[allow(clippy::cast_possible_truncation, reason = "only the order matters")]
                let narrowed = quantity.min(f64::from(f32::MAX)) as f32;
                narrowed
            }
            _ => unreachable!("queries are made into rows like those of the points"),
        }
    }
}

/// The quantity of two rows in f32.
fn quantity(base: &Base, a: &[f32], b: &[f32]) -> f32 {
    let level = Level::new();
    match base {
        Base::Squares => dispatch!(level, _simd => sum(by_lanes(
            a,
            b,
            #[inline(always)]
            |sum, a, b| sum + (a - b) * (a - b),
        ))),
        Base::Absolutes => dispatch!(level, _simd => sum(by_lanes(
            a,
            b,
            #[inline(always)]
            |sum, a, b| sum + (a - b).abs(),
        ))),
        Base::Largest => dispatch!(level, _simd => {
            let most: [f32; 16] = by_lanes(
                a,
                b,
                #[inline(always)]
                |most: f32, a: f32, b: f32| most.max((a - b).abs()),
            );
            most.into_iter().fold(0.0, f32::max)
        }),
        Base::Pair(_) => unreachable!("rows compared as a whole are kept in f64"),
    }
}

#[inline(always)]
fn sum(lanes: [f32; 16]) -> f32 {
    sum_lanes(std::array::from_fn(
        #[inline(always)]
        |l| lanes[l] + lanes[l + 8],
    ))
}

impl Rows {
    /// The rows of `store`, multiplied by `scale` if they have no scales of their own.
    fn new<T: Scalar>(store: &Store<'_, T>, scale: f64, geometry: &Geometry) -> Self {
        let (n, width) = (store.n_points(), store.n_features());
        // A feature of its own for rows of zeros: 1 away from rows of length 1, whose squares are then 2 away.
        let extra = usize::from(geometry.unit);
        let read = |i: usize, row: &mut Vec<f64>| {
            row.clear();
            store.read(i..i + 1, scale, row);
            row.iter_mut().for_each(|x| *x = x.clamp(-FARTHEST, FARTHEST));
            row.extend((0..extra).map(|_| if store.is_zero_row(i) { 1.0 } else { 0.0 }));
        };
        let single =
            matches!(T::typed(&[] as &[T]), Typed::F32(_)) && !matches!(geometry.base, Base::Pair(_));
        let width = width + extra;
        let values = if single {
            let mut values = vec![0.0_f32; n * width];
            values.par_chunks_exact_mut(width).enumerate().for_each_init(Vec::new, |row, (i, to)| {
                read(i, row);
                #[allow(clippy::cast_possible_truncation, reason = "narrowing is the purpose")]
                to.iter_mut().zip(&*row).for_each(|(to, &x)| *to = x as f32);
            });
            Values::Single(values)
        } else {
            let mut values = vec![0.0; n * width];
            values.par_chunks_exact_mut(width).enumerate().for_each_init(Vec::new, |row, (i, to)| {
                read(i, row);
                to.copy_from_slice(row);
            });
            Values::Double(values)
        };
        Self { values, width, base: geometry.base.clone(), fault: OnceLock::new() }
    }
}

impl<'a, T: Scalar> RowPoints<'a, T> {
    pub(crate) fn new(points: Points<'a, T>, metric: &Metric) -> Result<Self, Error> {
        points.check_finite()?;
        let geometry = Geometry::of_points(metric, points)?;
        let store = Store::new(points, &geometry)?;
        let rows = Arc::new(Rows::new(&store, store.scale(), &geometry));
        Ok(Self { geometry, store, rows })
    }

    pub(crate) fn into_owned(self) -> RowPoints<'static, T> {
        RowPoints { geometry: self.geometry, store: self.store.into_owned(), rows: self.rows }
    }

    pub(crate) fn n_points(&self) -> usize {
        self.store.n_points()
    }

    pub(crate) fn n_features(&self) -> usize {
        self.store.n_features()
    }

    /// Every point.
    pub(crate) fn rows(&self) -> Vec<Row> {
        (0_u32..).take(self.n_points()).map(|at| Row { rows: Arc::clone(&self.rows), at }).collect()
    }

    /// Whether all distances seen so far were distances.
    pub(crate) fn check(&self) -> Result<(), Error> {
        self.rows.fault.get().cloned().map_or(Ok(()), Err)
    }

    /// The `k` nearest other points of every point, among those that `find` puts into its list.
    pub(crate) fn graph<W>(
        &self,
        k: usize,
        control: &Control<'_>,
        init: impl Fn() -> W + Sync,
        find: impl Fn(&mut W, &Row, &mut Vec<u32>) + Sync,
    ) -> Result<KnnGraph<T>, Error> {
        check_k(k, self.n_points().saturating_sub(1))?;
        self.nearest(&self.store, &self.rows, true, k, control, init, find)
    }

    /// The `k` nearest points of every query, among those that `find` puts into its list.
    pub(crate) fn answers<W>(
        &self,
        queries: Points<'_, T>,
        k: usize,
        control: &Control<'_>,
        init: impl Fn() -> W + Sync,
        find: impl Fn(&mut W, &Row, &mut Vec<u32>) + Sync,
    ) -> Result<KnnGraph<T>, Error> {
        check_k(k, self.n_points())?;
        check_features(self.n_features(), queries.n_features())?;
        queries.check_finite()?;
        let queries = Store::new(queries, &self.geometry)?;
        let rows = Arc::new(Rows::new(&queries, self.store.scale(), &self.geometry));
        self.nearest(&queries, &rows, false, k, control, init, find)
    }

    fn nearest<W>(
        &self,
        store: &Store<'_, T>,
        rows: &Arc<Rows>,
        exclude_self: bool,
        k: usize,
        control: &Control<'_>,
        init: impl Fn() -> W + Sync,
        find: impl Fn(&mut W, &Row, &mut Vec<u32>) + Sync,
    ) -> Result<KnnGraph<T>, Error> {
        let direct = Direct { geometry: &self.geometry, rows: store, indexed: &self.store };
        let progress = Progress::new(control, store.n_points());
        let graph = nearest_candidates(&direct, exclude_self, k, &progress, init, |work, i, candidates| {
            let at = u32::try_from(i).expect("points are numbered by u32");
            find(work, &Row { rows: Arc::clone(rows), at }, candidates);
            Ok(())
        })?;
        Ok(graph)
    }
}

/// The `k` nearest of the candidates of every row, by their distances as they are defined.
///
/// `find` puts the candidates of a row into a list, which may repeat them, hold the row itself or points that do not
/// exist; `init` makes what it works with. A row left with fewer than `k` is searched for among all points.
fn nearest_candidates<T: Scalar, W>(
    direct: &Direct<'_, '_, T>,
    exclude_self: bool,
    k: usize,
    progress: &Progress<'_>,
    init: impl Fn() -> W + Sync,
    find: impl Fn(&mut W, usize, &mut Vec<u32>) -> Result<(), Error> + Sync,
) -> Result<KnnGraph<T>, Error> {
    let n_points = direct.indexed.n_points();
    let mut output = Output::new(direct.rows.n_points(), k)?;
    let rows = output.neighbors.par_chunks_mut(CHUNK * k).zip(output.distances.par_chunks_mut(CHUNK * k));
    let unknown = rows.enumerate().map(|(chunk, (neighbors, distances))| {
        let (mut work, mut scratch) = (init(), Scratch::default());
        let (mut candidates, mut found, mut unknown) = (Vec::new(), Vec::new(), Vec::new());
        let rows = neighbors.chunks_exact_mut(k).zip(distances.chunks_exact_mut(k));
        for (i, (neighbors, distances)) in (chunk * CHUNK..).zip(rows) {
            progress.advance(1)?;
            candidates.clear();
            find(&mut work, i, &mut candidates)?;
            candidates.retain(|&j| (j as usize) < n_points && !(exclude_self && j as usize == i));
            candidates.sort_unstable();
            candidates.dedup();
            if candidates.len() < k {
                unknown.push(u32::try_from(i).expect("points are numbered by u32"));
                continue;
            }
            direct.distances_to(i, candidates.iter().copied(), &mut scratch, &mut found)?;
            write_nearest(&mut found, neighbors, distances);
        }
        Ok(unknown)
    });
    output.unknown = unknown.collect::<Result<Vec<_>, Error>>()?.concat();
    output.complete(direct, exclude_self, k, progress)
}
