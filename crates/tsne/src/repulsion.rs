//! The repulsion by name, and what becomes of a map that is too wide for its mesh.

use tsne_bh::BarnesHut;
use tsne_core::{BackendError, NegativeGradient, Scalar, StudentT};
use tsne_fft::ParticleMesh;

use crate::reference::Choices;
use crate::{Error, NegativeGradientMethod, Optimization, Warning, auto};

/// The repulsion of a run, with its mesh or tree and their scratch, for a next run with the same parameters. It is no part
/// of what a map is: a clone has none.
pub(crate) struct KeptRepulsion<T: Scalar, const D: usize>(Option<(Purpose, Repulsion<T, D>)>);

/// What decides a repulsion, the number of points aside: its choices, and whether it may do otherwise.
type Purpose = (Choices, bool);

impl<T: Scalar, const D: usize> KeptRepulsion<T, D> {
    /// The repulsion kept, if it is what `run` asks for, or a new one.
    pub(crate) fn take(
        &mut self,
        run: &Optimization<D>,
        n_points: usize,
    ) -> Result<(Purpose, Repulsion<T, D>), Error> {
        let purpose = (Choices::of(run, n_points), run.strict);
        match self.0.take() {
            Some(kept) if kept.0 == purpose => Ok(kept),
            _ => Ok((purpose, repulsion(run, n_points)?)),
        }
    }

    pub(crate) fn keep(&mut self, kept: (Purpose, Repulsion<T, D>)) {
        self.0 = Some(kept);
    }
}

impl<T: Scalar, const D: usize> Default for KeptRepulsion<T, D> {
    fn default() -> Self {
        Self(None)
    }
}

impl<T: Scalar, const D: usize> Clone for KeptRepulsion<T, D> {
    fn clone(&self) -> Self {
        Self(None)
    }
}

/// The repulsion that a run asks for, among `n_points`.
pub(crate) fn repulsion<T: Scalar, const D: usize>(
    run: &Optimization<D>,
    n_points: usize,
) -> Result<Repulsion<T, D>, Error> {
    let kernel = run.kernel()?;
    let failed = |e: BackendError| Error::Repulsion(e);
    let tree = || {
        let params = tsne_bh::Params::default().with_theta(run.theta);
        BarnesHut::new(kernel, params).map_err(|e| failed(BackendError::new(e)))
    };
    let method = auto::negative_gradient_method(run.method, n_points, D).value;
    Ok(match method {
        NegativeGradientMethod::Auto | NegativeGradientMethod::Exact => {
            Repulsion::Exact(tsne_bh::Exact::new(kernel))
        }
        NegativeGradientMethod::BarnesHut => Repulsion::Tree(tree()?),
        NegativeGradientMethod::Fft => {
            let mesh = ParticleMesh::new(kernel, run.mesh).map_err(|e| failed(BackendError::new(e)))?;
            let stand_in = if run.strict { None } else { Some(tree()?) };
            Repulsion::Mesh(Box::new(MeshOrTree { mesh, stand_in, too_large: None }))
        }
    })
}

/// One of the repulsions.
pub(crate) enum Repulsion<T: Scalar, const D: usize> {
    Exact(tsne_bh::Exact<T, D>),
    Tree(BarnesHut<T, D>),
    Mesh(Box<MeshOrTree<T, D>>),
}

impl<T: Scalar, const D: usize> Repulsion<T, D> {
    /// What had to be done otherwise.
    pub(crate) fn warning(&self) -> Option<Warning> {
        match self {
            Self::Mesh(mesh) => {
                mesh.too_large.map(|(bytes, max_bytes)| Warning::MeshTooLarge { bytes, max_bytes })
            }
            _ => None,
        }
    }
}

impl<T: Scalar, const D: usize> NegativeGradient<T, D> for Repulsion<T, D> {
    fn kernel(&self) -> StudentT {
        match self {
            Self::Exact(exact) => exact.kernel(),
            Self::Tree(tree) => tree.kernel(),
            Self::Mesh(mesh) => mesh.mesh.kernel(),
        }
    }

    fn repel(&mut self, y: &[[T; D]], forces: &mut [[T; D]]) -> Result<f64, BackendError> {
        match self {
            Self::Exact(exact) => exact.repel(y, forces),
            Self::Tree(tree) => tree.repel(y, forces),
            Self::Mesh(mesh) => mesh.repel(y, forces),
        }
    }
}

/// A mesh, with a tree for maps that are wider than its memory allows. Which of them computes depends on the positions
/// alone, so that a run can be cut anywhere.
pub(crate) struct MeshOrTree<T: Scalar, const D: usize> {
    mesh: ParticleMesh<T, D>,
    stand_in: Option<BarnesHut<T, D>>,
    /// Bytes needed and allowed when the mesh was first too large.
    too_large: Option<(f64, usize)>,
}

impl<T: Scalar, const D: usize> MeshOrTree<T, D> {
    fn repel(&mut self, y: &[[T; D]], forces: &mut [[T; D]]) -> Result<f64, BackendError> {
        match (self.mesh.try_repel(y, forces), &mut self.stand_in) {
            (Err(tsne_fft::Error::MeshTooLarge { bytes, max_bytes, .. }), Some(tree)) => {
                self.too_large.get_or_insert((bytes, max_bytes));
                tree.repel(y, forces)
            }
            (result, _) => result.map_err(BackendError::new),
        }
    }
}
