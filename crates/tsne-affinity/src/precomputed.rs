//! Affinities that somebody has already: a matrix, or the weighted edges of a graph. Implements \[M26\].

use tsne_core::{Affinities, AffinityRow, Csr, GraphError, MAX_POINTS, Scalar, ShapeError};

use crate::family::check_count;
use crate::tasks::running_sum;
use crate::{Connectivity, Error};

/// Difference of an entry from its transpose, relative to the larger, that counts as rounding.
const ROUNDING: f64 = 1e-5;

/// A given matrix, checked; openTSNE's `PrecomputedAffinities`.
///
/// Gives no rows for new points: it does not know where they would come from.
///
/// ```
/// use tsne_affinity::Precomputed;
///
/// // A triangle with a tail, every edge named once.
/// let edges = [(0, 1, 1.0), (1, 2, 1.0), (2, 0, 1.0), (2, 3, 0.5)];
/// let p = Precomputed::<f64>::from_edges(4, edges)?;
/// assert_eq!(p.matrix().row(3), (&[2][..], &[0.5 / 7.0][..]));
/// assert_eq!(p.connectivity().n_components, 1);
/// # Ok::<(), tsne_affinity::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Precomputed<T> {
    matrix: Csr<T>,
}

/// Options of [`Precomputed`].
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct PrecomputedOptions {
    /// Whether to divide by the sum. On by default; otherwise the sum is the caller's affair.
    pub normalize: bool,
    /// Whether to average the matrix and its transpose. Off by default: a matrix that is not symmetric is refused.
    pub symmetrize: bool,
}

impl Default for PrecomputedOptions {
    fn default() -> Self {
        Self { normalize: true, symmetrize: false }
    }
}

impl PrecomputedOptions {
    /// Sets [`normalize`](Self::normalize).
    #[must_use]
    pub fn with_normalize(self, normalize: bool) -> Self {
        Self { normalize, ..self }
    }

    /// Sets [`symmetrize`](Self::symmetrize).
    #[must_use]
    pub fn with_symmetrize(self, symmetrize: bool) -> Self {
        Self { symmetrize, ..self }
    }
}

impl<T: Scalar> Precomputed<T> {
    /// From a sparse matrix, without its entries that are 0.
    ///
    /// # Errors
    /// A matrix that is not square; a weight that is negative, NaN or infinite, or on the diagonal; no weight above 0;
    /// and, unless `options` ask to symmetrize, entries that differ from their transpose by more than rounding.
    ///
    /// Serial, O(entries); on the way the transpose is held as well.
    pub fn from_csr(matrix: &Csr<T>, options: &PrecomputedOptions) -> Result<Self, Error> {
        let (n_rows, n_columns) = (matrix.n_rows(), matrix.n_columns());
        if n_rows != n_columns {
            return Err(Error::NotSquare { n_rows, n_columns });
        }
        let row = |i| matrix.row(i).0.iter().copied().zip(matrix.row(i).1.iter().copied());
        Self::from_rows(n_rows, row, options)
    }

    /// From a dense matrix of `n_points` × `n_points`, row after row.
    ///
    /// # Errors
    /// As [`from_csr`](Self::from_csr), and when the number of values is not that.
    pub fn from_dense(n_points: usize, values: &[T], options: &PrecomputedOptions) -> Result<Self, Error> {
        check_size(n_points)?;
        let expected = n_points.saturating_mul(n_points);
        if values.len() != expected {
            let what = "values of the square matrix";
            return Err(ShapeError::LengthMismatch { what, expected, got: values.len() }.into());
        }
        let row = |i: usize| (0_u32..).zip(values[i * n_points..(i + 1) * n_points].iter().copied());
        Self::from_rows(n_points, row, options)
    }

