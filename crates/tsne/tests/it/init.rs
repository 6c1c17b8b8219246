//! Initial positions: small, seeded, and along the true principal axes.

use nalgebra::{DMatrix, SymmetricEigen};
use tsne::{Points, Scalar, Seed, core::Control, init};
use tsne_testkit::data;

fn std<T: Scalar, const D: usize>(y: &[[T; D]], d: usize) -> f64 {
    #[allow(clippy::cast_precision_loss, reason = "few points")]
    let n = y.len() as f64;
    let mean = y.iter().map(|y| y[d].to_f64()).sum::<f64>() / n;
    (y.iter().map(|y| (y[d].to_f64() - mean).powi(2)).sum::<f64>() / n).sqrt()
}

fn pca<T: Scalar, const D: usize>(points: Points<'_, T>) -> Vec<[T; D]> {
    init::pca(points, Seed(3), &Control::NONE).expect("nobody interrupts")
}

/// Correlation of each column with the scores on the axes that a dense eigensolver finds.
fn correlations<const D: usize>(points: Points<'_, f64>, y: &[[f64; D]]) -> [f64; D] {
    let (n, p) = (points.n_points(), points.n_features());
    let mut x = DMatrix::zeros(n, p);
    let mut row = vec![0.0; p];
    for i in 0..n {
        points.copy_row(i, &mut row);
        x.row_mut(i).copy_from_slice(&row);
    }
    for mut column in x.column_iter_mut() {
        let mean = column.mean();
        column.add_scalar_mut(-mean);
    }
    let eigen = SymmetricEigen::try_new(x.transpose() * &x, f64::EPSILON, 0).expect("a small matrix");
    let mut order: Vec<usize> = (0..p).collect();
    order.sort_by(|&a, &b| eigen.eigenvalues[b].total_cmp(&eigen.eigenvalues[a]));
    std::array::from_fn(|d| {
        let scores = &x * eigen.eigenvectors.column(order[d]);
        let column = DMatrix::from_fn(n, 1, |i, _| y[i][d]);
        scores.dot(&column) / (scores.norm() * column.norm())
    })
}

#[test]
fn random_positions_are_small_and_follow_the_seed() {
    let y: Vec<[f64; 2]> = init::random(2000, Seed(1));
    assert_eq!(y, init::random::<f64, 2>(2000, Seed(1)), "same seed");
    assert_ne!(y, init::random::<f64, 2>(2000, Seed(2)), "other seed");
    for d in 0..2 {
        // The standard deviation of 2 000 normal numbers scatters by 1.6 %.
        assert!((std(&y, d) / 1e-4 - 1.0).abs() < 0.08, "axis {d}: {}", std(&y, d));
    }
}

#[test]
fn pca_finds_the_principal_axes() {
    for (name, set) in [
        ("digits", data::digits()),
        ("iris", data::iris()),
        ("blobs, more features than points", data::blobs(Seed(5), 60, 200, 6)),
        ("blobs", data::blobs(Seed(6), 500, 30, 4)),
    ] {
        let y: Vec<[f64; 3]> = pca(set.points());
        // The jitter of 1 % adds that much times its chance correlation with the column, some 1 / sqrt(n).
        assert!(
            (std(&y, 0) / 1e-4 - 1.0).abs() < 5e-3,
            "{name}: first column has standard deviation {}",
            std(&y, 0)
        );
        for (d, r) in correlations(set.points(), &y).into_iter().enumerate() {
            // Jitter of 1 % of the first column, against a column that may be smaller.
            assert!(r.abs() > 0.995, "{name}: axis {d} correlates by {r}");
        }
    }
}

#[test]
fn pca_does_not_depend_on_magnitude_offset_or_kind() {
    let set = data::digits();
    let plain: Vec<[f64; 2]> = pca(set.points());
    for (scale, offset) in [(2.0_f64.powi(500), 0.0), (2.0_f64.powi(-500), 0.0), (1.0, 1024.0)] {
        let moved: Vec<f64> = set.values.iter().map(|x| x * scale + offset).collect();
        let moved: Vec<[f64; 2]> = pca(Points::from_row_major(&moved, 64).expect("rectangular"));
        for (a, b) in plain.iter().flatten().zip(moved.iter().flatten()) {
            assert!((a - b).abs() < 1e-9, "scale {scale:e}, offset {offset}: {a} became {b}");
        }
    }
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "pixels are whole and below 17"
    )]
    let bytes: Vec<u8> = set.values.iter().map(|&x| x as u8).collect();
    let from_bytes: Vec<[f64; 2]> = pca(Points::from_bytes(&bytes, 64).expect("rectangular"));
    assert_eq!(from_bytes, plain, "bytes against numbers");
}

#[test]
fn axes_beyond_the_rank_get_jitter_alone() {
    let line: Vec<[f64; 3]> = pca(data::collinear(50, 4).points());
    assert!(std(&line, 0) > 0.99e-4, "the line");
    for d in 1..3 {
        assert!((0.5e-6..2e-6).contains(&std(&line, d)), "axis {d} of a line: {}", std(&line, d));
    }
    let one_feature: Vec<[f32; 2]> =
        pca(Points::from_row_major(&[1.0_f32, 2.0, 4.0, 8.0], 1).expect("a column"));
    assert!(std(&one_feature, 0) > 0.9e-4 && std(&one_feature, 1) > 0.0, "one feature: {one_feature:?}");
    let constant: Vec<[f64; 2]> = pca(data::identical(40, 3).points());
    assert_eq!(constant, init::random::<f64, 2>(40, Seed(3)), "constant data start at random");
}
