//! Repulsion from a frozen map on new points.

use std::fmt::Debug;
use std::iter;
use std::marker::PhantomData;
use std::sync::Arc;

use fearless_simd::{Level, Simd, dispatch};
use rayon::prelude::*;
use tsne_core::{BackendError, Ball, ReferenceField, Scalar, StudentT, Typed};

use crate::bins::{Scale, meet};
use crate::engine::Engine;
use crate::error::Error;
use crate::extent::{check_finite, extent};
use crate::grid::{BLOCK, Grid, Shape, Terms, place};
use crate::lanes::{Real, Row};
use crate::params::Params;
use crate::spectrum::Term;
use crate::stencil::gather_all;

/// Targets of one task.
const CHUNK: usize = 256;

/// Repulsion from a frozen map: its points meshed once, then any number of targets.
///
/// The mesh holds the potential and the forces of the sources at its nodes, and covers the ball of
/// [`bounds`](ReferenceField::bounds): its center is the middle of the map, its radius half the longest side times
/// 1 + padding, or as far as the farthest source. A target inside is read from the mesh, one outside is summed over all
/// sources. Implements \[M9\] as in \[M47\].
///
/// # Accuracy
/// That of [`ParticleMesh`](crate::ParticleMesh) inside the mesh; exact outside, except that sums are rounded to `T`.
/// # Cost
/// Construction costs as much as a few calls of [`ParticleMesh::repel`](crate::ParticleMesh::try_repel) over the ball.
/// Then a target costs O(1) inside the mesh and O(n) outside; memory is O(n + m) for m nodes.
/// # Determinism
/// Equal inputs give equal bits, whatever the number of threads and whatever other targets there are.
///
/// ```
/// use tsne_fft::{Params, ReferenceField, ReferenceMesh, StudentT};
///
/// let map = [[0.0_f32, 0.0], [3.0, 4.0], [-1.0, 2.0]];
/// let field = ReferenceMesh::new(StudentT::CAUCHY, Params::default(), ReferenceMesh::<f32, 2>::PADDING, &map)?;
/// let (mut force, mut z) = ([[0.0; 2]], [0.0]);
/// field.repel_targets(&[[0.0, 0.0]], &mut force, &mut z)?;
/// assert!((z[0] - (1.0 + 1.0 / 26.0 + 1.0 / 6.0)).abs() < 1e-4);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct ReferenceMesh<T: Scalar, const D: usize> {
    field: Arc<dyn AnyField>,
    kernel: StudentT,
    n_references: usize,
    scalar: PhantomData<T>,
}

impl<T: Scalar, const D: usize> ReferenceMesh<T, D> {
    /// The padding openTSNE uses: the mesh reaches a quarter of the map's half side beyond it.
    pub const PADDING: f64 = 0.25;

    /// Meshes the sources.
    ///
    /// # Errors
    /// When a parameter is out of its range, a source is NaN or infinite, or the mesh needs more memory than allowed.
    pub fn new(kernel: StudentT, params: Params, padding: f64, sources: &[[T; D]]) -> Result<Self, Error> {
        const { assert!(1 <= D && D <= 3, "meshes have 1, 2 or 3 dimensions") };
        let field = any_field(T::typed(sources.as_flattened()), D, kernel, params, padding)?;
        Ok(Self { field, kernel, n_references: sources.len(), scalar: PhantomData })
    }

    /// [`repel_targets`](ReferenceField::repel_targets) with this crate's own error.
    ///
    /// # Errors
    /// [`Error::NonFinite`] for a target that is no place.
    /// # Panics
    /// If `targets`, `forces` and `normalizers` differ in length.
    pub fn try_repel_targets(
        &self,
        targets: &[[T; D]],
        forces: &mut [[T; D]],
        normalizers: &mut [f64],
    ) -> Result<(), Error> {
        let n = targets.len();
        assert_eq!(n, forces.len(), "one force for each of the {n} targets");
        assert_eq!(n, normalizers.len(), "one normalizer for each of the {n} targets");
        let forces = T::typed_mut(forces.as_flattened_mut());
        self.field.repel(T::typed(targets.as_flattened()), forces, normalizers)
    }
}

impl<T: Scalar, const D: usize> ReferenceField<T, D> for ReferenceMesh<T, D> {
    fn kernel(&self) -> StudentT {
        self.kernel
    }

    fn n_references(&self) -> usize {
        self.n_references
    }

