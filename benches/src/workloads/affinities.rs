//! `lab affinities`: from a neighbor graph to P.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Result, bail};
use tsne_affinity::{Calibration, MultiscaleMixture, Options, PerplexityBased, Reason};
use tsne_core::{Affinities as _, Control, Csr, KnnGraph, Scalar};

use super::{Precision, precision, threads};
use crate::files::{read_graph, write_csr};
use crate::measure::{median_seconds, on_threads, peak_memory};
use crate::{Args, Report};

pub(super) const USAGE: &str = "\
affinities --graph GRAPH.npz [--perplexity 30[,100]] [--precision f32|f64] [--threads N] [--repeat 1] [--out P.npz]
   Joint probabilities, of a mixture where several perplexities are given: median time of calibration and symmetrization after one call that is not counted,
   the range of perplexities attained. P is written as scipy's load_npz reads it.";

struct Config {
    graph: PathBuf,
    perplexities: Vec<f64>,
    repeat: usize,
    out: Option<PathBuf>,
}

pub(super) fn run(mut args: Args) -> Result<Report> {
    let (precision, threads) = (precision(&mut args)?, threads(&mut args)?);
    let config = Config {
        graph: args.path("graph")?,
        perplexities: args.numbers("perplexity")?.unwrap_or_else(|| vec![30.0]),
        repeat: args.optional("repeat")?.unwrap_or(1),
        out: args.optional::<String>("out")?.map(PathBuf::from),
    };
    args.finish()?;
    if config.repeat == 0 {
        bail!("--repeat must be at least 1");
    }
    on_threads(threads, || match precision {
        Precision::F32 => measure::<f32>(&config),
        Precision::F64 => measure::<f64>(&config),
    })
}

fn measure<T: Scalar>(config: &Config) -> Result<Report> {
    let graph: Arc<KnnGraph<T>> = Arc::new(read_graph(&config.graph)?);
    let mut built = None;
    let seconds = median_seconds(config.repeat, || {
        built = None; // given back before the next, as in a fit
        built = Some(Built::new(Arc::clone(&graph), &config.perplexities)?);
        Ok(())
    })?;
    let peak = peak_memory();
    let affinities = built.expect("it was built at least once");

    let mut report = Report::default();
    for scale in &affinities.calibration().scales {
        let unexplained = scale.unreached.iter().filter(|row| row.reason == Reason::NotConverged).count();
        report.check("affinities/rows_not_converged", unexplained as f64, 0.0);
        let name = |what| format!("affinities/{what}/{}", scale.perplexity);
        report.metric(name("perplexity_min"), scale.attained_min, "1");
        report.metric(name("perplexity_max"), scale.attained_max, "1");
        report.metric(name("rows_not_met"), scale.unreached.len() as f64, "rows");
    }
    let p = affinities.into_csr();
    let sum: f64 = p.values().iter().map(|value| value.to_f64()).sum();
    // What is promised, of sums over a hundred million entries too, one after the other.
    let bound = if T::EPSILON.to_f64() > 1e-10 { 1e-6 } else { 1e-12 };
    report.check("affinities/sum_minus_1", (sum - 1.0).abs(), bound);
    report.metric("affinities/seconds", seconds, "s");
    report.metric("affinities/entries", p.n_entries() as f64, "entries");
    if let Some(peak) = peak {
        report.metric("affinities/peak_memory", peak, "B");
    }
    if let Some(path) = &config.out {
        write_csr(path, &p)?;
    }
    Ok(report)
}

/// Affinities of one perplexity, or of a mixture.
enum Built<T: Scalar> {
    One(PerplexityBased<T>),
    Mixture(MultiscaleMixture<T>),
}

impl<T: Scalar> Built<T> {
    fn new(graph: Arc<KnnGraph<T>>, perplexities: &[f64]) -> Result<Self> {
        let (options, control) = (Options::default(), Control::NONE);
        Ok(match perplexities {
            &[perplexity] => Self::One(PerplexityBased::from_graph(graph, perplexity, &options, &control)?),
            several => Self::Mixture(MultiscaleMixture::from_graph(graph, several, &options, &control)?),
        })
    }

    fn calibration(&self) -> &Calibration {
        match self {
            Self::One(affinities) => affinities.calibration(),
            Self::Mixture(affinities) => affinities.calibration(),
        }
    }

    fn into_csr(self) -> Csr<T> {
        match self {
            Self::One(affinities) => Box::new(affinities).into_csr(),
            Self::Mixture(affinities) => Box::new(affinities).into_csr(),
        }
    }
}
