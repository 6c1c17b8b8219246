//! `cargo xtask docs`: the tables of `docs/performance.md` and the plots beside it, from the results kept in
//! `benches/results`.

mod plots;
mod tables;

use std::fs;

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

use crate::compare::RESULTS;
use crate::compare::scenarios::SCENARIOS;
use crate::{bench, sections, workspace};

const PAGE: &str = "docs/performance.md";
const PLOTS: &str = "docs/plots";

/// Writes page and plots; with `check` only looks whether they are what would be written.
pub(crate) fn run(check: bool) -> Result<()> {
    let root = workspace::root();
    let mut stale = Vec::new();
    for (path, text) in generated()? {
        let file = root.join(&path);
        if fs::read_to_string(&file).is_ok_and(|there| there == text) {
            continue;
        }
        if check {
            stale.push(path);
        } else {
            let folder = file.parent().context("a file lies in a folder")?;
            fs::create_dir_all(folder)?;
            fs::write(&file, text)?;
            println!("wrote {path}");
        }
    }
    if !stale.is_empty() {
        bail!("not what {RESULTS} says: {}; run cargo xtask docs", stale.join(", "));
    }
    if check { bench::crossover::check() } else { Ok(()) }
}

/// Every generated file, by its path.
fn generated() -> Result<Vec<(String, String)>> {
    let results = results()?;
    if results.is_empty() {
        println!("skipped: there are no results in {RESULTS}; cargo xtask compare measures them");
        return Ok(Vec::new());
    }
    let mut page =
        fs::read_to_string(workspace::root().join(PAGE)).with_context(|| format!("cannot read {PAGE}"))?;
    for (name, table) in [
        ("fits", tables::fits(&results)),
        ("claims", tables::claims(&results)),
        ("schedules", tables::schedules(&results)),
        ("stages", tables::stages(&results)),
        ("peers", tables::peers(&results)),
        ("crossover", bench::crossover::read().map_or(String::new(), |kept| tables::crossover(&kept))),
    ] {
        page = sections::replace(&page, name, &table).context(PAGE)?;
    }
    let mut files = vec![(PAGE.to_owned(), page)];
    for (name, svg) in plots::all(&results) {
        files.push((format!("{PLOTS}/{name}.svg"), svg));
    }
    Ok(files)
}

/// The results of `compare` that there are, in the order of the scenarios.
fn results() -> Result<Vec<Value>> {
    let mut results = Vec::new();
    for scenario in SCENARIOS {
        let path = format!("{RESULTS}/compare-{}.json", scenario.name);
        if let Ok(text) = fs::read_to_string(workspace::root().join(&path)) {
            results.push(serde_json::from_str(&text).with_context(|| path)?);
        }
    }
    Ok(results)
}

/// The contenders of a result.
fn contenders(result: &Value) -> impl Iterator<Item = &Value> {
    result["contenders"].as_array().into_iter().flatten()
}

/// The contender of a label.
fn contender<'a>(result: &'a Value, label: &str) -> Option<&'a Value> {
    contenders(result).find(|contender| contender["label"] == label)
}

/// The result of a scenario.
fn scenario<'a>(results: &'a [Value], name: &str) -> Option<&'a Value> {
    results.iter().find(|result| result["scenario"] == name)
}

fn number(value: &Value, pointer: &str) -> f64 {
    value.pointer(pointer).and_then(Value::as_f64).unwrap_or(f64::NAN)
}

/// Number of points of a result.
fn n_points(result: &Value) -> f64 {
    contenders(result).next().map_or(f64::NAN, |first| number(first, "/n_points"))
}

/// The results of sets of points, smallest first, each once: those whose main purpose is the schedule of the API page.
fn by_size(results: &[Value]) -> Vec<&Value> {
    let mut by_size: Vec<&Value> = results
        .iter()
        .filter(|result| {
            let name = result["scenario"].as_str().unwrap_or_default();
            contender(result, "tsne").is_some() && !["mnist-threads", "mnist-sklearn"].contains(&name)
        })
        .collect();
    by_size.sort_by(|a, b| n_points(a).total_cmp(&n_points(b)));
    by_size
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_is_what_the_results_say() {
        run(true).expect("cargo xtask docs was run after the last measurement");
    }
}
