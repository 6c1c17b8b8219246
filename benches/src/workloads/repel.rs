//! `lab repel`: the repulsion of a map, or of a frozen map on new points, by any method.

use std::path::PathBuf;

use anyhow::{Result, bail};
use tsne_core::{NegativeGradient as _, ReferenceField as _, Scalar, StudentT};

use super::{Precision, kernel, precision, threads, with_type_and_dimension};
use crate::files::{Matrix, read_matrix, write_rows, write_vector};
use crate::measure::{median_seconds, on_threads};
use crate::repulsion::Method;
use crate::{Args, Report, exact};

pub(super) const USAGE: &str = "\
repel --map Y.npy --method exact|bh|fft [--theta 0.5]
      [--n-interpolation-points 3] [--min-num-intervals 50] [--ints-in-interval 1]
      [--dof 1] [--precision f32|f64] [--reference R.npy] [--threads N] [--repeat 5]
      [--out FORCES.npy] [--normalizers-out Z.npy]
   Un-normalized repulsive forces on every row of Y, from its other rows or from the rows of R, and their
   normalizer: median time of a call after one that is not counted, and the force error against all pairs
   in f64 over a sample of targets.";

/// Targets over which the force error is taken.
const SAMPLE: usize = 512;

struct Config {
    method: Method,
    kernel: StudentT,
    repeat: usize,
    forces_out: Option<PathBuf>,
    normalizers_out: Option<PathBuf>,
}

pub(super) fn run(mut args: Args) -> Result<Report> {
    let map = read_matrix(&args.path("map")?)?;
    let reference = match args.optional::<String>("reference")? {
        Some(path) => Some(read_matrix(path.as_ref())?),
        None => None,
    };
    let (precision, threads) = (precision(&mut args)?, threads(&mut args)?);
    let config = Config {
        method: Method::from_args(&mut args)?,
        kernel: kernel(&mut args)?,
        repeat: args.optional("repeat")?.unwrap_or(5),
        forces_out: args.optional::<String>("out")?.map(PathBuf::from),
        normalizers_out: args.optional::<String>("normalizers-out")?.map(PathBuf::from),
    };
    args.finish()?;
    if config.repeat == 0 {
        bail!("--repeat must be at least 1");
    }
    on_threads(threads, || {
        with_type_and_dimension!(precision, map.n_columns, measure(&config, &map, reference.as_ref()))
    })
}

fn measure<T: Scalar, const D: usize>(
    config: &Config,
    map: &Matrix,
    reference: Option<&Matrix>,
) -> Result<Report> {
    let y: Vec<[T; D]> = narrowed(map)?;
    let mut forces = vec![[T::default(); D]; y.len()];
    let mut normalizers = Vec::new();
    let mut z = 0.0;
    let seconds;
    let references: Vec<[f64; D]>;
    if let Some(reference) = reference {
        let r: Vec<[T; D]> = narrowed(reference)?;
        let field = config.method.build_field(config.kernel, &r)?;
        normalizers.resize(y.len(), 0.0);
        seconds =
            median_seconds(config.repeat, || Ok(field.repel_targets(&y, &mut forces, &mut normalizers)?))?;
        z = normalizers.iter().sum();
        references = widened(&r);
    } else {
        let mut repulsion = config.method.build(config.kernel)?;
        seconds = median_seconds(config.repeat, || {
            z = repulsion.repel(&y, &mut forces)?;
            Ok(())
        })?;
        references = widened(&y);
    }

    let (targets, forces) = (widened(&y), widened(&forces));
    let own = reference.is_none();
    let error = exact::sampled_force_error(config.kernel, &references, &targets, &forces, own, SAMPLE);
    let mut report = Report::default();
    report.check("repel/force_error", error, config.method.force_error_bound::<T>());
    report.metric("repel/seconds", seconds, "s");
    report.metric("repel/z", z, "1");
    report.metric("repel/force_error", error, "1");
    if let Some(path) = &config.forces_out {
        write_rows(path, &forces)?;
    }
    if let Some(path) = &config.normalizers_out {
        write_vector(path, if own { std::slice::from_ref(&z) } else { &normalizers })?;
    }
    Ok(report)
}

fn narrowed<T: Scalar, const D: usize>(matrix: &Matrix) -> Result<Vec<[T; D]>> {
    Ok(matrix.to_rows()?.into_iter().map(|row: [f64; D]| row.map(T::lit)).collect())
}

fn widened<T: Scalar, const D: usize>(rows: &[[T; D]]) -> Vec<[f64; D]> {
    rows.iter().map(|row| row.map(T::to_f64)).collect()
}
