//! Rows that lack a number: refused, left out or filled, whatever the format.

use tsne_io::{Cells, Dataset, Error, Missing, ReadOptions, read_npy, read_table, write_npy};

fn options(missing: Missing) -> ReadOptions {
    ReadOptions { missing, ..ReadOptions::default() }
}

fn table(missing: Missing) -> Result<Dataset, Error> {
    let text = "id,kind,a,b\nr1,x,1,2\nr2,y,,3\nr3,x,3,inf\nr4,z,8,7\n";
    let options = ReadOptions { id: Some("id".into()), label: Some("kind".into()), ..options(missing) };
    read_table(text.as_bytes(), &options)
}

fn array(values: &[f32], missing: Missing) -> Result<Dataset, Error> {
    let mut file = Vec::new();
    write_npy(&mut file, &[values.len() / 2, 2], values).expect("writes to memory");
    read_npy(&file[..], None)?.into_dataset(&options(missing))
}

#[test]
fn rows_are_dropped_with_their_labels_and_ids() {
    let data = table(Missing::Drop).expect("two rows are left");
    assert_eq!(data.features.cells(), &Cells::F64(vec![1.0, 2.0, 8.0, 7.0]), "whole rows");
    assert_eq!(data.ids.expect("ids"), ["r1", "r4"], "their ids");
    let labels = data.labels.expect("labels");
    assert_eq!(
        (labels.classes(), labels.codes()),
        (&["x".to_owned(), "z".to_owned()][..], &[0, 1][..]),
        "labels"
    );
    assert_eq!((data.n_missing, data.kept_rows), (2, Some(vec![0, 3])), "what was done is told");
    let data = array(&[f32::NAN, 1.0, 2.0, 3.0], Missing::Drop).expect("one row is left");
    assert_eq!(data.features.cells(), &Cells::F32(vec![2.0, 3.0]), "arrays too");
}

#[test]
fn gaps_are_filled_with_the_mean_of_their_column() {
    let data = table(Missing::Mean).expect("filled");
    let expected = vec![1.0, 2.0, 4.0, 3.0, 3.0, 4.0, 8.0, 7.0];
    assert_eq!(data.features.cells(), &Cells::F64(expected), "means of 1, 3, 8 and of 2, 3, 7");
    assert_eq!((data.n_missing, data.kept_rows), (2, None), "all rows are kept");
    let huge = array(&[f32::MAX, 0.0, f32::MAX, 0.0, f32::NAN, 0.0], Missing::Mean).expect("filled");
    assert_eq!(
        huge.features.cells(),
        &Cells::F32(vec![f32::MAX, 0.0, f32::MAX, 0.0, f32::MAX, 0.0]),
        "no overflow"
    );
}

#[test]
fn what_cannot_be_mended_is_refused() {
    let error = table(Missing::Error).expect_err("refused");
    assert_eq!(error.code(), "E103", "{error}");
    assert!(error.help().contains("--missing drop"), "{}", error.help());
    for missing in [Missing::Drop, Missing::Mean] {
        let error = array(&[f32::NAN, 1.0, f32::NAN, 2.0], missing).expect_err("a column without a number");
        assert_eq!(error.code(), "E103", "{missing:?}: {error}");
    }
}
