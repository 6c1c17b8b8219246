//! Starts of new points: by the rule, alone or together, whatever the kind of points; and the scaling of positions.

use tsne::core::KnnGraph;
use tsne::{Csr, Points, Seed, init};
use tsne_testkit::{data, threads};

fn graph(k: usize, neighbors: &[u32], distances: &[f64]) -> KnnGraph<f64> {
    KnnGraph::from_parts(k, neighbors.to_vec(), distances.to_vec()).expect("whole rows")
}

const REFERENCE: [[f64; 2]; 5] = [[0.0, 1.0], [10.0, -1.0], [20.0, 5.0], [30.0, 2.0], [-100.0, 0.0]];

#[test]
fn the_median_is_taken_along_each_axis() {
    let odd = graph(5, &[0, 1, 2, 3, 4], &[1.0; 5]);
    for (k, expected) in
        [(1, [0.0, 1.0]), (2, [5.0, 0.0]), (3, [10.0, 1.0]), (4, [15.0, 1.5]), (25, [10.0, 1.0])]
    {
        assert_eq!(init::median(&odd, k, &REFERENCE), [expected], "the first {k} neighbors");
    }
    let far = [[f64::MAX], [f64::MAX]];
    assert_eq!(init::median(&graph(2, &[0, 1], &[1.0; 2]), 2, &far), [[f64::MAX]], "no overflow");
}

#[test]
fn near_neighbors_weigh_more() {
    for (what, distances, expected) in [
        ("equal distances", [2.0, 2.0], [5.0, 0.0]),
        ("one four times as far", [1.0, 4.0], [2.0, 0.6]),
        ("one at the same place", [0.0, 4.0], [0.0, 1.0]),
        ("all at the same place", [0.0, 0.0], [5.0, 0.0]),
        ("distances whose inverse overflows", [1e-320, 1e-320], [5.0, 0.0]),
        ("distances whose inverse vanishes", [1e308, 1e308], [5.0, 0.0]),
    ] {
        let got = init::weighted(&graph(2, &[0, 1], &distances), 25, &REFERENCE)[0];
        assert!(got.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-12), "{what}: {got:?}");
    }
    let got = init::weighted(&graph(2, &[3, 1], &[1.0, 2.0]), 1, &REFERENCE);
    assert_eq!(got, [[30.0, 2.0]], "the first neighbor alone");
}

#[test]
fn new_points_are_placed_alone() {
    let n = 3000_u32;
    let reference: Vec<[f32; 3]> = data::map(Seed(1), 500, 100.0);
    let neighbors: Vec<u32> = (0..n * 7).map(|i| (i * 37 + i / 7) % 500).collect();
    let distances: Vec<f32> =
        (0..n * 7).map(|i| 1.0 + f32::from(u8::try_from(i % 7).expect("below 7"))).collect();
    let all = KnnGraph::from_parts(7, neighbors, distances).expect("whole rows");
    let places =
        |graph: &KnnGraph<f32>| [init::median(graph, 4, &reference), init::weighted(graph, 25, &reference)];
    let [medians, means] = places(&all);
    for i in [0, 77, 2999] {
        let (neighbors, distances) = all.row(i);
        let one = KnnGraph::from_parts(7, neighbors.to_vec(), distances.to_vec()).expect("a row");
        assert_eq!(places(&one), [vec![medians[i]], vec![means[i]]], "point {i}");
    }
    threads::assert_thread_invariant("starts of new points", || places(&all).concat());
}

#[test]
fn random_starts_follow_the_content() {
    let set = data::digits();
    let points = set.points();
    let all: Vec<[f64; 2]> = init::random_by_content(points, Seed(1));
    for i in [0, 3, 1796] {
        let one = Points::from_row_major(set.row(i), 64).expect("a row");
        assert_eq!(init::random_by_content::<f64, 2>(one, Seed(1)), [all[i]], "point {i} alone");
    }
    assert_ne!(init::random_by_content::<f64, 2>(points, Seed(2)), all, "another seed");
    let mut sorted: Vec<[u64; 2]> = all.iter().map(|y| y.map(f64::to_bits)).collect();
    sorted.sort_unstable();
    sorted.dedup();
    assert_eq!(sorted.len(), all.len(), "different digits start at different places");
    // 3 594 normal numbers: their standard deviation scatters by 1.2 %.
    #[allow(clippy::cast_precision_loss, reason = "few points")]
    let std = (all.iter().flatten().map(|v| v * v).sum::<f64>() / (2 * all.len()) as f64).sqrt();
    assert!((std / 1e-4 - 1.0).abs() < 0.06, "{std}");

    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "pixels are whole and below 17"
    )]
    let bytes: Vec<u8> = set.values.iter().map(|&x| x as u8).collect();
    let bytes = Points::<f64>::from_bytes(&bytes, 64).expect("rectangular");
    assert_eq!(init::random_by_content::<f64, 2>(bytes, Seed(1)), all, "bytes");
    let sparse = Csr::from_parts(3, vec![0, 1, 1], vec![1], vec![5.0]).expect("two rows");
    let sparse = init::random_by_content::<f64, 2>(Points::from_csr(&sparse).expect("a matrix"), Seed(1));
    let dense = Points::from_row_major(&[0.0, 5.0, 0.0, 0.0, -0.0, 0.0], 3).expect("two rows");
    assert_eq!(init::random_by_content::<f64, 2>(dense, Seed(1)), sparse, "zeros left out");
    let moved = Points::from_row_major(&[5.0, 0.0, 0.0, 0.0, 0.0, 0.0], 3).expect("two rows");
    assert_ne!(init::random_by_content::<f64, 2>(moved, Seed(1))[0], sparse[0], "another feature");
}

#[test]
fn positions_are_scaled_and_jittered_by_their_first_column() {
    let mut y: Vec<[f64; 2]> = data::map(Seed(3), 400, 50.0);
    let plain = y.clone();
    let std = init::rescale(&mut y, 1e-4);
    for (a, b) in y.iter().flatten().zip(plain.iter().flatten()) {
        assert!((a * std / 1e-4 - b).abs() < 1e-12, "{b} became {a}");
    }
    let mut moved = y.clone();
    init::jitter(&mut moved, 0.01, Seed(1));
    #[allow(clippy::cast_precision_loss, reason = "few points")]
    let off = (moved.iter().flatten().zip(y.iter().flatten()).map(|(a, b)| (a - b).powi(2)).sum::<f64>()
        / 800.0)
        .sqrt();
    // 800 normal numbers scatter by 2.5 %.
    assert!((off / 1e-6 - 1.0).abs() < 0.13, "jitter of 1 % of 1e-4: {off:e}");
    let mut again = y.clone();
    init::jitter(&mut again, 0.01, Seed(1));
    assert_eq!(again, moved, "same seed");
    let mut constant = [[3.0_f32, 1.0], [3.0, 2.0]];
    assert_eq!(init::rescale(&mut constant, 1e-4), 0.0, "nothing to scale by");
    init::jitter(&mut constant, 0.01, Seed(1));
    assert_eq!(constant, [[3.0, 1.0], [3.0, 2.0]], "a constant column leaves all as it is");
}
