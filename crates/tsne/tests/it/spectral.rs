//! Spectral initialization against a dense eigensolver, on graphs whose spectrum is known to be awkward.

use nalgebra::{DMatrix, SymmetricEigen};
use tsne::core::{Control, ShapeError, Tick};
use tsne::init::{self, Spectral, SpectralFallback};
use tsne::{Csr, Error, Seed};
use tsne_testkit::{data, threads};

/// The matrix of these weights, those of 0 left out, divided by their sum.
fn affinities(n: usize, weight: impl Fn(usize, usize) -> f64) -> Csr<f64> {
    let (mut offsets, mut columns, mut values) = (vec![0], Vec::new(), Vec::new());
    for i in 0..n {
        for (j, column) in (0..n).zip(0..) {
            let w = weight(i, j);
            if w > 0.0 && i != j {
                columns.push(column);
                values.push(w);
            }
        }
        offsets.push(columns.len());
    }
    let total: f64 = values.iter().sum::<f64>().max(f64::MIN_POSITIVE);
    values.iter_mut().for_each(|w| *w /= total);
    Csr::from_parts(n, offsets, columns, values).expect("sorted columns")
}

fn path(n: usize) -> Csr<f64> {
    affinities(n, |i, j| f64::from(u8::from(i.abs_diff(j) == 1)))
}

/// Gaussian weights of a set of points, cut off where they are small.
fn gaussian(set: &data::DataSet, width: f64) -> Csr<f64> {
    affinities(set.n_points(), |i, j| {
        let d2: f64 = set.row(i).iter().zip(set.row(j)).map(|(a, b)| (a - b) * (a - b)).sum();
        let w = (-d2 / (2.0 * width * width)).exp();
        if w > 1e-4 { w } else { 0.0 }
    })
}

fn spectral<const D: usize>(p: &Csr<f64>) -> Spectral<f64, D> {
    let found = init::spectral(p, Seed(5), &Control::NONE).expect("a square matrix");
    assert_eq!(found.positions.len(), p.n_rows(), "one position a point");
    assert!(found.positions.iter().flatten().all(|v| v.is_finite()), "positions are finite");
    found
}

/// Eigenvalues of D^-1/2 P D^-1/2, largest first, and D^-1/2 times its eigenvectors.
fn dense(p: &Csr<f64>) -> (Vec<f64>, DMatrix<f64>) {
    let n = p.n_rows();
    let degree: Vec<f64> = (0..n).map(|i| p.row(i).1.iter().sum()).collect();
    let mut matrix = DMatrix::zeros(n, n);
    for i in 0..n {
        for (&j, value) in p.row(i).0.iter().zip(p.row(i).1) {
            matrix[(i, j as usize)] = value / (degree[i] * degree[j as usize]).sqrt();
        }
    }
    let eigen = SymmetricEigen::try_new(matrix, f64::EPSILON, 0).expect("a small matrix");
    let mut order: Vec<usize> = (0..n).collect();
    order.sort_by(|&a, &b| eigen.eigenvalues[b].total_cmp(&eigen.eigenvalues[a]));
    let vectors = DMatrix::from_fn(n, n, |i, k| eigen.eigenvectors[(i, order[k])] / degree[i].sqrt());
    (order.iter().map(|&k| eigen.eigenvalues[k]).collect(), vectors)
}

fn correlation(a: &[f64], b: &[f64]) -> f64 {
    let centered = |x: &[f64]| {
        #[allow(clippy::cast_precision_loss, reason = "few points")]
        let mean = x.iter().sum::<f64>() / x.len() as f64;
        x.iter().map(|v| v - mean).collect::<Vec<f64>>()
    };
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    let (a, b) = (centered(a), centered(b));
    dot(&a, &b) / (dot(&a, &a) * dot(&b, &b)).sqrt()
}

fn column<const D: usize>(y: &[[f64; D]], d: usize) -> Vec<f64> {
    y.iter().map(|y| y[d]).collect()
}

