//! New rows in the map of a model: treated as the first rows were, matched by the names of their columns.

use crate::{Directory, positions, two_groups};

/// Every third row of `two_groups` as a table of its own, and the others.
fn split(n: usize) -> (String, String) {
    let text = two_groups(n);
    let (mut first, mut rest) = ("a,b,c,group\n".to_owned(), "a,b,c,group\n".to_owned());
    for (i, line) in text.lines().skip(1).enumerate() {
        let part = if i % 3 == 0 { &mut rest } else { &mut first };
        *part += &format!("{line}\n");
    }
    (first, rest)
}

#[test]
fn new_rows_lie_among_those_like_them() {
    let (first, rest) = split(60);
    let directory = Directory::with("d.csv", first);
    std::fs::write(directory.0.join("new.csv"), rest).expect("writes");
    directory.made("fit d.csv -o m.csv -o m.tsne --label group --perplexity 8 -q");
    directory.made("transform m.tsne new.csv -o t.csv -o t.npy -o t.png -o t.json --label group -q");
    let center = |csv: &str, label: &str| -> [f64; 2] {
        let map = positions(csv);
        let rows = csv.lines().skip(1).zip(&map).filter(|(line, _)| line.ends_with(label));
        let rows: Vec<_> = rows.map(|(_, y)| y).collect();
        [0, 1].map(|d| rows.iter().map(|y| y[d]).sum::<f64>() / rows.len() as f64)
    };
    let distance = |a: [f64; 2], b: [f64; 2]| (a[0] - b[0]).hypot(a[1] - b[1]);
    let (map, new) = (directory.text("m.csv"), directory.text("t.csv"));
    assert_eq!(positions(&new).len(), 40, "a row for each new row");
    let (left, right) = (center(&map, "left"), center(&map, "right"));
    for (label, own) in [("left", left), ("right", right)] {
        let off = distance(center(&new, label), own);
        assert!(
            off < 0.3 * distance(left, right),
            "{label} is {off} off its group in a map with {left:?} and {right:?}"
        );
    }
    let report: serde_json::Value = serde_json::from_slice(&directory.read("t.json")).expect("JSON");
    assert_eq!(report["n_iter"], 250, "{report}");
}

/// Times near 1e9 that differ by seconds survive single precision only by being shifted as the first rows were.
#[test]
fn new_rows_are_shifted_and_scaled_as_the_first() {
    let rows = |from: usize| -> String {
        let row = |i: usize| format!("{}.25,{}\n", 1_000_000_000 + i * i % 97, (i * 31 % 17) as f64 * 1e-3);
        "time,value\n".to_owned() + &(from..from + 120).map(row).collect::<String>()
    };
    let directory = Directory::with("d.csv", rows(0));
    directory.made("fit d.csv -o m.csv -o m.tsne --perplexity 6 -q");
    directory.made("transform m.tsne d.csv -o t.csv -q --n-iter 0 --k 1");
    let (map, new) = (positions(&directory.text("m.csv")), positions(&directory.text("t.csv")));
    let same = map.iter().zip(&new).filter(|(a, b)| a == b).count();
    assert!(same >= 100, "{same} of 120 rows start where they are, all but duplicates");
}

#[test]
fn columns_are_matched_by_name() {
    let (first, rest) = split(30);
    let directory = Directory::with("d.csv", first);
    directory.made("fit d.csv -o m.tsne --label group --perplexity 5 --n-iter 50 -q");
    let write = |name: &str, text: &str| std::fs::write(directory.0.join(name), text).expect("writes");
    write("same.csv", &rest);
    let mixed: String = rest
        .lines()
        .map(|line| {
            let f: Vec<&str> = line.split(',').collect();
            format!("{},{},{},{}\n", f[2], f[3], f[0], f[1])
        })
        .collect();
    write("mixed.csv", &mixed);
    directory.made("transform m.tsne same.csv -o same-map.csv --label group -q");
    directory.made("transform m.tsne mixed.csv -o mixed-map.csv --label group -q");
    assert_eq!(directory.text("mixed-map.csv"), directory.text("same-map.csv"), "the order does not matter");

    write("fewer.csv", "a,b\n1,2\n");
    write("other.csv", "a,b,d\n1,2,3\n");
    for (name, what) in [
        ("fewer.csv", "new rows have 2 features, those of the model 3"),
        ("other.csv", "column \"c\" of the model is not among the new data"),
    ] {
        let outcome = directory.tsne(&format!("transform m.tsne {name} -o x.csv --header"));
        assert_eq!(outcome.status, Some(3), "{}", outcome.stderr);
        assert!(
            outcome.stderr.starts_with(&format!("error E116: {what}\n  {name}\n  help: ")),
            "{}",
            outcome.stderr
        );
    }
}

