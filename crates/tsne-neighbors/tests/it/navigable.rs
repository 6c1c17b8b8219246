//! The indexes of other crates: their promises, and what is made of findings that fall short.

use std::ops::ControlFlow;

use tsne_core::{BackendError, Control, Csr, KnnGraph, NeighborIndex, NeighborQuery, Points, Scalar};
use tsne_neighbors::quality::{Rows, recall};
use tsne_neighbors::{CustomMetric, Error, Metric};
use tsne_testkit::conformance::{NeighborContract, check_neighbor_index, check_neighbor_query};

use crate::data::{cast, cube, euclidean};

/// Builds one of the indexes with its parameters as they are.
type Build<T> =
    for<'a> fn(Points<'a, T>, &Metric, &Control<'_>) -> Result<Box<dyn NeighborQuery<T> + 'a>, Error>;

fn indexes<T: Scalar>() -> Vec<(&'static str, Build<T>)> {
    #[allow(unused_mut, reason = "each feature adds its own")]
    let mut indexes: Vec<(&'static str, Build<T>)> = Vec::new();
    #[cfg(feature = "hnsw")]
    indexes.push(("hnsw", |points, metric, control| {
        use tsne_neighbors::{Hnsw, HnswParams};
        Ok(Box::new(Hnsw::build(points, metric, HnswParams::default(), control)?))
    }));
    #[cfg(feature = "instant-distance")]
    indexes.push(("instant-distance", |points, metric, control| {
        use tsne_neighbors::{InstantDistance, InstantDistanceParams};
        Ok(Box::new(InstantDistance::build(points, metric, InstantDistanceParams::default(), control)?))
    }));
    indexes
}

fn check_promises<T: Scalar>(metric: &Metric, contract: NeighborContract) {
    for (_, build) in indexes::<T>() {
        check_neighbor_index::<T>(|points| Ok(Box::new(build(points, metric, &Control::NONE)?)), contract);
        check_neighbor_query::<T>(|points| Ok(build(points, metric, &Control::NONE)?), contract);
    }
}

fn contract() -> NeighborContract {
    NeighborContract::recall_at_least(0.95).not_deterministic().with_parallel_points(800)
}

#[test]
fn promises_are_kept() {
    check_promises::<f32>(&Metric::Euclidean, contract());
    check_promises::<f64>(&Metric::Euclidean, contract());
}

#[test]
fn any_metric_is_kept() {
    let apart = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| (a - b).abs()).sum();
    check_promises::<f32>(&Metric::Manhattan, contract().with_distance(apart));
    let custom = Metric::Custom(CustomMetric::new(euclidean));
    check_promises::<f32>(&custom, contract().with_distance(euclidean));
}

fn graph<T: Scalar>(
    build: Build<T>,
    points: Points<'_, T>,
    metric: &Metric,
    k: usize,
) -> Result<KnnGraph<T>, BackendError> {
    build(points, metric, &Control::NONE)?.knn_graph(k, &Control::NONE)
}

#[test]
fn most_neighbors_are_found() {
    let values: Vec<f32> = cast(&cube(3000, 12, 1));
    let points = Points::from_row_major(&values, 12).expect("shape");
    for (name, build) in indexes::<f32>() {
        for metric in [Metric::Euclidean, Metric::Chebyshev, Metric::Cosine, Metric::Canberra] {
            let graph = graph(build, points, &metric, 20).expect("legal");
            let found = recall(&graph, points, &metric, Rows::All, &Control::NONE).expect("legal");
            assert!(found > 0.95, "{name}, {}: {found}", metric.name());
        }
    }
}

/// However the layers connect points that are equal, all rows are full, and true.
#[test]
fn equal_points_have_full_rows() {
    for (name, build) in indexes::<f32>() {
        for (n, distinct, k) in [(2, 1, 1), (2, 2, 1), (600, 1, 5), (600, 1, 599), (900, 3, 40), (50, 50, 49)]
        {
            let values: Vec<f32> = (0..n).flat_map(|i| [(i % distinct) as f32, 1.0]).collect();
            let points = Points::from_row_major(&values, 2).expect("shape");
            let graph = graph(build, points, &Metric::Euclidean, k).expect("legal");
            graph.check_rows(n, true).unwrap_or_else(|e| panic!("{name}, n = {n}, k = {k}: {e}"));
            let found = recall(&graph, points, &Metric::Euclidean, Rows::All, &Control::NONE).expect("legal");
            assert!(found > 0.95, "{name}, {distinct} different of {n}, k = {k}: {found}");
        }
    }
}

