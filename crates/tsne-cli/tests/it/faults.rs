//! Every fault that a file or a flag can have: exit status, code, place, remedy, and no file left behind.

use std::process::Command;

use crate::{Directory, two_groups};

/// Runs `tsne fit` on `content` under the name `name` and asserts how it fails: the three lines, the status that goes
/// with the code, and that no output, whole or in part, appears.
fn check(name: &str, content: impl AsRef<[u8]>, flags: &str, expected: [&str; 3]) {
    let directory = Directory::with(name, content);
    let outcome = directory.tsne(&format!("fit {name} -o map.csv -o map.png --progress none {flags}"));
    let lines: Vec<&str> = outcome.stderr.lines().collect();
    let error = lines.iter().position(|line| line.starts_with("error")).expect("an error is reported");
    let [what, place, help] = lines[error..] else { panic!("three lines: {}", outcome.stderr) };
    let status = match expected[0].as_bytes() {
        [b'E', b'1' | b'2', ..] => 3,
        [b'E', b'6', ..] => 7,
        _ => panic!("no status is known for {}", expected[0]),
    };
    assert_eq!(outcome.status, Some(status), "{name} {flags}: {}", outcome.stderr);
    assert!(what.starts_with(&format!("error {}", expected[0])), "{what:?} begins with {:?}", expected[0]);
    assert!(place.starts_with("  ") && place.contains(expected[1]), "{place:?} names {:?}", expected[1]);
    assert!(help.starts_with("  help: ") && help.contains(expected[2]), "{help:?} says {:?}", expected[2]);
    assert_eq!(directory.names(), [name], "a failed run leaves no file");
}

#[test]
fn empty_files() {
    check("d.csv", "", "", ["E101: the file is empty", "d.csv", "at least two rows"]);
    check("d.csv", "\n \n", "", ["E101: the file is empty", "d.csv", "at least two rows"]);
    check("d.npy", "", "", ["E107: the file ends within the header", "d.npy", "complete"]);
}

#[test]
fn a_header_and_nothing_else() {
    check(
        "d.csv",
        "a,b\n",
        "",
        ["E101: there is a header of 2 columns but no row", "d.csv", "at least two rows"],
    );
}

#[test]
fn one_row() {
    check("d.csv", "a,b\n1,2\n", "", ["E102: 1 sample", "d.csv", ""]);
}

#[test]
fn no_numeric_column() {
    check("d.csv", "kind\na\nb\n", "--label kind", ["E101: no numeric column is left", "d.csv", "--label"]);
}

#[test]
fn a_text_cell() {
    let expected = [
        "E104: column 2 (kind) is not numeric: it holds \"setosa\"",
        "d.csv: line 2, column 2 (kind)",
        "--label kind",
    ];
    check("d.csv", "x,kind\n1,setosa\n2,setosa\n", "", expected);
    let expected =
        ["E104: column 1 (x) is not numeric: it holds \"1.2.3\"", "d.csv: line 4, column 1 (x)", "--drop x"];
    check("d.csv", "x,y\n1,2\n\n1.2.3,4\n", "", expected);
}

#[test]
fn an_empty_cell() {
    let expected = ["E103: 1 missing or non-finite value", "d.csv: line 3, column 1 (x) = \"\"", "--drop"];
    check("d.csv", "x,y\n1,2\n,4\n5,6\n", "", expected);
}

#[test]
fn nan_and_infinity() {
    let expected = [
        "E103: 3 missing or non-finite values",
        "d.csv: line 2, column 2 (y) = \"nan\"; line 3, column 1 (x) = \"inf\"; line 4, column 2 (y) = \"-Infinity\"",
        "--missing drop",
    ];
    check("d.csv", "x,y\n1,nan\ninf,4\n5,-Infinity\n", "", expected);
    let mut npy = npy_header("<f8", "(2, 2)");
    for x in [1.0, f64::NAN, f64::INFINITY, 2.0] {
        npy.extend(f64::to_le_bytes(x));
    }
    let expected = [
        "E103: 2 missing or non-finite values",
        "d.npy: row 0 (counted from 0), column 2 = \"NaN\"; row 1 (counted from 0), column 1 = \"inf\"",
        "--missing drop",
    ];
    check("d.npy", npy, "", expected);
}

#[test]
fn a_ragged_row() {
    let expected = ["E107: a row has 3 fields where 2 are expected", "d.csv: line 3", "--delimiter"];
    check("d.csv", "x,y\n1,2\n3,4,5\n6,7\n", "", expected);
}

