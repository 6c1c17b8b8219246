//! `cargo xtask bench crossover`: from which size one method is faster than another, and the constants of `auto` that
//! follow.
//!
//! The measurements are kept with the sources; the constants are a function of them, so that a check measures nothing.

use std::fmt::Write as _;
use std::fs;

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::{Value, json};

use crate::data::Store;
use crate::lab::{self, Spread};
use crate::machine::{self, Machine};
use crate::options::Options;
use crate::{sections, workspace};

const AUTO: &str = "crates/tsne/src/auto.rs";
const RESULTS: &str = "benches/results/crossover.json";
const BEGIN: &str = "// Measured: begin";
const END: &str = "// Measured: end";

/// Runs at each size.
const ROUNDS: usize = 3;
/// Within this factor two methods take the same time, for all that it matters.
const PLATEAU: f64 = 1.25;

/// Two methods over a range of sizes.
struct Sweep {
    name: &'static str,
    /// What takes less time at small sizes.
    small: &'static str,
    /// What takes less time at large ones.
    large: &'static str,
    /// The words for the lab; `METHOD` and `SIZE` are replaced.
    line: &'static str,
    metric: &'static str,
    sizes: &'static [usize],
    /// How many times as long the method for small sizes may take and still be preferred.
    tolerated: f64,
    /// The constant that follows, with its documentation; none where the sweep is for information.
    constant: Option<(&'static str, &'static str)>,
}

const MAP_SIZES: &[usize] = &[1_000, 2_000, 4_000, 8_000, 16_000];

const SWEEPS: &[Sweep] = &[
    Sweep {
        name: "neighbors of points with 50 features",
        small: "exact",
        large: "nndescent",
        line: "knn --method METHOD --input {mixture_SIZE} --recall 10",
        metric: "knn/seconds",
        sizes: &[10_000, 20_000, 40_000, 80_000, 160_000],
        tolerated: 2.0,
        constant: Some((
            "EXACT_UP_TO",
            "Points up to which comparing all pairs takes no more than twice as long as approximate search: a fair \
             price for missing nothing.",
        )),
    },
    Sweep {
        name: "repulsion on a line",
        small: "exact",
        large: "fft",
        line: "repel --method METHOD --map {mixture_SIZE.map_1} --repeat 9",
        metric: "repel/seconds",
        sizes: &[500, 1_000, 2_000, 4_000, 8_000],
        tolerated: 1.0,
        constant: Some((
            "MESH_FROM_ON_A_LINE",
            "Points from which the mesh is faster than all pairs, in one dimension.",
        )),
    },
    Sweep {
        name: "repulsion in the plane",
        small: "exact",
        large: "fft",
        line: "repel --method METHOD --map {mixture_SIZE.map_2} --repeat 9",
        metric: "repel/seconds",
        sizes: MAP_SIZES,
        tolerated: 1.0,
        constant: Some((
            "MESH_FROM_IN_THE_PLANE",
            "Points from which the mesh is faster than all pairs, in two dimensions. The tree would be faster than both \
             for some sizes, but it is less accurate.",
        )),
    },
    Sweep {
        name: "repulsion in the plane, by the tree",
        small: "bh",
        large: "fft",
        line: "repel --method METHOD --map {mixture_SIZE.map_2} --repeat 9",
        metric: "repel/seconds",
        sizes: MAP_SIZES,
        tolerated: 1.0,
        constant: None,
    },
    Sweep {
        name: "repulsion in space",
        small: "exact",
        large: "bh",
        line: "repel --method METHOD --map {mixture_SIZE.map_3} --repeat 9",
        metric: "repel/seconds",
        sizes: MAP_SIZES,
        tolerated: 1.0,
        constant: Some((
            "TREE_FROM_IN_SPACE",
            "Points from which the tree is faster than all pairs, in three dimensions.",
        )),
    },
];

