//! `cargo xtask instructions`: how many instructions the hot loops take, counted by valgrind; a measure that no other
//! process disturbs.
//!
//! Valgrind knows no AVX-512: what is counted is the AVX2 form of a kernel. A count depends on the compiler, so that
//! counts are compared only under the compiler of the baseline.

use std::fs;
use std::process::Command;

use anyhow::{Context as _, Result, bail};
use serde_json::{Map, Value, json};

use crate::data::Store;
use crate::options::Options;
use crate::{lab, machine, workspace};

const BASELINE: &str = "benches/results/instructions.json";
/// Counts differ from run to run by less than a thousandth, by where memory comes to lie and hash seeds; a change of a
/// kernel worth knowing is larger than this.
const TOLERANCE: f64 = 0.02;

/// A kernel, and the words for the lab. Where `TIMES` is among them it becomes two numbers: the difference of the counts,
/// over that of the numbers, is the count of one more call, without reading and judging. Else the whole process counts.
const KERNELS: &[(&str, &str)] = &[
    ("affinities/digits", "affinities --graph {digits.graph} --repeat TIMES"),
    ("repulsion/exact/digits", "repel --method exact --map {digits.map} --repeat TIMES"),
    ("repulsion/bh/digits", "repel --method bh --map {digits.map} --repeat TIMES"),
    ("repulsion/fft/digits", "repel --method fft --map {digits.map} --repeat TIMES"),
    (
        "iteration/fft/digits",
        "descend --method fft --graph {digits.graph} --init {digits.start} --n-iter TIMES",
    ),
    ("neighbors/exact/digits", "knn --method exact --input {digits} --recall 1"),
    // Of fewer points the descent compares all pairs.
    ("neighbors/nndescent/mixture", "knn --method nndescent --input {mixture_10000} --recall 1"),
];
/// Few enough to wait for, past what the first calls allocate.
const TIMES: [u32; 2] = [2, 4];

/// Counts, and keeps the counts; with `--check` compares them with those kept.
pub(crate) fn run(args: &[&str]) -> Result<()> {
    let options = Options::parse(args, &["--check"], &[])?;
    let compiler = machine::origin()["rustc"].as_str().unwrap_or_default().to_owned();
    let baseline: Value = match fs::read_to_string(workspace::root().join(BASELINE)) {
        Ok(text) => serde_json::from_str(&text).context(BASELINE)?,
        Err(_) => Value::Null,
    };
    if let Some(why) = obstacle(options.has("--check").then_some(&baseline), &compiler) {
        println!("skipped: {why}");
        return Ok(());
    }
    let program = lab::build("tsne-benches", "lab")?;
    let store = Store::new(&program, None)?;
    let mut counts = Map::new();
    let mut broken = Vec::new();
    for (name, line) in KERNELS {
        let count = |times: u32| {
            let words = store.fill(&format!("{} --threads 1", line.replace("TIMES", &times.to_string())))?;
            count(Command::new("valgrind").args(VALGRIND).arg(&program).args(words))
        };
        let one = if line.contains("TIMES") {
            (count(TIMES[1])? - count(TIMES[0])?) / f64::from(TIMES[1] - TIMES[0])
        } else {
            count(0)?
        };
        let before = baseline["instructions"][*name].as_f64();
        let change = before.map(|before| one / before - 1.0);
        let shown = change.map_or(String::new(), |change| format!("  {:+.2} %", 100.0 * change));
        println!("{name:<28}{:>12.3} million{shown}", one / 1e6);
        if change.is_none_or(|change| change.abs() > TOLERANCE) {
            broken.push(*name);
        }
        counts.insert((*name).to_owned(), json!(one));
    }
    if options.has("--check") {
        if !broken.is_empty() {
            let percent = 100.0 * TOLERANCE;
            bail!(
                "more than {percent} % off {BASELINE}: {}; where that is meant, run cargo xtask instructions",
                broken.join(", ")
            );
        }
        return Ok(());
    }
    let result =
        json!({"rustc": compiler, "vectors": "AVX2", "date": machine::today(), "instructions": counts});
    fs::write(workspace::root().join(BASELINE), format!("{result:#}\n"))?;
    println!("written to {BASELINE}");
    Ok(())
}

const VALGRIND: [&str; 2] = ["--tool=callgrind", "--callgrind-out-file=/dev/null"];

/// Why nothing can be counted here, or not compared with the baseline.
fn obstacle(baseline: Option<&Value>, compiler: &str) -> Option<String> {
    if Command::new("valgrind").arg("--version").output().is_err() {
        return Some("valgrind is not installed".to_owned());
    }
    if !matches!(machine::vector_level(), "AVX2" | "AVX-512") {
        return Some(format!("the counts are of AVX2, and this processor has {}", machine::vector_level()));
    }
    let of_baseline = baseline?["rustc"].as_str().unwrap_or("no compiler: there is no baseline");
    (of_baseline != compiler).then(|| format!("the baseline is of {of_baseline}, and this is {compiler}"))
}

/// Instructions of a process, as callgrind tells at its end.
fn count(command: &mut Command) -> Result<f64> {
    let output = command.output().context("cannot start valgrind")?;
    let said = String::from_utf8_lossy(&output.stderr);
    if !output.status.success() {
        bail!("{}\n{said}", output.status);
    }
    parse(&said).with_context(|| format!("valgrind told no count:\n{said}"))
}

fn parse(said: &str) -> Option<f64> {
    said.lines().find_map(|line| line.split_once("Collected :")?.1.trim().parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_count_is_found_among_what_valgrind_says() {
        let said =
            "==12== Events    : Ir\n==12== Collected : 1234567\n==12== \n==12== I   refs:      1,234,567\n";
        assert_eq!(parse(said), Some(1_234_567.0), "the line of the total");
        assert_eq!(parse("==12== killed\n"), None, "no total");
    }

    #[test]
    fn a_baseline_of_another_compiler_is_none() {
        let baseline = json!({"rustc": "rustc 1.0.0"});
        let why = obstacle(Some(&baseline), "rustc 2.0.0").expect("cannot be compared");
        assert!(["1.0.0", "valgrind", "AVX2"].iter().any(|word| why.contains(word)), "{why}");
    }
}
