//! Principal components against the definition: eigenvectors of the covariance, whatever the kind and shape of points.

use nalgebra::{DMatrix, SymmetricEigen};
use tsne::core::{Control, ShapeError, Tick};
use tsne::{Csr, Error, Points, Scalar, Seed, pca};
use tsne_testkit::{close, data, threads};

fn components<T: Scalar>(points: Points<'_, T>, k: usize) -> pca::Principal<T> {
    pca::components(points, k, Seed(3), &Control::NONE).expect("legal points")
}

/// Centered points, one a row.
fn centered<T: Scalar>(points: Points<'_, T>) -> DMatrix<f64> {
    let (n, p) = (points.n_points(), points.n_features());
    let (mut x, mut row) = (DMatrix::zeros(n, p), vec![T::default(); p]);
    for i in 0..n {
        points.copy_row(i, &mut row);
        x.row_mut(i).iter_mut().zip(&row).for_each(|(x, v)| *x = v.to_f64());
    }
    for mut column in x.column_iter_mut() {
        let mean = column.mean();
        column.add_scalar_mut(-mean);
    }
    x
}

fn sparse(set: &data::DataSet) -> Csr<f64> {
    let (mut offsets, mut columns, mut values) = (vec![0], Vec::new(), Vec::new());
    for i in 0..set.n_points() {
        for (column, &x) in (0..).zip(set.row(i)) {
            if x != 0.0 {
                columns.push(column);
                values.push(x);
            }
        }
        offsets.push(columns.len());
    }
    Csr::from_parts(set.n_features, offsets, columns, values).expect("sorted columns")
}

/// Every promise of [`pca::components`] for `k` components of these points.
#[allow(clippy::cast_precision_loss, reason = "small counts")]
fn check(name: &str, points: Points<'_, f64>, k: usize) {
    let x = centered(points);
    let (n, p) = x.shape();
    // The smaller of the two products has the same eigenvalues.
    let small = if n < p { &x * x.transpose() } else { x.transpose() * &x };
    let eigen = SymmetricEigen::try_new(small, f64::EPSILON, 0).expect("a small matrix");
    let mut expected: Vec<f64> = eigen.eigenvalues.iter().map(|v| v / (n - 1) as f64).collect();
    expected.sort_by(|a, b| b.total_cmp(a));

    let principal = components(points, k);
    assert_eq!(principal.n_components(), k, "{name}");
    let variances = principal.explained_variance();
    // The error of a variance is the square of the residual, 1e-8, over a gap; 1e-9 of the largest holds it.
    close::assert_close(&variances, &expected[..k], 0.0, 1e-9 * expected[0], name);
    let total: f64 = expected.iter().sum();
    let shares: Vec<f64> = expected[..k].iter().map(|v| v / total).collect();
    close::assert_close(&principal.explained_variance_ratio(), &shares, 1e-9, 1e-9, name);

    let axes = DMatrix::from_row_slice(k, p, principal.axes());
    let rank = variances.iter().filter(|v| **v > 0.0).count();
    let products = &axes * axes.transpose();
    for i in 0..k {
        for j in 0..k {
            let want = f64::from(u8::from(i == j && i < rank));
            assert!(
                (products[(i, j)] - want).abs() < 1e-11,
                "{name}: axes {i} and {j}: {}",
                products[(i, j)]
            );
        }
    }
    let scores = &x * axes.transpose();
    let got: Vec<f64> = (0..k * n).map(|at| scores[(at / k, at % k)]).collect();
    let largest = got.iter().fold(0.0_f64, |m, s| m.max(s.abs()));
    close::assert_close(principal.scores(), &got, 1e-11, 1e-11 * largest, name);
    for (axis, variance) in axes.row_iter().zip(&variances).take(rank) {
        let image = (&x * axis.transpose()).transpose() * &x / (n - 1) as f64;
        let residual = (image - axis * *variance).norm();
        assert!(residual <= 1e-7 * variances[0], "{name}: residual {residual:e} of {:e}", variances[0]);
        let largest = axis.iter().fold(0.0_f64, |m, v| if v.abs() > m.abs() { *v } else { m });
        assert!(largest > 0.0, "{name}: the largest entry of an axis is positive, got {largest}");
    }
}

#[test]
fn components_are_eigenvectors_of_the_covariance() {
    let digits = data::digits();
    check("digits", digits.points(), 30);
    check("all components of iris", data::iris().points(), 4);
    check("one component", data::blobs(Seed(1), 300, 20, 4).points(), 1);
    check("fewer points than features", data::blobs(Seed(2), 60, 200, 6).points(), 20);
    check("as many components as points", data::blobs(Seed(2), 40, 90, 6).points(), 40);
    check("a covariance too large to be decomposed whole", data::blobs(Seed(4), 600, 450, 7).points(), 20);
    check(
        "features that are no multiple of a panel, by passes",
        data::blobs(Seed(5), 700, 517, 5).points(),
        3,
    );
    let digits_sparse = sparse(&digits);
    check("sparse digits", Points::from_csr(&digits_sparse).expect("a matrix"), 30);
    let far: Vec<f64> = digits.values.iter().map(|x| x + 1e6).collect();
    check("far from the origin", Points::from_row_major(&far, 64).expect("rectangular"), 10);
}