/// Measures, keeps the figures, and writes the constants; with `--check` compares the constants with figures kept.
pub(crate) fn run(args: &[&str]) -> Result<()> {
    let options = Options::parse(args, &["--check", "--write"], &["--threads"])?;
    if options.has("--check") {
        return check();
    }
    if !options.has("--write") {
        let threads = options.number("--threads", Machine::here().n_cpus)?;
        let result = measure(threads)?;
        fs::write(workspace::root().join(RESULTS), format!("{result:#}\n"))?;
    }
    let block = block(&read()?)?;
    println!("{block}");
    let path = workspace::root().join(AUTO);
    let auto = sections::between(&fs::read_to_string(&path)?, BEGIN, END, &block).context(AUTO)?;
    fs::write(&path, auto)?;
    println!("written to {AUTO}");
    Ok(())
}

/// The constants are those that follow from the figures kept, where there are any.
pub(crate) fn check() -> Result<()> {
    if !workspace::root().join(RESULTS).exists() {
        println!("skipped: there is no {RESULTS}; cargo xtask bench crossover measures it");
        return Ok(());
    }
    let auto = fs::read_to_string(workspace::root().join(AUTO))?;
    let expected = sections::between(&auto, BEGIN, END, &block(&read()?)?).context(AUTO)?;
    ensure!(auto == expected, "{AUTO} does not follow from {RESULTS}: cargo xtask bench crossover --write");
    Ok(())
}

/// The figures kept.
pub(crate) fn read() -> Result<Value> {
    let text = fs::read_to_string(workspace::root().join(RESULTS))
        .with_context(|| format!("cannot read {RESULTS}"))?;
    serde_json::from_str(&text).context(RESULTS)
}

fn measure(threads: usize) -> Result<Value> {
    let program = lab::build("tsne-benches", "lab")?;
    let store = Store::new(&program, None)?;
    // All data first, so that making them is in nobody's way.
    let words = |sweep: &Sweep, method: &str, n: usize| {
        let line = sweep.line.replace("METHOD", method).replace("SIZE", &n.to_string());
        store.fill(&format!("{line} --threads {threads}"))
    };
    for sweep in SWEEPS {
        sweep.sizes.iter().try_for_each(|&n| words(sweep, sweep.small, n).map(drop))?;
    }
    let mut sweeps = Vec::new();
    for sweep in SWEEPS {
        let mut points = Vec::new();
        for &n in sweep.sizes {
            let mut seconds = [const { Vec::new() }; 2];
            for _ in 0..ROUNDS {
                for (method, seconds) in [sweep.small, sweep.large].into_iter().zip(&mut seconds) {
                    seconds.push(lab::run(&program, &words(sweep, method, n)?)?.required(sweep.metric)?);
                }
            }
            let [small, large] = seconds.map(|seconds| Spread::of(seconds).median);
            println!("{}, n = {n}: {} {small:.6} s, {} {large:.6} s", sweep.name, sweep.small, sweep.large);
            points.push(json!({"n": n, "small": small, "large": large}));
        }
        sweeps
            .push(json!({"name": sweep.name, "small": sweep.small, "large": sweep.large, "seconds": points}));
    }
    Ok(json!({"origin": machine::origin(), "threads": threads, "rounds": ROUNDS, "sweeps": sweeps}))
}

/// Sizes and how many times as long the method for small ones takes.
pub(crate) fn ratios(sweep: &Value) -> Vec<(f64, f64)> {
    let point =
        |point: &Value| Some((point["n"].as_f64()?, point["small"].as_f64()? / point["large"].as_f64()?));
    sweep["seconds"].as_array().into_iter().flatten().filter_map(point).collect()
}

/// Size at which the ratio reaches `level` for good, by a straight line in logarithms; none where it does not.
pub(crate) fn crossing(ratios: &[(f64, f64)], level: f64) -> Option<f64> {
    let last_below = ratios.iter().rposition(|&(_, ratio)| ratio < level)?;
    let ((n, below), (next, above)) = (ratios[last_below], *ratios.get(last_below + 1)?);
    let share = (level / below).ln() / (above / below).ln();
    Some(n * (next / n).powf(share))
}