/// A connected graph whose leading eigenvalues are all different lies on its eigenvectors.
fn check(name: &str, p: &Csr<f64>) {
    let (values, vectors) = dense(p);
    let found = spectral::<3>(p);
    assert_eq!((found.n_connected, found.fallback), (1, None), "{name}: connected and exact");
    for d in 0..3 {
        let (got, want) = (found.eigenvalues[d], values[d + 1]);
        assert!((got - want).abs() < 1e-9, "{name}: eigenvalue {d} is {got}, expected {want}");
        let vector: Vec<f64> = vectors.column(d + 1).iter().copied().collect();
        let r = correlation(&column(&found.positions, d), &vector).abs();
        // Jitter is what the correlation may lack: 1 - r² is the square of its share, with some slack for chance.
        let jitter = 1e-6 / std(&found.positions, d);
        assert!(1.0 - r * r < 2.0 * jitter * jitter, "{name}: axis {d} correlates by {r}, jitter {jitter}");
    }
    let std = std(&found.positions, 0);
    assert!((std / 1e-4 - 1.0).abs() < 0.01, "{name}: standard deviation {std}");
}

#[allow(clippy::cast_precision_loss, reason = "few points")]
fn std<const D: usize>(y: &[[f64; D]], d: usize) -> f64 {
    let n = y.len() as f64;
    let mean = y.iter().map(|y| y[d]).sum::<f64>() / n;
    (y.iter().map(|y| (y[d] - mean).powi(2)).sum::<f64>() / n).sqrt()
}

#[test]
fn connected_graphs_lie_on_their_eigenvectors() {
    // On both sides of the size up to which the matrix is decomposed whole.
    for n in [4, 50, 128, 129, 300] {
        check(&format!("path of {n}"), &path(n));
    }
    check("blobs that touch", &gaussian(&data::blobs(Seed(9), 100, 2, 4), 6.0));
    check("many blobs that touch", &gaussian(&data::blobs(Seed(9), 280, 2, 4), 6.0));
    check("a stretched cloud", &gaussian(&data::swiss_roll(Seed(2), 250, 0.0), 8.0));
}

#[test]
fn repeated_eigenvalues_give_some_of_their_vectors() {
    for n in [5, 40, 200] {
        let complete = affinities(n, |_, _| 1.0);
        let star = affinities(n, |i, j| f64::from(u8::from(i == 0 || j == 0)));
        #[allow(clippy::cast_precision_loss, reason = "few points")]
        let of_complete = -1.0 / (n - 1) as f64;
        for (name, p, eigenvalue) in [("complete", complete, of_complete), ("star", star, 0.0)] {
            let found = spectral::<2>(&p);
            assert_eq!(found.fallback, None, "{name} graph of {n}");
            for got in &found.eigenvalues {
                assert!((got - eigenvalue).abs() < 1e-9, "{name} graph of {n}: {got} for {eigenvalue}");
            }
            assert!((std(&found.positions, 0) / 1e-4 - 1.0).abs() < 0.05, "{name} graph of {n} has extent");
        }
    }
}

#[test]
fn components_are_laid_out_each_by_its_own() {
    // A path of 200, a path of 60, a pair, and two isolated points, interleaved nowhere.
    let starts = [0, 200, 260, 262, 263, 264];
    let part = |i: usize| starts.iter().rposition(|&start| start <= i).expect("the first starts at 0");
    let p = affinities(264, |i, j| f64::from(u8::from(i.abs_diff(j) == 1 && part(i) == part(j))));
    let found = spectral::<2>(&p);
    assert_eq!((found.n_connected, found.fallback), (5, None), "five components");
    let (values, vectors) = dense(&path(200));
    assert!((found.eigenvalues[0] - values[1]).abs() < 1e-9, "eigenvalues of the largest");
    let own = column(&found.positions[..200], 0);
    let vector: Vec<f64> = vectors.column(1).iter().copied().collect();
    assert!(correlation(&own, &vector).abs() > 0.995, "the largest lies on its own eigenvectors");
    let (_, vectors) = dense(&path(60));
    let vector: Vec<f64> = vectors.column(1).iter().copied().collect();
    // The smaller path is half as long, so the jitter counts twice.
    let r = correlation(&column(&found.positions[200..260], 0), &vector).abs();
    assert!(r > 0.98, "the second lies on its own: {r}");
    #[allow(clippy::cast_precision_loss, reason = "few points")]
    let mean = |range: std::ops::Range<usize>, d: usize| {
        let n = range.len() as f64;
        found.positions[range].iter().map(|y| y[d]).sum::<f64>() / n
    };
    let centers: Vec<[f64; 2]> = starts.windows(2).map(|w| [0, 1].map(|d| mean(w[0]..w[1], d))).collect();
    for (i, a) in centers.iter().enumerate() {
        for b in &centers[..i] {
            let apart = ((a[0] - b[0]).powi(2) + (a[1] - b[1]).powi(2)).sqrt();
            // Places lie apart by the radius of the smaller at least; jitter is a hundredth of the whole.
            assert!(apart > 1e-5, "components {i} and another are {apart:e} apart: {centers:?}");
        }
    }
}