#[test]
fn a_report_reproduces_its_transform() {
    let (first, rest) = split(60);
    let directory = Directory::with("d.csv", first);
    std::fs::write(directory.0.join("new.csv"), rest).expect("writes");
    directory.made("fit d.csv -o m.tsne --label group --perplexity 8 --n-iter 50 --random-state 7 -q");
    let flags = "--label group --perplexity 7 --n-iter 60 --k 9 --initialization weighted --max-step-norm 1";
    directory.made(&format!("transform m.tsne new.csv -o t.csv -o t.json {flags} -q"));
    let report: serde_json::Value = serde_json::from_slice(&directory.read("t.json")).expect("JSON");
    let toml = report["configuration"].as_str().expect("text");
    std::fs::write(directory.0.join("run.toml"), toml).expect("writes");
    let placed = directory.read("t.csv");
    std::fs::remove_file(directory.0.join("t.csv")).expect("is there");
    directory.made("transform --config run.toml -q --force");
    assert_eq!(directory.read("t.csv"), placed, "the same positions in the same file");
    std::fs::rename(directory.0.join("m.tsne"), directory.0.join("moved.tsne")).expect("renames");
    directory.made("transform moved.tsne --config run.toml -q -o u.csv");
    assert_eq!(directory.read("u.csv"), placed, "of two files the second is that of the configuration");
    directory.made("transform --config run.toml -q -o v.csv --n-iter 5 -- moved.tsne");
    assert_ne!(directory.read("v.csv"), placed, "what is on the command line wins");

    let plan = &report["plan"];
    assert_eq!((&plan["n_points"], &plan["n_reference_points"]), (&40.into(), &80.into()), "{plan}");
    assert_eq!(plan["perplexity"], serde_json::json!([7.0]), "{plan}");
    assert_eq!(report["random_state"], 7, "the seed of the map");
    for stage in ["read", "neighbors", "optimization", "write"] {
        assert!(report["stage_seconds"][stage].as_f64().is_some_and(|s| s >= 0.0), "{stage}: {report}");
    }
    std::fs::write(directory.0.join("c.toml"), "metric = \"cosine\"\n").expect("writes");
    let outcome = directory.tsne("transform moved.tsne new.csv -o w.csv --config c.toml");
    assert_eq!(outcome.status, Some(3), "{}", outcome.stderr);
    assert!(
        outcome.stderr.starts_with("error E201: there is no flag --metric\n  c.toml\n"),
        "{}",
        outcome.stderr
    );
    assert_eq!(directory.tsne("transform moved.tsne -o w.csv").status, Some(2), "no rows are named anywhere");
}

#[test]
fn new_rows_start_where_a_file_says() {
    let (first, rest) = split(30);
    let directory = Directory::with("d.csv", first);
    let write = |name: &str, text: &str| std::fs::write(directory.0.join(name), text).expect("writes");
    write("new.csv", &rest);
    directory.made("fit d.csv -o m.tsne --label group --perplexity 5 --n-iter 50 --precision f64 -q");
    let start: String = (0..20).map(|i| format!("{},{}\n", i, 0.5 * f64::from(i))).collect();
    write("start.csv", &start);
    directory
        .made("transform m.tsne new.csv -o t.csv --label group --initialization start.csv --n-iter 0 -q");
    let map = positions(&directory.text("t.csv"));
    assert!((0..20).all(|i| map[i] == [i as f64, 0.5 * i as f64]), "the positions given: {map:?}");
    directory.made("transform m.tsne new.csv -o u.csv -o u.npy --label group --k 3 --n-iter 30 -q");
    for given in ["u.csv", "u.npy"] {
        directory.made(&format!(
            "transform m.tsne new.csv -o v.csv --label group --initialization {given} --n-iter 0 -q --force"
        ));
        assert_eq!(
            directory.text("v.csv"),
            directory.text("u.csv"),
            "positions written by a transform: {given}"
        );
    }
    write("short.csv", "0,0\n1,1\n");
    write("nan.csv", &start.replacen("1,", "nan,", 1));
    for (given, status, error) in [
        ("short.csv", 3, "E208: initial positions of shape (2, 2) for a map of shape (20, 2)\n  short.csv\n"),
        ("nan.csv", 3, "E209: 1 missing or non-finite value"),
        ("none.csv", 7, "E601: "),
        ("mediam", 3, "E201: unknown initialization \"mediam\""),
    ] {
        let flags = format!("--label group --initialization {given} -q");
        let outcome = directory.tsne(&format!("transform m.tsne new.csv -o x.csv {flags}"));
        assert_eq!(outcome.status, Some(status), "{given}: {}", outcome.stderr);
        assert!(outcome.stderr.starts_with(&format!("error {error}")), "{given}: {}", outcome.stderr);
    }
}

