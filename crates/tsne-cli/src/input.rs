//! Data, labels, and what may stand in for a search: distances, neighbors or affinities, from files.

use std::fmt;
use std::path::Path;

use tsne::affinity::{Precomputed, PrecomputedOptions};
use tsne::core::{KnnGraph, Points};
use tsne::neighbors::{PrecomputedDistances, precomputed_neighbors};
use tsne::{Csr, Data, Input, InputShape, JointAffinities, Scalar, Seed};
use tsne_io::{Cells, Dataset, Graph, Labels, Matrix, Missing, ReadOptions, read_path, read_stream};

use crate::args::{MissingArg, ReadingArgs};
use crate::exit::{Failure, shown_path};
use crate::features::csr;

/// Stream of the choice of rows by `--sample`, apart from those of the fit.
const SAMPLE_STREAM: u64 = 0x73_61_6d_70_6c_65;

/// Whether a path stands for standard input or output.
pub(crate) fn is_standard(path: &Path) -> bool {
    path == Path::new("-")
}

/// What a file is called in messages.
pub(crate) fn name(path: &Path) -> String {
    if is_standard(path) { "standard input".to_owned() } else { shown_path(path) }
}

/// Reads data, their labels, and of both the rows that are asked for.
pub(crate) fn read(path: &Path, args: &ReadingArgs, seed: u64) -> Result<Dataset, Failure> {
    let read = |options: &ReadOptions| {
        if is_standard(path) {
            read_stream(std::io::stdin().lock(), options)
        } else {
            read_path(path, options)
        }
    };
    read_by(read, &name(path), args, seed)
}

/// The same by a reader of one's own; `name` is what the data are called in messages.
pub(crate) fn read_by(
    read: impl FnOnce(&ReadOptions) -> Result<Dataset, tsne_io::Error>,
    name: &str,
    args: &ReadingArgs,
    seed: u64,
) -> Result<Dataset, Failure> {
    let mut options = args.options();
    let labels_file = args.labels.as_deref().and_then(labels_file);
    if labels_file.is_none() && args.labels.is_some() {
        options.label.clone_from(&args.labels);
    }
    let failed = |e| Failure::in_file(Path::new(name), &e);
    let mut data = read(&options).map_err(failed)?;
    if let Some(file) = labels_file {
        let labels = read_labels(file, data.n_rows_in_file)?;
        data.labels = Some(match &data.kept_rows {
            Some(rows) => labels.of_rows(rows),
            None => labels,
        });
    }
    if let Some(n) = args.sample {
        if n == 0 {
            let error = tsne::Error::Parameter { name: "sample", requirement: "at least 1", value: 0.0 };
            return Err(Failure::of_fit(&error, ""));
        }
        let n_rows = data.features.n_rows();
        if n < n_rows {
            data.keep_rows(&sample(n_rows, n, Seed(seed)));
        }
    }
    Ok(data)
}

/// Labels of a file, one for each of `n_rows` rows.
pub(crate) fn read_labels(path: &Path, n_rows: usize) -> Result<Labels, Failure> {
    tsne_io::read_labels(path, n_rows).map_err(|e| Failure::in_file(path, &e))
}

/// The file of labels that a text names, if it is not a column.
pub(crate) fn labels_file(text: &str) -> Option<&Path> {
    Some(Path::new(text)).filter(|path| path.is_file() || has_suffix(path))
}

/// A column has a name of any kind; what ends as files of labels do is one.
fn has_suffix(path: &Path) -> bool {
    let known = ["csv", "tsv", "txt", "npy", "gz", "zst"];
    path.extension().is_some_and(|suffix| known.iter().any(|known| suffix.eq_ignore_ascii_case(known)))
}

/// What was understood, in a line.
pub(crate) fn summary(name: &str, data: &Dataset) -> String {
    let (n_rows, n_features) = (data.features.n_rows(), data.features.n_features());
    let mut line = format!("{name}: {n_rows} rows of {n_features} features, {}", data.format);
    if let Some(labels) = &data.labels {
        line += &format!(", {} classes of {}", labels.classes().len(), tsne_io::shown(labels.name()));
    }
    if data.n_missing > 0 {
        line += &format!(", {} missing values mended", data.n_missing);
    }
    if n_rows < data.n_rows_in_file {
        line += &format!(", {} rows left out", data.n_rows_in_file - n_rows);
    }
    line
}

