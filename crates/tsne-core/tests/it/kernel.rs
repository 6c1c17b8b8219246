//! The kernel's three weights, and which degrees of freedom are legal.

use proptest::prelude::*;
use tsne_core::StudentT;

#[test]
fn degrees_of_freedom_are_finite_and_positive() {
    for dof in [0.0, -1.0, f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        assert!(StudentT::with_dof(dof).is_err(), "dof {dof}");
    }
    for dof in [f64::MIN_POSITIVE, 0.5, 1.0, 1e300] {
        assert_eq!(StudentT::with_dof(dof).map(|kernel| kernel.dof()), Ok(dof), "dof {dof}");
    }
    let error = StudentT::with_dof(-2.0).expect_err("negative");
    assert_eq!(
        error.to_string(),
        "dof must be a finite number above 0, got -2; 1 is the usual kernel",
        "message"
    );
}

#[test]
fn the_usual_kernel_is_one_over_one_plus_the_square() {
    assert_eq!(StudentT::default(), StudentT::CAUCHY, "default");
    assert!(StudentT::CAUCHY.is_cauchy(), "ν = 1");
    assert!(!StudentT::with_dof(1.5).expect("legal").is_cauchy(), "ν = 1.5");
    let kernel = StudentT::CAUCHY;
    assert_eq!(
        (kernel.attraction(3.0), kernel.similarity(3.0), kernel.repulsion(3.0)),
        (0.25, 0.25, 0.0625),
        "d² = 3"
    );
}

#[test]
fn weights_at_two_degrees_of_freedom() {
    // d² = 2: s = 1/2, w = s², s³.
    let kernel = StudentT::with_dof(2.0).expect("legal");
    assert_eq!(
        (kernel.attraction(2.0), kernel.similarity(2.0), kernel.repulsion(2.0)),
        (0.5, 0.25, 0.125),
        "d² = 2"
    );
}

proptest! {
    /// w = s^ν and s^(ν+1) = s w, to the rounding of powers of up to 40 in the logarithm; all fall from 1 to 0.
    #[test]
    fn the_weights_belong_together(dof in 0.05_f64..20.0, d2 in 0.0_f64..1e6) {
        let kernel = StudentT::with_dof(dof).expect("legal");
        let (s, w, r) = (kernel.attraction(d2), kernel.similarity(d2), kernel.repulsion(d2));
        prop_assert!((r - s * w).abs() <= 1e-13 * r);
        prop_assert!((w.ln() - dof * s.ln()).abs() <= 1e-13 * (1.0 + w.ln().abs()));
        prop_assert!(0.0 < r && r <= w && r <= s && s <= 1.0 && w <= 1.0);
        prop_assert!(kernel.similarity(d2 + 1.0) < w);
    }

    #[test]
    fn the_special_case_is_no_other_kernel(d2 in 0.0_f64..1e6) {
        let near = StudentT::with_dof(1.0 + 1e-12).expect("legal");
        prop_assert!((near.similarity(d2) - StudentT::CAUCHY.similarity(d2)).abs() <= 1e-10 * near.similarity(d2));
        prop_assert!((near.repulsion(d2) - StudentT::CAUCHY.repulsion(d2)).abs() <= 1e-10 * near.repulsion(d2));
    }
}

#[test]
fn distances_beyond_measure_weigh_nothing() {
    for dof in [0.5, 1.0, 2.0] {
        let kernel = StudentT::with_dof(dof).expect("legal");
        assert_eq!(
            (kernel.similarity(f64::INFINITY), kernel.repulsion(f64::INFINITY)),
            (0.0, 0.0),
            "dof {dof}"
        );
        assert_eq!(
            (kernel.similarity(0.0), kernel.repulsion(0.0)),
            (1.0, 1.0),
            "dof {dof} at the same place"
        );
    }
}
