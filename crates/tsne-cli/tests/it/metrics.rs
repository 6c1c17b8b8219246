//! `--metric` with `--metric-params`: numbers and files that reach the search, the report, the model and `eval`.

use std::io::Cursor;

use tsne_io::write_npy;

use crate::{Directory, two_groups};

/// A start that does not depend on the metric, and few iterations.
const FLAGS: &str = "--label group --perplexity 6 --initialization random --n-iter 20 --precision f64 -q";

/// VI = L Lᵀ with L = ((2, 0, 0), (1, 1, 0), (0, 1, 4)): a distance under it is that of the rows Lᵀ x.
const INVERSE_COVARIANCE: [f64; 9] = [4.0, 2.0, 0.0, 2.0, 2.0, 1.0, 0.0, 1.0, 17.0];

fn array(shape: &[usize], values: &[f64]) -> Vec<u8> {
    let mut file = Cursor::new(Vec::new());
    write_npy(&mut file, shape, values).expect("memory takes all");
    file.into_inner()
}

/// Two groups, and files of parameters for their three features.
fn with_parameters() -> Directory {
    let directory = Directory::with("d.csv", two_groups(30));
    let write =
        |name: &str, content: Vec<u8>| std::fs::write(directory.0.join(name), content).expect("writes");
    write("vi.npy", array(&[3, 3], &INVERSE_COVARIANCE));
    write("vi.csv", b"4,2,0\n2,2,1\n0,1,17\n".to_vec());
    write("ones.npy", array(&[3], &[1.0; 3]));
    write("four.npy", array(&[4], &[1.0; 4]));
    write("minus.csv", b"1,-1,1\n".to_vec());
    write("wide.csv", b"1,2,3\n4,5,6\n".to_vec());
    directory
}

fn map(directory: &Directory, flags: &str) -> Vec<u8> {
    directory.made(&format!("fit d.csv -o map.npy --force {FLAGS} {flags}"));
    directory.read("map.npy")
}

#[test]
fn powers_are_those_of_the_metrics_that_have_names() {
    let directory = with_parameters();
    let (manhattan, euclidean) = (map(&directory, "--metric manhattan"), map(&directory, ""));
    let minkowski = |parameters: &str| map(&directory, &format!("--metric minkowski {parameters}"));
    assert_eq!(minkowski("--metric-params p=1"), manhattan, "p = 1");
    assert_eq!(minkowski("--metric-params p=2"), euclidean, "p = 2");
    assert_eq!(minkowski(""), euclidean, "p is 2 unless it is given");
    let third = minkowski("--metric-params p=3");
    assert!(third != manhattan && third != euclidean, "p = 3 is neither");
    for parameters in ["--metric-params p=1,w=ones.npy", "--metric-params w=ones.npy --metric-params p=1"] {
        let weighted = map(&directory, &format!("--metric wminkowski {parameters}"));
        assert_eq!(weighted, manhattan, "weights of 1 change nothing: {parameters}");
    }
}

#[test]
fn matrices_and_lists_come_from_files() {
    let directory = with_parameters();
    let mahalanobis = map(&directory, "--metric mahalanobis --metric-params VI=vi.npy");
    assert_eq!(map(&directory, "--metric mahalanobis --metric-params VI=vi.csv"), mahalanobis, "as text");
    assert_ne!(mahalanobis, map(&directory, ""), "another distance, another map");
    let turned = two_groups(30).lines().skip(1).fold("a,b,c,group\n".to_owned(), |text, line| {
        let fields: Vec<&str> = line.split(',').collect();
        let [a, b, c] = [0, 1, 2].map(|at: usize| fields[at].parse::<f64>().expect("a number"));
        text + &format!("{},{},{},{}\n", 2.0 * a + b, b + c, 4.0 * c, fields[3])
    });
    std::fs::write(directory.0.join("d.csv"), turned).expect("writes");
    assert_eq!(
        map(&directory, ""),
        mahalanobis,
        "the map of the rows L\u{1d40} x, whose numbers are all whole"
    );

    let variances = map(&directory, "--metric seuclidean --metric-params V=ones.npy");
    assert_eq!(variances, map(&directory, ""), "variances of 1 are the Euclidean distance");
    assert_ne!(variances, map(&directory, "--metric seuclidean"), "those of the data are others");
}

