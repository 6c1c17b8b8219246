//! What the runs of a scenario come to: medians, means, and whether it shows what it must.

use std::fmt::Write as _;

use serde_json::{Map, Value, json};

use super::scenarios::{Claim, Contender, Scenario, What};
use crate::lab::{Measured, Spread};

/// The runs of one contender.
#[derive(Clone, Debug)]
pub(crate) struct Summary {
    contender: Contender,
    seconds: Spread,
    kl: f64,
    /// Seconds since the beginning and divergence of the maps on the way.
    trace: Vec<(f64, f64)>,
    json: Value,
}

impl Summary {
    /// Of at least one run, each with its figures.
    pub(crate) fn of(contender: &Contender, runs: &[Measured]) -> Self {
        let all = |name: &str| -> Vec<f64> { runs.iter().filter_map(|run| run.get(name)).collect() };
        let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
        let (seconds, divergences) = (Spread::of(all("fit/seconds")), all("judge/kl"));
        let (kl, kl_spread) = (mean(&divergences), Spread::of(divergences));
        let first = &runs[0];
        let stages: Map<String, Value> = first
            .metrics
            .iter()
            .filter_map(|metric| metric.name.strip_prefix("fit/seconds/"))
            .map(|stage| (stage.to_owned(), json!(Spread::of(all(&format!("fit/seconds/{stage}"))).median)))
            .collect();
        let snapshot = |i: usize| {
            let seconds = first.get(&format!("fit/seconds_to/snapshot_{i}"))?;
            Some((seconds, first.get(&format!("judge/kl/snapshot_{i}"))?))
        };
        let mut trace: Vec<(f64, f64)> = (0..).map_while(snapshot).collect();
        if contender.is_traced {
            trace.push((seconds.median, kl));
        }
        let note = |name| first.notes.iter().find(|(known, _)| known == name).map(|(_, text)| text.clone());
        let json = json!({
            "label": contender.label,
            "schedule": contender.schedule,
            "threads": contender.threads,
            "version": note("version"),
            "settings": note("settings"),
            "runs": runs.len(),
            "seconds": {"median": seconds.median, "low": seconds.low, "high": seconds.high},
            "stage_seconds": stages,
            "kl": {"mean": kl, "low": kl_spread.low, "high": kl_spread.high},
            "kept_10": mean(&all("judge/kept_10")),
            "trustworthiness": mean(&all("judge/trustworthiness")),
            "peak_memory_bytes": first.get("fit/peak_memory"),
            "n_points": first.get("judge/n_points"),
            "n_features": first.get("judge/n_features"),
            "trace": trace,
        });
        Self { contender: *contender, seconds, kl, trace, json }
    }

    /// Seconds until the divergence is at most `kl`, between two maps by a straight line.
    fn seconds_to(&self, kl: f64) -> Option<f64> {
        let at = self.trace.iter().position(|&(_, reached)| reached <= kl)?;
        let (seconds, reached) = self.trace[at];
        let Some(&(earlier, above)) = at.checked_sub(1).map(|before| &self.trace[before]) else {
            return Some(seconds);
        };
        Some(earlier + (seconds - earlier) * (above - kl) / (above - reached))
    }
}

/// The value of a claim, where both contenders have run.
fn value(claim: &Claim, summaries: &[Summary]) -> Option<f64> {
    let find = |label: &str| summaries.iter().find(|summary| summary.contender.label == label);
    let ours = find(claim.ours)?;
    if claim.what == What::Seconds {
        return Some(ours.seconds.median);
    }
    let theirs = find(claim.theirs)?;
    Some(match claim.what {
        What::Fit => ours.seconds.median / theirs.seconds.median,
        What::Kl => ours.kl / theirs.kl,
        // A map that never gets there takes forever.
        What::TimeToKl => ours.seconds_to(theirs.kl).unwrap_or(f64::MAX) / theirs.seconds.median,
        What::Seconds => unreachable!("returned above"),
    })
}

fn describe(claim: &Claim) -> String {
    let Claim { what, ours, theirs, .. } = claim;
    match what {
        What::Fit => format!("{ours}: whole fit over that of {theirs}"),
        What::Kl => format!("{ours}: divergence over that of {theirs}"),
        What::TimeToKl => format!("{ours}: time to the final divergence of {theirs}, over its whole fit"),
        What::Seconds => format!("{ours}: seconds"),
    }
}

