//! A metric means the same in every index: what one reports for a pair of points, all do.

use tsne_core::{Control, KnnGraph, NeighborIndex, NeighborQuery, Points, Seed};
use tsne_neighbors::{
    CustomMetric, Error, Exact, ForestParams, Metric, MetricParameters, NnDescent, RandomProjectionForest,
};
use tsne_testkit::data;

use crate::data::cube;

/// Features of most points.
const FEATURES: usize = 16;
/// Enough points for nearest-neighbor descent to compare a part of the pairs only, under every metric.
const N: usize = 2_100;
/// Enough of them under metrics that are computed pair by pair.
const N_BY_PAIRS: usize = 1_100;
/// Points whose rows are judged.
const N_JUDGED: usize = 150;
const K: usize = 10;

/// Whole numbers from 0 to 255 in groups, of which each has features of its own; a few more or fewer in every row.
fn grouped_bytes() -> Vec<f64> {
    const N_GROUPS: usize = 30;
    let (of_group, noise) = (cube(N_GROUPS, FEATURES, 1), cube(N, FEATURES, 2));
    let value = |(at, &noise): (usize, &f64)| {
        let (i, f) = (at / FEATURES, at % FEATURES);
        let base = of_group[i % N_GROUPS * FEATURES + f];
        // One feature in thirteen is there where the group has none, or the other way round; one always is.
        let is_there = ((base > 0.4) != (noise < 0.08)) || f == 0;
        if is_there { 10.0 + (200.0 * base).floor() + (8.0 * noise).floor() } else { 0.0 }
    };
    noise.iter().enumerate().map(value).collect()
}

/// Every metric with parameters of some effect, and points it is for.
fn cases() -> Vec<(Metric, Vec<f64>, usize)> {
    let bytes = grouped_bytes();
    let inverse_covariance: Vec<f64> = (0..FEATURES * FEATURES)
        .map(|at| if at / FEATURES == at % FEATURES { 1.0 + (at % 5) as f64 } else { 0.05 })
        .collect();
    let weights: Vec<f64> = (0..FEATURES).map(|f| (f % 4) as f64 / 2.0).collect();
    let parameters = |name: &str| MetricParameters {
        p: ["minkowski", "wminkowski"].contains(&name).then_some(3.0),
        inverse_covariance: (name == "mahalanobis").then(|| inverse_covariance.clone()),
        weights: (name == "wminkowski").then(|| weights.clone()),
        variances: None,
    };
    let mut cases: Vec<(Metric, Vec<f64>, usize)> = Vec::new();
    for name in Metric::names() {
        let named = Metric::from_name(name, &parameters(name));
        // Some names are of a metric that has had its turn, and may lack what the first of its names was given.
        let Ok(metric) = named else { continue };
        if metric.name() != name {
            continue;
        }
        let (values, width) = match metric {
            Metric::Haversine => (cube(N, 2, 3).iter().map(|x| 2.0 * x - 1.0).collect(), 2),
            Metric::Dot => {
                let unit = |row: &[f64]| {
                    let length = row.iter().map(|x| x * x).sum::<f64>().sqrt();
                    row.iter().map(move |x| x / length).collect::<Vec<f64>>()
                };
                (bytes.chunks_exact(FEATURES).flat_map(unit).collect(), FEATURES)
            }
            _ => (bytes.clone(), FEATURES),
        };
        cases.push((metric, values, width));
    }
    let custom = CustomMetric::new(|a, b| a.iter().zip(b).map(|(a, b)| (a - b).abs().sqrt()).sum());
    cases.push((Metric::Custom(custom), data::blobs(Seed(4), N, 8, 30).values, 8));
    cases
}

/// Distances of the first points to all, by exact search.
struct Judge {
    distances: Vec<Vec<f64>>,
}

impl Judge {
    fn new(metric: &Metric, values: &[f64], width: usize) -> Self {
        let points = Points::from_row_major(values, width).expect("shape");
        let first = Points::from_row_major(&values[..N_JUDGED * width], width).expect("shape");
        let exact = Exact::with_metric(points, metric).unwrap_or_else(|e| panic!("{}: {e}", metric.name()));
        let all = exact.query(first, points.n_points(), &Control::NONE).expect("all points are enough");
        let by_index = |i: usize| {
            let mut row = vec![f64::NAN; points.n_points()];
            all.row(i).0.iter().zip(all.row(i).1).for_each(|(&j, &d)| row[j as usize] = d);
            row
        };
        Self { distances: (0..N_JUDGED).map(by_index).collect() }
    }