    /// From edges (i, j, weight) of a graph between `n_points` points: P is proportional to W + Wᵀ.
    ///
    /// An edge may be named in one direction or in both, as long as all edges are named alike; weights of an edge that
    /// is named repeatedly are added. Edges of weight 0 are dropped. Points without edges are legal, see
    /// [`connectivity`](Self::connectivity).
    ///
    /// # Errors
    /// An edge to a point that does not exist or from a point to itself; a weight that is negative, NaN or infinite; no
    /// weight above 0.
    ///
    /// Serial, O(edges · log(edges of a point)).
    pub fn from_edges(
        n_points: usize,
        edges: impl IntoIterator<Item = (u32, u32, T)>,
    ) -> Result<Self, Error> {
        check_size(n_points)?;
        let edges: Vec<(u32, u32, T)> = edges.into_iter().collect();
        let mut lengths = vec![0; n_points + 1];
        for &(i, j, weight) in &edges {
            let row = i as usize;
            if let Some(&neighbor) = [i, j].iter().find(|&&point| point as usize >= n_points) {
                return Err(GraphError::OutOfRange { row, neighbor, n_references: n_points }.into());
            }
            check_weight(row, j, weight)?;
            lengths[row + 1] += 1;
            lengths[j as usize + 1] += 1;
        }
        let offsets = running_sum(lengths);
        let mut ends = offsets.clone();
        let mut both = vec![(0, T::default()); 2 * edges.len()];
        for &(i, j, weight) in &edges {
            for (from, to) in [(i as usize, j), (j as usize, i)] {
                both[ends[from]] = (to, weight);
                ends[from] += 1;
            }
        }
        // A stable sort keeps repeated edges in the order they came in, in both rows: so both sums have the same bits.
        for i in 0..n_points {
            both[offsets[i]..offsets[i + 1]].sort_by_key(|&(j, _)| j);
        }
        let row = |i: usize| both[offsets[i]..offsets[i + 1]].chunk_by(|a, b| a.0 == b.0).map(sum_of_run);
        Self::from_rows(n_points, row, &PrecomputedOptions::default())
    }

    fn from_rows<R: Iterator<Item = (u32, T)>>(
        n: usize,
        row: impl Fn(usize) -> R,
        options: &PrecomputedOptions,
    ) -> Result<Self, Error> {
        check_size(n)?;
        let (mut offsets, mut columns, mut values) = (vec![0], Vec::new(), Vec::new());
        for i in 0..n {
            for (j, weight) in row(i) {
                check_weight(i, j, weight)?;
                if weight > T::default() {
                    columns.push(j);
                    values.push(weight);
                }
            }
            offsets.push(columns.len());
        }
        let given = Csr::from_trusted_parts(n, offsets, columns, values);
        let transposed = transpose(&given);
        let symmetric = if options.symmetrize {
            average(&given, &transposed)
        } else {
            check_symmetric(&given, &transposed)?;
            given
        };
        let total: f64 = symmetric.values().iter().map(|value| value.to_f64()).sum();
        if total <= 0.0 {
            return Err(Error::NoWeight);
        }
        if !options.normalize {
            return Ok(Self { matrix: symmetric });
        }
        let (n, offsets, columns, mut values) = symmetric.into_parts();
        for value in &mut values {
            *value = T::lit(value.to_f64() / total);
        }
        Ok(Self { matrix: Csr::from_trusted_parts(n, offsets, columns, values) })
    }

    /// The matrix.
    #[must_use]
    pub fn matrix(&self) -> &Csr<T> {
        &self.matrix
    }

    /// How the points hang together. Walks the matrix: O(points) where most are in one component.
    #[must_use]
    pub fn connectivity(&self) -> Connectivity {
        Connectivity::of_symmetric(&self.matrix)
    }
}

impl<T: Scalar> Affinities<T> for Precomputed<T> {
    fn n_points(&self) -> usize {
        self.matrix.n_rows()
    }

    fn row(&self, i: usize) -> AffinityRow<'_, T> {
        Affinities::row(&self.matrix, i)
    }

    /// Moves the matrix out.
    fn into_csr(self: Box<Self>) -> Csr<T> {
        self.matrix
    }
}

