//! `cargo xtask`: the checks and reports of this workspace.
//!
//! A thin driver: it spawns `cargo` and reads text. It measures nothing; what is timed runs in release, in `benches/`.
#![forbid(unsafe_code)]
#![allow(clippy::print_stdout, reason = "a command for people; its output is its purpose")]

mod accuracy;
mod bench;
mod ci;
mod compare;
mod data;
mod docs;
mod instructions;
mod lab;
mod layers;
mod machine;
mod options;
mod plot;
mod release;
mod sections;
mod tidy;
mod workspace;

use std::process::ExitCode;

use anyhow::{Result, bail};

const HELP: &str = "\
cargo xtask COMMAND

  ci [--quick]   every check a change must pass, stopping at the first that fails;
                 --quick leaves out the crates checked alone, the doc tests and rustdoc
  tidy           the rules of the house that no compiler checks
  accuracy [PACKAGE]
                 sweeps the errors of the approximations against f64 oracles, in release, and rewrites
                 the tables of docs/accuracy.md
  bench [FILTER] [--save NAME] [--against NAME] [--rounds 5] [--threads N] [--data DIR]
                 workloads of the lab in turns: medians, and how they compare with a saved run;
                 --data DIR adds those on the digits of DIR/mnist70k.npz
  bench crossover [--write|--check] [--threads N]
                 from which sizes which method is faster, and the constants of crates/tsne/src/auto.rs that
                 follow; --write and --check measure nothing
  compare [SCENARIO...] [--peers opentsne,sklearn,manifolds] [--data DIR|X.npy] [--quick] [--resume]
                 the same fit by us and by others, judged alike; lists the scenarios without one;
                 --quick runs each once, --resume goes on with a command that was cut
  instructions [--check]
                 counts the instructions of the hot loops by valgrind and keeps the counts;
                 --check compares them with those kept
  docs [--check] rewrites the tables of docs/performance.md and the plots beside it from benches/results
  release --check
                 what must hold before publishing: manifests, the Rust that dependencies need, notices
  notices        writes THIRD_PARTY_NOTICES.md
  help           this text";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    match run(&args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            println!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(args: &[&str]) -> Result<()> {
    match args {
        ["ci"] => ci::run(false),
        ["ci", "--quick"] => ci::run(true),
        ["tidy"] => tidy::run(),
        ["release", "--check"] => release::check(),
        ["notices"] => release::notices(),
        ["accuracy"] => accuracy::run(None),
        ["accuracy", package] => accuracy::run(Some(package)),
        ["bench", "crossover", rest @ ..] => bench::crossover::run(rest),
        ["bench", rest @ ..] => bench::run(rest),
        ["compare", rest @ ..] => compare::run(rest),
        ["docs"] => docs::run(false),
        ["docs", "--check"] => docs::run(true),
        ["instructions", rest @ ..] => instructions::run(rest),
        [] | ["help" | "-h" | "--help"] => {
            println!("{HELP}");
            Ok(())
        }
        _ => bail!("unknown arguments: {}\n\n{HELP}", args.join(" ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_arguments_are_an_error_that_shows_the_help() {
        let error = run(&["tidy", "--fast"]).expect_err("no such flag").to_string();
        assert!(error.contains("tidy --fast") && error.contains("cargo xtask COMMAND"), "{error}");
    }
}
