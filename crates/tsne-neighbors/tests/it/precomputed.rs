//! Distances and neighbors computed elsewhere are checked, then used as they are.

use tsne_core::{Control, GraphError, KnnGraph, NeighborIndex, NeighborQuery, Points};
use tsne_neighbors::{Error, Exact, PrecomputedDistances, precomputed_neighbors};

use crate::data::{cube, euclidean};

/// All distances between rows of `a` and rows of `b`.
fn distances(a: &[f64], b: &[f64], d: usize) -> Vec<f64> {
    a.chunks_exact(d).flat_map(|a| b.chunks_exact(d).map(move |b| euclidean(a, b))).collect()
}

#[test]
fn a_matrix_of_distances_gives_the_graph_of_its_points() {
    let (values, queries) = (cube(80, 4, 1), cube(9, 4, 2));
    let matrix = distances(&values, &values, 4);
    let index =
        PrecomputedDistances::new(Points::from_row_major(&matrix, 80).expect("square")).expect("symmetric");
    let exact = Exact::new(Points::from_row_major(&values, 4).expect("shape")).expect("finite");
    let (found, expected) = (
        index.knn_graph(20, &Control::NONE).expect("legal"),
        exact.knn_graph(20, &Control::NONE).expect("legal"),
    );
    assert_eq!(found.neighbors(), expected.neighbors(), "graph");
    let block = distances(&queries, &values, 4);
    let found =
        index.query(Points::from_row_major(&block, 80).expect("shape"), 20, &Control::NONE).expect("legal");
    let queries = Points::from_row_major(&queries, 4).expect("shape");
    let expected = exact.query(queries, 20, &Control::NONE).expect("legal");
    assert_eq!(found.neighbors(), expected.neighbors(), "answers");
    assert_eq!(index.clone().into_owned().knn_graph(79, &Control::NONE).expect("legal").k(), 79);
}

#[test]
fn ties_go_by_index_and_the_diagonal_is_not_looked_at() {
    let mut matrix = [1.0_f32; 25];
    matrix[12] = -7.0;
    let index =
        PrecomputedDistances::new(Points::from_row_major(&matrix, 5).expect("square")).expect("legal");
    let graph = index.knn_graph(4, &Control::NONE).expect("legal");
    assert_eq!(graph.row(2).0, [0, 1, 3, 4], "all others in order");
    let bytes = [0, 3, 9, 3, 0, 1, 9, 1, 0];
    let index =
        PrecomputedDistances::<f32>::new(Points::from_bytes(&bytes, 3).expect("square")).expect("legal");
    assert_eq!(index.knn_graph(2, &Control::NONE).expect("legal").row(1), (&[2, 0][..], &[1.0, 3.0][..]));
}

#[test]
fn matrices_that_are_no_distances_are_refused() {
    let new = |values: &[f64], width| {
        PrecomputedDistances::new(Points::from_row_major(values, width).expect("shape")).map(|_| ())
    };
    assert_eq!(new(&[0.0; 6], 3), Err(Error::NotSquare { rows: 2, columns: 3 }));
    assert_eq!(new(&[0.0, -1.0, -1.0, 0.0], 2), Err(Error::BadDistance { row: 0, point: 1, distance: -1.0 }));
    let lopsided = [0.0, 1.0, 2.0, 0.0];
    assert_eq!(new(&lopsided, 2), Err(Error::Asymmetric { row: 1, column: 0, distance: 2.0, reverse: 1.0 }));
    assert_eq!(new(&[0.0, 1.0, 1.000001, 0.0], 2), Ok(()), "rounding is no asymmetry");
    assert!(matches!(new(&[0.0, f64::NAN, 1.0, 0.0], 2), Err(Error::NonFinite(_))));
    let mean = PrecomputedDistances::symmetrized(Points::from_row_major(&lopsided, 2).expect("shape"));
    let graph = mean.expect("made symmetric").knn_graph(1, &Control::NONE).expect("legal");
    assert_eq!(graph.distances(), [1.5, 1.5], "the mean of both");

    let index = PrecomputedDistances::new(Points::from_row_major(&[0.0, 1.0, 1.0, 0.0], 2).expect("shape"));
    let index = index.expect("legal");
    assert!(index.knn_graph(2, &Control::NONE).is_err(), "only one other point");
    let query = |values: &[f64], width| {
        index.query(Points::from_row_major(values, width).expect("shape"), 1, &Control::NONE).is_ok()
    };
    assert!(query(&[3.0, 1.0], 2), "a row of distances");
    assert!(!query(&[3.0, -1.0], 2), "a negative distance");
    assert!(!query(&[3.0, 1.0, 2.0], 3), "too many distances");
}

#[test]
fn neighbors_are_sorted_and_checked() {
    let graph = |neighbors: &[u32], distances: &[f64]| {
        let graph = KnnGraph::from_parts(2, neighbors.to_vec(), distances.to_vec()).expect("pairs");
        precomputed_neighbors(graph)
    };
    let sorted = graph(&[2, 1, 0, 2, 1, 0], &[2.0, 1.0, 1.0, 1.0, 1.0, 2.0]).expect("legal");
    assert_eq!(sorted.neighbors(), [1, 2, 0, 2, 1, 0], "by distance, then index");
    let refused = |neighbors, distances| match graph(neighbors, distances) {
        Err(Error::Graph(error)) => error,
        other => panic!("accepted: {other:?}"),
    };
    let ones = [1.0; 6];
    assert_eq!(refused(&[1, 2, 1, 2, 0, 1], &ones), GraphError::SelfNeighbor { row: 1 });
    assert_eq!(refused(&[1, 1, 0, 2, 0, 1], &ones), GraphError::Repeated { row: 0, neighbor: 1 });
    assert!(matches!(
        refused(&[1, 3, 0, 2, 0, 1], &ones),
        GraphError::OutOfRange { row: 0, neighbor: 3, .. }
    ));
    let negative = [1.0, 1.0, -1.0, 1.0, 1.0, 1.0];
    assert!(matches!(refused(&[1, 2, 0, 2, 0, 1], &negative), GraphError::BadDistance { row: 1, .. }));
}
