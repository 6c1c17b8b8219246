//! The tables of `docs/performance.md`.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use serde_json::Value;

use super::{by_size, contender, contenders, number, scenario};
use crate::bench::crossover::{crossing, grouped, ratios, rounded};
use crate::bench::figure;

const ALL: &str = "a string takes all";
/// Where something was not measured.
const NONE: &str = "–";

fn text<'a>(value: &'a Value, field: &str) -> &'a str {
    value[field].as_str().unwrap_or_default()
}

fn seconds(value: f64) -> String {
    if value.is_nan() { NONE.to_owned() } else { figure(value, "s") }
}

/// A number that counts something.
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "counts are small and not negative"
)]
pub(super) fn count(value: &Value, pointer: &str) -> usize {
    number(value, pointer) as usize
}

fn decimals(value: f64, digits: usize) -> String {
    if value.is_nan() { NONE.to_owned() } else { format!("{value:.digits$}") }
}

/// One table for each scenario: who took how long for a map how good.
pub(super) fn fits(results: &[Value]) -> String {
    let mut page = String::new();
    for result in results {
        let origin = &result["origin"];
        let first = contenders(result).next().unwrap_or(&Value::Null);
        writeln!(
            page,
            "### {}\n\n{} points, {} features. `{}`, {} ({}), {}, revision {}.\n\n\
             | program | threads | seconds (lowest to highest of n) | KL (lowest to highest) | 10 kept | trustworthiness | peak |\n\
             | --- | --- | --- | --- | --- | --- | --- |",
            text(result, "scenario"),
            grouped(count(first, "/n_points")),
            number(first, "/n_features"),
            text(result, "command"),
            text(origin, "cpu"),
            text(origin, "instructions"),
            text(origin, "date"),
            text(origin, "revision"),
        )
        .expect(ALL);
        for one in contenders(result) {
            let n = |pointer| number(one, pointer);
            let peak = n("/peak_memory_bytes");
            writeln!(
                page,
                "| {} | {} | {} ({} to {} of {}) | {:.4} ({:.4} to {:.4}) | {} | {} | {} |",
                text(one, "label"),
                one["threads"],
                seconds(n("/seconds/median")),
                seconds(n("/seconds/low")),
                seconds(n("/seconds/high")),
                one["runs"],
                n("/kl/mean"),
                n("/kl/low"),
                n("/kl/high"),
                decimals(n("/kept_10"), 3),
                decimals(n("/trustworthiness"), 4),
                if peak.is_nan() { NONE.to_owned() } else { figure(peak, "B") },
            )
            .expect(ALL);
        }
        page += "\n";
    }
    page
}

/// What each scenario had to show.
pub(super) fn claims(results: &[Value]) -> String {
    let mut page = String::from(
        "| scenario | measure | measured | asked at most | |\n| --- | --- | --- | --- | --- |\n",
    );
    for result in results {
        for claim in result["claims"].as_array().into_iter().flatten() {
            let (value, at_most) = (number(claim, "/value"), number(claim, "/at_most"));
            let verdict = if value <= at_most { "met" } else { "**missed**" };
            let (scenario, what) = (text(result, "scenario"), text(claim, "claim"));
            writeln!(page, "| {scenario} | {what} | {value:.3} | {at_most:.3} | {verdict} |").expect(ALL);
        }
    }
    page
}

