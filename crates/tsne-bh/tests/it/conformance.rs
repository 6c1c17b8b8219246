//! The promises of the seams, and agreement with the oracle.

use tsne_bh::{BarnesHut, BarnesHutField, Exact, ExactField, Params, ReferenceField, Scalar, StudentT};
use tsne_core::BackendError;
use tsne_testkit::conformance::{RepulsionContract, check_negative_gradient, check_reference_field};
use tsne_testkit::threads::assert_parallel;

type Field<'a, T, const D: usize> = Box<dyn ReferenceField<T, D> + 'a>;

fn exact_field<T: Scalar, const D: usize>(
    kernel: StudentT,
    references: &[[T; D]],
) -> Result<Field<'_, T, D>, BackendError> {
    Ok(Box::new(ExactField::new(kernel, references).map_err(BackendError::new)?))
}

fn tree<T: Scalar, const D: usize>(theta: f64) -> impl Fn(StudentT) -> Result<BarnesHut<T, D>, BackendError> {
    move |kernel| BarnesHut::new(kernel, Params::default().with_theta(theta)).map_err(BackendError::new)
}

fn check_tree_field<T: Scalar, const D: usize>(theta: f64, contract: &RepulsionContract) {
    let params = Params::default().with_theta(theta);
    check_reference_field::<T, D>(
        |kernel, references| {
            let field = BarnesHutField::new(kernel, params, references).map_err(BackendError::new)?;
            Ok(Box::new(field) as Field<'_, T, D>)
        },
        contract,
    );
}

/// Rounding: some units of the last place for each pair, and the square root of their number for a sum.
fn rounding<T: Scalar>() -> RepulsionContract {
    let error = 40.0 * T::EPSILON.to_f64();
    RepulsionContract::accurate_to(error, error).with_dofs(&[1.0, 0.5, 2.0, 0.3, 10.0])
}

#[test]
fn exact_conforms() {
    check_negative_gradient::<f64, 2, _>(|kernel| Ok(Exact::new(kernel)), &rounding::<f64>());
    check_negative_gradient::<f32, 2, _>(|kernel| Ok(Exact::new(kernel)), &rounding::<f32>());
    check_negative_gradient::<f32, 1, _>(|kernel| Ok(Exact::new(kernel)), &rounding::<f32>());
    check_negative_gradient::<f64, 3, _>(|kernel| Ok(Exact::new(kernel)), &rounding::<f64>());
    check_negative_gradient::<f64, 7, _>(|kernel| Ok(Exact::new(kernel)), &rounding::<f64>());
}

#[test]
fn exact_field_conforms() {
    check_reference_field::<f64, 2>(exact_field, &rounding::<f64>());
    check_reference_field::<f32, 2>(exact_field, &rounding::<f32>());
    check_reference_field::<f64, 1>(exact_field, &rounding::<f64>());
    check_reference_field::<f32, 5>(exact_field, &rounding::<f32>());
}

#[test]
fn the_tree_at_theta_0_conforms_as_the_exact_method() {
    check_negative_gradient::<f64, 1, _>(tree(0.0), &rounding::<f64>());
    check_negative_gradient::<f64, 2, _>(tree(0.0), &rounding::<f64>());
    check_negative_gradient::<f32, 2, _>(tree(0.0), &rounding::<f32>());
    check_negative_gradient::<f64, 3, _>(tree(0.0), &rounding::<f64>());
    check_tree_field::<f64, 2>(0.0, &rounding::<f64>());
    check_tree_field::<f32, 3>(0.0, &rounding::<f32>());
}

#[test]
fn the_tree_conforms() {
    let contract = RepulsionContract::accurate_to(2e-2, 2e-2);
    check_negative_gradient::<f32, 1, _>(tree(0.5), &contract);
    check_negative_gradient::<f32, 2, _>(tree(0.5), &contract);
    check_negative_gradient::<f64, 2, _>(tree(0.5), &contract);
    check_negative_gradient::<f32, 3, _>(tree(0.5), &contract);
    // A target alone has no other errors to cancel its own, least of all in one dimension.
    let contract = RepulsionContract::accurate_to(2e-2, 0.1);
    check_tree_field::<f32, 1>(0.5, &contract);
    check_tree_field::<f32, 2>(0.5, &contract);
    check_tree_field::<f64, 2>(0.5, &contract);
    check_tree_field::<f64, 3>(0.5, &contract);
}

#[test]
fn all_threads_take_part() {
    let y = tsne_testkit::data::map::<f32, 2>(tsne_core::Seed(1), 20_000, 50.0);
    let repel = |field: &mut dyn tsne_bh::NegativeGradient<f32, 2>| {
        field.repel(&y, &mut vec![[0.0; 2]; y.len()]).unwrap();
    };
    assert_parallel("all pairs", || repel(&mut Exact::new(StudentT::CAUCHY)));
    assert_parallel("the tree", || repel(&mut tree(0.5)(StudentT::CAUCHY).unwrap()));
}
