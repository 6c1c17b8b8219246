//! How good a graph is, or a map: recall on a sample, trustworthiness, continuity, silhouette (\[M56\]).

use std::cmp::Ordering;

use rand::RngExt as _;
use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::SeedableRng as _;
use rayon::prelude::*;
use tsne_core::{Control, KnnGraph, Points, Scalar, Seed};

use crate::compiled::compiled_here;
use crate::direct::Direct;
use crate::error::{Error, check_k};
use crate::geometry::Geometry;
use crate::metric::Metric;
use crate::progress::Progress;
use crate::store::Store;

/// A neighbor no farther than the true k-th by this factor counts as found: ties count against nobody.
const TIE: f64 = 1.0 + 1e-6;

/// Rows measured together, so that each point is read once for all of them.
const ROWS: usize = 16;
/// Distances held by one thread at most, unless those of one row are more.
const DISTANCES: usize = 1 << 21;

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
    fn choose(self, n: usize) -> Vec<u32> {
        let mut rows: Vec<u32> = (0..).take(n).collect();
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
    /// Share of the nearest in the map that are among the nearest in the data, ties counting as in [`recall`].
    pub kept: f64,
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

/// How well apart the groups of `labels` lie, a label for each of `points`: the mean silhouette (Rousseeuw 1987), from −1
/// to 1, of `rows` among all points. A point that is alone in its group counts 0. None where there are fewer than two groups.
///
/// Time O(rows · n · D). Equal bits whatever the number of threads.
///
/// # Errors
/// When there are other labels than `points`, the points do not suit the metric, or `control` interrupts.
pub fn silhouette<T: Scalar>(
    points: Points<'_, T>,
    metric: &Metric,
    labels: &[u32],
    rows: Rows,
    control: &Control<'_>,
) -> Result<Option<f64>, Error> {
    apart(points, metric, labels, rows, control)
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
        let hits = all.over(&rows, &progress, |i, distances| {
            let neighbors = graph.row(i).0.iter().map(|&j| distances.get(j as usize).copied());
            let found: Vec<f64> = neighbors.map(|d| d.unwrap_or(f64::INFINITY)).collect();
            // The point itself, at the largest distance of all, is never counted.
            let (_, &mut kth, _) = distances.select_nth_unstable_by(k - 1, f64::total_cmp);
            found.iter().filter(|&&d| d <= kth * TIE).count()
        })?;
        let hits: usize = hits.into_iter().sum();
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
        let found = rows.par_chunks(batch_len(n)).map(|which| {
            let (in_data, in_map) = (data.of(which, &progress)?, map.of(which, &progress)?);
            progress.advance(which.len())?;
            let pairs = in_data.chunks_exact(n).zip(in_map.chunks_exact(n));
            Ok(pairs.map(|(in_data, in_map)| Kept::of(in_data, in_map, k)).collect::<Vec<_>>())
        });
        let found = found.collect::<Result<Vec<_>, Error>>()?.concat();
        let n_found = rows.len() as f64 * k as f64;
        let worst = n_found * (2.0 * n as f64 - 3.0 * k as f64 - 1.0) / 2.0;
        let less = |excess: usize| 1.0 - excess as f64 / worst;
        Ok(Preservation {
            trustworthiness: less(found.iter().map(|kept| kept.intrusion).sum()),
            continuity: less(found.iter().map(|kept| kept.loss).sum()),
            kept: found.iter().map(|kept| kept.n_kept).sum::<usize>() as f64 / n_found,
        })
    }

    fn apart<'s; T>(
        points: Points<'s, T>,
        metric: &'s Metric,
        labels: &'s [u32],
        rows: Rows,
        control: &'s Control<'s>,
    ) -> Result<Option<f64>, Error> {
        let all = AllDistances::new(points, metric)?;
        check_rows(all.n_points(), labels.len())?;
        let groups = Groups::new(labels);
        if groups.sizes.len() < 2 {
            return Ok(None);
        }
        let rows = rows.choose(labels.len());
        let progress = Progress::new(control, rows.len());
        let silhouettes = all.over(&rows, &progress, |i, distances| {
            distances[i] = 0.0;
            groups.silhouette(groups.of[i], distances)
        })?;
        Ok(Some(silhouettes.iter().sum::<f64>() / rows.len() as f64))
    }
}

/// Points by their labels.
struct Groups {
    /// The group of each point.
    of: Vec<usize>,
    sizes: Vec<usize>,
}

impl Groups {
    fn new(labels: &[u32]) -> Self {
        let mut names = labels.to_vec();
        names.sort_unstable();
        names.dedup();
        let of: Vec<usize> = labels.iter().map(|label| names.partition_point(|name| name < label)).collect();
        let mut sizes = vec![0; names.len()];
        of.iter().for_each(|&group| sizes[group] += 1);
        Self { of, sizes }
    }

