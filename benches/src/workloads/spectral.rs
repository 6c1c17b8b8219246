//! `lab spectral`: initial positions from the spectrum of P.

use std::path::PathBuf;

use anyhow::Result;
use tsne::{Csr, Scalar, Seed, init};
use tsne_core::Control;

use super::{Precision, precision, threads};
use crate::files::{read_csr, write_matrix};
use crate::measure::{median_seconds, on_threads, peak_memory};
use crate::{Args, Report};

pub(super) const USAGE: &str = "\
spectral --affinities P.npz [--precision f32|f64] [--threads N] [--repeat 1] [--out Y.npy]
   Initial positions in two dimensions from the spectrum of P, as lab affinities writes it: median time after one call
   that is not counted, peak memory of the process, number of connected components, the two eigenvalues, and the
   largest residual.";

struct Config {
    affinities: PathBuf,
    repeat: usize,
    out: Option<PathBuf>,
}

pub(super) fn run(mut args: Args) -> Result<Report> {
    let (precision, threads) = (precision(&mut args)?, threads(&mut args)?);
    let config = Config {
        affinities: args.path("affinities")?,
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
    let affinities: Csr<T> = read_csr(&config.affinities)?;
    let mut found = None;
    let seconds = median_seconds(config.repeat, || {
        found = Some(init::spectral::<T, 2>(&affinities, Seed(42), &Control::NONE)?);
        Ok(())
    })?;
    let peak = peak_memory();
    let found = found.expect("it was computed at least once");

    let mut report = Report::default();
    report.check("spectral/residual", found.residual, 1e-4);
    report.metric("spectral/seconds", seconds, "s");
    report.metric("spectral/components", found.n_connected as f64, "components");
    for (k, eigenvalue) in found.eigenvalues.iter().enumerate() {
        report.metric(format!("spectral/eigenvalue/{}", k + 1), *eigenvalue, "1");
    }
    if let Some(peak) = peak {
        report.metric("spectral/peak_memory", peak, "B");
    }
    if let Some(path) = &config.out {
        write_matrix(path, found.positions.as_flattened(), 2)?;
    }
    Ok(report)
}
