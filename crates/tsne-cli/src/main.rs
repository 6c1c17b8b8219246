//! The command `tsne`: from a table or numpy array to a map and a picture of it.
//!
//! Results go to files, everything else to standard error. Numerical work is done by the libraries; this crate reads
//! the command line, shows progress, draws, and explains failures.
#![forbid(unsafe_code)]

mod args;
mod demo;
mod exit;
mod fit;
mod output;
mod plot;
mod progress;
mod report;

use std::process::ExitCode;

use args::{Cli, Command};

fn main() -> ExitCode {
    let cli = match Cli::read(std::env::args_os()) {
        Ok(cli) => cli,
        Err(e) => e.exit(), // with status 2 on a mistake, 0 after --help
    };
    exit::run(|| match &cli.command {
        Command::Fit(args) => fit::run(args),
        Command::Demo(args) => demo::run(args),
    })
}
