//! What goes in: compressed, sparse and piped data, chosen columns and rows, and what stands in for a search.

use std::io::Write;
use std::process::{Command, Stdio};

use crate::{Directory, positions, two_groups};

const QUICK: &str = "--n-iter 10 --early-exaggeration-iter 10 --perplexity 5";

/// Ids and labels of a map in CSV that has both.
fn company(csv: &str) -> Vec<(String, String)> {
    let row = |line: &str| {
        let fields: Vec<&str> = line.split(',').collect();
        (fields[3].to_owned(), fields[2].to_owned())
    };
    csv.lines().skip(1).map(row).collect()
}

/// A table of `n` rows with an id, of which some lack a number.
fn with_gaps(n: usize) -> String {
    let mut text = "key,a,b,kind\n".to_owned();
    for i in 0..n {
        let a = if i % 10 == 3 { String::new() } else { (i * 7 % 11).to_string() };
        text += &format!("r{i},{a},{},{}\n", i * 5 % 13, if i % 2 == 0 { "even" } else { "odd" });
    }
    text
}

#[test]
fn columns_and_rows_are_chosen_and_their_company_follows() {
    let directory = Directory::with("a.csv", with_gaps(60));
    let (status, stderr) = {
        let outcome = directory.tsne(&format!("fit a.csv -o m.csv --label kind --id key {QUICK}"));
        (outcome.status, outcome.stderr)
    };
    assert_eq!(status, Some(3), "{stderr}");
    assert!(stderr.contains("error E103: 6 missing") && stderr.contains("--missing drop"), "{stderr}");

    let said = directory.made(&format!("fit a.csv -o m.csv --label kind --id key --missing drop {QUICK}"));
    assert!(said.contains("54 rows of 2 features") && said.contains("6 rows left out"), "{said}");
    let rows = company(&directory.text("m.csv"));
    assert!(
        !rows.iter().any(|(id, _)| id == "r3") && rows[3] == ("r4".to_owned(), "even".to_owned()),
        "{rows:?}"
    );

    let mean = "fit a.csv -o n.csv --label kind --id key --missing mean --columns a-b";
    directory.made(&format!("{mean} {QUICK}"));
    assert_eq!(company(&directory.text("n.csv")).len(), 60, "all rows are kept");

    let sampled = "fit a.csv --force -o n.csv --label kind --id key --columns b --sample 31";
    directory.made(&format!("{sampled} {QUICK}"));
    let rows = company(&directory.text("n.csv"));
    let numbers: Vec<usize> = rows.iter().map(|(id, _)| id[1..].parse().expect("an id")).collect();
    assert!(numbers.len() == 31 && numbers.is_sorted(), "31 rows in order: {numbers:?}");
    for (number, (_, kind)) in numbers.iter().zip(&rows) {
        assert_eq!(kind, if number % 2 == 0 { "even" } else { "odd" }, "the label of row {number}");
    }
    directory.made(&format!("{sampled} {QUICK} --random-state 43"));
    assert_ne!(company(&directory.text("n.csv")), rows, "another seed, other rows");
    assert_eq!(directory.tsne(&format!("{sampled} --sample 0")).status, Some(2), "named twice is usage");
    assert_eq!(directory.tsne("fit a.csv -o x.csv --columns b --sample 0").status, Some(3), "no rows");
    assert_eq!(directory.tsne("fit a.csv -o x.csv --columns a-z").status, Some(3), "no such columns");
}

#[test]
fn labels_come_from_a_file_and_follow_their_rows() {
    let directory =
        Directory::with("a.csv", with_gaps(40).replace("kind", "c").replace("even", "0").replace("odd", "1"));
    let labels: String = (0..40).map(|i| format!("L{}\n", i % 10)).collect();
    std::fs::write(directory.0.join("kinds.txt"), labels).expect("writes");
    directory.made(&format!("fit a.csv -o m.csv --id key --labels kinds.txt --missing drop {QUICK}"));
    for (id, label) in company(&directory.text("m.csv")) {
        assert!(id.ends_with(&label[1..]), "row {id} has the label {label}");
    }
    std::fs::write(directory.0.join("few.txt"), "a\nb\n").expect("writes");
    let outcome = directory.tsne("fit a.csv -o n.csv --id key --labels few.txt --missing drop");
    assert!(outcome.status == Some(3) && outcome.stderr.contains("error E114"), "{}", outcome.stderr);
    let outcome = directory.tsne("fit a.csv -o n.csv --id key --labels none.txt --missing drop");
    assert!(outcome.status == Some(7) && outcome.stderr.contains("error E601"), "{}", outcome.stderr);
}

#[test]
fn compressed_and_piped_tables_give_the_same_map() {
    let text = two_groups(20);
    let directory = Directory::with("a.csv", &text);
    directory.made(&format!("fit a.csv -o a.npy --label group {QUICK}"));
    for name in ["b.csv.gz", "b.csv.zst"] {
        directory.made(&format!("convert a.csv {name} --label group"));
        directory.made(&format!("fit {name} -o {name}.npy --label group {QUICK}"));
        assert_eq!(directory.read(&format!("{name}.npy")), directory.read("a.npy"), "{name}");
    }
    let mut child = Command::new(env!("CARGO_BIN_EXE_tsne"))
        .args(format!("fit - -o - --label group {QUICK}").split_whitespace())
        .current_dir(&directory.0)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program runs");
    child.stdin.take().expect("piped").write_all(text.as_bytes()).expect("the program reads");
    let output = child.wait_with_output().expect("the program ends");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    directory.made(&format!("fit a.csv -o c.csv --label group {QUICK}"));
    assert_eq!(output.stdout, directory.read("c.csv"), "the map goes to standard output");
}

