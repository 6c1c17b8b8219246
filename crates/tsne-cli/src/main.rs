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

use clap::Parser as _;

use args::{Cli, Command};

fn main() -> ExitCode {
    let cli = Cli::parse(); // exits with status 2 on a mistake
    exit::run(|| match &cli.command {
        Command::Fit(args) => fit::run(args),
        Command::Demo(args) => demo::run(args),
    })
}
