//! Arrays of the lab on disk: NPY matrices, neighbor graphs and sparse matrices as NPZ.

use std::fs::File;
use std::io::{BufReader, BufWriter, Write as _};
use std::path::Path;

use anyhow::{Context as _, Result, bail};
use tsne_core::{Csr, KnnGraph, Points, Scalar, ShapeError, Typed};
use tsne_io::{Array, NpzReader, NpzWriter, Values, read_npy, write_npy};

/// A matrix of numbers, row after row.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Matrix {
    /// Numbers per row.
    pub(crate) n_columns: usize,
    /// All numbers.
    pub(crate) values: Vec<f64>,
}

impl Matrix {
    /// The rows as arrays.
    ///
    /// # Errors
    /// When there are not `D` columns.
    pub(crate) fn to_rows<const D: usize>(&self) -> Result<Vec<[f64; D]>> {
        let (rows, rest) = self.values.as_chunks::<D>();
        if self.n_columns != D || !rest.is_empty() {
            bail!("expected {D} columns, got {}", self.n_columns);
        }
        Ok(rows.to_vec())
    }
}

/// Points as an index takes them: bytes where the file has bytes.
#[derive(Debug)]
pub(crate) struct PointsFile<T> {
    cells: Cells<T>,
    n_features: usize,
}

#[derive(Debug)]
enum Cells<T> {
    Bytes(Vec<u8>),
    Numbers(Vec<T>),
    Sparse(Csr<T>),
}

impl<T: Scalar> PointsFile<T> {
    /// The points.
    pub(crate) fn points(&self) -> Result<Points<'_, T>, ShapeError> {
        match &self.cells {
            Cells::Bytes(values) => Points::from_bytes(values, self.n_features),
            Cells::Numbers(values) => Points::from_row_major(values, self.n_features),
            Cells::Sparse(matrix) => Points::from_csr(matrix),
        }
    }
}

/// Reads points from NPY, with no copy of numbers that have the type asked for; or from NPZ, its array `x` or the sparse
/// matrix that it is.
///
/// # Errors
/// When the file cannot be read or holds no matrix.
pub(crate) fn read_points<T: Scalar>(path: &Path) -> Result<PointsFile<T>> {
    let is_archive = path.extension().is_some_and(|extension| extension == "npz");
    if is_archive && open_archive(path)?.array("indptr").is_ok() {
        let matrix: Csr<T> = read_csr(path)?;
        return Ok(PointsFile { n_features: matrix.n_columns(), cells: Cells::Sparse(matrix) });
    }
    let (array, n_features) = if is_archive {
        let array = open_archive(path)?.array("x")?;
        let [_, n_columns] = array.shape[..] else { bail!("x of {} is not a matrix", path.display()) };
        (array, n_columns)
    } else {
        read_array(path)?
    };
    let cells = match array.values {
        Values::U8(values) => Cells::Bytes(values),
        // Collected in place.
        Values::F32(values) => Cells::Numbers(values.into_iter().map(|x| T::lit(f64::from(x))).collect()),
        Values::F64(values) => Cells::Numbers(values.into_iter().map(T::lit).collect()),
        other => Cells::Numbers(other.to_f64().into_iter().map(T::lit).collect()),
    };
    Ok(PointsFile { cells, n_features })
}

/// Reads a matrix from NPY.
///
/// # Errors
/// When the file cannot be read or holds no matrix.
pub(crate) fn read_matrix(path: &Path) -> Result<Matrix> {
    let (array, n_columns) = read_array(path)?;
    Ok(Matrix { n_columns, values: array.values.to_f64() })
}

/// A matrix of any type, and its number of columns.
fn read_array(path: &Path) -> Result<(Array, usize)> {
    let file = File::open(path).with_context(|| format!("cannot open {}", path.display()))?;
    let length = file.metadata()?.len();
    let array = read_npy(BufReader::new(file), Some(length)).with_context(|| path.display().to_string())?;
    let [_, n_columns] = array.shape[..] else { bail!("{} is not a matrix", path.display()) };
    Ok((array, n_columns))
}

/// Writes rows as an NPY matrix of f64.
///
/// # Errors
/// When the file cannot be written.
pub(crate) fn write_rows<const D: usize>(path: &Path, rows: &[[f64; D]]) -> Result<()> {
    let mut sink = create(path)?;
    write_npy(&mut sink, &[rows.len(), D], rows.as_flattened())?;
    Ok(sink.flush()?)
}

/// Writes numbers as an NPY matrix of `n_columns`, in their own type.
///
/// # Errors
/// When the file cannot be written.
pub(crate) fn write_matrix<T: Scalar>(path: &Path, values: &[T], n_columns: usize) -> Result<()> {
    let shape = [values.len() / n_columns, n_columns];
    let mut sink = create(path)?;
    match T::typed(values) {
        Typed::F32(values) => write_npy(&mut sink, &shape, values)?,
        Typed::F64(values) => write_npy(&mut sink, &shape, values)?,
    }
    Ok(sink.flush()?)
}

