//! The data sets are what they say.

use std::f64::consts::PI;

use tsne_core::{Element, Seed};
use tsne_testkit::data;
use tsne_testkit::oracle::squared_distances;

#[test]
fn equal_seeds_give_equal_sets_and_others_do_not() {
    for ((name, a), (_, b)) in data::suite(Seed(7)).into_iter().zip(data::suite(Seed(7))) {
        assert_eq!(a, b, "{name}");
        assert_eq!(a.values.len(), a.n_points() * a.n_features, "{name} is rectangular");
        assert!(a.values.iter().all(|x| x.is_finite()), "{name} is finite");
        assert_eq!(a.points().n_points(), a.n_points(), "{name} as a view");
    }
    assert_ne!(data::blobs(Seed(1), 20, 3, 2), data::blobs(Seed(2), 20, 3, 2), "another seed");
    assert_ne!(data::map::<f64, 2>(Seed(1), 5, 1.0), data::map::<f64, 2>(Seed(2), 5, 1.0), "another seed");
}

#[test]
fn blobs_gather_around_their_centers() {
    let set = data::blobs(Seed(3), 300, 8, 3);
    assert_eq!(set.labels.iter().filter(|&&label| label == 2).count(), 100, "a third in each");
    let d2 = squared_distances(set.points());
    // Two points of a cluster are about sqrt(2 · 8) = 4 apart.
    assert!(d2.at(0, 3) < 64.0 && d2.at(1, 4) < 64.0, "within a cluster");
}

#[test]
fn every_third_row_repeats_an_earlier_one() {
    let set = data::duplicates(Seed(4), 90, 3);
    for i in (2..90).step_by(3) {
        assert!((0..i).any(|j| set.row(j) == set.row(i)), "row {i} repeats no earlier one");
    }
}

#[test]
fn awkward_sets_are_awkward() {
    let grid = data::integer_grid(4, 3);
    assert_eq!(
        (grid.n_points(), grid.row(1), grid.row(63)),
        (64, &[1.0, 0.0, 0.0][..], &[3.0; 3][..]),
        "grid"
    );
    let line = data::collinear(5, 2);
    assert_eq!(line.values, [0.0, 0.0, 1.0, 1.0, 2.0, 2.0, 3.0, 3.0, 4.0, 4.0], "line");
    assert!(data::identical(4, 2).values.windows(2).all(|pair| pair[0] == pair[1]), "one point");
    let far = data::far_clusters(Seed(5), 10, 2);
    assert!(far.row(1)[0] - far.row(0)[0] > 9.9e5, "clusters far apart");
    let outlier = data::far_outlier(Seed(6), 10, 2);
    assert_eq!(outlier.row(9), [1000.0; 2], "outlier");
    assert!(outlier.values[..18].iter().all(|x| x.abs() < 10.0), "the others are near");
    assert_eq!(data::far_outlier(Seed(6), 0, 2).n_points(), 0, "no points");
}

#[test]
fn curves_have_their_shape() {
    for row in data::ring(Seed(7), 50, 0.0).values.chunks_exact(2) {
        assert!((row[0].hypot(row[1]) - 1.0).abs() < 1e-12, "{row:?} is off the circle");
    }
    let roll = data::swiss_roll(Seed(8), 200, 0.0);
    for (i, row) in roll.values.chunks_exact(3).enumerate() {
        let (radius, label) = (row[0].hypot(row[2]), f64::from(roll.labels[i]));
        // The radius is the angle, which grows by a half turn a label from three quarters of a turn.
        let half_turns = radius / PI - 1.5;
        assert!(half_turns >= label - 1e-9 && half_turns <= label + 1.0 + 1e-9, "{row:?} is off the roll");
    }
}

#[test]
fn real_sets_are_complete() {
    let iris = data::iris();
    assert_eq!((iris.n_points(), iris.n_features), (150, 4), "irises");
    assert_eq!(iris.row(0), [5.1, 3.5, 1.4, 0.2], "first iris");
    assert!(
        (0..3).all(|s| iris.labels.iter().filter(|&&label| label == s).count() == 50),
        "50 of each species"
    );
    // Means that textbooks print.
    let mean = iris.values.chunks_exact(4).map(|row| row[2]).sum::<f64>() / 150.0;
    assert!((mean - 3.758).abs() < 1e-9, "mean petal length {mean}");

    let digits = data::digits();
    assert_eq!((digits.n_points(), digits.n_features), (1797, 64), "digits");
    assert!(digits.values.iter().all(|&x| (0.0..=16.0).contains(&x) && x.fract() == 0.0), "pixels");
    assert_eq!(digits.labels[..10], [0, 1, 2, 3, 4, 5, 6, 7, 8, 9], "first labels");
    let first = digits.first(300);
    assert_eq!((first.n_points(), first.values.len()), (300, 300 * 64), "first rows");
    assert_eq!(first.to_f32()[2], 5.0, "as f32");
}

#[test]
fn maps_have_the_span_asked_for() {
    let y = data::map::<f32, 3>(Seed(9), 1000, 50.0);
    let (low, high) = y.as_flattened().iter().fold((0.0_f32, 0.0_f32), |(l, h), &x| (l.min(x), h.max(x)));
    assert!((-25.0..-24.0).contains(&low) && high > 24.0 && high <= 25.0, "from {low} to {high}");
    let start = data::normal_map::<f64, 2>(Seed(10), 1000, 1e-4);
    let variance = start.as_flattened().iter().map(|x| x * x).sum::<f64>() / 2000.0;
    assert!((0.9e-8..1.1e-8).contains(&variance), "variance {variance:e}");
    let lattice = data::lattice_map::<f32, 2>(Seed(11), 1000, 100.0);
    assert!(lattice.as_flattened().iter().all(|&x| (x + 4096.0) - 4096.0 == x), "shifts are exact");
    let clusters = data::clustered_map::<f64, 1>(Seed(12), 500, 10.0);
    assert!(clusters.iter().all(|y| y[0].to_f64().abs() < 8.0), "clusters within their span");
}
