//! Everything that is refused, by type and with its numbers.

use tsne_affinity::{
    AllPairs, Error, FixedSigma, MultiscaleMixture, Options, PerplexityBased, Precomputed,
    PrecomputedOptions, Symmetrization, Uniform,
};
use tsne_core::{Control, Csr, KnnGraph, Points, Seed};
use tsne_testkit::data;

use crate::index::{Brute, graph};

fn small_graph() -> KnnGraph<f64> {
    graph(&data::blobs(Seed(1), 40, 3, 2), 12, 1.0)
}

#[track_caller]
fn check<V>(result: Result<V, Error>, message: &str) {
    match result {
        Ok(_) => panic!("accepted, must be: {message}"),
        Err(error) => assert_eq!(error.to_string(), message, "{error:?}"),
    }
}

fn perplexity(graph: KnnGraph<f64>, perplexity: f64) -> Result<PerplexityBased<f64>, Error> {
    PerplexityBased::from_graph(graph, perplexity, &Options::default(), &Control::NONE)
}

#[test]
fn perplexities() {
    for (bad, text) in [(0.999, "0.999"), (0.0, "0"), (-3.0, "-3"), (f64::NAN, "NaN"), (f64::INFINITY, "inf")]
    {
        let message =
            format!("perplexity {text} is not a finite number of at least 1; typical values are 5 to 100");
        check(perplexity(small_graph(), bad), &message);
    }
    check(
        perplexity(small_graph(), 12.5),
        "perplexity 12.5 needs at least that many neighbors, got 12; lower the perplexity or give more neighbors, \
         best 37",
    );
    let strict = Options::default().with_strict(true);
    check(
        PerplexityBased::from_graph(small_graph(), 13.5, &strict, &Control::NONE),
        "perplexity 13.5 is above 13, a third of the other points (40 points); lower it to that or leave strict mode",
    );
    check(
        PerplexityBased::from_graph(small_graph(), 10.0, &strict, &Control::NONE),
        "perplexity 10 spreads over 30 neighbors, only 12 are stored; store more neighbors",
    );
    check(
        MultiscaleMixture::from_graph(small_graph(), &[], &Options::default(), &Control::NONE),
        "a mixture needs at least one perplexity, got none",
    );
    check(
        MultiscaleMixture::from_graph(small_graph(), &[5.0, 0.5], &Options::default(), &Control::NONE),
        "perplexity 0.5 is not a finite number of at least 1; typical values are 5 to 100",
    );
}

#[test]
fn an_error_leaves_a_built_object_as_it_was() {
    let mut p = perplexity(small_graph(), 4.0).expect("12 neighbors");
    let before = p.matrix().clone();
    check(
        p.set_perplexity(f64::NAN, &Control::NONE),
        "perplexity NaN is not a finite number of at least 1; typical values are 5 to 100",
    );
    assert_eq!((p.perplexity(), p.matrix()), (4.0, &before), "unchanged");
}

#[test]
fn numbers_of_neighbors() {
    let (control, options) = (Control::NONE, Options::default());
    for (n_neighbors, text) in [(0, "0"), (13, "13")] {
        let message = format!("{text} neighbors are outside 1..=12, the neighbors there are");
        let options = options.clone().with_n_neighbors(n_neighbors);
        check(PerplexityBased::from_graph(small_graph(), 4.0, &options, &control), &message);
        check(FixedSigma::from_graph(small_graph(), 4.0, &options, &control), &message);
        check(Uniform::from_graph(small_graph(), Some(n_neighbors), Symmetrization::Max, &control), &message);
    }
    let index = Brute(data::blobs(Seed(2), 30, 3, 2));
    let message = "30 neighbors are outside 1..=29, the neighbors there are";
    check(FixedSigma::<f64>::from_index(&index, 1.0, &options, &control), message);
    check(Uniform::<f64>::from_index(&index, None, Symmetrization::Max, &control), message);
    let many = options.clone().with_n_neighbors(30);
    check(PerplexityBased::<f64>::from_index(&index, 5.0, &many, &control), message);
    // Three points cannot have three other points as neighbors.
    let impossible =
        KnnGraph::from_parts(3, vec![1, 2, 3, 0, 2, 3, 0, 1, 3], vec![1.0; 9]).expect("3 rows of 3");
    check(perplexity(impossible, 1.0), "3 neighbors are outside 1..=2, the neighbors there are");
    let empty = KnnGraph::from_parts(3, vec![], vec![]).expect("no rows");
    check(perplexity(empty, 1.0), "affinities need at least 2 points, got 0");
}

