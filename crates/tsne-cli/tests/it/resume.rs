//! Checkpoints: what they hold, when they are written, and that a run goes on from them to the same bits.

use std::time::Duration;

use crate::{Directory, two_groups};

/// Kills of [`a_killed_run_leaves_valid_files_and_goes_on`].
const N_KILLS: u32 = 6;

#[test]
fn checkpoints_on_the_way_change_nothing() {
    let directory = Directory::with("d.csv", two_groups(60));
    for method in ["bh", "fft"] {
        let flags =
            format!("--label group --perplexity 5 --n-iter 60 --negative-gradient-method {method} -q");
        directory.made(&format!("fit d.csv -o whole-{method}.csv {flags}"));
        directory
            .made(&format!("fit d.csv -o saved-{method}.csv -o {method}.ckpt --checkpoint-every 0s {flags}"));
        let text = |name: &str| directory.text(&format!("{name}-{method}.csv"));
        assert_eq!(text("saved"), text("whole"), "{method}: a checkpoint after every iteration");
    }
}

#[test]
fn more_iterations_are_those_of_a_longer_run() {
    let directory = Directory::with("d.csv", two_groups(60));
    let flags = "--label group --id b --perplexity 5 -q --precision f64 --n-components 1";
    directory.made(&format!("fit d.csv -o long.csv --n-iter 130 {flags}"));
    directory.made(&format!("fit d.csv -o short.csv -o short.ckpt -o short.json --n-iter 100 {flags}"));
    directory.made("resume short.ckpt -q --n-iter 30 -o more.csv -o more.json");
    assert_eq!(directory.text("more.csv"), directory.text("long.csv"), "100 and 30 are 130");
    assert_ne!(directory.text("short.csv"), directory.text("long.csv"), "the first outputs are left alone");
    let report: serde_json::Value = serde_json::from_slice(&directory.read("more.json")).expect("JSON");
    assert_eq!(report["n_iter"], 380, "all iterations are counted");
    assert!(report["configuration"].as_str().is_some_and(|toml| toml.contains("n_iter = 130\n")), "{report}");
    directory.made("resume short.ckpt -q --n-iter 20");
    directory.made(&format!("fit d.csv -o longer.csv --n-iter 150 {flags}"));
    assert_eq!(directory.text("short.csv"), directory.text("longer.csv"), "the checkpoint went on as well");
}

#[test]
fn early_exaggeration_is_gone_on_with() {
    let directory = Directory::with("d.csv", two_groups(60));
    let flags = "--label group --perplexity 5 -q";
    directory.made(&format!("fit d.csv -o whole.csv {flags}"));
    directory.made(&format!("fit d.csv -o m.csv -o model.tsne {flags}"));
    let outcome = directory.tsne("resume model.tsne -q -o again.csv -o again.tsne");
    assert_eq!(outcome.status, Some(0), "{}", outcome.stderr);
    assert_eq!(directory.text("again.csv"), directory.text("whole.csv"), "a finished run is finished");
}

#[test]
fn a_checkpoint_without_data_makes_no_model() {
    let directory = Directory::with("d.csv", two_groups(20));
    directory.made("fit d.csv -o m.ckpt --label group --perplexity 5 --n-iter 10 -q");
    let outcome = directory.tsne("resume m.ckpt -o m.tsne");
    assert_eq!(outcome.status, Some(3), "{}", outcome.stderr);
    assert!(outcome.stderr.starts_with("error E207: "), "{}", outcome.stderr);
}

/// Kills runs at moments spread over their length. Whatever file there is then is whole, and if there is a checkpoint
/// the run goes on from it to the bits of one that was never stopped.
#[test]
fn a_killed_run_leaves_valid_files_and_goes_on() {
    let directory = Directory::with("d.csv", two_groups(100));
    let flags = "--label group --perplexity 5 --n-iter 400";
    let start = std::time::Instant::now();
    directory.made(&format!("fit d.csv -o whole.csv -q {flags}"));
    let length = start.elapsed().max(Duration::from_millis(20));
    let whole = directory.text("whole.csv");
    let mut resumed = 0;
    for kill in 0..N_KILLS {
        let directory = Directory::with("d.csv", two_groups(100));
        let mut child = directory.start(&format!(
            "fit d.csv -o m.csv -o m.tsne --checkpoint m.ckpt --checkpoint-every 1ms -q {flags}"
        ));
        // Writing checkpoints all the time makes a run longer than the one that was measured.
        std::thread::sleep(length * (2 * kill + 1) / 3);
        child.kill().expect("it runs or has ended");
        child.wait().expect("ends");
        let names = directory.names();
        if names.contains(&"m.csv".to_owned()) {
            assert_eq!(directory.text("m.csv"), whole, "kill {kill}: the map is whole");
        }
        for name in names.iter().filter(|name| name.ends_with(".ckpt") || name.ends_with(".tsne")) {
            directory.printed(&format!("inspect {name} --verify"));
        }
        if names.contains(&"m.ckpt".to_owned()) {
            directory.made("resume m.ckpt -q");
            assert_eq!(directory.text("m.csv"), whole, "kill {kill}: the same bits");
            resumed += 1;
        }
    }
    assert!(resumed > 0, "at least the late kills leave a checkpoint");
}