fn check_size(n_points: usize) -> Result<(), Error> {
    if n_points > MAX_POINTS {
        return Err(ShapeError::TooManyPoints { n_points, max: MAX_POINTS }.into());
    }
    check_count(n_points)
}

fn check_weight<T: Scalar>(row: usize, column: u32, weight: T) -> Result<(), Error> {
    let (column, weight) = (column as usize, weight.to_f64());
    if !(weight.is_finite() && weight >= 0.0) {
        return Err(Error::BadWeight { row, column, weight });
    }
    if row == column && weight > 0.0 {
        return Err(Error::Diagonal { row });
    }
    Ok(())
}

/// The weights of a repeated edge, added.
fn sum_of_run<T: Scalar>(run: &[(u32, T)]) -> (u32, T) {
    (run[0].0, T::lit(run.iter().map(|(_, weight)| weight.to_f64()).sum()))
}

/// The transpose, by counting.
fn transpose<T: Scalar>(matrix: &Csr<T>) -> Csr<T> {
    let mut lengths = vec![0; matrix.n_columns() + 1];
    for &j in matrix.columns() {
        lengths[j as usize + 1] += 1;
    }
    let offsets = running_sum(lengths);
    let mut ends = offsets.clone();
    let (mut columns, mut values) = (vec![0; matrix.n_entries()], vec![T::default(); matrix.n_entries()]);
    for (i, row) in (0_u32..).zip((0..matrix.n_rows()).map(|i| matrix.row(i))) {
        for (&j, &value) in row.0.iter().zip(row.1) {
            let end = &mut ends[j as usize];
            columns[*end] = i;
            values[*end] = value;
            *end += 1;
        }
    }
    Csr::from_trusted_parts(matrix.n_rows(), offsets, columns, values)
}

/// Calls `see` with every column that either row has, ascending, and both values, 0 where there is none.
fn for_each_of_both<T: Scalar>(a: (&[u32], &[T]), b: (&[u32], &[T]), mut see: impl FnMut(u32, T, T)) {
    let (mut at_a, mut at_b) = (0, 0);
    loop {
        let columns = (a.0.get(at_a), b.0.get(at_b));
        let column = match columns {
            (None, None) => return,
            (Some(&column), None) | (None, Some(&column)) => column,
            (Some(&of_a), Some(&of_b)) => of_a.min(of_b),
        };
        let take = |row: (&[u32], &[T]), at: &mut usize| {
            if row.0.get(*at) != Some(&column) {
                return T::default();
            }
            *at += 1;
            row.1[*at - 1]
        };
        let (of_a, of_b) = (take(a, &mut at_a), take(b, &mut at_b));
        see(column, of_a, of_b);
    }
}

/// Half the sum of two matrices. The two may differ in their patterns.
fn average<T: Scalar>(a: &Csr<T>, b: &Csr<T>) -> Csr<T> {
    let (mut offsets, mut columns, mut values) = (vec![0], Vec::new(), Vec::new());
    for i in 0..a.n_rows() {
        for_each_of_both(a.row(i), b.row(i), |column, of_a, of_b| {
            columns.push(column);
            values.push(T::lit(0.5 * of_a.to_f64() + 0.5 * of_b.to_f64()));
        });
        offsets.push(columns.len());
    }
    Csr::from_trusted_parts(a.n_columns(), offsets, columns, values)
}

fn check_symmetric<T: Scalar>(matrix: &Csr<T>, transposed: &Csr<T>) -> Result<(), Error> {
    for row in 0..matrix.n_rows() {
        let mut broken = None;
        for_each_of_both(matrix.row(row), transposed.row(row), |column, forward, backward| {
            let (forward, backward) = (forward.to_f64(), backward.to_f64());
            if (forward - backward).abs() > ROUNDING * forward.max(backward) {
                broken = broken.or(Some((column as usize, forward, backward)));
            }
        });
        if let Some((column, forward, backward)) = broken {
            return Err(Error::Asymmetric { row, column, forward, backward });
        }
    }
    Ok(())
}
