//! `tsne plan` and `tsne doctor`: what would be done, and by what.

use crate::{Directory, two_groups};

#[test]
fn a_plan_says_what_a_fit_would_do() {
    let directory = Directory::with("d.csv", two_groups(50));
    let text = directory.printed("plan d.csv --label group --perplexity 10");
    for part in [
        "Input  d.csv: 100 rows of 3 features",
        "Plan   100 points of 3 features",
        "perplexity 10, 30 neighbors",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert!(text.contains("Needs  about a second for 750 iterations in f32, peak "), "{text}");
    let json = directory.printed("plan d.csv --label group --perplexity 10 --json");
    let plan: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!((&plan["n_neighbors"], &plan["n_iter"]), (&30.into(), &750.into()), "{plan}");
    assert!(plan["estimated_peak_bytes"].as_f64().is_some_and(|bytes| bytes > 1e7), "{plan}");
    assert_eq!(directory.names(), ["d.csv"], "nothing was written");
    assert_eq!(directory.tsne("plan d.csv --label group --max-memory 1M").status, Some(4), "too much");
    assert_eq!(directory.tsne("plan d.csv --label group --perplexity 0").status, Some(3), "a parameter");
}

#[test]
fn this_machine_passes() {
    let directory = Directory::new();
    let text = directory.printed("doctor");
    assert!(text.contains("self-test     passed"), "{text}");
    let json: serde_json::Value = serde_json::from_str(&directory.printed("doctor --json")).expect("JSON");
    assert!(json["threads"].as_u64().is_some_and(|threads| threads > 0), "{json}");
}

#[test]
#[cfg(target_os = "linux")]
fn the_peak_of_memory_is_foreseen() {
    // Noise around twenty centers, from a linear congruential generator.
    let (n_rows, n_features) = (5000, 20);
    let mut state = 1_u32;
    let mut uniform = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        f64::from(state >> 8) / f64::from(1 << 24)
    };
    let values: Vec<f32> = (0..n_rows * n_features)
        .map(|at| {
            let (row, column) = (at / n_features, at % n_features);
            let center = if row % 20 == column { 3.0 } else { 0.0 };
            #[allow(clippy::cast_possible_truncation, reason = "single precision is wanted")]
            let value = (center + uniform()) as f32;
            value
        })
        .collect();
    let mut file = Vec::new();
    tsne_io::write_npy(&mut std::io::Cursor::new(&mut file), &[n_rows, n_features], &values)
        .expect("memory takes all");
    let directory = Directory::with("d.npy", file);
    for flags in ["", "--negative-gradient-method bh --precision f64"] {
        let plan: serde_json::Value =
            serde_json::from_str(&directory.printed(&format!("plan d.npy --json --n-jobs 2 {flags}")))
                .expect("JSON");
        directory.made(&format!("fit d.npy -o r.json --force -q --n-jobs 2 {flags}"));
        let report: serde_json::Value = serde_json::from_slice(&directory.read("r.json")).expect("JSON");
        let foreseen = plan["estimated_peak_bytes"].as_f64().expect("a number");
        let measured = report["peak_memory_bytes"].as_f64().expect("a number");
        let ratio = foreseen / measured;
        assert!((0.8..=1.2).contains(&ratio), "{flags}: {foreseen} bytes foreseen, {measured} measured");
    }
}