#[test]
fn equal_variances_are_all_found() {
    // One-hot rows: the variance is the same in every direction but one, in which it is 0.
    let n = 420;
    let one_hot = Csr::from_parts(n, (0..=n).collect(), (0..).take(n).collect(), vec![1.0; n])
        .expect("one entry a row");
    let mut dense = vec![0.0; n * n];
    dense.iter_mut().step_by(n + 1).for_each(|x| *x = 1.0);
    let dense = Points::from_row_major(&dense, n).expect("rectangular");
    for (name, points) in [("sparse", Points::from_csr(&one_hot).expect("a matrix")), ("dense", dense)] {
        check(name, points, 40);
    }
}

#[test]
fn axes_beyond_the_rank_are_zero() {
    let line = components(data::collinear(50, 4).points(), 3);
    assert!(line.explained_variance()[0] > 0.0, "the line");
    assert!(line.axes()[4..].iter().all(|v| *v == 0.0), "no other axis: {:?}", line.axes());
    assert!(line.scores().chunks_exact(3).all(|row| row[1] == 0.0 && row[2] == 0.0), "no other score");
    let constant = components(data::identical(40, 3).points(), 2);
    assert!(constant.scores().iter().chain(constant.axes()).all(|v| *v == 0.0), "nothing varies");
    assert_eq!(constant.explained_variance_ratio(), [0.0; 2], "nothing is explained");
    let one = components(Points::from_row_major(&[1.0_f32, 2.0], 2).expect("a row"), 1);
    assert_eq!(one.scores(), [0.0], "one point");
}

#[test]
fn points_project_to_their_scores_one_by_one() {
    let digits = data::digits();
    let digits_sparse = sparse(&digits);
    for points in [digits.points(), Points::from_csr(&digits_sparse).expect("a matrix")] {
        let principal = components(points, 20);
        close::assert_same_bits(
            &principal.project(points).expect("the same")[..],
            principal.scores(),
            "all at once",
        );
    }
    let principal = components(digits.points(), 20);
    for i in [0, 5, 1796] {
        let one =
            principal.project(Points::from_row_major(digits.row(i), 64).expect("a row")).expect("a row");
        close::assert_same_bits(&one[..], &principal.scores()[20 * i..20 * (i + 1)], "one by one");
    }
    let error = principal.project(data::iris().points()).expect_err("4 features are not 64");
    assert!(
        matches!(error, Error::Shape(ShapeError::LengthMismatch { expected: 64, got: 4, .. })),
        "{error}"
    );
}

#[test]
fn units_and_kinds_change_nothing() {
    let digits = data::digits();
    let plain = components(digits.points(), 5);
    for power in [500, -500] {
        let unit = 2.0_f64.powi(power);
        let moved: Vec<f64> = digits.values.iter().map(|x| x * unit).collect();
        let moved = components(Points::from_row_major(&moved, 64).expect("rectangular"), 5);
        let back: Vec<f64> = moved.scores().iter().map(|x| x / unit).collect();
        close::assert_same_bits(&back[..], plain.scores(), "another unit");
        assert!(moved.explained_variance().iter().all(|v| v.is_finite()), "bounded variances");
    }
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "pixels are whole and below 17"
    )]
    let bytes: Vec<u8> = digits.values.iter().map(|&x| x as u8).collect();
    let from_bytes = components(Points::<f64>::from_bytes(&bytes, 64).expect("rectangular"), 5);
    assert_eq!(from_bytes, plain, "bytes");
}

#[test]
fn threads_do_not_change_a_bit() {
    // More rows than several blocks and parts.
    let tall = data::blobs(Seed(7), 6000, 70, 6);
    let wide = data::blobs(Seed(8), 500, 600, 6);
    let tall_sparse = sparse(&tall.clone().first(3000));
    for (what, points, k) in [
        ("covariance", tall.points(), 20),
        ("passes", wide.points(), 3),
        ("sparse", Points::from_csr(&tall_sparse).expect("a matrix"), 10),
    ] {
        threads::assert_thread_invariant(what, || {
            let principal = components(points, k);
            [principal.axes().to_vec(), principal.explained_variance(), principal.into_scores()].concat()
        });
    }
}

#[test]
fn what_cannot_be_is_refused() {
    let iris = data::iris();
    for k in [0, 5, usize::MAX] {
        let error =
            pca::components(iris.points(), k, Seed(1), &Control::NONE).expect_err("iris has 4 features");
        assert!(matches!(error, Error::Parameter { name: "n_components", .. }), "{k}: {error}");
    }
    let bad = [1.0, f64::NAN, 2.0, 3.0];
    let bad = Points::from_row_major(&bad, 2).expect("rectangular");
    let error = pca::components(bad, 1, Seed(1), &Control::NONE).expect_err("a missing value");
    assert!(matches!(&error, Error::NonFinite { first, .. } if first[0].column == 1), "{error}");
    // Two points at opposite corners of the range of f32 lie farther apart than it reaches.
    let huge = [f32::MAX, f32::MAX, -f32::MAX, -f32::MAX];
    let error =
        pca::components(Points::from_row_major(&huge, 2).expect("rectangular"), 1, Seed(1), &Control::NONE);
    assert!(matches!(error, Err(Error::NonFinite { .. })), "{error:?}");
    let stop = |_: Tick| std::ops::ControlFlow::Break(());
    for set in [iris, data::blobs(Seed(1), 20, 50, 3)] {
        let error =
            pca::components(set.points(), 2, Seed(1), &Control::new(&stop)).expect_err("told to stop");
        assert!(matches!(error, Error::Interrupted { .. }), "{error}");
    }
}
