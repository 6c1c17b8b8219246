//! `lab start`: initial positions that several programs can be given alike.

use std::path::Path;

use anyhow::{Result, bail};
use tsne::{Seed, init};
use tsne_core::Control;

use super::threads;
use crate::files::{read_points, write_rows};
use crate::measure::on_threads;
use crate::{Args, Report};

pub(super) const USAGE: &str = "\
start --input X.npy [--n-components 2] [--seed 42] [--threads N] --out Y0.npy
   The first principal components of X at a standard deviation of 1e-4, jittered by the seed: what a fit starts from.";

pub(super) fn run(mut args: Args) -> Result<Report> {
    let (input, out) = (args.path("input")?, args.path("out")?);
    let seed = Seed(args.optional("seed")?.unwrap_or(42));
    let (n_components, threads) = (args.optional("n-components")?.unwrap_or(2), threads(&mut args)?);
    args.finish()?;
    on_threads(threads, || match n_components {
        1 => write::<1>(&input, seed, &out),
        2 => write::<2>(&input, seed, &out),
        3 => write::<3>(&input, seed, &out),
        other => bail!("a map has 1, 2 or 3 columns, got {other}"),
    })?;
    Ok(Report::default())
}

fn write<const D: usize>(input: &Path, seed: Seed, out: &Path) -> Result<()> {
    let file = read_points::<f32>(input)?;
    let start: Vec<[f32; D]> = init::pca(file.points()?, seed, &Control::NONE)?;
    let start: Vec<[f64; D]> = start.iter().map(|row| row.map(f64::from)).collect();
    write_rows(out, &start)
}
