//! Faults that people have met in programs of this kind, one by one; `docs/faults.md` says which test answers which.

use std::fs;
use std::path::Path;

use tsne_io::{Compression, NpzWriter, write_npy};

use crate::{Directory, positions, two_groups};

const QUICK: &str = "--n-iter 20 --early-exaggeration-iter 20 --perplexity 5";

/// Writes a file into a directory.
fn put(directory: &Directory, name: &str, content: impl AsRef<[u8]>) {
    fs::write(directory.0.join(name), content).expect("the directory is writable");
}

/// Runs `tsne`, which must end with this status and begin its error with this.
fn refused(directory: &Directory, args: &str, status: i32, error: &str) {
    let outcome = directory.tsne(args);
    assert_eq!(outcome.status, Some(status), "tsne {args}: {}", outcome.stderr);
    let line = outcome.stderr.lines().find(|line| line.starts_with("error")).expect("an error is told");
    assert!(line.starts_with(&format!("error {error}")), "tsne {args}: {line}");
}

/// Asserts that the map in a table has so many rows, all of them finite.
fn finite(directory: &Directory, name: &str, n_rows: usize) {
    let map = positions(&directory.text(name));
    assert!(map.len() == n_rows && map.iter().flatten().all(|x| x.is_finite()), "{name}: {map:?}");
}

/// Divergence and attained perplexities of a run.
fn report(directory: &Directory, name: &str) -> serde_json::Value {
    serde_json::from_slice(&directory.read(name)).expect("JSON")
}

#[test]
fn nothing_that_is_not_finite_comes_in_by_another_door() {
    let directory = Directory::with("d.csv", two_groups(20));
    directory.made(&format!("fit d.csv -o m.tsne --label group -q {QUICK}"));
    put(&directory, "nan.csv", "a,b,c\n1,2,3\n1,nan,3\n1,2,inf\n");
    refused(&directory, "transform m.tsne nan.csv -o t.csv", 3, "E103: 2 missing or non-finite values");
    put(&directory, "empty.csv", "a,b,c\n");
    refused(&directory, "transform m.tsne empty.csv -o t.csv", 3, "E101: ");
    put(&directory, "distances.csv", "0,1,nan\n1,0,2\nnan,2,0\n");
    refused(&directory, "fit distances.csv --metric precomputed -o t.csv", 3, "E103: ");
    let head = "%%MatrixMarket matrix coordinate real";
    put(&directory, "graph.mtx", format!("{head} general\n3 3 3\n1 2 nan\n2 3 1\n3 1 1\n"));
    put(&directory, "p.mtx", format!("{head} symmetric\n3 3 2\n2 1 inf\n3 1 1\n"));
    for flag in ["--graph graph.mtx", "--affinities p.mtx"] {
        let outcome = directory.tsne(&format!("fit {flag} -o t.csv"));
        let is_named = outcome.stderr.contains("error E113: ") || outcome.stderr.contains("error E103: ");
        assert!(outcome.status == Some(3) && is_named, "{flag}: {}", outcome.stderr);
    }
    put(&directory, "start.csv", "0,0\n1,inf\n");
    refused(&directory, "fit d.csv --label group --initialization start.csv -o t.csv", 3, "E209: ");
    assert!(!directory.names().contains(&"t.csv".to_owned()), "nothing was written");
}

#[test]
fn the_diagonal_of_distances_is_not_looked_at() {
    let directory = Directory::new();
    let matrix = |diagonal: f64| -> String {
        let row = |i: i32| -> String {
            let cells: Vec<String> = (0..20)
                .map(|j| if i == j { diagonal.to_string() } else { (i - j).pow(2).to_string() })
                .collect();
            cells.join(",") + "\n"
        };
        (0..20).map(row).collect()
    };
    put(&directory, "zero.csv", matrix(0.0));
    put(&directory, "seven.csv", matrix(7.0));
    for name in ["zero", "seven"] {
        directory.made(&format!("fit {name}.csv --metric precomputed -o {name}.npy -q {QUICK}"));
    }
    assert_eq!(directory.read("seven.npy"), directory.read("zero.npy"), "the same map");
}

