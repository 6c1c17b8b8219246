//! `cargo xtask bench`: workloads of the lab in turns, their medians, and how they compare with an earlier run.

pub(crate) mod crossover;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{fs, iter};

use anyhow::{Context as _, Result, bail};
use serde_json::{Map, Value, json};

use crate::data::Store;
use crate::lab::{self, Spread};
use crate::machine::{self, Machine};
use crate::options::Options;

/// What is measured, by the name of the workload, its way, and the data; the words are those of the lab.
const CASES: &[(&str, &str)] = &[
    ("neighbors/exact/mixture_20000", "knn --method exact --input {mixture_20000}"),
    ("neighbors/nndescent/mixture_20000", "knn --method nndescent --input {mixture_20000}"),
    ("affinities/mixture_20000", "affinities --graph {mixture_20000.graph} --repeat 3"),
    ("repulsion/exact/digits", "repel --method exact --map {digits.map} --repeat 15"),
    ("repulsion/bh/mixture_20000", "repel --method bh --map {mixture_20000.map} --repeat 15"),
    ("repulsion/fft/mixture_20000", "repel --method fft --map {mixture_20000.map} --repeat 15"),
    (
        "descent/mixture_20000",
        "descend --method fft --graph {mixture_20000.graph} --init {mixture_20000.start}",
    ),
    ("fit/iris", "fit --input {iris}"),
    ("fit/digits", "fit --input {digits}"),
    ("fit/mixture_20000", "fit --input {mixture_20000}"),
    ("pca/mnist", "pca --input {mnist} --components 50"),
    ("neighbors/exact/mnist_70000", "knn --method exact --input {mnist_70000}"),
    ("affinities/mnist_70000", "affinities --graph {mnist_70000.graph} --repeat 3"),
    ("repulsion/fft/mnist_70000", "repel --method fft --map {mnist_70000.map} --repeat 15"),
    ("fit/mnist_70000", "fit --input {mnist_70000}"),
];

/// Times every case is run.
const ROUNDS: usize = 5;

/// Medians by `case: metric`, with their units.
type Results = BTreeMap<String, (Spread, String)>;

/// Runs the cases whose name has the word given in it.
pub(crate) fn run(args: &[&str]) -> Result<()> {
    let options = Options::parse(args, &[], &["--save", "--against", "--data", "--rounds", "--threads"])?;
    let filter = match options.words[..] {
        [] => "",
        [filter] => filter,
        _ => bail!("expected one filter, got {}", options.words.join(" ")),
    };
    let machine = Machine::here();
    // Read first: what cannot be compared should not be waited for.
    let before = options.value("--against").map(|name| read(&saved(name)?, &machine)).transpose()?;
    let (rounds, threads) =
        (options.number("--rounds", ROUNDS)?, options.number("--threads", machine.n_cpus)?);

    let program = lab::build("tsne-benches", "lab")?;
    let store = Store::new(&program, options.value("--data"))?;
    let results = measure(&program, &store, filter, rounds, threads)?;
    println!(
        "\n{}, {} threads of {}, {}, {}, medians of {rounds}\n\n{}",
        machine.cpu,
        threads,
        machine.n_cpus,
        machine::revision(),
        machine::today(),
        table(&results, before.as_ref())
    );
    if let Some(name) = options.value("--save") {
        let path = saved(name)?;
        fs::write(&path, format!("{:#}\n", to_json(&results, &machine)))?;
        println!("saved as {}", path.display());
    }
    Ok(())
}

/// Where a run is saved: a name under `target/xtask`, or a path.
fn saved(name: &str) -> Result<PathBuf> {
    let path = Path::new(name);
    let is_path = path.components().count() > 1 || path.extension().is_some();
    Ok(if is_path { path.to_owned() } else { lab::folder("bench")?.join(format!("{name}.json")) })
}

fn measure(program: &Path, store: &Store, filter: &str, rounds: usize, threads: usize) -> Result<Results> {
    let mut lines = Vec::new();
    for (name, line) in CASES.iter().filter(|(name, _)| name.contains(filter)) {
        if line.contains("mnist") && !store.has("mnist_70000") {
            println!("skipped {name}: needs --data DIR, a folder with mnist70k.npz");
        } else {
            lines.push((*name, store.fill(&format!("{line} --threads {threads}"))?));
        }
    }
    if lines.is_empty() {
        bail!("no case has \"{filter}\" in its name");
    }
    let mut values: BTreeMap<String, (Vec<f64>, String)> = BTreeMap::new();
    for round in 1..=rounds {
        println!("round {round} of {rounds}");
        for (name, words) in &lines {
            for metric in lab::run(program, words)?.metrics {
                let is_cost = matches!(metric.unit.as_str(), "s" | "B");
                if is_cost {
                    let what = metric.name.split_once('/').map_or("", |(_, what)| what);
                    let (of_metric, unit) = values.entry(format!("{name}: {what}")).or_default();
                    of_metric.push(metric.value);
                    *unit = metric.unit;
                }
            }
        }
    }
    Ok(values.into_iter().map(|(name, (values, unit))| (name, (Spread::of(values), unit))).collect())
}

fn to_json(results: &Results, machine: &Machine) -> Value {
    let one = |(name, (spread, unit)): (&String, &(Spread, String))| {
        let Spread { median, low, high } = spread;
        (name.clone(), json!({"median": median, "low": low, "high": high, "unit": unit}))
    };
    json!({
        "machine": machine.to_json(),
        "date": machine::today(),
        "revision": machine::revision(),
        "results": results.iter().map(one).collect::<Map<_, _>>(),
    })
}

