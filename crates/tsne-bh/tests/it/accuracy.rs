//! How the error and the work of the tree depend on theta, the map and the number of points.

use tsne_bh::{BarnesHut, BarnesHutField, NegativeGradient, Params, ReferenceField, Scalar, StudentT};
use tsne_core::Seed;
use tsne_testkit::close::relative_l2;
use tsne_testkit::{data, oracle};

use crate::maps::adversarial;

fn tree<T: Scalar, const D: usize>(dof: f64, theta: f64) -> BarnesHut<T, D> {
    BarnesHut::new(StudentT::with_dof(dof).unwrap(), Params::default().with_theta(theta)).unwrap()
}

/// Relative errors of the forces and of Z.
fn errors<T: Scalar, const D: usize>(
    dof: f64,
    theta: f64,
    y: &[[T; D]],
    want: &oracle::Repulsion<D>,
) -> (f64, f64) {
    let mut forces = vec![[T::lit(0.0); D]; y.len()];
    let z = tree(dof, theta).repel(y, &mut forces).unwrap();
    (relative_l2(&forces, &want.forces), (z / want.normalizer - 1.0).abs())
}

#[test]
fn the_error_falls_with_theta() {
    fn check<T: Scalar, const D: usize>(n: usize, dof: f64, at_half: f64) {
        let y = data::clustered_map::<T, D>(Seed(1), n, 60.0);
        let want = oracle::repulsion(StudentT::with_dof(dof).unwrap(), &y);
        let mut previous = f64::INFINITY;
        for theta in [1.0, 0.8, 0.65, 0.5, 0.35, 0.2, 0.1, 0.0] {
            let (force_error, z_error) = errors(dof, theta, &y, &want);
            let what = format!(
                "D {D}, {n} points, dof {dof}, theta {theta}: force error {force_error:e}, Z error {z_error:e}"
            );
            // Below some hundred roundings there is nothing left to fall.
            assert!(force_error < previous.max(100.0 * T::EPSILON.to_f64()), "{what}, before {previous:e}");
            if theta == 0.5 {
                assert!(force_error < at_half && z_error < at_half / 4.0, "{what}, allowed {at_half}");
            }
            previous = force_error;
        }
        assert!(previous < 100.0 * T::EPSILON.to_f64(), "D {D}, dof {dof}, theta 0: {previous:e}");
    }
    check::<f64, 1>(3000, 1.0, 1e-2);
    check::<f64, 2>(3000, 1.0, 1e-2);
    check::<f32, 2>(3000, 1.0, 1e-2);
    check::<f64, 3>(3000, 1.0, 1e-2);
    check::<f64, 2>(3000, 0.5, 1e-2);
    check::<f64, 2>(3000, 2.0, 2e-2);
    check::<f64, 3>(2000, 0.8, 1e-2);
}

#[test]
fn hard_maps_are_as_accurate_as_others() {
    fn check<T: Scalar, const D: usize>() {
        for (name, y) in adversarial::<T, D>(2000) {
            let want = oracle::repulsion(StudentT::CAUCHY, &y);
            for (theta, allowed) in [(0.5, 2e-2), (0.0, 100.0 * T::EPSILON.to_f64())] {
                let (force_error, z_error) = errors(1.0, theta, &y, &want);
                assert!(
                    force_error <= allowed && z_error <= allowed,
                    "D {D}, {name}, theta {theta}: force error {force_error:e}, Z error {z_error:e}, allowed {allowed:e}"
                );
            }
        }
    }
    check::<f64, 1>();
    check::<f64, 2>();
    check::<f32, 2>();
    check::<f64, 3>();
    check::<f32, 3>();
}

#[test]
fn a_frozen_map_acts_like_a_moving_one() {
    // On a target that coincides with a source, the field is that of all other sources, and 1 in Z.
    let y = data::clustered_map::<f64, 2>(Seed(4), 3000, 60.0);
    let want = oracle::reference_field(StudentT::CAUCHY, &y, &y);
    let field = BarnesHutField::new(StudentT::CAUCHY, Params::default(), &y).unwrap();
    let (mut forces, mut z) = (vec![[0.0; 2]; y.len()], vec![0.0; y.len()]);
    field.repel_targets(&y, &mut forces, &mut z).unwrap();
    let error = relative_l2(&forces, &want.forces);
    // A target alone meets theta at its own place, not at the nearest place of its patch: groups are larger.
    assert!(error < 2e-2, "force error {error:e}");
}

#[test]
fn work_grows_as_n_log_n() {
    fn check<const D: usize>(sizes: [usize; 3], allowed: f64) {
        let per_point = sizes.map(|n| {
            let y = data::map::<f32, D>(Seed(5), n, 50.0);
            let mut tree = tree::<f32, D>(1.0, 0.5);
            tree.repel(&y, &mut vec![[0.0; D]; n]).unwrap();
            tree.n_interactions() as f64 / n as f64
        });
        // n log n means equal steps of the work for each point at equal factors of n. Levels of the tree come and go
        // with n: allow a step of twice the first.
        let steps = [per_point[1] - per_point[0], per_point[2] - per_point[1]];
        assert!(steps[1] < 2.0 * steps[0], "D {D}: {per_point:?} sources a point at {sizes:?} points");
        assert!(per_point[2] < allowed, "D {D}: {per_point:?} sources a point at {sizes:?} points");
    }
    check::<1>([4_000, 16_000, 64_000], 200.0);
    check::<2>([4_000, 16_000, 64_000], 700.0);
    check::<3>([4_000, 32_000, 256_000], 3000.0);
}

#[test]
fn hard_maps_take_no_more_work() {
    // What a far outlier, a line or a million coincident points could cost a tree of fixed depth is n for each point.
    for (name, y) in adversarial::<f32, 2>(20_000) {
        let mut tree = tree(1.0, 0.5);
        tree.repel(&y, &mut vec![[0.0_f32; 2]; y.len()]).unwrap();
        let per_point = tree.n_interactions() / y.len() as u64;
        assert!(per_point < 1000, "{name}: {per_point} sources a point");
    }
}
