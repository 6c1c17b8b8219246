//! Bad data are refused by place and code, with a remedy.

use proptest::prelude::*;
use tsne::{Error, Initialization, Points, Tsne};

#[test]
fn values_that_are_not_finite_are_named_by_row_and_column() {
    let mut x = vec![1.0_f64; 30 * 4];
    for (i, v) in x.iter_mut().enumerate() {
        *v += f64::from(u8::try_from(i).expect("120 values"));
    }
    x[2 * 4 + 1] = f64::NAN;
    x[7 * 4] = f64::INFINITY;
    let error = Tsne::new().fit(Points::from_row_major(&x, 4).expect("rectangular")).expect_err("NaN");
    assert_eq!(error.code(), Some("E103"), "{error}");
    assert!(
        error.to_string().contains("2 values") && error.to_string().contains("row 3, column 2"),
        "{error}"
    );
    let Error::NonFinite { count, first } = error else { panic!("another error: {error}") };
    assert_eq!((count, first[1].row, first[1].column), (2, 7, 0), "counted from 0");
}

#[test]
fn one_point_has_no_map() {
    let error =
        Tsne::new().fit(Points::from_row_major(&[1.0_f32, 2.0], 2).expect("a row")).expect_err("one row");
    assert_eq!(error.code(), Some("E102"), "{error}");
}

#[test]
fn initial_positions_must_fit() {
    let x: Vec<f64> = (0..20).map(f64::from).collect();
    let points = Points::from_row_major(&x, 2).expect("rectangular");
    let short = Tsne::new().initialization(Initialization::Positions(vec![[0.0; 2]; 9]));
    assert_eq!(short.fit(points).expect_err("nine for ten").code(), Some("E208"), "nine for ten");
    let mut positions = vec![[0.0; 2]; 10];
    positions[3][1] = f64::NAN;
    let nan = Tsne::new().initialization(Initialization::Positions(positions));
    let error = nan.fit(points).expect_err("NaN");
    assert_eq!(error.code(), Some("E209"), "{error}");
    assert!(error.to_string().contains("point 3, axis 1"), "{error}");
}

#[test]
fn faults_of_the_pieces_keep_their_own_codes() {
    // Coordinates are finite; the distance between the first two is not.
    let far = [f64::MAX, -f64::MAX, 0.0, 1.0];
    let error = Tsne::new().fit(Points::from_row_major(&far, 1).expect("a column")).expect_err("overflow");
    assert_eq!(error.code(), Some("E103"), "{error}");
    assert!(error.help().contains("scale"), "{}", error.help());

    let x: Vec<f64> = (0..20).map(|i| f64::from(i * i)).collect();
    let points = Points::from_row_major(&x, 2).expect("rectangular");
    let small = Tsne::new()
        .perplexity(3.0)
        .strict(true)
        .negative_gradient_method(tsne::NegativeGradientMethod::Fft)
        .max_mesh_bytes(1000);
    let error = small.fit(points).expect_err("no mesh fits into a kilobyte");
    assert_eq!(error.code(), Some("E301"), "{error}");
    assert!(error.help().contains("bh"), "{}", error.help());
}

#[test]
fn strict_mode_refuses_what_would_be_changed() {
    let x: Vec<f64> = (0..20).map(|i| f64::from(i * i)).collect();
    let points = Points::from_row_major(&x, 2).expect("rectangular");
    let error = Tsne::new().strict(true).fit(points).expect_err("perplexity 30 of 10 points");
    assert_eq!(error.code(), Some("E202"), "{error}");
    assert!(error.to_string().contains("30") && error.to_string().contains('3'), "both numbers: {error}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    /// Any finite input and legal parameters: a finite map or a typed error, never a panic.
    #[test]
    fn any_finite_data_have_a_finite_map_or_a_typed_error(
        n in 2_usize..24,
        features in 1_usize..5,
        raw in prop::collection::vec(
            prop_oneof![-1e3..1e3, Just(0.0), -1e300..1e300, -1e-300..1e-300, Just(f64::MAX), Just(5e-324)],
            24 * 5,
        ),
        perplexity in 1.0..50.0,
        exaggeration in 0.1..100.0,
        dof in 0.1..10.0,
    ) {
        let x: &[f64] = &raw[..n * features];
        let points = Points::from_row_major(x, features).expect("rectangular");
        let config = Tsne::new()
            .perplexity(perplexity)
            .early_exaggeration(exaggeration)
            .dof(dof)
            .early_exaggeration_iter(20)
            .n_iter(20);
        match config.fit(points) {
            Ok(map) => {
                prop_assert!(map.positions().as_flattened().iter().all(|v| v.is_finite()));
                prop_assert!(map.kl_divergence().is_finite());
            }
            Err(error) => prop_assert!(error.code().is_some()),
        }
    }
}