/// An NPY file of 40 rows of three numbers: `element` writes one, `order` says by row and column where it stands.
fn array(descr: &str, is_fortran: bool, element: impl Fn(u8) -> Vec<u8>) -> Vec<u8> {
    let order = if is_fortran { "True" } else { "False" };
    let header = format!("{{'descr': '{descr}', 'fortran_order': {order}, 'shape': (40, 3), }}\n");
    let mut file = b"\x93NUMPY\x01\x00".to_vec();
    file.extend(u16::try_from(header.len()).expect("short").to_le_bytes());
    file.extend(header.as_bytes());
    let value = |row: u8, column: u8| (row * 3 + column).wrapping_mul(37) % 101;
    match is_fortran {
        true => (0..3).for_each(|c| (0..40).for_each(|r| file.extend(element(value(r, c))))),
        false => (0..40).for_each(|r| (0..3).for_each(|c| file.extend(element(value(r, c))))),
    }
    file
}

#[test]
fn every_type_and_layout_of_an_array_gives_the_same_map() {
    let directory = Directory::new();
    let map = |name: &str, file: Vec<u8>| {
        put(&directory, name, file);
        directory.made(&format!("fit {name} -o {name}.map.npy -q {QUICK}"));
        directory.read(&format!("{name}.map.npy"))
    };
    let plain = map("f8.npy", array("<f8", false, |x| f64::from(x).to_le_bytes().to_vec()));
    for (name, file) in [
        ("fortran.npy", array("<f8", true, |x| f64::from(x).to_le_bytes().to_vec())),
        ("big-endian.npy", array(">f8", false, |x| f64::from(x).to_be_bytes().to_vec())),
        ("i1.npy", array("|i1", false, |x| vec![x])),
        ("u2.npy", array("<u2", true, |x| u16::from(x).to_le_bytes().to_vec())),
        ("i4.npy", array(">i4", true, |x| i32::from(x).to_be_bytes().to_vec())),
        ("u8.npy", array("<u8", false, |x| u64::from(x).to_le_bytes().to_vec())),
    ] {
        assert_eq!(map(name, file), plain, "{name}");
    }
    let single = map("f4.npy", array("<f4", false, |x| f32::from(x).to_le_bytes().to_vec()));
    assert_eq!(
        map("f4f.npy", array("<f4", true, |x| f32::from(x).to_le_bytes().to_vec())),
        single,
        "single precision"
    );
    map("bool.npy", array("|b1", false, |x| vec![x % 2]));
}

#[test]
fn sparse_matrices_are_brought_into_order() {
    let directory = Directory::new();
    let (mut ordered, mut mixed) = (String::new(), String::new());
    for row in 1..=30 {
        ordered += &format!("{row} 1 {}\n{row} 3 {}\n", row * 7 % 11 + 1, row * 5 % 13 + 1);
        // The second entry first, the first in two halves, and a zero that is spelled out.
        let half = f64::from(row * 7 % 11 + 1) / 2.0;
        mixed += &format!("{row} 3 {}\n{row} 1 {half}\n{row} 2 0\n{row} 1 {half}\n", row * 5 % 13 + 1);
    }
    let head = "%%MatrixMarket matrix coordinate real general";
    put(&directory, "ordered.mtx", format!("{head}\n30 3 60\n{ordered}"));
    put(&directory, "mixed.mtx", format!("{head}\n30 3 120\n{mixed}"));
    directory.made(&format!("fit ordered.mtx -o ordered.npy -q {QUICK}"));
    directory.made(&format!("fit mixed.mtx -o mixed.npy -q {QUICK}"));
    assert_eq!(directory.read("mixed.npy"), directory.read("ordered.npy"), "the same map");
    refused(
        &directory,
        "fit ordered.mtx -o x.csv --scale standard",
        3,
        "E207: sparse data cannot be standardized",
    );
}

#[test]
fn few_rows_with_any_messages() {
    for n in [2, 3, 4, 5, 7, 20] {
        let rows: String = (0..n).map(|i| format!("{},-{i}\n", i * i)).collect();
        let directory = Directory::with("d.csv", format!("a,b\n{rows}"));
        for flags in
            ["-q", "-v", "-vv", "--progress plain", "--progress json", "--callbacks-every-iters 1 -vv"]
        {
            let fit = "fit d.csv -o m.csv -o m.png -o m.json --force --n-iter 5 --early-exaggeration-iter 5";
            directory.made(&format!("{fit} {flags}"));
            finite(&directory, "m.csv", n);
        }
        for start in ["spectral", "random"] {
            directory.made(&format!("fit d.csv -o m.csv --force -q --initialization {start}"));
            finite(&directory, "m.csv", n);
        }
    }
}

