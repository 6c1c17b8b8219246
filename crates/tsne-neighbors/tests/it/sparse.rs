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
    for metric in [
        Metric::Canberra,
        Metric::Correlation,
        Metric::Chebyshev,
        Metric::Minkowski { p: 3.0 },
        Metric::StandardizedEuclidean { variances: None },
    ] {
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

/// More points than a block has, by every way in which blocks are searched, in both types.
#[test]
fn points_in_several_blocks_have_the_neighbors_of_dense_ones() {
    fn agree<T: Scalar>(values: &[f64], d: usize, tolerance: f64) {
        let values: Vec<T> = values.iter().map(|&x| T::lit(x)).collect();
        let n = values.len() / d;
        let csr = to_csr(&values, d);
        let (sparse, dense) =
            (Points::from_csr(&csr).expect("columns"), Points::from_row_major(&values, d).expect("shape"));
        for metric in [Metric::Euclidean, Metric::Cosine, Metric::Manhattan, Metric::Hamming, Metric::Jaccard]
        {
            let name = metric.name();
            let found = Exact::with_metric(sparse, &metric).expect("legal").knn_graph(7, &Control::NONE);
            let found = found.expect("legal");
            found.check_rows(n, true).unwrap_or_else(|e| panic!("{name}: {e}"));
            // Every row of the first block, of the last, and a few between.
            let which: Vec<usize> = (0..n).step_by(97).chain(n - 5..n).collect();
            let dense = Exact::with_metric(dense, &metric).expect("legal");
            let asked: Vec<T> = which.iter().flat_map(|&i| values[i * d..(i + 1) * d].to_vec()).collect();
            let asked = Points::from_row_major(&asked, d).expect("shape");
            // A query finds itself, or an equal point, besides.
            let expected = dense.query(asked, 8, &Control::NONE).expect("legal");
            for (at, &i) in which.iter().enumerate() {
                for (a, b) in found.row(i).1.iter().zip(&expected.row(at).1[1..]) {
                    let (a, b) = (a.to_f64(), b.to_f64());
                    assert!((a - b).abs() <= tolerance * (1.0 + b), "{name}, row {i}: {a}, dense {b}");
                }
            }
        }
    }
    let values = few_values(9000, 12, 5);
    agree::<f64>(&values, 12, 1e-14);
    // Distances are rounded to the type, and rows divided by their lengths in f64.
    agree::<f32>(&values, 12, 1e-6);
}

/// What f32 does not tell apart, or has not: counts are of the values as they were given, one by one and in blocks.
#[test]
fn values_are_equal_when_they_are_and_present_when_they_are() {
    let close = [16_777_216.0, 0.0, 16_777_217.0, 0.0];
    let small = [1e-50, 0.0, 1e-50, 1.0];
    for (values, metric, expected) in [(close, Metric::Hamming, 0.5), (small, Metric::Jaccard, 0.5)] {
        let csr = to_csr(&values, 2);
        let index = Exact::with_metric(Points::from_csr(&csr).expect("columns"), &metric).expect("legal");
        let graph = index.knn_graph(1, &Control::NONE).expect("legal");
        assert_eq!(graph.distances(), [expected; 2], "{}", metric.name());
        for n in [2, 40] {
            let queries: Vec<f64> = values[..2].iter().copied().cycle().take(2 * n).collect();
            let queries = Points::from_row_major(&queries, 2).expect("shape");
            let answers = index.query(queries, 2, &Control::NONE).expect("legal");
            assert_eq!(answers.row(n - 1), (&[0, 1][..], &[0.0, expected][..]), "{n} of {}", metric.name());
        }
    }
}

/// Distances of rows of zeros are ties, which go to the smaller index whatever the rounding of lengths.
#[test]
fn rows_of_zeros_are_as_far_from_all_others() {
    let csr = to_csr(&[0.0, 0.0, 3.0, 0.0, 1.0, 1.0], 2);
    let index = Exact::with_metric(Points::from_csr(&csr).expect("columns"), &Metric::Cosine).expect("legal");
    let graph = index.knn_graph(2, &Control::NONE).expect("legal");
    assert_eq!(graph.row(0), (&[1, 2][..], &[1.0, 1.0][..]), "half of the square of the root of 2, exactly");
    let empty = to_csr(&[0.0; 6], 2);
    let index =
        Exact::with_metric(Points::from_csr(&empty).expect("columns"), &Metric::Hamming).expect("legal");
    let graph = index.knn_graph(2, &Control::NONE).expect("legal");
    assert!(graph.distances().iter().all(|d: &f64| d.to_bits() == 0), "no distance is −0: {graph:?}");
}

#[test]
fn queries_of_any_size_have_distances() {
    let csr = to_csr(&[1.0, 0.0, 0.5, 2.0], 2);
    let index = Exact::new(Points::from_csr(&csr).expect("columns")).expect("legal");
    for n in [1, 40] {
        let queries: Vec<f64> = [1e200, 0.0].into_iter().cycle().take(2 * n).collect();
        let answers = index.query(Points::from_row_major(&queries, 2).expect("shape"), 2, &Control::NONE);
        let answers = answers.expect("a distance that f64 has");
        assert_eq!(answers.row(0), (&[0, 1][..], &[1e200, 1e200][..]), "{n} queries");
    }
}

#[test]
fn lengths_without_an_inverse_are_refused_by_their_rows() {
    let values = [1.0, 0.0, 1e-310, 0.0];
    let csr = to_csr(&values, 2);
    for points in
        [Points::from_csr(&csr).expect("columns"), Points::from_row_major(&values, 2).expect("shape")]
    {
        let error = Exact::with_metric(points, &Metric::Cosine).expect_err("refused");
        assert!(matches!(error, Error::BadRow { row: 1, metric: "cosine", .. }), "{error}");
    }
}

/// Squares of such values are below the smallest number; a row of zeros among them is compared at their scale.
#[test]
fn rows_of_zeros_among_tiny_values_have_distances() {
    let values = [0.0_f64, 0.0, 3e-200, 4e-200, 1e-200, 0.0];
    let csr = to_csr(&values, 2);
    for points in
        [Points::from_csr(&csr).expect("columns"), Points::from_row_major(&values, 2).expect("shape")]
    {
        let index = Exact::new(points).expect("legal");
        let graph = index.knn_graph(2, &Control::NONE).expect("legal");
        let query = Points::from_row_major(&values[..2], 2).expect("shape");
        let answers = index.query(query, 3, &Control::NONE).expect("legal");
        let (neighbors, distances) = graph.row(0);
        assert_eq!((neighbors, answers.row(0).0), (&[2, 1][..], &[0, 2, 1][..]), "the nearer first");
        for (found, expected) in distances.iter().chain(&answers.row(0).1[1..]).zip([1.0_f64, 5.0, 1.0, 5.0])
        {
            assert!(
                (found * 1e200 - expected).abs() < 1e-14 * expected,
                "{found} instead of {expected}e-200"
            );
        }
    }
}
