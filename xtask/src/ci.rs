//! `cargo xtask ci`: every check, in order, each timed, stopping at the first that fails.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};

use crate::workspace::{self, Package};
use crate::{docs, release, tidy};

/// One check.
#[derive(Debug, PartialEq)]
enum Step {
    /// The rules of `tidy`, run inside this process.
    Tidy,
    /// Whether what `docs` writes is what is there.
    Docs,
    /// What must hold before publishing, inside this process too.
    Release,
    /// A `cargo` command, with rustdoc's warnings made errors when `strict_docs`.
    Cargo { args: Vec<String>, strict_docs: bool },
}

impl Step {
    fn cargo(line: &str) -> Self {
        Self::Cargo { args: line.split_whitespace().map(str::to_owned).collect(), strict_docs: false }
    }

    fn name(&self) -> String {
        match self {
            Self::Tidy => "cargo xtask tidy".to_owned(),
            Self::Docs => "cargo xtask docs --check".to_owned(),
            Self::Release => "cargo xtask release --check".to_owned(),
            Self::Cargo { args, .. } => format!("cargo {}", args.join(" ")),
        }
    }

    fn run(&self) -> Result<()> {
        match self {
            Self::Tidy => tidy::run(),
            Self::Docs => docs::run(true),
            Self::Release => release::check(),
            Self::Cargo { args, strict_docs } => {
                let args: Vec<&str> = args.iter().map(String::as_str).collect();
                let mut command = workspace::cargo(&args);
                if *strict_docs {
                    command.env("RUSTDOCFLAGS", "-D warnings");
                }
                let status = command.status().context("cannot start cargo")?;
                if !status.success() {
                    bail!("{status}");
                }
                Ok(())
            }
        }
    }
}

/// Runs every step; `quick` leaves out those that repeat the compilation in other forms.
pub(crate) fn run(quick: bool) -> Result<()> {
    let steps = steps(&workspace::packages()?, quick);
    let started = Instant::now();
    let mut times = Vec::new();
    for (i, step) in steps.iter().enumerate() {
        let name = step.name();
        println!("\n[{}/{}] {name}", i + 1, steps.len());
        let step_started = Instant::now();
        step.run().with_context(|| {
            format!(
                "step {} of {} failed after {}: {name}",
                i + 1,
                steps.len(),
                seconds(step_started.elapsed())
            )
        })?;
        times.push((step_started.elapsed(), name));
    }
    times.sort_by_key(|(time, _)| std::cmp::Reverse(*time));
    println!("\nall {} steps passed in {}; the slowest:", steps.len(), seconds(started.elapsed()));
    for (time, name) in times.iter().take(3) {
        println!("  {:>8}  {name}", seconds(*time));
    }
    Ok(())
}

fn seconds(time: Duration) -> String {
    format!("{:.1} s", time.as_secs_f64())
}

/// The checks, cheapest first.
fn steps(packages: &[Package], quick: bool) -> Vec<Step> {
    let mut steps = vec![
        Step::cargo("fmt --all --check"),
        Step::Tidy,
        Step::Docs,
        Step::cargo("clippy --workspace --all-targets --all-features -- -D warnings"),
        // After the lints, which fetch what is not there.
        Step::Release,
    ];
    if !quick {
        // Alone, so that no crate compiles thanks to the features a neighbor turns on.
        for package in packages {
            let name = &package.name;
            steps.push(Step::cargo(&format!("clippy -p {name} -- -D warnings")));
            if !package.features.is_empty() {
                steps.push(Step::cargo(&format!("clippy -p {name} --no-default-features -- -D warnings")));
                steps.push(Step::cargo(&format!("clippy -p {name} --all-features -- -D warnings")));
            }
        }
    }
    steps.push(Step::cargo("test --workspace --all-features --lib --bins --tests --examples"));
    if !quick {
        steps.push(Step::cargo("test --workspace --all-features --doc"));
        let Step::Cargo { args, .. } = Step::cargo("doc --workspace --all-features --no-deps") else {
            unreachable!("Step::cargo makes a Step::Cargo");
        };
        steps.push(Step::Cargo { args, strict_docs: true });
    }
    steps
}

#[cfg(test)]
mod tests {
    use super::*;

    fn package(name: &str, features: &[&str]) -> Package {
        Package {
            name: name.to_owned(),
            features: features.iter().map(|&feature| feature.to_owned()).collect(),
            ..Package::default()
        }
    }

    fn lines(quick: bool) -> Vec<String> {
        let packages = [package("a", &[]), package("b", &["extra"])];
        steps(&packages, quick).iter().map(Step::name).collect()
    }

    #[test]
    fn every_crate_is_checked_alone_and_with_its_features() {
        let lines = lines(false);
        for expected in [
            "cargo clippy -p a -- -D warnings",
            "cargo clippy -p b -- -D warnings",
            "cargo clippy -p b --no-default-features -- -D warnings",
            "cargo clippy -p b --all-features -- -D warnings",
            "cargo xtask tidy",
        ] {
            assert!(lines.iter().any(|line| line == expected), "{expected} is missing from {lines:?}");
        }
        let of_a = lines.iter().filter(|line| line.contains("-p a ")).count();
        assert_eq!(of_a, 1, "a crate without features is checked once");
    }

    #[test]
    fn quick_still_formats_lints_and_tests() {
        let lines = lines(true);
        for word in ["fmt", "tidy", "docs", "clippy --workspace", "test --workspace"] {
            assert!(lines.iter().any(|line| line.contains(word)), "{word} is missing from {lines:?}");
        }
        assert!(!lines.iter().any(|line| line.contains("-p ")), "no crate is checked alone: {lines:?}");
    }

    #[test]
    fn documentation_warnings_are_errors() {
        let strict =
            steps(&[], false).iter().any(|step| matches!(step, Step::Cargo { strict_docs: true, .. }));
        assert!(strict, "rustdoc runs with warnings as errors");
    }
}