/// Our two schedules beside each other.
pub(super) fn schedules(results: &[Value]) -> String {
    let mut page = String::from(
        "| data | KL, `Tsne::new()` | KL, `Tsne::opentsne_v1()` | lower by | seconds | seconds |\n\
         | --- | --- | --- | --- | --- | --- |\n",
    );
    for (data, api, v1) in [
        ("iris", "iris", "iris"),
        ("digits", "digits", "digits"),
        ("MNIST, 10 000", "mnist-10000", "mnist-10000"),
        ("MNIST, 70 000", "mnist", "mnist-v1"),
    ] {
        let of = |name, label| scenario(results, name).and_then(|result| contender(result, label));
        let (Some(api), Some(v1)) = (of(api, "tsne"), of(v1, "tsne v1")) else { continue };
        let (a, b) = (number(api, "/kl/mean"), number(v1, "/kl/mean"));
        writeln!(
            page,
            "| {data} | {a:.4} | {b:.4} | {:.1} % | {} | {} |",
            100.0 * (a - b) / a,
            seconds(number(api, "/seconds/median")),
            seconds(number(v1, "/seconds/median")),
        )
        .expect(ALL);
    }
    page
}

/// Seconds of our stages, by size.
pub(super) fn stages(results: &[Value]) -> String {
    let results = by_size(results);
    let of = |result: &Value| contender(result, "tsne").cloned().unwrap_or(Value::Null);
    let mut page = String::from("| stage |");
    for result in &results {
        write!(page, " {} |", text(result, "scenario")).expect(ALL);
    }
    page += &format!("\n| --- |{}\n", " --- |".repeat(results.len()));
    for stage in stage_names() {
        write!(page, "| {} |", stage.replace('_', " ")).expect(ALL);
        for result in &results {
            write!(page, " {} |", seconds(number(&of(result), &format!("/stage_seconds/{stage}"))))
                .expect(ALL);
        }
        page += "\n";
    }
    page += "| whole fit |";
    for result in &results {
        write!(page, " {} |", seconds(number(&of(result), "/seconds/median"))).expect(ALL);
    }
    page + "\n"
}

/// Names of our stages as the lab reports them, in order.
pub(super) fn stage_names() -> [&'static str; 5] {
    ["neighbors", "affinities", "initialization", "early_exaggeration", "optimization"]
}

/// Versions and settings of all peers.
pub(super) fn peers(results: &[Value]) -> String {
    let lines: BTreeSet<String> = results
        .iter()
        .flat_map(contenders)
        .filter(|one| one["settings"].is_string())
        .map(|one| {
            format!(
                "- {} {}, {} threads: {}",
                text(one, "label"),
                text(one, "version"),
                one["threads"],
                text(one, "settings")
            )
        })
        .collect();
    lines.into_iter().collect::<Vec<_>>().join("\n")
}

/// Where methods cross.
pub(super) fn crossover(results: &Value) -> String {
    let origin = &results["origin"];
    let mut page = format!(
        "`cargo xtask bench crossover`, {} ({}), {} threads, {}, revision {}. The lower line of each pair is how many times \
         as long the first method takes.\n\n",
        text(origin, "cpu"),
        text(origin, "instructions"),
        results["threads"],
        text(origin, "date"),
        text(origin, "revision"),
    );
    for sweep in results["sweeps"].as_array().into_iter().flatten() {
        let ratios = ratios(sweep);
        let at = crossing(&ratios, 1.0).map_or("none".to_owned(), |n| grouped(rounded(n)));
        let (small, large) = (text(sweep, "small"), text(sweep, "large"));
        writeln!(page, "{}, {small} and {large}; they cross at: {at}\n", text(sweep, "name")).expect(ALL);
        let row = |name: &str, cell: &dyn Fn(&Value, f64) -> String| {
            let points = sweep["seconds"].as_array().into_iter().flatten();
            let cells: Vec<String> =
                points.zip(&ratios).map(|(point, (_, ratio))| cell(point, *ratio)).collect();
            format!("| {name} | {} |\n", cells.join(" | "))
        };
        page += &row("points", &|point, _| grouped(count(point, "/n")));
        page += &format!("| --- |{}\n", " --- |".repeat(ratios.len()));
        page += &row(small, &|point, _| seconds(number(point, "/small")));
        page += &row(large, &|point, _| seconds(number(point, "/large")));
        page += &row("ratio", &|_, ratio| format!("{ratio:.2}"));
        page += "\n";
    }
    page
}
