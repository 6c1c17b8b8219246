//! Repulsion among the points of a map.

use std::fmt::Debug;
use std::marker::PhantomData;

use tsne_core::{BackendError, NegativeGradient, Scalar, StudentT, Typed};

use crate::engine::Engine;
use crate::error::Error;
use crate::extent::extent;
use crate::grid::{Grid, Terms, place};
use crate::lanes::{Real, scalar};
use crate::params::Params;
use crate::spectrum::Term;

/// Repulsion by a particle mesh: unit charges, one transform forth and D back.
///
/// The points are spread on a mesh by cubic B-splines, convolved with the kernels of the D force components, and read
/// the forces back by the same splines: form B of `docs/math.md`, \[M40\] to \[M46\]. Implements \[M7\] and \[M8\].
///
/// # Accuracy
/// With the default [`Params`], forces are off by about 0.3 % of their norm on a finished map and by less on a smaller
/// one, and Z by 1e-5. The error falls with the fourth power of the spacing, in f32 until about 3e-7;
/// `docs/accuracy.md` has a table. Forces add up to 0 to rounding, and no point acts on itself.
/// # Cost
/// Time O(n + m log m) and memory O(n + m) for the m nodes that cover the map: m grows with the area of the map in two
/// dimensions and with its volume in three. Nothing is allocated while the mesh keeps its shape.
/// # Determinism
/// Equal inputs give equal bits, whatever the number of threads and whatever was computed before.
///
/// ```
/// use tsne_fft::{NegativeGradient, Params, ParticleMesh, StudentT};
///
/// let y = [[0.0_f32, 0.0], [3.0, 4.0], [-1.0, 2.0]];
/// let mut forces = [[0.0; 2]; 3];
/// let mut mesh = ParticleMesh::new(StudentT::CAUCHY, Params::default())?;
/// let z = mesh.repel(&y, &mut forces)?;
/// assert!((z - 2.0 * (1.0 / 26.0 + 1.0 / 6.0 + 1.0 / 21.0)).abs() < 1e-5);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct ParticleMesh<T: Scalar, const D: usize> {
    mesh: Box<dyn AnyMesh>,
    kernel: StudentT,
    params: Params,
    scalar: PhantomData<T>,
}

impl<T: Scalar, const D: usize> ParticleMesh<T, D> {
    /// A mesh that adapts itself to every map it is given.
    ///
    /// # Errors
    /// When a parameter is out of its range.
    pub fn new(kernel: StudentT, params: Params) -> Result<Self, Error> {
        const { assert!(1 <= D && D <= 3, "meshes have 1, 2 or 3 dimensions") };
        let mesh = any_mesh(scalar::<T>(), D, kernel, params)?;
        Ok(Self { mesh, kernel, params, scalar: PhantomData })
    }

    /// What this mesh was made with.
    #[must_use]
    pub fn params(&self) -> Params {
        self.params
    }

    /// [`repel`](NegativeGradient::repel) with this crate's own error.
    ///
    /// # Errors
    /// [`Error::NonFinite`] for a position that is no place, [`Error::MeshTooLarge`] for a map that needs more memory than
    /// allowed, [`Error::TooManyPoints`].
    /// # Panics
    /// If `y` and `forces` differ in length.
    pub fn try_repel(&mut self, y: &[[T; D]], forces: &mut [[T; D]]) -> Result<f64, Error> {
        assert_eq!(y.len(), forces.len(), "one force for each of the {} positions", y.len());
        self.mesh.repel(T::typed(y.as_flattened()), T::typed_mut(forces.as_flattened_mut()))
    }
}

impl<T: Scalar, const D: usize> NegativeGradient<T, D> for ParticleMesh<T, D> {
    fn kernel(&self) -> StudentT {
        self.kernel
    }

    fn repel(&mut self, y: &[[T; D]], forces: &mut [[T; D]]) -> Result<f64, BackendError> {
        self.try_repel(y, forces).map_err(BackendError::new)
    }
}

/// A mesh whose scalar and number of dimensions are known to itself only: its code is compiled here, and not again in
/// every crate that uses one.
trait AnyMesh: Debug + Send + Sync {
    /// [`ParticleMesh::try_repel`] on coordinates one after the other, of the type that the mesh was made for.
    fn repel(
        &mut self,
        y: Typed<&[f32], &[f64]>,
        forces: Typed<&mut [f32], &mut [f64]>,
    ) -> Result<f64, Error>;
}

fn any_mesh(
    scalar: Typed<(), ()>,
    n_dimensions: usize,
    kernel: StudentT,
    params: Params,
) -> Result<Box<dyn AnyMesh>, Error> {
    Ok(match (scalar, n_dimensions) {
        (Typed::F32(()), 1) => Box::new(Mesh::<f32, 1>(Engine::new(kernel, params)?)),
        (Typed::F32(()), 2) => Box::new(Mesh::<f32, 2>(Engine::new(kernel, params)?)),
        (Typed::F32(()), _) => Box::new(Mesh::<f32, 3>(Engine::new(kernel, params)?)),
        (Typed::F64(()), 1) => Box::new(Mesh::<f64, 1>(Engine::new(kernel, params)?)),
        (Typed::F64(()), 2) => Box::new(Mesh::<f64, 2>(Engine::new(kernel, params)?)),
        (Typed::F64(()), _) => Box::new(Mesh::<f64, 3>(Engine::new(kernel, params)?)),
    })
}

#[derive(Debug)]
struct Mesh<T: Real, const D: usize>(Engine<T, D>);

macro_rules! impl_any_mesh {
    ($t:ty, $variant:ident) => {
        impl<const D: usize> AnyMesh for Mesh<$t, D> {
            fn repel(
                &mut self,
                y: Typed<&[f32], &[f64]>,
                forces: Typed<&mut [f32], &mut [f64]>,
            ) -> Result<f64, Error> {
                let (Typed::$variant(y), Typed::$variant(forces)) = (y, forces) else {
                    unreachable!("a mesh is given the scalar it was made for");
                };
                self.repel_points(y.as_chunks().0, forces.as_chunks_mut().0)
            }
        }
    };
}
impl_any_mesh!(f32, F32);
impl_any_mesh!(f64, F64);

impl<T: Real, const D: usize> Mesh<T, D> {
    fn repel_points(&mut self, y: &[[T; D]], forces: &mut [[T; D]]) -> Result<f64, Error> {
        if y.len() > tsne_core::MAX_POINTS {
            return Err(Error::TooManyPoints { n_points: y.len(), max: tsne_core::MAX_POINTS });
        }
        if y.is_empty() {
            return Ok(0.0);
        }
        let [lower, upper] = extent(y)?;
        let n_pairs = y.len() as f64 * (y.len() - 1) as f64;
        if lower == upper {
            forces.fill([T::default(); D]);
            return Ok(n_pairs);
        }
        let Self(engine) = self;
        let grid = Grid::new(
            lower,
            upper,
            y.len(),
            Terms { transformed: D, kept: 0 },
            engine.kernel,
            &engine.params,
        )?;
        let terms: [Term; D] = std::array::from_fn(|axis| Term::Force(place::<D>(axis)));
        let (convolution, potential) = engine.convolve(&grid, y, &terms);
        engine.forces(&convolution, T::lit(grid.spacing), forces);
        // Every pair lies between these: rounding must not make a distant few points' Z negative.
        let d2: f64 = (0..D).map(|axis| (upper[axis].to_f64() - lower[axis].to_f64()).powi(2)).sum();
        Ok(potential.clamp(n_pairs * engine.kernel.similarity(d2), n_pairs))
    }
}
