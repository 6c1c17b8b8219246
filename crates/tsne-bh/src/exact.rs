//! All pairs: the reference every other repulsion is judged by, and the fastest one for small maps (\[M7\], \[M8\], \[M9\]).

use fearless_simd::Level;
use rayon::prelude::*;
use tsne_core::{BackendError, NegativeGradient, ReferenceField, Scalar, StudentT};

use crate::error::{Error, check_positions};
use crate::kernel::{Fields, LANES, Sources, add_fields};

/// Targets of one parallel task.
const CHUNK: usize = 64;
/// Sources visited before the sums move from `T` to f64; a tile of them stays in the first cache.
const TILE: usize = 1024;

/// Repulsion by all pairs, in any number of dimensions.
///
/// Time O(n² D), memory D n values. Errors are those of rounding: every pair is computed in `T`, sums of up to 1 024
/// pairs are taken in `T` and all others in f64. The same bits come out for any number of threads.
///
/// ```
/// use tsne_bh::{Exact, NegativeGradient, StudentT};
///
/// let y = [[0.0_f64, 0.0], [1.0, 0.0]];
/// let mut forces = [[0.0; 2]; 2];
/// let z = Exact::new(StudentT::CAUCHY).repel(&y, &mut forces)?;
/// assert_eq!(z, 1.0); // two ordered pairs of similarity 1/2
/// assert_eq!(forces, [[-0.25, 0.0], [0.25, 0.0]]);
/// # Ok::<(), tsne_bh::BackendError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Exact<T, const D: usize> {
    kernel: StudentT,
    sources: SourceRows<T>,
    partial_z: Vec<f64>,
}

impl<T: Scalar, const D: usize> Exact<T, D> {
    /// All pairs with the given kernel.
    #[must_use]
    pub fn new(kernel: StudentT) -> Self {
        Self { kernel, sources: SourceRows::default(), partial_z: Vec::new() }
    }
}

impl<T: Scalar, const D: usize> NegativeGradient<T, D> for Exact<T, D> {
    fn kernel(&self) -> StudentT {
        self.kernel
    }

    fn repel(&mut self, y: &[[T; D]], forces: &mut [[T; D]]) -> Result<f64, BackendError> {
        assert_eq!(y.len(), forces.len(), "positions and forces must be equally many");
        check_positions(y).map_err(BackendError::new)?;
        self.sources.fill(y);
        self.partial_z.resize(y.len().div_ceil(CHUNK), 0.0);
        let (level, kernel, sources) = (Level::new(), self.kernel, &self.sources);
        forces.par_chunks_mut(CHUNK).zip(y.par_chunks(CHUNK)).zip(&mut self.partial_z).enumerate().for_each(
            |(chunk, ((forces, targets), z))| {
                let (mut sums, mut all_z) = ([[0.0; D]; CHUNK], [0.0; CHUNK]);
                let (sums, all_z) = (&mut sums[..targets.len()], &mut all_z[..targets.len()]);
                let fields = Fields { forces: sums, z: all_z };
                sources.add(level, kernel, targets, Some(chunk * CHUNK), fields);
                *z = all_z.iter().sum();
                for (force, sum) in forces.iter_mut().zip(sums) {
                    *force = sum.map(T::lit);
                }
            },
        );
        Ok(self.partial_z.iter().sum())
    }
}

/// Repulsion of a frozen map on new points, by all pairs, in any number of dimensions.
///
/// Time O(D n) for each target, memory D n values. Accuracy as [`Exact`].
///
/// ```
/// use tsne_bh::{ExactField, ReferenceField, StudentT};
///
/// let field = ExactField::new(StudentT::CAUCHY, &[[0.0_f64], [3.0]])?;
/// let (mut force, mut z) = ([[0.0]], [0.0]);
/// field.repel_targets(&[[1.0]], &mut force, &mut z)?;
/// assert!((z[0] - (1.0 / 2.0 + 1.0 / 5.0)).abs() < 1e-15);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct ExactField<T, const D: usize> {
    kernel: StudentT,
    sources: SourceRows<T>,
}

impl<T: Scalar, const D: usize> ExactField<T, D> {
    /// Freezes `references`, copied.
    ///
    /// # Errors
    /// When a position is NaN or infinite, or beyond a quarter of the largest finite value.
    pub fn new(kernel: StudentT, references: &[[T; D]]) -> Result<Self, Error> {
        check_positions(references)?;
        let mut sources = SourceRows::default();
        sources.fill(references);
        Ok(Self { kernel, sources })
    }
}

impl<T: Scalar, const D: usize> ReferenceField<T, D> for ExactField<T, D> {
    fn kernel(&self) -> StudentT {
        self.kernel
    }

    fn n_references(&self) -> usize {
        self.sources.n_points
    }

    fn repel_targets(
        &self,
        targets: &[[T; D]],
        forces: &mut [[T; D]],
        normalizers: &mut [f64],
    ) -> Result<(), BackendError> {
        assert_eq!(targets.len(), forces.len(), "targets and forces must be equally many");
        assert_eq!(targets.len(), normalizers.len(), "targets and normalizers must be equally many");
        check_positions(targets).map_err(BackendError::new)?;
        let level = Level::new();
        forces
            .par_chunks_mut(CHUNK)
            .zip(normalizers.par_chunks_mut(CHUNK))
            .zip(targets.par_chunks(CHUNK))
            .for_each(|((forces, normalizers), targets)| {
                let mut sums = [[0.0; D]; CHUNK];
                let sums = &mut sums[..targets.len()];
                normalizers.fill(0.0);
                let fields = Fields { forces: sums, z: normalizers };
                self.sources.add(level, self.kernel, targets, None, fields);
                for (force, sum) in forces.iter_mut().zip(sums) {
                    *force = sum.map(T::lit);
                }
            });
        Ok(())
    }
}

/// Positions as one row for each axis, padded to whole vectors.
#[derive(Clone, Debug, Default)]
struct SourceRows<T> {
    rows: Vec<T>,
    n_points: usize,
    stride: usize,
}

impl<T: Scalar> SourceRows<T> {
    fn fill<const D: usize>(&mut self, y: &[[T; D]]) {
        self.n_points = y.len();
        self.stride = y.len().next_multiple_of(LANES);
        self.rows.resize(D * self.stride, T::lit(0.0));
        for c in 0..D {
            let row = &mut self.rows[c * self.stride..(c + 1) * self.stride];
            for (to, from) in row.iter_mut().zip(y) {
                *to = from[c];
            }
            row[y.len()..].fill(T::lit(0.0));
        }
    }

    /// Adds what all sources do to the targets. When these are sources themselves, `own` is the index of the first, and
    /// none acts on itself.
    fn add<const D: usize>(
        &self,
        level: Level,
        kernel: StudentT,
        targets: &[[T; D]],
        own: Option<usize>,
        mut fields: Fields<'_, D>,
    ) {
        let mut mass = [T::lit(1.0); TILE];
        for start in (0..self.stride).step_by(TILE) {
            let end = (start + TILE).min(self.stride);
            mass[self.n_points.clamp(start, end) - start..].fill(T::lit(0.0));
            // A tile holds whole chunks, so it has all of the targets or none.
            let own = own.filter(|own| (start..end).contains(own)).map(|own| own - start);
            let (rows, mass) = (&self.rows[start..], &mut mass[..end - start]);
            let sources = Sources { rows, stride: self.stride, mass, spread: &[], own };
            add_fields(level, kernel, sources, targets, fields.of(0..targets.len()));
        }
    }
}

const _: () = assert!(TILE.is_multiple_of(CHUNK), "a tile holds whole chunks");
