//! Time of an iteration without its repulsion, attraction and update: `cargo bench -p tsne-benches --bench attraction`.
#![allow(missing_docs, reason = "criterion's macros make public functions")]

use criterion::{Criterion, criterion_group, criterion_main};
use tsne_affinity::{Options, PerplexityBased};
use tsne_core::{BackendError, Control, Csr, NegativeGradient, NeighborIndex as _, Points, Seed};
use tsne_neighbors::Exact;
use tsne_optim::{Descent, Phase, State};
use tsne_testkit::data::{blobs, clustered_map};

/// Pushes nothing.
struct Nothing;

impl NegativeGradient<f32, 2> for Nothing {
    fn repel(&mut self, _: &[[f32; 2]], forces: &mut [[f32; 2]]) -> Result<f64, BackendError> {
        forces.fill([0.0; 2]);
        Ok(1.0)
    }
}

fn steps(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("attraction");
    group.sample_size(20);
    for n in [1_000, 10_000] {
        let x = blobs(Seed(1), n, 20, 20).to_f32();
        let points = Points::from_row_major(&x, 20).expect("n rows of 20");
        let index = Exact::new(points).expect("finite points");
        let graph = index.knn_graph(90, &Control::NONE).expect("more than 90 points");
        let p =
            PerplexityBased::from_graph(graph, 30.0, &Options::default(), &Control::NONE).expect("n > 90");
        let (p, ..): (Csr<f32>, _, _) = p.into_parts();
        group.bench_function(format!("d2/f32/n{n}"), |bencher| {
            let start = State::at_rest(clustered_map(Seed(1), n, 100.0));
            let mut descent = Descent::new(&p, Nothing, start).expect("a P and a start of n points");
            bencher.iter(|| descent.step(&Phase::standard()));
        });
    }
}

criterion_group!(benches, steps);
criterion_main!(benches);
