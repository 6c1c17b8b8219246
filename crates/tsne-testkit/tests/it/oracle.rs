//! The oracle against cases of two and three points worked out by hand, and its gradients against differences.

use tsne_core::{Element, Points, Seed, StudentT};
use tsne_testkit::close::{assert_close, assert_close_value, relative_l2};
use tsne_testkit::oracle::{self, Matrix};
use tsne_testkit::{data, finite_diff};

/// A few roundings: the cases below take fewer than ten operations.
const TINY: f64 = 1e-15;

fn kernel(dof: f64) -> StudentT {
    StudentT::with_dof(dof).expect("legal")
}

fn points(values: &[f64]) -> Points<'_, f64> {
    Points::from_row_major(values, 1).expect("one feature")
}

#[test]
fn two_points_at_distance_one() {
    // d² = 1, s = w = 1/2: Z = 1, F = ∓ s² = ∓ 1/4. With p = 1/2 each, Q is P: KL = 0 and G = 0.
    let y = [[0.0, 0.0], [1.0, 0.0]];
    let p = Matrix::from_fn(2, 2, |i, j| if i == j { 0.0 } else { 0.5 }).to_csr::<f64>();
    let field = oracle::repulsion(kernel(1.0), &y);
    assert_eq!((field.forces, field.normalizer), (vec![[-0.25, 0.0], [0.25, 0.0]], 1.0), "F and Z");
    assert_eq!(oracle::kl_divergence(kernel(1.0), &p, &y), 0.0, "KL");
    assert_eq!(oracle::gradient(kernel(1.0), &p, &y, 1.0), [[0.0; 2]; 2], "G");
    // With exaggeration 12 the attraction ∓ 1/4 counts twelve times.
    assert_eq!(oracle::gradient(kernel(1.0), &p, &y, 12.0), [[-2.75, 0.0], [2.75, 0.0]], "exaggerated G");
}

#[test]
fn two_points_with_heavier_and_lighter_tails() {
    // ν = 2, d² = 2: s = 1/2, w = 1/4, Z = 1/2, s³ = 1/8.
    let field = oracle::repulsion(kernel(2.0), &[[0.0, 0.0], [1.0, 1.0]]);
    assert_eq!((field.forces[0], field.normalizer), ([-0.125, -0.125], 0.5), "ν = 2");
    // ν = 1/2, d² = 4: s = 1/9, w = 1/3, Z = 2/3, s^(3/2) = 1/27.
    let field = oracle::repulsion(kernel(0.5), &[[2.0_f32], [0.0]]);
    assert_close_value(field.forces[0][0], 2.0 / 27.0, TINY, 0.0, "F at ν = 1/2");
    assert_close_value(field.normalizer, 2.0 / 3.0, TINY, 0.0, "Z at ν = 1/2");
}

#[test]
fn three_points_on_a_line() {
    // y = 0, 1, 3: w = 1/2, 1/10, 1/5 for the pairs 01, 02, 12.
    let y = [[0.0], [1.0], [3.0]];
    let pairs = [[0.0, 0.25, 0.1], [0.25, 0.0, 0.15], [0.1, 0.15, 0.0]];
    let p = Matrix::from_fn(3, 3, |i, j| pairs[i][j]).to_csr::<f64>();
    let field = oracle::repulsion(kernel(1.0), &y);
    assert_close_value(field.normalizer, 1.6, TINY, 0.0, "Z");
    assert_close(field.forces.as_flattened(), &[-0.28, 0.17, 0.11], TINY, 0.0, "F");
    // Attraction −0.155, 0.065, 0.09 less F / 1.6.
    let gradient = oracle::gradient(kernel(1.0), &p, &y, 1.0);
    assert_close(gradient.as_flattened(), &[0.02, -0.041_25, 0.021_25], 0.0, TINY, "G");
    let kl = 2.0 * (0.25 * 0.8_f64.ln() + 0.1 * 1.6_f64.ln() + 0.15 * 1.2_f64.ln());
    assert_close_value(oracle::kl_divergence(kernel(1.0), &p, &y), kl, 0.0, TINY, "KL");
}

