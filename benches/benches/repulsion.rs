//! Time of one repulsion, by all three methods: `cargo bench -p tsne-benches --bench repulsion`.
#![allow(missing_docs, reason = "criterion's macros make public functions")]

use criterion::{Criterion, criterion_group, criterion_main};
use tsne_bh::{BarnesHut, Exact};
use tsne_core::{NegativeGradient, Seed, StudentT};
use tsne_fft::ParticleMesh;
use tsne_testkit::data::clustered_map;

/// A map as wide as those of so many handwritten digits.
const SPAN: f64 = 130.0;

fn one_call(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("repulsion");
    group.sample_size(20);
    for n in [1_000, 10_000] {
        let y: Vec<[f32; 2]> = clustered_map(Seed(1), n, SPAN);
        let mut forces = vec![[0.0; 2]; n];
        let tree =
            BarnesHut::new(StudentT::CAUCHY, tsne_bh::Params::default()).expect("the defaults are legal");
        let mesh =
            ParticleMesh::new(StudentT::CAUCHY, tsne_fft::Params::default()).expect("the defaults are legal");
        let methods: [(&str, Box<dyn NegativeGradient<f32, 2>>); 3] = [
            ("exact", Box::new(Exact::new(StudentT::CAUCHY))),
            ("bh", Box::new(tree)),
            ("fft", Box::new(mesh)),
        ];
        for (name, mut method) in methods {
            group.bench_function(format!("{name}/d2/f32/n{n}"), |bencher| {
                bencher.iter(|| method.repel(&y, &mut forces));
            });
        }
    }
}

criterion_group!(benches, one_call);
criterion_main!(benches);
