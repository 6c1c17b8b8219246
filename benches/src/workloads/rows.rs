//! `lab rows`: rows of a table, as the other workloads and the drivers of peers read them.

use std::path::Path;

use anyhow::{Context as _, Result, bail};
use tsne_core::Scalar as _;
use tsne_io::{ReadOptions, read_path};

use crate::files::write_matrix;
use crate::{Args, Report};

pub(super) const USAGE: &str = "\
rows --input FILE [--drop COLUMN] [--n N] --out X.npy
   N rows of a table, an NPY or an NPZ, spread evenly over the file, all of them without --n; as a matrix of f32.";

pub(super) fn run(mut args: Args) -> Result<Report> {
    let (input, out) = (args.path("input")?, args.path("out")?);
    let drop = args.optional::<String>("drop")?.into_iter().collect();
    let count: Option<usize> = args.optional("n")?;
    args.finish()?;
    write(&input, drop, count, &out).with_context(|| input.display().to_string())?;
    Ok(Report::default())
}

fn write(input: &Path, drop: Vec<String>, count: Option<usize>, out: &Path) -> Result<()> {
    let data = read_path(input, &ReadOptions { drop, ..ReadOptions::default() })?;
    let (n_rows, n_columns) = (data.features.n_rows(), data.features.n_features());
    let values = data.features.into_cells().into_f64().context("the rows are sparse")?;
    let count = count.unwrap_or(n_rows);
    if !(1..=n_rows).contains(&count) {
        bail!("--n {count}: there are {n_rows} rows");
    }
    let rows = (0..count).map(|i| i * n_rows / count);
    let chosen: Vec<f32> =
        rows.flat_map(|row| &values[row * n_columns..(row + 1) * n_columns]).map(|&x| f32::lit(x)).collect();
    write_matrix(out, &chosen, n_columns)
}
