//! Time of whole fits of the data that are in this tree: `cargo bench -p tsne-benches --bench fit`.
#![allow(missing_docs, reason = "criterion's macros make public functions")]

use criterion::{Criterion, criterion_group, criterion_main};
use tsne::{Points, Tsne};
use tsne_testkit::data::{digits, iris};

fn fits(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("fit");
    group.sample_size(10);
    for (name, data) in [("iris", iris()), ("digits", digits())] {
        let x = data.to_f32();
        let points = Points::from_row_major(&x, data.points().n_features()).expect("rows of the data");
        for (schedule, tsne) in [("api", Tsne::new()), ("opentsne_v1", Tsne::opentsne_v1())] {
            group.bench_function(format!("{name}/{schedule}"), |bencher| bencher.iter(|| tsne.fit(points)));
        }
    }
}

criterion_group!(benches, fits);
criterion_main!(benches);
