//! The hook through which long stages report progress and are told to stop.

use std::fmt;
use std::ops::ControlFlow;

/// How far a stage has come, in units of its own (rows searched, rounds made).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tick {
    /// Units done.
    pub done: usize,
    /// Units there are.
    pub total: usize,
}

/// A stage was told to stop by its [`Control`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("stopped on request")]
pub struct Interrupted;

/// Progress out, cancellation in: one function, called now and then during a long stage.
///
/// The function is called from worker threads, at least every 100 ms of work, in no fixed order. When it returns
/// [`ControlFlow::Break`] the stage ends soon with [`Interrupted`]. It cannot change a result otherwise.
///
/// ```
/// use std::ops::ControlFlow;
/// use std::sync::atomic::{AtomicBool, Ordering};
/// use tsne_core::{Control, Tick};
///
/// let cancel = AtomicBool::new(false);
/// let hook = |tick: Tick| {
///     assert!(tick.done <= tick.total);
///     if cancel.load(Ordering::Relaxed) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
/// };
/// let control = Control::new(&hook);
/// assert!(control.tick(1, 2).is_ok());
/// cancel.store(true, Ordering::Relaxed);
/// assert!(control.tick(2, 2).is_err());
/// ```
#[derive(Clone, Copy, Default)]
pub struct Control<'a>(Option<&'a (dyn Fn(Tick) -> ControlFlow<()> + Sync)>);

impl<'a> Control<'a> {
    /// Nobody listens and nobody stops.
    pub const NONE: Control<'static> = Control(None);

    /// Calls `hook` now and then.
    #[must_use]
    pub fn new(hook: &'a (dyn Fn(Tick) -> ControlFlow<()> + Sync)) -> Self {
        Self(Some(hook))
    }

    /// Reports `done` of `total` units.
    ///
    /// # Errors
    /// [`Interrupted`] when the hook says to stop.
    pub fn tick(&self, done: usize, total: usize) -> Result<(), Interrupted> {
        match self.0.map(|hook| hook(Tick { done, total })) {
            Some(ControlFlow::Break(())) => Err(Interrupted),
            _ => Ok(()),
        }
    }
}

impl fmt::Debug for Control<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "Control(hook)" } else { "Control(none)" })
    }
}
