//! Sparse matrices: archives of scipy, Matrix Market files, and the graphs that both may hold.

use std::io::Cursor;

use proptest::prelude::*;
use tsne_io::{
    Cells, Dataset, Error, Graph, Matrix, Missing, NpzReader, NpzWriter, ReadOptions, read_mtx, write_mtx,
};

/// Written by scipy 1.17.1: `save_npz(f, csr_matrix(np.array([[0, 1.5, 0], [2, 0, -3], [0, 0, 0], [0, 0, 4]], "f4")))`.
const SCIPY: &[u8] = include_bytes!("../../testdata/csr.npz");

fn scipy(options: &ReadOptions) -> Result<Dataset, Error> {
    NpzReader::open(Cursor::new(SCIPY))?.dataset(options)
}

fn mtx(text: &str) -> Result<Dataset, Error> {
    read_mtx(text.as_bytes(), &ReadOptions::default())
}

/// Rows written out in full.
fn dense(matrix: &Matrix) -> Vec<Vec<f64>> {
    let Cells::Sparse(sparse) = matrix.cells() else { panic!("the matrix is dense") };
    let row = |pair: &[usize]| {
        let mut row = vec![0.0; matrix.n_features()];
        for at in pair[0]..pair[1] {
            row[sparse.columns()[at] as usize] = sparse.values()[at];
        }
        row
    };
    sparse.offsets().windows(2).map(row).collect()
}

#[test]
fn archives_of_scipy_stay_sparse() {
    let data = scipy(&ReadOptions::default()).expect("reads");
    let expected = [[0.0, 1.5, 0.0], [2.0, 0.0, -3.0], [0.0; 3], [0.0, 0.0, 4.0]];
    assert_eq!(dense(&data.features), expected, "values");
    assert_eq!(data.format.to_string(), "sparse matrix of 4 entries", "reported");
    let options = ReadOptions { label: Some("1".into()), drop: vec!["2".into()], ..ReadOptions::default() };
    let data = scipy(&options).expect("reads");
    assert_eq!(dense(&data.features), [[0.0], [-3.0], [0.0], [4.0]], "columns are set aside by number");
    assert_eq!(data.labels.expect("labels").codes(), [0, 1, 0, 0], "a column as label");
}

#[test]
fn our_archives_are_scipys() {
    let data = scipy(&ReadOptions::default()).expect("reads");
    let Cells::Sparse(sparse) = data.features.cells() else { panic!("the matrix is dense") };
    let mut archive = NpzWriter::new(Cursor::new(Vec::new()));
    archive.sparse(sparse, data.features.n_features()).expect("writes to memory");
    let again = NpzReader::open(archive.finish().expect("writes to memory")).expect("opens").sparse();
    assert_eq!(again.expect("reads"), data.features, "there and back");
}

fn archive(shape: [i64; 2], indptr: &[i64], indices: &[i32], data: &[f64]) -> Result<Matrix, Error> {
    let mut archive = NpzWriter::new(Cursor::new(Vec::new()));
    archive.array("shape", &[2], &shape).expect("shape");
    archive.array("indptr", &[indptr.len()], indptr).expect("indptr");
    archive.array("indices", &[indices.len()], indices).expect("indices");
    archive.array("data", &[data.len()], data).expect("data");
    NpzReader::open(archive.finish().expect("memory takes all"))?.sparse()
}

#[test]
fn rows_are_brought_into_order_and_damaged_ones_refused() {
    let matrix = archive([2, 3], &[0, 3, 4], &[2, 0, 2, 1], &[1.0, 2.0, 4.0, 8.0]).expect("reads");
    assert_eq!(dense(&matrix), [[2.0, 0.0, 5.0], [0.0, 8.0, 0.0]], "sorted and added up");
    for (what, found) in [
        ("offsets that fall", archive([2, 3], &[0, 2, 1], &[0, 1], &[1.0, 2.0])),
        ("offsets that do not end", archive([2, 3], &[0, 1, 1], &[0, 1], &[1.0, 2.0])),
        ("too few offsets", archive([3, 3], &[0, 1, 2], &[0, 1], &[1.0, 2.0])),
        ("a negative offset", archive([2, 3], &[0, -1, 2], &[0, 1], &[1.0, 2.0])),
        ("a column too far", archive([2, 3], &[0, 1, 2], &[0, 3], &[1.0, 2.0])),
        ("a negative column", archive([2, 3], &[0, 1, 2], &[0, -1], &[1.0, 2.0])),
        ("fewer columns than values", archive([2, 3], &[0, 1, 2], &[0], &[1.0, 2.0])),
        ("a shape beyond all bounds", archive([i64::MAX, 3], &[0, 1], &[0], &[1.0])),
    ] {
        assert_eq!(found.expect_err(what).code(), "E107", "{what}");
    }
}

