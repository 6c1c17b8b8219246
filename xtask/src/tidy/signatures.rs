//! The rule of signatures: what a core or leaf crate shows names no type of somebody else's crate.
//!
//! Textual, so it sees paths (`rayon::ThreadPool`) and imported names, and trusts `unreachable_pub` that `pub` means
//! public. Functions, traits, types, constants, re-exports, fields and enum variants are looked at; bodies are not.

use super::{Finding, Source};

/// Crates whose names may not show. `num_traits` may: its traits are the supertraits of `Scalar`.
const FOREIGN: [&str; 16] = [
    "csv",
    "fearless_simd",
    "hnsw_rs",
    "instant_distance",
    "matrixmultiply",
    "nalgebra",
    "nalgebra_sparse",
    "ndarray",
    "num_complex",
    "rand",
    "rand_distr",
    "rand_xoshiro",
    "rayon",
    "realfft",
    "rustfft",
    "serde",
];

/// Checks the public items of one file.
pub(super) fn check(source: &Source, findings: &mut Vec<Finding>) {
    let imported = imported_names(&source.text);
    for (line, signature) in public_signatures(&source.text) {
        if let Some(name) = foreign_name(&signature, &imported) {
            let message = format!("`{name}` in a public signature; a caller must not need that crate");
            findings.push(Finding::new(&source.path, line, message));
        }
    }
}

/// The first foreign path or imported foreign name in a signature.
fn foreign_name(signature: &str, imported: &[String]) -> Option<String> {
    let mut rest = signature;
    while let Some(start) = rest.find(|c: char| c.is_alphabetic() || c == '_') {
        rest = &rest[start..];
        let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
        let (word, after) = rest.split_at(end);
        if FOREIGN.contains(&word) && after.starts_with("::") || imported.iter().any(|name| name == word) {
            return Some(word.to_owned());
        }
        rest = after;
    }
    None
}

/// Names that `use` declarations take from foreign crates; a glob brings none that can be known.
fn imported_names(text: &str) -> Vec<String> {
    let mut names = Vec::new();
    for declaration in text.split(';') {
        let Some(at) = declaration.rfind("use ") else { continue };
        let path = declaration[at + 4..].trim_start();
        let root = path.split("::").next().unwrap_or_default();
        if !FOREIGN.contains(&root) {
            continue;
        }
        let leaves = path.split([',', '{', '}']).filter(|leaf| !leaf.trim().is_empty());
        for leaf in leaves {
            let name = leaf.trim().rsplit([':', ' ']).next().unwrap_or_default();
            if !name.is_empty() && !matches!(name, "*" | "_" | "self") {
                names.push(name.to_owned());
            }
        }
    }
    names
}

/// Public items of a file, comments removed: the line each starts on, and its text without bodies.
fn public_signatures(text: &str) -> Vec<(usize, String)> {
    let code: Vec<&str> = text.lines().map(|line| line.split("//").next().unwrap_or_default()).collect();
    let mut signatures = Vec::new();
    for (i, line) in code.iter().enumerate() {
        let Some(item) = line.trim_start().strip_prefix("pub ") else { continue };
        let item = item.trim_start_matches("const ").trim_start_matches("async ");
        let keyword = item.split_whitespace().next().unwrap_or_default();
        let depth = match keyword {
            "trait" => 1,         // the signatures inside, not their default bodies
            "enum" => usize::MAX, // variants are public, with all their fields
            _ => 0,
        };
        let is_field =
            !matches!(keyword, "fn" | "trait" | "enum" | "struct" | "type" | "static" | "use" | "mod")
                && item.split(':').next().is_some_and(|name| !name.contains(' '));
        let signature = if is_field { (*line).to_owned() } else { until_end(&code[i..], depth) };
        signatures.push((i + 1, signature));
    }
    signatures
}

/// Text of an item down to `max_depth` braces: to its closing brace, or to a `;` outside all braces.
fn until_end(code: &[&str], max_depth: usize) -> String {
    let mut signature = String::new();
    let mut depth = 0_usize;
    for line in code {
        for c in line.chars() {
            match c {
                '{' => depth += 1,
                '}' => {
                    depth = depth.saturating_sub(1);
                    if depth == 0 {
                        return signature;
                    }
                }
                ';' if depth == 0 => return signature,
                _ => {}
            }
            if depth > max_depth && max_depth == 0 {
                return signature;
            }
            if depth <= max_depth {
                signature.push(c);
            }
        }
        signature.push('\n');
    }
    signature
}

#[cfg(test)]
mod tests {
    use super::super::source;
    use super::*;

    /// Lines found in a file.
    fn lines(text: &str) -> Vec<usize> {
        let mut findings = Vec::new();
        check(&source("src/lib.rs", text), &mut findings);
        findings.iter().map(|finding| finding.line).collect()
    }

    fn assert_finds(text: &str) {
        assert_eq!(lines(text), [1], "{text}");
    }

    fn assert_clean(text: &str) {
        assert!(lines(text).is_empty(), "{text}: lines {:?}", lines(text));
    }

    #[test]
    fn functions() {
        assert_finds("pub fn pool(&self) -> &rayon::ThreadPool {\n}\n");
        assert_finds("pub const fn a(\n    plan: &dyn rustfft::Fft<f32>,\n) {\n}\n");
        assert_clean("pub fn run(&self) {\n    rayon::join(a, b);\n}\n");
        assert_clean("pub(crate) fn pool(&self) -> &rayon::ThreadPool {\n}\n");
        assert_clean("pub fn operand(brand: Brand) {} // like rand::Rng\n");
    }

    #[test]
    fn imported_names_count() {
        assert_eq!(
            lines("use rayon::{ThreadPool, prelude::*};\npub fn a(p: &ThreadPool) {}\n"),
            [2],
            "in braces"
        );
        assert_eq!(lines("use nalgebra::DMatrix as M;\npub fn a() -> M<f64> {}\n"), [2], "renamed");
        assert_clean("use tsne_core::Points;\npub fn a(p: Points<'_, f32>) {}\n");
    }

    #[test]
    fn types_and_traits() {
        assert_finds("pub type Matrix = nalgebra::DMatrix<f64>;\n");
        assert_finds("pub trait Plan: rustfft::FftNum {\n}\n");
        assert_finds("pub trait Plan {\n    fn rng(&self) -> rand::rngs::SmallRng;\n}\n");
        assert_clean("pub trait Plan {\n    fn go(&self) {\n        rayon::join(a, b);\n    }\n}\n");
        assert_finds("pub enum E {\n    A { source: csv::Error },\n}\n");
        assert_finds("pub use rayon::ThreadPool;\n");
        assert_finds("pub struct Wrapper<T: rustfft::FftNum>(T);\n");
    }

    #[test]
    fn fields() {
        assert_eq!(lines("pub struct A {\n    pub pool: rayon::ThreadPool,\n}\n"), [2], "a public field");
        assert_clean("pub struct A {\n    pool: rayon::ThreadPool,\n}\n");
    }
}
