//! The rule of formula ids: every one cited exists, and `docs/math.md` defines it once.

use std::collections::BTreeMap;
use std::path::Path;

use super::{Finding, Source};

const MATH: &str = "docs/math.md";

/// Checks definitions in `docs/math.md` and citations everywhere.
pub(super) fn check<'a>(sources: impl Iterator<Item = &'a Source> + Clone, findings: &mut Vec<Finding>) {
    let mut defined: BTreeMap<&str, usize> = BTreeMap::new();
    let math = sources.clone().find(|source| source.path == Path::new(MATH));
    for (i, line) in math.map_or("", |math| math.text.as_str()).lines().enumerate() {
        let Some(id) = definition(line) else { continue };
        if let Some(first) = defined.insert(id, i + 1) {
            let message = format!("[{id}] is defined a second time, first on line {first}");
            findings.push(Finding::new(Path::new(MATH), i + 1, message));
        }
    }
    for source in sources {
        for (i, line) in source.text.lines().enumerate() {
            for id in ids(line).filter(|id| !defined.contains_key(id)) {
                let message = format!("[{id}] is not defined in {MATH}");
                findings.push(Finding::new(&source.path, i + 1, message));
            }
        }
    }
}

/// The id that a line of `docs/math.md` defines: the one in bold at its beginning.
fn definition(line: &str) -> Option<&str> {
    line.starts_with("**[").then(|| ids(line).next()).flatten()
}

/// Ids cited in a line: `[M` and digits, perhaps a small letter, and `]`. Rustdoc takes brackets for links, so they may
/// be escaped.
fn ids(line: &str) -> impl Iterator<Item = &str> {
    line.match_indices("[M").filter_map(move |(at, _)| {
        let rest = &line[at + 1..];
        let id = rest[..rest.find(']')?].trim_end_matches('\\');
        let number = id[1..].trim_end_matches(|c: char| c.is_ascii_lowercase());
        let is_id = !number.is_empty()
            && id.len() - number.len() <= 2
            && number.bytes().all(|byte| byte.is_ascii_digit());
        is_id.then_some(id)
    })
}

#[cfg(test)]
mod tests {
    use super::super::source;
    use super::*;

    fn messages(math: &str, code: &str) -> Vec<String> {
        let sources = [source(MATH, math), source("src/a.rs", code)];
        let mut findings = Vec::new();
        check(sources.iter(), &mut findings);
        findings.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn ids_are_found_escaped_or_not() {
        let found: Vec<&str> = ids("[M1] and \\[M20\\], [M5a]; not [M..], [Mesh], [M] or [M3x4]").collect();
        assert_eq!(found, ["M1", "M20", "M5a"], "ids and nothing else");
    }

    #[test]
    fn every_cited_formula_exists() {
        let math = "**[M1] Kernel.** w\n\nUses [M1].\n";
        assert!(messages(math, "// Implements [M1].\n").is_empty(), "defined and cited");
        assert_eq!(
            messages(math, "// Implements\n// [M2].\n"),
            ["src/a.rs:2: [M2] is not defined in docs/math.md"],
            "cited and not defined"
        );
    }

    #[test]
    fn a_formula_is_defined_once() {
        assert_eq!(
            messages("**[M1] Kernel.**\n**[M1] Again.**\n", ""),
            ["docs/math.md:2: [M1] is defined a second time, first on line 1"],
            "two definitions"
        );
    }
}
