//! The run report: everything needed to know, and to repeat, how a map was made.

use serde_json::{Map, Value, json};
use tsne::LearningRate;

use crate::args::{Bound, FitArgs, Parameters, Precision};

/// What a report says beyond what the fit says of itself.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Context<'a> {
    /// Shape and format of the data.
    pub(crate) data: &'a Value,
    /// Code and text of what was noticed while reading.
    pub(crate) warnings: &'a [(&'static str, String)],
    /// The flags as TOML.
    pub(crate) configuration: &'a str,
    pub(crate) seed: u64,
}

/// The report of a finished fit.
pub(crate) fn report(context: Context<'_>, fitted: &tsne::Report) -> Value {
    let Context { data, warnings: of_reading, configuration, seed } = context;
    let plan = &fitted.plan;
    let command: Vec<String> = std::env::args_os().map(|arg| arg.to_string_lossy().into_owned()).collect();
    let of_reading = of_reading.iter().map(|(code, text)| json!({"code": code, "text": text}));
    let of_fit = fitted.warnings.iter().map(|w| json!({"code": w.code(), "text": w.to_string()}));
    let warnings: Vec<Value> = of_reading.chain(of_fit).collect();
    let stages: Map<String, Value> =
        fitted.timings.iter().map(|(stage, time)| (stage.to_string(), json!(time.as_secs_f64()))).collect();
    json!({
        "versions": {"tsne": env!("CARGO_PKG_VERSION")},
        "command": command,
        "configuration": configuration,
        "data": data,
        "plan": {
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
        },
        "warnings": warnings,
        "stage_seconds": stages,
        "n_iter": fitted.n_iter,
        "kl_divergence": fitted.kl_divergence,
        "stop": format!("{:?}", fitted.stop),
        "random_state": seed,
        "peak_memory_bytes": peak_memory(),
    })
}

/// Every flag of a fit as TOML, values that were left to their defaults included.
pub(crate) fn configuration(args: &FitArgs) -> String {
    let Parameters {
        perplexity,
        pca,
        n_components,
        n_iter,
        early_exaggeration_iter,
        early_exaggeration,
        exaggeration,
        learning_rate,
        initial_momentum,
        final_momentum,
        max_grad_norm,
        max_step_norm,
        dof,
        initialization,
        metric,
        neighbors,
        negative_gradient_method,
        theta,
        n_interpolation_points,
        min_num_intervals,
        ints_in_interval,
        random_state,
        n_jobs,
        precision,
        strict,
        callbacks_every_iters,
        given: _,
    } = &args.parameters;
    let bound = |bound: &Bound| bound.0.map_or(json!("none"), |x| json!(x));
    let learning_rate = match learning_rate {
        LearningRate::Fixed(rate) => json!(rate),
        LearningRate::PerExaggeration => json!("per-exaggeration"),
        _ => json!("auto"),
    };
    let precision = match precision {
        Precision::F32 => "f32",
        Precision::F64 => "f64",
    };
    let entries = [
        ("input", json!(args.input.to_string_lossy())),
        ("label", json!(args.reading.label)),
        ("id", json!(args.reading.id)),
        ("drop", json!(args.reading.drop)),
        ("delimiter", json!(args.reading.delimiter.map(|byte| char::from(byte).to_string()))),
        ("header", json!(args.reading.has_header())),
        ("perplexity", if let [one] = perplexity[..] { json!(one) } else { json!(perplexity) }),
        ("pca", json!(pca)),
        ("n_components", json!(n_components)),
        ("n_iter", json!(n_iter)),
        ("early_exaggeration_iter", json!(early_exaggeration_iter)),
        ("early_exaggeration", json!(early_exaggeration)),
        ("exaggeration", json!(exaggeration)),
        ("learning_rate", learning_rate),
        ("initial_momentum", json!(initial_momentum)),
        ("final_momentum", json!(final_momentum)),
        ("max_grad_norm", bound(max_grad_norm)),
        ("max_step_norm", bound(max_step_norm)),
        ("dof", json!(dof)),
        ("initialization", json!(initialization)),
        ("metric", json!(metric)),
        ("neighbors", json!(neighbors)),
        ("negative_gradient_method", json!(negative_gradient_method)),
        ("theta", json!(theta)),
        ("n_interpolation_points", json!(n_interpolation_points)),
        ("min_num_intervals", json!(min_num_intervals)),
        ("ints_in_interval", json!(ints_in_interval)),
        ("random_state", json!(random_state)),
        ("n_jobs", json!(n_jobs)),
        ("precision", json!(precision)),
        ("strict", json!(strict)),
        ("callbacks_every_iters", json!(callbacks_every_iters)),
    ];
    // JSON's strings, numbers, booleans and arrays are TOML; only null is not, and stands for a flag not given.
    entries
        .iter()
        .filter(|(_, value)| !value.is_null())
        .map(|(key, value)| format!("{key} = {value}\n"))
        .collect()
}

/// Most memory this process has held so far, where the system tells.
fn peak_memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes * 1024)
}
