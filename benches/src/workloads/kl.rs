//! `lab kl`: the exact divergence of a map.

use anyhow::{Result, bail};
use tsne_core::{Affinities as _, StudentT};

use super::{kernel, threads};
use crate::files::{Matrix, read_csr, read_matrix};
use crate::measure::{on_threads, timed};
use crate::{Args, Report, exact};

pub(super) const USAGE: &str = "\
kl --affinities P.npz --map Y.npy [--dof 1] [--threads N]
   Divergence of the map Y from P, in f64, Z over all pairs.";

pub(super) fn run(mut args: Args) -> Result<Report> {
    let p = read_csr::<f64>(&args.path("affinities")?)?;
    let map = read_matrix(&args.path("map")?)?;
    let (kernel, threads) = (kernel(&mut args)?, threads(&mut args)?);
    args.finish()?;
    let n_rows = map.values.len() / map.n_columns;
    if p.n_points() != n_rows {
        bail!("P has {} rows and the map {n_rows}", p.n_points());
    }
    let (kl, seconds) = timed(|| {
        on_threads(threads, || match map.n_columns {
            1 => divergence::<1>(kernel, &p, &map),
            2 => divergence::<2>(kernel, &p, &map),
            3 => divergence::<3>(kernel, &p, &map),
            columns => bail!("a map has 1, 2 or 3 columns, got {columns}"),
        })
    });
    let sum: f64 = p.values().iter().sum();
    let mut report = Report::default();
    // A P that does not sum to 1 is no distribution; f32 files are within 1e-6.
    report.check("kl/sum_of_p_minus_1", (sum - 1.0).abs(), 1e-5);
    report.metric("kl/divergence", kl?, "1");
    report.metric("kl/seconds", seconds, "s");
    Ok(report)
}

fn divergence<const D: usize>(kernel: StudentT, p: &tsne_core::Csr<f64>, map: &Matrix) -> Result<f64> {
    Ok(exact::kl_divergence(kernel, p, &map.to_rows::<D>()?))
}