    /// (b − a) / max(a, b) of a point of the group `own` at these `distances` of all points, its own being 0: a is its
    /// mean distance from the others of its group, b the least of those from other groups.
    fn silhouette(&self, own: usize, distances: &[f64]) -> f64 {
        if self.sizes[own] == 1 {
            return 0.0;
        }
        let mut sums = vec![0.0; self.sizes.len()];
        for (&group, distance) in self.of.iter().zip(distances) {
            sums[group] += distance;
        }
        let mean = |group: usize| sums[group] / self.sizes[group] as f64;
        let a = sums[own] / (self.sizes[own] - 1) as f64;
        let b = (0..sums.len()).filter(|&group| group != own).map(mean).fold(f64::INFINITY, f64::min);
        let larger = a.max(b);
        if larger > 0.0 { (b - a) / larger } else { 0.0 }
    }
}

fn check_rows(expected: usize, got: usize) -> Result<(), Error> {
    if expected == got { Ok(()) } else { Err(Error::RowMismatch { expected, got }) }
}

/// How a map keeps the neighborhood of one point.
#[derive(Clone, Copy)]
struct Kept {
    /// By how much the ranks in the data of its nearest in the map exceed k, summed up.
    intrusion: usize,
    /// By how much the ranks in the map of its nearest in the data do.
    loss: usize,
    /// How many of its nearest in the map are as near in the data as the k-th.
    n_kept: usize,
}

impl Kept {
    /// From the distances of a point to all, its own infinite.
    fn of(in_data: &[f64], in_map: &[f64], k: usize) -> Self {
        let (of_data, of_map) = (nearest(in_data, k), nearest(in_map, k));
        let kth = of_data.iter().map(|&j| in_data[j as usize]).fold(0.0, f64::max);
        Self {
            n_kept: of_map.iter().filter(|&&j| in_data[j as usize] <= kth * TIE).count(),
            intrusion: excess_ranks(of_map, in_data),
            loss: excess_ranks(of_data, in_map),
        }
    }
}

/// Order of two points by their distances. Ties rank by index.
fn by(distances: &[f64], a: u32, b: u32) -> Ordering {
    distances[a as usize].total_cmp(&distances[b as usize]).then(a.cmp(&b))
}

/// The `k` nearest, in no order.
fn nearest(distances: &[f64], k: usize) -> Vec<u32> {
    let mut nearest: Vec<u32> = (0_u32..).take(distances.len()).collect();
    nearest.select_nth_unstable_by(k - 1, |&a, &b| by(distances, a, b));
    nearest.truncate(k);
    nearest
}

/// By how much the ranks by `to` of k points exceed k, summed up.
fn excess_ranks(mut points: Vec<u32>, to: &[f64]) -> usize {
    let k = points.len();
    points.sort_unstable_by(|&a, &b| by(to, a, b));
    // Points between one of them and the next, by `to`; added up they are the ranks.
    let mut between = vec![0; k + 1];
    for j in (0_u32..).take(to.len()) {
        between[points.partition_point(|&a| by(to, a, j).is_lt())] += 1;
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

    /// What `measure` makes of each of `rows` and its distances to all points, its own infinite.
    fn over<R: Send>(
        &self,
        rows: &[u32],
        progress: &Progress<'_>,
        measure: impl Fn(usize, &mut [f64]) -> R + Sync,
    ) -> Result<Vec<R>, Error> {
        let n = self.n_points();
        let batches = rows.par_chunks(batch_len(n)).map(|which| {
            let mut distances = self.of(which, progress)?;
            progress.advance(which.len())?;
            let of_rows = which.iter().zip(distances.chunks_exact_mut(n));
            Ok(of_rows.map(|(&i, distances)| measure(i as usize, distances)).collect())
        });
        Ok(batches.collect::<Result<Vec<Vec<R>>, Error>>()?.into_iter().flatten().collect())
    }

    /// The distances of each of the points `which` to all, its own infinite, one point after the other.
    fn of(&self, which: &[u32], progress: &Progress<'_>) -> Result<Vec<f64>, Error> {
        let n = self.n_points();
        let direct = Direct { geometry: &self.geometry, rows: &self.store, indexed: &self.store };
        let mut distances = vec![f64::INFINITY; which.len() * n];
        direct
            .see_all(which, true, progress, |row, j, distance| distances[row * n + j as usize] = distance)?;
        Ok(distances)
    }
}

/// Rows of distances to `n` points that are held at a time.
fn batch_len(n: usize) -> usize {
    (DISTANCES / n.max(1)).clamp(1, ROWS)
}

#[cfg(test)]
mod tests {
    use super::{Kept, excess_ranks, nearest};

    #[test]
    fn ranks_beyond_k_are_summed_up() {
        // Nearest two of six by `from` are 4 and 0; by `to` their ranks are 5 and 1.
        let from = [0.2, 0.5, 0.6, 0.7, 0.1, f64::INFINITY];
        let to = [0.1, 0.2, 0.3, 0.3, 0.4, f64::INFINITY];
        let excess = |from: &[f64], k| excess_ranks(nearest(from, k), &to);
        assert_eq!(excess(&from, 2), 3, "rank 5 exceeds 2 by 3, rank 1 not at all");
        assert_eq!(excess(&to, 2), 0, "the same order");
        assert_eq!(excess(&from, 5), 0, "all five");
        let kept = Kept::of(&to, &from, 2);
        assert_eq!((kept.intrusion, kept.n_kept), (3, 1), "of 4 and 0, point 0 is one of the nearest two");
    }
}
