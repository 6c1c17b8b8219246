//! Parquet: files of pyarrow and polars are read, ours come back bit for bit, and nothing they claim is believed.
//!
//! `testdata/parquet/make.py` has written the files, with the versions of the writers.

use std::io::Cursor;

use proptest::prelude::*;
use tsne_io::{
    Cells, Dataset, Error, Labels, MapTable, Missing, ReadOptions, read_parquet, read_stream, read_table,
    write_parquet,
};

use crate::f64s;

const TYPES: &[u8] = include_bytes!("../../testdata/parquet/types.parquet");
const LISTS: &[u8] = include_bytes!("../../testdata/parquet/lists.parquet");
const BYTES: &[u8] = include_bytes!("../../testdata/parquet/bytes.parquet");
const ENCODINGS: &[u8] = include_bytes!("../../testdata/parquet/encodings.parquet");
const ARRAY: &[u8] = include_bytes!("../../testdata/parquet/array.parquet");
const GAPS: &[u8] = include_bytes!("../../testdata/parquet/gaps.parquet");
const BROTLI: &[u8] = include_bytes!("../../testdata/parquet/brotli.parquet");

fn read(bytes: &[u8], options: &ReadOptions) -> Result<Dataset, Error> {
    read_parquet(Cursor::new(bytes), options)
}

fn list(names: &str) -> Vec<String> {
    names.split_whitespace().map(str::to_owned).collect()
}

/// The columns of `TYPES` that are features, the others being label, id or left out.
fn columns(names: &str) -> ReadOptions {
    ReadOptions {
        columns: list(names),
        label: Some("kind".into()),
        id: Some("key".into()),
        ..ReadOptions::default()
    }
}

#[test]
fn every_numeric_type_is_read() {
    let data = read(TYPES, &columns("i8 u16 u64 f16 flag")).expect("reads");
    let expected =
        [-1.0, 65535.0, 2.0_f64.powi(64), 0.5, 1.0, 2.0, 0.0, 0.0, -2.0, 0.0, 3.0, 1.0, 7.0, 65504.0, 1.0];
    assert_eq!(f64s(&data), expected, "row after row");
    assert_eq!(data.n_rounded_integers, 1, "2^64 - 1 has no f64");
    assert_eq!(data.feature_names, Some(list("i8 u16 u64 f16 flag")), "names");
    let labels = data.labels.expect("labels");
    assert_eq!(
        (labels.name(), labels.text(0), labels.text(1), labels.text(2)),
        ("kind", "é", "", "b"),
        "labels"
    );
    assert_eq!(data.ids, Some(list("r1 r2 r3")), "ids");
    assert_eq!(data.format.to_string(), "Parquet, 1 row group", "told");
    for (label, text) in [
        ("i8", "-1"),
        ("i64", "9007199254740993"),
        ("u64", "18446744073709551615"),
        ("f16", "0.5"),
        ("flag", "true"),
    ] {
        let options = ReadOptions { label: Some(label.into()), ..columns("u16") };
        assert_eq!(read(TYPES, &options).expect(label).labels.expect("labels").text(0), text, "{label}");
    }
}

#[test]
fn types_stay_what_they_are() {
    let half = read(TYPES, &columns("f16")).expect("reads");
    assert_eq!(half.features.cells(), &Cells::F32(vec![0.5, -2.0, 65504.0]), "half precision is single");
    let bytes =
        read(BYTES, &ReadOptions { label: Some("c".into()), ..ReadOptions::default() }).expect("reads");
    assert_eq!(bytes.features.cells(), &Cells::U8(vec![0, 1, 255, 0, 7, 1, 7, 1]), "bytes stay bytes");
    let single =
        read(LISTS, &ReadOptions { missing: Missing::Drop, drop: list("y"), ..ReadOptions::default() });
    assert!(
        matches!(single.expect("reads").features.cells(), Cells::F32(_)),
        "single precision stays single"
    );
}

