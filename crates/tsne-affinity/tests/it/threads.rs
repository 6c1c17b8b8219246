//! The same bits whatever the number of threads, more than one of them at work, and all of them stopped on request.

use std::ops::ControlFlow;

use tsne_affinity::{AllPairs, Error, MultiscaleMixture, Options, PerplexityBased, Symmetrization, Uniform};
use tsne_core::{Control, KnnGraph, Seed};
use tsne_testkit::data;
use tsne_testkit::threads::{assert_parallel, assert_thread_invariant};

/// A graph of several tasks' rows whose links are pseudo-random: `k` distinct neighbors at rising distances.
fn large_graph(n: u64, k: u32) -> KnnGraph<f32> {
    let (mut neighbors, mut distances) = (Vec::new(), Vec::new());
    for i in 0..n {
        for position in 0..k {
            // Steps of odd multiples of a prime: different for every position, never back to i.
            let position = u64::from(position);
            let step = 1 + (position * 97 + Seed(i / 7).derive(0).0 % 53) % (n - 1);
            neighbors.push(u32::try_from((i + step) % n).expect("few points"));
            distances.push(1.0 + position as f32 / 10.0 + (Seed(i).derive(position).0 % 64) as f32 / 1000.0);
        }
    }
    KnnGraph::from_parts(k as usize, neighbors, distances).expect("n rows of k")
}

#[test]
fn bits_do_not_depend_on_threads() {
    let (options, control) = (Options::default(), Control::NONE);
    // Rows for several chunks, blocks, rounds and tasks.
    let neighbors = large_graph(6007, 48);
    let build = |symmetrize: bool| {
        let options = options.clone().with_symmetrize(symmetrize);
        let p = PerplexityBased::from_graph(neighbors.clone(), 16.0, &options, &control);
        p.expect("a legal perplexity").matrix().clone()
    };
    assert_thread_invariant("symmetric P", || build(true));
    assert_thread_invariant("directed P", || build(false));
    assert_thread_invariant("mixture", || {
        let p = MultiscaleMixture::from_graph(neighbors.clone(), &[4.0, 16.0], &options, &control);
        p.expect("legal perplexities").matrix().clone()
    });
    assert_thread_invariant("uniform", || {
        let p = Uniform::from_graph(neighbors.clone(), None, Symmetrization::Max, &control);
        p.expect("a legal graph").matrix().clone()
    });
    let set = data::blobs(Seed(1), 300, 5, 3);
    assert_thread_invariant("all pairs", || {
        let p = AllPairs::from_points(set.points(), 30.0, &options, &control);
        tsne_core::Affinities::into_csr(Box::new(p.expect("a legal perplexity")))
    });
}

#[test]
fn more_than_one_thread_works() {
    let neighbors = large_graph(20_011, 48);
    assert_parallel("calibration and symmetrization", || {
        let p = PerplexityBased::from_graph(neighbors.clone(), 16.0, &Options::default(), &Control::NONE);
        assert_eq!(p.expect("a legal perplexity").matrix().n_rows(), 20_011, "all rows");
    });
}

#[test]
fn every_stage_listens() {
    let neighbors = large_graph(3001, 48);
    let build = |control: &Control<'_>, symmetrize: bool| {
        let options = Options::default().with_symmetrize(symmetrize);
        PerplexityBased::from_graph(neighbors.clone(), 16.0, &options, control)
    };
    for symmetrize in [true, false] {
        let ticks = std::sync::Mutex::new(Vec::new());
        let hook = |tick| {
            ticks.lock().expect("no panic under the lock").push(tick);
            ControlFlow::Continue(())
        };
        build(&Control::new(&hook), symmetrize).expect("nobody stops it");
        let mut ticks = ticks.into_inner().expect("no panic under the lock");
        ticks.sort_by_key(|tick: &tsne_core::Tick| tick.done);
        let last = ticks.last().expect("some progress");
        assert_eq!(last.done, last.total, "all that was announced was done");
        // Stopping at any moment ends in the same error.
        for stop_at in ticks.iter().step_by(5) {
            let hook = |tick: tsne_core::Tick| {
                if tick.done >= stop_at.done { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
            };
            let error = build(&Control::new(&hook), symmetrize).expect_err("told to stop");
            assert!(matches!(error, Error::Interrupted(_)), "stopped at {}: {error}", stop_at.done);
        }
    }
}