#[test]
fn parameters_are_kept_in_reports_and_models() {
    let directory = with_parameters();
    let flags = format!("{FLAGS} --metric wminkowski --metric-params p=3,w=ones.npy");
    directory.made(&format!("fit d.csv -o m.npy -o m.json -o m.tsne -o m.ckpt {flags}"));
    let report: serde_json::Value = serde_json::from_slice(&directory.read("m.json")).expect("JSON");
    let toml = report["configuration"].as_str().expect("text");
    assert!(toml.contains("metric_params = [\"p=3\", \"w=ones.npy\"]\n"), "{toml}");
    std::fs::write(directory.0.join("run.toml"), toml).expect("writes");
    directory.made("fit --config run.toml -q -o again.npy");
    assert_eq!(directory.read("again.npy"), directory.read("m.npy"), "the same map");

    directory.made("transform m.tsne d.csv -o t.npy --label group -q");
    let placed = directory.read("t.npy");
    directory.made(&format!("fit d.csv -o e.tsne {FLAGS} --metric minkowski"));
    directory.made("transform e.tsne d.csv -o e.npy --label group -q");
    assert_ne!(directory.read("e.npy"), placed, "new rows are placed by the metric of the model");
    std::fs::remove_file(directory.0.join("ones.npy")).expect("is there");
    directory.made("transform m.tsne d.csv -o t.npy --label group -q --force");
    assert_eq!(directory.read("t.npy"), placed, "which has the parameters in it");
    directory.made("resume m.ckpt --n-iter 5 -o r.npy -q");
}

#[test]
fn maps_are_measured_by_the_same_distance() {
    let directory = with_parameters();
    directory.made(&format!("fit d.csv -o m.csv {FLAGS}"));
    let measured = |flags: &str| directory.printed(&format!("eval d.csv m.csv --label group --json {flags}"));
    let manhattan = measured("--metric manhattan");
    assert_eq!(measured("--metric minkowski --metric-params p=1"), manhattan, "p = 1");
    assert_ne!(measured("--metric minkowski"), manhattan, "p = 2");
    let outcome =
        directory.tsne("eval d.csv m.csv --label group --metric seuclidean --metric-params V=four.npy");
    assert_eq!(outcome.status, Some(3), "{}", outcome.stderr);
    assert!(
        outcome.stderr.starts_with("error E205: seuclidean: V has 4 entries, must have 3\n"),
        "{}",
        outcome.stderr
    );
}

#[test]
fn parameters_that_cannot_be() {
    let directory = with_parameters();
    for (flags, place, error) in [
        ("minkowski --metric-params p", "--metric-params", "E201: \"p\" is no parameter and its value"),
        (
            "minkowski --metric-params q=3",
            "--metric-params",
            "E201: no metric has a parameter \"q\"; known are p,",
        ),
        (
            "minkowski --metric-params p=three",
            "--metric-params",
            "E201: the parameter p is \"three\", not a number",
        ),
        (
            "minkowski --metric-params p=0.5",
            "--metric-params",
            "E205: the parameter p must be a finite number of at",
        ),
        ("minkowski --metric-params p=nan", "--metric-params", "E205: "),
        ("minkowski --metric-params p=inf", "--metric-params", "E205: "),
        ("minkowski --metric-params p=2,p=3", "--metric-params", "E207: the parameter p is given twice"),
        ("cosine --metric-params p=3", "--metric-params", "E201: cosine takes no parameter p"),
        ("mahalanobis", "--metric-params", "E201: mahalanobis needs VI"),
        ("wminkowski --metric-params p=3", "--metric-params", "E201: wminkowski needs w"),
        ("precomputed --metric-params p=3", "--metric-params", "E207: distances that are precomputed"),
        (
            "seuclidean --metric-params V=four.npy",
            "--metric-params",
            "E205: seuclidean: V has 4 entries, must have 3",
        ),
        ("wminkowski --metric-params w=minus.csv", "--metric-params", "E205: wminkowski: w is -1, must be"),
        ("mahalanobis --metric-params VI=vi.npy --pca 2", "--metric-params", "E205: mahalanobis: VI"),
        ("mahalanobis --metric-params VI=wide.csv", "wide.csv", "E106: the parameter VI is a square matrix"),
        ("seuclidean --metric-params V=wide.csv", "wide.csv", "E106: the parameter V is a list"),
        ("seuclidean --metric-params V=d.csv", "d.csv: ", "E104: "),
    ] {
        for command in ["fit d.csv -o no.npy", "plan d.csv"] {
            let outcome = directory.tsne(&format!("{command} --label group --metric {flags}"));
            let lines: Vec<&str> = outcome.stderr.lines().filter(|line| !line.starts_with("Input")).collect();
            assert_eq!((outcome.status, lines.len()), (Some(3), 3), "{command} {flags}: {}", outcome.stderr);
            assert!(lines[0].starts_with(&format!("error {error}")), "{flags}: {}", outcome.stderr);
            assert!(lines[1].starts_with(&format!("  {place}")), "{flags}: {}", outcome.stderr);
            assert!(lines[2].starts_with("  help: "), "{flags}: {}", outcome.stderr);
        }
    }
    let outcome =
        directory.tsne("fit d.csv -o no.npy --label group --metric mahalanobis --metric-params VI=none.npy");
    assert_eq!(outcome.status, Some(7), "{}", outcome.stderr);
    assert!(outcome.stderr.starts_with("error E601: "), "{}", outcome.stderr);
}
