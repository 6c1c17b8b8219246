//! `tsne eval`: how well a map shows its data.

use std::path::Path;

use serde_json::json;
use tsne::core::{BackendError, Control, NeighborIndex as _};
use tsne::neighbors::Exact;
use tsne::neighbors::quality::{self, Rows};
use tsne::{Initialization, Metric, Points, Scalar, Seed, StudentT, Tsne, kl};
use tsne_io::Labels;

use crate::args::EvalArgs;
use crate::exit::{Failure, print, shown_path};
use crate::fit::read_positions;
use crate::resume::{is_model, load, read_head};
use crate::{config, features, input, metric};

/// What was measured.
struct Measures {
    n_points: usize,
    n_rows: usize,
    k: usize,
    /// Share of the k nearest in the map that are among the k nearest in the data.
    recall: f64,
    trustworthiness: Option<f64>,
    continuity: Option<f64>,
    perplexity: f64,
    kl_divergence: f64,
    /// Share of the points whose label is that of most of their k nearest in the map.
    accuracy: Option<f64>,
    /// How well apart the labels lie in the map.
    silhouette: Option<f64>,
}

/// Runs the command.
pub(crate) fn run(args: &EvalArgs) -> Result<(), Failure> {
    let metric = metric::parse(&args.metric, &args.metric_params)?;
    if args.k == 0 || args.rows == 0 {
        let name = if args.k == 0 { "k" } else { "rows" };
        let error = tsne::Error::Parameter { name, requirement: "at least 1", value: 0.0 };
        return Err(Failure::of_fit(&error, ""));
    }
    let data = input::read(&args.input, &args.reading, args.random_state)?;
    let n_points = data.features.n_rows();
    let labels = data.labels;
    let map = read_map(&args.map)?;
    let n_rows = map.positions.len() / map.n_components;
    if n_rows != n_points {
        let what = format!("the map has {n_rows} rows, the data {n_points}");
        let help = "give the map of these data, a row for each of theirs";
        return Err(Failure::new("E106", what, help).at(shown_path(&args.map)));
    }
    let kernel = StudentT::with_dof(args.dof.unwrap_or(map.dof)).map_err(|e| {
        let error =
            tsne::Error::Parameter { name: "dof", requirement: "a finite number above 0", value: e.dof };
        Failure::of_fit(&error, "")
    })?;
    features::check_scale(&data.features, args.scale)?;
    metric::check(&metric, data.features.n_features())?;
    let name = input::name(&args.input);
    let failed = |e: tsne::Error| Failure::of_fit(&e, &name);
    let (data, _) =
        features::points::<f64>(data.features, args.scale, &metric).map_err(|e| failed(e.into()))?;
    let task = Task { args, metric, kernel, points: data.points(), labels: labels.as_ref() };
    let measures = match map.n_components {
        1 => task.measure::<1>(&map.positions),
        2 => task.measure::<2>(&map.positions),
        3 => task.measure::<3>(&map.positions),
        n => {
            let what = format!("the map has {n} columns; maps have 1, 2 or 3 components");
            let help = "give a file of positions, with no other columns than label and id";
            return Err(Failure::new("E203", what, help).at(shown_path(&args.map)));
        }
    };
    show(&measures.map_err(failed)?, args.json)
}

/// The positions of a map, row by row.
struct Placed {
    positions: Vec<f64>,
    n_components: usize,
    /// Degrees of freedom of its kernel, as far as its file says.
    dof: f64,
}

fn read_map(path: &Path) -> Result<Placed, Failure> {
    if is_model(path) {
        let info = read_head(path)?;
        return match (info.scalar.as_str(), info.n_components) {
            ("f32", 1) => of_model::<f32, 1>(path),
            ("f32", 2) => of_model::<f32, 2>(path),
            ("f32", _) => of_model::<f32, 3>(path),
            (_, 1) => of_model::<f64, 1>(path),
            (_, 2) => of_model::<f64, 2>(path),
            _ => of_model::<f64, 3>(path),
        };
    }
    let map = read_positions(path).map_err(|e| Failure::in_file(path, &e))?.features;
    let n_components = map.n_features();
    let Some(positions) = map.into_cells().into_f64() else {
        return Err(Failure::new("E106", "the map is sparse", "give a dense matrix").at(shown_path(path)));
    };
    Ok(Placed { positions, n_components, dof: 1.0 })
}

fn of_model<T: Scalar, const D: usize>(path: &Path) -> Result<Placed, Failure> {
    let (map, notes) = load::<T, D>(path)?;
    let table = config::parse(&notes.configuration).unwrap_or_default();
    let dof = table.get("dof").and_then(toml::Value::as_float).unwrap_or(1.0);
    let positions = map.positions().as_flattened().iter().map(|x| x.to_f64()).collect();
    Ok(Placed { positions, n_components: D, dof })
}

struct Task<'a> {
    args: &'a EvalArgs,
    metric: Metric,
    kernel: StudentT,
    points: Points<'a, f64>,
    labels: Option<&'a Labels>,
}

