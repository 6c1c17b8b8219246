//! A fit that is stopped from outside, kept, and taken up again, to the bits of one that never was.
#![allow(clippy::print_stdout, reason = "printing is what an example is for")]

use std::error::Error;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tsne::{Iteration, Phase, State, StopReason, Tsne, TsneEmbedding};
use tsne_testkit::data;

const N_ITER: usize = 300;

pub(crate) fn main() -> Result<(), Box<dyn Error>> {
    let digits = data::digits().first(400);
    let config = Tsne::new().n_iter(N_ITER);
    let whole = config.fit(digits.points())?;

    // What a signal handler, a button or another thread would set; here the third look at the main phase does.
    let stop = Arc::new(AtomicBool::new(false));
    let (button, look) = (Arc::clone(&stop), Arc::clone(&stop));

    // A fit is its phases, so it can be made of them.
    let mut map = config.prepare_initial(digits.points())?;
    map.optimize(&map.optimization().phase(Phase::early_exaggeration()))?;
    let main_phase = map.optimization().n_iter(N_ITER);
    let watched = main_phase
        .clone()
        .callbacks_every_iters(50)
        .callback(move |seen: &Iteration<'_, 2>| {
            println!("iteration {:>3}: KL {:.4}", seen.iteration, seen.kl_divergence);
            button.fetch_or(seen.iteration == 150, Ordering::Relaxed);
            ControlFlow::Continue(())
        })
        .callback(move |_: &Iteration<'_, 2>| {
            if look.load(Ordering::Relaxed) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
    let StopReason::Interrupted { iteration } = map.optimize(&watched)? else {
        return Err("the run was to be stopped".into());
    };
    // The map is where the callbacks saw it: the step of that iteration was not made.
    let made = iteration - 1;
    println!("stopped after {made} of {N_ITER} iterations");

    // Positions, velocity and gains are all there is to keep, beside the affinities.
    let kept: State<f64, 2> = map.state().clone();
    let affinities = map.joint_affinities().clone();
    drop(map);

    let mut resumed = TsneEmbedding::new(kept.positions.clone(), affinities, main_phase.clone())?;
    resumed.set_state(kept)?;
    resumed.optimize(&main_phase.n_iter(N_ITER - made))?;
    assert_eq!(resumed.state(), whole.state(), "as if it had never been stopped");
    println!("resumed to the same bits, KL {:.4}", resumed.kl_divergence());
    Ok(())
}
