//! `tsne doctor`: what this machine offers, and whether this program works on it.

use std::time::Instant;

use serde_json::{Value, json};
use tsne::{Points, Tsne};

use crate::args::DoctorArgs;
use crate::exit::{Failure, print};
use crate::memory;

/// Points and features of the test.
const N_POINTS: usize = 1500;
const N_FEATURES: usize = 8;
/// Groups that the test's map must keep apart.
const N_GROUPS: usize = 5;

/// Runs the command.
pub(crate) fn run(args: &DoctorArgs) -> Result<(), Failure> {
    let start = Instant::now();
    let kl_divergence = test()?;
    let seconds = start.elapsed().as_secs_f64();
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let available = memory::available();
    if args.json {
        let value = json!({
            "version": env!("CARGO_PKG_VERSION"),
            "system": std::env::consts::OS,
            "architecture": std::env::consts::ARCH,
            "instructions": instructions(),
            "threads": cores,
            "available_bytes": available,
            "test": {"kl_divergence": kl_divergence, "seconds": seconds},
        });
        return print(&format!("{value:#}\n"));
    }
    #[allow(clippy::cast_precision_loss, reason = "for people to read")]
    let free = available.map_or("not known".to_owned(), |bytes| memory::shown(bytes as f64));
    print(&format!(
        "version       {}\nsystem        {} {}\ninstructions  {}\nthreads       {cores}\nfree memory   {free}\n\
         self-test     passed: KL divergence {kl_divergence:.4}, the same on one thread and on {cores}, in {seconds:.1} s\n",
        env!("CARGO_PKG_VERSION"),
        std::env::consts::OS,
        std::env::consts::ARCH,
        instructions().as_str().unwrap_or("those every such processor has"),
    ))
}

/// The widest vector instructions that this program knows to use and this processor has.
fn instructions() -> Value {
    #[cfg(target_arch = "x86_64")]
    {
        if std::is_x86_feature_detected!("avx512f") {
            return "AVX-512".into();
        }
        if std::is_x86_feature_detected!("avx2") && std::is_x86_feature_detected!("fma") {
            return "AVX2".into();
        }
    }
    Value::Null
}

/// Makes the same small map on one thread and on all, and checks that it is the same and keeps groups apart.
fn test() -> Result<f64, Failure> {
    let failed = |what: &str| {
        let help = "please report this with the output of tsne doctor --json and the kind of processor";
        Failure::new("E900", format!("the self-test failed: {what}"), help)
    };
    let x = groups();
    let points = Points::from_row_major(&x, N_FEATURES).map_err(|e| failed(&e.to_string()))?;
    let config = Tsne::new().perplexity(20.0).n_iter(250);
    let fit = |n_jobs: i64| config.clone().n_jobs(n_jobs).fit(points).map_err(|e| failed(&e.to_string()));
    let (alone, together) = (fit(1)?, fit(-1)?);
    if alone.positions() != together.positions() {
        return Err(failed("one thread gives another map than all"));
    }
    let map = alone.positions();
    let distance = |i: usize, j: usize| (map[i][0] - map[j][0]).hypot(map[i][1] - map[j][1]);
    let nearest = |i: usize| {
        let others = (0..N_POINTS).filter(|&j| j != i);
        others.min_by(|&a, &b| distance(i, a).total_cmp(&distance(i, b))).unwrap_or(i)
    };
    if (0..N_POINTS).step_by(50).any(|i| nearest(i) % N_GROUPS != i % N_GROUPS) {
        return Err(failed("the map mixes groups that are far apart"));
    }
    Ok(alone.kl_divergence())
}

/// Groups far apart, their points scattered by a linear congruential generator.
fn groups() -> Vec<f32> {
    let mut state = 1_u32;
    let mut uniform = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        f32::from(u16::try_from(state >> 16).unwrap_or(0)) / 65536.0
    };
    let mut value = |i: usize, j: usize| {
        let center = if i % N_GROUPS == j { 20.0 } else { 0.0 };
        center + uniform() + uniform()
    };
    (0..N_POINTS).flat_map(|i| (0..N_FEATURES).map(move |j| (i, j))).map(|(i, j)| value(i, j)).collect()
}
