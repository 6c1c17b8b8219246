//! Tables: dialects that are understood, and every fault by line and column.

use proptest::prelude::*;
use tsne_io::{Dataset, Error, ReadOptions, read_table};

use crate::f64s;

fn read(text: &str) -> Result<Dataset, Error> {
    read_table(text.as_bytes(), &ReadOptions::default())
}

fn labelled(text: &str, label: &str) -> Result<Dataset, Error> {
    read_table(text.as_bytes(), &ReadOptions { label: Some(label.into()), ..ReadOptions::default() })
}

/// Code, message, place and help of the error that reading `text` gives.
fn fault(text: &str) -> (&'static str, String, String, String) {
    let e = read(text).expect_err("the table is faulty");
    (e.code(), e.to_string(), e.place().unwrap_or_default(), e.help())
}

#[test]
fn dialects_give_the_same_numbers() {
    let plain = read("a,b\n1,2.5\n-3,4e1\n").expect("a plain table");
    assert_eq!((plain.features.n_rows(), plain.features.n_features()), (2, 2), "two rows of two");
    assert_eq!(f64s(&plain), [1.0, 2.5, -3.0, 40.0], "values in row order");
    assert_eq!(plain.feature_names.as_deref(), Some(&["a".to_owned(), "b".to_owned()][..]), "names");
    for (what, text) in [
        ("tabs", "a\tb\n1\t2.5\n-3\t4e1\n"),
        ("semicolons", "a;b\n1;2.5\n-3;4e1\n"),
        ("bars", "a|b\n1|2.5\n-3|4e1\n"),
        ("spaces", "a b\n1 2.5\n-3 4e1\n"),
        ("no last line break", "a,b\n1,2.5\n-3,4e1"),
        ("carriage returns", "a,b\r\n1,2.5\r\n-3,4e1\r\n"),
        ("old line breaks", "a,b\r1,2.5\r-3,4e1\r"),
        ("byte-order mark", "\u{feff}a,b\n1,2.5\n-3,4e1\n"),
        ("blank lines", "\n\na,b\n\n1,2.5\n\n-3,4e1\n\n\n"),
        ("quotes", "\"a\",\"b\"\n\"1\",\"2.5\"\n-3,\"4e1\"\n"),
        ("padding", " a , b\n 1 , 2.5\n-3,  4e1\n"),
    ] {
        let data = read(text).unwrap_or_else(|e| panic!("{what}: {e}"));
        assert_eq!(data.features, plain.features, "{what}");
        assert_eq!(data.feature_names, plain.feature_names, "{what}");
    }
    let bare = read("1,2.5\n-3,4e1\n").expect("no header");
    assert_eq!((bare.features, bare.feature_names), (plain.features, None), "no header");
    assert_eq!(bare.format.to_string(), "comma-separated text without a header", "the guess is reported");
}

#[test]
fn options_win_over_guesses() {
    let options = ReadOptions { has_header: Some(true), ..ReadOptions::default() };
    let data = read_table(&b"1,2\n3,4\n"[..], &options).expect("reads");
    assert_eq!(data.feature_names.expect("a header"), ["1", "2"], "the first line was said to be a header");
    let options = ReadOptions { delimiter: Some(b':'), ..ReadOptions::default() };
    let data = read_table(&b"1:2\n3:4\n"[..], &options).expect("reads");
    assert_eq!(f64s(&data), [1.0, 2.0, 3.0, 4.0], "the delimiter was given");
}

#[test]
fn columns_are_set_aside_by_name_or_number() {
    let text = "key,x,kind,y,junk\nr1,1,\"a, b\",2,?\nr2,3,c,4,text\nr3,5,\"a, b\",6,\n";
    let options = |id: &str, label: &str, drop: &str| ReadOptions {
        id: Some(id.into()),
        label: Some(label.into()),
        drop: vec![drop.into()],
        ..ReadOptions::default()
    };
    let by_name = read_table(text.as_bytes(), &options("key", "kind", "junk")).expect("by name");
    assert_eq!(f64s(&by_name), [1.0, 2.0, 3.0, 4.0, 5.0, 6.0], "the features are left");
    assert_eq!(by_name.feature_names.as_deref().expect("names"), ["x", "y"], "their names too");
    let labels = by_name.labels.as_ref().expect("labels");
    assert_eq!(
        (labels.name(), labels.classes()),
        ("kind", &["a, b".to_owned(), "c".to_owned()][..]),
        "classes"
    );
    assert_eq!(labels.codes(), [0, 1, 0], "a class per row");
    assert_eq!(by_name.ids.as_deref().expect("ids"), ["r1", "r2", "r3"], "ids");
    let by_number = read_table(text.as_bytes(), &options("1", "3", "5")).expect("by number");
    assert_eq!(by_number, by_name, "numbers count from 1");
}