/// A run saved on this machine; times of another say nothing about these.
fn read(path: &Path, machine: &Machine) -> Result<Results> {
    let text = fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    from_json(&serde_json::from_str(&text)?, machine).with_context(|| path.display().to_string())
}

fn from_json(run: &Value, machine: &Machine) -> Result<Results> {
    let of_run = Machine::from_json(&run["machine"]).context("not a saved run")?;
    if of_run != *machine {
        bail!(
            "was measured on {} ({}, {} threads), and this is {} ({}, {} threads): measure again here",
            of_run.host,
            of_run.cpu,
            of_run.n_cpus,
            machine.host,
            machine.cpu,
            machine.n_cpus
        );
    }
    let results = run["results"].as_object().context("not a saved run")?;
    let one = |(name, value): (&String, &Value)| {
        let number = |field: &str| value[field].as_f64().context("not a saved run");
        let spread = Spread { median: number("median")?, low: number("low")?, high: number("high")? };
        Ok((name.clone(), (spread, value["unit"].as_str().unwrap_or_default().to_owned())))
    };
    results.iter().map(one).collect()
}

/// The results as a table, beside those of before where there are any.
fn table(results: &Results, before: Option<&Results>) -> String {
    let mut rows = vec![match before {
        None => ["measure", "median", "lowest to highest", ""].map(str::to_owned),
        Some(_) => ["measure", "before", "now", "now / before"].map(str::to_owned),
    }];
    for (name, (spread, unit)) in results {
        let now = figure(spread.median, unit);
        rows.push(match before {
            None => {
                let range = format!("{} to {}", figure(spread.low, unit), figure(spread.high, unit));
                [name.clone(), now, range, String::new()]
            }
            Some(before) => match before.get(name) {
                None => [name.clone(), "-".to_owned(), now, String::new()],
                Some((earlier, _)) => {
                    // Ranges that overlap may be one and the same speed.
                    let is_unclear = earlier.low <= spread.high && spread.low <= earlier.high;
                    let mark = if is_unclear { " (ranges overlap)" } else { "" };
                    let ratio = format!("{:.3}{mark}", spread.median / earlier.median);
                    [name.clone(), figure(earlier.median, unit), now, ratio]
                }
            },
        });
    }
    let widths: Vec<usize> =
        (0..4).map(|column| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0)).collect();
    let mut text = String::new();
    for row in &rows {
        let cells: Vec<String> =
            iter::zip(row, &widths).map(|(cell, &width)| format!("{cell:width$}")).collect();
        writeln!(text, "{}", cells.join("  ").trim_end()).expect("a string takes all");
    }
    text
}

/// A value with a unit of a size that suits it.
pub(crate) fn figure(value: f64, unit: &str) -> String {
    match unit {
        "s" if value < 0.001 => format!("{:.1} µs", 1e6 * value),
        "s" if value < 1.0 => format!("{:.2} ms", 1e3 * value),
        "s" if value < 100.0 => format!("{value:.2} s"),
        "s" => format!("{value:.0} s"),
        "B" if value < 1e9 => format!("{:.0} MB", 1e-6 * value),
        "B" => format!("{:.2} GB", 1e-9 * value),
        _ => format!("{value} {unit}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn machine(host: &str) -> Machine {
        Machine { host: host.to_owned(), cpu: "Z80".to_owned(), n_cpus: 2 }
    }

    fn results(seconds: &[f64]) -> Results {
        let spread = Spread::of(seconds.to_vec());
        iter::once(("fit/digits: seconds".to_owned(), (spread, "s".to_owned()))).collect()
    }

    #[test]
    fn a_saved_run_comes_back_on_its_machine_and_on_no_other() {
        let (saved, desk) = (results(&[0.5, 0.25, 0.75]), machine("desk"));
        let json = to_json(&saved, &desk);
        assert_eq!(from_json(&json, &desk).expect("the same machine"), saved, "as it was");
        let error = from_json(&json, &machine("lap")).expect_err("another machine").to_string();
        assert!(error.contains("desk") && error.contains("lap"), "{error}");
        assert!(from_json(&json!({}), &desk).is_err(), "any JSON is no run");
    }

    #[test]
    fn a_difference_within_the_spread_is_marked() {
        let before = results(&[1.0, 2.0, 3.0]);
        let overlapping = table(&results(&[2.0, 4.0, 5.0]), Some(&before));
        assert!(overlapping.contains("2.000 (ranges overlap)"), "{overlapping}");
        let apart = table(&results(&[4.0, 4.0, 5.0]), Some(&before));
        assert!(apart.contains("2.000\n"), "{apart}");
        let alone = table(&before, None);
        assert!(alone.contains("2.00 s") && alone.contains("1.00 s to 3.00 s"), "{alone}");
    }

    #[test]
    fn figures_have_units_of_their_size() {
        let figures = [(2.5e-5, "25.0 µs"), (0.0125, "12.50 ms"), (2.0, "2.00 s"), (123.4, "123 s")];
        for (value, expected) in figures {
            assert_eq!(figure(value, "s"), expected, "{value} s");
        }
        assert_eq!(figure(1.5e9, "B"), "1.50 GB", "bytes");
    }

    #[test]
    fn names_of_cases_are_of_their_own() {
        for (i, (name, _)) in CASES.iter().enumerate() {
            assert!(CASES[..i].iter().all(|(earlier, _)| earlier != name), "{name} is there twice");
        }
    }
}
