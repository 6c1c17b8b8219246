//! The run report: everything needed to know, and to repeat, how a map was made.

use std::time::Duration;

use serde_json::{Map, Value, json};
use tsne::Stage;
use tsne::affinity::{Calibration, Scale};

/// What a report says beyond what the fit says of itself.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Context<'a> {
    /// Shape and format of the data.
    pub(crate) data: &'a Value,
    /// Code and text of what was noticed while reading.
    pub(crate) warnings: &'a [(String, String)],
    /// The flags as TOML.
    pub(crate) configuration: &'a str,
    pub(crate) seed: u64,
    /// Wall time of reading all that was given.
    pub(crate) reading: Duration,
    /// Wall time of each stage, in order; a stage may come more than once.
    pub(crate) timings: &'a [(Stage, Duration)],
    /// What the affinities attained, where it is known.
    pub(crate) calibration: Option<&'a Calibration>,
    /// Why the run ended.
    pub(crate) stop: &'a str,
}

/// The report of a fit.
pub(crate) fn report(context: Context<'_>, fitted: &tsne::Report) -> Value {
    let Context { data, warnings: of_reading, configuration, seed, reading, timings, calibration, stop } =
        context;
    let of_reading = of_reading.iter().map(|(code, text)| json!({"code": code, "text": text}));
    let of_fit = fitted.warnings.iter().map(|w| json!({"code": w.code(), "text": w.to_string()}));
    let warnings: Vec<Value> = of_reading.chain(of_fit).collect();
    json!({
        "versions": {"tsne": env!("CARGO_PKG_VERSION")},
        "command": command(),
        "configuration": configuration,
        "data": data,
        "plan": plan(&fitted.plan),
        "warnings": warnings,
        "stage_seconds": stage_seconds(reading, timings),
        "n_iter": fitted.n_iter,
        "kl_divergence": fitted.kl_divergence,
        "perplexity_attained": calibration.map(attained),
        "neighbors_found_estimate": fitted.recall,
        "stop": stop,
        "random_state": seed,
        "peak_memory_bytes": peak_memory(),
    })
}

/// Seconds of reading and of every stage.
pub(crate) fn stage_seconds(reading: Duration, timings: &[(Stage, Duration)]) -> Value {
    let mut stages = Map::new();
    stages.insert("read".to_owned(), json!(reading.as_secs_f64()));
    for (stage, time) in timings {
        let name = stage.to_string();
        let before = stages.get(&name).and_then(Value::as_f64).unwrap_or(0.0);
        stages.insert(name, json!(before + time.as_secs_f64()));
    }
    stages.into()
}

/// A line that says what a picture shows.
pub(crate) fn caption(fitted: &tsne::Report, n_components: usize) -> String {
    let perplexities: Vec<String> = fitted.plan.perplexities.iter().map(f64::to_string).collect();
    let mut line = count(fitted.plan.n_points, "point");
    if !perplexities.is_empty() {
        line += &format!(" · perplexity {}", perplexities.join(", "));
    }
    line += &format!(" · KL divergence {:.3}", fitted.kl_divergence);
    if n_components == 3 {
        line += " · x and y of three components";
    }
    line
}

/// A number in groups of three digits, of things that have this name where there is one.
pub(crate) fn count(n: usize, name: &str) -> String {
    let digits = n.to_string();
    let mut grouped = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            grouped.push('\u{a0}');
        }
        grouped.push(digit);
    }
    format!("{grouped} {name}{}", if n == 1 { "" } else { "s" })
}

/// What a report says of a map in names and values, for people.
pub(crate) fn facts(report: &Value) -> Vec<(String, String)> {
    let plan = &report["plan"];
    let known = [
        ("points", &plan["n_points"]),
        ("features", &plan["n_features"]),
        ("principal components", &plan["pca"]),
        ("components", &plan["n_components"]),
        ("perplexity", &plan["perplexity"]),
        ("neighbors", &plan["neighbors"]),
        ("neighbors of a point", &plan["n_neighbors"]),
        ("repulsion", &plan["negative_gradient_method"]),
        ("learning rates", &plan["learning_rates"]),
        ("iterations", &report["n_iter"]),
        ("KL divergence", &report["kl_divergence"]),
        ("seed", &report["random_state"]),
        ("tsne", &report["versions"]["tsne"]),
    ];
    fn shown(value: &Value) -> String {
        match value {
            Value::String(text) => text.clone(),
            Value::Array(values) => values.iter().map(shown).collect::<Vec<_>>().join(", "),
            other => other.to_string(),
        }
    }
    let known = known.into_iter().filter(|(_, value)| !value.is_null());
    let known = known.map(|(name, value)| (name.to_owned(), shown(value)));
    let warnings = report["warnings"].as_array().into_iter().flatten();
    let warnings = warnings.map(|w| (format!("warning {}", shown(&w["code"])), shown(&w["text"])));
    known.chain(warnings).collect()
}

/// The report with the time of writing all outputs that were written before it.
pub(crate) fn written(report: &Value, writing: Duration) -> Value {
    let mut report = report.clone();
    if let Some(stages) = report.get_mut("stage_seconds").and_then(Value::as_object_mut) {
        stages.insert("write".to_owned(), json!(writing.as_secs_f64()));
    }
    report
}

/// The command line of this process.
pub(crate) fn command() -> Vec<String> {
    std::env::args_os().map(|arg| arg.to_string_lossy().into_owned()).collect()
}

/// What a fit does, and why.
pub(crate) fn plan(plan: &tsne::Plan) -> Value {
    json!({
        "n_points": plan.n_points,
        "n_features": plan.n_features,
        "n_components": plan.n_components,
        "pca": plan.pca,
        "perplexity": plan.perplexities,
        "n_neighbors": plan.n_neighbors,
        "neighbors": plan.neighbors.as_ref().map(|chosen| chosen.value.to_string()),
        "neighbors_reason": plan.neighbors.as_ref().map(|chosen| chosen.reason.to_string()),
        "negative_gradient_method": plan.negative_gradient_method.value.to_string(),
        "negative_gradient_method_reason": plan.negative_gradient_method.reason.to_string(),
        "learning_rates": plan.learning_rates,
        "n_threads": plan.n_threads,
    })
}

/// For each perplexity what the rows attained, and how many miss it.
fn attained(calibration: &Calibration) -> Value {
    let scale = |scale: &Scale| {
        json!({
            "perplexity": scale.perplexity,
            "minimum": scale.attained_min,
            "maximum": scale.attained_max,
            "n_rows_not_met": scale.unreached.len(),
        })
    };
    calibration.scales.iter().map(scale).collect()
}

/// Most memory this process has held so far, where the system tells.
pub(crate) fn peak_memory() -> Option<u64> {
    bytes_of_status("VmHWM:")
}

/// Memory that this process holds now, where the system tells.
pub(crate) fn resident_memory() -> Option<u64> {
    bytes_of_status("VmRSS:")
}

fn bytes_of_status(entry: &str) -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(entry))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes * 1024)
}
