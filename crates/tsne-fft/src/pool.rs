//! Memory that tasks borrow while they run and hand on to the next.

use std::sync::{Mutex, PoisonError};

/// As many `T` as ever were in use at once.
#[derive(Debug)]
pub(crate) struct Pool<T>(Mutex<Vec<T>>);

impl<T> Default for Pool<T> {
    fn default() -> Self {
        Self(Mutex::new(Vec::new()))
    }
}

impl<T: Default> Pool<T> {
    /// Calls `work` with a `T` that nobody else has. It holds what the last user left there.
    pub(crate) fn lend<R>(&self, work: impl FnOnce(&mut T) -> R) -> R {
        let lock = || self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut item = lock().pop().unwrap_or_default();
        let result = work(&mut item);
        lock().push(item);
        result
    }
}