#[test]
fn features_are_chosen_by_lists_and_ranges() {
    let text = "a,b-c,d,e,f\n1,2,3,4,5\n6,7,8,9,10\n";
    for (columns, drop, names) in [
        (&["a", "e"][..], &[][..], &["a", "e"][..]),
        (&["2-4"], &[], &["b-c", "d", "e"]),
        (&["b-c"], &[], &["b-c"]),
        (&["b-c-e"], &["d"], &["b-c", "e"]),
        (&[], &["d-f"], &["a", "b-c"]),
    ] {
        let list = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
        let options = ReadOptions { columns: list(columns), drop: list(drop), ..ReadOptions::default() };
        let data = read_table(text.as_bytes(), &options).expect("reads");
        assert_eq!(data.feature_names.expect("names"), names, "columns {columns:?} without {drop:?}");
    }
    for wanted in ["4-2", "a-", "-3", "1-9", "x-y"] {
        let options = ReadOptions { columns: vec![wanted.to_owned()], ..ReadOptions::default() };
        let e = read_table(text.as_bytes(), &options).expect_err("no such columns");
        assert_eq!(e.code(), "E114", "{wanted}");
    }
}

#[test]
fn a_column_that_is_named_makes_the_first_line_a_header() {
    let data = labelled("0,1,kind\n5,6,a\n7,8,b\n", "kind").expect("reads");
    assert_eq!(f64s(&data), [5.0, 6.0, 7.0, 8.0], "the first line names the columns");
}

#[test]
fn columns_that_do_not_exist_or_are_not_unique_are_refused() {
    let e = labelled("a,Kind\n1,2\n3,4\n", "kind").expect_err("no such column");
    assert_eq!(e.code(), "E114", "column not found");
    assert!(e.help().contains("did you mean \"Kind\"?"), "{}", e.help());
    for wanted in ["0", "3", ""] {
        assert_eq!(labelled("a,b\n1,2\n3,4\n", wanted).expect_err("refused").code(), "E114", "{wanted:?}");
    }
    let e = labelled("a,b,a\n1,2,3\n4,5,6\n", "a").expect_err("two columns of that name");
    assert_eq!(
        (e.code(), e.to_string().as_str()),
        ("E114", "the name \"a\" belongs to 2 columns: 1, 3"),
        "numbers"
    );
    assert!(
        labelled("a,b,a\n1,2,3\n4,5,6\n", "3").is_ok(),
        "a number is unique, and repeated names alone are no fault"
    );
}

#[test]
fn files_without_data_say_what_they_lack() {
    for text in ["", " \n\n ", "\u{feff}", "\r\n"] {
        assert_eq!(fault(text).1, "the file is empty", "{text:?}");
    }
    let (code, what, ..) = fault("a,b,c\n");
    assert_eq!((code, &*what), ("E101", "there is a header of 3 columns but no row of data"), "header only");
    let e = labelled("kind\na\nb\n", "kind").expect_err("no features");
    assert_eq!(e.code(), "E101", "{e}");
    assert_eq!(read("1,2\n").expect("one row is for the pipeline to judge").features.n_rows(), 1, "one row");
}

#[test]
fn a_text_cell_is_named_with_what_to_do() {
    let (code, what, place, help) = fault("length,species\n5.1,setosa\n4.9,setosa\n");
    assert_eq!(code, "E104", "not numeric");
    assert_eq!(what, "column 2 (species) is not numeric: it holds \"setosa\"", "what");
    assert_eq!(place, "line 2, column 2 (species)", "where");
    assert_eq!(help, "color by it with --label species, or leave it out with --drop species", "help");

    let (_, _, place, _) = fault("a,b\n1,2\n\n3,oops\n");
    assert_eq!(place, "line 4, column 2 (b)", "blank lines count as lines");
    let (_, _, place, help) = fault("1,2\n3,oops\n4,5\n");
    assert_eq!(
        (&*place, help.contains("--label 2")),
        ("line 2, column 2", true),
        "without a header, by number"
    );
    let (_, _, place, help) = fault("oops,2.5\n3,4\n5,6\n");
    assert_eq!(
        (&*place, help.contains("--header")),
        ("line 1, column 1", true),
        "a damaged first row is not lost"
    );
    let (_, _, _, help) = fault("a;b\n1,5;2,5\n");
    assert!(help.contains("decimal points"), "{help}");
}

