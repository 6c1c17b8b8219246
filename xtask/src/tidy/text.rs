//! Rules that look at one file, line by line.

use std::path::Path;

use super::{Finding, Source};

/// Longest Rust file, `tests.rs` excepted. 150 to 450 lines read best.
const MAX_LINES: usize = 600;

/// Words that mark unfinished work; spelled in halves so that this file passes its own rule.
const UNFINISHED: [&str; 2] = [concat!("TO", "DO"), concat!("FIX", "ME")];

/// Beginnings of paths that exist on one machine only.
const MACHINE_PATHS: [&str; 5] = [
    concat!("/", "home/"),
    concat!("/", "root/"),
    concat!("/", "tmp/"),
    concat!("/", "work/"),
    concat!("/", "Users/"),
];

/// Every rule that holds for a file by itself.
pub(super) fn check(source: &Source, findings: &mut Vec<Finding>) {
    check_lines(source, findings);
    if source.is_rust() {
        check_purpose(source, findings);
        check_length(source, findings);
    }
}

/// The first line says what the file is for.
fn check_purpose(source: &Source, findings: &mut Vec<Finding>) {
    if !source.text.starts_with("//! ") {
        findings.push(Finding::new(
            &source.path,
            1,
            "starts without a `//!` line that says what the file is for",
        ));
    }
}

/// Files stay readable in one sitting.
fn check_length(source: &Source, findings: &mut Vec<Finding>) {
    let lines = source.text.lines().count();
    if lines > MAX_LINES && source.path.file_name() != Some("tests.rs".as_ref()) {
        let message = format!("has {lines} lines, more than {MAX_LINES}; split it by subject");
        findings.push(Finding::new(&source.path, 0, message));
    }
}

/// No unfinished work, no test switched off, no path of one machine, no space at the end of a line.
fn check_lines(source: &Source, findings: &mut Vec<Finding>) {
    for (i, line) in source.text.lines().enumerate() {
        let mut found = |message: String| findings.push(Finding::new(&source.path, i + 1, message));
        if line.ends_with([' ', '\t']) {
            found("ends in white space".to_owned());
        }
        for word in UNFINISHED {
            if line.contains(word) {
                found(format!("{word}: finish it or file it, the tree has no reminders"));
            }
        }
        if source.is_rust() && line.trim_start().starts_with("#[ignore") {
            found(
                "#[ignore]: a slow test asks whether slow tests are wanted, a wrong one is mended".to_owned(),
            );
        }
        if let Some(path) = machine_path(line) {
            found(format!("{path} exists on one machine only; take the path as an argument"));
        }
    }
    if !source.text.is_empty() && !source.text.ends_with('\n') {
        findings.push(Finding::new(&source.path, source.text.lines().count(), "has no line end at its end"));
    }
}

/// The first machine path of a line that starts a path, rather than continuing a relative one or an address.
fn machine_path(line: &str) -> Option<&'static str> {
    MACHINE_PATHS.into_iter().find(|path| {
        line.match_indices(path).any(|(at, _)| {
            !line[..at]
                .ends_with(|c: char| c.is_alphanumeric() || matches!(c, '.' | '-' | '_' | '~' | '}' | '$'))
        })
    })
}

/// A crate root forbids unsafe code, or denies it and lets exactly one module make the exception.
pub(super) fn check_unsafe(root: &Source, sources: &[&Source], findings: &mut Vec<Finding>) {
    let has = |source: &Source, attribute: &str| source.text.lines().any(|line| line.starts_with(attribute));
    if has(root, "#![forbid(unsafe_code)]") {
        return;
    }
    if !has(root, "#![deny(unsafe_code)]") {
        findings.push(Finding::new(&root.path, 0, "lacks #![forbid(unsafe_code)]"));
        return;
    }
    let exceptions: Vec<String> = sources
        .iter()
        .filter(|source| has(source, "#![allow(unsafe_code"))
        .map(|source| source.path.display().to_string())
        .collect();
    if exceptions.len() != 1 {
        let message = format!(
            "denies unsafe code and {} modules allow it ({}); forbid it, or keep it in one module",
            exceptions.len(),
            exceptions.join(", ")
        );
        findings.push(Finding::new(&root.path, 0, message));
    }
}

/// Every crate follows the lints of the workspace.
pub(super) fn check_manifest(manifest: &Source, findings: &mut Vec<Finding>) {
    let inherits = manifest
        .text
        .split_once("[lints]\n")
        .is_some_and(|(_, rest)| rest.lines().next() == Some("workspace = true"));
    if !inherits {
        let message = "does not take the lints of the workspace: [lints] workspace = true";
        findings.push(Finding::new(&manifest.path, 0, message));
    }
}

/// What changed since the last release has a place to be written down.
pub(super) fn check_changelog(changelog: &Source, findings: &mut Vec<Finding>) {
    if !changelog.text.lines().any(|line| line == "## [Unreleased]") {
        findings.push(Finding::new(Path::new(&changelog.path), 0, "has no heading `## [Unreleased]`"));
    }
}