#[test]
fn a_far_outlier_has_the_perplexity_asked_for() {
    let mut rows = two_groups(60).replace(",left", "").replace(",right", "").replace(",group", "");
    rows += "1e7,-3e7,2e7\n";
    let directory = Directory::with("d.csv", rows);
    directory.made("fit d.csv -o m.csv -o m.json -q --perplexity 20 --n-iter 10");
    let attained = &report(&directory, "m.json")["perplexity_attained"][0];
    for key in ["minimum", "maximum"] {
        let value = attained[key].as_f64().expect("a number");
        assert!((value / 20.0 - 1.0).abs() < 1e-5, "{key}: {value}");
    }
    assert_eq!(attained["n_rows_not_met"], 0, "{attained}");
}

#[test]
fn duplicates_are_no_fault_of_any_search_or_method() {
    // More copies of one row than any row has neighbors, and others.
    let rows = "5,5\n".repeat(80) + &(0..30).map(|i| format!("{},{}\n", i * i % 17, i)).collect::<String>();
    let directory = Directory::with("d.csv", format!("a,b\n{rows}"));
    let flags =
        ["exact", "annoy", "nndescent", "hnsw", "instant-distance"].map(|name| format!("--neighbors {name}"));
    let methods = ["exact", "bh", "fft"].map(|name| format!("--negative-gradient-method {name}"));
    for flag in flags.iter().chain(&methods) {
        let said =
            directory.made(&format!("fit d.csv -o m.csv -o m.json --force --progress none {QUICK} {flag}"));
        assert!(said.contains("warning W02: 7"), "{flag}: {said}");
        finite(&directory, "m.csv", 110);
        let kl = report(&directory, "m.json")["kl_divergence"].as_f64().expect("a number");
        assert!(kl >= -1e-9, "{flag}: divergence {kl}");
    }
}

#[test]
fn points_a_hair_apart_end_the_tree() {
    let rows: String =
        (0..60).map(|i| format!("{:e},{:e}\n", f64::from(i) * 1e-300, f64::from(i * i) * 1e-305)).collect();
    let directory = Directory::with("d.csv", rows);
    let start: String = (0..60).map(|i| format!("{:e},{:e}\n", f64::from(i % 3) * 1e-300, 5e-324)).collect();
    put(&directory, "start.csv", start);
    put(&directory, "same.csv", "0.5,0.5\n".repeat(60));
    for precision in ["f32", "f64"] {
        for (start, method) in [
            ("start.csv", "bh"),
            ("same.csv", "bh"),
            ("same.csv", "exact"),
            ("same.csv", "fft"),
            ("pca", "bh"),
        ] {
            let flags = format!(
                "--initialization {start} --negative-gradient-method {method} --precision {precision}"
            );
            directory.made(&format!("fit d.csv -o m.csv --force -q {QUICK} {flags}"));
            finite(&directory, "m.csv", 60);
        }
    }
}

#[test]
fn a_point_without_affinities_is_placed_and_told() {
    let directory = Directory::new();
    let entries: String = (1..20).map(|i| format!("{} {i} 1\n", i + 1)).collect();
    // Point 21 has no entry.
    put(&directory, "p.mtx", format!("%%MatrixMarket matrix coordinate real symmetric\n21 21 19\n{entries}"));
    let said =
        directory.made("fit --affinities p.mtx -o m.csv --progress none --n-iter 20 --initialization random");
    assert!(said.contains("warning W05: "), "{said}");
    finite(&directory, "m.csv", 21);
}