/// All of a scenario, as it is kept.
pub(crate) fn result(scenario: &Scenario, origin: &Value, rounds: usize, summaries: &[Summary]) -> Value {
    let claims: Vec<Value> = scenario
        .claims
        .iter()
        .filter_map(|claim| {
            let value = value(claim, summaries)?;
            Some(json!({"claim": describe(claim), "value": value, "at_most": claim.at_most}))
        })
        .collect();
    json!({
        "scenario": scenario.name,
        "data": scenario.data,
        "command": format!("cargo xtask compare {}", scenario.name),
        "origin": origin,
        "rounds": rounds,
        "contenders": summaries.iter().map(|summary| &summary.json).collect::<Vec<_>>(),
        "claims": claims,
    })
}

/// The same, to be read.
pub(crate) fn text(result: &Value) -> String {
    let mut text = format!("{}\n\n", result["scenario"].as_str().unwrap_or_default());
    text += "                        seconds (range)             KL (range)               10 kept  trust\n";
    for one in result["contenders"].as_array().into_iter().flatten() {
        let number = |path: &str| one.pointer(path).and_then(Value::as_f64).unwrap_or(f64::NAN);
        writeln!(
            text,
            "{:<22}{:>9.3} ({:.3} to {:.3})  {:>8.4} ({:.4} to {:.4})  {:.4}  {:.4}",
            one["label"].as_str().unwrap_or_default(),
            number("/seconds/median"),
            number("/seconds/low"),
            number("/seconds/high"),
            number("/kl/mean"),
            number("/kl/low"),
            number("/kl/high"),
            number("/kept_10"),
            number("/trustworthiness"),
        )
        .expect("a string takes all");
    }
    for one in result["contenders"].as_array().into_iter().flatten() {
        if let Some(settings) = one["settings"].as_str() {
            let name = one["label"].as_str().unwrap_or_default();
            let version = one["version"].as_str().unwrap_or_default();
            writeln!(text, "{name} {version}: {settings}").expect("a string takes all");
        }
    }
    for claim in result["claims"].as_array().into_iter().flatten() {
        let (value, at_most) = (claim["value"].as_f64(), claim["at_most"].as_f64());
        let (value, at_most) = (value.unwrap_or(f64::NAN), at_most.unwrap_or(f64::NAN));
        let verdict = if value <= at_most { "" } else { ": NOT MET" };
        let name = claim["claim"].as_str().unwrap_or_default();
        writeln!(text, "{name}: {value:.3}, asked at most {at_most:.3}{verdict}")
            .expect("a string takes all");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::super::scenarios::SCENARIOS;
    use super::*;
    use crate::lab::Metric;

    fn run(figures: &[(&str, f64)]) -> Measured {
        let metric =
            |&(name, value): &(&str, f64)| Metric { name: name.to_owned(), value, unit: String::new() };
        Measured { metrics: figures.iter().map(metric).collect(), notes: Vec::new() }
    }

    fn of_mnist(label: &str, runs: &[Measured]) -> Summary {
        let mnist = SCENARIOS.iter().find(|scenario| scenario.name == "mnist").expect("is there");
        let contender = mnist.contenders.iter().find(|contender| contender.label == label);
        Summary::of(contender.expect("is there"), runs)
    }

    #[test]
    fn times_are_medians_and_divergences_means() {
        let runs = [(1.0, 2.0), (2.0, 3.0), (9.0, 7.0)];
        let runs = runs.map(|(seconds, kl)| run(&[("fit/seconds", seconds), ("judge/kl", kl)]));
        let summary = of_mnist("tsne", &runs);
        assert_eq!((summary.seconds.median, summary.kl), (2.0, 4.0), "of three");
        assert_eq!(summary.json["kl"], json!({"mean": 4.0, "low": 2.0, "high": 7.0}), "with their range");
    }

    #[test]
    fn the_time_to_a_divergence_lies_between_two_maps() {
        let figures = [
            ("fit/seconds", 4.0),
            ("judge/kl", 2.0),
            ("fit/seconds_to/snapshot_0", 1.0),
            ("judge/kl/snapshot_0", 6.0),
            ("fit/seconds_to/snapshot_1", 2.0),
            ("judge/kl/snapshot_1", 4.0),
        ];
        let traced = of_mnist("tsne, traced", &[run(&figures)]);
        assert_eq!(traced.trace, [(1.0, 6.0), (2.0, 4.0), (4.0, 2.0)], "the last is the map itself");
        assert_eq!(traced.seconds_to(5.0), Some(1.5), "half way");
        assert_eq!(traced.seconds_to(7.0), Some(1.0), "at the first already");
        assert_eq!(traced.seconds_to(1.0), None, "never");
        let theirs = of_mnist("manifolds-rs", &[run(&[("fit/seconds", 12.0), ("judge/kl", 3.0)])]);
        let claim =
            Claim { what: What::TimeToKl, ours: "tsne, traced", theirs: "manifolds-rs", at_most: 0.3 };
        assert_eq!(value(&claim, &[traced, theirs]), Some(0.25), "3 s of 12");
    }
}
