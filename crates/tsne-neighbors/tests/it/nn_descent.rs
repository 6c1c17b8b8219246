//! The descent finds nearly what exact search finds, with far fewer pairs, and reports it the same way.

use std::ops::ControlFlow;
use std::sync::atomic::{AtomicUsize, Ordering};

use tsne_core::{Control, NeighborIndex, NeighborQuery, Points, Scalar, Seed};
use tsne_neighbors::{CustomMetric, Error, Exact, Metric, NnDescent};
use tsne_testkit::{data, threads};

use crate::data::{cast, cube, recall};

/// Enough points for k = 15 to be searched for by descent.
const N: usize = 4000;

/// Recall of the graph and of queries, which are points of the index moved a little.
fn check<T: Scalar>(what: &str, values: &[f64], d: usize, metric: &Metric, at_least: f64) {
    let values: Vec<T> = cast(values);
    let points = Points::from_row_major(&values, d).expect("shape");
    let index = NnDescent::with_metric(points, metric, Seed(1)).expect("finite");
    let exact = Exact::with_metric(points, metric).expect("finite");
    let graph = index.knn_graph(15, &Control::NONE).expect("k is legal");
    graph.check_rows(values.len() / d, true).expect("rows keep their promises");
    let found = recall(&graph, &exact.knn_graph(15, &Control::NONE).expect("k is legal"));
    assert!(found >= at_least, "{what}: recall {found}");

    let moved: Vec<T> = values[..d * 500].iter().map(|x| T::lit(x.to_f64() * (1.0 + 1e-4))).collect();
    let queries = Points::from_row_major(&moved, d).expect("shape");
    let answers = index.query(queries, 15, &Control::NONE).expect("legal");
    answers.check_rows(values.len() / d, false).expect("rows keep their promises");
    let found = recall(&answers, &exact.query(queries, 15, &Control::NONE).expect("legal"));
    assert!(found >= at_least, "{what}: recall of queries {found}");
}

#[test]
fn blobs_are_found_under_every_kind_of_metric() {
    let values = data::blobs(Seed(3), N, 20, 8).values;
    check::<f32>("euclidean", &values, 20, &Metric::Euclidean, 0.95);
    check::<f64>("manhattan", &values, 20, &Metric::Manhattan, 0.95);
    check::<f32>("chebyshev", &values, 20, &Metric::Chebyshev, 0.9);
    check::<f32>("cosine", &values, 20, &Metric::Cosine, 0.95);
    let custom = CustomMetric::new(|a, b| a.iter().zip(b).map(|(a, b)| (a - b).abs().sqrt()).sum());
    check::<f64>("a function", &values, 20, &Metric::Custom(custom), 0.9);
}

#[test]
fn duplicates_grids_far_clusters_and_outliers_are_found() {
    let mut repeated = data::blobs(Seed(4), N, 10, 5).values;
    repeated.copy_within(..10 * (N / 3), 10 * (N - N / 3));
    check::<f32>("a third repeated", &repeated, 10, &Metric::Euclidean, 0.95);
    let grid: Vec<f64> =
        (0..16 * 16 * 16).flat_map(|i| [i / 256, i / 16 % 16, i % 16]).map(f64::from).collect();
    check::<f32>("integer grid", &grid, 3, &Metric::Euclidean, 0.95);
    let mut far = cube(N, 6, 5);
    for (i, row) in far.chunks_exact_mut(6).enumerate() {
        row[i % 3] += 1e6 * (i % 7) as f64;
    }
    check::<f64>("clusters 1e6 apart", &far, 6, &Metric::Euclidean, 0.95);
    check::<f32>("clusters 1e6 apart", &far, 6, &Metric::Euclidean, 0.95);
    let mut isolated = cube(N, 6, 6);
    isolated
        .chunks_exact_mut(6)
        .step_by(500)
        .enumerate()
        .for_each(|(i, row)| row[i % 6] = 1e4 * (i + 1) as f64);
    check::<f64>("isolated points", &isolated, 6, &Metric::Euclidean, 0.95);
    check::<f32>("all at one place", &vec![0.25; N * 3], 3, &Metric::Euclidean, 1.0);
    let zeros: Vec<f64> = cube(N, 6, 7)
        .chunks_exact(6)
        .enumerate()
        .flat_map(|(i, row)| {
            row.iter().map(move |x| if i % 9 == 0 { 0.0 } else { x - 0.5 }).collect::<Vec<_>>()
        })
        .collect();
    check::<f64>("rows of zeros under cosine", &zeros, 6, &Metric::Cosine, 0.95);
}

#[test]
fn many_neighbors_are_found_in_full() {
    let values: Vec<f32> = cast(&data::blobs(Seed(8), 9000, 8, 5).values);
    let points = Points::from_row_major(&values, 8).expect("shape");
    let graph =
        NnDescent::new(points, Seed(1)).expect("finite").knn_graph(300, &Control::NONE).expect("legal");
    let truth = Exact::new(points).expect("finite").knn_graph(300, &Control::NONE).expect("legal");
    assert!(recall(&graph, &truth) >= 0.95, "recall at 300: {}", recall(&graph, &truth));
}

