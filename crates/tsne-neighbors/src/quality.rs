//! How good a graph is, or a map: recall on a sample, trustworthiness and continuity (\[M56\]).

use rand::RngExt as _;
use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::SeedableRng as _;
use rayon::prelude::*;
use tsne_core::{Control, KnnGraph, Points, Scalar, Seed};

use crate::compiled::compiled_here;
use crate::direct::{Direct, Scratch};
use crate::error::{Error, check_k};
use crate::geometry::Geometry;
use crate::metric::Metric;
use crate::progress::Progress;
use crate::store::Store;

/// A neighbor no farther than the true k-th by this factor counts as found: ties count against nobody.
const TIE: f64 = 1.0 + 1e-6;

/// Stream of the rows that are sampled.
const SAMPLE: u64 = 0x73_61_6d_70;

/// Which rows a measure is taken on.
#[derive(Clone, Copy, Debug, PartialEq)]
#[allow(clippy::exhaustive_enums, reason = "there is nothing between some and all")]
pub enum Rows {
    /// All of them.
    All,
    /// So many, or all if there are no more, chosen by the seed.
    Sample(usize, Seed),
}

impl Rows {
    /// The rows of `n` chosen, in increasing order.
    fn choose(self, n: usize) -> Vec<usize> {
        let mut rows: Vec<usize> = (0..n).collect();
        if let Self::Sample(count, seed) = self
            && count < n
        {
            let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed.derive(SAMPLE).0);
            for at in 0..count {
                let other = rng.random_range(at..n);
                rows.swap(at, other);
            }
            rows.truncate(count);
            rows.sort_unstable();
        }
        rows
    }
}

/// Share of the neighbors in `graph` that are no farther than the true k-th, mean over rows.
///
/// Dense points and bytes. Time O(rows · n · D). Equal bits whatever the number of threads.
///
/// # Errors
/// When the graph has other rows than `points`, k is not below the number of points, the points do not suit the
/// metric, or `control` interrupts.
pub fn recall<T: Scalar>(
    graph: &KnnGraph<T>,
    points: Points<'_, T>,
    metric: &Metric,
    rows: Rows,
    control: &Control<'_>,
) -> Result<f64, Error> {
    share_found(graph, points, metric, rows, control)
}

/// How a map keeps neighborhoods.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Preservation {
    /// 1 when neighbors in the map are neighbors in the data; less the farther they were.
    pub trustworthiness: f64,
    /// 1 when neighbors in the data are neighbors in the map; less the farther they are now.
    pub continuity: f64,
}

/// Trustworthiness and continuity of `map`, a row for each of `points`, with `k` neighbors (Venna and Kaski 2001).
///
/// Time O(rows · n · (D + log k)). Equal bits whatever the number of threads.
///
/// # Errors
/// When the map has other rows than `points`, k is 0 or not below half the number of points, the points do not suit
/// the metric, or `control` interrupts.
pub fn preservation<T: Scalar>(
    points: Points<'_, T>,
    metric: &Metric,
    map: Points<'_, T>,
    k: usize,
    rows: Rows,
    control: &Control<'_>,
) -> Result<Preservation, Error> {
    kept(points, metric, map, k, rows, control)
}

