//! The forest: its promises, what it finds for what it spends, and what it refuses.

use std::ops::ControlFlow;
use std::sync::atomic::{AtomicUsize, Ordering};

use tsne_core::{Control, Csr, NeighborIndex, NeighborQuery, Points, Scalar, Seed};
use tsne_neighbors::quality::{Rows, recall};
use tsne_neighbors::{CustomMetric, Error, Exact, ForestParams, Metric, RandomProjectionForest as Forest};
use tsne_testkit::conformance::{NeighborContract, check_neighbor_index, check_neighbor_query};
use tsne_testkit::{data, threads};

use crate::data::{cast, cube};

fn build<'a, T: Scalar>(points: Points<'a, T>, metric: &Metric, params: ForestParams) -> Forest<'a, T> {
    Forest::build(points, metric, params, &Control::NONE).expect("the forest takes these points")
}

fn check_promises<T: Scalar>(metric: &Metric, contract: NeighborContract) {
    let params = ForestParams::default();
    check_neighbor_index::<T>(|points| Ok(Box::new(build(points, metric, params))), contract);
    check_neighbor_query::<T>(|points| Ok(Box::new(build(points, metric, params))), contract);
}

#[test]
fn promises_are_kept() {
    check_promises::<f32>(&Metric::Euclidean, NeighborContract::recall_at_least(0.95));
    check_promises::<f64>(&Metric::Euclidean, NeighborContract::recall_at_least(0.95));
}

#[test]
fn promises_are_kept_under_other_metrics() {
    let contract = NeighborContract::recall_at_least(0.95);
    let apart = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| (a - b).abs()).sum();
    check_promises::<f32>(&Metric::Manhattan, contract.with_distance(apart));
    let most = |a: &[f64], b: &[f64]| a.iter().zip(b).fold(0.0_f64, |m, (a, b)| m.max((a - b).abs()));
    check_promises::<f64>(&Metric::Chebyshev, contract.with_distance(most));
}

/// Recall of the graph on all rows.
fn recall_of<T: Scalar>(points: Points<'_, T>, metric: &Metric, params: ForestParams, k: usize) -> f64 {
    let graph = build(points, metric, params).knn_graph(k, &Control::NONE).expect("k is legal");
    graph.check_rows(points.n_points(), true).expect("rows keep their promises");
    recall(&graph, points, metric, Rows::Sample(400, Seed(1)), &Control::NONE).expect("legal")
}

#[test]
fn most_neighbors_are_found_for_few_distances() {
    let set = data::blobs(Seed(5), 20_000, 10, 40);
    let values = set.to_f32();
    let points = Points::from_row_major(&values, 10).expect("shape");
    let params = ForestParams::default().with_n_trees(12).with_search_k(900);
    let forest = build(points, &Metric::Euclidean, params);
    assert_eq!(forest.distances_computed(), 0, "nothing is searched for yet");
    let graph = forest.knn_graph(15, &Control::NONE).expect("legal");
    let found = recall(&graph, points, &Metric::Euclidean, Rows::Sample(400, Seed(1)), &Control::NONE);
    let (found, computed) = (found.expect("legal"), forest.distances_computed() as f64);
    let share = computed / 20_000.0_f64.powi(2);
    assert!(found >= 0.95 && share <= 0.05, "recall {found} for a share of {share} of the pairs");
    // A row stops with the leaf that fills its budget.
    assert!(computed <= 20_000.0 * (900.0 + 128.0), "{computed} distances");
    forest
        .query(Points::from_row_major(&values[..10], 10).expect("shape"), 1, &Control::NONE)
        .expect("legal");
    let more = forest.distances_computed() as f64 - computed;
    assert!((1.0..=1028.0).contains(&more), "{more} distances of one query");
}

