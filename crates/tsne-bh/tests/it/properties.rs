//! What holds for any map.

use proptest::prelude::*;
use tsne_bh::{BarnesHut, Exact, NegativeGradient, Params, StudentT};
use tsne_testkit::close::relative_l2;

fn repel<const D: usize>(
    repulsion: &mut dyn NegativeGradient<f64, D>,
    y: &[[f64; D]],
) -> (Vec<[f64; D]>, f64) {
    let mut forces = vec![[f64::NAN; D]; y.len()];
    let z = repulsion.repel(y, &mut forces).unwrap();
    (forces, z)
}

fn tree<const D: usize>(theta: f64) -> BarnesHut<f64, D> {
    BarnesHut::new(StudentT::CAUCHY, Params::default().with_theta(theta)).unwrap()
}

/// Coordinates of all magnitudes that `f32` has, of both signs, and zero.
fn wild() -> impl Strategy<Value = f32> {
    (-45.0_f32..37.5, prop::sample::select(vec![-1.0_f32, 0.0, 1.0]))
        .prop_map(|(exponent, sign)| sign * 10_f32.powf(exponent))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_positions_have_finite_forces(
        y in prop::collection::vec([wild(), wild(), wild()], 1..300),
        theta in 0.0..3.0,
        dof in 0.1..10.0,
    ) {
        let kernel = StudentT::with_dof(dof).unwrap();
        let params = Params::default().with_theta(theta);
        for repulsion in [&mut Exact::new(kernel) as &mut dyn NegativeGradient<f32, 3>, &mut BarnesHut::new(kernel, params).unwrap()] {
            let mut forces = vec![[f32::NAN; 3]; y.len()];
            let z = repulsion.repel(&y, &mut forces).unwrap();
            prop_assert!(z.is_finite(), "Z {z}");
            prop_assert!(forces.as_flattened().iter().all(|x| x.is_finite()), "{forces:?}");
        }
    }

    #[test]
    fn actio_est_reactio(y in prop::collection::vec([-50.0..50.0, -50.0..50.0], 2..200)) {
        let (forces, _) = repel(&mut Exact::<f64, 2>::new(StudentT::CAUCHY), &y);
        for c in 0..2 {
            let (sum, norm) = forces.iter().fold((0.0, 0.0), |(sum, norm), f| (sum + f[c], norm + f64::abs(f[c])));
            prop_assert!(f64::abs(sum) <= 1e-13 * norm, "the forces on axis {c} sum to {sum:e}");
        }
    }

    #[test]
    fn order_shift_and_reflection_of_the_points_do_not_matter(
        y in prop::collection::vec([-50.0..50.0, -50.0..50.0], 2..400),
        shift in -1e3..1e3,
    ) {
        let (forces, z) = repel(&mut tree(0.5), &y);
        // A tree of other cells groups other points: within its error, not bit for bit.
        let moved: Vec<[f64; 2]> = y.iter().rev().map(|&[a, b]| [shift - b, a]).collect();
        let (moved_forces, moved_z) = repel(&mut tree(0.5), &moved);
        let back: Vec<[f64; 2]> = moved_forces.iter().rev().map(|&[a, b]| [b, -a]).collect();
        prop_assert!(relative_l2(&back, &forces) < 2e-2, "forces {}", relative_l2(&back, &forces));
        prop_assert!((moved_z / z - 1.0).abs() < 5e-3, "Z {moved_z} and {z}");
        // Without groups, only rounding is left.
        let (forces, z) = repel(&mut tree(0.0), &y);
        let (moved_forces, moved_z) = repel(&mut tree(0.0), &moved);
        let back: Vec<[f64; 2]> = moved_forces.iter().rev().map(|&[a, b]| [b, -a]).collect();
        // The shift of 1e3 rounds positions to 1e-13.
        prop_assert!(relative_l2(&back, &forces) < 1e-11, "forces {}", relative_l2(&back, &forces));
        prop_assert!((moved_z / z - 1.0).abs() < 1e-11, "Z {moved_z} and {z}");
    }
}
