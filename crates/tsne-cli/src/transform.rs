//! `tsne transform`: places new rows in the map of a model.

use std::collections::HashMap;
use std::fmt::Display;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde_json::json;
use tsne::{
    Error, Event, LearningRate, NewPositions, PartialTsneEmbedding, Scalar, Stage, StopReason, Transform,
    Warning,
};
use tsne_io::{NpyElement, shown};

use crate::args::{PlacingArgs, TransformArgs};
use crate::checkpoint::{Company, Notes};
use crate::drive::Driver;
use crate::exit::{Failure, shown_path, tell};
use crate::fit::company;
use crate::output::{Map, Outputs, short_name};
use crate::progress::Progress;
use crate::resume::{load, read_head};
use crate::signal::{Ending, Stop};
use crate::start::Start;
use crate::{config, features, input, report};

/// Seed of the choice of rows: placing them has no other chance in it that a flag could set.
const SAMPLE_SEED: u64 = 42;

/// Runs the command.
pub(crate) fn run(args: &TransformArgs) -> Result<Ending, Failure> {
    let stop = Stop::listen()?;
    let outputs = Outputs::check(&args.outputs, Some(&args.input), args.force)?
        .spreadsheet_safe(args.reading.spreadsheet_safe)
        .look(&args.pictures)?;
    if outputs.has_model() || outputs.checkpoint().is_some() {
        let what = "new rows in a map are neither a model nor a checkpoint of their own";
        let help = "end the name of the output in .csv, .tsv, .npy, .png, .svg, .html or .json";
        return Err(Failure::new("E207", what, help).at("--output"));
    }
    let info = read_head(&args.model)?;
    let task = Task { args, outputs, stop, has_data: info.has_data };
    match (info.scalar.as_str(), info.n_components) {
        ("f32", 1) => task.run::<f32, 1>(),
        ("f32", 2) => task.run::<f32, 2>(),
        ("f32", _) => task.run::<f32, 3>(),
        (_, 1) => task.run::<f64, 1>(),
        (_, 2) => task.run::<f64, 2>(),
        _ => task.run::<f64, 3>(),
    }
}

/// What was asked for, checked as far as it can be without reading.
struct Task<'a> {
    args: &'a TransformArgs,
    outputs: Outputs,
    stop: Stop,
    /// Whether the model has what new rows are placed by.
    has_data: bool,
}

