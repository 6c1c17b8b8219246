//! One perplexity: against the oracle, at every scale, with ties and outliers.

use proptest::prelude::*;
use tsne_affinity::{Options, PerplexityBased, Reason};
use tsne_core::{Control, Csr, KnnGraph, Scalar, Seed};
use tsne_testkit::close::{assert_rows_close, assert_same_bits};
use tsne_testkit::conformance::check_affinities;
use tsne_testkit::data::{self, DataSet};
use tsne_testkit::oracle::dense;

use crate::index::graph;
use crate::oracle;

fn build<T: Scalar>(graph: &KnnGraph<T>, perplexity: f64, options: &Options) -> PerplexityBased<T> {
    PerplexityBased::from_graph(graph.clone(), perplexity, options, &Control::NONE)
        .unwrap_or_else(|error| panic!("perplexity {perplexity}: {error}"))
}

/// P against [M1] to [M4], relative to the largest of each row.
///
/// 1e-12 in f64: two calibrations that agree on β to 1e-14 give weights within 1e-13. In f32 P itself is rounded, and
/// the oracle is given the rounded distances, so 1e-6 is some roundings.
fn check_oracle<T: Scalar>(set: &DataSet, k: usize, perplexity: f64, scale: f64, tolerance: f64) {
    let graph = graph::<T>(set, k, scale);
    let p = build(&graph, perplexity, &Options::default());
    let used = p.calibration().n_neighbors;
    let want = oracle::symmetric(&oracle::directed(&graph, used, |d| oracle::row(d, perplexity)));
    let what = format!("{} points, k {k}, perplexity {perplexity}, scale {scale:e}", set.n_points());
    assert_rows_close(dense(p.matrix()).as_slice(), want.as_slice(), set.n_points(), tolerance, &what);
    assert_eq!(p.calibration().scales[0].unreached, [], "{what}");
    check_affinities(&p);
}

#[test]
fn equals_the_oracle() {
    let set = data::blobs(Seed(1), 200, 5, 3);
    for (n, k, perplexity) in [(200, 90, 30.0), (200, 199, 66.0), (61, 15, 5.0), (40, 6, 2.0), (90, 30, 29.5)]
    {
        let set = set.clone().first(n);
        check_oracle::<f64>(&set, k, perplexity, 1.0, 1e-12);
        check_oracle::<f64>(&set, k, perplexity, 1e150, 1e-12);
        check_oracle::<f64>(&set, k, perplexity, 1e-150, 1e-12);
        check_oracle::<f32>(&set, k, perplexity, 1.0, 1e-6);
        check_oracle::<f32>(&set, k, perplexity, 1e15, 1e-6);
        check_oracle::<f32>(&set, k, perplexity, 1e-15, 1e-6);
    }
    check_oracle::<f64>(&data::far_outlier(Seed(2), 120, 6), 90, 30.0, 1.0, 1e-12);
    check_oracle::<f64>(&data::far_clusters(Seed(3), 120, 4), 119, 35.0, 1.0, 1e-12);
    check_oracle::<f64>(&data::iris(), 90, 30.0, 1.0, 1e-12);
}

/// The perplexity of every row, recomputed from its values, over the whole range that is allowed.
fn check_perplexities<T: Scalar>(set: &DataSet, scale: f64) {
    let n = set.n_points();
    let graph = graph::<T>(set, n - 1, scale);
    let options = Options::default().with_symmetrize(false);
    for perplexity in [2.0, 2.5, 5.0, 30.0, n as f64 / 6.0, (n - 1) as f64 / 3.0] {
        let p = build(&graph, perplexity, &options);
        for i in 0..n {
            let values: Vec<f64> = p.matrix().row(i).1.iter().map(|p| p.to_f64()).collect();
            let attained = oracle::perplexity_of(&values);
            assert!(
                (attained - perplexity).abs() <= 1e-5 * perplexity,
                "row {i} of {n} at scale {scale:e}: perplexity {attained}, not {perplexity}"
            );
        }
        let scale = &p.calibration().scales[0];
        assert!(scale.attained_min >= perplexity * (1.0 - 1e-9), "{scale:?}");
        assert!(scale.attained_max <= perplexity * (1.0 + 1e-9), "{scale:?}");
    }
}

