//! Runs are their steps, phases follow each other, observers see what is there, threads do not matter.

use std::ops::ControlFlow;
use std::sync::Mutex;

use tsne_bh::Exact;
use tsne_core::{Affinities, Control, Csr, NegativeGradient, StudentT};
use tsne_optim::{CheckedAffinities, Descent, LearningRate, Phase, State, StopReason};
use tsne_testkit::{close, oracle, threads};

use crate::support::{exact, problem, unobserved};

fn phase(n_iter: usize) -> Phase {
    Phase { n_iter, ..Phase::standard() }
}

#[test]
fn fifty_steps_are_one_run_of_fifty() {
    let (p, y) = problem::<f32, 2>(700, 1e-4);
    let mut run = exact(StudentT::CAUCHY, p.clone(), y.clone());
    run.run(&phase(50), &Control::NONE, 7, unobserved).expect("the run is stable");
    let mut steps = exact(StudentT::CAUCHY, p, y);
    for _ in 0..50 {
        steps.step(&phase(0)).expect("the step is stable");
    }
    close::assert_same_bits(steps.positions(), run.positions(), "steps against a run, observed on the way");
}

#[test]
fn a_run_long_enough_to_pack_p_makes_the_same_steps() {
    // From 4096 points on a run of 50 packs P before its first step and before its 33rd, single steps never do.
    let (p, y) = problem::<f32, 2>(4500, 1e-4);
    let mut steps = exact(StudentT::CAUCHY, p.clone(), y.clone());
    for _ in 0..50 {
        steps.step(&phase(0)).expect("the step is stable");
    }
    threads::assert_thread_invariant("4 500 points, 50 iterations", || {
        let mut run = exact(StudentT::CAUCHY, p.clone(), y.clone());
        run.run(&phase(50), &Control::NONE, 0, unobserved).expect("the run is stable");
        close::assert_same_bits(run.positions(), steps.positions(), "a run against its steps");
        run.positions().to_vec()
    });
}

#[test]
fn a_descent_along_checked_affinities_is_the_same() {
    let (p, y) = problem::<f64, 2>(300, 1e-2);
    let mut whole = exact(StudentT::CAUCHY, p.clone(), y.clone());
    whole.run(&phase(20), &Control::NONE, 0, unobserved).expect("the run is stable");
    let checked = CheckedAffinities::new(&p).expect("P is one");
    let mut state = State::at_rest(y);
    for _ in 0..20 {
        let mut step = Descent::along(checked, Exact::new(StudentT::CAUCHY), state).expect("the parts fit");
        step.step(&phase(0)).expect("the step is stable");
        (_, _, state) = step.into_parts();
    }
    assert_eq!(&state, whole.state(), "twenty descents of a step against a run");
    let short = State::at_rest(state.positions[1..].to_vec());
    let refused = Descent::along(checked, Exact::new(StudentT::CAUCHY), short);
    assert!(refused.is_err(), "a state of another number of points");
}

#[test]
fn phases_go_on_where_the_last_one_ended() {
    let (p, y) = problem::<f64, 2>(300, 1e-4);
    let early = Phase { n_iter: 20, ..Phase::early_exaggeration() };
    let mut whole = exact(StudentT::CAUCHY, p.clone(), y.clone());
    for phase in [early, phase(30)] {
        whole.run(&phase, &Control::NONE, 0, unobserved).expect("the run is stable");
    }
    let mut first = exact(StudentT::CAUCHY, p, y);
    first.run(&early, &Control::NONE, 0, unobserved).expect("the run is stable");
    let (p, _, state) = first.into_parts();
    let State { positions, velocity, gains, .. } = state;
    let state = State::from_parts(positions, velocity, gains).expect("the state is finite");
    let mut second = Descent::new(p, Exact::new(StudentT::CAUCHY), state).expect("the state fits");
    second.run(&phase(30), &Control::NONE, 0, unobserved).expect("the run is stable");
    assert_eq!(second.state(), whole.state(), "a state taken out and put back");
}

#[test]
fn the_divergence_falls_and_the_map_stays_centered() {
    let (p, y) = problem::<f64, 2>(300, 1e-2);
    let mut descent = exact(StudentT::CAUCHY, p, y);
    let before = descent.kl_divergence().expect("positions are finite");
    descent.run(&Phase::early_exaggeration(), &Control::NONE, 0, unobserved).expect("the run is stable");
    descent.run(&phase(250), &Control::NONE, 0, unobserved).expect("the run is stable");
    let after = descent.kl_divergence().expect("positions are finite");
    assert!(after < 0.6 * before, "KL went from {before} to {after}");
    for d in 0..2 {
        let mean = descent.positions().iter().map(|y| y[d]).sum::<f64>() / 300.0;
        // Positions reach some 30; the mean is taken out each iteration, up to rounding.
        assert!(mean.abs() < 1e-12, "mean of axis {d} is {mean:e}");
    }
}

