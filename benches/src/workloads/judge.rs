//! `lab judge`: how good a map is, whoever made it.

use std::path::PathBuf;

use anyhow::{Result, ensure};
use tsne::Metric;
use tsne_core::{Affinities as _, Control, Csr, Points, Seed, StudentT};
use tsne_neighbors::quality::{self, Rows};

use super::threads;
use crate::files::{read_csr, read_matrix, read_points};
use crate::measure::on_threads;
use crate::{Args, Report, exact};

pub(super) const USAGE: &str = "\
judge --input X.npy --affinities P.npz --map Y.npy [--snapshots S.npy] [--threads N]
   Divergence of the map Y from P, in f64, Z over all pairs; the share of the ten nearest in the map that are among the ten
   nearest in X, and trustworthiness of these ten, on 2 000 rows. Each row of S is an earlier map, as lab fit writes them:
   their divergences.";

/// Rows whose neighborhoods are compared.
const SAMPLE: Rows = Rows::Sample(2000, Seed(0));
/// Neighbors in a neighborhood.
const K: usize = 10;

struct Config {
    input: PathBuf,
    affinities: PathBuf,
    map: PathBuf,
    snapshots: Option<PathBuf>,
}

pub(super) fn run(mut args: Args) -> Result<Report> {
    let config = Config {
        input: args.path("input")?,
        affinities: args.path("affinities")?,
        map: args.path("map")?,
        snapshots: args.optional::<String>("snapshots")?.map(PathBuf::from),
    };
    let threads = threads(&mut args)?;
    args.finish()?;
    on_threads(threads, || measure(&config))
}

fn measure(config: &Config) -> Result<Report> {
    let p: Csr<f64> = read_csr(&config.affinities)?;
    let y: Vec<[f64; 2]> = read_matrix(&config.map)?.to_rows()?;
    ensure!(y.len() == p.n_points(), "P has {} rows and the map {}", p.n_points(), y.len());
    let mut report = Report::default();
    report.metric("judge/kl", exact::kl_divergence(StudentT::CAUCHY, &p, &y), "1");

    let file = read_points::<f32>(&config.input)?;
    let (points, metric) = (file.points()?, Metric::Euclidean);
    let y32: Vec<f32> = y.iter().flatten().map(|&x| narrow(x)).collect();
    let map = Points::from_row_major(&y32, 2)?;
    let k = K.min((y.len() - 1) / 2);
    let preservation = quality::preservation(points, &metric, map, k, SAMPLE, &Control::NONE)?;
    report.metric("judge/n_points", y.len() as f64, "1");
    report.metric("judge/n_features", points.n_features() as f64, "1");
    report.metric("judge/kept_10", preservation.kept, "1");
    report.metric("judge/trustworthiness", preservation.trustworthiness, "1");

    if let Some(path) = &config.snapshots {
        let snapshots = read_matrix(path)?;
        ensure!(snapshots.n_columns == 2 * y.len(), "a snapshot has {} numbers", snapshots.n_columns);
        for (i, snapshot) in snapshots.values.chunks_exact(snapshots.n_columns).enumerate() {
            let kl = exact::kl_divergence(StudentT::CAUCHY, &p, snapshot.as_chunks::<2>().0);
            report.metric(format!("judge/kl/snapshot_{i}"), kl, "1");
        }
    }
    Ok(report)
}

#[allow(clippy::cast_possible_truncation, reason = "positions of a map")]
fn narrow(x: f64) -> f32 {
    x as f32
}
