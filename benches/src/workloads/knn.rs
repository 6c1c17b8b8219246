//! `lab knn`: a neighbor graph, its time, its peak memory and its recall on a sample.

use std::path::PathBuf;

use anyhow::{Result, bail};
use rayon::prelude::*;
use tsne_core::{Control, KnnGraph, NeighborQuery, Points, Scalar, Seed};
use tsne_neighbors::{
    Exact, ForestParams, Hnsw, HnswParams, InstantDistance, InstantDistanceParams, Metric, MetricParameters,
    NnDescent, RandomProjectionForest,
};

use super::{Precision, precision, threads};
use crate::files::{read_points, write_graph};
use crate::measure::{on_threads, peak_memory, timed};
use crate::{Args, Report};

pub(super) const USAGE: &str = "\
knn --input X.npy --method exact|annoy|nndescent|hnsw|instant-distance [--metric euclidean] [--k 90]
    [--queries Q.npy] [--recall 200] [--seed 0] [--precision f32|f64] [--threads N] [--out GRAPH.npz]
   The k nearest neighbors of every row of X among its other rows, or of every row of Q among the rows of
   X: time with the building of the index, peak memory of the process, and recall on a sample of rows, which
   can be judged for euclidean, cosine, manhattan and chebyshev. Bytes stay bytes. An approximate index
   also tells, where it can, the number of pairs compared, and apart from the time of queries what they take to prepare.";

/// Rows whose recall is taken.
const SAMPLE: usize = 200;
/// A neighbor counts as found when it is no farther than the true k-th by this factor: ties count against nobody.
const TIE: f64 = 1.0 + 1e-6;

/// The indexes there are.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Method {
    Exact,
    Annoy,
    NnDescent,
    Hnsw,
    InstantDistance,
}

struct Config {
    method: Method,
    seed: Seed,
    input: PathBuf,
    queries: Option<PathBuf>,
    metric: Metric,
    judge: Judge,
    k: usize,
    /// Rows whose recall is taken.
    sample: usize,
    out: Option<PathBuf>,
}