#[test]
fn bandwidths() {
    for (bad, text) in [(0.0, "0"), (-1.0, "-1"), (f64::NAN, "NaN"), (f64::INFINITY, "inf")] {
        let message = format!("sigma {text} is not a finite number above 0");
        check(FixedSigma::from_graph(small_graph(), bad, &Options::default(), &Control::NONE), &message);
    }
}

#[test]
fn broken_rows_are_named() {
    let (k, neighbors, distances) = small_graph().into_parts();
    let with_distance = |at: usize, d: f64| {
        let mut distances = distances.clone();
        distances[at] = d;
        KnnGraph::from_parts(k, neighbors.clone(), distances).expect("40 rows of 12")
    };
    let with_neighbor = |at: usize, j: u32| {
        let mut neighbors = neighbors.clone();
        neighbors[at] = j;
        KnnGraph::from_parts(k, neighbors, distances.clone()).expect("40 rows of 12")
    };
    let not_finite =
        |text: &str| format!("row 7, neighbor 11: distance {text} is not a finite number of at least 0");
    let cases = [
        (with_distance(7 * 12 + 11, f64::INFINITY), not_finite("inf")),
        (with_distance(7 * 12 + 11, f64::NAN), not_finite("NaN")),
        (
            with_distance(7 * 12, -1.0),
            "row 7, neighbor 0: distance -1 is not a finite number of at least 0".to_owned(),
        ),
        (
            with_distance(7 * 12 + 11, 0.0),
            "row 7: distance 0 at position 11 is smaller than the one before it".to_owned(),
        ),
        (with_neighbor(7 * 12 + 3, 40), "row 7: neighbor 40 does not exist, there are 40 points".to_owned()),
        (
            with_neighbor(7 * 12 + 3, 7),
            "row 7 lists the point itself as its neighbor; leave it out".to_owned(),
        ),
        (
            with_neighbor(7 * 12 + 3, neighbors[7 * 12 + 4]),
            format!("row 7 lists neighbor {} twice", neighbors[7 * 12 + 4]),
        ),
    ];
    for (graph, message) in cases {
        for symmetrize in [true, false] {
            let options = Options::default().with_symmetrize(symmetrize);
            check(PerplexityBased::from_graph(graph.clone(), 4.0, &options, &Control::NONE), &message);
        }
        check(Uniform::from_graph(graph, None, Symmetrization::Max, &Control::NONE), &message);
    }
}

#[test]
fn given_matrices() {
    let options = PrecomputedOptions::default();
    let csr = |n_columns, offsets: &[usize], columns: &[u32], values: &[f64]| {
        let csr = Csr::from_parts(n_columns, offsets.to_vec(), columns.to_vec(), values.to_vec());
        Precomputed::from_csr(&csr.expect("parts that fit"), &options)
    };
    check(csr(3, &[0, 1, 2], &[1, 0], &[1.0, 1.0]), "a matrix of affinities must be square, got 2 x 3");
    check(csr(1, &[0, 0], &[], &[]), "affinities need at least 2 points, got 1");
    check(csr(2, &[0, 0, 0], &[], &[]), "all weights are 0; at least one pair of points must be joined");
    check(
        csr(2, &[0, 1, 2], &[1, 0], &[1.0, -1.0]),
        "row 1, column 0: weight -1 is not a finite number of at least 0",
    );
    check(
        csr(2, &[0, 1, 2], &[1, 0], &[f64::NAN, 1.0]),
        "row 0, column 1: weight NaN is not a finite number of at least 0",
    );
    check(
        csr(2, &[0, 1, 3], &[1, 0, 1], &[1.0, 1.0, 0.5]),
        "row 1 has a weight on the diagonal; points have no affinity to themselves, leave it out",
    );
    check(
        csr(2, &[0, 1, 2], &[1, 0], &[1.0, 0.5]),
        "entry (0, 1) is 1 and (1, 0) is 0.5; make the matrix symmetric",
    );
    check(
        csr(3, &[0, 0, 1, 1], &[2], &[0.5]),
        "entry (1, 2) is 0.5 and (2, 1) is 0; make the matrix symmetric",
    );
    check(
        Precomputed::from_dense(3, &[0.0; 8], &options),
        "values of the square matrix: expected 9 values, got 8",
    );
}

