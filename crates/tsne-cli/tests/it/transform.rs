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
fn principal_components_are_kept_in_the_place_of_data() {
    let directory = Directory::with("d.csv", two_groups(30));
    directory.made("fit d.csv -o m.tsne --pca 2 --label group --perplexity 5 -q");
    directory.made("transform m.tsne d.csv -o t.csv --label group -q");
    assert_eq!(positions(&directory.text("t.csv")).len(), 60, "placed");
}
