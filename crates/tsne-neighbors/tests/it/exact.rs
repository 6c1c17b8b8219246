//! The exact index finds what sorting all distances in f64 finds.

use tsne_core::{Control, KnnGraph, NeighborIndex, NeighborQuery, Points, Scalar};
use tsne_neighbors::Exact;
use tsne_testkit::{oracle, threads};

use crate::data::{cast, cube, euclidean};

/// Every row has the true distances, and neighbors that really are at those distances.
fn check_rows<T: Scalar>(graph: &KnnGraph<T>, expected: &KnnGraph<f64>, tolerance: f64) {
    assert_eq!((graph.n_points(), graph.k()), (expected.n_points(), expected.k()), "shape");
    for i in 0..graph.n_points() {
        let ((neighbors, distances), (true_neighbors, true_distances)) = (graph.row(i), expected.row(i));
        for at in 0..graph.k() {
            let (found, distance) = (distances[at].to_f64(), true_distances[at]);
            let near = |d: f64| (d - distance).abs() <= tolerance * distance;
            assert!(near(found), "row {i}, position {at}: distance {found}, expected {distance}");
            // Neighbors at distances that rounding can exchange may be exchanged, also past the end of the row.
            let tied = true_distances.iter().filter(|&&d| near(d)).count() > 1 || at + 1 == graph.k();
            assert!(tied || neighbors[at] == true_neighbors[at], "row {i}, position {at}");
        }
    }
}

fn check<T: Scalar>(values: &[f64], d: usize, k: usize) {
    let values: Vec<T> = cast(values);
    let points = Points::from_row_major(&values, d).expect("the shape is legal");
    let index = Exact::new(points).expect("the values are finite");
    let graph = index.knn_graph(k, &Control::NONE).expect("k is legal");
    graph.check_rows(index.n_points(), true).expect("rows keep their promises");
    // The distance is rounded once to T after f64 arithmetic.
    let tolerance = T::EPSILON.to_f64() + 1e-14;
    check_rows(&graph, &oracle::knn_by(points, k, euclidean), tolerance);
}

#[test]
fn graph_equals_brute_force() {
    for (n, d, k) in
        [(2, 1, 1), (20, 1, 19), (300, 3, 10), (777, 50, 90), (200, 7, 199), (2500, 20, 30), (90, 300, 7)]
    {
        let values = cube(n, d, 1);
        check::<f32>(&values, d, k);
        check::<f64>(&values, d, k);
    }
}

#[test]
fn magnitude_and_offset_do_not_matter() {
    let values = cube(300, 10, 2);
    let scaled = |factor: f64| values.iter().map(|x| x * factor).collect::<Vec<_>>();
    for factor in [1e-150, 1e150, 1e-300, 1e300] {
        check::<f64>(&scaled(factor), 10, 12);
    }
    for factor in [1e-15, 1e15, 1e-30, 1e30] {
        check::<f32>(&scaled(factor), 10, 12);
    }
    let offset: Vec<f64> = values.iter().map(|x| x + 1e4).collect();
    check::<f32>(&offset, 10, 12);
    let far: Vec<f64> = values.iter().enumerate().map(|(i, x)| x + 1e6 * ((i / 10 % 3) as f64)).collect();
    check::<f32>(&far, 10, 12);
    check::<f64>(&far, 10, 12);
}

#[test]
fn clusters_far_apart_and_isolated_points_keep_their_neighbors() {
    let mut values = cube(1200, 6, 7);
    for (i, row) in values.chunks_exact_mut(6).enumerate() {
        // Products in f32 cannot tell the points of the two far clusters apart; the third has two lonely points.
        row.iter_mut().for_each(|x| *x += [0.0, 1e6, -1e6][i % 3]);
        if i == 3 || i == 6 {
            row[0] = 1e9 * (i as f64);
        }
    }
    check::<f32>(&values, 6, 25);
    check::<f64>(&values, 6, 25);
}

#[test]
fn duplicates_and_grids_have_the_true_distances() {
    let mut repeated = cube(900, 5, 8);
    for i in 600..900 {
        // A third of the rows repeats an earlier one; one of them a hundred times.
        let from = if i < 700 { 0 } else { i - 650 };
        repeated.copy_within(from * 5..(from + 1) * 5, i * 5);
    }
    check::<f32>(&repeated, 5, 20);
    check::<f64>(&repeated, 5, 20);
    let grid: Vec<f64> = (0..1000).flat_map(|i| [i / 100, i / 10 % 10, i % 10]).map(f64::from).collect();
    check::<f32>(&grid, 3, 26);
    let same = vec![0.3; 700 * 4];
    check::<f32>(&same, 4, 40);
}

#[test]
fn bytes_give_the_distances_of_their_values() {
    #[allow(clippy::cast_possible_truncation, reason = "values are below 256")]
    let values: Vec<u8> = cube(400 * 30, 1, 3).iter().map(|x| (x * 256.0) as u8).collect();
    let floats: Vec<f64> = values.iter().map(|&x| f64::from(x)).collect();
    let index = Exact::<f32>::new(Points::from_bytes(&values, 30).expect("shape")).expect("bytes are finite");
    let graph = index.knn_graph(20, &Control::NONE).expect("k is legal");
    let truth = oracle::knn(Points::from_row_major(&floats, 30).expect("shape"), 20);
    check_rows(&graph, &truth, f64::from(f32::EPSILON));

    let queries: Vec<f32> = cast(&floats[..300]);
    let by_value = index.query(Points::from_row_major(&queries, 30).expect("shape"), 5, &Control::NONE);
    let by_byte = index.query(Points::from_bytes(&values[..300], 30).expect("shape"), 5, &Control::NONE);
    assert_eq!(by_value.expect("legal"), by_byte.expect("legal"), "the kind of the query does not matter");
}

#[test]
fn queries_find_indexed_points_and_depend_on_nothing_else() {
    let (values, queries) = (cube(500, 8, 4), cube(70, 8, 5));
    let index = Exact::new(Points::from_row_major(&values, 8).expect("shape")).expect("finite").into_owned();
    let all =
        index.query(Points::from_row_major(&queries, 8).expect("shape"), 15, &Control::NONE).expect("legal");
    let points = |values| Points::from_row_major(values, 8).expect("shape");
    check_rows(&all, &oracle::query_by(points(&values), points(&queries), 15, euclidean), 1e-14);
    for (i, query) in queries.chunks_exact(8).enumerate() {
        let one =
            index.query(Points::from_row_major(query, 8).expect("shape"), 15, &Control::NONE).expect("legal");
        assert_eq!(one.row(0), all.row(i), "query {i} alone");
    }
    let itself =
        index.query(Points::from_row_major(&values, 8).expect("shape"), 1, &Control::NONE).expect("legal");
    for i in 0..index.n_points() {
        assert_eq!(itself.row(i), (&[u32::try_from(i).expect("small")][..], &[0.0][..]), "point {i}");
    }
}

#[test]
fn any_number_of_threads_gives_the_same_bits() {
    let values: Vec<f32> = cast(&cube(1500, 20, 6));
    let index = Exact::new(Points::from_row_major(&values, 20).expect("shape")).expect("finite");
    threads::assert_thread_invariant("graph", || index.knn_graph(30, &Control::NONE).expect("k is legal"));
    threads::assert_parallel("graph", || {
        index.knn_graph(30, &Control::NONE).expect("k is legal");
    });
}
