//! The plainest implementation of every seam: what a plug-in author would write first. Broken variants derive from it.

use rayon::prelude::*;
use tsne_core::{
    Affinities, AffinityRow, BackendError, Control, Csr, KnnGraph, NegativeGradient, NeighborIndex,
    NeighborQuery, NewAffinities, NewRows, Points, ReferenceField, Scalar, StudentT, ToNew,
};
use tsne_testkit::oracle;

/// All distances, sorted.
pub(crate) struct BruteForce<'a, T> {
    pub(crate) points: Points<'a, T>,
}

impl<T: Scalar> BruteForce<'_, T> {
    fn search(
        &self,
        queries: Points<'_, T>,
        k: usize,
        exclude_self: bool,
        control: &Control<'_>,
    ) -> Result<KnnGraph<T>, BackendError> {
        let most = self.points.n_points() - usize::from(exclude_self);
        if k == 0 || k > most {
            return Err(BackendError::new(format!("k = {k} is outside 1..={most}")));
        }
        if queries.n_features() != self.points.n_features() {
            return Err(BackendError::new("wrong number of features"));
        }
        queries.check_finite().map_err(BackendError::new)?;
        let (points, rows) = (rows(self.points), rows(queries));
        let nearest = |(i, query): (usize, &Vec<f64>)| {
            control.tick(i, rows.len())?;
            let mut all: Vec<(f64, u32)> = (0_u32..)
                .zip(&points)
                .filter(|&(j, _)| !(exclude_self && j as usize == i))
                .map(|(j, point)| (query.iter().zip(point).map(|(a, b)| (a - b) * (a - b)).sum(), j))
                .collect();
            all.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
            all.truncate(k);
            let by_distance = |&(d2, j): &(f64, u32)| (T::lit(d2.sqrt()), j);
            let mut row: Vec<(T, u32)> = all.iter().map(by_distance).collect();
            // Rounding to T ties what differed.
            row.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
            Ok(row)
        };
        let found = rows.par_iter().enumerate().map(nearest);
        let found = found.collect::<Result<Vec<_>, BackendError>>()?.concat();
        let (distances, neighbors) = found.into_iter().unzip();
        Ok(KnnGraph::from_parts(k, neighbors, distances).expect("k a row"))
    }
}

impl<T: Scalar> NeighborIndex<T> for BruteForce<'_, T> {
    fn n_points(&self) -> usize {
        self.points.n_points()
    }

    fn knn_graph(&self, k: usize, control: &Control<'_>) -> Result<KnnGraph<T>, BackendError> {
        self.search(self.points, k, true, control)
    }
}

impl<T: Scalar> NeighborQuery<T> for BruteForce<'_, T> {
    fn n_features(&self) -> usize {
        self.points.n_features()
    }

    fn query(
        &self,
        queries: Points<'_, T>,
        k: usize,
        control: &Control<'_>,
    ) -> Result<KnnGraph<T>, BackendError> {
        self.search(queries, k, false, control)
    }
}

fn rows<T: Scalar>(points: Points<'_, T>) -> Vec<Vec<f64>> {
    let mut row = vec![T::default(); points.n_features()];
    (0..points.n_points())
        .map(|i| {
            points.copy_row(i, &mut row);
            row.iter().map(|x| x.to_f64()).collect()
        })
        .collect()
}

/// Equal weights for the `k` nearest.
pub(crate) struct Uniform<T> {
    pub(crate) joint: Csr<T>,
    pub(crate) k: usize,
}

impl<T: Scalar> Uniform<T> {
    pub(crate) fn of(points: Points<'_, T>, k: usize) -> Self {
        let n = points.n_points();
        let graph = oracle::knn(points, k);
        let lists = |i: usize, j: usize| f64::from(u8::from(graph.row(i).0.iter().any(|&x| x as usize == j)));
        let total = 2.0 * (n * k) as f64;
        let joint = oracle::Matrix::from_fn(n, n, |i, j| (lists(i, j) + lists(j, i)) / total);
        Self { joint: joint.to_csr(), k }
    }
}

impl<T: Scalar> Affinities<T> for Uniform<T> {
    fn n_points(&self) -> usize {
        self.joint.n_rows()
    }