#[test]
fn an_observer_sees_positions_with_their_own_divergence() {
    let (p, y) = problem::<f64, 2>(200, 0.1);
    let seen = Mutex::new(Vec::new());
    let exaggerated = Phase { n_iter: 20, exaggeration: 5.0, ..Phase::standard() };
    let mut descent = exact(StudentT::CAUCHY, p.clone(), y.clone());
    let observe = |progress: &tsne_optim::Progress, y: &[[f64; 2]]| {
        seen.lock().expect("no observer panics").push((*progress, y.to_vec()));
        ControlFlow::Continue(())
    };
    descent.run(&exaggerated, &Control::NONE, 5, observe).expect("the run is stable");

    let seen = seen.into_inner().expect("no observer panics");
    assert_eq!(seen.iter().map(|(p, _)| p.iteration).collect::<Vec<_>>(), [5, 10, 15, 20], "iterations seen");
    let mut steps = exact(StudentT::CAUCHY, p.clone(), y);
    for (progress, positions) in seen {
        let want = oracle::kl_divergence(StudentT::CAUCHY, &p, &positions);
        close::assert_close_value(
            progress.kl_divergence,
            want,
            1e-12,
            0.0,
            "KL of the true P, not exaggerated",
        );
        while steps.positions() != positions {
            steps.step(&exaggerated).expect("the step is stable");
        }
    }
}

#[test]
fn stopping_keeps_the_positions_that_were_seen() {
    let (p, y) = problem::<f64, 2>(200, 0.1);
    let last_seen = Mutex::new(Vec::new());
    let mut descent = exact(StudentT::CAUCHY, p.clone(), y.clone());
    let stop = descent
        .run(&phase(100), &Control::NONE, 10, |progress, y| {
            *last_seen.lock().expect("no observer panics") = y.to_vec();
            if progress.iteration == 30 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        })
        .expect("the run is stable");
    assert_eq!(stop, StopReason::Interrupted { iteration: 30 }, "the observer broke at 30");
    assert_eq!(
        descent.positions(),
        last_seen.into_inner().expect("no observer panics"),
        "positions on stopping"
    );
    // Going on makes the step that was not made: 29 + 71 steps are 100.
    descent.run(&phase(71), &Control::NONE, 0, unobserved).expect("the run is stable");
    let mut uninterrupted = exact(StudentT::CAUCHY, p, y);
    uninterrupted.run(&phase(100), &Control::NONE, 0, unobserved).expect("the run is stable");
    assert_eq!(descent.state(), uninterrupted.state(), "stopped and resumed against one run");
}

#[test]
fn a_control_is_told_of_each_iteration_and_stops_the_run() {
    let (p, y) = problem::<f64, 2>(200, 0.1);
    let ticks = Mutex::new(Vec::new());
    let hook = |tick: tsne_core::Tick| {
        ticks.lock().expect("no hook panics").push((tick.done, tick.total));
        if tick.done == 3 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    let mut descent = exact(StudentT::CAUCHY, p, y);
    let stop = descent.run(&phase(9), &Control::new(&hook), 0, unobserved).expect("the run is stable");
    assert_eq!(stop, StopReason::Interrupted { iteration: 4 }, "after three iterations");
    let ticks = ticks.into_inner().expect("no hook panics");
    assert_eq!(ticks, [(0, 9), (1, 9), (2, 9), (3, 9)], "one tick an iteration");
}

#[test]
fn threads_do_not_change_a_bit() {
    let (p, y) = problem::<f32, 2>(1500, 1e-4);
    let run = || {
        let mut descent = exact(StudentT::CAUCHY, p.clone(), y.clone());
        descent.run(&phase(20), &Control::NONE, 0, unobserved).expect("the run is stable");
        let kl = descent.kl_divergence().expect("positions are finite");
        (descent.positions().to_vec(), kl)
    };
    threads::assert_thread_invariant("1 500 points, 20 iterations", run);
    threads::assert_parallel("1 500 points, 20 iterations", || drop(run()));
}

#[test]
fn parts_may_be_owned_borrowed_or_boxed() {
    let (p, y) = problem::<f64, 2>(100, 0.1);
    let mut owned = exact(StudentT::CAUCHY, p.clone(), y.clone());
    owned.step(&phase(0)).expect("the step is stable");

    let mut repulsion = Exact::new(StudentT::CAUCHY);
    let state = State::at_rest(y.clone());
    let mut borrowed: Descent<f64, 2, &Csr<f64>, &mut Exact<f64, 2>> =
        Descent::new(&p, &mut repulsion, state.clone()).expect("the problem is well posed");
    borrowed.step(&phase(0)).expect("the step is stable");

    let affinities: Box<dyn Affinities<f64>> = Box::new(p.clone());
    let repulsion: Box<dyn NegativeGradient<f64, 2>> = Box::new(Exact::new(StudentT::CAUCHY));
    let mut boxed = Descent::new(affinities, repulsion, state).expect("the problem is well posed");
    boxed.step(&phase(0)).expect("the step is stable");

    close::assert_same_bits(borrowed.positions(), owned.positions(), "borrowed parts");
    close::assert_same_bits(boxed.positions(), owned.positions(), "boxed parts");
}

#[test]
fn learning_rates_follow_their_rules() {
    let rate = |rule: LearningRate, n, exaggeration| rule.resolve(n, exaggeration);
    assert_eq!(rate(LearningRate::Auto, 1797, 12.0), 200.0, "few points");
    assert_eq!(rate(LearningRate::Auto, 70_000, 12.0), 70_000.0 / 12.0, "many points");
    assert_eq!(rate(LearningRate::Auto, 70_000, 1.0), 70_000.0 / 12.0, "the same in both phases");
    assert_eq!(rate(LearningRate::PerExaggeration, 1797, 12.0), 1797.0 / 12.0, "no floor");
    assert_eq!(rate(LearningRate::Fixed(7.0), 1797, 12.0), 7.0, "given");
}