impl Task<'_> {
    fn run<T, const D: usize>(&self) -> Result<Ending, Failure>
    where
        T: Scalar + NpyElement + Display,
    {
        let args = self.args;
        let start = Instant::now();
        let (mut map, notes) = load::<T, D>(&args.model)?;
        map.set_optimization(map.optimization().n_jobs(args.placing.n_jobs));
        if !self.has_data {
            return Err(self.cannot_place(&notes, &Error::NoReferenceData));
        }
        let begin = Start::<NewPositions<D>>::parse(&args.placing.initialization)?;
        let data = input::read(&args.input, &args.reading, SAMPLE_SEED)?;
        let names = data.feature_names.clone();
        let (features, company) = company(data);
        let expected = map.report().plan.n_features.unwrap_or(features.n_features());
        let places = self.places(&notes, names.as_deref(), expected, features.n_features())?;
        let name = input::name(&args.input);
        let failed = |e: Error| match &e {
            Error::NoReferenceData | Error::NoNewRows => self.cannot_place(&notes, &e),
            _ => Failure::of_fit(&e, &name),
        };
        let treatment = notes.treatment(map.report().plan.n_features, &args.model)?;
        let points = features::points_like::<T>(features, places.as_deref(), &treatment)
            .map_err(|e| failed(e.into()))?;
        let n_rows = points.points().n_points();
        let how = how(&args.placing).initialization(begin.of_points(n_rows, NewPositions::Positions)?);
        let reading = start.elapsed();
        self.tell("Model", &format!("{}: {} points", shown_path(&args.model), map.positions().len()));
        self.tell("Input", &format!("{name}: {n_rows} rows"));

        let iterations = [args.placing.early_exaggeration_iter, args.placing.n_iter];
        let progress = Progress::new(&args.telling, iterations);
        // Nothing of these phases is left to be gone on with: a transform is short.
        let driver = Driver::new(crate::drive::NO_PHASES, &self.stop, &progress, None, 0);
        self.stop.hold();
        let clock = Clock::start();
        let placed = map.transform_observed(points.points(), &how, &|event| {
            clock.see(&event);
            driver.observe(event)
        });
        progress.finish();
        let new = match (placed, self.stop.signal()) {
            (Ok(new), _) => new,
            (Err(_), Some(signal)) => {
                self.tell("Stop", "before the new rows had positions");
                return Ok(Ending::Stopped(signal));
            }
            (Err(e), _) => return Err(failed(e)),
        };
        let made =
            Made { start, reading, timings: clock.timings(), seed: notes.seed(), n_features: expected };
        self.write(&new, &company, &made)?;
        match (new.stop(), self.stop.signal()) {
            (StopReason::Interrupted { .. }, Some(signal)) => Ok(Ending::Stopped(signal)),
            _ => Ok(Ending::Done),
        }
    }

    fn write<T, const D: usize>(
        &self,
        new: &PartialTsneEmbedding<T, D>,
        company: &Company,
        made: &Made,
    ) -> Result<(), Failure>
    where
        T: Scalar + NpyElement + Display,
    {
        let of_placing = new.warnings().iter().map(|w| (w.code().to_owned(), w.to_string()));
        let warnings: Vec<(String, String)> = company.warnings.iter().cloned().chain(of_placing).collect();
        if !self.args.telling.quiet {
            for (code, text) in &warnings {
                tell(format_args!("warning {code}: {text}"));
            }
        }
        let n_rows = new.positions().len();
        let kl_divergence = new.kl_divergence();
        let seconds = made.start.elapsed().as_secs_f64();
        let used = |perplexity: f64| {
            let reduced = new.warnings().iter().find_map(|warning| match warning {
                Warning::PerplexityReduced { requested, used } if *requested == perplexity => Some(*used),
                _ => None,
            });
            reduced.unwrap_or(perplexity)
        };
        let perplexities: Vec<f64> = self.args.placing.perplexity.iter().map(|&p| used(p)).collect();
        self.outputs.write(&Map {
            embedding: None,
            positions: new.positions(),
            labels: company.labels.as_ref(),
            ids: company.ids.as_deref(),
            name: &input::name(&self.args.input),
            snapshots: &[],
            caption: format!(
                "{} in the map of {} · KL divergence {kl_divergence:.3}",
                report::count(n_rows, "new point"),
                short_name(&shown_path(&self.args.model))
            ),
            report: json!({
                "versions": {"tsne": env!("CARGO_PKG_VERSION")},
                "command": report::command(),
                "configuration": config::to_text(&self.args.configuration),
                "data": company.description,
                "plan": {
                    "n_points": n_rows,
                    "n_reference_points": new.reference_positions().len(),
                    "n_features": made.n_features,
                    "n_components": D,
                    "perplexity": perplexities,
                    "n_neighbors": new.affinities().n_entries() / n_rows.max(1),
                },
                "warnings": warnings.iter().map(|(c, t)| json!({"code": c, "text": t})).collect::<Vec<_>>(),
                "n_iter": new.n_iter(),
                "kl_divergence": kl_divergence,
                "seconds": seconds,
                "stage_seconds": report::stage_seconds(made.reading, &made.timings),
                "random_state": made.seed,
                "stop": self.stop.signal().map_or("completed", |signal| signal.name()),
                "peak_memory_bytes": report::peak_memory(),
            }),
        })?;
        self.tell("Map", &format!("KL divergence {kl_divergence:.4} of {n_rows} new rows in {seconds:.1} s"));
        let names: Vec<String> = self.outputs.paths().map(shown_path).collect();
        self.tell("Wrote", &names.join(", "));
        Ok(())
    }

    /// Where the columns of the model are among those of the new rows: by name where both have names. None where they
    /// are in the same order.
    fn places(
        &self,
        notes: &Notes,
        names: Option<&[String]>,
        expected: usize,
        got: usize,
    ) -> Result<Option<Vec<usize>>, Failure> {
        if expected != got {
            let what = format!("new rows have {got} features, those of the model {expected}");
            return Err(self.other_columns(what));
        }
        let (Some(wanted), Some(names)) = (&notes.feature_names, names) else { return Ok(None) };
        if wanted == names {
            return Ok(None);
        }
        let place_of: HashMap<&str, usize> =
            names.iter().enumerate().map(|(place, name)| (name.as_str(), place)).collect();
        if let Some(missing) = wanted.iter().find(|name| !place_of.contains_key(name.as_str())) {
            let what = format!("column \"{}\" of the model is not among the new data", shown(missing));
            return Err(self.other_columns(what));
        }
        if place_of.len() < names.len() {
            let what = "columns of the new data share a name, in another order than the model's";
            return Err(self.other_columns(what.to_owned()));
        }
        Ok(Some(wanted.iter().map(|name| place_of[name.as_str()]).collect()))
    }

    /// No new rows have a place in the map, for the way it was made.
    fn cannot_place(&self, notes: &Notes, error: &Error) -> Failure {
        let metric = notes.flag("metric");
        let (what, help) = if metric.as_ref().and_then(toml::Value::as_str) == Some("precomputed") {
            let what = "this map was made of distances, which are not kept: new rows cannot be placed in it";
            (what.to_owned(), "give tsne fit the features in the place of their distances")
        } else if notes.flag("affinities").is_some() {
            (error.to_string(), "make the model of the data, without --affinities")
        } else if notes.flag("graph").is_some() && notes.flag("input").is_none() {
            (error.to_string(), "make the model with the data too: tsne fit INPUT --graph FILE -o FILE.tsne")
        } else {
            (error.to_string(), "make the model with tsne fit -o FILE.tsne")
        };
        Failure::new("E207", what, help).at(shown_path(&self.args.model))
    }

    fn other_columns(&self, what: String) -> Failure {
        let help = "give the columns the model was made of; set others aside with --label, --id or --drop";
        Failure::new("E116", what, help).at(shown_path(&self.args.input))
    }

    fn tell(&self, heading: &str, text: &str) {
        if !self.args.telling.quiet {
            tell(format_args!("{heading:<7}{text}"));
        }
    }
}

