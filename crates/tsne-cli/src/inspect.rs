//! `tsne inspect`: what is in a model, a checkpoint, a report, a page with a map, or a data file.

use std::path::Path;

use serde_json::{Value, json};
use tsne::{ModelInfo, Scalar};
use tsne_io::{BadCell, Cells, Error, Missing, ReadOptions, read_path};

use crate::args::InspectArgs;
use crate::checkpoint::Notes;
use crate::exit::{Failure, print, shown_path};
use crate::plot::{element, generator};
use crate::resume::{load, read_head};

/// Runs the command.
pub(crate) fn run(args: &InspectArgs) -> Result<(), Failure> {
    let suffix = args.file.extension().unwrap_or_default().to_string_lossy().to_ascii_lowercase();
    let entries = match suffix.as_str() {
        "tsne" | "ckpt" => of_model(args)?,
        "json" => of_report(&args.file)?,
        "html" | "htm" => of_html(&args.file)?,
        _ => of_data(&args.file)?,
    };
    if args.json {
        let object: serde_json::Map<String, Value> =
            entries.into_iter().map(|(key, value)| (key.to_owned(), value)).collect();
        return print(&format!("{:#}\n", Value::from(object)));
    }
    let text: String = entries.iter().map(|(key, value)| line(key, value)).collect();
    print(&text)
}