#[test]
fn extreme_parameters_give_a_map_or_a_reason() {
    let directory = Directory::with("d.csv", two_groups(8));
    for flags in [
        "--early-exaggeration 1000",
        "--exaggeration 1e-6",
        "--perplexity 1",
        "--dof 0.01",
        "--dof 100",
        "--final-momentum 1 --initial-momentum 1",
        "--max-step-norm 1e-12",
        "--max-grad-norm 1e-12",
        "--perplexity 1,2,4",
        "--theta 1 --negative-gradient-method bh",
        "--theta 0 --negative-gradient-method bh",
        "--n-interpolation-points 1 --negative-gradient-method fft",
        "--random-state 18446744073709551615",
    ] {
        directory.made(&format!("fit d.csv -o m.csv --label group --force -q --n-iter 50 {flags}"));
        finite(&directory, "m.csv", 16);
    }
    for (flags, error) in [
        ("--perplexity 0.5", "E202: "),
        ("--perplexity 5,nan", "E202: "),
        ("--pca 0", "E205: "),
        ("--dof inf", "E205: "),
        ("--exaggeration inf", "E205: "),
        ("--final-momentum 1.5", "E205: "),
        ("--callbacks-every-iters 0", "E205: "),
        ("--n-components 0", "E203: "),
        ("--sample 0", "E205: "),
        ("--snapshots 3", "E207: none of the outputs holds maps on the way"),
        ("--metric mahalanobis", "E201: "),
        ("--neighbors annoy --metric jaccard", "E204: "),
    ] {
        refused(&directory, &format!("fit d.csv -o x.csv --label group {flags}"), 3, error);
    }
}

#[test]
fn a_map_too_wide_for_its_mesh_goes_on_by_the_tree() {
    let directory = Directory::with("d.csv", two_groups(30));
    let start: String =
        (0..60).map(|i| format!("{},{}\n", f64::from(i) * 1e5, f64::from(i * i) * 1e3)).collect();
    put(&directory, "start.csv", start);
    let flags = "--label group --initialization start.csv --negative-gradient-method fft --progress none";
    let said = directory.made(&format!("fit d.csv -o m.csv {QUICK} {flags}"));
    assert!(said.contains("warning W06: ") && said.contains("warning W08: "), "{said}");
    finite(&directory, "m.csv", 60);
    refused(&directory, &format!("fit d.csv -o n.csv {QUICK} {flags} --strict"), 3, "E208: ");
}

#[test]
fn new_rows_are_placed_alone_and_files_stay_as_they_are() {
    let directory = Directory::with("d.csv", two_groups(30));
    directory.made(&format!("fit d.csv -o m.tsne --label group -q {QUICK}"));
    let (data, model) = (directory.read("d.csv"), directory.read("m.tsne"));
    let text = two_groups(30);
    let rows: Vec<&str> = text.lines().skip(1).take(6).collect();
    directory.made("transform m.tsne d.csv -o all.csv --label group -q");
    let all = directory.text("all.csv");
    for (row, expected) in rows.iter().zip(all.lines().skip(1)) {
        put(&directory, "one.csv", format!("a,b,c,group\n{row}\n"));
        directory.made("transform m.tsne one.csv -o one-map.csv --label group -q --force");
        assert_eq!(directory.text("one-map.csv").lines().nth(1), Some(expected), "{row} alone");
    }
    put(&directory, "far.csv", "a,b,c\n1e30,-1e30,1e30\n5,5,5\n");
    directory.made("transform m.tsne far.csv -o far-map.csv -q");
    finite(&directory, "far-map.csv", 2);
    assert!(directory.read("d.csv") == data && directory.read("m.tsne") == model, "inputs are only read");
}

#[test]
fn bombs_are_refused() {
    let directory = Directory::new();
    let mut line = Vec::new();
    Compression::Gzip.write(&vec![b'1'; 70 << 20], &mut line).expect("memory takes all");
    put(&directory, "line.csv.gz", &line);
    refused(&directory, "fit line.csv.gz -o m.csv", 3, "E107: ");
    // The size in the archive's directory is made 4 GB.
    let mut archive = NpzWriter::new(std::io::Cursor::new(Vec::new()));
    archive.array("x", &[4, 2], &[0_u8; 8]).expect("memory takes all");
    let mut file = archive.finish().expect("memory takes all").into_inner();
    let entry = file.windows(4).position(|w| w == b"PK\x01\x02").expect("a directory");
    file[entry + 25..entry + 28].fill(0xff);
    put(&directory, "size.npz", file);
    refused(&directory, "fit size.npz -o m.csv", 3, "E107: ");
}

