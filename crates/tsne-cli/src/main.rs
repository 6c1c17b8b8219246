//! The command `tsne`: from a table or numpy array to a map and a picture of it.
//!
//! Results go to files, everything else to standard error. Numerical work is done by the libraries; this crate reads
//! the command line, shows progress, draws, and explains failures.
#![forbid(unsafe_code)]

mod args;
mod checkpoint;
mod config;
mod convert;
mod demo;
mod doctor;
mod draw;
mod drive;
mod eval;
mod exit;
mod features;
mod fit;
mod input;
mod inspect;
mod memory;
mod metric;
mod notice;
mod output;
mod plan;
mod plot;
mod prepare;
mod progress;
mod report;
mod resume;
mod shell;
mod signal;
mod start;
mod transform;

use std::process::ExitCode;

use args::{Cli, Command, Unread};
use exit::Failure;
use signal::Ending;

fn main() -> ExitCode {
    exit::run(|| {
        let cli = match Cli::read(std::env::args_os()) {
            Ok(cli) => cli,
            Err(Unread::Usage(e)) => e.exit(), // with status 2 on a mistake, 0 after --help
            Err(Unread::Config(failure)) => return Err(failure),
        };
        exit::color_messages(cli.command.color());
        match &cli.command {
            Command::Fit(args) => fit::run(args),
            Command::Demo(args) => demo::run(args),
            Command::Resume(args) => resume::run(args),
            Command::Transform(args) => transform::run(args),
            Command::Plot(args) => done(draw::run(args)),
            Command::Plan(args) => done(plan::run(args)),
            Command::Inspect(args) => done(inspect::run(args)),
            Command::Eval(args) => done(eval::run(args)),
            Command::Convert(args) => done(convert::run(args)),
            Command::Doctor(args) => done(doctor::run(args)),
            Command::Completions { shell } => done(shell::completions(*shell)),
            Command::Man => done(shell::manual()),
        }
    })
}

/// The ending of a command that signals do not stop but end.
fn done(result: Result<(), Failure>) -> Result<Ending, Failure> {
    result.map(|()| Ending::Done)
}
