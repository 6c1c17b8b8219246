//! Callbacks: when they are told what, what their stops and failures leave behind.

use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use tsne::core::BackendError;
use tsne::{
    Callback, Data, Error, Iteration, LastMap, Points, Positions, Seed, StopReason, StopWhenSettled,
    Transform, Tsne,
};
use tsne_testkit::{close, data, oracle};

fn quick() -> Tsne {
    Tsne::new().perplexity(10.0).early_exaggeration_iter(30).n_iter(40).callbacks_every_iters(10)
}

fn blobs() -> data::DataSet {
    data::blobs(Seed(3), 200, 6, 4)
}

/// Iteration, divergence and positions that were seen.
type Seen = (usize, f64, Vec<[f64; 2]>);

/// Remembers what it is told, and acts at one iteration.
#[derive(Default)]
struct Witness {
    starts: AtomicUsize,
    seen: Mutex<Vec<Seen>>,
    act: Option<(usize, Act)>,
}

#[derive(Clone, Copy)]
enum Act {
    Stop,
    Fail,
    Panic,
}

impl Witness {
    fn acting(at: usize, act: Act) -> Arc<Self> {
        Arc::new(Self { act: Some((at, act)), ..Self::default() })
    }

    fn iterations(&self) -> Vec<usize> {
        self.seen.lock().expect("not poisoned").iter().map(|seen| seen.0).collect()
    }
}

impl Callback<2> for Witness {
    fn optimization_about_to_start(&self) {
        self.starts.fetch_add(1, Ordering::Relaxed);
    }

    fn call(&self, seen: &Iteration<'_, 2>) -> Result<ControlFlow<()>, BackendError> {
        let at = {
            let mut all = self.seen.lock().expect("not poisoned");
            all.push((seen.iteration, seen.kl_divergence, seen.positions.to_f64()));
            all.len()
        };
        match self.act {
            Some((when, Act::Stop)) if when == at => Ok(ControlFlow::Break(())),
            Some((when, Act::Fail)) if when == at => Err(BackendError::new("out of paper")),
            Some((when, Act::Panic)) if when == at => panic!("a callback that panics"),
            _ => Ok(ControlFlow::Continue(())),
        }
    }
}

#[test]
fn callbacks_see_every_so_many_iterations_and_the_true_divergence() {
    let set = blobs();
    let witness = Arc::new(Witness::default());
    let map = quick().shared_callback(witness.clone()).fit(set.points()).expect("a plain fit");
    assert_eq!(witness.iterations(), [10, 20, 30, 10, 20, 30, 40], "iterations of the current run");
    assert_eq!(witness.starts.load(Ordering::Relaxed), 2, "one start for each phase");
    for (iteration, kl, positions) in &*witness.seen.lock().expect("not poisoned") {
        let want = oracle::kl_divergence(tsne::StudentT::CAUCHY, map.affinities(), positions);
        close::assert_close_value(*kl, want, 1e-9, 0.0, &format!("KL at iteration {iteration}"));
    }
    let bare = quick().fit(set.points()).expect("a plain fit");
    assert_eq!(map.state(), bare.state(), "being watched changes nothing");
}

#[test]
fn single_precision_positions_are_seen_as_they_are() {
    let x = blobs().to_f32();
    let is_f32 = |seen: &Iteration<'_, 2>| {
        assert!(matches!(seen.positions, Positions::F32(_)), "the precision of the fit");
        assert_eq!((seen.positions.len(), seen.positions.is_empty()), (200, false), "all points");
        ControlFlow::Continue(())
    };
    quick().callback(is_f32).fit(Points::from_row_major(&x, 6).expect("rows")).expect("a plain fit");
}

