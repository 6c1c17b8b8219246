//! Every code there is stands in `docs/errors.md`, and every code that stands there is brought about by a test.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use crate::{Directory, two_groups};

/// All Rust files below `folder`.
fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.map(|entry| entry.expect("an entry").path()) {
        if entry.is_dir() {
            files(&entry, found);
        } else if entry.extension().is_some_and(|suffix| suffix == "rs") {
            found.push(entry);
        }
    }
}

/// The words of a text that are codes.
fn codes(text: &str) -> impl Iterator<Item = String> {
    let is_code = |word: &&str| match word.as_bytes() {
        [b'E', digits @ ..] => digits.len() == 3 && digits.iter().all(u8::is_ascii_digit),
        [b'W', digits @ ..] => digits.len() == 2 && digits.iter().all(u8::is_ascii_digit),
        _ => false,
    };
    text.split(|c: char| !c.is_ascii_alphanumeric()).filter(is_code).map(str::to_owned)
}

/// The text of a source file, and that of the tests in it.
fn split(text: &str) -> (&str, &str) {
    text.find("#[cfg(test)]").map_or((text, ""), |at| text.split_at(at))
}

#[test]
fn every_code_is_documented_and_tested() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let document = fs::read_to_string(root.join("docs/errors.md")).expect("docs/errors.md");
    let rows = document.lines().filter_map(|line| line.strip_prefix("| ")?.split(' ').next());
    let documented: BTreeSet<String> = rows.flat_map(codes).collect();

    let (mut used, mut tested) = (BTreeSet::new(), BTreeSet::new());
    for package in
        fs::read_dir(root.join("crates")).expect("crates").map(|entry| entry.expect("an entry").path())
    {
        let (mut sources, mut tests) = (Vec::new(), Vec::new());
        files(&package.join("src"), &mut sources);
        files(&package.join("tests"), &mut tests);
        for path in sources {
            let text = fs::read_to_string(path).expect("a text");
            let (source, of_tests) = split(&text);
            // A code in use is a text of its own.
            used.extend(codes(source).filter(|code| source.contains(&format!("\"{code}\""))));
            tested.extend(codes(of_tests));
        }
        tests.iter().for_each(|path| tested.extend(codes(&fs::read_to_string(path).expect("a text"))));
    }
    let lacks =
        |all: &BTreeSet<String>, of: &BTreeSet<String>| all.difference(of).cloned().collect::<Vec<_>>();
    assert!(used.len() > 40, "codes are found in the sources: {used:?}");
    assert_eq!(lacks(&used, &documented), [""; 0], "codes that docs/errors.md lacks");
    assert_eq!(lacks(&documented, &used), [""; 0], "codes of docs/errors.md that nothing gives");
    assert_eq!(lacks(&documented, &tested), [""; 0], "codes that no test brings about");
}

/// A map that diverges whatever is done about it is still written, as it was when it was good.
#[test]
fn the_last_good_map_is_saved() {
    let directory = Directory::with("d.csv", two_groups(20));
    let outcome = directory
        .tsne("fit d.csv -o m.csv --label group --perplexity 5 -q --learning-rate 1e30 --max-step-norm none");
    assert_eq!(outcome.status, Some(5), "{}", outcome.stderr);
    assert!(outcome.stderr.contains("error E401: "), "{}", outcome.stderr);
    assert!(outcome.stderr.contains("\n  the last good map is in m.csv\n  help: "), "{}", outcome.stderr);
    let map = crate::positions(&directory.text("m.csv"));
    assert!(map.len() == 40 && map.iter().flatten().all(|x| x.is_finite()), "a map");
}

#[test]
fn divergence_that_is_got_over_is_told() {
    let directory = Directory::with("d.csv", two_groups(20));
    let said = directory.made(
        "fit d.csv -o m.csv --label group --perplexity 5 --progress none --learning-rate 1e7 --max-step-norm none",
    );
    assert!(said.contains("warning W07: the map diverged at iteration "), "{said}");
}

#[test]
fn rows_without_a_direction_are_told() {
    let directory = Directory::with("d.csv", "a,b\n0,0\n1,2\n0,0\n3,1\n2,2\n1,5\n4,1\n2,3\n");
    let flags = "--metric cosine --perplexity 2 --n-iter 10 --progress none";
    let said = directory.made(&format!("fit d.csv -o m.csv {flags}"));
    assert!(said.contains("warning W04: 2 rows are zero"), "{said}");
}

