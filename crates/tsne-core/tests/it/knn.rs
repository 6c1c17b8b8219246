//! Neighbor graphs: assembly, checking, truncation, and service as an index.

use proptest::prelude::*;
use tsne_core::{Control, GraphError, KnnGraph, NeighborIndex, ShapeError};

fn graph(k: usize, neighbors: &[u32], distances: &[f64]) -> KnnGraph<f64> {
    KnnGraph::from_parts(k, neighbors.to_vec(), distances.to_vec()).expect("legal lengths")
}

#[test]
fn rows_of_a_graph() {
    let graph = graph(2, &[1, 2, 0, 2], &[0.5, 1.0, 0.5, 2.0]);
    assert_eq!((graph.n_points(), graph.k()), (2, 2), "shape");
    assert_eq!(graph.row(1), (&[0, 2][..], &[0.5, 2.0][..]), "row 1");
    assert_eq!((graph.neighbors(), graph.distances()), (&[1, 2, 0, 2][..], &[0.5, 1.0, 0.5, 2.0][..]), "all");
    assert_eq!(graph.into_parts(), (2, vec![1, 2, 0, 2], vec![0.5, 1.0, 0.5, 2.0]), "parts");
    assert_eq!(KnnGraph::<f32>::from_parts(3, vec![], vec![]).map(|g| g.n_points()), Ok(0), "no rows");
}

#[test]
fn parts_that_do_not_fit_together_are_refused() {
    let parts = |k, neighbors, distances| KnnGraph::from_parts(k, vec![0; neighbors], vec![0.0; distances]);
    assert_eq!(parts(0, 0, 0), Err(ShapeError::NoNeighbors), "k = 0");
    let lengths = Err(ShapeError::LengthMismatch { what: "distances", expected: 4, got: 2 });
    assert_eq!(parts(2, 4, 2), lengths, "lengths differ");
    assert_eq!(parts(2, 3, 3), Err(ShapeError::NotRectangular { len: 3, n_features: 2 }), "half a row");
}

#[test]
fn broken_promises_are_named() {
    let check = |neighbors: &[u32], distances: &[f64]| graph(2, neighbors, distances).check_rows(3, true);
    assert_eq!(check(&[1, 2, 0, 2], &[0.0, 0.0, 0.0, 5.0]), Ok(()), "legal");
    let outside = Err(GraphError::OutOfRange { row: 1, neighbor: 3, n_references: 3 });
    assert_eq!(check(&[1, 2, 0, 3], &[0.0; 4]), outside, "no such point");
    assert_eq!(check(&[1, 2, 0, 1], &[0.0; 4]), Err(GraphError::SelfNeighbor { row: 1 }), "itself");
    assert_eq!(check(&[2, 2, 0, 2], &[0.0; 4]), Err(GraphError::Repeated { row: 0, neighbor: 2 }), "twice");
    let unsorted = Err(GraphError::Unsorted { row: 1, position: 1, distance: 1.0 });
    assert_eq!(check(&[1, 2, 0, 2], &[0.0, 1.0, 2.0, 1.0]), unsorted, "falls");
    for bad in [f64::INFINITY, -1.0] {
        let found = Err(GraphError::BadDistance { row: 0, position: 1, distance: bad });
        assert_eq!(check(&[1, 2, 0, 2], &[0.0, bad, 0.0, 0.0]), found, "{bad}");
    }
    let nan = check(&[1, 2, 0, 2], &[0.0, f64::NAN, 0.0, 0.0]);
    assert!(matches!(nan, Err(GraphError::BadDistance { row: 0, position: 1, .. })), "NaN: {nan:?}");
    // Answers to queries may list the point of the same number.
    assert_eq!(graph(1, &[0, 1], &[0.0; 2]).check_rows(2, false), Ok(()), "queries");
}

#[test]
fn truncation_keeps_the_nearest() {
    let full = graph(3, &[1, 2, 3, 0, 2, 3], &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
    assert_eq!(full.truncated(2), graph(2, &[1, 2, 0, 2], &[1.0, 2.0, 4.0, 5.0]), "two of three");
    assert_eq!(full.truncated(3), full, "all");
    assert_eq!(full.truncated(9), full, "more than there are");
}

#[test]
#[should_panic(expected = "a neighbor graph needs k of at least 1")]
fn truncation_to_nothing_is_a_mistake() {
    let _ = graph(1, &[1, 0], &[1.0; 2]).truncated(0);
}

#[test]
fn a_graph_is_an_index_up_to_its_k() {
    let full = graph(3, &[1, 2, 3, 0, 2, 3], &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
    assert_eq!(NeighborIndex::n_points(&full), 2, "n_points");
    for k in 1..=3 {
        assert_eq!(full.knn_graph(k, &Control::NONE).ok(), Some(full.truncated(k)), "k = {k}");
    }
    for k in [0, 4] {
        let error = full.knn_graph(k, &Control::NONE).expect_err("not stored").to_string();
        assert!(error.contains(&format!("k = {k} is outside 1..=3")), "{error}");
    }
}

proptest! {
    #[test]
    fn truncated_rows_are_prefixes(n in 0_usize..8, stored in 1_usize..6, k in 1_usize..8) {
        let neighbors: Vec<u32> = (0_u32..).take(n * stored).collect();
        let distances: Vec<f32> = (0_u16..).map(f32::from).take(n * stored).collect();
        let full = KnnGraph::from_parts(stored, neighbors, distances).expect("legal lengths");
        let cut = full.truncated(k);
        prop_assert_eq!((cut.n_points(), cut.k()), (n, k.min(stored)));
        for i in 0..n {
            prop_assert_eq!(cut.row(i).0, &full.row(i).0[..cut.k()]);
            prop_assert_eq!(cut.row(i).1, &full.row(i).1[..cut.k()]);
        }
    }

    #[test]
    fn arbitrary_graphs_are_judged_without_panic(
        neighbors in proptest::collection::vec(any::<u32>(), 12),
        distances in proptest::collection::vec(any::<f64>(), 12),
        k in 1_usize..5,
        n in any::<usize>(),
    ) {
        let n_entries = 12 / k * k;
        let graph = KnnGraph::from_parts(k, neighbors[..n_entries].to_vec(), distances[..n_entries].to_vec());
        let _ = graph.expect("whole rows").check_rows(n, true);
    }
}