#[test]
fn missing_and_non_finite_cells_are_counted_and_the_first_five_listed() {
    let (code, what, place, _) = fault("a,b\n1,\n2,NaN\n-inf,3\n");
    assert_eq!(
        (code, &*what),
        ("E103", "3 missing or non-finite values in numeric columns"),
        "all are counted"
    );
    assert_eq!(
        place, "line 2, column 2 (b) = \"\"; line 3, column 2 (b) = \"NaN\"; line 4, column 1 (a) = \"-inf\"",
        "each is named"
    );
    let (_, what, place, _) = fault("a,b\n1,NA\n1,NA\n1,NA\n1,NA\n1,NA\n1,NA\n1,1e999\n");
    assert!(
        what.starts_with('7') && place.ends_with("line 6, column 2 (b) = \"NA\"; and 2 more"),
        "{what}: {place}"
    );
}

#[test]
fn ragged_rows_are_named() {
    let (code, what, place, _) = fault("a,b\n1,2\n3\n4,5\n");
    assert_eq!(
        (code, &*what, &*place),
        ("E107", "a row has 1 fields where 2 are expected", "line 3"),
        "short"
    );
    let (_, what, place, _) = fault("a,b\n1,2\n3,4,5\n");
    assert_eq!((&*what, &*place), ("a row has 3 fields where 2 are expected", "line 3"), "long");
    let (_, _, _, help) = fault("a,b\nr1,1,2\nr2,3,4\n");
    assert!(help.contains("row names"), "a header one field short: {help}");
    let (_, _, place, help) = fault("a,b,c\n1,2,3\n3,\"4,5\n5,6,7\n7,8,9\n");
    assert_eq!(
        (&*place, help.contains("quotation mark")),
        ("lines 3 to 6", true),
        "a quote never closed: {help}"
    );
    let (code, _, place, help) = fault("a,b\n1,2\n3,\"4\n5,6\n7,8\n");
    assert_eq!((code, &*place), ("E104", "line 3, column 2 (b)"), "a quote never closed in the last column");
    assert!(help.contains("quotation mark"), "{help}");
}

#[test]
fn other_kinds_of_file_are_recognized() {
    for (bytes, kind) in [
        (&b"PK\x03\x04...."[..], "ZIP"),
        (b"\xff\xfea\x00,\x00", "UTF-16"),
        (b"\x93NUMPY\x01\x00", "numpy"),
        (b"PAR1....", "Parquet"),
        (b"1,2\n3,\x00\n", "zero byte"),
    ] {
        let e = read_table(bytes, &ReadOptions::default()).expect_err("no table");
        assert!(e.code() == "E107" && e.to_string().contains(kind), "{kind}: {e}");
    }
    let e = labelled("x,kind\n1,a\n2,b\n", "kind").map(|_| ());
    assert!(e.is_ok(), "labels in UTF-8 are text");
    let options = ReadOptions { label: Some("kind".into()), ..ReadOptions::default() };
    let e = read_table(&b"x,kind\n1,a\n2,\xe9t\xe9\n"[..], &options).expect_err("Latin-1");
    assert_eq!((e.code(), e.place().as_deref()), ("E107", Some("line 3")), "{e}");
}

#[test]
fn large_integers_are_counted_when_rounded() {
    let data = read("a\n9007199254740993\n1\n").expect("reads");
    assert_eq!(data.n_rounded_integers, 1, "2^53 + 1 has no f64");
}

#[test]
fn a_wide_table_larger_than_the_sample_is_read() {
    let header: Vec<String> = (0..60_000).map(|i| format!("gene_{i}")).collect();
    let row = vec!["0.25"; 60_000].join(",");
    let text = format!("{}\n{row}\n{row}\n", header.join(","));
    let data = read(&text).expect("reads");
    assert_eq!(
        (data.features.n_rows(), data.features.n_features()),
        (2, 60_000),
        "the first line exceeds the sample"
    );
}

proptest! {
    /// Any finite numbers survive the trip through text in any dialect.
    #[test]
    fn numbers_survive(
        rows in prop::collection::vec(prop::collection::vec(prop::num::f64::NORMAL | prop::num::f64::ZERO, 3), 1..20),
        delimiter in prop::sample::select(vec![",", "\t", ";", "|", " "]),
        newline in prop::sample::select(vec!["\n", "\r\n"]),
    ) {
        let line = |row: &Vec<f64>| row.iter().map(f64::to_string).collect::<Vec<_>>().join(delimiter);
        let text = rows.iter().map(line).collect::<Vec<_>>().join(newline);
        let data = read(&text).map_err(|e| TestCaseError::fail(format!("{text:?}: {e}")))?;
        prop_assert_eq!(f64s(&data), &rows.concat()[..]);
    }

    /// Any bytes give a table or an error, with a code and a remedy, and never a panic.
    #[test]
    fn any_bytes_are_judged(bytes in prop::collection::vec(prop::sample::select(b"01.,;\"\n\r\t -eaN\xff|".to_vec()), 0..60)) {
        if let Err(e) = read_table(&bytes[..], &ReadOptions::default()) {
            prop_assert!(e.code().starts_with('E') && !e.help().is_empty() && !e.to_string().is_empty());
        }
    }
}
