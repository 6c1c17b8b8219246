//! `lab quality`: how good the maps of a whole fit are, as means over several jitters of the initial positions.

use std::path::PathBuf;

use anyhow::{Result, ensure};
use tsne::{Initialization, Input, NegativeGradientMethod, Neighbors, Points, Tsne, init};
use tsne_core::{Control, NeighborIndex as _, Scalar, Seed, StudentT};
use tsne_neighbors::Exact;

use super::{Precision, precision, threads, with_type_and_dimension};
use crate::files::{read_matrix, read_points};
use crate::measure::on_threads;
use crate::{Args, Report, exact};

pub(super) const USAGE: &str = "\
quality --input X.npy --labels Y.npy [--jitters 5] [--method auto] [--n-components 2] [--precision f32|f64]
        [--threads N]
   Maps of the rows of X from exact neighbors by the schedule of the API, started at the principal components with as many
   different jitters: exact divergence in f64 and label accuracy of each, their means and standard deviations. The accuracy
   is the share of rows whose ten nearest others in the map vote for their label (a number a row), ties to the nearest.";

/// Neighbors in the map that vote.
const VOTERS: usize = 10;

struct Config {
    input: PathBuf,
    labels: PathBuf,
    jitters: u64,
    method: NegativeGradientMethod,
}

pub(super) fn run(mut args: Args) -> Result<Report> {
    let (precision, threads) = (precision(&mut args)?, threads(&mut args)?);
    let n_components: usize = args.optional("n-components")?.unwrap_or(2);
    let config = Config {
        input: args.path("input")?,
        labels: args.path("labels")?,
        jitters: args.optional("jitters")?.unwrap_or(5),
        method: args.optional("method")?.unwrap_or_default(),
    };
    args.finish()?;
    ensure!(config.jitters > 0, "--jitters 0: there is nothing to measure");
    on_threads(threads, || with_type_and_dimension!(precision, n_components, measure(&config)))
}

fn measure<T: Scalar, const D: usize>(config: &Config) -> Result<Report> {
    let input = read_points::<T>(&config.input)?;
    let points = input.points()?;
    let labels = read_matrix(&config.labels)?.values;
    let n = points.n_points();
    ensure!(labels.len() == n, "{} labels for {n} rows", labels.len());
    let tsne =
        Tsne::new().n_components::<D>().neighbors(Neighbors::Exact).negative_gradient_method(config.method);
    let affinities = tsne.prepare_initial(points)?.joint_affinities().clone();

    let mut report = Report::default();
    let (mut divergences, mut accuracies) = (Vec::new(), Vec::new());
    for seed in 1..=config.jitters {
        let start: Vec<[T; D]> = init::pca(points, Seed(seed), &Control::NONE)?;
        let start = start.iter().map(|row| row.map(T::to_f64)).collect();
        let map = tsne
            .clone()
            .initialization(Initialization::Positions(start))
            .fit(Input::from_affinities(affinities.clone()))?;
        let y: Vec<[f64; D]> = map.positions().iter().map(|row| row.map(T::to_f64)).collect();
        divergences.push(exact::kl_divergence(StudentT::CAUCHY, map.affinities(), &y));
        accuracies.push(label_accuracy(&y, &labels)?);
    }
    for (name, values) in [("kl", divergences), ("label_accuracy", accuracies)] {
        for (seed, value) in (1..).zip(&values) {
            report.metric(format!("quality/{name}/jitter_{seed}"), *value, "1");
        }
        let (mean, std) = moments(&values);
        report.metric(format!("quality/{name}/mean"), mean, "1");
        report.metric(format!("quality/{name}/std"), std, "1");
    }
    Ok(report)
}

/// Share of the points whose nearest others vote for their label.
#[allow(clippy::cast_precision_loss, reason = "counts of points")]
fn label_accuracy<const D: usize>(y: &[[f64; D]], labels: &[f64]) -> Result<f64> {
    let index = Exact::new(Points::from_row_major(y.as_flattened(), D)?)?;
    let graph = index.knn_graph(VOTERS.min(y.len() - 1), &Control::NONE)?;
    let right =
        (0..y.len()).filter(|&i| vote(graph.row(i).0.iter().map(|&j| labels[j as usize])) == labels[i]);
    Ok(right.count() as f64 / y.len() as f64)
}

/// The most frequent of the labels, of equally frequent ones the first; NaN for none.
pub(super) fn vote(labels: impl Iterator<Item = f64>) -> f64 {
    let votes: Vec<f64> = labels.collect();
    let count = |label: f64| votes.iter().filter(|&&vote| vote == label).count();
    let most = votes.iter().map(|&vote| count(vote)).max().unwrap_or(0);
    votes.iter().copied().find(|&vote| count(vote) == most).unwrap_or(f64::NAN)
}

/// Mean and population standard deviation.
#[allow(clippy::cast_precision_loss, reason = "counts of runs")]
fn moments(values: &[f64]) -> (f64, f64) {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    (mean, (values.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / n).sqrt())
}
