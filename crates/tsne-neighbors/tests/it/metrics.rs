//! Every metric means what its definition says, whatever way it is computed.

use tsne_core::{Control, NeighborIndex, NeighborQuery, Points};
use tsne_neighbors::{CustomMetric, Error, Exact, Metric, MetricParameters};
use tsne_testkit::oracle;

use crate::data::cube;

const A: [f64; 8] = [0.5, 0.0, 3.0, 1.25, 0.0, 2.0, 7.5, 0.25];
const B: [f64; 8] = [1.5, 0.75, 0.0, 1.25, 0.0, 4.0, 2.5, 1.0];

fn parameters(name: &str) -> MetricParameters {
    let given = |used: &[&str], values: &[f64]| used.contains(&name).then(|| values.to_vec());
    let inverse_covariance: [i32; 64] = [
        22, -2, -8, 4, -5, -4, 4, -3, -2, 13, -7, 1, -6, -1, -8, 0, -8, -7, 19, -9, 7, 0, 5, -3, 4, 1, -9,
        16, 3, -2, -1, 8, -5, -6, 7, 3, 16, -6, -1, 9, -4, -1, 0, -2, -6, 19, -3, -6, 4, -8, 5, -1, -1, -3,
        17, 1, -3, 0, -3, 8, 9, -6, 1, 16,
    ];
    MetricParameters {
        p: ["minkowski", "p", "wminkowski", "weighted_minkowski"].contains(&name).then_some(3.0),
        variances: given(
            &["seuclidean", "standardised_euclidean"],
            &[1.0, 2.0, 0.5, 4.0, 1.0, 0.25, 3.0, 2.0],
        ),
        inverse_covariance: given(&["mahalanobis"], &inverse_covariance.map(f64::from)),
        weights: given(&["wminkowski", "weighted_minkowski"], &[1.0, 0.0, 2.0, 0.5, 3.0, 1.0, 0.25, 2.0]),
    }
}

/// The distance of two points, as the index reports it.
fn between(metric: &Metric, a: &[f64], b: &[f64]) -> f64 {
    let values = [a, b].concat();
    let points = Points::from_row_major(&values, a.len()).expect("two rows");
    let index = Exact::with_metric(points, metric).unwrap_or_else(|e| panic!("{}: {e}", metric.name()));
    let graph = index.knn_graph(1, &Control::NONE).unwrap_or_else(|e| panic!("{}: {e}", metric.name()));
    assert_eq!(graph.distances()[0], graph.distances()[1], "{} is symmetric", metric.name());
    graph.distances()[0]
}

/// Values of SciPy 1.17.1 (`scipy.spatial.distance`, `scipy.stats`) for the rows A and B; kulsinski of
/// pynndescent 0.7.0, haversine of scikit-learn 1.9.1; hellinger, circular_wasserstein
/// and tsss computed from their definitions in NumPy.
#[test]
fn values_agree_with_other_libraries() {
    let with = |name: &str| Metric::from_name(name, &parameters(name)).expect("a known name");
    for (name, expected) in [
        ("euclidean", 6.334429729659964),
        ("sqeuclidean", 40.125),
        ("seuclidean", 6.625393070100319),
        ("mahalanobis", 31.325907808074774),
        ("manhattan", 12.5),
        ("chebyshev", 5.0),
        ("minkowski", 5.449608590693483),
        ("wminkowski", 4.564403096736612),
        ("cosine", 0.3387120987922103),
        ("true_angular", 0.27001016903747),
        ("correlation", 0.604027241988659),
        ("spearmanr", 0.5120481927710844),
        ("canberra", 3.9333333333333336),
        ("braycurtis", 0.49019607843137253),
        ("hamming", 0.75),
        ("matching", 0.25),
        ("jaccard", 0.2857142857142857),
        ("dice", 0.16666666666666666),
        ("kulsinski", 0.5),
        ("rogerstanimoto", 0.4),
        ("russellrao", 0.375),
        ("sokalmichener", 0.4),
        ("sokalsneath", 0.4444444444444444),
        ("yule", 0.3333333333333333),
        ("hellinger", 0.4754380925967718),
        ("jensen_shannon", 0.18160811889744924),
        ("wasserstein", 0.6175548589341693),
        ("circular_wasserstein", 0.6175548589341693),
        ("tsss", 875.3393235256577),
    ] {
        let found = between(&with(name), &A, &B);
        // Hellinger and Jensen-Shannon lose a few digits to logarithms and roots, the others to sums of eight terms.
        assert!((found - expected).abs() <= 1e-12 * expected, "{name}: {found}, expected {expected}");
    }
    let haversine = between(&Metric::Haversine, &[A[0], A[2]], &[B[0], B[2]]);
    assert!((haversine - 1.1409093344410046).abs() < 1e-14, "haversine: {haversine}");
    let (a, b) = ([3.0, 255.0, 0.0, 17.0], [5.0, 15.0, 0.0, 17.0]);
    assert_eq!(between(&Metric::BitHamming, &a, &b), 6.0, "bits that differ");
    assert_eq!(between(&Metric::BitJaccard, &a, &b), 6.0 / 13.0, "of 13 bits set");
    for (p, expected) in [(1.0, 11.75), (2.0, 5.511351921262151)] {
        let weights = parameters("wminkowski").weights.expect("given");
        let found = between(&Metric::WeightedMinkowski { p, weights }, &A, &B);
        assert!((found - expected).abs() <= 1e-14 * expected, "wminkowski, p = {p}: {found}");
    }
    let symmetric = between(&Metric::SymmetricKl, &[1.0, 3.0], &[3.0, 1.0]);
    assert!((symmetric - 3.0_f64.ln()).abs() < 1e-6, "symmetric KL, smoothed by 1e-7: {symmetric}");
}