#[test]
fn what_a_transform_cannot_do() {
    let directory = Directory::with("d.csv", two_groups(20));
    directory.made("fit d.csv -o m.tsne -o m.ckpt --label group --perplexity 5 --n-iter 10 -q");
    directory.made("fit d.csv -o bare.ckpt --label group --perplexity 5 --n-iter 10 -q");
    for (args, what) in [
        ("m.tsne d.csv -o t.tsne", "error E207: new rows in a map are neither a model"),
        ("bare.ckpt d.csv -o t.csv", "error E207: this map keeps neither its data nor an index"),
        ("m.tsne d.csv -o t.csv --initialization nowhere", "error E201: "),
        ("m.tsne d.csv -o t.csv --learning-rate -1", "error E205: "),
        ("m.tsne d.csv -o t.csv --k 0", "error E205: "),
        ("m.tsne d.csv -o t.csv --n-jobs 0", "error E206: "),
    ] {
        let outcome = directory.tsne(&format!("transform {args} --label group -q"));
        assert_eq!(outcome.status, Some(3), "{args}: {}", outcome.stderr);
        assert!(outcome.stderr.starts_with(what), "{args}: {}", outcome.stderr);
    }
    directory.made("transform m.ckpt d.csv -o t.csv --label group -q");
}

#[test]
fn maps_without_features_have_no_place_for_new_rows() {
    let directory = Directory::new();
    let write = |name: &str, text: String| std::fs::write(directory.0.join(name), text).expect("writes");
    let row = |i: i32| (0..20_i32).map(|j| (i - j).abs().to_string()).collect::<Vec<_>>().join(",") + "\n";
    let names = (0..20).map(|j| format!("p{j}")).collect::<Vec<_>>().join(",") + "\n";
    write("distances.csv", names + &(0..20).map(row).collect::<String>());
    write("x.csv", (0..20).map(|i| format!("{i},{}\n", i * i)).collect());
    let entries: String = (0..20)
        .flat_map(|i| (1..=6).map(move |step| format!("{} {} {step}\n", i + 1, (i + step) % 20 + 1)))
        .collect();
    write("g.mtx", format!("%%MatrixMarket matrix coordinate real general\n20 20 120\n{entries}"));
    let flags = "--perplexity 2 --initialization random --n-iter 5 --early-exaggeration-iter 5 -q --force";
    for (given, what, help) in [
        (
            "distances.csv --metric precomputed",
            "this map was made of distances, which are not kept",
            "give tsne fit the features in the place of their distances",
        ),
        ("--graph g.mtx", "this map keeps neither its data nor an index", "make the model with the data too"),
        (
            "--affinities g.mtx --symmetrize mean",
            "this map keeps neither its data",
            "make the model of the data, without",
        ),
        (
            "x.csv --affinities g.mtx --symmetrize mean",
            "these affinities have no rule",
            "make the model of the data, without",
        ),
    ] {
        directory.made(&format!("fit {given} -o m.tsne {flags}"));
        let outcome = directory.tsne("transform m.tsne x.csv -o t.csv -q");
        assert_eq!(outcome.status, Some(3), "{given}: {}", outcome.stderr);
        assert!(outcome.stderr.starts_with(&format!("error E207: {what}")), "{given}: {}", outcome.stderr);
        assert!(
            outcome.stderr.contains(&format!("\n  m.tsne\n  help: {help}")),
            "{given}: {}",
            outcome.stderr
        );
    }
    directory.made(&format!("fit x.csv --graph g.mtx -o m.tsne --pca 1 {flags}"));
    directory.made("transform m.tsne x.csv -o t.csv -q");
}

#[test]
fn principal_components_are_kept_in_the_place_of_data() {
    let directory = Directory::with("d.csv", two_groups(30));
    directory.made("fit d.csv -o m.tsne --pca 2 --label group --perplexity 5 -q");
    directory.made("transform m.tsne d.csv -o t.csv --label group -q");
    assert_eq!(positions(&directory.text("t.csv")).len(), 60, "placed");
}
