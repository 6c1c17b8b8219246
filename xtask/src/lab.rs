//! The lab as a program: built in release, run, and what it reports, which is also what the drivers of peers report.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

use crate::workspace;

/// What a program reported: lines `METRIC:<name>:<value>:<unit>` and `NOTE:<name>:<text>`.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Measured {
    pub(crate) metrics: Vec<Metric>,
    pub(crate) notes: Vec<(String, String)>,
}

/// One figure.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Metric {
    pub(crate) name: String,
    pub(crate) value: f64,
    pub(crate) unit: String,
}

impl Measured {
    pub(crate) fn get(&self, name: &str) -> Option<f64> {
        self.metrics.iter().find(|metric| metric.name == name).map(|metric| metric.value)
    }

    pub(crate) fn required(&self, name: &str) -> Result<f64> {
        self.get(name).with_context(|| format!("no figure {name} was reported"))
    }

    fn parse(text: &str) -> Result<Self> {
        let mut measured = Self::default();
        for line in text.lines() {
            if let Some(metric) = line.strip_prefix("METRIC:") {
                let parts: Vec<&str> = metric.split(':').collect();
                let [name, value, unit] = parts[..] else { bail!("not a metric: {line}") };
                let value = value.parse().with_context(|| format!("not a number: {line}"))?;
                measured.metrics.push(Metric { name: name.to_owned(), value, unit: unit.to_owned() });
            } else if let Some((name, text)) =
                line.strip_prefix("NOTE:").and_then(|note| note.split_once(':'))
            {
                measured.notes.push((name.to_owned(), text.to_owned()));
            }
        }
        Ok(measured)
    }
}

/// Builds a program of a package in release; its path.
pub(crate) fn build(package: &str, program: &str) -> Result<PathBuf> {
    let status =
        workspace::cargo(&["build", "--quiet", "--release", "--package", package, "--bin", program]).status();
    if !status.context("cannot start cargo")?.success() {
        bail!("cannot build {program}");
    }
    let name = format!("{program}{}", std::env::consts::EXE_SUFFIX);
    Ok(target()?.join("release").join(name))
}

/// The folder cargo builds in.
fn target() -> Result<PathBuf> {
    let metadata = workspace::cargo_output(&["metadata", "--no-deps", "--format-version", "1"])?;
    let metadata: Value = serde_json::from_str(&metadata)?;
    Ok(metadata["target_directory"].as_str().context("cargo metadata names no target directory")?.into())
}

/// A folder of `target/xtask`, made if it is not there.
pub(crate) fn folder(name: &str) -> Result<PathBuf> {
    let folder = target()?.join("xtask").join(name);
    std::fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    Ok(folder)
}

/// Runs a program, and reads what it reported.
pub(crate) fn run(program: &Path, words: &[String]) -> Result<Measured> {
    measured(Command::new(program).args(words)).with_context(|| words.join(" "))
}

/// Runs a command in the root of the workspace, and reads what it reported.
pub(crate) fn measured(command: &mut Command) -> Result<Measured> {
    let output = command.current_dir(workspace::root()).output();
    let output = output.with_context(|| format!("cannot start {}", command.get_program().display()))?;
    let text = String::from_utf8_lossy(&output.stdout);
    if !output.status.success() {
        bail!("{}\n{text}{}", output.status, String::from_utf8_lossy(&output.stderr));
    }
    Measured::parse(&text)
}

/// The middle one of some values and the range they lie in.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Spread {
    pub(crate) median: f64,
    pub(crate) low: f64,
    pub(crate) high: f64,
}

impl Spread {
    /// Of at least one value.
    pub(crate) fn of(mut values: Vec<f64>) -> Self {
        assert!(!values.is_empty(), "a median needs at least one value");
        values.sort_by(f64::total_cmp);
        let middle = values.len() / 2;
        let median = if values.len().is_multiple_of(2) {
            (values[middle - 1] + values[middle]) / 2.0
        } else {
            values[middle]
        };
        Self { median, low: values[0], high: values[values.len() - 1] }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metrics_and_notes_are_read_and_the_rest_is_not() {
        let text = "CHECK:a:1:2\nMETRIC:fit/seconds:0.25:s\nsaid by the way\nNOTE:settings:a=1: b\n";
        let measured = Measured::parse(text).expect("well-formed");
        assert_eq!(measured.required("fit/seconds").expect("is there"), 0.25, "the value");
        assert_eq!(
            measured.notes,
            [("settings".to_owned(), "a=1: b".to_owned())],
            "colons belong to the text"
        );
        assert!(measured.required("fit/kl").is_err(), "what was not reported");
        assert!(Measured::parse("METRIC:a:b\n").is_err(), "two parts are too few");
    }

    #[test]
    fn a_spread_is_the_middle_and_the_ends() {
        assert_eq!(Spread::of(vec![3.0, 1.0, 2.0]), Spread { median: 2.0, low: 1.0, high: 3.0 }, "of three");
        assert_eq!(Spread::of(vec![4.0, 1.0]).median, 2.5, "of two");
    }
}