impl Task<'_> {
    fn measure<const D: usize>(&self, flat: &[f64]) -> Result<Measures, tsne::Error> {
        let n_points = self.points.n_points();
        let control = &Control::NONE;
        let config = Tsne::new().n_components::<D>().metric(self.metric.clone());
        let config = config.perplexity(self.args.perplexity).initialization(Initialization::Random);
        let prepared = config.prepare_initial(self.points)?;
        let perplexity = prepared.report().plan.perplexities.first().copied().unwrap_or(f64::NAN);
        let positions: Vec<[f64; D]> = flat.as_chunks::<D>().0.to_vec();
        let kl_divergence = kl::exact(prepared.affinities(), &positions, self.kernel)?;
        drop(prepared);

        let failed = |e: tsne::neighbors::Error| tsne::Error::Neighbors(BackendError::new(e));
        let map = Points::from_row_major(flat, D)?;
        let k = self.args.k.min(n_points - 1);
        let index = Exact::with_metric(map, &Metric::Euclidean).map_err(failed)?;
        let near = index.knn_graph(k, control).map_err(tsne::Error::Neighbors)?;
        let rows = Rows::Sample(self.args.rows, Seed(self.args.random_state));
        // Ranks are worth something only below half the number of points.
        let preservation = (2 * k < n_points - 1)
            .then(|| quality::preservation(self.points, &self.metric, map, k, rows, control))
            .transpose()
            .map_err(failed)?;
        let recall = match preservation {
            Some(preservation) => preservation.kept,
            None => quality::recall(&near, self.points, &self.metric, rows, control).map_err(failed)?,
        };
        let apart = |labels: &Labels| {
            quality::silhouette(map, &Metric::Euclidean, labels.codes(), rows, control).map_err(failed)
        };
        Ok(Measures {
            n_points,
            n_rows: self.args.rows.min(n_points),
            k,
            recall,
            trustworthiness: preservation.map(|p| p.trustworthiness),
            continuity: preservation.map(|p| p.continuity),
            perplexity,
            kl_divergence,
            accuracy: self.labels.map(|labels| accuracy(labels, |i| near.row(i).0)),
            silhouette: self.labels.map(apart).transpose()?.flatten(),
        })
    }
}

/// Share of the points whose label is that of most of their neighbors, which are in order of distance; among labels
/// equally frequent that of the nearest counts.
#[allow(clippy::cast_precision_loss, reason = "point counts are below 2^53")]
fn accuracy<'a>(labels: &Labels, neighbors: impl Fn(usize) -> &'a [u32]) -> f64 {
    let codes = labels.codes();
    let vote = |i: usize| {
        let near: Vec<u32> = neighbors(i).iter().map(|&j| codes[j as usize]).collect();
        let count = |code: u32| near.iter().filter(|&&other| other == code).count();
        // The last of equals wins, so the nearest comes last.
        near.iter().rev().copied().max_by_key(|&code| count(code))
    };
    let hits = (0..codes.len()).filter(|&i| vote(i) == Some(codes[i])).count();
    hits as f64 / codes.len().max(1) as f64
}

fn show(m: &Measures, as_json: bool) -> Result<(), Failure> {
    if as_json {
        let value = json!({
            "n_points": m.n_points,
            "n_rows": m.n_rows,
            "k": m.k,
            "recall": m.recall,
            "trustworthiness": m.trustworthiness,
            "continuity": m.continuity,
            "perplexity": m.perplexity,
            "kl_divergence": m.kl_divergence,
            "accuracy": m.accuracy,
            "silhouette": m.silhouette,
        });
        return print(&format!("{value:#}\n"));
    }
    let of = if m.n_rows < m.n_points {
        format!(", on {} rows of {}", m.n_rows, m.n_points)
    } else {
        String::new()
    };
    let mut text = format!("{:<18}{:.4}  of the {} nearest{of}\n", "neighbors kept", m.recall, m.k);
    if let (Some(trustworthiness), Some(continuity)) = (m.trustworthiness, m.continuity) {
        text +=
            &format!("{:<18}{trustworthiness:.4}\n{:<18}{continuity:.4}\n", "trustworthiness", "continuity");
    }
    text += &format!("{:<18}{:.4}  at perplexity {}\n", "KL divergence", m.kl_divergence, m.perplexity);
    if let Some(accuracy) = m.accuracy {
        text += &format!("{:<18}{accuracy:.4}  by the {} nearest\n", "label accuracy", m.k);
    }
    if let Some(silhouette) = m.silhouette {
        text += &format!("{:<18}{silhouette:.4}  of the labels in the map\n", "silhouette");
    }
    print(&text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_decides_among_equals() {
        let labels = Labels::from_texts("kind", ["a", "b", "b", "a"]);
        let neighbors: [&[u32]; 4] = [&[3, 1], &[2, 0], &[0, 1], &[1, 2]];
        // Point 0: a, b are equal, the nearest is a: right. 1: b before a: right. 2: a before b: wrong. 3: b, b: wrong.
        assert_eq!(accuracy(&labels, |i| neighbors[i]), 0.5, "two of four");
    }
}
