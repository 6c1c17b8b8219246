//! The same bits whatever the number of threads, on more points and blocks than there are tasks to share.

use tsne_fft::tsne_core::Seed;
use tsne_fft::{NegativeGradient, Params, ParticleMesh, ReferenceField, ReferenceMesh, Scalar, StudentT};
use tsne_testkit::data;
use tsne_testkit::oracle::widened;
use tsne_testkit::threads::assert_thread_invariant;

fn check<T: Scalar, const D: usize>(n: usize, span: f64) {
    // In three dimensions 20 cells a side give several blocks at a tenth of the time of 50.
    let params = Params::default().with_min_num_intervals(if D == 3 { 20 } else { 50 });
    let y = data::clustered_map::<T, D>(Seed(1), n, span);
    assert_thread_invariant(&format!("repulsion, D = {D}"), || {
        let mut mesh = ParticleMesh::new(StudentT::CAUCHY, params).expect("legal parameters");
        let mut forces = vec![[T::default(); D]; n];
        let z = mesh.repel(&y, &mut forces).expect("a small map");
        (widened(&forces), z)
    });
    let targets = data::map::<T, D>(Seed(2), n, span);
    assert_thread_invariant(&format!("repulsion from a reference, D = {D}"), || {
        let field = ReferenceMesh::new(StudentT::CAUCHY, params, 0.25, &y).expect("a small map");
        let (mut forces, mut z) = (vec![[T::default(); D]; n], vec![0.0; n]);
        field.repel_targets(&targets, &mut forces, &mut z).expect("places");
        (widened(&forces), z)
    });
}

#[test]
fn threads_do_not_change_a_bit() {
    check::<f32, 1>(30_000, 300.0);
    check::<f32, 2>(30_000, 120.0);
    check::<f64, 2>(9_000, 60.0);
    check::<f32, 3>(9_000, 20.0);
}
