//! Maps of data that are small, flat, huge, far away or equal: always finite, with a warning where one is due.

use crate::{Directory, positions, two_groups};

/// Rows of a map, each checked to be finite.
fn finite(csv: &str, n_rows: usize) -> Vec<Vec<f64>> {
    let map = positions(csv);
    assert_eq!(map.len(), n_rows, "one row per row of the data");
    assert!(map.iter().flatten().all(|x| x.is_finite()), "all positions are finite: {map:?}");
    map
}

#[test]
fn two_to_ten_rows() {
    for n in 2..=10 {
        let rows: String = (0..n).map(|i| format!("{},{}\n", i * i, 10 - i)).collect();
        let directory = Directory::with("d.csv", format!("a,b\n{rows}"));
        for components in 1..=3 {
            let said = directory
                .made(&format!("fit d.csv -o map.csv --force --progress none --n-components {components}"));
            let map = finite(&directory.text("map.csv"), n);
            assert_eq!(map[0].len(), components, "as many coordinates as asked");
            assert!(said.contains("warning W01: perplexity 30"), "{n} rows: {said}");
        }
    }
}

#[test]
fn one_column() {
    let rows: String = (0..40).map(|i| format!("{}\n", i * 7 % 40)).collect();
    let directory = Directory::with("d.csv", format!("a\n{rows}"));
    let said = directory.made("fit d.csv -o map.csv -o map.png --perplexity 5 --progress none");
    assert!(!said.contains("warning"), "nothing is wrong with one column: {said}");
    let map = finite(&directory.text("map.csv"), 40);
    assert!(map.iter().any(|y| (y[1] - map[0][1]).abs() > 0.1), "the second axis is used as well");
}

#[test]
fn constant_columns() {
    let rows: String = (0..40).map(|i| format!("1e9,{},0,-5\n", i * 7 % 40)).collect();
    let directory = Directory::with("d.csv", format!("a,b,c,d\n{rows}"));
    let said = directory.made("fit d.csv -o map.csv --perplexity 5 --progress none");
    assert!(!said.contains("warning"), "constant columns say nothing, but do no harm: {said}");
    finite(&directory.text("map.csv"), 40);
}

#[test]
fn equal_rows() {
    for n in [2, 3, 10, 50] {
        let directory = Directory::with("d.csv", format!("a,b\n{}", "3,4\n".repeat(n)));
        let said = directory.made("fit d.csv -o map.csv -o map.png --progress none");
        assert!(said.contains("warning W03"), "{n} equal rows: {said}");
        finite(&directory.text("map.csv"), n);
    }
    let rows: String = (0..20).map(|i| format!("{i},1\n").repeat(3)).collect();
    let directory = Directory::with("d.csv", format!("a,b\n{rows}"));
    let said = directory.made("fit d.csv -o map.csv --perplexity 5 --progress none");
    assert!(said.contains("warning W02: 40 rows repeat"), "repeated rows: {said}");
    finite(&directory.text("map.csv"), 60);
}

#[test]
fn identifiers_among_the_features_are_noticed() {
    let rows: String = (0..20).map(|i| format!("{},{i}\n", 9_007_199_254_740_993_u64 + 2 * i)).collect();
    let directory = Directory::with("d.csv", format!("key,a\n{rows}"));
    let said = directory.made("fit d.csv -o map.csv -o map.json --perplexity 5 --progress none");
    assert!(said.contains("warning W11: 20 integers"), "odd numbers beyond 2^53 have no f64: {said}");
    assert!(directory.text("map.json").contains("\"W11\""), "the report says so too");
    finite(&directory.text("map.csv"), 20);
}

#[test]
fn groups_are_told_apart() {
    let directory = Directory::with("d.csv", two_groups(30));
    directory.made("fit d.csv -o map.csv --label group --perplexity 10 -q");
    let csv = directory.text("map.csv");
    let map = finite(&csv, 60);
    let distance = |i: usize, j: usize| (map[i][0] - map[j][0]).hypot(map[i][1] - map[j][1]);
    for i in 0..60 {
        let nearest = (0..60).filter(|&j| j != i).min_by(|&a, &b| distance(i, a).total_cmp(&distance(i, b)));
        // Left and right alternate in the file.
        assert_eq!(nearest.expect("others") % 2, i % 2, "the nearest point to {i} is of its group");
    }
}

