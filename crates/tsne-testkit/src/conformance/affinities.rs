//! Conformance of `Affinities` and `ToNew`.

use tsne_core::{Affinities, Control, Csr, NeighborQuery, NewAffinities, NewRows, Points, Scalar, ToNew};

use super::{check_interruption, check_refused};
use crate::close::{assert_close_value, assert_same_bits};
use crate::oracle;
use crate::threads::assert_thread_invariant;

/// Checks that `affinities` are a joint distribution: square, every row in order, values finite and not negative,
/// nothing on the diagonal, symmetric to a few roundings of `T`, summing to 1; and that giving the whole matrix away
/// gives the rows.
///
/// Pass `&affinities` to keep them.
///
/// # Panics
/// With the first promise that is broken.
pub fn check_affinities<T: Scalar>(affinities: impl Affinities<T>) {
    let n = affinities.n_points();
    assert_eq!(affinities.n_references(), n, "a joint distribution is square");
    check_rows(&affinities);
    let roundings = 16.0 * T::EPSILON.to_f64();
    let value = |i: usize, j: u32| {
        let row = affinities.row(i);
        row.columns.binary_search(&j).map_or(0.0, |at| row.values[at].to_f64())
    };
    let mut total = oracle::Sum::default();
    for i in 0..n {
        let row = affinities.row(i);
        for (&j, p) in row.columns.iter().zip(row.values) {
            let p = p.to_f64();
            total.add(p);
            assert!(j as usize != i || p == 0.0, "row {i}: {p:e} on the diagonal, must be 0");
            let back = value(j as usize, u32::try_from(i).expect("columns are u32"));
            assert!(
                (p - back).abs() <= roundings * p.max(back),
                "p[{i}, {j}] is {p:e}, but p[{j}, {i}] is {back:e}"
            );
        }
    }
    if n > 0 {
        assert_close_value(total.value(), 1.0, roundings, 0.0, "the sum of all affinities");
    }
    check_into_csr(affinities);
}

/// Checks that `affinities` have one distribution a row, as for new points: every row in order, values finite and not
/// negative, and summing to 1; and that giving the whole matrix away gives the rows.
///
/// # Panics
/// With the first promise that is broken.
pub fn check_new_rows<T: Scalar>(affinities: impl Affinities<T>) {
    check_rows(&affinities);
    for i in 0..affinities.n_points() {
        let total = oracle::sum(affinities.row(i).values.iter().map(|p| p.to_f64()));
        assert_close_value(total, 1.0, 16.0 * T::EPSILON.to_f64(), 0.0, &format!("the sum of row {i}"));
    }
    check_into_csr(affinities);
}

/// Checks the rows that `affinities` give for `points` on `request`, `index` holding the points they were built on.
///
/// The rows are what [`check_new_rows`] asks, as many as points and as wide as the reference; the neighbors returned
/// are legal and at least `min_neighbors` where so many points exist, for several values of it, and the rows do not
/// depend on it; one by one equals all at once, bit for bit; so do 1, 2, 3 and 8 threads; no points are no rows; a
/// wrong number of features and NaN are refused; progress and interruption.
///
/// # Panics
/// With the first promise that is broken, or if there are fewer than two points.
pub fn check_to_new<T: Scalar>(
    affinities: &dyn ToNew<T>,
    index: &dyn NeighborQuery<T>,
    points: Points<'_, T>,
    request: &NewRows,
) {
    let (n, n_references) = (points.n_points(), affinities.n_points());
    assert!(n > 1, "the check needs several new points, got {n}");
    let ask = |points: Points<'_, T>, request: &NewRows| {
        let new = affinities.to_new(index, points, request, &Control::NONE);
        new.unwrap_or_else(|error| panic!("rows for {} new points: {error}", points.n_points()))
    };
    let all = ask(points, request);
    check_shape(&all, n, n_references, request);
    check_new_rows(&all.rows);
    for min_neighbors in [1, 25, n_references, n_references + 1] {
        let mut more = request.clone();
        more.min_neighbors = min_neighbors;
        let new = ask(points, &more);
        check_shape(&new, n, n_references, &more);
        assert_same_bits(&new.rows, &all.rows, "rows with another min_neighbors");
    }

    let n_features = points.n_features();
    let mut values = vec![T::default(); n * n_features];
    for (i, row) in values.chunks_exact_mut(n_features).enumerate() {
        points.copy_row(i, row);
    }
    for (i, row) in values.chunks_exact(n_features).enumerate() {
        let one = ask(dense(row, n_features), request);
        let what = format!("new point {i}: alone against all at once");
        assert_same_bits(&wide(one.rows.row(0)), &wide(all.rows.row(i)), &what);
        assert_same_bits(&wide(one.neighbors.row(0)), &wide(all.neighbors.row(i)), &what);
    }
    assert_thread_invariant("rows for new points", || {
        let new = ask(points, request);
        (new.rows, new.neighbors)
    });

    let none = ask(dense(&[], n_features), request);
    assert_eq!(none.rows.n_rows(), 0, "rows for no points");
    let refused = |what: &str, points| {
        check_refused(what, || affinities.to_new(index, points, request, &Control::NONE).map(|_| ()));
    };
    let wide = vec![T::default(); n_features + 1];
    refused(
        "a new point with a feature too many",
        Points::from_row_major(&wide, n_features + 1).expect("a row"),
    );
    let mut bad = values.clone();
    bad[0] = T::lit(f64::NAN);
    refused("a new point with NaN", dense(&bad, n_features));
    check_interruption("rows for new points", |control| affinities.to_new(index, points, request, control));
}

