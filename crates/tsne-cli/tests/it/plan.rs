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

/// Neighbors of thirty points on a circle, the next eight of each, and affinities in proportion to their nearness.
fn circle() -> [String; 2] {
    let n = 30;
    let (mut graph, mut affinities) = (String::new(), String::new());
    for i in 0..n {
        for step in 1..=8 {
            let j = (i + step) % n;
            graph += &format!("{} {} {step}\n", i + 1, j + 1);
            affinities += &format!("{} {} {}\n", i.max(j) + 1, i.min(j) + 1, 1.0 / f64::from(step));
        }
    }
    let head = "%%MatrixMarket matrix coordinate real";
    [(graph, "general"), (affinities, "symmetric")]
        .map(|(text, kind)| format!("{head} {kind}\n{n} {n} {}\n{text}", 8 * n))
}

/// A directory with thirty rows, and all that can stand in for a search among them.
fn with_given() -> Directory {
    let directory = Directory::with("d.csv", two_groups(15));
    let write = |name: &str, text: &str| std::fs::write(directory.0.join(name), text).expect("writes");
    let row = |i: i32| (0..30_i32).map(|j| (i - j).abs().to_string()).collect::<Vec<_>>().join(",") + "\n";
    write("distances.csv", &(0..30).map(row).collect::<String>());
    write("wide.csv", &(0..20).map(row).collect::<String>());
    write(
        "start.csv",
        &(0..30)
            .map(|i| format!("{},{}\n", 1e-4 * f64::from(i), 1e-4 * f64::from(i % 7)))
            .collect::<String>(),
    );
    let [graph, affinities] = circle();
    write("g.mtx", &graph);
    write("p.mtx", &affinities);
    write("self.mtx", "%%MatrixMarket matrix coordinate real general\n2 2 2\n1 1 1\n2 1 1\n");
    directory
}

#[test]
fn whatever_was_fitted_is_planned_by_its_report() {
    let directory = with_given();
    for flags in [
        "d.csv --label group --perplexity 5 --pca 2",
        "d.csv --label group --perplexity 5 --initialization start.csv -o m.png --width 100",
        "distances.csv --metric precomputed --perplexity 5",
        "--graph g.mtx --perplexity 2",
        "d.csv --label group --graph g.mtx --perplexity 2 --pca 2",
        "--affinities p.mtx --n-components 1 --precision f64",
    ] {
        directory.made(&format!(
            "fit {flags} -o m.csv -o m.json --n-iter 5 --early-exaggeration-iter 5 -q --force"
        ));
        let report: serde_json::Value = serde_json::from_slice(&directory.read("m.json")).expect("JSON");
        let toml = report["configuration"].as_str().expect("text");
        std::fs::write(directory.0.join("run.toml"), toml).expect("writes");
        let plan: serde_json::Value =
            serde_json::from_str(&directory.printed("plan --config run.toml --json")).expect("JSON");
        for (key, value) in report["plan"].as_object().expect("an object") {
            assert_eq!(&plan[key], value, "{key} of {flags}");
        }
        assert_eq!(
            (&plan["n_iter"], plan["given"].is_null()),
            (&10.into(), flags.starts_with("d.csv --label group --perp")),
            "{flags}"
        );
        assert!(plan["estimated_entries_of_p"].as_f64().is_some_and(|n| n > 0.0), "P takes room: {plan}");
    }
    let text = directory.printed("plan --graph g.mtx --perplexity 2");
    assert!(text.starts_with("Given  8 neighbors of each point\nPlan   30 points to 2 components"), "{text}");
    assert!(text.contains("perplexity 2, 6 neighbors: from the index given"), "{text}");
}

