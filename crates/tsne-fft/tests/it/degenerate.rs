//! Maps that are hardly maps, and parameters that are none.

use tsne_fft::tsne_core::Seed;
use tsne_fft::{Error, Params, ParticleMesh, ReferenceField, ReferenceMesh, Scalar, StudentT};
use tsne_testkit::data;

fn repelled<T: Scalar, const D: usize>(y: &[[T; D]], params: Params) -> Result<(Vec<[T; D]>, f64), Error> {
    let mut forces = vec![[T::lit(1e6); D]; y.len()];
    let z = ParticleMesh::new(StudentT::CAUCHY, params)?.try_repel(y, &mut forces)?;
    Ok((forces, z))
}

fn assert_finite<T: Scalar, const D: usize>(y: &[[T; D]], what: &str) {
    let (forces, z) = repelled(y, Params::default()).unwrap_or_else(|error| panic!("{what}: {error}"));
    assert!(z.is_finite() && z >= 0.0, "{what}: Z is {z}");
    assert!(forces.as_flattened().iter().all(|x| x.is_finite()), "{what}: {forces:?}");
}

fn scaled<T: Scalar, const D: usize>(span: f64) -> Vec<[T; D]> {
    data::map::<f64, D>(Seed(1), 100, 1.0).iter().map(|y| y.map(|x| T::lit(x * span))).collect()
}

#[test]
fn any_span_down_to_the_smallest_number_gives_finite_forces() {
    for exponent in [-1, -10, -20, -30, -36, -40, -44] {
        let span = 10_f64.powi(exponent);
        assert_finite(&scaled::<f32, 1>(span), &format!("f32, D = 1, span {span}"));
        assert_finite(&scaled::<f32, 2>(span), &format!("f32, D = 2, span {span}"));
        assert_finite(&scaled::<f64, 2>(span), &format!("f64, D = 2, span {span}"));
    }
    for exponent in [-100, -150, -200, -300, -307, -315, -323] {
        let span = 10_f64.powi(exponent);
        assert_finite(&scaled::<f64, 2>(span), &format!("f64, D = 2, span {span}"));
    }
    assert_finite(&[[0.0_f32, 0.0], [f32::from_bits(1), 0.0]], "two points one subnormal apart");
    assert_finite(&[[0.0_f64, 0.0, 0.0], [f64::from_bits(1), 0.0, 0.0]], "two points one subnormal apart");
}

#[test]
fn points_on_a_line_and_few_points_in_three_dimensions_give_finite_forces() {
    let line: Vec<[f32; 3]> = (0_u8..100).map(|i| [f32::from(i), 0.0, -1.0]).collect();
    assert_finite(&line, "a line along an axis");
    assert_finite(&[[1.0_f32, 2.0, 3.0]], "one point");
    assert_finite(&[[1.0_f32, 2.0, 3.0]; 50], "one place");
    assert_finite(&[[1.0_f32, 2.0, 3.0], [1.5, 2.0, 3.0]], "two points");
}

#[test]
fn coincident_points_count_1_and_do_not_push() {
    let (forces, z) = repelled(&[[7.25_f32, -3.0]; 40], Params::default()).expect("one place");
    assert_eq!((forces, z), (vec![[0.0; 2]; 40], 40.0 * 39.0));
    assert_eq!(repelled::<f64, 2>(&[], Params::default()), Ok((vec![], 0.0)));
    assert_eq!(repelled(&[[1.0_f64, 2.0]], Params::default()), Ok((vec![[0.0; 2]], 0.0)));
}

#[test]
fn a_mesh_beyond_the_memory_allowed_is_refused_with_both_numbers() {
    let mut y = data::map::<f32, 2>(Seed(2), 100, 10.0);
    y[99] = [1e6, 1e6];
    let error = repelled(&y, Params::default()).expect_err("3e6 nodes a side");
    let Error::MeshTooLarge { extent, bytes, max_bytes, .. } = error else { panic!("{error}") };
    assert!((extent - 1e6).abs() < 10.0 && bytes > 1e13 && max_bytes == 2 << 30, "{error}");
    for huge in [1e30, 3e38] {
        let error = repelled(&[[-huge, 0.0], [huge, 0.0_f32]], Params::default());
        assert!(matches!(error, Err(Error::MeshTooLarge { .. })), "{error:?}");
    }
    let error = repelled(&[[-1e308, 0.0], [1e308, 0.0_f64]], Params::default());
    assert!(matches!(error, Err(Error::MeshTooLarge { .. })), "{error:?}");
    // The same map passes when there is more memory or when cells are wider.
    let y = data::map::<f32, 2>(Seed(3), 100, 200.0);
    let tight = Params::default().with_max_bytes(16 << 20);
    assert!(matches!(repelled(&y, tight), Err(Error::MeshTooLarge { .. })));
    assert!(repelled(&y, Params::default()).is_ok());
    assert!(repelled(&y, tight.with_ints_in_interval(2.0)).is_ok());
}

#[test]
fn positions_that_are_no_places_are_named() {
    let mut y = data::map::<f32, 2>(Seed(4), 10_000, 10.0);
    y[9_000][1] = f32::NAN;
    let error = repelled(&y, Params::default()).expect_err("a NaN");
    let Error::NonFinite(place) = error else { panic!("{error}") };
    assert!((place.row, place.column) == (9_000, 1) && place.value.is_nan(), "{place}");
    let sources = data::map::<f32, 2>(Seed(5), 10, 1.0);
    let field = ReferenceMesh::new(StudentT::CAUCHY, Params::default(), 0.25, &sources).expect("a small map");
    let mut out = ([[0.0; 2]], [0.0]);
    let error = field.try_repel_targets(&[[0.0, f32::INFINITY]], &mut out.0, &mut out.1);
    assert!(matches!(error, Err(Error::NonFinite(_))), "{error:?}");
}

#[test]
fn parameters_out_of_range_are_refused_by_name() {
    let base = Params::default();
    let cases = [
        (base.with_n_interpolation_points(0), "n_interpolation_points must be at least 1, got 0"),
        (base.with_min_num_intervals(0), "min_num_intervals must be at least 1, got 0"),
        (base.with_ints_in_interval(0.0), "ints_in_interval must be a finite number above 0, got 0"),
        (base.with_ints_in_interval(f64::NAN), "ints_in_interval must be a finite number above 0, got NaN"),
    ];
    for (params, message) in cases {
        let error = ParticleMesh::<f32, 2>::new(StudentT::CAUCHY, params).expect_err(message);
        assert_eq!(error.to_string(), message);
    }
    for padding in [-0.1, f64::NAN, f64::INFINITY] {
        let error =
            ReferenceMesh::<f32, 2>::new(StudentT::CAUCHY, base, padding, &[]).expect_err("a bad padding");
        assert!(matches!(error, Error::BadPadding { .. }), "{error}");
    }
}

#[test]
fn a_reference_without_extent_is_summed() {
    for sources in [vec![], vec![[1.0_f64, 2.0]; 3]] {
        let n = sources.len() as f64;
        let field = ReferenceMesh::new(StudentT::CAUCHY, Params::default(), 0.25, &sources).expect("no mesh");
        assert_eq!(field.bounds(), None);
        let (mut force, mut z) = ([[9.0; 2]], [9.0]);
        field.try_repel_targets(&[[1.0, 4.0]], &mut force, &mut z).expect("a place");
        assert!(
            (z[0] - n / 5.0).abs() < 1e-15 && (force[0][1] - n * 2.0 / 25.0).abs() < 1e-15,
            "{force:?} {z:?}"
        );
    }
}
