//! Progress on standard error: a bar, plain lines, or JSON for programs.

use std::io::IsTerminal;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use tsne::Stage;

use crate::args::{ProgressKind, TellingArgs};
use crate::exit::tell;

/// Listens to a fit and shows how far it is. Called from any thread.
pub(crate) struct Progress {
    shown: Shown,
    start: Instant,
    totals: [usize; 2],
    stage: Mutex<Option<Stage>>,
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
        Self { shown, start: Instant::now(), totals, stage: Mutex::new(None) }
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
            let mut current = self.stage.lock().unwrap_or_else(PoisonError::into_inner);
            current.replace(stage) != Some(stage)
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
                }));
            }
            _ => {}
        }
    }

    /// Shows an iteration.
    pub(crate) fn iteration(&self, stage: Stage, iteration: usize, kl_divergence: f64) {
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
                "elapsed_s": self.start.elapsed().as_secs_f64(),
            })),
            Shown::Nothing => {}
        }
    }
}

fn bar() -> ProgressBar {
    let style = ProgressStyle::with_template("{prefix:<19}{bar:30} {pos:>5}/{len}  {msg}  {elapsed}");
    let style = style.expect("the template is well formed").progress_chars("━╸─");
    ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr()).with_style(style)
}