/// What a report says of how new rows were placed.
struct Made {
    start: Instant,
    /// Wall time of reading the model and the rows.
    reading: Duration,
    /// Wall time of each stage.
    timings: Vec<(Stage, Duration)>,
    /// Seed of the map.
    seed: Option<u64>,
    n_features: usize,
}

/// When the stages began, in order.
struct Clock(Mutex<Vec<(Stage, Instant)>>);

impl Clock {
    /// A clock that begins with the search for neighbors.
    fn start() -> Self {
        Self(Mutex::new(vec![(Stage::Neighbors, Instant::now())]))
    }

    /// Takes the first sight of a stage for its beginning. Called from any thread.
    fn see<T, const D: usize>(&self, event: &Event<'_, T, D>) {
        let Event::Tick { stage, .. } = event else { return };
        let mut began = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if began.iter().all(|(known, _)| known != stage) {
            began.push((*stage, Instant::now()));
        }
    }

    /// What each stage took: until the next began, the last until now.
    fn timings(self) -> Vec<(Stage, Duration)> {
        let began = self.0.into_inner().unwrap_or_else(PoisonError::into_inner);
        let ends = began.iter().skip(1).map(|(_, time)| *time).chain([Instant::now()]);
        began.iter().zip(ends).map(|(&(stage, from), to)| (stage, to - from)).collect()
    }
}

/// How the flags say that new rows are placed, but for where they start.
fn how<const D: usize>(p: &PlacingArgs) -> Transform<D> {
    Transform::new()
        .perplexities(&p.perplexity)
        .k(p.k)
        .learning_rate(LearningRate::Fixed(p.learning_rate))
        .early_exaggeration(p.early_exaggeration)
        .early_exaggeration_iter(p.early_exaggeration_iter)
        .exaggeration(p.exaggeration)
        .n_iter(p.n_iter)
        .initial_momentum(p.initial_momentum)
        .final_momentum(p.final_momentum)
        .max_grad_norm(p.max_grad_norm.0)
        .max_step_norm(p.max_step_norm.0)
}