#[test]
fn coincident_points_count_in_the_normalizer_and_exert_no_force() {
    let field = oracle::repulsion(kernel(1.0), &[[3.0, 4.0]; 5]);
    assert_eq!((field.forces, field.normalizer), (vec![[0.0; 2]; 5], 20.0), "five points at one place");
}

#[test]
fn a_target_at_the_place_of_a_source() {
    // Sources 0 and 1, target 1: the first pushes by s² = 1/4 and counts 1/2, the second counts 1.
    let (sources, target) = ([[0.0], [1.0]], [[1.0]]);
    let field = oracle::reference_field(kernel(1.0), &sources, &target);
    assert_eq!((field.forces, field.normalizers), (vec![[0.25]], vec![1.5]), "F and Z_t");
    // With p = 1/2 each: A = 1/4, G = 1/4 − (1/4) / 1.5, KL = (ln 1.5 + ln 0.75) / 2.
    let p = Matrix::from_fn(1, 2, |_, _| 0.5).to_csr::<f64>();
    let gradient = oracle::reference_gradient(kernel(1.0), &p, &sources, &target, 1.0);
    assert_close_value(gradient[0][0], 1.0 / 12.0, TINY, 0.0, "G of a new point");
    let kl = oracle::reference_kl_divergence(kernel(1.0), &p, &sources, &target);
    assert_close_value(kl[0], 0.5 * (1.5_f64.ln() + 0.75_f64.ln()), TINY, 0.0, "KL of a new point");
}

#[test]
fn conditional_affinities_of_two_neighbors() {
    // Weights 1 and 1/2 at β = ln 2, whatever both distances have in common.
    for shift in [0.0, 7.0, 2.0_f64.powi(40)] {
        let d2 = [1.0 + shift, 2.0 + shift];
        let p = oracle::conditional_row(&d2, 2.0_f64.ln());
        assert_close(&p, &[2.0 / 3.0, 1.0 / 3.0], TINY, 0.0, "p");
        // H = ln 3 − (2/3) ln 2.
        let perplexity = 3.0 / 2.0_f64.powf(2.0 / 3.0);
        let got = oracle::perplexity_at(&d2, 2.0_f64.ln());
        assert_close_value(got, perplexity, 4.0 * TINY, 0.0, "perplexity");
        let beta = oracle::calibrate(&d2, perplexity).expect("between 1 and 2");
        assert_close_value(beta, 2.0_f64.ln(), 1e-14, 0.0, "β");
    }
}

#[test]
fn calibration_is_free_of_scale_and_refuses_what_no_precision_reaches() {
    let d2: Vec<f64> = (1..=90).map(|i| f64::from(i * i)).collect();
    let beta = oracle::calibrate(&d2, 30.0).expect("30 of 90");
    assert_close_value(oracle::perplexity_at(&d2, beta), 30.0, 1e-13, 0.0, "perplexity reached");
    for exponent in [-900, -300, 300, 900] {
        let scale = 2.0_f64.powi(exponent);
        let scaled: Vec<f64> = d2.iter().map(|d2| d2 * scale).collect();
        let got = oracle::calibrate(&scaled, 30.0).expect("30 of 90");
        assert_close_value(got * scale, beta, 1e-13, 0.0, "β at another scale");
    }
    // A neighbor far away leaves the other 89 a precision of their own.
    let mut outlier = d2.clone();
    outlier[89] = 1e12;
    let beta = oracle::calibrate(&outlier, 30.0).expect("30 of 90");
    assert_close_value(oracle::perplexity_at(&outlier, beta), 30.0, 1e-13, 0.0, "perplexity with an outlier");

    assert_eq!(oracle::calibrate(&d2, 90.0), None, "as many as all neighbors");
    assert_eq!(oracle::calibrate(&[4.0, 4.0, 9.0], 1.9), None, "fewer than the two nearest");
    assert_eq!(oracle::calibrate(&[4.0; 5], 3.0), None, "neighbors all alike");
}

