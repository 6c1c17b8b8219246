//! Positions no map should have: coincident, extreme, no numbers at all.

use tsne_bh::{
    BarnesHut, BarnesHutField, Error, Exact, ExactField, NegativeGradient, Params, ReferenceField, Scalar,
    StudentT,
};
use tsne_core::BackendError;
use tsne_testkit::close::{assert_close_value, assert_forces_close};
use tsne_testkit::oracle;

fn tree<T: Scalar, const D: usize>(theta: f64) -> BarnesHut<T, D> {
    BarnesHut::new(StudentT::CAUCHY, Params::default().with_theta(theta)).unwrap()
}

/// Forces and Z of the tree within `tolerance` of the definition.
fn check_tree<T: Scalar, const D: usize>(name: &str, y: &[[T; D]], theta: f64, tolerance: f64) {
    let what = format!("{name}, D {D}, theta {theta}");
    let mut forces = vec![[T::lit(f64::NAN); D]; y.len()];
    let z = tree(theta).repel(y, &mut forces).unwrap();
    let want = oracle::repulsion(StudentT::CAUCHY, y);
    assert_close_value(z, want.normalizer, tolerance, 0.0, &what);
    assert_forces_close(&forces, &want.forces, tolerance, &what);
}

#[test]
fn coincident_points_count_one_each_and_exert_no_force() {
    let y = vec![[1.5_f32, -2.1]; 1000];
    for repulsion in [&mut tree(0.5) as &mut dyn NegativeGradient<f32, 2>, &mut Exact::new(StudentT::CAUCHY)]
    {
        let mut forces = vec![[f32::NAN; 2]; 1000];
        assert_eq!(repulsion.repel(&y, &mut forces).unwrap(), 1000.0 * 999.0);
        assert!(forces.iter().all(|f| *f == [0.0, 0.0]), "a coincident point exerts no force");
    }
}

#[test]
fn many_copies_of_some_points_are_counted_exactly() {
    // Groups of coincident points that are larger than a leaf, as large as a patch and larger than one, among others.
    let mut y = tsne_testkit::data::clustered_map::<f64, 2>(tsne_core::Seed(1), 300, 20.0);
    for (i, copies) in [(3, 40), (70, 256), (150, 900), (299, 33)] {
        y.extend(vec![y[i]; copies]);
    }
    check_tree("copies", &y, 0.0, 1e-13);
    check_tree("copies", &y, 0.5, 2e-2);
}

#[test]
fn pairs_closer_than_any_square_can_tell() {
    let y: Vec<[f64; 2]> =
        (0..200).flat_map(|i| [[f64::from(i) * 3e-300, 0.0], [f64::from(i) * 3e-300, 1e-300]]).collect();
    for theta in [0.0, 0.5] {
        check_tree("pairs 1e-300 apart", &y, theta, 1e-12);
    }
}

#[test]
fn sequences_that_exhaust_any_depth() {
    // Every point half as far from the origin as the one before: one level of a tree for each, to the end of the type.
    let halves: Vec<[f64; 2]> = (-1020..500).map(|k| [2_f64.powi(k), -(2_f64.powi(k))]).collect();
    let spiral: Vec<[f64; 3]> = (0..3000)
        .map(|k: u16| {
            let mut point = [0.0; 3];
            point[usize::from(k) % 3] = 0.8_f64.powi(i32::from(k) - 200);
            point
        })
        .collect();
    let tower: Vec<[f32; 1]> =
        (0..2000).map(|k| [2_f32.powi(k / 16 - 60) * (1.0 + (k % 16) as f32 / 16.0)]).collect();
    for (theta, tolerance) in [(0.0, 1e-13), (0.5, 2e-2)] {
        check_tree("halves", &halves, theta, tolerance);
        check_tree("a spiral", &spiral, theta, tolerance);
        check_tree("a tower", &tower, theta, tolerance.max(1e-5));
    }
}

#[test]
fn an_outlier_at_the_end_of_the_world_costs_nothing() {
    let mut y = tsne_testkit::data::clustered_map::<f64, 2>(tsne_core::Seed(2), 3000, 40.0);
    y.push([1e200, 0.0]);
    check_tree("an outlier", &y, 0.5, 2e-2);
    let mut tree = tree(0.5);
    tree.repel(&y, &mut vec![[0.0; 2]; y.len()]).unwrap();
    assert!(tree.n_interactions() < 1000 * y.len() as u64, "{} interactions", tree.n_interactions());
}

#[test]
fn a_point_never_acts_on_itself() {
    // Far from all others: Z would drown in the ones of the points themselves if these were added and taken off again.
    let far = [[0.0_f32, 0.0], [1e9, 0.0]];
    for repulsion in [&mut tree(0.5) as &mut dyn NegativeGradient<f32, 2>, &mut Exact::new(StudentT::CAUCHY)]
    {
        let z = repulsion.repel(&far, &mut [[0.0; 2]; 2]).unwrap();
        assert_close_value(z, 2e-18, 1e-6, 0.0, "two points 1e9 apart");
    }
    // However large theta is: here every other group is far, and the own one is never taken.
    let y: Vec<[f64; 3]> = (0..2000)
        .map(|i| [f64::from(i % 13) * 1e6, f64::from(i / 13 % 13) * 1e6, f64::from(i / 169) * 1e6])
        .collect();
    let want = oracle::repulsion(StudentT::CAUCHY, &y).normalizer;
    let z = tree(1e3).repel(&y, &mut vec![[0.0; 3]; y.len()]).unwrap();
    assert!(z < 10.0 * want, "Z {z:e} with 2000 points 1e6 apart, expected {want:e}");
}

