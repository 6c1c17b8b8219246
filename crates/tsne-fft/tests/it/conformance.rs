//! The promises of `NegativeGradient` and `ReferenceField`.

use tsne_fft::{BackendError, Params, ParticleMesh, ReferenceField, ReferenceMesh, Scalar, StudentT};
use tsne_testkit::conformance::{RepulsionContract, check_negative_gradient, check_reference_field};

fn mesh<T: Scalar, const D: usize>(kernel: StudentT) -> Result<ParticleMesh<T, D>, BackendError> {
    ParticleMesh::new(kernel, Params::default()).map_err(BackendError::new)
}

fn reference<T: Scalar, const D: usize>(
    kernel: StudentT,
    sources: &[[T; D]],
) -> Result<Box<dyn ReferenceField<T, D> + '_>, BackendError> {
    let field = ReferenceMesh::new(kernel, Params::default(), ReferenceMesh::<T, D>::PADDING, sources);
    Ok(Box::new(field.map_err(BackendError::new)?))
}

/// Z of the few points that are checked here rests on few pairs, of which the nearest count most.
#[test]
fn repulsion_keeps_the_promises_of_its_seam() {
    let contract = RepulsionContract::accurate_to(6e-3, 5e-4);
    check_negative_gradient(mesh::<f32, 1>, &contract);
    check_negative_gradient(mesh::<f64, 1>, &contract);
    check_negative_gradient(mesh::<f32, 2>, &contract);
    check_negative_gradient(mesh::<f64, 2>, &contract);
}

/// A Z of its own may rest on a single pair, and then has that pair's error.
#[test]
fn a_frozen_reference_keeps_the_promises_of_its_seam() {
    let contract = RepulsionContract::accurate_to(6e-3, 3e-3);
    check_reference_field(reference::<f32, 1>, &contract);
    check_reference_field(reference::<f64, 1>, &contract);
    check_reference_field(reference::<f32, 2>, &contract);
    check_reference_field(reference::<f64, 2>, &contract);
}
