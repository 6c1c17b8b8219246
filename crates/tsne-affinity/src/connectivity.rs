//! How the points hang together along a matrix of affinities.

use tsne_core::{Csr, Scalar};

/// Connected components of the graph whose edges are the values above 0, in either direction.
///
/// Components attract each other in no way: where they come to lie in a map, relative to each other, is up to the
/// initial positions.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Connectivity {
    /// Number of components, isolated points included.
    pub n_components: usize,
    /// Points of the largest component.
    pub largest: usize,
    /// Points that no edge joins to another, ascending.
    pub isolated: Vec<usize>,
}

/// Entries of each row that are looked at before the largest component is guessed.
const SAMPLED_ENTRIES: usize = 3;
/// Points the guess is made from.
const SAMPLED_POINTS: usize = 1024;

impl Connectivity {
    /// Of a square matrix. Serial; time O(entries), one look at each.
    ///
    /// # Panics
    /// If the matrix is not square.
    #[must_use]
    pub fn of<T: Scalar>(matrix: &Csr<T>) -> Self {
        let mut forest = Forest::of_nothing(matrix);
        for i in 0..matrix.n_rows() {
            forest.join_row(matrix, i, usize::MAX);
        }
        forest.summary()
    }

    /// Of a matrix whose transpose has the same values above 0. Serial; time O(points) where most are in one component.
    pub(crate) fn of_symmetric<T: Scalar>(matrix: &Csr<T>) -> Self {
        let n = matrix.n_rows();
        let mut forest = Forest::of_nothing(matrix);
        for i in 0..n {
            forest.join_row(matrix, i, SAMPLED_ENTRIES);
        }
        // By now most points are in one component. An edge that leads out of it is found from its other end, so the
        // rest of the rows in there need not be looked at (Sutton, Ben-Nun and Barak 2018).
        let inside = forest.most_frequent();
        for i in 0..n {
            if forest.root(i) != forest.root(inside) {
                forest.join_row(matrix, i, usize::MAX);
            }
        }
        forest.summary()
    }
}

/// Disjoint sets of points; a root is the smallest point of its set.
struct Forest {
    parents: Vec<usize>,
}

impl Forest {
    fn of_nothing<T: Scalar>(matrix: &Csr<T>) -> Self {
        let n = matrix.n_rows();
        assert_eq!(n, matrix.n_columns(), "components need a square matrix");
        Self { parents: (0..n).collect() }
    }

    fn root(&mut self, mut i: usize) -> usize {
        while self.parents[i] != i {
            // Halving the path keeps it short.
            self.parents[i] = self.parents[self.parents[i]];
            i = self.parents[i];
        }
        i
    }

    /// Joins `i` with the first `most` columns of its row that have a value above 0.
    fn join_row<T: Scalar>(&mut self, matrix: &Csr<T>, i: usize, most: usize) {
        let (columns, values) = matrix.row(i);
        let joined = columns.iter().zip(values).filter(|&(_, &value)| value > T::default());
        for (&j, _) in joined.take(most) {
            let (a, b) = (self.root(i), self.root(j as usize));
            self.parents[a.max(b)] = a.min(b);
        }
    }

    /// A root that many points have, from a sample.
    fn most_frequent(&mut self) -> usize {
        let n = self.parents.len();
        let step = n.div_ceil(SAMPLED_POINTS).max(1);
        let mut roots: Vec<usize> = (0..n).step_by(step).map(|i| self.root(i)).collect();
        roots.sort_unstable();
        let longest = roots.chunk_by(|a, b| a == b).max_by_key(|run| run.len());
        longest.map_or(0, |run| run[0])
    }

    fn summary(mut self) -> Connectivity {
        let n = self.parents.len();
        let mut sizes = vec![0_usize; n];
        for i in 0..n {
            let root = self.root(i);
            sizes[root] += 1;
        }
        Connectivity {
            n_components: sizes.iter().filter(|&&size| size > 0).count(),
            largest: sizes.iter().copied().max().unwrap_or(0),
            isolated: (0..n).filter(|&i| sizes[i] == 1).collect(),
        }
    }
}
