//! The workloads of the lab, by name.

mod affinities;
mod descend;
mod fit;
mod judge;
mod kl;
mod knn;
mod pca;
#[cfg(feature = "peers")]
mod peer_tree;
mod points;
mod process;
mod quality;
mod repel;
mod rows;
mod spectral;
mod start;
mod transform;

use anyhow::{Result, bail};
use tsne_core::StudentT;

use crate::{Args, Report};

/// A named measurement.
#[derive(Clone, Copy, Debug)]
pub struct Workload {
    /// What it is called on the command line.
    pub name: &'static str,
    /// Its arguments, for `lab help`.
    pub usage: &'static str,
    /// Reads the arguments and measures.
    pub run: fn(Args) -> Result<Report>,
}

/// Every workload.
pub const WORKLOADS: &[Workload] = &[
    Workload { name: "points", usage: points::USAGE, run: points::run },
    Workload { name: "rows", usage: rows::USAGE, run: rows::run },
    Workload { name: "start", usage: start::USAGE, run: start::run },
    Workload { name: "knn", usage: knn::USAGE, run: knn::run },
    Workload { name: "pca", usage: pca::USAGE, run: pca::run },
    Workload { name: "affinities", usage: affinities::USAGE, run: affinities::run },
    Workload { name: "spectral", usage: spectral::USAGE, run: spectral::run },
    Workload { name: "kl", usage: kl::USAGE, run: kl::run },
    Workload { name: "repel", usage: repel::USAGE, run: repel::run },
    Workload { name: "descend", usage: descend::USAGE, run: descend::run },
    Workload { name: "fit", usage: fit::USAGE, run: fit::run },
    Workload { name: "quality", usage: quality::USAGE, run: quality::run },
    Workload { name: "judge", usage: judge::USAGE, run: judge::run },
    Workload { name: "process", usage: process::USAGE, run: process::run },
    Workload { name: "transform", usage: transform::USAGE, run: transform::run },
    #[cfg(feature = "peers")]
    Workload { name: "peer-tree", usage: peer_tree::USAGE, run: peer_tree::run },
];

/// The kernel of `--dof`, Cauchy's without.
fn kernel(args: &mut Args) -> Result<StudentT> {
    Ok(StudentT::with_dof(args.optional("dof")?.unwrap_or(1.0))?)
}

/// The number of `--threads`; 0, which is all cores, without.
fn threads(args: &mut Args) -> Result<usize> {
    Ok(args.optional("threads")?.unwrap_or(0))
}

/// Number type of a computation.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Precision {
    F32,
    F64,
}

/// The type of `--precision`, f32 without.
fn precision(args: &mut Args) -> Result<Precision> {
    match args.optional::<String>("precision")?.as_deref() {
        None | Some("f32") => Ok(Precision::F32),
        Some("f64") => Ok(Precision::F64),
        Some(other) => bail!("--precision {other}: expected f32 or f64"),
    }
}

/// Calls a function generic in the number type and in the dimension with those found at run time.
macro_rules! with_type_and_dimension {
    ($precision:expr, $dimension:expr, $function:ident($($argument:expr),*)) => {
        match ($precision, $dimension) {
            (Precision::F32, 1) => $function::<f32, 1>($($argument),*),
            (Precision::F32, 2) => $function::<f32, 2>($($argument),*),
            (Precision::F32, 3) => $function::<f32, 3>($($argument),*),
            (Precision::F64, 1) => $function::<f64, 1>($($argument),*),
            (Precision::F64, 2) => $function::<f64, 2>($($argument),*),
            (Precision::F64, 3) => $function::<f64, 3>($($argument),*),
            (_, dimension) => anyhow::bail!("a map has 1, 2 or 3 columns, got {dimension}"),
        }
    };
}
use with_type_and_dimension;
