//! The definitions everything is judged by: dense, direct, in f64, with compensated sums.
//!
//! Nothing here is shared with what it judges: kernels are powers of s as \[M5\] writes them, distances are sums of
//! squared differences, neighbors come from sorting all of them. Inputs of any [`Scalar`] are widened exactly.
//! Time O(n²) or more; meant for thousands of points at most.
//!
//! [`affinities`]: \[M1\], \[M2\], \[M4\], neighbors. [`map`]: \[M5\] to \[M10\]. [`mesh`]: what a particle mesh gives.

pub mod affinities;
pub mod map;
pub mod mesh;

pub use affinities::{
    calibrate, conditional_row, euclidean, joint_probabilities, knn, knn_by, perplexity_at, query, query_by,
    squared_distances,
};
pub use map::{
    Repulsion, TargetRepulsion, gradient, kl_divergence, reference_field, reference_gradient,
    reference_kl_divergence, repulsion, widened,
};
pub use mesh::{MeshForm, mesh_repulsion};

use tsne_core::{Csr, Scalar};

/// A dense row-major matrix of f64.
#[derive(Clone, Debug, PartialEq)]
pub struct Matrix {
    n_columns: usize,
    values: Vec<f64>,
}

impl Matrix {
    /// The matrix with `value(i, j)` in row `i` and column `j`.
    #[must_use]
    pub fn from_fn(n_rows: usize, n_columns: usize, mut value: impl FnMut(usize, usize) -> f64) -> Self {
        let mut values = Vec::with_capacity(n_rows * n_columns);
        for i in 0..n_rows {
            values.extend((0..n_columns).map(|j| value(i, j)));
        }
        Self { n_columns, values }
    }

    /// Number of rows.
    #[must_use]
    pub fn n_rows(&self) -> usize {
        self.values.len().checked_div(self.n_columns).unwrap_or(0)
    }

    /// Number of columns.
    #[must_use]
    pub fn n_columns(&self) -> usize {
        self.n_columns
    }

    /// The value in row `i` and column `j`.
    ///
    /// # Panics
    /// If there is no such place.
    #[must_use]
    pub fn at(&self, i: usize, j: usize) -> f64 {
        self.row(i)[j]
    }

    /// Row `i`.
    ///
    /// # Panics
    /// If there is no such row.
    #[must_use]
    pub fn row(&self, i: usize) -> &[f64] {
        &self.values[i * self.n_columns..(i + 1) * self.n_columns]
    }

    /// All values, row after row.
    #[must_use]
    pub fn as_slice(&self) -> &[f64] {
        &self.values
    }

    /// The entries other than 0, rounded to `T`: [`Affinities`](tsne_core::Affinities) for what takes them.
    ///
    /// # Panics
    /// If there are more columns than `u32` can number.
    #[must_use]
    pub fn to_csr<T: Scalar>(&self) -> Csr<T> {
        let (mut offsets, mut columns, mut values) = (vec![0], Vec::new(), Vec::new());
        for i in 0..self.n_rows() {
            for (j, &value) in (0_u32..).zip(self.row(i)) {
                if value != 0.0 {
                    columns.push(j);
                    values.push(T::lit(value));
                }
            }
            offsets.push(values.len());
        }
        Csr::from_parts(self.n_columns, offsets, columns, values).expect("columns were counted up")
    }
}

/// The matrix `csr` holds, zeros included.
#[must_use]
pub fn dense<T: Scalar>(csr: &Csr<T>) -> Matrix {
    let mut values = vec![0.0; csr.n_rows() * csr.n_columns()];
    for i in 0..csr.n_rows() {
        let (columns, row) = csr.row(i);
        for (&j, &value) in columns.iter().zip(row) {
            values[i * csr.n_columns() + j as usize] = value.to_f64();
        }
    }
    Matrix { n_columns: csr.n_columns(), values }
}

/// A sum that carries the rounding error of every addition along (Neumaier 1974): about one rounding in all, however
/// many terms there are.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sum {
    sum: f64,
    lost: f64,
}

impl Sum {
    /// Adds one term.
    pub fn add(&mut self, term: f64) {
        let sum = self.sum + term;
        self.lost +=
            if self.sum.abs() >= term.abs() { (self.sum - sum) + term } else { (term - sum) + self.sum };
        self.sum = sum;
    }

    /// The sum so far.
    #[must_use]
    pub fn value(self) -> f64 {
        self.sum + self.lost
    }
}

impl FromIterator<f64> for Sum {
    fn from_iter<I: IntoIterator<Item = f64>>(terms: I) -> Self {
        let mut sum = Self::default();
        terms.into_iter().for_each(|term| sum.add(term));
        sum
    }
}

/// The compensated sum of `terms`.
#[must_use]
pub fn sum(terms: impl IntoIterator<Item = f64>) -> f64 {
    terms.into_iter().collect::<Sum>().value()
}
