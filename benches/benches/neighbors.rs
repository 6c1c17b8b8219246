//! Time of a neighbor graph: `cargo bench -p tsne-benches --bench neighbors`.
#![allow(missing_docs, reason = "criterion's macros make public functions")]

use criterion::{Criterion, criterion_group, criterion_main};
use tsne_core::{Control, NeighborIndex as _, Points, Seed};
use tsne_neighbors::{Exact, Metric, NnDescent};
use tsne_testkit::data::blobs;

fn graphs(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("neighbors");
    group.sample_size(10);
    for n in [1_000, 10_000] {
        let x = blobs(Seed(1), n, 50, 20).to_f32();
        let points = Points::from_row_major(&x, 50).expect("n rows of 50");
        group.bench_function(format!("exact/f32/n{n}"), |bencher| {
            bencher.iter(|| Exact::new(points).map(|index| index.knn_graph(90, &Control::NONE)));
        });
        group.bench_function(format!("nndescent/f32/n{n}"), |bencher| {
            let index = NnDescent::with_metric(points, &Metric::Euclidean, Seed(1)).expect("dense points");
            bencher.iter(|| index.knn_graph(90, &Control::NONE));
        });
    }
}

criterion_group!(benches, graphs);
criterion_main!(benches);
