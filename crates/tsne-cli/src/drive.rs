//! Drives a descent through its phases: stops on a signal, pauses for checkpoints, and goes on to the same bits.

use std::ops::ControlFlow;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tsne::{Error, Event, Phase, Scalar, Stage, TsneEmbedding};

use crate::exit::Failure;
use crate::progress::Progress;
use crate::signal::{Signal, Stop};

/// The two phases of a run.
pub(crate) type Phases = [(Stage, Phase); 2];

/// Of a run that is not gone on with once it was stopped.
pub(crate) const NO_PHASES: Phases = [
    (Stage::EarlyExaggeration, Phase { n_iter: 0, ..Phase::standard() }),
    (Stage::Optimization, Phase { n_iter: 0, ..Phase::standard() }),
];

/// The map after so many iterations.
#[derive(Debug)]
pub(crate) struct Snapshot<T, const D: usize> {
    pub(crate) iteration: usize,
    pub(crate) positions: Vec<[T; D]>,
}

/// What a descent is watched by.
pub(crate) struct Driver<'a, T, const D: usize> {
    phases: Phases,
    stop: &'a Stop,
    progress: &'a Progress,
    /// Time between two checkpoints; none where none are asked for.
    every: Option<Duration>,
    saved: Mutex<Instant>,
    /// Maps that are to be kept on the way, evenly spaced in iterations.
    n_snapshots: usize,
    snapshots: Mutex<Vec<Snapshot<T, D>>>,
    /// Whether what lies between the search for neighbors and the descent is over so soon that a signal can wait for it.
    is_quick: bool,
}

/// How a descent ended.
#[derive(Debug)]
pub(crate) enum End {
    Completed,
    Stopped(Signal),
    /// The map is the last good one.
    Failed(Failure),
}

impl End {
    /// How the report says it.
    pub(crate) fn reason(&self) -> &'static str {
        match self {
            Self::Completed => "completed",
            Self::Stopped(signal) => signal.name(),
            Self::Failed(failure) => failure.code(),
        }
    }
}

/// A map, and how long the phases took that were run on it here.
#[derive(Debug)]
pub(crate) struct Driven<T: Scalar, const D: usize> {
    pub(crate) map: TsneEmbedding<T, D>,
    pub(crate) timings: Vec<(Stage, Duration)>,
    pub(crate) snapshots: Vec<Snapshot<T, D>>,
    pub(crate) end: End,
}

impl<'a, T: Scalar, const D: usize> Driver<'a, T, D> {
    pub(crate) fn new(
        phases: Phases,
        stop: &'a Stop,
        progress: &'a Progress,
        every: Option<Duration>,
        n_snapshots: usize,
    ) -> Self {
        let (saved, snapshots) = (Mutex::new(Instant::now()), Mutex::new(Vec::new()));
        Self { phases, stop, progress, every, saved, n_snapshots, snapshots, is_quick: false }
    }

    /// A signal that arrives once the neighbors are found waits for the descent to begin, so that there is a map to save.
    pub(crate) fn keeping_neighbors(self) -> Self {
        Self { is_quick: true, ..self }
    }

    /// Shows an event of a whole fit, and breaks when it is to stop or pause.
    pub(crate) fn observe(&self, event: Event<'_, T, D>) -> ControlFlow<()> {
        self.observe_from(None, event)
    }

