//! Fixed bandwidth and uniform weights, normalizations, and what all families share.

use std::sync::Arc;

use tsne_affinity::{
    FixedSigma, Multiscale, MultiscaleMixture, Normalization, Options, PerplexityBased, Symmetrization,
    Uniform,
};
use tsne_core::{Control, Csr, KnnGraph, Scalar, Seed};
use tsne_testkit::close::{assert_rows_close, assert_same_bits};
use tsne_testkit::conformance::{check_affinities, check_new_rows};
use tsne_testkit::data;
use tsne_testkit::oracle::dense;

use crate::index::{Brute, graph};
use crate::oracle;

fn sigma<T: Scalar>(graph: &KnnGraph<T>, sigma: f64) -> FixedSigma<T> {
    FixedSigma::from_graph(graph.clone(), sigma, &Options::default(), &Control::NONE)
        .unwrap_or_else(|error| panic!("sigma {sigma}: {error}"))
}

fn uniform<T: Scalar>(graph: &KnnGraph<T>, symmetrization: Symmetrization) -> Uniform<T> {
    Uniform::from_graph(graph.clone(), None, symmetrization, &Control::NONE)
        .unwrap_or_else(|error| panic!("{symmetrization:?}: {error}"))
}

#[test]
fn a_fixed_bandwidth_equals_its_oracle() {
    // Rows whose weights would all underflow, from the far outlier on, are normalized like any other.
    for set in [data::blobs(Seed(1), 120, 4, 3), data::far_outlier(Seed(2), 120, 6), data::iris()] {
        let n = set.n_points();
        for bandwidth in [0.05, 1.0, 20.0] {
            let neighbors = graph::<f64>(&set, 30, 1.0);
            let want = oracle::directed(&neighbors, 30, |d| oracle::sigma_row(d, bandwidth));
            let want = oracle::symmetric(&want);
            let p = sigma(&neighbors, bandwidth);
            let what = format!("sigma {bandwidth} on {n} points");
            // Exponents reach 1e8 here: eight of sixteen digits are left.
            assert_rows_close(dense(p.matrix()).as_slice(), want.as_slice(), n, 1e-7, &what);
            check_affinities(&p);
            check_affinities(sigma(&graph::<f32>(&set, 30, 1.0), bandwidth));
        }
    }
    let tame = graph::<f64>(&data::blobs(Seed(1), 120, 4, 3), 30, 1.0);
    let want = oracle::symmetric(&oracle::directed(&tame, 30, |d| oracle::sigma_row(d, 1.0)));
    assert_rows_close(dense(sigma(&tame, 1.0).matrix()).as_slice(), want.as_slice(), 120, 1e-13, "sigma 1");
}

#[test]
fn uniform_weights_are_equal_or_one_to_two() {
    let set = data::blobs(Seed(3), 200, 4, 3);
    let neighbors = graph::<f64>(&set, 15, 1.0);
    let one = oracle::directed(&neighbors, 15, |d| vec![1.0; d.len()]);

    let p = uniform(&neighbors, Symmetrization::Max);
    let want = oracle::joint(&one, f64::max);
    assert_rows_close(dense(p.matrix()).as_slice(), want.as_slice(), 200, 1e-15, "max");
    assert!(p.matrix().values().iter().all(|&v| v == p.matrix().values()[0]), "all alike");
    check_affinities(&p);

    let p = uniform(&neighbors, Symmetrization::Mean);
    assert_rows_close(dense(p.matrix()).as_slice(), oracle::symmetric(&one).as_slice(), 200, 1e-15, "mean");
    let unit = p.matrix().values().iter().copied().fold(f64::INFINITY, f64::min);
    assert!(p.matrix().values().iter().all(|&v| v == unit || v == 2.0 * unit), "one or two");
    check_affinities(&p);

    let p = uniform(&neighbors, Symmetrization::None);
    assert!(p.matrix().values().iter().all(|&v| v == 1.0 / 3000.0), "all alike");
    assert_eq!(p.matrix().n_entries(), 3000, "fifteen each");
    check_affinities(uniform(&graph::<f32>(&set, 15, 1.0), Symmetrization::Max));
    check_affinities(uniform(&graph::<f32>(&set, 15, 1.0), Symmetrization::Mean));
}

