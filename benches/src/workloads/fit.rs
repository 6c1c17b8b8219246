//! `lab fit`: the whole pipeline, from points to a map, stage by stage.

use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use anyhow::Result;
use tsne::{Initialization, Iteration, LearningRate, NegativeGradientMethod, Neighbors, Tsne};
use tsne_core::{Scalar, StudentT};

use super::{Precision, precision, threads, with_type_and_dimension};
use crate::files::{read_matrix, read_points, write_matrix, write_rows};
use crate::measure::{on_threads, peak_memory, timed};
use crate::{Args, Report, exact};

pub(super) const USAGE: &str = "\
fit --input X.npy [--n-components 2] [--perplexity 30] [--neighbors auto] [--method auto] [--schedule api|opentsne_v1]
    [--init Y0.npy] [--random-state 42] [--dof 1] [--precision f32|f64] [--threads N] [--out MAP.npy]
    [--snapshots S.npy [--every 25]]
   The whole pipeline over the rows of X, from its principal components or from Y0 as it is: time of every stage, exact
   divergence in f64, peak memory. Snapshots are the maps on the way, all positions of one in one row of S, and the
   seconds from the beginning to each.";

/// Largest share by which the divergence a fit reports may miss the exact one.
const KL_ERROR_BOUND: f64 = 0.01;

struct Config {
    input: PathBuf,
    perplexity: f64,
    neighbors: Neighbors,
    method: NegativeGradientMethod,
    is_opentsne_v1: bool,
    random_state: u64,
    dof: f64,
    init: Option<PathBuf>,
    snapshots: Option<PathBuf>,
    every: usize,
    out: Option<PathBuf>,
}

pub(super) fn run(mut args: Args) -> Result<Report> {
    let (precision, threads) = (precision(&mut args)?, threads(&mut args)?);
    let n_components: usize = args.optional("n-components")?.unwrap_or(2);
    let config = Config {
        input: args.path("input")?,
        perplexity: args.optional("perplexity")?.unwrap_or(30.0),
        neighbors: args.optional("neighbors")?.unwrap_or_default(),
        method: args.optional("method")?.unwrap_or_default(),
        is_opentsne_v1: match args.optional::<String>("schedule")?.as_deref() {
            None | Some("api") => false,
            Some("opentsne_v1") => true,
            Some(other) => anyhow::bail!("--schedule {other}: expected api or opentsne_v1"),
        },
        random_state: args.optional("random-state")?.unwrap_or(42),
        dof: args.optional("dof")?.unwrap_or(1.0),
        init: args.optional::<String>("init")?.map(PathBuf::from),
        snapshots: args.optional::<String>("snapshots")?.map(PathBuf::from),
        every: args.optional("every")?.unwrap_or(25),
        out: args.optional::<String>("out")?.map(PathBuf::from),
    };
    args.finish()?;
    on_threads(threads, || with_type_and_dimension!(precision, n_components, measure(&config)))
}

fn measure<T: Scalar, const D: usize>(config: &Config) -> Result<Report> {
    let input = read_points::<T>(&config.input)?;
    let mut tsne = Tsne::new()
        .n_components::<D>()
        .perplexity(config.perplexity)
        .neighbors(config.neighbors)
        .negative_gradient_method(config.method)
        .dof(config.dof)
        .random_state(config.random_state);
    if config.is_opentsne_v1 {
        tsne = tsne.learning_rate(LearningRate::PerExaggeration).initial_momentum(0.8);
    }
    if let Some(path) = &config.init {
        tsne = tsne.initialization(Initialization::Positions(read_matrix(path)?.to_rows()?));
    }
    let snapshots = Arc::new(Mutex::new(Vec::new()));
    let started = Instant::now();
    if config.snapshots.is_some() {
        let snapshots = Arc::clone(&snapshots);
        tsne = tsne.callbacks_every_iters(config.every).callback(move |seen: &Iteration<'_, D>| {
            let snapshot = (started.elapsed().as_secs_f64(), seen.positions.to_f64());
            snapshots.lock().expect("no callback panics").push(snapshot);
            ControlFlow::Continue(())
        });
    }
    let (map, seconds) = timed(|| tsne.fit(input.points()?));
    let map = map?;
    let peak = peak_memory();

    let y: Vec<[f64; D]> = map.positions().iter().map(|row| row.map(T::to_f64)).collect();
    let kl = exact::kl_divergence(StudentT::with_dof(config.dof)?, map.affinities(), &y);
    let mut report = Report::default();
    report.check("fit/reported_kl_error", (map.kl_divergence() / kl - 1.0).abs(), KL_ERROR_BOUND);
    for (stage, time) in &map.report().timings {
        let stage = stage.to_string().replace(' ', "_");
        report.metric(format!("fit/seconds/{stage}"), time.as_secs_f64(), "s");
    }
    report.metric("fit/seconds", seconds, "s");
    report.metric("fit/kl", kl, "1");
    if let Some(peak) = peak {
        report.metric("fit/peak_memory", peak, "B");
    }
    if let Some(path) = &config.out {
        write_rows(path, &y)?;
    }
    if let Some(path) = &config.snapshots {
        let mut all = Vec::new();
        for (i, (seconds, positions)) in snapshots.lock().expect("no callback panics").iter().enumerate() {
            report.metric(format!("fit/seconds_to/snapshot_{i}"), *seconds, "s");
            all.extend_from_slice(positions.as_flattened());
        }
        write_matrix(path, &all, D * y.len())?;
    }
    Ok(report)
}
