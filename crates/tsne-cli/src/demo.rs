//! `tsne demo`: the handwritten digits inside the program become `digits.png` and `digits.csv`.

use std::path::{Path, PathBuf};
use std::time::Instant;

use tsne_io::{ReadOptions, read_table};

use crate::args::{Cli, Command, DemoArgs, FitArgs};
use crate::exit::Failure;
use crate::fit::{Choices, Job};
use crate::output::Outputs;
use crate::signal::{Ending, Stop};

/// 1797 digits of 8 x 8 pixels and what they are (UCI, Alpaydin and Kaynak 1998).
const DIGITS: &str = include_str!("../data/digits.csv");
/// Both are overwritten: a demonstration is repeated.
const OUTPUTS: [&str; 2] = ["digits.png", "digits.csv"];

/// Runs the command.
pub(crate) fn run(args: &DemoArgs) -> Result<Ending, Failure> {
    let stop = Stop::listen()?;
    let outputs = Outputs::check(&OUTPUTS.map(PathBuf::from), None, true)?;
    let options = ReadOptions { label: Some("digit".to_owned()), ..ReadOptions::default() };
    let reading = Instant::now();
    let data =
        read_table(DIGITS.as_bytes(), &options).map_err(|e| Failure::in_file(Path::new("digits"), &e))?;
    let reading = reading.elapsed();
    let mut fit = defaults();
    fit.parameters.random_state = args.random_state;
    fit.parameters.n_jobs = args.n_jobs;
    let job = Job {
        name: "handwritten digits".to_owned(),
        configuration: &fit.configuration,
        parameters: &fit.parameters,
        running: &fit.running,
        telling: &args.telling,
        outputs,
        stop,
        reading,
    };
    job.run(&Choices::parse(&fit.parameters)?, Some(data), None, None)
}

/// The defaults of `tsne fit`, from where they are declared.
fn defaults() -> FitArgs {
    match Cli::read(["tsne", "fit", "digits", "-o", "digits.csv"]).map(|cli| cli.command) {
        Ok(Command::Fit(args)) => *args,
        other => unreachable!("this is a fit and nothing else: {other:?}"),
    }
}
