//! Flags from a file, and the file that every run writes into its report.

use crate::{Directory, two_groups};

#[test]
fn a_report_reproduces_its_run() {
    let directory = Directory::with("d.csv", two_groups(20));
    directory.made("fit d.csv -o m.csv -o m.json --label group --perplexity 5,8 --n-iter 40 --theta 0.4 -q");
    let report: serde_json::Value = serde_json::from_slice(&directory.read("m.json")).expect("JSON");
    let toml = report["configuration"].as_str().expect("text");
    std::fs::write(directory.0.join("run.toml"), toml).expect("writes");
    let first = directory.text("m.csv");
    directory.made("fit --config run.toml -q --force");
    assert_eq!(directory.text("m.csv"), first, "the same map in the same file");
    directory.made("fit --config run.toml -q -o other.csv --perplexity 3");
    assert_ne!(directory.text("other.csv"), first, "what is on the command line wins");
}

#[test]
fn faults_of_the_file_are_named() {
    let directory = Directory::with("d.csv", two_groups(20));
    for (text, status, what) in [
        ("perplexty = 5", 3, "error E201: there is no flag --perplexty\n  c.toml\n"),
        ("perplexity = {}", 3, "error E201: perplexity is a table"),
        ("perplexity 5", 3, "error E107: the configuration is not TOML"),
        ("perplexity = \"many\"", 2, "error: invalid value 'many'"),
    ] {
        std::fs::write(directory.0.join("c.toml"), text).expect("writes");
        let outcome = directory.tsne("fit d.csv -o m.csv --config c.toml");
        assert_eq!(outcome.status, Some(status), "{text}: {}", outcome.stderr);
        assert!(outcome.stderr.starts_with(what), "{text}: {}", outcome.stderr);
    }
    let outcome = directory.tsne("fit d.csv -o m.csv --config none.toml");
    assert_eq!(outcome.status, Some(7), "{}", outcome.stderr);
    assert!(
        outcome.stderr.starts_with("error E601: the file does not exist\n  none.toml\n"),
        "{}",
        outcome.stderr
    );
}

#[test]
fn too_much_memory_is_refused_before_it_is_taken() {
    let directory = Directory::with("d.csv", two_groups(20));
    let outcome = directory.tsne("fit d.csv -o m.csv --label group --max-memory 1M");
    assert_eq!(outcome.status, Some(4), "{}", outcome.stderr);
    let line = outcome.stderr.lines().find(|line| line.starts_with("error")).expect("an error");
    assert!(
        line.starts_with("error E301: the plan needs ") && line.ends_with("allowed are 1.0 MiB"),
        "{line}"
    );
    directory.made("fit d.csv -o m.csv --label group --max-memory 4G -q --n-iter 10");
}

#[test]
fn messages_are_colored_when_told() {
    let directory = Directory::new();
    let said = |flags: &str| directory.tsne(&format!("fit none.csv -o m.csv {flags}")).stderr;
    assert!(said("").starts_with("error E601"), "no colors outside a terminal");
    assert!(said("--color always").starts_with("\u{1b}[1;31merror E601\u{1b}[0m: "), "colors");
    assert!(said("--color never").starts_with("error E601"), "no colors");
}