#[test]
fn a_budget_of_all_points_finds_what_the_exact_search_finds() {
    let values: Vec<f32> = cast(&cube(900, 5, 1));
    let points = Points::from_row_major(&values, 5).expect("shape");
    let params = ForestParams::default().with_n_trees(3).with_search_k(2700);
    let forest = build(points, &Metric::Euclidean, params);
    let exact = Exact::new(points).expect("finite");
    let (found, expected) = (forest.knn_graph(40, &Control::NONE), exact.knn_graph(40, &Control::NONE));
    assert_eq!(found.expect("legal"), expected.expect("legal"));
    assert_eq!(forest.distances_computed(), 900 * 900, "every pair both ways, and every point with itself");
    // A budget too small for k is overrun until there are enough.
    let one = build(points, &Metric::Euclidean, params.with_search_k(1).with_n_trees(1));
    let (found, expected) = (one.knn_graph(899, &Control::NONE), exact.knn_graph(899, &Control::NONE));
    assert_eq!(found.expect("legal"), expected.expect("legal"), "all the others");
}

#[test]
fn duplicates_grids_and_clusters_far_apart_keep_their_neighbors() {
    fn check<T: Scalar>(what: &str, values: &[f64], d: usize) {
        let values: Vec<T> = cast(values);
        let points = Points::from_row_major(&values, d).expect("shape");
        let found = recall_of(points, &Metric::Euclidean, ForestParams::default(), 20);
        assert!(found >= 0.97, "{what}: recall {found}");
    }
    let n = 4000;
    let mut repeated = cube(n, 6, 2);
    (2 * n / 3..n).for_each(|i| repeated.copy_within((i - n / 2) * 6..(i - n / 2 + 1) * 6, i * 6));
    let grid: Vec<f64> =
        (0..16 * 16 * 16).flat_map(|i| [i / 256, i / 16 % 16, i % 16]).map(f64::from).collect();
    let mut far = cube(n, 6, 3);
    for (i, row) in far.chunks_exact_mut(6).enumerate() {
        row.iter_mut().for_each(|x| *x += [0.0, 1e6, -1e6, 1e9][if i % 500 == 0 { 3 } else { i % 3 }]);
    }
    check::<f32>("a third repeated", &repeated, 6);
    check::<f64>("a third repeated", &repeated, 6);
    check::<f32>("an integer grid", &grid, 3);
    check::<f64>("clusters far apart and isolated points", &far, 6);
    check::<f32>("all equal", &vec![0.3; 3000 * 2], 2);
    for (n, k) in [(2, 1), (130, 129)] {
        let values = cube(n, 2, 4);
        let points = Points::from_row_major(&values, 2).expect("shape");
        assert_eq!(recall_of(points, &Metric::Euclidean, ForestParams::default(), k), 1.0, "{n} points");
    }
}

#[test]
fn every_metric_of_the_forest_has_its_meaning() {
    let mut values: Vec<f32> = cast(&cube(3000, 8, 6));
    values.iter_mut().for_each(|x| *x = (*x * 4.0).floor() - 1.0);
    values.chunks_exact_mut(8).step_by(50).for_each(|row| row.fill(0.0));
    let points = Points::from_row_major(&values, 8).expect("shape");
    for metric in [
        Metric::SquaredEuclidean,
        Metric::Cosine,
        Metric::Correlation,
        Metric::Manhattan,
        Metric::Hamming,
        Metric::StandardizedEuclidean { variances: None },
    ] {
        let found = recall_of(points, &metric, ForestParams::default(), 15);
        assert!(found >= 0.95, "{}: recall {found}", metric.name());
    }
    let unit: Vec<f32> = cast(&cube(3000, 1, 7).iter().flat_map(|x| [x.cos(), x.sin()]).collect::<Vec<_>>());
    let found = recall_of(
        Points::from_row_major(&unit, 2).expect("shape"),
        &Metric::Dot,
        ForestParams::default(),
        15,
    );
    assert!(found >= 0.95, "dot: recall {found}");
    let bytes: Vec<u8> = values.iter().map(|&x| if x > 0.0 { 200 } else { 3 }).collect();
    let found = recall_of::<f32>(
        Points::from_bytes(&bytes, 8).expect("shape"),
        &Metric::Euclidean,
        ForestParams::default(),
        15,
    );
    assert!(found >= 0.95, "bytes: recall {found}");
}

#[test]
fn seeds_make_other_forests_and_threads_do_not() {
    let values: Vec<f32> = cast(&cube(6000, 10, 8));
    let points = Points::from_row_major(&values, 10).expect("shape");
    let params = ForestParams::default().with_n_trees(4).with_search_k(200);
    let graph =
        |params| build(points, &Metric::Euclidean, params).knn_graph(10, &Control::NONE).expect("legal");
    let first = threads::assert_thread_invariant("forest", || graph(params));
    assert_ne!(graph(params.with_seed(Seed(1))), first, "another seed");
    let forest = build(points, &Metric::Euclidean, params).into_owned();
    threads::assert_parallel("search", || {
        forest.knn_graph(10, &Control::NONE).expect("legal");
    });
}