#[test]
fn extreme_positions_stay_finite() {
    fn check<T: Scalar>(far: f64, dof: f64) {
        let at = |x: f64, y: f64| [T::lit(x), T::lit(y)];
        let mut y =
            vec![at(far, 0.0), at(-far, far), at(-far, -far), at(0.0, 0.0), at(1.0, 0.0), at(1e-30, 0.0)];
        y.extend((0..500).map(|i| at(far / 3.0 * f64::from(i % 7 - 3), far / 5.0 * f64::from(i % 11 - 5))));
        y.extend((0..500).map(|i| at(f64::from(i % 23), f64::from(i / 23))));
        let kernel = StudentT::with_dof(dof).unwrap();
        let theta = |theta| Params::default().with_theta(theta);
        for (name, repulsion) in [
            ("all pairs", &mut Exact::new(kernel) as &mut dyn NegativeGradient<T, 2>),
            ("theta 0", &mut BarnesHut::new(kernel, theta(0.0)).unwrap()),
            ("theta 0.5", &mut BarnesHut::new(kernel, theta(0.5)).unwrap()),
            ("theta 4", &mut BarnesHut::new(kernel, theta(4.0)).unwrap()),
        ] {
            let what = format!("{name}, far {far:e}, dof {dof}");
            let mut forces = vec![[T::lit(f64::NAN); 2]; y.len()];
            let z = repulsion.repel(&y, &mut forces).unwrap();
            assert!(z.is_finite() && z > 1.0, "{what}: Z {z}");
            assert!(forces.as_flattened().iter().all(|x| x.is_finite()), "{what}: {forces:?}");
        }
        let field = BarnesHutField::new(kernel, theta(0.5), &y).unwrap();
        let (mut forces, mut z) = (vec![[T::lit(f64::NAN); 2]; y.len()], vec![f64::NAN; y.len()]);
        field.repel_targets(&y, &mut forces, &mut z).unwrap();
        assert!(
            z.iter().all(|z| z.is_finite()) && forces.as_flattened().iter().all(|x| x.is_finite()),
            "far {far:e}, dof {dof}"
        );
    }
    for dof in [1e-40, 0.3, 1.0, 2.0, 7.3, 1e3, 1e35] {
        for far in [1e10, 1e18, 1e19, 1e30, 8e37] {
            check::<f32>(far, dof);
        }
        for far in [1e100, 1e150, 1e154, 1e200, 4e307] {
            check::<f64>(far, dof);
        }
    }
}

#[test]
fn positions_that_are_no_places_are_named() {
    fn inner<R: std::fmt::Debug>(result: Result<R, BackendError>) -> Error {
        *result.unwrap_err().get_ref().downcast_ref::<Error>().expect("an error of this crate")
    }
    let check = |y: &[[f64; 2]], matches: &dyn Fn(Error) -> bool| {
        let mut forces = vec![[0.0; 2]; y.len()];
        assert!(matches(inner(Exact::new(StudentT::CAUCHY).repel(y, &mut forces))), "all pairs");
        assert!(matches(inner(tree(0.5).repel(y, &mut forces))), "the tree");
        assert!(matches(ExactField::new(StudentT::CAUCHY, y).unwrap_err()), "all pairs of a frozen map");
        let frozen = BarnesHutField::new(StudentT::CAUCHY, Params::default(), y);
        assert!(matches(frozen.unwrap_err()), "the tree of a frozen map");
    };
    let mut y = vec![[0.0, 1.0]; 100];
    y[70][1] = f64::NAN;
    check(&y, &|e| matches!(e, Error::NonFinite { point: 70, axis: 1, value, .. } if value.is_nan()));
    y[30][0] = f64::INFINITY;
    check(&y, &|e| {
        e.to_string() == "point 30 is at inf on axis 0; positions must be finite, lower the learning rate"
    });
    y[20][1] = -1e308;
    check(&y, &|e| matches!(e, Error::TooFar { point: 20, axis: 1, .. }));
}

#[test]
fn what_the_tree_does_not_serve_is_refused() {
    let four = BarnesHut::<f32, 4>::new(StudentT::CAUCHY, Params::default()).unwrap_err();
    assert_eq!(
        four.to_string(),
        "the tree serves maps of 1 to 3 dimensions, got 4; use Exact, which serves any"
    );
    assert_eq!(
        BarnesHut::<f32, 0>::new(StudentT::CAUCHY, Params::default()).unwrap_err().to_string().len(),
        four.to_string().len()
    );
    for theta in [-0.1, f64::NAN, f64::INFINITY] {
        let error =
            BarnesHut::<f32, 2>::new(StudentT::CAUCHY, Params::default().with_theta(theta)).unwrap_err();
        assert!(matches!(error, Error::Theta { .. }), "theta {theta}: {error}");
    }
}

#[test]
fn an_empty_reference_exerts_nothing() {
    let field = BarnesHutField::<f32, 2>::new(StudentT::CAUCHY, Params::default(), &[]).unwrap();
    let (mut forces, mut z) = ([[f32::NAN; 2]], [f64::NAN]);
    field.repel_targets(&[[1.0, 2.0]], &mut forces, &mut z).unwrap();
    assert_eq!((forces, z), ([[0.0; 2]], [0.0]));
}
