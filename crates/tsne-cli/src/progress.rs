//! Progress on standard error: a bar, plain lines, or JSON for programs.

use std::io::IsTerminal;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use tsne::{Scalar, Stage};

use crate::args::{ProgressKind, TellingArgs};
use crate::exit::tell;
use crate::report::resident_memory;

/// Listens to a fit and shows how far it is. Called from any thread.
pub(crate) struct Progress {
    shown: Shown,
    start: Instant,
    totals: [usize; 2],
    current: Mutex<Option<Current>>,
}

/// The stage that is on its way, and when and where it began here: a run that is gone on with has iterations behind it.
#[derive(Clone, Copy)]
struct Current {
    stage: Stage,
    start: Instant,
    first: usize,
}

enum Shown {
    Bar(ProgressBar),
    Plain,
    Json,
    Nothing,
}

impl Progress {
    /// Progress of a fit whose phases have `totals` iterations.
    pub(crate) fn new(telling: &TellingArgs, totals: [usize; 2]) -> Self {
        let is_terminal = std::io::stderr().is_terminal();
        let shown = match telling.progress {
            _ if telling.quiet => Shown::Nothing,
            ProgressKind::Auto if is_terminal => Shown::Bar(bar()),
            ProgressKind::Auto | ProgressKind::Plain => Shown::Plain,
            ProgressKind::Json => Shown::Json,
            ProgressKind::None => Shown::Nothing,
        };
        Self { shown, start: Instant::now(), totals, current: Mutex::new(None) }
    }

    /// Removes the bar, if there is one.
    pub(crate) fn finish(&self) {
        if let Shown::Bar(bar) = &self.shown {
            bar.finish_and_clear();
        }
    }

    /// Shows how far a stage is.
    pub(crate) fn tick(&self, stage: Stage, done: usize, total: usize) {
        let is_new = {
            let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
            let is_new = current.is_none_or(|current| current.stage != stage);
            if is_new {
                *current = Some(Current { stage, start: Instant::now(), first: done });
            }
            is_new
        };
        match &self.shown {
            Shown::Bar(bar) => {
                if is_new {
                    bar.set_length(total as u64);
                    bar.set_prefix(stage.to_string());
                    bar.set_message("");
                }
                bar.set_position(done as u64);
            }
            Shown::Json if is_new => {
                tell(serde_json::json!({
                    "stage": stage.to_string(),
                    "elapsed_s": self.start.elapsed().as_secs_f64(),
                    "rss_bytes": resident_memory(),
                }));
            }
            _ => {}
        }
    }

    /// Shows an iteration that is about to be made at these positions.
    pub(crate) fn iteration<T: Scalar, const D: usize>(
        &self,
        stage: Stage,
        iteration: usize,
        kl_divergence: f64,
        positions: &[[T; D]],
    ) {
        let total = self.totals[usize::from(stage == Stage::Optimization)];
        match &self.shown {
            Shown::Bar(bar) => bar.set_message(format!("KL {kl_divergence:.4}")),
            Shown::Plain => {
                tell(format_args!("{:<19}{iteration:>5}/{total}  KL {kl_divergence:.4}", stage.to_string()));
            }
            Shown::Json => tell(serde_json::json!({
                "stage": stage.to_string(),
                "iteration": iteration,
                "n_iter": total,
                "kl": kl_divergence,
                "span": span(positions),
                "elapsed_s": self.start.elapsed().as_secs_f64(),
                "eta_s": self.seconds_left(stage, iteration),
                "rss_bytes": resident_memory(),
            })),
            Shown::Nothing => {}
        }
    }

    /// Seconds until the descent ends, if all iterations take as long as those of this stage have taken here.
    fn seconds_left(&self, stage: Stage, iteration: usize) -> Option<f64> {
        let current = (*self.current.lock().unwrap_or_else(PoisonError::into_inner))?;
        let done = iteration.saturating_sub(1);
        let made = done.checked_sub(current.first).filter(|&made| made > 0 && current.stage == stage)?;
        let seconds = current.start.elapsed().as_secs_f64();
        Some(seconds * iterations_left(self.totals, stage, done) as f64 / made as f64)
    }
}

/// Iterations of both phases that are left after so many of one of them.
fn iterations_left([early, main]: [usize; 2], stage: Stage, done: usize) -> usize {
    match stage {
        Stage::Optimization => main.saturating_sub(done),
        _ => early.saturating_sub(done).saturating_add(main),
    }
}

/// Largest extent of a map along an axis.
fn span<T: Scalar, const D: usize>(positions: &[[T; D]]) -> f64 {
    let extent = |axis: usize| {
        let along = positions.iter().map(|y| y[axis].to_f64());
        let (low, high) =
            along.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), y| (low.min(y), high.max(y)));
        high - low
    };
    (0..D).map(extent).fold(0.0, f64::max)
}

fn bar() -> ProgressBar {
    let style = ProgressStyle::with_template("{prefix:<19}{bar:30} {pos:>5}/{len}  {msg}  {elapsed}");
    let style = style.expect("the template is well formed").progress_chars("━╸─");
    ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr()).with_style(style)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_counts_the_phase_to_come() {
        let left = |stage, done| iterations_left([250, 500], stage, done);
        assert_eq!(left(Stage::EarlyExaggeration, 0), 750, "all");
        assert_eq!(left(Stage::EarlyExaggeration, 249), 501, "one and the second phase");
        assert_eq!(left(Stage::Optimization, 499), 1, "one");
        assert_eq!(left(Stage::Optimization, 700), 0, "a map that was run longer");
    }

    #[test]
    fn a_span_is_that_of_the_longest_axis() {
        assert_eq!(span(&[[1.0_f32, -4.0], [2.0, 3.0], [0.0, 0.0]]), 7.0, "the second axis");
        assert_eq!(span::<f64, 3>(&[[1.0, 2.0, 3.0]]), 0.0, "a point");
        assert_eq!(span::<f64, 1>(&[]), 0.0, "nothing");
    }
}
