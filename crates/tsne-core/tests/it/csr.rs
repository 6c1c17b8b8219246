//! Sparse matrices: accepted parts are consistent, everything else is refused by name, and nothing panics.

use proptest::prelude::*;
use tsne_core::{Affinities, Csr, MAX_POINTS, ShapeError};

fn parts(n_columns: usize, offsets: &[usize], columns: &[u32]) -> Result<Csr<f64>, ShapeError> {
    let values = (0_u32..).map(f64::from).take(columns.len()).collect();
    Csr::from_parts(n_columns, offsets.to_vec(), columns.to_vec(), values)
}

#[test]
fn rows_are_what_the_offsets_say() {
    let csr = parts(4, &[0, 2, 2, 3], &[1, 3, 0]).expect("legal");
    assert_eq!((csr.n_rows(), csr.n_columns(), csr.n_entries()), (3, 4, 3), "shape");
    assert_eq!(csr.row(0), (&[1, 3][..], &[0.0, 1.0][..]), "row 0");
    assert_eq!(csr.row(1), (&[][..], &[][..]), "an empty row");
    assert_eq!(csr.row(2), (&[0][..], &[2.0][..]), "row 2");
    assert_eq!(csr.offsets(), [0, 2, 2, 3], "offsets");
    assert_eq!((csr.columns(), csr.values()), (&[1, 3, 0][..], &[0.0, 1.0, 2.0][..]), "entries");
    assert_eq!((csr.n_points(), csr.n_references()), (3, 4), "as affinities");
    assert_eq!(Affinities::row(&csr, 0).columns, [1, 3], "as affinities");
    assert_eq!(csr.into_parts(), (4, vec![0, 2, 2, 3], vec![1, 3, 0], vec![0.0, 1.0, 2.0]), "parts");
}

#[test]
fn matrices_without_rows_or_columns_are_legal() {
    assert_eq!(parts(3, &[0], &[]).map(|csr| csr.n_rows()), Ok(0), "no rows");
    assert_eq!(parts(0, &[0, 0], &[]).map(|csr| csr.n_columns()), Ok(0), "no columns");
}

#[test]
fn parts_that_do_not_fit_together_are_refused() {
    let csr = Csr::from_parts(4, vec![0, 2], vec![0, 1, 2], vec![0.0; 2]);
    assert_eq!(csr, Err(ShapeError::LengthMismatch { what: "columns", expected: 2, got: 3 }), "lengths");
    let none = Err(ShapeError::LengthMismatch { what: "row offsets", expected: 1, got: 0 });
    assert_eq!(parts(4, &[], &[]), none, "no offsets");
    let many = Err(ShapeError::TooManyPoints { n_points: MAX_POINTS + 1, max: MAX_POINTS });
    assert_eq!(parts(MAX_POINTS + 1, &[0], &[]), many, "too many columns");
    assert_eq!(
        parts(MAX_POINTS, &[0, 1], &[u32::MAX - 2]).map(|csr| csr.n_entries()),
        Ok(1),
        "the most columns"
    );
}

#[test]
fn offsets_must_rise_from_zero_to_the_number_of_entries() {
    let bad = |row, offset, min, max| Err(ShapeError::BadOffset { row, offset, min, max });
    assert_eq!(parts(4, &[1, 2], &[0, 1]), bad(0, 1, 0, 0), "does not start at 0");
    assert_eq!(parts(4, &[0, 1], &[0, 1]), bad(1, 1, 2, 2), "ends early");
    assert_eq!(parts(4, &[0, 3], &[0, 1]), bad(1, 3, 2, 2), "ends late");
    assert_eq!(parts(4, &[0, 2, 1, 2], &[0, 1]), bad(2, 1, 2, 2), "falls");
    assert_eq!(parts(4, &[0, 9, 2], &[0, 1]), bad(1, 9, 0, 2), "beyond the entries");
}

#[test]
fn columns_must_increase_within_a_row_and_exist() {
    let unsorted = |row, previous, column| Err(ShapeError::UnsortedColumns { row, previous, column });
    assert_eq!(parts(4, &[0, 1, 3], &[3, 2, 1]), unsorted(1, 2, 1), "falls");
    assert_eq!(parts(4, &[0, 2], &[2, 2]), unsorted(0, 2, 2), "twice");
    let outside = Err(ShapeError::ColumnOutOfRange { row: 1, column: 4, n_columns: 4 });
    assert_eq!(parts(4, &[0, 1, 3], &[3, 2, 4]), outside, "no such column");
    assert!(parts(4, &[0, 1, 2], &[3, 0]).is_ok(), "columns may fall from row to row");
}

proptest! {
    /// Small numbers, so that many parts are nearly right and some are right.
    #[test]
    fn arbitrary_parts_are_refused_or_consistent(
        n_columns in 0_usize..5,
        offsets in proptest::collection::vec(0_usize..6, 0..6),
        columns in proptest::collection::vec(0_u32..6, 0..6),
        extra in 0_usize..2,
    ) {
        let values = vec![1.0_f32; columns.len() + extra];
        if let Ok(csr) = Csr::from_parts(n_columns, offsets.clone(), columns.clone(), values.clone()) {
            prop_assert_eq!(csr.n_rows() + 1, offsets.len());
            let mut seen = 0;
            for i in 0..csr.n_rows() {
                let (columns, values) = csr.row(i);
                prop_assert_eq!(columns.len(), values.len());
                prop_assert!(columns.windows(2).all(|pair| pair[0] < pair[1]));
                prop_assert!(columns.iter().all(|&j| (j as usize) < n_columns));
                seen += columns.len();
            }
            prop_assert_eq!(seen, csr.n_entries());
            prop_assert_eq!(csr.into_parts(), (n_columns, offsets, columns, values));
        }
    }

    #[test]
    fn huge_numbers_do_not_panic(
        n_columns in any::<usize>(),
        offsets in proptest::collection::vec(any::<usize>(), 0..4),
        columns in proptest::collection::vec(any::<u32>(), 0..4),
    ) {
        let values = vec![1.0_f64; columns.len()];
        let _ = Csr::from_parts(n_columns, offsets, columns, values);
    }

    /// Right parts of any shape are accepted: rows of distinct sorted columns.
    #[test]
    fn consistent_parts_are_accepted(
        rows in proptest::collection::vec(proptest::collection::btree_set(0_u32..9, 0..7), 0..8),
    ) {
        let mut offsets = vec![0];
        let columns: Vec<u32> = rows.iter().flatten().copied().collect();
        offsets.extend(rows.iter().scan(0, |end, row| {
            *end += row.len();
            Some(*end)
        }));
        let csr = Csr::from_parts(9, offsets, columns.clone(), vec![0.5_f32; columns.len()]);
        let csr = csr.expect("consistent");
        for (i, row) in rows.iter().enumerate() {
            prop_assert!(csr.row(i).0.iter().eq(row));
        }
    }
}