type Entries = Vec<(&'static str, Value)>;

/// One entry for people: lists short, nothing where there is nothing.
fn line(key: &str, value: &Value) -> String {
    let key = key.replace('_', " ");
    match value {
        Value::Null => String::new(),
        Value::String(text) if text.contains('\n') => {
            let lines: String =
                text.lines().map(|line| format!("  {}\n", shown_path(Path::new(line)))).collect();
            format!("{key}:\n{lines}")
        }
        Value::String(text) => format!("{key:<16} {}\n", tsne_io::shown(text)),
        Value::Array(values) if values.is_empty() => format!("{key:<16} none\n"),
        Value::Array(values) => {
            let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            let shown: Vec<String> = values.iter().take(8).map(text).collect();
            let more = if values.len() > 8 { ", ..." } else { "" };
            format!("{key:<16} {}{more}\n", tsne_io::shown(&shown.join(", ")))
        }
        other => format!("{key:<16} {other}\n"),
    }
}

fn of_model(args: &InspectArgs) -> Result<Entries, Failure> {
    let info = read_head(&args.file)?;
    let mut entries = vec![
        ("kind", json!("model or checkpoint")),
        ("format", json!(format!("{}.{}", info.version.0, info.version.1))),
        ("precision", json!(info.scalar)),
        ("n_points", json!(info.n_points)),
        ("n_components", json!(info.n_components)),
        ("n_features", json!(info.n_features)),
        ("metric", json!(info.metric)),
        ("entries_of_p", json!(info.n_entries)),
        ("n_iter", json!(info.n_iter)),
        ("kl_divergence", json!(info.kl_divergence)),
        ("can_transform", json!(info.has_data)),
        ("left_out", json!(info.left_out)),
    ];
    if args.verify {
        let notes = match (info.scalar.as_str(), info.n_components) {
            ("f32", 1) => verify::<f32, 1>(&args.file, &info),
            ("f32", 2) => verify::<f32, 2>(&args.file, &info),
            ("f32", _) => verify::<f32, 3>(&args.file, &info),
            (_, 1) => verify::<f64, 1>(&args.file, &info),
            (_, 2) => verify::<f64, 2>(&args.file, &info),
            _ => verify::<f64, 3>(&args.file, &info),
        }?;
        entries.extend([
            ("verified", json!(true)),
            ("data", json!(notes.name)),
            ("feature_names", json!(notes.feature_names)),
            ("labels", notes.data["label"].clone()),
            ("has_ids", json!(notes.ids.is_some())),
            ("configuration", json!(notes.configuration)),
        ]);
    }
    Ok(entries)
}

/// Reads every array, which checks all of them.
fn verify<T: Scalar, const D: usize>(path: &Path, info: &ModelInfo) -> Result<Notes, Failure> {
    let (map, notes) = load::<T, D>(path)?;
    debug_assert_eq!(map.positions().len(), info.n_points, "the head tells the truth");
    Ok(notes)
}

/// All bytes of a file.
fn bytes_of(path: &Path) -> Result<Vec<u8>, Failure> {
    std::fs::read(path).map_err(|e| {
        let error = match e.kind() {
            std::io::ErrorKind::NotFound => Error::NotFound,
            _ => Error::NotReadable(e),
        };
        Failure::in_file(path, &error)
    })
}

fn of_report(path: &Path) -> Result<Entries, Failure> {
    let bytes = bytes_of(path)?;
    let report: Value = serde_json::from_slice(&bytes).map_err(|e| {
        let what = format!("the report is not JSON: {e}");
        Failure::new("E107", what, "give a file that tsne fit has written").at(shown_path(path))
    })?;
    let part = |key: &str| report[key].clone();
    Ok(vec![
        ("kind", json!("report")),
        ("n_points", report["plan"]["n_points"].clone()),
        ("n_iter", part("n_iter")),
        ("kl_divergence", part("kl_divergence")),
        ("stop", part("stop")),
        ("random_state", part("random_state")),
        ("configuration", part("configuration")),
    ])
}

/// What a page holds that `tsne` has written: all that its reader can find in it, but for the numbers.
fn of_html(path: &Path) -> Result<Entries, Failure> {
    let bytes = bytes_of(path)?;
    let page = String::from_utf8_lossy(&bytes);
    let failed = |what: &str, help: &str| Failure::new("E107", what, help).at(shown_path(path));
    let Some(generator) = generator(&page) else {
        let help = "give an .html file that tsne fit or tsne plot has written";
        return Err(failed("this page was not made by tsne", help));
    };
    let damaged = || failed("the page is cut off or damaged", "copy or draw it again");
    let about = element(&page, "scene").ok_or_else(damaged)?;
    let about: Value = serde_json::from_str(about).map_err(|_| damaged())?;
    let n_points = about["points"].as_u64().ok_or_else(damaged)?;
    let steps = about["steps"].as_array().ok_or_else(damaged)?;
    // Two numbers of two bytes a point, three bytes as four letters.
    let n_letters = n_points.checked_mul(4).ok_or_else(damaged)?.div_ceil(3).saturating_mul(4);
    let is_whole = |k: usize| {
        element(&page, &format!("positions-{k}")).is_some_and(|letters| letters.len() as u64 == n_letters)
    };
    if steps.is_empty() || !(0..steps.len()).all(is_whole) {
        return Err(damaged());
    }
    let names = |key: &str| -> Vec<&Value> {
        about[key].as_array().into_iter().flatten().map(|part| &part["name"]).collect()
    };
    let fact = |fact: &Value| {
        let part = |at: usize| fact[at].as_str().unwrap_or_default().to_owned();
        format!("{}: {}", part(0), part(1))
    };
    let facts: Vec<String> = about["facts"].as_array().into_iter().flatten().map(fact).collect();
    Ok(vec![
        ("kind", json!("page with a map")),
        ("generator", json!(generator)),
        ("title", about["title"].clone()),
        ("caption", about["caption"].clone()),
        ("n_points", json!(n_points)),
        ("n_dimensions", json!(2)),
        ("maps", json!(names("steps"))),
        ("columns", json!(names("colorings"))),
        ("has_ids", about["hasIds"].clone()),
        ("facts", json!(facts)),
    ])
}

/// Columns that are no numbers and are still looked past.
const MAX_LEFT_OUT: usize = 100;

/// What a data file holds: its numbers, and the columns that are no numbers, which a fit has to be told about.
fn of_data(path: &Path) -> Result<Entries, Failure> {
    let mut options = ReadOptions::default();
    let (mut not_numeric, mut n_missing) = (Vec::new(), 0);
    let data = loop {
        let column = match read_path(path, &options) {
            Ok(data) => break data,
            Err(Error::NotNumeric(BadCell { column, .. }) | Error::NotNumericColumn { column, .. }) => column,
            Err(Error::NonFinite { count, .. }) if options.missing == Missing::Error => {
                (n_missing, options.missing) = (count, Missing::Mean);
                continue;
            }
            Err(e) => return Err(Failure::in_file(path, &e)),
        };
        let name = column.to_string();
        if not_numeric.contains(&name) || not_numeric.len() == MAX_LEFT_OUT {
            // It cannot be left out by its number, as another column has that for a name; or this is no table.
            let what = format!("{name} is not numeric");
            let help = "convert the file first, and leave its columns of text out";
            return Err(Failure::new("E104", what, help).at(shown_path(path)));
        }
        options.drop.push(column.number.to_string());
        not_numeric.push(name);
    };
    let (n_rows, n_features) = (data.features.n_rows(), data.features.n_features());
    let cell_bytes = match data.features.cells() {
        Cells::U8(_) => 1,
        Cells::F32(_) => 4,
        Cells::F64(_) | Cells::Sparse(_) => 8,
    };
    let n_cells = match data.features.cells() {
        Cells::Sparse(matrix) => matrix.n_entries(),
        _ => n_rows * n_features,
    };
    Ok(vec![
        ("kind", json!("data")),
        ("format", json!(data.format.to_string())),
        ("n_rows", json!(n_rows)),
        ("n_features", json!(n_features)),
        ("element", json!(data.features.cells().kind())),
        ("bytes_of_numbers", json!(n_cells * cell_bytes)),
        ("feature_names", json!(data.feature_names)),
        ("not_numeric", json!(not_numeric)),
        ("missing_values", json!(n_missing)),
        ("rounded_integers", json!(data.n_rounded_integers)),
    ])
}
