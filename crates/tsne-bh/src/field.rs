//! Barnes and Hut's method from a frozen map onto new points (\[M9\], \[M33\]).

use fearless_simd::Level;
use rayon::prelude::*;
use tsne_core::{BackendError, ReferenceField, Scalar, StudentT};

use crate::barnes_hut::Params;
use crate::error::{Error, check_positions};
use crate::tree::Tree;
use crate::walk::{Scratch, Walker};

/// Targets of one parallel task.
const CHUNK: usize = 64;

/// Repulsion of a frozen map on new points by a tree, in one, two or three dimensions.
///
/// The tree is built once. Every target walks through it alone, so time is O(log n) for each and no target sees another.
/// Accuracy as [`BarnesHut`](crate::BarnesHut).
///
/// ```
/// use tsne_bh::{BarnesHutField, Params, ReferenceField, StudentT};
///
/// let references: Vec<[f64; 2]> = (0..1000).map(|i| [(i % 37) as f64, (i % 41) as f64]).collect();
/// let field = BarnesHutField::new(StudentT::CAUCHY, Params::default(), &references)?;
/// let (mut forces, mut normalizers) = ([[0.0; 2]], [0.0]);
/// field.repel_targets(&[[18.0, 60.0]], &mut forces, &mut normalizers)?;
/// assert!(forces[0][1] > 0.0, "the target is pushed away from the map");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct BarnesHutField<T, const D: usize> {
    kernel: StudentT,
    tree: Tree<T, D>,
}

impl<T: Scalar, const D: usize> BarnesHutField<T, D> {
    /// Freezes `references`, copied.
    ///
    /// # Errors
    /// When D is not 1, 2 or 3, theta is not a finite number of at least 0, or a position is NaN, infinite, or beyond a
    /// quarter of the largest finite value.
    pub fn new(kernel: StudentT, params: Params, references: &[[T; D]]) -> Result<Self, Error> {
        let params = params.check::<D>()?;
        check_positions(references)?;
        let mut tree = Tree::new();
        tree.build(references, params.theta)?;
        Ok(Self { kernel, tree })
    }
}

impl<T: Scalar, const D: usize> ReferenceField<T, D> for BarnesHutField<T, D> {
    fn kernel(&self) -> StudentT {
        self.kernel
    }

    fn n_references(&self) -> usize {
        self.tree.points.len()
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
                let mut scratch = Scratch::default();
                let mut walker = Walker::new(&self.tree, level, self.kernel, &mut scratch);
                for ((force, z), target) in forces.iter_mut().zip(normalizers).zip(targets) {
                    let (sum, normalizer) = walker.target_field(target);
                    *force = sum.map(T::lit);
                    *z = normalizer;
                }
            });
        Ok(())
    }
}
