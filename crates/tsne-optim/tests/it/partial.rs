//! New points in a frozen map: their gradient, their independence of each other, their bounds.

use std::ops::ControlFlow;

use tsne_bh::ExactField;
use tsne_core::{BackendError, Ball, Control, Csr, ReferenceField, Scalar, Seed, StudentT};
use tsne_optim::{Error, LearningRate, PartialDescent, Phase, State};
use tsne_testkit::{close, data, finite_diff, oracle, threads};

use crate::support::unobserved;

/// A map of `n_references` points, and `n` new points with rows over it that sum to 1.
struct Problem<T, const D: usize> {
    references: Vec<[T; D]>,
    rows: Csr<T>,
    start: Vec<[T; D]>,
}

fn problem<T: Scalar, const D: usize>(n_references: usize, n: usize) -> Problem<T, D> {
    const K: usize = 15;
    let map = data::blobs(Seed(3), n_references, D, 6);
    let new = data::blobs(Seed(4), n, D, 6);
    let graph = oracle::query(map.points(), new.points(), K);
    let mut entries: Vec<(u32, f64)> = Vec::new();
    for i in 0..n {
        let (neighbors, distances) = graph.row(i);
        let weights: Vec<f64> = distances.iter().map(|d| 1.0 / (0.1 + d)).collect();
        let total: f64 = weights.iter().sum();
        let mut row: Vec<(u32, f64)> = neighbors.iter().zip(weights).map(|(&j, w)| (j, w / total)).collect();
        row.sort_by_key(|&(j, _)| j);
        entries.extend(row);
    }
    let columns = entries.iter().map(|&(j, _)| j).collect();
    let values = entries.iter().map(|&(_, p)| T::lit(p)).collect();
    let offsets = (0..=n).map(|i| i * K).collect();
    let positions = |values: &[f64]| values.as_chunks::<D>().0.iter().map(|y| y.map(T::lit)).collect();
    Problem {
        references: positions(&map.values),
        rows: Csr::from_parts(n_references, offsets, columns, values).expect("rows are sorted"),
        start: positions(&new.values),
    }
}

fn field<T: Scalar, const D: usize>(kernel: StudentT, references: &[[T; D]]) -> ExactField<T, D> {
    ExactField::new(kernel, references).expect("references are finite")
}

fn check_first_step<const D: usize>(dof: f64) {
    let kernel = StudentT::with_dof(dof).expect("dof is positive");
    let Problem { references, rows, start } = problem::<f64, D>(200, 30);
    let n = start.len();
    // Gains are 1.2 and the velocity is 0, so the first step without bounds is −1.2 η G.
    let phase = Phase {
        n_iter: 1,
        exaggeration: 1.0,
        learning_rate: LearningRate::Fixed(1e-3),
        max_grad_norm: None,
        ..Phase::transform()
    };
    let state = State::at_rest(start.clone());
    let mut descent =
        PartialDescent::new(&rows, field(kernel, &references), &references, state).expect("parts fit");
    let kl = descent.kl_divergence().expect("positions are finite");
    descent.run(&phase, &Control::NONE, 0, unobserved).expect("one small step");
    let gradient: Vec<[f64; D]> = descent.state().velocity.iter().map(|v| v.map(|v| -v / 1.2e-3)).collect();

    let want = oracle::reference_gradient(kernel, &rows, &references, &start, 1.0);
    let error = close::relative_l2(&gradient, &want);
    assert!(error < 1e-12, "dof {dof}, D = {D}: the gradient is off the oracle by {error:e}");

    let mean_kl = |y: &[[f64; D]]| {
        #[allow(clippy::cast_precision_loss, reason = "few points")]
        let n = n as f64;
        oracle::reference_kl_divergence(kernel, &rows, &references, y).iter().sum::<f64>() / n
    };
    close::assert_close_value(kl, mean_kl(&start), 1e-12, 0.0, "mean divergence of new points");
    #[allow(clippy::cast_precision_loss, reason = "few points")]
    let scale = n as f64 / 2.0;
    let halves: Vec<[f64; D]> = finite_diff::central_differences(&start, 1e-3, mean_kl)
        .iter()
        .map(|g| g.map(|v| v * scale))
        .collect();
    let error = close::relative_l2(&gradient, &halves);
    assert!(error < 1e-6, "dof {dof}, D = {D}: twice G is off the derivative by {error:e}");
}

#[test]
fn a_new_point_follows_half_the_derivative_of_its_divergence() {
    for dof in [0.5, 1.0, 2.0] {
        check_first_step::<1>(dof);
        check_first_step::<2>(dof);
        check_first_step::<3>(dof);
    }
}

fn placed<T: Scalar>(rows: &Csr<T>, references: &[[T; 2]], start: Vec<[T; 2]>) -> Vec<[T; 2]> {
    let mut descent =
        PartialDescent::new(rows, field(StudentT::CAUCHY, references), references, State::at_rest(start))
            .expect("parts fit");
    descent.run(&Phase::transform(), &Control::NONE, 0, unobserved).expect("a stable run");
    descent.positions().to_vec()
}

