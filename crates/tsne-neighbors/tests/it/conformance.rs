//! Every index keeps the promises of the seam.

use tsne_core::{BackendError, NeighborQuery, Points, Scalar};
use tsne_neighbors::{Exact, Metric, NnDescent, Seed};
use tsne_testkit::conformance::{NeighborContract, check_neighbor_index, check_neighbor_query};

fn check_exact<T: Scalar>(metric: &Metric, contract: NeighborContract) {
    check_neighbor_index::<T>(|points| Ok(Box::new(Exact::with_metric(points, metric)?)), contract);
    check_neighbor_query::<T>(|points| build_query(points, metric), contract);
}

fn build_query<'a, T: Scalar>(
    points: Points<'a, T>,
    metric: &Metric,
) -> Result<Box<dyn NeighborQuery<T> + 'a>, BackendError> {
    Ok(Box::new(Exact::with_metric(points, metric)?))
}

#[test]
fn exact_in_f32() {
    check_exact::<f32>(&Metric::Euclidean, NeighborContract::exact());
}

#[test]
fn exact_in_f64() {
    check_exact::<f64>(&Metric::Euclidean, NeighborContract::exact());
}

#[test]
fn exact_under_manhattan_and_chebyshev() {
    let apart = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| (a - b).abs()).sum();
    check_exact::<f32>(&Metric::Manhattan, NeighborContract::exact().with_distance(apart));
    let most = |a: &[f64], b: &[f64]| a.iter().zip(b).fold(0.0_f64, |m, (a, b)| m.max((a - b).abs()));
    check_exact::<f64>(&Metric::Chebyshev, NeighborContract::exact().with_distance(most));
}

#[test]
fn exact_under_a_function() {
    let canberra = |a: &[f64], b: &[f64]| -> f64 {
        let term = |a: f64, b: f64| if a == b { 0.0 } else { (a - b).abs() / (a.abs() + b.abs()) };
        a.iter().zip(b).map(|(&a, &b)| term(a, b)).sum()
    };
    let custom = Metric::Custom(tsne_neighbors::CustomMetric::new(canberra));
    let contract = NeighborContract::exact().with_distance(canberra).with_parallel_points(400);
    check_exact::<f64>(&custom, contract);
    check_exact::<f64>(&Metric::Canberra, contract);
}

fn check_descent<T: Scalar>(metric: &Metric, contract: NeighborContract) {
    check_neighbor_index::<T>(
        |points| Ok(Box::new(NnDescent::with_metric(points, metric, Seed(5))?)),
        contract,
    );
    check_neighbor_query::<T>(
        |points| Ok(Box::new(NnDescent::with_metric(points, metric, Seed(5))?)),
        contract,
    );
}

#[test]
fn descent_in_f32_and_f64() {
    check_descent::<f32>(&Metric::Euclidean, NeighborContract::recall_at_least(0.95));
    check_descent::<f64>(&Metric::Euclidean, NeighborContract::recall_at_least(0.95));
}

#[test]
fn descent_pair_by_pair() {
    let canberra = |a: &[f64], b: &[f64]| -> f64 {
        let term = |a: f64, b: f64| if a == b { 0.0 } else { (a - b).abs() / (a.abs() + b.abs()) };
        a.iter().zip(b).map(|(&a, &b)| term(a, b)).sum()
    };
    check_descent::<f64>(&Metric::Canberra, NeighborContract::recall_at_least(0.95).with_distance(canberra));
}
