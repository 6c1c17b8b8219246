//! Degenerate input: duplicates, constants, and everything that is refused.

use std::ops::ControlFlow;
use std::sync::atomic::{AtomicUsize, Ordering};

use tsne_core::Tick;
use tsne_neighbors::{Control, Csr, Error, Exact, NeighborIndex, NeighborQuery, Points};

use crate::data::cube;

#[test]
fn duplicates_are_neighbors_and_ties_go_by_index() {
    let x = [1.0_f32; 12];
    let index = Exact::new(Points::from_row_major(&x, 2).expect("shape")).expect("finite");
    let graph = index.knn_graph(3, &Control::NONE).expect("k is legal");
    assert_eq!(graph.row(0), (&[1, 2, 3][..], &[0.0; 3][..]), "first");
    assert_eq!(graph.row(2), (&[0, 1, 3][..], &[0.0; 3][..]), "third");
    assert_eq!(graph.row(5), (&[0, 1, 2][..], &[0.0; 3][..]), "last");
}

#[test]
fn illegal_k_is_named() {
    let x = cube(10, 2, 1);
    let points = Points::from_row_major(&x, 2).expect("shape");
    let index = Exact::new(points).expect("finite");
    for k in [0, 10, 11, usize::MAX] {
        let error = index.knn_graph(k, &Control::NONE).expect_err("k is illegal");
        assert_eq!(
            error.to_string(),
            format!("k = {k} is outside 1..=9, the neighbors a row can have; lower k or add points")
        );
    }
    assert!(index.query(points, 10, &Control::NONE).is_ok(), "a query may ask for every point");
    assert!(index.query(points, 11, &Control::NONE).is_err(), "but not for more");
    let one = Exact::new(Points::from_row_major(&x[..2], 2).expect("shape")).expect("finite");
    assert!(one.knn_graph(1, &Control::NONE).is_err(), "one point has no neighbor");
    let none = Exact::new(Points::from_row_major(&x[..0], 2).expect("shape")).expect("finite");
    assert!(none.knn_graph(1, &Control::NONE).is_err(), "no points");
}

#[test]
fn values_that_are_not_finite_are_named_by_row_and_column() {
    let mut x = cube(10, 3, 1);
    x[7 * 3 + 2] = f64::NAN;
    let points = Points::from_row_major(&x, 3).expect("shape");
    let Err(Error::NonFinite(error)) = Exact::new(points) else { panic!("NaN was accepted") };
    assert_eq!((error.row, error.column), (7, 2));
    let y = cube(5, 3, 2);
    let index = Exact::new(Points::from_row_major(&y, 3).expect("shape")).expect("finite");
    let error = index.query(points, 1, &Control::NONE).expect_err("NaN in a query");
    assert!(error.to_string().starts_with("row 7, column 2 is NaN"), "{error}");
}

#[test]
fn queries_must_have_the_features_of_the_index() {
    let x = cube(6, 3, 1);
    let index = Exact::new(Points::from_row_major(&x, 3).expect("shape")).expect("finite");
    let error = index.query(Points::from_row_major(&x, 2).expect("shape"), 1, &Control::NONE);
    let error = error.expect_err("two features are not three").into_inner();
    assert_eq!(
        error.downcast_ref::<Error>(),
        Some(&Error::FeatureMismatch { expected: 3, got: 2 }),
        "features are named"
    );
}

#[test]
fn sparse_queries_of_dense_points_are_refused() {
    let csr = Csr::from_parts(3, vec![0, 1, 2], vec![0, 1], vec![1.0, 2.0]).expect("legal");
    let x = cube(6, 3, 1);
    let index = Exact::new(Points::from_row_major(&x, 3).expect("shape")).expect("finite");
    let error = index.query(Points::from_csr(&csr).expect("legal"), 1, &Control::NONE).expect_err("sparse");
    assert!(
        matches!(error.get_ref().downcast_ref(), Some(Error::UnsupportedPoints { kind: "sparse", .. })),
        "{error}"
    );
}

#[test]
fn distances_beyond_the_type_are_an_error() {
    let x = [f32::MAX, -f32::MAX, 0.0, 1.0];
    let index = Exact::new(Points::from_row_major(&x, 1).expect("shape")).expect("finite");
    let error = index.knn_graph(3, &Control::NONE).expect_err("the difference overflows").into_inner();
    assert!(matches!(error.downcast_ref::<Error>(), Some(Error::DistanceOverflow { .. })), "{error}");
}

#[test]
fn a_search_stops_on_request() {
    let x = cube(3000, 4, 1);
    let index = Exact::new(Points::from_row_major(&x, 4).expect("shape")).expect("finite");
    let ticks = AtomicUsize::new(0);
    let hook = |tick: Tick| {
        assert!(tick.done <= tick.total, "{tick:?}");
        match ticks.fetch_add(1, Ordering::Relaxed) {
            5.. => ControlFlow::Break(()),
            _ => ControlFlow::Continue(()),
        }
    };
    let error = index.knn_graph(5, &Control::new(&hook)).expect_err("stopped");
    assert!(error.is_interrupted(), "{error}");
}
