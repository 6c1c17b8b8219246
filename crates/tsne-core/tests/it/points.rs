//! Views of points: what they accept, what they refuse, and that every kind reads alike.

use proptest::prelude::*;
use tsne_core::{Csr, Dense, Element, MAX_POINTS, NonFinite, Points, Scalar, ShapeError};

/// [[0, 1, 0], [2, 0, 3]] in every kind.
fn each_kind<T: Scalar>(check: impl Fn(&str, Points<'_, T>)) {
    let values = [0.0, 1.0, 0.0, 2.0, 0.0, 3.0].map(T::lit);
    check("dense", Points::from_row_major(&values, 3).expect("two rows"));
    check("bytes", Points::from_bytes(&[0, 1, 0, 2, 0, 3], 3).expect("two rows"));
    let csr = Csr::from_parts(3, vec![0, 1, 3], vec![1, 0, 2], [1.0, 2.0, 3.0].map(T::lit).to_vec())
        .expect("legal");
    check("sparse", Points::from_csr(&csr).expect("three columns"));
    let rows = [[0.0, 1.0, 0.0].map(T::lit), [2.0, 0.0, 3.0].map(T::lit)];
    check("arrays", Points::try_from(&rows[..]).expect("two rows"));
}

fn kinds_read_alike<T: Scalar>() {
    each_kind::<T>(|kind, points| {
        assert_eq!((points.n_points(), points.n_features()), (2, 3), "{kind}: shape");
        let mut row = [T::lit(9.0); 3];
        points.copy_row(0, &mut row);
        assert_eq!(row, [0.0, 1.0, 0.0].map(T::lit), "{kind}: row 0, zeros included");
        points.copy_row(1, &mut row);
        assert_eq!(row, [2.0, 0.0, 3.0].map(T::lit), "{kind}: row 1");
        assert_eq!(points.check_finite(), Ok(()), "{kind}: finite");
    });
}

#[test]
fn every_kind_reads_alike() {
    kinds_read_alike::<f32>();
    kinds_read_alike::<f64>();
}

#[test]
#[should_panic(expected = "the buffer must hold one row")]
fn a_buffer_of_another_length_is_a_mistake() {
    Points::from_row_major(&[1.0, 2.0], 2).expect("one row").copy_row(0, &mut [0.0]);
}

#[test]
fn dense_rows_are_slices_of_the_values() {
    let values = [1.0_f32, 2.0, 3.0, 4.0];
    let dense = Dense::from_row_major(&values, 2).expect("two rows");
    assert_eq!((dense.n_points(), dense.n_features()), (2, 2), "shape");
    assert_eq!(dense.row(1), [3.0, 4.0], "a row");
    assert_eq!(dense.rows().len(), 2, "rows are counted");
    assert_eq!(dense.rows().collect::<Vec<_>>(), [[1.0, 2.0], [3.0, 4.0]], "all rows");
    assert!(std::ptr::eq(dense.as_slice(), &values), "nothing is copied");
}

#[test]
fn what_is_not_rectangular_is_refused() {
    let ragged = ShapeError::NotRectangular { len: 5, n_features: 2 };
    assert_eq!(Points::from_row_major(&[0.0; 5], 2), Err(ragged.clone()), "values");
    assert_eq!(Points::<f64>::from_bytes(&[0; 5], 2), Err(ragged.clone()), "bytes");
    assert_eq!(Dense::from_row_major(&[0_u8; 5], 2), Err(ragged), "a dense view");
    assert_eq!(Points::from_row_major(&[0.0; 5], 0), Err(ShapeError::NoFeatures), "values");
    assert_eq!(Points::<f64>::from_bytes(&[], 0), Err(ShapeError::NoFeatures), "bytes");
    let no_columns = Csr::<f64>::from_parts(0, vec![0, 0], vec![], vec![]).expect("one empty row");
    assert_eq!(Points::from_csr(&no_columns), Err(ShapeError::NoFeatures), "sparse");
    assert_eq!(Points::try_from(&[[0.0_f32; 0]; 3][..]), Err(ShapeError::NoFeatures), "arrays");
}

#[test]
fn no_points_are_legal() {
    let points = Points::<f32>::from_row_major(&[], 4).expect("no rows");
    assert_eq!((points.n_points(), points.n_features(), points.check_finite()), (0, 4, Ok(())), "empty");
}

#[test]
fn the_largest_index_and_one_past_the_last_fit_u32() {
    assert_eq!(u32::try_from(MAX_POINTS).map(|n| n.checked_add(1)), Ok(Some(u32::MAX)), "MAX_POINTS");
}

/// The text of a value, since NaN is not equal to itself.
fn shown(found: Result<(), NonFinite>) -> String {
    found.expect_err("a value is not finite").to_string()
}

fn first_bad_value_is_named<T: Scalar>() {
    for (bad, text) in [(f64::NAN, "NaN"), (f64::INFINITY, "inf"), (f64::NEG_INFINITY, "-inf")] {
        let mut values = [T::default(); 6];
        values[3] = T::lit(bad);
        values[5] = T::lit(f64::NAN);
        let points = Points::from_row_major(&values, 2).expect("three rows");
        let want = format!("row 1, column 1 is {text}; remove or replace missing and infinite values");
        assert_eq!(shown(points.check_finite()), want, "dense");
        let csr =
            Csr::from_parts(9, vec![0, 1, 3], vec![0, 2, 7], vec![T::default(), T::lit(1.0), T::lit(bad)]);
        let csr = csr.expect("legal");
        let found = Points::from_csr(&csr).expect("nine columns").check_finite();
        assert_eq!(found.map_err(|e| (e.row, e.column)), Err((1, 7)), "sparse: the column, not the position");
    }
}

#[test]
fn the_first_value_that_is_not_finite_is_named() {
    first_bad_value_is_named::<f32>();
    first_bad_value_is_named::<f64>();
    let bytes = Points::<f32>::from_bytes(&[255; 4], 2).expect("two rows");
    assert_eq!(bytes.check_finite(), Ok(()), "bytes are finite");
}

proptest! {
    #[test]
    fn rows_cover_the_values(n_features in 1_usize..9, n_points in 0_usize..20) {
        let values: Vec<f64> = (0_u32..).map(f64::from).take(n_points * n_features).collect();
        let points = Points::from_row_major(&values, n_features).expect("rectangular");
        prop_assert_eq!(points.n_points(), n_points);
        let mut copied = vec![-1.0; values.len()];
        for (i, row) in copied.chunks_exact_mut(n_features).enumerate() {
            points.copy_row(i, row);
        }
        prop_assert_eq!(copied, values);
    }

    #[test]
    fn bytes_are_read_exactly(bytes in proptest::collection::vec(any::<u8>(), 1..50)) {
        let points = Points::<f32>::from_bytes(&bytes, 1).expect("one column");
        for (i, &byte) in bytes.iter().enumerate() {
            let mut row = [0.0];
            points.copy_row(i, &mut row);
            prop_assert_eq!(row[0].to_f64(), byte.to_f64());
        }
    }
}