#[test]
fn no_file_drives_the_terminal() {
    let directory = Directory::with("d.csv", "\u{1b}[31mred,b\n1,2\n3,\u{1b}]0;title\u{7}\n");
    assert!(!directory.printed("inspect d.csv").contains('\u{1b}'), "of what is inside");
    for args in ["fit d.csv -o m.csv --header", "fit d.csv -o m.csv --label \u{1b}[2J"] {
        let outcome = directory.tsne(args);
        assert_eq!(outcome.status, Some(3), "{args}: {}", outcome.stderr);
        assert!(!outcome.stderr.contains(['\u{1b}', '\u{7}']), "{args}: {:?}", outcome.stderr);
    }
    put(&directory, "ok.csv", "\u{1b}[31mred,b,kind\n1,2,\u{1b}[2J\n3,4,x\n5,6,y\n");
    let said = directory.made("fit ok.csv -o m.csv --label kind -vv --n-iter 5");
    assert!(!said.contains('\u{1b}'), "{said:?}");
    let shown = directory.printed("inspect m.csv --verify");
    assert!(!shown.contains('\u{1b}'), "{shown:?}");
}

#[test]
fn what_is_in_a_data_file_is_told() {
    let directory = Directory::with("d.csv", "a,kind,b,key\n1,x,2,k1\n3,y,,k2\n5,z,6,k3\n");
    let shown = directory.printed("inspect d.csv");
    for line in [
        "format           comma-separated text with a header",
        "n rows           3",
        "n features       2",
        "element          f64",
        "bytes of numbers 48",
        "feature names    a, b",
        "not numeric      column 2 (kind), column 4 (key)",
        "missing values   1",
    ] {
        assert!(shown.lines().any(|shown| shown == line), "{line}: {shown}");
    }
    directory.made("convert d.csv d.parquet --label kind --id key --missing drop");
    let json = directory.printed("inspect d.parquet --json");
    let json: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!(json["not_numeric"], serde_json::json!(["column 3 (kind)", "column 4 (id)"]), "{json}");
    refused(&directory, "inspect none.csv", 7, "E601: ");
    put(&directory, "odd.csv", "3,y,x\n1,2,a\n4,5,b\n");
    refused(&directory, "inspect odd.csv", 3, "E104: column 3 (x) is not numeric");
}

#[test]
fn formulas_are_passed_on_or_made_safe() {
    let directory = Directory::with("d.csv", "a,kind,key\n1,=1+1,@x\n2,+3,b\n4,-x,c\n7,y,d\n");
    directory.made("fit d.csv -o m.csv --label kind --id key -q --n-iter 5");
    assert!(directory.text("m.csv").contains(",=1+1,@x\n"), "joins must work: {}", directory.text("m.csv"));
    directory.made("fit d.csv -o s.csv --label kind --id key -q --n-iter 5 --spreadsheet-safe");
    assert!(directory.text("s.csv").contains(",'=1+1,'@x\n"), "{}", directory.text("s.csv"));
}

#[test]
fn a_column_that_numbers_the_rows_is_noticed() {
    let rows: String = (0..30).map(|i| format!("{},{}\n", 1000 + i, i * 7 % 11)).collect();
    let directory = Directory::with("d.csv", format!("row,a\n{rows}"));
    let said = directory.made(&format!("fit d.csv -o m.csv --progress none {QUICK}"));
    assert!(said.contains("warning W15: feature 1 (row) numbers the rows"), "{said}");
    let said = directory.made(&format!("fit d.csv -o n.csv --progress none --id row {QUICK}"));
    assert!(!said.contains("W15"), "{said}");
}

