//! 4 G is the derivative of the divergence, for every kernel and dimension: [M6], [M10].

use tsne_core::StudentT;
use tsne_testkit::{close, finite_diff, oracle};

use crate::support::{exact, problem};

fn check<const D: usize>(dof: f64) {
    let kernel = StudentT::with_dof(dof).expect("dof is positive");
    let (p, y) = problem::<f64, D>(30, 0.5);
    let want = finite_diff::kl_gradient(kernel, &p, &y, 1e-3);
    let got = exact(kernel, p, y).gradient(1.0).expect("positions are finite");
    let four_times: Vec<[f64; D]> = got.iter().map(|g| g.map(|v| 4.0 * v)).collect();
    let error = close::relative_l2(&four_times, &want);
    // The differences are of fourth order at a step of 1e-3: their own error is some 1e-10.
    assert!(error <= 1e-6, "dof {dof}, D = {D}: the gradient is off by {error:e}");
}

#[test]
fn the_gradient_is_a_quarter_of_the_derivative_of_the_divergence() {
    for dof in [0.5, 1.0, 2.0] {
        check::<1>(dof);
        check::<2>(dof);
        check::<3>(dof);
    }
}

fn check_against_oracle<T: tsne_core::Scalar, const D: usize>(dof: f64, exaggeration: f64, bound: f64) {
    let kernel = StudentT::with_dof(dof).expect("dof is positive");
    let (p, y) = problem::<T, D>(500, 1.0);
    let want = oracle::gradient(kernel, &p, &y, exaggeration);
    let mut descent = exact(kernel, p.clone(), y.clone());
    let got = descent.gradient(exaggeration).expect("positions are finite");
    let error = close::relative_l2(&got, &want);
    assert!(error <= bound, "dof {dof}, D = {D}, exaggeration {exaggeration}: off by {error:e}");
    let kl = descent.kl_divergence().expect("positions are finite");
    let want = oracle::kl_divergence(kernel, &p, &y);
    assert!((kl - want).abs() <= bound * want.abs(), "KL {kl} against {want}");
}

#[test]
fn gradient_and_divergence_equal_the_oracle() {
    // Rounding of the number type over some hundred terms, and of forces that partly cancel.
    for (dof, exaggeration) in [(1.0, 1.0), (1.0, 12.0), (0.5, 1.0), (2.0, 4.0)] {
        check_against_oracle::<f64, 1>(dof, exaggeration, 1e-12);
        check_against_oracle::<f64, 2>(dof, exaggeration, 1e-12);
        check_against_oracle::<f64, 3>(dof, exaggeration, 1e-12);
        check_against_oracle::<f32, 2>(dof, exaggeration, 1e-5);
        check_against_oracle::<f32, 3>(dof, exaggeration, 1e-5);
    }
}
