//! `docs/tutorial.md`: its commands are run as they stand, in order, in a directory that holds the file they begin with.

use std::path::Path;
use std::process::Command;

use crate::Directory;

const TUTORIAL: &str = include_str!("../../../../docs/tutorial.md");
const DIGITS: &str = include_str!("../../data/digits.csv");

/// The commands between fences that say `sh`.
fn blocks() -> Vec<&'static str> {
    let parts = TUTORIAL.split("```sh\n").skip(1);
    parts.map(|part| part.split("```").next().expect("a block ends")).collect()
}

#[test]
fn every_command_runs() {
    let directory = Directory::with("digits.csv", DIGITS);
    let program = Path::new(env!("CARGO_BIN_EXE_tsne")).parent().expect("a directory");
    let path = format!("{}:{}", program.display(), std::env::var("PATH").unwrap_or_default());
    let blocks = blocks();
    assert!(blocks.len() > 10, "the commands are found: {blocks:?}");
    for block in blocks {
        let output = Command::new("sh")
            .args(["-e", "-c", block])
            .env("PATH", &path)
            .current_dir(&directory.0)
            .output()
            .expect("a shell runs");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{block}: {said}");
        assert!(!said.contains("error"), "{block}: {said}");
    }
    let lines = |name: &str| directory.text(name).lines().count();
    assert_eq!((lines("map.csv"), lines("new.csv")), (1798, 301), "a line for each digit, and a heading");
    assert!(
        directory.read("short.csv") == directory.read("map.csv"),
        "500 iterations in two parts or in one"
    );
    for picture in ["map.png", "new.png", "random-1.png", "random-2.png", "fine.png", "broad.png", "both.png"]
    {
        assert!(directory.read(picture).starts_with(b"\x89PNG"), "{picture}");
    }
}
