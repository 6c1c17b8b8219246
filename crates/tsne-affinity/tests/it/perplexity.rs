//! One perplexity: against the oracle, at every scale, with ties and outliers.

use tsne_affinity::{Options, PerplexityBased, Reason};
use tsne_core::{Affinities, Control, KnnGraph, Scalar};

use crate::data::{blobs, knn};
use crate::oracle;

fn build<T: Scalar>(graph: &KnnGraph<T>, perplexity: f64) -> PerplexityBased<T> {
    PerplexityBased::from_graph(graph.clone(), perplexity, &Options::default(), &Control::NONE)
        .expect("a legal graph and perplexity")
}

fn check_oracle<T: Scalar>(n: usize, k: usize, perplexity: f64, scale: f64, tolerance: f64) {
    let graph = knn::<T>(&blobs(n, 3), 3, k, scale);
    let p = build(&graph, perplexity);
    let used = p.calibration().n_neighbors;
    let c = oracle::Dense::directed(&graph, |i| {
        oracle::conditional(&oracle::distances(&graph, i, used), perplexity)
    });
    let error = oracle::error(p.matrix(), &c.merged(|a, b| a + b));
    assert!(error <= tolerance, "n {n}, k {k}, perplexity {perplexity}, scale {scale:e}: error {error:e}");
    assert!(p.calibration().scales[0].unreached.is_empty(), "all rows calibrate");
}

#[test]
fn equals_the_oracle() {
    // 1e-12 of the largest in the row: bisection and Newton agree on β to 1e-14. In f32 P is rounded: 6e-8.
    for (n, k, perplexity) in [(200, 90, 30.0), (200, 199, 66.0), (61, 15, 5.0), (40, 6, 2.0), (90, 30, 29.5)]
    {
        check_oracle::<f64>(n, k, perplexity, 1.0, 1e-12);
        check_oracle::<f64>(n, k, perplexity, 1e150, 1e-12);
        check_oracle::<f64>(n, k, perplexity, 1e-150, 1e-12);
        check_oracle::<f32>(n, k, perplexity, 1.0, 1e-6);
        check_oracle::<f32>(n, k, perplexity, 1e15, 1e-6);
        check_oracle::<f32>(n, k, perplexity, 1e-15, 1e-6);
    }
}

#[test]
fn is_a_symmetric_distribution() {
    let p = build(&knn::<f64>(&blobs(500, 4), 4, 60, 1.0), 20.0);
    let mut sum = 0.0;
    for i in 0..500 {
        let row = p.row(i);
        for (&j, &value) in row.columns.iter().zip(row.values) {
            assert_ne!(j as usize, i, "zero diagonal");
            let back = p.row(j as usize);
            let at = back.columns.binary_search(&(i as u32)).expect("a symmetric pattern");
            assert_eq!(back.values[at].to_bits(), value.to_bits(), "p_{i},{j} and its transpose");
            sum += value;
        }
    }
    assert!((sum - 1.0).abs() < 1e-12, "sum {sum}");
}

#[test]
fn ties_share_the_row_and_are_reported() {
    // Six points in one place: everybody's five nearest are at distance 0.
    let mut x = blobs(40, 2);
    x[..12].fill(1.0);
    let graph = knn::<f64>(&x, 2, 20, 1.0);
    let p = build(&graph, 3.0);
    let unreached = &p.calibration().scales[0].unreached;
    assert_eq!(
        unreached.iter().map(|row| row.row).collect::<Vec<_>>(),
        (0..6).collect::<Vec<_>>(),
        "those six"
    );
    assert!(unreached.iter().all(|row| row.reason == Reason::Ties && row.perplexity == 5.0), "{unreached:?}");
    // Five nearest at 0 and perplexity 5.5 can be met.
    let p = build(&graph, 5.5);
    assert!(p.calibration().scales[0].unreached.is_empty(), "five ties are fewer than 5.5");
}