#[test]
fn a_map_on_its_way_is_told() {
    let directory = Directory::with("d.csv", two_groups(200));
    let flags = "--label group --perplexity 5 --progress none";
    let said =
        directory.made(&format!("fit d.csv -o a.csv --early-exaggeration-iter 80 --n-iter 20 {flags}"));
    assert!(said.contains("warning W09: still moving: the median step is "), "{said}");
    let said = directory.made(&format!("fit d.csv -o b.csv --n-iter 2000 {flags}"));
    assert!(!said.contains("W09"), "finished: {said}");
}

#[test]
fn a_collapsed_map_is_told() {
    let directory = Directory::with("d.csv", two_groups(20));
    let said = directory.made(
        "fit d.csv -o m.csv --label group --perplexity 5 --progress none --learning-rate 1e-6 --n-iter 0",
    );
    assert!(said.contains("warning W12: the map has collapsed"), "{said}");
}

/// The first eigenvalues of a long chain differ by less than can be told apart in the time given.
#[test]
fn eigenvectors_that_do_not_converge_are_told() {
    let chain: String = (0..3000).map(|i| format!("{i}\n")).collect();
    let directory = Directory::with("d.csv", "a\n".to_owned() + &chain);
    let flags =
        "--initialization spectral --perplexity 2 --early-exaggeration-iter 0 --n-iter 1 --progress none";
    let said = directory.made(&format!("fit d.csv -o m.csv {flags}"));
    assert!(said.contains("warning W14: "), "{said}");
    let outcome = directory.tsne(&format!("fit d.csv -o n.csv --strict {flags}"));
    assert_eq!(outcome.status, Some(5), "{}", outcome.stderr);
    assert!(outcome.stderr.contains("error E402: "), "{}", outcome.stderr);
}

/// A file of zeros that takes no room on the disk, read by a process that may not have as much memory.
#[test]
#[cfg(target_os = "linux")]
fn memory_that_is_not_given() {
    let text = format!("{:<117}\n", "{'descr': '|u1', 'fortran_order': False, 'shape': (1000000, 1000), }");
    let header = [b"\x93NUMPY\x01\x00\x76\x00", text.as_bytes()].concat();
    let directory = Directory::with("d.npy", &header);
    let file = fs::OpenOptions::new().append(true).open(directory.0.join("d.npy")).expect("opens");
    file.set_len(header.len() as u64 + 1_000_000_000).expect("a sparse file");
    let output = std::process::Command::new("sh")
        .arg("-c")
        .arg("ulimit -v 800000 && exec \"$0\" fit d.npy -o map.csv --n-jobs 1")
        .arg(env!("CARGO_BIN_EXE_tsne"))
        .current_dir(&directory.0)
        .output()
        .expect("a shell runs");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(4), "{stderr}");
    assert!(stderr.contains("error E302: cannot allocate"), "{stderr}");
}

/// Every test that `docs/faults.md` names is there, and all its rows name one.
#[test]
fn every_fault_has_its_test() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let document = fs::read_to_string(root.join("docs/faults.md")).expect("docs/faults.md");
    let mut named = 0;
    for row in document
        .lines()
        .filter(|line| line.starts_with("| ") && !line.contains("---") && !line.ends_with("| test |"))
    {
        let cell = row.trim_end_matches(" |").rsplit("| ").next().expect("a cell");
        let mut package = "tsne-cli";
        for word in cell.split('`').skip(1).step_by(2) {
            let Some((module, test)) = word.split_once("::") else {
                package = word;
                assert!(package == "fuzz" || root.join("crates").join(package).is_dir(), "{row}");
                continue;
            };
            let folder = root.join("crates").join(package);
            let files =
                [folder.join(format!("tests/it/{module}.rs")), folder.join(format!("src/{module}.rs"))];
            let is_there = |path: &PathBuf| {
                fs::read_to_string(path).is_ok_and(|text| {
                    text.contains(&format!("fn {test}()")) || text.contains(&format!("fn {test}(\n"))
                })
            };
            assert!(files.iter().any(is_there), "{package} has no test {word}");
            named += 1;
        }
        assert!(cell.contains('`'), "a row without a test: {row}");
    }
    assert!(named > 60, "tests are named: {named}");
}
