//! The repulsive half of the gradient: among the points of a map, and from a frozen reference onto new points.

use std::sync::Arc;

use crate::{BackendError, Scalar, StudentT};

/// Repulsive half of the t-SNE gradient.
///
/// One instance serves one run: an implementation keeps its tree, grid and plans between calls. Construction is where
/// the kernel and the accuracy go.
pub trait NegativeGradient<T: Scalar, const D: usize>: Send {
    /// The kernel this implementation evaluates; the optimizer attracts with the same one.
    fn kernel(&self) -> StudentT {
        StudentT::CAUCHY
    }

    /// Overwrites `forces` with the un-normalized repulsive forces and returns their normalizer.
    ///
    /// `forces[i] = Σ_{j≠i} s_ij^(ν+1) (y_i − y_j)` and the result is `Z = Σ_{k≠l} w_kl` over ordered pairs, with s and
    /// w of [`kernel`](Self::kernel): \[M7\] and \[M8\] of `docs/math.md`. Dividing by Z gives the repulsive half of
    /// G = ∇KL / 4. A point never acts on itself, decided by index; other points at the same place count 1 in Z and
    /// exert no force.
    ///
    /// # Errors
    /// When a position is NaN or infinite, or for reasons of the implementation, such as a grid beyond its memory.
    /// # Panics
    /// If `y` and `forces` differ in length.
    /// # Accuracy, cost, determinism
    /// Error measure, its controlling parameter, time and memory are stated by the implementation. Equal inputs give
    /// equal bits, whatever the number of threads and whatever was computed before.
    fn repel(&mut self, y: &[[T; D]], forces: &mut [[T; D]]) -> Result<f64, BackendError>;
}

/// A ball that new points are kept inside.
#[derive(Clone, Copy, Debug, PartialEq)]
#[allow(clippy::exhaustive_structs, reason = "implementors of ReferenceField build it")]
pub struct Ball<const D: usize> {
    /// Its center.
    pub center: [f64; D],
    /// Its radius.
    pub radius: f64,
}

/// Repulsion from a frozen map: fixed sources, any number of targets, each with a normalizer of its own.
///
/// What placing new points in an existing map needs; shared between threads and never changed.
pub trait ReferenceField<T: Scalar, const D: usize>: Send + Sync {
    /// The kernel this implementation evaluates.
    fn kernel(&self) -> StudentT {
        StudentT::CAUCHY
    }

    /// Number of sources.
    fn n_references(&self) -> usize;

    /// Overwrites `forces` and `normalizers` with what the sources do to each target.
    ///
    /// `forces[i] = Σ_j s_ij^(ν+1) (t_i − r_j)` and `normalizers[i] = Z_i = Σ_j w_ij` over all sources r (\[M9\] of
    /// `docs/math.md`). A target is not a source: one at the place of a source gets that source's 1 in its Z_i.
    /// Targets do not see each other: the result for one is the same bits whatever the others are.
    ///
    /// # Errors
    /// When a target is NaN or infinite, or for reasons of the implementation.
    /// # Panics
    /// If `targets`, `forces` and `normalizers` differ in length.
    fn repel_targets(
        &self,
        targets: &[[T; D]],
        forces: &mut [[T; D]],
        normalizers: &mut [f64],
    ) -> Result<(), BackendError>;

    /// Where the field is meant to be evaluated, if it is bounded: the optimizer keeps targets inside. Evaluation
    /// outside is safe all the same.
    fn bounds(&self) -> Option<Ball<D>> {
        None
    }
}

macro_rules! forward_negative_gradient {
    ($($pointer:ty),*) => {$(
        impl<T: Scalar, const D: usize, G: NegativeGradient<T, D> + ?Sized> NegativeGradient<T, D> for $pointer {
            fn kernel(&self) -> StudentT {
                (**self).kernel()
            }
            fn repel(&mut self, y: &[[T; D]], forces: &mut [[T; D]]) -> Result<f64, BackendError> {
                (**self).repel(y, forces)
            }
        }
    )*};
}
forward_negative_gradient!(&mut G, Box<G>);

macro_rules! forward_reference_field {
    ($($pointer:ty),*) => {$(
        impl<T: Scalar, const D: usize, F: ReferenceField<T, D> + ?Sized> ReferenceField<T, D> for $pointer {
            fn kernel(&self) -> StudentT {
                (**self).kernel()
            }
            fn n_references(&self) -> usize {
                (**self).n_references()
            }
            fn repel_targets(
                &self,
                targets: &[[T; D]],
                forces: &mut [[T; D]],
                normalizers: &mut [f64],
            ) -> Result<(), BackendError> {
                (**self).repel_targets(targets, forces, normalizers)
            }
            fn bounds(&self) -> Option<Ball<D>> {
                (**self).bounds()
            }
        }
    )*};
}
forward_reference_field!(&F, Box<F>, Arc<F>);
