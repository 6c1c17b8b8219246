//! Barnes and Hut's method: groups of far points act as one ([M32], van der Maaten 2014).

use fearless_simd::Level;
use rayon::prelude::*;
use tsne_core::{BackendError, MAX_POINTS, NegativeGradient, ReferenceField, Scalar, StudentT};

use crate::error::{Error, check_positions};
use crate::kernel::Field;
use crate::morton::index;
use crate::tree::Tree;
use crate::walk::Walk;

/// Sorted points of one parallel task.
const STRIP: usize = 256;

/// Accuracy of [`BarnesHut`].
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Params {
    /// Largest size of a group of points that acts as one, in units of its distance.
    pub theta: f64,
}

impl Default for Params {
    fn default() -> Self {
        Self { theta: 0.5 }
    }
}

impl Params {
    /// Sets theta: 0 is all pairs, 0.5 the usual choice.
    #[must_use]
    pub fn with_theta(self, theta: f64) -> Self {
        Self { theta, ..self }
    }

    fn check<const D: usize>(self) -> Result<Self, Error> {
        if !(1..=3).contains(&D) {
            return Err(Error::Dimension { dimension: D });
        }
        if !(self.theta >= 0.0 && self.theta.is_finite()) {
            return Err(Error::Theta { theta: self.theta });
        }
        Ok(self)
    }
}

/// Repulsion by a tree.
#[derive(Clone, Debug)]
pub struct BarnesHut<T, const D: usize> {
    kernel: StudentT,
    params: Params,
    tree: Tree<T, D>,
    sorted_forces: Vec<[T; D]>,
    strips: Vec<Strip>,
}

#[derive(Clone, Debug, Default)]
struct Strip {
    stack: Vec<u32>,
    z: f64,
    n_pairs: u64,
}

impl<T: Scalar, const D: usize> BarnesHut<T, D> {
    /// New.
    pub fn new(kernel: StudentT, params: Params) -> Result<Self, Error> {
        let params = params.check::<D>()?;
        Ok(Self { kernel, params, tree: Tree::new(), sorted_forces: Vec::new(), strips: Vec::new() })
    }

    /// Pairs of a point and a source evaluated by the last call.
    #[must_use]
    pub fn n_interactions(&self) -> u64 {
        self.strips.iter().map(|strip| strip.n_pairs).sum()
    }
}

impl<T: Scalar, const D: usize> NegativeGradient<T, D> for BarnesHut<T, D> {
    fn kernel(&self) -> StudentT {
        self.kernel
    }

    fn repel(&mut self, y: &[[T; D]], forces: &mut [[T; D]]) -> Result<f64, BackendError> {
        assert_eq!(y.len(), forces.len(), "positions and forces must be equally many");
        check_positions(y).map_err(BackendError::new)?;
        self.strips.resize_with(y.len().div_ceil(STRIP), Strip::default);
        if y.is_empty() {
            return Ok(0.0);
        }
        let t0 = std::time::Instant::now();
        self.tree.build(y, self.params.theta);
        let t1 = std::time::Instant::now();
        let (level, kernel, tree) = (Level::new(), self.kernel, &self.tree);
        self.sorted_forces.resize(y.len(), [T::lit(0.0); D]);
        self.sorted_forces.par_chunks_mut(STRIP).zip(&mut self.strips).enumerate().for_each(
            |(at, (forces, strip))| {
                let strip_start = at * STRIP;
                let strip_end = strip_start + forces.len();
                let mut walk = Walk::new(tree, level, kernel, &mut strip.stack);
                let mut fields = [Field::ZERO; STRIP];
                let first = tree
                    .leaves
                    .partition_point(|&leaf| tree.nodes[leaf as usize].end as usize <= strip_start);
                strip.z = 0.0;
                for &leaf in &tree.leaves[first..] {
                    let points = tree.nodes[leaf as usize].points();
                    let (start, end) = (points.start.max(strip_start), points.end.min(strip_end));
                    if start >= end {
                        break;
                    }
                    walk.leaf_fields(leaf, start, end, &mut fields[start - strip_start..end - strip_start]);
                }
                strip.n_pairs = walk.n_pairs;
                for (force, field) in forces.iter_mut().zip(&fields) {
                    *force = field.force.map(T::lit);
                    strip.z += field.z;
                }
            },
        );
        let t2 = std::time::Instant::now();
        for (force, &key) in self.sorted_forces.iter().zip(&self.tree.keys) {
            forces[index(key) as usize] = *force;
        }
        let t3 = std::time::Instant::now();
        if std::env::var("BHT").is_ok() {
            eprintln!("build {:?} walk {:?} scatter {:?}", t1 - t0, t2 - t1, t3 - t2);
        }
        Ok(self.strips.iter().map(|strip| strip.z).sum())
    }
}