#[test]
fn several_callbacks_are_all_told() {
    let set = blobs();
    let (a, b) = (Arc::new(Witness::default()), Witness::acting(2, Act::Stop));
    let config = quick().shared_callback(b.clone()).shared_callback(a.clone());
    config.fit(set.points()).expect("a stopped fit");
    assert_eq!(
        (a.iterations(), b.iterations()),
        (vec![10, 20], vec![10, 20]),
        "the stop of one is seen by both"
    );
    let later = Arc::new(Witness::default());
    config
        .no_callbacks()
        .shared_callback(later.clone())
        .callbacks_every_iters(30)
        .fit(set.points())
        .expect("a fit");
    assert_eq!((a.iterations().len(), later.iterations()), (2, vec![30, 30]), "replaced callbacks");
    let mut map = quick().no_callbacks().n_iter(0).fit(set.points()).expect("a fit");
    let once = Arc::new(Witness::default());
    map.optimize(&map.optimization().shared_callback(once.clone()).callbacks_every_iters(1).n_iter(1))
        .expect("a run");
    assert_eq!(once.iterations(), [1], "every iteration");
}

/// (look at which it acts, iteration of the phase, iterations made until then) in each phase.
const PHASES: [(usize, usize, usize); 2] = [(2, 20, 19), (5, 20, 49)];

#[test]
fn a_stop_ends_the_fit_with_the_map_it_saw() {
    let set = blobs();
    for (at, iteration, made) in PHASES {
        let witness = Witness::acting(at, Act::Stop);
        let config = quick().shared_callback(witness.clone());
        let map = config.fit(set.points()).expect("a stop is no error");
        let seen = witness.seen.lock().expect("not poisoned").last().cloned().expect("something was seen");
        assert_eq!(map.report().stop, StopReason::Interrupted { iteration }, "look {at}");
        assert_eq!(map.report().n_iter, made, "look {at}: iterations made");
        assert_eq!(map.positions(), seen.2, "look {at}: the positions that were seen");
        close::assert_close_value(map.kl_divergence(), seen.1, 1e-12, 0.0, "their divergence");

        let propagating = quick().propagate_exception(true).shared_callback(Witness::acting(at, Act::Stop));
        let error = propagating.fit(set.points()).expect_err("a stop is an error for those who want it");
        assert_eq!(error.code(), None, "an interruption is no fault");
        let Error::OptimizationInterrupted { iteration: i, error: kl, final_embedding } = error else {
            panic!("another error: {error}")
        };
        assert_eq!(i, iteration, "look {at}");
        close::assert_close_value(kl, seen.1, 1e-12, 0.0, "the error of the interruption");
        let last = final_embedding.and_then(LastMap::into_embedding::<f64, 2>).expect("the map");
        assert_eq!(last.state(), map.state(), "look {at}: the same map");
    }
}

#[test]
fn a_failure_comes_back_with_the_map() {
    let set = blobs();
    for (at, iteration, made) in PHASES {
        let witness = Witness::acting(at, Act::Fail);
        let error =
            quick().shared_callback(witness.clone()).fit(set.points()).expect_err("the callback fails");
        assert!(error.to_string().contains("out of paper"), "{error}");
        assert!(matches!(error, Error::Callback { iteration: i, .. } if i == iteration), "{error}");
        let map = error.into_last_map().and_then(LastMap::into_embedding::<f64, 2>).expect("the map");
        let seen = witness.seen.lock().expect("not poisoned").last().cloned().expect("something was seen");
        assert_eq!(map.positions(), seen.2, "look {at}: the positions that were seen");
        assert_eq!(map.report().n_iter, made, "look {at}: iterations made");
        let whole = quick().fit(set.points()).expect("a plain fit");
        assert_eq!(map.affinities(), whole.affinities(), "P is as it was");
    }
    // Of the wrong type, nothing comes back.
    let error = quick().shared_callback(Witness::acting(1, Act::Fail)).fit(set.points()).expect_err("fails");
    assert!(
        error.into_last_map().and_then(LastMap::into_embedding::<f32, 2>).is_none(),
        "not of this precision"
    );
}

