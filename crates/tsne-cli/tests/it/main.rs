//! The program as its users meet it: run as a process, judged by exit status, messages and files.

#[cfg(unix)]
mod browser;
#[cfg(unix)]
mod chromium;
mod codes;
mod config;
mod demo;
mod eval;
mod faults;
mod field;
mod fits;
mod inputs;
mod metrics;
mod models;
mod outputs;
mod plan;
mod plot;
mod resume;
mod shell;
#[cfg(unix)]
mod signals;
mod transform;
#[cfg(unix)]
mod tutorial;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};

/// A fresh directory to run in, removed with all that is in it.
struct Directory(PathBuf);

impl Directory {
    fn new() -> Self {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let name = format!("run-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        fs::create_dir_all(&path).expect("the target directory is writable");
        Self(path)
    }

    /// A directory with one file in it.
    fn with(name: &str, content: impl AsRef<[u8]>) -> Self {
        let directory = Self::new();
        fs::write(directory.0.join(name), content).expect("the target directory is writable");
        directory
    }

    /// Runs `tsne` here with these arguments, separated by spaces.
    fn tsne(&self, args: &str) -> Outcome {
        let output = Command::new(env!("CARGO_BIN_EXE_tsne"))
            .args(args.split_whitespace())
            .current_dir(&self.0)
            .output()
            .expect("the program runs");
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("messages are text");
        Outcome { status: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
    }

    /// Starts `tsne` here and lets it run.
    fn start(&self, args: &str) -> Child {
        Command::new(env!("CARGO_BIN_EXE_tsne"))
            .args(args.split_whitespace())
            .current_dir(&self.0)
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program runs")
    }

    /// Runs `tsne`, which must succeed, and returns what it printed.
    fn printed(&self, args: &str) -> String {
        let outcome = self.tsne(args);
        assert_eq!(outcome.status, Some(0), "tsne {args}: {}", outcome.stderr);
        outcome.stdout
    }

    /// Runs `tsne`, which must succeed, and returns what it said.
    fn made(&self, args: &str) -> String {
        let outcome = self.tsne(args);
        assert_eq!(outcome.status, Some(0), "tsne {args}: {}", outcome.stderr);
        assert_eq!(outcome.stdout, "", "nothing goes to standard output");
        outcome.stderr
    }

    fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.0.join(name)).unwrap_or_else(|e| panic!("{name}: {e}"))
    }

    fn text(&self, name: &str) -> String {
        String::from_utf8(self.read(name)).expect("a text file")
    }

    /// Names of all files, hidden ones included, sorted.
    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(&self.0).expect("lists");
        let mut names: Vec<String> =
            entries.map(|e| e.expect("an entry").file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

struct Outcome {
    status: Option<i32>,
    stdout: String,
    stderr: String,
}

/// The numeric columns x, y, z of a map in CSV.
fn positions(csv: &str) -> Vec<Vec<f64>> {
    let mut lines = csv.lines();
    let axes =
        lines.next().expect("a header").split(',').take_while(|name| ["x", "y", "z"].contains(name)).count();
    let row = |line: &str| line.split(',').take(axes).map(|x| x.parse().expect("a number")).collect();
    lines.map(row).collect()
}

/// Two groups of `n` rows of three features each, with a label.
fn two_groups(n: usize) -> String {
    let mut text = "a,b,c,group\n".to_owned();
    for i in 0..n {
        let (u, v) = ((i * 7 % 11) as f64, (i * 5 % 13) as f64);
        text += &format!("{u},{v},{},left\n", u - v);
        text += &format!("{},{},{v},right\n", u + 100.0, v - 50.0);
    }
    text
}
