//! The one place where a thread pool is built.

use rayon::{ThreadPool, ThreadPoolBuilder};

use crate::Error;

/// Number of threads that `n_jobs` means: −1 all cores, −2 all but one, and so on; at least 1.
///
/// # Errors
/// [`Error::ZeroJobs`] for 0, as in joblib.
pub(crate) fn resolve(n_jobs: i64) -> Result<usize, Error> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    resolve_for(n_jobs, cores)
}

fn resolve_for(n_jobs: i64, cores: usize) -> Result<usize, Error> {
    match usize::try_from(n_jobs) {
        Ok(0) => Err(Error::ZeroJobs),
        Ok(n_threads) => Ok(n_threads),
        Err(_) => {
            let spared = usize::try_from(n_jobs.unsigned_abs() - 1).unwrap_or(usize::MAX);
            Ok(cores.saturating_sub(spared).max(1))
        }
    }
}

/// Runs `work` on as many threads as `n_jobs` means: on the current pool for all cores. Either way it runs on a thread of
/// the pool, so that loops of a single chunk, as small maps have, need not wake another.
pub(crate) fn within<R: Send>(
    n_jobs: i64,
    work: impl FnOnce() -> Result<R, Error> + Send,
) -> Result<R, Error> {
    if n_jobs == -1 { rayon::scope(|_| work()) } else { pool(resolve(n_jobs)?)?.install(work) }
}

/// A pool of `n_threads`.
fn pool(n_threads: usize) -> Result<ThreadPool, Error> {
    ThreadPoolBuilder::new()
        .num_threads(n_threads)
        .thread_name(|i| format!("tsne-{i}"))
        .build()
        .map_err(|e| Error::Threads { n_threads, message: e.to_string() })
}

#[cfg(test)]
mod tests {
    use super::resolve_for;

    #[test]
    fn negative_jobs_count_back_from_all_cores() {
        let resolved = [1, 3, 16, -1, -2, -8, -9, i64::MIN].map(|n| resolve_for(n, 8).ok());
        assert_eq!(resolved.map(Option::unwrap_or_default), [1, 3, 16, 8, 7, 1, 1, 1], "threads of 8 cores");
        assert!(resolve_for(0, 8).is_err(), "0 jobs are refused");
    }
}