#[test]
fn columns_are_standardized_and_new_rows_alike() {
    let table = |scale: f64| -> String {
        let row = |i: i32| format!("{},{}\n", i * 7 % 31, f64::from(i * i % 17) * scale + 5e6);
        "a,b\n".to_owned() + &(0..60).map(row).collect::<String>()
    };
    let directory = Directory::with("d.csv", table(1.0));
    put(&directory, "e.csv", table(1024.0));
    let flags = "-q --perplexity 6 --n-iter 50";
    directory.made(&format!("fit d.csv -o d.npy -o d.tsne -o d.json --scale standard {flags}"));
    directory.made(&format!("fit e.csv -o e.npy --scale standard {flags}"));
    assert_eq!(directory.read("d.npy"), directory.read("e.npy"), "units make no difference");
    directory.made(&format!("fit d.csv -o plain.npy {flags}"));
    assert_ne!(directory.read("d.npy"), directory.read("plain.npy"), "the flag does something");
    assert!(report(&directory, "d.json")["configuration"].to_string().contains("scale = "), "and is told");
    // The nearest row of each is itself: it starts where that lies.
    directory.made("transform d.tsne d.csv -o t.npy -q --n-iter 0 --k 1");
    let (map, new) = (directory.read("d.npy"), directory.read("t.npy"));
    let same = map.chunks(8).zip(new.chunks(8)).filter(|(a, b)| a == b).count();
    assert!(same >= 55, "{same} of 60 rows start where they are, all but duplicates");
    put(&directory, "f.csv", table(1.0).replace("a,b", "b,a"));
    refused(&directory, "fit d.csv -o x.csv --metric precomputed --scale standard", 3, "E207: ");
    put(&directory, "constant.csv", "a,b\n1,7\n2,7\n3,7\n5,7\n9,7\n");
    directory.made("fit constant.csv -o c.csv -o c.tsne --scale standard -q --n-iter 5");
    put(&directory, "new.csv", "a,b\n2,1e9\n");
    directory.made("transform c.tsne new.csv -o new-map.csv -q");
    finite(&directory, "new-map.csv", 1);
    directory.printed("eval d.csv plain.npy --scale standard --k 5 --perplexity 6");
}

#[test]
fn maps_on_the_way_are_kept() {
    let directory = Directory::with("d.csv", two_groups(20));
    let flags = "--label group -q --perplexity 5 --early-exaggeration-iter 30 --n-iter 70";
    directory.made(&format!("fit d.csv -o m.npz -o m.npy -o m.ckpt -o m.html --snapshots 4 {flags}"));
    directory.made(&format!("fit d.csv -o plain.npy {flags}"));
    assert_eq!(directory.read("m.npy"), directory.read("plain.npy"), "looking changes no bit");
    let file = fs::File::open(directory.0.join("m.npz")).expect("opens");
    let mut archive = tsne_io::NpzReader::open(file).expect("an archive");
    let iterations = archive.array("iterations").expect("iterations");
    assert_eq!(iterations.values.to_f64(), [25.0, 50.0, 75.0, 100.0], "evenly spaced");
    let snapshots = archive.array("snapshots").expect("snapshots");
    assert_eq!(snapshots.shape, [4, 40, 2], "a map each");
    let all = snapshots.values.to_f64();
    let last = archive.array("x").expect("x").values.to_f64();
    assert_eq!(all[3 * 80..], last, "the last is the finished map");
    for (at, n_iter) in
        [(0, "--early-exaggeration-iter 25 --n-iter 0"), (1, "--early-exaggeration-iter 30 --n-iter 20")]
    {
        let flags = "--label group -q --perplexity 5";
        directory.made(&format!("fit d.csv -o short.npy --force {flags} {n_iter}"));
        let short =
            tsne_io::read_npy(&directory.read("short.npy")[..], None).expect("an array").values.to_f64();
        assert_eq!(all[at * 80..(at + 1) * 80], short, "the map after so many iterations");
    }
    let page = directory.text("m.html");
    for step in ["iteration 25", "iteration 50", "iteration 75", "final map"] {
        assert!(page.contains(&format!("{{\"name\":\"{step}\"}}")), "{step} can be played");
    }
    assert!(!page.contains("iteration 100"), "the finished map is there once");
    assert!(page.contains("id=\"positions-3\"") && !page.contains("id=\"positions-4\""), "positions of each");
    // The map of an archive is found beside its snapshots.
    directory.made("fit d.csv -o again.npy --label group -q --initialization m.npz --n-iter 1");
}

