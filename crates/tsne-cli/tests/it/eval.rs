//! `tsne eval`: measures of a map, against the same computed here in the plainest way.

use crate::{Directory, positions, two_groups};

#[test]
fn measures_are_those_of_the_plainest_computation() {
    let directory = Directory::with("d.csv", two_groups(40));
    directory.made("fit d.csv -o m.csv --label group --perplexity 6 -q");
    let json = directory.printed("eval d.csv m.csv --label group --k 7 --perplexity 6 --json");
    let measures: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    let value = |key: &str| measures[key].as_f64().unwrap_or_else(|| panic!("{key}: {measures}"));

    let text = two_groups(40);
    let data: Vec<Vec<f64>> = text
        .lines()
        .skip(1)
        .map(|line| line.split(',').take(3).map(|x| x.parse().expect("a number")).collect())
        .collect();
    let map = positions(&directory.text("m.csv"));
    let (n, k) = (data.len(), 7);
    // Distances of a row to all, its own last.
    let distances = |points: &[Vec<f64>], i: usize| -> Vec<f64> {
        let d2 = |j: usize| points[i].iter().zip(&points[j]).map(|(a, b)| (a - b).powi(2)).sum::<f64>();
        (0..n).map(|j| if i == j { f64::INFINITY } else { d2(j).sqrt() }).collect()
    };
    let order = |d: &[f64]| {
        let mut order: Vec<usize> = (0..n).collect();
        order.sort_by(|&a, &b| d[a].total_cmp(&d[b]).then(a.cmp(&b)));
        order
    };
    let (mut found, mut excess) = (0, 0);
    for i in 0..n {
        let (d, m) = (distances(&data, i), distances(&map, i));
        let (in_data, in_map) = (order(&d), order(&m));
        let kth = d[in_data[k - 1]];
        found += in_map[..k].iter().filter(|&&j| d[j] <= kth * (1.0 + 1e-6)).count();
        let rank = |j: usize| in_data.iter().position(|&other| other == j).expect("there") + 1;
        excess += in_map[..k].iter().map(|&j| rank(j).saturating_sub(k)).sum::<usize>();
    }
    let trust = 1.0 - 2.0 * excess as f64 / (n * k * (2 * n - 3 * k - 1)) as f64;
    assert!((value("recall") - found as f64 / (n * k) as f64).abs() < 1e-12, "neighbors kept");
    assert!((value("trustworthiness") - trust).abs() < 1e-12, "trustworthiness {trust}: {measures}");
    assert_eq!(value("accuracy"), 1.0, "two groups far apart");
    assert!((0.5..1.0).contains(&value("silhouette")), "two groups far apart: {measures}");
    assert!(value("kl_divergence") > 0.0 && value("continuity") > 0.8, "{measures}");
}

#[test]
fn labels_come_from_a_file_too() {
    let directory = Directory::with("d.csv", two_groups(40));
    directory.made("fit d.csv -o m.csv --label group --perplexity 6 -q");
    let labels: String = (0..80).map(|i| if i % 2 == 0 { "left\n" } else { "right\n" }).collect();
    std::fs::write(directory.0.join("labels.txt"), labels).expect("writes");
    let text = directory.printed("eval d.csv m.csv --drop group --labels labels.txt");
    assert!(text.contains("label accuracy    1.0000  by the 10 nearest\nsilhouette        "), "{text}");
    std::fs::write(directory.0.join("labels.txt"), "left\n").expect("writes");
    let outcome = directory.tsne("eval d.csv m.csv --drop group --labels labels.txt");
    assert_eq!(outcome.status, Some(3), "{}", outcome.stderr);
    assert!(
        outcome.stderr.starts_with("error E114: \"labels\" has 1 entries for 80 rows"),
        "{}",
        outcome.stderr
    );
}

#[test]
fn maps_that_do_not_fit() {
    let directory = Directory::with("d.csv", two_groups(20));
    for (map, what) in [
        ("x,y\n1,2\n3,4\n", "error E106: the map has 2 rows, the data 40"),
        (&("x,y,z,w\n".to_owned() + &"1,2,3,4\n".repeat(40)), "error E203: the map has 4 columns"),
    ] {
        std::fs::write(directory.0.join("m.csv"), map).expect("writes");
        let outcome = directory.tsne("eval d.csv m.csv --drop group");
        assert_eq!(outcome.status, Some(3), "{}", outcome.stderr);
        assert!(outcome.stderr.starts_with(what), "{}", outcome.stderr);
    }
}

/// A model knows its kernel; of a table it has to be said.
#[test]
fn models_are_measured_like_their_tables() {
    let directory = Directory::with("d.csv", two_groups(40));
    directory.made("fit d.csv -o m.npy -o m.tsne --label group --perplexity 6 --precision f64 --dof 0.5 -q");
    let of_model = directory.printed("eval d.csv m.tsne --label group --perplexity 6 --json");
    let of_table = directory.printed("eval d.csv m.npy --label group --perplexity 6 --json --dof 0.5");
    assert_eq!(of_model, of_table, "the same map");
    let usual = directory.printed("eval d.csv m.npy --label group --perplexity 6 --json");
    assert_ne!(usual, of_table, "the divergence under another kernel");
    let outcome = directory.tsne("eval d.csv m.npy --label group --dof 0");
    assert_eq!(outcome.status, Some(3), "{}", outcome.stderr);
    assert!(outcome.stderr.starts_with("error E205: dof"), "{}", outcome.stderr);
}
