//! Every check passes on a right implementation, in both types and all dimensions.

use tsne_core::{NewRows, Points, Scalar, Seed};
use tsne_testkit::conformance::{
    NeighborContract, RepulsionContract, check_affinities, check_negative_gradient, check_neighbor_index,
    check_neighbor_query, check_reference_field, check_to_new,
};
use tsne_testkit::data;

use crate::plain::{AllPairs, AllSources, BruteForce, Uniform};

fn neighbors<T: Scalar>() {
    let contract = NeighborContract::exact().with_parallel_points(400);
    check_neighbor_index::<T>(|points| Ok(Box::new(BruteForce { points })), contract);
    check_neighbor_query::<T>(|points| Ok(Box::new(BruteForce { points })), contract);
    let contract = NeighborContract::recall_at_least(1.0).with_parallel_points(400);
    check_neighbor_index::<T>(|points| Ok(Box::new(BruteForce { points })), contract);
}

#[test]
fn brute_force_neighbors_conform() {
    neighbors::<f32>();
    neighbors::<f64>();
}

fn affinities<T: Scalar>() {
    let reference = data::blobs(Seed(1), 120, 6, 3);
    let values = reference.values_as::<T>();
    let points = Points::from_row_major(&values, 6).expect("rectangular");
    let uniform = Uniform::of(points, 7);
    check_affinities::<T>(&uniform);
    check_affinities::<T>(uniform.joint.clone());
    let new = data::blobs(Seed(2), 45, 6, 3).values_as::<T>();
    let new = Points::from_row_major(&new, 6).expect("rectangular");
    check_to_new(&uniform, &BruteForce { points }, new, &NewRows::default());
}

#[test]
fn uniform_affinities_conform() {
    affinities::<f32>();
    affinities::<f64>();
}

fn repulsion<T: Scalar, const D: usize>(error: f64) {
    let contract = RepulsionContract::accurate_to(error, 1e-13).with_parallel_points(600);
    check_negative_gradient::<T, D, _>(|kernel| Ok(AllPairs { kernel }), &contract);
    check_reference_field::<T, D>(|kernel, sources| Ok(Box::new(AllSources { kernel, sources })), &contract);
}

#[test]
fn all_pairs_conform() {
    repulsion::<f32, 1>(1e-7);
    repulsion::<f32, 2>(1e-7);
    repulsion::<f32, 3>(1e-7);
    repulsion::<f64, 1>(1e-13);
    repulsion::<f64, 2>(1e-13);
    repulsion::<f64, 3>(1e-13);
}
