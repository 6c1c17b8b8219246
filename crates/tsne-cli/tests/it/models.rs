//! Model files as users break them: exit status 6, and what is wrong.

use crate::{Directory, two_groups};

/// A directory with data and their model.
fn with_model() -> Directory {
    let directory = Directory::with("d.csv", two_groups(20));
    directory.made("fit d.csv -o m.tsne --label group --perplexity 5 --n-iter 10 -q");
    directory
}

#[test]
fn files_that_are_no_models() {
    let directory = with_model();
    let whole = directory.read("m.tsne");
    let mut newer = whole.clone();
    newer[8] = 99;
    let mut damaged = whole.clone();
    damaged[whole.len() - 20] ^= 1;
    let mut lying = whole.clone();
    lying[16..24].copy_from_slice(&u64::MAX.to_le_bytes());
    let cases: [(&[u8], &str); 6] = [
        (b"x,y\n1,2\n", "E501: this is not a model: it looks like text"),
        (&[], "E501: this is not a model: it looks like an empty file"),
        (&newer, "E502: the model has format 99"),
        (&whole[..whole.len() / 2], "E503: the model is cut off"),
        (&damaged, "E504: the checksum"),
        (&lying, "E506: the header of the model is impossible"),
    ];
    for (content, expected) in cases {
        std::fs::write(directory.0.join("x.ckpt"), content).expect("writes");
        for command in ["resume x.ckpt", "transform x.ckpt d.csv -o t.csv", "inspect x.ckpt --verify"] {
            let outcome = directory.tsne(command);
            assert_eq!(outcome.status, Some(6), "{command}: {}", outcome.stderr);
            assert!(
                outcome.stderr.starts_with(&format!("error {expected}")),
                "{command}: {}",
                outcome.stderr
            );
            assert!(outcome.stderr.contains("x.ckpt\n  help: "), "{command}: {}", outcome.stderr);
        }
    }
    for command in ["resume none.ckpt", "transform none.tsne d.csv -o t.csv", "inspect none.tsne"] {
        let outcome = directory.tsne(command);
        assert_eq!(outcome.status, Some(7), "{command}: {}", outcome.stderr);
        assert!(outcome.stderr.starts_with("error E601: "), "{command}: {}", outcome.stderr);
    }
}

/// A model of the library holds no flags of the program.
#[test]
fn maps_that_the_program_did_not_make() {
    let x: Vec<f32> = (0..60_u8).map(|i| f32::from(i % 7) + f32::from(i) / 9.0).collect();
    let points = tsne::Points::from_row_major(&x, 2).expect("a matrix");
    let map = tsne::Tsne::new().perplexity(3.0).n_iter(5).fit(points).expect("a map");
    let mut file = Vec::new();
    map.save(&mut file, tsne::SaveOptions::new()).expect("memory takes all");
    let directory = Directory::with("m.tsne", file);
    let outcome = directory.tsne("resume m.tsne --n-iter 5");
    assert_eq!(outcome.status, Some(6), "{}", outcome.stderr);
    assert!(
        outcome.stderr.starts_with("error E505: this map was not made by tsne fit"),
        "{}",
        outcome.stderr
    );
}

#[test]
fn what_is_inside_is_told() {
    let directory = with_model();
    let head = directory.printed("inspect m.tsne");
    assert!(head.contains("n points         40\n") && head.contains("can transform    true\n"), "{head}");
    let all = directory.printed("inspect m.tsne --verify --json");
    let all: serde_json::Value = serde_json::from_str(&all).expect("JSON");
    assert_eq!((&all["verified"], &all["n_features"]), (&true.into(), &3.into()), "{all}");
    assert_eq!(all["feature_names"], serde_json::json!(["a", "b", "c"]), "{all}");
    assert!(all["configuration"].as_str().is_some_and(|toml| toml.contains("perplexity = 5\n")), "{all}");
    let data = directory.printed("inspect m.tsne --json");
    assert!(!data.contains("verified"), "the head alone says nothing of the rest: {data}");
}
