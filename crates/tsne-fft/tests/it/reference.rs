//! The field of a frozen map.

use tsne_fft::tsne_core::Seed;
use tsne_fft::{NegativeGradient, Params, ParticleMesh, ReferenceField, ReferenceMesh, StudentT};
use tsne_testkit::close::assert_forces_close;
use tsne_testkit::data;
use tsne_testkit::oracle;

/// Six nodes per cell, for errors far below what a mistake would cost.
fn params() -> Params {
    Params::default().with_n_interpolation_points(6)
}

fn on_targets<const D: usize>(
    field: &ReferenceMesh<f64, D>,
    targets: &[[f64; D]],
) -> (Vec<[f64; D]>, Vec<f64>) {
    let (mut forces, mut z) = (vec![[0.0; D]; targets.len()], vec![0.0; targets.len()]);
    field.repel_targets(targets, &mut forces, &mut z).expect("places");
    (forces, z)
}

#[test]
fn a_copy_of_a_point_gets_its_whole_force_and_one_more_in_z() {
    let map = data::clustered_map::<f64, 2>(Seed(1), 2000, 60.0);
    let mut forces = vec![[0.0; 2]; map.len()];
    let z = ParticleMesh::new(StudentT::CAUCHY, params())
        .expect("legal parameters")
        .repel(&map, &mut forces)
        .expect("a small map");
    let field = ReferenceMesh::new(StudentT::CAUCHY, params(), 0.25, &map).expect("a small map");
    let (copied, each_z) = on_targets(&field, &map);
    // The two meshes are offset, and each is within 1e-4 of the truth.
    assert_forces_close(&copied, &forces, 2e-4, "forces on copies");
    let with_own = z + map.len() as f64;
    let sum: f64 = each_z.iter().sum();
    assert!((sum / with_own - 1.0).abs() < 1e-4, "Σ Z_i is {sum}, Z + n is {with_own}");
}

#[test]
fn targets_are_safe_anywhere_and_exact_off_the_mesh() {
    let map = data::clustered_map::<f64, 2>(Seed(2), 300, 40.0);
    let field = ReferenceMesh::new(StudentT::CAUCHY, params(), 0.25, &map).expect("a small map");
    let ball = field.bounds().expect("a map with an extent");
    let at = |x: f64, y: f64| [ball.center[0] + x * ball.radius, ball.center[1] + y * ball.radius];
    for (target, error) in [
        (at(0.0, 0.0), 1e-3),
        (at(0.999, 0.0), 1e-3),
        (at(0.0, -0.999), 1e-3),
        (at(-0.999, 0.999), 1e-3),
        (at(1.001, 0.0), 1e-12),
        (at(0.0, -1.001), 1e-12),
        (at(-50.0, 50.0), 1e-12),
        (at(1e9, 1e9), 1e-12),
        (at(1e150, -1e150), 1e-12),
        ([f64::MAX, f64::MIN], 1e-12),
    ] {
        let (force, z) = on_targets(&field, &[target]);
        let want = oracle::reference_field(StudentT::CAUCHY, &map, &[target]);
        for axis in 0..2 {
            let (got, want) = (force[0][axis], want.forces[0][axis]);
            let off = (got - want).abs();
            assert!(
                got.is_finite() && off <= error * want.abs().max(1e-3),
                "{target:?}: force {got}, expected {want}"
            );
        }
        let (got, want) = (z[0], want.normalizers[0]);
        assert!(
            got.is_finite() && (got - want).abs() <= error * want,
            "{target:?}: Z {got}, expected {want}"
        );
    }
}

#[test]
fn the_ball_holds_the_padding_and_every_source() {
    // A wide box: the padded half side reaches farther than any corner.
    let wide = [[-10.0_f32, 0.0], [10.0, 1.0]];
    let ball = |sources: &[[f32; 2]], padding| {
        let field = ReferenceMesh::new(StudentT::CAUCHY, Params::default(), padding, sources);
        field.expect("a small map").bounds().expect("a map with an extent")
    };
    assert_eq!((ball(&wide, 0.25).center, ball(&wide, 0.25).radius), ([0.0, 0.5], 12.5));
    assert_eq!(ball(&wide, 1.0).radius, 20.0);
    // A square one: its corners are farther.
    let square = [[-1.0_f32, -1.0], [1.0, 1.0]];
    assert!((ball(&square, 0.25).radius - 2_f64.sqrt()).abs() < 1e-12);
}

#[test]
fn one_and_three_dimensions_agree_with_the_oracle() {
    fn check<const D: usize>(span: f64) {
        let map = data::clustered_map::<f64, D>(Seed(3), 400, span);
        let targets = data::map::<f64, D>(Seed(4), 100, span);
        let kernel = StudentT::with_dof(2.0).expect("legal degrees of freedom");
        let params = Params::default().with_min_num_intervals(if D == 3 { 20 } else { 50 });
        let field = ReferenceMesh::new(kernel, params, 0.25, &map).expect("a small map");
        let (forces, z) = on_targets(&field, &targets);
        let want = oracle::reference_field(kernel, &map, &targets);
        assert_forces_close(&forces, &want.forces, 6e-3, &format!("forces, D = {D}"));
        for (got, want) in z.iter().zip(&want.normalizers) {
            assert!((got / want - 1.0).abs() < 3e-3, "D = {D}: Z {got}, expected {want}");
        }
    }
    check::<1>(200.0);
    check::<3>(15.0);
}
