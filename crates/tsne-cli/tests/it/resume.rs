//! Checkpoints: what they hold, when they are written, and that a run goes on from them to the same bits.

use std::time::Duration;

use crate::{Directory, two_groups};

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

/// Moments at which [`a_killed_run_leaves_valid_files_and_goes_on`] kills a run.
const N_KILLS: usize = 50;
/// Seed of these moments.
const SEED: u64 = 2026;
/// Runs are killed up to this share of the time one takes: some have ended by then.
const LATEST: f64 = 1.2;
/// Kills between two measurements of how long a run takes, as other tests come and go beside this one.
const KILLS_PER_MEASUREMENT: usize = 10;

/// The `i`-th of a sequence of numbers below 1 that have nothing to do with each other (splitmix64).
fn moment(i: usize) -> f64 {
    let mut z = SEED.wrapping_add((i as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    ((z ^ (z >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
}

/// Kills runs at any moment of their length. Whatever file there is then is whole, and if there is a checkpoint the run
/// goes on from it to the bits of one that was never stopped.
#[test]
fn a_killed_run_leaves_valid_files_and_goes_on() {
    let flags = "--label group --perplexity 5 --n-iter 250";
    let saving =
        format!("fit d.csv -o m.csv -o m.tsne --checkpoint m.ckpt --checkpoint-every 2ms --force -q {flags}");
    let unkilled = Directory::with("d.csv", two_groups(100));
    unkilled.made(&format!("fit d.csv -o whole.csv -q {flags}"));
    let whole = unkilled.text("whole.csv");
    let (mut length, mut n_killed, mut n_resumed) = (Duration::ZERO, 0, 0);
    for kill in 0..N_KILLS {
        if kill % KILLS_PER_MEASUREMENT == 0 {
            let start = std::time::Instant::now();
            unkilled.made(&saving);
            length = start.elapsed();
            assert_eq!(unkilled.text("m.csv"), whole, "saving all the time changes nothing");
        }
        let delay = length.mul_f64(LATEST * moment(kill));
        let what = format!("kill {kill} of seed {SEED}, after {delay:?} of {length:?}");
        let directory = Directory::with("d.csv", two_groups(100));
        let mut child = directory.start(&saving);
        std::thread::sleep(delay);
        child.kill().expect("it runs or has ended");
        n_killed += usize::from(!child.wait().expect("ends").success());
        let names = directory.names();
        for name in &names {
            match name.as_str() {
                "d.csv" => {}
                "m.csv" => assert_eq!(directory.text(name), whole, "{what}: the map is whole"),
                "m.ckpt" | "m.tsne" => assert!(
                    directory.printed(&format!("inspect {name} --verify")).contains("verified         true"),
                    "{what}: {name} is whole"
                ),
                other => {
                    let is_unfinished = other.starts_with(".tsne-") && other.ends_with(".tmp");
                    assert!(is_unfinished, "{what}: {other} is no file of this run");
                }
            }
        }
        if names.contains(&"m.ckpt".to_owned()) {
            directory.made("resume m.ckpt -q");
            assert_eq!(directory.text("m.csv"), whole, "{what}: the same bits");
            n_resumed += 1;
        } else {
            assert!(!names.contains(&"m.csv".to_owned()), "{what}: a map, but no checkpoint");
        }
    }
    // Five of six moments lie within the run, and checkpoints come with the first iterations.
    assert!(n_killed > N_KILLS / 4, "{n_killed} of {N_KILLS} runs had not ended");
    assert!(n_resumed > N_KILLS / 2, "{n_resumed} of {N_KILLS} kills left a checkpoint");
}
