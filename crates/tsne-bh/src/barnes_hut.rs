//! Barnes and Hut's method: groups of far points act as one ([M32], van der Maaten 2014).

use fearless_simd::Level;
use tsne_core::{BackendError, NegativeGradient, Scalar, StudentT};

use crate::error::{Error, check_positions};
use crate::kernel::Field;
use crate::morton::index;
use crate::tree::{PATCH, Tree};
use crate::walk::{Scratch, Walker};

/// Patches of one parallel task.
const PATCHES: usize = 8;

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
    tasks: Vec<Task<T>>,
}

#[derive(Clone, Debug, Default)]
struct Task<T> {
    scratch: Scratch<T>,
    z: f64,
    n_pairs: u64,
}

impl<T: Scalar, const D: usize> BarnesHut<T, D> {
    /// New.
    pub fn new(kernel: StudentT, params: Params) -> Result<Self, Error> {
        let params = params.check::<D>()?;
        Ok(Self { kernel, params, tree: Tree::new(), sorted_forces: Vec::new(), tasks: Vec::new() })
    }

    /// Pairs of a point and a source evaluated by the last call.
    #[must_use]
    pub fn n_interactions(&self) -> u64 {
        self.tasks.iter().map(|task| task.n_pairs).sum()
    }
}

impl<T: Scalar, const D: usize> NegativeGradient<T, D> for BarnesHut<T, D> {
    fn kernel(&self) -> StudentT {
        self.kernel
    }

    fn repel(&mut self, y: &[[T; D]], forces: &mut [[T; D]]) -> Result<f64, BackendError> {
        assert_eq!(y.len(), forces.len(), "positions and forces must be equally many");
        check_positions(y).map_err(BackendError::new)?;
        if y.is_empty() {
            return Ok(0.0);
        }
        let t0 = std::time::Instant::now();
        self.tree.build(y, self.params.theta);
        let t1 = std::time::Instant::now();
        self.sorted_forces.resize(y.len(), [T::lit(0.0); D]);
        self.tasks.resize_with(self.tree.patches.len().div_ceil(PATCHES), Task::default);
        let work = Work { tree: &self.tree, level: Level::new(), kernel: self.kernel };
        work.divide(&mut self.tasks, &self.tree.patches, &mut self.sorted_forces);
        let t2 = std::time::Instant::now();
        for (force, &key) in self.sorted_forces.iter().zip(&self.tree.keys) {
            forces[index(key) as usize] = *force;
        }
        let t3 = std::time::Instant::now();
        if std::env::var("BHT").is_ok() {
            eprintln!("build {:?} walk {:?} scatter {:?}", t1 - t0, t2 - t1, t3 - t2);
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
        if let [task] = tasks {
            return self.run(task, patches, forces);
        }
        let (tasks, more_tasks) = tasks.split_at_mut(tasks.len() / 2);
        let (patches, more_patches) = patches.split_at(tasks.len() * PATCHES);
        let n_points = patches.iter().map(|&patch| self.tree.nodes[patch as usize].points().len()).sum();
        let (forces, more_forces) = forces.split_at_mut(n_points);
        rayon::join(
            || self.divide(tasks, patches, forces),
            || self.divide(more_tasks, more_patches, more_forces),
        );
    }

    fn run(self, task: &mut Task<T>, patches: &[u32], mut forces: &mut [[T; D]]) {
        let mut walker = Walker::new(self.tree, self.level, self.kernel, &mut task.scratch);
        let mut fields = [Field::ZERO; PATCH];
        task.z = 0.0;
        for &patch in patches {
            let node = &self.tree.nodes[patch as usize];
            walker.patch_fields(patch, &mut fields);
            let here = forces.split_off_mut(..node.points().len()).expect("patches cover the forces");
            if node.is_place() {
                here.fill(fields[0].force.map(T::lit));
                task.z += fields[0].z * here.len() as f64;
                continue;
            }
            for (force, field) in here.iter_mut().zip(&fields) {
                *force = field.force.map(T::lit);
                task.z += field.z;
            }
        }
        task.n_pairs = walker.n_pairs;
    }
}