/// Data scaled by a power of two, or shifted by an integer, have the same differences; so the maps are the same bytes.
#[test]
fn offsets_and_magnitudes_lose_nothing() {
    let table = |scale: f64, shift: f64| -> String {
        let row = |i: u32| {
            let (u, v) = (f64::from(i * 7 % 31), f64::from(i * i % 17));
            format!("{:e},{:e}\n", u * scale + shift, v * scale + shift)
        };
        (0..60).map(row).collect()
    };
    let map = |precision: &str, scale: f64, shift: f64| {
        let directory = Directory::with("d.csv", table(scale, shift));
        directory.made(&format!("fit d.csv -o map.csv --perplexity 10 -q --precision {precision}"));
        directory.text("map.csv")
    };
    for precision in ["f32", "f64"] {
        let plain = map(precision, 1.0, 0.0);
        finite(&plain, 60);
        for exponent in [-500, -60, 60, 500] {
            assert_eq!(
                map(precision, 2.0_f64.powi(exponent), 0.0),
                plain,
                "times 2^{exponent} in {precision}"
            );
        }
        assert_eq!(map(precision, 1.0, 1e9), plain, "plus 1e9 in {precision}");
    }
    for scale in [1e-150, 1e150, 1e-300, 1e300] {
        finite(&map("f32", scale, 0.0), 60);
    }
}

#[test]
fn threads_change_nothing() {
    let directory = Directory::with("d.csv", two_groups(400));
    let map = |jobs: &str| {
        directory.made(&format!("fit d.csv -o map.csv --force --label group -q --n-iter 50 --n-jobs {jobs}"));
        directory.read("map.csv")
    };
    let one = map("1");
    for jobs in ["2", "3", "8", "-1"] {
        assert!(map(jobs) == one, "the map on {jobs} threads differs from that on one");
    }
}

#[test]
fn no_iterations_return_the_start() {
    let directory = Directory::with("d.csv", two_groups(10));
    let start: String = (0..20).map(|i| format!("{},{}\n", i, 0.5 * f64::from(i))).collect();
    std::fs::write(directory.0.join("start.csv"), start).expect("writes");
    let said = directory.made(
        "fit d.csv -o map.csv --label group --n-iter 0 --early-exaggeration-iter 0 --initialization start.csv",
    );
    assert!(said.contains("warning W06"), "such a start is too wide: {said}");
    let map = finite(&directory.text("map.csv"), 20);
    assert!((0..20).all(|i| map[i] == [i as f64, 0.5 * i as f64]), "the positions given: {map:?}");
}

#[test]
fn a_map_can_be_the_start_of_another() {
    let directory = Directory::with("d.csv", two_groups(10));
    let read = "--label group --id a --perplexity 3 -q";
    directory.made(&format!("fit d.csv -o first.csv -o first.npy {read} --n-iter 40"));
    for first in ["first.csv", "first.npy"] {
        let more = format!("--initialization {first} --n-iter 0 --early-exaggeration-iter 0 --force");
        directory.made(&format!("fit d.csv -o again.csv {read} {more}"));
        assert_eq!(directory.text("again.csv"), directory.text("first.csv"), "{first} is the start");
    }
}

#[test]
fn every_parameter_reaches_the_fit() {
    let directory = Directory::with("d.csv", two_groups(30));
    let map = |flags: &str| {
        directory.made(&format!(
            "fit d.csv -o map.csv --force --label group -q --perplexity 9 --n-iter 60 {flags}"
        ));
        directory.text("map.csv")
    };
    let plain = map("");
    for flags in [
        "--perplexity 8",
        "--perplexity 4,9",
        "--metric manhattan",
        "--metric cosine",
        "--initialization spectral",
        "--pca 1",
        "--n-iter 61",
        "--early-exaggeration 11",
        "--early-exaggeration-iter 249",
        "--exaggeration 2",
        "--learning-rate 100",
        "--learning-rate per-exaggeration",
        "--initial-momentum 0.4",
        "--final-momentum 0.7",
        "--max-grad-norm 0.001",
        "--max-step-norm 0.1",
        "--negative-gradient-method bh",
        "--negative-gradient-method bh --theta 0.9",
        "--negative-gradient-method fft",
        "--negative-gradient-method fft --n-interpolation-points 4",
        "--negative-gradient-method fft --min-num-intervals 40",
        "--negative-gradient-method fft --ints-in-interval 0.7",
        "--dof 0.8",
        "--initialization random",
        "--random-state 7",
        "--precision f64",
        "--drop a",
    ] {
        // A flag given twice is a mistake, so what the line above set is taken out.
        let name = flags.split_whitespace().next().expect("a flag");
        let base: String = ["--perplexity 9", "--n-iter 60"]
            .iter()
            .filter(|f| !f.starts_with(name))
            .map(|f| format!("{f} "))
            .collect();
        directory.made(&format!("fit d.csv -o other.csv --force --label group -q {base}{flags}"));
        assert_ne!(directory.text("other.csv"), plain, "{flags} changes the map");
    }
    for flags in
        ["--max-step-norm 5", "--max-grad-norm none", "--metric euclidean", "--neighbors exact", "--strict"]
    {
        assert_eq!(map(flags), plain, "{flags} is the default or changes nothing here");
    }
}