#[test]
fn every_layout_and_symmetry_of_matrix_market_is_read() {
    let sparse =
        mtx("%%MatrixMarket matrix coordinate real general\n% by hand\n\n2 3 3\n1 1 1.5\n2 3 -2e3\n1 1 1\n");
    let sparse = sparse.expect("reads");
    assert_eq!(dense(&sparse.features), [[2.5, 0.0, 0.0], [0.0, 0.0, -2000.0]], "repeated entries are added");
    assert_eq!(sparse.format.to_string(), "Matrix Market (coordinate real general), 2 entries", "reported");
    let pattern =
        mtx("%%matrixmarket MATRIX coordinate pattern symmetric\r\n2 2 2\r\n1 1\r\n2 1\r\n").expect("reads");
    assert_eq!(dense(&pattern.features), [[1.0, 1.0], [1.0, 0.0]], "ones on both sides");
    let skew = mtx("%%MatrixMarket matrix coordinate integer skew-symmetric\n2 2 1\n2 1 7\n").expect("reads");
    assert_eq!(dense(&skew.features), [[0.0, -7.0], [7.0, 0.0]], "of opposite sign");
    for (text, expected) in [
        (
            "%%MatrixMarket matrix array real general\n2 3\n1\n2\n3\n4\n5\n6\n",
            vec![1.0, 3.0, 5.0, 2.0, 4.0, 6.0],
        ),
        ("%%MatrixMarket matrix array integer symmetric\n2 2\n1\n2\n3\n", vec![1.0, 2.0, 2.0, 3.0]),
        ("%%MatrixMarket matrix array real skew-symmetric\n2 2\n5\n", vec![0.0, -5.0, 5.0, 0.0]),
    ] {
        assert_eq!(mtx(text).expect("reads").features.cells(), &Cells::F64(expected), "{text}");
    }
}

#[test]
fn faults_of_matrix_market_are_told_by_line() {
    for (text, code, place) in [
        ("", "E101", None),
        ("1,2\n3,4\n", "E107", Some("line 1")),
        ("%%MatrixMarket matrix coordinate complex general\n1 1 1\n1 1 1 1\n", "E105", None),
        ("%%MatrixMarket matrix coordinate real hermitian\n", "E107", Some("line 1")),
        ("%%MatrixMarket matrix array pattern general\n", "E107", Some("line 1")),
        ("%%MatrixMarket matrix coordinate real general\n%\n2 2\n", "E107", Some("line 3")),
        ("%%MatrixMarket matrix coordinate real general\n2 2 2\n1 1 1\n3 1 1\n", "E107", Some("line 4")),
        ("%%MatrixMarket matrix coordinate real general\n2 2 1\n0 1 1\n", "E107", Some("line 3")),
        ("%%MatrixMarket matrix coordinate real general\n2 2 1\n1 1 x\n", "E107", Some("line 3")),
        ("%%MatrixMarket matrix coordinate real general\n2 2 1\n1 1 1 1\n", "E107", Some("line 3")),
        ("%%MatrixMarket matrix coordinate real general\n2 2 2\n1 1 1\n", "E107", Some("line 4")),
        ("%%MatrixMarket matrix coordinate real general\n2 2 0\n1 1 1\n", "E107", Some("line 3")),
        ("%%MatrixMarket matrix coordinate real symmetric\n2 3 0\n", "E107", Some("line 2")),
        ("%%MatrixMarket matrix coordinate real skew-symmetric\n2 2 1\n1 1 1\n", "E107", Some("line 3")),
        ("%%MatrixMarket matrix array real general\n2 2\n1\n2\n3\n", "E107", Some("line 6")),
        ("%%MatrixMarket matrix array real general\n2 1\n1\nabc\n", "E107", Some("line 4")),
        ("%%MatrixMarket matrix coordinate real general\n0 3 0\n", "E101", None),
        ("%%MatrixMarket matrix coordinate real general\n3 0 0\n", "E101", None),
        (
            "%%MatrixMarket matrix coordinate real general\n1 1 1\n1 1 nan\n",
            "E103",
            Some("row 0 (counted from 0), column 1 = \"NaN\""),
        ),
    ] {
        let error = mtx(text).map(|_| ()).expect_err(text);
        assert_eq!((error.code(), error.place().as_deref()), (code, place), "{text}: {error}");
    }
}

#[test]
fn headers_that_declare_everything_take_no_memory() {
    for text in [
        "%%MatrixMarket matrix coordinate real general\n4294967294 1 0\n",
        "%%MatrixMarket matrix coordinate real general\n4294967294 4294967294 1\n1 1 1\n",
        "%%MatrixMarket matrix coordinate real general\n1 4294967294 0\n",
        "%%MatrixMarket matrix coordinate real general\n99999999999999999999 1 0\n",
        "%%MatrixMarket matrix array real general\n4294967294 4294967294\n1\n",
    ] {
        assert_eq!(mtx(text).expect_err(text).code(), "E107", "{text}");
    }
}

