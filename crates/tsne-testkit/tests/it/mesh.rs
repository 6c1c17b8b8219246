//! The plain mesh against the definition: it converges, at the rate of its order, in both forms.

use tsne_core::{Seed, StudentT};
use tsne_testkit::data;
use tsne_testkit::oracle::{self, MeshForm};

/// Relative errors of the forces, by norm, and of Z.
fn errors<const D: usize>(kernel: StudentT, order: usize, nodes: f64, form: MeshForm) -> [f64; 2] {
    let y = data::map::<f64, D>(Seed(5), 60, 9.0);
    let want = oracle::repulsion(kernel, &y);
    let got = oracle::mesh_repulsion(kernel, &y, order, 1.0 / nodes, form);
    let norm2 = |forces: &[[f64; D]]| forces.as_flattened().iter().map(|x| x * x).sum::<f64>();
    let off: Vec<[f64; D]> = got
        .forces
        .iter()
        .zip(&want.forces)
        .map(|(got, want)| std::array::from_fn(|axis| got[axis] - want[axis]))
        .collect();
    [(norm2(&off) / norm2(&want.forces)).sqrt(), (got.normalizer / want.normalizer - 1.0).abs()]
}

/// From four nodes per unit to eight, splines alone limit the forces: by their order in form B, and by one less in form
/// A, which differentiates them. Half of that factor is left for what is not asymptotic.
fn check_converges<const D: usize>(form: MeshForm, order: usize) {
    let kernel = StudentT::with_dof(1.5).expect("legal degrees of freedom");
    let [coarse, _] = errors::<D>(kernel, order, 4.0, form);
    let [fine, z] = errors::<D>(kernel, order, 8.0, form);
    let lost = if form == MeshForm::Potential { 2.0 } else { 1.0 };
    let rate = (order as f64 - lost).exp2();
    assert!(
        fine < coarse / rate && coarse < 2e-2 && z < 1e-4,
        "D = {D}, {form:?}, order {order}: {coarse:e}, then {fine:e}, Z {z:e}"
    );
}

#[test]
fn a_mesh_converges_to_the_sum_over_all_pairs() {
    for form in [MeshForm::Potential, MeshForm::Forces] {
        for order in [3, 4, 5] {
            check_converges::<1>(form, order);
            check_converges::<2>(form, order);
        }
    }
}

/// A point alone is pushed by nothing but itself, which is to be subtracted.
#[test]
fn a_point_does_not_push_itself() {
    for form in [MeshForm::Potential, MeshForm::Forces] {
        for at in [0.0, 0.3, 17.77] {
            // The second, far away, makes the first lie anywhere between nodes.
            let y = [[0.0, 0.0], [90.0 + at, 71.0 + at]];
            let got = oracle::mesh_repulsion(StudentT::CAUCHY, &y, 4, 0.5, form);
            let want = oracle::repulsion(StudentT::CAUCHY, &y);
            for (got, want) in got.forces.as_flattened().iter().zip(want.forces.as_flattened()) {
                assert!((got - want).abs() < 1e-6, "{form:?}, {at}: {got:e} instead of {want:e}");
            }
        }
    }
}
