//! The rule of purity: the core and the leaves compute, and do nothing else a program would notice.

use super::{Finding, Source};

/// What a computing crate does not touch, and who does.
const OUTSIDE: [(&str, &str); 12] = [
    ("std::env", "parameters come as arguments"),
    ("env::var", "parameters come as arguments"),
    ("Instant::now", "the facade and the lab measure"),
    ("SystemTime", "no result depends on the clock"),
    ("std::fs", "files belong to tsne-io"),
    ("std::net", "nothing here talks to anyone"),
    ("println!", "what there is to tell is returned"),
    ("print!", "what there is to tell is returned"),
    ("dbg!", "what there is to tell is returned"),
    ("thread_local!", "state belongs to a value"),
    ("static mut", "state belongs to a value"),
    ("ThreadPoolBuilder", "loops run on the current pool"),
];

/// Checks the code of a file down to its tests, comments left out.
pub(super) fn check(source: &Source, findings: &mut Vec<Finding>) {
    for (i, line) in source.text.lines().enumerate() {
        if line.trim_start().starts_with("#[cfg(test)]") {
            return;
        }
        let code = line.split("//").next().unwrap_or_default();
        if let Some((what, instead)) = OUTSIDE.iter().find(|(what, _)| code.contains(what)) {
            findings.push(Finding::new(
                &source.path,
                i + 1,
                format!("{what} in a crate that computes: {instead}"),
            ));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::source;
    use super::*;

    fn lines(text: &str) -> Vec<usize> {
        let mut findings = Vec::new();
        check(&source("src/lib.rs", text), &mut findings);
        findings.iter().map(|finding| finding.line).collect()
    }

    #[test]
    fn code_that_computes_passes() {
        assert!(
            lines("//! Never println!.\nfn a() {} // no std::env here\n").is_empty(),
            "comments are not code"
        );
        let text = "fn a() {}\n#[cfg(test)]\nmod tests {\n    use std::env;\n}\n";
        assert!(lines(text).is_empty(), "tests may do what they need");
    }

    #[test]
    fn everything_else_is_found_once_a_line() {
        for (what, _) in OUTSIDE {
            assert_eq!(lines(&format!("//! Text.\nlet x = {what}(y);\n")), [2], "{what}");
        }
        assert_eq!(lines("eprintln!(\"{:?}\", std::env::var(name));\n"), [1], "one finding a line");
    }
}
