//! Output files: whole or not at all, and never a stranger's file.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use tsne_io::Output;

/// A fresh directory, removed with all that is in it.
struct Directory(PathBuf);

impl Directory {
    fn new() -> Self {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let name = format!("output-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        fs::create_dir_all(&path).expect("the target directory is writable");
        Self(path)
    }

    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(&self.0).expect("lists");
        entries.map(|e| e.expect("an entry").file_name().to_string_lossy().into_owned()).collect()
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[test]
fn a_file_appears_whole_and_alone() {
    let directory = Directory::new();
    let path = directory.0.join("map.csv");
    let output = Output::check(&path, false).expect("writable");
    assert!(directory.names().is_empty(), "checking leaves nothing");
    output.write(|file| file.write_all(b"x,y\n")).expect("writes");
    assert_eq!(fs::read(&path).expect("reads"), b"x,y\n", "content");
    assert_eq!(directory.names(), ["map.csv"], "no temporary file is left");
}

#[test]
fn a_failure_leaves_what_was_there() {
    let directory = Directory::new();
    let path = directory.0.join("map.csv");
    fs::write(&path, "old").expect("writes");
    let output = Output::check(&path, true).expect("may overwrite");
    let e = output.write(|file| {
        file.write_all(&[b'x'; 100_000])?;
        Err(io::Error::other("the pen broke"))
    });
    assert_eq!(e.expect_err("fails").code(), "E603", "not writable");
    assert_eq!(fs::read(&path).expect("reads"), b"old", "the old file");
    assert_eq!(directory.names(), ["map.csv"], "no temporary file is left");
    let full = output.write(|_| Err(io::ErrorKind::StorageFull.into())).expect_err("fails");
    assert_eq!(full.code(), "E303", "a full disk has a code of its own");
}

#[test]
fn an_existing_file_is_refused_unless_told_otherwise() {
    let directory = Directory::new();
    let path = directory.0.join("map.csv");
    let early = Output::check(&path, false).expect("there is none yet");
    fs::write(&path, "old").expect("writes");
    assert_eq!(Output::check(&path, false).expect_err("exists").code(), "E604", "found at the check");
    let e = early.write(|file| file.write_all(b"new")).expect_err("exists by now");
    assert_eq!(
        (e.code(), fs::read(&path).expect("reads")),
        ("E604", b"old".to_vec()),
        "found at the writing"
    );
    Output::check(&path, true).expect("may").write(|file| file.write_all(b"new")).expect("writes");
    assert_eq!(fs::read(&path).expect("reads"), b"new", "overwritten");
}

#[test]
fn what_cannot_be_written_is_found_at_the_check() {
    let directory = Directory::new();
    for path in [
        directory.0.clone(),
        directory.0.join("none/map.csv"),
        PathBuf::from("/dev/null"),
        PathBuf::from(".."),
    ] {
        if path.starts_with("/dev") && !cfg!(unix) {
            continue;
        }
        let e = Output::check(&path, true).expect_err("not writable");
        assert_eq!(e.code(), "E603", "{}: {e}", path.display());
    }
    assert!(directory.names().is_empty(), "nothing is left");
}
