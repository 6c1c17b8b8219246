//! What a fit will need: memory from the sizes of what it keeps, time from rates of a core.
//!
//! Both were fitted to whole runs of `tsne fit` on digits, MNIST and MNIST distorted, 1 797 to 600 000 points, f32 and f64,
//! by mesh, tree and all pairs (`docs/performance.md`, "What a fit needs").

use tsne::{NegativeGradientMethod, Neighbors, Plan};

use crate::exit::Failure;

/// Entries of P for each neighbor, as some neighbors are mutual: 1.39 on 70 000 images, 1.5 on few digits.
const ENTRIES_PER_NEIGHBOR: f64 = 1.45;
/// What the program itself takes.
const PROGRAM_BYTES: f64 = 1.5e7;
/// Numbers a point and component that the descent keeps: positions in two orders, velocity, gains, forces, bins.
const NUMBERS_PER_COORDINATE: f64 = 21.0;
/// Numbers of the mesh and its transforms for each node of the doubled axes.
const NUMBERS_PER_NODE: f64 = 11.0;
/// Nodes along a unit of the map, by default.
const NODES_PER_UNIT: f64 = 3.0;
/// Most bytes a mesh may take; a map that needs more goes on by the tree.
const MOST_MESH_BYTES: f64 = 2_147_483_648.0;

/// Entries of P that a fit will have.
#[allow(clippy::cast_precision_loss, reason = "an estimate")]
pub(crate) fn entries_of_p(plan: &Plan) -> f64 {
    plan.n_points as f64 * plan.n_neighbors.unwrap_or(0) as f64 * ENTRIES_PER_NEIGHBOR
}

/// Peak memory of a fit in bytes, within 20 %: the program, the data in the precision of the computation, P, and the larger of
/// what stands beside P while it is made, the neighbors, and while it is used: the greater of its two arrays, which is
/// copied when P is renumbered, the state of the descent and the mesh.
#[allow(clippy::cast_precision_loss, reason = "an estimate")]
pub(crate) fn peak_bytes(plan: &Plan, scalar_bytes: usize) -> f64 {
    let (n, scalar) = (plan.n_points as f64, scalar_bytes as f64);
    let n_neighbors = plan.n_neighbors.unwrap_or(0) as f64;
    let data = n * plan.n_features.unwrap_or(0) as f64 * scalar;
    let scores = n * plan.pca.unwrap_or(0) as f64 * scalar;
    let graph = n * n_neighbors * (4.0 + scalar);
    let p = entries_of_p(plan) * (4.0 + scalar) + 8.0 * n;
    let renumbering = entries_of_p(plan) * scalar.max(4.0);
    let state = NUMBERS_PER_COORDINATE * n * plan.n_components as f64 * scalar;
    let repulsion = match plan.negative_gradient_method.value {
        NegativeGradientMethod::Fft => mesh_bytes(n, plan.n_components, scalar),
        NegativeGradientMethod::BarnesHut => 120.0 * n,
        _ => 0.0,
    };
    PROGRAM_BYTES + data + scores + p + graph.max(renumbering + state + repulsion)
}

/// Bytes of a mesh for a finished map of `n` points, whose width grows with the logarithm of their number.
fn mesh_bytes(n: f64, n_components: usize, scalar: f64) -> f64 {
    let span = (40.0 * n.log10() - 30.0).max(50.0);
    // Axes are doubled, so that the map does not feel its copies.
    let nodes = (0..n_components).map(|_| 2.0 * NODES_PER_UNIT * span).product::<f64>();
    (NUMBERS_PER_NODE * scalar * nodes).min(MOST_MESH_BYTES)
}

