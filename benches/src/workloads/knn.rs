//! `lab knn`: a neighbor graph, its time, its peak memory and its recall on a sample.

use std::path::PathBuf;

use anyhow::{Result, bail};
use rayon::prelude::*;
use tsne_core::{Control, KnnGraph, NeighborIndex as _, NeighborQuery as _, Points, Scalar};

use super::{Precision, precision, threads};
use crate::files::{Matrix, read_matrix, write_graph};
use crate::measure::{on_threads, peak_memory, timed};
use crate::{Args, Report};

pub(super) const USAGE: &str = "\
knn --input X.npy --method exact [--k 90] [--queries Q.npy] [--precision f32|f64] [--threads N] [--out GRAPH.npz]
   The k nearest neighbors of every row of X among its other rows, or of every row of Q among the rows of
   X: time with the building of the index, peak memory of the process, and recall on a sample.";

/// Rows whose recall is taken.
const SAMPLE: usize = 200;
/// A neighbor counts as found when it is no farther than the true k-th by this factor: ties count against nobody.
const TIE: f64 = 1.0 + 1e-6;

struct Config {
    k: usize,
    out: Option<PathBuf>,
}

pub(super) fn run(mut args: Args) -> Result<Report> {
    let input = read_matrix(&args.path("input")?)?;
    let queries = match args.optional::<String>("queries")? {
        Some(path) => Some(read_matrix(path.as_ref())?),
        None => None,
    };
    let method: String = args.required("method")?;
    if method != "exact" {
        bail!("--method {method}: expected exact");
    }
    let (precision, threads) = (precision(&mut args)?, threads(&mut args)?);
    let config = Config {
        k: args.optional("k")?.unwrap_or(90),
        out: args.optional::<String>("out")?.map(PathBuf::from),
    };
    args.finish()?;
    on_threads(threads, || match precision {
        Precision::F32 => measure::<f32>(&config, &input, queries.as_ref()),
        Precision::F64 => measure::<f64>(&config, &input, queries.as_ref()),
    })
}

fn measure<T: Scalar>(config: &Config, input: &Matrix, queries: Option<&Matrix>) -> Result<Report> {
    let x: Vec<T> = input.values.iter().map(|&v| T::lit(v)).collect();
    let points = Points::from_row_major(&x, input.n_columns)?;
    let q: Option<Vec<T>> = queries.map(|queries| queries.values.iter().map(|&v| T::lit(v)).collect());
    let (graph, seconds) = timed(|| -> Result<KnnGraph<T>> {
        let index = tsne_neighbors::Exact::new(points)?;
        Ok(match &q {
            None => index.knn_graph(config.k, &Control::NONE)?,
            Some(q) => index.query(Points::from_row_major(q, input.n_columns)?, config.k, &Control::NONE)?,
        })
    });
    let graph = graph?;
    let peak = peak_memory();

    let targets = queries.unwrap_or(input);
    let recall = sampled_recall(input, targets, queries.is_none(), &graph);
    let mut report = Report::default();
    let broken = graph.check_rows(input.values.len() / input.n_columns, queries.is_none()).is_err();
    report.check("knn/broken_rows", f64::from(u8::from(broken)), 0.0);
    report.check("knn/missed", 1.0 - recall, 1e-4);
    report.metric("knn/seconds", seconds, "s");
    report.metric("knn/recall", recall, "1");
    if let Some(peak) = peak {
        report.metric("knn/peak_memory", peak, "B");
    }
    if let Some(path) = &config.out {
        write_graph(path, &graph)?;
    }
    Ok(report)
}

/// Share of the neighbors of a sample of targets that are as near as the true k-th, all pairs in f64.
#[allow(clippy::cast_precision_loss, reason = "counts are below 2^53")]
fn sampled_recall<T: Scalar>(input: &Matrix, targets: &Matrix, own: bool, graph: &KnnGraph<T>) -> f64 {
    let sample = SAMPLE.min(graph.n_points());
    let squared = |i: usize, j: usize| -> f64 {
        let d = input.n_columns;
        let (a, b) = (&targets.values[i * d..][..d], &input.values[j * d..][..d]);
        a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum()
    };
    let found: usize = (0..sample)
        .into_par_iter()
        .map(|s| {
            let i = s * graph.n_points() / sample;
            let n = input.values.len() / input.n_columns;
            let mut all: Vec<f64> = (0..n).filter(|&j| !(own && j == i)).map(|j| squared(i, j)).collect();
            let (_, &mut kth, _) = all.select_nth_unstable_by(graph.k() - 1, f64::total_cmp);
            graph.row(i).0.iter().filter(|&&j| squared(i, j as usize) <= kth * TIE * TIE).count()
        })
        .sum();
    found as f64 / (sample * graph.k()) as f64
}