#[test]
fn rows_of_zeros_are_far_from_others_under_cosine() {
    let mut values: Vec<f32> = cast(&cube(400, 6, 2));
    values.chunks_exact_mut(6).step_by(10).for_each(|row| row.fill(0.0));
    let points = Points::from_row_major(&values, 6).expect("shape");
    for (name, build) in indexes::<f32>() {
        let graph = graph(build, points, &Metric::Cosine, 20).expect("legal");
        assert!(graph.row(30).1.iter().all(|&d| d == 0.0), "{name}: 39 other rows of zeros");
        assert!(graph.row(31).0.iter().all(|&j| j % 10 != 0), "{name}: no row of zeros is near");
    }
}

#[test]
fn what_cannot_be_searched_is_refused() {
    let values: Vec<f64> = cube(60, 3, 3);
    let points = Points::from_row_major(&values, 3).expect("shape");
    let csr = Csr::from_parts(3, vec![0, 1, 2], vec![0, 1], vec![1.0, 2.0]).expect("legal");
    for (name, build) in indexes::<f64>() {
        let build = |points, metric: &Metric| build(points, metric, &Control::NONE);
        let refused =
            |points, metric: &Metric| build(points, metric).err().unwrap_or_else(|| panic!("{name}"));
        let sparse = refused(Points::from_csr(&csr).expect("legal"), &Metric::Euclidean);
        assert!(matches!(sparse, Error::UnsupportedPoints { kind: "sparse", .. }), "{name}: {sparse}");
        let bad = refused(points, &Metric::Custom(CustomMetric::new(|_, _| f64::NAN)));
        assert!(matches!(bad, Error::BadDistance { .. }), "{name}: {bad}");
        let mut with_nan = values.clone();
        with_nan[7] = f64::NAN;
        let nan = refused(Points::from_row_major(&with_nan, 3).expect("shape"), &Metric::Euclidean);
        assert!(matches!(nan, Error::NonFinite(_)), "{name}: {nan}");
        let index = build(points, &Metric::Euclidean).unwrap_or_else(|e| panic!("{name}: {e}"));
        assert!(index.knn_graph(60, &Control::NONE).is_err(), "{name}: 59 others");
        let narrow = Points::from_row_major(&values, 2).expect("shape");
        assert!(index.query(narrow, 1, &Control::NONE).is_err(), "{name}: two features are not three");
        let none = build(Points::from_row_major(&[], 3).expect("shape"), &Metric::Euclidean);
        assert!(none.is_ok_and(|none| none.knn_graph(1, &Control::NONE).is_err()), "{name}: no points");
    }
}

#[test]
fn building_stops_on_request() {
    let values: Vec<f32> = cast(&cube(2000, 3, 4));
    let points = Points::from_row_major(&values, 3).expect("shape");
    for (name, build) in indexes::<f32>() {
        let stop = |_| ControlFlow::Break(());
        let stopped = build(points, &Metric::Euclidean, &Control::new(&stop)).err();
        assert!(matches!(stopped, Some(Error::Interrupted(_))), "{name}: {stopped:?}");
    }
}

#[cfg(feature = "hnsw")]
#[test]
fn parameters_of_hnsw_have_bounds() {
    use tsne_neighbors::{Hnsw, HnswParams};
    let values = cube(40, 2, 5);
    let points = Points::from_row_major(&values, 2).expect("shape");
    let build = |params| Hnsw::build(points, &Metric::Euclidean, params, &Control::NONE);
    let params = HnswParams::default();
    for bad in
        [params.with_max_connections(0), params.with_max_connections(257), params.with_ef_construction(0)]
    {
        let error = build(bad).err();
        assert!(matches!(error, Some(Error::BadIndexParameter { index: "hnsw", .. })), "{bad:?}: {error:?}");
    }
    let index = build(params.with_max_connections(2).with_ef_search(1)).expect("legal").into_owned();
    let graph = index.knn_graph(30, &Control::NONE).expect("legal");
    graph.check_rows(40, true).expect("rows are full, however little is spent");
}

#[cfg(feature = "instant-distance")]
#[test]
fn more_neighbors_than_are_looked_for_are_still_found() {
    use tsne_neighbors::{Exact, InstantDistance, InstantDistanceParams, Seed};
    let values = cube(300, 4, 6);
    let points = Points::from_row_major(&values, 4).expect("shape");
    let build = |params| InstantDistance::build(points, &Metric::Euclidean, params, &Control::NONE);
    let params = InstantDistanceParams::default().with_seed(Seed(3));
    let graph = build(params.with_ef_search(20)).expect("legal").into_owned().knn_graph(90, &Control::NONE);
    let exact = Exact::new(points).expect("finite").knn_graph(90, &Control::NONE);
    assert_eq!(graph.expect("legal"), exact.expect("legal"), "k above ef_search");
    for bad in [params.with_ef_search(0), params.with_ef_construction(0)] {
        let error = build(bad).err();
        assert!(matches!(error, Some(Error::BadIndexParameter { value: 0, .. })), "{bad:?}: {error:?}");
    }
}