#[test]
fn nulls_are_missing_values() {
    let e = read(TYPES, &columns("i64 f32 f64")).expect_err("two nulls and a NaN");
    assert_eq!(e.code(), "E103", "{e}");
    assert_eq!(e.to_string(), "3 missing or non-finite values in numeric columns", "counted");
    let place = "row 1 (counted from 0), column 6 (f32) = \"null\"; row 2 (counted from 0), column 3 (i64) = \"null\"; \
                 row 2 (counted from 0), column 7 (f64) = \"NaN\"";
    assert_eq!(e.place().as_deref(), Some(place), "named");
    let data =
        read(TYPES, &ReadOptions { missing: Missing::Drop, ..columns("i64 f32 f64") }).expect("one row");
    assert_eq!((data.features.n_rows(), data.ids), (1, Some(list("r1"))), "with its company");
    let data = read(TYPES, &ReadOptions { missing: Missing::Mean, ..columns("f32 u16") }).expect("filled");
    assert_eq!(f64s(&data)[3], f64::from(0.1_f32) / 2.0, "the mean of 0.1 and -0");
    let e = read(GAPS, &ReadOptions::default()).expect_err("a null among bytes");
    assert_eq!(
        (e.code(), e.place()),
        ("E103", Some("row 1 (counted from 0), column 1 (a) = \"null\"".into())),
        "{e}"
    );
}

#[test]
fn lists_of_one_length_are_features() {
    let options = ReadOptions { label: Some("y".into()), missing: Missing::Drop, ..ReadOptions::default() };
    let data = read(LISTS, &options).expect("reads");
    let expected = [1.5, 2.5, -3.5, 7.0, 8.0, 9.0, 0.0, 0.1, 0.2];
    assert_eq!(data.features.cells(), &Cells::F32(expected.to_vec()), "rows without a null");
    assert_eq!(data.kept_rows, Some(vec![1, 3, 4]), "out of three row groups");
    assert_eq!(data.labels.expect("labels").text(0), "b", "labels follow");
    assert_eq!(data.feature_names, Some(list("x_1 x_2 x_3")), "numbered from 1");
    let e = read(LISTS, &ReadOptions { missing: Missing::Error, ..options }).expect_err("nulls");
    let place = "row 0 (counted from 0), column 1 (x_1) = \"null\"; row 0 (counted from 0), column 1 (x_2) = \"null\"; \
                 row 0 (counted from 0), column 1 (x_3) = \"null\"; row 2 (counted from 0), column 1 (x_2) = \"null\"";
    assert_eq!((e.code(), e.place().as_deref()), ("E103", Some(place)), "{e}");
    assert_eq!(
        f64s(&read(ARRAY, &ReadOptions::default()).expect("polars")),
        [0.5, 1.5, 2.5, 3.5],
        "an array"
    );
}

#[test]
fn every_encoding_of_numbers_and_text_is_read() {
    let data = read(ENCODINGS, &ReadOptions { label: Some("text".into()), ..ReadOptions::default() })
        .expect("reads");
    let expected: Vec<f64> = (0..300_u16)
        .flat_map(|i| [f64::from(i) * f64::from(i) - 40.0, f64::from(f32::from(i) / 7.0)])
        .collect();
    // numpy divides in double precision before it narrows; both are correctly rounded or off by one in the last place.
    for (got, expected) in f64s(&data).iter().zip(&expected) {
        assert!((got - expected).abs() <= 1e-7 * expected.abs(), "{got} for {expected}");
    }
    assert_eq!(data.features.n_rows(), 300, "rows");
    let labels = data.labels.expect("labels");
    assert!((0..300).all(|i| labels.text(i) == format!("row {}", i % 11)), "texts");
}

#[test]
fn what_is_no_number_is_refused_by_name() {
    for (name, what) in [
        ("kind", "column 9 (kind) is not numeric: it holds text"),
        ("day", "column 11 (day) is not numeric: it holds Date"),
        ("pair", "column 12 (pair) is not numeric: it holds nested values"),
    ] {
        let options = ReadOptions { columns: list(name), ..ReadOptions::default() };
        let e = read(TYPES, &options).expect_err(name);
        assert_eq!((e.code(), e.to_string().as_str()), ("E104", what), "{name}");
        assert!(e.help().contains(&format!("--drop {name}")), "{}", e.help());
    }
    for label in ["pair", "day"] {
        let options = ReadOptions { label: Some(label.into()), ..columns("i8") };
        assert_eq!(read(TYPES, &options).expect_err(label).code(), "E104", "{label} as label");
    }
    let options = ReadOptions { label: Some("x".into()), columns: list("y"), ..ReadOptions::default() };
    assert_eq!(read(LISTS, &options).expect_err("lists as labels").code(), "E104", "lists");
    let e = read(TYPES, &columns("i9")).expect_err("no such column");
    assert_eq!(e.code(), "E114", "{e}");
    let e = read(BROTLI, &ReadOptions::default()).expect_err("a codec in C");
    assert_eq!(e.code(), "E107", "{e}");
    assert!(e.to_string().contains("BROTLI") && e.help().contains("zstd"), "{e}: {}", e.help());
}

