//! Wrong parts are refused by name, and a map that flies apart is caught.

use tsne_bh::Exact;
use tsne_core::{Affinities, AffinityRow, Control, Csr, StudentT};
use tsne_optim::{Descent, Error, LearningRate, Phase, State, StopReason};

use crate::support::{exact, problem, unobserved};

fn message<A: Affinities<f64> + std::fmt::Debug>(affinities: A, state: State<f64, 2>) -> String {
    Descent::new(affinities, Exact::new(StudentT::CAUCHY), state)
        .expect_err("the parts are wrong")
        .to_string()
}

#[test]
fn parts_that_do_not_fit_are_refused() {
    let (p, y) = problem::<f64, 2>(100, 0.1);
    let at_rest = State::at_rest(y.clone());
    let one = Csr::from_parts(1, vec![0, 0], vec![], vec![]).expect("an empty row");
    assert!(message(one, State::at_rest(vec![[0.0; 2]])).contains("at least 2 points, got 1"), "one point");

    let mut short = y.clone();
    short.truncate(99);
    let text = message(p.clone(), State::at_rest(short));
    assert!(text.contains("affinities has 100 rows, but there are 99 points"), "{text}");

    let mut cut = at_rest.clone();
    cut.gains.truncate(50);
    let text = message(p.clone(), cut);
    assert!(text.contains("gains has 50 rows, but there are 100 points"), "{text}");

    let mut bad = at_rest.clone();
    bad.velocity[7][1] = f64::NAN;
    let text = message(p.clone(), bad);
    assert!(text.contains("velocity of point 7 is NaN on axis 1"), "{text}");

    let negative = Csr::from_parts(2, vec![0, 1, 2], vec![1, 0], vec![0.5, -0.5]).expect("shaped well");
    let text = message(negative, State::at_rest(y[..2].to_vec()));
    assert!(text.contains("row 1: entry 0 (column 0) is -0.5"), "{text}");
}

/// Affinities that break the promises of the trait.
#[derive(Debug)]
struct Broken(&'static [u32], &'static [f64]);

impl Affinities<f64> for Broken {
    fn n_points(&self) -> usize {
        2
    }
    fn row(&self, _: usize) -> AffinityRow<'_, f64> {
        AffinityRow { columns: self.0, values: self.1 }
    }
}

#[test]
fn broken_plug_ins_are_refused() {
    let state = || State::at_rest(vec![[0.0; 2], [1.0; 2]]);
    let text = message(Broken(&[2], &[0.5]), state());
    assert!(text.contains("column 2") && text.contains("below the number of points that attract"), "{text}");
    let text = message(Broken(&[1, 0], &[0.5]), state());
    assert!(text.contains("2 columns but 1 values"), "{text}");
}

#[test]
fn parameters_out_of_range_are_refused_by_name() {
    let (p, y) = problem::<f64, 2>(50, 0.1);
    let mut descent = exact(StudentT::CAUCHY, p, y);
    let standard = Phase::standard();
    let cases = [
        ("exaggeration", Phase { exaggeration: 0.0, ..standard }),
        ("exaggeration", Phase { exaggeration: f64::NAN, ..standard }),
        ("momentum", Phase { momentum: 1.5, ..standard }),
        ("learning_rate", Phase { learning_rate: LearningRate::Fixed(-1.0), ..standard }),
        ("max_grad_norm", Phase { max_grad_norm: Some(0.0), ..standard }),
        ("max_step_norm", Phase { max_step_norm: Some(f64::INFINITY), ..standard }),
        ("min_gain", Phase { min_gain: -0.1, ..standard }),
    ];
    for (name, phase) in cases {
        match descent.step(&phase) {
            Err(Error::BadParameter { name: got, .. }) => assert_eq!(got, name, "the parameter named"),
            other => panic!("{name} should be refused, got {other:?}"),
        }
    }
}

#[test]
fn a_map_that_flies_apart_is_a_typed_error_and_leaves_finite_positions() {
    let (p, y) = problem::<f32, 2>(50, 0.1);
    let wild = Phase {
        n_iter: 200,
        learning_rate: LearningRate::Fixed(1e300),
        max_step_norm: None,
        ..Phase::standard()
    };
    let mut descent = exact(StudentT::CAUCHY, p.clone(), y.clone());
    let error = descent.run(&wild, &Control::NONE, 0, unobserved).expect_err("no map survives this rate");
    assert!(matches!(error, Error::Diverged { iteration: 1, .. }), "{error}");
    assert!(
        descent.positions().as_flattened().iter().all(|v| v.is_finite()),
        "positions of the last good step"
    );

    let bounded = Phase { max_step_norm: Some(5.0), ..wild };
    let mut descent = exact(StudentT::CAUCHY, p, y);
    descent.run(&bounded, &Control::NONE, 0, unobserved).expect("steps of 5 keep any rate finite");
}

#[test]
fn a_map_that_flies_apart_goes_back_and_on_with_half_the_rate() {
    let (p, y) = problem::<f64, 2>(50, 0.1);
    let phase = |rate| Phase {
        n_iter: 120,
        learning_rate: LearningRate::Fixed(rate),
        max_step_norm: None,
        ..Phase::standard()
    };
    let mut recoveries = Vec::new();
    // The lowest of these rates that diverges does not when it is halved, or halved again.
    for doublings in 0..60 {
        let mut descent = exact(StudentT::CAUCHY, p.clone(), y.clone());
        let phase = phase(1000.0 * f64::from(doublings).exp2());
        let stop = descent
            .run_recovering(&phase, &Control::NONE, 0, unobserved, 5, |r| recoveries.push(r))
            .expect("five halvings are enough");
        assert_eq!(stop, StopReason::Completed, "all iterations are made");
        assert!(descent.positions().as_flattened().iter().all(|v| v.is_finite()), "the map is finite");
        if !recoveries.is_empty() {
            break;
        }
    }
    let first = recoveries.first().expect("some rate is too high");
    assert_eq!(first.reduced_to, first.learning_rate / 2.0, "half the rate");
    assert_eq!(first.back_to, (first.iteration - 1) / 50 * 50, "back to what was kept last");
}

#[test]
fn a_map_that_flies_apart_at_any_rate_ends_where_it_was_kept_last() {
    let (p, y) = problem::<f32, 2>(50, 0.1);
    let wild = Phase {
        n_iter: 200,
        learning_rate: LearningRate::Fixed(1e300),
        max_step_norm: None,
        ..Phase::standard()
    };
    let mut descent = exact(StudentT::CAUCHY, p, y.clone());
    let mut recoveries = 0;
    let error = descent
        .run_recovering(&wild, &Control::NONE, 0, unobserved, 5, |_| recoveries += 1)
        .expect_err("no map survives this rate");
    assert!(matches!(error, Error::Diverged { .. }), "{error}");
    assert_eq!(recoveries, 5, "recoveries before giving up");
    assert_eq!(descent.positions(), y, "the positions of the start");
}
