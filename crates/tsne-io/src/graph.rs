//! Neighbors found elsewhere: arrays `indices` and `distances`, or a sparse matrix of distances.

use std::io::{Read, Seek};

use crate::error::RowPlace;
use crate::{Cells, Error, Matrix, NpzReader};

/// Neighbors of every point, as many for each.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Graph {
    /// Neighbors of a point.
    pub k: usize,
    /// For each point its neighbors, counted from 0.
    pub indices: Vec<u32>,
    /// For each point the distances of its neighbors.
    pub distances: Vec<f64>,
}

impl Graph {
    /// Reads arrays `indices` and `distances` of the same shape, or a sparse matrix of distances.
    ///
    /// # Errors
    /// When the arrays are missing or differ in shape, an index is no point, a distance is negative, NaN or infinite,
    /// or the points of a sparse matrix differ in the number of their neighbors.
    pub fn from_npz<R: Read + Seek>(archive: &mut NpzReader<R>) -> Result<Self, Error> {
        if archive.is_sparse() {
            return Self::from_sparse(archive.sparse()?);
        }
        let (indices, distances) = (archive.array("indices")?, archive.array("distances")?);
        let [n, k] = indices.shape[..] else { return Err(Error::NotAMatrix { shape: indices.shape }) };
        if distances.shape != [n, k] {
            return Err(Error::malformed(format!(
                "indices have the shape ({n}, {k}), distances {:?}",
                distances.shape
            )));
        }
        if n == 0 || k == 0 {
            return Err(Error::NoRows { shape: vec![n, k] });
        }
        let mut neighbors = Vec::with_capacity(n * k);
        for at in 0..n * k {
            match indices.values.whole(at).filter(|&j| j < n).and_then(|j| u32::try_from(j).ok()) {
                Some(neighbor) => neighbors.push(neighbor),
                None => {
                    let found = indices.values.text(at);
                    return Err(bad(at / k, format!("neighbor {found} is none of the {n} points")));
                }
            }
        }
        Self { k, indices: neighbors, distances: distances.values.into_f64() }.checked()
    }

    /// The neighbors that the entries of a sparse matrix are, in the order of their distance.
    ///
    /// # Errors
    /// When the matrix is dense or not square, an entry is negative, NaN or infinite, or rows differ in the number of
    /// their entries.
    pub fn from_sparse(matrix: Matrix) -> Result<Self, Error> {
        let (n_rows, n_columns) = (matrix.n_rows(), matrix.n_features());
        let Cells::Sparse(entries) = matrix.into_cells() else {
            return Err(Error::malformed("the distances of a graph are given as a sparse matrix"));
        };
        if n_rows != n_columns {
            return Err(Error::NotAMatrix { shape: vec![n_rows, n_columns] });
        }
        let (offsets, mut indices, mut distances) = entries.into_parts();
        let k = offsets.get(1).copied().unwrap_or(0);
        if k == 0 {
            return Err(bad(0, "the point has no neighbors".to_owned()));
        }
        if let Some(row) = offsets.windows(2).position(|pair| pair[1] - pair[0] != k) {
            let found = offsets[row + 1] - offsets[row];
            return Err(bad(row, format!("the point has {found} neighbors where the first has {k}")));
        }
        for (indices, distances) in indices.chunks_exact_mut(k).zip(distances.chunks_exact_mut(k)) {
            let mut row: Vec<(f64, u32)> = distances.iter().copied().zip(indices.iter().copied()).collect();
            row.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
            for ((index, distance), (d, j)) in indices.iter_mut().zip(distances).zip(row) {
                (*index, *distance) = (j, d);
            }
        }
        Self { k, indices, distances }.checked()
    }

    fn checked(self) -> Result<Self, Error> {
        match self.distances.iter().position(|d| !(d.is_finite() && *d >= 0.0)) {
            None => Ok(self),
            Some(at) => {
                let (neighbor, distance) = (self.indices[at], self.distances[at]);
                Err(bad(at / self.k, format!("the distance of neighbor {neighbor} is {distance}")))
            }
        }
    }
}

fn bad(row: usize, what: String) -> Error {
    Error::BadEntry { what, place: RowPlace::Row(row) }
}