#[test]
fn every_kind_of_file_converts_without_losing_a_bit() {
    let numbers = [0.1, -0.0, 1e300, 5e-324, -1.0 / 3.0, 123_456_789.125, f64::MAX, f64::MIN_POSITIVE];
    let directory = Directory::new();
    let (mut wide, mut narrow, mut bytes) = (Vec::new(), Vec::new(), Vec::new());
    write_npy(&mut wide, &[4, 2], &numbers).expect("memory takes all");
    write_npy(&mut narrow, &[4, 2], &[0.1_f32, -0.0, 1e38, 1e-45, 3.0, 4.0, 5.5, f32::MAX])
        .expect("memory takes all");
    write_npy(&mut bytes, &[4, 2], &[0_u8, 255, 3, 4, 5, 6, 7, 8]).expect("memory takes all");
    for (name, file) in [("f8", &wide), ("f4", &narrow), ("u1", &bytes)] {
        put(&directory, &format!("{name}.npy"), file);
        for suffix in ["npz", "parquet", "csv", "tsv", "mtx", "csv.gz", "tsv.zst", "mtx.gz"] {
            let there = format!("{name}.{suffix}");
            let back = format!("{name}-{suffix}.npy");
            directory.made(&format!("convert {name}.npy {there}"));
            directory.made(&format!("convert {there} {back}"));
            if matches!(suffix, "npz" | "parquet") {
                assert_eq!(
                    &directory.read(&back),
                    file,
                    "{there}: bytes and single precision stay what they are"
                );
            }
            let values = |path: &str| -> Vec<u64> {
                let array = tsne_io::read_npy(&directory.read(path)[..], None).expect("an array");
                array.values.to_f64().iter().map(|x| x.to_bits()).collect()
            };
            assert_eq!(values(&back), values(&format!("{name}.npy")), "{there}: every bit");
        }
    }
    let table = "a,b,kind,key\n0.1,1e-300,\"x,\"\"y\",k1\n-0,2,é,k2\n3,4,,k3\n";
    put(&directory, "t.csv", table);
    for suffix in ["tsv", "npz", "parquet", "csv.zst"] {
        directory.made(&format!("convert t.csv t.{suffix} --label kind --id key"));
        let label = if suffix == "npz" { "label" } else { "kind" };
        directory.made(&format!("convert t.{suffix} back-{suffix}.csv --label {label} --id id"));
        let lines = |text: String| text.lines().skip(1).map(str::to_owned).collect::<Vec<_>>();
        let expected = lines(table.to_owned());
        assert_eq!(lines(directory.text(&format!("back-{suffix}.csv"))), expected, "{suffix}");
    }
    let sparse = "%%MatrixMarket matrix coordinate real general\n3 4 3\n1 2 0.1\n3 1 -1e-300\n3 4 7\n";
    put(&directory, "s.mtx", sparse);
    directory.made("convert s.mtx s.npz");
    directory.made("convert s.npz s2.mtx");
    directory.made("convert s2.mtx s2.npz");
    assert_eq!(directory.read("s2.npz"), directory.read("s.npz"), "sparse data stay sparse");
    refused(&directory, "convert s.mtx s.parquet", 3, "E207: the data are sparse");
}

#[test]
fn parquet_is_read_and_written() {
    let directory = Directory::with("d.csv", two_groups(20));
    directory.made("convert d.csv d.parquet --label group");
    let said =
        directory.made(&format!("fit d.parquet -o m.parquet -o m.csv --label group --progress none {QUICK}"));
    assert!(said.contains("40 rows of 3 features, Parquet, 1 row group, 2 classes of group"), "{said}");
    directory.made(&format!("fit d.csv -o n.csv --label group -q {QUICK}"));
    assert_eq!(directory.text("m.csv"), directory.text("n.csv"), "the same map");
    directory.made("convert m.parquet p.csv --label label");
    let flat = |name: &str| positions(&directory.text(name)).concat();
    for (a, b) in flat("p.csv").iter().zip(flat("m.csv")) {
        // Both are the shortest text of a number, one in double and one in single precision.
        assert!((a - b).abs() <= 1e-6 * b.abs(), "{a} for {b}");
    }
    refused(&directory, "fit d.parquet -o x.csv", 3, "E104: column 4 (group) is not numeric: it holds text");
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tsne-io/testdata/parquet");
    for (name, flags, error) in [
        ("types.parquet", "--columns f32", "E103: 1 missing or non-finite value "),
        ("types.parquet", "--columns day", "E104: column 11 (day) is not numeric: it holds Date"),
        ("brotli.parquet", "", "E107: the Parquet file is compressed with BROTLI"),
    ] {
        put(&directory, name, fs::read(corpus.join(name)).expect("the corpus is there"));
        refused(&directory, &format!("fit {name} -o x.csv {flags}"), 3, error);
    }
    let outcome = directory.tsne("fit types.parquet -o x.csv --columns f32");
    assert!(
        outcome.stderr.contains("row 1 (counted from 0), column 6 (f32) = \"null\""),
        "{}",
        outcome.stderr
    );
}
