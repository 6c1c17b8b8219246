//! Repulsion among the points of a map.

use tsne_core::{BackendError, NegativeGradient, Scalar, StudentT, Typed};

use crate::engine::Engine;
use crate::error::Error;
use crate::extent::extent;
use crate::grid::{Grid, Terms, place};
use crate::lanes::Real;
use crate::params::Params;
use crate::spectrum::Term;

/// Repulsion by a particle mesh: unit charges, one transform forth and D back.
///
/// The points are spread on a mesh by cubic B-splines, convolved with the kernels of the D force components, and read
/// the forces back by the same splines: form B of `docs/math.md`, \[M40\] to \[M46\]. Implements \[M7\] and \[M8\].
///
/// # Accuracy
/// With the default [`Params`], forces are off by about 0.3 % of their norm on a finished map and by less on a smaller
/// one, and Z by 1e-5. The error falls with the fourth power of the spacing until about 1e-5 in f32 and 1e-7 in f64;
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
    mesh: Typed<Mesh<f32, D>, Mesh<f64, D>>,
    scalar: std::marker::PhantomData<T>,
}

impl<T: Scalar, const D: usize> ParticleMesh<T, D> {
    /// A mesh that adapts itself to every map it is given.
    ///
    /// # Errors
    /// When a parameter is out of its range.
    pub fn new(kernel: StudentT, params: Params) -> Result<Self, Error> {
        let mesh = match T::typed(&[]) {
            Typed::F32(_) => Typed::F32(Mesh(Engine::new(kernel, params)?)),
            Typed::F64(_) => Typed::F64(Mesh(Engine::new(kernel, params)?)),
        };
        Ok(Self { mesh, scalar: std::marker::PhantomData })
    }

    /// What this mesh was made with.
    #[must_use]
    pub fn params(&self) -> Params {
        match &self.mesh {
            Typed::F32(mesh) => mesh.0.params,
            Typed::F64(mesh) => mesh.0.params,
        }
    }

    /// [`repel`](NegativeGradient::repel) with this crate's own error.
    ///
    /// # Errors
    /// [`Error::NonFinite`] for a position that is no place, [`Error::MeshTooLarge`] for a map that needs more memory than
    /// allowed.
    /// # Panics
    /// If `y` and `forces` differ in length.
    pub fn try_repel(&mut self, y: &[[T; D]], forces: &mut [[T; D]]) -> Result<f64, Error> {
        assert_eq!(y.len(), forces.len(), "one force for each of the {} positions", y.len());
        match (&mut self.mesh, T::typed(y.as_flattened()), T::typed_mut(forces.as_flattened_mut())) {
            (Typed::F32(mesh), Typed::F32(y), Typed::F32(forces)) => {
                mesh.repel(y.as_chunks().0, forces.as_chunks_mut().0)
            }
            (Typed::F64(mesh), Typed::F64(y), Typed::F64(forces)) => {
                mesh.repel(y.as_chunks().0, forces.as_chunks_mut().0)
            }
            _ => unreachable!("a scalar has one type"),
        }
    }
}

impl<T: Scalar, const D: usize> NegativeGradient<T, D> for ParticleMesh<T, D> {
    fn kernel(&self) -> StudentT {
        match &self.mesh {
            Typed::F32(mesh) => mesh.0.kernel,
            Typed::F64(mesh) => mesh.0.kernel,
        }
    }

    fn repel(&mut self, y: &[[T; D]], forces: &mut [[T; D]]) -> Result<f64, BackendError> {
        self.try_repel(y, forces).map_err(BackendError::new)
    }
}

#[derive(Debug)]
struct Mesh<T: Real, const D: usize>(Engine<T, D>);

impl<T: Real, const D: usize> Mesh<T, D> {
    fn repel(&mut self, y: &[[T; D]], forces: &mut [[T; D]]) -> Result<f64, Error> {
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