#[test]
fn what_a_fit_refuses_its_plan_refuses() {
    let directory = with_given();
    for (flags, error) in [
        ("wide.csv --metric precomputed", "E110: "),
        ("--graph self.mtx", "E113: "),
        ("--graph g.mtx --metric precomputed", "E207: --graph and distances"),
        ("d.csv --label group --sample 20 --graph g.mtx", "E106: index is of 30 points, but points of 20"),
        (
            "d.csv --label group --sample 20 --initialization start.csv",
            "E208: initial positions of shape (30, 2)",
        ),
        ("d.csv --label group --initialization pcs", "E201: "),
        ("d.csv --label group --perplexity 5 --theta 0.5 --strict", "E207: --theta belongs to"),
    ] {
        for command in ["plan", "fit -o no.csv"] {
            let outcome = directory.tsne(&format!("{command} {flags}"));
            assert_eq!((outcome.status, outcome.stdout.as_str()), (Some(3), ""), "{command} {flags}");
            assert!(
                outcome.stderr.contains(&format!("error {error}")),
                "{command} {flags}: {}",
                outcome.stderr
            );
        }
    }
    assert_eq!(directory.tsne("plan").status, Some(2), "of nothing");
    assert_eq!(directory.tsne("plan --graph g.mtx --affinities p.mtx").status, Some(2), "of both");
    std::fs::write(directory.0.join("c.toml"), "perplexty = 5\n").expect("writes");
    let outcome = directory.tsne("plan d.csv --config c.toml");
    assert!(
        outcome.stderr.starts_with("error E201: there is no flag --perplexty\n  c.toml\n"),
        "{}",
        outcome.stderr
    );
}

/// A flag that nothing looks at is refused with --strict, and only then.
#[test]
fn flags_that_are_ignored_are_told() {
    let directory = with_given();
    let quick = "--n-iter 5 --early-exaggeration-iter 5 --initialization random -q --force";
    for (given, flags, error) in [
        (
            "d.csv --label group --perplexity 5",
            "--symmetrize mean",
            "--symmetrize belongs to distances or affinities, but none",
        ),
        (
            "distances.csv --metric precomputed --perplexity 5",
            "--neighbors exact",
            "--neighbors belongs to the search for",
        ),
        (
            "distances.csv --metric precomputed --perplexity 5",
            "--pca 2",
            "--pca belongs to the search for neighbors, but dist",
        ),
        (
            "--graph g.mtx --perplexity 2",
            "--neighbors exact",
            "--neighbors belongs to the search for neighbors, but neigh",
        ),
        ("--graph g.mtx --perplexity 2", "--pca 2", "--pca belongs to"),
        ("--graph g.mtx --perplexity 2", "--metric cosine", "--metric belongs to"),
        ("--graph g.mtx --perplexity 2", "--metric minkowski --metric-params p=3", "--metric belongs to"),
        ("--graph g.mtx --perplexity 2", "--symmetrize mean", "--symmetrize belongs to"),
        (
            "--graph g.mtx --perplexity 2",
            "--scale standard",
            "--scale belongs to the columns of INPUT, but there is no",
        ),
        ("--graph g.mtx --perplexity 2", "--columns a", "--columns belongs to the columns of INPUT"),
        (
            "--affinities p.mtx",
            "--perplexity 5",
            "--perplexity belongs to affinities that are calibrated, but affin",
        ),
        ("--affinities p.mtx", "--neighbors exact", "--neighbors belongs to"),
        ("--affinities p.mtx", "--pca 2", "--pca belongs to"),
        ("--affinities p.mtx", "--metric cosine", "--metric belongs to"),
    ] {
        directory.made(&format!("fit {given} {flags} -o m.csv {quick}"));
        directory.made(&format!("fit {given} --strict -o m.csv {quick}"));
        for command in ["fit -o no.csv -q", "plan"] {
            let outcome = directory.tsne(&format!("{command} {given} {flags} --strict"));
            assert_eq!(outcome.status, Some(3), "{command} {given} {flags}: {}", outcome.stderr);
            assert!(
                outcome.stderr.starts_with(&format!("error E207: {error}")),
                "{flags}: {}",
                outcome.stderr
            );
            let flag = error.split(' ').next().expect("a flag");
            assert!(
                outcome.stderr.contains(&format!("\n  {flag}\n  help: leave {flag} out, or ")),
                "{}",
                outcome.stderr
            );
        }
    }
    // A model of these neighbors places new rows by the metric.
    directory.made(&format!(
        "fit d.csv --label group --graph g.mtx --perplexity 2 --metric cosine --strict -o m.tsne {quick}"
    ));
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
