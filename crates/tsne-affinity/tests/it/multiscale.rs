//! Several perplexities: mixture and average, against their oracles.

use tsne_affinity::{Multiscale, MultiscaleMixture, Options, PerplexityBased};
use tsne_core::{Control, KnnGraph, Scalar, Seed};
use tsne_testkit::close::{assert_rows_close, assert_same_bits};
use tsne_testkit::conformance::check_affinities;
use tsne_testkit::data::{self, DataSet};
use tsne_testkit::oracle::{Matrix, dense};

use crate::index::{graph, scaled};
use crate::oracle;

fn mixture<T: Scalar>(graph: &KnnGraph<T>, perplexities: &[f64]) -> MultiscaleMixture<T> {
    MultiscaleMixture::from_graph(graph.clone(), perplexities, &Options::default(), &Control::NONE)
        .unwrap_or_else(|error| panic!("mixture of {perplexities:?}: {error}"))
}

fn multiscale<T: Scalar>(graph: &KnnGraph<T>, perplexities: &[f64]) -> Multiscale<T> {
    Multiscale::from_graph(graph.clone(), perplexities, &Options::default(), &Control::NONE)
        .unwrap_or_else(|error| panic!("average of {perplexities:?}: {error}"))
}

fn check_oracles<T: Scalar>(set: &DataSet, k: usize, perplexities: &[f64], tolerance: f64) {
    let graph = graph::<T>(set, k, 1.0);
    let n = set.n_points();
    let what = format!("{n} points, {perplexities:?}");

    let p = mixture(&graph, perplexities);
    let used = p.calibration().n_neighbors;
    let want = oracle::directed(&graph, used, |d| oracle::mixture_row(d, perplexities));
    let want = oracle::symmetric(&want);
    assert_rows_close(
        dense(p.matrix()).as_slice(),
        want.as_slice(),
        n,
        tolerance,
        &format!("mixture, {what}"),
    );
    check_affinities(&p);
    for (scale, &perplexity) in p.calibration().scales.iter().zip(perplexities) {
        assert_eq!((scale.perplexity, scale.unreached.len()), (perplexity, 0), "{what}");
        assert!((scale.attained_min - perplexity).abs() <= 1e-9 * perplexity, "{scale:?}");
        assert!((scale.attained_max - perplexity).abs() <= 1e-9 * perplexity, "{scale:?}");
    }

    let p = multiscale(&graph, perplexities);
    let want = oracle::directed(&graph, used, |d| oracle::average_row(d, perplexities));
    let want = oracle::symmetric(&want);
    assert_rows_close(
        dense(p.matrix()).as_slice(),
        want.as_slice(),
        n,
        tolerance,
        &format!("average, {what}"),
    );
    check_affinities(&p);
}

#[test]
fn both_equal_their_oracles() {
    // Tolerances as for a single perplexity. The mixture subtracts exponents β d² of 10 to 100: two digits less.
    check_oracles::<f64>(&data::blobs(Seed(1), 150, 5, 3), 149, &[5.0, 20.0, 45.0], 1e-12);
    check_oracles::<f32>(&data::blobs(Seed(1), 150, 5, 3), 149, &[5.0, 20.0, 45.0], 1e-5);
    check_oracles::<f64>(&data::far_outlier(Seed(2), 120, 6), 119, &[5.0, 30.0], 1e-12);
}

#[test]
fn ten_and_a_hundred_on_the_digits() {
    check_oracles::<f64>(&data::digits().first(900), 300, &[10.0, 100.0], 1e-12);
    check_oracles::<f32>(&data::digits().first(900), 300, &[10.0, 100.0], 1e-5);
}

