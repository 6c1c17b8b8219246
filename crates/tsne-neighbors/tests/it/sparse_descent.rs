//! The descent among sparse points finds nearly what exact search finds, and keeps the same promises.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicUsize, Ordering};

use tsne_core::{BackendError, Control, Csr, NeighborIndex, NeighborQuery, Points, Scalar, Seed};
use tsne_neighbors::{Error, Exact, Metric, NnDescent};
use tsne_testkit::conformance::{NeighborContract, check_neighbor_index, check_neighbor_query};
use tsne_testkit::{data, threads};

use crate::data::{recall, to_csr};

/// Enough points for k = 15 to be searched for by descent.
const N: usize = 5000;

/// Features of the texts.
const WORDS: u32 = 2000;

fn build<T: Scalar>(points: Points<'_, T>) -> Result<NnDescent<'static, T>, BackendError> {
    let Points::Dense(points) = points else { return Err(BackendError::new("dense points are converted")) };
    let csr = to_csr(points.as_slice(), points.n_features());
    Ok(NnDescent::new(Points::from_csr(&csr).map_err(BackendError::new)?, Seed(5))?.into_owned())
}

#[test]
fn sparse_descent_conforms() {
    // As many as are not searched exactly.
    let contract = NeighborContract::recall_at_least(0.95).with_parallel_points(N);
    check_neighbor_index::<f32>(|points| Ok(Box::new(build(points)?)), contract);
    check_neighbor_index::<f64>(|points| Ok(Box::new(build(points)?)), contract);
    check_neighbor_query::<f32>(|points| Ok(Box::new(build(points)?)), contract);
    check_neighbor_query::<f64>(|points| Ok(Box::new(build(points)?)), contract);
}

type Rows = Vec<BTreeMap<u32, f64>>;

/// `n` rows of some sixty words, half of them of one of 20 topics, the others common to all, each by the inverse of its
/// rank; values are how often a word occurs, times a weight of its own.
fn texts(n: usize, seed: u64) -> Rows {
    let draws = data::uniform(Seed(seed), n, 2 * 60 + 1);
    let text = |i: usize| {
        let (topic, draws) = draws.row(i).split_first().expect("a topic and words");
        let mut row = BTreeMap::new();
        for draw in draws.chunks_exact(2) {
            #[allow(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "below the number of words"
            )]
            let (rank, topic) = ((f64::from(WORDS).powf(draw[0]) - 1.0) as u32, 1 + (topic * 20.0) as u32);
            // Steps that are prime to the number of words: each topic has an order of its own.
            let word = if draw[1] < 0.5 { rank } else { (rank * (2 * topic * 20 + 1) + topic * 97) % WORDS };
            *row.entry(word).or_insert(0.0) += 1.0 + 0.25 * f64::from(word % 7);
        }
        row
    };
    (0..n).map(text).collect()
}

fn csr<T: Scalar>(rows: &Rows) -> Csr<T> {
    let (mut offsets, mut columns, mut values) = (vec![0], Vec::new(), Vec::new());
    for row in rows {
        columns.extend(row.keys().copied());
        values.extend(row.values().map(|&x| T::lit(x)));
        offsets.push(columns.len());
    }
    Csr::from_parts(WORDS as usize, offsets, columns, values).expect("columns ascend")
}

/// Recall of the graph and of answers to `queries`.
fn check<T: Scalar>(what: &str, rows: &Rows, queries: &Rows, metric: &Metric, at_least: f64) {
    let (rows, queries) = (&csr::<T>(rows), &csr::<T>(queries));
    let (points, queries) = (Points::from_csr(rows).expect("csr"), Points::from_csr(queries).expect("csr"));
    let index = NnDescent::with_metric(points, metric, Seed(1)).expect("finite");
    let exact = Exact::with_metric(points, metric).expect("finite");
    let (graph, pairs) = index.counted_graph(15, &Control::NONE).expect("k is legal");
    let n = points.n_points() as u64;
    assert!(pairs != n * (n - 1) / 2, "{what}: this is exact search");
    graph.check_rows(points.n_points(), true).expect("rows keep their promises");
    let truth = exact.knn_graph(15, &Control::NONE).expect("k is legal");
    let found = recall(&graph, &truth);
    assert!(found >= at_least, "{what}: recall {found}");
    // What both found is reported at the same distance, bit for bit.
    for i in 0..points.n_points() {
        for (j, distance) in graph.row(i).0.iter().zip(graph.row(i).1) {
            let at = truth.row(i).0.iter().position(|other| other == j);
            assert!(at.is_none_or(|at| truth.row(i).1[at] == *distance), "{what}: {i} and {j}");
        }
    }

    let answers = index.query(queries, 15, &Control::NONE).expect("legal");
    answers.check_rows(points.n_points(), false).expect("rows keep their promises");
    let found = recall(&answers, &exact.query(queries, 15, &Control::NONE).expect("legal"));
    assert!(found >= at_least, "{what}: recall of queries {found}");
}