#[test]
fn streams_are_told_by_their_first_bytes() {
    let data = read_stream(ARRAY, &ReadOptions::default()).expect("reads");
    assert_eq!(f64s(&data), [0.5, 1.5, 2.5, 3.5], "the same");
}

#[test]
fn cut_and_foreign_files_are_refused() {
    for file in [TYPES, LISTS, BYTES, ENCODINGS] {
        for end in 0..file.len() {
            let e = read(&file[..end], &ReadOptions::default()).expect_err("cut");
            assert_eq!(e.code(), "E107", "cut at {end}: {e}");
        }
    }
    let mut encrypted = ARRAY.to_vec();
    let end = encrypted.len();
    encrypted[end - 1] = b'E';
    let e = read(&encrypted, &ReadOptions::default()).expect_err("an encrypted footer");
    assert!(e.code() == "E107" && e.to_string().contains("encrypted"), "{e}");
}

fn written(data: &Dataset) -> Vec<u8> {
    let mut bytes = Vec::new();
    write_parquet(&mut bytes, data).expect("memory takes all");
    bytes
}

/// More rows than a row group has.
#[test]
fn long_tables_have_several_row_groups() {
    let text: String = (0..140_000).map(|i| format!("{i},{}\n", i % 3)).collect();
    let options = ReadOptions { label: Some("2".into()), ..ReadOptions::default() };
    let data = read_table(text.as_bytes(), &options).expect("reads");
    let again =
        read(&written(&data), &ReadOptions { label: Some("label".into()), ..options }).expect("reads");
    assert_eq!(again.format.to_string(), "Parquet, 2 row groups", "two");
    assert_eq!((&again.features, &again.labels), (&data.features, &data.labels), "the same");
}

#[test]
fn maps_are_written() {
    let labels = Labels::from_texts("kind", ["a", "b"]);
    let ids = list("r1 r2");
    let mut file = Vec::new();
    MapTable::new(&[0.1_f32, -0.0, 3.0, 4.0], 2, Some(&labels), Some(&ids))
        .write_parquet(&mut file)
        .expect("writes");
    let options =
        ReadOptions { label: Some("label".into()), id: Some("id".into()), ..ReadOptions::default() };
    let data = read(&file, &options).expect("reads");
    assert_eq!(data.features.cells(), &Cells::F32(vec![0.1, -0.0, 3.0, 4.0]), "positions");
    assert_eq!(data.feature_names, Some(list("x y")), "axes");
    assert_eq!((data.labels.expect("labels").text(1), data.ids), ("b", Some(ids.clone())), "company");
    let mut file = Vec::new();
    MapTable::new(&[0.1_f64, 5e-324, 1e300], 3, None, None).write_parquet(&mut file).expect("writes");
    let data = read(&file, &ReadOptions::default()).expect("reads");
    assert_eq!(f64s(&data), [0.1, 5e-324, 1e300], "double precision");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]
    #[test]
    fn any_damage_is_judged(
        file in prop::sample::select(vec![TYPES, LISTS, BYTES, ENCODINGS, ARRAY, GAPS]),
        at in any::<prop::sample::Index>(),
        byte in any::<u8>(),
    ) {
        let mut bytes = file.to_vec();
        let at = at.index(bytes.len());
        bytes[at] = byte;
        for options in [columns("i8 u16 i64 f16 f32 f64 flag"), ReadOptions::default()] {
            if let Err(e) = read(&bytes, &options) {
                prop_assert!(["E101", "E103", "E104", "E107", "E114"].contains(&e.code()), "{}: {e}", e.code());
            }
        }
    }
}