#[test]
fn units_do_not_matter() {
    let neighbors = graph::<f64>(&data::digits().first(500), 300, 1.0);
    let p = mixture(&neighbors, &[10.0, 100.0]);
    for exponent in [-300, -1, 7, 300] {
        let other = mixture(&scaled::<f64>(neighbors.clone(), 2.0_f64.powi(exponent)), &[10.0, 100.0]);
        assert_same_bits(other.matrix(), p.matrix(), &format!("distances times 2^{exponent}"));
    }
    let narrow = mixture(&scaled::<f32>(neighbors.clone(), 1.0), &[10.0, 100.0]);
    for factor in [0.01, 100.0] {
        let other = mixture(&scaled::<f64>(neighbors.clone(), factor), &[10.0, 100.0]);
        check_same(&dense(other.matrix()), &dense(p.matrix()), 1e-12, factor);
        let other = mixture(&scaled::<f32>(neighbors.clone(), factor), &[10.0, 100.0]);
        check_same(&dense(other.matrix()), &dense(narrow.matrix()), 1e-5, factor);
    }
}

fn check_same(got: &Matrix, want: &Matrix, tolerance: f64, factor: f64) {
    let what = format!("distances times {factor}");
    assert_rows_close(got.as_slice(), want.as_slice(), want.n_rows(), tolerance, &what);
}

#[test]
fn one_perplexity_is_that_perplexity() {
    let neighbors = graph::<f64>(&data::blobs(Seed(3), 160, 4, 3), 150, 1.0);
    for perplexity in [5.0, 30.0, 50.0] {
        let one =
            PerplexityBased::from_graph(neighbors.clone(), perplexity, &Options::default(), &Control::NONE);
        let one = one.expect("a legal perplexity");
        assert_same_bits(mixture(&neighbors, &[perplexity]).matrix(), one.matrix(), "mixture of one");
        assert_same_bits(multiscale(&neighbors, &[perplexity]).matrix(), one.matrix(), "average of one");
    }
}

#[test]
fn perplexities_too_high_are_lowered_once_and_dropped_then() {
    let neighbors = graph::<f64>(&data::blobs(Seed(4), 91, 4, 3), 90, 1.0);
    for (asked, used) in [
        (&[20.0][..], &[20.0][..]),
        (&[20.0, 40.0], &[20.0, 30.0]),
        (&[20.0, 40.0, 60.0], &[20.0, 30.0]),
        (&[60.0, 20.0, 30.0, 40.0], &[20.0, 30.0]),
    ] {
        let p = mixture(&neighbors, asked);
        assert_eq!(p.effective_perplexities(), used, "of {asked:?}");
        assert_eq!(p.perplexities(), asked, "what was asked for");
        assert_eq!(multiscale(&neighbors, asked).effective_perplexities(), used, "of {asked:?}");
    }
    let reports: Vec<String> = mixture(&neighbors, &[20.0, 40.0, 60.0])
        .calibration()
        .adjustments
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(
        reports,
        [
            "perplexity 40 is too high for 91 points, used 30",
            "perplexity 60 is too high for 91 points, left out because 30 is used already"
        ],
        "one lowered, one dropped"
    );
}

#[test]
fn perplexities_change_within_the_stored_neighbors() {
    let neighbors = graph::<f64>(&data::blobs(Seed(5), 91, 4, 3), 75, 1.0);
    let mut p = mixture(&neighbors, &[15.0, 25.0]);
    let entries = p.matrix().n_entries();
    p.set_perplexities(&[10.0, 20.0], &Control::NONE).expect("60 of 75 neighbors");
    assert!(p.matrix().n_entries() < entries, "fewer neighbors, fewer entries");
    let before = p.matrix().clone();
    let error = p.set_perplexities(&[20.0, 30.0], &Control::NONE).expect_err("90 of 75 neighbors");
    assert_eq!(
        error.to_string(),
        "perplexity 30 spreads over 90 neighbors, only 75 are stored; store more neighbors",
        "says what is missing"
    );
    assert_same_bits(p.matrix(), &before, "unchanged after an error");
    assert_eq!(p.perplexities(), [10.0, 20.0], "unchanged after an error");
}

#[test]
fn ties_and_single_places_stay_finite() {
    for (name, set) in data::suite(Seed(6)) {
        let n = set.n_points();
        let neighbors = graph::<f64>(&set, n - 1, 1.0);
        check_affinities(mixture(&neighbors, &[2.0, 5.0, 50.0]));
        check_affinities(multiscale(&neighbors, &[2.0, 5.0, 50.0]));
        assert!(n > 1, "{name} was checked");
    }
}
