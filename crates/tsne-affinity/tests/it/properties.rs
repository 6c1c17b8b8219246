//! Whatever the distances are, rows have the perplexity asked for or say why not, and P is a distribution.

use proptest::prelude::*;
use tsne_affinity::{MultiscaleMixture, Options, PerplexityBased, Reason};
use tsne_core::{Control, KnnGraph};
use tsne_testkit::conformance::check_affinities;

use crate::oracle;

/// A graph over 30 points with 12 neighbors each: distances of wildly different magnitudes, many of them equal.
fn any_graph() -> impl Strategy<Value = KnnGraph<f64>> {
    let distance = prop_oneof![
        4 => 0.0..10.0_f64,
        2 => (-150..150_i32).prop_map(|e| 10.0_f64.powi(e)),
        2 => (0..4_u8).prop_map(f64::from),
        1 => (1..50_u32).prop_map(|ulps| f64::from_bits(1.0_f64.to_bits() + u64::from(ulps))),
    ];
    let rows = prop::collection::vec((prop::collection::vec(distance, 12), 0..18_u32), 30);
    rows.prop_map(|rows| {
        let (mut neighbors, mut distances) = (Vec::new(), Vec::new());
        for (i, (mut row, skip)) in (0_u32..).zip(rows) {
            row.sort_by(f64::total_cmp);
            distances.extend(row);
            neighbors.extend((1..=12).map(|step| (i + skip + step) % 30));
        }
        KnnGraph::from_parts(12, neighbors, distances).expect("30 rows of 12")
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn rows_have_their_perplexity_or_say_why(graph in any_graph(), perplexity in 1.0..9.6_f64) {
        let options = Options::default().with_symmetrize(false).with_n_neighbors(12);
        let p = PerplexityBased::from_graph(graph.clone(), perplexity, &options, &Control::NONE).expect("legal");
        let scale = &p.calibration().scales[0];
        for i in 0..30 {
            let attained = oracle::perplexity_of(p.matrix().row(i).1);
            match scale.unreached.iter().find(|row| row.row == i) {
                None => prop_assert!((attained - perplexity).abs() <= 1e-5 * perplexity, "row {i}: {attained}"),
                Some(unreached) => {
                    let nearest = graph.row(i).1.iter().filter(|&&d| d == graph.row(i).1[0]).count() as f64;
                    prop_assert_eq!(unreached.reason, Reason::Ties);
                    prop_assert_eq!(unreached.perplexity, nearest);
                    prop_assert!(nearest > perplexity, "row {i} could have had {perplexity}");
                }
            }
        }
    }

    #[test]
    fn p_is_a_distribution(graph in any_graph(), low in 1.0..5.0_f64, high in 5.0..9.6_f64) {
        let (options, control) = (Options::default().with_n_neighbors(12), Control::NONE);
        check_affinities(PerplexityBased::from_graph(graph.clone(), high, &options, &control).expect("legal"));
        check_affinities(MultiscaleMixture::from_graph(graph, &[low, high], &options, &control).expect("legal"));
    }
}