#[test]
fn gaps_in_sparse_rows_are_mended() {
    let text = "%%MatrixMarket matrix coordinate real general\n3 2 3\n1 1 nan\n2 1 6\n2 2 1\n";
    let read = |missing| {
        read_mtx(text.as_bytes(), &ReadOptions { missing, ..ReadOptions::default() }).expect("reads")
    };
    assert_eq!(dense(&read(Missing::Drop).features), [[6.0, 1.0], [0.0, 0.0]], "dropped");
    let filled = [[3.0, 0.0], [6.0, 1.0], [0.0, 0.0]];
    assert_eq!(dense(&read(Missing::Mean).features), filled, "the mean of 6 and a zero that is not stored");
}

#[test]
fn graphs_are_read_and_judged() {
    let graph = |indices: &[i32], distances: &[f32]| {
        let mut archive = NpzWriter::new(Cursor::new(Vec::new()));
        archive.array("indices", &[indices.len() / 2, 2], indices).expect("indices");
        archive.array("distances", &[distances.len() / 2, 2], distances).expect("distances");
        Graph::from_npz(&mut NpzReader::open(archive.finish().expect("memory takes all"))?)
    };
    let whole = graph(&[1, 2, 0, 2, 0, 1], &[1.0, 2.0, 1.0, 3.0, 2.0, 3.0]).expect("reads");
    assert_eq!((whole.k, &whole.indices[..]), (2, &[1, 2, 0, 2, 0, 1][..]), "neighbors");
    let sparse = archive([3, 3], &[0, 2, 4, 6], &[1, 2, 0, 2, 0, 1], &[2.0, 1.0, 2.0, 3.0, 1.0, 3.0]);
    let sparse = Graph::from_sparse(sparse.expect("reads")).expect("a graph");
    assert_eq!(sparse.indices, [2, 1, 0, 2, 0, 1], "in the order of distance");
    for (what, found) in [
        ("no point", graph(&[1, 3, 0, 2, 0, 1], &[1.0; 6])),
        ("no point", graph(&[1, -1, 0, 2, 0, 1], &[1.0; 6])),
        ("negative", graph(&[1, 2, 0, 2, 0, 1], &[1.0, -1.0, 1.0, 1.0, 1.0, 1.0])),
        ("NaN", graph(&[1, 2, 0, 2, 0, 1], &[1.0, f32::NAN, 1.0, 1.0, 1.0, 1.0])),
    ] {
        let error = found.expect_err(what);
        assert_eq!(
            (error.code(), error.place().as_deref()),
            ("E113", Some("row 0 (counted from 0)")),
            "{what}"
        );
    }
    let uneven = archive([2, 2], &[0, 1, 1], &[1], &[1.0]).and_then(Graph::from_sparse);
    assert_eq!(uneven.expect_err("uneven").code(), "E113", "rows of different length");
    assert_eq!(graph(&[1, 2, 0, 2], &[1.0; 6]).expect_err("shapes").code(), "E107", "shapes that differ");
}

proptest! {
    /// Any matrix survives the trip through a file, and another order of its entries changes nothing.
    #[test]
    fn matrices_survive(
        entries in prop::collection::vec((0..6_u32, 0..5_u32, prop::num::f64::NORMAL | prop::num::f64::SUBNORMAL), 0..20),
        seed in any::<usize>(),
    ) {
        // One entry a place, so that the order of a sum is no matter.
        let mut entries = entries;
        entries.sort_by_key(|entry| (entry.0, entry.1));
        entries.dedup_by_key(|entry| (entry.0, entry.1));
        let text = |entries: &[(u32, u32, f64)]| {
            let mut text = format!("%%MatrixMarket matrix coordinate real general\n6 5 {}\n", entries.len());
            for (row, column, value) in entries {
                text += &format!("{} {} {value:e}\n", row + 1, column + 1);
            }
            text
        };
        let data = mtx(&text(&entries)).expect("reads");
        let turn = seed.checked_rem(entries.len()).unwrap_or(0);
        entries.rotate_left(turn);
        prop_assert_eq!(&mtx(&text(&entries)).expect("reads").features, &data.features);
        let mut written = Vec::new();
        write_mtx(&mut written, &data.features).expect("writes to memory");
        prop_assert_eq!(&read_mtx(&written[..], &ReadOptions::default()).expect("reads").features, &data.features);
    }

    #[test]
    fn any_lines_are_judged(
        head in "%%MatrixMarket matrix (coordinate|array) (real|pattern|integer) (general|symmetric|skew-symmetric)\n",
        rest in "([0-9 %-]|\n|1|2|1 1 1\n){0,40}",
    ) {
        if let Err(e) = mtx(&format!("{head}{rest}")) {
            prop_assert!(e.code().starts_with("E10"), "{e}");
        }
    }
}