#[test]
fn joint_probabilities_of_three_points() {
    // At this perplexity every row of two neighbors is 2/3 and 1/3, nearest first (see above).
    let perplexity = 3.0 / 2.0_f64.powf(2.0 / 3.0);
    let graph = oracle::knn(points(&[0.0, 1.0, 3.0]), 2);
    let p = oracle::joint_probabilities(&graph, perplexity);
    let want = [0.0, 2.0 / 9.0, 1.0 / 9.0, 2.0 / 9.0, 0.0, 1.0 / 6.0, 1.0 / 9.0, 1.0 / 6.0, 0.0];
    assert_close(p.as_slice(), &want, 1e-14, 0.0, "P");
}

#[test]
fn neighbors_ascend_with_ties_by_index_and_without_the_point_itself() {
    let x = [0.0, 1.0, 3.0, 1.0];
    let graph = oracle::knn(points(&x), 3);
    assert_eq!(graph.row(0), (&[1, 3, 2][..], &[1.0, 1.0, 3.0][..]), "ties");
    assert_eq!(graph.row(1), (&[3, 0, 2][..], &[0.0, 1.0, 2.0][..]), "a duplicate is a neighbor");
    let graph = oracle::query(points(&x), points(&[1.0]), 4);
    assert_eq!(graph.row(0), (&[1, 3, 0, 2][..], &[0.0, 0.0, 1.0, 2.0][..]), "a query finds its equal");
    let d2 = oracle::squared_distances(points(&x));
    assert_eq!(d2.row(2), [9.0, 4.0, 0.0, 4.0], "squared distances");
    let backwards = oracle::knn_by(points(&x), 1, |a, b| 10.0 - oracle::euclidean(a, b));
    assert_eq!(backwards.neighbors(), [2, 2, 0, 2], "another distance");
}

#[test]
fn compensated_sums_keep_what_cancels() {
    assert_eq!(oracle::sum([1.0, 1e100, 1.0, -1e100]), 2.0, "Neumaier's example");
    assert_eq!(oracle::sum(std::iter::repeat_n(0.1, 1_000_000)), 100_000.0, "a tenth a million times");
}

#[test]
fn matrices_and_their_sparse_form_are_the_same() {
    let matrix = Matrix::from_fn(3, 4, |i, j| if (i + j) % 3 == 0 { 0.0 } else { (i * 4 + j) as f64 });
    let sparse = matrix.to_csr::<f64>();
    assert_eq!((sparse.n_rows(), sparse.n_columns(), sparse.n_entries()), (3, 4, 8), "shape");
    assert_eq!(oracle::dense(&sparse), matrix, "there and back");
    assert_eq!((matrix.n_rows(), matrix.n_columns(), matrix.at(1, 3)), (3, 4, 7.0), "shape and an entry");
}

/// 4 G against differences of KL. At step 1e-3 both the terms left out and the rounding of KL stay below 1e-11 of a
/// gradient of order 0.1.
fn gradient_is_a_quarter_of_the_derivative<const D: usize>(dof: f64) {
    let y = data::map::<f64, D>(Seed(5), 12, 4.0);
    let x = data::blobs(Seed(6), 12, 3, 2);
    let p = oracle::joint_probabilities(&oracle::knn(x.points(), 11), 4.0).to_csr::<f64>();
    let differences = finite_diff::kl_gradient(kernel(dof), &p, &y, 1e-3);
    let analytic =
        oracle::gradient(kernel(dof), &p, &y, 1.0).iter().map(|g| g.map(|g| 4.0 * g)).collect::<Vec<_>>();
    let error = relative_l2(&analytic, &differences);
    assert!(error < 1e-10, "D = {D}, dof {dof}: 4 G is off the derivative of KL by {error:e}");

    let sources = data::map::<f64, D>(Seed(7), 21, 4.0);
    let p = Matrix::from_fn(12, 21, |i, j| if (i + j) % 3 == 0 { 1.0 / 7.0 } else { 0.0 }).to_csr::<f64>();
    let of_row = |y: &[[f64; D]]| oracle::reference_kl_divergence(kernel(dof), &p, &sources, y).iter().sum();
    let differences = finite_diff::central_differences(&y, 1e-3, of_row);
    let analytic = oracle::reference_gradient(kernel(dof), &p, &sources, &y, 1.0);
    let analytic = analytic.iter().map(|g| g.map(|g| 2.0 * g)).collect::<Vec<_>>();
    let error = relative_l2(&analytic, &differences);
    assert!(error < 1e-10, "D = {D}, dof {dof}: 2 G is off the derivative of a row's KL by {error:e}");
}