#[test]
fn rows_sum_to_what_the_normalization_says() {
    let neighbors = graph::<f64>(&data::blobs(Seed(4), 150, 4, 3), 60, 1.0);
    let total = |p: &Csr<f64>| p.values().iter().sum::<f64>();
    for symmetrize in [true, false] {
        let options = Options::default().with_symmetrize(symmetrize);
        let pairs = PerplexityBased::from_graph(neighbors.clone(), 20.0, &options, &Control::NONE);
        let pairs = pairs.expect("a legal perplexity");
        assert!((total(pairs.matrix()) - 1.0).abs() < 1e-14, "pair-wise, symmetrize {symmetrize}");
        let options = options.with_normalization(Normalization::PointWise);
        let points = PerplexityBased::from_graph(neighbors.clone(), 20.0, &options, &Control::NONE);
        let points = points.expect("a legal perplexity");
        check_new_rows(&points);
        // Each row is the same up to its sum.
        for i in 0..150 {
            let (a, b) = (pairs.matrix().row(i), points.matrix().row(i));
            assert_eq!(a.0, b.0, "columns of row {i}");
            let sum: f64 = a.1.iter().sum();
            for (a, b) in a.1.iter().zip(b.1) {
                assert!((a / sum - b).abs() <= 1e-14, "row {i}: {a} of {sum} against {b}");
            }
        }
    }
}

#[test]
fn an_index_gives_as_many_neighbors_as_are_needed() {
    let set = data::blobs(Seed(5), 100, 4, 3);
    let (index, control, options) = (Brute(set.clone()), Control::NONE, Options::default());
    let all = Arc::new(graph::<f64>(&set, 60, 1.0));

    let p = PerplexityBased::<f64>::from_index(&index, 10.0, &options, &control).expect("100 points");
    assert_eq!(p.graph().k(), 30, "three times the perplexity");
    let q = PerplexityBased::from_graph(Arc::clone(&all), 10.0, &options, &control).expect("60 neighbors");
    assert_same_bits(p.matrix(), q.matrix(), "from an index and from a graph");
    // The index cannot give 100 neighbors of 100 points.
    let p = PerplexityBased::<f64>::from_index(&index, 1000.0, &options, &control).expect("lowered to 33");
    assert_eq!((p.graph().k(), p.effective_perplexity()), (99, 33.0), "all of them");

    let p =
        MultiscaleMixture::<f64>::from_index(&index, &[5.0, 20.0], &options, &control).expect("100 points");
    let q = MultiscaleMixture::from_graph(Arc::clone(&all), &[5.0, 20.0], &options, &control).expect("60");
    assert_same_bits(p.matrix(), q.matrix(), "mixture from an index and from a graph");
    let p = Multiscale::<f64>::from_index(&index, &[5.0, 20.0], &options, &control).expect("100 points");
    let q = Multiscale::from_graph(Arc::clone(&all), &[5.0, 20.0], &options, &control).expect("60");
    assert_same_bits(p.matrix(), q.matrix(), "average from an index and from a graph");

    let thirty = options.clone().with_n_neighbors(30);
    let p = FixedSigma::<f64>::from_index(&index, 1.0, &options, &control).expect("100 points");
    let q = FixedSigma::from_graph(Arc::clone(&all), 1.0, &thirty, &control).expect("60 neighbors");
    assert_same_bits(p.matrix(), q.matrix(), "sigma from an index and from a graph");
    let p = Uniform::<f64>::from_index(&index, None, Symmetrization::Max, &control).expect("100 points");
    let q = Uniform::from_graph(all, Some(30), Symmetrization::Max, &control).expect("60 neighbors");
    assert_same_bits(p.matrix(), q.matrix(), "uniform from an index and from a graph");
}

#[test]
fn one_graph_serves_many_families() {
    let neighbors = Arc::new(graph::<f32>(&data::blobs(Seed(6), 90, 4, 3), 60, 1.0));
    let (options, control) = (Options::default(), Control::NONE);
    let a = PerplexityBased::from_graph(Arc::clone(&neighbors), 20.0, &options, &control).expect("legal");
    let b =
        Uniform::from_graph(Arc::clone(a.graph()), Some(10), Symmetrization::Max, &control).expect("legal");
    assert!(Arc::ptr_eq(a.graph(), &neighbors), "not copied");
    assert!(Arc::ptr_eq(b.graph(), &neighbors), "not copied");
}

#[test]
fn components_are_those_of_the_graph() {
    let (options, control) = (Options::default(), Control::NONE);
    let neighbors = graph::<f64>(&data::far_clusters(Seed(7), 120, 4), 30, 1.0);
    for symmetrize in [true, false] {
        let options = options.clone().with_symmetrize(symmetrize);
        let p = PerplexityBased::from_graph(neighbors.clone(), 10.0, &options, &control).expect("legal");
        let connectivity = p.connectivity();
        assert_eq!((connectivity.n_components, connectivity.largest), (2, 60), "two clusters of 60");
        assert_eq!(connectivity.isolated, [], "nobody is alone");
    }
    // Three rings of five, each point listing the next one around.
    let next = |i: u32| i / 5 * 5 + (i + 1) % 5;
    let rings = KnnGraph::from_parts(1, (0..15).map(next).collect(), vec![1.0_f32; 15]).expect("one each");
    let p = Uniform::from_graph(rings, None, Symmetrization::None, &control).expect("legal");
    assert_eq!((p.connectivity().n_components, p.connectivity().largest), (3, 5), "three rings");
}
