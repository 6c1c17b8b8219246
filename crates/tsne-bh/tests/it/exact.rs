//! All pairs against the definition.

use tsne_bh::{Error, Exact, ExactField, NegativeGradient, ReferenceField, Scalar, StudentT};

use crate::oracle::{clumps, fields, relative_error};

/// Force and Z of both backends within `tolerance` of the definition.
fn agrees<T: Scalar, const D: usize>(n: usize, dof: f64, tolerance: f64) {
    let kernel = StudentT::with_dof(dof).unwrap();
    let y: Vec<[T; D]> = clumps(n, 7, 40.0);
    let expected = fields(kernel, &y, &y, true);
    let mut forces = vec![[T::lit(f64::NAN); D]; n];
    let z = Exact::new(kernel).repel(&y, &mut forces).unwrap();
    let expected_z: f64 = expected.iter().map(|f| f.1).sum();
    assert!((z - expected_z).abs() <= tolerance * expected_z, "n {n}, D {D}, dof {dof}: z {z}, {expected_z}");
    if n > 1 {
        let error = relative_error(&forces, &expected);
        assert!(error <= tolerance, "n {n}, D {D}, dof {dof}: force error {error:e}");
    }

    let targets: Vec<[T; D]> = clumps(70, 3, 60.0);
    let expected = fields(kernel, &y, &targets, false);
    let mut forces = vec![[T::lit(f64::NAN); D]; 70];
    let mut normalizers = vec![f64::NAN; 70];
    ExactField::new(kernel, &y).unwrap().repel_targets(&targets, &mut forces, &mut normalizers).unwrap();
    let error = relative_error(&forces, &expected);
    assert!(error <= tolerance, "n {n}, D {D}, dof {dof}: reference force error {error:e}");
    for (z, (_, expected)) in normalizers.iter().zip(&expected) {
        assert!((z - expected).abs() <= tolerance * expected, "n {n}, D {D}, dof {dof}: z {z}, {expected}");
    }
}

#[test]
fn agrees_with_the_definition() {
    // Rounding of positions apart, a pair carries some units of the last place, and sums of a tile some more.
    for n in [1, 2, 15, 16, 17, 63, 64, 65, 1000, 1023, 1024, 1025, 2500] {
        agrees::<f64, 2>(n, 1.0, 1e-13);
        agrees::<f32, 2>(n, 1.0, 3e-6);
    }
    for dof in [0.3, 0.5, 0.8, 1.0, 1.5, 2.0, 10.0] {
        agrees::<f64, 1>(300, dof, 1e-13);
        agrees::<f64, 3>(300, dof, 1e-13);
        agrees::<f32, 2>(300, dof, 3e-6);
        agrees::<f32, 5>(300, dof, 3e-6);
        agrees::<f64, 10>(300, dof, 1e-13);
    }
}

#[test]
fn no_points_no_forces() {
    assert_eq!(Exact::<f32, 2>::new(StudentT::CAUCHY).repel(&[], &mut []).unwrap(), 0.0);
}

#[test]
fn coincident_points_count_one_each_and_exert_no_force() {
    let y = vec![[1.5_f32, -2.0]; 2000];
    let mut forces = vec![[f32::NAN; 2]; 2000];
    let z = Exact::new(StudentT::CAUCHY).repel(&y, &mut forces).unwrap();
    assert_eq!(z, 2000.0 * 1999.0);
    assert!(forces.iter().all(|f| *f == [0.0, 0.0]), "a coincident point exerts no force");
}

#[test]
fn a_point_never_acts_on_itself_even_when_all_others_are_far() {
    // Z would drown in the n ones of the points themselves if these were added and taken off again.
    let mut forces = [[0.0_f32; 2]; 2];
    let z = Exact::new(StudentT::CAUCHY).repel(&[[0.0, 0.0], [1e9, 0.0]], &mut forces).unwrap();
    assert!((z / 2e-18 - 1.0).abs() < 1e-6, "z {z:e}");
}

#[test]
fn extreme_positions_stay_finite() {
    fn check<T: Scalar>(far: f64, dof: f64) {
        let far = T::lit(far);
        let zero = T::lit(0.0);
        let y = [[far, zero], [-far, far], [zero, zero], [T::lit(1.0), zero], [T::lit(1e-30), zero]];
        let mut forces = [[T::lit(f64::NAN); 2]; 5];
        let kernel = StudentT::with_dof(dof).unwrap();
        let z = Exact::new(kernel).repel(&y, &mut forces).unwrap();
        assert!(z.is_finite() && z > 1.0, "far {far}, dof {dof}: z {z}");
        assert!(forces.as_flattened().iter().all(|x| x.is_finite()), "far {far}, dof {dof}: {forces:?}");
    }
    for dof in [0.3, 0.5, 1.0, 2.0, 7.3] {
        for far in [1e10, 1e18, 1e30, 8e37] {
            check::<f32>(far, dof);
        }
        for far in [1e100, 1e150, 1e200, 4e307] {
            check::<f64>(far, dof);
        }
    }
}

#[test]
fn positions_that_are_no_places_are_named() {
    fn error_of(y: &[[f64; 2]]) -> Error {
        let mut forces = vec![[0.0; 2]; y.len()];
        let error = Exact::new(StudentT::CAUCHY).repel(y, &mut forces).unwrap_err();
        *error.get_ref().downcast_ref::<Error>().unwrap()
    }
    let mut y = vec![[0.0, 1.0]; 100];
    y[70][1] = f64::NAN;
    assert!(matches!(error_of(&y), Error::NonFinite { point: 70, axis: 1, value, .. } if value.is_nan()));
    y[30][0] = f64::INFINITY;
    let message = "point 30 is at inf on axis 0; positions must be finite, lower the learning rate";
    assert_eq!(error_of(&y).to_string(), message);
    y[20][1] = -1e308;
    assert!(matches!(error_of(&y), Error::TooFar { point: 20, axis: 1, .. }));
    assert!(matches!(ExactField::new(StudentT::CAUCHY, &y), Err(Error::TooFar { point: 20, .. })));
}

#[test]
fn threads_and_history_change_no_bit() {
    fn run<T: Scalar>(threads: usize) -> (Vec<[T; 2]>, f64) {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let y: Vec<[T; 2]> = clumps(1500, 5, 30.0);
        let mut forces = vec![[T::lit(0.0); 2]; y.len()];
        let mut exact = Exact::new(StudentT::CAUCHY);
        pool.install(|| {
            exact.repel(&y[..77], &mut forces[..77]).unwrap();
            let z = exact.repel(&y, &mut forces).unwrap();
            (forces, z)
        })
    }
    for threads in [2, 3, 8] {
        assert_eq!(run::<f32>(1), run::<f32>(threads));
        assert_eq!(run::<f64>(1), run::<f64>(threads));
    }
}

#[test]
fn a_target_does_not_see_other_targets() {
    let y: Vec<[f32; 2]> = clumps(3000, 5, 30.0);
    let field = ExactField::new(StudentT::CAUCHY, &y).unwrap();
    let targets: Vec<[f32; 2]> = clumps(150, 4, 40.0);
    let (mut forces, mut z) = (vec![[0.0; 2]; 150], vec![0.0; 150]);
    field.repel_targets(&targets, &mut forces, &mut z).unwrap();
    for i in 0..150 {
        let (mut force, mut z_alone) = ([[0.0; 2]], [0.0]);
        field.repel_targets(&targets[i..=i], &mut force, &mut z_alone).unwrap();
        assert_eq!((force[0], z_alone[0]), (forces[i], z[i]), "target {i}");
    }
}