    /// The same in a run of its own, which goes on with a stage after so many iterations.
    fn observe_from(&self, from: Option<(Stage, usize)>, event: Event<'_, T, D>) -> ControlFlow<()> {
        let place = |stage| from.unwrap_or((stage, 0));
        let (mut pauses, mut waits) = (false, false);
        match event {
            Event::Tick { stage, tick } => {
                let (stage, before) = place(stage);
                waits = self.is_quick && matches!(stage, Stage::Affinities | Stage::Initialization);
                self.progress.tick(stage, before + tick.done, before + tick.total);
                // A run that has made no iteration yet would be paused for ever.
                pauses = is_descent(stage)
                    && tick.done > 0
                    && (self.is_due()
                        || self.is_to_be_kept(self.iterations_before(stage) + before + tick.done));
            }
            Event::Iteration { stage, progress, positions } => {
                let (stage, before) = place(stage);
                let iteration = before + progress.iteration;
                self.progress.iteration(stage, iteration, progress.kl_divergence, positions);
            }
            // Events of later versions are not shown.
            _ => {}
        }
        if pauses || (self.stop.signal().is_some() && !waits) {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    }

    /// The maps that were kept.
    pub(crate) fn into_snapshots(self) -> Vec<Snapshot<T, D>> {
        self.snapshots.into_inner().unwrap_or_else(PoisonError::into_inner)
    }

    fn kept(&self) -> MutexGuard<'_, Vec<Snapshot<T, D>>> {
        self.snapshots.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the map after so many iterations is one to be kept that is not yet.
    fn is_to_be_kept(&self, iteration: usize) -> bool {
        let [(_, early), (_, main)] = &self.phases;
        let total = early.n_iter.saturating_add(main.n_iter);
        is_place(iteration, self.n_snapshots, total)
            && self.kept().last().is_none_or(|last| last.iteration < iteration)
    }

    /// Iterations of the stages before this one.
    fn iterations_before(&self, stage: Stage) -> usize {
        self.phases.iter().take_while(|(earlier, _)| *earlier != stage).map(|(_, phase)| phase.n_iter).sum()
    }

    fn is_due(&self) -> bool {
        let saved = self.saved.lock().unwrap_or_else(PoisonError::into_inner);
        self.every.is_some_and(|every| saved.elapsed() >= every)
    }

    /// Takes a map through what is left of the phases; `save` is called whenever a checkpoint is due.
    pub(crate) fn finish(
        self,
        mut map: TsneEmbedding<T, D>,
        mut save: impl FnMut(&TsneEmbedding<T, D>) -> Result<(), Failure>,
    ) -> Result<Driven<T, D>, Failure> {
        let mut timings = map.report().timings.clone();
        loop {
            let n_iter = map.report().n_iter;
            if self.is_to_be_kept(n_iter) {
                self.kept().push(Snapshot { iteration: n_iter, positions: map.positions().to_vec() });
            }
            let Some((stage, before, phase)) = self.rest(n_iter) else {
                return Ok(Driven { map, timings, snapshots: self.into_snapshots(), end: End::Completed });
            };
            if let Some(signal) = self.stop.signal() {
                let snapshots = self.into_snapshots();
                return Ok(Driven { map, timings, snapshots, end: End::Stopped(signal) });
            }
            if self.is_due() {
                save(&map)?;
                *self.saved.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
            }
            let start = Instant::now();
            let run = map.optimization().phase(phase);
            let result =
                map.optimize_observed(&run, &|event| self.observe_from(Some((stage, before)), event));
            timings.push((stage, start.elapsed()));
            if let Err(error) = result {
                let end = End::Failed(Failure::of_fit(&error, ""));
                return Ok(Driven { map, timings, snapshots: self.into_snapshots(), end });
            }
        }
    }

    /// What is left after so many iterations: the stage, its iterations that are made, and those that are not.
    fn rest(&self, done: usize) -> Option<(Stage, usize, Phase)> {
        let mut before = done;
        for (stage, phase) in self.phases {
            if before < phase.n_iter {
                return Some((stage, before, Phase { n_iter: phase.n_iter - before, ..phase }));
            }
            before -= phase.n_iter;
        }
        None
    }
}

/// The map that a fit came to, or the reason why there is none: a signal, or a fault.
pub(crate) enum Fitted<T: Scalar, const D: usize> {
    Map(TsneEmbedding<T, D>),
    /// With the fault that ended it.
    LastGood(TsneEmbedding<T, D>, Failure),
    /// Stopped before there was a map.
    Nothing(Signal, Stage),
}

/// Sorts what a fit returned.
pub(crate) fn sort<T: Scalar, const D: usize>(
    result: Result<TsneEmbedding<T, D>, Error>,
    stop: &Stop,
    input: &str,
) -> Result<Fitted<T, D>, Failure> {
    match (result, stop.signal()) {
        (Ok(map), _) => Ok(Fitted::Map(map)),
        (Err(Error::Interrupted { stage }), Some(signal)) => Ok(Fitted::Nothing(signal, stage)),
        (Err(error), _) => {
            let failure = Failure::of_fit(&error, input);
            match error.into_last_map().and_then(tsne::LastMap::into_embedding) {
                Some(map) => Ok(Fitted::LastGood(map, failure)),
                None => Err(failure),
            }
        }
    }
}

/// Whether one of `n` maps evenly spaced over `total` iterations, the last at the end, is the one after `iteration`.
fn is_place(iteration: usize, n: usize, total: usize) -> bool {
    let (iteration, n, total) = (iteration as u128, n as u128, total as u128);
    if n == 0 || total == 0 {
        return n > 0 && iteration == 0;
    }
    // The first of them that is not before this iteration.
    let number = (iteration * n).div_ceil(total);
    (1..=n).contains(&number) && number * total / n == iteration
}

/// Whether a stage moves the map.
fn is_descent(stage: Stage) -> bool {
    matches!(stage, Stage::EarlyExaggeration | Stage::Optimization)
}

#[cfg(test)]
mod tests {
    use super::is_place;

    #[test]
    fn maps_on_the_way_are_evenly_spaced() {
        let places = |n, total| -> Vec<usize> { (0..=total).filter(|&at| is_place(at, n, total)).collect() };
        assert_eq!(places(3, 750), [250, 500, 750], "the last is the finished map");
        assert_eq!(places(4, 10), [2, 5, 7, 10], "rounded down");
        assert_eq!(places(1, 7), [7], "one");
        assert_eq!(places(usize::MAX, 3), [1, 2, 3], "no more than there are iterations");
        assert_eq!(places(5, 0), [0], "the start, where nothing is moved");
        assert_eq!(places(0, 5), [0; 0], "none");
    }
}
