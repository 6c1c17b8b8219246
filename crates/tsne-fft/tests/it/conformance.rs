//! The promises of `NegativeGradient` and `ReferenceField`.

use tsne_fft::{BackendError, Params, ParticleMesh, ReferenceField, ReferenceMesh, Scalar, StudentT};
use tsne_testkit::conformance::{RepulsionContract, check_negative_gradient, check_reference_field};

fn mesh<T: Scalar, const D: usize>(kernel: StudentT) -> Result<ParticleMesh<T, D>, BackendError> {
    ParticleMesh::new(kernel, params::<D>()).map_err(BackendError::new)
}

/// The defaults; in three dimensions fewer cells, as a map of 50 a side takes seconds to build its spectra.
fn params<const D: usize>() -> Params {
    if D < 3 { Params::default() } else { Params::default().with_min_num_intervals(15) }
}

/// What is promised to maps of up to 150 units across; in three dimensions 8, whose mesh with all around it is within the
/// bound on memory even for the smallest degrees of freedom.
fn contract<const D: usize>(force_error: f64, normalizer_error: f64) -> RepulsionContract {
    let contract = RepulsionContract::accurate_to(force_error, normalizer_error);
    if D < 3 { contract } else { contract.with_spans(&[1e-3, 2.0, 8.0]) }
}

fn reference<T: Scalar, const D: usize>(
    kernel: StudentT,
    sources: &[[T; D]],
) -> Result<Box<dyn ReferenceField<T, D> + '_>, BackendError> {
    let field = ReferenceMesh::new(kernel, params::<D>(), ReferenceMesh::<T, D>::PADDING, sources);
    Ok(Box::new(field.map_err(BackendError::new)?))
}

/// Z of the few points that are checked here rests on few pairs, of which the nearest count most.
fn check_mesh<T: Scalar, const D: usize>() {
    check_negative_gradient(mesh::<T, D>, &contract::<D>(6e-3, 5e-4));
}

#[test]
fn repulsion_keeps_the_promises_of_its_seam() {
    check_mesh::<f32, 1>();
    check_mesh::<f64, 1>();
    check_mesh::<f32, 2>();
    check_mesh::<f64, 2>();
}

#[test]
fn repulsion_keeps_the_promises_of_its_seam_in_three_dimensions() {
    check_mesh::<f32, 3>();
    check_mesh::<f64, 3>();
}

/// A Z of its own may rest on a single pair, and then has that pair's error.
fn check_reference<T: Scalar, const D: usize>() {
    check_reference_field(reference::<T, D>, &contract::<D>(6e-3, 3e-3));
}

#[test]
fn a_frozen_reference_keeps_the_promises_of_its_seam() {
    check_reference::<f32, 1>();
    check_reference::<f64, 1>();
    check_reference::<f32, 2>();
    check_reference::<f64, 2>();
}

#[test]
fn a_frozen_reference_keeps_the_promises_of_its_seam_in_three_dimensions() {
    check_reference::<f32, 3>();
    check_reference::<f64, 3>();
}
