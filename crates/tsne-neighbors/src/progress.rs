//! Steps done of a long search, counted over all threads.

use std::sync::atomic::{AtomicUsize, Ordering};

use tsne_core::Control;

use crate::error::Error;

/// Counts steps and tells the caller's hook.
#[derive(Debug)]
pub(crate) struct Progress<'a> {
    control: &'a Control<'a>,
    done: AtomicUsize,
    total: usize,
}

impl<'a> Progress<'a> {
    pub(crate) fn new(control: &'a Control<'a>, total: usize) -> Self {
        Self { control, done: AtomicUsize::new(0), total }
    }

    /// Reports `steps` more steps; with 0, only asks whether to go on.
    pub(crate) fn advance(&self, steps: usize) -> Result<(), Error> {
        let done = self.done.fetch_add(steps, Ordering::Relaxed) + steps;
        Ok(self.control.tick(done.min(self.total), self.total)?)
    }
}
