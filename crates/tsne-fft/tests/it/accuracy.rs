//! Forces and Z against the oracle.

use tsne_fft::tsne_core::Seed;
use tsne_fft::{NegativeGradient, Params, ParticleMesh, Scalar, StudentT};
use tsne_testkit::close::{assert_close_value, assert_forces_close};
use tsne_testkit::data;
use tsne_testkit::oracle::{self, widened};

fn check<T: Scalar, const D: usize>(span: f64, dof: f64, points_per_cell: usize, force: f64, z: f64) {
    let what = format!("D = {D}, span {span}, dof {dof}, {points_per_cell} points per cell");
    let y = data::clustered_map::<T, D>(Seed(1), 1000, span);
    let kernel = StudentT::with_dof(dof).expect("legal degrees of freedom");
    let params = Params::default().with_n_interpolation_points(points_per_cell);
    let mut mesh = ParticleMesh::new(kernel, params).expect("legal parameters");
    let mut forces = vec![[T::default(); D]; y.len()];
    let normalizer = mesh.repel(&y, &mut forces).expect("a small map");
    let want = oracle::repulsion(kernel, &y);
    assert_forces_close(&widened(&forces), &want.forces, force, &what);
    assert_close_value(normalizer, want.normalizer, z, 0.0, &what);
}

#[test]
fn errors_stay_below_what_is_promised() {
    for span in [1e-4, 1.0, 20.0, 100.0] {
        for dof in [0.5, 1.0, 2.0] {
            check::<f32, 1>(span, dof, 3, 6e-3, 1e-4);
            check::<f32, 2>(span, dof, 3, 6e-3, 1e-4);
            check::<f64, 2>(span, dof, 3, 6e-3, 1e-4);
            check::<f64, 2>(span, dof, 6, 1e-3, 1e-5);
        }
    }
    check::<f32, 3>(1e-3, 1.0, 2, 1e-5, 1e-5);
    check::<f64, 3>(30.0, 1.0, 2, 6e-3, 1e-4);
}
