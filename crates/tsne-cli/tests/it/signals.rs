//! Ctrl-C, SIGTERM and SIGHUP: computing stops soon, what there is is saved, and a second signal ends at once.

use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use crate::{Directory, positions, two_groups};

/// Far longer than a test waits; the run is always stopped.
const ENDLESS: &str = "--n-iter 100000000 --perplexity 5 --label group --id a";

fn send(child: &Child, signal: &str) {
    let sent = Command::new("kill").args(["-s", signal, &child.id().to_string()]).status();
    assert!(sent.expect("kill runs").success(), "the signal is sent");
}

/// Reads lines of messages until one has `part` in it; returns what is still to come.
fn wait_for(child: &mut Child, part: &str) -> BufReader<std::process::ChildStderr> {
    let mut messages = BufReader::new(child.stderr.take().expect("messages are caught"));
    let mut line = String::new();
    while !line.contains(part) {
        line.clear();
        assert!(messages.read_line(&mut line).expect("text") > 0, "a line has {part}");
    }
    messages
}

/// Stops a run by a signal while it moves the map; returns its status, how long it took to end, and what it said.
fn stopped(directory: &Directory, args: &str, signal: &str) -> (Option<i32>, Duration, String) {
    let mut child = directory.start(args);
    let mut messages = wait_for(&mut child, "optimization");
    send(&child, signal);
    let start = Instant::now();
    let mut said = String::new();
    messages.read_to_string(&mut said).expect("text");
    (child.wait().expect("ends").code(), start.elapsed(), said)
}

/// Whether a program that is started here has SIGHUP ignored, or may have.
fn ignores_hangups() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).is_none_or(|mask| mask & 1 == 1)
}

#[test]
fn the_map_so_far_and_a_checkpoint_are_written() {
    let answered = [("INT", 130), ("TERM", 143), ("HUP", 129)];
    // Of tests that run under nohup, so do their programs.
    for (signal, status) in answered.into_iter().take(if ignores_hangups() { 2 } else { 3 }) {
        let directory = Directory::with("d.csv", two_groups(200));
        let (code, time, said) =
            stopped(&directory, &format!("fit d.csv -o m.csv -o m.png -o m.json {ENDLESS}"), signal);
        assert_eq!(code, Some(status), "{said}");
        // Two seconds are owed; a machine that is busy with other tests gets some more.
        assert!(time < Duration::from_secs(10), "ended {time:?} after SIG{signal}");
        assert!(said.contains("go on with: tsne resume m.ckpt"), "{said}");
        assert_eq!(directory.names(), ["d.csv", "m.ckpt", "m.csv", "m.json", "m.png"], "whole files only");
        assert_eq!(positions(&directory.text("m.csv")).len(), 400, "the map so far");
        let report: serde_json::Value = serde_json::from_slice(&directory.read("m.json")).expect("JSON");
        assert_eq!(report["stop"], format!("SIG{signal}"), "the report says why");
    }
}

#[test]
fn a_checkpoint_does_not_take_the_name_of_another_file() {
    let directory = Directory::with("d.csv", two_groups(50));
    std::fs::write(directory.0.join("m.ckpt"), "precious").expect("writes");
    let (code, _, said) = stopped(&directory, &format!("fit d.csv -o m.csv {ENDLESS}"), "INT");
    assert_eq!(code, Some(130), "{said}");
    assert!(said.contains("tsne resume m-2.ckpt"), "{said}");
    assert_eq!(directory.text("m.ckpt"), "precious", "the other file is as it was");
}

#[test]
fn a_stopped_run_goes_on_to_the_same_bits() {
    let directory = Directory::with("d.csv", two_groups(200));
    let flags = "--perplexity 5 --label group --id a --n-iter 3000 --callbacks-every-iters 10";
    directory.made(&format!("fit d.csv -o whole.csv -q {flags}"));
    let (code, _, said) =
        stopped(&directory, &format!("fit d.csv -o part.csv --checkpoint c {flags}"), "TERM");
    assert_eq!(code, Some(143), "{said}");
    assert_ne!(directory.text("part.csv"), directory.text("whole.csv"), "it was stopped on its way");
    directory.made("resume c -q");
    assert_eq!(directory.text("part.csv"), directory.text("whole.csv"), "labels and ids included");
}

