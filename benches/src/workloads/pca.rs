//! `lab pca`: principal components of a matrix.

use std::path::PathBuf;

use anyhow::Result;
use tsne::{Points, Scalar, Seed, pca};
use tsne_core::Control;

use super::{Precision, precision, threads};
use crate::files::{read_points, write_matrix};
use crate::measure::{median_seconds, on_threads, peak_memory};
use crate::{Args, Report};

pub(super) const USAGE: &str = "\
pca --input X.npy|X.npz [--components 50] [--precision f32|f64] [--threads N] [--repeat 1] [--out Y.npy]
   Principal components of the rows of X, of an NPZ its array x or the sparse matrix that it is: median time after one
   call that is not counted, peak memory of the process, and how far the covariance of the scores is from a diagonal
   of falling variances, over the largest. Y are the scores. Bytes stay bytes.";

struct Config {
    input: PathBuf,
    components: usize,
    repeat: usize,
    out: Option<PathBuf>,
}

pub(super) fn run(mut args: Args) -> Result<Report> {
    let (precision, threads) = (precision(&mut args)?, threads(&mut args)?);
    let config = Config {
        input: args.path("input")?,
        components: args.optional("components")?.unwrap_or(50),
        repeat: args.optional("repeat")?.unwrap_or(1).max(1),
        out: args.optional::<String>("out")?.map(PathBuf::from),
    };
    args.finish()?;
    on_threads(threads, || match precision {
        Precision::F32 => measure::<f32>(&config),
        Precision::F64 => measure::<f64>(&config),
    })
}

fn measure<T: Scalar>(config: &Config) -> Result<Report> {
    let input = read_points::<T>(&config.input)?;
    let points: Points<'_, T> = input.points()?;
    let mut found = None;
    let seconds = median_seconds(config.repeat, || {
        found = Some(pca::components(points, config.components, Seed(42), &Control::NONE)?);
        Ok(())
    })?;
    let peak = peak_memory();
    let principal = found.expect("it was computed at least once");

    let mut report = Report::default();
    let variances = principal.explained_variance();
    let bound = 1e2 * T::EPSILON.to_f64();
    report.check("pca/scores_correlated", off_diagonal(principal.scores(), &variances), bound);
    report.metric("pca/seconds", seconds, "s");
    report.metric("pca/explained", principal.explained_variance_ratio().iter().sum(), "1");
    if let Some(peak) = peak {
        report.metric("pca/peak_memory", peak, "B");
    }
    if let Some(path) = &config.out {
        write_matrix(path, principal.scores(), config.components)?;
    }
    Ok(report)
}

/// Largest entry of the covariance of the scores minus the diagonal of the variances, over the largest variance.
fn off_diagonal<T: Scalar>(scores: &[T], variances: &[f64]) -> f64 {
    let k = variances.len();
    let mut sums = vec![0.0; k * k];
    for row in scores.chunks_exact(k) {
        for i in 0..k {
            for j in 0..=i {
                sums[i * k + j] += row[i].to_f64() * row[j].to_f64();
            }
        }
    }
    let degrees = (scores.len() / k - 1).max(1) as f64;
    let excess = |i: usize, j: usize| sums[i * k + j] / degrees - if i == j { variances[i] } else { 0.0 };
    let largest = (0..k)
        .flat_map(|i| (0..=i).map(move |j| (i, j)))
        .map(|(i, j)| excess(i, j).abs())
        .fold(0.0, f64::max);
    largest / variances[0].max(f64::MIN_POSITIVE)
}
