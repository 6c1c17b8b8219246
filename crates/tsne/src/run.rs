//! One run of the optimizer, watched: callbacks, observers, recoveries, and what it leaves behind.

use std::ops::ControlFlow;
use std::sync::Arc;

use tsne_core::{BackendError, Control, Csr, NegativeGradient, Scalar, Tick};
use tsne_optim::{CheckedAffinities, Descent, Progress, State, StopReason};

use crate::callbacks::{Iteration, Positions};
use crate::{Error, Optimization, Report, Stage, Warning};

/// Times a run goes back and on with half the learning rate before it gives up.
const MAX_RECOVERIES: u32 = 5;

/// What an observer is told.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Event<'a, T, const D: usize> {
    /// How far a stage has come. During the descent, before every iteration.
    Tick {
        /// The stage.
        stage: Stage,
        /// Units of it that are done.
        tick: Tick,
    },
    /// The map now and then, every [`callbacks_every_iters`](crate::Tsne::callbacks_every_iters) iterations.
    Iteration {
        /// The phase of the descent.
        stage: Stage,
        /// Iteration of this phase, and the divergence at exactly these positions.
        progress: Progress,
        /// The positions.
        positions: &'a [[T; D]],
    },
}

/// Someone who watches from outside: called often, from any thread, and may break.
pub(crate) type Observer<'a, T, const D: usize> = dyn Fn(Event<'_, T, D>) -> ControlFlow<()> + Sync + 'a;

/// Tells the observer, if there is one, how far a stage has come.
pub(crate) fn tell<T, const D: usize>(
    observe: Option<&Observer<'_, T, D>>,
    stage: Stage,
    tick: Tick,
) -> ControlFlow<()> {
    observe.map_or(ControlFlow::Continue(()), |observe| observe(Event::Tick { stage, tick }))
}

/// Shows a run to its callbacks and its observer, if it has any.
pub(crate) struct Watch<'a, T, const D: usize> {
    run: &'a Optimization<D>,
    stage: Stage,
    observe: Option<&'a Observer<'a, T, D>>,
    by_callback: bool,
    failure: Option<BackendError>,
}

impl<'a, T: Scalar, const D: usize> Watch<'a, T, D> {
    /// Tells the callbacks that it starts.
    pub(crate) fn new(
        run: &'a Optimization<D>,
        stage: Stage,
        observe: Option<&'a Observer<'a, T, D>>,
    ) -> Self {
        run.callbacks.about_to_start();
        Self { run, stage, observe, by_callback: false, failure: None }
    }

    /// Iterations between two looks, 0 where nobody looks: a divergence that nobody sees is not computed.
    pub(crate) fn every(&self) -> usize {
        let is_watched = self.observe.is_some() || !self.run.callbacks.is_empty();
        if is_watched { self.run.callbacks_every_iters } else { 0 }
    }

    /// Shows an iteration.
    pub(crate) fn see(&mut self, progress: &Progress, positions: &[[T; D]]) -> ControlFlow<()> {
        let Progress { iteration, kl_divergence, .. } = *progress;
        let seen = Iteration { iteration, kl_divergence, positions: Positions::of(positions) };
        match self.run.callbacks.call(&seen) {
            Ok(ControlFlow::Continue(())) => {
                let event = Event::Iteration { stage: self.stage, progress: *progress, positions };
                self.observe.map_or(ControlFlow::Continue(()), |observe| observe(event))
            }
            Ok(ControlFlow::Break(())) => {
                self.by_callback = true;
                ControlFlow::Break(())
            }
            Err(error) => {
                self.failure = Some(error);
                ControlFlow::Break(())
            }
        }
    }

    /// What a stop at this divergence means: nothing unusual, or an error, of a callback or because the run propagates.
    pub(crate) fn judge(self, stop: StopReason, error: f64) -> Result<StopReason, Error> {
        let StopReason::Interrupted { iteration } = stop else { return Ok(stop) };
        match self.failure {
            Some(source) => Err(Error::Callback { iteration, error, source, final_embedding: None }),
            None if self.by_callback && self.run.propagate => {
                Err(Error::OptimizationInterrupted { iteration, error, final_embedding: None })
            }
            None => Ok(stop),
        }
    }
}

/// Iterations made in a run of `n_iter` that ended so.
pub(crate) fn iterations_made(stop: StopReason, n_iter: usize) -> usize {
    match stop {
        StopReason::Interrupted { iteration } => iteration - 1,
        _ => n_iter,
    }
}

/// Moves `state` through one run and adds to its `report`. Whatever happens, an error or a panic of a callback, `state` is
/// what the run came to.
pub(crate) fn descend<T: Scalar, const D: usize>(
    affinities: CheckedAffinities<&mut Arc<Csr<T>>>,
    state: &mut State<T, D>,
    report: &mut Report,
    repulsion: &mut dyn NegativeGradient<T, D>,
    run: &Optimization<D>,
    stage: Stage,
    observe: Option<&Observer<'_, T, D>>,
) -> Result<StopReason, Error> {
    let descent = Descent::along(affinities, repulsion, state.clone())?;
    let mut home = Home { state, descent };
    let hook = |tick| tell(observe, stage, tick);
    let mut watch = Watch::new(run, stage, observe);
    let warnings = &mut report.warnings;
    let stop = home.descent.run_recovering(
        &run.phase,
        &Control::new(&hook),
        watch.every(),
        |progress, positions| watch.see(progress, positions),
        MAX_RECOVERIES,
        |recovery| warnings.push(Warning::Recovered(recovery)),
    );
    let diverged = matches!(stop, Err(tsne_optim::Error::Diverged { .. }));
    if stop.is_ok() || diverged {
        report.kl_divergence = home.descent.kl_divergence()?;
    }
    let stop = stop?;
    report.n_iter += iterations_made(stop, run.phase.n_iter);
    report.stop = stop;
    watch.judge(stop, report.kl_divergence)
}

/// Brings the state of a descent home when it goes out of scope.
struct Home<'a, 'p, 'g, T: Scalar, const D: usize> {
    state: &'a mut State<T, D>,
    descent: Descent<T, D, &'p mut Arc<Csr<T>>, &'g mut dyn NegativeGradient<T, D>>,
}

impl<T: Scalar, const D: usize> Drop for Home<'_, '_, '_, T, D> {
    fn drop(&mut self) {
        self.state.clone_from(self.descent.state());
    }
}

#[cfg(test)]
mod tests {
    use std::ops::ControlFlow;

    use super::{Event, Watch};
    use crate::{Iteration, Optimization, Stage};

    #[test]
    fn divergences_are_computed_for_those_who_look() {
        let run = Optimization::<2>::new().callbacks_every_iters(7);
        let observer = |_: Event<'_, f32, 2>| ControlFlow::Continue(());
        let callback = |_: &Iteration<'_, 2>| ControlFlow::Continue(());
        let every =
            |run: &Optimization<2>, observe| Watch::<f32, 2>::new(run, Stage::Optimization, observe).every();
        assert_eq!(every(&run, None), 0, "nobody");
        assert_eq!(every(&run, Some(&observer)), 7, "an observer");
        assert_eq!(every(&run.clone().callback(callback), None), 7, "a callback");
    }
}