#[test]
fn columns_that_are_not_there() {
    let expected = ["E114: there is no column \"kind\"", "d.csv", "did you mean \"Kind\"?"];
    check("d.csv", "x,Kind\n1,2\n3,4\n", "--label kind", expected);
    check(
        "d.csv",
        "x,y\n1,2\n3,4\n",
        "--drop 3",
        ["E114: there is no column \"3\"", "d.csv", "counted from 1"],
    );
    let expected = ["E114: the name \"x\" belongs to 2 columns: 1, 2", "d.csv", "by its number"];
    check("d.csv", "x,x\n1,2\n3,4\n", "--id x", expected);
}

/// The start of an NPY file, up to its data.
fn npy_header(descr: &str, shape: &str) -> Vec<u8> {
    let text = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}\n");
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend(u16::try_from(text.len()).expect("short").to_le_bytes());
    bytes.extend(text.as_bytes());
    bytes
}

#[test]
fn arrays_that_are_no_matrix_of_numbers() {
    let array =
        |descr: &str, shape: &str, n_bytes: usize| [npy_header(descr, shape), vec![0; n_bytes]].concat();
    check(
        "d.npy",
        array("|O", "(1, 2)", 16),
        "",
        ["E104: the array's elements are not numbers", "d.npy", "astype"],
    );
    check(
        "d.npy",
        array("<c8", "(1, 2)", 16),
        "",
        ["E105: the array holds complex", "d.npy", "columns of their own"],
    );
    let expected = ["E106: the array is not a matrix: its shape is (4,)", "d.npy", "reshape"];
    check("d.npy", array("<f4", "(4,)", 16), "", expected);
}

#[test]
fn truncated_and_lying_numpy_headers() {
    let whole = [npy_header("<f8", "(3, 2)"), vec![0; 48]].concat();
    let expected = ["E107: the header declares 48 bytes of data", "d.npy", "complete"];
    check("d.npy", &whole[..whole.len() - 1], "", expected);
    check("d.npy", &whole[..40], "", ["E107: the file ends within the header", "d.npy", "complete"]);
    let lying = npy_header("<f8", "(1000000000, 1000)");
    check("d.npy", lying, "", ["E107: the header declares 8000000000000 bytes", "d.npy", "complete"]);
}

/// 8 TB of data claimed in one file, 4 GiB of header in another: both are refused by a process that may have 1 GiB.
#[test]
#[cfg(unix)]
fn lying_headers_are_refused_without_taking_memory() {
    for (content, code) in [
        (npy_header("<f8", "(1000000000, 1000)"), "E107"),
        (b"\x93NUMPY\x02\x00\xff\xff\xff\xff".to_vec(), "E107"),
    ] {
        let directory = Directory::with("d.npy", content);
        let output = Command::new("sh")
            .arg("-c")
            .arg("ulimit -v 1048576 && exec \"$0\" fit d.npy -o map.csv --n-jobs 1")
            .arg(env!("CARGO_BIN_EXE_tsne"))
            .current_dir(&directory.0)
            .output()
            .expect("a shell runs");
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!((output.status.code(), stderr.contains(code)), (Some(3), true), "{stderr}");
    }
}

#[test]
fn parameters_out_of_range() {
    let data = two_groups(10);
    for (flags, expected) in [
        ("--perplexity 0", ["E202: ", "--perplexity", ""]),
        ("--perplexity -3", ["E202: ", "--perplexity", ""]),
        ("--perplexity nan", ["E202: ", "--perplexity", ""]),
        ("--perplexity inf", ["E202: ", "--perplexity", ""]),
        ("--perplexity 30 --strict", ["E202: ", "", ""]),
        ("--learning-rate -1", ["E205: ", "--learning-rate", ""]),
        ("--learning-rate nan", ["E205: ", "--learning-rate", ""]),
        ("--early-exaggeration 0", ["E205: ", "--early-exaggeration", ""]),
        ("--initial-momentum 2", ["E205: ", "--initial-momentum", ""]),
        ("--max-step-norm 0", ["E205: ", "--max-step-norm", ""]),
        ("--theta 2", ["E205: ", "--theta", ""]),
        ("--n-interpolation-points 0", ["E205: ", "--n-interpolation-points", ""]),
        ("--min-num-intervals 0", ["E205: ", "--min-num-intervals", ""]),
        ("--ints-in-interval 0", ["E205: ", "--ints-in-interval", ""]),
        ("--perplexity 5 --theta 0.5 --strict", ["E207: --theta belongs to", "--theta", "method bh"]),
        ("--dof 0", ["E205: ", "--dof", ""]),
        ("--n-jobs 0", ["E206: ", "--n-jobs", ""]),
        ("--n-components 4", ["E203: ", "--n-components", "1, 2 or 3"]),
        ("--metric cosin", ["E201: ", "--metric", ""]),
        ("--neighbors exat", ["E201: ", "--neighbors", "did you mean exact"]),
        ("--negative-gradient-method exat", ["E201: ", "--negative-gradient-method", "did you mean exact"]),
        ("--initialization pcs", ["E201: ", "--initialization", "did you mean pca"]),
        ("--initialization nothing.npy", ["E601: ", "nothing.npy", ""]),
    ] {
        check("d.csv", &data, &format!("--label group {flags}"), expected);
    }
}