    /// Asserts that the first rows of a graph have these distances, and most of the true neighbors.
    fn check(&self, what: &str, graph: &KnnGraph<f64>) {
        graph.check_rows(self.distances[0].len(), true).unwrap_or_else(|e| panic!("{what}: {e}"));
        let mut n_found = 0;
        for (i, truth) in self.distances.iter().enumerate() {
            let mut others: Vec<f64> =
                truth.iter().enumerate().filter(|(j, _)| *j != i).map(|(_, &d)| d).collect();
            others.sort_by(f64::total_cmp);
            let farthest = others[K - 1] * (1.0 + 1e-12);
            for (&j, &found) in graph.row(i).0.iter().zip(graph.row(i).1) {
                let expected = truth[j as usize];
                // The same numbers in the same order: nothing differs but the scale that rows are read at.
                let is_close = (found - expected).abs() <= 1e-13 * expected.max(1.0);
                assert!(is_close, "{what}, points {i} and {j}: {found}, by exact search {expected}");
                n_found += usize::from(expected <= farthest);
            }
        }
        let recall = n_found as f64 / (N_JUDGED * K) as f64;
        assert!(recall >= 0.9, "{what}: {recall} of the neighbors are found");
    }
}

#[test]
fn every_metric_is_the_same_in_every_index() {
    let (mut n_metrics, mut n_in_forest) = (0, 0);
    for (metric, values, width) in &cases() {
        let (name, mut values, width) = (metric.name(), values.as_slice(), *width);
        let points = Points::from_row_major(values, width).expect("shape");
        match RandomProjectionForest::build(points, metric, ForestParams::default(), &Control::NONE) {
            Ok(forest) => {
                let graph = forest.knn_graph(K, &Control::NONE).expect("legal");
                Judge::new(metric, values, width).check(&format!("annoy, {name}"), &graph);
                n_in_forest += 1;
            }
            Err(error) => {
                assert!(matches!(error, Error::UnsupportedMetric { .. }), "{name}: {error}");
                values = &values[..N_BY_PAIRS * width];
            }
        }
        let points = Points::from_row_major(values, width).expect("shape");
        let judge = Judge::new(metric, values, width);
        let exact = Exact::with_metric(points, metric).expect("as before");
        judge.check(&format!("exact, {name}"), &exact.knn_graph(K, &Control::NONE).expect("legal"));
        let descent = NnDescent::with_metric(points, metric, Seed(1)).expect("what exact search takes");
        let (graph, n_pairs) = descent.counted_graph(K, &Control::NONE).expect("legal");
        let n = points.n_points();
        assert_ne!(n_pairs, (n * (n - 1) / 2) as u64, "{name}: not simply all pairs");
        judge.check(&format!("nndescent, {name}"), &graph);
        #[cfg(any(feature = "hnsw", feature = "instant-distance"))]
        check_indexes_of_others(metric, &values[..FEWER * width], width);
        n_metrics += 1;
    }
    assert_eq!(n_metrics, 35, "every metric there is, and a function");
    assert_eq!(n_in_forest, 14, "those that sum over features, and hamming");
}

/// Points of the indexes that take them one by one.
#[cfg(any(feature = "hnsw", feature = "instant-distance"))]
const FEWER: usize = 250;

#[cfg(any(feature = "hnsw", feature = "instant-distance"))]
fn check_indexes_of_others(metric: &Metric, values: &[f64], width: usize) {
    let points = Points::from_row_major(values, width).expect("shape");
    let (judge, name) = (Judge::new(metric, values, width), metric.name());
    #[cfg(feature = "hnsw")]
    {
        use tsne_neighbors::{Hnsw, HnswParams};
        let index = Hnsw::build(points, metric, HnswParams::default(), &Control::NONE).expect("legal");
        judge.check(&format!("hnsw, {name}"), &index.knn_graph(K, &Control::NONE).expect("legal"));
    }
    #[cfg(feature = "instant-distance")]
    {
        use tsne_neighbors::{InstantDistance, InstantDistanceParams};
        let params = InstantDistanceParams::default();
        let index = InstantDistance::build(points, metric, params, &Control::NONE).expect("legal");
        judge
            .check(&format!("instant-distance, {name}"), &index.knn_graph(K, &Control::NONE).expect("legal"));
    }
}