/// `n` of `n_rows` rows, all choices being equally likely, in order (Knuth's algorithm S).
fn sample(n_rows: usize, n: usize, seed: Seed) -> Vec<usize> {
    let seed = seed.derive(SAMPLE_STREAM);
    let mut rows = Vec::with_capacity(n);
    for row in 0..n_rows {
        let (wanted, left) = (n - rows.len(), n_rows - row);
        // The product's upper half is uniform below `left`.
        let random = (u128::from(seed.derive(row as u64).0) * left as u128) >> 64;
        if random < wanted as u128 {
            rows.push(row);
        }
    }
    rows
}

impl ReadingArgs {
    /// Whether the first line names the columns, if the user said so.
    pub(crate) fn has_header(&self) -> Option<bool> {
        match (self.header, self.no_header) {
            (true, _) => Some(true),
            (_, true) => Some(false),
            _ => None,
        }
    }

    fn options(&self) -> ReadOptions {
        ReadOptions {
            delimiter: self.delimiter,
            has_header: self.has_header(),
            label: self.label.clone(),
            id: self.id.clone(),
            drop: self.drop.clone(),
            columns: self.columns.clone(),
            missing: match self.missing {
                MissingArg::Error => Missing::Error,
                MissingArg::Drop => Missing::Drop,
                MissingArg::Mean => Missing::Mean,
            },
        }
    }
}

/// What is given in the place of a search for neighbors.
#[derive(Debug)]
pub(crate) enum Given {
    /// The data are distances between all points.
    Distances {
        /// Whether each distance and its reverse are replaced by their mean.
        is_symmetrized: bool,
    },
    Graph(Graph),
    Affinities {
        matrix: Matrix,
        /// Whether each entry and its reverse are replaced by their mean.
        is_symmetrized: bool,
    },
}

impl fmt::Display for Given {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Distances { .. } => write!(f, "distances"),
            Self::Graph(graph) => write!(f, "{} neighbors of each point", graph.k),
            Self::Affinities { .. } => write!(f, "affinities"),
        }
    }
}

impl Given {
    /// Neighbors from a file.
    pub(crate) fn graph(path: &Path) -> Result<Self, Failure> {
        tsne_io::read_graph(path).map(Self::Graph).map_err(|e| Failure::in_file(path, &e))
    }

    /// Affinities from a file.
    pub(crate) fn affinities(path: &Path, is_symmetrized: bool) -> Result<Self, Failure> {
        let matrix = tsne_io::read_sparse(path).map_err(|e| Failure::in_file(path, &e))?;
        Ok(Self::Affinities { matrix, is_symmetrized })
    }

    /// Number of points, where that is known without data.
    pub(crate) fn n_points(&self) -> Option<usize> {
        match self {
            Self::Distances { .. } => None,
            Self::Graph(graph) => Some(graph.indices.len() / graph.k),
            Self::Affinities { matrix, .. } => Some(matrix.n_rows()),
        }
    }
}

/// The shape of what is given, on whose number of points all must agree.
pub(crate) fn shape(features: Option<&Matrix>, given: Option<&Given>) -> Result<InputShape, tsne::Error> {
    let (what, shape) = match (given, features) {
        (None, Some(x)) => ("points", InputShape::points(x.n_rows(), x.n_features())),
        (Some(Given::Distances { .. }), Some(distances)) => return Ok(InputShape::index(distances.n_rows())),
        (Some(Given::Graph(graph)), _) => ("index", InputShape::index(graph.indices.len() / graph.k)),
        (Some(Given::Affinities { matrix, .. }), _) => {
            ("affinities", InputShape::affinities(matrix.n_rows()))
        }
        (None | Some(Given::Distances { .. }), None) => return Err(tsne::Error::NoInput),
    };
    let Some(x) = features else { return Ok(shape) };
    match given.and_then(Given::n_points) {
        Some(got) if got != x.n_rows() => {
            Err(tsne::Error::Contradiction { first: "points", n_points: x.n_rows(), what, got })
        }
        _ => Ok(shape.with_points(x.n_features()).sparse(matches!(x.cells(), Cells::Sparse(_)))),
    }
}

/// What stands in for a search, in the type of the computation.
#[derive(Debug)]
pub(crate) enum StoodIn<'a, T: Scalar> {
    Distances(PrecomputedDistances<'a, T>),
    Graph(KnnGraph<T>),
    Affinities(JointAffinities<T>),
}