#[test]
fn initial_positions_that_do_not_fit() {
    let data = "x,y\n1,2\n3,4\n5,6\n";
    let directory = Directory::with("d.csv", data);
    for (positions, expected) in [
        ("0,0\n1,1\n", "error E208: initial positions of shape (2, 2) for a map of shape (3, 2)"),
        ("0\n1\n2\n", "error E208: initial positions of shape (3, 1) for a map of shape (3, 2)"),
        ("0,0\n1,nan\n2,2\n", "error E209: 1 missing or non-finite value"),
    ] {
        std::fs::write(directory.0.join("start.csv"), positions).expect("writes");
        let outcome = directory.tsne("fit d.csv -o map.csv -q --initialization start.csv");
        assert_eq!(outcome.status, Some(3), "{}", outcome.stderr);
        assert!(outcome.stderr.starts_with(expected), "{}", outcome.stderr);
    }
}

#[test]
fn mistakes_on_the_command_line_are_usage_errors() {
    let directory = Directory::with("d.csv", two_groups(10));
    for args in [
        "fit d.csv -o map.csv --perplexty 30",
        "fit d.csv -o map.csv --perplexity many",
        "fit d.csv -o map.csv --pca many",
        "fit d.csv -o map.csv --precision f16",
        "fit d.csv -o map.csv --header --no-header",
        "fit d.csv -o map.csv -q -v",
        "fit d.csv -o map.csv --delimiter ab",
        "fit d.csv",
        "fit",
        "",
    ] {
        let outcome = directory.tsne(args);
        assert_eq!(outcome.status, Some(2), "tsne {args}: {}", outcome.stderr);
        assert!(outcome.stderr.contains("--help") || outcome.stderr.contains("Usage:"), "{}", outcome.stderr);
    }
    assert!(
        directory.tsne("fit d.csv -o m.csv --perplexty 3").stderr.contains("--perplexity"),
        "the nearest flag"
    );
    assert_eq!(directory.names(), ["d.csv"], "nothing was written");
}

#[test]
fn inputs_that_cannot_be_read() {
    check("d.csv", "", "--drop 1 --initialization pca", ["E101", "d.csv", ""]);
    let directory = Directory::new();
    let outcome = directory.tsne("fit none.csv -o map.csv");
    assert_eq!(outcome.status, Some(7), "{}", outcome.stderr);
    assert!(
        outcome.stderr.starts_with("error E601: the file does not exist\n  none.csv\n"),
        "{}",
        outcome.stderr
    );
    let outcome = directory.tsne("fit d.xlsx -o map.csv");
    assert_eq!(outcome.status, Some(3), "{}", outcome.stderr);
    assert!(
        outcome.stderr.starts_with("error E201: files of this kind cannot be read"),
        "{}",
        outcome.stderr
    );
    std::fs::create_dir(directory.0.join("d.csv")).expect("creates");
    let outcome = directory.tsne("fit d.csv -o map.csv");
    assert_eq!(outcome.status, Some(7), "{}", outcome.stderr);
    assert!(outcome.stderr.starts_with("error E602: "), "{}", outcome.stderr);
}

/// The input does not exist, and yet the output is what is complained of: it is looked at first.
#[test]
fn outputs_that_cannot_be_written_are_found_before_the_input_is_read() {
    let directory = Directory::with("old.csv", "precious");
    for (output, status, what) in [
        ("no/such/map.csv", 7, "error E603: the output cannot be written"),
        ("old.csv", 7, "error E604: the output exists already\n  old.csv\n  help: overwrite it with --force"),
        ("map.bmp", 3, "error E201: unknown kind of output: \"bmp\""),
        ("map", 3, "error E201: unknown kind of output: \"\""),
        ("map.csv -o ./map.csv", 3, "error E207: an output is the input, or is named twice"),
        ("no/such/map.csv --perplexity 0", 3, "error E202: "),
        ("none.csv --force", 3, "error E207: an output is the input, or is named twice"),
    ] {
        let outcome = directory.tsne(&format!("fit none.csv -o {output}"));
        assert_eq!(outcome.status, Some(status), "{output}: {}", outcome.stderr);
        assert!(outcome.stderr.starts_with(what), "{output}: {}", outcome.stderr);
    }
    assert_eq!(directory.names(), ["old.csv"], "nothing was written");
    assert_eq!(directory.text("old.csv"), "precious", "the old file is as it was");
}