#[test]
fn what_the_forest_cannot_search_is_refused() {
    let values: Vec<f64> = cube(60, 3, 9);
    let points = Points::from_row_major(&values, 3).expect("shape");
    let refused = |points, metric: &Metric, params| {
        Forest::build(points, metric, params, &Control::NONE).expect_err("refused")
    };
    let params = ForestParams::default();
    let custom = Metric::Custom(CustomMetric::new(|_, _| 0.0));
    for metric in [Metric::Canberra, Metric::Jaccard, custom] {
        let error = refused(points, &metric, params);
        assert!(matches!(error, Error::UnsupportedMetric { .. }), "{error}");
        assert!(error.to_string().contains(&format!("does not support {}", metric.name())), "{error}");
    }
    let csr = Csr::from_parts(3, vec![0, 1, 2], vec![0, 1], vec![1.0, 2.0]).expect("legal");
    let error = refused(Points::from_csr(&csr).expect("legal"), &Metric::Euclidean, params);
    assert!(matches!(error, Error::UnsupportedPoints { kind: "sparse", .. }), "{error}");
    let mut with_nan = values.clone();
    with_nan[7] = f64::NAN;
    let error = refused(Points::from_row_major(&with_nan, 3).expect("shape"), &Metric::Euclidean, params);
    assert!(matches!(error, Error::NonFinite(_)), "{error}");
    for bad in [params.with_n_trees(0), params.with_search_k(0)] {
        let error = refused(points, &Metric::Euclidean, bad);
        assert!(matches!(error, Error::BadIndexParameter { value: 0, .. }), "{error}");
    }
    let none = build(Points::from_row_major(&[], 3).expect("shape"), &Metric::Euclidean, params);
    assert!(
        none.knn_graph(1, &Control::<'_>::NONE).is_err() && NeighborIndex::<f64>::n_points(&none) == 0,
        "empty"
    );
}

/// Ticks that `stage` makes; it must end well.
fn ticks_of<R, E: std::fmt::Debug>(stage: impl FnOnce(&Control<'_>) -> Result<R, E>) -> (R, usize) {
    let ticks = AtomicUsize::new(0);
    let count = |_| {
        ticks.fetch_add(1, Ordering::Relaxed);
        ControlFlow::Continue(())
    };
    let result = stage(&Control::new(&count)).expect("nobody stops it");
    (result, ticks.into_inner())
}

#[test]
fn the_hook_is_called_after_a_bounded_amount_of_work() {
    let values: Vec<f32> = cast(&cube(9000, 4, 10));
    let points = Points::from_row_major(&values, 4).expect("shape");
    // The forest: every row, and every 4096 points of every level of every tree.
    let params = ForestParams::default().with_n_trees(3);
    let (forest, ticks) = ticks_of(|control| Forest::build(points, &Metric::Euclidean, params, control));
    let levels = 9000_usize.div_ceil(128).ilog2() as usize;
    assert!(ticks >= 3 * levels * 9000 / 4096, "{ticks} ticks of three trees of {levels} levels");
    let (_, ticks) = ticks_of(|control| forest.knn_graph(15, control));
    assert!(ticks >= 9000, "{ticks} ticks of 9000 rows");
    // The exact search: every 2²⁰ pairs at most.
    let exact = Exact::new(points).expect("finite");
    let (_, ticks) = ticks_of(|control| exact.knn_graph(15, control));
    assert!(ticks << 20 >= 9000 * 9000 / 2, "{ticks} ticks of 9000 rows with each other");
    let (_, ticks) = ticks_of(|control| exact.query(points, 15, control));
    assert!(ticks << 20 >= 9000 * 9000, "{ticks} ticks of 9000 queries");

    let stop = |_| ControlFlow::Break(());
    let stopped = Forest::build(points, &Metric::Euclidean, params, &Control::new(&stop)).err();
    assert!(matches!(stopped, Some(Error::Interrupted(_))), "{stopped:?}");
}
