//! Forces and Z against the oracle.

use tsne_fft::tsne_core::Seed;
use tsne_fft::{NegativeGradient, Params, ParticleMesh, Scalar, StudentT};
use tsne_testkit::close::{assert_close_value, assert_forces_close};
use tsne_testkit::data;
use tsne_testkit::oracle::{self, MeshForm, widened};

/// Relative errors of the forces, by norm, and of Z.
fn errors<T: Scalar, const D: usize>(span: f64, dof: f64, params: Params) -> [f64; 2] {
    let y = data::clustered_map::<T, D>(Seed(1), 1500, span);
    let kernel = StudentT::with_dof(dof).expect("legal degrees of freedom");
    let mut mesh = ParticleMesh::new(kernel, params).expect("legal parameters");
    let mut forces = vec![[T::default(); D]; y.len()];
    let z = mesh.repel(&y, &mut forces).expect("a small map");
    let want = oracle::repulsion(kernel, &y);
    let norm2 = |x: &[[f64; D]]| x.as_flattened().iter().map(|x| x * x).sum::<f64>();
    let off: Vec<[f64; D]> = widened(&forces)
        .iter()
        .zip(&want.forces)
        .map(|(got, want)| std::array::from_fn(|axis| got[axis] - want[axis]))
        .collect();
    [(norm2(&off) / norm2(&want.forces)).sqrt(), (z / want.normalizer - 1.0).abs()]
}

fn check<T: Scalar, const D: usize>(span: f64, dof: f64, nodes: usize, force: f64, z: f64) {
    let got = errors::<T, D>(span, dof, Params::default().with_n_interpolation_points(nodes));
    assert!(
        got[0] <= force && got[1] <= z,
        "D = {D}, {}, span {span}, dof {dof}, {nodes} nodes per cell: errors {got:?}, allowed {force} and {z}",
        std::any::type_name::<T>()
    );
}

#[test]
fn errors_stay_below_what_is_promised() {
    for span in [1e-4, 1.0, 20.0, 100.0] {
        for dof in [0.5, 1.0, 2.0] {
            check::<f32, 1>(span, dof, 3, 6e-3, 1e-4);
            check::<f32, 2>(span, dof, 3, 6e-3, 1e-4);
            check::<f64, 2>(span, dof, 3, 6e-3, 1e-4);
            check::<f32, 2>(span, dof, 6, 1e-3, 1e-5);
            check::<f64, 2>(span, dof, 6, 1e-3, 1e-5);
        }
    }
}

#[test]
fn errors_stay_below_what_is_promised_in_three_dimensions() {
    // A mesh of 20 cells a side takes a tenth of the time of one of 50; the spacing is 1/3 in the larger map either way.
    let params = Params::default().with_min_num_intervals(20);
    for dof in [0.5, 1.0, 2.0] {
        for span in [1e-3, 22.0] {
            let got = errors::<f32, 3>(span, dof, params);
            assert!(got[0] <= 6e-3 && got[1] <= 1e-4, "span {span}, dof {dof}: errors {got:?}");
        }
    }
    let got = errors::<f64, 3>(22.0, 1.0, params);
    assert!(got[0] <= 6e-3 && got[1] <= 1e-4, "f64: errors {got:?}");
}

#[test]
fn errors_fall_with_the_fourth_power_of_the_spacing() {
    let at = |nodes| errors::<f64, 2>(60.0, 1.0, Params::default().with_n_interpolation_points(nodes));
    let [coarse, fine, finest] = [at(3), at(6), at(12)];
    // Halving divides by 16 where the spline limits, and by more where the kernel is not resolved yet.
    assert!(fine[0] < coarse[0] / 16.0 && finest[0] < fine[0] / 16.0, "{coarse:?}, {fine:?}, {finest:?}");
    assert!(fine[1] < coarse[1] / 16.0, "{coarse:?}, {fine:?}");
}

#[test]
fn every_parameter_of_the_mesh_counts() {
    let base = Params::default();
    let error = |params| errors::<f64, 2>(20.0, 1.0, params)[0];
    // A map of 20 cells gets the spacing of 50, and half of it for 100.
    assert!(error(base.with_min_num_intervals(20)) > 5.0 * error(base));
    assert!(error(base.with_min_num_intervals(100)) < error(base) / 5.0);
    let wide = base.with_min_num_intervals(1);
    assert!(error(wide.with_ints_in_interval(2.0)) > 5.0 * error(wide));
}

/// The library's mesh against the plain one of the same order, form and spacing: other splines, other transforms, other
/// lengths, other self terms. They part where the kernel is continued, which each does in its own way: 8 nodes beyond
/// the map here, 32 there.
fn check_same_mesh<const D: usize>(n: usize, span: f64, dof: f64) {
    let y = data::clustered_map::<f64, D>(Seed(3), n, span);
    let kernel = StudentT::with_dof(dof).expect("legal degrees of freedom");
    let params = Params::default().with_min_num_intervals(1);
    let mut forces = vec![[0.0; D]; n];
    let z = ParticleMesh::new(kernel, params)
        .expect("legal parameters")
        .repel(&y, &mut forces)
        .expect("a small map");
    let want = oracle::mesh_repulsion(kernel, &y, 4, 1.0 / 3.0, MeshForm::Forces);
    let what = format!("D = {D}, span {span}, dof {dof}");
    assert_forces_close(&forces, &want.forces, 1e-6, &what);
    assert_close_value(z, want.normalizer, 1e-8, 0.0, &what);
}

#[test]
fn an_independent_mesh_gives_the_same() {
    for dof in [1.0, 2.0] {
        check_same_mesh::<1>(700, 200.0, dof);
        check_same_mesh::<2>(700, 100.0, dof);
        check_same_mesh::<3>(100, 15.0, dof);
    }
}
