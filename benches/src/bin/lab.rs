//! `lab`: runs one workload and prints what it found.
#![forbid(unsafe_code)]
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command for people; its output is its purpose"
)]

use std::process::ExitCode;

use anyhow::{Context as _, Result};
use tsne_benches::{Args, Report, WORKLOADS};

fn main() -> ExitCode {
    let mut words = std::env::args().skip(1);
    let name = words.next().unwrap_or_else(|| "help".to_owned());
    if matches!(name.as_str(), "help" | "-h" | "--help") {
        println!("lab WORKLOAD ARGUMENTS\n");
        for workload in WORKLOADS {
            println!("{}\n", workload.usage);
        }
        return ExitCode::SUCCESS;
    }
    match run(&name, words) {
        Ok(report) => {
            print!("{report}");
            if report.passed() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
        }
        Err(error) => {
            eprintln!("lab {name}: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(name: &str, words: impl IntoIterator<Item = String>) -> Result<Report> {
    let workload = WORKLOADS.iter().find(|workload| workload.name == name);
    let workload = workload.context("no such workload; lab help lists them")?;
    (workload.run)(Args::parse(words)?)
}
