//! `lab transform`: new points placed in the map of others, and how well their labels agree with their surroundings.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context as _, Result, ensure};
use tsne::core::{Control, NeighborQuery};
use tsne::{Data, NegativeGradientMethod, Points, Transform, Tsne};
use tsne_core::Scalar;
use tsne_neighbors::Exact;

use super::quality::vote;
use super::{Precision, precision, threads, with_type_and_dimension};
use crate::files::{read_matrix, write_rows};
use crate::measure::{on_threads, timed};
use crate::{Args, Report};

pub(super) const USAGE: &str = "\
transform --input X.npy --train N [--labels Y.npy] [--n-components 2] [--method auto] [--random-state 42]
          [--precision f32|f64] [--threads N] [--out NEW.npy]
   A map of the first N rows of X, and the others placed in it: time of placing and of its optimization alone. With
   labels (one number a row), the share of new rows whose ten nearest others in the map vote for their label: among the
   first N rows where they were placed, and where all rows were embedded together.";

/// Neighbors in the map that vote.
const VOTERS: usize = 10;

struct Config {
    input: PathBuf,
    train: usize,
    labels: Option<PathBuf>,
    method: NegativeGradientMethod,
    random_state: u64,
    out: Option<PathBuf>,
}

pub(super) fn run(mut args: Args) -> Result<Report> {
    let (precision, threads) = (precision(&mut args)?, threads(&mut args)?);
    let n_components: usize = args.optional("n-components")?.unwrap_or(2);
    let config = Config {
        input: args.path("input")?,
        train: args.optional("train")?.context("--train N is missing")?,
        labels: args.optional::<String>("labels")?.map(PathBuf::from),
        method: args.optional("method")?.unwrap_or_default(),
        random_state: args.optional("random-state")?.unwrap_or(42),
        out: args.optional::<String>("out")?.map(PathBuf::from),
    };
    args.finish()?;
    on_threads(threads, || with_type_and_dimension!(precision, n_components, measure(&config)))
}

fn measure<T: Scalar, const D: usize>(config: &Config) -> Result<Report> {
    let matrix = read_matrix(&config.input)?;
    let (n, p) = (matrix.values.len() / matrix.n_columns, matrix.n_columns);
    ensure!((2..n).contains(&config.train), "--train {}: X has {n} rows", config.train);
    let values: Vec<T> = matrix.values.iter().map(|&v| T::lit(v)).collect();
    let (old, new) = values.split_at(config.train * p);
    let tsne = Tsne::new()
        .n_components::<D>()
        .negative_gradient_method(config.method)
        .random_state(config.random_state);
    let (map, fit_seconds) = timed(|| tsne.fit(Arc::new(Data::from_row_major(old.to_vec(), p)?)));
    let map = map?;
    let new = Points::from_row_major(new, p)?;

    let how = Transform::new();
    let (placed, seconds) = timed(|| map.transform(new));
    let placed = placed?;
    // The optimization again, by itself.
    let start = map.prepare_partial(new, &how.clone().perplexity(5.0))?;
    let (again, optimization) = timed(|| start.optimized(&start.optimization()));
    ensure!(again?.positions() == placed.positions(), "a transform is its parts");
    // A sample one by one.
    let step = (n - config.train).div_ceil(20);
    for i in (0..n - config.train).step_by(step) {
        let at = (config.train + i) * p;
        let alone = map.transform(Points::from_row_major(&values[at..at + p], p)?)?;
        ensure!(alone.positions()[0] == placed.positions()[i], "new point {i} alone is elsewhere");
    }

    let mut report = Report::default();
    report.metric("transform/seconds/fit", fit_seconds, "s");
    report.metric("transform/seconds/optimization", optimization, "s");
    report.metric("transform/seconds", seconds, "s");
    report.metric("transform/kl", placed.kl_divergence(), "1");
    if let Some(path) = &config.labels {
        let labels = read_matrix(path)?.values;
        ensure!(labels.len() == n, "{} labels for {n} rows", labels.len());
        let (old_labels, new_labels) = labels.split_at(config.train);
        let share = vote_share(map.positions(), old_labels, placed.positions(), new_labels)?;
        report.metric("transform/label_accuracy/placed", share, "1");
        let together = tsne.fit(Points::from_row_major(&values, p)?)?;
        let (old, new) = together.positions().split_at(config.train);
        report.metric(
            "transform/label_accuracy/together",
            vote_share(old, old_labels, new, new_labels)?,
            "1",
        );
    }
    if let Some(path) = &config.out {
        write_rows(
            path,
            &placed.positions().iter().map(|row| row.map(T::to_f64)).collect::<Vec<[f64; D]>>(),
        )?;
    }
    Ok(report)
}

/// Share of `new` whose nearest of `old` vote for their label, ties to the nearest.
#[allow(clippy::cast_precision_loss, reason = "counts of points")]
fn vote_share<T: Scalar, const D: usize>(
    old: &[[T; D]],
    old_labels: &[f64],
    new: &[[T; D]],
    new_labels: &[f64],
) -> Result<f64> {
    let index = Exact::new(Points::from_row_major(old.as_flattened(), D)?)?;
    let graph = index.query(Points::from_row_major(new.as_flattened(), D)?, VOTERS, &Control::NONE)?;
    let right = (0..new.len())
        .filter(|&i| vote(graph.row(i).0.iter().map(|&j| old_labels[j as usize])) == new_labels[i]);
    Ok(right.count() as f64 / new.len() as f64)
}
