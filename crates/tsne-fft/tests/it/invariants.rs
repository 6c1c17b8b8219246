//! What holds whatever the map: shifts, opposite forces, no action of a point on itself.

use proptest::prelude::*;
use tsne_fft::tsne_core::Seed;
use tsne_fft::{NegativeGradient, Params, ParticleMesh, Scalar, StudentT};
use tsne_testkit::oracle::MeshForm;
use tsne_testkit::{data, oracle};

fn repelled<T: Scalar, const D: usize>(y: &[[T; D]], dof: f64) -> (Vec<[T; D]>, f64) {
    let kernel = StudentT::with_dof(dof).expect("legal degrees of freedom");
    let mut mesh = ParticleMesh::new(kernel, Params::default()).expect("legal parameters");
    let mut forces = vec![[T::default(); D]; y.len()];
    let z = mesh.repel(y, &mut forces).expect("a small map");
    (forces, z)
}

fn norm<T: Scalar, const D: usize>(forces: &[[T; D]]) -> f64 {
    forces.as_flattened().iter().map(|x| x.to_f64().powi(2)).sum::<f64>().sqrt()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    /// Coordinates are multiples of 1/256, so that the shifts are exact and the very same offsets meet the mesh.
    #[test]
    fn a_shift_changes_nothing(seed in 0_u64..1000, span in 1_u8..100, x in -8_i32..8, y in -8_i32..8) {
        let map = data::lattice_map::<f32, 2>(Seed(seed), 200, f64::from(span));
        let shift = [x, y].map(|k| k as f32 * 128.0);
        let shifted: Vec<[f32; 2]> = map.iter().map(|p| [p[0] + shift[0], p[1] + shift[1]]).collect();
        prop_assert_eq!(repelled(&map, 1.0), repelled(&shifted, 1.0));
    }

    #[test]
    fn forces_add_up_to_nothing(seed in 0_u64..1000, n in 2_usize..800, log_span in -4_f64..2.3, dof in 0.3_f64..3.0) {
        let map = data::clustered_map::<f64, 2>(Seed(seed), n, 10_f64.powf(log_span));
        let (forces, _) = repelled(&map, dof);
        let net = norm(&[forces.iter().fold([0.0; 2], |s, f| [s[0] + f[0], s[1] + f[1]])]);
        let sum: f64 = forces.iter().map(|f| norm(&[*f])).sum();
        // Roundings of the forces themselves, and of n transforms whose table holds the kernel's peak, 1, however weak the
        // forces are at the distances of this map: two points 80 apart pull by 1e-9 and are rounded at 1e-16.
        prop_assert!(net <= 1e-12 * sum + 1e-15 * n as f64, "net force {net} of {sum}");
    }

    #[test]
    fn z_lies_between_its_bounds(seed in 0_u64..1000, n in 2_usize..40, log_span in -6_f64..2.5) {
        let span = 10_f64.powf(log_span);
        let map = data::map::<f32, 2>(Seed(seed), n, span);
        let (_, z) = repelled(&map, 1.0);
        let pairs = (n * (n - 1)) as f64;
        prop_assert!(z <= pairs && z >= pairs / (1.0 + 2.001 * span * span), "{z} of {pairs} pairs, span {span}");
    }
}

#[test]
fn a_lone_far_point_feels_others_and_not_itself() {
    // What reaches it from the crowd, at 200 away, is a thousandth of what two neighbors exert.
    let mut map = data::map::<f64, 2>(Seed(1), 1000, 5.0);
    map.push([200.0, 0.0]);
    let (forces, _) = repelled(&map, 1.0);
    let want: f64 = map[..1000]
        .iter()
        .map(|y| {
            let d2 = (200.0 - y[0]).powi(2) + y[1].powi(2);
            (200.0 - y[0]) / (1.0 + d2).powi(2)
        })
        .sum();
    let [got, across] = forces[1000];
    assert!((got / want - 1.0).abs() < 1e-4, "{got} instead of {want}");
    assert!(across.abs() < 1e-3 * want, "{across} across");

    // Two points that far apart: the force of one on the other is 1e-7, that of a point on itself would be up to 0.3.
    for offset in [0.0, 0.1, 0.25, 0.33, 0.4] {
        let (forces, _) = repelled(&[[0.0, 0.0], [200.0 + offset, offset]], 1.0);
        assert!(norm(&forces) < 1e-6, "{forces:?}");
    }
}

#[test]
fn rows_and_columns_are_alike() {
    // Reflections and exchanged axes, of a map much longer than wide.
    let map: Vec<[f64; 2]> =
        data::map::<f64, 2>(Seed(2), 500, 100.0).iter().map(|y| [y[0], y[1] * 0.1]).collect();
    let (forces, z) = repelled(&map, 1.0);
    let turned: Vec<[f64; 2]> = map.iter().map(|y| [-y[1], y[0]]).collect();
    let (turned_forces, turned_z) = repelled(&turned, 1.0);
    let off: Vec<[f64; 2]> =
        forces.iter().zip(&turned_forces).map(|(f, t)| [f[0] - t[1], f[1] + t[0]]).collect();
    // The mesh starts at the other end, so offsets in cells differ: what remains is the error of the mesh.
    assert!(norm(&off) < 6e-3 * norm(&forces), "{} of {}", norm(&off), norm(&forces));
    assert!((z / turned_z - 1.0).abs() < 1e-4, "{z} and {turned_z}");
}

#[test]
fn the_net_force_of_form_a_is_far_below_its_error() {
    // Differentiating the splines of a potential does not keep the sum of all forces at nothing, as a kernel of its own
    // for each component does. What is left would move the map as a whole, which is centered after every iteration.
    for (seed, span) in [(1, 20.0), (2, 60.0), (3, 100.0)] {
        let map = data::clustered_map::<f64, 2>(Seed(seed), 2000, span);
        let want = oracle::repulsion(StudentT::CAUCHY, &map);
        let got = oracle::mesh_repulsion(StudentT::CAUCHY, &map, 4, 1.0 / 3.0, MeshForm::Potential);
        let net = norm(&[got.forces.iter().fold([0.0; 2], |s, f| [s[0] + f[0], s[1] + f[1]])]);
        let error: f64 =
            got.forces.iter().zip(&want.forces).map(|(a, b)| norm(&[[a[0] - b[0], a[1] - b[1]]])).sum();
        assert!(net < 0.1 * error, "net force {net}, errors add up to {error} at span {span}");
    }
}