impl<'a, T: Scalar> StoodIn<'a, T> {
    /// Checks what is given; `data` are the distances, where it is them. `place` is what they are called.
    pub(crate) fn new(given: Given, data: Option<&'a Data<T>>, place: &str) -> Result<Self, Failure> {
        match (given, data) {
            (Given::Graph(graph), _) => neighbors(graph, place).map(Self::Graph),
            (Given::Affinities { matrix, is_symmetrized }, _) => {
                affinities(matrix, is_symmetrized, place).map(Self::Affinities)
            }
            (Given::Distances { is_symmetrized }, Some(data)) => {
                distances(data.points(), is_symmetrized, place).map(Self::Distances)
            }
            (Given::Distances { .. }, None) => Err(Failure::of_fit(&tsne::Error::NoInput, place)),
        }
    }

    /// What a fit begins with.
    pub(crate) fn input(&self) -> Input<'_, T> {
        match self {
            Self::Distances(index) => Input::from_index(index),
            Self::Graph(graph) => Input::from_index(graph),
            Self::Affinities(affinities) => Input::from_affinities(affinities.clone()),
        }
    }
}

/// Distances between all points as an index.
fn distances<'a, T: Scalar>(
    points: Points<'a, T>,
    is_symmetrized: bool,
    place: &str,
) -> Result<PrecomputedDistances<'a, T>, Failure> {
    use tsne::neighbors::Error;
    let index = if is_symmetrized {
        PrecomputedDistances::symmetrized(points)
    } else {
        PrecomputedDistances::new(points)
    };
    index.map_err(|e| {
        let (code, help) = match &e {
            Error::NotSquare { .. } => {
                ("E110", "give a matrix with a row and a column for each point, and no other columns")
            }
            Error::Asymmetric { .. } => {
                ("E112", "take the mean of both with --symmetrize mean, or mend the matrix")
            }
            Error::NonFinite(_) => ("E103", "mend these entries"),
            Error::UnsupportedPoints { .. } => {
                ("E110", "give a dense matrix, or sparse distances with --graph")
            }
            _ => ("E111", "distances are 0 or more"),
        };
        Failure::new(code, e.to_string(), help).at(place)
    })
}

/// Neighbors of a file as an index.
fn neighbors<T: Scalar>(graph: Graph, place: &str) -> Result<KnnGraph<T>, Failure> {
    let Graph { k, indices, distances, .. } = graph;
    let distances = distances.into_iter().map(T::lit).collect();
    let graph = KnnGraph::from_parts(k, indices, distances).map_err(Into::into);
    graph.and_then(precomputed_neighbors).map_err(|e: tsne::neighbors::Error| {
        let help = "list for every point as many others, each once and not the point itself";
        Failure::new("E113", e.to_string(), help).at(place)
    })
}

/// Affinities of a file, divided by their sum.
fn affinities<T: Scalar>(
    matrix: Matrix,
    is_symmetrized: bool,
    place: &str,
) -> Result<JointAffinities<T>, Failure> {
    let help = "give a square matrix of weights that are 0 or more; --symmetrize mean takes the mean of both directions";
    let refused = |what: String| Failure::new("E113", what, help).at(place);
    let n_columns = matrix.n_features();
    let Cells::Sparse(entries) = matrix.into_cells() else {
        return Err(refused("affinities are given as a sparse matrix".to_owned()));
    };
    let matrix: Csr<T> = csr(entries, n_columns, None).map_err(|e| refused(e.to_string()))?;
    let options = PrecomputedOptions::default().with_symmetrize(is_symmetrized);
    let family = Precomputed::from_csr(&matrix, &options).map_err(|e| refused(e.to_string()))?;
    Ok(family.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_are_in_order_and_as_many_as_asked() {
        for (n_rows, n) in [(10, 1), (10, 9), (1000, 137), (5, 5)] {
            let rows = sample(n_rows, n, Seed(7));
            assert_eq!(rows.len(), n, "{n} of {n_rows}");
            assert!(rows.is_sorted_by(|a, b| a < b) && rows.iter().all(|&row| row < n_rows), "{rows:?}");
            assert_eq!(rows, sample(n_rows, n, Seed(7)), "the same seed, the same rows");
        }
    }

    #[test]
    fn every_row_is_as_likely() {
        let mut counts = [0_u32; 20];
        for seed in 0..2000 {
            sample(20, 5, Seed(seed)).iter().for_each(|&row| counts[row] += 1);
        }
        // 500 expected with a standard deviation of 19: five of them.
        assert!(counts.iter().all(|&count| count.abs_diff(500) < 97), "{counts:?}");
    }
}