#[test]
fn gradients_match_central_differences() {
    for dof in [0.5, 1.0, 2.0, 7.0] {
        gradient_is_a_quarter_of_the_derivative::<1>(dof);
        gradient_is_a_quarter_of_the_derivative::<2>(dof);
        gradient_is_a_quarter_of_the_derivative::<3>(dof);
    }
}

#[test]
fn exaggeration_multiplies_the_attraction_alone() {
    let y = data::map::<f64, 2>(Seed(8), 15, 3.0);
    let x = data::blobs(Seed(9), 15, 3, 2);
    let p = oracle::joint_probabilities(&oracle::knn(x.points(), 14), 4.0).to_csr::<f64>();
    let at = |e: f64| oracle::gradient(kernel(1.0), &p, &y, e);
    let (g0, g1, g5) = (at(0.0), at(1.0), at(5.0));
    let want: Vec<f64> =
        g0.as_flattened().iter().zip(g1.as_flattened()).map(|(g0, g1)| g0 + 5.0 * (g1 - g0)).collect();
    assert_close(g5.as_flattened(), &want, 0.0, 1e-15, "G is affine in the exaggeration");
    let field = oracle::repulsion(kernel(1.0), &y);
    let want: Vec<f64> = field.forces.as_flattened().iter().map(|f| -f / field.normalizer).collect();
    assert_close(g0.as_flattened(), &want, TINY, 0.0, "G without attraction");
}

#[test]
fn the_differences_of_a_quartic_are_exact() {
    // The stencil leaves out fifth derivatives only; what is left is rounding, of 1e-16 / 1e-3.
    let f = |y: &[[f64; 2]]| y[0][0].powi(4) - 3.0 * y[0][0] * y[1][1].powi(2);
    let got = finite_diff::central_differences(&[[1.5, 9.0], [0.0, -2.0]], 1e-3, f);
    assert_close(got.as_flattened(), &[13.5 - 12.0, 0.0, 0.0, 18.0], 0.0, 1e-11, "gradient");
}

/// Both sides round s once, which its exponent multiplies, and ν + 1 once, which |ln s| ≤ 21 multiplies.
fn core_kernel_is_the_oracles(dof: f64) {
    for d in [0.0, 1e-9, 0.1, 1.0, 3.0, 1e4] {
        let want = oracle::reference_field(kernel(dof), &[[0.0]], &[[d]]);
        let kernel = kernel(dof);
        let rel = f64::EPSILON * (4.0 + dof) * 8.0;
        assert_close_value(kernel.similarity(d * d), want.normalizers[0], rel, 0.0, "w");
        assert_close_value(kernel.repulsion(d * d) * d, want.forces[0][0], rel, 0.0, "s^(ν+1) d");
    }
}

#[test]
fn the_kernel_of_the_core_is_the_oracles() {
    for dof in [0.1, 0.5, 1.0, 2.0, 30.0] {
        core_kernel_is_the_oracles(dof);
    }
}

#[test]
fn narrow_positions_are_widened_exactly() {
    let y: Vec<[f32; 2]> = data::map(Seed(10), 40, 9.0);
    let wide = oracle::widened(&y);
    assert_eq!(oracle::repulsion(kernel(1.0), &y), oracle::repulsion(kernel(1.0), &wide), "f32 against f64");
    assert_eq!(wide[7][1], y[7][1].to_f64(), "one coordinate");
}