#[test]
fn one_by_one_equals_all_at_once_at_any_number_of_threads() {
    let Problem { references, rows, start } = problem::<f32, 2>(300, 600);
    let together =
        threads::assert_thread_invariant("600 new points", || placed(&rows, &references, start.clone()));
    for i in [0, 1, 255, 256, 599] {
        let (columns, values) = rows.row(i);
        let row = Csr::from_parts(300, vec![0, values.len()], columns.to_vec(), values.to_vec());
        let alone = placed(&row.expect("a row of a matrix"), &references, vec![start[i]]);
        close::assert_same_bits(&alone[0], &together[i], &format!("point {i} alone"));
    }
}

#[test]
fn divergence_falls_and_what_an_observer_sees_is_consistent() {
    let Problem { references, rows, start } = problem::<f64, 2>(300, 100);
    let state = State::at_rest(start);
    let mut descent = PartialDescent::new(&rows, field(StudentT::CAUCHY, &references), &references, state)
        .expect("parts fit");
    let mut seen = Vec::new();
    descent
        .run(&Phase::transform(), &Control::NONE, 50, |progress, y| {
            let each = oracle::reference_kl_divergence(StudentT::CAUCHY, &rows, &references, y);
            let mean = each.iter().sum::<f64>() / 100.0;
            close::assert_close_value(progress.kl_divergence, mean, 1e-12, 0.0, "KL at the positions seen");
            seen.push(progress.kl_divergence);
            ControlFlow::Continue(())
        })
        .expect("a stable run");
    assert_eq!(seen.len(), 5, "every 50 of 250");
    assert!(seen[4] < seen[0], "KL went from {} to {}", seen[0], seen[4]);
}

/// A field with bounds.
#[derive(Debug)]
struct Bounded(ExactField<f64, 2>, Ball<2>);

impl ReferenceField<f64, 2> for Bounded {
    fn n_references(&self) -> usize {
        self.0.n_references()
    }
    fn repel_targets(&self, t: &[[f64; 2]], f: &mut [[f64; 2]], z: &mut [f64]) -> Result<(), BackendError> {
        self.0.repel_targets(t, f, z)
    }
    fn bounds(&self) -> Option<Ball<2>> {
        Some(self.1)
    }
}

#[test]
fn points_at_the_bounds_stay_there_and_lose_their_gains() {
    let Problem { references, rows, mut start } = problem::<f64, 2>(200, 50);
    start[0] = [1e3, 1e3];
    let ball = Ball { center: [1.0, -2.0], radius: 25.0 };
    let bounded = Bounded(field(StudentT::CAUCHY, &references), ball);
    let mut descent =
        PartialDescent::new(&rows, bounded, &references, State::at_rest(start)).expect("parts fit");
    let phase = Phase { n_iter: 1, ..Phase::transform() };
    descent.run(&phase, &Control::NONE, 0, unobserved).expect("a stable run");
    let [x, y] = descent.positions()[0];
    let distance = ((x - 1.0).powi(2) + (y + 2.0).powi(2)).sqrt();
    assert!((distance - 25.0).abs() < 1e-12, "the far point is at distance {distance}");
    assert_eq!(descent.state().gains[0], [0.0; 2], "its gains start anew");
    assert!(descent.state().gains[1..].iter().flatten().all(|&g| g > 0.0), "no other gains do");
}

#[test]
fn rules_that_depend_on_the_number_of_points_are_refused() {
    let Problem { references, rows, start } = problem::<f64, 2>(200, 50);
    for learning_rate in [LearningRate::Auto, LearningRate::PerExaggeration] {
        let state = State::at_rest(start.clone());
        let mut descent =
            PartialDescent::new(&rows, field(StudentT::CAUCHY, &references), &references, state)
                .expect("parts fit");
        let phase = Phase { learning_rate, ..Phase::transform() };
        let error = descent.run(&phase, &Control::NONE, 0, unobserved).expect_err("a rule");
        assert!(matches!(error, Error::RateOfManyPoints), "{error}");
    }
    let few = &references[..199];
    let state = State::at_rest(start);
    let error = PartialDescent::new(&rows, field(StudentT::CAUCHY, &references), few, state)
        .expect_err("a field of other references");
    assert!(error.to_string().contains("200 rows, but there are 199 points"), "{error}");
}

#[test]
fn no_new_points_are_no_work() {
    let Problem { references, .. } = problem::<f64, 2>(200, 50);
    let none = Csr::from_parts(200, vec![0], vec![], vec![]).expect("no rows");
    let mut descent =
        PartialDescent::new(none, field(StudentT::CAUCHY, &references), &references, State::at_rest(vec![]))
            .expect("nothing to place");
    descent.run(&Phase::transform(), &Control::NONE, 10, unobserved).expect("nothing to do");
    assert_eq!(descent.kl_divergence().expect("no points"), 0.0, "no points, no divergence");
}
