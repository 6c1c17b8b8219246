//! `tsne resume`: goes on with a run from its checkpoint, to the bits of a run that was never stopped.

use std::fmt::Display;
use std::fs::File;
use std::io::{BufReader, ErrorKind};
use std::path::Path;
use std::time::Instant;

use clap::CommandFactory as _;
use tsne::{ModelInfo, Scalar, TsneEmbedding};
use tsne_io::NpyElement;

use crate::args::{Cli, Command, FitArgs, ResumeArgs, Unread};
use crate::checkpoint::Notes;
use crate::config;
use crate::exit::{Failure, shown_path};
use crate::fit::Job;
use crate::output::Outputs;
use crate::signal::{Ending, Stop};

/// Runs the command.
pub(crate) fn run(args: &ResumeArgs) -> Result<Ending, Failure> {
    let info = read_head(&args.checkpoint)?;
    match (info.scalar.as_str(), info.n_components) {
        ("f32", 1) => resume::<f32, 1>(args, &info),
        ("f32", 2) => resume::<f32, 2>(args, &info),
        ("f32", _) => resume::<f32, 3>(args, &info),
        (_, 1) => resume::<f64, 1>(args, &info),
        (_, 2) => resume::<f64, 2>(args, &info),
        _ => resume::<f64, 3>(args, &info),
    }
}

/// The file of a model, to be read from its start.
pub(crate) fn open(path: &Path) -> Result<BufReader<File>, Failure> {
    match File::open(path) {
        Ok(file) => Ok(BufReader::with_capacity(1 << 16, file)),
        Err(e) => {
            let error = match e.kind() {
                ErrorKind::NotFound => tsne_io::Error::NotFound,
                _ => tsne_io::Error::NotReadable(e),
            };
            Err(Failure::in_file(path, &error))
        }
    }
}

/// Whether a file is a model or a checkpoint, by its name.
pub(crate) fn is_model(path: &Path) -> bool {
    path.extension()
        .is_some_and(|suffix| suffix.eq_ignore_ascii_case("tsne") || suffix.eq_ignore_ascii_case("ckpt"))
}

/// What a model says of itself.
pub(crate) fn read_head(path: &Path) -> Result<ModelInfo, Failure> {
    ModelInfo::read(open(path)?).map_err(|e| Failure::of_model(path, &e))
}

/// Reads a model, and what it says of how it was made.
pub(crate) fn load<T: Scalar, const D: usize>(path: &Path) -> Result<(TsneEmbedding<T, D>, Notes), Failure> {
    let map = TsneEmbedding::load(open(path)?).map_err(|e| Failure::of_model(path, &e))?;
    let notes = Notes::read(&map, path)?;
    Ok((map, notes))
}

fn resume<T, const D: usize>(args: &ResumeArgs, info: &ModelInfo) -> Result<Ending, Failure>
where
    T: Scalar + NpyElement + Display,
{
    let stop = Stop::listen()?;
    let path = &args.checkpoint;
    let reading = Instant::now();
    let (mut map, notes) = load::<T, D>(path)?;
    let reading = reading.elapsed();
    let mut fit = flags(&notes, path)?;
    // What the flags would do is what the map has done so far.
    let planned = fit.parameters.early_exaggeration_iter.saturating_add(fit.parameters.n_iter);
    let missing = map.report().n_iter.saturating_sub(planned);
    fit.parameters.n_iter = fit.parameters.n_iter.saturating_add(missing).saturating_add(args.n_iter);
    let n_iter = i64::try_from(fit.parameters.n_iter).unwrap_or(i64::MAX);
    fit.configuration.insert("n_iter".to_owned(), n_iter.into());
    fit.running.checkpoint_every = args.checkpoint_every;
    if args.n_jobs == 0 {
        return Err(Failure::of_fit(&tsne::Error::ZeroJobs, ""));
    }
    map.set_optimization(map.optimization().n_jobs(args.n_jobs));

    let mut outputs = if args.outputs.is_empty() {
        // These are of this run: the part of it that was stopped may have written them.
        Outputs::check(&fit.outputs, None, true)?
    } else {
        Outputs::check(&args.outputs, None, args.force)?
    }
    .spreadsheet_safe(fit.reading.spreadsheet_safe)
    .look(&fit.pictures)?;
    // The checkpoint goes on too, unless it is a model.
    let is_model = path.extension().is_some_and(|suffix| suffix.eq_ignore_ascii_case("tsne"));
    if !is_model {
        outputs.add_checkpoint(path, true)?;
    }
    if outputs.has_model() && !info.has_data {
        let what = "this checkpoint does not hold the data, which a model needs to place new rows";
        let help = "name a .tsne file among the outputs of tsne fit, or leave it out here";
        return Err(Failure::new("E207", what, help).at(shown_path(path)));
    }
    let company = notes.company(info.n_features, path)?;
    Notes { configuration: config::to_text(&fit.configuration), ..notes.clone() }.attach(&mut map);
    let job = Job {
        name: notes.name.clone(),
        parameters: &fit.parameters,
        configuration: &fit.configuration,
        running: &fit.running,
        telling: &args.telling,
        outputs,
        stop,
        reading,
    };
    job.go_on(map, &company)
}

/// The flags that a map was made with.
fn flags(notes: &Notes, path: &Path) -> Result<FitArgs, Failure> {
    let failed = |what: String| {
        let help = "go on with the version of tsne that made it";
        Failure::new("E505", what, help).at(shown_path(path))
    };
    let table = config::parse(&notes.configuration).map_err(|e| failed(e.what().to_owned()))?;
    let words = config::words_of(&table, &Cli::command(), "fit").map_err(|e| failed(e.what().to_owned()))?;
    match Cli::read(words.line("fit")).map(|cli| cli.command) {
        Ok(Command::Fit(fit)) => Ok(*fit),
        Ok(_) => Err(failed("its flags are not those of a fit".to_owned())),
        Err(Unread::Config(failure)) => Err(failure),
        Err(Unread::Usage(e)) => {
            let text = e.to_string();
            let first = text.lines().next().unwrap_or_default().trim_start_matches("error: ");
            Err(failed(format!("its flags are not understood: {}", tsne_io::shown(first))))
        }
    }
}
