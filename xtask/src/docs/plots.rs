//! The plots beside `docs/performance.md`.

use serde_json::Value;

use super::tables::{count, stage_names};
use super::{by_size, contender, n_points, number, scenario};
use crate::bench::crossover::grouped;
use crate::plot::{Bars, Lines, Scale};

/// Every plot there are results for, by its name.
pub(super) fn all(results: &[Value]) -> Vec<(&'static str, String)> {
    let plots = [
        ("time", time(results)),
        ("stages", stages(results)),
        ("threads", threads(results)),
        ("divergence", divergence(results)),
    ];
    plots.into_iter().filter_map(|(name, svg)| Some((name, svg?))).collect()
}

/// Seconds of a whole fit against the number of points.
fn time(results: &[Value]) -> Option<String> {
    let results = by_size(results);
    let series: Vec<(String, Vec<(f64, f64)>)> = ["tsne", "openTSNE", "scikit-learn", "manifolds-rs"]
        .into_iter()
        .map(|label| {
            let points = results.iter().filter_map(|result| {
                Some((n_points(result), number(contender(result, label)?, "/seconds/median")))
            });
            (label.to_owned(), points.collect())
        })
        .filter(|(_, points): &(String, Vec<_>)| points.len() > 1)
        .collect();
    let lines = Lines {
        title: "A whole fit, schedule of the API page, two threads",
        x: ("points", Scale::Log),
        y: ("seconds", Scale::Log),
        series,
    };
    (!lines.series.is_empty()).then(|| lines.to_svg())
}

/// Share of each stage of ours, by size.
fn stages(results: &[Value]) -> Option<String> {
    let results = by_size(results);
    let share = |result: &Value, stage: &str| {
        let ours = contender(result, "tsne").unwrap_or(&Value::Null);
        let seconds = |stage: &str| match number(ours, &format!("/stage_seconds/{stage}")) {
            seconds if seconds.is_nan() => 0.0,
            seconds => seconds,
        };
        100.0 * seconds(stage) / stage_names().into_iter().map(seconds).sum::<f64>()
    };
    let bars = Bars {
        title: "Where the time of a fit goes",
        y: "percent",
        bars: results
            .iter()
            .map(|result| grouped(count(contender(result, "tsne").unwrap_or(&Value::Null), "/n_points")))
            .collect(),
        parts: stage_names()
            .into_iter()
            .map(|stage| {
                (stage.replace('_', " "), results.iter().map(|result| share(result, stage)).collect())
            })
            .collect(),
    };
    (!results.is_empty()).then(|| bars.to_svg())
}

/// Seconds of each stage by one thread and by two.
fn threads(results: &[Value]) -> Option<String> {
    let result = scenario(results, "mnist-threads")?;
    let sides = [contender(result, "tsne, one thread")?, contender(result, "tsne")?];
    let bars = Bars {
        title: "70 000 x 50, by threads",
        y: "seconds",
        bars: vec!["one".to_owned(), "two".to_owned()],
        parts: stage_names()
            .into_iter()
            .map(|stage| {
                let seconds = sides.iter().map(|side| number(side, &format!("/stage_seconds/{stage}")));
                (stage.replace('_', " "), seconds.collect())
            })
            .collect(),
    };
    Some(bars.to_svg())
}

/// Divergence of the maps on the way against seconds since the beginning.
fn divergence(results: &[Value]) -> Option<String> {
    let result = scenario(results, "mnist-traces").or_else(|| scenario(results, "mnist"))?;
    let series: Vec<(String, Vec<(f64, f64)>)> = super::contenders(result)
        .filter_map(|one| {
            let trace = one["trace"].as_array().filter(|trace| !trace.is_empty())?;
            let points = trace.iter().map(|point| (number(point, "/0"), number(point, "/1"))).collect();
            Some((one["label"].as_str()?.replace(", traced", ""), points))
        })
        .collect();
    let lines = Lines {
        title: "70 000 x 50: exact divergence of the map against time",
        x: ("seconds since the beginning", Scale::Log),
        y: ("KL divergence", Scale::Linear),
        series,
    };
    (!lines.series.is_empty()).then(|| lines.to_svg())
}