    fn row(&self, i: usize) -> AffinityRow<'_, T> {
        Affinities::row(&self.joint, i)
    }
}

impl<T: Scalar> ToNew<T> for Uniform<T> {
    fn to_new(
        &self,
        index: &dyn NeighborQuery<T>,
        points: Points<'_, T>,
        request: &NewRows,
        control: &Control<'_>,
    ) -> Result<NewAffinities<T>, BackendError> {
        let k = request.n_neighbors.unwrap_or(self.k);
        let neighbors = index.query(points, k.max(request.min_neighbors).min(index.n_points()), control)?;
        let nearest = neighbors.truncated(k);
        let n = points.n_points();
        let mut columns = nearest.neighbors().to_vec();
        columns.chunks_exact_mut(k).for_each(<[u32]>::sort_unstable);
        let offsets = (0..=n).map(|i| i * k).collect();
        let values = vec![T::lit(1.0 / k as f64); n * k];
        let rows = Csr::from_parts(index.n_points(), offsets, columns, values).map_err(BackendError::new)?;
        Ok(NewAffinities { rows, neighbors })
    }
}

/// All pairs, summed in f64 for every point.
pub(crate) struct AllPairs {
    pub(crate) kernel: StudentT,
}

impl<T: Scalar, const D: usize> NegativeGradient<T, D> for AllPairs {
    fn kernel(&self) -> StudentT {
        self.kernel
    }

    fn repel(&mut self, y: &[[T; D]], forces: &mut [[T; D]]) -> Result<f64, BackendError> {
        assert_eq!(y.len(), forces.len(), "positions and forces differ in number");
        finite(y)?;
        let normalizers: Vec<f64> = forces
            .par_iter_mut()
            .enumerate()
            .map(|(i, force)| all_sources(self.kernel, &y[i], y, Some(i), force))
            .collect();
        Ok(normalizers.iter().sum())
    }
}

/// All sources, summed in f64 for every target.
pub(crate) struct AllSources<'a, T, const D: usize> {
    pub(crate) kernel: StudentT,
    pub(crate) sources: &'a [[T; D]],
}

impl<T: Scalar, const D: usize> ReferenceField<T, D> for AllSources<'_, T, D> {
    fn kernel(&self) -> StudentT {
        self.kernel
    }

    fn n_references(&self) -> usize {
        self.sources.len()
    }

    fn repel_targets(
        &self,
        targets: &[[T; D]],
        forces: &mut [[T; D]],
        normalizers: &mut [f64],
    ) -> Result<(), BackendError> {
        assert_eq!(targets.len(), forces.len(), "targets and forces differ in number");
        assert_eq!(targets.len(), normalizers.len(), "targets and normalizers differ in number");
        finite(targets)?;
        targets.par_iter().zip(forces).zip(normalizers).for_each(|((target, force), normalizer)| {
            *normalizer = all_sources(self.kernel, target, self.sources, None, force);
        });
        Ok(())
    }
}

fn finite<T: Scalar, const D: usize>(y: &[[T; D]]) -> Result<(), BackendError> {
    match y.as_flattened().iter().position(|x| !x.is_finite()) {
        None => Ok(()),
        Some(at) => Err(BackendError::new(format!("position {} is not finite", at / D))),
    }
}

fn all_sources<T: Scalar, const D: usize>(
    kernel: StudentT,
    target: &[T; D],
    sources: &[[T; D]],
    myself: Option<usize>,
    force: &mut [T; D],
) -> f64 {
    let (mut sum, mut normalizer) = ([0.0; D], 0.0);
    for (_, source) in sources.iter().enumerate().filter(|&(j, _)| Some(j) != myself) {
        let difference: [f64; D] = std::array::from_fn(|a| target[a].to_f64() - source[a].to_f64());
        let d2 = difference.iter().map(|x| x * x).sum();
        normalizer += kernel.similarity(d2);
        let weight = kernel.repulsion(d2);
        for a in 0..D {
            sum[a] += weight * difference[a];
        }
    }
    *force = sum.map(T::lit);
    normalizer
}