    fn repel_targets(
        &self,
        targets: &[[T; D]],
        forces: &mut [[T; D]],
        normalizers: &mut [f64],
    ) -> Result<(), BackendError> {
        self.try_repel_targets(targets, forces, normalizers).map_err(BackendError::new)
    }

    fn bounds(&self) -> Option<Ball<D>> {
        let (center, radius) = self.field.bounds()?;
        Some(Ball { center: std::array::from_fn(|axis| center[axis]), radius })
    }
}

/// A field whose scalar and number of dimensions are known to itself only: its code is compiled here, and not again in
/// every crate that uses one.
trait AnyField: Debug + Send + Sync {
    /// [`ReferenceMesh::try_repel_targets`] on coordinates one after the other, of the type the field was made for.
    fn repel(
        &self,
        targets: Typed<&[f32], &[f64]>,
        forces: Typed<&mut [f32], &mut [f64]>,
        normalizers: &mut [f64],
    ) -> Result<(), Error>;

    /// Center and radius.
    fn bounds(&self) -> Option<(&[f64], f64)>;
}

fn any_field(
    sources: Typed<&[f32], &[f64]>,
    n_dimensions: usize,
    kernel: StudentT,
    params: Params,
    padding: f64,
) -> Result<Arc<dyn AnyField>, Error> {
    Ok(match (sources, n_dimensions) {
        (Typed::F32(x), 1) => Arc::new(Field::<f32, 1>::new(kernel, params, padding, x.as_chunks().0)?),
        (Typed::F32(x), 2) => Arc::new(Field::<f32, 2>::new(kernel, params, padding, x.as_chunks().0)?),
        (Typed::F32(x), _) => Arc::new(Field::<f32, 3>::new(kernel, params, padding, x.as_chunks().0)?),
        (Typed::F64(x), 1) => Arc::new(Field::<f64, 1>::new(kernel, params, padding, x.as_chunks().0)?),
        (Typed::F64(x), 2) => Arc::new(Field::<f64, 2>::new(kernel, params, padding, x.as_chunks().0)?),
        (Typed::F64(x), _) => Arc::new(Field::<f64, 3>::new(kernel, params, padding, x.as_chunks().0)?),
    })
}

macro_rules! impl_any_field {
    ($t:ty, $variant:ident) => {
        impl<const D: usize> AnyField for Field<$t, D> {
            fn repel(
                &self,
                targets: Typed<&[f32], &[f64]>,
                forces: Typed<&mut [f32], &mut [f64]>,
                normalizers: &mut [f64],
            ) -> Result<(), Error> {
                let (Typed::$variant(targets), Typed::$variant(forces)) = (targets, forces) else {
                    unreachable!("a field is given the scalar it was made for");
                };
                self.repel_points(targets.as_chunks().0, forces.as_chunks_mut().0, normalizers)
            }

            fn bounds(&self) -> Option<(&[f64], f64)> {
                self.bounds.as_ref().map(|ball| (ball.center.as_slice(), ball.radius))
            }
        }
    };
}
impl_any_field!(f32, F32);
impl_any_field!(f64, F64);

#[derive(Debug)]
struct Field<T, const D: usize> {
    kernel: StudentT,
    level: Level,
    sources: Vec<[T; D]>,
    bounds: Option<Ball<D>>,
    /// Absent where all sources coincide.
    nodes: Option<Nodes<T, D>>,
}

/// What the sources do to the nodes of a mesh.
#[derive(Debug)]
struct Nodes<T, const D: usize> {
    lower: [T; D],
    upper: [T; D],
    scale: Scale<T, D>,
    shape: Shape,
    /// From forces in units of the spacing to forces.
    spacing: T,
    /// The potential is no smaller than this anywhere on the mesh.
    least: f64,
    /// Potential and forces, block after block, each row after row.
    fields: Vec<Row<T>>,
}

