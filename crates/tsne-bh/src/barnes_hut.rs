//! Barnes and Hut's method among the points of a map: far groups of points act as one (\[M33\]; van der Maaten 2014).

use fearless_simd::Level;
use tsne_core::{BackendError, NegativeGradient, Scalar, StudentT};

use crate::error::{Error, check_positions};
use crate::kernel::Fields;
use crate::morton::index;
use crate::tree::{PATCH, Tree};
use crate::walk::{Scratch, Walker};

/// Patches of one parallel task: about a thousand points.
const PATCHES: usize = 8;

/// How accurate a tree is.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Params {
    /// Largest side of a group of points that acts as one, in units of its distance.
    pub theta: f64,
}

impl Default for Params {
    /// theta 0.5.
    fn default() -> Self {
        Self { theta: 0.5 }
    }
}

impl Params {
    /// Sets theta: 0 is all pairs, 0.5 the usual choice; above 1 maps suffer.
    #[must_use]
    pub fn with_theta(self, theta: f64) -> Self {
        Self { theta, ..self }
    }

    /// Checks theta, and the dimension of the map.
    pub(crate) fn check<const D: usize>(self) -> Result<Self, Error> {
        if !(1..=3).contains(&D) {
            return Err(Error::Dimension { dimension: D });
        }
        if !(self.theta >= 0.0 && self.theta.is_finite()) {
            return Err(Error::Theta { theta: self.theta });
        }
        Ok(self)
    }
}

/// Repulsion by a tree, in one, two or three dimensions.
///
/// A group of points acts on a far point as one source of their mass and spread, when the longest side of the box
/// around them is shorter than theta times the distance: a tree finds groups of all sizes. Time O(n log n), memory
/// about 100 bytes a point in 2-D. The error falls with theta, to that of [`Exact`](crate::Exact) at 0; tables are in
/// `docs/accuracy.md`. The positions may be spread as they like: far outliers, lines and coincident points cost nothing
/// extra. The same bits come out for any number of threads.
///
/// ```
/// use tsne_bh::{BarnesHut, Exact, NegativeGradient, Params, StudentT};
///
/// let y: Vec<[f32; 2]> = (0..1000).map(|i| [(i % 37) as f32, (i % 41) as f32]).collect();
/// let mut forces = vec![[0.0; 2]; 1000];
/// let mut tree = BarnesHut::new(StudentT::CAUCHY, Params::default().with_theta(0.3))?;
/// let z = tree.repel(&y, &mut forces)?;
/// let exact_z = Exact::new(StudentT::CAUCHY).repel(&y, &mut forces)?;
/// assert!((z / exact_z - 1.0).abs() < 1e-3);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct BarnesHut<T, const D: usize> {
    kernel: StudentT,
    params: Params,
    tree: Tree<T, D>,
    /// Forces in the order of the tree.
    forces: Vec<[T; D]>,
    tasks: Vec<Task<T>>,
}

/// A share of the patches: its buffers and its sums.
#[derive(Clone, Debug, Default)]
struct Task<T> {
    scratch: Scratch<T>,
    z: f64,
    n_interactions: u64,
}

impl<T: Scalar, const D: usize> BarnesHut<T, D> {
    /// A tree for the given kernel.
    ///
    /// # Errors
    /// When D is not 1, 2 or 3, or theta is not a finite number of at least 0.
    pub fn new(kernel: StudentT, params: Params) -> Result<Self, Error> {
        let params = params.check::<D>()?;
        Ok(Self { kernel, params, tree: Tree::new(), forces: Vec::new(), tasks: Vec::new() })
    }

    /// Pairs of a point and a source, be it a point or a group, that the last call evaluated.
    #[must_use]
    pub fn n_interactions(&self) -> u64 {
        self.tasks.iter().map(|task| task.n_interactions).sum()
    }
}

impl<T: Scalar, const D: usize> NegativeGradient<T, D> for BarnesHut<T, D> {
    fn kernel(&self) -> StudentT {
        self.kernel
    }

    fn repel(&mut self, y: &[[T; D]], forces: &mut [[T; D]]) -> Result<f64, BackendError> {
        assert_eq!(y.len(), forces.len(), "positions and forces must be equally many");
        check_positions(y).map_err(BackendError::new)?;
        self.tree.build(y, self.params.theta).map_err(BackendError::new)?;
        self.tasks.resize_with(self.tree.patches.len().div_ceil(PATCHES), Task::default);
        self.forces.resize(y.len(), [T::lit(0.0); D]);
        let work = Work { tree: &self.tree, level: Level::new(), kernel: self.kernel };
        work.divide(&mut self.tasks, &self.tree.patches, &mut self.forces);
        for (&force, &key) in self.forces.iter().zip(&self.tree.keys) {
            forces[index(key) as usize] = force;
        }
        Ok(self.tasks.iter().map(|task| task.z).sum())
    }
}

/// What all tasks share.
#[derive(Clone, Copy)]
struct Work<'a, T, const D: usize> {
    tree: &'a Tree<T, D>,
    level: Level,
    kernel: StudentT,
}

impl<T: Scalar, const D: usize> Work<'_, T, D> {
    /// Shares the tasks among the threads, each with its patches and the forces on their points.
    fn divide(self, tasks: &mut [Task<T>], patches: &[u32], forces: &mut [[T; D]]) {
        match tasks {
            [] => {}
            [task] => self.run(task, patches, forces),
            _ => {
                let (tasks, more_tasks) = tasks.split_at_mut(tasks.len() / 2);
                let (patches, more_patches) = patches.split_at(tasks.len() * PATCHES);
                let middle = self.tree.nodes[more_patches[0] as usize].start;
                let first = self.tree.nodes[patches[0] as usize].start;
                let (forces, more_forces) = forces.split_at_mut((middle - first) as usize);
                rayon::join(
                    || self.divide(tasks, patches, forces),
                    || self.divide(more_tasks, more_patches, more_forces),
                );
            }
        }
    }

    fn run(self, task: &mut Task<T>, patches: &[u32], mut forces: &mut [[T; D]]) {
        let mut walker = Walker::new(self.tree, self.level, self.kernel, &mut task.scratch);
        let (mut sums, mut z) = ([[0.0; D]; PATCH], [0.0; PATCH]);
        task.z = 0.0;
        for &patch in patches {
            let node = &self.tree.nodes[patch as usize];
            let here = forces.split_off_mut(..node.points().len()).expect("the patches cover the forces");
            walker.patch_fields(node, Fields { forces: &mut sums, z: &mut z });
            if node.is_place() {
                here.fill(sums[0].map(T::lit));
                task.z += z[0] * here.len() as f64;
            } else {
                for ((force, sum), z) in here.iter_mut().zip(&sums).zip(&z) {
                    *force = sum.map(T::lit);
                    task.z += z;
                }
            }
        }
        task.n_interactions = walker.n_interactions;
    }
}