/// Writes numbers as an NPY vector of f64.
///
/// # Errors
/// When the file cannot be written.
pub(crate) fn write_vector(path: &Path, values: &[f64]) -> Result<()> {
    let mut sink = create(path)?;
    write_npy(&mut sink, &[values.len()], values)?;
    Ok(sink.flush()?)
}

/// Reads a neighbor graph: arrays `indices` and `distances`, one row a point.
///
/// # Errors
/// When the file cannot be read or the arrays are no such graph.
pub(crate) fn read_graph<T: Scalar>(path: &Path) -> Result<KnnGraph<T>> {
    let mut archive = open_archive(path)?;
    let indices = archive.array("indices")?;
    let distances = archive.array("distances")?;
    let [n, k] = indices.shape[..] else { bail!("indices is not a matrix") };
    if distances.shape != [n, k] {
        bail!("indices are {:?} and distances {:?}", indices.shape, distances.shape);
    }
    let graph = KnnGraph::from_parts(k, to_u32(&indices)?, to_scalars(&distances))?;
    graph.check_rows(n, true).with_context(|| path.display().to_string())?;
    Ok(graph)
}

/// Writes a neighbor graph as [`read_graph`] reads it, distances in f32.
///
/// # Errors
/// When the file cannot be written.
pub(crate) fn write_graph<T: Scalar>(path: &Path, graph: &KnnGraph<T>) -> Result<()> {
    let shape = [graph.n_points(), graph.k()];
    let distances: Vec<f32> = graph.distances().iter().map(|d| f32::lit(d.to_f64())).collect();
    let mut archive = NpzWriter::new(create(path)?);
    archive.array("indices", &shape, graph.neighbors())?;
    archive.array("distances", &shape, &distances)?;
    Ok(archive.finish()?.flush()?)
}

/// Reads a sparse matrix as scipy saves it: `data`, `indices`, `indptr`, `shape`.
///
/// # Errors
/// When the file cannot be read or is no such matrix.
pub(crate) fn read_csr<T: Scalar>(path: &Path) -> Result<Csr<T>> {
    let mut archive = open_archive(path)?;
    let shape = to_u32(&archive.array("shape")?)?;
    let [_, n_columns] = shape[..] else { bail!("shape has {} numbers", shape.len()) };
    let offsets = archive.array("indptr")?.values.to_f64();
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "Csr::from_parts checks them")]
    let offsets = offsets.into_iter().map(|offset| offset as usize).collect();
    let columns = to_u32(&archive.array("indices")?)?;
    let values = to_scalars(&archive.array("data")?);
    Csr::from_parts(n_columns as usize, offsets, columns, values).with_context(|| path.display().to_string())
}

/// Writes a sparse matrix as scipy's `load_npz` reads it.
///
/// # Errors
/// When the file cannot be written.
pub(crate) fn write_csr<T: Scalar>(path: &Path, matrix: &Csr<T>) -> Result<()> {
    let n_entries = [matrix.n_entries()];
    let offsets: Vec<u64> = matrix.offsets().iter().map(|&offset| offset as u64).collect();
    let mut archive = NpzWriter::new(create(path)?);
    archive.text("format", "csr")?;
    archive.array("indices", &n_entries, matrix.columns())?;
    archive.array("indptr", &[offsets.len()], &offsets)?;
    archive.array("shape", &[2], &[matrix.n_rows() as u64, matrix.n_columns() as u64])?;
    match T::typed(matrix.values()) {
        Typed::F32(values) => archive.array("data", &n_entries, values)?,
        Typed::F64(values) => archive.array("data", &n_entries, values)?,
    }
    Ok(archive.finish()?.flush()?)
}

fn open_archive(path: &Path) -> Result<NpzReader<BufReader<File>>> {
    let file = File::open(path).with_context(|| format!("cannot open {}", path.display()))?;
    NpzReader::open(BufReader::new(file)).with_context(|| path.display().to_string())
}

fn create(path: &Path) -> Result<BufWriter<File>> {
    let file = File::create(path).with_context(|| format!("cannot create {}", path.display()))?;
    Ok(BufWriter::new(file))
}

fn to_scalars<T: Scalar>(array: &Array) -> Vec<T> {
    array.values.to_f64().into_iter().map(T::lit).collect()
}

/// Integers of any type; the largest index of ours is far below 2^53, which f64 holds exactly.
fn to_u32(array: &Array) -> Result<Vec<u32>> {
    let numbers = array.values.to_f64();
    let narrow = |x: f64| {
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "compared with the original"
        )]
        let index = x as u32;
        if f64::from(index) == x { Ok(index) } else { bail!("{x} is not an index") }
    };
    numbers.into_iter().map(narrow).collect()
}