#[test]
fn every_row_has_the_perplexity_asked_for() {
    for set in [
        data::blobs(Seed(4), 181, 10, 5),
        data::uniform(Seed(5), 120, 1),
        data::uniform(Seed(6), 150, 33),
        data::swiss_roll(Seed(7), 160, 0.05),
        data::far_outlier(Seed(8), 140, 6),
        data::far_clusters(Seed(9), 140, 4),
    ] {
        for scale in [1.0, 1e150, 1e-150] {
            check_perplexities::<f64>(&set, scale);
        }
        for scale in [1.0, 1e15, 1e-15] {
            check_perplexities::<f32>(&set, scale);
        }
    }
}

fn check_powers_of_two<T: Scalar>(exponents: [i32; 5]) {
    let set = data::blobs(Seed(10), 150, 4, 3);
    let p = build(&graph::<T>(&set, 60, 1.0), 20.0, &Options::default());
    for exponent in exponents {
        let other = graph::<T>(&set, 60, 2.0_f64.powi(exponent));
        let other = build(&other, 20.0, &Options::default());
        assert_same_bits(other.matrix(), p.matrix(), &format!("distances times 2^{exponent}"));
    }
}

#[test]
fn no_power_of_two_changes_a_bit() {
    check_powers_of_two::<f64>([-480, -3, 1, 40, 480]);
    check_powers_of_two::<f32>([-100, -58, 1, 58, 115]);
}

#[test]
fn duplicates_share_a_row_only_where_they_must() {
    // Six points in one place, away from the others: the five nearest of each are at distance 0.
    let mut values = data::uniform(Seed(11), 40, 2).values_as::<f64>();
    values[..12].fill(3.0);
    let set = DataSetOf { values: &values, n_features: 2 };
    let neighbors = set.graph(20);
    let p = build(&neighbors, 3.0, &Options::default());
    let unreached = &p.calibration().scales[0].unreached;
    let rows: Vec<usize> = unreached.iter().map(|row| row.row).collect();
    assert_eq!(rows, [0, 1, 2, 3, 4, 5], "those six rows");
    for row in unreached {
        assert_eq!((row.reason, row.perplexity), (Reason::Ties, 5.0), "five share a row");
    }
    for &p in &p.matrix().row(0).1[..5] {
        assert!((p - 0.005).abs() < 1e-17, "a fifth of a row of 1/40, not {p}");
    }
    check_affinities(&p);
    // At the number of ties exactly the limit is met, above it a bandwidth is.
    for perplexity in [5.0, 5.0 + 1e-9, 5.5] {
        let p = build(&neighbors, perplexity, &Options::default());
        assert_eq!(p.calibration().scales[0].unreached, [], "perplexity {perplexity}");
    }
    // Where everything is in one place every neighbor counts alike.
    let identical = graph::<f64>(&data::identical(40, 3), 30, 1.0);
    let p = build(&identical, 10.0, &Options::default());
    assert_eq!(p.calibration().scales[0].unreached.len(), 40, "all rows tie");
    check_affinities(&p);
}

/// Points that are not one of the testkit's sets.
struct DataSetOf<'a> {
    values: &'a [f64],
    n_features: usize,
}

impl DataSetOf<'_> {
    fn graph(&self, k: usize) -> KnnGraph<f64> {
        let points = tsne_core::Points::from_row_major(self.values, self.n_features).expect("whole rows");
        tsne_testkit::oracle::knn(points, k)
    }
}

#[test]
fn the_ends_of_the_range_are_limits() {
    let neighbors = graph::<f64>(&data::blobs(Seed(12), 60, 3, 2), 10, 1.0);
    let options = Options::default().with_symmetrize(false).with_n_neighbors(10);
    // As many as there are: all alike. One: the nearest alone.
    let all = build(&neighbors, 10.0, &options);
    assert!(all.matrix().values().iter().all(|&p| p == 0.1 / 60.0), "all neighbors alike");
    let one = build(&neighbors, 1.0, &options);
    for i in 0..60 {
        let nearest = neighbors.row(i).0[0];
        let (columns, values) = one.matrix().row(i);
        for (&j, &p) in columns.iter().zip(values) {
            assert_eq!(p, if j == nearest { 1.0 / 60.0 } else { 0.0 }, "row {i}, column {j}");
        }
    }
    for perplexity in [1.0 + 1e-12, 1.001, 9.999, 10.0 - 1e-9, 10.0 - 1e-13] {
        let p = build(&neighbors, perplexity, &options);
        assert_eq!(p.calibration().scales[0].unreached, [], "perplexity {perplexity}");
    }
}

