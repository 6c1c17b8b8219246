//! The divergence of given positions, exact and by each approximation, and the score made of it.

use tsne::core::Affinities as _;
use tsne::{Csr, Error, Points, StudentT, Tsne, fft, kl};
use tsne_testkit::data;

/// A map of digits and its P.
fn map() -> (Csr<f64>, Vec<[f64; 2]>) {
    let set = data::digits().first(600);
    let map =
        Tsne::new().fit(Points::from_row_major(&set.values, 64).expect("rectangular")).expect("a plain fit");
    (map.affinities().clone(), map.positions().to_vec())
}

/// \[M6\] as it is written.
fn definition(p: &Csr<f64>, y: &[[f64; 2]], dof: f64) -> f64 {
    let w = |i: usize, j: usize| {
        let d2 = (y[i][0] - y[j][0]).powi(2) + (y[i][1] - y[j][1]).powi(2);
        (1.0 + d2 / dof).powf(-dof)
    };
    let n = y.len();
    let z: f64 = (0..n).map(|i| (0..n).filter(|&j| j != i).map(|j| w(i, j)).sum::<f64>()).sum();
    let row = |i: usize| {
        let entries = p.row(i).0.iter().zip(p.row(i).1).filter(|(_, p)| **p > 0.0);
        entries.map(|(&j, p)| p * (p * z / w(i, j as usize)).ln()).sum::<f64>()
    };
    (0..n).map(row).sum()
}

#[test]
fn divergences_agree_with_the_definition() {
    let (p, y) = map();
    for dof in [1.0, 0.6] {
        let kernel = StudentT::with_dof(dof).expect("positive");
        let want = definition(&p, &y, dof);
        let exact = kl::exact(&p, &y, kernel).expect("a map");
        assert!((exact - want).abs() < 1e-12, "dof {dof}: {exact} for {want}");
        let tree = kl::barnes_hut(&p, &y, kernel, 0.5).expect("a map");
        assert!((tree - want).abs() < 1e-3, "dof {dof}, tree: {tree} for {want}");
        let mesh = kl::fft(&p, &y, kernel, fft::Params::default()).expect("a map");
        assert!((mesh - want).abs() < 1e-4, "dof {dof}, mesh: {mesh} for {want}");
        let whole = kl::barnes_hut(&p, &y, kernel, 0.0).expect("a map");
        assert!((whole - want).abs() < 1e-10, "dof {dof}, the whole tree: {whole} for {want}");
    }
}

#[test]
fn what_does_not_fit_is_refused() {
    let (p, mut y) = map();
    let exact = |y: &[[f64; 2]]| kl::exact(&p, y, StudentT::CAUCHY);
    assert!(matches!(exact(&y[1..]), Err(Error::Descent(_))), "one position too few");
    assert!(matches!(exact(&[]), Err(Error::Descent(_))), "no positions");
    y[3][1] = f64::NAN;
    assert!(matches!(exact(&y), Err(Error::Descent(_))), "a position that is not finite");
    let error = kl::barnes_hut(&p, &y, StudentT::CAUCHY, -1.0).expect_err("theta");
    assert!(matches!(error, Error::Repulsion(_)), "{error}");
    assert_eq!(p.n_points(), 600, "P is only read");
}

#[test]
fn the_score_weighs_the_perplexity() {
    // 2 KL + ln(n) perplexity / n, by hand: 2 · 0.5 + ln(1000) · 30 / 1000.
    assert!(
        (kl::p_bic(0.5, 30.0, 1000) - 1.207_232_658_369_464).abs() < 1e-12,
        "{}",
        kl::p_bic(0.5, 30.0, 1000)
    );
    assert!(kl::p_bic(1.0, 30.0, 0).is_finite(), "no points");
}
