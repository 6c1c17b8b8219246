//! Time from a neighbor graph to P: `cargo bench -p tsne-benches --bench affinity`.
#![allow(missing_docs, reason = "criterion's macros make public functions")]

use std::sync::Arc;

use criterion::{Criterion, criterion_group, criterion_main};
use tsne_affinity::{Options, PerplexityBased};
use tsne_core::{Control, NeighborIndex as _, Points, Seed};
use tsne_neighbors::Exact;
use tsne_testkit::data::blobs;

fn calibration_and_symmetrization(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("affinity");
    group.sample_size(10);
    for n in [1_000, 10_000] {
        let x = blobs(Seed(1), n, 20, 20).to_f32();
        let points = Points::from_row_major(&x, 20).expect("n rows of 20");
        let index = Exact::new(points).expect("finite points");
        let graph = Arc::new(index.knn_graph(90, &Control::NONE).expect("more than 90 points"));
        group.bench_function(format!("perplexity30/f32/n{n}"), |bencher| {
            bencher.iter(|| {
                PerplexityBased::from_graph(Arc::clone(&graph), 30.0, &Options::default(), &Control::NONE)
            });
        });
    }
}

criterion_group!(benches, calibration_and_symmetrization);
criterion_main!(benches);
