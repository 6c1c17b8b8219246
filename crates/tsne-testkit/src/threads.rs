//! Results that must not depend on the number of threads, and work that must use more than one.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use rayon::{ThreadPoolBuilder, Yield};

use crate::close::{Bits, assert_same_bits};

/// Numbers of threads that results are compared at: one, as many as cores on a small machine, an odd number, more
/// than cores.
pub const COUNTS: [usize; 4] = [1, 2, 3, 8];

/// Runs `f` in a pool of its own with `threads` threads.
///
/// # Panics
/// If threads cannot be started, or `f` panics.
pub fn in_pool<R: Send>(threads: usize, f: impl FnOnce() -> R + Send) -> R {
    ThreadPoolBuilder::new().num_threads(threads).build().expect("threads can be started").install(f)
}

/// Runs `f` in pools of [`COUNTS`] threads, asserts that all results are the same bits, and returns one.
///
/// Give it more points than several chunks, or a chunk is all there is to divide.
///
/// # Panics
/// If results differ.
#[track_caller]
pub fn assert_thread_invariant<R: Bits + Send>(what: &str, f: impl Fn() -> R + Sync) -> R {
    let first = in_pool(COUNTS[0], &f);
    for threads in &COUNTS[1..] {
        let other = in_pool(*threads, &f);
        assert_same_bits(&other, &first, &format!("{what}: {threads} threads against {}", COUNTS[0]));
    }
    first
}

/// Runs `f` in a pool of two threads and counts the jobs that the other thread took over: 0 when `f` kept everything
/// to itself.
///
/// The other thread offers itself to rayon over and over, and is told each time whether there was work for it.
///
/// # Panics
/// If threads cannot be started, or `f` panics.
pub fn jobs_of_the_other_worker(f: impl FnOnce() + Send) -> usize {
    let (ready, done) = (AtomicBool::new(false), AtomicBool::new(false));
    let jobs = AtomicUsize::new(0);
    let observe = || {
        ready.store(true, Ordering::Release);
        while !done.load(Ordering::Acquire) {
            if rayon::yield_now() == Some(Yield::Executed) {
                jobs.fetch_add(1, Ordering::Relaxed);
            } else {
                std::thread::yield_now();
            }
        }
    };
    in_pool(2, || {
        rayon::scope(|scope| {
            scope.spawn(|_| observe());
            // This worker waits without taking jobs, so the observer is the other one.
            while !ready.load(Ordering::Acquire) {
                std::thread::yield_now();
            }
            let _end = SetOnDrop(&done);
            f();
        });
    });
    jobs.into_inner()
}

/// Ends the observer even when what it observes panics.
struct SetOnDrop<'a>(&'a AtomicBool);

impl Drop for SetOnDrop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Release);
    }
}

/// Asserts that `f` lets another worker of its pool take part, trying up to a hundred times because a short job on a
/// busy machine may be over before the other worker wakes.
///
/// # Panics
/// If no other worker ever takes part.
#[track_caller]
pub fn assert_parallel(what: &str, f: impl Fn() + Sync) {
    let shared = (0..100).any(|_| jobs_of_the_other_worker(&f) > 0);
    assert!(shared, "{what}: one worker did everything");
}