#[cfg(test)]
mod tests {
    use super::super::source;
    use super::*;

    /// Messages of the line rules for a file.
    fn messages(path: &str, text: &str) -> Vec<String> {
        let mut findings = Vec::new();
        check(&source(path, text), &mut findings);
        findings.into_iter().map(|finding| format!("{}: {}", finding.line, finding.message)).collect()
    }

    fn assert_clean(path: &str, text: &str) {
        let messages = messages(path, text);
        assert!(messages.is_empty(), "{text:?} should pass, got {messages:?}");
    }

    fn assert_finds(path: &str, text: &str, expected: &str) {
        let messages = messages(path, text);
        assert!(messages.len() == 1 && messages[0].contains(expected), "{text:?} gave {messages:?}");
    }

    #[test]
    fn a_file_says_what_it_is_for() {
        assert_clean("a.rs", "//! Points on a line.\n");
        assert_finds("a.rs", "use std::fmt;\n", "1: starts without");
        assert_clean("a.md", "# Title\n");
    }

    #[test]
    fn a_file_is_not_too_long() {
        let long = |n: usize| format!("//! Long.\n{}", "\n".repeat(n - 1));
        assert_clean("a.rs", &long(600));
        assert_finds("a.rs", &long(601), "601 lines");
        assert_clean("tests.rs", &long(601));
    }

    #[test]
    fn no_white_space_ends_a_line() {
        assert_clean("a.md", "word\n");
        assert_finds("a.md", "word \n", "1: ends in white space");
        assert_finds("a.md", "\nword", "2: has no line end");
    }

    #[test]
    fn no_reminders() {
        for word in UNFINISHED {
            assert_finds("a.rs", &format!("//! Text.\n// {word} later\n"), &format!("2: {word}"));
        }
        assert_clean("a.rs", "//! Todos are fine.\n");
    }

    #[test]
    fn no_test_is_switched_off() {
        assert_finds("a.rs", "//! Text.\n    #[ignore = \"slow\"]\n", "2: #[ignore]");
        assert_clean("a.rs", "//! We never write #[ignore] here.\n");
    }

    #[test]
    fn no_path_of_one_machine() {
        for path in MACHINE_PATHS {
            assert_finds("a.toml", &format!("data = \"{path}data.npz\"\n"), path);
            assert_clean("a.md", &format!("https://example.org{path}index.html and ..{path}x\n"));
        }
    }

    /// Messages of [`check_unsafe`] for a root and the other files of its crate.
    fn unsafe_messages(root: &str, others: &[(&str, &str)]) -> Vec<String> {
        let root = source("src/lib.rs", root);
        let others: Vec<Source> = others.iter().map(|(path, text)| source(path, text)).collect();
        let mut findings = Vec::new();
        check_unsafe(&root, &others.iter().collect::<Vec<_>>(), &mut findings);
        findings.into_iter().map(|finding| finding.message).collect()
    }

    #[test]
    fn a_crate_root_forbids_unsafe_code() {
        assert!(unsafe_messages("//! A.\n#![forbid(unsafe_code)]\n", &[]).is_empty(), "forbidden");
        assert_eq!(unsafe_messages("//! A.\n", &[]), ["lacks #![forbid(unsafe_code)]"], "nothing said");
    }

    #[test]
    fn at_most_one_module_is_excepted() {
        let root = "//! A.\n#![deny(unsafe_code)]\n";
        let module = "//! B.\n#![allow(unsafe_code, reason = \"gather\")]\n";
        assert!(unsafe_messages(root, &[("src/simd.rs", module)]).is_empty(), "one named module");
        let two = unsafe_messages(root, &[("src/a.rs", module), ("src/b.rs", module)]);
        assert!(two.len() == 1 && two[0].contains("src/a.rs, src/b.rs"), "{two:?}");
        assert_eq!(unsafe_messages(root, &[]).len(), 1, "denied without an exception should be forbidden");
    }

    #[test]
    fn a_manifest_takes_the_lints_of_the_workspace() {
        let findings = |text: &str| {
            let mut findings = Vec::new();
            check_manifest(&source("Cargo.toml", text), &mut findings);
            findings.len()
        };
        assert_eq!(findings("[package]\n\n[lints]\nworkspace = true\n"), 0, "inherited");
        assert_eq!(findings("[package]\n"), 1, "no table");
        assert_eq!(findings("[lints]\nrust.unsafe_code = \"allow\"\n"), 1, "a table of its own");
    }

    #[test]
    fn the_changelog_has_a_place_for_what_comes() {
        let findings = |text: &str| {
            let mut findings = Vec::new();
            check_changelog(&source("CHANGELOG.md", text), &mut findings);
            findings.len()
        };
        assert_eq!(findings("# Changelog\n\n## [Unreleased]\n"), 0, "the heading is there");
        assert_eq!(findings("# Changelog\n\n## 0.1.0\n"), 1, "the heading is missing");
    }
}