#[test]
fn texts_are_found_under_every_sparse_metric() {
    let (rows, queries) = (texts(N, 1), texts(300, 2));
    check::<f32>("euclidean", &rows, &queries, &Metric::Euclidean, 0.95);
    check::<f64>("cosine", &rows, &queries, &Metric::Cosine, 0.95);
    check::<f32>("cosine in f32", &rows, &queries, &Metric::Cosine, 0.95);
    check::<f32>("manhattan", &rows, &queries, &Metric::Manhattan, 0.95);
    check::<f32>("jaccard", &rows, &queries, &Metric::Jaccard, 0.95);
    check::<f64>("hamming", &rows, &queries, &Metric::Hamming, 0.95);
}

#[test]
fn duplicates_and_rows_of_zeros_are_found() {
    let mut repeated = texts(N, 3);
    repeated.extend_from_within(..N / 2);
    check::<f32>("a third repeated", &repeated, &texts(100, 4), &Metric::Euclidean, 0.95);
    check::<f32>("a third repeated, cosine", &repeated, &texts(100, 4), &Metric::Cosine, 0.95);
    let with_zeros = |mut rows: Rows| {
        rows.iter_mut().step_by(9).for_each(BTreeMap::clear);
        rows
    };
    let (rows, queries) = (with_zeros(texts(N, 5)), with_zeros(texts(100, 6)));
    for metric in [Metric::Cosine, Metric::Euclidean, Metric::Jaccard] {
        check::<f64>(metric.name(), &rows, &queries, &metric, 0.95);
    }
    let nothing = vec![BTreeMap::new(); N];
    check::<f32>("nothing but zeros", &nothing, &nothing[..9].to_vec(), &Metric::Cosine, 1.0);
}

#[test]
fn near_duplicates_are_told_apart_under_cosine() {
    // Of 40 neighbors each that differ by some 1e-4 in direction, which f32 rounds by some 1e-7.
    let base = texts(N / 40, 7);
    let noise = data::uniform(Seed(8), N, 60).values;
    let vary = |(at, noise): (usize, &[f64])| {
        base[at % base.len()].iter().zip(noise).map(|((&f, x), e)| (f, x * (1.0 + 1e-4 * e))).collect()
    };
    let rows: Rows = noise.chunks_exact(60).enumerate().map(vary).collect();
    check::<f32>("near-duplicates", &rows, &rows[..100].to_vec(), &Metric::Cosine, 0.95);
}

/// Groups that share no feature with each other: edges lead nowhere else, and a query may ask for more than its group.
#[test]
fn rows_that_come_out_short_are_completed_exactly() {
    let row =
        |i: u32| (0..6).map(|f| (i % 60 * 30 + (i / 60 + f * f) % 30, 1.0 + f64::from(f + i % 5))).collect();
    let rows: Rows = (0..6000).map(row).collect();
    let csr = &csr::<f64>(&rows);
    let points = Points::from_csr(csr).expect("csr");
    for metric in [Metric::Euclidean, Metric::Cosine] {
        let index = NnDescent::with_metric(points, &metric, Seed(1)).expect("finite");
        let exact = Exact::with_metric(points, &metric).expect("finite");
        // Each group has 100 points, and a query may be one of them.
        let answers = index.query(points, 110, &Control::NONE).expect("legal");
        answers.check_rows(6000, false).expect("rows are full");
        let found = recall(&answers, &exact.query(points, 110, &Control::NONE).expect("legal"));
        assert!(found >= 0.95, "{}: {found}", metric.name());
        let graph = index.knn_graph(100, &Control::NONE).expect("legal");
        graph.check_rows(6000, true).expect("rows are full");
    }
}

#[test]
fn seeds_count_and_threads_do_not() {
    let (rows, queries) = (csr::<f32>(&texts(N, 9)), csr::<f32>(&texts(300, 10)));
    let (points, queries) = (Points::from_csr(&rows).expect("csr"), Points::from_csr(&queries).expect("csr"));
    let search = |seed| {
        let index = NnDescent::with_metric(points, &Metric::Cosine, Seed(seed)).expect("finite");
        let graph = index.knn_graph(15, &Control::NONE).expect("k is legal");
        (graph, index.query(queries, 10, &Control::NONE).expect("k is legal"))
    };
    let one = threads::assert_thread_invariant("graph and answers", || search(1));
    threads::assert_parallel("graph and answers", || {
        search(1);
    });
    assert_ne!(search(2).0, one.0, "other trees miss other neighbors");
}

