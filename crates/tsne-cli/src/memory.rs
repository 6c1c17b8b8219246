//! What a fit will need: memory from the sizes of what it keeps, time from rough rates for one core, not calibrated yet.

use tsne::{NegativeGradientMethod, Neighbors, Plan};

use crate::exit::Failure;

/// Entries of P for each neighbor, as some neighbors are mutual: measured 1.5 to 1.6 on digits and images.
const ENTRIES_PER_NEIGHBOR: f64 = 1.6;
/// Bytes of the mesh and its transforms for a map of any number of points, at the usual width of a map.
const MESH_BYTES: f64 = 6e7;
/// What the program itself takes.
const PROGRAM_BYTES: f64 = 2e7;

/// Entries of P that a fit will have.
#[allow(clippy::cast_precision_loss, reason = "an estimate")]
pub(crate) fn entries_of_p(plan: &Plan) -> f64 {
    plan.n_points as f64 * plan.n_neighbors.unwrap_or(0) as f64 * ENTRIES_PER_NEIGHBOR
}

/// Peak memory of a fit in bytes: the data in the precision of the computation and what is made of them.
#[allow(clippy::cast_precision_loss, reason = "an estimate")]
pub(crate) fn peak_bytes(plan: &Plan, scalar_bytes: usize) -> f64 {
    let (n, scalar) = (plan.n_points as f64, scalar_bytes as f64);
    let n_neighbors = plan.n_neighbors.unwrap_or(0) as f64;
    let data = n * plan.n_features.unwrap_or(0) as f64 * scalar;
    let scores = n * plan.pca.unwrap_or(0) as f64 * scalar;
    let graph = n * n_neighbors * (4.0 + scalar);
    let affinities = graph * ENTRIES_PER_NEIGHBOR + 8.0 * n;
    let state = 6.0 * n * plan.n_components as f64 * scalar;
    let repulsion = match plan.negative_gradient_method.value {
        NegativeGradientMethod::Fft => MESH_BYTES + 32.0 * n,
        NegativeGradientMethod::BarnesHut => 120.0 * n,
        _ => 0.0,
    };
    // The graph lives on while P is made of it; the descent begins after it is gone.
    PROGRAM_BYTES + data + scores + affinities + graph.max(state + repulsion)
}

/// Seconds a fit takes on so many cores as the plan has threads, to a factor of some two.
#[allow(clippy::cast_precision_loss, reason = "an estimate")]
pub(crate) fn seconds(plan: &Plan, n_iter: usize) -> f64 {
    let (n, dimension) = (plan.n_points as f64, plan.n_components as f64);
    let cores = (plan.n_threads.min(n_cores())) as f64;
    let n_features = plan.pca.or(plan.n_features).unwrap_or(0) as f64;
    let k = plan.n_neighbors.unwrap_or(0) as f64;
    let search = match plan.neighbors.as_ref().map(|chosen| chosen.value) {
        None => 0.0,
        Some(Neighbors::Exact) => n * n * (n_features * 3e-11 + 4e-10),
        Some(_) => n * k * (n_features * 4e-8 + 2e-6),
    };
    let affinities = n * k * 6e-8;
    let iteration = match plan.negative_gradient_method.value {
        NegativeGradientMethod::Exact => n * n * dimension * 6e-11,
        NegativeGradientMethod::BarnesHut => n * n.log2() * dimension * 7e-8,
        _ => 2e-3 + n * 5e-8 * dimension,
    };
    let attraction = n * k * ENTRIES_PER_NEIGHBOR * 1.2e-9;
    (search + affinities + n_iter as f64 * (iteration + attraction)) / cores
}

fn n_cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// Refuses what would take more than `max_bytes`.
#[allow(clippy::cast_precision_loss, reason = "an estimate")]
pub(crate) fn check(plan: &Plan, scalar_bytes: usize, max_bytes: Option<u64>) -> Result<(), Failure> {
    let Some(max_bytes) = max_bytes else { return Ok(()) };
    let needed = peak_bytes(plan, scalar_bytes);
    if needed <= max_bytes as f64 {
        return Ok(());
    }
    let what = format!("the plan needs {} of memory, allowed are {}", shown(needed), shown(max_bytes as f64));
    let smaller = match (plan.n_features, plan.pca) {
        (Some(n_features), None) if n_features > 100 => "reduce the rows with --pca 50, lower --perplexity",
        _ => "lower --perplexity",
    };
    let fits = plan.n_points as f64 * (max_bytes as f64 / needed);
    let help = format!("{smaller}, or take some {} rows", fits.floor());
    Err(Failure::new("E301", what, help).at("--max-memory"))
}

/// Bytes as people read them.
pub(crate) fn shown(bytes: f64) -> String {
    const UNITS: [&str; 4] = ["KiB", "MiB", "GiB", "TiB"];
    let mut value = bytes / 1024.0;
    let mut unit = 0;
    while value >= 1024.0 && unit + 1 < UNITS.len() {
        value /= 1024.0;
        unit += 1;
    }
    format!("{value:.1} {}", UNITS[unit])
}

/// Memory that is free for this process, in bytes: what the system has available, or its control group allows.
pub(crate) fn available() -> Option<u64> {
    let info = std::fs::read_to_string("/proc/meminfo").ok()?;
    let line = info.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    let free = kibibytes.saturating_mul(1024);
    let number = |path: &str| std::fs::read_to_string(path).ok()?.trim().parse::<u64>().ok();
    let group = number("/sys/fs/cgroup/memory.max")
        .zip(number("/sys/fs/cgroup/memory.current"))
        .map(|(max, current)| max.saturating_sub(current));
    Some(group.map_or(free, |group| group.min(free)))
}