#[test]
fn unit_rows_have_the_dot_product_they_have() {
    let unit = |x: &[f64]| -> Vec<f64> {
        let length = x.iter().map(|x| x * x).sum::<f64>().sqrt();
        x.iter().map(|x| x / length).collect()
    };
    let found = between(&Metric::Dot, &unit(&A), &unit(&B));
    assert!((found - 0.3387120987922103).abs() < 1e-15, "1 − a·b: {found}");
    let values = [unit(&A), A.to_vec()].concat();
    let error = Exact::with_metric(Points::from_row_major(&values, 8).expect("two rows"), &Metric::Dot);
    assert!(matches!(error, Err(Error::BadRow { row: 1, metric: "dot", .. })), "{error:?}");
}

#[test]
fn every_name_is_a_metric_of_that_name() {
    let mut names = Vec::new();
    for name in Metric::names() {
        let metric = Metric::from_name(name, &parameters(name)).unwrap_or_else(|e| panic!("{name}: {e}"));
        assert_eq!(Metric::from_name(metric.name(), &parameters(name)), Ok(metric), "{name}");
        assert!(!names.contains(&name), "{name} is two metrics");
        names.push(name);
    }
}

#[test]
fn parameters_are_checked() {
    let none = MetricParameters::default();
    let error = |name: &str, given: &MetricParameters| Metric::from_name(name, given).expect_err("refused");
    assert!(matches!(error("euclidian", &none), Error::UnknownMetric { .. }));
    assert!(error("euclidian", &none).to_string().contains("euclidean, l2, sqeuclidean"), "names are listed");
    assert!(matches!(error("mahalanobis", &none), Error::MissingParameter { metric: "mahalanobis", .. }));
    let p = MetricParameters { p: Some(3.0), ..none };
    assert!(matches!(error("cosine", &p), Error::SuperfluousParameter { parameter: "p", .. }));

    let points = [A, B].concat();
    let refused = |metric: &Metric| {
        Exact::with_metric(Points::from_row_major(&points, 8).expect("two rows"), metric)
            .expect_err("refused")
    };
    for p in [0.0, -1.0, f64::NAN] {
        assert!(
            matches!(refused(&Metric::Minkowski { p }), Error::BadParameter { parameter: "p", .. }),
            "{p}"
        );
    }
    let seuclidean = |variances| Metric::StandardizedEuclidean { variances };
    assert!(matches!(refused(&seuclidean(Some(vec![1.0; 7]))), Error::ParameterLength { got: 7, .. }));
    // The fourth and fifth features are constant.
    assert!(matches!(refused(&seuclidean(None)), Error::BadParameter { parameter: "V", value: 0.0, .. }));
    let mut indefinite = vec![0.0; 64];
    indefinite[0] = -1.0;
    let mahalanobis = |inverse_covariance| Metric::Mahalanobis { inverse_covariance };
    assert!(matches!(
        refused(&mahalanobis(indefinite.clone())),
        Error::BadParameter { bound: "not negative", .. }
    ));
    (indefinite[0], indefinite[1]) = (1.0, 3.0);
    assert!(matches!(refused(&mahalanobis(indefinite)), Error::BadParameter { bound: "symmetric", .. }));
    assert!(matches!(refused(&Metric::Haversine), Error::ParameterLength { expected: 2, got: 8, .. }));
}

