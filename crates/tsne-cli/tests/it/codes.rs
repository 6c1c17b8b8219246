//! Every code there is stands in `docs/errors.md`, and every code that stands there is brought about by a test. Tests that
//! other documents name are there.

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

/// The tables of a document in `docs`: their rows, without the last cell, and that cell.
fn rows(document: &str) -> Vec<(&str, &str)> {
    let is_row = |line: &&str| line.starts_with("| ") && !line.contains("---");
    let cells = document.lines().filter(is_row).map(|row| row.trim_end_matches(" |").rsplit_once("| "));
    let rows = cells.map(|cells| cells.expect("two cells"));
    rows.filter(|(_, last)| !["test", "where"].contains(last)).collect()
}

/// What stands in backquotes.
fn quoted(cell: &str) -> impl Iterator<Item = &str> {
    cell.split('`').skip(1).step_by(2)
}

/// Whether a package has a test of this name in one of these files.
fn has_test(package: &Path, files: &[String], test: &str) -> bool {
    files.iter().any(|file| {
        let text = fs::read_to_string(package.join(file)).unwrap_or_default();
        // What stands above a function up to the first empty line is its comment and its attributes.
        text.find(&format!("fn {test}("))
            .is_some_and(|at| text[..at].rsplit("\n\n").next().is_some_and(|above| above.contains("#[test]")))
    })
}

/// Every test that `docs/faults.md` names is there, and all its rows name one.
#[test]
fn every_fault_has_its_test() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let document = fs::read_to_string(root.join("docs/faults.md")).expect("docs/faults.md");
    let mut n_named = 0;
    for (fault, cell) in rows(&document) {
        let mut package = "tsne-cli";
        let before = n_named;
        for word in quoted(cell) {
            let Some((module, test)) = word.split_once("::") else {
                package = word;
                assert!(package == "fuzz" || root.join("crates").join(package).is_dir(), "{fault}: {word}");
                continue;
            };
            let files = [format!("tests/it/{module}.rs"), format!("src/{module}.rs")];
            assert!(
                has_test(&root.join("crates").join(package), &files, test),
                "{fault}: {package} has no test {word}"
            );
            n_named += 1;
        }
        assert!(n_named > before, "a row without a test: {fault}{cell}");
    }
    assert!(n_named > 60, "tests are named: {n_named}");
}

/// Every test that `docs/opentsne-tests.md` names is there, and all its rows name one, but where there is nothing to test.
#[test]
fn every_test_of_opentsne_has_its_answer() {
    const NOTHING_TO_TEST: [&str; 3] = ["the types forbid it", "there is one, u32", "does not compile"];
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let document = fs::read_to_string(root.join("docs/opentsne-tests.md")).expect("docs/opentsne-tests.md");
    let mut n_named = 0;
    for (tested, cell) in rows(&document) {
        let (mut package, mut file) = ("", "");
        let before = n_named;
        for word in quoted(cell) {
            if word.ends_with(".rs") {
                file = word;
            } else if root.join("crates").join(word).is_dir() {
                package = word;
            } else {
                let files = [format!("tests/it/{file}"), file.to_owned()];
                assert!(
                    has_test(&root.join("crates").join(package), &files, word),
                    "{tested}: {package} has no test {word} in {file}"
                );
                n_named += 1;
            }
        }
        assert!(n_named > before || NOTHING_TO_TEST.contains(&cell), "a row without a test: {tested}{cell}");
    }
    assert!(n_named > 60, "tests are named: {n_named}");
}
