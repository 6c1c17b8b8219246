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