#[test]
fn there_is_always_a_result() {
    let isolated = Csr::from_parts(6, vec![0; 7], vec![], vec![]).expect("no entries");
    let found = spectral::<2>(&isolated);
    assert_eq!((found.n_connected, found.fallback), (6, None), "isolated points are set side by side");
    for n in [0, 1] {
        let found = spectral::<2>(&Csr::from_parts(n, vec![0; n + 1], vec![], vec![]).expect("no entries"));
        assert_eq!(found.fallback, Some(SpectralFallback::NoExtent), "{n} points");
        assert_eq!(found.positions, init::random::<f64, 2>(n, Seed(5)), "{n} points start at random");
    }
    let pair = spectral::<3>(&path(2));
    assert!(pair.positions[0][0] * pair.positions[1][0] < 0.0, "two points on either side");
    for bad in [f64::NAN, f64::INFINITY, -1.0, f64::MAX] {
        let p =
            Csr::from_parts(3, vec![0, 2, 4, 6], vec![1, 2, 0, 2, 0, 1], vec![bad; 6]).expect("six entries");
        let found = spectral::<2>(&p);
        assert_eq!(found.fallback, Some(SpectralFallback::NotAffinities), "{bad}");
        assert_eq!(found.positions, init::random::<f64, 2>(3, Seed(5)), "{bad}");
    }
    // The first eigenvalues of a long path differ by 1e-6, less than can be told apart in the time given.
    let long = 4_000_u32;
    let (mut offsets, mut columns) = (vec![0], Vec::new());
    for i in 0..long {
        columns.extend([i.wrapping_sub(1), i + 1].into_iter().filter(|&j| j < long));
        offsets.push(columns.len());
    }
    let n = offsets.len() - 1;
    let values = vec![1.0; columns.len()];
    let found = spectral::<1>(&Csr::from_parts(n, offsets, columns, values).expect("a path"));
    assert_eq!(found.n_connected, 1, "a path");
    match found.fallback {
        None => assert!(found.residual <= 1e-4, "{}", found.residual),
        Some(SpectralFallback::NotConverged { residual }) => assert!(residual > 1e-4, "{residual}"),
        other => panic!("a path has extent: {other:?}"),
    }
    let oblong = Csr::from_parts(3, vec![0, 0], vec![], vec![]).expect("one row of three columns");
    let error = init::spectral::<f64, 2>(&oblong, Seed(1), &Control::NONE).expect_err("not square");
    assert!(matches!(error, Error::Shape(ShapeError::LengthMismatch { .. })), "{error}");
    let stop = |_: Tick| std::ops::ControlFlow::Break(());
    let error =
        init::spectral::<f64, 2>(&path(200), Seed(1), &Control::new(&stop)).expect_err("told to stop");
    assert!(matches!(error, Error::Interrupted { .. }), "{error}");
}

#[test]
fn threads_do_not_change_a_bit() {
    // Rows of more than several chunks, in one large component and many small ones.
    let part = |i: usize| if i < 4600 { i / 4600 } else { 1 + (i - 4600) / 40 };
    let (mut offsets, mut columns) = (vec![0], Vec::new());
    for i in 0..5000_usize {
        let near = (i.saturating_sub(30)..(i + 31).min(5000)).filter(|&j| j != i && part(i) == part(j));
        columns.extend(near.map(|j| u32::try_from(j).expect("below 5000")));
        offsets.push(columns.len());
    }
    let values = vec![1.0_f32; columns.len()];
    let p = Csr::from_parts(5000, offsets, columns, values).expect("bands");
    threads::assert_thread_invariant("spectral", || {
        init::spectral::<f32, 2>(&p, Seed(1), &Control::NONE).expect("a square matrix").positions
    });
}