/// Seconds a fit takes on so many cores as the plan has threads, within a factor of two: the rates are two thirds of those of
/// a virtual Xeon with AVX-512, as a core of a Zen 5 needs less than half of its time.
#[allow(clippy::cast_precision_loss, reason = "an estimate")]
pub(crate) fn seconds(plan: &Plan, scalar_bytes: usize, n_iter: usize) -> f64 {
    let (n, dimension) = (plan.n_points as f64, plan.n_components as f64);
    let cores = (plan.n_threads.min(n_cores())) as f64;
    let n_features = plan.pca.or(plan.n_features).unwrap_or(0) as f64;
    let k = plan.n_neighbors.unwrap_or(0) as f64;
    let search = match plan.neighbors.as_ref().map(|chosen| chosen.value) {
        None => 0.0,
        Some(Neighbors::Exact) => n * n * (n_features * 3.3e-12 + 4e-10) + n * k * 1.4e-7,
        Some(_) => n * k * (n_features * 5e-9 + 4e-7),
    };
    let affinities = n * k * 3.5e-8;
    let iteration = match plan.negative_gradient_method.value {
        NegativeGradientMethod::Exact => n * n * dimension * 1.75e-10,
        NegativeGradientMethod::BarnesHut => n * n.log2() * dimension * 1e-8,
        _ => 7e-4 + n * 8.2e-8 * dimension,
    };
    let attraction = entries_of_p(plan) * 9e-10;
    let precision = if scalar_bytes > 4 { 1.3 } else { 1.0 };
    precision * (search + affinities + n_iter as f64 * (iteration + attraction)) / cores
}

fn n_cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// Refuses what would take more than `max_bytes`, which is by default four fifths of the memory there is.
#[allow(clippy::cast_precision_loss, reason = "an estimate")]
pub(crate) fn check(plan: &Plan, scalar_bytes: usize, max_bytes: Option<u64>) -> Result<(), Failure> {
    let (Some(allowed), whose) = (match max_bytes {
        Some(bytes) => (Some(bytes), String::new()),
        None => (installed().map(|bytes| bytes / 5 * 4), ", four fifths of what there is".to_owned()),
    }) else {
        return Ok(());
    };
    let needed = peak_bytes(plan, scalar_bytes);
    if needed <= allowed as f64 {
        return Ok(());
    }
    let what =
        format!("the plan needs {} of memory, allowed are {}{whose}", shown(needed), shown(allowed as f64));
    let mut smaller = Vec::new();
    if scalar_bytes > 4 {
        smaller.push("compute with --precision f32");
    }
    if plan.pca.is_none() && plan.n_features.is_some_and(|n_features| n_features > 100) {
        smaller.push("reduce the rows with --pca 50");
    }
    smaller.push("lower --perplexity");
    let fits = (plan.n_points as f64 * (allowed as f64 / needed)).floor();
    let help = format!("{}, or take a part with --sample {fits}", smaller.join(", "));
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
    let free = of_system("MemAvailable:")?;
    let group = of_group("memory.max")
        .zip(of_group("memory.current"))
        .map(|(max, current)| max.saturating_sub(current));
    Some(group.map_or(free, |group| group.min(free)))
}

/// Memory that the machine has, or the control group of this process may use, in bytes.
fn installed() -> Option<u64> {
    let all = of_system("MemTotal:")?;
    Some(of_group("memory.max").map_or(all, |group| group.min(all)))
}

/// A line of what Linux says of its memory, in bytes.
fn of_system(name: &str) -> Option<u64> {
    let info = std::fs::read_to_string("/proc/meminfo").ok()?;
    let line = info.lines().find_map(|line| line.strip_prefix(name))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes.saturating_mul(1024))
}

/// A number of the control group, in bytes; none where it is without limit.
fn of_group(name: &str) -> Option<u64> {
    std::fs::read_to_string(format!("/sys/fs/cgroup/{name}")).ok()?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use tsne::Tsne;

    use super::{check, installed};

    #[test]
    fn what_no_machine_has_is_refused_unless_it_is_allowed() {
        let huge = Tsne::new().plan(4_000_000_000, 1000).expect("legal");
        if installed().is_some() {
            let failure = check(&huge, 4, None).expect_err("terabytes");
            assert_eq!(failure.code(), "E301", "the machine's own memory is the limit");
        }
        check(&huge, 4, Some(u64::MAX)).expect("allowed by the flag");
        let few = Tsne::new().plan(1000, 50).expect("legal");
        check(&few, 8, None).expect("some megabytes");
        assert_eq!(check(&few, 8, Some(1)).expect_err("a byte").code(), "E301", "the flag is the limit");
    }
}
