//! The distance between rows: its name and its parameters, from flags and files.

use std::path::Path;

use tsne::neighbors::{Error, Exact, MetricParameters};
use tsne::{Metric, Points};
use tsne_io::{ReadOptions, read_npy, read_path, shown};

use crate::exit::{Failure, shown_path};
use crate::resume::open;

const FLAG: &str = "--metric-params";

/// The metric of this name, with parameters as `NAME=VALUE`.
pub(crate) fn parse(name: &str, parameters: &[String]) -> Result<Metric, Failure> {
    let parameters = parameters_of(parameters)?;
    Metric::from_name(name, &parameters).map_err(|e| match &e {
        Error::MissingParameter { .. } => {
            let help = "give a file of numbers, .npy or .csv, as --metric-params VI=FILE or w=FILE";
            Failure::new("E201", e.to_string(), help).at(FLAG)
        }
        Error::SuperfluousParameter { .. } => {
            let help =
                "p belongs to minkowski and wminkowski, w to wminkowski, V to seuclidean, VI to mahalanobis";
            Failure::new("E201", e.to_string(), help).at(FLAG)
        }
        _ => {
            let help =
                "euclidean, manhattan, cosine and correlation are usual; leave --metric out for euclidean";
            Failure::new("E201", shown(&e.to_string()), help).at("--metric")
        }
    })
}

/// Refuses given parameters that are not of points of so many features, before anything is computed.
pub(crate) fn check(metric: &Metric, n_features: usize) -> Result<(), Failure> {
    let is_given = matches!(
        metric,
        Metric::Minkowski { .. }
            | Metric::WeightedMinkowski { .. }
            | Metric::Mahalanobis { .. }
            | Metric::StandardizedEuclidean { variances: Some(_) }
    );
    if !is_given {
        return Ok(());
    }
    // What an index says of them does not depend on the points.
    let origin = vec![0.0_f64; 2 * n_features];
    let points = Points::from_row_major(&origin, n_features).expect("two rows of at least one feature");
    Exact::with_metric(points, metric).map(drop).map_err(|e| {
        let help = match e {
            Error::ParameterLength { .. } => {
                "give w and V an entry, and VI a row and a column, for each feature: --label, --id and --drop leave \
                 columns out, --pca makes others"
            }
            _ => "V is above 0, w is not negative, VI is symmetric and not negative",
        };
        Failure::new("E205", e.to_string(), help).at(FLAG)
    })
}

fn parameters_of(texts: &[String]) -> Result<MetricParameters, Failure> {
    let mut parameters = MetricParameters::default();
    for text in texts {
        let Some((name, value)) = text.split_once('=') else {
            let what = format!("\"{}\" is no parameter and its value", shown(text));
            return Err(Failure::new("E201", what, "write p=3, or a file as in VI=FILE").at(FLAG));
        };
        let is_repeated = match name {
            "p" => parameters.p.replace(power(value)?).is_some(),
            "V" => parameters.variances.replace(list(name, Path::new(value))?).is_some(),
            "w" => parameters.weights.replace(list(name, Path::new(value))?).is_some(),
            "VI" => parameters.inverse_covariance.replace(square(name, Path::new(value))?).is_some(),
            _ => {
                let what = format!("no metric has a parameter \"{}\"; known are p, V, VI and w", shown(name));
                let help = "p belongs to minkowski and wminkowski, w to wminkowski, V to seuclidean, VI to mahalanobis";
                return Err(Failure::new("E201", what, help).at(FLAG));
            }
        };
        if is_repeated {
            let what = format!("the parameter {name} is given twice");
            return Err(Failure::new("E207", what, "leave one of them out").at(FLAG));
        }
    }
    Ok(parameters)
}

/// The power of Minkowski's metrics. The library takes any above 0; what lies below 1 is no metric, as a way around is
/// shorter than the way.
fn power(text: &str) -> Result<f64, Failure> {
    let Ok(p) = text.parse::<f64>() else {
        let what = format!("the parameter p is \"{}\", not a number", shown(text));
        return Err(Failure::new("E201", what, "write p=3").at(FLAG));
    };
    if p.is_finite() && p >= 1.0 {
        return Ok(p);
    }
    let what = format!("the parameter p must be a finite number of at least 1, got {p}");
    let help = "1 is manhattan, 2 is euclidean, and --metric chebyshev what an infinite one would be";
    Err(Failure::new("E205", what, help).at(FLAG))
}

/// The numbers of a file that has one row or one column of them.
fn list(name: &str, path: &Path) -> Result<Vec<f64>, Failure> {
    let Numbers { n_rows, n_columns, values } = read(path)?;
    if n_rows != 1 && n_columns != 1 {
        let what = format!("the parameter {name} is a list, got numbers of shape ({n_rows}, {n_columns})");
        return Err(Failure::new("E106", what, "give one row or one column").at(shown_path(path)));
    }
    Ok(values)
}

/// The numbers of a file that has as many rows of them as columns.
fn square(name: &str, path: &Path) -> Result<Vec<f64>, Failure> {
    let Numbers { n_rows, n_columns, values } = read(path)?;
    if n_rows != n_columns {
        let what =
            format!("the parameter {name} is a square matrix, got numbers of shape ({n_rows}, {n_columns})");
        return Err(
            Failure::new("E106", what, "give a row and a column for each feature").at(shown_path(path))
        );
    }
    Ok(values)
}

/// Numbers of a file, row after row.
struct Numbers {
    n_rows: usize,
    n_columns: usize,
    values: Vec<f64>,
}

fn read(path: &Path) -> Result<Numbers, Failure> {
    let failed = |e| Failure::in_file(path, &e);
    // Lists are saved by numpy as arrays of one dimension, which are no data.
    if path.extension().is_some_and(|suffix| suffix.eq_ignore_ascii_case("npy")) {
        let array = read_npy(open(path)?, None).map_err(failed)?;
        if let [n_rows] = array.shape[..] {
            return Ok(Numbers { n_rows, n_columns: 1, values: array.values.to_f64() });
        }
    }
    let matrix = read_path(path, &ReadOptions::default()).map_err(failed)?.features;
    let (n_rows, n_columns) = (matrix.n_rows(), matrix.n_features());
    let Some(values) = matrix.into_cells().into_f64() else {
        let what = "parameters of a metric are sparse";
        return Err(Failure::new("E106", what, "give a dense matrix").at(shown_path(path)));
    };
    Ok(Numbers { n_rows, n_columns, values })
}
