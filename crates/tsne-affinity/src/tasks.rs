//! Cutting work over rows into tasks, and reporting it.

use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};

use tsne_core::{Control, Interrupted};

/// Rows a task handles at once: large enough to make its overhead vanish, small enough to report progress often.
pub(crate) const ROWS_PER_TASK: usize = 512;

/// Counts rows over all passes and reports them.
pub(crate) struct Progress<'a> {
    control: &'a Control<'a>,
    done: AtomicUsize,
    total: usize,
}

impl<'a> Progress<'a> {
    pub(crate) fn new(control: &'a Control<'a>, total: usize) -> Self {
        Self { control, done: AtomicUsize::new(0), total }
    }

    /// Reports `rows` more.
    pub(crate) fn advance(&self, rows: usize) -> Result<(), Interrupted> {
        let done = self.done.fetch_add(rows, Ordering::Relaxed) + rows;
        self.control.tick(done, self.total)
    }
}

/// The rows of one task.
pub(crate) fn rows_of_task(task: usize, n: usize) -> Range<usize> {
    task * ROWS_PER_TASK..((task + 1) * ROWS_PER_TASK).min(n)
}

/// Cuts `entries` into consecutive pieces of these lengths.
pub(crate) fn cut<E>(
    mut entries: &mut [E],
    lengths: impl Iterator<Item = usize>,
) -> impl Iterator<Item = &mut [E]> {
    lengths.map(move |length| {
        let (piece, rest) = std::mem::take(&mut entries).split_at_mut(length);
        entries = rest;
        piece
    })
}

/// Replaces counts by their running sum, and returns the array.
pub(crate) fn running_sum(mut counts: Vec<usize>) -> Vec<usize> {
    let mut sum = 0;
    for count in &mut counts {
        sum += *count;
        *count = sum;
    }
    counts
}

/// The first error in the order of the tasks, so that it does not depend on which came first.
pub(crate) fn first_error<V, E>(results: Vec<Result<V, E>>) -> Result<Vec<V>, E> {
    results.into_iter().collect()
}