/// The constants as they stand in the source.
fn block(results: &Value) -> Result<String> {
    let origin = |field: &str| results["origin"][field].as_str().unwrap_or_default().to_owned();
    let mut block = String::from("// Written by `cargo xtask bench crossover`; change nothing here.\n");
    for sweep in SWEEPS {
        let Some((name, documentation)) = sweep.constant else { continue };
        let all = results["sweeps"].as_array();
        let kept = all.and_then(|all| all.iter().find(|kept| kept["name"] == sweep.name));
        let kept = kept.with_context(|| format!("{RESULTS} has no {}", sweep.name))?;
        let ratios = ratios(kept);
        let Some(at) = crossing(&ratios, sweep.tolerated) else {
            bail!(
                "{}: {} and {} do not cross within the sizes measured",
                sweep.name,
                sweep.small,
                sweep.large
            );
        };
        let end = |level: f64| match crossing(&ratios, level) {
            Some(n) => grouped(rounded(n)),
            None => "an end of the sizes measured".to_owned(),
        };
        let figures: Vec<String> = kept["seconds"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|point| {
                let ms = |field: &str| 1e3 * point[field].as_f64().unwrap_or(f64::NAN);
                let n = rounded(point["n"].as_f64().unwrap_or(f64::NAN));
                format!("{:.3} and {:.3} at {}", ms("small"), ms("large"), grouped(n))
            })
            .collect();
        let evidence = format!(
            "Milliseconds by {} and {}: {}. The times are the same at {}; within a quarter from {} to {}. {}, {} threads, {}.",
            sweep.small,
            sweep.large,
            figures.join(", "),
            end(1.0),
            end(1.0 / PLATEAU),
            end(PLATEAU),
            origin("cpu"),
            results["threads"],
            origin("date"),
        );
        for paragraph in [documentation, "", evidence.as_str()] {
            comment(&mut block, paragraph);
        }
        writeln!(block, "const {name}: usize = {};", grouped(rounded(at)).replace(' ', "_"))?;
    }
    Ok(block)
}

/// Appends a paragraph as lines of documentation.
fn comment(block: &mut String, paragraph: &str) {
    let mut line = String::from("///");
    for word in paragraph.split_whitespace() {
        if line.chars().count() + 1 + word.chars().count() > 118 {
            *block += &line;
            *block += "\n";
            line = String::from("///");
        }
        line += " ";
        line += word;
    }
    *block += &line;
    *block += "\n";
}

/// To two digits.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "sizes are small and positive")]
pub(crate) fn rounded(n: f64) -> usize {
    let unit = 10_f64.powf((n.log10().floor() - 1.0).max(0.0));
    ((n / unit).round() * unit) as usize
}

/// Digits in groups of three, from 1 000 on.
pub(crate) fn grouped(n: usize) -> String {
    let digits = n.to_string();
    let mut text = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(' ');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_crossing_lies_on_a_line_in_logarithms() {
        // The ratio is n / 4000.
        let ratios = [(1_000.0, 0.25), (2_000.0, 0.5), (8_000.0, 2.0), (16_000.0, 4.0)];
        let at = crossing(&ratios, 1.0).expect("crosses");
        assert!((at - 4_000.0).abs() < 1e-9, "{at}");
        assert_eq!(crossing(&ratios, 5.0), None, "not reached");
        assert_eq!(crossing(&ratios, 0.1), None, "above from the beginning");
    }

    #[test]
    fn only_the_last_crossing_counts() {
        let ratios = [(1.0, 2.0), (2.0, 0.5), (4.0, 2.0)];
        let at = crossing(&ratios, 1.0).expect("crosses for good");
        assert!((at - 8_f64.sqrt()).abs() < 1e-12, "{at}");
    }

    #[test]
    fn sizes_are_rounded_and_grouped() {
        for (n, expected) in [(4_321.0, "4 300"), (996.0, "1 000"), (68_700.0, "69 000"), (7.0, "7")] {
            assert_eq!(grouped(rounded(n)), expected, "{n}");
        }
    }

    #[test]
    fn the_constants_follow_from_what_was_measured() {
        check().expect("crates/tsne/src/auto.rs and benches/results/crossover.json agree");
    }
}
