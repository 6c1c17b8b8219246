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
    let mut stages = Map::new();
    stages.insert("read".to_owned(), json!(reading.as_secs_f64()));
    for (stage, time) in timings {
        let name = stage.to_string();
        let before = stages.get(&name).and_then(Value::as_f64).unwrap_or(0.0);
        stages.insert(name, json!(before + time.as_secs_f64()));
    }
    json!({
        "versions": {"tsne": env!("CARGO_PKG_VERSION")},
        "command": command(),
        "configuration": configuration,
        "data": data,
        "plan": plan(&fitted.plan),
        "warnings": warnings,
        "stage_seconds": stages,
        "n_iter": fitted.n_iter,
        "kl_divergence": fitted.kl_divergence,
        "perplexity_attained": calibration.map(attained),
        "neighbors_found_estimate": fitted.recall,
        "stop": stop,
        "random_state": seed,
        "peak_memory_bytes": peak_memory(),
    })
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
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes * 1024)
}