#[test]
fn a_panic_leaves_the_map_where_it_was_seen() {
    let set = blobs();
    let data = Arc::new(Data::copy_of(set.points()));
    let mut map = quick().fit(&data).expect("a plain fit");
    let p = map.affinities().clone();
    let witness = Witness::acting(2, Act::Panic);
    let run = map.optimization().n_iter(50).shared_callback(witness.clone());
    let result = catch_unwind(AssertUnwindSafe(|| map.optimize(&run)));
    assert!(result.is_err(), "the panic comes through");
    let seen = witness.seen.lock().expect("not poisoned").last().cloned().expect("something was seen");
    assert_eq!(map.positions(), seen.2, "the last positions");
    assert_eq!(map.affinities(), &p, "P");
    map.optimize(&map.optimization().n_iter(5)).expect("the map can go on");

    let new = Points::from_row_major(&set.values[..12], 6).expect("rows");
    let mut partial = map.prepare_partial(new, &Transform::new()).expect("two new points");
    let before = map.positions().to_vec();
    let witness = Witness::acting(2, Act::Panic);
    let run = partial.optimization().shared_callback(witness.clone());
    assert!(catch_unwind(AssertUnwindSafe(|| partial.optimize(&run))).is_err(), "the panic comes through");
    let seen = witness.seen.lock().expect("not poisoned").last().cloned().expect("something was seen");
    assert_eq!(partial.positions(), seen.2, "the last positions of the new points");
    assert_eq!((partial.reference_positions(), map.positions()), (&before[..], &before[..]), "the map");
}

#[test]
fn callbacks_are_inherited_by_transform() {
    let set = blobs();
    let witness = Arc::new(Witness::default());
    let data = Arc::new(Data::copy_of(set.points()));
    let map = quick().shared_callback(witness.clone()).fit(&data).expect("a plain fit");
    witness.seen.lock().expect("not poisoned").clear();
    let new = Points::from_row_major(&set.values[..12], 6).expect("rows");
    map.transform_with(new, &Transform::new().early_exaggeration_iter(10).n_iter(20))
        .expect("two new points");
    assert_eq!(witness.iterations(), [10, 10, 20], "both phases of the transform");
    assert_eq!(witness.starts.load(Ordering::Relaxed), 4, "two phases of each");
    // A stop during a transform ends it with the points as they are, or as an error that carries them.
    for propagate in [false, true] {
        let mut map = map.clone();
        let run = map.optimization().no_callbacks().propagate_exception(propagate);
        map.set_optimization(run.shared_callback(Witness::acting(2, Act::Stop)));
        let partial = match map.transform(new) {
            Ok(partial) if !propagate => partial,
            Err(error) if propagate => {
                error.into_last_map().and_then(LastMap::into_partial::<f64, 2>).expect("the new points")
            }
            other => panic!("{other:?}"),
        };
        assert_eq!(partial.n_iter(), 19, "iterations made");
    }
}

#[test]
fn a_run_that_has_settled_is_stopped_by_the_rule_for_it() {
    let set = blobs();
    let mut map = quick().n_iter(300).fit(set.points()).expect("a plain fit");
    let rule = StopWhenSettled::new(1e-3, 2);
    let stop = map.optimize(&map.optimization().n_iter(5000).callback(rule)).expect("a run");
    let StopReason::Interrupted { iteration } = stop else {
        panic!("5000 iterations were not enough: {stop:?}")
    };
    assert!(iteration >= 30, "not before there were two looks without a gain: {iteration}");
    // A rule that asks for no gain at all does not stop a run that gains.
    let mut fresh = quick().prepare_initial(set.points()).expect("a plain fit");
    let stop = fresh.optimize(&fresh.optimization().n_iter(60).callback(StopWhenSettled::new(0.0, 50)));
    assert_eq!(stop.expect("a run"), StopReason::Completed, "still getting better");
}