#[test]
fn edges() {
    let edges = |edges: &[(u32, u32, f32)]| Precomputed::from_edges(4, edges.iter().copied());
    check(edges(&[]), "all weights are 0; at least one pair of points must be joined");
    check(edges(&[(0, 1, 0.0)]), "all weights are 0; at least one pair of points must be joined");
    check(edges(&[(0, 1, 1.0), (3, 4, 1.0)]), "row 3: neighbor 4 does not exist, there are 4 points");
    check(edges(&[(4, 3, 1.0)]), "row 4: neighbor 4 does not exist, there are 4 points");
    check(edges(&[(2, 3, -0.5)]), "row 2, column 3: weight -0.5 is not a finite number of at least 0");
    check(edges(&[(2, 3, f32::NAN)]), "row 2, column 3: weight NaN is not a finite number of at least 0");
    check(
        edges(&[(1, 1, 1.0)]),
        "row 1 has a weight on the diagonal; points have no affinity to themselves, leave it out",
    );
}

#[test]
fn all_pairs() {
    let (options, control) = (Options::default(), Control::NONE);
    let points = |values: &[f64]| {
        let points = Points::from_row_major(values, 1).expect("whole rows");
        AllPairs::from_points(points, 1.0, &options, &control)
    };
    check(points(&[1.0]), "affinities need at least 2 points, got 1");
    check(points(&[1.0, f64::NAN]), "row 1, column 0 is NaN; remove or replace missing and infinite values");
    let distances = |values: &[f64]| AllPairs::from_distances(2, values, 1.0, &options, &control);
    check(distances(&[0.0; 3]), "distances of the square matrix: expected 4 values, got 3");
    check(distances(&[0.0, 1.0, 2.0, 0.0]), "entry (0, 1) is 1 and (1, 0) is 2; make the matrix symmetric");
    check(
        distances(&[0.0, -1.0, -1.0, 0.0]),
        "row 0, neighbor 1: distance -1 is not a finite number of at least 0",
    );
    let line = Points::from_row_major(&[0.0, 1.0, 2.0], 1).expect("whole rows");
    check(
        AllPairs::from_points(line, 1.0, &options.clone().with_n_neighbors(2), &control),
        "a number of neighbors means nothing to all-pairs affinities; leave it unset",
    );
    check(
        AllPairs::from_points(line, 2.0, &options.clone().with_strict(true), &control),
        "perplexity 2 is above 1, a third of the other points (3 points); lower it to that or leave strict mode",
    );
}

#[test]
fn an_index_that_fails_is_passed_on() {
    struct Broken;
    impl tsne_core::NeighborIndex<f64> for Broken {
        fn n_points(&self) -> usize {
            100
        }
        fn knn_graph(&self, _: usize, _: &Control<'_>) -> Result<KnnGraph<f64>, tsne_core::BackendError> {
            Err(tsne_core::BackendError::new("the index is stale"))
        }
    }
    check(
        PerplexityBased::from_index(&Broken, 10.0, &Options::default(), &Control::NONE),
        "the index is stale",
    );
    let stop = |_| std::ops::ControlFlow::Break(());
    let index = Brute(data::blobs(Seed(3), 50, 3, 2));
    let stopped = PerplexityBased::<f64>::from_index(&index, 5.0, &Options::default(), &Control::new(&stop));
    assert!(matches!(stopped, Err(Error::Interrupted(_))), "an interrupted index is an interruption");
}