fn dense<T: Scalar>(values: &[T], n_features: usize) -> Points<'_, T> {
    Points::from_row_major(values, n_features).expect("whole rows")
}

fn wide<T: Scalar>((columns, values): (&[u32], &[T])) -> (Vec<u32>, Vec<f64>) {
    (columns.to_vec(), values.iter().map(|x| x.to_f64()).collect())
}

fn check_shape<T: Scalar>(new: &NewAffinities<T>, n: usize, n_references: usize, request: &NewRows) {
    assert_eq!(new.rows.n_rows(), n, "rows for new points");
    assert_eq!(new.rows.n_columns(), n_references, "columns of rows for new points");
    assert_eq!(new.neighbors.n_points(), n, "rows of neighbors for new points");
    if let Err(broken) = new.neighbors.check_rows(n_references, false) {
        panic!("neighbors of new points: {broken}");
    }
    let (k, least) = (new.neighbors.k(), request.min_neighbors.min(n_references));
    assert!(k >= least, "{k} neighbors of new points returned, at least {least} were asked for");
}

/// Columns strictly increasing and in range, as many as values; values finite and not negative.
fn check_rows<T: Scalar>(affinities: &impl Affinities<T>) {
    for i in 0..affinities.n_points() {
        let row = affinities.row(i);
        assert_eq!(row.columns.len(), row.values.len(), "row {i}: columns and values differ in number");
        if let Some(pair) = row.columns.windows(2).find(|pair| pair[1] <= pair[0]) {
            panic!("row {i}: column {} follows {}, columns must increase strictly", pair[1], pair[0]);
        }
        let n_references = affinities.n_references();
        if let Some(&j) = row.columns.last() {
            assert!((j as usize) < n_references, "row {i}: column {j} of {n_references}");
        }
        for (&j, &p) in row.columns.iter().zip(row.values) {
            assert!(p.is_finite() && p.to_f64() >= 0.0, "row {i}, column {j}: affinity {p}");
        }
    }
}

fn check_into_csr<T: Scalar>(affinities: impl Affinities<T>) {
    let (n, n_references) = (affinities.n_points(), affinities.n_references());
    let rows: Vec<(Vec<u32>, Vec<T>)> =
        (0..n).map(|i| affinities.row(i)).map(|row| (row.columns.to_vec(), row.values.to_vec())).collect();
    let csr: Csr<T> = Box::new(affinities).into_csr();
    assert_eq!((csr.n_rows(), csr.n_columns()), (n, n_references), "shape given away by into_csr");
    for (i, (columns, values)) in rows.iter().enumerate() {
        assert_eq!(csr.row(i), (&columns[..], &values[..]), "row {i} given away by into_csr");
    }
}