compiled_here! {
    fn share_found<'s; T>(
        graph: &'s KnnGraph<T>,
        points: Points<'s, T>,
        metric: &'s Metric,
        rows: Rows,
        control: &'s Control<'s>,
    ) -> Result<f64, Error> {
        let all = AllDistances::new(points, metric)?;
        let (n, k) = (all.n_points(), graph.k());
        check_k(k, n.saturating_sub(1))?;
        check_rows(n, graph.n_points())?;
        let rows = rows.choose(n);
        let progress = Progress::new(control, rows.len());
        let hits = rows.par_iter().map_init(Buffers::default, |buffers, &i| {
            progress.advance(1)?;
            all.distances_of(i, buffers)?;
            let neighbors = graph.row(i).0.iter().map(|&j| buffers.distances.get(j as usize).copied());
            let found: Vec<f64> = neighbors.map(|d| d.unwrap_or(f64::INFINITY)).collect();
            // The point itself, at the largest distance of all, is never counted.
            let (_, &mut kth, _) = buffers.distances.select_nth_unstable_by(k - 1, f64::total_cmp);
            Ok(found.iter().filter(|&&d| d <= kth * TIE).count())
        });
        let hits: usize = hits.collect::<Result<Vec<_>, Error>>()?.into_iter().sum();
        Ok(hits as f64 / (rows.len() * k).max(1) as f64)
    }

    fn kept<'s; T>(
        points: Points<'s, T>,
        metric: &'s Metric,
        map: Points<'s, T>,
        k: usize,
        rows: Rows,
        control: &'s Control<'s>,
    ) -> Result<Preservation, Error> {
        let (data, map) = (AllDistances::new(points, metric)?, AllDistances::new(map, &Metric::Euclidean)?);
        let n = data.n_points();
        check_rows(n, map.n_points())?;
        check_k(k, n.saturating_sub(1) / 2)?;
        let rows = rows.choose(n);
        let progress = Progress::new(control, rows.len());
        let excesses = rows.par_iter().map_init(<(Buffers, Buffers)>::default, |(in_data, in_map), &i| {
            progress.advance(1)?;
            data.distances_of(i, in_data)?;
            map.distances_of(i, in_map)?;
            Ok((
                excess_ranks(&in_map.distances, &in_data.distances, k),
                excess_ranks(&in_data.distances, &in_map.distances, k),
            ))
        });
        let excesses = excesses.collect::<Result<Vec<_>, Error>>()?;
        let worst = rows.len() as f64 * k as f64 * (2.0 * n as f64 - 3.0 * k as f64 - 1.0) / 2.0;
        let kept = |excess: usize| 1.0 - excess as f64 / worst;
        Ok(Preservation {
            trustworthiness: kept(excesses.iter().map(|(intruders, _)| intruders).sum()),
            continuity: kept(excesses.iter().map(|(_, missing)| missing).sum()),
        })
    }
}

fn check_rows(expected: usize, got: usize) -> Result<(), Error> {
    if expected == got { Ok(()) } else { Err(Error::RowMismatch { expected, got }) }
}

/// By how much the ranks by `to` of the `k` nearest by `from` exceed k, summed up. Ties rank by index.
fn excess_ranks(from: &[f64], to: &[f64], k: usize) -> usize {
    let by = |distances: &[f64], a: u32, b: u32| {
        distances[a as usize].total_cmp(&distances[b as usize]).then(a.cmp(&b))
    };
    let mut nearest: Vec<u32> = (0_u32..).take(from.len()).collect();
    nearest.select_nth_unstable_by(k - 1, |&a, &b| by(from, a, b));
    nearest.truncate(k);
    nearest.sort_unstable_by(|&a, &b| by(to, a, b));
    // Points between one of them and the next, by `to`; added up they are the ranks.
    let mut between = vec![0; k + 1];
    for j in (0_u32..).take(to.len()) {
        between[nearest.partition_point(|&a| by(to, a, j).is_lt())] += 1;
    }
    let ranks = between.iter().scan(0, |rank, &count| {
        *rank += count;
        Some(*rank)
    });
    ranks.take(k).map(|rank: usize| rank.saturating_sub(k)).sum()
}

/// Distances of a point to all, whose order is all that counts.
struct AllDistances<'a, T: Scalar> {
    geometry: Geometry,
    store: Store<'a, T>,
}

#[derive(Default)]
struct Buffers {
    scratch: Scratch,
    distances: Vec<f64>,
}

impl<'a, T: Scalar> AllDistances<'a, T> {
    fn new(points: Points<'a, T>, metric: &Metric) -> Result<Self, Error> {
        points.check_finite()?;
        let geometry = Geometry::of_points(metric, points)?;
        let store = Store::new(points, &geometry)?;
        Ok(Self { geometry, store })
    }

    fn n_points(&self) -> usize {
        self.store.n_points()
    }

    /// Fills the buffer with the distances of point `i` to all, its own infinite.
    fn distances_of(&self, i: usize, buffers: &mut Buffers) -> Result<(), Error> {
        let direct = Direct { geometry: &self.geometry, rows: &self.store, indexed: &self.store };
        direct.distances_to_all(i, &mut buffers.scratch, &mut buffers.distances)?;
        buffers.distances[i] = f64::INFINITY;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::excess_ranks;

    #[test]
    fn ranks_beyond_k_are_summed_up() {
        // Nearest two of six by `from` are 4 and 0; by `to` their ranks are 5 and 1.
        let from = [0.2, 0.5, 0.6, 0.7, 0.1, f64::INFINITY];
        let to = [0.1, 0.2, 0.3, 0.3, 0.4, f64::INFINITY];
        assert_eq!(excess_ranks(&from, &to, 2), 3, "rank 5 exceeds 2 by 3, rank 1 not at all");
        assert_eq!(excess_ranks(&to, &to, 2), 0, "the same order");
        assert_eq!(excess_ranks(&from, &to, 5), 0, "all five");
    }
}