pub(super) fn run(mut args: Args) -> Result<Report> {
    let method: String = args.required("method")?;
    let method = match method.as_str() {
        "exact" => Method::Exact,
        "annoy" => Method::Annoy,
        "nndescent" => Method::NnDescent,
        "hnsw" => Method::Hnsw,
        "instant-distance" => Method::InstantDistance,
        other => bail!("--method {other}: expected exact, annoy, nndescent, hnsw or instant-distance"),
    };
    let metric: String = args.optional("metric")?.unwrap_or_else(|| "euclidean".to_owned());
    let (precision, threads) = (precision(&mut args)?, threads(&mut args)?);
    let config = Config {
        method,
        seed: Seed(args.optional("seed")?.unwrap_or(0)),
        sample: args.optional("recall")?.unwrap_or(SAMPLE),
        input: args.path("input")?,
        queries: args.optional::<String>("queries")?.map(PathBuf::from),
        judge: Judge::of(&metric)?,
        metric: Metric::from_name(&metric, &MetricParameters::default())?,
        k: args.optional("k")?.unwrap_or(90),
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
    let queries = config.queries.as_deref().map(read_points::<T>).transpose()?;
    let (points, queries) = (input.points()?, queries.as_ref().map(|queries| queries.points()).transpose()?);
    let mut report = Report::default();
    let k = config.k;
    let graph = match config.method {
        Method::Exact => {
            built(queries, k, &mut report, || Ok(Exact::with_metric(points, &config.metric)?))?.1
        }
        Method::NnDescent if queries.is_none() => {
            let index = NnDescent::with_metric(points, &config.metric, config.seed)?;
            let (counted, seconds) = timed(|| index.counted_graph(k, &Control::NONE));
            let (graph, pairs) = counted?;
            report.metric("knn/seconds", seconds, "s");
            report.metric("knn/pairs", pairs as f64, "1");
            graph
        }
        Method::NnDescent => {
            let (_, graph) = built(queries, k, &mut report, || {
                let index = NnDescent::with_metric(points, &config.metric, config.seed)?;
                // What queries are led by is built by the first one.
                index.query(Points::from_row_major(&[], points.n_features())?, k, &Control::NONE)?;
                Ok(index)
            })?;
            graph
        }
        Method::Annoy => {
            let params = ForestParams::default().with_seed(config.seed);
            let (forest, graph) = built(queries, k, &mut report, || {
                Ok(RandomProjectionForest::build(points, &config.metric, params, &Control::NONE)?)
            })?;
            report.metric("knn/pairs", forest.distances_computed() as f64, "1");
            graph
        }
        Method::Hnsw => {
            let params = HnswParams::default();
            built(queries, k, &mut report, || {
                Ok(Hnsw::build(points, &config.metric, params, &Control::NONE)?)
            })?
            .1
        }
        Method::InstantDistance => {
            let params = InstantDistanceParams::default().with_seed(config.seed);
            built(queries, k, &mut report, || {
                Ok(InstantDistance::build(points, &config.metric, params, &Control::NONE)?)
            })?
            .1
        }
    };
    let peak = peak_memory();

    let recall = sampled_recall(config, points, queries, &graph, graph.k());
    let recall_at_10 = sampled_recall(config, points, queries, &graph, graph.k().min(10));
    let is_broken = graph.check_rows(points.n_points(), queries.is_none()).is_err();
    report.check("knn/broken_rows", f64::from(u8::from(is_broken)), 0.0);
    let allowed = if config.method == Method::Exact { 1e-4 } else { 0.05 };
    report.check("knn/missed", 1.0 - recall, allowed);
    report.metric("knn/recall", recall, "1");
    report.metric("knn/recall_at_10", recall_at_10, "1");
    if let Some(peak) = peak {
        report.metric("knn/peak_memory", peak, "B");
    }
    if let Some(path) = &config.out {
        write_graph(path, &graph)?;
    }
    Ok(report)
}

/// An index and its answer, which it is timed for with the building; where there are queries, without.
fn built<T: Scalar, I: NeighborQuery<T>>(
    queries: Option<Points<'_, T>>,
    k: usize,
    report: &mut Report,
    build: impl FnOnce() -> Result<I>,
) -> Result<(I, KnnGraph<T>)> {
    let (index, preparing) = timed(build);
    let index = index?;
    let (graph, searching) = timed(|| match queries {
        None => index.knn_graph(k, &Control::NONE),
        Some(queries) => index.query(queries, k, &Control::NONE),
    });
    if queries.is_some() {
        report.metric("knn/prepare_seconds", preparing, "s");
        report.metric("knn/seconds", searching, "s");
    } else {
        report.metric("knn/seconds", preparing + searching, "s");
    }
    Ok((index, graph?))
}

/// Share of the first `k` neighbors of a sample of rows that are as near as the true k-th, all pairs in f64.
fn sampled_recall<T: Scalar>(
    config: &Config,
    points: Points<'_, T>,
    queries: Option<Points<'_, T>>,
    graph: &KnnGraph<T>,
    k: usize,
) -> f64 {
    let (judge, sample) = (config.judge, config.sample.min(graph.n_points()));
    let found: usize = (0..sample)
        .into_par_iter()
        .map(|s| {
            let i = s * graph.n_points() / sample;
            let (mut target, mut other) = (Row::default(), Row::default());
            target.read(queries.unwrap_or(points), i);
            let distance = |j| {
                other.read(points, j);
                judge.distance(&target, &other)
            };
            let of_all: Vec<f64> = (0..points.n_points()).map(distance).collect();
            let mut others = of_all.clone();
            if queries.is_none() {
                others.swap_remove(i);
            }
            let (_, &mut kth, _) = others.select_nth_unstable_by(k - 1, f64::total_cmp);
            graph.row(i).0[..k].iter().filter(|&&j| of_all[j as usize] <= kth * TIE).count()
        })
        .sum();
    found as f64 / (sample * k) as f64
}

/// A row in f64, its zeros left out where the points are sparse.
#[derive(Default)]
struct Row {
    /// None where every feature has a value.
    columns: Option<Vec<u32>>,
    values: Vec<f64>,
}

impl Row {
    fn read<T: Scalar>(&mut self, points: Points<'_, T>, i: usize) {
        self.values.clear();
        match points {
            Points::Dense(points) => self.values.extend(points.row(i).iter().map(|x| x.to_f64())),
            Points::Bytes(points) => self.values.extend(points.row(i).iter().map(|&x| f64::from(x))),
            Points::Sparse(points) => {
                let (columns, values) = points.row(i);
                let kept = self.columns.get_or_insert_default();
                kept.clear();
                kept.extend_from_slice(columns);
                self.values.extend(values.iter().map(|x| x.to_f64()));
            }
        }
    }
}

/// A metric by its definition.
#[derive(Clone, Copy)]
enum Judge {
    Euclidean,
    Manhattan,
    Chebyshev,
    Cosine,
}

impl Judge {
    fn of(metric: &str) -> Result<Self> {
        Ok(match metric {
            "euclidean" => Self::Euclidean,
            "manhattan" => Self::Manhattan,
            "chebyshev" => Self::Chebyshev,
            "cosine" => Self::Cosine,
            other => bail!("--metric {other}: the lab cannot judge its result"),
        })
    }

    fn distance(self, a: &Row, b: &Row) -> f64 {
        let Some((a_columns, b_columns)) = a.columns.as_ref().zip(b.columns.as_ref()) else {
            return self.of_pairs(a.values.iter().copied().zip(b.values.iter().copied()));
        };
        let (mut i, mut j) = (0, 0);
        self.of_pairs(std::iter::from_fn(|| {
            let (at_a, at_b) = (a_columns.get(i).copied(), b_columns.get(j).copied());
            let column = [at_a, at_b].into_iter().flatten().min()?;
            let (in_a, in_b) = (at_a == Some(column), at_b == Some(column));
            let pair = (if in_a { a.values[i] } else { 0.0 }, if in_b { b.values[j] } else { 0.0 });
            (i, j) = (i + usize::from(in_a), j + usize::from(in_b));
            Some(pair)
        }))
    }

    fn of_pairs(self, pairs: impl Iterator<Item = (f64, f64)>) -> f64 {
        match self {
            Self::Euclidean => pairs.map(|(a, b)| (a - b) * (a - b)).sum::<f64>().sqrt(),
            Self::Manhattan => pairs.map(|(a, b)| (a - b).abs()).sum(),
            Self::Chebyshev => pairs.map(|(a, b)| (a - b).abs()).fold(0.0, f64::max),
            Self::Cosine => {
                let add = |(ab, aa, bb), (a, b)| (ab + a * b, aa + a * a, bb + b * b);
                let (ab, aa, bb): (f64, f64, f64) = pairs.fold((0.0, 0.0, 0.0), add);
                1.0 - ab / (aa * bb).sqrt()
            }
        }
    }
}
