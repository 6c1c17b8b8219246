//! Sparse points have the neighbors that the same points have when dense.

use tsne_core::{BackendError, Control, NeighborIndex, NeighborQuery, Points, Scalar, Seed};
use tsne_neighbors::{Error, Exact, Metric};
use tsne_testkit::conformance::{NeighborContract, check_neighbor_index, check_neighbor_query};
use tsne_testkit::data;

use crate::data::to_csr;

fn build<T: Scalar>(points: Points<'_, T>) -> Result<Exact<'static, T>, BackendError> {
    let Points::Dense(points) = points else { return Err(BackendError::new("dense points are converted")) };
    let csr = to_csr(points.as_slice(), points.n_features());
    Ok(Exact::new(Points::from_csr(&csr).map_err(BackendError::new)?)?.into_owned())
}

#[test]
fn sparse_points_conform() {
    let contract = NeighborContract::exact();
    check_neighbor_index::<f64>(|points| Ok(Box::new(build(points)?)), contract);
    check_neighbor_query::<f64>(|points| Ok(Box::new(build(points)?)), contract);
    check_neighbor_index::<f32>(|points| Ok(Box::new(build(points)?)), contract);
}

/// `n` rows of which about one value in six is not zero, with ties, and with rows of zeros.
fn few_values(n: usize, n_features: usize, seed: u64) -> Vec<f64> {
    let chosen = data::uniform(Seed(seed), n, n_features).values;
    let values = data::uniform(Seed(seed + 1), n, n_features).values;
    let value = |(i, (chosen, value)): (usize, (&f64, &f64))| {
        let in_zero_row = (i / n_features).is_multiple_of(10);
        if in_zero_row || *chosen > 0.17 { 0.0 } else { (value * 8.0).round() - 3.0 }
    };
    chosen.iter().zip(&values).enumerate().map(value).collect()
}

#[test]
fn every_sparse_metric_agrees_with_its_dense_form() {
    let d = 40;
    let (values, queries) = (few_values(200, d, 1), few_values(30, d, 3));
    let (csr, query_csr) = (to_csr(&values, d), to_csr(&queries, d));
    let dense_points = Points::from_row_major(&values, d).expect("shape");
    let dense_queries = Points::from_row_major(&queries, d).expect("shape");
    let sparse_points = Points::from_csr(&csr).expect("columns");
    let sparse_queries = Points::from_csr(&query_csr).expect("columns");
    for metric in [
        Metric::Euclidean,
        Metric::SquaredEuclidean,
        Metric::Cosine,
        Metric::TrueAngular,
        Metric::Manhattan,
        Metric::Minkowski { p: 1.0 },
        Metric::Hamming,
        Metric::Matching,
        Metric::Jaccard,
        Metric::Dice,
        Metric::Kulsinski,
        Metric::RogersTanimoto,
        Metric::RussellRao,
        Metric::SokalMichener,
        Metric::SokalSneath,
        Metric::Yule,
    ] {
        let name = metric.name();
        let sparse = Exact::with_metric(sparse_points, &metric).expect("available for sparse points");
        let dense = Exact::with_metric(dense_points, &metric).expect("available for dense points");
        let found = sparse.knn_graph(25, &Control::NONE).expect("legal");
        let expected = dense.knn_graph(25, &Control::NONE).expect("legal");
        found.check_rows(200, true).unwrap_or_else(|e| panic!("{name}: {e}"));
        let answers = sparse.query(sparse_queries, 25, &Control::NONE).expect("legal");
        let expected_answers = dense.query(dense_queries, 25, &Control::NONE).expect("legal");
        assert_eq!(
            sparse.query(dense_queries, 25, &Control::NONE).expect("legal"),
            answers,
            "{name}: the kind of the queries does not matter"
        );
        for (found, expected) in [(found, expected), (answers, expected_answers)] {
            for (at, (&a, &b)) in found.distances().iter().zip(expected.distances()).enumerate() {
                assert!((a - b).abs() <= 1e-14 * b, "{name}, entry {at}: {a}, dense {b}");
            }
        }
    }
}

#[test]
fn metrics_that_need_every_feature_are_refused() {
    let csr = to_csr(&few_values(20, 5, 1), 5);
    let points = Points::from_csr(&csr).expect("columns");
    for metric in [Metric::Canberra, Metric::Correlation, Metric::Chebyshev, Metric::Minkowski { p: 3.0 }] {
        let error = Exact::with_metric(points, &metric).expect_err("refused");
        assert_eq!(error, Error::DenseMetric { metric: metric.name() });
    }
    let error = Exact::with_metric(points, &Metric::Dot).expect_err("rows are not of length 1");
    assert!(matches!(error, Error::BadRow { row: 0, metric: "dot", .. }), "{error}");
    let index = Exact::new(points).expect("legal");
    let other = Points::from_csr(&csr).expect("columns");
    assert!(index.query(other, 20, &Control::NONE).is_ok(), "every point may be asked for");
    assert!(index.knn_graph(20, &Control::NONE).is_err(), "but not every other one");
}

/// Rows that share features with few others, so that most of the neighbors, rows of zeros among them, are orthogonal.
#[test]
fn orthogonal_rows_and_rows_of_zeros_are_met_once() {
    for n in [40, 400] {
        let mut values = vec![0.0; n * 40];
        for (i, row) in values.chunks_exact_mut(40).enumerate().filter(|(i, _)| i % 10 != 3) {
            row[i % 40] = 1.0 + (i / 40) as f64;
        }
        let csr = to_csr(&values, 40);
        let sparse =
            Exact::with_metric(Points::from_csr(&csr).expect("csr"), &Metric::Cosine).expect("legal");
        let dense = Points::from_row_major(&values, 40).expect("shape");
        let dense = Exact::with_metric(dense, &Metric::Cosine).expect("legal");
        let found = sparse.knn_graph(25, &Control::NONE).expect("legal");
        found.check_rows(n, true).expect("rows keep their promises");
        assert_eq!(found.distances(), dense.knn_graph(25, &Control::NONE).expect("legal").distances());
    }
}
