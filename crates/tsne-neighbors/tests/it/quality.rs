//! Measures of quality against another library, and at their extremes.

use tsne_core::{Control, KnnGraph, NeighborIndex, Points, Seed};
use tsne_neighbors::quality::{Rows, preservation, recall, silhouette};
use tsne_neighbors::{Error, Exact, Metric};

use crate::data::cube;

/// The first points of a sequence that fills the cube, and the square below each.
fn cube_and_square() -> (Vec<f64>, Vec<f64>) {
    let steps = [0.8191725133961645, 0.6710436067037893, 0.5497004779019703];
    let cube: Vec<f64> = (1..=80).flat_map(|i| steps.map(|step| (f64::from(i * i) * step) % 1.0)).collect();
    let square = cube.chunks_exact(3).flat_map(|x| [x[0], x[1]]).collect();
    (cube, square)
}

/// Values of `sklearn.manifold.trustworthiness`, scikit-learn 1.9.1, with the arguments exchanged for continuity.
#[test]
fn trustworthiness_and_continuity_agree_with_another_library() {
    let (cube, square) = cube_and_square();
    let cube = Points::from_row_major(&cube, 3).expect("shape");
    let square = Points::from_row_major(&square, 2).expect("shape");
    for (k, trustworthiness, continuity) in
        [(5, 0.8622916666666667, 0.9576736111111112), (12, 0.8887364498644986, 0.9511009485094851)]
    {
        let found =
            preservation(cube, &Metric::Euclidean, square, k, Rows::All, &Control::NONE).expect("legal");
        assert!((found.trustworthiness - trustworthiness).abs() < 1e-14, "k = {k}: {found:?}");
        assert!((found.continuity - continuity).abs() < 1e-14, "k = {k}: {found:?}");
        let near = Exact::new(square).expect("finite").knn_graph(k, &Control::NONE).expect("legal");
        let kept = recall(&near, cube, &Metric::Euclidean, Rows::All, &Control::NONE).expect("legal");
        assert_eq!(found.kept, kept, "the neighbors in the map are a graph of the data");
    }
    let same = preservation(cube, &Metric::Euclidean, cube, 7, Rows::All, &Control::NONE).expect("legal");
    assert_eq!((same.trustworthiness, same.continuity), (1.0, 1.0), "a map that changes nothing");
    let error = preservation(cube, &Metric::Euclidean, square, 40, Rows::All, &Control::NONE);
    assert_eq!(error, Err(Error::NeighborCount { k: 40, max: 39 }));
}

/// Values of `sklearn.metrics.silhouette_score`, scikit-learn 1.9.1.
#[test]
fn silhouettes_agree_with_another_library() {
    let (_, square) = cube_and_square();
    // Fields of a board of three by two, and then one point in a group of its own.
    let from = |x: f64, least: f64| u32::from(x >= least);
    let field = |x: &[f64]| from(3.0 * x[0], 1.0) + from(3.0 * x[0], 2.0) + 3 * from(2.0 * x[1], 1.0);
    let mut labels: Vec<u32> = square.chunks_exact(2).map(field).collect();
    let square = Points::from_row_major(&square, 2).expect("shape");
    let measure = |metric, labels: &[u32], rows| silhouette(square, &metric, labels, rows, &Control::NONE);
    let close = |found: Result<Option<f64>, Error>, value: f64| {
        let found = found.expect("legal").expect("several groups");
        assert!((found - value).abs() < 1e-14, "{found} instead of {value}");
    };
    close(measure(Metric::Euclidean, &labels, Rows::All), 0.3422765667870251);
    labels[7] = 40;
    close(measure(Metric::Euclidean, &labels, Rows::All), 0.2192751519615471);
    close(measure(Metric::Manhattan, &labels, Rows::All), 0.2052148259760364);

    assert_eq!(measure(Metric::Euclidean, &[3; 80], Rows::All), Ok(None), "one group");
    let alone: Vec<u32> = (0..80).collect();
    assert_eq!(measure(Metric::Euclidean, &alone, Rows::All), Ok(Some(0.0)), "everyone alone");
    let error = measure(Metric::Euclidean, &labels[1..], Rows::All);
    assert_eq!(error, Err(Error::RowMismatch { expected: 80, got: 79 }));
    let here = Points::from_row_major(&[1.0; 80], 1).expect("shape");
    let halves: Vec<u32> = (0..80).map(|i| i % 2).collect();
    let found = silhouette(here, &Metric::Euclidean, &halves, Rows::Sample(9, Seed(1)), &Control::NONE);
    assert_eq!(found, Ok(Some(0.0)), "all in one place");
}

#[test]
fn recall_counts_what_is_as_near_as_the_true_neighbors() {
    let values = cube(300, 5, 1);
    let points = Points::from_row_major(&values, 5).expect("shape");
    let graph = Exact::new(points).expect("finite").knn_graph(10, &Control::NONE).expect("legal");
    let measure = |graph: &KnnGraph<f64>, rows| {
        recall(graph, points, &Metric::Euclidean, rows, &Control::NONE).expect("legal")
    };
    assert_eq!(measure(&graph, Rows::All), 1.0, "the exact graph");
    assert_eq!(measure(&graph, Rows::Sample(50, Seed(1))), 1.0, "on a sample");
    let (k, mut neighbors, distances) = graph.into_parts();
    // Each row loses its ninth neighbor for the point half the set away, which is a neighbor of hardly any row.
    for (i, row) in (0_u32..).zip(neighbors.chunks_exact_mut(k)) {
        row[8] = (i + 150) % 300;
    }
    let worse = KnnGraph::from_parts(k, neighbors, distances).expect("shape");
    let found = measure(&worse, Rows::All);
    assert!((0.9..0.91).contains(&found), "nine of ten, and a few by chance: {found}");
    let sampled = measure(&worse, Rows::Sample(50, Seed(1)));
    assert!((0.9..0.93).contains(&sampled), "likewise: {sampled}");
    let fewer = Points::from_row_major(&values[..100], 5).expect("shape");
    let error = recall(&worse, fewer, &Metric::Euclidean, Rows::All, &Control::NONE);
    assert_eq!(error, Err(Error::RowMismatch { expected: 20, got: 300 }));
}