#[test]
fn the_kind_and_the_company_of_queries_do_not_matter() {
    let (rows, queries) = (csr::<f64>(&texts(N, 11)), texts(40, 12));
    let index = NnDescent::new(Points::from_csr(&rows).expect("csr"), Seed(1)).expect("finite").into_owned();
    let width = WORDS as usize;
    let mut values = vec![0.0; queries.len() * width];
    for (row, values) in queries.iter().zip(values.chunks_exact_mut(width)) {
        row.iter().for_each(|(&f, &x)| values[f as usize] = x);
    }
    let sparse = csr::<f64>(&queries);
    let all = index.query(Points::from_csr(&sparse).expect("csr"), 7, &Control::NONE).expect("legal");
    let dense = index.query(Points::from_row_major(&values, width).expect("shape"), 7, &Control::NONE);
    assert_eq!(dense.expect("legal"), all, "dense queries");
    for (i, values) in values.chunks_exact(width).enumerate() {
        let one = index.query(Points::from_row_major(values, width).expect("shape"), 7, &Control::NONE);
        assert_eq!(one.expect("legal").row(0), all.row(i), "query {i} alone");
    }
}

#[test]
fn what_is_wrong_is_named() {
    let rows = csr::<f64>(&texts(N, 13));
    let points = Points::from_csr(&rows).expect("csr");
    let error = NnDescent::with_metric(points, &Metric::Canberra, Seed(1)).expect_err("refused");
    assert_eq!(error, Error::DenseMetric { metric: "canberra" });
    let index = NnDescent::new(points, Seed(1)).expect("finite");
    for k in [0, N, N + 1] {
        let error = index.knn_graph(k, &Control::NONE).expect_err("k is illegal").into_inner();
        assert!(matches!(error.downcast_ref(), Some(Error::NeighborCount { .. })), "k = {k}: {error}");
    }
    let narrow = Csr::from_parts(3, vec![0, 1], vec![1], vec![1.0]).expect("legal");
    let error =
        index.query(Points::from_csr(&narrow).expect("csr"), 1, &Control::NONE).expect_err("3 features");
    assert_eq!(
        error.into_inner().downcast_ref(),
        Some(&Error::FeatureMismatch { expected: WORDS as usize, got: 3 })
    );
    let bad = |value| Csr::from_parts(WORDS as usize, vec![0, 0, 1], vec![4], vec![value]).expect("legal");
    for value in [f64::NAN, f64::INFINITY] {
        let csr = bad(value);
        let points = Points::from_csr(&csr).expect("csr");
        let Err(Error::NonFinite(error)) = NnDescent::new(points, Seed(0)) else {
            panic!("{value} was accepted")
        };
        assert_eq!((error.row, error.column), (1, 4));
        let error = index.query(points, 1, &Control::NONE).expect_err("refused").into_inner();
        let Some(Error::NonFinite(error)) = error.downcast_ref() else { panic!("{error}") };
        assert_eq!((error.row, error.column), (1, 4));
    }
}

#[test]
fn the_hook_is_called_after_a_bounded_number_of_comparisons() {
    let rows = csr::<f32>(&texts(N, 14));
    let index = NnDescent::new(Points::from_csr(&rows).expect("csr"), Seed(1)).expect("finite");
    let ticks = AtomicUsize::new(0);
    let count = |_| {
        ticks.fetch_add(1, Ordering::Relaxed);
        ControlFlow::Continue(())
    };
    let (_, pairs) = index.counted_graph(15, &Control::new(&count)).expect("nobody stops it");
    let ticks = ticks.into_inner() as u64;
    assert!(pairs / ticks < 1 << 12, "{pairs} pairs in {ticks} calls");
}

/// Differences of such values overflow, and projections on them are no numbers.
#[test]
fn values_near_the_largest_number_are_searched() {
    let signs = data::uniform(Seed(8), 5000, 2).values;
    let values: Vec<f64> = signs.iter().map(|&x| if x < 0.5 { -1e200 } else { 1e200 }).collect();
    let csr = to_csr(&values, 2);
    let points = Points::from_csr(&csr).expect("columns");
    let index = NnDescent::with_metric(points, &Metric::Hamming, Seed(1)).expect("legal");
    let graph = index.knn_graph(15, &Control::NONE).expect("legal");
    graph.check_rows(5000, true).expect("rows keep their promises");
    assert!(graph.distances().iter().all(|&d| d == 0.0), "a quarter of all points is equal to each");
}
