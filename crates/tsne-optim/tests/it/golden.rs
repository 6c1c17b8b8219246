//! The descent is openTSNE's: the same P, start and schedule give the same positions and divergences.
//!
//! `testdata/golden/README.md` says where the numbers come from, and why both sides round their state now and then.

use serde_json::Value;
use tsne_bh::Exact;
use tsne_core::{Control, Csr, StudentT};
use tsne_optim::{Descent, LearningRate, Phase, State};
use tsne_testkit::close;

use crate::support::unobserved;

fn golden() -> Value {
    serde_json::from_str(include_str!("../../testdata/golden/opentsne_descent.json"))
        .expect("the file is JSON")
}

fn number(value: &Value) -> f64 {
    value.as_f64().expect("a number")
}

fn count(value: &Value) -> usize {
    usize::try_from(value.as_u64().expect("a whole number")).expect("a small number")
}

fn list(value: &Value) -> &Vec<Value> {
    value.as_array().expect("a list")
}

fn positions(value: &Value) -> Vec<[f64; 2]> {
    list(value).iter().map(|row| [number(&row[0]), number(&row[1])]).collect()
}

/// The whole P from its entries above the diagonal.
fn joint_probabilities(golden: &Value) -> Csr<f64> {
    let p = &golden["p"];
    let unit = number(&p["log2_unit"]).exp2();
    let offsets: Vec<usize> = list(&p["offsets"]).iter().map(count).collect();
    let n = offsets.len() - 1;
    let mut rows: Vec<Vec<(u32, f64)>> = vec![Vec::new(); n];
    for i in 0..n {
        for at in offsets[i]..offsets[i + 1] {
            let (j, value) = (count(&p["columns"][at]), number(&p["values"][at]) * unit);
            rows[i].push((u32::try_from(j).expect("few points"), value));
            rows[j].push((u32::try_from(i).expect("few points"), value));
        }
    }
    let mut offsets = vec![0];
    for row in &mut rows {
        row.sort_by_key(|&(j, _)| j);
        offsets.push(offsets.last().expect("the first offset is there") + row.len());
    }
    let (columns, values): (Vec<u32>, Vec<f64>) = rows.into_iter().flatten().unzip();
    assert_eq!(values.iter().sum::<f64>(), 1.0, "P sums to 1, in multiples of a power of two");
    Csr::from_parts(n, offsets, columns, values).expect("columns are sorted")
}

/// Rounds every number to a multiple of `unit`.
fn round(numbers: &mut [[f64; 2]], unit: f64) {
    for x in numbers.as_flattened_mut() {
        *x = (*x / unit).round() * unit;
    }
}

fn check(golden: &Value, case: &Value) {
    let name = case["name"].as_str().expect("a name");
    let kernel = StudentT::with_dof(number(&case["dof"])).expect("dof is positive");
    let (round_every, kl_every) = (count(&golden["round_every"]), count(&case["kl_every"]));
    let unit = number(&golden["log2_unit_of_rounding"]).exp2();
    let phases = list(&case["phases"]).iter().flat_map(|phase| {
        let parameters = Phase {
            n_iter: 1,
            exaggeration: number(&phase["exaggeration"]),
            momentum: number(&phase["momentum"]),
            learning_rate: LearningRate::Fixed(number(&case["learning_rate"])),
            max_grad_norm: case["max_grad_norm"].as_f64(),
            max_step_norm: case["max_step_norm"].as_f64(),
            ..Phase::standard()
        };
        std::iter::repeat_n(parameters, count(&phase["n_iter"]))
    });
    let phases: Vec<Phase> = phases.collect();

    let mut kl = Vec::new();
    let start = State::at_rest(positions(&golden["start"]));
    let mut descent =
        Descent::new(joint_probabilities(golden), Exact::new(kernel), start).expect("parts fit");
    for (made, phase) in (1..).zip(&phases) {
        descent.run(phase, &Control::NONE, 0, unobserved).expect("openTSNE's descent is finite");
        if made == 10 {
            let want = positions(&case["positions_after_10"]);
            // 1e-8 of the largest coordinate is what is owed; the sides differ by some 1e-13, in order of summation.
            let largest = want.as_flattened().iter().fold(0.0_f64, |m, y| m.max(y.abs()));
            let what = format!("{name}: positions after 10 iterations");
            close::assert_close(
                descent.positions().as_flattened(),
                want.as_flattened(),
                0.0,
                1e-11 * largest,
                &what,
            );
        }
        if made % kl_every == 0 {
            kl.push(descent.kl_divergence().expect("positions are finite"));
        }
        if made % round_every == 0 && made < phases.len() {
            let (p, repulsion, state) = descent.into_parts();
            let State { mut positions, mut velocity, mut gains, .. } = state;
            for numbers in [&mut positions, &mut velocity, &mut gains] {
                round(numbers, unit);
            }
            let state = State::from_parts(positions, velocity, gains).expect("rounded numbers are finite");
            descent = Descent::new(p, repulsion, state).expect("parts fit");
        }
    }
    let want: Vec<f64> = list(&case["kl"]).iter().map(number).collect();
    // 1e-3 is what is owed; openTSNE adds 2.2e-16 inside its logarithms, which is some 2e-12 of the divergence.
    close::assert_close(&kl, &want, 1e-10, 0.0, &format!("{name}: KL every {kl_every} iterations"));
    let want = positions(&case["final_positions"]);
    let what = format!("{name}: positions after {} iterations", phases.len());
    close::assert_close(descent.positions().as_flattened(), want.as_flattened(), 0.0, 1e-8, &what);
}

#[test]
fn the_descent_is_that_of_opentsne() {
    let golden = golden();
    for case in list(&golden["cases"]) {
        check(&golden, case);
    }
}