/// `p` with row and column `i` moved to `places[i]`.
fn permuted(p: &Csr<f64>, places: &[usize]) -> tsne_testkit::oracle::Matrix {
    let from = dense(p);
    let n = places.len();
    let mut inverse = vec![0; n];
    for (i, &place) in places.iter().enumerate() {
        inverse[place] = i;
    }
    tsne_testkit::oracle::Matrix::from_fn(n, n, |i, j| from.at(inverse[i], inverse[j]))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn permuting_the_points_permutes_p(seed in 0_u64..1000, perplexity in 2.0..30.0_f64) {
        let set = data::blobs(Seed(seed), 100, 6, 4);
        // A permutation: multiplication by a number without a common factor.
        let places: Vec<usize> = (0..100).map(|i| (i * 37 + 11) % 100).collect();
        let mut moved = vec![0.0; 600];
        for (i, &place) in places.iter().enumerate() {
            moved[place * 6..place * 6 + 6].copy_from_slice(set.row(i));
        }
        let p = build(&graph::<f64>(&set, 90, 1.0), perplexity, &Options::default());
        let moved = DataSetOf { values: &moved, n_features: 6 }.graph(90);
        let moved = build(&moved, perplexity, &Options::default());
        let want = permuted(p.matrix(), &places);
        assert_rows_close(dense(moved.matrix()).as_slice(), want.as_slice(), 100, 1e-14, "P of permuted points");
    }
}

#[test]
fn neighbors_and_perplexity_are_chosen_apart() {
    let set = data::blobs(Seed(13), 91, 4, 3);
    let neighbors = graph::<f64>(&set, 60, 1.0);
    let mut p = build(&neighbors, 10.0, &Options::default());
    assert_eq!(p.calibration().n_neighbors, 30, "three times the perplexity");
    let few = p.matrix().n_entries();
    p.set_perplexity(20.0, &Control::NONE).expect("60 neighbors are stored");
    assert!(p.matrix().n_entries() > few, "twice the neighbors");
    assert_same_bits(
        p.matrix(),
        build(&neighbors, 20.0, &Options::default()).matrix(),
        "built anew or changed",
    );
    p.set_perplexity(25.0, &Control::NONE).expect("more than 25 neighbors are stored");
    let adjustment = p.calibration().adjustments[0].to_string();
    assert_eq!(adjustment, "perplexity 25 spreads over 75 neighbors, only 60 are stored", "a caveat");
    assert_eq!(p.perplexity(), 25.0, "what was asked for");

    let options = Options::default().with_n_neighbors(15);
    assert_eq!(build(&neighbors, 10.0, &options).calibration().n_neighbors, 15, "what was asked for");
    let truncated = build(&neighbors.truncated(15), 10.0, &Options::default());
    assert_same_bits(build(&neighbors, 10.0, &options).matrix(), truncated.matrix(), "stored or left out");
}

#[test]
fn a_perplexity_too_high_is_lowered_and_reported() {
    let neighbors = graph::<f64>(&data::blobs(Seed(14), 91, 4, 3), 90, 1.0);
    let p = build(&neighbors, 140.0, &Options::default());
    assert_eq!((p.perplexity(), p.effective_perplexity()), (140.0, 30.0), "a third of 90");
    let adjustments: Vec<String> = p.calibration().adjustments.iter().map(ToString::to_string).collect();
    assert_eq!(adjustments, ["perplexity 140 is too high for 91 points, used 30"], "both numbers");
    assert_same_bits(
        p.matrix(),
        build(&neighbors, 30.0, &Options::default()).matrix(),
        "as if 30 was asked for",
    );
    for n in [2, 3, 4, 5] {
        let p = build(&graph::<f64>(&data::uniform(Seed(15), n, 2), n - 1, 1.0), 30.0, &Options::default());
        assert_eq!(p.effective_perplexity(), ((n - 1) as f64 / 3.0).max(1.0), "{n} points");
        check_affinities(&p);
    }
}
