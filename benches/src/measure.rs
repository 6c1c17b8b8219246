//! Time and memory.

use std::time::Instant;

use anyhow::{Context as _, Result};

/// Result of `f` and the seconds it took.
pub fn timed<R>(f: impl FnOnce() -> R) -> (R, f64) {
    let started = Instant::now();
    let result = f();
    (result, started.elapsed().as_secs_f64())
}

/// Median seconds of `repeat` calls of `f`, after one that is not counted.
///
/// # Errors
/// The first error of `f`.
/// # Panics
/// If `repeat` is 0.
pub fn median_seconds(repeat: usize, mut f: impl FnMut() -> Result<()>) -> Result<f64> {
    assert!(repeat > 0, "a median needs at least one call");
    f()?;
    let mut seconds = Vec::with_capacity(repeat);
    for _ in 0..repeat {
        let (result, time) = timed(&mut f);
        result?;
        seconds.push(time);
    }
    Ok(median(seconds))
}

/// The middle one of some values, or the mean of the two in the middle.
///
/// # Panics
/// If there are none.
#[must_use]
pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    if values.len().is_multiple_of(2) { (values[middle - 1] + values[middle]) / 2.0 } else { values[middle] }
}

/// Most memory this process ever held, in bytes, where the system tells.
#[must_use]
pub fn peak_memory() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kib: f64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib * 1024.0)
}

/// Runs `f` on a pool of `threads` threads.
///
/// # Errors
/// When the pool cannot be made, or the error of `f`.
pub fn on_threads<R: Send>(threads: usize, f: impl FnOnce() -> Result<R> + Send) -> Result<R> {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
    pool.context("cannot start the threads")?.install(f)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_call_is_not_counted() {
        let mut calls = 0;
        let seconds = median_seconds(4, || {
            calls += 1;
            Ok(())
        })
        .expect("no error");
        assert_eq!(calls, 5, "one warm-up and four timed");
        assert!(seconds >= 0.0, "a time");
    }

    #[test]
    fn threads_are_as_many_as_asked() {
        let threads = on_threads(3, || Ok(rayon::current_num_threads())).expect("a small pool");
        assert_eq!(threads, 3, "inside the pool");
    }
}