impl<T: Real, const D: usize> Field<T, D> {
    fn new(kernel: StudentT, params: Params, padding: f64, sources: &[[T; D]]) -> Result<Self, Error> {
        let mut engine = Engine::new(kernel, params)?;
        if !(padding.is_finite() && padding >= 0.0) {
            return Err(Error::BadPadding { padding });
        }
        let mut field =
            Self { kernel, level: Level::new(), sources: sources.to_vec(), bounds: None, nodes: None };
        if sources.is_empty() {
            return Ok(field);
        }
        let [lower, upper] = extent(sources)?;
        if lower == upper {
            return Ok(field);
        }
        let ball = ball(sources, lower, upper, padding);
        let corner = |sign: f64| ball.center.map(|x| T::lit(x + sign * ball.radius));
        let (lower, upper) = (corner(-1.0), corner(1.0));
        let grid = Grid::new(
            lower,
            upper,
            sources.len(),
            Terms { transformed: D + 1, kept: D + 1 },
            kernel,
            &params,
        )?;
        let forces = (0..D).map(|axis| Term::Force(place::<D>(axis)));
        let terms: Vec<Term> = iter::once(Term::Potential).chain(forces).collect();
        let (convolution, _) = engine.convolve(&grid, sources, &terms);
        let farthest2 = D as f64 * (2.0 * ball.radius).powi(2);
        field.bounds = Some(ball);
        field.nodes = Some(Nodes {
            lower,
            upper,
            scale: Scale::new(&grid),
            shape: grid.shape,
            spacing: T::lit(grid.spacing),
            least: sources.len() as f64 * kernel.similarity(farthest2),
            fields: engine.fields(&convolution, D + 1),
        });
        Ok(field)
    }

    fn repel_points(
        &self,
        targets: &[[T; D]],
        forces: &mut [[T; D]],
        normalizers: &mut [f64],
    ) -> Result<(), Error> {
        check_finite(targets)?;
        let level = self.level;
        targets
            .par_chunks(CHUNK)
            .zip(forces.par_chunks_mut(CHUNK))
            .zip(normalizers.par_chunks_mut(CHUNK))
            .for_each(|((targets, forces), normalizers)| {
                dispatch!(level, simd => self.repel_chunk(simd, targets, forces, normalizers));
            });
        Ok(())
    }

    #[inline(always)]
    fn repel_chunk<S: Simd>(
        &self,
        simd: S,
        targets: &[[T; D]],
        forces: &mut [[T; D]],
        normalizers: &mut [f64],
    ) {
        for ((&target, force), normalizer) in targets.iter().zip(forces).zip(normalizers) {
            (*force, *normalizer) = match &self.nodes {
                Some(nodes) if nodes.cover(target) => nodes.read(simd, target),
                _ => self.sum(target),
            };
        }
    }

    /// The sum over all sources, for a target off the mesh.
    fn sum(&self, target: [T; D]) -> ([T; D], f64) {
        let (mut force, mut normalizer) = ([0.0; D], 0.0);
        for source in &self.sources {
            let difference: [f64; D] =
                std::array::from_fn(|axis| target[axis].to_f64() - source[axis].to_f64());
            let d2 = difference.iter().map(|x| x * x).sum();
            let weight = self.kernel.repulsion(d2);
            // A weight of 0 stands for a distance whose square is beyond all numbers.
            if weight > 0.0 {
                for (force, difference) in force.iter_mut().zip(difference) {
                    *force += weight * difference;
                }
            }
            normalizer += self.kernel.similarity(d2);
        }
        (force.map(T::lit), normalizer)
    }
}

impl<T: Real, const D: usize> Nodes<T, D> {
    #[inline(always)]
    fn cover(&self, target: [T; D]) -> bool {
        (0..D).all(|axis| self.lower[axis] <= target[axis] && target[axis] <= self.upper[axis])
    }

    #[inline(always)]
    fn read<S: Simd>(&self, simd: S, target: [T; D]) -> ([T; D], f64) {
        let used = self.shape.used;
        let scaled = self.scale.apply(target);
        let block = meet(scaled[D - 1], used[2]).0 / BLOCK;
        let rows = self.shape.rows() * (D + 1);
        let fields = &self.fields[block * rows..][..rows];
        let (potential, forces) = gather_all(simd, used, block * BLOCK, scaled, fields);
        let potential = potential.to_f64().max(self.least);
        (std::array::from_fn(|axis| forces[axis] * self.spacing), potential)
    }
}

/// Where targets are kept: around the middle of the box of the sources, as far as the padding or the farthest of them.
fn ball<T: Scalar, const D: usize>(
    sources: &[[T; D]],
    lower: [T; D],
    upper: [T; D],
    padding: f64,
) -> Ball<D> {
    let center: [f64; D] =
        std::array::from_fn(|axis| f64::midpoint(lower[axis].to_f64(), upper[axis].to_f64()));
    let half = (0..D).map(|axis| upper[axis].to_f64() - center[axis]).fold(0.0, f64::max);
    let distance =
        |source: &[T; D]| (0..D).fold(0.0, |d: f64, axis| d.hypot(source[axis].to_f64() - center[axis]));
    let farthest = sources.iter().map(distance).fold(0.0, f64::max);
    Ball { center, radius: (half * (1.0 + padding)).max(farthest) }
}