/// The data are so many that the search for neighbors takes far longer than the test waits.
#[test]
fn a_search_for_neighbors_stops_too() {
    let mut npy = Vec::new();
    let bytes: Vec<u8> = (0..60_000_u32 * 100).map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    tsne_io::write_npy(&mut npy, &[60_000, 100], &bytes).expect("memory takes all");
    let directory = Directory::with("d.npy", npy);
    let mut child = directory.start("fit d.npy -o m.csv --neighbors exact --progress json");
    let mut messages = wait_for(&mut child, "{");
    send(&child, "INT");
    let start = Instant::now();
    let mut said = String::new();
    messages.read_to_string(&mut said).expect("text");
    assert_eq!(child.wait().expect("ends").code(), Some(130), "{said}");
    assert!(start.elapsed() < Duration::from_secs(10), "ended {:?} after SIGINT", start.elapsed());
    assert!(said.contains("before there was a map"), "{said}");
    assert_eq!(directory.names(), ["d.npy"], "nothing was written");
}

/// What `nohup` starts goes on when the terminal is closed.
#[test]
#[cfg(target_os = "linux")]
fn a_hangup_that_is_ignored_stays_ignored() {
    let directory = Directory::with("d.csv", two_groups(200));
    let program = env!("CARGO_BIN_EXE_tsne");
    let line = format!("trap '' HUP; exec '{program}' fit d.csv -o m.csv {ENDLESS}");
    let mut shell = Command::new("sh");
    shell.args(["-c", &line]).current_dir(&directory.0).stderr(std::process::Stdio::piped());
    let mut child = shell.spawn().expect("a shell runs");
    let mut messages = wait_for(&mut child, "optimization");
    send(&child, "HUP");
    send(&child, "TERM");
    let mut said = String::new();
    messages.read_to_string(&mut said).expect("text");
    assert_eq!(child.wait().expect("ends").code(), Some(143), "only the second signal counts: {said}");
}

/// The neighbors are what took long: a map is made of them, although it has not moved yet.
#[test]
fn what_a_search_has_found_is_not_lost() {
    let directory = Directory::with("d.csv", two_groups(3000));
    let mut child = directory.start(&format!("fit d.csv -o m.csv --progress json {ENDLESS}"));
    let mut messages = wait_for(&mut child, "\"stage\":\"affinities\"");
    send(&child, "TERM");
    let mut said = String::new();
    messages.read_to_string(&mut said).expect("text");
    assert_eq!(child.wait().expect("ends").code(), Some(143), "{said}");
    assert_eq!(directory.names(), ["d.csv", "m.ckpt", "m.csv"], "{said}");
    assert_eq!(positions(&directory.text("m.csv")).len(), 6000, "as many as there are rows");
    directory.printed("inspect m.ckpt --verify");
}

/// The first two signals arrive together, so the second finds the first not answered yet.
#[test]
fn a_second_signal_ends_at_once() {
    let directory = Directory::with("d.csv", two_groups(200));
    let mut child = directory.start(&format!("fit d.csv -o m.csv {ENDLESS}"));
    let messages = wait_for(&mut child, "optimization");
    let id = child.id();
    let both = Command::new("sh").arg("-c").arg(format!("kill -INT {id}; kill -TERM {id}")).status();
    assert!(both.expect("a shell runs").success(), "the signals are sent");
    let status = child.wait().expect("ends").code();
    drop(messages);
    assert!(matches!(status, Some(130 | 143)), "{status:?}");
    for name in directory.names() {
        // A temporary file may be left; under the names asked for there is all or nothing.
        if name == "m.csv" {
            assert_eq!(positions(&directory.text(&name)).len(), 400, "a whole map");
        }
    }
}
