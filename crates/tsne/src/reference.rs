//! A map that does not move, as new points feel it.

use tsne_bh::{BarnesHutField, ExactField};
use tsne_core::{BackendError, ReferenceField, Scalar};
use tsne_fft::ReferenceMesh;

use crate::{Error, NegativeGradientMethod, Optimization, Warning, auto};

/// The positions of a map and the field of all its points.
pub(crate) struct Reference<T: Scalar, const D: usize> {
    pub(crate) positions: Vec<[T; D]>,
    pub(crate) field: Box<dyn ReferenceField<T, D>>,
    made_for: Choices,
    too_large: Option<(f64, usize)>,
}

/// What decides the field of a map, and its repulsion.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Choices {
    method: NegativeGradientMethod,
    theta: f64,
    mesh: tsne_fft::Params,
    dof: f64,
}

impl Choices {
    /// The method follows from the number of points of the map, never from that of the new ones.
    pub(crate) fn of<const D: usize>(run: &Optimization<D>, n_points: usize) -> Self {
        let method = auto::negative_gradient_method(run.method, n_points, D).value;
        Self { method, theta: run.theta, mesh: run.mesh, dof: run.dof }
    }
}

impl<T: Scalar, const D: usize> Reference<T, D> {
    pub(crate) const PADDING: f64 = ReferenceMesh::<T, D>::PADDING;

    pub(crate) fn new(positions: &[[T; D]], run: &Optimization<D>, padding: f64) -> Result<Self, Error> {
        if !(padding.is_finite() && padding >= 0.0) {
            let (name, requirement) = ("padding", "a finite number of at least 0");
            return Err(Error::Parameter { name, requirement, value: padding });
        }
        let kernel = run.kernel()?;
        let made_for = Choices::of(run, positions.len());
        let tree = || {
            let params = tsne_bh::Params::default().with_theta(run.theta);
            BarnesHutField::new(kernel, params, positions).map_err(|e| Error::Repulsion(BackendError::new(e)))
        };
        let mut too_large = None;
        let field: Box<dyn ReferenceField<T, D>> = match made_for.method {
            NegativeGradientMethod::Auto | NegativeGradientMethod::Exact => {
                let field = ExactField::new(kernel, positions);
                Box::new(field.map_err(|e| Error::Repulsion(BackendError::new(e)))?)
            }
            NegativeGradientMethod::BarnesHut => Box::new(tree()?),
            NegativeGradientMethod::Fft => match ReferenceMesh::new(kernel, run.mesh, padding, positions) {
                Ok(mesh) => Box::new(mesh),
                Err(tsne_fft::Error::MeshTooLarge { bytes, max_bytes, .. }) if !run.strict => {
                    too_large = Some((bytes, max_bytes));
                    Box::new(tree()?)
                }
                Err(error) => return Err(Error::Repulsion(BackendError::new(error))),
            },
        };
        Ok(Self { positions: positions.to_vec(), field, made_for, too_large })
    }

    /// Whether this is what a run with these parameters would make.
    pub(crate) fn serves(&self, run: &Optimization<D>) -> bool {
        self.made_for == Choices::of(run, self.positions.len())
    }

    /// What had to be done otherwise.
    pub(crate) fn warning(&self) -> Option<Warning> {
        self.too_large.map(|(bytes, max_bytes)| Warning::MeshTooLarge { bytes, max_bytes })
    }
}