#[test]
fn a_small_part_of_the_pairs_is_compared() {
    let values: Vec<f32> = cast(&data::blobs(Seed(9), 50_000, 10, 20).values);
    let points = Points::from_row_major(&values, 10).expect("shape");
    let index = NnDescent::new(points, Seed(1)).expect("finite");
    let (_, pairs) = index.counted_graph(15, &Control::NONE).expect("k is legal");
    let all = 50_000 * 49_999 / 2;
    assert!(pairs > 0 && pairs * 20 <= all, "{pairs} of {all} pairs");
    // So few points are all compared.
    let few = NnDescent::new(Points::from_row_major(&values[..1000], 10).expect("shape"), Seed(1));
    let (_, pairs) = few.expect("finite").counted_graph(15, &Control::NONE).expect("k is legal");
    assert_eq!(pairs, 100 * 99 / 2);
}

#[test]
fn seeds_count_and_threads_do_not() {
    let values: Vec<f32> = cast(&cube(N, 12, 6));
    let points = Points::from_row_major(&values, 12).expect("shape");
    let search = |seed| {
        let index = NnDescent::new(points, Seed(seed)).expect("finite");
        let graph = index.knn_graph(20, &Control::NONE).expect("k is legal");
        (graph, index.query(points, 10, &Control::NONE).expect("k is legal"))
    };
    let one = threads::assert_thread_invariant("graph and answers", || search(1));
    threads::assert_parallel("graph and answers", || {
        search(1);
    });
    assert_ne!(search(2).0, one.0, "other trees miss other neighbors");
}

#[test]
fn queries_do_not_depend_on_earlier_calls() {
    let values: Vec<f32> = cast(&cube(N, 5, 2));
    let points = Points::from_row_major(&values, 5).expect("shape");
    let index = NnDescent::new(points, Seed(1)).expect("finite").into_owned();
    let first = index.query(points, 7, &Control::NONE).expect("legal");
    index.knn_graph(40, &Control::NONE).expect("legal");
    assert_eq!(index.query(points, 7, &Control::NONE).expect("legal"), first, "asked again");
    for i in 0..N {
        assert_eq!(first.row(i).1[0], 0.0, "query {i} is a point of the index");
    }
    let huge = [f32::MAX, -f32::MAX / 2.0, 0.0, 1.0, 2.0].map(|x| x / 4.0);
    let queries = Points::from_row_major(&huge, 5).expect("shape");
    let exact = Exact::new(points).expect("finite").query(queries, 7, &Control::NONE).expect("legal");
    assert_eq!(index.query(queries, 7, &Control::NONE).expect("legal"), exact, "larger than any point");
}

#[test]
fn what_is_wrong_is_named() {
    let mut values = cube(N, 3, 1);
    let points = Points::from_row_major(&values, 3).expect("shape");
    let index = NnDescent::new(points, Seed(0)).expect("finite");
    for k in [0, N, N + 1] {
        let error = index.knn_graph(k, &Control::NONE).expect_err("k is illegal").into_inner();
        assert!(matches!(error.downcast_ref(), Some(Error::NeighborCount { .. })), "k = {k}: {error}");
    }
    let error = index.query(Points::from_row_major(&values, 2).expect("shape"), 1, &Control::NONE);
    let error = error.expect_err("two features are not three").into_inner();
    assert_eq!(error.downcast_ref(), Some(&Error::FeatureMismatch { expected: 3, got: 2 }), "features");
    let nan = Metric::Custom(CustomMetric::new(|a, b| if a == b { 0.0 } else { f64::NAN }));
    let index = NnDescent::with_metric(points, &nan, Seed(0)).expect("finite");
    let error = index.knn_graph(5, &Control::NONE).expect_err("no distances").into_inner();
    assert!(matches!(error.downcast_ref(), Some(Error::BadDistance { .. })), "{error}");
    values[3 * 17 + 1] = f64::NAN;
    let points = Points::from_row_major(&values, 3).expect("shape");
    let Err(Error::NonFinite(error)) = NnDescent::new(points, Seed(0)) else { panic!("NaN was accepted") };
    assert_eq!((error.row, error.column), (17, 1));
}

#[test]
fn the_hook_is_called_after_a_bounded_number_of_distances() {
    let values: Vec<f32> = cast(&cube(20_000, 4, 1));
    let points = Points::from_row_major(&values, 4).expect("shape");
    let ticks = AtomicUsize::new(0);
    let count = |_| {
        ticks.fetch_add(1, Ordering::Relaxed);
        ControlFlow::Continue(())
    };
    let index = NnDescent::new(points, Seed(1)).expect("finite");
    let (_, pairs) = index.counted_graph(15, &Control::new(&count)).expect("nobody stops it");
    let ticks = ticks.into_inner() as u64;
    assert!(pairs / ticks < 1 << 15, "{pairs} pairs in {ticks} calls");
}

#[test]
fn points_along_a_line_are_found_on_both_sides_of_every_cut() {
    // Whatever the direction, projections order these points in the same way: trees that cut at the same ranks would all
    // part the same neighbors. A tenth of the point or two at either side of each cut is what may be missed.
    let n = 20_000_u16;
    let line: Vec<f64> = (0..n).flat_map(|i| [f64::from(i), 2.0 * f64::from(i), -f64::from(i)]).collect();
    let points = Points::from_row_major(&line, 3).expect("shape");
    let graph = NnDescent::new(points, Seed(1)).expect("finite").knn_graph(4, &Control::NONE).expect("legal");
    let truth = Exact::new(points).expect("finite").knn_graph(4, &Control::NONE).expect("legal");
    assert!(recall(&graph, &truth) >= 0.9999, "recall on a line: {}", recall(&graph, &truth));
    assert_eq!(graph.row(usize::from(n / 2)), truth.row(usize::from(n / 2)), "in the middle of all");
}