/// Distances between the points of a line at 0, 1, 3, 6 and so on.
fn line(n: usize, entry: impl Fn(usize, usize, f64) -> f64) -> String {
    let at = |i: usize| (i * (i + 1) / 2) as f64;
    let row = |i: usize| {
        let cells: Vec<String> = (0..n).map(|j| entry(i, j, (at(i) - at(j)).abs()).to_string()).collect();
        cells.join(",") + "\n"
    };
    (0..n).map(row).collect()
}

#[test]
fn distances_stand_in_for_a_search() {
    let n = 30;
    let directory = Directory::with("d.csv", line(n, |_, _, d| d));
    let coordinates: String = (0..n).map(|i| format!("{}\n", i * (i + 1) / 2)).collect();
    std::fs::write(directory.0.join("x.csv"), coordinates).expect("writes");
    let flags = format!("--initialization random --neighbors exact {QUICK} --precision f64");
    directory.made(&format!("fit d.csv --metric precomputed -o d.npy {flags}"));
    directory.made(&format!("fit x.csv -o x.npy {flags}"));
    assert_eq!(directory.read("d.npy"), directory.read("x.npy"), "the same neighbors, the same map");
    for (name, text, code) in [
        ("wide.csv", line(n, |_, _, d| d).replace('\n', ",0\n"), "E110"),
        ("negative.csv", line(n, |i, j, d| if i + j == 9 && i != j { -1.0 } else { d }), "E111"),
        ("uneven.csv", line(n, |i, _, d| if i == 4 { 2.0 * d } else { d }), "E112"),
    ] {
        std::fs::write(directory.0.join(name), text).expect("writes");
        let outcome = directory.tsne(&format!("fit {name} --metric precomputed -o no.npy {flags}"));
        assert!(outcome.status == Some(3) && outcome.stderr.contains(code), "{name}: {}", outcome.stderr);
    }
    directory.made(&format!("fit uneven.csv --metric precomputed --symmetrize mean -o u.npy {flags}"));
}

#[test]
fn neighbors_and_affinities_stand_in_for_a_search() {
    let n = 30;
    let directory = Directory::new();
    let (mut graph, mut affinities) = (String::new(), String::new());
    for i in 0..n {
        for step in 1..=8 {
            let j = (i + step) % n;
            graph += &format!("{} {} {step}\n", i + 1, j + 1);
            affinities += &format!("{} {} {}\n", i.max(j) + 1, i.min(j) + 1, 1.0 / step as f64);
        }
    }
    let head = "%%MatrixMarket matrix coordinate real";
    let write = |name: &str, text: String| std::fs::write(directory.0.join(name), text).expect("writes");
    write("g.mtx", format!("{head} general\n{n} {n} {}\n{graph}", 8 * n));
    write("p.mtx", format!("{head} symmetric\n{n} {n} {}\n{affinities}", 8 * n));
    write("l.txt", (0..n).map(|i| format!("{i}\n")).collect());
    let flags = "--n-iter 10 --early-exaggeration-iter 10 --initialization random";
    let said = directory.made(&format!("fit --graph g.mtx -o g.csv --perplexity 2 --labels l.txt {flags}"));
    assert!(said.contains("8 neighbors of each point as given"), "{said}");
    assert_eq!(positions(&directory.text("g.csv")).len(), n, "a row for each point");
    assert!(directory.text("g.csv").contains(",29\n"), "with their labels");
    directory.made("convert g.mtx g.npz");
    directory.made(&format!("fit --graph g.npz -o h.csv --perplexity 2 --labels l.txt {flags}"));
    assert_eq!(directory.read("h.csv"), directory.read("g.csv"), "the same graph from another kind of file");
    let said = directory.made(&format!("fit --affinities p.mtx -o p.csv {flags}"));
    assert!(said.contains("affinities as given"), "{said}");
    assert_eq!(positions(&directory.text("p.csv")).len(), n, "a row for each point");

    write("self.mtx", format!("{head} general\n2 2 2\n1 1 1\n2 1 1\n"));
    write("minus.mtx", format!("{head} general\n2 2 2\n1 2 -1\n2 1 1\n"));
    write("uneven.mtx", format!("{head} general\n2 2 1\n1 2 1\n"));
    for (name, flag) in [
        ("self.mtx", "--graph"),
        ("minus.mtx", "--graph"),
        ("uneven.mtx", "--graph"),
        ("minus.mtx", "--affinities"),
        ("uneven.mtx", "--affinities"),
    ] {
        let outcome = directory.tsne(&format!("fit {flag} {name} -o no.csv {flags}"));
        assert!(
            outcome.status == Some(3) && outcome.stderr.contains("E113"),
            "{flag} {name}: {}",
            outcome.stderr
        );
    }
    assert_eq!(directory.tsne("fit --graph g.mtx --affinities p.mtx -o no.csv").status, Some(2), "usage");
    assert_eq!(directory.tsne("fit -o no.csv").status, Some(2), "no input at all");
}
