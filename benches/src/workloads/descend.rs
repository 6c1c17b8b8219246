//! `lab descend`: a whole run of the optimizer over a given P, judged by the exact divergence.

use std::ops::ControlFlow;
use std::path::PathBuf;

use anyhow::{Result, bail};
use tsne_affinity::{Options, PerplexityBased};
use tsne_core::{Affinities as _, Control, Csr, Scalar, Seed, StudentT};
use tsne_optim::{Descent, LearningRate, Phase, State};
use tsne_testkit::data::normal_map;

use super::{Precision, kernel, precision, threads, with_type_and_dimension};
use crate::files::{read_csr, read_graph, read_matrix, write_rows};
use crate::measure::{on_threads, timed};
use crate::repulsion::Method;
use crate::{Args, Report, exact};

pub(super) const USAGE: &str = "\
descend --graph GRAPH.npz [--perplexity 30] | --affinities P.npz
        --init Y0.npy [--n-components 2] --method exact|bh|fft [parameters as of repel]
        [--schedule api|opentsne_v1] [--n-iter 500] [--jitter-seed 0] [--dof 1]
        [--precision f32|f64] [--threads N] [--out MAP.npy]
   Early exaggeration and main phase from the first columns of Y0, scaled to a standard deviation of 1e-4
   and jittered by 1e-6: exact divergence in f64 after each phase, and the time of the iterations.";

/// Standard deviation of the first column of the start, and of the jitter on every column, as \[M12\] has them.
const START_STD: f64 = 1e-4;
const JITTER_STD: f64 = 1e-6;

struct Config {
    source: Source,
    init: PathBuf,
    method: Method,
    phases: [(&'static str, Phase); 2],
    jitter: Seed,
    kernel: StudentT,
    out: Option<PathBuf>,
}

/// Where P comes from.
enum Source {
    Graph { path: PathBuf, perplexity: f64 },
    Affinities(PathBuf),
}

pub(super) fn run(mut args: Args) -> Result<Report> {
    let source = match (args.optional::<String>("graph")?, args.optional::<String>("affinities")?) {
        (Some(path), None) => {
            Source::Graph { path: path.into(), perplexity: args.optional("perplexity")?.unwrap_or(30.0) }
        }
        (None, Some(path)) => Source::Affinities(path.into()),
        _ => bail!("expected either --graph or --affinities"),
    };
    let (precision, threads) = (precision(&mut args)?, threads(&mut args)?);
    let config = Config {
        source,
        init: args.path("init")?,
        method: Method::from_args(&mut args)?,
        phases: {
            let schedule = args.optional::<String>("schedule")?.unwrap_or_else(|| "api".to_owned());
            phases(&schedule, args.optional("n-iter")?)?
        },
        jitter: Seed(args.optional("jitter-seed")?.unwrap_or(0)),
        kernel: kernel(&mut args)?,
        out: args.optional::<String>("out")?.map(PathBuf::from),
    };
    let n_components: usize = args.optional("n-components")?.unwrap_or(2);
    args.finish()?;
    on_threads(threads, || with_type_and_dimension!(precision, n_components, measure(&config)))
}

/// The two phases of a named schedule, the second of `n_iter` iterations where that is given.
fn phases(schedule: &str, n_iter: Option<usize>) -> Result<[(&'static str, Phase); 2]> {
    let (mut early, mut main) = (Phase::early_exaggeration(), Phase::standard());
    main.n_iter = n_iter.unwrap_or(main.n_iter);
    match schedule {
        "api" => {}
        "opentsne_v1" => {
            early.momentum = 0.8;
            early.learning_rate = LearningRate::PerExaggeration;
            main.learning_rate = LearningRate::PerExaggeration;
        }
        other => bail!("--schedule {other}: expected api or opentsne_v1"),
    }
    Ok([("early_exaggeration", early), ("main", main)])
}

fn measure<T: Scalar, const D: usize>(config: &Config) -> Result<Report> {
    let p: Csr<T> = match &config.source {
        Source::Affinities(path) => read_csr(path)?,
        Source::Graph { path, perplexity } => {
            let graph = read_graph::<T>(path)?;
            let built = PerplexityBased::from_graph(graph, *perplexity, &Options::default(), &Control::NONE)?;
            Box::new(built).into_csr()
        }
    };
    let start: Vec<[T; D]> = start(config)?;
    let mut descent = Descent::new(&p, config.method.build(config.kernel)?, State::at_rest(start))?;

    let mut report = Report::default();
    let mut total = 0.0;
    for (name, phase) in &config.phases {
        let (result, seconds) =
            timed(|| descent.run(phase, &Control::NONE, 0, |_, _| ControlFlow::Continue(())));
        result?;
        total += seconds;
        let y = widened(descent.positions());
        let kl = exact::kl_divergence(config.kernel, &p, &y);
        // A divergence of two distributions is never negative, whatever the map.
        report.check(format!("descend/negative_kl/{name}"), -kl, 1e-6);
        report.metric(format!("descend/kl/{name}"), kl, "1");
        report.metric(format!("descend/seconds/{name}"), seconds, "s");
    }
    report.metric("descend/seconds", total, "s");
    let y = widened(descent.positions());
    for axis in 0..D {
        let of_axis = || y.iter().map(|row| row[axis]);
        let span = of_axis().fold(f64::NEG_INFINITY, f64::max) - of_axis().fold(f64::INFINITY, f64::min);
        report.metric(format!("descend/span/{axis}"), span, "1");
    }
    if let Some(path) = &config.out {
        write_rows(path, &y)?;
    }
    Ok(report)
}

/// The first columns of `--init`, centered, scaled, and jittered from the seed.
fn start<T: Scalar, const D: usize>(config: &Config) -> Result<Vec<[T; D]>> {
    let init = read_matrix(&config.init)?;
    if init.n_columns < D {
        bail!("--init has {} columns, expected at least {D}", init.n_columns);
    }
    let rows: Vec<[f64; D]> =
        init.values.chunks_exact(init.n_columns).map(|row| std::array::from_fn(|axis| row[axis])).collect();
    let n = rows.len() as f64;
    let mean: [f64; D] = std::array::from_fn(|axis| rows.iter().map(|row| row[axis]).sum::<f64>() / n);
    let std = (rows.iter().map(|row| (row[0] - mean[0]).powi(2)).sum::<f64>() / n).sqrt();
    if !(std > 0.0 && std.is_finite()) {
        bail!("the first column of --init has a standard deviation of {std}");
    }
    let jitter: Vec<[f64; D]> = normal_map(config.jitter, rows.len(), JITTER_STD);
    let place = |(row, jitter): (&[f64; D], &[f64; D])| {
        std::array::from_fn(|axis| T::lit((row[axis] - mean[axis]) * (START_STD / std) + jitter[axis]))
    };
    Ok(rows.iter().zip(&jitter).map(place).collect())
}

fn widened<T: Scalar, const D: usize>(rows: &[[T; D]]) -> Vec<[f64; D]> {
    rows.iter().map(|row| row.map(T::to_f64)).collect()
}