#[test]
fn rows_without_a_distance_are_named() {
    let mut values = [A, B, A].concat();
    values[8 + 3] = -1.0;
    let index = |values: &[f64], metric: &Metric| {
        let points = Points::from_row_major(values, 8).expect("three rows");
        Exact::with_metric(points, metric).map(drop)
    };
    for metric in [Metric::Hellinger, Metric::JensenShannon, Metric::SymmetricKl, Metric::Wasserstein] {
        let error = index(&values, &metric).expect_err("a negative share");
        assert!(matches!(error, Error::BadRow { row: 1, .. }), "{error}");
    }
    let error = index(&values, &Metric::BitHamming).expect_err("0.5 is no byte");
    assert!(matches!(error, Error::BadRow { .. }), "{error}");
    values[8..16].fill(0.0);
    let error = index(&values, &Metric::Hellinger).expect_err("no shares of nothing");
    assert!(matches!(error, Error::BadRow { row: 1, .. }), "{error}");
}

#[test]
fn zero_and_constant_rows_are_apart_from_all_others_but_not_from_each_other() {
    // Enough rows for tiles; every third is zeros, and among the others some look away from each other.
    let n = 90;
    let mut values: Vec<f64> = cube(n, 5, 3).iter().map(|x| x - 0.5).collect();
    for i in (0..n).step_by(3) {
        values[5 * i..5 * (i + 1)].fill(0.0);
    }
    let cosine = |a: &[f64], b: &[f64]| {
        let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
        match (dot(a, a) == 0.0, dot(b, b) == 0.0) {
            (true, true) => 0.0,
            (false, false) => 1.0 - dot(a, b) / (dot(a, a) * dot(b, b)).sqrt(),
            _ => 1.0,
        }
    };
    let points = Points::from_row_major(&values, 5).expect("shape");
    let index = Exact::with_metric(points, &Metric::Cosine).expect("zeros are legal");
    let graph = index.knn_graph(60, &Control::NONE).expect("legal");
    graph.check_rows(n, true).expect("rows keep their promises");
    let answers = index.query(points, 60, &Control::NONE).expect("legal");
    let (truth, true_answers) =
        (oracle::knn_by(points, 60, cosine), oracle::query_by(points, points, 60, cosine));
    for (found, expected) in [(&graph, &truth), (&answers, &true_answers)] {
        for (at, (found, expected)) in found.distances().iter().zip(expected.distances()).enumerate() {
            assert!((found - expected).abs() < 1e-14, "entry {at}: {found}, expected {expected}");
        }
    }
    let constant: Vec<f64> = values.iter().map(|x| x + 0.1).collect();
    let index =
        Exact::with_metric(Points::from_row_major(&constant, 5).expect("shape"), &Metric::Correlation);
    let graph = index.expect("constant rows are legal").knn_graph(29, &Control::NONE).expect("legal");
    assert!(graph.row(3).1.iter().all(|&d| d == 0.0), "29 other rows are constant: {:?}", graph.row(3));
}

#[test]
fn distances_of_a_function_must_be_numbers_of_at_least_zero() {
    let values = cube(50, 2, 4);
    for bad in [f64::NAN, -1.0, f64::INFINITY] {
        let last = values[98];
        let metric = Metric::Custom(CustomMetric::new(
            move |a, b| {
                if b[0] == last { bad } else { (a[0] - b[0]).abs() }
            },
        ));
        let index = Exact::with_metric(Points::from_row_major(&values, 2).expect("shape"), &metric);
        let error = index.expect("legal").knn_graph(3, &Control::NONE).expect_err("refused").into_inner();
        let Some(Error::BadDistance { point: 49, distance, .. }) = error.downcast_ref() else {
            panic!("{error}");
        };
        assert_eq!(distance.to_bits(), bad.to_bits());
    }
}
